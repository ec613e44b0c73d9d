// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: descriptors on their way to another process: SCM_RIGHTS, and pidfd_getfd(2), with
 * which the receiver helps itself.
 */
#include "bench.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int passed;			/* what is sent, again and again */

/* Something that can be told from everything else. */
int make_passed(void)
{
	passed = memfd_create("ipcx-bench", MFD_CLOEXEC);
	return passed < 0 ? -errno : passed;
}

/* Close what came; while nothing is measured, make sure that it is what was sent. */
int close_passed(const struct link *l, int fd)
{
	struct stat a, b;

	if (fd < 0 || fd == passed)
		return -EBADMSG;
	if (l->warm && (fstat(passed, &a) || fstat(fd, &b) || a.st_ino != b.st_ino ||
			a.st_dev != b.st_dev))
		return -EBADMSG;
	return close(fd) ? -errno : 0;
}

static int setup_sockets(struct link *l, int type)
{
	int sv[2], ret = make_passed();

	if (ret >= 0)
		ret = socket_pair(l, type, sv);
	if (ret)
		return ret;
	l->fd[0] = sv[0];
	l->fd[1] = sv[1];
	return 0;
}

static int setup_stream(struct link *l)
{
	return setup_sockets(l, SOCK_STREAM);
}

static int setup_dgram(struct link *l)
{
	return setup_sockets(l, SOCK_DGRAM);
}

static int setup_seqpacket(struct link *l)
{
	return setup_sockets(l, SOCK_SEQPACKET);
}

/* A message of one byte: a stream carries no descriptor without one. */
union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

static int send_rights(struct link *l, int dir, void *buf, size_t len)
{
	char byte = 1;
	struct iovec iov = { &byte, 1 };
	union control control;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };

	(void)dir, (void)buf, (void)len;
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &passed, sizeof(int));
	return sendmsg(l->fd[0], &msg, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

static int recv_rights(struct link *l, int dir, void *buf, size_t len)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	union control control;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	int fd;

	(void)dir, (void)buf, (void)len;
	if (recvmsg(l->fd[1], &msg, MSG_CMSG_CLOEXEC) != 1)
		return -errno;
	if (msg.msg_controllen < CMSG_LEN(sizeof(int)) || control.header.cmsg_type != SCM_RIGHTS)
		return -EBADMSG;
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(int));
	return close_passed(l, fd);
}

static int setup_getfd(struct link *l)
{
	int pidfd = syscall(SYS_pidfd_open, getpid(), 0), ret = make_passed(), fd;

	if (ret < 0)
		return ret;
	fd = pidfd < 0 ? pidfd : syscall(SYS_pidfd_getfd, pidfd, passed, 0);
	if (fd < 0)
		return skip(l, "pidfd_getfd: %s", strerror(errno));
	close(fd);
	l->fd[0] = pidfd;
	l->tokens = mechanism_named("eventfd");
	return l->tokens->setup(l);
}

/* Only the news that there is one; its number is known. */
static int send_news(struct link *l, int dir, void *buf, size_t len)
{
	(void)dir, (void)buf, (void)len;
	return l->tokens->send(l, 0, NULL, 0);
}

static int recv_getfd(struct link *l, int dir, void *buf, size_t len)
{
	int ret = l->tokens->recv(l, 0, NULL, 0);

	(void)dir, (void)buf, (void)len;
	if (ret)
		return ret;
	return close_passed(l, syscall(SYS_pidfd_getfd, l->fd[0], passed, 0));
}

#define PASS CASE_BIT(CASE_PASS_FD)

const struct mechanism fd_mechanisms[] = {
	{ .name = "unix_stream", .usage = "SCM_RIGHTS with sendmsg(2) and recvmsg(2)",
	  .cases = PASS, .setup = setup_stream, .send = send_rights, .recv = recv_rights },
	{ .name = "unix_dgram", .usage = "SCM_RIGHTS with sendmsg(2) and recvmsg(2)",
	  .cases = PASS, .setup = setup_dgram, .send = send_rights, .recv = recv_rights },
	{ .name = "unix_seqpacket", .usage = "SCM_RIGHTS with sendmsg(2) and recvmsg(2)",
	  .cases = PASS, .setup = setup_seqpacket, .send = send_rights, .recv = recv_rights },
	{ .name = "pidfd_getfd", .usage = "pidfd_getfd(2), told by an eventfd; needs the right to trace "
	  "the sender",
	  .cases = PASS, .setup = setup_getfd, .send = send_news, .recv = recv_getfd },
	{ 0 }
};
