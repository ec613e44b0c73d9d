/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operations whose allocations and user copies are failed one by one: the 1st, the 2nd, and so on until none is left
 * to fail.  A row of a table says what an operation needs and does; sweep() does the rest:
 *
 *	for each n: make objects, prepare, look, fail the nth, run
 *		it failed: with ENOMEM or EFAULT, all looks as before, and it works now
 *		it did not: it has done all that it should
 *		in the end nothing is charged
 *
 * What is lost for ever the machine finds at its end, through kmemleak.
 */
#ifndef FAULT_H
#define FAULT_H

#include "module.h"

#include <ipcx-uring.h>
#include <sys/utsname.h>

/* What an operation is done on; BROADCAST has a table of commands of its own. */
enum on { DEVICE, QUEUE, BROADCAST, REGION, SEM, EVENT, STREAM, WAIT_SET, NR_ON };

static const char *const on_names[NR_ON] = {
	"device", "queue", "broadcast", "region", "sem", "event", "stream", "wait set",
};

#define BIT(n)		(1u << (n))
#define OBJECTS		(BIT(NR_ON) - BIT(QUEUE))
#define NO_COMMAND	(-1)

/**
 * struct row - one operation
 * @label: what it is called in a failure
 * @cmd: the command, or NO_COMMAND for a system call
 * @on: bits of enum on: it is done on each of these
 * @needs: further objects
 * @flags: ROW_*
 * @prepare: before the look; may be NULL
 * @run: the one system call, on fds[target]: its result or -errno
 * @check: what success has to look like; NULL if that is no more than a result that is not an error
 */
struct row {
	const char *label;
	long cmd;
	unsigned int on;
	unsigned int needs;
	unsigned int flags;
	void (*prepare)(void);
	long (*run)(void);
	void (*check)(long ret);
};

#define ROW_MAY_REFUSE	BIT(0)	/* some kinds say EOPNOTSUPP, or EINVAL (poll is not for all), whatever fails */
#define ROW_LOSES	BIT(1)	/* it has an effect that stays even if it fails then: @check alone tells what */
#define ROW_MMAP	BIT(2)	/* memory of the region may have been allocated */
#define ROW_GIVES_BACK	BIT(4)	/* a broadcast queue does not count what comes back to a subscriber (ipcx_queue.h) */
#define ROW_WAITS	BIT(5)	/* it waits for another thread, and is not done in this task through io_uring */
#define ROW_KEEPS	BIT(3)	/* memory may stay with the object for the next one, and be charged */

static int fds[NR_ON];
static enum on target;

/* Where it failed, for the text of a failure. */
static char place[128];

/* The door through which commands of objects go: io_uring, or ioctl(2) if it is NULL. */
static struct io_uring *ring;

/* A page for the argument that the kernel cannot write to, or NULL. */
static void *read_only;

/* A command: its result or -errno. */
static long command(int fd, unsigned long cmd, void *arg)
{
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	long ret;

	if (read_only) {
		memcpy(read_only, arg, _IOC_SIZE(cmd));
		CHECK_SYS(mprotect(read_only, PAGE, PROT_READ));
		ret = call(fd, cmd, read_only);
		CHECK_SYS(mprotect(read_only, PAGE, PROT_READ | PROT_WRITE));
		return ret;
	}
	if (!ring)
		return call(fd, cmd, arg);
	sqe = io_uring_get_sqe(ring);
	CHECK(sqe);
	ipcx_uring_prep_command(sqe, fd, cmd, arg);
	/* a failure of io_uring's own leaves the request where it is */
	while (io_uring_submit(ring) < 1)
		;
	CHECK_OK(io_uring_wait_cqe(ring, &cqe));
	ret = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return ret;
}

static int fail_nth_fd = -1;

/* For kernels without one of their own (tests/fail-nth). */
#define FAIL_NTH	"/vm/ipcx-fail-nth.ko"

static volatile int nr_busy;
static volatile bool unloaded;

/* Runs on processor @arg, and little else does: on a real-time kernel, RCU's threads have to, which have this priority. */
static void *keeps_busy(void *arg)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((long)arg, &set);
	sched_setaffinity(0, sizeof(set), &set);
	sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ 1 });
	__atomic_fetch_add(&nr_busy, 1, __ATOMIC_SEQ_CST);
	while (!unloaded)
		sched_yield();
	return arg;
}

/*
 * Its probes go while no other processor comes to them: QEMU may keep what it has translated of one, whose place is then
 * tried for ever.
 */
static void unload_fail_nth(void)
{
	long cpu, nr = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t thread;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (cpu = 1; cpu < nr; cpu++)
		if (pthread_create(&thread, NULL, keeps_busy, (void *)cpu))
			return;
	while (nr_busy < nr - 1)
		;
	syscall(SYS_delete_module, "ipcx_fail_nth", 0);
	unloaded = true;
}

static void fail_nth(unsigned int n)
{
	char buf[16];
	int len = snprintf(buf, sizeof(buf), "%u", n);

	CHECK_EQ(pwrite(fail_nth_fd, buf, len, 0), len);
}

/* The function that has failed; empty if the kernel does not tell. */
static char what_failed[64];

/* No more failures; true if there has been one. */
static bool was_failed(void)
{
	char buf[64] = "";
	bool failed;

	/* that it can fail itself means that nothing else has */
	failed = pread(fail_nth_fd, buf, sizeof(buf) - 1, 0) > 0 && buf[0] == '0';
	what_failed[0] = '\0';
	sscanf(buf, "0 %63s", what_failed);
	while (pwrite(fail_nth_fd, "0", 1, 0) != 1)
		;
	return failed;
}

static void fail_nth_open(void)
{
	static const char *const settings[] = {
		"failslab/ignore-gfp-wait", "fail_page_alloc/ignore-gfp-wait", "fail_page_alloc/ignore-gfp-highmem",
		"failslab/verbose", "fail_page_alloc/verbose", "fail_usercopy/verbose", "fail_page_alloc/min-order",
	};
	char path[128];
	size_t i;

	if (fail_nth_fd >= 0)
		return;
	NEED_ROOT();
	fail_nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth_fd < 0) {
		int ret;

		NEED_MODULE(FAIL_NTH);
		/* still there after a case that failed */
		ret = load(FAIL_NTH);
		CHECK(!ret || ret == -EEXIST);
		atexit(unload_fail_nth);
		fail_nth_fd = CHECK_SYS(open("/sys/module/ipcx_fail_nth/parameters/nth", O_RDWR | O_CLOEXEC));
	} else {
		for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
			snprintf(path, sizeof(path), "/sys/kernel/debug/%s", settings[i]);
			write_text(path, "0");
		}
	}
	/* out of the way of descriptors that are counted */
	CHECK_SYS(dup3(fail_nth_fd, 900, O_CLOEXEC));
	close(fail_nth_fd);
	fail_nth_fd = 900;

	/* it can do what it is for */
	fail_nth(1);
	CHECK_SYS_ERR(open("/", O_PATH), ENOMEM);
	CHECK(was_failed());
	fail_nth(1);
	CHECK_SYS_ERR(uname(&(struct utsname){ 0 }), EFAULT);
	CHECK(was_failed());
	fail_nth(1);
	CHECK_SYS_ERR(sigprocmask(SIG_BLOCK, &(sigset_t){ 0 }, NULL), EFAULT);
	CHECK(was_failed());
}

/* All that can be seen of the objects. */
struct look {
	struct ipcx_stat stat[NR_ON];
	union {
		struct ipcx_queue_stat queue;
		struct ipcx_region_stat region;
		struct ipcx_sem_stat sem;
		struct ipcx_event_stat event;
		struct ipcx_stream_stat stream;
	} of[NR_ON];
	short events[NR_ON];
	int nr_fds;
	int nr_names;
	uint64_t used_bytes;
};

static void look(struct look *l)
{
	static struct ipcx_list_entry entries[8];
	struct ipcx_list list = { .size = sizeof(list), .entries = (uintptr_t)entries, .nr = 8,
				  .entry_size = sizeof(entries[0]) };
	int on;

	memset(l, 0, sizeof(*l));
	for (on = QUEUE; on < NR_ON; on++) {
		if (fds[on] < 0)
			continue;
		l->stat[on] = object_stat(fds[on]);
		l->events[on] = poll_events(fds[on]);
		switch (on) {
		case QUEUE:
		case BROADCAST:
			CHECK_OK(ipcx_queue_stat(fds[on], &l->of[on].queue));
			break;
		case REGION:
			CHECK_OK(ipcx_region_stat(fds[on], &l->of[on].region));
			break;
		case SEM:
			CHECK_OK(ipcx_sem_stat(fds[on], &l->of[on].sem));
			break;
		case EVENT:
			CHECK_OK(ipcx_event_stat(fds[on], &l->of[on].event));
			break;
		case STREAM:
			CHECK_OK(ipcx_stream_stat(fds[on], &l->of[on].stream));
			break;
		default:
			break;
		}
	}
	l->nr_fds = open_fds();
	l->nr_names = CHECK_OK(call(fds[DEVICE], IPCX_LIST, &list));
	l->used_bytes = used_bytes();
}

#define SAME(what, fmt, a, b)							\
	do {									\
		if ((a) != (b))							\
			FAIL("%s: it failed, and changed " what ": " fmt " before, " fmt " after", place, a, b); \
	} while (0)

static void must_be_same(const struct look *a, struct look *b, unsigned int flags)
{
	int on;

	SAME("the number of descriptors", "%d", a->nr_fds, b->nr_fds);
	SAME("the number of names", "%d", a->nr_names, b->nr_names);
	for (on = QUEUE; on < NR_ON; on++) {
		if (fds[on] < 0 || (on == REGION && flags & ROW_MMAP))
			continue;
		SAME("the state", "%#x", a->stat[on].state, b->stat[on].state);
		SAME("the number of open files", "%u", a->stat[on].users, b->stat[on].users);
		if (!(flags & ROW_KEEPS))
			SAME("what is charged", "%llu", a->stat[on].charged, b->stat[on].charged);
		SAME("what is ready", "%#x", a->events[on], b->events[on]);
		if (on == BROADCAST && flags & ROW_GIVES_BACK && a->of[on].queue.nr_msgs > b->of[on].queue.nr_msgs) {
			b->of[on].queue.nr_msgs = a->of[on].queue.nr_msgs;
			b->of[on].queue.bytes = a->of[on].queue.bytes;
		}
		if (memcmp(&a->of[on], &b->of[on], sizeof(a->of[on])))
			FAIL("%s: it failed, and changed the statistics of the %s", place, on_names[on]);
	}
	if (!(flags & (ROW_MMAP | ROW_KEEPS)))
		SAME("what the user is charged with", "%lu", a->used_bytes, b->used_bytes);
}

static int broadcast(void)
{
	struct ipcx_options o = { .flags = IPCX_QUEUE_BROADCAST };

	return CHECK_OK(ipcx_queue_create(NULL, NULL, &o));
}

static void make_objects(unsigned int which)
{
	int on;

	fds[DEVICE] = device();
	for (on = QUEUE; on < NR_ON; on++)
		fds[on] = -1;
	if (which & BIT(QUEUE))
		fds[QUEUE] = queue();
	if (which & BIT(BROADCAST))
		fds[BROADCAST] = broadcast();
	if (which & BIT(REGION))
		fds[REGION] = region(16 * PAGE);
	if (which & BIT(SEM))
		fds[SEM] = sem(2, 100);
	if (which & BIT(EVENT))
		fds[EVENT] = event(1, 0);
	if (which & BIT(STREAM))
		fds[STREAM] = CHECK_OK(ipcx_stream_create(NULL, 0, NULL));
	if (which & BIT(WAIT_SET))
		fds[WAIT_SET] = CHECK_OK(ipcx_wait_set_create(NULL));
}

/* What an operation opened beside the objects: closed with them. */
static int extra_fds[16];
static int nr_extra;

static int extra(int fd)
{
	CHECK_GE(fd, 0);
	CHECK_LT(nr_extra, 16);
	extra_fds[nr_extra++] = fd;
	return fd;
}

static void close_objects(void)
{
	int on;

	while (nr_extra)
		close(extra_fds[--nr_extra]);
	for (on = 0; on < NR_ON; on++)
		if (fds[on] >= 0)
			CHECK_SYS(close(fds[on]));
}

static bool is_refusal(long ret)
{
	return ret == -EOPNOTSUPP || ret == -EINVAL;
}

/* Is @ret what it must be when something failed? */
static bool is_right(long ret)
{
	/* io_uring's answer when it cannot have its first worker */
	if (ring && ret == -ECANCELED)
		return true;
	if (strstr(what_failed, "_user"))
		return ret == -EFAULT;
	/* a page may have been needed to copy */
	if (strstr(what_failed, "alloc") && !strstr(what_failed, "pages"))
		return ret == -ENOMEM;
	return ret == -ENOMEM || ret == -EFAULT;
}

/* One operation with its nth failing; false if it has none. */
static bool sweep_one(const struct row *row, unsigned int n)
{
	static struct look before, after;
	size_t used = used_bytes();
	bool failed, refused;
	long ret;

	make_objects(row->needs | BIT(target));
	if (row->prepare)
		row->prepare();
	look(&before);
	fail_nth(n);
	ret = row->run();
	failed = was_failed();

	refused = ret < 0 && row->flags & ROW_MAY_REFUSE && is_refusal(ret);
	if (!failed && ret < 0 && !refused)
		FAIL("%s: %s without a failure", place, strerror((int)-ret));
	if (failed && refused && row->run() != ret)
		FAIL("%s: %s, only when %s failed", place, strerror((int)-ret), what_failed);
	if (failed && ret < 0 && !refused) {
		if (!is_right(ret))
			FAIL("%s: %s, when %s failed", place, strerror((int)-ret), what_failed[0] ? what_failed : "it");
		look(&after);
		if (!(row->flags & ROW_LOSES))
			must_be_same(&before, &after, row->flags);
		ret = row->run();
		if (ret < 0 && !(row->flags & ROW_MAY_REFUSE && is_refusal(ret)))
			FAIL("%s: %s when it is tried again", place, strerror((int)-ret));
	}
	if (row->check && ret >= 0)
		row->check(ret);
	close_objects();
	if (!wait_until(used_bytes() == used, TEST_SOON_MS))
		FAIL("%s: %lu bytes are charged when all has been closed, not %lu", place, used_bytes(), used);
	return failed;
}

#define FAILURES_MAX	3000

static void sweep_row(const struct row *row)
{
	unsigned int n = 1, total = 0, kinds = 0;
	uint64_t start = test_now_ns();

	for (target = 0; target < NR_ON; target++) {
		/* the file of a region is that of its memory, which knows no commands of io_uring */
		if (!(row->on & BIT(target)) || (ring && target == REGION))
			continue;
		for (n = 1; n < FAILURES_MAX; n++) {
			snprintf(place, sizeof(place), "%s on %s%s, failure %u", row->label, on_names[target],
				 ring ? " through io_uring" : "", n);
			if (!sweep_one(row, n))
				break;
		}
		CHECK_LT(n, FAILURES_MAX);
		total += n - 1;
		kinds++;
	}
	NOTE("%-28s %4u failures on %u, %llu ms%s", row->label, total, kinds,
	     (unsigned long long)(test_now_ns() - start) / 1000000, ring ? ", io_uring" : "");
}

/* Can its command come through io_uring, and is it done in this task then?  What always waits is done in another. */
static bool goes_through_uring(const struct row *row)
{
	return row->cmd != NO_COMMAND && !(row->flags & ROW_WAITS) && !(row->on & BIT(DEVICE)) && row->cmd != (long)IPCX_QUEUE_CALL &&
	       row->cmd != (long)IPCX_QUEUE_SERVE;
}

/* Every row, through each of its doors. */
static void sweep(const struct row *rows, size_t nr)
{
	static struct io_uring uring;
	size_t i;

	fail_nth_open();
	own_names();
	own_account();
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < nr; i++)
		sweep_row(&rows[i]);
	CHECK_OK(io_uring_queue_init(4, &uring, 0));
	ring = &uring;
	for (i = 0; i < nr; i++)
		if (goes_through_uring(&rows[i]))
			sweep_row(&rows[i]);
}

#endif /* FAULT_H */
