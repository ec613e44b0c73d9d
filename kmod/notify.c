// SPDX-License-Identifier: GPL-2.0
/*
 * Notices: a signal, or a count in an eventfd, when an object becomes ready; and SIGIO.
 *
 * An object that is watched has one entry in its list of pollers, whose function looks at each notice; one that
 * nobody watches pays nothing.  Nothing that is sent here comes back to the module: a signal is queued, and an eventfd
 * wakes its own pollers only.  So notices cannot go round in a circle.
 */
#include <linux/cred.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "ipcx.h"
#include "ipcx_trace.h"

/* What a notice costs its user: the structure, and the pid, credentials or eventfd that it keeps. */
#define NOTICE_CHARGE	256

/**
 * struct notice - who is told what, when one open file becomes ready
 * @node:	in ipcx_watch.notices (protected by the object's poll.lock)
 * @file:	to which it belongs; it goes before the file does
 * @id:		0 for SIGIO, else unique for the object
 * @ready:	IPCX_READY_*
 * @events:	the poll events that these stand for
 * @signo:	signal, or 0
 * @value:	comes with the signal
 * @repeat:	stays when it has been sent
 * @thread:	@pid is a thread
 * @pid:	whom to signal, or NULL.  As long as it is held its number means nobody else
 * @cred:	of who asked, with @pid
 * @eventfd:	what to count in, or NULL
 * @async:	SIGIO, if it is on: this file's entry (set by fasync_helper())
 * @user:	who is charged
 *
 * But for @node and @async, all is constant.
 */
struct notice {
	struct list_head node;
	struct file *file;
	u64 id;
	u32 ready;
	__poll_t events;
	u32 signo;
	u64 value;
	bool repeat;
	bool thread;
	struct pid *pid;
	const struct cred *cred;
	struct eventfd_ctx *eventfd;
	struct fasync_struct *async;
	struct ipcx_user *user;
};

/**
 * struct ipcx_watch - the notices of one object; made by the first, gone with the object
 * @obj:	constant
 * @wait:	in obj->poll while there is a notice that could be sent (by obj->poll.lock)
 * @notices:	struct notice (by obj->poll.lock)
 * @nr:		of them, and of those being made (by obj->poll.lock)
 * @last_id:	(by obj->poll.lock)
 */
struct ipcx_watch {
	struct ipcx_object *obj;
	wait_queue_entry_t wait;
	struct list_head notices;
	u32 nr;
	u64 last_id;
};

/* ---- sending; obj->poll.lock is held, interrupts are off ---- */

/* One of the asker's user ids is one of the target's: what kill(2) asks for. */
static bool uids_permit(const struct cred *asker, const struct cred *target)
{
	return uid_eq(asker->euid, target->suid) || uid_eq(asker->euid, target->uid) ||
	       uid_eq(asker->uid, target->suid) || uid_eq(asker->uid, target->uid);
}

/* Could who asked use CAP_KILL on the target now?  Whoever happens to run here does not count. */
static bool capability_permits(const struct notice *n, const struct cred *target)
{
	const struct cred *old = override_creds(n->cred);
	bool ret = ns_capable_noaudit(target->user_ns, CAP_KILL) && !kill_pid(n->pid, 0, 0);

	revert_creds(old);
	return ret;
}

/*
 * To one thread.  Such a siginfo has a sender, as the target sees it; one from outside its pid namespace would be
 * forced on it.  That matters to signals only that cannot be caught, and these concern the whole process anyway.
 */
static int signal_thread(const struct notice *n, struct task_struct *task)
{
	struct kernel_siginfo info;

	clear_siginfo(&info);
	info.si_signo = n->signo;
	info.si_code = SI_MESGQ;
	info.si_ptr = (void __user *)(unsigned long)n->value;
	return send_sig_info(n->signo, &info, task);
}

/*
 * Signal the target, if whoever asked may do that now: what it has become since, and the credentials it has taken on,
 * count as they would for kill(2).  0; -ESRCH: it has gone; -EPERM; -EAGAIN: its queue of signals is full.
 */
static int send_signal(const struct notice *n)
{
	sigval_t value = { .sival_ptr = (void __user *)(unsigned long)n->value };
	struct task_struct *task;
	const struct cred *target;
	bool by_uid;
	int ret = -ESRCH;

	rcu_read_lock();
	task = pid_task(n->pid, n->thread ? PIDTYPE_PID : PIDTYPE_TGID);
	if (!task)
		goto out;
	target = get_task_cred(task);
	by_uid = uids_permit(n->cred, target);
	if (!by_uid && !capability_permits(n, target))
		ret = -EPERM;
	else if (n->thread && !sig_kernel_only(n->signo))
		ret = signal_thread(n, task);
	else	/* it looks at user ids, too, but knows of no capability */
		ret = kill_pid_usb_asyncio(n->signo, 0, value, n->pid, by_uid ? n->cred : target);
	put_cred(target);
out:
	rcu_read_unlock();
	return ret;
}

/* SIGIO, or what F_SETSIG says, to whom F_SETOWN says: the kernel looks whether that is permitted. */
static void signal_async(struct notice *n, __poll_t ready)
{
	if (ready & (EPOLLHUP | EPOLLERR)) {
		kill_fasync(&n->async, SIGIO, POLL_HUP);
		return;
	}
	if (ready & EPOLLIN)
		kill_fasync(&n->async, SIGIO, POLL_IN);
	if (ready & EPOLLOUT)
		kill_fasync(&n->async, SIGIO, POLL_OUT);
}

static int deliver(struct notice *n, __poll_t ready)
{
	if (n->pid)
		return send_signal(n);
	if (n->eventfd)
		ipcx_eventfd_signal(n->eventfd);
	else
		signal_async(n, ready);
	return 0;
}

/* ---- notices of an object ---- */

static void notice_free(struct notice *n)
{
	if (n->eventfd)
		eventfd_ctx_put(n->eventfd);
	if (n->cred)
		put_cred(n->cred);
	put_pid(n->pid);
	ipcx_user_uncharge(n->user, NOTICE_CHARGE);
	kfree(n);
}

/* Could any notice be sent?  One of SIGIO stays with its file when it has been switched off. */
static bool is_needed_locked(const struct ipcx_watch *watch)
{
	const struct notice *n;

	list_for_each_entry(n, &watch->notices, node)
		if (n->id || READ_ONCE(n->async))
			return true;
	return false;
}

/* Stand among the pollers, or do not, after the notices have changed. */
static void watch_update_locked(struct ipcx_watch *watch)
{
	bool needed = is_needed_locked(watch);

	lockdep_assert_held(&watch->obj->poll.lock);
	if (needed && list_empty(&watch->wait.entry))
		__add_wait_queue(&watch->obj->poll, &watch->wait);
	else if (!needed && !list_empty(&watch->wait.entry))
		list_del_init(&watch->wait.entry);
}

static void remove_locked(struct ipcx_watch *watch, struct notice *n)
{
	list_del(&n->node);
	watch->nr--;
}

/*
 * @events may have come: send the notice if its file is ready for them.  Returns true if it has to go: it was to be
 * sent once, or its target has.  If it could not be queued it waits for the next time.
 */
static bool fire_locked(struct ipcx_watch *watch, struct notice *n, __poll_t events)
{
	__poll_t ready;
	int ret;

	/* whoever ends an object's use does not know by which of the two a file will tell */
	if (events & (EPOLLHUP | EPOLLERR))
		events |= EPOLLHUP | EPOLLERR;
	if (!(n->events & events))
		return false;
	ready = ipcx_object_events(n->file) & n->events & events;
	if (!ready)
		return false;
	ret = deliver(n, ready);
	trace_ipcx_notify(watch->obj, n->id, n->signo, ret);
	return ret == -ESRCH || (!n->repeat && ret != -EAGAIN);
}

static int watch_wake(wait_queue_entry_t *wait, unsigned int mode, int flags, void *key)
{
	struct ipcx_watch *watch = container_of(wait, struct ipcx_watch, wait);
	__poll_t events = key_to_poll(key);
	struct notice *n, *next;
	bool removed = false;

	list_for_each_entry_safe(n, next, &watch->notices, node) {
		if (fire_locked(watch, n, events)) {
			remove_locked(watch, n);
			notice_free(n);
			removed = true;
		}
	}
	if (removed)
		watch_update_locked(watch);
	return 0;
}

/* The watch of an object, which is made when it is first needed. */
static struct ipcx_watch *watch_get(struct ipcx_object *obj)
{
	struct ipcx_watch *watch = smp_load_acquire(&obj->watch), *old;

	if (watch)
		return watch;
	watch = kzalloc(sizeof(*watch), GFP_KERNEL_ACCOUNT);
	if (!watch)
		return NULL;
	watch->obj = obj;
	INIT_LIST_HEAD(&watch->notices);
	init_waitqueue_func_entry(&watch->wait, watch_wake);
	INIT_LIST_HEAD(&watch->wait.entry);
	old = cmpxchg(&obj->watch, NULL, watch);
	if (!old)
		return watch;
	kfree(watch);
	return old;
}

/* Room for one more notice, and a number for it; 0 if there are too many. */
static u64 reserve(struct ipcx_watch *watch)
{
	u64 id = 0;

	spin_lock_irq(&watch->obj->poll.lock);
	if (watch->nr < IPCX_NOTIFY_MAX) {
		watch->nr++;
		id = ++watch->last_id;
	}
	spin_unlock_irq(&watch->obj->poll.lock);
	return id;
}

static void unreserve(struct ipcx_watch *watch)
{
	spin_lock_irq(&watch->obj->poll.lock);
	watch->nr--;
	spin_unlock_irq(&watch->obj->poll.lock);
}

/* As in poll(2), the end of an object counts whatever was asked for: nobody waits for what cannot come. */
static __poll_t wanted_events(u32 ready)
{
	return EPOLLHUP | EPOLLERR | (ready & IPCX_READY_READ ? EPOLLIN : 0) |
	       (ready & IPCX_READY_WRITE ? EPOLLOUT : 0);
}

static struct notice *notice_alloc(struct file *file, u32 ready)
{
	struct notice *n = kzalloc(sizeof(*n), GFP_KERNEL_ACCOUNT);

	if (!n)
		return ERR_PTR(-ENOMEM);
	n->user = ipcx_user_charge(NOTICE_CHARGE);
	if (IS_ERR(n->user)) {
		struct ipcx_user *err = n->user;

		kfree(n);
		return ERR_CAST(err);
	}
	n->file = file;
	n->ready = ready;
	n->events = wanted_events(ready);
	return n;
}

/*
 * The file goes, and its notices before it does.  There is no command on it any more, so nobody adds one; but one may
 * be sent until it is off the list.
 */
void ipcx_watch_file_closed(struct ipcx_object *obj, struct file *file)
{
	struct ipcx_watch *watch = smp_load_acquire(&obj->watch);
	struct notice *n, *next;
	LIST_HEAD(gone);

	if (!watch)
		return;
	spin_lock_irq(&obj->poll.lock);
	list_for_each_entry_safe(n, next, &watch->notices, node) {
		if (n->file == file) {
			list_move(&n->node, &gone);
			watch->nr--;
		}
	}
	watch_update_locked(watch);
	spin_unlock_irq(&obj->poll.lock);

	list_for_each_entry_safe(n, next, &gone, node) {
		if (n->async)	/* switched on and off at the same time: the VFS lost count */
			fasync_helper(-1, file, 0, &n->async);
		notice_free(n);
	}
}

/* ---- targets ---- */

/*
 * The pid of a pidfd, with a reference.  No exported function resolves one, so it is recognized by what user space
 * cannot make: a file of pidfs, or before that (6.9) one of the kernel's anonymous inode, under the name that only a
 * pidfd has there.
 */
static struct pid *pidfd_get(u32 fd, bool *thread)
{
	struct pid *pid = ERR_PTR(-EINVAL);
	struct file *file = fget(fd);
	const struct super_block *sb;

	if (!file)
		return ERR_PTR(-EBADF);
	sb = file_inode(file)->i_sb;
#ifdef PID_FS_MAGIC
	if (sb->s_magic == PID_FS_MAGIC)
		pid = get_pid(file_inode(file)->i_private);
#endif
	if (sb->s_magic == ANON_INODE_FS_MAGIC && !file->f_op->owner &&
	    !strcmp(file->f_path.dentry->d_name.name, "[pidfd]"))
		pid = get_pid(file->private_data);
	*thread = file->f_flags & O_EXCL;	/* PIDFD_THREAD */
	fput(file);
	return pid;
}

/* The process that the thread @pid belongs to; takes over the reference. */
static struct pid *process_of(struct pid *pid)
{
	struct task_struct *task = get_pid_task(pid, PIDTYPE_PID);

	put_pid(pid);
	if (!task)
		return NULL;
	pid = get_task_pid(task, PIDTYPE_TGID);
	put_task_struct(task);
	return pid;
}

/* Whom to signal, as kill(2), tkill(2) and pidfd_send_signal(2) find it. */
static int find_target(struct notice *n, const struct ipcx_notify *args)
{
	struct pid *pid;
	int ret;

	switch (args->how) {
	case IPCX_NOTIFY_PROCESS:
		pid = args->target ? find_get_pid(args->target) : get_task_pid(current, PIDTYPE_PID);
		pid = process_of(pid);
		break;
	case IPCX_NOTIFY_THREAD:
		/* a worker of io_uring is nobody's own thread */
		if (!args->target && current->flags & PF_IO_WORKER)
			return -EINVAL;
		pid = args->target ? find_get_pid(args->target) : get_task_pid(current, PIDTYPE_PID);
		n->thread = true;
		break;
	default:
		pid = pidfd_get(args->target, &n->thread);
		if (IS_ERR(pid))
			return PTR_ERR(pid);
		break;
	}
	n->pid = pid;
	/* a pidfd may come from a namespace that the caller cannot see */
	if (!pid || !pid_vnr(pid))
		return -ESRCH;
	n->cred = get_current_cred();
	ret = kill_pid(pid, 0, 0);
	return ret && ret != -ESRCH ? -EPERM : ret;
}

static int find_eventfd(struct notice *n, const struct ipcx_notify *args)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fdget(args->target);

	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	n->eventfd = eventfd;
	return 0;
}

/* ---- the doors ---- */

static bool valid_notify(const struct ipcx_notify *args)
{
	if (args->flags & ~IPCX_NOTIFY_REPEAT || !args->ready ||
	    args->ready & ~(IPCX_READY_READ | IPCX_READY_WRITE | IPCX_READY_SHUT))
		return false;
	if (args->how == IPCX_NOTIFY_EVENTFD)
		return !args->signo && !args->value;
	return args->how < IPCX_NOTIFY_EVENTFD && args->signo && valid_signal(args->signo);
}

long ipcx_notify(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_object *obj = ipcx_object(file);
	u32 rights = ipcx_file_rights(file);
	struct ipcx_notify *notify = args;
	struct ipcx_watch *watch;
	struct notice *n;
	bool gone;
	int ret;

	if (!valid_notify(notify))
		return -EINVAL;
	if (!obj->kind->events_locked)
		return -EOPNOTSUPP;
	if (!rights || (notify->ready & IPCX_READY_READ && !(rights & IPCX_READ)) ||
	    (notify->ready & IPCX_READY_WRITE && !(rights & IPCX_WRITE)))
		return -EACCES;

	n = notice_alloc(file, notify->ready);
	if (IS_ERR(n))
		return PTR_ERR(n);
	n->signo = notify->signo;
	n->value = notify->value;
	n->repeat = notify->flags & IPCX_NOTIFY_REPEAT;
	ret = notify->how == IPCX_NOTIFY_EVENTFD ? find_eventfd(n, notify) : find_target(n, notify);
	if (ret)
		goto err_free;
	ret = -ENOMEM;
	watch = watch_get(obj);
	if (!watch)
		goto err_free;
	ret = -EBUSY;
	n->id = reserve(watch);
	if (!n->id)
		goto err_free;
	/* what has been sent cannot come back: find out first whether the number can be told */
	notify->id = n->id;
	ret = ipcx_put_args(uargs, notify, sizeof(*notify));
	if (ret)
		goto err_unreserve;

	/* among the pollers first, then look: see POLL_BARRIER */
	spin_lock_irq(&obj->poll.lock);
	list_add_tail(&n->node, &watch->notices);
	watch_update_locked(watch);
	gone = fire_locked(watch, n, n->events);
	if (gone) {
		remove_locked(watch, n);
		watch_update_locked(watch);
	}
	spin_unlock_irq(&obj->poll.lock);
	if (gone)
		notice_free(n);
	return 0;

err_unreserve:
	unreserve(watch);
err_free:
	notice_free(n);
	return ret;
}

static struct notice *find_notice_locked(struct ipcx_watch *watch, const struct file *file, u64 id)
{
	struct notice *n;

	lockdep_assert_held(&watch->obj->poll.lock);
	list_for_each_entry(n, &watch->notices, node)
		if (n->file == file && n->id == id)
			return n;
	return NULL;
}

long ipcx_notify_cancel(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_object *obj = ipcx_object(file);
	const struct ipcx_notify_cancel *cancel = args;
	struct ipcx_watch *watch = smp_load_acquire(&obj->watch);
	struct notice *n;

	if (cancel->flags)
		return -EINVAL;
	if (!obj->kind->events_locked)
		return -EOPNOTSUPP;
	if (!watch || !cancel->id)
		return -ENOENT;
	spin_lock_irq(&obj->poll.lock);
	n = find_notice_locked(watch, file, cancel->id);
	if (n) {
		remove_locked(watch, n);
		watch_update_locked(watch);
	}
	spin_unlock_irq(&obj->poll.lock);
	if (!n)
		return -ENOENT;
	notice_free(n);
	return 0;
}

/* The file's notice of SIGIO, which stays until the file goes. */
static struct notice *sigio_notice(struct ipcx_watch *watch, struct file *file)
{
	spinlock_t *lock = &watch->obj->poll.lock;
	u32 rights = ipcx_file_rights(file);
	struct notice *n, *old;

	spin_lock_irq(lock);
	n = find_notice_locked(watch, file, 0);
	spin_unlock_irq(lock);
	if (n)
		return n;
	n = notice_alloc(file, (rights & IPCX_READ ? IPCX_READY_READ : 0) |
			       (rights & IPCX_WRITE ? IPCX_READY_WRITE : 0));
	if (IS_ERR(n))
		return n;
	n->repeat = true;
	spin_lock_irq(lock);
	old = find_notice_locked(watch, file, 0);
	if (!old && watch->nr >= IPCX_NOTIFY_MAX)
		old = ERR_PTR(-EBUSY);
	if (!old) {
		list_add_tail(&n->node, &watch->notices);
		watch->nr++;
	}
	spin_unlock_irq(lock);
	if (!old)
		return n;
	notice_free(n);
	return old;
}

/* O_ASYNC is switched on or off, or the file goes. */
int ipcx_object_fasync(int fd, struct file *file, int on)
{
	struct ipcx_object *obj = ipcx_object(file);
	struct ipcx_watch *watch = on ? watch_get(obj) : smp_load_acquire(&obj->watch);
	struct notice *n;
	int ret;

	if (!watch)
		return on ? -ENOMEM : 0;
	if (on) {
		n = sigio_notice(watch, file);
		if (IS_ERR(n))
			return PTR_ERR(n);
	} else {
		spin_lock_irq(&obj->poll.lock);
		n = find_notice_locked(watch, file, 0);
		spin_unlock_irq(&obj->poll.lock);
		if (!n)
			return 0;
	}
	ret = fasync_helper(fd, file, on, &n->async);
	spin_lock_irq(&obj->poll.lock);
	watch_update_locked(watch);
	spin_unlock_irq(&obj->poll.lock);
	return ret;
}

/* ---- what fdinfo tells: the notices of one file ---- */

static void show_notice(struct seq_file *m, const struct notice *n)
{
	seq_printf(m, "notice:\tid %llu ready %s%s%s%s", n->id,
		   n->ready & IPCX_READY_READ ? "r" : "-", n->ready & IPCX_READY_WRITE ? "w" : "-",
		   n->ready & IPCX_READY_SHUT ? "s" : "-",
		   n->repeat ? " repeat" : "");
	if (n->eventfd)
		seq_puts(m, " eventfd\n");
	else	/* 0: the reader's namespace does not see it */
		seq_printf(m, " signal %u %s %d\n", n->signo, n->thread ? "thread" : "process",
			   pid_nr_ns(n->pid, proc_pid_ns(file_inode(m->file)->i_sb)));
}

void ipcx_watch_show(struct ipcx_object *obj, const struct file *file, struct seq_file *m)
{
	struct ipcx_watch *watch = smp_load_acquire(&obj->watch);
	const struct notice *n;

	if (!watch)
		return;
	spin_lock_irq(&obj->poll.lock);
	list_for_each_entry(n, &watch->notices, node)
		if (n->file == file && n->id)
			show_notice(m, n);
	spin_unlock_irq(&obj->poll.lock);
}
