// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: the objects of /dev/ipcx, all anonymous: the descriptors are inherited.
 */
#include "bench.h"

#include <errno.h>
#include <ipcx.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Why creating an object failed, where the user can do something about it. */
int ipcx_explain(struct link *l, int ret)
{
	if (ret == -ENOENT || ret == -ENODEV || ret == -ENXIO)
		return skip(l, "no /dev/ipcx here: load the module, or use the machine (make vm)");
	if (ret == -EACCES || ret == -EPERM)
		return skip(l, "/dev/ipcx: %s", strerror(-ret));
	if (ret == -EDQUOT)
		return skip(l, "more than the quota of one user (module parameter user_bytes)");
	return ret;
}

/* One queue for each direction. */
int setup_ipcx_queue(struct link *l)
{
	size_t bytes = 2 * l->capacity * l->len;
	struct ipcx_queue_limits limits = { 0 };
	struct ipcx_query query = { .size = sizeof(query) };
	int ret = ipcx_query(&query);

	if (ret)
		return ipcx_explain(l, ret);
	if (l->len > query.max_msg_len)
		return skip(l, "a message of %zu B is more than the module allows (%llu)", l->len,
			    (unsigned long long)query.max_msg_len);
	limits.max_msg_len = l->len;
	limits.max_bytes = bytes > 65536 ? bytes : 65536;
	for (int dir = 0; dir < 2; dir++) {
		l->fd[dir] = ipcx_queue_create(NULL, &limits, NULL);
		if (l->fd[dir] < 0)
			return ipcx_explain(l, l->fd[dir]);
	}
	return 0;
}

static int send_queue(struct link *l, int dir, void *buf, size_t len)
{
	return ipcx_queue_send(l->fd[dir], buf, len);
}

static int recv_queue(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = ipcx_queue_recv(l->fd[dir], buf, len);

	return n == (ssize_t)len ? 0 : n < 0 ? (int)n : -EIO;
}

static int write_queue(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = write(l->fd[dir], buf, len);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

static int read_queue(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = read(l->fd[dir], buf, len);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

static int send_batch(struct link *l, int dir, struct iovec *iov, unsigned int nr)
{
	struct ipcx_msg msgs[BATCH_NR];
	int n;

	for (unsigned int i = 0; i < nr; i++)
		msgs[i] = ipcx_msg(iov[i].iov_base, iov[i].iov_len);
	n = ipcx_queue_sendv(l->fd[dir], msgs, nr, 0, IPCX_FOREVER);
	return n == (int)nr ? 0 : n < 0 ? n : -EIO;
}

static int recv_batch(struct link *l, int dir, struct iovec *iov, unsigned int nr)
{
	struct ipcx_msg msgs[BATCH_NR];
	int n;

	for (unsigned int i = 0; i < nr; i++)
		msgs[i] = ipcx_msg(iov[i].iov_base, iov[i].iov_len);
	n = ipcx_queue_recvv(l->fd[dir], msgs, nr, NULL, 0, IPCX_FOREVER);
	return n == (int)nr ? 0 : n < 0 ? n : -EIO;
}

/* One object for each token, none of them with a unit, or set. */
static int setup_tokens(struct link *l, int (*create)(void))
{
	int *fds = malloc(NR_TOKENS * sizeof(*fds));

	if (!fds)
		return -ENOMEM;
	for (int i = 0; i < NR_TOKENS; i++) {
		fds[i] = create();
		if (fds[i] < 0)
			return ipcx_explain(l, fds[i]);
	}
	l->token_priv = fds;
	return 0;
}

static int create_sem(void)
{
	return ipcx_sem_create(NULL, 0, 0, NULL);
}

static int setup_sem(struct link *l)
{
	return setup_tokens(l, create_sem);
}

static int post_sem(struct link *l, int token, void *buf, size_t len)
{
	(void)buf, (void)len;
	return ipcx_sem_post(((int *)l->token_priv)[token], 1);
}

static int wait_sem(struct link *l, int token, void *buf, size_t len)
{
	(void)buf, (void)len;
	return ipcx_sem_wait(((int *)l->token_priv)[token], 1, 0, IPCX_FOREVER);
}

static int write_sem(struct link *l, int token, void *buf, size_t len)
{
	uint64_t one = 1;

	(void)buf, (void)len;
	return write(((int *)l->token_priv)[token], &one, sizeof(one)) == sizeof(one) ? 0 : -errno;
}

static int read_sem(struct link *l, int token, void *buf, size_t len)
{
	uint64_t one;

	(void)buf, (void)len;
	return read(((int *)l->token_priv)[token], &one, sizeof(one)) == sizeof(one) ? 0 : -errno;
}

static int create_event(void)
{
	return ipcx_event_create(NULL, 0, NULL);
}

static int setup_event(struct link *l)
{
	return setup_tokens(l, create_event);
}

static int set_event(struct link *l, int token, void *buf, size_t len)
{
	int ret = ipcx_event_set(((int *)l->token_priv)[token]);

	(void)buf, (void)len;
	return ret < 0 ? ret : 0;
}

static int wait_event(struct link *l, int token, void *buf, size_t len)
{
	(void)buf, (void)len;
	return ipcx_event_wait(((int *)l->token_priv)[token], 0, IPCX_FOREVER);
}

/* The signals are blocked before the fork: one that comes early waits. */
static int setup_notify(struct link *l)
{
	sigset_t set;

	sigemptyset(&set);
	for (int dir = 0; dir < 2; dir++)
		sigaddset(&set, SIGRTMIN + dir);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	return setup_tokens(l, create_sem);
}

/* Each side is signalled when there is something for it. */
static int start_notify(struct link *l, int side)
{
	for (int dir = 0; dir < 2; dir++) {
		int64_t id;

		if (l->two && dir == side)
			continue;
		id = ipcx_notify_process(((int *)l->token_priv)[dir], IPCX_READY_READ, 0, SIGRTMIN + dir, 1,
					 IPCX_NOTIFY_REPEAT);
		if (id < 0)
			return id;
	}
	return 0;
}

static int take_notice(struct link *l, int dir, void *buf, size_t len)
{
	siginfo_t info;
	sigset_t set;

	(void)l, (void)buf, (void)len;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + dir);
	if (sigwaitinfo(&set, &info) < 0)
		return -errno;
	return ipcx_notify_value(&info) == 1 ? 0 : -EBADMSG;
}

static int setup_region(struct link *l)
{
	int region = ipcx_region_create(NULL, ring_len(l), NULL), ret;
	void *mem;

	if (region < 0)
		return ipcx_explain(l, region);
	ret = ipcx_region_map(region, PROT_READ | PROT_WRITE, &mem, NULL);
	return ret ? ipcx_explain(l, ret) : ring_setup(l, mem, "ipcx_sem");
}

/* One stream for each direction, each end a descriptor of its own, with room for two messages. */
static int setup_stream(struct link *l)
{
	size_t want = 2 * l->capacity * l->len;

	for (int dir = 0; dir < 2; dir++) {
		int ends[2], ret = ipcx_stream_pipe(ends, want > 65536 ? want : 0);

		if (ret)
			return ipcx_explain(l, ret);
		l->fd[2 * dir] = ends[1];
		l->fd[2 * dir + 1] = ends[0];
	}
	return 0;
}

static int send_stream(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = write(l->fd[2 * dir], buf, len);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

/* A reader that is quicker than the writer gets a large message in pieces. */
static int recv_stream(struct link *l, int dir, void *buf, size_t len)
{
	size_t got = 0;

	do {
		ssize_t n = read(l->fd[2 * dir + 1], (char *)buf + got, len - got);

		if (n <= 0)
			return n ? -errno : -EPIPE;
		got += n;
	} while (got < len);
	return 0;
}

/*
 * Calls: side 0 sends and receives in one system call, made when it receives; side 1 replies and takes the next
 * in one, except for its last reply, which it makes when it is told to stop.
 */
struct call_state {
	struct ipcx_msg pending;	/* what to send, or to reply with */
	uint64_t call;			/* 0: nothing to reply to */
};

static int setup_call(struct link *l)
{
	l->priv = calloc(1, sizeof(struct call_state));
	return l->priv ? setup_ipcx_queue(l) : -ENOMEM;
}

static int send_call(struct link *l, int dir, void *buf, size_t len)
{
	struct call_state *s = l->priv;
	uint64_t call = s->call;

	s->pending = ipcx_msg(buf, len);
	if (!atomic_load_explicit(&l->turn->stop, memory_order_acquire))
		return 0;
	/* the last message, for which nobody waits, and the last reply */
	if (dir == 0)
		return ipcx_queue_send_msg(l->fd[0], &s->pending, 0, IPCX_FOREVER);
	s->call = 0;
	return call ? ipcx_queue_reply(l->fd[0], call, &s->pending) : 0;
}

static int recv_call(struct link *l, int dir, void *buf, size_t len)
{
	struct call_state *s = l->priv;
	struct ipcx_msg msg = ipcx_msg(buf, len);
	int ret;

	if (dir == 1)
		ret = ipcx_queue_call(l->fd[0], &s->pending, &msg, 0, IPCX_FOREVER);
	else
		ret = ipcx_queue_serve(l->fd[0], &s->call, s->call ? &s->pending : NULL, &msg, 0,
				       IPCX_FOREVER);
	return ret ? ret : msg.len == len ? 0 : -EIO;
}

/* One queue, and what is sent through it, with a message of one byte as through a socket. */
static int setup_fds(struct link *l)
{
	l->fd[0] = ipcx_queue_create(NULL, NULL, NULL);
	if (l->fd[0] < 0)
		return ipcx_explain(l, l->fd[0]);
	l->fd[1] = make_passed();
	return l->fd[1] < 0 ? l->fd[1] : 0;
}

static int send_fd(struct link *l, int dir, void *buf, size_t len)
{
	struct ipcx_msg msg = ipcx_msg("", 1);

	(void)dir, (void)buf, (void)len;
	return ipcx_queue_send_fds(l->fd[0], &msg, &l->fd[1], 1, 0, IPCX_FOREVER);
}

static int recv_fd(struct link *l, int dir, void *buf, size_t len)
{
	char byte;
	struct ipcx_msg msg = ipcx_msg(&byte, 1);
	unsigned int nr = 1;
	int fd, ret = ipcx_queue_recv_fds(l->fd[0], &msg, &fd, &nr, NULL, 0, IPCX_FOREVER);

	(void)dir, (void)buf, (void)len;
	return ret ? ret : nr == 1 ? close_passed(l, fd) : -EBADMSG;
}

const struct mechanism ipcx_mechanisms[] = {
	{ .name = "ipcx_queue", .usage = "ipcx_queue_send(3) and ipcx_queue_recv(3), one queue for "
	  "each direction; batch: ipcx_queue_sendv and ipcx_queue_recvv",
	  .cases = MESSAGE_CASES | CASE_BIT(CASE_BATCH) | CASE_BIT(CASE_PROCESSES),
	  .setup = setup_ipcx_queue,
	  .send = send_queue, .recv = recv_queue, .sendv = send_batch, .recvv = recv_batch },
	{ .name = "ipcx_queue_rw", .usage = "write(2) and read(2) on the same",
	  .cases = MESSAGE_CASES, .setup = setup_ipcx_queue,
	  .send = write_queue, .recv = read_queue },
	{ .name = "ipcx_queue_fds", .usage = "ipcx_queue_send_fds(3) and ipcx_queue_recv_fds(3)",
	  .cases = CASE_BIT(CASE_PASS_FD), .setup = setup_fds, .send = send_fd, .recv = recv_fd },
	{ .name = "ipcx_call", .usage = "ipcx_queue_call(3) on one side, ipcx_queue_serve(3) on the other",
	  .cases = CASE_BIT(CASE_ROUNDTRIP), .setup = setup_call,
	  .send = send_call, .recv = recv_call },
	{ .name = "ipcx_stream", .usage = "write(2) and read(2) on ipcx_stream_pipe(3)",
	  .cases = MESSAGE_CASES, .setup = setup_stream,
	  .send = send_stream, .recv = recv_stream },
	{ .name = "ipcx_region", .usage = "ipcx_region_map(3), the ring of posix_shm, ipcx_sem",
	  .cases = MESSAGE_CASES, .setup = setup_region,
	  .send = ring_send, .recv = ring_recv },
	{ .name = "ipcx_sem", .usage = "ipcx_sem_post(3) and ipcx_sem_wait(3)",
	  .cases = TOKEN_CASES, .setup = setup_sem, .send = post_sem, .recv = wait_sem },
	{ .name = "ipcx_sem_rw", .usage = "write(2) of 1 and read(2) on the same",
	  .cases = TOKEN_CASES, .setup = setup_sem, .send = write_sem, .recv = read_sem },
	{ .name = "ipcx_event", .usage = "ipcx_event_set(3) and ipcx_event_wait(3), automatic",
	  .cases = TOKEN_CASES, .setup = setup_event, .send = set_event, .recv = wait_event },
	{ .name = "ipcx_notify", .usage = "ipcx_sem_post(3) of a semaphore with a notice, sigwaitinfo(2); no unit is "
	  "taken",
	  .cases = TOKEN_CASES, .setup = setup_notify, .start = start_notify,
	  .send = post_sem, .recv = take_notice },
	{ 0 }
};
