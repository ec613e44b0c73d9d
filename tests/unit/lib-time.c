// SPDX-License-Identifier: GPL-2.0
/*
 * Relative times become absolute ones.  If this fails, a very long timeout wraps around
 * and ends at once.
 */
#define _GNU_SOURCE
#include <ipcx.h>
#include <sys/syscall.h>
#include <time.h>

#include "ipcx-test.h"

/* The time that the clock shows, and which clock was looked at; unset, clocks show their own. */
static struct timespec shown;
static clockid_t looked_at = -1;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	if (!shown.tv_sec)
		return (int)syscall(SYS_clock_gettime, clock, now);
	looked_at = clock;
	*now = shown;
	return 0;
}

/* The clock shows 5.000000007 s while the library looks at it, and only then. */
#define AT_5S(call)							\
	({								\
		uint64_t t__;						\
		shown = (struct timespec){ 5, 7 };			\
		t__ = (call);						\
		shown = (struct timespec){ 0, 0 };			\
		t__;							\
	})

#define NOW	5000000007ULL

TEST(the_clock_is_monotonic)
{
	AT_5S(ipcx_after_ns(0));
	CHECK_EQ(looked_at, CLOCK_MONOTONIC);
}

TEST(after_ns_adds)
{
	CHECK_EQ(AT_5S(ipcx_after_ns(0)), NOW);
	CHECK_EQ(AT_5S(ipcx_after_ns(1)), NOW + 1);
	CHECK_EQ(AT_5S(ipcx_after_ns(3000000000ULL)), NOW + 3000000000ULL);
}

TEST(after_ns_saturates)
{
	uint64_t last = UINT64_MAX - NOW;

	CHECK_EQ(AT_5S(ipcx_after_ns(last - 1)), UINT64_MAX - 1);
	CHECK_EQ(AT_5S(ipcx_after_ns(last)), IPCX_FOREVER);
	CHECK_EQ(AT_5S(ipcx_after_ns(last + 1)), IPCX_FOREVER);
	CHECK_EQ(AT_5S(ipcx_after_ns(UINT64_MAX)), IPCX_FOREVER);
}

TEST(after_ms_adds)
{
	CHECK_EQ(AT_5S(ipcx_after_ms(0)), NOW);
	CHECK_EQ(AT_5S(ipcx_after_ms(1)), NOW + 1000000);
	CHECK_EQ(AT_5S(ipcx_after_ms(UINT32_MAX)), NOW + UINT32_MAX * 1000000ULL);
}

TEST(after_ms_saturates)
{
	/* The last one whose product fits does not fit with the time added to it. */
	uint64_t last = UINT64_MAX / 1000000;

	CHECK_EQ(AT_5S(ipcx_after_ms(last - 5001)), NOW + (last - 5001) * 1000000);
	CHECK_EQ(AT_5S(ipcx_after_ms(last)), IPCX_FOREVER);
	CHECK_EQ(AT_5S(ipcx_after_ms(last + 1)), IPCX_FOREVER);
	CHECK_EQ(AT_5S(ipcx_after_ms(UINT64_MAX)), IPCX_FOREVER);
}

TEST(times_are_in_the_future)
{
	uint64_t before = test_now_ns();

	CHECK_GE(ipcx_after_ms(10), before + 10000000);
	CHECK_LE(ipcx_after_ns(0), test_now_ns());
}

TEST(errno_is_left_alone)
{
	errno = ERANGE;
	ipcx_after_ns(1);
	ipcx_after_ms(UINT64_MAX);
	CHECK_EQ(errno, ERANGE);
}
