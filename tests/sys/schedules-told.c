// SPDX-License-Identifier: GPL-2.0
/*
 * Who has been told of something and does not get it: bytes that are left at a shutdown still go to who waits, a server
 * whose caller gives up at the last moment has no call, and who wanted the units of a member that has left its set waits on.
 * timeout: 120
 */
#include "pause.h"
#include "wait-test.h"

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

TEST_LIMIT(a_call_that_was_given_up_leaves_no_number, 60000)
{
	struct test_thread caller, server;
	int q;

	set_up();
	on_signal(0);
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
	CHECK_EQ(serves(&q), -EAGAIN);
	CHECK_EQ(queue_state(q).nr_calls, 0);
	close(q);
	tear_down();
}

TEST_LIMIT(a_member_leaves_the_set_before_it_is_taken, 60000)
{
	struct ipcx_wait_entry entry;
	int set, s, e;
	struct many m;

	set_up();
	set = CHECK_OK(ipcx_wait_set_create(NULL));
	s = CHECK_OK(ipcx_sem_create(NULL, 1, 1, &(struct ipcx_options){ .flags = IPCX_SEM_ROBUST }));
	e = event(1, IPCX_EVENT_MANUAL);
	entry = TAKE(s);
	CHECK_OK(ipcx_wait_set_add(set, 7, &entry));
	/* its process has no account there yet, which is made without the set's lock */
	hold("set_holds");
	start_set(&m, set, 0);
	COMES("set_holds");
	CHECK_OK(ipcx_wait_set_remove(set, 7));
	go("set_holds");
	CHECK_BLOCKS(m.t.tid);
	CHECK_EQ(count(s), 1);
	entry = TAKE(e);
	CHECK_OK(ipcx_wait_set_add(set, 5, &entry));
	CHECK_EQ(joined(&m), 5);
	close(s);
	close(e);
	close(set);
	tear_down();
}
