// SPDX-License-Identifier: GPL-2.0
/*
 * Many messages in one call: IPCX_QUEUE_SENDV and IPCX_QUEUE_RECVV.
 *
 * A chunk of messages is made, entered or taken under one hold of the lock, and delivered; where they have all the
 * same type and priority, which is usual, the queue is changed once for all of them.  What that cannot do is done
 * for each message as in queue.c.
 */
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "ipcx.h"
#include "ipcx_trace.h"
#include "pause.h"
#include "queue.h"

bool ipcx_queue_valid_batch(const struct ipcx_queue_batch *batch)
{
	return batch->nr && batch->nr <= IPCX_BATCH_MAX && batch->msg_size == sizeof(struct ipcx_msg);
}

/* Read up to IPCX_CHUNK_MSGS descriptions; fewer where the array ends too early.  Returns how many, 0 for -EFAULT. */
u32 ipcx_queue_get_chunk(struct ipcx_msg *m, const struct ipcx_msg __user *from, u32 left)
{
	u32 nr = min_t(u32, left, IPCX_CHUNK_MSGS);

	if (!should_fail_usercopy() &&
	    likely(access_ok(from, nr * sizeof(*m)) && !raw_copy_from_user(m, from, nr * sizeof(*m))))
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
 * @levels:	all have a level, and so can enter without an allocation
 */
struct chunk {
	struct ipcx_message *msgs[IPCX_CHUNK_MSGS];
	size_t bytes;
	bool same;
	bool levels;
};

/* ---- sending ---- */

/*
 * Make the messages that @from describes, up to the first that is not small, or otherwise than the first one, or wrong;
 * returns how many.
 */
static u32 make_small(struct ipcx_queue *q, const struct ipcx_msg __user *from, u32 nr, struct chunk *c)
{
	const struct ipcx_sender_id id = ipcx_sender_id();
	const size_t max = min_t(u64, q->max_msg_len, IPCX_SMALL_LEN);
	const unsigned long last = IPCX_SMALL_LAST;
	struct ipcx_message **at = c->msgs, **end;
	struct ipcx_msg m = {};
	size_t bytes = 0;
	u64 label;	/* type and priority, as in ipcx_unsafe_put_msg() */

	c->bytes = 0;
	c->same = true;
	c->levels = false;
	if (trace_ipcx_copy_in_enabled() || trace_ipcx_send_enabled() ||
	    get_user(label, (const u64 __user *)&from->type) || get_user(m.len, &from->len))
		return 0;
	m.type = label;
	m.priority = label >> 32;
	if (m.len > max || ipcx_queue_check(q, &m))
		return 0;
	nr = ipcx_pool_take_small(&q->pool, at, nr, &id);
	end = at + nr;
	if (should_fail_usercopy() || !user_read_access_begin(from, nr * sizeof(*from)))
		goto out;
	for (; at < end; at++, from++) {
		struct ipcx_message *msg = *at;
		u64 other, buf, len;
		u32 flags;

		unsafe_get_user(other, (const u64 __user *)&from->type, fault);
		if (unlikely(other != label))
			break;
		unsafe_get_user(flags, &from->flags, fault);
		if (unlikely(flags))
			break;
		unsafe_get_user(len, &from->len, fault);
		unsafe_get_user(buf, &from->buf, fault);
		/* the kernel's addresses become one that faults, also in front of a wrong prediction */
		buf |= array_index_mask_nospec(last, buf);
		if (unlikely(len > max || !ipcx_unsafe_copy_in(msg->data, u64_to_user_ptr(buf), len)))
			break;
		msg->len = len;
		*(u64 *)&msg->type = label;
		bytes += len;
	}
fault:
	user_read_access_end();
	c->bytes = bytes;
out:
	while (end > at)
		ipcx_message_put(*--end, &q->obj, &q->pool);
	return at - c->msgs;
}

/* Bytes of a batch that is sent as a whole or not at all. */
#define WHOLE_BYTES	SZ_256K

/*
 * Add the messages that @m describes to @c, which has @made, up to the first that cannot be made, and @err says why, or
 * until it has @bytes.
 */
static u32 make_others(struct ipcx_queue *q, const struct ipcx_msg *m, u32 nr, struct chunk *c, size_t bytes, u32 made,
		       int *err)
{
	*err = 0;
	for (; nr && c->bytes < bytes; nr--, m++) {
		struct ipcx_buf buf = { .ptr = u64_to_user_ptr(m->buf) };
		struct ipcx_message *msg;

		*err = ipcx_queue_check(q, m);
		if (unlikely(*err))
			break;
		msg = ipcx_message_create(&q->obj, &q->pool, buf, m->len);
		if (IS_ERR(msg)) {
			*err = PTR_ERR(msg);
			break;
		}
		ipcx_queue_label(msg, m);
		trace_ipcx_send(&q->obj, msg);
		c->bytes += m->len;
		c->msgs[made++] = msg;
		c->same &= msg->type == c->msgs[0]->type && msg->priority == c->msgs[0]->priority;
	}
	return made;
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

static bool fit_locked(const struct ipcx_queue *q, const struct chunk *c, u32 nr)
{
	lockdep_assert_held(&q->obj.lock);
	return list_empty(&q->senders) && q->order.nr + nr <= q->max_msgs && q->bytes + c->bytes <= q->max_bytes;
}

/* Whoever enters first must not leave the others without memory; false if there is none.  Not for a broadcast queue. */
static bool bring_levels(struct chunk *c, u32 nr)
{
	while (nr--) {
		struct ipcx_message *msg = c->msgs[nr];

		if (!msg->level)
			msg->level = ipcx_level_alloc(GFP_KERNEL_ACCOUNT);
		if (!msg->level)
			return false;
	}
	c->levels = true;
	return true;
}

/* Put as many as can enter now into the queue, from @in on; with @all none unless all can.  Returns how many. */
static u32 enter_chunk(struct ipcx_queue *q, struct chunk *c, u32 in, u32 nr, bool all)
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
		for (i = in; i < nr && (likely(!all) || i || (c->levels && fit_locked(q, c, nr))); i++)
			if (ipcx_queue_send_now_locked(q, c->msgs[i], &wakes))
				break;
	}
	spin_unlock(&q->obj.lock);
	ipcx_wake(&wakes);
	if (i > in)
		ipcx_object_notify(&q->obj, EPOLLIN | EPOLLRDNORM);
	return i - in;
}

/* With @all, which is for few: send all of them, or none and -EAGAIN. */
static __always_inline long sendv(struct file *file, const struct ipcx_queue_batch *batch, bool all)
{
	struct ipcx_queue *q = ipcx_queue_of(ipcx_object(file));
	const struct ipcx_msg __user *from = u64_to_user_ptr(batch->msgs);
	u32 flags = ipcx_wait_flags(file, batch->flags);
	struct ipcx_msg m[IPCX_CHUNK_MSGS] ipcx_uninitialized;
	struct chunk c ipcx_uninitialized;
	long done = 0;
	int ret = 0;

	if (batch->flags & ~(IPCX_NOWAIT | IPCX_REALTIME) || !ipcx_queue_valid_batch(batch) || batch->select.how ||
	    batch->select.type)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;
	/* those of a broadcast queue enter one by one, and have no levels */
	if (all && (batch->nr > IPCX_CHUNK_MSGS || q->obj.state & IPCX_OBJECT_BROADCAST))
		return -EAGAIN;

	while (!ret && done < batch->nr) {
		u32 nr = min_t(u32, batch->nr - done, IPCX_CHUNK_MSGS), made, in = 0, passed, i;
		bool tapped;

		made = make_small(q, from + done, nr, &c);
		if (made < nr) {
			nr = ipcx_queue_get_chunk(m, from + done + made, nr - made);
			if (!nr && !made)
				return done ? done : -EFAULT;
			made = make_others(q, m, nr, &c, all ? WHOLE_BYTES : IPCX_CHUNK_BYTES, made, &ret);
			/* what went before goes, and what could not be made is tried once more: memory may have come back */
			if (made)
				ret = 0;
		}
		tapped = unlikely(!list_empty(&q->taps));
		passed = 0;
		for (i = 0; tapped && i < made; i++)
			refcount_inc(&c.msgs[i]->refs);
		if (all && made < batch->nr)
			ret = -EAGAIN;
		while (!ret && in < made) {
			in += enter_chunk(q, &c, in, made, all);
			if (in == made)
				break;
			if (all && !in) {
				if (!c.levels && bring_levels(&c, made))
					continue;
				ret = -EAGAIN;
				break;
			}
			for (; tapped && passed < in; passed++)
				ipcx_tap_pass(q, c.msgs[passed], 0);
			ret = ipcx_queue_enter(q, c.msgs[in], flags, batch->timeout);
			if (ret)
				break;
			in++;
		}
		done += in;
		for (; tapped && passed < made; passed++)
			ipcx_tap_pass(q, c.msgs[passed], passed < in ? 0 : -EAGAIN);
		for (; in < made; in++)
			ipcx_message_put(c.msgs[in], &q->obj, &q->pool);
	}
	return done ? done : ret;
}

long ipcx_queue_sendv(struct file *file, void *args, void __user *uargs)
{
	return sendv(file, args, false);
}

long ipcx_queue_try_sendv(struct file *file, void *args, void __user *uargs)
{
	return sendv(file, args, true);
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
	u32 i = 0;

	lockdep_assert_held(&q->obj.lock);
	if (!level || !ipcx_select_matches(req->select, level->type) || q->obj.state & IPCX_OBJECT_SHUT_RECV ||
	    !list_empty(&q->senders) || trace_ipcx_recv_enabled())
		return 0;
	for (msg = level->first; msg && nr-- && !m->flags && bytes < IPCX_CHUNK_BYTES; m++) {
		if (unlikely(msg->len > m->len && !(req->flags & IPCX_RECV_TRUNCATE)))
			break;
		bytes += msg->len;
		msg->link = NULL;
		c->msgs[i++] = msg;
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
 * Describe messages @i to @nr, and, unless @copied, copy their payloads, up to the first for which that is not possible: the
 * caller sees the sender otherwise than the first namespaces do, something comes along, not all can be written, or its
 * payload is to be copied and not small.  Returns the number of that one.
 */
static __always_inline u32 deliver_quickly(struct ipcx_msg __user *to, const struct chunk *c, const struct ipcx_msg *m,
					   u32 i, u32 nr, const bool copied)
{
	/* while user space can be reached, nothing may be called: nor what the compiler checks an array's bounds with */
	struct ipcx_message *const *at = c->msgs + i, *const *end = c->msgs + nr;
	const struct pid_namespace *ns = ns_of_pid(task_pid(current));
	const unsigned long last_buf = IPCX_SMALL_LAST;
	const struct pid *last = NULL;
	u32 pid = 0;

	if (unlikely(current_user_ns() != &init_user_ns || (!copied && trace_ipcx_copy_out_enabled()) ||
		     should_fail_usercopy() || !user_write_access_begin(to, nr * sizeof(*to))))
		return i;
	for (to += i, m += i; at < end; at++, to++, m++) {
		const struct ipcx_message *msg = *at;
		u64 len = msg->len;
		u64 flags = 0;

		if (unlikely(msg->pid != last)) {
			const struct upid *upid = msg->pid->numbers + msg->pid->level;

			if (upid->ns != ns)
				break;
			last = msg->pid;
			pid = upid->nr;
		}
		if (copied) {
			if (unlikely(READ_ONCE(msg->class) & IPCX_CLASS_ATTACHED))
				break;
			flags = len > m->len ? IPCX_MSG_TRUNCATED : 0;
		} else {
			if (unlikely(READ_ONCE(msg->class) != IPCX_CLASS_SMALL || len > m->len || m->buf > last_buf ||
				     !ipcx_unsafe_copy_out(u64_to_user_ptr(m->buf), msg->data, len)))
				break;
		}
		if (unlikely(!ipcx_unsafe_put_msg(to, msg, pid, __kuid_val(msg->uid), __kgid_val(msg->gid), flags)))
			break;
	}
	user_write_access_end();
	return at - c->msgs;
}

/* Deliver @nr messages; returns how many could be, the others are back in the queue.  @err says why. */
static u32 deliver_chunk(struct ipcx_queue *q, struct chunk *c, const struct ipcx_msg *m, u32 nr,
			 struct ipcx_msg __user *to, int *err)
{
	u32 i, done = 0;

	*err = 0;
	/* who has been killed receives nothing more; and what has been described has been received, and cannot go back */
	if (likely(!fatal_signal_pending(current)))
		done = deliver_quickly(to, c, m, 0, nr, false);
	ipcx_pause("batch_delivered");
	if (unlikely(done < nr)) {
		for (i = done; i < nr; i++) {
			struct ipcx_buf buf = { .ptr = u64_to_user_ptr(m[i].buf) };

			*err = ipcx_message_copy_out(&q->obj, c->msgs[i], buf, min_t(u64, c->msgs[i]->len, m[i].len));
			if (unlikely(*err))
				break;
		}
		if (unlikely(fatal_signal_pending(current))) {
			*err = -EINTR;
			i = done;
		}
		for (done = deliver_quickly(to, c, m, done, i, true); done < i; done++) {
			if (ipcx_queue_put_msg(to + done, c->msgs[done], m[done].len)) {
				*err = -EFAULT;
				break;
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
	long done = 0;
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
