// SPDX-License-Identifier: GPL-2.0
/*
 * A stream does what a pipe does: each case runs on a pipe first, which says what is right, and then on a stream.
 * Were it not so, a program written for a pipe would lose bytes, hang, or miss the end on a stream.
 */
#include "object.h"

#include <sys/epoll.h>
#include <sys/sendfile.h>

typedef void make_ends(int fds[2]);

static void pipe_ends(int fds[2])
{
	CHECK_SYS(pipe2(fds, O_CLOEXEC));
}

static void stream_ends(int fds[2])
{
	CHECK_OK(ipcx_stream_pipe(fds, 0));
}

#define ON_BOTH(id)							\
static void id(make_ends *make);					\
TEST(id##_pipe)								\
{									\
	id(pipe_ends);							\
}									\
TEST(id##_stream)							\
{									\
	id(stream_ends);						\
}									\
static void id(make_ends *make)

static void set_nonblock(int fd, bool on)
{
	int flags = CHECK_SYS(fcntl(fd, F_GETFL));

	CHECK_SYS(fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

static int readable(int fd)
{
	int nr = -1;

	CHECK_SYS(ioctl(fd, FIONREAD, &nr));
	return nr;
}

static short polled(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	CHECK_SYS(poll(&p, 1, 0));
	return p.revents;
}

/* Byte number @at of a sequence that repeats after a prime. */
static char byte_at(size_t at)
{
	return at % 251;
}

static void fill(char *buf, size_t at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = byte_at(at + i);
}

static void check_bytes(const char *buf, size_t at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (buf[i] != byte_at(at + i))
			FAIL("byte %zu is %d, not %d", at + i, buf[i], byte_at(at + i));
}

/* A thread that makes one system call. */
struct io {
	int fd;
	char *buf;
	size_t len;
	ssize_t ret;
	struct test_thread t;
};

static int read_main(void *arg)
{
	struct io *io = arg;

	io->ret = read(io->fd, io->buf, io->len);
	return io->ret < 0 ? -errno : io->ret;
}

static int write_main(void *arg)
{
	struct io *io = arg;

	io->ret = write(io->fd, io->buf, io->len);
	return io->ret < 0 ? -errno : io->ret;
}

ON_BOTH(bytes_come_out_in_order)
{
	char in[8192], out[8192];
	size_t sent = 0, got = 0;
	int fds[2];

	make(fds);
	for (size_t len = 1; len <= sizeof(in); len = len * 2 + 1) {
		fill(in, sent, len);
		CHECK_EQ(write(fds[1], in, len), len);
		sent += len;
		CHECK_EQ(readable(fds[0]), sent - got);
	}
	while (got < sent) {
		ssize_t n = CHECK_SYS(read(fds[0], out, 777));

		CHECK_EQ(n, sent - got < 777 ? sent - got : 777);
		check_bytes(out, got, n);
		got += n;
	}
	CHECK_EQ(readable(fds[0]), 0);
}

ON_BOTH(a_read_takes_what_is_there)
{
	char buf[100];
	int fds[2];

	make(fds);
	CHECK_EQ(write(fds[1], "abc", 3), 3);
	CHECK_EQ(read(fds[0], buf, 2), 2);
	CHECK_MEM(buf, "ab", 2);
	CHECK_EQ(write(fds[1], "de", 2), 2);
	CHECK_EQ(read(fds[0], buf, sizeof(buf)), 3);
	CHECK_MEM(buf, "cde", 3);
}

ON_BOTH(nothing_read_or_written)
{
	int fds[2];

	make(fds);
	CHECK_EQ(read(fds[0], NULL, 0), 0);
	CHECK_EQ(write(fds[1], NULL, 0), 0);
	CHECK_EQ(readable(fds[0]), 0);
}

ON_BOTH(vectors)
{
	char a[3], b[5];
	struct iovec out[] = { { "one", 3 }, { NULL, 0 }, { "twothree", 8 } };
	struct iovec in[] = { { a, 3 }, { b, 5 } };
	int fds[2];

	make(fds);
	CHECK_EQ(writev(fds[1], out, 3), 11);
	CHECK_EQ(readv(fds[0], in, 2), 8);
	CHECK_MEM(a, "one", 3);
	CHECK_MEM(b, "twoth", 5);
	CHECK_EQ(readable(fds[0]), 3);
}

ON_BOTH(a_reader_waits_for_bytes)
{
	char buf[10];
	struct io io = { .buf = buf, .len = sizeof(buf) };
	int fds[2];

	make(fds);
	io.fd = fds[0];
	thread_start(&io.t, read_main, &io);
	CHECK_BLOCKS(io.t.tid);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(thread_join(&io.t), 1);
	CHECK_EQ(buf[0], 'x');
}

ON_BOTH(the_end_comes_after_the_last_byte)
{
	char buf[10];
	int fds[2], second;

	make(fds);
	second = CHECK_SYS(dup(fds[1]));
	CHECK_EQ(write(fds[1], "xy", 2), 2);
	close(fds[1]);
	CHECK_EQ(write(second, "z", 1), 1);
	close(second);
	CHECK_EQ(polled(fds[0]), POLLIN | POLLHUP);
	CHECK_EQ(read(fds[0], buf, sizeof(buf)), 3);
	CHECK_EQ(polled(fds[0]), POLLHUP);
	CHECK_EQ(read(fds[0], buf, sizeof(buf)), 0);
	CHECK_EQ(read(fds[0], buf, sizeof(buf)), 0);
}

ON_BOTH(the_end_reaches_a_reader_that_waits)
{
	char buf[10];
	struct io io = { .buf = buf, .len = sizeof(buf) };
	int fds[2];

	make(fds);
	io.fd = fds[0];
	thread_start(&io.t, read_main, &io);
	CHECK_BLOCKS(io.t.tid);
	close(fds[1]);
	CHECK_EQ(thread_join(&io.t), 0);
}

/* The end comes when the last copy has gone, in whichever process it is. */
static int hold_open(void *arg)
{
	char c;

	return read(*(int *)arg, &c, 1) != 0;
}

ON_BOTH(a_child_keeps_the_other_end_open)
{
	int fds[2], hold[2];
	char buf[10];
	pid_t pid;

	make(fds);
	CHECK_SYS(pipe2(hold, O_CLOEXEC));
	pid = spawn(hold_open, &hold[0]);
	close(fds[1]);
	set_nonblock(fds[0], true);
	CHECK_SYS_ERR(read(fds[0], buf, 1), EAGAIN);
	CHECK_SYS(kill(pid, SIGKILL));
	CHECK_SOON(polled(fds[0]) == POLLHUP);
	CHECK_EQ(read(fds[0], buf, 1), 0);
}

static volatile sig_atomic_t sigpipes;

static void on_sigpipe(int sig)
{
	(void)sig;
	sigpipes++;
}

ON_BOTH(a_write_without_readers_is_epipe_and_sigpipe)
{
	int fds[2];

	make(fds);
	signal(SIGPIPE, on_sigpipe);
	close(fds[0]);
	CHECK_SYS_ERR(write(fds[1], "x", 1), EPIPE);
	CHECK_EQ(sigpipes, 1);
	CHECK_EQ(polled(fds[1]), POLLOUT | POLLERR);
	signal(SIGPIPE, SIG_IGN);
	CHECK_SYS_ERR(write(fds[1], "x", 1), EPIPE);
	CHECK_EQ(sigpipes, 1);
}

ON_BOTH(a_writer_that_waits_gets_epipe)
{
	static char buf[200000];
	struct io io = { .buf = buf, .len = sizeof(buf) };
	int fds[2];

	make(fds);
	signal(SIGPIPE, SIG_IGN);
	io.fd = fds[1];
	thread_start(&io.t, write_main, &io);
	CHECK_BLOCKS(io.t.tid);
	close(fds[0]);
	/* what had room was written */
	CHECK_EQ(thread_join(&io.t), 65536);
	CHECK_SYS_ERR(write(fds[1], "x", 1), EPIPE);
}

ON_BOTH(nonblocking)
{
	static char buf[200000];
	int fds[2];

	make(fds);
	set_nonblock(fds[0], true);
	set_nonblock(fds[1], true);
	CHECK_SYS_ERR(read(fds[0], buf, 1), EAGAIN);
	CHECK_EQ(polled(fds[0]), 0);
	CHECK_EQ(polled(fds[1]), POLLOUT);
	CHECK_EQ(write(fds[1], buf, sizeof(buf)), 65536);
	CHECK_SYS_ERR(write(fds[1], buf, 1), EAGAIN);
	CHECK_EQ(polled(fds[1]), 0);
	CHECK_EQ(read(fds[0], buf, 4095), 4095);
	/* a small write goes as a whole or not at all */
	CHECK_SYS_ERR(write(fds[1], buf, 4096), EAGAIN);
	CHECK_EQ(polled(fds[1]), 0);
	CHECK_EQ(read(fds[0], buf, 1), 1);
	CHECK_EQ(polled(fds[1]), POLLOUT);
	CHECK_EQ(write(fds[1], buf, 4096), 4096);
	set_nonblock(fds[0], false);
	CHECK_EQ(read(fds[0], buf, sizeof(buf)), 65536);
}

ON_BOTH(no_position)
{
	char c;
	int fds[2];

	make(fds);
	CHECK_SYS_ERR(lseek(fds[0], 0, SEEK_SET), ESPIPE);
	CHECK_SYS_ERR(pread(fds[0], &c, 1, 0), ESPIPE);
	CHECK_SYS_ERR(pwrite(fds[1], &c, 1, 0), ESPIPE);
}

ON_BOTH(each_end_has_its_direction)
{
	char c;
	int fds[2];

	make(fds);
	CHECK_SYS_ERR(write(fds[0], "x", 1), EBADF);
	CHECK_SYS_ERR(read(fds[1], &c, 1), EBADF);
}

ON_BOTH(bad_memory)
{
	char *page = map(region(2 * PAGE), 2 * PAGE, PROT_READ | PROT_WRITE), buf[16];
	void *volatile nowhere = (void *)BAD_PTR;
	int fds[2];

	make(fds);
	CHECK_SYS(munmap(page + PAGE, PAGE));
	CHECK_SYS_ERR(write(fds[1], nowhere, 1), EFAULT);
	CHECK_SYS_ERR(write(fds[1], page + PAGE - 4, 8), EFAULT);
	CHECK_EQ(readable(fds[0]), 0);
	CHECK_EQ(write(fds[1], "abcdefgh", 8), 8);
	CHECK_SYS_ERR(read(fds[0], nowhere, 8), EFAULT);
	CHECK_EQ(readable(fds[0]), 8);
	CHECK_EQ(read(fds[0], buf, sizeof(buf)), 8);
	CHECK_MEM(buf, "abcdefgh", 8);
}

/* Writers of PIPE_BUF bytes and less are never mixed, however many there are. */
#define WRITERS	4
#define ROUNDS	300

static int write_records(void *arg)
{
	char buf[4096];
	const int *a = arg;

	for (int i = 0; i < ROUNDS; i++) {
		size_t len = 1 + (i * 1237 + a[1] * 701) % sizeof(buf);

		if (len < 4)
			len = 4;
		memset(buf, 'a' + a[1], len);
		buf[0] = len & 0xff;
		buf[1] = len >> 8;
		CHECK_EQ(write(a[0], buf, len), len);
	}
	return 0;
}

static void read_fully(int fd, char *buf, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = CHECK_SYS(read(fd, buf + got, len - got));

		CHECK_GT(n, 0);
		got += n;
	}
}

ON_BOTH(small_writes_are_not_mixed)
{
	int fds[2], args[WRITERS][2], seen[WRITERS] = { 0 };
	pid_t pids[WRITERS];
	char buf[4096];

	make(fds);
	for (int i = 0; i < WRITERS; i++) {
		args[i][0] = fds[1];
		args[i][1] = i;
		pids[i] = spawn(write_records, args[i]);
	}
	close(fds[1]);
	for (int i = 0; i < WRITERS * ROUNDS; i++) {
		size_t len;

		read_fully(fds[0], buf, 4);
		len = (unsigned char)buf[0] | (unsigned char)buf[1] << 8;
		CHECK(len >= 4 && len <= 4096);
		read_fully(fds[0], buf + 4, len - 4);
		CHECK(buf[2] >= 'a' && buf[2] < 'a' + WRITERS);
		for (size_t j = 2; j < len; j++)
			CHECK_EQ(buf[j], buf[2]);
		seen[buf[2] - 'a']++;
	}
	CHECK_EQ(read(fds[0], buf, 1), 0);
	for (int i = 0; i < WRITERS; i++) {
		CHECK_EQ(seen[i], ROUNDS);
		CHECK_EXITS(pids[i], 0);
	}
}

/* A large write is cut by a signal, and tells how far it came. */
ON_BOTH(a_signal_cuts_a_large_write)
{
	static char buf[200000], out[200000];
	struct io io = { .buf = buf, .len = sizeof(buf) };
	struct sigaction sa = { .sa_handler = on_sigpipe };
	int fds[2];

	make(fds);
	CHECK_SYS(sigaction(SIGUSR1, &sa, NULL));
	io.fd = fds[1];
	thread_start(&io.t, write_main, &io);
	CHECK_BLOCKS(io.t.tid);
	CHECK_SYS(syscall(SYS_tgkill, getpid(), io.t.tid, SIGUSR1));
	CHECK_EQ(thread_join(&io.t), 65536);
	CHECK_EQ(read(fds[0], out, sizeof(out)), 65536);
}

ON_BOTH(a_signal_interrupts_a_read)
{
	char buf[4];
	struct io io = { .buf = buf, .len = 4 };
	struct sigaction sa = { .sa_handler = on_sigpipe };
	int fds[2];

	make(fds);
	CHECK_SYS(sigaction(SIGUSR1, &sa, NULL));
	io.fd = fds[0];
	thread_start(&io.t, read_main, &io);
	CHECK_BLOCKS(io.t.tid);
	CHECK_SYS(syscall(SYS_tgkill, getpid(), io.t.tid, SIGUSR1));
	CHECK_EQ(thread_join(&io.t), -EINTR);
	/* and with SA_RESTART goes on */
	sa.sa_flags = SA_RESTART;
	CHECK_SYS(sigaction(SIGUSR1, &sa, NULL));
	sigpipes = 0;
	thread_start(&io.t, read_main, &io);
	CHECK_BLOCKS(io.t.tid);
	CHECK_SYS(syscall(SYS_tgkill, getpid(), io.t.tid, SIGUSR1));
	CHECK_SOON(sigpipes == 1);
	CHECK_BLOCKS(io.t.tid);
	CHECK_EQ(write(fds[1], "ab", 2), 2);
	CHECK_EQ(thread_join(&io.t), 2);
}

/* Killed while it waits: nothing is lost, and the others go on. */
static int read_one(void *arg)
{
	char c;

	return read(*(int *)arg, &c, 1) != 1;
}

ON_BOTH(a_reader_that_is_killed)
{
	int fds[2];
	char buf[4];
	pid_t pid;

	make(fds);
	for (int i = 0; i < 20; i++) {
		pid = spawn(read_one, &fds[0]);
		CHECK_BLOCKS(pid);
		CHECK_SYS(kill(pid, SIGKILL));
		CHECK_KILLED_BY(pid, SIGKILL);
		CHECK_EQ(write(fds[1], "x", 1), 1);
		set_nonblock(fds[0], true);
		CHECK_EQ(read(fds[0], buf, 4), 1);
		set_nonblock(fds[0], false);
	}
}

ON_BOTH(closed_by_another_thread_during_the_wait)
{
	char buf[4];
	struct io io = { .buf = buf, .len = 4 };
	int fds[2];

	make(fds);
	io.fd = CHECK_SYS(dup(fds[0]));
	thread_start(&io.t, read_main, &io);
	CHECK_BLOCKS(io.t.tid);
	close(io.fd);
	CHECK_EQ(write(fds[1], "ab", 2), 2);
	CHECK_EQ(thread_join(&io.t), 2);
}

ON_BOTH(epoll_tells_of_each_change)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET }, got;
	int fds[2], ep = CHECK_SYS(epoll_create1(EPOLL_CLOEXEC));
	char c;

	make(fds);
	CHECK_SYS(epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &ev));
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
	CHECK_EQ(got.events, EPOLLIN);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	CHECK_EQ(read(fds[0], &c, 1), 1);
	close(fds[1]);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
	CHECK_EQ(got.events & EPOLLHUP, EPOLLHUP);
}

/* splice(2) through a pipe, both ways; the ends are those of the thing tested and of a plain pipe. */
ON_BOTH(splice_in_and_out)
{
	static char in[60000], out[60000];
	int fds[2], p[2];
	size_t got = 0;

	make(fds);
	CHECK_SYS(pipe2(p, O_CLOEXEC));
	fill(in, 0, sizeof(in));
	CHECK_EQ(write(p[1], in, sizeof(in)), sizeof(in));
	while (got < sizeof(in))
		got += CHECK_SYS(splice(p[0], NULL, fds[1], NULL, sizeof(in) - got, 0));
	CHECK_EQ(readable(fds[0]), sizeof(in));
	got = 0;
	while (got < sizeof(in))
		got += CHECK_SYS(splice(fds[0], NULL, p[1], NULL, sizeof(in) - got, 0));
	read_fully(p[0], out, sizeof(out));
	check_bytes(out, 0, sizeof(out));
	CHECK_SYS_ERR(splice(fds[0], NULL, p[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	close(fds[1]);
	CHECK_EQ(splice(fds[0], NULL, p[1], NULL, 1, 0), 0);
}

/* A pipe that has room for less than there is takes that much, and nothing is lost. */
ON_BOTH(splice_into_a_small_pipe)
{
	static char in[60000], out[60000];
	int fds[2], p[2];
	size_t got = 0, moved;

	make(fds);
	CHECK_SYS(pipe2(p, O_CLOEXEC));
	CHECK_SYS(fcntl(p[1], F_SETPIPE_SZ, 8192));
	fill(in, 0, sizeof(in));
	CHECK_EQ(write(fds[1], in, sizeof(in)), sizeof(in));
	while (got < sizeof(in)) {
		moved = CHECK_SYS(splice(fds[0], NULL, p[1], NULL, sizeof(in), SPLICE_F_NONBLOCK));
		CHECK_GT(moved, 0);
		CHECK_LE(moved, 8192);
		CHECK_SYS_ERR(splice(fds[0], NULL, p[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
		read_fully(p[0], out + got, moved);
		got += moved;
	}
	check_bytes(out, 0, sizeof(out));
}

/* Others read it empty again and again between the look and the taking: nobody who does not want to wait does. */
static int splices_without_waiting(void *arg)
{
	int *fds = arg, p[2];
	char c[64];

	CHECK_SYS(pipe2(p, O_CLOEXEC));
	for (int i = 0; i < 20000; i++) {
		ssize_t n = splice(fds[0], NULL, p[1], NULL, 8, SPLICE_F_NONBLOCK);

		if (n < 0)
			CHECK_EQ(errno, EAGAIN);
		else
			CHECK_EQ(read(p[0], c, sizeof(c)), n);
	}
	return 0;
}

ON_BOTH(splice_without_waiting_beside_other_readers)
{
	int fds[2], got = 0;
	pid_t pid[2];

	make(fds);
	CHECK_SYS(fcntl(fds[0], F_SETFL, 0));
	CHECK_SYS(fcntl(fds[1], F_SETFL, O_NONBLOCK));
	for (int i = 0; i < 2; i++)
		pid[i] = spawn(splices_without_waiting, fds);
	while (waitpid(pid[0], &got, WNOHANG) == 0) {
		if (write(fds[1], "x", 1) < 0)
			CHECK_EQ(errno, EAGAIN);
	}
	CHECK_EQ(got, 0);
	/* the other one is not kept waiting, though nothing is written any more */
	CHECK_EXITS(pid[1], 0);
}

/* As from a pipe: the source of sendfile(2) must be a file that can be read at any place. */
ON_BOTH(sendfile_out_of_it)
{
	int fds[2], file = CHECK_SYS(memfd_create("out", MFD_CLOEXEC));

	make(fds);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_SYS_ERR(sendfile(file, fds[0], NULL, 1), EINVAL);
	CHECK_EQ(readable(fds[0]), 1);
}

ON_BOTH(sendfile_into_it)
{
	static char in[50000], out[50000];
	int fds[2], file = CHECK_SYS(memfd_create("in", MFD_CLOEXEC));
	size_t got = 0;
	off_t at = 0;

	make(fds);
	fill(in, 0, sizeof(in));
	CHECK_EQ(write(file, in, sizeof(in)), sizeof(in));
	while (got < sizeof(in))
		got += CHECK_SYS(sendfile(fds[1], file, &at, sizeof(in) - got));
	read_fully(fds[0], out, sizeof(out));
	check_bytes(out, 0, sizeof(out));
}

/* More than it holds, with sizes that meet no boundary, between two processes. */
#define MANY	(4 << 20)

static int write_many(void *arg)
{
	static char buf[70001];
	size_t sent = 0;

	while (sent < MANY) {
		size_t len = 1 + (sent * 7919) % sizeof(buf);

		if (len > MANY - sent)
			len = MANY - sent;
		fill(buf, sent, len);
		CHECK_EQ(write(*(int *)arg, buf, len), len);
		sent += len;
	}
	return 0;
}

ON_BOTH(more_than_it_holds)
{
	static char buf[90001];
	size_t got = 0;
	int fds[2];
	pid_t pid;

	make(fds);
	pid = spawn(write_many, &fds[1]);
	close(fds[1]);
	for (;;) {
		ssize_t n = CHECK_SYS(read(fds[0], buf, 1 + (got * 104729) % sizeof(buf)));

		if (!n)
			break;
		check_bytes(buf, got, n);
		got += n;
	}
	CHECK_EQ(got, MANY);
	CHECK_EXITS(pid, 0);
}
