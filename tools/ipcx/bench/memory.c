// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench --memory: what an object and a message in it take of the kernel's memory: what the
 * quota is charged (IPCX_STAT), and what is really gone, by making many and looking at /proc/meminfo
 * before and after.  The rest of the machine should be quiet.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <ipcx.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NR_OBJECTS	8192U
#define NR_MESSAGES	65000U		/* fewer of large ones: ... */
#define MESSAGE_BYTES	(12UL << 20)
#define REGION_LEN	4096UL
#define LIMIT_S		60

static const size_t sizes[] = { 64, 1024, 4096, 65536 };

/**
 * struct object_kind - one kind of object
 * @create: makes one, and leaves it open; its descriptor (any of them), or -errno
 */
struct object_kind {
	const char *name;
	int (*create)(void);
};

/**
 * struct result - one figure, in memory that the measuring process shares
 * @bytes: that are gone, for each
 * @charged: to the quota, for each; -1 if there is no quota
 */
struct result {
	int ret;
	double bytes;
	double charged;
	unsigned int nr;
	char why[WHY_LEN];
};

static int make_queue(void)
{
	return ipcx_queue_create(NULL, NULL, NULL);
}

static int make_region(void)
{
	return ipcx_region_create(NULL, REGION_LEN, NULL);
}

static int make_sem(void)
{
	return ipcx_sem_create(NULL, 0, 0, NULL);
}

static int make_event(void)
{
	return ipcx_event_create(NULL, 0, NULL);
}

static int make_stream(void)
{
	int ends[2], ret = ipcx_stream_pipe(ends, 0);

	return ret ? ret : ends[0];
}

static int make_pipe(void)
{
	int ends[2];

	return pipe2(ends, O_CLOEXEC) ? -errno : ends[0];
}

static int make_sockets(void)
{
	int sv[2];

	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) ? -errno : sv[0];
}

static int make_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int make_memfd(void)
{
	int fd = memfd_create("ipcx-bench", MFD_CLOEXEC);

	return fd < 0 || ftruncate(fd, REGION_LEN) ? -errno : fd;
}

static const struct object_kind kinds[] = {
	{ "ipcx_queue", make_queue }, { "ipcx_region", make_region }, { "ipcx_sem", make_sem },
	{ "ipcx_event", make_event }, { "ipcx_stream", make_stream }, { "pipe", make_pipe },
	{ "unix_seqpacket", make_sockets }, { "eventfd", make_eventfd }, { "memfd", make_memfd },
};

/* The sum of what @format reads from the lines of @path. */
static double sum_of(const char *path, const char *format)
{
	FILE *f = fopen(path, "re");
	char line[256];
	double sum = 0;
	long n;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, format, &n) == 1)
			sum += n;
	if (f)
		fclose(f);
	return sum;
}

/* Bytes that nobody uses, those among them that processors keep at hand. */
static double mem_free(void)
{
	return 1024 * sum_of("/proc/meminfo", "MemFree: %ld kB") +
		sysconf(_SC_PAGESIZE) * sum_of("/proc/zoneinfo", " count: %ld");
}

static double charged(int fd)
{
	struct ipcx_stat stat = { .size = sizeof(stat) };

	return ipcx_stat(fd, &stat) ? -1 : (double)stat.charged;
}

static void measure_objects(const struct object_kind *kind, struct result *r)
{
	double before, per_object = -1;

	before = mem_free();
	for (r->nr = 0; r->nr < NR_OBJECTS; r->nr++) {
		int fd = kind->create();

		if (fd < 0) {
			r->ret = fd;
			return;
		}
		if (!r->nr)
			per_object = charged(fd);
	}
	r->bytes = (before - mem_free()) / r->nr;
	r->charged = per_object;
}

/* The link of a deep queue, filled. */
static void measure_messages(const struct mechanism *mech, size_t len, struct turn *turn,
			     struct result *r)
{
	size_t nr = MESSAGE_BYTES / len < NR_MESSAGES ? MESSAGE_BYTES / len : NR_MESSAGES;
	struct link l = { .mech = mech, .bcase = CASE_DEPTH, .len = len, .nr = nr, .capacity = nr + 1,
			  .warm = true, .fd = { -1, -1, -1, -1 }, .turn = turn };
	double before, charged_before;

	l.tx = calloc(1, len + HEADROOM);
	l.rx = calloc(1, len + HEADROOM);
	r->ret = l.tx && l.rx ? 0 : -ENOMEM;
	if (r->ret)
		return;
	l.tx += HEADROOM;
	l.rx += HEADROOM;
	before = mem_free();
	r->ret = mech->setup(&l);
	charged_before = strncmp(mech->name, "ipcx_", 5) ? -1 : charged(l.fd[0]);
	for (r->nr = 0; !r->ret && r->nr < nr; r->nr++)
		r->ret = mech->send(&l, 0, l.tx, l.len);
	if (r->ret)
		return;
	r->bytes = (before - mem_free()) / r->nr;
	r->charged = charged_before < 0 ? -1 : (charged(l.fd[0]) - charged_before) / r->nr;
}

/*
 * The processes that hold what has been measured, until all has been: memory that one gives back
 * would be used by the next without a trace.
 */
static struct {
	pid_t pid[64];
	unsigned int nr;
} holders;

static void release(struct turn *turn)
{
	while (holders.nr) {
		pid_t pid = holders.pid[--holders.nr];

		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	turn_remove_ids(turn);
}

/* In a process of its own, which stays. */
static int measure(const struct object_kind *kind, const struct mechanism *mech, size_t len,
		   struct turn *turn, struct result *r)
{
	pid_t parent = getpid(), pid;
	struct rlimit limit;
	int done[2];
	char byte;

	memset(r, 0, sizeof(*r));
	r->ret = -ECHILD;
	turn->why[0] = '\0';
	atomic_store(&turn->outcome, OUTCOME_NONE);
	if (holders.nr == ARRAY_SIZE(holders.pid))
		return -E2BIG;
	if (pipe2(done, O_CLOEXEC))
		return -errno;
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		sigset_t none;

		close(done[0]);
		signal(SIGTERM, SIG_DFL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		if (getppid() != parent)
			_exit(1);
		alarm(LIMIT_S);
		if (!getrlimit(RLIMIT_NOFILE, &limit)) {
			limit.rlim_cur = limit.rlim_max;
			setrlimit(RLIMIT_NOFILE, &limit);
		}
		r->ret = 0;
		if (kind)
			measure_objects(kind, r);
		else
			measure_messages(mech, len, turn, r);
		alarm(0);
		if (write(done[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	holders.pid[holders.nr++] = pid;
	close(done[1]);
	if (read(done[0], &byte, 1) != 1)
		r->ret = -ECHILD;
	close(done[0]);
	if (atomic_load(&turn->outcome) == OUTCOME_SKIPPED)
		snprintf(r->why, sizeof(r->why), "%s", turn->why);
	else if (r->ret)
		snprintf(r->why, sizeof(r->why), "%s", strerror(-r->ret));
	return 0;
}

static void print_bytes(FILE *out, const struct result *r, bool markdown)
{
	char text[32] = "-";

	if (!r->ret && r->charged >= 0)
		snprintf(text, sizeof(text), "%.0f / %.0f", r->bytes, r->charged);
	else if (!r->ret)
		snprintf(text, sizeof(text), "%.0f", r->bytes);
	fprintf(out, markdown ? " %s |" : " %15s", text);
}

static void print_name(FILE *out, const char *name, bool markdown)
{
	if (!markdown)
		fprintf(out, "  %-16s", name);
	else
		fprintf(out, strncmp(name, "ipcx_", 5) ? "| `%s` |" : "| **`%s`** |", name);
}

static void json_row(FILE *out, const char *what, const char *name, size_t len, const struct result *r,
		     const struct machine *m, const char **comma)
{
	if (r->ret)
		return;
	fprintf(out, "%s\n{\"case\": \"%s\", \"mechanism\": \"%s\", \"size\": %zu, \"n\": %u, "
		"\"placement\": \"one_cpu\", \"bytes\": %.1f, ", *comma, what, name, len, r->nr, r->bytes);
	if (r->charged >= 0)
		fprintf(out, "\"charged\": %.1f, ", r->charged);
	json_machine(out, m);
	fprintf(out, "}");
	*comma = ",";
}

/*
 * Measure all, and print tables to @out (in Markdown if so), or to @json what they hold.  Either may
 * be NULL.
 */
int memory_report(FILE *out, FILE *json, bool markdown, const struct machine *m, struct turn *turn)
{
	const char *comma = "";
	struct result *r = shared_pages(sizeof(*r));
	const struct mechanism *mech;
	char why[2048] = "";
	int ret = r ? 0 : -ENOMEM;

	turn->ids.nr = 0;
	if (json)
		fprintf(json, "[");
	if (out && markdown)
		fprintf(out, "| an open object, empty | bytes / charged to the quota |\n|---|---:|\n");
	else if (out)
		fprintf(out, "memory, an open object, empty: bytes / charged to the quota\n");
	for (size_t k = 0; !ret && k < ARRAY_SIZE(kinds); k++) {
		ret = measure(&kinds[k], NULL, 0, turn, r);
		if (json)
			json_row(json, "object", kinds[k].name, 0, r, m, &comma);
		if (r->ret)
			snprintf(why + strlen(why), sizeof(why) - strlen(why), "  %s: %s\n",
				 kinds[k].name, r->why);
		if (!out || r->ret)
			continue;
		print_name(out, kinds[k].name, markdown);
		print_bytes(out, r, markdown);
		fputc('\n', out);
	}
	if (out) {
		char buf[16];

		fprintf(out, markdown ? "\n| a message in the queue |" :
			"\nmemory, a message in the queue: bytes / charged to the quota\n  %-16s", "");
		for (size_t s = 0; s < ARRAY_SIZE(sizes); s++)
			fprintf(out, markdown ? " %s |" : " %15s", size_name(sizes[s], buf, sizeof(buf)));
		fprintf(out, markdown ? "\n|---|---:|---:|---:|---:|\n" : "\n");
	}
	for (size_t i = 0; !ret && (mech = mechanism_at(i)); i++) {
		if (!(mech->cases & CASE_BIT(CASE_DEPTH)) || mech->order != ORDER_FIFO)
			continue;
		if (out)
			print_name(out, mech->name, markdown);
		for (size_t s = 0; !ret && s < ARRAY_SIZE(sizes); s++) {
			ret = measure(NULL, mech, sizes[s], turn, r);
			if (json)
				json_row(json, "message", mech->name, sizes[s], r, m, &comma);
			if (r->ret)
				snprintf(why + strlen(why), sizeof(why) - strlen(why), "  %s: %s\n",
					 mech->name, r->why);
			if (out)
				print_bytes(out, r, markdown);
		}
		if (out)
			fputc('\n', out);
	}
	release(turn);
	if (json)
		fprintf(json, "\n]\n");
	if (out && why[0] && !markdown)
		fprintf(out, "\nNot measured:\n%s", why);
	if ((out && (fflush(out) || ferror(out))) || (json && (fflush(json) || ferror(json))))
		ret = ret ?: -EIO;
	return ret;
}
