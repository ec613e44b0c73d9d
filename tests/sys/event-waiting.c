// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for events: whom set and pulse let through, and every way in which a wait can end.  Were it broken, a
 * set would be lost or serve two, or somebody would sleep for ever.
 */
#include "waiter.h"

static int wait_for(const struct waiter *w)
{
	return ipcx_event_wait(w->fd, w->flags, w->timeout);
}

static unsigned int nr_waiters(int fd)
{
	return event_stat(fd).nr_waiters;
}

static void start_waiting(struct waiter *w, int fd)
{
	start(w, fd, 0, IPCX_FOREVER);
}

TEST(set_lets_one_through_an_automatic_event)
{
	int e = event(0, 0);
	struct waiter w;

	start_waiting(&w, e);
	CHECK_BLOCKS(w.t.tid);
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_EQ(thread_join(&w.t), 0);
	CHECK_EQ(event_stat(e).set, 0);
	CHECK_EQ(event_stat(e).nr_waiters, 0);
}

TEST(first_come_first_served)
{
	int e = event(0, 0), i;
	struct waiter w[5];

	for (i = 0; i < 5; i++)
		start_waiting(&w[i], e);
	for (i = 0; i < 5; i++) {
		CHECK_EQ(ipcx_event_set(e), 0);
		CHECK_EQ(thread_join(&w[i].t), 0);
		CHECK_EQ(w[i].place, i + 1);
		CHECK_EQ(event_stat(e).nr_waiters, 4 - i);
	}
	CHECK_EQ(event_stat(e).set, 0);
}

TEST(set_lets_all_through_a_manual_event)
{
	int e = event(0, IPCX_EVENT_MANUAL), i;
	struct waiter w[5];

	for (i = 0; i < 5; i++)
		start_waiting(&w[i], e);
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_EQ(event_stat(e).nr_waiters, 0);
	for (i = 0; i < 5; i++)
		CHECK_EQ(thread_join(&w[i].t), 0);
	CHECK_EQ(event_stat(e).set, 1);
}

TEST(a_pulse_lets_all_through_a_manual_event)
{
	int e = event(0, IPCX_EVENT_MANUAL), i;
	struct waiter w[3];

	for (i = 0; i < 3; i++)
		start_waiting(&w[i], e);
	CHECK_EQ(ipcx_event_pulse(e), 3);
	for (i = 0; i < 3; i++)
		CHECK_EQ(thread_join(&w[i].t), 0);
	CHECK_EQ(event_stat(e).set, 0);
	/* whoever comes later waits */
	start_waiting(&w[0], e);
	CHECK_BLOCKS(w[0].t.tid);
	CHECK_EQ(ipcx_event_pulse(e), 1);
	CHECK_EQ(thread_join(&w[0].t), 0);
}

TEST(a_pulse_lets_the_first_through_an_automatic_event)
{
	int e = event(0, 0);
	struct waiter w, v;

	start_waiting(&w, e);
	start_waiting(&v, e);
	CHECK_EQ(ipcx_event_pulse(e), 1);
	CHECK_EQ(thread_join(&w.t), 0);
	CHECK_BLOCKS(v.t.tid);
	CHECK_EQ(event_stat(e).nr_waiters, 1);
	CHECK_EQ(event_stat(e).set, 0);
	CHECK_EQ(ipcx_event_pulse(e), 1);
	CHECK_EQ(thread_join(&v.t), 0);
	CHECK_EQ(ipcx_event_pulse(e), 0);
}

/* Handed over: the set belongs to the sleeper, even before it runs. */
TEST(hand_over)
{
	int e = event(0, 0), i;

	for (i = 0; i < 200; i++) {
		struct waiter w;

		start_waiting(&w, e);
		CHECK_EQ(i & 1 ? ipcx_event_set(e) : ipcx_event_pulse(e) - 1, 0);
		CHECK_ERR(ipcx_event_wait(e, IPCX_NOWAIT, 0), EAGAIN);
		CHECK_EQ(thread_join(&w.t), 0);
	}
}

/* A manual event that is reset at once has let through all who waited, even those who had no time to run. */
TEST(set_and_reset_at_once)
{
	int e = event(0, IPCX_EVENT_MANUAL), i, j;

	for (i = 0; i < 50; i++) {
		struct waiter w[3];

		for (j = 0; j < 3; j++)
			start_waiting(&w[j], e);
		CHECK_EQ(ipcx_event_set(e), 0);
		CHECK_EQ(ipcx_event_reset(e), 1);
		for (j = 0; j < 3; j++)
			CHECK_EQ(thread_join(&w[j].t), 0);
		CHECK_EQ(event_stat(e).set, 0);
	}
}

TEST(reset_does_not_wake)
{
	int e = event(0, 0);
	struct waiter w;

	start_waiting(&w, e);
	CHECK_EQ(ipcx_event_reset(e), 0);
	CHECK_BLOCKS(w.t.tid);
	CHECK_EQ(event_stat(e).nr_waiters, 1);
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_EQ(thread_join(&w.t), 0);
}

TEST(timeout_in_the_past_tries_once)
{
	int e = event(1, 0);

	CHECK_OK(ipcx_event_wait(e, 0, 0));
	CHECK_ERR(ipcx_event_wait(e, 0, 0), ETIMEDOUT);
	CHECK_ERR(ipcx_event_wait(e, 0, 1), ETIMEDOUT);
	CHECK_ERR(ipcx_event_wait(e, IPCX_REALTIME, 0), ETIMEDOUT);
	CHECK_ERR(ipcx_event_wait(e, 0, test_now_ns() - 1), ETIMEDOUT);
	CHECK_ERR(ipcx_event_wait(e, IPCX_NOWAIT, 0), EAGAIN);
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_OK(ipcx_event_wait(e, IPCX_REALTIME, 0));
}

TEST(timeouts_on_both_clocks)
{
	uint64_t end;
	int e = event(0, IPCX_EVENT_MANUAL);

	end = test_now_ns() + 30000000;
	CHECK_ERR(ipcx_event_wait(e, 0, end), ETIMEDOUT);
	CHECK_GE(test_now_ns(), end);
	CHECK_LT(test_now_ns(), end + 3000000000);
	end = realtime_ns() + 30000000;
	CHECK_ERR(ipcx_event_wait(e, IPCX_REALTIME, end), ETIMEDOUT);
	CHECK_GE(realtime_ns(), end);
	CHECK_LT(realtime_ns(), end + 3000000000);
	CHECK_EQ(event_stat(e).nr_waiters, 0);
}

/* Who gave up is passed over: the set goes to the next. */
TEST(a_head_that_timed_out_is_passed_over)
{
	int e = event(0, 0);
	struct waiter w, v;

	start(&w, e, 0, ipcx_after_ms(200));
	start_waiting(&v, e);
	CHECK_EQ(thread_join(&w.t), -ETIMEDOUT);
	CHECK_EQ(event_stat(e).nr_waiters, 1);
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_EQ(thread_join(&v.t), 0);
	CHECK_EQ(event_stat(e).set, 0);
}

TEST(one_in_the_middle_is_killed)
{
	int e = event(0, 0);
	struct waiter w[3];
	int i;

	for (i = 0; i < 3; i++)
		start_process(&w[i], e, 0, IPCX_FOREVER);
	kill(w[1].pid, SIGKILL);
	CHECK_KILLED_BY(w[1].pid, SIGKILL);
	CHECK_EQ(event_stat(e).nr_waiters, 2);
	for (i = 0; i < 3; i += 2) {
		CHECK_EQ(ipcx_event_set(e), 0);
		CHECK_EXITS(w[i].pid, 0);
	}
	CHECK_EQ(event_stat(e).set, 0);
}

TEST(a_signal_interrupts)
{
	int e = event(0, 0);
	struct waiter w;

	on_signal(0);
	start_waiting(&w, e);
	CHECK_BLOCKS(w.t.tid);
	CHECK_SYS(pthread_kill(w.t.thread, SIGUSR1));
	CHECK_EQ(thread_join(&w.t), -EINTR);
	CHECK_EQ(handled, SIGUSR1);
	CHECK_EQ(event_stat(e).nr_waiters, 0);
	/* it took nothing along */
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_EQ(event_stat(e).set, 1);
}

TEST(sa_restart_restarts)
{
	int e = event(0, 0);
	struct waiter w;

	on_signal(SA_RESTART);
	start(&w, e, 0, ipcx_after_ms(TEST_SOON_MS));
	CHECK_BLOCKS(w.t.tid);
	CHECK_SYS(pthread_kill(w.t.thread, SIGUSR1));
	CHECK_SOON(handled);
	CHECK_SOON(event_stat(e).nr_waiters == 1 && task_is_blocked(w.t.tid));
	CHECK_EQ(w.place, 0);
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_EQ(thread_join(&w.t), 0);
}

/*
 * A set meets a wait that gives up.  The set is taken by the wait, or the event is set afterwards: never both,
 * never neither.
 */
static bool check_taken_or_left(int e, int ret, int reason)
{
	bool set = event_stat(e).set;

	if (ret) {
		CHECK_EQ(ret, -reason);
		CHECK(set);
		CHECK_EQ(ipcx_event_reset(e), 1);
	} else {
		CHECK(!set);
	}
	CHECK_EQ(event_stat(e).nr_waiters, 0);
	return !ret;
}

TEST(signal_races_with_set)
{
	int e = event(0, 0), taken = 0, i;

	on_signal(0);
	for (i = 0; i < 300; i++) {
		struct waiter w;

		start_waiting(&w, e);
		if (i & 1)
			pthread_kill(w.t.thread, SIGUSR1);
		CHECK_EQ(ipcx_event_set(e), 0);
		if (!(i & 1))
			pthread_kill(w.t.thread, SIGUSR1);
		taken += check_taken_or_left(e, thread_join(&w.t), EINTR);
	}
	NOTE("taken %d of 300", taken);
}

TEST(timeout_races_with_set)
{
	int e = event(0, 0), taken = 0, i;

	for (i = 0; i < 300; i++) {
		uint64_t end = test_now_ns() + 300000;
		struct waiter w = { .fd = e, .timeout = end };

		thread_start(&w.t, wait_main, &w);
		while (test_now_ns() < end + (i % 16) * 10000)
			;
		CHECK_EQ(ipcx_event_set(e), 0);
		taken += check_taken_or_left(e, thread_join(&w.t), ETIMEDOUT);
	}
	NOTE("taken %d of 300", taken);
}

/* A pulse counts those whom it lets through, also when some are giving up just then. */
TEST(timeout_races_with_pulse)
{
	int e = event(0, IPCX_EVENT_MANUAL), all = 0, i, j;

	for (i = 0; i < 150; i++) {
		uint64_t end = test_now_ns() + 400000;
		int through = 0, woken;
		struct waiter w[3];

		for (j = 0; j < 3; j++) {
			w[j] = (struct waiter){ .fd = e, .timeout = end };
			thread_start(&w[j].t, wait_main, &w[j]);
		}
		while (test_now_ns() < end + (i % 16) * 10000)
			;
		woken = CHECK_OK(ipcx_event_pulse(e));
		for (j = 0; j < 3; j++)
			through += !thread_join(&w[j].t);
		CHECK_EQ(through, woken);
		CHECK_EQ(event_stat(e).set, 0);
		all += woken;
	}
	NOTE("%d of 450 let through", all);
}

TEST(shutdown_wakes_all)
{
	unsigned int how[] = { IPCX_SHUT_SEND, IPCX_SHUT_RECV }, flags[] = { 0, IPCX_EVENT_MANUAL };
	struct waiter w[3];
	int i, j, e;

	for (j = 0; j < 4; j++) {
		e = event(0, flags[j / 2]);
		for (i = 0; i < 3; i++)
			start_waiting(&w[i], e);
		CHECK_OK(ipcx_shutdown(e, how[j % 2]));
		for (i = 0; i < 3; i++)
			CHECK_EQ(thread_join(&w[i].t), -EPIPE);
		CHECK_EQ(event_stat(e).nr_waiters, 0);
	}
}

/* The wait holds the object: closing its descriptor changes nothing for it. */
TEST(closed_by_another_thread_during_a_wait)
{
	int e = event(0, 0), other = dup(e);
	struct waiter w;

	start_waiting(&w, e);
	CHECK_BLOCKS(w.t.tid);
	close(e);
	CHECK_EQ(event_stat(other).nr_waiters, 1);
	CHECK_EQ(ipcx_event_set(other), 0);
	CHECK_EQ(thread_join(&w.t), 0);
}

TEST(the_only_descriptor_closed_during_a_wait)
{
	uint64_t before = own_account();
	int e = event(0, 0);
	struct waiter w;

	start(&w, e, 0, ipcx_after_ms(300));
	CHECK_BLOCKS(w.t.tid);
	close(e);
	CHECK_EQ(thread_join(&w.t), -ETIMEDOUT);
	CHECK_SOON(used_bytes() == before);
}

/* Many on one descriptor, in threads and in children: an automatic event is a lock that lets one in. */
static volatile int *inside;

static int enters_and_leaves(void *arg)
{
	int e = (long)arg, i;

	for (i = 0; i < 1000; i++) {
		CHECK_OK(ipcx_event_wait(e, 0, ipcx_after_ms(TEST_SOON_MS)));
		CHECK_EQ(__atomic_add_fetch(inside, 1, __ATOMIC_SEQ_CST), 1);
		__atomic_sub_fetch(inside, 1, __ATOMIC_SEQ_CST);
		CHECK_EQ(ipcx_event_set(e), 0);
	}
	return 0;
}

TEST(threads_and_processes_on_one_descriptor)
{
	struct test_thread t[2];
	int e = event(1, 0), i;
	pid_t pid[2];

	inside = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(inside != MAP_FAILED);
	for (i = 0; i < 2; i++)
		pid[i] = spawn(enters_and_leaves, (void *)(long)e);
	for (i = 0; i < 2; i++)
		thread_start(&t[i], enters_and_leaves, (void *)(long)e);
	for (i = 0; i < 2; i++)
		CHECK_EQ(thread_join(&t[i]), 0);
	for (i = 0; i < 2; i++)
		CHECK_EXITS(pid[i], 0);
	CHECK_EQ(event_stat(e).set, 1);
	CHECK_EQ(event_stat(e).nr_waiters, 0);
}

/* Killed at random while it stands in line: the set was taken by it, or is there; the line is as before. */
TEST(waiters_killed_at_random)
{
	int e = event(0, 0), i, got = 0;

	for (i = 0; i < 100; i++) {
		struct waiter w = { .fd = e, .timeout = IPCX_FOREVER };

		w.pid = spawn(child_main, &w);
		if (test_random_below(2))
			CHECK_SOON(event_stat(e).nr_waiters == 1);
		if (test_random_below(2))
			kill(w.pid, SIGKILL);
		CHECK_EQ(ipcx_event_set(e), 0);
		kill(w.pid, SIGKILL);
		CHECK_NE(wait_child(w.pid, TEST_SOON_MS), -1);
		got += !ipcx_event_reset(e);
		CHECK_EQ(event_stat(e).set, 0);
		CHECK_EQ(event_stat(e).nr_waiters, 0);
	}
	NOTE("%d of 100 got it", got);
}
