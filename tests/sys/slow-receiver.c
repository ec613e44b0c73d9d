// SPDX-License-Identifier: GPL-2.0
/*
 * A receiver that has taken a message and is slow to copy it, here because its buffer is a page that somebody
 * else supplies.  If this fails, it keeps others from using the room that it made.
 */
#include "queue-test.h"

#include <poll.h>
#include <signal.h>
#include <time.h>

#include "slow-memory.h"

#define PAGE	SLOW_LEN

static int queue;
static void *buffer;

static void *receive(void *unused __attribute__((unused)))
{
	CHECK_BLOCKS(getpid());	/* the first thread, in poll(2) */
	CHECK_OK(ipcx_queue_recv(queue, buffer, PAGE));
	return NULL;
}

TEST(pollers_learn_of_the_room)
{
	struct pollfd pollfd = { .events = POLLOUT };
	int uffd = missing_page(&buffer);
	pthread_t thread;
	time_t start;

	queue = pollfd.fd = make_queue(1, 0, 0);
	CHECK_OK(send_value(queue, 1, 0, 1));
	CHECK_EQ(poll(&pollfd, 1, 0), 0);
	CHECK_EQ(pthread_create(&thread, NULL, receive, NULL), 0);
	/* poll(2) looks once more when its time is over: what counts is that it was woken before */
	start = time(NULL);
	CHECK_EQ(poll(&pollfd, 1, TEST_SOON_MS), 1);
	CHECK_EQ(pollfd.revents, POLLOUT);
	CHECK_LT(time(NULL) - start, TEST_SOON_MS / 1000 - 2);

	page_is_wanted(uffd);
	supply_page(uffd, buffer);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

static int receive_for_ever(void *unused)
{
	(void)unused;
	missing_page(&buffer);
	return ipcx_queue_recv(queue, buffer, PAGE) < 0;
}

static unsigned int timeout_ms = 60000;

static int call_for_a_while(void *unused)
{
	struct ipcx_msg msg = ipcx_msg("x", 1), reply = ipcx_msg(NULL, 0);

	(void)unused;
	return ipcx_queue_call(queue, &msg, &reply, 0, ipcx_after_ms(timeout_ms));
}

/* The receiver cannot keep it and the caller does not want it any more: it must not be in the queue again. */
TEST(a_call_that_is_given_up_while_it_is_copied)
{
	struct test_thread caller;
	pid_t pid;

	queue = make_queue(0, 0, 0);
	timeout_ms = 300;
	pid = spawn(receive_for_ever, NULL);
	thread_start(&caller, call_for_a_while, NULL);
	CHECK_SOON(stat_of(queue).received == 1);
	CHECK_EQ(thread_join(&caller), -ETIMEDOUT);
	CHECK_SYS(kill(pid, SIGKILL));
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_EQ(stat_of(queue).nr_msgs, 0);
	CHECK_EQ(stat_of(queue).received, 0);
	CHECK_EQ(stat_of(queue).purged, 1);
}

static void *peek(void *unused __attribute__((unused)))
{
	struct ipcx_msg msg = ipcx_msg(buffer, PAGE);

	CHECK_OK(ipcx_queue_recv_msg(queue, &msg, NULL, IPCX_RECV_PEEK, IPCX_FOREVER));
	CHECK_EQ(msg.len, 1);
	return NULL;
}

/* How to take a call without being able to reply: the caller learns of it, however long somebody else looks at it. */
static void take_beside_a_peeker(void (*take)(void))
{
	struct test_thread caller;
	int uffd = missing_page(&buffer);
	pthread_t peeker;

	queue = make_queue(0, 0, 0);
	thread_start(&caller, call_for_a_while, NULL);
	CHECK_EQ(pthread_create(&peeker, NULL, peek, NULL), 0);
	page_is_wanted(uffd);
	take();
	CHECK_EQ(thread_join(&caller), -ECONNRESET);
	supply_page(uffd, buffer);
	CHECK_EQ(pthread_join(peeker, NULL), 0);
	CHECK_EQ(stat_of(queue).nr_msgs, 0);
}

static void take_with_recv(void)
{
	char c;

	CHECK_EQ(ipcx_queue_recv(queue, &c, 1), 1);
}

static void take_with_recv_fds(void)
{
	unsigned int nr = 0;
	char c;
	struct ipcx_msg msg = ipcx_msg(&c, 1);

	CHECK_OK(ipcx_queue_recv_fds(queue, &msg, NULL, &nr, NULL, NO_WAIT));
}

static void take_with_read(void)
{
	char c;

	CHECK_EQ(read(queue, &c, 1), 1);
}

static void take_with_recvv(void)
{
	char c;
	struct ipcx_msg msg = ipcx_msg(&c, 1);

	CHECK_EQ(ipcx_queue_recvv(queue, &msg, 1, NULL, NO_WAIT), 1);
}

static void take_with_purge(void)
{
	CHECK_EQ(ipcx_queue_purge(queue, NULL), 1);
}

TEST(a_call_is_received_beside_a_slow_peeker)
{
	take_beside_a_peeker(take_with_recv);
	take_beside_a_peeker(take_with_recv_fds);
}

TEST(a_call_is_read_beside_a_slow_peeker)
{
	take_beside_a_peeker(take_with_read);
}

TEST(a_call_is_received_in_a_batch_beside_a_slow_peeker)
{
	take_beside_a_peeker(take_with_recvv);
}

TEST(a_call_is_discarded_beside_a_slow_peeker)
{
	take_beside_a_peeker(take_with_purge);
}
