// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rings: making, attaching and leaving them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy.h"
#include "ring.h"
#include "ring-wait.h"

#define DEFAULT_SLOTS	64
#define CONFIG_MAGIC	0x53ULL		/* changes with the layout */
#define MANY_MAX_LEN	((1U << 28) - 1)
#define WIDE		256U		/* from this stride on, slots begin on a cache line */
#define RING_MAX_AT	(1ULL << 62)	/* no ring has moved so many bytes of slots */

static size_t round_up(size_t n, size_t unit)
{
	return (n + unit - 1) & ~(unit - 1);
}

/* Logarithm of the smallest power of 2 that is at least @n. */
static uint32_t bits_for(size_t n)
{
	return n <= 1 ? 0 : 64 - (uint32_t)__builtin_clzll(n - 1);
}

/*
 * Fill in what follows from flags, nr_bits, spill_bits and max_len, which may come from the
 * memory: false if there can be no such ring.
 */
static bool shape_complete(struct ring_shape *s)
{
	if (s->flags & ~RING_FLAGS || s->nr_bits > bits_for(IPCX_RING_MAX_SLOTS) ||
	    s->spill_bits > 40 || !s->max_len || s->max_len > IPCX_RING_MAX_LEN)
		return false;
	if (s->spill_bits) {
		s->spill_len = 1ULL << (s->spill_bits - 1);
		if (s->flags & IPCX_RING_MANY || s->spill_len < round_up(s->max_len, RING_LINE))
			return false;
		s->inline_len = IPCX_RING_INLINE;
		s->stride = RING_LINE;
	} else {
		s->spill_len = 0;
		if (s->flags & IPCX_RING_MANY && s->max_len > MANY_MAX_LEN)
			return false;
		s->stride = round_up(RING_HEAD + (size_t)s->max_len, RING_HEAD);
		/* Many write the words: no two of them on a line. */
		if (s->stride <= RING_LINE || s->stride >= WIDE || s->flags & IPCX_RING_MANY)
			s->stride = round_up(s->stride, RING_LINE);
		s->inline_len = s->max_len;
	}
	if (s->inline_len > s->max_len)
		s->inline_len = s->max_len;
	s->spill_at = round_up(sizeof(struct ring_shared) + (s->stride << s->nr_bits), RING_APART);
	s->size = s->spill_at + s->spill_len;
	return s->size <= (1ULL << 46);
}

static int shape_from_limits(struct ring_shape *s, const struct ipcx_ring_limits *limits)
{
	static const struct ipcx_ring_limits defaults;
	size_t max_len;

	if (!limits)
		limits = &defaults;
	max_len = limits->max_len ? limits->max_len : IPCX_RING_INLINE;
	if (limits->slots > IPCX_RING_MAX_SLOTS || max_len > IPCX_RING_MAX_LEN ||
	    limits->bytes > 1ULL << 39 || (limits->bytes && limits->bytes < max_len))
		return -EINVAL;
	s->flags = limits->flags;
	s->nr_bits = bits_for(limits->slots ? limits->slots : DEFAULT_SLOTS);
	s->max_len = (uint32_t)max_len;
	s->spill_bits = limits->bytes ? bits_for(round_up(limits->bytes, RING_LINE)) + 1 : 0;
	return shape_complete(s) ? 0 : -EINVAL;
}

static uint64_t config_pack(const struct ring_shape *s)
{
	return CONFIG_MAGIC << 56 | (uint64_t)s->flags << 48 | (uint64_t)s->nr_bits << 40 |
	       (uint64_t)s->spill_bits << 32 | s->max_len;
}

static bool config_unpack(uint64_t config, struct ring_shape *s)
{
	s->flags = config >> 48 & 0xff;
	s->nr_bits = config >> 40 & 0xff;
	s->spill_bits = config >> 32 & 0xff;
	s->max_len = (uint32_t)config;
	return config >> 56 == CONFIG_MAGIC && shape_complete(s);
}

size_t ipcx_ring_size(const struct ipcx_ring_limits *limits)
{
	struct ring_shape shape;

	return shape_from_limits(&shape, limits) ? 0 : shape.size;
}

int ipcx_ring_format(int fd, const struct ipcx_ring_limits *limits)
{
	struct ring_shape shape;
	struct ring_shared *shared;
	struct share share;
	uint64_t none = 0;
	int ret;

	ret = shape_from_limits(&shape, limits);
	if (ret)
		return ret;
	ret = ipcx_internal_share_map(&share, fd, 0);
	if (ret)
		return ret;
	shared = share.base;
	if (share.len < shape.size)
		ret = -ENOSPC;
	else if (!__atomic_compare_exchange_n(&shared->config, &none, config_pack(&shape), false,
					      __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		ret = -EEXIST;
	ipcx_internal_share_unmap(&share);
	return ret;
}

int ipcx_ring_create(const char *name, const struct ipcx_ring_limits *limits,
		     const struct ipcx_options *options)
{
	size_t size = ipcx_ring_size(limits);
	int fd, ret;

	if (!size)
		return -EINVAL;
	fd = ipcx_internal_share_create(name, size, options);
	if (fd < 0)
		return fd;
	ret = ipcx_ring_format(fd, limits);
	/* With a name it may be another's ring, of another size. */
	if (ret && !(name && (ret == -EEXIST || ret == -ENOSPC))) {
		close(fd);
		return ret;
	}
	return fd;
}

/* What an end that is not attached finds as its slot: never ready. */
static const uint64_t never_ready;

static void side_clear(struct ring_side *side)
{
	memset(side, 0, sizeof(*side));
	side->base = (uintptr_t)&never_ready;
	side->lap = LAP_ONE;
	side->event = side->their_event = -1;
}

static void side_init(const struct ring *r, struct ring_side *side, const struct ring_shape *shape)
{
	side_clear(side);
	side->shared = r->shared;
	side->slots = (char *)(r->shared + 1);
	side->stride = shape->stride;
	side->end = side->slots + (shape->stride << shape->nr_bits);
	side->inline_len = shape->inline_len;
	side->fast_len = shape->inline_len < COPY_SMALL ? shape->inline_len : COPY_SMALL;
	side->spin_ns = IPCX_RING_SPIN_NS;
	side->apart = 1;
	side->behind = shape->nr_bits < 8 ? (uint8_t)(1U << shape->nr_bits) : UINT8_MAX;
}

bool ipcx_internal_ring_is_there(const struct ring *r, uint64_t pos)
{
	return WORD_LAP(load_acquire((uint64_t *)slot_of(r, &r->tx, pos))) == lap_of(r, pos);
}

/* The messages from number @pos on that are there: they follow each other, and the words are all that says so. */
static uint32_t count_there(const struct ring *r, uint64_t pos)
{
	uint32_t least = 0, most = r->nr, middle;

	while (least < most) {
		middle = least + (most - least) / 2;
		if (ipcx_internal_ring_is_there(r, pos + middle))
			least = middle + 1;
		else
			most = middle;
	}
	return least;
}

/* The number of the message that the receiver comes to next: false if what it has written is garbage. */
static bool received(const struct ring *r, uint64_t *pos)
{
	uint64_t at = load_acquire(&r->shared->rx.pos);

	*pos = at / r->tx.stride;
	return at < RING_MAX_AT && at == *pos * r->tx.stride;
}

/* The end of @side is at message number @pos from now on. */
static void seek(const struct ring *r, struct ring_side *side, uint64_t pos)
{
	side->at = pos * side->stride;
	side->base = (uintptr_t)slot_of(r, side, pos) - side->at;
	side->lap_end = ((pos >> r->nr_bits) + 1) * all_slots(side);
	side->lap = (uint64_t)lap_of(r, pos) << 32;
}

static void side_attach(struct ring_side *side, struct ring_bell *bell, struct ring_bell *theirs,
			bool expedited)
{
	side->bell = bell;
	side->theirs = theirs;
	side->attached = 1;
	store_relaxed(&bell->word.sleep, 0);
	note_cpu(side);
	store_relaxed(&bell->expedited, expedited ? ALL_EXPEDITED : NOT_EXPEDITED);
	store_release(&bell->state, END_HERE);
	/* WAKE_BARRIER: who sleeps already has not counted on this end. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	ring_wake_if_waiting(side, 0);
}

/* Go on where the last sender stopped: what it published counts, whatever it was doing when it died. */
static int attach_tx(struct ring *r, bool expedited)
{
	struct ring_shared *shared = r->shared;
	struct ring_side *side = &r->tx;
	uint64_t pos;

	if (!received(r, &pos))
		return -EPROTO;
	side->own = &shared->tx;
	seek(r, side, pos);
	side->room_end = side->at + all_slots(side);
	seek(r, side, pos + count_there(r, pos));
	side->limit = side->at;
	side->spill_pos = load_relaxed(&shared->tx.spill);
	side->spill_seen = load_relaxed(&shared->rx.spill);
	if (side->spill_pos % RING_LINE)
		return -EPROTO;
	/* More than there is: it began anew and the receiver does not know yet. */
	if (side->spill_pos - side->spill_seen > r->spill_len)
		side->spill_seen = side->spill_pos - r->spill_len;
	side_attach(side, &shared->room, &shared->data, expedited);
	return 0;
}

static int attach_rx(struct ring *r, bool expedited)
{
	struct ring_shared *shared = r->shared;
	struct ring_side *side = &r->rx;
	uint64_t pos;

	if (!received(r, &pos))
		return -EPROTO;
	side->own = &shared->rx;
	seek(r, side, pos);
	side->spill_pos = load_relaxed(&shared->rx.spill);
	side_attach(side, &shared->data, &shared->room, expedited);
	return 0;
}

int ipcx_ring_attach(struct ipcx_ring *ring, int fd, unsigned int role)
{
	unsigned int ends = role & (IPCX_RING_SENDER | IPCX_RING_RECEIVER), map = 0;
	struct ring *r = ring_of(ring);
	struct ring_shape shape;
	bool expedited;
	int ret;

	if (!ends || role & ~(IPCX_RING_SENDER | IPCX_RING_RECEIVER | IPCX_RING_POPULATE))
		return -EINVAL;
	memset(r, 0, sizeof(*r));
	if (role & IPCX_RING_POPULATE)
		map |= SHARE_POPULATE;
	ret = ipcx_internal_share_map(&r->share, fd, map);
	if (ret)
		return ret;
	ret = -ENODATA;
	r->shared = r->share.base;
	if (r->share.len < sizeof(*r->shared) ||
	    !config_unpack(load_acquire(&r->shared->config), &shape) || r->share.len < shape.size)
		goto err;
	if (shape.flags & IPCX_RING_HUGE) {
		ipcx_internal_share_unmap(&r->share);
		ret = ipcx_internal_share_map(&r->share, fd, map | SHARE_HUGE);
		if (ret)
			return ret;
		r->shared = r->share.base;
	}
	r->nr_bits = shape.nr_bits;
	r->nr = 1U << shape.nr_bits;
	r->max_len = shape.max_len;
	r->flags = shape.flags;
	r->spill_len = shape.spill_len;
	r->spill = (char *)r->share.base + shape.spill_at;
	r->may_spin = ipcx_internal_may_spin();
	ipcx_internal_measure_pause();
	side_init(r, &r->tx, &shape);
	side_init(r, &r->rx, &shape);

	expedited = ipcx_internal_park_register();
	if (r->flags & IPCX_RING_MANY) {
		ret = ipcx_internal_many_attach(r, ends, expedited);
		if (ret)
			goto err;
		r->role = ends;
		return 0;
	}
	if (ends & IPCX_RING_SENDER) {
		ret = ipcx_internal_share_lock(&r->share, RING_LOCK_TX);
		if (ret)
			goto err;
	}
	if (ends & IPCX_RING_RECEIVER) {
		ret = ipcx_internal_share_lock(&r->share, RING_LOCK_RX);
		if (ret)
			goto err;
	}
	ret = 0;
	if (ends & IPCX_RING_RECEIVER)
		ret = attach_rx(r, expedited);
	if (!ret && ends & IPCX_RING_SENDER)
		ret = attach_tx(r, expedited);
	if (ret)
		goto err;
	r->role = ends;
	return 0;

err:
	ipcx_internal_share_unmap(&r->share);
	return ret;
}

/*
 * One message is for one sleeper.  Where there may be more, who is woken marks again before it looks, so that the next
 * message wakes another; and it wakes another itself if there are more messages.  The turn tells a waiter that its mark has
 * been taken, even if others have marked since: tests/model/ring-bell.pml.
 */
ssize_t ipcx_internal_ring_wake(struct ring_side *s, ssize_t ret)
{
	uint32_t *sleep = &s->theirs->word.sleep, old = load_relaxed(sleep), turn = s->is_many ? BELL_TURN : 0;

	if (unlikely(old & BELL_POLL))
		ipcx_internal_ring_poller(s);
	do {
		if (!(old & BELL_SLEEP))
			return ret;
	} while (!__atomic_compare_exchange_n(sleep, &old, (old & ~BELL_SLEEP) + turn, true, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	s->wakes++;
	note_cpu(s);
	ipcx_internal_unpark(sleep, 1);
	return ret;
}

static void side_leave(struct ring_side *side)
{
	store_release(&side->bell->state, END_GONE);
	/* Whoever waits at the other end. */
	ring_wake_if_waiting(side, 0);
}

int ipcx_ring_detach(struct ipcx_ring *ring)
{
	struct ring *r = ring_of(ring);

	if (!r->role)
		return -EBADF;
	if (r->flags & IPCX_RING_MANY) {
		ipcx_internal_many_detach(r);
	} else {
		if (r->role & IPCX_RING_SENDER)
			side_leave(&r->tx);
		if (r->role & IPCX_RING_RECEIVER)
			side_leave(&r->rx);
	}
	side_clear(&r->tx);
	side_clear(&r->rx);
	r->role = 0;
	r->flags = 0;
	ipcx_internal_share_unmap(&r->share);
	return 0;
}

int ipcx_ring_set_spin(struct ipcx_ring *ring, uint64_t ns)
{
	struct ring *r = ring_of(ring);

	if (!r->role)
		return -EBADF;
	r->tx.spin_ns = r->rx.spin_ns = ns;
	r->tx.misses = r->rx.misses = 0;
	return 0;
}

int ipcx_ring_stat(const struct ipcx_ring *ring, struct ipcx_ring_stat *stat)
{
	const struct ring *r = (const struct ring *)ring;
	uint64_t used;

	if (!r->role)
		return -EBADF;
	if (r->flags & IPCX_RING_MANY)
		used = load_relaxed(&r->shared->tx.pos) - load_relaxed(&r->shared->rx.pos);
	else
		used = received(r, &used) ? count_there(r, used) : 0;
	memset(stat, 0, sizeof(*stat));
	stat->slots = r->nr;
	stat->max_len = r->max_len;
	stat->flags = r->flags;
	stat->used = used <= r->nr ? (uint32_t)used : 0;
	stat->bad = r->rx.bad;
	stat->sleeps = r->tx.sleeps + r->rx.sleeps;
	stat->wakes = r->tx.wakes + r->rx.wakes;
	return 0;
}
