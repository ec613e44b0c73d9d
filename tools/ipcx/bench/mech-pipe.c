// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: pipe(2) and mkfifo(3).  The buffer holds whole messages, so that a writer never
 * has to wait for a reader in the middle of one.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_DEFAULT	65536UL

/*
 * Room for twice what must fit, so that one side fills while the other empties; if that is more
 * than is allowed, once must do.
 */
int size_pipe(struct link *l, int fd)
{
	size_t want = l->capacity * (l->len < 4096 ? 4096 : l->len);

	if (2 * want <= PIPE_DEFAULT)
		return 0;
	if (fcntl(fd, F_SETPIPE_SZ, (int)(2 * want)) < 0 &&
	    fcntl(fd, F_SETPIPE_SZ, (int)want) < 0)
		return skip(l, "a pipe of %zu bytes is more than fs.pipe-max-size (%ld)", want,
			    read_limit("/proc/sys/fs/pipe-max-size"));
	return 0;
}

static int setup_pipe(struct link *l)
{
	for (int dir = 0; dir < 2; dir++) {
		int ends[2], ret;

		if (pipe2(ends, O_CLOEXEC))
			return -errno;
		l->fd[2 * dir] = ends[1];
		l->fd[2 * dir + 1] = ends[0];
		ret = size_pipe(l, ends[1]);
		if (ret)
			return ret;
	}
	return 0;
}

/* The name is needed only until both ends are open. */
static int open_fifo(struct link *l, int dir)
{
	char path[] = "/tmp/ipcx-bench.XXXXXX", name[sizeof(path) + 5];
	int rd = -1, wr = -1;

	if (!mkdtemp(path))
		return -errno;
	snprintf(name, sizeof(name), "%s/fifo", path);
	if (!mkfifo(name, 0600)) {
		rd = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		wr = open(name, O_WRONLY | O_CLOEXEC);
		unlink(name);
	}
	rmdir(path);
	if (rd < 0 || wr < 0 || fcntl(rd, F_SETFL, 0))
		return -errno;
	l->fd[2 * dir] = wr;
	l->fd[2 * dir + 1] = rd;
	return size_pipe(l, wr);
}

static int setup_fifo(struct link *l)
{
	return open_fifo(l, 0) ?: open_fifo(l, 1);
}

static int send_bytes(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = write(l->fd[2 * dir], buf, len);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

/* A reader that is quicker than the writer gets a large message in pieces. */
static int recv_bytes(struct link *l, int dir, void *buf, size_t len)
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

static int send_vector(struct link *l, int dir, struct iovec *iov, unsigned int nr)
{
	ssize_t n = writev(l->fd[2 * dir], iov, nr);

	return n == (ssize_t)(nr * l->len) ? 0 : n < 0 ? -errno : -EIO;
}

static int recv_vector(struct link *l, int dir, struct iovec *iov, unsigned int nr)
{
	ssize_t n = readv(l->fd[2 * dir + 1], iov, nr);

	return n == (ssize_t)(nr * l->len) ? 0 : n < 0 ? -errno : -EIO;
}

const struct mechanism pipe_mechanisms[] = {
	{ .name = "pipe", .usage = "write(2) and read(2) on pipe2(2), one pipe for each direction; "
	  "F_SETPIPE_SZ for two messages; batch: writev and readv (no boundaries)",
	  .cases = MESSAGE_CASES | CASE_BIT(CASE_BATCH) | CASE_BIT(CASE_PROCESSES),
	  .setup = setup_pipe,
	  .send = send_bytes, .recv = recv_bytes, .sendv = send_vector, .recvv = recv_vector },
	{ .name = "fifo", .usage = "the same on a FIFO, its name removed once both ends are open",
	  .cases = MESSAGE_CASES | CASE_BIT(CASE_BATCH), .setup = setup_fifo,
	  .send = send_bytes, .recv = recv_bytes, .sendv = send_vector, .recvv = recv_vector },
	{ 0 }
};
