// SPDX-License-Identifier: GPL-2.0
/*
 * read(2), write(2), their vectors and FIONREAD: a message each, so that programs that know nothing
 * of ipcx can use a queue.  If this fails, shell redirections and such programs break.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "queue-test.h"

/* Nothing is there; a variable, so that the compiler does not see it. */
static void *volatile nowhere = (void *)8;

static int readable(int q)
{
	int bytes;

	POISON(bytes);
	CHECK_SYS(ioctl(q, FIONREAD, &bytes));
	return bytes;
}

TEST(write_sends_one_message)
{
	struct ipcx_msg msg;
	int q = make_queue(0, 0, 0);
	char buf[8];

	CHECK_EQ(write(q, "hello", 5), 5);
	CHECK_EQ(write(q, "", 0), 0);
	CHECK_EQ(stat_of(q).nr_msgs, 2);
	POISON(msg);
	msg.buf = (uintptr_t)buf;
	msg.len = sizeof(buf);
	CHECK_OK(ipcx_queue_recv_msg(q, &msg, NULL, NO_WAIT));
	CHECK_EQ(msg.len, 5);
	CHECK_EQ(msg.type, 1);
	CHECK_EQ(msg.priority, 0);
	CHECK_EQ(msg.pid, getpid());
	CHECK_MEM(buf, "hello", 5);
	CHECK_EQ(ipcx_queue_recv(q, buf, sizeof(buf)), 0);
}

TEST(read_takes_the_first_message)
{
	int q = make_queue(0, 0, 0);
	uint64_t values[10] = { 0 };

	CHECK_OK(send_value(q, 5, 0, 1));
	CHECK_OK(send_value(q, 6, 9, 2));
	CHECK_EQ(read(q, values, 80), 8);
	CHECK_EQ(values[0], 2);
	CHECK_EQ(read(q, values, 8), 8);
	CHECK_EQ(values[0], 1);
	CHECK_EQ(stat_of(q).received, 2);
}

TEST(read_with_too_small_a_buffer)
{
	int q = make_queue(0, 0, 0);
	char buf[8] = "........";

	CHECK_EQ(write(q, "12345678", 8), 8);
	CHECK_SYS_ERR(read(q, buf, 7), EMSGSIZE);
	CHECK_SYS_ERR(read(q, buf, 0), EMSGSIZE);
	CHECK_MEM(buf, "........", 8);
	CHECK_EQ(read(q, buf, 8), 8);
	CHECK_MEM(buf, "12345678", 8);
}

TEST(an_empty_message_reads_as_0)
{
	int q = make_queue(0, 0, 0);
	char buf[8];

	CHECK_EQ(write(q, NULL, 0), 0);
	CHECK_EQ(write(q, "x", 1), 1);
	CHECK_EQ(read(q, buf, 0), 0);
	CHECK_EQ(read(q, buf, 8), 1);
}

TEST(nonblock)
{
	int q = make_queue(1, 0, 0);
	char c;

	CHECK_SYS(fcntl(q, F_SETFL, O_NONBLOCK));
	CHECK_SYS_ERR(read(q, &c, 1), EAGAIN);
	CHECK_EQ(write(q, "a", 1), 1);
	CHECK_SYS_ERR(write(q, "b", 1), EAGAIN);
	CHECK_EQ(read(q, &c, 1), 1);
	CHECK_EQ(c, 'a');
}

static int read_one(void *arg)
{
	char buf[16];

	return read(*(int *)arg, buf, sizeof(buf));
}

static int write_one(void *arg)
{
	return write(*(int *)arg, "1234", 4);
}

TEST(read_and_write_wait)
{
	int q = make_queue(1, 0, 0);
	struct test_thread t;

	thread_start(&t, read_one, &q);
	CHECK_SOON(stat_of(q).nr_receivers == 1);
	CHECK_BLOCKS(t.tid);
	CHECK_EQ(write(q, "abc", 3), 3);
	CHECK_EQ(thread_join(&t), 3);

	CHECK_EQ(write(q, "abc", 3), 3);
	thread_start(&t, write_one, &q);
	CHECK_SOON(stat_of(q).nr_senders == 1);
	CHECK_BLOCKS(t.tid);
	CHECK_EQ(read_one(&q), 3);
	CHECK_EQ(thread_join(&t), 4);
	CHECK_EQ(readable(q), 4);
}

/* A vector is one message too. */
TEST(vectors)
{
	char a[3], b[5000], c[10], text[5013], got[5013];
	struct iovec out[3] = { { text, 1 }, { text + 1, 5000 }, { text + 5001, 12 } };
	struct iovec in[3] = { { a, 3 }, { b, 5000 }, { c, 10 } };
	int q = make_queue(0, 0, 0);

	fill(text, sizeof(text), 1);
	CHECK_EQ(writev(q, out, 3), 5013);
	CHECK_EQ(stat_of(q).nr_msgs, 1);
	CHECK_EQ(readv(q, in, 3), 5013);
	memcpy(got, a, 3);
	memcpy(got + 3, b, 5000);
	memcpy(got + 5003, c, 10);
	CHECK_MEM(got, text, sizeof(text));

	CHECK_EQ(writev(q, out, 3), 5013);
	in[2].iov_len = 9;
	CHECK_SYS_ERR(readv(q, in, 3), EMSGSIZE);
	CHECK_EQ(stat_of(q).nr_msgs, 1);
}

TEST(large_vectors)
{
	size_t len = 1 << 20, i;
	char *text = malloc(len), *got = malloc(len);
	struct iovec out[64], in[16];
	int q = make_queue(0, 0, 0);

	fill(text, len, 1);
	for (i = 0; i < 64; i++)
		out[i] = (struct iovec){ text + i * (len / 64), len / 64 };
	for (i = 0; i < 16; i++)
		in[i] = (struct iovec){ got + i * (len / 16), len / 16 };
	CHECK_EQ(writev(q, out, 64), len);
	CHECK_EQ(readv(q, in, 16), len);
	CHECK_MEM(got, text, len);
}

TEST(rights)
{
	int q = make_queue(0, 0, 0);
	int r = CHECK_OK(ipcx_restrict(q, IPCX_READ)), w = CHECK_OK(ipcx_restrict(q, IPCX_WRITE));
	char c;

	CHECK_SYS_ERR(write(r, "a", 1), EBADF);
	CHECK_SYS_ERR(read(w, &c, 1), EBADF);
	CHECK_EQ(write(w, "a", 1), 1);
	CHECK_EQ(read(r, &c, 1), 1);
}

TEST(a_queue_has_no_file_offset)
{
	int q = make_queue(0, 0, 0);
	char c;

	CHECK_EQ(write(q, "a", 1), 1);
	CHECK_SYS_ERR(lseek(q, 0, SEEK_SET), ESPIPE);
	CHECK_SYS_ERR(pread(q, &c, 1, 0), ESPIPE);
	CHECK_SYS_ERR(pwrite(q, &c, 1, 0), ESPIPE);
	CHECK_EQ(stat_of(q).nr_msgs, 1);
}

TEST(too_large_to_write)
{
	int q = make_queue(0, 100, 10);
	char buf[11] = "";

	CHECK_SYS_ERR(write(q, buf, 11), EMSGSIZE);
	CHECK_EQ(write(q, buf, 10), 10);
}

TEST(bad_buffers)
{
	int q = make_queue(0, 0, 0);

	CHECK_SYS_ERR(write(q, nowhere, 5), EFAULT);
	CHECK_EQ(stat_of(q).sent, 0);
	CHECK_EQ(write(q, "hello", 5), 5);
	CHECK_SYS_ERR(read(q, nowhere, 5), EFAULT);
	CHECK_EQ(stat_of(q).nr_msgs, 1);
	CHECK_EQ(stat_of(q).received, 0);
	CHECK_EQ(readable(q), 5);
	CHECK_SYS_ERR(ioctl(q, FIONREAD, (void *)8), EFAULT);
	CHECK_SYS_ERR(ioctl(q, FIONREAD, NULL), EFAULT);
}

/* Part of the vector is bad: nothing is sent, nothing is taken. */
TEST(bad_vectors)
{
	char good[100];
	struct iovec iov[2] = { { good, 100 }, { (void *)8, 100 } };
	int q = make_queue(0, 0, 0);

	CHECK_SYS_ERR(writev(q, iov, 2), EFAULT);
	CHECK_EQ(stat_of(q).sent, 0);
	CHECK_OK(ipcx_queue_send(q, good, 100));
	iov[0].iov_len = 50;
	CHECK_SYS_ERR(readv(q, iov, 2), EFAULT);
	CHECK_EQ(stat_of(q).nr_msgs, 1);
	/* the message fits in what is good */
	iov[0].iov_len = 100;
	CHECK_EQ(readv(q, iov, 2), 100);
}

TEST(shutdown_reads_as_the_end)
{
	int q = make_queue(0, 0, 0);
	char buf[8];

	/* no SIGPIPE: it would end this process */
	signal(SIGPIPE, SIG_DFL);
	CHECK_EQ(write(q, "last", 4), 4);
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	CHECK_SYS_ERR(write(q, "more", 4), EPIPE);
	CHECK_EQ(read(q, buf, 8), 4);
	CHECK_EQ(read(q, buf, 8), 0);
	CHECK_EQ(read(q, buf, 8), 0);
}

TEST(fionread_is_what_read_would_take)
{
	int q = make_queue(0, 0, 0);
	char buf[100];

	CHECK_EQ(readable(q), 0);
	CHECK_EQ(write(q, buf, 70), 70);
	CHECK_EQ(readable(q), 70);
	CHECK_EQ(write(q, buf, 30), 30);
	CHECK_EQ(readable(q), 70);
	CHECK_OK(send_value(q, 1, 1, 0));
	CHECK_EQ(readable(q), 8);
	CHECK_EQ(read(q, buf, 8), 8);
	CHECK_EQ(read(q, buf, 70), 70);
	CHECK_EQ(readable(q), 30);
	CHECK_EQ(read(q, buf, 30), 30);
	CHECK_EQ(readable(q), 0);
}
