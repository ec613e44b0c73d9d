// SPDX-License-Identifier: GPL-2.0
/*
 * Discarding messages, the figures of a queue, and its memory.  If this fails, a reader cannot get
 * rid of what an earlier one has left, or an owner pays for messages that are gone.
 */
#include "queue-test.h"

static void purge(int q, struct ipcx_select select, uint64_t nr, uint64_t bytes)
{
	struct ipcx_queue_stat before = stat_of(q), after;
	struct ipcx_queue_purge arg;

	POISON(arg);
	arg.size = sizeof(arg);
	arg.flags = 0;
	arg.select = select;
	CHECK_OK(call(q, IPCX_QUEUE_PURGE, &arg));
	CHECK_EQ(arg.nr_msgs, nr);
	CHECK_EQ(arg.bytes, bytes);
	after = stat_of(q);
	CHECK_EQ(after.purged, before.purged + nr);
	CHECK_EQ(after.nr_msgs, before.nr_msgs - nr);
	CHECK_EQ(after.bytes, before.bytes - bytes);
	CHECK_EQ(after.sent, before.sent);
	CHECK_EQ(after.received, before.received);
}

static void fill_queue(int q)
{
	uint64_t i;

	/* types 1 to 5, 20 of each; priorities mixed */
	for (i = 0; i < 100; i++)
		CHECK_OK(send_value(q, 1 + i % 5, i % 3, i));
}

TEST(purge_all)
{
	int q = make_queue(0, 0, 0);

	purge(q, ANY, 0, 0);
	fill_queue(q);
	purge(q, ANY, 100, 800);
	purge(q, ANY, 0, 0);
	CHECK_NONE(q, ANY);
}

TEST(purge_a_type)
{
	int q = make_queue(0, 0, 0);

	fill_queue(q);
	purge(q, TYPE(6), 0, 0);
	purge(q, TYPE(3), 20, 160);
	CHECK_NONE(q, TYPE(3));
	purge(q, TYPE(3), 0, 0);
}

/* Each time the lowest that is left: all up to the limit go. */
TEST(purge_up_to_a_type)
{
	int q = make_queue(0, 0, 0);
	uint64_t value;

	fill_queue(q);
	purge(q, LOWEST(2), 40, 320);
	CHECK_NONE(q, LOWEST(2));
	CHECK_OK(recv_value(q, LOWEST(3), &value));
	CHECK_EQ(value % 5, 2);
}

TEST(purge_all_but_a_type)
{
	int q = make_queue(0, 0, 0);
	uint64_t value;
	int i;

	fill_queue(q);
	purge(q, EXCEPT(4), 80, 640);
	CHECK_NONE(q, EXCEPT(4));
	for (i = 0; i < 20; i++) {
		CHECK_OK(recv_value(q, ANY, &value));
		CHECK_EQ(value % 5, 3);
	}
	CHECK_NONE(q, ANY);
}

static int transmit(void *arg)
{
	return -ipcx_queue_send(*(int *)arg, "12345678", 8);
}

/* Senders that waited come in; what they bring is not what was there. */
TEST(purge_makes_room)
{
	struct test_thread t[2];
	int q = make_queue(3, 0, 0), i;

	for (i = 0; i < 3; i++)
		CHECK_OK(send_value(q, 1, 0, i));
	for (i = 0; i < 2; i++)
		thread_start(&t[i], transmit, &q);
	CHECK_SOON(stat_of(q).nr_senders == 2);
	CHECK_EQ(ipcx_queue_purge(q, NULL), 3);
	for (i = 0; i < 2; i++)
		CHECK_EQ(thread_join(&t[i]), 0);
	CHECK_EQ(stat_of(q).nr_msgs, 2);
}

/* A named queue keeps what an earlier reader has left; the next one sees how much that is. */
TEST(what_an_earlier_reader_has_left)
{
	char name[40];
	int q;

	snprintf(name, sizeof(name), "queue-purge-%d", getpid());
	q = CHECK_OK(ipcx_queue_create(name, NULL, NULL));
	fill_queue(q);
	close(q);
	q = CHECK_OK(ipcx_open(name, IPCX_KIND_QUEUE, IPCX_READ, 0));
	CHECK_EQ(stat_of(q).nr_msgs, 100);
	CHECK_EQ(stat_of(q).bytes, 800);
	purge(q, ANY, 100, 800);
	CHECK_OK(ipcx_unlink(name));
}

TEST(figures_add_up)
{
	int q = make_queue(50, 0, 0), i;
	struct ipcx_queue_stat s;
	uint64_t value;

	for (i = 0; i < 3000; i++) {
		switch (test_random_below(8)) {
		case 0: {
			struct ipcx_select select = TYPE(1 + test_random_below(3));

			CHECK_OK(ipcx_queue_purge(q, &select));
			break;
		}
		case 1: case 2: case 3:
			recv_value(q, ANY, &value);
			break;
		default:
			send_value(q, 1 + test_random_below(3), test_random_below(3), i);
		}
		s = stat_of(q);
		CHECK_EQ(s.sent, s.received + s.purged + s.nr_msgs);
		CHECK_EQ(s.bytes, s.nr_msgs * 8);
		CHECK_LE(s.nr_msgs, s.max_msgs);
	}
}

/* ---- memory ---- */

/* What is kept for the next messages is bounded, and goes with the queue. */
static void check_memory(size_t len, int nr)
{
	uint64_t user = user_charged(), empty, full;
	int q = make_queue(nr, 1ull << 30, 0), round, i;
	char *buf = calloc(1, len + 1);

	empty = charged(q);
	CHECK_EQ(user_charged(), user + empty);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < nr; i++) {
			struct ipcx_msg msg = msg_of(buf, len, 1 + i % 50, i % 7);

			CHECK_OK(ipcx_queue_send_msg(q, &msg, NO_WAIT));
		}
		full = charged(q);
		CHECK_GE(full, empty + nr * len);
		CHECK_EQ(user_charged(), user + full);
		if (round == 1) {
			CHECK_EQ(ipcx_queue_purge(q, NULL), nr);
			CHECK_LE(charged(q), empty + 8192);
		} else {
			for (i = 0; i < nr; i++)
				CHECK_OK(ipcx_queue_recv(q, buf, len));
		}
		CHECK_EQ(user_charged(), user + charged(q));
		CHECK_LE(charged(q), full);
	}
	CHECK_EQ(ipcx_queue_purge(q, NULL), 0);
	CHECK_LE(charged(q), empty + 8192);
	close(q);
	CHECK_EQ(user_charged(), user);
	free(buf);
}

TEST(memory_comes_back)
{
	check_memory(0, 1000);
	check_memory(8, 5000);
	check_memory(200, 2000);
	check_memory(4000, 500);
	check_memory(10000, 200);
	check_memory(100000, 50);
	check_memory(5000000, 5);
}

/* Also what is still in the queue when the last descriptor goes. */
TEST(memory_of_a_full_queue_comes_back)
{
	uint64_t user = user_charged(), i;
	int q = make_queue(20000, 0, 0);

	for (i = 0; i < 20000; i++)
		CHECK_OK(send_value(q, 1 + i % 999, i % 31, i));
	CHECK_GT(user_charged(), user + 20000 * 8);
	close(q);
	CHECK_EQ(user_charged(), user);
}

/* Failures charge nothing. */
TEST(memory_of_failed_calls)
{
	static const size_t lens[] = { 8, 300, 5000, 100000 };
	int q = make_queue(1, 0, 0);
	uint64_t before = 0, after;
	unsigned int i, round;
	char *buf = calloc(1, 100000);

	CHECK_OK(send_value(q, 1, 0, 1));
	for (i = 0; i < 4; i++) {
		for (round = 0; round < 20; round++) {
			struct ipcx_msg bad = ipcx_msg((void *)8, lens[i]),
					good = msg_of(buf, lens[i], 2, 0);

			if (round == 5)
				before = charged(q);
			CHECK_ERR(ipcx_queue_send_msg(q, &bad, NO_WAIT), EFAULT);
			CHECK_ERR(ipcx_queue_send_msg(q, &good, NO_WAIT), EAGAIN);
			CHECK_ERR(ipcx_queue_send_msg(q, &good, 0, 1), ETIMEDOUT);
		}
		after = charged(q);
		CHECK_LE(after, before);
	}
}
