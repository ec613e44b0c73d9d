// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for all of several objects: nothing is taken until all can be taken in one moment.  Were it broken, waits
 * that cross would block each other for ever, units would be held by who cannot use them, or a pulse be lost.
 */
/* timeout: 120 */
#include "wait-test.h"

TEST(all_or_nothing)
{
	int a = sem(1, 9), b = sem(0, 9), e = event(1, 0), f = event(1, IPCX_EVENT_MANUAL);

	CHECK_ERR(all_now(TAKE(a), TAKE(b), TAKE(e), TAKE(f)), EAGAIN);
	CHECK_ERR(ipcx_wait_all(LIST(TAKE(a), TAKE(b), TAKE(e), TAKE(f)), 0, 0), ETIMEDOUT);
	CHECK_EQ(count(a), 1);
	CHECK_EQ(event_stat(e).set, 1);
	CHECK_OK(ipcx_sem_post(b, 2));
	CHECK_EQ(all_now(TAKE(a), UNITS(b, 2), TAKE(e), TAKE(f)), 0);
	CHECK_EQ(count(a) + count(b) + event_stat(e).set, 0);
	CHECK_EQ(event_stat(f).set, 1);
}

/* Nothing is taken while the wait goes on, and others may take what it would have. */
TEST(nothing_is_taken_before_all_are_there)
{
	int a = sem(1, 9), b = sem(0, 9), e = event(0, 0);
	struct many m;

	start_all(&m, TAKE(a), TAKE(b), TAKE(e));
	CHECK_EQ(waiters(a), 0);
	CHECK_EQ(count(a), 1);
	CHECK_OK(ipcx_sem_trywait(a, 1));
	CHECK_OK(ipcx_sem_post(b, 1));
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_BLOCKS(m.t.tid);
	CHECK_EQ(count(b), 1);
	CHECK_EQ(event_stat(e).set, 1);
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_EQ(joined(&m), 0);
	CHECK_EQ(count(a) + count(b) + event_stat(e).set, 0);
}

TEST(each_may_be_the_last)
{
	int i, last, s[5];
	struct many m;

	for (i = 0; i < 5; i++)
		s[i] = i < 3 ? sem(0, 9) : event(0, 0);
	for (last = 0; last < 5; last++) {
		start_all(&m, UNITS(s[0], 2), TAKE(s[1]), TAKE(s[2]), TAKE(s[3]), TAKE(s[4]));
		for (i = 1; i <= 5; i++) {
			int fd = s[(last + i) % 5];

			CHECK_BLOCKS(m.t.tid);
			if ((last + i) % 5 < 3)
				CHECK_OK(ipcx_sem_post(fd, fd == s[0] ? 2 : 1));
			else
				CHECK_EQ(ipcx_event_set(fd), 0);
		}
		CHECK_EQ(joined(&m), 0);
		CHECK_EQ(count(s[0]) + count(s[1]) + count(s[2]) + event_stat(s[3]).set + event_stat(s[4]).set, 0);
	}
}

TEST(sixty_four)
{
	struct ipcx_wait_entry e[IPCX_WAIT_MAX];
	int i, s[IPCX_WAIT_MAX];
	struct many m;

	for (i = 0; i < IPCX_WAIT_MAX; i++) {
		s[i] = sem(0, 1);
		e[i] = TAKE(s[i]);
	}
	many_init(&m, IPCX_WAIT_ALL, e, IPCX_WAIT_MAX);
	many_start(&m);
	for (i = 0; i < IPCX_WAIT_MAX; i++)
		CHECK_OK(ipcx_sem_post(s[i], 1));
	CHECK_EQ(joined(&m), 0);
	for (i = 0; i < IPCX_WAIT_MAX; i++)
		CHECK_EQ(count(s[i]), 0);
}

#define CROWD	100

static int changes_often(void *arg)
{
	for (int i = 0; i < 200; i++)
		CHECK_OK(ipcx_sem_post(*(int *)arg, 1));
	return 0;
}

/* More than are tried at a time, by several that change the object at the same time: each is let through. */
TEST(a_crowd)
{
	int a = sem(0, INT_MAX), last = event(0, IPCX_EVENT_MANUAL), i;
	static struct many m[CROWD];
	struct test_thread posters[2];

	for (i = 0; i < CROWD; i++)
		start_all(&m[i], TAKE(a), TAKE(last));
	for (i = 0; i < 2; i++)
		thread_start(&posters[i], changes_often, &a);
	for (i = 0; i < 2; i++)
		thread_join(&posters[i]);
	CHECK_EQ(count(a), 400);
	CHECK_EQ(ipcx_event_set(last), 0);
	for (i = 0; i < CROWD; i++)
		CHECK_EQ(joined(&m[i]), 0);
	CHECK_EQ(count(a), 400 - CROWD);
}

static int posts_for_half(void *arg)
{
	return ipcx_sem_post(*(int *)arg, CROWD / 2);
}

/* Two who let them through meet on their way: neither may stop short for the other. */
TEST(a_crowd_for_two)
{
	int a = sem(0, INT_MAX), set = event(1, IPCX_EVENT_MANUAL), i;
	static struct many m[CROWD];
	struct test_thread posters[2];

	for (int round = 0; round < 5; round++) {
		for (i = 0; i < CROWD; i++)
			start_all(&m[i], TAKE(a), TAKE(set));
		for (i = 0; i < 2; i++)
			thread_start(&posters[i], posts_for_half, &a);
		for (i = 0; i < 2; i++)
			CHECK_EQ(thread_join(&posters[i]), 0);
		for (i = 0; i < CROWD; i++)
			CHECK_EQ(joined(&m[i]), 0);
		CHECK_EQ(count(a), 0);
	}
}

/* Handed over: it is taken in the post that makes it complete, before anybody else can take it. */
TEST(hand_over)
{
	int a = sem(0, 9), b = sem(0, 9), e = event(0, IPCX_EVENT_MANUAL), i;
	struct many m;

	for (i = 0; i < 100; i++) {
		start_all(&m, TAKE(a), TAKE(e), TAKE(b));
		CHECK_OK(ipcx_sem_post(a, 1));
		if (i & 1) {
			CHECK_EQ(ipcx_event_set(e), 0);
			CHECK_OK(ipcx_sem_post(b, 1));
			CHECK_ERR(ipcx_sem_trywait(b, 1), EAGAIN);
			CHECK_EQ(ipcx_event_reset(e), 1);
		} else {
			CHECK_OK(ipcx_sem_post(b, 1));
			CHECK_EQ(ipcx_event_set(e), 0);
			CHECK_EQ(ipcx_event_reset(e), 1);
			CHECK_ERR(ipcx_sem_trywait(b, 1), EAGAIN);
		}
		CHECK_EQ(joined(&m), 0);
		CHECK_EQ(count(a) + count(b), 0);
	}
}

TEST(a_pulse_is_enough)
{
	int a = sem(0, 9), e = event(0, 0), f = event(0, IPCX_EVENT_MANUAL), i;
	struct many m[3], n;

	start_all(&m[0], TAKE(a), TAKE(e));
	CHECK_EQ(ipcx_event_pulse(e), 0);
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_BLOCKS(m[0].t.tid);
	CHECK_EQ(ipcx_event_pulse(e), 1);
	CHECK_EQ(joined(&m[0]), 0);
	CHECK_EQ(event_stat(e).set, 0);
	CHECK_EQ(count(a), 0);

	/* an automatic one lets one through, first those who stand in line */
	for (i = 0; i < 2; i++)
		start_all(&m[i], TAKE(a), TAKE(e));
	start_any(&n, TAKE(e));
	CHECK_OK(ipcx_sem_post(a, 2));
	CHECK_EQ(ipcx_event_pulse(e), 1);
	CHECK_EQ(joined(&n), 0);
	CHECK_EQ(count(a), 2);
	CHECK_EQ(ipcx_event_pulse(e), 1);
	CHECK_EQ(count(a), 1);
	CHECK_EQ(ipcx_event_pulse(e), 1);
	CHECK_EQ(count(a), 0);
	CHECK_EQ(ipcx_event_pulse(e), 0);
	for (i = 0; i < 2; i++)
		CHECK_EQ(joined(&m[i]), 0);

	/* a manual one lets all through for whom the rest is there */
	for (i = 0; i < 3; i++)
		start_all(&m[i], TAKE(f), TAKE(a));
	start_any(&n, TAKE(f));
	CHECK_OK(ipcx_sem_post(a, 2));
	CHECK_EQ(ipcx_event_pulse(f), 3);
	CHECK_EQ(joined(&n), 0);
	CHECK_EQ(event_stat(f).set, 0);
	CHECK_EQ(count(a), 0);
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_EQ(ipcx_event_pulse(f), 1);
	for (i = 0; i < 3; i++)
		CHECK_EQ(joined(&m[i]), 0);
}

/* Who stands in line at one of the objects is not overtaken. */
TEST(those_in_line_come_first)
{
	int a = sem(0, 9), b = sem(1, 9);
	struct many m, n;

	start_all(&m, TAKE(a), TAKE(b));
	start_any(&n, UNITS(a, 2));
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_BLOCKS(m.t.tid);
	CHECK_EQ(count(a), 1);
	CHECK_OK(ipcx_sem_post(a, 2));
	CHECK_EQ(joined(&n), 0);
	CHECK_EQ(joined(&m), 0);
	CHECK_EQ(count(a) + count(b), 0);

	/* and when who stood in line gives up, there is enough */
	many_init(&n, 0, LIST(UNITS(a, 2)));
	n.timeout = ipcx_after_ms(300);
	thread_start(&n.t, many_main, &n);
	CHECK_SOON(waiters(a) == 1);
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_OK(ipcx_sem_post(b, 1));
	start_all(&m, TAKE(a), TAKE(b));
	CHECK_EQ(joined(&n), -ETIMEDOUT);
	CHECK_EQ(joined(&m), 0);
}

/* ---- what is not taken ---- */

TEST(mixed_kinds)
{
	int s = sem(0, 1), q = queue(), p[2], i;
	struct many m;
	char c;

	CHECK_OK(ipcx_stream_pipe(p, 0));
	CHECK_EQ(all_now(WRITABLE(q), WRITABLE(p[1]), WRITABLE(s)), 0);
	CHECK_ERR(all_now(WRITABLE(q), READABLE(p[0])), EAGAIN);
	for (i = 0; i < 3; i++) {
		start_all(&m, READABLE(q), READABLE(p[0]), TAKE(s));
		if (i != 0)
			CHECK_OK(ipcx_queue_send(q, "x", 1));
		if (i != 1)
			CHECK_EQ(write(p[1], "y", 1), 1);
		if (i != 2)
			CHECK_OK(ipcx_sem_post(s, 1));
		CHECK_BLOCKS(m.t.tid);
		if (i == 0) {
			CHECK_OK(ipcx_queue_send(q, "x", 1));
		} else if (i == 1) {
			CHECK_EQ(write(p[1], "y", 1), 1);
		} else {
			/* what is ready may stop being so */
			CHECK_EQ(read(p[0], &c, 1), 1);
			CHECK_OK(ipcx_sem_post(s, 1));
			CHECK_BLOCKS(m.t.tid);
			CHECK_EQ(write(p[1], "y", 1), 1);
		}
		CHECK_EQ(joined(&m), 0);
		CHECK_EQ(count(s), 0);
		CHECK_EQ(read(p[0], &c, 1), 1);
		CHECK_EQ(ipcx_queue_recv(q, &c, 1), 1);
	}
	/* room, and the end of a stream, are such conditions */
	CHECK_OK(ipcx_sem_post(s, 1));
	start_all(&m, WRITABLE(s), READABLE(p[0]));
	close(p[1]);
	CHECK_BLOCKS(m.t.tid);
	CHECK_OK(ipcx_sem_trywait(s, 1));
	CHECK_EQ(joined(&m), 0);
}

/* Taking from a full semaphore makes room, of which those hear who wait for it. */
TEST(room_that_it_makes)
{
	int a = sem(1, 1), b = sem(0, 1);
	struct many m, n;

	start_any(&n, WRITABLE(a));
	start_all(&m, TAKE(a), TAKE(b));
	CHECK_OK(ipcx_sem_post(b, 1));
	CHECK_EQ(joined(&m), 0);
	CHECK_EQ(joined(&n), 0);
}

/* ---- the ends of a wait ---- */

TEST(timeouts_on_both_clocks)
{
	int a = sem(1, 9), b = sem(0, 9);
	uint64_t end = test_now_ns() + 30000000;

	CHECK_ERR(ipcx_wait_all(LIST(TAKE(a), TAKE(b)), 0, end), ETIMEDOUT);
	CHECK_GE(test_now_ns(), end);
	CHECK_LT(test_now_ns(), end + 3000000000);
	end = realtime_ns() + 30000000;
	CHECK_ERR(ipcx_wait_all(LIST(TAKE(a), TAKE(b)), IPCX_REALTIME, end), ETIMEDOUT);
	CHECK_GE(realtime_ns(), end);
	CHECK_LT(realtime_ns(), end + 3000000000);
	CHECK_EQ(count(a), 1);
	CHECK_OK(ipcx_sem_post(b, 1));
	CHECK_EQ(ipcx_wait_all(LIST(TAKE(a), TAKE(b)), 0, 0), 0);
}

TEST(signals)
{
	int a = sem(1, 9), b = sem(0, 9), restart;
	struct many m;

	for (restart = 0; restart < 2; restart++) {
		on_signal(restart ? SA_RESTART : 0);
		start_all(&m, TAKE(a), TAKE(b));
		CHECK_SYS(pthread_kill(m.t.thread, SIGUSR1));
		CHECK_SOON(handled);
		if (!restart) {
			CHECK_EQ(joined(&m), -EINTR);
			CHECK_EQ(count(a), 1);
			continue;
		}
		CHECK_BLOCKS(m.t.tid);
		CHECK_OK(ipcx_sem_post(b, 1));
		CHECK_EQ(joined(&m), 0);
	}
}

TEST(killed)
{
	int a = sem(1, 9), b = sem(0, 9);
	struct many m;

	start_all_process(&m, TAKE(a), TAKE(b));
	kill(m.pid, SIGKILL);
	CHECK_KILLED_BY(m.pid, SIGKILL);
	CHECK_OK(ipcx_sem_post(b, 1));
	CHECK_EQ(count(a), 1);
	CHECK_EQ(count(b), 1);
	CHECK_EQ(all_now(TAKE(a), TAKE(b)), 0);
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

			start_all(&m, TAKE(fd[0]), TAKE(fd[1]), TAKE(fd[2]));
			CHECK_OK(ipcx_shutdown(fd[j], how[i]));
			CHECK_EQ(joined(&m), -EPIPE);
			CHECK_EQ(m.index, j);
			CHECK_ERR(ipcx_wait(LIST(TAKE(fd[0]), TAKE(fd[1]), TAKE(fd[2])), IPCX_WAIT_ALL, 0, -1, &index),
				  EPIPE);
			CHECK_EQ(index, j);
		}
	}
}

TEST(closed_during_a_wait)
{
	uint64_t before = own_account();
	int a = sem(0, 9), b = sem(1, 9), other = dup(a);
	struct many m;

	start_all(&m, TAKE(b), TAKE(a));
	close(a);
	close(b);
	CHECK_OK(ipcx_sem_post(other, 1));
	CHECK_EQ(joined(&m), 0);
	close(other);
	CHECK_SOON(used_bytes() == before);
}

TEST(fork_and_dup)
{
	int a = sem(0, 9), e = event(0, 0), a2 = dup(a);
	struct many m;

	start_all_process(&m, TAKE(e), TAKE(a2));
	close(a2);
	CHECK_OK(ipcx_sem_post(a, 1));
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_EXITS(m.pid, 0);
}

TEST(arguments)
{
	int a = sem(1, 9), b = sem(1, 9), e = event(1, 0), set = wait_set();

	/* an object twice, also through another descriptor and in another way */
	CHECK_ERR(all_now(TAKE(a), TAKE(b), TAKE(a)), EINVAL);
	CHECK_ERR(all_now(TAKE(a), READABLE(a)), EINVAL);
	CHECK_ERR(all_now(TAKE(a), TAKE(CHECK_OK(ipcx_restrict(a, IPCX_READ)))), EINVAL);
	CHECK_ERR(all_now(TAKE(a), READABLE(set)), EOPNOTSUPP);
	CHECK_ERR(all_now(TAKE(a), UNITS(b, 10)), EINVAL);
	CHECK_ERR(all_now(TAKE(a), TAKE(999)), EBADF);
	CHECK_EQ(count(a), 1);
	/* the alert is none of them, even if it is one */
	CHECK_EQ(ipcx_wait(LIST(TAKE(a), TAKE(e)), IPCX_WAIT_ALL, 0, e, NULL), 0);
	CHECK_EQ(event_stat(e).set + count(a), 0);
}

/* ---- robust ---- */

static int takes_all_and_hangs(void *arg)
{
	CHECK_EQ(ipcx_wait_all(arg, 2, 0, IPCX_FOREVER), 0);
	return hang();
}

/* What comes back from the dead is what others have waited for. */
TEST(units_of_a_robust_semaphore_come_back)
{
	int r = robust_sem(2, 9), s = robust_sem(0, 9);
	struct ipcx_wait_entry e[] = { UNITS(r, 2), TAKE(s) };
	struct many m;
	pid_t pid;

	pid = spawn(takes_all_and_hangs, e);
	CHECK_BLOCKS(pid);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_SOON(sem_stat(r).held == 2 && sem_stat(s).held == 1);
	start_all(&m, TAKE(s), TAKE(r));
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_EQ(joined(&m), 0);
	CHECK_EQ(sem_stat(r).held, 1);
	CHECK_EQ(count(r), 1);
	CHECK_EQ(count(s), 0);
}

/* ---- many at once ---- */

#define SEATS	5
#define MEALS	400

static int forks[SEATS];
static volatile int in_use[SEATS];

/* Dining philosophers, who take both forks at once: nobody starves, and no two have the same fork. */
static int dines(void *arg)
{
	int left = (long)arg, right = (left + 1) % SEATS, i;

	for (i = 0; i < MEALS; i++) {
		CHECK_EQ(ipcx_wait_all(LIST(TAKE(forks[left]), TAKE(forks[right])), 0, ipcx_after_ms(TEST_SOON_MS)), 0);
		CHECK_EQ(__atomic_add_fetch(&in_use[left], 1, __ATOMIC_SEQ_CST), 1);
		CHECK_EQ(__atomic_add_fetch(&in_use[right], 1, __ATOMIC_SEQ_CST), 1);
		if (i % 16 == 0)
			sched_yield();
		__atomic_sub_fetch(&in_use[left], 1, __ATOMIC_SEQ_CST);
		__atomic_sub_fetch(&in_use[right], 1, __ATOMIC_SEQ_CST);
		if (i & 1) {
			CHECK_EQ(ipcx_event_set(forks[left]), 0);
			CHECK_EQ(ipcx_event_set(forks[right]), 0);
		} else {
			CHECK_EQ(ipcx_event_set(forks[right]), 0);
			CHECK_EQ(ipcx_event_set(forks[left]), 0);
		}
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

/* Waits over objects that cross, for all and for any, with units, timeouts and kills: everything is there at the end. */
#define CROSS	6

static int crossing[CROSS];

static int crosses(void *arg)
{
	unsigned int x = (long)arg;
	int round, got = 0;

	for (round = 0; round < 400; round++) {
		struct ipcx_wait_entry e[CROSS];
		unsigned int nr = 0, i, all;
		int ret;

		x = x * 1103515245 + 12345;
		for (i = 0; i < CROSS; i++)
			if (x >> (8 + i) & 1)
				e[nr++] = UNITS(crossing[x >> 20 & 1 ? CROSS - 1 - i : i], 1 + (x >> (16 + i) & 1));
		if (!nr)
			continue;
		all = x >> 24 & 3;
		ret = ipcx_wait(e, nr, all ? IPCX_WAIT_ALL : 0, ipcx_after_ns((x >> 25) * 5000ull), -1, NULL);
		if (ret == -ETIMEDOUT)
			continue;
		CHECK_GE(ret, 0);
		got++;
		for (i = 0; i < nr; i++)
			if (all || (int)i == ret)
				CHECK_OK(ipcx_sem_post(e[i].fd, e[i].nr));
	}
	return got > 0 ? 0 : 1;
}

TEST_LIMIT(crossing_waits, 60000)
{
	struct test_thread t[3];
	pid_t pid[2];
	int i;

	for (i = 0; i < CROSS; i++)
		crossing[i] = i & 1 ? robust_sem(3, 3) : sem(3, 3);
	for (i = 0; i < 2; i++)
		pid[i] = spawn(crosses, (void *)(long)test_random_below(1 << 30));
	for (i = 0; i < 3; i++)
		thread_start(&t[i], crosses, (void *)(long)test_random_below(1 << 30));
	for (i = 0; i < 3; i++)
		CHECK_EQ(thread_join(&t[i]), 0);
	for (i = 0; i < 2; i++)
		CHECK_EXITS(pid[i], 0);
	for (i = 0; i < CROSS; i++) {
		CHECK_EQ(count(crossing[i]), 3);
		CHECK_EQ(waiters(crossing[i]), 0);
		CHECK_EQ(sem_stat(crossing[i]).held, 0);
	}
}

/* Killed at any point of a wait for all: what it had taken of robust ones comes back, and nobody is held up. */
static int crosses_for_ever(void *arg)
{
	for (;;)
		crosses((void *)((long)arg + getppid()));
	return 0;
}

TEST_LIMIT(killed_at_random, 60000)
{
	int i, round;

	for (i = 0; i < CROSS; i++)
		crossing[i] = robust_sem(3, 3);
	for (round = 0; round < 25; round++) {
		pid_t pid[2];

		for (i = 0; i < 2; i++)
			pid[i] = spawn(crosses_for_ever, (void *)(long)test_random_below(1 << 30));
		test_pause_ms(test_random_below(20));
		for (i = 0; i < 2; i++) {
			kill(pid[i], SIGKILL);
			CHECK_KILLED_BY(pid[i], SIGKILL);
		}
		for (i = 0; i < CROSS; i++) {
			CHECK_EQ(count(crossing[i]), 3);
			CHECK_EQ(waiters(crossing[i]), 0);
		}
	}
}
