// SPDX-License-Identifier: GPL-2.0
/*
 * Rings of many: a message that is sent while another one's sender is waking, in an order that is forced.  If this fails,
 * there are messages and a receiver sleeps, until it happens to look again.
 */
#define _GNU_SOURCE
#include <ipcx-ring.h>

#include "held-futex.h"

static struct ipcx_ring ends[4];
static int nr_got;

static int receive_one(void *arg)
{
	uint64_t n;

	CHECK_EQ(ipcx_ring_recv(arg, &n, sizeof(n)), sizeof(n));
	__atomic_add_fetch(&nr_got, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static int send_one(void *arg)
{
	uint64_t n = 7;

	hold = HOLD_BEFORE;
	CHECK_EQ(ipcx_ring_send(arg, &n, sizeof(n)), 0);
	return 0;
}

static bool all_got(void)
{
	return __atomic_load_n(&nr_got, __ATOMIC_SEQ_CST) == 2;
}

TEST(a_message_while_the_sender_of_another_is_about_to_wake)
{
	struct ipcx_ring_limits limits = { IPCX_RING_MANY, 8, 8, 0 };
	int fd = (int)CHECK_OK(ipcx_ring_create(NULL, &limits, NULL));
	struct test_thread t[2], sender;
	uint64_t n = 8;
	int i;

	for (i = 0; i < 4; i++) {
		CHECK_EQ(ipcx_ring_attach(&ends[i], fd, i < 2 ? IPCX_RING_RECEIVER : IPCX_RING_SENDER), 0);
		CHECK_OK(ipcx_ring_set_spin(&ends[i], 0));
	}
	for (i = 0; i < 2; i++) {
		thread_start(&t[i], receive_one, &ends[i]);
		CHECK_SOON(asleep(i + 1));
		CHECK_BLOCKS(t[i].tid);
	}
	thread_start(&sender, send_one, &ends[2]);
	CHECK_SOON(is_held());
	/* somebody is being woken, as far as this one sees */
	CHECK_EQ(ipcx_ring_send(&ends[3], &n, sizeof(n)), 0);
	let_it_go();
	CHECK_SOON(all_got());
	thread_join(&sender);
	for (i = 0; i < 2; i++)
		thread_join(&t[i]);
}
