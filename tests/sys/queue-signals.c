// SPDX-License-Identifier: GPL-2.0
/*
 * Signals during a wait: restarted or interrupted as the handler was installed, and death at any
 * time.  If this fails, a program is torn out of a wait that should go on, or a dead one leaves
 * traces in a queue.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "queue-test.h"

static int nr_signals;

static void count(int sig)
{
	(void)sig;
	__atomic_add_fetch(&nr_signals, 1, __ATOMIC_RELAXED);
}

static void install(int flags)
{
	struct sigaction sa = { .sa_handler = count, .sa_flags = flags };

	CHECK_SYS(sigaction(SIGUSR1, &sa, NULL));
}

static uint64_t received, timeout = IPCX_FOREVER;

static int receive(void *arg)
{
	return -recv_until(*(int *)arg, ANY, 0, timeout, &received);
}

static int transmit(void *arg)
{
	uint64_t value = 42;
	struct ipcx_msg msg = ipcx_msg(&value, 8);

	return -ipcx_queue_send_msg(*(int *)arg, &msg, 0, timeout);
}

static int read_one(void *arg)
{
	return read(*(int *)arg, &received, 8) < 0 ? errno : 0;
}

static int write_one(void *arg)
{
	return write(*(int *)arg, "12345678", 8) < 0 ? errno : 0;
}

static bool waits(int q)
{
	struct ipcx_queue_stat s = stat_of(q);

	return s.nr_senders + s.nr_receivers == 1;
}

/* A wait in @fn gets a signal: it ends with EINTR, or is there again afterwards. */
static void interrupt(int (*fn)(void *arg), bool send, bool restart)
{
	int q = make_queue(1, 0, 0), i;
	struct test_thread t;

	if (send)
		CHECK_OK(send_value(q, 1, 0, 1));
	install(restart ? SA_RESTART : 0);
	thread_start(&t, fn, &q);
	CHECK_SOON(waits(q));
	CHECK_BLOCKS(t.tid);
	for (i = 1; restart && i <= 3; i++) {
		nr_signals = 0;
		pthread_kill(t.thread, SIGUSR1);
		CHECK_SOON(__atomic_load_n(&nr_signals, __ATOMIC_RELAXED) == 1);
		CHECK_SOON(waits(q));
		CHECK_BLOCKS(t.tid);
	}
	if (restart) {
		if (send)
			CHECK_RECV(q, ANY, 1);
		else
			CHECK_OK(send_value(q, 1, 0, 7));
		CHECK_EQ(thread_join(&t), 0);
	} else {
		pthread_kill(t.thread, SIGUSR1);
		CHECK_EQ(thread_join(&t), EINTR);
		CHECK_EQ(stat_of(q).nr_msgs, send);
		CHECK_EQ(stat_of(q).sent, send);
	}
	CHECK_EQ(stat_of(q).nr_senders + stat_of(q).nr_receivers, 0);
	close(q);
}

TEST(interrupted)
{
	interrupt(receive, false, false);
	interrupt(transmit, true, false);
	interrupt(read_one, false, false);
	interrupt(write_one, true, false);
}

TEST(restarted)
{
	interrupt(receive, false, true);
	interrupt(transmit, true, true);
	interrupt(read_one, false, true);
	interrupt(write_one, true, true);
}

/* The timeout is absolute: restarts do not make it longer. */
TEST(restarted_until_the_same_time)
{
	int q = make_queue(0, 0, 0);
	struct test_thread t;

	install(SA_RESTART);
	timeout = ipcx_after_ms(600);
	thread_start(&t, receive, &q);
	while (test_now_ns() < timeout + 2000000000ull &&
	       __atomic_load_n(&t.result, __ATOMIC_RELAXED) == 0) {
		pthread_kill(t.thread, SIGUSR1);
		test_pause_ms(20);
		if (test_now_ns() > timeout + 100000000ull)
			break;
	}
	CHECK_EQ(thread_join(&t), ETIMEDOUT);
	CHECK_GE(test_now_ns(), timeout);
	CHECK_GT(nr_signals, 3);
}

static int ignore_and_receive(void *arg)
{
	signal(SIGUSR1, SIG_IGN);
	return receive(arg);
}

/* A stop and a signal that does nothing leave the wait as it is. */
TEST(stopped_and_continued)
{
	int q = make_queue(0, 0, 0);
	pid_t pid = spawn(ignore_and_receive, &q);

	CHECK_SOON(stat_of(q).nr_receivers == 1);
	CHECK_BLOCKS(pid);
	CHECK_SYS(kill(pid, SIGUSR1));
	CHECK_SYS(kill(pid, SIGSTOP));
	CHECK_EQ(waitpid(pid, NULL, WUNTRACED), pid);
	CHECK_SYS(kill(pid, SIGCONT));
	CHECK_SOON(stat_of(q).nr_receivers == 1);
	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_EXITS(pid, 0);
}

TEST(killed_while_waiting)
{
	int (*fns[])(void *arg) = { receive, read_one, transmit, write_one };
	uint64_t before = user_charged();
	int i;

	for (i = 0; i < 4; i++) {
		int q = make_queue(1, 0, 0);
		pid_t pid;

		if (i >= 2)
			CHECK_OK(send_value(q, 1, 0, 1));
		pid = spawn(fns[i], &q);
		CHECK_SOON(waits(q));
		CHECK_SYS(kill(pid, SIGKILL));
		CHECK_KILLED_BY(pid, SIGKILL);
		CHECK_EQ(stat_of(q).nr_senders + stat_of(q).nr_receivers, 0);
		if (i >= 2)
			CHECK_RECV(q, ANY, 1);
		/* as if it had never been there */
		CHECK_NONE(q, ANY);
		CHECK_OK(send_value(q, 1, 0, 2));
		CHECK_RECV(q, ANY, 2);
		close(q);
		CHECK_EQ(user_charged(), before);
	}
}

/* The one behind it is served in its place. */
TEST(killed_in_front_of_others)
{
	int q = make_queue(1, 0, 0);
	struct test_thread t;
	pid_t pid;

	pid = spawn(receive, &q);
	CHECK_SOON(stat_of(q).nr_receivers == 1);
	thread_start(&t, receive, &q);
	CHECK_SOON(stat_of(q).nr_receivers == 2);
	CHECK_SYS(kill(pid, SIGKILL));
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_OK(send_value(q, 1, 0, 9));
	CHECK_EQ(thread_join(&t), 0);
	CHECK_EQ(received, 9);

	CHECK_OK(send_value(q, 1, 0, 1));
	pid = spawn(transmit, &q);
	CHECK_SOON(stat_of(q).nr_senders == 1);
	thread_start(&t, write_one, &q);
	CHECK_SOON(stat_of(q).nr_senders == 2);
	CHECK_SYS(kill(pid, SIGKILL));
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_RECV(q, ANY, 1);
	CHECK_EQ(thread_join(&t), 0);
	CHECK_EQ(stat_of(q).sent, 3);
	CHECK_EQ(stat_of(q).nr_msgs, 1);
}
