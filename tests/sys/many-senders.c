// SPDX-License-Identifier: GPL-2.0
/*
 * More senders wait for room than come in under one lock, and one message that leaves makes room for all of them.  If this
 * fails, some of them wait on although there is room.
 */
#include "broadcast-test.h"

#define NR	40
#define LARGE	4096

static int to;

static int send_one(void *arg)
{
	char c = (long)arg;

	return ipcx_queue_send(to, &c, 1);
}

static void all_come_in(int w, int r)
{
	static char buf[LARGE];
	struct test_thread t[NR];
	bool seen[NR] = {};

	to = w;
	CHECK_OK(ipcx_queue_send(w, buf, LARGE));
	for (long i = 0; i < NR; i++)
		thread_start(&t[i], send_one, (void *)i);
	CHECK_SOON(stat_of(w).nr_senders == NR);
	CHECK_EQ(stat_of(w).nr_msgs, 1);
	CHECK_EQ(ipcx_queue_recv(r, buf, LARGE), LARGE);
	for (int i = 0; i < NR; i++)
		CHECK_EQ(thread_join(&t[i]), 0);
	CHECK_EQ(stat_of(w).nr_senders, 0);
	CHECK_EQ(stat_of(w).nr_msgs, NR);
	for (int i = 0; i < NR; i++) {
		CHECK_EQ(ipcx_queue_recv(r, buf, 1), 1);
		CHECK_LT(buf[0], NR);
		CHECK(!seen[(int)buf[0]]);
		seen[(int)buf[0]] = true;
	}
	CHECK_NONE(r, ANY);
}

TEST(of_a_queue)
{
	int q = make_queue(100, LARGE, LARGE);

	all_come_in(q, q);
}

TEST(of_a_broadcast_queue)
{
	struct broadcast b = broadcast_of(100, LARGE, IPCX_OVERFLOW_BLOCK, 1);

	all_come_in(b.w, b.r[0]);
	close_broadcast(&b);
}
