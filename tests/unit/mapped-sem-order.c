// SPDX-License-Identifier: GPL-2.0
/*
 * Mapped semaphores: posts that overtake each other while one of them is waking sleepers, in orders that are forced.  If this fails, units are there and somebody sleeps, until it happens to look again.
 */
#define _GNU_SOURCE
#include <ipcx-ring.h>

#include "held-futex.h"

static char place[IPCX_MSEM_SIZE] __attribute__((aligned(IPCX_MSEM_SIZE)));
static struct ipcx_msem sem;
static int nr_got;

static int take_one(void *arg)
{
	(void)arg;
	CHECK_OK(ipcx_msem_wait(&sem, 1, 0, IPCX_FOREVER));
	__atomic_add_fetch(&nr_got, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static int post_and_be_held(void *arg)
{
	hold = *(enum hold *)arg;
	CHECK_OK(ipcx_msem_post(&sem, 1));
	return 0;
}

static bool got(int nr)
{
	return __atomic_load_n(&nr_got, __ATOMIC_SEQ_CST) == nr;
}

static void sleep_there(struct test_thread *t, int nr)
{
	CHECK_OK(ipcx_msem_place(&sem, place, 0, 10));
	CHECK_OK(ipcx_msem_set_spin(&sem, 0));
	for (int i = 0; i < nr; i++) {
		thread_start(&t[i], take_one, NULL);
		CHECK_SOON(asleep(i + 1));
		CHECK_BLOCKS(t[i].tid);
	}
}

TEST(a_post_while_another_is_about_to_wake)
{
	enum hold before = HOLD_BEFORE;
	struct test_thread t[2], poster;

	sleep_there(t, 2);
	thread_start(&poster, post_and_be_held, &before);
	CHECK_SOON(is_held());
	/* it has said that it wakes the sleepers: this one finds none */
	CHECK_OK(ipcx_msem_post(&sem, 1));
	let_it_go();
	CHECK_SOON(got(2));
	thread_join(&poster);
	for (int i = 0; i < 2; i++)
		thread_join(&t[i]);
	CHECK_EQ(ipcx_msem_value(&sem), 0);
}

TEST(a_post_after_the_one_who_was_woken_has_gone)
{
	enum hold after = HOLD_AFTER;
	struct test_thread t[2], poster;

	sleep_there(t, 2);
	thread_start(&poster, post_and_be_held, &after);
	CHECK_SOON(is_held());
	CHECK_SOON(got(1));
	/* one still sleeps, and only the other post knows */
	CHECK_OK(ipcx_msem_post(&sem, 1));
	let_it_go();
	CHECK_SOON(got(2));
	thread_join(&poster);
	for (int i = 0; i < 2; i++)
		thread_join(&t[i]);
	CHECK_EQ(ipcx_msem_value(&sem), 0);
}
