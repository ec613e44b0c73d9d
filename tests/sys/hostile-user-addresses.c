// SPDX-License-Identifier: GPL-2.0
/*
 * No result, statistic or identifier tells an address of the kernel: ipcx(7).  alice, who has /dev/ipcx and nothing else,
 * has each command done, on each kind of object that knows it, and looks at all that it has written; then at fdinfo, the
 * links of /proc, and what sysfs has about the module.  If this fails, she learns where to aim what another defect of the
 * kernel lets her do.
 */
#include "object.h"

#include <ctype.h>

/* What a command is done on. */
enum on { DEVICE, QUEUE, BROADCAST, REGION, SEM, EVENT, STREAM, WAIT_SET, NR_ON };

static const char *const on_names[NR_ON] = {
	"device", "queue", "broadcast queue", "region", "semaphore", "event", "stream", "wait set",
};

#define BIT(n)		(1u << (n))
#define OBJECTS		(BIT(NR_ON) - BIT(QUEUE))
#define QUEUES		(BIT(QUEUE) | BIT(BROADCAST))
#define NO_NOTICES	BIT(REGION)
#define NO_SHUTDOWN	(BIT(REGION) | BIT(WAIT_SET))

/**
 * struct command - one command of the ABI
 * @cmd: its number, with the size of its argument
 * @on: bits of enum on: it is done on each of these, and has to succeed
 * @refused: these know it and say EOPNOTSUPP; they are asked all the same
 */
static const struct command {
	unsigned long cmd;
	unsigned int on;
	unsigned int refused;
} commands[] = {
	{ IPCX_QUERY, BIT(DEVICE), 0 },
	{ IPCX_OPEN, BIT(DEVICE), 0 },
	{ IPCX_UNLINK, BIT(DEVICE), 0 },
	{ IPCX_LIST, BIT(DEVICE), 0 },
	{ IPCX_QUEUE_CREATE, BIT(DEVICE), 0 },
	{ IPCX_REGION_CREATE, BIT(DEVICE), 0 },
	{ IPCX_SEM_CREATE, BIT(DEVICE), 0 },
	{ IPCX_EVENT_CREATE, BIT(DEVICE), 0 },
	{ IPCX_STREAM_CREATE, BIT(DEVICE), 0 },
	{ IPCX_WAIT_SET_CREATE, BIT(DEVICE), 0 },
	{ IPCX_RESTRICT, OBJECTS, 0 },
	{ IPCX_STAT, OBJECTS, 0 },
	{ IPCX_SHUTDOWN, OBJECTS & ~NO_SHUTDOWN, NO_SHUTDOWN },
	{ IPCX_NOTIFY, OBJECTS & ~NO_NOTICES, NO_NOTICES },
	{ IPCX_NOTIFY_CANCEL, OBJECTS & ~NO_NOTICES, NO_NOTICES },
	{ IPCX_WAIT, OBJECTS, 0 },
	{ IPCX_QUEUE_SEND, QUEUES, 0 },
	{ IPCX_QUEUE_RECV, QUEUES, 0 },
	{ IPCX_QUEUE_SENDV, QUEUES, 0 },
	{ IPCX_QUEUE_RECVV, QUEUES, 0 },
	{ IPCX_QUEUE_PURGE, QUEUES, 0 },
	{ IPCX_QUEUE_STAT, QUEUES, 0 },
	{ IPCX_QUEUE_CALL, BIT(QUEUE), BIT(BROADCAST) },
	{ IPCX_QUEUE_SERVE, BIT(QUEUE), BIT(BROADCAST) },
	{ IPCX_QUEUE_SEND_FDS, BIT(QUEUE), BIT(BROADCAST) },
	{ IPCX_QUEUE_RECV_FDS, BIT(QUEUE), BIT(BROADCAST) },
	{ IPCX_QUEUE_TAP, BIT(QUEUE), BIT(BROADCAST) },
	{ IPCX_REGION_STAT, BIT(REGION), 0 },
	{ IPCX_SEM_POST, BIT(SEM), 0 },
	{ IPCX_SEM_WAIT, BIT(SEM), 0 },
	{ IPCX_SEM_STAT, BIT(SEM), 0 },
	{ IPCX_EVENT_SET, BIT(EVENT), 0 },
	{ IPCX_EVENT_RESET, BIT(EVENT), 0 },
	{ IPCX_EVENT_PULSE, BIT(EVENT), 0 },
	{ IPCX_EVENT_WAIT, BIT(EVENT), 0 },
	{ IPCX_EVENT_STAT, BIT(EVENT), 0 },
	{ IPCX_STREAM_STAT, BIT(STREAM), 0 },
	{ IPCX_STREAM_RESIZE, BIT(STREAM), 0 },
	{ IPCX_WAIT_SET_ADD, BIT(WAIT_SET), 0 },
	{ IPCX_WAIT_SET_REMOVE, BIT(WAIT_SET), 0 },
	{ IPCX_WAIT_SET_WAIT, BIT(WAIT_SET), 0 },
};
#define NR_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

/* With page tables of four or five levels; -1 and other small negative numbers are none. */
static bool is_address(uint64_t word)
{
	return word >= 0xff00000000000000ull && word < 0xfffffffffff00000ull;
}

/* Is there a word that could be an address of the kernel's? */
static void has_no_address(const void *mem, size_t len, const char *where, unsigned long which)
{
	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint64_t word;

		memcpy(&word, (const char *)mem + i, 8);
		if (is_address(word))
			FAIL("%#llx in %s (%#lx, byte %zu)", (unsigned long long)word, where, which, i);
	}
}

/* The same of the numbers in a text, hexadecimal or decimal, the latter with or without a sign. */
static void text_has_no_address(const char *text, const char *where)
{
	for (const char *at = text; *at; at++)
		if ((isxdigit((unsigned char)*at) && is_address(strtoull(at, NULL, 16))) || is_address(strtoull(at, NULL, 10)))
			FAIL("an address in %s, at %.20s: %s", where, at, text);
}

/* An object in which there is something: a message, bytes, units, an entry. */
static int object(enum on on, int e)
{
	struct ipcx_options broadcast = { .flags = IPCX_QUEUE_BROADCAST };
	int fd;

	switch (on) {
	case DEVICE:
		return device();
	case QUEUE:
	case BROADCAST:
		fd = CHECK_OK(ipcx_queue_create(NULL, NULL, on == BROADCAST ? &broadcast : NULL));
		CHECK_OK(ipcx_queue_send(fd, "12345678", 8));
		return fd;
	case REGION:
		fd = region(PAGE);
		CHECK_EQ(write(fd, "12345678", 8), 8);
		return fd;
	case SEM:
		return sem(3, 7);
	case EVENT:
		return event(1, 0);
	case STREAM:
		fd = CHECK_OK(ipcx_stream_create(NULL, PAGE, NULL));
		CHECK_EQ(write(fd, "12345678", 8), 8);
		return fd;
	default:
		fd = CHECK_OK(ipcx_wait_set_create(NULL));
		CHECK_OK(ipcx_wait_set_add(fd, 0, &(struct ipcx_wait_entry){ .fd = e, .what = IPCX_WAIT_READABLE }));
		return fd;
	}
}

static int calls_once(void *arg)
{
	struct ipcx_msg m = ipcx_msg("x", 1), reply = ipcx_msg(NULL, 0);

	return ipcx_queue_call(*(int *)arg, &m, &reply, 0, IPCX_FOREVER) ? 1 : 0;
}

static int serves_once(void *arg)
{
	struct ipcx_msg m, none = ipcx_msg("12345678", 8);
	char buf[16];
	uint64_t id = 0;

	m = ipcx_msg(buf, sizeof(buf));
	if (ipcx_queue_serve(*(int *)arg, &id, NULL, &m, 0, IPCX_FOREVER))
		return 1;
	return ipcx_queue_reply(*(int *)arg, id, &none) ? 1 : 0;
}

/* All that the kernel may write to: the argument, and what it points to. */
static union {
	uint32_t size;
	struct ipcx_query query;
	struct ipcx_open open;
	struct ipcx_unlink unlink;
	struct ipcx_list list;
	struct ipcx_queue_create queue;
	struct ipcx_region_create region;
	struct ipcx_sem_create sem;
	struct ipcx_stream_create stream;
	struct ipcx_restrict restrict_;
	struct ipcx_shutdown shutdown;
	struct ipcx_notify notify;
	struct ipcx_notify_cancel cancel;
	struct ipcx_wait wait;
	struct ipcx_queue_send_fds send;
	struct ipcx_queue_recv_fds recv;
	struct ipcx_queue_batch batch;
	struct ipcx_queue_call call;
	struct ipcx_queue_serve serve;
	struct ipcx_sem_post post;
	struct ipcx_sem_wait units;
	struct ipcx_event_wait event;
	struct ipcx_stream_resize resize;
	struct ipcx_wait_set_change change;
	struct ipcx_wait_set_wait set_wait;
	unsigned char bytes[512];
} arg;
static union {
	struct ipcx_list_entry names[8];
	struct ipcx_msg msgs[2];
	struct ipcx_wait_entry entries[2];
	int fds[2];
} array;
static uint64_t payload[32];
static char name[] = "hers";

/* An argument with which @cmd succeeds on @fd, and a peer for it if it needs one: its pid, or 0. */
static pid_t prepare(unsigned long cmd, int *fd, enum on on, int e)
{
	struct ipcx_msg msg = ipcx_msg(payload, sizeof(payload));
	pid_t peer = 0;
	uint64_t id;

	memset(&arg, 0, sizeof(arg));
	memset(&array, 0, sizeof(array));
	memset(payload, 0x11, sizeof(payload));
	msg.type = 1;
	arg.size = _IOC_SIZE(cmd);
	switch (cmd) {
	case IPCX_OPEN:
		arg.open.name = (uintptr_t)"a";
		arg.open.rights = IPCX_READ;
		break;
	case IPCX_UNLINK:
		close(CHECK_OK(ipcx_event_create(name, 0, NULL)));
		arg.unlink.name = (uintptr_t)name;
		break;
	case IPCX_LIST:
		arg.list = (struct ipcx_list){ .size = sizeof(arg.list), .entries = (uintptr_t)array.names, .nr = 8,
					       .entry_size = sizeof(array.names[0]) };
		break;
	case IPCX_REGION_CREATE:
		arg.region.len = PAGE;
		break;
	case IPCX_SEM_CREATE:
		arg.sem.max = 1;
		break;
	case IPCX_RESTRICT:
		arg.restrict_.rights = IPCX_READ;
		break;
	case IPCX_SHUTDOWN:
		arg.shutdown.how = IPCX_SHUT_SEND;
		break;
	case IPCX_NOTIFY_CANCEL:
	case IPCX_NOTIFY:
		arg.notify = (struct ipcx_notify){ .size = sizeof(arg.notify), .ready = IPCX_READY_SHUT, .signo = SIGURG };
		if (cmd == IPCX_NOTIFY)
			break;
		call(*fd, IPCX_NOTIFY, &arg.notify);
		id = arg.notify.id;
		memset(&arg, 0, sizeof(arg));
		arg.cancel = (struct ipcx_notify_cancel){ .size = sizeof(arg.cancel), .id = id };
		break;
	case IPCX_WAIT:
		array.entries[0] = ipcx_wait_entry(e, IPCX_WAIT_READABLE);
		arg.wait = (struct ipcx_wait){ .size = sizeof(arg.wait), .flags = IPCX_NOWAIT, .nr = 1,
					       .entries = (uintptr_t)array.entries, .entry_size = sizeof(array.entries[0]) };
		break;
	case IPCX_QUEUE_SEND:
	case IPCX_QUEUE_SEND_FDS:
		arg.send.send.flags = IPCX_NOWAIT;
		arg.send.send.msg = msg;
		if (cmd == IPCX_QUEUE_SEND)
			break;
		array.fds[0] = e;
		arg.send.fds = (uintptr_t)array.fds;
		arg.send.nr_fds = 1;
		break;
	case IPCX_QUEUE_RECV:
	case IPCX_QUEUE_RECV_FDS:
		arg.recv.recv.flags = IPCX_NOWAIT;
		arg.recv.recv.msg = msg;
		if (cmd == IPCX_QUEUE_RECV)
			break;
		if (on == QUEUE) {
			CHECK_OK(ipcx_queue_recv(*fd, payload, 8));
			CHECK_OK(ipcx_queue_send_fds(*fd, &(struct ipcx_msg){ .type = 1 }, &e, 1, IPCX_NOWAIT, 0));
		}
		arg.recv.fds = (uintptr_t)array.fds;
		arg.recv.nr_fds = 2;
		break;
	case IPCX_QUEUE_SENDV:
	case IPCX_QUEUE_RECVV:
		array.msgs[0] = array.msgs[1] = msg;
		array.msgs[0].len = array.msgs[1].len = sizeof(payload) / 2;
		array.msgs[1].buf += sizeof(payload) / 2;
		arg.batch = (struct ipcx_queue_batch){ .size = sizeof(arg.batch), .flags = IPCX_NOWAIT, .nr = 2,
						       .msgs = (uintptr_t)array.msgs, .msg_size = sizeof(msg) };
		break;
	case IPCX_QUEUE_CALL:
	case IPCX_QUEUE_SERVE:
		/* without the message that is in it */
		close(*fd);
		*fd = on == QUEUE ? queue() : object(on, e);
		if (cmd == IPCX_QUEUE_CALL)
			arg.call = (struct ipcx_queue_call){ .size = sizeof(arg.call), .timeout = ipcx_after_ms(TEST_SOON_MS),
							     .msg = ipcx_msg("x", 1), .reply = msg };
		else
			arg.serve = (struct ipcx_queue_serve){ .size = sizeof(arg.serve),
							       .timeout = ipcx_after_ms(TEST_SOON_MS), .msg = msg };
		arg.call.msg.type = 1;
		if (on == QUEUE)
			peer = spawn(cmd == IPCX_QUEUE_CALL ? serves_once : calls_once, fd);
		break;
	case IPCX_SEM_POST:
		arg.post.nr = 1;
		break;
	case IPCX_SEM_WAIT:
		arg.units.nr = 1;
		break;
	case IPCX_STREAM_RESIZE:
		arg.resize.capacity = 4 * PAGE;
		break;
	case IPCX_WAIT_SET_ADD:
		arg.change.index = 1;
		arg.change.entry = ipcx_wait_entry(e, IPCX_WAIT_READABLE);
		break;
	}
	return peer;
}

/* One command, done on one kind of object. */
static void command_has_no_address(const struct command *c, enum on on, int e)
{
	bool gives_fd = c->cmd == IPCX_OPEN || c->cmd == IPCX_RESTRICT || c->cmd == IPCX_QUEUE_TAP ||
			(_IOC_NR(c->cmd) >= _IOC_NR(IPCX_QUEUE_CREATE) && _IOC_NR(c->cmd) <= _IOC_NR(IPCX_WAIT_SET_CREATE));
	int fd = object(on, e), ret;
	pid_t peer = prepare(c->cmd, &fd, on, e);
	size_t size = arg.size;

	ret = call(fd, c->cmd, &arg);
	if (c->refused & BIT(on) ? ret != -EOPNOTSUPP : ret < 0)
		FAIL("command %#lx on a %s: %d (%s): nothing has been looked at", _IOC_NR(c->cmd), on_names[on], ret,
		     ret < 0 ? strerror(-ret) : "success");
	/* the argument is as long as it says, and a byte behind it would be one from the kernel's stack */
	for (size_t at = size; at < sizeof(arg); at++)
		if (arg.bytes[at])
			FAIL("command %#lx writes behind its argument", _IOC_NR(c->cmd));
	has_no_address(&arg, sizeof(arg), "the argument of a command", _IOC_NR(c->cmd));
	has_no_address(&array, sizeof(array), "the array of a command", _IOC_NR(c->cmd));
	has_no_address(payload, sizeof(payload), "the payload of a command", _IOC_NR(c->cmd));
	if (c->cmd == IPCX_QUEUE_SERVE && peer) {
		struct ipcx_msg none = ipcx_msg("", 0);

		CHECK_NE(arg.serve.call, 0);
		CHECK_OK(ipcx_queue_reply(fd, arg.serve.call, &none));
	}
	if (peer)
		CHECK_EXITS(peer, 0);
	if (c->cmd == IPCX_QUEUE_RECV_FDS && ret >= 0)
		close(array.fds[0]);
	if (gives_fd && ret >= 0)
		close(ret);
	close(fd);
}

/* The module is asked which commands it knows, on each kind of object: they fail for want of an argument. */
static void every_command_is_tried(int e)
{
	int known = 0, tried = 0;

	for (enum on on = 0; on < NR_ON; on++) {
		int fd = object(on, e);

		for (unsigned int nr = 0; nr < 256; nr++) {
			int ret = call(fd, _IOC(3, IPCX_IOC_TYPE, nr, 8), NULL);
			bool found = false;

			for (size_t i = 0; i < NR_COMMANDS; i++)
				found = found || (_IOC_NR(commands[i].cmd) == nr &&
						  (commands[i].on | commands[i].refused) & BIT(on));
			if (found != (ret != -ENOTTY))
				FAIL("command %#x of a %s is not in the table: can an address be learnt from it?", nr, on_names[on]);
			known += ret != -ENOTTY;
		}
		close(fd);
	}
	for (size_t i = 0; i < NR_COMMANDS; i++)
		tried += __builtin_popcount(commands[i].on | commands[i].refused);
	CHECK_EQ(known, tried);
	CHECK_GE(known, 40);
	NOTE("%d commands, each of every kind of object counted", known);
}

static int learns_nothing(void *unused)
{
	char text[4096], path[128];
	int e = event(1, IPCX_EVENT_MANUAL);

	(void)unused;
	every_command_is_tried(e);
	for (enum on on = 0; on < NR_ON; on++) {
		int fd = object(on, e);

		for (size_t i = 0; i < NR_COMMANDS; i++)
			if ((commands[i].on | commands[i].refused) & BIT(on))
				command_has_no_address(&commands[i], on, e);
		/* with a notice, which fdinfo tells of */
		if (OBJECTS & ~NO_NOTICES & BIT(on))
			CHECK_OK(ipcx_notify_process(fd, IPCX_READY_SHUT, 0, SIGURG, 0, 0));
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		read_text(path, text, sizeof(text));
		text_has_no_address(text, path);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		memset(text, 0, sizeof(text));
		CHECK_GT(readlink(path, text, sizeof(text) - 1), 0);
		text_has_no_address(text, path);
		close(fd);
	}
	for (const char *const *file = (const char *const[]){ ".text", ".data", ".bss", NULL }; *file; file++) {
		snprintf(path, sizeof(path), "/sys/module/ipcx/sections/%s", *file);
		CHECK_SYS_ERR(open(path, O_RDONLY | O_CLOEXEC), EACCES);
	}
	return 0;
}

TEST(no_address_is_learnt)
{
	own_names();
	for (int i = 0; i < 5; i++)
		CHECK_OK(ipcx_queue_create((char[]){ 'a' + i, 0 }, NULL, &(struct ipcx_options){ .mode = 0666 }));
	CHECK_EXITS(spawn_as(TEST_UID_ALICE, learns_nothing, NULL), 0);
}
