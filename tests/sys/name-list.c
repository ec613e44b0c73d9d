// SPDX-License-Identifier: GPL-2.0
/*
 * LIST: a program that shows or removes names relies on seeing every name once, in order, while others
 * come and go.
 */
#include "object.h"

static void make(const char *name)
{
	close(CHECK_OK(ipcx_sem_create(name, 0, 1, NULL)));
}

TEST(nothing)
{
	struct ipcx_list_entry e;

	own_names();
	POISON(e);
	CHECK_EQ(ipcx_list(NULL, &e, 1), 0);
	CHECK_EQ(ipcx_list("after", &e, 1), 0);
	CHECK_EQ(e.kind, 0xa5a5a5a5);
}

TEST(entries_tell_what_the_object_is)
{
	struct ipcx_options q = { .mode = 0640 }, r = { .mode = 0604, .flags = IPCX_CREATE_TEMPORARY },
			    s = { .mode = 0666, .flags = IPCX_SEM_ROBUST },
			    ev = { .mode = 0600, .flags = IPCX_EVENT_MANUAL };
	static const char zeros[IPCX_NAME_MAX];
	struct ipcx_list_entry e[5];
	int fd[4], i;

	own_names();
	CHECK_SYS(setresgid(-1, TEST_UID_BOB, -1));
	fd[0] = CHECK_OK(ipcx_queue_create("a", NULL, &q));
	fd[1] = CHECK_OK(ipcx_region_create("b", 1, &r));
	fd[2] = CHECK_OK(ipcx_sem_create("c", 0, 1, &s));
	fd[3] = CHECK_OK(ipcx_event_create("d", 0, &ev));
	CHECK_OK(ipcx_shutdown(fd[2], IPCX_SHUT_SEND));
	POISON(e);
	CHECK_EQ(ipcx_list(NULL, e, 5), 4);
	for (i = 0; i < 4; i++) {
		CHECK_EQ(e[i].id, object_stat(fd[i]).id);
		CHECK_EQ(e[i].kind, IPCX_KIND_QUEUE + i);
		CHECK_EQ(e[i].mode, object_stat(fd[i]).mode);
		CHECK_EQ(e[i].uid, 0);
		CHECK_EQ(e[i].gid, TEST_UID_BOB);
		CHECK_EQ(e[i].reserved, 0);
		CHECK_EQ(e[i].name[0], 'a' + i);
		/* no stale bytes behind the name */
		CHECK_MEM(e[i].name + 1, zeros, IPCX_NAME_MAX);
	}
	CHECK_EQ(e[0].mode, 0640);
	CHECK_EQ(e[1].mode, 0604);
	CHECK_EQ(e[2].mode, 0666);
	CHECK_EQ(e[0].flags, IPCX_OBJECT_NAMED);
	CHECK_EQ(e[1].flags, IPCX_OBJECT_NAMED | IPCX_OBJECT_TEMPORARY);
	CHECK_EQ(e[2].flags, IPCX_OBJECT_NAMED | IPCX_OBJECT_ROBUST | IPCX_OBJECT_SHUT_SEND);
	CHECK_EQ(e[3].flags, IPCX_OBJECT_NAMED | IPCX_OBJECT_MANUAL);
	CHECK_EQ(e[4].kind, 0xa5a5a5a5);
}

TEST(order_is_that_of_the_bytes)
{
	static const char *const names[] = { " ", "A", "B", "a", "a ", "aa", "ab", "b", "\200", "\377" };
	static const int order[] = { 3, 9, 0, 5, 1, 8, 2, 7, 4, 6 };
	struct ipcx_list_entry e[10];
	int i;

	own_names();
	for (i = 0; i < 10; i++)
		make(names[order[i]]);
	CHECK_EQ(ipcx_list(NULL, e, 10), 10);
	for (i = 0; i < 10; i++)
		CHECK_STR(e[i].name, names[i]);
}

/* Pages of every size see every name once: also sizes around the number copied at a time. */
TEST(paging)
{
	struct ipcx_list_entry *e = calloc(200, sizeof(*e));
	int i, page, ret;

	own_names();
	for (i = 0; i < 100; i++) {
		char name[8];

		snprintf(name, sizeof(name), "n%02d", i * 37 % 100);
		make(name);
	}
	for (page = 1; page <= 101; page += page < 34 ? 1 : 33) {
		char after[8] = "";
		int seen = 0;

		while ((ret = CHECK_OK(ipcx_list(*after ? after : NULL, e, page))) > 0) {
			CHECK_LE(ret, page);
			for (i = 0; i < ret; i++)
				CHECK_EQ(atoi(e[i].name + 1), seen++);
			strcpy(after, e[ret - 1].name);
		}
		CHECK_EQ(seen, 100);
	}
}

TEST(after_a_name_that_has_gone)
{
	struct ipcx_list_entry e[4];

	own_names();
	make("a");
	make("b");
	make("c");
	CHECK_EQ(ipcx_list(NULL, e, 2), 2);
	CHECK_OK(ipcx_unlink("b"));
	CHECK_EQ(ipcx_list("b", e, 4), 1);
	CHECK_STR(e[0].name, "c");
	CHECK_EQ(ipcx_list("/b", e, 4), 1);
	CHECK_EQ(ipcx_list("never there", e, 4), 0);
	CHECK_EQ(ipcx_list("aaa", e, 4), 1);
	CHECK_OK(ipcx_unlink("c"));
	CHECK_EQ(ipcx_list("b", e, 4), 0);
}

static int *stop;

static int come_and_go(void *arg)
{
	char name[16];
	int i;

	(void)arg;
	for (i = 0; !__atomic_load_n(stop, __ATOMIC_SEQ_CST); i = (i + 7) % 100) {
		snprintf(name, sizeof(name), "n%02d-gone", i);
		make(name);
		CHECK_OK(ipcx_unlink(name));
	}
	return 0;
}

/* Names that stay are seen once in every listing, whatever comes and goes between them. */
TEST(listing_while_names_come_and_go)
{
	struct ipcx_list_entry *e = calloc(7, sizeof(*e));
	char name[IPCX_NAME_MAX + 1];
	int i, ret, round;
	pid_t pid;

	own_names();
	stop = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%02d", i);
		make(name);
	}
	pid = spawn(come_and_go, NULL);
	for (round = 0; round < 100; round++) {
		int stayed = 0;

		strcpy(name, "a");
		while ((ret = CHECK_OK(ipcx_list(name, e, 7))) > 0) {
			for (i = 0; i < ret; i++) {
				CHECK_GT(strcmp(e[i].name, name), 0);
				strcpy(name, e[i].name);
				if (!strchr(name, '-'))
					CHECK_EQ(atoi(name + 1), stayed++);
			}
		}
		CHECK_EQ(stayed, 100);
	}
	__atomic_store_n(stop, 1, __ATOMIC_SEQ_CST);
	CHECK_EXITS(pid, 0);
}

TEST(one_thing_wrong)
{
	struct ipcx_list_entry e;
	const struct ipcx_list good = { .size = sizeof(good), .entries = (uintptr_t)&e, .nr = 1,
					.entry_size = sizeof(e) };
	struct ipcx_list arg;
	char longname[IPCX_NAME_MAX + 3];
	int dev;

	own_names();
	dev = device();
	make("a");
	arg = good;
	CHECK_EQ(call(dev, IPCX_LIST, &arg), 1);
	arg.nr = 0;
	CHECK_ERR(call(dev, IPCX_LIST, &arg), EINVAL);
	arg.nr = 1u << 31;
	CHECK_ERR(call(dev, IPCX_LIST, &arg), EINVAL);
	arg = good;
	arg.entry_size--;
	CHECK_ERR(call(dev, IPCX_LIST, &arg), EINVAL);
	arg.entry_size += 2;
	CHECK_ERR(call(dev, IPCX_LIST, &arg), EINVAL);
	arg = good;
	arg.after = (uintptr_t)"a/b";
	CHECK_ERR(call(dev, IPCX_LIST, &arg), EINVAL);
	memset(longname, 'n', sizeof(longname));
	longname[sizeof(longname) - 1] = '\0';
	arg.after = (uintptr_t)longname;
	CHECK_ERR(call(dev, IPCX_LIST, &arg), ENAMETOOLONG);
}
