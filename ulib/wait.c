// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waiting for any, or for all, of several objects; and sets of objects to wait for.
 */
#include "internal.h"

int ipcx_wait(const struct ipcx_wait_entry *entries, unsigned int nr, unsigned int flags,
	      uint64_t timeout, int alert, unsigned int *index)
{
	struct ipcx_wait arg = {
		.size = sizeof(arg),
		.flags = flags,
		.timeout = timeout,
		.entries = (uintptr_t)entries,
		.nr = nr,
		.entry_size = sizeof(*entries),
	};
	int ret;

	if (alert >= 0) {
		arg.flags |= IPCX_WAIT_ALERT;
		arg.alert = alert;
	}
	/* Any object's descriptor knows the command. */
	ret = ipcx_internal_ioctl(nr ? (int)entries[0].fd : alert, IPCX_WAIT, &arg);
	if (ret == -EPIPE && index)
		*index = arg.index;
	return ret;
}

int ipcx_wait_any(const struct ipcx_wait_entry *entries, unsigned int nr, unsigned int flags,
		  uint64_t timeout)
{
	return ipcx_wait(entries, nr, flags, timeout, -1, NULL);
}

int ipcx_wait_all(const struct ipcx_wait_entry *entries, unsigned int nr, unsigned int flags,
		  uint64_t timeout)
{
	return ipcx_wait(entries, nr, flags | IPCX_WAIT_ALL, timeout, -1, NULL);
}

int ipcx_wait_set_create(const struct ipcx_options *options)
{
	struct ipcx_wait_set_create arg = { .create.size = sizeof(arg) };

	return ipcx_internal_create(IPCX_WAIT_SET_CREATE, &arg, &arg.create, NULL, options);
}

int ipcx_wait_set_add(int set, unsigned int index, const struct ipcx_wait_entry *entry)
{
	struct ipcx_wait_set_change arg = {
		.size = sizeof(arg),
		.index = index,
		.entry = *entry,
	};

	return ipcx_internal_ioctl(set, IPCX_WAIT_SET_ADD, &arg);
}

int ipcx_wait_set_remove(int set, unsigned int index)
{
	struct ipcx_wait_set_change arg = {
		.size = sizeof(arg),
		.index = index,
	};

	return ipcx_internal_ioctl(set, IPCX_WAIT_SET_REMOVE, &arg);
}

int ipcx_wait_set_wait(int set, unsigned int flags, uint64_t timeout, unsigned int *index)
{
	struct ipcx_wait_set_wait arg = {
		.size = sizeof(arg),
		.flags = flags,
		.timeout = timeout,
	};
	int ret;

	ret = ipcx_internal_ioctl(set, IPCX_WAIT_SET_WAIT, &arg);
	if (ret == -EPIPE && index)
		*index = arg.index;
	return ret;
}
