// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for the next message of a broadcast queue: who is woken, by what, and until when.  If this fails, a
 * subscriber sleeps although there is a message for it, or a thread is served before one that came first.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "broadcast-test.h"

static void *volatile bad_ptr = (void *)8;

/* One receive in a thread or process, and what came of it. */
struct waiter {
	struct test_thread t;
	int fd;
	uint32_t flags;
	uint64_t len, timeout;
	uint64_t value[2];
	struct ipcx_msg msg;
	int ret;
};

static int receive(void *arg)
{
	struct waiter *w = arg;

	w->msg = ipcx_msg(w->value, w->len);
	w->ret = ipcx_queue_recv_msg(w->fd, &w->msg, NULL, w->flags, w->timeout);
	return -w->ret;
}

static void start(struct waiter *w, int fd, uint32_t flags, uint64_t len)
{
	uint32_t nr = stat_of(fd).nr_receivers;

	*w = (struct waiter){ .fd = fd, .flags = flags, .len = len, .timeout = IPCX_FOREVER };
	thread_start(&w->t, receive, w);
	CHECK_SOON(stat_of(fd).nr_receivers == nr + 1);
	CHECK_BLOCKS(w->t.tid);
}

static void ends_with(struct waiter *w, uint64_t value)
{
	CHECK_EQ(thread_join(&w->t), 0);
	CHECK_EQ(w->value[0], value);
	CHECK_EQ(w->msg.flags, 0);
}

TEST(one_message_wakes_every_subscriber)
{
	struct broadcast b = broadcast_of(0, 0, 0, 8);
	struct waiter w[8];
	int i;

	for (i = 0; i < 8; i++)
		start(&w[i], b.r[i], 0, 8);
	CHECK_SEND(&b, 5);
	for (i = 0; i < 8; i++)
		ends_with(&w[i], 5);
	CHECK_EQ(stat_of(b.w).nr_msgs, 0);
	CHECK_EQ(stat_of(b.w).nr_receivers, 0);
	CHECK_EQ(stat_of(b.w).received, 8);
}

TEST(some_wait_and_some_do_not)
{
	struct broadcast b = broadcast_of(0, 0, 0, 3);
	struct waiter w[2];

	start(&w[0], b.r[0], 0, 8);
	start(&w[1], b.r[2], 0, 8);
	CHECK_SEND(&b, 1);
	ends_with(&w[0], 1);
	ends_with(&w[1], 1);
	CHECK_EQ(stat_of(b.w).nr_msgs, 1);
	start(&w[0], b.r[0], 0, 8);
	CHECK_RECV(b.r[1], ANY, 1);
	CHECK_SEND(&b, 2);
	ends_with(&w[0], 2);
	CHECK_RECV(b.r[1], ANY, 2);
	CHECK_RECV(b.r[2], ANY, 2);
	CHECK_EQ(stat_of(b.w).nr_msgs, 0);
}

TEST(threads_of_one_subscriber_are_served_in_line)
{
	struct broadcast b = broadcast_of(0, 0, 0, 2);
	struct waiter w[3];
	int i;

	for (i = 0; i < 3; i++)
		start(&w[i], b.r[0], 0, 8);
	for (i = 0; i < 3; i++) {
		CHECK_SEND(&b, i);
		ends_with(&w[i], i);
		CHECK_EQ(stat_of(b.w).nr_receivers, 2 - i);
	}
	for (i = 0; i < 3; i++)
		CHECK_RECV(b.r[1], ANY, i);
}

TEST(a_batch_wakes_the_first_only)
{
	struct broadcast b = broadcast_of(0, 0, 0, 1);
	uint64_t values[3] = { 1, 2, 3 };
	struct ipcx_msg msgs[3];
	struct waiter w;
	int i;

	for (i = 0; i < 3; i++)
		msgs[i] = ipcx_msg(&values[i], 8);
	start(&w, b.r[0], 0, 8);
	CHECK_EQ(ipcx_queue_sendv(b.w, msgs, 3, 0, IPCX_FOREVER), 3);
	ends_with(&w, 1);
	CHECK_RECV(b.r[0], ANY, 2);
	CHECK_RECV(b.r[0], ANY, 3);
}

TEST(peekers_and_small_buffers_leave_it_to_the_next)
{
	struct broadcast b = broadcast_of(0, 0, 0, 1);
	struct waiter peeker, small, cut, next;

	start(&small, b.r[0], 0, 4);
	start(&peeker, b.r[0], IPCX_RECV_PEEK, 8);
	start(&cut, b.r[0], IPCX_RECV_TRUNCATE, 4);
	start(&next, b.r[0], 0, 8);
	CHECK_SEND(&b, 1);
	CHECK_EQ(thread_join(&small.t), EMSGSIZE);
	CHECK_EQ(small.msg.len, 8);
	CHECK_EQ(thread_join(&cut.t), 0);
	CHECK_EQ(cut.msg.flags, IPCX_MSG_TRUNCATED);
	/* a peeker that looks too late waits again, behind */
	CHECK_SOON(stat_of(b.w).nr_receivers == 2);
	CHECK_SEND(&b, 2);
	ends_with(&next, 2);
	CHECK_SOON(stat_of(b.w).nr_receivers == 1);
	CHECK_SEND(&b, 3);
	ends_with(&peeker, 3);
	CHECK_RECV(b.r[0], ANY, 3);
}

/*
 * Every other receiver of one subscription waits with a bad buffer: what it is handed goes to the next one.
 */
static int receive_badly(void *arg)
{
	struct waiter *w = arg;

	w->msg = ipcx_msg(bad_ptr, 8);
	w->ret = ipcx_queue_recv_msg(w->fd, &w->msg, NULL, 0, IPCX_FOREVER);
	return -w->ret;
}

TEST(what_is_given_back_goes_to_one_who_waits)
{
	struct broadcast b = broadcast_of(0, 0, 0, 2);
	struct waiter bad = { .fd = b.r[0] }, good[2];
	int i;

	for (i = 0; i < 2; i++) {
		thread_start(&bad.t, receive_badly, &bad);
		CHECK_SOON(stat_of(b.w).nr_receivers == 1);
		CHECK_BLOCKS(bad.t.tid);
		start(&good[0], b.r[0], 0, 8);
		start(&good[1], b.r[0], 0, 8);
		CHECK_SEND(&b, 2 * i);
		CHECK_EQ(thread_join(&bad.t), EFAULT);
		ends_with(&good[0], 2 * i);
		CHECK_EQ(stat_of(b.w).nr_receivers, 1);
		CHECK_SEND(&b, 2 * i + 1);
		ends_with(&good[1], 2 * i + 1);
	}
	CHECK_NONE(b.r[0], ANY);
	CHECK_EQ(stat_of(b.w).received, 4);
	for (i = 0; i < 4; i++)
		CHECK_RECV(b.r[1], ANY, i);
}

static void nothing(int sig)
{
	(void)sig;
}

TEST(receivers_give_up)
{
	struct broadcast b = broadcast_of(0, 0, 0, 2);
	struct sigaction sa = { .sa_handler = nothing };
	struct waiter w, other;
	uint64_t value;
	pid_t pid;

	CHECK_SYS(sigaction(SIGUSR1, &sa, NULL));
	CHECK_ERR(recv_until(b.r[0], ANY, 0, ipcx_after_ms(5), &value), ETIMEDOUT);
	CHECK_ERR(recv_until(b.r[0], ANY, 0, 0, &value), ETIMEDOUT);
	start(&w, b.r[0], 0, 8);
	start(&other, b.r[0], 0, 8);
	pthread_kill(w.t.thread, SIGUSR1);
	CHECK_EQ(thread_join(&w.t), EINTR);
	CHECK_EQ(stat_of(b.w).nr_receivers, 1);
	w = (struct waiter){ .fd = b.r[1], .len = 8, .timeout = IPCX_FOREVER };
	pid = spawn(receive, &w);
	CHECK_SOON(stat_of(b.w).nr_receivers == 2);
	CHECK_SYS(kill(pid, SIGKILL));
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_EQ(stat_of(b.w).nr_receivers, 1);
	CHECK_SEND(&b, 3);
	ends_with(&other, 3);
	/* the one that died has left its message to this process, which has the same subscription */
	CHECK_RECV(b.r[1], ANY, 3);
}

TEST(restarted_after_a_signal)
{
	struct broadcast b = broadcast_of(0, 0, 0, 1);
	struct sigaction sa = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	struct waiter w;

	CHECK_SYS(sigaction(SIGUSR1, &sa, NULL));
	start(&w, b.r[0], 0, 8);
	pthread_kill(w.t.thread, SIGUSR1);
	CHECK_SOON(stat_of(b.w).nr_receivers == 1 && task_is_blocked(w.t.tid));
	CHECK_SEND(&b, 4);
	ends_with(&w, 4);
}

TEST(closed_by_another_thread_during_the_wait)
{
	struct broadcast b = broadcast_of(0, 0, 0, 2);
	struct waiter w;

	start(&w, b.r[1], 0, 8);
	CHECK_SYS(close(b.r[1]));
	/* the call has the open file: it goes on, and ends with what it waits for */
	CHECK_EQ(stat_of(b.w).nr_subscribers, 2);
	CHECK_SEND(&b, 1);
	ends_with(&w, 1);
	CHECK_SOON(stat_of(b.w).nr_subscribers == 1);
}

static int wait_readable(void *arg)
{
	struct broadcast *b = arg;
	struct ipcx_wait_entry entries[2] = { ipcx_wait_entry(b->r[0], IPCX_WAIT_READABLE),
					      ipcx_wait_entry(b->r[1], IPCX_WAIT_READABLE) };

	return ipcx_wait_any(entries, 2, 0, IPCX_FOREVER);
}

TEST(waits_for_several_objects_are_per_subscriber)
{
	struct broadcast b = broadcast_of(1, 0, 0, 2);
	struct ipcx_wait_entry entries[2] = { ipcx_wait_entry(b.r[0], IPCX_WAIT_READABLE),
					      ipcx_wait_entry(b.r[1], IPCX_WAIT_READABLE) };
	struct ipcx_wait_entry writable = ipcx_wait_entry(b.w, IPCX_WAIT_WRITABLE);
	struct test_thread t;

	CHECK_ERR(ipcx_wait_any(entries, 2, IPCX_NOWAIT, 0), EAGAIN);
	CHECK_EQ(ipcx_wait_any(&writable, 1, IPCX_NOWAIT, 0), 0);
	thread_start(&t, wait_readable, &b);
	CHECK_BLOCKS(t.tid);
	CHECK_SEND(&b, 1);
	CHECK_GE(thread_join(&t), 0);
	CHECK_ERR(ipcx_wait_any(&writable, 1, IPCX_NOWAIT, 0), EAGAIN);
	CHECK_RECV(b.r[0], ANY, 1);
	CHECK_EQ(ipcx_wait_any(entries, 2, IPCX_NOWAIT, 0), 1);
	CHECK_RECV(b.r[1], ANY, 1);
	CHECK_ERR(ipcx_wait_any(entries, 2, IPCX_NOWAIT, 0), EAGAIN);
	CHECK_EQ(ipcx_wait_any(&writable, 1, IPCX_NOWAIT, 0), 0);
}

TEST(notices_are_per_subscriber)
{
	struct broadcast b = broadcast_of(0, 0, 0, 2);
	int efd = CHECK_SYS(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	uint64_t count;

	CHECK_OK(ipcx_notify_eventfd(b.r[1], IPCX_READY_READ, efd, IPCX_NOTIFY_REPEAT));
	CHECK_SYS_ERR(read(efd, &count, 8), EAGAIN);
	CHECK_SEND(&b, 1);
	CHECK_EQ(CHECK_SYS(read(efd, &count, 8)), 8);
	CHECK_EQ(count, 1);
	CHECK_RECV(b.r[0], ANY, 1);
	CHECK_RECV(b.r[1], ANY, 1);
	CHECK_SYS_ERR(read(efd, &count, 8), EAGAIN);
}

static void check_shutdown(uint32_t how)
{
	struct broadcast b = broadcast_of(0, 0, 0, 3);
	struct waiter w[4];
	int i;

	for (i = 0; i < 4; i++)
		start(&w[i], b.r[i % 3], i == 3 ? IPCX_RECV_PEEK : 0, 8);
	CHECK_OK(ipcx_shutdown(how == IPCX_SHUT_SEND ? b.w : b.r[0], how));
	for (i = 0; i < 4; i++)
		CHECK_EQ(thread_join(&w[i].t), EPIPE);
	CHECK_EQ(stat_of(b.w).nr_receivers, 0);
	close_broadcast(&b);
}

TEST(shutdown_wakes_all)
{
	check_shutdown(IPCX_SHUT_SEND);
	check_shutdown(IPCX_SHUT_RECV);
}

/* Receivers in other processes, with subscriptions of their own through a name. */
static int subscribe_and_receive(void *arg)
{
	int fd = CHECK_OK(ipcx_open("broadcast-waiting", IPCX_KIND_QUEUE, IPCX_READ, 0)), i;

	(void)arg;
	for (i = 0; i < 10; i++) {
		uint64_t value;

		CHECK_OK(recv_until(fd, ANY, 0, IPCX_FOREVER, &value));
		CHECK_EQ(value, i);
	}
	return 0;
}

TEST(other_processes)
{
	struct ipcx_options options = { .flags = IPCX_QUEUE_BROADCAST | IPCX_CREATE_EXCL, .mode = 0600,
					.rights = IPCX_WRITE };
	int w = CHECK_OK(ipcx_queue_create("broadcast-waiting", NULL, &options)), i;
	pid_t pids[4];

	for (i = 0; i < 4; i++)
		pids[i] = spawn(subscribe_and_receive, NULL);
	CHECK_SOON(stat_of(w).nr_subscribers == 4);
	for (i = 0; i < 10; i++)
		CHECK_OK(send_value(w, 1, 0, i));
	for (i = 0; i < 4; i++)
		CHECK_EXITS(pids[i], 0);
	CHECK_EQ(stat_of(w).nr_subscribers, 0);
	CHECK_EQ(stat_of(w).received, 40);
	CHECK_OK(ipcx_unlink("broadcast-waiting"));
}
