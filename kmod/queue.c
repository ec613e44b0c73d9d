// SPDX-License-Identifier: GPL-2.0
/*
 * Message queues.
 *
 * A message is copied in before the lock, enters the queue (or goes straight to a receiver that waits for its
 * like) under it, and is copied out after it has been taken.  A receiver that then cannot keep it, because its
 * buffer is bad or it is being killed, gives it back to its old place: exactly one receiver gets it.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "ipcx.h"
#include "ipcx_trace.h"
#include "queue.h"

/* ---- entering the queue ---- */

/* A receiver with one of these flags waits: is it one that takes @msg, having room for its descriptors? */
#define RECV_SPECIAL	(IPCX_RECV_PEEK | IPCX_RECV_WITH_FDS)

static bool takes(const struct ipcx_receiver *r, const struct ipcx_message *msg)
{
	return !(r->flags & IPCX_RECV_PEEK) &&
	       (r->flags & IPCX_RECV_TRUNCATE || ipcx_message_nr_fds(msg) <= r->nr_fds);
}

/* Out of line: what an event needs is then not in the way of the code that goes on without it. */
static noinline void trace_enqueue(const struct ipcx_queue *q, const struct ipcx_message *msg)
{
	trace_ipcx_enqueue(&q->obj, msg, msg->seq, q->order.nr);
}

static noinline void trace_recv(const struct ipcx_queue *q, const struct ipcx_message *msg,
				const struct task_struct *receiver)
{
	trace_ipcx_recv(&q->obj, msg, msg->seq, q->order.nr, receiver);
}

/*
 * Hand @msg to the first waiting receiver that wants it.  Those whose buffer is too small learn what they need;
 * peekers are told to look again, since the message stays.
 */
static noinline bool hand_over_locked(struct ipcx_queue *q, struct ipcx_message *msg,
				      struct ipcx_wakes *wakes)
{
	struct ipcx_receiver *r, *next;

	lockdep_assert_held(&q->obj.lock);
	list_for_each_entry_safe(r, next, &q->receivers, wait.node) {
		bool fits = msg->len <= r->len || r->flags & IPCX_RECV_TRUNCATE;

		if (!ipcx_select_matches(r->select, msg->type) || !ipcx_waiter_claim(&r->wait))
			continue;
		q->nr_receivers--;
		if (fits && (likely(!(r->flags & RECV_SPECIAL)) || takes(r, msg))) {
			r->msg = msg;
			q->received++;
			if (trace_ipcx_enqueue_enabled())
				trace_enqueue(q, msg);
			if (trace_ipcx_recv_enabled())
				trace_recv(q, msg, r->wait.task);
			ipcx_waiter_complete(&r->wait, 0, wakes);
			return true;
		}
		r->len = msg->len;
		r->nr_fds = ipcx_message_nr_fds(msg);
		ipcx_waiter_complete(&r->wait, fits && r->flags & IPCX_RECV_PEEK ? 0 : -EMSGSIZE, wakes);
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
		if (trace_ipcx_enqueue_enabled())
			trace_enqueue(q, msg);
	}
	q->sent++;
	return true;
}

/* Senders that come in during one hold of the lock: each may have to look at every waiting receiver. */
#define ADMIT_MAX	32

/* There is room: senders that wait for it come in, in their order; the caller goes on in ipcx_queue_wake_admitted(). */
noinline void ipcx_queue_admit_locked(struct ipcx_queue *q, struct ipcx_wakes *wakes)
{
	struct ipcx_sender *s, *next;
	u32 left = ADMIT_MAX;

	lockdep_assert_held(&q->obj.lock);
	list_for_each_entry_safe(s, next, &q->senders, wait.node) {
		if (!left || (!ipcx_queue_has_room_locked(q, s->msg->len) && !ipcx_waiter_is_claimed(&s->wait)))
			break;
		if (!ipcx_waiter_claim(&s->wait))
			continue;
		left--;
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
	if (!ipcx_queue_has_room_locked(q, msg->len) || ipcx_anybody_waits(&q->senders))
		return -EAGAIN;
	return enter_locked(q, msg, wakes) ? 0 : -ENOMEM;
}

/* The same for batches. */
int ipcx_queue_send_now_locked(struct ipcx_queue *q, struct ipcx_message *msg, struct ipcx_wakes *wakes)
{
	return send_now_locked(q, msg, wakes);
}

/* Wake senders whose messages came in when room was made, tell pollers of these, and let in the others. */
void ipcx_queue_wake_admitted(struct ipcx_queue *q, struct ipcx_wakes *wakes)
{
	bool more;

	while (wakes->last) {
		more = ipcx_wake_all(wakes) >= ADMIT_MAX;
		ipcx_object_notify(&q->obj, EPOLLIN | EPOLLRDNORM);
		if (likely(!more))
			break;
		cond_resched();
		spin_lock(&q->obj.lock);
		ipcx_queue_admit_locked(q, wakes);
		spin_unlock(&q->obj.lock);
	}
}

/* Wait for room; the object's lock is held on entry and dropped.  @msg is in the queue if this returns 0. */
static noinline int wait_for_room(struct ipcx_queue *q, struct ipcx_message *msg, u32 flags, u64 timeout)
	__releases(&q->obj.lock)
{
	struct ipcx_sender s = { .msg = msg };
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
	ipcx_queue_admit_locked(q, &wakes);
	spin_unlock(&q->obj.lock);
	ipcx_queue_wake_admitted(q, &wakes);
	/* nobody may stand in the way of others any more */
	ipcx_object_notify(&q->obj, EPOLLOUT | EPOLLWRNORM);
	return ret;
}

/* IPCX_QUEUE_LATEST: messages dropped in one hold of the lock. */
#define SHED_MAX	64

/*
 * Make room for @nr more messages of @bytes by taking out the oldest; the caller puts them after the unlock.  False if
 * that takes more than one hold of the lock.
 */
static bool shed_locked(struct ipcx_queue *q, u32 nr, size_t bytes, struct ipcx_message **gone)
{
	struct ipcx_select any = { IPCX_SELECT_ANY };
	struct ipcx_message *msg;
	u32 left = SHED_MAX;

	lockdep_assert_held(&q->obj.lock);
	while (q->order.nr + nr > q->max_msgs || q->bytes + bytes > q->max_bytes) {
		if (!left--)
			return false;
		msg = ipcx_order_take(&q->order, ipcx_order_find(&q->order, any));
		q->bytes -= msg->len;
		q->dropped++;
		trace_ipcx_drop(&q->obj, msg, 1);
		msg->next = *gone;
		*gone = msg;
	}
	return true;
}

static void put_shed(struct ipcx_queue *q, struct ipcx_message *gone)
{
	struct ipcx_message *msg;

	while ((msg = gone)) {
		gone = msg->next;
		ipcx_message_put(msg, &q->obj, &q->pool);
	}
}

/*
 * IPCX_QUEUE_LATEST, and the queue is full: @msg, which has a level, takes the place of the oldest.  The object's lock is
 * held on entry and dropped.
 */
static noinline int enter_latest(struct ipcx_queue *q, struct ipcx_message *msg)
	__releases(&q->obj.lock)
{
	struct ipcx_message *gone = NULL;
	IPCX_WAKES(wakes);
	int ret = 0;

	while (!shed_locked(q, 1, msg->len, &gone)) {
		spin_unlock(&q->obj.lock);
		put_shed(q, gone);
		gone = NULL;
		/* others may put in as much as this takes out */
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		spin_lock(&q->obj.lock);
	}
	if (q->obj.state & (IPCX_OBJECT_SHUT_SEND | IPCX_OBJECT_SHUT_RECV))
		ret = -EPIPE;
	else
		enter_locked(q, msg, &wakes);
	spin_unlock(&q->obj.lock);
	ipcx_wake(&wakes);
	put_shed(q, gone);
	return ret;
}

/* There is no room: may the message enter nevertheless, or when there is? */
static bool can_enter_later(const struct ipcx_queue *q, u32 flags)
{
	return !(flags & IPCX_NOWAIT) || READ_ONCE(q->obj.state) & IPCX_OBJECT_LATEST;
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
		if (!msg->level && (ret == -ENOMEM || (ret == -EAGAIN && can_enter_later(q, flags)))) {
			spin_unlock(&q->obj.lock);
			/* receivers that do not take it have been told of it: they must not wait for us */
			ipcx_wake(&wakes);
			msg->level = ipcx_level_alloc(GFP_KERNEL_ACCOUNT);
			if (!msg->level)
				return -ENOMEM;
			continue;
		}
		if (ret == -EAGAIN && READ_ONCE(q->obj.state) & IPCX_OBJECT_LATEST)
			return enter_latest(q, msg);
		if (ret == -EAGAIN && !(flags & IPCX_NOWAIT))
			return wait_for_room(q, msg, flags, timeout);
		break;
	}
	spin_unlock(&q->obj.lock);
	ipcx_wake(&wakes);
	return ret;
}

/* The first step of ipcx_queue_enter(), which goes on if this returns -EAGAIN or -ENOMEM; pollers are not told. */
int ipcx_queue_enter_now_locked(struct ipcx_queue *q, struct ipcx_message *msg, struct ipcx_wakes *wakes)
{
	return send_now_locked(q, msg, wakes);
}

/* send_one() for the less frequent doors: pollers have been told as well. */
int ipcx_queue_enter(struct ipcx_queue *q, struct ipcx_message *msg, u32 flags, u64 timeout)
{
	int ret;

	if (unlikely(q->obj.state & IPCX_OBJECT_BROADCAST))
		return ipcx_broadcast_enter(q, msg, flags, timeout);
	ret = send_one(q, msg, flags, timeout);
	if (!ret)
		ipcx_object_notify(&q->obj, EPOLLIN | EPOLLRDNORM);
	return ret;
}

/* ---- leaving the queue ---- */

/* Give back a message that a receiver took and could not keep: it is as if it had never been taken. */
noinline void ipcx_queue_give_back(struct ipcx_queue *q, struct ipcx_message *msg)
{
	struct ipcx_message *gone = NULL;
	IPCX_WAKES(wakes);

	/* its level may have gone meanwhile; a small allocation that must not fail, by a task that may be dying */
	if (!msg->level)
		msg->level = ipcx_level_alloc(GFP_KERNEL | __GFP_NOFAIL);
	spin_lock(&q->obj.lock);
	q->received--;
	if (unlikely(msg->class & IPCX_CLASS_ATTACHED && msg->attached->unwanted)) {
		/* a call whose caller gave up meanwhile; its room has been given to others when it was taken */
		q->purged++;
		spin_unlock(&q->obj.lock);
		ipcx_message_put(msg, &q->obj, &q->pool);
		return;
	}
	if (list_empty(&q->receivers) || !hand_over_locked(q, msg, &wakes)) {
		ipcx_order_add(&q->order, msg, true);
		q->bytes += msg->len;
		/* what would have been dropped meanwhile, had this one stayed; one goes for one that comes */
		if (unlikely(q->obj.state & IPCX_OBJECT_LATEST))
			shed_locked(q, 0, 0, &gone);
	}
	spin_unlock(&q->obj.lock);
	ipcx_wake(&wakes);
	put_shed(q, gone);
	ipcx_object_notify(&q->obj, EPOLLIN | EPOLLRDNORM);
}

/* @msg is too large for @req, which learns what it needs. */
static noinline struct ipcx_message *too_large(struct ipcx_queue_recv *req, const struct ipcx_message *msg)
{
	req->msg.len = msg->len;
	if (req->flags & IPCX_RECV_WITH_FDS)
		ipcx_recv_fds_of(req)->nr_fds = ipcx_message_nr_fds(msg);
	return ERR_PTR(-EMSGSIZE);
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
	if (msg->len > req->msg.len && !(req->flags & IPCX_RECV_TRUNCATE))
		return too_large(req, msg);
	if (unlikely(req->flags & RECV_SPECIAL)) {
		if (req->flags & IPCX_RECV_PEEK) {
			refcount_inc(&msg->refs);
			return msg;
		}
		if (!(req->flags & IPCX_RECV_TRUNCATE) && ipcx_message_nr_fds(msg) > ipcx_recv_fds_of(req)->nr_fds)
			return too_large(req, msg);
	}
	ipcx_order_take(&q->order, level);
	q->bytes -= msg->len;
	q->received++;
	if (trace_ipcx_recv_enabled())
		trace_recv(q, msg, current);
	if (!list_empty(&q->senders))
		ipcx_queue_admit_locked(q, wakes);
	return msg;
}

struct ipcx_message *ipcx_queue_take_locked(struct ipcx_queue *q, struct ipcx_queue_recv *req,
					    struct ipcx_wakes *wakes)
{
	return take_locked(q, req, wakes);
}

/*
 * Wait for a message; the object's lock is held on entry and dropped.  Returns what was handed over, NULL to
 * look again, or an error.
 */
static noinline struct ipcx_message *wait_for_message(struct ipcx_queue *q, struct ipcx_queue_recv *req)
	__releases(&q->obj.lock)
{
	struct ipcx_receiver r = { .select = req->select, .len = req->msg.len, .flags = req->flags };
	int ret;

	if (req->flags & IPCX_RECV_WITH_FDS)
		r.nr_fds = ipcx_recv_fds_of(req)->nr_fds;
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
	if (r.wait.result == -EMSGSIZE) {
		req->msg.len = r.len;
		if (req->flags & IPCX_RECV_WITH_FDS)
			ipcx_recv_fds_of(req)->nr_fds = r.nr_fds;
	}
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
	if (unlikely(wakes.last))
		ipcx_queue_wake_admitted(q, &wakes);
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
			ipcx_queue_give_back(q, msg);
	}
	return ret;
}

/* The same for the less frequent doors. */
struct ipcx_message *ipcx_queue_take(struct ipcx_queue *q, struct ipcx_queue_recv *req)
{
	return recv_one(q, req);
}

int ipcx_queue_deliver(struct ipcx_queue *q, struct ipcx_message *msg, const struct ipcx_queue_recv *req,
		       struct ipcx_buf buf)
{
	return deliver(q, msg, req, buf);
}

/* ---- the doors: ioctl, read and write ---- */

/* Why a queue does not take @m: it is wrong, or has a priority where there are none. */
int ipcx_queue_check_failed(const struct ipcx_msg *m)
{
	return m->type < IPCX_TYPE_MIN || m->priority > IPCX_PRIORITY_MAX || m->flags ? -EINVAL : -EOPNOTSUPP;
}

/* ipcx_queue_put_msg() for a receiver in another user namespace than the first. */
int ipcx_queue_put_msg_munged(struct ipcx_msg __user *to, const struct ipcx_message *msg, u32 pid, u64 flags)
{
	u32 uid = from_kuid_munged(current_user_ns(), msg->uid), gid = from_kgid_munged(current_user_ns(), msg->gid);
	bool ok;

	if (should_fail_usercopy() || !user_write_access_begin(to, sizeof(*to)))
		return -EFAULT;
	ok = ipcx_unsafe_put_msg(to, msg, pid, uid, gid, flags);
	user_write_access_end();
	return ok ? 0 : -EFAULT;
}

/* Send one message. */
static __always_inline int send(struct ipcx_queue *q, const struct ipcx_msg *m, struct ipcx_buf buf, u32 flags,
				u64 timeout)
{
	struct ipcx_message *msg;
	int ret;

	ret = ipcx_queue_check(q, m);
	if (ret)
		return ret;
	msg = ipcx_message_create(&q->obj, &q->pool, buf, m->len);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	ipcx_queue_label(msg, m);
	trace_ipcx_send(&q->obj, msg);
	if (unlikely(!list_empty(&q->taps)))
		return ipcx_tap_send(q, msg, flags, timeout);
	ret = send_one(q, msg, flags, timeout);
	if (unlikely(ret))
		ipcx_message_put(msg, &q->obj, &q->pool);
	else
		ipcx_object_notify(&q->obj, EPOLLIN | EPOLLRDNORM);
	return ret;
}

long ipcx_queue_send(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_queue *q = ipcx_queue_of(ipcx_object(file));
	struct ipcx_queue_send *send_args = args;
	struct ipcx_buf buf = { .ptr = u64_to_user_ptr(send_args->msg.buf) };

	if (send_args->flags & ~(IPCX_NOWAIT | IPCX_REALTIME))
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;
	return send(q, &send_args->msg, buf, ipcx_wait_flags(file, send_args->flags), send_args->timeout);
}

/* The message has been delivered, if its description can be written to @to. */
static __always_inline int finish(struct ipcx_queue *q, struct ipcx_message *msg,
				  const struct ipcx_queue_recv *req, struct ipcx_msg __user *to)
{
	int ret = ipcx_queue_put_msg(to, msg, req->msg.len);

	if (unlikely(ret) && !(req->flags & IPCX_RECV_PEEK)) {
		ipcx_queue_give_back(q, msg);
	} else {
		/* of a peeked one somebody else may detach it just now */
		if (unlikely(READ_ONCE(msg->class) & IPCX_CLASS_ATTACHED) && !(req->flags & IPCX_RECV_PEEK))
			ipcx_message_drop_attached(msg, &q->obj);
		ipcx_message_put(msg, &q->obj, &q->pool);
	}
	return ret;
}

int ipcx_queue_describe(struct ipcx_msg __user *to, const struct ipcx_message *msg, u64 len)
{
	return ipcx_queue_put_msg(to, msg, len);
}

int ipcx_queue_finish(struct ipcx_queue *q, struct ipcx_message *msg, const struct ipcx_queue_recv *req,
		      struct ipcx_msg __user *to)
{
	return finish(q, msg, req, to);
}

#define RECV_FLAGS	(IPCX_NOWAIT | IPCX_REALTIME | IPCX_RECV_PEEK | IPCX_RECV_TRUNCATE)

long ipcx_queue_recv(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_queue *q = ipcx_queue_of(ipcx_object(file));
	struct ipcx_queue_recv __user *u = uargs;
	struct ipcx_queue_recv *req = args;
	struct ipcx_buf buf = { .ptr = u64_to_user_ptr(req->msg.buf) };
	struct ipcx_message *msg;
	int ret;

	if (req->flags & ~RECV_FLAGS || req->msg.flags || !ipcx_select_valid(req->select))
		return -EINVAL;
	if (!(file->f_mode & FMODE_READ))
		return -EACCES;

	req->flags = ipcx_wait_flags(file, req->flags);
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

/* @flags: 0 or IPCX_NOWAIT. */
static __always_inline ssize_t write_msg(struct file *file, struct ipcx_buf buf, size_t len, u32 flags)
{
	struct ipcx_msg m = { .len = len, .type = IPCX_TYPE_MIN };
	int ret = send(ipcx_queue_of(ipcx_object(file)), &m, buf, ipcx_wait_flags(file, flags), IPCX_FOREVER);

	return ret ? ret : len;
}

static __always_inline ssize_t read_msg(struct file *file, struct ipcx_buf buf, size_t len, u32 flags)
{
	struct ipcx_queue *q = ipcx_queue_of(ipcx_object(file));
	struct ipcx_queue_recv req = {
		.flags = ipcx_wait_flags(file, flags),
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
	if (unlikely(msg->class & IPCX_CLASS_ATTACHED))
		ipcx_message_drop_attached(msg, &q->obj);
	ipcx_message_put(msg, &q->obj, &q->pool);
	return ret;
}

static ssize_t queue_write(struct file *file, const char __user *ptr, size_t len, loff_t *pos)
{
	return write_msg(file, (struct ipcx_buf){ .ptr = (void __user *)ptr }, len, 0);
}

static ssize_t queue_read(struct file *file, char __user *ptr, size_t len, loff_t *pos)
{
	return read_msg(file, (struct ipcx_buf){ .ptr = ptr }, len, 0);
}

static ssize_t queue_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return write_msg(iocb->ki_filp, (struct ipcx_buf){ .iter = from }, iov_iter_count(from), ipcx_kiocb_flags(iocb));
}

static ssize_t queue_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	return read_msg(iocb->ki_filp, (struct ipcx_buf){ .iter = to }, iov_iter_count(to), ipcx_kiocb_flags(iocb));
}

const struct file_operations ipcx_queue_fops = {
	.owner		= THIS_MODULE,
	.release	= ipcx_object_release,
	.unlocked_ioctl	= ipcx_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.uring_cmd	= ipcx_uring_cmd,
	.read		= queue_read,
	.write		= queue_write,
	.read_iter	= queue_read_iter,
	.write_iter	= queue_write_iter,
	.poll		= ipcx_object_poll,
	.fasync		= ipcx_object_fasync,
	.show_fdinfo	= ipcx_show_fdinfo,
};
