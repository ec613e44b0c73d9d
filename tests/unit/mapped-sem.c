// SPDX-License-Identifier: GPL-2.0
/*
 * Mapped semaphores.  If this fails, units are lost or made, a sleeper is not woken, or who can
 * write to the memory can make others crash or hang.
 */
#include "ring-test.h"

#define RAW_WORD	1	/* index of the units in the memory */

static struct ipcx_msem sem;

/* The semaphore of this case, and its memory as a peer sees it. */
static uint64_t *make(unsigned int initial, unsigned int max)
{
	int fd = (int)CHECK_OK(ipcx_msem_create(NULL, initial, max, NULL));
	size_t len;
	uint64_t *raw = raw_memory(fd, &len);

	POISON(sem);
	CHECK_EQ(ipcx_msem_attach(&sem, fd), 0);
	close(fd);
	return raw;
}

TEST(units_are_counted)
{
	make(2, 5);
	CHECK_EQ(ipcx_msem_value(&sem), 2);
	CHECK_EQ(ipcx_msem_wait(&sem, 1, 0, IPCX_FOREVER), 0);
	CHECK_ERR(ipcx_msem_trywait(&sem, 2), EAGAIN);
	CHECK_EQ(ipcx_msem_trywait(&sem, 1), 0);
	CHECK_ERR(ipcx_msem_trywait(&sem, 1), EAGAIN);
	CHECK_ERR(ipcx_msem_wait(&sem, 1, IPCX_NOWAIT, IPCX_FOREVER), EAGAIN);
	CHECK_EQ(ipcx_msem_post(&sem, 5), 0);
	CHECK_ERR(ipcx_msem_post(&sem, 1), EOVERFLOW);
	CHECK_ERR(ipcx_msem_post(&sem, UINT32_MAX), EOVERFLOW);
	CHECK_EQ(ipcx_msem_value(&sem), 5);
	CHECK_EQ(ipcx_msem_wait(&sem, 5, 0, IPCX_FOREVER), 0);
	CHECK_EQ(ipcx_msem_value(&sem), 0);
	CHECK_OK(ipcx_msem_detach(&sem));
	CHECK_ERR(ipcx_msem_detach(&sem), EBADF);
}

TEST(limits)
{
	CHECK_ERR(ipcx_msem_create(NULL, 3, 2, NULL), EINVAL);
	CHECK_ERR(ipcx_msem_create(NULL, 0, 1U << 31, NULL), EINVAL);
	CHECK_ERR(ipcx_msem_attach(&sem, -1), EBADF);
	CHECK_ERR(ipcx_msem_attach(&sem, ring_fd(0, 1, 1, 0)), ENODATA);
	make(INT32_MAX, 0);
	CHECK_EQ(ipcx_msem_value(&sem), INT32_MAX);
	CHECK_ERR(ipcx_msem_post(&sem, 1), EOVERFLOW);
	make(0, 3);
	CHECK_ERR(ipcx_msem_post(&sem, 0), EINVAL);
	CHECK_ERR(ipcx_msem_wait(&sem, 0, 0, IPCX_FOREVER), EINVAL);
	CHECK_ERR(ipcx_msem_wait(&sem, 4, 0, IPCX_FOREVER), EINVAL);
	CHECK_ERR(ipcx_msem_trywait(&sem, 0), EINVAL);
	CHECK_ERR(ipcx_msem_trywait(&sem, 4), EINVAL);
	CHECK_ERR(ipcx_msem_wait(&sem, 1, 1U << 7, IPCX_FOREVER), EINVAL);
}

TEST(timeouts)
{
	uint64_t begin = test_now_ns();
	struct timespec now;

	make(0, 3);
	errno = ENXIO;
	CHECK_ERR(ipcx_msem_wait(&sem, 1, 0, 0), ETIMEDOUT);
	CHECK_ERR(ipcx_msem_wait(&sem, 1, 0, begin + 20000000), ETIMEDOUT);
	CHECK_GE(test_now_ns(), begin + 20000000);
	clock_gettime(CLOCK_REALTIME, &now);
	CHECK_ERR(ipcx_msem_wait(&sem, 1, IPCX_REALTIME, now.tv_sec * 1000000000ULL + now.tv_nsec +
				 3000000), ETIMEDOUT);
	CHECK_EQ(errno, ENXIO);
	/* a unit that is there needs no time */
	CHECK_EQ(ipcx_msem_post(&sem, 1), 0);
	CHECK_EQ(ipcx_msem_wait(&sem, 1, 0, 0), 0);
}

static int wait_for(void *nr)
{
	return ipcx_msem_wait(&sem, (unsigned int)(uintptr_t)nr, 0, IPCX_FOREVER);
}

static void on_signal(int sig)
{
	(void)sig;
}

TEST(a_signal_ends_the_wait)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct test_thread t;

	make(0, 3);
	sigaction(SIGUSR1, &sa, NULL);
	thread_start(&t, wait_for, (void *)1);
	CHECK_BLOCKS(t.tid);
	CHECK_SYS(syscall(SYS_tgkill, getpid(), t.tid, SIGUSR1));
	CHECK_EQ(thread_join(&t), -EINTR);
	CHECK_EQ(ipcx_msem_post(&sem, 3), 0);
	CHECK_EQ(ipcx_msem_value(&sem), 3);
}

TEST(sleepers_are_woken)
{
	struct test_thread t[4];

	make(0, 10);
	CHECK_EQ(ipcx_msem_set_spin(&sem, 0), 0);
	for (int round = 0; round < 6; round++) {
		for (int i = 0; i < 4; i++)
			thread_start(&t[i], wait_for, (void *)1);
		for (int i = 0; i < 4; i++)
			CHECK_BLOCKS(t[i].tid);
		if (round % 2) {
			CHECK_EQ(ipcx_msem_post(&sem, 4), 0);
		} else {
			for (int i = 0; i < 4; i++)
				CHECK_EQ(ipcx_msem_post(&sem, 1), 0);
		}
		for (int i = 0; i < 4; i++)
			CHECK_EQ(thread_join(&t[i]), 0);
		CHECK_EQ(ipcx_msem_value(&sem), 0);
	}
}

TEST(several_units_are_waited_for)
{
	struct test_thread three, one;

	make(0, 10);
	CHECK_EQ(ipcx_msem_set_spin(&sem, 0), 0);
	thread_start(&three, wait_for, (void *)3);
	CHECK_BLOCKS(three.tid);
	thread_start(&one, wait_for, (void *)1);
	CHECK_BLOCKS(one.tid);
	/* who wants more does not keep the unit from who wants one */
	CHECK_EQ(ipcx_msem_post(&sem, 1), 0);
	CHECK_EQ(thread_join(&one), 0);
	CHECK_EQ(ipcx_msem_post(&sem, 2), 0);
	CHECK_BLOCKS(three.tid);
	CHECK_EQ(ipcx_msem_post(&sem, 1), 0);
	CHECK_EQ(thread_join(&three), 0);
	CHECK_EQ(ipcx_msem_value(&sem), 0);
}

TEST(no_system_call_when_nobody_sleeps)
{
	pid_t pid;

	make(0, 3);
	pid = fork();
	CHECK_GE(pid, 0);
	if (!pid) {
		forbid_system_calls();
		for (int i = 0; i < 10000; i++)
			if (ipcx_msem_post(&sem, 2) || ipcx_msem_wait(&sem, 2, 0, IPCX_FOREVER))
				EXIT_STRICTLY(1);
		EXIT_STRICTLY(0);
	}
	CHECK_EXITS(pid, 0);
}

/* A critical section of several processes, which inherit the handle. */
static void exclusion(uint64_t spin, int rounds)
{
	struct shared {
		volatile int inside;
		volatile long count;
	} *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid[4];

	CHECK(shared != MAP_FAILED);
	make(1, 1);
	CHECK_EQ(ipcx_msem_set_spin(&sem, spin), 0);
	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		CHECK_GE(pid[i], 0);
		if (pid[i])
			continue;
		for (int n = 0; n < rounds; n++) {
			CHECK_EQ(ipcx_msem_wait(&sem, 1, 0, IPCX_FOREVER), 0);
			CHECK_EQ(shared->inside, 0);
			shared->inside = 1;
			shared->count++;
			if (n % 64 == 0)
				sched_yield();
			shared->inside = 0;
			CHECK_EQ(ipcx_msem_post(&sem, 1), 0);
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++)
		CHECK_EXITS(pid[i], 0);
	CHECK_EQ(shared->count, 4L * rounds);
	CHECK_EQ(ipcx_msem_value(&sem), 1);
}

TEST_LIMIT(exclusion_by_sleeping, 60000)
{
	exclusion(0, 20000);
}

TEST_LIMIT(exclusion_by_spinning, 60000)
{
	exclusion(IPCX_MSEM_SPIN_NS, 20000);
}

/* Tokens go round between two processes; none is lost. */
TEST(hand_over)
{
	struct ipcx_msem back;
	pid_t pid;

	make(0, 1);
	back = sem;
	make(0, 1);
	ipcx_msem_set_spin(&sem, 0);
	ipcx_msem_set_spin(&back, 0);
	pid = fork();
	CHECK_GE(pid, 0);
	for (int i = 0; i < 3000; i++) {
		if (!pid) {
			CHECK_EQ(ipcx_msem_wait(&sem, 1, 0, IPCX_FOREVER), 0);
			CHECK_EQ(ipcx_msem_post(&back, 1), 0);
		} else {
			CHECK_EQ(ipcx_msem_post(&sem, 1), 0);
			CHECK_EQ(ipcx_msem_wait(&back, 1, 0, IPCX_FOREVER), 0);
		}
	}
	if (!pid)
		_exit(0);
	CHECK_EXITS(pid, 0);
}

/* Sleepers are killed all the time: the others go on. */
TEST_LIMIT(killed_sleepers, 60000)
{
	pid_t pid[3];

	make(0, 1000);
	CHECK_EQ(ipcx_msem_set_spin(&sem, 0), 0);
	for (int round = 0; round < 150; round++) {
		struct test_thread t;

		for (int i = 0; i < 3; i++) {
			pid[i] = fork();
			CHECK_GE(pid[i], 0);
			if (!pid[i])
				for (;;)
					wait_for((void *)(uintptr_t)(1 + i));
		}
		thread_start(&t, wait_for, (void *)1);
		for (int i = 0; i < 3; i++) {
			if (test_random_below(2))
				CHECK_EQ(ipcx_msem_post(&sem, 1), 0);
			kill(pid[i], SIGKILL);
		}
		for (int i = 0; i < 3; i++)
			CHECK_KILLED_BY(pid[i], SIGKILL);
		CHECK_EQ(ipcx_msem_post(&sem, 1), 0);
		CHECK_EQ(thread_join(&t), 0);
		while (!ipcx_msem_trywait(&sem, 1))
			;
	}
}

TEST(placed_in_memory)
{
	char *mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct ipcx_msem a, b;

	CHECK(mem != MAP_FAILED);
	CHECK_ERR(ipcx_msem_place(&a, mem + 32, 0, 1), EINVAL);
	CHECK_ERR(ipcx_msem_place(&a, NULL, 0, 1), EINVAL);
	CHECK_ERR(ipcx_msem_place(&a, mem, 2, 1), EINVAL);
	CHECK_EQ(ipcx_msem_place(&a, mem, 2, 3), 0);
	CHECK_EQ(ipcx_msem_wait(&a, 2, 0, IPCX_FOREVER), 0);
	/* the second finds it, empty as it is */
	CHECK_EQ(ipcx_msem_place(&b, mem, 7, 9), 0);
	CHECK_EQ(ipcx_msem_value(&b), 0);
	CHECK_ERR(ipcx_msem_post(&b, 4), EOVERFLOW);
	CHECK_EQ(ipcx_msem_post(&b, 3), 0);
	CHECK_EQ(ipcx_msem_wait(&a, 3, 0, IPCX_FOREVER), 0);
	CHECK_OK(ipcx_msem_detach(&a));
	CHECK_EQ(ipcx_msem_post(&b, 1), 0);
}

/* Any value in any word: a call returns what it may, in time. */
TEST(hostile_memory)
{
	uint64_t *raw = make(1, 100);

	for (int i = 0; i < 4000; i++) {
		uint64_t *word = &raw[test_random_below(8)];
		int ret;

		*word = hostile_word(*word);
		ret = ipcx_msem_post(&sem, 1 + (unsigned int)test_random_below(3));
		CHECK(!ret || ret == -EOVERFLOW);
		ret = ipcx_msem_wait(&sem, 1 + (unsigned int)test_random_below(100),
				     test_random_below(4) ? IPCX_NOWAIT : 0, test_now_ns() + 100000);
		CHECK(!ret || ret == -EAGAIN || ret == -ETIMEDOUT);
		CHECK_GE(ipcx_msem_value(&sem), 0);
	}
}

TEST(hostile_memory_all_the_time)
{
	uint64_t *raw = make(1, 100), end = test_now_ns() + 1000000000;
	pid_t pid;

	test_random();
	pid = fork();
	CHECK_GE(pid, 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			volatile uint64_t *word = &raw[test_random_below(8)];

			*word = hostile_word(*word);
		}
	}
	while (test_now_ns() < end) {
		int ret = ipcx_msem_post(&sem, 1 + (unsigned int)test_random_below(3));

		CHECK(!ret || ret == -EOVERFLOW);
		ret = ipcx_msem_wait(&sem, 1, test_random_below(4) ? IPCX_NOWAIT : 0,
				     test_now_ns() + 100000);
		CHECK(!ret || ret == -EAGAIN || ret == -ETIMEDOUT);
	}
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
}

/* Nobody wakes: who sleeps looks for himself. */
TEST(a_lost_wake_up_costs_time_only)
{
	uint64_t *raw = make(0, 100);
	struct test_thread t;

	CHECK_EQ(ipcx_msem_set_spin(&sem, 0), 0);
	thread_start(&t, wait_for, (void *)1);
	CHECK_SOON(__atomic_load_n(&raw[RAW_WORD], __ATOMIC_ACQUIRE) >> 32 & 1);
	CHECK_BLOCKS(t.tid);
	__atomic_store_n(&raw[RAW_WORD], 1ULL << 63 | 1, __ATOMIC_RELEASE);
	CHECK_EQ(thread_join(&t), 0);
}
