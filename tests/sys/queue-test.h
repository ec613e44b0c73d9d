/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of queues share: short ways to make a queue, to move small messages, and to call
 * the kernel without the library, which would complete the argument.
 */
#ifndef QUEUE_TEST_H
#define QUEUE_TEST_H

#include <sys/ioctl.h>
#include <ipcx.h>

#include "ipcx-test.h"

#define NO_WAIT	IPCX_NOWAIT, IPCX_FOREVER

/* ioctl(2) that returns -errno. */
static inline int call(int fd, unsigned long cmd, const void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static inline int make_queue(uint32_t max_msgs, uint64_t max_bytes, uint64_t max_msg_len)
{
	struct ipcx_queue_limits limits = { .max_msgs = max_msgs, .max_bytes = max_bytes,
					    .max_msg_len = max_msg_len };

	return CHECK_OK(ipcx_queue_create(NULL, &limits, NULL));
}

static inline struct ipcx_msg msg_of(const void *buf, size_t len, uint32_t type, uint32_t priority)
{
	struct ipcx_msg msg = ipcx_msg(buf, len);

	msg.type = type;
	msg.priority = priority;
	return msg;
}

/* Send the number @value without waiting. */
static inline int send_value(int q, uint32_t type, uint32_t priority, uint64_t value)
{
	struct ipcx_msg msg = msg_of(&value, sizeof(value), type, priority);

	return ipcx_queue_send_msg(q, &msg, NO_WAIT);
}

static inline struct ipcx_select select_of(uint32_t how, uint32_t type)
{
	return (struct ipcx_select){ how, type };
}

#define ANY		select_of(IPCX_SELECT_ANY, 0)
#define TYPE(t)		select_of(IPCX_SELECT_TYPE, t)
#define LOWEST(t)	select_of(IPCX_SELECT_LOWEST, t)
#define EXCEPT(t)	select_of(IPCX_SELECT_EXCEPT, t)

/* Receive a number: 0 and *@value, or -errno. */
static inline int recv_until(int q, struct ipcx_select select, uint32_t flags, uint64_t timeout,
			     uint64_t *value)
{
	struct ipcx_msg msg = ipcx_msg(value, sizeof(*value));
	int ret;

	POISON(*value);
	ret = ipcx_queue_recv_msg(q, &msg, &select, flags, timeout);
	if (!ret)
		CHECK_EQ(msg.len, sizeof(*value));
	return ret;
}

static inline int recv_value(int q, struct ipcx_select select, uint64_t *value)
{
	return recv_until(q, select, NO_WAIT, value);
}

/* The next message that suits is the number @value. */
#define CHECK_RECV(q, select, value)					\
	do {								\
		uint64_t got__;						\
		CHECK_OK(recv_value(q, select, &got__));		\
		CHECK_EQ(got__, value);					\
	} while (0)

#define CHECK_NONE(q, select)						\
	do {								\
		uint64_t got__;						\
		CHECK_ERR(recv_value(q, select, &got__), EAGAIN);	\
	} while (0)

static inline struct ipcx_queue_stat stat_of(int q)
{
	struct ipcx_queue_stat stat;

	POISON(stat);
	CHECK_OK(ipcx_queue_stat(q, &stat));
	return stat;
}

/* Bytes that the owner is charged with for @q. */
static inline uint64_t charged(int q)
{
	struct ipcx_stat stat;

	POISON(stat);
	CHECK_OK(ipcx_stat(q, &stat));
	return stat.charged;
}

/* Bytes that the caller's user is charged with. */
static inline uint64_t user_charged(void)
{
	struct ipcx_query query;

	POISON(query);
	CHECK_OK(ipcx_query(&query));
	return query.user_bytes_used;
}

/* The payload of message number @seed, different at every offset. */
static inline void fill(void *buf, size_t len, uint64_t seed)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ull + 1;
	unsigned char *p = buf;
	size_t i;

	for (i = 0; i < len; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		p[i] = x >> 56;
	}
}

#endif /* QUEUE_TEST_H */
