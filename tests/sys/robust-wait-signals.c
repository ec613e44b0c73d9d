// SPDX-License-Identifier: GPL-2.0
/*
 * The first wait of a process on a robust semaphore registers its address space, which the kernel gives up when
 * a signal is pending.  If this fails, such a wait ends with EINTR although its signals ask for a restart.
 */
#include "object.h"

#include <sys/time.h>

#define NR_MAPPINGS	1000
#define NR_WAITS	1000

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

static void first_wait(void)
{
	struct ipcx_options robust = { .flags = IPCX_SEM_ROBUST };
	int sem = CHECK_OK(ipcx_sem_create(NULL, 1, 1, &robust));

	CHECK_OK(ipcx_sem_wait(sem, 1, 0, IPCX_FOREVER));
	CHECK_SYS(close(sem));
}

/* How long it takes here, in microseconds. */
static long usual_us(void)
{
	uint64_t start = test_now_ns();

	first_wait();
	return 1 + (long)(test_now_ns() - start) / 1000 % 999999;
}

/* One signal for each wait, while it registers or near it: signals that go on coming might never let it end. */
TEST(restarted_as_its_signals_ask)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct itimerval once = { 0 };
	uint64_t end = test_now_ns() + 10000000000ull;
	long us;
	int i;

	map_many();
	us = usual_us();
	CHECK_SYS(sigaction(SIGALRM, &action, NULL));
	for (i = 0; i < NR_WAITS && test_now_ns() < end; i++) {
		once.it_value.tv_usec = 1 + test_random_below(us);
		CHECK_SYS(setitimer(ITIMER_REAL, &once, NULL));
		first_wait();
	}
	CHECK(nr_signals > 0);
	NOTE("%d waits, %d signals", i, (int)nr_signals);
}
