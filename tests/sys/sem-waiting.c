// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for units: time-outs, order, hand-over, and every way in which a wait can end.  Were it broken, units
 * would be lost, waiters starve or sleep for ever.
 */
#include "waiter.h"

static int wait_for(const struct waiter *w)
{
	return ipcx_sem_wait(w->fd, w->nr, w->flags, w->timeout);
}

static unsigned int nr_waiters(int fd)
{
	return sem_stat(fd).nr_waiters;
}

static int waits_on;

TEST(a_post_ends_a_wait)
{
	int s = sem(0, 9);
	struct waiter w;

	start(&w, s, 1, IPCX_FOREVER);
	CHECK_BLOCKS(w.t.tid);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(thread_join(&w.t), 0);
	CHECK_EQ(sem_stat(s).count, 0);
	CHECK_EQ(sem_stat(s).nr_waiters, 0);
}

TEST(units_gather_until_there_are_enough)
{
	int s = sem(0, 9);
	struct waiter w;

	start(&w, s, 3, IPCX_FOREVER);
	CHECK_OK(ipcx_sem_post(s, 2));
	CHECK_BLOCKS(w.t.tid);
	CHECK_EQ(sem_stat(s).count, 2);
	CHECK_OK(ipcx_sem_post(s, 2));
	CHECK_EQ(thread_join(&w.t), 0);
	CHECK_EQ(sem_stat(s).count, 1);
}

TEST(first_come_first_served)
{
	int s = sem(0, 9), i;
	struct waiter w[5];

	for (i = 0; i < 5; i++)
		start(&w[i], s, 1, IPCX_FOREVER);
	for (i = 0; i < 5; i++) {
		CHECK_OK(ipcx_sem_post(s, 1));
		CHECK_EQ(thread_join(&w[i].t), 0);
		CHECK_EQ(w[i].place, i + 1);
		CHECK_EQ(sem_stat(s).nr_waiters, 4 - i);
	}
}

TEST(one_post_serves_as_many_as_it_can)
{
	int s = sem(0, 9), i;
	struct waiter w[4];

	start(&w[0], s, 2, IPCX_FOREVER);
	start(&w[1], s, 3, IPCX_FOREVER);
	start(&w[2], s, 4, IPCX_FOREVER);
	start(&w[3], s, 1, IPCX_FOREVER);
	CHECK_OK(ipcx_sem_post(s, 7));
	CHECK_EQ(thread_join(&w[0].t), 0);
	CHECK_EQ(thread_join(&w[1].t), 0);
	/* two units are there: the last would do with them, and does not overtake */
	CHECK_EQ(sem_stat(s).count, 2);
	CHECK_EQ(sem_stat(s).nr_waiters, 2);
	CHECK_BLOCKS(w[3].t.tid);
	CHECK_OK(ipcx_sem_post(s, 3));
	for (i = 2; i < 4; i++)
		CHECK_EQ(thread_join(&w[i].t), 0);
	CHECK_EQ(sem_stat(s).count, 0);
}

TEST(nobody_overtakes)
{
	int s = sem(0, 9);
	struct waiter w, v;

	start(&w, s, 3, IPCX_FOREVER);
	CHECK_OK(ipcx_sem_post(s, 2));
	/* neither those that try nor those that wait */
	CHECK_ERR(ipcx_sem_trywait(s, 1), EAGAIN);
	CHECK_ERR(ipcx_sem_wait(s, 1, 0, ipcx_after_ms(5)), ETIMEDOUT);
	start(&v, s, 1, IPCX_FOREVER);
	CHECK_BLOCKS(v.t.tid);
	CHECK_EQ(sem_stat(s).count, 2);
	CHECK_OK(ipcx_sem_post(s, 2));
	CHECK_EQ(thread_join(&w.t), 0);
	CHECK_EQ(thread_join(&v.t), 0);
}

/* Handed over: what was posted belongs to the sleeper, even before it runs. */
TEST(hand_over)
{
	int s = sem(0, 9), i;

	for (i = 0; i < 200; i++) {
		struct waiter w;

		start(&w, s, 1, IPCX_FOREVER);
		CHECK_OK(ipcx_sem_post(s, 1));
		CHECK_ERR(ipcx_sem_trywait(s, 1), EAGAIN);
		CHECK_EQ(thread_join(&w.t), 0);
	}
}

TEST(a_head_that_times_out_lets_the_next_in)
{
	int s = sem(2, 9);
	struct waiter w, v;

	start(&w, s, 3, ipcx_after_ms(300));
	start(&v, s, 2, IPCX_FOREVER);
	CHECK_EQ(thread_join(&w.t), -ETIMEDOUT);
	CHECK_EQ(thread_join(&v.t), 0);
	CHECK_EQ(sem_stat(s).count, 0);
	CHECK_EQ(sem_stat(s).nr_waiters, 0);
}

TEST(a_head_that_is_killed_lets_the_next_in)
{
	int s = sem(2, 9);
	struct waiter w, v;

	start_process(&w, s, 3, IPCX_FOREVER);
	start(&v, s, 2, IPCX_FOREVER);
	kill(w.pid, SIGKILL);
	CHECK_KILLED_BY(w.pid, SIGKILL);
	CHECK_EQ(thread_join(&v.t), 0);
	CHECK_EQ(sem_stat(s).nr_waiters, 0);
}

TEST(one_in_the_middle_is_killed)
{
	int s = sem(0, 9);
	struct waiter w[3];

	start_process(&w[0], s, 1, IPCX_FOREVER);
	start_process(&w[1], s, 5, IPCX_FOREVER);
	start_process(&w[2], s, 1, IPCX_FOREVER);
	kill(w[1].pid, SIGKILL);
	CHECK_KILLED_BY(w[1].pid, SIGKILL);
	CHECK_EQ(sem_stat(s).nr_waiters, 2);
	CHECK_OK(ipcx_sem_post(s, 2));
	CHECK_EXITS(w[0].pid, 0);
	CHECK_EXITS(w[2].pid, 0);
	CHECK_EQ(sem_stat(s).count, 0);
}

TEST(timeout_in_the_past_tries_once)
{
	int s = sem(1, 9);

	CHECK_OK(ipcx_sem_wait(s, 1, 0, 0));
	CHECK_ERR(ipcx_sem_wait(s, 1, 0, 0), ETIMEDOUT);
	CHECK_ERR(ipcx_sem_wait(s, 1, 0, 1), ETIMEDOUT);
	CHECK_ERR(ipcx_sem_wait(s, 1, IPCX_REALTIME, 0), ETIMEDOUT);
	CHECK_ERR(ipcx_sem_wait(s, 1, 0, test_now_ns() - 1), ETIMEDOUT);
	CHECK_ERR(ipcx_sem_wait(s, 1, IPCX_NOWAIT, 0), EAGAIN);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_OK(ipcx_sem_wait(s, 1, IPCX_REALTIME, 0));
}

TEST(timeouts_on_both_clocks)
{
	uint64_t end;
	int s = sem(0, 9);

	end = test_now_ns() + 30000000;
	CHECK_ERR(ipcx_sem_wait(s, 1, 0, end), ETIMEDOUT);
	CHECK_GE(test_now_ns(), end);
	CHECK_LT(test_now_ns(), end + 3000000000);
	end = realtime_ns() + 30000000;
	CHECK_ERR(ipcx_sem_wait(s, 1, IPCX_REALTIME, end), ETIMEDOUT);
	CHECK_GE(realtime_ns(), end);
	CHECK_LT(realtime_ns(), end + 3000000000);
}

/* A realtime timeout follows the clock when it is set. */
TEST(realtime_follows_the_clock)
{
	struct timespec now, then;
	struct waiter w = { .fd = sem(0, 9), .nr = 1, .flags = IPCX_REALTIME };

	NEED_ROOT();
	w.timeout = realtime_ns() + 3600 * 1000000000ull;
	thread_start(&w.t, wait_main, &w);
	CHECK_SOON(sem_stat(w.fd).nr_waiters == 1);
	CHECK_BLOCKS(w.t.tid);
	clock_gettime(CLOCK_REALTIME, &now);
	then = now;
	then.tv_sec += 3601;
	if (clock_settime(CLOCK_REALTIME, &then))
		SKIP("the clock cannot be set");
	CHECK_SOON(w.place);
	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec -= 3601;
	clock_settime(CLOCK_REALTIME, &now);
	CHECK_EQ(thread_join(&w.t), -ETIMEDOUT);
}

TEST(timeouts_beyond_the_end_of_time)
{
	static const uint64_t late[] = { IPCX_FOREVER - 1, 1ull << 63, (1ull << 63) - 1 };
	int s = sem(0, 9);
	size_t i;

	for (i = 0; i < 3; i++) {
		struct waiter w;

		start(&w, s, 1, late[i]);
		CHECK_BLOCKS(w.t.tid);
		CHECK_OK(ipcx_sem_post(s, 1));
		CHECK_EQ(thread_join(&w.t), 0);
	}
}

TEST(a_signal_interrupts)
{
	int s = sem(1, 9);
	struct waiter w;

	on_signal(0);
	start(&w, s, 2, IPCX_FOREVER);
	CHECK_BLOCKS(w.t.tid);
	CHECK_SYS(pthread_kill(w.t.thread, SIGUSR1));
	CHECK_EQ(thread_join(&w.t), -EINTR);
	CHECK_EQ(handled, SIGUSR1);
	CHECK_EQ(sem_stat(s).count, 1);
	CHECK_EQ(sem_stat(s).nr_waiters, 0);
}

TEST(sa_restart_restarts)
{
	int s = sem(0, 9);
	struct waiter w;

	on_signal(SA_RESTART);
	start(&w, s, 1, ipcx_after_ms(TEST_SOON_MS));
	CHECK_BLOCKS(w.t.tid);
	CHECK_SYS(pthread_kill(w.t.thread, SIGUSR1));
	CHECK_SOON(handled);
	CHECK_SOON(sem_stat(s).nr_waiters == 1 && task_is_blocked(w.t.tid));
	CHECK_EQ(w.place, 0);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(thread_join(&w.t), 0);
}

/* The timeout is absolute, so a restart does not prolong it. */
TEST(restart_does_not_prolong)
{
	uint64_t end = test_now_ns() + 400000000;
	int s = sem(0, 9), i;
	struct waiter w;

	on_signal(SA_RESTART);
	start(&w, s, 1, end);
	for (i = 0; i < 20 && !w.place; i++) {
		pthread_kill(w.t.thread, SIGUSR1);
		test_pause_ms(15);
	}
	CHECK_EQ(thread_join(&w.t), -ETIMEDOUT);
	CHECK_LT(test_now_ns(), end + 3000000000);
}

TEST(stop_and_continue)
{
	int s = sem(0, 9), status;
	struct waiter w;

	start_process(&w, s, 1, IPCX_FOREVER);
	CHECK_BLOCKS(w.pid);
	kill(w.pid, SIGSTOP);
	CHECK_SOON(waitpid(w.pid, &status, WUNTRACED | WNOHANG) == w.pid);
	/* a stopped one is not in line, or is handed the unit; it gets one in the end */
	kill(w.pid, SIGCONT);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EXITS(w.pid, 0);
	CHECK_EQ(sem_stat(s).count, 0);
}

/* A signal and a post at the same moment: the unit is taken, or it is there; never both, never neither. */
TEST(signal_races_with_a_post)
{
	int s = sem(0, 9), taken = 0, left = 0, i;

	on_signal(0);
	for (i = 0; i < 300; i++) {
		struct waiter w;

		start(&w, s, 1, IPCX_FOREVER);
		if (i & 1)
			pthread_kill(w.t.thread, SIGUSR1);
		CHECK_OK(ipcx_sem_post(s, 1));
		if (!(i & 1))
			pthread_kill(w.t.thread, SIGUSR1);
		if (thread_join(&w.t) == 0) {
			taken++;
		} else {
			CHECK_EQ(w.ret, -EINTR);
			left++;
			CHECK_OK(ipcx_sem_trywait(s, 1));
		}
		CHECK_EQ(sem_stat(s).count, 0);
	}
	NOTE("taken %d, left %d", taken, left);
}

TEST(timeout_races_with_a_post)
{
	int s = sem(0, 9), taken = 0, left = 0, i;

	for (i = 0; i < 300; i++) {
		uint64_t end = test_now_ns() + 300000;
		struct waiter w = { .fd = s, .nr = 1, .timeout = end };

		thread_start(&w.t, wait_main, &w);
		while (test_now_ns() < end + (i % 16) * 10000)
			;
		CHECK_OK(ipcx_sem_post(s, 1));
		if (thread_join(&w.t) == 0) {
			taken++;
		} else {
			CHECK_EQ(w.ret, -ETIMEDOUT);
			left++;
			CHECK_OK(ipcx_sem_trywait(s, 1));
		}
		CHECK_EQ(sem_stat(s).count, 0);
	}
	NOTE("taken %d, left %d", taken, left);
}

TEST(shutdown_wakes_all)
{
	unsigned int how[] = { IPCX_SHUT_SEND, IPCX_SHUT_RECV };
	struct waiter w[3];
	int i, j, s;

	for (j = 0; j < 2; j++) {
		s = sem(0, 9);
		for (i = 0; i < 3; i++)
			start(&w[i], s, 1, IPCX_FOREVER);
		CHECK_OK(ipcx_shutdown(s, how[j]));
		for (i = 0; i < 3; i++)
			CHECK_EQ(thread_join(&w[i].t), -EPIPE);
		CHECK_EQ(sem_stat(s).nr_waiters, 0);
	}
}

/* The wait holds the object: closing its descriptor changes nothing for it. */
TEST(closed_by_another_thread_during_a_wait)
{
	int s = sem(0, 9), other = dup(s);
	struct waiter w;

	start(&w, s, 1, IPCX_FOREVER);
	CHECK_BLOCKS(w.t.tid);
	close(s);
	CHECK_EQ(sem_stat(other).nr_waiters, 1);
	CHECK_OK(ipcx_sem_post(other, 1));
	CHECK_EQ(thread_join(&w.t), 0);
}

TEST(the_only_descriptor_closed_during_a_wait)
{
	uint64_t before = own_account();
	int s = sem(0, 9);
	struct waiter w;

	start(&w, s, 1, ipcx_after_ms(300));
	CHECK_BLOCKS(w.t.tid);
	close(s);
	CHECK_EQ(thread_join(&w.t), -ETIMEDOUT);
	CHECK_SOON(used_bytes() == before);
}

static int takes_and_gives(void *arg)
{
	int s = (long)arg, i;

	for (i = 0; i < 2000; i++) {
		CHECK_OK(ipcx_sem_wait(s, 1 + i % 2, 0, ipcx_after_ms(TEST_SOON_MS)));
		CHECK_OK(ipcx_sem_post(s, 1 + i % 2));
	}
	return 0;
}

TEST(threads_and_processes_on_one_descriptor)
{
	struct test_thread t[3];
	int s = sem(2, 2), i;
	pid_t pid[2];

	for (i = 0; i < 2; i++)
		pid[i] = spawn(takes_and_gives, (void *)(long)s);
	for (i = 0; i < 3; i++)
		thread_start(&t[i], takes_and_gives, (void *)(long)s);
	for (i = 0; i < 3; i++)
		CHECK_EQ(thread_join(&t[i]), 0);
	for (i = 0; i < 2; i++)
		CHECK_EXITS(pid[i], 0);
	CHECK_EQ(sem_stat(s).count, 2);
	CHECK_EQ(sem_stat(s).nr_waiters, 0);
}

/* Killed at random while it stands in line: the others are served, and no unit is lost. */
TEST(waiters_killed_at_random)
{
	int s = sem(0, 99), i, got = 0;

	for (i = 0; i < 150; i++) {
		struct waiter w;
		int status;

		w = (struct waiter){ .fd = s, .nr = 1, .timeout = IPCX_FOREVER };
		w.pid = spawn(child_main, &w);
		if (test_random_below(2))
			CHECK_SOON(sem_stat(s).nr_waiters == 1);
		if (test_random_below(2))
			kill(w.pid, SIGKILL);
		CHECK_OK(ipcx_sem_post(s, 1));
		kill(w.pid, SIGKILL);
		status = wait_child(w.pid, TEST_SOON_MS);
		CHECK_NE(status, -1);
		/* taken, whether or not the taker lived to tell; or still there */
		if (ipcx_sem_trywait(s, 1))
			got++;
		CHECK_EQ(sem_stat(s).count, 0);
		CHECK_EQ(sem_stat(s).nr_waiters, 0);
	}
	NOTE("%d of 150 got the unit", got);
}

static int wait_until_time(void *arg)
{
	return ipcx_sem_wait(waits_on, 1, 0, *(uint64_t *)arg);
}

TEST(times_beyond_what_any_clock_reaches)
{
	static uint64_t times[] = { 1ull << 63, UINT64_MAX - 1, (1ull << 63) - 1 };
	struct test_thread t;

	waits_on = sem(0, 1);
	for (int i = 0; i < 3; i++) {
		thread_start(&t, wait_until_time, &times[i]);
		CHECK_BLOCKS(t.tid);
		CHECK_OK(ipcx_sem_post(waits_on, 1));
		CHECK_EQ(thread_join(&t), 0);
	}
}
