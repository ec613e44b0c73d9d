// SPDX-License-Identifier: GPL-2.0
/*
 * Several threads use one object, and some of their calls wait for a while; what each returned, and in which order, must be
 * what a sequential object could have done (tests/lib/history.h).  If this fails, an operation is not one step for those who
 * look on.
 */
#include "object.h"

#include "../lib/history.h"

#define NR_THREADS	4
#define EACH		(HISTORY_MAX / NR_THREADS)
#define WAIT_NS		100000

static struct history h;
static uint32_t now;
static int subject, ready, nr_sent;

static uint32_t stamp(void)
{
	return __atomic_add_fetch(&now, 1, __ATOMIC_SEQ_CST);
}

static void do_op(struct operation *op, uint32_t random)
{
	uint64_t value = 0, until = 0;
	unsigned int flags = op->waits ? 0 : IPCX_NOWAIT;
	struct ipcx_msg m = ipcx_msg(&value, sizeof(value));

	if (op->waits)
		until = ipcx_after_ns(WAIT_NS);
	op->called = stamp();
	switch (op->op) {
	case H_SEND:
		value = op->value;
		m.priority = op->value / 1000;
		m.type = 1 + random % 2;
		op->ret = ipcx_queue_send_msg(subject, &m, flags, until);
		break;
	case H_RECV:
		op->ret = ipcx_queue_recv_msg(subject, &m, NULL, flags, until);
		op->value = op->ret ? 0 : value;
		break;
	case H_POST:
		op->ret = ipcx_sem_post(subject, 1);
		break;
	case H_TAKE:
		op->ret = h.kind == H_SEM ? ipcx_sem_wait(subject, 1, flags, until) : ipcx_event_wait(subject, flags, until);
		break;
	case H_SET:
		op->ret = ipcx_event_set(subject);
		break;
	case H_RESET:
		op->ret = ipcx_event_reset(subject);
		break;
	case H_PULSE:
		op->ret = ipcx_event_pulse(subject);
		break;
	}
	op->returned = stamp();
}

static int use(void *arg)
{
	struct operation *ops = &h.ops[(long)arg * EACH];

	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < NR_THREADS)
		continue;
	for (int i = 0; i < EACH; i++)
		do_op(&ops[i], (uint32_t)(long)arg * 7 + i);
	return 0;
}

static enum history_op random_op(void)
{
	static const enum history_op of_events[] = { H_SET, H_TAKE, H_TAKE, H_RESET, H_PULSE };

	switch (h.kind) {
	case H_QUEUE:
		return test_random_below(2) ? H_SEND : H_RECV;
	case H_SEM:
		return test_random_below(2) ? H_POST : H_TAKE;
	default:
		return of_events[test_random_below(5)];
	}
}

static void record(enum history_kind kind, int priorities, unsigned int rounds)
{
	struct ipcx_queue_limits limits = { .max_msgs = 5 };
	struct ipcx_options manual = { .flags = IPCX_EVENT_MANUAL };
	struct test_thread t[NR_THREADS];
	unsigned int overlaps = 0, served = 0, given_up = 0, pulsed = 0;
	uint32_t bad;

	while (rounds--) {
		h = (struct history){ .kind = kind, .nr = NR_THREADS * EACH };
		now = ready = nr_sent = 0;
		switch (kind) {
		case H_QUEUE:
			subject = CHECK_OK(ipcx_queue_create(NULL, &limits, NULL));
			h.max = 5;
			break;
		case H_SEM:
			subject = sem(1, 3);
			h.initial = 1;
			h.max = 3;
			break;
		default:
			subject = CHECK_OK(ipcx_event_create(NULL, 0, kind == H_MANUAL_EVENT ? &manual : NULL));
			break;
		}
		for (unsigned int i = 0; i < h.nr; i++) {
			h.ops[i].op = random_op();
			h.ops[i].waits = test_random_below(3) == 0;
			if (h.ops[i].op == H_SEND)
				h.ops[i].value = test_random_below(priorities) * 1000 + ++nr_sent;
		}
		for (long i = 0; i < NR_THREADS; i++)
			thread_start(&t[i], use, (void *)i);
		for (int i = 0; i < NR_THREADS; i++)
			thread_join(&t[i]);
		for (unsigned int i = 0; i < h.nr; i++) {
			overlaps += h.ops[i].returned - h.ops[i].called > 1;
			served += h.ops[i].waits && !h.ops[i].ret;
			given_up += h.ops[i].waits && h.ops[i].ret == -ETIMEDOUT;
			pulsed += h.ops[i].op == H_PULSE && h.ops[i].ret;
		}
		bad = history_check(&h);
		if (bad) {
			history_reduce(&h, bad);
			history_show(&h, bad);
			FAIL("no sequential object could have done that");
		}
		close(subject);
	}
	/* or nothing has been seen */
	CHECK_GT(overlaps, 0);
	CHECK_GT(given_up, 0);
	CHECK(pulsed || (kind != H_EVENT && kind != H_MANUAL_EVENT));
	NOTE("%u operations met others; of those that would wait %u got what they waited for, %u did not; %u pulses let somebody through",
	     overlaps, served, given_up, pulsed);
}

/* IPCX_HISTORIES: of each kind. */
static unsigned int nr_rounds(void)
{
	const char *value = getenv("IPCX_HISTORIES");

	return value ? strtoul(value, NULL, 10) : 150;
}

TEST_LIMIT(of_a_queue, 3600000)
{
	record(H_QUEUE, 1, nr_rounds());
}

TEST_LIMIT(of_a_queue_with_priorities, 3600000)
{
	record(H_QUEUE, 3, nr_rounds());
}

TEST_LIMIT(of_a_semaphore, 3600000)
{
	record(H_SEM, 1, nr_rounds());
}

TEST_LIMIT(of_an_event, 3600000)
{
	record(H_EVENT, 1, nr_rounds());
}

TEST_LIMIT(of_an_event_reset_by_hand, 3600000)
{
	record(H_MANUAL_EVENT, 1, nr_rounds());
}
