// SPDX-License-Identifier: GPL-2.0
/*
 * Message queues.
 *
 * A message is copied in before the lock, enters the queue (or goes straight to a receiver that waits for its
 * like) under it, and is copied out after it has been taken.  A receiver that then cannot keep it, because its
 * buffer is bad or it is being killed, gives it back to its old place: exactly one receiver gets it.
 */
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ipcx.h"
#include "ipcx_trace.h"
#include "message.h"
#include "order.h"

#define DEFAULT_MSGS	1024
#define DEFAULT_BYTES	SZ_16M
#define BYTES_MAX	(1ULL << 40)

/**
 * struct ipcx_queue - a message queue
 * @obj:		common part
 * @order:		the messages (protected by obj.lock)
 * @max_msgs:		constant
 * @max_bytes:		constant
 * @max_msg_len:	constant
 * @bytes:		payload in the queue (protected by obj.lock)
 * @sent:		messages that have entered, also the last one's place in the order (by obj.lock)
 * @received:		messages that receivers have taken (by obj.lock)
 * @purged:		messages that were discarded (by obj.lock)
 * @senders:		struct sender, first come first (by obj.lock)
 * @receivers:		struct receiver, likewise (by obj.lock); none of them wants a message of @order.  A sender
 *			looks at each until one wants its message
 * @nr_senders:		length of @senders (by obj.lock)
 * @nr_receivers:	likewise
 * @pool:		recycled nodes
 */
struct ipcx_queue {
	struct ipcx_object obj;
	struct ipcx_order order;
	u32 max_msgs;
	u32 nr_senders;
	u32 nr_receivers;
	u64 max_bytes;
	u64 max_msg_len;
	u64 bytes;
	u64 sent;
	u64 received;
	u64 purged;
	struct list_head senders;
	struct list_head receivers;
	struct ipcx_pool pool ____cacheline_aligned_in_smp;
};

/**
 * struct sender - waits for room
 * @wait:	its place in the line
 * @msg:	its message, which has a level and so can enter without an allocation
 */
struct sender {
	struct ipcx_waiter wait;
	struct ipcx_message *msg;
};

/**
 * struct receiver - waits for a message
 * @wait:	its place in the line
 * @select:	which
 * @len:	bytes of buffer; set to the size needed when it is completed with -EMSGSIZE
 * @flags:	IPCX_RECV_*
 * @msg:	handed over, with result 0; NULL if it shall look again (peekers)
 */
struct receiver {
	struct ipcx_waiter wait;
	struct ipcx_select select;
	u64 len;
	u32 flags;
	struct ipcx_message *msg;
};

static struct ipcx_queue *queue_of(struct ipcx_object *obj)
{
	return container_of(obj, struct ipcx_queue, obj);
}

static bool has_room_locked(const struct ipcx_queue *q, size_t len)
{
	return q->order.nr < q->max_msgs && q->bytes + len <= q->max_bytes;
}

/* ---- entering the queue ---- */

/*
 * Hand @msg to the first waiting receiver that wants it.  Those whose buffer is too small learn what they need;
 * peekers are told to look again, since the message stays.
 */
static noinline bool hand_over_locked(struct ipcx_queue *q, struct ipcx_message *msg,
				      struct ipcx_wakes *wakes)
{
	struct receiver *r, *next;

	lockdep_assert_held(&q->obj.lock);
	list_for_each_entry_safe(r, next, &q->receivers, wait.node) {
		bool fits = msg->len <= r->len || r->flags & IPCX_RECV_TRUNCATE;

		if (!ipcx_select_matches(r->select, msg->type) || !ipcx_waiter_claim(&r->wait))
			continue;
		q->nr_receivers--;
		if (!fits) {
			r->len = msg->len;
			ipcx_waiter_complete(&r->wait, -EMSGSIZE, wakes);
		} else if (r->flags & IPCX_RECV_PEEK) {
			ipcx_waiter_complete(&r->wait, 0, wakes);
		} else {
			r->msg = msg;
			q->received++;
			trace_ipcx_recv(&q->obj, msg, q->order.nr);
			ipcx_waiter_complete(&r->wait, 0, wakes);
			return true;
		}
	}
	return false;
}

/*
 * @msg has its room: it goes to a receiver or into the order.  Returns false if it needs a level and has none:
 * it has not entered, but receivers that cannot take it may have been completed, and the caller wakes them.
 */
static __always_inline bool enter_locked(struct ipcx_queue *q, struct ipcx_message *msg,
					 struct ipcx_wakes *wakes)
{
	lockdep_assert_held(&q->obj.lock);
	msg->seq = q->sent + 1;
	if (list_empty(&q->receivers) || !hand_over_locked(q, msg, wakes)) {
		if (!ipcx_order_add(&q->order, msg, false))
			return false;
		q->bytes += msg->len;
		trace_ipcx_enqueue(&q->obj, msg, q->order.nr);
	}
	q->sent++;
	return true;
}

/* Senders that come in during one hold of the lock: each may have to look at every waiting receiver. */
#define ADMIT_MAX	32

/* There is room: senders that wait for it come in, in their order; the caller goes on in wake_admitted(). */
static noinline void admit_locked(struct ipcx_queue *q, struct ipcx_wakes *wakes)
{
	struct sender *s, *next;

	lockdep_assert_held(&q->obj.lock);
	list_for_each_entry_safe(s, next, &q->senders, wait.node) {
		if (!has_room_locked(q, s->msg->len) || wakes->nr >= ADMIT_MAX)
			break;
		if (!ipcx_waiter_claim(&s->wait))
			continue;
		q->nr_senders--;
		enter_locked(q, s->msg, wakes);
		ipcx_waiter_complete(&s->wait, 0, wakes);
	}
}

/*
 * Put @msg into the queue now.  -EPIPE; -EAGAIN: no room, or others wait for it; -ENOMEM: it needs a level.
 */
static __always_inline int send_now_locked(struct ipcx_queue *q, struct ipcx_message *msg,
					   struct ipcx_wakes *wakes)
{
	lockdep_assert_held(&q->obj.lock);
	if (q->obj.state & (IPCX_OBJECT_SHUT_SEND | IPCX_OBJECT_SHUT_RECV))
		return -EPIPE;
	if (!list_empty(&q->senders) || !has_room_locked(q, msg->len))
		return -EAGAIN;
	return enter_locked(q, msg, wakes) ? 0 : -ENOMEM;
}

/* Wake senders whose messages came in when room was made, tell pollers of these, and let in the others. */
static void wake_admitted(struct ipcx_queue *q, struct ipcx_wakes *wakes)
{
	bool more;

	while (!list_empty(&wakes->waiters)) {
		more = wakes->nr >= ADMIT_MAX;
		ipcx_wake_all(wakes);
		ipcx_object_notify(&q->obj, EPOLLIN | EPOLLRDNORM);
		if (likely(!more))
			break;
		cond_resched();
		spin_lock(&q->obj.lock);
		admit_locked(q, wakes);
		spin_unlock(&q->obj.lock);
	}
}

/* Wait for room; the object's lock is held on entry and dropped.  @msg is in the queue if this returns 0. */
static noinline int wait_for_room(struct ipcx_queue *q, struct ipcx_message *msg, u32 flags, u64 timeout)
	__releases(&q->obj.lock)
{
	struct sender s = { .msg = msg };
	IPCX_WAKES(wakes);
	int ret;

	ipcx_waiter_init(&s.wait);
	list_add_tail(&s.wait.node, &q->senders);
	q->nr_senders++;
	spin_unlock(&q->obj.lock);

	ret = ipcx_wait(&q->obj, &s.wait, flags, timeout);
	if (!ret)
		return s.wait.result;

	/* whoever stood behind may fit now */
	spin_lock(&q->obj.lock);
	list_del(&s.wait.node);
	q->nr_senders--;
	admit_locked(q, &wakes);
	spin_unlock(&q->obj.lock);
	wake_admitted(q, &wakes);
	/* nobody may stand in the way of others any more */
	ipcx_object_notify(&q->obj, EPOLLOUT | EPOLLWRNORM);
	return ret;
}

/* Put @msg into the queue, waiting for room unless IPCX_NOWAIT; on failure the message is still the caller's. */
static __always_inline int send_one(struct ipcx_queue *q, struct ipcx_message *msg, u32 flags, u64 timeout)
{
	IPCX_WAKES(wakes);
	int ret;

	for (;;) {
		spin_lock(&q->obj.lock);
		ret = send_now_locked(q, msg, &wakes);
		if (likely(!ret))
			break;
		/* a level: needed now, or perhaps by the time there is room */
		if (!msg->level && (ret == -ENOMEM || (ret == -EAGAIN && !(flags & IPCX_NOWAIT)))) {
			spin_unlock(&q->obj.lock);
			/* receivers that do not take it have been told of it: they must not wait for us */
			ipcx_wake(&wakes);
			msg->level = ipcx_level_alloc(GFP_KERNEL_ACCOUNT);
			if (!msg->level)
				return -ENOMEM;
			continue;
		}
		if (ret == -EAGAIN && !(flags & IPCX_NOWAIT))
			return wait_for_room(q, msg, flags, timeout);
		break;
	}
	spin_unlock(&q->obj.lock);
	ipcx_wake(&wakes);
	return ret;
}

/* ---- leaving the queue ---- */

/* Give back a message that a receiver took and could not keep: it is as if it had never been taken. */
static noinline void give_back(struct ipcx_queue *q, struct ipcx_message *msg)
{
	IPCX_WAKES(wakes);

	/* its level may have gone meanwhile; a small allocation that must not fail, by a task that may be dying */
	if (!msg->level)
		msg->level = ipcx_level_alloc(GFP_KERNEL | __GFP_NOFAIL);
	spin_lock(&q->obj.lock);
	q->received--;
	if (list_empty(&q->receivers) || !hand_over_locked(q, msg, &wakes)) {
		ipcx_order_add(&q->order, msg, true);
		q->bytes += msg->len;
	}
	spin_unlock(&q->obj.lock);
	ipcx_wake(&wakes);
	ipcx_object_notify(&q->obj, EPOLLIN | EPOLLRDNORM);
}

/*
 * Receivers come through several doors; what they ask for is always a struct ipcx_queue_recv, with IPCX_NOWAIT
 * also for O_NONBLOCK.  Its msg.len is the size of the buffer; -EMSGSIZE leaves the size needed there.
 *
 * Take, or with IPCX_RECV_PEEK share, the first message that @req asks for.  NULL if there is none;
 * -EMSGSIZE, -EPIPE.
 */
static __always_inline struct ipcx_message *take_locked(struct ipcx_queue *q, struct ipcx_queue_recv *req,
							struct ipcx_wakes *wakes)
{
	struct ipcx_level *level;
	struct ipcx_message *msg;

	lockdep_assert_held(&q->obj.lock);
	if (q->obj.state & IPCX_OBJECT_SHUT_RECV)
		return ERR_PTR(-EPIPE);
	level = ipcx_order_find(&q->order, req->select);
	if (!level)
		return q->obj.state & IPCX_OBJECT_SHUT_SEND ? ERR_PTR(-EPIPE) : NULL;
	msg = level->first;
	if (msg->len > req->msg.len && !(req->flags & IPCX_RECV_TRUNCATE)) {
		req->msg.len = msg->len;
		return ERR_PTR(-EMSGSIZE);
	}
	if (req->flags & IPCX_RECV_PEEK) {
		refcount_inc(&msg->refs);
		return msg;
	}
	ipcx_order_take(&q->order, level);
	q->bytes -= msg->len;
	q->received++;
	trace_ipcx_recv(&q->obj, msg, q->order.nr);
	if (!list_empty(&q->senders))
		admit_locked(q, wakes);
	return msg;
}

/*
 * Wait for a message; the object's lock is held on entry and dropped.  Returns what was handed over, NULL to
 * look again, or an error.
 */
static noinline struct ipcx_message *wait_for_message(struct ipcx_queue *q, struct ipcx_queue_recv *req)
	__releases(&q->obj.lock)
{
	struct receiver r = { .select = req->select, .len = req->msg.len, .flags = req->flags };
	int ret;

	ipcx_waiter_init(&r.wait);
	list_add_tail(&r.wait.node, &q->receivers);
	q->nr_receivers++;
	spin_unlock(&q->obj.lock);

	ret = ipcx_wait(&q->obj, &r.wait, req->flags, req->timeout);
	if (ret) {
		spin_lock(&q->obj.lock);
		list_del(&r.wait.node);
		q->nr_receivers--;
		spin_unlock(&q->obj.lock);
		return ERR_PTR(ret);
	}
	if (r.wait.result == -EMSGSIZE)
		req->msg.len = r.len;
	return r.wait.result ? ERR_PTR(r.wait.result) : r.msg;
}

/* Take a message, waiting for it unless IPCX_NOWAIT. */
static __always_inline struct ipcx_message *recv_one(struct ipcx_queue *q, struct ipcx_queue_recv *req)
{
	struct ipcx_message *msg;
	IPCX_WAKES(wakes);

	for (;;) {
		spin_lock(&q->obj.lock);
		msg = take_locked(q, req, &wakes);
		if (likely(msg))
			break;
		if (req->flags & IPCX_NOWAIT) {
			spin_unlock(&q->obj.lock);
			return ERR_PTR(-EAGAIN);
		}
		msg = wait_for_message(q, req);
		if (msg)
			return msg;
	}
	spin_unlock(&q->obj.lock);
	wake_admitted(q, &wakes);
	/* the room is there now: the copy to this receiver may take as long as it likes */
	if (!(req->flags & IPCX_RECV_PEEK))
		ipcx_object_notify(&q->obj, EPOLLOUT | EPOLLWRNORM);
	return msg;
}

/*
 * The payload of @msg goes to @buf.  On success the message is the caller's to finish or give back; it has been
 * given back if this fails, also when the caller is being killed and would never see it.
 */
static __always_inline int deliver(struct ipcx_queue *q, struct ipcx_message *msg,
				   const struct ipcx_queue_recv *req, struct ipcx_buf buf)
{
	int ret = ipcx_message_copy_out(&q->obj, msg, buf, min_t(u64, msg->len, req->msg.len));

	if (likely(!ret) && unlikely(fatal_signal_pending(current)))
		ret = -EINTR;
	if (unlikely(ret)) {
		if (req->flags & IPCX_RECV_PEEK)
			ipcx_message_put(msg, &q->obj, &q->pool);
		else
			give_back(q, msg);
	}
	return ret;
}

/* ---- the doors: ioctl, read and write ---- */

static u32 wait_flags(const struct file *file, u32 flags)
{
	return file->f_flags & O_NONBLOCK ? flags | IPCX_NOWAIT : flags;
}

static int check_send(const struct ipcx_queue *q, const struct ipcx_msg *m)
{
	if (m->type < IPCX_TYPE_MIN || m->priority > IPCX_PRIORITY_MAX || m->flags)
		return -EINVAL;
	return m->len > q->max_msg_len ? -EMSGSIZE : 0;
}

static bool valid_select(struct ipcx_select select)
{
	return select.how == IPCX_SELECT_ANY ? select.type == 0 :
	       select.how <= IPCX_SELECT_EXCEPT && select.type >= IPCX_TYPE_MIN;
}

/* Send one message. */
static __always_inline int send(struct ipcx_queue *q, const struct ipcx_msg *m, struct ipcx_buf buf, u32 flags,
				u64 timeout)
{
	struct ipcx_message *msg;
	int ret;

	ret = check_send(q, m);
	if (ret)
		return ret;
	msg = ipcx_message_create(&q->obj, &q->pool, buf, m->len);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	msg->type = m->type;
	msg->priority = m->priority;
	trace_ipcx_send(&q->obj, msg);
	ret = send_one(q, msg, flags, timeout);
	if (unlikely(ret))
		ipcx_message_put(msg, &q->obj, &q->pool);
	else
		ipcx_object_notify(&q->obj, EPOLLIN | EPOLLRDNORM);
	return ret;
}

long ipcx_queue_send(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_queue *q = queue_of(ipcx_object(file));
	struct ipcx_queue_send *send_args = args;
	struct ipcx_buf buf = { .ptr = u64_to_user_ptr(send_args->msg.buf) };

	if (send_args->flags & ~(IPCX_NOWAIT | IPCX_REALTIME))
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;
	return send(q, &send_args->msg, buf, wait_flags(file, send_args->flags), send_args->timeout);
}

/* The sender's process as the caller sees it: nearly always from the same namespace. */
static inline u32 sender_pid(const struct ipcx_message *msg)
{
	struct pid_namespace *ns = ns_of_pid(task_pid(current));
	const struct upid *upid = &msg->pid->numbers[msg->pid->level];

	return likely(upid->ns == ns) ? upid->nr : pid_nr_ns(msg->pid, ns);
}

/* Describe @msg to the receiver: everything but @to->buf; @len is the size of the buffer. */
static __always_inline int put_msg(struct ipcx_msg __user *to, const struct ipcx_message *msg, u64 len)
{
	struct user_namespace *userns = current_user_ns();
	u32 uid = __kuid_val(msg->uid), gid = __kgid_val(msg->gid), pid = sender_pid(msg);

	if (unlikely(userns != &init_user_ns)) {
		uid = from_kuid_munged(userns, msg->uid);
		gid = from_kgid_munged(userns, msg->gid);
	}
	if (!user_write_access_begin(to, sizeof(*to)))
		return -EFAULT;
	unsafe_put_user(msg->len, &to->len, fault);
	unsafe_put_user(msg->type, &to->type, fault);
	unsafe_put_user(msg->priority, &to->priority, fault);
	unsafe_put_user(pid, &to->pid, fault);
	unsafe_put_user(uid, &to->uid, fault);
	unsafe_put_user(gid, &to->gid, fault);
	unsafe_put_user(msg->len > len ? IPCX_MSG_TRUNCATED : 0, &to->flags, fault);
	user_write_access_end();
	return 0;

fault:
	user_write_access_end();
	return -EFAULT;
}

/* The message has been delivered, if its description can be written to @to. */
static __always_inline int finish(struct ipcx_queue *q, struct ipcx_message *msg,
				  const struct ipcx_queue_recv *req, struct ipcx_msg __user *to)
{
	int ret = put_msg(to, msg, req->msg.len);

	if (unlikely(ret) && !(req->flags & IPCX_RECV_PEEK)) {
		give_back(q, msg);
	} else {
		ipcx_message_put(msg, &q->obj, &q->pool);
	}
	return ret;
}

#define RECV_FLAGS	(IPCX_NOWAIT | IPCX_REALTIME | IPCX_RECV_PEEK | IPCX_RECV_TRUNCATE)

long ipcx_queue_recv(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_queue *q = queue_of(ipcx_object(file));
	struct ipcx_queue_recv __user *u = uargs;
	struct ipcx_queue_recv *req = args;
	struct ipcx_buf buf = { .ptr = u64_to_user_ptr(req->msg.buf) };
	struct ipcx_message *msg;
	int ret;

	if (req->flags & ~RECV_FLAGS || req->msg.flags || !valid_select(req->select))
		return -EINVAL;
	if (!(file->f_mode & FMODE_READ))
		return -EACCES;

	req->flags = wait_flags(file, req->flags);
	msg = recv_one(q, req);
	if (IS_ERR(msg)) {
		ret = PTR_ERR(msg);
		if (ret == -EMSGSIZE && put_user(req->msg.len, &u->msg.len))
			ret = -EFAULT;
		return ret;
	}
	ret = deliver(q, msg, req, buf);
	return ret ? ret : finish(q, msg, req, &u->msg);
}

static bool valid_batch(const struct ipcx_queue_batch *batch)
{
	return batch->nr && batch->nr <= IPCX_BATCH_MAX && batch->msg_size == sizeof(struct ipcx_msg);
}

long ipcx_queue_sendv(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_queue *q = queue_of(ipcx_object(file));
	const struct ipcx_queue_batch *batch = args;
	const struct ipcx_msg __user *from = u64_to_user_ptr(batch->msgs);
	u32 flags = wait_flags(file, batch->flags);
	struct ipcx_msg m;
	int ret = 0;
	u32 i;

	if (batch->flags & ~(IPCX_NOWAIT | IPCX_REALTIME) || !valid_batch(batch) || batch->select.how ||
	    batch->select.type)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;

	for (i = 0; i < batch->nr; i++) {
		struct ipcx_buf buf;

		ret = -EFAULT;
		if (copy_from_user(&m, from + i, sizeof(m)))
			break;
		buf = (struct ipcx_buf){ .ptr = u64_to_user_ptr(m.buf) };
		ret = send(q, &m, buf, flags, batch->timeout);
		if (ret)
			break;
	}
	return i ? i : ret;
}

long ipcx_queue_recvv(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_queue *q = queue_of(ipcx_object(file));
	const struct ipcx_queue_batch *batch = args;
	struct ipcx_msg __user *to = u64_to_user_ptr(batch->msgs);
	struct ipcx_queue_recv req = {
		.select = batch->select,
		.flags = wait_flags(file, batch->flags),
		.timeout = batch->timeout,
	};
	int ret = 0;
	u32 i;

	if (batch->flags & ~RECV_FLAGS || !valid_batch(batch) || !valid_select(batch->select))
		return -EINVAL;
	if (batch->flags & IPCX_RECV_PEEK)
		return -EOPNOTSUPP;
	if (!(file->f_mode & FMODE_READ))
		return -EACCES;

	for (i = 0; i < batch->nr; i++) {
		struct ipcx_message *msg;
		struct ipcx_buf buf;

		ret = -EFAULT;
		if (copy_from_user(&req.msg, to + i, sizeof(req.msg)))
			break;
		ret = -EINVAL;
		if (req.msg.flags)
			break;
		buf = (struct ipcx_buf){ .ptr = u64_to_user_ptr(req.msg.buf) };
		msg = recv_one(q, &req);
		if (IS_ERR(msg)) {
			ret = PTR_ERR(msg);
			if (ret == -EMSGSIZE && !i && put_user(req.msg.len, &to->len))
				ret = -EFAULT;
			break;
		}
		ret = deliver(q, msg, &req, buf);
		if (!ret)
			ret = finish(q, msg, &req, to + i);
		if (ret)
			break;
		/* the first is waited for, the others only taken */
		req.flags |= IPCX_NOWAIT;
	}
	return i ? i : ret;
}

static ssize_t write_msg(struct file *file, struct ipcx_buf buf, size_t len)
{
	struct ipcx_msg m = { .len = len, .type = IPCX_TYPE_MIN };
	int ret = send(queue_of(ipcx_object(file)), &m, buf, wait_flags(file, 0), IPCX_FOREVER);

	return ret ? ret : len;
}

static ssize_t read_msg(struct file *file, struct ipcx_buf buf, size_t len)
{
	struct ipcx_queue *q = queue_of(ipcx_object(file));
	struct ipcx_queue_recv req = {
		.flags = wait_flags(file, 0),
		.timeout = IPCX_FOREVER,
		.msg.len = len,
	};
	struct ipcx_message *msg;
	ssize_t ret;

	msg = recv_one(q, &req);
	if (IS_ERR(msg))
		return PTR_ERR(msg) == -EPIPE ? 0 : PTR_ERR(msg);
	ret = deliver(q, msg, &req, buf);
	if (ret)
		return ret;
	ret = msg->len;
	ipcx_message_put(msg, &q->obj, &q->pool);
	return ret;
}

static ssize_t queue_write(struct file *file, const char __user *ptr, size_t len, loff_t *pos)
{
	return write_msg(file, (struct ipcx_buf){ .ptr = (void __user *)ptr }, len);
}

static ssize_t queue_read(struct file *file, char __user *ptr, size_t len, loff_t *pos)
{
	return read_msg(file, (struct ipcx_buf){ .ptr = ptr }, len);
}

static ssize_t queue_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return write_msg(iocb->ki_filp, (struct ipcx_buf){ .iter = from }, iov_iter_count(from));
}

static ssize_t queue_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	return read_msg(iocb->ki_filp, (struct ipcx_buf){ .iter = to }, iov_iter_count(to));
}

/* FIONREAD: bytes that read(2) would take now. */
long ipcx_queue_readable(struct file *file, int __user *bytes)
{
	struct ipcx_queue *q = queue_of(ipcx_object(file));
	struct ipcx_select any = { IPCX_SELECT_ANY };
	struct ipcx_level *level;
	int len;

	spin_lock(&q->obj.lock);
	level = ipcx_order_find(&q->order, any);
	len = level ? level->first->len : 0;
	spin_unlock(&q->obj.lock);
	return put_user(len, bytes);
}

static __poll_t queue_poll(struct file *file, poll_table *pt)
{
	struct ipcx_queue *q = queue_of(ipcx_object(file));
	__poll_t events = 0;

	poll_wait(file, &q->obj.poll, pt);	/* see POLL_BARRIER */
	spin_lock(&q->obj.lock);
	if (q->order.nr)
		events |= EPOLLIN | EPOLLRDNORM;
	if (has_room_locked(q, 1) && list_empty(&q->senders))
		events |= EPOLLOUT | EPOLLWRNORM;
	if (q->obj.state & (IPCX_OBJECT_SHUT_SEND | IPCX_OBJECT_SHUT_RECV))
		events |= EPOLLHUP | EPOLLIN | EPOLLOUT;
	spin_unlock(&q->obj.lock);
	return events;
}

/* ---- purge, statistics, shutdown ---- */

/* Messages taken in one hold of the lock. */
#define PURGE_CHUNK	64

long ipcx_queue_purge(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_queue *q = queue_of(ipcx_object(file));
	struct ipcx_queue_purge *purge = args;
	u32 left;

	if (purge->flags || !valid_select(purge->select))
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
		admit_locked(q, &wakes);
		spin_unlock(&q->obj.lock);
		wake_admitted(q, &wakes);
		while ((msg = gone)) {
			gone = msg->next;
			ipcx_message_put(msg, &q->obj, &q->pool);
		}
		if (!level || fatal_signal_pending(current))
			break;
		cond_resched();
	} while (left);
	ipcx_pool_drain(&q->pool, &q->obj);
	ipcx_object_notify(&q->obj, EPOLLOUT | EPOLLWRNORM);
	return ipcx_put_args(uargs, purge, sizeof(*purge));
}

long ipcx_queue_stat(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_queue *q = queue_of(ipcx_object(file));
	struct ipcx_queue_stat *stat = args;

	if (stat->flags)
		return -EINVAL;
	spin_lock(&q->obj.lock);
	stat->nr_msgs = q->order.nr;
	stat->max_msgs = q->max_msgs;
	stat->bytes = q->bytes;
	stat->max_bytes = q->max_bytes;
	stat->max_msg_len = q->max_msg_len;
	stat->sent = q->sent;
	stat->received = q->received;
	stat->purged = q->purged;
	stat->nr_senders = q->nr_senders;
	stat->nr_receivers = q->nr_receivers;
	spin_unlock(&q->obj.lock);
	return ipcx_put_args(uargs, stat, sizeof(*stat));
}

static void queue_shutdown(struct ipcx_object *obj, u32 how)
{
	struct ipcx_queue *q = queue_of(obj);
	struct receiver *r, *next_r;
	struct sender *s, *next_s;
	IPCX_WAKES(wakes);

	spin_lock(&obj->lock);
	obj->state |= (how & IPCX_SHUT_SEND ? IPCX_OBJECT_SHUT_SEND : 0) |
		      (how & IPCX_SHUT_RECV ? IPCX_OBJECT_SHUT_RECV : 0);
	list_for_each_entry_safe(s, next_s, &q->senders, wait.node) {
		if (!ipcx_waiter_claim(&s->wait))
			continue;
		q->nr_senders--;
		ipcx_waiter_complete(&s->wait, -EPIPE, &wakes);
	}
	/* what they wait for is not in the queue, and nothing comes any more */
	list_for_each_entry_safe(r, next_r, &q->receivers, wait.node) {
		if (!ipcx_waiter_claim(&r->wait))
			continue;
		q->nr_receivers--;
		ipcx_waiter_complete(&r->wait, -EPIPE, &wakes);
	}
	spin_unlock(&obj->lock);
	ipcx_wake(&wakes);
	ipcx_object_notify(obj, EPOLLHUP | EPOLLIN | EPOLLOUT);
}

/* ---- life ---- */

static struct ipcx_object *queue_create(const void *args)
{
	const struct ipcx_queue_create *create = args;
	u64 max_bytes = create->max_bytes ?: DEFAULT_BYTES;
	u64 max_msg_len = create->max_msg_len ?: min_t(u64, max_bytes, IPCX_MSG_LEN_MAX);
	struct ipcx_queue *q;
	int ret;

	if (create->reserved || create->max_msgs > IPCX_QUEUE_MSGS_MAX || max_bytes > BYTES_MAX ||
	    max_msg_len > IPCX_MSG_LEN_MAX || max_msg_len > max_bytes)
		return ERR_PTR(-EINVAL);
	q = kzalloc(sizeof(*q), GFP_KERNEL_ACCOUNT);
	if (!q)
		return ERR_PTR(-ENOMEM);
	ret = ipcx_order_init(&q->order);
	if (ret)
		goto err_free_queue;
	q->max_msgs = create->max_msgs ?: DEFAULT_MSGS;
	q->max_bytes = max_bytes;
	q->max_msg_len = max_msg_len;
	INIT_LIST_HEAD(&q->senders);
	INIT_LIST_HEAD(&q->receivers);
	ipcx_pool_init(&q->pool);
	ret = ipcx_object_init(&q->obj, &ipcx_queue_kind, &create->create, 0);
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
	struct ipcx_queue *q = queue_of(obj);
	struct ipcx_select any = { IPCX_SELECT_ANY };
	struct ipcx_level *level;

	while ((level = ipcx_order_find(&q->order, any))) {
		ipcx_message_put(ipcx_order_take(&q->order, level), obj, &q->pool);
		cond_resched();
	}
	ipcx_pool_drain(&q->pool, obj);
	ipcx_order_free(&q->order);
	kfree(q);
}

static void queue_show(struct ipcx_object *obj, struct seq_file *m)
{
	struct ipcx_queue *q = queue_of(obj);

	/* one moment is not promised here: IPCX_QUEUE_STAT is */
	seq_printf(m, "messages:\t%u\nmax-messages:\t%u\nbytes:\t%llu\nmax-bytes:\t%llu\nmax-message:\t%llu\n",
		   READ_ONCE(q->order.nr), q->max_msgs, READ_ONCE(q->bytes), q->max_bytes, q->max_msg_len);
	seq_printf(m, "sent:\t%llu\nreceived:\t%llu\npurged:\t%llu\n", READ_ONCE(q->sent),
		   READ_ONCE(q->received), READ_ONCE(q->purged));
	seq_printf(m, "senders:\t%u\nreceivers:\t%u\n", READ_ONCE(q->nr_senders), READ_ONCE(q->nr_receivers));
}

static const struct file_operations queue_fops = {
	.owner		= THIS_MODULE,
	.release	= ipcx_object_release,
	.unlocked_ioctl	= ipcx_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.read		= queue_read,
	.write		= queue_write,
	.read_iter	= queue_read_iter,
	.write_iter	= queue_write_iter,
	.poll		= queue_poll,
	.show_fdinfo	= ipcx_show_fdinfo,
};

const struct ipcx_kind ipcx_queue_kind = {
	.kind		= IPCX_KIND_QUEUE,
	.label		= "queue",
	.file_name	= "[ipcx-queue]",
	.fops		= &queue_fops,
	.create		= queue_create,
	.free		= queue_free,
	.show		= queue_show,
	.shutdown	= queue_shutdown,
};
