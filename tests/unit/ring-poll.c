// SPDX-License-Identifier: GPL-2.0
/*
 * Rings in a loop of poll(2) or epoll(7).  If this fails, a loop sleeps although there is a message or room, spins
 * although there is none, or is not told that the other end has gone.
 */
#include "ring-test.h"

#include <sys/epoll.h>
#include <sys/wait.h>

#define RX	IPCX_RING_RECEIVER
#define TX	IPCX_RING_SENDER

static int bell(void)
{
	return CHECK_SYS(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

static bool rings(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return CHECK_SYS(poll(&p, 1, 0)) == 1;
}

/* No wake-up may be lost, so this does not look again after the time that ipcx_ring_arm() says. */
static void wait_for(int epoll_fd)
{
	struct epoll_event event;

	CHECK_EQ(CHECK_SYS(epoll_wait(epoll_fd, &event, 1, TEST_SOON_MS)), 1);
}

static int epoll_of(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll_fd = CHECK_SYS(epoll_create1(EPOLL_CLOEXEC));

	CHECK_SYS(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event));
	return epoll_fd;
}

/* Receive from a loop; whatever the last call has said. */
static ssize_t recv_polling(struct ipcx_ring *ring, int epoll_fd, void *buf, size_t len)
{
	for (;;) {
		ssize_t ret = ipcx_ring_recv_until(ring, buf, len, IPCX_NOWAIT, 0);

		if (ret != -EAGAIN)
			return ret;
		ret = ipcx_ring_arm(ring, RX);
		if (ret == -EPIPE)
			return ret;
		if (CHECK_OK(ret) > 0)
			wait_for(epoll_fd);
	}
}

static int send_polling(struct ipcx_ring *ring, int epoll_fd, const void *buf, size_t len)
{
	for (;;) {
		int ret = ipcx_ring_send_until(ring, buf, len, IPCX_NOWAIT, 0);

		if (ret != -EAGAIN)
			return ret;
		if (CHECK_OK(ipcx_ring_arm(ring, TX)) > 0)
			wait_for(epoll_fd);
	}
}

static void one_message_one_ring(unsigned int flags)
{
	int fd = ring_fd(flags, 4, 56, 0), data = bell(), room = bell();
	struct ipcx_ring tx, rx;
	char buf[56] = "";

	ring_attach(&tx, fd, TX);
	ring_attach(&rx, fd, RX);
	CHECK_OK(ipcx_ring_set_bell(&tx, RX, data));
	CHECK_OK(ipcx_ring_set_bell(&rx, RX, data));
	CHECK_OK(ipcx_ring_set_bell(&tx, TX, room));
	CHECK_OK(ipcx_ring_set_bell(&rx, TX, room));

	CHECK_EQ(ipcx_ring_send(&tx, buf, 56), 0);
	CHECK(!rings(data));	/* nobody polls */
	CHECK_EQ(ipcx_ring_arm(&rx, RX), 0);
	CHECK_EQ(ipcx_ring_recv(&rx, buf, 56), 56);
	for (int i = 0; i < 9; i++) {
		CHECK_GT(CHECK_OK(ipcx_ring_arm(&rx, RX)), 0);
		CHECK(!rings(data));
		CHECK_EQ(ipcx_ring_send(&tx, buf, i), 0);
		CHECK(rings(data));
		CHECK_EQ(ipcx_ring_arm(&rx, RX), 0);
		CHECK_EQ(ipcx_ring_recv(&rx, buf, 56), i);
	}
	CHECK_GT(CHECK_OK(ipcx_ring_arm(&rx, RX)), 0);
	CHECK(!rings(data));

	for (int i = 0; i < 4; i++) {
		CHECK_EQ(ipcx_ring_arm(&tx, TX), 0);
		CHECK_EQ(ipcx_ring_send(&tx, buf, 56), 0);
	}
	for (int i = 0; i < 9; i++) {
		CHECK_GT(CHECK_OK(ipcx_ring_arm(&tx, TX)), 0);
		CHECK(!rings(room));
		CHECK_EQ(ipcx_ring_recv(&rx, buf, 56), 56);
		CHECK(rings(room));
		CHECK_EQ(ipcx_ring_arm(&tx, TX), 0);
		CHECK_EQ(ipcx_ring_send(&tx, buf, 56), 0);
	}
	close(data);
	close(room);
	close(fd);
}

TEST(one_message_one_ring)
{
	one_message_one_ring(0);
	one_message_one_ring(IPCX_RING_MANY);
}

/* A slot is no room for a message that needs more: a loop would never sleep. */
TEST(room_for_what_was_refused)
{
	int fd = ring_fd(0, 16, 600, 1024), room = bell();
	struct ipcx_ring tx, rx;
	char buf[600] = "";

	ring_attach(&tx, fd, TX);
	ring_attach(&rx, fd, RX);
	CHECK_OK(ipcx_ring_set_bell(&tx, TX, room));
	CHECK_OK(ipcx_ring_set_bell(&rx, TX, room));
	CHECK_EQ(ipcx_ring_send(&tx, buf, 600), 0);
	CHECK_ERR(ipcx_ring_send_until(&tx, buf, 600, IPCX_NOWAIT, 0), EAGAIN);
	CHECK_GT(CHECK_OK(ipcx_ring_arm(&tx, TX)), 0);
	CHECK_EQ(ipcx_ring_recv(&rx, buf, 600), 600);
	CHECK(rings(room));
	CHECK_EQ(ipcx_ring_arm(&tx, TX), 0);
	CHECK_EQ(ipcx_ring_send_until(&tx, buf, 600, IPCX_NOWAIT, 0), 0);
}

/* As many processes as there are ends: they send the numbers from 1 to nr each, now and then with a pause. */
static void loops(unsigned int flags, unsigned int slots, size_t len, unsigned int senders, unsigned int receivers,
		  uint64_t nr)
{
	int fd = ring_fd(flags, slots, len, 0), data = bell(), room = bell(), done[2];
	uint64_t sum = 0, got, total = 0;
	struct ipcx_ring ring;
	char buf[400];

	CHECK_SYS(pipe(done));
	for (unsigned int i = 0; i < senders + receivers; i++) {
		pid_t pid = fork();

		CHECK_GE(pid, 0);
		if (pid)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ring_attach(&ring, fd, i < senders ? TX : RX);
		CHECK_OK(ipcx_ring_set_bell(&ring, RX, data));
		CHECK_OK(ipcx_ring_set_bell(&ring, TX, room));
		if (i < senders) {
			int epoll_fd = epoll_of(room);

			for (uint64_t n = 1; n <= nr; n++) {
				memset(buf, (int)n, sizeof(buf));
				memcpy(buf, &n, sizeof(n));
				CHECK_EQ(send_polling(&ring, epoll_fd, buf, len), 0);
				if (!test_random_below(50))
					usleep(test_random_below(200));
			}
			_exit(ipcx_ring_detach(&ring) != 0);
		}
		for (int epoll_fd = epoll_of(data);;) {
			ssize_t ret = recv_polling(&ring, epoll_fd, buf, sizeof(buf));

			if (ret == -EPIPE)
				break;
			CHECK_EQ(ret, len);
			memcpy(&got, buf, sizeof(got));
			CHECK_EQ((unsigned char)buf[len - 1], len > 8 ? got & 0xff : (unsigned char)buf[len - 1]);
			sum += got;
			if (!test_random_below(50))
				usleep(test_random_below(200));
		}
		CHECK_EQ(write(done[1], &sum, sizeof(sum)), sizeof(sum));
		_exit(0);
	}
	for (unsigned int i = 0; i < receivers; i++) {
		struct pollfd p = { done[0], POLLIN, 0 };

		CHECK_EQ(CHECK_SYS(poll(&p, 1, 3 * TEST_SOON_MS)), 1);
		CHECK_EQ(read(done[0], &sum, sizeof(sum)), sizeof(sum));
		total += sum;
	}
	for (unsigned int i = 0; i < senders + receivers; i++) {
		int status;

		CHECK_SYS(wait(&status));
		CHECK_EQ(status, 0);
	}
	CHECK_EQ(total, senders * nr * (nr + 1) / 2);
}

TEST_LIMIT(no_wake_up_is_lost, 60000)
{
	loops(0, 4, 56, 1, 1, 20000);
	loops(0, 1, 8, 1, 1, 5000);
	loops(0, 64, 300, 1, 1, 20000);
}

TEST_LIMIT(no_wake_up_of_many_is_lost, 60000)
{
	loops(IPCX_RING_MANY, 4, 56, 2, 2, 5000);
	loops(IPCX_RING_MANY, 64, 56, 1, 3, 10000);
	loops(IPCX_RING_MANY, 2, 300, 3, 1, 3000);
}

/* One poller empties the descriptor, and finds two messages after all: the other must still be told of the second. */
TEST(who_empties_the_bell_rings_it_for_the_others)
{
	int fd = ring_fd(IPCX_RING_MANY, 8, 8, 0), data = bell();
	struct ipcx_ring tx, a, b;
	char buf[8];

	ring_attach(&tx, fd, TX);
	ring_attach(&a, fd, RX);
	ring_attach(&b, fd, RX);
	CHECK_OK(ipcx_ring_set_bell(&tx, RX, data));
	CHECK_OK(ipcx_ring_set_bell(&a, RX, data));
	CHECK_OK(ipcx_ring_set_bell(&b, RX, data));
	CHECK_GT(CHECK_OK(ipcx_ring_arm(&b, RX)), 0);
	CHECK_EQ(ipcx_ring_send(&tx, "1", 1), 0);
	CHECK_EQ(ipcx_ring_send(&tx, "2", 1), 0);
	CHECK_EQ(ipcx_ring_arm(&a, RX), 0);
	CHECK_EQ(ipcx_ring_recv(&a, buf, 8), 1);
	CHECK(rings(data));
	CHECK_EQ(ipcx_ring_arm(&b, RX), 0);
	CHECK_EQ(ipcx_ring_recv(&b, buf, 8), 1);
}

/* Whoever attaches, or is given the descriptor, after the other has armed. */
TEST(a_poller_that_was_first)
{
	for (int many = 0; many < 2; many++) {
		int fd = ring_fd(many ? IPCX_RING_MANY : 0, 4, 8, 0), data = bell();
		struct ipcx_ring tx, rx;

		ring_attach(&rx, fd, RX);
		CHECK_OK(ipcx_ring_set_bell(&rx, RX, data));
		CHECK_GT(CHECK_OK(ipcx_ring_arm(&rx, RX)), 0);
		ring_attach(&tx, fd, TX);
		CHECK_EQ(ipcx_ring_send(&tx, "1", 1), 0);
		CHECK(!rings(data));
		CHECK_OK(ipcx_ring_set_bell(&tx, RX, data));
		CHECK(rings(data));
		CHECK_EQ(ipcx_ring_arm(&rx, RX), 0);
	}
}

TEST(the_other_end_goes)
{
	for (int many = 0; many < 2; many++) {
		for (int killed = 0; killed < 2; killed++) {
			int fd = ring_fd(many ? IPCX_RING_MANY : 0, 4, 8, 0), data = bell();
			struct ipcx_ring tx, rx;
			char buf[8];
			pid_t pid;

			ring_attach(&rx, fd, RX);
			CHECK_OK(ipcx_ring_set_bell(&rx, RX, data));
			CHECK_GT(CHECK_OK(ipcx_ring_arm(&rx, RX)), 0);
			pid = fork();
			CHECK_GE(pid, 0);
			if (!pid) {
				ring_attach(&tx, fd, TX);
				CHECK_OK(ipcx_ring_set_bell(&tx, RX, data));
				CHECK_EQ(ipcx_ring_send(&tx, "1", 1), 0);
				if (killed)
					kill(getpid(), SIGKILL);
				_exit(ipcx_ring_detach(&tx) != 0);
			}
			if (killed)
				CHECK_KILLED_BY(pid, SIGKILL);
			else
				CHECK_EXITS(pid, 0);
			CHECK(rings(data));
			CHECK_EQ(ipcx_ring_arm(&rx, RX), 0);
			CHECK_EQ(ipcx_ring_recv(&rx, buf, 8), 1);
			CHECK_ERR(ipcx_ring_arm(&rx, RX), EPIPE);
		}
	}
}

/* The last one leaves while another polls. */
TEST(leaving_rings)
{
	for (int many = 0; many < 2; many++) {
		int fd = ring_fd(many ? IPCX_RING_MANY : 0, 4, 8, 0), data = bell(), room = bell();
		struct ipcx_ring tx, rx;

		ring_attach(&rx, fd, RX);
		ring_attach(&tx, fd, TX);
		CHECK_OK(ipcx_ring_set_bell(&rx, RX, data));
		CHECK_OK(ipcx_ring_set_bell(&tx, RX, data));
		CHECK_GT(CHECK_OK(ipcx_ring_arm(&rx, RX)), 0);
		CHECK_OK(ipcx_ring_detach(&tx));
		CHECK(rings(data));
		CHECK_ERR(ipcx_ring_arm(&rx, RX), EPIPE);

		ring_attach(&tx, fd, TX);
		CHECK_OK(ipcx_ring_set_bell(&rx, TX, room));
		CHECK_OK(ipcx_ring_set_bell(&tx, TX, room));
		for (int i = 0; i < 4; i++)
			CHECK_EQ(ipcx_ring_send(&tx, "1", 1), 0);
		CHECK_GT(CHECK_OK(ipcx_ring_arm(&tx, TX)), 0);
		CHECK_OK(ipcx_ring_detach(&rx));
		CHECK(rings(room));
		CHECK_ERR(ipcx_ring_arm(&tx, TX), EPIPE);
	}
}

TEST(wrong_arguments)
{
	int fd = ring_fd(0, 4, 8, 0), data = bell(), blocking = CHECK_SYS(eventfd(0, EFD_CLOEXEC));
	struct ipcx_ring tx, rx;

	ring_attach(&tx, fd, TX);
	ring_attach(&rx, fd, RX);
	CHECK_ERR(ipcx_ring_set_bell(&rx, 0, data), EINVAL);
	CHECK_ERR(ipcx_ring_set_bell(&rx, BOTH, data), EINVAL);
	CHECK_ERR(ipcx_ring_set_bell(&rx, RX, blocking), EINVAL);
	CHECK_ERR(ipcx_ring_set_bell(&rx, RX, 12345), EBADF);
	CHECK_ERR(ipcx_ring_arm(&rx, RX), EINVAL);
	CHECK_OK(ipcx_ring_set_bell(&rx, RX, data));
	CHECK_ERR(ipcx_ring_arm(&rx, BOTH), EINVAL);
	CHECK_ERR(ipcx_ring_arm(&rx, TX), EBADF);
	CHECK_ERR(ipcx_ring_arm(&tx, RX), EBADF);
	CHECK_GT(CHECK_OK(ipcx_ring_arm(&rx, RX)), 0);
	CHECK_OK(ipcx_ring_set_bell(&rx, RX, -1));
	CHECK_ERR(ipcx_ring_arm(&rx, RX), EINVAL);
	CHECK_OK(ipcx_ring_detach(&rx));
	CHECK_ERR(ipcx_ring_set_bell(&rx, RX, data), EBADF);
	CHECK_ERR(ipcx_ring_arm(&rx, RX), EBADF);
}

/* A bell that is full, or is rung for nothing, costs a look. */
TEST(a_bell_that_others_fill)
{
	int fd = ring_fd(0, 4, 8, 0), data = bell();
	struct ipcx_ring ring;
	uint64_t n;

	ring_attach(&ring, fd, BOTH);
	CHECK_OK(ipcx_ring_set_bell(&ring, RX, data));
	n = UINT64_MAX - 1;
	CHECK_EQ(CHECK_SYS(write(data, &n, sizeof(n))), sizeof(n));
	CHECK_GT(CHECK_OK(ipcx_ring_arm(&ring, RX)), 0);
	CHECK(!rings(data));
	CHECK_EQ(CHECK_SYS(write(data, &n, sizeof(n))), sizeof(n));
	errno = 77;
	CHECK_EQ(ipcx_ring_send(&ring, "1", 1), 0);
	CHECK_EQ(errno, 77);
	CHECK_EQ(ipcx_ring_arm(&ring, RX), 0);
	CHECK_EQ(ipcx_ring_recv(&ring, &n, 8), 1);
	CHECK_GT(CHECK_OK(ipcx_ring_arm(&ring, RX)), 0);
	CHECK_EQ(errno, 77);
	close(data);
	CHECK_EQ(ipcx_ring_send(&ring, "1", 1), 0);
	CHECK_EQ(errno, 77);
}

/* A bell costs nothing while nobody polls. */
TEST(no_system_call_while_nobody_polls)
{
	int fd = ring_fd(0, 8, 56, 0), data = bell(), room = bell();
	struct ipcx_ring ring;
	char buf[56] = "";
	pid_t pid = fork();

	CHECK_GE(pid, 0);
	if (pid) {
		CHECK_EXITS(pid, 0);
		return;
	}
	ring_attach(&ring, fd, BOTH);
	CHECK_OK(ipcx_ring_set_bell(&ring, RX, data));
	CHECK_OK(ipcx_ring_set_bell(&ring, TX, room));
	CHECK_GT(CHECK_OK(ipcx_ring_arm(&ring, RX)), 0);
	CHECK_EQ(ipcx_ring_send(&ring, buf, 56), 0);
	CHECK_EQ(ipcx_ring_recv(&ring, buf, 56), 56);
	forbid_system_calls();
	for (int i = 0; i < 100; i++)
		if (ipcx_ring_send(&ring, buf, 56) || ipcx_ring_recv(&ring, buf, 56) != 56)
			EXIT_STRICTLY(1);
	EXIT_STRICTLY(0);
}
