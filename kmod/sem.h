/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What sem.c and robust.c share.
 */
#ifndef IPCX_SEM_INTERNAL_H
#define IPCX_SEM_INTERNAL_H

#include "ipcx.h"

/**
 * struct ipcx_sem - a semaphore
 * @obj:	common part
 * @count:	units there (protected by obj.lock)
 * @max:	constant
 * @held:	robust: units held by living processes (protected by obj.lock)
 * @line:	of ipcx_sem_waiter
 * @holders:	robust: who holds how many
 */
struct ipcx_sem {
	struct ipcx_object obj;
	u32 count;
	u32 max;
	u32 held;
	struct ipcx_line line;
	struct ipcx_holders holders;
};

/**
 * struct ipcx_sem_waiter - a wait for @nr units
 * @wait:	its place in the line
 * @nr:		units
 * @holder:	robust: whose account they go to; NULL otherwise
 */
struct ipcx_sem_waiter {
	struct ipcx_waiter wait;
	u32 nr;
	struct ipcx_holder *holder;
};

#endif /* IPCX_SEM_INTERNAL_H */
