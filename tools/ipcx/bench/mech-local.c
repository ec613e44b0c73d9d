// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: what stays in user space: rings, loans, mapped semaphores, and as their measure a
 * ring written by hand for nothing but this.  They need no /dev/ipcx.
 */
#include "bench.h"

#include <errno.h>
#include <ipcx-ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define RING_BYTES	(64UL << 10)	/* of one direction, unless two messages need more */
#define RING_MAX_SLOTS	64UL

static unsigned int nr_slots(const struct link *l)
{
	size_t nr = RING_BYTES / l->len, least = l->capacity > 2 ? l->capacity : 2;

	return nr < least ? least : nr > RING_MAX_SLOTS ? RING_MAX_SLOTS : nr;
}

/**
 * struct rings - a ring for each direction
 * @at: where this process's ends are: the calls are a few instructions, and a multiplication would show
 * @fd: their memory
 * @ring: the ends
 */
struct rings {
	struct ipcx_ring *at[2];
	int fd[2];
	struct ipcx_ring ring[2];
};

static int setup_rings(struct link *l)
{
	bool many = !strcmp(l->mech->name, "ipcx_ring_many");
	struct ipcx_ring_limits limits = { many ? IPCX_RING_MANY : 0, nr_slots(l), l->len, 0 };
	struct rings *rings = calloc(1, sizeof(*rings));

	if (!rings)
		return -ENOMEM;
	l->priv = rings;
	for (int dir = 0; dir < 2; dir++) {
		rings->at[dir] = &rings->ring[dir];
		rings->fd[dir] = ipcx_ring_create(NULL, &limits, NULL);
		if (rings->fd[dir] == -EDQUOT)
			return skip(l, "more than the quota of one user (module parameter "
				    "user_bytes)");
		if (rings->fd[dir] < 0)
			return rings->fd[dir];
	}
	return 0;
}

/* After the fork: an end belongs to a process. */
static int start_rings(struct link *l, int side)
{
	struct rings *rings = l->priv;
	int ret = 0;

	for (int dir = 0; dir < 2 && !ret; dir++) {
		unsigned int role = dir == side ? IPCX_RING_SENDER : IPCX_RING_RECEIVER;

		if (!l->two)
			role = IPCX_RING_SENDER | IPCX_RING_RECEIVER;
		ret = ipcx_ring_attach(&rings->ring[dir], rings->fd[dir],
				       role | IPCX_RING_POPULATE);
	}
	return ret;
}

static inline struct ipcx_ring *ring_at(struct link *l, int dir)
{
	return ((struct rings *)l->priv)->at[dir];
}

static int send_ring(struct link *l, int dir, void *buf, size_t len)
{
	return ipcx_ring_send(ring_at(l, dir), buf, len);
}

static int recv_ring(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = ipcx_ring_recv(ring_at(l, dir), buf, len);

	if (__builtin_expect(n == (ssize_t)len, 1))
		return 0;
	return n < 0 ? (int)n : -EIO;
}

static int sendv_ring(struct link *l, int dir, struct iovec *iov, unsigned int nr)
{
	int n = ipcx_ring_sendv(ring_at(l, dir), iov, nr, 0, IPCX_FOREVER);

	return n == (int)nr ? 0 : n < 0 ? n : -EIO;
}

static int recvv_ring(struct link *l, int dir, struct iovec *iov, unsigned int nr)
{
	int n = ipcx_ring_recvv(ring_at(l, dir), iov, nr, 0, IPCX_FOREVER);

	return n == (int)nr ? 0 : n < 0 ? n : -EIO;
}

#define NR_LOANS	8U

/**
 * struct channels - a channel of loans for each direction
 * @fd: their memory
 * @nr: messages that this process has sent and received
 */
struct channels {
	int fd[2];
	unsigned int nr[2];
	struct ipcx_loans loans[2];
};

static int setup_loans(struct link *l)
{
	struct ipcx_loan_limits limits = { 0, l->len > 4UL << 20 ? 2 : NR_LOANS, l->len };
	struct channels *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	l->priv = c;
	for (int dir = 0; dir < 2; dir++) {
		c->fd[dir] = ipcx_loan_create(NULL, &limits, NULL);
		if (c->fd[dir] < 0)
			return c->fd[dir];
	}
	return 0;
}

static int start_loans(struct link *l, int side)
{
	struct channels *c = l->priv;
	int ret = 0;

	for (int dir = 0; dir < 2 && !ret; dir++) {
		unsigned int role = dir == side ? IPCX_RING_SENDER : IPCX_RING_RECEIVER;

		if (!l->two)
			role = IPCX_RING_SENDER | IPCX_RING_RECEIVER;
		ret = ipcx_loan_attach(&c->loans[dir], c->fd[dir], role | IPCX_RING_POPULATE);
	}
	/* The memory of a large payload is more than a small machine, or the quota, has. */
	return ret == -ENOMEM ? skip(l, "no memory for the pieces") : ret;
}

/*
 * What the cases write to both ends of their buffer is written to, and read from, the piece; all
 * of it as long as the payload is verified whole, which is for so many messages.
 */
static void copy_ends(char *to, const char *from, size_t len, unsigned int nr)
{
	if (nr < (len < 65536 ? 64 : 8)) {
		memcpy(to, from, len);
		return;
	}
	memcpy(to, from, 8);
	memcpy(to + len - 8, from + len - 8, 8);
}

static int send_loan(struct link *l, int dir, void *buf, size_t len)
{
	struct channels *c = l->priv;
	struct ipcx_loan loan;
	int ret = ipcx_loan_take(&c->loans[dir], &loan, 0, IPCX_FOREVER);

	if (ret)
		return ret;
	copy_ends(loan.addr, buf, len, c->nr[0]++);
	return ipcx_loan_send(&c->loans[dir], &loan, len);
}

static int recv_loan(struct link *l, int dir, void *buf, size_t len)
{
	struct channels *c = l->priv;
	struct ipcx_loan loan;
	int ret = ipcx_loan_recv(&c->loans[dir], &loan, 0, IPCX_FOREVER);

	if (ret)
		return ret;
	if (loan.len != len)
		return -EIO;
	copy_ends(buf, loan.addr, len, c->nr[1]++);
	return ipcx_loan_return(&c->loans[dir], &loan);
}

/**
 * struct bare - one direction of a ring as one writes it by hand
 * @sent, @received: positions, each written by one side
 * @slots: messages of one length, which both sides know
 *
 * No lengths, no checks, no sleeping, and an index that wraps at a power of two.
 */
struct bare {
	_Alignas(128) atomic_uint_fast64_t sent;
	_Alignas(128) atomic_uint_fast64_t received;
	_Alignas(128) char slots[];
};

/**
 * struct bare_end - what a side keeps for itself
 * @pos: its position
 * @seen: that of the other side, when it was last looked at
 */
struct bare_end {
	struct bare *bare;
	uint64_t pos;
	uint64_t seen;
	uint64_t nr;
	size_t stride;
};

static int setup_bare(struct link *l)
{
	struct bare_end *ends = calloc(4, sizeof(*ends));
	size_t stride = (l->len + 63) & ~63UL, nr = 1;

	if (!ends)
		return -ENOMEM;
	while (nr < nr_slots(l))
		nr *= 2;
	for (int i = 0; i < 4; i++) {
		ends[i].bare = i % 2 ? ends[i - 1].bare :
				       shared_pages(sizeof(struct bare) + nr * stride);
		ends[i].nr = nr;
		ends[i].stride = stride;
		if (!ends[i].bare)
			return -ENOMEM;
	}
	l->priv = ends;
	return 0;
}

static int send_bare(struct link *l, int dir, void *buf, size_t len)
{
	struct bare_end *e = (struct bare_end *)l->priv + 2 * dir;

	while (e->pos - e->seen == e->nr)
		e->seen = atomic_load_explicit(&e->bare->received, memory_order_acquire);
	memcpy(e->bare->slots + (e->pos & (e->nr - 1)) * e->stride, buf, len);
	atomic_store_explicit(&e->bare->sent, ++e->pos, memory_order_release);
	return 0;
}

static int recv_bare(struct link *l, int dir, void *buf, size_t len)
{
	struct bare_end *e = (struct bare_end *)l->priv + 2 * dir + 1;

	while (e->pos == e->seen)
		e->seen = atomic_load_explicit(&e->bare->sent, memory_order_acquire);
	memcpy(buf, e->bare->slots + (e->pos & (e->nr - 1)) * e->stride, len);
	atomic_store_explicit(&e->bare->received, ++e->pos, memory_order_release);
	return 0;
}

static int setup_mapped_sems(struct link *l)
{
	char *mem = shared_pages(NR_TOKENS * 128);
	struct ipcx_msem *sems = calloc(NR_TOKENS, sizeof(*sems));
	int ret = 0;

	if (!mem || !sems)
		return -ENOMEM;
	for (int i = 0; i < NR_TOKENS && !ret; i++)
		ret = ipcx_msem_place(&sems[i], mem + i * 128, 0, 0);
	l->token_priv = sems;
	return ret;
}

static int post_mapped(struct link *l, int token, void *buf, size_t len)
{
	(void)buf, (void)len;
	return ipcx_msem_post((struct ipcx_msem *)l->token_priv + token, 1);
}

static int wait_mapped(struct link *l, int token, void *buf, size_t len)
{
	(void)buf, (void)len;
	return ipcx_msem_wait((struct ipcx_msem *)l->token_priv + token, 1, 0, IPCX_FOREVER);
}

const struct mechanism local_mechanisms[] = {
	{ .name = "bare_ring", .usage = "shared memory, a ring written by hand for one length: no "
	  "checks, never sleeps",
	  .cases = CASE_BIT(CASE_SEND_RECV) | CASE_BIT(CASE_STREAM), .is_measure = true,
	  .spins = true, .setup = setup_bare,
	  .send = send_bare, .recv = recv_bare },
	{ .name = "ipcx_ring", .usage = "ipcx_ring_send(), ipcx_ring_recv(); batch: "
	  "ipcx_ring_sendv(), ipcx_ring_recvv()",
	  .cases = MESSAGE_CASES | CASE_BIT(CASE_BATCH), .setup = setup_rings, .start = start_rings,
	  .send = send_ring, .recv = recv_ring, .sendv = sendv_ring, .recvv = recvv_ring },
	{ .name = "ipcx_ring_many", .usage = "the same with IPCX_RING_MANY",
	  .cases = MESSAGE_CASES | CASE_BIT(CASE_BATCH), .setup = setup_rings, .start = start_rings,
	  .send = send_ring, .recv = recv_ring, .sendv = sendv_ring, .recvv = recvv_ring },
	{ .name = "ipcx_loan", .usage = "ipcx_loan_take(), written in place at both ends, "
	  "ipcx_loan_send(), ipcx_loan_recv(), ipcx_loan_return()",
	  .cases = MESSAGE_CASES, .setup = setup_loans, .start = start_loans,
	  .send = send_loan, .recv = recv_loan },
	{ .name = "ipcx_sem_mapped", .usage = "ipcx_msem_post(), ipcx_msem_wait()",
	  .cases = TOKEN_CASES, .setup = setup_mapped_sems,
	  .send = post_mapped, .recv = wait_mapped },
	{ 0 }
};
