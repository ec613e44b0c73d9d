/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of objects, names, regions, semaphores and events share: raw commands, names that
 * vanish with the case, descriptors through a socket, fdinfo.
 */
#ifndef OBJECT_H
#define OBJECT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <ipcx.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "ipcx-test.h"

#define PAGE	4096ul

/* Not an address. */
#define BAD_PTR	((uint64_t)8)

#define NEED_ROOT()							\
	do {								\
		if (geteuid())						\
			SKIP("needs root");				\
	} while (0)

/* Names of this case live in a namespace of its own, which goes with it, even when it fails. */
static inline void own_names(void)
{
	NEED_ROOT();
	CHECK_SYS(unshare(CLONE_NEWNET));
	umask(0);
}

static inline int device(void)
{
	return CHECK_SYS(open(IPCX_DEVICE, O_RDWR | O_CLOEXEC));
}

/* ioctl(2) as the library's functions return: a value or -errno. */
static inline int call(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static inline struct ipcx_stat object_stat(int fd)
{
	struct ipcx_stat st;

	POISON(st);
	CHECK_OK(ipcx_stat(fd, &st));
	return st;
}

static inline struct ipcx_sem_stat sem_stat(int fd)
{
	struct ipcx_sem_stat st;

	POISON(st);
	CHECK_OK(ipcx_sem_stat(fd, &st));
	return st;
}

static inline struct ipcx_event_stat event_stat(int fd)
{
	struct ipcx_event_stat st;

	POISON(st);
	CHECK_OK(ipcx_event_stat(fd, &st));
	return st;
}

static inline struct ipcx_region_stat region_stat(int fd)
{
	struct ipcx_region_stat st;

	POISON(st);
	CHECK_OK(ipcx_region_stat(fd, &st));
	return st;
}

static inline uint64_t used_bytes(void)
{
	struct ipcx_query q;

	POISON(q);
	CHECK_OK(ipcx_query(&q));
	return q.user_bytes_used;
}

/*
 * From here on a user of this case's own is charged, so that what the kernel still cleans up behind another
 * case does not show; returns what that user is charged with.
 */
static inline uint64_t own_account(void)
{
	NEED_ROOT();
	setfsuid(100000 + getpid());
	return used_bytes();
}

static inline int sem(unsigned int initial, unsigned int max)
{
	return CHECK_OK(ipcx_sem_create(NULL, initial, max, NULL));
}

static inline int robust_sem(unsigned int initial, unsigned int max)
{
	struct ipcx_options o = { .flags = IPCX_SEM_ROBUST };

	return CHECK_OK(ipcx_sem_create(NULL, initial, max, &o));
}

/* @flags: 0 (automatic) or IPCX_EVENT_MANUAL. */
static inline int event(unsigned int initial, unsigned int flags)
{
	struct ipcx_options o = { .flags = flags };

	return CHECK_OK(ipcx_event_create(NULL, initial, &o));
}

static inline int region(size_t len)
{
	return CHECK_OK(ipcx_region_create(NULL, len, NULL));
}

static inline int queue(void)
{
	return CHECK_OK(ipcx_queue_create(NULL, NULL, NULL));
}

static inline void *map(int fd, size_t len, int prot)
{
	void *p = mmap(NULL, len, prot, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* For a child that is going to be killed. */
static inline int hang(void)
{
	while (getppid())
		pause();
	return 1;
}

/* How many descriptors this process has open. */
static inline int open_fds(void)
{
	int fd, nr = 0;

	for (fd = 0; fd < 1024; fd++)
		nr += fcntl(fd, F_GETFD) >= 0;
	return nr;
}

static inline size_t read_text(const char *path, char *buf, size_t size)
{
	int fd = CHECK_SYS(open(path, O_RDONLY | O_CLOEXEC));
	size_t len = 0;
	ssize_t ret;

	while (len < size - 1 && (ret = CHECK_SYS(read(fd, buf + len, size - 1 - len))) > 0)
		len += ret;
	buf[len] = '\0';
	close(fd);
	return len;
}

static inline void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		FAIL("%s: %s", path, strerror(errno));
	if (write(fd, text, strlen(text)) < 0)
		FAIL("%s <- \"%s\": %s", path, text, strerror(errno));
	close(fd);
}

/* The value behind "key:\t" in the fdinfo of @fd. */
static inline const char *fdinfo(int fd, const char *key)
{
	static char buf[4096];
	char path[64], *line, *p = buf;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	read_text(path, buf, sizeof(buf));
	while ((line = strsep(&p, "\n"))) {
		char *colon = strchr(line, ':');

		if (colon && (size_t)(colon - line) == strlen(key) &&
		    !strncmp(line, key, colon - line))
			return colon + 1 + (colon[1] == '\t');
	}
	FAIL("no %s in %s", key, path);
}

static inline void send_fd(int sock, int fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct iovec iov = { "x", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	CHECK_EQ(sendmsg(sock, &msg, 0), 1);
}

static inline int recv_fd(int sock)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = {};
	char x;
	struct iovec iov = { &x, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	int fd;

	CHECK_EQ(recvmsg(sock, &msg, MSG_CMSG_CLOEXEC), 1);
	CHECK(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static inline short poll_events(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	CHECK_SYS(poll(&p, 1, 0));
	return p.revents;
}

/* A poller of @fd for @events is woken by fn(its pid), which another process runs. */
static inline void poll_woken(int fd, int events, int (*fn)(void *arg), int expected)
{
	struct pollfd p = { .fd = fd, .events = events };
	pid_t pid = spawn(fn, (void *)(long)getpid());

	CHECK_EQ(poll(&p, 1, TEST_SOON_MS), 1);
	CHECK_EQ(p.revents, expected);
	CHECK_EXITS(pid, 0);
}

/* Does touching the byte kill?  A child finds out; the answer is the signal, or 0. */
static inline int touch_signal(volatile char *p, bool write)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = CHECK_SYS(fork());
	if (!pid) {
		signal(SIGBUS, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		if (write)
			*p = 1;
		else
			(void)*p;
		_exit(0);
	}
	status = wait_child(pid, TEST_SOON_MS);
	CHECK_NE(status, -1);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

#endif
