/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Orders of waking that are forced: the library's futex(2) goes through here, which can hold a wake-up before or after it,
 * and lets sleepers sleep until they are woken.
 */
#ifndef HELD_FUTEX_H
#define HELD_FUTEX_H

#include <dlfcn.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "ipcx-test.h"

/* What the next FUTEX_WAKE of the thread that calls hold_wake() meets. */
enum hold { HOLD_NOT, HOLD_BEFORE, HOLD_AFTER };
static __thread enum hold hold;
static bool held, let_go;
static int nr_asleep;

static void stop_here(void)
{
	__atomic_store_n(&held, true, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&let_go, __ATOMIC_SEQ_CST))
		sched_yield();
}

/* The library's system calls: a wait has no time-out, and a wake-up may be held. */
long syscall(long nr, ...)
{
	static long (*real)(long nr, ...);
	long a[6], ret;
	va_list ap;

	if (!real)
		real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_futex && a[1] == FUTEX_WAIT) {
		__atomic_add_fetch(&nr_asleep, 1, __ATOMIC_SEQ_CST);
		ret = real(nr, a[0], a[1], a[2], 0, a[4], a[5]);
		__atomic_sub_fetch(&nr_asleep, 1, __ATOMIC_SEQ_CST);
		return ret;
	}
	if (nr == SYS_futex && a[1] == FUTEX_WAKE && hold == HOLD_BEFORE)
		stop_here();
	ret = real(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (nr == SYS_futex && a[1] == FUTEX_WAKE && hold == HOLD_AFTER)
		stop_here();
	hold = HOLD_NOT;
	return ret;
}

static inline bool is_held(void)
{
	return __atomic_load_n(&held, __ATOMIC_SEQ_CST);
}

static inline void let_it_go(void)
{
	__atomic_store_n(&let_go, true, __ATOMIC_SEQ_CST);
}

static inline bool asleep(int nr)
{
	return __atomic_load_n(&nr_asleep, __ATOMIC_SEQ_CST) == nr;
}

#endif /* HELD_FUTEX_H */
