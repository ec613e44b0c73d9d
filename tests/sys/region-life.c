// SPDX-License-Identifier: GPL-2.0
/*
 * How long a region lives: as long as a descriptor, a mapping or a name refers to it.  Were it broken, memory
 * would vanish under a program, or stay for ever.
 */
#include "object.h"

#define RW	(PROT_READ | PROT_WRITE)

TEST(a_mapping_keeps_it)
{
	uint64_t before = own_account();
	int fd = region(16 * PAGE);
	char *p = map(fd, 16 * PAGE, RW);

	memset(p, 'm', 16 * PAGE);
	close(fd);
	CHECK_GE(used_bytes(), before + 16 * PAGE);
	CHECK_EQ(p[16 * PAGE - 1], 'm');
	/* in parts: the last page counts as much as all */
	CHECK_SYS(munmap(p, 15 * PAGE));
	CHECK_GE(used_bytes(), before + 16 * PAGE);
	CHECK_EQ(p[15 * PAGE], 'm');
	CHECK_SYS(munmap(p + 15 * PAGE, PAGE));
	CHECK_EQ(used_bytes(), before);
}

TEST(a_mapping_counts_as_the_descriptor_it_was_made_from)
{
	int fd = region(PAGE), other = CHECK_OK(ipcx_restrict(fd, IPCX_READ));
	void *p = map(other, PAGE, PROT_READ);

	CHECK_EQ(object_stat(fd).users, 2);
	close(other);
	CHECK_EQ(object_stat(fd).users, 2);
	CHECK_SYS(munmap(p, PAGE));
	CHECK_EQ(object_stat(fd).users, 1);
}

/* A path to it is no descriptor of it: it keeps no memory, which nobody would be charged for. */
TEST(a_path_keeps_nothing)
{
	uint64_t before = own_account();
	int fd = region(16 * PAGE), path;
	struct stat st;
	char name[64];

	CHECK_SYS(fallocate(fd, 0, 0, 16 * PAGE));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	path = CHECK_SYS(open(name, O_PATH | O_CLOEXEC));
	CHECK_SYS(fstat(path, &st));
	CHECK_EQ(st.st_blocks, 16 * PAGE / 512);
	close(fd);
	CHECK_EQ(used_bytes(), before);
	CHECK_SYS(fstat(path, &st));
	CHECK_EQ(st.st_blocks, 0);
}

TEST(a_name_keeps_contents)
{
	uint64_t before;
	void *p;
	int fd;

	own_names();
	before = own_account();
	fd = CHECK_OK(ipcx_region_create("kept", PAGE, NULL));
	p = map(fd, PAGE, RW);
	strcpy(p, "contents");
	CHECK_SYS(munmap(p, PAGE));
	close(fd);
	CHECK_GE(used_bytes(), before + PAGE);
	fd = CHECK_OK(ipcx_open("kept", IPCX_KIND_REGION, IPCX_READ, 0));
	CHECK_STR(map(fd, PAGE, PROT_READ), "contents");
	CHECK_EQ(object_stat(fd).users, 1);
}

TEST(unlink_frees_what_only_the_name_kept)
{
	uint64_t before;
	int fd;

	own_names();
	before = own_account();
	fd = CHECK_OK(ipcx_region_create("kept", 100 * PAGE, NULL));
	CHECK_SYS(fallocate(fd, 0, 0, 100 * PAGE));
	close(fd);
	CHECK_GE(used_bytes(), before + 100 * PAGE);
	CHECK_OK(ipcx_unlink("kept"));
	CHECK_EQ(used_bytes(), before);
}

TEST(a_mapping_is_kept_after_unlink)
{
	char *p;
	int fd;

	own_names();
	fd = CHECK_OK(ipcx_region_create("gone", PAGE, NULL));
	p = map(fd, PAGE, RW);
	close(fd);
	CHECK_OK(ipcx_unlink("gone"));
	strcpy(p, "still here");
	CHECK_STR(p, "still here");
	/* the name is free for another */
	fd = CHECK_OK(ipcx_region_create("gone", PAGE, NULL));
	CHECK_EQ(*(char *)map(fd, PAGE, PROT_READ), 0);
}

static int touches_inherited(void *arg)
{
	char *p = arg;

	p[0] = 'c';
	return 0;
}

static int inherits_and_waits(void *arg)
{
	char *p = arg;

	CHECK_SOON(__atomic_load_n(p, __ATOMIC_SEQ_CST) == 'g');
	p[1] = 'd';
	return 0;
}

TEST(a_childs_mapping_keeps_it)
{
	uint64_t before = own_account();
	int fd = region(PAGE);
	char *p = map(fd, PAGE, RW), *window = map(fd, PAGE, RW);
	pid_t pid;

	CHECK_EXITS(spawn(touches_inherited, p), 0);
	CHECK_EQ(*p, 'c');
	pid = spawn(inherits_and_waits, p);
	CHECK_SYS(munmap(p, PAGE));
	__atomic_store_n(window, 'g', __ATOMIC_SEQ_CST);
	CHECK_SYS(munmap(window, PAGE));
	close(fd);
	CHECK_EXITS(pid, 0);
	CHECK_SOON(used_bytes() == before);
}

/* Contents of a process that was killed are what it had written; the memory of a private region is free. */
static int writes_and_hangs(void *arg)
{
	char *p = arg, *own = map(region(64 * PAGE), 64 * PAGE, RW);

	memset(own, 1, 64 * PAGE);
	__atomic_store_n(p, 'k', __ATOMIC_SEQ_CST);
	return hang();
}

TEST(kill_frees_what_was_only_the_victims)
{
	char *p = map(region(PAGE), PAGE, RW);
	uint64_t before = own_account();
	pid_t pid = spawn(writes_and_hangs, p);

	CHECK_SOON(__atomic_load_n(p, __ATOMIC_SEQ_CST) == 'k');
	CHECK_GE(used_bytes(), before + 64 * PAGE);
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_SOON(used_bytes() == before);
	CHECK_EQ(*p, 'k');
}
