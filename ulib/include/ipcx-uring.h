/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests of io_uring for ipcx objects, over liburing; all inline, so that libipcx itself does not depend on it.
 *
 * Each function fills in one submission queue entry, from io_uring_get_sqe(3), and the argument @arg of the
 * command.  @arg, and the buffers that it points to, must stay where they are until the request has completed; then
 * they hold what the function of the same name in <ipcx.h> would have told.  cqe->res is what that function
 * would have returned: 0 or a positive number, or a negative errno.
 *
 * A request is tried at submission.  One that has to wait then waits in a worker thread of io_uring, which
 * io_uring_prep_cancel(3) and the end of the ring or the process interrupt, with -ECANCELED or -EINTR as its
 * result and nothing done.  IPCX_FEATURE_URING in ipcx_query.features tells that the module knows this.
 * The functions may be called from any thread, as long as the ring is used by one at a time.
 */
#ifndef IPCX_URING_H
#define IPCX_URING_H

#include <liburing.h>
#include <string.h>

#include <ipcx.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Any command of <linux/ipcx.h> that goes to an object. */
static inline void ipcx_uring_prep_command(struct io_uring_sqe *sqe, int fd, unsigned long command,
					   void *arg)
{
	struct ipcx_uring_sqe cmd = { (uintptr_t)arg, 0 };

	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	sqe->off = (uint32_t)command;		/* sqe->cmd_op */
	memcpy(&sqe->addr3, &cmd, sizeof(cmd));	/* sqe->cmd */
}

/* ipcx_queue_send_msg(3). */
static inline void ipcx_uring_prep_queue_send(struct io_uring_sqe *sqe, int queue,
					      struct ipcx_queue_send *arg, const struct ipcx_msg *msg,
					      unsigned int flags, uint64_t timeout)
{
	arg->size = sizeof(*arg);
	arg->flags = flags;
	arg->timeout = timeout;
	arg->msg = *msg;
	ipcx_uring_prep_command(sqe, queue, IPCX_QUEUE_SEND, arg);
}

/* ipcx_queue_recv_msg(3); @msg: the buffer.  The message is arg->msg afterwards.  @select: NULL for any. */
static inline void ipcx_uring_prep_queue_recv(struct io_uring_sqe *sqe, int queue,
					      struct ipcx_queue_recv *arg, const struct ipcx_msg *msg,
					      const struct ipcx_select *select, unsigned int flags,
					      uint64_t timeout)
{
	static const struct ipcx_select any = { IPCX_SELECT_ANY, 0 };

	arg->size = sizeof(*arg);
	arg->flags = flags;
	arg->timeout = timeout;
	arg->select = select ? *select : any;
	arg->msg = *msg;
	ipcx_uring_prep_command(sqe, queue, IPCX_QUEUE_RECV, arg);
}

/* ipcx_queue_sendv(3), ipcx_queue_recvv(3). */
static inline void ipcx_uring_prep_queue_batch(struct io_uring_sqe *sqe, int queue, unsigned long command,
					       struct ipcx_queue_batch *arg, struct ipcx_msg *msgs,
					       unsigned int nr, unsigned int flags, uint64_t timeout)
{
	memset(arg, 0, sizeof(*arg));
	arg->size = sizeof(*arg);
	arg->flags = flags;
	arg->timeout = timeout;
	arg->msgs = (uintptr_t)msgs;
	arg->nr = nr;
	arg->msg_size = sizeof(*msgs);
	ipcx_uring_prep_command(sqe, queue, command, arg);
}

static inline void ipcx_uring_prep_queue_sendv(struct io_uring_sqe *sqe, int queue,
					       struct ipcx_queue_batch *arg, struct ipcx_msg *msgs,
					       unsigned int nr, unsigned int flags, uint64_t timeout)
{
	ipcx_uring_prep_queue_batch(sqe, queue, IPCX_QUEUE_SENDV, arg, msgs, nr, flags, timeout);
}

static inline void ipcx_uring_prep_queue_recvv(struct io_uring_sqe *sqe, int queue,
					       struct ipcx_queue_batch *arg, struct ipcx_msg *msgs,
					       unsigned int nr, unsigned int flags, uint64_t timeout)
{
	ipcx_uring_prep_queue_batch(sqe, queue, IPCX_QUEUE_RECVV, arg, msgs, nr, flags, timeout);
}

/* ipcx_sem_post(3). */
static inline void ipcx_uring_prep_sem_post(struct io_uring_sqe *sqe, int sem, struct ipcx_sem_post *arg,
					    unsigned int nr)
{
	memset(arg, 0, sizeof(*arg));
	arg->size = sizeof(*arg);
	arg->nr = nr;
	ipcx_uring_prep_command(sqe, sem, IPCX_SEM_POST, arg);
}

/* ipcx_sem_wait(3). */
static inline void ipcx_uring_prep_sem_wait(struct io_uring_sqe *sqe, int sem, struct ipcx_sem_wait *arg,
					    unsigned int nr, unsigned int flags, uint64_t timeout)
{
	memset(arg, 0, sizeof(*arg));
	arg->size = sizeof(*arg);
	arg->flags = flags;
	arg->timeout = timeout;
	arg->nr = nr;
	ipcx_uring_prep_command(sqe, sem, IPCX_SEM_WAIT, arg);
}

/* ipcx_event_set(3). */
static inline void ipcx_uring_prep_event_set(struct io_uring_sqe *sqe, int event,
					     struct ipcx_event_change *arg)
{
	memset(arg, 0, sizeof(*arg));
	arg->size = sizeof(*arg);
	ipcx_uring_prep_command(sqe, event, IPCX_EVENT_SET, arg);
}

/* ipcx_event_wait(3). */
static inline void ipcx_uring_prep_event_wait(struct io_uring_sqe *sqe, int event,
					      struct ipcx_event_wait *arg, unsigned int flags,
					      uint64_t timeout)
{
	memset(arg, 0, sizeof(*arg));
	arg->size = sizeof(*arg);
	arg->flags = flags;
	arg->timeout = timeout;
	ipcx_uring_prep_command(sqe, event, IPCX_EVENT_WAIT, arg);
}

#ifdef __cplusplus
}
#endif

#endif /* IPCX_URING_H */
