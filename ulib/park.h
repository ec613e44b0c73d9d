/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Waiting on shared memory: spin for a while, then sleep on a futex; and what it takes that those
 * who wake need no barrier.
 */
#ifndef IPCX_PARK_H
#define IPCX_PARK_H

#include <stdbool.h>
#include <stdint.h>

#include "internal.h"

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#define load_relaxed(p)		__atomic_load_n(p, __ATOMIC_RELAXED)
#define load_acquire(p)		__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store_relaxed(p, v)	__atomic_store_n(p, v, __ATOMIC_RELAXED)
#define store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)

/*
 * A sleeper looks again at least this often, whatever the memory says: a peer that was killed
 * between changing the memory and waking, or that writes garbage, costs this much and no more.
 */
#define PARK_LOOK_NS		100000000ULL
#define PARK_LOOK_SOON_NS	1000000ULL

/*
 * WAKE_BARRIER: who waits announces it, then looks a last time, then sleeps; who publishes stores
 * the news, then looks for an announcement.  Each must see the other's store:
 *
 *	waiter				publisher
 *	look: nothing			(the news is in the store buffer)
 *	sleep = 1
 *					sleep is 0: wakes nobody
 *	look: nothing, sleeps
 *					(the news arrives)
 *
 * A barrier in every publisher would cost more than the rest of a send.  So the waiter, which is
 * about to pay for a sleep anyway, runs one on all processors of those who publish:
 * park_barrier() here, park_publish_barrier(), which only the compiler sees, there.
 */
static inline void park_publish_barrier(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
#ifndef __x86_64__
	/* Only where it was seen that a store and a later load need nothing else. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* Is *@mark anything but 0?  One instruction less than a load and a comparison. */
static inline bool is_marked(const uint32_t *mark)
{
#ifdef __x86_64__
	bool marked;

	__asm__ volatile("cmpl $0, %1" : "=@ccne"(marked) : "m"(*mark));
	return marked;
#else
	return load_relaxed(mark);
#endif
}

/* park.c */

/* Let this process take part in park_barrier(); false if the kernel cannot. */
IPCX_HIDDEN bool ipcx_internal_park_register(void);
/* WAKE_BARRIER, the waiter's side; false if it may not have reached the others. */
IPCX_HIDDEN bool ipcx_internal_park_barrier(void);

/*
 * Sleep while *@word is @value, for at most @look_ns.  0: look again; -ETIMEDOUT: @timeout (of
 * the clock that @flags say) has passed; -EINTR: a signal handler has run.
 */
IPCX_HIDDEN int ipcx_internal_park(uint32_t *word, uint32_t value, unsigned int flags,
				   uint64_t timeout, uint64_t look_ns);
/* Wake up to @nr sleepers on *@word; returns how many. */
IPCX_HIDDEN int ipcx_internal_unpark(uint32_t *word, int nr);

IPCX_HIDDEN uint64_t ipcx_internal_now(unsigned int flags);
/* Are there processors for the other side to run on? */
IPCX_HIDDEN bool ipcx_internal_may_spin(void);

static inline void cpu_relax(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#else
	__asm__ volatile("" ::: "memory");
#endif
}

/**
 * struct spin - one wait's spinning
 * @looks: so far
 * @apart: pauses from one to the next
 * @end: CLOCK_MONOTONIC time at which to stop, 0 before the clock was read
 */
struct spin {
	unsigned int looks;
	unsigned int apart;
	uint64_t end;
};

#define SPIN_LOOKS	16		/* from one look at the clock to the next */

/* The most pauses between two looks that are worth it: a pause is 4 to 54 ns, by processor. */
IPCX_HIDDEN extern uint8_t ipcx_internal_most_apart;
IPCX_HIDDEN void ipcx_internal_measure_pause(void);

IPCX_HIDDEN bool ipcx_internal_spin_clock(struct spin *spin, uint64_t ns);

/*
 * Between two looks; false once @ns have been spun.  There is a pause from the first on: looks without one keep asking
 * for the line that the other side is about to write.
 */
static inline bool spin_more(struct spin *spin, uint64_t ns)
{
	for (unsigned int i = 0; i < spin->apart; i++)
		cpu_relax();
	if (likely(++spin->looks & (SPIN_LOOKS - 1)))
		return true;
	return ipcx_internal_spin_clock(spin, ns);
}

#endif /* IPCX_PARK_H */
