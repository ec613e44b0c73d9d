// SPDX-License-Identifier: GPL-2.0
/*
 * Broadcast queues: every subscriber receives every message.
 *
 * The messages, each stored once, form a log: a list of entries of which the last is empty until the next message
 * fills it and appends another.  A subscriber is an open file with IPCX_READ; its cursor is the entry that it
 * receives next.  An entry counts the cursors at it, and the first one goes when it has none, so that neither
 * sending nor receiving costs more for more subscribers.
 *
 * LAPPED: when the first entry has to go although cursors are at it (IPCX_OVERFLOW_DROP, DISCONNECT), nobody looks
 * for the subscribers they belong to.  DROP moves the count to the next entry, DISCONNECT forgets it.  A subscriber
 * whose @seq is lower than that of the first entry learns from this, when it comes, what has happened to it; until
 * then its @at points to memory that may have gone, and only its @seq is looked at.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ipcx_trace.h"
#include "broadcast.h"

/* Entries removed, and waiters completed, in one hold of the lock. */
#define TRIM_MAX	64
#define ADMIT_MAX	32

/* ---- the log ---- */

/* The first entry goes, and its message when nobody is copying it any more. */
static void drop_head_locked(struct ipcx_broadcast *b, struct aftermath *after)
{
	struct ipcx_entry *entry = b->head;
	struct ipcx_message *msg = entry->msg;

	b->head = entry->next;
	msg->entry = entry;
	msg->next = after->gone;
	after->gone = msg;
	after->events |= EPOLLOUT | EPOLLWRNORM;
}

/* Remove what nobody will receive any more. */
void ipcx_broadcast_trim_locked(struct ipcx_broadcast *b, struct aftermath *after)
{
	u32 nr = TRIM_MAX;

	lockdep_assert_held(&b->queue.obj.lock);
	while (b->head != b->tail && !b->head->cursors) {
		if (!nr--) {
			after->more = true;
			break;
		}
		drop_head_locked(b, after);
	}
}

/*
 * Make room for @len bytes at the cost of the slowest subscribers; false if that takes more than one hold of the lock.
 */
static bool make_room_locked(struct ipcx_broadcast *b, size_t len, struct aftermath *after)
{
	u32 nr = TRIM_MAX;

	lockdep_assert_held(&b->queue.obj.lock);
	while (!has_room_locked(b, len)) {
		struct ipcx_entry *head = b->head;
		u64 losses = head->cursors;

		if (!nr--)
			return false;
		if (losses && b->overflow == IPCX_OVERFLOW_DISCONNECT) {
			b->nr_subscribers -= head->cursors;
			losses *= b->tail->seq - head->seq;
			after->events |= EPOLLHUP | EPOLLERR | EPOLLIN | EPOLLRDNORM;
		} else {
			head->next->cursors += head->cursors;
		}
		if (losses) {
			trace_ipcx_drop(&b->queue.obj, head->msg, head->cursors);
			b->queue.dropped += losses;
		}
		drop_head_locked(b, after);
	}
	/* what those that have just been disconnected would have received */
	ipcx_broadcast_trim_locked(b, after);
	return true;
}

/* ---- leaving the log ---- */

/* The first that was given back is the caller's. */
static noinline struct ipcx_message *take_returned_locked(struct ipcx_broadcast *b, struct ipcx_subscriber *sub,
							  u32 *lost)
{
	struct returned *r = list_first_entry(&sub->returned, struct returned, node);
	struct ipcx_message *msg = r->msg;

	*lost = r->lost;
	b->queue.received++;
	list_del(&r->node);
	kfree(r);
	return msg;
}

/* What is at the cursor is the caller's: a reference, and the number of messages lost before it, which is 0 so far. */
static __always_inline struct ipcx_message *take_locked(struct ipcx_broadcast *b, struct ipcx_subscriber *sub,
							u32 *lost, const struct task_struct *receiver,
							struct aftermath *after)
{
	struct ipcx_entry *entry = sub->at, *next = entry->next;
	struct ipcx_message *msg = entry->msg;

	b->queue.received++;
	sub->at = next;
	sub->seq++;
	next->cursors++;
	if (unlikely(sub->lost)) {
		*lost = min_t(u64, sub->lost, U32_MAX);
		sub->lost = 0;
	}
	/* looked at here, so that the depth is only computed for it */
	if (trace_ipcx_recv_enabled())
		trace_ipcx_recv(&b->queue.obj, msg, next->seq, b->tail->seq - next->seq, receiver);
	if (--entry->cursors || entry != b->head) {
		refcount_inc(&msg->refs);
	} else {
		/* the last one gets the reference of the log; it is at the next entry now, which stays */
		b->head = next;
		msg->entry = entry;
		after->events |= EPOLLOUT | EPOLLWRNORM;
	}
	return msg;
}

/* Hand what there is to those who wait for it at @sub. */
static void serve_locked(struct ipcx_broadcast *b, struct ipcx_subscriber *sub, struct aftermath *after)
{
	struct receiver *r, *next;

	list_for_each_entry_safe(r, next, &sub->receivers, wait.node) {
		/* whose only receiver is giving up, and has not been served for long, may have been left behind */
		struct ipcx_message *msg = unlikely(disconnected_locked(b, sub)) ? NULL : first_locked(b, sub);

		if (!msg)
			break;
		if (!ipcx_waiter_claim(&r->wait))
			continue;
		b->queue.nr_receivers--;
		if (msg->len > r->len && !(r->flags & IPCX_RECV_TRUNCATE)) {
			r->len = msg->len;
			ipcx_waiter_complete(&r->wait, -EMSGSIZE, &after->wakes);
			continue;
		}
		if (r->flags & IPCX_RECV_PEEK)
			r->msg = NULL;
		else if (list_empty(&sub->returned))
			r->msg = take_locked(b, sub, &r->lost, r->wait.task, after);
		else
			r->msg = take_returned_locked(b, sub, &r->lost);
		ipcx_waiter_complete(&r->wait, 0, &after->wakes);
	}
	if (list_empty(&sub->receivers))
		list_del_init(&sub->receiving);
}

/* ---- entering the log ---- */

/* @msg, which has an entry, has its room. */
static void enter_locked(struct ipcx_broadcast *b, struct ipcx_message *msg, struct aftermath *after)
{
	struct ipcx_entry *entry = b->tail, *tail = msg->entry;
	struct ipcx_subscriber *sub, *next;

	lockdep_assert_held(&b->queue.obj.lock);
	b->queue.sent++;
	after->events |= EPOLLIN | EPOLLRDNORM;
	if (unlikely(!b->nr_subscribers)) {
		msg->next = after->gone;
		after->gone = msg;
		return;
	}
	msg->entry = NULL;
	msg->seq = entry->seq;
	*tail = (struct ipcx_entry){ .seq = entry->seq + 1, .bytes = entry->bytes + msg->len };
	entry->msg = msg;
	entry->next = tail;
	b->tail = tail;
	trace_ipcx_enqueue(&b->queue.obj, msg, tail->seq, tail->seq - b->head->seq);
	list_for_each_entry_safe(sub, next, &b->receiving, receiving)
		serve_locked(b, sub, after);
}

/* There may be room: senders that wait for it come in, in their order. */
void ipcx_broadcast_admit_locked(struct ipcx_broadcast *b, struct aftermath *after)
{
	struct ipcx_queue *q = &b->queue;
	struct ipcx_sender *s, *next;
	u32 left = ADMIT_MAX;

	lockdep_assert_held(&q->obj.lock);
	list_for_each_entry_safe(s, next, &q->senders, wait.node) {
		if (!has_room_locked(b, s->msg->len) && !ipcx_waiter_is_claimed(&s->wait))
			break;
		if (!left) {
			after->more = true;
			break;
		}
		if (!ipcx_waiter_claim(&s->wait))
			continue;
		left--;
		q->nr_senders--;
		enter_locked(b, s->msg, after);
		ipcx_waiter_complete(&s->wait, 0, &after->wakes);
	}
}

/* settle() with something to do. */
void ipcx_broadcast_settle(struct ipcx_broadcast *b, struct aftermath *after)
{
	struct ipcx_queue *q = &b->queue;
	struct ipcx_message *msg;
	__poll_t events;
	bool more;

	for (;;) {
		more = after->more;
		events = after->events;
		after->more = false;
		after->events = 0;
		ipcx_wake(&after->wakes);
		while ((msg = after->gone)) {
			after->gone = msg->next;
			ipcx_message_put(msg, &q->obj, &q->pool);
		}
		ipcx_object_notify(&q->obj, events);
		if (likely(!more))
			break;
		cond_resched();
		spin_lock(&q->obj.lock);
		ipcx_broadcast_trim_locked(b, after);
		ipcx_broadcast_admit_locked(b, after);
		spin_unlock(&q->obj.lock);
	}
}

/* Wait for room; the queue's lock is held on entry and dropped.  @msg is in the log if this returns 0. */
static noinline int wait_for_room(struct ipcx_broadcast *b, struct ipcx_message *msg, u32 flags, u64 timeout)
	__releases(&b->queue.obj.lock)
{
	struct ipcx_sender s = { .msg = msg };
	struct ipcx_queue *q = &b->queue;
	AFTERMATH(after);
	int ret;

	ipcx_waiter_init(&s.wait);
	list_add_tail(&s.wait.node, &q->senders);
	q->nr_senders++;
	spin_unlock(&q->obj.lock);

	ret = ipcx_wait(&q->obj, &s.wait, flags, timeout);
	if (!ret)
		return s.wait.result;

	/* whoever stood behind may fit now, and pollers are not kept away by this one any more */
	after.events = EPOLLOUT | EPOLLWRNORM;
	spin_lock(&q->obj.lock);
	list_del(&s.wait.node);
	q->nr_senders--;
	ipcx_broadcast_admit_locked(b, &after);
	spin_unlock(&q->obj.lock);
	settle(b, &after);
	return ret;
}

/* Put @msg into the log; on failure it is still the caller's. */
int ipcx_broadcast_enter(struct ipcx_queue *q, struct ipcx_message *msg, u32 flags, u64 timeout)
{
	struct ipcx_broadcast *b = container_of(q, struct ipcx_broadcast, queue);
	AFTERMATH(after);
	int ret = 0;

	if (unlikely(msg->class & IPCX_CLASS_ATTACHED))
		return -EOPNOTSUPP;
	if (unlikely(!msg->entry)) {
		BUILD_BUG_ON(sizeof(struct ipcx_entry) > sizeof(struct ipcx_level));	/* what is charged for it */
		msg->entry = kmalloc(sizeof(*msg->entry), GFP_KERNEL_ACCOUNT);
		if (!msg->entry)
			return -ENOMEM;
	}
	for (;;) {
		spin_lock(&q->obj.lock);
		if (unlikely(q->obj.state & (IPCX_OBJECT_SHUT_SEND | IPCX_OBJECT_SHUT_RECV))) {
			ret = -EPIPE;
			break;
		}
		if (likely(has_room_locked(b, msg->len) && !ipcx_anybody_waits(&q->senders))) {
			enter_locked(b, msg, &after);
			break;
		}
		if (b->overflow == IPCX_OVERFLOW_BLOCK) {
			if (!(flags & IPCX_NOWAIT))
				return wait_for_room(b, msg, flags, timeout);
			ret = -EAGAIN;
			break;
		}
		if (make_room_locked(b, msg->len, &after)) {
			enter_locked(b, msg, &after);
			break;
		}
		spin_unlock(&q->obj.lock);
		settle(b, &after);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	spin_unlock(&q->obj.lock);
	settle(b, &after);
	return ret;
}

/* ---- receiving ---- */

/*
 * Give back what @sub took and could not keep: its next receiver gets it.  A small allocation that must not fail, by
 * a task that may be dying.
 */
static noinline void give_back(struct ipcx_broadcast *b, struct ipcx_subscriber *sub, struct ipcx_message *msg,
			       u32 lost)
{
	struct returned *new = kmalloc(sizeof(*new), GFP_KERNEL | __GFP_NOFAIL);
	struct ipcx_queue *q = &b->queue;
	struct returned *r;
	AFTERMATH(after);

	new->msg = msg;
	new->lost = lost;
	spin_lock(&q->obj.lock);
	q->received--;
	if (disconnected_locked(b, sub)) {
		spin_unlock(&q->obj.lock);
		kfree(new);
		ipcx_message_put(msg, &q->obj, &q->pool);
		return;
	}
	list_for_each_entry(r, &sub->returned, node)
		if (r->msg->seq > msg->seq)
			break;
	list_add_tail(&new->node, &r->node);
	serve_locked(b, sub, &after);
	spin_unlock(&q->obj.lock);
	after.events |= EPOLLIN | EPOLLRDNORM;
	settle(b, &after);
}

/* A copy has been made: nearly always others have theirs to make, and the memory is not looked at. */
static __always_inline void put_copied(struct ipcx_broadcast *b, struct ipcx_message *msg)
{
	if (likely(refcount_read(&msg->refs) != 1)) {
		if (likely(!refcount_dec_and_test(&msg->refs)))
			return;
		/* the others were quicker: nobody else knows of it */
		refcount_set(&msg->refs, 1);
	}
	ipcx_message_put(msg, &b->queue.obj, &b->queue.pool);
}

/* get_locked() when something has been given back. */
static noinline struct ipcx_message *get_returned_locked(struct ipcx_broadcast *b, struct ipcx_subscriber *sub,
							 struct ipcx_queue_recv *req, u32 *lost)
{
	struct returned *r = list_first_entry(&sub->returned, struct returned, node);

	if (r->msg->len > req->msg.len && !(req->flags & IPCX_RECV_TRUNCATE)) {
		req->msg.len = r->msg->len;
		return ERR_PTR(-EMSGSIZE);
	}
	if (!(req->flags & IPCX_RECV_PEEK))
		return take_returned_locked(b, sub, lost);
	refcount_inc(&r->msg->refs);
	*lost = r->lost;
	return r->msg;
}

/*
 * Take, or with IPCX_RECV_PEEK share, the next message.  NULL if there is none; -EMSGSIZE, which leaves the size needed
 * in @req, -ECONNRESET, -EPIPE.
 */
static __always_inline struct ipcx_message *get_locked(struct ipcx_broadcast *b, struct ipcx_subscriber *sub,
						       struct ipcx_queue_recv *req, u32 *lost,
						       struct aftermath *after)
{
	struct ipcx_queue *q = &b->queue;
	struct ipcx_message *msg;

	lockdep_assert_held(&q->obj.lock);
	if (unlikely(q->obj.state & IPCX_OBJECT_SHUT_RECV))
		return ERR_PTR(-EPIPE);
	if (unlikely(disconnected_locked(b, sub)))
		return ERR_PTR(-ECONNRESET);
	if (unlikely(!list_empty(&sub->returned)))
		return get_returned_locked(b, sub, req, lost);
	catch_up_locked(b, sub);
	msg = sub->at->msg;
	if (unlikely(!msg))
		return q->obj.state & IPCX_OBJECT_SHUT_SEND ? ERR_PTR(-EPIPE) : NULL;
	if (unlikely(msg->len > req->msg.len && !(req->flags & IPCX_RECV_TRUNCATE))) {
		req->msg.len = msg->len;
		return ERR_PTR(-EMSGSIZE);
	}
	if (unlikely(req->flags & IPCX_RECV_PEEK)) {
		refcount_inc(&msg->refs);
		*lost = min_t(u64, sub->lost, U32_MAX);
		return msg;
	}
	msg = take_locked(b, sub, lost, current, after);
	if (unlikely(!list_empty(&q->senders)))
		ipcx_broadcast_admit_locked(b, after);
	return msg;
}

static void leave_line_locked(struct ipcx_subscriber *sub, struct receiver *r)
{
	list_del(&r->wait.node);
	if (list_empty(&sub->receivers))
		list_del_init(&sub->receiving);
}

/*
 * Wait for a message; the queue's lock is held on entry and dropped.  Returns what was handed over, NULL to look
 * again, or an error.
 */
static noinline struct ipcx_message *wait_for_message(struct ipcx_broadcast *b, struct ipcx_subscriber *sub,
						      struct ipcx_queue_recv *req, u32 *lost)
	__releases(&b->queue.obj.lock)
{
	struct receiver r = { .len = req->msg.len, .flags = req->flags };
	struct ipcx_queue *q = &b->queue;
	int ret;

	ipcx_waiter_init(&r.wait);
	list_add_tail(&r.wait.node, &sub->receivers);
	if (list_empty(&sub->receiving))
		list_add_tail(&sub->receiving, &b->receiving);
	q->nr_receivers++;
	spin_unlock(&q->obj.lock);

	ret = ipcx_wait(&q->obj, &r.wait, req->flags, req->timeout);
	if (ret) {
		spin_lock(&q->obj.lock);
		leave_line_locked(sub, &r);
		q->nr_receivers--;
		spin_unlock(&q->obj.lock);
		return ERR_PTR(ret);
	}
	if (r.wait.result == -EMSGSIZE)
		req->msg.len = r.len;
	*lost = r.lost;
	return r.wait.result ? ERR_PTR(r.wait.result) : r.msg;
}

/* Take a message, waiting for it unless IPCX_NOWAIT. */
static __always_inline struct ipcx_message *recv_one(struct ipcx_broadcast *b, struct ipcx_subscriber *sub,
						     struct ipcx_queue_recv *req, u32 *lost)
{
	struct ipcx_queue *q = &b->queue;
	struct ipcx_message *msg;
	AFTERMATH(after);

	for (;;) {
		spin_lock(&q->obj.lock);
		msg = get_locked(b, sub, req, lost, &after);
		if (likely(msg))
			break;
		if (req->flags & IPCX_NOWAIT) {
			msg = ERR_PTR(-EAGAIN);
			break;
		}
		msg = wait_for_message(b, sub, req, lost);
		if (msg)
			return msg;
	}
	spin_unlock(&q->obj.lock);
	settle(b, &after);
	return msg;
}

/* The receiver does not keep @msg. */
static void refuse(struct ipcx_broadcast *b, struct ipcx_subscriber *sub, struct ipcx_message *msg,
		   const struct ipcx_queue_recv *req, u32 lost)
{
	if (req->flags & IPCX_RECV_PEEK)
		ipcx_message_put(msg, &b->queue.obj, &b->queue.pool);
	else
		give_back(b, sub, msg, lost);
}

/* The payload of @msg goes to @buf: -EFAULT; -EINTR if the caller is being killed and would never see it. */
static __always_inline int copy_out(struct ipcx_broadcast *b, const struct ipcx_message *msg, struct ipcx_buf buf,
				    u64 len)
{
	int ret = ipcx_message_copy_out(&b->queue.obj, msg, buf, min_t(u64, msg->len, len));

	return likely(!ret) && unlikely(fatal_signal_pending(current)) ? -EINTR : ret;
}

/* Describe @msg, and what was lost before it, to the receiver; @len is the size of the buffer. */
static __always_inline int describe(struct ipcx_msg __user *to, const struct ipcx_message *msg, u64 len, u32 lost)
{
	int ret = ipcx_queue_put_msg(to, msg, len);

	if (likely(!lost) || ret)
		return ret;
	return put_user(lost, &to->priority) ||
	       put_user(IPCX_MSG_LOST | (msg->len > len ? IPCX_MSG_TRUNCATED : 0), &to->flags) ? -EFAULT : 0;
}

long ipcx_broadcast_recv(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_broadcast *b = broadcast_of(ipcx_object(file));
	struct ipcx_subscriber *sub = subscriber_of(file);
	struct ipcx_queue_recv __user *u = uargs;
	struct ipcx_queue_recv *req = args;
	struct ipcx_buf buf = { .ptr = u64_to_user_ptr(req->msg.buf) };
	struct ipcx_message *msg;
	u32 lost = 0;
	int ret;

	ret = req->msg.flags ? -EINVAL : check_recv(file, req->flags, req->select);
	if (ret)
		return ret;
	req->flags = ipcx_wait_flags(file, req->flags);
	msg = recv_one(b, sub, req, &lost);
	if (IS_ERR(msg)) {
		ret = PTR_ERR(msg);
		if (ret == -EMSGSIZE && put_user(req->msg.len, &u->msg.len))
			ret = -EFAULT;
		return ret;
	}
	ret = copy_out(b, msg, buf, req->msg.len);
	if (likely(!ret))
		ret = describe(&u->msg, msg, req->msg.len, lost);
	if (likely(!ret))
		put_copied(b, msg);
	else
		refuse(b, sub, msg, req, lost);
	return ret;
}

/* @flags: 0 or IPCX_NOWAIT. */
static __always_inline ssize_t read_msg(struct file *file, struct ipcx_buf buf, size_t len, u32 flags)
{
	struct ipcx_broadcast *b = broadcast_of(ipcx_object(file));
	struct ipcx_subscriber *sub = subscriber_of(file);
	struct ipcx_queue_recv req = {
		.flags = ipcx_wait_flags(file, flags),
		.timeout = IPCX_FOREVER,
		.msg.len = len,
	};
	struct ipcx_message *msg;
	ssize_t ret;
	u32 lost = 0;

	msg = recv_one(b, sub, &req, &lost);
	if (IS_ERR(msg))
		return PTR_ERR(msg) == -EPIPE ? 0 : PTR_ERR(msg);
	ret = copy_out(b, msg, buf, len);
	if (unlikely(ret)) {
		give_back(b, sub, msg, lost);
		return ret;
	}
	ret = msg->len;
	put_copied(b, msg);
	return ret;
}

/* ---- many messages in one call ---- */

/*
 * Take what is there now, up to @nr, for the buffers of @m; returns how many.  A message before which others were lost
 * is always the first, so that @lost speaks of that one.
 */
static u32 take_chunk(struct ipcx_broadcast *b, struct ipcx_subscriber *sub, struct ipcx_queue_recv *req,
		      const struct ipcx_msg *m, u32 nr, struct ipcx_message **msgs, u32 *lost)
{
	size_t bytes = 0;
	AFTERMATH(after);
	u32 i;

	spin_lock(&b->queue.obj.lock);
	for (i = 0; i < nr && bytes < IPCX_CHUNK_BYTES; i++) {
		struct ipcx_message *msg;
		u32 none = 0;

		/* how many were lost is known only after a look */
		if (i && !disconnected_locked(b, sub)) {
			first_locked(b, sub);
			if (sub->lost || !list_empty(&sub->returned))
				break;
		}
		req->msg.len = m[i].len;
		msg = get_locked(b, sub, req, i ? &none : lost, &after);
		if (IS_ERR_OR_NULL(msg))
			break;
		bytes += msg->len;
		msgs[i] = msg;
	}
	spin_unlock(&b->queue.obj.lock);
	settle(b, &after);
	return i;
}

/* Deliver @nr messages; returns how many could be, the others have been given back.  @err says why. */
static u32 deliver_chunk(struct ipcx_broadcast *b, struct ipcx_subscriber *sub, struct ipcx_message **msgs,
			 const struct ipcx_msg *m, u32 nr, struct ipcx_msg __user *to, u32 lost, int *err)
{
	u32 i, done;

	*err = 0;
	for (done = 0; done < nr; done++) {
		*err = copy_out(b, msgs[done], (struct ipcx_buf){ .ptr = u64_to_user_ptr(m[done].buf) }, m[done].len);
		if (*err)
			break;
	}
	if (*err == -EINTR)
		done = 0;
	for (i = 0; i < done; i++) {
		if (describe(to + i, msgs[i], m[i].len, i ? 0 : lost)) {
			*err = -EFAULT;
			done = i;
		}
	}
	for (i = done; i < nr; i++)
		give_back(b, sub, msgs[i], i ? 0 : lost);
	for (i = 0; i < done; i++)
		ipcx_message_put(msgs[i], &b->queue.obj, &b->queue.pool);
	return done;
}

long ipcx_broadcast_recvv(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_broadcast *b = broadcast_of(ipcx_object(file));
	struct ipcx_subscriber *sub = subscriber_of(file);
	const struct ipcx_queue_batch *batch = args;
	struct ipcx_msg __user *to = u64_to_user_ptr(batch->msgs);
	struct ipcx_queue_recv req = {
		.flags = ipcx_wait_flags(file, batch->flags),
		.timeout = batch->timeout,
	};
	struct ipcx_message *msgs[IPCX_CHUNK_MSGS];
	struct ipcx_msg m[IPCX_CHUNK_MSGS];
	long done = 0;
	int ret;

	if (!ipcx_queue_valid_batch(batch))
		return -EINVAL;
	ret = check_recv(file, batch->flags, batch->select);
	if (!ret && batch->flags & IPCX_RECV_PEEK)
		ret = -EOPNOTSUPP;

	while (!ret && done < batch->nr) {
		u32 nr = ipcx_queue_get_chunk(m, to + done, batch->nr - done), valid = 0, got, lost = 0;

		while (valid < nr && !m[valid].flags)
			valid++;
		if (!valid)
			return done ? done : nr ? -EINVAL : -EFAULT;
		got = take_chunk(b, sub, &req, m, valid, msgs, &lost);
		if (!got && done)
			break;
		if (!got) {
			/* only the first is waited for */
			req.msg = m[0];
			msgs[0] = recv_one(b, sub, &req, &lost);
			if (IS_ERR(msgs[0])) {
				ret = PTR_ERR(msgs[0]);
				if (ret == -EMSGSIZE && put_user(req.msg.len, &to->len))
					ret = -EFAULT;
				return ret;
			}
			got = 1;
		}
		done += deliver_chunk(b, sub, msgs, m, got, to + done, lost, &ret);
	}
	return done ? done : ret;
}

/* ---- sending ---- */

static __always_inline int send(struct ipcx_broadcast *b, const struct ipcx_msg *m, struct ipcx_buf buf, u32 flags,
				u64 timeout)
{
	struct ipcx_queue *q = &b->queue;
	struct ipcx_message *msg;
	int ret;

	ret = ipcx_queue_check(q, m);
	if (ret)
		return ret;
	msg = ipcx_message_create(&q->obj, &q->pool, buf, m->len);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	msg->type = m->type;
	msg->priority = 0;
	trace_ipcx_send(&q->obj, msg);
	ret = ipcx_broadcast_enter(q, msg, flags, timeout);
	if (unlikely(ret))
		ipcx_message_put(msg, &q->obj, &q->pool);
	return ret;
}

long ipcx_broadcast_send(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_queue_send *req = args;
	struct ipcx_buf buf = { .ptr = u64_to_user_ptr(req->msg.buf) };

	if (req->flags & ~(IPCX_NOWAIT | IPCX_REALTIME))
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;
	return send(broadcast_of(ipcx_object(file)), &req->msg, buf, ipcx_wait_flags(file, req->flags),
		    req->timeout);
}

/* The commands that a broadcast queue cannot have: who would reply, and who get the descriptors? */
long ipcx_broadcast_refuse(struct file *file, void *args, void __user *uargs)
{
	return -EOPNOTSUPP;
}

static __always_inline ssize_t write_msg(struct file *file, struct ipcx_buf buf, size_t len, u32 flags)
{
	struct ipcx_msg m = { .len = len, .type = IPCX_TYPE_MIN };
	int ret = send(broadcast_of(ipcx_object(file)), &m, buf, ipcx_wait_flags(file, flags),
		       IPCX_FOREVER);

	return ret ? ret : len;
}

static ssize_t broadcast_write(struct file *file, const char __user *ptr, size_t len, loff_t *pos)
{
	return write_msg(file, (struct ipcx_buf){ .ptr = (void __user *)ptr }, len, 0);
}

static ssize_t broadcast_read(struct file *file, char __user *ptr, size_t len, loff_t *pos)
{
	return read_msg(file, (struct ipcx_buf){ .ptr = ptr }, len, 0);
}

static ssize_t broadcast_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return write_msg(iocb->ki_filp, (struct ipcx_buf){ .iter = from }, iov_iter_count(from),
			 ipcx_kiocb_flags(iocb));
}

static ssize_t broadcast_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	return read_msg(iocb->ki_filp, (struct ipcx_buf){ .iter = to }, iov_iter_count(to), ipcx_kiocb_flags(iocb));
}

const struct file_operations ipcx_broadcast_fops = {
	.owner		= THIS_MODULE,
	.release	= ipcx_object_release,
	.unlocked_ioctl	= ipcx_broadcast_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.uring_cmd	= ipcx_uring_cmd,
	.read		= broadcast_read,
	.write		= broadcast_write,
	.read_iter	= broadcast_read_iter,
	.write_iter	= broadcast_write_iter,
	.poll		= ipcx_object_poll,
	.fasync		= ipcx_object_fasync,
	.show_fdinfo	= ipcx_show_fdinfo,
};
