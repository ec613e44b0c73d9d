// SPDX-License-Identifier: GPL-2.0
/*
 * A fuzzer of the ABI: sequences of commands and system calls with arguments that nearly make sense, by several threads, in
 * memory that another one may rewrite meanwhile.  Where the kernel tells which code was executed (kcov), sequences that
 * reached something new are kept, and varied.  After each, the process is killed, nothing may be charged for it any
 * more, and the kernel may have reported nothing.  If this fails, some argument makes the module leak, crash or hang.
 *
 * make fuzz runs it for longer, on the debug kernel: IPCX_FUZZ_SECONDS; IPCX_FUZZ_CORPUS is a file of sequences to begin
 * with instead of tests/sys/fuzz-abi.corpus, and is written anew: a line of hexadecimal digits each.  Each is written to
 * the kernel's trace before it begins.
 * timeout: 120
 */
#include "object.h"

#include <ipcx-uring.h>

#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/wait.h>

#define MAX_OPS		24
#define NR_FDS		16
#define ARENA		(16 * PAGE)
#define MAX_KEPT	400
#define CORPUS		"/ipcx/tests/sys/fuzz-abi.corpus"
#define LIMIT_MS	(3600 * 1000 * 3)

/* One step: what, on which descriptor, and what its arguments come from. */
struct op {
	uint8_t what, fd, thread, spare;
	uint32_t seed;
};

struct input {
	uint32_t nr;
	struct op ops[MAX_OPS];
};

/*
 * The members of each command's argument, in order.  Small letters are of 32 bits, capitals of 64:
 * s size, f flags, m mode, r rights, k kind, n number, o 0 or little, t type, p priority, h how to select, d descriptor,
 * w what to wait for, g signal, e size of an entry, 0 reserved; N name, B buffer, L length, T time, E entries to wait for,
 * M messages, F descriptors, I id, Z a result
 */
#define MSG	"BLtp000f"
#define CREATE	"sfNmr"
static const struct command {
	unsigned long cmd;
	const char *members;
} commands[] = {
	{ IPCX_QUERY, "sf00ZZ00ZZ" }, { IPCX_OPEN, "sfNkr" }, { IPCX_UNLINK, "sfN" }, { IPCX_LIST, "sfNBne" },
	{ IPCX_QUEUE_CREATE, CREATE "noQL" }, { IPCX_QUEUE_CREATE, CREATE "noZZ" }, { IPCX_REGION_CREATE, CREATE "L" },
	{ IPCX_SEM_CREATE, CREATE "nn" }, { IPCX_EVENT_CREATE, CREATE "o0" }, { IPCX_STREAM_CREATE, CREATE "L" },
	{ IPCX_WAIT_SET_CREATE, "sfZ00" }, { IPCX_RESTRICT, "sfr0" }, { IPCX_STAT, "sfZ00000000Z" },
	{ IPCX_SHUTDOWN, "sfo0" }, { IPCX_NOTIFY, "sfoodgQZ" }, { IPCX_NOTIFY_CANCEL, "sfI" },
	{ IPCX_WAIT, "sfTEned0" }, { IPCX_QUEUE_SEND, "sfT" MSG }, { IPCX_QUEUE_SEND, "sfT" MSG },
	{ IPCX_QUEUE_RECV, "sfTht" MSG }, { IPCX_QUEUE_RECV, "sfTht" MSG }, { IPCX_QUEUE_SENDV, "sfT00Mne" },
	{ IPCX_QUEUE_RECVV, "sfThtMne" }, { IPCX_QUEUE_PURGE, "sfhtZZ" }, { IPCX_QUEUE_STAT, "sf00ZZZZZZ0000Z" },
	{ IPCX_QUEUE_CALL, "sfT" MSG MSG }, { IPCX_QUEUE_SERVE, "sfThtI" MSG MSG "00" },
	{ IPCX_QUEUE_SEND_FDS, "sfT" MSG "Fn0" }, { IPCX_QUEUE_RECV_FDS, "sfTht" MSG "Fn0" },
	{ IPCX_QUEUE_TAP, "sfn0L" }, { IPCX_REGION_STAT, "sfZZ00" }, { IPCX_SEM_POST, "sfn0" },
	{ IPCX_SEM_WAIT, "sfTn0" }, { IPCX_SEM_STAT, "sf0000" }, { IPCX_EVENT_SET, "sf" }, { IPCX_EVENT_RESET, "sf" },
	{ IPCX_EVENT_PULSE, "sf" }, { IPCX_EVENT_WAIT, "sfT" }, { IPCX_EVENT_STAT, "sf00" },
	{ IPCX_STREAM_STAT, "sfZZZ0000" }, { IPCX_STREAM_RESIZE, "sfL" }, { IPCX_WAIT_SET_ADD, "sfn0dwn0" },
	{ IPCX_WAIT_SET_REMOVE, "sfn0dwn0" }, { IPCX_WAIT_SET_WAIT, "sfTn0" },
};
#define NR_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

/* What else can be done with a descriptor. */
enum { READ = NR_COMMANDS, WRITE, READV, POLL, MMAP, DUP, CLOSE, NONBLOCK, ASYNC, PEEK_LEN, SPLICE, FDINFO, FORK, NR_WHATS };

/* ---- carrying out an input; in a process of its own ---- */

static int fds[NR_FDS], names;
static char *arena;
static bool over;

static uint32_t draw(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static uint64_t odd_number(uint64_t *state)
{
	static const uint64_t odd[] = { 0, 1, 2, 7, 8, 255, 4095, 4096, 4097, 65535, 65536, 1 << 20, 1 << 24, INT32_MAX,
					UINT32_MAX, 1ull << 32, INT64_MAX, 1ull << 63, UINT64_MAX };

	return odd[draw(state) % (sizeof(odd) / sizeof(odd[0]))] + (draw(state) % 8 ? 0 : draw(state) % 3 - 1);
}

static void *address(uint64_t *state)
{
	switch (draw(state) % 24) {
	case 0:
		return NULL;
	case 1:
		return (void *)BAD_PTR;
	case 2:
		return arena + ARENA - draw(state) % 64;	/* what follows is not there */
	case 3:
		return (void *)odd_number(state);
	default:
		return arena + PAGE + draw(state) % 512 * 16;
	}
}

static uint32_t number32(char member, uint32_t size, const struct command *c, uint64_t *state)
{
	if (!(draw(state) % 40))
		return odd_number(state);
	switch (member) {
	case 's':
		return draw(state) % 30 ? size : draw(state) % 256;
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

static uint64_t number64(char member, uint64_t *state)
{
	struct ipcx_wait_entry *e = (void *)arena;
	struct ipcx_msg *msgs = (void *)arena;
	int i;

	if (!(draw(state) % 40))
		return odd_number(state);
	switch (member) {
	case 'N':
		if (draw(state) % 2)
			return 0;
		i = draw(state) % 6;
		snprintf(arena + i * 32, 32, "fuzz-%d", i);
		return (uintptr_t)arena + i * 32;
	case 'B':
		return (uintptr_t)address(state);
	case 'L':
		return draw(state) % 3 ? draw(state) % 300 : draw(state) % 20000;
	case 'T':
		return draw(state) % 3 ? ipcx_after_ns(draw(state) % 200000) : odd_number(state);
	case 'E':
		e += 128 + draw(state) % 8;
		for (i = 0; i < 9; i++)
			e[i] = (struct ipcx_wait_entry){ .fd = fds[draw(state) % NR_FDS], .what = draw(state) % 3 };
		return (uintptr_t)e;
	case 'M':
		msgs += 64 + draw(state) % 8;
		for (i = 0; i < 9; i++)
			msgs[i] = (struct ipcx_msg){ .buf = (uintptr_t)address(state), .len = draw(state) % 300,
						     .type = 1 + draw(state) % 3, .priority = draw(state) % 2 };
		return (uintptr_t)msgs;
	case 'F':
		for (i = 0; i < 9; i++)
			((int *)(arena + 3000))[i] = fds[draw(state) % NR_FDS];
		return (uintptr_t)arena + 3000;
	case 'I':
	case 'Q':
		return draw(state) % 4;
	default:
		return 0;
	}
}

static uint32_t size_of(const char *members)
{
	uint32_t size = 0;

	for (; *members; members++)
		size += *members >= 'A' && *members <= 'Z' ? 8 : 4;
	return size;
}

static void keep_fd(int fd, uint64_t *state)
{
	int *place = &fds[2 + draw(state) % (NR_FDS - 2)];

	close(__atomic_exchange_n(place, fd, __ATOMIC_RELAXED));
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

static void command(const struct command *c, int fd, bool by_uring, uint64_t *state)
{
	uint32_t size = size_of(c->members), value32;
	char arg[256], *to = arg, *at = address(state);
	uint64_t value64;
	int ret;

	for (const char *m = c->members; *m; m++) {
		if (*m >= 'A' && *m <= 'Z') {
			value64 = number64(*m, state);
			memcpy(to, &value64, 8);
			to += 8;
		} else {
			value32 = number32(*m, size, c, state);
			memcpy(to, &value32, 4);
			to += 4;
		}
	}
	if ((uintptr_t)at - (uintptr_t)arena <= ARENA - size)
		memcpy(at, arg, size);
	ret = by_uring ? through_uring(fd, c->cmd, at, state) : ioctl(fd, c->cmd, at);
	if (ret > 2 && ret < 1000 && (_IOC_NR(c->cmd) < 0x11 || c->cmd == IPCX_QUEUE_TAP))
		keep_fd(ret, state);
}

static void other(int what, int fd, uint64_t *state)
{
	struct iovec v[2] = { { address(state), draw(state) % 300 }, { address(state), draw(state) % 9000 } };
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	char path[64], text[2000];
	int ret, pipes[2];
	void *map;

	switch (what) {
	case READ:
		ret = read(fd, address(state), draw(state) % 3 ? 8 : draw(state) % 9000);
		break;
	case WRITE:
		ret = write(fd, address(state), draw(state) % 3 ? 8 : draw(state) % 9000);
		break;
	case READV:
		ret = draw(state) % 2 ? readv(fd, v, 2) : writev(fd, v, 2);
		break;
	case POLL:
		poll(&p, 1, 0);
		break;
	case MMAP:
		map = mmap(NULL, PAGE * (1 + draw(state) % 3), PROT_READ | PROT_WRITE,
			   draw(state) % 3 ? MAP_SHARED : MAP_PRIVATE, fd, PAGE * (draw(state) % 3));
		if (map != MAP_FAILED) {
			/* beyond its end is SIGBUS, which ends this process */
			((volatile char *)map)[0] = 1;
			munmap(map, PAGE);
		}
		break;
	case DUP:
		keep_fd(dup(fd), state);
		break;
	case CLOSE:
		if (fd != fds[0])
			close(fd);
		break;
	case NONBLOCK:
		fcntl(fd, F_SETFL, draw(state) % 2 ? O_NONBLOCK : 0);
		break;
	case ASYNC:
		fcntl(fd, F_SETOWN, getpid());
		fcntl(fd, F_SETSIG, SIGURG);
		fcntl(fd, F_SETFL, draw(state) % 2 ? O_ASYNC : 0);
		break;
	case PEEK_LEN:
		ioctl(fd, FIONREAD, address(state));
		break;
	case SPLICE:
		if (!pipe(pipes)) {
			ret = splice(fd, NULL, pipes[1], NULL, draw(state) % 9000, SPLICE_F_NONBLOCK);
			ret = splice(pipes[0], NULL, fd, NULL, draw(state) % 9000, SPLICE_F_NONBLOCK);
			close(pipes[0]);
			close(pipes[1]);
		}
		break;
	case FDINFO:
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		ret = open(path, O_RDONLY);
		if (ret >= 0 && read(ret, text, sizeof(text)) < 0)
			break;
		close(ret);
		break;
	case FORK:
		if (!fork())
			_exit(0);
		break;
	}
	(void)ret;
}

static uint64_t *cover_begin(void);
static void cover_end(uint64_t *pcs);
static const struct input *running;

static int carry_out(void *arg)
{
	uint64_t *pcs = cover_begin();
	long thread = (long)arg;

	for (uint32_t i = 0; i < running->nr; i++) {
		const struct op *op = &running->ops[i];
		uint64_t state = op->seed * 2654435761u + 1;
		int fd = fds[op->fd % NR_FDS];

		if (op->thread % 2 != thread)
			continue;
		if (op->what % NR_WHATS < NR_COMMANDS)
			command(&commands[op->what % NR_WHATS],
				_IOC_NR(commands[op->what % NR_WHATS].cmd) < 0x10 ? fds[0] : fd, op->spare & 8, &state);
		else
			other(op->what % NR_WHATS, fd, &state);
	}
	cover_end(pcs);
	return 0;
}

/* Memory that changes under the kernel: names, lists and arguments as the others have put them there, a little different. */
static int scribble(void *arg)
{
	uint64_t state = (long)arg;

	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		volatile uint32_t *p = (uint32_t *)arena + draw(&state) % (3 * PAGE / sizeof(*p));

		*p = draw(&state) % 2 ? odd_number(&state) : *p + 1;
	}
	return 0;
}

static int run_input(void *arg)
{
	struct test_thread t[3];
	int i, made = 1;

	running = arg;
	signal(SIGURG, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	arena = mmap(NULL, ARENA + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(arena != MAP_FAILED);
	CHECK_SYS(munmap(arena + ARENA, PAGE));
	fds[0] = device();
	for (i = 1; i < NR_FDS; i++)
		fds[i] = -1;
	/* something of each kind is there */
	fds[made++] = ipcx_queue_create(NULL, NULL, NULL);
	fds[made++] = ipcx_sem_create(NULL, 1, 5, &(struct ipcx_options){ .flags = IPCX_SEM_ROBUST });
	fds[made++] = ipcx_event_create(NULL, 0, NULL);
	fds[made++] = ipcx_region_create(NULL, 2 * PAGE, NULL);
	fds[made++] = ipcx_stream_create(NULL, PAGE, NULL);
	fds[made++] = ipcx_wait_set_create(NULL);
	fds[made++] = ipcx_queue_create(NULL, NULL, &(struct ipcx_options){ .flags = IPCX_QUEUE_BROADCAST });
	fds[made++] = eventfd(0, 0);
	thread_start(&t[2], scribble, (void *)(long)(running->ops[0].spare % 4 ? running->ops[0].spare : 1));
	if (running->ops[0].spare % 4 == 0)
		__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	for (i = 0; i < 2; i++)
		thread_start(&t[i], carry_out, (void *)(long)i);
	for (i = 0; i < 2; i++)
		thread_join(&t[i]);
	return 0;
}

/* ---- what was reached ---- */

#define KCOV_INIT_TRACE	_IOR('c', 1, unsigned long)
#define KCOV_ENABLE	_IO('c', 100)
#define KCOV_DISABLE	_IO('c', 101)
#define COVER_WORDS	(64 << 10)
#define SEEN_BITS	16

static uint8_t *seen, *fresh;	/* by a hash of the address; shared with the processes */
static bool has_kcov;
static __thread int kcov = -1;

static uint64_t *cover_begin(void)
{
	uint64_t *pcs;

	if (!has_kcov)
		return NULL;
	kcov = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (kcov < 0 || ioctl(kcov, KCOV_INIT_TRACE, COVER_WORDS))
		return NULL;
	pcs = mmap(NULL, COVER_WORDS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, kcov, 0);
	if (pcs == MAP_FAILED || ioctl(kcov, KCOV_ENABLE, 0))
		return NULL;
	return pcs;
}

static void cover_end(uint64_t *pcs)
{
	if (!pcs)
		return;
	ioctl(kcov, KCOV_DISABLE, 0);
	for (uint64_t i = 1; i <= pcs[0] && i < COVER_WORDS; i++) {
		/* only where modules are: the rest of the kernel is not what is looked for */
		if (pcs[i] >= 0xffffffffa0000000ull)
			fresh[pcs[i] * 0x9e3779b97f4a7c15ull >> (64 - SEEN_BITS)] = 1;
	}
}

/* Was something new reached? */
static unsigned int count_fresh(void)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < 1u << SEEN_BITS; i++) {
		nr += fresh[i] && !seen[i];
		seen[i] |= fresh[i];
		fresh[i] = 0;
	}
	return nr;
}

/* ---- inputs ---- */

static struct input kept[MAX_KEPT];
static unsigned int nr_kept;

static void random_op(struct op *op)
{
	op->what = test_random_below(NR_WHATS);
	op->fd = test_random_below(NR_FDS);
	op->thread = test_random_below(4) == 0;
	op->spare = test_random();
	op->seed = test_random();
}

static void make_input(struct input *in)
{
	unsigned int i;

	if (nr_kept && test_random_below(5)) {
		*in = kept[test_random_below(nr_kept)];
		for (i = 1 + test_random_below(4); i; i--) {
			struct op *op = &in->ops[test_random_below(in->nr)];

			switch (test_random_below(6)) {
			case 0:
				op->seed = test_random();
				break;
			case 1:
				op->fd = test_random_below(NR_FDS);
				break;
			case 2:
				if (in->nr < MAX_OPS)
					random_op(&in->ops[in->nr++]);
				break;
			case 3:
				op->thread ^= 1;
				break;
			case 4: {
				const struct input *from = &kept[test_random_below(nr_kept)];

				*op = from->ops[test_random_below(from->nr)];
				break;
			}
			default:
				random_op(op);
				break;
			}
		}
		return;
	}
	in->nr = 2 + test_random_below(MAX_OPS - 2);
	for (i = 0; i < in->nr; i++)
		random_op(&in->ops[i]);
}

#define TEXT_LEN	(MAX_OPS * 16 + 1)

static void print(char *text, const struct input *in)
{
	for (unsigned int i = 0; i < in->nr; i++)
		snprintf(text + i * 16, 17, "%02x%02x%02x%02x%08x", in->ops[i].what, in->ops[i].fd, in->ops[i].thread,
			 in->ops[i].spare, in->ops[i].seed);
}

static void show(const char *what, const struct input *in)
{
	char text[TEXT_LEN];

	print(text, in);
	NOTE("%s %s", what, text);
}

#define TRACING	"/sys/kernel/tracing/"
#define ON_OOPS	"/proc/sys/kernel/ftrace_dump_on_oops"
#define MAX_TOLD	16

static int marker = -1;		/* of the kernel's trace, which it prints when it dies */
static unsigned long old_size;

/* Only in the machine: the whole kernel's trace becomes as small as it can be, for all of it is printed. */
static void open_marker(void)
{
	char buf[4096];

	read_text("/proc/cmdline", buf, sizeof(buf));
	if (!strstr(buf, "vm_mode=") || access(ON_OOPS, W_OK) ||
	    (access(TRACING "trace_marker", W_OK) && mount("tracefs", TRACING, "tracefs", 0, NULL)))
		return;
	marker = CHECK_SYS(open(TRACING "trace_marker", O_WRONLY | O_CLOEXEC));
	/* "7 (expanded: 1408)" as long as nobody has used it */
	read_text(TRACING "buffer_size_kb", buf, sizeof(buf));
	old_size = strtoul(strchr(buf, ':') ? strchr(buf, ':') + 1 : buf, NULL, 10);
	write_text(TRACING "buffer_size_kb", "4");
	write_text(ON_OOPS, "1");
}

static void close_marker(void)
{
	char text[32];

	if (marker < 0)
		return;
	write_text(ON_OOPS, "0");
	snprintf(text, sizeof(text), "%lu", old_size);
	write_text(TRACING "buffer_size_kb", text);
	CHECK_SYS(close(marker));
}

/* What comes next: if the kernel does not survive it, it is the last one that the kernel prints. */
static void tell(const struct input *in)
{
	static unsigned int nr;
	char text[TEXT_LEN];

	if (marker < 0)
		return;
	/* a few are enough, and leave room for the oops at the end of the console */
	if (nr++ % MAX_TOLD == 0)
		CHECK_SYS(close(CHECK_SYS(open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC))));
	print(text, in);
	CHECK_EQ(write(marker, text, strlen(text)), strlen(text));
}

static void read_corpus(const char *path)
{
	char line[MAX_OPS * 16 + 2];
	FILE *f = path ? fopen(path, "re") : NULL;

	while (f && nr_kept < MAX_KEPT && fgets(line, sizeof(line), f)) {
		struct input *in = &kept[nr_kept];
		unsigned int a, b, c, d, e;

		for (in->nr = 0; in->nr < MAX_OPS && sscanf(line + in->nr * 16, "%2x%2x%2x%2x%8x", &a, &b, &c, &d, &e) == 5;)
			in->ops[in->nr++] = (struct op){ a, b, c, d, e };
		nr_kept += in->nr > 0;
	}
	if (f)
		fclose(f);
}

static void write_corpus(const char *path)
{
	FILE *f = path ? fopen(path, "we") : NULL;
	char text[TEXT_LEN];

	for (unsigned int i = 0; f && i < nr_kept; i++) {
		print(text, &kept[i]);
		fprintf(f, "%s\n", text);
	}
	if (f)
		CHECK_EQ(fclose(f), 0);
}

static uint64_t charged(void)
{
	struct ipcx_query query;

	CHECK_OK(ipcx_query(&query));
	return query.user_bytes_used;
}

static int kmsg = -1;		/* the kernel's log, read to its end */

/* Has the kernel reported something since it was last asked?  Some it reports once only. */
static bool kernel_reports(void)
{
	static const char *const reports[] = { "BUG: ", "WARNING: ", "UBSAN: ", "INFO: ", "general protection", "refcount_t: " };
	char record[8192];
	bool found = false;
	ssize_t len;

	while (kmsg >= 0 && ((len = read(kmsg, record, sizeof(record) - 1)) > 0 || errno == EPIPE)) {
		if (len <= 0)
			continue;	/* it was overtaken */
		record[len] = '\0';
		/* of data races the kernel has others */
		if (strstr(record, "KCSAN") && !strstr(record, "ipcx"))
			continue;
		for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
			found |= strstr(record, reports[i]) != NULL;
	}
	return found;
}

/* Carries it out, kills what is left after a while, and removes the names; false if something stays charged, or is reported. */
static bool is_harmless(struct input *in)
{
	uint64_t before = charged(), end;
	struct ipcx_list_entry named;
	pid_t pid;

	tell(in);
	pid = spawn(run_input, in);
	end = test_now_ns() + 20000000ull * test_slowness;
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (test_now_ns() > end) {
			CHECK_SYS(kill(pid, SIGKILL));
			CHECK_SYS(waitpid(pid, NULL, 0));
			break;
		}
		sched_yield();
	}
	/* whatever they are called: the name may have been rewritten before the kernel read it */
	while (ipcx_list(NULL, &named, 1) == 1)
		CHECK_OK(ipcx_unlink(named.name));
	end = test_now_ns() + 5000000000ull * test_slowness;
	while (charged() != before && test_now_ns() < end)
		test_pause_ms(1);
	return charged() == before && !kernel_reports();
}

/* Takes out what is not needed for it to do harm. */
static void minimise(struct input *in)
{
	for (unsigned int i = 0; i < in->nr && in->nr > 1;) {
		struct input less = *in;

		memmove(&less.ops[i], &less.ops[i + 1], (less.nr - i - 1) * sizeof(less.ops[0]));
		less.nr--;
		if (is_harmless(&less))
			i++;
		else
			*in = less;
	}
}

TEST_LIMIT(sequences, LIMIT_MS)
{
	const char *length = getenv("IPCX_FUZZ_SECONDS"), *corpus = getenv("IPCX_FUZZ_CORPUS");
	uint64_t start = test_now_ns(), end = start + (length ? strtoul(length, NULL, 10) : 8) * 1000000000ull, told = start;
	unsigned int runs = 0, reached = 0, i = 0;
	struct input in;

	own_names();
	open_marker();
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg >= 0)
		CHECK_SYS(lseek(kmsg, 0, SEEK_END));
	test_random();
	has_kcov = !access("/sys/kernel/debug/kcov", F_OK) ||
		   (!mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL) && !access("/sys/kernel/debug/kcov", F_OK));
	seen = mmap(NULL, 2 << SEEN_BITS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(seen != MAP_FAILED);
	fresh = seen + (1 << SEEN_BITS);
	read_corpus(corpus ? corpus : CORPUS);
	names = nr_kept;
	while (test_now_ns() < end) {
		unsigned int nr;

		/* first those that are there already */
		if (i < (unsigned int)names)
			in = kept[i++];
		else
			make_input(&in);
		if (!is_harmless(&in)) {
			minimise(&in);
			show("harm is done by", &in);
			FAIL("%llu bytes are charged, or the kernel has reported something", (unsigned long long)charged());
		}
		runs++;
		nr = count_fresh();
		reached += nr;
		if (nr && i >= (unsigned int)names && nr_kept < MAX_KEPT)
			kept[nr_kept++] = in;
		if (test_now_ns() - told > 60000000000ull) {
			told = test_now_ns();
			NOTE("%u sequences, %u kept, %u places reached", runs, nr_kept, reached);
		}
	}
	NOTE("%u sequences, %u kept, %u places reached%s", runs, nr_kept, reached, has_kcov ? "" : " (no kcov)");
	write_corpus(corpus);
	close_marker();
	CHECK_GT(runs, 0);
}
