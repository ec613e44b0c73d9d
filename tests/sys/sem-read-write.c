// SPDX-License-Identifier: GPL-2.0
/*
 * A semaphore through read(2) and write(2), as an eventfd with EFD_SEMAPHORE: what both promise is checked on both.  If
 * this fails, units are lost or made, or the two doors of a semaphore disagree.
 */
#include "object.h"

#include <sys/eventfd.h>

#define POSTED(s, n)	CHECK_EQ(put(s, n), 8)
#define TAKEN(s)							\
	do {								\
		uint64_t got_ = 77;					\
		CHECK_EQ(take(s, &got_), 8);				\
		CHECK_EQ(got_, 1);					\
	} while (0)

static ssize_t put(int s, uint64_t nr)
{
	ssize_t ret = write(s, &nr, sizeof(nr));

	return ret < 0 ? -errno : ret;
}

static ssize_t take(int s, uint64_t *value)
{
	ssize_t ret = read(s, value, sizeof(*value));

	return ret < 0 ? -errno : ret;
}

static void set_nonblock(int s)
{
	CHECK_SYS(fcntl(s, F_SETFL, CHECK_SYS(fcntl(s, F_GETFL)) | O_NONBLOCK));
}

/* Both, with 2 units. */
static void make_both(int both[2])
{
	both[0] = sem(2, 1000);
	both[1] = CHECK_SYS(eventfd(2, EFD_SEMAPHORE | EFD_CLOEXEC));
}

TEST(units_go_in_and_come_out_as_of_an_eventfd)
{
	int both[2], i;
	uint64_t got;

	make_both(both);
	for (i = 0; i < 2; i++) {
		int s = both[i];

		TAKEN(s);
		TAKEN(s);
		POSTED(s, 3);
		TAKEN(s);
		TAKEN(s);
		TAKEN(s);
		set_nonblock(s);
		CHECK_EQ(take(s, &got), -EAGAIN);
	}
}

TEST(buffers_as_of_an_eventfd)
{
	char wide[24] __attribute__((aligned(8)));
	int both[2], i;
	uint64_t one = 1;

	make_both(both);
	for (i = 0; i < 2; i++) {
		int s = both[i];

		CHECK_SYS_ERR(write(s, &one, 7), EINVAL);
		CHECK_SYS_ERR(write(s, &one, 0), EINVAL);
		CHECK_SYS_ERR(read(s, &one, 7), EINVAL);
		CHECK_SYS_ERR(read(s, &one, 0), EINVAL);
		CHECK_SYS_ERR(syscall(SYS_write, s, BAD_PTR, 8), EFAULT);
		/* more than is there to read */
		memset(wide, 0x55, sizeof(wide));
		CHECK_EQ(read(s, wide, sizeof(wide)), 8);
		CHECK_MEM(wide, &one, 8);
		CHECK_EQ(wide[8], 0x55);
		TAKEN(s);
		/* a vector is one access for each of its pieces, and ends at what fails */
		POSTED(s, 1);
		set_nonblock(s);
		{
			uint64_t got[2] = { 7, 7 };
			struct iovec v[2] = { { &got[0], 8 }, { &got[1], 8 } };

			CHECK_EQ(readv(s, v, 2), 8);
			CHECK_EQ(got[0], 1);
		}
	}
}

TEST(a_write_is_one_number)
{
	uint64_t two[2] = { 1, 1 };
	int s = sem(2, 5);

	/* which eventfd took before 6.10 */
	CHECK_SYS_ERR(write(s, two, sizeof(two)), EINVAL);
	CHECK_EQ(sem_stat(s).count, 2);
}

TEST(a_read_that_faults_takes_nothing)
{
	int s = sem(2, 5);

	CHECK_SYS_ERR(syscall(SYS_read, s, BAD_PTR, 8), EFAULT);
	CHECK_EQ(sem_stat(s).count, 2);
}

TEST(numbers_out_of_bounds_change_nothing)
{
	static const uint64_t bad[] = { 0, 6, 1u << 31, 1ull << 32, (1ull << 32) + 1, UINT64_MAX };
	int s = sem(2, 5);
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ(put(s, bad[i]), -EINVAL);
	CHECK_EQ(put(s, 4), -EOVERFLOW);
	CHECK_EQ(sem_stat(s).count, 2);
	POSTED(s, 3);
	CHECK_EQ(sem_stat(s).count, 5);
}

TEST(rights_are_those_of_the_descriptor)
{
	int s = sem(1, 5);
	int reader = CHECK_OK(ipcx_restrict(s, IPCX_READ)), writer = CHECK_OK(ipcx_restrict(s, IPCX_WRITE));
	uint64_t value;

	CHECK_EQ(put(reader, 1), -EBADF);
	CHECK_EQ(take(writer, &value), -EBADF);
	CHECK_EQ(sem_stat(s).count, 1);
	POSTED(writer, 1);
	TAKEN(reader);
}

static int read_one(void *arg)
{
	uint64_t got;

	return (int)take(*(int *)arg, &got);
}

TEST(a_read_waits_in_the_line_of_all)
{
	struct test_thread t[2];
	int s = sem(0, 5);

	thread_start(&t[0], read_one, &s);
	CHECK_BLOCKS(t[0].tid);
	thread_start(&t[1], read_one, &s);
	CHECK_BLOCKS(t[1].tid);
	CHECK_EQ(sem_stat(s).nr_waiters, 2);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(thread_join(&t[0]), 8);
	POSTED(s, 1);
	CHECK_EQ(thread_join(&t[1]), 8);
	CHECK_EQ(sem_stat(s).count, 0);
}

TEST(a_shutdown_ends_a_read_with_0_and_writes_with_EPIPE)
{
	struct test_thread t;
	int s = sem(0, 5);
	uint64_t value;

	thread_start(&t, read_one, &s);
	CHECK_BLOCKS(t.tid);
	CHECK_OK(ipcx_shutdown(s, IPCX_SHUT_SEND));
	CHECK_EQ(thread_join(&t), 0);
	CHECK_EQ(take(s, &value), 0);
	CHECK_EQ(put(s, 1), -EPIPE);
}

static void ignore(int sig)
{
	(void)sig;
}

TEST(a_signal_interrupts_a_read)
{
	struct sigaction act = { .sa_handler = ignore };
	struct test_thread t;
	int s = sem(0, 5);

	CHECK_SYS(sigaction(SIGUSR1, &act, NULL));
	thread_start(&t, read_one, &s);
	CHECK_BLOCKS(t.tid);
	CHECK_SYS(syscall(SYS_tgkill, getpid(), t.tid, SIGUSR1));
	CHECK_EQ(thread_join(&t), -EINTR);
	CHECK_EQ(sem_stat(s).nr_waiters, 0);
}

static int take_and_die(void *arg)
{
	TAKEN(*(int *)arg);
	raise(SIGKILL);
	return 0;
}

TEST(a_robust_unit_that_was_read_comes_back)
{
	struct ipcx_options robust = { .flags = IPCX_SEM_ROBUST };
	int s = CHECK_OK(ipcx_sem_create(NULL, 1, 1, &robust));
	pid_t child = spawn(take_and_die, &s);

	CHECK_KILLED_BY(child, SIGKILL);
	CHECK_SOON(sem_stat(s).count == 1);
	TAKEN(s);
	CHECK_EQ(sem_stat(s).held, 1);
	POSTED(s, 1);
	CHECK_EQ(sem_stat(s).held, 0);
}
