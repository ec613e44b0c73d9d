// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: one wait for any of many objects.  An object is made ready, the wait finds it, and
 * what made it ready is taken: a word from a pipe, the count of an eventfd, the value of a futex.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <ipcx.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

/**
 * struct waited - the objects, and what each way to wait keeps between waits
 * @in: descriptor that makes object i ready
 * @out: descriptor that is waited for
 * @nr_fds: for select(2): one more than the highest of @out
 * @set: wait set of ipcx
 */
struct waited {
	int in[NR_WAITED];
	int out[NR_WAITED];
	struct pollfd polled[NR_WAITED];
	fd_set selected;
	int nr_fds;
	int epoll;
	struct ipcx_wait_entry entries[NR_WAITED];
	int set;
};

static struct waited w;			/* a turn is a process and has one */

static void add_object(unsigned int i, int in, int out)
{
	w.in[i] = in;
	w.out[i] = out;
	w.polled[i] = (struct pollfd){ .fd = out, .events = POLLIN };
	if (out >= w.nr_fds)
		w.nr_fds = out + 1;
}

static int setup_pipes(struct link *l)
{
	for (unsigned int i = 0; i < l->nr; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC))
			return -errno;
		add_object(i, ends[1], ends[0]);
	}
	return 0;
}

static int setup_eventfds(struct link *l)
{
	for (unsigned int i = 0; i < l->nr; i++) {
		int fd = eventfd(0, EFD_CLOEXEC);

		if (fd < 0)
			return -errno;
		add_object(i, fd, fd);
	}
	return 0;
}

/* The word tells which object it belongs to. */
static int make_ready(struct link *l, int i, void *buf, size_t len)
{
	uint64_t word = i + 1;

	(void)l, (void)buf, (void)len;
	return write(w.in[i], &word, sizeof(word)) == sizeof(word) ? 0 : -errno;
}

static int take_word(int i, int wanted)
{
	uint64_t word;

	if (i != wanted)
		return -EBADMSG;
	if (read(w.out[i], &word, sizeof(word)) != sizeof(word))
		return -errno;
	return word == (uint64_t)i + 1 ? 0 : -EBADMSG;
}

static int wait_poll(struct link *l, int wanted, void *buf, size_t len)
{
	unsigned int i = 0;
	int n = poll(w.polled, l->nr, -1);

	(void)buf, (void)len;
	if (n != 1)
		return n < 0 ? -errno : -EBADMSG;
	while (i < l->nr && !w.polled[i].revents)
		i++;
	return take_word(i, wanted);
}

static int setup_select(struct link *l)
{
	int ret = setup_pipes(l);

	if (ret)
		return ret;
	if (w.nr_fds > FD_SETSIZE)
		return skip(l, "a descriptor is too high for select(2)");
	FD_ZERO(&w.selected);
	for (unsigned int i = 0; i < l->nr; i++)
		FD_SET(w.out[i], &w.selected);
	return 0;
}

static int wait_select(struct link *l, int wanted, void *buf, size_t len)
{
	fd_set ready = w.selected;
	unsigned int i = 0;
	int n = select(w.nr_fds, &ready, NULL, NULL, NULL);

	(void)buf, (void)len;
	if (n != 1)
		return n < 0 ? -errno : -EBADMSG;
	while (i < l->nr && !FD_ISSET(w.out[i], &ready))
		i++;
	return take_word(i, wanted);
}

static int setup_epoll(struct link *l, uint32_t events)
{
	w.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w.epoll < 0)
		return -errno;
	for (unsigned int i = 0; i < l->nr; i++) {
		struct epoll_event event = { .events = events, .data.u32 = i };

		if (epoll_ctl(w.epoll, EPOLL_CTL_ADD, w.out[i], &event))
			return -errno;
	}
	return 0;
}

static int setup_epoll_pipes(struct link *l)
{
	return setup_pipes(l) ?: setup_epoll(l, EPOLLIN);
}

static int setup_epoll_edge(struct link *l)
{
	return setup_pipes(l) ?: setup_epoll(l, EPOLLIN | EPOLLET);
}

static int setup_epoll_queues(struct link *l)
{
	for (unsigned int i = 0; i < l->nr; i++) {
		int fd = ipcx_queue_create(NULL, NULL, NULL);

		if (fd < 0)
			return ipcx_explain(l, fd);
		add_object(i, fd, fd);
	}
	return setup_epoll(l, EPOLLIN);
}

static int setup_epoll_eventfds(struct link *l)
{
	return setup_eventfds(l) ?: setup_epoll(l, EPOLLIN);
}

static int wait_epoll(struct link *l, int wanted, void *buf, size_t len)
{
	struct epoll_event event;
	int n = epoll_wait(w.epoll, &event, 1, -1);

	(void)l, (void)buf, (void)len;
	if (n != 1)
		return n < 0 ? -errno : -EBADMSG;
	return take_word(event.data.u32, wanted);
}

/* ---- ipcx: what is waited for is taken by the wait ---- */

static int setup_sems(struct link *l)
{
	for (unsigned int i = 0; i < l->nr; i++) {
		int fd = ipcx_sem_create(NULL, 0, 1, NULL);

		if (fd < 0)
			return ipcx_explain(l, fd);
		w.in[i] = fd;
		w.entries[i] = ipcx_wait_entry(fd, IPCX_WAIT_TAKE);
	}
	return 0;
}

static int setup_wait_set(struct link *l)
{
	int ret = 0;

	w.set = ipcx_wait_set_create(NULL);
	if (w.set < 0)
		return ipcx_explain(l, w.set);
	for (unsigned int i = 0; i < l->nr && !ret; i++)
		ret = ipcx_wait_set_add(w.set, i, &w.entries[i]);
	return ret;
}

static int setup_sem_set(struct link *l)
{
	return setup_sems(l) ?: setup_wait_set(l);
}

static int setup_queue_set(struct link *l)
{
	for (unsigned int i = 0; i < l->nr; i++) {
		int fd = ipcx_queue_create(NULL, NULL, NULL);

		if (fd < 0)
			return ipcx_explain(l, fd);
		add_object(i, fd, fd);
		w.entries[i] = ipcx_wait_entry(fd, IPCX_WAIT_READABLE);
	}
	return setup_wait_set(l);
}

static int post_sem(struct link *l, int i, void *buf, size_t len)
{
	(void)l, (void)buf, (void)len;
	return ipcx_sem_post(w.in[i], 1);
}

static int wait_any(struct link *l, int wanted, void *buf, size_t len)
{
	int i = ipcx_wait_any(w.entries, l->nr, 0, IPCX_FOREVER);

	(void)buf, (void)len;
	return i == wanted ? 0 : i < 0 ? i : -EBADMSG;
}

static int wait_set(struct link *l, int wanted, void *buf, size_t len)
{
	int i = ipcx_wait_set_wait(w.set, 0, IPCX_FOREVER, NULL);

	(void)l, (void)buf, (void)len;
	return i == wanted ? 0 : i < 0 ? i : -EBADMSG;
}

static int wait_queue_set(struct link *l, int wanted, void *buf, size_t len)
{
	int i = ipcx_wait_set_wait(w.set, 0, IPCX_FOREVER, NULL);

	(void)l, (void)buf, (void)len;
	return i < 0 ? i : take_word(i, wanted);
}

#ifdef FUTEX_32				/* Linux 5.16: struct futex_waitv */
/**
 * struct words - futexes in shared memory, each on a line of its own
 * @word: 1 is ready
 * @sleepers: how many are in futex_waitv
 */
struct words {
	struct {
		_Alignas(64) atomic_uint word;
	} of[NR_WAITED];
	atomic_uint sleepers;
	struct futex_waitv waiters[NR_WAITED];
};

static int setup_futexes(struct link *l)
{
	struct words *s = shared_pages(sizeof(*s));

	l->priv = s;
	for (unsigned int i = 0; s && i < l->nr; i++)
		s->waiters[i] = (struct futex_waitv){ .uaddr = (uintptr_t)&s->of[i].word,
						      .flags = FUTEX_32 };
	return s ? 0 : -ENOMEM;
}

static int wake_futex(struct words *s, int i)
{
	return syscall(SYS_futex, &s->of[i].word, FUTEX_WAKE, 1, NULL, NULL, 0) < 0 ? -errno : 0;
}

static int post_futex(struct link *l, int i, void *buf, size_t len)
{
	struct words *s = l->priv;

	(void)buf, (void)len;
	atomic_store_explicit(&s->of[i].word, 1, memory_order_release);
	return wake_futex(s, i);
}

/* Who sleeps says so first, in one word for all: without sleepers no call is made. */
static int post_futex_unheard(struct link *l, int i, void *buf, size_t len)
{
	struct words *s = l->priv;

	(void)buf, (void)len;
	atomic_store(&s->of[i].word, 1);
	return atomic_load(&s->sleepers) ? wake_futex(s, i) : 0;
}

/* The first word from @i on that is set, taken; l->nr if none is. */
static unsigned int scan_futexes(const struct link *l, unsigned int i)
{
	struct words *s = l->priv;

	while (i < l->nr && !atomic_load_explicit(&s->of[i].word, memory_order_acquire))
		i++;
	if (i < l->nr)
		atomic_store_explicit(&s->of[i].word, 0, memory_order_relaxed);
	return i;
}

/* 0 or an error with which to try again, or not. */
static int sleep_futexes(struct link *l, unsigned int *woken)
{
	struct words *s = l->priv;
	long n = syscall(SYS_futex_waitv, s->waiters, l->nr, 0, NULL, 0);

	*woken = n < 0 ? 0 : n;
	if (n < 0 && errno == ENOSYS)
		return skip(l, "futex_waitv: this kernel does not know it");
	return n < 0 && errno != EAGAIN ? -errno : 0;
}

/* The kernel looks first: EAGAIN tells that one is ready, but not which. */
static int wait_futexes(struct link *l, int wanted, void *buf, size_t len)
{
	unsigned int i;
	int ret = sleep_futexes(l, &i);

	(void)buf, (void)len;
	return ret ?: scan_futexes(l, i) == (unsigned int)wanted ? 0 : -EBADMSG;
}

static int scan_and_wait(struct link *l, int wanted, void *buf, size_t len)
{
	struct words *s = l->priv;
	unsigned int i = scan_futexes(l, 0);
	int ret = 0;

	(void)buf, (void)len;
	if (i == l->nr) {
		atomic_fetch_add(&s->sleepers, 1);
		ret = sleep_futexes(l, &i);
		atomic_fetch_sub(&s->sleepers, 1);
		i = scan_futexes(l, i);
	}
	return ret ?: i == (unsigned int)wanted ? 0 : -EBADMSG;
}
#endif

#define ANY CASE_BIT(CASE_WAIT_ANY)

const struct mechanism wait_mechanisms[] = {
	{ .name = "poll", .usage = "poll(2) over pipes",
	  .cases = ANY, .setup = setup_pipes, .send = make_ready, .recv = wait_poll },
	{ .name = "poll_eventfd", .usage = "poll(2) over eventfds",
	  .cases = ANY, .setup = setup_eventfds, .send = make_ready, .recv = wait_poll },
	{ .name = "select", .usage = "select(2) over pipes",
	  .cases = ANY, .setup = setup_select, .send = make_ready, .recv = wait_select },
	{ .name = "epoll", .usage = "epoll_wait(2) over pipes, level-triggered",
	  .cases = ANY, .setup = setup_epoll_pipes, .send = make_ready, .recv = wait_epoll },
	{ .name = "epoll_edge", .usage = "epoll_wait(2) over pipes, edge-triggered",
	  .cases = ANY, .setup = setup_epoll_edge, .send = make_ready, .recv = wait_epoll },
	{ .name = "epoll_eventfd", .usage = "epoll_wait(2) over eventfds, level-triggered",
	  .cases = ANY, .setup = setup_epoll_eventfds, .send = make_ready, .recv = wait_epoll },
#ifdef FUTEX_32
	{ .name = "futex_waitv", .usage = "futex_waitv over shared futexes, FUTEX_WAKE of one, both "
	  "calls always made",
	  .cases = ANY, .setup = setup_futexes, .send = post_futex, .recv = wait_futexes },
	{ .name = "futex", .usage = "the words looked at first, and so no call while one is ready",
	  .cases = ANY, .setup = setup_futexes, .send = post_futex_unheard,
	  .recv = scan_and_wait },
#endif
	{ .name = "ipcx_queue_epoll", .usage = "epoll_wait(2) over queues, level-triggered",
	  .cases = ANY, .setup = setup_epoll_queues, .send = make_ready, .recv = wait_epoll },
	{ .name = "ipcx_wait", .usage = "ipcx_wait_any() over semaphores, which takes the unit",
	  .cases = ANY, .setup = setup_sems, .send = post_sem, .recv = wait_any },
	{ .name = "ipcx_wait_set", .usage = "ipcx_wait_set_wait() over semaphores, which takes the unit",
	  .cases = ANY, .setup = setup_sem_set, .send = post_sem, .recv = wait_set },
	{ .name = "ipcx_wait_set_queue", .usage = "ipcx_wait_set_wait() over queues, and a read(2)",
	  .cases = ANY, .setup = setup_queue_set, .send = make_ready, .recv = wait_queue_set },
	{ 0 }
};
