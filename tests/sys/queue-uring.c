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

#include "queue-test.h"

#define ENTRIES	8

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
static int completed(struct ring *ring, uint64_t user_data)
{
	struct io_uring_cqe cqe;
	unsigned int head = *ring->cq_head;

	CHECK_SOON(has_completed(ring));
	cqe = ring->cqes[head & *ring->cq_mask];
	__atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
	CHECK_EQ(cqe.user_data, user_data);
	return cqe.res;
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
