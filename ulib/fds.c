// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Messages with descriptors.
 */
#include "internal.h"

int ipcx_queue_send_fds(int queue, const struct ipcx_msg *msg, const int *fds, unsigned int nr_fds,
			unsigned int flags, uint64_t timeout)
{
	struct ipcx_queue_send_fds arg = {
		.send.size = sizeof(arg),
		.send.flags = flags,
		.send.timeout = timeout,
		.send.msg = *msg,
		.fds = (uintptr_t)fds,
		.nr_fds = nr_fds,
	};

	return ipcx_internal_ioctl(queue, IPCX_QUEUE_SEND_FDS, &arg);
}

/* As ipcx_queue_recv_msg(): on error nothing changes but the sizes that -EMSGSIZE tells. */
int ipcx_queue_recv_fds(int queue, struct ipcx_msg *msg, int *fds, unsigned int *nr_fds,
			const struct ipcx_select *select, unsigned int flags, uint64_t timeout)
{
	struct ipcx_queue_recv_fds arg = {
		.recv.size = sizeof(arg),
		.recv.flags = flags,
		.recv.timeout = timeout,
		.recv.msg.buf = msg->buf,
		.recv.msg.len = msg->len,
		.fds = (uintptr_t)fds,
		.nr_fds = *nr_fds,
	};
	int ret;

	if (select)
		arg.recv.select = *select;
	ret = ipcx_internal_ioctl(queue, IPCX_QUEUE_RECV_FDS, &arg);
	if (!ret)
		*msg = arg.recv.msg;
	else if (ret == -EMSGSIZE)
		msg->len = arg.recv.msg.len;
	if (!ret || ret == -EMSGSIZE)
		*nr_fds = arg.nr_fds;
	return ret;
}
