// SPDX-License-Identifier: GPL-2.0
/*
 * Many messages in one call: IPCX_QUEUE_SENDV and IPCX_QUEUE_RECVV.
 *
 * A chunk of messages is made, entered or taken under one hold of the lock, and delivered; where they have all the
 * same type and priority, which is usual, the queue is changed once for all of them.  What that cannot do is done
 * for each message as in queue.c.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "ipcx.h"
#include "ipcx_trace.h"
#include "queue.h"

bool ipcx_queue_valid_batch(const struct ipcx_queue_batch *batch)
{
	return batch->nr && batch->nr <= IPCX_BATCH_MAX && batch->msg_size == sizeof(struct ipcx_msg);
}

/* Read up to IPCX_CHUNK_MSGS descriptions; fewer where the array ends too early.  Returns how many, 0 for -EFAULT. */
u32 ipcx_queue_get_chunk(struct ipcx_msg *m, const struct ipcx_msg __user *from, u32 left)
{
	u32 nr = min_t(u32, left, IPCX_CHUNK_MSGS);

	if (likely(access_ok(from, nr * sizeof(*m)) && !raw_copy_from_user(m, from, nr * sizeof(*m))))
		return nr;
	for (nr = 0; nr < left && nr < IPCX_CHUNK_MSGS; nr++)
		if (copy_from_user(m + nr, from + nr, sizeof(*m)))
			break;
	return nr;
}

/**
 * struct chunk - messages on their way
 * @msgs:	the messages
 * @bytes:	of payload
 * @same:	all have the same type and priority
 */
struct chunk {
	struct ipcx_message *msgs[IPCX_CHUNK_MSGS];
	size_t bytes;
	bool same;
};

/* ---- sending ---- */

/* The messages that @m describes, up to the first that cannot be made: @err says why. */
static u32 make_chunk(struct ipcx_queue *q, const struct ipcx_msg *m, u32 nr, struct chunk *c, int *err)
{
	const struct ipcx_sender_id id = ipcx_sender_id();
	struct ipcx_message *small[IPCX_CHUNK_MSGS] ipcx_uninitialized;
	u32 i, nr_small = 0, used = 0;
	size_t bytes = 0;
	bool same = true;

	*err = 0;
	if (nr > 1 && m[0].len <= IPCX_SMALL_LEN && !trace_ipcx_copy_in_enabled())
		nr_small = ipcx_pool_take_small(&q->pool, small, nr);

	for (i = 0; i < nr && bytes < IPCX_CHUNK_BYTES; i++) {
		struct ipcx_buf buf = { .ptr = u64_to_user_ptr(m[i].buf) };
		struct ipcx_message *msg;

		*err = ipcx_queue_check(q, &m[i]);
		if (unlikely(*err))
			break;
		if (likely(m[i].len <= IPCX_SMALL_LEN && used < nr_small)) {
			msg = small[used++];
			ipcx_message_init_by(msg, m[i].len, &id);
			if (unlikely(!ipcx_copy_in(msg->data, &buf, m[i].len))) {
				ipcx_message_put(msg, &q->obj, &q->pool);
				*err = -EFAULT;
				break;
			}
		} else {
			msg = ipcx_message_create(&q->obj, &q->pool, buf, m[i].len);
			if (IS_ERR(msg)) {
				*err = PTR_ERR(msg);
				break;
			}
		}
		ipcx_queue_label(msg, &m[i]);
		same &= m[i].type == m[0].type && m[i].priority == m[0].priority;
		trace_ipcx_send(&q->obj, msg);
		bytes += m[i].len;
		c->msgs[i] = msg;
	}
	c->bytes = bytes;
	c->same = same;
	for (; used < nr_small; used++) {
		refcount_set(&small[used]->refs, 1);
		ipcx_message_put(small[used], &q->obj, &q->pool);
	}
	return i;
}

/* Put the first @nr into the queue at once, if they fit and nobody waits.  False, with nothing changed, if not. */
static bool enter_all_locked(struct ipcx_queue *q, struct chunk *c, u32 nr)
{
	lockdep_assert_held(&q->obj.lock);
	if (!c->same || q->obj.state & (IPCX_OBJECT_SHUT_SEND | IPCX_OBJECT_SHUT_RECV) ||
	    !list_empty(&q->senders) || !list_empty(&q->receivers) || trace_ipcx_enqueue_enabled() ||
	    q->order.nr + nr > q->max_msgs || q->bytes + c->bytes > q->max_bytes ||
	    !ipcx_order_add_many(&q->order, c->msgs, nr, q->sent + 1))
		return false;
	q->bytes += c->bytes;
	q->sent += nr;
	return true;
}

/* Put as many as can enter now into the queue, from @in on; returns how many. */
static u32 enter_chunk(struct ipcx_queue *q, struct chunk *c, u32 in, u32 nr)
{
	IPCX_WAKES(wakes);
	u32 i;

	/* one by one, in ipcx_queue_enter() */
	if (unlikely(q->obj.state & IPCX_OBJECT_BROADCAST))
		return 0;
	spin_lock(&q->obj.lock);
	if (likely(!in && enter_all_locked(q, c, nr))) {
		i = nr;
	} else {
		for (i = in; i < nr; i++)
			if (ipcx_queue_send_now_locked(q, c->msgs[i], &wakes))
				break;
	}
	spin_unlock(&q->obj.lock);
	ipcx_wake(&wakes);
	if (i > in)
		ipcx_object_notify(&q->obj, EPOLLIN | EPOLLRDNORM);
	return i - in;
}

long ipcx_queue_sendv(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_queue *q = ipcx_queue_of(ipcx_object(file));
	const struct ipcx_queue_batch *batch = args;
	const struct ipcx_msg __user *from = u64_to_user_ptr(batch->msgs);
	u32 flags = ipcx_wait_flags(file, batch->flags);
	struct ipcx_msg m[IPCX_CHUNK_MSGS] ipcx_uninitialized;
	struct chunk c ipcx_uninitialized;
	u32 done = 0;
	int ret = 0;

	if (batch->flags & ~(IPCX_NOWAIT | IPCX_REALTIME) || !ipcx_queue_valid_batch(batch) || batch->select.how ||
	    batch->select.type)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;

	while (!ret && done < batch->nr) {
		u32 nr = ipcx_queue_get_chunk(m, from + done, batch->nr - done), made, in = 0, i;
		bool tapped;

		if (!nr)
			return done ? done : -EFAULT;
		made = make_chunk(q, m, nr, &c, &ret);
		/* what went before goes, and what could not be made is tried once more: memory may have come back */
		if (made)
			ret = 0;
		tapped = unlikely(!list_empty(&q->taps));
		for (i = 0; tapped && i < made; i++)
			refcount_inc(&c.msgs[i]->refs);
		while (in < made) {
			in += enter_chunk(q, &c, in, made);
			if (in == made)
				break;
			ret = ipcx_queue_enter(q, c.msgs[in], flags, batch->timeout);
			if (ret)
				break;
			in++;
		}
		done += in;
		for (i = 0; tapped && i < made; i++)
			ipcx_tap_pass(q, c.msgs[i], i < in ? 0 : -EAGAIN);
		for (; in < made; in++)
			ipcx_message_put(c.msgs[in], &q->obj, &q->pool);
	}
	return done ? done : ret;
}

/* ---- receiving ---- */

/*
 * Take what is at the front, up to @nr, for the buffers of @m, if it can be taken at once; returns how many.  0: not
 * so, or there is nothing.
 */
static u32 take_all_locked(struct ipcx_queue *q, const struct ipcx_queue_recv *req, const struct ipcx_msg *m, u32 nr,
			   struct chunk *c)
{
	const struct ipcx_level *level = q->order.only;
	struct ipcx_message *msg;
	size_t bytes = 0;
	u32 i;

	lockdep_assert_held(&q->obj.lock);
	if (!level || !ipcx_select_matches(req->select, level->type) || q->obj.state & IPCX_OBJECT_SHUT_RECV ||
	    !list_empty(&q->senders) || trace_ipcx_recv_enabled())
		return 0;
	msg = level->first;
	for (i = 0; i < nr && msg && bytes < IPCX_CHUNK_BYTES; i++) {
		if (unlikely(m[i].flags || (msg->len > m[i].len && !(req->flags & IPCX_RECV_TRUNCATE))))
			break;
		bytes += msg->len;
		msg->link = NULL;
		c->msgs[i] = msg;
		msg = msg->next;
	}
	ipcx_order_take_until(&q->order, msg, i);
	q->bytes -= bytes;
	q->received += i;
	return i;
}

/* Take what is there now, up to @nr, for the buffers of @m, until one has flags; returns how many. */
static u32 take_chunk(struct ipcx_queue *q, struct ipcx_queue_recv *req, const struct ipcx_msg *m, u32 nr,
		      struct chunk *c)
{
	IPCX_WAKES(wakes);
	size_t bytes = 0;
	u32 i;

	spin_lock(&q->obj.lock);
	i = take_all_locked(q, req, m, nr, c);
	if (unlikely(!i)) {
		for (; i < nr && bytes < IPCX_CHUNK_BYTES && !m[i].flags; i++) {
			struct ipcx_message *msg;

			req->msg.len = m[i].len;
			msg = ipcx_queue_take_locked(q, req, &wakes);
			if (IS_ERR_OR_NULL(msg))
				break;
			bytes += msg->len;
			c->msgs[i] = msg;
		}
	}
	spin_unlock(&q->obj.lock);
	ipcx_queue_wake_admitted(q, &wakes);
	if (i)
		ipcx_object_notify(&q->obj, EPOLLOUT | EPOLLWRNORM);
	return i;
}

/*
 * Describe @nr messages at once.  False if that is not possible, because the caller sees the senders otherwise
 * than the first namespaces do, or something comes along, or not all can be written: perhaps some have been.
 */
static bool describe_all(struct ipcx_msg __user *to, const struct chunk *c, const struct ipcx_msg *m, u32 nr)
{
	/* while user space can be reached, nothing may be called: nor what the compiler checks an array's bounds with */
	struct ipcx_message *const *msgs = c->msgs;
	const struct pid_namespace *ns = ns_of_pid(task_pid(current));
	const struct pid *last = NULL;
	u32 i, pid = 0;

	BUILD_BUG_ON(offsetof(struct ipcx_message, priority) != offsetof(struct ipcx_message, type) + 4 ||
		     offsetof(struct ipcx_message, type) % 8);
	if (unlikely(current_user_ns() != &init_user_ns || !user_write_access_begin(to, nr * sizeof(*to))))
		return false;
	for (i = 0; i < nr; i++, to++) {
		const struct ipcx_message *msg = msgs[i];

		if (unlikely(msg->pid != last)) {
			const struct upid *upid = msg->pid->numbers + msg->pid->level;

			if (upid->ns != ns)
				goto fault;
			last = msg->pid;
			pid = upid->nr;
		}
		if (unlikely(READ_ONCE(msg->class) & IPCX_CLASS_ATTACHED))
			goto fault;
		unsafe_put_user(msg->len, &to->len, fault);
		/* type and priority, which lie side by side in both */
		unsafe_put_user(*(const u64 *)&msg->type, (u64 __user *)&to->type, fault);
		unsafe_put_user(pid, &to->pid, fault);
		unsafe_put_user(__kuid_val(msg->uid), &to->uid, fault);
		unsafe_put_user(__kgid_val(msg->gid), &to->gid, fault);
		unsafe_put_user(msg->len > m[i].len ? IPCX_MSG_TRUNCATED : 0, &to->flags, fault);
	}
	user_write_access_end();
	return true;

fault:
	user_write_access_end();
	return false;
}

/* Deliver @nr messages; returns how many could be, the others are back in the queue.  @err says why. */
static u32 deliver_chunk(struct ipcx_queue *q, struct chunk *c, const struct ipcx_msg *m, u32 nr,
			 struct ipcx_msg __user *to, int *err)
{
	u32 i, done;

	*err = 0;
	for (i = 0; i < nr; i++) {
		struct ipcx_buf buf = { .ptr = u64_to_user_ptr(m[i].buf) };

		*err = ipcx_message_copy_out(&q->obj, c->msgs[i], buf, min_t(u64, c->msgs[i]->len, m[i].len));
		if (unlikely(*err))
			break;
	}
	done = i;
	if (unlikely(fatal_signal_pending(current))) {
		*err = -EINTR;
		done = 0;
	}
	if (done && unlikely(!describe_all(to, c, m, done))) {
		for (i = 0; i < done; i++) {
			if (ipcx_queue_put_msg(to + i, c->msgs[i], m[i].len)) {
				*err = -EFAULT;
				done = i;
			}
		}
	}
	for (i = done; i < nr; i++)
		ipcx_queue_give_back(q, c->msgs[i]);
	if (done)
		ipcx_message_put_many(c->msgs, done, &q->obj, &q->pool);
	return done;
}

#define RECV_FLAGS	(IPCX_NOWAIT | IPCX_REALTIME | IPCX_RECV_PEEK | IPCX_RECV_TRUNCATE)

long ipcx_queue_recvv(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_queue *q = ipcx_queue_of(ipcx_object(file));
	const struct ipcx_queue_batch *batch = args;
	struct ipcx_msg __user *to = u64_to_user_ptr(batch->msgs);
	struct ipcx_queue_recv req = {
		.select = batch->select,
		.flags = ipcx_wait_flags(file, batch->flags),
		.timeout = batch->timeout,
	};
	struct ipcx_msg m[IPCX_CHUNK_MSGS] ipcx_uninitialized;
	struct chunk c ipcx_uninitialized;
	u32 done = 0;
	int ret = 0;

	if (batch->flags & ~RECV_FLAGS || !ipcx_queue_valid_batch(batch) || !ipcx_select_valid(batch->select))
		return -EINVAL;
	if (batch->flags & IPCX_RECV_PEEK)
		return -EOPNOTSUPP;
	if (!(file->f_mode & FMODE_READ))
		return -EACCES;

	while (!ret && done < batch->nr) {
		u32 nr = ipcx_queue_get_chunk(m, to + done, batch->nr - done), got;

		if (!nr || m[0].flags)
			return done ? done : nr ? -EINVAL : -EFAULT;
		got = take_chunk(q, &req, m, nr, &c);
		if (!got && done)
			break;
		if (!got) {
			/* only the first is waited for */
			req.msg = m[0];
			c.msgs[0] = ipcx_queue_take(q, &req);
			if (IS_ERR(c.msgs[0])) {
				ret = PTR_ERR(c.msgs[0]);
				if (ret == -EMSGSIZE && put_user(req.msg.len, &to->len))
					ret = -EFAULT;
				return ret;
			}
			got = 1;
		}
		done += deliver_chunk(q, &c, m, got, to + done, &ret);
	}
	return done ? done : ret;
}
