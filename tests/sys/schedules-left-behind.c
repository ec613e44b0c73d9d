// SPDX-License-Identifier: GPL-2.0
/*
 * A subscriber of a broadcast queue whose only receiver has given up, and not left yet, is left behind and disconnected:
 * it stays so, the others miss nothing, and nothing is left when all have gone.
 * timeout: 120
 */
#include "pause.h"

static int w;

static int receives(void *arg)
{
	uint64_t value = 0;
	struct ipcx_msg m = ipcx_msg(&value, sizeof(value));
	int ret;

	run_on(0);
	ret = ipcx_queue_recv_msg((long)arg, &m, NULL, 0, IPCX_FOREVER);
	return ret ? ret : (int)value;
}

static int next_of(int fd)
{
	uint64_t value = 0;
	struct ipcx_msg m = ipcx_msg(&value, sizeof(value));
	int ret = ipcx_queue_recv_msg(fd, &m, NULL, IPCX_NOWAIT, 0);

	return ret ? ret : (int)value;
}

static void send_number(uint64_t value)
{
	struct ipcx_msg m = ipcx_msg(&value, sizeof(value));

	CHECK_OK(ipcx_queue_send_msg(w, &m, IPCX_NOWAIT, 0));
}

static void handled(int sig)
{
	(void)sig;
}

/* A queue of one message that disconnects who is slower; returns its first subscriber. */
static int begin(void)
{
	int both, first;

	CHECK_SYS(sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = handled }, NULL));
	set_up();
	both = CHECK_OK(ipcx_queue_create(NULL, &(struct ipcx_queue_limits){ .max_msgs = 1,
						.overflow = IPCX_OVERFLOW_DISCONNECT },
					  &(struct ipcx_options){ .flags = IPCX_QUEUE_BROADCAST }));
	w = CHECK_OK(ipcx_restrict(both, IPCX_WRITE));
	first = CHECK_OK(ipcx_restrict(both, IPCX_READ));
	close(both);
	return first;
}

/* The receiver of @fd has given up, and stands in its line. */
static void gives_up(struct test_thread *gone, int fd)
{
	hold("wait_gave_up");
	thread_start(gone, receives, (void *)(long)fd);
	CHECK_BLOCKS(gone->tid);
	CHECK_SYS(pthread_kill(gone->thread, SIGUSR1));
	COMES("wait_gave_up");
}

TEST_LIMIT(it_stays_disconnected, 60000)
{
	int s = begin(), r = CHECK_OK(ipcx_restrict(s, IPCX_READ));
	struct test_thread gone;

	gives_up(&gone, r);
	send_number(1);
	CHECK_EQ(next_of(s), 1);
	send_number(2);
	go("wait_gave_up");
	CHECK_EQ(thread_join(&gone), -EINTR);
	CHECK_ERR(next_of(r), ECONNRESET);
	CHECK_EQ(next_of(s), 2);
	send_number(3);
	CHECK_EQ(next_of(s), 3);
	CHECK_ERR(next_of(r), ECONNRESET);
	close(r);
	close(s);
	close(w);
	tear_down();
}

TEST_LIMIT(nothing_is_left_of_it, 60000)
{
	int s = begin(), r = CHECK_OK(ipcx_restrict(s, IPCX_READ));
	struct test_thread gone, first, second;
	struct ipcx_query query = { .size = sizeof(query) };

	thread_start(&first, receives, (void *)(long)s);
	CHECK_BLOCKS(first.tid);
	thread_start(&second, receives, (void *)(long)s);
	CHECK_BLOCKS(second.tid);
	gives_up(&gone, r);
	send_number(1);
	CHECK_EQ(thread_join(&first), 1);
	send_number(2);
	CHECK_EQ(thread_join(&second), 2);
	go("wait_gave_up");
	CHECK_EQ(thread_join(&gone), -EINTR);
	close(s);
	close(r);
	/* nobody is there to receive it */
	send_number(3);
	close(w);
	CHECK_OK(ipcx_query(&query));
	CHECK_EQ(query.user_bytes_used, 0);
	tear_down();
}
