// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: what a message costs when there is much else: messages in its queue, objects, or
 * processes at its queue.
 */
#include "bench.h"
#include "payload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STRIDE		40503		/* prime to all numbers of objects: a walk that is no scan */
#define LOOK_NS		1000000		/* between two looks at what the processes have done */
#define SENDER_SHIFT	40		/* in a sequence number: who sent it */
#define LAST		(1ULL << 63)	/* ... and: the receiver may leave */

/* What comes out when message @seq has gone in, and the queue was filled with the first ones. */
static bool is_right(const struct link *l, uint64_t seq)
{
	uint64_t got = stamp_of(l->rx);

	if (!is_stamped(l->rx, l->len, got))
		return false;
	switch (l->mech->order) {
	case ORDER_FIFO:
		return got == seq - l->nr;
	case ORDER_OWN:
		return got == seq;
	case ORDER_PRIORITY:
		return got && got <= seq;
	}
	return false;
}

static int depth_ops(struct link *l, uint64_t *seq, unsigned int nr)
{
	int ret = 0;

	while (nr-- && !ret) {
		stamp(l->tx, l->len, ++*seq);
		ret = l->mech->send(l, 0, l->tx, l->len);
		if (!ret)
			ret = l->mech->recv(l, 0, l->rx, l->len);
		if (!ret && !is_right(l, *seq))
			ret = -EBADMSG;
	}
	return ret;
}

int run_depth(struct link *l)
{
	uint64_t seq = 0;
	int ret = 0;

	l->warm = true;
	while (!ret && seq < l->nr) {
		fill(l->tx, l->len, ++seq);
		stamp(l->tx, l->len, seq);
		ret = l->mech->send(l, 0, l->tx, l->len);
	}
	l->warm = false;
	ret = ret ?: depth_ops(l, &seq, warm_up(l));
	return ret ?: measure_ops(l, seq, 1, count_ops(l), depth_ops);
}

static int object_ops(struct link *l, uint64_t *seq, unsigned int nr)
{
	int ret = 0;

	while (nr-- && !ret) {
		unsigned int i = ++*seq * STRIDE % l->nr;

		stamp(l->tx, l->len, *seq);
		ret = l->mech->send(l, i, l->tx, l->len);
		if (!ret)
			ret = l->mech->recv(l, i, l->rx, l->len);
		if (!ret && !is_stamped(l->rx, l->len, *seq))
			ret = -EBADMSG;
	}
	return ret;
}

int run_objects(struct link *l)
{
	uint64_t seq = 0;
	int ret = object_ops(l, &seq, l->nr > warm_up(l) ? l->nr : warm_up(l));

	return ret ?: measure_ops(l, seq, 1, count_ops(l), object_ops);
}

/**
 * struct worker - one process at the queue, in shared memory
 * @sent: messages put in, and @received: taken out, the last one not counted
 */
struct worker {
	_Alignas(64) atomic_uint_fast64_t sent;
	atomic_uint_fast64_t received;
	struct usage usage;
	pid_t pid;
};

static int put_next(struct link *l, struct worker *w, unsigned int me)
{
	uint64_t k = atomic_load_explicit(&w->sent, memory_order_relaxed);
	int ret;

	stamp(l->tx, l->len, (uint64_t)me << SENDER_SHIFT | (k + 1));
	ret = l->mech->send(l, 0, l->tx, l->len);
	atomic_store_explicit(&w->sent, k + 1, memory_order_relaxed);
	return ret;
}

/* The messages of one sender arrive in its order, whoever receives the others; 1 is the end. */
static int take_next(struct link *l, struct worker *w, uint64_t *seen)
{
	int ret = l->mech->recv(l, 0, l->rx, l->len);
	uint64_t stamped = stamp_of(l->rx), k = stamped & ((1ULL << SENDER_SHIFT) - 1);
	unsigned int sender = (stamped & ~LAST) >> SENDER_SHIFT;

	if (ret)
		return ret;
	if (!is_stamped(l->rx, l->len, stamped))
		return -EBADMSG;
	if (stamped & LAST)
		return 1;
	if (sender >= l->nr || k <= seen[sender])
		return -EBADMSG;
	seen[sender] = k;
	atomic_fetch_add_explicit(&w->received, 1, memory_order_relaxed);
	return 0;
}

/* Even ones send, odd ones receive; one alone does both. */
static int work(struct link *l, struct worker *w, unsigned int me)
{
	uint64_t *seen = calloc(l->nr, sizeof(*seen));
	struct usage start;
	int ret = seen ? 0 : -ENOMEM;

	usage_now(&start);
	while (!ret) {
		if ((l->nr == 1 || !(me & 1)) &&
		    atomic_load_explicit(&l->turn->stop, memory_order_acquire))
			break;
		if (l->nr == 1 || !(me & 1))
			ret = put_next(l, w, me);
		if (!ret && (l->nr == 1 || me & 1))
			ret = take_next(l, w, seen);
	}
	usage_since(&w->usage, &start);
	return ret < 0 ? ret : 0;
}

static int fork_worker(struct link *l, struct worker *w, unsigned int me)
{
	struct turn *turn = l->turn;
	pid_t parent = getpid(), pid = fork();
	int ret;

	if (pid < 0)
		return -errno;
	if (pid) {
		w->pid = pid;
		return 0;
	}
	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* Senders and receivers on both processors, if there are two. */
	ret = pin_to(turn->cpu[(me + me / 2) & 1]);
	if (!ret && l->mech->start)
		ret = l->mech->start(l, me & 1);
	ret = ret ?: work(l, w, me);
	if (ret) {
		turn_end(turn, OUTCOME_FAILED, "process %u of %u: %s", me, l->nr, strerror(-ret));
		kill(parent, SIGTERM);
	}
	_exit(ret ? 1 : 0);
}

static int join_worker(const struct worker *w)
{
	int status;

	while (waitpid(w->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ECHILD;
}

static uint64_t total(const struct link *l, struct worker *w, bool sent)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < l->nr; i++)
		sum += atomic_load_explicit(sent ? &w[i].sent : &w[i].received,
					    memory_order_relaxed);
	return sum;
}

/* Look at the counters from outside until there is enough. */
static void watch(struct link *l, struct worker *w)
{
	const struct timespec pause = { 0, LOOK_NS };
	uint64_t then = 0, before = 0;
	bool more = true;

	while (more) {
		uint64_t now, received;

		nanosleep(&pause, NULL);
		now = now_ns();
		received = total(l, w, false);
		if (received < before + l->nr)
			continue;
		/* The first look ends the warm-up. */
		if (then)
			more = sample(l->turn, now - then, received - before);
		then = now;
		before = received;
	}
}

/* This process only watches: l->nr others work. */
int run_processes(struct link *l)
{
	struct worker *w = shared_pages(l->nr * sizeof(*w));
	int ret = w ? 0 : -ENOMEM;

	for (unsigned int i = 0; !ret && i < l->nr; i++)
		ret = fork_worker(l, &w[i], i);
	if (ret)
		return ret;
	watch(l, w);
	atomic_store_explicit(&l->turn->stop, 1, memory_order_release);
	for (unsigned int i = 0; !ret && i < l->nr; i += 2)
		ret = join_worker(&w[i]);
	for (unsigned int i = 1; !ret && i < l->nr; i += 2) {
		stamp(l->tx, l->len, LAST);
		ret = l->mech->send(l, 0, l->tx, l->len);
	}
	for (unsigned int i = 1; !ret && i < l->nr; i += 2)
		ret = join_worker(&w[i]);
	for (unsigned int i = 0; i < l->nr; i++) {
		l->turn->usage[i & 1].cpu_ns += w[i].usage.cpu_ns;
		l->turn->usage[i & 1].switches += w[i].usage.switches;
	}
	l->turn->messages = total(l, w, false);
	return ret ?: total(l, w, true) == total(l, w, false) ? 0 : -EBADMSG;
}
