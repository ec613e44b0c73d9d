/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a sequence of the ABI's fuzzer consists of, how it is carried out, and what it reached: see fuzz-abi.c.
 */
#ifndef FUZZ_STEPS_H
#define FUZZ_STEPS_H

#include "fuzz-calls.h"

#include <ipcx-uring.h>

#include <sys/eventfd.h>
#include <sys/resource.h>

#define MAX_OPS		24

/* One step: what, on which descriptor, by which thread (0 or 1, with flags), and what its arguments come from. */
struct op {
	uint8_t what, fd, thread, spare;
	uint32_t seed;
};

/* Of a command: a descriptor of the right kind, and arguments that are mostly right, so that one builds upon the other. */
#define APT	2

struct input {
	uint8_t nr;
	uint8_t quota;		/* in KiB, of the ordinary user who does it; 0: root does */
	uint8_t scribble;	/* how memory changes meanwhile; 0: it does not */
	struct op ops[MAX_OPS];
};

/*
 * The members of each command's argument, in order.  A letter is 4 bytes, of which a capital has two, the second a dot:
 * s size, f flags, m mode, r rights, k kind, n number, o 0 or little, t type, p priority, h how to select, d descriptor,
 * w what to wait for, g signal, e size of an entry, 0 reserved; N name, B buffer, L length, T time, E entries to wait for,
 * M messages, F descriptors, I id, Z a result
 */
#define MSG	"B.L.tp000f"
#define CREATE	"sfN.mr"

struct step {
	unsigned long cmd;
	const char *members;	/* NULL: no command */
};

#define SAME_SIZE(c, m)	(0 * sizeof(struct { _Static_assert(4 * (sizeof(m) - 1) == _IOC_SIZE(c), #c); int i; }))
#define STEP(nr, c, m)	[nr] = { IPCX_##c + SAME_SIZE(IPCX_##c, m), m }

/* By the number that the corpus has for it, which stays: what is new goes to the end. */
static const struct step steps[] = {
	STEP(0x00, QUERY, "sf00Z.Z.00Z.Z."), STEP(0x01, OPEN, "sfN.kr"), STEP(0x02, UNLINK, "sfN."),
	STEP(0x03, LIST, "sfN.B.ne"), STEP(0x04, QUEUE_CREATE, CREATE "noQ.L."), STEP(0x05, QUEUE_CREATE, CREATE "noZ.Z."),
	STEP(0x06, REGION_CREATE, CREATE "L."), STEP(0x07, SEM_CREATE, CREATE "nn"), STEP(0x08, EVENT_CREATE, CREATE "o0"),
	STEP(0x09, STREAM_CREATE, CREATE "L."), STEP(0x0a, WAIT_SET_CREATE, "sfZ.00"), STEP(0x0b, RESTRICT, "sfr0"),
	STEP(0x0c, STAT, "sfZ.00000000Z."), STEP(0x0d, SHUTDOWN, "sfo0"), STEP(0x0e, NOTIFY, "sfoodgQ.Z."),
	STEP(0x0f, NOTIFY_CANCEL, "sfI."), STEP(0x10, WAIT, "sfT.E.ned0"), STEP(0x11, QUEUE_SEND, "sfT." MSG),
	STEP(0x12, QUEUE_SEND, "sfT." MSG), STEP(0x13, QUEUE_RECV, "sfT.ht" MSG), STEP(0x14, QUEUE_RECV, "sfT.ht" MSG),
	STEP(0x15, QUEUE_SENDV, "sfT.00M.ne"), STEP(0x16, QUEUE_RECVV, "sfT.htM.ne"), STEP(0x17, QUEUE_PURGE, "sfhtZ.Z."),
	STEP(0x18, QUEUE_STAT, "sf00Z.Z.Z.Z.Z.Z.0000Z."), STEP(0x19, QUEUE_CALL, "sfT." MSG MSG),
	STEP(0x1a, QUEUE_SERVE, "sfT.htI." MSG MSG "00"), STEP(0x1b, QUEUE_SEND_FDS, "sfT." MSG "F.n0"),
	STEP(0x1c, QUEUE_RECV_FDS, "sfT.ht" MSG "F.n0"), STEP(0x1d, QUEUE_TAP, "sfn0L."),
	STEP(0x1e, REGION_STAT, "sfZ.Z.00"), STEP(0x1f, SEM_POST, "sfn0"), STEP(0x20, SEM_WAIT, "sfT.n0"),
	STEP(0x21, SEM_STAT, "sf0000"), STEP(0x22, EVENT_SET, "sf"), STEP(0x23, EVENT_RESET, "sf"),
	STEP(0x24, EVENT_PULSE, "sf"), STEP(0x25, EVENT_WAIT, "sfT."), STEP(0x26, EVENT_STAT, "sf00"),
	STEP(0x27, STREAM_STAT, "sfZ.Z.Z.0000"), STEP(0x28, STREAM_RESIZE, "sfL."), STEP(0x29, WAIT_SET_ADD, "sfn0dwn0"),
	STEP(0x2a, WAIT_SET_REMOVE, "sfn0dwn0"), STEP(0x2b, WAIT_SET_WAIT, "sfT.n0"),
	[READ ... LAST_CALL] = { 0, NULL },
};
#define NR_STEPS	NR(steps)

/* ---- what was reached ---- */

#define KCOV_INIT_TRACE	_IOR('c', 1, unsigned long)
#define KCOV_ENABLE	_IO('c', 100)
#define KCOV_DISABLE	_IO('c', 101)
#define COVER_WORDS	(64 << 10)
#define SEEN_BITS	16

/* Of the two threads: opened once by who starts the processes, which has what they reached even when they are killed. */
static int kcovs[2] = { -1, -1 };
static uint64_t *reached_by[2];

static void open_kcov(void)
{
	for (int i = 0; i < 2; i++) {
		kcovs[i] = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
		if (kcovs[i] < 0)
			return;
		CHECK_SYS(ioctl(kcovs[i], KCOV_INIT_TRACE, COVER_WORDS));
		reached_by[i] = mmap(NULL, COVER_WORDS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, kcovs[i], 0);
		CHECK(reached_by[i] != MAP_FAILED);
	}
}

/* How often each step was begun, and succeeded, in all sequences. */
static struct {
	uint32_t begun, succeeded;
} *tally;

/*
 * How many places were reached that had not been before, by a hash of the address; if the kernel does not tell, steps that
 * had not succeeded before.
 */
static unsigned int count_fresh(void)
{
	static bool seen[1 << SEEN_BITS];
	unsigned int nr = 0;

	for (size_t i = 0; i < NR_STEPS && !reached_by[0]; i++) {
		nr += tally[i].succeeded && !seen[i];
		seen[i] = tally[i].succeeded;
	}

	for (int i = 0; i < 2 && reached_by[i]; i++) {
		const uint64_t *pcs = reached_by[i];

		for (uint64_t n = 1; n <= pcs[0] && n < COVER_WORDS; n++) {
			bool *place = &seen[pcs[n] * 0x9e3779b97f4a7c15ull >> (64 - SEEN_BITS)];

			/* only where modules are: the rest of the kernel is not what is looked for */
			nr += pcs[n] >= 0xffffffffa0000000ull && !*place;
			*place = true;
		}
		reached_by[i][0] = 0;
	}
	return nr;
}

/* ---- carrying out an input; in a process of its own ---- */

/* See APT. */
static int apt_fd(const struct step *c, int fd, uint64_t *state)
{
	switch (_IOC_NR(c->cmd) >> 3) {
	case 2:		/* for every kind */
		return draw(state) % 2 ? fd : fds[FIRST_QUEUE + draw(state) % 2];
	case 4:
	case 5:
		return fds[draw(state) % 8 ? FIRST_QUEUE : FIRST_BROADCAST];
	case 6:
		return fds[FIRST_REGION];
	case 7:
		return fds[FIRST_SEM];
	case 8:
		return fds[FIRST_EVENT];
	case 9:
		return fds[FIRST_STREAM];
	case 10:
		return fds[FIRST_WAIT_SET];
	default:
		return fd;
	}
}

/* @m: the member, after another one */
static uint32_t apt_number32(const char *m, const struct step *c, uint64_t *state)
{
	bool unused = c->cmd == IPCX_WAIT_SET_REMOVE || m[-1] == 'e';	/* of IPCX_WAIT, the alert */

	switch (*m) {
	case 'f':
	case 'h':
		return draw(state) % 12 == 0;
	case 't':
		/* none is selected */
		return m[-1] == 'h' ? 0 : 1 + draw(state) % 3;
	case 'n':
		/* how much of an object is waited for */
		return m[-1] == 'w' ? 0 : 1 + draw(state) % 2;
	case 'd':
		return unused ? 0 : fds[1 + draw(state) % 8];
	case 'w':
		return unused ? 0 : draw(state) % 3;
	case 'r':
		return 3;
	default:
		return 0;
	}
}

static uint32_t number32(const char *m, uint32_t size, const struct step *c, bool apt, uint64_t *state)
{
	char member = *m;

	if (!(draw(state) % 40) && !apt)
		return odd_number(state);
	if (apt && strchr("fhtndwr", member))
		return apt_number32(m, c, state);
	switch (member) {
	case 's':
		return draw(state) % 30 || apt ? size : draw(state) % 256;
	case 'f':
		return draw(state) % 3 ? 0 : draw(state) % 3 ? 1u << draw(state) % 8 : 1u << draw(state) % 32;
	case 'm':
		return draw(state) & 0777;
	case 'r':
		return draw(state) % 5 ? 3 : draw(state) % 4;
	case 'k':
		return draw(state) % 8;
	case 'n':
		return draw(state) % 9;
	case 'o':
	case 'w':
		return draw(state) % 4;
	case 't':
		return draw(state) % 4 + !(draw(state) % 9 == 0);
	case 'p':
		return draw(state) % 3;
	case 'h':
		return draw(state) % 2 ? 0 : draw(state) % 5;
	case 'd':
		return fds[draw(state) % NR_FDS];
	case 'g':
		return draw(state) % 3 ? SIGURG : draw(state) % 70;
	case 'e':
		return c->cmd == IPCX_WAIT ? sizeof(struct ipcx_wait_entry) :
		       c->cmd == IPCX_LIST ? sizeof(struct ipcx_list_entry) : sizeof(struct ipcx_msg);
	default:
		return 0;
	}
}

static void *message_at(bool apt, uint64_t *state)
{
	return apt ? arena + PAGE + draw(state) % 512 * 16 : address(state);
}

static uint64_t apt_number64(char member, uint64_t *state)
{
	switch (member) {
	case 'L':
		return draw(state) % 2 ? 300 : draw(state) % 300;
	case 'T':
		return ipcx_after_ns(draw(state) % 4 ? 200000 : 20000000);
	case 'I':
		return draw(state) % 2;
	default:
		return 0;
	}
}

static uint64_t number64(char member, bool apt, uint64_t *state)
{
	unsigned int nr_fds = apt ? 8 : NR_FDS, nr_names = apt ? 2 : 6;
	struct ipcx_wait_entry *e = (void *)arena;
	struct ipcx_msg *msgs = (void *)arena;
	int i;

	if (!(draw(state) % 40) && !apt)
		return odd_number(state);
	if (apt && strchr("LTI", member))
		return apt_number64(member, state);
	switch (member) {
	case 'N':
		if (draw(state) % 2 && !apt)
			return 0;
		i = draw(state) % nr_names;
		snprintf(arena + i * 32, 32, "fuzz-%d", i);
		return (uintptr_t)arena + i * 32;
	case 'B':
		return (uintptr_t)message_at(apt, state);
	case 'L':
		return draw(state) % 3 ? draw(state) % 300 : draw(state) % 20000;
	case 'T':
		return draw(state) % 3 ? ipcx_after_ns(draw(state) % 200000) : odd_number(state);
	case 'E':
		e += 128 + draw(state) % 8;
		for (i = 0; i < 9; i++)
			e[i] = (struct ipcx_wait_entry){ .fd = fds[draw(state) % nr_fds], .what = draw(state) % 3 };
		return (uintptr_t)e;
	case 'M':
		msgs += 64 + draw(state) % 8;
		for (i = 0; i < 9; i++)
			msgs[i] = (struct ipcx_msg){ .buf = (uintptr_t)message_at(apt, state), .len = draw(state) % 300,
						     .type = 1 + draw(state) % 3, .priority = draw(state) % 2 };
		return (uintptr_t)msgs;
	case 'F':
		for (i = 0; i < 9; i++)
			((int *)(arena + 3000))[i] = fds[draw(state) % nr_fds];
		return (uintptr_t)arena + 3000;
	case 'I':
	case 'Q':
		return draw(state) % 4;
	default:
		return 0;
	}
}

static __thread struct io_uring uring;

/* The same through io_uring; what is not done soon may still be at work when this process ends. */
static int through_uring(int fd, unsigned long cmd, void *arg, uint64_t *state)
{
	struct __kernel_timespec soon = { .tv_nsec = 100000 };
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	int ret;

	if (!uring.ring_fd && io_uring_queue_init(8, &uring, 0))
		return -1;
	sqe = io_uring_get_sqe(&uring);
	if (!sqe)
		return -1;
	ipcx_uring_prep_command(sqe, fd, cmd, arg);
	if (!(draw(state) % 4))
		memcpy((char *)&sqe->addr3 + 8, &(uint64_t){ 1ull << draw(state) % 3 }, 8);	/* flags of the request */
	if (!(draw(state) % 8))
		sqe->flags = 1u << draw(state) % 6;
	io_uring_submit(&uring);
	if (io_uring_wait_cqe_timeout(&uring, &cqe, &soon))
		return -1;
	ret = cqe->res;
	io_uring_cqe_seen(&uring, cqe);
	return ret;
}

static int command(const struct step *c, int fd, bool by_uring, bool apt, uint64_t *state)
{
	uint32_t size = _IOC_SIZE(c->cmd), value32;
	char arg[256], *to = arg, *at = apt ? arena + PAGE : address(state);
	uint64_t value64;
	int ret;

	if (apt) {
		fd = apt_fd(c, fd, state);
		by_uring &= fd != fds[0];	/* the device knows none */
	}
	for (const char *m = c->members; *m; m++) {
		if (*m >= 'A' && *m <= 'Z') {
			value64 = number64(*m, apt, state);
			memcpy(to, &value64, 8);
			to += 8;
			m++;
		} else {
			value32 = number32(m, size, c, apt, state);
			memcpy(to, &value32, 4);
			to += 4;
		}
	}
	if ((uintptr_t)at - (uintptr_t)arena <= ARENA - size)
		memcpy(at, arg, size);
	ret = by_uring ? through_uring(fd, c->cmd, at, state) : ioctl(fd, c->cmd, at);
	if (ret > 2 && ret < 1000 && ((_IOC_NR(c->cmd) < 0x11 && c->cmd != IPCX_LIST) || c->cmd == IPCX_QUEUE_TAP))
		keep_fd(ret, state);
	return ret;
}

static const struct input *running;

/* How far the two threads are, for who started the process. */
static volatile struct {
	pid_t tid;		/* 0: it has ended, or not begun */
	uint32_t steps;
} *progress;

static void *carry_out(void *arg)
{
	long thread = (long)arg;

	if (kcovs[thread] >= 0)
		ioctl(kcovs[thread], KCOV_ENABLE, 0);
	progress[thread].tid = gettid();
	for (uint32_t i = 0; i < running->nr; i++, progress[thread].steps++) {
		const struct op *op = &running->ops[i];
		uint64_t state = op->seed * 2654435761u + 1;
		int fd = fds[op->fd % NR_FDS];
		long ret;

		if (op->thread % 2 != thread)
			continue;
		__atomic_fetch_add(&tally[op->what].begun, 1, __ATOMIC_RELAXED);
		if (steps[op->what].members)
			ret = command(&steps[op->what], _IOC_NR(steps[op->what].cmd) < 0x10 ? fds[0] : fd, op->spare & 8,
				      op->thread & APT, &state);
		else
			ret = other(op->what, fd, &state);
		if (ret >= 0)
			__atomic_fetch_add(&tally[op->what].succeeded, 1, __ATOMIC_RELAXED);
	}
	progress[thread].tid = 0;
	return NULL;
}

/* Memory that changes under the kernel: names, lists and arguments as the others have put them there, a little different. */
static void *scribble(void *unused)
{
	uint64_t state = running->scribble;

	(void)unused;
	/* in nobody's way */
	setpriority(PRIO_PROCESS, gettid(), 19);
	while (running) {
		volatile uint32_t *p = (uint32_t *)arena + draw(&state) % (3 * PAGE / sizeof(*p));

		*p = draw(&state) % 2 ? odd_number(&state) : *p + 1;
	}
	return NULL;
}

/* Something of each kind is there. */
#define NR_OBJECTS	8
static void make_objects(void)
{
	static const struct ipcx_options robust = { .flags = IPCX_SEM_ROBUST }, broadcast = { .flags = IPCX_QUEUE_BROADCAST };

	fds[0] = device();
	fds[1] = ipcx_queue_create(NULL, NULL, NULL);
	fds[2] = ipcx_sem_create(NULL, 1, 5, &robust);
	fds[3] = ipcx_event_create(NULL, 0, NULL);
	fds[4] = ipcx_region_create(NULL, 2 * PAGE, NULL);
	fds[5] = ipcx_stream_create(NULL, PAGE, NULL);
	fds[6] = ipcx_wait_set_create(NULL);
	fds[7] = ipcx_queue_create(NULL, NULL, &broadcast);
	fds[8] = eventfd(0, 0);
}

/* An ordinary user: names, and a semaphore to read only, are root's, and few descriptors are allowed. */
static void become_user(int *place)
{
	static const struct ipcx_options private = { .mode = 0600 }, readable = { .mode = 0644 }, writable = { .mode = 0666 };
	int sem;

	close(ipcx_queue_create("fuzz-0", NULL, &private));
	close(ipcx_event_create("fuzz-1", 0, &readable));
	close(ipcx_queue_create("fuzz-2", NULL, &writable));
	sem = ipcx_sem_create(NULL, 1, 5, NULL);
	*place = ipcx_restrict(sem, IPCX_READ);
	close(sem);
	CHECK_SYS(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 32, 32 }));
	as_user(TEST_UID_ALICE);
}

static void nudged(int sig)
{
	(void)sig;
}

static int run_input(void *arg)
{
	pthread_t t[3];
	int i;

	running = arg;
	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = nudged }, NULL);
	signal(SIGURG, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	arena = mmap(NULL, ARENA + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(arena != MAP_FAILED);
	CHECK_SYS(munmap(arena + ARENA, PAGE));
	for (i = 0; i < NR_FDS; i++)
		fds[i] = -1;
	if (running->quota)
		become_user(&fds[9]);
	make_objects();
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, carry_out, (void *)(long)i), 0);
	if (running->scribble)
		CHECK_EQ(pthread_create(&t[2], NULL, scribble, NULL), 0);
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	return 0;
}

#endif
