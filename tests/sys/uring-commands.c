// SPDX-License-Identifier: GPL-2.0
/*
 * The commands of objects as requests of io_uring.  If this fails, an event loop over io_uring loses messages or
 * units, hangs, or cannot be ended.
 */
#include <fcntl.h>
#include <ipcx-uring.h>
#include <signal.h>
#include <sys/mman.h>

#include "queue-test.h"

static void ring_init(struct io_uring *ring, unsigned int flags)
{
	struct ipcx_query query = { .size = sizeof(query) };
	int ret;

	CHECK_OK(ipcx_query(&query));
	CHECK(query.features & IPCX_FEATURE_URING);
	ret = io_uring_queue_init(64, ring, flags);
	if (ret)
		SKIP("no io_uring here: %s", strerror(-ret));
}

static struct io_uring_sqe *sqe_of(struct io_uring *ring, uint64_t number)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	CHECK(sqe);
	io_uring_sqe_set_data64(sqe, number);
	return sqe;
}

static void number(struct io_uring_sqe *sqe, uint64_t number)
{
	io_uring_sqe_set_data64(sqe, number);
}

/* The next completion is that of @number; its result. */
static int completed(struct io_uring *ring, uint64_t number)
{
	struct __kernel_timespec ts = { .tv_sec = 15 };
	struct io_uring_cqe *cqe;
	int res;

	CHECK_OK(io_uring_wait_cqe_timeout(ring, &cqe, &ts));
	CHECK_EQ(cqe->user_data, number);
	res = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

static bool has_completed(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	return !io_uring_peek_cqe(ring, &cqe);
}

static void submit(struct io_uring *ring, int nr)
{
	CHECK_EQ(io_uring_submit(ring), nr);
}

/* A receive of a number under way as request 1. */
struct receive {
	struct ipcx_queue_recv arg;
	uint64_t value;
};

static void start_receive(struct io_uring *ring, int q, struct receive *r)
{
	struct ipcx_msg msg = ipcx_msg(&r->value, sizeof(r->value));
	struct io_uring_sqe *sqe = sqe_of(ring, 1);

	POISON(r->value);
	ipcx_uring_prep_queue_recv(sqe, q, &r->arg, &msg, NULL, 0, IPCX_FOREVER);
	number(sqe, 1);
	submit(ring, 1);
}

static void start_waiting_receive(struct io_uring *ring, int q, struct receive *r)
{
	uint32_t before = stat_of(q).nr_receivers;

	start_receive(ring, q, r);
	CHECK_SOON(stat_of(q).nr_receivers == before + 1);
	CHECK(!has_completed(ring));
}

TEST(send_and_receive)
{
	int q = make_queue(0, 0, 0);
	struct ipcx_msg msg = msg_of("hello", 5, 7, 3);
	struct ipcx_queue_send send;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct receive r;

	ring_init(&ring, 0);
	sqe = sqe_of(&ring, 5);
	ipcx_uring_prep_queue_send(sqe, q, &send, &msg, 0, IPCX_FOREVER);
	number(sqe, 5);
	submit(&ring, 1);
	CHECK_EQ(completed(&ring, 5), 0);
	CHECK_EQ(stat_of(q).nr_msgs, 1);

	start_receive(&ring, q, &r);
	CHECK_EQ(completed(&ring, 1), 0);
	CHECK_EQ(r.arg.msg.len, 5);
	CHECK_EQ(r.arg.msg.type, 7);
	CHECK_EQ(r.arg.msg.priority, 3);
	CHECK_EQ(r.arg.msg.pid, getpid());
	CHECK_MEM(&r.value, "hello", 5);
}

/* 32 sends and 32 receives in one system call, and no worker for any of them. */
TEST(many_in_one_call)
{
	int q = make_queue(0, 0, 0);
	struct ipcx_queue_send send[32];
	struct ipcx_queue_recv recv[32];
	uint64_t in[32], out[32];
	struct io_uring ring;

	ring_init(&ring, 0);
	for (int i = 0; i < 64; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
		struct ipcx_msg msg = ipcx_msg(i < 32 ? &in[i] : &out[i - 32], 8);

		if (i < 32) {
			in[i] = i * 3 + 1;
			ipcx_uring_prep_queue_send(sqe, q, &send[i], &msg, 0, IPCX_FOREVER);
		} else {
			ipcx_uring_prep_queue_recv(sqe, q, &recv[i - 32], &msg, NULL, 0, IPCX_FOREVER);
		}
		number(sqe, i);
	}
	submit(&ring, 64);
	for (int i = 0; i < 64; i++)
		CHECK_EQ(completed(&ring, i), 0);
	CHECK_MEM(in, out, sizeof(in));
}

TEST(batches)
{
	int q = make_queue(0, 0, 0);
	struct ipcx_msg msgs[40];
	struct ipcx_queue_batch batch;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	uint64_t value[40];

	ring_init(&ring, 0);
	for (int i = 0; i < 40; i++) {
		value[i] = i;
		msgs[i] = ipcx_msg(&value[i], 8);
	}
	sqe = sqe_of(&ring, 1);
	ipcx_uring_prep_queue_sendv(sqe, q, &batch, msgs, 40, 0, IPCX_FOREVER);
	number(sqe, 1);
	submit(&ring, 1);
	CHECK_EQ(completed(&ring, 1), 40);
	POISON(value);
	sqe = sqe_of(&ring, 2);
	ipcx_uring_prep_queue_recvv(sqe, q, &batch, msgs, 40, 0, IPCX_FOREVER);
	number(sqe, 2);
	submit(&ring, 1);
	CHECK_EQ(completed(&ring, 2), 40);
	for (int i = 0; i < 40; i++)
		CHECK_EQ(value[i], i);
}

static int receives_one(void *arg)
{
	uint64_t value;

	return recv_until(*(int *)arg, ANY, 0, ipcx_after_ms(TEST_SOON_MS), &value);
}

static void start_receiver(struct test_thread *t, int *q)
{
	thread_start(t, receives_one, q);
	CHECK_BLOCKS(t->tid);
}

/* Of several kinds and to one who waits for it, each at once: no worker is needed, and all are in. */
TEST(mixed_batches)
{
	struct ipcx_msg msgs[7];
	struct ipcx_queue_batch batch;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct test_thread t;
	uint64_t value[7];
	int q;

	ring_init(&ring, 0);
	for (int round = 0; round < 4; round++) {
		q = make_queue(7, 0, 0);
		for (int i = 0; i < 7; i++) {
			value[i] = i;
			msgs[i] = ipcx_msg(&value[i], 8);
			msgs[i].type = round & 1 ? 1 : 1 + i % 3;
		}
		if (round & 2)
			start_receiver(&t, &q);
		sqe = sqe_of(&ring, 1);
		ipcx_uring_prep_queue_sendv(sqe, q, &batch, msgs, 7, 0, IPCX_FOREVER);
		number(sqe, 1);
		submit(&ring, 1);
		CHECK(has_completed(&ring));
		CHECK_EQ(completed(&ring, 1), 7);
		if (round & 2)
			CHECK_EQ(thread_join(&t), 0);
		CHECK_EQ(stat_of(q).nr_msgs, round & 2 ? 6 : 7);
		close(q);
	}
}

static int receives_four(void *arg)
{
	uint64_t value;

	for (uint64_t i = 0; i < 4; i++) {
		CHECK_OK(recv_until(*(int *)arg, ANY, 0, ipcx_after_ms(TEST_SOON_MS), &value));
		CHECK_EQ(value, i);
	}
	return 0;
}

TEST(a_batch_waits_until_all_are_in)
{
	struct ipcx_options broadcast = { .flags = IPCX_QUEUE_BROADCAST };
	struct ipcx_msg msgs[7];
	struct ipcx_queue_batch batch;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	uint64_t value[7];

	ring_init(&ring, 0);
	for (int i = 0; i < 7; i++) {
		value[i] = i;
		msgs[i] = ipcx_msg(&value[i], 8);
	}
	for (int kind = 0; kind < 2; kind++) {
		int q = CHECK_OK(ipcx_queue_create(NULL, &(struct ipcx_queue_limits){ .max_msgs = 3,
					.overflow = kind ? IPCX_OVERFLOW_BLOCK : 0 }, kind ? &broadcast : NULL));
		struct test_thread t;

		/* a part fits at once */
		sqe = sqe_of(&ring, 1);
		ipcx_uring_prep_queue_sendv(sqe, q, &batch, msgs, 7, 0, IPCX_FOREVER);
		number(sqe, 1);
		submit(&ring, 1);
		CHECK_SOON(stat_of(q).nr_senders || has_completed(&ring));
		thread_start(&t, receives_four, &q);
		CHECK_EQ(completed(&ring, 1), 7);
		thread_join(&t);
		CHECK_EQ(ipcx_queue_purge(q, NULL), 3);
		/* who does not want to wait gets in what fits */
		sqe = sqe_of(&ring, 2);
		ipcx_uring_prep_queue_sendv(sqe, q, &batch, msgs, 7, IPCX_NOWAIT, 0);
		number(sqe, 2);
		submit(&ring, 1);
		CHECK_EQ(completed(&ring, 2), 3);
	}
}

/* What io_uring lets users say of any command: nothing that these would obey, and one bit a completion would be lost by. */
TEST(flags_of_commands)
{
	int e = CHECK_OK(ipcx_event_create(NULL, 0, NULL));
	char bytes[64];
	struct iovec iov = { bytes, sizeof(bytes) };
	struct ipcx_event_change change;
	struct io_uring_sqe *sqe;
	struct io_uring ring;

	ring_init(&ring, 0);
	CHECK_OK(io_uring_register_buffers(&ring, &iov, 1));
	for (unsigned int bit = 0; bit < 4; bit++) {
		for (int async = 0; async < 2; async++) {
			sqe = sqe_of(&ring, 1);
			ipcx_uring_prep_event_set(sqe, e, &change);
			number(sqe, 1);
			sqe->uring_cmd_flags = 1U << bit;
			sqe->flags |= (async ? IOSQE_ASYNC : 0) | (bit == 1 ? IOSQE_BUFFER_SELECT : 0);
			submit(&ring, 1);
			if (bit == 1)	/* which the kernel itself refuses before 6.18 */
				CHECK_LT(completed(&ring, 1), 0);
			else
				CHECK_EQ(completed(&ring, 1), -EINVAL);
		}
	}
	CHECK_EQ(ipcx_event_wait(e, IPCX_NOWAIT, 0), -EAGAIN);
}

TEST(a_receive_that_waits)
{
	int q = make_queue(0, 0, 0);
	struct io_uring ring;
	struct receive r;

	ring_init(&ring, 0);
	start_waiting_receive(&ring, q, &r);
	CHECK_OK(send_value(q, 1, 0, 42));
	CHECK_EQ(completed(&ring, 1), 0);
	CHECK_EQ(r.value, 42);
	CHECK_EQ(r.arg.msg.pid, getpid());
}

/* A number as the result, by a worker that has waited: how many, or which. */
TEST(numbers_from_those_that_wait)
{
	int q = make_queue(0, 0, 0), e[2];
	struct ipcx_wait_entry entries[2];
	struct ipcx_queue_batch batch;
	struct io_uring_sqe *sqe;
	struct ipcx_wait wait = {
		.size = sizeof(wait), .entries = (uintptr_t)entries, .nr = 2, .entry_size = sizeof(entries[0]),
		.timeout = IPCX_FOREVER,
	};
	struct io_uring ring;
	struct ipcx_event_stat stat;
	uint64_t value;
	struct ipcx_msg msg = ipcx_msg(&value, sizeof(value));

	ring_init(&ring, 0);
	sqe = sqe_of(&ring, 1);
	ipcx_uring_prep_queue_recvv(sqe, q, &batch, &msg, 1, 0, IPCX_FOREVER);
	number(sqe, 1);
	submit(&ring, 1);
	CHECK_SOON(stat_of(q).nr_receivers == 1);
	CHECK_OK(send_value(q, 1, 0, 42));
	CHECK_EQ(completed(&ring, 1), 1);
	CHECK_EQ(value, 42);

	for (int i = 0; i < 2; i++) {
		e[i] = CHECK_OK(ipcx_event_create(NULL, 0, NULL));
		entries[i] = ipcx_wait_entry(e[i], IPCX_WAIT_TAKE);
	}
	sqe = sqe_of(&ring, 2);
	ipcx_uring_prep_command(sqe, e[0], IPCX_WAIT, &wait);
	number(sqe, 2);
	submit(&ring, 1);
	CHECK_SOON(!ipcx_event_stat(e[1], &stat) && stat.nr_waiters == 1);
	CHECK_EQ(ipcx_event_set(e[1]), 0);
	CHECK_EQ(completed(&ring, 2), 1);
}

/* It is not an error, so what is linked to it comes after it. */
TEST(a_number_in_a_link)
{
	int e = CHECK_OK(ipcx_event_create(NULL, 1, NULL)), s = CHECK_OK(ipcx_sem_create(NULL, 0, 9, NULL));
	struct ipcx_event_change change;
	struct ipcx_sem_post post;
	struct io_uring_sqe *sqe;
	struct io_uring ring;

	ring_init(&ring, 0);
	sqe = sqe_of(&ring, 1);
	change = (struct ipcx_event_change){ .size = sizeof(change) };
	ipcx_uring_prep_command(sqe, e, IPCX_EVENT_RESET, &change);
	number(sqe, 1);
	sqe->flags |= IOSQE_IO_LINK;
	sqe = sqe_of(&ring, 2);
	ipcx_uring_prep_sem_post(sqe, s, &post, 1);
	number(sqe, 2);
	submit(&ring, 2);
	CHECK_EQ(completed(&ring, 1), 1);
	CHECK_EQ(completed(&ring, 2), 0);
}

TEST(waits_with_a_timeout)
{
	int q = make_queue(0, 0, 0), s = CHECK_OK(ipcx_sem_create(NULL, 0, 0, NULL));
	struct ipcx_msg msg = ipcx_msg(NULL, 0);
	struct ipcx_queue_recv recv;
	struct ipcx_sem_wait wait;
	struct io_uring_sqe *sqe;
	struct io_uring ring;

	ring_init(&ring, 0);
	sqe = sqe_of(&ring, 1);
	ipcx_uring_prep_queue_recv(sqe, q, &recv, &msg, NULL, 0, ipcx_after_ms(30));
	number(sqe, 1);
	submit(&ring, 1);
	CHECK_EQ(completed(&ring, 1), -ETIMEDOUT);
	sqe = sqe_of(&ring, 2);
	ipcx_uring_prep_sem_wait(sqe, s, &wait, 1, 0, 1);
	number(sqe, 2);
	submit(&ring, 1);
	CHECK_EQ(completed(&ring, 2), -ETIMEDOUT);
}

/* Who does not want to wait gets EAGAIN as the result, at once. */
TEST(nowait)
{
	int q = make_queue(0, 0, 0), flags = fcntl(q, F_GETFL);
	struct ipcx_msg msg = ipcx_msg(NULL, 0);
	struct ipcx_queue_recv recv;
	struct io_uring_sqe *sqe;
	struct io_uring ring;

	ring_init(&ring, 0);
	for (int i = 0; i < 2; i++) {
		sqe = sqe_of(&ring, 1);
		ipcx_uring_prep_queue_recv(sqe, q, &recv, &msg, NULL, i ? 0 : IPCX_NOWAIT, IPCX_FOREVER);
		number(sqe, 1);
		submit(&ring, 1);
		CHECK_EQ(completed(&ring, 1), -EAGAIN);
		CHECK_SYS(fcntl(q, F_SETFL, flags | O_NONBLOCK));
	}
}

TEST(semaphores_and_events)
{
	int s = CHECK_OK(ipcx_sem_create(NULL, 0, 1, NULL)), e = CHECK_OK(ipcx_event_create(NULL, 0, NULL));
	struct ipcx_event_change change;
	struct ipcx_event_wait ewait;
	struct ipcx_sem_post post;
	struct ipcx_sem_wait wait;
	struct io_uring_sqe *sqe;
	struct io_uring ring;

	ring_init(&ring, 0);
	sqe = sqe_of(&ring, 1);
	ipcx_uring_prep_sem_wait(sqe, s, &wait, 1, 0, IPCX_FOREVER);
	number(sqe, 1);
	submit(&ring, 1);
	CHECK(!has_completed(&ring));
	sqe = sqe_of(&ring, 2);
	ipcx_uring_prep_sem_post(sqe, s, &post, 2);
	number(sqe, 2);
	submit(&ring, 1);
	CHECK_EQ(completed(&ring, 2), -EINVAL);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(completed(&ring, 1), 0);
	CHECK_ERR(ipcx_sem_trywait(s, 1), EAGAIN);

	sqe = sqe_of(&ring, 3);
	ipcx_uring_prep_event_set(sqe, e, &change);
	number(sqe, 3);
	submit(&ring, 1);
	CHECK_EQ(completed(&ring, 3), 0);
	sqe = sqe_of(&ring, 4);
	ipcx_uring_prep_event_wait(sqe, e, &ewait, 0, IPCX_FOREVER);
	number(sqe, 4);
	submit(&ring, 1);
	CHECK_EQ(completed(&ring, 4), 0);
	CHECK_ERR(ipcx_event_wait(e, IPCX_NOWAIT, IPCX_FOREVER), EAGAIN);
}

TEST(a_call_through_a_ring)
{
	int q = make_queue(0, 0, 0);
	struct ipcx_queue_call arg = { .size = sizeof(arg), .timeout = IPCX_FOREVER };
	uint64_t id = 0, question = 6, answer = 0, got = 0;
	struct ipcx_msg msg = ipcx_msg(&got, 8), reply;
	struct io_uring_sqe *sqe;
	struct io_uring ring;

	ring_init(&ring, 0);
	arg.msg = ipcx_msg(&question, 8);
	arg.reply = ipcx_msg(&answer, 8);
	sqe = sqe_of(&ring, 1);
	ipcx_uring_prep_command(sqe, q, IPCX_QUEUE_CALL, &arg);
	number(sqe, 1);
	submit(&ring, 1);
	CHECK_OK(ipcx_queue_serve(q, &id, NULL, &msg, 0, ipcx_after_ms(10000)));
	CHECK_NE(id, 0);
	got *= 7;
	reply = ipcx_msg(&got, 8);
	CHECK_OK(ipcx_queue_reply(q, id, &reply));
	CHECK_EQ(completed(&ring, 1), 0);
	CHECK_EQ(answer, 42);
}

TEST(errors)
{
	int q = make_queue(0, 0, 16);
	struct ipcx_queue_send send = { .size = sizeof(send), .timeout = IPCX_FOREVER };
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	char big[17] = "";
	static const struct {
		unsigned long cmd;
		uint64_t reserved;
		bool bad;
		int err;
	} tries[] = {
		{ IPCX_QUEUE_SEND, 0, false, EMSGSIZE },
		{ IPCX_QUEUE_SEND, 0, true, EFAULT },
		{ IPCX_QUEUE_SEND, 1, false, EINVAL },
		{ IPCX_SEM_POST, 0, false, ENOTTY },
		{ IPCX_QUERY, 0, false, ENOTTY },
		{ 0x12345678, 0, false, ENOTTY },
	};

	ring_init(&ring, 0);
	send.msg = ipcx_msg(big, sizeof(big));
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		sqe = sqe_of(&ring, i);
		ipcx_uring_prep_command(sqe, q, tries[i].cmd, tries[i].bad ? (void *)8 : &send);
		((uint64_t *)&sqe->addr3)[1] = tries[i].reserved;
		number(sqe, i);
		submit(&ring, 1);
		CHECK_EQ(completed(&ring, i), -tries[i].err);
	}
	CHECK_EQ(stat_of(q).sent, 0);
}

TEST(rights)
{
	int q = make_queue(0, 0, 0), r = CHECK_OK(ipcx_restrict(q, IPCX_READ));
	struct ipcx_msg msg = ipcx_msg("x", 1);
	struct ipcx_queue_send send;
	struct io_uring_sqe *sqe;
	struct io_uring ring;

	ring_init(&ring, 0);
	sqe = sqe_of(&ring, 1);
	ipcx_uring_prep_queue_send(sqe, r, &send, &msg, 0, IPCX_FOREVER);
	number(sqe, 1);
	submit(&ring, 1);
	CHECK_EQ(completed(&ring, 1), -EACCES);
}

/* A cancelled receive has taken nothing. */
/* Cancels request 1 of @ring, which waits. */
static void check_cancel(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = sqe_of(ring, 2);
	int res[2] = { 1, 1 };

	io_uring_prep_cancel64(sqe, 1, 0);
	number(sqe, 2);
	submit(ring, 1);
	for (int i = 0; i < 2; i++) {
		struct io_uring_cqe *cqe;

		CHECK_OK(io_uring_wait_cqe(ring, &cqe));
		res[cqe->user_data - 1] = cqe->res;
		io_uring_cqe_seen(ring, cqe);
	}
	/* io_uring looks twice, and a worker that it has interrupted may have ended before it does the second time: ENOENT */
	if ((res[0] != -EINTR && res[0] != -ECANCELED) || (res[1] != 0 && res[1] != -EALREADY && res[1] != -ENOENT))
		FAIL("the request: %d; its cancellation: %d", res[0], res[1]);
}

TEST(cancel)
{
	int q = make_queue(0, 0, 0);
	struct io_uring ring;
	struct receive r;

	ring_init(&ring, 0);
	start_waiting_receive(&ring, q, &r);
	check_cancel(&ring);
	CHECK_EQ(stat_of(q).nr_receivers, 0);
	CHECK_OK(send_value(q, 1, 0, 9));
	CHECK_RECV(q, ANY, 9);
}

TEST(cancel_a_batch)
{
	int q = CHECK_OK(ipcx_queue_create(NULL, &(struct ipcx_queue_limits){ .max_msgs = 1 }, NULL));
	struct ipcx_queue_batch batch;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct ipcx_msg msg = ipcx_msg("x", 1);

	ring_init(&ring, 0);
	CHECK_OK(send_value(q, 1, 0, 9));
	sqe = sqe_of(&ring, 1);
	ipcx_uring_prep_queue_sendv(sqe, q, &batch, &msg, 1, 0, IPCX_FOREVER);
	number(sqe, 1);
	submit(&ring, 1);
	CHECK_SOON(stat_of(q).nr_senders == 1);
	check_cancel(&ring);
	CHECK_EQ(stat_of(q).nr_senders, 0);
	CHECK_RECV(q, ANY, 9);
	CHECK_NONE(q, ANY);
}

/* Cancelling meets a hand-over: either the message has been received, or it is still there. */
TEST(cancel_against_a_send)
{
	int q = make_queue(0, 0, 0), received = 0;
	struct io_uring ring;

	ring_init(&ring, 0);
	for (int i = 0; i < 100; i++) {
		struct io_uring_sqe *sqe;
		int res[2] = { 1, 1 };
		struct receive r;
		pid_t pid;

		start_waiting_receive(&ring, q, &r);
		pid = fork();
		if (!pid)
			_exit(send_value(q, 1, 0, 9) ? 1 : 0);
		sqe = sqe_of(&ring, 2);
		io_uring_prep_cancel64(sqe, 1, 0);
		number(sqe, 2);
		submit(&ring, 1);
		for (int n = 0; n < 2; n++) {
			struct io_uring_cqe *cqe;

			CHECK_OK(io_uring_wait_cqe(&ring, &cqe));
			res[cqe->user_data - 1] = cqe->res;
			io_uring_cqe_seen(&ring, cqe);
		}
		CHECK_EXITS(pid, 0);
		if (res[0] == 0)
			received++;
		else
			CHECK_RECV(q, ANY, 9);
		CHECK_NONE(q, ANY);
	}
	NOTE("%d of 100 were received", received);
}

TEST(ring_exit_during_a_wait)
{
	int q = make_queue(0, 0, 0);
	struct io_uring ring;
	struct receive r;

	ring_init(&ring, 0);
	start_waiting_receive(&ring, q, &r);
	io_uring_queue_exit(&ring);
	CHECK_SOON(stat_of(q).nr_receivers == 0);
	CHECK_OK(send_value(q, 1, 0, 5));
	CHECK_RECV(q, ANY, 5);
}

static int wait_through_a_ring(void *arg)
{
	struct io_uring ring;
	struct receive r;

	ring_init(&ring, 0);
	start_waiting_receive(&ring, *(int *)arg, &r);
	CHECK_OK(ipcx_event_set(((int *)arg)[1]));
	for (;;)
		pause();
}

TEST(killed_during_a_wait)
{
	int fds[2] = { make_queue(0, 0, 0), CHECK_OK(ipcx_event_create(NULL, 0, NULL)) };
	pid_t pid = spawn(wait_through_a_ring, fds);

	CHECK_OK(ipcx_event_wait(fds[1], 0, ipcx_after_ms(10000)));
	CHECK_SYS(kill(pid, SIGKILL));
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_SOON(stat_of(fds[0]).nr_receivers == 0);
	CHECK_OK(send_value(fds[0], 1, 0, 5));
	CHECK_RECV(fds[0], ANY, 5);
}

static int exec_with_a_waiting_ring(void *arg)
{
	struct io_uring ring;
	struct receive r;

	ring_init(&ring, 0);
	start_waiting_receive(&ring, *(int *)arg, &r);
	execl("/bin/true", "true", NULL);
	return 1;
}

TEST(exec_during_a_wait)
{
	int q = make_queue(0, 0, 0);
	pid_t pid = spawn(exec_with_a_waiting_ring, &q);

	CHECK_EXITS(pid, 0);
	CHECK_SOON(stat_of(q).nr_receivers == 0);
	CHECK_OK(send_value(q, 1, 0, 5));
	CHECK_RECV(q, ANY, 5);
}

/* The descriptor may be closed: the request keeps the object. */
TEST(close_during_a_wait)
{
	int q = make_queue(0, 0, 0), other = CHECK_OK(ipcx_restrict(q, IPCX_READ | IPCX_WRITE));
	struct io_uring ring;
	struct receive r;

	ring_init(&ring, 0);
	start_waiting_receive(&ring, q, &r);
	CHECK_SYS(close(q));
	CHECK_OK(send_value(other, 1, 0, 6));
	CHECK_EQ(completed(&ring, 1), 0);
	CHECK_EQ(r.value, 6);
}

TEST(shutdown_during_a_wait)
{
	int q = make_queue(0, 0, 0);
	struct io_uring ring;
	struct receive r;

	ring_init(&ring, 0);
	start_waiting_receive(&ring, q, &r);
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	CHECK_EQ(completed(&ring, 1), -EPIPE);
}

/* The kernel's own thread submits; credentials and memory are the process's. */
TEST(sqpoll)
{
	int q = make_queue(0, 0, 0);
	uint64_t value = 12;
	struct ipcx_msg msg = ipcx_msg(&value, 8);
	struct ipcx_queue_send send;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct receive r;

	ring_init(&ring, IORING_SETUP_SQPOLL);
	start_receive(&ring, q, &r);
	CHECK_SOON(stat_of(q).nr_receivers == 1);
	sqe = sqe_of(&ring, 2);
	ipcx_uring_prep_queue_send(sqe, q, &send, &msg, 0, IPCX_FOREVER);
	number(sqe, 2);
	CHECK_GE(io_uring_submit(&ring), 1);
	for (int i = 0; i < 2; i++) {
		struct io_uring_cqe *cqe;

		CHECK_OK(io_uring_wait_cqe(&ring, &cqe));
		CHECK_EQ(cqe->res, 0);
		io_uring_cqe_seen(&ring, cqe);
	}
	CHECK_EQ(r.value, 12);
	CHECK_EQ(r.arg.msg.pid, getpid());
	CHECK_EQ(r.arg.msg.uid, getuid());
}

/* A linked receive waits for its send; one that cannot be done ends the chain. */
TEST(links)
{
	int q = make_queue(0, 0, 8);
	char big[9] = "";
	struct ipcx_msg msg = ipcx_msg(big, 9), in = ipcx_msg(big, 9);
	struct ipcx_queue_send send;
	struct ipcx_queue_recv recv;
	struct io_uring_sqe *sqe;
	struct io_uring ring;

	ring_init(&ring, 0);
	for (int i = 0; i < 2; i++) {
		msg.len = 8 + i;
		sqe = sqe_of(&ring, 1);
		ipcx_uring_prep_queue_send(sqe, q, &send, &msg, 0, IPCX_FOREVER);
		sqe->flags |= IOSQE_IO_LINK;
		number(sqe, 1);
		sqe = sqe_of(&ring, 2);
		ipcx_uring_prep_queue_recv(sqe, q, &recv, &in, NULL, IPCX_NOWAIT, IPCX_FOREVER);
		number(sqe, 2);
		submit(&ring, 2);
		CHECK_EQ(completed(&ring, 1), i ? -EMSGSIZE : 0);
		CHECK_EQ(completed(&ring, 2), i ? -ECANCELED : 0);
	}
}

/* Units that a robust semaphore handed out through a ring belong to the process, and come back. */
static int take_robust(void *arg)
{
	struct ipcx_sem_wait wait;
	struct io_uring_sqe *sqe;
	struct io_uring ring;

	ring_init(&ring, 0);
	sqe = sqe_of(&ring, 1);
	ipcx_uring_prep_sem_wait(sqe, *(int *)arg, &wait, 1, 0, IPCX_FOREVER);
	number(sqe, 1);
	submit(&ring, 1);
	return completed(&ring, 1);
}

TEST(robust_units_come_back)
{
	struct ipcx_options robust = { .flags = IPCX_SEM_ROBUST };
	int s = CHECK_OK(ipcx_sem_create(NULL, 1, 1, &robust));
	pid_t pid = spawn(take_robust, &s);

	CHECK_EXITS(pid, 0);
	CHECK_SOON(ipcx_sem_trywait(s, 1) == 0);
}

TEST(broadcast_queues)
{
	struct ipcx_options options = { .flags = IPCX_QUEUE_BROADCAST };
	int q = CHECK_OK(ipcx_queue_create(NULL, NULL, &options)), other = CHECK_OK(ipcx_restrict(q, IPCX_READ));
	struct ipcx_queue_call call = { .size = sizeof(call), .msg = ipcx_msg("x", 1) };
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	uint64_t value;
	struct receive r;

	ring_init(&ring, 0);
	start_waiting_receive(&ring, q, &r);
	CHECK_OK(send_value(q, 1, 0, 9));
	CHECK_EQ(completed(&ring, 1), 0);
	CHECK_EQ(r.value, 9);
	CHECK_RECV(other, ANY, 9);
	/* what does not want to wait, in any door */
	start_receive(&ring, other, &r);
	CHECK(!has_completed(&ring));
	CHECK_OK(send_value(q, 1, 0, 10));
	CHECK_EQ(completed(&ring, 1), 0);
	CHECK_EQ(r.value, 10);
	sqe = sqe_of(&ring, 2);
	io_uring_prep_read(sqe, q, &value, 8, 0);
	number(sqe, 2);
	submit(&ring, 1);
	CHECK_EQ(completed(&ring, 2), 8);
	CHECK_EQ(value, 10);
	sqe = sqe_of(&ring, 3);
	io_uring_prep_write(sqe, q, &value, 8, 0);
	number(sqe, 3);
	submit(&ring, 1);
	CHECK_EQ(completed(&ring, 3), 8);
	CHECK_RECV(other, ANY, 10);
	sqe = sqe_of(&ring, 4);
	ipcx_uring_prep_command(sqe, q, IPCX_QUEUE_CALL, &call);
	number(sqe, 4);
	submit(&ring, 1);
	CHECK_EQ(completed(&ring, 4), -EOPNOTSUPP);
	io_uring_queue_exit(&ring);
}

/* A ring that polls for completions has none of this module's to poll for: a command ends as in any other, or fails. */
TEST(in_a_ring_that_polls)
{
	int event = CHECK_OK(ipcx_event_create(NULL, 0, NULL)), i, res;
	struct ipcx_event_change change = { .size = sizeof(change) };
	struct io_uring_cqe *cqe;
	struct io_uring ring;

	ring_init(&ring, IORING_SETUP_IOPOLL);
	for (i = 0; i < 100; i++) {
		struct io_uring_sqe *sqe = sqe_of(&ring, i);

		ipcx_uring_prep_command(sqe, event, IPCX_EVENT_SET, &change);
		number(sqe, i);
		submit(&ring, 1);
		CHECK_OK(io_uring_wait_cqe(&ring, &cqe));
		res = cqe->res;
		CHECK_EQ(cqe->user_data, i);
		io_uring_cqe_seen(&ring, cqe);
		if (res != -EOPNOTSUPP)
			CHECK_EQ(res, !!i);
	}
	io_uring_queue_exit(&ring);
}
