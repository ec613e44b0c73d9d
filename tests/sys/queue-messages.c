// SPDX-License-Identifier: GPL-2.0
/*
 * The payload of a message: every size at which its memory changes its kind, buffers too small,
 * peeking.  If this fails, bytes are lost or mixed, or a message that should have stayed is gone.
 */
#include <sys/mman.h>

#include "queue-test.h"

#define MAX_LEN	(16u << 20)

static unsigned char *in, *out;

static void make_buffers(void)
{
	in = mmap(NULL, MAX_LEN + 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	out = mmap(NULL, MAX_LEN + 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		   0);
	CHECK(in != MAP_FAILED && out != MAP_FAILED);
}

/* @len bytes go in and come out the same, and the byte behind them is not touched. */
static void pass(int q, size_t len, uint64_t seed)
{
	struct ipcx_msg msg = msg_of(in, len, 3, 4);

	fill(in, len, seed);
	CHECK_OK(ipcx_queue_send_msg(q, &msg, NO_WAIT));
	CHECK_EQ(stat_of(q).bytes, len);
	POISON(msg);
	msg.buf = (uintptr_t)out;
	msg.len = len + 1;
	memset(out, 0xa5, len + 1);
	CHECK_OK(ipcx_queue_recv_msg(q, &msg, NULL, NO_WAIT));
	CHECK_EQ(msg.len, len);
	CHECK_EQ(msg.type, 3);
	CHECK_EQ(msg.priority, 4);
	CHECK_EQ(msg.flags, 0);
	CHECK_EQ(msg.buf, (uintptr_t)out);
	CHECK_MEM(out, in, len);
	CHECK_EQ(out[len], 0xa5);
	CHECK_EQ(stat_of(q).bytes, 0);
}

TEST(every_small_size)
{
	int q = make_queue(0, 0, 0);
	size_t len;

	make_buffers();
	for (len = 0; len <= 400; len++)
		pass(q, len, len);
}

/* Where the memory of a message changes: a node, a page, a block of pages, many blocks. */
TEST(sizes_around_the_limits_inside)
{
	static const size_t around[] = { 512,	1024,  2048,  4096,   8192,   16384,
					 32768, 65536, 98304, 131072, 1 << 20 };
	int q = make_queue(0, 0, 0);
	size_t i, len;

	make_buffers();
	for (len = 3900; len <= 4100; len++)
		pass(q, len, len);
	for (i = 0; i < sizeof(around) / sizeof(around[0]); i++)
		for (len = around[i] - 2; len <= around[i] + 2; len++)
			pass(q, len, len);
}

TEST(random_sizes_many_in_the_queue)
{
	int q = make_queue(0, 0, 0);
	size_t lens[40];
	int i, round;

	make_buffers();
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 40; i++) {
			struct ipcx_msg msg;

			lens[i] = test_random_below(1 << test_random_below(18));
			fill(in, lens[i], round * 100 + i);
			msg = msg_of(in, lens[i], 1, 0);
			CHECK_OK(ipcx_queue_send_msg(q, &msg, NO_WAIT));
		}
		for (i = 0; i < 40; i++) {
			CHECK_EQ(ipcx_queue_recv(q, out, MAX_LEN), lens[i]);
			fill(in, lens[i], round * 100 + i);
			CHECK_MEM(out, in, lens[i]);
		}
	}
}

TEST(the_largest_message)
{
	struct ipcx_query query;
	int q;

	make_buffers();
	CHECK_OK(ipcx_query(&query));
	CHECK_EQ(query.max_msg_len, MAX_LEN);
	q = make_queue(0, 0, 0);
	CHECK_EQ(stat_of(q).max_msg_len, MAX_LEN);
	pass(q, MAX_LEN - 1, 1);
	pass(q, MAX_LEN, 2);
	CHECK_ERR(ipcx_queue_send(q, in, MAX_LEN + 1), EMSGSIZE);
	CHECK_ERR(ipcx_queue_send(q, in, SIZE_MAX), EMSGSIZE);
	CHECK_EQ(stat_of(q).sent, 2);
}

TEST(an_empty_message_is_a_message)
{
	struct ipcx_msg msg = msg_of(NULL, 0, 2, 1);
	int q = make_queue(0, 0, 0);

	CHECK_OK(ipcx_queue_send_msg(q, &msg, NO_WAIT));
	CHECK_EQ(stat_of(q).nr_msgs, 1);
	CHECK_EQ(stat_of(q).bytes, 0);
	POISON(msg);
	msg.buf = 0;
	msg.len = 0;
	CHECK_OK(ipcx_queue_recv_msg(q, &msg, NULL, NO_WAIT));
	CHECK_EQ(msg.len, 0);
	CHECK_EQ(msg.type, 2);
	CHECK_EQ(msg.flags, 0);
	CHECK_NONE(q, ANY);
}

/* A call that fails tells the size and writes nothing else. */
static void check_too_small(int q, size_t len, size_t room, struct ipcx_select select)
{
	struct ipcx_queue_recv arg, before;

	POISON(arg);
	arg.size = sizeof(arg);
	arg.flags = IPCX_NOWAIT;
	arg.timeout = IPCX_FOREVER;
	arg.select = select;
	arg.msg.buf = (uintptr_t)out;
	arg.msg.len = room;
	arg.msg.flags = 0;
	before = arg;
	before.msg.len = len;
	memset(out, 0x5a, len);
	CHECK_ERR(call(q, IPCX_QUEUE_RECV, &arg), EMSGSIZE);
	CHECK_MEM(&arg, &before, sizeof(arg));
	for (room = 0; room < len; room++)
		CHECK_EQ(out[room], 0x5a);
}

TEST(too_small_a_buffer_tells_the_size_and_leaves_the_message)
{
	static const size_t lens[] = { 1, 64, 100, 4096, 40000, 200000 };
	int q = make_queue(0, 0, 0);
	size_t i;

	make_buffers();
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		size_t len = lens[i];
		struct ipcx_msg msg = msg_of(in, len, 5, 0);

		fill(in, len, i);
		CHECK_OK(ipcx_queue_send_msg(q, &msg, NO_WAIT));
		check_too_small(q, len, len - 1, ANY);
		check_too_small(q, len, 0, TYPE(5));
		check_too_small(q, len, 0, LOWEST(5));
		check_too_small(q, len, len / 2, EXCEPT(1));
		CHECK_EQ(stat_of(q).nr_msgs, 1);
		CHECK_EQ(stat_of(q).bytes, len);
		CHECK_EQ(stat_of(q).received, i);
		CHECK_EQ(ipcx_queue_recv(q, out, len), len);
		CHECK_MEM(out, in, len);
	}
}

TEST(truncate_on_request)
{
	static const size_t lens[] = { 1, 64, 100, 4096, 4097, 40000, 200000 };
	int q = make_queue(0, 0, 0);
	size_t i, j;

	make_buffers();
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		size_t len = lens[i], rooms[] = { 0, len / 2, len - 1 };

		for (j = 0; j < 3; j++) {
			struct ipcx_msg msg = msg_of(in, len, 5, 6);

			fill(in, len, i);
			CHECK_OK(ipcx_queue_send_msg(q, &msg, NO_WAIT));
			POISON(msg);
			msg.buf = (uintptr_t)out;
			msg.len = rooms[j];
			memset(out, 0x5a, len);
			CHECK_OK(ipcx_queue_recv_msg(
				q, &msg, NULL, IPCX_RECV_TRUNCATE | IPCX_NOWAIT, IPCX_FOREVER));
			CHECK_EQ(msg.len, len);
			CHECK_EQ(msg.flags, IPCX_MSG_TRUNCATED);
			CHECK_EQ(msg.type, 5);
			CHECK_EQ(msg.priority, 6);
			CHECK_MEM(out, in, rooms[j]);
			CHECK_EQ(out[rooms[j]], 0x5a);
			CHECK_NONE(q, ANY);
		}
	}
}

TEST(truncate_leaves_alone_what_fits)
{
	uint64_t value = 1, got = 0;
	struct ipcx_msg msg = ipcx_msg(&got, sizeof(got));
	int q = make_queue(0, 0, 0);

	CHECK_OK(ipcx_queue_send(q, &value, sizeof(value)));
	CHECK_OK(ipcx_queue_recv_msg(q, &msg, NULL, IPCX_RECV_TRUNCATE, IPCX_FOREVER));
	CHECK_EQ(got, 1);
	CHECK_EQ(msg.len, sizeof(value));
	CHECK_EQ(msg.flags, 0);
}

TEST(peek_leaves_the_message)
{
	struct ipcx_queue_stat before, after;
	int q = make_queue(0, 0, 0);
	uint64_t value;
	int i;

	CHECK_OK(send_value(q, 1, 0, 10));
	CHECK_OK(send_value(q, 2, 9, 20));
	CHECK_OK(send_value(q, 3, 0, 30));
	before = stat_of(q);
	for (i = 0; i < 3; i++) {
		CHECK_OK(recv_until(q, ANY, IPCX_RECV_PEEK, IPCX_FOREVER, &value));
		CHECK_EQ(value, 20);
		CHECK_OK(recv_until(q, TYPE(3), IPCX_RECV_PEEK, IPCX_FOREVER, &value));
		CHECK_EQ(value, 30);
		CHECK_OK(recv_until(q, LOWEST(3), IPCX_RECV_PEEK, IPCX_FOREVER, &value));
		CHECK_EQ(value, 10);
		CHECK_OK(recv_until(q, EXCEPT(2), IPCX_RECV_PEEK, IPCX_FOREVER, &value));
		CHECK_EQ(value, 10);
		CHECK_ERR(
			recv_until(q, TYPE(4), IPCX_RECV_PEEK | IPCX_NOWAIT, IPCX_FOREVER, &value),
			EAGAIN);
	}
	after = stat_of(q);
	CHECK_MEM(&after, &before, sizeof(after));
	CHECK_RECV(q, ANY, 20);
	CHECK_RECV(q, ANY, 10);
	CHECK_RECV(q, ANY, 30);
}

TEST(peek_with_too_small_a_buffer)
{
	uint64_t value = 5;
	struct ipcx_msg msg = ipcx_msg(&value, 3);
	int q = make_queue(0, 0, 0);

	CHECK_OK(send_value(q, 1, 0, 0x1122334455667788));
	CHECK_ERR(ipcx_queue_recv_msg(q, &msg, NULL, IPCX_RECV_PEEK, IPCX_FOREVER), EMSGSIZE);
	CHECK_EQ(msg.len, 8);
	CHECK_EQ(value, 5);
	msg.len = 3;
	CHECK_OK(ipcx_queue_recv_msg(q, &msg, NULL, IPCX_RECV_PEEK | IPCX_RECV_TRUNCATE,
				     IPCX_FOREVER));
	CHECK_EQ(msg.len, 8);
	CHECK_EQ(msg.flags, IPCX_MSG_TRUNCATED);
	CHECK_EQ(value, 0x667788);
	CHECK_RECV(q, ANY, 0x1122334455667788);
}
