// SPDX-License-Identifier: GPL-2.0
/*
 * Mapped semaphores in regions: by name, between users, beside data.  What they do is tested
 * without the module, in unit/mapped-sem.c; if this fails, they do not do it in a region.
 */
#include "object.h"

#include <ipcx-ring.h>

static int post_100(void *arg)
{
	struct ipcx_msem sem;
	int fd = CHECK_OK(ipcx_open("msem", IPCX_KIND_REGION, 0, 0));

	(void)arg;
	CHECK_EQ(ipcx_msem_attach(&sem, fd), 0);
	close(fd);
	for (int i = 0; i < 100; i++)
		CHECK_EQ(ipcx_msem_post(&sem, 1), 0);
	CHECK_EQ(ipcx_msem_detach(&sem), 0);
	return 0;
}

TEST(two_users_and_a_name)
{
	struct ipcx_options o = { .mode = 0666 };
	struct ipcx_msem sem;
	pid_t pid;
	int fd;

	own_names();
	fd = CHECK_OK(ipcx_msem_create("msem", 3, 200, &o));
	/* the same call opens it, and does not fill it again */
	CHECK_EQ(ipcx_msem_attach(&sem, fd), 0);
	CHECK_EQ(ipcx_msem_wait(&sem, 3, 0, IPCX_FOREVER), 0);
	CHECK_EQ(ipcx_msem_detach(&sem), 0);
	close(fd);
	fd = CHECK_OK(ipcx_msem_create("msem", 3, 200, NULL));
	CHECK_EQ(ipcx_msem_attach(&sem, fd), 0);
	CHECK_EQ(ipcx_msem_value(&sem), 0);
	CHECK_EQ(ipcx_msem_set_spin(&sem, 0), 0);
	pid = spawn_as(TEST_UID_ALICE, post_100, NULL);
	for (int i = 0; i < 50; i++)
		CHECK_EQ(ipcx_msem_wait(&sem, 2, 0, ipcx_after_ms(TEST_SOON_MS)), 0);
	CHECK_EXITS(pid, 0);
	CHECK_EQ(ipcx_msem_value(&sem), 0);
	CHECK_ERR(ipcx_msem_post(&sem, 201), EOVERFLOW);
	CHECK_OK(ipcx_unlink("msem"));
	/* another object of that name is none */
	CHECK_OK(ipcx_ring_create("msem", NULL, NULL));
	CHECK_ERR(ipcx_msem_create("msem", 0, 0, NULL), ENODATA);
	CHECK_OK(ipcx_unlink("msem"));
}

TEST(beside_data)
{
	char *mem = map(region(PAGE), PAGE, PROT_READ | PROT_WRITE);
	struct ipcx_msem sem;
	pid_t pid;

	CHECK_EQ(ipcx_msem_place(&sem, mem + 128, 0, 1), 0);
	pid = CHECK_SYS(fork());
	if (!pid) {
		strcpy(mem, "written first");
		CHECK_EQ(ipcx_msem_post(&sem, 1), 0);
		_exit(0);
	}
	CHECK_EQ(ipcx_msem_wait(&sem, 1, 0, IPCX_FOREVER), 0);
	CHECK_STR(mem, "written first");
	CHECK_EXITS(pid, 0);
}

TEST(the_descriptor_needs_both_rights)
{
	int fd = CHECK_OK(ipcx_msem_create(NULL, 0, 0, NULL));
	struct ipcx_msem sem;

	CHECK_ERR(ipcx_msem_attach(&sem, CHECK_OK(ipcx_restrict(fd, IPCX_READ))), EACCES);
	CHECK_ERR(ipcx_msem_attach(&sem, CHECK_OK(ipcx_restrict(fd, IPCX_WRITE))), EACCES);
	CHECK_EQ(ipcx_msem_attach(&sem, fd), 0);
}
