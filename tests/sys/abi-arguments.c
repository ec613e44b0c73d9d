// SPDX-License-Identifier: GPL-2.0
/*
 * The size-first ABI: were it broken, programs built with an earlier or later header would fail or, worse,
 * be misunderstood.  Every command, each with one thing wrong.
 */
#include "object.h"

#include <sys/eventfd.h>

/* BROADCAST knows what QUEUE knows, but has a table of its own. */
enum where { DEVICE, QUEUE, REGION, SEM, EVENT, STREAM, WAIT_SET, NR_WHERE, BROADCAST = NR_WHERE, NR_FDS };

static const char name[] = "abi";
static char payload[64];
static struct ipcx_list_entry entry;
static struct ipcx_msg msgs[1];

union arg {
	uint32_t size;
	uint32_t words[2 * PAGE / 4];
	struct ipcx_query query;
	struct ipcx_open open;
	struct ipcx_unlink unlink;
	struct ipcx_list list;
	struct ipcx_queue_create queue;
	struct ipcx_region_create region;
	struct ipcx_sem_create sem;
	struct ipcx_event_create event;
	struct ipcx_restrict restrict_;
	struct ipcx_stat stat;
	struct ipcx_shutdown shutdown;
	struct ipcx_queue_send send;
	struct ipcx_queue_recv recv;
	struct ipcx_queue_batch batch;
	struct ipcx_queue_purge purge;
	struct ipcx_queue_stat queue_stat;
	struct ipcx_region_stat region_stat;
	struct ipcx_sem_post post;
	struct ipcx_sem_wait wait;
	struct ipcx_sem_stat sem_stat;
	struct ipcx_event_change change;
	struct ipcx_event_wait event_wait;
	struct ipcx_stream_resize resize;
	struct ipcx_queue_serve serve;
	struct ipcx_queue_send_fds send_fds;
	struct ipcx_queue_recv_fds recv_fds;
	struct ipcx_event_stat event_stat;
	struct ipcx_notify notify;
	struct ipcx_notify_cancel cancel;
	struct ipcx_wait many;
	struct ipcx_wait_set_change set_change;
	struct ipcx_wait_set_wait set_wait;
};

static union arg arg;
static int fds[NR_FDS];

static void fill_open(void)
{
	arg.open.name = (uintptr_t)name;
	arg.open.rights = IPCX_READ;
}

static void fill_unlink(void)
{
	arg.unlink.name = (uintptr_t)name;
	/* a name to remove, each time */
	CHECK_OK(ipcx_sem_create(name, 0, 1, NULL));
}

static void fill_list(void)
{
	arg.list.entries = (uintptr_t)&entry;
	arg.list.nr = 1;
	arg.list.entry_size = sizeof(entry);
}

static void fill_region(void)
{
	arg.region.len = 1;
}

static void fill_sem(void)
{
	arg.sem.max = 1;
}

static void fill_restrict(void)
{
	arg.restrict_.rights = IPCX_READ;
}

static void fill_send(void)
{
	arg.send.timeout = IPCX_FOREVER;
	arg.send.msg = ipcx_msg(payload, 8);
}

static void fill_recv(void)
{
	CHECK_OK(ipcx_queue_send(fds[QUEUE], payload, 8));
	arg.recv.timeout = IPCX_FOREVER;
	arg.recv.msg = ipcx_msg(payload, sizeof(payload));
}

static void fill_batch(void)
{
	msgs[0] = ipcx_msg(payload, 8);
	arg.batch.timeout = IPCX_FOREVER;
	arg.batch.msgs = (uintptr_t)msgs;
	arg.batch.nr = 1;
	arg.batch.msg_size = sizeof(msgs[0]);
}

static void fill_recvv(void)
{
	CHECK_OK(ipcx_queue_send(fds[QUEUE], payload, 8));
	fill_batch();
}

static void fill_recv_broadcast(void)
{
	CHECK_OK(ipcx_queue_send(fds[BROADCAST], payload, 8));
	arg.recv.timeout = IPCX_FOREVER;
	arg.recv.msg = ipcx_msg(payload, sizeof(payload));
}

static void fill_recvv_broadcast(void)
{
	CHECK_OK(ipcx_queue_send(fds[BROADCAST], payload, 8));
	fill_batch();
}

static void fill_post(void)
{
	arg.post.nr = 1;
}

static void fill_wait(void)
{
	CHECK_OK(ipcx_sem_post(fds[SEM], 1));
	arg.wait.nr = 1;
	arg.wait.timeout = IPCX_FOREVER;
}

static void fill_event_wait(void)
{
	CHECK_OK(ipcx_event_set(fds[EVENT]));
	arg.event_wait.timeout = IPCX_FOREVER;
}

static void fill_resize(void)
{
	arg.resize.capacity = 4096;
}

static void fill_serve(void)
{
	CHECK_OK(ipcx_queue_send(fds[QUEUE], payload, 8));
	arg.serve.timeout = IPCX_FOREVER;
	arg.serve.msg = ipcx_msg(payload, sizeof(payload));
}

static int numbers[4];

static void fill_send_fds(void)
{
	fill_send();
	arg.send_fds.fds = (uintptr_t)numbers;
	arg.send_fds.nr_fds = 1;
}

static void fill_recv_fds(void)
{
	fill_recv();
	arg.recv_fds.fds = (uintptr_t)numbers;
	arg.recv_fds.nr_fds = 1;
}

/* An event is always writable, so it is sent at once, and gone. */
static void fill_notify(void)
{
	static int efd;

	if (!efd)
		efd = CHECK_SYS(eventfd(0, EFD_CLOEXEC));
	arg.notify.ready = IPCX_READY_WRITE;
	arg.notify.how = IPCX_NOTIFY_EVENTFD;
	arg.notify.target = efd;
}

static void fill_cancel(void)
{
	static int64_t last;

	if (last)
		ipcx_notify_cancel(fds[EVENT], last);
	last = CHECK_OK(ipcx_notify_process(fds[EVENT], IPCX_READY_READ, 0, SIGURG, 0, 0));
	arg.cancel.id = last;
}

static struct ipcx_wait_entry entries[1];

static void fill_many(void)
{
	CHECK_OK(ipcx_sem_post(fds[SEM], 1));
	entries[0] = ipcx_wait_entry(fds[SEM], IPCX_WAIT_TAKE);
	arg.many.timeout = IPCX_FOREVER;
	arg.many.entries = (uintptr_t)entries;
	arg.many.nr = 1;
	arg.many.entry_size = sizeof(entries[0]);
}

/* The place is free, or in use, as it has to be for one of them to work. */
static void fill_add(void)
{
	ipcx_wait_set_remove(fds[WAIT_SET], 1);
	arg.set_change.index = 1;
	arg.set_change.entry = ipcx_wait_entry(fds[SEM], IPCX_WAIT_TAKE);
}

static void fill_remove(void)
{
	fill_add();
	ipcx_wait_set_add(fds[WAIT_SET], 1, &arg.set_change.entry);
	memset(&arg.set_change.entry, 0, sizeof(arg.set_change.entry));
}

static void fill_set_wait(void)
{
	fill_remove();
	memset(&arg, 0, sizeof(arg));
	CHECK_OK(ipcx_sem_post(fds[SEM], 1));
	arg.set_wait.timeout = IPCX_FOREVER;
}

static void fill_shutdown(void)
{
	arg.shutdown.how = IPCX_SHUT_SEND;
}

/**
 * struct command - one command and a valid argument of it
 * @where: what knows it
 * @len: size of its argument
 * @flags: the flags that it knows
 * @reserved: offset of a reserved member, or 0
 * @fill: makes the argument valid, where zeros are not
 */
static const struct command {
	const char *label;
	unsigned long cmd;
	enum where where;
	uint32_t len;
	uint32_t flags;
	uint32_t reserved;
	void (*fill)(void);
} commands[] = {
#define CREATE_FLAGS (IPCX_CREATE_EXCL | IPCX_CREATE_NONBLOCK | IPCX_CREATE_TEMPORARY)
#define WAIT_FLAGS (IPCX_NOWAIT | IPCX_REALTIME)
#define C(cmd, where, s, flags, reserved, fill) \
	{ #cmd, cmd, where, sizeof(struct s), flags, reserved, fill }
	C(IPCX_QUERY, DEVICE, ipcx_query, 0, 0, NULL),
	C(IPCX_OPEN, DEVICE, ipcx_open, IPCX_CREATE_NONBLOCK, 0, fill_open),
	C(IPCX_UNLINK, DEVICE, ipcx_unlink, 0, 0, fill_unlink),
	C(IPCX_LIST, DEVICE, ipcx_list, 0, 0, fill_list),
	C(IPCX_QUEUE_CREATE, DEVICE, ipcx_queue_create, CREATE_FLAGS | IPCX_QUEUE_BROADCAST | IPCX_QUEUE_LATEST,
	  offsetof(struct ipcx_queue_create, overflow), NULL),
	C(IPCX_REGION_CREATE, DEVICE, ipcx_region_create, CREATE_FLAGS | IPCX_REGION_RESERVED, 0, fill_region),
	C(IPCX_SEM_CREATE, DEVICE, ipcx_sem_create, CREATE_FLAGS | IPCX_SEM_ROBUST, 0, fill_sem),
	C(IPCX_EVENT_CREATE, DEVICE, ipcx_event_create, CREATE_FLAGS | IPCX_EVENT_MANUAL,
	  offsetof(struct ipcx_event_create, reserved), NULL),
	C(IPCX_RESTRICT, SEM, ipcx_restrict, IPCX_CREATE_NONBLOCK,
	  offsetof(struct ipcx_restrict, reserved), fill_restrict),
	C(IPCX_STAT, SEM, ipcx_stat, 0, offsetof(struct ipcx_stat, reserved), NULL),
	C(IPCX_STAT, QUEUE, ipcx_stat, 0, offsetof(struct ipcx_stat, reserved), NULL),
	C(IPCX_STAT, REGION, ipcx_stat, 0, offsetof(struct ipcx_stat, reserved), NULL),
	C(IPCX_STAT, EVENT, ipcx_stat, 0, offsetof(struct ipcx_stat, reserved), NULL),
	C(IPCX_QUEUE_SEND, QUEUE, ipcx_queue_send, WAIT_FLAGS, 0, fill_send),
	C(IPCX_QUEUE_RECV, QUEUE, ipcx_queue_recv,
	  WAIT_FLAGS | IPCX_RECV_PEEK | IPCX_RECV_TRUNCATE, 0, fill_recv),
	C(IPCX_QUEUE_SENDV, QUEUE, ipcx_queue_batch, WAIT_FLAGS, 0, fill_batch),
	C(IPCX_QUEUE_RECVV, QUEUE, ipcx_queue_batch,
	  WAIT_FLAGS | IPCX_RECV_PEEK | IPCX_RECV_TRUNCATE, 0, fill_recvv),
	C(IPCX_QUEUE_PURGE, QUEUE, ipcx_queue_purge, 0, 0, NULL),
	C(IPCX_QUEUE_STAT, QUEUE, ipcx_queue_stat, 0, 0, NULL),
	C(IPCX_STAT, BROADCAST, ipcx_stat, 0, offsetof(struct ipcx_stat, reserved), NULL),
	C(IPCX_QUEUE_SEND, BROADCAST, ipcx_queue_send, WAIT_FLAGS, 0, fill_send),
	C(IPCX_QUEUE_RECV, BROADCAST, ipcx_queue_recv,
	  WAIT_FLAGS | IPCX_RECV_PEEK | IPCX_RECV_TRUNCATE, 0, fill_recv_broadcast),
	C(IPCX_QUEUE_SENDV, BROADCAST, ipcx_queue_batch, WAIT_FLAGS, 0, fill_batch),
	C(IPCX_QUEUE_RECVV, BROADCAST, ipcx_queue_batch,
	  WAIT_FLAGS | IPCX_RECV_PEEK | IPCX_RECV_TRUNCATE, 0, fill_recvv_broadcast),
	C(IPCX_QUEUE_PURGE, BROADCAST, ipcx_queue_purge, 0, 0, NULL),
	C(IPCX_QUEUE_STAT, BROADCAST, ipcx_queue_stat, 0, 0, NULL),
	C(IPCX_REGION_STAT, REGION, ipcx_region_stat, 0,
	  offsetof(struct ipcx_region_stat, reserved), NULL),
	C(IPCX_SEM_POST, SEM, ipcx_sem_post, 0, offsetof(struct ipcx_sem_post, reserved), fill_post),
	C(IPCX_SEM_WAIT, SEM, ipcx_sem_wait, WAIT_FLAGS,
	  offsetof(struct ipcx_sem_wait, reserved), fill_wait),
	C(IPCX_SEM_STAT, SEM, ipcx_sem_stat, 0, 0, NULL),
	C(IPCX_EVENT_SET, EVENT, ipcx_event_change, 0, 0, NULL),
	C(IPCX_EVENT_RESET, EVENT, ipcx_event_change, 0, 0, NULL),
	C(IPCX_EVENT_PULSE, EVENT, ipcx_event_change, 0, 0, NULL),
	C(IPCX_EVENT_WAIT, EVENT, ipcx_event_wait, WAIT_FLAGS, 0, fill_event_wait),
	C(IPCX_EVENT_STAT, EVENT, ipcx_event_stat, 0, 0, NULL),
	C(IPCX_STREAM_CREATE, DEVICE, ipcx_stream_create, CREATE_FLAGS, 0, NULL),
	C(IPCX_STAT, STREAM, ipcx_stat, 0, offsetof(struct ipcx_stat, reserved), NULL),
	C(IPCX_STREAM_STAT, STREAM, ipcx_stream_stat, 0, 0, NULL),
	C(IPCX_STREAM_RESIZE, STREAM, ipcx_stream_resize, 0, 0, fill_resize),
	C(IPCX_QUEUE_SERVE, QUEUE, ipcx_queue_serve,
	  WAIT_FLAGS | IPCX_RECV_TRUNCATE | IPCX_SERVE_REPLY_ONLY | IPCX_SERVE_CHECK,
	  offsetof(struct ipcx_queue_serve, reserved), fill_serve),
	C(IPCX_QUEUE_SEND_FDS, QUEUE, ipcx_queue_send_fds, WAIT_FLAGS,
	  offsetof(struct ipcx_queue_send_fds, reserved), fill_send_fds),
	C(IPCX_QUEUE_RECV_FDS, QUEUE, ipcx_queue_recv_fds,
	  WAIT_FLAGS | IPCX_RECV_PEEK | IPCX_RECV_TRUNCATE,
	  offsetof(struct ipcx_queue_recv_fds, reserved), fill_recv_fds),
	C(IPCX_QUEUE_TAP, QUEUE, ipcx_queue_tap, IPCX_CREATE_NONBLOCK, offsetof(struct ipcx_queue_tap, reserved), NULL),
	C(IPCX_NOTIFY, EVENT, ipcx_notify, IPCX_NOTIFY_REPEAT, 0, fill_notify),
	C(IPCX_NOTIFY_CANCEL, EVENT, ipcx_notify_cancel, 0, 0, fill_cancel),
	C(IPCX_WAIT, SEM, ipcx_wait, WAIT_FLAGS | IPCX_WAIT_ALL | IPCX_WAIT_ALERT, 0, fill_many),
	C(IPCX_WAIT, REGION, ipcx_wait, WAIT_FLAGS | IPCX_WAIT_ALL | IPCX_WAIT_ALERT, 0, fill_many),
	C(IPCX_WAIT_SET_CREATE, DEVICE, ipcx_wait_set_create, CREATE_FLAGS, 0, NULL),
	C(IPCX_STAT, WAIT_SET, ipcx_stat, 0, offsetof(struct ipcx_stat, reserved), NULL),
	C(IPCX_WAIT_SET_ADD, WAIT_SET, ipcx_wait_set_change, 0, offsetof(struct ipcx_wait_set_change, reserved),
	  fill_add),
	C(IPCX_WAIT_SET_REMOVE, WAIT_SET, ipcx_wait_set_change, 0, offsetof(struct ipcx_wait_set_change, reserved),
	  fill_remove),
	C(IPCX_WAIT_SET_WAIT, WAIT_SET, ipcx_wait_set_wait, WAIT_FLAGS | IPCX_WAIT_ALL,
	  offsetof(struct ipcx_wait_set_wait, reserved), fill_set_wait),
	/* last: nothing works after it */
	C(IPCX_SHUTDOWN, SEM, ipcx_shutdown, 0, offsetof(struct ipcx_shutdown, reserved),
	  fill_shutdown),
};

#define for_each_command(c) \
	for (c = commands; c < commands + sizeof(commands) / sizeof(commands[0]); c++)

static void set_up(void)
{
	struct ipcx_options broadcast = { .flags = IPCX_QUEUE_BROADCAST };

	own_names();
	fds[DEVICE] = device();
	fds[QUEUE] = queue();
	fds[REGION] = region(1);
	fds[SEM] = sem(0, INT_MAX);
	fds[EVENT] = event(0, 0);
	fds[STREAM] = CHECK_OK(ipcx_stream_create(NULL, 0, NULL));
	fds[WAIT_SET] = CHECK_OK(ipcx_wait_set_create(NULL));
	fds[BROADCAST] = CHECK_OK(ipcx_queue_create(NULL, NULL, &broadcast));
}

/* A valid argument of the size that this header has. */
static void valid(const struct command *c)
{
	memset(&arg, 0, sizeof(arg));
	if (c->cmd != IPCX_UNLINK) {
		int ret = ipcx_sem_create(name, 0, 1, NULL);

		CHECK_GE(ret, 0);
		close(ret);
	}
	if (c->fill)
		c->fill();
	arg.size = c->len;
}

static int run(const struct command *c)
{
	int ret = call(fds[c->where], c->cmd, &arg);

	/* descriptors that came back */
	if (ret > fds[BROADCAST])
		close(ret);
	return ret;
}

static void fails(const struct command *c, const char *what, int err)
{
	union arg before = arg;
	int ret = run(c);

	if (ret != -err)
		FAIL("%s with %s: %d (%s), not %s", c->label, what, ret,
		     ret < 0 ? strerror(-ret) : "success", strerror(err));
	CHECK_MEM(&arg, &before, sizeof(arg));
}

static void works(const struct command *c, const char *what)
{
	int ret = run(c);

	if (ret < 0)
		FAIL("%s with %s: %s", c->label, what, strerror(-ret));
}

/* Size of the argument in the first version of the ABI. */
static uint32_t first_len(const struct command *c)
{
	return c->cmd == IPCX_QUEUE_STAT ? offsetof(struct ipcx_queue_stat, nr_calls) : c->len;
}

TEST(size_too_small)
{
	const struct command *c;

	set_up();
	for_each_command(c) {
		valid(c);
		arg.size = 0;
		fails(c, "size 0", EINVAL);
		arg.size = 4;
		fails(c, "size 4", EINVAL);
		arg.size = first_len(c) - 1;
		fails(c, "size less one", EINVAL);
	}
}

TEST(size_as_in_the_header)
{
	const struct command *c;

	set_up();
	for_each_command(c) {
		valid(c);
		works(c, "its own size");
	}
}

TEST(larger_with_a_tail_of_zeros)
{
	const struct command *c;

	set_up();
	for_each_command(c) {
		if (c->cmd == IPCX_SHUTDOWN)
			continue;
		valid(c);
		arg.size += 8;
		works(c, "8 more");
		CHECK_EQ(arg.words[c->len / 4], 0);
		valid(c);
		arg.size = PAGE;
		works(c, "a page");
		CHECK_EQ(arg.words[c->len / 4], 0);
	}
}

TEST(larger_with_a_tail_that_is_not_zero)
{
	const struct command *c;

	set_up();
	for_each_command(c) {
		valid(c);
		arg.size += 8;
		arg.words[c->len / 4 + 1] = 1;
		fails(c, "an unknown member", E2BIG);
		valid(c);
		arg.size = PAGE;
		((char *)&arg)[PAGE - 1] = 1;
		fails(c, "a bit at the end of a page", E2BIG);
	}
}

TEST(larger_than_a_page)
{
	const struct command *c;

	set_up();
	for_each_command(c) {
		valid(c);
		arg.size = PAGE + 1;
		fails(c, "more than a page", EINVAL);
		arg.size = ~0u;
		fails(c, "the largest size", EINVAL);
	}
}

TEST(every_unknown_flag)
{
	const struct command *c;
	int bit;

	set_up();
	for_each_command(c) {
		for (bit = 0; bit < 32; bit++) {
			char what[16];

			if (c->flags & 1u << bit)
				continue;
			valid(c);
			/* @flags is the second member of every argument */
			arg.words[1] |= 1u << bit;
			snprintf(what, sizeof(what), "flag %d", bit);
			/* another kind knows these */
			if (1u << bit & (IPCX_SEM_ROBUST | IPCX_EVENT_MANUAL | IPCX_QUEUE_BROADCAST |
					 IPCX_QUEUE_LATEST | IPCX_REGION_RESERVED) &&
			    (c->flags & CREATE_FLAGS) == CREATE_FLAGS)
				fails(c, what, EOPNOTSUPP);
			else
				fails(c, what, EINVAL);
		}
	}
}

TEST(every_bit_of_reserved_members)
{
	const struct command *c;
	int bit;

	set_up();
	for_each_command(c) {
		if (!c->reserved)
			continue;
		for (bit = 0; bit < 32; bit++) {
			valid(c);
			arg.words[c->reserved / 4] |= 1u << bit;
			fails(c, "a reserved bit", EINVAL);
		}
	}
}

TEST(bad_pointer_to_the_argument)
{
	const struct command *c;
	char *pages = map(region(2 * PAGE), 2 * PAGE, PROT_READ | PROT_WRITE);

	set_up();
	CHECK_SYS(munmap(pages + PAGE, PAGE));
	for_each_command(c) {
		valid(c);
		CHECK_ERR(call(fds[c->where], c->cmd, NULL), EFAULT);
		CHECK_ERR(call(fds[c->where], c->cmd, (void *)BAD_PTR), EFAULT);
		CHECK_ERR(call(fds[c->where], c->cmd, (void *)-PAGE), EFAULT);
		/* its size can be read, and the rest cannot */
		*(uint32_t *)(pages + PAGE - 4) = c->len;
		CHECK_ERR(call(fds[c->where], c->cmd, pages + PAGE - 4), EFAULT);
		*(uint32_t *)(pages + PAGE - 4) = c->len + 8;
		CHECK_ERR(call(fds[c->where], c->cmd, pages + PAGE - 4), EFAULT);
	}
}

/* What can be read and not written takes inputs, and has no effect when outputs are due. */
TEST(outputs_that_cannot_be_written)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct command *c;
	uint64_t received;
	struct ipcx_queue_stat st;
	int q;

	set_up();
	for_each_command(c) {
		switch (c->cmd) {
		case IPCX_QUERY:
		case IPCX_STAT:
		case IPCX_QUEUE_RECV:
		case IPCX_QUEUE_RECV_FDS:
		case IPCX_QUEUE_STAT:
		case IPCX_REGION_STAT:
		case IPCX_SEM_STAT:
		case IPCX_EVENT_STAT:
		case IPCX_NOTIFY:
			break;
		default:
			continue;
		}
		valid(c);
		q = fds[c->where == BROADCAST ? BROADCAST : QUEUE];
		CHECK_OK(ipcx_queue_stat(q, &st));
		received = st.received;
		memcpy(page, &arg, c->len);
		CHECK_SYS(mprotect(page, PAGE, PROT_READ));
		CHECK_ERR(call(fds[c->where], c->cmd, page), EFAULT);
		CHECK_SYS(mprotect(page, PAGE, PROT_READ | PROT_WRITE));
		CHECK_MEM(page, &arg, c->len);
		CHECK_OK(ipcx_queue_stat(q, &st));
		CHECK_EQ(st.received, received);
	}
}

TEST(commands_of_other_objects)
{
	const struct command *c;
	int where;

	set_up();
	for_each_command(c) {
		bool any = c->cmd == IPCX_RESTRICT || c->cmd == IPCX_STAT || c->cmd == IPCX_SHUTDOWN ||
			   c->cmd == IPCX_NOTIFY || c->cmd == IPCX_NOTIFY_CANCEL || c->cmd == IPCX_WAIT;

		for (where = DEVICE; where < NR_WHERE; where++) {
			if (where == (int)c->where || (any && where != DEVICE) ||
			    (where == QUEUE && c->where == BROADCAST))
				continue;
			valid(c);
			CHECK_ERR(call(fds[where], c->cmd, &arg), ENOTTY);
		}
	}
}

TEST(unknown_commands)
{
	static const int known[] = {
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25,
		0x26, 0x27, 0x28, 0x29, 0x2a,
		0x30, 0x38, 0x39, 0x3a, 0x40, 0x41, 0x42, 0x43, 0x44, 0x48, 0x49, 0x50, 0x51, 0x52,
	};
	int where, nr;
	size_t i;

	set_up();
	for (where = DEVICE; where < NR_WHERE; where++) {
		for (nr = 0; nr < 256; nr++) {
			for (i = 0; i < sizeof(known) / sizeof(known[0]) && known[i] != nr; i++)
				;
			/* our type with an unknown number, our number with another type */
			if (i == sizeof(known) / sizeof(known[0]))
				CHECK_ERR(call(fds[where], _IOC(3, IPCX_IOC_TYPE, nr, 16), &arg),
					  ENOTTY);
			CHECK_ERR(call(fds[where], _IOC(3, 0xCA, nr, 16), &arg), ENOTTY);
		}
		/* and another direction */
		CHECK_ERR(call(fds[where], _IOC(1, IPCX_IOC_TYPE, 0x11, 72), &arg), ENOTTY);
	}
}

/* The size in the command's number is not compared: it grows. */
TEST(the_size_in_the_number_is_ignored)
{
	struct ipcx_query q = { .size = sizeof(q) };

	CHECK_OK(call(device(), _IOC(3, IPCX_IOC_TYPE, 0, 16), &q));
	CHECK_EQ(q.abi_version, IPCX_ABI_VERSION);
}

TEST(bad_pointers_inside_arguments)
{
	set_up();
	memset(&arg, 0, sizeof(arg));
	arg.open = (struct ipcx_open){ .size = sizeof(arg.open), .rights = IPCX_READ };
	CHECK_ERR(call(fds[DEVICE], IPCX_OPEN, &arg), EFAULT);
	arg.open.name = BAD_PTR;
	CHECK_ERR(call(fds[DEVICE], IPCX_OPEN, &arg), EFAULT);
	arg.unlink = (struct ipcx_unlink){ .size = sizeof(arg.unlink), .name = BAD_PTR };
	CHECK_ERR(call(fds[DEVICE], IPCX_UNLINK, &arg), EFAULT);
	arg.sem = (struct ipcx_sem_create){ .create.size = sizeof(arg.sem), .max = 1 };
	arg.sem.create.name = BAD_PTR;
	CHECK_ERR(call(fds[DEVICE], IPCX_SEM_CREATE, &arg), EFAULT);

	CHECK_OK(ipcx_sem_create(name, 0, 1, NULL));
	memset(&arg, 0, sizeof(arg));
	arg.list.size = sizeof(arg.list);
	fill_list();
	arg.list.entries = BAD_PTR;
	CHECK_ERR(call(fds[DEVICE], IPCX_LIST, &arg), EFAULT);
	fill_list();
	arg.list.after = BAD_PTR;
	CHECK_ERR(call(fds[DEVICE], IPCX_LIST, &arg), EFAULT);
}
