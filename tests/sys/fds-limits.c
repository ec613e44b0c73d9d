// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of descriptors in messages: those of the receiver, whose table is full; those of the sender, who could
 * otherwise keep open more files than RLIMIT_NOFILE allows; the quota of the queue's owner.  And that nothing is
 * lost, or left, when a receiver is killed at any moment.
 *
 * timeout: 120
 */
#include "fds-test.h"

static void set_limit(rlim_t soft)
{
	struct rlimit l;

	CHECK_SYS(getrlimit(RLIMIT_NOFILE, &l));
	l.rlim_cur = soft;
	CHECK_SYS(setrlimit(RLIMIT_NOFILE, &l));
}

/* Lowest number that is free. */
static int lowest_free(void)
{
	int fd = CHECK_SYS(dup(0));

	close(fd);
	return fd;
}

/* With room for fewer than all, for every number of them: the message stays, and none has come. */
TEST(receiver_has_too_few_left)
{
	int q = new_queue(), p[2], got[5], left, before, first;
	unsigned int nr;
	uint64_t value;

	make_pipe(p);
	CHECK_OK(send_fds(q, 1, (int[]){ p[1], p[1], p[1], p[1], p[1] }, 5));
	CHECK_OK(send_value(q, 1, 0, 2));
	close(p[1]);
	first = lowest_free();
	before = open_fds();
	for (left = 0; left < 5; left++) {
		set_limit(first + left);
		nr = 5;
		CHECK_ERR(recv_fds_flags(q, &value, got, &nr, 0), EMFILE);
		CHECK_EQ(nr, 5);
		CHECK_EQ(open_fds(), before);
		CHECK_EQ(stat_of(q).nr_msgs, 2);
		CHECK_EQ(stat_of(q).received, 0);
		CHECK(!at_end(p[0]));
	}
	/* nothing stays reserved */
	set_limit(first + 5);
	CHECK_EQ(lowest_free(), first);
	CHECK_OK(recv_fds_flags(q, &value, got, &nr, 0));
	CHECK_EQ(value, 1);
	CHECK_EQ(open_fds(), before + 5);
	CHECK_RECV(q, ANY, 2);
}

TEST(receiver_of_one_has_none_left)
{
	int q = new_queue(), r = send_pipe(q, 1), first = lowest_free(), fd;
	unsigned int nr = 1;
	uint64_t value;

	set_limit(first);
	CHECK_ERR(recv_fds_flags(q, &value, &fd, &nr, 0), EMFILE);
	/* it can do without */
	nr = 0;
	CHECK_ERR(recv_fds_flags(q, &value, &fd, &nr, 0), EMSGSIZE);
	CHECK_EQ(nr, 1);
	set_limit(first + 1);
	CHECK_EQ(recv_fd_of(q, 1), first);
	CHECK(!at_end(r));
}

/* The message that could not be received is handed to somebody else who waits. */
static int full_then_waits(void *arg)
{
	int q = *(int *)arg;

	close(recv_fd_of(q, 1));
	return 0;
}

TEST(another_receiver_gets_it)
{
	int q = new_queue(), r = send_pipe(q, 1), fd;
	unsigned int nr = 1;
	uint64_t value;

	set_limit(lowest_free());
	CHECK_ERR(recv_fds_flags(q, &value, &fd, &nr, 0), EMFILE);
	set_limit(1024);
	CHECK_EXITS(spawn(full_then_waits, &q), 0);
	CHECK_SOON(at_end(r));
}

/* ---- the sender's ---- */

static int fills_up(void *arg)
{
	int q = *(int *)arg, mine = new_queue(), fds[10], i;
	struct ipcx_msg msg = msg_of("x", 1, 1, 0);
	unsigned int nr = 10;

	for (i = 0; i < 10; i++)
		fds[i] = 0;
	set_limit(64);
	/* its own queue and another's count together */
	for (i = 0; i < 3; i++)
		CHECK_OK(send_fds(q, i, fds, 10));
	for (i = 0; i < 3; i++)
		CHECK_OK(send_fds(mine, i, fds, 10));
	CHECK_ERR(send_fds(q, 9, fds, 10), ETOOMANYREFS);
	CHECK_ERR(send_fds(mine, 9, fds, 10), ETOOMANYREFS);
	CHECK_ERR(send_fds(q, 9, fds, 5), ETOOMANYREFS);
	CHECK_OK(send_fds(q, 9, fds, 4));
	CHECK_ERR(ipcx_queue_send_fds(mine, &msg, fds, 1, 0, IPCX_FOREVER), ETOOMANYREFS);
	CHECK_EQ(in_flight(mine), 30);
	/* what is received counts no more */
	msg = ipcx_msg(NULL, 0);
	CHECK_OK(ipcx_queue_recv_fds(mine, &msg, fds, &nr, NULL, IPCX_RECV_TRUNCATE | IPCX_NOWAIT, 0));
	CHECK_EQ(nr, 10);
	CHECK_OK(send_fds(mine, 9, fds, 10));
	CHECK_ERR(send_fds(mine, 9, fds, 1), ETOOMANYREFS);
	CHECK_EQ(ipcx_queue_purge(mine, NULL), 3);
	CHECK_OK(send_fds(mine, 9, fds, 10));
	return 0;
}

/* Another process of that user, whose messages are still in the queue. */
static int has_34_there(void *arg)
{
	int q = *(int *)arg;

	set_limit(36);
	CHECK_OK(send_fds(q, 1, (int[]){ 0, 0 }, 2));
	CHECK_ERR(send_fd(q, 1, 0), ETOOMANYREFS);
	return 0;
}

static int has_none(void *arg)
{
	int q = *(int *)arg, fds[IPCX_FDS_MAX] = {};

	set_limit(64);
	CHECK_OK(send_fds(q, 1, fds, IPCX_FDS_MAX));
	CHECK_ERR(send_fd(q, 1, 0), ETOOMANYREFS);
	return 0;
}

TEST(sender_has_too_many)
{
	uid_t uid = 200000 + getpid();
	int q = new_queue(), i;

	NEED_ROOT();
	CHECK_EXITS(spawn_as(uid, fills_up, &q), 0);
	CHECK_EQ(in_flight(q), 34);
	/* its own queue has gone with it, soon */
	CHECK_EXITS(spawn_as(uid, has_34_there, &q), 0);
	/* that is nobody else's affair */
	CHECK_EXITS(spawn_as(uid + 50000, has_none, &q), 0);
	CHECK_EQ(in_flight(q), 36 + 64);
	/* who has the capability is not bound */
	set_limit(16);
	for (i = 0; i < 20; i++)
		CHECK_OK(send_fd(q, 1, 0));
	set_limit(1024);
	CHECK_GT(ipcx_queue_purge(q, NULL), 0);
	CHECK_EQ(in_flight(q), 0);
	CHECK_EXITS(spawn_as(uid, has_none, &q), 0);
}

/* ---- the owner's ---- */

TEST(charged_to_the_owner_and_given_back)
{
	uint64_t before = own_account(), empty, with;
	int q = new_queue(), fds[IPCX_FDS_MAX] = {}, i;

	/* what one message needs is kept for the next */
	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_RECV(q, ANY, 1);
	empty = charged(q);
	CHECK_OK(send_fds(q, 1, fds, IPCX_FDS_MAX));
	with = charged(q);
	CHECK_GE(with, empty + IPCX_FDS_MAX * sizeof(void *));
	CHECK_OK(recv_fds_flags(q, (uint64_t[1]){}, fds, &(unsigned int){ IPCX_FDS_MAX }, 0));
	CHECK_EQ(charged(q), empty);
	for (i = 0; i < IPCX_FDS_MAX; i++)
		close(fds[i]);
	memset(fds, 0, sizeof(fds));
	for (i = 0; i < 50; i++)
		CHECK_OK(send_fds(q, 1, fds, IPCX_FDS_MAX));
	CHECK_GE(charged(q), empty + 50 * IPCX_FDS_MAX * sizeof(void *));
	close(q);
	CHECK_EQ(user_charged(), before);
}

#define PARAM	"/sys/module/ipcx/parameters/user_bytes"

static int over_quota(void *arg)
{
	int q = new_queue(), p[2], fds[IPCX_FDS_MAX], i, ret, nr = 0;

	(void)arg;
	make_pipe(p);
	for (i = 0; i < IPCX_FDS_MAX; i++)
		fds[i] = p[1];
	set_limit(4096);
	while (!(ret = send_fds(q, 1, fds, IPCX_FDS_MAX)))
		CHECK_LT(nr++, 60);
	CHECK_EQ(ret, -EDQUOT);
	CHECK_EQ(in_flight(q), nr * IPCX_FDS_MAX);
	CHECK_EQ(stat_of(q).nr_msgs, nr);
	CHECK_EQ(ipcx_queue_purge(q, NULL), nr);
	close(p[1]);
	CHECK_SOON(at_end(p[0]));
	return 0;
}

TEST(quota)
{
	char old[32] = "";
	int fd, status;
	pid_t pid;

	NEED_ROOT();
	fd = CHECK_SYS(open(PARAM, O_RDWR));
	CHECK_GT(read(fd, old, sizeof(old) - 1), 0);
	CHECK_EQ(pwrite(fd, "20000", 5, 0), 5);
	pid = spawn_as(300000 + getpid(), over_quota, NULL);
	status = wait_child(pid, TEST_SOON_MS);
	CHECK_GT(pwrite(fd, old, strlen(old), 0), 0);
	CHECK_EQ(status, 0);
}

/* ---- killed receivers ---- */

#define NR_KILLS	60
#define NR_FDS		4

struct journal {
	struct ipcx_queue_recv_fds args[100000];
	uint32_t next;
};

static struct journal *journal;
static int kill_queue;

static int receive_for_ever(void *arg)
{
	int fds[NR_FDS];
	uint64_t value;
	uint32_t i;

	(void)arg;
	for (;;) {
		struct ipcx_queue_recv_fds *a;

		i = __atomic_fetch_add(&journal->next, 1, __ATOMIC_RELAXED);
		CHECK_LT(i, 100000);
		a = &journal->args[i];
		a->recv.size = sizeof(*a);
		a->recv.timeout = IPCX_FOREVER;
		a->recv.msg = ipcx_msg(&value, sizeof(value));
		a->recv.msg.type = 0;
		a->fds = (uintptr_t)fds;
		a->nr_fds = NR_FDS;
		CHECK_OK(call(kill_queue, IPCX_QUEUE_RECV_FDS, a));
		for (i = 0; i < NR_FDS; i++)
			CHECK_SYS(close(fds[i]));
	}
}

/*
 * A receiver that is killed has got a message, which its journal then says, or has not, and then it is in the queue.
 * The descriptors of each message are write ends of one pipe: in the end nobody holds one.
 */
TEST_LIMIT(receivers_are_killed, 60000)
{
	int i, j, sent = 0, p[2], fds[NR_FDS];
	uint64_t taken = 0, left;
	struct ipcx_queue_stat st;

	kill_queue = make_queue(64, 0, 0);
	journal = mmap(NULL, sizeof(*journal), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(journal != MAP_FAILED);
	make_pipe(p);
	for (j = 0; j < NR_FDS; j++)
		fds[j] = p[1];
	for (i = 0; i < NR_KILLS; i++) {
		pid_t pid = spawn(receive_for_ever, NULL);
		unsigned int burst = test_random_below(200);

		for (; burst; burst--, sent++) {
			uint64_t value = sent;
			struct ipcx_msg msg = msg_of(&value, sizeof(value), 1, 0);

			CHECK_OK(ipcx_queue_send_fds(kill_queue, &msg, fds, NR_FDS, 0,
						     ipcx_after_ms(TEST_SOON_MS)));
		}
		kill(pid, SIGKILL);
		CHECK_KILLED_BY(pid, SIGKILL);
	}
	for (i = 0; i < (int)journal->next; i++)
		taken += journal->args[i].recv.msg.type != 0;
	st = stat_of(kill_queue);
	left = st.nr_msgs;
	CHECK_EQ(st.received, taken);
	CHECK_EQ(taken + left, sent);
	CHECK_EQ(in_flight(kill_queue), left * NR_FDS);
	NOTE("%d messages sent, %llu taken", sent, (unsigned long long)taken);
	CHECK_EQ(ipcx_queue_purge(kill_queue, NULL), left);
	close(p[1]);
	CHECK_SOON(at_end(p[0]));
}

/* ---- threads that receive at the same time ---- */

static int race_queue;
static volatile bool stop;

static int race(void *arg)
{
	long *got = arg;
	int fds[NR_FDS], ret;
	unsigned int nr, i;
	uint64_t value;

	while (!stop) {
		struct ipcx_msg msg = ipcx_msg(&value, sizeof(value));

		nr = NR_FDS;
		ret = ipcx_queue_recv_fds(race_queue, &msg, fds, &nr, NULL, NO_WAIT);
		if (ret == -EAGAIN || ret == -EMFILE) {
			sched_yield();
			continue;
		}
		CHECK_OK(ret);
		CHECK_EQ(nr, NR_FDS);
		(*got)++;
		for (i = 0; i < NR_FDS; i++)
			CHECK_SYS(close(fds[i]));
	}
	return 0;
}

/* One table of descriptors, nearly full: now the one fails, now the other, and no message gets lost. */
TEST_LIMIT(threads_compete_for_the_last_descriptors, 60000)
{
	int p[2], fds[NR_FDS], i, first;
	struct test_thread t[3];
	long got[3] = {};

	race_queue = make_queue(16, 0, 0);
	make_pipe(p);
	for (i = 0; i < NR_FDS; i++)
		fds[i] = p[1];
	first = lowest_free();
	set_limit(first + NR_FDS + 2);
	for (i = 0; i < 3; i++)
		thread_start(&t[i], race, &got[i]);
	for (i = 0; i < 2000; i++) {
		struct ipcx_msg msg = msg_of("12345678", 8, 1, 0);

		CHECK_OK(ipcx_queue_send_fds(race_queue, &msg, fds, NR_FDS, 0, ipcx_after_ms(TEST_SOON_MS)));
	}
	CHECK_SOON(!stat_of(race_queue).nr_msgs && stat_of(race_queue).received == 2000);
	stop = true;
	for (i = 0; i < 3; i++)
		CHECK_EQ(thread_join(&t[i]), 0);
	CHECK_EQ(got[0] + got[1] + got[2], 2000);
	CHECK_EQ(in_flight(race_queue), 0);
	set_limit(1024);
	CHECK_EQ(lowest_free(), first);
	close(p[1]);
	CHECK_SOON(at_end(p[0]));
}

/* ---- everybody at once ---- */

static int peek(void *arg)
{
	long *seen = arg;
	uint64_t value;

	while (!stop) {
		struct ipcx_msg msg = ipcx_msg(&value, sizeof(value));

		if (ipcx_queue_recv_msg(race_queue, &msg, NULL, IPCX_RECV_PEEK | IPCX_NOWAIT, 0)) {
			sched_yield();
			continue;
		}
		CHECK_EQ(msg.flags, IPCX_MSG_FDS);
		(*seen)++;
	}
	return 0;
}

static int take_plain(void *arg)
{
	long *got = arg;
	uint64_t value;

	while (!stop) {
		struct ipcx_msg msg = ipcx_msg(&value, sizeof(value));

		if (ipcx_queue_recv_msg(race_queue, &msg, NULL, IPCX_NOWAIT, 0)) {
			sched_yield();
			continue;
		}
		CHECK_EQ(msg.flags, IPCX_MSG_FDS);
		(*got)++;
	}
	return 0;
}

static int purge(void *arg)
{
	long *got = arg;

	while (!stop) {
		*got += CHECK_OK(ipcx_queue_purge(race_queue, NULL));
		test_pause_ms(5);
	}
	return 0;
}

/* Peekers look at what others take, with its descriptors, without them, or discard: each message goes once. */
TEST_LIMIT(peekers_receivers_and_purgers, 60000)
{
	int (*const who[])(void *) = { peek, peek, race, race, take_plain, purge };
	enum { NR_WHO = sizeof(who) / sizeof(who[0]), NR_MSGS = 2000 };
	struct test_thread t[NR_WHO];
	int p[2], fds[NR_FDS], i;
	long nr[NR_WHO] = {};

	race_queue = make_queue(16, 0, 0);
	make_pipe(p);
	for (i = 0; i < NR_FDS; i++)
		fds[i] = p[1];
	for (i = 0; i < NR_WHO; i++)
		thread_start(&t[i], who[i], &nr[i]);
	for (i = 0; i < NR_MSGS; i++) {
		struct ipcx_msg msg = msg_of("12345678", 8, 1, 0);

		CHECK_OK(ipcx_queue_send_fds(race_queue, &msg, fds, NR_FDS, 0, ipcx_after_ms(TEST_SOON_MS)));
	}
	CHECK_SOON(!stat_of(race_queue).nr_msgs && !in_flight(race_queue));
	stop = true;
	for (i = 0; i < NR_WHO; i++)
		CHECK_EQ(thread_join(&t[i]), 0);
	CHECK_EQ(nr[2] + nr[3] + nr[4] + nr[5], NR_MSGS);
	NOTE("%ld peeked, %ld received, %ld plain, %ld purged", nr[0] + nr[1], nr[2] + nr[3], nr[4], nr[5]);
	CHECK_EQ(in_flight(race_queue), 0);
	close(p[1]);
	CHECK_SOON(at_end(p[0]));
}
