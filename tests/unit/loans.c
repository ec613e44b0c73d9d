// SPDX-License-Identifier: GPL-2.0
/*
 * Loans: memory that is handed over.  If this fails, two processes hold the same piece, a piece is
 * lost with a process, or what is handed over is not what was written.
 */
#include "ring-test.h"

static int loans_fd(unsigned int nr, size_t len)
{
	struct ipcx_loan_limits limits = { 0, nr, len };

	return (int)CHECK_OK(ipcx_loan_create(NULL, &limits, NULL));
}

static void loans_attach(struct ipcx_loans *loans, int fd, unsigned int role)
{
	POISON(*loans);
	CHECK_EQ(ipcx_loan_attach(loans, fd, role), 0);
}

TEST(a_piece_goes_round)
{
	int fd = loans_fd(3, 10000);
	struct ipcx_loans loans;
	struct ipcx_loan a, b, stale;

	loans_attach(&loans, fd, BOTH);
	for (int i = 0; i < 100; i++) {
		POISON(a);
		POISON(b);
		CHECK_EQ(ipcx_loan_take(&loans, &a, 0, IPCX_FOREVER), 0);
		CHECK_EQ(a.len, 10000);
		CHECK_EQ((uintptr_t)a.addr % 64, 0);
		fill(a.addr, 10000, i);
		stale = a;
		CHECK_EQ(ipcx_loan_send(&loans, &a, 9000 + i), 0);
		CHECK(!a.addr);
		/* it is not the sender's any more */
		CHECK_ERR(ipcx_loan_send(&loans, &stale, 1), EINVAL);
		CHECK_ERR(ipcx_loan_return(&loans, &stale), EINVAL);
		CHECK_EQ(ipcx_loan_recv(&loans, &b, 0, IPCX_FOREVER), 0);
		CHECK_EQ(b.len, 9000 + i);
		check_filled(b.addr, b.len, i);
		stale = b;
		CHECK_EQ(ipcx_loan_return(&loans, &b), 0);
		CHECK_ERR(ipcx_loan_return(&loans, &stale), EINVAL);
		CHECK_ERR(ipcx_loan_recv(&loans, &b, IPCX_NOWAIT, 0), EAGAIN);
	}
}

TEST(all_are_taken)
{
	int fd = loans_fd(4, 100);
	struct ipcx_loans loans;
	struct ipcx_loan loan[4], more;

	loans_attach(&loans, fd, BOTH);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(ipcx_loan_take(&loans, &loan[i], 0, IPCX_FOREVER), 0);
		for (int j = 0; j < i; j++)
			CHECK_GE(labs((char *)loan[i].addr - (char *)loan[j].addr), 100);
	}
	CHECK_ERR(ipcx_loan_take(&loans, &more, IPCX_NOWAIT, 0), EAGAIN);
	CHECK_ERR(ipcx_loan_take(&loans, &more, 0, 0), ETIMEDOUT);
	CHECK_ERR(ipcx_loan_take(&loans, &more, 0, test_now_ns() + 2000000), ETIMEDOUT);
	CHECK_ERR(ipcx_loan_take(&loans, &more, 1U << 8, 0), EINVAL);
	/* all of them on their way */
	for (int i = 0; i < 4; i++)
		CHECK_EQ(ipcx_loan_send(&loans, &loan[i], i), 0);
	CHECK_ERR(ipcx_loan_take(&loans, &more, IPCX_NOWAIT, 0), EAGAIN);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(ipcx_loan_recv(&loans, &loan[i], 0, IPCX_FOREVER), 0);
		CHECK_EQ(loan[i].len, i);
	}
	CHECK_EQ(ipcx_loan_return(&loans, &loan[2]), 0);
	CHECK_EQ(ipcx_loan_take(&loans, &more, IPCX_NOWAIT, 0), 0);
	CHECK_ERR(ipcx_loan_send(&loans, &more, 101), EMSGSIZE);
	CHECK_EQ(ipcx_loan_send(&loans, &more, 100), 0);
	CHECK_OK(ipcx_loan_detach(&loans));
	CHECK_ERR(ipcx_loan_detach(&loans), EBADF);
	CHECK_ERR(ipcx_loan_take(&loans, &more, 0, 0), EBADF);
}

TEST(limits)
{
	struct ipcx_loan_limits wrong[] = {
		{ .nr = IPCX_LOAN_MAX_NR + 1 },
		{ .len = IPCX_LOAN_MAX_LEN + 1 },
		{ .flags = 1U << 6 },
	};
	struct ipcx_loans loans;
	struct ipcx_loan loan;

	for (int i = 0; i < 3; i++)
		CHECK_ERR(ipcx_loan_create(NULL, &wrong[i], NULL), EINVAL);
	CHECK_ERR(ipcx_loan_attach(&loans, ring_fd(0, 64, 56, 0), BOTH), ENODATA);
	CHECK_ERR(ipcx_loan_attach(&loans, -1, BOTH), EBADF);
	/* one end only */
	loans_attach(&loans, loans_fd(0, 0), IPCX_RING_RECEIVER);
	CHECK_EQ(ipcx_loan_take(&loans, &loan, 0, IPCX_FOREVER), 0);
	CHECK_EQ(loan.len, 65536);
	CHECK_ERR(ipcx_loan_send(&loans, &loan, 1), EBADF);
	CHECK_EQ(ipcx_loan_return(&loans, &loan), 0);
}

static struct ipcx_loans shared_loans;

static int take_one(void *arg)
{
	struct ipcx_loan loan;
	int ret = ipcx_loan_take(&shared_loans, &loan, 0, IPCX_FOREVER);

	(void)arg;
	return ret ?: ipcx_loan_return(&shared_loans, &loan);
}

TEST(who_waits_for_a_piece_is_woken)
{
	struct ipcx_loan loan;
	struct test_thread t;

	loans_attach(&shared_loans, loans_fd(1, 100), BOTH);
	CHECK_OK(ipcx_loan_set_spin(&shared_loans, 0));
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(ipcx_loan_take(&shared_loans, &loan, 0, IPCX_FOREVER), 0);
		thread_start(&t, take_one, NULL);
		if (i < 3)
			CHECK_BLOCKS(t.tid);
		CHECK_EQ(ipcx_loan_return(&shared_loans, &loan), 0);
		CHECK_EQ(thread_join(&t), 0);
	}
}

/* A stream of pieces, each written and read by another process. */
TEST_LIMIT(two_processes, 60000)
{
	int fd = loans_fd(4, 3000);
	struct ipcx_loans loans;
	struct ipcx_loan loan;
	pid_t pid = fork();

	CHECK_GE(pid, 0);
	loans_attach(&loans, fd, pid ? IPCX_RING_RECEIVER : IPCX_RING_SENDER);
	for (unsigned int i = 0; i < 30000; i++) {
		if (pid) {
			CHECK_EQ(ipcx_loan_recv(&loans, &loan, 0, IPCX_FOREVER), 0);
			CHECK_EQ(loan.len, i % 3001);
			check_filled(loan.addr, loan.len, i);
			CHECK_EQ(ipcx_loan_return(&loans, &loan), 0);
		} else {
			CHECK_EQ(ipcx_loan_take(&loans, &loan, 0, IPCX_FOREVER), 0);
			fill(loan.addr, i % 3001, i);
			CHECK_EQ(ipcx_loan_send(&loans, &loan, i % 3001), 0);
		}
	}
	if (!pid)
		_exit(0);
	CHECK_EXITS(pid, 0);
}

enum moment { TAKEN, SENT };

/* A child takes a piece, perhaps sends it, and is killed. */
static void sender_dies(enum moment moment)
{
	int fd = loans_fd(2, 100), up[2];
	struct ipcx_loans loans;
	struct ipcx_loan loan, more;
	pid_t pid;
	char c;

	CHECK_SYS(pipe(up));
	pid = fork();
	CHECK_GE(pid, 0);
	if (!pid) {
		loans_attach(&loans, fd, IPCX_RING_SENDER);
		CHECK_EQ(ipcx_loan_take(&loans, &loan, 0, IPCX_FOREVER), 0);
		strcpy(loan.addr, "kept");
		if (moment == SENT)
			CHECK_EQ(ipcx_loan_send(&loans, &loan, 5), 0);
		CHECK_EQ(write(up[1], "", 1), 1);
		_exit(hang());
	}
	CHECK_EQ(read(up[0], &c, 1), 1);
	loans_attach(&loans, fd, IPCX_RING_RECEIVER);
	CHECK_EQ(ipcx_loan_take(&loans, &more, IPCX_NOWAIT, 0), 0);
	/* alive, it keeps what it has */
	CHECK_EQ(ipcx_loan_reclaim(&loans), 0);
	CHECK_ERR(ipcx_loan_take(&loans, &loan, IPCX_NOWAIT, 0), EAGAIN);
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
	if (moment == SENT) {
		/* what was handed over arrives */
		CHECK_EQ(ipcx_loan_reclaim(&loans), 0);
		CHECK_EQ(ipcx_loan_recv(&loans, &loan, IPCX_NOWAIT, 0), 0);
		CHECK_STR(loan.addr, "kept");
	} else {
		CHECK_EQ(ipcx_loan_take(&loans, &loan, IPCX_NOWAIT, 0), 0);
	}
	CHECK_EQ(ipcx_loan_return(&loans, &loan), 0);
	CHECK_EQ(ipcx_loan_return(&loans, &more), 0);
	CHECK_OK(ipcx_loan_detach(&loans));
}

TEST(who_took_dies)
{
	sender_dies(TAKEN);
}

TEST(who_sent_dies)
{
	sender_dies(SENT);
}

/* Its number is in a slot already, which is not published: that never arrives. */
TEST(who_sends_dies_in_the_middle)
{
	int fd = loans_fd(2, 100);
	struct ipcx_loans loans;
	struct ipcx_loan loan;
	size_t len;
	char *raw = raw_memory(fd, &len);
	pid_t pid = fork();

	CHECK_GE(pid, 0);
	if (!pid) {
		uint64_t *entry = (uint64_t *)(raw + 1024 + 4 * 64 + 256);

		loans_attach(&loans, fd, IPCX_RING_SENDER);
		CHECK_EQ(ipcx_loan_take(&loans, &loan, 0, IPCX_FOREVER), 0);
		CHECK_EQ(*entry, 1 << 16 | 1);	/* held by the first handle */
		*entry = 2 << 16 | 1;		/* sent: number 0, turn 0, as the slot says */
		kill(getpid(), SIGKILL);
	}
	CHECK_KILLED_BY(pid, SIGKILL);
	loans_attach(&loans, fd, IPCX_RING_RECEIVER);
	CHECK_ERR(ipcx_loan_recv(&loans, &loan, IPCX_NOWAIT, 0), EAGAIN);
	CHECK_EQ(ipcx_loan_take(&loans, &loan, IPCX_NOWAIT, 0), 0);
	CHECK_EQ(ipcx_loan_take(&loans, &loan, IPCX_NOWAIT, 0), 0);
}

/* The receiver dies with a piece, while the sender waits for one. */
TEST(who_received_dies)
{
	int fd = loans_fd(2, 100), up[2];
	struct ipcx_loan loan;
	struct test_thread t;
	pid_t pid;
	char c;

	CHECK_SYS(pipe(up));
	pid = fork();
	CHECK_GE(pid, 0);
	if (!pid) {
		loans_attach(&shared_loans, fd, IPCX_RING_RECEIVER);
		for (int i = 0; i < 2; i++)
			CHECK_EQ(ipcx_loan_recv(&shared_loans, &loan, 0, IPCX_FOREVER), 0);
		CHECK_EQ(write(up[1], "", 1), 1);
		_exit(hang());
	}
	loans_attach(&shared_loans, fd, IPCX_RING_SENDER);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(ipcx_loan_take(&shared_loans, &loan, 0, IPCX_FOREVER), 0);
		CHECK_EQ(ipcx_loan_send(&shared_loans, &loan, 1), 0);
	}
	CHECK_EQ(read(up[0], &c, 1), 1);
	CHECK_ERR(ipcx_loan_take(&shared_loans, &loan, IPCX_NOWAIT, 0), EAGAIN);
	thread_start(&t, take_one, NULL);
	CHECK_BLOCKS(t.tid);
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_EQ(thread_join(&t), 0);
	CHECK_EQ(ipcx_loan_take(&shared_loans, &loan, IPCX_NOWAIT, 0), 0);
	CHECK_EQ(ipcx_loan_take(&shared_loans, &loan, IPCX_NOWAIT, 0), 0);
}

TEST(detaching_returns_what_is_held)
{
	int fd = loans_fd(3, 100);
	struct ipcx_loans tx, rx;
	struct ipcx_loan loan;

	loans_attach(&tx, fd, IPCX_RING_SENDER);
	loans_attach(&rx, fd, IPCX_RING_RECEIVER);
	CHECK_EQ(ipcx_loan_take(&tx, &loan, 0, IPCX_FOREVER), 0);
	CHECK_EQ(ipcx_loan_send(&tx, &loan, 1), 0);
	CHECK_EQ(ipcx_loan_take(&tx, &loan, 0, IPCX_FOREVER), 0);
	CHECK_EQ(ipcx_loan_take(&tx, &loan, 0, IPCX_FOREVER), 0);
	CHECK_OK(ipcx_loan_detach(&tx));
	CHECK_EQ(ipcx_loan_take(&rx, &loan, IPCX_NOWAIT, 0), 0);
	CHECK_EQ(ipcx_loan_take(&rx, &loan, IPCX_NOWAIT, 0), 0);
	CHECK_ERR(ipcx_loan_take(&rx, &loan, IPCX_NOWAIT, 0), EAGAIN);
	CHECK_EQ(ipcx_loan_recv(&rx, &loan, IPCX_NOWAIT, 0), 0);
	CHECK_ERR(ipcx_loan_recv(&rx, &loan, IPCX_NOWAIT, 0), EPIPE);
}

/* Senders and receivers are killed at random moments: no piece is lost, none is held twice. */
TEST_LIMIT(killed_at_random, 60000)
{
	int fd = loans_fd(5, 64);
	struct ipcx_loan loan[5], more;
	struct ipcx_loans loans;
	pid_t pid[2];

	test_random();
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < 2; i++) {
			pid[i] = fork();
			CHECK_GE(pid[i], 0);
			if (pid[i])
				continue;
			loans_attach(&loans, fd, i ? IPCX_RING_RECEIVER : IPCX_RING_SENDER);
			for (uint64_t n = 0;; n++) {
				if (i) {
					if (ipcx_loan_recv(&loans, &more, 0, IPCX_FOREVER))
						continue;
					if (((uint64_t *)more.addr)[0] != ((uint64_t *)more.addr)[1])
						_exit(1);
					ipcx_loan_return(&loans, &more);
				} else {
					ipcx_loan_take(&loans, &more, 0, IPCX_FOREVER);
					((uint64_t *)more.addr)[0] = n;
					((uint64_t *)more.addr)[1] = n;
					ipcx_loan_send(&loans, &more, 16);
				}
			}
		}
		for (uint64_t end = test_now_ns() + test_random_below(3000000); test_now_ns() < end;)
			;
		for (int i = 0; i < 2; i++)
			kill(pid[i], SIGKILL);
		for (int i = 0; i < 2; i++)
			CHECK_KILLED_BY(pid[i], SIGKILL);
		if (round % 20)
			continue;
		loans_attach(&loans, fd, BOTH);
		for (int ret = 0; ret != -EAGAIN;) {
			ret = ipcx_loan_recv(&loans, &more, IPCX_NOWAIT, 0);
			if (!ret)
				CHECK_EQ(ipcx_loan_return(&loans, &more), 0);
			else if (ret != -EBADMSG)
				CHECK_EQ(ret, -EAGAIN);
		}
		for (int i = 0; i < 5; i++)
			CHECK_EQ(ipcx_loan_take(&loans, &loan[i], IPCX_NOWAIT, 0), 0);
		CHECK_ERR(ipcx_loan_take(&loans, &more, IPCX_NOWAIT, 0), EAGAIN);
		for (int i = 0; i < 5; i++)
			CHECK_EQ(ipcx_loan_return(&loans, &loan[i]), 0);
		CHECK_OK(ipcx_loan_detach(&loans));
	}
}

/* Garbage in the table, the ring or the configuration. */
TEST_LIMIT(hostile_memory, 60000)
{
	for (int round = 0; round < 60; round++) {
		int fd = loans_fd(4, 200);
		struct ipcx_loan loan[3] = { 0 };
		struct ipcx_loans loans;
		char *base, *raw;
		size_t len;

		raw = raw_memory(fd, &len);
		loans_attach(&loans, fd, BOTH);
		CHECK_OK(ipcx_loan_set_spin(&loans, 1000));
		CHECK_EQ(ipcx_loan_take(&loans, &loan[0], 0, IPCX_FOREVER), 0);
		base = (char *)loan[0].addr - (len - 4 * 320);
		CHECK_EQ((uintptr_t)base % 4096, 0);
		for (int i = 0; i < 300; i++) {
			uint64_t *word = (uint64_t *)(raw + (test_random_below(len - 1024) & ~7UL));
			struct ipcx_loan *l = &loan[test_random_below(3)];
			int ret;

			if (test_random_below(3))
				word = (uint64_t *)(raw + (test_random_below(2) ? 1024 : 0) +
						    8 * test_random_below(256));
			*word = hostile_word(*word);
			switch (test_random_below(5)) {
			case 0:
				ret = ipcx_loan_take(&loans, l, 0, test_now_ns() + 100000);
				break;
			case 1:
				ret = ipcx_loan_send(&loans, l, test_random_below(201));
				break;
			case 2:
				ret = ipcx_loan_recv(&loans, l, 0, test_now_ns() + 100000);
				break;
			case 3:
				ret = ipcx_loan_return(&loans, l);
				break;
			default:
				ret = ipcx_loan_reclaim(&loans);
				CHECK_GE(ret, 0);
			}
			if (ret < 0 && ret != -ETIMEDOUT && ret != -EINVAL && ret != -EBADMSG &&
			    ret != -EPROTO && ret != -EPIPE)
				FAIL("%s", strerror(-ret));
			if (!ret && l->addr) {
				CHECK_GE((uintptr_t)l->addr, (uintptr_t)base + len - 4 * 320);
				CHECK_LE((uintptr_t)l->addr + l->len, (uintptr_t)base + len);
				memset(l->addr, i, l->len);
			}
		}
		ipcx_loan_detach(&loans);
		munmap(raw, len);
		close(fd);
	}
}

TEST(any_configuration)
{
	int fd = loans_fd(4, 200), attached = 0;
	struct ipcx_loans loans;
	size_t len;
	uint64_t *raw = raw_memory(fd, &len), copy[400];

	memcpy(copy, raw, sizeof(copy));
	for (int i = 0; i < 2000; i++) {
		struct ipcx_loan loan;
		uint64_t *word = &raw[test_random_below(2) ? 0 : (1024 + 8 * 64) / 8];

		memcpy(raw, copy, sizeof(copy));
		*word ^= 1ULL << test_random_below(64);
		if (test_random_below(2))
			*word ^= 1ULL << test_random_below(48);
		if (ipcx_loan_attach(&loans, fd, BOTH))
			continue;
		attached++;
		for (int n = 0; n < 8; n++)
			if (!ipcx_loan_take(&loans, &loan, IPCX_NOWAIT, 0))
				memset(loan.addr, n, loan.len);
		CHECK_OK(ipcx_loan_detach(&loans));
	}
	NOTE("%d attached", attached);
	CHECK_GT(attached, 5);
}

TEST(no_system_call_while_there_are_pieces)
{
	int fd = loans_fd(4, 200);
	struct ipcx_loans loans;
	struct ipcx_loan loan;
	pid_t pid = fork();

	CHECK_GE(pid, 0);
	if (!pid) {
		loans_attach(&loans, fd, BOTH);
		forbid_system_calls();
		for (int i = 0; i < 1000; i++)
			if (ipcx_loan_take(&loans, &loan, 0, IPCX_FOREVER) ||
			    ipcx_loan_send(&loans, &loan, 200) ||
			    ipcx_loan_recv(&loans, &loan, 0, IPCX_FOREVER) ||
			    ipcx_loan_return(&loans, &loan))
				EXIT_STRICTLY(1);
		EXIT_STRICTLY(0);
	}
	CHECK_EXITS(pid, 0);
}
