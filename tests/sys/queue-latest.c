// SPDX-License-Identifier: GPL-2.0
/*
 * Latest queues: a full one drops its oldest message and counts it, and no sender waits.  If this fails, a sender
 * hangs, the newest is lost instead of the oldest, or a loss is not counted.
 */
#include <poll.h>
#include <sys/mman.h>

#include "queue-test.h"

static void *volatile bad_ptr = (void *)8;

static int make_latest(uint32_t max_msgs, uint64_t max_bytes)
{
	struct ipcx_queue_limits limits = { .max_msgs = max_msgs, .max_bytes = max_bytes };
	struct ipcx_options options = { .flags = IPCX_QUEUE_LATEST };

	return CHECK_OK(ipcx_queue_create(NULL, &limits, &options));
}

static void check_balance(int q)
{
	struct ipcx_queue_stat s = stat_of(q);

	CHECK_EQ(s.sent, s.received + s.purged + s.dropped + s.nr_msgs);
}

TEST(the_newest_stay)
{
	int q = make_latest(3, 0), i;

	for (i = 0; i < 10; i++)
		CHECK_OK(ipcx_queue_send(q, &(uint64_t){ i }, 8));
	CHECK_EQ(stat_of(q).nr_msgs, 3);
	CHECK_EQ(stat_of(q).bytes, 24);
	CHECK_EQ(stat_of(q).dropped, 7);
	CHECK_EQ(stat_of(q).sent, 10);
	for (i = 7; i < 10; i++)
		CHECK_RECV(q, ANY, i);
	CHECK_NONE(q, ANY);
	check_balance(q);
}

static int q_full;

static int sends_small_ones(void *arg)
{
	struct ipcx_msg m[32];

	(void)arg;
	for (int i = 0; i < 32; i++)
		m[i] = ipcx_msg("x", 1);
	for (;;)
		ipcx_queue_sendv(q_full, m, 32, 0, IPCX_FOREVER);
	return 0;
}

static char large[400000];

static int sends_large_ones(void *arg)
{
	(void)arg;
	for (;;)
		ipcx_queue_send(q_full, large, sizeof(large));
	return 0;
}

/* What others put in meanwhile it has to throw out, too: however long that takes, it can be killed. */
TEST(a_sender_that_makes_room_can_be_killed)
{
	pid_t small[3], one;
	int i, round;

	q_full = make_latest(1 << 20, sizeof(large));
	for (i = 0; i < 3; i++)
		small[i] = spawn(sends_small_ones, NULL);
	CHECK_SOON(stat_of(q_full).nr_msgs > 10000);
	for (round = 0; round < 5; round++) {
		one = spawn(sends_large_ones, NULL);
		test_pause_ms(100);
		kill(one, SIGKILL);
		CHECK_KILLED_BY(one, SIGKILL);
	}
	for (i = 0; i < 3; i++) {
		kill(small[i], SIGKILL);
		CHECK_KILLED_BY(small[i], SIGKILL);
	}
	check_balance(q_full);
}

TEST(one_place_is_the_latest_value)
{
	int q = make_latest(1, 0), i;

	for (i = 0; i < 100; i++) {
		CHECK_OK(send_value(q, i + 1, 0, i));
		if (i % 7 == 0)
			CHECK_RECV(q, ANY, i);
	}
	CHECK_RECV(q, ANY, 99);
	CHECK_EQ(stat_of(q).dropped, 100 - 15 - 1);
	check_balance(q);
}

TEST(the_oldest_goes_whatever_its_type)
{
	int q = make_latest(4, 0);

	CHECK_OK(send_value(q, 9, 0, 1));
	CHECK_OK(send_value(q, 1, 0, 2));
	CHECK_OK(send_value(q, 5, 0, 3));
	CHECK_OK(send_value(q, 1, 0, 4));
	CHECK_OK(send_value(q, 1, 0, 5));
	CHECK_NONE(q, TYPE(9));
	CHECK_OK(send_value(q, 9, 0, 6));
	CHECK_RECV(q, TYPE(1), 4);
	CHECK_RECV(q, LOWEST(9), 5);
	CHECK_RECV(q, EXCEPT(9), 3);
	CHECK_RECV(q, ANY, 6);
	CHECK_EQ(stat_of(q).dropped, 2);
	check_balance(q);
}

TEST(bytes_count)
{
	int q = make_latest(10000, 4000), i;
	static char buf[4000];
	struct ipcx_msg msg = ipcx_msg(buf, 4000);

	for (i = 0; i < 600; i++)
		CHECK_OK(send_value(q, i % 100 + 1, 0, i));
	CHECK_EQ(stat_of(q).nr_msgs, 500);
	CHECK_EQ(stat_of(q).dropped, 100);
	/* more than what leaves in one hold of the lock */
	CHECK_OK(ipcx_queue_send_msg(q, &msg, NO_WAIT));
	CHECK_EQ(stat_of(q).nr_msgs, 1);
	CHECK_EQ(stat_of(q).bytes, 4000);
	CHECK_EQ(stat_of(q).dropped, 600);
	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_RECV(q, ANY, 1);
	check_balance(q);
	msg.len = 4001;
	CHECK_ERR(ipcx_queue_send_msg(q, &msg, NO_WAIT), EMSGSIZE);
	check_balance(q);
}

TEST(every_door)
{
	int q = make_latest(2, 0), i;
	struct pollfd p = { .fd = q, .events = POLLIN | POLLOUT };
	uint64_t values[40], value;
	struct ipcx_msg msgs[40];

	for (i = 0; i < 40; i++) {
		values[i] = i;
		msgs[i] = msg_of(&values[i], 8, i % 5 + 1, 0);
	}
	CHECK_EQ(ipcx_queue_sendv(q, msgs, 40, 0, IPCX_FOREVER), 40);
	CHECK_EQ(stat_of(q).dropped, 38);
	CHECK_SYS(poll(&p, 1, 0));
	CHECK_EQ(p.revents, POLLIN | POLLOUT);
	value = 40;
	CHECK_EQ(CHECK_SYS(write(q, &value, 8)), 8);
	CHECK_RECV(q, ANY, 39);
	CHECK_RECV(q, ANY, 40);
	check_balance(q);
}

TEST(what_a_latest_queue_is_not_for)
{
	struct ipcx_msg msg = msg_of("x", 1, 1, 1), reply = ipcx_msg(NULL, 0);
	struct ipcx_queue_limits drop = { .overflow = IPCX_OVERFLOW_DROP };
	struct ipcx_options latest = { .flags = IPCX_QUEUE_LATEST };
	struct ipcx_query query;
	struct ipcx_stat stat;
	int q = make_latest(0, 0);

	CHECK_OK(ipcx_query(&query));
	CHECK(query.features & IPCX_FEATURE_LATEST);
	CHECK_OK(ipcx_stat(q, &stat));
	CHECK_EQ(stat.state, IPCX_OBJECT_LATEST);
	CHECK_ERR(ipcx_queue_create(NULL, &drop, &latest), EINVAL);
	CHECK_ERR(ipcx_queue_send_msg(q, &msg, NO_WAIT), EOPNOTSUPP);
	msg.priority = IPCX_PRIORITY_MAX + 1;
	CHECK_ERR(ipcx_queue_send_msg(q, &msg, NO_WAIT), EINVAL);
	msg.priority = 0;
	CHECK_ERR(ipcx_queue_call(q, &msg, &reply, 0, 0), EOPNOTSUPP);
	CHECK_EQ(stat_of(q).sent, 0);
	CHECK_ERR(ipcx_event_create(NULL, 0, &latest), EOPNOTSUPP);
}

/* A message that comes back is older than those that took its place. */
TEST(given_back_to_a_full_queue)
{
	int q = make_latest(2, 0), i;
	uint64_t value;

	for (i = 1; i <= 2; i++)
		CHECK_OK(send_value(q, 1, 0, i));
	CHECK_SYS_ERR(read(q, bad_ptr, 8), EFAULT);
	CHECK_EQ(stat_of(q).nr_msgs, 2);
	CHECK_EQ(stat_of(q).dropped, 0);
	CHECK_OK(recv_until(q, ANY, IPCX_NOWAIT | IPCX_RECV_PEEK, 0, &value));
	CHECK_EQ(value, 1);
	check_balance(q);
}

TEST(waiting_receivers_come_first)
{
	int q = make_latest(1, 0), i;
	uint64_t value, before = user_charged();
	static char buf[10000];

	CHECK_ERR(recv_until(q, ANY, 0, ipcx_after_ms(1), &value), ETIMEDOUT);
	for (i = 0; i < 100; i++)
		CHECK_OK(ipcx_queue_send(q, buf, i * 100));
	CHECK_OK(ipcx_queue_purge(q, NULL));
	CHECK_LE(user_charged(), before);
	check_balance(q);
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	CHECK_ERR(send_value(q, 1, 0, 1), EPIPE);
}

/* ---- many at once ---- */

#define NR_VALUES 20000

static int latest;
static uint64_t last_seen[2];
static int nr_seen;

static int send_all(void *arg)
{
	uint64_t first = (uint64_t)(uintptr_t)arg << 32, i;

	for (i = 1; i <= NR_VALUES; i++)
		CHECK_OK(ipcx_queue_send_msg(latest, &(struct ipcx_msg){ (uintptr_t)&(uint64_t){ first | i }, 8,
								  i % 3 + 1, 0, 0, 0, 0, 0 }, NO_WAIT));
	return 0;
}

static int receive_all(void *arg)
{
	uint64_t value;
	int ret;

	(void)arg;
	while (!(ret = recv_until(latest, ANY, 0, IPCX_FOREVER, &value))) {
		/* the newer of each sender never comes before the older */
		CHECK_GT(value & UINT32_MAX, last_seen[value >> 32]);
		last_seen[value >> 32] = value & UINT32_MAX;
		nr_seen++;
	}
	CHECK_EQ(ret, -EPIPE);
	return 0;
}

TEST(senders_and_a_receiver_at_once)
{
	struct test_thread s[2], r;
	struct ipcx_queue_stat stat;
	uintptr_t i;

	latest = make_latest(5, 0);
	thread_start(&r, receive_all, NULL);
	for (i = 0; i < 2; i++)
		thread_start(&s[i], send_all, (void *)i);
	for (i = 0; i < 2; i++)
		thread_join(&s[i]);
	CHECK_OK(ipcx_shutdown(latest, IPCX_SHUT_SEND));
	thread_join(&r);
	stat = stat_of(latest);
	NOTE("%llu dropped", (unsigned long long)stat.dropped);
	CHECK_EQ(stat.sent, 2 * NR_VALUES);
	CHECK_EQ(stat.received, nr_seen);
	CHECK_EQ(stat.sent, stat.received + stat.dropped);
	/* the last message of all was never in anybody's way */
	CHECK(last_seen[0] == NR_VALUES || last_seen[1] == NR_VALUES);
}
