// SPDX-License-Identifier: GPL-2.0
/*
 * The checker of histories: what is possible, and what is not.  If this fails, sys/histories proves nothing.
 */
#include "../lib/history.h"
#include "ipcx-test.h"

static struct history h;

static void begin(enum history_kind kind, int initial, int max)
{
	memset(&h, 0, sizeof(h));
	h.kind = kind;
	h.initial = initial;
	h.max = max;
}

static void add(enum history_op op, int value, int ret, uint32_t called, uint32_t returned)
{
	h.ops[h.nr++] = (struct operation){ op, value, ret, called, returned };
}

TEST(a_queue_is_first_in_first_out)
{
	begin(H_QUEUE, 0, 10);
	add(H_SEND, 1, 0, 1, 2);
	add(H_SEND, 2, 0, 3, 4);
	add(H_RECV, 1, 0, 5, 6);
	add(H_RECV, 2, 0, 7, 8);
	add(H_RECV, 0, -EAGAIN, 9, 10);
	CHECK_EQ(history_check(&h), 0);
	h.ops[2].value = 2;
	h.ops[3].value = 1;
	/* it was wrong as soon as 2 came out */
	CHECK_EQ(history_check(&h), 6);
}

TEST(sends_at_the_same_time_have_either_order)
{
	begin(H_QUEUE, 0, 10);
	add(H_SEND, 1, 0, 1, 4);
	add(H_SEND, 2, 0, 2, 3);
	add(H_RECV, 2, 0, 5, 6);
	add(H_RECV, 1, 0, 7, 8);
	CHECK_EQ(history_check(&h), 0);
}

TEST(a_message_comes_once_and_none_comes_from_nowhere)
{
	begin(H_QUEUE, 0, 10);
	add(H_SEND, 1, 0, 1, 2);
	add(H_RECV, 1, 0, 3, 5);
	add(H_RECV, 1, 0, 4, 6);
	CHECK_EQ(history_check(&h), 6);
	begin(H_QUEUE, 0, 10);
	add(H_RECV, 7, 0, 1, 2);
	CHECK_EQ(history_check(&h), 2);
	/* sent, but later */
	begin(H_QUEUE, 0, 10);
	add(H_RECV, 7, 0, 1, 2);
	add(H_SEND, 7, 0, 3, 4);
	CHECK_EQ(history_check(&h), 2);
	/* received before its send has returned */
	begin(H_QUEUE, 0, 10);
	add(H_SEND, 7, 0, 1, 4);
	add(H_RECV, 7, 0, 2, 3);
	CHECK_EQ(history_check(&h), 0);
}

TEST(priorities_and_limits)
{
	begin(H_QUEUE, 0, 2);
	add(H_SEND, 1, 0, 1, 2);
	add(H_SEND, 1002, 0, 3, 4);
	add(H_SEND, 3, -EAGAIN, 5, 6);
	add(H_RECV, 1002, 0, 7, 8);
	add(H_RECV, 1, 0, 9, 10);
	CHECK_EQ(history_check(&h), 0);
	h.ops[3].value = 1;
	h.ops[4].value = 1002;
	CHECK_EQ(history_check(&h), 8);
	begin(H_QUEUE, 0, 2);
	add(H_SEND, 1, -EAGAIN, 1, 2);
	CHECK_EQ(history_check(&h), 2);
}

TEST(an_empty_queue_is_not_seen_while_a_message_is_there)
{
	begin(H_QUEUE, 0, 10);
	add(H_SEND, 1, 0, 1, 2);
	add(H_RECV, 0, -EAGAIN, 3, 4);
	CHECK_EQ(history_check(&h), 4);
}

TEST(what_has_not_returned_may_have_happened)
{
	begin(H_QUEUE, 0, 10);
	add(H_SEND, 1, 0, 1, 0);
	add(H_RECV, 1, 0, 2, 3);
	CHECK_EQ(history_check(&h), 0);
	begin(H_QUEUE, 0, 10);
	add(H_SEND, 1, 0, 1, 0);
	add(H_RECV, 0, -EAGAIN, 2, 3);
	CHECK_EQ(history_check(&h), 0);
}

TEST(semaphores)
{
	begin(H_SEM, 1, 2);
	add(H_TAKE, 0, 0, 1, 3);
	add(H_TAKE, 0, -EAGAIN, 2, 4);
	add(H_POST, 0, 0, 5, 6);
	add(H_POST, 0, 0, 7, 8);
	add(H_POST, 0, -EOVERFLOW, 9, 10);
	CHECK_EQ(history_check(&h), 0);
	h.ops[1].ret = 0;
	CHECK_EQ(history_check(&h), 4);
}

TEST(events)
{
	begin(H_EVENT, 0, 1);
	add(H_SET, 0, 0, 1, 2);
	add(H_TAKE, 0, 0, 3, 4);
	add(H_TAKE, 0, 0, 5, 6);
	CHECK_EQ(history_check(&h), 6);
	h.kind = H_MANUAL_EVENT;
	CHECK_EQ(history_check(&h), 0);
	add(H_RESET, 0, 1, 7, 8);
	add(H_TAKE, 0, 0, 9, 10);
	CHECK_EQ(history_check(&h), 10);
	h.ops[3].ret = 0;
	CHECK_EQ(history_check(&h), 8);
}
