// SPDX-License-Identifier: GPL-2.0
/*
 * Suspend: who waits in splice(2) for a stream holds the lock of a pipe, and is not frozen with it.  If this fails, other
 * users of the pipe cannot be frozen, and the machine does not go to sleep.
 */
#include "object.h"

#include <fcntl.h>

static int stream[2], pipes[2];

static void tell(const char *file, const char *what)
{
	int fd = open(file, O_WRONLY);

	if (fd < 0 || write(fd, what, strlen(what)) < 0)
		SKIP("%s: %s", file, strerror(errno));
	close(fd);
}

/* Freezes all tasks, and lets them go: 0 or -errno. */
static int freeze_all(void)
{
	int fd, ret;

	tell("/sys/power/pm_test", "freezer");
	tell("/sys/power/pm_freeze_timeout", "3000");
	tell("/sys/module/suspend/parameters/pm_test_delay", "1");
	fd = CHECK_SYS(open("/sys/power/state", O_WRONLY));
	ret = write(fd, "freeze", 6) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static int from_stream(void *arg)
{
	(void)arg;
	return splice(stream[0], NULL, pipes[1], NULL, 4096, 0);
}

static int reads_pipe(void *arg)
{
	char c;

	(void)arg;
	return read(pipes[0], &c, 1);
}

TEST(out_of_an_empty_stream)
{
	struct test_thread splicer, reader;

	CHECK_OK(ipcx_stream_pipe(stream, 0));
	CHECK_SYS(pipe2(pipes, O_CLOEXEC));
	thread_start(&splicer, from_stream, NULL);
	CHECK_BLOCKS(splicer.tid);
	thread_start(&reader, reads_pipe, NULL);
	CHECK_SOON(task_is_blocked(reader.tid));
	CHECK_EQ(freeze_all(), 0);
	CHECK_EQ(write(stream[1], "x", 1), 1);
	CHECK_EQ(thread_join(&splicer), 1);
	CHECK_EQ(thread_join(&reader), 1);
}

static int into_stream(void *arg)
{
	(void)arg;
	return splice(pipes[0], NULL, stream[1], NULL, 4096, 0);
}

static int writes_pipe(void *arg)
{
	(void)arg;
	return write(pipes[1], "y", 1);
}

TEST(into_a_full_stream)
{
	static char bytes[4096];
	struct test_thread splicer, writer;

	CHECK_OK(ipcx_stream_pipe(stream, 0));
	CHECK_SYS(pipe2(pipes, O_CLOEXEC));
	while (poll_events(stream[1]) & POLLOUT)
		CHECK_SYS(write(stream[1], bytes, sizeof(bytes)));
	CHECK_EQ(write(pipes[1], bytes, sizeof(bytes)), (long)sizeof(bytes));
	thread_start(&splicer, into_stream, NULL);
	CHECK_BLOCKS(splicer.tid);
	thread_start(&writer, writes_pipe, NULL);
	CHECK_SOON(task_is_blocked(writer.tid));
	CHECK_EQ(freeze_all(), 0);
	CHECK_EQ(read(stream[0], bytes, sizeof(bytes)), (long)sizeof(bytes));
	CHECK_EQ(thread_join(&splicer), (long)sizeof(bytes));
	CHECK_EQ(thread_join(&writer), 1);
}
