// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Notices: a signal, or a count in an eventfd, when an object becomes ready.
 */
#include "internal.h"

static int64_t notify(int fd, struct ipcx_notify *arg)
{
	int ret;

	arg->size = sizeof(*arg);
	ret = ipcx_internal_ioctl(fd, IPCX_NOTIFY, arg);
	return ret ? ret : (int64_t)arg->id;
}

int64_t ipcx_notify_process(int fd, unsigned int ready, pid_t pid, int signo, uint64_t value,
			    unsigned int flags)
{
	struct ipcx_notify arg = {
		.flags = flags,
		.ready = ready,
		.how = IPCX_NOTIFY_PROCESS,
		.target = pid,
		.signo = signo,
		.value = value,
	};

	return notify(fd, &arg);
}

int64_t ipcx_notify_thread(int fd, unsigned int ready, pid_t tid, int signo, uint64_t value,
			   unsigned int flags)
{
	struct ipcx_notify arg = {
		.flags = flags,
		.ready = ready,
		.how = IPCX_NOTIFY_THREAD,
		.target = tid,
		.signo = signo,
		.value = value,
	};

	return notify(fd, &arg);
}

int64_t ipcx_notify_pidfd(int fd, unsigned int ready, int pidfd, int signo, uint64_t value,
			  unsigned int flags)
{
	struct ipcx_notify arg = {
		.flags = flags,
		.ready = ready,
		.how = IPCX_NOTIFY_PIDFD,
		.target = pidfd,
		.signo = signo,
		.value = value,
	};

	return notify(fd, &arg);
}

int64_t ipcx_notify_eventfd(int fd, unsigned int ready, int eventfd, unsigned int flags)
{
	struct ipcx_notify arg = {
		.flags = flags,
		.ready = ready,
		.how = IPCX_NOTIFY_EVENTFD,
		.target = eventfd,
	};

	return notify(fd, &arg);
}

int ipcx_notify_cancel(int fd, uint64_t id)
{
	struct ipcx_notify_cancel arg = {
		.size = sizeof(arg),
		.id = id,
	};

	return ipcx_internal_ioctl(fd, IPCX_NOTIFY_CANCEL, &arg);
}
