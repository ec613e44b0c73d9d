// SPDX-License-Identifier: GPL-2.0
/*
 * Who sent a message is what the kernel says, and not the sender: alice, whatever she writes into its fields, whichever way
 * she sends it, and from whatever user namespace.
 */
#include "hostile-user.h"

#include <ipcx-uring.h>

static char text[] = "12345678";

/* A message that says that init sent it. */
static struct ipcx_msg claim(void)
{
	struct ipcx_msg m = ipcx_msg(text, 8);

	m.pid = 1;
	m.uid = 0;
	m.gid = 0;
	return m;
}

static int completed(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	int res;

	CHECK_EQ(io_uring_submit_and_wait(ring, 1), 1);
	CHECK_OK(io_uring_peek_cqe(ring, &cqe));
	res = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

#define NR_URING	9	/* messages of the next function */

/* At once, by a worker, and with credentials that she has had registered; by command, in a batch, and by write. */
static int claims_by_uring(int q)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;
	struct ipcx_queue_send send;
	struct ipcx_queue_batch sendv;
	int sent = 0, personality;

	CHECK_OK(io_uring_queue_init(4, &ring, 0));
	personality = CHECK_OK(io_uring_register_personality(&ring));
	for (int way = 0; way < NR_URING; way++) {
		struct ipcx_msg m = claim();

		sqe = io_uring_get_sqe(&ring);
		if (way < 3)
			ipcx_uring_prep_queue_send(sqe, q, &send, &m, IPCX_NOWAIT, 0);
		else if (way < 6)
			ipcx_uring_prep_queue_sendv(sqe, q, &sendv, &m, 1, IPCX_NOWAIT, 0);
		else
			io_uring_prep_write(sqe, q, text, 8, 0);
		if (way % 3 == 1)
			io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
		if (way % 3 == 2)
			sqe->personality = personality;
		sent += completed(&ring) == (way < 3 ? 0 : way < 6 ? 1 : 8);
	}
	io_uring_queue_exit(&ring);
	return sent;
}

#define NR_WAYS		(5 + NR_URING)

/* In her own user namespace, or as the root of one that she has made. */
static int claims_to_be_root(void *as_root)
{
	int q = CHECK_OK(ipcx_open("service", IPCX_KIND_QUEUE, IPCX_WRITE, 0)), sent = 0, null = open("/dev/null", O_RDONLY);
	struct ipcx_msg m, reply;
	char word[8];

	if (as_root) {
		become_root_of_a_namespace();
		CHECK_EQ(geteuid(), 0);
		CHECK_SYS(setresuid(0, 0, 0));
	}
	m = claim();
	sent += ipcx_queue_send_msg(q, &m, IPCX_NOWAIT, 0) == 0;
	m = claim();
	sent += ipcx_queue_sendv(q, &m, 1, IPCX_NOWAIT, 0) == 1;
	m = claim();
	sent += ipcx_queue_send_fds(q, &m, &null, 1, IPCX_NOWAIT, 0) == 0;
	sent += write(q, text, 8) == 8;
	m = claim();
	reply = ipcx_msg(word, sizeof(word));
	sent += ipcx_queue_call(q, &m, &reply, 0, IPCX_FOREVER) == 0;
	return sent + claims_by_uring(q);
}

static void take_claims(void *as_root)
{
	struct ipcx_msg msg, reply = ipcx_msg(text, 8);
	pid_t pid = spawn_as(TEST_UID_ALICE, claims_to_be_root, as_root);
	int q = CHECK_OK(ipcx_open("service", IPCX_KIND_QUEUE, IPCX_READ, 0)), nr_calls = 0;
	uint64_t call;
	char buf[8];

	for (int nr = 0; nr < NR_WAYS; nr++) {
		POISON(msg);
		msg.buf = (uintptr_t)buf;
		msg.len = 8;
		msg.flags = 0;
		call = 0;
		CHECK_OK(ipcx_queue_serve(q, &call, NULL, &msg, 0, ipcx_after_ms(15000)));
		CHECK_EQ(msg.pid, pid);
		CHECK_EQ(msg.uid, TEST_UID_ALICE);
		CHECK_EQ(msg.gid, TEST_UID_ALICE);
		if (!call)
			continue;
		nr_calls++;
		CHECK_OK(ipcx_queue_reply(q, call, &reply));
	}
	CHECK_EQ(nr_calls, 1);
	CHECK_EXITS(pid, NR_WAYS);
	CHECK_ERR(ipcx_queue_recv_msg(q, &msg, NULL, IPCX_NOWAIT, 0), EAGAIN);
	close(q);
}

TEST(senders)
{
	own_names();
	CHECK_OK(ipcx_queue_create("service", NULL, &(struct ipcx_options){ .mode = 0622 }));
	take_claims(NULL);
	take_claims("as root");
}

/* Alice's service, which says with two replies, in two ways, that it is root's. */
static int serves_as_root(void *arg)
{
	int q = *(int *)arg;
	struct ipcx_msg reply = claim(), msg;
	uint64_t call = 0;
	char buf[8];

	msg = ipcx_msg(buf, sizeof(buf));
	CHECK_OK(ipcx_queue_serve(q, &call, NULL, &msg, 0, IPCX_FOREVER));
	CHECK(call);
	become_root_of_a_namespace();
	msg = ipcx_msg(buf, sizeof(buf));
	CHECK_OK(ipcx_queue_serve(q, &call, &reply, &msg, 0, IPCX_FOREVER));
	CHECK(call);
	reply = claim();
	CHECK_OK(ipcx_queue_reply(q, call, &reply));
	return 0;
}

TEST(servers)
{
	struct ipcx_msg msg = ipcx_msg(text, 8), reply;
	int q = CHECK_OK(ipcx_queue_create(NULL, NULL, NULL));
	char buf[8];
	pid_t pid;

	pid = spawn_as(TEST_UID_ALICE, serves_as_root, &q);
	for (int i = 0; i < 2; i++) {
		POISON(reply);
		reply.buf = (uintptr_t)buf;
		reply.len = 8;
		reply.flags = 0;
		CHECK_OK(ipcx_queue_call(q, &msg, &reply, 0, ipcx_after_ms(15000)));
		CHECK_EQ(reply.pid, pid);
		CHECK_EQ(reply.uid, TEST_UID_ALICE);
		CHECK_EQ(reply.gid, TEST_UID_ALICE);
	}
	CHECK_EXITS(pid, 0);
}
