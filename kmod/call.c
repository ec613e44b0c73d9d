// SPDX-License-Identifier: GPL-2.0
/*
 * Calls: a message whose sender waits for its reply.
 *
 * The call is an attachment of its message until a server takes it; then it is found by its number, which is only
 * good for the queue it came from.  Caller and server each have a reference.  Who ends the call, by a reply or by
 * giving up, claims the caller's waiter, as in every other wait: so a reply reaches its caller or is known not to.
 */
#include <linux/sched/prio.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ipcx_trace.h"
#include "pause.h"
#include "queue.h"

#define CALLS_BUCKETS	32

/**
 * struct ipcx_call - one call
 * @attached:	its place in its message, until it is taken; unwanted when the caller does not wait any more
 * @wait:	the caller, in no line
 * @refs:	the caller's; and that of the message or, when it is taken, of the table; a reply gives that to the caller
 * @all:	in ipcx_calls.all until it has ended (protected by the queue's lock)
 * @taken:	in ipcx_calls.taken, by @id (by the queue's lock)
 * @id:		its number, 0 until it is taken (by the queue's lock)
 * @msg:	its message, until it is taken (by the queue's lock)
 * @mm:		the process that took it, only compared
 * @file:	through which it was taken, only compared
 * @reply:	handed over with result 0
 */
struct ipcx_call {
	struct ipcx_attachment attached;
	struct ipcx_waiter wait;
	refcount_t refs;
	struct hlist_node all;
	struct hlist_node taken;
	u64 id;
	struct ipcx_message *msg;
	const struct mm_struct *mm;
	const struct file *file;
	struct ipcx_message *reply;
};

/**
 * struct ipcx_calls - the calls of one queue, from its first on
 * @all:	those whose callers wait (protected by the queue's lock)
 * @taken:	those that servers have taken, and whose callers wait, by id (by the queue's lock)
 * @nr_taken:	how many (by the queue's lock)
 * @last_id:	the number given last
 * @servers:	the processes that have taken calls
 * @server:	the one that was looked up last in @servers, only compared (cleared under the queue's lock)
 * @idle_cpu:	where a server yields to its callers, or -1; a hint
 * @turns:	of callers and servers
 * @hot:	a call to be used again, taken and given with a single exchange, or NULL
 * @reply:	likewise, the memory of a small reply: its sender is likely to reply again
 */
struct ipcx_calls {
	struct hlist_head all;
	struct hlist_head taken[CALLS_BUCKETS];
	u32 nr_taken;
	atomic64_t last_id;
	struct ipcx_holders servers;
	const struct mm_struct *server;
	int idle_cpu;
	struct ipcx_turns turns;
	struct ipcx_call *hot;
	struct ipcx_message *reply;
};

/* Sides that copy more than this work long, and seldom about as long as each other. */
#define YIELD_LEN	SZ_16K

/* Yield until *@until is not 0 to a peer on processor @cpu, or -1; or let whoever has just been woken run. */
static void yield_to_peer(struct ipcx_calls *calls, int cpu, const u32 *until)
{
	if (cpu != raw_smp_processor_id() || !ipcx_yield(&calls->turns, until))
		cond_resched();
}

static struct ipcx_call *call_of(struct ipcx_attachment *attached)
{
	return container_of(attached, struct ipcx_call, attached);
}

/* The calls of @q, made when they are first needed: -ENOMEM, -EDQUOT. */
static struct ipcx_calls *calls_get(struct ipcx_queue *q)
{
	struct ipcx_calls *calls = smp_load_acquire(&q->calls);	/* see CALLS_PUBLISH */
	struct ipcx_calls *other;
	int ret;

	if (likely(calls))
		return calls;
	calls = kzalloc(sizeof(*calls), GFP_KERNEL_ACCOUNT);
	if (!calls)
		return ERR_PTR(-ENOMEM);
	calls->idle_cpu = -1;
	calls->turns.patience = IPCX_PATIENCE;
	ret = ipcx_charge(&q->obj, sizeof(*calls));
	if (ret) {
		kfree(calls);
		return ERR_PTR(ret);
	}
	/* CALLS_PUBLISH: the exchange orders the initialisation before the pointer, for the acquire above. */
	other = cmpxchg(&q->calls, NULL, calls);
	if (other) {
		ipcx_uncharge(&q->obj, sizeof(*calls));
		kfree(calls);
		return other;
	}
	return calls;
}

/* Nobody else has a reference. */
static void call_free(struct ipcx_queue *q, struct ipcx_call *call)
{
	call = xchg(&q->calls->hot, call);
	if (call) {
		ipcx_uncharge(&q->obj, sizeof(*call));
		kfree(call);
	}
}

static void call_put(struct ipcx_queue *q, struct ipcx_call *call)
{
	if (refcount_dec_and_test(&call->refs))
		call_free(q, call);
}

/*
 * Nobody waits for @call any more, or shall not: the caller, unless it has given up, is told @result when it is woken.
 * Returns whether it has to be.
 */
static bool claim_locked(struct ipcx_call *call, int result)
{
	if (call->attached.unwanted || !ipcx_waiter_claim(&call->wait))
		return false;
	hlist_del_init(&call->all);
	call->wait.result = result;
	return true;
}

static void end_locked(struct ipcx_call *call, int result, struct ipcx_wakes *wakes)
{
	if (claim_locked(call, result))
		ipcx_waiter_complete(&call->wait, result, wakes);
}

/* Its message has been taken by who cannot reply, or has been discarded. */
static void call_drop(struct ipcx_attachment *attached, struct ipcx_object *obj)
{
	struct ipcx_queue *q = ipcx_queue_of(obj);
	struct ipcx_call *call = call_of(attached);
	bool wake;

	spin_lock(&obj->lock);
	call->msg = NULL;
	wake = claim_locked(call, obj->state & IPCX_OBJECT_SHUT_RECV ? -EPIPE : -ECONNRESET);
	spin_unlock(&obj->lock);
	if (wake)
		ipcx_wake_one(&call->wait);
	call_put(q, call);
}

static struct ipcx_call *call_create(struct ipcx_queue *q, struct ipcx_calls *calls)
{
	struct ipcx_call *call = READ_ONCE(calls->hot) ? xchg(&calls->hot, NULL) : NULL;
	int ret;

	if (!call) {
		ret = ipcx_charge(&q->obj, sizeof(*call));
		if (ret)
			return ERR_PTR(ret);
		call = kmalloc(sizeof(*call), GFP_KERNEL_ACCOUNT);
		if (!call) {
			ipcx_uncharge(&q->obj, sizeof(*call));
			return ERR_PTR(-ENOMEM);
		}
		call->attached.flag = IPCX_MSG_CALL;
		call->attached.nr_fds = 0;
		call->attached.drop = call_drop;
	}
	ipcx_waiter_init(&call->wait);
	INIT_LIST_HEAD(&call->wait.node);
	refcount_set(&call->refs, 2);
	call->id = 0;
	call->attached.unwanted = false;
	return call;
}

/* Nobody can reply to it any more; the caller of this puts the table's reference. */
static void forget_locked(struct ipcx_calls *calls, struct ipcx_call *call)
{
	__hlist_del(&call->taken);
	calls->nr_taken--;
	call->id = 0;
}

/*
 * The caller has given up, and nobody can end the call any more.  Its message leaves the queue, if nobody has taken
 * it: @err can be told as if nothing had happened.  Otherwise the server learns of it when it replies.
 */
static int give_up(struct ipcx_queue *q, struct ipcx_call *call, int err)
{
	struct ipcx_message *msg;
	bool taken;
	IPCX_WAKES(wakes);

	spin_lock(&q->obj.lock);
	call->attached.unwanted = true;
	hlist_del_init(&call->all);
	taken = call->id;
	if (taken)
		forget_locked(q->calls, call);
	msg = call->msg;
	if (msg && ipcx_order_remove(&q->order, msg)) {
		q->bytes -= msg->len;
		q->purged++;
		ipcx_queue_admit_locked(q, &wakes);
	} else {
		msg = NULL;
	}
	spin_unlock(&q->obj.lock);
	if (taken)
		call_put(q, call);
	if (!msg)
		return err == -ERESTARTSYS ? -EINTR : err;
	ipcx_queue_wake_admitted(q, &wakes);
	ipcx_object_notify(&q->obj, EPOLLOUT | EPOLLWRNORM);
	ipcx_message_put(msg, &q->obj, &q->pool);
	return err;
}

static void reply_put(struct ipcx_queue *q, struct ipcx_message *reply)
{
	if (likely(reply->class == IPCX_CLASS_SMALL))
		reply = xchg(&q->calls->reply, reply);
	if (unlikely(reply))
		ipcx_message_put(reply, &q->obj, &q->pool);
}

static struct ipcx_message *reply_create(struct ipcx_queue *q, struct ipcx_calls *calls, const struct ipcx_msg *m)
{
	struct ipcx_buf buf = { .ptr = u64_to_user_ptr(m->buf) };
	struct ipcx_message *msg = NULL;

	if (likely(m->len <= IPCX_SMALL_LEN && !trace_ipcx_copy_in_enabled()))
		msg = READ_ONCE(calls->reply) ? xchg(&calls->reply, NULL) : NULL;
	if (unlikely(!msg)) {
		msg = ipcx_message_create(&q->obj, &q->pool, buf, m->len);
	} else {
		ipcx_message_init(msg, m->len);
		if (unlikely(!ipcx_copy_in_small(msg->data, buf.ptr, m->len))) {
			reply_put(q, msg);
			return ERR_PTR(-EFAULT);
		}
	}
	if (!IS_ERR(msg)) {
		msg->type = m->type;
		msg->priority = m->priority;
	}
	return msg;
}

/* Copy the reply to the caller: it has been taken from the server in any case. */
static int accept_reply(struct ipcx_queue *q, struct ipcx_message *reply, const struct ipcx_queue_call *args,
			struct ipcx_queue_call __user *u)
{
	struct ipcx_buf buf = { .ptr = u64_to_user_ptr(args->reply.buf) };
	bool fits = reply->len <= args->reply.len || args->flags & IPCX_RECV_TRUNCATE;
	int ret;

	ret = fits ? ipcx_message_copy_out(&q->obj, reply, buf, min_t(u64, reply->len, args->reply.len)) : 0;
	if (!ret)
		ret = ipcx_queue_put_msg(&u->reply, reply, args->reply.len);
	reply_put(q, reply);
	return ret ? ret : fits ? 0 : -EMSGSIZE;
}

#define CALL_FLAGS	(IPCX_REALTIME | IPCX_RECV_TRUNCATE)

long ipcx_queue_call(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_queue *q = ipcx_queue_of(ipcx_object(file));
	struct ipcx_queue_call *req = args;
	struct ipcx_buf buf = { .ptr = u64_to_user_ptr(req->msg.buf) };
	u32 flags = req->flags & IPCX_REALTIME;
	struct ipcx_calls *calls;
	struct ipcx_message *msg, *held;
	struct ipcx_call *call;
	IPCX_WAKES(wakes);
	int ret, cpu;

	if (req->flags & ~CALL_FLAGS || req->reply.flags)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;
	/* a call must not vanish */
	if (q->obj.state & IPCX_OBJECT_LATEST)
		return -EOPNOTSUPP;
	ret = ipcx_queue_check(q, &req->msg);
	if (ret)
		return ret;
	calls = calls_get(q);
	if (IS_ERR(calls))
		return PTR_ERR(calls);
	call = call_create(q, calls);
	if (IS_ERR(call))
		return PTR_ERR(call);
	msg = ipcx_message_create(&q->obj, &q->pool, buf, req->msg.len);
	if (IS_ERR(msg)) {
		ret = PTR_ERR(msg);
		goto err_put_call;
	}
	msg->type = req->msg.type;
	msg->priority = req->msg.priority;
	call->msg = msg;
	ipcx_message_attach(msg, &call->attached);
	trace_ipcx_send(&q->obj, msg);
	held = ipcx_tap_hold(q, msg);
	spin_lock(&q->obj.lock);
	hlist_add_head(&call->all, &calls->all);
	ret = ipcx_queue_enter_now_locked(q, msg, &wakes);
	if (!wakes.last)
		cpu = calls->idle_cpu;
	else
		cpu = task_cpu(wakes.last->task);
	spin_unlock(&q->obj.lock);
	ipcx_wake(&wakes);
	if (likely(!ret))
		ipcx_object_notify(&q->obj, EPOLLIN | EPOLLRDNORM);
	else if (ret == -EAGAIN || ret == -ENOMEM)
		ret = ipcx_queue_enter(q, msg, ipcx_wait_flags(file, flags), req->timeout);
	ipcx_tap_pass(q, held, ret);
	if (unlikely(ret)) {
		/* it has never been in the queue: nobody but a shutdown knows of it */
		ipcx_message_detach(msg);
		ipcx_message_put(msg, &q->obj, &q->pool);
		goto err_unlink;
	}

	/* a server may answer before this has gone to sleep */
	yield_to_peer(calls, req->msg.len <= YIELD_LEN ? cpu : -1, &call->wait.done);
	/* see WAIT_BARRIER */
	ret = smp_load_acquire(&call->wait.done) ? 0 : ipcx_wait(&q->obj, &call->wait, flags, req->timeout);
	if (unlikely(ret))
		ret = give_up(q, call, ret);
	else
		ret = call->wait.result;
	if (likely(!ret)) {
		ret = accept_reply(q, call->reply, req, uargs);
		/* the server has left its reference to us */
		call_free(q, call);
	} else {
		call_put(q, call);
	}
	return ret;

err_unlink:
	spin_lock(&q->obj.lock);
	call->attached.unwanted = true;
	hlist_del_init(&call->all);
	spin_unlock(&q->obj.lock);
	/* if a shutdown was quicker, it is about to touch the waiter */
	if (!ipcx_waiter_claim(&call->wait))
		ipcx_wait_for_claimer(&call->wait);
err_put_call:
	call_put(q, call);
	call_put(q, call);
	return ret;
}

/* ---- the server's side ---- */

static struct hlist_head *bucket_of(struct ipcx_calls *calls, u64 id)
{
	return &calls->taken[id % ARRAY_SIZE(calls->taken)];
}

static struct ipcx_call *find_locked(struct ipcx_calls *calls, u64 id)
{
	struct ipcx_call *call;

	hlist_for_each_entry(call, bucket_of(calls, id), taken)
		if (call->id == id)
			return call;
	return NULL;
}

/* There is no call @id: was there one? */
static int why_not(const struct ipcx_calls *calls, u64 id)
{
	return id <= atomic64_read(&calls->last_id) ? -ECANCELED : -EINVAL;
}

/* Is somebody waiting for the reply to call @id? */
static int check_call(struct ipcx_queue *q, struct ipcx_calls *calls, u64 id)
{
	struct ipcx_call *call;
	int ret;

	spin_lock(&q->obj.lock);
	call = find_locked(calls, id);
	if (!call)
		ret = why_not(calls, id);
	else
		ret = atomic_read(&call->wait.claimed) ? -ECANCELED : 0;
	spin_unlock(&q->obj.lock);
	return ret;
}

/* Answer call @id of a caller that belongs to processor @cpu: -ECANCELED if nobody waits for it any more. */
static int reply(struct ipcx_queue *q, struct ipcx_calls *calls, u64 id, const struct ipcx_msg *m, int *cpu)
{
	struct ipcx_message *msg;
	struct ipcx_call *call;
	bool told = false;
	int ret;

	ret = ipcx_queue_check(q, m);
	if (ret)
		return ret;
	msg = reply_create(q, calls, m);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	spin_lock(&q->obj.lock);
	call = find_locked(calls, id);
	if (likely(call)) {
		forget_locked(calls, call);
		told = claim_locked(call, 0);
		if (likely(told)) {
			call->reply = msg;
			*cpu = task_cpu(call->wait.task);
		}
	}
	spin_unlock(&q->obj.lock);
	if (likely(told)) {
		/* it goes with our reference, which spares both a put */
		ipcx_wake_one(&call->wait);
		return 0;
	}
	reply_put(q, msg);
	if (!call)
		return why_not(calls, id);
	call_put(q, call);
	return -ECANCELED;
}

/*
 * The message has been copied to the server and described: the call is the server's from now on.  False if its
 * caller has given up meanwhile.
 */
static bool take_call(struct ipcx_queue *q, struct ipcx_calls *calls, struct ipcx_call *call, u64 id,
		      const struct file *file)
{
	bool wanted;

	spin_lock(&q->obj.lock);
	wanted = !call->attached.unwanted;
	call->msg = NULL;
	if (likely(wanted)) {
		call->id = id;
		call->mm = current->mm;
		call->file = file;
		hlist_add_head(&call->taken, bucket_of(calls, id));
		calls->nr_taken++;
	}
	spin_unlock(&q->obj.lock);
	if (unlikely(!wanted))
		call_put(q, call);
	return wanted;
}

/* ipcx_queue_deliver(), quick also for a small message that is a call. */
static int deliver(struct ipcx_queue *q, struct ipcx_message *msg, const struct ipcx_queue_recv *req,
		   struct ipcx_buf buf)
{
	if (likely((msg->class & IPCX_CLASS_MASK) == IPCX_CLASS_SMALL && !trace_ipcx_copy_out_enabled() &&
		   ipcx_copy_out_small(buf.ptr, msg->data, min_t(u64, msg->len, req->msg.len)) &&
		   !fatal_signal_pending(current)))
		return 0;
	return ipcx_queue_deliver(q, msg, req, buf);
}

/* The call that has been described is not the caller's after all: it may use the same structure again. */
static int put_back(const struct ipcx_queue_serve *args, struct ipcx_queue_serve __user *u)
{
	return put_user(args->call, &u->call) || put_user(args->msg.len, &u->msg.len) ||
	       put_user(args->msg.flags, &u->msg.flags) ? -EFAULT : 0;
}

/* Take the next message, waiting for it; a call whose caller gives up just then is passed over. */
static long take_next(struct file *file, struct ipcx_queue *q, struct ipcx_calls *calls,
		      const struct ipcx_queue_serve *args, struct ipcx_queue_serve __user *u)
{
	struct ipcx_queue_recv req ipcx_uninitialized;
	struct ipcx_buf buf = { .ptr = u64_to_user_ptr(args->msg.buf) };
	struct ipcx_attachment *attached;
	struct ipcx_message *msg;
	bool passed = false, taken;
	u64 id;
	int ret;

	/* of the message, only the size of the buffer is looked at */
	req.flags = ipcx_wait_flags(file, args->flags & (IPCX_NOWAIT | IPCX_REALTIME | IPCX_RECV_TRUNCATE));
	req.timeout = args->timeout;
	req.select = args->select;
	for (;;) {
		req.msg.len = args->msg.len;
		msg = ipcx_queue_take(q, &req);
		if (IS_ERR(msg)) {
			ret = PTR_ERR(msg);
			if ((passed && put_back(args, u)) || (ret == -EMSGSIZE && put_user(req.msg.len, &u->msg.len)))
				ret = -EFAULT;
			/* what has been replied to must not be replied to again */
			return ret == -ERESTARTSYS && args->call ? -EINTR : ret;
		}
		ret = deliver(q, msg, &req, buf);
		if (ret)
			return passed && put_back(args, u) ? -EFAULT : ret;
		id = 0;
		if (msg->class & IPCX_CLASS_ATTACHED && msg->attached->flag == IPCX_MSG_CALL)
			id = atomic64_inc_return(&calls->last_id);
		if (put_user(id, &u->call)) {
			ipcx_queue_give_back(q, msg);
			return -EFAULT;
		}
		if (!id)
			return ipcx_queue_finish(q, msg, &req, &u->msg);
		if (ipcx_queue_put_msg(&u->msg, msg, req.msg.len)) {
			put_back(args, u);
			ipcx_queue_give_back(q, msg);
			return -EFAULT;
		}
		ipcx_pause("serve_told");
		attached = ipcx_message_detach(msg);
		taken = take_call(q, calls, call_of(attached), id, file);
		/* only now: until then a caller that gives up looks at it */
		ipcx_message_put(msg, &q->obj, &q->pool);
		if (taken)
			return 0;
		passed = true;
	}
}

/* The process's end is followed from before its first call on: -ENOMEM, -ERESTARTSYS. */
static noinline int follow_server(struct ipcx_queue *q, struct ipcx_calls *calls)
{
	struct ipcx_holder *holder = ipcx_holder_get(&q->obj, &calls->servers);

	if (IS_ERR(holder))
		return PTR_ERR(holder);
	WRITE_ONCE(calls->server, current->mm);
	return 0;
}

#define SERVE_FLAGS	(IPCX_NOWAIT | IPCX_REALTIME | IPCX_RECV_TRUNCATE | IPCX_SERVE_REPLY_ONLY | IPCX_SERVE_CHECK)

long ipcx_queue_serve(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_queue *q = ipcx_queue_of(ipcx_object(file));
	struct ipcx_queue_serve __user *u = uargs;
	const struct ipcx_queue_serve *req = args;
	u32 only = req->flags & (IPCX_SERVE_REPLY_ONLY | IPCX_SERVE_CHECK);
	struct ipcx_calls *calls;
	int ret, cpu = -1;

	if (req->flags & ~SERVE_FLAGS || req->reserved || req->msg.flags || !ipcx_select_valid(req->select) ||
	    only == (IPCX_SERVE_REPLY_ONLY | IPCX_SERVE_CHECK) || (only && !req->call))
		return -EINVAL;
	if (!(file->f_mode & FMODE_READ))
		return -EACCES;
	calls = calls_get(q);
	if (IS_ERR(calls))
		return PTR_ERR(calls);
	if (only == IPCX_SERVE_CHECK)
		return check_call(q, calls, req->call);
	if (READ_ONCE(calls->server) != current->mm && !only) {
		ret = follow_server(q, calls);
		if (ret)
			return ret;
	}
	/* what has become of the reply must be told: find out first whether it can be */
	if (put_user(req->call ? 1 : 0, &u->replied))
		return -EFAULT;
	if (req->call) {
		ret = reply(q, calls, req->call, &req->reply, &cpu);
		if (unlikely(ret) && put_user(ret == -ECANCELED ? 2 : 0, &u->replied))
			return -EFAULT;
		if (ret && ret != -ECANCELED)
			return ret;
		if (only)
			return ret;
		/* the caller may call again before this has gone to sleep */
		if (!READ_ONCE(q->order.nr) && !(ipcx_wait_flags(file, req->flags) & IPCX_NOWAIT)) {
			WRITE_ONCE(calls->idle_cpu, raw_smp_processor_id());
			yield_to_peer(calls, req->reply.len <= YIELD_LEN ? cpu : -1, &q->order.nr);
			WRITE_ONCE(calls->idle_cpu, -1);
		}
	}
	return take_next(file, q, calls, req, u);
}

/* ---- ends of many calls ---- */

/* End the calls that process @mm has taken, or that were taken through @file; the other one is NULL. */
static void end_taken_locked(struct ipcx_queue *q, const struct mm_struct *mm, const struct file *file,
			     struct ipcx_wakes *wakes)
{
	struct ipcx_calls *calls = q->calls;
	struct hlist_node *next;
	struct ipcx_call *call;
	int i;

	lockdep_assert_held(&q->obj.lock);
	for (i = 0; i < ARRAY_SIZE(calls->taken) && calls->nr_taken; i++) {
		hlist_for_each_entry_safe(call, next, &calls->taken[i], taken) {
			if (mm ? call->mm != mm : call->file != file)
				continue;
			forget_locked(calls, call);
			end_locked(call, -ECONNRESET, wakes);
			/* a caller that has just been told keeps it until it has been woken */
			call_put(q, call);
		}
	}
}

/* An open file goes: nobody can reply through it to what was taken through it. */
void ipcx_calls_file_closed(struct ipcx_queue *q, const struct file *file)
{
	IPCX_WAKES(wakes);

	if (!q->calls)
		return;
	spin_lock(&q->obj.lock);
	end_taken_locked(q, NULL, file, &wakes);
	spin_unlock(&q->obj.lock);
	ipcx_wake(&wakes);
}

/* A process that can have taken calls has ended. */
void ipcx_calls_holder_ended_locked(struct ipcx_object *obj, struct ipcx_holder *holder, struct ipcx_wakes *wakes)
{
	struct ipcx_queue *q = ipcx_queue_of(obj);

	end_taken_locked(q, holder->mm, NULL, wakes);
	/* another process may get an address space at the same address */
	if (q->calls->server == holder->mm)
		WRITE_ONCE(q->calls->server, NULL);
}

/* The queue is shut down for receiving: no call can be taken any more, nor answered. */
void ipcx_calls_shutdown_locked(struct ipcx_queue *q, struct ipcx_wakes *wakes)
{
	struct hlist_node *next;
	struct ipcx_call *call;

	lockdep_assert_held(&q->obj.lock);
	if (!q->calls)
		return;
	hlist_for_each_entry_safe(call, next, &q->calls->all, all) {
		end_locked(call, -EPIPE, wakes);
		if (call->id) {
			forget_locked(q->calls, call);
			call_put(q, call);
		}
	}
}

u32 ipcx_calls_taken_locked(const struct ipcx_queue *q)
{
	return q->calls ? q->calls->nr_taken : 0;
}

/* The queue is going: its messages and open files have gone, so no call is left. */
void ipcx_calls_free(struct ipcx_queue *q)
{
	struct ipcx_calls *calls = q->calls;

	if (!calls)
		return;
	ipcx_holders_free(&calls->servers);
	if (calls->hot) {
		ipcx_uncharge(&q->obj, sizeof(*calls->hot));
		kfree(calls->hot);
	}
	if (calls->reply)
		ipcx_message_put(calls->reply, &q->obj, &q->pool);
	ipcx_uncharge(&q->obj, sizeof(*calls));
	kfree(calls);
}
