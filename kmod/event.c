// SPDX-License-Identifier: GPL-2.0
/*
 * Events: a lamp that is set, reset and waited for.  A manual one stays set and lets everybody through.  Of an
 * automatic one each set lets one waiter through, who is out of the line before anybody can take it instead.
 */
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "ipcx.h"
#include "ipcx_trace.h"

/**
 * struct ipcx_event - an event
 * @obj:	common part; IPCX_OBJECT_MANUAL in its state is constant
 * @set:	while it is, nobody stands in @line but who is giving up (protected by obj.lock)
 * @line:	of ipcx_waiter, some of them in an ipcx_taker
 */
struct ipcx_event {
	struct ipcx_object obj;
	bool set;
	struct ipcx_line line;
};

static struct ipcx_event *event_of(struct ipcx_object *obj)
{
	return container_of(obj, struct ipcx_event, obj);
}

static bool is_manual(const struct ipcx_event *event)
{
	return event->obj.state & IPCX_OBJECT_MANUAL;
}

/* End the waits of those whom one set lets through; returns how many. */
static u32 let_through_locked(struct ipcx_event *event, struct ipcx_wakes *wakes)
{
	lockdep_assert_held(&event->obj.lock);
	return ipcx_line_serve_first_locked(&event->line, is_manual(event) ? U32_MAX : 1, 0, wakes);
}

/* An automatic event that somebody waits for is taken as it is set. */
static long set_locked(struct ipcx_event *event, struct ipcx_wakes *wakes)
{
	bool was_set = event->set;
	u32 nr = let_through_locked(event, wakes);

	event->set = is_manual(event) || !nr;
	trace_ipcx_set(&event->obj, was_set, nr);
	return was_set;
}

static long reset_locked(struct ipcx_event *event, struct ipcx_wakes *wakes)
{
	bool was_set = event->set;

	lockdep_assert_held(&event->obj.lock);
	event->set = false;
	trace_ipcx_reset(&event->obj, was_set, 0);
	return was_set;
}

static long pulse_locked(struct ipcx_event *event, struct ipcx_wakes *wakes)
{
	bool was_set = event->set;
	u32 nr = let_through_locked(event, wakes);

	if (event->obj.nr_all && (is_manual(event) || !nr)) {
		/* set for nobody but them: the lock is held */
		event->set = true;
		nr += ipcx_all_serve_locked(&event->obj, wakes);
	}
	event->set = false;
	trace_ipcx_pulse(&event->obj, was_set, nr);
	return nr;
}

/* What set, reset and pulse have in common: all but what they do, and return, under the lock. */
static __always_inline long change_event(struct file *file, const struct ipcx_event_change *args,
					 long (*change_locked)(struct ipcx_event *, struct ipcx_wakes *))
{
	struct ipcx_event *event = event_of(ipcx_object(file));
	bool lit = false, all = false;
	IPCX_WAKES(wakes);
	long ret;

	if (args->flags)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;

	if (change_locked == pulse_locked)
		all = ipcx_all_lock(&event->obj);
	else
		spin_lock(&event->obj.lock);
	if (event->obj.state & (IPCX_OBJECT_SHUT_SEND | IPCX_OBJECT_SHUT_RECV)) {
		ret = -EPIPE;
	} else {
		lit = !event->set;
		ret = change_locked(event, &wakes);
		lit = lit && event->set;
	}
	if (change_locked == pulse_locked)
		ipcx_all_unlock(&event->obj, all);
	else
		spin_unlock(&event->obj.lock);
	ipcx_wake(&wakes);
	if (lit)
		ipcx_object_notify(&event->obj, EPOLLIN | EPOLLRDNORM);
	return ret;
}

long ipcx_event_set(struct file *file, void *args, void __user *uargs)
{
	return change_event(file, args, set_locked);
}

long ipcx_event_reset(struct file *file, void *args, void __user *uargs)
{
	return change_event(file, args, reset_locked);
}

long ipcx_event_pulse(struct file *file, void *args, void __user *uargs)
{
	return change_event(file, args, pulse_locked);
}

long ipcx_event_wait(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_event *event = event_of(ipcx_object(file));
	const struct ipcx_event_wait *wait = args;
	struct ipcx_waiter w;
	int ret = 0;

	if (wait->flags & ~(IPCX_NOWAIT | IPCX_REALTIME))
		return -EINVAL;
	if (!(file->f_mode & FMODE_READ))
		return -EACCES;

	spin_lock(&event->obj.lock);
	if (event->set && !(event->obj.state & IPCX_OBJECT_SHUT_RECV)) {
		event->set = is_manual(event);
		spin_unlock(&event->obj.lock);
	} else {
		ret = ipcx_line_wait(file, &event->line, &w, wait->flags, wait->timeout);
	}
	trace_ipcx_wait(&event->obj, 1, ret);
	return ret;
}

long ipcx_event_stat(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_event *event = event_of(ipcx_object(file));
	struct ipcx_event_stat *stat = args;

	if (stat->flags)
		return -EINVAL;
	spin_lock(&event->obj.lock);
	stat->set = event->set;
	stat->nr_waiters = event->line.nr;
	spin_unlock(&event->obj.lock);
	return ipcx_put_args(uargs, stat, sizeof(*stat));
}

/* ---- one of several objects to wait for ---- */

static struct ipcx_line *event_line(struct ipcx_object *obj)
{
	return &event_of(obj)->line;
}

static int event_can_take_locked(const struct ipcx_object *obj, const struct ipcx_want *want)
{
	if (obj->state & IPCX_OBJECT_SHUT_RECV)
		return -EPIPE;
	if (container_of(obj, struct ipcx_event, obj)->set)
		return 0;
	return obj->state & IPCX_OBJECT_SHUT_SEND ? -EPIPE : -EAGAIN;
}

static __poll_t event_take_locked(struct ipcx_object *obj, const struct ipcx_want *want)
{
	event_of(obj)->set = is_manual(event_of(obj));
	return 0;
}

static const struct ipcx_taking event_taking = {
	.line		= event_line,
	.can_take_locked = event_can_take_locked,
	.take_locked	= event_take_locked,
};

/* Setting never waits, so it can always be written to. */
static __poll_t event_events_locked(const struct file *file)
{
	const struct ipcx_event *event = event_of(ipcx_object(file));

	return EPOLLOUT | EPOLLWRNORM | (event->set ? EPOLLIN | EPOLLRDNORM : 0) | ipcx_shut_events(&event->obj);
}

static void event_shutdown(struct ipcx_object *obj, u32 how)
{
	ipcx_line_shutdown(obj, &event_of(obj)->line, how);
}

static struct ipcx_object *event_create(const void *args)
{
	const struct ipcx_event_create *create = args;
	struct ipcx_event *event;
	int ret;

	if (create->initial > 1 || create->reserved)
		return ERR_PTR(-EINVAL);
	event = kzalloc(sizeof(*event), GFP_KERNEL_ACCOUNT);
	if (!event)
		return ERR_PTR(-ENOMEM);
	ipcx_line_init(&event->line);
	event->set = create->initial;
	ret = ipcx_object_init(&event->obj, &ipcx_event_kind, &create->create,
			       create->create.flags & IPCX_EVENT_MANUAL ? IPCX_OBJECT_MANUAL : 0);
	if (ret) {
		kfree(event);
		return ERR_PTR(ret);
	}
	return &event->obj;
}

static void event_free(struct ipcx_object *obj)
{
	kfree(event_of(obj));
}

static void event_show(struct ipcx_object *obj, struct seq_file *m)
{
	struct ipcx_event *event = event_of(obj);

	/* one moment is not promised here: IPCX_EVENT_STAT is */
	seq_printf(m, "set:\t%d\nwaiters:\t%u\n", data_race(event->set), data_race(event->line.nr));
}

const struct ipcx_kind ipcx_event_kind = {
	.kind		= IPCX_KIND_EVENT,
	.label		= "event",
	.file_name	= "[ipcx-event]",
	.fops		= &ipcx_object_fops,
	.create		= event_create,
	.free		= event_free,
	.show		= event_show,
	.shutdown	= event_shutdown,
	.taking		= &event_taking,
	.events_locked	= event_events_locked,
};
