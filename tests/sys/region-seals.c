// SPDX-License-Identifier: GPL-2.0
/*
 * Seals: what a receiver relies on when it must not see a region change.
 */
#include "object.h"

#define RW	(PROT_READ | PROT_WRITE)
#define ALWAYS	(F_SEAL_GROW | F_SEAL_SHRINK)

TEST(growing_and_shrinking_are_sealed_from_the_start)
{
	int fd = region(PAGE);

	CHECK_EQ(fcntl(fd, F_GET_SEALS), ALWAYS);
	CHECK_OK(ipcx_region_seal(fd, F_SEAL_GROW | F_SEAL_SHRINK));
	CHECK_EQ(fcntl(fd, F_GET_SEALS), ALWAYS);
}

TEST(write)
{
	int fd = region(2 * PAGE), other = CHECK_OK(ipcx_restrict(fd, IPCX_READ | IPCX_WRITE));
	char *p = map(fd, PAGE, RW), *r;

	*p = 'w';
	CHECK_ERR(ipcx_region_seal(fd, F_SEAL_WRITE), EBUSY);
	CHECK_EQ(region_stat(fd).seals, ALWAYS);
	CHECK_SYS(munmap(p, PAGE));
	/* mappings for reading do not matter */
	r = map(CHECK_OK(ipcx_restrict(fd, IPCX_READ)), PAGE, PROT_READ);
	CHECK_OK(ipcx_region_seal(fd, F_SEAL_WRITE));
	CHECK_EQ(region_stat(other).seals, ALWAYS | F_SEAL_WRITE);
	CHECK_EQ(*r, 'w');
	CHECK(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, EPERM);
	CHECK(mmap(NULL, PAGE, RW, MAP_SHARED, other, 0) == MAP_FAILED);
	CHECK_EQ(errno, EPERM);
	CHECK_SYS_ERR(pwrite(other, "x", 1, 0), EPERM);
	CHECK_SYS_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), EPERM);
	CHECK_SYS_ERR(mprotect(r, PAGE, RW), EACCES);
	CHECK_EQ(*r, 'w');
}

TEST(future_write)
{
	int fd = region(PAGE);
	char *p = map(fd, PAGE, RW), *r;

	CHECK_OK(ipcx_region_seal(fd, F_SEAL_FUTURE_WRITE));
	CHECK_EQ(region_stat(fd).seals, ALWAYS | F_SEAL_FUTURE_WRITE);
	/* who has a mapping goes on writing, and nobody else does */
	*p = 'f';
	r = map(fd, PAGE, PROT_READ);
	CHECK_EQ(*r, 'f');
	CHECK_SYS_ERR(mprotect(r, PAGE, RW), EACCES);
	CHECK(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, EPERM);
	CHECK_SYS_ERR(pwrite(fd, "x", 1, 0), EPERM);
}

TEST(seal)
{
	int fd = region(PAGE);

	CHECK_OK(ipcx_region_seal(fd, F_SEAL_SEAL));
	CHECK_EQ(region_stat(fd).seals, ALWAYS | F_SEAL_SEAL);
	CHECK_ERR(ipcx_region_seal(fd, F_SEAL_WRITE), EPERM);
	CHECK_ERR(ipcx_region_seal(fd, F_SEAL_SEAL), EPERM);
	CHECK_EQ(pwrite(fd, "x", 1, 0), 1);
	CHECK_EQ(region_stat(fd).seals, ALWAYS | F_SEAL_SEAL);
}

TEST(several_at_once)
{
	int fd = region(PAGE);

	CHECK_OK(ipcx_region_seal(fd, F_SEAL_WRITE | F_SEAL_SEAL));
	CHECK_EQ(region_stat(fd).seals, ALWAYS | F_SEAL_WRITE | F_SEAL_SEAL);
}

TEST(unknown_seals)
{
	int fd = region(PAGE);

	CHECK_ERR(ipcx_region_seal(fd, 1u << 30), EINVAL);
	CHECK_EQ(region_stat(fd).seals, ALWAYS);
}

TEST(seals_belong_to_the_object)
{
	int fd, other;

	own_names();
	fd = CHECK_OK(ipcx_region_create("sealed", PAGE, NULL));
	other = CHECK_OK(ipcx_open("sealed", 0, 0, 0));
	CHECK_OK(ipcx_region_seal(fd, F_SEAL_WRITE));
	close(fd);
	CHECK_SYS_ERR(pwrite(other, "x", 1, 0), EPERM);
	close(other);
	other = CHECK_OK(ipcx_open("sealed", 0, 0, 0));
	CHECK_SYS_ERR(pwrite(other, "x", 1, 0), EPERM);
}
