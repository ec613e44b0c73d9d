/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of waits for several objects share: a wait in a thread or process of its own, entries, signals, clocks.
 */
#ifndef WAIT_TEST_H
#define WAIT_TEST_H

#include "object.h"

#include <time.h>

#define TAKE(fd)	ipcx_wait_entry(fd, IPCX_WAIT_TAKE)
#define READABLE(fd)	ipcx_wait_entry(fd, IPCX_WAIT_READABLE)
#define WRITABLE(fd)	ipcx_wait_entry(fd, IPCX_WAIT_WRITABLE)
#define UNITS(fd, n)	((struct ipcx_wait_entry){ fd, IPCX_WAIT_TAKE, n, 0 })

/* The entries of a wait, written as a list. */
#define LIST(...)	(struct ipcx_wait_entry[]){ __VA_ARGS__ }, \
			sizeof((struct ipcx_wait_entry[]){ __VA_ARGS__ }) / sizeof(struct ipcx_wait_entry)

/* What cannot be had now is an error at once. */
#define any_now(...)	ipcx_wait_any(LIST(__VA_ARGS__), IPCX_NOWAIT, 0)
#define all_now(...)	ipcx_wait_all(LIST(__VA_ARGS__), IPCX_NOWAIT, 0)

/**
 * struct many - a wait for several objects in a thread or process of its own
 * @entries:	of the wait; not used with @set
 * @set:	the wait set to wait for instead, or 0
 * @alert:	0 for none
 * @ret:	what it returned
 * @index:	with EPIPE
 * @place:	the how-many-th to be served, from 1
 */
struct many {
	struct ipcx_wait_entry entries[IPCX_WAIT_MAX];
	unsigned int nr, flags;
	uint64_t timeout;
	int set, alert;
	int ret, place;
	unsigned int index;
	struct test_thread t;
	pid_t pid;
};

static int served __attribute__((unused));

static inline int many_main(void *arg)
{
	struct many *m = arg;

	m->index = 99;
	if (m->set)
		m->ret = ipcx_wait_set_wait(m->set, m->flags, m->timeout, &m->index);
	else
		m->ret = ipcx_wait(m->entries, m->nr, m->flags, m->timeout, m->alert ? m->alert : -1, &m->index);
	m->place = __atomic_add_fetch(&served, 1, __ATOMIC_SEQ_CST);
	return m->ret;
}

static inline void many_init(struct many *m, unsigned int flags, const struct ipcx_wait_entry *entries,
			     unsigned int nr)
{
	*m = (struct many){ .nr = nr, .flags = flags, .timeout = IPCX_FOREVER };
	memcpy(m->entries, entries, nr * sizeof(*entries));
}

/* Starts to wait in a thread, and returns when it sleeps. */
static inline void many_start(struct many *m)
{
	thread_start(&m->t, many_main, m);
	CHECK_BLOCKS(m->t.tid);
}

/* The process exits with what the wait returned; an error is 100 plus its number. */
static inline int many_child(void *arg)
{
	int ret = many_main(arg);

	return ret < 0 ? 100 - ret : ret;
}

static inline void many_start_process(struct many *m)
{
	m->pid = spawn(many_child, m);
	CHECK_BLOCKS(m->pid);
}

#define start_any(m, ...)	(many_init(m, 0, LIST(__VA_ARGS__)), many_start(m))
#define start_all(m, ...)	(many_init(m, IPCX_WAIT_ALL, LIST(__VA_ARGS__)), many_start(m))
#define start_any_process(m, ...) (many_init(m, 0, LIST(__VA_ARGS__)), many_start_process(m))
#define start_all_process(m, ...) (many_init(m, IPCX_WAIT_ALL, LIST(__VA_ARGS__)), many_start_process(m))

static inline void start_set(struct many *m, int set, unsigned int flags)
{
	*m = (struct many){ .set = set, .flags = flags, .timeout = IPCX_FOREVER };
	many_start(m);
}

static inline int joined(struct many *m)
{
	return thread_join(&m->t);
}

static inline int set_now(int set, unsigned int flags)
{
	return ipcx_wait_set_wait(set, flags | IPCX_NOWAIT, 0, NULL);
}

static inline void set_add(int set, unsigned int index, struct ipcx_wait_entry entry)
{
	CHECK_OK(ipcx_wait_set_add(set, index, &entry));
}

static inline int wait_set(void)
{
	return CHECK_OK(ipcx_wait_set_create(NULL));
}

static inline unsigned int count(int s)
{
	return sem_stat(s).count;
}

static inline unsigned int waiters(int s)
{
	return sem_stat(s).nr_waiters;
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
