// SPDX-License-Identifier: GPL-2.0
/*
 * Pause points, through /sys/module/ipcx/parameters/pause:
 *
 *	echo hold POINT >pause		the next task that comes to POINT stays there
 *	cat pause			"POINT TID" for each that is held, "POINT 0" while nobody has come
 *	echo go POINT >pause		it goes on; or nobody is waited for any more
 *
 * A task that is killed, or that nobody lets go, goes on by itself.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "pause.h"

#define POINT_LEN	32
#define HOLDS		8
#define LIMIT_MS	50000		/* that a task is held, if nobody lets it go */
#define SPIN_MS		15000		/* less than what the kernel takes for a lockup */

/**
 * struct hold - a point where a task is to be held
 * @point:	its name; empty if this hold is free
 * @tid:	who is held there, or 0
 * @go:		it may go on
 */
static struct hold {
	char point[POINT_LEN];
	pid_t tid;
	bool go;
} holds[HOLDS];

static DEFINE_RAW_SPINLOCK(holds_lock);		/* protects all of holds, but @go, which is only ever set for a held task */
static DECLARE_WAIT_QUEUE_HEAD(let_go);

/* The hold of @point that has caught a task, or that has not. */
static struct hold *find_locked(const char *point, bool caught)
{
	struct hold *h;

	for (h = holds; h < holds + HOLDS; h++)
		if (h->point[0] && !h->tid == !caught && !strcmp(h->point, point))
			return h;
	return NULL;
}

static struct hold *caught_at(const char *point)
{
	struct hold *h;

	raw_spin_lock(&holds_lock);
	h = find_locked(point, false);
	if (h) {
		h->go = false;
		h->tid = task_pid_nr(current);
	}
	raw_spin_unlock(&holds_lock);
	return h;
}

static void end(struct hold *h)
{
	raw_spin_lock(&holds_lock);
	h->point[0] = '\0';
	h->tid = 0;
	raw_spin_unlock(&holds_lock);
}

void ipcx_pause(const char *point)
{
	struct hold *h = caught_at(point);

	if (!h)
		return;
	if (!wait_event_killable_timeout(let_go, READ_ONCE(h->go), msecs_to_jiffies(LIMIT_MS)))
		pr_err("ipcx: nobody let go %s\n", point);
	end(h);
}

void ipcx_pause_spinning(const char *point)
{
	struct hold *h = caught_at(point);
	unsigned int us;

	if (!h)
		return;
	for (us = 0; !READ_ONCE(h->go) && us < SPIN_MS * 1000 && !fatal_signal_pending(current); us += 10)
		udelay(10);
	if (!READ_ONCE(h->go))
		pr_err("ipcx: nobody let go %s\n", point);
	end(h);
}

static int hold(const char *point)
{
	struct hold *h;

	for (h = holds; h < holds + HOLDS; h++) {
		if (!h->point[0]) {
			strscpy(h->point, point, POINT_LEN);
			return 0;
		}
	}
	return -ENOSPC;
}

static int go(const char *point)
{
	struct hold *h = find_locked(point, true);

	if (h) {
		WRITE_ONCE(h->go, true);
		return 0;
	}
	h = find_locked(point, false);
	if (!h)
		return -ENOENT;
	h->point[0] = '\0';
	return 0;
}

static int pause_set(const char *val, const struct kernel_param *kp)
{
	char word[8], point[POINT_LEN];
	int ret = -EINVAL;

	if (sscanf(val, "%7s %31s", word, point) != 2)
		return -EINVAL;
	raw_spin_lock(&holds_lock);
	if (!strcmp(word, "hold"))
		ret = hold(point);
	else if (!strcmp(word, "go"))
		ret = go(point);
	raw_spin_unlock(&holds_lock);
	wake_up_all(&let_go);
	return ret;
}

static int pause_get(char *buf, const struct kernel_param *kp)
{
	const struct hold *h;
	int len = 0;

	raw_spin_lock(&holds_lock);
	for (h = holds; h < holds + HOLDS; h++)
		if (h->point[0])
			len += sysfs_emit_at(buf, len, "%s %d\n", h->point, h->tid);
	raw_spin_unlock(&holds_lock);
	return len;
}

static const struct kernel_param_ops pause_ops = {
	.set = pause_set,
	.get = pause_get,
};

module_param_cb(pause, &pause_ops, NULL, 0600);
