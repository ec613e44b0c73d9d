// SPDX-License-Identifier: GPL-2.0
/*
 * The arguments of the commands on queues, each with exactly one thing wrong.  If this fails, a
 * program's mistake goes unnoticed, has an effect all the same, or the ABI cannot grow.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "queue-test.h"

static uint64_t value;

/* Arguments that are right. */
static struct ipcx_queue_send good_send(void)
{
	return (struct ipcx_queue_send){
		.size = sizeof(struct ipcx_queue_send), .timeout = IPCX_FOREVER,
		.msg = { .buf = (uintptr_t)&value, .len = sizeof(value), .type = 1 },
	};
}

static struct ipcx_queue_recv good_recv(void)
{
	return (struct ipcx_queue_recv){
		.size = sizeof(struct ipcx_queue_recv),
		.timeout = IPCX_FOREVER,
		.flags = IPCX_NOWAIT,
		.msg = { .buf = (uintptr_t)&value, .len = sizeof(value) },
	};
}

static struct ipcx_msg one;

static struct ipcx_queue_batch good_batch(void)
{
	one = ipcx_msg(&value, sizeof(value));
	return (struct ipcx_queue_batch){
		.size = sizeof(struct ipcx_queue_batch),
		.timeout = IPCX_FOREVER,
		.flags = IPCX_NOWAIT,
		.msgs = (uintptr_t)&one,
		.nr = 1,
		.msg_size = sizeof(one),
	};
}

/* The call fails with @err, writes nothing into its argument and leaves the queue as it was. */
#define CHECK_REFUSED(q, cmd, arg, err)						\
	do {									\
		struct ipcx_queue_stat stat__ = stat_of(q), after__;		\
		__typeof__(arg) before__ = (arg);				\
		CHECK_ERR(call(q, cmd, &(arg)), err);				\
		CHECK_MEM(&(arg), &before__, sizeof(arg));			\
		after__ = stat_of(q);						\
		CHECK_MEM(&after__, &stat__, sizeof(after__));			\
	} while (0)

static int queue_with_one(void)
{
	int q = make_queue(10, 1000, 100);

	CHECK_OK(send_value(q, 5, 3, 77));
	return q;
}

TEST(good_arguments_are_good)
{
	struct ipcx_queue_send send = good_send();
	struct ipcx_queue_recv recv = good_recv();
	struct ipcx_queue_batch batch = good_batch();
	int q = queue_with_one();

	CHECK_OK(call(q, IPCX_QUEUE_SEND, &send));
	CHECK_OK(call(q, IPCX_QUEUE_RECV, &recv));
	CHECK_EQ(call(q, IPCX_QUEUE_SENDV, &batch), 1);
	CHECK_EQ(call(q, IPCX_QUEUE_RECVV, &batch), 1);
}

TEST(every_unknown_flag)
{
	int q = queue_with_one(), bit;

	for (bit = 0; bit < 32; bit++) {
		struct ipcx_queue_send send = good_send();
		struct ipcx_queue_recv recv = good_recv();
		struct ipcx_queue_batch batch = good_batch();
		struct ipcx_queue_purge purge = { .size = sizeof(purge), .flags = 1u << bit };
		struct ipcx_queue_stat stat = { .size = sizeof(stat), .flags = 1u << bit };
		struct ipcx_shutdown shut = { .size = sizeof(shut), .how = 1, .flags = 1u << bit };
		uint32_t flag = 1u << bit;

		if (!(flag & (IPCX_NOWAIT | IPCX_REALTIME))) {
			send.flags |= flag;
			CHECK_REFUSED(q, IPCX_QUEUE_SEND, send, EINVAL);
			batch.flags |= flag;
			CHECK_REFUSED(q, IPCX_QUEUE_SENDV, batch, EINVAL);
			if (!(flag & (IPCX_RECV_PEEK | IPCX_RECV_TRUNCATE))) {
				recv.flags |= flag;
				CHECK_REFUSED(q, IPCX_QUEUE_RECV, recv, EINVAL);
				CHECK_REFUSED(q, IPCX_QUEUE_RECVV, batch, EINVAL);
			}
		}
		CHECK_REFUSED(q, IPCX_QUEUE_PURGE, purge, EINVAL);
		CHECK_REFUSED(q, IPCX_QUEUE_STAT, stat, EINVAL);
		CHECK_REFUSED(q, IPCX_SHUTDOWN, shut, EINVAL);

		send = good_send();
		send.msg.flags = flag;
		CHECK_REFUSED(q, IPCX_QUEUE_SEND, send, EINVAL);
		recv = good_recv();
		recv.msg.flags = flag;
		CHECK_REFUSED(q, IPCX_QUEUE_RECV, recv, EINVAL);
	}
}

TEST(values_out_of_range)
{
	int q = queue_with_one();
	struct ipcx_queue_send send = good_send();
	struct ipcx_queue_batch batch;

	send.msg.type = 0;
	CHECK_REFUSED(q, IPCX_QUEUE_SEND, send, EINVAL);
	send = good_send();
	send.msg.priority = IPCX_PRIORITY_MAX + 1;
	CHECK_REFUSED(q, IPCX_QUEUE_SEND, send, EINVAL);
	send.msg.priority = UINT32_MAX;
	CHECK_REFUSED(q, IPCX_QUEUE_SEND, send, EINVAL);
	send = good_send();
	send.msg.len = 101;
	CHECK_REFUSED(q, IPCX_QUEUE_SEND, send, EMSGSIZE);
	send.msg.len = UINT64_MAX;
	CHECK_REFUSED(q, IPCX_QUEUE_SEND, send, EMSGSIZE);
	send.msg.len = 1ull << 32;
	CHECK_REFUSED(q, IPCX_QUEUE_SEND, send, EMSGSIZE);

	batch = good_batch();
	batch.nr = 0;
	CHECK_REFUSED(q, IPCX_QUEUE_SENDV, batch, EINVAL);
	CHECK_REFUSED(q, IPCX_QUEUE_RECVV, batch, EINVAL);
	batch.nr = UINT32_MAX;
	CHECK_REFUSED(q, IPCX_QUEUE_SENDV, batch, EINVAL);
	CHECK_REFUSED(q, IPCX_QUEUE_RECVV, batch, EINVAL);
	batch = good_batch();
	batch.msg_size = sizeof(struct ipcx_msg) - 8;
	CHECK_REFUSED(q, IPCX_QUEUE_SENDV, batch, EINVAL);
	CHECK_REFUSED(q, IPCX_QUEUE_RECVV, batch, EINVAL);
	batch.msg_size = 0;
	CHECK_REFUSED(q, IPCX_QUEUE_SENDV, batch, EINVAL);
	CHECK_REFUSED(q, IPCX_QUEUE_RECVV, batch, EINVAL);
	batch = good_batch();
	batch.select = TYPE(5);
	CHECK_REFUSED(q, IPCX_QUEUE_SENDV, batch, EINVAL);
	batch.select = select_of(0, 1);
	CHECK_REFUSED(q, IPCX_QUEUE_SENDV, batch, EINVAL);
}

TEST(limits_of_what_is_right)
{
	int q = queue_with_one();
	struct ipcx_queue_send send = good_send();
	struct ipcx_queue_recv recv = good_recv();

	send.msg.type = UINT32_MAX;
	send.msg.priority = IPCX_PRIORITY_MAX;
	/* ignored: the kernel knows better */
	send.msg.pid = send.msg.uid = send.msg.gid = 12345;
	CHECK_OK(call(q, IPCX_QUEUE_SEND, &send));
	recv.msg.len = UINT64_MAX;
	CHECK_OK(call(q, IPCX_QUEUE_RECV, &recv));
	CHECK_EQ(recv.msg.type, UINT32_MAX);
	CHECK_EQ(recv.msg.priority, IPCX_PRIORITY_MAX);
	CHECK_EQ(recv.msg.len, 8);
	CHECK_EQ(recv.msg.pid, getpid());
	CHECK_EQ(recv.msg.uid, getuid());
	CHECK_EQ(recv.msg.gid, getgid());
}

TEST(selections)
{
	static const struct ipcx_select bad[] = {
		{ IPCX_SELECT_ANY, 1 },
		{ IPCX_SELECT_ANY, UINT32_MAX },
		{ IPCX_SELECT_TYPE, 0 },
		{ IPCX_SELECT_LOWEST, 0 },
		{ IPCX_SELECT_EXCEPT, 0 },
		{ 4, 1 },
		{ 4, 0 },
		{ UINT32_MAX, 1 },
	};
	int q = queue_with_one();
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ipcx_queue_recv recv = good_recv();
		struct ipcx_queue_batch batch = good_batch();
		struct ipcx_queue_purge purge = { .size = sizeof(purge), .select = bad[i] };

		recv.select = batch.select = bad[i];
		CHECK_REFUSED(q, IPCX_QUEUE_RECV, recv, EINVAL);
		CHECK_REFUSED(q, IPCX_QUEUE_RECVV, batch, EINVAL);
		CHECK_REFUSED(q, IPCX_QUEUE_PURGE, purge, EINVAL);
	}
}

TEST(reserved_members)
{
	int q = queue_with_one(), dev = CHECK_SYS(open("/dev/ipcx", O_RDWR | O_CLOEXEC));
	struct ipcx_shutdown shut = { .size = sizeof(shut), .how = IPCX_SHUT_SEND, .reserved = 1 };
	struct ipcx_queue_create create = { .create.size = sizeof(create), .overflow = 1 };

	CHECK_REFUSED(q, IPCX_SHUTDOWN, shut, EINVAL);
	CHECK_ERR(call(dev, IPCX_QUEUE_CREATE, &create), EINVAL);
	shut.reserved = 0;
	shut.how = 0;
	CHECK_REFUSED(q, IPCX_SHUTDOWN, shut, EINVAL);
	shut.how = 4;
	CHECK_REFUSED(q, IPCX_SHUTDOWN, shut, EINVAL);
}

TEST(rights_of_the_descriptor)
{
	int q = queue_with_one();
	int r = CHECK_OK(ipcx_restrict(q, IPCX_READ)), w = CHECK_OK(ipcx_restrict(q, IPCX_WRITE));
	struct ipcx_queue_send send = good_send();
	struct ipcx_queue_recv recv = good_recv();
	struct ipcx_queue_batch batch = good_batch();
	struct ipcx_queue_purge purge = { .size = sizeof(purge) };
	struct ipcx_shutdown shut = { .size = sizeof(shut) };

	CHECK_REFUSED(r, IPCX_QUEUE_SEND, send, EACCES);
	CHECK_REFUSED(r, IPCX_QUEUE_SENDV, batch, EACCES);
	CHECK_REFUSED(w, IPCX_QUEUE_RECV, recv, EACCES);
	recv.flags |= IPCX_RECV_PEEK;
	CHECK_REFUSED(w, IPCX_QUEUE_RECV, recv, EACCES);
	CHECK_REFUSED(w, IPCX_QUEUE_RECVV, batch, EACCES);
	CHECK_REFUSED(w, IPCX_QUEUE_PURGE, purge, EACCES);
	shut.how = IPCX_SHUT_SEND;
	CHECK_REFUSED(r, IPCX_SHUTDOWN, shut, EACCES);
	shut.how = IPCX_SHUT_RECV;
	CHECK_REFUSED(w, IPCX_SHUTDOWN, shut, EACCES);
	shut.how = IPCX_SHUT_RECV | IPCX_SHUT_SEND;
	CHECK_REFUSED(w, IPCX_SHUTDOWN, shut, EACCES);
	CHECK_REFUSED(r, IPCX_SHUTDOWN, shut, EACCES);

	CHECK_OK(call(w, IPCX_QUEUE_SEND, &send));
	recv.flags = IPCX_NOWAIT;
	CHECK_OK(call(r, IPCX_QUEUE_RECV, &recv));
	CHECK_OK(call(r, IPCX_QUEUE_PURGE, &purge));
}

/* ---- sizes ---- */

static const struct {
	unsigned long cmd;
	uint32_t size;
	uint32_t min;	/* size in the first version of the ABI, if it has grown */
} commands[] = {
	{ IPCX_QUEUE_SEND, sizeof(struct ipcx_queue_send), 0 },
	{ IPCX_QUEUE_RECV, sizeof(struct ipcx_queue_recv), 0 },
	{ IPCX_QUEUE_SENDV, sizeof(struct ipcx_queue_batch), 0 },
	{ IPCX_QUEUE_RECVV, sizeof(struct ipcx_queue_batch), 0 },
	{ IPCX_QUEUE_PURGE, sizeof(struct ipcx_queue_purge), 0 },
	{ IPCX_QUEUE_STAT, sizeof(struct ipcx_queue_stat), offsetof(struct ipcx_queue_stat, nr_calls) },
	{ IPCX_STAT, sizeof(struct ipcx_stat), 0 },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* A right argument of the command. */
static void good_argument(void *arg, unsigned int i)
{
	struct ipcx_queue_send send = good_send();
	struct ipcx_queue_recv recv = good_recv();
	struct ipcx_queue_batch batch = good_batch();

	memset(arg, 0, commands[i].size);
	switch (commands[i].cmd) {
	case IPCX_QUEUE_SEND:
		memcpy(arg, &send, sizeof(send));
		break;
	case IPCX_QUEUE_RECV:
		memcpy(arg, &recv, sizeof(recv));
		break;
	case IPCX_QUEUE_SENDV:
	case IPCX_QUEUE_RECVV:
		memcpy(arg, &batch, sizeof(batch));
		break;
	default:
		*(uint32_t *)arg = commands[i].size;
	}
}

TEST(sizes_of_the_argument)
{
	long page = sysconf(_SC_PAGESIZE);
	uint32_t *arg = aligned_alloc(page, 3 * page);
	char *bytes = (char *)arg;
	unsigned int i;

	for (i = 0; i < NR_COMMANDS; i++) {
		uint32_t size = commands[i].size, min = commands[i].min ?: size,
			 bad[] = { 0, 4, 8, min - 8, min - 1, page + 1, page + 8, UINT32_MAX };
		int q = queue_with_one();
		unsigned int j;

		for (j = 0; j < sizeof(bad) / sizeof(bad[0]); j++) {
			struct ipcx_queue_stat before = stat_of(q), after;

			memset(arg, 0, 3 * page);
			good_argument(arg, i);
			arg[0] = bad[j];
			CHECK_ERR(call(q, commands[i].cmd, arg), EINVAL);
			CHECK_EQ(arg[0], bad[j]);
			after = stat_of(q);
			CHECK_MEM(&after, &before, sizeof(after));
		}

		/* from a later header: a tail of zeros is the old behaviour, and is not written */
		memset(arg, 0, 3 * page);
		good_argument(arg, i);
		arg[0] = size + 8;
		bytes[size + 8] = 0x77;
		CHECK_GE(call(q, commands[i].cmd, arg), 0);
		CHECK_EQ(bytes[size + 8], 0x77);
		for (j = 0; j < 8; j++)
			CHECK_EQ(bytes[size + j], 0);
		CHECK_OK(send_value(q, 5, 3, 77));
		memset(arg, 0, 3 * page);
		good_argument(arg, i);
		arg[0] = page;
		CHECK_GE(call(q, commands[i].cmd, arg), 0);
		CHECK_OK(send_value(q, 5, 3, 77));

		/* a tail that means something */
		for (j = size; j < size + 16; j++) {
			struct ipcx_queue_stat before = stat_of(q), after;

			memset(arg, 0, 3 * page);
			good_argument(arg, i);
			arg[0] = size + 16;
			bytes[j] = 1;
			CHECK_ERR(call(q, commands[i].cmd, arg), E2BIG);
			after = stat_of(q);
			CHECK_MEM(&after, &before, sizeof(after));
		}
		memset(arg, 0, 3 * page);
		good_argument(arg, i);
		arg[0] = page;
		bytes[page - 1] = 1;
		CHECK_ERR(call(q, commands[i].cmd, arg), E2BIG);
		close(q);
	}
}

/* ---- pointers ---- */

static void *const nowhere[] = {
	NULL,
	(void *)8,
	(void *)0x7ffffffff000,
	(void *)0x8000000000000000,
	(void *)0xffff800000000000,
	(void *)0xffffffff81000000,
	(void *)-4096l,
	(void *)-8l,
	(void *)-1l,
};

#define NR_NOWHERE (sizeof(nowhere) / sizeof(nowhere[0]))

TEST(argument_nowhere)
{
	int q = queue_with_one();
	unsigned int i, j;

	for (i = 0; i < NR_COMMANDS; i++)
		for (j = 0; j < NR_NOWHERE; j++)
			CHECK_ERR(call(q, commands[i].cmd, nowhere[j]), EFAULT);
	CHECK_EQ(stat_of(q).sent, 1);
	CHECK_EQ(stat_of(q).nr_msgs, 1);
}

/* The end of the argument is missing. */
TEST(argument_at_the_end_of_a_page)
{
	long page = sysconf(_SC_PAGESIZE);
	char *two =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int q = queue_with_one();
	char arg[256];
	unsigned int i, cut;

	CHECK(two != MAP_FAILED);
	CHECK_SYS(munmap(two + page, page));
	for (i = 0; i < NR_COMMANDS; i++) {
		good_argument(arg, i);
		for (cut = 1; cut <= commands[i].size; cut += 3) {
			char *at = two + page - commands[i].size + cut;

			memcpy(at, arg, commands[i].size - cut);
			CHECK_ERR(call(q, commands[i].cmd, at), EFAULT);
		}
		CHECK_EQ(stat_of(q).sent, 1);
		CHECK_EQ(stat_of(q).nr_msgs, 1);
	}
	for (i = 0; i < NR_COMMANDS; i++) {
		char *at = two + page - commands[i].size;

		good_argument(at, i);
		CHECK_GE(call(q, commands[i].cmd, at), 0);
		while (stat_of(q).nr_msgs < 1)
			CHECK_OK(send_value(q, 1, 0, 1));
	}
}

/* Outputs cannot be written: then nothing has happened either. */
TEST(argument_that_is_read_only)
{
	long page = sysconf(_SC_PAGESIZE);
	char *arg = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int i;

	CHECK(arg != MAP_FAILED);
	for (i = 0; i < NR_COMMANDS; i++) {
		int q = queue_with_one();

		if (commands[i].cmd == IPCX_QUEUE_SEND || commands[i].cmd == IPCX_QUEUE_SENDV)
			continue;
		if (commands[i].cmd == IPCX_QUEUE_RECVV)
			continue;	/* its outputs are elsewhere: queue-batch.c */
		good_argument(arg, i);
		CHECK_SYS(mprotect(arg, page, PROT_READ));
		CHECK_ERR(call(q, commands[i].cmd, arg), EFAULT);
		CHECK_SYS(mprotect(arg, page, PROT_READ | PROT_WRITE));
		CHECK_EQ(stat_of(q).nr_msgs, 1);
		CHECK_EQ(stat_of(q).received, 0);
		CHECK_EQ(stat_of(q).purged, 0);
		CHECK_RECV(q, TYPE(5), 77);
		close(q);
	}
}

TEST(payload_nowhere)
{
	int q = queue_with_one();
	unsigned int j;

	for (j = 0; j < NR_NOWHERE; j++) {
		struct ipcx_queue_send send = good_send();
		struct ipcx_queue_recv recv = good_recv();
		struct ipcx_queue_batch batch = good_batch();

		send.msg.buf = (uintptr_t)nowhere[j];
		CHECK_REFUSED(q, IPCX_QUEUE_SEND, send, EFAULT);
		recv.msg.buf = (uintptr_t)nowhere[j];
		CHECK_REFUSED(q, IPCX_QUEUE_RECV, recv, EFAULT);
		recv.flags |= IPCX_RECV_PEEK;
		CHECK_REFUSED(q, IPCX_QUEUE_RECV, recv, EFAULT);
		batch.msgs = (uintptr_t)nowhere[j];
		CHECK_REFUSED(q, IPCX_QUEUE_SENDV, batch, EFAULT);
		CHECK_REFUSED(q, IPCX_QUEUE_RECVV, batch, EFAULT);
	}
	CHECK_RECV(q, ANY, 77);
}

/* Nothing is touched of a payload without a length. */
TEST(payload_nowhere_of_no_length)
{
	struct ipcx_queue_send send = good_send();
	struct ipcx_queue_recv recv = good_recv();
	int q = make_queue(0, 0, 0);

	send.msg.buf = 8;
	send.msg.len = 0;
	CHECK_OK(call(q, IPCX_QUEUE_SEND, &send));
	recv.msg.buf = 8;
	recv.msg.len = 0;
	CHECK_OK(call(q, IPCX_QUEUE_RECV, &recv));
	CHECK_EQ(recv.msg.len, 0);
}

/* A buffer whose end is missing: no part of a message is sent or taken. */
TEST(payload_at_the_end_of_memory)
{
	static const size_t lens[] = { 8, 64, 500, 4096, 5000, 40000, 200000 };
	size_t room = 1 << 20, i;
	char *mem = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *good = calloc(1, 200000);
	long page = sysconf(_SC_PAGESIZE);
	int q = make_queue(0, 0, 0);
	uint64_t before = charged(q);

	CHECK(mem != MAP_FAILED);
	CHECK_SYS(munmap(mem + room - page, page));
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		size_t len = lens[i];
		char *end = mem + room - page;
		struct ipcx_msg msg = ipcx_msg(end - len + 1, len);

		CHECK_ERR(ipcx_queue_send_msg(q, &msg, NO_WAIT), EFAULT);
		CHECK_EQ(stat_of(q).nr_msgs, 0);
		fill(good, len, i);
		msg = ipcx_msg(good, len);
		CHECK_OK(ipcx_queue_send_msg(q, &msg, NO_WAIT));
		msg = ipcx_msg(end - len + 1, len);
		CHECK_ERR(ipcx_queue_recv_msg(q, &msg, NULL, NO_WAIT), EFAULT);
		CHECK_EQ(stat_of(q).nr_msgs, 1);
		CHECK_EQ(stat_of(q).bytes, len);
		/* up to the last byte is fine */
		msg = ipcx_msg(end - len, len);
		CHECK_OK(ipcx_queue_recv_msg(q, &msg, NULL, NO_WAIT));
		CHECK_MEM(end - len, good, len);
	}
	CHECK_LE(charged(q), before + 8 * 1024 * 1024);
}

/* ---- commands ---- */

TEST(commands_of_others)
{
	int q = make_queue(0, 0, 0), dev = CHECK_SYS(open("/dev/ipcx", O_RDWR | O_CLOEXEC));
	int sem = CHECK_OK(ipcx_sem_create(NULL, 1, 1, NULL)),
	    region = CHECK_OK(ipcx_region_create(NULL, 4096, NULL));
	static const unsigned long of_sem[] = { IPCX_SEM_POST, IPCX_SEM_WAIT, IPCX_SEM_STAT,
						IPCX_REGION_STAT };
	static const unsigned long of_device[] = {
		IPCX_QUERY,	   IPCX_OPEN,	       IPCX_UNLINK,	IPCX_LIST,
		IPCX_QUEUE_CREATE, IPCX_REGION_CREATE, IPCX_SEM_CREATE,
	};
	char arg[512] = "";
	unsigned int i;

	for (i = 0; i < sizeof(of_sem) / sizeof(of_sem[0]); i++)
		CHECK_ERR(call(q, of_sem[i], arg), ENOTTY);
	for (i = 0; i < sizeof(of_device) / sizeof(of_device[0]); i++)
		CHECK_ERR(call(q, of_device[i], arg), ENOTTY);
	for (i = 0; i < NR_COMMANDS; i++) {
		good_argument(arg, i);
		CHECK_ERR(call(dev, commands[i].cmd, arg), ENOTTY);
		if (commands[i].cmd != IPCX_STAT) {
			CHECK_ERR(call(sem, commands[i].cmd, arg), ENOTTY);
			CHECK_ERR(call(region, commands[i].cmd, arg), ENOTTY);
		}
	}
}

TEST(commands_of_nobody)
{
	static const unsigned int known[] = {
		0x10, 0x11, 0x12, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27,
		_IOC_NR(IPCX_QUEUE_SEND_FDS), _IOC_NR(IPCX_QUEUE_RECV_FDS), _IOC_NR(IPCX_QUEUE_TAP),
		_IOC_NR(IPCX_NOTIFY), _IOC_NR(IPCX_NOTIFY_CANCEL), _IOC_NR(IPCX_WAIT),
	};
	int q = make_queue(0, 0, 0);
	unsigned int nr, i;
	char arg[512] = "";

	for (nr = 0; nr < 256; nr++) {
		bool is_known = false;

		for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			is_known |= nr == known[i];
		if (!is_known)
			CHECK_ERR(call(q, _IOC(3, IPCX_IOC_TYPE, nr, 64), arg), ENOTTY);
		/* another letter, another direction */
		CHECK_ERR(call(q, _IOC(3, 0xca, nr, 64), arg), ENOTTY);
		CHECK_ERR(call(q, _IOC(2, IPCX_IOC_TYPE, nr, 64), arg), ENOTTY);
	}
	CHECK_EQ(stat_of(q).sent, 0);
}

/* The size in the number grows with the header, and is not compared. */
TEST(the_size_in_a_command_does_not_matter)
{
	struct ipcx_queue_send send = good_send();
	int q = make_queue(0, 0, 0);

	CHECK_OK(call(q, _IOC(3, IPCX_IOC_TYPE, 0x20, 8), &send));
	CHECK_OK(call(q, _IOC(3, IPCX_IOC_TYPE, 0x20, 4000), &send));
	CHECK_EQ(stat_of(q).sent, 2);
}

TEST(not_a_file_of_ours)
{
	int fds[2];

	CHECK_SYS(pipe(fds));
	CHECK_ERR(ipcx_queue_send(fds[1], "a", 1), ENOTTY);
	CHECK_ERR(ipcx_queue_recv(-1, &value, 8), EBADF);
}
