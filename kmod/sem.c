// SPDX-License-Identifier: GPL-2.0
/*
 * Counting semaphores.  Units go to waiters in the order in which they came, handed over directly: a waiter
 * that is satisfied is out of the list before anybody can take the units from it.
 */
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "ipcx.h"
#include "ipcx_trace.h"
#include "sem.h"

static struct ipcx_sem *sem_of(struct ipcx_object *obj)
{
	return container_of(obj, struct ipcx_sem, obj);
}

/* Units that @holder has to give back when it dies. */
static void hold_locked(struct ipcx_sem *sem, struct ipcx_holder *holder, u32 nr)
{
	lockdep_assert_held(&sem->obj.lock);
	holder->nr += nr;
	sem->held += nr;
}

/* The caller has posted @nr units: they settle its own account, as far as that goes. */
static void settle_locked(struct ipcx_sem *sem, u32 nr)
{
	struct ipcx_holder *holder = ipcx_holder_find_locked(&sem->holders);

	if (!holder)
		return;
	nr = min_t(u64, nr, holder->nr);
	holder->nr -= nr;
	sem->held -= nr;
}

static void take_locked(struct ipcx_sem *sem, const struct ipcx_want *want)
{
	sem->count -= want->nr;
	if (want->holder)
		hold_locked(sem, want->holder, want->nr);
}

/*
 * Hand units to waiters from the head of the line for as long as there are enough.  A waiter that could not be
 * claimed is giving up, and takes itself out of the list.
 */
static noinline void grant_waiting_locked(struct ipcx_sem *sem, struct ipcx_wakes *wakes)
{
	struct ipcx_taker *w, *next;

	lockdep_assert_held(&sem->obj.lock);
	list_for_each_entry_safe(w, next, &sem->line.waiters, wait.node) {
		if (w->want.nr > sem->count) {
			if (ipcx_waiter_is_claimed(&w->wait))
				continue;
			break;
		}
		if (!ipcx_line_serve_locked(&sem->line, &w->wait, 0, wakes))
			continue;
		take_locked(sem, &w->want);
	}
}

static void grant_locked(struct ipcx_sem *sem, struct ipcx_wakes *wakes)
{
	if (unlikely(!list_empty(&sem->line.waiters)))
		grant_waiting_locked(sem, wakes);
}

/* Add units that were posted, or that come back from a dead holder. */
static void add_locked(struct ipcx_sem *sem, u32 nr, struct ipcx_wakes *wakes)
{
	lockdep_assert_held(&sem->obj.lock);
	sem->count += nr;
	grant_locked(sem, wakes);
}

/* The units of a dead process come back; the maximum holds, even if others have posted in its place. */
static void sem_holder_ended_locked(struct ipcx_object *obj, struct ipcx_holder *holder, struct ipcx_wakes *wakes)
{
	struct ipcx_sem *sem = sem_of(obj);

	sem->held -= holder->nr;
	if (holder->nr)
		add_locked(sem, min_t(u64, holder->nr, sem->max - sem->count), wakes);
}

/* Pollers: units are there for who comes now, and room for more. */
static __poll_t sem_events_locked(const struct file *file)
{
	const struct ipcx_sem *sem = sem_of(ipcx_object(file));
	__poll_t events = ipcx_shut_events(&sem->obj);

	if (sem->count > 0 && !ipcx_line_occupied(&sem->line))
		events |= EPOLLIN | EPOLLRDNORM;
	if (sem->count < sem->max)
		events |= EPOLLOUT | EPOLLWRNORM;
	return events;
}

static __always_inline int post(struct ipcx_sem *sem, u32 nr)
{
	IPCX_WAKES(wakes);
	int ret = 0;

	spin_lock(&sem->obj.lock);
	if (sem->obj.state & (IPCX_OBJECT_SHUT_SEND | IPCX_OBJECT_SHUT_RECV)) {
		ret = -EPIPE;
	} else if (nr > sem->max - sem->count) {
		ret = -EOVERFLOW;
	} else {
		if (sem->obj.state & IPCX_OBJECT_ROBUST)
			settle_locked(sem, nr);
		add_locked(sem, nr, &wakes);
		trace_ipcx_post(&sem->obj, nr, sem->count);
	}
	spin_unlock(&sem->obj.lock);
	ipcx_wake(&wakes);
	if (!ret)
		ipcx_object_notify(&sem->obj, EPOLLIN | EPOLLRDNORM);
	return ret;
}

long ipcx_sem_post(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_sem *sem = sem_of(ipcx_object(file));
	const struct ipcx_sem_post *req = args;

	if (req->flags || req->reserved || !req->nr || req->nr > sem->max)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;
	return post(sem, req->nr);
}

/* Wait in line; the object's lock is held on entry and dropped. */
static noinline int wait_in_line(const struct file *file, u32 nr, struct ipcx_holder *holder, u32 flags, u64 timeout)
	__releases(&ipcx_object(file)->lock)
{
	struct ipcx_sem *sem = sem_of(ipcx_object(file));
	struct ipcx_taker w = { .want = { nr, holder } };
	IPCX_WAKES(wakes);
	int ret;

	ret = ipcx_line_wait(file, &sem->line, &w.wait, flags, timeout);
	if (ret != -ETIMEDOUT && ret != -ERESTARTSYS)
		return ret;

	/* it gave up: whoever stood behind may fit now */
	spin_lock(&sem->obj.lock);
	grant_locked(sem, &wakes);
	spin_unlock(&sem->obj.lock);
	ipcx_wake(&wakes);
	/* nobody may stand in line any more, and units be there */
	ipcx_object_notify(&sem->obj, EPOLLIN | EPOLLRDNORM);
	return ret;
}

static __always_inline int wait(struct file *file, u32 nr, u32 flags, u64 timeout)
{
	struct ipcx_sem *sem = sem_of(ipcx_object(file));
	struct ipcx_holder *holder = NULL;
	bool was_full;
	int ret = 0;

	if (sem->obj.state & IPCX_OBJECT_ROBUST) {
		holder = ipcx_holder_get(&sem->obj, &sem->holders);
		if (IS_ERR(holder))
			return PTR_ERR(holder);
	}

	spin_lock(&sem->obj.lock);
	was_full = sem->count == sem->max;
	if (sem->obj.state & IPCX_OBJECT_SHUT_RECV) {
		ret = -EPIPE;
	} else if (likely(nr <= sem->count && !ipcx_line_occupied(&sem->line))) {
		take_locked(sem, &(struct ipcx_want){ nr, holder });
	} else {
		ret = wait_in_line(file, nr, holder, flags, timeout);
		goto out;
	}
	spin_unlock(&sem->obj.lock);
out:
	trace_ipcx_wait(&sem->obj, nr, ret);
	if (!ret && was_full)
		ipcx_object_notify(&sem->obj, EPOLLOUT | EPOLLWRNORM);
	return ret;
}

long ipcx_sem_wait(struct file *file, void *args, void __user *uargs)
{
	const struct ipcx_sem_wait *req = args;

	if (req->flags & ~(IPCX_NOWAIT | IPCX_REALTIME) || req->reserved || !req->nr ||
	    req->nr > sem_of(ipcx_object(file))->max)
		return -EINVAL;
	if (!(file->f_mode & FMODE_READ))
		return -EACCES;
	return wait(file, req->nr, req->flags, req->timeout);
}

/* As with eventfd(2): what is written is posted, and a read takes one unit and tells so. */
static ssize_t sem_write(struct file *file, const char __user *ptr, size_t len, loff_t *pos)
{
	struct ipcx_sem *sem = sem_of(ipcx_object(file));
	u64 nr;
	int ret;

	if (len != sizeof(nr))
		return -EINVAL;
	if (unlikely(get_user(nr, (const u64 __user *)ptr)))
		return -EFAULT;
	if (!nr || nr > sem->max)
		return -EINVAL;
	ret = post(sem, nr);
	return ret ? ret : sizeof(nr);
}

static ssize_t sem_read(struct file *file, char __user *ptr, size_t len, loff_t *pos)
{
	const u64 one = 1;
	int ret;

	if (len < sizeof(one))
		return -EINVAL;
	/* first, so that no unit is lost if it cannot be told */
	if (unlikely(put_user(one, (u64 __user *)ptr)))
		return -EFAULT;
	ret = wait(file, 1, 0, IPCX_FOREVER);
	if (unlikely(ret))
		return ret == -EPIPE ? 0 : ret;
	return sizeof(one);
}

static const struct file_operations sem_fops = {
	.owner		= THIS_MODULE,
	.release	= ipcx_object_release,
	.unlocked_ioctl	= ipcx_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.uring_cmd	= ipcx_uring_cmd,
	.read		= sem_read,
	.write		= sem_write,
	.poll		= ipcx_object_poll,
	.fasync		= ipcx_object_fasync,
	.show_fdinfo	= ipcx_show_fdinfo,
};

long ipcx_sem_stat(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_sem *sem = sem_of(ipcx_object(file));
	struct ipcx_sem_stat *stat = args;

	if (stat->flags)
		return -EINVAL;
	spin_lock(&sem->obj.lock);
	stat->count = sem->count;
	stat->max = sem->max;
	stat->nr_waiters = sem->line.nr;
	stat->held = min_t(u64, sem->held, U32_MAX);
	spin_unlock(&sem->obj.lock);
	return ipcx_put_args(uargs, stat, sizeof(*stat));
}

/* ---- one of several objects to wait for ---- */

static struct ipcx_line *sem_line(struct ipcx_object *obj)
{
	return &sem_of(obj)->line;
}

static u32 sem_max(const struct ipcx_object *obj)
{
	return container_of(obj, struct ipcx_sem, obj)->max;
}

static int sem_hold(struct ipcx_object *obj, struct ipcx_want *want)
{
	struct ipcx_holder *holder;

	holder = ipcx_holder_get(obj, &sem_of(obj)->holders);
	if (IS_ERR(holder))
		return PTR_ERR(holder);
	want->holder = holder;
	return 0;
}

static bool sem_find_locked(struct ipcx_object *obj, struct ipcx_want *want)
{
	want->holder = ipcx_holder_find_locked(&sem_of(obj)->holders);
	return want->holder;
}

static int sem_can_take_locked(const struct ipcx_object *obj, const struct ipcx_want *want)
{
	const struct ipcx_sem *sem = container_of(obj, struct ipcx_sem, obj);

	if (obj->state & IPCX_OBJECT_SHUT_RECV)
		return -EPIPE;
	if (want->nr <= sem->count && !ipcx_line_occupied(&sem->line))
		return 0;
	return obj->state & IPCX_OBJECT_SHUT_SEND ? -EPIPE : -EAGAIN;
}

static __poll_t sem_take_locked(struct ipcx_object *obj, const struct ipcx_want *want)
{
	struct ipcx_sem *sem = sem_of(obj);
	bool was_full = sem->count == sem->max;

	take_locked(sem, want);
	return was_full ? EPOLLOUT | EPOLLWRNORM : 0;
}

static __poll_t sem_left_locked(struct ipcx_object *obj, struct ipcx_wakes *wakes)
{
	struct ipcx_sem *sem = sem_of(obj);

	grant_locked(sem, wakes);
	return sem->count && !ipcx_line_occupied(&sem->line) ? EPOLLIN | EPOLLRDNORM : 0;
}

static const struct ipcx_taking sem_taking = {
	.line		= sem_line,
	.max_nr		= sem_max,
	.hold		= sem_hold,
	.find_locked	= sem_find_locked,
	.can_take_locked = sem_can_take_locked,
	.take_locked	= sem_take_locked,
	.left_locked	= sem_left_locked,
};

static void sem_shutdown(struct ipcx_object *obj, u32 how)
{
	struct ipcx_sem *sem = sem_of(obj);
	struct ipcx_taker *w, *next;
	IPCX_WAKES(wakes);

	spin_lock(&obj->lock);
	obj->state |= ipcx_shut_state(how);
	/* as for who comes now: units that are there can be taken until IPCX_SHUT_RECV */
	list_for_each_entry_safe(w, next, &sem->line.waiters, wait.node) {
		bool there = w->want.nr <= sem->count && !(how & IPCX_SHUT_RECV);

		if (ipcx_line_serve_locked(&sem->line, &w->wait, there ? 0 : -EPIPE, &wakes) && there)
			take_locked(sem, &w->want);
	}
	spin_unlock(&obj->lock);
	ipcx_wake(&wakes);
	ipcx_object_notify(obj, EPOLLHUP | EPOLLIN | EPOLLOUT);
}

static struct ipcx_object *sem_create(const void *args)
{
	const struct ipcx_sem_create *create = args;
	struct ipcx_sem *sem;
	u32 state = 0;
	int ret;

	if (!create->max || create->max > INT_MAX || create->initial > create->max)
		return ERR_PTR(-EINVAL);
	if (create->create.flags & IPCX_SEM_ROBUST)
		state |= IPCX_OBJECT_ROBUST;
	sem = kzalloc(sizeof(*sem), GFP_KERNEL_ACCOUNT);
	if (!sem)
		return ERR_PTR(-ENOMEM);
	ipcx_line_init(&sem->line);
	sem->count = create->initial;
	sem->max = create->max;
	ret = ipcx_object_init(&sem->obj, &ipcx_sem_kind, &create->create, state);
	if (ret) {
		kfree(sem);
		return ERR_PTR(ret);
	}
	return &sem->obj;
}

static void sem_free(struct ipcx_object *obj)
{
	struct ipcx_sem *sem = sem_of(obj);

	if (obj->state & IPCX_OBJECT_ROBUST)
		ipcx_holders_free(&sem->holders);
	kfree(sem);
}

static void sem_show(struct ipcx_object *obj, struct seq_file *m)
{
	struct ipcx_sem *sem = sem_of(obj);

	/* one moment is not promised here: IPCX_SEM_STAT is */
	seq_printf(m, "count:\t%u\nmax:\t%u\nwaiters:\t%u\nheld:\t%llu\n", data_race(sem->count), sem->max,
		   data_race(sem->line.nr), data_race(sem->held));
}

const struct ipcx_kind ipcx_sem_kind = {
	.kind		= IPCX_KIND_SEM,
	.label		= "sem",
	.file_name	= "[ipcx-sem]",
	.fops		= &sem_fops,
	.create		= sem_create,
	.free		= sem_free,
	.holder_ended_locked = sem_holder_ended_locked,
	.show		= sem_show,
	.shutdown	= sem_shutdown,
	.taking		= &sem_taking,
	.events_locked	= sem_events_locked,
};
