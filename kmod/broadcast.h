/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the two files of broadcast queues share: the log, its subscribers, and what is left to do after the unlock.
 */
#ifndef IPCX_BROADCAST_H
#define IPCX_BROADCAST_H

#include "queue.h"

/**
 * struct ipcx_entry - one place of the log (protected by the queue's lock)
 * @next:	NULL in the last
 * @msg:	its message; NULL in the last
 * @seq:	its number
 * @bytes:	payload of all messages before it, ever
 * @cursors:	subscribers that receive it next
 *
 * Every message that is not in the log has one, for the end of the log when it enters: nothing is allocated when
 * memory of messages is used again.
 */
struct ipcx_entry {
	struct ipcx_entry *next;
	struct ipcx_message *msg;
	u64 seq;
	u64 bytes;
	u32 cursors;
};

/**
 * struct ipcx_subscriber - an open file that receives (protected by the queue's lock)
 * @at:		what it receives next: see LAPPED
 * @seq:	its number
 * @lost:	messages that it has lost since the last one that it received
 * @returned:	struct returned, what it has received and could not keep; comes before what is at @at
 * @receivers:	struct receiver, first come first; only while there is nothing to receive
 * @receiving:	in ipcx_broadcast.receiving while @receivers is not empty
 */
struct ipcx_subscriber {
	struct ipcx_entry *at;
	u64 seq;
	u64 lost;
	struct list_head returned;
	struct list_head receivers;
	struct list_head receiving;
};

/**
 * struct ipcx_broadcast - a broadcast queue
 * @queue:	what it has in common with other queues; its order is not used
 * @overflow:	IPCX_OVERFLOW_*, constant
 * @nr_subscribers: those that have not been disconnected (protected by the queue's lock)
 * @head:	the first entry; it has cursors, or is the last, or somebody is removing entries: see settle()
 *		(by the queue's lock)
 * @tail:	the last entry, which is empty (by the queue's lock)
 * @receiving:	subscribers with somebody who waits (by the queue's lock)
 */
struct ipcx_broadcast {
	struct ipcx_queue queue;
	u32 overflow;
	u32 nr_subscribers;
	struct ipcx_entry *head;
	struct ipcx_entry *tail;
	struct list_head receiving;
};

/**
 * struct receiver - waits for a message
 * @wait:	its place in the line
 * @len:	bytes of buffer; set to the size needed when it is completed with -EMSGSIZE
 * @flags:	IPCX_RECV_*
 * @lost:	as in struct taken
 * @msg:	handed over, with result 0; NULL if it shall look again (peekers)
 */
struct receiver {
	struct ipcx_waiter wait;
	u64 len;
	u32 flags;
	u32 lost;
	struct ipcx_message *msg;
};

/**
 * struct returned - a message that was received and could not be kept
 * @node:	in ipcx_subscriber.returned, in the order of sending
 * @msg:	with a reference
 * @lost:	to be told with it
 */
struct returned {
	struct list_head node;
	struct ipcx_message *msg;
	u32 lost;
};

/**
 * struct aftermath - what is left to do after the unlock: see settle()
 * @wakes:	whom to wake
 * @gone:	messages that have left the log, linked by ipcx_message.next
 * @events:	what pollers are told; not 0 if there is anything else to do
 * @more:	there are more entries to remove, or senders to let in, than in one hold of the lock
 */
struct aftermath {
	struct ipcx_wakes wakes;
	struct ipcx_message *gone;
	__poll_t events;
	bool more;
};

#define AFTERMATH(name) struct aftermath name = { .gone = NULL }

static inline struct ipcx_broadcast *broadcast_of(struct ipcx_object *obj)
{
	return container_of(ipcx_queue_of(obj), struct ipcx_broadcast, queue);
}

/*
 * NULL if @file cannot receive.  An anonymous inode's file has a dentry of its own, whose d_fsdata nobody uses; it
 * is set before anybody else sees the file, and stays until its release.
 */
static inline struct ipcx_subscriber *subscriber_of(const struct file *file)
{
	return file->f_path.dentry->d_fsdata;
}

static inline bool has_room_locked(const struct ipcx_broadcast *b, size_t len)
{
	return b->tail->seq - b->head->seq < b->queue.max_msgs &&
	       b->tail->bytes - b->head->bytes + len <= b->queue.max_bytes;
}

static inline bool disconnected_locked(const struct ipcx_broadcast *b, const struct ipcx_subscriber *sub)
{
	return sub->seq < b->head->seq && b->overflow == IPCX_OVERFLOW_DISCONNECT;
}

/* A subscriber that was not disconnected looks at its cursor: see LAPPED. */
static inline void catch_up_locked(const struct ipcx_broadcast *b, struct ipcx_subscriber *sub)
{
	if (likely(sub->seq >= b->head->seq))
		return;
	sub->lost += b->head->seq - sub->seq;
	sub->at = b->head;
	sub->seq = b->head->seq;
}

/* What @sub receives next, or NULL. */
static inline struct ipcx_message *first_locked(const struct ipcx_broadcast *b, struct ipcx_subscriber *sub)
{
	if (unlikely(!list_empty(&sub->returned)))
		return list_first_entry(&sub->returned, struct returned, node)->msg;
	catch_up_locked(b, sub);
	return sub->at->msg;
}

#define RECV_FLAGS	(IPCX_NOWAIT | IPCX_REALTIME | IPCX_RECV_PEEK | IPCX_RECV_TRUNCATE)

static inline int check_recv(const struct file *file, u32 flags, struct ipcx_select select)
{
	if (flags & ~RECV_FLAGS || !ipcx_select_valid(select))
		return -EINVAL;
	if (select.how != IPCX_SELECT_ANY)
		return -EOPNOTSUPP;
	return file->f_mode & FMODE_READ ? 0 : -EACCES;
}

/* ---- broadcast.c ---- */

extern const struct file_operations ipcx_broadcast_fops;

void ipcx_broadcast_trim_locked(struct ipcx_broadcast *b, struct aftermath *after);
void ipcx_broadcast_admit_locked(struct ipcx_broadcast *b, struct aftermath *after);
void ipcx_broadcast_settle(struct ipcx_broadcast *b, struct aftermath *after);

/* After the unlock: wake, free, tell pollers, and finish what took too long under the lock. */
static __always_inline void settle(struct ipcx_broadcast *b, struct aftermath *after)
{
	if (unlikely(after->events))
		ipcx_broadcast_settle(b, after);
}

#endif /* IPCX_BROADCAST_H */
