// SPDX-License-Identifier: GPL-2.0
/*
 * The bounds of a queue: messages, bytes, one message's length, the quota of its owner, and that a
 * deep queue is not a slow one.  If this fails, a sender can take more memory than was agreed, or a
 * queue does not scale.
 */
#include "queue-test.h"

static int try_create(uint32_t max_msgs, uint64_t max_bytes, uint64_t max_msg_len)
{
	struct ipcx_queue_limits limits = { .max_msgs = max_msgs, .max_bytes = max_bytes,
					    .max_msg_len = max_msg_len };

	return ipcx_queue_create(NULL, &limits, NULL);
}

TEST(defaults)
{
	struct ipcx_queue_stat stat = stat_of(make_queue(0, 0, 0));

	CHECK_EQ(stat.max_msgs, 1024);
	CHECK_EQ(stat.max_bytes, 16 << 20);
	CHECK_EQ(stat.max_msg_len, 16 << 20);
	CHECK_EQ(stat.nr_msgs, 0);
	CHECK_EQ(stat.bytes, 0);
	CHECK_EQ(stat.sent, 0);
	CHECK_EQ(stat.received, 0);
	CHECK_EQ(stat.purged, 0);
	CHECK_EQ(stat.nr_senders, 0);
	CHECK_EQ(stat.nr_receivers, 0);
}

TEST(the_length_limit_follows_the_bytes)
{
	CHECK_EQ(stat_of(make_queue(0, 1000, 0)).max_msg_len, 1000);
	CHECK_EQ(stat_of(make_queue(0, 1ull << 30, 0)).max_msg_len, 16 << 20);
}

TEST(limits_at_creation)
{
	struct ipcx_query query;

	CHECK_OK(ipcx_query(&query));
	CHECK_GE(query.max_msgs, 100000);
	CHECK_OK(try_create(query.max_msgs, 0, 0));
	CHECK_ERR(try_create(query.max_msgs + 1, 0, 0), EINVAL);
	CHECK_ERR(try_create(UINT32_MAX, 0, 0), EINVAL);
	CHECK_OK(try_create(0, 1, 0));
	CHECK_ERR(try_create(0, UINT64_MAX, 0), EINVAL);
	CHECK_OK(try_create(0, 1ull << 30, query.max_msg_len));
	CHECK_ERR(try_create(0, 1ull << 30, query.max_msg_len + 1), EINVAL);
	CHECK_ERR(try_create(0, 0, UINT64_MAX), EINVAL);
	CHECK_OK(try_create(0, 100, 100));
	CHECK_ERR(try_create(0, 100, 101), EINVAL);
}

TEST(max_msgs)
{
	int q = make_queue(3, 0, 0);

	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_OK(send_value(q, 1, 0, 2));
	CHECK_OK(send_value(q, 1, 0, 3));
	CHECK_ERR(send_value(q, 1, 0, 4), EAGAIN);
	/* a higher priority does not make room */
	CHECK_ERR(send_value(q, 2, 100, 4), EAGAIN);
	CHECK_EQ(stat_of(q).nr_msgs, 3);
	CHECK_RECV(q, ANY, 1);
	CHECK_OK(send_value(q, 1, 0, 4));
	CHECK_ERR(send_value(q, 1, 0, 5), EAGAIN);
	CHECK_RECV(q, ANY, 2);
	CHECK_RECV(q, ANY, 3);
	CHECK_RECV(q, ANY, 4);
	CHECK_NONE(q, ANY);
}

TEST(max_bytes)
{
	int q = make_queue(0, 20, 0);

	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_OK(send_value(q, 1, 0, 2));
	CHECK_ERR(send_value(q, 1, 0, 3), EAGAIN);
	CHECK_OK(ipcx_queue_send(q, "1234", 4));
	CHECK_EQ(stat_of(q).bytes, 20);
	CHECK_RECV(q, ANY, 1);
	CHECK_OK(send_value(q, 1, 0, 3));
	CHECK_EQ(stat_of(q).bytes, 20);
}

/* A message of nothing needs no bytes, but it is a message. */
TEST(empty_messages_count)
{
	struct ipcx_msg msg = ipcx_msg(NULL, 0);
	int q = make_queue(2, 8, 0);

	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_OK(ipcx_queue_send_msg(q, &msg, NO_WAIT));
	CHECK_ERR(ipcx_queue_send_msg(q, &msg, NO_WAIT), EAGAIN);
}

/* Too large for ever is another error than no room now. */
TEST(max_msg_len)
{
	struct ipcx_msg msg = ipcx_msg("123456789", 9);
	int q = make_queue(0, 100, 8);

	CHECK_ERR(ipcx_queue_send_msg(q, &msg, 0, IPCX_FOREVER), EMSGSIZE);
	CHECK_EQ(stat_of(q).sent, 0);
	msg.len = 8;
	CHECK_OK(ipcx_queue_send_msg(q, &msg, NO_WAIT));
}

/* The quota is the owner's, and comes back. */
static int use_up_quota(void *arg)
{
	static char buf[1 << 20];
	int q = make_queue(0, 1ull << 30, 0);
	struct ipcx_msg msg = ipcx_msg(buf, sizeof(buf));
	uint64_t before = user_charged();
	struct ipcx_query query;
	int nr = 0, ret;

	(void)arg;
	while ((ret = ipcx_queue_send_msg(q, &msg, NO_WAIT)) == 0)
		nr++;
	CHECK_EQ(ret, -EDQUOT);
	CHECK_OK(ipcx_query(&query));
	CHECK_LE(query.user_bytes_used, query.user_bytes);
	CHECK_GT(query.user_bytes_used + 2 * sizeof(buf), query.user_bytes);
	CHECK_EQ(stat_of(q).nr_msgs, nr);
	CHECK_EQ(stat_of(q).sent, nr);

	/* small ones still fit, until they do not */
	msg.len = 0;
	CHECK_OK(ipcx_queue_send_msg(q, &msg, NO_WAIT));
	msg.len = sizeof(buf);
	CHECK_OK(ipcx_queue_recv(q, buf, sizeof(buf)));
	CHECK_OK(ipcx_queue_send_msg(q, &msg, NO_WAIT));
	CHECK_ERR(ipcx_queue_send_msg(q, &msg, NO_WAIT), EDQUOT);

	CHECK_EQ(ipcx_queue_purge(q, NULL), nr + 1);
	CHECK_LE(user_charged(), before + 64 * 1024);
	close(q);
	CHECK_EQ(user_charged(), 0);
	return 0;
}

TEST(the_quota_of_the_owner)
{
	CHECK_EXITS(spawn_as(4711, use_up_quota, NULL), 0);
}

/* Whoever sends, the owner of the queue pays. */
static int send_as_other(void *arg)
{
	int q = *(int *)arg;

	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_EQ(user_charged(), 0);
	return 0;
}

TEST(the_owner_pays)
{
	int q = make_queue(0, 0, 0);
	uint64_t before = charged(q);

	CHECK_EXITS(spawn_as(4712, send_as_other, &q), 0);
	CHECK_GT(charged(q), before);
}

/* ---- depth ---- */

#define DEEP	100000

static uint64_t pass_ns(int q, uint32_t type, uint32_t priority, unsigned int rounds)
{
	uint64_t start = test_now_ns(), value;
	unsigned int i;

	for (i = 0; i < rounds; i++) {
		CHECK_OK(send_value(q, type, priority, i));
		CHECK_OK(recv_value(q, TYPE(type), &value));
		CHECK_EQ(value, i);
	}
	return test_now_ns() - start;
}

/* The shortest of some times, since others run here too. */
static uint64_t best_pass_ns(int q, uint32_t type, uint32_t priority)
{
	uint64_t best = UINT64_MAX;
	int i;

	for (i = 0; i < 8; i++) {
		uint64_t ns = pass_ns(q, type, priority, 50);

		if (ns < best)
			best = ns;
	}
	return best;
}

/* One message among 100,000 costs what it costs among none, whatever is asked for. */
static void check_deep(uint32_t nr_types, uint32_t nr_priorities)
{
	int q = make_queue(DEEP + 1, 0, 0);
	uint64_t before = user_charged(), empty, deep, value, i;

	empty = best_pass_ns(q, nr_types + 1, 0);
	for (i = 0; i < DEEP; i++)
		CHECK_OK(send_value(q, 1 + i % nr_types, i / 7 % nr_priorities, i));
	CHECK_EQ(stat_of(q).nr_msgs, DEEP);
	deep = best_pass_ns(q, nr_types + 1, 0);
	NOTE("50 sends and receives: %llu us alone, %llu us among %d",
	     (unsigned long long)empty / 1000, (unsigned long long)deep / 1000, DEEP);
	CHECK_LT(deep, empty * 8);
	CHECK_OK(recv_value(q, EXCEPT(1), &value));
	CHECK_OK(recv_value(q, LOWEST(nr_types), &value));
	CHECK_EQ(value % nr_types, 0);
	CHECK_OK(recv_value(q, TYPE(nr_types), &value));
	CHECK_EQ(value % nr_types, nr_types - 1);
	CHECK_EQ(ipcx_queue_purge(q, NULL), DEEP - 3);
	close(q);
	CHECK_LE(user_charged(), before);
}

TEST(deep_queue_few_levels)
{
	check_deep(2, 1);
}

TEST(deep_queue_many_levels)
{
	check_deep(300, 300);
}

/* The shortest time of 200 looks at the first that is not of type 1, which is the number 7. */
static uint64_t best_peeks_ns(int q)
{
	uint64_t best = UINT64_MAX, start, value;

	for (int round = 0; round < 8; round++) {
		start = test_now_ns();
		for (int i = 0; i < 200; i++) {
			CHECK_OK(recv_until(q, EXCEPT(1), IPCX_RECV_PEEK, IPCX_FOREVER, &value));
			CHECK_EQ(value, 7);
		}
		if (test_now_ns() - start < best)
			best = test_now_ns() - start;
	}
	return best;
}

/*
 * Every message of another type and the same priority: the first that is not of type 1 is the last
 * one.
 */
TEST(except_does_not_walk)
{
	int q = make_queue(DEEP + 10, 0, 0);
	uint64_t ns, shallow;

	CHECK_OK(send_value(q, 2, 0, 7));
	shallow = best_peeks_ns(q);
	for (uint32_t i = 0; i < IPCX_PRIORITY_MAX; i++)
		CHECK_OK(send_value(q, 1, i + 1, i));
	ns = best_peeks_ns(q);
	NOTE("200 peeks: %llu us alone, %llu us behind %d levels",
	     (unsigned long long)shallow / 1000, (unsigned long long)ns / 1000, IPCX_PRIORITY_MAX);
	CHECK_LT(ns, shallow * 10);
}
