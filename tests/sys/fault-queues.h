/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of failing-operations.c that is about queues and calls.
 */
/* ---- queues ---- */

static long send_len(size_t bytes, uint32_t priority)
{
	struct ipcx_queue_send arg = { .size = sizeof(arg), .flags = IPCX_NOWAIT, .msg = message(buf, bytes) };

	len = bytes;
	arg.msg.priority = priority;
	return command(fds[target], IPCX_QUEUE_SEND, &arg);
}

static long run_send_small(void)
{
	return send_len(SMALL, 0);
}

static long run_send_middle(void)
{
	return send_len(MIDDLE, 0);
}

static long run_send_large(void)
{
	return send_len(LARGE, 0);
}

static long run_send_priority(void)
{
	return send_len(SMALL, 1234);
}

/* The message that was sent, or was there, is there once. */
static void check_one_message(long ret)
{
	struct ipcx_msg msg = ipcx_msg(out, sizeof(out));

	(void)ret;
	memset(out, 0xa5, sizeof(out));
	CHECK_OK(ipcx_queue_recv_msg(fds[target], &msg, NULL, IPCX_NOWAIT, IPCX_FOREVER));
	CHECK_EQ(msg.len, len);
	CHECK_MEM(out, buf, len);
	CHECK_ERR(ipcx_queue_recv_msg(fds[target], &msg, NULL, IPCX_NOWAIT, IPCX_FOREVER), EAGAIN);
}

#define PREPARE_MESSAGE(what, bytes)						\
static void prepare_##what(void)						\
{										\
	CHECK_OK(ipcx_queue_send(fds[target], buf, bytes));			\
	len = bytes;								\
	memset(out, 0xa5, sizeof(out));						\
}

PREPARE_MESSAGE(small, SMALL)
PREPARE_MESSAGE(middle, MIDDLE)
PREPARE_MESSAGE(large, LARGE)

static long recv_flags(unsigned int flags)
{
	return RUN(fds[target], IPCX_QUEUE_RECV, (struct ipcx_queue_recv){ .size = sizeof(struct ipcx_queue_recv),
		   .flags = IPCX_NOWAIT | flags, .msg = message(out, sizeof(out)) });
}

static long run_recv(void)
{
	return recv_flags(0);
}

static long run_peek(void)
{
	return recv_flags(IPCX_RECV_PEEK);
}

static void check_received(long ret)
{
	CHECK_EQ(ret, 0);
	CHECK_MEM(out, buf, len);
	CHECK_ERR(recv_flags(0), EAGAIN);
}

static void fill_msgs(char *from)
{
	int i;

	for (i = 0; i < 8; i++)
		msgs[i] = message(from + i * MIDDLE, i & 1 ? MIDDLE : SMALL);
}

static void prepare_batch(void)
{
	fill_msgs(buf);
}

static long batch(unsigned long cmd)
{
	return RUN(fds[target], cmd, (struct ipcx_queue_batch){ .size = sizeof(struct ipcx_queue_batch),
		   .flags = IPCX_NOWAIT, .msgs = (uintptr_t)msgs, .nr = 8, .msg_size = sizeof(msgs[0]) });
}

static long run_sendv(void)
{
	return batch(IPCX_QUEUE_SENDV);
}

/* As many as it said have been sent. */
static void check_sent(long ret)
{
	struct ipcx_queue_stat st;

	CHECK_GT(ret, 0);
	CHECK_OK(ipcx_queue_stat(fds[target], &st));
	CHECK_EQ(st.sent, ret);
	CHECK_EQ(st.nr_msgs, ret);
	CHECK_EQ(st.nr_senders, 0);
}

static void prepare_recvv(void)
{
	fill_msgs(buf);
	CHECK_EQ(batch(IPCX_QUEUE_SENDV), 8);
	fill_msgs(out);
}

static long run_recvv(void)
{
	return batch(IPCX_QUEUE_RECVV);
}

/* What it did not say it has taken is received next. */
static void check_recvv(long ret)
{
	struct ipcx_queue_stat st;

	CHECK_GT(ret, 0);
	CHECK_OK(ipcx_queue_stat(fds[target], &st));
	CHECK_EQ(st.received, ret);
	for (; ret < 8; ret++)
		CHECK_EQ(recv_flags(0), 0);
	CHECK_ERR(recv_flags(0), EAGAIN);
}

static long run_purge(void)
{
	return RUN(fds[target], IPCX_QUEUE_PURGE, (struct ipcx_queue_purge){ .size = sizeof(struct ipcx_queue_purge) });
}

static void check_empty(long ret)
{
	CHECK_EQ(ret, 0);
	CHECK_ERR(recv_flags(0), EAGAIN);
}

static long run_queue_stat(void)
{
	return RUN(fds[target], IPCX_QUEUE_STAT, (struct ipcx_queue_stat){ .size = sizeof(struct ipcx_queue_stat) });
}

static void prepare_send_fds(void)
{
	numbers[0] = fds[SEM];
	numbers[1] = fds[EVENT];
}

static long run_send_fds(void)
{
	len = SMALL;
	return RUN(fds[target], IPCX_QUEUE_SEND_FDS, (struct ipcx_queue_send_fds){
		   .send = { .size = sizeof(struct ipcx_queue_send_fds), .flags = IPCX_NOWAIT,
			     .msg = message(buf, SMALL) },
		   .fds = (uintptr_t)numbers, .nr_fds = 2 });
}

static void prepare_recv_fds(void)
{
	prepare_send_fds();
	CHECK_OK(run_send_fds());
	numbers[0] = numbers[1] = -1;
}

static long run_recv_fds(void)
{
	return RUN(fds[target], IPCX_QUEUE_RECV_FDS, (struct ipcx_queue_recv_fds){
		   .recv = { .size = sizeof(struct ipcx_queue_recv_fds), .flags = IPCX_NOWAIT,
			     .msg = message(out, sizeof(out)) },
		   .fds = (uintptr_t)numbers, .nr_fds = 2 });
}

static void check_recv_fds(long ret)
{
	check_received(ret);
	CHECK_EQ(sem_stat(numbers[0]).count, 2);
	CHECK_EQ(event_stat(numbers[1]).set, 1);
	CHECK_SYS(close(numbers[0]));
	CHECK_SYS(close(numbers[1]));
}

static long run_write(void)
{
	len = MIDDLE;
	return sys(write(fds[target], buf, MIDDLE));
}

static long run_read(void)
{
	return sys(read(fds[target], out, sizeof(out)));
}

static void check_read(long ret)
{
	CHECK_EQ(ret, len);
	CHECK_MEM(out, buf, len);
}

static long run_readable(void)
{
	int n = 0;

	return sys(ioctl(fds[target], FIONREAD, &n));
}

#define QUEUES	(BIT(QUEUE) | BIT(BROADCAST))

static long run_tap(void)
{
	return RUN(fds[target], IPCX_QUEUE_TAP, (struct ipcx_queue_tap){ .size = sizeof(struct ipcx_queue_tap) });
}

static void prepare_tap(void)
{
	numbers[0] = extra(CHECK_OK(ipcx_queue_tap(fds[target], NULL)));
}

/* What the tap cannot get is not the sender's affair: it has the whole message, or has counted that it has not. */
static void check_tapped(long ret)
{
	struct ipcx_msg msg = ipcx_msg(out, sizeof(out));
	struct ipcx_queue_stat st;

	check_one_message(ret);
	CHECK_OK(ipcx_queue_stat(numbers[0], &st));
	CHECK_EQ(st.nr_msgs + st.dropped, 1);
	if (!st.nr_msgs)
		return;
	memset(out, 0xa5, sizeof(out));
	CHECK_OK(ipcx_queue_recv_msg(numbers[0], &msg, NULL, IPCX_NOWAIT, IPCX_FOREVER));
	CHECK_EQ(msg.len, len);
	CHECK_MEM(out, buf, len);
}

static const struct row queue_rows[] = {
	{ "send", IPCX_QUEUE_SEND, QUEUES, 0, ROW_KEEPS, NULL, run_send_small, check_one_message },
	{ "send 3000 bytes", IPCX_QUEUE_SEND, QUEUES, 0, ROW_KEEPS, NULL, run_send_middle, check_one_message },
	{ "send 100000 bytes", IPCX_QUEUE_SEND, QUEUES, 0, ROW_KEEPS, NULL, run_send_large, check_one_message },
	{ "send with priority", IPCX_QUEUE_SEND, BIT(QUEUE), 0, ROW_KEEPS, NULL, run_send_priority, check_one_message },
	{ "receive", IPCX_QUEUE_RECV, QUEUES, 0, ROW_GIVES_BACK, prepare_small, run_recv, check_received },
	{ "receive 3000 bytes", IPCX_QUEUE_RECV, QUEUES, 0, ROW_GIVES_BACK, prepare_middle, run_recv, check_received },
	{ "receive 100000 bytes", IPCX_QUEUE_RECV, QUEUES, 0, ROW_GIVES_BACK, prepare_large, run_recv, check_received },
	{ "peek", IPCX_QUEUE_RECV, QUEUES, 0, 0, prepare_middle, run_peek, check_one_message },
	{ "send a batch", IPCX_QUEUE_SENDV, QUEUES, 0, ROW_KEEPS, prepare_batch, run_sendv, check_sent },
	{ "receive a batch", IPCX_QUEUE_RECVV, QUEUES, 0, ROW_GIVES_BACK, prepare_recvv, run_recvv, check_recvv },
	{ "purge", IPCX_QUEUE_PURGE, QUEUES, 0, 0, prepare_middle, run_purge, check_empty },
	{ "queue's statistics", IPCX_QUEUE_STAT, QUEUES, 0, 0, NULL, run_queue_stat, NULL },
	{ "send descriptors", IPCX_QUEUE_SEND_FDS, QUEUES, BIT(SEM) | BIT(EVENT), ROW_MAY_REFUSE | ROW_KEEPS, prepare_send_fds,
	  run_send_fds, check_one_message },
	{ "receive descriptors", IPCX_QUEUE_RECV_FDS, BIT(QUEUE), BIT(SEM) | BIT(EVENT), 0, prepare_recv_fds,
	  run_recv_fds, check_recv_fds },
	{ "receive descriptors", IPCX_QUEUE_RECV_FDS, BIT(BROADCAST), 0, ROW_MAY_REFUSE, NULL, run_recv_fds, NULL },
	{ "tap", IPCX_QUEUE_TAP, BIT(QUEUE), 0, 0, NULL, run_tap, check_close },
	{ "tap", IPCX_QUEUE_TAP, BIT(BROADCAST), 0, ROW_MAY_REFUSE, NULL, run_tap, NULL },
	{ "send to a tapped queue", IPCX_QUEUE_SEND, BIT(QUEUE), 0, ROW_KEEPS, prepare_tap, run_send_middle, check_tapped },
	{ "send pieces to a tapped queue", IPCX_QUEUE_SEND, BIT(QUEUE), 0, ROW_KEEPS, prepare_tap, run_send_large, check_tapped },
	{ "write", NO_COMMAND, QUEUES, 0, ROW_KEEPS, NULL, run_write, check_one_message },
	{ "read", NO_COMMAND, QUEUES, 0, ROW_GIVES_BACK, prepare_middle, run_read, check_read },
	{ "FIONREAD", NO_COMMAND, QUEUES | BIT(STREAM), 0, 0, prepare_readable, run_readable, NULL },
};

TEST_LIMIT(commands_of_queues, 100000)
{
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = i % 251;
	sweep(ROWS(queue_rows));
}

/* ---- calls: another process is the other side ---- */

static pid_t peer;

static int serve_for_ever(void *arg)
{
	struct ipcx_msg msg, reply;
	uint64_t taken = 0;
	char in[SMALL];

	(void)arg;
	/* not of those that fail: that is for one task only */
	for (;;) {
		msg = ipcx_msg(in, sizeof(in));
		reply = message(in, SMALL);
		if (ipcx_queue_serve(fds[target], &taken, taken ? &reply : NULL, &msg, 0, IPCX_FOREVER) < 0)
			taken = 0;
	}
	return 0;
}

static void prepare_server(void)
{
	len = SMALL;
	memset(out, 0xa5, sizeof(out));
	if (target == BROADCAST)
		return;
	peer = spawn(serve_for_ever, NULL);
	CHECK_SOON(({ struct ipcx_queue_stat st; ipcx_queue_stat(fds[QUEUE], &st); st.nr_receivers == 1; }));
}

static long run_call(void)
{
	return RUN(fds[target], IPCX_QUEUE_CALL, (struct ipcx_queue_call){ .size = sizeof(struct ipcx_queue_call),
		   .timeout = IPCX_FOREVER, .msg = message(buf, SMALL), .reply = message(out, sizeof(out)) });
}

/* The first one makes what a queue needs for calls; nobody takes it. */
static long run_first_call(void)
{
	long ret = RUN(fds[target], IPCX_QUEUE_CALL, (struct ipcx_queue_call){ .size = sizeof(struct ipcx_queue_call),
		       .timeout = ipcx_after_ns(100000), .msg = message(buf, SMALL), .reply = message(out, sizeof(out)) });

	return ret == -ETIMEDOUT ? 0 : ret;
}

static void check_first_call(long ret)
{
	struct ipcx_queue_stat st;

	CHECK_EQ(ret, 0);
	CHECK_OK(ipcx_queue_stat(fds[target], &st));
	CHECK_EQ(st.nr_msgs, 0);
	CHECK_EQ(st.bytes, 0);
	CHECK_EQ(st.nr_calls, 0);
	CHECK_EQ(st.purged, 1);
}

static void end_peer(void)
{
	kill(peer, SIGKILL);
	CHECK_NE(wait_child(peer, TEST_SOON_MS), -1);
	peer = 0;
}

static void check_call(long ret)
{
	struct ipcx_queue_stat st;

	CHECK_EQ(ret, 0);
	CHECK_MEM(out, buf, SMALL);
	CHECK_OK(ipcx_queue_stat(fds[target], &st));
	CHECK_EQ(st.nr_msgs, 0);
	CHECK_EQ(st.nr_calls, 0);
	end_peer();
}

static int call_once(void *arg)
{
	struct ipcx_msg msg = message(buf, SMALL), reply = ipcx_msg(out, sizeof(out));

	(void)arg;
	return ipcx_queue_call(fds[target], &msg, &reply, 0, IPCX_FOREVER) ? 1 : 0;
}

static void prepare_caller(void)
{
	len = SMALL;
	memset(out, 0xa5, sizeof(out));
	if (target == BROADCAST)
		return;
	peer = spawn(call_once, NULL);
	CHECK_BLOCKS(peer);
}

static struct ipcx_queue_serve serve_arg;

static long run_serve(void)
{
	serve_arg = (struct ipcx_queue_serve){ .size = sizeof(serve_arg), .flags = IPCX_NOWAIT,
					       .msg = message(out, sizeof(out)) };
	return call(fds[target], IPCX_QUEUE_SERVE, &serve_arg);
}

static void check_serve(long ret)
{
	struct ipcx_msg reply = message(buf, SMALL);

	CHECK_EQ(ret, 0);
	CHECK_MEM(out, buf, SMALL);
	CHECK_NE(serve_arg.call, 0);
	CHECK_OK(ipcx_queue_reply(fds[target], serve_arg.call, &reply));
	CHECK_EXITS(peer, 0);
}

static void prepare_reply(void)
{
	prepare_caller();
	if (target == QUEUE)
		CHECK_OK(run_serve());
}

static long run_reply(void)
{
	struct ipcx_queue_serve reply = { .size = sizeof(reply), .flags = IPCX_SERVE_REPLY_ONLY,
					  .call = serve_arg.call, .reply = message(buf, SMALL) };

	return call(fds[target], IPCX_QUEUE_SERVE, &reply);
}

static void check_reply(long ret)
{
	CHECK_EQ(ret, 0);
	CHECK_EXITS(peer, 0);
}

/* A reply that cannot be copied to the caller is lost, and so is a call once its message has been sent. */
static const struct row call_rows[] = {
	{ "call", IPCX_QUEUE_CALL, BIT(QUEUE), 0, ROW_LOSES, prepare_server, run_call, check_call },
	{ "first call", IPCX_QUEUE_CALL, BIT(QUEUE), 0, ROW_KEEPS, NULL, run_first_call, check_first_call },
	{ "call", IPCX_QUEUE_CALL, BIT(BROADCAST), 0, ROW_MAY_REFUSE, NULL, run_call, NULL },
	{ "serve", IPCX_QUEUE_SERVE, BIT(QUEUE), 0, ROW_KEEPS, prepare_caller, run_serve, check_serve },
	{ "serve", IPCX_QUEUE_SERVE, BIT(BROADCAST), 0, ROW_MAY_REFUSE, NULL, run_serve, NULL },
	{ "reply", IPCX_QUEUE_SERVE, BIT(QUEUE), 0, 0, prepare_reply, run_reply, check_reply },
};

TEST_LIMIT(calls_and_replies, 100000)
{
	sweep(ROWS(call_rows));
}
