// SPDX-License-Identifier: GPL-2.0
/*
 * Regions as memory: zeroed, of the size asked for, shared by whoever maps them, allocated when touched.
 */
#include "object.h"

#include <linux/futex.h>
#include <sys/sendfile.h>

#define RW	(PROT_READ | PROT_WRITE)

TEST(zero_filled_and_rounded_up_to_pages)
{
	static const struct {
		size_t asked, got;
	} sizes[] = { { 1, PAGE }, { PAGE - 1, PAGE }, { PAGE, PAGE }, { PAGE + 1, 2 * PAGE },
		      { 100000, 25 * PAGE } };
	size_t i, j, len;
	void *p;
	int fd;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct stat st;

		fd = region(sizes[i].asked);
		CHECK_EQ(region_stat(fd).len, sizes[i].got);
		CHECK_SYS(fstat(fd, &st));
		CHECK_EQ(st.st_size, sizes[i].got);
		CHECK_OK(ipcx_region_map(fd, RW, &p, &len));
		CHECK_EQ(len, sizes[i].got);
		for (j = 0; j < len; j++)
			CHECK_EQ(((char *)p)[j], 0);
		memset(p, 0xff, len);
		CHECK_OK(ipcx_region_unmap(p, len));
		close(fd);
	}
}

TEST(sizes_that_are_refused)
{
	struct ipcx_region_create c = { .create = { .size = sizeof(c) } };
	int dev = device();

	CHECK_ERR(call(dev, IPCX_REGION_CREATE, &c), EINVAL);
	c.len = 1ull << 63;
	CHECK_ERR(call(dev, IPCX_REGION_CREATE, &c), EINVAL);
	c.len = ~0ull;
	CHECK_ERR(call(dev, IPCX_REGION_CREATE, &c), EINVAL);
	c.len = ~0ull - PAGE + 2;
	CHECK_ERR(call(dev, IPCX_REGION_CREATE, &c), EINVAL);
}

TEST(size_is_fixed)
{
	int fd = region(2 * PAGE);

	CHECK_SYS_ERR(ftruncate(fd, PAGE), EPERM);
	CHECK_SYS_ERR(ftruncate(fd, 3 * PAGE), EPERM);
	CHECK_SYS_ERR(fallocate(fd, 0, 0, 3 * PAGE), EPERM);
	CHECK_SYS_ERR(pwrite(fd, "x", 1, 2 * PAGE), EPERM);
	CHECK_EQ(region_stat(fd).len, 2 * PAGE);
	CHECK_EQ(region_stat(fd).seals, F_SEAL_GROW | F_SEAL_SHRINK);
}

TEST(one_gib_costs_nothing_until_touched)
{
	const size_t gib = 1ul << 30;
	int fd = region(gib);
	char *p = map(fd, gib, RW);

	CHECK_EQ(region_stat(fd).len, gib);
	CHECK_EQ(region_stat(fd).allocated, 0);
	CHECK_LE(object_stat(fd).charged, PAGE);
	p[0] = 1;
	p[gib - 1] = 1;
	p[gib / 2] = 1;
	CHECK_EQ(region_stat(fd).allocated, 3 * PAGE);
	CHECK_EQ(p[gib / 2 + 1], 0);
}

TEST(allocated_and_charged_follow_use)
{
	int fd = region(64 * PAGE);
	uint64_t empty = object_stat(fd).charged;
	char *p = map(fd, 64 * PAGE, RW);

	memset(p, 1, 16 * PAGE);
	CHECK_EQ(region_stat(fd).allocated, 16 * PAGE);
	CHECK_EQ(object_stat(fd).charged, empty + 16 * PAGE);
	CHECK_EQ(pwrite(fd, "x", 1, 20 * PAGE), 1);
	CHECK_EQ(object_stat(fd).charged, empty + 17 * PAGE);
	CHECK_SYS(fallocate(fd, 0, 30 * PAGE, 2 * PAGE));
	CHECK_EQ(object_stat(fd).charged, empty + 19 * PAGE);
	/* giving back, in each way that there is */
	CHECK_SYS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4 * PAGE));
	CHECK_EQ(object_stat(fd).charged, empty + 15 * PAGE);
	CHECK_SYS(madvise(p + 4 * PAGE, 4 * PAGE, MADV_REMOVE));
	CHECK_EQ(region_stat(fd).allocated, 11 * PAGE);
	CHECK_EQ(object_stat(fd).charged, empty + 11 * PAGE);
	CHECK_EQ(p[0], 0);
	CHECK_EQ(p[7 * PAGE], 0);
	CHECK_EQ(p[8 * PAGE], 1);
	/* MADV_DONTNEED and unmapping do not */
	CHECK_SYS(madvise(p + 8 * PAGE, PAGE, MADV_DONTNEED));
	CHECK_EQ(p[8 * PAGE], 1);
	CHECK_SYS(munmap(p, 64 * PAGE));
	CHECK_GE(region_stat(fd).allocated, 10 * PAGE);
	p = map(fd, 64 * PAGE, PROT_READ);
	CHECK_EQ(p[8 * PAGE], 1);
	CHECK_EQ(p[20 * PAGE], 'x');
}

static int child_writes(void *arg)
{
	char *p = arg;

	CHECK_STR(p, "from the parent");
	strcpy(p, "from the child");
	return 0;
}

TEST(shared_with_children)
{
	char *p = map(region(PAGE), PAGE, RW);

	strcpy(p, "from the parent");
	CHECK_EXITS(spawn(child_writes, p), 0);
	CHECK_STR(p, "from the child");
}

static int opens_and_maps(void *arg)
{
	struct ipcx_options o = { .rights = IPCX_READ };
	int fd = CHECK_OK(ipcx_region_create("shared", 1, &o));
	char *p = map(fd, PAGE, PROT_READ);

	CHECK_STR(p, "named");
	CHECK_NE((uintptr_t)p, (uintptr_t)arg);
	return 0;
}

TEST(shared_by_name)
{
	char *p;

	own_names();
	p = map(CHECK_OK(ipcx_region_create("shared", PAGE, NULL)), PAGE, RW);
	strcpy(p, "named");
	CHECK_EXITS(spawn(opens_and_maps, p), 0);
}

TEST(two_mappings_of_one_region_are_one_memory)
{
	int fd = region(2 * PAGE);
	char *a = map(fd, 2 * PAGE, RW), *b = map(CHECK_OK(ipcx_restrict(fd, IPCX_READ)), 2 * PAGE, PROT_READ);
	char *c = mmap(NULL, PAGE, RW, MAP_SHARED, fd, PAGE);

	a[PAGE + 5] = 'z';
	CHECK_EQ(b[PAGE + 5], 'z');
	CHECK_EQ(c[5], 'z');
}

/* What a program that was executed finds of its predecessor's descriptor. */
TEST(survives_exec_when_told_to)
{
	int fd = region(PAGE), out[2], status;
	char *p = map(fd, PAGE, RW), text[16], self[64], buf[8] = "";
	pid_t pid;

	strcpy(p, "passed on");
	CHECK_SYS(pipe(out));
	fflush(NULL);
	snprintf(self, sizeof(self), "/proc/%d/exe", getpid());
	pid = CHECK_SYS(fork());
	if (!pid) {
		snprintf(text, sizeof(text), "%d", fd);
		setenv("IPCX_TEST_REGION", text, 1);
		fcntl(fd, F_SETFD, 0);
		dup2(out[1], STDOUT_FILENO);
		execl(self, "regions", "reads_after_exec", NULL);
		_exit(99);
	}
	close(out[1]);
	CHECK_GT(read(out[0], buf, 1), 0);
	while (read(out[0], text, sizeof(text)) > 0)
		;
	status = wait_child(pid, TEST_SOON_MS);
	CHECK_EQ(status, 0);
	CHECK_STR(p, "and back");
}

/* Run by the case above; by itself it has nothing to do. */
TEST(reads_after_exec)
{
	const char *fd = getenv("IPCX_TEST_REGION");
	char *p;

	if (!fd)
		return;
	p = map(atoi(fd), PAGE, RW);
	CHECK_STR(p, "passed on");
	strcpy(p, "and back");
}

TEST(file_calls)
{
	int fd = region(4 * PAGE), p[2], out;
	char buf[16] = "", big[5000];
	off_t off = 1000;

	CHECK_EQ(pwrite(fd, "hello", 5, 1000), 5);
	CHECK_EQ(pread(fd, buf, 16, 1000), 16);
	CHECK_STR(buf, "hello");
	CHECK_EQ(lseek(fd, 0, SEEK_END), 4 * PAGE);
	CHECK_EQ(read(fd, buf, 1), 0);
	CHECK_EQ(lseek(fd, 1001, SEEK_SET), 1001);
	CHECK_EQ(write(fd, "E", 1), 1);
	CHECK_EQ(read(fd, buf, 3), 3);
	CHECK_MEM(buf, "llo", 3);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), PAGE);
	CHECK_EQ(lseek(fd, PAGE, SEEK_SET), PAGE);
	CHECK_SYS_ERR(lseek(fd, PAGE, SEEK_DATA), ENXIO);

	CHECK_SYS(pipe(p));
	CHECK_EQ(sendfile(p[1], fd, &off, 5), 5);
	CHECK_EQ(read(p[0], buf, 16), 5);
	CHECK_MEM(buf, "hEllo", 5);
	/* and into a region */
	memset(big, 'b', sizeof(big));
	out = region(4 * PAGE);
	CHECK_EQ(pwrite(fd, big, sizeof(big), PAGE), sizeof(big));
	off = PAGE;
	CHECK_EQ(sendfile(out, fd, &off, sizeof(big)), sizeof(big));
	memset(big, 0, sizeof(big));
	CHECK_EQ(pread(out, big, sizeof(big), 0), sizeof(big));
	CHECK_EQ(big[0], 'b');
	CHECK_EQ(big[sizeof(big) - 1], 'b');
}

TEST(poll_is_not_for_regions)
{
	CHECK_EQ(poll_events(region(1)), POLLIN | POLLOUT);
}

TEST(shutdown_is_not_for_regions)
{
	int fd = region(1);

	CHECK_ERR(ipcx_shutdown(fd, IPCX_SHUT_SEND), EOPNOTSUPP);
	CHECK_ERR(ipcx_shutdown(fd, IPCX_SHUT_RECV), EOPNOTSUPP);
	CHECK_EQ(object_stat(fd).state, 0);
}

TEST(mapping_part_and_beyond)
{
	int fd = region(2 * PAGE);
	char *p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, PAGE);

	CHECK(p != MAP_FAILED);
	*p = 'p';
	p = map(fd, 4 * PAGE, RW);
	CHECK_EQ(p[PAGE], 'p');
	CHECK_EQ(touch_signal(p + 2 * PAGE - 1, true), 0);
	CHECK_EQ(touch_signal(p + 2 * PAGE, true), SIGBUS);
	CHECK_EQ(touch_signal(p + 3 * PAGE, false), SIGBUS);
	CHECK_EQ(region_stat(fd).allocated, PAGE);
}

static long futex(uint32_t *word, int op, uint32_t val, const struct timespec *ts)
{
	return syscall(SYS_futex, word, op, val, ts, NULL, 0);
}

static int waits_on_futex(void *arg)
{
	struct timespec ts = { TEST_SOON_MS / 1000, 0 };
	uint32_t *word = map((int)(long)arg, PAGE, RW);

	while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == 7)
		if (futex(word, FUTEX_WAIT, 7, &ts) && errno == ETIMEDOUT)
			return 1;
	return 0;
}

TEST(futex_works_between_processes)
{
	int fd = region(PAGE);
	uint32_t *word = map(fd, PAGE, RW);
	pid_t pid;

	*word = 7;
	pid = spawn(waits_on_futex, (void *)(long)fd);
	CHECK_SOON(task_is_blocked_in(pid, SYS_futex));
	__atomic_store_n(word, 8, __ATOMIC_SEQ_CST);
	CHECK_EQ(futex(word, FUTEX_WAKE, 1, NULL), 1);
	CHECK_EXITS(pid, 0);
}

static int sleeps(void *arg)
{
	(void)arg;
	return hang();
}

TEST(process_vm_readv_reads_it)
{
	char *p = map(region(PAGE), PAGE, RW), buf[16] = "";
	struct iovec local = { buf, 5 }, remote = { p, 5 };
	pid_t pid;

	strcpy(p, "other");
	pid = spawn(sleeps, NULL);
	CHECK_EQ(process_vm_readv(pid, &local, 1, &remote, 1, 0), 5);
	CHECK_STR(buf, "other");
	local.iov_base = "wrote";
	CHECK_EQ(process_vm_writev(pid, &local, 1, &remote, 1, 0), 5);
	CHECK_STR(p, "wrote");
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
}

TEST(advice_and_locking)
{
	int fd = region(16 * PAGE);
	char *p = map(fd, 16 * PAGE, RW);
	unsigned char vec[16];

	CHECK_SYS(madvise(p, 16 * PAGE, MADV_WILLNEED));
	CHECK_SYS(madvise(p, 16 * PAGE, MADV_RANDOM));
	CHECK_SYS(madvise(p, 16 * PAGE, MADV_DONTFORK));
	CHECK_SYS(madvise(p, 16 * PAGE, MADV_DOFORK));
	CHECK_SYS(madvise(p, PAGE, 22 /* MADV_POPULATE_READ */));
	CHECK_SYS(madvise(p + PAGE, PAGE, 23 /* MADV_POPULATE_WRITE */));
	CHECK_EQ(region_stat(fd).allocated, 2 * PAGE);
	CHECK_SYS(mlock(p, 4 * PAGE));
	CHECK_EQ(region_stat(fd).allocated, 4 * PAGE);
	CHECK_SYS(mincore(p, 16 * PAGE, vec));
	CHECK_EQ(vec[0] & vec[3] & 1, 1);
	CHECK_EQ(vec[15] & 1, 0);
	CHECK_SYS(msync(p, 16 * PAGE, MS_SYNC));
	/* splitting and merging of mappings */
	CHECK_SYS(munmap(p + 4 * PAGE, 4 * PAGE));
	CHECK_SYS(mprotect(p, PAGE, PROT_READ));
	CHECK(mremap(p + PAGE, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 4 * PAGE) !=
	      MAP_FAILED);
	p[4 * PAGE] = 1;
	CHECK_EQ(region_stat(fd).allocated, 4 * PAGE);
}

static int just_ends(void *arg)
{
	(void)arg;
	return 0;
}

TEST(many_mappings_in_children)
{
	int i, fd = region(16 * PAGE);
	pid_t pid[16];
	char *p;

	for (i = 0; i < 16; i++)
		p = map(fd, 16 * PAGE, RW);
	memset(p, 1, 16 * PAGE);
	for (i = 0; i < 16; i++)
		pid[i] = spawn(just_ends, NULL);
	for (i = 0; i < 16; i++)
		CHECK_EXITS(pid[i], 0);
	CHECK_EQ(object_stat(fd).users, 1);
}

/* Threads fault the same pages in, others punch them out: the account is right at the end. */
static char *shared_pages;
static int shared_fd;

static int touches(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 3000; i++)
		__atomic_store_n(shared_pages + i * 7 % 64 * PAGE, i, __ATOMIC_RELAXED);
	return 0;
}

static int punches(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 300; i++)
		CHECK_SYS(fallocate(shared_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    i * 5 % 64 * PAGE, 4 * PAGE));
	return 0;
}

static int maps_and_unmaps(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 300; i++) {
		char *p = map(shared_fd, 64 * PAGE, RW);

		p[i % 64 * PAGE] = 1;
		CHECK_SYS(munmap(p, 64 * PAGE));
	}
	return 0;
}

TEST(account_is_right_after_races)
{
	uint64_t before = own_account(), empty;
	struct test_thread t[4];
	struct stat st;
	int i;

	shared_fd = region(64 * PAGE);
	empty = object_stat(shared_fd).charged;
	shared_pages = map(shared_fd, 64 * PAGE, RW);
	thread_start(&t[0], touches, NULL);
	thread_start(&t[1], touches, NULL);
	thread_start(&t[2], punches, NULL);
	thread_start(&t[3], maps_and_unmaps, NULL);
	for (i = 0; i < 4; i++)
		CHECK_EQ(thread_join(&t[i]), 0);
	CHECK_SYS(fstat(shared_fd, &st));
	CHECK_EQ(region_stat(shared_fd).allocated, st.st_blocks * 512);
	CHECK_EQ(object_stat(shared_fd).charged, empty + st.st_blocks * 512);
	CHECK_SYS(munmap(shared_pages, 64 * PAGE));
	close(shared_fd);
	CHECK_EQ(used_bytes(), before);
}
