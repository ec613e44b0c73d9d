/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libipcx: queues, regions, semaphores and events of /dev/ipcx.
 *
 * An object is a file descriptor: close(2) it, poll(2) it, pass it over a socket, let a
 * child inherit it.  Every function returns a negative errno on failure, never sets errno,
 * never prints, allocates nothing, starts no thread, and may be called from any thread,
 * also on one descriptor at the same time.  The errors and what they mean are listed
 * once, in <linux/ipcx.h>; the manual pages say which ones each call can return.
 */
#ifndef IPCX_H
#define IPCX_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <linux/ipcx.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct ipcx_options - how an object is created; all 0, or no structure at all, is the default
 * @flags:	IPCX_CREATE_EXCL, IPCX_CREATE_NONBLOCK, IPCX_CREATE_TEMPORARY;
 *		semaphores: IPCX_SEM_ROBUST; events: IPCX_EVENT_MANUAL;
 *		queues: IPCX_QUEUE_BROADCAST or IPCX_QUEUE_LATEST; regions: IPCX_REGION_RESERVED
 * @mode:	permission bits of a named object; 0: 0600.  The umask applies.
 * @rights:	rights of the new descriptor; 0: IPCX_READ | IPCX_WRITE
 * @device_fd:	a descriptor of /dev/ipcx to use; 0: open it for this call
 */
struct ipcx_options {
	unsigned int flags;
	mode_t mode;
	unsigned int rights;
	int device_fd;
};

/* ---- time: timeouts are absolute; these make them from relative ones ---- */

/*
 * The CLOCK_MONOTONIC time @ns nanoseconds from now; IPCX_FOREVER if that is past the end
 * of time.
 */
uint64_t ipcx_after_ns(uint64_t ns);
/* The same for milliseconds. */
uint64_t ipcx_after_ms(uint64_t ms);

/* ---- the device and names ---- */

int ipcx_query(struct ipcx_query *query);
/*
 * A new descriptor for @name.  @kind: IPCX_KIND_*; @rights: 0 for both; @flags: 0 or
 * IPCX_CREATE_NONBLOCK; or IPCX_OPEN_LOOK, for a descriptor without rights, to look at its state.
 */
int ipcx_open(const char *name, unsigned int kind, unsigned int rights, unsigned int flags);
int ipcx_unlink(const char *name);
/* Up to @nr names that follow @after (NULL: from the beginning); returns how many, 0 at the end. */
int ipcx_list(const char *after, struct ipcx_list_entry *entries, unsigned int nr);

/* ---- any object ---- */

/* A second descriptor of the same object with @rights, a subset of those of @fd. */
int ipcx_restrict(int fd, unsigned int rights);
int ipcx_stat(int fd, struct ipcx_stat *stat);
/* @how: IPCX_SHUT_SEND, IPCX_SHUT_RECV or both. */
int ipcx_shutdown(int fd, unsigned int how);

/* ---- notices: a signal, or a count in an eventfd, when an object becomes ready ---- */

/*
 * When the object is ready for @ready (IPCX_READY_*), which may be at once, send @signo with
 * @value to the process @pid; 0: the calling one.  @flags: 0 for once, or IPCX_NOTIFY_REPEAT for
 * each time that something is done that makes it ready.  Ends with the open file of @fd.
 * Returns a number for ipcx_notify_cancel().  -EPERM: kill(2) would not be allowed.
 */
int64_t ipcx_notify_process(int fd, unsigned int ready, pid_t pid, int signo, uint64_t value,
			    unsigned int flags);
/* The same for the thread @tid; 0: the calling one. */
int64_t ipcx_notify_thread(int fd, unsigned int ready, pid_t tid, int signo, uint64_t value,
			   unsigned int flags);
/* The same for the process that @pidfd (pidfd_open(2)) stands for. */
int64_t ipcx_notify_pidfd(int fd, unsigned int ready, int pidfd, int signo, uint64_t value,
			  unsigned int flags);
/* Add 1 to @eventfd (eventfd(2)) instead. */
int64_t ipcx_notify_eventfd(int fd, unsigned int ready, int eventfd, unsigned int flags);
/* From its return on, nothing is sent.  -ENOENT: it has been, or is not of this open file. */
int ipcx_notify_cancel(int fd, uint64_t id);

#ifdef SI_ASYNCIO	/* strict ISO C has no siginfo_t */
/* The value that came with the signal: for a handler with SA_SIGINFO, or sigwaitinfo(2). */
static inline uint64_t ipcx_notify_value(const siginfo_t *info)
{
	uint64_t value;

	/* to a process it comes where asynchronous transfers put their address */
	if (info->si_code != SI_ASYNCIO)
		return (uintptr_t)info->si_value.sival_ptr;
	memcpy(&value, (const char *)info + offsetof(siginfo_t, si_pid), sizeof(value));
	return value;
}
#endif

/* ---- queues ---- */

/**
 * struct ipcx_queue_limits - bounds of a queue, 0 for the defaults of <linux/ipcx.h>
 * @max_msgs:		most messages
 * @max_bytes:		most bytes of payload
 * @max_msg_len:	largest message, in bytes
 * @overflow:		IPCX_QUEUE_BROADCAST: what happens when a subscriber is too slow, IPCX_OVERFLOW_*; else 0
 */
struct ipcx_queue_limits {
	uint32_t max_msgs;
	uint32_t overflow;
	uint64_t max_bytes;
	uint64_t max_msg_len;
};

/* An ipcx_msg for a buffer: type 1, priority 0. */
static inline struct ipcx_msg ipcx_msg(const void *buf, size_t len)
{
	struct ipcx_msg msg = { (uintptr_t)buf, len, IPCX_TYPE_MIN, 0, 0, 0, 0, 0 };

	return msg;
}

/* @name: NULL for an anonymous queue.  @limits, @options: NULL for the defaults. */
int ipcx_queue_create(const char *name, const struct ipcx_queue_limits *limits,
		      const struct ipcx_options *options);

/* Send @len bytes as a message of type 1 and priority 0; waits for room as long as it takes. */
int ipcx_queue_send(int queue, const void *buf, size_t len);
/* @flags: IPCX_NOWAIT, IPCX_REALTIME; @timeout: absolute, see ipcx_after_ns(), or IPCX_FOREVER. */
int ipcx_queue_send_msg(int queue, const struct ipcx_msg *msg, unsigned int flags,
			uint64_t timeout);
/*
 * Send @nr messages; returns how many are in the queue, at least one, or the error that
 * befell the first.
 */
int ipcx_queue_sendv(int queue, const struct ipcx_msg *msgs, unsigned int nr, unsigned int flags,
		     uint64_t timeout);

/*
 * Take the first message; returns its length.  -EMSGSIZE if @len is too small: the
 * message stays.
 */
ssize_t ipcx_queue_recv(int queue, void *buf, size_t len);
/* @msg: buf and len are the buffer; on return the message.  @select: NULL for any. */
int ipcx_queue_recv_msg(int queue, struct ipcx_msg *msg, const struct ipcx_select *select,
			unsigned int flags, uint64_t timeout);
/* Take up to @nr messages, waiting for the first only; returns how many. */
int ipcx_queue_recvv(int queue, struct ipcx_msg *msgs, unsigned int nr,
		     const struct ipcx_select *select, unsigned int flags, uint64_t timeout);

/*
 * A descriptor from which copies of the messages are received that are sent to @queue from now on.
 * @limits: max_msgs and max_bytes (NULL: 256, 1 MiB); when they are reached the oldest copy goes.
 */
int ipcx_queue_tap(int queue, const struct ipcx_queue_limits *limits);

/* Discard what is in the queue (@select: NULL for all); returns how many messages. */
int64_t ipcx_queue_purge(int queue, const struct ipcx_select *select);
int ipcx_queue_stat(int queue, struct ipcx_queue_stat *stat);

/* ---- messages with descriptors ---- */

/*
 * Send @msg with the @nr_fds (1 to IPCX_FDS_MAX) descriptors @fds, which stay the caller's: the
 * message holds their open files.  -ELOOP: a queue would contain itself.  -EOPNOTSUPP: an AF_UNIX
 * socket or the like; see ipcx_fds(3).
 */
int ipcx_queue_send_fds(int queue, const struct ipcx_msg *msg, const int *fds, unsigned int nr_fds,
			unsigned int flags, uint64_t timeout);
/*
 * Take a message as ipcx_queue_recv_msg() does, and its descriptors, close-on-exec, into @fds.
 * @nr_fds: in, the length of @fds; out, how many are there, which may be 0.  -EMSGSIZE: @fds or the
 * buffer is too small; the sizes needed are in *@nr_fds and @msg->len, and the message stays.
 */
int ipcx_queue_recv_fds(int queue, struct ipcx_msg *msg, int *fds, unsigned int *nr_fds,
			const struct ipcx_select *select, unsigned int flags, uint64_t timeout);

/* ---- calls: a message that waits for its reply ---- */

/*
 * Send @msg and wait for its reply, for which buf and len of @reply are the buffer; on return
 * the reply, with its sender.  @flags: IPCX_REALTIME, IPCX_RECV_TRUNCATE.  -EMSGSIZE: the reply
 * was larger than the buffer and is lost.  -ECONNRESET: the server has gone without a reply.
 */
int ipcx_queue_call(int queue, const struct ipcx_msg *msg, struct ipcx_msg *reply,
		    unsigned int flags, uint64_t timeout);
/*
 * Reply to *@call, unless @reply is NULL, and take the next message; *@call becomes its number,
 * or 0 if it is no call.  On failure, *@call is 0 if it has been replied to, so that the next
 * attempt takes NULL for @reply then.
 */
int ipcx_queue_serve(int queue, uint64_t *call, const struct ipcx_msg *reply, struct ipcx_msg *msg,
		     unsigned int flags, uint64_t timeout);
/* Reply, and take no other message.  -ECANCELED: nobody waits for it any more. */
int ipcx_queue_reply(int queue, uint64_t call, const struct ipcx_msg *reply);
/* 1 if the caller still waits for the reply, 0 if it has given up or died. */
int ipcx_queue_call_wanted(int queue, uint64_t call);

/* ---- regions ---- */

/* Shared memory of @len bytes, zero-filled. */
int ipcx_region_create(const char *name, size_t len, const struct ipcx_options *options);
/*
 * Map the whole region with @prot (PROT_READ, PROT_WRITE); the address goes to *@addr,
 * the length to *@len if @len is not NULL.  munmap(2) ends it; closing the descriptor
 * does not.
 */
int ipcx_region_map(int region, int prot, void **addr, size_t *len);
int ipcx_region_unmap(void *addr, size_t len);
/*
 * @seals: F_SEAL_WRITE, F_SEAL_FUTURE_WRITE, F_SEAL_SEAL (fcntl(2)); -EBUSY while it is
 * mapped for writing.
 */
int ipcx_region_seal(int region, unsigned int seals);
int ipcx_region_stat(int region, struct ipcx_region_stat *stat);

/* ---- semaphores ---- */

/* @initial: units at the beginning; @max: most units, 0 for INT_MAX. */
int ipcx_sem_create(const char *name, unsigned int initial, unsigned int max,
		    const struct ipcx_options *options);
int ipcx_sem_post(int sem, unsigned int nr);
/* Take @nr units, all or none.  @flags: IPCX_NOWAIT, IPCX_REALTIME. */
int ipcx_sem_wait(int sem, unsigned int nr, unsigned int flags, uint64_t timeout);
/* Take @nr units if they are there now, else -EAGAIN. */
int ipcx_sem_trywait(int sem, unsigned int nr);
int ipcx_sem_stat(int sem, struct ipcx_sem_stat *stat);

/* ---- events ---- */

/*
 * @initial: 1 if it is set at the beginning, else 0.  @options: with IPCX_EVENT_MANUAL it stays
 * set until it is reset; without, each set lets one waiter through.
 */
int ipcx_event_create(const char *name, unsigned int initial, const struct ipcx_options *options);
/* Return 1 if it was set before, else 0. */
int ipcx_event_set(int event);
int ipcx_event_reset(int event);
/* Let those through who wait now, and leave it unset; returns how many they were. */
int ipcx_event_pulse(int event);
/* Wait until it is set; take it if it is automatic.  @flags: IPCX_NOWAIT, IPCX_REALTIME. */
int ipcx_event_wait(int event, unsigned int flags, uint64_t timeout);
int ipcx_event_stat(int event, struct ipcx_event_stat *stat);

/* ---- waiting for several objects at once ---- */

/* An entry that takes one unit, or the event (IPCX_WAIT_TAKE), or waits until @fd is ready. */
static inline struct ipcx_wait_entry ipcx_wait_entry(int fd, unsigned int what)
{
	struct ipcx_wait_entry entry = { (uint32_t)fd, what, 0, 0 };

	return entry;
}

/*
 * Wait until one of @nr objects is ready, and take it; returns its index.  @flags: IPCX_NOWAIT,
 * IPCX_REALTIME; @timeout: absolute, see ipcx_after_ns(), or IPCX_FOREVER.
 */
int ipcx_wait_any(const struct ipcx_wait_entry *entries, unsigned int nr, unsigned int flags,
		  uint64_t timeout);
/* Wait until all are ready in one moment, and take them all; returns 0. */
int ipcx_wait_all(const struct ipcx_wait_entry *entries, unsigned int nr, unsigned int flags,
		  uint64_t timeout);
/*
 * The same with everything: @flags: also IPCX_WAIT_ALL.  @alert: an event that ends the wait as
 * well, which returns @nr then; -1 for none.  *@index, unless @index is NULL: with -EPIPE, which
 * object has been shut down.
 */
int ipcx_wait(const struct ipcx_wait_entry *entries, unsigned int nr, unsigned int flags,
	      uint64_t timeout, int alert, unsigned int *index);

/* A set of objects to wait for, which are registered once.  It has no name. */
int ipcx_wait_set_create(const struct ipcx_options *options);
/* @index: 0 to IPCX_WAIT_MAX - 1, a place that is free.  The set keeps the object. */
int ipcx_wait_set_add(int set, unsigned int index, const struct ipcx_wait_entry *entry);
int ipcx_wait_set_remove(int set, unsigned int index);
/* @flags: also IPCX_WAIT_ALL.  Returns the index of what was taken; 0 for all. */
int ipcx_wait_set_wait(int set, unsigned int flags, uint64_t timeout, unsigned int *index);

/* ---- streams: read(2), write(2), poll(2) and splice(2) as on a pipe ---- */

/* @capacity: bytes, rounded up to a power of 2 of at least a page; 0 for 64 KiB. */
int ipcx_stream_create(const char *name, size_t capacity, const struct ipcx_options *options);
/*
 * An anonymous stream as pipe(2) makes a pipe: @fds[0] to read from, @fds[1] to write to.
 * They are close-on-exec.
 */
int ipcx_stream_pipe(int fds[2], size_t capacity);
/* Returns the new capacity; -EBUSY if more bytes than that are in it. */
int64_t ipcx_stream_resize(int stream, size_t capacity);
int ipcx_stream_stat(int stream, struct ipcx_stream_stat *stat);

#ifdef __cplusplus
}
#endif

#endif /* IPCX_H */
