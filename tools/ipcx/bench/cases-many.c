// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: the cases with more than two ends: one message to many receivers, one wait for many
 * objects; and a descriptor on its way, which is measured the same.  All in one process.
 */
#include "bench.h"
#include "payload.h"

#include <errno.h>

#define BROADCAST_OPS	8		/* when counting: broadcasts in one sample, fewer if large */
#define BROADCAST_BYTES	(1UL << 20)
#define STRIDE		37		/* objects become ready in an order that a scan cannot guess */

static int broadcast_warm(struct link *l, uint64_t seq)
{
	int ret;

	fill(l->tx, l->len, seq);
	memset(l->rx, 0xa5, l->nr * l->len);
	ret = l->mech->send(l, 0, l->tx, l->len);
	for (unsigned int r = 0; !ret && r < l->nr; r++) {
		ret = l->mech->recv(l, r, l->rx + r * l->len, l->len);
		if (!ret && !is_filled(l->rx + r * l->len, l->len, seq))
			ret = -EBADMSG;
	}
	return ret;
}

static int broadcast_ops(struct link *l, uint64_t *seq, unsigned int nr)
{
	int ret = 0;

	while (nr-- && !ret) {
		stamp(l->tx, l->len, ++*seq);
		ret = l->mech->send(l, 0, l->tx, l->len);
		for (unsigned int r = 0; !ret && r < l->nr; r++) {
			char *rx = l->rx + r * l->len;

			ret = l->mech->recv(l, r, rx, l->len);
			if (!ret && !is_stamped(rx, l->len, *seq))
				ret = -EBADMSG;
		}
	}
	return ret;
}

/* Make an object ready, wait for any, take it. */
static int any_ops(struct link *l, uint64_t *seq, unsigned int nr)
{
	int ret = 0;

	while (nr-- && !ret) {
		unsigned int i = l->nr > 1 ? ++*seq * STRIDE % l->nr : 0;

		ret = l->mech->send(l, i, NULL, 0);
		if (!ret)
			ret = l->mech->recv(l, i, NULL, 0);
	}
	return ret;
}

/* Measure @ops; each is @units of what the case counts. */
int measure_ops(struct link *l, uint64_t seq, unsigned int units, unsigned int counted,
		int (*ops)(struct link *l, uint64_t *seq, unsigned int nr))
{
	struct turn *turn = l->turn;
	struct usage start;
	uint64_t begin, spent;
	int ret = 0;

	usage_now(&start);
	if (counting) {
		turn->ops_per_sample = counted;
	} else {
		begin = ticks();
		ret = ops(l, &seq, calibrate_ops(l));
		calibrate(l, ticks() - begin, units);
	}
	do {
		begin = ticks();
		ret = ret ?: ops(l, &seq, turn->ops_per_sample);
		spent = ticks() - begin;
	} while (!ret && sample(turn, spent, turn->ops_per_sample * units));
	usage_since(&turn->usage[0], &start);
	turn->messages += turn->ops;
	return ret;
}

int run_broadcast(struct link *l)
{
	size_t counted = BROADCAST_BYTES / (l->len * l->nr);
	uint64_t seq = 0;
	int ret = 0;

	l->warm = true;
	while (seq < warm_up(l) && !ret)
		ret = broadcast_warm(l, ++seq);
	l->warm = false;
	counted = counted < 1 ? 1 : counted > BROADCAST_OPS ? BROADCAST_OPS : counted;
	return ret ?: measure_ops(l, seq, l->nr, counted, broadcast_ops);
}

int run_any(struct link *l)
{
	uint64_t seq = 0;
	int ret;

	l->warm = true;
	ret = any_ops(l, &seq, l->nr > warm_up(l) ? l->nr : warm_up(l));
	l->warm = false;
	return ret ?: measure_ops(l, seq, 1, count_ops(l), any_ops);
}
