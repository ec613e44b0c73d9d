// SPDX-License-Identifier: GPL-2.0
/*
 * Robust semaphores: the units that a process holds come back when its address space ends.
 *
 * The end of an address space is what a module can follow for every way to die, with an mmu notifier: exit, a
 * signal, exec.  It comes before a parent can reap the process, unless somebody is looking at the address space
 * just then (/proc, process_vm_readv).  Each process that has waited on a robust semaphore has one ipcx_process,
 * with one ipcx_holder for each such semaphore.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/slab.h>

#include "ipcx.h"
#include "sem.h"

/**
 * struct ipcx_process - a process that has waited on robust semaphores
 * @notifier:	tells of the end of its address space; one reference for each holder
 * @holders:	ipcx_holder.in_process (protected by ipcx_holders_lock)
 */
struct ipcx_process {
	struct mmu_notifier notifier;
	struct list_head holders;
};

/**
 * struct ipcx_holder - what one process holds of one semaphore
 * @in_sem:	in ipcx_sem.holders, by @mm
 * @in_process:	in ipcx_process.holders (protected by ipcx_holders_lock)
 * @sem:	constant; valid for as long as @in_sem is linked
 * @process:	constant; the holder has a reference to its notifier
 * @mm:		the address space, only compared
 * @nr:		units (protected by sem->obj.lock)
 *
 * Made by the process itself, and gone when the process ends or the semaphore does, whichever is first.  Both
 * unlink it under ipcx_holders_lock, so that one of them finds it.
 */
struct ipcx_holder {
	struct hlist_node in_sem;
	struct list_head in_process;
	struct ipcx_sem *sem;
	struct ipcx_process *process;
	const struct mm_struct *mm;
	u32 nr;
};

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

static void holder_unlink_locked(struct ipcx_holder *holder)
{
	lockdep_assert_held(&ipcx_holders_lock);
	list_del(&holder->in_process);
	hash_del(&holder->in_sem);
}

/* Take @holder out of both lists and give back its units; nothing to give back to if the semaphore is going. */
static void end_holder_locked(struct ipcx_holder *holder, bool alive, struct ipcx_wakes *wakes)
{
	struct ipcx_sem *sem = holder->sem;

	spin_lock(&sem->obj.lock);
	holder_unlink_locked(holder);
	sem->held -= holder->nr;
	/* the maximum holds, even if others have posted in the place of the dead */
	if (alive && holder->nr)
		ipcx_sem_add_locked(sem, min(holder->nr, sem->max - sem->count), wakes);
	spin_unlock(&sem->obj.lock);
}

/*
 * The address space has no user any more, so no thread of the process is in a call.  A semaphore that is being
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
		obj = &holder->sem->obj;
		alive = ipcx_object_tryget(obj);
		end_holder_locked(holder, alive, &wakes);
		spin_unlock(&ipcx_holders_lock);

		ipcx_wake(&wakes);
		if (alive) {
			ipcx_object_notify(obj, EPOLLIN | EPOLLRDNORM);
			ipcx_object_put(obj);
		}
		mmu_notifier_put(&process->notifier);
		kfree(holder);
	}
}

static const struct mmu_notifier_ops process_ops = {
	.release	= process_ended,
	.alloc_notifier	= process_alloc,
	.free_notifier	= process_free,
};

static struct ipcx_holder *holder_find_locked(struct ipcx_sem *sem, const struct mm_struct *mm)
{
	struct ipcx_holder *holder;

	lockdep_assert_held(&sem->obj.lock);
	hash_for_each_possible(sem->holders, holder, in_sem, (unsigned long)mm)
		if (holder->mm == mm)
			return holder;
	return NULL;
}

/* A new holder for the calling process, or the one that another of its threads was quicker to make. */
static struct ipcx_holder *holder_create(struct ipcx_sem *sem)
{
	struct ipcx_holder *holder, *other;
	struct mmu_notifier *notifier;

	holder = kzalloc(sizeof(*holder), GFP_KERNEL_ACCOUNT);
	if (!holder)
		return ERR_PTR(-ENOMEM);
	notifier = mmu_notifier_get(&process_ops, current->mm);
	if (IS_ERR(notifier)) {
		kfree(holder);
		/* it gives up when a signal is pending; nothing has been done yet, so the call can be restarted */
		return notifier == ERR_PTR(-EINTR) ? ERR_PTR(-ERESTARTSYS) : ERR_CAST(notifier);
	}
	holder->sem = sem;
	holder->mm = current->mm;
	holder->process = container_of(notifier, struct ipcx_process, notifier);

	spin_lock(&ipcx_holders_lock);
	spin_lock(&sem->obj.lock);
	other = holder_find_locked(sem, current->mm);
	if (!other) {
		hash_add(sem->holders, &holder->in_sem, (unsigned long)holder->mm);
		list_add(&holder->in_process, &holder->process->holders);
	}
	spin_unlock(&sem->obj.lock);
	spin_unlock(&ipcx_holders_lock);
	if (!other)
		return holder;
	mmu_notifier_put(notifier);
	kfree(holder);
	return other;
}

/* The caller's account at @sem, valid while the caller is in a call on it; -ENOMEM, -ERESTARTSYS. */
struct ipcx_holder *ipcx_holder_get(struct ipcx_sem *sem)
{
	struct ipcx_holder *holder;

	spin_lock(&sem->obj.lock);
	holder = holder_find_locked(sem, current->mm);
	spin_unlock(&sem->obj.lock);
	return holder ? holder : holder_create(sem);
}

void ipcx_holder_add_locked(struct ipcx_sem *sem, struct ipcx_holder *holder, u32 nr)
{
	lockdep_assert_held(&sem->obj.lock);
	holder->nr += nr;
	sem->held += nr;
}

/* The caller has posted @nr units: they settle its own account, as far as that goes. */
void ipcx_holder_sub_locked(struct ipcx_sem *sem, u32 nr)
{
	struct ipcx_holder *holder = holder_find_locked(sem, current->mm);

	if (!holder)
		return;
	nr = min(nr, holder->nr);
	holder->nr -= nr;
	sem->held -= nr;
}

/* The semaphore is going: nobody can be in a call on it, but processes may be ending. */
void ipcx_holders_free(struct ipcx_sem *sem)
{
	struct ipcx_holder *holder;
	struct hlist_node *next;
	HLIST_HEAD(gone);
	int i;

	if (!(sem->obj.state & IPCX_OBJECT_ROBUST))
		return;
	spin_lock(&ipcx_holders_lock);
	hash_for_each_safe(sem->holders, i, next, holder, in_sem) {
		holder_unlink_locked(holder);
		hlist_add_head(&holder->in_sem, &gone);
	}
	spin_unlock(&ipcx_holders_lock);
	hlist_for_each_entry_safe(holder, next, &gone, in_sem) {
		mmu_notifier_put(&holder->process->notifier);
		kfree(holder);
	}
}

/* At unload, when no semaphore is left: wait until the last notifier has been freed. */
void ipcx_robust_exit(void)
{
	while (atomic_read(&nr_processes))
		schedule_timeout_uninterruptible(1);
	mmu_notifier_synchronize();
}
