// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: the cases.  Each is written once, for any mechanism: pairs in one process, echoes
 * between two, and streams one way.  What stands between two readings of the clock is only the
 * mechanism's calls, a sequence number at both ends of the payload, and its check.
 */
#include "bench.h"
#include "payload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define WARM_UP		64		/* operations before the first sample ... */
#define WARM_UP_LARGE	8		/* ... and when a message is large */
#define LARGE		65536
#define WARM_UP_HUGE	2		/* ... or huge */
#define HUGE		(4UL << 20)
#define CALIBRATE	16		/* operations that tell how long one takes ... */
#define CALIBRATE_HUGE	2		/* ... when a message is huge */
#define CLOCK_SHARE	50		/* a sample is at least this many readings of the clock */
#define MAX_OPS		4096		/* operations in one sample */
#define MIN_SAMPLES	5		/* of a turn, unless it takes ten times as long as it may */
#define COUNT_OPS	32		/* when counting: operations in one sample ... */
#define COUNT_BYTES	(512UL << 10)	/* ... which must end before the next timer tick ... */
#define COUNT_SAMPLES	40		/* ... and samples */
#define LAST		(1ULL << 63)	/* in a sequence number: the stream ends here */

const char *const placement_names[NR_PLACEMENTS] = { "one_cpu", "two_cpus" };

static inline int put(struct link *l, int dir, uint64_t seq)
{
	if (l->len)
		stamp(l->tx, l->len, seq);
	return l->mech->send(l, dir, l->tx, l->len);
}

static inline int take(struct link *l, int dir, uint64_t seq)
{
	int ret = l->mech->recv(l, dir, l->rx, l->len);

	if (!ret && l->len && !is_stamped(l->rx, l->len, seq))
		return -EBADMSG;
	return ret;
}

static int put_filled(struct link *l, int dir, uint64_t seq)
{
	fill(l->tx, l->len, seq);
	return l->mech->send(l, dir, l->tx, l->len);
}

static int take_filled(struct link *l, int dir, uint64_t seq)
{
	int ret;

	memset(l->rx, 0xa5, l->len);
	ret = l->mech->recv(l, dir, l->rx, l->len);
	if (!ret && !is_filled(l->rx, l->len, seq))
		return -EBADMSG;
	return ret;
}

unsigned int warm_up(const struct link *l)
{
	return l->len < LARGE ? WARM_UP : l->len < HUGE ? WARM_UP_LARGE : WARM_UP_HUGE;
}

unsigned int count_ops(const struct link *l)
{
	size_t ops = l->len ? COUNT_BYTES / l->len : COUNT_OPS;

	return ops < 1 ? 1 : ops > COUNT_OPS ? COUNT_OPS : ops;
}

static int flush(struct link *l)
{
	return l->mech->flush ? l->mech->flush(l) : 0;
}

unsigned int calibrate_ops(const struct link *l)
{
	return l->len < HUGE ? CALIBRATE : CALIBRATE_HUGE;
}

/* How many operations make a sample long enough for the clock, after calibrate_ops() of them. */
void calibrate(struct link *l, uint64_t spent, uint64_t messages_per_op)
{
	uint64_t each = spent / calibrate_ops(l) + 1, ops = CLOCK_SHARE * clock_cost() / each + 1;

	l->turn->ops_per_sample = ops < MAX_OPS ? ops : MAX_OPS;
	l->turn->messages += calibrate_ops(l) * messages_per_op;
}

/* Record one sample; false when the turn has enough. */
bool sample(struct turn *turn, uint64_t spent, unsigned int units)
{
	turn->samples[turn->nr_samples++] = (float)spent / units;
	turn->ops += units;
	turn->ns += spent;
	profile_start();
	if (counting)
		return turn->nr_samples < COUNT_SAMPLES;
	if (turn->nr_samples < MIN_SAMPLES)
		return turn->ns < 10 * turn->budget_ns;
	return turn->nr_samples < turn->max_samples && turn->ns < turn->budget_ns;
}

void usage_since(struct usage *u, const struct usage *start)
{
	profile_stop();
	usage_now(u);
	u->cpu_ns -= start->cpu_ns;
	u->switches -= start->switches;
}

/* One process: send, then receive. */
static int pair_ops(struct link *l, uint64_t *seq, unsigned int nr)
{
	int ret = 0;

	while (nr-- && !ret) {
		ret = put(l, 0, ++*seq);
		if (!ret)
			ret = take(l, 0, *seq);
	}
	return ret;
}

static int run_pair(struct link *l)
{
	struct turn *turn = l->turn;
	struct usage start;
	uint64_t seq = 0, spent, begin;
	int ret = 0;

	while (seq < warm_up(l) && !ret) {
		ret = put_filled(l, 0, ++seq);
		if (!ret)
			ret = take_filled(l, 0, seq);
	}
	if (ret)
		return ret;
	usage_now(&start);
	if (counting) {
		turn->ops_per_sample = count_ops(l);
	} else {
		begin = ticks();
		ret = pair_ops(l, &seq, calibrate_ops(l));
		calibrate(l, ticks() - begin, 1);
	}
	do {
		begin = ticks();
		ret = ret ?: pair_ops(l, &seq, turn->ops_per_sample);
		spent = ticks() - begin;
	} while (!ret && sample(turn, spent, turn->ops_per_sample));
	usage_since(&turn->usage[0], &start);
	turn->messages += turn->ops;
	return ret;
}

/* One process, and vectored calls: send l->nr messages, then receive as many. */
static int run_batch(struct link *l)
{
	const struct mechanism *m = l->mech;
	struct iovec tx[BATCH_NR], rx[BATCH_NR];
	struct turn *turn = l->turn;
	uint64_t seq = 0, ops = 0, spent, begin, calibrating = 0;
	unsigned int warm = WARM_UP;
	bool more = true;
	struct usage start;

	usage_now(&start);
	for (unsigned int i = 0; i < l->nr; i++) {
		tx[i] = (struct iovec){ l->tx + i * l->len, l->len };
		rx[i] = (struct iovec){ l->rx + i * l->len, l->len };
	}
	if (counting)
		turn->ops_per_sample = count_ops(l);
	while (more) {
		unsigned int nr = warm ? 1 : turn->ops_per_sample;

		begin = ticks();
		for (unsigned int op = 0; op < nr; op++) {
			int ret;

			for (unsigned int i = 0; i < l->nr; i++)
				if (warm)
					fill(tx[i].iov_base, l->len, seq + i);
				else
					stamp(tx[i].iov_base, l->len, seq + i);
			ret = m->sendv(l, 0, tx, l->nr);
			ret = ret ?: m->recvv(l, 0, rx, l->nr);
			if (ret)
				return ret;
			for (unsigned int i = 0; i < l->nr; i++)
				if (warm ? !is_filled(rx[i].iov_base, l->len, seq + i) :
					   !is_stamped(rx[i].iov_base, l->len, seq + i))
					return -EBADMSG;
			seq += l->nr;
		}
		spent = ticks() - begin;
		if (warm) {
			if (!--warm)
				usage_now(&start);
		} else if (!counting && ops < calibrate_ops(l)) {
			calibrating += spent;
			if (++ops == calibrate_ops(l))
				calibrate(l, calibrating, l->nr);
		} else {
			more = sample(turn, spent, nr * l->nr);
		}
	}
	usage_since(&turn->usage[0], &start);
	turn->messages += turn->ops;
	return 0;
}

/* Start the process of side 1; it runs @peer and ends. */
int fork_peer(struct link *l, int (*peer)(struct link *l))
{
	struct turn *turn = l->turn;
	pid_t parent = getpid(), pid = fork();
	int ret;

	if (pid < 0)
		return -errno;
	if (pid) {
		l->pid[1] = pid;
		return 0;
	}
	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	l->pid[1] = getpid();
	ret = pin_to(turn->cpu[1]);
	if (!ret && l->mech->start)
		ret = l->mech->start(l, 1);
	ret = ret ?: peer(l);
	if (ret) {
		turn_end(turn, OUTCOME_FAILED, "the peer: %s", strerror(-ret));
		kill(parent, SIGTERM);
		_exit(1);
	}
	_exit(0);
}

int join_peer(struct link *l)
{
	int status;

	while (waitpid(l->pid[1], &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ECHILD;
}

/* Two processes: side 1 answers every message with one of its own. */
static int echo_peer(struct link *l)
{
	struct usage start = { 0 };
	uint64_t seq = 0;
	int ret = 0;

	while (seq < warm_up(l) && !ret) {
		ret = take_filled(l, 0, ++seq);
		ret = ret ?: put_filled(l, 1, seq);
	}
	usage_now(&start);
	while (!ret && !atomic_load_explicit(&l->turn->stop, memory_order_acquire)) {
		ret = take(l, 0, ++seq);
		ret = ret ?: put(l, 1, seq);
	}
	usage_since(&l->turn->usage[1], &start);
	return ret ?: flush(l);
}

static int echo_ops(struct link *l, uint64_t *seq, unsigned int nr)
{
	int ret = 0;

	while (nr-- && !ret) {
		ret = put(l, 0, ++*seq);
		if (!ret)
			ret = take(l, 1, *seq);
	}
	return ret;
}

static int run_echo(struct link *l)
{
	struct turn *turn = l->turn;
	struct usage start;
	uint64_t seq = 0, spent, begin;
	int ret;

	ret = fork_peer(l, echo_peer);
	if (!ret && l->mech->start)
		ret = l->mech->start(l, 0);
	while (!ret && seq < warm_up(l)) {
		ret = put_filled(l, 0, ++seq);
		if (!ret)
			ret = take_filled(l, 1, seq);
	}
	if (ret)
		return ret;
	usage_now(&start);
	if (counting) {
		turn->ops_per_sample = count_ops(l);
	} else {
		begin = ticks();
		ret = echo_ops(l, &seq, calibrate_ops(l));
		calibrate(l, ticks() - begin, 2);
	}
	do {
		begin = ticks();
		ret = ret ?: echo_ops(l, &seq, turn->ops_per_sample);
		spent = ticks() - begin;
	} while (!ret && sample(turn, spent, turn->ops_per_sample));
	usage_since(&turn->usage[0], &start);
	turn->messages += 2 * turn->ops;

	/* The peer looks after answering: it may have seen this already, or waits for one more. */
	atomic_store_explicit(&turn->stop, 1, memory_order_release);
	ret = ret ?: put(l, 0, ++seq);
	ret = ret ?: flush(l);
	return ret ?: join_peer(l);
}

/*
 * A stream: side 1 sends until it is told to stop, and marks its last message; side 0 receives
 * and measures.  Mechanisms whose calls take many messages move stream_nr at a time.
 */
struct stream {
	struct iovec tx[BATCH_NR], rx[BATCH_NR];
	unsigned int nr;
};

static void stream_init(struct stream *s, struct link *l)
{
	s->nr = l->mech->stream_nr ? l->nr : 1;
	for (unsigned int i = 0; i < s->nr; i++) {
		s->tx[i] = (struct iovec){ l->tx + i * l->len, l->len };
		s->rx[i] = (struct iovec){ l->rx + i * l->len, l->len };
	}
}

static inline int stream_put(struct link *l, struct stream *s, uint64_t seq, uint64_t last)
{
	for (unsigned int i = 0; i < s->nr; i++)
		stamp(s->tx[i].iov_base, l->len, (seq + i) | last);
	if (l->mech->stream_nr)
		return l->mech->sendv(l, 1, s->tx, s->nr);
	return l->mech->send(l, 1, l->tx, l->len);
}

static inline int stream_take(struct link *l, struct stream *s, uint64_t seq, uint64_t *last)
{
	int ret;

	if (l->mech->stream_nr)
		ret = l->mech->recvv(l, 1, s->rx, s->nr);
	else
		ret = l->mech->recv(l, 1, l->rx, l->len);
	if (ret)
		return ret;
	*last = stamp_of(l->rx) & LAST;
	for (unsigned int i = 0; i < s->nr; i++)
		if (!is_stamped(s->rx[i].iov_base, l->len, (seq + i) | *last))
			return -EBADMSG;
	return 0;
}

static int stream_peer(struct link *l)
{
	struct usage start;
	struct stream s;
	uint64_t seq = 0;
	int ret = 0;

	stream_init(&s, l);
	fill(l->tx, s.nr * l->len, 0);
	usage_now(&start);
	while (!ret && !atomic_load_explicit(&l->turn->stop, memory_order_acquire)) {
		ret = stream_put(l, &s, seq, 0);
		seq += s.nr;
	}
	usage_since(&l->turn->usage[1], &start);
	ret = ret ?: stream_put(l, &s, seq, LAST);
	return ret ?: flush(l);
}

static int run_stream(struct link *l)
{
	unsigned int warm = warm_up(l), calibrating = calibrate_ops(l);
	struct turn *turn = l->turn;
	uint64_t seq = 0, last = 0, begin, now;
	struct usage start;
	struct stream s;
	bool more = true;
	int ret;

	stream_init(&s, l);
	ret = fork_peer(l, stream_peer);
	if (!ret && l->mech->start)
		ret = l->mech->start(l, 0);
	usage_now(&start);
	for (; !ret && warm; warm--, seq += s.nr)
		ret = stream_take(l, &s, seq, &last);
	begin = ticks();
	for (; !ret && calibrating; calibrating--, seq += s.nr)
		ret = stream_take(l, &s, seq, &last);
	now = ticks();
	calibrate(l, now - begin, s.nr);
	begin = now;
	while (!ret && more) {
		for (unsigned int op = 0; !ret && op < turn->ops_per_sample; op++, seq += s.nr)
			ret = stream_take(l, &s, seq, &last);
		now = ticks();
		more = sample(turn, now - begin, turn->ops_per_sample * s.nr);
		begin = now;
	}
	atomic_store_explicit(&turn->stop, 1, memory_order_release);
	for (; !ret && !last; seq += s.nr)
		ret = stream_take(l, &s, seq, &last);
	ret = ret ?: flush(l);
	ret = ret ?: join_peer(l);
	usage_since(&turn->usage[0], &start);
	turn->messages = seq;
	return ret;
}

/* A floor is a pair or an echo of something that is not communication. */
static int run_floor(struct link *l)
{
	return l->two ? run_echo(l) : run_pair(l);
}

const struct case_info cases[NR_CASES] = {
	[CASE_FLOOR] = { "floor", "what no mechanism can do without", true, false, 1, run_floor },
	[CASE_SEND_RECV] = { "send_recv", "send + receive in one process", true, false, 1,
			     run_pair, .floor = { { "syscall_copy", 1 } } },
	[CASE_ROUNDTRIP] = { "roundtrip", "message and answer between two processes (RPC)", true, true,
			     2, run_echo,
			     .floor = { { "sched_yield", 1 }, { "two_cache_lines", 1 } } },
	/* On two processors both sides work at the same time. */
	[CASE_STREAM] = { "stream", "one message of a stream between two processes", true, true, 1,
			  run_stream, .mean = true,
			  .floor = { { "syscall_copy", 1 }, { "syscall_copy", 0.5 } } },
	[CASE_BATCH] = { "batch", "one message of vectored calls in one process", true, false, 1,
			 run_batch, .nr_text = "%u in a call", .floor = { { "memcpy", 1 } } },
	/* A delivery is one call, and one copy to the receiver. */
	[CASE_BROADCAST] = { "broadcast", "one delivery of a message to 16 receivers in one process",
			     true, false, 1, run_broadcast, NR_RECEIVERS, "to %u receivers",
			     "64,4K,32K", { { "syscall_copy", 0.5 } } },
	[CASE_POST_WAIT] = { "post_wait", "post + wait in one process", false, false, 1,
			     run_pair, .floor = { { "syscall", 2 } } },
	[CASE_HANDOVER] = { "handover", "turn and return between two processes", false, true, 2,
			    run_echo,
			    .floor = { { "sched_yield", 1 }, { "two_cache_lines", 1 } } },
	[CASE_WAIT_ANY] = { "wait_any", "making one of 64 objects ready, waiting for any of them, and "
			    "taking what made it ready, in one process", false, false, 1,
			    run_any, NR_WAITED, "any of %u", .floor = { { "syscall", 2 } } },
	[CASE_PASS_FD] = { "pass_fd", "one descriptor sent, received and closed in one process",
			   false, false, 1, run_any, .floor = { { "syscall", 3 } } },
	[CASE_OPEN_LOOP] = { "open_loop", "from the moment when a message is to be sent, at a fixed rate, "
			     "to its receipt (--rate)", true, true, 1, run_open_loop, .sizes = "64",
			     .on_request = true },
	[CASE_DEPTH] = { "depth", "send + receive in one process, of a queue with messages in it", true,
			 false, 1, run_depth, .nr_text = "messages in the queue", .sizes = "64",
			 .on_request = true, .steps = "0,1,10,100,1000,10000,100000",
			 .floor = { { "syscall_copy", 1 } } },
	[CASE_PROCESSES] = { "processes", "one message of a queue with many processes, half of which send",
			     true, false, 1, run_processes, .nr_text = "processes", .sizes = "64",
			     .on_request = true, .mean = true, .steps = "1,2,4,8,16,32,64",
			     .floor = { { "syscall_copy", 1 }, { "syscall_copy", 0.5 } } },
	[CASE_OBJECTS] = { "objects", "send + receive in one process, on one of many objects", true,
			   false, 1, run_objects, .nr_text = "objects", .sizes = "64",
			   .on_request = true, .steps = "1,10,100,1000,10000,100000",
			   .floor = { { "syscall_copy", 1 } } },
};

bool row_is_two_sided(const struct row *row)
{
	if (row->bcase == CASE_FLOOR)
		return row->mech->two_sided;
	return cases[row->bcase].two_sided && row->mech->send;
}

/* What a table has columns of, and a plot an axis. */
size_t row_x(const struct row *row)
{
	return cases[row->bcase].steps ? row->nr : row->len;
}

/* Page-aligned, touched, with HEADROOM before it. */
static char *buffer_alloc(size_t len)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *buf = mmap(NULL, page + len + HEADROOM, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (buf == MAP_FAILED)
		return NULL;
	memset(buf, 1, page + len);
	return buf + page;
}

/* Messages that may stand in the link while nobody receives. */
static unsigned int link_capacity(const struct row *row)
{
	if (row->bcase == CASE_DEPTH)
		return row->nr + 1;
	return row->bcase == CASE_BATCH ||
	       (row->bcase == CASE_STREAM && row->mech->stream_nr) ? row->nr : 1;
}

/* In the process of the turn, side 0. */
void row_run(const struct row *row, struct turn *turn)
{
	struct link l = {
		.mech = row->mech,
		.bcase = row->bcase,
		.len = row->len,
		.nr = row->nr,
		.capacity = link_capacity(row),
		.two = row_is_two_sided(row),
		.fd = { -1, -1, -1, -1 },
		.turn = turn,
	};
	unsigned int buffers = cases[row->bcase].steps ? 1 : l.nr;
	sigset_t none;
	int ret;

	l.pid[0] = l.pid[1] = getpid();
	l.tx = buffer_alloc(buffers * l.len);
	l.rx = buffer_alloc(buffers * l.len);
	ret = l.tx && l.rx ? pin_to(turn->cpu[0]) : -ENOMEM;
	ret = ret ?: l.mech->setup(&l);
	if (!ret) {
		sigemptyset(&none);
		sigaddset(&none, SIGTERM);
		sigprocmask(SIG_UNBLOCK, &none, NULL);
		if (!l.two && l.mech->start)
			ret = l.mech->start(&l, 0);
		ret = ret ?: cases[row->bcase].run(&l);
	}
	if (ret)
		turn_end(turn, OUTCOME_FAILED, "%s", strerror(-ret));
	else
		turn_end(turn, OUTCOME_DONE, "%s", "");
}
