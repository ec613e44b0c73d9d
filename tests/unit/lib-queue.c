// SPDX-License-Identifier: GPL-2.0
/*
 * Sending and receiving: what each call passes to the kernel and what it makes of the
 * answer.  If this fails, messages go out with another type, time or flag than was asked
 * for, or a length is reported wrongly.
 */
#define _GNU_SOURCE
#include "fake-device.h"

static char buf[64];

TEST(msg_has_type_1_and_priority_0)
{
	struct ipcx_msg want = { .buf = (uintptr_t)buf, .len = 5, .type = 1 };
	struct ipcx_msg msg = ipcx_msg(buf, 5);

	CHECK_MEM(&msg, &want, sizeof(want));
}

TEST(send_waits_for_ever)
{
	struct ipcx_queue_send want = {
		.size = sizeof(want),
		.timeout = IPCX_FOREVER,
		.msg = { .buf = (uintptr_t)buf, .len = 5, .type = 1 },
	};

	CHECK_EQ(ipcx_queue_send(FAKE_FD, buf, 5), 0);
	CHECK_COMMAND(IPCX_QUEUE_SEND, FAKE_FD, want);
}

TEST(send_of_nothing_is_a_message_too)
{
	struct ipcx_queue_send want = {
		.size = sizeof(want),
		.timeout = IPCX_FOREVER,
		.msg = { .type = 1 },
	};

	CHECK_EQ(ipcx_queue_send(FAKE_FD, NULL, 0), 0);
	CHECK_COMMAND(IPCX_QUEUE_SEND, FAKE_FD, want);
}

TEST(send_msg_passes_the_message_as_it_is)
{
	struct ipcx_queue_send want = {
		.size = sizeof(want),
		.flags = IPCX_NOWAIT | IPCX_REALTIME,
		.timeout = 12345678901234ULL,
	};
	struct ipcx_msg msg, before;

	/* Reserved flags too: the kernel refuses them, the library does not hide them. */
	memset(&msg, 0x33, sizeof(msg));
	before = msg;
	want.msg = msg;
	CHECK_EQ(ipcx_queue_send_msg(FAKE_FD, &msg, want.flags, want.timeout), 0);
	CHECK_COMMAND(IPCX_QUEUE_SEND, FAKE_FD, want);
	CHECK_MEM(&msg, &before, sizeof(msg));
}

TEST(sendv_passes_the_array_and_returns_the_count)
{
	struct ipcx_msg msgs[4] = { { 0 } };
	struct ipcx_queue_batch want = {
		.size = sizeof(want),
		.flags = IPCX_NOWAIT,
		.timeout = 99,
		.msgs = (uintptr_t)msgs,
		.nr = 4,
		.msg_size = sizeof(msgs[0]),
	};

	fake.ret = 3;
	CHECK_EQ(ipcx_queue_sendv(FAKE_FD, msgs, 4, IPCX_NOWAIT, 99), 3);
	CHECK_COMMAND(IPCX_QUEUE_SENDV, FAKE_FD, want);
}

/* What the kernel would have written for a message of @len bytes. */
static struct ipcx_queue_recv answer(uint64_t len)
{
	struct ipcx_queue_recv ret;

	memset(&ret, 0x5a, sizeof(ret));
	ret.msg.len = len;
	fake.out_len = sizeof(ret);
	return ret;
}

TEST(recv_waits_for_any_and_returns_the_length)
{
	struct ipcx_queue_recv out = answer(17);
	struct ipcx_queue_recv want = {
		.size = sizeof(want),
		.timeout = IPCX_FOREVER,
		.msg = { .buf = (uintptr_t)buf, .len = sizeof(buf) },
	};

	fake.out = &out;
	CHECK_EQ(ipcx_queue_recv(FAKE_FD, buf, sizeof(buf)), 17);
	CHECK_COMMAND(IPCX_QUEUE_RECV, FAKE_FD, want);
}

TEST(recv_returns_0_for_an_empty_message)
{
	struct ipcx_queue_recv out = answer(0);

	fake.out = &out;
	CHECK_EQ(ipcx_queue_recv(FAKE_FD, buf, sizeof(buf)), 0);
}

TEST(recv_returns_lengths_of_more_than_31_bits)
{
	struct ipcx_queue_recv out = answer(1ULL << 35);

	fake.out = &out;
	CHECK_EQ(ipcx_queue_recv(FAKE_FD, buf, sizeof(buf)), 1LL << 35);
}

TEST(recv_msg_passes_the_buffer_only)
{
	struct ipcx_select select = { .how = IPCX_SELECT_LOWEST, .type = 9 };
	struct ipcx_queue_recv out = answer(17);
	struct ipcx_queue_recv want = {
		.size = sizeof(want),
		.flags = IPCX_RECV_PEEK | IPCX_REALTIME,
		.timeout = 99,
		.select = select,
		.msg = { .buf = (uintptr_t)buf, .len = 30 },
	};
	struct ipcx_msg msg;

	/* As an earlier, truncated message left it. */
	POISON(msg);
	msg.buf = (uintptr_t)buf;
	msg.len = 30;
	fake.out = &out;
	CHECK_EQ(ipcx_queue_recv_msg(FAKE_FD, &msg, &select, want.flags, want.timeout), 0);
	CHECK_COMMAND(IPCX_QUEUE_RECV, FAKE_FD, want);
	CHECK_MEM(&msg, &out.msg, sizeof(msg));
}

TEST(recv_msg_takes_any_by_default)
{
	struct ipcx_queue_recv want = { .size = sizeof(want), .timeout = IPCX_FOREVER };
	struct ipcx_msg msg = { 0 };

	CHECK_EQ(ipcx_queue_recv_msg(FAKE_FD, &msg, NULL, 0, IPCX_FOREVER), 0);
	CHECK_COMMAND(IPCX_QUEUE_RECV, FAKE_FD, want);
}

TEST(recv_msg_reports_the_size_needed)
{
	struct ipcx_queue_recv out = answer(1000);
	struct ipcx_msg msg = ipcx_msg(buf, sizeof(buf));
	struct ipcx_msg want = ipcx_msg(buf, 1000);

	fake.out = &out;
	fake.ret = -1;
	fake.error = EMSGSIZE;
	CHECK_ERR(ipcx_queue_recv_msg(FAKE_FD, &msg, NULL, 0, IPCX_FOREVER), EMSGSIZE);
	CHECK_MEM(&msg, &want, sizeof(want));
}

TEST(recv_msg_leaves_the_message_alone_on_error)
{
	struct ipcx_queue_recv out = answer(1000);
	struct ipcx_msg msg = ipcx_msg(buf, sizeof(buf));
	struct ipcx_msg want = msg;

	fake.out = &out;
	fake.ret = -1;
	fake.error = EAGAIN;
	CHECK_ERR(ipcx_queue_recv_msg(FAKE_FD, &msg, NULL, 0, IPCX_FOREVER), EAGAIN);
	CHECK_MEM(&msg, &want, sizeof(want));
}

TEST(recvv_passes_the_array_and_returns_the_count)
{
	struct ipcx_select select = { .how = IPCX_SELECT_EXCEPT, .type = 3 };
	struct ipcx_msg msgs[4] = { { 0 } };
	struct ipcx_queue_batch want = {
		.size = sizeof(want),
		.flags = IPCX_RECV_TRUNCATE,
		.timeout = 99,
		.select = select,
		.msgs = (uintptr_t)msgs,
		.nr = 4,
		.msg_size = sizeof(msgs[0]),
	};

	fake.ret = 3;
	CHECK_EQ(ipcx_queue_recvv(FAKE_FD, msgs, 4, &select, IPCX_RECV_TRUNCATE, 99), 3);
	CHECK_COMMAND(IPCX_QUEUE_RECVV, FAKE_FD, want);

	want.select = (struct ipcx_select){ 0 };
	CHECK_EQ(ipcx_queue_recvv(FAKE_FD, msgs, 4, NULL, IPCX_RECV_TRUNCATE, 99), 3);
	CHECK_COMMAND(IPCX_QUEUE_RECVV, FAKE_FD, want);
}

TEST(recvv_can_use_an_array_again)
{
	struct ipcx_msg msgs[2] = { ipcx_msg(buf, 7), ipcx_msg(buf + 7, 8) };

	msgs[0].flags = IPCX_MSG_TRUNCATED;
	msgs[1].flags = IPCX_MSG_TRUNCATED;
	CHECK_OK(ipcx_queue_recvv(FAKE_FD, msgs, 2, NULL, 0, IPCX_FOREVER));
	CHECK_EQ(msgs[0].flags, 0);
	CHECK_EQ(msgs[1].flags, 0);
	CHECK_EQ(msgs[0].len, 7);
	CHECK_EQ(msgs[1].len, 8);
	CHECK_EQ(msgs[1].buf, (uintptr_t)buf + 7);
}

TEST(purge_returns_how_many_messages)
{
	struct ipcx_select select = { .how = IPCX_SELECT_TYPE, .type = 3 };
	struct ipcx_queue_purge want = { .size = sizeof(want), .select = select };
	struct ipcx_queue_purge out;

	memset(&out, 0x5a, sizeof(out));
	out.nr_msgs = 1ULL << 33;
	fake.out = &out;
	fake.out_len = sizeof(out);
	CHECK_EQ(ipcx_queue_purge(FAKE_FD, &select), 1LL << 33);
	CHECK_COMMAND(IPCX_QUEUE_PURGE, FAKE_FD, want);

	want.select = (struct ipcx_select){ 0 };
	CHECK_EQ(ipcx_queue_purge(FAKE_FD, NULL), 1LL << 33);
	CHECK_COMMAND(IPCX_QUEUE_PURGE, FAKE_FD, want);
}

TEST(queue_stat_returns_what_the_module_says)
{
	struct ipcx_queue_stat want = { .size = sizeof(want) };
	struct ipcx_queue_stat out, got;

	memset(&out, 0x5a, sizeof(out));
	fake.out = &out;
	fake.out_len = sizeof(out);
	POISON(got);
	CHECK_OK(ipcx_queue_stat(FAKE_FD, &got));
	CHECK_COMMAND(IPCX_QUEUE_STAT, FAKE_FD, want);
	CHECK_MEM(&got, &out, sizeof(out));
}
