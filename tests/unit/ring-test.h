/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of rings, loans and mapped semaphores share: memory without a module, messages
 * that can be recognized, and a peer that writes garbage.
 */
#ifndef RING_TEST_H
#define RING_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <ipcx-ring.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "ipcx-test.h"

#define BOTH	(IPCX_RING_SENDER | IPCX_RING_RECEIVER)

static inline int ring_fd(unsigned int flags, unsigned int slots, size_t max_len, size_t bytes)
{
	struct ipcx_ring_limits limits = { flags, slots, max_len, bytes };

	return (int)CHECK_OK(ipcx_ring_create(NULL, &limits, NULL));
}

static inline void ring_attach(struct ipcx_ring *ring, int fd, unsigned int role)
{
	POISON(*ring);
	CHECK_EQ(ipcx_ring_attach(ring, fd, role), 0);
}

/* Memory as the other side sees it. */
static inline void *raw_memory(int fd, size_t *len)
{
	struct stat st;
	void *p;

	CHECK_SYS(fstat(fd, &st));
	*len = (size_t)st.st_size;
	p = mmap(NULL, *len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	return p;
}

/* Message number @seq: each byte follows from it and its place. */
static inline void fill(void *buf, size_t len, uint64_t seq)
{
	unsigned char *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = (unsigned char)(seq * 131 + i * 7 + (i >> 8));
}

static inline void check_filled(const void *buf, size_t len, uint64_t seq)
{
	const unsigned char *p = buf;

	for (size_t i = 0; i < len; i++)
		if (p[i] != (unsigned char)(seq * 131 + i * 7 + (i >> 8)))
			FAIL("message %llu differs at byte %zu of %zu", (unsigned long long)seq,
			     i, len);
}

/* From here on this thread can read, write and exit; another call kills it. */
static inline void forbid_system_calls(void)
{
	CHECK_SYS(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
}

#define EXIT_STRICTLY(code)	syscall(SYS_exit, code)

/* For a child that is going to be killed. */
static inline int hang(void)
{
	while (getppid())
		pause();
	return 1;
}

/* A word as a hostile peer would choose it: near what is right, or at an edge, or anything. */
static inline uint64_t hostile_word(uint64_t now)
{
	switch (test_random_below(8)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return now + 1;
	case 3:
		return now - 1;
	case 4:
		return now + test_random_below(1000);
	case 5:
		return now ^ 1ULL << test_random_below(64);
	case 6:
		return 1ULL << test_random_below(64);
	default:
		return test_random();
	}
}

#endif
