/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libipcx: what stays in user space: rings of messages, loans of memory and mapped semaphores.
 *
 * They live in shared memory, an ipcx region or, where there is no module, a memfd, and enter the
 * kernel only to sleep and to wake.  A create function returns the memory's descriptor, which is
 * passed on like any other; an attach function maps it and fills in a handle, a structure of the
 * caller's.  Every function returns a negative errno on failure, never sets errno, never prints,
 * allocates nothing and starts no thread.
 *
 * The other side is not trusted: whatever it writes into the memory, a call returns what it
 * documents, and touches nothing but the memory and the caller's buffers.  What the other side
 * says may be garbage, and it may change while it is looked at in place.
 */
#ifndef IPCX_RING_H
#define IPCX_RING_H

#include <sys/uio.h>
#include <ipcx.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- rings ---- */

#define IPCX_RING_MANY		(1U << 0)	/* limits: many senders, many receivers */
#define IPCX_RING_HUGE		(1U << 1)	/* limits: in huge pages, as far as there are any */

#define IPCX_RING_SENDER	(1U << 0)	/* attach: to send */
#define IPCX_RING_RECEIVER	(1U << 1)	/* attach: to receive */
#define IPCX_RING_POPULATE	(1U << 2)	/* attach: allocate all of the memory now */

#define IPCX_RING_INLINE	56		/* a message of so many bytes takes one cache line */
#define IPCX_RING_MAX_LEN	(1U << 30)
#define IPCX_RING_MAX_SLOTS	(1U << 24)
#define IPCX_RING_SPIN_NS	50000		/* spin for so long before sleeping, by default */

/**
 * struct ipcx_ring_limits - the shape of a ring
 * @flags:	IPCX_RING_MANY, IPCX_RING_HUGE
 * @slots:	most messages in it, rounded up to a power of 2; 0: 64
 * @max_len:	longest message, in bytes; 0: 56
 * @bytes:	0: each slot has room for the longest message.  Otherwise messages of more than 56
 *		bytes share so many, at least @max_len, rounded up to a power of 2; not with
 *		IPCX_RING_MANY.
 */
struct ipcx_ring_limits {
	unsigned int flags;
	unsigned int slots;
	size_t max_len;
	size_t bytes;
};

/**
 * struct ipcx_ring - one process's end of a ring, or both ends
 * @opaque:	the library's
 *
 * Each end is for one thread at a time, and two threads may have one each.  A child created by
 * fork(2) must not use its copy while the parent uses the original.
 */
struct ipcx_ring {
	uint64_t opaque[160];
};

/**
 * struct ipcx_ring_stat - what is known about a ring, without promise while others use it
 * @slots:	most messages
 * @max_len:	longest message, in bytes
 * @flags:	IPCX_RING_*
 * @used:	slots in use
 * @bad:	messages that this end has dropped, because they were garbage
 * @sleeps:	how often this end has slept
 * @wakes:	how often it has entered the kernel to wake the other
 */
struct ipcx_ring_stat {
	uint32_t slots;
	uint32_t max_len;
	uint32_t flags;
	uint32_t used;
	uint64_t bad;
	uint64_t sleeps;
	uint64_t wakes;
};

/*
 * A new ring: returns the descriptor of its memory.  @name: NULL for none; with a name, a region,
 * which needs the module, and a ring that is there already is opened as it is.  @limits: NULL
 * for the defaults.  @options: as for ipcx_region_create().
 */
int ipcx_ring_create(const char *name, const struct ipcx_ring_limits *limits,
		     const struct ipcx_options *options);
/* Bytes that a ring needs; 0 if there can be none. */
size_t ipcx_ring_size(const struct ipcx_ring_limits *limits);
/*
 * Make a ring in the memory behind @fd, which must be zeros, and memory that is there for good: a
 * region with IPCX_REGION_RESERVED, or a memfd with F_SEAL_SHRINK.  -EPERM for other memory, since to
 * touch what is missing would kill; -EEXIST if there is a ring, which stays as it is.
 */
int ipcx_ring_format(int fd, const struct ipcx_ring_limits *limits);

/*
 * @role: IPCX_RING_SENDER, IPCX_RING_RECEIVER or both, and IPCX_RING_POPULATE.  @fd can be closed
 * afterwards.  -EBUSY: another process, or handle, has that end.  -EPERM: as above.
 */
int ipcx_ring_attach(struct ipcx_ring *ring, int fd, unsigned int role);
/* Give the end up: the other side learns of it (-EPIPE).  Messages stay. */
int ipcx_ring_detach(struct ipcx_ring *ring);
/* Spin for @ns before sleeping, 0 for not at all, IPCX_FOREVER for never sleeping. */
int ipcx_ring_set_spin(struct ipcx_ring *ring, uint64_t ns);
int ipcx_ring_stat(const struct ipcx_ring *ring, struct ipcx_ring_stat *stat);

/*
 * Send a copy; waits for room as long as it takes, or until @timeout (absolute).  @flags:
 * IPCX_NOWAIT, IPCX_REALTIME.  -EMSGSIZE, -EAGAIN, -ETIMEDOUT, -EINTR; -EPIPE: the receiver has
 * gone; -EPROTO: its side of the memory is garbage.
 */
int ipcx_ring_send(struct ipcx_ring *ring, const void *buf, size_t len);
int ipcx_ring_send_until(struct ipcx_ring *ring, const void *buf, size_t len, unsigned int flags,
			 uint64_t timeout);
/* Send @nr messages; returns how many were sent, at least one, or why the first was not. */
int ipcx_ring_sendv(struct ipcx_ring *ring, const struct iovec *msgs, unsigned int nr,
		    unsigned int flags, uint64_t timeout);

/*
 * Receive: returns the length.  -EMSGSIZE: it is longer than @len, and stays; -EPIPE: nothing is
 * left and the sender has gone; -EBADMSG: the message was garbage, and is gone.
 */
ssize_t ipcx_ring_recv(struct ipcx_ring *ring, void *buf, size_t len);
ssize_t ipcx_ring_recv_until(struct ipcx_ring *ring, void *buf, size_t len, unsigned int flags,
			     uint64_t timeout);
/* Receive up to @nr, waiting for the first only; returns how many, with iov_len set to theirs. */
int ipcx_ring_recvv(struct ipcx_ring *ring, struct iovec *msgs, unsigned int nr,
		    unsigned int flags, uint64_t timeout);

/*
 * Without a copy: room for a message of up to @len bytes, aligned to 8, where it is written in
 * place.  It is sent by ipcx_ring_commit(), with its final length, which may be less.  Another
 * reservation replaces one that was not committed.
 */
int ipcx_ring_reserve(struct ipcx_ring *ring, void **addr, size_t len, unsigned int flags,
		      uint64_t timeout);
int ipcx_ring_commit(struct ipcx_ring *ring, size_t len);
/*
 * Up to @nr at once: iov_len is what is wanted, iov_base where; returns how many, at least one.
 * Commit sends the first @nr of those reserved, with the lengths in @msgs, and gives the
 * others back.
 */
int ipcx_ring_reservev(struct ipcx_ring *ring, struct iovec *msgs, unsigned int nr,
		       unsigned int flags, uint64_t timeout);
int ipcx_ring_commitv(struct ipcx_ring *ring, const struct iovec *msgs, unsigned int nr);

/*
 * The next message where it is: returns its length.  It stays until ipcx_ring_release(), which
 * frees the first @nr messages that were peeked at.  The sender can still change it: copy what is
 * to be checked before it is used.
 */
ssize_t ipcx_ring_peek(struct ipcx_ring *ring, const void **addr, unsigned int flags,
		       uint64_t timeout);
int ipcx_ring_peekv(struct ipcx_ring *ring, struct iovec *msgs, unsigned int nr,
		    unsigned int flags, uint64_t timeout);
int ipcx_ring_release(struct ipcx_ring *ring, unsigned int nr);

/*
 * To poll an end, IPCX_RING_SENDER for room or IPCX_RING_RECEIVER for messages: every handle that polls it, and every one
 * of the other end, gets the same @fd, an eventfd(2) or an ipcx semaphore of one unit, O_NONBLOCK; -1: none.  It stays the
 * caller's.
 */
int ipcx_ring_set_bell(struct ipcx_ring *ring, unsigned int end, int fd);
/*
 * When a call with IPCX_NOWAIT has said -EAGAIN, and before @fd is polled for POLLIN: returns for how many milliseconds at
 * most, after which this is called again; 0: do not poll, there is something now.  -EPIPE: the other end has gone and
 * nothing is left; -EINVAL: no bell; -EPROTO.
 */
int ipcx_ring_arm(struct ipcx_ring *ring, unsigned int end);

/* ---- loans: memory that is handed over instead of copied ---- */

#define IPCX_LOAN_MAX_NR	(1U << 20)
#define IPCX_LOAN_MAX_LEN	(1ULL << 35)

/**
 * struct ipcx_loan_limits - what can be lent
 * @flags:	IPCX_RING_HUGE
 * @nr:		pieces of memory; 0: 16
 * @len:	bytes of each; 0: 64 KiB.  Each begins on a cache line.
 */
struct ipcx_loan_limits {
	unsigned int flags;
	unsigned int nr;
	size_t len;
};

/**
 * struct ipcx_loans - one process's end of a channel of loans, or both ends
 * @opaque:	the library's
 *
 * Sending and receiving are each for one thread at a time; taking and returning are for any.  A
 * child created by fork(2) must not use its copy while the parent uses the original.
 */
struct ipcx_loans {
	uint64_t opaque[176];
};

/**
 * struct ipcx_loan - a piece of memory in the caller's hands
 * @addr:	where it is
 * @len:	bytes: all of it when it was taken; what was sent when it was received
 * @id, @turn:	the library's
 */
struct ipcx_loan {
	void *addr;
	size_t len;
	uint32_t id;
	uint32_t turn;
};

/* A new channel: returns the descriptor of its memory.  Arguments as for ipcx_ring_create(). */
int ipcx_loan_create(const char *name, const struct ipcx_loan_limits *limits,
		     const struct ipcx_options *options);
/* @role: IPCX_RING_SENDER, IPCX_RING_RECEIVER or both, and IPCX_RING_POPULATE. */
int ipcx_loan_attach(struct ipcx_loans *loans, int fd, unsigned int role);
/* What this end holds comes back; what it has sent stays on its way. */
int ipcx_loan_detach(struct ipcx_loans *loans);
int ipcx_loan_set_spin(struct ipcx_loans *loans, uint64_t ns);

/*
 * Take a piece that nobody holds; waits until one is returned.  Those of holders that have died
 * are taken back.  @flags, @timeout as for ipcx_ring_send_until().
 */
int ipcx_loan_take(struct ipcx_loans *loans, struct ipcx_loan *loan, unsigned int flags,
		   uint64_t timeout);
/* Hand over the first @len bytes.  The piece is not the caller's any more; never waits. */
int ipcx_loan_send(struct ipcx_loans *loans, struct ipcx_loan *loan, size_t len);
/*
 * The next piece that was sent; it is the caller's until it is returned.  The sender can still
 * write to it: copy what is to be checked before it is used.
 */
int ipcx_loan_recv(struct ipcx_loans *loans, struct ipcx_loan *loan, unsigned int flags,
		   uint64_t timeout);
int ipcx_loan_return(struct ipcx_loans *loans, struct ipcx_loan *loan);
/* Take back what the dead hold; returns how many pieces that were. */
int ipcx_loan_reclaim(struct ipcx_loans *loans);

/* ---- mapped semaphores ---- */

#define IPCX_MSEM_SIZE		64		/* bytes of shared memory, aligned as much */
#define IPCX_MSEM_SPIN_NS	20000		/* spin for so long before sleeping, by default */

/**
 * struct ipcx_msem - one process's way to a semaphore in shared memory
 * @opaque:	the library's
 *
 * Any number of threads may use one at the same time, and so may a child created by fork(2).
 */
struct ipcx_msem {
	uint64_t opaque[8];
};

/*
 * A new semaphore: returns the descriptor of its memory.  @name, @options: as for
 * ipcx_ring_create().  @initial: units at the beginning; @max: most units, 0 for INT_MAX.
 */
int ipcx_msem_create(const char *name, unsigned int initial, unsigned int max,
		     const struct ipcx_options *options);
/* @fd can be closed afterwards. */
int ipcx_msem_attach(struct ipcx_msem *sem, int fd);
/*
 * A semaphore in IPCX_MSEM_SIZE bytes at @mem, of shared memory that the caller has mapped and
 * that nobody can shorten.  Zeros become one with @initial units; otherwise it is the one that
 * is there, whatever its limits.
 */
int ipcx_msem_place(struct ipcx_msem *sem, void *mem, unsigned int initial, unsigned int max);
int ipcx_msem_detach(struct ipcx_msem *sem);
/* Spin for @ns before sleeping, 0 for not at all, IPCX_FOREVER for never sleeping. */
int ipcx_msem_set_spin(struct ipcx_msem *sem, uint64_t ns);

/* Add @nr units.  -EOVERFLOW, and nothing has changed: there would be more than the maximum. */
int ipcx_msem_post(struct ipcx_msem *sem, unsigned int nr);
/*
 * Take @nr units, all or none.  @flags: IPCX_NOWAIT, IPCX_REALTIME.  -EAGAIN, -ETIMEDOUT,
 * -EINTR.
 */
int ipcx_msem_wait(struct ipcx_msem *sem, unsigned int nr, unsigned int flags, uint64_t timeout);
/* Take @nr units if they are there now, else -EAGAIN. */
int ipcx_msem_trywait(struct ipcx_msem *sem, unsigned int nr);
/* Units that are there at this moment, at most INT_MAX. */
int ipcx_msem_value(const struct ipcx_msem *sem);

#ifdef __cplusplus
}
#endif

#endif /* IPCX_RING_H */
