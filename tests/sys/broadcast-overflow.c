// SPDX-License-Identifier: GPL-2.0
/*
 * Broadcast queues with a subscriber that is too slow: the sender waits for it, it loses its oldest messages and is
 * told how many, or it is disconnected.  If this fails, memory is not bounded, a quick subscriber pays for a slow
 * one, or a loss is not told.
 */
#include <signal.h>
#include <sys/mman.h>

#include "broadcast-test.h"

/* A pointer to nothing. */
static void *volatile bad_ptr = (void *)8;

/* ---- block ---- */

TEST(block_the_slowest_counts)
{
	struct broadcast b = broadcast_of(3, 0, IPCX_OVERFLOW_BLOCK, 2);
	int value;

	for (value = 0; value < 3; value++)
		CHECK_SEND(&b, value);
	CHECK_ERR(send_value(b.w, 1, 0, 3), EAGAIN);
	CHECK_RECV(b.r[0], ANY, 0);
	CHECK_ERR(send_value(b.w, 1, 0, 3), EAGAIN);
	CHECK_RECV(b.r[1], ANY, 0);
	CHECK_SEND(&b, 3);
	CHECK_ERR(send_value(b.w, 1, 0, 4), EAGAIN);
	for (value = 1; value < 4; value++)
		CHECK_RECV(b.r[0], ANY, value);
	for (value = 1; value < 4; value++)
		CHECK_RECV(b.r[1], ANY, value);
	CHECK_EQ(stat_of(b.w).dropped, 0);
}

TEST(block_bytes_count)
{
	struct broadcast b = broadcast_of(0, 100, IPCX_OVERFLOW_BLOCK, 1);
	char buf[100];

	CHECK_EQ(CHECK_SYS(write(b.w, buf, 60)), 60);
	CHECK_EQ(poll_events(b.w), POLLOUT);
	CHECK_ERR(ipcx_queue_send_msg(b.w, &(struct ipcx_msg){ (uintptr_t)buf, 41, 1, 0, 0, 0, 0, 0 }, NO_WAIT),
		  EAGAIN);
	CHECK_EQ(CHECK_SYS(write(b.w, buf, 40)), 40);
	CHECK_EQ(poll_events(b.w), 0);
	CHECK_EQ(stat_of(b.w).bytes, 100);
	CHECK_EQ(CHECK_SYS(read(b.r[0], buf, 100)), 60);
	CHECK_EQ(stat_of(b.w).bytes, 40);
	CHECK_EQ(poll_events(b.w), POLLOUT);
}

struct sender {
	struct test_thread t;
	int fd;
	uint64_t value, timeout;
};

static int transmit(void *arg)
{
	struct sender *s = arg;
	struct ipcx_msg msg = ipcx_msg(&s->value, 8);

	return -ipcx_queue_send_msg(s->fd, &msg, 0, s->timeout);
}

static void start_sender(struct sender *s, int fd, uint64_t value)
{
	uint32_t nr = stat_of(fd).nr_senders;

	*s = (struct sender){ .fd = fd, .value = value, .timeout = IPCX_FOREVER };
	thread_start(&s->t, transmit, s);
	CHECK_SOON(stat_of(fd).nr_senders == nr + 1);
}

/* A queue whose only place is taken, with two subscribers and three senders that wait in line. */
static struct broadcast full_with(struct sender *s)
{
	struct broadcast b = broadcast_of(1, 0, IPCX_OVERFLOW_BLOCK, 2);
	int i;

	CHECK_SEND(&b, 0);
	for (i = 0; i < 3; i++)
		start_sender(&s[i], b.w, i + 1);
	return b;
}

TEST(block_senders_come_in_in_line)
{
	struct sender s[3];
	struct broadcast b = full_with(s);
	int i;

	CHECK_ERR(send_value(b.w, 1, 0, 4), EAGAIN);
	CHECK_EQ(poll_events(b.w), 0);
	for (i = 0; i < 4; i++) {
		CHECK_RECV(b.r[0], ANY, i);
		CHECK_NONE(b.r[0], ANY);
		CHECK_RECV(b.r[1], ANY, i);
		if (i < 3)
			CHECK_EQ(thread_join(&s[i].t), 0);
	}
	CHECK_EQ(stat_of(b.w).nr_senders, 0);
	CHECK_EQ(stat_of(b.w).sent, 4);
}

TEST(block_the_slowest_goes)
{
	struct sender s[3];
	struct broadcast b = full_with(s);

	CHECK_RECV(b.r[0], ANY, 0);
	CHECK_EQ(stat_of(b.w).nr_senders, 3);
	CHECK_SYS(close(b.r[1]));
	CHECK_EQ(thread_join(&s[0].t), 0);
	CHECK_RECV(b.r[0], ANY, 1);
	CHECK_EQ(thread_join(&s[1].t), 0);
	/* nobody is left: nothing is in the way any more */
	CHECK_SYS(close(b.r[0]));
	CHECK_EQ(thread_join(&s[2].t), 0);
	CHECK_EQ(stat_of(b.w).sent, 4);
	CHECK_EQ(stat_of(b.w).nr_msgs, 0);
}

static int hang(void *arg)
{
	(void)arg;
	pause();
	return 1;
}

TEST(block_the_slowest_is_killed)
{
	struct broadcast b = broadcast_of(1, 0, IPCX_OVERFLOW_BLOCK, 2);
	struct sender s;
	pid_t pid;

	pid = spawn(hang, NULL);
	CHECK_SYS(close(b.r[1]));
	CHECK_SEND(&b, 0);
	CHECK_RECV(b.r[0], ANY, 0);
	start_sender(&s, b.w, 1);
	CHECK_SYS(kill(pid, SIGKILL));
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_EQ(thread_join(&s.t), 0);
	CHECK_RECV(b.r[0], ANY, 1);
}

TEST(block_purge_makes_room)
{
	struct sender s[3];
	struct broadcast b = full_with(s);

	CHECK_EQ(ipcx_queue_purge(b.r[0], NULL), 1);
	CHECK_EQ(ipcx_queue_purge(b.r[1], NULL), 1);
	CHECK_EQ(thread_join(&s[0].t), 0);
	CHECK_RECV(b.r[0], ANY, 1);
	CHECK_RECV(b.r[1], ANY, 1);
	CHECK_EQ(thread_join(&s[1].t), 0);
	CHECK_OK(ipcx_shutdown(b.w, IPCX_SHUT_SEND));
	CHECK_EQ(thread_join(&s[2].t), EPIPE);
	CHECK_RECV(b.r[0], ANY, 2);
	CHECK_RECV(b.r[1], ANY, 2);
}

static void nothing(int sig)
{
	(void)sig;
}

TEST(block_senders_give_up)
{
	struct broadcast b = broadcast_of(0, 100, IPCX_OVERFLOW_BLOCK, 1);
	struct sigaction sa = { .sa_handler = nothing };
	struct sender large, small;
	static char buf[100];
	uint64_t value = 5;
	pid_t pid;

	CHECK_SYS(sigaction(SIGUSR1, &sa, NULL));
	CHECK_EQ(CHECK_SYS(write(b.w, buf, 96)), 96);
	CHECK_ERR(ipcx_queue_send_msg(b.w, &(struct ipcx_msg){ (uintptr_t)&value, 8, 1, 0, 0, 0, 0, 0 }, 0,
				      ipcx_after_ms(5)), ETIMEDOUT);
	CHECK_EQ(stat_of(b.w).nr_senders, 0);
	start_sender(&large, b.w, 1);
	/* it is in the way of one that would fit, until it gives up */
	CHECK_ERR(ipcx_queue_send_msg(b.w, &(struct ipcx_msg){ (uintptr_t)buf, 4, 1, 0, 0, 0, 0, 0 }, NO_WAIT),
		  EAGAIN);
	start_sender(&small, b.w, 2);
	pthread_kill(large.t.thread, SIGUSR1);
	CHECK_EQ(thread_join(&large.t), EINTR);
	CHECK_EQ(stat_of(b.w).nr_senders, 1);
	pid = spawn(transmit, &(struct sender){ .fd = b.w, .value = 3, .timeout = IPCX_FOREVER });
	CHECK_SOON(stat_of(b.w).nr_senders == 2);
	CHECK_SYS(kill(pid, SIGKILL));
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_EQ(stat_of(b.w).nr_senders, 1);
	CHECK_EQ(CHECK_SYS(read(b.r[0], buf, 100)), 96);
	CHECK_EQ(thread_join(&small.t), 0);
	CHECK_RECV(b.r[0], ANY, 2);
	CHECK_NONE(b.r[0], ANY);
}

/* ---- drop ---- */

TEST(drop_tells_how_many_were_lost)
{
	struct broadcast b = broadcast_of(4, 0, IPCX_OVERFLOW_DROP, 2);
	int value;

	for (value = 0; value < 10; value++) {
		CHECK_SEND(&b, value);
		CHECK_RECV_LOST(b.r[0], value, 0);
	}
	CHECK_EQ(stat_of(b.w).nr_msgs, 4);
	CHECK_EQ(stat_of(b.w).dropped, 6);
	CHECK_RECV_LOST(b.r[1], 6, 6);
	CHECK_RECV_LOST(b.r[1], 7, 0);
	for (value = 10; value < 20; value++)
		CHECK_SEND(&b, value);
	/* both: one had two left, and both lose six of the ten */
	CHECK_EQ(stat_of(b.w).dropped, 6 + 6 + 8);
	CHECK_RECV_LOST(b.r[1], 16, 8);
	CHECK_RECV_LOST(b.r[0], 16, 6);
	for (value = 17; value < 20; value++) {
		CHECK_RECV_LOST(b.r[0], value, 0);
		CHECK_RECV_LOST(b.r[1], value, 0);
	}
	CHECK_NONE(b.r[0], ANY);
	CHECK_NONE(b.r[1], ANY);
	CHECK_EQ(stat_of(b.w).nr_msgs, 0);
	CHECK_EQ(stat_of(b.w).received, 2 * 20 - stat_of(b.w).dropped);
}

TEST(drop_one_large_for_many_small)
{
	struct broadcast b = broadcast_of(1000, 4000, IPCX_OVERFLOW_DROP, 1);
	static char buf[4000];
	struct ipcx_msg msg = ipcx_msg(buf, 4000);
	int value;

	for (value = 0; value < 500; value++)
		CHECK_SEND(&b, value);
	CHECK_EQ(stat_of(b.w).dropped, 0);
	CHECK_OK(ipcx_queue_send_msg(b.w, &msg, NO_WAIT));
	CHECK_EQ(stat_of(b.w).nr_msgs, 1);
	CHECK_EQ(stat_of(b.w).bytes, 4000);
	CHECK_EQ(stat_of(b.w).dropped, 500);
	CHECK_SEND(&b, 1);
	CHECK_EQ(stat_of(b.w).nr_msgs, 1);
	CHECK_RECV_LOST(b.r[0], 1, 501);
}

TEST(drop_the_sender_never_waits)
{
	struct broadcast b = broadcast_of(1, 0, IPCX_OVERFLOW_DROP, 1);
	uint64_t value = 7;

	CHECK_OK(ipcx_queue_send(b.w, &value, 8));
	CHECK_EQ(poll_events(b.w), POLLOUT);
	value = 8;
	CHECK_OK(ipcx_queue_send(b.w, &value, 8));
	CHECK_RECV_LOST(b.r[0], 8, 1);
}

TEST(drop_a_loss_is_told_once_and_not_forgotten)
{
	struct broadcast b = broadcast_of(2, 0, IPCX_OVERFLOW_DROP, 1);
	struct ipcx_msg msgs[3];
	uint64_t value, values[3];
	int i;

	for (i = 0; i < 4; i++)
		CHECK_SEND(&b, i);
	/* a look does not take it */
	for (i = 0; i < 2; i++) {
		msgs[0] = ipcx_msg(&value, 8);
		CHECK_OK(ipcx_queue_recv_msg(b.r[0], &msgs[0], NULL, IPCX_NOWAIT | IPCX_RECV_PEEK, 0));
		CHECK_EQ(msgs[0].flags, IPCX_MSG_LOST);
		CHECK_EQ(msgs[0].priority, 2);
	}
	/* nor does a copy that fails */
	msgs[0] = ipcx_msg(bad_ptr, 8);
	CHECK_ERR(ipcx_queue_recv_msg(b.r[0], &msgs[0], NULL, NO_WAIT), EFAULT);
	/* what was given back is not dropped: it is in nobody's way */
	CHECK_SEND(&b, 4);
	CHECK_SEND(&b, 5);
	for (i = 0; i < 3; i++)
		msgs[i] = ipcx_msg(&values[i], 8);
	CHECK_EQ(ipcx_queue_recvv(b.r[0], msgs, 3, NULL, NO_WAIT), 3);
	CHECK_EQ(values[0], 2);
	CHECK_EQ(msgs[0].flags, IPCX_MSG_LOST);
	CHECK_EQ(msgs[0].priority, 2);
	CHECK_EQ(values[1], 4);
	CHECK_EQ(msgs[1].flags, IPCX_MSG_LOST);
	CHECK_EQ(msgs[1].priority, 1);
	CHECK_EQ(values[2], 5);
	CHECK_EQ(msgs[2].flags, 0);
	CHECK_EQ(msgs[2].priority, 0);
	/* too small a buffer, and a cut message */
	for (i = 6; i < 10; i++)
		CHECK_SEND(&b, i);
	msgs[0] = ipcx_msg(&value, 4);
	CHECK_ERR(ipcx_queue_recv_msg(b.r[0], &msgs[0], NULL, NO_WAIT), EMSGSIZE);
	msgs[0] = ipcx_msg(&value, 4);
	CHECK_OK(ipcx_queue_recv_msg(b.r[0], &msgs[0], NULL, IPCX_NOWAIT | IPCX_RECV_TRUNCATE, 0));
	CHECK_EQ(msgs[0].flags, IPCX_MSG_LOST | IPCX_MSG_TRUNCATED);
	CHECK_EQ(msgs[0].priority, 2);
	/* purge takes what is there; the loss before it is still told */
	for (i = 10; i < 14; i++)
		CHECK_SEND(&b, i);
	CHECK_EQ(ipcx_queue_purge(b.r[0], NULL), 2);
	CHECK_SEND(&b, 14);
	CHECK_RECV_LOST(b.r[0], 14, 3);
}

TEST(drop_lapped_subscribers_come_and_go)
{
	uint64_t before = user_charged();
	struct broadcast b = broadcast_of(8, 0, IPCX_OVERFLOW_DROP, 16);
	uint64_t value;
	int i;

	for (i = 0; i < 1000; i++) {
		CHECK_SEND(&b, i);
		if (i % 37 == 0) {
			int n = i / 37 % 16;

			CHECK_SYS(close(b.r[n]));
			CHECK_SEND(&b, i);
			b.r[n] = CHECK_OK(ipcx_restrict(b.r[(n + 1) % 16], IPCX_READ));
			continue;
		}
		if (i % 11 == 0) {
			CHECK_OK(recv_value(b.r[i % 16], ANY, &value));
			/* no older than what the limit allows */
			CHECK_GE(value + 8, i);
		}
		CHECK_LE(stat_of(b.w).nr_msgs, 8);
	}
	for (i = 0; i < 16; i++)
		while (!recv_value(b.r[i], ANY, &value))
			continue;
	CHECK_EQ(stat_of(b.w).nr_msgs, 0);
	close_broadcast(&b);
	CHECK_LE(user_charged(), before);
}

TEST(drop_with_only_lapped_subscribers)
{
	struct broadcast b = broadcast_of(2, 0, IPCX_OVERFLOW_DROP, 3);
	int i;

	for (i = 0; i < 10; i++)
		CHECK_SEND(&b, i);
	CHECK_SYS(close(b.r[2]));
	CHECK_EQ(stat_of(b.w).nr_msgs, 2);
	CHECK_RECV_LOST(b.r[0], 8, 8);
	CHECK_EQ(stat_of(b.w).nr_msgs, 2);
	CHECK_SYS(close(b.r[1]));
	CHECK_EQ(stat_of(b.w).nr_msgs, 1);
	CHECK_RECV_LOST(b.r[0], 9, 0);
}

/* ---- disconnect ---- */

TEST(disconnect_is_for_ever)
{
	struct broadcast b = broadcast_of(3, 0, IPCX_OVERFLOW_DISCONNECT, 3);
	struct ipcx_msg msg;
	uint64_t value;
	int i, len;

	for (i = 0; i < 4; i++) {
		CHECK_SEND(&b, i);
		CHECK_RECV(b.r[0], ANY, i);
		if (i == 1)
			CHECK_RECV(b.r[2], ANY, 0);
	}
	/* one was too slow, another just quick enough */
	CHECK_EQ(stat_of(b.w).nr_subscribers, 2);
	CHECK_EQ(stat_of(b.w).dropped, 3);
	for (i = 0; i < 2; i++) {
		CHECK_ERR(recv_value(b.r[1], ANY, &value), ECONNRESET);
		CHECK_ERR(recv_until(b.r[1], ANY, 0, IPCX_FOREVER, &value), ECONNRESET);
		CHECK_ERR(recv_until(b.r[1], ANY, IPCX_RECV_PEEK, IPCX_FOREVER, &value), ECONNRESET);
		msg = ipcx_msg(&value, 8);
		CHECK_ERR(ipcx_queue_recvv(b.r[1], &msg, 1, NULL, NO_WAIT), ECONNRESET);
		CHECK_SYS_ERR(read(b.r[1], &value, 8), ECONNRESET);
		CHECK_ERR(ipcx_queue_purge(b.r[1], NULL), ECONNRESET);
		CHECK_SYS(ioctl(b.r[1], FIONREAD, &len));
		CHECK_EQ(len, 0);
		CHECK_EQ(poll_events(b.r[1]), POLLHUP | POLLERR | POLLIN | POLLOUT);
		CHECK_RECV(b.r[2], ANY, 1 + i);
		CHECK_SEND(&b, 4 + i);
		CHECK_RECV(b.r[0], ANY, 4 + i);
	}
	CHECK_EQ(poll_events(b.r[0]), POLLOUT);
	/* another subscription is possible through it */
	i = CHECK_OK(ipcx_restrict(b.r[1], IPCX_READ));
	CHECK_RECV(b.r[2], ANY, 3);
	CHECK_SEND(&b, 6);
	CHECK_RECV(i, ANY, 6);
	CHECK_SYS(close(b.r[1]));
	for (i = 4; i < 7; i++)
		CHECK_RECV(b.r[2], ANY, i);
	CHECK_EQ(stat_of(b.w).nr_subscribers, 3);
}

TEST(disconnect_frees_the_backlog)
{
	struct broadcast b = broadcast_of(2000, 0, IPCX_OVERFLOW_DISCONNECT, 2);
	uint64_t before, full;
	int i;

	CHECK_SEND(&b, 0);
	CHECK_RECV(b.r[0], ANY, 0);
	before = charged(b.w);
	for (i = 1; i < 2000; i++) {
		CHECK_SEND(&b, i);
		CHECK_RECV(b.r[0], ANY, i);
	}
	full = charged(b.w);
	CHECK_GT(full, before + 2000 * 100);
	CHECK_SEND(&b, 2000);
	CHECK_EQ(stat_of(b.w).nr_msgs, 1);
	/* but for what the queue keeps to use again */
	CHECK_LE(charged(b.w), before + 65536);
	CHECK_RECV(b.r[0], ANY, 2000);
}

TEST(disconnect_everybody)
{
	struct broadcast b = broadcast_of(500, 0, IPCX_OVERFLOW_DISCONNECT, 4);
	uint64_t value;
	int i;

	for (i = 0; i < 501; i++)
		CHECK_SEND(&b, i);
	CHECK_EQ(stat_of(b.w).nr_subscribers, 0);
	CHECK_EQ(stat_of(b.w).nr_msgs, 0);
	CHECK_EQ(stat_of(b.w).dropped, 4 * 500);
	for (i = 0; i < 4; i++)
		CHECK_ERR(recv_value(b.r[i], ANY, &value), ECONNRESET);
	CHECK_SEND(&b, 1);
	close_broadcast(&b);
}

TEST(disconnect_and_given_back)
{
	uint64_t before = user_charged(), value;
	struct broadcast b = broadcast_of(2, 0, IPCX_OVERFLOW_DISCONNECT, 2);
	int i;

	CHECK_SEND(&b, 0);
	CHECK_SYS_ERR(read(b.r[0], bad_ptr, 8), EFAULT);
	CHECK_RECV(b.r[1], ANY, 0);
	for (i = 1; i < 4; i++) {
		CHECK_SEND(&b, i);
		CHECK_RECV(b.r[1], ANY, i);
	}
	CHECK_ERR(recv_value(b.r[0], ANY, &value), ECONNRESET);
	close_broadcast(&b);
	CHECK_LE(user_charged(), before);
}

static int send_too_many(void *arg)
{
	struct broadcast *b = arg;

	CHECK_BLOCKS(getppid());
	CHECK_SEND(b, 1);
	CHECK_SEND(b, 2);
	return 0;
}

TEST(disconnect_tells_pollers)
{
	struct broadcast b = broadcast_of(1, 0, IPCX_OVERFLOW_DISCONNECT, 1);
	struct pollfd p = { .fd = b.r[0] };
	pid_t pid = spawn(send_too_many, &b);

	CHECK_EQ(poll(&p, 1, TEST_SOON_MS), 1);
	CHECK_EQ(p.revents, POLLHUP | POLLERR);
	CHECK_EXITS(pid, 0);
}
