/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How an end of a ring waits: how long it spins before it sleeps, and how it stays behind a stream.
 */
#ifndef IPCX_RING_WAIT_H
#define IPCX_RING_WAIT_H

#include <sched.h>

#include "ring.h"

#define WAIT_FLAGS	(IPCX_NOWAIT | IPCX_REALTIME)
#define HOPELESS	4	/* after so many spins in vain, most waits spin for less ... */
#define HOPELESS_SHARE	16
#define HOPELESS_RETRY	16	/* ... and one of so many for all of the time */

/* Tell the other end where this one runs. */
static inline void note_cpu(struct ring_side *s)
{
	uint32_t cpu = (uint32_t)sched_getcpu() + 1;

	if (cpu != s->cpu) {
		s->cpu = cpu;
		store_relaxed(&s->bell->cpu, cpu);
	}
}

/* How long this wait may spin: not at all if the other end cannot run meanwhile. */
static inline uint64_t spin_time(const struct ring *r, struct ring_side *s)
{
	note_cpu(s);
	if (!r->may_spin || load_relaxed(&s->theirs->cpu) == s->cpu)
		return s->spin_ns == IPCX_FOREVER ? IPCX_FOREVER : 0;
	if (s->misses >= HOPELESS && s->misses % HOPELESS_RETRY && s->spin_ns != IPCX_FOREVER)
		return s->spin_ns / HOPELESS_SHARE;
	return s->spin_ns;
}

/*
 * May the other side run on this processor as soon as it is given away?  Then that is tried a few
 * times first: two switches cost half of a sleep and a wake-up.
 */
#define YIELDS	3

static inline bool yield_first(const struct ring *r, const struct ring_side *s)
{
	return s->spin_ns && (!r->may_spin || s->is_many || load_relaxed(&s->theirs->cpu) == s->cpu);
}

/*
 * A wait that was over at once may mean that this end receives a stream and the other end is just ahead, writing
 * to the very line that is looked at; each look takes the line away.  So the next wait lets it get some messages
 * ahead first.  If it has not done so by then, it was an answer that came soon: for more and more waits that is
 * not tried again.
 */
#define SHORT_SPIN	4	/* pauses */
#define BEHIND_PAUSES	8	/* between two looks at the clock */
#define BEHIND_NS	5	/* for each slot: about the time of half of them */
#define MOST_BACKOFF	10

static inline void stay_behind(const struct ring_side *s)
{
	uint64_t end = ipcx_internal_now(0) + s->behind * BEHIND_NS;

	do {
		for (int i = 0; i < BEHIND_PAUSES; i++)
			cpu_relax();
	} while (ipcx_internal_now(0) < end);
}

/* After staying behind: was it a stream? */
static inline void note_streaming(struct ring_side *s, bool streaming)
{
	if (streaming) {
		s->backoff = 0;
		return;
	}
	s->streaming = 0;
	s->backoff += s->backoff < MOST_BACKOFF;
	s->hold = (1U << s->backoff) - 1;
}

/*
 * A spin has found something.  A look takes the line away from whoever is about to write to it, so looks move apart until
 * the second mostly finds something, which is where a line takes 50 ns or 200 to come; up to MOST_APART_NS, which is
 * little where the other side needs longer.
 */
#define ENOUGH_LOOKS	2

static inline void note_short(struct ring_side *s, const struct spin *spin)
{
	if (spin->looks > ENOUGH_LOOKS && s->apart < load_relaxed(&ipcx_internal_most_apart))
		s->apart++;
	else if (spin->looks < ENOUGH_LOOKS && s->apart > 1)
		s->apart--;
	if (s->hold)
		s->hold--;
	else
		s->streaming = spin->looks * spin->apart <= SHORT_SPIN;
}

#endif /* IPCX_RING_WAIT_H */
