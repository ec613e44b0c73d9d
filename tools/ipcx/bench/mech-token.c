// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: what hands over a turn without a payload: POSIX semaphores and
 * condition variables, a bare futex, eventfd.
 * A link has NR_TOKENS of each, all without a unit at first.
 */
#include "bench.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* POSIX: uncontended, it makes no system call. */
static int setup_sem_t(struct link *l)
{
	struct token { _Alignas(64) sem_t sem; } *tokens;

	tokens = shared_pages(NR_TOKENS * sizeof(*tokens));
	if (!tokens)
		return -ENOMEM;
	for (int i = 0; i < NR_TOKENS; i++)
		if (sem_init(&tokens[i].sem, 1, 0))
			return -errno;
	l->token_priv = tokens;
	return 0;
}

static sem_t *sem_of(const struct link *l, int token)
{
	return (sem_t *)((char *)l->token_priv + 64 * token);
}

static int post_sem_t(struct link *l, int token, void *buf, size_t len)
{
	(void)buf, (void)len;
	return sem_post(sem_of(l, token)) ? -errno : 0;
}

static int wait_sem_t(struct link *l, int token, void *buf, size_t len)
{
	(void)buf, (void)len;
	return sem_wait(sem_of(l, token)) ? -errno : 0;
}

/**
 * struct futex - a binary turn, written by hand
 * @state: EMPTY, POSTED, or SLEEPING: empty, and somebody may be asleep
 *
 * The smallest protocol that a futex allows: a post into an untouched word and a wait that finds it
 * set make no system call.
 */
struct futex {
	_Alignas(64) atomic_int state;
};

enum { EMPTY, POSTED, SLEEPING };

static int setup_futex(struct link *l)
{
	l->token_priv = shared_pages(NR_TOKENS * sizeof(struct futex));
	return l->token_priv ? 0 : -ENOMEM;
}

static int post_futex(struct link *l, int token, void *buf, size_t len)
{
	struct futex *f = (struct futex *)l->token_priv + token;

	(void)buf, (void)len;
	if (atomic_exchange(&f->state, POSTED) == SLEEPING &&
	    syscall(SYS_futex, &f->state, FUTEX_WAKE, 1, NULL, NULL, 0) < 0)
		return -errno;
	return 0;
}

static int wait_futex(struct link *l, int token, void *buf, size_t len)
{
	struct futex *f = (struct futex *)l->token_priv + token;

	(void)buf, (void)len;
	for (;;) {
		int state = POSTED;

		if (atomic_compare_exchange_strong(&f->state, &state, EMPTY))
			return 0;
		state = EMPTY;
		atomic_compare_exchange_strong(&f->state, &state, SLEEPING);
		if (state != POSTED &&
		    syscall(SYS_futex, &f->state, FUTEX_WAIT, SLEEPING, NULL, NULL, 0) < 0 &&
		    errno != EAGAIN && errno != EINTR)
			return -errno;
	}
}

/**
 * struct condition - a count under a mutex, and a condition variable for those who wait for it
 * @count: units (protected by @lock)
 */
struct condition {
	_Alignas(64) pthread_mutex_t lock;
	pthread_cond_t ready;
	unsigned int count;
};

static int setup_cond(struct link *l)
{
	struct condition *c = shared_pages(NR_TOKENS * sizeof(*c));
	pthread_mutexattr_t mutex;
	pthread_condattr_t cond;

	if (!c)
		return -ENOMEM;
	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	pthread_condattr_init(&cond);
	pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
	for (int i = 0; i < NR_TOKENS; i++) {
		int ret = pthread_mutex_init(&c[i].lock, &mutex);

		ret = ret ?: pthread_cond_init(&c[i].ready, &cond);
		if (ret)
			return -ret;
	}
	l->token_priv = c;
	return 0;
}

/* Signalled after the lock is dropped: the woken side does not run into it. */
static int post_cond(struct link *l, int token, void *buf, size_t len)
{
	struct condition *c = (struct condition *)l->token_priv + token;

	(void)buf, (void)len;
	pthread_mutex_lock(&c->lock);
	c->count++;
	pthread_mutex_unlock(&c->lock);
	return -pthread_cond_signal(&c->ready);
}

static int wait_cond(struct link *l, int token, void *buf, size_t len)
{
	struct condition *c = (struct condition *)l->token_priv + token;
	int ret = 0;

	(void)buf, (void)len;
	pthread_mutex_lock(&c->lock);
	while (!c->count && !ret)
		ret = pthread_cond_wait(&c->ready, &c->lock);
	if (!ret)
		c->count--;
	pthread_mutex_unlock(&c->lock);
	return -ret;
}

/* eventfd: a system call each way, always, but a descriptor. */
static int setup_eventfd(struct link *l)
{
	int *fds = malloc(NR_TOKENS * sizeof(*fds));

	if (!fds)
		return -ENOMEM;
	for (int i = 0; i < NR_TOKENS; i++) {
		fds[i] = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
		if (fds[i] < 0)
			return -errno;
	}
	l->token_priv = fds;
	return 0;
}

static int post_eventfd(struct link *l, int token, void *buf, size_t len)
{
	uint64_t one = 1;

	(void)buf, (void)len;
	return write(((int *)l->token_priv)[token], &one, sizeof(one)) < 0 ? -errno : 0;
}

static int wait_eventfd(struct link *l, int token, void *buf, size_t len)
{
	uint64_t one;

	(void)buf, (void)len;
	return read(((int *)l->token_priv)[token], &one, sizeof(one)) < 0 ? -errno : 0;
}

const struct mechanism token_mechanisms[] = {
	{ .name = "sem_t", .usage = "sem_post(3) and sem_wait(3), process-shared",
	  .cases = TOKEN_CASES, .setup = setup_sem_t, .send = post_sem_t, .recv = wait_sem_t },
	{ .name = "futex", .usage = "a three-state word of one's own, futex(2) only to sleep and "
	  "to wake a sleeper",
	  .cases = TOKEN_CASES, .setup = setup_futex, .send = post_futex, .recv = wait_futex },
	{ .name = "pthread_cond", .usage = "a count, a process-shared mutex and condition variable, "
	  "pthread_cond_signal(3) after unlocking",
	  .cases = TOKEN_CASES, .setup = setup_cond, .send = post_cond, .recv = wait_cond },
	{ .name = "eventfd", .usage = "write(2) of 1 and read(2), EFD_SEMAPHORE",
	  .cases = TOKEN_CASES, .setup = setup_eventfd,
	  .send = post_eventfd, .recv = wait_eventfd },
	{ 0 }
};
