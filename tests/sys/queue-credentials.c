// SPDX-License-Identifier: GPL-2.0
/*
 * Who sent a message: put there by the kernel, and given as the receiver's namespaces see it.  If
 * this fails, a service that decides by the sender can be deceived.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "queue-test.h"

static struct ipcx_msg receive(int q)
{
	struct ipcx_msg msg;
	uint64_t value;

	POISON(msg);
	msg.buf = (uintptr_t)&value;
	msg.len = sizeof(value);
	CHECK_OK(ipcx_queue_recv_msg(q, &msg, NULL, 0, ipcx_after_ms(9000)));
	return msg;
}

static int transmit(void *arg)
{
	return -send_value(*(int *)arg, 1, 0, 1);
}

static void check_sender(int q, uint32_t pid, uint32_t uid, uint32_t gid)
{
	struct ipcx_msg msg = receive(q);

	CHECK_EQ(msg.pid, pid);
	CHECK_EQ(msg.uid, uid);
	CHECK_EQ(msg.gid, gid);
}

TEST(process_user_and_group)
{
	int q = make_queue(0, 0, 0);
	pid_t pid;

	CHECK_OK(send_value(q, 1, 0, 1));
	check_sender(q, getpid(), geteuid(), getegid());
	pid = spawn_as(TEST_UID_ALICE, transmit, &q);
	check_sender(q, pid, TEST_UID_ALICE, TEST_UID_ALICE);
	CHECK_EXITS(pid, 0);
	/* after its death too */
	pid = spawn_as(TEST_UID_BOB, transmit, &q);
	CHECK_EXITS(pid, 0);
	CHECK_EQ(receive(q).uid, TEST_UID_BOB);
}

TEST(a_thread_sends_for_its_process)
{
	int q = make_queue(0, 0, 0);
	struct test_thread t;

	thread_start(&t, transmit, &q);
	CHECK_EQ(thread_join(&t), 0);
	CHECK_NE(t.tid, getpid());
	CHECK_EQ(receive(q).pid, getpid());
}

static int send_as_effective(void *arg)
{
	CHECK_SYS(setresgid(-1, 2222, -1));
	CHECK_SYS(setresuid(-1, 1111, -1));
	CHECK_OK(transmit(arg));
	CHECK_EQ(write(*(int *)arg, "12345678", 8), 8);
	return 0;
}

TEST(the_effective_user)
{
	int q = make_queue(0, 0, 0);
	pid_t pid = spawn(send_as_effective, &q);

	check_sender(q, pid, 1111, 2222);
	check_sender(q, pid, 1111, 2222);
	CHECK_EXITS(pid, 0);
}

static int send_peeked(void *arg)
{
	struct ipcx_queue_send *forged = arg;

	return -call(forged->msg.pid, IPCX_QUEUE_SEND, forged);
}

TEST(cannot_be_forged)
{
	int q = make_queue(0, 0, 0);
	uint64_t value = 1;
	struct ipcx_queue_send forged = {
		.size = sizeof(forged),
		.timeout = IPCX_FOREVER,
		.msg = { .buf = (uintptr_t)&value,
			 .len = 8,
			 .type = 1,
			 .pid = q,
			 .uid = 0,
			 .gid = 0 },
	};
	pid_t pid = spawn_as(TEST_UID_ALICE, send_peeked, &forged);

	check_sender(q, pid, TEST_UID_ALICE, TEST_UID_ALICE);
	CHECK_EXITS(pid, 0);
}

/* ---- namespaces ---- */

static int q;

static int inner_send(void *arg)
{
	(void)arg;
	CHECK_EQ(getpid(), 1);
	CHECK_OK(send_value(q, 1, 0, 1));
	/* seen from here */
	CHECK_OK(send_value(q, 2, 0, 1));
	CHECK_EQ(receive(q).pid, 1);
	return 0;
}

static int inner_receive(void *arg)
{
	(void)arg;
	CHECK_EQ(getpid(), 1);
	/* its sender has no number here */
	CHECK_EQ(receive(q).pid, 0);
	return 0;
}

static int in_pid_namespace(void *arg)
{
	pid_t pid;

	CHECK_SYS(unshare(CLONE_NEWPID));
	pid = CHECK_SYS(fork());
	if (!pid)
		_exit(((int (*)(void *))arg)(NULL));
	CHECK_EXITS(pid, 0);
	return 0;
}

TEST(from_another_pid_namespace)
{
	struct ipcx_msg msg;
	pid_t pid;

	q = make_queue(0, 0, 0);
	pid = spawn(in_pid_namespace, inner_send);
	CHECK_EXITS(pid, 0);
	msg = receive(q);
	/* a descendant's process has a number here too, not 1 */
	CHECK_GT(msg.pid, 1);
	CHECK_NE(msg.pid, getpid());
}

TEST(to_another_pid_namespace)
{
	q = make_queue(0, 0, 0);
	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_EXITS(spawn(in_pid_namespace, inner_receive), 0);
}

static void write_file(const char *path, const char *text)
{
	int fd = CHECK_SYS(open(path, O_WRONLY));

	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static uint32_t overflow_id(void)
{
	char buf[16] = "";
	int fd = CHECK_SYS(open("/proc/sys/kernel/overflowuid", O_RDONLY));

	CHECK_SYS(read(fd, buf, sizeof(buf) - 1));
	close(fd);
	return atoi(buf);
}

#define NO_NAMESPACE	77

static void enter_user_namespace(void)
{
	if (unshare(CLONE_NEWUSER))
		_exit(NO_NAMESPACE);
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", "77 0 1");
	write_file("/proc/self/gid_map", "88 0 1");
}

/* Who sends cannot be told: the message stays. */
static void receive_where_nothing_can_be_written(void)
{
	struct ipcx_queue_recv *arg = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t before = stat_of(q).nr_msgs;
	uint64_t value;

	CHECK(arg != MAP_FAILED);
	*arg = (struct ipcx_queue_recv){ .size = sizeof(*arg), .flags = IPCX_NOWAIT, .msg = ipcx_msg(&value, 8) };
	CHECK_SYS(mprotect(arg, 4096, PROT_READ));
	CHECK_ERR(call(q, IPCX_QUEUE_RECV, arg), EFAULT);
	CHECK_EQ(stat_of(q).nr_msgs, before);
	CHECK_SYS(munmap(arg, 4096));
}

/* Only root is known inside, as 77 and 88. */
static int receive_in_user_namespace(void *arg)
{
	uint32_t overflow = overflow_id();

	(void)arg;
	enter_user_namespace();
	receive_where_nothing_can_be_written();
	check_sender(q, getppid(), 77, 88);
	CHECK_EQ(receive(q).uid, overflow);
	CHECK_OK(send_value(q, 1, 0, 1));
	check_sender(q, getpid(), 77, 88);
	CHECK_OK(send_value(q, 1, 0, 1));
	return 0;
}

TEST(to_another_user_namespace)
{
	int status;

	q = make_queue(0, 0, 0);
	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_EXITS(spawn_as(TEST_UID_ALICE, transmit, &q), 0);
	status = wait_child(spawn(receive_in_user_namespace, NULL), TEST_SOON_MS);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_NAMESPACE)
		SKIP("no user namespaces here");
	CHECK_EQ(status, 0);
	/* and what was sent there is from root here */
	CHECK_EQ(receive(q).uid, 0);
}
