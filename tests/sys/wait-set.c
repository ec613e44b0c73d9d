// SPDX-License-Identifier: GPL-2.0
/*
 * Wait sets: a registration that lasts, turns, changes during a wait, and every way in which one can end.  Were it
 * broken, a change would be missed for ever, an object be starved by another, or memory stay after the last close.
 */
/* timeout: 120 */
#include "wait-test.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

static int set_of(const struct ipcx_wait_entry *e, unsigned int nr)
{
	int set = wait_set();
	unsigned int i;

	for (i = 0; i < nr; i++)
		set_add(set, i, e[i]);
	return set;
}

#define set_with(...)	set_of(LIST(__VA_ARGS__))

TEST(what_is_ready_is_taken)
{
	int a = sem(0, 9), b = sem(2, 9), e = event(1, 0), set = set_with(TAKE(a), TAKE(b), TAKE(e));

	CHECK_EQ(set_now(set, 0), 1);
	CHECK_EQ(set_now(set, 0), 2);
	CHECK_EQ(set_now(set, 0), 1);
	CHECK_ERR(set_now(set, 0), EAGAIN);
	CHECK_ERR(ipcx_wait_set_wait(set, 0, 0, NULL), ETIMEDOUT);
	CHECK_EQ(count(b) + event_stat(e).set, 0);
	/* the registration lasts */
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_EQ(set_now(set, 0), 0);
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_EQ(set_now(set, 0), 2);
	CHECK_ERR(set_now(set, 0), EAGAIN);
	/* it stands in no line */
	CHECK_EQ(waiters(a) + event_stat(e).nr_waiters, 0);
}

TEST(a_change_ends_a_wait)
{
	int s[IPCX_WAIT_MAX], set = wait_set(), i;
	struct many m;

	for (i = 0; i < IPCX_WAIT_MAX; i++)
		set_add(set, i, TAKE(s[i] = i & 1 ? sem(0, 9) : event(0, 0)));
	for (i = 0; i < IPCX_WAIT_MAX; i++) {
		start_set(&m, set, 0);
		if (i & 1)
			CHECK_OK(ipcx_sem_post(s[i], 1));
		else
			CHECK_EQ(ipcx_event_set(s[i]), 0);
		CHECK_EQ(joined(&m), i);
	}
	CHECK_ERR(set_now(set, 0), EAGAIN);
}

/* Those that stay ready are taken in turn. */
TEST(in_turn)
{
	int a = sem(9, 9), q = queue(), e = event(1, IPCX_EVENT_MANUAL), s = sem(0, 9), i;
	int set = wait_set();

	set_add(set, 3, TAKE(a));
	set_add(set, 20, READABLE(q));
	set_add(set, 40, TAKE(s));
	set_add(set, 63, TAKE(e));
	CHECK_OK(ipcx_queue_send(q, "x", 1));
	for (i = 0; i < 3; i++) {
		CHECK_EQ(set_now(set, 0), 3);
		CHECK_EQ(set_now(set, 0), 20);
		CHECK_EQ(set_now(set, 0), 63);
	}
	CHECK_EQ(count(a), 6);
}

TEST(several_units)
{
	int a = sem(2, 9), set = set_with(UNITS(a, 3));
	struct many m;

	CHECK_ERR(set_now(set, 0), EAGAIN);
	start_set(&m, set, 0);
	CHECK_OK(ipcx_sem_post(a, 3));
	CHECK_EQ(joined(&m), 0);
	CHECK_EQ(count(a), 2);
	CHECK_ERR(set_now(set, 0), EAGAIN);
}

/* One post for several: all who wait for the set, one after the other, get theirs. */
TEST(many_who_wait)
{
	int a = sem(0, 9), b = sem(0, 9), set = set_with(TAKE(a), TAKE(b)), i, got = 0;
	struct many m[5];

	for (i = 0; i < 5; i++)
		start_set(&m[i], set, 0);
	CHECK_OK(ipcx_sem_post(a, 3));
	CHECK_OK(ipcx_sem_post(b, 2));
	for (i = 0; i < 5; i++)
		got += joined(&m[i]);
	CHECK_EQ(got, 2);
	CHECK_EQ(count(a) + count(b), 0);
}

/* Those who stand in line at the object come first. */
TEST(it_takes_what_the_line_leaves)
{
	int a = sem(0, 9), set = set_with(TAKE(a));
	struct many m, n;

	start_set(&m, set, 0);
	start_any(&n, UNITS(a, 2));
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_BLOCKS(m.t.tid);
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_EQ(joined(&n), 0);
	CHECK_BLOCKS(m.t.tid);
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_EQ(joined(&m), 0);

	/* and the rest, when one gives up */
	start_set(&m, set, 0);
	many_init(&n, 0, LIST(UNITS(a, 2)));
	n.timeout = ipcx_after_ms(300);
	thread_start(&n.t, many_main, &n);
	CHECK_SOON(waiters(a) == 1);
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_EQ(joined(&n), -ETIMEDOUT);
	CHECK_EQ(joined(&m), 0);
}

TEST(mixed_kinds)
{
	struct ipcx_queue_limits one = { .max_msgs = 1 };
	int q = CHECK_OK(ipcx_queue_create(NULL, &one, NULL)), p[2], set, s = sem(1, 1);
	struct many m;
	char c;

	CHECK_OK(ipcx_stream_pipe(p, 0));
	set = set_with(READABLE(q), READABLE(p[0]), WRITABLE(s));
	CHECK_ERR(set_now(set, 0), EAGAIN);
	start_set(&m, set, 0);
	CHECK_OK(ipcx_queue_send(q, "x", 1));
	CHECK_EQ(joined(&m), 0);
	CHECK_EQ(ipcx_queue_recv(q, &c, 1), 1);
	start_set(&m, set, 0);
	CHECK_EQ(write(p[1], "y", 1), 1);
	CHECK_EQ(joined(&m), 1);
	CHECK_EQ(read(p[0], &c, 1), 1);
	start_set(&m, set, 0);
	CHECK_OK(ipcx_sem_trywait(s, 1));
	CHECK_EQ(joined(&m), 2);
	CHECK_OK(ipcx_sem_post(s, 1));
	start_set(&m, set, 0);
	close(p[1]);
	CHECK_EQ(joined(&m), 1);
}

/* A pulse sets nothing that a set could find; a set that waits is not let through. */
TEST(a_pulse_does_not_reach_it)
{
	int e = event(0, 0), set = set_with(TAKE(e));
	struct many m;

	start_set(&m, set, 0);
	CHECK_EQ(ipcx_event_pulse(e), 0);
	CHECK_BLOCKS(m.t.tid);
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_EQ(joined(&m), 0);
}

/* ---- changes of the set ---- */

TEST(added_and_removed_during_a_wait)
{
	int a = sem(0, 9), b = sem(1, 9), c = sem(0, 9), set = set_with(TAKE(a));
	struct many m;

	start_set(&m, set, 0);
	set_add(set, 1, TAKE(b));
	CHECK_EQ(joined(&m), 1);
	start_set(&m, set, 0);
	CHECK_OK(ipcx_wait_set_remove(set, 0));
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_BLOCKS(m.t.tid);
	CHECK_OK(ipcx_wait_set_remove(set, 1));
	CHECK_OK(ipcx_sem_post(b, 1));
	CHECK_BLOCKS(m.t.tid);
	/* empty, it goes on for what is added; a new wait would be of nothing */
	CHECK_ERR(set_now(set, 0), EINVAL);
	CHECK_ERR(set_now(set, IPCX_WAIT_ALL), EINVAL);
	set_add(set, 0, TAKE(c));
	CHECK_BLOCKS(m.t.tid);
	CHECK_OK(ipcx_sem_post(c, 1));
	CHECK_EQ(joined(&m), 0);
	CHECK_EQ(count(a), 1);
	CHECK_EQ(count(b), 1);
}

TEST(it_keeps_its_objects)
{
	uint64_t before = own_account();
	int a = sem(0, 9), p[2], set, other = dup(a);
	char c;

	CHECK_OK(ipcx_stream_pipe(p, 0));
	set = set_with(TAKE(a), WRITABLE(p[1]));
	close(a);
	close(p[1]);
	CHECK_OK(ipcx_sem_post(other, 1));
	CHECK_EQ(set_now(set, 0), 0);
	CHECK_EQ(set_now(set, 0), 1);
	/* also the stream's end, until it is removed */
	CHECK_SYS(fcntl(p[0], F_SETFL, O_NONBLOCK));
	CHECK_SYS_ERR(read(p[0], &c, 1), EAGAIN);
	CHECK_OK(ipcx_wait_set_remove(set, 1));
	CHECK_SOON(read(p[0], &c, 1) == 0);
	close(p[0]);
	close(other);
	CHECK_GT(used_bytes(), before);
	close(set);
	CHECK_SOON(used_bytes() == before);
}

TEST(closed_during_a_wait)
{
	uint64_t before = own_account();
	int a = sem(0, 9), set = set_with(TAKE(a));
	struct many m;

	start_set(&m, set, 0);
	close(set);
	CHECK_BLOCKS(m.t.tid);
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_EQ(joined(&m), 0);
	close(a);
	CHECK_SOON(used_bytes() == before);
}

/* ---- all ---- */

TEST(all_or_nothing)
{
	int a = sem(1, 9), b = sem(0, 9), q = queue(), set = set_with(TAKE(a), UNITS(b, 2), READABLE(q));
	struct many m;
	char c;

	CHECK_ERR(set_now(set, IPCX_WAIT_ALL), EAGAIN);
	CHECK_ERR(ipcx_wait_set_wait(set, IPCX_WAIT_ALL, 0, NULL), ETIMEDOUT);
	CHECK_OK(ipcx_sem_post(b, 1));
	start_set(&m, set, IPCX_WAIT_ALL);
	CHECK_OK(ipcx_queue_send(q, "x", 1));
	CHECK_BLOCKS(m.t.tid);
	CHECK_OK(ipcx_sem_post(b, 1));
	CHECK_EQ(joined(&m), 0);
	CHECK_EQ(count(a) + count(b), 0);
	CHECK_EQ(ipcx_queue_recv(q, &c, 1), 1);

	/* what was ready may stop being so */
	CHECK_OK(ipcx_sem_post(a, 1));
	start_set(&m, set, IPCX_WAIT_ALL);
	CHECK_OK(ipcx_sem_trywait(a, 1));
	CHECK_OK(ipcx_queue_send(q, "x", 1));
	CHECK_OK(ipcx_sem_post(b, 2));
	CHECK_BLOCKS(m.t.tid);
	CHECK_EQ(count(b), 2);
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_EQ(joined(&m), 0);
	CHECK_EQ(count(a) + count(b), 0);
	CHECK_ERR(set_now(set, IPCX_WAIT_ALL), EAGAIN);
}

/* A semaphore at its maximum has room once a unit has been taken: who wants to post is told. */
TEST(what_it_takes_makes_room)
{
	int a = sem(1, 1), b = sem(2, 2), c = sem(1, 9), set = set_with(TAKE(c), TAKE(a), UNITS(b, 2));
	int efd = CHECK_SYS(eventfd(0, EFD_NONBLOCK));
	uint64_t value;

	CHECK_OK(ipcx_notify_eventfd(a, IPCX_READY_WRITE, efd, 0));
	CHECK_OK(ipcx_notify_eventfd(b, IPCX_READY_WRITE, efd, 0));
	CHECK_SYS_ERR(read(efd, &value, 8), EAGAIN);
	CHECK_OK(set_now(set, IPCX_WAIT_ALL));
	CHECK_EQ(count(a) + count(b) + count(c), 0);
	CHECK_SYS(read(efd, &value, 8));
	CHECK_EQ(value, 2);
}

TEST(several_wait_for_all_and_any)
{
	int a = sem(0, 9), b = sem(0, 9), set = set_with(TAKE(a), TAKE(b)), i;
	struct many m[3], n;

	for (i = 0; i < 3; i++)
		start_set(&m[i], set, IPCX_WAIT_ALL);
	CHECK_OK(ipcx_sem_post(a, 3));
	CHECK_OK(ipcx_sem_post(b, 3));
	for (i = 0; i < 3; i++)
		CHECK_EQ(joined(&m[i]), 0);
	CHECK_EQ(count(a) + count(b), 0);
	for (i = 0; i < 2; i++)
		start_set(&m[i], set, IPCX_WAIT_ALL);
	start_set(&n, set, 0);
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_EQ(joined(&n), 0);
	for (i = 0; i < 2; i++)
		CHECK_BLOCKS(m[i].t.tid);
	CHECK_OK(ipcx_sem_post(b, 2));
	CHECK_OK(ipcx_sem_post(a, 2));
	for (i = 0; i < 2; i++)
		CHECK_EQ(joined(&m[i]), 0);
}

TEST(the_one_that_was_missing_is_removed)
{
	int a = sem(1, 9), b = sem(0, 9), c = sem(0, 9), set = set_with(TAKE(a), TAKE(b));
	struct many m;

	start_set(&m, set, IPCX_WAIT_ALL);
	set_add(set, 9, TAKE(c));
	CHECK_BLOCKS(m.t.tid);
	CHECK_OK(ipcx_sem_post(b, 1));
	CHECK_BLOCKS(m.t.tid);
	CHECK_OK(ipcx_wait_set_remove(set, 9));
	CHECK_EQ(joined(&m), 0);
	CHECK_EQ(count(a) + count(b), 0);

	start_set(&m, set, IPCX_WAIT_ALL);
	CHECK_OK(ipcx_wait_set_remove(set, 0));
	CHECK_OK(ipcx_wait_set_remove(set, 1));
	CHECK_BLOCKS(m.t.tid);
	set_add(set, 1, TAKE(c));
	CHECK_OK(ipcx_sem_post(c, 1));
	CHECK_EQ(joined(&m), 0);
}

TEST(an_object_twice)
{
	int a = sem(2, 9), set = set_with(TAKE(a), TAKE(a));

	CHECK_ERR(set_now(set, IPCX_WAIT_ALL), EINVAL);
	CHECK_EQ(set_now(set, 0), 0);
	CHECK_EQ(set_now(set, 0), 1);
	CHECK_OK(ipcx_wait_set_remove(set, 0));
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_EQ(set_now(set, IPCX_WAIT_ALL), 0);
}

/* ---- the ends of a wait ---- */

TEST(timeouts_on_both_clocks)
{
	int a = sem(0, 9), set = set_with(TAKE(a)), all;

	for (all = 0; all < 2; all++) {
		unsigned int flags = all ? IPCX_WAIT_ALL : 0;
		uint64_t end = test_now_ns() + 30000000;

		CHECK_ERR(ipcx_wait_set_wait(set, flags, end, NULL), ETIMEDOUT);
		CHECK_GE(test_now_ns(), end);
		end = realtime_ns() + 30000000;
		CHECK_ERR(ipcx_wait_set_wait(set, flags | IPCX_REALTIME, end, NULL), ETIMEDOUT);
		CHECK_GE(realtime_ns(), end);
		CHECK_LT(realtime_ns(), end + 3000000000);
		CHECK_OK(ipcx_sem_post(a, 1));
		CHECK_EQ(ipcx_wait_set_wait(set, flags, 0, NULL), 0);
	}
}

TEST(signals)
{
	int a = sem(0, 9), set = set_with(TAKE(a)), i;
	struct many m;

	for (i = 0; i < 4; i++) {
		on_signal(i & 1 ? SA_RESTART : 0);
		start_set(&m, set, i & 2 ? IPCX_WAIT_ALL : 0);
		CHECK_SYS(pthread_kill(m.t.thread, SIGUSR1));
		CHECK_SOON(handled);
		if (!(i & 1)) {
			CHECK_EQ(joined(&m), -EINTR);
			continue;
		}
		CHECK_BLOCKS(m.t.tid);
		CHECK_OK(ipcx_sem_post(a, 1));
		CHECK_EQ(joined(&m), 0);
	}
}

/* Those who are killed leave what they were woken for to the others. */
TEST(killed)
{
	int a = sem(0, 9), set = set_with(TAKE(a)), i;
	struct many m = { .set = set, .timeout = IPCX_FOREVER }, n;

	for (i = 0; i < 40; i++) {
		many_start_process(&m);
		start_set(&n, set, 0);
		kill(m.pid, SIGKILL);
		CHECK_OK(ipcx_sem_post(a, 1));
		CHECK_KILLED_BY(m.pid, SIGKILL);
		CHECK_EQ(joined(&n), 0);
		CHECK_EQ(count(a), 0);
	}
}

TEST(a_shutdown_tells_which)
{
	unsigned int how[] = { IPCX_SHUT_SEND, IPCX_SHUT_RECV };
	int i, all;

	for (i = 0; i < 4; i++) {
		int a = sem(0, 9), b = sem(0, 9), e = event(0, 0), set = set_with(TAKE(a), TAKE(b), TAKE(e));
		int shut = i & 1 ? b : e;
		struct many m, n;

		all = i / 2 ? IPCX_WAIT_ALL : 0;
		start_set(&m, set, all);
		start_set(&n, set, all);
		CHECK_OK(ipcx_shutdown(shut, how[i & 1]));
		CHECK_EQ(joined(&m), -EPIPE);
		CHECK_EQ(m.index, i & 1 ? 1 : 2);
		CHECK_EQ(joined(&n), -EPIPE);
		CHECK_EQ(n.index, i & 1 ? 1 : 2);
		/* it goes on saying so, in turn with the others */
		CHECK_OK(ipcx_sem_post(a, 1));
		if (all)
			CHECK_ERR(set_now(set, all), EPIPE);
		CHECK_EQ(set_now(set, 0), 0);
		CHECK_ERR(set_now(set, 0), EPIPE);
		CHECK_OK(ipcx_wait_set_remove(set, i & 1 ? 1 : 2));
		CHECK_ERR(set_now(set, 0), EAGAIN);
	}
}

/* ---- robust ---- */

static int takes_of_set_and_hangs(void *arg)
{
	CHECK_EQ(ipcx_wait_set_wait((long)arg, 0, IPCX_FOREVER, NULL), 1);
	return hang();
}

static int takes_all_of_set_and_hangs(void *arg)
{
	CHECK_EQ(ipcx_wait_set_wait((long)arg, IPCX_WAIT_ALL, IPCX_FOREVER, NULL), 0);
	return hang();
}

/* What is taken through a set is held by who waited, not by who made the set. */
TEST(units_of_a_robust_semaphore_come_back)
{
	int a = sem(0, 9), r = robust_sem(0, 9), set = set_with(TAKE(a), UNITS(r, 2)), all;
	struct many m;
	pid_t pid;

	for (all = 0; all < 2; all++) {
		pid = spawn(all ? takes_all_of_set_and_hangs : takes_of_set_and_hangs, (void *)(long)set);
		CHECK_BLOCKS(pid);
		CHECK_OK(ipcx_sem_post(r, 2));
		if (all)
			CHECK_OK(ipcx_sem_post(a, 1));
		CHECK_SOON(sem_stat(r).held == 2);
		CHECK_EQ(count(r), 0);
		start_set(&m, set, 0);
		kill(pid, SIGKILL);
		CHECK_KILLED_BY(pid, SIGKILL);
		CHECK_EQ(joined(&m), 1);
		CHECK_EQ(sem_stat(r).held, 2);
		CHECK_OK(ipcx_sem_post(r, 2));
		CHECK_OK(ipcx_sem_trywait(r, 2));
		CHECK_OK(ipcx_sem_post(r, 2));
		CHECK_OK(ipcx_sem_trywait(r, 2));
		CHECK_EQ(sem_stat(r).held, 2);
	}
}

/* ---- poll ---- */

static int posts(void *arg)
{
	int s = (long)arg;

	test_pause_ms(20);
	return ipcx_sem_post(s, 1);
}

TEST(polled)
{
	int a = sem(0, 9), q = queue(), set = set_with(TAKE(a), READABLE(q)), ep = CHECK_SYS(epoll_create1(0)), i;
	struct epoll_event ev = { .events = EPOLLIN }, got;
	struct pollfd p = { .fd = set, .events = POLLIN };
	struct many m;
	char c;

	CHECK_EQ(poll_events(set), 0);
	CHECK_SYS(epoll_ctl(ep, EPOLL_CTL_ADD, set, &ev));
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	for (i = 0; i < 3; i++) {
		pid_t pid = spawn(posts, (void *)(long)a);

		if (i == 0)
			CHECK_EQ(epoll_wait(ep, &got, 1, TEST_SOON_MS), 1);
		else if (i == 1)
			CHECK_EQ(poll(&p, 1, TEST_SOON_MS), 1);
		else
			CHECK_EQ(ipcx_wait_any(LIST(READABLE(set)), 0, ipcx_after_ms(TEST_SOON_MS)), 0);
		CHECK_EXITS(pid, 0);
		CHECK_EQ(poll_events(set), POLLIN);
		CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
		CHECK_EQ(set_now(set, 0), 0);
		CHECK_EQ(poll_events(set), 0);
		CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	}
	/* somebody else was quicker */
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_OK(ipcx_sem_trywait(a, 1));
	CHECK_EQ(poll_events(set), 0);
	CHECK_OK(ipcx_queue_send(q, "x", 1));
	CHECK_EQ(poll_events(set), POLLIN);
	CHECK_EQ(ipcx_queue_recv(q, &c, 1), 1);
	CHECK_EQ(poll_events(set), 0);
	/* an object added is seen, too */
	start_any(&m, READABLE(set));
	set_add(set, 7, TAKE(event(1, IPCX_EVENT_MANUAL)));
	CHECK_EQ(joined(&m), 0);
	CHECK_OK(ipcx_wait_set_remove(set, 7));
	CHECK_EQ(poll_events(set), 0);
}

TEST(edges_of_epoll)
{
	int a = sem(0, 9), set = set_with(TAKE(a)), ep = CHECK_SYS(epoll_create1(0)), i;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET }, got;

	CHECK_SYS(epoll_ctl(ep, EPOLL_CTL_ADD, set, &ev));
	for (i = 0; i < 3; i++) {
		CHECK_OK(ipcx_sem_post(a, 1));
		CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
		CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	}
}

/* ---- passed on, rights, arguments ---- */

static int waits_for_passed(void *arg)
{
	return set_now(recv_fd((long)arg), 0);
}

TEST(passed_over_a_socket)
{
	int a = sem(0, 9), b = sem(1, 9), set = set_with(TAKE(a), TAKE(b)), sock[2];
	pid_t pid;

	CHECK_SYS(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sock));
	pid = spawn(waits_for_passed, (void *)(long)sock[1]);
	send_fd(sock[0], set);
	close(set);
	CHECK_EXITS(pid, 1);
	CHECK_EQ(count(b), 0);
}

TEST(arguments)
{
	int s = sem(1, 9), q = queue(), set = wait_set(), other = wait_set(), dev = device(), reg = region(4096), file, ro, wo;
	struct ipcx_wait_set_change good = { .size = sizeof(good), .index = 5, .entry = TAKE(s) }, c;
	struct ipcx_wait_set_wait wait = { .size = sizeof(wait), .flags = IPCX_NOWAIT };
	struct ipcx_create create = { .size = sizeof(create) };

	file = CHECK_SYS(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
	ro = CHECK_OK(ipcx_restrict(set, IPCX_READ));
	wo = CHECK_OK(ipcx_restrict(set, IPCX_WRITE));
	CHECK_ERR(set_now(set, 0), EINVAL);
#define BAD(member, value, err)						\
	do {								\
		c = good;						\
		c.member = value;					\
		CHECK_ERR(call(set, IPCX_WAIT_SET_ADD, &c), err);	\
		CHECK_ERR(set_now(set, 0), EINVAL);			\
	} while (0)
	BAD(flags, 1, EINVAL);
	BAD(reserved, 1, EINVAL);
	BAD(index, IPCX_WAIT_MAX, EINVAL);
	BAD(index, ~0u, EINVAL);
	BAD(entry, UNITS(s, 10), EINVAL);
	BAD(entry.what, 3, EINVAL);
	BAD(entry.reserved, 1, EINVAL);
	BAD(entry, TAKE(999), EBADF);
	BAD(entry, TAKE(-1), EBADF);
	BAD(entry, TAKE(file), EINVAL);
	BAD(entry, TAKE(dev), EINVAL);
	BAD(entry, TAKE(q), EOPNOTSUPP);
	BAD(entry, READABLE(reg), EOPNOTSUPP);
	BAD(entry, READABLE(set), EINVAL);
	BAD(entry, TAKE(other), EINVAL);
	BAD(entry, TAKE(CHECK_OK(ipcx_restrict(s, IPCX_WRITE))), EACCES);
	CHECK_ERR(call(ro, IPCX_WAIT_SET_ADD, &good), EACCES);
	CHECK_ERR(call(s, IPCX_WAIT_SET_ADD, &good), ENOTTY);
	CHECK_OK(call(wo, IPCX_WAIT_SET_ADD, &good));
	CHECK_ERR(call(set, IPCX_WAIT_SET_ADD, &good), EBUSY);

	c = (struct ipcx_wait_set_change){ .size = sizeof(c), .index = 4 };
	CHECK_ERR(call(set, IPCX_WAIT_SET_REMOVE, &c), ENOENT);
	c.index = IPCX_WAIT_MAX;
	CHECK_ERR(call(set, IPCX_WAIT_SET_REMOVE, &c), EINVAL);
	c.index = 5;
	CHECK_ERR(call(ro, IPCX_WAIT_SET_REMOVE, &c), EACCES);
	c.entry.fd = 1;
	CHECK_ERR(call(set, IPCX_WAIT_SET_REMOVE, &c), EINVAL);

	wait.flags |= IPCX_WAIT_ALERT;
	CHECK_ERR(call(set, IPCX_WAIT_SET_WAIT, &wait), EINVAL);
	wait.flags = IPCX_NOWAIT;
	wait.reserved = 1;
	CHECK_ERR(call(set, IPCX_WAIT_SET_WAIT, &wait), EINVAL);
	wait.reserved = 0;
	CHECK_ERR(call(wo, IPCX_WAIT_SET_WAIT, &wait), EACCES);
	CHECK_EQ(count(s), 1);
	CHECK_EQ(call(ro, IPCX_WAIT_SET_WAIT, &wait), 5);
	CHECK_EQ(count(s), 0);

	/* it has no name, no line and no end */
	create.name = (uintptr_t)"a-name";
	CHECK_ERR(call(dev, IPCX_WAIT_SET_CREATE, &create), EINVAL);
	create.name = 0;
	create.flags = IPCX_SEM_ROBUST;
	CHECK_ERR(call(dev, IPCX_WAIT_SET_CREATE, &create), EOPNOTSUPP);
	CHECK_ERR(ipcx_shutdown(set, IPCX_SHUT_RECV), EOPNOTSUPP);
	CHECK_ERR(any_now(TAKE(set)), EOPNOTSUPP);
	CHECK_ERR(any_now(READABLE(set)), EAGAIN);
	CHECK_STR(fdinfo(set, "objects"), "1");
	CHECK_EQ(object_stat(set).kind, IPCX_KIND_WAIT_SET);
}

TEST(o_nonblock)
{
	struct ipcx_options o = { .flags = IPCX_CREATE_NONBLOCK };
	int a = sem(0, 9), set = CHECK_OK(ipcx_wait_set_create(&o));

	set_add(set, 0, TAKE(a));
	CHECK_ERR(ipcx_wait_set_wait(set, 0, IPCX_FOREVER, NULL), EAGAIN);
	CHECK_ERR(ipcx_wait_set_wait(set, IPCX_WAIT_ALL, IPCX_FOREVER, NULL), EAGAIN);
}

#define QUOTA	"/sys/module/ipcx/parameters/user_bytes"

static int adds_until_the_quota(void *arg)
{
	struct ipcx_wait_entry e = TAKE(sem(1, 9));
	int set = wait_set(), i, ret = 0;

	(void)arg;
	for (i = 0; i < IPCX_WAIT_MAX && !ret; i++)
		ret = ipcx_wait_set_add(set, i, &e);
	CHECK_EQ(ret, -EDQUOT);
	CHECK_GT(i, 1);
	/* what is in it stays, and what goes makes room */
	CHECK_EQ(set_now(set, 0), 0);
	CHECK_OK(ipcx_wait_set_remove(set, 0));
	CHECK_OK(ipcx_wait_set_add(set, 0, &e));
	close(set);
	close(e.fd);
	CHECK_SOON(used_bytes() == 0);
	return 0;
}

TEST(quota)
{
	char limit[32];
	int status;
	pid_t pid;

	NEED_ROOT();
	read_text(QUOTA, limit, sizeof(limit));
	write_text(QUOTA, "3000");
	pid = spawn_as(2100, adds_until_the_quota, NULL);
	status = wait_child(pid, TEST_SOON_MS);
	write_text(QUOTA, limit);
	CHECK_EQ(status, 0);
}

/* ---- many at once ---- */

#define NR	8

static int storm_sems[NR], storm_set, storm_taken;
static volatile int storm_end;

static int takes_of_set(void *arg)
{
	unsigned int x = (long)arg;

	while (!storm_end) {
		int ret;

		x = x * 1103515245 + 12345;
		ret = ipcx_wait_set_wait(storm_set, 0, ipcx_after_ns((x >> 16 & 63) * 8000), NULL);
		if (ret >= 0)
			__atomic_add_fetch(&storm_taken, 1, __ATOMIC_SEQ_CST);
		else
			CHECK(ret == -ETIMEDOUT || ret == -EINTR || ret == -EINVAL);
	}
	return 0;
}

/* Takes an object out and puts it back, over and over. */
static int changes_the_set(void *arg)
{
	unsigned int x = (long)arg;

	while (!storm_end) {
		int i;

		x = x * 1103515245 + 12345;
		i = (x >> 16) % NR;
		CHECK_OK(ipcx_wait_set_remove(storm_set, i));
		set_add(storm_set, i, TAKE(storm_sems[i]));
	}
	return 0;
}

TEST_LIMIT(storm, 60000)
{
	struct test_thread t[4];
	int i, posted = 0, left = 0;

	on_signal(0);
	storm_set = wait_set();
	for (i = 0; i < NR; i++) {
		storm_sems[i] = i & 1 ? sem(0, 100000) : robust_sem(0, 100000);
		set_add(storm_set, i, TAKE(storm_sems[i]));
	}
	for (i = 0; i < 4; i++)
		thread_start(&t[i], i < 3 ? takes_of_set : changes_the_set, (void *)(long)test_random_below(1 << 30));
	for (i = 0; i < 8000; i++) {
		int n = 1 + test_random_below(2);

		CHECK_OK(ipcx_sem_post(storm_sems[test_random_below(NR)], n));
		posted += n;
		if (!test_random_below(16))
			pthread_kill(t[test_random_below(3)].thread, SIGUSR1);
	}
	storm_end = 1;
	for (i = 0; i < 4; i++)
		CHECK_EQ(thread_join(&t[i]), 0);
	for (i = 0; i < NR; i++)
		left += count(storm_sems[i]);
	CHECK_EQ(storm_taken + left, posted);
	NOTE("%d of %d taken", storm_taken, posted);
}

/* No hint is lost: everything that is posted is taken, with a long time to wait and nobody who looks again. */
static int takes_the_rest(void *arg)
{
	int nr = 0, ret;

	(void)arg;
	while ((ret = CHECK_OK(ipcx_wait_set_wait(storm_set, 0, ipcx_after_ms(TEST_SOON_MS), NULL))) != 0)
		nr++;
	return nr;
}

TEST_LIMIT(no_hint_is_lost, 60000)
{
	struct test_thread t[3];
	int i, nr = 0, left;

	storm_set = wait_set();
	for (i = 0; i < NR; i++)
		set_add(storm_set, i, TAKE(storm_sems[i] = sem(0, 100000)));
	for (i = 0; i < 3; i++)
		thread_start(&t[i], takes_the_rest, NULL);
	for (i = 0; i < 10000; i++)
		CHECK_OK(ipcx_sem_post(storm_sems[1 + test_random_below(NR - 1)], 1));
	CHECK_SOON(({ for (left = 0, i = 1; i < NR; i++) left += count(storm_sems[i]); left; }) == 0);
	CHECK_OK(ipcx_sem_post(storm_sems[0], 3));
	for (i = 0; i < 3; i++)
		nr += thread_join(&t[i]);
	CHECK_EQ(nr, 10000);
}

/* Philosophers again, each with a set of their own. */
#define SEATS	5

static int forks[SEATS];
static volatile int in_use[SEATS];

static int dines(void *arg)
{
	int left = (long)arg, right = (left + 1) % SEATS, i, set = set_with(TAKE(forks[left]), TAKE(forks[right]));

	for (i = 0; i < 300; i++) {
		CHECK_EQ(ipcx_wait_set_wait(set, IPCX_WAIT_ALL, ipcx_after_ms(TEST_SOON_MS), NULL), 0);
		CHECK_EQ(__atomic_add_fetch(&in_use[left], 1, __ATOMIC_SEQ_CST), 1);
		CHECK_EQ(__atomic_add_fetch(&in_use[right], 1, __ATOMIC_SEQ_CST), 1);
		if (i % 16 == 0)
			sched_yield();
		__atomic_sub_fetch(&in_use[left], 1, __ATOMIC_SEQ_CST);
		__atomic_sub_fetch(&in_use[right], 1, __ATOMIC_SEQ_CST);
		CHECK_EQ(ipcx_event_set(forks[i & 1 ? left : right]), 0);
		CHECK_EQ(ipcx_event_set(forks[i & 1 ? right : left]), 0);
	}
	return 0;
}

TEST_LIMIT(dining_philosophers, 60000)
{
	struct test_thread t[SEATS];
	int i;

	for (i = 0; i < SEATS; i++)
		forks[i] = event(1, 0);
	for (i = 0; i < SEATS; i++)
		thread_start(&t[i], dines, (void *)(long)i);
	for (i = 0; i < SEATS; i++)
		CHECK_EQ(thread_join(&t[i]), 0);
	for (i = 0; i < SEATS; i++)
		CHECK_EQ(event_stat(forks[i]).set, 1);
}
