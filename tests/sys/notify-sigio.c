// SPDX-License-Identifier: GPL-2.0
/*
 * SIGIO: fcntl(2) with O_ASYNC, F_SETOWN, F_SETOWN_EX and F_SETSIG, as on a pipe or a socket.  Were it broken, a
 * program that is driven by signals would miss its input.
 */
#include "notify.h"

#include <sys/file.h>

#ifndef F_SETSIG
#define F_SETSIG 10
#endif

static void set_async(int fd, bool on)
{
	int flags = CHECK_SYS(fcntl(fd, F_GETFL));

	CHECK_SYS(fcntl(fd, F_SETFL, on ? flags | O_ASYNC : flags & ~O_ASYNC));
}

/* From here on this process gets @signo when something happens to @fd; 0: SIGIO. */
static void watch(int fd, int signo)
{
	block(signo ? signo : SIGIO);
	CHECK_SYS(fcntl(fd, F_SETOWN, getpid()));
	if (signo)
		CHECK_SYS(fcntl(fd, F_SETSIG, signo));
	set_async(fd, true);
}

static void check_band(int signo, int code, int fd)
{
	siginfo_t info;

	if (!take_within(signo, &info, TEST_SOON_MS))
		FAIL("no signal %d", signo);
	CHECK_EQ(info.si_code, code);
	CHECK_EQ(info.si_fd, fd);
	switch (code) {
	case POLL_IN:
		CHECK_EQ(info.si_band, POLLIN | POLLRDNORM);
		break;
	case POLL_OUT:
		CHECK_EQ(info.si_band, POLLOUT | POLLWRNORM | POLLWRBAND);
		break;
	default:
		CHECK_EQ(info.si_band, POLLHUP | POLLERR);
		break;
	}
}

TEST(sigio_when_there_is_input)
{
	int kind, fd;

	for (kind = 0; kind < NR_KINDS; kind++) {
		fd = make(kind);
		watch(fd, 0);
		check_no_signal(SIGIO);
		fill(kind, fd);
		CHECK_EQ(count_signals(SIGIO), 1);
		drain(kind, fd);
		count_signals(SIGIO);
		set_async(fd, false);
		fill(kind, fd);
		check_no_signal(SIGIO);
		drain(kind, fd);
		set_async(fd, true);
		fill(kind, fd);
		CHECK_EQ(count_signals(SIGIO), 1);
		close(fd);
	}
}

TEST(each_end_hears_of_its_direction)
{
	int kind, fd, r, w;

	for (kind = 0; kind < NR_KINDS; kind++) {
		fd = make(kind);
		r = CHECK_OK(ipcx_restrict(fd, IPCX_READ));
		w = CHECK_OK(ipcx_restrict(fd, IPCX_WRITE));
		watch(r, SIG);
		watch(w, SIG + 1);
		fill(kind, w);
		check_band(SIG, POLL_IN, r);
		check_no_signal(SIG + 1);
		if (kind != EVENT) {
			/* full, so that room is something new */
			if (kind == STREAM) {
				static char rest[PAGE];

				CHECK_EQ(write(w, rest, PAGE - 1), PAGE - 1);
				CHECK_EQ(read(r, rest, PAGE), PAGE);
			} else {
				fill(kind, w);
				drain(kind, r);
			}
			CHECK_EQ(count_signals(SIG), 1);
			check_band(SIG + 1, POLL_OUT, w);
			check_no_signal(SIG + 1);
		}
		CHECK_OK(ipcx_shutdown(w, IPCX_SHUT_SEND));
		check_band(SIG, POLL_HUP, r);
		check_band(SIG + 1, POLL_HUP, w);
		check_no_signal(SIG);
		check_no_signal(SIG + 1);
		close(r);
		close(w);
		close(fd);
	}
}

TEST(a_wait_set)
{
	int s = sem(0, 99), set = wait_set_of(s);

	watch(set, SIG);
	CHECK_OK(ipcx_sem_post(s, 1));
	check_band(SIG, POLL_IN, set);
	check_no_signal(SIG);
	CHECK_OK(ipcx_sem_trywait(s, 1));
	check_no_signal(SIG);
}

TEST(the_other_end_of_a_stream_goes)
{
	int fds[2], copy;

	CHECK_OK(ipcx_stream_pipe(fds, 0));
	copy = CHECK_OK(ipcx_restrict(fds[1], IPCX_WRITE));
	watch(fds[0], SIG);
	close(copy);
	check_no_signal(SIG);
	close(fds[1]);
	check_band(SIG, POLL_HUP, fds[0]);
	check_no_signal(SIG);
}

/* A queued signal is one for each time. */
TEST(one_for_each_time)
{
	int s = sem(0, 99), i;

	watch(s, SIG);
	for (i = 0; i < 10; i++)
		CHECK_OK(ipcx_sem_post(s, 1));
	for (i = 0; i < 10; i++)
		check_band(SIG, POLL_IN, s);
	check_no_signal(SIG);
}

static int takes_unit(void *arg)
{
	return -ipcx_sem_wait((long)arg, 1, 0, IPCX_FOREVER);
}

TEST(what_is_handed_over_is_no_input)
{
	struct test_thread t;
	int s = sem(0, 99);

	watch(s, SIG);
	thread_start(&t, takes_unit, (void *)(long)s);
	CHECK_SOON(sem_stat(s).nr_waiters == 1);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(thread_join(&t), 0);
	check_no_signal(SIG);
}

TEST(to_a_handler)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	int s = sem(0, 99);
	pid_t pid;

	fflush(NULL);
	pid = CHECK_SYS(fork());
	if (!pid) {
		/* SIGIO ends who does not handle it */
		CHECK_SYS(sigaction(SIGIO, &sa, NULL));
		CHECK_SYS(fcntl(s, F_SETOWN, getpid()));
		set_async(s, true);
		CHECK_OK(ipcx_sem_post(s, 1));
		_exit(0);
	}
	CHECK_KILLED_BY(pid, SIGIO);
}

static int waits_for_io(void *arg)
{
	siginfo_t info;

	__atomic_store_n((int *)arg, tid(), __ATOMIC_SEQ_CST);
	return take_within(SIG, &info, TEST_SOON_MS) == SIG ? 0 : 1;
}

TEST(to_a_thread)
{
	struct f_owner_ex owner = { .type = F_OWNER_TID };
	struct test_thread t;
	int s = sem(0, 99), thread = 0;

	block(SIG);
	thread_start(&t, waits_for_io, &thread);
	CHECK_SOON(__atomic_load_n(&thread, __ATOMIC_SEQ_CST));
	owner.pid = thread;
	CHECK_SYS(fcntl(s, F_SETOWN_EX, &owner));
	CHECK_SYS(fcntl(s, F_SETSIG, SIG));
	set_async(s, true);
	CHECK_OK(ipcx_sem_post(s, 1));
	check_no_signal(SIG);
	CHECK_EQ(thread_join(&t), 0);
}

static int hangs(void *arg)
{
	(void)arg;
	block(SIG);
	return hang();
}

static bool is_pending(pid_t pid)
{
	char path[64], buf[4096], *p;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	read_text(path, buf, sizeof(buf));
	p = strstr(buf, "ShdPnd:");
	CHECK(p);
	return strtoull(p + 7, NULL, 16) >> (SIG - 1) & 1;
}

/* The kernel asks what kill(2) would, of who set the owner. */
TEST(a_stranger_gets_nothing)
{
	pid_t root, alice, group;
	int s = sem(0, 99), mine, i;

	NEED_ROOT();
	root = spawn(hangs, NULL);
	alice = spawn_as(TEST_UID_ALICE, hangs, NULL);
	group = spawn_as(TEST_UID_BOB, hangs, NULL);
	CHECK_BLOCKS(root);
	CHECK_BLOCKS(alice);
	CHECK_BLOCKS(group);
	as_user(TEST_UID_ALICE);
	for (i = 0; i < 3; i++) {
		mine = CHECK_OK(ipcx_restrict(s, IPCX_READ));
		CHECK_SYS(fcntl(mine, F_SETOWN, i == 0 ? root : i == 1 ? group : alice));
		CHECK_SYS(fcntl(mine, F_SETSIG, SIG));
		set_async(mine, true);
	}
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK(is_pending(alice));
	CHECK(!is_pending(root));
	CHECK(!is_pending(group));
}

TEST(ends_with_its_open_file)
{
	int s = sem(0, 99), r = CHECK_OK(ipcx_restrict(s, IPCX_READ)), copy;

	watch(r, SIG);
	copy = dup(r);
	close(r);
	CHECK_OK(ipcx_sem_post(s, 1));
	/* the descriptor for which it was switched on */
	check_band(SIG, POLL_IN, r);
	close(copy);
	CHECK_OK(ipcx_sem_post(s, 1));
	check_no_signal(SIG);
}

/* A descriptor to look with hears of the end, and of nothing else. */
TEST(a_descriptor_without_rights)
{
	struct ipcx_options o = { .mode = 0600 };
	int s, look;

	own_names();
	s = CHECK_OK(ipcx_sem_create("s", 0, 9, &o));
	look = CHECK_OK(ipcx_open("s", IPCX_KIND_SEM, 0, IPCX_OPEN_LOOK));
	watch(look, SIG);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_OK(ipcx_sem_trywait(s, 1));
	check_no_signal(SIG);
	CHECK_OK(ipcx_shutdown(s, IPCX_SHUT_RECV));
	check_band(SIG, POLL_HUP, look);
}

struct racing {
	int fd;
	int stop;
};

static int switches(void *arg)
{
	struct racing *r = arg;
	int i;

	for (i = 0; i < 500; i++)
		set_async(r->fd, i & 1);
	return 0;
}

static int posts(void *arg)
{
	struct racing *r = arg;

	while (!__atomic_load_n(&r->stop, __ATOMIC_SEQ_CST)) {
		CHECK_OK(ipcx_sem_post(r->fd, 1));
		CHECK_OK(ipcx_sem_trywait(r->fd, 1));
	}
	return 0;
}

/* Switched by several threads, and closed, while it is being sent. */
TEST(switched_and_closed_while_it_is_sent)
{
	struct test_thread poster, t[2];
	struct racing r = {};
	uint64_t before;
	int round, i;

	own_account();
	r.fd = sem(0, 99);
	before = used_bytes();
	signal(SIGIO, SIG_IGN);
	thread_start(&poster, posts, &r);
	for (round = 0; round < 10; round++) {
		struct racing own = { .fd = CHECK_OK(ipcx_restrict(r.fd, IPCX_READ)) };

		CHECK_SYS(fcntl(own.fd, F_SETOWN, getpid()));
		for (i = 0; i < 2; i++)
			thread_start(&t[i], switches, &own);
		for (i = 0; i < 2; i++)
			CHECK_EQ(thread_join(&t[i]), 0);
		set_async(own.fd, round & 1);
		close(own.fd);
		CHECK_EQ(object_stat(r.fd).users, 1);
	}
	__atomic_store_n(&r.stop, 1, __ATOMIC_SEQ_CST);
	CHECK_EQ(thread_join(&poster), 0);
	CHECK_EQ(used_bytes(), before);
}
