// SPDX-License-Identifier: GPL-2.0
/*
 * poll, select and epoll on queues: ready exactly when a call would not wait, and told of every
 * change.  If this fails, an event loop sleeps beside a message, or turns without end.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "queue-test.h"

static int events(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI, .revents = -1 };

	CHECK_SYS(poll(&p, 1, 0));
	return p.revents;
}

TEST(ready_to_send_and_to_receive)
{
	int q = make_queue(2, 0, 0);

	CHECK_EQ(events(q), POLLOUT);
	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_EQ(events(q), POLLIN | POLLOUT);
	CHECK_OK(send_value(q, 1, 0, 2));
	CHECK_EQ(events(q), POLLIN);
	CHECK_RECV(q, ANY, 1);
	CHECK_EQ(events(q), POLLIN | POLLOUT);
	CHECK_RECV(q, ANY, 2);
	CHECK_EQ(events(q), POLLOUT);
}

/* No byte is left: a program that polls before it sends must not turn in a circle. */
TEST(full_of_bytes_is_full)
{
	int q = make_queue(0, 16, 0);

	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_EQ(events(q), POLLIN | POLLOUT);
	CHECK_OK(send_value(q, 1, 0, 2));
	CHECK_EQ(events(q), POLLIN);
	CHECK_RECV(q, ANY, 1);
	CHECK_EQ(events(q), POLLIN | POLLOUT);
}

TEST(an_empty_message_is_readable)
{
	int q = make_queue(0, 0, 0);

	CHECK_EQ(write(q, "", 0), 0);
	CHECK_EQ(events(q), POLLIN | POLLOUT);
}

TEST(shutdown_is_a_hangup)
{
	int q = make_queue(0, 0, 0), p = make_queue(1, 0, 0);

	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	CHECK_EQ(events(q), POLLIN | POLLOUT | POLLHUP);
	CHECK_OK(send_value(p, 1, 0, 1));
	CHECK_OK(ipcx_shutdown(p, IPCX_SHUT_RECV));
	CHECK_EQ(events(p), POLLIN | POLLOUT | POLLHUP);
}

TEST(select_too)
{
	struct timeval tv = { 0, 0 };
	int q = make_queue(1, 0, 0);
	fd_set in, out;

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(q, &in);
	FD_SET(q, &out);
	CHECK_EQ(select(q + 1, &in, &out, NULL, &tv), 1);
	CHECK(!FD_ISSET(q, &in) && FD_ISSET(q, &out));
	CHECK_OK(send_value(q, 1, 0, 1));
	FD_SET(q, &in);
	FD_SET(q, &out);
	CHECK_EQ(select(q + 1, &in, &out, NULL, &tv), 1);
	CHECK(FD_ISSET(q, &in) && !FD_ISSET(q, &out));
}

/* ---- waiting pollers ---- */

struct poller {
	struct test_thread thread;
	int q;
	short events;
	struct pollfd p;
};

/* At its timeout poll() looks once more, so being ready then is not being woken. */
static int poll_woken(struct pollfd *p)
{
	uint64_t start = test_now_ns();
	int ret = poll(p, 1, 5000);

	CHECK_LT(test_now_ns() - start, 4500000000ull);
	return ret;
}

static int wait_in_poll(void *arg)
{
	struct poller *poller = arg;

	poller->p = (struct pollfd){ .fd = poller->q, .events = poller->events };
	return poll_woken(&poller->p);
}

static void start_poller(struct poller *poller, int q, short wanted)
{
	poller->q = q;
	poller->events = wanted;
	thread_start(&poller->thread, wait_in_poll, poller);
	CHECK_BLOCKS(poller->thread.tid);
}

static void woken(struct poller *poller, short revents)
{
	CHECK_EQ(thread_join(&poller->thread), 1);
	CHECK_EQ(poller->p.revents, revents);
}

TEST(a_poller_is_woken_by_a_message)
{
	int q = make_queue(0, 0, 0);
	struct poller p[3];
	int i;

	for (i = 0; i < 3; i++)
		start_poller(&p[i], q, POLLIN);
	CHECK_OK(send_value(q, 1, 0, 1));
	for (i = 0; i < 3; i++)
		woken(&p[i], POLLIN);
}

TEST(a_poller_is_woken_by_room)
{
	int q = make_queue(1, 0, 0);
	struct poller p;

	CHECK_OK(send_value(q, 1, 0, 1));
	start_poller(&p, q, POLLOUT);
	CHECK_RECV(q, ANY, 1);
	woken(&p, POLLOUT);

	CHECK_OK(send_value(q, 1, 0, 1));
	start_poller(&p, q, POLLOUT);
	CHECK_EQ(ipcx_queue_purge(q, NULL), 1);
	woken(&p, POLLOUT);
}

TEST(a_poller_is_woken_by_shutdown)
{
	int q = make_queue(1, 0, 0);
	struct poller in, none;

	start_poller(&in, q, POLLIN);
	start_poller(&none, q, 0);
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_RECV));
	woken(&in, POLLIN | POLLHUP);
	woken(&none, POLLHUP);
}

static int timed_send(void *arg)
{
	static char buf[60];
	struct ipcx_msg msg = ipcx_msg(buf, sizeof(buf));

	return ipcx_queue_send_msg(*(int *)arg, &msg, 0, ipcx_after_ms(1000)) == -ETIMEDOUT;
}

/* A sender that gives up is the last thing that kept others out. */
TEST(a_poller_is_woken_when_a_waiting_sender_gives_up)
{
	int q = make_queue(0, 100, 0);
	struct test_thread t;
	struct poller p;
	char buf[50];

	CHECK_OK(ipcx_queue_send(q, buf, sizeof(buf)));
	thread_start(&t, timed_send, &q);
	CHECK_SOON(stat_of(q).nr_senders == 1);
	CHECK_EQ(events(q), POLLIN);
	start_poller(&p, q, POLLOUT);
	CHECK_EQ(thread_join(&t), 1);
	woken(&p, POLLOUT);
	CHECK_OK(send_value(q, 1, 0, 1));
}

static int bad_receive(void *arg)
{
	struct ipcx_msg msg = ipcx_msg((void *)8, 8);

	return ipcx_queue_recv_msg(*(int *)arg, &msg, NULL, 0, IPCX_FOREVER) == -EFAULT;
}

/* The message was on its way to a receiver that could not keep it. */
TEST(a_poller_is_woken_by_a_message_that_comes_back)
{
	int q = make_queue(0, 0, 0);
	struct test_thread t;
	struct poller p;

	thread_start(&t, bad_receive, &q);
	CHECK_SOON(stat_of(q).nr_receivers == 1);
	start_poller(&p, q, POLLIN);
	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_EQ(thread_join(&t), 1);
	woken(&p, POLLIN);
	CHECK_RECV(q, ANY, 1);
}

static int send_one(void *arg)
{
	return ipcx_queue_send(*(int *)arg, "12345678", 8);
}

/* Room that goes to a waiting sender at once is no room, but its message is one. */
TEST(a_poller_is_woken_by_the_message_of_a_sender_that_waited)
{
	int q = make_queue(1, 0, 0);
	struct test_thread t;
	uint64_t value;

	CHECK_OK(send_value(q, 1, 0, 1));
	thread_start(&t, send_one, &q);
	CHECK_SOON(stat_of(q).nr_senders == 1);
	CHECK_RECV(q, ANY, 1);
	CHECK_EQ(thread_join(&t), 0);
	CHECK_EQ(events(q), POLLIN);
	CHECK_OK(recv_value(q, ANY, &value));
}

/* ---- epoll ---- */

static int make_epoll(int q, uint32_t wanted)
{
	struct epoll_event ev = { .events = wanted, .data.u64 = 42 };
	int ep = CHECK_SYS(epoll_create1(0));

	CHECK_SYS(epoll_ctl(ep, EPOLL_CTL_ADD, q, &ev));
	return ep;
}

/* What one epoll_wait() of at most @ms reports; 0 for nothing. */
static uint32_t reported(int ep, int ms)
{
	struct epoll_event ev;
	int ret;

	POISON(ev);
	ret = CHECK_SYS(epoll_wait(ep, &ev, 1, ms));
	if (!ret)
		return 0;
	CHECK_EQ(ev.data.u64, 42);
	return ev.events;
}

TEST(epoll_level)
{
	int q = make_queue(1, 0, 0), ep = make_epoll(q, EPOLLIN | EPOLLOUT);

	CHECK_EQ(reported(ep, 0), EPOLLOUT);
	CHECK_EQ(reported(ep, 0), EPOLLOUT);
	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_EQ(reported(ep, 0), EPOLLIN);
	CHECK_EQ(reported(ep, 0), EPOLLIN);
	CHECK_RECV(q, ANY, 1);
	CHECK_EQ(reported(ep, 0), EPOLLOUT);
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	CHECK_EQ(reported(ep, 0), EPOLLIN | EPOLLOUT | EPOLLHUP);
}

/* Edge: every message is an event, also when others are there already. */
TEST(epoll_edge_in)
{
	int q = make_queue(0, 0, 0), ep = make_epoll(q, EPOLLIN | EPOLLET);

	CHECK_EQ(reported(ep, 0), 0);
	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_EQ(reported(ep, 1000), EPOLLIN);
	CHECK_EQ(reported(ep, 0), 0);
	CHECK_OK(send_value(q, 1, 0, 2));
	CHECK_EQ(reported(ep, 1000), EPOLLIN);
	CHECK_EQ(reported(ep, 0), 0);
	CHECK_RECV(q, ANY, 1);
	CHECK_RECV(q, ANY, 2);
	CHECK_OK(send_value(q, 1, 0, 3));
	CHECK_EQ(reported(ep, 1000), EPOLLIN);
}

TEST(epoll_edge_out)
{
	int q = make_queue(1, 0, 0), ep = make_epoll(q, EPOLLOUT | EPOLLET);

	CHECK_EQ(reported(ep, 0), EPOLLOUT);
	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_EQ(reported(ep, 0), 0);
	CHECK_RECV(q, ANY, 1);
	CHECK_EQ(reported(ep, 1000), EPOLLOUT);
	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_EQ(ipcx_queue_purge(q, NULL), 1);
	CHECK_EQ(reported(ep, 1000), EPOLLOUT);
}

TEST(epoll_oneshot_and_hangup)
{
	int q = make_queue(0, 0, 0), ep = make_epoll(q, EPOLLIN | EPOLLONESHOT),
	    et = make_epoll(q, EPOLLET);

	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_EQ(reported(ep, 1000), EPOLLIN);
	CHECK_OK(send_value(q, 1, 0, 2));
	CHECK_EQ(reported(ep, 0), 0);
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	CHECK_EQ(reported(et, 1000), EPOLLHUP);
}

TEST(epoll_forgets_a_closed_queue)
{
	int q = make_queue(0, 0, 0), keep = CHECK_OK(ipcx_restrict(q, IPCX_READ)),
	    ep = make_epoll(q, EPOLLIN);

	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_EQ(reported(ep, 0), EPOLLIN);
	close(q);
	CHECK_EQ(reported(ep, 0), 0);
	CHECK_RECV(keep, ANY, 1);
}

/* ---- an event loop ---- */

#define LOOP	4000

static int send_many(void *arg)
{
	int q = *(int *)arg;
	uint64_t i = 0;

	while (i < LOOP) {
		int ret = send_value(q, 1, 0, i);

		if (!ret) {
			i++;
			continue;
		}
		CHECK_EQ(ret, -EAGAIN);
		CHECK_EQ(poll_woken(&(struct pollfd){ .fd = q, .events = POLLOUT }), 1);
	}
	return 0;
}

/* Neither side ever misses the edge that it sleeps for. */
TEST(epoll_edge_against_poll_out)
{
	int q = make_queue(3, 0, 0), ep = make_epoll(q, EPOLLIN | EPOLLET);
	struct test_thread t;
	uint64_t value, i = 0;

	thread_start(&t, send_many, &q);
	while (i < LOOP) {
		CHECK_EQ(reported(ep, 5000), EPOLLIN);
		while (recv_value(q, ANY, &value) == 0)
			CHECK_EQ(value, i++);
	}
	CHECK_EQ(thread_join(&t), 0);
}
