// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rings with one sender and one receiver: every call that moves messages.  The first lines of
 * each are the short way, when there is room or a message; what follows may wait.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "copy.h"
#include "ring.h"
#include "ring-wait.h"

static inline char *next_slot(const struct ring_side *s)
{
	return (char *)(s->base + s->at);
}

static inline void next_lap(struct ring_side *s)
{
	uint64_t lap = all_slots(s);

	/* or the compiler keeps in registers, for this, what the short way just adds */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	s->base -= lap;
	s->lap_end += lap;
	s->lap += LAP_ONE;
}

static inline void step(struct ring_side *s)
{
	s->at += s->stride;
	if (unlikely(s->at == s->lap_end))
		next_lap(s);
}

/* Is the message @ahead bytes of slots after the next one there? */
static inline bool is_there(const struct ring_side *s, uint64_t ahead)
{
	const char *slot = next_slot(s) + ahead;
	uint64_t lap = s->lap;

	if (slot >= s->end) {
		slot -= all_slots(s);
		lap += LAP_ONE;
	}
	return WORD_LAP(load_relaxed((const uint64_t *)slot)) == WORD_LAP(lap);
}

/* Sender: the short way stops at the end of a lap, and goes no farther than there is room. */
static inline void set_limit(struct ring_side *s)
{
	if (s->at == s->lap_end)
		next_lap(s);
	s->limit = s->room_end < s->lap_end ? s->room_end : s->lap_end;
}

/* ---- waiting ---- */

/* Is there room for a message, and for spill_need bytes?  1, 0 or -EPROTO. */
static inline int tx_ready(struct ring *r)
{
	struct ring_side *s = &r->tx;
	uint64_t seen = s->room_end - all_slots(s), pos, spill;

	/* If it is not a number of slots, the receiver asks for half a message. */
	pos = load_acquire(&r->shared->rx.pos);		/* RING_FREE */
	if (unlikely(pos - seen > s->at - seen))
		return -EPROTO;
	s->room_end = pos + all_slots(s);
	set_limit(s);
	if (unlikely(s->spill_need)) {
		spill = load_relaxed(&r->shared->rx.spill);
		/* What is out of bounds is no news. */
		if (spill - s->spill_seen <= s->spill_pos - s->spill_seen)
			s->spill_seen = spill;
		if (s->spill_pos + s->spill_need - s->spill_seen > r->spill_len &&
		    s->spill_pos != s->spill_seen)
			return 0;
	}
	return s->at < s->limit;
}

/* Is the next message there? */
static inline int rx_ready(struct ring *r)
{
	return WORD_LAP(load_acquire((uint64_t *)next_slot(&r->rx))) == WORD_LAP(r->rx.lap);	/* RING_PUBLISH */
}

/* Before sleeping: a slot's word can only be of this lap, or the one before. */
static int rx_check(struct ring *r)
{
	uint32_t behind = WORD_LAP(r->rx.lap) - WORD_LAP(load_acquire((uint64_t *)next_slot(&r->rx)));

	return behind <= 1 ? 0 : -EPROTO;
}

/* The other end has died: nobody holds its lock.  It may be our own. */
static bool other_is_dead(const struct ring *r, const struct ring_side *s)
{
	unsigned int lock = s == &r->tx ? RING_LOCK_RX : RING_LOCK_TX;

	return load_acquire(&s->theirs->state) == END_HERE &&
	       r->role != (IPCX_RING_SENDER | IPCX_RING_RECEIVER) &&
	       !ipcx_internal_share_is_locked(&r->share, lock);
}

static bool other_has_left(const struct ring_side *s)
{
	return load_acquire(&s->theirs->state) == END_GONE;
}

/* There is something; is there more of it? */
static inline bool has_more(const struct ring *r, const struct ring_side *s)
{
	return s == &r->tx ? s->room_end - s->at > s->stride : is_there(s, s->stride);
}

/*
 * Wait until @ready says 1 or an error.  Always inlined: @ready is known in each use, and a call
 * through a pointer would be most of a look.
 */
static inline __attribute__((always_inline)) int
end_wait(struct ring *r, struct ring_side *s, int (*ready)(struct ring *), unsigned int flags,
	 uint64_t timeout)
{
	struct spin spin = { .apart = s->apart };
	uint64_t spin_ns, now, look;
	int ret;

	ret = ready(r);
	if (ret)
		return ret;
	if (flags & ~WAIT_FLAGS)
		return -EINVAL;
	if (flags & IPCX_NOWAIT)
		return other_has_left(s) ? -EPIPE : -EAGAIN;

	if (s->streaming) {
		stay_behind(s);
		ret = ready(r);
		note_streaming(s, ret > 0 && has_more(r, s));
		if (ret)
			return ret;
	}
	spin_ns = spin_time(r, s);
	if (timeout != IPCX_FOREVER) {
		now = ipcx_internal_now(flags);
		if (now >= timeout)
			return other_has_left(s) ? -EPIPE : -ETIMEDOUT;
		if (spin_ns > timeout - now)
			spin_ns = timeout - now;
	}
	if (spin_ns) {
		while (spin_more(&spin, spin_ns)) {
			ret = ready(r);
			if (ret) {
				if (s->misses)
					s->misses = 0;
				note_short(s, &spin);
				return ret;
			}
			if (unlikely(!(spin.looks & (SPIN_LOOKS - 1)) && other_has_left(s)))
				break;
		}
		s->misses++;
	}
	for (int i = 0; i < YIELDS && yield_first(r, s); i++) {
		sched_yield();
		ret = ready(r);
		if (ret)
			return ret;
	}

	for (;;) {
		/* WAKE_BARRIER.  An end that attaches later than this rings. */
		store_relaxed(&s->bell->word.sleep, BELL_SLEEP);
		look = PARK_LOOK_NS;
		if (!ipcx_internal_park_barrier() ||
		    (load_acquire(&s->theirs->state) == END_HERE &&
		     load_relaxed(&s->theirs->expedited) != ALL_EXPEDITED))
			look = PARK_LOOK_SOON_NS;
		ret = ready(r);
		if (ret)
			break;
		if (other_has_left(s)) {
			/* It may have published something last. */
			ret = ready(r) ?: -EPIPE;
			break;
		}
		s->sleeps++;
		ret = ipcx_internal_park(&s->bell->word.sleep, BELL_SLEEP, flags, timeout, look);
		if (ret) {
			ret = ready(r) ?: ret;
			break;
		}
		if (load_relaxed(&s->bell->word.sleep) && other_is_dead(r, s)) {
			ret = ready(r) ?: -EPIPE;
			break;
		}
	}
	store_relaxed(&s->bell->word.sleep, 0);
	return ret;
}

int ipcx_internal_one_look(struct ring *r, struct ring_side *s, int ms)
{
	int ret;

	s->spill_need = s->poll_need;
	ret = s == &r->tx ? tx_ready(r) : rx_check(r) ?: rx_ready(r);
	if (!ret && (other_has_left(s) || other_is_dead(r, s))) {
		/* It may have published something last. */
		ret = s == &r->tx ? tx_ready(r) : rx_ready(r);
		if (!ret)
			ret = -EPIPE;
	}
	s->spill_need = 0;
	return ret < 0 ? ret : ret ? 0 : ms;
}

/* 0 when there is room for @need bytes in the shared bytes and a slot. */
static __attribute__((noinline)) int wait_room(struct ring *r, uint64_t need, unsigned int flags,
					       uint64_t timeout)
{
	int ret;

	if (!r->tx.attached)
		return -EBADF;
	r->tx.spill_need = need;
	ret = end_wait(r, &r->tx, tx_ready, flags, timeout);
	r->tx.spill_need = 0;
	r->tx.poll_need = ret == -EAGAIN ? need : 0;
	return ret < 0 ? ret : 0;
}

/* 0 when the next message is there. */
static __attribute__((noinline)) int wait_message(struct ring *r, unsigned int flags,
						  uint64_t timeout)
{
	int ret;

	if (!r->rx.attached)
		return -EBADF;
	ret = rx_check(r);
	if (ret)
		return ret;
	ret = end_wait(r, &r->rx, rx_ready, flags, timeout);
	return ret < 0 ? ret : 0;
}

/* ---- sending ---- */

/* The message in s->slot is there. */
static inline void publish(struct ring_side *s, uint32_t len)
{
	store_release((uint64_t *)next_slot(s), s->lap | len);	/* RING_PUBLISH */
	step(s);
}

/* Where @len of the shared bytes would begin; *@need is what that takes of them. */
static uint64_t spill_place(const struct ring *r, uint64_t from, size_t len, uint64_t *need)
{
	uint64_t at = from & (r->spill_len - 1), take = (len + RING_LINE - 1) & -(uint64_t)RING_LINE;
	uint64_t place = from;

	if (at + take > r->spill_len)
		place += r->spill_len - at;
	*need = place + take - from;
	return place;
}

/*
 * Room for message number @i of a reservation that has used the shared bytes up to *@spill.  The
 * slot is @slot; the place is noted in it when the message does not fit there.
 */
static int reserve_one(struct ring *r, unsigned int i, char *slot, uint64_t *spill, size_t len,
		       void **addr, unsigned int flags, uint64_t timeout)
{
	struct ring_side *s = &r->tx;
	uint64_t need = 0, place = 0;
	int ret;

	if (unlikely(len > r->max_len))
		return -EMSGSIZE;
	if (len > s->inline_len)
		place = spill_place(r, *spill, len, &need);
	if (unlikely(s->at + i * s->stride >= s->room_end ||
		     (need && *spill + need - s->spill_seen > r->spill_len))) {
		/* Only the first may wait, and a batch takes what room there is. */
		if (i) {
			ret = tx_ready(r);
			if (ret < 0)
				return ret;
			if (s->at + i * s->stride >= s->room_end ||
			    (need && *spill + need - s->spill_seen > r->spill_len))
				return -EAGAIN;
		} else {
			ret = wait_room(r, need, flags, timeout);
			if (ret)
				return ret;
			/* All free, and still too little in one piece: begin anew. */
			if (need && *spill + need - s->spill_seen > r->spill_len)
				s->spill_seen = s->spill_pos = *spill = place;
		}
	}
	if (!need) {
		*addr = slot + RING_HEAD;
		return 0;
	}
	store_relaxed((uint64_t *)(slot + RING_HEAD), place);
	*addr = r->spill + (place & (r->spill_len - 1));
	*spill = place + ((len + RING_LINE - 1) & -(uint64_t)RING_LINE);
	return 0;
}

int ipcx_ring_reservev(struct ipcx_ring *ring, struct iovec *msgs, unsigned int nr,
		       unsigned int flags, uint64_t timeout)
{
	struct ring *r = ring_of(ring);
	struct ring_side *s = &r->tx;
	uint64_t spill = s->spill_pos;
	unsigned int i;
	char *slot;
	int ret = 0;

	if (unlikely(!nr || flags & ~WAIT_FLAGS))
		return -EINVAL;
	if (unlikely(r->flags & IPCX_RING_MANY))
		return ipcx_internal_many_reservev(r, msgs, nr, flags, timeout);
	set_limit(s);
	slot = next_slot(s);
	s->nr = 0;
	if (nr > r->nr)
		nr = r->nr;
	for (i = 0; i < nr; i++) {
		ret = reserve_one(r, i, slot, &spill, msgs[i].iov_len, &msgs[i].iov_base, flags,
				  timeout);
		if (ret)
			break;
		slot += s->stride;
		if (slot == s->end)
			slot = s->slots;
	}
	s->nr = i;
	s->nr_at = s->at;
	return i ? (int)i : ret;
}

/* The place of a message that was reserved in the shared bytes: private, not what is in the slot. */
static bool was_spilled(const struct ring *r, const void *addr)
{
	return (uintptr_t)addr - (uintptr_t)r->spill < r->spill_len;
}

int ipcx_ring_commitv(struct ipcx_ring *ring, const struct iovec *msgs, unsigned int nr)
{
	struct ring *r = ring_of(ring);
	struct ring_side *s = &r->tx;

	if (unlikely(r->flags & IPCX_RING_MANY))
		return ipcx_internal_many_commitv(r, msgs, nr);
	if (unlikely(nr > s->nr || s->nr_at != s->at))
		return -EINVAL;
	for (unsigned int i = 0; i < nr; i++)
		if (msgs[i].iov_len > (was_spilled(r, msgs[i].iov_base) ? r->max_len :
							  s->inline_len))
			return -EMSGSIZE;
	s->nr = 0;
	for (unsigned int i = 0; i < nr; i++) {
		size_t len = msgs[i].iov_len;

		if (unlikely(was_spilled(r, msgs[i].iov_base))) {
			uint64_t at = (uintptr_t)msgs[i].iov_base - (uintptr_t)r->spill;
			uint64_t mask = r->spill_len - 1;

			s->spill_pos += (at - s->spill_pos) & mask;
			s->spill_pos += (len + RING_LINE - 1) & -(uint64_t)RING_LINE;
			store_relaxed(&s->own->spill, s->spill_pos);
			publish(s, (uint32_t)len | LEN_SPILL);
		} else {
			publish(s, (uint32_t)len);
		}
	}
	if (nr)
		ring_wake_if_waiting(s, 0);
	return 0;
}

int ipcx_ring_reserve(struct ipcx_ring *ring, void **addr, size_t len, unsigned int flags,
		      uint64_t timeout)
{
	struct iovec msg = { .iov_len = len };
	int ret = ipcx_ring_reservev(ring, &msg, 1, flags, timeout);

	if (ret < 0)
		return ret;
	*addr = ring_of(ring)->tx.reserved = msg.iov_base;
	return 0;
}

int ipcx_ring_commit(struct ipcx_ring *ring, size_t len)
{
	struct iovec msg = { ring_of(ring)->tx.reserved, len };

	return ipcx_ring_commitv(ring, &msg, 1);
}

/* What is large, does not fit into a slot, or finds no room there and then. */
static __attribute__((noinline)) int send_one(struct ipcx_ring *ring, const void *buf, size_t len,
					      unsigned int flags, uint64_t timeout)
{
	struct iovec msg = { .iov_len = len };
	int ret;

	ret = ipcx_ring_reservev(ring, &msg, 1, flags, timeout);
	if (ret < 0)
		return ret;
	copy(msg.iov_base, buf, len);
	msg.iov_len = len;
	return ipcx_ring_commitv(ring, &msg, 1);
}

/* The short way: false if it cannot be taken.  What it needs is read before the message is written. */
static inline bool send_now(struct ring_side *s, const void *buf, size_t len)
{
	uint64_t at = s->at, word = s->lap | len;
	char *slot = (char *)(s->base + at);

	if (unlikely(len > s->fast_len || at >= s->limit))
		return false;
	s->at = at + s->stride;
	fetch_for_writing(slot + RING_FETCH);
	fetch_for_writing(slot + RING_FETCH + RING_LINE);
	copy_small(slot + RING_HEAD, buf, len);
	store_release((uint64_t *)slot, word);			/* RING_PUBLISH */
	return true;
}

static __attribute__((noinline)) int send_slowly(struct ipcx_ring *ring, const void *buf, size_t len,
						 unsigned int flags, uint64_t timeout)
{
	struct ring *r = ring_of(ring);
	struct ring_side *s = &r->tx;

	if (r->flags & IPCX_RING_MANY)
		return ipcx_internal_many_send(r, buf, len, flags, timeout);
	/* A lap has ended, or the receiver has been looked at a lap ago. */
	if (s->attached && len <= s->fast_len && !(flags & ~WAIT_FLAGS)) {
		if (s->at < s->room_end)
			set_limit(s);
		else
			tx_ready(r);
		if (send_now(s, buf, len))
			return (int)ring_wake_if_waiting(s, 0);
	}
	return send_one(ring, buf, len, flags, timeout);
}

/* As ring_wake_if_waiting(), of a bell that has no mark if nobody waits. */
static inline ssize_t ring_now(struct ring_side *s, const uint32_t *sleep, ssize_t ret)
{
	park_publish_barrier();
	return unlikely(is_marked(sleep)) ? ipcx_internal_ring_wake(s, ret) : ret;
}

int ipcx_ring_send(struct ipcx_ring *ring, const void *buf, size_t len)
{
	struct ring_side *s = &ring_of(ring)->tx;

	if (unlikely(!send_now(s, buf, len)))
		return send_slowly(ring, buf, len, 0, IPCX_FOREVER);
	return (int)ring_now(s, &s->shared->data.word.sleep, 0);
}

int ipcx_ring_send_until(struct ipcx_ring *ring, const void *buf, size_t len, unsigned int flags,
			 uint64_t timeout)
{
	struct ring_side *s = &ring_of(ring)->tx;

	if (unlikely(flags & ~WAIT_FLAGS || !send_now(s, buf, len)))
		return send_slowly(ring, buf, len, flags, timeout);
	return (int)ring_now(s, &s->shared->data.word.sleep, 0);
}

int ipcx_ring_sendv(struct ipcx_ring *ring, const struct iovec *msgs, unsigned int nr,
		    unsigned int flags, uint64_t timeout)
{
	struct ring *r = ring_of(ring);
	struct ring_side *s = &r->tx;
	unsigned int i;
	int ret = 0;

	if (unlikely(!nr || flags & ~WAIT_FLAGS))
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		size_t len = msgs[i].iov_len;

		if (unlikely(!send_now(s, msgs[i].iov_base, len))) {
			/* What is there already must not wait for what may come. */
			if (i && !s->is_many)
				ring_wake_if_waiting(s, 0);
			ret = send_slowly(ring, msgs[i].iov_base, len, i ? IPCX_NOWAIT : flags,
					  timeout);
			if (ret)
				break;
		}
	}
	if (i && !s->is_many)
		ring_wake_if_waiting(s, 0);
	return i ? (int)i : ret;
}

/* ---- receiving ---- */

/*
 * The message behind a slot's @word: false if it is garbage.  *@spill becomes where its shared
 * bytes end, if it has any.
 */
static bool locate(const struct ring *r, char *slot, uint64_t word, struct iovec *msg,
		   uint64_t *spill)
{
	uint32_t len = WORD_LEN(word);
	uint64_t place, at;

	if (likely(len <= r->rx.inline_len)) {
		msg->iov_base = slot + RING_HEAD;
		msg->iov_len = len;
		return true;
	}
	if (!r->spill_len || !(len & LEN_SPILL))
		return false;
	len &= ~LEN_SPILL;
	place = load_relaxed((uint64_t *)(slot + RING_HEAD));
	at = place & (r->spill_len - 1);
	if (len > r->max_len || place % RING_LINE || at + len > r->spill_len)
		return false;
	msg->iov_base = r->spill + at;
	msg->iov_len = len;
	*spill = place + ((len + RING_LINE - 1) & -(uint64_t)RING_LINE);
	return true;
}

/* The receiver has done with everything before s->at. */
static inline void release_end(struct ring_side *s)
{
	store_release(&s->own->pos, s->at);			/* RING_FREE */
	ring_wake_if_waiting(s, 0);
}

/* Drop the message at the front. */
static int drop(struct ring *r)
{
	r->rx.bad++;
	step(&r->rx);
	release_end(&r->rx);
	return -EBADMSG;
}

int ipcx_ring_peekv(struct ipcx_ring *ring, struct iovec *msgs, unsigned int nr,
		    unsigned int flags, uint64_t timeout)
{
	struct ring *r = ring_of(ring);
	struct ring_side *s = &r->rx;
	uint64_t lap = s->lap, word, spill;
	char *slot = next_slot(s);
	unsigned int i;
	int ret;

	if (unlikely(!nr || flags & ~WAIT_FLAGS))
		return -EINVAL;
	if (unlikely(r->flags & IPCX_RING_MANY))
		return ipcx_internal_many_peekv(r, msgs, nr, flags, timeout);
	s->nr = 0;
	if (nr > r->nr)
		nr = r->nr;
	for (i = 0; i < nr; i++) {
		word = load_acquire((uint64_t *)slot);		/* RING_PUBLISH */
		if (WORD_LAP(word) != WORD_LAP(lap) || !s->attached) {
			if (i)
				break;
			ret = wait_message(r, flags, timeout);
			if (ret)
				return ret;
			word = load_acquire((uint64_t *)slot);
		}
		if (!locate(r, slot, word, &msgs[i], &spill)) {
			if (i)
				break;
			return drop(r);
		}
		slot += s->stride;
		if (slot == s->end) {
			slot = s->slots;
			lap += LAP_ONE;
		}
	}
	s->nr = i;
	s->nr_at = s->at;
	return (int)i;
}

ssize_t ipcx_ring_peek(struct ipcx_ring *ring, const void **addr, unsigned int flags,
		       uint64_t timeout)
{
	struct iovec msg;
	int ret = ipcx_ring_peekv(ring, &msg, 1, flags, timeout);

	if (ret < 0)
		return ret;
	*addr = msg.iov_base;
	return (ssize_t)msg.iov_len;
}

int ipcx_ring_release(struct ipcx_ring *ring, unsigned int nr)
{
	struct ring *r = ring_of(ring);
	struct ring_side *s = &r->rx;
	struct iovec msg;

	if (unlikely(r->flags & IPCX_RING_MANY))
		return ipcx_internal_many_release(r, nr);
	if (unlikely(nr > s->nr || s->nr_at != s->at))
		return -EINVAL;
	s->nr -= nr;
	if (!nr)
		return 0;
	for (; nr; nr--) {
		/* Looked at again: if it is garbage now, the sender keeps fewer bytes. */
		if (r->spill_len &&
		    locate(r, next_slot(s), load_relaxed((uint64_t *)next_slot(s)), &msg,
			   &s->spill_pos))
			store_release(&s->own->spill, s->spill_pos);
		step(s);
	}
	s->nr_at = s->at;
	release_end(s);
	return 0;
}

/* What is not there yet, does not lie in its slot, does not fit, or is garbage. */
static __attribute__((noinline)) ssize_t recv_one(struct ipcx_ring *ring, void *buf, size_t len,
						  unsigned int flags, uint64_t timeout)
{
	struct iovec msg;
	int ret;

	ret = ipcx_ring_peekv(ring, &msg, 1, flags, timeout);
	if (ret < 0)
		return ret;
	if (msg.iov_len > len)
		return -EMSGSIZE;
	copy(buf, msg.iov_base, msg.iov_len);
	ipcx_ring_release(ring, 1);
	return (ssize_t)msg.iov_len;
}

/* The short way: false if it cannot be taken.  *@at becomes what is free then. */
static inline bool recv_now(struct ring_side *s, void *buf, size_t len, uint64_t *msg_len, uint64_t *at)
{
	char *slot = (char *)(s->base + s->at);

	/* Of another lap it is longer than anything. */
	*msg_len = load_acquire((uint64_t *)slot) - s->lap;	/* RING_PUBLISH */
	if (unlikely(*msg_len > s->fast_len || (ssize_t)*msg_len > (ssize_t)len))
		return false;
	*at = s->at += s->stride;
	if (unlikely(*at == s->lap_end))
		next_lap(s);
	copy_small(buf, slot + RING_HEAD, *msg_len);
	return true;
}

/* What is before @at is free. */
static inline ssize_t release_now(struct ring_side *s, uint64_t at, ssize_t ret)
{
	struct ring_shared *shared = s->shared;

	store_release(&shared->rx.pos, at);			/* RING_FREE */
	return ring_now(s, &shared->room.word.sleep, ret);
}

static __attribute__((noinline)) ssize_t recv_slowly(struct ipcx_ring *ring, void *buf, size_t len,
						     unsigned int flags, uint64_t timeout)
{
	struct ring *r = ring_of(ring);
	uint64_t msg_len, at;
	int ret;

	if (r->flags & IPCX_RING_MANY)
		return ipcx_internal_many_recv(r, buf, len, flags, timeout);
	if (!rx_ready(r)) {
		ret = wait_message(r, flags, timeout);
		if (ret)
			return ret;
		if (likely(recv_now(&r->rx, buf, len, &msg_len, &at)))
			return release_now(&r->rx, at, (ssize_t)msg_len);
	}
	return recv_one(ring, buf, len, flags, timeout);
}

ssize_t ipcx_ring_recv(struct ipcx_ring *ring, void *buf, size_t len)
{
	struct ring_side *s = &ring_of(ring)->rx;
	uint64_t msg_len, at;

	if (unlikely(!recv_now(s, buf, len, &msg_len, &at)))
		return recv_slowly(ring, buf, len, 0, IPCX_FOREVER);
	return release_now(s, at, (ssize_t)msg_len);
}

ssize_t ipcx_ring_recv_until(struct ipcx_ring *ring, void *buf, size_t len, unsigned int flags,
			     uint64_t timeout)
{
	struct ring_side *s = &ring_of(ring)->rx;
	uint64_t msg_len, at;

	if (unlikely(flags & ~WAIT_FLAGS))
		return -EINVAL;
	if (unlikely(!recv_now(s, buf, len, &msg_len, &at)))
		return recv_slowly(ring, buf, len, flags, timeout);
	return release_now(s, at, (ssize_t)msg_len);
}

int ipcx_ring_recvv(struct ipcx_ring *ring, struct iovec *msgs, unsigned int nr,
		    unsigned int flags, uint64_t timeout)
{
	struct ring_side *s = &ring_of(ring)->rx;
	uint64_t msg_len, at;
	bool ahead = false;
	unsigned int i;
	ssize_t ret = 0;

	if (unlikely(!nr || flags & ~WAIT_FLAGS))
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		if (likely(recv_now(s, msgs[i].iov_base, msgs[i].iov_len, &msg_len, &at))) {
			ret = (ssize_t)msg_len;
			ahead = true;
		} else {
			/* The sender may need the room that these leave. */
			if (ahead)
				release_end(s);
			ahead = false;
			ret = recv_slowly(ring, msgs[i].iov_base, msgs[i].iov_len,
					  i ? IPCX_NOWAIT : flags, timeout);
			if (ret < 0)
				break;
		}
		msgs[i].iov_len = (size_t)ret;
	}
	if (ahead)
		release_end(s);
	return i ? (int)i : (int)ret;
}
