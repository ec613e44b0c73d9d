// SPDX-License-Identifier: GPL-2.0
/*
 * What ipcx send and ipcx recv do with a stream: bytes from the standard input, or to the standard output, as they
 * are and to the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

#define COPY_LEN	(256 * 1024)

static bool is_pipe(int fd)
{
	struct stat stat;

	return !fstat(fd, &stat) && S_ISFIFO(stat.st_mode);
}

static int copy_bytes(int from, int to, const char *reading, const char *writing)
{
	/* from or to a pipe the kernel copies once instead of twice */
	bool splicing = is_pipe(from) || is_pipe(to);
	char *buf = malloc(COPY_LEN);
	ssize_t len, done, ret;
	int status = STATUS_OK;

	if (!buf)
		return report(-ENOMEM, "%s", reading);
	while (!status) {
		if (splicing) {
			ret = splice(from, NULL, to, NULL, COPY_LEN, SPLICE_F_MOVE);
			if (ret < 0 && errno == EINVAL)
				splicing = false;
			else if (ret < 0 && errno != EINTR)
				status = report(-errno, "%s", errno == EPIPE ? writing : reading);
			if (ret)
				continue;
			break;
		}
		len = read(from, buf, COPY_LEN);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			status = report(-errno, "%s", reading);
		if (len <= 0)
			break;
		for (done = 0; done < len && !status; done += ret) {
			ret = write(to, buf + done, len - done);
			if (ret < 0 && errno != EINTR)
				status = report(-errno, "%s", writing);
			if (ret < 0)
				ret = 0;
		}
	}
	free(buf);
	return status;
}

int stream_send(const char *name)
{
	int fd = open_object(name, IPCX_KIND_STREAM, IPCX_WRITE);
	int status;

	if (fd < 0)
		return STATUS_FAILED;
	status = copy_bytes(STDIN_FILENO, fd, "read the standard input", "write to the stream");
	close(fd);
	return status;
}

int stream_recv(const char *name)
{
	int fd = open_object(name, IPCX_KIND_STREAM, IPCX_READ);
	int status;

	if (fd < 0)
		return STATUS_FAILED;
	status = copy_bytes(fd, STDOUT_FILENO, "read the stream", "write to the standard output");
	close(fd);
	return status;
}
