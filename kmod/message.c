// SPDX-License-Identifier: GPL-2.0
/*
 * Messages: their memory, and the two copies, from the sender and to the receiver.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ipcx.h"
#include "ipcx_trace.h"
#include "message.h"
#include "order.h"

#define NODE_LEN_MAX	(PAGE_SIZE - sizeof(struct ipcx_message))

#define GFP_MSG		(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

void ipcx_pool_init(struct ipcx_pool *pool)
{
	memset(pool, 0, sizeof(*pool));
	spin_lock_init(&pool->lock);
}

static unsigned int class_of(size_t len)
{
	if (len <= IPCX_SMALL_LEN)
		return IPCX_CLASS_SMALL;
	if (len <= NODE_LEN_MAX)
		return max(1, fls_long(sizeof(struct ipcx_message) + len - 1) - 8);
	return IPCX_CLASS_PAGES + get_order(len);
}

static struct ipcx_message *pool_take(struct ipcx_pool *pool, unsigned int class)
{
	struct ipcx_message *msg;

	msg = READ_ONCE(pool->hot[class]) ? xchg(&pool->hot[class], NULL) : NULL;
	if (msg || !READ_ONCE(pool->free[class]))
		return msg;
	spin_lock(&pool->lock);
	msg = pool->free[class];
	if (msg) {
		WRITE_ONCE(pool->free[class], msg->next);
		pool->bytes -= msg->charged;
	}
	spin_unlock(&pool->lock);
	return msg;
}

static noinline bool pool_give_slow(struct ipcx_pool *pool, struct ipcx_message *msg)
{
	unsigned int class = msg->class;
	bool room;

	spin_lock(&pool->lock);
	room = pool->bytes + msg->charged <= IPCX_POOL_BYTES;
	if (room) {
		pool->bytes += msg->charged;
		msg->next = pool->free[class];
		WRITE_ONCE(pool->free[class], msg);
	}
	spin_unlock(&pool->lock);
	return room;
}

/* Returns the message that found no place, or NULL. */
static inline struct ipcx_message *pool_give(struct ipcx_pool *pool, struct ipcx_message *msg)
{
	msg = xchg(&pool->hot[msg->class], msg);
	return likely(!msg) || pool_give_slow(pool, msg) ? NULL : msg;
}

static void free_pages_of(struct ipcx_message *msg)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &msg->pages, lru) {
		unsigned int order = page_private(page);

		list_del(&page->lru);
		set_page_private(page, 0);
		__free_pages(page, order);
	}
}

/*
 * A message of the last class is charged to its sender, too, if the object is another user's: while it is made or waits for
 * room it is bounded by no limit of the object, and there may be one in each thread.
 */
static struct ipcx_user **sender_of(struct ipcx_message *msg)
{
	return (struct ipcx_user **)msg->data;
}

static void message_free(struct ipcx_message *msg, struct ipcx_object *obj)
{
	if ((msg->class & IPCX_CLASS_MASK) >= IPCX_POOL_CLASSES && *sender_of(msg))
		ipcx_user_uncharge(*sender_of(msg), msg->charged);
	ipcx_uncharge(obj, msg->charged);
	free_pages_of(msg);
	put_pid(msg->pid);
	kfree(msg->level);
	kfree(msg);
}

/* What a small message is charged for: a level may come to be part of it, see order.c. */
#define SMALL_CHARGE	(IPCX_SMALL_NODE + sizeof(struct ipcx_level))

/* Up to @nr messages by @id for at most IPCX_SMALL_LEN bytes, as many as the pool has; returns how many. */
u32 ipcx_pool_take_small(struct ipcx_pool *pool, struct ipcx_message **msgs, u32 nr,
			 const struct ipcx_sender_id *id)
{
	const struct ipcx_sender_id sender = *id;
	struct ipcx_message *msg;
	u32 i = 0;

	if (READ_ONCE(pool->free[IPCX_CLASS_SMALL])) {
		spin_lock(&pool->lock);
		msg = pool->free[IPCX_CLASS_SMALL];
		for (; i < nr && msg; i++) {
			msgs[i] = msg;
			ipcx_message_init_by(msg, &sender);
			msg = msg->next;
		}
		pool->bytes -= i * SMALL_CHARGE;
		WRITE_ONCE(pool->free[IPCX_CLASS_SMALL], msg);
		spin_unlock(&pool->lock);
	}
	if (i < nr) {
		msgs[i] = xchg(&pool->hot[IPCX_CLASS_SMALL], NULL);
		if (msgs[i])
			ipcx_message_init_by(msgs[i++], &sender);
	}
	return i;
}

/*
 * ipcx_message_put() of @nr messages that have been received, and what came with them goes: the small ones, up to the
 * first that is not, find their place under one hold of the lock.
 */
void ipcx_message_put_many(struct ipcx_message **msgs, u32 nr, struct ipcx_object *obj, struct ipcx_pool *pool)
{
	struct ipcx_message *free, *msg;
	u32 i = 0, room;

	spin_lock(&pool->lock);
	room = (IPCX_POOL_BYTES - pool->bytes) / SMALL_CHARGE;
	free = pool->free[IPCX_CLASS_SMALL];
	for (room = min(room, nr); i < room; i++, free = msg) {
		msg = msgs[i];
		if (unlikely(msg->class != IPCX_CLASS_SMALL || refcount_read(&msg->refs) != 1))
			break;
		msg->next = free;
	}
	smp_acquire__after_ctrl_dep();	/* see PEEK_RELEASE */
	pool->bytes += i * SMALL_CHARGE;
	WRITE_ONCE(pool->free[IPCX_CLASS_SMALL], free);
	spin_unlock(&pool->lock);
	for (; i < nr; i++) {
		if (unlikely(msgs[i]->class & IPCX_CLASS_ATTACHED))
			ipcx_message_drop_attached(msgs[i], obj);
		ipcx_message_put(msgs[i], obj, pool);
	}
}

void ipcx_pool_drain(struct ipcx_pool *pool, struct ipcx_object *obj)
{
	struct ipcx_message *msg;
	unsigned int class;

	for (class = 0; class < IPCX_POOL_CLASSES; class++)
		while ((msg = pool_take(pool, class)))
			message_free(msg, obj);
}

/* @len bytes, whole pages: blocks as large as the allocator gives them cheaply, then single pages. */
static int alloc_pages_for(struct ipcx_message *msg, size_t len)
{
	unsigned int order = PAGE_ALLOC_COSTLY_ORDER;

	while (len) {
		struct page *page;

		order = min_t(unsigned int, order, ilog2(len >> PAGE_SHIFT));
		page = alloc_pages(order ? GFP_MSG | __GFP_NORETRY | __GFP_COMP : GFP_MSG, order);
		if (!page) {
			if (!order)
				return -ENOMEM;
			order = 0;
			continue;
		}
		set_page_private(page, order);
		list_add_tail(&page->lru, &msg->pages);
		len -= PAGE_SIZE << order;
		cond_resched();
	}
	return 0;
}

/* Memory for @len bytes of payload, charged to @obj: -ENOMEM, -EDQUOT. */
static struct ipcx_message *message_alloc(struct ipcx_object *obj, struct ipcx_pool *pool, size_t len)
{
	unsigned int class = class_of(len);
	size_t node = IPCX_SMALL_NODE, pages = 0, charge;
	struct ipcx_user *sender = NULL;
	struct ipcx_message *msg;
	int ret;

	if (class < IPCX_POOL_CLASSES) {
		msg = pool_take(pool, class);
		if (msg && likely(msg->capacity >= len))
			return msg;
		if (msg)
			message_free(msg, obj);
	}
	if (class >= IPCX_CLASS_PAGES) {
		node = sizeof(*msg) + (class >= IPCX_POOL_CLASSES ? sizeof(sender) : 0);
		pages = PAGE_ALIGN(len);
	} else if (class != IPCX_CLASS_SMALL) {
		node = 256 << class;
	}

	charge = node + pages + sizeof(struct ipcx_level);	/* see SMALL_CHARGE */
	ret = ipcx_charge(obj, charge);
	if (ret) {
		/* what this queue keeps for later may be what is missing now */
		ipcx_pool_drain(pool, obj);
		ret = ipcx_charge(obj, charge);
	}
	if (ret)
		return ERR_PTR(ret);
	if (class >= IPCX_POOL_CLASSES) {
		sender = ipcx_user_charge_other(obj, charge);
		if (IS_ERR(sender)) {
			ipcx_uncharge(obj, charge);
			return ERR_CAST(sender);
		}
	}
	msg = kmalloc(node, GFP_MSG);
	if (!msg) {
		if (sender)
			ipcx_user_uncharge(sender, charge);
		ipcx_uncharge(obj, charge);
		return ERR_PTR(-ENOMEM);
	}
	if (class >= IPCX_POOL_CLASSES)
		*sender_of(msg) = sender;
	msg->charged = charge;
	msg->capacity = pages ? pages : node - sizeof(*msg);
	msg->class = class;
	msg->level = NULL;
	msg->attached = NULL;
	msg->pid = NULL;
	INIT_LIST_HEAD(&msg->pages);
	ret = alloc_pages_for(msg, pages);
	if (ret) {
		message_free(msg, obj);
		return ERR_PTR(ret);
	}
	return msg;
}

/* Is the payload of a message of @class, up to @len bytes of it, all in one block of pages? */
static inline bool is_one_block(const struct ipcx_message *msg, size_t len)
{
	return len <= PAGE_SIZE << page_private(list_first_entry(&msg->pages, struct page, lru));
}

static inline void *first_block(const struct ipcx_message *msg)
{
	return page_address(list_first_entry(&msg->pages, struct page, lru));
}

static noinline bool copy_in_blocks(struct ipcx_message *msg, struct ipcx_buf buf, size_t len)
{
	struct page *page;

	list_for_each_entry(page, &msg->pages, lru) {
		size_t nr = min_t(size_t, len, PAGE_SIZE << page_private(page));

		if (!nr)
			break;
		if (!ipcx_copy_in(page_address(page), &buf, nr))
			return false;
		len -= nr;
		cond_resched();
	}
	return true;
}

static __always_inline bool message_copy_in(struct ipcx_message *msg, struct ipcx_buf buf, size_t len)
{
	if (msg->class < IPCX_CLASS_PAGES)
		return ipcx_copy_in(msg->data, &buf, len);
	if (likely(is_one_block(msg, len)))
		return ipcx_copy_in(first_block(msg), &buf, len);
	return copy_in_blocks(msg, buf, len);
}

/* In how many pieces @len bytes are copied. */
static u32 nr_pieces(const struct ipcx_message *msg, size_t len)
{
	struct page *page;
	u32 nr = 0;

	if ((READ_ONCE(msg->class) & IPCX_CLASS_MASK) < IPCX_CLASS_PAGES)
		return len > 0;
	list_for_each_entry(page, &msg->pages, lru) {
		if (!len)
			break;
		len -= min_t(size_t, len, PAGE_SIZE << page_private(page));
		nr++;
	}
	return nr;
}

static noinline bool message_copy_in_traced(struct ipcx_object *obj, struct ipcx_message *msg, struct ipcx_buf buf,
					    size_t len)
{
	u64 start = ktime_get_ns();
	bool ok = message_copy_in(msg, buf, len);

	if (ok)
		trace_ipcx_copy_in(obj, len, nr_pieces(msg, len), ktime_get_ns() - start);
	return ok;
}

/* ipcx_message_create() with allocations, pages, an iterator or tracing. */
struct ipcx_message *ipcx_message_create_slow(struct ipcx_object *obj, struct ipcx_pool *pool,
					      struct ipcx_buf buf, size_t len)
{
	struct ipcx_message *msg;

	msg = message_alloc(obj, pool, len);
	if (IS_ERR(msg))
		return msg;
	if (trace_ipcx_copy_in_enabled() ? !message_copy_in_traced(obj, msg, buf, len) :
					   !message_copy_in(msg, buf, len)) {
		message_free(msg, obj);
		return ERR_PTR(-EFAULT);
	}
	ipcx_message_init(msg, len);
	return msg;
}

/* A copy of @from, which is the caller's as well: its payload, type and priority; -ENOMEM, -EDQUOT. */
struct ipcx_message *ipcx_message_clone(struct ipcx_object *obj, struct ipcx_pool *pool,
					const struct ipcx_message *from)
{
	u32 nr = nr_pieces(from, from->len);
	struct kvec one, *pieces = &one;
	struct ipcx_message *msg;
	struct iov_iter iter;
	struct page *page;
	u32 i = 0;

	if (nr > 1) {
		pieces = kvmalloc_array(nr, sizeof(*pieces), GFP_KERNEL_ACCOUNT);
		if (!pieces)
			return ERR_PTR(-ENOMEM);
	}
	if ((READ_ONCE(from->class) & IPCX_CLASS_MASK) < IPCX_CLASS_PAGES) {
		one = (struct kvec){ (void *)from->data, from->len };
	} else {
		list_for_each_entry(page, &from->pages, lru) {
			if (i == nr)
				break;
			pieces[i++] = (struct kvec){ page_address(page), PAGE_SIZE << page_private(page) };
		}
	}
	iov_iter_kvec(&iter, WRITE, pieces, nr, from->len);
	msg = ipcx_message_create_slow(obj, pool, (struct ipcx_buf){ .iter = &iter }, from->len);
	if (pieces != &one)
		kvfree(pieces);
	if (!IS_ERR(msg)) {
		msg->type = from->type;
		msg->priority = from->priority;
	}
	return msg;
}

/*
 * What came with @msg goes now; for who has taken the message out of its queue and does not want it.  Peekers that are
 * still copying the message have nothing to do with that, and may take as long as they like.
 */
void ipcx_message_drop_attached(struct ipcx_message *msg, struct ipcx_object *obj)
{
	struct ipcx_attachment *attached = ipcx_message_detach(msg);

	if (attached)
		attached->drop(attached, obj);
}

/*
 * Drop a reference.  Nobody can get a new one to a message that is out of the queue, so the common case needs
 * no atomic operation.
 */
void ipcx_message_put(struct ipcx_message *msg, struct ipcx_object *obj, struct ipcx_pool *pool)
{
	if (refcount_read(&msg->refs) != 1) {
		if (!refcount_dec_and_test(&msg->refs))
			return;
	} else {
		/*
		 * PEEK_RELEASE: a peeker has read the payload before its release in refcount_dec_and_test();
		 * what is done with the memory now comes after that.
		 */
		smp_acquire__after_ctrl_dep();
	}
	if (unlikely(msg->class & ~IPCX_CLASS_MASK)) {
		ipcx_message_drop_attached(msg, obj);
		msg->class &= IPCX_CLASS_MASK;
	}
	if (likely(msg->class < IPCX_POOL_CLASSES))
		msg = pool_give(pool, msg);
	if (unlikely(msg))
		message_free(msg, obj);
}

static noinline int copy_out_blocks(const struct ipcx_message *msg, struct ipcx_buf buf, size_t len)
{
	struct page *page;

	list_for_each_entry(page, &msg->pages, lru) {
		size_t nr = min_t(size_t, len, PAGE_SIZE << page_private(page));

		if (!nr)
			break;
		if (!ipcx_copy_out(page_address(page), &buf, nr))
			return -EFAULT;
		len -= nr;
		cond_resched();
	}
	return 0;
}

static __always_inline int message_copy_out(const struct ipcx_message *msg, struct ipcx_buf buf, size_t len)
{
	/* somebody else may detach an attachment just now */
	if ((READ_ONCE(msg->class) & IPCX_CLASS_MASK) < IPCX_CLASS_PAGES)
		return ipcx_copy_out(msg->data, &buf, len) ? 0 : -EFAULT;
	if (likely(is_one_block(msg, len)))
		return ipcx_copy_out(first_block(msg), &buf, len) ? 0 : -EFAULT;
	return copy_out_blocks(msg, buf, len);
}

static noinline int message_copy_out_traced(const struct ipcx_object *obj, const struct ipcx_message *msg,
					    struct ipcx_buf buf, size_t len)
{
	u64 start = ktime_get_ns();
	int ret = message_copy_out(msg, buf, len);

	if (!ret)
		trace_ipcx_copy_out(obj, len, nr_pieces(msg, len), ktime_get_ns() - start);
	return ret;
}

/* ipcx_message_copy_out() with pages, an iterator or tracing. */
int ipcx_message_copy_out_slow(const struct ipcx_object *obj, const struct ipcx_message *msg,
			       struct ipcx_buf buf, size_t len)
{
	if (trace_ipcx_copy_out_enabled())
		return message_copy_out_traced(obj, msg, buf, len);
	return message_copy_out(msg, buf, len);
}
