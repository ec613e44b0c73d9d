// SPDX-License-Identifier: GPL-2.0
/*
 * The first wait of a process on a robust semaphore registers its address space, which the kernel gives up when
 * a signal is pending.  If this fails, such a wait ends with EINTR although its signals ask for a restart.
 */
#include "object.h"

#include <sys/time.h>

#define NR_MAPPINGS	1000
#define NR_WAITS	400

static volatile sig_atomic_t nr_signals;

static void on_alarm(int sig __attribute__((unused)))
{
	nr_signals++;
}

/* Registering takes longer with many mappings: neighbours with different rights are not merged. */
static void map_many(void)
{
	int i;

	for (i = 0; i < NR_MAPPINGS; i++)
		CHECK(mmap(NULL, PAGE, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
		      MAP_FAILED);
}

TEST(restarted_as_its_signals_ask)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, 3000 }, { 0, 3000 } };
	struct ipcx_options robust = { .flags = IPCX_SEM_ROBUST };
	int i, sem;

	map_many();
	CHECK_SYS(sigaction(SIGALRM, &action, NULL));
	CHECK_SYS(setitimer(ITIMER_REAL, &often, NULL));
	for (i = 0; i < NR_WAITS; i++) {
		sem = CHECK_OK(ipcx_sem_create(NULL, 1, 1, &robust));
		CHECK_OK(ipcx_sem_wait(sem, 1, 0, IPCX_FOREVER));
		CHECK_SYS(close(sem));
	}
	CHECK(nr_signals > 0);
}
