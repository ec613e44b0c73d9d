// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a broadcast queue: subscribers that come and go, what it tells of itself, discarding, shutdown.
 */
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "broadcast.h"

/* ---- what it tells of itself ---- */

/* FIONREAD: bytes that read(2) would take now. */
long ipcx_broadcast_readable(struct file *file, int __user *bytes)
{
	struct ipcx_broadcast *b = broadcast_of(ipcx_object(file));
	struct ipcx_subscriber *sub = subscriber_of(file);
	struct ipcx_message *msg = NULL;
	int len;

	spin_lock(&b->queue.obj.lock);
	if (sub && !disconnected_locked(b, sub))
		msg = first_locked(b, sub);
	len = msg ? msg->len : 0;
	spin_unlock(&b->queue.obj.lock);
	return put_user(len, bytes);
}

static __poll_t broadcast_events_locked(const struct file *file)
{
	struct ipcx_broadcast *b = broadcast_of(ipcx_object(file));
	struct ipcx_subscriber *sub = subscriber_of(file);
	struct ipcx_queue *q = &b->queue;
	__poll_t events = ipcx_shut_events(&q->obj);

	if (sub && disconnected_locked(b, sub))
		events |= EPOLLHUP | EPOLLERR | EPOLLIN | EPOLLRDNORM;
	else if (sub && first_locked(b, sub))
		events |= EPOLLIN | EPOLLRDNORM;
	if (b->overflow != IPCX_OVERFLOW_BLOCK || (has_room_locked(b, 1) && !ipcx_anybody_waits(&q->senders)))
		events |= EPOLLOUT | EPOLLWRNORM;
	return events;
}

long ipcx_broadcast_stat(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_broadcast *b = broadcast_of(ipcx_object(file));
	struct ipcx_queue *q = &b->queue;
	struct ipcx_queue_stat *stat = args;

	if (stat->flags)
		return -EINVAL;
	spin_lock(&q->obj.lock);
	ipcx_queue_fill_stat_locked(q, stat);
	stat->nr_msgs = b->tail->seq - b->head->seq;
	stat->bytes = b->tail->bytes - b->head->bytes;
	stat->nr_subscribers = b->nr_subscribers;
	spin_unlock(&q->obj.lock);
	return ipcx_put_args(uargs, stat, sizeof(*stat));
}

static void broadcast_show(struct ipcx_object *obj, struct seq_file *m)
{
	static const char *const overflow[] = { "block", "drop", "disconnect" };
	struct ipcx_broadcast *b = broadcast_of(obj);
	u64 nr_msgs, bytes;
	u32 subscribers;

	spin_lock(&obj->lock);
	nr_msgs = b->tail->seq - b->head->seq;
	bytes = b->tail->bytes - b->head->bytes;
	subscribers = b->nr_subscribers;
	spin_unlock(&obj->lock);
	ipcx_queue_show(&b->queue, m, nr_msgs, bytes);
	seq_printf(m, "overflow:\t%s\nsubscribers:\t%u\n", overflow[b->overflow], subscribers);
}

/* What this one subscriber has not received, and whether it still can. */
static void broadcast_show_file(struct file *file, struct seq_file *m)
{
	struct ipcx_broadcast *b = broadcast_of(ipcx_object(file));
	struct ipcx_subscriber *sub = subscriber_of(file);
	struct returned *r;
	bool disconnected;
	u64 unread = 0;

	if (!sub)
		return;
	spin_lock(&b->queue.obj.lock);
	disconnected = disconnected_locked(b, sub);
	if (!disconnected) {
		catch_up_locked(b, sub);
		unread = b->tail->seq - sub->seq;
		list_for_each_entry(r, &sub->returned, node)
			unread++;
	}
	spin_unlock(&b->queue.obj.lock);
	seq_printf(m, "unread:\t%llu\ndisconnected:\t%d\n", unread, disconnected);
}

/* ---- purge, shutdown, life ---- */

/* The messages of @list, which nobody else sees, go. */
static void put_returned(struct ipcx_queue *q, struct list_head *list)
{
	struct returned *r, *next;

	list_for_each_entry_safe(r, next, list, node) {
		ipcx_message_put(r->msg, &q->obj, &q->pool);
		kfree(r);
	}
}

/* A subscriber discards what it has not received; the others still receive it. */
long ipcx_broadcast_purge(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_broadcast *b = broadcast_of(ipcx_object(file));
	struct ipcx_subscriber *sub = subscriber_of(file);
	struct ipcx_queue_purge *purge = args;
	struct ipcx_queue *q = &b->queue;
	struct returned *r;
	LIST_HEAD(returned);
	AFTERMATH(after);
	int ret;

	ret = purge->flags ? -EINVAL : check_recv(file, 0, purge->select);
	if (ret)
		return ret;
	/* what is discarded cannot come back: find out first whether the count can be told */
	purge->nr_msgs = 0;
	purge->bytes = 0;
	if (ipcx_put_args(uargs, purge, sizeof(*purge)))
		return -EFAULT;

	spin_lock(&q->obj.lock);
	if (disconnected_locked(b, sub)) {
		spin_unlock(&q->obj.lock);
		return -ECONNRESET;
	}
	list_for_each_entry(r, &sub->returned, node) {
		purge->nr_msgs++;
		purge->bytes += r->msg->len;
	}
	list_splice_init(&sub->returned, &returned);
	catch_up_locked(b, sub);
	purge->nr_msgs += b->tail->seq - sub->seq;
	purge->bytes += b->tail->bytes - sub->at->bytes;
	q->purged += purge->nr_msgs;
	sub->at->cursors--;
	b->tail->cursors++;
	sub->at = b->tail;
	sub->seq = b->tail->seq;
	ipcx_broadcast_trim_locked(b, &after);
	ipcx_broadcast_admit_locked(b, &after);
	spin_unlock(&q->obj.lock);
	settle(b, &after);
	put_returned(q, &returned);
	ipcx_pool_drain(&q->pool, &q->obj);
	/* it is done: that its memory has gone meanwhile is the caller's affair */
	(void)!ipcx_put_args(uargs, purge, sizeof(*purge));
	return 0;
}

static void broadcast_shutdown(struct ipcx_object *obj, u32 how)
{
	struct ipcx_broadcast *b = broadcast_of(obj);
	struct ipcx_subscriber *sub, *next_sub;
	struct ipcx_queue *q = &b->queue;
	struct receiver *r, *next;
	IPCX_WAKES(wakes);

	spin_lock(&obj->lock);
	ipcx_queue_shut_locked(q, how, &wakes);
	list_for_each_entry_safe(sub, next_sub, &b->receiving, receiving) {
		list_for_each_entry_safe(r, next, &sub->receivers, wait.node) {
			if (!ipcx_waiter_claim(&r->wait))
				continue;
			q->nr_receivers--;
			ipcx_waiter_complete(&r->wait, -EPIPE, &wakes);
		}
		if (list_empty(&sub->receivers))
			list_del_init(&sub->receiving);
	}
	spin_unlock(&obj->lock);
	ipcx_wake(&wakes);
	ipcx_object_notify(obj, EPOLLHUP | EPOLLIN | EPOLLOUT);
}

/* A new open file: from here on it receives, if it can. */
static int broadcast_opened(struct ipcx_object *obj, struct file *file)
{
	struct ipcx_broadcast *b = broadcast_of(obj);
	struct ipcx_subscriber *sub;
	int ret;

	if (!(file->f_mode & FMODE_READ))
		return 0;
	ret = ipcx_charge(obj, sizeof(*sub));
	if (ret)
		return ret;
	sub = kzalloc(sizeof(*sub), GFP_KERNEL_ACCOUNT);
	if (!sub) {
		ipcx_uncharge(obj, sizeof(*sub));
		return -ENOMEM;
	}
	INIT_LIST_HEAD(&sub->returned);
	INIT_LIST_HEAD(&sub->receivers);
	INIT_LIST_HEAD(&sub->receiving);
	file->f_path.dentry->d_fsdata = sub;
	spin_lock(&obj->lock);
	sub->at = b->tail;
	sub->seq = b->tail->seq;
	b->tail->cursors++;
	b->nr_subscribers++;
	spin_unlock(&obj->lock);
	return 0;
}

/* Its file goes: nobody receives through it any more.  What only it had to receive goes too. */
static void broadcast_closed(struct ipcx_object *obj, struct file *file)
{
	struct ipcx_broadcast *b = broadcast_of(obj);
	struct ipcx_subscriber *sub = subscriber_of(file);
	AFTERMATH(after);

	if (!sub)
		return;
	spin_lock(&obj->lock);
	if (!disconnected_locked(b, sub)) {
		catch_up_locked(b, sub);
		sub->at->cursors--;
		b->nr_subscribers--;
		ipcx_broadcast_trim_locked(b, &after);
		ipcx_broadcast_admit_locked(b, &after);
	}
	spin_unlock(&obj->lock);
	settle(b, &after);
	put_returned(&b->queue, &sub->returned);
	file->f_path.dentry->d_fsdata = NULL;
	kfree(sub);
	ipcx_uncharge(obj, sizeof(*sub));
}

static struct ipcx_object *broadcast_create(const void *args)
{
	const struct ipcx_queue_create *create = args;
	struct ipcx_broadcast *b;
	int ret;

	if (create->overflow > IPCX_OVERFLOW_DISCONNECT)
		return ERR_PTR(-EINVAL);
	b = kzalloc(sizeof(*b), GFP_KERNEL_ACCOUNT);
	if (!b)
		return ERR_PTR(-ENOMEM);
	b->overflow = create->overflow;
	INIT_LIST_HEAD(&b->receiving);
	b->tail = kzalloc(sizeof(*b->tail), GFP_KERNEL_ACCOUNT);
	b->head = b->tail;
	ret = b->tail ? ipcx_queue_init(&b->queue, create, &ipcx_broadcast_kind) : -ENOMEM;
	if (ret) {
		kfree(b->tail);
		kfree(b);
		return ERR_PTR(ret);
	}
	return &b->queue.obj;
}

/* Every open file has gone, and with the last subscriber every message. */
static void broadcast_free(struct ipcx_object *obj)
{
	struct ipcx_broadcast *b = broadcast_of(obj);

	WARN_ON_ONCE(b->head != b->tail);
	ipcx_tap_end(&b->queue);
	ipcx_pool_drain(&b->queue.pool, obj);
	kfree(b->tail);
	kfree(b);
}

const struct ipcx_kind ipcx_broadcast_kind = {
	.kind		= IPCX_KIND_QUEUE,
	.label		= "queue",
	.file_name	= "[ipcx-queue]",
	.fops		= &ipcx_broadcast_fops,
	.create		= broadcast_create,
	.opened		= broadcast_opened,
	.closed		= broadcast_closed,
	.free		= broadcast_free,
	.show		= broadcast_show,
	.show_file	= broadcast_show_file,
	.shutdown	= broadcast_shutdown,
	.events_locked	= broadcast_events_locked,
};
