// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is the same for every kind of object: its creation, its state, its rights, its end.
 */
#include "internal.h"

/*
 * Permission bits of a named object for which none are given: its owner's alone, as
 * mkstemp(3) does.
 */
#define DEFAULT_MODE 0600

int ipcx_internal_create(unsigned long command, void *arg, struct ipcx_create *create,
			 const char *name, const struct ipcx_options *options)
{
	static const struct ipcx_options defaults;

	if (!options)
		options = &defaults;

	create->flags = options->flags;
	create->name = (uintptr_t)name;
	create->mode = options->mode;
	if (name && !create->mode)
		create->mode = DEFAULT_MODE;
	create->rights = options->rights;
	return ipcx_internal_device(options->device_fd, command, arg);
}

int ipcx_restrict(int fd, unsigned int rights)
{
	struct ipcx_restrict arg = {
		.size = sizeof(arg),
		.rights = rights,
	};

	return ipcx_internal_ioctl(fd, IPCX_RESTRICT, &arg);
}

int ipcx_stat(int fd, struct ipcx_stat *stat)
{
	struct ipcx_stat arg = { .size = sizeof(arg) };
	int ret;

	ret = ipcx_internal_ioctl(fd, IPCX_STAT, &arg);
	if (!ret)
		*stat = arg;
	return ret;
}

int ipcx_shutdown(int fd, unsigned int how)
{
	struct ipcx_shutdown arg = {
		.size = sizeof(arg),
		.how = how,
	};

	return ipcx_internal_ioctl(fd, IPCX_SHUTDOWN, &arg);
}
