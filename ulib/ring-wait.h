/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long an end of a ring spins before it sleeps.
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

#endif /* IPCX_RING_WAIT_H */
