// SPDX-License-Identifier: GPL-2.0
/*
 * Notices: every wrong value, and every wrong target.  Were it broken, something other than a pidfd would be taken for
 * one, or an error would leave a notice behind.
 */
#include "notify.h"

#include <ipcx-uring.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#define POISONED	0xa5a5a5a5a5a5a5a5ull

static struct ipcx_notify valid(void)
{
	struct ipcx_notify arg = {
		.size = sizeof(arg),
		.ready = READ,
		.how = IPCX_NOTIFY_PROCESS,
		.signo = SIG,
		.id = POISONED,
	};

	return arg;
}

/* An error has left nothing: not in the argument, not on the object, not in the account. */
static void fails(int s, struct ipcx_notify arg, int err)
{
	struct ipcx_notify before = arg;
	uint64_t used = used_bytes();

	CHECK_ERR(call(s, IPCX_NOTIFY, &arg), err);
	CHECK_MEM(&arg, &before, sizeof(arg));
	CHECK_EQ(used_bytes(), used);
}

#define FAILS(err, ...)							\
	do {								\
		struct ipcx_notify arg__ = valid();			\
									\
		__VA_ARGS__;						\
		fails(s, arg__, err);					\
	} while (0)
#define A arg__

TEST(the_number_comes_back_and_nothing_else_changes)
{
	struct ipcx_notify arg = valid(), before;
	int s = sem(0, 1);

	arg.value = 5;
	arg.flags = REPEAT;
	before = arg;
	CHECK_OK(call(s, IPCX_NOTIFY, &arg));
	CHECK_NE(arg.id, POISONED);
	CHECK_GT(arg.id, 0);
	before.id = arg.id;
	CHECK_MEM(&arg, &before, sizeof(arg));
}

TEST(values)
{
	int s = sem(0, 1), efd = new_eventfd(), bit;

	FAILS(EINVAL, A.ready = 0);
	for (bit = 3; bit < 32; bit++)
		FAILS(EINVAL, A.ready |= 1u << bit);
	for (bit = 0; bit < 32; bit++)
		if (1u << bit != REPEAT)
			FAILS(EINVAL, A.flags = 1u << bit);
	FAILS(EINVAL, A.how = IPCX_NOTIFY_EVENTFD + 1);
	FAILS(EINVAL, A.how = UINT32_MAX);
	FAILS(EINVAL, A.signo = 0);
	FAILS(EINVAL, A.signo = 65);
	FAILS(EINVAL, A.signo = UINT32_MAX);
	FAILS(EINVAL, A.how = IPCX_NOTIFY_THREAD, A.signo = 0);
	FAILS(EINVAL, A.how = IPCX_NOTIFY_PIDFD, A.signo = 65);
	FAILS(EINVAL, A.how = IPCX_NOTIFY_EVENTFD, A.target = efd);
	FAILS(EINVAL, A.how = IPCX_NOTIFY_EVENTFD, A.target = efd, A.signo = 0, A.value = 1);
	/* every signal there is */
	for (bit = 1; bit <= 64; bit++)
		CHECK_OK(ipcx_notify_process(s, SHUT, 0, bit, 0, 0));
}

TEST(targets_that_do_not_exist)
{
	int s = sem(0, 1), fd;
	pid_t pid;

	FAILS(ESRCH, A.target = UINT32_MAX);
	FAILS(ESRCH, A.target = -getpid());
	FAILS(ESRCH, A.target = 0x7fffffff);
	FAILS(ESRCH, A.how = IPCX_NOTIFY_THREAD, A.target = UINT32_MAX);
	FAILS(EBADF, A.how = IPCX_NOTIFY_PIDFD, A.target = UINT32_MAX);
	FAILS(EBADF, A.how = IPCX_NOTIFY_PIDFD, A.target = 1000);
	FAILS(EBADF, A.how = IPCX_NOTIFY_EVENTFD, A.target = UINT32_MAX, A.signo = 0);
	FAILS(EBADF, A.how = IPCX_NOTIFY_EVENTFD, A.target = 1000, A.signo = 0);
	pid = CHECK_SYS(fork());
	if (!pid)
		_exit(0);
	fd = pidfd_of(pid);
	CHECK_EXITS(pid, 0);
	FAILS(ESRCH, A.target = pid);
	FAILS(ESRCH, A.how = IPCX_NOTIFY_THREAD, A.target = pid);
	FAILS(ESRCH, A.how = IPCX_NOTIFY_PIDFD, A.target = fd);
}

static int temporary(const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/tmp/notify-%d", getpid());
	CHECK_SYS(mkdir(path, 0700));
	CHECK_SYS(chdir(path));
	fd = CHECK_SYS(open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	CHECK_SYS(unlink(name));
	CHECK_SYS(chdir("/"));
	CHECK_SYS(rmdir(path));
	return fd;
}

/* Whatever else a descriptor can be, also what looks like one of the right kind. */
TEST(descriptors_of_another_kind)
{
	int s = sem(0, 1), pidfd = pidfd_of(getpid()), efd = new_eventfd(), i, pipes[2], sockets[2];
	sigset_t set;
	int others[16], nr = 0;

	CHECK_SYS(pipe2(pipes, O_CLOEXEC));
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	sigemptyset(&set);
	others[nr++] = s;
	others[nr++] = queue();
	others[nr++] = region(1);
	others[nr++] = device();
	others[nr++] = pipes[0];
	others[nr++] = pipes[1];
	others[nr++] = sockets[0];
	others[nr++] = CHECK_SYS(epoll_create1(EPOLL_CLOEXEC));
	others[nr++] = CHECK_SYS(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
	others[nr++] = CHECK_SYS(signalfd(-1, &set, SFD_CLOEXEC));
	others[nr++] = CHECK_SYS(memfd_create("[pidfd]", MFD_CLOEXEC));
	others[nr++] = CHECK_SYS(open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	others[nr++] = CHECK_SYS(open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
	others[nr++] = temporary("[pidfd]");
	for (i = 0; i < nr; i++) {
		FAILS(EINVAL, A.how = IPCX_NOTIFY_PIDFD, A.target = others[i]);
		FAILS(EINVAL, A.how = IPCX_NOTIFY_EVENTFD, A.target = others[i], A.signo = 0);
	}
	FAILS(EINVAL, A.how = IPCX_NOTIFY_PIDFD, A.target = efd);
	FAILS(EINVAL, A.how = IPCX_NOTIFY_EVENTFD, A.target = pidfd, A.signo = 0);
	/* and these are right */
	CHECK_OK(ipcx_notify_pidfd(s, READ, pidfd, SIG, 0, 0));
	CHECK_OK(ipcx_notify_eventfd(s, READ, efd, 0));
}

TEST(regions_never_become_ready)
{
	struct ipcx_notify_cancel cancel = { .size = sizeof(cancel), .id = 1 };
	int s = region(1);

	FAILS(EOPNOTSUPP, A.ready = READ);
	FAILS(EOPNOTSUPP, A.ready = SHUT);
	CHECK_ERR(call(s, IPCX_NOTIFY_CANCEL, &cancel), EOPNOTSUPP);
}

/* What is ready is not sent if the number cannot be told. */
TEST(nothing_is_sent_if_the_number_cannot_be_written)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ipcx_notify arg = valid();
	int s = sem(1, 9), i;
	uint64_t used;

	block(SIG);
	arg.flags = REPEAT;
	memcpy(page, &arg, sizeof(arg));
	CHECK_SYS(mprotect(page, PAGE, PROT_READ));
	used = used_bytes();
	for (i = 0; i < IPCX_NOTIFY_MAX + 10; i++)
		CHECK_ERR(call(s, IPCX_NOTIFY, page), EFAULT);
	CHECK_EQ(used_bytes(), used);
	check_no_signal(SIG);
	CHECK_OK(ipcx_sem_post(s, 1));
	check_no_signal(SIG);
}

static int over_quota(void *arg)
{
	int s = (long)arg, efd = new_eventfd(), nr = 0, ret;
	struct ipcx_notify n = valid();
	int64_t id = 0;

	while ((ret = ipcx_notify_eventfd(s, READ, efd, REPEAT)) > 0) {
		id = ret;
		nr++;
	}
	CHECK_EQ(ret, -EDQUOT);
	CHECK_EQ(nr, 8);
	n.how = IPCX_NOTIFY_EVENTFD;
	n.target = efd;
	n.signo = 0;
	fails(s, n, EDQUOT);
	CHECK_SYS_ERR(fcntl(s, F_SETFL, O_ASYNC), EDQUOT);
	CHECK_OK(ipcx_notify_cancel(s, id));
	CHECK_SYS(fcntl(s, F_SETFL, O_ASYNC));
	CHECK_ERR(ipcx_notify_eventfd(s, READ, efd, REPEAT), EDQUOT);
	return 0;
}

#define PARAM	"/sys/module/ipcx/parameters/user_bytes"

TEST(quota_of_who_asks)
{
	char old[32];
	int s, status;
	pid_t pid;

	NEED_ROOT();
	s = sem(0, 9);
	read_text(PARAM, old, sizeof(old));
	write_text(PARAM, "2048");
	pid = spawn_as(300000 + getpid(), over_quota, (void *)(long)s);
	status = wait_child(pid, TEST_SOON_MS);
	write_text(PARAM, old);
	CHECK_EQ(status, 0);
}

TEST(cancel_flags)
{
	struct ipcx_notify_cancel cancel = { .size = sizeof(cancel) };
	int s = sem(0, 1), bit;

	block(SIG);
	cancel.id = notify_self(s, READ, 1, 0);
	for (bit = 0; bit < 32; bit++) {
		cancel.flags = 1u << bit;
		CHECK_ERR(call(s, IPCX_NOTIFY_CANCEL, &cancel), EINVAL);
	}
	cancel.flags = 0;
	CHECK_OK(call(s, IPCX_NOTIFY_CANCEL, &cancel));
}

TEST(fdinfo_tells_the_notices)
{
	int s = sem(0, 1), t = CHECK_OK(ipcx_restrict(s, IPCX_READ)), efd = new_eventfd();
	char want[256], path[64], buf[4096];
	int64_t a, b, c;

	a = CHECK_OK(ipcx_notify_process(s, READ | SHUT, 0, SIGUSR1, 5, 0));
	b = CHECK_OK(ipcx_notify_thread(s, SHUT, 0, SIG, 5, REPEAT));
	c = CHECK_OK(ipcx_notify_eventfd(t, READ, efd, REPEAT));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", s);
	read_text(path, buf, sizeof(buf));
	snprintf(want, sizeof(want), "\nnotice:\tid %lld ready r-s signal %d process %d\nnotice:\tid %lld "
		 "ready --s repeat signal %d thread %d\n", (long long)a, SIGUSR1, getpid(), (long long)b, SIG,
		 tid());
	if (!strstr(buf, want))
		FAIL("not in \"%s\": \"%s\"", buf, want);
	snprintf(want, sizeof(want), "id %lld ready r-- repeat eventfd", (long long)c);
	CHECK_STR(fdinfo(t, "notice"), want);
}

static int asked_by_worker(struct io_uring *ring, int s, struct ipcx_notify *arg)
{
	struct __kernel_timespec ts = { .tv_sec = 15 };
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int res;

	ipcx_uring_prep_command(sqe, s, IPCX_NOTIFY, arg);
	io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
	CHECK_EQ(io_uring_submit(ring), 1);
	CHECK_OK(io_uring_wait_cqe_timeout(ring, &cqe, &ts));
	res = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

/* A worker asks for the process that it belongs to; a thread that nobody knows is not what was meant. */
TEST(asked_for_through_io_uring)
{
	struct ipcx_notify arg = valid();
	struct io_uring ring;
	int s = sem(1, 9), ret;

	ret = io_uring_queue_init(4, &ring, 0);
	if (ret)
		SKIP("no io_uring here: %s", strerror(-ret));
	block(SIG);
	arg.value = 3;
	CHECK_OK(asked_by_worker(&ring, s, &arg));
	check_signal(SIG, 3);
	arg = valid();
	arg.how = IPCX_NOTIFY_THREAD;
	CHECK_EQ(asked_by_worker(&ring, s, &arg), -EINVAL);
	arg.target = tid();
	arg.value = 4;
	CHECK_OK(asked_by_worker(&ring, s, &arg));
	check_signal(SIG, 4);
}
