// SPDX-License-Identifier: GPL-2.0
/*
 * Memory is charged to the memory cgroup of whoever uses it.  Were it broken, a container would escape its
 * limit through /dev/ipcx.
 */
#include "object.h"

#define ROOT	"/sys/fs/cgroup"
#define GROUP	ROOT "/ipcx-test"
#define MIB	(1ul << 20)

static void remove_group(void)
{
	write_text(ROOT "/cgroup.procs", "0");
	rmdir(GROUP);
}

static void set_up(void)
{
	char controllers[256];

	NEED_ROOT();
	if (access(ROOT "/cgroup.controllers", R_OK))
		SKIP("no cgroup2 at " ROOT);
	read_text(ROOT "/cgroup.controllers", controllers, sizeof(controllers));
	if (!strstr(controllers, "memory"))
		SKIP("no memory controller in cgroup2");
	write_text(ROOT "/cgroup.subtree_control", "+memory");
	rmdir(GROUP);
	CHECK_SYS(mkdir(GROUP, 0755));
	atexit(remove_group);
}

static long current(void)
{
	char text[32];

	read_text(GROUP "/memory.current", text, sizeof(text));
	return atol(text);
}

static int fills_queue(void *arg)
{
	static char buf[65536];
	int *fds = arg, i;

	write_text(GROUP "/cgroup.procs", "0");
	for (i = 0; i < 64; i++)
		CHECK_OK(ipcx_queue_send(fds[0], buf, sizeof(buf)));
	return 0;
}

TEST(messages_are_charged_and_given_back)
{
	static char buf[65536];
	int q, i;
	long before;

	set_up();
	q = queue();
	before = current();
	CHECK_EXITS(spawn(fills_queue, &q), 0);
	/* the sender has gone; what it sent is still its cgroup's */
	CHECK_GE(current() - before, 3.5 * MIB);
	for (i = 0; i < 64; i++)
		CHECK_EQ(ipcx_queue_recv(q, buf, sizeof(buf)), sizeof(buf));
	/* charges are given back in batches */
	CHECK_SOON(current() - before < (long)(3 * MIB / 2));
}

static int touches_region(void *arg)
{
	write_text(GROUP "/cgroup.procs", "0");
	memset(map(*(int *)arg, 4 * MIB, PROT_READ | PROT_WRITE), 1, 4 * MIB);
	return 0;
}

TEST(pages_of_regions_are_charged_to_whoever_touches_them)
{
	long before;
	int fd;

	set_up();
	fd = region(4 * MIB);
	before = current();
	CHECK_EXITS(spawn(touches_region, &fd), 0);
	CHECK_GE(current() - before, 3.5 * MIB);
	close(fd);
	CHECK_SOON(current() - before < (long)(3 * MIB / 2));
}

static int exceeds(void *arg)
{
	static char buf[65536];
	int q = *(int *)arg, i, ret = 0;

	write_text(GROUP "/cgroup.procs", "0");
	for (i = 0; i < 1024 && !ret; i++)
		ret = ipcx_queue_send_msg(q, &(struct ipcx_msg){ .buf = (uintptr_t)buf, .len = sizeof(buf),
							     .type = 1 }, 0, IPCX_FOREVER);
	return ret == -ENOMEM ? 0 : 1;
}

TEST(the_limit_holds)
{
	struct ipcx_queue_limits l = { .max_bytes = 64 * MIB, .max_msgs = 1024 };
	struct ipcx_queue_stat st;
	int q, status;

	set_up();
	q = CHECK_OK(ipcx_queue_create(NULL, &l, NULL));
	write_text(GROUP "/memory.max", "8388608");
	status = wait_child(spawn(exceeds, &q), TEST_SOON_MS);
	/* refused, or killed for it: but not more than the limit */
	if (!(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
		CHECK_EQ(status, 0);
	CHECK_LE(current(), 8 * MIB);
	CHECK_OK(ipcx_queue_stat(q, &st));
	CHECK_GE(st.bytes, 2 * MIB);
	CHECK_LE(st.bytes, 8 * MIB);
}
