// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waiting on shared memory, the slow half: futexes, clocks, and the barrier that waiters run on
 * other processors (see WAKE_BARRIER in park.h).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "park.h"

#define NSEC_PER_SEC 1000000000ULL

bool ipcx_internal_park_register(void)
{
	int saved = errno;
	long ret = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);

	errno = saved;
	return !ret;
}

bool ipcx_internal_park_barrier(void)
{
	int saved = errno;
	long ret;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	ret = syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
	errno = saved;
	return !ret;
}

uint64_t ipcx_internal_now(unsigned int flags)
{
	struct timespec now;

	clock_gettime(flags & IPCX_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

bool ipcx_internal_may_spin(void)
{
	int saved = errno;
	/* Those that are online: the other side need not run where this one may. */
	bool ret = get_nprocs() > 1;

	errno = saved;
	return ret;
}

#define MOST_APART_NS	100		/* what another processor's line takes, or a little more */
#define MEASURE_PAUSES	16
#define MEASURE_TIMES	4		/* the shortest counts: whoever else runs makes them longer */

uint8_t ipcx_internal_most_apart = 1;

void ipcx_internal_measure_pause(void)
{
	uint64_t least = UINT64_MAX, begin, ns, nr;

	for (int i = 0; i < MEASURE_TIMES; i++) {
		begin = ipcx_internal_now(0);
		for (int j = 0; j < MEASURE_PAUSES; j++)
			cpu_relax();
		ns = ipcx_internal_now(0) - begin;
		if (ns < least)
			least = ns;
	}
	nr = least ? MOST_APART_NS * MEASURE_PAUSES / least : UINT8_MAX;
	__atomic_store_n(&ipcx_internal_most_apart, nr < 1 ? 1 : nr < UINT8_MAX ? nr : UINT8_MAX, __ATOMIC_RELAXED);
}

bool ipcx_internal_spin_clock(struct spin *spin, uint64_t ns)
{
	uint64_t now = ipcx_internal_now(0);

	if (!spin->end && __builtin_add_overflow(now, ns, &spin->end))
		spin->end = UINT64_MAX;
	return now < spin->end;
}

int ipcx_internal_park(uint32_t *word, uint32_t value, unsigned int flags, uint64_t timeout,
		       uint64_t look_ns)
{
	int saved = errno, ret = 0;
	bool last = false;
	struct timespec ts;

	if (timeout != IPCX_FOREVER) {
		uint64_t now = ipcx_internal_now(flags);

		if (now >= timeout)
			return -ETIMEDOUT;
		if (timeout - now <= look_ns) {
			look_ns = timeout - now;
			last = true;
		}
	}
	/* Relative: the clock may be set while it sleeps; who comes back looks at it again. */
	ts.tv_sec = look_ns / NSEC_PER_SEC;
	ts.tv_nsec = look_ns % NSEC_PER_SEC;
	if (syscall(SYS_futex, word, FUTEX_WAIT, value, &ts, NULL, 0)) {
		if (errno == EINTR)
			ret = -EINTR;
		else if (errno == ETIMEDOUT && last)
			ret = -ETIMEDOUT;
		else if (errno != ETIMEDOUT && errno != EAGAIN)
			ret = -errno;
	}
	errno = saved;
	return ret;
}

int ipcx_internal_unpark(uint32_t *word, int nr)
{
	int saved = errno;
	long ret = syscall(SYS_futex, word, FUTEX_WAKE, nr, NULL, NULL, 0);

	errno = saved;
	return ret < 0 ? 0 : (int)ret;
}
