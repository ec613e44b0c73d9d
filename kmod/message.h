/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages: their memory, and the two copies.
 */
#ifndef IPCX_MESSAGE_H
#define IPCX_MESSAGE_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/sizes.h>
#include <linux/uidgid.h>
#include <linux/uio.h>

#include "ipcx.h"

struct ipcx_level;

#define IPCX_MSG_LEN_MAX	SZ_16M

/**
 * struct ipcx_message - one message
 * @node:	in its level, or in a list of whoever owns it
 * @seq:	place in the order of arrival, given when it enters the queue
 * @type:	constant
 * @priority:	constant
 * @len:	bytes of payload
 * @inline_len:	bytes of @data
 * @charged:	bytes charged to the queue's owner for it
 * @refs:	one for the queue or whoever took the message out, one for each peeker that is copying it; only
 *		raised under the queue's lock while the message is in the queue
 * @level:	memory for a level, if this message should need one (see order.c)
 * @pid:	the sender's process; holds a reference
 * @uid:	the sender's effective user
 * @gid:	the sender's effective group
 * @pages:	payload that does not fit in @data: blocks of pages, order in page_private()
 * @data:	payload
 */
struct ipcx_message {
	struct list_head node;
	u64 seq;
	u32 type;
	u32 priority;
	size_t len;
	u32 inline_len;
	refcount_t refs;
	size_t charged;
	struct ipcx_level *level;
	struct pid *pid;
	kuid_t uid;
	kgid_t gid;
	struct list_head pages;
	u8 data[];
};

/* Bytes of a node that is recycled, and of payload that fit in it: the most common messages. */
#define IPCX_SMALL_NODE	192
#define IPCX_SMALL_LEN	(IPCX_SMALL_NODE - sizeof(struct ipcx_message))

/**
 * struct ipcx_pool - nodes of small messages that are free to be used again; they stay charged
 * @lock:	protects the other members
 * @free:	ipcx_message.node
 * @nr:		length of @free
 */
struct ipcx_pool {
	spinlock_t lock;
	struct list_head free;
	u32 nr;
};

#define IPCX_POOL_MAX	64

/**
 * struct ipcx_buf - where user space has a payload, or wants it
 * @ptr:	an address, if @iter is NULL
 * @iter:	the iterator of readv(2), writev(2) and friends
 */
struct ipcx_buf {
	void __user *ptr;
	struct iov_iter *iter;
};

void ipcx_pool_init(struct ipcx_pool *pool);
void ipcx_pool_drain(struct ipcx_pool *pool, struct ipcx_object *obj);

struct ipcx_message *ipcx_message_create(struct ipcx_object *obj, struct ipcx_pool *pool, struct ipcx_buf buf,
					 size_t len);
void ipcx_message_put(struct ipcx_message *msg, struct ipcx_object *obj, struct ipcx_pool *pool);
int ipcx_message_copy_out(const struct ipcx_object *obj, const struct ipcx_message *msg, struct ipcx_buf buf,
			  size_t len);

#endif /* IPCX_MESSAGE_H */
