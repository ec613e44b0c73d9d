// SPDX-License-Identifier: GPL-2.0
/*
 * Who has been told of something and does not get it: bytes that are left at a shutdown still go to who waits, and a
 * server whose caller gives up at the last moment has no call.
 * timeout: 120
 */
#include "pause.h"

#include <sys/ioctl.h>

static struct ipcx_queue_stat queue_state(int q)
{
	struct ipcx_queue_stat stat;

	CHECK_OK(ipcx_queue_stat(q, &stat));
	return stat;
}

static int ends[2];

static int reads_four(void *arg)
{
	char bytes[4];

	(void)arg;
	run_on(0);
	return read(ends[0], bytes, sizeof(bytes));
}

static int writes_ten(void *arg)
{
	(void)arg;
	run_on(1);
	return write(ends[1], "0123456789", 10);
}

/* Ten bytes have been told to the first reader only when the stream is shut down. */
TEST_LIMIT(all_is_read_after_a_shutdown, 60000)
{
	struct test_thread first, second, writer;
	char bytes[4];

	set_up();
	CHECK_OK(ipcx_stream_pipe(ends, 0));
	thread_start(&first, reads_four, NULL);
	CHECK_BLOCKS(first.tid);
	thread_start(&second, reads_four, NULL);
	CHECK_BLOCKS(second.tid);
	hold("wake_begins");
	thread_start(&writer, writes_ten, NULL);
	COMES("wake_begins");
	CHECK_OK(ipcx_shutdown(ends[1], IPCX_SHUT_SEND));
	CHECK_EQ(thread_join(&second), 4);
	go("wake_begins");
	CHECK_EQ(thread_join(&first), 4);
	CHECK_EQ(thread_join(&writer), 10);
	CHECK_EQ(read(ends[0], bytes, sizeof(bytes)), 2);
	CHECK_EQ(read(ends[0], bytes, sizeof(bytes)), 0);
	close(ends[0]);
	close(ends[1]);
	tear_down();
}

static int calls(void *arg)
{
	char c = 'q';
	struct ipcx_msg msg = ipcx_msg(&c, 1), reply = ipcx_msg(&c, 1);

	return ipcx_queue_call(*(int *)arg, &msg, &reply, 0, IPCX_FOREVER);
}

static struct ipcx_queue_serve serve_args;
static char text[16];

static int serves(void *arg)
{
	int ret = ioctl(*(int *)arg, IPCX_QUEUE_SERVE, &serve_args);

	return ret ? -errno : 0;
}

static void handled(int sig)
{
	(void)sig;
}

TEST_LIMIT(a_call_that_was_given_up_leaves_no_number, 60000)
{
	struct test_thread caller, server;
	int q;

	CHECK_SYS(sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = handled }, NULL));
	set_up();
	q = queue();
	serve_args = (struct ipcx_queue_serve){
		.size = sizeof(serve_args), .flags = IPCX_NOWAIT, .msg = ipcx_msg(text, sizeof(text)),
	};
	thread_start(&caller, calls, &q);
	CHECK_SOON(queue_state(q).nr_msgs == 1);
	hold("serve_told");
	thread_start(&server, serves, &q);
	COMES("serve_told");
	CHECK_SYS(pthread_kill(caller.thread, SIGUSR1));
	CHECK_EQ(thread_join(&caller), -EINTR);
	go("serve_told");
	CHECK_EQ(thread_join(&server), -EAGAIN);
	/* the same structure can be used again */
	CHECK_EQ(serve_args.call, 0);
	CHECK_EQ(serve_args.msg.len, sizeof(text));
	CHECK_EQ(queue_state(q).nr_calls, 0);
	close(q);
	tear_down();
}
