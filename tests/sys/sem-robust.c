// SPDX-License-Identifier: GPL-2.0
/*
 * Robust semaphores: units come back when their holder's address space ends, by any death, and only then.
 * Were it broken, a crashed worker would block the others for ever, or a living one lose its units.
 */
#include "object.h"

/* One page that parent and children share. */
static struct shared {
	int fd, ready, go, result;
	pid_t waiter;
} *shared;

static void set_up(unsigned int initial, unsigned int max)
{
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	shared->fd = robust_sem(initial, max);
}

#define LOAD(x)		__atomic_load_n(&shared->x, __ATOMIC_SEQ_CST)
#define STORE(x, v)	__atomic_store_n(&shared->x, v, __ATOMIC_SEQ_CST)

static void check_sem(unsigned int count, unsigned int held)
{
	struct ipcx_sem_stat st = sem_stat(shared->fd);

	CHECK_EQ(st.count, count);
	CHECK_EQ(st.held, held);
}

static void take(unsigned int nr)
{
	CHECK_OK(ipcx_sem_wait(shared->fd, nr, 0, ipcx_after_ms(TEST_SOON_MS)));
}

static int exits(void *arg)
{
	(void)arg;
	take(2);
	check_sem(1, 2);
	return 0;
}

TEST(exit_returns_them)
{
	set_up(3, 9);
	CHECK_EXITS(spawn(exits, NULL), 0);
	check_sem(3, 0);
	CHECK_EQ(object_stat(shared->fd).state, IPCX_OBJECT_ROBUST);
}

static int holds(void *arg)
{
	take((long)arg);
	STORE(ready, 1);
	return hang();
}

TEST(kill_returns_them_before_the_child_is_reaped)
{
	siginfo_t si;
	pid_t pid;
	int i;

	set_up(3, 9);
	for (i = 0; i < 20; i++) {
		STORE(ready, 0);
		pid = spawn(holds, (void *)2l);
		CHECK_SOON(LOAD(ready));
		check_sem(1, 2);
		kill(pid, SIGKILL);
		/* it can be waited for, and has not been */
		CHECK_SYS(waitid(P_PID, pid, &si, WEXITED | WNOWAIT));
		check_sem(3, 0);
		CHECK_KILLED_BY(pid, SIGKILL);
	}
}

static int crashes(void *arg)
{
	struct { unsigned long cur, max; } none = { 0, 0 };

	(void)arg;
	take(1);
	syscall(SYS_prlimit64, 0, 4 /* RLIMIT_CORE */, &none, NULL);
	raise(SIGSEGV);
	return 0;
}

TEST(a_crash_returns_them)
{
	set_up(3, 9);
	CHECK_KILLED_BY(spawn(crashes, NULL), SIGSEGV);
	check_sem(3, 0);
}

/* This program again, with one of its cases, and without its output. */
static void exec_case(const char *name)
{
	dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
	execl("/proc/self/exe", "sem-robust", name, NULL);
	_exit(99);
}

static int execs(void *arg)
{
	(void)arg;
	take(2);
	/* an inherited descriptor changes nothing */
	fcntl(shared->fd, F_SETFD, 0);
	exec_case("stays_after_exec");
	return 0;
}

TEST(exec_returns_them)
{
	set_up(3, 9);
	CHECK_EXITS(spawn(execs, NULL), 0);
	check_sem(3, 0);
}

/* Also while the process lives on as another program. */
static int execs_and_stays(void *arg)
{
	(void)arg;
	take(2);
	STORE(ready, 1);
	setenv("IPCX_TEST_HANG", "1", 1);
	exec_case("stays_after_exec");
	return 0;
}

TEST(exec_returns_them_at_once)
{
	pid_t pid;

	set_up(3, 9);
	pid = spawn(execs_and_stays, NULL);
	CHECK_SOON(LOAD(ready));
	CHECK_SOON(sem_stat(shared->fd).count == 3);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
	check_sem(3, 0);
}

/* Run by the case above; by itself it has nothing to do. */
TEST(stays_after_exec)
{
	if (getenv("IPCX_TEST_HANG"))
		hang();
}

static int takes_in_a_thread(void *arg)
{
	(void)arg;
	take(2);
	return 0;
}

TEST(the_end_of_a_thread_does_not)
{
	struct test_thread t;

	set_up(3, 9);
	thread_start(&t, takes_in_a_thread, NULL);
	CHECK_EQ(thread_join(&t), 0);
	check_sem(1, 2);
	/* the process has them: another of its threads gives them back */
	CHECK_OK(ipcx_sem_post(shared->fd, 2));
	check_sem(3, 0);
}

static int posts_one(void *arg)
{
	(void)arg;
	CHECK_OK(ipcx_sem_post(shared->fd, 1));
	return 0;
}

static int just_ends(void *arg)
{
	(void)arg;
	return 0;
}

TEST(a_child_does_not_inherit_them)
{
	set_up(3, 9);
	take(2);
	CHECK_EXITS(spawn(just_ends, NULL), 0);
	check_sem(1, 2);
}

/* A vfork child has its parent's memory: neither its exit nor its exec ends that. */
TEST(vfork)
{
	int status;
	pid_t pid;

	set_up(3, 9);
	take(2);
	pid = vfork();
	if (!pid)
		_exit(0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	check_sem(1, 2);
	pid = vfork();
	if (!pid)
		exec_case("stays_after_exec");
	CHECK_EXITS(pid, 0);
	check_sem(1, 2);
}

TEST(a_post_by_another_process_leaves_the_holders_account)
{
	pid_t pid;

	set_up(1, 1);
	pid = spawn(holds, (void *)1l);
	CHECK_SOON(LOAD(ready));
	check_sem(0, 1);
	CHECK_EXITS(spawn(posts_one, NULL), 0);
	check_sem(1, 1);
	/* its unit would come back: the maximum holds */
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
	check_sem(1, 0);
}

static int posts(void *arg)
{
	CHECK_OK(ipcx_sem_post(shared->fd, (long)arg));
	return 0;
}

static int holds_all_again_and_again(void *arg)
{
	(void)arg;
	take(INT_MAX);
	CHECK_EXITS(spawn(posts, (void *)(long)INT_MAX), 0);
	take(INT_MAX);
	CHECK_EXITS(spawn(posts, (void *)2l), 0);
	take(2);
	STORE(ready, 1);
	return hang();
}

/* What others post in its place stays on its account, which so has no bound. */
TEST(an_account_of_more_than_32_bits)
{
	pid_t pid;

	set_up(INT_MAX, INT_MAX);
	pid = spawn(holds_all_again_and_again, NULL);
	CHECK_SOON(LOAD(ready));
	/* as much as it can tell */
	check_sem(0, UINT_MAX);
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
	check_sem(INT_MAX, 0);
}

static int posts_more_than_it_holds(void *arg)
{
	(void)arg;
	take(1);
	CHECK_OK(ipcx_sem_post(shared->fd, 3));
	check_sem(5, 0);
	return 0;
}

TEST(posting_more_than_one_holds)
{
	set_up(3, 9);
	CHECK_EXITS(spawn(posts_more_than_it_holds, NULL), 0);
	check_sem(5, 0);
}

TEST(a_failed_post_settles_nothing)
{
	set_up(9, 9);
	take(2);
	CHECK_ERR(ipcx_sem_post(shared->fd, 3), EOVERFLOW);
	check_sem(7, 2);
	CHECK_ERR(ipcx_sem_trywait(shared->fd, 8), EAGAIN);
	check_sem(7, 2);
}

static int waits_for(void *arg)
{
	STORE(waiter, getpid());
	take((long)arg);
	return 0;
}

TEST(waiters_get_the_units_of_the_dead)
{
	pid_t holder, waiter;

	set_up(2, 2);
	holder = spawn(holds, (void *)2l);
	CHECK_SOON(LOAD(ready));
	waiter = spawn(waits_for, (void *)2l);
	CHECK_SOON(sem_stat(shared->fd).nr_waiters == 1);
	kill(holder, SIGKILL);
	CHECK_KILLED_BY(holder, SIGKILL);
	CHECK_EXITS(waiter, 0);
	check_sem(2, 0);
}

/* Handed over to somebody who dies before running again: they come back as well. */
TEST(handed_over_to_a_dying_waiter)
{
	pid_t waiter;
	int i;

	set_up(0, 9);
	for (i = 0; i < 40; i++) {
		waiter = spawn(waits_for, (void *)1l);
		CHECK_SOON(sem_stat(shared->fd).nr_waiters == 1);
		if (i & 1)
			kill(waiter, SIGKILL);
		CHECK_OK(ipcx_sem_post(shared->fd, 1));
		kill(waiter, SIGKILL);
		CHECK_NE(wait_child(waiter, TEST_SOON_MS), -1);
		check_sem(1, 0);
		CHECK_OK(ipcx_sem_trywait(shared->fd, 1));
		CHECK_OK(ipcx_sem_post(shared->fd, 1));
		CHECK_OK(ipcx_sem_trywait(shared->fd, 1));
		/* ours now: forget them, for the next round */
		check_sem(0, 1);
		close(shared->fd);
		shared->fd = robust_sem(0, 9);
	}
}

static int destroys_while_holding(void *arg)
{
	(void)arg;
	take(2);
	close(shared->fd);
	STORE(ready, 1);
	CHECK_SOON(LOAD(go));
	return 0;
}

TEST(destroyed_while_holders_live)
{
	uint64_t before = own_account();
	pid_t pid;

	set_up(3, 9);
	pid = spawn(destroys_while_holding, NULL);
	CHECK_SOON(LOAD(ready));
	check_sem(1, 2);
	close(shared->fd);
	CHECK_EQ(used_bytes(), before);
	STORE(go, 1);
	CHECK_EXITS(pid, 0);
}

/* The last reference is dropped and the holder dies at the same time, on two processors. */
static int holds_named(void *arg)
{
	int fd = CHECK_OK(ipcx_open("short-lived", IPCX_KIND_SEM, 0, 0));

	(void)arg;
	CHECK_OK(ipcx_sem_trywait(fd, 1));
	close(fd);
	STORE(ready, 1);
	while (!LOAD(go))
		;
	_exit(0);
}

TEST(destroyed_while_the_holder_dies)
{
	struct ipcx_options o = { .flags = IPCX_SEM_ROBUST };
	uint64_t before;
	int i;

	own_names();
	before = own_account();
	set_up(1, 1);
	close(shared->fd);
	for (i = 0; i < 60; i++) {
		pid_t pid;
		int fd = CHECK_OK(ipcx_sem_create("short-lived", 5, 5, &o));

		STORE(ready, 0);
		STORE(go, 0);
		pid = spawn(holds_named, NULL);
		while (!LOAD(ready))
			sched_yield();
		CHECK_OK(ipcx_unlink("short-lived"));
		STORE(go, 1);
		close(fd);
		CHECK_EXITS(pid, 0);
	}
	CHECK_EQ(used_bytes(), before);
}

#define MANY 200

static int *many;

static int holds_many(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < MANY; i++)
		CHECK_OK(ipcx_sem_trywait(many[i], 1 + i % 3));
	return 0;
}

TEST(a_process_with_many_of_them)
{
	int i;

	many = calloc(MANY, sizeof(*many));
	for (i = 0; i < MANY; i++)
		many[i] = robust_sem(3, 3);
	CHECK_EXITS(spawn(holds_many, NULL), 0);
	for (i = 0; i < MANY; i++) {
		CHECK_EQ(sem_stat(many[i]).count, 3);
		CHECK_EQ(sem_stat(many[i]).held, 0);
	}
}

TEST(a_semaphore_with_many_holders)
{
	pid_t pid[40];
	int i;

	set_up(100, 100);
	for (i = 0; i < 40; i++)
		pid[i] = spawn(holds, (void *)2l);
	CHECK_SOON(sem_stat(shared->fd).held == 80);
	check_sem(20, 80);
	for (i = 0; i < 40; i++)
		kill(pid[i], SIGKILL);
	for (i = 0; i < 40; i++)
		CHECK_KILLED_BY(pid[i], SIGKILL);
	check_sem(100, 0);
}

/* Two threads of one process make its account at the same time. */
TEST(threads_share_one_account)
{
	struct test_thread t[4];
	int i, round;

	for (round = 0; round < 20; round++) {
		set_up(8, 9);
		for (i = 0; i < 4; i++)
			thread_start(&t[i], takes_in_a_thread, NULL);
		for (i = 0; i < 4; i++)
			CHECK_EQ(thread_join(&t[i]), 0);
		check_sem(0, 8);
		CHECK_OK(ipcx_sem_post(shared->fd, 8));
		check_sem(8, 0);
		close(shared->fd);
	}
}

TEST(not_robust_means_not_returned)
{
	set_up(1, 1);
	close(shared->fd);
	shared->fd = sem(3, 3);
	CHECK_EQ(object_stat(shared->fd).state, 0);
	CHECK_OK(ipcx_sem_trywait(shared->fd, 1));
	check_sem(2, 0);
	CHECK_EXITS(spawn(just_ends, NULL), 0);
	STORE(ready, 0);
	pid_t pid = spawn(holds, (void *)2l);
	CHECK_SOON(LOAD(ready));
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
	check_sem(0, 0);
}

TEST(after_shutdown_units_still_come_back)
{
	pid_t pid;

	set_up(3, 3);
	pid = spawn(holds, (void *)2l);
	CHECK_SOON(LOAD(ready));
	CHECK_OK(ipcx_shutdown(shared->fd, IPCX_SHUT_SEND));
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
	check_sem(3, 0);
}
