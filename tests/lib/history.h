/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Histories: what several threads called, and what came back, with the order of the calls and returns; and whether a
 * sequential object could have done that.
 *
 * The check is Wing and Gong's search ("Testing and Verifying Concurrent Objects", 1993) for an order of the operations
 * that respects which returned before which was called, with Lowe's memory of the configurations that have led nowhere
 * ("Testing for linearizability", 2017).  An operation that has not returned may have happened or not.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HISTORY_MAX	60

enum history_op { H_SEND, H_RECV, H_POST, H_TAKE, H_SET, H_RESET, H_PULSE };

/* The sequential objects. */
enum history_kind { H_QUEUE, H_SEM, H_EVENT, H_MANUAL_EVENT, H_RING };

/**
 * struct operation - one of a history
 * @op:		what
 * @value:	that was sent, or came; of H_QUEUE, priority * 1000 + number
 * @ret:	0, what a set, a reset or a pulse tells, or -errno; of a pulse that has not returned, what it will tell
 * @waits:	for a while, if it must: then it fails with -ETIMEDOUT
 * @killed:	its caller was, in the midst of it: what a receive has taken from a queue may come back to where it was
 * @called:	when it was called, in the order of all calls and returns
 * @returned:	likewise; 0 if it has not
 */
struct operation {
	enum history_op op;
	int value;
	int ret;
	bool waits;
	bool killed;
	uint32_t called;
	uint32_t returned;
};

struct history {
	enum history_kind kind;
	int initial;		/* units, or whether it is set */
	int max;		/* H_SEM: units; H_QUEUE, H_RING: messages */
	unsigned int nr;
	struct operation ops[HISTORY_MAX];
};

/*
 * What a sequential object is like: the count, or the messages in their order; how many a pulse has still to let through,
 * of those called before it returned; and the message that somebody had who was killed.
 */
struct history_state {
	int count;
	int pulsed;
	uint32_t pulse_end;
	int hand;
	int values[HISTORY_MAX];
};

static inline bool history_has_messages(const struct history *h)
{
	return h->kind == H_QUEUE || h->kind == H_RING;
}

/* Whoever waits and gets nothing has found that at some time there was nothing. */
static inline bool history_refused(const struct operation *op)
{
	return op->ret == (op->waits ? -ETIMEDOUT : -EAGAIN);
}

static inline bool history_meet(const struct operation *a, const struct operation *b)
{
	return (!a->returned || a->returned > b->called) && (!b->returned || b->returned > a->called);
}

/*
 * A ring's messages and rooms come in the order in which they were claimed: a receive waits for the send that is at the
 * front, a send for the receive that is emptying its slot.
 */
static inline bool history_kept_waiting(const struct history *h, const struct history_state *s, const struct operation *op)
{
	if (h->kind != H_RING)
		return false;
	for (unsigned int i = 0; i < h->nr; i++) {
		const struct operation *other = &h->ops[i];

		if (!history_meet(op, other) || (other->returned && other->ret))
			continue;
		if (op->op == H_SEND ? other->op == H_RECV : other->op == H_SEND && other->value == s->values[0])
			return true;
	}
	return false;
}

/* A message comes into @s: behind all of its priority and above, or before those of its priority. */
static inline void history_insert(struct history_state *s, int value, bool before)
{
	int i;

	for (i = s->count++; i > 0 && s->values[i - 1] / 1000 < value / 1000 + before; i--)
		s->values[i] = s->values[i - 1];
	s->values[i] = value;
}

static inline int history_first(struct history_state *s)
{
	int value = s->values[0];

	memmove(s->values, s->values + 1, --s->count * sizeof(s->values[0]));
	s->values[s->count] = 0;
	return value;
}

/* Lets @op happen to @s; false if it could not have returned what it did.  Unknown results are those of @pending. */
static inline bool history_step(const struct history *h, struct history_state *s, const struct operation *op, bool pending)
{
	int n = s->count;

	/* a pulse and those it lets through are one step */
	if (s->pulsed) {
		if (op->op != H_TAKE || !op->waits || op->called > s->pulse_end || (!pending && op->ret))
			return false;
		/* one step: all of them had been called before any of them, or the pulse, returned */
		if (op->returned && op->returned < s->pulse_end)
			s->pulse_end = op->returned;
		if (!--s->pulsed)
			s->pulse_end = 0;
		return true;
	}
	switch (op->op) {
	case H_SEND:
		if (n >= h->max || (!pending && history_refused(op) && history_kept_waiting(h, s, op)))
			return pending || history_refused(op);
		if (!pending && op->ret)
			return false;
		history_insert(s, op->value, false);
		return true;
	case H_RECV:
		if (!n || (!pending && history_refused(op) && history_kept_waiting(h, s, op)))
			return pending || history_refused(op);
		if (!pending && (op->ret || s->values[0] != op->value))
			return false;
		history_first(s);
		return true;
	case H_POST:
		if (n >= h->max)
			return pending || op->ret == -EOVERFLOW;
		s->count++;
		return pending || !op->ret;
	case H_SET:
		/* tells whether it was set before, as does a reset */
		s->count = 1;
		return pending || op->ret == n;
	case H_RESET:
		s->count = 0;
		return pending || op->ret == n;
	case H_PULSE:
		/* lets through all who wait, or one of them */
		s->count = 0;
		s->pulsed = op->ret;
		if (op->ret)
			s->pulse_end = op->returned ? op->returned : UINT32_MAX;
		return op->ret >= 0 && (h->kind == H_MANUAL_EVENT || op->ret <= 1);
	case H_TAKE:
		if (!n)
			return pending || history_refused(op);
		if (h->kind != H_MANUAL_EVENT)
			s->count--;
		return pending || !op->ret;
	}
	return false;
}

/* Somebody who was killed takes a message, which is gone unless a second such step gives it back: then it is all over. */
static inline bool history_hand(struct history_state *s, bool *over)
{
	*over = s->hand;
	if (s->hand) {
		history_insert(s, s->hand, true);
		s->hand = 0;
		return true;
	}
	if (!s->count)
		return false;
	s->hand = history_first(s);
	return true;
}

#define HISTORY_BITS	18

/* Configurations that have led nowhere: which operations have happened, a hash of the state, and in which search. */
struct history_memory {
	uint64_t (*seen)[3];
	uint64_t nr;
	uint64_t search;
};

static inline bool history_remember(struct history_memory *m, uint64_t done, const struct history_state *s)
{
	uint64_t hash = 1469598103934665603ull, at;
	const uint32_t *p = (const uint32_t *)s;
	/* values behind the last message are 0 */
	unsigned int nr = offsetof(struct history_state, values) / sizeof(*p) + (s->values[0] ? s->count : 0);

	for (unsigned int i = 0; i < nr; i++) {
		hash = (hash ^ p[i]) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29;
	}
	at = (hash ^ done) * 0x9e3779b97f4a7c15ull >> (64 - HISTORY_BITS);
	while (m->seen[at][2] == m->search) {
		if (m->seen[at][0] == done && m->seen[at][1] == hash)
			return false;
		at = (at + 1) & ((1ull << HISTORY_BITS) - 1);
	}
	/* a full memory only makes the search longer */
	if (m->nr * 2 < 1ull << HISTORY_BITS) {
		m->seen[at][0] = done;
		m->seen[at][1] = hash;
		m->seen[at][2] = m->search;
		m->nr++;
	}
	return true;
}

/* @now: what came after that in the history has not happened yet. */
static inline bool history_search(const struct history *h, uint32_t now, uint64_t done, const struct history_state *s,
				  struct history_memory *m)
{
	uint32_t first_return = UINT32_MAX;
	bool complete = true;

	for (unsigned int i = 0; i < h->nr; i++) {
		const struct operation *op = &h->ops[i];

		if (done >> i & 1 || op->called > now || !op->returned || op->returned > now)
			continue;
		complete = false;
		if (op->returned < first_return)
			first_return = op->returned;
	}
	if (complete && !s->pulsed)
		return true;
	for (unsigned int i = 0; i < h->nr; i++) {
		const struct operation *op = &h->ops[i];
		struct history_state next = *s;
		bool over;

		if (done >> i & 1 || op->called > now || op->called > first_return)
			continue;
		if (op->killed && op->op == H_RECV && h->kind == H_QUEUE) {
			if (history_hand(&next, &over) && history_remember(m, done | (uint64_t)over << i, &next) &&
			    history_search(h, now, done | (uint64_t)over << i, &next, m))
				return true;
			continue;
		}
		if (history_step(h, &next, op, !op->returned || op->returned > now) &&
		    history_remember(m, done | 1ull << i, &next) &&
		    history_search(h, now, done | 1ull << i, &next, m))
			return true;
	}
	return false;
}

/* Could a sequential object have done what happened up to @now? */
static inline bool history_possible(const struct history *h, uint32_t now)
{
	/* what earlier searches have left is theirs: clearing, and faulting in, would take longer than most searches */
	static struct history_memory m;
	struct history_state s = { .count = h->initial };

	if (!m.seen)
		m.seen = calloc(1ull << HISTORY_BITS, sizeof(*m.seen));
	if (!m.seen)
		abort();
	m.nr = 0;
	m.search++;
	return history_search(h, now, 0, &s, &m);
}

/*
 * 0 if it is possible; else when it first was not: what has happened until then cannot be explained, and anything less can.
 * If that is so of a beginning, it is so of all that is longer.
 */
static inline uint32_t history_check(const struct history *h)
{
	uint32_t good = 0, bad = 0;

	for (unsigned int i = 0; i < h->nr; i++)
		if (h->ops[i].returned > bad)
			bad = h->ops[i].returned;
	if (!bad || history_possible(h, bad))
		return 0;
	while (bad - good > 1) {
		uint32_t middle = good + (bad - good) / 2;

		if (history_possible(h, middle))
			good = middle;
		else
			bad = middle;
	}
	return bad;
}

static inline bool history_pending(const struct operation *op)
{
	return !op->returned;
}

static inline bool history_failed(const struct operation *op)
{
	return !history_pending(op) && op->ret < 0;
}

/* Had everything else returned, or not been called, while operation @i was at it? */
static inline bool history_alone(const struct history *h, unsigned int i)
{
	const struct operation *op = &h->ops[i];

	for (unsigned int j = 0; j < h->nr; j++)
		if (j != i && h->ops[j].called < op->returned &&
		    (history_pending(&h->ops[j]) || h->ops[j].returned > op->called))
			return false;
	return !history_pending(op);
}

/* The count that operation @i and the @nr - 1 next, one after the other, make of @count; -1 if they cannot have been. */
static inline int history_count(const struct history *h, unsigned int i, unsigned int nr, int count)
{
	struct history_state s = { .count = count };

	while (nr--)
		if (!history_step(h, &s, &h->ops[i++], false))
			return -1;
	return s.count;
}

/* Could a message have been in the queue when @failed found it full?  @group: its operations. */
static inline bool history_filled(const struct history *h, uint64_t group, const struct operation *failed)
{
	bool sent = false;

	for (unsigned int i = 0; i < h->nr; i++) {
		const struct operation *op = &h->ops[i];

		if (!(group >> i & 1))
			continue;
		if (op->op == H_SEND)
			sent |= op->called < failed->returned;
		else if (op->returned < failed->called)
			return false;
	}
	return sent;
}

/*
 * What of a queue can go with operation @i.  A message goes with its receives: the others keep their order, and what was
 * empty is empty.  It stays if it may have been what made the queue full for somebody.
 */
static inline uint64_t history_message(const struct history *h, unsigned int i)
{
	const struct operation *op = &h->ops[i];
	uint64_t group = 0;

	/* what a receive has taken that has not returned is not known */
	if (history_pending(op) && op->op == H_RECV)
		return 0;
	if (history_failed(op))
		return 1ull << i;
	for (unsigned int j = 0; j < h->nr; j++)
		if (h->ops[j].value == op->value && !history_failed(&h->ops[j]))
			group |= 1ull << j;
	/* nor one that may have kept somebody waiting */
	for (unsigned int j = 0; h->kind == H_RING && j < h->nr; j++)
		for (unsigned int k = 0; history_failed(&h->ops[j]) && k < h->nr; k++)
			if (group >> k & 1 && history_meet(&h->ops[j], &h->ops[k]))
				return 0;
	for (unsigned int j = 0; j < h->nr; j++)
		if (h->ops[j].op == H_SEND && history_failed(&h->ops[j]) && history_filled(h, group, &h->ops[j]))
			return 0;
	return group;
}

/* A pulse and whom it may have let through belong together. */
static inline bool history_pulsed(const struct history *h, const struct operation *op)
{
	if (op->op == H_PULSE)
		return op->ret;
	for (unsigned int i = 0; i < h->nr; i++) {
		const struct operation *pulse = &h->ops[i];

		if (pulse->op == H_PULSE && pulse->ret && op->op == H_TAKE && op->waits && !op->ret &&
		    (history_pending(op) || pulse->called < op->returned) &&
		    (history_pending(pulse) || op->called < pulse->returned))
			return true;
	}
	return false;
}

/*
 * What of a count can go with operation @i and the @nr - 1 next: one that leaves any count as it was; several that do, if
 * nothing met them; the first, if nothing met it: @to begins with what it led to.  Others that met are what may be to blame.
 */
static inline uint64_t history_units(const struct history *h, unsigned int i, unsigned int nr, struct history *to)
{
	uint64_t group = ((1ull << nr) - 1) << i;
	int end, max = h->kind == H_SEM ? h->max : 1;
	bool alone = true, idle = true;

	for (unsigned int j = i; j < i + nr; j++) {
		if (history_pulsed(h, &h->ops[j]))
			return 0;
		alone = alone && history_alone(h, j);
	}
	if (history_pending(&h->ops[i]) || (nr > 1 && !alone))
		return 0;
	for (int count = 0; count <= max; count++) {
		end = history_count(h, i, nr, count);
		idle = idle && (end < 0 || end == count);
	}
	if (idle)
		return group;
	end = history_count(h, i, nr, h->initial);
	if (i || nr > 1 || !alone || end < 0)
		return 0;
	to->initial = end;
	return group;
}

/* The longest row of operations that is tried. */
#define HISTORY_GROUP	3

/*
 * Make @to of @h, whose operations are in the order of their calls, by leaving out what begins with @i and is @nr long.
 * False if that could make what is possible impossible.
 */
static inline bool history_lessen(const struct history *h, unsigned int i, unsigned int nr, struct history *to)
{
	uint64_t group;

	if (i + nr > h->nr || (history_has_messages(h) && nr > 1))
		return false;
	*to = *h;
	group = history_has_messages(h) ? history_message(h, i) : history_units(h, i, nr, to);
	to->nr = 0;
	for (unsigned int j = 0; j < h->nr; j++)
		if (!(group >> j & 1))
			to->ops[to->nr++] = h->ops[j];
	return group;
}

static inline int history_by_call(const void *a, const void *b)
{
	const struct operation *x = a, *y = b;

	return x->called < y->called ? -1 : x->called > y->called;
}

/* As it was at @now, in the order of the calls. */
static inline void history_cut(struct history *h, uint32_t now)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < h->nr; i++) {
		struct operation op = h->ops[i];

		if (op.called > now)
			continue;
		if (op.returned > now)
			op.returned = 0;
		if (op.op == H_RECV && history_pending(&op))
			op.value = 0;
		h->ops[nr++] = op;
	}
	h->nr = nr;
	qsort(h->ops, nr, sizeof(h->ops[0]), history_by_call);
}

/* Leave of what was impossible at @now what still is, and is possible with any less that may go. */
static inline void history_reduce(struct history *h, uint32_t now)
{
	struct history less;
	bool again;

	history_cut(h, now);
	do {
		again = false;
		for (unsigned int i = 0; i < h->nr; i++) {
			for (unsigned int nr = 1; nr <= HISTORY_GROUP; nr++) {
				while (history_lessen(h, i, nr, &less) && !history_possible(&less, now)) {
					*h = less;
					again = true;
				}
			}
		}
	} while (again);
}

/* Print what had been called until @now, and where it began. */
static inline void history_show(const struct history *h, uint32_t now)
{
	static const char *const names[] = { "send", "receive", "post", "take", "set", "reset", "pulse" };

	if (!history_has_messages(h))
		printf("# the count is %d\n", h->initial);
	for (unsigned int i = 0; i < h->nr; i++) {
		const struct operation *op = &h->ops[i];

		const char *wait = op->waits ? " or wait" : "";

		if (op->called > now)
			continue;
		printf("# [%3u, ", op->called);
		if (op->returned && op->returned <= now)
			printf("%3u] %s%s %d: %d\n", op->returned, names[op->op], wait, op->value, op->ret);
		else
			printf("...] %s%s %d%s\n", names[op->op], wait, op->op == H_RECV ? 0 : op->value,
			       op->killed ? ", and was killed" : "");
	}
	fflush(stdout);
}

#endif /* HISTORY_H */
