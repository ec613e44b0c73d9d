// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Message queues.  The two short calls are written out, since they are the ones that are called
 * most: each fills in the argument and nothing else.
 */
#include <errno.h>

#include "internal.h"

static const struct ipcx_select select_any = { .how = IPCX_SELECT_ANY };

int ipcx_queue_create(const char *name, const struct ipcx_queue_limits *limits,
		      const struct ipcx_options *options)
{
	struct ipcx_queue_create arg = { .create.size = sizeof(arg) };

	if (limits) {
		arg.max_msgs = limits->max_msgs;
		arg.overflow = limits->overflow;
		arg.max_bytes = limits->max_bytes;
		arg.max_msg_len = limits->max_msg_len;
	}
	return ipcx_internal_create(IPCX_QUEUE_CREATE, &arg, &arg.create, name, options);
}

int ipcx_queue_tap(int queue, const struct ipcx_queue_limits *limits)
{
	struct ipcx_queue_tap arg = { .size = sizeof(arg) };

	if (limits && (limits->overflow || limits->max_msg_len))
		return -EINVAL;
	if (limits) {
		arg.max_msgs = limits->max_msgs;
		arg.max_bytes = limits->max_bytes;
	}
	return ipcx_internal_ioctl(queue, IPCX_QUEUE_TAP, &arg);
}

int ipcx_queue_send_msg(int queue, const struct ipcx_msg *msg, unsigned int flags, uint64_t timeout)
{
	struct ipcx_queue_send arg = {
		.size = sizeof(arg),
		.flags = flags,
		.timeout = timeout,
		.msg = *msg,
	};

	return ipcx_internal_ioctl(queue, IPCX_QUEUE_SEND, &arg);
}

int ipcx_queue_send(int queue, const void *buf, size_t len)
{
	struct ipcx_queue_send arg = {
		.size = sizeof(arg),
		.timeout = IPCX_FOREVER,
		.msg = { .buf = (uintptr_t)buf, .len = len, .type = IPCX_TYPE_MIN },
	};

	return ipcx_internal_ioctl(queue, IPCX_QUEUE_SEND, &arg);
}

int ipcx_queue_sendv(int queue, const struct ipcx_msg *msgs, unsigned int nr, unsigned int flags,
		     uint64_t timeout)
{
	struct ipcx_queue_batch arg = {
		.size = sizeof(arg),
		.flags = flags,
		.timeout = timeout,
		.msgs = (uintptr_t)msgs,
		.nr = nr,
		.msg_size = sizeof(*msgs),
	};

	return ipcx_internal_ioctl(queue, IPCX_QUEUE_SENDV, &arg);
}

/*
 * Only the buffer goes in, so that a caller may use one ipcx_msg again and again.  On
 * error @msg stays as it was, except that -EMSGSIZE tells the size needed.
 */
int ipcx_queue_recv_msg(int queue, struct ipcx_msg *msg, const struct ipcx_select *select,
			unsigned int flags, uint64_t timeout)
{
	struct ipcx_queue_recv arg = {
		.size = sizeof(arg),
		.flags = flags,
		.timeout = timeout,
		.select = select ? *select : select_any,
		.msg.buf = msg->buf,
		.msg.len = msg->len,
	};
	int ret;

	ret = ipcx_internal_ioctl(queue, IPCX_QUEUE_RECV, &arg);
	if (!ret)
		*msg = arg.msg;
	else if (ret == -EMSGSIZE)
		msg->len = arg.msg.len;
	return ret;
}

ssize_t ipcx_queue_recv(int queue, void *buf, size_t len)
{
	struct ipcx_queue_recv arg = {
		.size = sizeof(arg),
		.timeout = IPCX_FOREVER,
		.msg = { .buf = (uintptr_t)buf, .len = len },
	};
	int ret = ipcx_internal_ioctl(queue, IPCX_QUEUE_RECV, &arg);

	return ret ? ret : (ssize_t)arg.msg.len;
}

/*
 * The kernel writes into @msgs itself; what an earlier call left in their flags must not
 * go in again.
 */
int ipcx_queue_recvv(int queue, struct ipcx_msg *msgs, unsigned int nr,
		     const struct ipcx_select *select, unsigned int flags, uint64_t timeout)
{
	struct ipcx_queue_batch arg = {
		.size = sizeof(arg),
		.flags = flags,
		.timeout = timeout,
		.select = select ? *select : select_any,
		.msgs = (uintptr_t)msgs,
		.nr = nr,
		.msg_size = sizeof(*msgs),
	};
	unsigned int i;

	/* one instruction in place of four for each message */
#pragma GCC unroll 8
	for (i = 0; i < nr; i++)
		msgs[i].flags = 0;
	return ipcx_internal_ioctl(queue, IPCX_QUEUE_RECVV, &arg);
}

int64_t ipcx_queue_purge(int queue, const struct ipcx_select *select)
{
	struct ipcx_queue_purge arg = {
		.size = sizeof(arg),
		.select = select ? *select : select_any,
	};
	int ret;

	ret = ipcx_internal_ioctl(queue, IPCX_QUEUE_PURGE, &arg);
	return ret ? ret : (int64_t)arg.nr_msgs;
}

int ipcx_queue_stat(int queue, struct ipcx_queue_stat *stat)
{
	struct ipcx_queue_stat arg = { .size = sizeof(arg) };
	int ret;

	ret = ipcx_internal_ioctl(queue, IPCX_QUEUE_STAT, &arg);
	if (!ret)
		*stat = arg;
	return ret;
}
