// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Calls: a message that waits for its reply, and the server that gives it.
 */
#include "internal.h"

int ipcx_queue_call(int queue, const struct ipcx_msg *msg, struct ipcx_msg *reply, unsigned int flags,
		    uint64_t timeout)
{
	struct ipcx_queue_call arg = {
		.size = sizeof(arg),
		.flags = flags,
		.timeout = timeout,
		.msg = *msg,
		.reply = { .buf = reply->buf, .len = reply->len },
	};
	int ret = ipcx_internal_ioctl(queue, IPCX_QUEUE_CALL, &arg);

	if (!ret || ret == -EMSGSIZE) {
		arg.reply.buf = reply->buf;
		*reply = arg.reply;
	}
	return ret;
}

int ipcx_queue_serve(int queue, uint64_t *call, const struct ipcx_msg *reply, struct ipcx_msg *msg,
		     unsigned int flags, uint64_t timeout)
{
	struct ipcx_queue_serve arg = {
		.size = sizeof(arg),
		.flags = flags,
		.timeout = timeout,
		.call = reply ? *call : 0,
		.msg = { .buf = msg->buf, .len = msg->len },
	};
	int ret;

	if (reply)
		arg.reply = *reply;
	ret = ipcx_internal_ioctl(queue, IPCX_QUEUE_SERVE, &arg);
	if (!ret || ret == -EMSGSIZE)
		*msg = arg.msg;
	/* what has been replied to is done with, even if no other message came */
	if (!ret)
		*call = arg.call;
	else if (arg.replied)
		*call = 0;
	return ret;
}

int ipcx_queue_reply(int queue, uint64_t call, const struct ipcx_msg *reply)
{
	struct ipcx_queue_serve arg = {
		.size = sizeof(arg),
		.flags = IPCX_SERVE_REPLY_ONLY,
		.call = call,
		.reply = *reply,
	};

	return ipcx_internal_ioctl(queue, IPCX_QUEUE_SERVE, &arg);
}

int ipcx_queue_call_wanted(int queue, uint64_t call)
{
	struct ipcx_queue_serve arg = {
		.size = sizeof(arg),
		.flags = IPCX_SERVE_CHECK,
		.call = call,
	};
	int ret = ipcx_internal_ioctl(queue, IPCX_QUEUE_SERVE, &arg);

	return ret == -ECANCELED ? 0 : ret ? ret : 1;
}
