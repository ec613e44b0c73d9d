// SPDX-License-Identifier: GPL-2.0
/*
 * Temporary names go with their last user.  Were it broken, a crashed program would leave its objects, or a
 * name would vanish, or lead to freed memory, while somebody uses the object.
 */
#include "object.h"

static const struct ipcx_options temporary = { .flags = IPCX_CREATE_TEMPORARY, .mode = 0600 };

static int open_any(const char *name)
{
	return ipcx_open(name, IPCX_KIND_ANY, 0, 0);
}

TEST(goes_with_the_last_descriptor)
{
	uint64_t before;
	int fd, other;

	own_names();
	before = own_account();
	fd = CHECK_OK(ipcx_sem_create("t", 1, 1, &temporary));
	CHECK_EQ(object_stat(fd).state, IPCX_OBJECT_NAMED | IPCX_OBJECT_TEMPORARY);
	other = CHECK_OK(open_any("t"));
	close(fd);
	fd = CHECK_OK(open_any("t"));
	close(other);
	close(fd);
	CHECK_ERR(open_any("t"), ENOENT);
	CHECK_EQ(used_bytes(), before);
}

TEST(dup_counts_as_a_descriptor)
{
	int fd, other;

	own_names();
	fd = CHECK_OK(ipcx_queue_create("t", NULL, &temporary));
	other = dup(fd);
	close(fd);
	close(CHECK_OK(open_any("t")));
	close(other);
	CHECK_ERR(open_any("t"), ENOENT);
}

TEST(goes_with_the_last_mapping)
{
	void *p;
	int fd;

	own_names();
	fd = CHECK_OK(ipcx_region_create("t", PAGE, &temporary));
	p = map(fd, PAGE, PROT_READ | PROT_WRITE);
	strcpy(p, "here");
	close(fd);
	fd = CHECK_OK(open_any("t"));
	CHECK_STR(map(fd, PAGE, PROT_READ), "here");
	close(fd);
	CHECK_SYS(munmap(p, PAGE));
	/* the second mapping is left */
	close(CHECK_OK(open_any("t")));
}

static int maps_and_exits(void *arg)
{
	int fd = CHECK_OK(ipcx_region_create("t", PAGE, &temporary));

	(void)arg;
	memset(map(fd, PAGE, PROT_READ | PROT_WRITE), 1, PAGE);
	close(fd);
	CHECK_OK(open_any("t"));
	return 0;
}

TEST(goes_when_the_process_ends)
{
	uint64_t before;

	own_names();
	before = own_account();
	CHECK_EXITS(spawn(maps_and_exits, NULL), 0);
	CHECK_ERR(open_any("t"), ENOENT);
	CHECK_EQ(used_bytes(), before);
}

static int holds_until_killed(void *arg)
{
	int *ready = arg;

	CHECK_OK(ipcx_queue_create("t", NULL, &temporary));
	__atomic_store_n(ready, 1, __ATOMIC_SEQ_CST);
	return hang();
}

TEST(goes_when_the_process_is_killed)
{
	int *ready = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	own_names();
	pid = spawn(holds_until_killed, ready);
	CHECK_SOON(__atomic_load_n(ready, __ATOMIC_SEQ_CST));
	close(CHECK_OK(open_any("t")));
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_ERR(open_any("t"), ENOENT);
}

TEST(unlinked_and_made_again)
{
	int fd, other;

	own_names();
	fd = CHECK_OK(ipcx_sem_create("t", 1, 1, &temporary));
	CHECK_OK(ipcx_unlink("t"));
	CHECK_EQ(object_stat(fd).state, IPCX_OBJECT_TEMPORARY);
	other = CHECK_OK(ipcx_sem_create("t", 0, 1, &temporary));
	/* the end of the first does not take the name of the second */
	close(fd);
	CHECK_EQ(object_stat(CHECK_OK(open_any("t"))).id, object_stat(other).id);
}

/* Open or create and close one name, on two processors; everybody always gets a living object or no name. */
#define ROUNDS 1500

static int *makers_done;

static int make_and_close(void *arg)
{
	int i, fd;

	(void)arg;
	for (i = 0; i < ROUNDS; i++) {
		fd = CHECK_OK(ipcx_sem_create("t", 7, 7, &temporary));
		CHECK_EQ(sem_stat(fd).count, 7);
		close(fd);
	}
	__atomic_add_fetch(makers_done, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static int look_up(void *arg)
{
	struct ipcx_list_entry e;
	int fd, found = 0, missed = 0;

	(void)arg;
	while (__atomic_load_n(makers_done, __ATOMIC_SEQ_CST) < 2) {
		fd = open_any("t");
		if (fd >= 0) {
			found++;
			CHECK_EQ(sem_stat(fd).count, 7);
			close(fd);
		} else {
			missed++;
			CHECK_EQ(fd, -ENOENT);
		}
		CHECK_GE(ipcx_list(NULL, &e, 1), 0);
	}
	NOTE("found %d times, missed %d times", found, missed);
	return 0;
}

TEST(look_up_races_with_the_last_close)
{
	pid_t pid[3];
	uint64_t before;

	own_names();
	before = own_account();
	makers_done = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid[0] = spawn(make_and_close, NULL);
	pid[1] = spawn(make_and_close, NULL);
	pid[2] = spawn(look_up, NULL);
	CHECK_EXITS(pid[0], 0);
	CHECK_EXITS(pid[1], 0);
	CHECK_EXITS(pid[2], 0);
	CHECK_ERR(open_any("t"), ENOENT);
	CHECK_EQ(used_bytes(), before);
}
