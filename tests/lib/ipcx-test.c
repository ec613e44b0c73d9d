// SPDX-License-Identifier: GPL-2.0
/*
 * The test harness: runs each case in a bounded child process and prints TAP.
 * See ipcx-test.h for its use.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>

#include "ipcx-test.h"

#define EXIT_SKIP	77

static struct test_case *cases;
static struct test_case **cases_tail = &cases;
static uint64_t random_state;
int test_slowness = 1;

void test_register(struct test_case *tc)
{
	*cases_tail = tc;
	cases_tail = &tc->next;
}

uint64_t test_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

void test_pause_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, (ms % 1000) * 1000000l };

	nanosleep(&ts, NULL);
}

/* One write per line, so that lines of several processes do not mix. */
static void print_line(const char *prefix, const char *fmt, va_list ap)
{
	char line[1024];
	size_t len;

	len = snprintf(line, sizeof(line), "%s", prefix);
	vsnprintf(line + len, sizeof(line) - 1 - len, fmt, ap);
	len = strlen(line);
	line[len++] = '\n';
	if (write(STDOUT_FILENO, line, len) < 0)
		_exit(1);
}

void test_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_line("# ", fmt, ap);
	va_end(ap);
}

void test_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_line("# skipped: ", fmt, ap);
	va_end(ap);
	_exit(EXIT_SKIP);
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	const char *base = strrchr(file, '/');
	char prefix[128];
	va_list ap;

	snprintf(prefix, sizeof(prefix), "# %s:%d: ", base ? base + 1 : file, line);
	va_start(ap, fmt);
	print_line(prefix, fmt, ap);
	va_end(ap);
	_exit(1);
}

void test_check_mem(const char *file, int line, const char *what,
		    const void *a, const void *b, size_t len)
{
	const unsigned char *x = a, *y = b;
	size_t i;

	for (i = 0; i < len; i++)
		if (x[i] != y[i])
			test_fail(file, line, "%s: byte %zu of %zu is %#x, not %#x",
				  what, i, len, x[i], y[i]);
}

/* Reads a small file of /proc; false if the task is gone or not ours. */
static bool read_proc(pid_t tid, const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, buf, size - 1);
	close(fd);
	buf[len > 0 ? len : 0] = '\0';
	return len > 0;
}

/* The number of switches so far if the task sleeps in call @nr, else -1. */
static long sleeping_switches(pid_t tid, long nr)
{
	char buf[4096], *p;
	long switches;

	if (!read_proc(tid, "stat", buf, sizeof(buf)))
		return -1;
	p = strrchr(buf, ')');
	if (!p || !(p[2] == 'S' || p[2] == 'D'))
		return -1;
	/* "running", or the number of the system call */
	if (read_proc(tid, "syscall", buf, sizeof(buf))) {
		if (!isdigit((unsigned char)buf[0]))
			return -1;
		if (nr >= 0 && strtol(buf, NULL, 10) != nr)
			return -1;
	}
	if (!read_proc(tid, "status", buf, sizeof(buf)))
		return -1;
	p = strstr(buf, "\nvoluntary_ctxt_switches:");
	if (!p)
		return -1;
	switches = strtol(p + 25, NULL, 10);
	p = strstr(buf, "\nnonvoluntary_ctxt_switches:");
	return p ? switches + strtol(p + 28, NULL, 10) : switches;
}

bool task_is_blocked_in(pid_t tid, long nr)
{
	long before = sleeping_switches(tid, nr);

	if (before < 0)
		return false;
	test_pause_ms(3);
	return sleeping_switches(tid, nr) == before;
}

void as_user(uid_t uid)
{
	CHECK_SYS(setgroups(0, NULL));
	CHECK_SYS(setresgid(uid, uid, uid));
	CHECK_SYS(setresuid(uid, uid, uid));
	/* Changing ids makes /proc/self root's; the tests look there. */
	CHECK_SYS(prctl(PR_SET_DUMPABLE, 1));
}

static pid_t spawn_child(bool change_user, uid_t uid, int (*fn)(void *arg), void *arg)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		FAIL("fork: %s", strerror(errno));
	if (pid)
		return pid;
	if (change_user)
		as_user(uid);
	/* After the change of ids, which clears it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	_exit(fn(arg));
}

pid_t spawn(int (*fn)(void *arg), void *arg)
{
	return spawn_child(false, 0, fn, arg);
}

pid_t spawn_as(uid_t uid, int (*fn)(void *arg), void *arg)
{
	return spawn_child(true, uid, fn, arg);
}

int wait_child(pid_t pid, unsigned int ms)
{
	uint64_t end = test_now_ns() + ms * 1000000ull;
	int status;
	pid_t ret;

	do {
		ret = waitpid(pid, &status, WNOHANG);
		if (ret == pid)
			return status;
		if (ret < 0 && errno != EINTR)
			return -1;
		test_pause_ms(1);
	} while (test_now_ns() < end);
	return -1;
}

void test_check_exits(const char *file, int line, pid_t pid, int code, int sig)
{
	int status = wait_child(pid, TEST_SOON_MS);

	if (status == -1)
		test_fail(file, line, "child %d still runs after %d ms", pid,
			  TEST_SOON_MS);
	if (WIFSIGNALED(status)) {
		if (WTERMSIG(status) != sig)
			test_fail(file, line, "child killed by signal %d (%s)",
				  WTERMSIG(status), strsignal(WTERMSIG(status)));
	} else if (sig) {
		test_fail(file, line, "child exited with %d, not killed by signal %d",
			  WEXITSTATUS(status), sig);
	} else if (WEXITSTATUS(status) != code) {
		test_fail(file, line, "child exited with %d, not %d",
			  WEXITSTATUS(status), code);
	}
}

static void *thread_main(void *arg)
{
	struct test_thread *t = arg;

	__atomic_store_n(&t->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
	t->result = t->fn(t->arg);
	return NULL;
}

void thread_start(struct test_thread *t, int (*fn)(void *arg), void *arg)
{
	int ret;

	t->fn = fn;
	t->arg = arg;
	t->tid = 0;
	ret = pthread_create(&t->thread, NULL, thread_main, t);
	if (ret)
		FAIL("pthread_create: %s", strerror(ret));
	CHECK_SOON(__atomic_load_n(&t->tid, __ATOMIC_ACQUIRE));
}

int thread_join(struct test_thread *t)
{
	struct timespec end;
	int ret;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += TEST_SOON_MS / 1000;
	ret = pthread_timedjoin_np(t->thread, NULL, &end);
	if (ret)
		FAIL("thread %d does not end: %s", t->tid, strerror(ret));
	return t->result;
}

uint64_t test_random(void)
{
	if (!random_state) {
		const char *env = getenv("IPCX_TEST_SEED");

		if (env)
			random_state = strtoull(env, NULL, 0);
		else if (getrandom(&random_state, sizeof(random_state), 0) < 0)
			random_state = test_now_ns();
		random_state += !random_state;
		NOTE("seed: IPCX_TEST_SEED=%llu", (unsigned long long)random_state);
	}
	/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators") */
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dull;
}

/* Where every thread of a stuck case sleeps; the stacks are for root only. */
static void print_stacks(pid_t pgid)
{
	char path[300], buf[4096], *p, *line;
	struct dirent *task, *de;
	DIR *proc, *tasks;

	proc = opendir("/proc");
	while (proc && (de = readdir(proc))) {
		pid_t pid = atoi(de->d_name), tid;

		if (pid <= 0 || getpgid(pid) != pgid)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task", pid);
		tasks = opendir(path);
		while (tasks && (task = readdir(tasks))) {
			tid = atoi(task->d_name);
			if (tid <= 0)
				continue;
			snprintf(path, sizeof(path), "task/%d/wchan", tid);
			if (!read_proc(pid, path, buf, sizeof(buf)))
				buf[0] = '\0';
			NOTE("process %d thread %d sleeps in %s", pid, tid, buf);
			snprintf(path, sizeof(path), "task/%d/stack", tid);
			if (!read_proc(pid, path, buf, sizeof(buf)))
				continue;
			for (p = buf; (line = strsep(&p, "\n")) && *line; )
				NOTE("\t%s", line);
		}
		if (tasks)
			closedir(tasks);
	}
	if (proc)
		closedir(proc);
}

/* Runs one case; returns its exit status, or 1 if it was killed. */
static int run_case(const struct test_case *tc)
{
	pid_t runner = getpid(), pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		NOTE("fork: %s", strerror(errno));
		return 1;
	}
	if (!pid) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != runner)
			_exit(1);
		tc->run();
		/* exit(), so that the sanitizers report leaks. */
		exit(0);
	}
	setpgid(pid, pid);
	status = wait_child(pid, tc->limit_ms * test_slowness);
	if (status == -1) {
		NOTE("%s: still running after %u ms", tc->name, tc->limit_ms * test_slowness);
		print_stacks(pid);
		status = 1 << 8;
	} else if (WIFSIGNALED(status)) {
		NOTE("%s: killed by signal %d (%s)", tc->name, WTERMSIG(status),
		     strsignal(WTERMSIG(status)));
		status = 1 << 8;
	}
	/* Orphans come to us, the subreaper; nothing survives its case. */
	kill(-pid, SIGKILL);
	wait_until(waitpid(-1, NULL, WNOHANG) < 0, TEST_SOON_MS);
	return WEXITSTATUS(status);
}

static bool is_chosen(const struct test_case *tc, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], tc->name))
			return true;
	return argc == 1;
}

int main(int argc, char **argv)
{
	int nr = 0, nr_failed = 0, nr_skipped = 0, ret;
	struct test_case *tc;

	if (argc == 2 && !strcmp(argv[1], "-l")) {
		for (tc = cases; tc; tc = tc->next)
			puts(tc->name);
		return 0;
	}
	if (getenv("IPCX_TEST_SLOW"))
		test_slowness = atoi(getenv("IPCX_TEST_SLOW"));
	setvbuf(stdout, NULL, _IOLBF, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (tc = cases; tc; tc = tc->next)
		nr += is_chosen(tc, argc, argv);
	printf("TAP version 13\n1..%d\n", nr);
	nr = 0;
	for (tc = cases; tc; tc = tc->next) {
		if (!is_chosen(tc, argc, argv))
			continue;
		ret = run_case(tc);
		nr++;
		if (ret == EXIT_SKIP) {
			nr_skipped++;
			printf("ok %d - %s # SKIP\n", nr, tc->name);
			continue;
		}
		nr_failed += !!ret;
		printf("%sok %d - %s\n", ret ? "not " : "", nr, tc->name);
	}
	if (!nr)
		NOTE("no such case");
	if (nr_failed || !nr)
		return 1;
	return nr_skipped == nr ? EXIT_SKIP : 0;
}
