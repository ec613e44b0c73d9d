// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Relative times exist only here: the kernel's timeouts are absolute, so that a call
 * repeated after a signal does not wait longer.
 */
#include <time.h>

#include "internal.h"

#define NSEC_PER_SEC  1000000000ULL
#define NSEC_PER_MSEC 1000000ULL

uint64_t ipcx_after_ns(uint64_t ns)
{
	struct timespec now;
	uint64_t now_ns, ret;

	/* Cannot fail: the clock exists on every Linux, and the pointer is good. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ns = (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
	if (__builtin_add_overflow(now_ns, ns, &ret))
		return IPCX_FOREVER;
	return ret;
}

uint64_t ipcx_after_ms(uint64_t ms)
{
	uint64_t ns;

	if (__builtin_mul_overflow(ms, NSEC_PER_MSEC, &ns))
		return IPCX_FOREVER;
	return ipcx_after_ns(ns);
}
