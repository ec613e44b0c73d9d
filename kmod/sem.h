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
 * @held:	robust: units held by living processes, which others may have posted again (protected by obj.lock)
 * @line:	of ipcx_taker.wait
 * @holders:	robust: who holds how many
 */
struct ipcx_sem {
	struct ipcx_object obj;
	u32 count;
	u32 max;
	u64 held;
	struct ipcx_line line;
	struct ipcx_holders holders;
};

#endif /* IPCX_SEM_INTERNAL_H */
