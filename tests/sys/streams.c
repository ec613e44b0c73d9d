// SPDX-License-Identifier: GPL-2.0
/*
 * What streams have and pipes have not: names, rights, resizing, shutdown, the quota; and who counts as the other
 * end.  Were it broken, a reader would see an end that is none, or memory would be lost or kept.
 */
#include "object.h"

static struct ipcx_stream_stat stream_stat(int fd)
{
	struct ipcx_stream_stat st;

	POISON(st);
	CHECK_OK(ipcx_stream_stat(fd, &st));
	return st;
}

static int stream(const char *name, size_t capacity, unsigned int rights, unsigned int flags)
{
	struct ipcx_options o = { .rights = rights, .flags = flags };

	return CHECK_OK(ipcx_stream_create(name, capacity, &o));
}

static short polled(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	CHECK_SYS(poll(&p, 1, 0));
	return p.revents;
}

struct io {
	int fd;
	char *buf;
	size_t len;
	struct test_thread t;
};

static int read_main(void *arg)
{
	struct io *io = arg;
	ssize_t ret = read(io->fd, io->buf, io->len);

	return ret < 0 ? -errno : ret;
}

static int write_main(void *arg)
{
	struct io *io = arg;
	ssize_t ret = write(io->fd, io->buf, io->len);

	return ret < 0 ? -errno : ret;
}

TEST(nowait)
{
	struct iovec iov = { (char[1]){ 'x' }, 1 };
	int fds[2];

	CHECK_OK(ipcx_stream_pipe(fds, 0));
	CHECK_SYS_ERR(preadv2(fds[0], &iov, 1, -1, RWF_NOWAIT), EAGAIN);
	CHECK_EQ(pwritev2(fds[1], &iov, 1, -1, RWF_NOWAIT), 1);
	CHECK_EQ(preadv2(fds[0], &iov, 1, -1, RWF_NOWAIT), 1);
}

TEST(a_pipe_of_streams_is_close_on_exec_and_has_one_right_each)
{
	int fds[2];

	CHECK_OK(ipcx_stream_pipe(fds, 0));
	CHECK_EQ(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fds[1], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(object_stat(fds[0]).rights, IPCX_READ);
	CHECK_EQ(object_stat(fds[1]).rights, IPCX_WRITE);
	CHECK_EQ(object_stat(fds[0]).kind, IPCX_KIND_STREAM);
	CHECK_EQ(object_stat(fds[0]).users, 2);
	CHECK_ERR(ipcx_restrict(fds[0], IPCX_WRITE), EACCES);
}

/* Whoever comes first to a name waits for the other, as open(2) of a FIFO would. */
TEST(a_reader_waits_for_the_first_writer)
{
	char buf[8];
	struct io io = { .buf = buf, .len = sizeof(buf) };
	int w;

	own_names();
	io.fd = stream("s", 0, IPCX_READ, 0);
	CHECK_EQ(polled(io.fd), 0);
	thread_start(&io.t, read_main, &io);
	CHECK_BLOCKS(io.t.tid);
	w = CHECK_OK(ipcx_open("s", IPCX_KIND_STREAM, IPCX_WRITE, 0));
	CHECK_EQ(write(w, "abc", 3), 3);
	CHECK_EQ(thread_join(&io.t), 3);
	close(w);
	CHECK_EQ(polled(io.fd), POLLHUP);
	CHECK_EQ(read(io.fd, buf, 1), 0);
	/* another writer, and it goes on */
	w = CHECK_OK(ipcx_open("s", IPCX_KIND_STREAM, IPCX_WRITE, 0));
	CHECK_EQ(polled(io.fd), 0);
	CHECK_EQ(write(w, "d", 1), 1);
	CHECK_EQ(read(io.fd, buf, sizeof(buf)), 1);
}

TEST(bytes_wait_for_a_reader_under_a_name)
{
	char buf[8];
	int w, r;

	own_names();
	w = stream("s", 0, IPCX_WRITE, 0);
	CHECK_EQ(write(w, "abc", 3), 3);
	CHECK_EQ(polled(w), POLLOUT);
	close(w);
	r = CHECK_OK(ipcx_open("s", IPCX_KIND_STREAM, IPCX_READ, IPCX_CREATE_NONBLOCK));
	CHECK_EQ(polled(r), POLLIN | POLLHUP);
	CHECK_EQ(read(r, buf, sizeof(buf)), 3);
	CHECK_EQ(read(r, buf, sizeof(buf)), 0);
	close(r);
	/* a reader that comes when all is over waits for who comes next */
	r = CHECK_OK(ipcx_open("s", IPCX_KIND_STREAM, IPCX_READ, IPCX_CREATE_NONBLOCK));
	CHECK_SYS_ERR(read(r, buf, sizeof(buf)), EAGAIN);
	CHECK_EQ(polled(r), 0);
	CHECK_OK(ipcx_unlink("s"));
}

TEST(a_writer_is_told_when_readers_have_been_and_gone)
{
	int w, r;

	own_names();
	signal(SIGPIPE, SIG_IGN);
	w = stream("s", 0, IPCX_WRITE, 0);
	CHECK_EQ(write(w, "a", 1), 1);
	r = CHECK_OK(ipcx_open("s", IPCX_KIND_STREAM, IPCX_READ, 0));
	CHECK_EQ(write(w, "b", 1), 1);
	close(r);
	CHECK_SYS_ERR(write(w, "c", 1), EPIPE);
	CHECK_EQ(stream_stat(w).bytes, 2);
	/* until somebody reads again */
	r = CHECK_OK(ipcx_open("s", IPCX_KIND_STREAM, IPCX_READ, 0));
	CHECK_EQ(write(w, "c", 1), 1);
	CHECK_EQ(stream_stat(r).bytes, 3);
}

/* A descriptor with both rights is both ends, and never at its end. */
TEST(both_directions_in_one)
{
	int s = stream(NULL, 0, 0, IPCX_CREATE_NONBLOCK);
	char buf[4];

	CHECK_SYS_ERR(read(s, buf, 4), EAGAIN);
	CHECK_EQ(write(s, "xy", 2), 2);
	CHECK_EQ(read(s, buf, 4), 2);
	CHECK_EQ(polled(s), POLLOUT);
}

TEST(statistics)
{
	struct ipcx_stream_stat st;
	char buf[10];
	int fds[2];

	CHECK_OK(ipcx_stream_pipe(fds, 100000));
	CHECK_EQ(write(fds[1], "hello", 5), 5);
	CHECK_EQ(read(fds[0], buf, 2), 2);
	st = stream_stat(fds[0]);
	CHECK_EQ(st.bytes, 3);
	CHECK_EQ(st.written, 5);
	CHECK_EQ(st.capacity, 131072);
	CHECK_EQ(st.nr_readers, 1);
	CHECK_EQ(st.nr_writers, 1);
	CHECK_EQ(st.waiting_readers, 0);
	CHECK_EQ(st.waiting_writers, 0);
	CHECK_STR(fdinfo(fds[0], "capacity"), "131072");
	CHECK_STR(fdinfo(fds[0], "bytes"), "3");
}

TEST(capacities)
{
	struct ipcx_stream_create create = { .create.size = sizeof(create) };
	int dev = device();

	CHECK_EQ(stream_stat(stream(NULL, 1, 0, 0)).capacity, 4096);
	CHECK_EQ(stream_stat(stream(NULL, 4097, 0, 0)).capacity, 8192);
	CHECK_EQ(stream_stat(stream(NULL, 1 << 30, 0, 0)).capacity, 1 << 30);
	create.capacity = (1ull << 30) + 1;
	CHECK_ERR(call(dev, IPCX_STREAM_CREATE, &create), EINVAL);
	create.capacity = UINT64_MAX;
	CHECK_ERR(call(dev, IPCX_STREAM_CREATE, &create), EINVAL);
}

/* At every fill and every place of the ring: the bytes stay, the room is the new one. */
TEST(resize)
{
	char buf[16384], out[16384];
	size_t i, lens[] = { 0, 1, 4095, 4096, 5000, 8192 }, skips[] = { 0, 1, 4096, 6000, 8191 };

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = i * 13;
	for (i = 0; i < 30; i++) {
		size_t len = lens[i % 6], skip = skips[i / 6], at = 0;
		int s = stream(NULL, 8192, 0, IPCX_CREATE_NONBLOCK);

		/* keep a byte in it while it moves on, since an empty one begins again */
		CHECK_EQ(write(s, buf, 1), 1);
		while (at < skip) {
			size_t nr = skip - at < 4000 ? skip - at : 4000;

			CHECK_EQ(write(s, out, nr), nr);
			CHECK_EQ(read(s, out, nr), nr);
			at += nr;
		}
		if (len)
			CHECK_EQ(write(s, buf, len < 8192 ? len : 8191), len < 8192 ? len : 8191);
		CHECK_EQ(read(s, out, 1), 1);
		if (len == 8192)
			len = 8191;
		CHECK_EQ(ipcx_stream_resize(s, 16000), 16384);
		CHECK_EQ(stream_stat(s).bytes, len);
		CHECK_EQ(write(s, buf + len, 3000), 3000);
		if (len + 3000 > 8192) {
			CHECK_ERR(ipcx_stream_resize(s, 8192), EBUSY);
			CHECK_EQ(stream_stat(s).capacity, 16384);
		} else {
			CHECK_EQ(ipcx_stream_resize(s, 8192), 8192);
		}
		CHECK_EQ(read(s, out, sizeof(out)), len + 3000);
		CHECK_MEM(out, buf, len + 3000);
		close(s);
	}
}

TEST(resizing_lets_a_writer_go_on)
{
	static char buf[100000];
	struct io io = { .buf = buf, .len = sizeof(buf) };
	int s = stream(NULL, 0, 0, 0);

	io.fd = s;
	thread_start(&io.t, write_main, &io);
	CHECK_BLOCKS(io.t.tid);
	CHECK_EQ(stream_stat(s).waiting_writers, 1);
	CHECK_EQ(ipcx_stream_resize(s, sizeof(buf)), 131072);
	CHECK_EQ(thread_join(&io.t), sizeof(buf));
}

TEST(resize_arguments)
{
	struct ipcx_stream_resize size = { .size = sizeof(size), .capacity = 8192, .flags = 1 };
	int fds[2];

	CHECK_OK(ipcx_stream_pipe(fds, 0));
	CHECK_ERR(call(fds[1], IPCX_STREAM_RESIZE, &size), EINVAL);
	size.flags = 0;
	CHECK_ERR(call(fds[0], IPCX_STREAM_RESIZE, &size), EACCES);
	size.capacity = 0;
	CHECK_ERR(call(fds[1], IPCX_STREAM_RESIZE, &size), EINVAL);
	size.capacity = (1ull << 30) + 1;
	CHECK_ERR(call(fds[1], IPCX_STREAM_RESIZE, &size), EINVAL);
	CHECK_ERR(call(queue(), IPCX_STREAM_RESIZE, &size), ENOTTY);
	CHECK_EQ(stream_stat(fds[0]).capacity, 65536);
}

TEST(shutdown_for_sending)
{
	char buf[8];
	struct io io = { .buf = buf, .len = sizeof(buf) };
	int fds[2];

	CHECK_OK(ipcx_stream_pipe(fds, 0));
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERR(ipcx_shutdown(fds[0], IPCX_SHUT_SEND), EACCES);
	io.fd = fds[0];
	thread_start(&io.t, read_main, &io);
	CHECK_BLOCKS(io.t.tid);
	CHECK_OK(ipcx_shutdown(fds[1], IPCX_SHUT_SEND));
	CHECK_EQ(thread_join(&io.t), 0);
	CHECK_SYS_ERR(write(fds[1], "x", 1), EPIPE);
}

TEST(what_is_left_after_a_shutdown_is_read)
{
	char buf[8];
	int fds[2];

	CHECK_OK(ipcx_stream_pipe(fds, 0));
	CHECK_EQ(write(fds[1], "left", 4), 4);
	CHECK_OK(ipcx_shutdown(fds[1], IPCX_SHUT_SEND));
	CHECK_EQ(polled(fds[0]), POLLIN | POLLHUP);
	CHECK_EQ(read(fds[0], buf, sizeof(buf)), 4);
	CHECK_EQ(read(fds[0], buf, sizeof(buf)), 0);
}

TEST(shutdown_for_receiving)
{
	static char buf[100000];
	struct io io = { .buf = buf, .len = sizeof(buf) };
	int fds[2];

	CHECK_OK(ipcx_stream_pipe(fds, 0));
	signal(SIGPIPE, SIG_IGN);
	io.fd = fds[1];
	thread_start(&io.t, write_main, &io);
	CHECK_BLOCKS(io.t.tid);
	CHECK_OK(ipcx_shutdown(fds[0], IPCX_SHUT_RECV));
	CHECK_EQ(thread_join(&io.t), 65536);
	CHECK_SYS_ERR(write(fds[1], "x", 1), EPIPE);
	CHECK_EQ(read(fds[0], buf, 1), 0);
}

/* Pages are charged when they are first needed, and all of them come back. */
TEST(memory)
{
	static char buf[1 << 20];
	uint64_t before = own_account(), empty;
	int s = stream(NULL, sizeof(buf), 0, 0);

	empty = object_stat(s).charged;
	CHECK_LE(empty, 4096);
	CHECK_EQ(write(s, "x", 1), 1);
	CHECK_EQ(object_stat(s).charged, empty + 4096);
	CHECK_EQ(write(s, buf, sizeof(buf) - 1), sizeof(buf) - 1);
	CHECK_EQ(object_stat(s).charged, empty + sizeof(buf));
	CHECK_EQ(used_bytes(), before + empty + sizeof(buf));
	/* an empty stream keeps what it is likely to need again */
	CHECK_EQ(read(s, buf, sizeof(buf)), sizeof(buf));
	CHECK_EQ(object_stat(s).charged, empty + 65536);
	close(s);
	CHECK_SOON(used_bytes() == before);
}

TEST(quota)
{
	static char buf[1 << 20];
	uint64_t before;
	int s, hog;

	/* a user of this case's own, with the quota of any other: nearly all of it is used by a region */
	before = own_account();
	CHECK_EQ(before, 0);
	CHECK_SYS(prctl(PR_SET_KEEPCAPS, 1));
	as_user(100000 + getpid());
	s = stream(NULL, sizeof(buf), 0, IPCX_CREATE_NONBLOCK);
	hog = region(128 << 20);
	{
		size_t free = (128 << 20) - used_bytes() - 10 * 4096, len = free & ~4095ul;
		char *p = map(hog, 128 << 20, PROT_READ | PROT_WRITE);

		for (size_t at = 0; at < len; at += 4096)
			p[at] = 1;
	}
	/* what there are pages for is written, and then the quota is told */
	CHECK_GE(write(s, buf, sizeof(buf)), 9 * 4096);
	CHECK_SYS_ERR(write(s, buf, 2 * 4096), EDQUOT);
	close(hog);
}

/* What the other side does to its memory does not matter to ours: a reader that hangs in a fault blocks no writer. */
TEST(many_at_both_ends)
{
	enum { NR = 4, EACH = 2000 };
	int fds[2];
	pid_t writers[NR], readers[NR];

	CHECK_OK(ipcx_stream_pipe(fds, 4096));
	for (int i = 0; i < NR; i++) {
		writers[i] = fork();
		if (!writers[i]) {
			close(fds[0]);
			for (int n = 0; n < EACH; n++)
				CHECK_EQ(write(fds[1], "12345678", 8), 8);
			_exit(0);
		}
		readers[i] = fork();
		if (!readers[i]) {
			unsigned int got = 0;
			char buf[64];
			ssize_t n;

			close(fds[1]);
			while ((n = CHECK_SYS(read(fds[0], buf, 8))) > 0)
				got += n;
			_exit(got % 8 != 0);
		}
	}
	close(fds[1]);
	for (int i = 0; i < NR; i++) {
		CHECK_EXITS(writers[i], 0);
		CHECK_EXITS(readers[i], 0);
	}
	CHECK_EQ(stream_stat(fds[0]).written, NR * EACH * 8);
	CHECK_EQ(stream_stat(fds[0]).bytes, 0);
}

/* A child executes a program that knows nothing of streams. */
TEST(a_program_reads_its_standard_input)
{
	char buf[64] = "";
	int in[2], out[2];
	size_t got = 0;
	ssize_t n;
	pid_t pid;

	CHECK_OK(ipcx_stream_pipe(in, 0));
	CHECK_OK(ipcx_stream_pipe(out, 0));
	pid = fork();
	if (!pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execlp("tr", "tr", "a-z", "A-Z", NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	CHECK_EQ(write(in[1], "hello, stream", 13), 13);
	close(in[1]);
	while ((n = CHECK_SYS(read(out[0], buf + got, sizeof(buf) - 1 - got))) > 0)
		got += n;
	CHECK_STR(buf, "HELLO, STREAM");
	CHECK_EXITS(pid, 0);
}

TEST(a_small_write_that_faults_writes_nothing)
{
	char *two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fds[2];

	CHECK(two != MAP_FAILED);
	CHECK_SYS(munmap(two + PAGE, PAGE));
	CHECK_OK(ipcx_stream_pipe(fds, 0));
	/* the second piece of it, at another page of the stream, is what cannot be read */
	CHECK_EQ(write(fds[1], two, PAGE - 10), PAGE - 10);
	CHECK_SYS_ERR(write(fds[1], two + PAGE - 20, 100), EFAULT);
	CHECK_EQ(stream_stat(fds[0]).bytes, PAGE - 10);
	CHECK_EQ(stream_stat(fds[0]).written, PAGE - 10);
}
