// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The device: the way to it for a call that has no descriptor, and the calls that concern
 * /dev/ipcx itself and the names that it keeps.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

int ipcx_internal_device(int device_fd, unsigned long command, void *arg)
{
	int saved = errno;
	int ret, fd;

	if (device_fd)
		return ipcx_internal_ioctl(device_fd, command, arg);

	fd = open(IPCX_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		errno = saved;
		return ret;
	}
	ret = ipcx_internal_ioctl(fd, command, arg);
	close(fd);
	errno = saved;
	return ret;
}

int ipcx_query(struct ipcx_query *query)
{
	struct ipcx_query arg = { .size = sizeof(arg) };
	int ret;

	ret = ipcx_internal_device(0, IPCX_QUERY, &arg);
	if (!ret)
		*query = arg;
	return ret;
}

int ipcx_open(const char *name, unsigned int kind, unsigned int rights, unsigned int flags)
{
	struct ipcx_open arg = {
		.size = sizeof(arg),
		.flags = flags,
		.name = (uintptr_t)name,
		.kind = kind,
		.rights = rights || flags & IPCX_OPEN_LOOK ? rights : IPCX_READ | IPCX_WRITE,
	};

	return ipcx_internal_device(0, IPCX_OPEN, &arg);
}

int ipcx_unlink(const char *name)
{
	struct ipcx_unlink arg = {
		.size = sizeof(arg),
		.name = (uintptr_t)name,
	};

	return ipcx_internal_device(0, IPCX_UNLINK, &arg);
}

int ipcx_list(const char *after, struct ipcx_list_entry *entries, unsigned int nr)
{
	struct ipcx_list arg = {
		.size = sizeof(arg),
		.after = (uintptr_t)after,
		.entries = (uintptr_t)entries,
		.nr = nr,
		.entry_size = sizeof(*entries),
	};

	return ipcx_internal_device(0, IPCX_LIST, &arg);
}
