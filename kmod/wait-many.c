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
#include "pause.h"
#include "wait.h"

/* The result of a place that nobody has served. */
#define NOT_SERVED	1

/* Objects for which there is room on the stack. */
#define FEW		4

/* Entries that are read at a time. */
#define CHUNK		8

/* Waits for all that are tried under one hold of the lock. */
#define ALL_AT_ONCE	8

/**
 * struct entry - one of the objects that a wait is for
 * @fd:		its file, for the duration
 * @want:	what is taken of it
 * @what:	IPCX_WAIT_*
 * @made:	what the object has become ready for, by what was taken
 * @place:	where the wait stands, once it has to wait
 */
struct entry {
	struct fd fd;
	struct ipcx_want want;
	u32 what;
	__poll_t made;
	struct place *place;
};

/**
 * struct place - where a wait stands at one of its objects
 * @taker:	any: in the object's line, with the result if it was served there; all: in ipcx_object.all
 * @poll:	in the object's poll: to look at what is not taken (any), to be seen there (all)
 * @entry:	whose it is
 */
struct place {
	struct ipcx_taker taker;
	wait_queue_entry_t poll;
	struct entry *entry;
};

/**
 * struct many - a wait for several objects
 * @head:	who waits
 * @entries:	the objects, and behind them the alert
 * @places:	room for their places
 * @nr:		objects
 * @nr_entries:	with the alert
 * @result:	how it has ended: 0 or -EPIPE
 * @index:	with which object; for all, 0
 */
struct many {
	struct ipcx_waiter head;
	struct entry *entries;
	struct place *places;
	u32 nr;
	u32 nr_entries;
	int result;
	u32 index;
};

DEFINE_SPINLOCK(ipcx_all_waits_lock);

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

static struct many *many_of(const struct place *p)
{
	return container_of(p->taker.wait.head, struct many, head);
}

static int ready_locked(const struct entry *e)
{
	return ipcx_want_ready_locked(file_of(e), e->what, &e->want);
}

static void take_locked(struct entry *e)
{
	if (e->what == IPCX_WAIT_TAKE)
		e->made = taking_of(e)->take_locked(object_of(e), &e->want);
}

static void ended(struct many *m, int result, const struct entry *with)
{
	m->result = result;
	m->index = with - m->entries;
}

/* ---- any ---- */

/* Has the wait ended with this object?  It stands nowhere yet. */
static bool look(struct many *m, struct entry *e)
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
	ended(m, ret, e);
	return true;
}

/*
 * An object that is not taken may have become ready.  The sleeper cannot return before it has taken @poll out, for
 * which it needs the lock that is held here.
 */
static int watched_changed(wait_queue_entry_t *poll, unsigned int mode, int sync, void *key)
{
	struct place *p = container_of(poll, struct place, poll);
	struct ipcx_waiter *head = p->taker.wait.head;
	__poll_t want = ipcx_want_events(p->entry->what);

	if ((key && !(key_to_poll(key) & want)) || atomic_read(&head->claimed) ||
	    !(ipcx_object_events(file_of(p->entry)) & want) || !ipcx_waiter_claim(head))
		return 0;
	p->taker.wait.result = 0;
	trace_ipcx_wake(head->task);
	smp_store_release(&head->done, 1);	/* see WAIT_BARRIER */
	wake_up_process(head->task);
	return 0;
}

/*
 * Stand in line at this object, or begin to watch it.  Returns false if the wait has ended: with this object, and
 * @itself is true then, or because another one was quicker.
 */
static bool join(struct many *m, struct entry *e, bool *itself)
{
	struct ipcx_object *obj = object_of(e);
	struct place *p = e->place;
	int ret;

	p->entry = e;
	p->taker.want = e->want;
	p->taker.wait.head = &m->head;
	p->taker.wait.result = NOT_SERVED;
	INIT_LIST_HEAD(&p->taker.wait.node);
	if (e->what != IPCX_WAIT_TAKE) {
		init_waitqueue_func_entry(&p->poll, watched_changed);
		add_wait_queue(&obj->poll, &p->poll);	/* see POLL_BARRIER */
	}
	spin_lock(&obj->lock);
	ret = ready_locked(e);
	if (ret == -EAGAIN) {
		if (e->what == IPCX_WAIT_TAKE) {
			struct ipcx_line *line = taking_of(e)->line(obj);

			list_add_tail(&p->taker.wait.node, &line->waiters);
			line->nr++;
		}
	} else if (ipcx_waiter_claim(&m->head)) {
		*itself = true;
		if (!ret)
			take_locked(e);
		ended(m, ret, e);
	}
	spin_unlock(&obj->lock);
	return ret == -EAGAIN;
}

/* Leave a line, or stop watching.  If it was served here, that is how the wait has ended; else others may fit now. */
static void leave(struct many *m, struct entry *e)
{
	struct ipcx_object *obj = object_of(e);
	const struct ipcx_taking *taking = taking_of(e);
	struct ipcx_waiter *w = &e->place->taker.wait;
	__poll_t events = 0;
	IPCX_WAKES(wakes);

	if (e->what != IPCX_WAIT_TAKE)
		remove_wait_queue(&obj->poll, &e->place->poll);
	if (w->result != NOT_SERVED) {
		ended(m, w->result, e);
		return;
	}
	if (list_empty(&w->node))
		return;
	spin_lock(&obj->lock);
	list_del(&w->node);
	taking->line(obj)->nr--;
	if (taking->left_locked)
		events = taking->left_locked(obj, &wakes);
	spin_unlock(&obj->lock);
	ipcx_wake(&wakes);
	if (events)
		ipcx_object_notify(obj, events);
}

/* Room for the places; only for who has to wait. */
static int make_places(struct many *m)
{
	u32 i;

	if (!m->places)
		m->places = kmalloc_array(m->nr_entries, sizeof(*m->places), GFP_KERNEL_ACCOUNT);
	if (!m->places)
		return -ENOMEM;
	for (i = 0; i < m->nr_entries; i++)
		m->entries[i].place = m->places + i;
	return 0;
}

/* 0 if it has ended as @m tells; -EAGAIN, -ENOMEM, -ETIMEDOUT, -ERESTARTSYS. */
static int wait_any(struct many *m, u32 flags, u64 timeout)
{
	u32 i, joined = 0;
	bool itself = false;
	int ret;

	/* the first that is ready, which costs nothing at those behind it */
	for (i = 0; i < m->nr_entries; i++)
		if (look(m, m->entries + i))
			return 0;
	if (flags & IPCX_NOWAIT)
		return -EAGAIN;

	ret = make_places(m);
	if (ret)
		return ret;
	while (joined < m->nr_entries)
		if (!join(m, m->entries + joined++, &itself))
			break;
	if (!itself)
		ret = ipcx_wait(object_of(m->entries), &m->head, flags, timeout);
	for (i = 0; i < joined; i++)
		leave(m, m->entries + i);
	return ret;
}

/* ---- all ---- */

/*
 * Try whether @m can end now; the lock of the object of @first, one of its entries, is held.  @thorough: look at all
 * objects, even if one is not ready, for one that never will be.  Returns true if it has ended: as @m tells, and with
 * everything taken.
 */
static bool all_end_locked(struct many *m, struct entry *first, bool thorough)
{
	int ret = ready_locked(first);
	struct entry *with = first;
	u32 i, locked;
	bool claimed;

	lockdep_assert_held(&ipcx_all_waits_lock);
	for (i = 0; i < m->nr && (!ret || (thorough && ret == -EAGAIN)); i++) {
		struct entry *e = m->entries + i;
		int err;

		if (e == first)
			continue;
		ipcx_all_lock_next(object_of(e));
		err = ready_locked(e);
		if (err) {
			ret = err;
			with = e;
		}
	}
	locked = i;
	claimed = ret != -EAGAIN && ipcx_waiter_claim(&m->head);
	if (claimed) {
		for (i = 0; i < m->nr && !ret; i++)
			take_locked(m->entries + i);
		ended(m, ret, ret ? with : m->entries);
	}
	for (i = 0; i < locked; i++)
		if (m->entries + i != first)
			ipcx_all_unlock_next(object_of(m->entries + i));
	return claimed;
}

static bool all_end(struct many *m)
{
	bool ret;

	ipcx_all_lock_next(object_of(m->entries));
	ret = all_end_locked(m, m->entries, true);
	ipcx_all_unlock_next(object_of(m->entries));
	return ret;
}

/*
 * Lock @obj, and before it, if somebody waits for all of several objects with it, ipcx_all_waits_lock: true then.  For
 * who must let them through before the lock is dropped; others call ipcx_object_notify() afterwards.
 */
bool ipcx_all_lock(struct ipcx_object *obj)
	__acquires(&obj->lock)
{
	spin_lock(&obj->lock);
	if (likely(!obj->nr_all))
		return false;
	spin_unlock(&obj->lock);
	ipcx_lock_all_waits();
	spin_lock_nest_lock(&obj->lock, &ipcx_all_waits_lock);
	return true;
}

void ipcx_all_unlock(struct ipcx_object *obj, bool all)
	__releases(&obj->lock)
{
	spin_unlock(&obj->lock);
	if (all)
		ipcx_unlock_all_waits();
}

/* Is @p no wait, but how far some ipcx_all_notify() has come? */
static bool is_mark(const struct place *p)
{
	return !p->taker.wait.head;
}

/* End the wait that stands at @p, if it can end now. */
static bool serve_locked(struct place *p, struct ipcx_wakes *wakes)
{
	struct many *m = many_of(p);

	if (atomic_read(&m->head.claimed) || !all_end_locked(m, p->entry, false))
		return false;
	ipcx_waiter_complete(&m->head, m->result, wakes);
	return true;
}

/* End the waits for all of several objects that can end now; returns how many.  ipcx_all_lock() has returned true. */
u32 ipcx_all_serve_locked(struct ipcx_object *obj, struct ipcx_wakes *wakes)
{
	struct place *p;
	u32 nr = 0;

	lockdep_assert_held(&ipcx_all_waits_lock);
	list_for_each_entry(p, &obj->all, taker.wait.node)
		nr += !is_mark(p) && serve_locked(p, wakes);
	return nr;
}

/*
 * @obj has changed: the same for who holds no lock.  Waits for quite other objects need the lock, too, so it is not held
 * for more than a few of them, and a mark in the list tells how far this has come.  Who registers later looks itself.
 */
void ipcx_all_notify(struct ipcx_object *obj)
{
	struct place mark = {}, *p;
	IPCX_WAKES(wakes);
	u32 left;

	ipcx_lock_all_waits();
	left = obj->nr_all;
	list_add(&mark.taker.wait.node, &obj->all);
	while (left && !list_is_last(&mark.taker.wait.node, &obj->all)) {
		p = list_next_entry(&mark, taker.wait.node);
		list_move(&mark.taker.wait.node, &p->taker.wait.node);
		if (is_mark(p))
			continue;
		ipcx_all_lock_next(obj);
		serve_locked(p, &wakes);
		ipcx_all_unlock_next(obj);
		if (--left % ALL_AT_ONCE)
			continue;
		ipcx_unlock_all_waits();
		ipcx_wake(&wakes);
		ipcx_pause("all_rests");
		cond_resched();
		ipcx_lock_all_waits();
	}
	list_del(&mark.taker.wait.node);
	ipcx_unlock_all_waits();
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
		struct place *p = e->place;

		p->entry = e;
		p->taker.wait.head = &m->head;
		init_waitqueue_func_entry(&p->poll, all_changed);
		add_wait_queue(&obj->poll, &p->poll);	/* see POLL_BARRIER */
		list_add_tail(&p->taker.wait.node, &obj->all);
		spin_lock(&obj->lock);
		obj->nr_all++;
		spin_unlock(&obj->lock);
	}
}

static void unregister_all(struct many *m)
{
	u32 i;

	ipcx_lock_all_waits();
	for (i = 0; i < m->nr; i++) {
		struct ipcx_object *obj = object_of(m->entries + i);
		struct place *p = m->entries[i].place;

		spin_lock(&obj->lock);
		obj->nr_all--;
		spin_unlock(&obj->lock);
		list_del(&p->taker.wait.node);
		remove_wait_queue(&obj->poll, &p->poll);
	}
	ipcx_unlock_all_waits();
}

/* The same as wait_any(). */
static int wait_all(struct many *m, u32 flags, u64 timeout)
{
	struct entry *alert = m->nr_entries > m->nr ? m->entries + m->nr : NULL;
	bool done, itself = false;
	int ret = 0;

	ipcx_lock_all_waits();
	done = all_end(m) || (alert && look(m, alert));
	ipcx_unlock_all_waits();
	if (done || flags & IPCX_NOWAIT)
		return done ? 0 : -EAGAIN;

	ret = make_places(m);
	if (ret)
		return ret;
	ipcx_lock_all_waits();
	register_all(m);
	done = all_end(m);
	if (!done && alert)
		join(m, alert, &itself);
	ipcx_unlock_all_waits();

	if (!done && !itself)
		ret = ipcx_wait(object_of(m->entries), &m->head, flags, timeout);
	unregister_all(m);
	if (!done && alert)
		leave(m, alert);
	return ret;
}

/* ---- the command ---- */

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
	ret = ipcx_want_init(&e->want, file_of(e), asked);
	/* units that a process holds are robust ones */
	if (ret || !(object_of(e)->state & IPCX_OBJECT_ROBUST) || e->what != IPCX_WAIT_TAKE)
		return ret;
	return taking_of(e)->hold(object_of(e), &e->want);
}

/* Can all of them be taken in one moment? */
static int check_all(const struct many *m)
{
	u32 i, j;

	for (i = 0; i < m->nr; i++) {
		/* it is told of changes where ipcx_all_waits_lock cannot be had */
		if (object_of(m->entries + i)->kind == &ipcx_wait_set_kind)
			return -EOPNOTSUPP;
		for (j = 0; j < i; j++)
			if (object_of(m->entries + i) == object_of(m->entries + j))
				return -EINVAL;
	}
	return 0;
}

static int add_entries(struct many *m, const struct ipcx_wait *args)
{
	const struct ipcx_wait_entry __user *from = u64_to_user_ptr(args->entries);
	struct ipcx_wait_entry asked[CHUNK];
	u32 i, nr;
	int ret;

	for (m->nr = 0; m->nr < args->nr; m->nr += nr) {
		nr = min_t(u32, args->nr - m->nr, CHUNK);
		if (copy_from_user(asked, from + m->nr, nr * sizeof(*asked)))
			return -EFAULT;
		for (i = 0; i < nr; i++) {
			ret = add_entry(m, asked + i);
			if (ret)
				return ret;
		}
	}
	if (args->flags & IPCX_WAIT_ALERT) {
		asked[0] = (struct ipcx_wait_entry){ .fd = args->alert };
		ret = add_entry(m, asked);
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
		trace_ipcx_wait(object_of(e), e->want.nr, 0);
	if (unlikely(e->made))
		ipcx_object_notify(object_of(e), e->made);
}

static int wait_for(struct many *m, const struct ipcx_wait *args)
{
	bool all = args->flags & IPCX_WAIT_ALL && m->nr;
	u32 i;
	int ret;

	ipcx_waiter_init(&m->head);
	INIT_LIST_HEAD(&m->head.node);
	ret = all ? wait_all(m, args->flags, args->timeout) : wait_any(m, args->flags, args->timeout);
	if (ret || m->result)
		return ret ? ret : m->result;
	if (!all || m->index == m->nr)
		finish(m->entries + m->index);
	else
		for (i = 0; i < m->nr; i++)
			finish(m->entries + i);
	return m->index;
}

static int wait_entries(struct many *m, const struct ipcx_wait *args)
{
	u32 i;
	int ret;

	ret = add_entries(m, args);
	if (!ret)
		ret = wait_for(m, args);
	for (i = 0; i < m->nr_entries; i++)
		fdput(m->entries[i].fd);
	return ret;
}

static noinline_for_stack int wait_few(const struct ipcx_wait *args, u32 *index)
{
	struct entry entries[FEW + 1];
	struct place places[FEW + 1];
	struct many m = { .entries = entries, .places = places };
	int ret = wait_entries(&m, args);

	*index = m.index;
	return ret;
}

static noinline_for_stack int wait_more(const struct ipcx_wait *args, u32 *index)
{
	struct many m = {};
	int ret;

	m.entries = kmalloc_array(args->nr + 1, sizeof(*m.entries), GFP_KERNEL_ACCOUNT);
	if (!m.entries)
		return -ENOMEM;
	ret = wait_entries(&m, args);
	*index = m.index;
	kfree(m.places);
	kfree(m.entries);
	return ret;
}

#define WAIT_FLAGS	(IPCX_NOWAIT | IPCX_REALTIME | IPCX_WAIT_ALL | IPCX_WAIT_ALERT)

long ipcx_wait_many(struct file *file, void *args, void __user *uargs)
{
	const struct ipcx_wait *wait = args;
	struct ipcx_wait __user *u = uargs;
	u32 index;
	int ret;

	if (wait->flags & ~WAIT_FLAGS || wait->nr > IPCX_WAIT_MAX || wait->entry_size != sizeof(struct ipcx_wait_entry) ||
	    (!wait->nr && !(wait->flags & IPCX_WAIT_ALERT)) || (wait->alert && !(wait->flags & IPCX_WAIT_ALERT)))
		return -EINVAL;
	ret = wait->nr <= FEW ? wait_few(wait, &index) : wait_more(wait, &index);
	if (ret == -EPIPE && put_user(index, &u->index))
		ret = -EFAULT;
	return ret;
}
