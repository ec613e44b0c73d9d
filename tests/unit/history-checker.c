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
	h.ops[h.nr++] = (struct operation){ .op = op, .value = value, .ret = ret, .called = called, .returned = returned };
}

/* As add(), of a call that waits. */
static void add_wait(enum history_op op, int value, int ret, uint32_t called, uint32_t returned)
{
	add(op, value, ret, called, returned);
	h.ops[h.nr - 1].waits = true;
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

/* Who is killed while it receives has the message, or not, or had it for a while. */
TEST(what_a_killed_one_had_in_hand_may_come_back_where_it_was)
{
	begin(H_QUEUE, 0, 2);
	add(H_SEND, 1, 0, 1, 2);
	add(H_SEND, 2, 0, 3, 4);
	add(H_RECV, 0, 0, 5, 0);
	h.ops[2].killed = true;
	add(H_RECV, 2, 0, 6, 7);
	CHECK_EQ(history_check(&h), 0);
	/* it has come back before what was sent after it, or has not */
	add(H_SEND, 3, 0, 8, 9);
	add(H_RECV, 1, 0, 10, 11);
	add(H_RECV, 3, 0, 12, 13);
	CHECK_EQ(history_check(&h), 0);
	h.ops[5].value = 3;
	h.ops[6] = (struct operation){ .op = H_RECV, .ret = -EAGAIN, .called = 12, .returned = 13 };
	CHECK_EQ(history_check(&h), 0);
	/* not behind it, nor twice */
	add(H_SEND, 4, 0, 14, 15);
	add(H_RECV, 4, 0, 16, 17);
	CHECK_EQ(history_check(&h), 0);
	add(H_RECV, 1, 0, 18, 19);
	CHECK_EQ(history_check(&h), 0);
	add(H_RECV, 1, 0, 20, 21);
	CHECK_EQ(history_check(&h), 21);
	/* only of the dead */
	h.nr = 4;
	add(H_RECV, 1, 0, 8, 9);
	CHECK_EQ(history_check(&h), 0);
	h.ops[2].killed = false;
	CHECK_EQ(history_check(&h), 9);
}

TEST(rings_keep_waiting_only_for_what_is_at_it)
{
	begin(H_RING, 0, 2);
	add(H_SEND, 1, 0, 1, 6);
	add(H_SEND, 2, 0, 2, 3);
	add(H_RECV, 0, -EAGAIN, 4, 5);
	CHECK_EQ(history_check(&h), 0);
	h.kind = H_QUEUE;
	CHECK_EQ(history_check(&h), 5);
	/* what is at the front has been sent */
	h.kind = H_RING;
	h.ops[0].returned = 0;
	h.ops[0].ret = 0;
	h.ops[0].called = 7;
	CHECK_EQ(history_check(&h), 5);
	/* the slot that comes next is being emptied */
	begin(H_RING, 0, 2);
	add(H_SEND, 1, 0, 1, 2);
	add(H_RECV, 1, 0, 3, 6);
	add(H_SEND, 2, -EAGAIN, 4, 5);
	CHECK_EQ(history_check(&h), 0);
	h.ops[1].called = 7;
	h.ops[1].returned = 8;
	CHECK_EQ(history_check(&h), 5);
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

TEST(who_gives_up_has_found_nothing_at_some_time)
{
	begin(H_QUEUE, 0, 1);
	add_wait(H_RECV, 0, -ETIMEDOUT, 1, 4);
	add(H_SEND, 1, 0, 2, 3);
	CHECK_EQ(history_check(&h), 0);
	add_wait(H_SEND, 2, -ETIMEDOUT, 5, 6);
	CHECK_EQ(history_check(&h), 0);
	/* there was something all the time */
	add_wait(H_RECV, 0, -ETIMEDOUT, 7, 8);
	CHECK_EQ(history_check(&h), 8);
	/* who waits is never told to come again */
	h.ops[--h.nr].ret = -EAGAIN;
	h.ops[2].ret = -EAGAIN;
	CHECK_EQ(history_check(&h), 6);
}

TEST(a_pulse_lets_through_who_waits)
{
	begin(H_EVENT, 0, 1);
	add_wait(H_TAKE, 0, 0, 1, 5);
	add_wait(H_TAKE, 0, -ETIMEDOUT, 2, 6);
	add(H_PULSE, 0, 1, 3, 4);
	CHECK_EQ(history_check(&h), 0);
	/* nobody, somebody who is not there, two of one that lets one through */
	h.ops[2].ret = 0;
	CHECK_EQ(history_check(&h), 5);
	h.ops[2].ret = 1;
	h.ops[0].ret = -ETIMEDOUT;
	CHECK_EQ(history_check(&h), 6);
	h.ops[0].ret = h.ops[1].ret = 0;
	h.ops[2].ret = 2;
	CHECK(history_check(&h));
	h.kind = H_MANUAL_EVENT;
	CHECK_EQ(history_check(&h), 0);
	/* in one step: one who comes when another has returned is not let through by the same pulse */
	h.ops[1].called = 6;
	h.ops[1].returned = 7;
	h.ops[2].returned = 8;
	CHECK(history_check(&h));
	h.ops[1].called = 2;
	CHECK_EQ(history_check(&h), 0);
	h.ops[2].returned = 4;
	/* who does not wait is not let through, nor who comes later */
	h.ops[1].waits = false;
	CHECK(history_check(&h));
	h.ops[1].waits = true;
	h.ops[1].called = 7;
	h.ops[1].returned = 8;
	CHECK(history_check(&h));
}

/* Lets @op happen to @s, whatever it then returns. */
static void happen(struct history_state *s, struct operation *op)
{
	static const int results[] = { 0, 1, -EAGAIN, -ETIMEDOUT, -EOVERFLOW };
	struct history_state next;

	if (op->op == H_RECV)
		op->value = s->count ? s->values[0] : 0;
	for (unsigned int i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		next = *s;
		op->ret = results[i];
		if (history_step(&h, &next, op, false)) {
			*s = next;
			return;
		}
	}
	FAIL("nothing is possible");
}

static enum history_op random_op(enum history_kind kind)
{
	switch (kind) {
	case H_QUEUE:
	case H_RING:
		return H_SEND + test_random_below(2);
	case H_SEM:
		return H_POST + test_random_below(2);
	default:
		return H_TAKE + test_random_below(4);
	}
}

static unsigned int pulsed;

/* What @nr_threads could do to an object of @kind; some of it has not returned. */
static void make_up(enum history_kind kind, int max, unsigned int nr, unsigned int nr_threads)
{
	struct { int op; bool happened; } threads[4] = { { -1, false }, { -1, false }, { -1, false }, { -1, false } };
	struct history_state s = { .count = kind == H_SEM };
	uint32_t now = 0;

	begin(kind, s.count, max);
	while (h.nr < nr) {
		unsigned int t = test_random_below(nr_threads);
		struct operation *op = &h.ops[threads[t].op < 0 ? h.nr : (unsigned int)threads[t].op];

		if (threads[t].op < 0) {
			threads[t].op = h.nr;
			add(random_op(kind), 0, 0, ++now, 0);
			op->waits = test_random_below(3) == 0;
			if (op->op == H_SEND)
				op->value = test_random_below(2) * 1000 + h.nr;
		} else if (!threads[t].happened) {
			happen(&s, op);
			threads[t].happened = true;
			for (unsigned int i = 0; op->op == H_PULSE && i < nr_threads; i++) {
				struct operation *other = &h.ops[threads[i].op < 0 ? 0 : threads[i].op];

				if (threads[i].op < 0 || threads[i].happened || other->op != H_TAKE || !other->waits ||
				    (kind == H_EVENT && op->ret))
					continue;
				other->ret = 0;
				threads[i].happened = true;
				op->ret++;
				pulsed++;
			}
		} else {
			op->returned = ++now;
			threads[t].op = -1;
			threads[t].happened = false;
		}
	}
	/* a result is not known before the return, but of a pulse */
	for (unsigned int i = 0; i < h.nr; i++)
		if (!h.ops[i].returned && h.ops[i].op != H_PULSE)
			h.ops[i].ret = 0;
}

static const enum history_kind kinds[] = { H_QUEUE, H_SEM, H_EVENT, H_MANUAL_EVENT, H_RING };

TEST(to_lessen_what_is_possible_leaves_it_possible)
{
	struct history less;
	unsigned int tried = 0;

	for (int round = 0; round < 500; round++) {
		make_up(kinds[round % 5], 1 + test_random_below(3), 16, 2 + round / 5 % 3);
		CHECK(history_possible(&h, UINT32_MAX - 1));
		history_cut(&h, UINT32_MAX - 1);
		for (unsigned int i = 0; i < h.nr; i++) {
			for (unsigned int nr = 1; nr <= HISTORY_GROUP; nr++) {
				if (!history_lessen(&h, i, nr, &less))
					continue;
				tried++;
				if (!history_possible(&less, UINT32_MAX - 1)) {
					history_show(&h, UINT32_MAX - 1);
					history_show(&less, UINT32_MAX - 1);
					FAIL("only the first of these is possible");
				}
			}
		}
	}
	CHECK_GT(tried, 1000);
	CHECK_GT(pulsed, 10);
}

/* What is left of what has been planted behind a long history. */
static void reduce_to(uint32_t bad, unsigned int nr)
{
	CHECK_EQ(history_check(&h), bad);
	history_reduce(&h, bad);
	CHECK(!history_possible(&h, bad));
	if (h.nr != nr)
		history_show(&h, bad);
	CHECK_EQ(h.nr, nr);
}

TEST(a_message_that_comes_twice_is_all_that_is_left)
{
	make_up(H_QUEUE, HISTORY_MAX, 40, 1);
	/* has not returned */
	h.nr--;
	add(H_SEND, 2999, 0, 100, 101);
	add(H_SEND, 998, 0, 102, 105);
	add(H_RECV, 2999, 0, 103, 104);
	add(H_RECV, 2999, 0, 106, 108);
	add(H_SEND, 997, 0, 107, 110);
	add(H_RECV, 996, 0, 111, 112);
	reduce_to(108, 3);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(h.ops[i].value, 2999);
}

TEST(messages_in_the_wrong_order_are_all_that_is_left)
{
	make_up(H_QUEUE, HISTORY_MAX, 40, 1);
	h.nr--;
	add(H_SEND, 2998, 0, 100, 101);
	add(H_SEND, 2999, 0, 102, 104);
	add(H_SEND, 2997, 0, 103, 105);
	add(H_RECV, 2999, 0, 106, 107);
	add(H_RECV, 2998, 0, 108, 109);
	/* 2998 may have stayed, but had come first; and 2997 need not have been sent */
	reduce_to(107, 3);
}

TEST(messages_stay_where_a_queue_was_full_for_somebody)
{
	begin(H_QUEUE, 0, 3);
	for (int i = 0; i < 20; i++) {
		add(H_SEND, 1 + i, 0, 4 * i + 1, 4 * i + 2);
		add(H_RECV, 1 + i, 0, 4 * i + 3, 4 * i + 4);
	}
	add(H_SEND, 31, 0, 100, 101);
	add(H_SEND, 32, 0, 102, 103);
	add(H_SEND, 33, -EAGAIN, 104, 106);
	add(H_RECV, 0, 0, 105, 0);
	reduce_to(106, 4);
}

TEST(units_too_many_are_all_that_is_left_and_what_met)
{
	begin(H_SEM, 1, 3);
	for (int i = 0; i < 20; i++) {
		add(H_POST, 0, 0, 4 * i + 1, i == 10 ? 4 * i + 3 : 4 * i + 2);
		add(H_TAKE, 0, 0, i == 10 ? 4 * i + 2 : 4 * i + 3, 4 * i + 4);
	}
	add(H_TAKE, 0, 0, 100, 102);
	add(H_TAKE, 0, 0, 101, 103);
	add(H_TAKE, 0, -EAGAIN, 104, 105);
	reduce_to(103, 4);
	CHECK_EQ(h.initial, 1);
	CHECK_EQ(h.ops[0].called, 41);
	CHECK_EQ(h.ops[1].called, 42);
}

TEST(an_event_that_lets_two_through_is_all_that_is_left)
{
	make_up(H_EVENT, 1, 40, 1);
	h.nr--;
	add(H_RESET, 0, 0, 100, 101);
	h.ops[h.nr - 1].ret = history_possible(&h, 101) ? 0 : 1;
	add(H_SET, 0, 0, 102, 104);
	add(H_TAKE, 0, 0, 103, 105);
	add(H_TAKE, 0, 0, 106, 107);
	reduce_to(107, 3);
}

TEST(a_pulse_that_lets_nobody_through_is_all_that_is_left)
{
	make_up(H_EVENT, 1, 40, 1);
	h.nr--;
	add(H_RESET, 0, 0, 100, 101);
	h.ops[h.nr - 1].ret = history_possible(&h, 101) ? 0 : 1;
	add_wait(H_TAKE, 0, -ETIMEDOUT, 102, 106);
	add(H_TAKE, 0, -EAGAIN, 103, 105);
	add(H_PULSE, 0, 1, 104, 107);
	reduce_to(107, 1);
	CHECK_EQ(h.ops[0].op, H_PULSE);
}
