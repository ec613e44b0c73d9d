// SPDX-License-Identifier: GPL-2.0
/*
 * A queue's descriptor in io_uring: poll, read and write complete, with and without waiting.  If
 * this fails, an event loop over io_uring hangs on a queue.  The ring is set up by hand, so that no
 * library is needed.
 */
#include <linux/io_uring.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "queue-test.h"

#define ENTRIES	8
#define READ_MULTISHOT 49	/* IORING_OP_READ_MULTISHOT of Linux 6.7, which older headers do not have */

/* The two rings, mapped; the submission array is the identity. */
struct ring {
	int fd;
	struct io_uring_sqe *sqes;
	unsigned int *sq_tail, *sq_mask;
	unsigned int *cq_head, *cq_tail, *cq_mask;
	struct io_uring_cqe *cqes;
};

static void ring_init(struct ring *ring)
{
	struct io_uring_params p = { 0 };
	char *sq, *cq;
	unsigned int i;

	ring->fd = syscall(__NR_io_uring_setup, ENTRIES, &p);
	if (ring->fd < 0)
		SKIP("no io_uring here: %s", strerror(errno));
	sq = mmap(NULL, p.sq_off.array + ENTRIES * 4, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
		  IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
		  PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_CQ_RING);
	ring->sqes = mmap(NULL, ENTRIES * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
			  MAP_SHARED, ring->fd, IORING_OFF_SQES);
	CHECK(sq != MAP_FAILED && cq != MAP_FAILED && ring->sqes != MAP_FAILED);
	ring->sq_tail = (void *)(sq + p.sq_off.tail);
	ring->sq_mask = (void *)(sq + p.sq_off.ring_mask);
	ring->cq_head = (void *)(cq + p.cq_off.head);
	ring->cq_tail = (void *)(cq + p.cq_off.tail);
	ring->cq_mask = (void *)(cq + p.cq_off.ring_mask);
	ring->cqes = (void *)(cq + p.cq_off.cqes);
	for (i = 0; i < ENTRIES; i++)
		((unsigned int *)(sq + p.sq_off.array))[i] = i;
}

static void submit(struct ring *ring, struct io_uring_sqe sqe)
{
	unsigned int tail = *ring->sq_tail;

	ring->sqes[tail & *ring->sq_mask] = sqe;
	__atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
	CHECK_EQ(syscall(__NR_io_uring_enter, ring->fd, 1, 0, 0, NULL, 0), 1);
}

static bool has_completed(struct ring *ring)
{
	/* completions may need this task to enter the kernel */
	syscall(__NR_io_uring_enter, ring->fd, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0);
	return __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE) != *ring->cq_head;
}

/* The next completion must be of @user_data. */
static struct io_uring_cqe completion(struct ring *ring, uint64_t user_data)
{
	struct io_uring_cqe cqe;
	unsigned int head = *ring->cq_head;

	CHECK_SOON(has_completed(ring));
	cqe = ring->cqes[head & *ring->cq_mask];
	__atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
	CHECK_EQ(cqe.user_data, user_data);
	return cqe;
}

static int completed(struct ring *ring, uint64_t user_data)
{
	return completion(ring, user_data).res;
}

static struct io_uring_sqe rw(int opcode, int q, const void *buf, size_t len, uint64_t user_data)
{
	return (struct io_uring_sqe){
		.opcode = opcode,
		.fd = q,
		.addr = (uintptr_t)buf,
		.len = len,
		.off = -1,
		.user_data = user_data,
	};
}

TEST(write_and_read)
{
	int q = make_queue(0, 0, 0);
	struct ring ring;
	char buf[16];

	ring_init(&ring);
	submit(&ring, rw(IORING_OP_WRITE, q, "hello", 5, 1));
	CHECK_EQ(completed(&ring, 1), 5);
	CHECK_EQ(stat_of(q).nr_msgs, 1);
	submit(&ring, rw(IORING_OP_READ, q, buf, sizeof(buf), 2));
	CHECK_EQ(completed(&ring, 2), 5);
	CHECK_MEM(buf, "hello", 5);
}

TEST(errors)
{
	int q = make_queue(0, 100, 10);
	struct ring ring;
	char buf[16] = "";

	ring_init(&ring);
	submit(&ring, rw(IORING_OP_WRITE, q, buf, 11, 1));
	CHECK_EQ(completed(&ring, 1), -EMSGSIZE);
	submit(&ring, rw(IORING_OP_WRITE, q, (void *)8, 8, 2));
	CHECK_EQ(completed(&ring, 2), -EFAULT);
	CHECK_EQ(stat_of(q).sent, 0);
	CHECK_OK(send_value(q, 1, 0, 1));
	submit(&ring, rw(IORING_OP_READ, q, buf, 7, 3));
	CHECK_EQ(completed(&ring, 3), -EMSGSIZE);
	CHECK_EQ(stat_of(q).nr_msgs, 1);
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_RECV));
	submit(&ring, rw(IORING_OP_WRITE, q, buf, 8, 4));
	CHECK_EQ(completed(&ring, 4), -EPIPE);
	submit(&ring, rw(IORING_OP_READ, q, buf, 8, 5));
	CHECK_EQ(completed(&ring, 5), 0);
}

/* The submitter goes on; the read completes when there is a message. */
TEST(a_read_that_waits)
{
	int q = make_queue(0, 0, 0);
	uint64_t value = 0, start = test_now_ns();
	struct ring ring;

	ring_init(&ring);
	submit(&ring, rw(IORING_OP_READ, q, &value, 8, 1));
	CHECK_LT(test_now_ns() - start, 5000000000ull);
	CHECK(!has_completed(&ring));
	CHECK_OK(send_value(q, 1, 0, 77));
	CHECK_EQ(completed(&ring, 1), 8);
	CHECK_EQ(value, 77);
	CHECK_EQ(stat_of(q).received, 1);
}

TEST(a_write_that_waits)
{
	int q = make_queue(1, 0, 0);
	uint64_t value = 88;
	struct ring ring;

	ring_init(&ring);
	CHECK_OK(send_value(q, 1, 0, 77));
	submit(&ring, rw(IORING_OP_WRITE, q, &value, 8, 1));
	CHECK(!has_completed(&ring));
	CHECK_RECV(q, ANY, 77);
	CHECK_EQ(completed(&ring, 1), 8);
	CHECK_RECV(q, ANY, 88);
}

TEST(poll)
{
	int q = make_queue(1, 0, 0);
	struct io_uring_sqe sqe = { .opcode = IORING_OP_POLL_ADD, .fd = q, .user_data = 1 };
	struct ring ring;

	ring_init(&ring);
	sqe.poll32_events = POLLIN;
	submit(&ring, sqe);
	CHECK(!has_completed(&ring));
	CHECK_OK(send_value(q, 1, 0, 1));
	CHECK_EQ(completed(&ring, 1), POLLIN);
	sqe.poll32_events = POLLOUT;
	sqe.user_data = 2;
	submit(&ring, sqe);
	CHECK(!has_completed(&ring));
	CHECK_RECV(q, ANY, 1);
	CHECK_EQ(completed(&ring, 2), POLLOUT);
	sqe.poll32_events = POLLIN;
	sqe.user_data = 3;
	submit(&ring, sqe);
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	CHECK_EQ(completed(&ring, 3), POLLIN | POLLHUP);
}

/* A read that waits ends with its ring, and has taken nothing. */
TEST(ring_closed_during_a_read)
{
	int q = make_queue(0, 0, 0);
	uint64_t value;
	struct ring ring;

	ring_init(&ring);
	submit(&ring, rw(IORING_OP_READ, q, &value, 8, 1));
	close(ring.fd);
	munmap(ring.sqes, ENTRIES * sizeof(struct io_uring_sqe));
	CHECK_SOON(stat_of(q).nr_receivers == 0);
	CHECK_OK(send_value(q, 1, 0, 5));
	CHECK_EQ(stat_of(q).sent, 1);
}

/* Buffers are registered once, and the kernel need not look them up each time. */
TEST(registered_buffers)
{
	const size_t max = 65536 + 4096;
	char *in = mmap(NULL, max, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *out = mmap(NULL, max, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov[2] = { { in, max }, { out, max } };
	struct io_uring_sqe sqe;
	int q = make_queue(0, 0, 0);
	struct ring ring;
	size_t len;

	CHECK(in != MAP_FAILED && out != MAP_FAILED);
	ring_init(&ring);
	CHECK_SYS(syscall(__NR_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, iov, 2));
	for (len = 1; len < max - 8; len = len * 5 / 2) {
		fill(in, len, len);
		memset(out, 0xa5, max);
		submit(&ring, rw(IORING_OP_WRITE_FIXED, q, in, len, 1));
		CHECK_EQ(completed(&ring, 1), len);
		/* not at the beginning of a page */
		sqe = rw(IORING_OP_READ_FIXED, q, out + 7, len, 2);
		sqe.buf_index = 1;
		submit(&ring, sqe);
		CHECK_EQ(completed(&ring, 2), len);
		CHECK_MEM(out + 7, in, len);
		CHECK_EQ((unsigned char)out[7 + len], 0xa5);
	}
	sqe = rw(IORING_OP_READ_FIXED, q, out, 8, 3);
	sqe.buf_index = 1;
	submit(&ring, sqe);
	CHECK(!has_completed(&ring));
	CHECK_OK(send_value(q, 1, 0, 77));
	CHECK_EQ(completed(&ring, 3), 8);
	CHECK_EQ(*(uint64_t *)out, 77);
}

/* One request, as many completions as there are messages, each with a buffer of its own: a read of Linux 6.7. */
struct multishot {
	struct ring ring;
	uint64_t values[4];
};

static struct io_uring_cqe next_of(struct multishot *m, int len)
{
	struct io_uring_cqe cqe = completion(&m->ring, 1);

	CHECK_EQ(cqe.res, len);
	return cqe;
}

static uint64_t value_of(struct multishot *m, struct io_uring_cqe cqe)
{
	CHECK(cqe.flags & IORING_CQE_F_MORE);
	CHECK(cqe.flags & IORING_CQE_F_BUFFER);
	return m->values[cqe.flags >> IORING_CQE_BUFFER_SHIFT];
}

static void give_buffers(struct multishot *m, int first, int nr)
{
	struct io_uring_sqe sqe = rw(IORING_OP_PROVIDE_BUFFERS, nr, &m->values[first], 8, 2);

	sqe.off = first;
	submit(&m->ring, sqe);
	CHECK_EQ(completed(&m->ring, 2), 0);
}

/* False on a kernel that has no such request. */
static bool read_many(struct multishot *m, int q, int nr_buffers)
{
	struct io_uring_sqe sqe = rw(READ_MULTISHOT, q, NULL, 0, 1);
	struct {
		struct io_uring_probe probe;
		struct io_uring_probe_op ops[256];
	} known = { 0 };

	ring_init(&m->ring);
	CHECK_SYS(syscall(__NR_io_uring_register, m->ring.fd, IORING_REGISTER_PROBE, &known, 256));
	sqe.flags = IOSQE_BUFFER_SELECT;
	if (known.probe.last_op < READ_MULTISHOT) {
		submit(&m->ring, sqe);
		CHECK_EQ(completed(&m->ring, 1), -EINVAL);
		return false;
	}
	give_buffers(m, 0, nr_buffers);
	submit(&m->ring, sqe);
	return true;
}

TEST(a_read_of_many_messages)
{
	int q = make_queue(0, 0, 0);
	struct multishot m = { 0 };
	int i;

	CHECK_OK(send_value(q, 1, 0, 10));
	CHECK_OK(send_value(q, 1, 0, 11));
	if (!read_many(&m, q, 4))
		return;
	CHECK_EQ(value_of(&m, next_of(&m, 8)), 10);
	CHECK_EQ(value_of(&m, next_of(&m, 8)), 11);
	CHECK(!has_completed(&m.ring));
	/* it goes on waiting, and another receiver may come before it */
	CHECK_OK(send_value(q, 1, 0, 12));
	CHECK_EQ(value_of(&m, next_of(&m, 8)), 12);
	for (i = 0; i < 100; i++) {
		struct io_uring_cqe cqe;
		uint64_t value;

		give_buffers(&m, 3, 1);
		CHECK_OK(send_value(q, 1, 0, 13 + i));
		if (!recv_value(q, ANY, &value)) {
			CHECK_EQ(value, 13 + i);
			continue;
		}
		cqe = next_of(&m, 8);
		CHECK_EQ(value_of(&m, cqe), 13 + i);
	}
	CHECK(!has_completed(&m.ring));
	CHECK_EQ(stat_of(q).received, 103);
	/* the end of the queue is the end of the request */
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	CHECK(!(next_of(&m, 0).flags & IORING_CQE_F_MORE));
}

TEST(what_ends_a_read_of_many)
{
	static const char long_one[9];
	int q = make_queue(0, 0, 0);
	struct multishot m = { 0 };

	if (!read_many(&m, q, 1))
		return;
	CHECK_OK(send_value(q, 1, 0, 10));
	CHECK_EQ(value_of(&m, next_of(&m, 8)), 10);
	CHECK_OK(send_value(q, 1, 0, 11));
	/* no buffer: the message stays */
	CHECK(!(next_of(&m, -ENOBUFS).flags & IORING_CQE_F_MORE));
	CHECK_RECV(q, ANY, 11);

	CHECK(read_many(&m, q, 1));
	CHECK_OK(ipcx_queue_send(q, long_one, 9));
	CHECK(!(next_of(&m, -EMSGSIZE).flags & IORING_CQE_F_MORE));
	CHECK_EQ(stat_of(q).nr_msgs, 1);
	CHECK_OK(ipcx_queue_purge(q, NULL));

	/* received, and taken for the end */
	CHECK(read_many(&m, q, 1));
	CHECK_OK(ipcx_queue_send(q, NULL, 0));
	CHECK(!(next_of(&m, 0).flags & IORING_CQE_F_MORE));
	CHECK_EQ(stat_of(q).nr_msgs, 0);

	CHECK(read_many(&m, q, 1));
	submit(&m.ring, (struct io_uring_sqe){ .opcode = IORING_OP_ASYNC_CANCEL, .addr = 1, .user_data = 1 });
	/* in either order */
	CHECK_EQ(completed(&m.ring, 1) + completed(&m.ring, 1), -ECANCELED);
	CHECK_OK(send_value(q, 1, 0, 12));
	CHECK_RECV(q, ANY, 12);
	CHECK(!has_completed(&m.ring));
}
