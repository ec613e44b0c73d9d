// SPDX-License-Identifier: GPL-2.0
/*
 * Exactly once, under kill -9 of senders and receivers at random points.  If this fails, a process
 * that dies takes a message with it, or leaves one twice.
 *
 * What a killed process has done is decided from memory shared with the parent.  A sender notes
 * what it is about to send: a message of a call that was cut off may be in or not, but not twice.
 * A receiver lets the kernel write into a journal, one fresh entry for each message: the ABI
 * promises that the description is written if and only if the message has been taken, so an entry
 * whose type is not 0 is a message that this receiver got.
 *
 * timeout: 150
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>

#include "queue-test.h"

#define NR_SENDERS	2
#define NR_RECEIVERS	3
#define NR_CHILDREN	(NR_SENDERS + NR_RECEIVERS)
#define MAX_VALUES	40000	/* of one sender */
#define MAX_ENTRIES	300000	/* of one receiver */
#define BATCH		3
#define MAX_LEN		6000
#define NR_MESSAGES	10000
#define NR_KILLS	120

struct sender_slot {
	uint64_t next;		/* not tried yet */
	uint64_t to;		/* end of what is being sent */
	uint32_t pending;	/* a call may be under way */
};

struct receiver_slot {
	uint64_t next;		/* entry */
	struct ipcx_queue_recv args[MAX_ENTRIES];
	struct ipcx_msg msgs[MAX_ENTRIES];
	uint64_t values[MAX_ENTRIES];
};

struct shared {
	bool stop;
	struct sender_slot senders[NR_SENDERS];
	struct receiver_slot receivers[NR_RECEIVERS];
};

static struct shared *shared;
static bool large;	/* many sizes, each message of a type of its own; else 8 bytes of type 1 */
static int q;

static uint8_t seen[NR_SENDERS][MAX_VALUES];
static bool maybe[NR_SENDERS][MAX_VALUES];

static bool stopped(void)
{
	return __atomic_load_n(&shared->stop, __ATOMIC_RELAXED);
}

static void spin_ns(uint64_t ns)
{
	uint64_t end = test_now_ns() + ns;

	while (test_now_ns() < end)
		continue;
}

static size_t len_of(uint64_t value)
{
	return large ? value * 7919 % MAX_LEN : 8;
}

static int send_until_stopped(void *arg)
{
	static unsigned char bufs[BATCH][MAX_LEN];
	struct sender_slot *slot = arg;
	uint64_t first = (slot - shared->senders) * (uint64_t)MAX_VALUES;
	struct ipcx_msg msgs[BATCH];
	uint64_t i;

	while (!stopped()) {
		uint64_t from = slot->next, nr = from % 4 ? 1 : BATCH;

		/* on a quick machine: enough */
		if (from + nr > MAX_VALUES) {
			test_pause_ms(1);
			continue;
		}
		spin_ns(from % 8 * 5000);
		for (i = 0; i < nr; i++) {
			uint64_t value = first + from + i;

			msgs[i] = msg_of(bufs[i], len_of(value), large ? value + 1 : 1, 0);
			if (large)
				fill(bufs[i], msgs[i].len, value);
			else
				memcpy(bufs[i], &value, 8);
		}
		slot->to = from + nr;
		__atomic_store_n(&slot->pending, 1, __ATOMIC_SEQ_CST);
		CHECK_EQ(ipcx_queue_sendv(q, msgs, nr, 0, IPCX_FOREVER), nr);
		slot->next = from + nr;
		__atomic_store_n(&slot->pending, 0, __ATOMIC_SEQ_CST);
	}
	return 0;
}

static int receive_until_stopped(void *arg)
{
	static unsigned char bufs[BATCH][MAX_LEN], want[MAX_LEN];
	struct receiver_slot *slot = arg;
	bool batches = slot - shared->receivers == 1;
	int i, ret;

	for (;;) {
		uint64_t entry = slot->next;
		struct ipcx_msg *msgs = batches ? &slot->msgs[entry] : &slot->args[entry].msg;
		uint64_t timeout = ipcx_after_ms(50);

		CHECK_LT(entry + BATCH, MAX_ENTRIES);
		slot->next = entry + (batches ? BATCH : 1);
		for (i = 0; i < (batches ? BATCH : 1); i++) {
			msgs[i].buf =
				(uintptr_t)(large ? (void *)bufs[i] : &slot->values[entry + i]);
			msgs[i].len = large ? MAX_LEN : 8;
		}
		if (batches) {
			struct ipcx_queue_batch batch = {
				.size = sizeof(batch), .timeout = timeout, .msgs = (uintptr_t)msgs,
				.nr = BATCH, .msg_size = sizeof(*msgs),
			};

			ret = call(q, IPCX_QUEUE_RECVV, &batch);
		} else {
			slot->args[entry].size = sizeof(slot->args[entry]);
			slot->args[entry].timeout = timeout;
			ret = call(q, IPCX_QUEUE_RECV, &slot->args[entry]);
			ret = ret ? ret : 1;
		}
		if (ret < 0) {
			CHECK_EQ(ret, -ETIMEDOUT);
			if (stopped())
				return 0;
		}
		for (i = 0; large && i < ret; i++) {
			uint64_t value = msgs[i].type - 1;

			CHECK_EQ(msgs[i].len, len_of(value));
			fill(want, msgs[i].len, value);
			CHECK_MEM(bufs[i], want, msgs[i].len);
		}
	}
}

static uint64_t nr_taken;

static void took(uint64_t value)
{
	CHECK_LT(value, NR_SENDERS * MAX_VALUES);
	seen[value / MAX_VALUES][value % MAX_VALUES]++;
	nr_taken++;
}

static void count_journal(const struct receiver_slot *slot)
{
	bool batches = slot - shared->receivers == 1;
	uint64_t i;

	for (i = 0; i < slot->next; i++) {
		const struct ipcx_msg *msg = batches ? &slot->msgs[i] : &slot->args[i].msg;

		if (msg->type)
			took(large ? msg->type - 1 : slot->values[i]);
	}
}

/* The calls of a sender that is no more. */
static void bury_sender(struct sender_slot *slot)
{
	uint64_t i;

	if (!slot->pending)
		return;
	for (i = slot->next; i < slot->to; i++)
		maybe[slot - shared->senders][i] = true;
	slot->next = slot->to;
	slot->pending = 0;
}

static pid_t start(int child)
{
	if (child < NR_SENDERS)
		return spawn(send_until_stopped, &shared->senders[child]);
	return spawn(receive_until_stopped, &shared->receivers[child - NR_SENDERS]);
}

static void kill_and_count(uint32_t max_msgs)
{
	uint64_t before = user_charged(), i, nr_sent = 0, nr_maybe = 0, nr_in = 0, value;
	struct ipcx_queue_stat stat;
	unsigned char buf[MAX_LEN];
	pid_t pids[NR_CHILDREN];
	int child, kills;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(shared != MAP_FAILED);
	q = make_queue(max_msgs, 0, 0);
	for (child = 0; child < NR_CHILDREN; child++)
		pids[child] = start(child);
	for (kills = 0; kills < NR_KILLS || stat_of(q).sent < NR_MESSAGES; kills++) {
		child = test_random_below(NR_CHILDREN);
		spin_ns(test_random_below(3000000));
		CHECK_SYS(kill(pids[child], SIGKILL));
		CHECK_KILLED_BY(pids[child], SIGKILL);
		if (child < NR_SENDERS)
			bury_sender(&shared->senders[child]);
		pids[child] = start(child);
	}
	__atomic_store_n(&shared->stop, true, __ATOMIC_RELAXED);
	for (child = 0; child < NR_CHILDREN; child++)
		CHECK_EXITS(pids[child], 0);

	for (i = 0; i < NR_RECEIVERS; i++)
		count_journal(&shared->receivers[i]);
	stat = stat_of(q);
	CHECK_EQ(stat.nr_senders, 0);
	CHECK_EQ(stat.nr_receivers, 0);
	CHECK_EQ(stat.received, nr_taken);
	CHECK_EQ(stat.sent, nr_taken + stat.nr_msgs);
	for (;;) {
		struct ipcx_msg msg = ipcx_msg(buf, sizeof(buf));

		if (ipcx_queue_recv_msg(q, &msg, NULL, NO_WAIT))
			break;
		memcpy(&value, buf, 8);
		took(large ? msg.type - 1 : value);
	}

	for (child = 0; child < NR_SENDERS; child++) {
		for (i = 0; i < MAX_VALUES; i++) {
			bool sent = i < shared->senders[child].next;

			if (sent && maybe[child][i] ? seen[child][i] > 1 : seen[child][i] != sent)
				FAIL("message %llu of sender %d was received %d times",
				     (unsigned long long)i, child, seen[child][i]);
			nr_sent += sent;
			nr_maybe += maybe[child][i];
			nr_in += maybe[child][i] && seen[child][i];
		}
	}
	NOTE("%d kills, %llu messages; %llu cut off in their call, %llu of these sent", kills,
	     (unsigned long long)nr_sent, (unsigned long long)nr_maybe, (unsigned long long)nr_in);
	CHECK_GE(nr_sent, NR_MESSAGES);
	close(q);
	CHECK_LE(user_charged(), before);
}

static int receive_there(void *arg)
{
	uint64_t value;

	ipcx_queue_recv(*(int *)arg, &value, sizeof(value));
	return 1;
}

static void use_only_cpu(pid_t pid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK_SYS(sched_setaffinity(pid, sizeof(set), &set));
}

/* The message is the receiver's already when it is killed, before it has run again. */
TEST(killed_between_the_hand_over_and_the_copy)
{
	struct sched_param first = { .sched_priority = 50 };
	uint64_t value = 4711;
	pid_t child;

	q = make_queue(10, 0, 0);
	child = spawn(receive_there, &q);
	use_only_cpu(child, 0);
	CHECK_BLOCKS(child);
	use_only_cpu(0, 0);
	if (sched_setscheduler(0, SCHED_FIFO, &first))
		SKIP("needs a real-time priority");
	CHECK_OK(send_value(q, 1, 0, value));
	CHECK_EQ(stat_of(q).nr_msgs, 0);
	CHECK_SYS(kill(child, SIGKILL));
	first.sched_priority = 0;
	CHECK_SYS(sched_setscheduler(0, SCHED_OTHER, &first));
	CHECK_KILLED_BY(child, SIGKILL);
	CHECK_EQ(stat_of(q).nr_msgs, 1);
	CHECK_EQ(stat_of(q).received, 0);
}

TEST_LIMIT(kill_small_messages, 60000)
{
	kill_and_count(1000);
}

/* Nearly every sender waits for room when it is killed. */
TEST_LIMIT(kill_small_messages_full_queue, 60000)
{
	kill_and_count(2);
}

TEST_LIMIT(kill_large_messages, 60000)
{
	large = true;
	kill_and_count(20);
}
