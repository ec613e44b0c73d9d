// SPDX-License-Identifier: GPL-2.0
/*
 * The probes of ipcx bench --local: floors, pipes, rings, crowds, semaphores and loans, each measured once by a process of its
 * own and those that it starts.
 */
#include "local.h"

#include <errno.h>
#include <ipcx-ring.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if __has_include(<ck_ring.h>)
#include <ck_ring.h>
#define HAVE_CK	1
#endif

#define PROBE_NS	20000000000ULL	/* a probe that takes longer has failed */
#define LATE_NS		200000		/* an answer after more than anybody spins */
#define IDLE_NS		100000000
#define CROWD		4		/* senders, and receivers */
#define CROWD_SLOTS	1024
#define LEN		56
#define PARTS		32		/* of a probe: see mark() */

static int cpus[2];

/**
 * struct stage - what the processes of a probe share
 * @ns: the result, 0 if there is none
 * @line: two words for floors, on lines of their own
 * @pairs: more of these
 * @ready, @begun, @done: for starting and ending together
 */
struct stage {
	double ns;
	_Alignas(128) atomic_uint_fast64_t line[32];
	_Alignas(128) atomic_uint_fast64_t pairs[PARTS][2][16];
	_Alignas(128) atomic_int ready, begun, done;
	_Alignas(128) uint32_t futex[2][32];
	_Alignas(128) char slots[256][64];
	sem_t sem;
};

static struct stage *stage;

static void fail(int ret, const char *what)
{
	fprintf(stderr, "ipcx bench: %s: %s\n", what, strerror(-ret));
	_exit(1);
}

#define NEED(call)						\
	({							\
		long long ret__ = (call);			\
		if (ret__ < 0)					\
			fail((int)ret__, #call);		\
		ret__;						\
	})

/* Another process on processor @cpu, which runs @fn and dies with this one. */
static void start(int cpu, void (*fn)(long arg), long arg)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		fail(-errno, "fork");
	if (pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	pin_to(cpu);
	fn(arg);
	_exit(0);
}

static void join_all(void)
{
	int status;

	while (waitpid(-1, &status, 0) > 0)
		if (status)
			_exit(1);
}

/*
 * A probe is taken in parts, and its figure is that of the median part: what else runs meanwhile
 * disturbs some of them.
 */
static uint64_t marks[PARTS + 1];
static int nr_marks;

/* Before operation @i of @nr, PARTS times a power of two. */
static inline void mark(long i, long nr)
{
	if (!(i & (nr / PARTS - 1)) && nr_marks <= PARTS)
		marks[nr_marks++] = now_ns();
}

static double median_part(long nr)
{
	double ns[PARTS];

	mark(0, nr);
	for (int i = 0; i < nr_marks - 1; i++)
		ns[i] = (double)(marks[i + 1] - marks[i]) / (nr / PARTS);
	qsort(ns, nr_marks - 1, sizeof(ns[0]), compare_doubles);
	return ns[(nr_marks - 1) / 2];
}

/* ---- floors ---- */

/* How long a line takes depends on where it is kept, so each part has two of its own. */
static inline atomic_uint_fast64_t *line_of(long i, long nr, int side)
{
	return &stage->pairs[i / (nr / PARTS)][side][0];
}

static inline void await_line(atomic_uint_fast64_t *line, long i, bool relaxed)
{
	while (atomic_load_explicit(line, memory_order_acquire) != (unsigned long)i)
		if (relaxed)
#ifdef __x86_64__
			__builtin_ia32_pause();
#else
			atomic_signal_fence(memory_order_seq_cst);
#endif
}

static bool with_pauses;

static void echo_lines(long nr)
{
	for (long i = 0; i < nr; i++) {
		await_line(line_of(i, nr, 0), i + 1, with_pauses);
		atomic_store_explicit(line_of(i, nr, 1), i + 1, memory_order_release);
	}
}

static double two_lines(long nr)
{
	start(cpus[1], echo_lines, nr);
	for (long i = 0; i < nr; i++) {
		mark(i, nr);
		atomic_store_explicit(line_of(i, nr, 0), i + 1, memory_order_release);
		await_line(line_of(i, nr, 1), i + 1, with_pauses);
	}
	return median_part(nr);
}

/* Who looks less often is less in the way of who writes. */
static double two_lines_relaxed(long nr)
{
	with_pauses = true;
	return two_lines(nr);
}

static double atomic_add(long nr)
{
	for (long i = 0; i < nr; i++) {
		mark(i, nr);
		atomic_fetch_add(&stage->line[0], 1);
	}
	return median_part(nr);
}

static double empty_call(long nr)
{
	for (long i = 0; i < nr; i++) {
		mark(i, nr);
		getppid();
	}
	return median_part(nr);
}

static double copy_64k(long nr)
{
	static char from[65536], to[65536];

	memset(from, 1, sizeof(from));
	memset(to, 1, sizeof(to));
	for (long i = 0; i < nr; i++) {
		mark(i, nr);
		memcpy(to, from, sizeof(to));
		__asm__ volatile("" : : "r"(to) : "memory");
	}
	return median_part(nr);
}

static char *cross;

static void write_cross(long nr)
{
	for (long i = 1; i <= nr; i++) {
		memset(cross, (int)i, 65536);
		atomic_store_explicit(&stage->line[0], i, memory_order_release);
		while (atomic_load_explicit(&stage->line[16], memory_order_acquire) <
		       (unsigned long)i)
			;
	}
}

/* What the other processor has just written, copied by this one. */
static double copy_across(long nr)
{
	static char to[65536];
	uint64_t spent = 0;

	cross = shared_pages(65536);
	start(cpus[1], write_cross, nr);
	for (long i = 1; i <= nr; i++) {
		uint64_t begin;

		while (atomic_load_explicit(&stage->line[0], memory_order_acquire) < (unsigned long)i)
			;
		begin = now_ns();
		memcpy(to, cross, sizeof(to));
		__asm__ volatile("" : : "r"(to) : "memory");
		spent += now_ns() - begin;
		atomic_store_explicit(&stage->line[16], i, memory_order_release);
	}
	return (double)spent / nr;
}

/* ---- pipes ---- */

static int fds[4];

static void echo_pipe(long nr)
{
	char buf[LEN];

	while (nr--)
		if (read(fds[0], buf, LEN) != LEN || write(fds[3], buf, LEN) != LEN)
			_exit(1);
}

static double pipe_round(int cpu, long nr)
{
	char buf[LEN] = "";

	if (pipe(fds) || pipe(fds + 2))
		fail(-errno, "pipe");
	start(cpu, echo_pipe, nr);
	for (long i = 0; i < nr; i++) {
		mark(i, nr);
		if (write(fds[1], buf, LEN) != LEN || read(fds[2], buf, LEN) != LEN)
			_exit(1);
	}
	return median_part(nr);
}

static double pipe_one_cpu(long nr)
{
	return pipe_round(cpus[0], nr);
}

static double pipe_two_cpus(long nr)
{
	return pipe_round(cpus[1], nr);
}

static void write_pipe(long nr)
{
	char buf[64] = "";

	while (nr--)
		if (write(fds[1], buf, 64) != 64)
			_exit(1);
}

static double pipe_stream(long nr)
{
	char buf[64];

	if (pipe(fds))
		fail(-errno, "pipe");
	start(cpus[1], write_pipe, nr);
	for (long i = 0; i < nr; i++) {
		mark(i, nr);
		if (read(fds[0], buf, 64) != 64)
			_exit(1);
	}
	return median_part(nr);
}

/* ---- rings ---- */

static uint64_t spin_ns = IPCX_RING_SPIN_NS;
static uint64_t late_ns;

static void work(uint64_t ns)
{
	/* a look at the clock is work itself */
	if (!ns)
		return;
	for (uint64_t end = now_ns() + ns; now_ns() < end;)
		;
}

static void ring_ends(struct ipcx_ring *a, unsigned int a_role, struct ipcx_ring *b,
		      unsigned int b_role)
{
	NEED(ipcx_ring_attach(a, fds[0], a_role | IPCX_RING_POPULATE));
	NEED(ipcx_ring_attach(b, fds[1], b_role | IPCX_RING_POPULATE));
	ipcx_ring_set_spin(a, spin_ns);
	ipcx_ring_set_spin(b, spin_ns);
}

static void echo_ring(long nr)
{
	struct ipcx_ring a, b;
	char buf[LEN];

	ring_ends(&a, IPCX_RING_RECEIVER, &b, IPCX_RING_SENDER);
	while (nr--) {
		NEED(ipcx_ring_recv(&a, buf, LEN));
		work(late_ns);
		NEED(ipcx_ring_send(&b, buf, LEN));
	}
}

static double ring_round(long nr)
{
	struct ipcx_ring a, b;
	char buf[LEN] = "";

	for (int i = 0; i < 2; i++)
		fds[i] = (int)NEED(ipcx_ring_create(NULL, NULL, NULL));
	start(cpus[1], echo_ring, nr);
	ring_ends(&a, IPCX_RING_SENDER, &b, IPCX_RING_RECEIVER);
	for (long i = 1; i <= nr; i++) {
		mark(i - 1, nr);
		memcpy(buf, &i, sizeof(i));
		NEED(ipcx_ring_send(&a, buf, LEN));
		NEED(ipcx_ring_recv(&b, buf, LEN));
		if (memcmp(buf, &i, sizeof(i)))
			fail(-EBADMSG, "ring");
	}
	return median_part(nr);
}

static double ring_round_spinning(long nr)
{
	spin_ns = IPCX_FOREVER;
	return ring_round(nr);
}

static double ring_round_late(long nr)
{
	late_ns = LATE_NS;
	return ring_round(nr);
}

static void futex_post(uint32_t *word)
{
	__atomic_store_n(word, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void futex_wait(uint32_t *word)
{
	while (!__atomic_exchange_n(word, 0, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void echo_futex_late(long nr)
{
	while (nr--) {
		futex_wait(stage->futex[0]);
		work(LATE_NS);
		futex_post(stage->futex[1]);
	}
}

static double futex_round_late(long nr)
{

	start(cpus[1], echo_futex_late, nr);
	for (long i = 1; i <= nr; i++) {
		mark(i - 1, nr);
		futex_post(stage->futex[0]);
		futex_wait(stage->futex[1]);
	}
	return median_part(nr);
}

/* Processor time of a receiver that waits for nothing, in thousandths of the time. */
static double ring_idle(long nr)
{
	struct ipcx_ring ring;
	struct rusage before, after;
	uint64_t begin = now_ns();
	char buf[LEN];

	(void)nr;
	fds[0] = (int)NEED(ipcx_ring_create(NULL, NULL, NULL));
	NEED(ipcx_ring_attach(&ring, fds[0], IPCX_RING_SENDER | IPCX_RING_RECEIVER));
	getrusage(RUSAGE_SELF, &before);
	if (ipcx_ring_recv_until(&ring, buf, LEN, 0, ipcx_after_ns(IDLE_NS)) != -ETIMEDOUT)
		fail(-EBADMSG, "ring");
	getrusage(RUSAGE_SELF, &after);
	return ((after.ru_utime.tv_sec - before.ru_utime.tv_sec +
		 after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1e9 +
		(after.ru_utime.tv_usec - before.ru_utime.tv_usec +
		 after.ru_stime.tv_usec - before.ru_stime.tv_usec) * 1e3) /
	       (double)(now_ns() - begin) * 1000;
}

static unsigned int ring_flags;

static void stream_ring(long nr)
{
	struct ipcx_ring ring;
	char buf[64] = "";

	NEED(ipcx_ring_attach(&ring, fds[0], IPCX_RING_SENDER | IPCX_RING_POPULATE));
	for (long i = 1; i <= nr; i++) {
		memcpy(buf, &i, sizeof(i));
		NEED(ipcx_ring_send(&ring, buf, 64));
	}
}

static double ring_stream(long nr)
{
	struct ipcx_ring_limits limits = { .flags = ring_flags, .slots = 256, .max_len = 64 };
	struct ipcx_ring ring;
	char buf[64];

	fds[0] = (int)NEED(ipcx_ring_create(NULL, &limits, NULL));
	start(cpus[1], stream_ring, nr);
	NEED(ipcx_ring_attach(&ring, fds[0], IPCX_RING_RECEIVER | IPCX_RING_POPULATE));
	for (long i = 1; i <= nr; i++) {
		mark(i - 1, nr);
		NEED(ipcx_ring_recv(&ring, buf, 64));
		if (memcmp(buf, &i, sizeof(i)))
			fail(-EBADMSG, "ring");
	}
	return median_part(nr);
}

static double many_stream(long nr)
{
	ring_flags = IPCX_RING_MANY;
	return ring_stream(nr);
}

/* A ring as one writes it by hand: no lengths, no checks, no sleeping. */
static void stream_bare(long nr)
{
	uint64_t seen = 0;
	char buf[64] = "";

	for (uint64_t i = 1; i <= (uint64_t)nr; i++) {
		memcpy(buf, &i, sizeof(i));
		while (i - seen > 256)
			seen = atomic_load_explicit(&stage->line[16], memory_order_acquire);
		memcpy(stage->slots[i & 255], buf, 64);
		atomic_store_explicit(&stage->line[0], i, memory_order_release);
	}
}

static double bare_stream(long nr)
{
	uint64_t seen = 0;
	char buf[64];

	start(cpus[1], stream_bare, nr);
	for (uint64_t i = 1; i <= (uint64_t)nr; i++) {
		mark((long)i - 1, nr);
		while (i > seen)
			seen = atomic_load_explicit(&stage->line[0], memory_order_acquire);
		memcpy(buf, stage->slots[i & 255], 64);
		atomic_store_explicit(&stage->line[16], i, memory_order_release);
		if (memcmp(buf, &i, sizeof(i)))
			fail(-EBADMSG, "bare ring");
	}
	return median_part(nr);
}

/* ---- crowds: CROWD senders and CROWD receivers ---- */

static void begin_together(void)
{
	atomic_fetch_add(&stage->ready, 1);
	while (!atomic_load(&stage->begun))
		sched_yield();
}

static double crowd(void (*sender)(long), void (*receiver)(long), long nr)
{
	uint64_t begin;

	for (int i = 0; i < CROWD; i++) {
		start(cpus[i % 2], sender, nr / CROWD);
		start(cpus[i % 2], receiver, nr / CROWD);
	}
	while (atomic_load(&stage->ready) < 2 * CROWD)
		sched_yield();
	begin = now_ns();
	atomic_store(&stage->begun, 1);
	join_all();
	return (double)(now_ns() - begin) / (nr / CROWD * CROWD);
}

static void crowd_send(long nr)
{
	struct ipcx_ring ring;
	char buf[LEN] = "";

	NEED(ipcx_ring_attach(&ring, fds[0], IPCX_RING_SENDER | IPCX_RING_POPULATE));
	begin_together();
	while (nr--)
		NEED(ipcx_ring_send(&ring, buf, LEN));
}

static void crowd_recv(long nr)
{
	struct ipcx_ring ring;
	char buf[LEN];

	NEED(ipcx_ring_attach(&ring, fds[0], IPCX_RING_RECEIVER | IPCX_RING_POPULATE));
	begin_together();
	while (nr--)
		NEED(ipcx_ring_recv(&ring, buf, LEN));
}

static double many_crowd(long nr)
{
	struct ipcx_ring_limits limits = { .flags = IPCX_RING_MANY, .slots = CROWD_SLOTS };

	fds[0] = (int)NEED(ipcx_ring_create(NULL, &limits, NULL));
	return crowd(crowd_send, crowd_recv, nr);
}

#ifdef HAVE_CK
struct ck_message {
	char text[LEN];
};

CK_RING_PROTOTYPE(message, ck_message)

static struct ck_shared {
	ck_ring_t ring;
	_Alignas(128) struct ck_message slots[CROWD_SLOTS];
} *ck;

/* It does not sleep: who finds nothing to do lets others run. */
static void ck_send(long nr)
{
	struct ck_message m = { "" };

	begin_together();
	while (nr--)
		for (int spins = 0; !CK_RING_ENQUEUE_MPMC(message, &ck->ring, ck->slots, &m); spins++)
			if (spins > 100)
				sched_yield();
}

static void ck_recv(long nr)
{
	struct ck_message m;

	begin_together();
	while (nr--)
		for (int spins = 0; !CK_RING_DEQUEUE_MPMC(message, &ck->ring, ck->slots, &m); spins++)
			if (spins > 100)
				sched_yield();
}

static double ck_crowd(long nr)
{
	ck = shared_pages(sizeof(*ck));
	ck_ring_init(&ck->ring, CROWD_SLOTS);
	return crowd(ck_send, ck_recv, nr);
}
#endif

/* ---- semaphores ---- */

static double sem_t_pair(long nr)
{

	sem_init(&stage->sem, 1, 0);
	for (long i = 0; i < nr; i++) {
		mark(i, nr);
		sem_post(&stage->sem);
		sem_wait(&stage->sem);
	}
	return median_part(nr);
}

static double msem_pair(long nr)
{
	struct ipcx_msem sem;

	NEED(ipcx_msem_place(&sem, shared_pages(4096), 0, 0));
	for (long i = 0; i < nr; i++) {
		mark(i, nr);
		ipcx_msem_post(&sem, 1);
		ipcx_msem_wait(&sem, 1, 0, IPCX_FOREVER);
	}
	return median_part(nr);
}

/* ---- loans: the first word of each piece is written, and read ---- */

static size_t loan_len;

static void loan_ends(struct ipcx_loans *a, unsigned int a_role, struct ipcx_loans *b,
		      unsigned int b_role)
{
	NEED(ipcx_loan_attach(a, fds[0], a_role));
	NEED(ipcx_loan_attach(b, fds[1], b_role));
}

static void loan_put(struct ipcx_loans *loans, long seq)
{
	struct ipcx_loan loan;

	NEED(ipcx_loan_take(loans, &loan, 0, IPCX_FOREVER));
	memcpy(loan.addr, &seq, sizeof(seq));
	NEED(ipcx_loan_send(loans, &loan, loan_len));
}

static void loan_get(struct ipcx_loans *loans, long seq)
{
	struct ipcx_loan loan;

	NEED(ipcx_loan_recv(loans, &loan, 0, IPCX_FOREVER));
	if (memcmp(loan.addr, &seq, sizeof(seq)) || loan.len != loan_len)
		fail(-EBADMSG, "loan");
	NEED(ipcx_loan_return(loans, &loan));
}

static void echo_loans(long nr)
{
	struct ipcx_loans a, b;

	loan_ends(&a, IPCX_RING_RECEIVER, &b, IPCX_RING_SENDER);
	for (long i = 1; i <= nr; i++) {
		loan_get(&a, i);
		loan_put(&b, i);
	}
}

static double loan_round(size_t len, long nr)
{
	struct ipcx_loan_limits limits = { .nr = 4, .len = len };
	struct ipcx_loans a, b;

	loan_len = len;
	for (int i = 0; i < 2; i++)
		fds[i] = (int)NEED(ipcx_loan_create(NULL, &limits, NULL));
	start(cpus[1], echo_loans, nr);
	loan_ends(&a, IPCX_RING_SENDER, &b, IPCX_RING_RECEIVER);
	for (long i = 1; i <= nr; i++) {
		mark(i - 1, nr);
		loan_put(&a, i);
		loan_get(&b, i);
	}
	return median_part(nr);
}

static double loan_64(long nr)
{
	return loan_round(64, nr);
}

static double loan_64k(long nr)
{
	return loan_round(65536, nr);
}

static double loan_64m(long nr)
{
	return loan_round(64UL << 20, nr);
}

/* ---- what there is ---- */

const struct local_probe local_probes[NR_PROBES] = {
	[TWO_LINES] = { "two cache lines, there and back", "floor", "two_cache_lines", 0, true,
			two_lines, 16384 },
	[TWO_RELAXED] = { "the same, with a pause between two looks", "floor", "two_cache_lines_relaxed", 0, true,
			  two_lines_relaxed, 16384 },
	[ADD] = { "locked addition", "floor", "atomic_add", 0, false, atomic_add, 131072 },
	[CALL] = { "empty system call", "floor", "syscall", 0, false, empty_call, 16384 },
	[COPY] = { "copy of 64 KiB", "floor", "memcpy", 65536, false, copy_64k, 512 },
	[ACROSS] = { "copy of 64 KiB that the other processor wrote", "floor", "memcpy", 65536, true,
		     copy_across, 100 },
	[PIPE_ONE] = { "pipe, round trip, one processor", "roundtrip", "pipe", LEN, false,
		       pipe_one_cpu, 1024 },
	[PIPE_TWO] = { "pipe, round trip, two processors", "roundtrip", "pipe", LEN, true,
		       pipe_two_cpus, 128 },
	[PIPE_STREAM] = { "pipe, stream of 64 B", "stream", "pipe", 64, true, pipe_stream, 16384 },
	[RING] = { "ring, round trip of 56 B", "roundtrip", "ipcx_ring", LEN, true, ring_round, 16384 },
	[RING_SPIN] = { "ring that never sleeps, round trip", "roundtrip", "ipcx_ring_spin", LEN, true,
			ring_round_spinning, 16384 },
	[RING_LATE] = { "ring, answer after 200 us", "late", "ipcx_ring", LEN, true, ring_round_late,
			32 },
	[FUTEX_LATE] = { "futex, answer after 200 us", "late", "futex", 0, true, futex_round_late, 32 },
	[IDLE] = { "ring, idle: thousandths of a processor", "idle", "ipcx_ring", 0, false, ring_idle,
		   1 },
	[RING_STREAM] = { "ring, stream of 64 B", "stream", "ipcx_ring", 64, true, ring_stream, 131072 },
	[BARE_STREAM] = { "ring written by hand, stream of 64 B", "stream", "bare_ring", 64, true,
			  bare_stream, 131072 },
	[MANY_STREAM] = { "ring of many, one pair, stream of 64 B", "stream", "ipcx_ring_many", 64, true,
			  many_stream, 131072 },
	[MANY_CROWD] = { "ring of many, 4 and 4, 56 B", "crowd", "ipcx_ring_many", LEN, true, many_crowd,
			 40000 },
#ifdef HAVE_CK
	[CK_CROWD] = { "ck_ring, 4 and 4, 56 B", "crowd", "ck_ring", LEN, true, ck_crowd, 40000 },
#else
	[CK_CROWD] = { "ck_ring, 4 and 4 (libck-dev was not there)", NULL, NULL, 0, true, NULL, 0 },
#endif
	[SEM_T] = { "sem_t, post + wait", "post_wait", "sem_t", 0, false, sem_t_pair, 131072 },
	[MSEM] = { "mapped semaphore, post + wait", "post_wait", "ipcx_sem_mapped", 0, false, msem_pair,
		   131072 },
	[LOAN_64] = { "loan, round trip of 64 B", "roundtrip", "ipcx_loan", 64, true, loan_64, 8192 },
	[LOAN_64K] = { "loan, round trip of 64 KiB", "roundtrip", "ipcx_loan", 65536, true, loan_64k,
		       8192 },
	[LOAN_64M] = { "loan, round trip of 64 MiB", "roundtrip", "ipcx_loan", 64UL << 20, true, loan_64m,
		       8192 },
};

int local_begin(const struct machine *m)
{
	memcpy(cpus, m->cpus, sizeof(cpus));
	stage = shared_pages(sizeof(*stage));
	return stage ? 0 : -ENOMEM;
}

double local_run(const struct local_probe *p)
{
	uint64_t end = now_ns() + PROBE_NS;
	pid_t pid;

	memset(stage, 0, sizeof(*stage));
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return 0;
	if (!pid) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin_to(cpus[0]);
		stage->ns = p->run(p->nr);
		join_all();
		_exit(0);
	}
	while (!waitpid(pid, NULL, WNOHANG)) {
		struct timespec pause = { 0, 200000 };

		nanosleep(&pause, NULL);
		if (now_ns() > end) {
			kill(-pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return 0;
		}
	}
	return stage->ns;
}
