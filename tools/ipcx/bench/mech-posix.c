// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: POSIX message queues, one for each direction, unlinked as soon as they are open.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <string.h>
#include <unistd.h>

#define DEPTH	10	/* what mq_open(3) may ask for without privilege */

static int setup_mq(struct link *l)
{
	for (int dir = 0; dir < 2; dir++) {
		struct mq_attr attr = { .mq_maxmsg = DEPTH, .mq_msgsize = (long)l->len };
		char name[64];

		snprintf(name, sizeof(name), "/ipcx-bench.%d.%d", getpid(), dir);
		l->fd[dir] = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attr);
		if (l->fd[dir] < 0 && (errno == EMFILE || errno == ENOMEM)) {
			/* 10 messages would exceed RLIMIT_MSGQUEUE. */
			attr.mq_maxmsg = 1;
			l->fd[dir] = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600,
					     &attr);
		}
		if (l->fd[dir] < 0 && errno == EINVAL)
			return skip(l, "a message of %zu B exceeds fs.mqueue.msgsize_max (%ld)",
				    l->len, read_limit("/proc/sys/fs/mqueue/msgsize_max"));
		if (l->fd[dir] < 0 && (errno == EMFILE || errno == ENOMEM))
			return skip(l, "two queues of %zu B exceed RLIMIT_MSGQUEUE", l->len);
		if (l->fd[dir] < 0 && errno == ENOSYS)
			return skip(l, "this kernel has no POSIX message queues");
		if (l->fd[dir] < 0)
			return -errno;
		mq_unlink(name);
	}
	return 0;
}

static int send_mq(struct link *l, int dir, void *buf, size_t len)
{
	return mq_send(l->fd[dir], buf, len, 0) ? -errno : 0;
}

static int recv_mq(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = mq_receive(l->fd[dir], buf, len, NULL);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

const struct mechanism posix_mechanisms[] = {
	{ .name = "posix_mq", .usage = "mq_send(3) and mq_receive(3), one queue for each "
	  "direction, 10 messages deep, one priority",
	  .cases = MESSAGE_CASES | CASE_BIT(CASE_PROCESSES), .setup = setup_mq,
	  .send = send_mq, .recv = recv_mq },
	{ 0 }
};
