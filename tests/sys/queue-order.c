// SPDX-License-Identifier: GPL-2.0
/*
 * The order of messages and the choice of a receiver, by hand and against a model that does
 * everything by looking at all messages.  If this fails, receivers get another message than the one
 * they are promised.
 */
#include <sys/mman.h>

#include "queue-test.h"

TEST(first_in_first_out_within_one_priority)
{
	int q = make_queue(0, 0, 0);
	uint64_t i;

	for (i = 0; i < 100; i++)
		CHECK_OK(send_value(q, 1, 5, i));
	for (i = 0; i < 100; i++)
		CHECK_RECV(q, ANY, i);
	CHECK_NONE(q, ANY);
}

TEST(higher_priority_first)
{
	int q = make_queue(0, 0, 0);

	CHECK_OK(send_value(q, 1, 0, 0));
	CHECK_OK(send_value(q, 1, IPCX_PRIORITY_MAX, 1));
	CHECK_OK(send_value(q, 1, 7, 2));
	CHECK_OK(send_value(q, 1, IPCX_PRIORITY_MAX, 3));
	CHECK_OK(send_value(q, 1, 0, 4));
	CHECK_RECV(q, ANY, 1);
	CHECK_RECV(q, ANY, 3);
	CHECK_RECV(q, ANY, 2);
	CHECK_RECV(q, ANY, 0);
	CHECK_RECV(q, ANY, 4);
}

TEST(types_do_not_change_the_order_of_arrival)
{
	int q = make_queue(0, 0, 0);
	uint64_t i;

	for (i = 0; i < 200; i++)
		CHECK_OK(send_value(q, 1 + i * 37 % 50, 3, i));
	for (i = 0; i < 200; i++)
		CHECK_RECV(q, ANY, i);
}

TEST(select_type)
{
	int q = make_queue(0, 0, 0);

	CHECK_OK(send_value(q, 4, 0, 1));
	CHECK_NONE(q, TYPE(3));
	CHECK_NONE(q, TYPE(5));
	CHECK_OK(send_value(q, 0xffffffff, 0, 2));
	CHECK_OK(send_value(q, 4, 9, 3));
	CHECK_OK(send_value(q, 4, 0, 4));
	CHECK_RECV(q, TYPE(4), 3);
	CHECK_RECV(q, TYPE(4), 1);
	CHECK_RECV(q, TYPE(4), 4);
	CHECK_NONE(q, TYPE(4));
	CHECK_RECV(q, TYPE(0xffffffff), 2);
}

/* The lowest type wins over the highest priority. */
TEST(select_lowest_type_up_to_a_limit)
{
	int q = make_queue(0, 0, 0);

	CHECK_OK(send_value(q, 9, 100, 1));
	CHECK_OK(send_value(q, 5, 0, 2));
	CHECK_OK(send_value(q, 5, 1, 3));
	CHECK_NONE(q, LOWEST(4));
	CHECK_RECV(q, LOWEST(5), 3);
	CHECK_RECV(q, LOWEST(100), 2);
	CHECK_NONE(q, LOWEST(8));
	CHECK_RECV(q, LOWEST(0xffffffff), 1);
}

TEST(select_any_type_but_one)
{
	int q = make_queue(0, 0, 0);

	CHECK_OK(send_value(q, 7, 100, 1));
	CHECK_NONE(q, EXCEPT(7));
	CHECK_OK(send_value(q, 7, 99, 2));
	CHECK_NONE(q, EXCEPT(7));
	CHECK_OK(send_value(q, 8, 0, 3));
	CHECK_OK(send_value(q, 9, 0, 4));
	CHECK_OK(send_value(q, 9, 1, 5));
	CHECK_RECV(q, EXCEPT(7), 5);
	CHECK_RECV(q, EXCEPT(7), 3);
	CHECK_RECV(q, EXCEPT(7), 4);
	CHECK_NONE(q, EXCEPT(7));
	CHECK_RECV(q, EXCEPT(1), 1);
}

/*
 * A receiver that cannot keep its message leaves it where it was: ahead of those that came later,
 * behind those that came before.
 */
TEST(a_message_given_back_keeps_its_place)
{
	uint32_t types[] = { 1, 1, 2, 1, 2, 3 };
	int q = make_queue(0, 0, 0);
	struct ipcx_select selects[] = { ANY, TYPE(2), LOWEST(9), EXCEPT(1), TYPE(3) };
	unsigned int i, round;

	for (round = 0; round < 2; round++) {
		/* all alike, then several types */
		for (i = 0; i < 6; i++)
			CHECK_OK(send_value(q, round ? types[i] : 1, 0, i));
		for (i = 0; i < 5; i++) {
			struct ipcx_msg msg = ipcx_msg((void *)8, 8);

			if (!round && (i == 1 || i >= 3))
				continue;
			CHECK_ERR(ipcx_queue_recv_msg(q, &msg, &selects[i], NO_WAIT), EFAULT);
		}
		for (i = 0; i < 6; i++)
			CHECK_RECV(q, ANY, i);
		CHECK_EQ(stat_of(q).received, 6 * (round + 1));
	}
}

/* ---- the model ---- */

#define MODEL_MAX	12000

/* In the order of arrival; id is the payload. */
struct model {
	struct {
		uint64_t id;
		uint32_t type, priority;
	} msgs[MODEL_MAX];
	unsigned int nr;
};

static struct model model;

/* The message that @select asks for, found by looking at all of them; -1 if there is none. */
static int model_find(struct ipcx_select select)
{
	uint32_t lowest = UINT32_MAX;
	int best = -1;
	unsigned int i;

	for (i = 0; i < model.nr; i++)
		if (model.msgs[i].type < lowest)
			lowest = model.msgs[i].type;
	for (i = 0; i < model.nr; i++) {
		uint32_t type = model.msgs[i].type;

		if (select.how == IPCX_SELECT_TYPE && type != select.type)
			continue;
		if (select.how == IPCX_SELECT_LOWEST && (type != lowest || type > select.type))
			continue;
		if (select.how == IPCX_SELECT_EXCEPT && type == select.type)
			continue;
		if (best < 0 || model.msgs[i].priority > model.msgs[best].priority)
			best = i;
	}
	return best;
}

static void model_remove(int i)
{
	model.nr--;
	memmove(&model.msgs[i], &model.msgs[i + 1], (model.nr - i) * sizeof(model.msgs[0]));
}

static void send_both(int q, uint64_t id, uint32_t type, uint32_t priority)
{
	CHECK_OK(send_value(q, type, priority, id));
	model.msgs[model.nr].id = id;
	model.msgs[model.nr].type = type;
	model.msgs[model.nr].priority = priority;
	model.nr++;
}

/* One receive, peek, failed receive or refused receive on both sides. */
static void recv_both(int q, struct ipcx_select select)
{
	uint64_t value = 0, way = test_random_below(8);
	struct ipcx_msg msg = ipcx_msg(&value, sizeof(value));
	int i = model_find(select), err = i < 0 ? -EAGAIN : 0;
	uint32_t flags = IPCX_NOWAIT;

	switch (way) {
	case 0:
		flags |= IPCX_RECV_PEEK;
		break;
	case 1:
		msg.buf = 8;
		err = err ? err : -EFAULT;
		break;
	case 2:
		msg.len = 7;
		err = err ? err : -EMSGSIZE;
		break;
	}
	CHECK_EQ(ipcx_queue_recv_msg(q, &msg, &select, flags, IPCX_FOREVER), err);
	if (err)
		return;
	CHECK_EQ(value, model.msgs[i].id);
	CHECK_EQ(msg.type, model.msgs[i].type);
	CHECK_EQ(msg.priority, model.msgs[i].priority);
	if (way)
		model_remove(i);
}

static struct ipcx_select random_select(uint32_t nr_types)
{
	uint32_t how = test_random_below(4);

	return select_of(how, how ? 1 + test_random_below(nr_types + 1) : 0);
}

/* Random sends and receives among @nr_types types and @nr_priorities priorities. */
static void compare(uint32_t nr_types, uint32_t nr_priorities, unsigned int depth,
		    unsigned int steps)
{
	int q = make_queue(MODEL_MAX, 0, 0);
	uint64_t id = 0;
	unsigned int i;

	model.nr = 0;
	for (i = 0; i < steps; i++) {
		/* now filling, now emptying */
		unsigned int fill = i / (depth * 2) % 2 ? 30 : 70;

		if (model.nr < MODEL_MAX && test_random_below(100) < fill)
			send_both(q, id++, 1 + test_random_below(nr_types),
				  test_random_below(nr_priorities));
		else
			recv_both(q, random_select(nr_types));
	}
	CHECK_EQ(stat_of(q).nr_msgs, model.nr);
	while (model.nr)
		recv_both(q, random_select(nr_types));
	CHECK_NONE(q, ANY);
	close(q);
}

TEST(model_one_type_one_priority)
{
	compare(1, 1, 20, 2000);
}

TEST(model_two_types_two_priorities)
{
	compare(2, 2, 10, 4000);
}

TEST(model_few_types_few_priorities)
{
	compare(5, 4, 50, 8000);
}

TEST(model_many_types_one_priority)
{
	compare(500, 1, 400, 6000);
}

TEST(model_one_type_many_priorities)
{
	compare(1, IPCX_PRIORITY_MAX + 1, 400, 6000);
}

TEST(model_many_types_many_priorities)
{
	compare(60, 60, 1000, 8000);
}

/* Thousands of pairs at once, then all of them by every selection. */
TEST(model_thousands_of_pairs)
{
	int q = make_queue(MODEL_MAX, 0, 0);
	unsigned int i;

	for (i = 0; i < 6000; i++)
		send_both(q, i, 1 + test_random_below(3000), test_random_below(2000));
	for (i = 0; i < 3000; i++)
		recv_both(q, random_select(3000));
	for (i = 3000; i > 2500; i--)
		recv_both(q, EXCEPT(i));
	/* the rest in the kernel's own order, each against its predecessor */
	while (model.nr > 500)
		model_remove(model_find(ANY));
	while (stat_of(q).nr_msgs > 500) {
		uint64_t value;

		CHECK_OK(recv_value(q, ANY, &value));
	}
	while (model.nr)
		recv_both(q, random_select(3000));
}

/* Any order of a few messages, given back at every point. */
TEST(model_several_taken_and_given_back)
{
	struct ipcx_msg msgs[8];
	int q = make_queue(0, 0, 0);
	uint64_t values[8];
	unsigned int i, j, round;

	for (round = 0; round < 200; round++) {
		unsigned int bad = test_random_below(8);

		model.nr = 0;
		for (i = 0; i < 8; i++)
			send_both(q, i, 1 + test_random_below(3), test_random_below(3));
		for (i = 0; i < 8; i++)
			msgs[i] = ipcx_msg(i == bad ? (void *)8 : &values[i], 8);
		/* stops at the bad buffer; what was moved before it is the result */
		CHECK_EQ(ipcx_queue_recvv(q, msgs, 8, NULL, NO_WAIT), bad ? (int)bad : -EFAULT);
		for (j = 0; j < bad; j++) {
			i = model_find(ANY);
			CHECK_EQ(values[j], model.msgs[i].id);
			model_remove(i);
		}
		while (model.nr)
			recv_both(q, ANY);
	}
}
