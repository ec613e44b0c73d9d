// SPDX-License-Identifier: GPL-2.0
/*
 * Broadcast queues: every subscriber receives every message once, in order, from its subscription on.  If this
 * fails, somebody misses a message, sees one twice, or receives what was not for it.
 */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "broadcast-test.h"

/* A pointer to nothing. */
static void *volatile bad_ptr = (void *)8;

TEST(everybody_receives_everything_in_order)
{
	struct broadcast b = broadcast_of(0, 0, 0, 16);
	int i, value;

	for (value = 0; value < 100; value++)
		CHECK_SEND(&b, value);
	CHECK_EQ(stat_of(b.w).nr_msgs, 100);
	CHECK_EQ(stat_of(b.w).nr_subscribers, 16);
	for (i = 0; i < 16; i++) {
		for (value = 0; value < 100; value++)
			CHECK_RECV(b.r[i], ANY, value);
		CHECK_NONE(b.r[i], ANY);
	}
	CHECK_EQ(stat_of(b.w).nr_msgs, 0);
	CHECK_EQ(stat_of(b.w).bytes, 0);
	CHECK_EQ(stat_of(b.w).sent, 100);
	CHECK_EQ(stat_of(b.w).received, 1600);
	CHECK_EQ(stat_of(b.w).dropped, 0);
}

TEST(in_turns)
{
	struct broadcast b = broadcast_of(0, 0, 0, 3);
	int value;

	for (value = 0; value < 100; value++) {
		CHECK_SEND(&b, value);
		CHECK_RECV(b.r[0], ANY, value);
		if (value)
			CHECK_RECV(b.r[1], ANY, value - 1);
		CHECK_EQ(stat_of(b.w).nr_msgs, value + 1);
	}
	for (value = 0; value < 100; value++)
		CHECK_RECV(b.r[2], ANY, value);
	CHECK_EQ(stat_of(b.w).nr_msgs, 1);
	CHECK_RECV(b.r[1], ANY, 99);
	CHECK_EQ(stat_of(b.w).nr_msgs, 0);
}

TEST(a_subscriber_receives_from_its_subscription_on)
{
	struct broadcast b = broadcast_of(0, 0, 0, 1);
	int late;

	CHECK_SEND(&b, 1);
	late = subscribe(&b);
	CHECK_NONE(late, ANY);
	CHECK_SEND(&b, 2);
	CHECK_RECV(late, ANY, 2);
	CHECK_NONE(late, ANY);
	CHECK_RECV(b.r[0], ANY, 1);
	CHECK_RECV(b.r[0], ANY, 2);
	CHECK_NONE(b.r[0], ANY);
}

TEST(dup_and_fork_share_one_subscription)
{
	struct broadcast b = broadcast_of(0, 0, 0, 1);
	int again = CHECK_SYS(dup(b.r[0]));
	pid_t pid;

	CHECK_EQ(stat_of(b.w).nr_subscribers, 1);
	CHECK_SEND(&b, 1);
	CHECK_SEND(&b, 2);
	CHECK_SEND(&b, 3);
	CHECK_RECV(again, ANY, 1);
	fflush(NULL);
	pid = CHECK_SYS(fork());
	if (!pid) {
		CHECK_RECV(b.r[0], ANY, 2);
		_exit(0);
	}
	CHECK_EXITS(pid, 0);
	/* and it ends with its last descriptor */
	CHECK_SYS(close(again));
	CHECK_RECV(b.r[0], ANY, 3);
	CHECK_EQ(stat_of(b.w).nr_subscribers, 1);
}

TEST(who_is_a_subscriber)
{
	int fd = CHECK_OK(create_broadcast(0, 0, 0)), w, r, rw, look;

	CHECK_EQ(stat_of(fd).nr_subscribers, 1);
	w = CHECK_OK(ipcx_restrict(fd, IPCX_WRITE));
	CHECK_EQ(stat_of(w).nr_subscribers, 1);
	r = CHECK_OK(ipcx_restrict(fd, IPCX_READ));
	rw = CHECK_OK(ipcx_restrict(fd, IPCX_READ | IPCX_WRITE));
	CHECK_EQ(stat_of(w).nr_subscribers, 3);
	CHECK_OK(send_value(rw, 1, 0, 7));
	CHECK_RECV(fd, ANY, 7);
	CHECK_RECV(r, ANY, 7);
	CHECK_RECV(rw, ANY, 7);
	CHECK_SYS(close(r));
	CHECK_SYS(close(rw));
	CHECK_SYS(close(fd));
	CHECK_EQ(stat_of(w).nr_subscribers, 0);
	CHECK_ERR(ipcx_queue_purge(w, NULL), EACCES);

	CHECK_SYS(close(w));
	fd = CHECK_OK(ipcx_queue_create("broadcast-look", NULL,
					&(struct ipcx_options){ .flags = IPCX_QUEUE_BROADCAST,
								.rights = IPCX_WRITE }));
	look = CHECK_OK(ipcx_open("broadcast-look", IPCX_KIND_QUEUE, 0, IPCX_OPEN_LOOK));
	CHECK_EQ(stat_of(look).nr_subscribers, 0);
	CHECK_EQ(poll_events(look), POLLOUT);
	r = CHECK_OK(ipcx_open("broadcast-look", IPCX_KIND_QUEUE, IPCX_READ, 0));
	CHECK_EQ(stat_of(look).nr_subscribers, 1);
	/* what a name stands for is opened as it is */
	rw = CHECK_OK(ipcx_queue_create("broadcast-look", NULL, NULL));
	CHECK_EQ(stat_of(look).nr_subscribers, 2);
	CHECK_OK(ipcx_unlink("broadcast-look"));
}

TEST(without_subscribers_messages_go)
{
	struct broadcast b = broadcast_of(2, 0, 0, 1);
	int value;

	CHECK_SEND(&b, 1);
	CHECK_SYS(close(b.r[0]));
	CHECK_EQ(stat_of(b.w).nr_msgs, 0);
	for (value = 0; value < 10; value++)
		CHECK_SEND(&b, value);
	CHECK_EQ(stat_of(b.w).sent, 11);
	CHECK_EQ(stat_of(b.w).nr_msgs, 0);
	CHECK_EQ(stat_of(b.w).received, 0);
}

TEST(messages_are_described)
{
	struct broadcast b = broadcast_of(0, 0, 0, 2);
	unsigned char in[9000], out[9000];
	struct ipcx_msg msg;
	int i;

	fill(in, sizeof(in), 1);
	msg = msg_of(in, sizeof(in), 77, 0);
	CHECK_OK(ipcx_queue_send_msg(b.w, &msg, NO_WAIT));
	for (i = 0; i < 2; i++) {
		POISON(out);
		msg = ipcx_msg(out, sizeof(out));
		CHECK_OK(ipcx_queue_recv_msg(b.r[i], &msg, NULL, NO_WAIT));
		CHECK_EQ(msg.len, sizeof(in));
		CHECK_EQ(msg.type, 77);
		CHECK_EQ(msg.priority, 0);
		CHECK_EQ(msg.flags, 0);
		CHECK_EQ(msg.pid, getpid());
		CHECK_EQ(msg.uid, geteuid());
		CHECK_EQ(msg.gid, getegid());
		CHECK_MEM(in, out, sizeof(in));
	}
}

TEST(modes_are_told)
{
	struct ipcx_query query;
	struct ipcx_stat stat;

	CHECK_OK(ipcx_query(&query));
	CHECK(query.features & IPCX_FEATURE_BROADCAST);
	CHECK_OK(ipcx_stat(CHECK_OK(create_broadcast(0, 0, 0)), &stat));
	CHECK_EQ(stat.state, IPCX_OBJECT_BROADCAST);
	CHECK_EQ(stat.kind, IPCX_KIND_QUEUE);
}

TEST(what_a_broadcast_queue_is_not_for)
{
	int fd = CHECK_OK(create_broadcast(0, 0, 0)), plain = make_queue(0, 0, 0);
	struct ipcx_options both = { .flags = IPCX_QUEUE_BROADCAST | IPCX_QUEUE_LATEST };
	struct ipcx_queue_limits drop = { .overflow = IPCX_OVERFLOW_DROP };
	struct ipcx_msg msg = msg_of("x", 1, 1, 1);
	struct ipcx_queue_send_fds send_fds = { .send = { sizeof(send_fds), IPCX_NOWAIT, 0, msg_of("x", 1, 1, 0) } };
	struct ipcx_queue_recv_fds recv_fds = { .recv = { .size = sizeof(recv_fds), .flags = IPCX_NOWAIT } };
	struct ipcx_select five = TYPE(5);
	uint64_t value, served = 0;

	CHECK_ERR(ipcx_queue_create(NULL, NULL, &both), EOPNOTSUPP);
	CHECK_ERR(ipcx_queue_create(NULL, &drop, NULL), EINVAL);
	CHECK_ERR(create_broadcast(0, 0, IPCX_OVERFLOW_DISCONNECT + 1), EINVAL);
	both.flags = IPCX_QUEUE_BROADCAST;
	CHECK_ERR(ipcx_sem_create(NULL, 0, 1, &both), EOPNOTSUPP);

	CHECK_ERR(ipcx_queue_send_msg(fd, &msg, NO_WAIT), EOPNOTSUPP);
	CHECK_ERR(ipcx_queue_sendv(fd, &msg, 1, NO_WAIT), EOPNOTSUPP);
	msg.priority = IPCX_PRIORITY_MAX + 1;
	CHECK_ERR(ipcx_queue_send_msg(fd, &msg, NO_WAIT), EINVAL);
	CHECK_OK(send_value(fd, 5, 0, 5));
	CHECK_ERR(recv_value(fd, TYPE(5), &value), EOPNOTSUPP);
	CHECK_ERR(recv_value(fd, LOWEST(5), &value), EOPNOTSUPP);
	CHECK_ERR(recv_value(fd, EXCEPT(4), &value), EOPNOTSUPP);
	msg = ipcx_msg(&value, 8);
	CHECK_ERR(ipcx_queue_recvv(fd, &msg, 1, &five, NO_WAIT), EOPNOTSUPP);
	CHECK_ERR(ipcx_queue_recvv(fd, &msg, 1, NULL, IPCX_NOWAIT | IPCX_RECV_PEEK, 0), EOPNOTSUPP);
	CHECK_ERR(ipcx_queue_purge(fd, &five), EOPNOTSUPP);
	CHECK_ERR(ipcx_queue_call(fd, &msg, &msg, 0, 0), EOPNOTSUPP);
	CHECK_ERR(ipcx_queue_serve(fd, &served, NULL, &msg, NO_WAIT), EOPNOTSUPP);
	send_fds.fds = (uintptr_t)&plain;
	send_fds.nr_fds = 1;
	CHECK_ERR(call(fd, IPCX_QUEUE_SEND_FDS, &send_fds), EOPNOTSUPP);
	CHECK_ERR(call(fd, IPCX_QUEUE_RECV_FDS, &recv_fds), EOPNOTSUPP);
	CHECK_ERR(ipcx_queue_tap(fd, NULL), EOPNOTSUPP);
	CHECK_ERR(call(fd, IPCX_SEM_POST, &recv_fds), ENOTTY);
	CHECK_RECV(fd, ANY, 5);
	CHECK_NONE(fd, ANY);
}

TEST(rights)
{
	struct broadcast b = broadcast_of(0, 0, 0, 1);
	struct ipcx_msg msg = ipcx_msg("x", 1);
	uint64_t value;

	CHECK_ERR(recv_value(b.w, ANY, &value), EACCES);
	CHECK_ERR(ipcx_queue_recvv(b.w, &msg, 1, NULL, NO_WAIT), EACCES);
	CHECK_ERR(send_value(b.r[0], 1, 0, 1), EACCES);
	CHECK_ERR(ipcx_queue_sendv(b.r[0], &msg, 1, NO_WAIT), EACCES);
	CHECK_SYS_ERR(read(b.w, &value, 8), EBADF);
	CHECK_SYS_ERR(write(b.r[0], &value, 8), EBADF);
}

TEST(too_small_a_buffer)
{
	struct broadcast b = broadcast_of(0, 0, 0, 2);
	uint64_t big[2] = { 1, 2 }, value;
	struct ipcx_msg msg = ipcx_msg(big, sizeof(big));

	CHECK_OK(ipcx_queue_send_msg(b.w, &msg, NO_WAIT));
	msg = ipcx_msg(&value, 8);
	CHECK_ERR(ipcx_queue_recv_msg(b.r[0], &msg, NULL, NO_WAIT), EMSGSIZE);
	CHECK_EQ(msg.len, 16);
	msg = ipcx_msg(&value, 8);
	CHECK_ERR(ipcx_queue_recvv(b.r[0], &msg, 1, NULL, NO_WAIT), EMSGSIZE);
	CHECK_EQ(msg.len, 16);
	CHECK_SYS_ERR(read(b.r[0], &value, 8), EMSGSIZE);
	/* it has stayed */
	msg = ipcx_msg(&value, 8);
	CHECK_OK(ipcx_queue_recv_msg(b.r[0], &msg, NULL, IPCX_NOWAIT | IPCX_RECV_TRUNCATE, 0));
	CHECK_EQ(value, 1);
	CHECK_EQ(msg.len, 16);
	CHECK_EQ(msg.flags, IPCX_MSG_TRUNCATED);
	CHECK_NONE(b.r[0], ANY);
	POISON(big);
	msg = ipcx_msg(big, sizeof(big));
	CHECK_OK(ipcx_queue_recv_msg(b.r[1], &msg, NULL, NO_WAIT));
	CHECK_EQ(big[1], 2);
	/* larger than the queue allows */
	msg.len = 1 << 30;
	CHECK_ERR(ipcx_queue_send_msg(b.w, &msg, NO_WAIT), EMSGSIZE);
}

TEST(peeking_leaves_the_message)
{
	struct broadcast b = broadcast_of(0, 0, 0, 2);
	uint64_t value;

	CHECK_SEND(&b, 1);
	CHECK_OK(recv_until(b.r[0], ANY, IPCX_RECV_PEEK | IPCX_NOWAIT, 0, &value));
	CHECK_EQ(value, 1);
	CHECK_OK(recv_until(b.r[0], ANY, IPCX_RECV_PEEK | IPCX_NOWAIT, 0, &value));
	CHECK_EQ(stat_of(b.w).received, 0);
	CHECK_RECV(b.r[0], ANY, 1);
	CHECK_ERR(recv_until(b.r[0], ANY, IPCX_RECV_PEEK | IPCX_NOWAIT, 0, &value), EAGAIN);
	CHECK_RECV(b.r[1], ANY, 1);
}

TEST(many_in_one_call)
{
	struct broadcast b = broadcast_of(0, 0, 0, 2);
	struct ipcx_msg msgs[40];
	uint64_t values[40];
	int i, r;

	for (i = 0; i < 40; i++) {
		values[i] = i;
		msgs[i] = msg_of(&values[i], 8, i + 1, 0);
	}
	CHECK_EQ(ipcx_queue_sendv(b.w, msgs, 40, NO_WAIT), 40);
	for (r = 0; r < 2; r++) {
		POISON(values);
		for (i = 0; i < 40; i++)
			msgs[i] = ipcx_msg(&values[i], 8);
		CHECK_EQ(ipcx_queue_recvv(b.r[r], msgs, 38, NULL, NO_WAIT), 38);
		CHECK_EQ(ipcx_queue_recvv(b.r[r], msgs + 38, 2, NULL, 0, IPCX_FOREVER), 2);
		for (i = 0; i < 40; i++) {
			CHECK_EQ(values[i], i);
			CHECK_EQ(msgs[i].type, i + 1);
			CHECK_EQ(msgs[i].len, 8);
		}
		CHECK_ERR(ipcx_queue_recvv(b.r[r], msgs, 1, NULL, NO_WAIT), EAGAIN);
	}
	CHECK_EQ(stat_of(b.w).nr_msgs, 0);
}

TEST(read_and_write)
{
	struct broadcast b = broadcast_of(0, 0, 0, 2);
	char x[4], y[8];
	struct iovec iov[2] = { { x, 4 }, { y, 8 } };
	int i, len;

	CHECK_EQ(CHECK_SYS(write(b.w, "12345678", 8)), 8);
	CHECK_EQ(CHECK_SYS(writev(b.w, (struct iovec[]){ { "abc", 3 }, { "defg", 4 } }, 2)), 7);
	for (i = 0; i < 2; i++) {
		CHECK_SYS(ioctl(b.r[i], FIONREAD, &len));
		CHECK_EQ(len, 8);
		CHECK_EQ(CHECK_SYS(read(b.r[i], y, 8)), 8);
		CHECK_MEM(y, "12345678", 8);
		CHECK_SYS(ioctl(b.r[i], FIONREAD, &len));
		CHECK_EQ(len, 7);
		CHECK_EQ(CHECK_SYS(readv(b.r[i], iov, 2)), 7);
		CHECK_MEM(x, "abcd", 4);
		CHECK_MEM(y, "efg", 3);
		CHECK_SYS(ioctl(b.r[i], FIONREAD, &len));
		CHECK_EQ(len, 0);
		CHECK_SYS(fcntl(b.r[i], F_SETFL, O_NONBLOCK));
		CHECK_SYS_ERR(read(b.r[i], y, 8), EAGAIN);
	}
	CHECK_SYS_ERR(ioctl(b.r[0], FIONREAD, bad_ptr), EFAULT);
	CHECK_SYS(ioctl(b.w, FIONREAD, &len));
	CHECK_EQ(len, 0);
	CHECK_OK(ipcx_shutdown(b.w, IPCX_SHUT_SEND));
	CHECK_EQ(CHECK_SYS(read(b.r[0], y, 8)), 0);
	CHECK_SYS_ERR(write(b.w, y, 8), EPIPE);
}

TEST(poll_is_per_subscriber)
{
	struct broadcast b = broadcast_of(1, 0, 0, 2);
	struct epoll_event events[2], event = { .events = EPOLLIN | EPOLLET };
	int ep = CHECK_SYS(epoll_create1(0)), i;

	for (i = 0; i < 2; i++) {
		event.data.u32 = i;
		CHECK_SYS(epoll_ctl(ep, EPOLL_CTL_ADD, b.r[i], &event));
	}
	CHECK_EQ(poll_events(b.w), POLLOUT);
	CHECK_EQ(poll_events(b.r[0]), POLLOUT);
	CHECK_EQ(CHECK_SYS(epoll_wait(ep, events, 2, 0)), 0);
	CHECK_SEND(&b, 1);
	CHECK_EQ(CHECK_SYS(epoll_wait(ep, events, 2, TEST_SOON_MS)), 2);
	CHECK_EQ(CHECK_SYS(epoll_wait(ep, events, 2, 0)), 0);
	CHECK_EQ(poll_events(b.w), 0);
	CHECK_EQ(poll_events(b.r[0]), POLLIN);
	CHECK_RECV(b.r[0], ANY, 1);
	CHECK_EQ(poll_events(b.r[0]), 0);
	CHECK_EQ(poll_events(b.r[1]), POLLIN);
	CHECK_EQ(poll_events(b.w), 0);
	CHECK_RECV(b.r[1], ANY, 1);
	CHECK_EQ(poll_events(b.w), POLLOUT);
	CHECK_EQ(poll_events(b.r[1]), POLLOUT);
	CHECK_OK(ipcx_shutdown(b.w, IPCX_SHUT_SEND));
	CHECK_EQ(poll_events(b.r[0]), POLLHUP | POLLIN | POLLOUT);
}

static int send_when_polled(void *arg)
{
	struct broadcast *b = arg;

	CHECK_BLOCKS(getppid());
	CHECK_SEND(b, 1);
	return 0;
}

static int receive_when_polled(void *arg)
{
	struct broadcast *b = arg;

	CHECK_BLOCKS(getppid());
	CHECK_RECV(b->r[0], ANY, 1);
	return 0;
}

TEST(pollers_are_woken)
{
	struct broadcast b = broadcast_of(1, 0, 0, 1);
	struct pollfd p = { .fd = b.r[0], .events = POLLIN };
	pid_t pid = spawn(send_when_polled, &b);

	CHECK_EQ(poll(&p, 1, TEST_SOON_MS), 1);
	CHECK_EXITS(pid, 0);
	p = (struct pollfd){ .fd = b.w, .events = POLLOUT };
	pid = spawn(receive_when_polled, &b);
	CHECK_EQ(poll(&p, 1, TEST_SOON_MS), 1);
	CHECK_EXITS(pid, 0);
}

TEST(purge_is_per_subscriber)
{
	struct broadcast b = broadcast_of(100, 0, 0, 3);
	struct ipcx_queue_purge purge = { .size = sizeof(purge) };
	int value;

	for (value = 0; value < 100; value++)
		CHECK_SEND(&b, value);
	CHECK_RECV(b.r[1], ANY, 0);
	CHECK_ERR(call(b.r[1], IPCX_QUEUE_PURGE, bad_ptr), EFAULT);
	CHECK_OK(call(b.r[1], IPCX_QUEUE_PURGE, &purge));
	CHECK_EQ(purge.nr_msgs, 99);
	CHECK_EQ(purge.bytes, 99 * 8);
	CHECK_NONE(b.r[1], ANY);
	CHECK_EQ(ipcx_queue_purge(b.r[1], NULL), 0);
	CHECK_EQ(stat_of(b.w).nr_msgs, 100);
	CHECK_EQ(ipcx_queue_purge(b.r[2], NULL), 100);
	CHECK_RECV(b.r[0], ANY, 0);
	CHECK_EQ(stat_of(b.w).nr_msgs, 99);
	CHECK_SEND(&b, 100);
	CHECK_EQ(ipcx_queue_purge(b.r[0], NULL), 100);
	CHECK_EQ(stat_of(b.w).nr_msgs, 1);
	CHECK_RECV(b.r[1], ANY, 100);
	CHECK_RECV(b.r[2], ANY, 100);
	CHECK_EQ(stat_of(b.w).nr_msgs, 0);
	CHECK_EQ(stat_of(b.w).purged, 99 + 100 + 100);
	purge.flags = 1;
	CHECK_ERR(call(b.r[1], IPCX_QUEUE_PURGE, &purge), EINVAL);
}

TEST(shutdown)
{
	struct broadcast b = broadcast_of(0, 0, 0, 2);
	uint64_t value;

	CHECK_SEND(&b, 1);
	CHECK_OK(ipcx_shutdown(b.w, IPCX_SHUT_SEND));
	CHECK_ERR(send_value(b.w, 1, 0, 2), EPIPE);
	CHECK_RECV(b.r[0], ANY, 1);
	CHECK_ERR(recv_until(b.r[0], ANY, 0, IPCX_FOREVER, &value), EPIPE);
	CHECK_OK(ipcx_shutdown(b.r[0], IPCX_SHUT_RECV));
	CHECK_ERR(recv_until(b.r[1], ANY, 0, IPCX_FOREVER, &value), EPIPE);
	CHECK_EQ(ipcx_queue_purge(b.r[1], NULL), 1);
}

/* ---- what cannot be copied is not lost, and not received twice ---- */

TEST(a_bad_buffer_gives_the_message_back)
{
	struct broadcast b = broadcast_of(0, 0, 0, 2);
	struct ipcx_msg msg;
	int i;

	for (i = 0; i < 3; i++)
		CHECK_SEND(&b, i);
	for (i = 0; i < 5; i++) {
		msg = ipcx_msg(bad_ptr, 8);
		CHECK_ERR(ipcx_queue_recv_msg(b.r[0], &msg, NULL, NO_WAIT), EFAULT);
		CHECK_SYS_ERR(read(b.r[0], bad_ptr, 8), EFAULT);
		CHECK_ERR(ipcx_queue_recv_msg(b.r[0], &msg, NULL, IPCX_RECV_PEEK | NO_WAIT), EFAULT);
	}
	CHECK_EQ(poll_events(b.r[0]), POLLIN | POLLOUT);
	CHECK_EQ(stat_of(b.w).received, 0);
	/* what comes back is peeked at, truncated and too large as anything else */
	CHECK_ERR(ipcx_queue_recv_msg(b.r[0], &(struct ipcx_msg){ .len = 4 }, NULL, NO_WAIT), EMSGSIZE);
	{
		uint64_t value;

		CHECK_OK(recv_until(b.r[0], ANY, IPCX_RECV_PEEK | IPCX_NOWAIT, 0, &value));
		CHECK_EQ(value, 0);
	}
	CHECK_SYS(ioctl(b.r[0], FIONREAD, &i));
	CHECK_EQ(i, 8);
	for (i = 0; i < 3; i++)
		CHECK_RECV(b.r[0], ANY, i);
	CHECK_NONE(b.r[0], ANY);
	for (i = 0; i < 3; i++)
		CHECK_RECV(b.r[1], ANY, i);
	CHECK_EQ(stat_of(b.w).received, 6);
	CHECK_EQ(stat_of(b.w).nr_msgs, 0);
}

/* The argument can be read, but the description cannot be written to it. */
TEST(a_bad_description_gives_the_message_back)
{
	struct broadcast b = broadcast_of(0, 0, 0, 2);
	struct ipcx_queue_recv *recv = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t value;

	CHECK(recv != MAP_FAILED);
	*recv = (struct ipcx_queue_recv){ sizeof(*recv), IPCX_NOWAIT, 0, ANY, ipcx_msg(&value, 8) };
	recv->msg.type = 0;
	CHECK_SEND(&b, 1);
	CHECK_SYS(mprotect(recv, 4096, PROT_READ));
	CHECK_ERR(call(b.r[0], IPCX_QUEUE_RECV, recv), EFAULT);
	CHECK_RECV(b.r[0], ANY, 1);
	CHECK_NONE(b.r[0], ANY);
	CHECK_RECV(b.r[1], ANY, 1);
}

TEST(a_batch_with_a_bad_buffer)
{
	struct broadcast b = broadcast_of(0, 0, 0, 2);
	uint64_t values[6] = { 0 };
	struct ipcx_msg msgs[6];
	struct ipcx_queue_batch batch = {
		.size = sizeof(batch), .flags = IPCX_NOWAIT, .nr = 1, .msg_size = sizeof(msgs[0]),
	};
	int i;

	for (i = 0; i < 6; i++) {
		CHECK_SEND(&b, i);
		msgs[i] = ipcx_msg(i == 2 ? bad_ptr : &values[i], 8);
	}
	CHECK_EQ(ipcx_queue_recvv(b.r[0], msgs, 6, NULL, NO_WAIT), 2);
	CHECK_EQ(values[1], 1);
	CHECK_ERR(ipcx_queue_recvv(b.r[0], msgs + 2, 1, NULL, NO_WAIT), EFAULT);
	batch.msgs = (uintptr_t)bad_ptr;
	CHECK_ERR(call(b.r[0], IPCX_QUEUE_RECVV, &batch), EFAULT);
	batch.msgs = (uintptr_t)msgs;
	msgs[0].flags = 1u << 31;
	CHECK_ERR(call(b.r[0], IPCX_QUEUE_RECVV, &batch), EINVAL);
	msgs[0] = ipcx_msg(&values[0], 8);
	batch.nr = 0;
	CHECK_ERR(call(b.r[0], IPCX_QUEUE_RECVV, &batch), EINVAL);
	batch.nr = 1;
	batch.msgs = (uintptr_t)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*(struct ipcx_msg *)batch.msgs = msgs[0];
	CHECK_SYS(mprotect((void *)batch.msgs, 4096, PROT_READ));
	CHECK_ERR(call(b.r[0], IPCX_QUEUE_RECVV, &batch), EFAULT);
	/* given back in any order: received in the order of sending */
	for (i = 0; i < 6; i++)
		msgs[i] = ipcx_msg(&values[i], 8);
	CHECK_EQ(ipcx_queue_recvv(b.r[0], msgs, 6, NULL, NO_WAIT), 4);
	for (i = 0; i < 4; i++)
		CHECK_EQ(values[i], i + 2);
	CHECK_NONE(b.r[0], ANY);
	for (i = 0; i < 6; i++)
		CHECK_RECV(b.r[1], ANY, i);
	CHECK_EQ(stat_of(b.w).received, 12);
}

TEST(what_was_given_back_is_purged_and_closed)
{
	struct broadcast b = broadcast_of(0, 0, 0, 3);
	int i;

	CHECK_SEND(&b, 1);
	CHECK_SEND(&b, 2);
	for (i = 0; i < 3; i++)
		CHECK_SYS_ERR(read(b.r[i], bad_ptr, 8), EFAULT);
	CHECK_EQ(ipcx_queue_purge(b.r[0], NULL), 2);
	CHECK_NONE(b.r[0], ANY);
	CHECK_SYS(close(b.r[1]));
	CHECK_RECV(b.r[2], ANY, 1);
	CHECK_RECV(b.r[2], ANY, 2);
}

TEST(a_bad_message_is_not_sent)
{
	struct broadcast b = broadcast_of(0, 0, 0, 1);
	struct ipcx_msg msg = ipcx_msg(bad_ptr, 8);

	CHECK_ERR(ipcx_queue_send_msg(b.w, &msg, NO_WAIT), EFAULT);
	msg = ipcx_msg(bad_ptr, 100000);
	CHECK_ERR(ipcx_queue_send_msg(b.w, &msg, NO_WAIT), EFAULT);
	msg = msg_of("x", 1, 0, 0);
	CHECK_ERR(ipcx_queue_send_msg(b.w, &msg, NO_WAIT), EINVAL);
	CHECK_EQ(stat_of(b.w).sent, 0);
	CHECK_NONE(b.r[0], ANY);
}

/* ---- memory ---- */

TEST(the_payload_is_stored_once)
{
	struct broadcast b = broadcast_of(0, 0, 0, 32);
	static char buf[1 << 20];
	struct ipcx_msg msg = ipcx_msg(buf, sizeof(buf));
	uint64_t before = charged(b.w);
	int i;

	CHECK_OK(ipcx_queue_send_msg(b.w, &msg, NO_WAIT));
	CHECK_GE(charged(b.w), before + sizeof(buf));
	CHECK_LE(charged(b.w), before + sizeof(buf) + 4096);
	for (i = 0; i < 32; i++) {
		CHECK_GE(charged(b.w), before + sizeof(buf));
		CHECK_EQ(CHECK_SYS(read(b.r[i], buf, sizeof(buf))), sizeof(buf));
	}
	CHECK_EQ(charged(b.w), before);
}

TEST(memory_comes_back)
{
	uint64_t before = user_charged(), empty;
	struct broadcast b = broadcast_of(1000, 0, 0, 20);
	static char buf[100000];
	int i, len;

	while (b.nr > 1)
		CHECK_SYS(close(b.r[--b.nr]));
	empty = charged(b.w);
	while (b.nr < 20)
		subscribe(&b);
	for (len = 1; len <= 100000; len += 997)
		CHECK_EQ(CHECK_SYS(write(b.w, buf, len)), len);
	CHECK_GT(charged(b.w), empty + 1000000);
	for (i = 1; i < 20; i++) {
		if (i % 3)
			CHECK_SYS_ERR(read(b.r[i], bad_ptr, sizeof(buf)), EFAULT);
		if (i % 2)
			CHECK_SYS(close(b.r[i]));
		else
			CHECK_OK(ipcx_queue_purge(b.r[i], NULL));
	}
	CHECK_EQ(ipcx_queue_purge(b.r[0], NULL), 101);
	for (i = 2; i < 20; i += 2)
		CHECK_SYS(close(b.r[i]));
	CHECK_EQ(charged(b.w), empty);
	CHECK_SYS(close(b.r[0]));
	CHECK_SYS(close(b.w));
	CHECK_LE(user_charged(), before);
}
