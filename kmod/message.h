/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages: their memory, and the two copies.
 */
#ifndef IPCX_MESSAGE_H
#define IPCX_MESSAGE_H

#include <linux/cred.h>
#include <linux/fault-inject-usercopy.h>
#include <linux/kasan-checks.h>
#include <linux/list.h>
#include <linux/pid.h>
#include <linux/refcount.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "ipcx.h"
#include "ipcx_trace.h"

struct ipcx_entry;
struct ipcx_level;
struct ipcx_message;

/**
 * struct ipcx_attachment - what comes along with a message apart from its bytes
 * @flag:	IPCX_MSG_*, which tells a receiver what it is
 * @nr_fds:	descriptors in it, constant
 * @unwanted:	a message that is given back shall not enter the queue again (protected by the queue's lock)
 * @drop:	the message goes, and nobody has taken this from it: frees it; no lock is held
 */
struct ipcx_attachment {
	u32 flag;
	u32 nr_fds;
	bool unwanted;
	void (*drop)(struct ipcx_attachment *attached, struct ipcx_object *obj);
};

#define IPCX_MSG_LEN_MAX	SZ_16M

/**
 * struct ipcx_message - one message
 * @next:	in its level, or in a list of whoever owns it
 * @link:	in its level: what points to it; NULL in no level
 * @seq:	place in the order of arrival, given when it enters the queue
 * @type:	constant
 * @priority:	constant
 * @len:	bytes of payload
 * @capacity:	bytes of payload that its memory holds
 * @class:	of its memory: see IPCX_POOL_CLASSES
 * @charged:	bytes charged to the queue's owner for it, and perhaps to its sender, see sender_of()
 * @refs:	one for the queue or whoever took the message out, one for each peeker that is copying it; only
 *		raised under the queue's lock while the message is in the queue
 * @level:	memory for a level, if this message should need one (see order.c)
 * @entry:	in a broadcast queue, in its place: while the message is not in the log, an entry for it
 * @attached:	with IPCX_CLASS_ATTACHED in @class: what comes along; whoever took the message out may detach it
 * @pid:	the sender's process; holds a reference, also while the memory is in the pool, since the next
 *		message is likely to come from the same process
 * @uid:	the sender's effective user
 * @gid:	the sender's effective group
 * @pages:	payload that does not fit in @data: blocks of pages, order in page_private()
 * @data:	payload; or in the last class, who sent it, see sender_of()
 */
struct ipcx_message {
	struct ipcx_message *next;
	struct ipcx_message **link;
	u64 seq;
	u32 type;
	u32 priority;
	size_t len;
	u32 capacity;
	u32 class;
	refcount_t refs;
	size_t charged;
	union {
		struct ipcx_level *level;
		struct ipcx_entry *entry;
	};
	struct ipcx_attachment *attached;
	struct pid *pid;
	kuid_t uid;
	kgid_t gid;
	struct list_head pages;
	u8 data[];
};

/*
 * Classes of memory.  The payload lies in the node itself, of 192, 512, 1024, 2048 or 4096 bytes; or in up to
 * 1, 2, 4, 8 or 16 pages of its own; or, in the last class, in more pages, which are not recycled.
 */
#define IPCX_SMALL_NODE		192
#define IPCX_SMALL_LEN		(IPCX_SMALL_NODE - sizeof(struct ipcx_message))
#define IPCX_CLASS_SMALL	0
#define IPCX_CLASS_PAGES	5
#define IPCX_POOL_CLASSES	10

/*
 * Bits in @class of the few messages that have an attachment, which keep them out of the quick paths: that they do,
 * and its flag, so that a peeker can tell it while somebody else detaches it.
 */
#define IPCX_CLASS_ATTACHED	(1U << 31)
#define IPCX_CLASS_FLAG_SHIFT	16
#define IPCX_CLASS_MASK		0xffffU

/**
 * struct ipcx_pool - memory of messages that is free to be used again; it stays charged, and is as it was left:
 *		      not zeroed, which for pages would cost as much as a copy
 * @hot:	one message of each class, taken and given with a single exchange, or NULL
 * @lock:	protects the other members
 * @bytes:	what the messages of @free are charged for, at most IPCX_POOL_BYTES
 * @free:	the others, by ipcx_message.next
 */
struct ipcx_pool {
	struct ipcx_message *hot[IPCX_POOL_CLASSES];
	spinlock_t lock;
	size_t bytes;
	struct ipcx_message *free[IPCX_POOL_CLASSES];
};

#define IPCX_POOL_BYTES	SZ_32K

/**
 * struct ipcx_buf - where user space has a payload, or wants it
 * @ptr:	an address, if @iter is NULL
 * @iter:	the iterator of readv(2), writev(2) and friends
 */
struct ipcx_buf {
	void __user *ptr;
	struct iov_iter *iter;
};

static inline void ipcx_message_attach(struct ipcx_message *msg, struct ipcx_attachment *attached)
{
	msg->link = NULL;
	msg->attached = attached;
	msg->class |= IPCX_CLASS_ATTACHED | attached->flag << IPCX_CLASS_FLAG_SHIFT;
}

/* NULL if it has none. */
static inline struct ipcx_attachment *ipcx_message_detach(struct ipcx_message *msg)
{
	struct ipcx_attachment *attached = msg->attached;

	if (!(msg->class & IPCX_CLASS_ATTACHED))
		return NULL;
	msg->attached = NULL;
	/* the flag stays: a peeker may be about to tell it */
	WRITE_ONCE(msg->class, msg->class & ~IPCX_CLASS_ATTACHED);
	return attached;
}

/* Descriptors that come with @msg; the caller has taken it, or holds the queue's lock. */
static inline u32 ipcx_message_nr_fds(const struct ipcx_message *msg)
{
	return msg->class & IPCX_CLASS_ATTACHED ? msg->attached->nr_fds : 0;
}

void ipcx_pool_init(struct ipcx_pool *pool);
void ipcx_pool_drain(struct ipcx_pool *pool, struct ipcx_object *obj);

struct ipcx_message *ipcx_message_create_slow(struct ipcx_object *obj, struct ipcx_pool *pool,
					      struct ipcx_buf buf, size_t len);
struct ipcx_message *ipcx_message_clone(struct ipcx_object *obj, struct ipcx_pool *pool,
					const struct ipcx_message *from);
void ipcx_message_put_many(struct ipcx_message **msgs, u32 nr, struct ipcx_object *obj,
			   struct ipcx_pool *pool);
void ipcx_message_put(struct ipcx_message *msg, struct ipcx_object *obj, struct ipcx_pool *pool);
void ipcx_message_drop_attached(struct ipcx_message *msg, struct ipcx_object *obj);
int ipcx_message_copy_out_slow(const struct ipcx_object *obj, const struct ipcx_message *msg,
			       struct ipcx_buf buf, size_t len);

/*
 * The two copies.  Every length comes from message_alloc() and is within the node or block by construction, so
 * the check of copy_from_user() that the kernel address lies within its slab object, which costs more than the
 * copy of a small message, is left out.  KASAN still checks it, and copies still fail where that is asked for.
 */
static __always_inline bool ipcx_copy_in(void *to, struct ipcx_buf *buf, size_t len)
{
	const void __user *from = buf->ptr;

	if (unlikely(buf->iter))
		return copy_from_iter_full(to, len, buf->iter);
	kasan_check_write(to, len);
	if (unlikely(should_fail_usercopy() || !access_ok(from, len) || raw_copy_from_user(to, from, len)))
		return false;
	buf->ptr += len;
	return true;
}

static __always_inline bool ipcx_copy_out(const void *from, struct ipcx_buf *buf, size_t len)
{
	void __user *to = buf->ptr;

	if (unlikely(buf->iter))
		return copy_to_iter(from, len, buf->iter) == len;
	kasan_check_read(from, len);
	if (unlikely(should_fail_usercopy() || !access_ok(to, len) || raw_copy_to_user(to, from, len)))
		return false;
	buf->ptr += len;
	return true;
}

/*
 * The same of a small message, as part of a loop between user_read_access_begin() or user_write_access_begin() and its end:
 * nothing may be called there.  @len is at most IPCX_SMALL_LEN, and @from or @to at most IPCX_SMALL_LAST, which access_ok()
 * would allow (it costs more than this), or ~0, which faults.  False if user space is not there.
 */
#define IPCX_SMALL_BLOCK	64
#define IPCX_SMALL_LAST		(TASK_SIZE_MAX - IPCX_SMALL_LEN)

static __always_inline bool ipcx_unsafe_copy_in(u8 *to, const u8 __user *from, size_t len)
{
	size_t i;
	u64 word;

	BUILD_BUG_ON(IPCX_SMALL_LEN >= 2 * IPCX_SMALL_BLOCK);
	if (len & IPCX_SMALL_BLOCK) {
#pragma GCC unroll 8
		for (i = 0; i < IPCX_SMALL_BLOCK; i += 8) {
			unsafe_get_user(word, (const u64 __user *)(from + i), fault);
			*(u64 *)(to + i) = word;
		}
	}
	if (len % IPCX_SMALL_BLOCK) {
		for (i = len & IPCX_SMALL_BLOCK; i + 8 <= len; i += 8) {
			unsafe_get_user(word, (const u64 __user *)(from + i), fault);
			*(u64 *)(to + i) = word;
		}
		for (; i < len; i++)
			unsafe_get_user(to[i], from + i, fault);
	}
	return true;

fault:
	return false;
}

static __always_inline bool ipcx_unsafe_copy_out(u8 __user *to, const u8 *from, size_t len)
{
	size_t i;

	if (len & IPCX_SMALL_BLOCK) {
#pragma GCC unroll 8
		for (i = 0; i < IPCX_SMALL_BLOCK; i += 8)
			unsafe_put_user(*(const u64 *)(from + i), (u64 __user *)(to + i), fault);
	}
	if (len % IPCX_SMALL_BLOCK) {
		for (i = len & IPCX_SMALL_BLOCK; i + 8 <= len; i += 8)
			unsafe_put_user(*(const u64 *)(from + i), (u64 __user *)(to + i), fault);
		for (; i < len; i++)
			unsafe_put_user(from[i], to + i, fault);
	}
	return true;

fault:
	return false;
}

/* ipcx_copy_in() and ipcx_copy_out() of a small message, without a call. */
static __always_inline bool ipcx_copy_in_small(u8 *to, const void __user *from, size_t len)
{
	bool ok;

	if (unlikely(should_fail_usercopy() || !user_read_access_begin(from, len)))
		return false;
	ok = ipcx_unsafe_copy_in(to, from, len);
	user_read_access_end();
	return ok;
}

static __always_inline bool ipcx_copy_out_small(void __user *to, const u8 *from, size_t len)
{
	bool ok;

	if (unlikely(should_fail_usercopy() || !user_write_access_begin(to, len)))
		return false;
	ok = ipcx_unsafe_copy_out(to, from, len);
	user_write_access_end();
	return ok;
}

/**
 * struct ipcx_sender_id - who sends
 * @pid: the process, without a reference
 * @uid: effective user
 * @gid: effective group
 */
struct ipcx_sender_id {
	struct pid *pid;
	kuid_t uid;
	kgid_t gid;
};

static inline struct ipcx_sender_id ipcx_sender_id(void)
{
	struct ipcx_sender_id id = { .pid = task_tgid(current) };

	current_euid_egid(&id.uid, &id.gid);
	return id;
}

/* @id, which is the caller, is the sender. */
static inline void ipcx_message_init_by(struct ipcx_message *msg, const struct ipcx_sender_id *id)
{
	refcount_set(&msg->refs, 1);
	if (unlikely(msg->pid != id->pid)) {
		put_pid(msg->pid);
		msg->pid = get_pid(id->pid);
	}
	msg->uid = id->uid;
	msg->gid = id->gid;
}

static inline void ipcx_message_init(struct ipcx_message *msg, size_t len)
{
	struct ipcx_sender_id id = ipcx_sender_id();

	msg->len = len;
	ipcx_message_init_by(msg, &id);
}

u32 ipcx_pool_take_small(struct ipcx_pool *pool, struct ipcx_message **msgs, u32 nr,
			 const struct ipcx_sender_id *id);

/* A message with the payload and the credentials of the caller; -EFAULT, -ENOMEM, -EDQUOT. */
static __always_inline struct ipcx_message *ipcx_message_create(struct ipcx_object *obj, struct ipcx_pool *pool,
								 struct ipcx_buf buf, size_t len)
{
	struct ipcx_message *msg;

	if (unlikely(len > IPCX_SMALL_LEN || buf.iter || trace_ipcx_copy_in_enabled() ||
		     !READ_ONCE(pool->hot[IPCX_CLASS_SMALL])))
		return ipcx_message_create_slow(obj, pool, buf, len);
	msg = xchg(&pool->hot[IPCX_CLASS_SMALL], NULL);
	if (unlikely(!msg))
		return ipcx_message_create_slow(obj, pool, buf, len);
	ipcx_message_init(msg, len);
	if (unlikely(!ipcx_copy_in(msg->data, &buf, len))) {
		ipcx_message_put(msg, obj, pool);
		return ERR_PTR(-EFAULT);
	}
	return msg;
}

/* Copy the first @len bytes of the payload to user space: -EFAULT. */
static __always_inline int ipcx_message_copy_out(const struct ipcx_object *obj, const struct ipcx_message *msg,
						 struct ipcx_buf buf, size_t len)
{
	if (unlikely(READ_ONCE(msg->class) >= IPCX_CLASS_PAGES || buf.iter || trace_ipcx_copy_out_enabled()))
		return ipcx_message_copy_out_slow(obj, msg, buf, len);
	return ipcx_copy_out(msg->data, &buf, len) ? 0 : -EFAULT;
}

#endif /* IPCX_MESSAGE_H */
