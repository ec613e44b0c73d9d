// SPDX-License-Identifier: GPL-2.0
/*
 * 10,000 holders of a robust semaphore (as many as go into a minute) are killed at random points of taking, holding and
 * posting: whenever all have gone, every unit is back.
 * timeout: 180
 */
#include "object.h"

#define KILLS	10000
#define UNITS	3
#define WORKERS	50

static int s;

/* Takes and posts until it is killed. */
static void work(unsigned int nr)
{
	for (;;) {
		if (ipcx_sem_wait(s, nr, 0, IPCX_FOREVER) || ipcx_sem_post(s, nr))
			_exit(1);
	}
}

TEST_LIMIT(no_unit_is_lost, 120000)
{
	pid_t pid[WORKERS], swap;
	uint64_t over = test_now_ns() + 60000000000ull;
	int i, j, kills, status;

	s = robust_sem(UNITS, UNITS);
	test_random();
	for (kills = 0; kills < KILLS && test_now_ns() < over; kills += WORKERS) {
		struct ipcx_sem_stat st;

		for (i = 0; i < WORKERS; i++) {
			pid[i] = fork();
			CHECK_GE(pid[i], 0);
			if (!pid[i]) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				/* the killer comes first */
				if (nice(19) < 0)
					_exit(1);
				work(1 + i % UNITS);
			}
		}
		/* in a random order, at random moments; they end at their leisure, several at a time */
		for (i = WORKERS - 1; i >= 0; i--) {
			j = test_random_below(i + 1);
			swap = pid[i];
			pid[i] = pid[j];
			pid[j] = swap;
			kill(pid[i], SIGKILL);
			for (j = test_random_below(4); j; j--)
				sched_yield();
			st = sem_stat(s);
			CHECK_LE(st.count + st.held, UNITS);
		}
		for (i = 0; i < WORKERS; i++) {
			CHECK_EQ(waitpid(pid[i], &status, 0), pid[i]);
			CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		}
		st = sem_stat(s);
		CHECK_EQ(st.count, UNITS);
		CHECK_EQ(st.held, 0);
		CHECK_EQ(st.nr_waiters, 0);
	}
	NOTE("%d kills", kills);
}
