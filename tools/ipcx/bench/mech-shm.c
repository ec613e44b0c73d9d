// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: shared memory of every kind with a semaphore of the same family, and
 * process_vm_readv(2).  The memory is a ring of slots for each direction: the sender waits for a
 * free slot, copies in and posts; the receiver waits, copies out and frees.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <unistd.h>

#define RING_BYTES	(256UL << 10)	/* of one direction, unless two messages need more */
#define RING_MAX_SLOTS	64UL

/* The tokens of direction d. */
#define FULL(d)		(d)
#define FREE(d)		(2 + (d))

/**
 * struct ring - this process's view of one direction
 * @slots: in shared memory
 * @slot_len: distance of two slots
 * @nr: slots
 * @next_send: slot that this process fills next
 * @next_recv: slot that it empties next
 */
struct ring {
	char *slots;
	size_t slot_len;
	unsigned int nr;
	unsigned int next_send;
	unsigned int next_recv;
};

/* Zeroed memory that children share. */
void *shared_pages(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static inline int post(struct link *l, int token)
{
	return l->tokens->send(l, token, NULL, 0);
}

static inline int wait_for(struct link *l, int token)
{
	return l->tokens->recv(l, token, NULL, 0);
}

static size_t slot_len(const struct link *l)
{
	return (l->len + 63) & ~63UL;
}

static unsigned int nr_slots(const struct link *l)
{
	size_t nr = RING_BYTES / slot_len(l);

	return nr < 2 ? 2 : nr > RING_MAX_SLOTS ? RING_MAX_SLOTS : nr;
}

/* Shared memory that the two rings of a link need. */
size_t ring_len(const struct link *l)
{
	return 2 * nr_slots(l) * slot_len(l);
}

/* Lay two rings over @mem and make all slots free; touch the memory first. */
int ring_setup(struct link *l, void *mem, const char *tokens)
{
	struct ring *rings = calloc(2, sizeof(*rings));
	int ret;

	if (!rings)
		return -ENOMEM;
	memset(mem, 0, ring_len(l));
	l->priv = rings;
	l->tokens = mechanism_named(tokens);
	ret = l->tokens->setup(l);
	for (int dir = 0; dir < 2; dir++) {
		rings[dir].slot_len = slot_len(l);
		rings[dir].nr = nr_slots(l);
		rings[dir].slots = (char *)mem + dir * ring_len(l) / 2;
		for (unsigned int i = 0; !ret && i < rings[dir].nr; i++)
			ret = post(l, FREE(dir));
	}
	return ret;
}

static int setup_fd_rings(struct link *l, int fd, const char *tokens)
{
	void *mem;

	if (fd < 0 || ftruncate(fd, ring_len(l)))
		return -errno;
	mem = mmap(NULL, ring_len(l), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return -errno;
	return ring_setup(l, mem, tokens);
}

static int setup_posix_shm(struct link *l)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/ipcx-bench.%d", getpid());
	fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return skip(l, "shm_open: %s (is /dev/shm mounted?)", strerror(errno));
	shm_unlink(name);
	return setup_fd_rings(l, fd, "sem_t");
}

static int setup_memfd(struct link *l)
{
	return setup_fd_rings(l, memfd_create("ipcx-bench", MFD_CLOEXEC), "eventfd");
}

static int setup_sysv_shm(struct link *l)
{
	int id = keep_id(l, SYSV_SHM, shmget(IPC_PRIVATE, ring_len(l), 0600));
	void *mem;

	if (id < 0)
		return id;
	mem = shmat(id, NULL, 0);
	if (mem == (void *)-1)
		return -errno;
	/* From here on it lives only as long as it is attached. */
	shmctl(id, IPC_RMID, NULL);
	return ring_setup(l, mem, "sysv_sem");
}

int ring_send(struct link *l, int dir, void *buf, size_t len)
{
	struct ring *r = (struct ring *)l->priv + dir;
	int ret = wait_for(l, FREE(dir));

	if (ret)
		return ret;
	memcpy(r->slots + r->next_send * r->slot_len, buf, len);
	if (++r->next_send == r->nr)
		r->next_send = 0;
	return post(l, FULL(dir));
}

int ring_recv(struct link *l, int dir, void *buf, size_t len)
{
	struct ring *r = (struct ring *)l->priv + dir;
	int ret = wait_for(l, FULL(dir));

	if (ret)
		return ret;
	memcpy(buf, r->slots + r->next_recv * r->slot_len, len);
	if (++r->next_recv == r->nr)
		r->next_recv = 0;
	return post(l, FREE(dir));
}

/**
 * struct offer - what one side may read from the other, in memory both share
 * @iov: its messages, at addresses of its own
 * @nr: how many
 */
struct offer {
	struct iovec iov[BATCH_NR];
	unsigned int nr;
};

static int setup_process_vm(struct link *l)
{
	struct iovec self = { l->tx, 1 }, into = { l->rx, 1 };

	l->priv = shared_pages(2 * sizeof(struct offer));
	if (!l->priv)
		return -ENOMEM;
	if (process_vm_readv(getpid(), &into, 1, &self, 1, 0) != 1)
		return skip(l, "process_vm_readv: %s", strerror(errno));
	l->tokens = mechanism_named("sem_t");
	return l->tokens->setup(l);
}

/* Yama lets only ancestors read a process, unless it declares otherwise. */
static int start_process_vm(struct link *l, int side)
{
	(void)l, (void)side;
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	return 0;
}

static int offer(struct link *l, int dir, const struct iovec *iov, unsigned int nr)
{
	struct offer *o = (struct offer *)l->priv + dir;

	memcpy(o->iov, iov, nr * sizeof(*iov));
	o->nr = nr;
	return post(l, FULL(dir));
}

static int take_offer(struct link *l, int dir, const struct iovec *iov, unsigned int nr)
{
	const struct offer *o = (struct offer *)l->priv + dir;
	int ret = wait_for(l, FULL(dir));
	ssize_t n;

	if (ret)
		return ret;
	n = process_vm_readv(l->pid[dir], iov, nr, o->iov, o->nr, 0);
	return n == (ssize_t)(nr * l->len) ? 0 : n < 0 ? -errno : -EIO;
}

/* The answer, or in one process the order of calls, proves that the message has been read. */
static int send_offer(struct link *l, int dir, void *buf, size_t len)
{
	struct iovec iov = { buf, len };

	return offer(l, dir, &iov, 1);
}

static int recv_offer(struct link *l, int dir, void *buf, size_t len)
{
	struct iovec iov = { buf, len };

	return take_offer(l, dir, &iov, 1);
}

/* A stream has no answers: the receiver says when the buffers may be used again. */
static int send_offers(struct link *l, int dir, struct iovec *iov, unsigned int nr)
{
	int ret = offer(l, dir, iov, nr);

	return ret || !l->two ? ret : wait_for(l, FREE(dir));
}

static int recv_offers(struct link *l, int dir, struct iovec *iov, unsigned int nr)
{
	int ret = take_offer(l, dir, iov, nr);

	return ret || !l->two ? ret : post(l, FREE(dir));
}

const struct mechanism shm_mechanisms[] = {
	{ .name = "posix_shm", .usage = "shm_open(3), a ring of slots, two sem_t for each "
	  "direction; copied in and out",
	  .cases = MESSAGE_CASES, .setup = setup_posix_shm,
	  .send = ring_send, .recv = ring_recv },
	{ .name = "sysv_shm", .usage = "shmget(2), the same ring, semop(2)",
	  .cases = MESSAGE_CASES, .setup = setup_sysv_shm,
	  .send = ring_send, .recv = ring_recv },
	{ .name = "memfd", .usage = "memfd_create(2), the same ring, eventfd semaphores",
	  .cases = MESSAGE_CASES, .setup = setup_memfd,
	  .send = ring_send, .recv = ring_recv },
	{ .name = "process_vm", .usage = "process_vm_readv(2) straight from the sender's buffer, "
	  "handed over with sem_t; batch and stream: 32 buffers in one call",
	  .cases = MESSAGE_CASES | CASE_BIT(CASE_BATCH), .stream_nr = BATCH_NR,
	  .setup = setup_process_vm, .start = start_process_vm,
	  .send = send_offer, .recv = recv_offer, .sendv = send_offers, .recvv = recv_offers },
	{ 0 }
};
