// SPDX-License-Identifier: GPL-2.0
/*
 * What a process holds of an object ends with its address space: the units of a robust semaphore come back, the
 * calls that it took and has not answered end.
 *
 * The end of an address space is what a module can follow for every way to die, with an mmu notifier: exit, a
 * signal, exec.  It comes before a parent can reap the process, unless somebody is looking at the address space
 * just then (/proc, process_vm_readv).  Each process that can hold something has one ipcx_process, with one
 * ipcx_holder for each such object.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/slab.h>

#include "ipcx.h"

/**
 * struct ipcx_process - a process that can hold something
 * @notifier:	tells of the end of its address space; one reference for each holder
 * @holders:	ipcx_holder.in_process (protected by ipcx_holders_lock)
 */
struct ipcx_process {
	struct mmu_notifier notifier;
	struct list_head holders;
};

/* What an account costs its process's user: the structure, and its part of what follows the process. */
#define HOLDER_CHARGE	128

static DEFINE_SPINLOCK(ipcx_holders_lock);

/* ipcx_process structures: they are freed some time after their last holder has gone */
static atomic_t nr_processes;

static struct mmu_notifier *process_alloc(struct mm_struct *mm)
{
	struct ipcx_process *process = kzalloc(sizeof(*process), GFP_KERNEL_ACCOUNT);

	if (!process)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&process->holders);
	atomic_inc(&nr_processes);
	return &process->notifier;
}

static void process_free(struct mmu_notifier *notifier)
{
	kfree(container_of(notifier, struct ipcx_process, notifier));
	atomic_dec(&nr_processes);
}

/* An account with its charge, in no list and of no process yet: -ENOMEM, -EDQUOT. */
static struct ipcx_holder *holder_alloc(void)
{
	struct ipcx_holder *holder = kzalloc(sizeof(*holder), GFP_KERNEL_ACCOUNT);
	struct ipcx_user *user;

	if (!holder)
		return ERR_PTR(-ENOMEM);
	user = ipcx_user_charge(HOLDER_CHARGE);
	if (IS_ERR(user)) {
		kfree(holder);
		return ERR_CAST(user);
	}
	holder->user = user;
	return holder;
}

static void holder_free(struct ipcx_holder *holder)
{
	if (holder->process)
		mmu_notifier_put(&holder->process->notifier);
	ipcx_user_uncharge(holder->user, HOLDER_CHARGE);
	kfree(holder);
}

static void holder_unlink_locked(struct ipcx_holder *holder)
{
	lockdep_assert_held(&ipcx_holders_lock);
	list_del(&holder->in_process);
	hlist_del_init(&holder->in_object);
}

/* Take @holder out of both lists, and end what it holds; nothing to end if the object is going. */
static void end_holder_locked(struct ipcx_holder *holder, bool alive, struct ipcx_wakes *wakes)
{
	struct ipcx_object *obj = holder->obj;

	spin_lock(&obj->lock);
	holder_unlink_locked(holder);
	if (alive)
		obj->kind->holder_ended_locked(obj, holder, wakes);
	spin_unlock(&obj->lock);
}

/*
 * The address space has no user any more, so no thread of the process is in a call.  An object that is being
 * freed at the same time waits for ipcx_holders_lock, so it is there for as long as its holder is linked.
 */
static void process_ended(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct ipcx_process *process = container_of(notifier, struct ipcx_process, notifier);
	struct ipcx_holder *holder;

	for (;;) {
		struct ipcx_object *obj;
		IPCX_WAKES(wakes);
		bool alive;

		spin_lock(&ipcx_holders_lock);
		holder = list_first_entry_or_null(&process->holders, struct ipcx_holder, in_process);
		if (!holder) {
			spin_unlock(&ipcx_holders_lock);
			return;
		}
		obj = holder->obj;
		alive = ipcx_object_tryget(obj);
		end_holder_locked(holder, alive, &wakes);
		spin_unlock(&ipcx_holders_lock);

		ipcx_wake(&wakes);
		if (alive) {
			ipcx_object_notify(obj, EPOLLIN | EPOLLRDNORM);
			ipcx_object_put(obj);
		}
		holder_free(holder);
		cond_resched();
	}
}

static const struct mmu_notifier_ops process_ops = {
	.release	= process_ended,
	.alloc_notifier	= process_alloc,
	.free_notifier	= process_free,
};

static struct hlist_head *bucket_of(struct ipcx_holders *holders, const struct mm_struct *mm)
{
	return &holders->by_mm[hash_ptr(mm, IPCX_HOLDERS_BITS)];
}

/* What the calling process holds, or NULL if it cannot hold anything yet; the object's lock is held. */
struct ipcx_holder *ipcx_holder_find_locked(struct ipcx_holders *holders)
{
	struct ipcx_holder *holder;

	hlist_for_each_entry(holder, bucket_of(holders, current->mm), in_object)
		if (holder->mm == current->mm)
			return holder;
	return NULL;
}

/* A new holder for the calling process, or the one that another of its threads was quicker to make. */
static struct ipcx_holder *holder_create(struct ipcx_object *obj, struct ipcx_holders *holders)
{
	struct ipcx_holder *holder, *other;
	struct mmu_notifier *notifier;

	holder = holder_alloc();
	if (IS_ERR(holder))
		return holder;
	notifier = mmu_notifier_get(&process_ops, current->mm);
	if (IS_ERR(notifier)) {
		holder_free(holder);
		/* it gives up when a signal is pending; nothing has been done yet, so the call can be restarted */
		return notifier == ERR_PTR(-EINTR) ? ERR_PTR(-ERESTARTSYS) : ERR_CAST(notifier);
	}
	holder->obj = obj;
	holder->mm = current->mm;
	holder->process = container_of(notifier, struct ipcx_process, notifier);

	spin_lock(&ipcx_holders_lock);
	spin_lock(&obj->lock);
	other = ipcx_holder_find_locked(holders);
	if (!other) {
		hlist_add_head(&holder->in_object, bucket_of(holders, holder->mm));
		list_add(&holder->in_process, &holder->process->holders);
	}
	spin_unlock(&obj->lock);
	spin_unlock(&ipcx_holders_lock);
	if (!other)
		return holder;
	holder_free(holder);
	return other;
}

/* The caller's account at @obj, valid while the caller is in a call on it; -ENOMEM, -EDQUOT, -ERESTARTSYS. */
struct ipcx_holder *ipcx_holder_get(struct ipcx_object *obj, struct ipcx_holders *holders)
{
	struct ipcx_holder *holder;

	spin_lock(&obj->lock);
	holder = ipcx_holder_find_locked(holders);
	spin_unlock(&obj->lock);
	return holder ? holder : holder_create(obj, holders);
}

/* The object is going: nobody can be in a call on it, but processes may be ending. */
void ipcx_holders_free(struct ipcx_holders *holders)
{
	struct ipcx_holder *holder;
	struct hlist_node *next;
	HLIST_HEAD(gone);
	int i;

	spin_lock(&ipcx_holders_lock);
	for (i = 0; i < ARRAY_SIZE(holders->by_mm); i++) {
		hlist_for_each_entry_safe(holder, next, &holders->by_mm[i], in_object) {
			holder_unlink_locked(holder);
			hlist_add_head(&holder->in_object, &gone);
		}
	}
	spin_unlock(&ipcx_holders_lock);
	hlist_for_each_entry_safe(holder, next, &gone, in_object) {
		holder_free(holder);
	}
}

/* At unload, when no object is left: wait until the last notifier has been freed. */
void ipcx_robust_exit(void)
{
	while (atomic_read(&nr_processes))
		schedule_timeout_uninterruptible(1);
	mmu_notifier_synchronize();
}
