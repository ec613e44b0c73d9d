// SPDX-License-Identifier: GPL-2.0
/*
 * How long a notice lives: close, dup, fork, exec, descriptors passed on, deaths, cancelling, and all of these while it
 * is being sent.  Were it broken, a signal would come for something that nobody waits for any more, or reach whoever has
 * the number of a process that has gone; or the kernel would touch what it has freed.
 */
#include "notify.h"

/* How many notices the open file has, as fdinfo tells. */
static int nr_notices(int fd)
{
	char path[64], buf[65536], *p = buf;
	int nr = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	read_text(path, buf, sizeof(buf));
	while ((p = strstr(p, "\nnotice:\t"))) {
		nr++;
		p++;
	}
	return nr;
}

TEST(ends_with_its_open_file)
{
	int kind, fd, other, copy;

	block(SIG);
	for (kind = 0; kind < NR_KINDS; kind++) {
		fd = make(kind);
		other = CHECK_OK(ipcx_restrict(fd, IPCX_READ | IPCX_WRITE));
		notify_self(other, READ, 1, REPEAT);
		CHECK_EQ(nr_notices(other), 1);
		CHECK_EQ(nr_notices(fd), 0);
		copy = CHECK_SYS(dup(other));
		CHECK_EQ(nr_notices(copy), 1);
		close(other);
		fill(kind, fd);
		check_signal(SIG, 1);
		close(copy);
		drain(kind, fd);
		fill(kind, fd);
		check_no_signal(SIG);
		close(fd);
	}
}

static int holds_descriptor(void *arg)
{
	char x;

	return read((long)arg, &x, 1) != 0;
}

/* A child shares the open file; the notice goes on to who it was for. */
TEST(kept_by_a_child)
{
	int s = sem(0, 99), other = CHECK_OK(ipcx_restrict(s, IPCX_READ)), p[2];
	pid_t pid;

	block(SIG);
	CHECK_SYS(pipe2(p, O_CLOEXEC));
	notify_self(other, READ, 1, REPEAT);
	fflush(NULL);
	pid = CHECK_SYS(fork());
	if (!pid) {
		close(p[1]);
		_exit(holds_descriptor((void *)(long)p[0]));
	}
	close(other);
	CHECK_OK(ipcx_sem_post(s, 1));
	check_signal(SIG, 1);
	close(p[1]);
	CHECK_EXITS(pid, 0);
	CHECK_SOON(object_stat(s).users == 1);
	CHECK_OK(ipcx_sem_post(s, 1));
	check_no_signal(SIG);
}

/* The child is not the one that was meant, even though it has the descriptor. */
TEST(a_child_is_not_signalled)
{
	int s = sem(0, 99);
	pid_t pid;

	block(SIG);
	notify_self(s, READ, 1, REPEAT);
	fflush(NULL);
	pid = CHECK_SYS(fork());
	if (!pid) {
		CHECK_OK(ipcx_sem_post(s, 1));
		check_no_signal(SIG);
		_exit(0);
	}
	CHECK_EXITS(pid, 0);
	check_signal(SIG, 1);
}

static bool is_pending(pid_t pid, int signo)
{
	char path[64], buf[4096], *p;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	read_text(path, buf, sizeof(buf));
	p = strstr(buf, "ShdPnd:");
	CHECK(p);
	return strtoull(p + 7, NULL, 16) >> (signo - 1) & 1;
}

/* Asks for a notice to itself on a descriptor of its own, and executes a program that waits for its input. */
static void run_after_exec(int s, bool keep, int input)
{
	int own = CHECK_OK(ipcx_restrict(s, IPCX_READ));

	block(SIG);
	notify_self(own, READ, 1, REPEAT);
	if (keep)
		CHECK_SYS(fcntl(own, F_SETFD, 0));
	CHECK_SYS(dup2(input, 0));
	execlp("cat", "cat", NULL);
	FAIL("cannot run cat: %s", strerror(errno));
}

static pid_t exec_child(int s, bool keep, int *input)
{
	pid_t pid;
	int p[2];

	CHECK_SYS(pipe2(p, O_CLOEXEC));
	fflush(NULL);
	pid = CHECK_SYS(fork());
	if (!pid)
		run_after_exec(s, keep, p[0]);
	close(p[0]);
	*input = p[1];
	CHECK_SOON(task_is_blocked_in(pid, SYS_read));
	return pid;
}

/* Executing a program closes the descriptor, if nobody saw to it that it stays. */
TEST(exec)
{
	int s = sem(0, 99), input;
	pid_t pid;

	pid = exec_child(s, false, &input);
	CHECK_EQ(object_stat(s).users, 1);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK(!is_pending(pid, SIG));
	close(input);
	CHECK_EXITS(pid, 0);

	pid = exec_child(s, true, &input);
	CHECK_EQ(object_stat(s).users, 2);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK(is_pending(pid, SIG));
	close(input);
	CHECK_EXITS(pid, 0);
}

static int asks_for_parent(void *arg)
{
	int sock = (long)arg, s = recv_fd(sock), own = CHECK_OK(ipcx_restrict(s, IPCX_READ));

	CHECK_OK(ipcx_notify_process(own, READ, getppid(), SIG, 21, REPEAT));
	send_fd(sock, own);
	return 0;
}

/* Who asked has died, and the descriptor has been passed on: the notice goes on for who holds it. */
TEST(who_asked_has_died)
{
	int s = sem(0, 99), sock[2], own;
	pid_t pid;

	block(SIG);
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	pid = spawn(asks_for_parent, (void *)(long)sock[1]);
	send_fd(sock[0], s);
	CHECK_EXITS(pid, 0);
	/* also while it is nobody's, on its way */
	CHECK_OK(ipcx_sem_post(s, 1));
	check_signal(SIG, 21);
	own = recv_fd(sock[0]);
	CHECK_OK(ipcx_sem_post(s, 1));
	check_signal(SIG, 21);
	CHECK_EQ(nr_notices(own), 1);
	close(own);
	CHECK_OK(ipcx_sem_post(s, 1));
	check_no_signal(SIG);
}

static int hangs(void *arg)
{
	(void)arg;
	block(SIG);
	return hang();
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
}

/* A notice ends with its target, as soon as it would be sent. */
TEST(the_target_has_died)
{
	int s = sem(0, 99);
	uint64_t before;
	pid_t pid;

	before = own_account();
	pid = spawn(hangs, NULL);
	CHECK_OK(ipcx_notify_process(s, READ, pid, SIG, 0, REPEAT));
	CHECK_OK(ipcx_notify_thread(s, READ, pid, SIG, 0, REPEAT));
	CHECK_EQ(nr_notices(s), 2);
	CHECK_GT(used_bytes(), before);
	end(pid);
	CHECK_EQ(nr_notices(s), 2);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(nr_notices(s), 0);
	CHECK_EQ(used_bytes(), before);
	CHECK_ERR(ipcx_notify_process(s, READ, pid, SIG, 0, 0), ESRCH);
	CHECK_ERR(ipcx_notify_thread(s, READ, pid, SIG, 0, 0), ESRCH);
}

/* The next process with the same number is somebody else. */
TEST(the_number_of_the_target_is_used_again)
{
	static const char path[] = "/proc/sys/kernel/ns_last_pid";
	int s = sem(0, 99), tries;
	pid_t pid, next = 0;
	char text[32];

	NEED_ROOT();
	if (access(path, W_OK))
		SKIP("the next process's number cannot be chosen here");
	pid = spawn(hangs, NULL);
	CHECK_OK(ipcx_notify_process(s, READ, pid, SIG, 0, REPEAT));
	CHECK_OK(ipcx_notify_thread(s, READ, pid, SIG, 0, REPEAT));
	end(pid);
	for (tries = 0; tries < 20; tries++) {
		snprintf(text, sizeof(text), "%d", pid - 1);
		write_text(path, text);
		next = spawn(hangs, NULL);
		if (next == pid)
			break;
		end(next);
	}
	if (next != pid)
		SKIP("the number was not to be had");
	CHECK_SOON(task_is_blocked(next));
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK(!is_pending(next, SIG));
	CHECK_EQ(nr_notices(s), 0);
	end(next);
}

static int sleeps_as_thread(void *arg)
{
	char x;

	return read((long)arg, &x, 1) != 0;
}

TEST(a_thread_has_ended)
{
	int s = sem(0, 99), p[2];
	struct test_thread t;

	block(SIG);
	CHECK_SYS(pipe(p));
	thread_start(&t, sleeps_as_thread, (void *)(long)p[0]);
	CHECK_OK(ipcx_notify_thread(s, READ, t.tid, SIG, 0, REPEAT));
	/* as kill(2) has it: the process of a thread is meant */
	CHECK_OK(ipcx_notify_process(s, READ, t.tid, SIG, 31, REPEAT));
	close(p[1]);
	thread_join(&t);
	CHECK_SOON(syscall(SYS_tgkill, getpid(), t.tid, 0) && errno == ESRCH);
	CHECK_OK(ipcx_sem_post(s, 1));
	check_signal(SIG, 31);
	check_no_signal(SIG);
	CHECK_EQ(nr_notices(s), 1);
}

/* ---- cancelling ---- */

TEST(cancel)
{
	int s = sem(0, 99), other = CHECK_OK(ipcx_restrict(s, IPCX_READ)), copy = dup(s);
	int64_t a, b, c;

	block(SIG);
	CHECK_ERR(ipcx_notify_cancel(s, 1), ENOENT);
	a = notify_self(s, READ, 1, REPEAT);
	b = notify_self(s, READ, 2, 0);
	c = notify_self(other, READ, 3, 0);
	CHECK(a > 0 && b > 0 && c > 0 && a != b && b != c && a != c);
	/* it is another open file's */
	CHECK_ERR(ipcx_notify_cancel(s, c), ENOENT);
	CHECK_ERR(ipcx_notify_cancel(other, a), ENOENT);
	CHECK_ERR(ipcx_notify_cancel(s, 0), ENOENT);
	CHECK_ERR(ipcx_notify_cancel(s, c + 1), ENOENT);
	CHECK_ERR(ipcx_notify_cancel(s, UINT64_MAX), ENOENT);
	CHECK_OK(ipcx_notify_cancel(copy, a));
	CHECK_ERR(ipcx_notify_cancel(s, a), ENOENT);
	CHECK_OK(ipcx_sem_post(s, 1));
	check_signal(SIG, 2);
	check_signal(SIG, 3);
	check_no_signal(SIG);
	/* sent */
	CHECK_ERR(ipcx_notify_cancel(s, b), ENOENT);
	CHECK_ERR(ipcx_notify_cancel(other, c), ENOENT);
}

struct posting {
	int fd;
	int stop;
};

/* How many rounds a race is given, on a machine however slow. */
#define ROUNDS	1000
#define RACE_NS	3000000000ull

static int posts_until_stopped(void *arg)
{
	struct posting *p = arg;

	while (!__atomic_load_n(&p->stop, __ATOMIC_SEQ_CST)) {
		CHECK_OK(ipcx_sem_post(p->fd, 1));
		CHECK_OK(ipcx_sem_trywait(p->fd, 1));
	}
	return 0;
}

/* Sent or cancelled, never both and never neither; and nothing comes after a cancel. */
TEST(cancel_against_send)
{
	struct posting p = { .fd = sem(0, 99) };
	int s = CHECK_OK(ipcx_restrict(p.fd, IPCX_READ)), i, sent = 0;
	uint64_t end = test_now_ns() + RACE_NS;
	struct test_thread t;

	block(SIG);
	thread_start(&t, posts_until_stopped, &p);
	for (i = 0; i < ROUNDS && test_now_ns() < end; i++) {
		int64_t id = notify_self(s, READ, i, 0);
		int ret;

		if (test_random_below(2))
			sched_yield();
		ret = ipcx_notify_cancel(s, id);
		if (ret) {
			CHECK_EQ(ret, -ENOENT);
			check_signal(SIG, i);
			sent++;
		}
		check_no_signal(SIG);
	}
	__atomic_store_n(&p.stop, 1, __ATOMIC_SEQ_CST);
	CHECK_EQ(thread_join(&t), 0);
	NOTE("%d of %d were sent", sent, i);
}

/* The last descriptor is closed while others make the object ready. */
TEST(close_against_send)
{
	struct posting p = { .fd = sem(0, 99) };
	int i, efd = new_eventfd(), j;
	uint64_t end = test_now_ns() + RACE_NS;
	struct test_thread t[2];

	block(SIG);
	for (i = 0; i < 2; i++)
		thread_start(&t[i], posts_until_stopped, &p);
	for (i = 0; i < ROUNDS && test_now_ns() < end; i++) {
		int s = CHECK_OK(ipcx_restrict(p.fd, IPCX_READ));

		for (j = 0; j < 3; j++) {
			CHECK_OK(ipcx_notify_eventfd(s, READ, efd, j ? 0 : REPEAT));
			CHECK_OK(ipcx_notify_process(s, READ, 0, SIGURG, i, j ? 0 : REPEAT));
		}
		if (test_random_below(2))
			sched_yield();
		close(s);
		/* close(2) has returned: it is over */
		CHECK_EQ(object_stat(p.fd).users, 1);
		CHECK_EQ(nr_notices(p.fd), 0);
	}
	__atomic_store_n(&p.stop, 1, __ATOMIC_SEQ_CST);
	NOTE("%d rounds", i);
	for (i = 0; i < 2; i++)
		CHECK_EQ(thread_join(&t[i]), 0);
	NOTE("%llu counted", (unsigned long long)eventfd_count(efd));
	CHECK_OK(ipcx_sem_post(p.fd, 1));
	CHECK_EQ(eventfd_count(efd), 0);
}

static int asks_and_is_killed(void *arg)
{
	int s = (long)arg, efd = new_eventfd();

	block(SIG);
	for (;;) {
		int own = CHECK_OK(ipcx_restrict(s, IPCX_READ)), i;
		int64_t id = 0;

		for (i = 0; i < 8; i++) {
			id = notify_self(own, READ, i, i & 1 ? REPEAT : 0);
			CHECK_OK(ipcx_notify_eventfd(own, READ, efd, REPEAT));
		}
		ipcx_notify_cancel(own, id);
		count_signals(SIG);
		close(own);
	}
	return 0;
}

/* Killed at any point, it leaves no notice and no charge. */
TEST(killed_at_random)
{
	struct posting p;
	struct test_thread t;
	uint64_t before;
	int i;

	before = own_account();
	p = (struct posting){ .fd = sem(0, 99) };
	thread_start(&t, posts_until_stopped, &p);
	for (i = 0; i < 30; i++) {
		pid_t pid = spawn(asks_and_is_killed, (void *)(long)p.fd);

		test_pause_ms(test_random_below(20));
		end(pid);
	}
	__atomic_store_n(&p.stop, 1, __ATOMIC_SEQ_CST);
	CHECK_EQ(thread_join(&t), 0);
	CHECK_SOON(object_stat(p.fd).users == 1);
	close(p.fd);
	CHECK_SOON(used_bytes() == before);
}

static int asks_by_name(void *arg)
{
	siginfo_t info;
	int s;

	(void)arg;
	block(SIG);
	s = CHECK_OK(ipcx_open("lamp", IPCX_KIND_EVENT, IPCX_READ, 0));
	notify_self(s, READ, getpid(), 0);
	CHECK_EQ(take_within(SIG, &info, TEST_SOON_MS), SIG);
	CHECK_EQ(ipcx_notify_value(&info), getpid());
	return 0;
}

/* Several processes that know nothing but a name, and none of the others. */
TEST(a_named_object_and_several_processes)
{
	struct ipcx_options o = { .mode = 0644, .flags = IPCX_EVENT_MANUAL };
	pid_t pid[5];
	int e, i;

	own_names();
	e = CHECK_OK(ipcx_event_create("lamp", 0, &o));
	for (i = 0; i < 5; i++)
		pid[i] = spawn_as(i & 1 ? TEST_UID_ALICE : TEST_UID_BOB, asks_by_name, NULL);
	for (i = 0; i < 5; i++)
		CHECK_SOON(task_is_blocked_in(pid[i], SYS_rt_sigtimedwait));
	CHECK_OK(ipcx_event_set(e));
	for (i = 0; i < 5; i++)
		CHECK_EXITS(pid[i], 0);
	CHECK_OK(ipcx_unlink("lamp"));
}

/* ---- memory ---- */

/* The user who asks pays, and not the owner of the object; until it is sent, cancelled or closed. */
static int asks_and_pays(void *arg)
{
	int s = (long)arg, efd = new_eventfd(), i;
	uint64_t before = used_bytes();
	int64_t id;

	CHECK_EQ(before, 0);
	id = CHECK_OK(ipcx_notify_eventfd(s, READ, efd, REPEAT));
	CHECK_EQ(used_bytes(), 256);
	CHECK_OK(ipcx_notify_cancel(s, id));
	CHECK_EQ(used_bytes(), 0);
	for (i = 0; i < 10; i++)
		CHECK_OK(ipcx_notify_eventfd(s, READ, efd, 0));
	CHECK_EQ(used_bytes(), 2560);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(used_bytes(), 0);
	CHECK_OK(ipcx_notify_eventfd(s, READ, efd, REPEAT));
	CHECK_EQ(used_bytes(), 256);
	return 0;
}

TEST(who_asks_is_charged)
{
	uint64_t before, charged;
	uid_t uid = 200000 + getpid();
	int s;

	before = own_account();
	s = sem(0, 99);
	charged = used_bytes();
	CHECK_GT(charged, before);
	CHECK_EXITS(spawn_as(uid, asks_and_pays, (void *)(long)s), 0);
	CHECK_EQ(used_bytes(), charged);
	CHECK_EQ(object_stat(s).charged, charged - before);
	setfsuid(uid);
	/* the open file is ours as well, and keeps the last one */
	CHECK_EQ(used_bytes(), 256);
	close(s);
	CHECK_EQ(used_bytes(), 0);
}

TEST(no_more_than_so_many)
{
	int s = sem(0, 99), other = CHECK_OK(ipcx_restrict(s, IPCX_READ)), efd = new_eventfd(), i;
	struct ipcx_notify arg;
	int64_t id = 0;

	for (i = 0; i < IPCX_NOTIFY_MAX; i++)
		id = CHECK_OK(ipcx_notify_eventfd(i & 1 ? s : other, READ, efd, REPEAT));
	memset(&arg, 0, sizeof(arg));
	arg.size = sizeof(arg);
	arg.ready = READ;
	arg.how = IPCX_NOTIFY_EVENTFD;
	arg.target = efd;
	CHECK_ERR(call(s, IPCX_NOTIFY, &arg), EBUSY);
	CHECK_EQ(arg.id, 0);
	CHECK_SYS_ERR(fcntl(s, F_SETFL, O_ASYNC), EBUSY);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(eventfd_count(efd), IPCX_NOTIFY_MAX);
	CHECK_OK(ipcx_notify_cancel(s, id));
	CHECK_OK(ipcx_notify_eventfd(s, WRITE, efd, REPEAT));
	CHECK_ERR(ipcx_notify_eventfd(s, WRITE, efd, REPEAT), EBUSY);
	/* half of them were another open file's */
	close(other);
	for (i = 0; i < IPCX_NOTIFY_MAX / 2; i++)
		CHECK_OK(ipcx_notify_eventfd(s, SHUT, efd, REPEAT));
	CHECK_ERR(ipcx_notify_eventfd(s, SHUT, efd, REPEAT), EBUSY);
}
