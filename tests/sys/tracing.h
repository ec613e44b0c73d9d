/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests that trace share.  Switching an event changes code that the other processor may be running.  Emulation
 * with several threads does not always survive that, in whatever part of the kernel it happens, so in the machine there
 * is one processor while events are switched.
 */
#ifndef TRACING_H
#define TRACING_H

#include "object.h"

#define TRACING	"/sys/kernel/tracing/"
#define CPU1	"/sys/devices/system/cpu/cpu1/online"

static inline void one_processor(void)
{
	if (getenv("IPCX_VM") && !access(CPU1, W_OK))
		write_text(CPU1, "0");
}

static inline void all_processors(void)
{
	if (getenv("IPCX_VM") && !access(CPU1, W_OK))
		write_text(CPU1, "1");
}

#endif /* TRACING_H */
