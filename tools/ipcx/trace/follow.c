// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx trace: follows each thread through its system calls, and each message from its sender's call to its
 * receiver's.
 */
#include <arpa/inet.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <linux/ipcx.h>

#include "../util.h"
#include "trace.h"

#define NR_THREAD_CELLS	1024
#define NR_OBJECT_CELLS	4096
#define MAX_MESSAGES	16384
/* messages of one object whose other side has not been seen */
#define MAX_PENDING	65536
/* of the state of a thread that is switched out: the bits above say that it could go on */
#define STATE_ASLEEP	0xff

struct trace_totals trace_mechs[NR_MECHS];
struct trace_size *trace_sizes[NR_MECHS][NR_SIZES];
struct trace_path *trace_paths;
unsigned int nr_trace_paths;
struct trace_message *trace_messages;
unsigned int nr_trace_messages;

/* One message or piece of a byte stream that a call has moved: its number, or the bytes from @low to @high. */
struct op {
	struct trace_object *object;
	enum trace_dir dir;
	uint64_t len, low, high;
};

/**
 * struct thread - one thread, and the system call that it is in
 * @half:	the call's times
 * @last:	until when its time has been given to stages
 * @stage:	of now; @under: to go back to after an absence
 * @mech:	MECH_NONE until something tells
 * @copy_depth:	copying functions that call each other: only the outermost counts
 * @copies:	in this call
 * @sum:	of all its calls so far
 */
struct thread {
	uint32_t tid;
	bool in_call, away, sent;
	uint64_t nr, arg[3];
	struct trace_half half;
	uint64_t last;
	enum trace_stage stage, under;
	enum trace_mech mech;
	enum trace_dir dir;
	struct trace_object *object;
	uint64_t op_len;
	unsigned int op_depth, copy_depth;
	uint64_t copy_len;
	struct { enum trace_dir dir; int probe; uint64_t len; } *copies;
	unsigned int nr_copies, max_copies;
	uint64_t allocs, alloc_bytes, wakes, soft_wakes, blocks, switches, dropped;
	uint32_t waking;
	uint64_t waking_at;
	struct op *ops;
	unsigned int nr_ops, max_ops;
	struct trace_thread sum;
	struct thread *next;
};

/* A side of a message that waits for the other one to be seen. */
struct pending {
	uint64_t low, high, len;
	struct trace_half half;
	struct pending *next;
};

/* What follow.c knows of an object beyond its totals. */
struct known {
	struct trace_object object;
	uint64_t moved[NR_DIRS];		/* messages, or bytes of a stream, so far */
	struct pending *first[NR_DIRS], **last[NR_DIRS];
	unsigned int nr_pending[NR_DIRS];
};

static struct thread *threads[NR_THREAD_CELLS];
static struct trace_object *objects[NR_OBJECT_CELLS];

/* An array with room for one more than @nr. */
static void *room_for(void *array, unsigned int nr, unsigned int *max, size_t size)
{
	if (nr < *max)
		return array;
	*max = *max ? 2 * *max : 16;
	array = realloc(array, *max * size);
	if (!array)
		abort();
	return array;
}

/* ---- objects ---- */

static struct ipcx_name { uint64_t id; char name[40]; struct ipcx_name *next; } *ipcx_names;

void trace_name_object(uint64_t id, const char *name)
{
	struct ipcx_name *n = calloc(1, sizeof(*n));

	if (!n)
		return;
	n->id = id;
	copy_printable(n->name, sizeof(n->name), name);
	n->next = ipcx_names;
	ipcx_names = n;
}

static bool is_bytes(enum trace_mech mech)
{
	return mech == MECH_PIPE || mech == MECH_FIFO || mech == MECH_UNIX_STREAM || mech == MECH_TCP ||
	       mech == MECH_IPCX_STREAM;
}

static void name_object(struct trace_object *o, uint64_t inode)
{
	unsigned long long n = o->key;

	switch (o->mech) {
	case MECH_PIPE:
		snprintf(o->name, sizeof(o->name), "pipe:[%llu]", n);
		return;
	case MECH_FIFO:
	case MECH_POSIX_MQ:
		snprintf(o->name, sizeof(o->name), "inode %llu", n);
		return;
	case MECH_SYSV_MSG:
		snprintf(o->name, sizeof(o->name), "msqid %llu", n);
		return;
	case MECH_UNIX_STREAM:
	case MECH_UNIX_DGRAM:
	case MECH_UNIX_SEQPACKET:
		/* the key is the kernel's address of it */
		if (inode)
			snprintf(o->name, sizeof(o->name), "socket:[%llu]", (unsigned long long)inode);
		else
			snprintf(o->name, sizeof(o->name), o->key ? "not accepted" : "by address");
		return;
	case MECH_TCP:
		snprintf(o->name, sizeof(o->name), "port %llu > %llu", n & 0xffff, n >> 16 & 0xffff);
		return;
	case MECH_EVENTFD:
		snprintf(o->name, sizeof(o->name), "eventfd %llu", n);
		return;
	case MECH_PROCESS_VM:
		snprintf(o->name, sizeof(o->name), "of process %llu", n);
		return;
	case MECH_FUTEX:
		snprintf(o->name, sizeof(o->name), "at 0x%llx", n);
		return;
	default:
		snprintf(o->name, sizeof(o->name), "#%llu", n);
		for (const struct ipcx_name *p = ipcx_names; p; p = p->next)
			if (p->id == o->key)
				snprintf(o->name, sizeof(o->name), "%s", p->name);
	}
}

static unsigned int cell_of(enum trace_mech mech, uint64_t key)
{
	return (key ^ key >> 12 ^ key >> 32 ^ mech) % NR_OBJECT_CELLS;
}

static struct trace_object *find_object(enum trace_mech mech, uint64_t key)
{
	struct trace_object *o;

	for (o = objects[cell_of(mech, key)]; o; o = o->next)
		if (o->mech == mech && o->key == key)
			break;
	return o;
}

static struct trace_object *object_of(enum trace_mech mech, uint64_t key, uint64_t inode)
{
	struct trace_object *o = find_object(mech, key), **cell = &objects[cell_of(mech, key)];
	struct known *k;

	if (!o) {
		k = calloc(1, sizeof(*k));
		if (!k)
			abort();
		for (int d = 0; d < NR_DIRS; d++)
			k->last[d] = &k->first[d];
		o = &k->object;
		o->mech = mech;
		o->key = key;
		o->next = *cell;
		*cell = o;
		name_object(o, inode);
	} else if (inode && !strchr(o->name, '[')) {
		name_object(o, inode);
	}
	return o;
}

static int busier(const void *a, const void *b)
{
	const struct trace_totals *x = &(*(struct trace_object *const *)a)->totals;
	const struct trace_totals *y = &(*(struct trace_object *const *)b)->totals;
	uint64_t m = x->calls, n = y->calls;

	return m > n ? -1 : m < n;
}

const struct trace_totals *trace_ipcx_totals(uint64_t id)
{
	/* an object of the module has one kind */
	for (int m = MECH_IPCX_QUEUE; m <= MECH_IPCX_REGION; m++) {
		const struct trace_object *o = find_object(m, id);

		if (o)
			return &o->totals;
	}
	return NULL;
}

struct trace_object **trace_objects(enum trace_mech mech, unsigned int *nr)
{
	struct trace_object **all = NULL;
	unsigned int max = 0;

	*nr = 0;
	for (unsigned int i = 0; i < NR_OBJECT_CELLS; i++) {
		for (struct trace_object *o = objects[i]; o; o = o->next) {
			if (o->mech != mech)
				continue;
			all = room_for(all, *nr, &max, sizeof(*all));
			all[(*nr)++] = o;
		}
	}
	if (all)
		qsort(all, *nr, sizeof(*all), busier);
	return all;
}

/* ---- the two sides of a message ---- */

static void keep_message(struct trace_object *o, uint64_t len, const struct trace_half *send,
			 const struct trace_half *recv)
{
	uint64_t latency = recv->exit > send->enter ? recv->exit - send->enter : 0;

	trace_hist_add(&o->totals.latency, latency);
	trace_hist_add(&trace_mechs[o->mech].latency, latency);
	if (!trace_messages)
		trace_messages = calloc(MAX_MESSAGES, sizeof(*trace_messages));
	if (!trace_messages || nr_trace_messages == MAX_MESSAGES)
		return;
	trace_messages[nr_trace_messages++] = (struct trace_message){
		.object = o, .len = len, .half = { [DIR_SEND] = *send, [DIR_RECV] = *recv },
	};
}

/* Does the receiving @r take the end of the sending @s? */
static bool belong_together(const struct pending *s, const struct pending *r)
{
	return s->high > r->low && s->high <= r->high;
}

static void unlink_pending(struct known *k, enum trace_dir dir, struct pending **at)
{
	struct pending *p = *at;

	*at = p->next;
	if (!p->next)
		k->last[dir] = at;
	k->nr_pending[dir]--;
	free(p);
}

/* One side has ended; messages whose other side has ended as well are whole. */
static void match(const struct op *op, const struct trace_half *half)
{
	struct known *k = (struct known *)op->object;
	enum trace_dir other = !op->dir;
	struct pending mine = { .low = op->low, .high = op->high, .len = op->len, .half = *half };
	struct pending **at = &k->first[other], *copy;

	while (*at) {
		struct pending *p = *at;

		if (op->dir == DIR_SEND ? belong_together(&mine, p) : belong_together(p, &mine)) {
			if (op->dir == DIR_SEND) {
				/* a reader of bytes may take the ends of several writes: it stays for them */
				keep_message(op->object, mine.len, half, &p->half);
				if (!is_bytes(op->object->mech))
					unlink_pending(k, other, at);
				return;
			}
			keep_message(op->object, p->len, &p->half, half);
			unlink_pending(k, other, at);
			if (!is_bytes(op->object->mech))
				return;
			continue;
		}
		at = &p->next;
	}
	if (op->dir == DIR_RECV && is_bytes(op->object->mech) && op->low == op->high)
		return;
	if (k->nr_pending[op->dir] >= MAX_PENDING)
		unlink_pending(k, op->dir, &k->first[op->dir]);
	copy = malloc(sizeof(*copy));
	if (!copy)
		return;
	*copy = mine;
	copy->next = NULL;
	*k->last[op->dir] = copy;
	k->last[op->dir] = &copy->next;
	k->nr_pending[op->dir]++;
	/* receivers stay only for senders that have not yet returned: a few */
	if (op->dir == DIR_RECV && k->nr_pending[DIR_RECV] > 64)
		unlink_pending(k, DIR_RECV, &k->first[DIR_RECV]);
}

/* ---- threads ---- */

static struct thread *thread_of(uint32_t tid)
{
	struct thread **at = &threads[tid % NR_THREAD_CELLS], *th;

	for (; (th = *at); at = &th->next)
		if (th->tid == tid)
			return th;
	th = calloc(1, sizeof(*th));
	if (!th)
		abort();
	th->tid = tid;
	*at = th;
	return th;
}

static void add_piece(struct trace_half *half, uint64_t at, enum trace_stage stage)
{
	const unsigned int max = sizeof(half->pieces) / sizeof(half->pieces[0]);

	if (half->nr_pieces && half->pieces[half->nr_pieces - 1].stage == stage)
		return;
	if (half->nr_pieces < max) {
		half->pieces[half->nr_pieces].at = at;
		half->pieces[half->nr_pieces++].stage = stage;
	}
}

/* The time until @ts belongs to the stage that has been; from then on it is @stage. */
static void go_to(struct thread *th, uint64_t ts, enum trace_stage stage)
{
	if (ts > th->last) {
		th->half.stages[th->stage] += ts - th->last;
		th->last = ts;
	}
	if (stage != th->stage)
		add_piece(&th->half, th->last, stage);
	th->stage = stage;
}

static void begin_call(struct thread *th, const struct trace_event *e)
{
	th->in_call = true;
	th->away = th->sent = false;
	th->nr = e->a;
	th->arg[0] = e->b;
	th->arg[1] = e->c;
	th->arg[2] = e->d;
	memset(&th->half, 0, sizeof(th->half));
	th->half.tid = th->tid;
	th->half.enter = th->last = e->ts;
	th->stage = th->under = STAGE_ENTRY;
	add_piece(&th->half, e->ts, STAGE_ENTRY);
	th->mech = MECH_NONE;
	th->dir = DIR_SEND;
	th->object = NULL;
	th->op_len = 0;
	th->op_depth = th->copy_depth = 0;
	th->nr_copies = th->nr_ops = 0;
	th->allocs = th->alloc_bytes = th->wakes = th->soft_wakes = th->blocks = th->switches = th->dropped = 0;
	th->waking = 0;
}

static void belongs_to(struct thread *th, enum trace_mech mech, enum trace_dir dir, struct trace_object *object)
{
	if (th->mech == MECH_NONE) {
		th->mech = mech;
		th->dir = dir;
	}
	if (!th->object && th->mech == mech)
		th->object = object;
}

static void add_op(struct thread *th, struct trace_object *object, enum trace_dir dir, uint64_t len, uint64_t seq)
{
	struct known *k = (struct known *)object;
	struct op op = { .object = object, .dir = dir, .len = len };

	if (seq) {
		op.low = seq - 1;
		op.high = seq;
	} else {
		op.low = k->moved[dir];
		k->moved[dir] += is_bytes(object->mech) ? len : 1;
		op.high = k->moved[dir];
	}
	if (th && th->in_call) {
		th->ops = room_for(th->ops, th->nr_ops, &th->max_ops, sizeof(*th->ops));
		th->ops[th->nr_ops++] = op;
	}
	if (th) {
		th->sum.messages++;
		th->sum.bytes += len;
	}
	for (int i = 0; i < 2; i++) {
		struct trace_totals *totals = i ? &object->totals : &trace_mechs[object->mech];

		totals->messages[dir]++;
		totals->bytes[dir] += len;
	}
}

static void add_copy(struct thread *th, enum trace_dir dir, int probe, uint64_t len)
{
	th->copies = room_for(th->copies, th->nr_copies, &th->max_copies, sizeof(*th->copies));
	th->copies[th->nr_copies].dir = dir;
	th->copies[th->nr_copies].probe = probe;
	th->copies[th->nr_copies++].len = len;
}

static void add_call(const struct thread *th, struct trace_totals *totals)
{
	totals->calls++;
	totals->allocs += th->allocs;
	totals->alloc_bytes += th->alloc_bytes;
	totals->wakes += th->wakes + (th->mech == MECH_TCP ? th->soft_wakes : 0);
	totals->blocks += th->blocks;
	totals->switches += th->switches;
	totals->dropped += th->dropped;
	for (unsigned int i = 0; i < th->nr_copies; i++) {
		struct trace_copies *copies = &totals->copies[th->copies[i].dir];

		copies->nr++;
		copies->bytes += th->copies[i].len;
		trace_hist_add(&copies->sizes, th->copies[i].len);
	}
	for (unsigned int i = 0; i < NR_STAGES; i++)
		trace_hist_add(&totals->stages[th->dir][i], th->half.stages[i]);
	trace_hist_add(&totals->total[th->dir], th->half.exit - th->half.enter);
}

/* What the call has copied goes to its path. */
static void add_paths(const struct thread *th)
{
	static unsigned int max;

	for (unsigned int c = 0; c < th->nr_copies; c++) {
		struct trace_path *p = NULL;

		for (unsigned int i = 0; i < nr_trace_paths && !p; i++)
			if (trace_paths[i].mech == th->mech && trace_paths[i].nr == th->nr &&
			    trace_paths[i].probe == th->copies[c].probe && trace_paths[i].dir == th->copies[c].dir)
				p = &trace_paths[i];
		if (!p) {
			trace_paths = room_for(trace_paths, nr_trace_paths, &max, sizeof(*trace_paths));
			p = &trace_paths[nr_trace_paths++];
			*p = (struct trace_path){ .mech = th->mech, .dir = th->copies[c].dir, .nr = th->nr,
						  .probe = th->copies[c].probe };
		}
		p->copies++;
		p->bytes += th->copies[c].len;
	}
}

/* The times of a call that has moved something, by how much. */
static void add_size(const struct thread *th)
{
	struct trace_size **size;
	int order;

	if (!th->nr_ops)
		return;
	order = th->ops[0].len ? 63 - __builtin_clzll(th->ops[0].len) : 0;
	size = &trace_sizes[th->mech][order < NR_SIZES ? order : NR_SIZES - 1];
	if (!*size)
		*size = calloc(1, sizeof(**size));
	for (unsigned int i = 0; *size && i < NR_STAGES; i++)
		trace_hist_add(&(*size)->stages[th->dir][i], th->half.stages[i]);
}

/* A futex is told by the system call alone. */
static void end_futex(struct thread *th, int64_t ret)
{
	int op = th->arg[1] & FUTEX_CMD_MASK;
	bool wakes = th->nr == SYS_futex && op != FUTEX_WAIT && op != FUTEX_WAIT_BITSET && op != FUTEX_LOCK_PI &&
		     op != FUTEX_WAIT_REQUEUE_PI;
	struct trace_object *o = object_of(MECH_FUTEX, th->nr == SYS_futex ? th->arg[0] : 0, 0);

	belongs_to(th, MECH_FUTEX, wakes ? DIR_SEND : DIR_RECV, o);
	if (wakes ? ret > 0 : ret >= 0)
		add_op(th, o, th->dir, 0, 0);
}

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

static void end_call(struct thread *th, const struct trace_event *e)
{
	if (!th->in_call)
		return;
	if (th->nr == SYS_futex || th->nr == SYS_futex_waitv)
		end_futex(th, e->b);
	go_to(th, e->ts, STAGE_EXIT);
	th->half.exit = e->ts;
	th->in_call = false;
	if (th->mech == MECH_NONE)
		return;
	th->sum.copy_ns += th->half.stages[STAGE_COPY];
	add_call(th, &trace_mechs[th->mech]);
	add_paths(th);
	add_size(th);
	if (th->object)
		add_call(th, &th->object->totals);
	for (unsigned int i = 0; i < th->nr_ops; i++)
		match(&th->ops[i], &th->half);
}

struct trace_thread *trace_threads(unsigned int *nr)
{
	struct trace_thread *all = NULL;
	unsigned int max = 0;

	*nr = 0;
	for (unsigned int i = 0; i < NR_THREAD_CELLS; i++) {
		for (const struct thread *th = threads[i]; th; th = th->next) {
			if (!th->sum.messages)
				continue;
			all = room_for(all, *nr, &max, sizeof(*all));
			all[*nr] = th->sum;
			all[(*nr)++].tid = th->tid;
		}
	}
	return all;
}

/* ---- functions that are probed ---- */

static void begin_op(struct thread *th, const struct trace_event *e)
{
	const struct trace_probe *probe = &trace_probes[e->probe];
	enum trace_mech mech = trace_mech_of(probe, e->c);
	enum trace_dir dir = probe->dir;
	uint64_t key = e->a, inode = e->b;

	if (!th->in_call || th->op_depth++)
		return;
	th->op_len = e->b;
	if (mech == MECH_TCP) {
		uint64_t here = e->b, there = ntohs(e->c);

		key = dir == DIR_SEND ? there << 16 | here : here << 16 | there;
		inode = 0;
	} else if (mech == MECH_PROCESS_VM) {
		dir = th->nr == SYS_process_vm_writev ? DIR_SEND : DIR_RECV;
	}
	/* several messages in one call, to several sockets: each has its own object */
	if (mech != MECH_POSIX_MQ) {
		struct trace_object *o = object_of(mech, key, mech == MECH_SYSV_MSG ? 0 : inode);

		belongs_to(th, mech, dir, o);
		th->object = o;
	} else {
		belongs_to(th, mech, dir, NULL);
	}
	go_to(th, e->ts, STAGE_QUEUE);
}

static void end_op(struct thread *th, const struct trace_event *e)
{
	const struct trace_probe *probe = &trace_probes[e->probe];
	int64_t ret = (int32_t)e->a == (int64_t)e->a ? (int64_t)e->a : (int32_t)e->a;

	if (!th->in_call || !th->op_depth || --th->op_depth)
		return;
	go_to(th, e->ts, STAGE_EXIT);
	if (!th->object && th->mech == MECH_POSIX_MQ)
		th->object = object_of(MECH_POSIX_MQ, 0, 0);
	if (ret < 0 || !th->object)
		return;
	if (probe->dir == DIR_SEND && (th->mech == MECH_SYSV_MSG || th->mech == MECH_POSIX_MQ))
		add_op(th, th->object, DIR_SEND, th->op_len, 0);
	else if (ret > 0 || th->mech == MECH_SYSV_MSG || th->mech == MECH_POSIX_MQ || th->mech == MECH_UNIX_DGRAM)
		add_op(th, th->object, th->mech == MECH_PROCESS_VM ? th->dir : probe->dir, ret, 0);
}

static void begin_copy(struct thread *th, const struct trace_event *e)
{
	if (!th->in_call || e->irq || !th->op_depth || th->copy_depth++)
		return;
	th->copy_len = e->a;
	go_to(th, e->ts, STAGE_COPY);
}

static void end_copy(struct thread *th, const struct trace_event *e)
{
	const struct trace_probe *probe = &trace_probes[e->probe];
	uint64_t len = e->a;

	if (!th->in_call || e->irq || !th->copy_depth || --th->copy_depth)
		return;
	if (probe->returns_left)
		len = len < th->copy_len ? th->copy_len - len : 0;
	go_to(th, e->ts, STAGE_QUEUE);
	if (len)
		add_copy(th, probe->dir, e->probe, len);
}

/* ---- the scheduler ---- */

static void switch_threads(const struct trace_event *e)
{
	struct thread *prev = thread_of(e->a), *next = thread_of(e->c);

	if (prev->in_call && !prev->away) {
		prev->switches++;
		prev->away = true;
		prev->under = prev->stage == STAGE_COPY ? STAGE_COPY : prev->op_depth ? STAGE_QUEUE : prev->stage;
		if (e->b & STATE_ASLEEP)
			prev->blocks++;
		go_to(prev, e->ts, e->b & STATE_ASLEEP ? STAGE_WAIT : STAGE_RUNQ);
	}
	if (next->in_call && next->away) {
		next->away = false;
		go_to(next, e->ts, next->under);
	}
}

static void wake(const struct trace_event *e)
{
	struct thread *woken = thread_of(e->a), *waker = thread_of(e->tid);

	if (woken->in_call && woken->away && woken->stage == STAGE_WAIT)
		go_to(woken, e->ts, STAGE_RUNQ);
	if (!waker->in_call || waker->away || e->irq == IRQ_HARD)
		return;
	if (e->irq == IRQ_SOFT)
		waker->soft_wakes++;
	else
		waker->wakes++;
	waker->waking = e->a;
	waker->waking_at = e->ts;
}

static void woken(const struct trace_event *e)
{
	struct thread *waker = thread_of(e->tid);
	enum trace_stage before;

	if (!waker->in_call || waker->away || !waker->waking || waker->waking != e->a)
		return;
	waker->waking = 0;
	if (waker->stage == STAGE_COPY || e->ts <= waker->waking_at)
		return;
	before = waker->stage;
	go_to(waker, waker->waking_at, STAGE_WAKE);
	go_to(waker, e->ts, before);
}

/* ---- the module's own events ---- */

static enum trace_mech mech_of_kind(uint64_t kind)
{
	switch (kind) {
	case IPCX_KIND_REGION:
		return MECH_IPCX_REGION;
	case IPCX_KIND_SEM:
		return MECH_IPCX_SEM;
	case IPCX_KIND_EVENT:
		return MECH_IPCX_EVENT;
	case IPCX_KIND_STREAM:
		return MECH_IPCX_STREAM;
	default:
		return MECH_IPCX_QUEUE;
	}
}

static struct trace_object *use_ipcx(struct thread *th, const struct trace_event *e, enum trace_mech mech,
				     enum trace_dir dir)
{
	struct trace_object *o = object_of(mech, e->a, 0);

	if (th->in_call) {
		belongs_to(th, mech, dir, o);
		if (th->stage == STAGE_ENTRY || th->stage == STAGE_EXIT)
			go_to(th, e->ts, STAGE_QUEUE);
	}
	return o;
}

static void ipcx_copy(struct thread *th, const struct trace_event *e, enum trace_dir dir)
{
	enum trace_mech mech = mech_of_kind(e->d);
	uint64_t begin = e->c < e->ts ? e->ts - e->c : 0;
	struct trace_object *o;

	if (th->in_call && begin > th->last && th->stage == STAGE_ENTRY)
		go_to(th, begin, STAGE_QUEUE);
	o = use_ipcx(th, e, mech, dir);
	if (mech == MECH_IPCX_STREAM && e->b)
		add_op(th, o, dir, e->b, 0);
	if (!th->in_call)
		return;
	/* pieces are of one size, but for the last */
	for (uint64_t i = 0, done = 0; i < e->e; i++) {
		uint64_t len = i + 1 < e->e ? e->b / e->e : e->b - done;

		add_copy(th, dir, -1, len);
		done += len;
	}
	go_to(th, begin, STAGE_COPY);
	go_to(th, e->ts, dir == DIR_SEND ? STAGE_QUEUE : STAGE_EXIT);
}

/* A message has come into a queue: by its sender, or because somebody has made room for it. */
static void ipcx_entered(struct thread *th, struct trace_object *o, const struct trace_event *e)
{
	add_op(th->in_call && th->sent ? th : NULL, o, DIR_SEND, e->b, e->c);
}

static void follow_ipcx(struct thread *th, const struct trace_event *e)
{
	struct trace_object *o;

	switch (e->kind) {
	case ON_IPCX_SEND:
		use_ipcx(th, e, MECH_IPCX_QUEUE, DIR_SEND);
		th->sent = true;
		break;
	case ON_IPCX_ENTER:
		ipcx_entered(th, use_ipcx(th, e, MECH_IPCX_QUEUE, DIR_SEND), e);
		break;
	case ON_IPCX_RECV:
		/* in the sender's context if the receiver has been waiting for it */
		o = use_ipcx(th, e, MECH_IPCX_QUEUE, e->d == th->tid ? DIR_RECV : DIR_SEND);
		th = thread_of(e->d);
		if (th->in_call)
			belongs_to(th, MECH_IPCX_QUEUE, DIR_RECV, o);
		add_op(th, o, DIR_RECV, e->b, e->c);
		break;
	case ON_IPCX_COPY_IN:
		ipcx_copy(th, e, DIR_SEND);
		break;
	case ON_IPCX_COPY_OUT:
		ipcx_copy(th, e, DIR_RECV);
		break;
	case ON_IPCX_BLOCK:
		use_ipcx(th, e, mech_of_kind(e->b), DIR_RECV);
		break;
	case ON_IPCX_POST:
	case ON_IPCX_SET:
		o = use_ipcx(th, e, e->kind == ON_IPCX_POST ? MECH_IPCX_SEM : MECH_IPCX_EVENT, DIR_SEND);
		add_op(th, o, DIR_SEND, 0, 0);
		break;
	case ON_IPCX_WAIT:
		o = use_ipcx(th, e, mech_of_kind(e->c), DIR_RECV);
		if (!e->b)
			add_op(th, o, DIR_RECV, 0, 0);
		break;
	case ON_IPCX_MAP:
		o = use_ipcx(th, e, MECH_IPCX_REGION, DIR_RECV);
		add_op(th, o, DIR_RECV, e->b, 0);
		break;
	case ON_IPCX_DROP:
		th->dropped++;
		break;
	default:
		break;
	}
}

void trace_follow(const struct trace_event *e)
{
	struct thread *th = thread_of(e->tid);

	switch (e->kind) {
	case ON_SYS_ENTER:
		begin_call(th, e);
		break;
	case ON_SYS_EXIT:
		end_call(th, e);
		break;
	case ON_OP_ENTER:
		begin_op(th, e);
		break;
	case ON_OP_EXIT:
		end_op(th, e);
		break;
	case ON_COPY_ENTER:
		begin_copy(th, e);
		break;
	case ON_COPY_EXIT:
		end_copy(th, e);
		break;
	case ON_INODE:
		if (th->in_call && th->mech == MECH_POSIX_MQ && !th->object)
			th->object = object_of(MECH_POSIX_MQ, e->a, 0);
		break;
	case ON_WAKING:
		wake(e);
		break;
	case ON_WAKEUP:
		woken(e);
		break;
	case ON_SWITCH:
		switch_threads(e);
		break;
	case ON_ALLOC:
		if (th->in_call && !e->irq) {
			th->allocs++;
			th->alloc_bytes += e->a;
		}
		break;
	default:
		follow_ipcx(th, e);
	}
}
