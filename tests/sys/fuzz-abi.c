// SPDX-License-Identifier: GPL-2.0
/*
 * A fuzzer of the ABI: sequences of commands and system calls with arguments that nearly make sense, by several threads, in
 * memory that another one may rewrite meanwhile; every second one by an ordinary user with a small quota.  Where the kernel
 * tells which code was executed (kcov), sequences that reached something new are kept, and varied; otherwise those where a
 * step succeeded for the first time.  After each, the process is killed, nothing may be charged for it any more, and the
 * kernel may have reported nothing.  If this fails, some argument makes the module leak, crash or hang.
 *
 * Those of tests/sys/fuzz-abi.corpus are tried first: a line of hexadecimal digits each.  Instead, IPCX_FUZZ_CORPUS says of
 * what file, and what is kept or does harm is printed at once, for this machine may not live long; IPCX_FUZZ_SECONDS, for
 * how long new ones are tried; IPCX_FUZZ_TIMES, how often each of the file is, and none is made shorter then.  Each is
 * written to the kernel's trace before it begins.  make fuzz uses all this: tests/fuzz-abi.
 * timeout: 120
 */
#include "fuzz-steps.h"

#include <sys/mount.h>

#define MAX_KEPT	400
#define MAX_QUOTA	40	/* KiB; what is there at the beginning takes 7 */
#define CORPUS		"/ipcx/tests/sys/fuzz-abi.corpus"
#define LIMIT_MS	(3600 * 1000 * 3)

/* ---- inputs ---- */

static struct input kept[MAX_KEPT];
static unsigned int nr_kept, nr_given;

static void random_op(struct op *op)
{
	op->what = test_random_below(NR_STEPS);
	op->fd = test_random_below(NR_FDS);
	op->thread = (test_random_below(4) == 0) | (test_random_below(2) ? APT : 0);
	op->spare = test_random();
	op->seed = test_random();
}

static void make_input(struct input *in)
{
	static bool by_root;
	unsigned int i;

	by_root = !by_root;
	if (nr_kept && test_random_below(5)) {
		*in = kept[test_random_below(nr_kept)];
		in->quota = by_root ? 0 : 1 + test_random_below(MAX_QUOTA);
		for (i = 1 + test_random_below(4); i; i--) {
			struct op *op = &in->ops[test_random_below(in->nr)];

			switch (test_random_below(7)) {
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
			case 5:
				in->scribble = test_random_below(4);
				break;
			default:
				random_op(op);
				break;
			}
		}
		return;
	}
	in->quota = by_root ? 0 : 1 + test_random_below(MAX_QUOTA);
	in->scribble = test_random_below(4);
	in->nr = 2 + test_random_below(MAX_OPS - 2);
	for (i = 0; i < in->nr; i++)
		random_op(&in->ops[i]);
}

/* A line: first what concerns the whole sequence, as if it were a step of number 0xff; old lines have none. */
#define WHOLE		0xff
#define TEXT_LEN	(MAX_OPS * 16 + 17)

static void print(char *text, const struct input *in)
{
	text += snprintf(text, 17, "%02x%02x%02x%010x", WHOLE, in->quota, in->scribble, 0);
	for (unsigned int i = 0; i < in->nr; i++)
		text += snprintf(text, 17, "%02x%02x%02x%02x%08x", in->ops[i].what, in->ops[i].fd, in->ops[i].thread,
				 in->ops[i].spare, in->ops[i].seed);
}

static void show(const char *what, const struct input *in)
{
	char text[TEXT_LEN];

	print(text, in);
	NOTE("%s %s", what, text);
}

static bool parse(const char *line, struct input *in)
{
	unsigned int a, b, c, d, e, n;
	bool whole = false;

	*in = (struct input){ 0 };
	for (; sscanf(line, "%2x%2x%2x%2x%8x%n", &a, &b, &c, &d, &e, &n) == 5 && n == 16; line += n) {
		if (a == WHOLE && !in->nr) {
			whole = true;
			in->quota = b;
			in->scribble = c;
		} else if (a < NR_STEPS && in->nr < MAX_OPS) {
			in->ops[in->nr++] = (struct op){ a, b, c, d, e };
		} else {
			return false;
		}
	}
	if (!whole)
		in->scribble = in->ops[0].spare % 4;
	return in->nr && *line == '\n';
}

static void read_corpus(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[TEXT_LEN + 1];

	while (f && nr_kept < MAX_KEPT && fgets(line, sizeof(line), f)) {
		if (!parse(line, &kept[nr_kept++]))
			FAIL("line %u of %s is no sequence", nr_kept, path);
	}
	if (f)
		fclose(f);
	nr_given = nr_kept;
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

/* By root and the ordinary user. */
static uint64_t charged(void)
{
	struct ipcx_query root, user;

	CHECK_OK(ipcx_query(&root));
	setfsuid(TEST_UID_ALICE);
	CHECK_OK(ipcx_query(&user));
	setfsuid(0);
	return root.user_bytes_used + user.user_bytes_used;
}

#define QUOTA	"/sys/module/ipcx/parameters/user_bytes"

static char old_quota[32];

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
		for (size_t i = 0; i < NR(reports); i++)
			found |= strstr(record, reports[i]) != NULL;
	}
	return found;
}

static bool is_asleep(pid_t pid, pid_t tid)
{
	char path[64], text[512] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return strstr(text, ") S ");
}

/*
 * Lets a sequence run.  Whenever all that is left of it waits, a signal ends the waiting; after
 * @nudges of these it is killed while it waits, as is what does not come to its end.
 */
static void see_through(pid_t pid, unsigned int nudges)
{
	uint64_t end = test_now_ns() + 1000000000ull * test_slowness;	/* to begin; a busy machine takes long for that */
	bool begun = false;
	uint32_t steps[2] = { 0 };
	bool slept[2] = { false };

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		unsigned int waiting = 0, left = 0;

		test_pause_ms(1);
		for (int i = 0; i < 2; i++) {
			pid_t tid = progress[i].tid;
			bool sleeps = tid && is_asleep(pid, tid);

			left += tid != 0;
			waiting += sleeps && slept[i] && steps[i] == progress[i].steps;
			slept[i] = sleeps;
			steps[i] = progress[i].steps;
		}
		if (left && !begun) {
			begun = true;
			end = test_now_ns() + 20000000ull * test_slowness;
		}
		if (left && waiting == left && nudges) {
			nudges--;
			for (int i = 0; i < 2; i++) {
				if (progress[i].tid)
					syscall(SYS_tgkill, pid, progress[i].tid, SIGUSR1);
				slept[i] = false;
			}
		} else if ((left && waiting == left) || test_now_ns() > end) {
			CHECK_SYS(kill(pid, SIGKILL));
			CHECK_SYS(waitpid(pid, NULL, 0));
			break;
		}
	}
}

/* Carries it out, kills what is left of it, and removes the names; false if something stays charged, or is reported. */
static bool is_harmless(struct input *in)
{
	uint64_t before = charged(), end;
	struct ipcx_list_entry named;
	char text[16];
	pid_t pid;

	tell(in);
	memset((void *)progress, 0, 2 * sizeof(*progress));
	if (in->quota) {
		snprintf(text, sizeof(text), "%u", in->quota * 1024);
		write_text(QUOTA, text);
	}
	pid = spawn(run_input, in);
	see_through(pid, in->ops[0].seed % 16);
	if (in->quota)
		write_text(QUOTA, old_quota);
	/* whatever they are called: the name may have been rewritten before the kernel read it */
	while (ipcx_list(NULL, &named, 1) == 1)
		CHECK_OK(ipcx_unlink(named.name));
	end = test_now_ns() + 5000000000ull * test_slowness;
	while (charged() != before && test_now_ns() < end)
		test_pause_ms(1);
	return charged() == before && !kernel_reports();
}

/* Is harm done once more?  What the kernel warns of once only it may warn of again. */
static bool does_harm(struct input *in)
{
	int fd = open("/sys/kernel/debug/clear_warn_once", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		CHECK_EQ(write(fd, "1", 1), 1);
		close(fd);
	}
	return !is_harmless(in);
}

/* Takes out what is not needed for it to do harm; false if it does none now. */
static bool minimise(struct input *in)
{
	struct input less = *in;

	if (!does_harm(&less))
		return false;
	for (unsigned int i = 0; i < in->nr && in->nr > 1;) {
		less = *in;
		memmove(&less.ops[i], &less.ops[i + 1], (less.nr - i - 1) * sizeof(less.ops[0]));
		less.nr--;
		if (does_harm(&less))
			*in = less;
		else
			i++;
	}
	for (int i = 0; i < 3; i++) {
		less = *in;
		if (i == 0)
			less.scribble = 0;
		else if (i == 1)
			less.quota = 0;
		else for (unsigned int j = 0; j < less.nr; j++)
			less.ops[j].thread &= APT;
		if (memcmp(&less, in, sizeof(less)) && does_harm(&less))
			*in = less;
	}
	return true;
}

/* ---- the cases ---- */

static unsigned long times;
static unsigned int runs, reached;

/* True if it reached something new. */
static bool try_out(struct input *in)
{
	unsigned int nr;

	runs++;
	if (!is_harmless(in)) {
		show("found:", in);
		if (!times && !minimise(in))
			NOTE("it does no harm when it is repeated: tests/fuzz-abi/minimise takes a machine for each try");
		show("harm is done by", in);
		FAIL("%llu bytes are charged, or the kernel has reported something", (unsigned long long)charged());
	}
	nr = count_fresh();
	reached += nr;
	return nr;
}

static unsigned long number_of(const char *name, unsigned long otherwise)
{
	return getenv(name) ? strtoul(getenv(name), NULL, 10) : otherwise;
}

/* Steps whose arguments are never right are of little use. */
static void show_tally(void)
{
	char text[NR_STEPS * 32], *to = text;

	for (size_t i = 0; i < NR_STEPS; i++)
		to += snprintf(to, 32, " %02zx:%u/%u", i, tally[i].succeeded, tally[i].begun);
	NOTE("steps that succeeded:%s", text);
}

TEST_LIMIT(sequences, LIMIT_MS)
{
	uint64_t start = test_now_ns(), end, told = start, replayed;
	const char *corpus = getenv("IPCX_FUZZ_CORPUS");
	struct input in;

	own_names();
	read_text(QUOTA, old_quota, sizeof(old_quota));
	open_marker();
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg >= 0)
		CHECK_SYS(lseek(kmsg, 0, SEEK_END));
	test_random();
	if (access("/sys/kernel/debug/kcov", F_OK))
		mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	open_kcov();
	progress = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(progress != MAP_FAILED);
	tally = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(tally != MAP_FAILED);
	times = number_of("IPCX_FUZZ_TIMES", 0);
	read_corpus(corpus ? corpus : CORPUS);
	CHECK_GT(nr_kept, 0);
	NOTE("%u sequences of %s", nr_given, corpus ? corpus : CORPUS);
	for (unsigned int i = 0; i < nr_given; i++)
		for (unsigned long n = 0; n < (times ?: 1); n++) {
			in = kept[i];
			if (try_out(&in) && corpus)
				show("kept:", &in);
		}
	replayed = test_now_ns();
	NOTE("%u places reached in %.1f s", reached, (replayed - start) / 1e9);
	/* eight seconds in all, and one at least for new ones, however long those that are there have taken */
	end = replayed + 1000000000ull * test_slowness;
	if (end < start + 8000000000ull * test_slowness)
		end = start + 8000000000ull * test_slowness;
	if (getenv("IPCX_FUZZ_SECONDS"))
		end = replayed + number_of("IPCX_FUZZ_SECONDS", 0) * 1000000000ull;
	while (test_now_ns() < end) {
		make_input(&in);
		if (try_out(&in) && nr_kept < MAX_KEPT) {
			kept[nr_kept++] = in;
			if (corpus)
				show("kept:", &in);
		}
		if (test_now_ns() - told > 60000000000ull) {
			told = test_now_ns();
			NOTE("%u sequences, %u kept, %u places reached", runs, nr_kept, reached);
		}
	}
	NOTE("%u sequences, %u kept, %u places reached%s", runs, nr_kept, reached, kcovs[1] < 0 ? " (no kcov)" : "");
	show_tally();
	close_marker();
}

/* The module is asked which commands it knows, on each kind of object: they fail for want of an argument. */
TEST(no_command_is_forgotten)
{
	bool known[256] = { false };
	size_t i;

	own_names();
	make_objects();
	for (int on = 0; on < NR_OBJECTS; on++)
		for (int nr = 0; nr < 256; nr++)
			known[nr] |= call(fds[on], _IOC(3, IPCX_IOC_TYPE, nr, 8), NULL) != -ENOTTY;
	for (int nr = 0; nr < 256; nr++) {
		for (i = 0; i < NR_STEPS && (!steps[i].members || _IOC_NR(steps[i].cmd) != (unsigned int)nr); i++)
			;
		if (known[nr] != (i < NR_STEPS))
			FAIL("command %#x: %s", nr, known[nr] ? "no step has it" : "the module does not know it");
	}
	for (i = 0; i < NR_STEPS; i++)
		for (const char *m = steps[i].members; m && *m; m++) {
			/* as command() reads them */
			if (*m >= 'A' && *m <= 'Z')
				CHECK_EQ(*++m, '.');
			else
				CHECK(*m == '0' || (*m >= 'a' && *m <= 'z'));
		}
}
