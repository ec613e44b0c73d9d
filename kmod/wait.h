/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What wait-many.c and wait-set.c share: what is wanted of one of several objects.
 */
#ifndef IPCX_WAIT_H
#define IPCX_WAIT_H

#include "ipcx.h"

/*
 * Whoever holds it may hold the locks of several objects, in any order: nobody else holds one and waits for another.  Waits
 * for quite other objects need it, too: it is a spinlock so that its holder is not preempted, and is held for few of them.
 */
extern spinlock_t ipcx_all_waits_lock;

/* Whether it is held, and how many of the others, is only known at run time: to sparse, none of these changes anything. */
static inline void ipcx_lock_all_waits(void)
{
	spin_lock(&ipcx_all_waits_lock);
	__release(&ipcx_all_waits_lock);
}

static inline void ipcx_unlock_all_waits(void)
{
	__acquire(&ipcx_all_waits_lock);
	spin_unlock(&ipcx_all_waits_lock);
}

static inline void ipcx_all_lock_next(struct ipcx_object *obj)
{
	spin_lock_nest_lock(&obj->lock, &ipcx_all_waits_lock);
	__release(&obj->lock);
}

static inline void ipcx_all_unlock_next(struct ipcx_object *obj)
{
	__acquire(&obj->lock);
	spin_unlock(&obj->lock);
}

/* What poll(2) reports of an object that is ready for @what, as select(2) sees it. */
static inline __poll_t ipcx_want_events(u32 what)
{
	return what == IPCX_WAIT_WRITABLE ? EPOLLOUT | EPOLLWRNORM | EPOLLERR :
					    EPOLLIN | EPOLLRDNORM | EPOLLHUP | EPOLLERR;
}

/* 0: @file's object can give @want, or is ready for @what, now; -EAGAIN: not yet; -EPIPE: never.  Its lock is held. */
static inline int ipcx_want_ready_locked(const struct file *file, u32 what, const struct ipcx_want *want)
{
	const struct ipcx_object *obj = ipcx_object(file);

	if (what == IPCX_WAIT_TAKE)
		return obj->kind->taking->can_take_locked(obj, want);
	return obj->kind->events_locked(file) & ipcx_want_events(what) ? 0 : -EAGAIN;
}

/* Is @file one of an object, of any kind? */
static inline bool ipcx_is_object(const struct file *file)
{
	return file->f_op->unlocked_ioctl == ipcx_ioctl || file->f_op->unlocked_ioctl == ipcx_broadcast_ioctl;
}

/* What @asked wants of @file, but for its account: -EINVAL, -EOPNOTSUPP, -EACCES. */
static __always_inline int ipcx_want_init(struct ipcx_want *want, const struct file *file,
					  const struct ipcx_wait_entry *asked)
{
	bool takes = asked->what == IPCX_WAIT_TAKE;
	const struct ipcx_taking *taking;
	const struct ipcx_object *obj;

	if (!ipcx_is_object(file) || asked->what > IPCX_WAIT_WRITABLE || asked->reserved || (asked->nr && !takes))
		return -EINVAL;
	obj = ipcx_object(file);
	taking = obj->kind->taking;
	if (takes ? !taking : !obj->kind->events_locked)
		return -EOPNOTSUPP;
	if (asked->nr && (!taking->max_nr || asked->nr > taking->max_nr(obj)))
		return -EINVAL;
	if (!(file->f_mode & (asked->what == IPCX_WAIT_WRITABLE ? FMODE_WRITE : FMODE_READ)))
		return -EACCES;
	want->nr = asked->nr ?: 1;
	want->holder = NULL;
	return 0;
}

#endif /* IPCX_WAIT_H */
