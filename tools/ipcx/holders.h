/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who has which object open.
 */
#ifndef IPCX_TOOL_HOLDERS_H
#define IPCX_TOOL_HOLDERS_H

#include <sys/types.h>

#include "util.h"

/**
 * struct holder - a descriptor of an object in some process
 * @rights:	"r", "w", "rw", or empty
 * @depth:	of the object: messages, bytes of a stream or region, units, or whether it is set
 * @sent:	messages, or bytes of a stream, so far; @received: messages
 * @waiters:	on any side
 * The rest is as in struct ipcx_stat.
 */
struct holder {
	pid_t pid;
	int fd;
	char comm[16], rights[8];
	uint64_t id;
	unsigned int kind;
	uint64_t charged, users;
	uint64_t depth, sent, received, waiters;
};

/* All descriptors of processes that the caller may look at; the array is the caller's to free(). */
struct holder *find_holders(unsigned int *nr);

#endif /* IPCX_TOOL_HOLDERS_H */
