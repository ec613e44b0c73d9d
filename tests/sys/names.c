// SPDX-License-Identifier: GPL-2.0
/*
 * Names: what is one, create, open and unlink.  Were it broken, programs would not meet, or would meet the
 * wrong object.
 */
#include "object.h"

static const struct ipcx_options shared = { .mode = 0666 };

static int create(const char *name)
{
	return ipcx_sem_create(name, 0, 9, &shared);
}

static int open_any(const char *name)
{
	return ipcx_open(name, IPCX_KIND_ANY, 0, 0);
}

static uint64_t id_of(int fd)
{
	return object_stat(fd).id;
}

/* Creates, opens and removes; or, if @err, is refused by each of them and leaves nothing. */
static void try_name(const char *name, int err)
{
	struct ipcx_list_entry e;
	int fd, other;

	if (err) {
		CHECK_ERR(create(name), err);
		CHECK_ERR(open_any(name), err);
		CHECK_ERR(ipcx_unlink(name), err);
		CHECK_EQ(ipcx_list(NULL, &e, 1), 0);
		return;
	}
	fd = CHECK_OK(create(name));
	other = CHECK_OK(open_any(name));
	CHECK_EQ(id_of(fd), id_of(other));
	CHECK_EQ(ipcx_list(NULL, &e, 1), 1);
	CHECK_STR(e.name, name + (*name == '/'));
	CHECK_OK(ipcx_unlink(name));
	CHECK_ERR(open_any(name), ENOENT);
	close(fd);
	close(other);
}

TEST(valid_names)
{
	char longest[IPCX_NAME_MAX + 2];

	own_names();
	try_name("a", 0);
	try_name(".", 0);
	try_name("..", 0);
	try_name(" ", 0);
	try_name("with space and \"quotes\"", 0);
	try_name("caf\303\251 \377\200", 0);
	try_name("~", 0);
	try_name("/at-the-front", 0);
	longest[0] = '/';
	memset(longest + 1, 'n', IPCX_NAME_MAX);
	longest[IPCX_NAME_MAX + 1] = '\0';
	try_name(longest, 0);
	try_name(longest + 1, 0);
}

TEST(a_slash_at_the_front_is_ignored)
{
	int fd;

	own_names();
	fd = CHECK_OK(create("/one"));
	CHECK_EQ(id_of(CHECK_OK(open_any("one"))), id_of(fd));
	CHECK_OK(ipcx_unlink("one"));
	CHECK_ERR(open_any("/one"), ENOENT);
}

TEST(invalid_names)
{
	char name[8] = "ab?cd";
	int c;

	own_names();
	try_name("", EINVAL);
	try_name("/", EINVAL);
	try_name("//", EINVAL);
	try_name("//a", EINVAL);
	try_name("a/b", EINVAL);
	try_name("a/", EINVAL);
	for (c = 1; c < ' '; c++) {
		name[2] = c;
		try_name(name, EINVAL);
	}
	name[2] = 0x7f;
	try_name(name, EINVAL);
	name[2] = '?';
	try_name(name, 0);
}

TEST(names_too_long)
{
	char name[5000];

	own_names();
	memset(name, 'n', sizeof(name));
	name[IPCX_NAME_MAX + 1] = '\0';
	try_name(name, ENAMETOOLONG);
	name[0] = '/';
	try_name(name, 0);
	name[IPCX_NAME_MAX + 1] = 'n';
	name[IPCX_NAME_MAX + 2] = '\0';
	try_name(name, ENAMETOOLONG);
	name[IPCX_NAME_MAX + 2] = 'n';
	name[4999] = '\0';
	try_name(name, ENAMETOOLONG);
}

/* The end of a mapping right behind the final NUL is not read. */
TEST(name_at_the_end_of_a_page)
{
	char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	own_names();
	CHECK_SYS(munmap(page + PAGE, PAGE));
	strcpy(page + PAGE - 4, "end");
	try_name(page + PAGE - 4, 0);
	page[PAGE - 1] = 'x';
	try_name(page + PAGE - 4, EFAULT);
}

TEST(excl)
{
	struct ipcx_options o = { .flags = IPCX_CREATE_EXCL };
	int fd;

	own_names();
	fd = CHECK_OK(ipcx_sem_create("x", 3, 9, &o));
	CHECK_EQ(object_stat(fd).users, 1);
	CHECK_ERR(ipcx_sem_create("x", 0, 9, &o), EEXIST);
	CHECK_EQ(object_stat(fd).users, 1);
	CHECK_EQ(sem_stat(fd).count, 3);
}

TEST(create_opens_what_exists_and_ignores_other_parameters)
{
	struct ipcx_options o = { .mode = 0400, .flags = IPCX_SEM_ROBUST | IPCX_CREATE_TEMPORARY };
	int fd, other;

	own_names();
	fd = CHECK_OK(ipcx_sem_create("x", 3, 9, &shared));
	other = CHECK_OK(ipcx_sem_create("x", 5, 7, &o));
	CHECK_EQ(id_of(fd), id_of(other));
	CHECK_EQ(sem_stat(other).count, 3);
	CHECK_EQ(sem_stat(other).max, 9);
	CHECK_EQ(object_stat(other).mode, 0666);
	CHECK_EQ(object_stat(other).state, IPCX_OBJECT_NAMED);
	CHECK_EQ(object_stat(other).users, 2);
}

TEST(a_name_of_another_kind)
{
	own_names();
	CHECK_OK(create("s"));
	CHECK_ERR(ipcx_queue_create("s", NULL, NULL), EEXIST);
	CHECK_ERR(ipcx_region_create("s", 1, NULL), EEXIST);
	CHECK_ERR(ipcx_open("s", IPCX_KIND_QUEUE, 0, 0), ENOENT);
	CHECK_ERR(ipcx_open("s", IPCX_KIND_REGION, 0, 0), ENOENT);
	CHECK_ERR(ipcx_open("s", IPCX_KIND_EVENT, 0, 0), ENOENT);
	CHECK_OK(ipcx_open("s", IPCX_KIND_SEM, 0, 0));
	CHECK_OK(ipcx_open("s", IPCX_KIND_ANY, 0, 0));
	CHECK_ERR(ipcx_open("s", IPCX_KIND_STREAM + 1, 0, 0), EINVAL);
	CHECK_ERR(ipcx_open("s", ~0u, 0, 0), EINVAL);
}

TEST(open_wants_rights_that_exist)
{
	struct ipcx_open arg = { .size = sizeof(arg), .name = (uintptr_t)"s" };
	int dev = device();

	own_names();
	dev = device();
	CHECK_OK(create("s"));
	CHECK_ERR(call(dev, IPCX_OPEN, &arg), EINVAL);
	arg.rights = 4;
	CHECK_ERR(call(dev, IPCX_OPEN, &arg), EINVAL);
	arg.rights = IPCX_READ | 1u << 31;
	CHECK_ERR(call(dev, IPCX_OPEN, &arg), EINVAL);
	arg.rights = IPCX_READ;
	CHECK_EQ(object_stat(CHECK_OK(call(dev, IPCX_OPEN, &arg))).rights, IPCX_READ);
}

TEST(creation_wants_mode_and_rights_that_exist)
{
	struct ipcx_options o = {};
	int bit;

	own_names();
	for (bit = 9; bit < 32; bit++) {
		o.mode = 1u << bit;
		CHECK_ERR(ipcx_sem_create("s", 0, 1, &o), EINVAL);
	}
	o.mode = 0;
	for (bit = 2; bit < 32; bit++) {
		o.rights = 1u << bit;
		CHECK_ERR(ipcx_sem_create("s", 0, 1, &o), EINVAL);
	}
	/* an anonymous object has neither a mode nor a name to be exclusive or temporary */
	o.rights = 0;
	o.mode = 0600;
	CHECK_ERR(ipcx_sem_create(NULL, 0, 1, &o), EINVAL);
	o.mode = 0;
	o.flags = IPCX_CREATE_EXCL;
	CHECK_ERR(ipcx_sem_create(NULL, 0, 1, &o), EINVAL);
	o.flags = IPCX_CREATE_TEMPORARY;
	CHECK_ERR(ipcx_sem_create(NULL, 0, 1, &o), EINVAL);
	CHECK_ERR(open_any("s"), ENOENT);
}

TEST(the_object_outlives_descriptors)
{
	uint64_t id;
	int fd;

	own_names();
	fd = CHECK_OK(create("s"));
	id = id_of(fd);
	CHECK_OK(ipcx_sem_post(fd, 5));
	close(fd);
	fd = CHECK_OK(open_any("s"));
	CHECK_EQ(id_of(fd), id);
	CHECK_EQ(sem_stat(fd).count, 5);
	CHECK_EQ(object_stat(fd).users, 1);
}

TEST(unlink_removes_the_name_only)
{
	uint64_t id;
	int fd, other;

	own_names();
	fd = CHECK_OK(create("s"));
	id = id_of(fd);
	CHECK_EQ(object_stat(fd).state, IPCX_OBJECT_NAMED);
	CHECK_OK(ipcx_unlink("s"));
	CHECK_ERR(ipcx_unlink("s"), ENOENT);
	CHECK_EQ(object_stat(fd).state, 0);
	CHECK_OK(ipcx_sem_post(fd, 1));
	other = CHECK_OK(create("s"));
	CHECK_NE(id_of(other), id);
	CHECK_EQ(sem_stat(other).count, 0);
	CHECK_EQ(sem_stat(fd).count, 1);
}

TEST(unlink_of_the_last_user_frees)
{
	uint64_t before;

	own_names();
	before = own_account();
	close(CHECK_OK(create("s")));
	CHECK_GT(used_bytes(), before);
	CHECK_OK(ipcx_unlink("s"));
	CHECK_EQ(used_bytes(), before);
}

TEST(ids_are_never_used_again)
{
	uint64_t last = 0, id;
	int i, fd;

	for (i = 0; i < 100; i++) {
		fd = sem(0, 1);
		id = id_of(fd);
		CHECK_GT(id, last);
		last = id;
		close(fd);
	}
}

TEST(descriptors_are_close_on_exec)
{
	int fds[8], i, nr = 0;

	own_names();
	fds[nr++] = sem(0, 1);
	fds[nr++] = region(1);
	fds[nr++] = queue();
	fds[nr++] = CHECK_OK(create("s"));
	fds[nr++] = CHECK_OK(create("s"));
	fds[nr++] = CHECK_OK(open_any("s"));
	fds[nr++] = CHECK_OK(ipcx_restrict(fds[0], IPCX_READ));
	for (i = 0; i < nr; i++)
		CHECK_EQ(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
}

TEST(nonblock_and_access_mode_are_as_asked)
{
	struct ipcx_options o = { .mode = 0600, .flags = IPCX_CREATE_NONBLOCK, .rights = IPCX_READ };
	int mask = O_ACCMODE | O_NONBLOCK, fd;
	struct ipcx_restrict r = { .size = sizeof(r), .flags = IPCX_CREATE_NONBLOCK,
				   .rights = IPCX_READ };

	own_names();
	fd = CHECK_OK(ipcx_sem_create("s", 0, 1, &o));
	CHECK_EQ(fcntl(fd, F_GETFL) & mask, O_RDONLY | O_NONBLOCK);
	CHECK_EQ(fcntl(CHECK_OK(call(fd, IPCX_RESTRICT, &r)), F_GETFL) & mask, O_RDONLY | O_NONBLOCK);
	CHECK_EQ(fcntl(CHECK_OK(ipcx_restrict(fd, IPCX_READ)), F_GETFL) & mask, O_RDONLY);
	/* also when it opens what exists */
	fd = CHECK_OK(ipcx_sem_create("s", 0, 1, &o));
	CHECK_EQ(fcntl(fd, F_GETFL) & mask, O_RDONLY | O_NONBLOCK);
	fd = CHECK_OK(ipcx_open("s", 0, IPCX_WRITE, IPCX_CREATE_NONBLOCK));
	CHECK_EQ(fcntl(fd, F_GETFL) & mask, O_WRONLY | O_NONBLOCK);
	CHECK_EQ(fcntl(CHECK_OK(open_any("s")), F_GETFL) & mask, O_RDWR);
	o.rights = IPCX_WRITE;
	o.mode = 0;
	CHECK_EQ(fcntl(CHECK_OK(ipcx_region_create(NULL, 1, &o)), F_GETFL) & mask,
		 O_WRONLY | O_NONBLOCK);
}

TEST(umask_applies)
{
	struct ipcx_options o = { .mode = 0777 };
	int fd;

	own_names();
	umask(027);
	fd = CHECK_OK(ipcx_sem_create("s", 0, 1, &o));
	CHECK_EQ(object_stat(fd).mode, 0750);
}

TEST(no_descriptor_left_leaves_nothing_behind)
{
	struct { unsigned long cur, max; } limit = { 0, 4096 };
	struct ipcx_sem_create c = { .create = { .size = sizeof(c), .name = (uintptr_t)"s",
						 .mode = 0600 }, .max = 1 };
	struct ipcx_region_create rc = { .create = { .size = sizeof(rc) }, .len = PAGE };
	struct ipcx_open o = { .size = sizeof(o), .name = (uintptr_t)"t", .rights = IPCX_READ };
	struct ipcx_restrict r = { .size = sizeof(r), .rights = IPCX_READ };
	int dev, fd, keep;
	uint64_t before;

	own_names();
	dev = device();
	fd = CHECK_OK(create("t"));
	keep = CHECK_SYS(open("/dev/null", O_RDONLY));
	before = used_bytes();
	limit.cur = keep + 1;
	CHECK_SYS(syscall(SYS_prlimit64, 0, 7 /* RLIMIT_NOFILE */, &limit, NULL));
	CHECK_ERR(call(dev, IPCX_SEM_CREATE, &c), EMFILE);
	CHECK_ERR(call(dev, IPCX_REGION_CREATE, &rc), EMFILE);
	CHECK_ERR(call(dev, IPCX_OPEN, &o), EMFILE);
	CHECK_ERR(call(fd, IPCX_RESTRICT, &r), EMFILE);
	limit.cur = 1024;
	CHECK_SYS(syscall(SYS_prlimit64, 0, 7, &limit, NULL));
	CHECK_EQ(used_bytes(), before);
	CHECK_EQ(object_stat(fd).users, 1);
	CHECK_ERR(open_any("s"), ENOENT);
}

TEST(failed_calls_leave_no_descriptor)
{
	int nr;

	own_names();
	CHECK_OK(create("s"));
	nr = open_fds();
	CHECK_ERR(ipcx_region_create("s", 1, NULL), EEXIST);
	CHECK_ERR(ipcx_region_create(NULL, 0, NULL), EINVAL);
	CHECK_ERR(open_any("t"), ENOENT);
	CHECK_ERR(ipcx_open("s", IPCX_KIND_QUEUE, 0, 0), ENOENT);
	CHECK_ERR(create(""), EINVAL);
	CHECK_EQ(open_fds(), nr);
}

/* Of many that create one name at once, all get the same object, and one of the exclusive ones wins. */
static int start_gate;
static uint64_t *ids;

static int create_at_once(void *arg)
{
	struct ipcx_options o = { .mode = 0600 };
	long me = (long)arg, round;
	int fd;

	for (round = 1; round <= 20; round++) {
		char name[32];

		snprintf(name, sizeof(name), "race-%ld", round);
		if (me & 1)
			o.flags = IPCX_CREATE_EXCL;
		__atomic_add_fetch(&start_gate, 1, __ATOMIC_SEQ_CST);
		while (__atomic_load_n(&start_gate, __ATOMIC_SEQ_CST) < 4 * round)
			sched_yield();
		fd = ipcx_sem_create(name, 0, 1, &o);
		if (fd >= 0)
			ids[4 * round + me] = id_of(fd);
		else if (!(me & 1) || fd != -EEXIST)
			return 1;
	}
	return 0;
}

TEST(creating_one_name_at_the_same_time)
{
	struct test_thread t[4];
	long i, round;

	own_names();
	ids = calloc(4 * 21, sizeof(*ids));
	for (i = 0; i < 4; i++)
		thread_start(&t[i], create_at_once, (void *)i);
	for (i = 0; i < 4; i++)
		CHECK_EQ(thread_join(&t[i]), 0);
	for (round = 1; round <= 20; round++) {
		uint64_t *id = ids + 4 * round;

		CHECK_NE(id[0], 0);
		CHECK_EQ(id[0], id[2]);
		CHECK(!id[1] || !id[3]);
		CHECK(!id[1] || id[1] == id[0]);
		CHECK(!id[3] || id[3] == id[0]);
	}
}
