// SPDX-License-Identifier: GPL-2.0
/*
 * A queue is a file descriptor: duplicated, inherited, passed, closed, also while somebody waits on
 * it.  If this fails, a queue goes too early, or never.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "queue-test.h"

static uint32_t users(int q)
{
	struct ipcx_stat stat;

	CHECK_OK(ipcx_stat(q, &stat));
	return stat.users;
}

TEST(close_on_exec_always)
{
	int q = make_queue(0, 0, 0), r = CHECK_OK(ipcx_restrict(q, IPCX_READ));

	CHECK_EQ(fcntl(q, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(r, F_GETFD), FD_CLOEXEC);
}

TEST(dup_is_the_same_open_file)
{
	int q = make_queue(0, 0, 0), d = CHECK_SYS(dup(q));

	CHECK_EQ(users(q), 1);
	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_RECV(d, ANY, 1);
	CHECK_SYS(fcntl(d, F_SETFL, O_NONBLOCK));
	CHECK(fcntl(q, F_GETFL) & O_NONBLOCK);
	close(q);
	CHECK_OK(send_value(d, 1, 0, 2));
	CHECK_RECV(d, ANY, 2);
}

TEST(restrict_is_another_open_file)
{
	int q = make_queue(0, 0, 0), r = CHECK_OK(ipcx_restrict(q, IPCX_READ));

	CHECK_EQ(users(q), 2);
	CHECK_SYS(fcntl(r, F_SETFL, O_NONBLOCK));
	CHECK(!(fcntl(q, F_GETFL) & O_NONBLOCK));
	CHECK_OK(send_value(q, 1, 0, 1));
	close(q);
	CHECK_EQ(users(r), 1);
	CHECK_RECV(r, ANY, 1);
}

static int child_sends(void *arg)
{
	return send_value(*(int *)arg, 7, 0, getpid());
}

TEST(inherited_by_fork)
{
	int q = make_queue(0, 0, 0);
	uint64_t value;
	pid_t pid = spawn(child_sends, &q);

	CHECK_OK(recv_until(q, TYPE(7), 0, ipcx_after_ms(9000), &value));
	CHECK_EQ(value, pid);
	CHECK_EXITS(pid, 0);
	CHECK_EQ(users(q), 1);
}

/* exec of this program, whose one case sends through the descriptor that the environment names. */
TEST(kept_over_exec)
{
	const char *env = getenv("QUEUE_FD");
	int q, status;
	uint64_t value;
	char buf[16];
	pid_t pid;

	if (env) {
		CHECK_OK(send_value(atoi(env), 8, 0, 88));
		return;
	}
	q = make_queue(0, 0, 0);
	snprintf(buf, sizeof(buf), "%d", q);
	pid = CHECK_SYS(fork());
	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		fcntl(q, F_SETFD, 0);
		setenv("QUEUE_FD", buf, 1);
		dup2(null, 1);
		execl("/proc/self/exe", "queue-descriptors", "kept_over_exec", NULL);
		_exit(1);
	}
	status = wait_child(pid, TEST_SOON_MS);
	CHECK_EQ(status, 0);
	CHECK_OK(recv_value(q, TYPE(8), &value));
	CHECK_EQ(value, 88);
}

static int exec_true(void *arg)
{
	(void)arg;
	execl("/proc/self/exe", "queue-descriptors", "-l", NULL);
	return 1;
}

TEST(gone_with_exec)
{
	uint64_t before = user_charged();
	int q = make_queue(0, 0, 0), p, null = CHECK_SYS(open("/dev/null", O_WRONLY));
	pid_t pid;

	p = CHECK_OK(ipcx_restrict(q, IPCX_WRITE));
	dup2(null, 1);
	pid = spawn(exec_true, NULL);
	CHECK_EXITS(pid, 0);
	close(p);
	CHECK_EQ(users(q), 1);
	close(q);
	CHECK_EQ(user_charged(), before);
}

static void pass(int socket, int fd)
{
	char c = 0, control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	CHECK_SYS(sendmsg(socket, &msg, 0));
}

static int receive_fd(int socket)
{
	char c, control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int fd;

	CHECK_SYS(recvmsg(socket, &msg, MSG_CMSG_CLOEXEC));
	CHECK(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static int answer_passed(void *arg)
{
	int fd = receive_fd(*(int *)arg);
	char c;

	CHECK_OK(send_value(fd, 3, 0, 33));
	CHECK_SYS_ERR(read(fd, &c, 1), EBADF);
	return 0;
}

/* Another user, no name, no permission bits: the descriptor is the right, and no more than its own.
 */
TEST(passed_over_a_socket)
{
	int q = make_queue(0, 0, 0), w = CHECK_OK(ipcx_restrict(q, IPCX_WRITE)), sockets[2];
	uint64_t value;
	pid_t pid;

	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	pid = spawn_as(TEST_UID_NOBODY, answer_passed, &sockets[1]);
	pass(sockets[0], w);
	close(w);
	CHECK_OK(recv_until(q, ANY, 0, ipcx_after_ms(9000), &value));
	CHECK_EQ(value, 33);
	CHECK_EXITS(pid, 0);
}

/* In flight it has no other holder. */
TEST(only_holder_is_a_socket)
{
	uint64_t before = user_charged();
	int sockets[2], q = make_queue(0, 0, 0);

	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	CHECK_OK(send_value(q, 1, 0, 5));
	pass(sockets[0], q);
	close(q);
	q = receive_fd(sockets[1]);
	CHECK_RECV(q, ANY, 5);
	CHECK_OK(send_value(q, 1, 0, 6));
	pass(sockets[0], q);
	close(q);
	close(sockets[0]);
	close(sockets[1]);
	CHECK_SOON(user_charged() == before);
}

static uint64_t got;

static int receive(void *arg)
{
	return -recv_until(*(int *)arg, ANY, 0, IPCX_FOREVER, &got);
}

/* As with pipes: the wait goes on, on an object that stays for as long. */
TEST(closed_by_another_thread_during_a_wait)
{
	int q = make_queue(0, 0, 0), other = CHECK_OK(ipcx_restrict(q, IPCX_WRITE)), d = q;
	struct test_thread t;

	thread_start(&t, receive, &d);
	CHECK_SOON(stat_of(other).nr_receivers == 1);
	CHECK_BLOCKS(t.tid);
	close(q);
	CHECK_BLOCKS(t.tid);
	CHECK_EQ(stat_of(other).nr_receivers, 1);
	CHECK_OK(send_value(other, 1, 0, 3));
	CHECK_EQ(thread_join(&t), 0);
	CHECK_EQ(got, 3);
	CHECK_EQ(users(other), 1);
}

static int receive_briefly(void *arg)
{
	return -recv_until(*(int *)arg, ANY, 0, ipcx_after_ms(500), &got);
}

/* The last descriptor: the queue goes when the wait ends. */
TEST(last_descriptor_closed_during_a_wait)
{
	uint64_t before = user_charged();
	int q = make_queue(0, 0, 0), d = q;
	struct test_thread t;

	thread_start(&t, receive_briefly, &d);
	CHECK_SOON(stat_of(q).nr_receivers == 1);
	close(q);
	CHECK_GT(user_charged(), before);
	CHECK_EQ(thread_join(&t), ETIMEDOUT);
	CHECK_SOON(user_charged() == before);
}

TEST(two_threads_on_one_descriptor)
{
	int q = make_queue(0, 0, 0);
	struct test_thread t[2];

	thread_start(&t[0], receive, &q);
	thread_start(&t[1], receive, &q);
	CHECK_SOON(stat_of(q).nr_receivers == 2);
	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_OK(send_value(q, 1, 0, 2));
	CHECK_EQ(thread_join(&t[0]), 0);
	CHECK_EQ(thread_join(&t[1]), 0);
	CHECK_EQ(stat_of(q).received, 2);
}

/* A descriptor opened anew through /proc would have other rights. */
TEST(not_opened_through_proc)
{
	int q = make_queue(0, 0, 0), r = CHECK_OK(ipcx_restrict(q, IPCX_READ));
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", r);
	CHECK_SYS_ERR(open(path, O_RDWR), ENXIO);
	CHECK_EQ(users(q), 2);
}
