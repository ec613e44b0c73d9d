/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rings: what lies in shared memory, and what a handle keeps for itself.  Memory of zeros with a
 * configuration word is an empty ring, so that there is never half a ring.
 *
 * A slot begins with a word that says whether there is a message, and which; behind it, in the
 * same cache line, is the message.  So a round trip moves one line each way.  What the other side
 * writes is read once and then checked; where things are is computed from private memory only.
 *
 * RING_PUBLISH: the sender stores the message, then the slot's word with release; the receiver
 * loads the word with acquire, then the message.  Without it:
 *
 *	sender				receiver
 *	word (early)
 *					sees the word, reads the message of the last lap
 *	message
 *
 * RING_FREE: the receiver reads the message, then stores its position with release; the sender
 * loads the position with acquire, then writes the slot again.  Without it:
 *
 *	receiver			sender
 *	position (early)
 *					sees room, writes the next message
 *	reads half of each
 *
 * Waiting is WAKE_BARRIER, see park.h.
 */
#ifndef IPCX_RING_INTERNAL_H
#define IPCX_RING_INTERNAL_H

#include <stdalign.h>
#include <string.h>

#include <ipcx-ring.h>

#include "park.h"
#include "share.h"

#define RING_LINE	64U
#define RING_APART	128U		/* processors fetch lines in pairs */
#define RING_HEAD	8U		/* bytes of a slot's word */
#define RING_FETCH	256U		/* bytes that the sender's cache is ahead of it */
#define RING_FLAGS	(IPCX_RING_MANY | IPCX_RING_HUGE)

/* state of an end */
#define END_NEVER	0U		/* nobody has had it yet */
#define END_HERE	1U
#define END_GONE	2U		/* given up */

/* ring_bell.expedited: can all who ring this bell be reached by park_barrier()? */
#define ALL_EXPEDITED	1U
#define NOT_EXPEDITED	2U

/* Locks: of the ends; with IPCX_RING_MANY of each handle, and of what it is attached as. */
#define RING_LOCK_TX	0U
#define RING_LOCK_RX	1U
#define RING_OWNERS	256U		/* handles at the same time; 0 is nobody */
#define RING_LOCK_OWNER(owner)	(512U + (owner))
#define RING_LOCK_TXS	1024U
#define RING_LOCK_RXS	1536U
#define RING_BATCH	32U		/* IPCX_RING_MANY: most messages of a reservation, or a peek */
#define LOAN_LOCK(owner)	(16U + (owner))

/* bits of bell_word.sleep */
#define BELL_SLEEP	1U		/* there are sleepers: FUTEX_WAKE */
#define BELL_POLL	2U		/* there are pollers: write to their descriptor */
#define BELL_MARKS	(BELL_SLEEP | BELL_POLL)
#define BELL_TURN	16U		/* a ring of many: how often somebody has been woken, from here on */

/**
 * union bell_word - who waits at an end
 * @sleep: futex: BELL_SLEEP and BELL_POLL set by who waits, cleared by who wakes, and turns
 * @turn: how often pollers have armed
 */
union bell_word {
	struct {
		uint32_t sleep;
		uint32_t turn;
	};
	uint64_t both;
};

/**
 * struct ring_bell - how an end waits; on a line that changes only when somebody does
 * @word: who waits
 * @state: END_*
 * @cpu: where the end ran when it last waited, plus 1
 * @expedited: ALL_EXPEDITED, NOT_EXPEDITED; 0: nobody yet
 */
struct ring_bell {
	union bell_word word;
	uint32_t state;
	uint32_t cpu;
	uint32_t expedited;
	char pad[RING_APART - 20];
};

/**
 * struct ring_end - how far an end is; written by it alone
 * @pos: receiver: bytes of slots that it has freed since the beginning; the sender's is what the words say.
 *	IPCX_RING_MANY: a hint: messages that have been sent or received
 * @spill: bytes that it has allocated or freed since the beginning
 */
struct ring_end {
	uint64_t pos;
	uint64_t spill;
	char pad[RING_APART - 16];
};

/**
 * struct ring_shared - the beginning of the memory; the slots follow, then the shared bytes
 * @config: see config_pack(); 0: no ring yet
 * @tx: the sender's end
 * @rx: the receiver's
 * @data: where the receiver waits, for messages
 * @room: where the sender waits
 */
struct ring_shared {
	uint64_t config;
	char pad[RING_APART - 8];
	struct ring_end tx, rx;
	struct ring_bell data, room;
	char reserved[1024 - 5 * RING_APART];
};

_Static_assert(sizeof(struct ring_shared) == 1024, "the slots begin at 1024");

/*
 * A slot's word: lap, from 1; length; and is the message in the shared bytes?  The lap is kept where it
 * is in the word: less it, the word of the next message is a length, and any other is longer than all.
 */
#define LAP_ONE		(1ULL << 32)
#define WORD_LAP(word)	((uint32_t)((word) >> 32))
#define WORD_LEN(word)	((uint32_t)(word))
#define LEN_SPILL	(1U << 31)

/**
 * struct ring_side - the private half of one end: a line of its own for the short way, and the rest
 * @base: the address that byte 0 of all slots that ever were would have, so that the next one is at @base + @at; of an
 *	end that is not attached, a word that is never ready; so for IPCX_RING_MANY
 * @at: bytes of slots before the next message since the beginning
 * @limit: sender: @at must be below this: there is room, and the lap has not ended
 * @lap_end: where the lap ends
 * @lap: in the words of this lap
 * @fast_len: longest message that takes the short way
 * @stride: from one slot to the next
 * @shared: the beginning of the memory
 * @slots, @end: where the slots are
 * @room_end: sender: the receiver has freed what is below this, less all slots;
 *	IPCX_RING_MANY: bytes from a slot to the one whose lines are fetched
 * @own: what others see of @pos
 * @theirs: the other end's bell
 * @spill_pos: bytes allocated or freed
 * @spill_seen: sender: how many the receiver has freed, as far as is known
 * @spill_need: sender: how many it waits for
 * @poll_need: sender: how many it lacked last
 * @inline_len: longest message in a slot
 * @nr: messages reserved, or peeked at, ...
 * @nr_at: ... when it was here
 * @bell: this end's bell
 * @spin_ns: time to spin
 * @misses: spins in a row that were in vain
 * @cpu: as last published
 * @hold: waits until @streaming is believed again
 * @backoff: mistakes in a row, as far as they count: they double @hold
 * @apart: pauses between two looks of a spin
 * @streaming: the last wait was over at once
 * @behind: how long it stays behind a stream, in BEHIND_NS
 * @reserved: sender: where the message is that ipcx_ring_commit() sends
 * @next: IPCX_RING_MANY: position from which to go on; @at and @limit stay equal, so that the
 *	short way is never taken
 * @next_word, @next_lap: of @next: where its word is, and the word of a slot that is free in its lap
 * @blocked: IPCX_RING_MANY: whose slot is in the way, or 0
 * @is_many: others may wait where this end does
 * @event: descriptor that a poller of this end polls, or -1
 * @their_event: the same of the other end
 */
struct ring_side {
	uintptr_t base;
	uint64_t at;
	uint64_t limit;
	uint64_t lap_end;
	uint64_t lap;
	uint64_t fast_len;
	uint64_t stride;
	struct ring_shared *shared;

	char *slots;
	char *end;
	uint64_t room_end;
	struct ring_end *own;
	struct ring_bell *theirs;
	struct ring_bell *bell;
	uint64_t spill_pos;
	uint64_t spill_seen;
	uint64_t spill_need;
	uint64_t poll_need;
	uint64_t nr_at;
	uint32_t nr;
	uint32_t inline_len;
	uint64_t spin_ns;
	uint32_t misses;
	uint32_t cpu;
	uint16_t hold;
	uint8_t backoff;
	uint8_t apart;
	uint8_t streaming;
	uint8_t behind;
	uint8_t attached;
	uint8_t is_many;

	uint64_t next;
	uint64_t *next_word;
	uint64_t next_lap;
	uint32_t blocked;
	int event;
	int their_event;
	void *reserved;
	uint64_t bad;
	uint64_t sleeps;
	uint64_t wakes;
};

/**
 * struct ring_many - what a handle of an IPCX_RING_MANY has in its hands
 * @claimed: positions that are reserved
 * @held: positions of the messages that were peeked at, with @held_len
 */
struct ring_many {
	uint64_t claimed[RING_BATCH];
	uint64_t held[RING_BATCH];
	uint32_t held_len[RING_BATCH];
	uint32_t nr_claimed;
	uint32_t nr_held;
};

/**
 * struct ring - what struct ipcx_ring is
 * @share: the memory
 * @shared: its beginning
 * @spill: the shared bytes
 * @spill_len: how many: a power of 2, or 0
 * @nr: slots, a power of 2
 * @nr_bits: its logarithm
 * @max_len: longest message
 * @flags: IPCX_RING_HUGE
 * @role: IPCX_RING_SENDER, IPCX_RING_RECEIVER
 * @owner: IPCX_RING_MANY: number of this handle
 * @may_spin: there are several processors
 */
struct ring {
	struct share share;
	struct ring_shared *shared;
	char *spill;
	uint64_t spill_len;
	uint32_t nr;
	uint32_t nr_bits;
	uint32_t max_len;
	uint32_t flags;
	uint32_t role;
	uint32_t owner;
	bool may_spin;
	char pad[20];
	struct ring_side tx;
	char between[16];
	struct ring_side rx;
	struct ring_many many;
};

_Static_assert(sizeof(struct ring) <= sizeof(struct ipcx_ring), "an ipcx_ring has room for a ring");

static inline struct ring *ring_of(struct ipcx_ring *ring)
{
	return (struct ring *)ring;
}

/**
 * struct ring_shape - a ring's configuration, and where its parts are
 * @nr_bits: logarithm of the number of slots
 * @spill_bits: that of the shared bytes, plus 1; 0: none
 * @size: bytes of the whole
 */
struct ring_shape {
	uint32_t flags;
	uint32_t nr_bits;
	uint32_t spill_bits;
	uint32_t max_len;
	uint32_t inline_len;
	size_t stride;
	uint64_t spill_len;
	size_t spill_at;
	size_t size;
};

/* By number since the beginning; not in the short way. */
static inline uint32_t lap_of(const struct ring *r, uint64_t pos)
{
	return (uint32_t)(pos >> r->nr_bits) + 1;
}

static inline char *slot_of(const struct ring *r, const struct ring_side *s, uint64_t pos)
{
	return s->slots + (pos & (r->nr - 1)) * s->stride;
}

static inline uint64_t all_slots(const struct ring_side *s)
{
	return (uint64_t)(s->end - s->slots);
}

/*
 * The processor will soon write to the line at @addr, which may be anywhere.  Without it a line is asked for when the
 * store is next in turn, and a sender waits for each as long as it takes from the other processor to this one.
 * A hint: an address that is not mapped does no harm.
 */
static inline void fetch_for_writing(const char *addr)
{
#ifdef __x86_64__
	/* What __builtin_prefetch() makes for x86-64 as it first was fetches a line for reading only. */
	__asm__("prefetchw %0" : : "m"(*addr));
#else
	__builtin_prefetch(addr, 1);
#endif
}

/* ring-many.c: the calls on a ring with IPCX_RING_MANY. */
IPCX_HIDDEN int ipcx_internal_many_attach(struct ring *r, unsigned int ends, bool expedited);
IPCX_HIDDEN void ipcx_internal_many_detach(struct ring *r);
IPCX_HIDDEN int ipcx_internal_many_send(struct ring *r, const void *buf, size_t len,
					unsigned int flags, uint64_t timeout);
IPCX_HIDDEN ssize_t ipcx_internal_many_recv(struct ring *r, void *buf, size_t len,
					    unsigned int flags, uint64_t timeout);
IPCX_HIDDEN int ipcx_internal_many_reservev(struct ring *r, struct iovec *msgs, unsigned int nr,
					    unsigned int flags, uint64_t timeout);
IPCX_HIDDEN int ipcx_internal_many_commitv(struct ring *r, const struct iovec *msgs,
					   unsigned int nr);
IPCX_HIDDEN int ipcx_internal_many_peekv(struct ring *r, struct iovec *msgs, unsigned int nr,
					 unsigned int flags, uint64_t timeout);
IPCX_HIDDEN int ipcx_internal_many_release(struct ring *r, unsigned int nr);

/*
 * ring-one.c, ring-many.c: is there something to do for end @s?  0 if so, or an error; or for how many milliseconds a
 * poller may believe that there is not.
 */
IPCX_HIDDEN int ipcx_internal_one_look(struct ring *r, struct ring_side *s, int ms);
IPCX_HIDDEN int ipcx_internal_many_look(struct ring *r, struct ring_side *s);

/* ring-poll.c: ring for who polls the other end. */
IPCX_HIDDEN void ipcx_internal_ring_poller(struct ring_side *side);

/* ring.c: is message number @pos in its slot? */
IPCX_HIDDEN bool ipcx_internal_ring_is_there(const struct ring *r, uint64_t pos);
/* Wake who waits at the other end; returns @ret. */
IPCX_HIDDEN ssize_t ipcx_internal_ring_wake(struct ring_side *side, ssize_t ret);

/*
 * After something was published: WAKE_BARRIER.  Returns @ret, so that a call which ends in this
 * needs no frame.
 */
static inline ssize_t ring_wake_if_waiting(struct ring_side *side, ssize_t ret)
{
	park_publish_barrier();
	if (unlikely(load_relaxed(&side->theirs->word.sleep) & BELL_MARKS))
		return ipcx_internal_ring_wake(side, ret);
	return ret;
}

#endif /* IPCX_RING_INTERNAL_H */
