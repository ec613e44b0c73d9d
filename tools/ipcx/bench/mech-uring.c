// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: io_uring over a seqpacket socket pair, and over ipcx queues.  A send is only queued; the next
 * receive takes it along, so that an exchange is one system call at each side.
 */
#include "bench.h"

#include <errno.h>
#include <ipcx-uring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/**
 * struct uring - this process's ring
 * @pending: sends and receives queued or under way
 * @chain: queued last; the next send is linked to it, to keep the order
 * @args: of commands, which must stay until they have completed
 * @msgs: of batches to send and to receive, likewise
 */
struct uring {
	struct io_uring ring;
	unsigned int pending;
	struct io_uring_sqe *chain;
	union {
		struct ipcx_queue_send send;
		struct ipcx_queue_recv recv;
		struct ipcx_queue_batch batch;
	} args[4 * BATCH_NR];
	struct ipcx_msg msgs[2][BATCH_NR];
};

static int setup_uring(struct link *l);
static int setup_ipcx(struct link *l);

static bool is_socket(const struct link *l)
{
	return l->mech->setup == setup_uring;
}

/* Requests are commands, or else write and read. */
static bool is_command(const struct link *l)
{
	return l->mech->setup == setup_ipcx;
}

static int setup_uring(struct link *l)
{
	struct io_uring probe;
	int ret, sv[2];

	ret = io_uring_queue_init(4, &probe, 0);
	if (ret)
		return skip(l, "io_uring_setup: %s (kernel.io_uring_disabled %ld)", strerror(-ret),
			    read_limit("/proc/sys/kernel/io_uring_disabled"));
	io_uring_queue_exit(&probe);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return -errno;
	for (int i = 0; i < 2; i++) {
		int want = (int)(l->capacity * (l->len + l->len / 4 + 4096));

		if (want < 200000)
			continue;
		if (setsockopt(sv[i], SOL_SOCKET, SO_SNDBUFFORCE, &want, sizeof(want)))
			setsockopt(sv[i], SOL_SOCKET, SO_SNDBUF, &want, sizeof(want));
	}
	if (send(sv[0], l->tx, l->len, MSG_DONTWAIT) != (ssize_t)l->len ||
	    recv(sv[1], l->rx, l->len, 0) != (ssize_t)l->len)
		return skip(l, "%zu B do not fit in SO_SNDBUF (net.core.wmem_max %ld)", l->len,
			    read_limit("/proc/sys/net/core/wmem_max"));
	l->fd[0] = l->fd[3] = sv[0];
	l->fd[1] = l->fd[2] = sv[1];
	return 0;
}

/* One queue for each direction. */
static int setup_ipcx(struct link *l)
{
	struct io_uring probe;
	int ret = io_uring_queue_init(4, &probe, 0);

	if (ret)
		return skip(l, "io_uring_setup: %s (kernel.io_uring_disabled %ld)", strerror(-ret),
			    read_limit("/proc/sys/kernel/io_uring_disabled"));
	io_uring_queue_exit(&probe);
	ret = setup_ipcx_queue(l);
	l->fd[2] = l->fd[3] = l->fd[1];
	l->fd[1] = l->fd[0];
	return ret;
}

/* The same; its address tells that requests are write and read. */
static int setup_ipcx_file(struct link *l)
{
	return setup_ipcx(l);
}

/* A ring belongs to the process that made it. */
static int start_uring(struct link *l, int side)
{
	struct uring *u = calloc(1, sizeof(*u));

	(void)side;
	l->priv = u;
	return u ? io_uring_queue_init(4 * BATCH_NR, &u->ring, 0) : -ENOMEM;
}

/* Queued after everything queued before, as one chain; @res is its result if it goes well. */
static int queue(struct link *l, struct io_uring_sqe *sqe, bool ordered, int res)
{
	struct uring *u = l->priv;

	io_uring_sqe_set_data64(sqe, res);

	if (ordered && u->chain)
		u->chain->flags |= IOSQE_IO_LINK;
	u->chain = ordered ? sqe : NULL;
	u->pending++;
	return 0;
}

/* One system call: submit what is queued and wait for all of it. */
static int complete(struct link *l)
{
	struct uring *u = l->priv;
	struct io_uring_cqe *cqe;
	unsigned int head, seen = 0;
	int ret;

	ret = io_uring_submit_and_wait(&u->ring, u->pending);
	if (ret < 0)
		return ret;
	ret = 0;
	io_uring_for_each_cqe(&u->ring, head, cqe) {
		if (cqe->res != (int)cqe->user_data)
			ret = cqe->res < 0 ? cqe->res : -EIO;
		seen++;
	}
	io_uring_cq_advance(&u->ring, seen);
	u->pending -= seen;
	u->chain = NULL;
	return ret ?: u->pending ? -EIO : 0;
}

static struct io_uring_sqe *prep_send(struct link *l, int dir, void *buf, size_t len)
{
	struct uring *u = l->priv;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
	struct ipcx_msg msg = ipcx_msg(buf, len);
	int fd = l->fd[2 * dir];

	if (is_command(l))
		ipcx_uring_prep_queue_send(sqe, fd, &u->args[u->pending].send, &msg, 0, IPCX_FOREVER);
	else if (!is_socket(l))
		io_uring_prep_write(sqe, fd, buf, len, -1);
	else
		io_uring_prep_send(sqe, fd, buf, len, MSG_NOSIGNAL);
	return sqe;
}

static struct io_uring_sqe *prep_recv(struct link *l, int dir, void *buf, size_t len)
{
	struct uring *u = l->priv;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
	struct ipcx_msg msg = ipcx_msg(buf, len);
	int fd = l->fd[2 * dir + 1];

	if (is_command(l))
		ipcx_uring_prep_queue_recv(sqe, fd, &u->args[u->pending].recv, &msg, NULL, 0, IPCX_FOREVER);
	else if (!is_socket(l))
		io_uring_prep_read(sqe, fd, buf, len, -1);
	else
		io_uring_prep_recv(sqe, fd, buf, len, 0);
	return sqe;
}

/* In a stream no receive follows that could take it along. */
static int send_uring(struct link *l, int dir, void *buf, size_t len)
{
	int ret = queue(l, prep_send(l, dir, buf, len), false, is_command(l) ? 0 : len);

	return l->bcase == CASE_STREAM || l->bcase == CASE_OPEN_LOOP ? complete(l) : ret;
}

static int recv_uring(struct link *l, int dir, void *buf, size_t len)
{
	queue(l, prep_recv(l, dir, buf, len), false, is_command(l) ? 0 : len);
	return complete(l);
}

/*
 * A batch in one process: the sends are queued, and go with the receives.  As a stream the sender
 * has nobody to go with.
 */
static int send_batch(struct link *l, int dir, struct iovec *iov, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		queue(l, prep_send(l, dir, iov[i].iov_base, iov[i].iov_len), l->two, l->len);
	return l->two ? complete(l) : 0;
}

static int recv_batch(struct link *l, int dir, struct iovec *iov, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		queue(l, prep_recv(l, dir, iov[i].iov_base, iov[i].iov_len), l->two, l->len);
	return complete(l);
}

/* All messages of a batch are one request. */
static void queue_messages(struct link *l, int fd, unsigned long command, struct ipcx_msg *msgs,
			   struct iovec *iov, unsigned int nr)
{
	struct uring *u = l->priv;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	for (unsigned int i = 0; i < nr; i++)
		msgs[i] = ipcx_msg(iov[i].iov_base, iov[i].iov_len);
	ipcx_uring_prep_queue_batch(sqe, fd, command, &u->args[u->pending].batch, msgs, nr, 0, IPCX_FOREVER);
	queue(l, sqe, l->two, nr);
}

static int send_messages(struct link *l, int dir, struct iovec *iov, unsigned int nr)
{
	struct uring *u = l->priv;

	queue_messages(l, l->fd[2 * dir], IPCX_QUEUE_SENDV, u->msgs[0], iov, nr);
	return l->two ? complete(l) : 0;
}

static int recv_messages(struct link *l, int dir, struct iovec *iov, unsigned int nr)
{
	struct uring *u = l->priv;

	queue_messages(l, l->fd[2 * dir + 1], IPCX_QUEUE_RECVV, u->msgs[1], iov, nr);
	return complete(l);
}

static int flush_uring(struct link *l)
{
	return complete(l);
}

const struct mechanism uring_mechanisms[] = {
	{ .name = "io_uring", .usage = "send and recv requests on a seqpacket pair; a send is "
	  "submitted with the receive that follows; batch and stream: 32 requests in one call",
	  .cases = MESSAGE_CASES | CASE_BIT(CASE_BATCH), .stream_nr = BATCH_NR,
	  .setup = setup_uring, .start = start_uring, .send = send_uring, .recv = recv_uring,
	  .sendv = send_batch, .recvv = recv_batch, .flush = flush_uring },
	{ .name = "ipcx_queue_uring", .usage = "ipcx_uring_prep_queue_send(3) and _recv on an ipcx queue for "
	  "each direction; stream: each its own call; batch: _sendv and _recvv, all messages in one "
	  "request each",
	  .cases = MESSAGE_CASES | CASE_BIT(CASE_BATCH),
	  .setup = setup_ipcx, .start = start_uring, .send = send_uring, .recv = recv_uring,
	  .sendv = send_messages, .recvv = recv_messages, .flush = flush_uring },
	{ .name = "ipcx_uring_rw", .usage = "write and read requests on the same queues, which wait without a "
	  "worker thread; batch: 32 requests in one call",
	  .cases = MESSAGE_CASES | CASE_BIT(CASE_BATCH),
	  .setup = setup_ipcx_file, .start = start_uring, .send = send_uring, .recv = recv_uring,
	  .sendv = send_batch, .recvv = recv_batch, .flush = flush_uring },
	{ 0 }
};
