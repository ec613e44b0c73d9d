// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: queues with many messages in them, and many queues.  Both in one process; the length
 * of a message is that of all sweeps.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <ipcx.h>
#include <mqueue.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define NR_PRIORITIES	1000U
#define STANDING_TYPE	1		/* of the messages that stay in the queue ... */
#define WANTED_TYPE	2		/* ... and of those that are looked for */

/* Scattered over all priorities, and the same in every run. */
static unsigned int next_priority(void)
{
	static uint32_t state;

	state = state * 1664525 + 1013904223;
	return (state >> 8) % NR_PRIORITIES;
}

static size_t room(const struct link *l)
{
	return (l->nr + 2UL) * l->len;
}

static int setup_pipe(struct link *l)
{
	/* Small writes share pages. */
	size_t want = room(l) + 2 * 4096;

	if (pipe2(l->fd, O_CLOEXEC))
		return -errno;
	if (want > 65536 && fcntl(l->fd[1], F_SETPIPE_SZ, (int)want) < 0)
		return skip(l, "a pipe of %zu bytes is more than fs.pipe-max-size (%ld)", want,
			    read_limit("/proc/sys/fs/pipe-max-size"));
	return 0;
}

static int write_fd(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = write(l->fd[1], buf, len);

	(void)dir;
	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

static int read_fd(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = read(l->fd[0], buf, len);

	(void)dir;
	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

/* Does what must stand in the link fit?  Fill it, and empty it again. */
static int setup_seqpacket(struct link *l)
{
	unsigned int nr = 0;
	int ret = socket_pair(l, SOCK_SEQPACKET, l->fd);

	if (ret)
		return ret;
	while (nr < l->nr + 1 && send(l->fd[1], l->tx, l->len, MSG_DONTWAIT) == (ssize_t)l->len)
		nr++;
	if (nr < l->nr + 1)
		return skip(l, "%u messages do not fit in SO_SNDBUF (net.core.wmem_max %ld)",
			    l->nr + 1, read_limit("/proc/sys/net/core/wmem_max"));
	while (nr--)
		if (recv(l->fd[0], l->rx, l->len, 0) != (ssize_t)l->len)
			return -EIO;
	return 0;
}

static int open_mq(struct link *l, long messages)
{
	struct mq_attr attr = { .mq_maxmsg = messages, .mq_msgsize = (long)l->len };
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/ipcx-bench.%d", getpid());
	fd = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attr);
	if (fd < 0)
		return skip(l, "a queue of %ld messages: %s", messages, errno == EMFILE ?
			    "more than RLIMIT_MSGQUEUE" : strerror(errno));
	mq_unlink(name);
	return fd;
}

static int setup_mq(struct link *l)
{
	l->fd[0] = open_mq(l, l->nr + 1);
	return l->fd[0] < 0 ? l->fd[0] : 0;
}

static int send_mq(struct link *l, int dir, void *buf, size_t len)
{
	(void)dir;
	return mq_send(l->fd[0], buf, len, 0) ? -errno : 0;
}

static int recv_mq(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = mq_receive(l->fd[0], buf, len, NULL);

	(void)dir;
	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

static unsigned int sent_priority;

static int send_mq_priority(struct link *l, int dir, void *buf, size_t len)
{
	(void)dir;
	sent_priority = next_priority();
	return mq_send(l->fd[0], buf, len, sent_priority) ? -errno : 0;
}

static int recv_mq_priority(struct link *l, int dir, void *buf, size_t len)
{
	unsigned int priority;
	ssize_t n = mq_receive(l->fd[0], buf, len, &priority);

	(void)dir;
	if (n != (ssize_t)len)
		return n < 0 ? -errno : -EIO;
	return priority >= sent_priority ? 0 : -EBADMSG;
}

static int setup_sysv(struct link *l)
{
	int id = keep_id(l, SYSV_MSG, msgget(IPC_PRIVATE, 0600));
	struct msqid_ds ds;

	if (id < 0 || msgctl(id, IPC_STAT, &ds))
		return -errno;
	l->fd[0] = id;
	if (room(l) <= ds.msg_qbytes)
		return 0;
	ds.msg_qbytes = room(l);
	if (msgctl(id, IPC_SET, &ds))
		return skip(l, "msg_qbytes of %zu is more than kernel.msgmnb (%ld)", room(l),
			    read_limit("/proc/sys/kernel/msgmnb"));
	return 0;
}

/* The type stands before the text: every buffer has room for it. */
static int send_sysv_type(struct link *l, void *buf, size_t len, long type)
{
	long *msg = (long *)buf - 1;

	*msg = type;
	return msgsnd(l->fd[0], msg, len, 0) ? -errno : 0;
}

static int recv_sysv_type(struct link *l, void *buf, size_t len, long type)
{
	ssize_t n = msgrcv(l->fd[0], (long *)buf - 1, len, type, 0);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

static int send_sysv(struct link *l, int dir, void *buf, size_t len)
{
	(void)dir;
	return send_sysv_type(l, buf, len, STANDING_TYPE);
}

static int recv_sysv(struct link *l, int dir, void *buf, size_t len)
{
	(void)dir;
	return recv_sysv_type(l, buf, len, 0);
}

static int send_sysv_wanted(struct link *l, int dir, void *buf, size_t len)
{
	(void)dir;
	return send_sysv_type(l, buf, len, l->warm ? STANDING_TYPE : WANTED_TYPE);
}

static int recv_sysv_wanted(struct link *l, int dir, void *buf, size_t len)
{
	(void)dir;
	return recv_sysv_type(l, buf, len, WANTED_TYPE);
}

static int setup_queue(struct link *l)
{
	struct ipcx_queue_limits limits = { .max_msgs = l->nr + 2, .max_bytes = room(l) + 65536 };

	l->fd[0] = l->fd[1] = ipcx_queue_create(NULL, &limits, NULL);
	return l->fd[0] < 0 ? ipcx_explain(l, l->fd[0]) : 0;
}

static int send_queue(struct link *l, int dir, void *buf, size_t len)
{
	(void)dir;
	return ipcx_queue_send(l->fd[0], buf, len);
}

static int recv_queue(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = ipcx_queue_recv(l->fd[0], buf, len);

	(void)dir;
	return n == (ssize_t)len ? 0 : n < 0 ? (int)n : -EIO;
}

static int send_queue_priority(struct link *l, int dir, void *buf, size_t len)
{
	struct ipcx_msg msg = ipcx_msg(buf, len);

	(void)dir;
	msg.priority = sent_priority = next_priority();
	return ipcx_queue_send_msg(l->fd[0], &msg, 0, IPCX_FOREVER);
}

static int recv_queue_priority(struct link *l, int dir, void *buf, size_t len)
{
	struct ipcx_msg msg = ipcx_msg(buf, len);
	int ret = ipcx_queue_recv_msg(l->fd[0], &msg, NULL, 0, IPCX_FOREVER);

	(void)dir;
	return ret ?: msg.len != len ? -EIO : msg.priority < sent_priority ? -EBADMSG : 0;
}

static int send_queue_wanted(struct link *l, int dir, void *buf, size_t len)
{
	struct ipcx_msg msg = ipcx_msg(buf, len);

	(void)dir;
	msg.type = l->warm ? STANDING_TYPE : WANTED_TYPE;
	return ipcx_queue_send_msg(l->fd[0], &msg, 0, IPCX_FOREVER);
}

static int recv_queue_wanted(struct link *l, int dir, void *buf, size_t len)
{
	static const struct ipcx_select wanted = { IPCX_SELECT_TYPE, WANTED_TYPE };
	struct ipcx_msg msg = ipcx_msg(buf, len);
	int ret = ipcx_queue_recv_msg(l->fd[0], &msg, &wanted, 0, IPCX_FOREVER);

	(void)dir;
	return ret ?: msg.len != len ? -EIO : 0;
}

/**
 * struct channels - many of a kind
 * @in: descriptor that object i is written to
 * @out: descriptor that it is read from
 */
struct channels {
	int *in;
	int *out;
};

static struct channels many;		/* a turn is a process and has one */

#define OBJECT_BYTES	8192UL		/* what an object may take of the machine's memory, with reserve */

/* Room for l->nr objects: in this process's table of descriptors, and in memory. */
static int setup_many(struct link *l)
{
	struct rlimit limit = { 2 * l->nr + 64, 2 * l->nr + 64 }, now;
	long pages = sysconf(_SC_AVPHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	if (pages > 0 && l->nr * OBJECT_BYTES > (size_t)pages * page)
		return skip(l, "%u objects might need more memory than is free", l->nr);
	if (!getrlimit(RLIMIT_NOFILE, &now) && now.rlim_cur < limit.rlim_cur &&
	    setrlimit(RLIMIT_NOFILE, &limit))
		return skip(l, "%u descriptors are more than RLIMIT_NOFILE", 2 * l->nr);
	many.in = calloc(l->nr, sizeof(int));
	many.out = calloc(l->nr, sizeof(int));
	return many.in && many.out ? 0 : -ENOMEM;
}

static int setup_pipes(struct link *l)
{
	int ret = setup_many(l);

	for (unsigned int i = 0; !ret && i < l->nr; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC))
			return skip(l, "%u pipes: %s", l->nr, strerror(errno));
		many.out[i] = ends[0];
		many.in[i] = ends[1];
	}
	return ret;
}

static int setup_sockets(struct link *l)
{
	int ret = setup_many(l);

	for (unsigned int i = 0; !ret && i < l->nr; i++) {
		int sv[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
			return skip(l, "%u socket pairs: %s", l->nr, strerror(errno));
		many.out[i] = sv[0];
		many.in[i] = sv[1];
	}
	return ret;
}

static int setup_mqs(struct link *l)
{
	int ret = setup_many(l);

	for (unsigned int i = 0; !ret && i < l->nr; i++) {
		many.in[i] = many.out[i] = open_mq(l, 1);
		if (many.in[i] < 0)
			return many.in[i];
	}
	return ret;
}

static int setup_queues(struct link *l)
{
	int ret = setup_many(l);

	for (unsigned int i = 0; !ret && i < l->nr; i++) {
		many.in[i] = many.out[i] = ipcx_queue_create(NULL, NULL, NULL);
		if (many.in[i] < 0)
			return ipcx_explain(l, many.in[i]);
	}
	return ret;
}

static int write_one(struct link *l, int i, void *buf, size_t len)
{
	ssize_t n = write(many.in[i], buf, len);

	(void)l;
	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

static int read_one(struct link *l, int i, void *buf, size_t len)
{
	ssize_t n = read(many.out[i], buf, len);

	(void)l;
	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

static int send_one_mq(struct link *l, int i, void *buf, size_t len)
{
	(void)l;
	return mq_send(many.in[i], buf, len, 0) ? -errno : 0;
}

static int recv_one_mq(struct link *l, int i, void *buf, size_t len)
{
	ssize_t n = mq_receive(many.out[i], buf, len, NULL);

	(void)l;
	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

#define DEPTH	CASE_BIT(CASE_DEPTH)
#define OBJECTS	CASE_BIT(CASE_OBJECTS)

const struct mechanism sweep_mechanisms[] = {
	{ .name = "pipe", .usage = "write(2) and read(2), F_SETPIPE_SZ for all that stands in it",
	  .cases = DEPTH, .setup = setup_pipe, .send = write_fd, .recv = read_fd },
	{ .name = "unix_seqpacket", .usage = "write(2) and read(2), SO_SNDBUF for all that stands in it",
	  .cases = DEPTH, .setup = setup_seqpacket, .send = write_fd, .recv = read_fd },
	{ .name = "posix_mq", .usage = "mq_send(3) and mq_receive(3), one priority",
	  .cases = DEPTH, .setup = setup_mq, .send = send_mq, .recv = recv_mq },
	{ .name = "posix_mq_prio", .usage = "the same with 1000 priorities",
	  .cases = DEPTH, .order = ORDER_PRIORITY, .setup = setup_mq,
	  .send = send_mq_priority, .recv = recv_mq_priority },
	{ .name = "sysv_msg", .usage = "msgsnd(2) and msgrcv(2) of any type",
	  .cases = DEPTH, .setup = setup_sysv, .send = send_sysv, .recv = recv_sysv },
	{ .name = "sysv_msg_type", .usage = "msgrcv(2) of another type than that of all before it",
	  .cases = DEPTH, .order = ORDER_OWN, .setup = setup_sysv,
	  .send = send_sysv_wanted, .recv = recv_sysv_wanted },
	{ .name = "ipcx_queue", .usage = "ipcx_queue_send(3) and ipcx_queue_recv(3)",
	  .cases = DEPTH, .setup = setup_queue, .send = send_queue, .recv = recv_queue },
	{ .name = "ipcx_queue_prio", .usage = "ipcx_queue_send_msg(3) and ipcx_queue_recv_msg(3), 1000 "
	  "priorities",
	  .cases = DEPTH, .order = ORDER_PRIORITY, .setup = setup_queue,
	  .send = send_queue_priority, .recv = recv_queue_priority },
	{ .name = "ipcx_queue_type", .usage = "ipcx_queue_recv_msg(3) of another type than that of all "
	  "before it",
	  .cases = DEPTH, .order = ORDER_OWN, .setup = setup_queue,
	  .send = send_queue_wanted, .recv = recv_queue_wanted },
	{ .name = "pipe", .usage = "write(2) and read(2) on one of many",
	  .cases = OBJECTS, .setup = setup_pipes, .send = write_one, .recv = read_one },
	{ .name = "unix_seqpacket", .usage = "write(2) and read(2) on one of many pairs",
	  .cases = OBJECTS, .setup = setup_sockets, .send = write_one, .recv = read_one },
	{ .name = "posix_mq", .usage = "mq_send(3) and mq_receive(3) on one of many, without a name",
	  .cases = OBJECTS, .setup = setup_mqs, .send = send_one_mq, .recv = recv_one_mq },
	{ .name = "ipcx_queue_rw", .usage = "write(2) and read(2) on one of many",
	  .cases = OBJECTS, .setup = setup_queues, .send = write_one, .recv = read_one },
	{ 0 }
};
