// SPDX-License-Identifier: GPL-2.0
/*
 * Wait sets: waits for several objects that are registered once.
 *
 * A set watches its objects.  A change of one sets its hint and wakes somebody who waits for the set, and who then
 * looks at the objects that have hints, and at no others: so what a wait costs does not depend on how many
 * objects there are.
 */
#include <linux/bitops.h>
#include <linux/nospec.h>
#include <linux/file.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "ipcx_trace.h"
#include "pause.h"
#include "wait.h"

/* It can be taken, but the caller's account for it has to be made first. */
#define NEEDS_ACCOUNT	1

struct ipcx_wait_set;

/**
 * struct member - one of the objects of a set; all constant
 * @poll:	in the object's poll
 * @set:	the set
 * @file:	the object's, with a reference
 * @index:	its place in the set
 * @what:	IPCX_WAIT_*
 * @want:	what a wait takes, but for the account, which is of whoever waits
 */
struct member {
	wait_queue_entry_t poll;
	struct ipcx_wait_set *set;
	struct file *file;
	u32 index;
	u32 what;
	struct ipcx_want want;
};

/**
 * struct ipcx_wait_set - a wait set
 * @obj:	common part; the classes of its locks are the set's own
 * @changing:	held to add and to remove objects
 * @members:	by index (changed under @changing and obj.lock)
 * @used:	which there are (likewise)
 * @hints:	which may be ready; the others are not: see HINT_BARRIER (written under obj.lock)
 * @nr_twice:	pairs of members with one object (by obj.lock)
 * @turn:	where to begin to look (protected by obj.lock)
 * @nr_ends:	how often an object, perhaps, has been shut down (by obj.lock)
 * @any:	who waits for any of them: woken to look (by obj.lock)
 * @all:	who waits for all of them: woken to look when all have hints (by obj.lock)
 */
struct ipcx_wait_set {
	struct ipcx_object obj;
	struct mutex changing;
	struct member *members[IPCX_WAIT_MAX];
	u64 used;
	u64 hints;
	u32 nr_twice;
	u32 turn;
	u32 nr_ends;
	struct ipcx_line any;
	struct ipcx_line all;
};

static struct ipcx_wait_set *set_of(struct ipcx_object *obj)
{
	return container_of(obj, struct ipcx_wait_set, obj);
}

static struct ipcx_object *object_of(const struct member *m)
{
	return ipcx_object(m->file);
}

/* ---- hints ---- */

/*
 * HINT_BARRIER: who looks at an object takes its hint away first, then looks at the object under its lock, and sets the
 * hint again if it is ready.  Whoever changes the object does so under that lock and then looks at the hint
 * without one.  If it still sees the hint, the change came first, and will be seen.  The other way round:
 *
 *	looks				changes
 *	object is not ready
 *					object becomes ready
 *					the hint is set: nothing to do
 *	takes the hint away, sleeps
 */
static int member_changed(wait_queue_entry_t *poll, unsigned int mode, int sync, void *key)
{
	struct member *m = container_of(poll, struct member, poll);
	struct ipcx_wait_set *set = m->set;
	__poll_t events = key ? key_to_poll(key) : ~(__poll_t)0;
	u64 bit = 1ULL << m->index;
	IPCX_WAKES(wakes);

	if (!(events & (ipcx_want_events(m->what) | EPOLLHUP)))
		return 0;
	/* those who wait for all hear of an end even if others are not ready */
	if (READ_ONCE(set->hints) & bit && !(events & EPOLLHUP) && !waitqueue_active(&set->obj.poll))
		return 0;

	spin_lock(&set->obj.lock);
	if (!(set->hints & bit)) {
		WRITE_ONCE(set->hints, set->hints | bit);
		ipcx_line_serve_first_locked(&set->any, 1, 0, &wakes);
	}
	if (events & EPOLLHUP) {
		set->nr_ends++;
		ipcx_line_serve_first_locked(&set->all, U32_MAX, 0, &wakes);
	} else if (set->hints == set->used) {
		ipcx_line_serve_first_locked(&set->all, 1, 0, &wakes);
	}
	spin_unlock(&set->obj.lock);
	ipcx_wake(&wakes);
	if (waitqueue_active(&set->obj.poll))
		wake_up_poll(&set->obj.poll, EPOLLIN | EPOLLRDNORM);
	return 0;
}

/* The next who wait may go on, if there is something left for them: they look. */
static noinline void pass_on(struct ipcx_wait_set *set)
{
	IPCX_WAKES(wakes);

	spin_lock(&set->obj.lock);
	if (set->hints)
		ipcx_line_serve_first_locked(&set->any, 1, 0, &wakes);
	if (set->used && set->hints == set->used)
		ipcx_line_serve_first_locked(&set->all, 1, 0, &wakes);
	spin_unlock(&set->obj.lock);
	ipcx_wake(&wakes);
}

static u64 hints_from_turn(u64 hints, u32 turn)
{
	return turn ? hints >> turn << turn ?: hints : hints;
}

/* ---- any ---- */

/*
 * Take @m, or find it ready, which takes its hint away if nothing is left: its index; -EAGAIN, -EPIPE, NEEDS_ACCOUNT.
 */
static int try_locked(struct ipcx_wait_set *set, const struct member *m, struct ipcx_want *want, __poll_t *made)
{
	const struct ipcx_taking *taking = object_of(m)->kind->taking;
	struct ipcx_object *obj = object_of(m);
	u64 others = set->hints & ~(1ULL << m->index);
	bool stays = true;
	int ret;

	lockdep_assert_held(&set->obj.lock);
	*want = m->want;
	WRITE_ONCE(set->hints, others);		/* see HINT_BARRIER */
	spin_lock(&obj->lock);
	ret = ipcx_want_ready_locked(m->file, m->what, want);
	if (ret == -EAGAIN) {
		stays = false;
	} else if (!ret && m->what == IPCX_WAIT_TAKE) {
		if (obj->state & IPCX_OBJECT_ROBUST && !taking->find_locked(obj, want)) {
			ret = NEEDS_ACCOUNT;
		} else {
			*made = taking->take_locked(obj, want);
			stays = taking->can_take_locked(obj, want) != -EAGAIN;
		}
	}
	spin_unlock(&obj->lock);
	if (stays)
		WRITE_ONCE(set->hints, others | 1ULL << m->index);
	return ret;
}

/* Take the next that is ready, in turn: 0 and @m; -EAGAIN; or -EPIPE or NEEDS_ACCOUNT with @m. */
static int try_any_locked(struct ipcx_wait_set *set, struct member **m, struct ipcx_want *want, __poll_t *made)
{
	u64 left = set->hints;

	while (left) {
		u32 i = __ffs64(hints_from_turn(left, set->turn));
		int ret;

		left &= ~(1ULL << i);
		*m = set->members[i];
		ret = try_locked(set, *m, want, made);
		if (ret == -EAGAIN)
			continue;
		if (ret != NEEDS_ACCOUNT)
			set->turn = (i + 1) % IPCX_WAIT_MAX;
		return ret;
	}
	return -EAGAIN;
}

/* Make the caller's account at the object of @file, whose reference is dropped. */
static int make_account(struct file *file)
{
	struct ipcx_object *obj = ipcx_object(file);
	struct ipcx_want want;
	int ret;

	ipcx_pause("set_holds");
	ret = obj->kind->taking->hold(obj, &want);

	fput(file);
	return ret;
}

static int wait_any(struct file *file, u32 flags, u64 timeout, u32 *index)
{
	struct ipcx_wait_set *set = set_of(ipcx_object(file));
	struct file *taken = NULL;
	struct ipcx_waiter w;
	struct ipcx_want want;
	struct member *m;
	__poll_t made = 0;
	int ret = -EINVAL;	/* if it is empty to begin with */
	bool more;

	for (;;) {
		spin_lock(&set->obj.lock);
		if (likely(set->used))
			ret = try_any_locked(set, &m, &want, &made);
		if (likely(!ret || ret == -EPIPE)) {
			*index = m->index;
			more = set->hints && !list_empty(&set->any.waiters);
			/* who waits for the room that was made needs the object, which may be removed */
			if (unlikely(made))
				taken = get_file(m->file);
			if (!ret && m->what == IPCX_WAIT_TAKE)
				trace_ipcx_wait(object_of(m), want.nr, 0);
			break;
		}
		if (ret == NEEDS_ACCOUNT) {
			taken = get_file(m->file);
			spin_unlock(&set->obj.lock);
			ret = make_account(taken);
			taken = NULL;
			if (!ret) {
				/* the set may be empty now, but was not to begin with */
				ret = -EAGAIN;
				continue;
			}
			pass_on(set);
			return ret;
		}
		if (ret == -EINVAL) {
			spin_unlock(&set->obj.lock);
			return ret;
		}
		ret = ipcx_line_wait(file, &set->any, &w, flags, timeout);
		if (ret)
			return ret;
		if (unlikely(fatal_signal_pending(current))) {
			pass_on(set);
			return -ERESTARTSYS;
		}
		ret = -EAGAIN;
	}
	spin_unlock(&set->obj.lock);
	if (unlikely(taken)) {
		ipcx_object_notify(ipcx_object(taken), made);
		fput(taken);
	}
	if (unlikely(more))
		pass_on(set);
	return ret;
}

/* ---- all ---- */

/*
 * Take all, if they are ready: 0; -EAGAIN; or -EPIPE or NEEDS_ACCOUNT with @at.  What is not ready loses its hint.
 * @made: what became ready by that, by index.
 */
static int try_all_locked(struct ipcx_wait_set *set, struct ipcx_want *wants, struct member **at, __poll_t *made)
{
	u64 left, looked = set->hints;
	int ret = looked && looked == set->used ? 0 : -EAGAIN;
	struct member *m;

	lockdep_assert_held(&ipcx_all_waits_lock);
	lockdep_assert_held(&set->obj.lock);
	for (left = looked; left; left &= left - 1) {
		u32 i = __ffs64(left);
		int err;

		m = set->members[i];
		wants[i] = m->want;
		made[i] = 0;
		WRITE_ONCE(set->hints, set->hints & ~(1ULL << i));	/* see HINT_BARRIER */
		ipcx_all_lock_next(object_of(m));
		err = ipcx_want_ready_locked(m->file, m->what, wants + i);
		if (err != -EAGAIN)
			WRITE_ONCE(set->hints, set->hints | 1ULL << i);
		if (!err && m->what == IPCX_WAIT_TAKE && object_of(m)->state & IPCX_OBJECT_ROBUST &&
		    !object_of(m)->kind->taking->find_locked(object_of(m), wants + i))
			err = NEEDS_ACCOUNT;
		if (!err || ret == -EPIPE || (ret == -EAGAIN && err != -EPIPE))
			continue;
		ret = err;
		*at = m;
	}
	for (left = looked; left; left &= left - 1) {
		m = set->members[__ffs64(left)];
		if (!ret && m->what == IPCX_WAIT_TAKE)
			made[m->index] = object_of(m)->kind->taking->take_locked(object_of(m), wants + m->index);
		ipcx_all_unlock_next(object_of(m));
	}
	return ret;
}

/**
 * struct all_wait - what a wait for all objects of a set has taken, by index
 * @wants:	units and accounts
 * @made:	what the objects have become ready for by it
 * @files:	of the objects that have become ready for something, to tell those who wait for that
 */
struct all_wait {
	struct ipcx_want wants[IPCX_WAIT_MAX];
	__poll_t made[IPCX_WAIT_MAX];
	struct file *files[IPCX_WAIT_MAX];
};

/* Tell what all objects have become ready for, since they were taken; the set's lock is held and dropped. */
static void finish_all(struct ipcx_wait_set *set, struct all_wait *all)
	__releases(&set->obj.lock)
{
	u32 i, nr = 0;
	u64 left;

	for (left = set->used; left; left &= left - 1) {
		struct member *m = set->members[__ffs64(left)];

		if (m->what == IPCX_WAIT_TAKE)
			trace_ipcx_wait(object_of(m), m->want.nr, 0);
		if (!all->made[m->index])
			continue;
		all->made[nr] = all->made[m->index];
		all->files[nr++] = get_file(m->file);
	}
	spin_unlock(&set->obj.lock);
	ipcx_unlock_all_waits();
	for (i = 0; i < nr; i++) {
		ipcx_object_notify(ipcx_object(all->files[i]), all->made[i]);
		fput(all->files[i]);
	}
}

/* One attempt, and what it has seen: -EAGAIN if it was in vain.  An account that was missing is made. */
static int try_all(struct ipcx_wait_set *set, struct all_wait *all, bool first, u32 *index, u32 *nr_ends)
{
	struct file *lacking = NULL;
	struct member *at;
	int ret;

	ipcx_lock_all_waits();
	spin_lock(&set->obj.lock);
	*nr_ends = set->nr_ends;
	if (set->nr_twice || (first && !set->used))
		ret = -EINVAL;
	else
		ret = try_all_locked(set, all->wants, &at, all->made);
	if (!ret) {
		finish_all(set, all);
		return 0;
	}
	if (ret == -EPIPE)
		*index = at->index;
	if (ret == NEEDS_ACCOUNT)
		lacking = get_file(at->file);
	spin_unlock(&set->obj.lock);
	ipcx_unlock_all_waits();
	return lacking ? make_account(lacking) ?: NEEDS_ACCOUNT : ret;
}

static int wait_all(struct file *file, u32 flags, u64 timeout, u32 *index)
{
	struct ipcx_wait_set *set = set_of(ipcx_object(file));
	struct ipcx_waiter w;
	struct all_wait *all;
	bool first = true;
	u32 nr_ends;
	int ret;

	all = kmalloc(sizeof(*all), GFP_KERNEL_ACCOUNT);
	if (!all)
		return -ENOMEM;
	for (;;) {
		ret = try_all(set, all, first, index, &nr_ends);
		first = false;
		if (ret == NEEDS_ACCOUNT)
			continue;
		if (ret != -EAGAIN) {
			pass_on(set);
			break;
		}
		spin_lock(&set->obj.lock);
		if (nr_ends != set->nr_ends || (set->used && set->hints == set->used)) {
			/* something has come since */
			spin_unlock(&set->obj.lock);
			continue;
		}
		ret = ipcx_line_wait(file, &set->all, &w, flags, timeout);
		if (!ret && unlikely(fatal_signal_pending(current))) {
			pass_on(set);
			ret = -ERESTARTSYS;
		}
		if (ret)
			break;
	}
	kfree(all);
	return ret;
}

/* ---- the doors ---- */

long ipcx_wait_set_wait(struct file *file, void *args, void __user *uargs)
{
	const struct ipcx_wait_set_wait *wait = args;
	struct ipcx_wait_set_wait __user *u = uargs;
	u32 index = 0;
	int ret;

	if (wait->flags & ~(IPCX_NOWAIT | IPCX_REALTIME | IPCX_WAIT_ALL) || wait->reserved)
		return -EINVAL;
	if (!(file->f_mode & FMODE_READ))
		return -EACCES;
	if (wait->flags & IPCX_WAIT_ALL)
		ret = wait_all(file, wait->flags, wait->timeout, &index);
	else
		ret = wait_any(file, wait->flags, wait->timeout, &index);
	if (unlikely(ret == -EPIPE && put_user(index, &u->index)))
		ret = -EFAULT;
	return ret ? ret : index;
}

/* An object more or less: those who wait look again. */
static void changed(struct ipcx_wait_set *set)
{
	pass_on(set);
	ipcx_object_notify(&set->obj, EPOLLIN | EPOLLRDNORM);
}

/* Members with the object of @m, other than itself; @changing is held. */
static u32 nr_same(const struct ipcx_wait_set *set, const struct member *m)
{
	u32 i, nr = 0;

	for (i = 0; i < IPCX_WAIT_MAX; i++)
		nr += set->members[i] && set->members[i] != m && object_of(set->members[i]) == object_of(m);
	return nr;
}

/* Register @m, whose file reference it has; @changing is held. */
static void add_member(struct ipcx_wait_set *set, struct member *m)
{
	u32 twice = nr_same(set, m);
	IPCX_WAKES(wakes);

	init_waitqueue_func_entry(&m->poll, member_changed);
	spin_lock(&set->obj.lock);
	set->nr_twice += twice;
	set->members[m->index] = m;
	set->used |= 1ULL << m->index;
	spin_unlock(&set->obj.lock);
	add_wait_queue(&object_of(m)->poll, &m->poll);	/* see POLL_BARRIER */
	/* what it is now, nobody has told */
	spin_lock(&set->obj.lock);
	WRITE_ONCE(set->hints, set->hints | 1ULL << m->index);
	set->nr_ends++;
	ipcx_line_serve_first_locked(&set->all, U32_MAX, 0, &wakes);
	spin_unlock(&set->obj.lock);
	ipcx_wake(&wakes);
}

static int add(struct ipcx_wait_set *set, const struct ipcx_wait_set_change *change)
{
	struct member *m;
	int ret;

	m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	if (!m)
		return -ENOMEM;
	ret = ipcx_charge(&set->obj, sizeof(*m));
	if (ret)
		goto err_free;
	m->set = set;
	m->index = change->index;
	m->what = change->entry.what;
	ret = -EBADF;
	m->file = fget(change->entry.fd);
	if (!m->file)
		goto err_uncharge;
	/* a set in a set could contain itself */
	ret = -EINVAL;
	if (ipcx_is_object(m->file) && object_of(m)->kind == &ipcx_wait_set_kind)
		goto err_fput;
	ret = ipcx_want_init(&m->want, m->file, &change->entry);
	if (ret)
		goto err_fput;
	ret = -ERESTARTSYS;
	if (mutex_lock_interruptible(&set->changing))
		goto err_fput;
	ret = -EBUSY;
	if (set->members[m->index])
		goto err_unlock;
	add_member(set, m);
	mutex_unlock(&set->changing);
	changed(set);
	return 0;

err_unlock:
	mutex_unlock(&set->changing);
err_fput:
	fput(m->file);
err_uncharge:
	ipcx_uncharge(&set->obj, sizeof(*m));
err_free:
	kfree(m);
	return ret;
}

/* Take @m out, and drop it: nobody can be looking at it any more. */
static void remove_member(struct ipcx_wait_set *set, struct member *m)
{
	u64 others = ~(1ULL << m->index);
	u32 twice = nr_same(set, m);

	remove_wait_queue(&object_of(m)->poll, &m->poll);
	spin_lock(&set->obj.lock);
	set->nr_twice -= twice;
	set->members[m->index] = NULL;
	set->used &= others;
	WRITE_ONCE(set->hints, set->hints & others);
	spin_unlock(&set->obj.lock);
	fput(m->file);
	ipcx_uncharge(&set->obj, sizeof(*m));
	kfree(m);
}

long ipcx_wait_set_add(struct file *file, void *args, void __user *uargs)
{
	const struct ipcx_wait_set_change *change = args;

	if (change->flags || change->reserved || change->index >= IPCX_WAIT_MAX)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;
	return add(set_of(ipcx_object(file)), change);
}

long ipcx_wait_set_remove(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_wait_set *set = set_of(ipcx_object(file));
	const struct ipcx_wait_set_change *change = args;
	struct member *m;

	if (change->flags || change->reserved || change->index >= IPCX_WAIT_MAX || change->entry.fd ||
	    change->entry.what || change->entry.nr || change->entry.reserved)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;
	if (mutex_lock_interruptible(&set->changing))
		return -ERESTARTSYS;
	m = set->members[array_index_nospec(change->index, IPCX_WAIT_MAX)];
	if (m)
		remove_member(set, m);
	mutex_unlock(&set->changing);
	if (!m)
		return -ENOENT;
	/* it may have been the one that was not ready */
	changed(set);
	return 0;
}

/* Readable while any object is ready; what turns out not to be loses its hint. */
static __poll_t wait_set_events_locked(const struct file *file)
{
	struct ipcx_wait_set *set = set_of(ipcx_object(file));
	u64 left;

	lockdep_assert_held(&set->obj.lock);
	for (left = set->hints; left; left &= left - 1) {
		struct member *m = set->members[__ffs64(left)];
		u64 bit = 1ULL << m->index;
		int ret;

		WRITE_ONCE(set->hints, set->hints & ~bit);	/* see HINT_BARRIER */
		spin_lock(&object_of(m)->lock);
		ret = ipcx_want_ready_locked(m->file, m->what, &m->want);
		spin_unlock(&object_of(m)->lock);
		if (ret != -EAGAIN) {
			WRITE_ONCE(set->hints, set->hints | bit);
			return EPOLLIN | EPOLLRDNORM;
		}
	}
	return 0;
}

/* ---- life ---- */

static struct ipcx_object *wait_set_create(const void *args)
{
	const struct ipcx_wait_set_create *create = args;
	struct ipcx_wait_set *set;
	int ret;

	set = kzalloc(sizeof(*set), GFP_KERNEL_ACCOUNT);
	if (!set)
		return ERR_PTR(-ENOMEM);
	mutex_init(&set->changing);
	ipcx_line_init(&set->any);
	ipcx_line_init(&set->all);
	ret = ipcx_object_init(&set->obj, &ipcx_wait_set_kind, &create->create, 0);
	if (ret) {
		kfree(set);
		return ERR_PTR(ret);
	}
	/* once more, for classes of their own: they nest in, or outside, those of other objects */
	spin_lock_init(&set->obj.lock);
	init_waitqueue_head(&set->obj.poll);
	return &set->obj;
}

static void wait_set_free(struct ipcx_object *obj)
{
	struct ipcx_wait_set *set = set_of(obj);
	u32 i;

	for (i = 0; i < IPCX_WAIT_MAX; i++)
		if (set->members[i])
			remove_member(set, set->members[i]);
	kfree(set);
}

static void wait_set_show(struct ipcx_object *obj, struct seq_file *m)
{
	struct ipcx_wait_set *set = set_of(obj);
	u32 nr_any, nr_all;
	u64 used, hints;

	spin_lock(&obj->lock);
	used = set->used;
	hints = set->hints;
	nr_any = set->any.nr;
	nr_all = set->all.nr;
	spin_unlock(&obj->lock);
	seq_printf(m, "objects:\t%u\nhints:\t%#llx\nwaiting-any:\t%u\nwaiting-all:\t%u\n", (u32)hweight64(used), hints,
		   nr_any, nr_all);
}

const struct ipcx_kind ipcx_wait_set_kind = {
	.kind		= IPCX_KIND_WAIT_SET,
	.label		= "wait-set",
	.file_name	= "[ipcx-wait-set]",
	.fops		= &ipcx_object_fops,
	.create		= wait_set_create,
	.free		= wait_set_free,
	.show		= wait_set_show,
	.events_locked	= wait_set_events_locked,
};
