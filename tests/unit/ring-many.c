// SPDX-License-Identifier: GPL-2.0
/*
 * Rings of many senders and receivers.  If this fails, a message arrives twice, torn, or not at
 * all; who dies with a slot in its hands stops the others; or a slot is taken from one who lives.
 */
#include "ring-test.h"

#define MANY	IPCX_RING_MANY

TEST(one_of_each)
{
	int fd = ring_fd(MANY, 4, 100, 0);
	unsigned char in[100], out[102];
	struct ipcx_ring tx, rx;
	uint64_t seq = 0;

	ring_attach(&tx, fd, IPCX_RING_SENDER);
	ring_attach(&rx, fd, IPCX_RING_RECEIVER);
	for (int turn = 0; turn < 5; turn++) {
		for (size_t len = 0; len <= 100; len++, seq++) {
			fill(in, len, seq);
			CHECK_EQ(ipcx_ring_send(&tx, in, len), 0);
			memset(out, 0x5a, sizeof(out));
			CHECK_EQ(ipcx_ring_recv(&rx, out + 1, 100), len);
			check_filled(out + 1, len, seq);
			CHECK_EQ(out[0], 0x5a);
			CHECK_EQ(out[len + 1], 0x5a);
		}
	}
	CHECK_ERR(ipcx_ring_recv(&tx, out, 1), EBADF);
	CHECK_ERR(ipcx_ring_send(&rx, out, 1), EBADF);
	CHECK_ERR(ipcx_ring_send(&tx, out, 101), EMSGSIZE);
	CHECK_ERR(ipcx_ring_send_until(&tx, out, 1, 1U << 5, 0), EINVAL);
	CHECK_ERR(ipcx_ring_recv_until(&rx, out, 1, 1U << 5, 0), EINVAL);
	CHECK_OK(ipcx_ring_detach(&tx));
	CHECK_ERR(ipcx_ring_send(&tx, out, 1), EBADF);
	CHECK_ERR(ipcx_ring_recv(&rx, out, 1), EPIPE);
}

TEST(full_and_empty)
{
	int fd = ring_fd(MANY, 4, 8, 0);
	struct ipcx_ring ring, second;
	struct ipcx_ring_stat st;
	uint64_t n;

	ring_attach(&ring, fd, BOTH);
	ring_attach(&second, fd, BOTH);
	for (int round = 0; round < 5; round++) {
		CHECK_ERR(ipcx_ring_recv_until(&ring, &n, 8, IPCX_NOWAIT, IPCX_FOREVER), EAGAIN);
		CHECK_ERR(ipcx_ring_recv_until(&ring, &n, 8, 0, 0), ETIMEDOUT);
		for (n = 0; n < 4; n++)
			CHECK_EQ(ipcx_ring_send(n % 2 ? &ring : &second, &n, 8), 0);
		CHECK_ERR(ipcx_ring_send_until(&ring, &n, 8, IPCX_NOWAIT, 0), EAGAIN);
		CHECK_ERR(ipcx_ring_send_until(&second, &n, 8, 0, test_now_ns() + 3000000),
			  ETIMEDOUT);
		CHECK_OK(ipcx_ring_stat(&ring, &st));
		CHECK_EQ(st.slots, 4);
		CHECK_EQ(st.used, 4);
		/* too long for the buffer: it stays, and nobody passes it by */
		CHECK_ERR(ipcx_ring_recv(&ring, &n, 7), EMSGSIZE);
		for (uint64_t want = 0; want < 4; want++) {
			CHECK_EQ(ipcx_ring_recv(want % 3 ? &ring : &second, &n, 8), 8);
			CHECK_EQ(n, want);
		}
		CHECK_ERR(ipcx_ring_recv_until(&second, &n, 8, 0, test_now_ns() + 3000000),
			  ETIMEDOUT);
	}
}

TEST(in_place)
{
	int fd = ring_fd(MANY, 8, 100, 0);
	struct ipcx_ring ring, other;
	struct iovec msgs[40];
	char buf[100];
	void *addr;

	ring_attach(&ring, fd, BOTH);
	ring_attach(&other, fd, BOTH);
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 40; i++)
			msgs[i].iov_len = 100;
		CHECK_EQ(ipcx_ring_reservev(&ring, msgs, 40, IPCX_NOWAIT, 0), 8);
		for (int i = 0; i < 8; i++)
			fill(msgs[i].iov_base, msgs[i].iov_len = 20 + i, i);
		CHECK_ERR(ipcx_ring_commitv(&ring, msgs, 9), EINVAL);
		/* three are given back */
		CHECK_EQ(ipcx_ring_commitv(&ring, msgs, 5), 0);
		CHECK_ERR(ipcx_ring_commitv(&ring, msgs, 1), EINVAL);
		CHECK_EQ(ipcx_ring_peekv(&other, msgs, 2, 0, IPCX_FOREVER), 2);
		check_filled(msgs[0].iov_base, 20, 0);
		CHECK_EQ(ipcx_ring_peekv(&other, msgs, 40, 0, IPCX_FOREVER), 2);
		CHECK_EQ(msgs[1].iov_len, 21);
		/* another receiver goes on after them */
		CHECK_EQ(ipcx_ring_recv(&ring, buf, 100), 22);
		check_filled(buf, 22, 2);
		CHECK_ERR(ipcx_ring_release(&other, 3), EINVAL);
		CHECK_EQ(ipcx_ring_release(&other, 1), 0);
		/* what was peeked at comes first */
		CHECK_EQ(ipcx_ring_recv(&other, buf, 100), 21);
		CHECK_ERR(ipcx_ring_release(&other, 1), EINVAL);
		for (int i = 3; i < 5; i++) {
			CHECK_EQ(ipcx_ring_recv(&other, buf, 100), 20 + i);
			check_filled(buf, 20 + i, i);
		}
		CHECK_ERR(ipcx_ring_recv_until(&ring, buf, 100, IPCX_NOWAIT, 0), EAGAIN);
		/* a reservation that is replaced, and one that is left when detaching */
		CHECK_EQ(ipcx_ring_reserve(&other, &addr, 9, 0, IPCX_FOREVER), 0);
		CHECK_EQ(ipcx_ring_reserve(&other, &addr, 9, 0, IPCX_FOREVER), 0);
		CHECK_OK(ipcx_ring_detach(&other));
		ring_attach(&other, fd, BOTH);
		CHECK_EQ(ipcx_ring_send(&ring, "x", 1), 0);
		CHECK_EQ(ipcx_ring_recv(&other, buf, 100), 1);
	}
}

TEST(many_in_one_call)
{
	int fd = ring_fd(MANY, 16, 8, 0);
	uint64_t in[20], out[20], sent = 0, received = 0;
	struct iovec tx[20], rx[20];
	struct ipcx_ring ring;

	ring_attach(&ring, fd, BOTH);
	for (int turn = 0; turn < 2000; turn++) {
		int n;

		for (int i = 0; i < 20; i++) {
			in[i] = sent + i;
			tx[i] = (struct iovec){ &in[i], 8 };
			rx[i] = (struct iovec){ &out[i], 8 };
		}
		n = ipcx_ring_sendv(&ring, tx, 1 + test_random_below(20), IPCX_NOWAIT, 0);
		if (n != -EAGAIN)
			sent += CHECK_OK(n);
		n = ipcx_ring_recvv(&ring, rx, 1 + test_random_below(20), IPCX_NOWAIT, 0);
		for (int i = 0; i < n; i++)
			CHECK_EQ(out[i], received++);
	}
	CHECK_GT(received, 1000);
}

/* What one process tells of what it has received, in memory that all share. */
struct tally {
	uint64_t sum[8];
	uint64_t nr[8];
};

struct message {
	uint32_t sender;
	uint32_t seq;
	char text[40];
};

static void send_all(int fd, uint32_t me, uint32_t nr)
{
	struct ipcx_ring ring;
	struct message m = { .sender = me };

	ring_attach(&ring, fd, IPCX_RING_SENDER);
	for (m.seq = 1; m.seq <= nr; m.seq++) {
		fill(m.text, sizeof(m.text), m.seq * 8 + me);
		CHECK_EQ(ipcx_ring_send(&ring, &m, sizeof(m)), 0);
	}
	CHECK_OK(ipcx_ring_detach(&ring));
}

static void receive_all(int fd, struct tally *tally)
{
	uint32_t last[8] = { 0 };
	struct ipcx_ring ring;
	struct message m;
	ssize_t ret;

	ring_attach(&ring, fd, IPCX_RING_RECEIVER);
	while ((ret = ipcx_ring_recv(&ring, &m, sizeof(m))) > 0) {
		CHECK_EQ(ret, sizeof(m));
		CHECK_LT(m.sender, 8);
		check_filled(m.text, sizeof(m.text), m.seq * 8 + m.sender);
		/* in the order of each sender */
		CHECK_GT(m.seq, last[m.sender]);
		last[m.sender] = m.seq;
		__atomic_fetch_add(&tally->sum[m.sender], m.seq, __ATOMIC_RELAXED);
		__atomic_fetch_add(&tally->nr[m.sender], 1, __ATOMIC_RELAXED);
	}
	CHECK_EQ(ret, -EPIPE);
}

static struct tally *new_tally(void)
{
	void *p = mmap(NULL, sizeof(struct tally), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void crowd(unsigned int slots, int senders, int receivers, uint32_t nr)
{
	int fd = ring_fd(MANY, slots, sizeof(struct message), 0);
	struct tally *tally = new_tally();
	struct ipcx_ring keep;
	pid_t pid[16];
	int nr_pids = 0;

	/* until all have begun, nobody is the last */
	ring_attach(&keep, fd, IPCX_RING_SENDER);
	for (int i = 0; i < senders + receivers; i++) {
		pid[nr_pids] = fork();
		CHECK_GE(pid[nr_pids], 0);
		if (!pid[nr_pids]) {
			if (i < senders)
				send_all(fd, i, nr);
			else
				receive_all(fd, tally);
			_exit(0);
		}
		nr_pids++;
	}
	for (int i = 0; i < senders; i++)
		CHECK_EXITS(pid[i], 0);
	CHECK_OK(ipcx_ring_detach(&keep));
	for (int i = senders; i < nr_pids; i++)
		CHECK_EXITS(pid[i], 0);
	for (int i = 0; i < senders; i++) {
		CHECK_EQ(tally->nr[i], nr);
		CHECK_EQ(tally->sum[i], (uint64_t)nr * (nr + 1) / 2);
	}
	close(fd);
}

TEST_LIMIT(four_and_four, 60000)
{
	crowd(64, 4, 4, 5000);
	crowd(2, 4, 4, 300);
	crowd(1024, 1, 4, 5000);
	crowd(16, 4, 1, 5000);
}

static struct ipcx_ring shared_ring;

static int recv_one(void *arg)
{
	uint64_t n;
	ssize_t ret = ipcx_ring_recv(&shared_ring, &n, sizeof(n));

	(void)arg;
	return ret < 0 ? (int)ret : (int)n;
}

/* A child that has done something with the ring is killed. */
static pid_t with_a_slot(int fd, bool peek)
{
	int up[2];
	pid_t pid;
	char c;

	CHECK_SYS(pipe(up));
	pid = fork();
	CHECK_GE(pid, 0);
	if (!pid) {
		struct ipcx_ring ring;
		const void *at;
		void *addr;

		ring_attach(&ring, fd, BOTH);
		if (peek) {
			CHECK_GE(ipcx_ring_peek(&ring, &at, 0, IPCX_FOREVER), 0);
		} else {
			CHECK_EQ(ipcx_ring_reserve(&ring, &addr, 8, 0, IPCX_FOREVER), 0);
			memset(addr, 0xff, 4);
		}
		CHECK_EQ(write(up[1], "", 1), 1);
		_exit(hang());
	}
	CHECK_EQ(read(up[0], &c, 1), 1);
	close(up[0]);
	close(up[1]);
	return pid;
}

/*
 * Killed with a slot that it had claimed: whoever waits behind it goes on after at most 10 ms.
 * The time is that of the best of some tries, since a machine with other work may take longer.
 */
TEST_LIMIT(a_sender_dies_with_a_slot, 60000)
{
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < 10; round++) {
		int fd = ring_fd(MANY, 8, 8, 0);
		uint64_t begin, n = 5;
		struct test_thread t;
		struct ipcx_ring tx;
		pid_t pid;

		ring_attach(&shared_ring, fd, IPCX_RING_RECEIVER);
		ring_attach(&tx, fd, IPCX_RING_SENDER);
		ipcx_ring_set_spin(&shared_ring, round % 2 ? IPCX_FOREVER : 1000);
		pid = with_a_slot(fd, false);
		CHECK_EQ(ipcx_ring_send(&tx, &n, 8), 0);
		/* as long as it lives, it is waited for */
		CHECK_ERR(ipcx_ring_recv_until(&shared_ring, &n, 8, 0, test_now_ns() + 30000000),
			  ETIMEDOUT);
		CHECK_ERR(ipcx_ring_recv_until(&shared_ring, &n, 8, IPCX_NOWAIT, 0), EAGAIN);
		thread_start(&t, recv_one, NULL);
		if (round % 2 == 0)
			CHECK_BLOCKS(t.tid);
		begin = test_now_ns();
		kill(pid, SIGKILL);
		CHECK_KILLED_BY(pid, SIGKILL);
		CHECK_EQ(thread_join(&t), 5);
		if (test_now_ns() - begin < best)
			best = test_now_ns() - begin;
		/* the slot is used again */
		for (uint64_t i = 0; i < 30; i++) {
			CHECK_EQ(ipcx_ring_send(&tx, &i, 8), 0);
			CHECK_EQ(recv_one(NULL), i);
		}
		CHECK_OK(ipcx_ring_detach(&tx));
		CHECK_OK(ipcx_ring_detach(&shared_ring));
		close(fd);
	}
	NOTE("%llu us after its death", (unsigned long long)best / 1000);
	CHECK_LE(best, 10000000);
}

TEST(a_receiver_dies_with_a_slot)
{
	int fd = ring_fd(MANY, 2, 8, 0);
	struct ipcx_ring tx;
	uint64_t n = 1;
	pid_t pid;

	ring_attach(&shared_ring, fd, IPCX_RING_RECEIVER);
	ring_attach(&tx, fd, IPCX_RING_SENDER);
	CHECK_EQ(ipcx_ring_send(&tx, &n, 8), 0);
	pid = with_a_slot(fd, true);
	n = 2;
	CHECK_EQ(ipcx_ring_send(&tx, &n, 8), 0);
	CHECK_EQ(recv_one(NULL), 2);
	/* it lives: its message is its own */
	CHECK_ERR(ipcx_ring_send_until(&tx, &n, 8, 0, test_now_ns() + 20000000), ETIMEDOUT);
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_EQ(ipcx_ring_send_until(&tx, &n, 8, 0, ipcx_after_ms(TEST_SOON_MS)), 0);
	CHECK_EQ(recv_one(NULL), 2);
}

/* A number that is used again: what its last bearer left does not become the new one's. */
TEST(the_number_of_a_dead_sender_is_used_again)
{
	int fd = ring_fd(MANY, 4, 8, 0);
	struct ipcx_ring tx;
	uint64_t n = 9;
	pid_t pid = with_a_slot(fd, false);

	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
	ring_attach(&tx, fd, IPCX_RING_SENDER);
	CHECK_EQ(ipcx_ring_send(&tx, &n, 8), 0);
	ring_attach(&shared_ring, fd, IPCX_RING_RECEIVER);
	ipcx_ring_set_spin(&shared_ring, 0);
	CHECK_EQ(recv_one(NULL), 9);
}

/* Senders are killed all the time, wherever they are; what arrives is whole, and never twice. */
TEST_LIMIT(killed_at_random, 60000)
{
	int fd = ring_fd(MANY, 16, sizeof(struct message), 0);
	uint32_t seen[8] = { 0 };
	struct ipcx_ring rx;
	uint64_t received = 0;

	ring_attach(&rx, fd, IPCX_RING_RECEIVER);
	ipcx_ring_set_spin(&rx, 1000);
	test_random();
	for (int round = 0; round < 100; round++) {
		struct message m;
		pid_t pid[3];

		for (int i = 0; i < 3; i++) {
			pid[i] = fork();
			CHECK_GE(pid[i], 0);
			if (!pid[i]) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				send_all(fd, i, UINT32_MAX - 1);
			}
		}
		memset(seen, 0, sizeof(seen));
		for (uint64_t end = test_now_ns() + 1000000 + test_random_below(5000000), n = 0;
		     test_now_ns() < end; n++) {
			ssize_t ret = ipcx_ring_recv_until(&rx, &m, sizeof(m), 0, end);

			if (ret == -ETIMEDOUT || ret == -EPIPE)
				break;
			CHECK_EQ(ret, sizeof(m));
			check_filled(m.text, sizeof(m.text), m.seq * 8 + m.sender);
			CHECK_GT(m.seq, seen[m.sender]);
			seen[m.sender] = m.seq;
			received++;
		}
		for (int i = 0; i < 3; i++)
			kill(pid[i], SIGKILL);
		for (int i = 0; i < 3; i++)
			CHECK_KILLED_BY(pid[i], SIGKILL);
		/* what is left of them */
		while (ipcx_ring_recv_until(&rx, &m, sizeof(m), 0, ipcx_after_ms(1000)) > 0)
			check_filled(m.text, sizeof(m.text), m.seq * 8 + m.sender);
	}
	CHECK_GT(received, 100);
}

static int send_one(void *arg)
{
	uint64_t n = 7;

	(void)arg;
	return ipcx_ring_send(&shared_ring, &n, 8);
}

TEST(sleepers_are_woken)
{
	int fd = ring_fd(MANY, 2, 8, 0);
	struct test_thread t;

	ring_attach(&shared_ring, fd, BOTH);
	ipcx_ring_set_spin(&shared_ring, 0);
	for (int i = 0; i < 20; i++) {
		thread_start(&t, recv_one, NULL);
		if (i < 3)
			CHECK_BLOCKS(t.tid);
		CHECK_EQ(send_one(NULL), 0);
		CHECK_EQ(thread_join(&t), 7);
	}
	CHECK_EQ(send_one(NULL), 0);
	CHECK_EQ(send_one(NULL), 0);
	for (int i = 0; i < 20; i++) {
		thread_start(&t, send_one, NULL);
		if (i < 3)
			CHECK_BLOCKS(t.tid);
		CHECK_EQ(recv_one(NULL), 7);
		CHECK_EQ(thread_join(&t), 0);
	}
}

/* All receivers sleep; each message wakes one. */
TEST(several_sleepers)
{
	int fd = ring_fd(MANY, 8, 8, 0);
	struct ipcx_ring tx;
	pid_t pid[4];

	ring_attach(&tx, fd, IPCX_RING_SENDER);
	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		CHECK_GE(pid[i], 0);
		if (!pid[i]) {
			ring_attach(&shared_ring, fd, IPCX_RING_RECEIVER);
			ipcx_ring_set_spin(&shared_ring, 0);
			_exit(recv_one(NULL) != 3);
		}
	}
	for (uint64_t i = 0, n = 3; i < 4; i++)
		CHECK_EQ(ipcx_ring_send(&tx, &n, 8), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EXITS(pid[i], 0);
}

TEST(the_last_sender_is_killed)
{
	int fd = ring_fd(MANY, 8, 8, 0);
	struct test_thread t;
	pid_t pid[2];

	ring_attach(&shared_ring, fd, IPCX_RING_RECEIVER);
	for (int i = 0; i < 2; i++)
		pid[i] = with_a_slot(fd, false);
	thread_start(&t, recv_one, NULL);
	for (int i = 0; i < 2; i++) {
		CHECK_BLOCKS(t.tid);
		kill(pid[i], SIGKILL);
		CHECK_KILLED_BY(pid[i], SIGKILL);
	}
	CHECK_EQ(thread_join(&t), -EPIPE);
	/* and another one comes */
	pid[0] = with_a_slot(fd, false);
	CHECK_ERR(ipcx_ring_recv_until(&shared_ring, pid, 8, IPCX_NOWAIT, 0), EAGAIN);
	kill(pid[0], SIGKILL);
}

TEST(no_system_call_while_there_is_data_and_room)
{
	int fd = ring_fd(MANY, 64, 200, 0);
	char buf[200] = "";
	pid_t pid = fork();

	CHECK_GE(pid, 0);
	if (!pid) {
		ring_attach(&shared_ring, fd, BOTH);
		forbid_system_calls();
		for (int i = 0; i < 10000; i++) {
			if (ipcx_ring_send(&shared_ring, buf, i % 201) ||
			    ipcx_ring_recv(&shared_ring, buf, sizeof(buf)) != i % 201)
				EXIT_STRICTLY(1);
		}
		EXIT_STRICTLY(0);
	}
	CHECK_EXITS(pid, 0);
}
