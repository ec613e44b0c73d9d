// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Counting semaphores.
 */
#include <limits.h>

#include "internal.h"

int ipcx_sem_create(const char *name, unsigned int initial, unsigned int max,
		    const struct ipcx_options *options)
{
	struct ipcx_sem_create arg = {
		.create.size = sizeof(arg),
		.initial = initial,
		.max = max ? max : INT_MAX,
	};

	return ipcx_internal_create(IPCX_SEM_CREATE, &arg, &arg.create, name, options);
}

int ipcx_sem_post(int sem, unsigned int nr)
{
	struct ipcx_sem_post arg = {
		.size = sizeof(arg),
		.nr = nr,
	};

	return ipcx_internal_ioctl(sem, IPCX_SEM_POST, &arg);
}

int ipcx_sem_wait(int sem, unsigned int nr, unsigned int flags, uint64_t timeout)
{
	struct ipcx_sem_wait arg = {
		.size = sizeof(arg),
		.flags = flags,
		.timeout = timeout,
		.nr = nr,
	};

	return ipcx_internal_ioctl(sem, IPCX_SEM_WAIT, &arg);
}

int ipcx_sem_trywait(int sem, unsigned int nr)
{
	return ipcx_sem_wait(sem, nr, IPCX_NOWAIT, IPCX_FOREVER);
}

int ipcx_sem_stat(int sem, struct ipcx_sem_stat *stat)
{
	struct ipcx_sem_stat arg = { .size = sizeof(arg) };
	int ret;

	ret = ipcx_internal_ioctl(sem, IPCX_SEM_STAT, &arg);
	if (!ret)
		*stat = arg;
	return ret;
}
