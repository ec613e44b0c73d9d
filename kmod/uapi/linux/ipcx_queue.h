/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The part of <linux/ipcx.h> that is about message queues.  Include that one.
 */
#ifndef _UAPI_LINUX_IPCX_QUEUE_H
#define _UAPI_LINUX_IPCX_QUEUE_H

#ifndef _UAPI_LINUX_IPCX_H
#error "include <linux/ipcx.h>"
#endif

/**
 * struct ipcx_queue_create - IPCX_QUEUE_CREATE
 * @create:		name, mode, rights
 * @max_msgs:		most messages in it; 0: 1024
 * @overflow:		IPCX_QUEUE_BROADCAST: IPCX_OVERFLOW_*; else 0, or EINVAL
 * @max_bytes:		most bytes of payload in it; 0: 16 MiB
 * @max_msg_len:	largest message; 0: as @max_bytes allows.  At most ipcx_query.max_msg_len.
 *
 * Memory is charged to the owner as messages arrive, not here.
 */
struct ipcx_queue_create {
	struct ipcx_create create;
	__u32 max_msgs;
	__u32 overflow;
	__u64 max_bytes;
	__u64 max_msg_len;
};

/*
 * Every open file with IPCX_READ is a subscriber, from the moment it is made (also the one that creates the queue;
 * IPCX_OPEN, IPCX_RESTRICT; dup(2) and fork(2) share one), and receives every message sent since then once, in the
 * order of sending, its own included.  The payload is stored once.  The limits bound what the slowest subscriber has
 * not received yet; a message is discarded at once if there is no subscriber.  IPCX_QUEUE_PURGE discards what this
 * subscriber has not received.  EOPNOTSUPP: a priority other than 0, selection by type, IPCX_QUEUE_CALL and
 * IPCX_QUEUE_SERVE, descriptors in messages.
 */
#define IPCX_QUEUE_BROADCAST	(1U << 18)

/* What happens when a subscriber has @max_msgs messages or @max_bytes bytes to receive and one more is sent. */
#define IPCX_OVERFLOW_BLOCK	0	/* the sender waits for it */
#define IPCX_OVERFLOW_DROP	1	/* it loses its oldest message; the next one it gets tells how many it lost */
#define IPCX_OVERFLOW_DISCONNECT 2	/* what it has not received is discarded, and it gets ECONNRESET for ever */

/*
 * A full queue drops its oldest message, and counts it, instead of letting the sender wait.  EOPNOTSUPP: a priority
 * other than 0, IPCX_QUEUE_CALL, IPCX_QUEUE_BROADCAST (which has IPCX_OVERFLOW_DROP).
 */
#define IPCX_QUEUE_LATEST	(1U << 19)

/**
 * struct ipcx_msg - one message, to send or received
 * @buf:	pointer to the payload, or to the buffer
 * @len:	send: bytes of payload.  Receive, in: bytes of buffer; out: bytes of payload, even when that is
 *		more than the buffer (IPCX_MSG_TRUNCATED, or EMSGSIZE)
 * @type:	1 to U32_MAX
 * @priority:	0 to IPCX_PRIORITY_MAX; higher first, first in first out within one priority
 * @pid:	receive, out: the sender's process, as the receiver's pid namespace sees it; 0 if it does not
 * @uid:	receive, out: the sender's effective user, as the receiver's user namespace sees it
 * @gid:	receive, out: the sender's effective group, likewise
 * @flags:	in: 0.  Receive, out: IPCX_MSG_*
 *
 * Send ignores @pid, @uid and @gid: the kernel fills them in.
 */
struct ipcx_msg {
	__u64 buf;
	__u64 len;
	__u32 type;
	__u32 priority;
	__u32 pid;
	__u32 uid;
	__u32 gid;
	__u32 flags;
};

#define IPCX_MSG_TRUNCATED	(1U << 0)	/* the payload was larger than the buffer; its rest is gone */
#define IPCX_MSG_CALL		(1U << 1)	/* it is a call; IPCX_QUEUE_RECV ends it with ECONNRESET */
#define IPCX_MSG_FDS		(1U << 2)	/* it came with descriptors; IPCX_QUEUE_RECV closes them */
#define IPCX_MSG_LOST		(1U << 3)	/* IPCX_OVERFLOW_DROP: messages before it were lost, @priority of them */

/**
 * struct ipcx_select - which messages a receiver wants
 * @how:	IPCX_SELECT_*
 * @type:	the type that @how speaks of; 0 for IPCX_SELECT_ANY
 */
struct ipcx_select {
	__u32 how;
	__u32 type;
};

#define IPCX_SELECT_ANY		0	/* the first of all */
#define IPCX_SELECT_TYPE	1	/* the first of type @type */
#define IPCX_SELECT_LOWEST	2	/* the first of the lowest type there is, if that is at most @type */
#define IPCX_SELECT_EXCEPT	3	/* the first that is not of type @type */

/**
 * struct ipcx_queue_send - IPCX_QUEUE_SEND: put one message into the queue, waiting for room
 * @size:	sizeof(struct ipcx_queue_send)
 * @flags:	IPCX_NOWAIT, IPCX_REALTIME
 * @timeout:	absolute time in nanoseconds, or IPCX_FOREVER
 * @msg:	the message
 *
 * Senders that wait get their room in the order in which they came.  write(2) sends type 1, priority 0.
 */
struct ipcx_queue_send {
	__u32 size;
	__u32 flags;
	__u64 timeout;
	struct ipcx_msg msg;
};

/**
 * struct ipcx_queue_recv - IPCX_QUEUE_RECV: take one message, waiting for it
 * @size:	sizeof(struct ipcx_queue_recv)
 * @flags:	IPCX_NOWAIT, IPCX_REALTIME, IPCX_RECV_*
 * @timeout:	absolute time in nanoseconds, or IPCX_FOREVER
 * @select:	which message
 * @msg:	in: the buffer; out: the message
 *
 * Receivers that wait for the same are served in the order in which they came.  @msg is written if and only
 * if the message has been taken (or with EMSGSIZE, its @len): a receiver killed before that has taken nothing.
 * read(2) takes the first message; one larger than the buffer is EMSGSIZE and stays.
 */
struct ipcx_queue_recv {
	__u32 size;
	__u32 flags;
	__u64 timeout;
	struct ipcx_select select;
	struct ipcx_msg msg;
};

#define IPCX_RECV_PEEK		(1U << 8)	/* copy the message, leave it in the queue */
#define IPCX_RECV_TRUNCATE	(1U << 9)	/* cut a message larger than the buffer, instead of EMSGSIZE */

/**
 * struct ipcx_queue_batch - IPCX_QUEUE_SENDV, IPCX_QUEUE_RECVV: many messages in one call
 * @size:	sizeof(struct ipcx_queue_batch)
 * @flags:	as for one message; IPCX_RECV_PEEK is EOPNOTSUPP
 * @timeout:	absolute time in nanoseconds, or IPCX_FOREVER
 * @select:	RECVV: which messages.  SENDV: 0
 * @msgs:	pointer to an array of struct ipcx_msg
 * @nr:		length of the array, 1 to IPCX_BATCH_MAX
 * @msg_size:	sizeof(struct ipcx_msg)
 *
 * SENDV waits until all are in the queue.  RECVV waits for the first only and takes as many as there are.
 * Both return how many were moved if that is at least one, whatever then went wrong; an error means none.
 */
struct ipcx_queue_batch {
	__u32 size;
	__u32 flags;
	__u64 timeout;
	struct ipcx_select select;
	__u64 msgs;
	__u32 nr;
	__u32 msg_size;
};

/**
 * struct ipcx_queue_purge - IPCX_QUEUE_PURGE: discard messages, as many as are in the queue now
 * @size:	sizeof(struct ipcx_queue_purge)
 * @flags:	0
 * @select:	which
 * @nr_msgs:	out: how many were discarded
 * @bytes:	out: their payload
 *
 * Needs IPCX_READ.
 */
struct ipcx_queue_purge {
	__u32 size;
	__u32 flags;
	struct ipcx_select select;
	__u64 nr_msgs;
	__u64 bytes;
};

/**
 * struct ipcx_queue_stat - IPCX_QUEUE_STAT
 * @size:		sizeof(struct ipcx_queue_stat)
 * @flags:		0
 * @nr_msgs:		out: messages in the queue; IPCX_QUEUE_BROADCAST: that some subscriber has not received, without
 *			those that receivers took and could not keep (EFAULT, killed), which are received again
 * @max_msgs:		out: as created
 * @bytes:		out: payload in the queue
 * @max_bytes:		out: as created
 * @max_msg_len:	out: largest message allowed
 * @sent:		out: messages that have entered it
 * @received:		out: messages that receivers have taken; IPCX_QUEUE_BROADCAST: counted for each subscriber, and so
 *			are @purged and @dropped
 * @purged:		out: messages discarded by IPCX_QUEUE_PURGE, or taken back by callers that gave up
 * @nr_senders:		out: senders waiting for room
 * @nr_receivers:	out: receivers waiting for a message
 * @nr_calls:		out: calls taken by a server and not answered yet
 * @nr_subscribers:	out: IPCX_QUEUE_BROADCAST: open files that can receive, without those disconnected
 * @dropped:		out: IPCX_QUEUE_LATEST: messages dropped; IPCX_QUEUE_BROADCAST: messages that a subscriber lost
 *
 * All figures are of one moment.  Without broadcast, @sent = @received + @purged + @dropped + @nr_msgs, less
 * messages being copied to a receiver just then.
 */
struct ipcx_queue_stat {
	__u32 size;
	__u32 flags;
	__u32 nr_msgs;
	__u32 max_msgs;
	__u64 bytes;
	__u64 max_bytes;
	__u64 max_msg_len;
	__u64 sent;
	__u64 received;
	__u64 purged;
	__u32 nr_senders;
	__u32 nr_receivers;
	__u32 nr_calls;
	__u32 nr_subscribers;
	__u64 dropped;
};

/**
 * struct ipcx_queue_send_fds - IPCX_QUEUE_SEND_FDS: a message with descriptors
 * @send:	as for IPCX_QUEUE_SEND; its size is that of the whole argument
 * @fds:	pointer to an array of __s32: descriptors, which the message keeps open
 * @nr_fds:	length of the array, 1 to IPCX_FDS_MAX
 * @reserved:	0
 *
 * EBADF: one is not open, or is O_PATH.  EOPNOTSUPP: one can hold descriptors itself in a way that could close a
 * circle: an AF_UNIX socket, an io_uring, a wait set, /dev/ipcx of another network namespace than the initial one;
 * or the queue is IPCX_QUEUE_BROADCAST.  ELOOP: one is of the queue that is sent to, or of a queue whose messages
 * contain that, directly or through others.  ETOOMANYREFS: the sender's real user would have more descriptors in
 * messages than the sender's RLIMIT_NOFILE (CAP_SYS_RESOURCE, CAP_SYS_ADMIN).
 */
struct ipcx_queue_send_fds {
	struct ipcx_queue_send send;
	__u64 fds;
	__u32 nr_fds;
	__u32 reserved;
};

#define IPCX_FDS_MAX		64	/* descriptors in one message */

/**
 * struct ipcx_queue_recv_fds - IPCX_QUEUE_RECV_FDS: take one message, with its descriptors
 * @recv:	as for IPCX_QUEUE_RECV; IPCX_RECV_PEEK, and IPCX_QUEUE_BROADCAST, are EOPNOTSUPP; its size is that of the whole argument
 * @fds:	pointer to an array of __s32: out: new descriptors, close-on-exec
 * @nr_fds:	in: length of the array; out: how many are in it, or with EMSGSIZE the number needed
 * @reserved:	0
 *
 * A message without descriptors is taken as well.  An array, or a buffer, that is too short is EMSGSIZE, tells both
 * sizes needed, and the message stays; with IPCX_RECV_TRUNCATE the rest is closed (IPCX_MSG_TRUNCATED).  EMFILE, or
 * what a security module says of one of them: no descriptor has been received, and the message stays.
 */
struct ipcx_queue_recv_fds {
	struct ipcx_queue_recv recv;
	__u64 fds;
	__u32 nr_fds;
	__u32 reserved;
};

/**
 * struct ipcx_queue_call - IPCX_QUEUE_CALL: send a message and wait for its reply
 * @size:	sizeof(struct ipcx_queue_call)
 * @flags:	IPCX_REALTIME, IPCX_RECV_TRUNCATE
 * @timeout:	of both together: absolute time in nanoseconds, or IPCX_FOREVER
 * @msg:	the message
 * @reply:	in: the buffer; out: the reply
 *
 * Needs IPCX_WRITE.  The reply can only come from who took the message with IPCX_QUEUE_SERVE on this queue, and
 * goes to this caller only.  If the time passes or a signal arrives, a message that nobody has taken leaves the
 * queue; a server that has taken it is told when it replies.  EINTR after it was taken is not restarted.
 * ECONNRESET: the server died, closed the queue, or took the message in a way that cannot reply.
 */
struct ipcx_queue_call {
	__u32 size;
	__u32 flags;
	__u64 timeout;
	struct ipcx_msg msg;
	struct ipcx_msg reply;
};

/**
 * struct ipcx_queue_serve - IPCX_QUEUE_SERVE: reply to a call, and take the next message
 * @size:	sizeof(struct ipcx_queue_serve)
 * @flags:	IPCX_NOWAIT, IPCX_REALTIME, IPCX_RECV_TRUNCATE, IPCX_SERVE_*
 * @timeout:	of the next message: absolute time in nanoseconds, or IPCX_FOREVER
 * @select:	of the next message
 * @call:	in: the call to reply to, 0 for none; out: the call taken, 0 if the message is none
 * @reply:	the reply; its type is 1 to U32_MAX
 * @msg:	in: the buffer; out: the message
 * @replied:	out: 1 if the reply has reached its caller, 2 if nobody waited for it, 0 if there was no reply; valid
 *		whatever became of the next message: unless it is 0, @call is done with
 *
 * Needs IPCX_READ.  A call belongs to the process that took it, and ends with ECONNRESET for the caller when that
 * process ends or the open file through which it was taken is closed.  Any thread that can use this queue may
 * reply.  EINVAL: this queue never had such a call.  EINTR after a reply is not restarted.
 */
struct ipcx_queue_serve {
	__u32 size;
	__u32 flags;
	__u64 timeout;
	struct ipcx_select select;
	__u64 call;
	struct ipcx_msg reply;
	struct ipcx_msg msg;
	__u32 replied;
	__u32 reserved;
};

#define IPCX_SERVE_REPLY_ONLY	(1U << 10)	/* do not take another message; ECANCELED if nobody waits for it */
#define IPCX_SERVE_CHECK	(1U << 11)	/* do not reply: ECANCELED if nobody waits for it, else 0 */

/**
 * struct ipcx_queue_tap - IPCX_QUEUE_TAP: copies of what is sent to a queue from now on
 * @size:	sizeof(struct ipcx_queue_tap)
 * @flags:	0 or IPCX_CREATE_NONBLOCK
 * @max_msgs:	most messages that wait in the tap; 0: 256
 * @reserved:	0
 * @max_bytes:	most bytes of payload in it; 0: 1 MiB
 *
 * Needs IPCX_READ.  Returns the descriptor of a tap: a queue of IPCX_QUEUE_BROADCAST and IPCX_OVERFLOW_DROP with
 * IPCX_READ, from which messages are received, waited for and polled as from any.  Each message that enters the tapped
 * queue is copied into its taps by its sender, with its type, priority and sender, whoever receives it and when; not
 * its descriptors, and not the reply to a call.  Messages of several senders may be in another order.  The tap's memory
 * is its creator's.  What does not fit is lost to the tap, and counted in ipcx_queue_stat.dropped: the sender is not
 * kept waiting, but for the copy.  A tap keeps its queue, as an open file does; it gets EPIPE after the last message when
 * the queue is shut down, and cannot be sent in a message.
 *
 * EACCES.  EOPNOTSUPP: a broadcast queue, to which one subscribes.  EPIPE: it has been shut down.  EBUSY: it has 8
 * taps.  EDQUOT, EMFILE, ENFILE, ENOMEM.
 */
struct ipcx_queue_tap {
	__u32 size;
	__u32 flags;
	__u32 max_msgs;
	__u32 reserved;
	__u64 max_bytes;
};

#endif /* _UAPI_LINUX_IPCX_QUEUE_H */
