// SPDX-License-Identifier: GPL-2.0
/*
 * Notices: what is sent, to whom and how often.  Were it broken, a program that sleeps until it is signalled would
 * sleep for ever, or be signalled for nothing.
 */
#include "notify.h"

TEST(one_signal_when_it_becomes_readable)
{
	int kind, fd;

	block(SIG);
	for (kind = 0; kind < NR_KINDS; kind++) {
		fd = make(kind);
		notify_self(fd, READ, 0x123456789abcdef0 + kind, 0);
		check_no_signal(SIG);
		fill(kind, fd);
		check_signal(SIG, 0x123456789abcdef0 + kind);
		check_no_signal(SIG);
		/* it was to come once */
		drain(kind, fd);
		fill(kind, fd);
		check_no_signal(SIG);
		close(fd);
	}
}

TEST(at_once_if_it_is_ready)
{
	int kind, fd;

	block(SIG);
	for (kind = 0; kind < NR_KINDS; kind++) {
		fd = make(kind);
		fill(kind, fd);
		notify_self(fd, READ, kind, 0);
		check_signal(SIG, kind);
		drain(kind, fd);
		fill(kind, fd);
		check_no_signal(SIG);
		close(fd);
	}
}

/* A queued signal is one for each time. */
TEST(a_repeating_notice_comes_each_time)
{
	int kind, fd, i;

	block(SIG);
	for (kind = 0; kind < NR_KINDS; kind++) {
		fd = make(kind);
		notify_self(fd, READ, kind, REPEAT);
		check_no_signal(SIG);
		for (i = 0; i < 10; i++) {
			fill(kind, fd);
			drain(kind, fd);
		}
		CHECK_EQ(count_signals(SIG), 10);
		close(fd);
	}
}

/* Also when it was ready before: each message, unit and byte is something that has been done. */
TEST(a_repeating_notice_of_an_object_that_stays_ready)
{
	int fd = sem(1, INT_MAX), q = queue(), i;

	block(SIG);
	notify_self(fd, READ, 7, REPEAT);
	check_signal(SIG, 7);
	for (i = 0; i < 20; i++)
		CHECK_OK(ipcx_sem_post(fd, 1));
	for (i = 0; i < 20; i++)
		check_signal(SIG, 7);
	check_no_signal(SIG);
	notify_self(q, READ, 8, REPEAT);
	for (i = 0; i < 20; i++)
		CHECK_OK(ipcx_queue_send(q, "", 0));
	CHECK_EQ(count_signals(SIG), 20);
}

TEST(writable)
{
	int q = make(QUEUE), s = sem(2, 2), st = make(STREAM), e = event(0, 0);
	char page[PAGE] = {};

	block(SIG);
	/* one of these is always so */
	notify_self(e, WRITE, 1, 0);
	check_signal(SIG, 1);

	fill(QUEUE, q);
	fill(QUEUE, q);
	notify_self(q, WRITE, 2, 0);
	check_no_signal(SIG);
	drain(QUEUE, q);
	check_signal(SIG, 2);

	notify_self(s, WRITE, 3, 0);
	check_no_signal(SIG);
	drain(SEM, s);
	check_signal(SIG, 3);

	CHECK_EQ(write(st, page, PAGE), PAGE);
	notify_self(st, WRITE, 4, 0);
	check_no_signal(SIG);
	CHECK_EQ(read(st, page, PAGE), PAGE);
	check_signal(SIG, 4);
	check_no_signal(SIG);
}

/* What happens on the other side is nobody's notice. */
TEST(only_what_was_asked_for)
{
	int kind, fd;

	block(SIG);
	for (kind = 0; kind < NR_KINDS; kind++) {
		fd = make(kind);
		notify_self(fd, SHUT, 1, REPEAT);
		fill(kind, fd);
		drain(kind, fd);
		check_no_signal(SIG);
		notify_self(fd, READ, 2, REPEAT);
		fill(kind, fd);
		check_signal(SIG, 2);
		drain(kind, fd);
		check_no_signal(SIG);
		close(fd);
	}
}

TEST(shut_down)
{
	int kind, fd;

	block(SIG);
	for (kind = 0; kind < NR_KINDS; kind++) {
		fd = make(kind);
		notify_self(fd, SHUT, kind, 0);
		check_no_signal(SIG);
		CHECK_OK(ipcx_shutdown(fd, IPCX_SHUT_SEND));
		check_signal(SIG, kind);
		CHECK_OK(ipcx_shutdown(fd, IPCX_SHUT_RECV));
		check_no_signal(SIG);
		notify_self(fd, SHUT, 100 + kind, 0);
		check_signal(SIG, 100 + kind);
		close(fd);
	}
}

/* Each end of its own. */
TEST(shut_down_as_each_end_sees_it)
{
	int kind, fd, r, w;

	block(SIG);
	for (kind = 0; kind < NR_KINDS; kind++) {
		fd = make(kind);
		r = CHECK_OK(ipcx_restrict(fd, IPCX_READ));
		w = CHECK_OK(ipcx_restrict(fd, IPCX_WRITE));
		notify_self(r, SHUT, 1, 0);
		notify_self(w, SHUT, 2, 0);
		check_no_signal(SIG);
		CHECK_OK(ipcx_shutdown(w, IPCX_SHUT_SEND));
		check_signal(SIG, 1);
		check_signal(SIG, 2);
		check_no_signal(SIG);
		close(fd);
		close(r);
		close(w);
	}
}

/* As poll(2) has it: an end is readable, and nobody who waits for bytes is left asleep. */
TEST(a_shutdown_is_readable)
{
	int kind, fd;

	block(SIG);
	for (kind = 0; kind < NR_KINDS; kind++) {
		fd = make(kind);
		notify_self(fd, READ, kind, 0);
		CHECK_OK(ipcx_shutdown(fd, IPCX_SHUT_SEND));
		check_signal(SIG, kind);
		check_no_signal(SIG);
		close(fd);
	}
}

TEST(the_other_end_of_a_stream_has_gone)
{
	int fds[2];

	block(SIG);
	CHECK_OK(ipcx_stream_pipe(fds, 0));
	notify_self(fds[0], SHUT, 1, 0);
	check_no_signal(SIG);
	close(fds[1]);
	check_signal(SIG, 1);
	close(fds[0]);

	CHECK_OK(ipcx_stream_pipe(fds, 0));
	notify_self(fds[1], SHUT, 2, 0);
	check_no_signal(SIG);
	close(fds[0]);
	check_signal(SIG, 2);
}

static int takes_unit(void *arg)
{
	return -ipcx_sem_wait((long)arg, 1, 0, IPCX_FOREVER);
}

/* Handed over to somebody who waits: it has not become ready for anybody else. */
TEST(what_is_handed_over_is_not_there)
{
	int s = sem(0, 9), efd = new_eventfd();
	struct test_thread t;

	block(SIG);
	notify_self(s, READ, 1, REPEAT);
	CHECK_OK(ipcx_notify_eventfd(s, READ, efd, REPEAT));
	thread_start(&t, takes_unit, (void *)(long)s);
	CHECK_SOON(sem_stat(s).nr_waiters == 1);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(thread_join(&t), 0);
	check_no_signal(SIG);
	CHECK_EQ(eventfd_count(efd), 0);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(count_signals(SIG), 1);
	CHECK_EQ(eventfd_count(efd), 1);
}

static int pulses(void *arg)
{
	return ipcx_event_pulse((long)arg) < 0;
}

TEST(a_pulse_is_not_seen)
{
	int e = event(0, 0);

	block(SIG);
	notify_self(e, READ, 1, REPEAT);
	CHECK_EQ(pulses((void *)(long)e), 0);
	check_no_signal(SIG);
}

TEST(counts_in_an_eventfd)
{
	int kind, fd, efd = new_eventfd(), i;

	for (kind = 0; kind < NR_KINDS; kind++) {
		fd = make(kind);
		CHECK_OK(ipcx_notify_eventfd(fd, READ, efd, REPEAT));
		CHECK_EQ(eventfd_count(efd), 0);
		for (i = 0; i < 10; i++) {
			fill(kind, fd);
			drain(kind, fd);
		}
		CHECK_EQ(eventfd_count(efd), 10);
		close(fd);
		fd = make(kind);
		fill(kind, fd);
		CHECK_OK(ipcx_notify_eventfd(fd, READ, efd, 0));
		CHECK_EQ(eventfd_count(efd), 1);
		drain(kind, fd);
		fill(kind, fd);
		CHECK_EQ(eventfd_count(efd), 0);
		close(fd);
	}
}

/* The eventfd is kept for as long as it may be counted in, and its pollers are woken. */
TEST(a_poller_of_the_eventfd_is_woken)
{
	int s = sem(0, 9), efd = new_eventfd();
	struct pollfd p = { .fd = dup(efd), .events = POLLIN };

	CHECK_OK(ipcx_notify_eventfd(s, READ, efd, REPEAT));
	close(efd);
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(eventfd_count(p.fd), 1);
}

struct other {
	int fd, ready;
	pid_t tid;
	int signo, code;
	uint64_t value;
};

static int waits_for_signal(void *arg)
{
	struct other *o = arg;
	siginfo_t info;

	o->tid = tid();
	__atomic_store_n(&o->ready, 1, __ATOMIC_SEQ_CST);
	o->signo = take_within(SIG, &info, TEST_SOON_MS);
	if (o->signo) {
		o->value = ipcx_notify_value(&info);
		o->code = info.si_code;
	}
	return o->signo == SIG ? 0 : 1;
}

/* A thread's notice reaches that thread and no other. */
TEST(to_a_thread)
{
	struct other o = {};
	struct test_thread t;
	int s = sem(0, 9);

	block(SIG);
	thread_start(&t, waits_for_signal, &o);
	CHECK_SOON(__atomic_load_n(&o.ready, __ATOMIC_SEQ_CST));
	CHECK_OK(ipcx_notify_thread(s, READ, o.tid, SIG, 0xfedcba9876543210, 0));
	CHECK_OK(ipcx_sem_post(s, 1));
	check_no_signal(SIG);
	CHECK_EQ(thread_join(&t), 0);
	CHECK_EQ(o.value, 0xfedcba9876543210);
	CHECK_EQ(o.code, SI_MESGQ);
	/* its own */
	CHECK_OK(ipcx_notify_thread(s, READ, 0, SIG, 5, 0));
	check_signal(SIG, 5);
}

TEST(the_siginfo_of_a_process)
{
	int s = sem(1, 9);
	siginfo_t info;

	block(SIG);
	notify_self(s, READ, 0x1122334455667788, 0);
	CHECK_EQ(take_within(SIG, &info, 0), SIG);
	CHECK_EQ(info.si_signo, SIG);
	CHECK_EQ(info.si_errno, 0);
	CHECK_EQ(info.si_code, SI_ASYNCIO);
	CHECK_EQ((uintptr_t)info.si_addr, 0x1122334455667788);
	CHECK_EQ(info.si_value.sival_int, 0);
}

static struct siginfo_parts {
	int nr, code;
	uint64_t value;
} handled;

static void handler(int signo, siginfo_t *info, void *context)
{
	(void)signo, (void)context;
	handled.nr++;
	handled.code = info->si_code;
	handled.value = ipcx_notify_value(info);
}

TEST(to_a_handler)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	int s = sem(0, 9);

	CHECK_SYS(sigaction(SIGUSR1, &sa, NULL));
	CHECK_OK(ipcx_notify_process(s, READ, getpid(), SIGUSR1, 77, 0));
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(handled.nr, 1);
	CHECK_EQ(handled.value, 77);
	CHECK_OK(ipcx_notify_thread(s, READ, tid(), SIGUSR1, 78, 0));
	CHECK_EQ(handled.nr, 2);
	CHECK_EQ(handled.value, 78);
}

TEST(through_a_signalfd)
{
	int s = sem(1, 9), fd;
	struct signalfd_siginfo info;
	sigset_t set;

	block(SIG);
	sigemptyset(&set);
	sigaddset(&set, SIG);
	fd = CHECK_SYS(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
	notify_self(s, READ, 0x0123456789abcdef, 0);
	CHECK_EQ(poll_events(fd), POLLIN);
	CHECK_EQ(read(fd, &info, sizeof(info)), sizeof(info));
	CHECK_EQ(info.ssi_signo, SIG);
	CHECK_EQ(info.ssi_code, SI_ASYNCIO);
	CHECK_EQ(info.ssi_pid | (uint64_t)info.ssi_uid << 32, 0x0123456789abcdef);
	CHECK_OK(ipcx_notify_thread(s, READ, 0, SIG, 0x0123456789abcdef, 0));
	CHECK_EQ(read(fd, &info, sizeof(info)), sizeof(info));
	CHECK_EQ(info.ssi_code, SI_MESGQ);
	CHECK_EQ(info.ssi_ptr, 0x0123456789abcdef);
}

static int waits_process(void *arg)
{
	int *pipe_end = arg;
	struct other o = {};
	char x = 'x';

	block(SIG);
	CHECK_EQ(write(*pipe_end, &x, 1), 1);
	CHECK_EQ(waits_for_signal(&o), 0);
	return o.value == 99 ? 0 : 2;
}

/* Another process, by its number, by a thread's number as kill(2) has it, and by a pidfd. */
TEST(to_another_process)
{
	int s = sem(0, 99), how, p[2];
	char x;

	CHECK_SYS(pipe(p));
	for (how = 0; how < 3; how++) {
		pid_t pid = spawn(waits_process, &p[1]);
		int fd;

		CHECK_EQ(read(p[0], &x, 1), 1);
		switch (how) {
		case 0:
			CHECK_OK(ipcx_notify_process(s, READ, pid, SIG, 99, 0));
			break;
		case 1:
			CHECK_OK(ipcx_notify_thread(s, READ, pid, SIG, 99, 0));
			break;
		default:
			fd = pidfd_of(pid);
			CHECK_OK(ipcx_notify_pidfd(s, READ, fd, SIG, 99, 0));
			/* the process is meant, and not the descriptor */
			close(fd);
			break;
		}
		CHECK_OK(ipcx_sem_post(s, 1));
		CHECK_EXITS(pid, 0);
		CHECK_OK(ipcx_sem_trywait(s, 1));
	}
}

static int kills(void *arg)
{
	(void)arg;
	return hang();
}

/* A signal that ends a process ends it. */
TEST(sigkill_and_sigterm)
{
	static const int signals[] = { SIGTERM, SIGKILL, SIGKILL };
	int s = sem(0, 99), i;

	for (i = 0; i < 3; i++) {
		pid_t pid = spawn(kills, NULL);

		if (i < 2)
			CHECK_OK(ipcx_notify_process(s, READ, pid, signals[i], 0, 0));
		else
			CHECK_OK(ipcx_notify_thread(s, READ, pid, signals[i], 0, 0));
		CHECK_OK(ipcx_sem_post(s, 1));
		CHECK_KILLED_BY(pid, signals[i]);
		CHECK_OK(ipcx_sem_trywait(s, 1));
	}
}

/* A set is ready while one of its objects is; what is done to an object is done to the set. */
TEST(a_wait_set)
{
	int s = sem(0, 99), set = wait_set_of(s), efd = new_eventfd(), i;
	unsigned int index;

	block(SIG);
	notify_self(set, READ, 1, 0);
	CHECK_OK(ipcx_notify_eventfd(set, READ, efd, REPEAT));
	CHECK_OK(ipcx_notify_eventfd(s, READ, efd, REPEAT));
	check_no_signal(SIG);
	CHECK_OK(ipcx_sem_post(s, 1));
	check_signal(SIG, 1);
	CHECK_EQ(eventfd_count(efd), 2);
	CHECK_OK(ipcx_wait_set_wait(set, IPCX_NOWAIT, 0, &index));
	for (i = 0; i < 10; i++) {
		CHECK_OK(ipcx_sem_post(s, 1));
		CHECK_OK(ipcx_wait_set_wait(set, IPCX_NOWAIT, 0, &index));
	}
	CHECK_EQ(eventfd_count(efd), 20);
	/* an end is something to look at */
	notify_self(set, READ, 2, 0);
	check_no_signal(SIG);
	CHECK_OK(ipcx_shutdown(s, IPCX_SHUT_SEND));
	check_signal(SIG, 2);
	/* a set itself cannot be shut down, nor written to */
	notify_self(set, SHUT | WRITE, 3, 0);
	check_no_signal(SIG);
	CHECK_OK(ipcx_wait_set_remove(set, 0));
	CHECK_OK(ipcx_sem_post(sem(0, 1), 1));
	check_no_signal(SIG);
}

/* Several notices on one object are each sent, and each of its descriptors has its own. */
TEST(several_notices)
{
	int s = sem(0, 9), t = CHECK_OK(ipcx_restrict(s, IPCX_READ)), efd = new_eventfd(), i;

	block(SIG);
	block(SIG + 1);
	for (i = 0; i < 5; i++)
		notify_self(s, READ, i, 0);
	notify_self(t, READ, 5, REPEAT);
	CHECK_OK(ipcx_notify_process(t, READ, 0, SIG + 1, 6, 0));
	CHECK_OK(ipcx_notify_eventfd(t, READ | SHUT, efd, REPEAT));
	CHECK_OK(ipcx_sem_post(s, 1));
	for (i = 0; i < 6; i++)
		check_signal(SIG, i);
	check_signal(SIG + 1, 6);
	CHECK_EQ(eventfd_count(efd), 1);
	CHECK_OK(ipcx_sem_post(s, 1));
	check_signal(SIG, 5);
	check_no_signal(SIG);
	check_no_signal(SIG + 1);
	CHECK_EQ(eventfd_count(efd), 1);
	CHECK_OK(ipcx_shutdown(t, IPCX_SHUT_RECV));
	CHECK_EQ(eventfd_count(efd), 1);
}

/* Full: a repeating notice loses this one, one that comes once waits for the next time. */
TEST(the_queue_of_signals_is_full)
{
	struct rlimit none = { 0, 0 }, some = { 100, 100 };
	int s = sem(0, 99);

	block(SIG);
	block(SIG + 1);
	notify_self(s, READ, 1, REPEAT);
	CHECK_OK(ipcx_notify_process(s, READ, 0, SIG + 1, 2, 0));
	NEED_ROOT();
	CHECK_SYS(setrlimit(RLIMIT_SIGPENDING, &none));
	CHECK_OK(ipcx_sem_post(s, 1));
	check_no_signal(SIG);
	check_no_signal(SIG + 1);
	CHECK_SYS(setrlimit(RLIMIT_SIGPENDING, &some));
	CHECK_OK(ipcx_sem_post(s, 1));
	check_signal(SIG, 1);
	check_signal(SIG + 1, 2);
	CHECK_OK(ipcx_sem_post(s, 1));
	check_signal(SIG, 1);
	check_no_signal(SIG + 1);
}

/* Many posters at once: each of a semaphore's posts is a notice, and none is lost. */
#define POSTERS	4
#define POSTS	250

static int posts(void *arg)
{
	int i;

	for (i = 0; i < POSTS; i++)
		CHECK_OK(ipcx_sem_post((long)arg, 1));
	return 0;
}

TEST(counts_are_exact_under_many_posters)
{
	struct rlimit lots = { 10000, 10000 };
	int s = sem(0, INT_MAX), efd = new_eventfd(), i;
	pid_t pid[POSTERS];

	NEED_ROOT();
	CHECK_SYS(setrlimit(RLIMIT_SIGPENDING, &lots));
	block(SIG);
	notify_self(s, READ, 3, REPEAT);
	CHECK_OK(ipcx_notify_eventfd(s, READ, efd, REPEAT));
	for (i = 0; i < POSTERS; i++)
		pid[i] = spawn(posts, (void *)(long)s);
	for (i = 0; i < POSTERS; i++)
		CHECK_EXITS(pid[i], 0);
	CHECK_EQ(eventfd_count(efd), POSTERS * POSTS);
	CHECK_EQ(count_signals(SIG), POSTERS * POSTS);
}
