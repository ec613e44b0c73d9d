/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of message queues share: the queue itself, who waits at it, and the steps of sending and
 * receiving, which are the same through every door.
 */
#ifndef IPCX_QUEUE_H
#define IPCX_QUEUE_H

#include "ipcx.h"
#include "message.h"
#include "order.h"

struct ipcx_calls;

/**
 * struct ipcx_circle - which queues are in messages of which others (all protected by ipcx_circle_lock)
 * @inside:	the struct ipcx_fds of this queue's messages that hold queues
 * @nr_outside:	in how many messages, of any queue, descriptors of this one are
 * @todo:	in the list of queues that a search has still to look into
 * @seen:	number of the search that came here last
 */
struct ipcx_circle {
	struct list_head inside;
	u64 nr_outside;
	struct list_head todo;
	u64 seen;
};

/**
 * struct ipcx_queue - a message queue
 * @obj:		common part
 * @order:		the messages (protected by obj.lock)
 * @max_msgs:		constant
 * @max_bytes:		constant
 * @max_msg_len:	constant
 * @max_priority: constant
 * @bytes:		payload in the queue (protected by obj.lock)
 * @sent:		messages that have entered, also the last one's place in the order (by obj.lock)
 * @received:		messages that receivers have taken (by obj.lock)
 * @purged:		messages that were discarded (by obj.lock)
 * @dropped:		messages that newer ones took the place of (by obj.lock)
 * @senders:		struct ipcx_sender, first come first (by obj.lock)
 * @receivers:		struct ipcx_receiver, likewise (by obj.lock); none of them wants a message of @order.  A sender
 *			looks at each until one wants its message
 * @nr_senders:		length of @senders (by obj.lock)
 * @nr_receivers:	likewise
 * @taps:		its taps, by the same member (by obj.lock; of a tap, by that of the queue it taps)
 * @tapped:		if this is a tap: which queue it taps; holds a reference
 * @nr_taps:		length of @taps (by obj.lock)
 * @calls:		its calls, or NULL if there has been none
 * @nr_fds:		descriptors in its messages
 * @circle:		what stands between it and a circle: see fds.c
 * @pool:		recycled nodes
 */
struct ipcx_queue {
	struct ipcx_object obj;
	struct ipcx_order order;
	u32 max_msgs;
	u32 nr_senders;
	u32 nr_receivers;
	u32 max_priority;
	u64 max_bytes;
	u64 max_msg_len;
	u64 bytes;
	u64 sent;
	u64 received;
	u64 purged;
	u64 dropped;
	struct list_head senders;
	struct list_head receivers;
	struct list_head taps;
	struct ipcx_queue *tapped;
	u32 nr_taps;
	struct ipcx_calls *calls;
	atomic_t nr_fds;
	struct ipcx_circle circle;
	struct ipcx_pool pool ____cacheline_aligned_in_smp;
};

/**
 * struct ipcx_sender - waits for room
 * @wait:	its place in the line
 * @msg:	its message, which has a level and so can enter without an allocation
 */
struct ipcx_sender {
	struct ipcx_waiter wait;
	struct ipcx_message *msg;
};

/**
 * struct ipcx_receiver - waits for a message
 * @wait:	its place in the line
 * @select:	which
 * @len:	bytes of buffer; set to the size needed when it is completed with -EMSGSIZE
 * @flags:	IPCX_RECV_*
 * @nr_fds:	IPCX_RECV_WITH_FDS: length of the array; set to the length needed when completed with -EMSGSIZE
 * @msg:	handed over, with result 0; NULL if it shall look again (peekers)
 */
struct ipcx_receiver {
	struct ipcx_waiter wait;
	struct ipcx_select select;
	u64 len;
	u32 flags;
	u32 nr_fds;
	struct ipcx_message *msg;
};

/*
 * Inside the module, in the flags of a receiver: what it asks for is a whole struct ipcx_queue_recv_fds, and it
 * shall get no message that has more descriptors than its array holds.
 */
#define IPCX_RECV_WITH_FDS	(1U << 31)

static inline struct ipcx_queue_recv_fds *ipcx_recv_fds_of(struct ipcx_queue_recv *req)
{
	return container_of(req, struct ipcx_queue_recv_fds, recv);
}

static inline struct ipcx_queue *ipcx_queue_of(struct ipcx_object *obj)
{
	return container_of(obj, struct ipcx_queue, obj);
}

int ipcx_queue_check_failed(const struct ipcx_msg *m);

/* Does the queue take a message like @m?  -EINVAL, -EOPNOTSUPP, -EMSGSIZE. */
static __always_inline int ipcx_queue_check(const struct ipcx_queue *q, const struct ipcx_msg *m)
{
	if (unlikely(m->type < IPCX_TYPE_MIN || m->priority > q->max_priority || m->flags))
		return ipcx_queue_check_failed(m);
	return unlikely(m->len > q->max_msg_len) ? -EMSGSIZE : 0;
}

static inline bool ipcx_queue_has_room_locked(const struct ipcx_queue *q, size_t len)
{
	return q->order.nr < q->max_msgs && q->bytes + len <= q->max_bytes;
}

static inline bool ipcx_select_valid(struct ipcx_select select)
{
	return select.how == IPCX_SELECT_ANY ? select.type == 0 :
	       select.how <= IPCX_SELECT_EXCEPT && select.type >= IPCX_TYPE_MIN;
}

/* ---- tap.c ---- */

#define IPCX_TAPS_MAX		8

int ipcx_tap_send(struct ipcx_queue *q, struct ipcx_message *msg, u32 flags, u64 timeout);
void ipcx_tap_pass_held(struct ipcx_queue *q, struct ipcx_message *msg, int ret);
void ipcx_taps_shutdown(struct ipcx_queue *q);
void ipcx_tap_end(struct ipcx_queue *tap);

/* Before @msg enters @q: if somebody taps it, the message stays until ipcx_tap_pass(). */
static __always_inline struct ipcx_message *ipcx_tap_hold(struct ipcx_queue *q, struct ipcx_message *msg)
{
	if (likely(list_empty(&q->taps)))
		return NULL;
	refcount_inc(&msg->refs);
	return msg;
}

/* After that, with its result; @held is what ipcx_tap_hold() has returned. */
static __always_inline void ipcx_tap_pass(struct ipcx_queue *q, struct ipcx_message *held, int ret)
{
	if (unlikely(held))
		ipcx_tap_pass_held(q, held, ret);
}

/* Messages that are made, enter or leave together, and the bytes of payload after which there are no more. */
#define IPCX_CHUNK_MSGS		32
#define IPCX_CHUNK_BYTES	SZ_64K

/* Flags of a call that can wait, with what O_NONBLOCK adds. */
static inline u32 ipcx_wait_flags(const struct file *file, u32 flags)
{
	return file->f_flags & O_NONBLOCK ? flags | IPCX_NOWAIT : flags;
}

/* Both are read before either is written, which makes one move of the two. */
static inline void ipcx_queue_label(struct ipcx_message *msg, const struct ipcx_msg *m)
{
	u32 type = m->type, priority = m->priority;

	msg->type = type;
	msg->priority = priority;
}

/* The sender's process as the caller sees it: nearly always from the same namespace. */
static inline u32 ipcx_sender_pid(const struct ipcx_message *msg)
{
	struct pid_namespace *ns = ns_of_pid(task_pid(current));
	const struct upid *upid = &msg->pid->numbers[msg->pid->level];

	return likely(upid->ns == ns) ? upid->nr : pid_nr_ns(msg->pid, ns);
}

/* Describe @msg in everything but @to->buf, after user_write_access_begin(): nothing may be called.  False: -EFAULT. */
static __always_inline bool ipcx_unsafe_put_msg(struct ipcx_msg __user *to, const struct ipcx_message *msg, u32 pid, u32 uid,
						u32 gid, u64 flags)
{
	/* two members at once, which lie side by side */
	BUILD_BUG_ON(offsetof(struct ipcx_msg, priority) != offsetof(struct ipcx_msg, type) + 4 ||
		     offsetof(struct ipcx_message, priority) != offsetof(struct ipcx_message, type) + 4 ||
		     offsetof(struct ipcx_msg, flags) != offsetof(struct ipcx_msg, gid) + 4);
	unsafe_put_user(msg->len, &to->len, fault);
	unsafe_put_user(*(const u64 *)&msg->type, (u64 __user *)&to->type, fault);
	unsafe_put_user(pid, &to->pid, fault);
	unsafe_put_user(uid, &to->uid, fault);
	unsafe_put_user(gid | flags << 32, (u64 __user *)&to->gid, fault);
	return true;

fault:
	return false;
}

int ipcx_queue_put_msg_munged(struct ipcx_msg __user *to, const struct ipcx_message *msg, u32 pid, u64 flags);

/* Describe @msg to the receiver: everything but @to->buf; @len is the size of the buffer. */
static __always_inline int ipcx_queue_put_msg(struct ipcx_msg __user *to, const struct ipcx_message *msg, u64 len)
{
	u32 pid = ipcx_sender_pid(msg), class = READ_ONCE(msg->class);
	u64 flags = msg->len > len ? IPCX_MSG_TRUNCATED : 0;
	bool ok;

	if (unlikely(class & ~IPCX_CLASS_MASK))
		flags |= (class & ~IPCX_CLASS_ATTACHED) >> IPCX_CLASS_FLAG_SHIFT;
	if (unlikely(current_user_ns() != &init_user_ns))
		return ipcx_queue_put_msg_munged(to, msg, pid, flags);
	if (should_fail_usercopy() || !user_write_access_begin(to, sizeof(*to)))
		return -EFAULT;
	ok = ipcx_unsafe_put_msg(to, msg, pid, __kuid_val(msg->uid), __kgid_val(msg->gid), flags);
	user_write_access_end();
	return likely(ok) ? 0 : -EFAULT;
}

/* What RWF_NOWAIT of preadv2(2), or io_uring, asks for. */
static inline u32 ipcx_kiocb_flags(const struct kiocb *iocb)
{
	return iocb->ki_flags & IOCB_NOWAIT ? IPCX_NOWAIT : 0;
}

/* ---- queue.c ---- */

extern const struct file_operations ipcx_queue_fops;

void ipcx_queue_admit_locked(struct ipcx_queue *q, struct ipcx_wakes *wakes);
void ipcx_queue_wake_admitted(struct ipcx_queue *q, struct ipcx_wakes *wakes);

int ipcx_queue_enter_now_locked(struct ipcx_queue *q, struct ipcx_message *msg, struct ipcx_wakes *wakes);
int ipcx_queue_enter(struct ipcx_queue *q, struct ipcx_message *msg, u32 flags, u64 timeout);
struct ipcx_message *ipcx_queue_take(struct ipcx_queue *q, struct ipcx_queue_recv *req);
int ipcx_queue_deliver(struct ipcx_queue *q, struct ipcx_message *msg, const struct ipcx_queue_recv *req,
		       struct ipcx_buf buf);
int ipcx_queue_finish(struct ipcx_queue *q, struct ipcx_message *msg, const struct ipcx_queue_recv *req,
		      struct ipcx_msg __user *to);
int ipcx_queue_describe(struct ipcx_msg __user *to, const struct ipcx_message *msg, u64 len);
void ipcx_queue_give_back(struct ipcx_queue *q, struct ipcx_message *msg);
int ipcx_queue_send_now_locked(struct ipcx_queue *q, struct ipcx_message *msg, struct ipcx_wakes *wakes);
struct ipcx_message *ipcx_queue_take_locked(struct ipcx_queue *q, struct ipcx_queue_recv *req,
					    struct ipcx_wakes *wakes);

/* ---- queue-batch.c ---- */

bool ipcx_queue_valid_batch(const struct ipcx_queue_batch *batch);
u32 ipcx_queue_get_chunk(struct ipcx_msg *m, const struct ipcx_msg __user *from, u32 left);

/* ---- broadcast.c ---- */

int ipcx_broadcast_enter(struct ipcx_queue *q, struct ipcx_message *msg, u32 flags, u64 timeout);

/* ---- call.c ---- */

void ipcx_calls_file_closed(struct ipcx_queue *q, const struct file *file);
void ipcx_calls_holder_ended_locked(struct ipcx_object *obj, struct ipcx_holder *holder,
				    struct ipcx_wakes *wakes);
void ipcx_calls_shutdown_locked(struct ipcx_queue *q, struct ipcx_wakes *wakes);
u32 ipcx_calls_taken_locked(const struct ipcx_queue *q);
void ipcx_calls_free(struct ipcx_queue *q);

/* ---- fds.c ---- */

void ipcx_circle_init(struct ipcx_circle *circle);

/* ---- queue-life.c ---- */

int ipcx_queue_init(struct ipcx_queue *q, const struct ipcx_queue_create *create, const struct ipcx_kind *kind);
void ipcx_queue_shut_locked(struct ipcx_queue *q, u32 how, struct ipcx_wakes *wakes);
void ipcx_queue_fill_stat_locked(const struct ipcx_queue *q, struct ipcx_queue_stat *stat);
void ipcx_queue_show(const struct ipcx_queue *q, struct seq_file *m, u64 nr_msgs, u64 bytes);

#endif /* IPCX_QUEUE_H */
