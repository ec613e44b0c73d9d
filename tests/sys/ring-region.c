// SPDX-License-Identifier: GPL-2.0
/*
 * Rings in regions: by name, between users, with the region's rights and quota.  What a ring does
 * is tested without the module, in unit/ring-*.c; if this fails, it does not do it in a region.
 */
#include "object.h"

#include <fcntl.h>
#include <ipcx-ring.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define QUOTA	"/sys/module/ipcx/parameters/user_bytes"

static void attach(struct ipcx_ring *ring, int fd, unsigned int role)
{
	POISON(*ring);
	CHECK_EQ(ipcx_ring_attach(ring, fd, role), 0);
}

static int sender(void *arg)
{
	struct ipcx_ring ring;
	int fd = CHECK_OK(ipcx_open("ring", IPCX_KIND_REGION, 0, 0));

	attach(&ring, fd, IPCX_RING_SENDER);
	close(fd);
	for (uint64_t n = 0; n < 20000; n++)
		CHECK_EQ(ipcx_ring_send(&ring, &n, sizeof(n)), 0);
	if (arg)
		return hang();
	CHECK_EQ(ipcx_ring_detach(&ring), 0);
	return 0;
}

static void by_name(bool killed)
{
	struct ipcx_options o = { .mode = 0666 };
	struct ipcx_ring ring;
	uint64_t n;
	pid_t pid;
	int fd;

	own_names();
	fd = CHECK_OK(ipcx_ring_create("ring", NULL, &o));
	/* the same call opens it */
	close(CHECK_OK(ipcx_ring_create("ring", &(struct ipcx_ring_limits){ .slots = 9999 }, NULL)));
	o.flags = IPCX_CREATE_EXCL;
	CHECK_ERR(ipcx_ring_create("ring", NULL, &o), EEXIST);
	CHECK_ERR(ipcx_ring_format(fd, NULL), EEXIST);
	pid = spawn_as(TEST_UID_ALICE, sender, (void *)killed);
	attach(&ring, fd, IPCX_RING_RECEIVER);
	for (uint64_t want = 0; want < 20000; want++) {
		CHECK_EQ(ipcx_ring_recv(&ring, &n, sizeof(n)), sizeof(n));
		CHECK_EQ(n, want);
	}
	if (killed) {
		kill(pid, SIGKILL);
		CHECK_KILLED_BY(pid, SIGKILL);
	}
	CHECK_ERR(ipcx_ring_recv(&ring, &n, sizeof(n)), EPIPE);
	if (!killed)
		CHECK_EXITS(pid, 0);
	CHECK_EQ(ipcx_ring_detach(&ring), 0);
	CHECK_OK(ipcx_unlink("ring"));
}

TEST(two_users_and_a_name)
{
	by_name(false);
}

TEST(a_user_is_killed)
{
	by_name(true);
}

TEST(the_descriptor_needs_both_rights)
{
	int fd = CHECK_OK(ipcx_ring_create(NULL, NULL, NULL));
	struct ipcx_ring ring;

	CHECK_ERR(ipcx_ring_attach(&ring, CHECK_OK(ipcx_restrict(fd, IPCX_READ)), IPCX_RING_RECEIVER),
		  EACCES);
	CHECK_ERR(ipcx_ring_attach(&ring, CHECK_OK(ipcx_restrict(fd, IPCX_WRITE)), IPCX_RING_SENDER),
		  EACCES);
	CHECK_ERR(ipcx_ring_attach(&ring, queue(), IPCX_RING_SENDER), EPERM);
	attach(&ring, fd, IPCX_RING_SENDER);
}

TEST(detaching_leaves_nothing)
{
	uint64_t before = own_account();
	int fds = open_fds();
	struct ipcx_ring ring;

	for (int i = 0; i < 100; i++) {
		int fd = CHECK_OK(ipcx_ring_create(NULL, NULL, NULL));

		attach(&ring, fd, IPCX_RING_SENDER | IPCX_RING_POPULATE);
		CHECK_GT(used_bytes(), before);
		close(fd);
		CHECK_EQ(ipcx_ring_detach(&ring), 0);
	}
	CHECK_SOON(used_bytes() == before);
	CHECK_EQ(open_fds(), fds);
}

/* Its owner could use up the quota, or punch a hole and use up what that leaves: the next touch would kill. */
TEST(memory_that_can_vanish_is_refused)
{
	int fd = CHECK_OK(ipcx_region_create(NULL, 1 << 20, NULL));
	struct ipcx_options reserved = { .flags = IPCX_REGION_RESERVED };
	struct ipcx_msem sem;
	struct ipcx_ring ring;

	CHECK_ERR(ipcx_ring_format(fd, NULL), EPERM);
	CHECK_ERR(ipcx_ring_attach(&ring, fd, IPCX_RING_RECEIVER), EPERM);
	CHECK_ERR(ipcx_msem_attach(&sem, fd), EPERM);
	fd = CHECK_OK(ipcx_region_create(NULL, 1 << 20, &reserved));
	CHECK_EQ(ipcx_ring_format(fd, NULL), 0);
	CHECK_EQ(ipcx_ring_attach(&ring, fd, IPCX_RING_RECEIVER), 0);
}

static int create_large(void *arg)
{
	struct ipcx_ring_limits limits = { .slots = 1024, .max_len = 1 << 20 };

	(void)arg;
	CHECK_ERR(ipcx_ring_create(NULL, &limits, NULL), EDQUOT);
	return 0;
}

TEST(memory_beyond_the_quota_is_an_error_and_no_signal)
{
	char before[32];
	int status;

	NEED_ROOT();
	read_text(QUOTA, before, sizeof(before));
	/* the memory of the machine is smaller than the usual quota */
	write_text(QUOTA, "4194304");
	status = wait_child(spawn_as(TEST_UID_ALICE, create_large, NULL), TEST_SOON_MS);
	write_text(QUOTA, before);
	CHECK_EQ(status, 0);
}

/* Several users at one ring of many; one of them is killed with a slot in its hands. */
static int claims(void *arg)
{
	struct ipcx_ring ring;
	void *addr;

	attach(&ring, (int)(long)arg, IPCX_RING_SENDER);
	CHECK_EQ(ipcx_ring_reserve(&ring, &addr, 8, 0, IPCX_FOREVER), 0);
	CHECK_SYS(raise(SIGKILL));
	return 1;
}

static unsigned int *nr_attached;

static int sends_1000(void *arg)
{
	struct ipcx_ring ring;

	attach(&ring, (int)(long)arg, IPCX_RING_SENDER);
	__atomic_fetch_add(nr_attached, 1, __ATOMIC_RELAXED);
	for (uint64_t n = 1; n <= 1000; n++)
		CHECK_EQ(ipcx_ring_send(&ring, &n, sizeof(n)), 0);
	return 0;
}

TEST(many_users)
{
	struct ipcx_ring_limits limits = { .flags = IPCX_RING_MANY, .max_len = 8 };
	uint64_t n, nr = 0, sum = 0;
	struct ipcx_ring ring;
	pid_t pid[4];
	int fd;

	NEED_ROOT();
	nr_attached = map(region(PAGE), PAGE, PROT_READ | PROT_WRITE);
	fd = CHECK_OK(ipcx_ring_create(NULL, &limits, NULL));
	attach(&ring, fd, IPCX_RING_RECEIVER);
	pid[0] = spawn_as(TEST_UID_BOB, claims, (void *)(long)fd);
	CHECK_KILLED_BY(pid[0], SIGKILL);
	for (int i = 1; i < 4; i++)
		pid[i] = spawn_as(TEST_UID_ALICE, sends_1000, (void *)(long)fd);
	/* that all have gone is told too, and until the first has come that is so */
	CHECK_SOON(__atomic_load_n(nr_attached, __ATOMIC_RELAXED) == 3);
	while (nr < 3000) {
		CHECK_EQ(ipcx_ring_recv_until(&ring, &n, 8, 0, ipcx_after_ms(TEST_SOON_MS)), 8);
		sum += n;
		nr++;
	}
	CHECK_EQ(sum, 3 * 500500);
	for (int i = 1; i < 4; i++)
		CHECK_EXITS(pid[i], 0);
	CHECK_ERR(ipcx_ring_recv(&ring, &n, 8), EPIPE);
}

static int rings_a_semaphore(void *arg)
{
	int fd = CHECK_OK(ipcx_open("ring", IPCX_KIND_REGION, 0, 0)), bell;
	struct ipcx_ring ring;

	(void)arg;
	/* no right to read: it cannot take the unit away */
	bell = CHECK_OK(ipcx_open("bell", IPCX_KIND_SEM, IPCX_WRITE, 0));
	CHECK_SYS(fcntl(bell, F_SETFL, O_NONBLOCK));
	attach(&ring, fd, IPCX_RING_SENDER);
	CHECK_OK(ipcx_ring_set_bell(&ring, IPCX_RING_RECEIVER, bell));
	for (uint64_t n = 1; n <= 2000; n++) {
		CHECK_EQ(ipcx_ring_send(&ring, &n, sizeof(n)), 0);
		if (n % 50 == 0)
			usleep(1);
	}
	return ipcx_ring_detach(&ring);
}

/* What a peer sends as a bell may be meant to kill or to block who rings it. */
TEST(other_descriptors_are_no_bells)
{
	int fd = CHECK_OK(ipcx_ring_create(NULL, NULL, NULL)), pipes[2], streams[2], sockets[2];
	struct ipcx_ring ring;

	attach(&ring, fd, IPCX_RING_SENDER);
	CHECK_SYS(pipe2(pipes, O_NONBLOCK | O_CLOEXEC));
	CHECK_OK(ipcx_stream_pipe(streams, 0));
	CHECK_SYS(fcntl(streams[1], F_SETFL, O_NONBLOCK));
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets));
	CHECK_ERR(ipcx_ring_set_bell(&ring, IPCX_RING_RECEIVER, pipes[1]), EINVAL);
	CHECK_ERR(ipcx_ring_set_bell(&ring, IPCX_RING_RECEIVER, streams[1]), EINVAL);
	CHECK_ERR(ipcx_ring_set_bell(&ring, IPCX_RING_RECEIVER, sockets[1]), EINVAL);
	CHECK_ERR(ipcx_ring_set_bell(&ring, IPCX_RING_RECEIVER, eventfd(0, 0)), EINVAL);
	CHECK_ERR(ipcx_ring_set_bell(&ring, IPCX_RING_RECEIVER, 999), EBADF);
	CHECK_OK(ipcx_ring_set_bell(&ring, IPCX_RING_RECEIVER, eventfd(0, EFD_NONBLOCK)));
	CHECK_OK(ipcx_ring_set_bell(&ring, IPCX_RING_RECEIVER, -1));
}

/* A bell that has a name, as the ring has: nothing needs to be passed on. */
TEST(polled_by_a_semaphore)
{
	struct ipcx_options o = { .mode = 0666 };
	struct pollfd p = { .events = POLLIN };
	uint64_t n, want = 1;
	struct ipcx_ring ring;
	ssize_t ret;
	pid_t pid;
	int fd;

	own_names();
	fd = CHECK_OK(ipcx_ring_create("ring", NULL, &o));
	p.fd = CHECK_OK(ipcx_sem_create("bell", 0, 1, &o));
	CHECK_SYS(fcntl(p.fd, F_SETFL, O_NONBLOCK));
	attach(&ring, fd, IPCX_RING_RECEIVER);
	CHECK_OK(ipcx_ring_set_bell(&ring, IPCX_RING_RECEIVER, p.fd));
	pid = spawn_as(TEST_UID_ALICE, rings_a_semaphore, NULL);
	for (;;) {
		ret = ipcx_ring_recv_until(&ring, &n, sizeof(n), IPCX_NOWAIT, 0);
		if (ret == -EAGAIN) {
			ret = ipcx_ring_arm(&ring, IPCX_RING_RECEIVER);
			/* not for as long as it says: no wake-up may be lost */
			if (ret > 0)
				CHECK_EQ(CHECK_SYS(poll(&p, 1, TEST_SOON_MS)), 1);
			if (ret >= 0)
				continue;
		}
		if (ret < 0)
			break;
		CHECK_EQ(n, want);
		want++;
	}
	CHECK_EQ(ret, -EPIPE);
	CHECK_EQ(want, 2001);
	CHECK_EXITS(pid, 0);
	CHECK_OK(ipcx_unlink("ring"));
	CHECK_OK(ipcx_unlink("bell"));
}
