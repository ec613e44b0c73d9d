/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What sem.c and robust.c share.
 */
#ifndef IPCX_SEM_INTERNAL_H
#define IPCX_SEM_INTERNAL_H

#include <linux/hashtable.h>

#include "ipcx.h"

struct ipcx_holder;

/**
 * struct ipcx_sem - a semaphore
 * @obj:	common part
 * @count:	units there (protected by obj.lock)
 * @max:	constant
 * @held:	robust: units held by living processes (protected by obj.lock)
 * @line:	of ipcx_sem_waiter
 * @holders:	robust: who holds how many, by address space (changed under ipcx_holders_lock and obj.lock,
 *		read under either)
 */
struct ipcx_sem {
	struct ipcx_object obj;
	u32 count;
	u32 max;
	u32 held;
	struct ipcx_line line;
	DECLARE_HASHTABLE(holders, 4);
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

void ipcx_sem_add_locked(struct ipcx_sem *sem, u32 nr, struct ipcx_wakes *wakes);

/* ---- robust.c ---- */

struct ipcx_holder *ipcx_holder_get(struct ipcx_sem *sem);
void ipcx_holder_add_locked(struct ipcx_sem *sem, struct ipcx_holder *holder, u32 nr);
void ipcx_holder_sub_locked(struct ipcx_sem *sem, u32 nr);
void ipcx_holders_free(struct ipcx_sem *sem);

#endif /* IPCX_SEM_INTERNAL_H */
