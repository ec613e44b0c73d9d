// SPDX-License-Identifier: GPL-2.0
/*
 * Taps of a queue: if this fails, who watches a queue misses messages without being told, sees what he has no right to,
 * holds up or changes what others send and receive, or leaves something behind.
 */
#include "object.h"

#include <sys/wait.h>

static char big[3 << 20], got[3 << 20];

static int tap_of(int q)
{
	return CHECK_OK(ipcx_queue_tap(q, NULL));
}

/* The next message of @fd is @text, with this type and priority, and not truncated. */
static void expect(int fd, const char *text, unsigned int type, unsigned int priority)
{
	struct ipcx_msg m = ipcx_msg(got, sizeof(got));

	CHECK_OK(ipcx_queue_recv_msg(fd, &m, NULL, IPCX_NOWAIT, 0));
	CHECK_EQ(m.len, strlen(text));
	CHECK_MEM(got, text, m.len);
	CHECK_EQ(m.type, type);
	CHECK_EQ(m.priority, priority);
	CHECK_EQ(m.pid, (uint32_t)getpid());
	CHECK_EQ(m.uid, geteuid());
	CHECK_EQ(m.flags, 0);
}

static void expect_none(int fd)
{
	struct ipcx_msg m = ipcx_msg(got, sizeof(got));

	CHECK_ERR(ipcx_queue_recv_msg(fd, &m, NULL, IPCX_NOWAIT, 0), EAGAIN);
}

static void send_as(int q, const char *text, unsigned int type, unsigned int priority)
{
	struct ipcx_msg m = ipcx_msg(text, strlen(text));

	m.type = type;
	m.priority = priority;
	CHECK_OK(ipcx_queue_send_msg(q, &m, IPCX_NOWAIT, 0));
}

static int sends_three(void *arg)
{
	struct ipcx_msg m[] = { ipcx_msg("a", 1), ipcx_msg("b", 1), ipcx_msg("c", 1) };

	for (int i = 0; i < 3; i++)
		m[i].type = 1;
	return ipcx_queue_sendv(*(int *)arg, m, 3, 0, ipcx_after_ms(TEST_SOON_MS));
}

/* What has entered, and may have been received long ago, is seen before the sender waits for room. */
TEST(a_batch_that_waits_for_room)
{
	int q = CHECK_OK(ipcx_queue_create(NULL, &(struct ipcx_queue_limits){ .max_msgs = 2 }, NULL)), tap = tap_of(q);
	struct test_thread t;

	thread_start(&t, sends_three, &q);
	CHECK_BLOCKS(t.tid);
	expect(tap, "a", 1, 0);
	expect(tap, "b", 1, 0);
	expect_none(tap);
	expect(q, "a", 1, 0);
	CHECK_EQ(thread_join(&t), 3);
	expect(tap, "c", 1, 0);
	expect_none(tap);
}

TEST(copies_of_what_is_sent_from_now_on)
{
	int q = queue(), tap;

	send_as(q, "before", 1, 0);
	tap = tap_of(q);
	expect_none(tap);
	send_as(q, "low", 3, 1);
	send_as(q, "", 4, 0);
	send_as(q, "high", 5, 7);
	/* in the order of sending, not of priority */
	expect(tap, "low", 3, 1);
	expect(tap, "", 4, 0);
	expect(tap, "high", 5, 7);
	expect_none(tap);
	/* and the queue is as if nobody had looked */
	expect(q, "high", 5, 7);
	expect(q, "low", 3, 1);
	expect(q, "before", 1, 0);
	expect(q, "", 4, 0);
	expect_none(q);
	CHECK_EQ(object_stat(q).users, 1);
}

TEST(every_door)
{
	struct ipcx_msg m[40], served = ipcx_msg(got, sizeof(got)), reply = ipcx_msg(got, sizeof(got)), call_msg;
	char texts[40][8];
	int q = queue(), tap = tap_of(q), fds[1], status;
	uint64_t id;
	pid_t pid;

	CHECK_EQ(write(q, "written", 7), 7);
	expect(tap, "written", 1, 0);
	for (int i = 0; i < 40; i++) {
		snprintf(texts[i], sizeof(texts[i]), "batch%d", i);
		m[i] = ipcx_msg(texts[i], strlen(texts[i]));
		m[i].type = i + 1;
	}
	CHECK_EQ(ipcx_queue_sendv(q, m, 40, 0, IPCX_FOREVER), 40);
	for (int i = 0; i < 40; i++)
		expect(tap, texts[i], i + 1, 0);
	fds[0] = tap_of(queue());
	call_msg = ipcx_msg("descriptor", 10);
	/* a tap would keep its queue for ever if it was in it */
	CHECK_ERR(ipcx_queue_send_fds(q, &call_msg, fds, 1, IPCX_NOWAIT, 0), EOPNOTSUPP);
	expect_none(tap);
	fds[0] = q = queue();
	tap = tap_of(q);
	fds[0] = CHECK_SYS(open("/dev/null", O_RDONLY | O_CLOEXEC));
	CHECK_OK(ipcx_queue_send_fds(q, &call_msg, fds, 1, IPCX_NOWAIT, 0));
	expect(tap, "descriptor", 1, 0);
	CHECK_EQ(ipcx_queue_recv(q, got, sizeof(got)), 10);
	/* a call is seen, its reply is not */
	pid = CHECK_SYS(fork());
	if (!pid) {
		CHECK_OK(ipcx_queue_serve(q, &id, NULL, &served, 0, IPCX_FOREVER));
		call_msg = ipcx_msg("reply", 5);
		CHECK_OK(ipcx_queue_reply(q, id, &call_msg));
		_exit(0);
	}
	call_msg = ipcx_msg("question", 8);
	CHECK_OK(ipcx_queue_call(q, &call_msg, &reply, 0, IPCX_FOREVER));
	expect(tap, "question", 1, 0);
	expect_none(tap);
	CHECK_SYS(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
}

static int receives(void *arg)
{
	return ipcx_queue_recv((long)arg, got, sizeof(got)) != 5;
}

TEST(handed_over_is_seen_and_refused_is_not)
{
	struct ipcx_queue_limits l = { .max_msgs = 1 };
	int q = queue(), tap = tap_of(q), full = CHECK_OK(ipcx_queue_create(NULL, &l, NULL)), tap_full;
	struct ipcx_msg m = ipcx_msg("x", 1);
	pid_t pid = spawn(receives, (void *)(long)q);

	CHECK_BLOCKS(pid);
	send_as(q, "hello", 2, 0);
	CHECK_EXITS(pid, 0);
	expect(tap, "hello", 2, 0);
	tap_full = tap_of(full);
	send_as(full, "one", 1, 0);
	CHECK_ERR(ipcx_queue_send_msg(full, &m, IPCX_NOWAIT, 0), EAGAIN);
	CHECK_ERR(ipcx_queue_send_msg(full, &m, 0, ipcx_after_ms(5)), ETIMEDOUT);
	expect(tap_full, "one", 1, 0);
	expect_none(tap_full);
}

TEST(large_messages)
{
	static const size_t lens[] = { 1, 64, 200, 4000, 4096, 4097, 65536, 100000, sizeof(big) };
	struct ipcx_queue_limits l = { .max_msgs = 2, .max_bytes = 4 << 20 };
	int q = queue(), tap = CHECK_OK(ipcx_queue_tap(q, &l));

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = i * 7 + i / 4096;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		CHECK_OK(ipcx_queue_send(q, big, lens[i]));
		CHECK_EQ(ipcx_queue_recv(q, got, sizeof(got)), (ssize_t)lens[i]);
		memset(got, 0, lens[i]);
		CHECK_EQ(ipcx_queue_recv(tap, got, sizeof(got)), (ssize_t)lens[i]);
		CHECK_MEM(got, big, lens[i]);
	}
}

TEST(slow_ones_lose_and_are_told)
{
	struct ipcx_queue_limits l = { .max_msgs = 2, .max_bytes = 1000 };
	int q = queue(), tap = CHECK_OK(ipcx_queue_tap(q, &l));
	struct ipcx_msg m = ipcx_msg(got, sizeof(got));
	struct ipcx_queue_stat st;

	for (int i = 0; i < 5; i++)
		CHECK_OK(ipcx_queue_send(q, "12345", i + 1));
	CHECK_OK(ipcx_queue_recv_msg(tap, &m, NULL, IPCX_NOWAIT, 0));
	CHECK_EQ(m.len, 4);
	CHECK(m.flags & IPCX_MSG_LOST);
	CHECK_EQ(m.priority, 3);
	/* larger than the tap */
	CHECK_OK(ipcx_queue_send(q, big, 1001));
	CHECK_EQ(ipcx_queue_recv(tap, got, sizeof(got)), 5);
	expect_none(tap);
	CHECK_OK(ipcx_queue_stat(tap, &st));
	CHECK_EQ(st.dropped, 4);
	CHECK_OK(ipcx_queue_stat(q, &st));
	CHECK_EQ(st.dropped, 0);
	CHECK_EQ(st.nr_msgs, 6);
}

TEST(rights_and_arguments)
{
	struct ipcx_queue_tap arg = { .size = sizeof(arg) };
	struct ipcx_options latest = { .flags = IPCX_QUEUE_LATEST };
	int q = queue(), w = CHECK_OK(ipcx_restrict(q, IPCX_WRITE)), tap, taps[8];

	CHECK_ERR(ipcx_queue_tap(w, NULL), EACCES);
	CHECK_ERR(ipcx_queue_tap(sem(0, 1), NULL), ENOTTY);
	CHECK_ERR(ipcx_queue_tap(device(), NULL), ENOTTY);
	arg.flags = 1;
	CHECK_ERR(call(q, IPCX_QUEUE_TAP, &arg), EINVAL);
	arg.flags = 0;
	arg.reserved = 1;
	CHECK_ERR(call(q, IPCX_QUEUE_TAP, &arg), EINVAL);
	arg.reserved = 0;
	arg.max_msgs = UINT32_MAX;
	CHECK_ERR(call(q, IPCX_QUEUE_TAP, &arg), EINVAL);
	arg.max_msgs = 0;
	arg.max_bytes = UINT64_MAX;
	CHECK_ERR(call(q, IPCX_QUEUE_TAP, &arg), EINVAL);
	arg.max_bytes = 0;
	arg.flags = IPCX_CREATE_NONBLOCK;
	tap = CHECK_OK(call(q, IPCX_QUEUE_TAP, &arg));
	CHECK(fcntl(tap, F_GETFL) & O_NONBLOCK);
	CHECK(fcntl(tap, F_GETFD) & FD_CLOEXEC);
	CHECK_SYS_ERR(read(tap, got, 1), EAGAIN);
	/* nobody can write into it */
	CHECK_ERR(ipcx_queue_send(tap, "x", 1), EACCES);
	CHECK_ERR(ipcx_restrict(tap, IPCX_WRITE), EACCES);
	CHECK_ERR(ipcx_queue_tap(tap, NULL), EOPNOTSUPP);
	close(tap);
	for (int i = 0; i < 8; i++)
		taps[i] = tap_of(q);
	CHECK_ERR(ipcx_queue_tap(q, NULL), EBUSY);
	CHECK_OK(ipcx_queue_send(q, "all", 3));
	for (int i = 0; i < 8; i++)
		expect(taps[i], "all", 1, 0);
	close(taps[3]);
	taps[3] = tap_of(q);
	tap_of(CHECK_OK(ipcx_queue_create(NULL, NULL, &latest)));
}

TEST(shutdown_and_polling)
{
	int q = queue(), tap = tap_of(q);
	struct pollfd p = { tap, POLLIN, 0 };

	CHECK_EQ(poll(&p, 1, 0), 0);
	send_as(q, "last", 1, 0);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	expect(tap, "last", 1, 0);
	CHECK_ERR(ipcx_queue_recv(tap, got, 1), EPIPE);
	CHECK_ERR(ipcx_queue_tap(q, NULL), EPIPE);
}

TEST(closing_in_any_order)
{
	int q = queue(), tap = tap_of(q), copy = CHECK_OK(ipcx_restrict(tap, IPCX_READ));

	/* the queue's last descriptor goes before its tap */
	send_as(q, "stays", 1, 0);
	close(q);
	expect(tap, "stays", 1, 0);
	close(tap);
	expect(copy, "stays", 1, 0);
	close(copy);
	/* and a tap with messages in it goes first */
	q = queue();
	tap = tap_of(q);
	send_as(q, "unread", 1, 0);
	close(tap);
	send_as(q, "after", 1, 0);
	expect(q, "unread", 1, 0);
	expect(q, "after", 1, 0);
}

/* The tap's owner pays, and what he cannot pay for he does not see: the sender is not told. */
static volatile int *is_ready;

static int taps_poor(void *arg)
{
	int q = (long)arg, tap = CHECK_OK(ipcx_queue_tap(q, &(struct ipcx_queue_limits){ .max_bytes = 1ull << 30 }));
	struct ipcx_queue_stat st;

	*is_ready = 1;
	CHECK_SOON(!ipcx_queue_stat(tap, &st) && st.dropped > 0);
	return 0;
}

TEST(who_taps_pays)
{
	struct ipcx_query query;
	uint64_t charged;
	pid_t pid;
	int q;

	NEED_ROOT();
	is_ready = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(is_ready != MAP_FAILED);
	CHECK_OK(ipcx_query(&query));
	q = queue();
	pid = spawn_as(TEST_UID_ALICE, taps_poor, (void *)(long)q);
	CHECK_SOON(*is_ready);
	charged = object_stat(q).charged;
	for (uint64_t sent = 0; sent < query.user_bytes + (8 << 20); sent += sizeof(big)) {
		CHECK_OK(ipcx_queue_send(q, big, sizeof(big)));
		CHECK_EQ(ipcx_queue_recv(q, got, sizeof(got)), (ssize_t)sizeof(got));
	}
	CHECK_LE(object_stat(q).charged, charged + sizeof(big) + (1 << 20));
	CHECK_EXITS(pid, 0);
}

/* ---- races ---- */

#define NR_ROUNDS	2000

static volatile int *ended;

static int sends_many(void *arg)
{
	for (uint64_t i = 1; i <= NR_ROUNDS; i++)
		CHECK_OK(ipcx_queue_send((long)arg, &i, sizeof(i)));
	return 0;
}

static int takes_many(void *arg)
{
	uint64_t value;

	while (ipcx_queue_recv((long)arg, &value, sizeof(value)) == sizeof(value))
		;
	return 0;
}

static int comes_and_goes(void *arg)
{
	uint64_t value;

	while (!*ended) {
		int tap = ipcx_queue_tap((long)arg, NULL);

		CHECK_OK(tap);
		for (int i = 0; i < 3; i++)
			ipcx_queue_recv_msg(tap, &(struct ipcx_msg){ (uintptr_t)&value, sizeof(value), 0, 0, 0, 0, 0, 0 },
					    NULL, 0, ipcx_after_ms(1));
		close(tap);
	}
	return 0;
}

TEST(taps_that_come_and_go)
{
	struct ipcx_queue_limits l = { .max_msgs = NR_ROUNDS, .max_bytes = 1 << 20 };
	int q = queue(), tap = CHECK_OK(ipcx_queue_tap(q, &l));
	pid_t senders, receiver, goers[3];
	uint64_t value;

	ended = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(ended != MAP_FAILED);
	receiver = spawn(takes_many, (void *)(long)q);
	for (int i = 0; i < 3; i++)
		goers[i] = spawn(comes_and_goes, (void *)(long)q);
	senders = spawn(sends_many, (void *)(long)q);
	CHECK_EXITS(senders, 0);
	*ended = 1;
	for (int i = 0; i < 3; i++)
		CHECK_EXITS(goers[i], 0);
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	CHECK_EXITS(receiver, 0);
	/* who stayed has seen every one, once and in order */
	for (uint64_t i = 1; i <= NR_ROUNDS; i++) {
		CHECK_EQ(ipcx_queue_recv(tap, &value, sizeof(value)), (ssize_t)sizeof(value));
		CHECK_EQ(value, i);
	}
	CHECK_ERR(ipcx_queue_recv(tap, &value, sizeof(value)), EPIPE);
}

static int waits_at_tap(void *arg)
{
	return ipcx_queue_recv((long)arg, got, sizeof(got)) != 5;
}

TEST(waiting_killed_and_forked)
{
	int q = queue(), tap = tap_of(q);
	pid_t pid = spawn(waits_at_tap, (void *)(long)tap);

	CHECK_BLOCKS(pid);
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_OK(ipcx_queue_send(q, "first", 5));
	expect(tap, "first", 1, 0);
	pid = spawn(waits_at_tap, (void *)(long)tap);
	CHECK_BLOCKS(pid);
	CHECK_OK(ipcx_queue_send(q, "hello", 5));
	CHECK_EXITS(pid, 0);
	expect_none(tap);
}
