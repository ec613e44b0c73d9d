// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a message queue: creation, what it tells of itself, discarding its messages, its shutdown and end.
 */
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "queue.h"

#define DEFAULT_MSGS	1024
#define DEFAULT_BYTES	SZ_16M
#define BYTES_MAX	(1ULL << 40)

/* FIONREAD: bytes that read(2) would take now. */
long ipcx_queue_readable(struct file *file, int __user *bytes)
{
	struct ipcx_queue *q = ipcx_queue_of(ipcx_object(file));
	struct ipcx_select any = { IPCX_SELECT_ANY };
	struct ipcx_level *level;
	int len;

	spin_lock(&q->obj.lock);
	level = ipcx_order_find(&q->order, any);
	len = level ? level->first->len : 0;
	spin_unlock(&q->obj.lock);
	return put_user(len, bytes);
}

static __poll_t queue_events_locked(const struct file *file)
{
	const struct ipcx_queue *q = ipcx_queue_of(ipcx_object(file));
	__poll_t events = ipcx_shut_events(&q->obj);

	if (q->order.nr)
		events |= EPOLLIN | EPOLLRDNORM;
	if (q->obj.state & IPCX_OBJECT_LATEST || (ipcx_queue_has_room_locked(q, 1) && !ipcx_anybody_waits(&q->senders)))
		events |= EPOLLOUT | EPOLLWRNORM;
	return events;
}

/* ---- purge, statistics, shutdown ---- */

/* Messages taken in one hold of the lock. */
#define PURGE_CHUNK	64

long ipcx_queue_purge(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_queue *q = ipcx_queue_of(ipcx_object(file));
	struct ipcx_queue_purge *purge = args;
	u32 left;

	if (purge->flags || !ipcx_select_valid(purge->select))
		return -EINVAL;
	if (!(file->f_mode & FMODE_READ))
		return -EACCES;

	/* what is discarded cannot come back: find out first whether the count can be told */
	purge->nr_msgs = 0;
	purge->bytes = 0;
	if (ipcx_put_args(uargs, purge, sizeof(*purge)))
		return -EFAULT;

	/* no more than are there now: a quick sender must not keep us here */
	left = READ_ONCE(q->order.nr);
	do {
		u32 chunk = min_t(u32, left, PURGE_CHUNK);
		struct ipcx_message *gone = NULL, *msg;
		struct ipcx_level *level = NULL;
		IPCX_WAKES(wakes);

		left -= chunk;
		spin_lock(&q->obj.lock);
		while (chunk-- && (level = ipcx_order_find(&q->order, purge->select))) {
			msg = ipcx_order_take(&q->order, level);
			q->bytes -= msg->len;
			q->purged++;
			purge->nr_msgs++;
			purge->bytes += msg->len;
			msg->next = gone;
			gone = msg;
		}
		ipcx_queue_admit_locked(q, &wakes);
		spin_unlock(&q->obj.lock);
		ipcx_queue_wake_admitted(q, &wakes);
		while ((msg = gone)) {
			gone = msg->next;
			ipcx_message_drop_attached(msg, &q->obj);
			ipcx_message_put(msg, &q->obj, &q->pool);
		}
		if (!level || fatal_signal_pending(current))
			break;
		cond_resched();
	} while (left);
	ipcx_pool_drain(&q->pool, &q->obj);
	ipcx_object_notify(&q->obj, EPOLLOUT | EPOLLWRNORM);
	/* it is done: that its memory has gone meanwhile is the caller's affair */
	(void)!ipcx_put_args(uargs, purge, sizeof(*purge));
	return 0;
}

/* What all queues count; what is in it, and who follows it, is left to the caller. */
void ipcx_queue_fill_stat_locked(const struct ipcx_queue *q, struct ipcx_queue_stat *stat)
{
	lockdep_assert_held(&q->obj.lock);
	stat->max_msgs = q->max_msgs;
	stat->max_bytes = q->max_bytes;
	stat->max_msg_len = q->max_msg_len;
	stat->sent = q->sent;
	stat->received = q->received;
	stat->purged = q->purged;
	stat->nr_senders = q->nr_senders;
	stat->nr_receivers = q->nr_receivers;
	stat->nr_calls = 0;
	stat->nr_subscribers = 0;
	stat->dropped = q->dropped;
}

long ipcx_queue_stat(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_queue *q = ipcx_queue_of(ipcx_object(file));
	struct ipcx_queue_stat *stat = args;

	if (stat->flags)
		return -EINVAL;
	spin_lock(&q->obj.lock);
	ipcx_queue_fill_stat_locked(q, stat);
	stat->nr_msgs = q->order.nr;
	stat->bytes = q->bytes;
	stat->nr_calls = ipcx_calls_taken_locked(q);
	spin_unlock(&q->obj.lock);
	return ipcx_put_args(uargs, stat, sizeof(*stat));
}

/* The queue is shut down, and its senders are told. */
void ipcx_queue_shut_locked(struct ipcx_queue *q, u32 how, struct ipcx_wakes *wakes)
{
	struct ipcx_sender *s, *next;

	lockdep_assert_held(&q->obj.lock);
	q->obj.state |= ipcx_shut_state(how);
	list_for_each_entry_safe(s, next, &q->senders, wait.node) {
		if (!ipcx_waiter_claim(&s->wait))
			continue;
		q->nr_senders--;
		ipcx_waiter_complete(&s->wait, -EPIPE, wakes);
	}
}

static void queue_shutdown(struct ipcx_object *obj, u32 how)
{
	struct ipcx_queue *q = ipcx_queue_of(obj);
	struct ipcx_receiver *r, *next_r;
	IPCX_WAKES(wakes);

	spin_lock(&obj->lock);
	ipcx_queue_shut_locked(q, how, &wakes);
	/* what they wait for is not in the queue, and nothing comes any more */
	list_for_each_entry_safe(r, next_r, &q->receivers, wait.node) {
		if (!ipcx_waiter_claim(&r->wait))
			continue;
		q->nr_receivers--;
		ipcx_waiter_complete(&r->wait, -EPIPE, &wakes);
	}
	if (how & IPCX_SHUT_RECV)
		ipcx_calls_shutdown_locked(q, &wakes);
	spin_unlock(&obj->lock);
	ipcx_wake(&wakes);
	ipcx_object_notify(obj, EPOLLHUP | EPOLLIN | EPOLLOUT);
	ipcx_taps_shutdown(q);
}

/* ---- life ---- */

/* What all queues have: their limits, nobody who waits, and the object itself; -EINVAL, -ENOMEM, -EDQUOT. */
int ipcx_queue_init(struct ipcx_queue *q, const struct ipcx_queue_create *create, const struct ipcx_kind *kind)
{
	u64 max_bytes = create->max_bytes ?: DEFAULT_BYTES;
	u64 max_msg_len = create->max_msg_len ?: min_t(u64, max_bytes, IPCX_MSG_LEN_MAX);
	u32 flags = create->create.flags;
	u32 state = (flags & IPCX_QUEUE_BROADCAST ? IPCX_OBJECT_BROADCAST : 0) |
		    (flags & IPCX_QUEUE_LATEST ? IPCX_OBJECT_LATEST : 0);

	if (create->max_msgs > IPCX_QUEUE_MSGS_MAX || max_bytes > BYTES_MAX || max_msg_len > IPCX_MSG_LEN_MAX ||
	    max_msg_len > max_bytes)
		return -EINVAL;
	q->max_msgs = create->max_msgs ?: DEFAULT_MSGS;
	q->max_bytes = max_bytes;
	q->max_msg_len = max_msg_len;
	q->max_priority = state ? 0 : IPCX_PRIORITY_MAX;
	INIT_LIST_HEAD(&q->senders);
	INIT_LIST_HEAD(&q->receivers);
	INIT_LIST_HEAD(&q->taps);
	ipcx_circle_init(&q->circle);
	ipcx_pool_init(&q->pool);
	return ipcx_object_init(&q->obj, kind, &create->create, state);
}

static struct ipcx_object *queue_create(const void *args)
{
	const struct ipcx_queue_create *create = args;
	struct ipcx_queue *q;
	int ret;

	if (create->overflow)
		return ERR_PTR(-EINVAL);
	q = kzalloc(sizeof(*q), GFP_KERNEL_ACCOUNT);
	if (!q)
		return ERR_PTR(-ENOMEM);
	ret = ipcx_order_init(&q->order);
	if (ret)
		goto err_free_queue;
	ret = ipcx_queue_init(q, create, &ipcx_queue_kind);
	if (ret)
		goto err_free_order;
	return &q->obj;

err_free_order:
	ipcx_order_free(&q->order);
err_free_queue:
	kfree(q);
	return ERR_PTR(ret);
}

static void queue_free(struct ipcx_object *obj)
{
	struct ipcx_queue *q = ipcx_queue_of(obj);
	struct ipcx_select any = { IPCX_SELECT_ANY };
	struct ipcx_level *level;

	while ((level = ipcx_order_find(&q->order, any))) {
		ipcx_message_put(ipcx_order_take(&q->order, level), obj, &q->pool);
		cond_resched();
	}
	ipcx_calls_free(q);
	ipcx_pool_drain(&q->pool, obj);
	ipcx_order_free(&q->order);
	kfree(q);
}

static void queue_closed(struct ipcx_object *obj, struct file *file)
{
	ipcx_calls_file_closed(ipcx_queue_of(obj), file);
}

/* One moment is not promised here: IPCX_QUEUE_STAT is. */
void ipcx_queue_show(const struct ipcx_queue *q, struct seq_file *m, u64 nr_msgs, u64 bytes)
{
	seq_printf(m, "messages:\t%llu\nmax-messages:\t%u\nbytes:\t%llu\nmax-bytes:\t%llu\nmax-message:\t%llu\n",
		   nr_msgs, q->max_msgs, bytes, q->max_bytes, q->max_msg_len);
	seq_printf(m, "sent:\t%llu\nreceived:\t%llu\npurged:\t%llu\n", data_race(q->sent),
		   data_race(q->received), data_race(q->purged));
	seq_printf(m, "senders:\t%u\nreceivers:\t%u\ndescriptors:\t%u\n", data_race(q->nr_senders),
		   data_race(q->nr_receivers), atomic_read(&q->nr_fds));
	if (q->obj.state & (IPCX_OBJECT_BROADCAST | IPCX_OBJECT_LATEST))
		seq_printf(m, "dropped:\t%llu\n", data_race(q->dropped));
}

static void queue_show(struct ipcx_object *obj, struct seq_file *m)
{
	struct ipcx_queue *q = ipcx_queue_of(obj);

	ipcx_queue_show(q, m, data_race(q->order.nr), data_race(q->bytes));
}

const struct ipcx_kind ipcx_queue_kind = {
	.kind		= IPCX_KIND_QUEUE,
	.label		= "queue",
	.file_name	= "[ipcx-queue]",
	.fops		= &ipcx_queue_fops,
	.create		= queue_create,
	.closed		= queue_closed,
	.free		= queue_free,
	.holder_ended_locked = ipcx_calls_holder_ended_locked,
	.show		= queue_show,
	.shutdown	= queue_shutdown,
	.events_locked	= queue_events_locked,
};
