/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The test harness: cases, checks and the few helpers that tests of blocking
 * calls need.  A test program is one file of cases and no main():
 *
 *	#include "ipcx-test.h"
 *
 *	TEST(receive_takes_the_oldest)
 *	{
 *		CHECK_OK(ipcx_queue_send(q, ...));
 *		CHECK_EQ(len, 5);
 *		CHECK_ERR(ipcx_queue_recv(q, ...), EAGAIN);
 *	}
 *
 * Every case runs in a child process of its own, in its own process group and
 * for a bounded time; a failed check ends that process with a line that says
 * file, line and values, and the other cases go on.  What a case leaves running
 * is killed.  Checks may be used in forked children and threads too; a
 * child that fails a check exits with 1, which CHECK_EXITS(pid, 0) sees.
 *
 * PROGRAM -l lists the cases, PROGRAM CASE... runs only those.  The output is
 * TAP; the exit status is 0, 1 (a case failed) or 77 (all were skipped).
 */
#ifndef IPCX_TEST_H
#define IPCX_TEST_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Users that exist in the machine; any other number works as well. */
#define TEST_UID_ALICE	1000
#define TEST_UID_BOB	1001
#define TEST_UID_NOBODY	65534

/*
 * How long a case and a helper may take, in milliseconds.  A kernel that looks for mistakes gets IPCX_TEST_SLOW times
 * as much, which the runner sets.
 */
#define TEST_CASE_MS	20000
#define TEST_SOON_MS	(10000 * test_slowness)
extern int test_slowness;

/**
 * struct test_case - one registered case
 * @name: as written in TEST()
 * @run: the body
 * @limit_ms: the time after which the case is killed and failed
 * @next: the case written after this one
 */
struct test_case {
	const char *name;
	void (*run)(void);
	unsigned int limit_ms;
	struct test_case *next;
};

void test_register(struct test_case *tc);

#define TEST_LIMIT(id, ms)						\
static void test_run_##id(void);					\
__attribute__((constructor)) static void test_add_##id(void)		\
{									\
	static struct test_case tc = { #id, test_run_##id, (ms), NULL };\
	test_register(&tc);						\
}									\
static void test_run_##id(void)

/* A case; TEST_LIMIT(name, milliseconds) is one that needs longer. */
#define TEST(id)	TEST_LIMIT(id, TEST_CASE_MS)

/* Ends the process: not true, with the reason given like printf's. */
void test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
/* Ends the case as skipped.  Gate on a feature, not on a kernel version. */
void test_skip(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));
/* A "# ..." line in the output. */
void test_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define SKIP(...)	test_skip(__VA_ARGS__)
#define NOTE(...)	test_note(__VA_ARGS__)
#define FAIL(...)	test_fail(__FILE__, __LINE__, __VA_ARGS__)

#define CHECK(cond)							\
	do {								\
		if (!(cond))						\
			FAIL("not true: %s", #cond);			\
	} while (0)

#define TEST_COMPARE(a, op, b)						\
	do {								\
		long long a__ = (long long)(a), b__ = (long long)(b);	\
		if (!(a__ op b__))					\
			FAIL("%s " #op " %s: %lld (%#llx) and %lld (%#llx)",\
			     #a, #b, a__, a__, b__, b__);		\
	} while (0)

/* Numbers, compared as long long, both values printed. */
#define CHECK_EQ(a, b)	TEST_COMPARE(a, ==, b)
#define CHECK_NE(a, b)	TEST_COMPARE(a, !=, b)
#define CHECK_LT(a, b)	TEST_COMPARE(a, <, b)
#define CHECK_LE(a, b)	TEST_COMPARE(a, <=, b)
#define CHECK_GT(a, b)	TEST_COMPARE(a, >, b)
#define CHECK_GE(a, b)	TEST_COMPARE(a, >=, b)

#define CHECK_STR(a, b)							\
	do {								\
		const char *a__ = (a), *b__ = (b);			\
		if (strcmp(a__, b__))					\
			FAIL("%s == %s: \"%s\" and \"%s\"", #a, #b, a__, b__);\
	} while (0)

#define CHECK_MEM(a, b, len)	test_check_mem(__FILE__, __LINE__, #a, a, b, len)
void test_check_mem(const char *file, int line, const char *what,
		    const void *a, const void *b, size_t len);

/* Library calls, which return -errno: success (the value), or exactly @err. */
#define CHECK_OK(call)							\
	({								\
		long long r__ = (call);					\
		if (r__ < 0)						\
			FAIL("%s: %lld (%s)", #call, r__,		\
			     strerror((int)-r__));			\
		r__;							\
	})
#define CHECK_ERR(call, err)						\
	do {								\
		long long r__ = (call);					\
		if (r__ != -(long long)(err))				\
			FAIL("%s: %lld (%s), not -%s", #call, r__,	\
			     r__ < 0 ? strerror((int)-r__) : "success",	\
			     #err);					\
	} while (0)

/* System calls, which return -1 and set errno. */
#define CHECK_SYS(call)							\
	({								\
		long long r__ = (call);					\
		if (r__ < 0)						\
			FAIL("%s: %s", #call, strerror(errno));		\
		r__;							\
	})
#define CHECK_SYS_ERR(call, err)					\
	do {								\
		long long r__ = (call);					\
		int e__ = errno;					\
		if (r__ != -1 || e__ != (err))				\
			FAIL("%s: %lld (%s), not %s", #call, r__,	\
			     r__ == -1 ? strerror(e__) : "success", #err);\
	} while (0)

/* Outputs are poisoned before the call: a byte never written shows. */
#define POISON(lvalue)	memset(&(lvalue), 0xa5, sizeof(lvalue))

/* Monotonic time; the same clock as the module's timeouts. */
uint64_t test_now_ns(void);
void test_pause_ms(unsigned int ms);

/* Waits for a condition instead of for a time: true as soon as it holds. */
#define wait_until(cond, ms)						\
	({								\
		uint64_t end__ = test_now_ns() + (ms) * 1000000ull;	\
		bool ok__;						\
		while (!(ok__ = (cond)) && test_now_ns() < end__)	\
			test_pause_ms(1);				\
		ok__ || (cond);						\
	})
#define CHECK_SOON(cond)						\
	do {								\
		if (!wait_until(cond, TEST_SOON_MS))			\
			FAIL("not within %d ms: %s", TEST_SOON_MS, #cond);\
	} while (0)

/*
 * Is the task (a pid or a tid) asleep in a system call?  @nr names the call
 * (__NR_ioctl, __NR_read, ...), -1 takes any.  A task is asleep when two looks
 * find it so with no switch in between, so a task that only passes through a
 * lock is not taken for a waiting one.
 */
bool task_is_blocked_in(pid_t tid, long nr);
static inline bool task_is_blocked(pid_t tid)
{
	return task_is_blocked_in(tid, -1);
}
#define CHECK_BLOCKS(tid)	CHECK_SOON(task_is_blocked(tid))

/*
 * A child process that runs fn(arg) and exits with its result; it dies with its
 * parent.  spawn_as() gives up root for @uid (gid the same, no other groups).
 */
pid_t spawn(int (*fn)(void *arg), void *arg);
pid_t spawn_as(uid_t uid, int (*fn)(void *arg), void *arg);
/* Becomes @uid for good: for use in a child. */
void as_user(uid_t uid);
/* The wait status of a child that must end within @ms; -1 if it does not. */
int wait_child(pid_t pid, unsigned int ms);
#define CHECK_EXITS(pid, code)						\
	test_check_exits(__FILE__, __LINE__, pid, code, 0)
#define CHECK_KILLED_BY(pid, sig)					\
	test_check_exits(__FILE__, __LINE__, pid, 0, sig)
void test_check_exits(const char *file, int line, pid_t pid, int code, int sig);

/**
 * struct test_thread - a thread whose tid is known once thread_start() returns
 * @tid: for task_is_blocked()
 * @result: what the function returned (valid after thread_join())
 */
struct test_thread {
	pthread_t thread;
	int (*fn)(void *arg);
	void *arg;
	volatile pid_t tid;
	int result;
};

void thread_start(struct test_thread *t, int (*fn)(void *arg), void *arg);
/* Joins within TEST_SOON_MS and returns the result, or fails the case. */
int thread_join(struct test_thread *t);

/*
 * Random numbers for a test.  The seed is printed at the first use;
 * IPCX_TEST_SEED=N in the environment repeats a run.
 */
uint64_t test_random(void);
static inline uint64_t test_random_below(uint64_t n)
{
	return test_random() % n;
}

#endif
