// SPDX-License-Identifier: GPL-2.0
/*
 * Waits for any of several objects among random posts, timeouts, signals and kills: what is posted is taken once or
 * is there, whoever gives up leaves no trace, and nobody sleeps while there is something for him.
 */
/* timeout: 180 */
#include "wait-test.h"

#define NR	5

static int sems[NR];
static int *taken, *posted, *end;

static void shared(void)
{
	int *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), i;

	CHECK(p != MAP_FAILED);
	taken = p;
	posted = p + NR;
	end = p + 2 * NR;
	for (i = 0; i < NR; i++)
		sems[i] = sem(0, 1000000);
	test_random();	/* prints the seed, once */
}

static unsigned int next(unsigned int *x)
{
	*x = *x * 1103515245 + 12345;
	return *x >> 16 & 0x7fff;
}

/* Takes one unit of any of some, in a random order, by a random time; half of the waits have short times. */
static int takes(void *arg)
{
	unsigned int x = (long)arg;

	while (!__atomic_load_n(end, __ATOMIC_SEQ_CST)) {
		struct ipcx_wait_entry e[NR];
		unsigned int nr = 1 + next(&x) % NR, i;
		int ret;

		for (i = 0; i < nr; i++)
			e[i] = TAKE(sems[next(&x) % NR]);
		ret = ipcx_wait_any(e, nr, 0, ipcx_after_ns(next(&x) % 2 ? 1000000 : next(&x) % 64 * 2000));
		if (ret == -ETIMEDOUT || ret == -EINTR)
			continue;
		CHECK_GE(ret, 0);
		CHECK_LT(ret, nr);
		for (i = 0; i < NR; i++)
			if (sems[i] == (int)e[ret].fd)
				__atomic_add_fetch(&taken[i], 1, __ATOMIC_SEQ_CST);
	}
	return 0;
}

static int takes_one(void *arg)
{
	unsigned int x = (long)arg;

	while (!__atomic_load_n(end, __ATOMIC_SEQ_CST)) {
		int i = next(&x) % NR, ret;

		ret = ipcx_sem_wait(sems[i], 1, 0, ipcx_after_ns(next(&x) % 64 * 4000));
		if (!ret)
			__atomic_add_fetch(&taken[i], 1, __ATOMIC_SEQ_CST);
		else
			CHECK(ret == -ETIMEDOUT || ret == -EINTR);
	}
	return 0;
}

TEST_LIMIT(units_are_conserved, 60000)
{
	struct test_thread t[4];
	int i, round;

	shared();
	on_signal(0);
	for (i = 0; i < 4; i++)
		thread_start(&t[i], i < 3 ? takes : takes_one, (void *)(long)test_random_below(1 << 30));
	for (round = 0; round < 8000; round++) {
		int k = test_random_below(NR), n = 1 + test_random_below(3);

		CHECK_OK(ipcx_sem_post(sems[k], n));
		__atomic_add_fetch(&posted[k], n, __ATOMIC_SEQ_CST);
		if (!test_random_below(16))
			pthread_kill(t[test_random_below(4)].thread, SIGUSR1);
		if (!test_random_below(8))
			sched_yield();
	}
	__atomic_store_n(end, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < 4; i++)
		CHECK_EQ(thread_join(&t[i]), 0);
	for (i = 0; i < NR; i++) {
		CHECK_EQ(taken[i] + count(sems[i]), posted[i]);
		CHECK_EQ(waiters(sems[i]), 0);
	}
	NOTE("%d of %d taken", taken[0] + taken[1] + taken[2] + taken[3] + taken[4],
	     posted[0] + posted[1] + posted[2] + posted[3] + posted[4]);
}

/* Everything that is posted is wanted: all of it is taken, with nobody left asleep. */
static int takes_to_the_end(void *arg)
{
	unsigned int x = (long)arg;
	int nr = 0, last;

	for (;;) {
		struct ipcx_wait_entry e[NR];
		int ret, i, first = next(&x) % NR;

		for (i = 0; i < NR; i++)
			e[i] = TAKE(sems[(first + i) % NR]);
		last = ipcx_wait_any(e, NR, 0, ipcx_after_ms(TEST_SOON_MS));
		CHECK_GE(last, 0);
		ret = (first + last) % NR;
		if (ret == 0)
			return nr;
		nr++;
	}
}

TEST_LIMIT(nobody_is_left_asleep, 60000)
{
	struct test_thread t[4];
	int i, nr = 0;

	shared();
	for (i = 0; i < 4; i++)
		thread_start(&t[i], takes_to_the_end, (void *)(long)test_random_below(1 << 30));
	for (i = 0; i < 10000; i++)
		CHECK_OK(ipcx_sem_post(sems[1 + test_random_below(NR - 1)], 1));
	CHECK_SOON(count(sems[1]) + count(sems[2]) + count(sems[3]) + count(sems[4]) == 0);
	CHECK_OK(ipcx_sem_post(sems[0], 4));
	for (i = 0; i < 4; i++)
		nr += thread_join(&t[i]);
	CHECK_EQ(nr, 10000);
	for (i = 0; i < NR; i++)
		CHECK_EQ(waiters(sems[i]), 0);
}

/* Killed at random while it waits: the unit was taken, perhaps by the dead, or is there; no line is disturbed. */
TEST_LIMIT(killed_at_random, 60000)
{
	int a = sem(0, 99), b = robust_sem(0, 99), q = queue(), i, got = 0;

	for (i = 0; i < 120; i++) {
		int s = test_random_below(2) ? a : b;
		struct many m;

		many_init(&m, 0, LIST(READABLE(q), TAKE(a), TAKE(b)));
		m.pid = spawn(many_child, &m);
		if (test_random_below(2))
			CHECK_SOON(waiters(b) == 1);
		if (test_random_below(2))
			kill(m.pid, SIGKILL);
		CHECK_OK(ipcx_sem_post(s, 1));
		kill(m.pid, SIGKILL);
		CHECK_NE(wait_child(m.pid, TEST_SOON_MS), -1);
		if (s == b)
			CHECK_OK(ipcx_sem_wait(b, 1, 0, ipcx_after_ms(TEST_SOON_MS)));
		else
			got += !!ipcx_sem_trywait(a, 1);
		/* what this process has taken comes back when it ends, or is given up here */
		CHECK_EQ(count(a) + count(b), 0);
		CHECK_EQ(waiters(a) + waiters(b), 0);
	}
	NOTE("%d got the unit", got);
}

/* A set or a pulse meets a wait that gives up: one of both has it. */
TEST_LIMIT(timeout_races_with_a_set, 60000)
{
	int e = event(0, 0), s = sem(0, 9), got = 0, i;

	for (i = 0; i < 400; i++) {
		uint64_t at = test_now_ns() + 300000;
		struct many m;

		many_init(&m, i & 1 ? IPCX_WAIT_ALL : 0, LIST(TAKE(e)));
		if (!(i & 1))
			m.entries[m.nr++] = TAKE(s);
		m.timeout = at;
		thread_start(&m.t, many_main, &m);
		while (test_now_ns() < at + (i % 16) * 10000)
			;
		if (i & 2) {
			int woken = CHECK_OK(ipcx_event_pulse(e));

			CHECK_EQ(woken, joined(&m) == 0);
			CHECK_EQ(event_stat(e).set, 0);
			got += woken;
		} else {
			CHECK_EQ(ipcx_event_set(e), 0);
			if (joined(&m) == 0) {
				CHECK_EQ(event_stat(e).set, 0);
				got++;
			} else {
				CHECK_EQ(m.ret, -ETIMEDOUT);
				CHECK_EQ(ipcx_event_reset(e), 1);
			}
		}
		CHECK_EQ(event_stat(e).nr_waiters, 0);
	}
	NOTE("%d of 400 got it", got);
}
