/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ipcx trace: the model.  collect.c turns the kernel's ring buffer into a row of struct trace_event, follow.c turns
 * these into totals for each mechanism and object and into the life of each message, report.c and views.c print them.
 * What is probed, and where, stands in the table of probes.c.
 */
#ifndef IPCX_TRACE_TOOL_H
#define IPCX_TRACE_TOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* ---- what is looked at ---- */

enum trace_mech {
	MECH_NONE,
	MECH_IPCX_QUEUE, MECH_IPCX_STREAM, MECH_IPCX_SEM, MECH_IPCX_EVENT, MECH_IPCX_REGION,
	MECH_PIPE, MECH_FIFO, MECH_SYSV_MSG, MECH_POSIX_MQ,
	MECH_UNIX_STREAM, MECH_UNIX_DGRAM, MECH_UNIX_SEQPACKET, MECH_TCP,
	MECH_EVENTFD, MECH_PROCESS_VM, MECH_FUTEX,
	NR_MECHS,
};

enum trace_dir { DIR_SEND, DIR_RECV, NR_DIRS };

/*
 * Where the time of a system call goes.  Every nanosecond from its entry to its exit belongs to one of these, so that
 * they add up to the call.
 * @STAGE_ENTRY:   from the entry of the system call to the mechanism's own function
 * @STAGE_COPY:    the payload is copied, in or out
 * @STAGE_QUEUE:   in the mechanism, and in none of the others: locks, allocation, the queue itself
 * @STAGE_WAKE:    waking somebody (on this processor)
 * @STAGE_WAIT:    asleep until woken
 * @STAGE_RUNQ:    woken or preempted, until it runs again
 * @STAGE_EXIT:    from the mechanism's last step to the exit of the system call
 */
enum trace_stage {
	STAGE_ENTRY, STAGE_COPY, STAGE_QUEUE, STAGE_WAKE, STAGE_WAIT, STAGE_RUNQ, STAGE_EXIT, NR_STAGES,
};

/* ---- what the kernel tells ---- */

enum trace_kind {
	ON_NONE,
	ON_SYS_ENTER,		/* a: number; b, c, d: arguments 0, 1, 2 */
	ON_SYS_EXIT,		/* a: number, b: result */
	/* from here to ON_INODE: probes */
	ON_OP_ENTER,		/* probe's function entered; a: key of the object, b: its inode or the like, c: detail */
	ON_OP_EXIT,		/* a: its result */
	ON_COPY_ENTER,		/* a: bytes asked for */
	ON_COPY_EXIT,		/* a: bytes copied, or bytes left if the probe says so */
	ON_INODE,		/* a: inode number that the call works on */
	ON_WAKING,		/* a: thread to be woken */
	ON_WAKEUP,		/* a: thread that has been woken */
	ON_SWITCH,		/* a: previous thread, b: its state, c: next thread */
	ON_ALLOC,		/* a: bytes */
	ON_IPCX_CREATE,		/* a: object, b: kind */
	ON_IPCX_ENTER,		/* a: object, b: bytes, c: sequence number */
	ON_IPCX_RECV,		/* a: object, b: bytes, c: sequence number, d: receiving thread */
	ON_IPCX_SEND,		/* a: object, b: bytes */
	ON_IPCX_COPY_IN,	/* a: object, b: bytes, c: nanoseconds, d: kind, e: number of pieces */
	ON_IPCX_COPY_OUT,
	ON_IPCX_BLOCK,		/* a: object, b: kind */
	ON_IPCX_POST,		/* a: object */
	ON_IPCX_SET,		/* a: object */
	ON_IPCX_WAIT,		/* a: object, b: result */
	ON_IPCX_MAP,		/* a: object, b: bytes */
	ON_IPCX_DROP,		/* a: object, b: bytes */
	NR_KINDS,
};

/**
 * struct trace_event - one event
 * @ts:		nanoseconds on CLOCK_MONOTONIC
 * @tid:	thread in whose context it was
 * @kind:	ON_*
 * @irq:	it was in an interrupt, which need not have anything to do with the thread
 * @probe:	for ON_OP_* and ON_COPY_*: index into the table of probes
 */
struct trace_event {
	uint64_t ts;
	uint64_t a, b, c, d, e;
	uint32_t tid;
	uint16_t probe;
	uint8_t kind;
	uint8_t irq;
};

#define IRQ_HARD	1
#define IRQ_SOFT	2

/**
 * struct trace_probe - a function of the kernel that is watched
 * @name:	of the event that is made for it; the one at its return is NAMEr
 * @symbols:	the function, and what it was called on other kernels; NULL ends them
 * @calls:	it is not the function that is watched, but its calls of these; NULL ends them
 * @fields:	kprobe arguments, with {struct.member} for the member's offset
 * @enter:	kind of the event at its entry
 * @exit:	kind of that at its return, or ON_NONE
 * @mech:	for ON_OP_ENTER, MECH_NONE if detail decides
 * @dir:	for ON_OP_ENTER
 * @mechs:	bits of the mechanisms that need it
 * @returns_left: the result is the number of bytes that were not copied
 */
struct trace_probe {
	const char *name;
	const char *symbols[4];
	const char *calls[4];
	const char *fields;
	enum trace_kind enter, exit;
	enum trace_mech mech;
	enum trace_dir dir;
	uint32_t mechs;
	bool returns_left;
};

extern const struct trace_probe trace_probes[];
/* The function that it watches on this kernel, or NULL. */
const char *trace_probe_function(const struct trace_probe *probe);
extern const unsigned int nr_trace_probes;

/* "ipcx_queue", "pipe": as the bench calls them. */
extern const char *const trace_mech_names[NR_MECHS];
extern const char *const trace_stage_names[NR_STAGES];

/*
 * The mechanism of a socket or pipe whose probe left that open: @detail is the socket's type or the file system's
 * magic number.
 */
enum trace_mech trace_mech_of(const struct trace_probe *probe, uint64_t detail);
/*
 * @fields with the offsets of this kernel's structures, from its type information; NULL if that is not there or
 * does not have a member.  free() it.
 */
char *trace_probe_fields(const char *fields);

/* ---- the kernel's functions: sites.c ---- */

#define TRACE_CALL_LEN	5	/* bytes of a call on x86-64 */

/* A function of this kernel, other than of a module? */
bool trace_is_function(const char *name);
/* The offsets in @function of its calls of @callees, at most @max; returns how many, 0 also if that cannot be seen. */
unsigned int trace_call_sites(const char *function, const char *const *callees, unsigned int *offsets,
			      unsigned int max);

/* ---- collecting: collect.c ---- */

/**
 * struct trace_options - what to look at
 * @mechs:	bits of enum trace_mech
 * @all:	every process, for @seconds
 * @pid:	this process and what it starts, or 0
 * @argv:	this command and what it starts, or NULL
 * @seconds:	at most this long; 0: until the command or the process ends
 * @buffer_kb:	of the kernel's ring buffer, for each processor
 * @max_objects: of each mechanism, in the tables
 * @tick:	called now and then, after what there was has been followed; false ends the tracing.  NULL for none
 * @quiet:	say nothing if tracing is not possible
 * @dat:	write the kernel's own events there, for trace-cmd or perf; or NULL
 */
struct trace_options {
	uint32_t mechs;
	bool all;
	pid_t pid;
	char **argv;
	double seconds;
	uint64_t buffer_kb;
	unsigned int max_objects;
	bool (*tick)(void);
	bool quiet;
	const char *dat;
};

/* What could not be attached; texts are free()d with the session. */
struct trace_missing {
	uint32_t mechs;		/* whose counts are not complete without it */
	char *what;
};

/**
 * struct trace_session - how the collection went
 * @missing:	what this kernel does not offer
 * @events:	received from the kernel
 * @lost:	that did not fit into the ring buffer, and returns that were not noticed
 * @cost_ns:	of one event, measured with calls of our own before the run
 * @begin_ns:	when it began; @end_ns: and ended
 * @status:	exit status of the command, as the shell has it
 */
struct trace_session {
	struct trace_missing *missing;
	unsigned int nr_missing;
	uint64_t events;
	uint64_t lost;
	double cost_ns;
	uint64_t begin_ns, end_ns;
	int status;
};

/*
 * Trace as @options say, and give every event to @follow in the order of time.  Returns 0, or a negative errno after
 * having said why on stderr.  Takes its probes away again in any case.
 */
int trace_collect(const struct trace_options *options, struct trace_session *session,
		  void (*follow)(const struct trace_event *event));
void trace_session_free(struct trace_session *session);

/* The name of a thread, as far as it was seen; "?" if not.  Valid until the next call. */
const char *trace_thread_name(uint32_t tid);

/* "NUMBER NAME" for each thread that was seen, a line each. */
void trace_list_threads(FILE *out);

/* ---- the kernel's trace in a file: dat.c ---- */

/*
 * Begin @path, for trace-cmd, or for perf if it ends in ".data".  The events are those of @systems, up to a NULL, with
 * the numbers @ids; both stay the caller's, and as they are, until the end.  An exit status of the command.
 */
int trace_dat_begin(const char *path, const char *const *systems, const int *ids, unsigned int nr_ids);
/* An event of @tid, as it is in the ring buffer. */
void trace_dat_event(int cpu, uint64_t ts, uint32_t tid, int id, const void *data, uint32_t len);
/* A page of the ring buffer of @cpu, of which @len bytes were read. */
void trace_dat_page(int cpu, const void *page, size_t len);
/* Complete the file, if there is one.  An exit status of the command. */
int trace_dat_end(void);

/* ---- following: follow.c ---- */

#define HIST_SUB	16			/* cells for each power of two: 6 % */
#define HIST_CELLS	(48 * HIST_SUB)

/* How often which value: times in nanoseconds, sizes in bytes. */
struct trace_hist {
	uint64_t nr, sum, max;
	uint32_t *cells;			/* NULL while @nr is 0 */
};

void trace_hist_add(struct trace_hist *hist, uint64_t value);
/* The value that @part of all are not above, to 6 %; the largest is exact. */
uint64_t trace_hist_at(const struct trace_hist *hist, double part);
/* Lower bound of a cell. */
uint64_t trace_hist_bound(unsigned int cell);

/* The copies in one direction. */
struct trace_copies {
	uint64_t nr, bytes;
	struct trace_hist sizes;
};

/**
 * struct trace_totals - of a mechanism, or of one object of it
 * @messages:	sent and received: for byte streams, calls that moved something
 * @bytes:	of them
 * @copies:	of payload: [DIR_SEND] into the kernel, [DIR_RECV] out of it
 * @allocs:	of memory in these calls
 * @wakes:	threads woken by these calls
 * @blocks:	times a thread went to sleep in these calls
 * @switches:	times a thread lost its processor in these calls, blocks included
 * @calls:	system calls
 * @dropped:	messages that made way (ipcx)
 * @stages:	time of each stage of a call
 * @total:	time of a call
 * @latency:	from the beginning of the sending call to the end of the receiving one
 */
struct trace_totals {
	uint64_t messages[NR_DIRS], bytes[NR_DIRS];
	struct trace_copies copies[NR_DIRS];
	uint64_t allocs, alloc_bytes;
	uint64_t wakes, blocks, switches, calls, dropped;
	struct trace_hist stages[NR_DIRS][NR_STAGES];
	struct trace_hist total[NR_DIRS];
	struct trace_hist latency;
};

struct trace_object {
	enum trace_mech mech;
	uint64_t key;			/* never shown: may be an address of the kernel's */
	char name[48];
	struct trace_totals totals;
	struct trace_object *next;	/* in its cell of the table */
};

/* One side of a message's life: a system call. */
struct trace_half {
	uint32_t tid;
	uint64_t enter, exit;
	uint64_t stages[NR_STAGES];
	/* its pieces in order, for the waterfall */
	struct { uint64_t at; uint8_t stage; } pieces[24];
	unsigned int nr_pieces;
};

/* A message that was seen from its sender's call to its receiver's. */
struct trace_message {
	struct trace_object *object;
	uint64_t len;
	struct trace_half half[NR_DIRS];
};

extern struct trace_totals trace_mechs[NR_MECHS];

/* The stages of the calls that moved messages of one size: from a power of two up to the next. */
struct trace_size {
	struct trace_hist stages[NR_DIRS][NR_STAGES];
};

#define NR_SIZES	48
/* By mechanism and power; NULL if there were none. */
extern struct trace_size *trace_sizes[NR_MECHS][NR_SIZES];

/* Which way bytes were copied: in the system call with the number @nr, by the module or where @probe is. */
struct trace_path {
	enum trace_mech mech;
	enum trace_dir dir;
	uint64_t nr;
	int probe;			/* -1: by the module */
	uint64_t copies, bytes;
};

extern struct trace_path *trace_paths;
extern unsigned int nr_trace_paths;

/* What a thread has moved, whatever it went through. */
struct trace_thread {
	uint32_t tid;
	uint64_t messages, bytes, copy_ns;
};

/* All threads that have moved something; the array is the caller's to free(). */
struct trace_thread *trace_threads(unsigned int *nr);

void trace_follow(const struct trace_event *event);
/* The name of the object of the module with that number. */
void trace_name_object(uint64_t id, const char *name);
/* The totals of an object of the module; NULL if it has not been used. */
const struct trace_totals *trace_ipcx_totals(uint64_t id);
/* All objects of @mech, those with the most calls first; the array is the caller's to free(). */
struct trace_object **trace_objects(enum trace_mech mech, unsigned int *nr);
/* Messages that were seen whole: all of them up to a bound of 65536. */
extern struct trace_message *trace_messages;
extern unsigned int nr_trace_messages;

/* ---- printing ---- */

/* Which views are wanted besides the tables, and where to. */
struct trace_views {
	bool json, hist, timeline;
	unsigned int message;		/* for @timeline: from 1; 0 for a typical one */
	const char *svg, *perfetto;
};

/* report.c */
void trace_report(const struct trace_options *options, const struct trace_session *session, FILE *out);
void trace_json(const struct trace_session *session, FILE *out);
/* views.c; each returns an exit status of the command, after having said what is wrong. */
int trace_timeline(unsigned int message, FILE *out);
void trace_print_hists(FILE *out);
int trace_write_perfetto(const char *path);
/* svg.c */
int trace_svg(const char *path);

#endif /* IPCX_TRACE_TOOL_H */
