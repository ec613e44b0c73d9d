// SPDX-License-Identifier: GPL-2.0
/*
 * The other side writes garbage into the memory of a ring, at any place and at any moment: a call
 * returns what it may return, in time, and touches nothing outside.  If this fails, a process
 * that shares a ring with another can be made to crash, to hang or to give away its memory.
 */
#include "ring-test.h"

#define MAX_LEN		200
#define CANARY		0x5a

/**
 * struct victim - an honest process's view
 * @bell: of both its ends
 * @base: where its mapping begins, as seen from the first slot
 */
struct victim {
	struct ipcx_ring ring;
	int bell;
	char *base;
	size_t len;
};

static void victim_attach(struct victim *v, int fd)
{
	struct stat st;
	void *addr;

	CHECK_SYS(fstat(fd, &st));
	ring_attach(&v->ring, fd, BOTH);
	CHECK_OK(ipcx_ring_set_spin(&v->ring, 1000));
	CHECK_EQ(ipcx_ring_reserve(&v->ring, &addr, 1, 0, IPCX_FOREVER), 0);
	v->base = (char *)addr - 8 - 1024;
	CHECK_EQ((uintptr_t)v->base % 4096, 0);
	CHECK_EQ(ipcx_ring_commit(&v->ring, 1), 0);
	v->len = (size_t)st.st_size;
	v->bell = CHECK_SYS(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	CHECK_OK(ipcx_ring_set_bell(&v->ring, IPCX_RING_SENDER, v->bell));
	CHECK_OK(ipcx_ring_set_bell(&v->ring, IPCX_RING_RECEIVER, v->bell));
}

static void check_inside(const struct victim *v, const void *addr, size_t len)
{
	CHECK_GE((uintptr_t)addr, (uintptr_t)v->base);
	CHECK_LE(len, MAX_LEN);
	CHECK_LE((uintptr_t)addr + len, (uintptr_t)v->base + v->len);
}

static void check_error(ssize_t ret)
{
	if (ret < 0 && ret != -EAGAIN && ret != -ETIMEDOUT && ret != -EPROTO && ret != -EBADMSG &&
	    ret != -EPIPE && ret != -EMSGSIZE && ret != -EINTR && ret != -ECANCELED)
		FAIL("%zd (%s)", ret, strerror((int)-ret));
}

/* One call, whatever it is; none may take longer than its timeout. */
static ssize_t any_call(struct victim *v)
{
	unsigned int flags = test_random_below(8) ? IPCX_NOWAIT : 0;
	unsigned char in[MAX_LEN], out[MAX_LEN + 2];
	struct iovec msgs[5];
	uint64_t end = test_now_ns() + 1000000;
	ssize_t ret;

	memset(out, CANARY, sizeof(out));
	switch (test_random_below(5)) {
	case 0:
		fill(in, MAX_LEN, 0);
		ret = ipcx_ring_send_until(&v->ring, in, test_random_below(MAX_LEN + 1), flags, end);
		break;
	case 1:
		ret = ipcx_ring_recv_until(&v->ring, out + 1, MAX_LEN, flags, end);
		CHECK_LE(ret, MAX_LEN);
		CHECK_EQ(out[0], CANARY);
		CHECK_EQ(out[MAX_LEN + 1], CANARY);
		for (ssize_t i = ret < 0 ? 0 : ret; i < MAX_LEN; i++)
			CHECK_EQ(out[1 + i], CANARY);
		break;
	case 2:
		for (int i = 0; i < 5; i++)
			msgs[i] = (struct iovec){ NULL, test_random_below(MAX_LEN + 1) };
		ret = ipcx_ring_reservev(&v->ring, msgs, 5, flags, end);
		for (ssize_t i = 0; i < ret; i++) {
			check_inside(v, msgs[i].iov_base, msgs[i].iov_len);
			memset(msgs[i].iov_base, (int)i, msgs[i].iov_len);
		}
		if (ret > 0)
			check_error(ipcx_ring_commitv(&v->ring, msgs, test_random_below(ret + 1)));
		break;
	case 3:
		ret = ipcx_ring_arm(&v->ring, test_random_below(2) ? IPCX_RING_SENDER : IPCX_RING_RECEIVER);
		CHECK_LE(ret, 100);
		break;
	default:
		ret = ipcx_ring_peekv(&v->ring, msgs, 5, flags, end);
		for (ssize_t i = 0; i < ret; i++) {
			check_inside(v, msgs[i].iov_base, msgs[i].iov_len);
			fill(in, 0, 0);
			memcpy(in, msgs[i].iov_base, msgs[i].iov_len);
		}
		if (ret > 0)
			check_error(ipcx_ring_release(&v->ring, test_random_below(ret + 1)));
		break;
	}
	check_error(ret);
	return ret;
}

/* Between two calls, one word is changed. */
static void one_word_at_a_time(unsigned int flags, size_t bytes)
{
	size_t len;

	for (int round = 0; round < 60; round++) {
		int fd = ring_fd(flags, 8, MAX_LEN, bytes);
		char *raw = raw_memory(fd, &len);
		struct victim v;

		victim_attach(&v, fd);
		for (int i = 0; i < 300; i++) {
			if (test_random_below(2)) {
				/* mostly in the heads, and where slots begin */
				size_t at = test_random_below(4) ? test_random_below(1024 + 8 * 64) :
								   test_random_below(len - 8);
				uint64_t *word = (uint64_t *)(raw + (at & ~7UL));

				*word = hostile_word(*word);
			}
			any_call(&v);
		}
		CHECK_OK(ipcx_ring_detach(&v.ring));
		munmap(raw, len);
		close(v.bell);
		close(fd);
	}
}

TEST_LIMIT(one_word_of_a_fixed_ring, 60000)
{
	one_word_at_a_time(0, 0);
}

TEST_LIMIT(one_word_of_a_variable_ring, 60000)
{
	one_word_at_a_time(0, 1024);
}

TEST_LIMIT(one_word_of_a_ring_of_many, 60000)
{
	one_word_at_a_time(IPCX_RING_MANY, 0);
}

/* Another process writes all the time. */
static void all_the_time(unsigned int flags, size_t bytes)
{
	int fd = ring_fd(flags, 8, MAX_LEN, bytes);
	uint64_t end = test_now_ns() + 1500000000;
	struct victim v;
	pid_t pid;

	victim_attach(&v, fd);
	test_random();
	pid = fork();
	CHECK_GE(pid, 0);
	if (!pid) {
		size_t len;
		char *raw = raw_memory(fd, &len);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			size_t at = test_random_below(2) ? test_random_below(1024 + 8 * 64) :
							   test_random_below(len - 8);
			volatile uint64_t *word = (uint64_t *)(raw + (at & ~7UL));

			*word = hostile_word(*word);
		}
	}
	while (test_now_ns() < end) {
		/* what is broken stays so: begin again */
		if (any_call(&v) == -EPROTO)
			memset(v.base + 128, 0, v.len - 128);
	}
	kill(pid, SIGKILL);
	CHECK_KILLED_BY(pid, SIGKILL);
}

TEST(all_the_time_in_a_fixed_ring)
{
	all_the_time(0, 0);
}

TEST(all_the_time_in_a_variable_ring)
{
	all_the_time(0, 1024);
}

TEST(all_the_time_in_a_ring_of_many)
{
	all_the_time(IPCX_RING_MANY, 0);
}

/* Whatever the first word says, attaching fails or gives a ring inside the memory. */
TEST(any_configuration)
{
	int fd = ring_fd(0, 8, MAX_LEN, 0), attached = 0;
	size_t len;
	uint64_t *raw = raw_memory(fd, &len), good = *raw;
	struct victim v;

	for (int i = 0; i < 3000; i++) {
		uint64_t config = good ^ 1ULL << test_random_below(64);

		if (test_random_below(2))
			config ^= 1ULL << test_random_below(64);
		if (!test_random_below(4))
			config = good ^ (test_random() & 0xffffffffff);
		memset(raw, 0, len);
		*raw = config;
		POISON(v.ring);
		switch (ipcx_ring_attach(&v.ring, fd, BOTH)) {
		case 0:
			attached++;
			v.base = NULL;
			for (int n = 0; n < 20; n++) {
				char buf[MAX_LEN];
				size_t msg = test_random_below(MAX_LEN);

				check_error(ipcx_ring_send_until(&v.ring, buf, msg, IPCX_NOWAIT, 0));
				check_error(ipcx_ring_recv_until(&v.ring, buf, MAX_LEN, IPCX_NOWAIT,
								 0));
			}
			CHECK_OK(ipcx_ring_detach(&v.ring));
			break;
		case -ENODATA:
			break;
		default:
			FAIL("configuration %#llx", (unsigned long long)config);
		}
	}
	CHECK_GT(attached, 10);
}

/* A length that cannot be, in a slot whose turn it is: that message is lost, and no other. */
TEST(a_bad_length_costs_one_message)
{
	int fd = ring_fd(0, 8, 56, 0);
	struct ipcx_ring_stat st;
	struct ipcx_ring ring;
	size_t len;
	char *raw = raw_memory(fd, &len), buf[56];

	ring_attach(&ring, fd, BOTH);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(ipcx_ring_send(&ring, &"abc"[i], 1), 0);
	*(uint64_t *)(raw + 1024 + 64) = 1ULL << 32 | 57;
	CHECK_EQ(ipcx_ring_recv(&ring, buf, sizeof(buf)), 1);
	CHECK_EQ(buf[0], 'a');
	CHECK_ERR(ipcx_ring_recv(&ring, buf, sizeof(buf)), EBADMSG);
	CHECK_EQ(ipcx_ring_recv(&ring, buf, sizeof(buf)), 1);
	CHECK_EQ(buf[0], 'c');
	CHECK_OK(ipcx_ring_stat(&ring, &st));
	CHECK_EQ(st.bad, 1);
}

/* Nobody rings the bell: who sleeps looks for himself. */
TEST(a_lost_wake_up_costs_time_only)
{
	int fd = ring_fd(0, 8, 56, 0);
	struct ipcx_ring rx;
	size_t len;
	char *raw = raw_memory(fd, &len), buf[56];
	pid_t pid = fork();

	CHECK_GE(pid, 0);
	if (!pid) {
		ring_attach(&rx, fd, IPCX_RING_RECEIVER);
		CHECK_EQ(ipcx_ring_recv(&rx, buf, sizeof(buf)), 7);
		_exit(0);
	}
	CHECK_SOON(__atomic_load_n((uint32_t *)(raw + 3 * 128), __ATOMIC_ACQUIRE));
	__atomic_store_n((uint64_t *)(raw + 1024), 1ULL << 32 | 7, __ATOMIC_RELEASE);
	CHECK_EXITS(pid, 0);
}
