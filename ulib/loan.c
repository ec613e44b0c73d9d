// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Loans: pieces of shared memory that are written in place and handed over, whatever their size.
 *
 * The memory holds a ring, a table of who holds which piece, and the pieces.  What travels
 * through the ring is the number of a piece.  A piece is
 *
 *	FREE -> HELD by who took it -> SENT by it -> HELD by who received it -> FREE, next turn
 *
 * and each step is one atomic exchange in the table, whose expected value names the turn: a
 * number that comes twice, or late, or never was sent, fits nothing.  The receiver takes the piece
 * over before it frees the ring's slot, so that a piece which is SENT is in the ring or, if its
 * sender died in between, nowhere.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "ring.h"

#define DEFAULT_NR	16
#define DEFAULT_LEN	65536
#define PAGE		4096U
#define NR_OWNERS	256U		/* handles at the same time; 0 is nobody */

#define CONFIG_MAGIC	0x4cULL

/* A table entry: the turn, the state, the owner. */
#define FREE		0U
#define HELD		1U
#define SENT		2U
#define ENTRY(turn, state, owner)	((uint64_t)(turn) << 32 | (state) << 16 | (owner))
#define ENTRY_TURN(e)	((uint32_t)((e) >> 32))
#define ENTRY_STATE(e)	((uint32_t)(e) >> 16)
#define ENTRY_OWNER(e)	((uint32_t)(e) & 0xffff)

/**
 * struct loan_entry - who holds a piece; on a line of its own, since two sides write the table
 */
struct loan_entry {
	uint64_t entry;
	char pad[RING_LINE - 8];
};

/**
 * struct loan_shared - what follows the ring; the table follows this
 * @config: magic, number and length of the pieces; 0: none yet
 * @sleep: futex: somebody waits for a piece; cleared by who wakes
 */
struct loan_shared {
	uint64_t config;
	char pad[RING_APART - 8];
	uint32_t sleep;
	char pad2[RING_APART - 4];
};

/**
 * struct loan_message - what goes through the ring
 */
struct loan_message {
	uint32_t id;
	uint32_t turn;
	uint64_t len;
};

/**
 * struct loans - what struct ipcx_loans is
 * @ring: the ring, and the mapping
 * @shared: our part of the memory
 * @table: one entry for each piece
 * @pieces: the first
 * @stride: distance of two pieces
 * @len: bytes of each
 * @nr: pieces
 * @owner: number of this handle
 * @next: where the search for a free piece begins
 * @reclaiming: a thread takes back what the dead hold
 */
struct loans {
	struct ipcx_ring ring;
	struct loan_shared *shared;
	struct loan_entry *table;
	char *pieces;
	size_t stride;
	size_t len;
	uint32_t nr;
	uint32_t owner;
	uint32_t next;
	uint32_t reclaiming;
};

_Static_assert(sizeof(struct loans) <= sizeof(struct ipcx_loans), "room for a struct loans");

static struct loans *loans_of(struct ipcx_loans *loans)
{
	return (struct loans *)loans;
}

static size_t round_up(size_t n, size_t unit)
{
	return (n + unit - 1) & ~(unit - 1);
}

/*
 * An odd number of cache lines: were the pieces all at the same place of a page, a few of them
 * would fill the ways of the cache that have room for that place.
 */
static size_t stride_of(size_t len)
{
	return round_up(len, RING_LINE) | RING_LINE;
}

/* Where things are behind a ring of @ring_size bytes; returns the size of the whole, or 0. */
static size_t layout(size_t ring_size, size_t nr, size_t len, size_t *shared, size_t *pieces)
{
	if (!nr || nr > IPCX_LOAN_MAX_NR || !len || len > IPCX_LOAN_MAX_LEN)
		return 0;
	*shared = round_up(ring_size, RING_APART);
	*pieces = round_up(*shared + sizeof(struct loan_shared) + nr * sizeof(struct loan_entry), PAGE);
	return *pieces + nr * stride_of(len);
}

static void ring_limits(struct ipcx_ring_limits *r, const struct ipcx_loan_limits *limits)
{
	memset(r, 0, sizeof(*r));
	r->flags = limits->flags;
	/*
	 * One slot for each piece, so that sending never waits, and one for the number that a
	 * receiver has left when it died.
	 */
	r->slots = limits->nr + 1;
}

static int format(int fd, const struct ipcx_loan_limits *limits, size_t size, size_t at)
{
	uint64_t none = 0, config;
	struct ipcx_ring_limits ring;
	struct share share;
	int ret;

	ring_limits(&ring, limits);
	ret = ipcx_ring_format(fd, &ring);
	if (ret && ret != -EEXIST)
		return ret;
	ret = ipcx_internal_share_map(&share, fd, SHARE_UNLOCKED);
	if (ret)
		return ret;
	ret = -ENODATA;
	config = CONFIG_MAGIC << 56 | (uint64_t)(limits->nr - 1) << 36 | limits->len;
	/* What is there already may have another shape, and is looked at when it is attached. */
	if (share.len >= size) {
		struct loan_shared *shared = (struct loan_shared *)((char *)share.base + at);

		__atomic_compare_exchange_n(&shared->config, &none, config, false, __ATOMIC_ACQ_REL,
					    __ATOMIC_ACQUIRE);
		ret = 0;
	}
	ipcx_internal_share_unmap(&share);
	return ret;
}

int ipcx_loan_create(const char *name, const struct ipcx_loan_limits *limits,
		     const struct ipcx_options *options)
{
	struct ipcx_loan_limits l = { 0 };
	struct ipcx_ring_limits ring;
	size_t size, at, pieces;
	int fd, ret;

	if (limits)
		l = *limits;
	if (!l.nr)
		l.nr = DEFAULT_NR;
	if (!l.len)
		l.len = DEFAULT_LEN;
	ring_limits(&ring, &l);
	size = ipcx_ring_size(&ring);
	size = size ? layout(size, l.nr, l.len, &at, &pieces) : 0;
	if (!size)
		return -EINVAL;
	fd = ipcx_internal_share_create(name, size, options);
	if (fd < 0)
		return fd;
	ret = format(fd, &l, size, at);
	if (ret && !name) {
		close(fd);
		return ret;
	}
	return fd;
}

/*
 * Is piece @id of turn @turn in the ring?  Its number in a slot is not enough: its sender may have
 * died before it published that.
 */
static bool is_in_ring(const struct loans *l, uint32_t id, uint32_t turn)
{
	const struct ring *r = (const struct ring *)&l->ring;
	uint64_t pos = load_acquire(&r->shared->rx.pos) / r->tx.stride;

	for (uint32_t i = 0; i < r->nr; i++, pos++) {
		const uint32_t *msg = (const uint32_t *)(slot_of(r, &r->tx, pos) + RING_HEAD);

		if (ipcx_internal_ring_is_there(r, pos) && load_relaxed(&msg[0]) == id &&
		    load_relaxed(&msg[1]) == turn)
			return true;
	}
	return false;
}

/* Free what @entry, of piece @id, says, if it is still so. */
static bool take_back(struct loans *l, uint32_t id, uint64_t entry)
{
	return __atomic_compare_exchange_n(&l->table[id].entry, &entry,
					   ENTRY(ENTRY_TURN(entry) + 1, FREE, 0), false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/*
 * Free the pieces of one owner that has no use for them any more: those that it held, and those
 * that it was about to send.
 */
static int take_back_all(struct loans *l, uint32_t owner)
{
	int nr = 0;

	for (uint32_t id = 0; id < l->nr; id++) {
		uint64_t entry = load_acquire(&l->table[id].entry);

		if (ENTRY_OWNER(entry) == owner && ENTRY_STATE(entry) != FREE &&
		    !(ENTRY_STATE(entry) == SENT && is_in_ring(l, id, ENTRY_TURN(entry))))
			nr += take_back(l, id, entry);
	}
	return nr;
}

/* A number that no living handle has. */
static int find_owner(struct loans *l, const struct share *share)
{
	for (uint32_t owner = 1; owner < NR_OWNERS; owner++) {
		int ret = ipcx_internal_share_lock(share, LOAN_LOCK(owner));

		if (ret == -EBUSY)
			continue;
		if (ret)
			return ret;
		l->owner = owner;
		/* Whoever had it has died. */
		take_back_all(l, owner);
		return 0;
	}
	return -EUSERS;
}

int ipcx_loan_attach(struct ipcx_loans *loans, int fd, unsigned int role)
{
	struct loans *l = loans_of(loans);
	struct ring *r = ring_of(&l->ring);
	size_t size, at, pieces, ring_size;
	uint64_t config;
	int ret;

	memset(l, 0, sizeof(*l));
	ret = ipcx_ring_attach(&l->ring, fd, role);
	if (ret)
		return ret;
	ret = -ENODATA;
	ring_size = sizeof(struct ring_shared) + (size_t)r->nr * r->tx.stride;
	at = round_up(ring_size, RING_APART);
	if (r->spill_len || r->max_len < sizeof(struct loan_message) ||
	    r->share.len < at + sizeof(struct loan_shared))
		goto err;
	l->shared = (struct loan_shared *)((char *)r->share.base + at);
	config = load_acquire(&l->shared->config);
	l->nr = (uint32_t)(config >> 36 & (IPCX_LOAN_MAX_NR - 1)) + 1;
	l->len = config & ((1ULL << 36) - 1);
	size = layout(ring_size, l->nr, l->len, &at, &pieces);
	if (config >> 56 != CONFIG_MAGIC || !size || r->share.len < size || l->nr >= r->nr)
		goto err;
	l->table = (struct loan_entry *)(l->shared + 1);
	l->pieces = (char *)r->share.base + pieces;
	l->stride = stride_of(l->len);
	ret = find_owner(l, &r->share);
	if (ret)
		goto err;
	return 0;

err:
	ipcx_ring_detach(&l->ring);
	return ret;
}

int ipcx_loan_detach(struct ipcx_loans *loans)
{
	struct loans *l = loans_of(loans);

	if (!ring_of(&l->ring)->role)
		return -EBADF;
	take_back_all(l, l->owner);
	return ipcx_ring_detach(&l->ring);
}

int ipcx_loan_set_spin(struct ipcx_loans *loans, uint64_t ns)
{
	return ipcx_ring_set_spin(&loans_of(loans)->ring, ns);
}

/* While its number is locked nobody else becomes @owner, nor is it alive. */
static int reclaim_from(struct loans *l, uint32_t owner)
{
	const struct share *share = &ring_of(&l->ring)->share;
	int nr;

	if (ipcx_internal_share_lock(share, LOAN_LOCK(owner)))
		return 0;
	nr = take_back_all(l, owner);
	ipcx_internal_share_unlock(share, LOAN_LOCK(owner));
	return nr;
}

int ipcx_loan_reclaim(struct ipcx_loans *loans)
{
	struct loans *l = loans_of(loans);
	uint64_t seen[NR_OWNERS / 64] = { 0 };
	int nr = 0;

	if (!ring_of(&l->ring)->role)
		return -EBADF;
	/* Locks belong to the handle: two threads would not exclude each other. */
	if (__atomic_exchange_n(&l->reclaiming, 1, __ATOMIC_ACQUIRE))
		return 0;
	for (uint32_t id = 0; id < l->nr; id++) {
		uint64_t entry = load_acquire(&l->table[id].entry);
		uint32_t owner = ENTRY_OWNER(entry);

		if (ENTRY_STATE(entry) == FREE || owner == l->owner)
			continue;
		/* A number that there is not is garbage, and its piece nobody's. */
		if (!owner || owner >= NR_OWNERS) {
			nr += take_back(l, id, entry);
			continue;
		}
		if (seen[owner / 64] >> owner % 64 & 1)
			continue;
		seen[owner / 64] |= 1ULL << owner % 64;
		nr += reclaim_from(l, owner);
	}
	store_release(&l->reclaiming, 0);
	return nr;
}

/* Any free piece, from where the last one was found. */
static inline bool take_free(struct loans *l, struct ipcx_loan *loan)
{
	uint32_t id = load_relaxed(&l->next);

	for (uint32_t i = 0; i < l->nr; i++) {
		uint64_t entry;

		if (id >= l->nr)
			id = 0;
		entry = load_relaxed(&l->table[id].entry);
		if (ENTRY_STATE(entry) == FREE &&
		    __atomic_compare_exchange_n(&l->table[id].entry, &entry,
						ENTRY(ENTRY_TURN(entry), HELD, l->owner), false,
						__ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
			store_relaxed(&l->next, id + 1);
			loan->addr = l->pieces + id * l->stride;
			loan->len = l->len;
			loan->id = id;
			loan->turn = ENTRY_TURN(entry);
			return true;
		}
		id++;
	}
	return false;
}

static __attribute__((noinline)) int take_slowly(struct loans *l, struct ipcx_loan *loan,
						 unsigned int flags, uint64_t timeout)
{
	struct ring *r = ring_of(&l->ring);
	struct spin spin = { .apart = 1 };
	uint64_t spin_ns = r->may_spin ? r->tx.spin_ns : 0, now;
	int ret;

	if (flags & ~(IPCX_NOWAIT | IPCX_REALTIME))
		return -EINVAL;
	if (ipcx_loan_reclaim((struct ipcx_loans *)l) > 0 && take_free(l, loan))
		return 0;
	if (flags & IPCX_NOWAIT)
		return -EAGAIN;
	if (timeout != IPCX_FOREVER) {
		now = ipcx_internal_now(flags);
		if (now >= timeout)
			return -ETIMEDOUT;
		if (spin_ns > timeout - now)
			spin_ns = timeout - now;
	}
	while (spin_ns && spin_more(&spin, spin_ns))
		if (take_free(l, loan))
			return 0;
	for (;;) {
		/* Who returns a piece does so with a locked instruction: WAKE_BARRIER on both sides. */
		store_relaxed(&l->shared->sleep, 1);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (take_free(l, loan))
			return 0;
		ret = ipcx_internal_park(&l->shared->sleep, 1, flags, timeout, PARK_LOOK_NS);
		if (take_free(l, loan) ||
		    (ipcx_loan_reclaim((struct ipcx_loans *)l) > 0 && take_free(l, loan)))
			return 0;
		if (ret)
			return ret;
	}
}

int ipcx_loan_take(struct ipcx_loans *loans, struct ipcx_loan *loan, unsigned int flags,
		   uint64_t timeout)
{
	struct loans *l = loans_of(loans);

	if (unlikely(!ring_of(&l->ring)->role))
		return -EBADF;
	if (likely(take_free(l, loan)))
		return 0;
	return take_slowly(l, loan, flags, timeout);
}

/* Change the state of a piece that this handle holds. */
static inline bool pass(struct loans *l, const struct ipcx_loan *loan, uint64_t to)
{
	uint64_t from = ENTRY(loan->turn, HELD, l->owner);

	return loan->id < l->nr &&
	       __atomic_compare_exchange_n(&l->table[loan->id].entry, &from, to, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

int ipcx_loan_send(struct ipcx_loans *loans, struct ipcx_loan *loan, size_t len)
{
	struct loan_message msg = { loan->id, loan->turn, len };
	struct loans *l = loans_of(loans);
	uint64_t sent, held;
	int ret;

	if (unlikely(!(ring_of(&l->ring)->role & IPCX_RING_SENDER)))
		return -EBADF;
	if (unlikely(len > l->len))
		return -EMSGSIZE;
	sent = ENTRY(loan->turn, SENT, l->owner);
	if (unlikely(!pass(l, loan, sent)))
		return -EINVAL;
	ret = ipcx_ring_send_until(&l->ring, &msg, sizeof(msg), IPCX_NOWAIT, 0);
	if (unlikely(ret)) {
		/* Only if the other side has written garbage: there is a slot for each piece. */
		held = ENTRY(loan->turn, HELD, l->owner);
		__atomic_compare_exchange_n(&l->table[loan->id].entry, &sent, held, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
		return ret == -EAGAIN ? -EPROTO : ret;
	}
	loan->addr = NULL;
	return 0;
}

int ipcx_loan_recv(struct ipcx_loans *loans, struct ipcx_loan *loan, unsigned int flags,
		   uint64_t timeout)
{
	struct loans *l = loans_of(loans);
	struct loan_message msg;
	const void *at;
	uint64_t entry;
	ssize_t ret;

	ret = ipcx_ring_peek(&l->ring, &at, flags, timeout);
	if (unlikely(ret < 0))
		return (int)ret;
	memcpy(&msg, at, sizeof(msg));
	/* What it says is checked, and the piece taken over, before the slot is freed. */
	if (likely(ret == sizeof(msg) && msg.id < l->nr && msg.len <= l->len)) {
		entry = load_relaxed(&l->table[msg.id].entry);
		if (likely(ENTRY_STATE(entry) == SENT && ENTRY_TURN(entry) == msg.turn &&
			   __atomic_compare_exchange_n(&l->table[msg.id].entry, &entry,
						       ENTRY(msg.turn, HELD, l->owner), false,
						       __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))) {
			ipcx_ring_release(&l->ring, 1);
			loan->addr = l->pieces + msg.id * l->stride;
			loan->len = msg.len;
			loan->id = msg.id;
			loan->turn = msg.turn;
			return 0;
		}
	}
	/* Garbage, or taken over by a receiver that died before it freed the slot. */
	ipcx_ring_release(&l->ring, 1);
	return -EBADMSG;
}

int ipcx_loan_return(struct ipcx_loans *loans, struct ipcx_loan *loan)
{
	struct loans *l = loans_of(loans);

	if (unlikely(!ring_of(&l->ring)->role))
		return -EBADF;
	if (unlikely(!pass(l, loan, ENTRY(loan->turn + 1, FREE, 0))))
		return -EINVAL;
	loan->addr = NULL;
	if (unlikely(load_relaxed(&l->shared->sleep)) &&
	    __atomic_exchange_n(&l->shared->sleep, 0, __ATOMIC_SEQ_CST))
		ipcx_internal_unpark(&l->shared->sleep, INT_MAX);
	return 0;
}
