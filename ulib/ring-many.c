// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rings with many senders and many receivers.
 *
 * A slot goes through
 *
 *	FREE -> CLAIMED by a sender -> READY -> TAKEN by a receiver -> FREE, next lap
 *
 * and its word says where it is, in which lap, and who has it.  Claiming and taking are a
 * compare-and-exchange; whoever has a slot just stores the next state.  There is no index that
 * has to be right: each handle remembers a position before which nothing is left to do for it, and
 * goes on from there; a shared hint saves steps, and is not believed.
 *
 * Since the claim and the name of who made it are one step, a slot never belongs to nobody.  When
 * its owner dies, which its lock tells, the slot is passed on: a message that was being written
 * is skipped, one that was being read is dropped.  A slot is never taken from one who may be
 * alive, so that nobody writes into what has become another's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "copy.h"
#include "ring.h"
#include "ring-wait.h"

/* The word of a slot: lap, state, owner, length.  Zeros: free, in lap 0. */
#define FREE		0U
#define CLAIMED		1U
#define READY		2U
#define TAKEN		3U
#define SKIPPED		4U
#define LAP_MASK	0xffffffU
#define MWORD(lap, state, owner, len)					\
	((uint64_t)((lap) & LAP_MASK) << 40 | (uint64_t)(state) << 36 |	\
	 (uint64_t)(owner) << 28 | (len))
#define MWORD_LAP(word)	((uint32_t)((word) >> 40))
#define MWORD_STATE(word) ((uint32_t)((word) >> 36) & 0xf)
#define MWORD_OWNER(word) ((uint32_t)((word) >> 28) & 0xff)
#define MWORD_LEN(word)	((uint32_t)(word) & 0xfffffff)

/* Both sides write to every slot: so many slots their caches are ahead of them. */
#define MANY_FETCH	6U

/* Who waits for a slot that another has looks this often whether that one is alive. */
#define LOOK_OWNER_NS	4000000ULL
#define LOOK_NS		10000000ULL

static inline uint64_t *word_of(const struct ring *r, uint64_t pos)
{
	return (uint64_t *)slot_of(r, &r->tx, pos);
}

static inline uint32_t mlap(const struct ring *r, uint64_t pos)
{
	return (uint32_t)(pos >> r->nr_bits) & LAP_MASK;
}

/* How many laps a slot's word is ahead of @pos: negative if behind. */
static inline int32_t ahead(const struct ring *r, uint64_t word, uint64_t pos)
{
	return (int32_t)((MWORD_LAP(word) - mlap(r, pos)) << 8) >> 8;
}

static inline bool exchange(uint64_t *word, uint64_t from, uint64_t to)
{
	return __atomic_compare_exchange_n(word, &from, to, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

/* Can nobody of this side have anything to do at @pos any more? */
static inline bool is_past(const struct ring *r, const struct ring_side *s, uint64_t pos)
{
	uint64_t word = load_acquire(word_of(r, pos));
	int32_t laps = ahead(r, word, pos);
	uint32_t state = MWORD_STATE(word);

	if (laps)
		return laps > 0;
	return s == &r->tx ? state != FREE : state == TAKEN;
}

/* The next position after @pos, where there is nothing to do: the hint's, if it holds. */
static inline uint64_t next_pos(const struct ring *r, const struct ring_side *s, uint64_t pos)
{
	uint64_t hint = load_relaxed(&s->own->pos);

	if (hint - pos - 2 < 4ULL * r->nr && is_past(r, s, hint - 1))
		return hint;
	return pos + 1;
}

/* Go on from @pos. */
static void seek(const struct ring *r, struct ring_side *s, uint64_t pos)
{
	s->next = pos;
	s->next_word = word_of(r, pos);
	s->next_lap = MWORD(mlap(r, pos), FREE, 0, 0);
}

/* This end has the slot at s->next. */
static inline void advance(struct ring_side *s)
{
	char *slot = (char *)s->next_word + s->stride;

	if (unlikely(slot == s->end)) {
		slot = s->slots;
		s->next_lap += MWORD(1, FREE, 0, 0);
	}
	s->next_word = (uint64_t *)slot;
	store_relaxed(&s->own->pos, ++s->next);
}

/* Claim the next free slot: 1 with its number in *@at, 0 if there is none. */
static int claim(struct ring *r, uint64_t *at)
{
	struct ring_side *s = &r->tx;
	uint64_t pos = s->next;

	/* Bounded, whatever the words say. */
	for (uint32_t i = 0; i < 2 * r->nr + 8; i++) {
		uint64_t *word = word_of(r, pos), w = load_acquire(word);	/* RING_FREE */
		int32_t laps = ahead(r, w, pos);

		if (!laps && MWORD_STATE(w) == FREE) {
			if (!exchange(word, w, MWORD(mlap(r, pos), CLAIMED, r->owner, 0)))
				continue;
			*at = pos;
			seek(r, s, pos);
			advance(s);
			return 1;
		}
		if (laps < 0) {
			/* Full; unless that one's receiver has died. */
			s->blocked = MWORD_STATE(w) == TAKEN ? MWORD_OWNER(w) : 0;
			break;
		}
		/* The slot has been used in all laps in between. */
		pos = laps > 1 ? pos + (uint64_t)(laps - 1) * r->nr + 1 : next_pos(r, s, pos);
	}
	seek(r, s, pos);
	return 0;
}

/* Take the next message of at most @max bytes: 1, 0 if there is none, or an error. */
static int take(struct ring *r, size_t max, uint64_t *at, uint32_t *len)
{
	struct ring_side *s = &r->rx;
	uint64_t pos = s->next;

	for (uint32_t i = 0; i < 2 * r->nr + 8; i++) {
		uint64_t *word = word_of(r, pos), w = load_acquire(word);	/* RING_PUBLISH */
		int32_t laps = ahead(r, w, pos);
		uint32_t state = MWORD_STATE(w);

		s->blocked = 0;
		if (!laps && state == READY) {
			*len = MWORD_LEN(w);
			if (*len > max && *len <= r->max_len) {
				seek(r, s, pos);
				return -EMSGSIZE;
			}
			if (!exchange(word, w, MWORD(mlap(r, pos), TAKEN, r->owner, 0)))
				continue;
			seek(r, s, pos);
			advance(s);
			*at = pos;
			if (unlikely(*len > r->max_len)) {
				store_release(word, MWORD(mlap(r, pos) + 1, FREE, 0, 0));
				s->bad++;
				return -EBADMSG;
			}
			return 1;
		}
		if (!laps && state == SKIPPED) {
			exchange(word, w, MWORD(mlap(r, pos) + 1, FREE, 0, 0));
			continue;
		}
		if (laps < 0 || (!laps && state != TAKEN)) {
			/* Nothing yet; or it is being written, by one who may have died. */
			s->blocked = !laps && state == CLAIMED ? MWORD_OWNER(w) : 0;
			break;
		}
		pos = laps > 1 ? pos + (uint64_t)(laps - 1) * r->nr + 1 : next_pos(r, s, pos);
	}
	seek(r, s, pos);
	return 0;
}

/* What @owner, who has died or is only now beginning, has left. */
static void pass_on(struct ring *r, uint32_t owner)
{
	for (uint32_t i = 0; i < r->nr; i++) {
		uint64_t *word = word_of(r, i), w = load_acquire(word);

		if (MWORD_OWNER(w) != owner)
			continue;
		if (MWORD_STATE(w) == CLAIMED)
			exchange(word, w, MWORD(MWORD_LAP(w), SKIPPED, 0, 0));
		else if (MWORD_STATE(w) == TAKEN)
			exchange(word, w, MWORD(MWORD_LAP(w) + 1, FREE, 0, 0));
	}
}

/*
 * If @owner has died, pass on what it had.  While its number is locked nobody becomes it; our own
 * we have locked ourselves.
 */
static void look_at_owner(struct ring *r, uint32_t owner)
{
	if (!owner || owner == r->owner ||
	    ipcx_internal_share_lock(&r->share, RING_LOCK_OWNER(owner)))
		return;
	pass_on(r, owner);
	ipcx_internal_share_unlock(&r->share, RING_LOCK_OWNER(owner));
}

/* Is nobody left at the other side?  Its state says so first, which costs no system call. */
static bool others_have_left(const struct ring *r, const struct ring_side *s)
{
	if (load_acquire(&s->theirs->state) != END_GONE)
		return false;
	return !ipcx_internal_share_any_locked(&r->share, s == &r->tx ? RING_LOCK_RXS : RING_LOCK_TXS,
					       RING_OWNERS);
}

/* Nobody has the locks of the other side, nor do we: note it for all. */
static void look_for_others(const struct ring *r, const struct ring_side *s)
{
	bool we_are = r->role & (s == &r->tx ? IPCX_RING_RECEIVER : IPCX_RING_SENDER);
	uint32_t here = END_HERE;

	if (!we_are && load_acquire(&s->theirs->state) == END_HERE &&
	    !ipcx_internal_share_any_locked(&r->share, s == &r->tx ? RING_LOCK_RXS : RING_LOCK_TXS,
					    RING_OWNERS))
		__atomic_compare_exchange_n(&s->theirs->state, &here, END_GONE, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/**
 * struct attempt - what is tried again and again
 * @max: longest message to receive
 * @at: position that was claimed or taken
 * @len: length of the message
 */
struct attempt {
	size_t max;
	uint64_t at;
	uint32_t len;
};

static inline int try_claim(struct ring *r, struct attempt *a)
{
	return claim(r, &a->at);
}

static inline int try_take(struct ring *r, struct attempt *a)
{
	return take(r, a->max, &a->at, &a->len);
}

/* Something was found; is there more of it? */
static inline bool has_more(const struct ring *r, const struct ring_side *s)
{
	uint64_t word = load_relaxed(s->next_word);

	return !ahead(r, word, s->next) && MWORD_STATE(word) == (s == &r->tx ? FREE : READY);
}

/*
 * What was waited for is there.  Who slept wakes another sleeper if there is more of it: the one who provided that may have
 * found that somebody was being woken.
 */
static int end_sleep(struct ring *r, struct ring_side *s, bool slept, int ret)
{
	if (slept && ret > 0 && has_more(r, s))
		ipcx_internal_unpark(&s->bell->word.sleep, 1);
	return ret;
}

/* As end_wait() of ring-one.c, for an end that shares its bell with others. */
static inline __attribute__((always_inline)) int
many_wait(struct ring *r, struct ring_side *s, int (*attempt)(struct ring *, struct attempt *),
	  struct attempt *a, unsigned int flags, uint64_t timeout)
{
	struct spin spin = { .apart = s->apart };
	uint64_t spin_ns, now, look;
	bool slept = false;
	uint32_t word;
	int ret;

	if (flags & IPCX_NOWAIT) {
		/* What a dead owner left must not look like nothing for ever. */
		look_at_owner(r, s->blocked);
		ret = attempt(r, a);
		return ret ?: others_have_left(r, s) ? -EPIPE : -EAGAIN;
	}
	if (s->streaming) {
		stay_behind(s);
		ret = attempt(r, a);
		note_streaming(s, ret > 0 && has_more(r, s));
		if (ret)
			return ret;
	}
	spin_ns = spin_time(r, s);
	if (timeout != IPCX_FOREVER) {
		now = ipcx_internal_now(flags);
		if (now >= timeout)
			return others_have_left(r, s) ? -EPIPE : -ETIMEDOUT;
		if (spin_ns > timeout - now)
			spin_ns = timeout - now;
	}
	if (spin_ns) {
		while (spin_more(&spin, spin_ns)) {
			ret = attempt(r, a);
			if (ret) {
				if (s->misses)
					s->misses = 0;
				note_short(s, &spin);
				return ret;
			}
			/* Never to sleep is no reason to wait for the dead. */
			if (unlikely(!(spin.looks & 0xfff))) {
				look_at_owner(r, s->blocked);
				look_for_others(r, s);
				if (others_have_left(r, s))
					break;
			}
		}
		s->misses++;
	}
	for (int i = 0; i < YIELDS && yield_first(r, s); i++) {
		sched_yield();
		ret = attempt(r, a);
		if (ret)
			return ret;
	}
	for (;;) {
		look_at_owner(r, s->blocked);
		/* WAKE_BARRIER.  The mark may be others', too: it is left to who wakes. */
		word = __atomic_fetch_or(&s->bell->word.sleep, BELL_SLEEP, __ATOMIC_SEQ_CST) | BELL_SLEEP;
		look = LOOK_NS;
		if (!ipcx_internal_park_barrier() ||
		    (load_acquire(&s->theirs->state) == END_HERE &&
		     load_relaxed(&s->theirs->expedited) != ALL_EXPEDITED))
			look = PARK_LOOK_SOON_NS;
		ret = attempt(r, a);
		if (ret)
			return end_sleep(r, s, slept, ret);
		if (others_have_left(r, s)) {
			/* the end is for all, and its one wake-up came here */
			ipcx_internal_unpark(&s->bell->word.sleep, INT_MAX);
			return attempt(r, a) ?: -EPIPE;
		}
		if (s->blocked && look > LOOK_OWNER_NS)
			look = LOOK_OWNER_NS;
		s->sleeps++;
		ret = ipcx_internal_park(&s->bell->word.sleep, word, flags, timeout, look);
		if (ret)
			return attempt(r, a) ?: ret;
		slept = true;
		look_for_others(r, s);
	}
}

/* Is there something for claim() or take() at this end? */
static bool has_something(struct ring *r, struct ring_side *s)
{
	uint64_t pos = s->next;

	for (uint32_t i = 0; i < 2 * r->nr + 8; i++) {
		uint64_t w = load_acquire(word_of(r, pos));
		int32_t laps = ahead(r, w, pos);
		uint32_t state = MWORD_STATE(w);

		s->blocked = 0;
		if (!laps && (s == &r->tx ? state == FREE : state == READY || state == SKIPPED))
			return true;
		if (laps < 0) {
			s->blocked = s == &r->tx && state == TAKEN ? MWORD_OWNER(w) : 0;
			return false;
		}
		if (!laps && s == &r->rx && state != TAKEN) {
			s->blocked = state == CLAIMED ? MWORD_OWNER(w) : 0;
			return false;
		}
		pos = laps > 1 ? pos + (uint64_t)(laps - 1) * r->nr + 1 : next_pos(r, s, pos);
	}
	return false;
}

int ipcx_internal_many_look(struct ring *r, struct ring_side *s)
{
	if ((s == &r->rx && r->many.nr_held) || has_something(r, s))
		return 0;
	look_at_owner(r, s->blocked);
	look_for_others(r, s);
	if (has_something(r, s))
		return 0;
	if (others_have_left(r, s))
		return has_something(r, s) ? 0 : -EPIPE;
	return (int)((s->blocked ? LOOK_OWNER_NS : LOOK_NS) / 1000000);
}

/* A slot for a message, its number in *@at. */
static int get_slot(struct ring *r, uint64_t *at, unsigned int flags, uint64_t timeout)
{
	struct attempt a = { 0 };
	int ret;

	if (unlikely(!r->tx.attached))
		return -EBADF;
	if (unlikely(flags & ~WAIT_FLAGS))
		return -EINVAL;
	ret = claim(r, &a.at);
	if (unlikely(!ret))
		ret = many_wait(r, &r->tx, try_claim, &a, flags, timeout);
	*at = a.at;
	return ret < 0 ? ret : 0;
}

/* The next message, of at most @max bytes. */
static int get_message(struct ring *r, size_t max, uint64_t *at, uint32_t *len, unsigned int flags,
		       uint64_t timeout)
{
	struct attempt a = { .max = max };
	int ret;

	if (unlikely(!r->rx.attached))
		return -EBADF;
	if (unlikely(flags & ~WAIT_FLAGS))
		return -EINVAL;
	ret = take(r, max, &a.at, &a.len);
	if (unlikely(!ret))
		ret = many_wait(r, &r->rx, try_take, &a, flags, timeout);
	*at = a.at;
	*len = a.len;
	return ret < 0 ? ret : 0;
}

static inline int publish(struct ring *r, uint64_t pos, size_t len)
{
	store_release(word_of(r, pos), MWORD(mlap(r, pos), READY, 0, len));	/* RING_PUBLISH */
	return (int)ring_wake_if_waiting(&r->tx, 0);
}

static inline void set_free(struct ring *r, uint64_t pos)
{
	store_release(word_of(r, pos), MWORD(mlap(r, pos) + 1, FREE, 0, 0));	/* RING_FREE */
}

static __attribute__((noinline)) int send_slowly(struct ring *r, const void *buf, size_t len, unsigned int flags,
						 uint64_t timeout)
{
	uint64_t at;
	int ret;

	if (unlikely(len > r->max_len))
		return -EMSGSIZE;
	ret = get_slot(r, &at, flags, timeout);
	if (unlikely(ret))
		return ret;
	copy((char *)word_of(r, at) + RING_HEAD, buf, len);
	return publish(r, at, len);
}

/* The last line of a message of @len bytes, in a slot to come; that of the word comes with the exchange. */
static inline void fetch_ahead(const struct ring_side *s, const uint64_t *word, size_t len)
{
	fetch_for_writing((const char *)word + s->room_end + RING_HEAD + len - 1);
}

/* The short way: the slot is as it must be, if nobody has come before. */
int ipcx_internal_many_send(struct ring *r, const void *buf, size_t len, unsigned int flags,
			    uint64_t timeout)
{
	struct ring_side *s = &r->tx;
	uint64_t *word = s->next_word, lap = s->next_lap;

	/* An exchange that fails takes the line from whoever has the slot: it is looked at first. */
	if (unlikely(len > s->fast_len || !s->attached || flags & ~WAIT_FLAGS || load_relaxed(word) != lap ||
		     !exchange(word, lap, lap | MWORD(0, CLAIMED, r->owner, 0))))
		return send_slowly(r, buf, len, flags, timeout);
	fetch_ahead(s, word, len);
	advance(s);
	copy_small((char *)word + RING_HEAD, buf, len);
	store_release(word, lap | MWORD(0, READY, 0, len));		/* RING_PUBLISH */
	return (int)ring_wake_if_waiting(s, 0);
}

static __attribute__((noinline)) ssize_t recv_slowly(struct ring *r, void *buf, size_t len, unsigned int flags,
						     uint64_t timeout)
{
	uint32_t msg_len;
	uint64_t at;
	int ret;

	if (unlikely(r->many.nr_held)) {
		/* What has been peeked at comes first. */
		at = r->many.held[0];
		msg_len = r->many.held_len[0];
		if (msg_len > len)
			return -EMSGSIZE;
		copy(buf, (char *)word_of(r, at) + RING_HEAD, msg_len);
		ipcx_internal_many_release(r, 1);
		return msg_len;
	}
	ret = get_message(r, len, &at, &msg_len, flags, timeout);
	if (unlikely(ret))
		return ret;
	copy(buf, (char *)word_of(r, at) + RING_HEAD, msg_len);
	set_free(r, at);
	return ring_wake_if_waiting(&r->rx, msg_len);
}

ssize_t ipcx_internal_many_recv(struct ring *r, void *buf, size_t len, unsigned int flags,
				uint64_t timeout)
{
	struct ring_side *s = &r->rx;
	uint64_t *word = s->next_word, lap = s->next_lap, w, msg_len;

	if (unlikely(!s->attached || r->many.nr_held || flags & ~WAIT_FLAGS))
		return recv_slowly(r, buf, len, flags, timeout);
	/* In another state, or another lap, it is longer than anything. */
	w = load_acquire(word);						/* RING_PUBLISH */
	msg_len = w - (lap | MWORD(0, READY, 0, 0));
	if (unlikely(msg_len > s->fast_len || msg_len > len ||
		     !exchange(word, w, lap | MWORD(0, TAKEN, r->owner, 0))))
		return recv_slowly(r, buf, len, flags, timeout);
	fetch_ahead(s, word, msg_len);
	advance(s);
	copy_small(buf, (char *)word + RING_HEAD, msg_len);
	store_release(word, lap + MWORD(1, FREE, 0, 0));		/* RING_FREE */
	return ring_wake_if_waiting(s, (ssize_t)msg_len);
}

/* Give back what is claimed, from number @from on. */
static void cancel(struct ring *r, unsigned int from)
{
	for (unsigned int i = from; i < r->many.nr_claimed; i++)
		store_release(word_of(r, r->many.claimed[i]),
			      MWORD(mlap(r, r->many.claimed[i]), SKIPPED, 0, 0));
	/* A receiver may wait behind them. */
	if (from < r->many.nr_claimed)
		ring_wake_if_waiting(&r->tx, 0);
	r->many.nr_claimed = 0;
}

int ipcx_internal_many_reservev(struct ring *r, struct iovec *msgs, unsigned int nr,
				unsigned int flags, uint64_t timeout)
{
	unsigned int i;
	int ret = 0;

	cancel(r, 0);
	if (nr > RING_BATCH)
		nr = RING_BATCH;
	for (i = 0; i < nr; i++) {
		if (msgs[i].iov_len > r->max_len) {
			ret = -EMSGSIZE;
			break;
		}
		ret = get_slot(r, &r->many.claimed[i], i ? IPCX_NOWAIT : flags, timeout);
		if (ret)
			break;
		msgs[i].iov_base = (char *)word_of(r, r->many.claimed[i]) + RING_HEAD;
		r->many.nr_claimed = i + 1;
	}
	return i ? (int)i : ret;
}

int ipcx_internal_many_commitv(struct ring *r, const struct iovec *msgs, unsigned int nr)
{
	if (nr > r->many.nr_claimed)
		return -EINVAL;
	for (unsigned int i = 0; i < nr; i++)
		if (msgs[i].iov_len > r->max_len)
			return -EMSGSIZE;
	for (unsigned int i = 0; i < nr; i++)
		publish(r, r->many.claimed[i], msgs[i].iov_len);
	cancel(r, nr);
	return 0;
}

int ipcx_internal_many_peekv(struct ring *r, struct iovec *msgs, unsigned int nr,
			     unsigned int flags, uint64_t timeout)
{
	struct ring_many *m = &r->many;
	int ret;

	if (nr > RING_BATCH)
		nr = RING_BATCH;
	/* What was not released is there still, and nothing is added to it. */
	if (!m->nr_held) {
		for (unsigned int i = 0; i < nr; i++) {
			ret = get_message(r, SIZE_MAX, &m->held[i], &m->held_len[i],
					  i ? IPCX_NOWAIT : flags, timeout);
			if (ret && i)
				break;
			if (ret)
				return ret;
			m->nr_held = i + 1;
		}
	}
	if (nr > m->nr_held)
		nr = m->nr_held;
	for (unsigned int i = 0; i < nr; i++) {
		msgs[i].iov_base = (char *)word_of(r, m->held[i]) + RING_HEAD;
		msgs[i].iov_len = m->held_len[i];
	}
	return (int)nr;
}

int ipcx_internal_many_release(struct ring *r, unsigned int nr)
{
	struct ring_many *m = &r->many;

	if (nr > m->nr_held)
		return -EINVAL;
	if (!nr)
		return 0;
	for (unsigned int i = 0; i < nr; i++)
		set_free(r, m->held[i]);
	m->nr_held -= nr;
	memmove(m->held, m->held + nr, m->nr_held * sizeof(m->held[0]));
	memmove(m->held_len, m->held_len + nr, m->nr_held * sizeof(m->held_len[0]));
	ring_wake_if_waiting(&r->rx, 0);
	return 0;
}

/* A number of our own; what its last bearer left is passed on. */
static int find_owner(struct ring *r)
{
	for (uint32_t owner = 1; owner < RING_OWNERS; owner++) {
		int ret = ipcx_internal_share_lock(&r->share, RING_LOCK_OWNER(owner));

		if (ret == -EBUSY)
			continue;
		if (ret)
			return ret;
		r->owner = owner;
		pass_on(r, owner);
		return 0;
	}
	return -EUSERS;
}

/*
 * The position from which this side goes on: not after anything that it has to do, and not more
 * than two laps before it.
 */
static uint64_t find_pos(const struct ring *r, const struct ring_side *s)
{
	uint64_t hint = load_relaxed(&s->own->pos);
	uint32_t lap = MWORD_LAP(load_acquire(word_of(r, 0)));

	if (hint && hint < 1ULL << 48 && is_past(r, s, hint - 1))
		return hint;
	return (uint64_t)(lap ? lap - 1 : 0) << r->nr_bits;
}

static void side_attach(struct ring *r, struct ring_side *s, struct ring_end *own,
			struct ring_bell *bell, struct ring_bell *theirs, bool expedited)
{
	uint32_t never = 0;

	s->own = own;
	s->bell = bell;
	s->theirs = theirs;
	s->attached = 1;
	s->is_many = 1;
	s->room_end = MANY_FETCH * s->stride;
	seek(r, s, find_pos(r, s));
	/* Who yields instead of sleeping is never woken, and would not be told. */
	note_cpu(s);
	if (!expedited)
		store_relaxed(&bell->expedited, NOT_EXPEDITED);
	else
		__atomic_compare_exchange_n(&bell->expedited, &never, ALL_EXPEDITED, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	store_release(&bell->state, END_HERE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	ring_wake_if_waiting(s, 0);
}

int ipcx_internal_many_attach(struct ring *r, unsigned int ends, bool expedited)
{
	struct ring_shared *shared = r->shared;
	int ret = find_owner(r);

	if (ret)
		return ret;
	if (ends & IPCX_RING_SENDER) {
		ret = ipcx_internal_share_lock(&r->share, RING_LOCK_TXS + r->owner);
		if (ret)
			return ret;
		side_attach(r, &r->tx, &shared->tx, &shared->room, &shared->data, expedited);
	}
	if (ends & IPCX_RING_RECEIVER) {
		ret = ipcx_internal_share_lock(&r->share, RING_LOCK_RXS + r->owner);
		if (ret)
			return ret;
		side_attach(r, &r->rx, &shared->rx, &shared->data, &shared->room, expedited);
	}
	return 0;
}

/* The last to leave says so, and all who wait at the other side look. */
static void side_detach(struct ring *r, struct ring_side *s, unsigned int locks)
{
	uint32_t here = END_HERE;

	ipcx_internal_share_unlock(&r->share, locks + r->owner);
	if (!ipcx_internal_share_any_locked(&r->share, locks, RING_OWNERS))
		__atomic_compare_exchange_n(&s->bell->state, &here, END_GONE, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	ipcx_internal_unpark(&s->theirs->word.sleep, INT_MAX);
	ipcx_internal_ring_poller(s);
}

void ipcx_internal_many_detach(struct ring *r)
{
	if (r->role & IPCX_RING_SENDER) {
		cancel(r, 0);
		side_detach(r, &r->tx, RING_LOCK_TXS);
	}
	if (r->role & IPCX_RING_RECEIVER) {
		ipcx_internal_many_release(r, r->many.nr_held);
		side_detach(r, &r->rx, RING_LOCK_RXS);
	}
}
