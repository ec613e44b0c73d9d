// SPDX-License-Identifier: GPL-2.0
/*
 * The end of a queue's use, in one direction or both, and what becomes of those who wait.  If this
 * fails, a program waits for ever for somebody who has said that nothing more will come.
 */
#include "queue-test.h"

static void check_state(int q, uint32_t want)
{
	struct ipcx_stat stat;

	CHECK_OK(ipcx_stat(q, &stat));
	CHECK_EQ(stat.state, want);
}

TEST(shut_send_lets_receivers_finish)
{
	int q = make_queue(0, 0, 0);
	struct ipcx_select two = TYPE(2);
	uint64_t value;

	CHECK_OK(send_value(q, 1, 0, 10));
	CHECK_OK(send_value(q, 2, 0, 20));
	check_state(q, 0);
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	check_state(q, IPCX_OBJECT_SHUT_SEND);
	CHECK_ERR(send_value(q, 1, 0, 30), EPIPE);
	CHECK_OK(recv_until(q, ANY, IPCX_RECV_PEEK, IPCX_FOREVER, &value));
	CHECK_OK(recv_until(q, two, 0, IPCX_FOREVER, &value));
	CHECK_EQ(value, 20);
	/* none of this type will ever come, others are left */
	CHECK_ERR(recv_until(q, two, 0, IPCX_FOREVER, &value), EPIPE);
	CHECK_ERR(recv_until(q, two, IPCX_NOWAIT, IPCX_FOREVER, &value), EPIPE);
	CHECK_ERR(recv_until(q, two, IPCX_RECV_PEEK, IPCX_FOREVER, &value), EPIPE);
	CHECK_RECV(q, ANY, 10);
	CHECK_ERR(recv_until(q, ANY, 0, IPCX_FOREVER, &value), EPIPE);
	CHECK_EQ(stat_of(q).sent, 2);
	CHECK_EQ(stat_of(q).received, 2);
}

TEST(shut_recv_ends_both)
{
	int q = make_queue(0, 0, 0);
	uint64_t value;

	CHECK_OK(send_value(q, 1, 0, 10));
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_RECV));
	check_state(q, IPCX_OBJECT_SHUT_RECV);
	CHECK_ERR(send_value(q, 1, 0, 30), EPIPE);
	CHECK_ERR(recv_value(q, ANY, &value), EPIPE);
	CHECK_ERR(recv_until(q, ANY, IPCX_RECV_PEEK, IPCX_FOREVER, &value), EPIPE);
	/* what nobody will receive can still be discarded */
	CHECK_EQ(stat_of(q).nr_msgs, 1);
	CHECK_EQ(ipcx_queue_purge(q, NULL), 1);
}

TEST(both_at_once_and_again)
{
	int q = make_queue(0, 0, 0);

	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND | IPCX_SHUT_RECV));
	check_state(q, IPCX_OBJECT_SHUT_SEND | IPCX_OBJECT_SHUT_RECV);
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_RECV));
	check_state(q, IPCX_OBJECT_SHUT_SEND | IPCX_OBJECT_SHUT_RECV);
}

static int receive(void *arg)
{
	uint64_t value;

	return -recv_until(*(int *)arg, TYPE(1), 0, IPCX_FOREVER, &value);
}

static int peek(void *arg)
{
	uint64_t value;

	return -recv_until(*(int *)arg, TYPE(1), IPCX_RECV_PEEK, IPCX_FOREVER, &value);
}

static int transmit(void *arg)
{
	return -ipcx_queue_send(*(int *)arg, "12345678", 8);
}

static void check_waiters(uint32_t how)
{
	int (*fns[])(void *arg) = { receive, receive, peek, transmit, transmit };
	struct test_thread t[5];
	int q = make_queue(1, 0, 0), i;

	CHECK_OK(send_value(q, 2, 0, 1));
	for (i = 0; i < 5; i++)
		thread_start(&t[i], fns[i], &q);
	CHECK_SOON(stat_of(q).nr_receivers == 3 && stat_of(q).nr_senders == 2);
	CHECK_OK(ipcx_shutdown(q, how));
	for (i = 0; i < 5; i++)
		CHECK_EQ(thread_join(&t[i]), EPIPE);
	CHECK_EQ(stat_of(q).nr_receivers, 0);
	CHECK_EQ(stat_of(q).nr_senders, 0);
	CHECK_EQ(stat_of(q).nr_msgs, 1);
	CHECK_EQ(stat_of(q).sent, 1);
}

TEST(waiters_are_woken)
{
	check_waiters(IPCX_SHUT_SEND);
	check_waiters(IPCX_SHUT_RECV);
	check_waiters(IPCX_SHUT_SEND | IPCX_SHUT_RECV);
}

/* A descriptor with one right can end its own direction. */
TEST(with_one_right)
{
	int q = make_queue(0, 0, 0);
	int r = CHECK_OK(ipcx_restrict(q, IPCX_READ)), w = CHECK_OK(ipcx_restrict(q, IPCX_WRITE));

	CHECK_OK(ipcx_shutdown(w, IPCX_SHUT_SEND));
	check_state(r, IPCX_OBJECT_SHUT_SEND);
	CHECK_OK(ipcx_shutdown(r, IPCX_SHUT_RECV));
	check_state(w, IPCX_OBJECT_SHUT_SEND | IPCX_OBJECT_SHUT_RECV);
}

/* A message that comes back after the end of sending is still there. */
TEST(given_back_after_the_end)
{
	struct ipcx_msg msg = ipcx_msg((void *)8, 8);
	int q = make_queue(0, 0, 0);

	CHECK_OK(send_value(q, 1, 0, 5));
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	CHECK_ERR(ipcx_queue_recv_msg(q, &msg, NULL, 0, IPCX_FOREVER), EFAULT);
	CHECK_RECV(q, ANY, 5);
}
