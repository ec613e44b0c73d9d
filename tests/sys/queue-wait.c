// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for a message and for room: who is served, in which order, and until when.  If this
 * fails, a program hangs, is woken for nothing, or overtakes one that came before it.
 */
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>

#include "queue-test.h"

#define MS 1000000ull

/* One call in a thread, and what came of it. */
struct waiter {
	struct test_thread thread;
	int q;
	struct ipcx_select select;
	uint32_t flags;
	uint64_t timeout;
	uint64_t value;		/* sent or received */
	uint32_t type;
	uint64_t len;
	struct ipcx_msg msg;
	int ret;
};

static int receive(void *arg)
{
	struct waiter *w = arg;

	w->msg = ipcx_msg(&w->value, w->len);
	w->ret = ipcx_queue_recv_msg(w->q, &w->msg, &w->select, w->flags, w->timeout);
	return 0;
}

static int transmit(void *arg)
{
	struct waiter *w = arg;
	static char zeros[4096];

	w->msg = msg_of(w->len == sizeof(w->value) ? (void *)&w->value : zeros, w->len, w->type, 0);
	w->ret = ipcx_queue_send_msg(w->q, &w->msg, w->flags, w->timeout);
	return 0;
}

static void start_receiver(struct waiter *w, int q, struct ipcx_select select)
{
	uint32_t nr = stat_of(q).nr_receivers;

	w->q = q;
	w->select = select;
	w->timeout = IPCX_FOREVER;
	if (!w->len)
		w->len = sizeof(w->value);
	thread_start(&w->thread, receive, w);
	CHECK_SOON(stat_of(q).nr_receivers == nr + 1);
	CHECK_BLOCKS(w->thread.tid);
}

static void start_sender(struct waiter *w, int q, uint64_t value)
{
	uint32_t nr = stat_of(q).nr_senders;

	w->q = q;
	w->value = value;
	w->timeout = IPCX_FOREVER;
	if (!w->len)
		w->len = sizeof(w->value);
	if (!w->type)
		w->type = 1;
	thread_start(&w->thread, transmit, w);
	CHECK_SOON(stat_of(q).nr_senders == nr + 1);
	CHECK_BLOCKS(w->thread.tid);
}

static void ends(struct waiter *w, int ret)
{
	thread_join(&w->thread);
	CHECK_EQ(w->ret, ret);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

TEST(a_receiver_waits_for_a_message)
{
	int q = make_queue(0, 0, 0);
	struct waiter w = { 0 };

	start_receiver(&w, q, ANY);
	CHECK_OK(send_value(q, 7, 8, 123));
	ends(&w, 0);
	CHECK_EQ(w.value, 123);
	CHECK_EQ(w.msg.type, 7);
	CHECK_EQ(w.msg.priority, 8);
	CHECK_EQ(w.msg.pid, getpid());
	CHECK_EQ(stat_of(q).nr_receivers, 0);
	CHECK_EQ(stat_of(q).nr_msgs, 0);
	CHECK_EQ(stat_of(q).sent, 1);
	CHECK_EQ(stat_of(q).received, 1);
}

TEST(a_sender_waits_for_room)
{
	int q = make_queue(1, 0, 0);
	struct waiter w = { .type = 3 };

	CHECK_OK(send_value(q, 1, 0, 1));
	start_sender(&w, q, 2);
	CHECK_EQ(stat_of(q).sent, 1);
	CHECK_RECV(q, ANY, 1);
	ends(&w, 0);
	CHECK_EQ(stat_of(q).nr_senders, 0);
	CHECK_EQ(stat_of(q).sent, 2);
	CHECK_RECV(q, TYPE(3), 2);
}

TEST(each_receiver_gets_what_it_asked_for)
{
	struct waiter w[4] = { 0 };
	int q = make_queue(0, 0, 0);

	start_receiver(&w[0], q, TYPE(9));
	start_receiver(&w[1], q, LOWEST(4));
	start_receiver(&w[2], q, EXCEPT(6));
	CHECK_OK(send_value(q, 6, 0, 1));	/* nobody's */
	CHECK_EQ(stat_of(q).nr_msgs, 1);
	CHECK_EQ(stat_of(q).nr_receivers, 3);
	CHECK_OK(send_value(q, 4, 0, 2));
	ends(&w[1], 0);
	CHECK_EQ(w[1].value, 2);
	CHECK_OK(send_value(q, 9, 0, 3));
	ends(&w[0], 0);
	CHECK_EQ(w[0].value, 3);
	CHECK_OK(send_value(q, 5, 0, 4));
	ends(&w[2], 0);
	CHECK_EQ(w[2].value, 4);
	CHECK_RECV(q, ANY, 1);
}

TEST(receivers_are_served_in_the_order_in_which_they_came)
{
	struct waiter w[6] = { 0 };
	int q = make_queue(0, 0, 0), i;

	for (i = 0; i < 6; i++)
		start_receiver(&w[i], q, i == 2 ? TYPE(5) : ANY);
	for (i = 0; i < 2; i++)
		CHECK_OK(send_value(q, 1, 0, i));
	CHECK_OK(send_value(q, 5, 0, 2));
	for (i = 3; i < 6; i++)
		CHECK_OK(send_value(q, 1, 0, i));
	for (i = 0; i < 6; i++) {
		ends(&w[i], 0);
		CHECK_EQ(w[i].value, i);
	}
}

TEST(senders_are_served_in_the_order_in_which_they_came)
{
	struct waiter w[6] = { 0 };
	int q = make_queue(1, 0, 0), i;

	CHECK_OK(send_value(q, 1, 0, 99));
	for (i = 0; i < 6; i++) {
		w[i].type = 10 - i;	/* neither type nor anything else but time counts */
		start_sender(&w[i], q, i);
	}
	CHECK_RECV(q, ANY, 99);
	for (i = 0; i < 6; i++) {
		ends(&w[i], 0);
		CHECK_EQ(stat_of(q).nr_senders, 5 - i);
		CHECK_RECV(q, ANY, i);
	}
}

/* A large message in front is not starved by small ones that would fit. */
TEST(nobody_overtakes_a_waiting_sender)
{
	struct waiter large = { .len = 60 }, small = { 0 };
	int q = make_queue(0, 100, 0);
	char buf[60];

	CHECK_OK(ipcx_queue_send(q, buf, 40));
	CHECK_OK(ipcx_queue_send(q, buf, 50));
	start_sender(&large, q, 0);
	CHECK_ERR(send_value(q, 1, 0, 1), EAGAIN);
	start_sender(&small, q, 2);
	/* room for the one behind, not for the one in front */
	CHECK_EQ(ipcx_queue_recv(q, buf, sizeof(buf)), 40);
	CHECK_EQ(stat_of(q).nr_senders, 2);
	CHECK_EQ(stat_of(q).nr_msgs, 1);
	CHECK_EQ(ipcx_queue_recv(q, buf, sizeof(buf)), 50);
	ends(&large, 0);
	ends(&small, 0);
	CHECK_EQ(ipcx_queue_recv(q, buf, sizeof(buf)), 60);
	CHECK_RECV(q, ANY, 2);
}

/* When the one in front gives up, those behind it get the room that was too small for it. */
TEST(senders_behind_one_that_gives_up)
{
	int q = make_queue(0, 100, 0);
	struct waiter large = { .q = q, .len = 60, .type = 1 },
		      small[2] = { { .q = q }, { .q = q } };
	char buf[90];

	CHECK_OK(ipcx_queue_send(q, buf, 50));
	large.timeout = ipcx_after_ms(1500);
	thread_start(&large.thread, transmit, &large);
	CHECK_SOON(stat_of(q).nr_senders == 1);
	start_sender(&small[0], q, 1);
	start_sender(&small[1], q, 2);
	CHECK_EQ(stat_of(q).nr_senders, 3);
	ends(&large, -ETIMEDOUT);
	ends(&small[0], 0);
	ends(&small[1], 0);
	CHECK_EQ(ipcx_queue_recv(q, buf, sizeof(buf)), 50);
	CHECK_RECV(q, ANY, 1);
	CHECK_RECV(q, ANY, 2);
}

TEST(one_receive_admits_all_that_fit)
{
	struct waiter w[4] = { 0 };
	int q = make_queue(0, 100, 0), i;
	char buf[100];

	CHECK_OK(ipcx_queue_send(q, buf, 76));
	CHECK_OK(ipcx_queue_send(q, buf, 24));
	for (i = 0; i < 4; i++) {
		w[i].len = i == 3 ? 60 : 8;
		start_sender(&w[i], q, i);
	}
	CHECK_EQ(ipcx_queue_recv(q, buf, sizeof(buf)), 76);
	for (i = 0; i < 3; i++)
		ends(&w[i], 0);
	CHECK_EQ(stat_of(q).nr_senders, 1);
	CHECK_EQ(stat_of(q).bytes, 48);
	CHECK_EQ(ipcx_queue_recv(q, buf, sizeof(buf)), 24);
	ends(&w[3], 0);
}

/* The message stays, for the next who has room for it. */
TEST(a_waiting_receiver_with_too_small_a_buffer)
{
	struct waiter small = { .len = 3 }, fits = { 0 };
	int q = make_queue(0, 0, 0);

	start_receiver(&small, q, ANY);
	small.value = 0;
	CHECK_OK(send_value(q, 1, 0, 77));
	ends(&small, -EMSGSIZE);
	CHECK_EQ(small.msg.len, 8);
	CHECK_EQ(small.value, 0);
	CHECK_RECV(q, ANY, 77);

	start_receiver(&small, q, ANY);
	start_receiver(&fits, q, ANY);
	CHECK_OK(send_value(q, 2, 0, 78));
	ends(&small, -EMSGSIZE);
	ends(&fits, 0);
	CHECK_EQ(fits.value, 78);
	CHECK_NONE(q, ANY);
}

TEST(a_waiting_receiver_that_truncates)
{
	struct waiter w = { .len = 3, .flags = IPCX_RECV_TRUNCATE };
	int q = make_queue(0, 0, 0);

	start_receiver(&w, q, ANY);
	w.value = 0;
	CHECK_OK(send_value(q, 1, 0, 0x1122334455));
	ends(&w, 0);
	CHECK_EQ(w.value, 0x334455);
	CHECK_EQ(w.msg.len, 8);
	CHECK_EQ(w.msg.flags, IPCX_MSG_TRUNCATED);
	CHECK_NONE(q, ANY);
}

/*
 * A message of a new level makes the queue allocate in the middle: receivers must hear of it all
 * the same.
 */
TEST(too_small_a_buffer_and_a_new_level)
{
	struct waiter small = { .len = 3 }, peeker = { .flags = IPCX_RECV_PEEK };
	int q = make_queue(0, 0, 0);

	CHECK_OK(send_value(q, 9, 9, 1));
	start_receiver(&small, q, TYPE(2));
	start_receiver(&peeker, q, TYPE(2));
	CHECK_OK(send_value(q, 2, 0, 2));
	ends(&small, -EMSGSIZE);
	CHECK_EQ(small.msg.len, 8);
	ends(&peeker, 0);
	CHECK_EQ(peeker.value, 2);
	CHECK_RECV(q, TYPE(2), 2);
}

TEST(waiting_peekers_all_see_the_message)
{
	struct waiter w[3] = { 0 }, taker = { 0 };
	int q = make_queue(0, 0, 0), i;

	for (i = 0; i < 3; i++) {
		w[i].flags = IPCX_RECV_PEEK;
		start_receiver(&w[i], q, ANY);
	}
	CHECK_OK(send_value(q, 1, 0, 5));
	for (i = 0; i < 3; i++) {
		ends(&w[i], 0);
		CHECK_EQ(w[i].value, 5);
	}
	CHECK_EQ(stat_of(q).received, 0);
	CHECK_RECV(q, ANY, 5);

	/* who takes it comes first: the peeker goes on waiting */
	w[0].flags = IPCX_RECV_PEEK;
	start_receiver(&taker, q, ANY);
	start_receiver(&w[0], q, ANY);
	CHECK_OK(send_value(q, 1, 0, 6));
	ends(&taker, 0);
	CHECK_EQ(taker.value, 6);
	CHECK_EQ(stat_of(q).nr_receivers, 1);
	CHECK_OK(send_value(q, 1, 0, 7));
	ends(&w[0], 0);
	CHECK_EQ(w[0].value, 7);
}

/* ---- not to wait ---- */

TEST(nowait_and_nonblock)
{
	int q = make_queue(1, 0, 0);
	struct ipcx_msg msg;
	uint64_t value;

	CHECK_ERR(recv_until(q, ANY, IPCX_NOWAIT, IPCX_FOREVER, &value), EAGAIN);
	CHECK_SYS(fcntl(q, F_SETFL, O_NONBLOCK));
	CHECK_ERR(recv_until(q, ANY, 0, IPCX_FOREVER, &value), EAGAIN);
	CHECK_OK(send_value(q, 1, 0, 1));
	msg = ipcx_msg(&value, 8);
	CHECK_ERR(ipcx_queue_send_msg(q, &msg, 0, IPCX_FOREVER), EAGAIN);
	CHECK_ERR(ipcx_queue_send(q, &value, 8), EAGAIN);
	CHECK_SYS(fcntl(q, F_SETFL, 0));
	CHECK_ERR(ipcx_queue_send_msg(q, &msg, IPCX_NOWAIT, IPCX_FOREVER), EAGAIN);
	CHECK_EQ(stat_of(q).nr_msgs, 1);
}

TEST(created_nonblocking)
{
	struct ipcx_options options = { .flags = IPCX_CREATE_NONBLOCK };
	int q = CHECK_OK(ipcx_queue_create(NULL, NULL, &options));
	uint64_t value;

	CHECK(fcntl(q, F_GETFL) & O_NONBLOCK);
	CHECK_ERR(recv_until(q, ANY, 0, IPCX_FOREVER, &value), EAGAIN);
}

/* ---- time ---- */

static void check_times_out(int q, bool send, uint32_t flags, clockid_t clock, uint64_t timeout)
{
	uint64_t value = 0, start = now_ns(clock);
	struct ipcx_msg msg = ipcx_msg(&value, sizeof(value));
	int ret = send ? ipcx_queue_send_msg(q, &msg, flags, timeout) :
			 ipcx_queue_recv_msg(q, &msg, NULL, flags, timeout);
	uint64_t end = now_ns(clock);

	CHECK_EQ(ret, -ETIMEDOUT);
	CHECK_GE(end, timeout);
	CHECK_LT(end, (timeout > start ? timeout : start) + 2000 * MS);
	CHECK_EQ(stat_of(q).nr_senders, 0);
	CHECK_EQ(stat_of(q).nr_receivers, 0);
}

TEST(timeouts)
{
	int empty = make_queue(0, 0, 0), full = make_queue(1, 0, 0), i;

	CHECK_OK(send_value(full, 1, 0, 1));
	for (i = 0; i < 4; i++) {
		int q = i % 2 ? full : empty;
		clockid_t clock = i / 2 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
		uint32_t flags = i / 2 ? IPCX_REALTIME : 0;

		check_times_out(q, i % 2, flags, clock, now_ns(clock) + 30 * MS);
		check_times_out(q, i % 2, flags, clock, now_ns(clock) + 1);
		/* in the past: tried once */
		check_times_out(q, i % 2, flags, clock, now_ns(clock) - 1);
		check_times_out(q, i % 2, flags, clock, 1);
		check_times_out(q, i % 2, flags, clock, 0);
	}
	CHECK_EQ(stat_of(full).sent, 1);
}

/* The clocks are years apart: a realtime timeout taken for a monotonic one would hardly end. */
TEST(a_monotonic_time_is_past_on_the_other_clock)
{
	int q = make_queue(0, 0, 0);
	uint64_t value, start = test_now_ns();

	CHECK_ERR(recv_until(q, ANY, IPCX_REALTIME, start + 8000 * MS, &value), ETIMEDOUT);
	CHECK_LT(test_now_ns(), start + 4000 * MS);
}

TEST(a_time_in_the_past_still_tries)
{
	int q = make_queue(1, 0, 0);
	uint64_t value = 5;
	struct ipcx_msg msg = ipcx_msg(&value, 8);

	CHECK_OK(ipcx_queue_send_msg(q, &msg, 0, 0));
	CHECK_OK(recv_until(q, ANY, 0, 0, &value));
	CHECK_EQ(value, 5);
	CHECK_OK(ipcx_queue_send_msg(q, &msg, IPCX_REALTIME, 1));
	CHECK_OK(recv_until(q, ANY, IPCX_REALTIME, 1, &value));
}

/* Longer than any clock runs, but not IPCX_FOREVER: must not wrap into the past. */
TEST(times_too_large_for_a_clock)
{
	static const uint64_t times[] = { IPCX_FOREVER - 1, 1ull << 63, (1ull << 63) - 1,
					  (1ull << 63) + 1 };
	int q = make_queue(0, 0, 0);
	unsigned int i, j;

	for (i = 0; i < 4; i++) {
		for (j = 0; j < 2; j++) {
			struct waiter w = { .q = q,
					    .len = 8,
					    .timeout = times[i],
					    .flags = j ? IPCX_REALTIME : 0 };

			thread_start(&w.thread, receive, &w);
			CHECK_SOON(stat_of(q).nr_receivers == 1);
			CHECK_BLOCKS(w.thread.tid);
			CHECK_OK(send_value(q, 1, 0, i));
			ends(&w, 0);
			CHECK_EQ(w.value, i);
		}
	}
}

TEST(served_before_the_timeout)
{
	struct waiter w = { .len = 8 };
	int q = make_queue(0, 0, 0);

	w.q = q;
	w.timeout = ipcx_after_ms(9000);
	thread_start(&w.thread, receive, &w);
	CHECK_SOON(stat_of(q).nr_receivers == 1);
	CHECK_OK(send_value(q, 1, 0, 3));
	ends(&w, 0);
	CHECK_LT(test_now_ns(), w.timeout);
}
