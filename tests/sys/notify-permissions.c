// SPDX-License-Identifier: GPL-2.0
/*
 * Whom a notice may signal: whoever kill(2) would let the one who asked signal, when asking and when it is sent.  Were
 * it broken, anybody could end anybody's process through an object.
 */
#include "notify.h"

#include <linux/capability.h>

/**
 * struct target - a process that is told what to do through a socket, and answers
 * @pid: its number
 * @sock: our end
 */
struct target {
	pid_t pid;
	int sock;
};

static int order(struct target *t, char what)
{
	char answer;

	CHECK_EQ(write(t->sock, &what, 1), 1);
	CHECK_EQ(read(t->sock, &answer, 1), 1);
	return answer;
}

/* Obeys: 'n' how many signals have come, 'r' become root, 'a' alice, 'b' bob, 'p' post to @object. */
static int obeys(int sock, int object, uid_t uid)
{
	char what, answer;

	block(SIG);
	CHECK_SYS(setresuid(uid, uid, 0));
	answer = 'y';
	while (write(sock, &answer, 1) == 1 && read(sock, &what, 1) == 1) {
		switch (what) {
		case 'n':
			answer = count_signals(SIG);
			break;
		case 'p':
			answer = -ipcx_sem_post(object, 1);
			break;
		default:
			uid = what == 'r' ? 0 : what == 'a' ? TEST_UID_ALICE : TEST_UID_BOB;
			/* by way of root, which its saved user id allows */
			CHECK_SYS(setresuid(-1, 0, -1));
			CHECK_SYS(setresuid(uid, uid, 0));
			if (uid)
				CHECK_SYS(setresuid(uid, uid, 0));
			answer = 'y';
		}
	}
	return 0;
}

static struct target start_target(int object, uid_t uid)
{
	struct target t;
	char ready;
	int s[2];

	fflush(NULL);
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s));
	t.pid = CHECK_SYS(fork());
	if (!t.pid) {
		close(s[0]);
		_exit(obeys(s[1], object, uid));
	}
	close(s[1]);
	t.sock = s[0];
	CHECK_EQ(read(t.sock, &ready, 1), 1);
	return t;
}

static int64_t by(int how, int fd, pid_t pid, unsigned int flags)
{
	int64_t ret;
	int pidfd;

	switch (how) {
	case 0:
		return ipcx_notify_process(fd, READ, pid, SIG, 1, flags);
	case 1:
		return ipcx_notify_thread(fd, READ, pid, SIG, 1, flags);
	default:
		pidfd = pidfd_of(pid);
		ret = ipcx_notify_pidfd(fd, READ, pidfd, SIG, 1, flags);
		close(pidfd);
		return ret;
	}
}

#define for_each_way(how) for (how = 0; how < 3; how++)

TEST(a_stranger_cannot_be_signalled)
{
	struct target root, bob, alice;
	int s = sem(0, INT_MAX), how;

	NEED_ROOT();
	root = start_target(-1, 0);
	bob = start_target(-1, TEST_UID_BOB);
	alice = start_target(-1, TEST_UID_ALICE);
	as_user(TEST_UID_ALICE);
	CHECK_SYS_ERR(kill(root.pid, 0), EPERM);
	for_each_way(how) {
		CHECK_ERR(by(how, s, root.pid, REPEAT), EPERM);
		CHECK_ERR(by(how, s, bob.pid, REPEAT), EPERM);
		CHECK_OK(by(how, s, alice.pid, REPEAT));
	}
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(order(&root, 'n'), 0);
	CHECK_EQ(order(&bob, 'n'), 0);
	CHECK_EQ(order(&alice, 'n'), 3);
	/* nor is it found out whether what is ready would have been sent at once */
	for_each_way(how)
		CHECK_ERR(by(how, s, root.pid, 0), EPERM);
	CHECK_EQ(order(&root, 'n'), 0);
}

TEST(nothing_is_sent_to_who_has_become_somebody_else)
{
	struct target t;
	int s = sem(0, INT_MAX), how;

	NEED_ROOT();
	t = start_target(s, TEST_UID_ALICE);
	/* its saved user id is root's, its real one alice's: kill(2) permits */
	as_user(TEST_UID_ALICE);
	CHECK_SYS(kill(t.pid, 0));
	for_each_way(how)
		CHECK_OK(by(how, s, t.pid, REPEAT));
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(order(&t, 'n'), 3);
	order(&t, 'r');
	CHECK_SYS_ERR(kill(t.pid, 0), EPERM);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(order(&t, 'n'), 0);
	order(&t, 'b');
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(order(&t, 'n'), 0);
	order(&t, 'a');
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(order(&t, 'n'), 3);
}

/* Who makes the object ready does not count: not the target itself, not root. */
TEST(the_poster_does_not_count)
{
	struct target t, poster;
	int s = sem(0, INT_MAX), how;

	NEED_ROOT();
	t = start_target(s, TEST_UID_ALICE);
	poster = start_target(s, 0);
	as_user(TEST_UID_ALICE);
	for_each_way(how)
		CHECK_OK(by(how, s, t.pid, REPEAT));
	order(&t, 'r');
	CHECK_EQ(order(&t, 'p'), 0);
	CHECK_EQ(order(&t, 'n'), 0);
	CHECK_EQ(order(&poster, 'p'), 0);
	CHECK_EQ(order(&t, 'n'), 0);
	/* and not against it either: bob may not signal alice, but alice asked */
	order(&t, 'a');
	order(&poster, 'b');
	CHECK_EQ(order(&poster, 'p'), 0);
	CHECK_EQ(order(&t, 'n'), 3);
}

/* What was to come once has had its time. */
TEST(a_notice_that_may_not_be_sent_is_used_up)
{
	struct target t;
	int s = sem(0, INT_MAX);

	NEED_ROOT();
	t = start_target(s, TEST_UID_ALICE);
	as_user(TEST_UID_ALICE);
	CHECK_OK(by(0, s, t.pid, 0));
	order(&t, 'r');
	CHECK_OK(ipcx_sem_post(s, 1));
	order(&t, 'a');
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(order(&t, 'n'), 0);
}

/* The only capability that this process, alice, has, if any. */
static void alice_with(int cap)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	CHECK_SYS(prctl(PR_SET_KEEPCAPS, 1));
	CHECK_SYS(setresuid(TEST_UID_ALICE, TEST_UID_ALICE, TEST_UID_ALICE));
	memset(data, 0, sizeof(data));
	if (cap >= 0)
		data[cap / 32].effective = data[cap / 32].permitted = 1u << cap % 32;
	CHECK_SYS(syscall(SYS_capset, &head, data));
}

TEST(cap_kill_permits)
{
	struct target t;
	int s = sem(0, INT_MAX), how;

	NEED_ROOT();
	t = start_target(s, TEST_UID_BOB);
	CHECK_SYS(setgid(TEST_UID_ALICE));
	alice_with(CAP_KILL);
	for_each_way(how)
		CHECK_OK(by(how, s, t.pid, REPEAT));
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(order(&t, 'n'), 3);
	/* the capability is over everybody */
	order(&t, 'r');
	/* it is that of the time when it was asked for */
	alice_with(-1);
	CHECK_ERR(by(0, s, t.pid, REPEAT), EPERM);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(order(&t, 'n'), 3);
}

TEST(other_capabilities_do_not)
{
	struct target t;
	int s = sem(0, INT_MAX), how;

	NEED_ROOT();
	t = start_target(s, TEST_UID_BOB);
	alice_with(CAP_DAC_OVERRIDE);
	for_each_way(how)
		CHECK_ERR(by(how, s, t.pid, REPEAT), EPERM);
}

/* Root of a user namespace is root over its own processes only. */
TEST(a_user_namespace)
{
	struct target bob, alice;
	int s = sem(0, INT_MAX), how;

	NEED_ROOT();
	bob = start_target(s, TEST_UID_BOB);
	alice = start_target(s, TEST_UID_ALICE);
	as_user(TEST_UID_ALICE);
	if (unshare(CLONE_NEWUSER))
		SKIP("no user namespaces for users here");
	for_each_way(how) {
		CHECK_ERR(by(how, s, bob.pid, REPEAT), EPERM);
		CHECK_OK(by(how, s, alice.pid, REPEAT));
	}
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(order(&bob, 'n'), 0);
	CHECK_EQ(order(&alice, 'n'), 3);
}

struct in_namespace {
	int sem, pidfd, sock;
	pid_t outside;
};

/* The first process of a pid namespace. */
static int is_init(void *arg)
{
	struct in_namespace *ns = arg;
	char x = 'x';
	int how;

	CHECK_EQ(getpid(), 1);
	/* outside, nobody has a number here, not even with a pidfd in hand */
	CHECK_ERR(ipcx_notify_pidfd(ns->sem, READ, ns->pidfd, SIG, 1, 0), ESRCH);
	CHECK_ERR(ipcx_notify_process(ns->sem, READ, ns->outside, SIG, 1, 0), ESRCH);
	CHECK_ERR(ipcx_notify_thread(ns->sem, READ, ns->outside, SIG, 1, 0), ESRCH);
	block(SIG);
	notify_self(ns->sem, READ, 11, 0);
	CHECK_OK(ipcx_notify_thread(ns->sem, READ, 1, SIG, 12, 0));
	/* kill(2) from in here does not end it, whoever it is who posts outside */
	for_each_way(how) {
		CHECK_OK(ipcx_notify_process(ns->sem, READ, 1, how ? SIGKILL : SIGTERM, 0, 0));
		CHECK_OK(ipcx_notify_thread(ns->sem, READ, 1, how ? SIGKILL : SIGTERM, 0, 0));
	}
	CHECK_EQ(write(ns->sock, &x, 1), 1);
	CHECK_EQ(read(ns->sock, &x, 1), 1);
	/* a thread's own signals come first */
	check_signal(SIG, 12);
	check_signal(SIG, 11);
	check_no_signal(SIG);
	return 0;
}

TEST(a_pid_namespace)
{
	struct in_namespace ns = { .sem = sem(0, 9) };
	int s[2];
	pid_t pid;
	char x;

	NEED_ROOT();
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ns.sock = s[1];
	ns.outside = getpid();
	ns.pidfd = pidfd_of(getpid());
	CHECK_SYS(unshare(CLONE_NEWPID));
	fflush(NULL);
	pid = CHECK_SYS(fork());
	if (!pid)
		_exit(is_init(&ns));
	CHECK_EQ(read(s[0], &x, 1), 1);
	CHECK_OK(ipcx_sem_post(ns.sem, 1));
	CHECK_EQ(write(s[0], &x, 1), 1);
	CHECK_EXITS(pid, 0);
}

/* The right of the descriptor that the notice is about. */
TEST(rights_of_the_descriptor)
{
	struct ipcx_options o = { .mode = 0600 };
	int s, r, w, look;

	own_names();
	block(SIG);
	s = CHECK_OK(ipcx_sem_create("s", 0, 9, &o));
	r = CHECK_OK(ipcx_restrict(s, IPCX_READ));
	w = CHECK_OK(ipcx_restrict(s, IPCX_WRITE));
	look = CHECK_OK(ipcx_open("s", IPCX_KIND_SEM, 0, IPCX_OPEN_LOOK));
	CHECK_ERR(ipcx_notify_process(w, READ, 0, SIG, 0, 0), EACCES);
	CHECK_ERR(ipcx_notify_process(w, READ | SHUT, 0, SIG, 0, 0), EACCES);
	CHECK_ERR(ipcx_notify_process(r, WRITE, 0, SIG, 0, 0), EACCES);
	CHECK_ERR(ipcx_notify_process(r, WRITE | READ, 0, SIG, 0, 0), EACCES);
	CHECK_ERR(ipcx_notify_process(look, READ, 0, SIG, 0, 0), EACCES);
	CHECK_ERR(ipcx_notify_process(look, SHUT, 0, SIG, 0, 0), EACCES);
	check_no_signal(SIG);
	notify_self(w, SHUT, 1, 0);
	notify_self(r, SHUT, 2, 0);
	notify_self(r, READ, 3, 0);
	notify_self(w, WRITE, 4, 0);
	check_signal(SIG, 4);
	CHECK_OK(ipcx_sem_post(w, 1));
	check_signal(SIG, 3);
	CHECK_OK(ipcx_shutdown(w, IPCX_SHUT_SEND));
	check_signal(SIG, 1);
	check_signal(SIG, 2);
	check_no_signal(SIG);
}
