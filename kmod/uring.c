// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring: the commands of ioctl(2) as IORING_OP_URING_CMD, a third door to the same operations.
 *
 * A request is tried at once, without waiting.  If it would have to wait, io_uring gives it to a worker of the
 * same process, where it waits as it would in ioctl(2), and can be cancelled like any blocking request.
 */
#include "ipcx.h"

/* IPCX_QUEUE_CALL cannot be tried, and IPCX_QUEUE_SERVE must not be tried twice: it may have replied. */
static bool always_waits(u32 cmd)
{
	return _IOC_NR(cmd) == _IOC_NR(IPCX_QUEUE_CALL) || _IOC_NR(cmd) == _IOC_NR(IPCX_QUEUE_SERVE);
}

/* What users may say of a command (the second is of 6.18): none means anything here, nor would be obeyed. */
#define USERS_FLAGS	(IORING_URING_CMD_FIXED | 1U << 1)

int ipcx_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	const struct ipcx_uring_sqe *sqe = ipcx_uring_cmd_sqe(cmd);
	/* the submission queue is user memory: read once */
	u64 arg = READ_ONCE(sqe->arg);
	bool try_only = issue_flags & IO_URING_F_NONBLOCK;
	bool would_wait;
	long ret;

	if (READ_ONCE(sqe->reserved) || cmd->flags & USERS_FLAGS)
		return -EINVAL;
	if (try_only && always_waits(cmd->cmd_op))
		return -EAGAIN;
	ret = ipcx_command(cmd->file, cmd->cmd_op, u64_to_user_ptr(arg), try_only, &would_wait);
	switch (ret) {
	case -ERESTARTSYS:
		/* nothing has been done: what interrupts a caller who did not wait may be another request of its own */
		return try_only ? -EAGAIN : -EINTR;
	case -EAGAIN:
		if (!try_only || would_wait)
			return -EAGAIN;
		/* the caller did not want to wait, and -EAGAIN as a result would mean just that */
		break;
	default:
		if (ret <= 0)
			return ret;
		/* 6.1 takes a number above 0 for an error: it would break a link, and of a worker's it would never tell */
	}
	ipcx_uring_cmd_done(cmd, ret, issue_flags);
	return -EIOCBQUEUED;
}
