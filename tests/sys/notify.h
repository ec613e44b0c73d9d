/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of notices share: signals that are blocked and taken one by one, and objects of each kind that can be
 * made ready.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "object.h"

#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/resource.h>
#include <time.h>

#define REPEAT	IPCX_NOTIFY_REPEAT
#define READ	IPCX_READY_READ
#define WRITE	IPCX_READY_WRITE
#define SHUT	IPCX_READY_SHUT

/* A queued signal that no C library uses. */
#define SIG	(SIGRTMIN + 3)

static inline int pidfd_of(pid_t pid)
{
	return CHECK_SYS(syscall(SYS_pidfd_open, pid, 0));
}

static inline pid_t tid(void)
{
	return syscall(SYS_gettid);
}

static inline void block(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
}

/* Takes one @signo that has come or comes within @ms; 0 if none does, else @signo. */
static inline int take_within(int signo, siginfo_t *info, unsigned int ms)
{
	struct timespec limit = { ms / 1000, ms % 1000 * 1000000 };
	sigset_t set;
	int ret;

	sigemptyset(&set);
	sigaddset(&set, signo);
	memset(info, 0xa5, sizeof(*info));
	do {
		ret = sigtimedwait(&set, info, &limit);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? 0 : ret;
}

/* @signo has been sent to this process, or the calling thread, with @value. */
static inline void check_signal(int signo, uint64_t value)
{
	siginfo_t info;

	if (!take_within(signo, &info, TEST_SOON_MS))
		FAIL("no signal %d", signo);
	CHECK_EQ(info.si_signo, signo);
	CHECK_EQ(ipcx_notify_value(&info), value);
}

/* Sending is over when the call that makes an object ready is; so what has not come by now does not. */
static inline void check_no_signal(int signo)
{
	siginfo_t info;

	if (take_within(signo, &info, 0))
		FAIL("a signal %d, code %d", signo, info.si_code);
}

/* How many have come. */
static inline int count_signals(int signo)
{
	siginfo_t info;
	int nr = 0;

	while (take_within(signo, &info, 0))
		nr++;
	return nr;
}

static inline int64_t notify_self(int fd, unsigned int ready, uint64_t value, unsigned int flags)
{
	return CHECK_OK(ipcx_notify_process(fd, ready, 0, SIG, value, flags));
}

static inline uint64_t eventfd_count(int fd)
{
	uint64_t count = 0;

	if (read(fd, &count, sizeof(count)) != sizeof(count))
		CHECK_EQ(errno, EAGAIN);
	return count;
}

/* A set whose only object is @fd, of which it can take something. */
static inline int wait_set_of(int fd)
{
	struct ipcx_wait_entry entry = { .fd = fd, .what = IPCX_WAIT_TAKE };
	int set = CHECK_OK(ipcx_wait_set_create(NULL));

	CHECK_OK(ipcx_wait_set_add(set, 0, &entry));
	return set;
}

static inline int new_eventfd(void)
{
	return CHECK_SYS(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

/* ---- one object of each kind that can be watched, not readable ---- */

enum kind { QUEUE, SEM, EVENT, STREAM, NR_KINDS };

static inline int make(enum kind kind)
{
	struct ipcx_queue_limits l = { .max_msgs = 2 };

	switch (kind) {
	case QUEUE:
		return CHECK_OK(ipcx_queue_create(NULL, &l, NULL));
	case SEM:
		return sem(0, 2);
	case EVENT:
		return event(0, 0);
	default:
		return CHECK_OK(ipcx_stream_create(NULL, PAGE, NULL));
	}
}

/* Something is done that makes it readable. */
static inline void fill(enum kind kind, int fd)
{
	switch (kind) {
	case QUEUE:
		CHECK_OK(ipcx_queue_send(fd, "x", 1));
		break;
	case SEM:
		CHECK_OK(ipcx_sem_post(fd, 1));
		break;
	case EVENT:
		CHECK_OK(ipcx_event_set(fd));
		break;
	default:
		CHECK_EQ(write(fd, "x", 1), 1);
		break;
	}
}

/* And that is taken out again. */
static inline void drain(enum kind kind, int fd)
{
	char x;

	switch (kind) {
	case QUEUE:
		CHECK_OK(ipcx_queue_recv(fd, &x, 1));
		break;
	case SEM:
		CHECK_OK(ipcx_sem_trywait(fd, 1));
		break;
	case EVENT:
		CHECK_OK(ipcx_event_wait(fd, IPCX_NOWAIT, 0));
		break;
	default:
		CHECK_EQ(read(fd, &x, 1), 1);
		break;
	}
}

#endif
