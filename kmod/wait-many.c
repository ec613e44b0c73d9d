// SPDX-License-Identifier: GPL-2.0
/*
 * Waits for any, or for all, of several objects.
 *
 * Any: the wait stands in the line of each object, with one claim for all its places.  Whoever has something to hand
 * over finds it there among those who wait for one object only, in the order in which they came.
 *
 * All: the wait stands in no line, and takes what those who do leave.  It is registered at each of its objects.
 * Whoever changes one of them tries for it, under the locks of all of them, whether all can be taken now.
 */
#include <linux/file.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "ipcx_trace.h"
#include "wait.h"

/* The result of a place that nobody has served. */
#define NOT_SERVED	1

/* Objects that fit on the stack. */
#define FEW		4

/**
 * struct entry - one of the objects that a wait is for
 * @taker:	any: its place in the object's line; all: in ipcx_object.all.  The result tells that it ended the wait
 * @poll:	in the object's poll: to look at what is not taken (any), to be seen there (all)
 * @fd:		its file, for the duration
 * @what:	IPCX_WAIT_*
 * @made:	what the object has become ready for, by what was taken
 */
struct entry {
	struct ipcx_taker taker;
	wait_queue_entry_t poll;
	struct fd fd;
	u32 what;
	__poll_t made;
};

/**
 * struct many - a wait for several objects
 * @head:	who waits; all: with the result
 * @entries:	the objects, and behind them the alert
 * @nr:		objects
 * @nr_entries:	with the alert
 * @index:	all: which object has been shut down
 */
struct many {
	struct ipcx_waiter head;
	struct entry *entries;
	u32 nr;
	u32 nr_entries;
	u32 index;
};

DEFINE_MUTEX(ipcx_all_mutex);

static struct file *file_of(const struct entry *e)
{
	return fd_file(e->fd);
}

static struct ipcx_object *object_of(const struct entry *e)
{
	return ipcx_object(file_of(e));
}

static const struct ipcx_taking *taking_of(const struct entry *e)
{
	return object_of(e)->kind->taking;
}

static struct many *many_of(const struct entry *e)
{
	return container_of(e->taker.wait.head, struct many, head);
}

static int ready_locked(const struct entry *e)
{
	return ipcx_want_ready_locked(file_of(e), e->what, &e->taker.want);
}

static void take_locked(struct entry *e)
{
	if (e->what == IPCX_WAIT_TAKE)
		e->made = taking_of(e)->take_locked(object_of(e), &e->taker.want);
}

/* ---- any ---- */

/* Has the wait ended with this object, or does it go on?  It stands nowhere yet. */
static bool look(struct entry *e)
{
	struct ipcx_object *obj = object_of(e);
	int ret;

	spin_lock(&obj->lock);
	ret = ready_locked(e);
	if (!ret)
		take_locked(e);
	spin_unlock(&obj->lock);
	if (ret == -EAGAIN)
		return false;
	e->taker.wait.result = ret;
	return true;
}

/*
 * An object that is not taken may have become ready.  The sleeper cannot return before it has taken @poll out, for
 * which it needs the lock that is held here.
 */
static int watched_changed(wait_queue_entry_t *poll, unsigned int mode, int sync, void *key)
{
	struct entry *e = container_of(poll, struct entry, poll);
	struct ipcx_waiter *head = e->taker.wait.head;
	__poll_t want = ipcx_want_events(e->what);

	if ((key && !(key_to_poll(key) & want)) || atomic_read(&head->claimed) ||
	    !(ipcx_object_events(file_of(e)) & want) || !ipcx_waiter_claim(head))
		return 0;
	e->taker.wait.result = 0;
	trace_ipcx_wake(head->task);
	smp_store_release(&head->done, 1);	/* see WAIT_BARRIER */
	wake_up_process(head->task);
	return 0;
}

/*
 * Stand in line at this object, or begin to watch it.  Returns false if the wait has ended: with this object, and
 * @itself is true then, or because another one was quicker.
 */
static bool join(struct entry *e, bool *itself)
{
	struct ipcx_object *obj = object_of(e);
	int ret;

	if (e->what != IPCX_WAIT_TAKE) {
		init_waitqueue_func_entry(&e->poll, watched_changed);
		add_wait_queue(&obj->poll, &e->poll);	/* see POLL_BARRIER */
	}
	spin_lock(&obj->lock);
	ret = ready_locked(e);
	if (ret == -EAGAIN) {
		if (e->what == IPCX_WAIT_TAKE) {
			struct ipcx_line *line = taking_of(e)->line(obj);

			list_add_tail(&e->taker.wait.node, &line->waiters);
			line->nr++;
		}
	} else {
		INIT_LIST_HEAD(&e->taker.wait.node);
		*itself = ipcx_waiter_claim(&e->taker.wait);
		if (*itself) {
			if (!ret)
				take_locked(e);
			e->taker.wait.result = ret;
		}
	}
	spin_unlock(&obj->lock);
	return ret == -EAGAIN;
}

/* Leave a line, unless served there, or stop watching; those who stood behind may fit now. */
static void leave(struct entry *e)
{
	struct ipcx_object *obj = object_of(e);
	const struct ipcx_taking *taking = taking_of(e);
	__poll_t events = 0;
	IPCX_WAKES(wakes);

	if (e->what != IPCX_WAIT_TAKE) {
		remove_wait_queue(&obj->poll, &e->poll);
		return;
	}
	if (e->taker.wait.result != NOT_SERVED || list_empty(&e->taker.wait.node))
		return;
	spin_lock(&obj->lock);
	list_del(&e->taker.wait.node);
	taking->line(obj)->nr--;
	if (taking->left_locked)
		events = taking->left_locked(obj, &wakes);
	spin_unlock(&obj->lock);
	ipcx_wake(&wakes);
	if (events)
		ipcx_object_notify(obj, events);
}

/* 0: one of the entries says how it ended; or -EAGAIN, -ETIMEDOUT, -ERESTARTSYS. */
static int wait_any(struct many *m, u32 flags, u64 timeout)
{
	u32 i, joined = 0;
	bool itself = false;
	int ret = 0;

	/* the first that is ready, which costs nothing at those behind it */
	for (i = 0; i < m->nr_entries; i++)
		if (look(m->entries + i))
			return 0;
	if (flags & IPCX_NOWAIT)
		return -EAGAIN;

	while (joined < m->nr_entries)
		if (!join(m->entries + joined++, &itself))
			break;
	if (!itself)
		ret = ipcx_wait(object_of(m->entries), &m->head, flags, timeout);
	for (i = 0; i < joined; i++)
		leave(m->entries + i);
	return ret;
}

/* ---- all ---- */

/*
 * Try whether @m can end now; the lock of the object of @first, one of its entries, is held.  @thorough: look at all
 * objects, even if one is not ready, for one that never will be.  Returns true if it has ended: the result is
 * in m->head, and everything has been taken if it is 0.
 */
static bool all_end_locked(struct many *m, struct entry *first, bool thorough)
{
	u32 i, locked, index = first - m->entries;
	int ret = ready_locked(first);
	bool ended;

	lockdep_assert_held(&ipcx_all_mutex);
	for (i = 0; i < m->nr && (!ret || (thorough && ret == -EAGAIN)); i++) {
		struct entry *e = m->entries + i;
		int err;

		if (e == first)
			continue;
		ipcx_all_lock_next(object_of(e));
		err = ready_locked(e);
		if (err) {
			ret = err;
			index = i;
		}
	}
	locked = i;
	ended = ret != -EAGAIN && ipcx_waiter_claim(&m->head);
	if (ended) {
		for (i = 0; i < m->nr && !ret; i++)
			take_locked(m->entries + i);
		m->head.result = ret;
		m->index = index;
	}
	for (i = 0; i < locked; i++)
		if (m->entries + i != first)
			spin_unlock(&object_of(m->entries + i)->lock);
	return ended;
}

static bool all_end(struct many *m)
{
	bool ended;

	ipcx_all_lock_next(object_of(m->entries));
	ended = all_end_locked(m, m->entries, true);
	spin_unlock(&object_of(m->entries)->lock);
	return ended;
}

/*
 * Lock @obj, and before it, if somebody waits for all of several objects with it, ipcx_all_mutex: true then.  For who
 * must let them through before the lock is dropped; others call ipcx_object_notify() afterwards.
 */
bool ipcx_all_lock(struct ipcx_object *obj)
{
	spin_lock(&obj->lock);
	if (likely(!obj->nr_all))
		return false;
	spin_unlock(&obj->lock);
	mutex_lock(&ipcx_all_mutex);
	ipcx_all_lock_next(obj);
	return true;
}

void ipcx_all_unlock(struct ipcx_object *obj, bool all)
{
	spin_unlock(&obj->lock);
	if (all)
		mutex_unlock(&ipcx_all_mutex);
}

/* End the wait that @e belongs to, if it can end now. */
static bool serve_locked(struct entry *e, struct ipcx_wakes *wakes)
{
	struct many *m = many_of(e);

	if (atomic_read(&m->head.claimed) || !all_end_locked(m, e, false))
		return false;
	ipcx_waiter_complete(&m->head, m->head.result, wakes);
	return true;
}

/* End the waits for all of several objects that can end now; returns how many.  ipcx_all_lock() has returned true. */
u32 ipcx_all_serve_locked(struct ipcx_object *obj, struct ipcx_wakes *wakes)
{
	struct entry *e;
	u32 nr = 0;

	lockdep_assert_held(&ipcx_all_mutex);
	list_for_each_entry(e, &obj->all, taker.wait.node)
		nr += serve_locked(e, wakes);
	return nr;
}

/* @obj has changed: the same for who holds no lock. */
void ipcx_all_notify(struct ipcx_object *obj)
{
	IPCX_WAKES(wakes);
	struct entry *e;

	mutex_lock(&ipcx_all_mutex);
	list_for_each_entry(e, &obj->all, taker.wait.node) {
		ipcx_all_lock_next(obj);
		serve_locked(e, &wakes);
		spin_unlock(&obj->lock);
		cond_resched();
	}
	mutex_unlock(&ipcx_all_mutex);
	ipcx_wake(&wakes);
}

/* Nothing to do: it is there so that ipcx_object_notify() sees that somebody watches. */
static int all_changed(wait_queue_entry_t *poll, unsigned int mode, int sync, void *key)
{
	return 0;
}

static void register_all(struct many *m)
{
	u32 i;

	for (i = 0; i < m->nr; i++) {
		struct entry *e = m->entries + i;
		struct ipcx_object *obj = object_of(e);

		init_waitqueue_func_entry(&e->poll, all_changed);
		add_wait_queue(&obj->poll, &e->poll);	/* see POLL_BARRIER */
		list_add_tail(&e->taker.wait.node, &obj->all);
		spin_lock(&obj->lock);
		obj->nr_all++;
		spin_unlock(&obj->lock);
	}
}

static void unregister_all(struct many *m)
{
	u32 i;

	mutex_lock(&ipcx_all_mutex);
	for (i = 0; i < m->nr; i++) {
		struct entry *e = m->entries + i;
		struct ipcx_object *obj = object_of(e);

		spin_lock(&obj->lock);
		obj->nr_all--;
		spin_unlock(&obj->lock);
		list_del(&e->taker.wait.node);
		remove_wait_queue(&obj->poll, &e->poll);
	}
	mutex_unlock(&ipcx_all_mutex);
}

/* 0: m->head, or the alert's entry, says how it ended; or -EAGAIN, -ETIMEDOUT, -ERESTARTSYS. */
static int wait_all(struct many *m, u32 flags, u64 timeout)
{
	struct entry *alert = m->nr_entries > m->nr ? m->entries + m->nr : NULL;
	bool ended, itself = false;
	int ret = 0;

	mutex_lock(&ipcx_all_mutex);
	ended = all_end(m) || (alert && look(alert));
	if (ended || flags & IPCX_NOWAIT) {
		mutex_unlock(&ipcx_all_mutex);
		return ended ? 0 : -EAGAIN;
	}
	register_all(m);
	ended = all_end(m);
	if (!ended && alert)
		join(alert, &itself);
	mutex_unlock(&ipcx_all_mutex);

	if (!ended && !itself)
		ret = ipcx_wait(object_of(m->entries), &m->head, flags, timeout);
	unregister_all(m);
	if (!ended && alert)
		leave(alert);
	return ret;
}

/* ---- the command ---- */

/*
 * What @asked wants of @file, but for its account: -EINVAL, -EOPNOTSUPP, -EACCES.
 */
int ipcx_want_init(struct ipcx_want *want, const struct file *file, const struct ipcx_wait_entry *asked)
{
	bool takes = asked->what == IPCX_WAIT_TAKE;
	const struct ipcx_object *obj;
	const struct ipcx_taking *taking;

	if (!ipcx_is_object(file) || asked->what > IPCX_WAIT_WRITABLE || asked->reserved || (asked->nr && !takes))
		return -EINVAL;
	obj = ipcx_object(file);
	taking = obj->kind->taking;
	if (!obj->kind->events_locked || (takes && !taking))
		return -EOPNOTSUPP;
	if (takes && asked->nr > (taking->max_nr ? taking->max_nr(obj) : 0))
		return -EINVAL;
	if (!(file->f_mode & (asked->what == IPCX_WAIT_WRITABLE ? FMODE_WRITE : FMODE_READ)))
		return -EACCES;
	want->nr = asked->nr ?: 1;
	want->holder = NULL;
	return 0;
}

/* The next entry of @m; m->nr_entries counts those whose file is to be put. */
static int add_entry(struct many *m, const struct ipcx_wait_entry *asked)
{
	struct entry *e = m->entries + m->nr_entries;
	int ret;

	e->fd = fdget(asked->fd);
	if (!file_of(e))
		return -EBADF;
	m->nr_entries++;
	e->what = asked->what;
	e->made = 0;
	e->taker.wait.head = &m->head;
	e->taker.wait.result = NOT_SERVED;
	ret = ipcx_want_init(&e->taker.want, file_of(e), asked);
	if (ret || e->what != IPCX_WAIT_TAKE || !taking_of(e)->hold)
		return ret;
	return taking_of(e)->hold(object_of(e), &e->taker.want);
}

/* Can all of them be taken in one moment? */
static int check_all(const struct many *m)
{
	u32 i, j;

	for (i = 0; i < m->nr; i++) {
		/* it is told of changes where the mutex cannot be had */
		if (object_of(m->entries + i)->kind == &ipcx_wait_set_kind)
			return -EOPNOTSUPP;
		for (j = 0; j < i; j++)
			if (object_of(m->entries + i) == object_of(m->entries + j))
				return -EINVAL;
	}
	return 0;
}

static int add_entries(struct many *m, const struct ipcx_wait *args, const struct ipcx_wait_entry *asked)
{
	struct ipcx_wait_entry alert = { .fd = args->alert };
	int ret;
	u32 i;

	for (i = 0; i < args->nr; i++) {
		ret = add_entry(m, asked + i);
		if (ret)
			return ret;
	}
	m->nr = args->nr;
	if (args->flags & IPCX_WAIT_ALERT) {
		ret = add_entry(m, &alert);
		if (ret)
			return ret == -EOPNOTSUPP ? -EINVAL : ret;
		if (object_of(m->entries + m->nr)->kind != &ipcx_event_kind)
			return -EINVAL;
	}
	return args->flags & IPCX_WAIT_ALL ? check_all(m) : 0;
}

/* Tell what was taken, and who is waiting for the room that it left. */
static void finish(struct entry *e)
{
	if (e->what == IPCX_WAIT_TAKE)
		trace_ipcx_wait(object_of(e), e->taker.want.nr, 0);
	if (e->made)
		ipcx_object_notify(object_of(e), e->made);
}

/* What the call returns, by what has ended the wait; @index: which one, of which nothing can be had any more. */
static int outcome(struct many *m, u32 *index)
{
	u32 i;

	for (i = 0; i < m->nr_entries; i++) {
		struct entry *e = m->entries + i;

		if (e->taker.wait.result == NOT_SERVED)
			continue;
		*index = i;
		if (e->taker.wait.result)
			return e->taker.wait.result;
		finish(e);
		return i;
	}
	*index = m->index;
	for (i = 0; i < m->nr && !m->head.result; i++)
		finish(m->entries + i);
	return m->head.result;
}

static long wait_entries(struct many *m, const struct ipcx_wait *args, const struct ipcx_wait_entry *asked,
			 u32 *index)
{
	int ret;
	u32 i;

	ipcx_waiter_init(&m->head);
	INIT_LIST_HEAD(&m->head.node);
	ret = add_entries(m, args, asked);
	if (!ret) {
		if (args->flags & IPCX_WAIT_ALL && m->nr)
			ret = wait_all(m, args->flags, args->timeout);
		else
			ret = wait_any(m, args->flags, args->timeout);
		if (!ret)
			ret = outcome(m, index);
	}
	for (i = 0; i < m->nr_entries; i++)
		fdput(m->entries[i].fd);
	return ret;
}

#define WAIT_FLAGS	(IPCX_NOWAIT | IPCX_REALTIME | IPCX_WAIT_ALL | IPCX_WAIT_ALERT)

static noinline_for_stack long wait_few(const struct ipcx_wait *args, u32 *index)
{
	struct ipcx_wait_entry asked[FEW];
	struct entry entries[FEW + 1];
	struct many m = { .entries = entries };

	if (copy_from_user(asked, u64_to_user_ptr(args->entries), args->nr * sizeof(*asked)))
		return -EFAULT;
	return wait_entries(&m, args, asked, index);
}

static noinline_for_stack long wait_more(const struct ipcx_wait *args, u32 *index)
{
	size_t len = args->nr * sizeof(struct ipcx_wait_entry);
	struct many m = {};
	long ret = -EFAULT;
	void *asked;

	m.entries = kmalloc((args->nr + 1) * sizeof(struct entry) + len, GFP_KERNEL_ACCOUNT);
	if (!m.entries)
		return -ENOMEM;
	asked = m.entries + args->nr + 1;
	if (!copy_from_user(asked, u64_to_user_ptr(args->entries), len))
		ret = wait_entries(&m, args, asked, index);
	kfree(m.entries);
	return ret;
}

long ipcx_wait_many(struct file *file, void *args, void __user *uargs)
{
	const struct ipcx_wait *wait = args;
	struct ipcx_wait __user *u = uargs;
	u32 index = 0;
	long ret;

	if (wait->flags & ~WAIT_FLAGS || wait->nr > IPCX_WAIT_MAX || wait->entry_size != sizeof(struct ipcx_wait_entry) ||
	    (!wait->nr && !(wait->flags & IPCX_WAIT_ALERT)) || (wait->alert && !(wait->flags & IPCX_WAIT_ALERT)))
		return -EINVAL;
	ret = wait->nr <= FEW ? wait_few(wait, &index) : wait_more(wait, &index);
	if (ret == -EPIPE && put_user(index, &u->index))
		ret = -EFAULT;
	return ret;
}
