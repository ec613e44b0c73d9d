/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of descriptors in messages share: sending and receiving some, and pipes, whose end of file tells
 * whether somebody still holds the other end.
 */
#ifndef FDS_TEST_H
#define FDS_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "queue-test.h"

#define PAGE	4096ul

#define NEED_ROOT()							\
	do {								\
		if (geteuid())						\
			SKIP("needs root");				\
	} while (0)

static inline int new_queue(void)
{
	return make_queue(0, 0, 0);
}

/* Send the number @value with descriptors, without waiting. */
static inline int send_fds(int q, uint64_t value, const int *fds, unsigned int nr)
{
	struct ipcx_msg msg = msg_of(&value, sizeof(value), 1, 0);

	return ipcx_queue_send_fds(q, &msg, fds, nr, NO_WAIT);
}

static inline int send_fd(int q, uint64_t value, int fd)
{
	return send_fds(q, value, &fd, 1);
}

/* Receive a number with descriptors, without waiting; the message is left in @last_msg. */
static struct ipcx_msg last_msg;

static inline int recv_fds_flags(int q, uint64_t *value, int *fds, unsigned int *nr, unsigned int flags)
{
	POISON(*value);
	last_msg = ipcx_msg(value, sizeof(*value));
	return ipcx_queue_recv_fds(q, &last_msg, fds, nr, NULL, flags | IPCX_NOWAIT, IPCX_FOREVER);
}

/* The next message is @value and brings one descriptor, which is returned. */
static inline int recv_fd_of(int q, uint64_t value)
{
	unsigned int nr = 1;
	uint64_t got;
	int fd = -1;

	CHECK_OK(recv_fds_flags(q, &got, &fd, &nr, 0));
	CHECK_EQ(got, value);
	CHECK_EQ(nr, 1);
	CHECK_EQ(last_msg.flags, IPCX_MSG_FDS);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	return fd;
}

static inline int open_fds(void)
{
	int fd, nr = 0;

	for (fd = 0; fd < 4096; fd++)
		nr += fcntl(fd, F_GETFD) >= 0;
	return nr;
}

static inline void make_pipe(int p[2])
{
	CHECK_SYS(pipe2(p, O_CLOEXEC | O_NONBLOCK));
}

/* Has the last write end of the pipe been closed? */
static inline bool at_end(int read_end)
{
	struct pollfd p = { .fd = read_end, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && p.revents & POLLHUP;
}

/* A message with the write end of a pipe, which nobody else holds; returns the read end. */
static inline int send_pipe(int q, uint64_t value)
{
	int p[2];

	make_pipe(p);
	CHECK_OK(send_fd(q, value, p[1]));
	CHECK_SYS(close(p[1]));
	CHECK(!at_end(p[0]));
	return p[0];
}

/* Are they descriptors of one open file?  Those have their flags in common, whatever the kernel was built with. */
static inline bool same_file(int a, int b)
{
	int flags = CHECK_SYS(fcntl(a, F_GETFL)), before = CHECK_SYS(fcntl(b, F_GETFL));
	bool same;

	CHECK_SYS(fcntl(a, F_SETFL, flags ^ O_NONBLOCK));
	same = flags == before && CHECK_SYS(fcntl(b, F_GETFL)) == (flags ^ O_NONBLOCK);
	CHECK_SYS(fcntl(a, F_SETFL, flags));
	return same;
}

/* The number behind "descriptors:" in the fdinfo of a queue. */
static inline long in_flight(int q)
{
	char path[64], buf[4096], *at;
	int fd;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", q);
	fd = CHECK_SYS(open(path, O_RDONLY | O_CLOEXEC));
	len = CHECK_SYS(read(fd, buf, sizeof(buf) - 1));
	close(fd);
	buf[len] = '\0';
	at = strstr(buf, "\ndescriptors:\t");
	CHECK(at);
	return atol(at + strlen("\ndescriptors:\t"));
}

/*
 * From here on the objects of this case belong to a user of its own, so that what the kernel still cleans up behind
 * another case does not show.
 */
static inline uint64_t own_account(void)
{
	NEED_ROOT();
	syscall(SYS_setfsuid, 100000 + getpid());
	return user_charged();
}

static inline void *pages(size_t nr)
{
	void *p = mmap(NULL, nr * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

#endif
