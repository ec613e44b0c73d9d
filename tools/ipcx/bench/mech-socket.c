// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: AF_UNIX socket pairs of all three types, and TCP over loopback.  Buffers hold whole
 * messages; one recv(2) takes a whole message (MSG_WAITALL where bytes have no boundaries).
 */
#include "bench.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the kernel accounts for one message beyond its bytes, generously. */
#define OVERHEAD	4096

/* The kernel doubles what it is asked for; only root may exceed net.core.wmem_max. */
static void set_buffer(int fd, int force, int option, size_t bytes)
{
	int value = (int)bytes, now = 0;
	socklen_t len = sizeof(now);

	if (getsockopt(fd, SOL_SOCKET, option, &now, &len) || (size_t)now >= 2 * bytes)
		return;
	if (setsockopt(fd, SOL_SOCKET, force, &value, sizeof(value)))
		setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value));
}

static size_t buffer_needed(const struct link *l)
{
	return l->capacity * (l->len + l->len / 4 + OVERHEAD);
}

/* Would all that must stand in the link fit?  Better to find out here than to block later. */
static int try_out(struct link *l)
{
	unsigned int nr;

	for (nr = 0; nr < l->capacity; nr++)
		if (send(l->fd[0], l->tx, l->len, MSG_DONTWAIT) != (ssize_t)l->len)
			return skip(l, "%u x %zu B do not fit in SO_SNDBUF (net.core.wmem_max %ld)",
				    l->capacity, l->len,
				    read_limit("/proc/sys/net/core/wmem_max"));
	while (nr--)
		if (recv(l->fd[1], l->rx, l->len, MSG_WAITALL) != (ssize_t)l->len)
			return -EIO;
	return 0;
}

/* A pair of AF_UNIX sockets whose buffers hold all that must stand in the link. */
int socket_pair(struct link *l, int type, int sv[2])
{
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, sv))
		return -errno;
	for (int i = 0; i < 2; i++)
		set_buffer(sv[i], SO_SNDBUFFORCE, SO_SNDBUF, buffer_needed(l));
	return 0;
}

static int setup_unix(struct link *l, int type)
{
	int sv[2], ret = socket_pair(l, type, sv);

	if (ret)
		return ret;
	l->fd[0] = l->fd[3] = sv[0];
	l->fd[1] = l->fd[2] = sv[1];
	return try_out(l);
}

static int setup_unix_stream(struct link *l)
{
	return setup_unix(l, SOCK_STREAM);
}

static int setup_unix_dgram(struct link *l)
{
	return setup_unix(l, SOCK_DGRAM);
}

static int setup_unix_seqpacket(struct link *l)
{
	return setup_unix(l, SOCK_SEQPACKET);
}

static int setup_tcp(struct link *l)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int listener, sv[2], one = 1;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sv[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || sv[0] < 0)
		return -errno;
	/* The window is agreed when connecting: the sizes come first, and accept inherits them. */
	if (l->capacity * l->len > 16384) {
		for (int i = 0; i < 2; i++) {
			int fd = i ? sv[0] : listener;

			set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, 2 * buffer_needed(l));
			set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, 2 * buffer_needed(l));
		}
	}
	if (bind(listener, (struct sockaddr *)&addr, len) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&addr, &len) ||
	    connect(sv[0], (struct sockaddr *)&addr, len))
		return skip(l, "127.0.0.1 cannot be reached: %s (is lo up?)", strerror(errno));
	sv[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	close(listener);
	if (sv[1] < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		if (setsockopt(sv[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
			return -errno;
	l->fd[0] = l->fd[3] = sv[0];
	l->fd[1] = l->fd[2] = sv[1];
	return try_out(l);
}

static int send_message(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = send(l->fd[2 * dir], buf, len, MSG_NOSIGNAL);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

static int recv_message(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = recv(l->fd[2 * dir + 1], buf, len, 0);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

static int recv_all(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = recv(l->fd[2 * dir + 1], buf, len, MSG_WAITALL);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EPIPE;
}

/* Bytes: one sendmsg(2) with a vector, one recvmsg(2). */
static int send_vector(struct link *l, int dir, struct iovec *iov, unsigned int nr)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = nr };
	ssize_t n = sendmsg(l->fd[2 * dir], &msg, MSG_NOSIGNAL);

	return n == (ssize_t)(nr * l->len) ? 0 : n < 0 ? -errno : -EIO;
}

static int recv_vector(struct link *l, int dir, struct iovec *iov, unsigned int nr)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = nr };
	ssize_t n = recvmsg(l->fd[2 * dir + 1], &msg, MSG_WAITALL);

	return n == (ssize_t)(nr * l->len) ? 0 : n < 0 ? -errno : -EIO;
}

/* Messages: sendmmsg(2) and recvmmsg(2), a vector of one for each. */
static int send_messages(struct link *l, int dir, struct iovec *iov, unsigned int nr)
{
	struct mmsghdr msgs[BATCH_NR];
	int n;

	memset(msgs, 0, nr * sizeof(*msgs));
	for (unsigned int i = 0; i < nr; i++) {
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	n = sendmmsg(l->fd[2 * dir], msgs, nr, MSG_NOSIGNAL);
	return n == (int)nr ? 0 : n < 0 ? -errno : -EIO;
}

static int recv_messages(struct link *l, int dir, struct iovec *iov, unsigned int nr)
{
	struct mmsghdr msgs[BATCH_NR];
	int n;

	memset(msgs, 0, nr * sizeof(*msgs));
	for (unsigned int i = 0; i < nr; i++) {
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(l->fd[2 * dir + 1], msgs, nr, 0, NULL);
	return n == (int)nr ? 0 : n < 0 ? -errno : -EIO;
}

const struct mechanism socket_mechanisms[] = {
	{ .name = "unix_stream", .usage = "send(2) and recv(2) with MSG_WAITALL on a socket pair; "
	  "SO_SNDBUF holds a message; roundtrip: RPC, request and reply over one pair; batch: sendmsg "
	  "and recvmsg with a vector (no boundaries)",
	  .cases = MESSAGE_CASES | CASE_BIT(CASE_BATCH), .setup = setup_unix_stream,
	  .send = send_message, .recv = recv_all, .sendv = send_vector, .recvv = recv_vector },
	{ .name = "unix_dgram", .usage = "send(2) and recv(2) on a connected pair; SO_SNDBUF holds "
	  "a message; batch: sendmmsg and recvmmsg",
	  .cases = MESSAGE_CASES | CASE_BIT(CASE_BATCH) | CASE_BIT(CASE_PROCESSES),
	  .setup = setup_unix_dgram,
	  .send = send_message, .recv = recv_message,
	  .sendv = send_messages, .recvv = recv_messages },
	{ .name = "unix_seqpacket", .usage = "the same with connection and end of file",
	  .cases = MESSAGE_CASES | CASE_BIT(CASE_BATCH) | CASE_BIT(CASE_PROCESSES),
	  .setup = setup_unix_seqpacket,
	  .send = send_message, .recv = recv_message,
	  .sendv = send_messages, .recvv = recv_messages },
	{ .name = "tcp", .usage = "send(2) and recv(2) with MSG_WAITALL over 127.0.0.1, "
	  "TCP_NODELAY, buffers set before connecting; batch: sendmsg and recvmsg",
	  .cases = MESSAGE_CASES | CASE_BIT(CASE_BATCH), .setup = setup_tcp,
	  .send = send_message, .recv = recv_all, .sendv = send_vector, .recvv = recv_vector },
	{ 0 }
};
