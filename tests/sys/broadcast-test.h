/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of broadcast queues share: a queue with its subscribers.
 */
#ifndef BROADCAST_TEST_H
#define BROADCAST_TEST_H

#include <poll.h>

#include "queue-test.h"

#define MAX_SUBSCRIBERS	64

/**
 * struct broadcast - a queue and its descriptors
 * @w: can send, and does not receive
 * @r: one subscriber each
 */
struct broadcast {
	int w;
	int r[MAX_SUBSCRIBERS];
	int nr;
};

static inline int create_broadcast(uint32_t max_msgs, uint64_t max_bytes, uint32_t overflow)
{
	struct ipcx_queue_limits limits = {
		.max_msgs = max_msgs, .max_bytes = max_bytes, .overflow = overflow,
	};
	struct ipcx_options options = { .flags = IPCX_QUEUE_BROADCAST };

	return ipcx_queue_create(NULL, &limits, &options);
}

/* Whoever has one subscriber can make another, which receives from now on. */
static inline int subscribe(struct broadcast *b)
{
	CHECK_LT(b->nr, MAX_SUBSCRIBERS);
	return b->r[b->nr++] = CHECK_OK(ipcx_restrict(b->r[0], IPCX_READ));
}

static inline struct broadcast broadcast_of(uint32_t max_msgs, uint64_t max_bytes, uint32_t overflow, int nr)
{
	int fd = CHECK_OK(create_broadcast(max_msgs, max_bytes, overflow));
	struct broadcast b = { .w = CHECK_OK(ipcx_restrict(fd, IPCX_WRITE)) };

	b.r[b.nr++] = CHECK_OK(ipcx_restrict(fd, IPCX_READ));
	CHECK_SYS(close(fd));
	while (b.nr < nr)
		subscribe(&b);
	return b;
}

static inline void close_broadcast(struct broadcast *b)
{
	while (b->nr)
		CHECK_SYS(close(b->r[--b->nr]));
	CHECK_SYS(close(b->w));
}

#define CHECK_SEND(b, value)	CHECK_OK(send_value((b)->w, 1, 0, value))

/* The next message of @fd is the number @value, and @nr_lost were lost before it. */
#define CHECK_RECV_LOST(fd, value, nr_lost)				\
	do {								\
		uint64_t got__;						\
		struct ipcx_msg m__ = ipcx_msg(&got__, sizeof(got__));	\
		CHECK_OK(ipcx_queue_recv_msg(fd, &m__, NULL, NO_WAIT));	\
		CHECK_EQ(got__, value);					\
		CHECK_EQ(m__.flags, (nr_lost) ? IPCX_MSG_LOST : 0);	\
		CHECK_EQ(m__.priority, nr_lost);			\
	} while (0)

static inline int poll_events(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	CHECK_SYS(poll(&p, 1, 0));
	return p.revents;
}

#endif /* BROADCAST_TEST_H */
