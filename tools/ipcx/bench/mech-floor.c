// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: the floors.  Not communication, but what communication is made of: entering the
 * kernel, switching processes, copying bytes, moving a cache line between processors.
 */
#include "bench.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

/**
 * struct lines - two flags, one for each direction, on cache lines of their own
 * @word: of direction d is word[d * 16]
 */
struct lines {
	_Alignas(128) atomic_uint_fast64_t word[32];
};

static int setup_lines(struct link *l)
{
	l->priv = shared_pages(sizeof(struct lines));
	return l->priv ? 0 : -ENOMEM;
}

static int setup_nothing(struct link *l)
{
	(void)l;
	return 0;
}

static int call_kernel(struct link *l, int dir, void *buf, size_t len)
{
	(void)l, (void)dir, (void)buf, (void)len;
	getppid();
	return 0;
}

static int setup_ioctl(struct link *l)
{
	l->fd[0] = eventfd(0, EFD_CLOEXEC);
	return l->fd[0] < 0 ? -errno : 0;
}

/* No driver knows the command: what every ioctl(2) costs, security modules included, before a driver sees it. */
static int call_ioctl(struct link *l, int dir, void *buf, size_t len)
{
	(void)dir, (void)buf, (void)len;
	ioctl(l->fd[0], _IO(0xfe, 0xfe), 0);
	return 0;
}

static int do_nothing(struct link *l, int dir, void *buf, size_t len)
{
	(void)l, (void)dir, (void)buf, (void)len;
	return 0;
}

static int add_locked(struct link *l, int dir, void *buf, size_t len)
{
	struct lines *lines = l->priv;

	(void)buf, (void)len;
	atomic_fetch_add(&lines->word[dir], 1);
	return 0;
}

static int setup_copy(struct link *l)
{
	l->priv = shared_pages(l->len);
	return l->priv ? 0 : -ENOMEM;
}

static int copy_in(struct link *l, int dir, void *buf, size_t len)
{
	(void)dir;
	memcpy(l->priv, buf, len);
	return 0;
}

static int copy_out(struct link *l, int dir, void *buf, size_t len)
{
	(void)dir;
	memcpy(buf, l->priv, len);
	return 0;
}

/* What a message through the kernel cannot do without: two calls, and a copy in each. */
static int call_and_copy_in(struct link *l, int dir, void *buf, size_t len)
{
	getppid();
	return copy_in(l, dir, buf, len);
}

static int call_and_copy_out(struct link *l, int dir, void *buf, size_t len)
{
	getppid();
	return copy_out(l, dir, buf, len);
}

/* A flag that is set by one side and cleared by the other. */
static int raise_flag(struct link *l, int dir, void *buf, size_t len)
{
	struct lines *lines = l->priv;

	(void)buf, (void)len;
	atomic_store_explicit(&lines->word[dir * 16], 1, memory_order_release);
	return 0;
}

static int take_flag_yielding(struct link *l, int dir, void *buf, size_t len)
{
	struct lines *lines = l->priv;

	(void)buf, (void)len;
	while (!atomic_load_explicit(&lines->word[dir * 16], memory_order_acquire))
		sched_yield();
	atomic_store_explicit(&lines->word[dir * 16], 0, memory_order_relaxed);
	return 0;
}

/* The line travels once each way: both directions use the same word. */
static int raise_level(struct link *l, int dir, void *buf, size_t len)
{
	struct lines *lines = l->priv;

	(void)buf, (void)len;
	atomic_store_explicit(&lines->word[0], dir + 1, memory_order_release);
	return 0;
}

static int await_level(struct link *l, int dir, void *buf, size_t len)
{
	struct lines *lines = l->priv;

	(void)buf, (void)len;
	while (atomic_load_explicit(&lines->word[0], memory_order_acquire) !=
	       (uint_fast64_t)dir + 1)
		;
	return 0;
}

/* A line for each direction: the sides write a number into one, and wait for it in the other. */
static int raise_own(struct link *l, int dir, void *buf, size_t len)
{
	struct lines *lines = l->priv;
	uint_fast64_t n = atomic_load_explicit(&lines->word[dir * 16], memory_order_relaxed);

	(void)buf, (void)len;
	atomic_store_explicit(&lines->word[dir * 16], n + 1, memory_order_release);
	return 0;
}

static int await_other(struct link *l, int dir, void *buf, size_t len)
{
	static uint_fast64_t seen;		/* a side waits in one direction only */
	struct lines *lines = l->priv;

	(void)buf, (void)len;
	while (atomic_load_explicit(&lines->word[dir * 16], memory_order_acquire) == seen)
		;
	seen++;
	return 0;
}

#define ONE	(1U << ONE_CPU)
#define TWO	(1U << TWO_CPUS)
#define FLOOR	CASE_BIT(CASE_FLOOR)

const struct mechanism floor_mechanisms[] = {
	{ .name = "syscall", .usage = "getppid(): an empty system call",
	  .cases = FLOOR, .placements = ONE, .no_payload = true,
	  .setup = setup_nothing, .send = call_kernel, .recv = do_nothing },
	{ .name = "ioctl", .usage = "ioctl(2) with a command that no driver has",
	  .cases = FLOOR, .placements = ONE, .no_payload = true,
	  .setup = setup_ioctl, .send = call_ioctl, .recv = do_nothing },
	{ .name = "atomic_add", .usage = "one locked addition to a cached word",
	  .cases = FLOOR, .placements = ONE, .no_payload = true,
	  .setup = setup_lines, .send = add_locked, .recv = do_nothing },
	{ .name = "memcpy", .usage = "copied into shared memory and out again, no hand-over",
	  .cases = FLOOR, .placements = ONE,
	  .setup = setup_copy, .send = copy_in, .recv = copy_out },
	{ .name = "syscall_copy", .usage = "getppid() and a copy into shared memory, getppid() and a "
	  "copy out of it",
	  .cases = FLOOR, .placements = ONE,
	  .setup = setup_copy, .send = call_and_copy_in, .recv = call_and_copy_out },
	{ .name = "timer", .usage = "clock_nanosleep(2) without a message: how late the clock itself is",
	  .cases = CASE_BIT(CASE_OPEN_LOOP), .placements = ONE, .no_payload = true,
	  .setup = setup_nothing },
	{ .name = "sched_yield", .usage = "a flag in shared memory and sched_yield(): two switches",
	  .cases = FLOOR, .placements = ONE, .no_payload = true, .two_sided = true,
	  .setup = setup_lines, .send = raise_flag, .recv = take_flag_yielding },
	{ .name = "cache_line", .usage = "the same cache line there and back, spinning",
	  .cases = FLOOR, .placements = TWO, .no_payload = true, .two_sided = true,
	  .setup = setup_lines, .send = raise_level, .recv = await_level },
	{ .name = "two_cache_lines", .usage = "one cache line there and another back, spinning",
	  .cases = FLOOR, .placements = TWO, .no_payload = true, .two_sided = true,
	  .setup = setup_lines, .send = raise_own, .recv = await_other },
	{ 0 }
};
