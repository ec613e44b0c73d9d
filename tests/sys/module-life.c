// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading: the module stays while anything of it is in use, and goes afterwards without a trace.
 * Were it broken, rmmod would pull the code away from under a process.
 * timeout: 180
 */
#include "module.h"

/* @fd, and only it, keeps the module. */
static void kept_by(int fd)
{
	CHECK_ERR(unload(), IN_USE);
	close(fd);
	unloads();
	loads(MODULE);
}

TEST(kept_by_each_kind_of_descriptor)
{
	NEED_MODULE(MODULE);
	unloads();
	atexit(reload);
	loads(MODULE);
	kept_by(device());
	kept_by(queue());
	kept_by(region(1));
	kept_by(sem(0, 1));
}

TEST(kept_by_a_reduced_descriptor)
{
	int fd, r;

	NEED_MODULE(MODULE);
	atexit(reload);
	fd = region(1);
	r = CHECK_OK(ipcx_restrict(fd, IPCX_READ));
	close(fd);
	kept_by(r);
	fd = sem(0, 1);
	r = CHECK_OK(ipcx_restrict(fd, IPCX_READ));
	close(fd);
	kept_by(r);
}

/* It keeps the module by its open file, and ends with it. */
TEST(kept_by_a_descriptor_with_notices)
{
	int fd, r;

	NEED_MODULE(MODULE);
	atexit(reload);
	signal(SIGURG, SIG_IGN);
	fd = sem(0, 9);
	r = CHECK_OK(ipcx_restrict(fd, IPCX_READ));
	CHECK_OK(ipcx_notify_process(r, IPCX_READY_READ, 0, SIGURG, 0, IPCX_NOTIFY_REPEAT));
	CHECK_SYS(fcntl(r, F_SETOWN, getpid()));
	CHECK_SYS(fcntl(r, F_SETSIG, SIGURG));
	CHECK_SYS(fcntl(r, F_SETFL, O_ASYNC));
	CHECK_OK(ipcx_sem_post(fd, 1));
	close(fd);
	kept_by(r);
}

TEST(kept_by_a_mapping)
{
	void *p;
	int fd;

	NEED_MODULE(MODULE);
	atexit(reload);
	fd = region(PAGE);
	p = map(fd, PAGE, PROT_READ | PROT_WRITE);
	close(fd);
	CHECK_ERR(unload(), IN_USE);
	memset(p, 1, PAGE);
	CHECK_SYS(munmap(p, PAGE));
	unloads();
	loads(MODULE);
}

TEST(kept_by_a_name)
{
	struct ipcx_options o = { .mode = 0600, .flags = IPCX_CREATE_TEMPORARY };
	int fd;

	NEED_MODULE(MODULE);
	atexit(reload);
	umask(0);
	close(CHECK_OK(ipcx_region_create("module-life", 1, NULL)));
	CHECK_ERR(unload(), IN_USE);
	CHECK_OK(ipcx_unlink("module-life"));
	unloads();
	loads(MODULE);
	fd = CHECK_OK(ipcx_queue_create("module-life", NULL, &o));
	CHECK_OK(ipcx_queue_send(fd, "x", 1));
	kept_by(fd);
}

TEST(kept_by_a_descriptor_in_a_socket)
{
	int s[2], fd;

	NEED_MODULE(MODULE);
	atexit(reload);
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	fd = sem(0, 1);
	send_fd(s[0], fd);
	close(fd);
	CHECK_ERR(unload(), IN_USE);
	close(s[0]);
	kept_by(s[1]);
}

static int waits(void *arg)
{
	return -ipcx_sem_wait((long)arg, 1, 0, IPCX_FOREVER);
}

TEST(kept_by_a_waiter)
{
	pid_t pid;
	int s;

	NEED_MODULE(MODULE);
	atexit(reload);
	s = sem(0, 1);
	pid = spawn(waits, (void *)(long)s);
	CHECK_BLOCKS(pid);
	close(s);
	CHECK_ERR(unload(), IN_USE);
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
	unloads();
	loads(MODULE);
}

/* What a robust semaphore has told the kernel about its holders is taken back before the code goes. */
static int holds(void *arg)
{
	int s = robust_sem(1, 1);

	(void)arg;
	CHECK_OK(ipcx_sem_trywait(s, 1));
	close(s);
	s = robust_sem(1, 1);
	CHECK_OK(ipcx_sem_trywait(s, 1));
	return 0;
}

TEST(unloaded_right_after_a_holder_died)
{
	int i;

	NEED_MODULE(MODULE);
	atexit(reload);
	for (i = 0; i < 8; i++) {
		pid_t pid[3];
		int j;

		for (j = 0; j < 3; j++)
			pid[j] = spawn(holds, NULL);
		for (j = 0; j < 3; j++)
			CHECK_EXITS(pid[j], 0);
		unloads();
		loads(MODULE);
	}
}

/* The process lives on when its semaphore, and the module, have gone. */
TEST(unloaded_while_a_former_holder_lives)
{
	int fd;

	NEED_MODULE(MODULE);
	atexit(reload);
	holds(NULL);
	for (fd = 3; fd < 64; fd++)
		close(fd);
	unloads();
	loads(MODULE);
}

static int *stop;

static int opens(void *arg)
{
	long opened = 0;

	(void)arg;
	while (!__atomic_load_n(stop, __ATOMIC_SEQ_CST)) {
		struct ipcx_query q = { .size = sizeof(q) };
		int fd = open(IPCX_DEVICE, O_RDWR | O_CLOEXEC), s;

		if (fd < 0) {
			/* gone, being made, or without a driver just now */
			if (errno != ENOENT && errno != ENODEV && errno != ENXIO && errno != EACCES)
				FAIL("open: %s", strerror(errno));
			sched_yield();
			continue;
		}
		opened++;
		CHECK_OK(call(fd, IPCX_QUERY, &q));
		s = ipcx_sem_create(NULL, 0, 1, &(struct ipcx_options){ .device_fd = fd });
		close(fd);
		CHECK_OK(s);
		CHECK_OK(ipcx_sem_post(s, 1));
		close(s);
		/* for as long as it is closed, it can be unloaded */
		if (opened % 2)
			test_pause_ms(2);
	}
	NOTE("opened %ld times", opened);
	return 0;
}

TEST_LIMIT(loaded_and_unloaded_while_others_open_it, 60000)
{
	int i, ret, unloaded = 0, refused = 0;
	uint64_t end, latest;
	pid_t pid[2];

	NEED_MODULE(MODULE);
	atexit(reload);
	stop = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid[0] = spawn(opens, NULL);
	pid[1] = spawn(opens, NULL);
	/* a loaded machine gets more time for the few that count */
	end = test_now_ns() + 8000000000ull;
	latest = end + 30000000000ull;
	for (i = 0; unloaded < 300 && test_now_ns() < (unloaded < 5 ? latest : end); i++) {
		ret = unload();
		if (ret) {
			CHECK_EQ(ret, -IN_USE);
			refused++;
			continue;
		}
		unloaded++;
		CHECK_OK(load(MODULE));
	}
	__atomic_store_n(stop, 1, __ATOMIC_SEQ_CST);
	CHECK_EXITS(pid[0], 0);
	CHECK_EXITS(pid[1], 0);
	NOTE("unloaded %d times, refused %d times", unloaded, refused);
	CHECK_GE(unloaded, 5);
	unloads();
	loads(MODULE);
}

static long available_kib(void)
{
	char text[4096], *p;

	read_text("/proc/meminfo", text, sizeof(text));
	p = strstr(text, "MemAvailable:");
	CHECK(p);
	return atol(p + 13);
}

static void use_everything_once(int round)
{
	struct ipcx_options named = { .mode = 0600, .flags = IPCX_CREATE_TEMPORARY };
	char buf[2000] = {}, name[16];
	int q = queue(), r = region(256 * PAGE), s = robust_sem(1, 9), i;

	snprintf(name, sizeof(name), "leak-%d", round);
	close(CHECK_OK(ipcx_sem_create(name, 0, 1, &named)));
	for (i = 0; i < 50; i++) {
		struct ipcx_msg m = ipcx_msg(buf, i * 40);

		m.type = 1 + i;
		m.priority = i;
		CHECK_OK(ipcx_queue_send_msg(q, &m, 0, IPCX_FOREVER));
	}
	memset(map(r, 256 * PAGE, PROT_READ | PROT_WRITE), 1, 64 * PAGE);
	CHECK_OK(ipcx_sem_trywait(s, 1));
	CHECK_ERR(ipcx_sem_trywait(s, 9), EAGAIN);
}

static int uses(void *arg)
{
	use_everything_once((long)arg);
	return 0;
}

/*
 * A hundred processes use everything and end: 35 MiB would be missing if all of it leaked, 5 MiB if the messages
 * did.  The kernel's own stores fill up at first, so they get more than one chance; a leak uses none.
 */
TEST_LIMIT(memory_is_back_to_where_it_was, 60000)
{
	uint64_t before;
	int chance = 0;
	long lost, i;

	NEED_MODULE(MODULE);
	own_names();
	before = own_account();
	do {
		lost = available_kib();
		for (i = 0; i < 100; i++)
			CHECK_EXITS(spawn(uses, (void *)i), 0);
		CHECK_EQ(used_bytes(), before);
		lost -= available_kib();
	} while (lost > 4096 && ++chance < 4);
	CHECK_LE(lost, 4096);
}
