// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping and sealing, on a memfd in a region's place: both are shmem files, and the
 * library's part is the same.  If this fails, a region is mapped with another length or
 * protection than asked for, or an error is lost.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "fake-device.h"

#define LEN	(3 * 4096)

static struct ipcx_region_stat answer = { .size = sizeof(answer), .len = LEN };

/* A file of @LEN bytes of which the faked IPCX_REGION_STAT says so. */
static int region(void)
{
	int fd = (int)CHECK_SYS(memfd_create("region", MFD_CLOEXEC | MFD_ALLOW_SEALING));

	CHECK_SYS(ftruncate(fd, LEN));
	fake.out = &answer;
	fake.out_len = sizeof(answer);
	return fd;
}

/* Can a byte be written there?  The kernel tries it, which costs no signal. */
static bool writable(void *addr)
{
	int zero = (int)CHECK_SYS(open("/dev/zero", O_RDONLY | O_CLOEXEC));
	long ret = syscall(SYS_read, zero, addr, 1);

	CHECK(ret == 1 || errno == EFAULT);
	close(zero);
	return ret == 1;
}

TEST(map_is_whole_and_shared)
{
	struct ipcx_region_stat want = { .size = sizeof(want) };
	int fd = region();
	void *one, *two;
	size_t len;

	errno = ENXIO;
	CHECK_EQ(ipcx_region_map(fd, PROT_READ | PROT_WRITE, &one, &len), 0);
	CHECK_COMMAND(IPCX_REGION_STAT, fd, want);
	CHECK_EQ(len, LEN);
	CHECK_EQ(ipcx_region_map(fd, PROT_READ, &two, NULL), 0);
	memset(one, 'x', LEN);
	CHECK_MEM(two, one, LEN);
	CHECK_EQ(ipcx_region_unmap(one, LEN), 0);
	CHECK_EQ(ipcx_region_unmap(two, LEN), 0);
	CHECK_EQ(errno, ENXIO);
}

TEST(map_has_the_protection_asked_for)
{
	int fd = region();
	void *addr;

	CHECK_OK(ipcx_region_map(fd, PROT_READ, &addr, NULL));
	CHECK(!writable(addr));
	CHECK_OK(ipcx_region_map(fd, PROT_READ | PROT_WRITE, &addr, NULL));
	CHECK(writable(addr));
}

TEST(unmap_unmaps)
{
	int fd = region();
	void *addr;

	CHECK_OK(ipcx_region_map(fd, PROT_READ | PROT_WRITE, &addr, NULL));
	CHECK(writable((char *)addr + LEN - 1));
	CHECK_OK(ipcx_region_unmap(addr, LEN));
	CHECK(!writable(addr));
	CHECK(!writable((char *)addr + LEN - 1));
}

TEST(map_of_something_else_fails)
{
	void *addr = &addr;
	size_t len = 1;

	fake.ret = -1;
	fake.error = ENOTTY;
	errno = ENXIO;
	CHECK_ERR(ipcx_region_map(FAKE_FD, PROT_READ, &addr, &len), ENOTTY);
	CHECK_EQ(errno, ENXIO);
	CHECK(addr == &addr);
	CHECK_EQ(len, 1);
}

TEST(map_without_the_right_fails)
{
	char path[64];
	void *addr = &addr;
	size_t len = 1;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", region());
	fd = (int)CHECK_SYS(open(path, O_RDONLY | O_CLOEXEC));
	errno = ENXIO;
	CHECK_ERR(ipcx_region_map(fd, PROT_READ | PROT_WRITE, &addr, &len), EACCES);
	CHECK_EQ(errno, ENXIO);
	CHECK(addr == &addr);
	CHECK_EQ(len, 1);
}

TEST(unmap_reports_errors)
{
	errno = ENXIO;
	CHECK_ERR(ipcx_region_unmap((void *)1, 4096), EINVAL);
	CHECK_EQ(errno, ENXIO);
}

TEST(seal_seals)
{
	int fd = region();
	void *addr;

	errno = ENXIO;
	CHECK_EQ(ipcx_region_seal(fd, F_SEAL_WRITE), 0);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_WRITE);
	CHECK_ERR(ipcx_region_map(fd, PROT_READ | PROT_WRITE, &addr, NULL), EPERM);
	CHECK_EQ(ipcx_region_seal(fd, F_SEAL_SEAL), 0);
	CHECK_ERR(ipcx_region_seal(fd, F_SEAL_WRITE), EPERM);
	CHECK_EQ(errno, ENXIO);
}

TEST(seal_while_mapped_for_writing_fails)
{
	int fd = region();
	void *addr;

	CHECK_OK(ipcx_region_map(fd, PROT_READ | PROT_WRITE, &addr, NULL));
	errno = ENXIO;
	CHECK_ERR(ipcx_region_seal(fd, F_SEAL_WRITE), EBUSY);
	CHECK_EQ(errno, ENXIO);
	CHECK_OK(ipcx_region_seal(fd, F_SEAL_FUTURE_WRITE));
}

TEST(region_stat_returns_what_the_module_says)
{
	struct ipcx_region_stat want = { .size = sizeof(want) };
	struct ipcx_region_stat out, got;

	memset(&out, 0x5a, sizeof(out));
	fake.out = &out;
	fake.out_len = sizeof(out);
	POISON(got);
	CHECK_OK(ipcx_region_stat(FAKE_FD, &got));
	CHECK_COMMAND(IPCX_REGION_STAT, FAKE_FD, want);
	CHECK_MEM(&got, &out, sizeof(out));
}
