// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Streams: everything but read(2), write(2) and what else works on a pipe.
 */
#include <unistd.h>

#include "internal.h"

int ipcx_stream_create(const char *name, size_t capacity, const struct ipcx_options *options)
{
	struct ipcx_stream_create arg = {
		.create.size = sizeof(arg),
		.capacity = capacity,
	};

	return ipcx_internal_create(IPCX_STREAM_CREATE, &arg, &arg.create, name, options);
}

int ipcx_stream_pipe(int fds[2], size_t capacity)
{
	int both, saved = errno;

	both = ipcx_stream_create(NULL, capacity, NULL);
	if (both < 0)
		return both;
	fds[0] = ipcx_restrict(both, IPCX_READ);
	fds[1] = fds[0] < 0 ? fds[0] : ipcx_restrict(both, IPCX_WRITE);
	close(both);
	if (fds[0] >= 0 && fds[1] < 0)
		close(fds[0]);
	errno = saved;
	return fds[1] < 0 ? fds[1] : 0;
}

int64_t ipcx_stream_resize(int stream, size_t capacity)
{
	struct ipcx_stream_resize arg = {
		.size = sizeof(arg),
		.capacity = capacity,
	};
	int ret = ipcx_internal_ioctl(stream, IPCX_STREAM_RESIZE, &arg);

	return ret ? ret : (int64_t)arg.capacity;
}

int ipcx_stream_stat(int stream, struct ipcx_stream_stat *stat)
{
	struct ipcx_stream_stat arg = { .size = sizeof(arg) };
	int ret;

	ret = ipcx_internal_ioctl(stream, IPCX_STREAM_STAT, &arg);
	if (!ret)
		*stat = arg;
	return ret;
}
