// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: one message to many receivers, with calls that know one receiver each.  What is
 * written to a pipe can be multiplied by tee(2), which shares the pages instead of copying them.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <ipcx.h>
#include <sys/socket.h>
#include <unistd.h>

/**
 * struct fan - one channel to each receiver
 * @in: where the sender writes to receiver i
 * @out: where that receiver reads
 * @source: with tee(2): the pipe that is multiplied
 */
struct fan {
	int in[NR_RECEIVERS];
	int out[NR_RECEIVERS];
	int source[2];
};

static struct fan fan;			/* a turn is a process and has one */

static int make_pipe(struct link *l, int ends[2])
{
	return pipe2(ends, O_CLOEXEC) ? -errno : size_pipe(l, ends[1]);
}

static int setup_pipes(struct link *l)
{
	int ret = 0;

	for (unsigned int r = 0; !ret && r < l->nr; r++) {
		int ends[2];

		ret = make_pipe(l, ends);
		fan.in[r] = ends[1];
		fan.out[r] = ends[0];
	}
	return ret;
}

static int send_pipes(struct link *l, int dir, void *buf, size_t len)
{
	(void)dir;
	for (unsigned int r = 0; r < l->nr; r++) {
		ssize_t n = write(fan.in[r], buf, len);

		if (n != (ssize_t)len)
			return n < 0 ? -errno : -EIO;
	}
	return 0;
}

static int recv_bytes(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = read(fan.out[dir], buf, len);

	(void)l;
	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

static int setup_tee(struct link *l)
{
	return setup_pipes(l) ?: make_pipe(l, fan.source);
}

/* Written once; all receivers but one share its pages, and the last one gets them. */
static int send_tee(struct link *l, int dir, void *buf, size_t len)
{
	unsigned int last = l->nr - 1;
	ssize_t n = write(fan.source[1], buf, len);

	(void)dir;
	for (unsigned int r = 0; n == (ssize_t)len && r < last; r++)
		n = tee(fan.source[0], fan.in[r], len, 0);
	if (n == (ssize_t)len)
		n = splice(fan.source[0], NULL, fan.in[last], NULL, len, SPLICE_F_MOVE);
	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

static int setup_sockets(struct link *l, int type)
{
	int ret = 0;

	for (unsigned int r = 0; !ret && r < l->nr; r++) {
		int sv[2];

		ret = socket_pair(l, type, sv);
		if (ret)
			break;
		fan.in[r] = sv[0];
		fan.out[r] = sv[1];
		if (send(sv[0], l->tx, l->len, MSG_DONTWAIT) != (ssize_t)l->len ||
		    recv(sv[1], l->rx, l->len, 0) != (ssize_t)l->len)
			ret = skip(l, "%zu B do not fit in SO_SNDBUF (net.core.wmem_max %ld)",
				   l->len, read_limit("/proc/sys/net/core/wmem_max"));
	}
	return ret;
}

static int setup_dgram(struct link *l)
{
	return setup_sockets(l, SOCK_DGRAM);
}

static int setup_seqpacket(struct link *l)
{
	return setup_sockets(l, SOCK_SEQPACKET);
}

static int send_sockets(struct link *l, int dir, void *buf, size_t len)
{
	(void)dir;
	for (unsigned int r = 0; r < l->nr; r++) {
		ssize_t n = send(fan.in[r], buf, len, MSG_NOSIGNAL);

		if (n != (ssize_t)len)
			return n < 0 ? -errno : -EIO;
	}
	return 0;
}

static int recv_message(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = recv(fan.out[dir], buf, len, 0);

	(void)l;
	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

/* One queue, whose sender is no subscriber. */
static int setup_ipcx(struct link *l)
{
	struct ipcx_queue_limits limits = { .max_bytes = l->len > 32768 ? 2 * l->len : 65536 };
	struct ipcx_options options = { .flags = IPCX_QUEUE_BROADCAST };
	int queue = ipcx_queue_create(NULL, &limits, &options);

	if (queue < 0)
		return ipcx_explain(l, queue);
	fan.in[0] = ipcx_restrict(queue, IPCX_WRITE);
	for (unsigned int r = 0; r < l->nr; r++) {
		fan.out[r] = ipcx_restrict(queue, IPCX_READ);
		if (fan.out[r] < 0)
			return ipcx_explain(l, fan.out[r]);
	}
	close(queue);
	return fan.in[0] < 0 ? ipcx_explain(l, fan.in[0]) : 0;
}

static int send_ipcx(struct link *l, int dir, void *buf, size_t len)
{
	(void)l;
	(void)dir;
	return ipcx_queue_send(fan.in[0], buf, len);
}

static int recv_ipcx(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = ipcx_queue_recv(fan.out[dir], buf, len);

	(void)l;
	return n == (ssize_t)len ? 0 : n < 0 ? (int)n : -EIO;
}

static int write_ipcx(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = write(fan.in[0], buf, len);

	(void)l;
	(void)dir;
	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

#define BROADCAST CASE_BIT(CASE_BROADCAST)

const struct mechanism broadcast_mechanisms[] = {
	{ .name = "pipe", .usage = "16 pipes, a write(2) into each",
	  .cases = BROADCAST, .setup = setup_pipes, .send = send_pipes, .recv = recv_bytes },
	{ .name = "tee", .usage = "one write(2) into a pipe, tee(2) to 15 more, splice(2) into the "
	  "last; no copy but the receivers'",
	  .cases = BROADCAST, .setup = setup_tee, .send = send_tee, .recv = recv_bytes },
	{ .name = "unix_dgram", .usage = "16 socket pairs, a send(2) into each",
	  .cases = BROADCAST, .setup = setup_dgram, .send = send_sockets, .recv = recv_message },
	{ .name = "unix_seqpacket", .usage = "16 socket pairs, a send(2) into each",
	  .cases = BROADCAST, .setup = setup_seqpacket, .send = send_sockets, .recv = recv_message },
	{ .name = "ipcx_broadcast", .usage = "ipcx_queue_send() to a broadcast queue, ipcx_queue_recv() by "
	  "each subscriber",
	  .cases = BROADCAST, .setup = setup_ipcx, .send = send_ipcx, .recv = recv_ipcx },
	{ .name = "ipcx_broadcast_rw", .usage = "write(2) and read(2) on the same",
	  .cases = BROADCAST, .setup = setup_ipcx, .send = write_ipcx, .recv = recv_bytes },
	{ 0 }
};
