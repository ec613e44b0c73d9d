// SPDX-License-Identifier: GPL-2.0
/*
 * Semaphores: what each call passes to the kernel.  If this fails, a wait takes another
 * number of units or waits for another time than was asked for.
 */
#define _GNU_SOURCE
#include "fake-device.h"

TEST(post_passes_the_units)
{
	struct ipcx_sem_post want = { .size = sizeof(want), .nr = 5 };

	CHECK_EQ(ipcx_sem_post(FAKE_FD, 5), 0);
	CHECK_COMMAND(IPCX_SEM_POST, FAKE_FD, want);
}

TEST(wait_passes_units_flags_and_time)
{
	struct ipcx_sem_wait want = {
		.size = sizeof(want),
		.flags = IPCX_REALTIME,
		.timeout = 12345678901234ULL,
		.nr = 5,
	};

	CHECK_EQ(ipcx_sem_wait(FAKE_FD, 5, IPCX_REALTIME, 12345678901234ULL), 0);
	CHECK_COMMAND(IPCX_SEM_WAIT, FAKE_FD, want);
}

TEST(trywait_does_not_wait)
{
	struct ipcx_sem_wait want = {
		.size = sizeof(want),
		.flags = IPCX_NOWAIT,
		.timeout = IPCX_FOREVER,
		.nr = 2,
	};

	CHECK_EQ(ipcx_sem_trywait(FAKE_FD, 2), 0);
	CHECK_COMMAND(IPCX_SEM_WAIT, FAKE_FD, want);
}

TEST(no_units_are_left_to_the_kernel)
{
	struct ipcx_sem_post post = { .size = sizeof(post) };
	struct ipcx_sem_wait wait = { .size = sizeof(wait), .timeout = IPCX_FOREVER };

	CHECK_OK(ipcx_sem_post(FAKE_FD, 0));
	CHECK_COMMAND(IPCX_SEM_POST, FAKE_FD, post);
	CHECK_OK(ipcx_sem_wait(FAKE_FD, 0, 0, IPCX_FOREVER));
	CHECK_COMMAND(IPCX_SEM_WAIT, FAKE_FD, wait);
}

TEST(sem_stat_returns_what_the_module_says)
{
	struct ipcx_sem_stat want = { .size = sizeof(want) };
	struct ipcx_sem_stat out, got;

	memset(&out, 0x5a, sizeof(out));
	fake.out = &out;
	fake.out_len = sizeof(out);
	POISON(got);
	CHECK_OK(ipcx_sem_stat(FAKE_FD, &got));
	CHECK_COMMAND(IPCX_SEM_STAT, FAKE_FD, want);
	CHECK_MEM(&got, &out, sizeof(out));
}
