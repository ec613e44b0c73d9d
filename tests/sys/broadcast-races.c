// SPDX-License-Identifier: GPL-2.0
/*
 * Broadcast queues with everything at once: senders, subscribers that come and go, buffers that are bad, processes
 * that are killed.  Whatever the interleaving, a subscriber receives an unbroken sequence, or is told what is
 * missing, and a message given back is received once.  If this fails, one of these is not so.
 *
 * timeout: 150
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>

#include "broadcast-test.h"

static void *volatile bad_ptr = (void *)8;

#define NR_SENDERS	2
#define NR_RECEIVERS	3
#define NR_VALUES	15000

#define NAME "broadcast-races"

static int w;
static uint32_t overflow;
static int senders_left;
static uint64_t nr_received, nr_lost, nr_resets, nr_subscriptions;

static void add(uint64_t *counter, uint64_t n)
{
	__atomic_add_fetch(counter, n, __ATOMIC_RELAXED);
}

/* Sender s sends s << 32 | 1, 2, 3 and so on, in different ways. */
static int send_all(void *arg)
{
	uint64_t first = (uint64_t)(uintptr_t)arg << 32, values[20], i = 0;
	struct ipcx_msg msgs[20];

	while (i < NR_VALUES) {
		unsigned int nr = 1 + i % 7 * 3, j;

		if (i + nr > NR_VALUES)
			nr = NR_VALUES - i;
		for (j = 0; j < nr; j++) {
			values[j] = first | ++i;
			msgs[j] = ipcx_msg(&values[j], 8);
		}
		if (nr == 1)
			CHECK_OK(ipcx_queue_send(w, values, 8));
		else
			CHECK_EQ(ipcx_queue_sendv(w, msgs, nr, 0, IPCX_FOREVER), nr);
	}
	if (!__atomic_sub_fetch(&senders_left, 1, __ATOMIC_SEQ_CST))
		CHECK_OK(ipcx_shutdown(w, IPCX_SHUT_SEND));
	return 0;
}

/**
 * struct subscriber - a thread that receives, under one subscription after the other
 * @random: its own numbers
 * @next: of each sender, 0 before the first
 * @missing: messages between those seen that have not come
 * @lost: messages that it has been told are lost
 * @lost_early: some of these before each sender had been seen
 */
struct subscriber {
	struct test_thread t;
	uint64_t random;
	uint64_t next[NR_SENDERS];
	uint64_t missing, lost;
	bool lost_early;
};

static unsigned int random_below(struct subscriber *s, unsigned int n)
{
	s->random = s->random * 6364136223846793005ull + 1442695040888963407ull;
	return (s->random >> 33) % n;
}

static void saw(struct subscriber *s, const struct ipcx_msg *msg, uint64_t value)
{
	uint64_t *next, n = value & UINT32_MAX;

	CHECK_LT(value >> 32, NR_SENDERS);
	CHECK_EQ(msg->len, 8);
	CHECK_EQ(msg->flags, msg->priority ? IPCX_MSG_LOST : 0);
	s->lost += msg->priority;
	s->lost_early |= msg->priority && !(s->next[0] && s->next[1]);
	next = &s->next[value >> 32];
	if (*next) {
		CHECK_GE(n, *next);
		s->missing += n - *next;
	}
	*next = n + 1;
	CHECK_LE(s->missing, s->lost);
	add(&nr_received, 1);
	add(&nr_lost, msg->priority);
}

/* Receive something in one way or another; returns 0 or an error. */
static int receive_some(int fd, struct subscriber *s)
{
	unsigned int nr = 1 + random_below(s, 12), i;
	uint64_t values[12];
	struct ipcx_msg msgs[12];
	int ret;

	switch (random_below(s, 6)) {
	case 0:
		msgs[0] = ipcx_msg(bad_ptr, 8);
		ret = ipcx_queue_recv_msg(fd, &msgs[0], NULL, NO_WAIT);
		return ret == -EFAULT || ret == -EAGAIN ? 0 : ret;
	case 1:
	case 2:
		for (i = 0; i < nr; i++)
			msgs[i] = ipcx_msg(i == 7 ? bad_ptr : &values[i], 8);
		ret = ipcx_queue_recvv(fd, msgs, nr, NULL, 0, IPCX_FOREVER);
		for (i = 0; ret > 0 && i < (unsigned int)ret; i++)
			saw(s, &msgs[i], values[i]);
		return ret < 0 ? ret : 0;
	case 3:
		msgs[0] = ipcx_msg(values, 8);
		ret = ipcx_queue_recv_msg(fd, &msgs[0], NULL, 0, ipcx_after_ns(random_below(s, 100000)));
		if (!ret)
			saw(s, &msgs[0], values[0]);
		return ret == -ETIMEDOUT ? 0 : ret;
	default:
		msgs[0] = ipcx_msg(values, 8);
		ret = ipcx_queue_recv_msg(fd, &msgs[0], NULL, 0, IPCX_FOREVER);
		if (!ret)
			saw(s, &msgs[0], values[0]);
		return ret;
	}
}

/* It has received to the very end. */
static void check_end(const struct subscriber *s)
{
	int i;
	uint64_t missing = s->missing;

	if (!s->next[0] || !s->next[1] || s->lost_early)
		return;
	for (i = 0; i < NR_SENDERS; i++)
		missing += NR_VALUES + 1 - s->next[i];
	CHECK_EQ(missing, s->lost);
}

static int come_and_go(void *arg)
{
	struct subscriber *s = arg;
	int ret = 0;

	while (ret != -EPIPE) {
		int fd = CHECK_OK(ipcx_open(NAME, IPCX_KIND_QUEUE, IPCX_READ, 0)), left = 1 + random_below(s, 300);

		add(&nr_subscriptions, 1);
		memset(s->next, 0, sizeof(s->next));
		s->missing = 0;
		s->lost = 0;
		s->lost_early = false;
		ret = 0;
		while (left-- && !ret)
			ret = receive_some(fd, s);
		if (ret == -ECONNRESET) {
			CHECK_EQ(overflow, IPCX_OVERFLOW_DISCONNECT);
			add(&nr_resets, 1);
		} else if (ret == -EPIPE) {
			check_end(s);
		} else if (ret) {
			FAIL("receive: %s", strerror(-ret));
		} else if (random_below(s, 4) == 0) {
			ret = ipcx_queue_purge(fd, NULL);
			if (ret != -ECONNRESET)
				CHECK_OK(ret);
			ret = 0;
		}
		CHECK_SYS(close(fd));
	}
	return 0;
}

static void run(uint32_t how, uint32_t max_msgs)
{
	struct ipcx_queue_limits limits = { .max_msgs = max_msgs, .overflow = how };
	struct ipcx_options options = { .flags = IPCX_QUEUE_BROADCAST | IPCX_CREATE_EXCL | IPCX_CREATE_TEMPORARY,
					.mode = 0600, .rights = IPCX_WRITE };
	struct test_thread senders[NR_SENDERS];
	struct subscriber s[NR_RECEIVERS] = { 0 };
	struct ipcx_queue_stat stat;
	uint64_t before, empty;
	uintptr_t i;

	/* names of this case alone */
	CHECK_SYS(unshare(CLONE_NEWNET));
	before = user_charged();
	overflow = how;
	w = CHECK_OK(ipcx_queue_create(NAME, &limits, &options));
	empty = charged(w);
	senders_left = NR_SENDERS;
	for (i = 0; i < NR_RECEIVERS; i++) {
		s[i].random = test_random();
		thread_start(&s[i].t, come_and_go, &s[i]);
	}
	for (i = 0; i < NR_SENDERS; i++)
		thread_start(&senders[i], send_all, (void *)i);
	if (!wait_until(!__atomic_load_n(&senders_left, __ATOMIC_SEQ_CST), 50000 * test_slowness))
		FAIL("%d senders are not done", senders_left);
	for (i = 0; i < NR_SENDERS; i++)
		thread_join(&senders[i]);
	for (i = 0; i < NR_RECEIVERS; i++)
		thread_join(&s[i].t);
	stat = stat_of(w);
	NOTE("%llu subscriptions, %llu messages received, %llu lost, %llu times disconnected",
	     (unsigned long long)nr_subscriptions, (unsigned long long)nr_received, (unsigned long long)nr_lost,
	     (unsigned long long)nr_resets);
	CHECK_EQ(stat.sent, NR_SENDERS * NR_VALUES);
	CHECK_EQ(stat.received, nr_received);
	CHECK_EQ(stat.nr_senders, 0);
	CHECK_EQ(stat.nr_receivers, 0);
	CHECK_EQ(stat.nr_subscribers, 0);
	CHECK_EQ(stat.nr_msgs, 0);
	CHECK_GE(stat.dropped, nr_lost);
	if (how == IPCX_OVERFLOW_BLOCK)
		CHECK_EQ(stat.dropped, 0);
	/* but for what is kept to be used again */
	CHECK_LE(charged(w), empty + 65536);
	CHECK_SYS(close(w));
	CHECK_LE(user_charged(), before);
}

TEST_LIMIT(block, 60000)
{
	run(IPCX_OVERFLOW_BLOCK, 7);
}

TEST_LIMIT(block_with_one_place, 60000)
{
	run(IPCX_OVERFLOW_BLOCK, 1);
}

TEST_LIMIT(drop, 60000)
{
	run(IPCX_OVERFLOW_DROP, 20);
}

TEST_LIMIT(disconnect, 60000)
{
	run(IPCX_OVERFLOW_DISCONNECT, 200);
}

/* ---- one subscription, several receivers that are killed ---- */

#define MAX_ENTRIES	60000
#define NR_MESSAGES	4000
#define NR_KILLS	60
#define MAX_LEN		5000

/* The kernel writes the description if and only if the message has been taken: an entry with a type is one. */
struct journal {
	bool stop;
	uint64_t next[NR_RECEIVERS];
	struct ipcx_queue_recv args[NR_RECEIVERS][MAX_ENTRIES];
};

static struct journal *journal;
static struct broadcast b;

static size_t len_of(uint64_t value)
{
	return value * 7919 % MAX_LEN;
}

static int receive_into_journal(void *arg)
{
	static unsigned char buf[MAX_LEN], want[MAX_LEN];
	uintptr_t n = (uintptr_t)arg;

	for (;;) {
		struct ipcx_queue_recv *recv = &journal->args[n][journal->next[n]];
		int ret;

		CHECK_LT(journal->next[n], MAX_ENTRIES);
		journal->next[n]++;
		recv->size = sizeof(*recv);
		recv->timeout = ipcx_after_ms(50);
		recv->msg.buf = (uintptr_t)(journal->next[n] % 5 ? buf : bad_ptr);
		recv->msg.len = sizeof(buf);
		ret = call(b.r[0], IPCX_QUEUE_RECV, recv);
		if (ret == -ETIMEDOUT && __atomic_load_n(&journal->stop, __ATOMIC_RELAXED))
			return 0;
		if (!ret && recv->msg.buf == (uintptr_t)buf) {
			fill(want, recv->msg.len, recv->msg.type - 1);
			CHECK_EQ(recv->msg.len, len_of(recv->msg.type - 1));
			CHECK_MEM(buf, want, recv->msg.len);
		} else if (ret) {
			CHECK(ret == -ETIMEDOUT || ret == -EFAULT);
		}
	}
}

static int send_and_compare(void *arg)
{
	static unsigned char in[MAX_LEN], out[MAX_LEN];
	uint64_t value;

	(void)arg;
	for (value = 0; value < NR_MESSAGES; value++) {
		struct ipcx_msg msg = msg_of(in, len_of(value), value + 1, 0), got = ipcx_msg(out, sizeof(out));

		fill(in, msg.len, value);
		CHECK_OK(ipcx_queue_send_msg(b.w, &msg, 0, IPCX_FOREVER));
		/* a subscriber of its own, which nobody disturbs */
		CHECK_OK(ipcx_queue_recv_msg(b.r[1], &got, NULL, NO_WAIT));
		CHECK_EQ(got.type, value + 1);
		CHECK_EQ(got.len, msg.len);
		CHECK_MEM(in, out, msg.len);
	}
	return 0;
}

TEST_LIMIT(kill_receivers_of_one_subscription, 100000)
{
	static uint8_t seen[NR_MESSAGES];
	uint64_t before = user_charged();
	pid_t pids[NR_RECEIVERS], sender;
	bool sending = true;
	uintptr_t n;
	uint64_t i;
	int kills = 0, status;

	journal = mmap(NULL, sizeof(*journal), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);
	CHECK(journal != MAP_FAILED);
	b = broadcast_of(10, 0, IPCX_OVERFLOW_BLOCK, 2);
	for (n = 0; n < NR_RECEIVERS; n++)
		pids[n] = spawn(receive_into_journal, (void *)n);
	sender = spawn(send_and_compare, NULL);
	while (sending || kills < NR_KILLS) {
		uint64_t end = test_now_ns() + test_random_below(4000000);

		while (test_now_ns() < end)
			continue;
		n = test_random_below(NR_RECEIVERS);
		CHECK_SYS(kill(pids[n], SIGKILL));
		CHECK_KILLED_BY(pids[n], SIGKILL);
		pids[n] = spawn(receive_into_journal, (void *)n);
		kills++;
		if (sending && waitpid(sender, &status, WNOHANG) == sender) {
			CHECK_EQ(status, 0);
			sending = false;
		}
	}
	__atomic_store_n(&journal->stop, true, __ATOMIC_RELAXED);
	for (n = 0; n < NR_RECEIVERS; n++)
		CHECK_EXITS(pids[n], 0);
	for (n = 0; n < NR_RECEIVERS; n++) {
		for (i = 0; i < journal->next[n]; i++) {
			uint32_t type = journal->args[n][i].msg.type;

			CHECK_LE(type, NR_MESSAGES);
			if (type)
				seen[type - 1]++;
		}
	}
	for (i = 0; i < NR_MESSAGES; i++)
		if (seen[i] != 1)
			FAIL("message %llu was received %d times", (unsigned long long)i, seen[i]);
	NOTE("%d kills", kills);
	CHECK_EQ(stat_of(b.w).received, 2 * NR_MESSAGES);
	CHECK_EQ(stat_of(b.w).nr_msgs, 0);
	CHECK_EQ(stat_of(b.w).nr_receivers, 0);
	close_broadcast(&b);
	CHECK_LE(user_charged(), before);
}
