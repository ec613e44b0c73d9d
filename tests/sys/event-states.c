// SPDX-License-Identifier: GPL-2.0
/*
 * Events without waiting: what set, reset and pulse leave behind, poll, shutdown.  Were it broken, a program would
 * pass a lamp that is off, or stop at one that is on.
 */
#include "object.h"

#include <sys/epoll.h>

static int create(uint32_t initial)
{
	struct ipcx_event_create c = { .create = { .size = sizeof(c) }, .initial = initial };

	return call(device(), IPCX_EVENT_CREATE, &c);
}

TEST(states_at_creation)
{
	CHECK_EQ(event_stat(CHECK_OK(create(0))).set, 0);
	CHECK_EQ(event_stat(CHECK_OK(create(1))).set, 1);
	CHECK_ERR(create(2), EINVAL);
	CHECK_ERR(create(~0u), EINVAL);
}

TEST(kinds_of_reset)
{
	CHECK_EQ(object_stat(event(0, 0)).state, 0);
	CHECK_EQ(object_stat(event(0, IPCX_EVENT_MANUAL)).state, IPCX_OBJECT_MANUAL);
	CHECK_EQ(object_stat(event(0, 0)).kind, IPCX_KIND_EVENT);
}

/* A flag of another kind is known, and not for this one. */
TEST(flags_of_other_kinds)
{
	struct ipcx_options robust = { .flags = IPCX_SEM_ROBUST }, manual = { .flags = IPCX_EVENT_MANUAL };

	CHECK_ERR(ipcx_event_create(NULL, 0, &robust), EOPNOTSUPP);
	CHECK_ERR(ipcx_sem_create(NULL, 0, 1, &manual), EOPNOTSUPP);
	CHECK_ERR(ipcx_queue_create(NULL, NULL, &manual), EOPNOTSUPP);
	CHECK_ERR(ipcx_region_create(NULL, 1, &manual), EOPNOTSUPP);
}

TEST(stat_of_a_new_one)
{
	struct ipcx_event_stat st = event_stat(event(1, 0));

	CHECK_EQ(st.size, sizeof(st));
	CHECK_EQ(st.flags, 0);
	CHECK_EQ(st.set, 1);
	CHECK_EQ(st.nr_waiters, 0);
}

TEST(a_manual_event_stays_set)
{
	int e = event(0, IPCX_EVENT_MANUAL), i;

	CHECK_EQ(ipcx_event_set(e), 0);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(ipcx_event_wait(e, 0, IPCX_FOREVER), 0);
		CHECK_EQ(event_stat(e).set, 1);
	}
	CHECK_EQ(ipcx_event_reset(e), 1);
	CHECK_EQ(event_stat(e).set, 0);
	CHECK_ERR(ipcx_event_wait(e, IPCX_NOWAIT, IPCX_FOREVER), EAGAIN);
}

TEST(an_automatic_event_is_taken_once)
{
	int e = event(1, 0);

	CHECK_EQ(ipcx_event_wait(e, 0, IPCX_FOREVER), 0);
	CHECK_EQ(event_stat(e).set, 0);
	CHECK_ERR(ipcx_event_wait(e, IPCX_NOWAIT, IPCX_FOREVER), EAGAIN);
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_EQ(ipcx_event_wait(e, IPCX_NOWAIT, 0), 0);
	CHECK_ERR(ipcx_event_wait(e, IPCX_NOWAIT, 0), EAGAIN);
}

/* It is a state, not a count. */
TEST(set_twice_is_set_once)
{
	int e = event(0, 0);

	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_EQ(ipcx_event_set(e), 1);
	CHECK_EQ(ipcx_event_set(e), 1);
	CHECK_EQ(ipcx_event_wait(e, IPCX_NOWAIT, 0), 0);
	CHECK_ERR(ipcx_event_wait(e, IPCX_NOWAIT, 0), EAGAIN);
}

TEST(reset_tells_the_state_before)
{
	unsigned int flags[] = { 0, IPCX_EVENT_MANUAL };
	int e, i;

	for (i = 0; i < 2; i++) {
		e = event(1, flags[i]);
		CHECK_EQ(ipcx_event_reset(e), 1);
		CHECK_EQ(ipcx_event_reset(e), 0);
		CHECK_EQ(event_stat(e).set, 0);
	}
}

TEST(a_pulse_with_nobody_waiting_is_lost)
{
	unsigned int flags[] = { 0, IPCX_EVENT_MANUAL };
	int e, i;

	for (i = 0; i < 2; i++) {
		e = event(0, flags[i]);
		CHECK_EQ(ipcx_event_pulse(e), 0);
		CHECK_EQ(event_stat(e).set, 0);
		CHECK_ERR(ipcx_event_wait(e, IPCX_NOWAIT, 0), EAGAIN);
		/* and it leaves one that was set unset */
		CHECK_EQ(ipcx_event_set(e), 0);
		CHECK_EQ(ipcx_event_pulse(e), 0);
		CHECK_EQ(event_stat(e).set, 0);
	}
}

TEST(nonblocking_descriptor)
{
	int e = event(0, IPCX_CREATE_NONBLOCK);

	CHECK_ERR(ipcx_event_wait(e, 0, IPCX_FOREVER), EAGAIN);
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_OK(ipcx_event_wait(e, 0, IPCX_FOREVER));
	/* the flag can be taken away, and set, later */
	CHECK_SYS(fcntl(e, F_SETFL, 0));
	CHECK_ERR(ipcx_event_wait(e, 0, ipcx_after_ms(1)), ETIMEDOUT);
	CHECK_SYS(fcntl(e, F_SETFL, O_NONBLOCK));
	CHECK_ERR(ipcx_event_wait(e, 0, IPCX_FOREVER), EAGAIN);
}

/* A name keeps the state; another kind of reset does not change what exists. */
TEST(names_keep_the_state)
{
	struct ipcx_options manual = { .flags = IPCX_EVENT_MANUAL };
	int e, other;

	own_names();
	e = CHECK_OK(ipcx_event_create("lamp", 0, &manual));
	CHECK_EQ(ipcx_event_set(e), 0);
	close(e);
	e = CHECK_OK(ipcx_event_create("lamp", 0, NULL));
	CHECK_EQ(event_stat(e).set, 1);
	CHECK_EQ(object_stat(e).state, IPCX_OBJECT_NAMED | IPCX_OBJECT_MANUAL);
	other = CHECK_OK(ipcx_open("lamp", IPCX_KIND_EVENT, IPCX_READ, 0));
	CHECK_OK(ipcx_event_wait(other, IPCX_NOWAIT, 0));
	CHECK_ERR(ipcx_open("lamp", IPCX_KIND_SEM, 0, 0), ENOENT);
	CHECK_ERR(ipcx_sem_create("lamp", 0, 1, NULL), EEXIST);
}

TEST(poll_reads_set)
{
	int e = event(0, 0), m = event(0, IPCX_EVENT_MANUAL);

	CHECK_EQ(poll_events(e), POLLOUT);
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_EQ(poll_events(e), POLLIN | POLLOUT);
	CHECK_OK(ipcx_event_wait(e, 0, 0));
	CHECK_EQ(poll_events(e), POLLOUT);

	CHECK_EQ(ipcx_event_set(m), 0);
	CHECK_OK(ipcx_event_wait(m, 0, 0));
	CHECK_EQ(poll_events(m), POLLIN | POLLOUT);
	CHECK_EQ(ipcx_event_reset(m), 1);
	CHECK_EQ(poll_events(m), POLLOUT);
}

/* What another process does to the event when the poller sleeps. */
static int event_fd;

static int sets(void *arg)
{
	CHECK_BLOCKS((pid_t)(long)arg);
	CHECK_EQ(ipcx_event_set(event_fd), 0);
	return 0;
}

static int shuts(void *arg)
{
	CHECK_BLOCKS((pid_t)(long)arg);
	CHECK_OK(ipcx_shutdown(event_fd, IPCX_SHUT_SEND));
	return 0;
}

/* A pulse leaves nothing to see: the poller goes on sleeping. */
static int pulses_and_sets(void *arg)
{
	CHECK_BLOCKS((pid_t)(long)arg);
	CHECK_EQ(ipcx_event_pulse(event_fd), 0);
	CHECK_BLOCKS((pid_t)(long)arg);
	return sets(arg);
}

TEST(poll_is_woken_by_set)
{
	event_fd = event(0, 0);
	poll_woken(event_fd, POLLIN, sets, POLLIN);
	event_fd = event(0, IPCX_EVENT_MANUAL);
	poll_woken(event_fd, POLLIN, sets, POLLIN);
}

TEST(poll_is_not_woken_by_a_pulse)
{
	event_fd = event(0, IPCX_EVENT_MANUAL);
	poll_woken(event_fd, POLLIN, pulses_and_sets, POLLIN);
}

TEST(poll_is_woken_by_shutdown)
{
	event_fd = event(0, 0);
	poll_woken(event_fd, POLLIN, shuts, POLLIN | POLLHUP);
}

TEST(epoll_edges)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int ep = CHECK_SYS(epoll_create1(0)), e = event(1, IPCX_EVENT_MANUAL);

	CHECK_SYS(epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev));
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 1);
	CHECK_EQ(ev.events, EPOLLIN);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	/* an edge is a change of state: it is set already */
	CHECK_EQ(ipcx_event_set(e), 1);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	CHECK_EQ(ipcx_event_reset(e), 1);
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_EQ(epoll_wait(ep, &ev, 1, TEST_SOON_MS), 1);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 0);
}

static void check_refused(int e)
{
	CHECK_ERR(ipcx_event_set(e), EPIPE);
	CHECK_ERR(ipcx_event_reset(e), EPIPE);
	CHECK_ERR(ipcx_event_pulse(e), EPIPE);
}

TEST(shutdown_of_sending)
{
	int e = event(1, 0), m = event(1, IPCX_EVENT_MANUAL);

	CHECK_OK(ipcx_shutdown(e, IPCX_SHUT_SEND));
	CHECK_EQ(object_stat(e).state, IPCX_OBJECT_SHUT_SEND);
	check_refused(e);
	/* that it was set can still be had, as units of a semaphore can */
	CHECK_OK(ipcx_event_wait(e, 0, IPCX_FOREVER));
	CHECK_ERR(ipcx_event_wait(e, 0, IPCX_FOREVER), EPIPE);
	CHECK_ERR(ipcx_event_wait(e, IPCX_NOWAIT, 0), EPIPE);
	CHECK_EQ(poll_events(e) & POLLHUP, POLLHUP);

	CHECK_OK(ipcx_shutdown(m, IPCX_SHUT_SEND));
	check_refused(m);
	CHECK_OK(ipcx_event_wait(m, 0, IPCX_FOREVER));
	CHECK_OK(ipcx_event_wait(m, 0, IPCX_FOREVER));
}

TEST(shutdown_of_receiving)
{
	int e = event(1, 0);

	CHECK_OK(ipcx_shutdown(e, IPCX_SHUT_RECV));
	CHECK_EQ(object_stat(e).state, IPCX_OBJECT_SHUT_RECV);
	check_refused(e);
	CHECK_ERR(ipcx_event_wait(e, 0, IPCX_FOREVER), EPIPE);
	CHECK_ERR(ipcx_event_wait(e, IPCX_NOWAIT, 0), EPIPE);
	CHECK_EQ(event_stat(e).set, 1);
}

TEST(other_file_calls_are_refused)
{
	int e = event(1, 0);
	char c;

	CHECK_SYS_ERR(read(e, &c, 1), EINVAL);
	CHECK_SYS_ERR(write(e, &c, 1), EINVAL);
	CHECK_SYS_ERR(lseek(e, 0, SEEK_SET), ESPIPE);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, e, 0) == MAP_FAILED);
	CHECK_EQ(errno, ENODEV);
	CHECK_EQ(event_stat(e).set, 1);
}

TEST(memory_comes_back)
{
	uint64_t before = own_account();
	int i, e[16];

	for (i = 0; i < 16; i++)
		e[i] = event(i & 1, i & 2 ? IPCX_EVENT_MANUAL : 0);
	CHECK_GT(used_bytes(), before);
	for (i = 0; i < 16; i++)
		close(e[i]);
	CHECK_SOON(used_bytes() == before);
}
