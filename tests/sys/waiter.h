/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of waiting share: a wait in a thread or process of its own, signals, clocks.  The test says what
 * its wait is, and how many stand in line.
 */
#ifndef WAITER_H
#define WAITER_H

#include "object.h"

#include <time.h>

/**
 * struct waiter - a wait in a thread or process of its own
 * @nr: units, where there are any
 * @ret: what it returned
 * @place: the how-many-th to be served, from 1
 */
struct waiter {
	int fd;
	unsigned int nr, flags;
	uint64_t timeout;
	int ret, place;
	struct test_thread t;
	pid_t pid;
};

static int wait_for(const struct waiter *w);
static unsigned int nr_waiters(int fd);

static int served;

static inline int wait_main(void *arg)
{
	struct waiter *w = arg;

	w->ret = wait_for(w);
	w->place = __atomic_add_fetch(&served, 1, __ATOMIC_SEQ_CST);
	return w->ret;
}

static inline int child_main(void *arg)
{
	return -wait_main(arg);
}

/* Starts waiting, and returns when it stands in line. */
static inline void start(struct waiter *w, int fd, unsigned int nr, uint64_t timeout)
{
	unsigned int before = nr_waiters(fd);

	*w = (struct waiter){ .fd = fd, .nr = nr, .timeout = timeout };
	thread_start(&w->t, wait_main, w);
	CHECK_SOON(nr_waiters(fd) == before + 1);
}

static inline void start_process(struct waiter *w, int fd, unsigned int nr, uint64_t timeout)
{
	unsigned int before = nr_waiters(fd);

	*w = (struct waiter){ .fd = fd, .nr = nr, .timeout = timeout };
	w->pid = spawn(child_main, w);
	CHECK_SOON(nr_waiters(fd) == before + 1);
}

static inline uint64_t realtime_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static volatile sig_atomic_t handled;

static inline void handler(int sig)
{
	handled = sig;
}

static inline void on_signal(int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

	CHECK_SYS(sigaction(SIGUSR1, &sa, NULL));
	handled = 0;
}

#endif
