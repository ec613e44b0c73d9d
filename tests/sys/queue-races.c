// SPDX-License-Identifier: GPL-2.0
/*
 * Many callers at once: hand-over against timeouts, signals, shutdown and each other.  Whatever the
 * interleaving, a message is received once or is still there.  If this fails, messages are lost or
 * doubled, or a waiter is forgotten.
 */
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "queue-test.h"

#define SECOND 1000000000ull

/* How often each number has been received. */
#define MAX_NR	200000
static uint8_t seen[MAX_NR];

static void saw(uint64_t value)
{
	CHECK_LT(value, MAX_NR);
	CHECK_EQ(__atomic_add_fetch(&seen[value], 1, __ATOMIC_RELAXED), 1);
}

static void check_all_seen(uint64_t nr)
{
	uint64_t i;

	for (i = 0; i < nr; i++)
		if (seen[i] != 1)
			FAIL("message %llu of %llu was received %d times", (unsigned long long)i,
			     (unsigned long long)nr, seen[i]);
}

static void drain(int q)
{
	uint64_t value;

	while (recv_value(q, ANY, &value) == 0)
		saw(value);
}

static void check_balance(int q)
{
	struct ipcx_queue_stat s = stat_of(q);

	CHECK_EQ(s.sent, s.received + s.purged + s.nr_msgs);
}

static bool stop;

static bool stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

static void set_stopped(void)
{
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
}

/* ---- timeouts ---- */

static int nr_timeouts, nr_served;

static int receive_impatiently(void *arg)
{
	int q = *(int *)arg;
	unsigned int i = 0;
	uint64_t value;

	while (!stopped()) {
		int ret = recv_until(q, ANY, 0, ipcx_after_ns(i++ * 7919 % 60000), &value);

		if (!ret) {
			saw(value);
			__atomic_add_fetch(&nr_served, 1, __ATOMIC_RELAXED);
		} else {
			CHECK_EQ(ret, -ETIMEDOUT);
			__atomic_add_fetch(&nr_timeouts, 1, __ATOMIC_RELAXED);
		}
	}
	return 0;
}

TEST(timeout_against_hand_over_to_a_receiver)
{
	uint64_t end = test_now_ns() + SECOND * 3 / 2, nr = 0;
	struct test_thread t[2];
	int q = make_queue(MAX_NR, 0, 0), i;

	for (i = 0; i < 2; i++)
		thread_start(&t[i], receive_impatiently, &q);
	while (test_now_ns() < end && nr < MAX_NR) {
		uint64_t pause = test_now_ns() + test_random_below(60000);

		CHECK_OK(send_value(q, 1, 0, nr++));
		while (test_now_ns() < pause)
			continue;
	}
	set_stopped();
	for (i = 0; i < 2; i++)
		thread_join(&t[i]);
	drain(q);
	check_all_seen(nr);
	check_balance(q);
	CHECK_EQ(stat_of(q).nr_receivers, 0);
	NOTE("%llu messages, %d served, %d timeouts", (unsigned long long)nr, nr_served,
	     nr_timeouts);
}

/* A number is in the queue exactly if its send has succeeded. */
static uint64_t next_value;

static int send_impatiently(void *arg)
{
	int q = *(int *)arg;
	unsigned int i = 0;

	while (!stopped()) {
		uint64_t value = __atomic_fetch_add(&next_value, 1, __ATOMIC_RELAXED);
		struct ipcx_msg msg = msg_of(&value, 8, 1 + value % 3, 0);
		int ret;

		CHECK_LT(value, MAX_NR);
		ret = ipcx_queue_send_msg(q, &msg, 0, ipcx_after_ns(i++ * 7919 % 60000));
		if (ret) {
			CHECK_EQ(ret, -ETIMEDOUT);
			saw(value);	/* nobody else may */
			__atomic_add_fetch(&nr_timeouts, 1, __ATOMIC_RELAXED);
		}
	}
	return 0;
}

TEST(timeout_against_room_for_a_sender)
{
	uint64_t end = test_now_ns() + SECOND * 3 / 2, value;
	int q = make_queue(1, 0, 0), i;
	struct test_thread t[2];

	for (i = 0; i < 2; i++)
		thread_start(&t[i], send_impatiently, &q);
	while (test_now_ns() < end) {
		uint64_t pause = test_now_ns() + test_random_below(60000);

		if (recv_value(q, ANY, &value) == 0)
			saw(value);
		while (test_now_ns() < pause)
			continue;
	}
	set_stopped();
	for (i = 0; i < 2; i++)
		thread_join(&t[i]);
	drain(q);
	check_all_seen(next_value);
	check_balance(q);
	CHECK_EQ(stat_of(q).nr_senders, 0);
	NOTE("%llu messages, %d timeouts", (unsigned long long)next_value, nr_timeouts);
}

/* ---- signals ---- */

static int nr_interrupted;

static void nothing(int sig)
{
	(void)sig;
}

static int receive_interrupted(void *arg)
{
	int q = *(int *)arg;
	uint64_t value;
	int ret;

	while ((ret = recv_until(q, ANY, 0, IPCX_FOREVER, &value)) != -EPIPE) {
		if (!ret)
			saw(value);
		else
			CHECK_EQ(ret, -EINTR);
		nr_interrupted += ret == -EINTR;
	}
	return 0;
}

TEST(signals_against_hand_over)
{
	struct sigaction sa = { .sa_handler = nothing };
	uint64_t end = test_now_ns() + SECOND * 3 / 2, nr = 0;
	int q = make_queue(MAX_NR, 0, 0);
	struct test_thread t;

	CHECK_SYS(sigaction(SIGUSR1, &sa, NULL));
	thread_start(&t, receive_interrupted, &q);
	while (test_now_ns() < end && nr < MAX_NR) {
		uint64_t pause = test_now_ns() + test_random_below(30000);

		CHECK_OK(send_value(q, 1, 0, nr++));
		while (test_now_ns() < pause)
			continue;
		pthread_kill(t.thread, SIGUSR1);
	}
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	thread_join(&t);
	check_all_seen(nr);
	check_balance(q);
	NOTE("%llu messages, %d interruptions", (unsigned long long)nr, nr_interrupted);
}

/* ---- several receivers ---- */

static int receive_one(void *arg)
{
	uint64_t value;
	int ret = recv_until(*(int *)arg, ANY, 0, IPCX_FOREVER, &value);

	CHECK(ret == 0 || ret == -EPIPE);
	return ret == 0;
}

TEST(two_receivers_one_message)
{
	struct test_thread t[2];
	int round;

	for (round = 0; round < 100; round++) {
		int q = make_queue(0, 0, 0), got;

		thread_start(&t[0], receive_one, &q);
		thread_start(&t[1], receive_one, &q);
		if (round % 2)
			CHECK_SOON(stat_of(q).nr_receivers == 2);
		CHECK_OK(send_value(q, 1, 0, 1));
		CHECK_SOON(stat_of(q).received == 1);
		CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
		got = thread_join(&t[0]) + thread_join(&t[1]);
		CHECK_EQ(got, 1);
		CHECK_EQ(stat_of(q).nr_msgs, 0);
		close(q);
	}
}

/* ---- peekers, takers, purges, bad buffers, all at once ---- */

#define MIX_LEN	300

static int mix_peek(void *arg)
{
	unsigned char buf[MIX_LEN], want[MIX_LEN];
	int q = *(int *)arg;

	while (!stopped()) {
		struct ipcx_msg msg = ipcx_msg(buf, sizeof(buf));
		int ret = ipcx_queue_recv_msg(q, &msg, NULL, IPCX_RECV_PEEK | IPCX_NOWAIT,
					      IPCX_FOREVER);

		if (ret == -EAGAIN)
			continue;
		CHECK_EQ(ret, 0);
		/* whole, whoever has taken it meanwhile */
		fill(want, msg.len, msg.type);
		CHECK_MEM(buf, want, msg.len);
	}
	return 0;
}

static int mix_take(void *arg)
{
	unsigned char buf[MIX_LEN], want[MIX_LEN];
	int q = *(int *)arg;
	unsigned int i;

	for (i = 0; ; i++) {
		struct ipcx_msg msg = ipcx_msg(i % 5 ? buf : (void *)8, sizeof(buf));
		struct ipcx_select select = i % 2 ? LOWEST(1 + i % 40) : EXCEPT(1 + i % 40);
		int ret = ipcx_queue_recv_msg(q, &msg, &select, i % 3 ? 0 : IPCX_NOWAIT,
					      ipcx_after_ns(100000));

		if (ret == -EPIPE)
			return 0;
		if (ret == -EAGAIN || ret == -ETIMEDOUT || ret == -EFAULT)
			continue;
		CHECK_EQ(ret, 0);
		fill(want, msg.len, msg.type);
		CHECK_MEM(buf, want, msg.len);
	}
}

static int mix_send(void *arg)
{
	unsigned char buf[MIX_LEN];
	int q = *(int *)arg;
	unsigned int i;

	for (i = 0; !stopped(); i++) {
		uint32_t type = 1 + i * 31 % 40;
		size_t len = i % 7 * 40 + type;
		struct ipcx_msg msg = msg_of(buf, len, type, i * 17 % 5);
		int ret;

		fill(buf, len, type);
		ret = ipcx_queue_send_msg(q, &msg, 0, ipcx_after_ns(i % 2 ? 100000 : SECOND));
		CHECK(ret == 0 || ret == -ETIMEDOUT);
	}
	return 0;
}

TEST(everything_at_once)
{
	uint64_t end = test_now_ns() + 3 * SECOND, before = user_charged(), left;
	struct test_thread t[6];
	int q = make_queue(20, 0, 0), i;

	for (i = 0; i < 2; i++)
		thread_start(&t[i], mix_send, &q);
	thread_start(&t[2], mix_peek, &q);
	for (i = 3; i < 6; i++)
		thread_start(&t[i], mix_take, &q);
	while (test_now_ns() < end) {
		struct ipcx_select select = TYPE(1 + test_random_below(40));

		CHECK_OK(ipcx_queue_purge(q, &select));
		check_balance(q);
		test_pause_ms(1);
	}
	set_stopped();
	for (i = 0; i < 3; i++)
		thread_join(&t[i]);
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_RECV));
	for (i = 3; i < 6; i++)
		thread_join(&t[i]);
	check_balance(q);
	CHECK_EQ(stat_of(q).nr_senders, 0);
	CHECK_EQ(stat_of(q).nr_receivers, 0);
	left = stat_of(q).nr_msgs;
	CHECK_EQ(ipcx_queue_purge(q, NULL), left);
	close(q);
	CHECK_EQ(user_charged(), before);
}

/* ---- a receiver that was told about a message whose sender then had to wait ---- */

#define LARGE	200	/* not recycled, so every message lacks a level at first */

static int large_q;
static unsigned int turn, turns_done;
static sem_t emptied;

static int receive_too_small(void *arg)
{
	(void)arg;
	while (!stopped()) {
		struct ipcx_select select = TYPE(2);
		struct ipcx_msg msg = ipcx_msg(NULL, 0);
		int ret = ipcx_queue_recv_msg(large_q, &msg, &select, 0, IPCX_FOREVER);

		if (ret == -EPIPE)
			break;
		CHECK_EQ(ret, -EMSGSIZE);
		CHECK_EQ(msg.len, LARGE);
		__atomic_add_fetch(&turns_done, 1, __ATOMIC_RELEASE);
		/* the next round begins when the queue has been emptied */
		sem_wait(&emptied);
	}
	return 0;
}

static int send_type_3(void *arg)
{
	char buf[LARGE] = "";
	struct ipcx_msg msg = msg_of(buf, LARGE, 3, 0);
	unsigned int round = 0;

	(void)arg;
	for (;;) {
		while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) <= round)
			if (stopped())
				return 0;
		CHECK_OK(ipcx_queue_send_msg(large_q, &msg, 0, IPCX_FOREVER));
		round++;
	}
}

TEST(too_small_a_buffer_while_the_last_place_is_taken)
{
	struct test_thread receiver, other;
	char buf[LARGE] = "";
	struct ipcx_msg msg;
	uint64_t end = test_now_ns() + 3 * SECOND;
	unsigned int round;

	sem_init(&emptied, 0, 0);
	large_q = make_queue(2, 0, 0);
	CHECK_OK(send_value(large_q, 9, 9, 0));
	thread_start(&receiver, receive_too_small, NULL);
	thread_start(&other, send_type_3, NULL);
	for (round = 0; test_now_ns() < end; round++) {
		struct ipcx_select select = EXCEPT(9);
		volatile unsigned int pause = test_random_below(3000);
		int got = 0;

		CHECK_SOON(stat_of(large_q).nr_receivers == 1);
		__atomic_store_n(&turn, round + 1, __ATOMIC_RELEASE);
		while (pause)
			pause--;
		msg = msg_of(buf, LARGE, 2, 0);
		/* one of the two finds room, the other one waits: here it gives up */
		if (ipcx_queue_send_msg(large_q, &msg, 0, ipcx_after_ns(300000)) == -ETIMEDOUT) {
			CHECK_SOON(stat_of(large_q).nr_msgs == 2);
			msg = ipcx_msg(buf, LARGE);
			CHECK_OK(ipcx_queue_recv_msg(large_q, &msg, &select, 0,
						     ipcx_after_ns(SECOND)));
			CHECK_EQ(msg.type, 3);
			got++;
			msg = msg_of(buf, LARGE, 2, 0);
			CHECK_OK(ipcx_queue_send_msg(large_q, &msg, 0, ipcx_after_ns(SECOND)));
		}
		CHECK_SOON(__atomic_load_n(&turns_done, __ATOMIC_ACQUIRE) == round + 1);
		for (; got < 2; got++) {
			msg = ipcx_msg(buf, LARGE);
			CHECK_OK(ipcx_queue_recv_msg(large_q, &msg, &select, 0,
						     ipcx_after_ns(SECOND)));
		}
		sem_post(&emptied);
	}
	set_stopped();
	CHECK_OK(ipcx_shutdown(large_q, IPCX_SHUT_RECV));
	sem_post(&emptied);
	thread_join(&other);
	thread_join(&receiver);
	NOTE("%u rounds", round);
}
