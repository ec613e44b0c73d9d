// SPDX-License-Identifier: GPL-2.0
/*
 * Names belong to a network namespace.  Were it broken, containers would see each other's objects, or a dead
 * one would leave its memory behind.
 */
#include "object.h"

/* A child in a namespace of its own, which it keeps until told to end. */
struct child {
	int ready, end;
	pid_t pid;
	int (*fn)(void);
};

static int child_main(void *arg)
{
	struct child *c = arg;

	CHECK_SYS(unshare(CLONE_NEWNET));
	CHECK_EQ(c->fn(), 0);
	__atomic_store_n(&c->ready, 1, __ATOMIC_SEQ_CST);
	CHECK_SOON(__atomic_load_n(&c->end, __ATOMIC_SEQ_CST));
	return 0;
}

static struct child *start(int (*fn)(void))
{
	struct child *c = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	c->fn = fn;
	c->pid = spawn(child_main, c);
	CHECK_SOON(__atomic_load_n(&c->ready, __ATOMIC_SEQ_CST) ||
		   waitpid(c->pid, NULL, WNOHANG | WNOWAIT) > 0);
	CHECK(c->ready);
	return c;
}

static void end(struct child *c)
{
	__atomic_store_n(&c->end, 1, __ATOMIC_SEQ_CST);
	CHECK_EXITS(c->pid, 0);
}

static int makes_one(void)
{
	struct ipcx_list_entry e[2];
	int fd;

	CHECK_EQ(ipcx_list(NULL, e, 2), 0);
	CHECK_ERR(ipcx_open("one", 0, 0, 0), ENOENT);
	CHECK_ERR(ipcx_unlink("one"), ENOENT);
	fd = CHECK_OK(ipcx_sem_create("one", 5, 5, NULL));
	CHECK_EQ(ipcx_list(NULL, e, 2), 1);
	close(fd);
	return 0;
}

TEST(names_are_separate)
{
	struct ipcx_list_entry e[2];
	struct child *c;
	int fd;

	own_names();
	fd = CHECK_OK(ipcx_sem_create("one", 3, 5, NULL));
	c = start(makes_one);
	CHECK_EQ(ipcx_list(NULL, e, 2), 1);
	CHECK_EQ(e[0].id, object_stat(fd).id);
	CHECK_EQ(sem_stat(CHECK_OK(ipcx_open("one", 0, 0, 0))).count, 3);
	end(c);
	CHECK_OK(ipcx_open("one", 0, 0, 0));
}

static int fills_memory(void)
{
	struct ipcx_options o = { .flags = IPCX_CREATE_TEMPORARY };
	char buf[65536] = {};
	int i, fd;

	fd = CHECK_OK(ipcx_queue_create("q", NULL, NULL));
	for (i = 0; i < 32; i++)
		CHECK_OK(ipcx_queue_send(fd, buf, sizeof(buf)));
	fd = CHECK_OK(ipcx_region_create("r", 1 << 20, NULL));
	memset(map(fd, 1 << 20, PROT_READ | PROT_WRITE), 1, 1 << 20);
	for (i = 0; i < 20; i++) {
		char name[8];

		snprintf(name, sizeof(name), "s%d", i);
		CHECK_OK(ipcx_sem_create(name, 0, 1, i & 1 ? NULL : &o));
	}
	return 0;
}

TEST(names_and_memory_go_with_the_namespace)
{
	uint64_t before;
	struct child *c;

	own_names();
	before = own_account();
	c = start(fills_memory);
	CHECK_GE(used_bytes(), before + (3 << 20));
	end(c);
	/* the kernel ends namespaces in the background */
	CHECK_SOON(used_bytes() == before);
}

/* A device opened in the other namespace keeps working there, and keeps it alive. */
TEST(a_device_stays_in_the_namespace_where_it_was_opened)
{
	struct ipcx_list_entry e;
	struct ipcx_list l = { .size = sizeof(l), .entries = (uintptr_t)&e, .nr = 1,
			       .entry_size = sizeof(e) };
	struct ipcx_options o = {};
	uint64_t before;
	int dev, fd;

	own_names();
	before = own_account();
	dev = device();
	o.device_fd = dev;
	CHECK_SYS(unshare(CLONE_NEWNET));
	fd = CHECK_OK(ipcx_sem_create("there", 1, 1, &o));
	close(fd);
	CHECK_ERR(ipcx_open("there", 0, 0, 0), ENOENT);
	CHECK_EQ(call(dev, IPCX_LIST, &l), 1);
	CHECK_STR(e.name, "there");
	CHECK_GT(used_bytes(), before);
	close(dev);
	CHECK_SOON(used_bytes() == before);
}

static int sock;

static int passes_descriptors(void)
{
	struct ipcx_options o = { .flags = IPCX_CREATE_TEMPORARY };

	send_fd(sock, CHECK_OK(ipcx_sem_create("s", 2, 9, NULL)));
	send_fd(sock, CHECK_OK(ipcx_region_create("r", PAGE, &o)));
	return 0;
}

TEST(a_descriptor_outlives_its_namespace)
{
	int s[2], fd[2];
	struct child *c;
	uint64_t before;
	char *p;

	own_names();
	before = own_account();
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	sock = s[0];
	c = start(passes_descriptors);
	fd[0] = recv_fd(s[1]);
	fd[1] = recv_fd(s[1]);
	CHECK_EQ(object_stat(fd[0]).state & IPCX_OBJECT_NAMED, IPCX_OBJECT_NAMED);
	end(c);
	CHECK_SOON(!(object_stat(fd[0]).state & IPCX_OBJECT_NAMED));
	CHECK_SOON(!(object_stat(fd[1]).state & IPCX_OBJECT_NAMED));
	CHECK_EQ(object_stat(fd[0]).users, 1);
	CHECK_OK(ipcx_sem_post(fd[0], 1));
	CHECK_OK(ipcx_sem_wait(fd[0], 3, 0, IPCX_FOREVER));
	p = map(fd[1], PAGE, PROT_READ | PROT_WRITE);
	*p = 1;
	CHECK_SYS(munmap(p, PAGE));
	close(fd[0]);
	close(fd[1]);
	CHECK_EQ(used_bytes(), before);
}

/* Namespaces that die while their temporary objects do: each name is removed once. */
static int dies_with_temporary_objects(void *arg)
{
	struct ipcx_options o = { .flags = IPCX_CREATE_TEMPORARY };
	char name[8];
	int i;

	(void)arg;
	CHECK_SYS(unshare(CLONE_NEWNET));
	for (i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		CHECK_OK(ipcx_sem_create(name, 0, 1, i & 1 ? NULL : &o));
	}
	return 0;
}

TEST(objects_and_namespace_end_together)
{
	uint64_t before;
	pid_t pid[2];
	int i;

	own_names();
	before = own_account();
	for (i = 0; i < 10; i++) {
		pid[0] = spawn(dies_with_temporary_objects, NULL);
		pid[1] = spawn(dies_with_temporary_objects, NULL);
		CHECK_EXITS(pid[0], 0);
		CHECK_EXITS(pid[1], 0);
	}
	CHECK_SOON(used_bytes() == before);
}
