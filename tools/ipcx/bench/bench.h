/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ipcx bench: what the mechanisms, the cases and the report share.  A mechanism knows one way to
 * move a message or a token; a case knows one way to use any mechanism; neither knows the other.
 */
#ifndef IPCX_BENCH_H
#define IPCX_BENCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/uio.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define WHY_LEN		160
#define BATCH_NR	32		/* messages in one vectored call */
#define MAX_LEN		(16UL << 20)
#define HEADROOM	64		/* writable bytes before every buffer, for a header */
#define NR_TOKENS	4		/* semaphores of one link, numbered like directions */
#define NR_RECEIVERS	16		/* of a broadcast */
#define NR_WAITED	64		/* objects in one wait */

enum bench_case {
	CASE_FLOOR,
	CASE_SEND_RECV,
	CASE_ROUNDTRIP,
	CASE_STREAM,
	CASE_BATCH,
	CASE_BROADCAST,
	CASE_POST_WAIT,
	CASE_HANDOVER,
	CASE_WAIT_ANY,
	CASE_PASS_FD,
	CASE_OPEN_LOOP,
	CASE_DEPTH,
	CASE_PROCESSES,
	CASE_OBJECTS,
	NR_CASES
};

#define CASE_BIT(c)	(1U << (c))
#define MESSAGE_CASES	(CASE_BIT(CASE_SEND_RECV) | CASE_BIT(CASE_ROUNDTRIP) | \
			 CASE_BIT(CASE_STREAM))
#define TOKEN_CASES	(CASE_BIT(CASE_POST_WAIT) | CASE_BIT(CASE_HANDOVER))

/* What comes out of a queue that others are in: the first, the one just sent, or the most urgent. */
enum order { ORDER_FIFO, ORDER_OWN, ORDER_PRIORITY };

enum placement { ONE_CPU, TWO_CPUS, NR_PLACEMENTS };

/**
 * struct link - the two sides of one conversation
 * @mech: how messages move
 * @bcase: what for
 * @len: payload bytes of every message, 0 if it carries none
 * @nr: messages in one vectored call; receivers of a broadcast; objects waited for; of a sweep,
 *	messages in the queue, processes or objects
 * @capacity: messages that must fit without a receiver running
 * @two: the sides are two processes
 * @warm: not measured yet: what costs time is checked now
 * @pid: the process at each side; twice the same if there is only one
 * @tx: @nr messages to send, HEADROOM writable bytes before the first
 * @rx: room for @nr messages, likewise
 * @fd: direction d is written to fd[2 * d] and read from fd[2 * d + 1]
 * @priv: what else the mechanism needs
 * @tokens: for shared memory: the mechanism that hands over turns
 * @token_priv: what that needs
 * @turn: where results, errors and what must be removed are recorded
 */
struct link {
	const struct mechanism *mech;
	enum bench_case bcase;
	size_t len;
	unsigned int nr;
	unsigned int capacity;
	bool two;
	bool warm;
	pid_t pid[2];
	char *tx;
	char *rx;
	int fd[4];
	void *priv;
	const struct mechanism *tokens;
	void *token_priv;
	struct turn *turn;
};

/**
 * struct mechanism - one way to communicate
 * @name: as in the results; two entries may share one if no case has both
 * @usage: how it is used here, for --list
 * @cases: CASE_BIT of each case that makes sense
 * @max_len: longest payload, 0 for no limit of its own
 * @stream_nr: messages in one call when streaming; 0 is one with send() and recv()
 * @two_sided: as a floor it takes two processes
 * @placements: as a floor, bits of the placements that make sense
 * @no_payload: as a floor, it has no size
 * @is_measure: something else to compare with: neither a floor nor a standard call
 * @spins: it never sleeps: two sides on one processor would wait for each other's time slice to end
 * @order: in a deep queue, which message comes out
 * @setup: before the fork: make all objects; 0, -errno, or skip()
 * @start: after the fork, in the process of side @side (in one process: once, side 0); may be NULL
 * @send: send one message in direction @dir (0: from side 0 to side 1); blocks
 *	(NULL: it sends nothing, and stands for the clock of the open loop)
 * @recv: receive one; blocks.  Without payload, these are post and wait on token @dir
 * @sendv: send @nr messages in one call, or NULL
 * @recvv: receive @nr messages with as few calls as possible
 * @flush: wait until all that was sent has left, or NULL
 *
 * In a broadcast, send() sends to all receivers and recv() receives as receiver @dir.  To wait for
 * any, send() makes object @dir ready; recv() waits for any object, takes what made it ready, and
 * returns -EBADMSG if that was another than @dir.  To pass a descriptor, send() sends one, and recv()
 * receives and closes it, and while @warm makes sure that it was the one.
 *
 * In a deep queue, send() while @warm fills it.  Of many objects, @dir is the number of one.  With
 * many processes all send and receive in direction 0.
 *
 * There is no teardown: a turn is a process, and its end closes everything.  What outlives a
 * process is unlinked at once or recorded with keep_id().
 */
struct mechanism {
	const char *name;
	const char *usage;
	unsigned int cases;
	size_t max_len;
	unsigned int stream_nr;
	bool two_sided;
	unsigned int placements;
	bool no_payload;
	bool is_measure;
	bool spins;
	enum order order;
	int (*setup)(struct link *l);
	int (*start)(struct link *l, int side);
	int (*send)(struct link *l, int dir, void *buf, size_t len);
	int (*recv)(struct link *l, int dir, void *buf, size_t len);
	int (*sendv)(struct link *l, int dir, struct iovec *iov, unsigned int nr);
	int (*recvv)(struct link *l, int dir, struct iovec *iov, unsigned int nr);
	int (*flush)(struct link *l);
};

/* The families, each ended by an entry without a name. */
extern const struct mechanism floor_mechanisms[];
extern const struct mechanism pipe_mechanisms[];
extern const struct mechanism socket_mechanisms[];
extern const struct mechanism posix_mechanisms[];
extern const struct mechanism sysv_mechanisms[];
extern const struct mechanism token_mechanisms[];
extern const struct mechanism signal_mechanisms[];
extern const struct mechanism shm_mechanisms[];
extern const struct mechanism uring_mechanisms[];
extern const struct mechanism broadcast_mechanisms[];
extern const struct mechanism wait_mechanisms[];
extern const struct mechanism fd_mechanisms[];
extern const struct mechanism sweep_mechanisms[];
extern const struct mechanism peer_mechanisms[];
extern const struct mechanism ipcx_mechanisms[];
extern const struct mechanism local_mechanisms[];

/* mech.c: all of them, in the order of the documentation; NULL past the end. */
const struct mechanism *mechanism_at(size_t i);
const struct mechanism *mechanism_named(const char *name);
bool mechanism_knows(const struct mechanism *m, enum bench_case c);

#define UNSTABLE	1.25		/* rounds whose figures differ by more than this factor disagree */
#define MAX_SAMPLES	32768		/* of one row, all turns together */

enum outcome { OUTCOME_NONE, OUTCOME_DONE, OUTCOME_SKIPPED, OUTCOME_FAILED };

/* System V objects that a process does not take along when it dies. */
enum sysv_kind { SYSV_MSG, SYSV_SEM, SYSV_SHM };

struct sysv_ids {
	int nr;
	struct {
		enum sysv_kind kind;
		int id;
	} of[8];
};

/**
 * struct usage - what one process consumed
 * @cpu_ns: processor time, user and kernel
 * @switches: context switches, voluntary and not
 */
struct usage {
	uint64_t cpu_ns;
	uint64_t switches;
};

/**
 * struct turn - one measurement, in memory that all its processes share
 * @cpu: where side 0 and side 1 run
 * @budget_ns: time to measure for
 * @max_samples: end earlier at this number
 * @rate: in the open loop: messages in a second; the first one is to be sent at @start_ns
 * @stop: side 1 may leave after its next message
 * @outcome: how it went, with @why in words
 * @ids: what must be removed whatever happens
 * @ops_per_sample: operations between two readings of the clock
 * @ops: operations in the samples
 * @ns: time of all samples together, in clock ticks when counting
 * @messages: messages during which usage was recorded
 * @usage: of each side, without the warm-up
 * @nr_samples: filled entries of @samples
 * @samples: ticks per operation
 */
struct turn {
	int cpu[2];
	uint64_t budget_ns;
	uint32_t max_samples;
	uint64_t rate;
	uint64_t start_ns;
	atomic_int stop;
	atomic_int outcome;
	char why[WHY_LEN];
	struct sysv_ids ids;
	uint32_t ops_per_sample;
	uint64_t ops;
	uint64_t ns;
	uint64_t messages;
	struct usage usage[2];
	uint32_t nr_samples;
	float samples[MAX_SAMPLES];
};

/**
 * struct row - one line of the result: a mechanism in a case, at a size and a placement
 * @rate: of the open loop, messages in a second, or 0
 * @outcome: the worst of its turns, with @why
 * @samples: of all turns, sorted by row_finish()
 * @ratio: to the quickest standard call of the table, 0 if there is none
 * @floor_ratio: to the floor of the case, 0 if that has not been measured
 * @achieved_rate: of the open loop
 * @round_min: the smallest figure of one turn, and @round_max the largest
 * @unstable: these differ by more than UNSTABLE
 */
struct row {
	enum bench_case bcase;
	const struct mechanism *mech;
	size_t len;
	unsigned int nr;
	enum placement placement;
	uint64_t rate;

	enum outcome outcome;
	char why[WHY_LEN];
	float *samples;
	size_t nr_samples;
	uint32_t ops_per_sample;
	uint64_t ops, ns, messages, cpu_ns, switches;

	double p50, p99, p999, max, min, mb_per_s, cpu_per_message, switches_per_message;
	double ratio, floor_ratio;
	double round_min, round_max;
	double achieved_rate;
	bool unstable;
};

/**
 * struct floor - what a figure of a case is compared with
 * @name: a floor mechanism; its own placement, and the row's size if it has one
 * @times: how often one figure needs that
 */
struct floor {
	const char *name;
	double times;
};

/**
 * struct case_info - one case
 * @operation: what one figure is the time of
 * @payload: messages have a size
 * @two_sided: it takes two processes
 * @messages: messages in one operation
 * @run: the case itself, in the process of side 0
 * @nr: receivers or objects, 0 if that depends on the row
 * @nr_text: what that number is, for people
 * @sizes: payloads if none are asked for, or NULL for the usual ones
 * @floor: of each placement
 * @on_request: not measured unless asked for
 * @mean: its figure is the mean: what many processes do comes in bursts
 * @steps: the case is a sweep over struct row's @nr: its usual values
 */
struct case_info {
	const char *name;
	const char *operation;
	bool payload;
	bool two_sided;
	unsigned int messages;
	int (*run)(struct link *l);
	unsigned int nr;
	const char *nr_text;
	const char *sizes;
	struct floor floor[NR_PLACEMENTS];
	bool on_request;
	bool mean;
	const char *steps;
};

/**
 * struct machine - where the figures come from.  A run has one machine, and nothing reads the results
 * of another: figures of two machines cannot meet in a table.
 * @name: "host" or "vm"
 * @governor: of the processors' frequency, "none" where that cannot be seen
 * @mitigations: "off", or what the kernel says of the processor's vulnerabilities, counted
 * @date: when the run began, UTC
 * @load: load average of the minute before
 * @online: processors of the machine
 */
struct machine {
	const char *name;
	bool emulated;
	char kernel[128];
	char cpu[128];
	char hypervisor[16];
	char governor[32];
	char mitigations[48];
	char date[24];
	double load;
	int online;
	int cpus[2];
	int nr_cpus;
	bool own_ipc_ns;
};

/* cases.c */
extern const struct case_info cases[NR_CASES];
extern const char *const placement_names[NR_PLACEMENTS];
bool row_is_two_sided(const struct row *row);
size_t row_x(const struct row *row);
void row_run(const struct row *row, struct turn *turn);
unsigned int calibrate_ops(const struct link *l);
unsigned int warm_up(const struct link *l);
unsigned int count_ops(const struct link *l);
void calibrate(struct link *l, uint64_t spent, uint64_t messages_per_op);
bool sample(struct turn *turn, uint64_t spent, unsigned int units);
void usage_since(struct usage *u, const struct usage *start);
int fork_peer(struct link *l, int (*peer)(struct link *l));
int join_peer(struct link *l);

/* cases-open.c */
int run_open_loop(struct link *l);

/* cases-many.c */
int run_broadcast(struct link *l);
int run_any(struct link *l);
int measure_ops(struct link *l, uint64_t seq, unsigned int units, unsigned int counted,
		int (*ops)(struct link *l, uint64_t *seq, unsigned int nr));

/* cases-sweep.c */
int run_depth(struct link *l);
int run_processes(struct link *l);
int run_objects(struct link *l);

/* turn.c */
struct turn *turn_alloc(void);
int turn_run(const struct row *row, struct turn *turn);
void turn_end(struct turn *turn, enum outcome outcome, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void turn_remove_ids(struct turn *turn);
int skip(struct link *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int keep_id(struct link *l, enum sysv_kind kind, int id);

/* measure.c */
extern bool counting;
uint64_t now_ns(void);
uint64_t count_ticks(void);
int count_check(void);
uint64_t clock_cost(void);
void usage_now(struct usage *u);
int row_merge(struct row *row, const struct turn *turn);
void row_finish(struct row *row);
double row_figure(const struct row *row);

/* Marks for tools/vm/profile-plugin.c, where counting begins and ends; nothing to a processor. */
static inline void profile_start(void)
{
#ifdef __x86_64__
	asm volatile("nopl 0x69706378(%rax,%rax,1)");
#endif
}

static inline void profile_stop(void)
{
#ifdef __x86_64__
	asm volatile("nopl 0x69706379(%rax,%rax,1)");
#endif
}

static inline uint64_t ticks(void)
{
	return counting ? count_ticks() : now_ns();
}

/* machine.c */
void machine_probe(struct machine *m);
void machine_raise_limits(struct machine *m);
long read_limit(const char *path);
int pin_to(int cpu);

/* mech-pipe.c, mech-socket.c */
int size_pipe(struct link *l, int fd);
int socket_pair(struct link *l, int type, int sv[2]);

/* mech-fd.c */
int make_passed(void);
int close_passed(const struct link *l, int fd);

/* mech-ipcx.c */
int ipcx_explain(struct link *l, int ret);

/* local.c */
int bench_local(const struct machine *m, unsigned int rounds, const char *json);

/* mech-shm.c */
void *shared_pages(size_t len);
size_t ring_len(const struct link *l);
int ring_setup(struct link *l, void *mem, const char *tokens);
int ring_send(struct link *l, int dir, void *buf, size_t len);
int ring_recv(struct link *l, int dir, void *buf, size_t len);

/* mech-ipcx.c */
int setup_ipcx_queue(struct link *l);

/* report.c, markdown.c, plot.c */
const char *time_name(double ns, char *buf, size_t buf_len);
const char *placement_text(const struct row *row);
void print_machine(FILE *out, const struct machine *m);
void json_machine(FILE *out, const struct machine *m);
void markdown_machine(FILE *out, const struct machine *m);
int report_markdown(FILE *out, const struct row *rows, size_t nr, const struct machine *m);
void report_table(FILE *out, struct row *rows, size_t nr, const struct machine *m, bool brief,
		  bool floors);
int report_json(FILE *out, const struct row *rows, size_t nr, const struct machine *m);
void report_relate(struct row *rows, size_t nr);
void report_rank(struct row *rows, size_t nr);
bool row_is_standard(const struct row *row);
const char *size_name(size_t len, char *buf, size_t buf_len);
int plot_all(const char *dir, const struct row *rows, size_t nr, const struct machine *m);

/* memory.c */
int memory_report(FILE *out, FILE *json, bool markdown, const struct machine *m, struct turn *turn);

#endif
