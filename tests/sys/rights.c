// SPDX-License-Identifier: GPL-2.0
/*
 * Rights of a descriptor: every operation needs its right, rights can only be reduced, and nothing (dup, fork,
 * a socket, /proc) gives more.  Were it broken, whoever is handed a reading end could write.
 */
#include "object.h"

/* Recent kernels say of anonymous inodes that they have no such attributes. */
#define CHECK_REFUSED(call)	CHECK((call) < 0 && (errno == EPERM || errno == EOPNOTSUPP))

static int ends(int fd, unsigned int rights)
{
	return CHECK_OK(ipcx_restrict(fd, rights));
}

TEST(queue_operations_need_their_right)
{
	char buf[8];
	struct ipcx_msg m = ipcx_msg(buf, sizeof(buf));
	int q = queue(), r = ends(q, IPCX_READ), w = ends(q, IPCX_WRITE);
	struct ipcx_queue_stat st;

	CHECK_OK(ipcx_queue_send(q, "x", 1));
	CHECK_ERR(ipcx_queue_send(r, "x", 1), EACCES);
	CHECK_ERR(ipcx_queue_sendv(r, &m, 1, 0, IPCX_FOREVER), EACCES);
	CHECK_ERR(ipcx_queue_recv(w, buf, 8), EACCES);
	CHECK_ERR(ipcx_queue_recv_msg(w, &m, NULL, IPCX_RECV_PEEK, IPCX_FOREVER), EACCES);
	CHECK_ERR(ipcx_queue_recvv(w, &m, 1, NULL, 0, IPCX_FOREVER), EACCES);
	CHECK_ERR(ipcx_queue_purge(w, NULL), EACCES);
	CHECK_SYS_ERR(write(r, "x", 1), EBADF);
	CHECK_SYS_ERR(read(w, buf, 8), EBADF);
	CHECK_OK(ipcx_queue_stat(q, &st));
	CHECK_EQ(st.sent, 1);
	CHECK_EQ(st.nr_msgs, 1);
	CHECK_OK(ipcx_queue_stat(w, &st));
	CHECK_OK(ipcx_queue_stat(r, &st));
	CHECK_OK(ipcx_queue_send(w, "y", 1));
	CHECK_EQ(ipcx_queue_recv(r, buf, 8), 1);
	CHECK_EQ(ipcx_queue_purge(r, NULL), 1);
}

TEST(semaphore_operations_need_their_right)
{
	int s = sem(1, 2), r = ends(s, IPCX_READ), w = ends(s, IPCX_WRITE);

	CHECK_ERR(ipcx_sem_post(r, 1), EACCES);
	CHECK_ERR(ipcx_sem_trywait(w, 1), EACCES);
	CHECK_ERR(ipcx_sem_wait(w, 1, 0, IPCX_FOREVER), EACCES);
	CHECK_EQ(sem_stat(r).count, 1);
	CHECK_EQ(sem_stat(w).count, 1);
	CHECK_OK(ipcx_sem_post(w, 1));
	CHECK_OK(ipcx_sem_wait(r, 2, 0, IPCX_FOREVER));
}

TEST(event_operations_need_their_right)
{
	int e = event(1, 0), r = ends(e, IPCX_READ), w = ends(e, IPCX_WRITE);

	CHECK_ERR(ipcx_event_reset(r), EACCES);
	CHECK_ERR(ipcx_event_pulse(r), EACCES);
	CHECK_ERR(ipcx_event_wait(w, IPCX_NOWAIT, 0), EACCES);
	CHECK_ERR(ipcx_event_wait(w, 0, IPCX_FOREVER), EACCES);
	CHECK_EQ(event_stat(r).set, 1);
	CHECK_EQ(event_stat(w).set, 1);
	CHECK_OK(ipcx_event_wait(r, 0, IPCX_FOREVER));
	CHECK_ERR(ipcx_event_set(r), EACCES);
	CHECK_EQ(event_stat(e).set, 0);
	CHECK_EQ(ipcx_event_pulse(w), 0);
	CHECK_EQ(ipcx_event_set(w), 0);
	CHECK_EQ(ipcx_event_reset(w), 1);
}

TEST(shutdown_needs_the_right_of_its_direction)
{
	int s = sem(1, 2), r = ends(s, IPCX_READ), w = ends(s, IPCX_WRITE);

	CHECK_ERR(ipcx_shutdown(r, IPCX_SHUT_SEND), EACCES);
	CHECK_ERR(ipcx_shutdown(w, IPCX_SHUT_RECV), EACCES);
	CHECK_ERR(ipcx_shutdown(r, IPCX_SHUT_SEND | IPCX_SHUT_RECV), EACCES);
	CHECK_ERR(ipcx_shutdown(w, IPCX_SHUT_SEND | IPCX_SHUT_RECV), EACCES);
	CHECK_EQ(object_stat(s).state, 0);
	CHECK_OK(ipcx_shutdown(r, IPCX_SHUT_RECV));
	CHECK_EQ(object_stat(s).state, IPCX_OBJECT_SHUT_RECV);
	CHECK_OK(ipcx_shutdown(w, IPCX_SHUT_SEND));
	CHECK_EQ(object_stat(s).state, IPCX_OBJECT_SHUT_RECV | IPCX_OBJECT_SHUT_SEND);
}

TEST(region_operations_need_their_right)
{
	int fd = region(PAGE), r = ends(fd, IPCX_READ), w = ends(fd, IPCX_WRITE);
	char c = 'c';
	void *p;

	CHECK_ERR(ipcx_region_map(r, PROT_READ | PROT_WRITE, &p, NULL), EACCES);
	CHECK_ERR(ipcx_region_map(r, PROT_WRITE, &p, NULL), EACCES);
	CHECK_ERR(ipcx_region_map(w, PROT_READ, &p, NULL), EACCES);
	CHECK_OK(ipcx_region_map(r, PROT_READ, &p, NULL));
	CHECK_SYS_ERR(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHECK_SYS_ERR(pwrite(r, &c, 1, 0), EBADF);
	CHECK_SYS_ERR(pread(w, &c, 1, 0), EBADF);
	CHECK_SYS_ERR(fallocate(r, 0, 0, PAGE), EBADF);
	CHECK_SYS_ERR(fallocate(r, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), EBADF);
	CHECK_SYS_ERR(fcntl(r, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	CHECK_EQ(pwrite(w, "w", 1, 0), 1);
	CHECK_EQ(*(char *)p, 'w');
	CHECK_EQ(pread(r, &c, 1, 0), 1);
	CHECK_EQ(c, 'w');
}

/* A private mapping of a reading end may be written: it writes to a copy. */
TEST(private_mapping_of_a_reading_end)
{
	int fd = region(PAGE), r = ends(fd, IPCX_READ);
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, r, 0), c;

	CHECK(p != MAP_FAILED);
	CHECK_EQ(pwrite(fd, "ab", 2, 0), 2);
	CHECK_EQ(*p, 'a');
	*p = 'p';
	CHECK_EQ(pread(fd, &c, 1, 0), 1);
	CHECK_EQ(c, 'a');
	CHECK_EQ(p[1], 'b');
}

TEST(restrict_only_reduces)
{
	static const unsigned int all[] = { IPCX_READ, IPCX_WRITE, IPCX_READ | IPCX_WRITE };
	int fds[3] = { sem(0, 1), region(1), queue() };
	size_t k, i, j;

	for (k = 0; k < 3; k++) {
		for (i = 0; i < 3; i++) {
			int have = ends(fds[k], all[i]);

			CHECK_EQ(object_stat(have).rights, all[i]);
			CHECK_EQ(object_stat(have).id, object_stat(fds[k]).id);
			for (j = 0; j < 3; j++) {
				int ret = ipcx_restrict(have, all[j]);

				if (all[j] & ~all[i])
					CHECK_EQ(ret, -EACCES);
				else
					CHECK_EQ(object_stat(CHECK_OK(ret)).rights, all[j]);
			}
			CHECK_ERR(ipcx_restrict(have, 0), EINVAL);
			CHECK_ERR(ipcx_restrict(have, 4), EINVAL);
			CHECK_ERR(ipcx_restrict(have, all[i] | 1u << 31), EINVAL);
			/* the access mode cannot be changed either */
			CHECK_SYS(fcntl(have, F_SETFL, O_RDWR | O_NONBLOCK));
			CHECK_EQ(object_stat(have).rights, all[i]);
		}
	}
}

TEST(users_counts_open_files)
{
	int s = sem(0, 1), r;

	CHECK_EQ(object_stat(s).users, 1);
	r = ends(s, IPCX_READ);
	CHECK_EQ(object_stat(s).users, 2);
	CHECK_SYS(dup(s));
	CHECK_EQ(object_stat(s).users, 2);
	close(r);
	CHECK_EQ(object_stat(s).users, 1);
}

static int child_uses(void *arg)
{
	int *fds = arg;

	CHECK_OK(ipcx_sem_post(fds[0], 2));
	CHECK_ERR(ipcx_sem_post(fds[1], 1), EACCES);
	CHECK_EQ(object_stat(fds[1]).rights, IPCX_READ);
	return 0;
}

TEST(children_inherit_with_the_same_rights)
{
	int fds[2] = { sem(0, 9) };

	fds[1] = ends(fds[0], IPCX_READ);
	CHECK_EXITS(spawn(child_uses, fds), 0);
	CHECK_EQ(sem_stat(fds[0]).count, 2);
	NEED_ROOT();
	/* holding the descriptor is the permission, whoever one is */
	CHECK_EXITS(spawn_as(TEST_UID_NOBODY, child_uses, fds), 0);
	CHECK_EQ(sem_stat(fds[0]).count, 4);
}

static int receiver(void *arg)
{
	int fd[3], i;
	void *p;

	for (i = 0; i < 3; i++)
		fd[i] = recv_fd((long)arg);
	CHECK_OK(ipcx_sem_wait(fd[0], 1, 0, ipcx_after_ms(TEST_SOON_MS)));
	CHECK_ERR(ipcx_sem_post(fd[0], 1), EACCES);
	CHECK_OK(ipcx_region_map(fd[1], PROT_READ, &p, NULL));
	CHECK_STR(p, "passed");
	CHECK_ERR(ipcx_region_map(fd[1], PROT_READ | PROT_WRITE, &p, NULL), EACCES);
	CHECK_OK(ipcx_queue_send(fd[2], "answer", 6));
	return 0;
}

TEST(passed_over_a_socket)
{
	int s[2], fds[3] = { sem(0, 9), region(PAGE), queue() };
	char buf[8];
	pid_t pid;

	NEED_ROOT();
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	pid = spawn_as(TEST_UID_BOB, receiver, (void *)(long)s[1]);
	strcpy(map(fds[1], PAGE, PROT_READ | PROT_WRITE), "passed");
	send_fd(s[0], ends(fds[0], IPCX_READ));
	send_fd(s[0], ends(fds[1], IPCX_READ));
	send_fd(s[0], ends(fds[2], IPCX_WRITE));
	CHECK_OK(ipcx_sem_post(fds[0], 1));
	CHECK_EXITS(pid, 0);
	CHECK_EQ(ipcx_queue_recv(fds[2], buf, 8), 6);
}

/* An object whose only reference is in a socket's buffer lives, and goes with the socket. */
TEST(in_flight)
{
	uint64_t before = own_account();
	int s[2], fd = sem(3, 3);

	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	send_fd(s[0], fd);
	close(fd);
	fd = recv_fd(s[1]);
	CHECK_EQ(sem_stat(fd).count, 3);
	send_fd(s[0], fd);
	close(fd);
	close(s[0]);
	close(s[1]);
	CHECK_EQ(used_bytes(), before);
}

static int reopens(void *arg)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	int *fds = arg, i, m;
	char path[64];

	for (i = 0; fds[i] >= 0; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[i]);
		for (m = 0; m < 3; m++) {
			int fd = open(path, modes[m]);

			if (fd >= 0)
				FAIL("descriptor %d opened again with mode %d", i, modes[m]);
		}
		/* nor after trying to change the mode, the owner or the attributes */
		CHECK_REFUSED(fchmod(fds[i], 0666));
		CHECK_REFUSED(chmod(path, 0666));
		CHECK_REFUSED(fchown(fds[i], getuid(), getgid()));
		CHECK_SYS_ERR(truncate(path, 0), i < 2 ? EACCES : EINVAL);
		CHECK_SYS_ERR(open(path, O_RDWR), EACCES);
	}
	return 0;
}

static int makes_and_reopens(void *arg)
{
	int fds[5] = { region(PAGE), -1, sem(0, 1), queue(), -1 };

	fds[1] = ends(fds[0], IPCX_READ);
	return reopens((arg = fds));
}

TEST(proc_does_not_give_more_rights)
{
	NEED_ROOT();
	CHECK_EXITS(spawn_as(TEST_UID_ALICE, makes_and_reopens, NULL), 0);
}

/* Receives a reading end from another user: the way by which rights would be won. */
static int wants_more(void *arg)
{
	int fd = recv_fd((long)arg), again;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR);
	if (again >= 0)
		FAIL("a reading end became a writing one");
	CHECK_SYS_ERR(ftruncate(fd, 0), EINVAL);
	CHECK_SYS_ERR(fchmod(fd, 0666), EPERM);
	return 0;
}

TEST(a_received_reading_end_stays_one)
{
	int s[2], fd = region(PAGE);
	pid_t pid;

	NEED_ROOT();
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	pid = spawn_as(TEST_UID_BOB, wants_more, (void *)(long)s[1]);
	send_fd(s[0], ends(fd, IPCX_READ));
	CHECK_EXITS(pid, 0);
}

/* To look at an object takes any right to it, and gives none. */
static int look_as_stranger(void *arg)
{
	(void)arg;
	return ipcx_open("none", IPCX_KIND_ANY, 0, IPCX_OPEN_LOOK) != -EACCES ||
	       ipcx_open("write", IPCX_KIND_ANY, 0, IPCX_OPEN_LOOK) < 0;
}

TEST(looking)
{
	struct ipcx_options o = { .mode = 0600 };
	struct ipcx_queue_stat st;
	char buf[8];
	int fd, kind;

	own_names();
	CHECK_OK(ipcx_queue_create("none", NULL, &o));
	o.mode = 0602;
	CHECK_OK(ipcx_queue_create("write", NULL, &o));
	CHECK_OK(ipcx_region_create("region", PAGE, &o));
	CHECK_OK(ipcx_sem_create("sem", 1, 1, &o));
	fd = CHECK_OK(ipcx_open("write", IPCX_KIND_QUEUE, 0, IPCX_OPEN_LOOK));
	CHECK_EQ(object_stat(fd).rights, 0);
	CHECK_OK(ipcx_queue_stat(fd, &st));
	CHECK_ERR(ipcx_queue_send(fd, "x", 1), EACCES);
	CHECK_ERR(ipcx_queue_recv(fd, buf, sizeof(buf)), EACCES);
	CHECK_ERR(ipcx_shutdown(fd, IPCX_SHUT_SEND), EACCES);
	CHECK_ERR(ipcx_restrict(fd, IPCX_READ), EACCES);
	CHECK_SYS_ERR(write(fd, "x", 1), EBADF);
	CHECK_SYS_ERR(read(fd, buf, 1), EBADF);
	fd = CHECK_OK(ipcx_open("region", IPCX_KIND_ANY, 0, IPCX_OPEN_LOOK));
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, EACCES);
	CHECK_EQ(region_stat(fd).len, PAGE);
	fd = CHECK_OK(ipcx_open("sem", IPCX_KIND_ANY, 0, IPCX_OPEN_LOOK));
	CHECK_ERR(ipcx_sem_trywait(fd, 1), EACCES);
	CHECK_ERR(ipcx_sem_post(fd, 1), EACCES);
	for (kind = 0; kind < 2; kind++)
		CHECK_ERR(ipcx_open("sem", IPCX_KIND_ANY, IPCX_READ << kind, IPCX_OPEN_LOOK), EINVAL);
	CHECK_EXITS(spawn_as(TEST_UID_ALICE, look_as_stranger, NULL), 0);
}
