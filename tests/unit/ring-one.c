// SPDX-License-Identifier: GPL-2.0
/*
 * Rings of one sender and one receiver.  If this fails, a message is lost, torn or out of order, a
 * side sleeps although there is something to do, or it does not learn that the other has gone.
 */
#include "ring-test.h"

/* Every length, through the end of the ring several times. */
static void every_length(size_t max_len, unsigned int slots, size_t bytes)
{
	int fd = ring_fd(0, slots, max_len, bytes);
	unsigned char in[600], out[600 + 2];
	struct ipcx_ring ring;
	uint64_t seq = 0;

	ring_attach(&ring, fd, BOTH);
	for (int turn = 0; turn < 3; turn++) {
		for (size_t len = 0; len <= max_len; len++, seq++) {
			fill(in, len, seq);
			CHECK_EQ(ipcx_ring_send(&ring, in, len), 0);
			memset(out, 0x5a, sizeof(out));
			CHECK_EQ(ipcx_ring_recv(&ring, out + 1, max_len), len);
			check_filled(out + 1, len, seq);
			CHECK_EQ(out[0], 0x5a);
			CHECK_EQ(out[len + 1], 0x5a);
		}
	}
	CHECK_OK(ipcx_ring_detach(&ring));
	close(fd);
}

TEST(every_length_arrives)
{
	every_length(56, 4, 0);
	every_length(1, 1, 0);
	every_length(57, 2, 0);
	every_length(130, 8, 0);
	every_length(600, 4, 0);
	every_length(600, 16, 600);
	every_length(600, 16, 4096);
}

TEST(full_and_empty)
{
	int fd = ring_fd(0, 3, 8, 0);
	struct ipcx_ring_stat st;
	struct ipcx_ring ring;
	uint64_t n;

	ring_attach(&ring, fd, BOTH);
	CHECK_ERR(ipcx_ring_recv_until(&ring, &n, 8, IPCX_NOWAIT, IPCX_FOREVER), EAGAIN);
	CHECK_ERR(ipcx_ring_recv_until(&ring, &n, 8, 0, 0), ETIMEDOUT);
	CHECK_ERR(ipcx_ring_recv_until(&ring, &n, 8, IPCX_REALTIME, 1), ETIMEDOUT);
	for (n = 0; n < 4; n++)
		CHECK_EQ(ipcx_ring_send_until(&ring, &n, 8, IPCX_NOWAIT, IPCX_FOREVER), 0);
	CHECK_ERR(ipcx_ring_send_until(&ring, &n, 8, IPCX_NOWAIT, IPCX_FOREVER), EAGAIN);
	CHECK_ERR(ipcx_ring_send_until(&ring, &n, 8, 0, test_now_ns() + 3000000), ETIMEDOUT);
	CHECK_OK(ipcx_ring_stat(&ring, &st));
	CHECK_EQ(st.slots, 4);
	CHECK_EQ(st.used, 4);
	CHECK_EQ(st.max_len, 8);
	for (uint64_t want = 0; want < 4; want++) {
		CHECK_EQ(ipcx_ring_recv(&ring, &n, 8), 8);
		CHECK_EQ(n, want);
	}
	CHECK_ERR(ipcx_ring_recv_until(&ring, &n, 8, 0, test_now_ns() + 3000000), ETIMEDOUT);
}

TEST(wrong_arguments)
{
	struct ipcx_ring ring, other;
	int fd = ring_fd(0, 4, 100, 0);
	char buf[200];
	struct iovec msg = { buf, 10 };
	void *addr = &addr;

	CHECK_ERR(ipcx_ring_attach(&ring, fd, 0), EINVAL);
	CHECK_ERR(ipcx_ring_attach(&ring, fd, 1U << 7 | BOTH), EINVAL);
	CHECK_ERR(ipcx_ring_attach(&ring, -1, BOTH), EBADF);
	ring_attach(&ring, fd, IPCX_RING_SENDER);
	ring_attach(&other, fd, IPCX_RING_RECEIVER);
	CHECK_ERR(ipcx_ring_send(&ring, buf, 101), EMSGSIZE);
	CHECK_ERR(ipcx_ring_send(&ring, buf, SIZE_MAX), EMSGSIZE);
	CHECK_ERR(ipcx_ring_send_until(&ring, buf, 1, 1U << 9, IPCX_FOREVER), EINVAL);
	CHECK_ERR(ipcx_ring_reserve(&ring, &addr, 101, 0, IPCX_FOREVER), EMSGSIZE);
	CHECK(addr == &addr);
	CHECK_ERR(ipcx_ring_sendv(&ring, &msg, 0, 0, IPCX_FOREVER), EINVAL);
	CHECK_ERR(ipcx_ring_commit(&ring, 1), EINVAL);
	CHECK_ERR(ipcx_ring_recv_until(&other, buf, 1, 1U << 9, 0), EINVAL);
	CHECK_ERR(ipcx_ring_peekv(&other, &msg, 0, 0, 0), EINVAL);
	CHECK_ERR(ipcx_ring_release(&other, 1), EINVAL);
	/* each end does only what it is for */
	CHECK_ERR(ipcx_ring_recv(&ring, buf, 1), EBADF);
	CHECK_ERR(ipcx_ring_send(&other, buf, 1), EBADF);
	CHECK_EQ(ipcx_ring_send(&ring, "0123456789", 10), 0);
	CHECK_ERR(ipcx_ring_recv(&other, buf, 9), EMSGSIZE);
	CHECK_EQ(ipcx_ring_recv(&other, buf, 10), 10);
	CHECK_OK(ipcx_ring_detach(&ring));
	CHECK_ERR(ipcx_ring_detach(&ring), EBADF);
	CHECK_ERR(ipcx_ring_send(&ring, buf, 1), EBADF);
	CHECK_ERR(ipcx_ring_stat(&ring, &(struct ipcx_ring_stat){}), EBADF);
	CHECK_ERR(ipcx_ring_set_spin(&ring, 0), EBADF);
}

TEST(impossible_rings)
{
	static const struct ipcx_ring_limits wrong[] = {
		{ .flags = 1U << 5 },
		{ .slots = IPCX_RING_MAX_SLOTS + 1 },
		{ .max_len = IPCX_RING_MAX_LEN + 1ULL },
		{ .max_len = 1000, .bytes = 999 },
		{ .slots = IPCX_RING_MAX_SLOTS, .max_len = IPCX_RING_MAX_LEN },
		{ .bytes = SIZE_MAX },
		{ .flags = IPCX_RING_MANY, .max_len = 100, .bytes = 1000 },
		{ .flags = IPCX_RING_MANY, .max_len = 1 << 28 },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CHECK_EQ(ipcx_ring_size(&wrong[i]), 0);
		CHECK_ERR(ipcx_ring_create(NULL, &wrong[i], NULL), EINVAL);
	}
}

TEST(format_and_attach_refuse_other_memory)
{
	struct ipcx_ring_limits limits = { .slots = 8 };
	size_t size = ipcx_ring_size(&limits);
	int fd = (int)CHECK_SYS(memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	struct ipcx_ring ring;

	CHECK_ERR(ipcx_ring_format(fd, &limits), EPERM);
	CHECK_SYS(ftruncate(fd, (off_t)size));
	/* a peer could shorten it under us */
	CHECK_ERR(ipcx_ring_format(fd, &limits), EPERM);
	CHECK_ERR(ipcx_ring_attach(&ring, fd, BOTH), EPERM);
	CHECK_SYS(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	CHECK_ERR(ipcx_ring_attach(&ring, fd, BOTH), ENODATA);
	limits.slots = 4096;
	CHECK_ERR(ipcx_ring_format(fd, &limits), ENOSPC);
	limits.slots = 8;
	CHECK_EQ(ipcx_ring_format(fd, &limits), 0);
	CHECK_ERR(ipcx_ring_format(fd, &limits), EEXIST);
	ring_attach(&ring, fd, BOTH);
	close(fd);
	CHECK_EQ(ipcx_ring_send(&ring, "x", 1), 0);
	CHECK_ERR(ipcx_ring_format((int)CHECK_SYS(open("/dev/null", O_RDWR)), NULL), EPERM);
	/* and there may be no huge page left when one is touched */
	fd = memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);
	if (fd >= 0) {
		CHECK_SYS(ftruncate(fd, 2 << 20));
		CHECK_SYS(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
		CHECK_ERR(ipcx_ring_format(fd, NULL), EPERM);
	}
}

TEST(an_end_has_one_owner)
{
	int fd = ring_fd(0, 4, 8, 0);
	struct ipcx_ring a, b;
	pid_t pid;

	ring_attach(&a, fd, IPCX_RING_SENDER);
	CHECK_ERR(ipcx_ring_attach(&b, fd, IPCX_RING_SENDER), EBUSY);
	CHECK_ERR(ipcx_ring_attach(&b, fd, BOTH), EBUSY);
	ring_attach(&b, fd, IPCX_RING_RECEIVER);
	CHECK_EQ(ipcx_ring_send(&a, "1", 1), 0);
	CHECK_OK(ipcx_ring_detach(&a));
	/* the next goes on where it stopped */
	pid = fork();
	CHECK_GE(pid, 0);
	if (!pid) {
		ring_attach(&a, fd, IPCX_RING_SENDER);
		CHECK_EQ(ipcx_ring_send(&a, "2", 1), 0);
		kill(getpid(), SIGKILL);
	}
	CHECK_KILLED_BY(pid, SIGKILL);
	ring_attach(&a, fd, IPCX_RING_SENDER);
	CHECK_EQ(ipcx_ring_send(&a, "3", 1), 0);
	for (char want = '1'; want <= '3'; want++) {
		char got = 0;

		CHECK_EQ(ipcx_ring_recv(&b, &got, 1), 1);
		CHECK_EQ(got, want);
		if (want == '1') {
			/* and so does the next receiver */
			CHECK_OK(ipcx_ring_detach(&b));
			ring_attach(&b, fd, IPCX_RING_RECEIVER);
		}
	}
}

/* Killed after the message was there: no other takes its place, even if nothing else was noted. */
TEST(sender_killed_in_the_middle)
{
	int fd = ring_fd(0, 4, 8, 0);
	struct ipcx_ring_stat st;
	struct ipcx_ring tx, rx;
	size_t len;
	char *raw = raw_memory(fd, &len), got;

	ring_attach(&rx, fd, IPCX_RING_RECEIVER);
	for (int i = 0; i < 22; i++) {
		int there = i % 4 + 1;

		for (int n = 0; n < there; n++) {
			pid_t pid = fork();

			CHECK_GE(pid, 0);
			if (!pid) {
				ring_attach(&tx, fd, IPCX_RING_SENDER);
				CHECK_EQ(ipcx_ring_send(&tx, &"abcdefgh"[n], 1), 0);
				kill(getpid(), SIGKILL);
			}
			CHECK_KILLED_BY(pid, SIGKILL);
			memset(raw + 128, 0x5a, 8);	/* of the sender's line */
		}
		CHECK_OK(ipcx_ring_stat(&rx, &st));
		CHECK_EQ(st.used, there);
		for (int n = 0; n < there; n++) {
			CHECK_EQ(ipcx_ring_recv(&rx, &got, 1), 1);
			CHECK_EQ(got, "abcdefgh"[n]);
		}
		CHECK_OK(ipcx_ring_stat(&rx, &st));
		CHECK_EQ(st.used, 0);
	}
}

TEST(in_place)
{
	int fd = ring_fd(0, 4, 100, 0);
	struct ipcx_ring ring;
	struct iovec msgs[9];
	const void *at;
	void *addr;

	ring_attach(&ring, fd, BOTH);
	CHECK_EQ(ipcx_ring_reserve(&ring, &addr, 100, 0, IPCX_FOREVER), 0);
	fill(addr, 60, 1);
	/* nothing is sent before it is committed */
	CHECK_ERR(ipcx_ring_peek(&ring, &at, IPCX_NOWAIT, 0), EAGAIN);
	CHECK_EQ(ipcx_ring_commit(&ring, 60), 0);
	CHECK_ERR(ipcx_ring_commit(&ring, 60), EINVAL);
	CHECK_EQ(ipcx_ring_peek(&ring, &at, 0, IPCX_FOREVER), 60);
	check_filled(at, 60, 1);
	/* it stays */
	CHECK_EQ(ipcx_ring_peek(&ring, &at, 0, IPCX_FOREVER), 60);
	CHECK_EQ(ipcx_ring_release(&ring, 1), 0);
	CHECK_ERR(ipcx_ring_peek(&ring, &at, IPCX_NOWAIT, 0), EAGAIN);

	/* as many as there is room for; some of them are given back */
	for (int i = 0; i < 9; i++)
		msgs[i].iov_len = 100;
	CHECK_EQ(ipcx_ring_reservev(&ring, msgs, 9, IPCX_NOWAIT, 0), 4);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ((uintptr_t)msgs[i].iov_base % 8, 0);
		msgs[i].iov_len = 10 + i;
		fill(msgs[i].iov_base, 10 + i, i);
	}
	CHECK_ERR(ipcx_ring_commitv(&ring, msgs, 5), EINVAL);
	msgs[0].iov_len = 101;
	CHECK_ERR(ipcx_ring_commitv(&ring, msgs, 1), EMSGSIZE);
	msgs[0].iov_len = 10;
	CHECK_EQ(ipcx_ring_commitv(&ring, msgs, 3), 0);
	CHECK_EQ(ipcx_ring_send(&ring, "end", 3), 0);
	CHECK_EQ(ipcx_ring_peekv(&ring, msgs, 9, 0, IPCX_FOREVER), 4);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(msgs[i].iov_len, 10 + i);
		check_filled(msgs[i].iov_base, 10 + i, i);
	}
	CHECK_MEM(msgs[3].iov_base, "end", 3);
	CHECK_EQ(ipcx_ring_release(&ring, 1), 0);
	CHECK_EQ(ipcx_ring_release(&ring, 2), 0);
	CHECK_ERR(ipcx_ring_release(&ring, 2), EINVAL);
	CHECK_EQ(ipcx_ring_peekv(&ring, msgs, 9, 0, IPCX_FOREVER), 1);
	CHECK_MEM(msgs[0].iov_base, "end", 3);
}

TEST(many_in_one_call)
{
	int fd = ring_fd(0, 8, 300, 1024);
	char in[6][300], out[12][300];
	struct iovec tx[6], rx[12];
	struct ipcx_ring ring;
	uint64_t sent = 0, received = 0;

	ring_attach(&ring, fd, BOTH);
	for (int turn = 0; turn < 2000; turn++) {
		int n;

		for (int i = 0; i < 6; i++) {
			tx[i] = (struct iovec){ in[i], test_random_below(301) };
			fill(in[i], tx[i].iov_len, sent + i);
			memcpy(in[i], &tx[i].iov_len, tx[i].iov_len < 8 ? tx[i].iov_len : 8);
		}
		n = ipcx_ring_sendv(&ring, tx, 1 + test_random_below(6), IPCX_NOWAIT, 0);
		if (n != -EAGAIN)
			sent += CHECK_OK(n);
		for (int i = 0; i < 12; i++)
			rx[i] = (struct iovec){ out[i], 300 };
		n = ipcx_ring_recvv(&ring, rx, 1 + test_random_below(12), IPCX_NOWAIT, 0);
		if (n == -EAGAIN)
			n = 0;
		CHECK_OK(n);
		for (int i = 0; i < n; i++, received++) {
			size_t len = rx[i].iov_len;
			char want[300];

			fill(want, len, received);
			memcpy(want, &len, len < 8 ? len : 8);
			CHECK_MEM(out[i], want, len);
		}
		CHECK_LE(received, sent);
	}
	CHECK_GT(received, 1000);
}

/* Random calls against a list of what should be there. */
static void against_a_model(unsigned int slots, size_t max_len, size_t bytes)
{
	static uint32_t len_of[100000];
	int fd = ring_fd(0, slots, max_len, bytes);
	uint64_t sent = 0, received = 0;
	char *buf = malloc(max_len + 1);
	struct ipcx_ring ring;

	ring_attach(&ring, fd, BOTH);
	for (int step = 0; step < 60000; step++) {
		size_t len = test_random_below(4) ? test_random_below(max_len < 100 ? max_len : 100) :
						    test_random_below(max_len + 1);
		const void *at;
		void *addr;
		ssize_t ret;

		if (test_random_below(2)) {
			size_t final = test_random_below(3) ? len : test_random_below(len + 1);

			ret = ipcx_ring_reserve(&ring, &addr, len, IPCX_NOWAIT, 0);
			if (ret == -EAGAIN) {
				CHECK_GT(sent - received, 0);
				continue;
			}
			CHECK_EQ(ret, 0);
			if (!test_random_below(8))
				continue;
			memset(addr, 0xee, len);
			fill(addr, final, sent);
			CHECK_EQ(ipcx_ring_commit(&ring, final), 0);
			len_of[sent++] = (uint32_t)final;
		} else if (test_random_below(2)) {
			ret = ipcx_ring_recv_until(&ring, buf, max_len, IPCX_NOWAIT, 0);
			if (sent == received) {
				CHECK_EQ(ret, -EAGAIN);
				continue;
			}
			CHECK_EQ(ret, len_of[received]);
			check_filled(buf, len_of[received], received);
			received++;
		} else {
			ret = ipcx_ring_peek(&ring, &at, IPCX_NOWAIT, 0);
			if (sent == received) {
				CHECK_EQ(ret, -EAGAIN);
				continue;
			}
			CHECK_EQ(ret, len_of[received]);
			check_filled(at, len_of[received], received);
			if (test_random_below(2))
				continue;
			CHECK_EQ(ipcx_ring_release(&ring, 1), 0);
			received++;
		}
		if (!test_random_below(500)) {
			CHECK_OK(ipcx_ring_detach(&ring));
			ring_attach(&ring, fd, BOTH);
		}
	}
	CHECK_GT(received, 1000);
	free(buf);
	CHECK_OK(ipcx_ring_detach(&ring));
	close(fd);
}

TEST(random_calls)
{
	against_a_model(1, 100, 0);
	against_a_model(16, 56, 0);
	against_a_model(16, 1000, 0);
	against_a_model(64, 5000, 5000);
	against_a_model(8, 5000, 65536);
	against_a_model(256, 8192, 8192);
}

/* @spin: of both; checks every message. */
static void stream(unsigned int slots, size_t max_len, size_t bytes, unsigned int nr, uint64_t spin)
{
	int fd = ring_fd(0, slots, max_len, bytes);
	struct ipcx_ring ring;
	char buf[1000];
	pid_t pid = fork();

	CHECK_GE(pid, 0);
	ring_attach(&ring, fd, pid ? IPCX_RING_RECEIVER : IPCX_RING_SENDER);
	CHECK_OK(ipcx_ring_set_spin(&ring, spin));
	for (unsigned int i = 0; i < nr; i++) {
		size_t len = (i * 2654435761U >> 8) % (max_len + 1);

		if (!pid) {
			fill(buf, len, i);
			CHECK_EQ(ipcx_ring_send(&ring, buf, len), 0);
		} else {
			CHECK_EQ(ipcx_ring_recv(&ring, buf, sizeof(buf)), len);
			check_filled(buf, len, i);
		}
	}
	if (!pid)
		_exit(0);
	CHECK_EXITS(pid, 0);
	CHECK_OK(ipcx_ring_detach(&ring));
	close(fd);
}

TEST_LIMIT(two_processes, 60000)
{
	stream(64, 56, 0, 100000, IPCX_RING_SPIN_NS);
	stream(1, 100, 0, 5000, 0);
	stream(8, 1000, 2048, 20000, 1000);
	stream(4, 300, 0, 20000, 0);
}

static struct ipcx_ring shared_ring;

static int recv_one(void *arg)
{
	char buf[64];

	(void)arg;
	return (int)ipcx_ring_recv(&shared_ring, buf, sizeof(buf));
}

static int send_one(void *arg)
{
	(void)arg;
	return ipcx_ring_send(&shared_ring, "12345678", 8);
}

TEST(sleepers_are_woken)
{
	int fd = ring_fd(0, 2, 8, 0);
	struct ipcx_ring_stat st;
	struct test_thread t;
	char buf[8];

	ring_attach(&shared_ring, fd, BOTH);
	ipcx_ring_set_spin(&shared_ring, 0);
	for (int i = 0; i < 50; i++) {
		thread_start(&t, recv_one, NULL);
		if (i < 10)
			CHECK_BLOCKS(t.tid);
		CHECK_EQ(send_one(NULL), 0);
		CHECK_EQ(thread_join(&t), 8);
	}
	CHECK_EQ(send_one(NULL), 0);
	CHECK_EQ(send_one(NULL), 0);
	for (int i = 0; i < 50; i++) {
		thread_start(&t, send_one, NULL);
		if (i < 10)
			CHECK_BLOCKS(t.tid);
		CHECK_EQ(ipcx_ring_recv(&shared_ring, buf, 8), 8);
		CHECK_EQ(thread_join(&t), 0);
	}
	CHECK_OK(ipcx_ring_stat(&shared_ring, &st));
	CHECK_GE(st.sleeps, 20);
	CHECK_GE(st.wakes, 20);
}

TEST(no_system_call_while_there_is_data_and_room)
{
	int fd = ring_fd(0, 64, 200, 4096);
	struct ipcx_ring ring;
	char buf[200] = "";
	pid_t pid = fork();

	CHECK_GE(pid, 0);
	if (pid) {
		CHECK_EXITS(pid, 0);
		return;
	}
	ring_attach(&ring, fd, BOTH);
	forbid_system_calls();
	for (int i = 0; i < 10000; i++) {
		if (ipcx_ring_send(&ring, buf, i % 201) ||
		    ipcx_ring_recv(&ring, buf, sizeof(buf)) != i % 201)
			EXIT_STRICTLY(1);
	}
	EXIT_STRICTLY(0);
}

static void on_signal(int sig)
{
	(void)sig;
}

TEST(a_signal_ends_the_wait)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct test_thread t;

	ring_attach(&shared_ring, ring_fd(0, 2, 8, 0), BOTH);
	sigaction(SIGUSR1, &sa, NULL);
	thread_start(&t, recv_one, NULL);
	CHECK_BLOCKS(t.tid);
	errno = ENXIO;
	CHECK_SYS(syscall(SYS_tgkill, getpid(), t.tid, SIGUSR1));
	CHECK_EQ(thread_join(&t), -EINTR);
	CHECK_EQ(errno, ENXIO);
	/* and has no effect */
	CHECK_EQ(send_one(NULL), 0);
	CHECK_EQ(recv_one(NULL), 8);
}

/* A child that has attached as @role says so, and is killed or leaves at another byte. */
static pid_t peer(int fd, unsigned int role, int to, int from, bool leave)
{
	pid_t pid = fork();
	char c = 0;

	CHECK_GE(pid, 0);
	if (pid)
		return pid;
	ring_attach(&shared_ring, fd, role);
	if (role == IPCX_RING_SENDER)
		CHECK_EQ(send_one(NULL), 0);
	CHECK_EQ(write(to, &c, 1), 1);
	CHECK_EQ(read(from, &c, 1), 1);
	if (leave)
		CHECK_OK(ipcx_ring_detach(&shared_ring));
	_exit(0);
}

static void other_goes(unsigned int role, bool leave)
{
	int fd = ring_fd(0, 2, 8, 0), up[2], down[2];
	struct test_thread t;
	pid_t pid;
	char c;

	CHECK_SYS(pipe(up));
	CHECK_SYS(pipe(down));
	pid = peer(fd, role, up[1], down[0], leave);
	CHECK_EQ(read(up[0], &c, 1), 1);
	ring_attach(&shared_ring, fd, role ^ BOTH);
	if (role == IPCX_RING_SENDER) {
		CHECK_EQ(recv_one(NULL), 8);
		thread_start(&t, recv_one, NULL);
	} else {
		CHECK_EQ(send_one(NULL), 0);
		CHECK_EQ(send_one(NULL), 0);
		thread_start(&t, send_one, NULL);
	}
	CHECK_BLOCKS(t.tid);
	if (leave) {
		CHECK_EQ(write(down[1], "", 1), 1);
		CHECK_EXITS(pid, 0);
	} else {
		kill(pid, SIGKILL);
		CHECK_KILLED_BY(pid, SIGKILL);
	}
	CHECK_EQ(thread_join(&t), -EPIPE);
	CHECK_OK(ipcx_ring_detach(&shared_ring));
}

TEST(the_other_end_leaves)
{
	other_goes(IPCX_RING_SENDER, true);
	other_goes(IPCX_RING_RECEIVER, true);
}

TEST(the_other_end_is_killed)
{
	other_goes(IPCX_RING_SENDER, false);
	other_goes(IPCX_RING_RECEIVER, false);
}

TEST(what_was_sent_before_leaving_arrives)
{
	int fd = ring_fd(0, 4, 8, 0);
	struct ipcx_ring tx, rx;
	char buf[8];

	ring_attach(&tx, fd, IPCX_RING_SENDER);
	CHECK_EQ(ipcx_ring_send(&tx, "a", 1), 0);
	CHECK_EQ(ipcx_ring_send(&tx, "b", 1), 0);
	CHECK_OK(ipcx_ring_detach(&tx));
	ring_attach(&rx, fd, IPCX_RING_RECEIVER);
	CHECK_EQ(ipcx_ring_recv(&rx, buf, 8), 1);
	CHECK_EQ(ipcx_ring_recv(&rx, buf, 8), 1);
	CHECK_ERR(ipcx_ring_recv(&rx, buf, 8), EPIPE);
	CHECK_ERR(ipcx_ring_recv_until(&rx, buf, 8, IPCX_NOWAIT, 0), EPIPE);
	CHECK_ERR(ipcx_ring_recv_until(&rx, buf, 8, 0, 0), EPIPE);
	/* a new sender makes it whole again */
	ring_attach(&tx, fd, IPCX_RING_SENDER);
	CHECK_ERR(ipcx_ring_recv_until(&rx, buf, 8, IPCX_NOWAIT, 0), EAGAIN);
}

TEST(nothing_passes_an_exec)
{
	int before = 0, after = 0;
	struct ipcx_ring ring;

	for (int fd = 0; fd < 100; fd++)
		before += fcntl(fd, F_GETFD) >= 0 && !(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	ring_attach(&ring, ring_fd(0, 4, 8, 0), BOTH);
	for (int fd = 0; fd < 100; fd++)
		after += fcntl(fd, F_GETFD) >= 0 && !(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK_EQ(before, after);
}

TEST(errno_is_left_alone)
{
	struct ipcx_ring ring;
	char buf[8];
	int fd;

	errno = ENXIO;
	fd = ring_fd(IPCX_RING_HUGE, 4, 8, 0);
	ring_attach(&ring, fd, BOTH | IPCX_RING_POPULATE);
	CHECK_EQ(ipcx_ring_send(&ring, "x", 1), 0);
	CHECK_EQ(ipcx_ring_recv(&ring, buf, 8), 1);
	CHECK_ERR(ipcx_ring_recv_until(&ring, buf, 8, 0, test_now_ns() + 1000000), ETIMEDOUT);
	CHECK_OK(ipcx_ring_detach(&ring));
	CHECK_EQ(errno, ENXIO);
}
