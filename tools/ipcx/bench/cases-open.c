// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: the open loop.  Messages have times at which they are to be sent, whatever became of
 * those before; a message that is late because the one before it was slow is late on the record.
 * (A closed loop waits for the slow one, and asks nothing meanwhile: coordinated omission.)
 */
#include "bench.h"
#include "payload.h"

#include <errno.h>
#include <sys/prctl.h>
#include <time.h>

#define START_NS	2000000ULL	/* until the first message: both sides are ready by then */
#define SPIN_NS		200000ULL	/* with a processor of its own, the sender spins this long */
#define LAST		(1ULL << 63)	/* in a sequence number: the last message */
#define OVERTIME	3		/* a link that cannot keep up gets so many times the time */

static uint64_t intended(const struct turn *turn, uint64_t seq)
{
	return turn->start_ns + seq * 1000000000ULL / turn->rate;
}

/* Wait for the moment at which a message is to be sent; late is at once. */
static void await(uint64_t when, bool spin)
{
	uint64_t early = spin ? SPIN_NS : 0;
	struct timespec ts = { (when - early) / 1000000000, (when - early) % 1000000000 };

	if (now_ns() + early < when)
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL))
			;
	while (now_ns() < when)
		;
}

static int send_one(struct link *l, uint64_t seq, bool warm)
{
	struct iovec iov = { l->tx, l->len };

	if (warm)
		fill(l->tx, l->len, seq);
	else
		stamp(l->tx, l->len, seq);
	if (l->mech->stream_nr)
		return l->mech->sendv(l, 1, &iov, 1);
	return l->mech->send(l, 1, l->tx, l->len);
}

static int recv_one(struct link *l)
{
	struct iovec iov = { l->rx, l->len };

	if (l->mech->stream_nr)
		return l->mech->recvv(l, 1, &iov, 1);
	return l->mech->recv(l, 1, l->rx, l->len);
}

/* How many messages, those of the warm-up included. */
static uint64_t nr_messages(const struct link *l)
{
	const struct turn *turn = l->turn;
	uint64_t nr = turn->budget_ns / 1e9 * turn->rate;

	if (nr < 5)
		nr = 5;
	return warm_up(l) + (nr < turn->max_samples ? nr : turn->max_samples);
}

static int open_peer(struct link *l)
{
	struct turn *turn = l->turn;
	uint64_t nr = nr_messages(l), end = intended(turn, nr) + OVERTIME * turn->budget_ns;
	bool spin = turn->cpu[0] != turn->cpu[1];
	uint64_t last = 0;
	struct usage start;
	int ret = 0;

	prctl(PR_SET_TIMERSLACK, 1);
	usage_now(&start);
	for (uint64_t seq = 0; !ret && !last; seq++) {
		await(intended(turn, seq), spin);
		if (seq + 1 >= nr || (seq > warm_up(l) && now_ns() > end))
			last = LAST;
		ret = send_one(l, seq | last, seq < warm_up(l));
	}
	usage_since(&turn->usage[1], &start);
	return ret ?: l->mech->flush ? l->mech->flush(l) : 0;
}

/* How late the clock alone is: the generator without a message. */
static int run_timer(struct link *l)
{
	struct turn *turn = l->turn;
	uint64_t nr = nr_messages(l);

	prctl(PR_SET_TIMERSLACK, 1);
	turn->start_ns = now_ns() + START_NS;
	for (uint64_t seq = 0; seq < nr; seq++) {
		uint64_t when = intended(turn, seq);

		await(when, false);
		if (seq >= warm_up(l))
			sample(turn, now_ns() - when, 1);
	}
	turn->ns = intended(turn, nr) - intended(turn, warm_up(l));
	turn->messages = nr;
	return 0;
}

int run_open_loop(struct link *l)
{
	struct turn *turn = l->turn;
	uint64_t last = 0;
	struct usage start;
	int ret;

	if (!l->mech->send)
		return run_timer(l);
	turn->ops_per_sample = 1;
	turn->start_ns = now_ns() + START_NS;
	ret = fork_peer(l, open_peer);
	if (!ret && l->mech->start)
		ret = l->mech->start(l, 0);
	usage_now(&start);
	for (uint64_t seq = 0; !ret && !last; seq++) {
		uint64_t now;

		ret = recv_one(l);
		now = now_ns();
		if (ret)
			break;
		last = stamp_of(l->rx) & LAST;
		if (seq < warm_up(l) ? !is_filled(l->rx, l->len, seq) :
				       !is_stamped(l->rx, l->len, seq | last))
			return -EBADMSG;
		if (seq >= warm_up(l) && turn->nr_samples < MAX_SAMPLES)
			sample(turn, now - intended(turn, seq), 1);
		turn->messages++;
		if (last)
			turn->ns = now - intended(turn, warm_up(l));
	}
	usage_since(&turn->usage[0], &start);
	if (!ret && l->mech->flush)
		ret = l->mech->flush(l);
	return ret ?: join_peer(l);
}
