// SPDX-License-Identifier: GPL-2.0
/*
 * A stream whose reader or writer has memory that is slow to reach.  If this fails, one process can hold up, by the
 * memory that it gives to read(2) or write(2), those at the other end of the stream.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <poll.h>
#include <signal.h>
#include <sys/uio.h>
#include <ipcx.h>

#include "slow-memory.h"

/**
 * struct slow - a thread that reads into, or writes from, a page that is not there
 * @fd: the end
 * @page: the page
 * @len: how much of it
 */
struct slow {
	int fd;
	void *page;
	size_t len;
};

static int slow_read(void *arg)
{
	struct slow *slow = arg;

	return read(slow->fd, slow->page, slow->len);
}

static int slow_write(void *arg)
{
	struct slow *slow = arg;

	return write(slow->fd, slow->page, slow->len);
}

static void make(int fds[2])
{
	CHECK_OK(ipcx_stream_pipe(fds, 16384));
}

static short events(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };

	CHECK_SYS(poll(&p, 1, 0));
	return p.revents;
}

TEST(a_slow_reader_does_not_hold_up_writers)
{
	struct test_thread t = {};
	struct iovec iov;
	struct slow slow;
	char buf[8192];
	int fds[2], uffd;

	make(fds);
	uffd = missing_page(&slow.page);
	slow.fd = fds[0];
	slow.len = 100;
	memset(buf, 7, sizeof(buf));
	CHECK_EQ(write(fds[1], buf, 100), 100);
	thread_start(&t, slow_read, &slow);
	page_is_wanted(uffd);

	CHECK_EQ(write(fds[1], buf, sizeof(buf)), sizeof(buf));
	CHECK(events(fds[1]) & POLLOUT);
	CHECK_EQ(write(fds[1], buf, 1), 1);
	/* another reader stands behind it: it is told so if it does not want to wait */
	iov = (struct iovec){ buf, 1 };
	CHECK_SYS_ERR(preadv2(fds[0], &iov, 1, -1, RWF_NOWAIT), EAGAIN);

	supply_page(uffd, slow.page);
	CHECK_EQ(thread_join(&t), 100);
	CHECK_EQ(((char *)slow.page)[99], 7);
	CHECK_EQ(read(fds[0], buf, sizeof(buf)), sizeof(buf));
}

TEST(a_slow_writer_does_not_hold_up_readers)
{
	struct test_thread t = {};
	struct iovec iov;
	struct slow slow;
	char buf[64];
	int fds[2], uffd;

	make(fds);
	uffd = missing_page(&slow.page);
	slow.fd = fds[1];
	slow.len = 4096;
	CHECK_EQ(write(fds[1], "before", 6), 6);
	thread_start(&t, slow_write, &slow);
	page_is_wanted(uffd);

	CHECK(events(fds[0]) & POLLIN);
	CHECK_EQ(read(fds[0], buf, sizeof(buf)), 6);
	CHECK_MEM(buf, "before", 6);
	CHECK_EQ(events(fds[0]), 0);
	iov = (struct iovec){ buf, 1 };
	CHECK_SYS_ERR(preadv2(fds[0], &iov, 1, -1, RWF_NOWAIT), EAGAIN);
	CHECK_SYS_ERR(pwritev2(fds[1], &iov, 1, -1, RWF_NOWAIT), EAGAIN);

	supply_page(uffd, slow.page);
	CHECK_EQ(thread_join(&t), 4096);
	CHECK_EQ(read(fds[0], buf, 1), 1);
	CHECK_EQ(buf[0], 0);
}

static void interrupted(int sig)
{
	(void)sig;
}

static int resize(void *arg)
{
	return -ipcx_stream_resize(*(int *)arg, 65536);
}

/* A resize waits for both sides to be at rest, and whoever wants it can give it up. */
TEST(a_resize_behind_a_slow_peer_is_interrupted)
{
	struct sigaction sa = { .sa_handler = interrupted };
	char buf[100] = {};

	CHECK_SYS(sigaction(SIGUSR1, &sa, NULL));
	for (int side = 0; side < 2; side++) {
		struct test_thread t = {}, r = {};
		struct slow slow;
		int fds[2], uffd;

		make(fds);
		uffd = missing_page(&slow.page);
		slow.fd = fds[side];
		slow.len = 100;
		if (!side)
			CHECK_EQ(write(fds[1], buf, 100), 100);
		thread_start(&t, side ? slow_write : slow_read, &slow);
		page_is_wanted(uffd);
		thread_start(&r, resize, &fds[1]);
		CHECK_BLOCKS(r.tid);
		CHECK_SYS(syscall(SYS_tgkill, getpid(), r.tid, SIGUSR1));
		CHECK_EQ(thread_join(&r), EINTR);
		supply_page(uffd, slow.page);
		CHECK_EQ(thread_join(&t), 100);
		CHECK_OK(ipcx_stream_resize(fds[1], 65536));
	}
}

/* Both at the same time, each at its own end. */
TEST(slow_at_both_ends)
{
	struct test_thread reader = {}, writer = {};
	struct slow in, out;
	int fds[2], uffd[2];

	make(fds);
	uffd[0] = missing_page(&in.page);
	uffd[1] = missing_page(&out.page);
	in.fd = fds[0];
	out.fd = fds[1];
	in.len = out.len = 500;
	CHECK_EQ(write(fds[1], "0123456789", 10), 10);
	thread_start(&reader, slow_read, &in);
	page_is_wanted(uffd[0]);
	thread_start(&writer, slow_write, &out);
	page_is_wanted(uffd[1]);
	supply_page(uffd[1], out.page);
	CHECK_EQ(thread_join(&writer), 500);
	supply_page(uffd[0], in.page);
	CHECK_EQ(thread_join(&reader), 10);
	CHECK_MEM(in.page, "0123456789", 10);
}

static int resizes(void *arg)
{
	return ipcx_stream_resize(*(int *)arg, 65536);
}

/* A resize, which needs both sides, waits for the slow one without keeping the other. */
TEST(a_resize_beside_a_slow_writer_does_not_hold_up_readers)
{
	struct test_thread t = {}, resize = {};
	struct slow slow;
	char buf[64];
	int fds[2], uffd;

	make(fds);
	uffd = missing_page(&slow.page);
	slow.fd = fds[1];
	slow.len = 4096;
	CHECK_EQ(write(fds[1], "before", 6), 6);
	thread_start(&t, slow_write, &slow);
	page_is_wanted(uffd);
	thread_start(&resize, resizes, fds + 1);
	CHECK_BLOCKS(resize.tid);

	CHECK_EQ(read(fds[0], buf, sizeof(buf)), 6);
	CHECK_MEM(buf, "before", 6);

	supply_page(uffd, slow.page);
	CHECK_EQ(thread_join(&t), 4096);
	CHECK_EQ(thread_join(&resize), 65536);
	CHECK_EQ(read(fds[0], buf, 1), 1);
}

TEST(a_resize_beside_a_slow_reader_does_not_hold_up_writers)
{
	struct test_thread t = {}, resize = {};
	struct slow slow;
	char buf[64];
	int fds[2], uffd;

	make(fds);
	uffd = missing_page(&slow.page);
	slow.fd = fds[0];
	slow.len = 4;
	CHECK_EQ(write(fds[1], "slow", 4), 4);
	thread_start(&t, slow_read, &slow);
	page_is_wanted(uffd);
	thread_start(&resize, resizes, fds + 1);
	CHECK_BLOCKS(resize.tid);

	CHECK_EQ(write(fds[1], "after", 5), 5);

	supply_page(uffd, slow.page);
	CHECK_EQ(thread_join(&t), 4);
	CHECK_EQ(thread_join(&resize), 65536);
	CHECK_EQ(read(fds[0], buf, sizeof(buf)), 5);
	CHECK_MEM(buf, "after", 5);
}

/* A process that is stuck in such a copy and is killed takes its bytes along or leaves them, and blocks nobody. */
static int stuck_reader(void *arg)
{
	int *fds = arg;
	struct slow slow = { .fd = fds[0], .len = 8 };
	int uffd = missing_page(&slow.page);
	struct test_thread t = {};

	thread_start(&t, slow_read, &slow);
	page_is_wanted(uffd);
	CHECK_EQ(write(fds[2], "x", 1), 1);
	for (;;)
		pause();
}

TEST(a_stuck_reader_is_killed)
{
	int fds[5];
	char buf[32];
	pid_t pid;

	make(fds);
	CHECK_SYS(pipe(fds + 3));
	fds[2] = fds[4];
	CHECK_EQ(write(fds[1], "0123456789abcdef", 16), 16);
	pid = spawn(stuck_reader, fds);
	CHECK_EQ(read(fds[3], buf, 1), 1);
	CHECK_SYS(kill(pid, SIGKILL));
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_EQ(write(fds[1], "!", 1), 1);
	CHECK_EQ(read(fds[0], buf, sizeof(buf)), 17);
	CHECK_MEM(buf, "0123456789abcdef!", 17);
}
