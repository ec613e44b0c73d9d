// SPDX-License-Identifier: GPL-2.0
/*
 * Semaphores without waiting: bounds, counts, overflow, poll, shutdown.
 */
#include "object.h"

#include <sys/epoll.h>

static int create(uint32_t initial, uint32_t max)
{
	struct ipcx_sem_create c = { .create = { .size = sizeof(c) }, .initial = initial, .max = max };

	return call(device(), IPCX_SEM_CREATE, &c);
}

TEST(bounds_of_creation)
{
	CHECK_ERR(create(0, 0), EINVAL);
	CHECK_ERR(create(2, 1), EINVAL);
	CHECK_ERR(create(0, 1u << 31), EINVAL);
	CHECK_ERR(create(0, ~0u), EINVAL);
	CHECK_ERR(create(~0u, INT_MAX), EINVAL);
	CHECK_EQ(sem_stat(CHECK_OK(create(INT_MAX, INT_MAX))).count, INT_MAX);
	CHECK_EQ(sem_stat(CHECK_OK(create(0, 1))).max, 1);
	CHECK_EQ(sem_stat(CHECK_OK(create(1, 1))).count, 1);
}

TEST(stat_of_a_new_one)
{
	struct ipcx_sem_stat st = sem_stat(sem(3, 7));

	CHECK_EQ(st.size, sizeof(st));
	CHECK_EQ(st.flags, 0);
	CHECK_EQ(st.count, 3);
	CHECK_EQ(st.max, 7);
	CHECK_EQ(st.nr_waiters, 0);
	CHECK_EQ(st.held, 0);
}

TEST(post_and_wait_for_several)
{
	int s = sem(0, 10);

	CHECK_OK(ipcx_sem_post(s, 7));
	CHECK_EQ(sem_stat(s).count, 7);
	CHECK_OK(ipcx_sem_wait(s, 3, 0, IPCX_FOREVER));
	CHECK_OK(ipcx_sem_trywait(s, 4));
	CHECK_EQ(sem_stat(s).count, 0);
	CHECK_OK(ipcx_sem_post(s, 10));
	CHECK_OK(ipcx_sem_wait(s, 10, IPCX_NOWAIT, 0));
}

TEST(overflow_changes_nothing)
{
	int s = sem(5, 7);

	CHECK_ERR(ipcx_sem_post(s, 3), EOVERFLOW);
	CHECK_EQ(sem_stat(s).count, 5);
	CHECK_ERR(ipcx_sem_post(s, 7), EOVERFLOW);
	CHECK_OK(ipcx_sem_post(s, 2));
	CHECK_ERR(ipcx_sem_post(s, 1), EOVERFLOW);
	CHECK_EQ(sem_stat(s).count, 7);
	s = sem(INT_MAX, INT_MAX);
	CHECK_ERR(ipcx_sem_post(s, 1), EOVERFLOW);
	CHECK_ERR(ipcx_sem_post(s, INT_MAX), EOVERFLOW);
	CHECK_EQ(sem_stat(s).count, INT_MAX);
}

TEST(numbers_of_units_that_cannot_be)
{
	int s = sem(3, 7);

	CHECK_ERR(ipcx_sem_post(s, 0), EINVAL);
	CHECK_ERR(ipcx_sem_post(s, 8), EINVAL);
	CHECK_ERR(ipcx_sem_post(s, ~0u), EINVAL);
	CHECK_ERR(ipcx_sem_wait(s, 0, 0, IPCX_FOREVER), EINVAL);
	CHECK_ERR(ipcx_sem_wait(s, 8, 0, IPCX_FOREVER), EINVAL);
	CHECK_ERR(ipcx_sem_wait(s, ~0u, 0, IPCX_FOREVER), EINVAL);
	CHECK_EQ(sem_stat(s).count, 3);
}

TEST(all_or_none)
{
	int s = sem(3, 7);

	CHECK_ERR(ipcx_sem_trywait(s, 4), EAGAIN);
	CHECK_EQ(sem_stat(s).count, 3);
	CHECK_ERR(ipcx_sem_wait(s, 4, 0, 0), ETIMEDOUT);
	CHECK_EQ(sem_stat(s).count, 3);
	CHECK_EQ(sem_stat(s).nr_waiters, 0);
}

TEST(nonblocking_descriptor)
{
	struct ipcx_options o = { .flags = IPCX_CREATE_NONBLOCK };
	int s = CHECK_OK(ipcx_sem_create(NULL, 0, 1, &o));

	CHECK_ERR(ipcx_sem_wait(s, 1, 0, IPCX_FOREVER), EAGAIN);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_OK(ipcx_sem_wait(s, 1, 0, IPCX_FOREVER));
	/* the flag can be taken away, and set, later */
	CHECK_SYS(fcntl(s, F_SETFL, 0));
	CHECK_ERR(ipcx_sem_wait(s, 1, 0, ipcx_after_ms(1)), ETIMEDOUT);
	CHECK_SYS(fcntl(s, F_SETFL, O_NONBLOCK));
	CHECK_ERR(ipcx_sem_wait(s, 1, 0, IPCX_FOREVER), EAGAIN);
}

TEST(poll_reads_at_least_one_unit)
{
	int s = sem(0, 2);

	CHECK_EQ(poll_events(s), POLLOUT);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(poll_events(s), POLLIN | POLLOUT);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(poll_events(s), POLLIN);
	CHECK_OK(ipcx_sem_wait(s, 2, 0, 0));
	CHECK_EQ(poll_events(s), POLLOUT);
}

/* What another process does to the semaphore when the poller sleeps. */
static int sem_fd;

static int posts(void *arg)
{
	CHECK_BLOCKS((pid_t)(long)arg);
	CHECK_OK(ipcx_sem_post(sem_fd, 1));
	return 0;
}

static int takes(void *arg)
{
	CHECK_BLOCKS((pid_t)(long)arg);
	CHECK_OK(ipcx_sem_trywait(sem_fd, 1));
	return 0;
}

static int shuts(void *arg)
{
	CHECK_BLOCKS((pid_t)(long)arg);
	CHECK_OK(ipcx_shutdown(sem_fd, IPCX_SHUT_SEND));
	return 0;
}

static int dies(void *arg)
{
	CHECK_OK(ipcx_sem_wait(sem_fd, 1, 0, ipcx_after_ms(TEST_SOON_MS)));
	CHECK_BLOCKS((pid_t)(long)arg);
	return 0;
}

TEST(poll_is_woken_by_a_post)
{
	sem_fd = sem(0, 2);
	poll_woken(sem_fd, POLLIN, posts, POLLIN);
}

TEST(poll_is_woken_by_room)
{
	sem_fd = sem(2, 2);
	poll_woken(sem_fd, POLLOUT, takes, POLLOUT);
}

TEST(poll_is_woken_by_shutdown)
{
	sem_fd = sem(0, 2);
	poll_woken(sem_fd, POLLIN, shuts, POLLIN | POLLHUP);
}

TEST(poll_is_woken_by_the_death_of_a_holder)
{
	int status;

	sem_fd = robust_sem(1, 1);
	CHECK_SYS(fcntl(sem_fd, F_SETFL, 0));
	pid_t pid = spawn(dies, (void *)(long)getpid());
	struct pollfd p = { .fd = sem_fd, .events = POLLIN };

	CHECK_SOON(sem_stat(sem_fd).held == 1);
	CHECK_EQ(poll(&p, 1, TEST_SOON_MS), 1);
	CHECK_EQ(p.revents, POLLIN);
	status = wait_child(pid, TEST_SOON_MS);
	CHECK_EQ(status, 0);
}

TEST(epoll_edges)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	int ep = CHECK_SYS(epoll_create1(0)), s = sem(1, 9);

	CHECK_SYS(epoll_ctl(ep, EPOLL_CTL_ADD, s, &e));
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLIN);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(epoll_wait(ep, &e, 1, TEST_SOON_MS), 1);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	/* closing removes it */
	close(s);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
}

TEST(shutdown_of_sending)
{
	int s = sem(2, 9);

	CHECK_OK(ipcx_shutdown(s, IPCX_SHUT_SEND));
	CHECK_EQ(object_stat(s).state, IPCX_OBJECT_SHUT_SEND);
	CHECK_ERR(ipcx_sem_post(s, 1), EPIPE);
	/* what is there can still be had, as from a queue */
	CHECK_OK(ipcx_sem_wait(s, 1, 0, IPCX_FOREVER));
	CHECK_ERR(ipcx_sem_wait(s, 2, 0, IPCX_FOREVER), EPIPE);
	CHECK_OK(ipcx_sem_trywait(s, 1));
	CHECK_ERR(ipcx_sem_trywait(s, 1), EPIPE);
	CHECK_EQ(poll_events(s) & POLLHUP, POLLHUP);
}

struct unit_waiter {
	struct test_thread t;
	int sem;
	unsigned int nr;
};

static int waits_for_units(void *arg)
{
	struct unit_waiter *w = arg;

	return ipcx_sem_wait(w->sem, w->nr, 0, ipcx_after_ms(TEST_SOON_MS));
}

/* Who waits when it comes gets what who comes then would get. */
TEST(shutdown_during_waits)
{
	for (unsigned int how = IPCX_SHUT_SEND; how <= (IPCX_SHUT_SEND | IPCX_SHUT_RECV); how++) {
		int s = sem(2, 9), all = how == IPCX_SHUT_SEND ? 0 : -EPIPE;
		struct unit_waiter w[] = { { .nr = 3 }, { .nr = 1 }, { .nr = 2 }, { .nr = 1 } };
		const int wanted[] = { -EPIPE, all, -EPIPE, all };

		for (int i = 0; i < 4; i++) {
			w[i].sem = s;
			thread_start(&w[i].t, waits_for_units, &w[i]);
			CHECK_SOON(sem_stat(s).nr_waiters == (unsigned int)i + 1);
		}
		CHECK_OK(ipcx_shutdown(s, how));
		for (int i = 0; i < 4; i++)
			CHECK_EQ(thread_join(&w[i].t), wanted[i]);
		CHECK_EQ(sem_stat(s).count, all ? 2 : 0);
		CHECK_EQ(sem_stat(s).nr_waiters, 0);
	}
}

TEST(shutdown_of_receiving)
{
	int s = sem(2, 9);

	CHECK_OK(ipcx_shutdown(s, IPCX_SHUT_RECV));
	CHECK_EQ(object_stat(s).state, IPCX_OBJECT_SHUT_RECV);
	CHECK_ERR(ipcx_sem_trywait(s, 1), EPIPE);
	CHECK_ERR(ipcx_sem_wait(s, 1, 0, IPCX_FOREVER), EPIPE);
	CHECK_ERR(ipcx_sem_post(s, 1), EPIPE);
	CHECK_EQ(sem_stat(s).count, 2);
}

TEST(shutdown_twice_and_wrongly)
{
	int s = sem(2, 9);

	CHECK_ERR(ipcx_shutdown(s, 0), EINVAL);
	CHECK_ERR(ipcx_shutdown(s, 4), EINVAL);
	CHECK_ERR(ipcx_shutdown(s, IPCX_SHUT_SEND | 1u << 31), EINVAL);
	CHECK_EQ(object_stat(s).state, 0);
	CHECK_OK(ipcx_shutdown(s, IPCX_SHUT_SEND));
	CHECK_OK(ipcx_shutdown(s, IPCX_SHUT_SEND | IPCX_SHUT_RECV));
	CHECK_EQ(object_stat(s).state, IPCX_OBJECT_SHUT_SEND | IPCX_OBJECT_SHUT_RECV);
}

TEST(other_file_calls_are_refused)
{
	int s = sem(1, 1);
	char c;

	CHECK_SYS_ERR(read(s, &c, 1), EINVAL);
	CHECK_SYS_ERR(write(s, &c, 1), EINVAL);
	CHECK_SYS_ERR(lseek(s, 0, SEEK_SET), ESPIPE);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, s, 0) == MAP_FAILED);
	CHECK_EQ(errno, ENODEV);
}
