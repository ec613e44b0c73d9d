/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of libipcx share: system calls that return a negative errno and leave
 * errno alone, and the way to the device.
 */
#ifndef IPCX_INTERNAL_H
#define IPCX_INTERNAL_H

#include <errno.h>
#include <sys/ioctl.h>

#include <ipcx.h>

#define IPCX_HIDDEN __attribute__((visibility("hidden")))

/*
 * ioctl(2), interrupted or not: EINTR is the caller's to judge, never retried here.  Inline,
 * since one more call can be seen in the count of a small message.
 */
static inline int ipcx_internal_ioctl(int fd, unsigned long command, void *arg)
{
	int saved = errno;
	int ret = ioctl(fd, command, arg);

	if (__builtin_expect(ret < 0, 0)) {
		ret = -errno;
		errno = saved;
	}
	return ret;
}

/* device.c */

/*
 * A command on /dev/ipcx: through @device_fd, or, if that is 0, through a descriptor
 * opened for this call.
 */
IPCX_HIDDEN int ipcx_internal_device(int device_fd, unsigned long command, void *arg);

/* object.c */

/*
 * Run the CREATE @command of a kind.  @arg begins with @create; this fills in all of that
 * but its size, to which the caller sets the size of the whole argument.  @options may be
 * NULL.
 */
IPCX_HIDDEN int ipcx_internal_create(unsigned long command, void *arg, struct ipcx_create *create,
				     const char *name, const struct ipcx_options *options);

#endif /* IPCX_INTERNAL_H */
