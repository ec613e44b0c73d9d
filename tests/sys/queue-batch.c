// SPDX-License-Identifier: GPL-2.0
/*
 * Many messages in one call: all of them, or as many as went well before something went wrong.  If
 * this fails, a batch loses messages or does not tell how many it has moved.
 */
#include <signal.h>
#include <sys/mman.h>

#include "queue-test.h"

#define NR	8

static uint64_t values[IPCX_BATCH_MAX + 1];
static struct ipcx_msg msgs[IPCX_BATCH_MAX + 1];
static bool alike;	/* all of one type and priority, which go another way */

static void outgoing(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		values[i] = 100 + i;
		msgs[i] = msg_of(&values[i], 8, alike ? 1 : 1 + i % 3, alike ? 0 : i % 2);
	}
}

static void incoming(unsigned int nr)
{
	unsigned int i;

	memset(values, 0xa5, sizeof(values));
	POISON(msgs);
	for (i = 0; i < nr; i++) {
		msgs[i].buf = (uintptr_t)&values[i];
		msgs[i].len = 8;
		msgs[i].flags = 0;
	}
}

TEST(all_go_and_all_come)
{
	int q = make_queue(0, 0, 0);
	unsigned int i;

	outgoing(IPCX_BATCH_MAX);
	for (i = 0; i < IPCX_BATCH_MAX; i++)
		msgs[i].priority = 4;
	CHECK_EQ(ipcx_queue_sendv(q, msgs, IPCX_BATCH_MAX, NO_WAIT), IPCX_BATCH_MAX);
	CHECK_EQ(stat_of(q).nr_msgs, IPCX_BATCH_MAX);
	incoming(IPCX_BATCH_MAX);
	CHECK_EQ(ipcx_queue_recvv(q, msgs, IPCX_BATCH_MAX, NULL, NO_WAIT), IPCX_BATCH_MAX);
	for (i = 0; i < IPCX_BATCH_MAX; i++) {
		CHECK_EQ(values[i], 100 + i);
		CHECK_EQ(msgs[i].buf, (uintptr_t)&values[i]);
		CHECK_EQ(msgs[i].len, 8);
		CHECK_EQ(msgs[i].type, 1 + i % 3);
		CHECK_EQ(msgs[i].priority, 4);
		CHECK_EQ(msgs[i].pid, getpid());
		CHECK_EQ(msgs[i].flags, 0);
	}
	CHECK_EQ(stat_of(q).received, IPCX_BATCH_MAX);
}

TEST(takes_as_many_as_there_are)
{
	struct ipcx_msg untouched;
	int q = make_queue(0, 0, 0);

	outgoing(3);
	CHECK_EQ(ipcx_queue_sendv(q, msgs, 3, NO_WAIT), 3);
	incoming(NR);
	untouched = msgs[3];
	/* waits for the first only: this returns at once */
	CHECK_EQ(ipcx_queue_recvv(q, msgs, NR, NULL, 0, IPCX_FOREVER), 3);
	CHECK_EQ(values[0], 101);
	CHECK_EQ(values[1], 100);
	CHECK_EQ(values[2], 102);
	CHECK_EQ(values[3], 0xa5a5a5a5a5a5a5a5);
	CHECK_MEM(&msgs[3], &untouched, sizeof(untouched));
	CHECK_ERR(ipcx_queue_recvv(q, msgs, NR, NULL, NO_WAIT), EAGAIN);
}

TEST(takes_only_what_is_selected)
{
	struct ipcx_select odd = TYPE(2);
	int q = make_queue(0, 0, 0);

	outgoing(NR);
	CHECK_EQ(ipcx_queue_sendv(q, msgs, NR, NO_WAIT), NR);
	incoming(NR);
	CHECK_EQ(ipcx_queue_recvv(q, msgs, NR, &odd, NO_WAIT), 3);
	CHECK_EQ(values[0], 101);
	CHECK_EQ(values[1], 107);
	CHECK_EQ(values[2], 104);
	CHECK_EQ(stat_of(q).nr_msgs, 5);
	CHECK_NONE(q, odd);
}

TEST(as_many_as_there_is_room_for)
{
	int q = make_queue(5, 0, 0);

	outgoing(NR);
	CHECK_EQ(ipcx_queue_sendv(q, msgs, NR, NO_WAIT), 5);
	CHECK_EQ(stat_of(q).nr_msgs, 5);
	CHECK_ERR(ipcx_queue_sendv(q, msgs + 5, NR - 5, NO_WAIT), EAGAIN);
	CHECK_ERR(ipcx_queue_sendv(q, msgs + 5, NR - 5, 0, ipcx_after_ms(20)), ETIMEDOUT);
	CHECK_EQ(ipcx_queue_purge(q, NULL), 5);
	/* the time passes after some have gone in: success */
	CHECK_EQ(ipcx_queue_sendv(q, msgs, NR, 0, ipcx_after_ms(20)), 5);
	CHECK_EQ(stat_of(q).nr_msgs, 5);
	CHECK_EQ(stat_of(q).nr_senders, 0);
}

/* What is alike goes in as a whole, if it has room. */
TEST(as_many_alike_as_there_is_room_for)
{
	int by_number = make_queue(5, 0, 0), by_bytes = make_queue(0, 44, 44);
	unsigned int i;

	outgoing(NR);
	for (i = 0; i < NR; i++)
		msgs[i] = msg_of(&values[i], 8, 1, 0);
	CHECK_EQ(ipcx_queue_sendv(by_number, msgs, NR, NO_WAIT), 5);
	CHECK_EQ(stat_of(by_number).nr_msgs, 5);
	CHECK_EQ(ipcx_queue_sendv(by_bytes, msgs, NR, NO_WAIT), 5);
	CHECK_EQ(stat_of(by_bytes).bytes, 40);
	CHECK_ERR(ipcx_queue_sendv(by_bytes, msgs, NR, NO_WAIT), EAGAIN);
}

/*
 * @bad makes msgs[] go wrong at some index with @err: nothing if it is the first, else those before
 * it.
 */
static void check_bad_send(void (*bad)(struct ipcx_msg *msg), int err)
{
	int q = make_queue(0, 1000, 100);
	unsigned int at, again;

	for (at = 0; at < NR; at++) {
		/* once with new memory, once with that of messages that have been received */
		for (again = 0; again < 2; again++) {
			outgoing(NR);
			bad(&msgs[at]);
			CHECK_EQ(ipcx_queue_sendv(q, msgs, NR, NO_WAIT), at ? (int)at : -err);
			CHECK_EQ(stat_of(q).nr_msgs, at);
			CHECK_EQ(ipcx_queue_purge(q, NULL), at);
			outgoing(NR);
			CHECK_EQ(ipcx_queue_sendv(q, msgs, NR, NO_WAIT), NR);
			incoming(NR);
			CHECK_EQ(ipcx_queue_recvv(q, msgs, NR, NULL, NO_WAIT), NR);
		}
	}
	close(q);
}

static void bad_type(struct ipcx_msg *msg)
{
	msg->type = 0;
}

static void bad_priority(struct ipcx_msg *msg)
{
	msg->priority = IPCX_PRIORITY_MAX + 1;
}

static void bad_flags(struct ipcx_msg *msg)
{
	msg->flags = IPCX_MSG_TRUNCATED;
}

static void bad_len(struct ipcx_msg *msg)
{
	msg->len = 101;
}

static void bad_buf(struct ipcx_msg *msg)
{
	msg->buf = 8;
}

/* Something that can be read, but not by us. */
static uint64_t kernel_address(void)
{
	char line[256], name[128];
	unsigned long long address = 0;
	FILE *f = fopen("/proc/kallsyms", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx %*c %127s", &address, name) == 2 && !strcmp(name, "linux_banner"))
			break;
	if (f)
		fclose(f);
	CHECK_LT((int64_t)address, 0);
	return address;
}

static void kernel_buf(struct ipcx_msg *msg)
{
	static uint64_t address;

	if (!address)
		address = kernel_address();
	msg->buf = address;
}

TEST(sendv_stops_at_what_is_wrong)
{
	check_bad_send(bad_type, EINVAL);
	check_bad_send(bad_priority, EINVAL);
	check_bad_send(bad_flags, EINVAL);
	check_bad_send(bad_len, EMSGSIZE);
	check_bad_send(bad_buf, EFAULT);
	check_bad_send(kernel_buf, EFAULT);
}

static void another_type(struct ipcx_msg *msg)
{
	msg->type = 2;
}

static void longer(struct ipcx_msg *msg)
{
	msg->len = 99;
}

/* In memory that has been used before, after the first time. */
TEST(sendv_of_like_messages_stops_at_what_is_wrong)
{
	int q = make_queue(0, 0, 0);
	unsigned int at, i;

	alike = true;
	check_bad_send(bad_type, EINVAL);
	check_bad_send(bad_priority, EINVAL);
	check_bad_send(bad_flags, EINVAL);
	check_bad_send(bad_len, EMSGSIZE);
	check_bad_send(bad_buf, EFAULT);
	check_bad_send(kernel_buf, EFAULT);
	for (at = 0; at < NR; at++) {
		outgoing(NR);
		another_type(&msgs[at]);
		longer(&msgs[(at + 3) % NR]);
		CHECK_EQ(ipcx_queue_sendv(q, msgs, NR, NO_WAIT), NR);
		for (i = 0; i < NR; i++)
			msgs[i] = msg_of(&values[i], 8, 9, 9);
		CHECK_EQ(ipcx_queue_recvv(q, msgs, NR, NULL, IPCX_NOWAIT | IPCX_RECV_TRUNCATE, IPCX_FOREVER), NR);
		for (i = 0; i < NR; i++) {
			CHECK_EQ(values[i], 100 + i);
			CHECK_EQ(msgs[i].type, i == at ? 2 : 1);
			CHECK_EQ(msgs[i].len, i == (at + 3) % NR ? 99 : 8);
		}
	}
}

#define LENGTHS		120

/* Nothing else is read or written, also before a page that is not there. */
TEST(every_length_of_like_messages)
{
	static uint8_t tx[LENGTHS][LENGTHS + 8], rx[LENGTHS][LENGTHS + 16];
	uint8_t *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int q = make_queue(0, 0, 0);
	unsigned int i, j, round;

	CHECK(page != MAP_FAILED);
	CHECK_OK(mprotect(page + 4096, 4096, PROT_NONE));
	for (round = 0; round < 3; round++) {
		for (i = 0; i < LENGTHS; i++) {
			for (j = 0; j < sizeof(tx[i]); j++)
				tx[i][j] = i * 7 + j * 3 + round;
			msgs[i] = msg_of(tx[i] + i % 8, i, 7, 3);
		}
		memset(page, 0x11, 4096);
		msgs[round * 40].buf = (uintptr_t)page + 4096 - round * 40;
		CHECK_EQ(ipcx_queue_sendv(q, msgs, LENGTHS, NO_WAIT), LENGTHS);
		memset(rx, 0xa5, sizeof(rx));
		for (i = 0; i < LENGTHS; i++) {
			msgs[i].buf = (uintptr_t)(rx[i] + 8 - i % 8);
			msgs[i].type = msgs[i].priority = 0xa5a5;
		}
		msgs[round * 40 + 1].buf = (uintptr_t)page + 4096 - (round * 40 + 1);
		CHECK_EQ(ipcx_queue_recvv(q, msgs, LENGTHS, NULL, NO_WAIT), LENGTHS);
		for (i = 0; i < LENGTHS; i++) {
			uint8_t *got = (uint8_t *)(uintptr_t)msgs[i].buf;

			CHECK_EQ(msgs[i].len, i);
			CHECK_EQ(msgs[i].type, 7);
			CHECK_EQ(msgs[i].priority, 3);
			CHECK_EQ(msgs[i].flags, 0);
			if (i == round * 40) {
				for (j = 0; j < i; j++)
					CHECK_EQ(got[j], 0x11);
			} else {
				CHECK_MEM(got, tx[i] + i % 8, i);
			}
			if (i != round * 40 + 1)
				CHECK_EQ(got[i], 0xa5);
			CHECK_EQ(got[-1], i == round * 40 + 1 ? 0x11 : 0xa5);
		}
	}
}

/* The raw call: the library clears flags. */
static int recvv_raw(int q, struct ipcx_msg *to, unsigned int nr)
{
	struct ipcx_queue_batch arg = {
		.size = sizeof(arg), .flags = IPCX_NOWAIT, .timeout = IPCX_FOREVER,
		.msgs = (uintptr_t)to, .nr = nr, .msg_size = sizeof(*to),
	};

	return call(q, IPCX_QUEUE_RECVV, &arg);
}

static void too_small(struct ipcx_msg *msg)
{
	msg->len = 7;
}

static void check_bad_recv(void (*bad)(struct ipcx_msg *msg), int err)
{
	int q = make_queue(0, 0, 0);
	unsigned int at, i;

	for (at = 0; at < NR; at++) {
		struct ipcx_msg before;

		outgoing(NR);
		for (i = 0; i < NR; i++)
			msgs[i].priority = 0;
		CHECK_EQ(ipcx_queue_sendv(q, msgs, NR, NO_WAIT), NR);
		incoming(NR);
		bad(&msgs[at]);
		before = msgs[at];
		/*
		 * the first that fails tells the size; later ones stay as they are, the next call
		 * tells
		 */
		if (err == EMSGSIZE && !at)
			before.len = 8;
		CHECK_EQ(recvv_raw(q, msgs, NR), at ? (int)at : -err);
		CHECK_MEM(&msgs[at], &before, sizeof(before));
		for (i = 0; i < at; i++)
			CHECK_EQ(values[i], 100 + i);
		CHECK_EQ(values[at], 0xa5a5a5a5a5a5a5a5);
		CHECK_EQ(stat_of(q).nr_msgs, NR - at);
		/* those that stayed are the right ones, in order */
		for (; i < NR; i++)
			CHECK_RECV(q, ANY, 100 + i);
	}
	close(q);
}

TEST(recvv_stops_at_what_is_wrong)
{
	check_bad_recv(bad_flags, EINVAL);
	check_bad_recv(bad_buf, EFAULT);
	check_bad_recv(too_small, EMSGSIZE);
}

TEST(recvv_of_like_messages_stops_at_what_is_wrong)
{
	alike = true;
	check_bad_recv(bad_flags, EINVAL);
	check_bad_recv(bad_buf, EFAULT);
	check_bad_recv(too_small, EMSGSIZE);
}

TEST(recvv_truncates_on_request)
{
	int q = make_queue(0, 0, 0);
	unsigned int i;

	outgoing(NR);
	CHECK_EQ(ipcx_queue_sendv(q, msgs, NR, NO_WAIT), NR);
	incoming(NR);
	for (i = 0; i < NR; i++)
		msgs[i].len = i;
	CHECK_EQ(
		ipcx_queue_recvv(q, msgs, NR, NULL, IPCX_RECV_TRUNCATE | IPCX_NOWAIT, IPCX_FOREVER),
		NR);
	for (i = 0; i < NR; i++) {
		CHECK_EQ(msgs[i].len, 8);
		CHECK_EQ(msgs[i].flags, i < 8 ? IPCX_MSG_TRUNCATED : 0);
	}
}

/* The array ends in the middle: at a page that is not there. */
TEST(array_that_ends_too_early)
{
	long page = sysconf(_SC_PAGESIZE);
	char *two =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int q = make_queue(0, 0, 0);
	struct ipcx_msg *edge;
	unsigned int i;

	CHECK(two != MAP_FAILED);
	CHECK_SYS(munmap(two + page, page));
	for (i = 0; i < 4; i++) {
		edge = (struct ipcx_msg *)(two + page) - i;
		outgoing(NR);
		memcpy(edge, msgs, i * sizeof(*edge));
		CHECK_EQ(ipcx_queue_sendv(q, edge, NR, NO_WAIT), i ? (int)i : -EFAULT);
		CHECK_EQ(stat_of(q).nr_msgs, i);

		outgoing(NR);
		CHECK_EQ(ipcx_queue_sendv(q, msgs, NR, NO_WAIT), NR);
		incoming(NR);
		memcpy(edge, msgs, i * sizeof(*edge));
		CHECK_EQ(recvv_raw(q, edge, NR), i ? (int)i : -EFAULT);
		CHECK_EQ(stat_of(q).nr_msgs, NR);
		CHECK_EQ(ipcx_queue_purge(q, NULL), NR);
	}
	/* half of a message */
	edge = (struct ipcx_msg *)(two + page - sizeof(*edge) / 2);
	CHECK_ERR(ipcx_queue_sendv(q, edge, 1, NO_WAIT), EFAULT);
}

/* A description that cannot be written is a message that has not been taken. */
TEST(array_that_cannot_be_written)
{
	long page = sysconf(_SC_PAGESIZE);
	char *two =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int q = make_queue(0, 0, 0);
	struct ipcx_msg *edge;

	CHECK(two != MAP_FAILED);
	edge = (struct ipcx_msg *)(two + page) - 2;
	incoming(NR);
	memcpy(edge, msgs, 4 * sizeof(*edge));
	CHECK_SYS(mprotect(two + page, page, PROT_READ));
	outgoing(NR);
	CHECK_EQ(ipcx_queue_sendv(q, msgs, NR, NO_WAIT), NR);
	CHECK_EQ(recvv_raw(q, edge, 4), 2);
	CHECK_ERR(recvv_raw(q, edge + 2, 2), EFAULT);
	CHECK_EQ(stat_of(q).nr_msgs, NR - 2);
	CHECK_EQ(stat_of(q).received, 2);
	CHECK_RECV(q, ANY, 105);
}

static int nr_sent;

static int send_all(void *arg)
{
	nr_sent = ipcx_queue_sendv(*(int *)arg, msgs, NR, 0, IPCX_FOREVER);
	return 0;
}

/* Sending waits until all are in, however slowly they are taken. */
TEST(sendv_waits_for_all)
{
	int q = make_queue(2, 0, 0);
	struct test_thread t;
	unsigned int i;

	outgoing(NR);
	for (i = 0; i < NR; i++)
		msgs[i].priority = 0;
	thread_start(&t, send_all, &q);
	for (i = 0; i < NR; i++) {
		if (i < NR - 2)
			CHECK_SOON(stat_of(q).nr_senders == 1);
		CHECK_RECV(q, ANY, 100 + i);
	}
	thread_join(&t);
	CHECK_EQ(nr_sent, NR);
}

static int nr_received;

static int receive_many(void *arg)
{
	nr_received = ipcx_queue_recvv(*(int *)arg, msgs, NR, NULL, 0, IPCX_FOREVER);
	return 0;
}

TEST(recvv_waits_for_the_first)
{
	int q = make_queue(2, 0, 0);
	struct test_thread t;

	incoming(NR);
	thread_start(&t, receive_many, &q);
	CHECK_SOON(stat_of(q).nr_receivers == 1);
	CHECK_BLOCKS(t.tid);
	CHECK_OK(send_value(q, 3, 0, 9));
	thread_join(&t);
	CHECK_EQ(nr_received, 1);
	CHECK_EQ(values[0], 9);
	CHECK_EQ(msgs[0].type, 3);
}

static void nothing(int sig)
{
	(void)sig;
}

/*
 * Interrupted after an effect: success with the count, also if the signal would not restart the
 * call.
 */
TEST(sendv_interrupted_tells_how_many)
{
	struct sigaction sa = { .sa_handler = nothing };
	int q = make_queue(3, 0, 0);
	struct test_thread t;

	CHECK_SYS(sigaction(SIGUSR1, &sa, NULL));
	outgoing(NR);
	thread_start(&t, send_all, &q);
	CHECK_SOON(stat_of(q).nr_senders == 1);
	CHECK_BLOCKS(t.tid);
	pthread_kill(t.thread, SIGUSR1);
	thread_join(&t);
	CHECK_EQ(nr_sent, 3);
	CHECK_EQ(stat_of(q).nr_msgs, 3);
}

TEST(shutdown_during_a_batch)
{
	int q = make_queue(3, 0, 0);
	struct test_thread t;

	outgoing(NR);
	thread_start(&t, send_all, &q);
	CHECK_SOON(stat_of(q).nr_senders == 1);
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	thread_join(&t);
	CHECK_EQ(nr_sent, 3);
	CHECK_ERR(ipcx_queue_sendv(q, msgs, NR, NO_WAIT), EPIPE);
	incoming(NR);
	CHECK_EQ(ipcx_queue_recvv(q, msgs, NR, NULL, 0, IPCX_FOREVER), 3);
	CHECK_ERR(ipcx_queue_recvv(q, msgs, NR, NULL, 0, IPCX_FOREVER), EPIPE);
}

TEST(numbers_of_messages)
{
	int q = make_queue(4096, 0, 0);

	outgoing(IPCX_BATCH_MAX + 1);
	CHECK_ERR(ipcx_queue_sendv(q, msgs, 0, NO_WAIT), EINVAL);
	CHECK_ERR(ipcx_queue_sendv(q, msgs, IPCX_BATCH_MAX + 1, NO_WAIT), EINVAL);
	CHECK_EQ(stat_of(q).sent, 0);
	CHECK_EQ(ipcx_queue_sendv(q, msgs, 1, NO_WAIT), 1);
	incoming(IPCX_BATCH_MAX + 1);
	CHECK_ERR(ipcx_queue_recvv(q, msgs, 0, NULL, NO_WAIT), EINVAL);
	CHECK_ERR(ipcx_queue_recvv(q, msgs, IPCX_BATCH_MAX + 1, NULL, NO_WAIT), EINVAL);
	CHECK_EQ(stat_of(q).nr_msgs, 1);
}

TEST(peek_is_not_for_batches)
{
	int q = make_queue(0, 0, 0);

	CHECK_OK(send_value(q, 1, 0, 1));
	incoming(NR);
	CHECK_ERR(ipcx_queue_recvv(q, msgs, NR, NULL, IPCX_RECV_PEEK, IPCX_FOREVER), EOPNOTSUPP);
	CHECK_EQ(stat_of(q).nr_msgs, 1);
}
