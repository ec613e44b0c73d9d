/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The ABI of /dev/ipcx: the only thing that the module and user space share.
 *
 * Commands on the device (/dev/ipcx) create, open, unlink and list objects; create and open return a new
 * file descriptor, close-on-exec.  All other commands go to an object's descriptor.  Every argument begins
 * with its own size; a structure only ever grows at its end, and 0 in a new member means the old behaviour.
 * The kernel matches a command by type and number and takes the size from the argument, so a program built
 * with a later header runs on an earlier module as long as it leaves the members unknown there at 0.
 *
 * Errors, the same in every command; an error means that nothing visible has changed:
 *
 *	EACCES		the object's mode bits, or the rights of this descriptor, do not allow it
 *	EAGAIN		it would have to wait, and IPCX_NOWAIT or O_NONBLOCK was given
 *	EBADF		a descriptor in the argument is not open
 *	ECANCELED	nobody waits for this reply: the caller has died, was interrupted, or its time has passed; or it
 *			has been replied to
 *	ECONNRESET	the conversation is over: the server that took the call has gone or will not answer it; or
 *			this subscriber was too slow and has been disconnected
 *	EDQUOT		the memory quota of the object's owner is used up; of a notice, of what a process holds of robust
 *			semaphores and of calls, and of a message of more than 64 KiB, too, that of who asks
 *	EBUSY		what is in the object does not allow the change
 *	EEXIST		the name exists and IPCX_CREATE_EXCL was given
 *	EFAULT		a pointer of the argument cannot be read or written
 *	E2BIG		the argument has a tail that is not 0 and that this module does not know
 *	EINTR		a signal arrived while waiting (restarted if its handler has SA_RESTART)
 *	EINVAL		a value is out of range, an unknown flag, or a reserved member is not 0
 *	ELOOP		the queue would contain itself, directly or through other queues
 *	EMFILE, ENFILE	no descriptor is left in this process, or in the system
 *	EMSGSIZE	the message is larger than the queue allows, or than the buffer; in the second case
 *			@len tells the size needed and the message stays in the queue
 *	ENAMETOOLONG	the name is longer than IPCX_NAME_MAX bytes
 *	ENOENT		there is no such name; no such notice
 *	ENOMEM		the kernel has no memory
 *	ENOTTY		this descriptor does not know the command
 *	EOPNOTSUPP	this object was not created for this: its kind or mode excludes the flag
 *	EOVERFLOW	the semaphore would exceed its maximum
 *	EPERM		only the owner, or a user with the capability named at the command, may do this; the process may
 *			not be signalled
 *	EPIPE		the object has been shut down
 *	ESRCH		there is no such process or thread
 *	ETIMEDOUT	the timeout has passed
 *	ETOOMANYREFS	too many descriptors are in messages
 */
#ifndef _UAPI_LINUX_IPCX_H
#define _UAPI_LINUX_IPCX_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define IPCX_ABI_VERSION	1
#define IPCX_DEVICE		"/dev/ipcx"

#define IPCX_NAME_MAX		255	/* bytes of a name, without the final NUL */
#define IPCX_TYPE_MIN		1	/* message types: 1 to U32_MAX */
#define IPCX_PRIORITY_MAX	32767
#define IPCX_BATCH_MAX		1024	/* messages in one SENDV or RECVV */

/* Kinds of objects. */
#define IPCX_KIND_ANY		0	/* OPEN: whatever the name stands for */
#define IPCX_KIND_QUEUE		1
#define IPCX_KIND_REGION	2
#define IPCX_KIND_SEM		3
#define IPCX_KIND_EVENT		4
#define IPCX_KIND_STREAM	5
#define IPCX_KIND_WAIT_SET	6	/* has no name */

/* Rights of a descriptor: fixed when it is made, and can only be reduced (IPCX_RESTRICT). */
#define IPCX_READ		(1U << 0)	/* receive, wait, map for reading */
#define IPCX_WRITE		(1U << 1)	/* send, post, set, map for writing */

/* Flags of every call that can wait. */
#define IPCX_NOWAIT		(1U << 0)	/* EAGAIN instead of waiting, as O_NONBLOCK on the descriptor */
#define IPCX_REALTIME		(1U << 1)	/* the timeout is on CLOCK_REALTIME, not CLOCK_MONOTONIC */

/* Timeouts are absolute, in nanoseconds; a time in the past tries once. */
#define IPCX_FOREVER		(~(__u64)0)

/**
 * struct ipcx_query - IPCX_QUERY: what this module is
 * @size:		sizeof(struct ipcx_query)
 * @flags:		0
 * @abi_version:	out: IPCX_ABI_VERSION of the module
 * @max_name:		out: longest name, in bytes
 * @features:		out: IPCX_FEATURE_* bits; gate on these, never on a version of the kernel
 * @max_msg_len:	out: largest message of any queue, in bytes
 * @max_msgs:		out: most messages that a queue can be created for
 * @max_batch:		out: most messages in one SENDV or RECVV
 * @user_bytes:		out: memory quota of one user, in bytes (module parameter user_bytes)
 * @user_bytes_used:	out: what the caller's user is charged with now, in bytes
 */
struct ipcx_query {
	__u32 size;
	__u32 flags;
	__u32 abi_version;
	__u32 max_name;
	__u64 features;
	__u64 max_msg_len;
	__u32 max_msgs;
	__u32 max_batch;
	__u64 user_bytes;
	__u64 user_bytes_used;
};

#define IPCX_FEATURE_QUEUE	(1ULL << 0)	/* message queues */
#define IPCX_FEATURE_REGION	(1ULL << 1)	/* regions */
#define IPCX_FEATURE_SEM	(1ULL << 2)	/* semaphores */
#define IPCX_FEATURE_SEM_ROBUST	(1ULL << 3)	/* IPCX_SEM_ROBUST */
#define IPCX_FEATURE_EVENT	(1ULL << 4)	/* events */
#define IPCX_FEATURE_STREAM	(1ULL << 5)	/* streams */
#define IPCX_FEATURE_CALL	(1ULL << 6)	/* IPCX_QUEUE_CALL and IPCX_QUEUE_SERVE */
#define IPCX_FEATURE_WAIT	(1ULL << 7)	/* IPCX_WAIT and wait sets */
#define IPCX_FEATURE_NOTIFY	(1ULL << 8)	/* IPCX_NOTIFY and SIGIO */
#define IPCX_FEATURE_FDS	(1ULL << 9)	/* descriptors in messages */
#define IPCX_FEATURE_BROADCAST	(1ULL << 10)	/* IPCX_QUEUE_BROADCAST */
#define IPCX_FEATURE_LATEST	(1ULL << 11)	/* IPCX_QUEUE_LATEST */
#define IPCX_FEATURE_URING	(1ULL << 12)	/* commands through io_uring: struct ipcx_uring_sqe */
#define IPCX_FEATURE_TAP	(1ULL << 13)	/* IPCX_QUEUE_TAP */
#define IPCX_FEATURE_RESERVED	(1ULL << 14)	/* IPCX_REGION_RESERVED */

/**
 * struct ipcx_create - what the creation of every kind begins with
 * @size:	size of the whole argument
 * @flags:	IPCX_CREATE_* and the kind's own flags
 * @name:	pointer to a NUL-terminated name, or 0 for an anonymous object
 * @mode:	permission bits (0777) of a named object, less the caller's umask; 0 if anonymous.
 *		Reading bits give IPCX_READ, writing bits IPCX_WRITE.
 * @rights:	rights of the new descriptor; 0 for both
 *
 * A name is 1 to IPCX_NAME_MAX bytes, without '/' (one at the front is allowed, and ignored) and without
 * control characters.  It belongs to the network namespace in which /dev/ipcx was opened, and goes with it.
 * If the name exists, the call opens it like IPCX_OPEN and ignores the other parameters, unless
 * IPCX_CREATE_EXCL is given.  A name of another kind is EEXIST.
 */
struct ipcx_create {
	__u32 size;
	__u32 flags;
	__u64 name;
	__u32 mode;
	__u32 rights;
};

#define IPCX_CREATE_EXCL	(1U << 0)	/* EEXIST if the name exists */
#define IPCX_CREATE_NONBLOCK	(1U << 1)	/* O_NONBLOCK on the new descriptor */
#define IPCX_CREATE_TEMPORARY	(1U << 2)	/* the name goes when the last descriptor and mapping have gone */

/**
 * struct ipcx_open - IPCX_OPEN: a new descriptor for a name
 * @size:	sizeof(struct ipcx_open)
 * @flags:	IPCX_CREATE_NONBLOCK, IPCX_OPEN_LOOK
 * @name:	pointer to a NUL-terminated name
 * @kind:	IPCX_KIND_*; another kind is ENOENT
 * @rights:	rights wanted, at least one; with IPCX_OPEN_LOOK, 0
 *
 * CAP_DAC_OVERRIDE (over the name's namespace) overrides the mode bits.
 */
struct ipcx_open {
	__u32 size;
	__u32 flags;
	__u64 name;
	__u32 kind;
	__u32 rights;
};

/*
 * A descriptor without rights, for IPCX_STAT, the kind's own statistics and fdinfo, for who has any right to the
 * object.  It is nobody's other end: streams and broadcast queues do not count it.
 */
#define IPCX_OPEN_LOOK		(1U << 3)

/**
 * struct ipcx_unlink - IPCX_UNLINK: remove a name; the object lives on while descriptors refer to it
 * @size:	sizeof(struct ipcx_unlink)
 * @flags:	0
 * @name:	pointer to a NUL-terminated name
 *
 * Allowed to the object's owner and to CAP_FOWNER, else EPERM.
 */
struct ipcx_unlink {
	__u32 size;
	__u32 flags;
	__u64 name;
};

/**
 * struct ipcx_list_entry - one name
 * @id:		number of the object, never used again while the module is loaded
 * @kind:	IPCX_KIND_*
 * @mode:	permission bits
 * @uid:	owner, as the caller's user namespace sees it
 * @gid:	group, likewise
 * @flags:	IPCX_OBJECT_*
 * @reserved:	0
 * @name:	NUL-terminated
 */
struct ipcx_list_entry {
	__u64 id;
	__u32 kind;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 flags;
	__u32 reserved;
	char name[IPCX_NAME_MAX + 1];
};

#define IPCX_OBJECT_NAMED	(1U << 0)	/* it has a name now */
#define IPCX_OBJECT_TEMPORARY	(1U << 1)	/* IPCX_CREATE_TEMPORARY */
#define IPCX_OBJECT_SHUT_SEND	(1U << 2)	/* IPCX_SHUT_SEND has been done */
#define IPCX_OBJECT_SHUT_RECV	(1U << 3)	/* IPCX_SHUT_RECV has been done */
#define IPCX_OBJECT_ROBUST	(1U << 4)	/* IPCX_SEM_ROBUST */
#define IPCX_OBJECT_MANUAL	(1U << 5)	/* IPCX_EVENT_MANUAL */
#define IPCX_OBJECT_BROADCAST	(1U << 6)	/* IPCX_QUEUE_BROADCAST */
#define IPCX_OBJECT_LATEST	(1U << 7)	/* IPCX_QUEUE_LATEST */
#define IPCX_OBJECT_RESERVED	(1U << 8)	/* IPCX_REGION_RESERVED */

/**
 * struct ipcx_list - IPCX_LIST: the names of this namespace, in the order of their bytes
 * @size:	sizeof(struct ipcx_list)
 * @flags:	0
 * @after:	pointer to a name: only names that follow it; 0 for the beginning
 * @entries:	pointer to an array of struct ipcx_list_entry
 * @nr:		length of the array
 * @entry_size:	sizeof(struct ipcx_list_entry)
 *
 * Returns how many entries were written; 0 at the end.
 */
struct ipcx_list {
	__u32 size;
	__u32 flags;
	__u64 after;
	__u64 entries;
	__u32 nr;
	__u32 entry_size;
};

/**
 * struct ipcx_restrict - IPCX_RESTRICT: a second descriptor of the same object with fewer rights
 * @size:	sizeof(struct ipcx_restrict)
 * @flags:	0 or IPCX_CREATE_NONBLOCK
 * @rights:	at least one, and a subset of this descriptor's, else EACCES
 * @reserved:	0
 */
struct ipcx_restrict {
	__u32 size;
	__u32 flags;
	__u32 rights;
	__u32 reserved;
};

/**
 * struct ipcx_stat - IPCX_STAT: what is common to all kinds
 * @size:	sizeof(struct ipcx_stat)
 * @flags:	0
 * @id:		out: number of the object
 * @kind:	out: IPCX_KIND_*
 * @mode:	out: permission bits
 * @uid:	out: owner
 * @gid:	out: group
 * @rights:	out: rights of this descriptor
 * @state:	out: IPCX_OBJECT_*
 * @users:	out: open files (not descriptors: dup and fork share one) that refer to the object
 * @reserved:	0
 * @charged:	out: memory that the owner is charged with for it, in bytes
 */
struct ipcx_stat {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u32 kind;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 rights;
	__u32 state;
	__u32 users;
	__u32 reserved;
	__u64 charged;
};

/**
 * struct ipcx_shutdown - IPCX_SHUTDOWN: end of use of a queue, stream, semaphore or event, for everybody
 * @size:	sizeof(struct ipcx_shutdown)
 * @flags:	0
 * @how:	IPCX_SHUT_*; needs the right of that direction
 * @reserved:	0
 *
 * IPCX_SHUT_SEND: sends (posts; set, reset and pulse) fail with EPIPE from now on; receivers still get what is
 * in the queue, then EPIPE (read(2): 0).  IPCX_SHUT_RECV: receives (waits) fail with EPIPE, and so do sends.
 * Waiters are woken.  It cannot be undone.
 */
struct ipcx_shutdown {
	__u32 size;
	__u32 flags;
	__u32 how;
	__u32 reserved;
};

#define IPCX_SHUT_SEND		(1U << 0)
#define IPCX_SHUT_RECV		(1U << 1)

/* What an object can be ready for, as poll(2) reports it; POLLHUP and POLLERR count in any case. */
#define IPCX_READY_READ		(1U << 0)	/* POLLIN */
#define IPCX_READY_WRITE	(1U << 1)	/* POLLOUT */
#define IPCX_READY_SHUT		(1U << 2)	/* POLLHUP, POLLERR: it has been shut down, or the other end has gone */

/**
 * struct ipcx_notify - IPCX_NOTIFY: a signal, or a count in an eventfd, when the object becomes ready
 * @size:	sizeof(struct ipcx_notify)
 * @flags:	0 or IPCX_NOTIFY_REPEAT
 * @ready:	IPCX_READY_* bits, at least one.  READ needs IPCX_READ, WRITE needs IPCX_WRITE, SHUT either
 * @how:	IPCX_NOTIFY_*: what @target is
 * @target:	a process or thread as the caller's pid namespace sees it, 0 for the caller's own; or a descriptor
 * @signo:	signal to send, 1 to 64; 0 with IPCX_NOTIFY_EVENTFD
 * @value:	comes with the signal: to a process with SI_ASYNCIO, in si_pid and si_uid together (on 64 bits also
 *		si_addr); to a thread with SI_MESGQ, in si_value.  0 with IPCX_NOTIFY_EVENTFD
 * @id:		out: for IPCX_NOTIFY_CANCEL; unique for this object
 *
 * If the object is ready already, the notice comes at once.  Without IPCX_NOTIFY_REPEAT it comes once; with it,
 * each time that something has been done that makes the object ready.  It belongs to the open file and ends
 * with it, or with its target.  Whoever asks must be allowed to signal the target, as for kill(2), now (EPERM) and,
 * with the credentials of now, when it is sent (or nothing is).  A notice takes 256 bytes of the asking user's quota;
 * EBUSY if IPCX_NOTIFY_MAX are there.
 */
struct ipcx_notify {
	__u32 size;
	__u32 flags;
	__u32 ready;
	__u32 how;
	__u32 target;
	__u32 signo;
	__u64 value;
	__u64 id;
};

#define IPCX_NOTIFY_MAX		256	/* notices on one object, files with O_ASYNC among them */

#define IPCX_NOTIFY_PROCESS	0	/* @target: a process; any of its threads gets the signal */
#define IPCX_NOTIFY_THREAD	1	/* @target: a thread */
#define IPCX_NOTIFY_PIDFD	2	/* @target: a descriptor of pidfd_open(2) */
#define IPCX_NOTIFY_EVENTFD	3	/* @target: a descriptor of eventfd(2), to which 1 is added */

#define IPCX_NOTIFY_REPEAT	(1U << 8)

/**
 * struct ipcx_notify_cancel - IPCX_NOTIFY_CANCEL: no more notices; ENOENT if the one asked for has been sent
 * @size:	sizeof(struct ipcx_notify_cancel)
 * @flags:	0
 * @id:		from IPCX_NOTIFY on this open file
 */
struct ipcx_notify_cancel {
	__u32 size;
	__u32 flags;
	__u64 id;
};

/**
 * struct ipcx_wait_entry - one of the objects to wait for
 * @fd:		its descriptor
 * @what:	IPCX_WAIT_*
 * @nr:		IPCX_WAIT_TAKE of a semaphore: units, 0 for 1.  Otherwise 0
 * @reserved:	0
 */
struct ipcx_wait_entry {
	__u32 fd;
	__u32 what;
	__u32 nr;
	__u32 reserved;
};

#define IPCX_WAIT_TAKE		0	/* a semaphore's units, an event that is set (and is reset if automatic) */
#define IPCX_WAIT_READABLE	1	/* any object: as POLLIN; nothing is taken */
#define IPCX_WAIT_WRITABLE	2	/* any object: as POLLOUT; nothing is taken */

#define IPCX_WAIT_MAX		64	/* objects in one wait, or in one set */

/**
 * struct ipcx_wait - IPCX_WAIT: wait for any, or for all, of several objects of any kinds
 * @size:	sizeof(struct ipcx_wait)
 * @flags:	IPCX_NOWAIT, IPCX_REALTIME, IPCX_WAIT_ALL, IPCX_WAIT_ALERT
 * @timeout:	absolute time in nanoseconds, or IPCX_FOREVER
 * @entries:	pointer to an array of struct ipcx_wait_entry
 * @nr:		length of the array, 1 to IPCX_WAIT_MAX; also 0 with IPCX_WAIT_ALERT
 * @entry_size:	sizeof(struct ipcx_wait_entry)
 * @alert:	with IPCX_WAIT_ALERT: descriptor of an event that ends the wait as well, else 0
 * @index:	out, with EPIPE: which object has been shut down
 *
 * The descriptor that gets the command is that of any object, usually the first of the array; O_NONBLOCK does not
 * matter.  The entries are read once.
 *
 * Any: the first object of the array that is ready is taken, or else the first that becomes ready; returns its
 * index.  The wait stands in the lines of the objects among those who wait for one of them only.
 *
 * All: nothing is taken until all can be taken in one moment; returns 0.  The wait stands in no line: it gets what
 * those who do leave, in the call that makes the last object ready.  An object may be given twice in a wait for
 * any, not in a wait for all (EINVAL); a wait set not in a wait for all (EOPNOTSUPP).
 *
 * The alert is looked at last; if it ends the wait, nothing else has been taken, and the call returns @nr.  EPIPE:
 * an object to be taken has been shut down, with @nr in @index for the alert; if nothing is to be taken of it,
 * a shutdown is as ready as for poll(2).
 */
struct ipcx_wait {
	__u32 size;
	__u32 flags;
	__u64 timeout;
	__u64 entries;
	__u32 nr;
	__u32 entry_size;
	__u32 alert;
	__u32 index;
};

#define IPCX_WAIT_ALL		(1U << 8)
#define IPCX_WAIT_ALERT		(1U << 9)

#include <linux/ipcx_queue.h>

/* ---- regions ---- */

/**
 * struct ipcx_region_create - IPCX_REGION_CREATE: shared memory, zero-filled, of a fixed size
 * @create:	name, mode, rights; flag IPCX_REGION_RESERVED
 * @len:	bytes, at least 1; rounded up to whole pages
 *
 * mmap(2) the descriptor, with at most its rights.  Pages are allocated, and charged to the owner, when they
 * are first touched; beyond the owner's quota the touch is SIGBUS, as on a full tmpfs.  Seals: fcntl(2)
 * F_ADD_SEALS with F_SEAL_WRITE, F_SEAL_FUTURE_WRITE and F_SEAL_SEAL, as for memfd_create(2); growing and
 * shrinking are sealed from the start.
 *
 * With IPCX_REGION_RESERVED the whole length is charged from the beginning, and a touch never fails for the
 * quota: a process that shares memory with an owner whom it does not trust asks IPCX_STAT for it.
 */
struct ipcx_region_create {
	struct ipcx_create create;
	__u64 len;
};

#define IPCX_REGION_RESERVED	(1U << 20)

/**
 * struct ipcx_region_stat - IPCX_REGION_STAT
 * @size:	sizeof(struct ipcx_region_stat)
 * @flags:	0
 * @len:	out: bytes
 * @allocated:	out: bytes that have been touched, in memory or swapped out
 * @seals:	out: F_SEAL_* bits
 * @reserved:	0
 */
struct ipcx_region_stat {
	__u32 size;
	__u32 flags;
	__u64 len;
	__u64 allocated;
	__u32 seals;
	__u32 reserved;
};

/* ---- semaphores ---- */

/**
 * struct ipcx_sem_create - IPCX_SEM_CREATE
 * @create:	name, mode, rights; flag IPCX_SEM_ROBUST
 * @initial:	units at the beginning, 0 to @max
 * @max:	most units, 1 to INT_MAX
 */
struct ipcx_sem_create {
	struct ipcx_create create;
	__u32 initial;
	__u32 max;
};

/*
 * Units taken by a process and not posted by it come back when its address space ends: when it exits, is
 * killed, or executes another program.  A child does not inherit them.
 */
#define IPCX_SEM_ROBUST		(1U << 16)

/**
 * struct ipcx_sem_post - IPCX_SEM_POST: add units and hand them to waiters, first come first served
 * @size:	sizeof(struct ipcx_sem_post)
 * @flags:	0
 * @nr:		units, 1 to the maximum; EOVERFLOW and no change if the count would exceed the maximum
 * @reserved:	0
 */
struct ipcx_sem_post {
	__u32 size;
	__u32 flags;
	__u32 nr;
	__u32 reserved;
};

/**
 * struct ipcx_sem_wait - IPCX_SEM_WAIT: take units, all or none, waiting for them
 * @size:	sizeof(struct ipcx_sem_wait)
 * @flags:	IPCX_NOWAIT, IPCX_REALTIME
 * @timeout:	absolute time in nanoseconds, or IPCX_FOREVER
 * @nr:		units, 1 to the maximum
 * @reserved:	0
 *
 * Nobody overtakes a waiter that came earlier, even if fewer units would do.
 *
 * write(2) and read(2) do the same for less, as on an eventfd(2) with EFD_SEMAPHORE: a written u64 is posted, a read
 * takes one unit and yields a u64 of 1, or 0 bytes after a shutdown.  A count above the maximum is EOVERFLOW here,
 * where eventfd waits.
 */
struct ipcx_sem_wait {
	__u32 size;
	__u32 flags;
	__u64 timeout;
	__u32 nr;
	__u32 reserved;
};

/**
 * struct ipcx_sem_stat - IPCX_SEM_STAT
 * @size:	sizeof(struct ipcx_sem_stat)
 * @flags:	0
 * @count:	out: units there now
 * @max:	out: as created
 * @nr_waiters:	out: waiting calls
 * @held:	out: units that come back when their holders die (IPCX_SEM_ROBUST)
 */
struct ipcx_sem_stat {
	__u32 size;
	__u32 flags;
	__u32 count;
	__u32 max;
	__u32 nr_waiters;
	__u32 held;
};

/* ---- events ---- */

/**
 * struct ipcx_event_create - IPCX_EVENT_CREATE
 * @create:	name, mode, rights; flag IPCX_EVENT_MANUAL
 * @initial:	1: it is set at the beginning; 0: it is not
 * @reserved:	0
 */
struct ipcx_event_create {
	struct ipcx_create create;
	__u32 initial;
	__u32 reserved;
};

/*
 * A manual event stays set until it is reset, and lets everybody through.  Without the flag it is automatic:
 * each set lets one waiter through, who takes it.
 */
#define IPCX_EVENT_MANUAL	(1U << 17)

/**
 * struct ipcx_event_change - IPCX_EVENT_SET, IPCX_EVENT_RESET, IPCX_EVENT_PULSE
 * @size:	sizeof(struct ipcx_event_change)
 * @flags:	0
 *
 * SET ends the waits of all who wait and stays set (manual); or hands itself over to the one who has waited
 * longest, and is set if nobody waits (automatic).  RESET ends that state.  Both return 1 if the event was set
 * before, else 0.
 *
 * PULSE ends the waits of those who wait now, all (manual) or the first (automatic), and leaves the event
 * unset.  It returns how many that were: if nobody waits, it is lost.
 */
struct ipcx_event_change {
	__u32 size;
	__u32 flags;
};

/**
 * struct ipcx_event_wait - IPCX_EVENT_WAIT: wait until the event is set; take it if it is automatic
 * @size:	sizeof(struct ipcx_event_wait)
 * @flags:	IPCX_NOWAIT, IPCX_REALTIME
 * @timeout:	absolute time in nanoseconds, or IPCX_FOREVER
 */
struct ipcx_event_wait {
	__u32 size;
	__u32 flags;
	__u64 timeout;
};

/**
 * struct ipcx_event_stat - IPCX_EVENT_STAT
 * @size:	sizeof(struct ipcx_event_stat)
 * @flags:	0
 * @set:	out: 1 if it is set, else 0
 * @nr_waiters:	out: waiting calls
 *
 * IPCX_STAT tells whether it is manual: IPCX_OBJECT_MANUAL.
 */
struct ipcx_event_stat {
	__u32 size;
	__u32 flags;
	__u32 set;
	__u32 nr_waiters;
};

/* ---- streams ---- */

/**
 * struct ipcx_stream_create - IPCX_STREAM_CREATE: bytes, as through a pipe
 * @create:	name, mode, rights
 * @capacity:	most bytes in it; 0: 64 KiB.  Rounded up to a power of 2, at least a page; at most 1 GiB
 *
 * read(2), write(2), poll(2), splice(2) and FIONREAD work as on a pipe: a write of at most PIPE_BUF bytes is not
 * mixed with others; a read takes what is there.  When the last open file with IPCX_WRITE has gone, and there has
 * been one, reads return 0 after what is left; when the last one with IPCX_READ has gone, writes fail with EPIPE
 * and SIGPIPE.  Open a descriptor for each direction with IPCX_RESTRICT, and close the first.
 */
struct ipcx_stream_create {
	struct ipcx_create create;
	__u64 capacity;
};

/**
 * struct ipcx_stream_resize - IPCX_STREAM_RESIZE: another capacity; EBUSY if more is in it
 * @size:	sizeof(struct ipcx_stream_resize)
 * @flags:	0
 * @capacity:	in: bytes; out: what it has become
 *
 * Needs IPCX_WRITE.
 */
struct ipcx_stream_resize {
	__u32 size;
	__u32 flags;
	__u64 capacity;
};

/**
 * struct ipcx_stream_stat - IPCX_STREAM_STAT
 * @size:		sizeof(struct ipcx_stream_stat)
 * @flags:		0
 * @bytes:		out: bytes in it
 * @capacity:		out: most bytes
 * @written:		out: bytes that have been written
 * @nr_readers:		out: open files with IPCX_READ
 * @nr_writers:		out: open files with IPCX_WRITE
 * @waiting_readers:	out: reads that wait
 * @waiting_writers:	out: writes that wait
 */
struct ipcx_stream_stat {
	__u32 size;
	__u32 flags;
	__u64 bytes;
	__u64 capacity;
	__u64 written;
	__u32 nr_readers;
	__u32 nr_writers;
	__u32 waiting_readers;
	__u32 waiting_writers;
};

/* ---- wait sets: waits whose objects are registered once ---- */

/**
 * struct ipcx_wait_set_create - IPCX_WAIT_SET_CREATE
 * @create:	without a name
 *
 * poll(2) reports it readable while any of its objects is ready.  A set does not stand in line at its objects: it
 * is told of a change and then tries, after those who wait there.
 */
struct ipcx_wait_set_create {
	struct ipcx_create create;
};

/**
 * struct ipcx_wait_set_change - IPCX_WAIT_SET_ADD, IPCX_WAIT_SET_REMOVE
 * @size:	sizeof(struct ipcx_wait_set_change)
 * @flags:	0
 * @index:	0 to IPCX_WAIT_MAX - 1.  ADD: EBUSY if it is in use; REMOVE: ENOENT if it is not
 * @reserved:	0
 * @entry:	ADD: the object, which the set keeps alive; a wait set is EINVAL.  REMOVE: all 0
 *
 * Needs IPCX_WRITE on the set, and the right that a wait for the object needs on its descriptor.
 */
struct ipcx_wait_set_change {
	__u32 size;
	__u32 flags;
	__u32 index;
	__u32 reserved;
	struct ipcx_wait_entry entry;
};

/**
 * struct ipcx_wait_set_wait - IPCX_WAIT_SET_WAIT: wait for any, or for all, of the set's objects
 * @size:	sizeof(struct ipcx_wait_set_wait)
 * @flags:	IPCX_NOWAIT, IPCX_REALTIME, IPCX_WAIT_ALL
 * @timeout:	absolute time in nanoseconds, or IPCX_FOREVER
 * @index:	out, with EPIPE: which object has been shut down
 * @reserved:	0
 *
 * Needs IPCX_READ on the set.  Any: returns the index of the object that was taken; objects that stay ready
 * are taken in turn.  All: returns 0.  Of an empty set, and for all of one with an object in it twice, EINVAL.  A
 * pulse does not reach a set.
 */
struct ipcx_wait_set_wait {
	__u32 size;
	__u32 flags;
	__u64 timeout;
	__u32 index;
	__u32 reserved;
};

/* ---- commands ---- */

#define IPCX_IOC_TYPE		0xC9

/* on the device */
#define IPCX_QUERY		_IOWR(IPCX_IOC_TYPE, 0x00, struct ipcx_query)
#define IPCX_OPEN		_IOWR(IPCX_IOC_TYPE, 0x01, struct ipcx_open)
#define IPCX_UNLINK		_IOWR(IPCX_IOC_TYPE, 0x02, struct ipcx_unlink)
#define IPCX_LIST		_IOWR(IPCX_IOC_TYPE, 0x03, struct ipcx_list)
#define IPCX_QUEUE_CREATE	_IOWR(IPCX_IOC_TYPE, 0x04, struct ipcx_queue_create)
#define IPCX_REGION_CREATE	_IOWR(IPCX_IOC_TYPE, 0x05, struct ipcx_region_create)
#define IPCX_SEM_CREATE		_IOWR(IPCX_IOC_TYPE, 0x06, struct ipcx_sem_create)
#define IPCX_EVENT_CREATE	_IOWR(IPCX_IOC_TYPE, 0x07, struct ipcx_event_create)
#define IPCX_STREAM_CREATE	_IOWR(IPCX_IOC_TYPE, 0x08, struct ipcx_stream_create)
#define IPCX_WAIT_SET_CREATE	_IOWR(IPCX_IOC_TYPE, 0x09, struct ipcx_wait_set_create)

/* on any object */
#define IPCX_RESTRICT		_IOWR(IPCX_IOC_TYPE, 0x10, struct ipcx_restrict)
#define IPCX_STAT		_IOWR(IPCX_IOC_TYPE, 0x11, struct ipcx_stat)
#define IPCX_SHUTDOWN		_IOWR(IPCX_IOC_TYPE, 0x12, struct ipcx_shutdown)
#define IPCX_NOTIFY		_IOWR(IPCX_IOC_TYPE, 0x13, struct ipcx_notify)
#define IPCX_NOTIFY_CANCEL	_IOWR(IPCX_IOC_TYPE, 0x14, struct ipcx_notify_cancel)
#define IPCX_WAIT		_IOWR(IPCX_IOC_TYPE, 0x15, struct ipcx_wait)

/* on a queue; also FIONREAD: bytes of the message that read(2) would take, 0 if none */
#define IPCX_QUEUE_SEND		_IOWR(IPCX_IOC_TYPE, 0x20, struct ipcx_queue_send)
#define IPCX_QUEUE_RECV		_IOWR(IPCX_IOC_TYPE, 0x21, struct ipcx_queue_recv)
#define IPCX_QUEUE_SENDV	_IOWR(IPCX_IOC_TYPE, 0x22, struct ipcx_queue_batch)
#define IPCX_QUEUE_RECVV	_IOWR(IPCX_IOC_TYPE, 0x23, struct ipcx_queue_batch)
#define IPCX_QUEUE_PURGE	_IOWR(IPCX_IOC_TYPE, 0x24, struct ipcx_queue_purge)
#define IPCX_QUEUE_STAT		_IOWR(IPCX_IOC_TYPE, 0x25, struct ipcx_queue_stat)
#define IPCX_QUEUE_CALL		_IOWR(IPCX_IOC_TYPE, 0x26, struct ipcx_queue_call)
#define IPCX_QUEUE_SERVE	_IOWR(IPCX_IOC_TYPE, 0x27, struct ipcx_queue_serve)
#define IPCX_QUEUE_SEND_FDS	_IOWR(IPCX_IOC_TYPE, 0x28, struct ipcx_queue_send_fds)
#define IPCX_QUEUE_RECV_FDS	_IOWR(IPCX_IOC_TYPE, 0x29, struct ipcx_queue_recv_fds)
#define IPCX_QUEUE_TAP		_IOWR(IPCX_IOC_TYPE, 0x2a, struct ipcx_queue_tap)

/* on a region */
#define IPCX_REGION_STAT	_IOWR(IPCX_IOC_TYPE, 0x30, struct ipcx_region_stat)

/* on a semaphore */
#define IPCX_SEM_POST		_IOWR(IPCX_IOC_TYPE, 0x38, struct ipcx_sem_post)
#define IPCX_SEM_WAIT		_IOWR(IPCX_IOC_TYPE, 0x39, struct ipcx_sem_wait)
#define IPCX_SEM_STAT		_IOWR(IPCX_IOC_TYPE, 0x3a, struct ipcx_sem_stat)

/* on an event */
#define IPCX_EVENT_SET		_IOWR(IPCX_IOC_TYPE, 0x40, struct ipcx_event_change)
#define IPCX_EVENT_RESET	_IOWR(IPCX_IOC_TYPE, 0x41, struct ipcx_event_change)
#define IPCX_EVENT_PULSE	_IOWR(IPCX_IOC_TYPE, 0x42, struct ipcx_event_change)
#define IPCX_EVENT_WAIT		_IOWR(IPCX_IOC_TYPE, 0x43, struct ipcx_event_wait)
#define IPCX_EVENT_STAT		_IOWR(IPCX_IOC_TYPE, 0x44, struct ipcx_event_stat)

/* on a stream; also FIONREAD: bytes in it */
#define IPCX_STREAM_STAT	_IOWR(IPCX_IOC_TYPE, 0x48, struct ipcx_stream_stat)
#define IPCX_STREAM_RESIZE	_IOWR(IPCX_IOC_TYPE, 0x49, struct ipcx_stream_resize)

/* on a wait set */
#define IPCX_WAIT_SET_ADD	_IOWR(IPCX_IOC_TYPE, 0x50, struct ipcx_wait_set_change)
#define IPCX_WAIT_SET_REMOVE	_IOWR(IPCX_IOC_TYPE, 0x51, struct ipcx_wait_set_change)
#define IPCX_WAIT_SET_WAIT	_IOWR(IPCX_IOC_TYPE, 0x52, struct ipcx_wait_set_wait)

#define IPCX_IOC_NR		0x58	/* commands have numbers below this */

/**
 * struct ipcx_uring_sqe - a command as a request of io_uring
 * @arg:	pointer to the command's argument, which must stay there until the request has completed
 * @reserved:	0
 *
 * It stands in sqe->cmd of an IORING_OP_URING_CMD; sqe->cmd_op is the command, one that goes to an object.  The result
 * of the request is what ioctl(2) would have returned.
 */
struct ipcx_uring_sqe {
	__u64 arg;
	__u64 reserved;
};

#endif /* _UAPI_LINUX_IPCX_H */
