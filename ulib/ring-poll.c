// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rings in loops of poll(2) and epoll(7): an end's bell, a descriptor that becomes readable.
 *
 * Who is about to poll arms: empties the descriptor, marks the bell and looks a last time.  Who publishes and finds
 * the mark writes to the descriptor, and takes the mark away only then, and only if it is the same: whoever is killed
 * in between has rung, or left the mark to the next.  WAKE_BARRIER, see park.h, is the same as for sleepers.
 *
 *	poller				publisher
 *	mark, turn 1; looks: nothing
 *					publishes, finds turn 1, writes
 *	wakes, receives
 *	mark, turn 2; looks: nothing
 *					the turn is not 1: leaves the mark
 *	sleeps				publishes, finds turn 2, writes
 *
 * Many that poll one descriptor are all woken; it is emptied by who found nothing, and filled again if that one has then
 * found something after all, since the others were told of it, too.
 * tests/model/ring-poll.pml is a model of this.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipcx.h"
#include "ring.h"

#define MOST_READS	64	/* a peer may write without end */

/* In milliseconds: a poller looks again as often as a sleeper would. */
#define POLL_MS		((int)(PARK_LOOK_NS / 1000000))
#define POLL_SOON_MS	((int)(PARK_LOOK_SOON_NS / 1000000))

static void fill(int fd)
{
	const uint64_t one = 1;
	int saved = errno;
	/* If it is full, it is readable. */
	ssize_t ret __attribute__((unused)) = write(fd, &one, sizeof(one));

	errno = saved;
}

static bool empty(int fd)
{
	int saved = errno, i = 0;
	uint64_t n;

	while (i < MOST_READS && read(fd, &n, sizeof(n)) == sizeof(n))
		i++;
	errno = saved;
	return i > 0;
}

void ipcx_internal_ring_poller(struct ring_side *s)
{
	union bell_word *word = &s->theirs->word, old, new;

	old.both = load_acquire(&word->both);
	/* Without a descriptor the mark stays, for ipcx_ring_set_bell(). */
	if (!(old.sleep & BELL_POLL) || s->their_event < 0)
		return;
	fill(s->their_event);
	s->wakes++;
	new = old;
	new.sleep &= ~BELL_POLL;
	__atomic_compare_exchange_n(&word->both, &old.both, new.both, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_RELAXED);
}

static void mark(union bell_word *word)
{
	union bell_word old, new;

	old.both = load_relaxed(&word->both);
	do {
		new = old;
		new.sleep |= BELL_POLL;
		new.turn++;
	} while (!__atomic_compare_exchange_n(&word->both, &old.both, new.both, true, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
}

/*
 * A peer may have sent it: what can block is refused, and what can kill who writes to it, as a pipe or a stream without
 * readers can.  An eventfd is of no type that stat(2) knows.
 */
static int check_bell(int fd)
{
	int saved = errno, flags = fcntl(fd, F_GETFL), ret = 0;
	struct ipcx_stat object;
	struct stat st;

	if (flags < 0)
		ret = -EBADF;
	else if (!(flags & O_NONBLOCK) || fstat(fd, &st) || st.st_mode & S_IFMT ||
		 (!ipcx_stat(fd, &object) && object.kind != IPCX_KIND_SEM))
		ret = -EINVAL;
	errno = saved;
	return ret;
}

int ipcx_ring_set_bell(struct ipcx_ring *ring, unsigned int end, int fd)
{
	struct ring *r = ring_of(ring);
	int ret;

	if (end != IPCX_RING_SENDER && end != IPCX_RING_RECEIVER)
		return -EINVAL;
	if (!r->role)
		return -EBADF;
	if (fd >= 0) {
		ret = check_bell(fd);
		if (ret)
			return ret;
	}
	if (r->role & end)
		(end == IPCX_RING_SENDER ? &r->tx : &r->rx)->event = fd;
	if (r->role & ~end) {
		struct ring_side *s = end == IPCX_RING_SENDER ? &r->rx : &r->tx;

		s->their_event = fd;
		/* Who has armed before now: WAKE_BARRIER. */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		ring_wake_if_waiting(s, 0);
	}
	return 0;
}

int ipcx_ring_arm(struct ipcx_ring *ring, unsigned int end)
{
	struct ring *r = ring_of(ring);
	struct ring_side *s = end == IPCX_RING_SENDER ? &r->tx : &r->rx;
	bool rung, reached;
	int ret;

	if (end != IPCX_RING_SENDER && end != IPCX_RING_RECEIVER)
		return -EINVAL;
	if (!s->attached)
		return -EBADF;
	if (s->event < 0)
		return -EINVAL;
	/* In this order: what finds this mark is written to a descriptor that nobody empties before the look. */
	rung = empty(s->event);
	mark(&s->bell->word);
	reached = ipcx_internal_park_barrier() && (load_acquire(&s->theirs->state) != END_HERE ||
						    load_relaxed(&s->theirs->expedited) == ALL_EXPEDITED);
	if (s->is_many)
		ret = ipcx_internal_many_look(r, s);
	else
		ret = ipcx_internal_one_look(r, s, POLL_MS);
	if (ret > POLL_SOON_MS && !reached)
		return POLL_SOON_MS;
	if (ret > 0)
		return ret;
	if (!s->is_many)
		__atomic_fetch_and(&s->bell->word.sleep, ~BELL_POLL, __ATOMIC_RELAXED);
	else if (rung)
		fill(s->event);
	return ret;
}
