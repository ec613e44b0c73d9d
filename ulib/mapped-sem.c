// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Mapped semaphores: counting semaphores in shared memory, which enter the kernel only to sleep
 * and to wake.
 *
 * The count and the mark that somebody sleeps are one word, so that a post cannot miss a sleeper:
 *
 *	wait				post
 *	turn = t
 *	word: 0 units -> 0, sleeper
 *					word: 0, sleeper -> 1 unit, no sleeper
 *					turn = t + 1, FUTEX_WAKE
 *	FUTEX_WAIT while turn is t: returns at once, or is woken
 *
 * Who posts clears the mark before it wakes, and sets it again if as many were woken as it asked
 * for, since there may be more.  Another post that comes in between finds no mark.  Its units are
 * left to those who are awake: a waiter that was woken wakes another one if it leaves units; and
 * if it has come and gone before the mark is set again, TOOK tells who sets it, which wakes
 * again.  If somebody is killed in between, the others look for themselves after PARK_LOOK_NS.
 * tests/model/mapped-sem.pml is a model of this.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <unistd.h>

#include <ipcx-ring.h>

#include "park.h"
#include "share.h"

/* The word: units in the lower half. */
#define SLEEPERS	(1ULL << 32)	/* somebody sleeps */
#define SEVERAL		(1ULL << 33)	/* and wants more than one unit */
#define TOOK		(1ULL << 34)	/* one who slept has taken units, since a post cleared the mark */
#define VALID		(1ULL << 63)	/* it is a semaphore, even with no units */
#define UNITS(word)	((uint32_t)(word))

/* The configuration: most units above those of the beginning. */
#define CONFIG_MARK	(1ULL << 63)
#define CONFIG(initial, max)	(CONFIG_MARK | (uint64_t)(max) << 31 | (initial))
#define CONFIG_MAX(config)	((uint32_t)((config) >> 31) & INT_MAX)
#define CONFIG_INITIAL(config)	((uint32_t)(config) & INT_MAX)

#define HOPELESS	4
#define HOPELESS_SHARE	16
#define HOPELESS_RETRY	16

/**
 * struct msem_shared - a semaphore; zeros are none yet
 * @config: CONFIG()
 * @word: units and marks
 * @turn: futex: how often somebody has been woken
 * @cpu: where who last woke others ran, plus 1
 */
struct msem_shared {
	uint64_t config;
	uint64_t word;
	uint32_t turn;
	uint32_t cpu;
	uint32_t reserved[10];
};

/**
 * struct msem - what struct ipcx_msem is
 * @shared: the semaphore
 * @max: most units
 * @misses: spins in a row that were in vain, by all threads
 * @woke: turn after this process last woke others
 * @spin_ns: time to spin
 * @share: the memory, if it was mapped here
 */
struct msem {
	struct msem_shared *shared;
	uint32_t max;
	uint32_t misses;
	uint64_t spin_ns;
	struct share share;
	uint32_t woke;
	bool may_spin;
};

_Static_assert(sizeof(struct msem_shared) == IPCX_MSEM_SIZE, "as documented");
_Static_assert(sizeof(struct msem) <= sizeof(struct ipcx_msem), "room for a msem");

/* Make a semaphore of zeros, or take the one that is there.  Nobody ever sees half of one. */
static int msem_init(struct msem *s, struct msem_shared *shared, uint64_t config)
{
	uint64_t there = 0, none = 0;

	if (config)
		__atomic_compare_exchange_n(&shared->config, &there, config, false,
					    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	config = load_acquire(&shared->config);
	if (!(config & CONFIG_MARK) || !CONFIG_MAX(config) ||
	    CONFIG_INITIAL(config) > CONFIG_MAX(config))
		return -ENODATA;
	/* Whoever comes first; the others find that it is not 0, nor ever will be. */
	__atomic_compare_exchange_n(&shared->word, &none, VALID | CONFIG_INITIAL(config), false,
				    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	s->shared = shared;
	s->max = CONFIG_MAX(config);
	s->misses = 0;
	s->woke = load_relaxed(&shared->turn);
	s->spin_ns = IPCX_MSEM_SPIN_NS;
	s->may_spin = ipcx_internal_may_spin();
	return 0;
}

int ipcx_msem_place(struct ipcx_msem *sem, void *mem, unsigned int initial, unsigned int max)
{
	struct msem *s = (struct msem *)sem;

	if (!max)
		max = INT_MAX;
	if (!mem || (uintptr_t)mem % IPCX_MSEM_SIZE || max > INT_MAX || initial > max)
		return -EINVAL;
	s->share.base = NULL;
	return msem_init(s, mem, CONFIG(initial, max));
}

int ipcx_msem_create(const char *name, unsigned int initial, unsigned int max,
		     const struct ipcx_options *options)
{
	struct share share;
	struct msem s;
	int fd, ret;

	if (!max)
		max = INT_MAX;
	if (max > INT_MAX || initial > max)
		return -EINVAL;
	fd = ipcx_internal_share_create(name, sizeof(struct msem_shared), options);
	if (fd < 0)
		return fd;
	ret = ipcx_internal_share_map(&share, fd, SHARE_UNLOCKED);
	if (!ret) {
		ret = -ENODATA;
		if (share.len >= sizeof(struct msem_shared))
			ret = msem_init(&s, share.base, CONFIG(initial, max));
		ipcx_internal_share_unmap(&share);
	}
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

int ipcx_msem_attach(struct ipcx_msem *sem, int fd)
{
	struct msem *s = (struct msem *)sem;
	int ret;

	s->shared = NULL;
	ret = ipcx_internal_share_map(&s->share, fd, SHARE_UNLOCKED);
	if (ret)
		return ret;
	ret = -ENODATA;
	if (s->share.len >= sizeof(struct msem_shared))
		ret = msem_init(s, s->share.base, 0);
	if (ret)
		ipcx_internal_share_unmap(&s->share);
	return ret;
}

int ipcx_msem_detach(struct ipcx_msem *sem)
{
	struct msem *s = (struct msem *)sem;

	if (!s->shared)
		return -EBADF;
	s->shared = NULL;
	if (s->share.base)
		ipcx_internal_share_unmap(&s->share);
	return 0;
}

int ipcx_msem_set_spin(struct ipcx_msem *sem, uint64_t ns)
{
	struct msem *s = (struct msem *)sem;

	store_relaxed(&s->spin_ns, ns);
	store_relaxed(&s->misses, 0);
	return 0;
}

int ipcx_msem_value(const struct ipcx_msem *sem)
{
	uint32_t units = UNITS(load_relaxed(&((const struct msem *)sem)->shared->word));

	return units > INT_MAX ? INT_MAX : (int)units;
}

/* Set the mark again.  Are there units that nobody who is awake need know of? */
static bool mark_again(struct msem *s)
{
	uint64_t old = load_relaxed(&s->shared->word), new;

	do {
		new = old | SLEEPERS;
		if (old & TOOK && UNITS(old))
			new &= ~TOOK;
	} while (!__atomic_compare_exchange_n(&s->shared->word, &old, new, true, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return old & TOOK && UNITS(old);
}

/* There are @nr units, and somebody may sleep, as @word says. */
static __attribute__((noinline)) void wake(struct msem *s, unsigned int nr, uint64_t word)
{
	int wanted = word & SEVERAL || nr > INT_MAX ? INT_MAX : (int)nr;
	struct msem_shared *shared = s->shared;

	store_relaxed(&shared->cpu, (uint32_t)sched_getcpu() + 1);
	do {
		store_relaxed(&s->woke, __atomic_add_fetch(&shared->turn, 1, __ATOMIC_SEQ_CST));
		if (ipcx_internal_unpark(&shared->turn, wanted) != wanted)
			break;
	} while (mark_again(s));
}

/* Somebody may sleep, or there is no room, or others are at it, too. */
static __attribute__((noinline)) int post_slowly(struct msem *s, unsigned int nr)
{
	uint64_t old = load_relaxed(&s->shared->word), new;

	do {
		if ((uint64_t)UNITS(old) + nr > s->max || !nr)
			return nr ? -EOVERFLOW : -EINVAL;
		new = old + nr;
		if (old & SLEEPERS)
			new &= ~(SLEEPERS | SEVERAL | TOOK);
	} while (!__atomic_compare_exchange_n(&s->shared->word, &old, new, true, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	if (old & SLEEPERS)
		wake(s, nr, old);
	return 0;
}

int ipcx_msem_post(struct ipcx_msem *sem, unsigned int nr)
{
	struct msem *s = (struct msem *)sem;
	struct msem_shared *shared = s->shared;
	uint64_t old = load_relaxed(&shared->word);

	/* One less than no units is more than there is room for. */
	if (unlikely(old & SLEEPERS || (uint64_t)UNITS(old) + (uint32_t)(nr - 1) >= s->max))
		return post_slowly(s, nr);
	if (unlikely(!__atomic_compare_exchange_n(&shared->word, &old, old + nr, true, __ATOMIC_SEQ_CST,
						  __ATOMIC_RELAXED)))
		return post_slowly(s, nr);
	return 0;
}

/* Take @nr units if they are there, and leave @mark; *@old becomes the word as it was last seen. */
static inline bool take(struct msem *s, unsigned int nr, uint64_t mark, uint64_t *old)
{
	*old = load_relaxed(&s->shared->word);
	while (likely(UNITS(*old) >= nr))
		if (likely(__atomic_compare_exchange_n(&s->shared->word, old, (*old - nr) | mark,
						       true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)))
			return true;
	return false;
}

/* The same after a sleep: who was woken wakes others if it leaves units. */
static bool take_after_sleep(struct msem *s, unsigned int nr, uint64_t *old)
{
	if (!take(s, nr, TOOK, old))
		return false;
	if (UNITS(*old) > nr)
		wake(s, UNITS(*old) - nr, *old);
	return true;
}

/* For how long to spin: not at all if who posts runs on this processor, as far as is known. */
static uint64_t spin_time(struct msem *s)
{
	uint64_t spin_ns = load_relaxed(&s->spin_ns);
	uint32_t misses = load_relaxed(&s->misses);

	if (spin_ns == IPCX_FOREVER || !spin_ns)
		return spin_ns;
	if (!s->may_spin || (load_relaxed(&s->shared->cpu) == (uint32_t)sched_getcpu() + 1 &&
			     load_relaxed(&s->shared->turn) != load_relaxed(&s->woke)))
		return 0;
	return misses >= HOPELESS && misses % HOPELESS_RETRY ? spin_ns / HOPELESS_SHARE : spin_ns;
}

static __attribute__((noinline)) int wait_slowly(struct msem *s, unsigned int nr,
						 unsigned int flags, uint64_t timeout)
{
	uint64_t spin_ns, now, old, mark = nr > 1 ? SLEEPERS | SEVERAL : SLEEPERS;
	struct spin spin = { .apart = 1 };
	bool slept = false;
	uint32_t turn;
	int ret;

	if (flags & ~(IPCX_NOWAIT | IPCX_REALTIME) || !nr || nr > s->max)
		return -EINVAL;
	if (flags & IPCX_NOWAIT)
		return -EAGAIN;
	spin_ns = spin_time(s);
	if (timeout != IPCX_FOREVER) {
		now = ipcx_internal_now(flags);
		if (now >= timeout)
			return -ETIMEDOUT;
		if (spin_ns > timeout - now)
			spin_ns = timeout - now;
	}
	if (spin_ns) {
		while (spin_more(&spin, spin_ns)) {
			if (take(s, nr, 0, &old)) {
				if (load_relaxed(&s->misses))
					store_relaxed(&s->misses, 0);
				return 0;
			}
		}
		store_relaxed(&s->misses, load_relaxed(&s->misses) + 1);
	}
	for (;;) {
		turn = load_acquire(&s->shared->turn);
		if (slept ? take_after_sleep(s, nr, &old) : take(s, nr, 0, &old))
			return 0;
		if ((old & mark) != mark &&
		    !__atomic_compare_exchange_n(&s->shared->word, &old, old | mark, false,
						 __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			continue;
		ret = ipcx_internal_park(&s->shared->turn, turn, flags, timeout, PARK_LOOK_NS);
		if (ret)
			return take(s, nr, 0, &old) ? 0 : ret;
		slept = true;
	}
}

int ipcx_msem_wait(struct ipcx_msem *sem, unsigned int nr, unsigned int flags, uint64_t timeout)
{
	struct msem *s = (struct msem *)sem;
	uint64_t old;

	if (likely(nr && take(s, nr, 0, &old)))
		return 0;
	return wait_slowly(s, nr, flags, timeout);
}

int ipcx_msem_trywait(struct ipcx_msem *sem, unsigned int nr)
{
	struct msem *s = (struct msem *)sem;
	uint64_t old;

	if (likely(nr && take(s, nr, 0, &old)))
		return 0;
	return nr && nr <= s->max ? -EAGAIN : -EINVAL;
}
