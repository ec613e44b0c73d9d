// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for any of several objects: which one is taken, and every way in which the wait can end.  Were it broken,
 * units would be lost or taken twice, those who wait for one object be overtaken, or somebody sleep for ever.
 */
#include "wait-test.h"

TEST(the_first_that_is_ready)
{
	int a = sem(0, 9), b = sem(1, 9), c = event(1, 0), d = event(1, IPCX_EVENT_MANUAL);

	CHECK_EQ(any_now(TAKE(a), TAKE(b), TAKE(c), TAKE(d)), 1);
	CHECK_EQ(count(b), 0);
	CHECK_EQ(event_stat(c).set, 1);
	CHECK_EQ(any_now(TAKE(a), TAKE(b), TAKE(c), TAKE(d)), 2);
	CHECK_EQ(event_stat(c).set, 0);
	CHECK_EQ(any_now(TAKE(a), TAKE(b), TAKE(c), TAKE(d)), 3);
	CHECK_EQ(event_stat(d).set, 1);
	CHECK_EQ(any_now(TAKE(a), TAKE(b), TAKE(c), TAKE(d)), 3);
	CHECK_EQ(ipcx_event_reset(d), 1);
	CHECK_ERR(any_now(TAKE(a), TAKE(b), TAKE(c), TAKE(d)), EAGAIN);
	CHECK_ERR(ipcx_wait_any(LIST(TAKE(a), TAKE(b)), 0, 0), ETIMEDOUT);
	CHECK_EQ(waiters(a), 0);
	CHECK_EQ(waiters(b), 0);
}

TEST(the_first_that_becomes_ready)
{
	int a = sem(0, 9), b = sem(0, 9), e = event(0, 0), i;
	struct many m;

	for (i = 0; i < 3; i++) {
		start_any(&m, TAKE(a), TAKE(b), TAKE(e));
		CHECK_EQ(waiters(a), 1);
		CHECK_EQ(waiters(b), 1);
		CHECK_EQ(event_stat(e).nr_waiters, 1);
		if (i == 0)
			CHECK_OK(ipcx_sem_post(a, 1));
		else if (i == 1)
			CHECK_OK(ipcx_sem_post(b, 1));
		else
			CHECK_EQ(ipcx_event_set(e), 0);
		CHECK_EQ(joined(&m), i);
		CHECK_EQ(count(a) + count(b) + event_stat(e).set, 0);
		CHECK_EQ(waiters(a) + waiters(b) + event_stat(e).nr_waiters, 0);
	}
}

/* As many as there may be, and each of them. */
TEST(sixty_four)
{
	struct ipcx_wait_entry e[IPCX_WAIT_MAX];
	int i, s[IPCX_WAIT_MAX];
	struct many m;

	for (i = 0; i < IPCX_WAIT_MAX; i++) {
		s[i] = sem(0, 9);
		e[i] = TAKE(s[i]);
	}
	for (i = 0; i < IPCX_WAIT_MAX; i++) {
		CHECK_OK(ipcx_sem_post(s[i], 1));
		CHECK_EQ(ipcx_wait_any(e, IPCX_WAIT_MAX, 0, IPCX_FOREVER), i);
		many_init(&m, 0, e, IPCX_WAIT_MAX);
		many_start(&m);
		CHECK_OK(ipcx_sem_post(s[i], 1));
		CHECK_EQ(joined(&m), i);
	}
	for (i = 0; i < IPCX_WAIT_MAX; i++) {
		CHECK_EQ(count(s[i]), 0);
		CHECK_EQ(waiters(s[i]), 0);
	}
}

TEST(several_units)
{
	int a = sem(2, 9), b = sem(1, 9);
	struct many m;

	CHECK_ERR(any_now(UNITS(a, 3), UNITS(b, 2)), EAGAIN);
	start_any(&m, UNITS(a, 3), UNITS(b, 2));
	CHECK_OK(ipcx_sem_post(b, 2));
	CHECK_EQ(joined(&m), 1);
	CHECK_EQ(count(a), 2);
	CHECK_EQ(count(b), 1);
}

/* Handed over: what was posted belongs to the sleeper, even before it runs, and nobody can take it. */
TEST(hand_over)
{
	int a = sem(0, 9), b = sem(0, 9), i;
	struct many m;

	for (i = 0; i < 100; i++) {
		start_any(&m, TAKE(a), TAKE(b));
		CHECK_OK(ipcx_sem_post(i & 1 ? a : b, 1));
		CHECK_ERR(ipcx_sem_trywait(i & 1 ? a : b, 1), EAGAIN);
		/* it is in the other's line until it has run, but nobody has to wait for that */
		CHECK_OK(ipcx_sem_post(i & 1 ? b : a, 1));
		CHECK_OK(ipcx_sem_trywait(i & 1 ? b : a, 1));
		CHECK_EQ(joined(&m), !(i & 1));
	}
}

TEST(first_come_first_served_with_waits_for_one)
{
	int a = sem(0, 9), b = sem(0, 9), i;
	struct many m[6];

	for (i = 0; i < 6; i++) {
		if (i % 2)
			start_any(&m[i], TAKE(b), TAKE(a));
		else
			start_any(&m[i], TAKE(a));
		CHECK_EQ(waiters(a), i + 1);
	}
	for (i = 0; i < 6; i++) {
		CHECK_OK(ipcx_sem_post(a, 1));
		CHECK_EQ(joined(&m[i]), i % 2);
		CHECK_EQ(m[i].place, i + 1);
	}
	CHECK_EQ(waiters(a) + waiters(b), 0);
}

TEST(nobody_overtakes)
{
	int a = sem(2, 9), b = sem(0, 9);
	struct many m, n;

	start_any(&m, UNITS(a, 3), TAKE(b));
	CHECK_ERR(ipcx_sem_trywait(a, 1), EAGAIN);
	CHECK_ERR(any_now(TAKE(a)), EAGAIN);
	start_any(&n, TAKE(a));
	/* when the first is served elsewhere, the next fits at once */
	CHECK_OK(ipcx_sem_post(b, 1));
	CHECK_EQ(joined(&m), 1);
	CHECK_EQ(joined(&n), 0);
	CHECK_EQ(count(a), 1);
}

static int waits_for_one(void *arg)
{
	struct pollfd p = { .fd = (long)arg, .events = POLLIN };

	return poll(&p, 1, TEST_SOON_MS) == 1 ? p.revents : -1;
}

/* The same for those who poll, and when the one in front gives up. */
TEST(pollers_hear_that_the_line_is_empty)
{
	int a = sem(2, 9), b = sem(0, 9);
	struct test_thread t;
	struct many m;

	many_init(&m, 0, LIST(UNITS(a, 3), TAKE(b)));
	m.timeout = ipcx_after_ms(500);
	thread_start(&m.t, many_main, &m);
	CHECK_SOON(waiters(b) == 1);
	thread_start(&t, waits_for_one, (void *)(long)a);
	CHECK_EQ(joined(&m), -ETIMEDOUT);
	CHECK_EQ(thread_join(&t), POLLIN);

	start_any(&m, UNITS(a, 3), TAKE(b));
	CHECK_EQ(poll_events(a), POLLOUT);
	thread_start(&t, waits_for_one, (void *)(long)a);
	CHECK_BLOCKS(t.tid);
	CHECK_OK(ipcx_sem_post(b, 1));
	CHECK_EQ(joined(&m), 1);
	CHECK_EQ(thread_join(&t), POLLIN);
}

TEST(an_object_twice)
{
	int a = sem(0, 9), b = sem(0, 9);
	struct many m;

	start_any(&m, UNITS(a, 2), TAKE(b), TAKE(a));
	CHECK_OK(ipcx_sem_post(a, 1));
	/* the first place wants two, and stands in front of the second */
	CHECK_BLOCKS(m.t.tid);
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_EQ(joined(&m), 0);
	CHECK_EQ(count(a), 0);
	CHECK_EQ(waiters(a) + waiters(b), 0);
	start_any(&m, TAKE(b), TAKE(b));
	CHECK_OK(ipcx_sem_post(b, 2));
	CHECK_EQ(joined(&m), 0);
	CHECK_EQ(count(b), 1);
	CHECK_EQ(waiters(b), 0);
}

TEST(a_manual_event_lets_all_through)
{
	int e = event(0, IPCX_EVENT_MANUAL), s = sem(0, 9), i;
	struct many m[3];

	for (i = 0; i < 3; i++)
		start_any(&m[i], TAKE(s), TAKE(e));
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_EQ(ipcx_event_reset(e), 1);
	for (i = 0; i < 3; i++)
		CHECK_EQ(joined(&m[i]), 1);
	for (i = 0; i < 3; i++)
		start_any(&m[i], TAKE(s), TAKE(e));
	CHECK_EQ(ipcx_event_pulse(e), 3);
	for (i = 0; i < 3; i++)
		CHECK_EQ(joined(&m[i]), 1);
	CHECK_EQ(waiters(s), 0);
}

/* ---- what is not taken ---- */

TEST(mixed_kinds)
{
	struct ipcx_queue_limits one = { .max_msgs = 1 };
	int q = CHECK_OK(ipcx_queue_create(NULL, &one, NULL)), e = event(0, 0), s = sem(0, 1), p[2];
	struct many m;
	char c;

	CHECK_OK(ipcx_stream_pipe(p, 0));
	CHECK_ERR(any_now(READABLE(q), READABLE(p[0]), TAKE(e), READABLE(s)), EAGAIN);
	CHECK_EQ(any_now(READABLE(q), WRITABLE(q)), 1);
	CHECK_EQ(any_now(READABLE(q), WRITABLE(p[1])), 1);
	CHECK_EQ(any_now(WRITABLE(e), WRITABLE(s)), 0);

	start_any(&m, READABLE(q), READABLE(p[0]), TAKE(e), READABLE(s));
	CHECK_OK(ipcx_queue_send(q, "x", 1));
	CHECK_EQ(joined(&m), 0);
	CHECK_EQ(any_now(READABLE(s), READABLE(q)), 1);
	CHECK_ERR(any_now(READABLE(s), WRITABLE(q)), EAGAIN);

	start_any(&m, WRITABLE(q), READABLE(p[0]), TAKE(e), READABLE(s));
	CHECK_EQ(ipcx_queue_recv(q, &c, 1), 1);
	CHECK_EQ(joined(&m), 0);

	start_any(&m, READABLE(q), READABLE(p[0]), TAKE(e), READABLE(s));
	CHECK_EQ(write(p[1], "y", 1), 1);
	CHECK_EQ(joined(&m), 1);
	CHECK_EQ(read(p[0], &c, 1), 1);

	start_any(&m, READABLE(q), READABLE(p[0]), TAKE(e), READABLE(s));
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(joined(&m), 3);
	CHECK_EQ(count(s), 1);

	/* the end of a stream is something to read, and so is a shutdown */
	start_any(&m, READABLE(q), READABLE(p[0]), TAKE(e));
	close(p[1]);
	CHECK_EQ(joined(&m), 1);
	start_any(&m, READABLE(q), TAKE(e));
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	CHECK_EQ(joined(&m), 0);
}

/* A change that does not make it ready for what is waited for ends nothing. */
TEST(other_changes_do_not_wake)
{
	int e = event(0, 0), s = sem(1, 1), q = queue();
	char c;
	struct ipcx_msg msg = ipcx_msg(&c, 1);
	struct many m;

	start_any(&m, READABLE(q), READABLE(e), WRITABLE(s));
	CHECK_EQ(ipcx_event_pulse(e), 0);
	CHECK_ERR(ipcx_queue_recv_msg(q, &msg, NULL, IPCX_NOWAIT, 0), EAGAIN);
	CHECK_BLOCKS(m.t.tid);
	CHECK_OK(ipcx_sem_trywait(s, 1));
	CHECK_EQ(joined(&m), 2);
}

/* ---- alert ---- */

TEST(an_alert_ends_the_wait)
{
	int a = sem(0, 9), alert = event(0, 0), all;
	struct many m;

	for (all = 0; all < 2; all++) {
		many_init(&m, all ? IPCX_WAIT_ALL : 0, LIST(TAKE(a)));
		m.alert = alert;
		many_start(&m);
		CHECK_EQ(event_stat(alert).nr_waiters, 1);
		CHECK_EQ(ipcx_event_set(alert), 0);
		CHECK_EQ(joined(&m), 1);
		CHECK_EQ(event_stat(alert).set, 0);
		CHECK_EQ(waiters(a), 0);

		/* it is looked at last */
		CHECK_OK(ipcx_sem_post(a, 1));
		CHECK_EQ(ipcx_event_set(alert), 0);
		CHECK_EQ(ipcx_wait(LIST(TAKE(a)), all ? IPCX_WAIT_ALL : 0, IPCX_FOREVER, alert, NULL), 0);
		CHECK_EQ(event_stat(alert).set, 1);
		CHECK_EQ(ipcx_wait(LIST(TAKE(a)), all ? IPCX_WAIT_ALL : 0, IPCX_FOREVER, alert, NULL), 1);
		CHECK_EQ(event_stat(alert).set, 0);

		/* alone */
		CHECK_ERR(ipcx_wait(NULL, 0, all ? IPCX_WAIT_ALL : 0, 0, alert, NULL), ETIMEDOUT);
		CHECK_EQ(ipcx_event_set(alert), 0);
		CHECK_EQ(ipcx_wait(NULL, 0, all ? IPCX_WAIT_ALL : 0, IPCX_FOREVER, alert, NULL), 0);

		/* another end leaves it as it is */
		many_start(&m);
		CHECK_OK(ipcx_sem_post(a, 1));
		CHECK_EQ(joined(&m), 0);
		CHECK_EQ(event_stat(alert).nr_waiters, 0);
	}
}

TEST(a_pulse_alerts_and_so_does_a_manual_event)
{
	int a = sem(0, 9), alert = event(0, IPCX_EVENT_MANUAL), all;
	struct many m;

	for (all = 0; all < 2; all++) {
		many_init(&m, all ? IPCX_WAIT_ALL : 0, LIST(TAKE(a)));
		m.alert = alert;
		many_start(&m);
		CHECK_EQ(ipcx_event_pulse(alert), 1);
		CHECK_EQ(joined(&m), 1);
		CHECK_EQ(ipcx_event_set(alert), 0);
		CHECK_EQ(ipcx_wait(LIST(TAKE(a)), all ? IPCX_WAIT_ALL : 0, IPCX_FOREVER, alert, NULL), 1);
		CHECK_EQ(ipcx_event_reset(alert), 1);
	}
}

/* ---- the ends of a wait ---- */

TEST(timeouts_on_both_clocks)
{
	int a = sem(0, 9), q = queue();
	uint64_t end = test_now_ns() + 30000000;

	CHECK_ERR(ipcx_wait_any(LIST(TAKE(a), READABLE(q)), 0, end), ETIMEDOUT);
	CHECK_GE(test_now_ns(), end);
	CHECK_LT(test_now_ns(), end + 3000000000);
	end = realtime_ns() + 30000000;
	CHECK_ERR(ipcx_wait_any(LIST(TAKE(a), READABLE(q)), IPCX_REALTIME, end), ETIMEDOUT);
	CHECK_GE(realtime_ns(), end);
	CHECK_LT(realtime_ns(), end + 3000000000);
	CHECK_EQ(waiters(a), 0);
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_EQ(ipcx_wait_any(LIST(READABLE(q), TAKE(a)), 0, 0), 1);
}

TEST(signals)
{
	int a = sem(0, 9), q = queue(), restart;
	struct many m;

	for (restart = 0; restart < 2; restart++) {
		on_signal(restart ? SA_RESTART : 0);
		start_any(&m, READABLE(q), TAKE(a));
		CHECK_SYS(pthread_kill(m.t.thread, SIGUSR1));
		CHECK_SOON(handled);
		if (!restart) {
			CHECK_EQ(joined(&m), -EINTR);
			CHECK_EQ(waiters(a), 0);
			continue;
		}
		CHECK_SOON(waiters(a) == 1 && task_is_blocked(m.t.tid));
		CHECK_OK(ipcx_sem_post(a, 1));
		CHECK_EQ(joined(&m), 1);
	}
}

TEST(killed)
{
	int a = sem(0, 9), b = sem(0, 9), q = queue();
	struct many m;

	start_any_process(&m, READABLE(q), TAKE(a), TAKE(b));
	kill(m.pid, SIGKILL);
	CHECK_KILLED_BY(m.pid, SIGKILL);
	CHECK_EQ(waiters(a) + waiters(b), 0);
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_OK(ipcx_queue_send(q, "x", 1));
	CHECK_EQ(count(a), 1);
}

TEST(a_shutdown_tells_which)
{
	unsigned int how[] = { IPCX_SHUT_SEND, IPCX_SHUT_RECV };
	int i, j;

	for (i = 0; i < 2; i++) {
		for (j = 0; j < 3; j++) {
			int fd[3] = { sem(0, 9), event(0, 0), sem(0, 9) };
			unsigned int index = 99;
			struct many m;

			start_any(&m, TAKE(fd[0]), TAKE(fd[1]), TAKE(fd[2]));
			CHECK_OK(ipcx_shutdown(fd[j], how[i]));
			CHECK_EQ(joined(&m), -EPIPE);
			CHECK_EQ(m.index, j);
			CHECK_ERR(ipcx_wait(LIST(TAKE(fd[0]), TAKE(fd[1]), TAKE(fd[2])), 0, 0, -1, &index), EPIPE);
			CHECK_EQ(index, j);
			CHECK_EQ(waiters(fd[0]) + waiters(fd[2]), 0);
		}
	}
}

/* What is left can be taken after a shutdown for sending, and not after one for receiving. */
TEST(what_a_shutdown_leaves)
{
	int a = sem(2, 9), b = sem(0, 9);

	CHECK_OK(ipcx_shutdown(a, IPCX_SHUT_SEND));
	CHECK_EQ(any_now(TAKE(a), TAKE(b)), 0);
	CHECK_EQ(count(a), 1);
	CHECK_OK(ipcx_shutdown(a, IPCX_SHUT_RECV));
	CHECK_ERR(any_now(TAKE(a), TAKE(b)), EPIPE);
	CHECK_EQ(any_now(READABLE(a), TAKE(b)), 0);
}

TEST(closed_during_a_wait)
{
	uint64_t before = own_account();
	int a = sem(0, 9), q = queue(), other = dup(a);
	struct many m;

	start_any(&m, READABLE(q), TAKE(a));
	close(a);
	close(q);
	CHECK_EQ(waiters(other), 1);
	CHECK_OK(ipcx_sem_post(other, 1));
	CHECK_EQ(joined(&m), 1);
	close(other);
	CHECK_SOON(used_bytes() == before);
}

/* A child that has only inherited them is served as well, and what its parent then closes stays. */
TEST(fork_and_dup)
{
	int a = sem(0, 9), e = event(0, 0), a2 = dup(a);
	struct many m, n;

	start_any_process(&m, TAKE(e), TAKE(a2));
	start_any_process(&n, TAKE(e), TAKE(a));
	close(a2);
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_EXITS(m.pid, 1);
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_EXITS(n.pid, 0);
}

/* ---- robust ---- */

static int takes_and_hangs(void *arg)
{
	CHECK_EQ(ipcx_wait_any(arg, 2, 0, IPCX_FOREVER), 1);
	return hang();
}

TEST(units_of_a_robust_semaphore_come_back)
{
	int a = sem(0, 9), r = robust_sem(0, 9);
	struct ipcx_wait_entry e[] = { TAKE(a), UNITS(r, 2) };
	struct many m;
	pid_t pid;

	pid = spawn(takes_and_hangs, e);
	CHECK_SOON(waiters(r) == 1);
	CHECK_OK(ipcx_sem_post(r, 3));
	CHECK_SOON(sem_stat(r).held == 2);
	start_any(&m, UNITS(r, 3), TAKE(a));
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_EQ(joined(&m), 0);
	CHECK_EQ(sem_stat(r).held, 3);
	CHECK_EQ(count(r), 0);
}

/* ---- wrong arguments ---- */

static int raw(int fd, struct ipcx_wait *w)
{
	return call(fd, IPCX_WAIT, w);
}

TEST(arguments)
{
	int s = sem(1, 9), e = event(1, 0), q = queue(), reg = region(4096), dev = device(), file, ro, wo;
	struct ipcx_wait_entry entry = TAKE(s);
	struct ipcx_wait good = {
		.size = sizeof(good), .flags = IPCX_NOWAIT, .entries = (uintptr_t)&entry, .nr = 1,
		.entry_size = sizeof(entry),
	}, w;

	file = CHECK_SYS(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
	ro = CHECK_OK(ipcx_restrict(s, IPCX_READ));
	wo = CHECK_OK(ipcx_restrict(s, IPCX_WRITE));
#define BAD(member, value, err)					\
	do {							\
		w = good;					\
		w.member = value;				\
		CHECK_ERR(raw(s, &w), err);			\
		CHECK_EQ(count(s), 1);				\
	} while (0)
	BAD(flags, IPCX_NOWAIT | 1 << 10, EINVAL);
	BAD(flags, IPCX_NOWAIT | 1u << 31, EINVAL);
	BAD(entries, BAD_PTR, EFAULT);
	BAD(entries, 0, EFAULT);
	BAD(nr, 0, EINVAL);
	BAD(nr, IPCX_WAIT_MAX + 1, EINVAL);
	BAD(nr, ~0u, EINVAL);
	BAD(entry_size, sizeof(entry) - 1, EINVAL);
	BAD(entry_size, 0, EINVAL);
	BAD(alert, e, EINVAL);
#define BAD_ENTRY(value, err)					\
	do {							\
		entry = (struct ipcx_wait_entry)value;		\
		CHECK_ERR(raw(s, &good), err);			\
		CHECK_EQ(count(s), 1);				\
	} while (0)
	BAD_ENTRY(UNITS(s, 10), EINVAL);
	BAD_ENTRY(UNITS(s, ~0u), EINVAL);
	BAD_ENTRY(UNITS(e, 1), EINVAL);
	BAD_ENTRY(ipcx_wait_entry(s, 3), EINVAL);
	BAD_ENTRY(((struct ipcx_wait_entry){ s, 0, 0, 1 }), EINVAL);
	BAD_ENTRY(((struct ipcx_wait_entry){ s, IPCX_WAIT_READABLE, 1, 0 }), EINVAL);
	BAD_ENTRY(TAKE(999), EBADF);
	BAD_ENTRY(TAKE(-1), EBADF);
	BAD_ENTRY(TAKE(file), EINVAL);
	BAD_ENTRY(TAKE(dev), EINVAL);
	BAD_ENTRY(TAKE(q), EOPNOTSUPP);
	BAD_ENTRY(TAKE(reg), EOPNOTSUPP);
	BAD_ENTRY(READABLE(reg), EOPNOTSUPP);
	BAD_ENTRY(TAKE(wo), EACCES);
	BAD_ENTRY(READABLE(wo), EACCES);
	BAD_ENTRY(WRITABLE(ro), EACCES);
	entry = TAKE(s);
	w = good;
	w.flags |= IPCX_WAIT_ALERT;
	w.alert = 999;
	CHECK_ERR(raw(s, &w), EBADF);
	w.alert = q;
	CHECK_ERR(raw(s, &w), EINVAL);
	w.alert = s;
	CHECK_ERR(raw(s, &w), EINVAL);
	w.alert = file;
	CHECK_ERR(raw(s, &w), EINVAL);
	w.alert = CHECK_OK(ipcx_restrict(e, IPCX_WRITE));
	CHECK_ERR(raw(s, &w), EACCES);
	CHECK_EQ(count(s), 1);
	/* any object's descriptor will do, even a region's */
	CHECK_EQ(raw(reg, &good), 0);
	CHECK_EQ(count(s), 0);
	CHECK_ERR(raw(dev, &good), ENOTTY);
	/* the index of what has been shut down cannot be told */
	CHECK_OK(ipcx_shutdown(s, IPCX_SHUT_RECV));
	CHECK_ERR(raw(s, &good), EPIPE);
	CHECK_EQ(good.index, 0);
}

/* The array is changed while it is read: the call uses one reading of it, or fails. */
static struct ipcx_wait_entry *volatile changing;
static volatile int stop;

static int changes(void *arg)
{
	int fd = (long)arg;

	while (!stop) {
		changing[1] = TAKE(fd);
		changing[1] = UNITS(fd, ~0u);
		changing[1] = TAKE(999);
		changing[1].what = 77;
	}
	return 0;
}

TEST(an_array_that_changes)
{
	int a = sem(0, 9), b = sem(0, 9), i;
	struct ipcx_wait_entry e[2] = { TAKE(a), TAKE(b) };
	struct test_thread t;

	changing = e;
	thread_start(&t, changes, (void *)(long)b);
	for (i = 0; i < 20000; i++) {
		int ret = ipcx_wait_any(e, 2, IPCX_NOWAIT, 0);

		CHECK(ret == -EAGAIN || ret == -EINVAL || ret == -EBADF);
	}
	stop = 1;
	thread_join(&t);
	CHECK_EQ(waiters(a) + waiters(b), 0);
}
