// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: message libraries, where their packages were installed when this was built.  Without
 * one, its rows say so.
 */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One link has one socket at each side; in one process both sides are here. */
static inline bool has_side(const struct link *l, int side, int started)
{
	return !l->two || side == started;
}

#if defined(HAVE_ZMQ) || defined(HAVE_NNG)
/* Both know abstract names, which leave no file behind; this one is the turn's own. */
static void name_of(const struct link *l, const char *scheme, char *name, size_t len)
{
	snprintf(name, len, "%sipcx-bench.%d", scheme, (int)l->pid[0]);
}
#endif

#ifdef HAVE_ZMQ
#include <zmq.h>

#define LINGER_MS	1000		/* for what nobody may take any more; a stream's end is taken */

static void *zmq_side[2], *zmq_context;

static int setup_zmq(struct link *l)
{
	(void)l;
	return 0;
}

static int open_zmq(struct link *l, int side)
{
	int linger = l->bcase == CASE_STREAM || l->bcase == CASE_OPEN_LOOP ? -1 : LINGER_MS;
	char name[64];

	name_of(l, "ipc://@", name, sizeof(name));
	zmq_side[side] = zmq_socket(zmq_context, ZMQ_PAIR);
	if (!zmq_side[side])
		return -zmq_errno();
	zmq_setsockopt(zmq_side[side], ZMQ_LINGER, &linger, sizeof(linger));
	return (side ? zmq_connect(zmq_side[side], name) : zmq_bind(zmq_side[side], name)) ?
	       -zmq_errno() : 0;
}

/* A context has threads: it begins after the fork. */
static int start_zmq(struct link *l, int side)
{
	int ret;

	zmq_context = zmq_ctx_new();
	ret = zmq_context ? 0 : -ENOMEM;
	for (int s = 0; !ret && s < 2; s++)
		if (has_side(l, s, side))
			ret = open_zmq(l, s);
	return ret;
}

static int send_zmq(struct link *l, int dir, void *buf, size_t len)
{
	(void)l;
	return zmq_send(zmq_side[dir], buf, len, 0) == (int)len ? 0 : -zmq_errno();
}

static int recv_zmq(struct link *l, int dir, void *buf, size_t len)
{
	int n = zmq_recv(zmq_side[!dir], buf, len, 0);

	(void)l;
	return n == (int)len ? 0 : n < 0 ? -zmq_errno() : -EIO;
}

/* What is sent leaves in another thread; the end of the context waits for that. */
static int flush_zmq(struct link *l)
{
	(void)l;
	for (int s = 0; s < 2; s++)
		if (zmq_side[s])
			zmq_close(zmq_side[s]);
	zmq_ctx_term(zmq_context);
	return 0;
}
#endif

#ifdef HAVE_NNG
#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>

static nng_socket nng_side[2];

static int setup_nng(struct link *l)
{
	(void)l;
	return 0;
}

static int start_nng(struct link *l, int side)
{
	char name[64];
	int ret = 0;

	name_of(l, "abstract://", name, sizeof(name));
	for (int s = 0; !ret && s < 2; s++) {
		if (!has_side(l, s, side))
			continue;
		ret = nng_pair0_open(&nng_side[s]);
		ret = ret ?: nng_socket_set_size(nng_side[s], NNG_OPT_RECVMAXSZ, 0);
		/* The dialer tries again until the listener is there. */
		ret = ret ?: s ? nng_dial(nng_side[s], name, NULL, NNG_FLAG_NONBLOCK) :
		      nng_listen(nng_side[s], name, NULL, 0);
	}
	return ret ? -EIO : 0;
}

static int send_nng(struct link *l, int dir, void *buf, size_t len)
{
	(void)l;
	return nng_send(nng_side[dir], buf, len, 0) ? -EIO : 0;
}

static int recv_nng(struct link *l, int dir, void *buf, size_t len)
{
	size_t got = len;
	int ret = nng_recv(nng_side[!dir], buf, &got, 0);

	(void)l;
	return ret || got != len ? -EIO : 0;
}
#endif

#ifdef HAVE_CK
#include <ck_ring.h>
#include <sched.h>

#define CK_SLOTS	128		/* a power of 2; one stays free */

/**
 * struct ck_link - one direction: a ring of pointers to slots, which all processes see at one address
 * @sent: by the sender: the slot to fill next
 */
struct ck_link {
	ck_ring_t ring;
	ck_ring_buffer_t pointers[CK_SLOTS];
	_Alignas(64) unsigned int sent;
	char *slots;
};

static size_t ck_slot(const struct link *l)
{
	return (l->len + 63) & ~63UL;
}

static int setup_ck(struct link *l)
{
	struct ck_link *links = shared_pages(2 * sizeof(*links));
	char *slots = shared_pages(2 * CK_SLOTS * ck_slot(l));

	if (!links || !slots)
		return -ENOMEM;
	for (int dir = 0; dir < 2; dir++) {
		ck_ring_init(&links[dir].ring, CK_SLOTS);
		links[dir].slots = slots + dir * CK_SLOTS * ck_slot(l);
	}
	l->priv = links;
	return 0;
}

/* Slot i is written again when the ring has room for it: it holds one less than there are slots. */
static int send_ck(struct link *l, int dir, void *buf, size_t len)
{
	struct ck_link *c = (struct ck_link *)l->priv + dir;
	char *slot = c->slots + c->sent % CK_SLOTS * ck_slot(l);

	while (ck_ring_size(&c->ring) >= CK_SLOTS - 2)
		ck_pr_stall();
	memcpy(slot, buf, len);
	while (!ck_ring_enqueue_spsc(&c->ring, c->pointers, slot))
		ck_pr_stall();
	c->sent++;
	return 0;
}

static int recv_ck(struct link *l, int dir, void *buf, size_t len)
{
	struct ck_link *c = (struct ck_link *)l->priv + dir;
	void *slot;

	while (!ck_ring_dequeue_spsc(&c->ring, c->pointers, &slot))
		ck_pr_stall();
	memcpy(buf, slot, len);
	return 0;
}
#endif

#if !defined(HAVE_ZMQ) || !defined(HAVE_NNG) || !defined(HAVE_CK)
static int not_built(struct link *l, const char *package)
{
	return skip(l, "%s was not installed when this was built", package);
}

static int no_call(struct link *l, int dir, void *buf, size_t len)
{
	(void)l, (void)dir, (void)buf, (void)len;
	return -EOPNOTSUPP;
}
#endif

#ifndef HAVE_ZMQ
static int setup_zmq(struct link *l)
{
	return not_built(l, "libzmq3-dev");
}

#define start_zmq	NULL
#define send_zmq	no_call
#define recv_zmq	no_call
#define flush_zmq	NULL
#endif

#ifndef HAVE_NNG
static int setup_nng(struct link *l)
{
	return not_built(l, "libnng-dev");
}

#define start_nng	NULL
#define send_nng	no_call
#define recv_nng	no_call
#endif

#ifndef HAVE_CK
static int setup_ck(struct link *l)
{
	return not_built(l, "libck-dev");
}

#define send_ck		no_call
#define recv_ck		no_call
#endif

const struct mechanism peer_mechanisms[] = {
	{ .name = "zeromq", .usage = "zmq_send and zmq_recv, a PAIR over ipc:// (libzmq3-dev)",
	  .cases = MESSAGE_CASES, .is_measure = true,
	  .setup = setup_zmq, .start = start_zmq,
	  .send = send_zmq, .recv = recv_zmq, .flush = flush_zmq },
	{ .name = "nng", .usage = "nng_send and nng_recv, pair0 over an abstract socket (libnng-dev)",
	  .cases = MESSAGE_CASES, .is_measure = true,
	  .setup = setup_nng, .start = start_nng,
	  .send = send_nng, .recv = recv_nng },
	{ .name = "ck_ring", .usage = "ck_ring_enqueue_spsc and ck_ring_dequeue_spsc of pointers to slots "
	  "in shared memory, spinning (libck-dev)",
	  .cases = CASE_BIT(CASE_SEND_RECV) | CASE_BIT(CASE_STREAM), .is_measure = true,
	  .spins = true, .setup = setup_ck,
	  .send = send_ck, .recv = recv_ck },
	{ 0 }
};
