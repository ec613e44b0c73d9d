// SPDX-License-Identifier: GPL-2.0
/*
 * Regions on their way: through fork, exec, sockets and messages, whole or with fewer rights, sealed or to be sealed.
 * Were it broken, a receiver could not rely on a seal, a child could write what it was given to read, or memory
 * would go under somebody who still uses it, or stay when nobody does.
 */
#include "object.h"

#define RW	(PROT_READ | PROT_WRITE)
#define ALWAYS	(F_SEAL_GROW | F_SEAL_SHRINK)

static void send_in_message(int q, int fd)
{
	struct ipcx_msg msg = ipcx_msg("region", 6);

	CHECK_OK(ipcx_queue_send_fds(q, &msg, &fd, 1, IPCX_NOWAIT, 0));
}

static int recv_from_message(int q)
{
	char buf[8];
	struct ipcx_msg msg = ipcx_msg(buf, sizeof(buf));
	unsigned int nr = 1;
	int fd = -1;

	CHECK_OK(ipcx_queue_recv_fds(q, &msg, &fd, &nr, NULL, 0, ipcx_after_ms(TEST_SOON_MS)));
	CHECK_EQ(nr, 1);
	return fd;
}

static bool can_map(int fd, int prot)
{
	void *p = mmap(NULL, PAGE, prot, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return false;
	munmap(p, PAGE);
	return true;
}

/* ---- exec: this program again, with @fd, and nothing else of its predecessor's ---- */

static pid_t exec_case(const char *name, int fd, int out)
{
	char text[16], self[64];
	pid_t pid;

	fflush(NULL);
	snprintf(self, sizeof(self), "/proc/%d/exe", getpid());
	snprintf(text, sizeof(text), "%d", fd);
	pid = CHECK_SYS(fork());
	if (!pid) {
		setenv("IPCX_TEST_REGION", text, 1);
		fcntl(fd, F_SETFD, 0);
		dup2(out, STDOUT_FILENO);
		execl(self, "region-passing", name, NULL);
		_exit(99);
	}
	return pid;
}

static void check_in_exec(const char *name, int fd)
{
	int null = CHECK_SYS(open("/dev/null", O_WRONLY | O_CLOEXEC)), status;

	status = wait_child(exec_case(name, fd, null), TEST_SOON_MS);
	if (status)
		FAIL("%s in another program: status %#x", name, status);
	close(null);
}

/* The descriptor, in a case that another one runs in a program of its own; by itself the case has nothing to do. */
#define PASSED_FD(fd)						\
	do {							\
		if (!getenv("IPCX_TEST_REGION"))		\
			return;					\
		(fd) = atoi(getenv("IPCX_TEST_REGION"));	\
	} while (0)

TEST(finds_it_sealed)
{
	int fd;

	PASSED_FD(fd);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), ALWAYS | F_SEAL_WRITE | F_SEAL_SEAL);
	CHECK(!can_map(fd, RW));
	CHECK_SYS_ERR(pwrite(fd, "x", 1, 0), EPERM);
	CHECK_ERR(ipcx_region_seal(fd, F_SEAL_FUTURE_WRITE), EPERM);
	CHECK_STR(map(fd, PAGE, PROT_READ), "sealed");
}

TEST(seals_are_kept_over_exec)
{
	int fd = region(PAGE);
	char *p = map(fd, PAGE, RW);

	strcpy(p, "sealed");
	CHECK_SYS(munmap(p, PAGE));
	CHECK_OK(ipcx_region_seal(fd, F_SEAL_WRITE | F_SEAL_SEAL));
	check_in_exec("finds_it_sealed", fd);
}

TEST(cannot_write_any_more)
{
	int fd;

	PASSED_FD(fd);
	CHECK(!can_map(fd, RW));
	CHECK_SYS_ERR(pwrite(fd, "x", 1, 0), EPERM);
	CHECK_STR(map(fd, PAGE, PROT_READ), "still written");
}

/* Who has mapped it goes on writing; a program that is executed is new, and may not. */
TEST(future_writes_are_sealed_for_who_is_executed)
{
	int fd = region(PAGE);
	char *p = map(fd, PAGE, RW);

	CHECK_OK(ipcx_region_seal(fd, F_SEAL_FUTURE_WRITE));
	strcpy(p, "still written");
	check_in_exec("cannot_write_any_more", fd);
}

TEST(finds_only_reading)
{
	char path[64];
	int fd;

	PASSED_FD(fd);
	CHECK_EQ(object_stat(fd).rights, IPCX_READ);
	CHECK_STR(map(fd, PAGE, PROT_READ), "to be read");
	CHECK(!can_map(fd, RW));
	CHECK_EQ(errno, EACCES);
	CHECK_SYS_ERR(pwrite(fd, "x", 1, 0), EBADF);
	CHECK_ERR(ipcx_region_seal(fd, F_SEAL_WRITE), EPERM);
	CHECK_ERR(ipcx_restrict(fd, IPCX_READ | IPCX_WRITE), EACCES);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_SYS_ERR(open(path, O_RDWR), EACCES);
	/* nothing else of it was inherited */
	CHECK_EQ(object_stat(fd).users, 3);
}

/* A program gets the reading end only: its parent's other descriptor and mapping are not there after exec. */
TEST(fewer_rights_for_a_program)
{
	int fd = region(PAGE), ro;
	char *p = map(fd, PAGE, RW);

	strcpy(p, "to be read");
	ro = CHECK_OK(ipcx_restrict(fd, IPCX_READ));
	/* users: the descriptor, the reading end, and the mapping's is that of the descriptor */
	CHECK_EQ(object_stat(fd).users, 2);
	CHECK_OK(ipcx_restrict(fd, IPCX_READ));
	check_in_exec("finds_only_reading", ro);
	CHECK_STR(p, "to be read");
}

TEST(pauses)
{
	const char *env = getenv("IPCX_TEST_REGION");

	if (!env)
		return;
	CHECK_EQ(write(STDOUT_FILENO, "!", 1), 1);
	hang();
}

/* What only a mapping kept goes with exec, as with exit. */
TEST(exec_gives_up_mappings)
{
	uint64_t before = own_account();
	int fd = region(16 * PAGE), out[2];
	char *p = map(fd, 16 * PAGE, RW), c = 0;
	pid_t pid;

	CHECK_SYS(pipe2(out, O_CLOEXEC));
	memset(p, 1, 16 * PAGE);
	pid = exec_case("pauses", STDIN_FILENO, out[1]);
	close(fd);
	CHECK_SYS(munmap(p, 16 * PAGE));
	close(out[1]);
	/* the TAP header comes first */
	while (c != '!')
		CHECK_EQ(read(out[0], &c, 1), 1);
	CHECK_SOON(used_bytes() == before);
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
}

/* ---- fork ---- */

static int child_sees_seal(void *arg)
{
	int fd = *(int *)arg;

	/* inherited for writing, and it says so; the seal came after */
	CHECK_EQ(object_stat(fd).rights, IPCX_READ | IPCX_WRITE);
	CHECK_SOON(fcntl(fd, F_GET_SEALS) & F_SEAL_WRITE);
	CHECK(!can_map(fd, RW));
	CHECK(can_map(fd, PROT_READ));
	return 0;
}

TEST(a_seal_is_there_for_children_too)
{
	int fd = region(PAGE);
	pid_t pid = spawn(child_sees_seal, &fd);

	CHECK_OK(ipcx_region_seal(fd, F_SEAL_WRITE));
	CHECK_EXITS(pid, 0);
	CHECK_EXITS(spawn(child_sees_seal, &fd), 0);
}

static int hangs(void *arg)
{
	(void)arg;
	return hang();
}

/* A mapping that a child has inherited is one: it keeps the region from being sealed, for as long as it is there. */
TEST(a_childs_mapping_prevents_a_seal)
{
	int fd = region(PAGE);
	char *p = map(fd, PAGE, RW);
	pid_t pid = spawn(hangs, NULL);

	*p = 1;
	CHECK_SYS(munmap(p, PAGE));
	CHECK_ERR(ipcx_region_seal(fd, F_SEAL_WRITE), EBUSY);
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_OK(ipcx_region_seal(fd, F_SEAL_WRITE));
}

/* With MADV_DONTFORK the child has none. */
TEST(a_mapping_that_is_not_inherited_prevents_nothing)
{
	int fd = region(PAGE);
	char *p = map(fd, PAGE, RW);
	pid_t pid;

	CHECK_SYS(madvise(p, PAGE, MADV_DONTFORK));
	pid = spawn(hangs, NULL);
	CHECK_SYS(munmap(p, PAGE));
	CHECK_OK(ipcx_region_seal(fd, F_SEAL_WRITE));
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
}

struct give {
	int q, fd;
	char *p;
};

/* Gives up what it inherited, and attaches what it is given. */
static int attaches_with_fewer_rights(void *arg)
{
	struct give *g = arg;
	char *r;
	int fd;

	CHECK_SYS(munmap(g->p, PAGE));
	close(g->fd);
	as_user(TEST_UID_NOBODY);
	fd = recv_from_message(g->q);
	CHECK_EQ(object_stat(fd).rights, IPCX_READ);
	r = map(fd, PAGE, PROT_READ);
	CHECK_STR(r, "for the child");
	CHECK_SYS_ERR(mprotect(r, PAGE, RW), EACCES);
	CHECK(!can_map(fd, RW));
	CHECK_SYS_ERR(pwrite(fd, "x", 1, 0), EBADF);
	CHECK_SYS_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), EBADF);
	CHECK_ERR(ipcx_region_seal(fd, F_SEAL_WRITE), EPERM);
	CHECK_EQ(touch_signal(r, true), SIGSEGV);
	/* the mapping outlives the descriptor */
	close(fd);
	CHECK_STR(r, "for the child");
	return 0;
}

TEST(a_child_attaches_with_fewer_rights)
{
	struct give g = { .q = queue(), .fd = region(PAGE) };
	int ro;
	pid_t pid;

	NEED_ROOT();
	g.p = map(g.fd, PAGE, RW);
	strcpy(g.p, "for the child");
	ro = CHECK_OK(ipcx_restrict(g.fd, IPCX_READ));
	pid = spawn(attaches_with_fewer_rights, &g);
	send_in_message(g.q, ro);
	close(ro);
	CHECK_EXITS(pid, 0);
	CHECK_STR(g.p, "for the child");
	/* nobody but us has it any more */
	CHECK_SOON(object_stat(g.fd).users == 1);
}

/* ---- messages ---- */

TEST(in_a_message_it_lives_and_is_charged)
{
	uint64_t before = own_account(), with_queue, full;
	int q = queue(), fd = region(8 * PAGE);
	struct ipcx_select any = { IPCX_SELECT_ANY };

	with_queue = used_bytes();
	CHECK_EQ(pwrite(fd, "kept", 5, 7 * PAGE), 5);
	CHECK_EQ(region_stat(fd).allocated, PAGE);
	full = used_bytes();
	CHECK_EQ(full, with_queue + PAGE);
	send_in_message(q, fd);
	close(fd);
	CHECK_GE(used_bytes(), full);
	fd = recv_from_message(q);
	CHECK_STR((char *)map(fd, 8 * PAGE, PROT_READ) + 7 * PAGE, "kept");
	send_in_message(q, fd);
	close(fd);
	CHECK_EQ(ipcx_queue_purge(q, &any), 1);
	/* the mapping still keeps it */
	CHECK_GE(used_bytes(), before + PAGE);
}

TEST(dropped_with_its_message)
{
	uint64_t before = own_account();
	int q = queue(), fd = region(8 * PAGE);

	CHECK_EQ(pwrite(fd, "lost", 5, 0), 5);
	send_in_message(q, fd);
	close(fd);
	CHECK_GT(used_bytes(), before + PAGE);
	close(q);
	CHECK_SOON(used_bytes() == before);
}

/* The name of a temporary region stays while a message has the last descriptor, and goes with it. */
TEST(temporary_in_a_message)
{
	struct ipcx_options o = { .flags = IPCX_CREATE_TEMPORARY };
	int q, fd;

	own_names();
	q = queue();
	fd = CHECK_OK(ipcx_region_create("flying", PAGE, &o));
	CHECK_EQ(pwrite(fd, "here", 5, 0), 5);
	send_in_message(q, fd);
	close(fd);
	fd = CHECK_OK(ipcx_open("flying", IPCX_KIND_REGION, IPCX_READ, 0));
	CHECK_STR(map(fd, PAGE, PROT_READ), "here");
	close(fd);
	CHECK_SYS(munmap(map(recv_from_message(q), PAGE, PROT_READ), PAGE));
	close(q);
	/* its descriptor is this process's now */
	fd = CHECK_OK(ipcx_open("flying", IPCX_KIND_REGION, IPCX_READ, 0));
	close(fd);
}

TEST(temporary_goes_with_its_message)
{
	struct ipcx_options o = { .flags = IPCX_CREATE_TEMPORARY };
	int q, fd;

	own_names();
	q = queue();
	fd = CHECK_OK(ipcx_region_create("flying", PAGE, &o));
	send_in_message(q, fd);
	close(fd);
	fd = CHECK_OK(ipcx_open("flying", IPCX_KIND_REGION, IPCX_READ, 0));
	close(fd);
	CHECK_EQ(ipcx_queue_purge(q, NULL), 1);
	CHECK_SOON(ipcx_open("flying", IPCX_KIND_REGION, IPCX_READ, 0) == -ENOENT);
}

static int relies_on_seals(void *arg)
{
	int q = *(int *)arg, fd = recv_from_message(q);
	struct ipcx_region_stat st = region_stat(fd);

	/* what a receiver checks before it reads */
	CHECK_EQ(st.seals & (F_SEAL_WRITE | F_SEAL_SHRINK), F_SEAL_WRITE | F_SEAL_SHRINK);
	CHECK_STR(map(fd, st.len, PROT_READ), "promised");
	CHECK_SYS_ERR(ftruncate(fd, 0), EPERM);
	return 0;
}

/* Sealed while it is in a message already; its sender still has a descriptor for writing, which is worth nothing. */
TEST(sealed_in_flight)
{
	int q = queue(), fd = region(PAGE);
	char *p = map(fd, PAGE, RW);

	strcpy(p, "promised");
	send_in_message(q, fd);
	CHECK_ERR(ipcx_region_seal(fd, F_SEAL_WRITE), EBUSY);
	CHECK_SYS(munmap(p, PAGE));
	CHECK_OK(ipcx_region_seal(fd, F_SEAL_WRITE));
	CHECK(!can_map(fd, RW));
	CHECK_EXITS(spawn(relies_on_seals, &q), 0);
	CHECK_SYS_ERR(pwrite(fd, "broken", 6, 0), EPERM);
}

static int seals_what_it_gets(void *arg)
{
	int *a = arg, fd = recv_from_message(a[0]);

	/* while the sender can write it is not to be trusted */
	CHECK_ERR(ipcx_region_seal(fd, F_SEAL_WRITE), EBUSY);
	CHECK_EQ(write(a[1], "x", 1), 1);
	CHECK_SOON(!ipcx_region_seal(fd, F_SEAL_WRITE));
	return 0;
}

/* The receiver seals: it cannot as long as the sender has it mapped for writing. */
TEST(sealed_by_the_receiver)
{
	int fd = region(PAGE), out[2], a[2] = { queue() };
	char *p = map(fd, PAGE, RW), c;
	pid_t pid;

	CHECK_SYS(pipe(out));
	CHECK_SYS(madvise(p, PAGE, MADV_DONTFORK));
	a[1] = out[1];
	pid = spawn(seals_what_it_gets, a);
	send_in_message(a[0], fd);
	CHECK_EQ(read(out[0], &c, 1), 1);
	*p = 'w';
	CHECK_SYS(munmap(p, PAGE));
	CHECK_EXITS(pid, 0);
	CHECK_EQ(region_stat(fd).seals, ALWAYS | F_SEAL_WRITE);
	CHECK(!can_map(fd, RW));
}

/* Through a socket as through a message: the same open file, the same seals. */
TEST(over_a_socket)
{
	int fd = region(PAGE), sockets[2], got;

	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	CHECK_EQ(pwrite(fd, "both", 5, 0), 5);
	send_fd(sockets[0], fd);
	CHECK_OK(ipcx_region_seal(fd, F_SEAL_WRITE));
	got = recv_fd(sockets[1]);
	close(fd);
	CHECK_EQ(region_stat(got).seals, ALWAYS | F_SEAL_WRITE);
	CHECK_STR(map(got, PAGE, PROT_READ), "both");
	CHECK(!can_map(got, RW));
}
