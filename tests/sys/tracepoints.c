// SPDX-License-Identifier: GPL-2.0
/*
 * Tracepoints: whoever traces where time goes relies on every step being there, with the right numbers, and
 * on nothing being there while tracing is off.
 */
#include "tracing.h"

#include <linux/perf_event.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#define EVENTS	TRACING "instances/ipcx-test/"

static char trace[1 << 20];

/* An instance of its own: nobody else's events, and gone afterwards. */
static void remove_instance(void)
{
	rmdir(EVENTS);
}

static void set_up(void)
{
	NEED_ROOT();
	if (access(TRACING "instances", W_OK))
		SKIP("no tracefs at " TRACING);
	remove_instance();
	one_processor();
	atexit(all_processors);
	CHECK_SYS(mkdir(EVENTS, 0700));
	atexit(remove_instance);
}

static void enable(const char *what)
{
	write_text(EVENTS "events/ipcx/enable", what);
}

static void read_trace(void)
{
	read_text(EVENTS "trace", trace, sizeof(trace));
}

/*
 * The number of lines of @event, whose fields are as in @fmt; fields "nr" and "ns" of a copy are any numbers above 0.  The last
 * part of a line is "event: fields".
 */
static int count(const char *event, const char *fields)
{
	char line[512], want[512];
	const char *p, *end;
	int nr = 0;

	snprintf(want, sizeof(want), " %s: %s", event, fields);
	for (p = trace; (end = strchr(p, '\n')); p = end + 1) {
		const char *at;
		char *ns, *pieces;

		snprintf(line, sizeof(line), "%.*s", (int)(end - p), p);
		at = strstr(line, want);
		if (!at)
			continue;
		ns = strstr(line, " ns=");
		if (ns) {
			CHECK_GT(atoll(ns + 4), 0);
			pieces = strstr(line, " nr=");
			CHECK(pieces);
			CHECK_GT(atoi(pieces + 4), 0);
			*pieces = '\0';
		}
		/* nothing behind the fields */
		nr += !strcmp(at, want);
	}
	return nr;
}

static void __attribute__((format(printf, 3, 4))) expect(int nr, const char *event, const char *fmt, ...)
{
	char fields[256];
	va_list ap;
	int got;

	va_start(ap, fmt);
	vsnprintf(fields, sizeof(fields), fmt, ap);
	va_end(ap);
	got = count(event, fields);
	if (got != nr)
		FAIL("%s: %s: %d times, not %d", event, fields, got, nr);
}

static unsigned long long id(int fd)
{
	return object_stat(fd).id;
}

TEST(life_of_objects)
{
	unsigned long long ids[3];
	int fd[3], r;

	set_up();
	own_names();
	enable("1");
	fd[0] = CHECK_OK(ipcx_queue_create("traced", NULL, NULL));
	fd[1] = region(1);
	fd[2] = sem(0, 1);
	r = CHECK_OK(ipcx_restrict(fd[2], IPCX_READ));
	close(CHECK_OK(ipcx_open("traced", 0, IPCX_WRITE, 0)));
	enable("0");
	for (int i = 0; i < 3; i++)
		ids[i] = id(fd[i]);
	read_trace();
	expect(1, "ipcx_create", "id=%llu kind=1 name=traced", ids[0]);
	expect(1, "ipcx_create", "id=%llu kind=2 name=", ids[1]);
	expect(1, "ipcx_create", "id=%llu kind=3 name=", ids[2]);
	expect(1, "ipcx_open", "id=%llu kind=1 rights=3", ids[0]);
	expect(1, "ipcx_open", "id=%llu kind=1 rights=2", ids[0]);
	expect(1, "ipcx_open", "id=%llu kind=2 rights=3", ids[1]);
	expect(1, "ipcx_open", "id=%llu kind=3 rights=1", ids[2]);
	expect(1, "ipcx_close", "id=%llu kind=1", ids[0]);
	expect(0, "ipcx_close", "id=%llu kind=3", ids[2]);
	enable("1");
	close(r);
	close(fd[1]);
	enable("0");
	read_trace();
	expect(1, "ipcx_close", "id=%llu kind=3", ids[2]);
	expect(1, "ipcx_close", "id=%llu kind=2", ids[1]);
}

TEST(way_of_a_message)
{
	static char buf[100000];
	struct ipcx_msg m = ipcx_msg(buf, 10);
	unsigned long long q_id;
	int q;

	set_up();
	q = queue();
	q_id = id(q);
	enable("1");
	m.type = 7;
	m.priority = 3;
	CHECK_OK(ipcx_queue_send_msg(q, &m, 0, IPCX_FOREVER));
	m.len = sizeof(buf);
	CHECK_OK(ipcx_queue_send_msg(q, &m, 0, IPCX_FOREVER));
	m.len = sizeof(buf);
	CHECK_OK(ipcx_queue_recv_msg(q, &m, NULL, 0, IPCX_FOREVER));
	m.len = sizeof(buf);
	CHECK_OK(ipcx_queue_recv_msg(q, &m, NULL, 0, IPCX_FOREVER));
	CHECK_ERR(ipcx_queue_recv_msg(q, &m, NULL, IPCX_NOWAIT, 0), EAGAIN);
	enable("0");
	read_trace();
	expect(1, "ipcx_send", "id=%llu type=7 priority=3 len=10", q_id);
	expect(1, "ipcx_send", "id=%llu type=7 priority=3 len=100000", q_id);
	expect(1, "ipcx_copy_in", "id=%llu kind=1 len=10", q_id);
	expect(1, "ipcx_copy_in", "id=%llu kind=1 len=100000", q_id);
	expect(1, "ipcx_enqueue", "id=%llu type=7 priority=3 len=10 depth=1 seq=1", q_id);
	expect(1, "ipcx_enqueue", "id=%llu type=7 priority=3 len=100000 depth=2 seq=2", q_id);
	expect(1, "ipcx_recv", "id=%llu type=7 priority=3 len=10 depth=1 seq=1 pid=%d", q_id, getpid());
	expect(1, "ipcx_recv", "id=%llu type=7 priority=3 len=100000 depth=0 seq=2 pid=%d", q_id, getpid());
	expect(1, "ipcx_copy_out", "id=%llu kind=1 len=10", q_id);
	expect(1, "ipcx_copy_out", "id=%llu kind=1 len=100000", q_id);
}

static int receives(void *arg)
{
	char c;

	return ipcx_queue_recv((long)arg, &c, 1) != 1;
}

TEST(sleeping_and_waking)
{
	unsigned long long q_id;
	pid_t pid;
	int q, s;

	set_up();
	q = queue();
	s = sem(0, 1);
	q_id = id(q);
	enable("1");
	pid = spawn(receives, (void *)(long)q);
	CHECK_BLOCKS(pid);
	CHECK_OK(ipcx_queue_send(q, "x", 1));
	CHECK_EXITS(pid, 0);
	CHECK_ERR(ipcx_sem_wait(s, 1, 0, ipcx_after_ms(1)), ETIMEDOUT);
	enable("0");
	read_trace();
	expect(1, "ipcx_block", "id=%llu kind=1", q_id);
	expect(1, "ipcx_wake", "pid=%d", pid);
	/* in the sender's context, to whoever waits */
	expect(1, "ipcx_enqueue", "id=%llu type=1 priority=0 len=1 depth=0 seq=1", q_id);
	expect(1, "ipcx_recv", "id=%llu type=1 priority=0 len=1 depth=0 seq=1 pid=%d", q_id, pid);
	expect(0, "ipcx_timeout", "id=%llu kind=1", q_id);
	expect(1, "ipcx_block", "id=%llu kind=3", id(s));
	expect(1, "ipcx_timeout", "id=%llu kind=3", id(s));
	expect(1, "ipcx_wait", "id=%llu kind=3 nr=1 ret=%d", id(s), -ETIMEDOUT);
}

TEST(semaphores_and_mappings)
{
	int s, fd;

	set_up();
	s = sem(1, 9);
	fd = region(4 * PAGE);
	enable("1");
	CHECK_OK(ipcx_sem_post(s, 3));
	CHECK_OK(ipcx_sem_wait(s, 2, 0, IPCX_FOREVER));
	CHECK_ERR(ipcx_sem_trywait(s, 3), EAGAIN);
	CHECK_ERR(ipcx_sem_post(s, 9), EOVERFLOW);
	map(fd, 4 * PAGE, PROT_READ | PROT_WRITE);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 2 * PAGE) != MAP_FAILED);
	enable("0");
	read_trace();
	expect(1, "ipcx_post", "id=%llu nr=3 count=4", id(s));
	expect(0, "ipcx_post", "id=%llu nr=9 count=4", id(s));
	expect(1, "ipcx_wait", "id=%llu kind=3 nr=2 ret=0", id(s));
	expect(1, "ipcx_wait", "id=%llu kind=3 nr=3 ret=%d", id(s), -EAGAIN);
	expect(1, "ipcx_map", "id=%llu offset=0 len=%lu writable=1", id(fd), 4 * PAGE);
	expect(1, "ipcx_map", "id=%llu offset=%lu len=%lu writable=0", id(fd), 2 * PAGE, PAGE);
}

static int waits_for_event(void *arg)
{
	return -ipcx_event_wait((long)arg, 0, IPCX_FOREVER);
}

TEST(changes_of_an_event)
{
	pid_t pid;
	int e;

	set_up();
	e = event(0, 0);
	enable("1");
	pid = spawn(waits_for_event, (void *)(long)e);
	CHECK_SOON(event_stat(e).nr_waiters == 1);
	CHECK_EQ(ipcx_event_pulse(e), 1);
	CHECK_EXITS(pid, 0);
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_EQ(ipcx_event_set(e), 1);
	CHECK_EQ(ipcx_event_reset(e), 1);
	CHECK_ERR(ipcx_event_wait(e, IPCX_NOWAIT, 0), EAGAIN);
	enable("0");
	read_trace();
	expect(1, "ipcx_block", "id=%llu kind=4", id(e));
	expect(1, "ipcx_pulse", "id=%llu was_set=0 woken=1", id(e));
	expect(1, "ipcx_wake", "pid=%d", pid);
	expect(1, "ipcx_wait", "id=%llu kind=4 nr=1 ret=0", id(e));
	expect(1, "ipcx_set", "id=%llu was_set=0 woken=0", id(e));
	expect(1, "ipcx_set", "id=%llu was_set=1 woken=0", id(e));
	expect(1, "ipcx_reset", "id=%llu was_set=1 woken=0", id(e));
	expect(1, "ipcx_wait", "id=%llu kind=4 nr=1 ret=%d", id(e), -EAGAIN);
}

TEST(notices)
{
	int64_t first, second;
	int s;

	set_up();
	s = sem(0, 9);
	signal(SIGURG, SIG_IGN);
	enable("1");
	first = CHECK_OK(ipcx_notify_process(s, IPCX_READY_READ, 0, SIGURG, 0, 0));
	second = CHECK_OK(ipcx_notify_thread(s, IPCX_READY_READ, 0, SIGURG, 0, IPCX_NOTIFY_REPEAT));
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_OK(ipcx_sem_post(s, 1));
	enable("0");
	read_trace();
	expect(1, "ipcx_notify", "id=%llu notice=%lld signo=%d ret=0", id(s), (long long)first, SIGURG);
	expect(2, "ipcx_notify", "id=%llu notice=%lld signo=%d ret=0", id(s), (long long)second, SIGURG);
}

TEST(messages_that_make_way)
{
	struct ipcx_queue_limits l = { .max_msgs = 1, .overflow = IPCX_OVERFLOW_DROP };
	struct ipcx_options o = { .flags = IPCX_QUEUE_BROADCAST };
	int q, other, latest;
	char buf[8];

	set_up();
	q = CHECK_OK(ipcx_queue_create(NULL, &l, &o));
	other = CHECK_OK(ipcx_restrict(q, IPCX_READ));
	l.overflow = 0;
	o.flags = IPCX_QUEUE_LATEST;
	latest = CHECK_OK(ipcx_queue_create(NULL, &l, &o));
	enable("1");
	CHECK_OK(ipcx_queue_send(q, "x", 1));
	CHECK_OK(ipcx_queue_send(q, "yy", 2));
	CHECK_EQ(ipcx_queue_recv(other, buf, 8), 2);
	CHECK_OK(ipcx_queue_send(latest, "x", 1));
	CHECK_OK(ipcx_queue_send(latest, "x", 1));
	enable("0");
	read_trace();
	expect(1, "ipcx_drop", "id=%llu type=1 len=1 losers=2", id(q));
	expect(1, "ipcx_enqueue", "id=%llu type=1 priority=0 len=2 depth=1 seq=2", id(q));
	expect(1, "ipcx_recv", "id=%llu type=1 priority=0 len=2 depth=0 seq=2 pid=%d", id(q), getpid());
	expect(1, "ipcx_drop", "id=%llu type=1 len=1 losers=1", id(latest));
}

TEST(nothing_while_off)
{
	int q;

	set_up();
	q = queue();
	CHECK_OK(ipcx_queue_send(q, "x", 1));
	CHECK_OK(ipcx_sem_post(sem(0, 1), 1));
	read_trace();
	CHECK(!strstr(trace, "ipcx_"));
	/* one alone can be switched on */
	write_text(EVENTS "events/ipcx/ipcx_enqueue/enable", "1");
	CHECK_OK(ipcx_queue_send(q, "x", 1));
	read_trace();
	expect(1, "ipcx_enqueue", "id=%llu type=1 priority=0 len=1 depth=2 seq=2", id(q));
	CHECK(!strstr(trace, "ipcx_send"));
	CHECK(!strstr(trace, "ipcx_copy_in"));
}

TEST(a_copy_that_fails_is_not_told)
{
	struct ipcx_msg msg = ipcx_msg((void *)8, 8);
	char c;
	int q;

	set_up();
	q = queue();
	CHECK_OK(ipcx_queue_send(q, "x", 1));
	enable("1");
	CHECK_ERR(ipcx_queue_recv_msg(q, &msg, NULL, IPCX_NOWAIT, 0), EFAULT);
	msg = ipcx_msg((void *)-4096l, 8);
	CHECK_ERR(ipcx_queue_recv_msg(q, &msg, NULL, IPCX_NOWAIT, 0), EFAULT);
	enable("0");
	read_trace();
	CHECK(!strstr(trace, "ipcx_copy_out"));
	CHECK_EQ(ipcx_queue_recv(q, &c, 1), 1);
}

/* Counts @event of this thread. */
static int perf_counter(const char *event)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr) };
	char path[128], number[16];

	snprintf(path, sizeof(path), TRACING "events/ipcx/%s/id", event);
	read_text(path, number, sizeof(number));
	attr.config = strtoul(number, NULL, 10);
	return CHECK_SYS(syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

static int lines_with(const char *event)
{
	char want[64];
	int nr = 0;

	snprintf(want, sizeof(want), " %s: ", event);
	for (const char *at = trace; (at = strstr(at, want)); at++)
		nr++;
	return nr;
}

/* Two who listen at once, as "perf stat" beside "ipcx trace". */
TEST(perf_counts_what_is_traced)
{
	static const char *const events[] = {
		"ipcx_create", "ipcx_open", "ipcx_close", "ipcx_block", "ipcx_timeout", "ipcx_send", "ipcx_enqueue", "ipcx_recv",
		"ipcx_drop", "ipcx_copy_in", "ipcx_copy_out", "ipcx_wake", "ipcx_map", "ipcx_post", "ipcx_set", "ipcx_reset",
		"ipcx_pulse", "ipcx_notify", "ipcx_wait",
	};
	enum { NR = sizeof(events) / sizeof(events[0]) };
	struct ipcx_queue_limits one = { .max_msgs = 1 };
	struct ipcx_options latest = { .flags = IPCX_QUEUE_LATEST };
	int counters[NR], q, s, e, efd, i;
	char c;

	set_up();
	own_names();
	efd = CHECK_SYS(eventfd(0, 0));
	for (i = 0; i < NR; i++)
		counters[i] = perf_counter(events[i]);
	enable("1");
	q = CHECK_OK(ipcx_queue_create("both", &one, &latest));
	close(CHECK_OK(ipcx_open("both", IPCX_KIND_QUEUE, IPCX_READ, 0)));
	s = sem(0, 1);
	e = event(0, 0);
	map(region(PAGE), PAGE, PROT_READ);
	CHECK_OK(ipcx_notify_eventfd(q, IPCX_READY_READ, efd, 0));
	for (i = 0; i < 3; i++)
		CHECK_OK(ipcx_queue_send(q, "x", 1));
	CHECK_EQ(ipcx_queue_recv(q, &c, 1), 1);
	CHECK_ERR(ipcx_sem_wait(s, 1, 0, ipcx_after_ms(1)), ETIMEDOUT);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_OK(ipcx_sem_trywait(s, 1));
	CHECK_EQ(ipcx_event_set(e), 0);
	CHECK_OK(ipcx_event_wait(e, IPCX_NOWAIT, 0));
	CHECK_EQ(ipcx_event_reset(e), 0);
	CHECK_EQ(ipcx_event_pulse(e), 0);
	enable("0");
	read_trace();
	for (i = 0; i < NR; i++) {
		uint64_t counted;

		CHECK_SYS(read(counters[i], &counted, sizeof(counted)));
		if (counted != (uint64_t)lines_with(events[i]))
			FAIL("perf has counted %llu of %s, the trace has %d", (unsigned long long)counted, events[i],
			     lines_with(events[i]));
		if (strcmp(events[i], "ipcx_wake"))
			CHECK_GT(counted, 0);
	}
}

TEST(events_filter_by_their_fields)
{
	int a, b;

	set_up();
	a = queue();
	b = queue();
	char text[64];

	snprintf(text, sizeof(text), "id == %llu", id(b));
	write_text(EVENTS "events/ipcx/ipcx_send/filter", text);
	enable("1");
	CHECK_OK(ipcx_queue_send(a, "x", 1));
	CHECK_OK(ipcx_queue_send(b, "x", 1));
	enable("0");
	read_trace();
	expect(0, "ipcx_send", "id=%llu type=1 priority=0 len=1", id(a));
	expect(1, "ipcx_send", "id=%llu type=1 priority=0 len=1", id(b));
}
