// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx trace: if this fails, the answer to "what does the kernel copy" is wrong, for ipcx or for a standard call.
 * A process does a known amount of work with each mechanism, and every count must be right to the last one.
 * timeout: 120
 */
#include "tracing.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/msg.h>
#include <sys/wait.h>

#define MAX_OUTPUT	(1 << 20)

static char output[MAX_OUTPUT], complaints[4096], payload[65536];
static char out_path[64], err_path[64], log_path[64];

/* ---- running ipcx trace ---- */

static void set_up(void)
{
	NEED_ROOT();
	if (access(TRACING "instances", W_OK))
		SKIP("no tracefs at " TRACING);
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		SKIP("this kernel has no type information, which Debian's have");
	one_processor();
	atexit(all_processors);
	snprintf(out_path, sizeof(out_path), "/tmp/trace-%d.json", getpid());
	snprintf(err_path, sizeof(err_path), "/tmp/trace-%d.err", getpid());
	snprintf(log_path, sizeof(log_path), "/tmp/trace-%d.log", getpid());
}

static const char *command(void)
{
	static char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 32);

	CHECK_GT(len, 0);
	path[len] = '\0';
	/* build/tests/sys/NAME */
	for (int i = 0; i < 3; i++)
		*strrchr(path, '/') = '\0';
	strcat(path, "/ipcx");
	return path;
}

static int runs_trace(void *arg)
{
	char **argv = arg;

	CHECK(freopen(out_path, "w", stdout));
	CHECK(freopen(err_path, "w", stderr));
	execv(argv[0], argv);
	return 127;
}

static void read_all(const char *path, char *buf, size_t size)
{
	int fd = CHECK_SYS(open(path, O_RDONLY | O_CLOEXEC));
	size_t len = 0;
	ssize_t got;

	while ((got = read(fd, buf + len, size - 1 - len)) > 0)
		len += got;
	buf[len] = '\0';
	close(fd);
	unlink(path);
}

struct work {
	void (*run)(void);
};

/* Waits for the word, works, and ends. */
static int works(void *arg)
{
	const struct work *w = arg;
	sigset_t set;
	int signo;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigwait(&set, &signo);
	w->run();
	return 0;
}

/* Is @tracer looking at @pid by now? */
static bool is_traced(pid_t tracer, pid_t pid)
{
	char path[96], text[64] = "", on[8] = "";

	snprintf(path, sizeof(path), TRACING "instances/ipcx-trace-%d/set_event_pid", tracer);
	if (access(path, R_OK))
		return false;
	read_text(path, text, sizeof(text));
	snprintf(path, sizeof(path), TRACING "instances/ipcx-trace-%d/tracing_on", tracer);
	read_text(path, on, sizeof(on));
	return atoi(text) == pid && on[0] == '1';
}

/* Trace a process that does @run; what the trace says is in output and complaints then. */
static void trace(void (*run)(void), const char *option, const char *value)
{
	struct work w = { run };
	char pid_text[16];
	char *argv[] = { (char *)command(), "trace", "--json", "--pid", pid_text, (char *)option, (char *)value, NULL };
	pid_t worker, tracer;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
	worker = spawn(works, &w);
	snprintf(pid_text, sizeof(pid_text), "%d", worker);
	tracer = spawn(runs_trace, argv);
	CHECK(wait_until(is_traced(tracer, worker), 30000 * test_slowness));
	CHECK_SYS(kill(worker, SIGUSR1));
	CHECK_EXITS(worker, 0);
	CHECK_EQ(wait_child(tracer, 30000 * test_slowness), 0);
	read_all(out_path, output, sizeof(output));
	read_all(err_path, complaints, sizeof(complaints));
}

/* The number @key of the line of @mech in output. */
static long long number_of(const char *mech, const char *key)
{
	char want[96];
	char *line, *end, *at;

	snprintf(want, sizeof(want), "\"record\": \"mechanism\", \"mechanism\": \"%s\"", mech);
	line = strstr(output, want);
	if (!line)
		FAIL("nothing is said of %s:\n%s%s", mech, complaints, output);
	end = strchr(line, '\n');
	snprintf(want, sizeof(want), "\"%s\": ", key);
	at = strstr(line, want);
	if (!at || at > end)
		FAIL("%s: no %s", mech, key);
	return atoll(at + strlen(want));
}

static void expect(const char *mech, const char *key, long long want)
{
	long long got = number_of(mech, key);

	/* where locks sleep, tasks sleep and are woken for them as well */
	if ((!strcmp(key, "wakes") || !strcmp(key, "blocks")) && !access("/sys/kernel/realtime", F_OK) && got > want)
		return;
	if (got != want)
		FAIL("%s: %s is %lld, not %lld", mech, key, got, want);
}

/* @nr messages of @len bytes each way, each in @pieces copies. */
static void expect_messages(const char *mech, long long nr, long long len, long long pieces)
{
	expect(mech, "sent", nr);
	expect(mech, "received", nr);
	expect(mech, "sent_bytes", nr * len);
	expect(mech, "received_bytes", nr * len);
	expect(mech, "copies_in", nr * pieces);
	expect(mech, "copies_out", nr * pieces);
	expect(mech, "copies_in_bytes", nr * len);
	expect(mech, "copies_out_bytes", nr * len);
}

static void expect_nothing_lost(void)
{
	CHECK(strstr(output, "\"lost\": 0,"));
	CHECK_STR(complaints, "");
	CHECK(!strstr(output, "\"missing\""));
}

/* ---- one process does both sides ---- */

static void through(int in, int out, size_t len, int nr)
{
	for (int i = 0; i < nr; i++) {
		CHECK_EQ(write(in, payload, len), (ssize_t)len);
		CHECK_EQ(read(out, payload, len), (ssize_t)len);
	}
}

static void works_with_sockets(int type, size_t len, int nr)
{
	int s[2];

	CHECK_SYS(socketpair(AF_UNIX, type, 0, s));
	through(s[0], s[1], len, nr);
}

static void works_with_tcp(size_t len, int nr)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t addr_len = sizeof(addr);
	int l = CHECK_SYS(socket(AF_INET, SOCK_STREAM, 0)), a = CHECK_SYS(socket(AF_INET, SOCK_STREAM, 0)), b;

	CHECK_SYS(bind(l, (struct sockaddr *)&addr, sizeof(addr)));
	CHECK_SYS(listen(l, 1));
	CHECK_SYS(getsockname(l, (struct sockaddr *)&addr, &addr_len));
	CHECK_SYS(connect(a, (struct sockaddr *)&addr, sizeof(addr)));
	b = CHECK_SYS(accept(l, NULL, NULL));
	through(a, b, len, nr);
}

static void works_with_sysv(size_t len, int nr)
{
	int q = CHECK_SYS(msgget(IPC_PRIVATE, 0600));

	for (int i = 0; i < nr; i++) {
		*(long *)payload = 1;
		CHECK_SYS(msgsnd(q, payload, len, 0));
		CHECK_EQ(msgrcv(q, payload, len, 0, 0), (ssize_t)len);
	}
	CHECK_SYS(msgctl(q, IPC_RMID, NULL));
}

static void works_with_mq(size_t len, int nr)
{
	mqd_t q = CHECK_SYS(mq_open("/trace-counts", O_CREAT | O_RDWR, 0600, NULL));

	mq_unlink("/trace-counts");
	for (int i = 0; i < nr; i++) {
		CHECK_SYS(mq_send(q, payload, len, 0));
		CHECK_EQ(mq_receive(q, payload, 8192, NULL), (ssize_t)len);
	}
}

static void works_with_process_vm(size_t len, int nr)
{
	static char from[4 * PAGE] __attribute__((aligned(4096)));
	struct iovec local = { payload, len }, remote = { from, len };

	for (int i = 0; i < nr; i++) {
		CHECK_EQ(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), (ssize_t)len);
		CHECK_EQ(process_vm_writev(getpid(), &local, 1, &remote, 1, 0), (ssize_t)len);
	}
}

static void standard_calls(void)
{
	uint64_t one = 1;
	int p[2], e, in, out;

	CHECK_SYS(pipe(p));
	through(p[1], p[0], 64, 7);
	/* a page and a part of one */
	through(p[1], p[0], 6000, 5);
	CHECK_SYS(mkfifo(log_path, 0600));
	out = CHECK_SYS(open(log_path, O_RDWR));
	in = CHECK_SYS(open(log_path, O_WRONLY));
	unlink(log_path);
	through(in, out, 100, 11);
	works_with_sockets(SOCK_STREAM, 64, 13);
	works_with_sockets(SOCK_DGRAM, 1000, 17);
	works_with_sockets(SOCK_SEQPACKET, 2000, 19);
	works_with_tcp(300, 23);
	works_with_sysv(64, 29);
	works_with_sysv(6000, 3);
	works_with_mq(500, 31);
	e = CHECK_SYS(eventfd(0, 0));
	for (int i = 0; i < 37; i++) {
		CHECK_EQ(write(e, &one, 8), 8);
		CHECK_EQ(read(e, &one, 8), 8);
	}
	works_with_process_vm(2 * PAGE, 2);
}

TEST_LIMIT(standard_calls_of_one_process, 60000)
{
	set_up();
	trace(standard_calls, NULL, NULL);
	expect_nothing_lost();
	expect("pipe", "sent", 12);
	expect("pipe", "received", 12);
	expect("pipe", "copies_in", 7 + 2 * 5);
	expect("pipe", "copies_out", 7 + 2 * 5);
	expect("pipe", "copies_in_bytes", 7 * 64 + 5 * 6000);
	expect("pipe", "copies_out_bytes", 7 * 64 + 5 * 6000);
	expect("pipe", "calls", 24);
	expect("pipe", "blocks", 0);
	expect_messages("fifo", 11, 100, 1);
	expect_messages("unix_stream", 13, 64, 1);
	expect_messages("unix_dgram", 17, 1000, 1);
	expect_messages("unix_seqpacket", 19, 2000, 1);
	expect_messages("tcp", 23, 300, 1);
	expect("sysv_msg", "sent", 32);
	expect("sysv_msg", "received", 32);
	expect("sysv_msg", "copies_in", 29 + 2 * 3);
	expect("sysv_msg", "copies_out", 29 + 2 * 3);
	expect("sysv_msg", "copies_in_bytes", 29 * 64 + 3 * 6000);
	expect_messages("posix_mq", 31, 500, 1);
	expect_messages("eventfd", 37, 8, 1);
	expect("process_vm", "calls", 4);
	expect("process_vm", "copies_in_bytes", 2 * 2 * PAGE);
	expect("process_vm", "copies_out_bytes", 2 * 2 * PAGE);
	/* the objects add up to the whole */
	CHECK(strstr(output, "\"record\": \"object\", \"mechanism\": \"pipe\", \"object\": \"pipe:["));
	CHECK(strstr(output, "\"record\": \"object\", \"mechanism\": \"tcp\", \"object\": \"port "));
}

static void ipcx_calls(void)
{
	struct ipcx_msg m[8], r[8];
	static char bufs[8][64];
	int q = queue(), s = sem(0, 9), e = event(0, 0), st = CHECK_OK(ipcx_stream_create(NULL, 0, NULL));

	for (int i = 0; i < 21; i++) {
		CHECK_OK(ipcx_queue_send(q, payload, 64));
		CHECK_EQ(ipcx_queue_recv(q, payload, 64), 64);
	}
	through(q, q, 64, 4);
	for (int i = 0; i < 8; i++) {
		m[i] = ipcx_msg(bufs[i], 64);
		r[i] = ipcx_msg(bufs[i], 64);
	}
	CHECK_EQ(ipcx_queue_sendv(q, m, 8, 0, IPCX_FOREVER), 8);
	CHECK_EQ(ipcx_queue_recvv(q, r, 8, NULL, 0, IPCX_FOREVER), 8);
	through(st, st, PAGE, 6);
	for (int i = 0; i < 9; i++) {
		CHECK_OK(ipcx_sem_post(s, 1));
		CHECK_OK(ipcx_sem_wait(s, 1, 0, IPCX_FOREVER));
		CHECK_OK(ipcx_event_set(e));
		CHECK_OK(ipcx_event_wait(e, 0, IPCX_FOREVER));
	}
	map(region(2 * PAGE), 2 * PAGE, PROT_READ);
}

TEST_LIMIT(ipcx_of_one_process, 60000)
{
	set_up();
	trace(ipcx_calls, "--mech", "ipcx");
	expect_nothing_lost();
	expect_messages("ipcx_queue", 21 + 4 + 8, 64, 1);
	expect("ipcx_queue", "calls", 2 * (21 + 4 + 1));
	expect("ipcx_queue", "blocks", 0);
	expect_messages("ipcx_stream", 6, PAGE, 1);
	expect("ipcx_sem", "sent", 9);
	expect("ipcx_sem", "received", 9);
	expect("ipcx_event", "sent", 9);
	expect("ipcx_event", "received", 9);
	expect("ipcx_region", "received", 1);
}

/* ---- a receiver that sleeps for each message ---- */

#define NR_SLEEPS	15

static int receives_pipe(void *arg)
{
	const int *p = arg;

	close(p[1]);
	while (read(p[0], payload, 64) > 0)
		;
	return 0;
}

static int receives_queue(void *arg)
{
	for (int i = 0; i < NR_SLEEPS; i++)
		CHECK_EQ(ipcx_queue_recv((long)arg, payload, 64), 64);
	return 0;
}

static void sleeping_receivers(void)
{
	int p[2], q = queue();
	pid_t pid;

	CHECK_SYS(pipe(p));
	pid = spawn(receives_pipe, p);
	close(p[0]);
	for (int i = 0; i < NR_SLEEPS; i++) {
		CHECK_BLOCKS(pid);
		CHECK_EQ(write(p[1], payload, 64), 64);
	}
	CHECK_BLOCKS(pid);
	close(p[1]);
	CHECK_EXITS(pid, 0);
	pid = spawn(receives_queue, (void *)(long)q);
	for (int i = 0; i < NR_SLEEPS; i++) {
		CHECK_BLOCKS(pid);
		CHECK_OK(ipcx_queue_send(q, payload, 64));
	}
	CHECK_EXITS(pid, 0);
}

TEST_LIMIT(wake_ups_and_sleeps, 60000)
{
	set_up();
	trace(sleeping_receivers, "--mech", "pipe,ipcx");
	expect_nothing_lost();
	expect_messages("pipe", NR_SLEEPS, 64, 1);
	expect("pipe", "wakes", NR_SLEEPS);
	/* once more for the end */
	expect("pipe", "blocks", NR_SLEEPS + 1);
	expect_messages("ipcx_queue", NR_SLEEPS, 64, 1);
	expect("ipcx_queue", "wakes", NR_SLEEPS);
	expect("ipcx_queue", "blocks", NR_SLEEPS);
	/* each message was seen from end to end */
	CHECK(strstr(output, "\"mechanism\": \"ipcx_queue\", \"direction\": \"both\", \"stage\": \"latency\", \"count\": 15"));
	CHECK(strstr(output, "\"mechanism\": \"pipe\", \"direction\": \"both\", \"stage\": \"latency\", \"count\": 15"));
}

static void too_much(void)
{
	int p[2];

	CHECK_SYS(pipe(p));
	through(p[1], p[0], 1, 4000);
}

/* What does not fit is told, and never taken for nothing. */
TEST_LIMIT(a_full_buffer_is_told, 60000)
{
	set_up();
	trace(too_much, "--buffer", "4K");
	CHECK(!strstr(output, "\"lost\": 0,"));
	CHECK_LT(number_of("pipe", "sent"), 4000);
}

TEST(nothing_is_left_behind)
{
	char text[4096] = "";

	set_up();
	read_text(TRACING "kprobe_events", text, sizeof(text));
	CHECK(!strstr(text, "ipcxtrace"));
	CHECK_SYS_ERR(access(TRACING "instances/ipcx-trace-1", F_OK), ENOENT);
}
