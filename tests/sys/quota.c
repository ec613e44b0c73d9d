// SPDX-License-Identifier: GPL-2.0
/*
 * The memory quota of users.  Were it broken, any user could use up the memory of the machine through
 * /dev/ipcx, or would be locked out after having freed it.
 */
#include "object.h"

#define MIB	(1ul << 20)
#define PARAM	"/sys/module/ipcx/parameters/user_bytes"

static char old_quota[32];

static void restore_quota(void)
{
	int fd = open(PARAM, O_WRONLY);

	if (fd >= 0 && write(fd, old_quota, strlen(old_quota)) > 0)
		close(fd);
}

/* Each case has a user of its own, and a small quota while it runs. */
static void run_as_with_quota(uid_t uid, unsigned long bytes, int (*fn)(void *arg))
{
	char text[32];
	pid_t pid;
	int status;

	NEED_ROOT();
	read_text(PARAM, old_quota, sizeof(old_quota));
	snprintf(text, sizeof(text), "%lu", bytes);
	write_text(PARAM, text);
	pid = spawn_as(uid, fn, NULL);
	status = wait_child(pid, TEST_SOON_MS);
	restore_quota();
	CHECK_EQ(status, 0);
}

static uint64_t quota(void)
{
	struct ipcx_query q;

	CHECK_OK(ipcx_query(&q));
	return q.user_bytes;
}

static int sees_parameter(void *arg)
{
	(void)arg;
	CHECK_EQ(quota(), 3 * MIB + 5);
	return 0;
}

TEST(query_tells_the_parameter)
{
	run_as_with_quota(2000, 3 * MIB + 5, sees_parameter);
}

static int by_messages(void *arg)
{
	static char buf[100000];
	struct ipcx_msg m = ipcx_msg(buf, sizeof(buf));
	uint64_t empty, full;
	int q = queue(), nr = 0, i, ret;

	(void)arg;
	empty = used_bytes();
	/* not waiting, nor "no room": it is the quota */
	while (!(ret = ipcx_queue_send_msg(q, &m, 0, IPCX_FOREVER)))
		CHECK_LT(nr++, 200);
	CHECK_EQ(ret, -EDQUOT);
	CHECK_GE(nr, 5);
	full = used_bytes();
	CHECK_LE(full, quota());
	CHECK_GE(full, nr * sizeof(buf));
	CHECK_ERR(ipcx_queue_send_msg(q, &m, IPCX_NOWAIT, 0), EDQUOT);
	CHECK_SYS_ERR(write(q, buf, sizeof(buf)), EDQUOT);
	CHECK_ERR(ipcx_queue_sendv(q, &m, 1, 0, IPCX_FOREVER), EDQUOT);
	CHECK_EQ(used_bytes(), full);
	/* one out, one in */
	CHECK_EQ(ipcx_queue_recv(q, buf, sizeof(buf)), sizeof(buf));
	CHECK_OK(ipcx_queue_send(q, buf, sizeof(buf)));
	CHECK_ERR(ipcx_queue_send(q, buf, sizeof(buf)), EDQUOT);
	for (i = 0; i < nr; i++)
		CHECK_EQ(ipcx_queue_recv(q, buf, sizeof(buf)), sizeof(buf));
	CHECK_EQ(used_bytes(), empty);
	close(q);
	CHECK_EQ(used_bytes(), 0);
	return 0;
}

TEST(used_up_by_messages)
{
	run_as_with_quota(2001, MIB, by_messages);
}

/* Nothing is left: not for what a call needs, a message's descriptors, or a stream's larger ring. */
static int by_what_comes_with_messages(void *arg)
{
	struct ipcx_queue_limits l = { .max_msgs = 100000 };
	int q = CHECK_OK(ipcx_queue_create(NULL, &l, NULL)), other = queue(), ends[2], fds[64], ret;
	struct ipcx_msg m = ipcx_msg("", 0), reply = ipcx_msg(NULL, 0);
	uint64_t full;

	(void)arg;
	CHECK_OK(ipcx_stream_pipe(ends, PAGE));
	for (int i = 0; i < 64; i++)
		fds[i] = ends[0];
	while (!(ret = ipcx_queue_send(q, "", 0)))
		;
	CHECK_EQ(ret, -EDQUOT);
	full = used_bytes();
	CHECK_ERR(ipcx_queue_call(other, &m, &reply, 0, ipcx_after_ms(1)), EDQUOT);
	CHECK_ERR(ipcx_queue_send_fds(other, &m, fds, 64, IPCX_NOWAIT, 0), EDQUOT);
	CHECK_ERR(ipcx_stream_resize(ends[1], 1024 * PAGE), EDQUOT);
	CHECK_EQ(used_bytes(), full);
	ipcx_queue_purge(q, NULL);
	CHECK_ERR(ipcx_queue_call(other, &m, &reply, 0, ipcx_after_ms(1)), ETIMEDOUT);
	CHECK_OK(ipcx_queue_send_fds(other, &m, fds, 64, IPCX_NOWAIT, 0));
	CHECK_OK(ipcx_stream_resize(ends[1], 1024 * PAGE));
	return 0;
}

TEST(used_up_for_what_comes_with_messages)
{
	run_as_with_quota(2012, MIB, by_what_comes_with_messages);
}

static int by_small_messages(void *arg)
{
	struct ipcx_queue_limits l = { .max_msgs = 100000 };
	int q = CHECK_OK(ipcx_queue_create(NULL, &l, NULL)), nr = 0, ret;

	(void)arg;
	/* what a message costs besides its payload is charged as well */
	while (!(ret = ipcx_queue_send(q, "", 0)))
		nr++;
	CHECK_EQ(ret, -EDQUOT);
	CHECK_LT(nr, MIB / 64);
	CHECK_GE(ipcx_queue_purge(q, NULL), nr);
	CHECK_OK(ipcx_queue_send(q, "", 0));
	close(q);
	CHECK_EQ(used_bytes(), 0);
	return 0;
}

TEST(used_up_by_messages_without_payload)
{
	run_as_with_quota(2002, MIB, by_small_messages);
}

static int by_objects(void *arg)
{
	struct ipcx_sem_create c = { .create = { .size = sizeof(c) }, .max = 1 };
	struct ipcx_open o = { .size = sizeof(o), .rights = IPCX_READ };
	int dev = device(), fds[1000], nr = 0, ret;
	uint64_t full;

	(void)arg;
	while ((ret = call(dev, IPCX_SEM_CREATE, &c)) >= 0) {
		CHECK_LT(nr, 1000);
		fds[nr++] = ret;
	}
	CHECK_EQ(ret, -EDQUOT);
	full = used_bytes();
	CHECK_ERR(ipcx_queue_create(NULL, NULL, NULL), EDQUOT);
	CHECK_ERR(ipcx_region_create(NULL, 1, NULL), EDQUOT);
	CHECK_ERR(ipcx_sem_create("named", 0, 1, NULL), EDQUOT);
	o.name = (uintptr_t)"named";
	CHECK_ERR(call(dev, IPCX_OPEN, &o), ENOENT);
	CHECK_EQ(used_bytes(), full);
	/* more descriptors of what is there cost nothing */
	CHECK_OK(ipcx_restrict(fds[0], IPCX_READ));
	close(fds[1]);
	fds[1] = CHECK_OK(call(dev, IPCX_SEM_CREATE, &c));
	while (nr)
		close(fds[--nr]);
	CHECK_OK(ipcx_queue_create(NULL, NULL, NULL));
	return 0;
}

TEST(used_up_by_objects)
{
	run_as_with_quota(2003, MIB / 8, by_objects);
}

static int by_touching(void *arg)
{
	int fd = region(4 * MIB), nr;
	char *p = map(fd, 4 * MIB, PROT_READ | PROT_WRITE);
	uint64_t room = quota() - used_bytes();

	(void)arg;
	/* children touch pages, so that a signal is theirs */
	for (nr = 0; nr < 1024 && !touch_signal(p + nr * PAGE, true); nr++)
		;
	CHECK_GE(nr, (int)(room / PAGE) - 2);
	CHECK_LE(nr, (int)(room / PAGE) + 2);
	CHECK_EQ(touch_signal(p + nr * PAGE, true), SIGBUS);
	CHECK_EQ(touch_signal(p + 1023 * PAGE, false), SIGBUS);
	CHECK_EQ(object_stat(fd).charged / PAGE, region_stat(fd).allocated / PAGE);
	CHECK_EQ(region_stat(fd).allocated, nr * PAGE);
	/* what is there stays usable */
	CHECK_EQ(touch_signal(p, true), 0);
	CHECK_EQ(touch_signal(p + (nr - 1) * PAGE, true), 0);
	/* a hole makes room for as much */
	CHECK_SYS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4 * PAGE));
	CHECK_EQ(region_stat(fd).allocated, (nr - 4) * PAGE);
	CHECK_EQ(touch_signal(p + nr * PAGE, true), 0);
	CHECK_SYS(munmap(p, 4 * MIB));
	close(fd);
	CHECK_EQ(used_bytes(), 0);
	return 0;
}

TEST(used_up_by_touching_a_region)
{
	run_as_with_quota(2004, MIB / 2, by_touching);
}

/* A reserved region is charged whole, and nothing that is done to it afterwards is a question of the quota. */
static int by_reserving(void *arg)
{
	struct ipcx_options o = { .flags = IPCX_REGION_RESERVED };
	uint64_t before;
	char *p;
	int fd, q;

	(void)arg;
	CHECK_ERR(ipcx_region_create(NULL, MIB / 2, &o), EDQUOT);
	CHECK_EQ(used_bytes(), 0);
	fd = CHECK_OK(ipcx_region_create(NULL, MIB / 4 + 1, &o));
	CHECK_EQ(object_stat(fd).state, IPCX_OBJECT_RESERVED);
	CHECK_EQ(object_stat(fd).charged / PAGE, MIB / 4 / PAGE + 1);
	CHECK_EQ(region_stat(fd).allocated, 0);
	p = map(fd, MIB / 4, PROT_READ | PROT_WRITE);
	q = queue();
	while (!ipcx_queue_send(q, p, 1000))
		;
	while (!ipcx_queue_send(q, "", 0))
		;
	before = used_bytes();
	CHECK_GT(before, quota() - 1024);
	for (size_t i = 0; i < MIB / 4; i += PAGE)
		CHECK_EQ(touch_signal(p + i, i % (2 * PAGE)), 0);
	CHECK_EQ(region_stat(fd).allocated, MIB / 4);
	CHECK_SYS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, MIB / 4));
	CHECK_EQ(region_stat(fd).allocated, 0);
	CHECK_EQ(used_bytes(), before);
	CHECK_EQ(touch_signal(p, true), 0);
	CHECK_EQ(pwrite(fd, p, MIB / 4, 0), MIB / 4);
	CHECK_SYS(fallocate(fd, 0, 0, MIB / 4));
	CHECK_EQ(used_bytes(), before);
	CHECK_SYS(munmap(p, MIB / 4));
	close(fd);
	close(q);
	CHECK_EQ(used_bytes(), 0);
	return 0;
}

TEST(used_up_by_a_reserved_region)
{
	run_as_with_quota(2030, MIB / 2, by_reserving);
}

static int by_writing(void *arg)
{
	static char buf[MIB];
	int fd = region(4 * MIB), p[2];

	(void)arg;
	CHECK_EQ(pwrite(fd, buf, MIB / 4, 0), MIB / 4);
	CHECK_SYS_ERR(pwrite(fd, buf, MIB / 2, 2 * MIB), EDQUOT);
	CHECK_SYS_ERR(fallocate(fd, 0, 2 * MIB, MIB / 2), EDQUOT);
	CHECK_SYS_ERR(fallocate(fd, 0, 0, 4 * MIB), EDQUOT);
	CHECK_EQ(region_stat(fd).allocated, MIB / 4);
	CHECK_EQ(object_stat(fd).charged / PAGE, MIB / 4 / PAGE);
	CHECK_SYS(fallocate(fd, 0, MIB, MIB / 8));
	CHECK_EQ(region_stat(fd).allocated, MIB / 4 + MIB / 8);
	/* splicing is writing */
	CHECK_SYS(pipe(p));
	CHECK_EQ(write(p[1], buf, 65536), 65536);
	CHECK_SYS(fallocate(fd, 0, 2 * MIB, MIB / 16));
	CHECK_SYS(lseek(fd, 3 * MIB, SEEK_SET));
	CHECK_SYS_ERR(splice(p[0], NULL, fd, NULL, 65536, 0), EDQUOT);
	CHECK_SYS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4 * MIB));
	CHECK_EQ(region_stat(fd).allocated, 0);
	CHECK_EQ(pwrite(fd, buf, MIB / 4, 3 * MIB), MIB / 4);
	close(fd);
	CHECK_EQ(used_bytes(), 0);
	return 0;
}

TEST(used_up_by_writing_a_region)
{
	run_as_with_quota(2005, MIB / 2, by_writing);
}

/* The largest region there is: its length must not be taken for a negative charge. */
static int by_a_huge_allocation(void *arg)
{
	const size_t huge = 0x7fffffffffffe000;
	struct ipcx_region_create c = { .create = { .size = sizeof(c) }, .len = huge };
	int fds[16], i, fd;

	(void)arg;
	/* so that the sum of what is charged would overflow */
	for (i = 0; i < 16; i++)
		fds[i] = sem(0, 1);
	fd = CHECK_OK(call(device(), IPCX_REGION_CREATE, &c));
	alarm(5);
	CHECK_SYS_ERR(fallocate(fd, 0, 0, huge), EDQUOT);
	CHECK_EQ(region_stat(fd).allocated, 0);
	CHECK_EQ(used_bytes(), 17 * object_stat(fds[0]).charged);
	return 0;
}

TEST(not_escaped_by_a_huge_allocation)
{
	run_as_with_quota(2006, MIB, by_a_huge_allocation);
}

static int works_freely(void *arg)
{
	static char buf[100000];
	int q = queue();

	(void)arg;
	CHECK_OK(ipcx_queue_send(q, buf, sizeof(buf)));
	CHECK_EQ(used_bytes(), object_stat(q).charged);
	return 0;
}

static int uses_everything(void *arg)
{
	static char buf[100000];
	int q = queue();

	while (!ipcx_queue_send(q, buf, sizeof(buf)))
		;
	CHECK_ERR(ipcx_queue_send(q, buf, sizeof(buf)), EDQUOT);
	__atomic_store_n((int *)arg, 1, __ATOMIC_SEQ_CST);
	return hang();
}

TEST(other_users_are_not_affected)
{
	int *ready = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	NEED_ROOT();
	read_text(PARAM, old_quota, sizeof(old_quota));
	write_text(PARAM, "1048576");
	pid = spawn_as(2007, uses_everything, ready);
	wait_until(__atomic_load_n(ready, __ATOMIC_SEQ_CST), TEST_SOON_MS);
	status = wait_child(spawn_as(2008, works_freely, NULL), TEST_SOON_MS);
	restore_quota();
	CHECK(*ready);
	CHECK_EQ(status, 0);
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
}

/* All processes of a user share one quota; the owner of a queue pays for what others send. */
static int *shared_queue;

static int sends_to_anothers_queue(void *arg)
{
	static char buf[50000];

	(void)arg;
	CHECK_OK(ipcx_queue_send(*shared_queue, buf, sizeof(buf)));
	CHECK_EQ(used_bytes(), 0);
	return 0;
}

TEST(the_owner_pays)
{
	uint64_t before;
	int q;

	before = own_account();
	q = queue();
	shared_queue = &q;
	CHECK_EXITS(spawn_as(2009, sends_to_anothers_queue, NULL), 0);
	CHECK_GE(object_stat(q).charged, 50000);
	CHECK_EQ(used_bytes(), before + object_stat(q).charged);
	close(q);
	CHECK_EQ(used_bytes(), before);
}

/* Root has CAP_SYS_RESOURCE: charged, and not limited. */
TEST(cap_sys_resource_is_not_limited)
{
	static char buf[100000];
	int q, i, fd, ret = 0;
	uint64_t used;

	NEED_ROOT();
	read_text(PARAM, old_quota, sizeof(old_quota));
	write_text(PARAM, "65536");
	q = ipcx_queue_create(NULL, NULL, NULL);
	for (i = 0; i < 20 && !ret; i++)
		ret = ipcx_queue_send(q, buf, sizeof(buf));
	fd = ipcx_region_create(NULL, MIB, NULL);
	if (!ret && pwrite(fd, buf, sizeof(buf), 0) < 0)
		ret = -errno;
	used = used_bytes();
	restore_quota();
	CHECK_OK(ret);
	CHECK_GE(used, 20 * sizeof(buf));
}

static int lowered_below_use(void *arg)
{
	char buf[100];
	int q = queue();

	(void)arg;
	CHECK_OK(ipcx_queue_send(q, buf, 1));
	CHECK_ERR(ipcx_queue_send(q, old_quota, 5000), EDQUOT);
	/* what is there can still be had */
	CHECK_EQ(ipcx_queue_recv(q, buf, sizeof(buf)), 1);
	return 0;
}

TEST(a_tiny_quota)
{
	run_as_with_quota(2010, 3000, lowered_below_use);
}

static int unlimited_works(void *arg)
{
	char *p = map(region(MIB), MIB, PROT_READ | PROT_WRITE);

	(void)arg;
	*p = 1;
	CHECK_OK(ipcx_queue_send(queue(), "x", 1));
	return 0;
}

TEST(the_largest_quota)
{
	run_as_with_quota(2011, ULONG_MAX, unlimited_works);
}

#define SEMS		100
#define HOLDERS		150

static int sems[SEMS], told[2];

/* Holds a unit of each, and tells what came of it. */
static int holds_all(void *arg)
{
	int i, ret = 0;

	(void)arg;
	for (i = 0; i < SEMS && !ret; i++)
		ret = ipcx_sem_trywait(sems[i], 1);
	CHECK_EQ(write(told[1], &ret, sizeof(ret)), sizeof(ret));
	return hang();
}

static int by_accounts(void *arg)
{
	struct ipcx_options options = { .flags = IPCX_SEM_ROBUST };
	pid_t pid[HOLDERS];
	uint64_t before;
	int i, ret = 0;

	(void)arg;
	CHECK_SYS(pipe(told));
	for (i = 0; i < SEMS; i++)
		sems[i] = CHECK_OK(ipcx_sem_create(NULL, HOLDERS, HOLDERS, &options));
	before = used_bytes();
	for (i = 0; i < HOLDERS && !ret; i++) {
		pid[i] = spawn(holds_all, NULL);
		CHECK_EQ(read(told[0], &ret, sizeof(ret)), sizeof(ret));
	}
	CHECK_EQ(ret, -EDQUOT);
	CHECK_GT(i, 10);
	CHECK_GT(used_bytes(), before);
	CHECK_LE(used_bytes(), quota());
	while (i--) {
		kill(pid[i], SIGKILL);
		CHECK_KILLED_BY(pid[i], SIGKILL);
	}
	CHECK_EQ(used_bytes(), before);
	CHECK_OK(ipcx_sem_trywait(sems[0], HOLDERS));
	for (i = 0; i < SEMS; i++)
		close(sems[i]);
	CHECK_EQ(used_bytes(), 0);
	return 0;
}

/* What is kept for each process that holds something of each object: neither number is limited by itself. */
TEST(used_up_by_holders)
{
	run_as_with_quota(2012, MIB, by_accounts);
}
