// SPDX-License-Identifier: GPL-2.0
/*
 * Messages with descriptors as requests of io_uring: sent and received by whoever runs the request, at submission, in
 * a worker, in the thread that polls the ring.  Were it broken, descriptors would end up in another table than that
 * of the process, or in none.
 */
#include "fds-test.h"

#include <ipcx-uring.h>

static struct ipcx_queue_send_fds send_arg;
static struct ipcx_queue_recv_fds recv_arg;
static int numbers[4];
static uint64_t value;

static void ring_init(struct io_uring *ring, unsigned int flags)
{
	int ret = io_uring_queue_init(8, ring, flags);

	if (ret)
		SKIP("no io_uring here: %s", strerror(-ret));
}

static void submit(struct io_uring *ring, int q, unsigned long cmd, void *arg)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	CHECK(sqe);
	ipcx_uring_prep_command(sqe, q, cmd, arg);
	CHECK_GE(io_uring_submit(ring), 0);
}

static int completed(struct io_uring *ring)
{
	struct __kernel_timespec ts = { .tv_sec = 15 };
	struct io_uring_cqe *cqe;
	int res;

	CHECK_OK(io_uring_wait_cqe_timeout(ring, &cqe, &ts));
	res = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

static void start_send(struct io_uring *ring, int q, const int *fds, unsigned int nr)
{
	static uint64_t payload = 77;

	memset(&send_arg, 0, sizeof(send_arg));
	send_arg.send.size = sizeof(send_arg);
	send_arg.send.timeout = IPCX_FOREVER;
	send_arg.send.msg = ipcx_msg(&payload, sizeof(payload));
	send_arg.fds = (uintptr_t)fds;
	send_arg.nr_fds = nr;
	submit(ring, q, IPCX_QUEUE_SEND_FDS, &send_arg);
}

static void start_recv(struct io_uring *ring, int q)
{
	memset(&recv_arg, 0, sizeof(recv_arg));
	recv_arg.recv.size = sizeof(recv_arg);
	recv_arg.recv.timeout = IPCX_FOREVER;
	recv_arg.recv.msg.buf = (uintptr_t)&value;
	recv_arg.recv.msg.len = sizeof(value);
	recv_arg.fds = (uintptr_t)numbers;
	recv_arg.nr_fds = 4;
	submit(ring, q, IPCX_QUEUE_RECV_FDS, &recv_arg);
}

static void arrived(const int *fds, unsigned int nr)
{
	unsigned int i;

	CHECK_EQ(value, 77);
	CHECK_EQ(recv_arg.nr_fds, nr);
	for (i = 0; i < nr; i++) {
		CHECK(same_file(numbers[i], fds[i]));
		CHECK_EQ(fcntl(numbers[i], F_GETFD), FD_CLOEXEC);
		close(numbers[i]);
	}
}

static void there_and_back(unsigned int flags)
{
	int q = make_queue(1, 0, 0), p[2];
	struct io_uring ring;

	ring_init(&ring, flags);
	make_pipe(p);
	start_send(&ring, q, p, 2);
	CHECK_EQ(completed(&ring), 0);
	start_recv(&ring, q);
	CHECK_EQ(completed(&ring), 0);
	arrived(p, 2);
	/* one that waits, for a message and for room */
	start_recv(&ring, q);
	CHECK_SOON(stat_of(q).nr_receivers == 1);
	CHECK_OK(send_fds(q, 77, p, 2));
	CHECK_EQ(completed(&ring), 0);
	arrived(p, 2);
	CHECK_OK(send_value(q, 1, 0, 1));
	start_send(&ring, q, p, 1);
	CHECK_SOON(stat_of(q).nr_senders == 1);
	CHECK_RECV(q, ANY, 1);
	CHECK_EQ(completed(&ring), 0);
	start_recv(&ring, q);
	CHECK_EQ(completed(&ring), 0);
	arrived(p, 1);
	/* the ring itself, and what is not open */
	start_send(&ring, q, (int[]){ ring.ring_fd }, 1);
	CHECK_EQ(completed(&ring), -EOPNOTSUPP);
	start_send(&ring, q, (int[]){ -1 }, 1);
	CHECK_EQ(completed(&ring), -EBADF);
	CHECK_EQ(in_flight(q), 0);
	io_uring_queue_exit(&ring);
	close(p[1]);
	CHECK_SOON(at_end(p[0]));
}

TEST(requests)
{
	there_and_back(0);
}

TEST(requests_of_a_polled_ring)
{
	there_and_back(IORING_SETUP_SQPOLL);
}

/* A ring that goes with requests under way: they end, and what they held is closed. */
TEST(ring_goes_during_a_wait)
{
	int full = make_queue(1, 0, 0), empty = new_queue(), p[2];
	struct io_uring ring;

	ring_init(&ring, 0);
	make_pipe(p);
	CHECK_OK(send_value(full, 1, 0, 1));
	start_send(&ring, full, &p[1], 1);
	CHECK_SOON(stat_of(full).nr_senders == 1);
	start_recv(&ring, empty);
	CHECK_SOON(stat_of(empty).nr_receivers == 1);
	close(p[1]);
	CHECK(!at_end(p[0]));
	io_uring_queue_exit(&ring);
	CHECK_SOON(at_end(p[0]));
	CHECK_SOON(!stat_of(full).nr_senders && !stat_of(empty).nr_receivers);
}
