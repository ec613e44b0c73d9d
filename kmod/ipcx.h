/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the module share.  Dependencies point one way:
 * main -> queue, region, sem, event -> object -> wait.
 *
 * Locks, outermost first; a lock is taken only while holding locks above it:
 *
 *	ipcx_stream.reading	(stream.c, mutex)	a stream's readers, while they copy
 *	ipcx_stream.writing	(stream.c, mutex)	a stream's writers, while they copy
 *	ipcx_names_lock		(name.c, mutex)		every name of every namespace, ipcx_object.name
 *	ipcx_circle_lock	(fds.c, mutex)		which queues are in messages of which
 *	ipcx_wait_set.changing	(wait-set.c, mutex)	which objects a wait set has
 *	ipcx_all_waits_lock	(wait-many.c, spinlock)	waits for all of several objects; who holds it may hold the
 *							locks of several objects at the same time
 *	ipcx_holders_lock	(robust.c, spinlock)	which process holds something of which object
 *	ipcx_object.poll.lock	(spinlock, irqs off)	who polls an object, waits or is noticed of changes: callbacks
 *	that of a wait set	(likewise)		nests in those of its objects
 *	ipcx_object.lock of a	wait set		its hints and its waiters
 *	ipcx_object.lock	(spinlock)		the state of one object, and its lists of waiters
 *	ipcx_users_lock		(object.c, spinlock)	the table of users; ipcx_user.bytes is atomic
 *	ipcx_pool.lock		(message.c, spinlock)	recycled memory of messages
 *
 * Two mutexes stand outside this order: region_vm_ops_lock (region.c), held for nothing else, under mmap_lock;
 * and ipcx_names_lock is also taken under mmap_lock, when the last mapping of a temporary region goes.
 *
 * All are taken in process context only.  The two mutexes of a stream are held while user space is copied from and
 * to, and so stand above mmap_lock.  Under a spinlock nothing sleeps, nothing is copied from or to user
 * space and nobody is woken: waiters are completed into a struct ipcx_wakes and woken after the unlock.  Callbacks
 * in obj->poll are the exception, as everywhere in the kernel: they wake under its lock.
 */
#ifndef IPCX_H
#define IPCX_H

#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/uidgid.h>
#include <linux/wait.h>

#include <uapi/linux/ipcx.h>
#include "compat.h"

struct ipcx_holder;
struct ipcx_name;
struct ipcx_net;
struct ipcx_object;
struct ipcx_user;
struct io_uring_cmd;
struct ipcx_watch;
struct seq_file;

/* ---- main.c ---- */

extern const struct file_operations ipcx_device_fops;

/* Rights of an open file, IPCX_READ and IPCX_WRITE, which are its f_mode bits. */
u32 ipcx_file_rights(const struct file *file);
long ipcx_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long ipcx_command(struct file *file, unsigned int cmd, void __user *uargs, bool try_only, bool *would_wait);
long ipcx_broadcast_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
/*
 * Write an argument, which begins with its size, back to user space: as much of it as the caller has room for;
 * @len is its size here.  -EFAULT.
 */
static inline int ipcx_put_args(void __user *uargs, const void *args, size_t len)
{
	return copy_to_user(uargs, args, min_t(size_t, len, *(const u32 *)args)) ? -EFAULT : 0;
}

/* ---- wait.c: the one place that sleeps ---- */

/**
 * struct ipcx_waiter - a task that waits for something of an object
 * @node:	in a list of the object (protected by the object's lock)
 * @next:	in an ipcx_wakes, after the claim
 * @head:	itself; for a place in one of several lines, that of the whole wait, whose @task, @claimed and @done count
 * @task:	who sleeps
 * @claimed:	0, then 1 once somebody (a waker, or the sleeper giving up) owns the outcome: see CLAIM
 * @done:	set, with release, after @result and @cpu: see WAIT_BARRIER
 * @cpu:	where the waker ran
 * @result:	0 or a negative errno (written by the claimer, read by the sleeper after @done)
 */
struct ipcx_waiter {
	union {
		struct list_head node;
		struct ipcx_waiter *next;
	};
	struct ipcx_waiter *head;
	struct task_struct *task;
	atomic_t claimed;
	u32 done;
	int cpu;
	int result;
};

/* Yields that may be lost before sleeping is preferred. */
#define IPCX_PATIENCE	8192

/**
 * struct ipcx_turns - do those who wait and those who serve them take turns on one processor?  Hints, without a lock
 * @cpu:	where who ended the last wait ran, or -1
 * @patience:	yields that may be lost: see YIELD
 */
struct ipcx_turns {
	int cpu;
	int patience;
};

/**
 * struct ipcx_wakes - waiters that have been completed and will be woken when the lock is dropped
 * @last:	the end of their chain, which is followed by its beginning; NULL if there are none
 */
struct ipcx_wakes {
	struct ipcx_waiter *last;
};

#define IPCX_WAKES(name) struct ipcx_wakes name = { NULL }

void ipcx_waiter_init(struct ipcx_waiter *w);
void ipcx_waiter_complete(struct ipcx_waiter *w, int result, struct ipcx_wakes *wakes);
void ipcx_wait_for_claimer(struct ipcx_waiter *w);
bool ipcx_yield(struct ipcx_turns *turns, const u32 *until);
int ipcx_wait(struct ipcx_object *obj, struct ipcx_waiter *w, u32 flags, u64 timeout);
void ipcx_wake_one(struct ipcx_waiter *w);
u32 ipcx_wake_all(struct ipcx_wakes *wakes);

/* Become the one who decides the outcome of @w: see CLAIM. */
static inline bool ipcx_waiter_claim(struct ipcx_waiter *w)
{
	return atomic_xchg(&w->head->claimed, 1) == 0;
}

/* Has somebody claimed @w?  As long as it stands in line, that is itself: it is giving up, and keeps nobody out. */
static inline bool ipcx_waiter_is_claimed(const struct ipcx_waiter *w)
{
	return atomic_read(&w->head->claimed);
}

/* Wake what ipcx_waiter_complete() collected; no lock may be held. */
static inline void ipcx_wake(struct ipcx_wakes *wakes)
{
	if (wakes->last)
		ipcx_wake_all(wakes);
}

/* ---- object.c: the only file that frees an object ---- */

/**
 * struct ipcx_kind - what a kind of object does its own way
 * @kind:	IPCX_KIND_*
 * @label:	as fdinfo and traces show it
 * @file_name:	as /proc/PID/fd shows its files
 * @fops:	of its files; NULL if @open makes them
 * @create:	a new object from the kind's create argument, with ipcx_object_init() done
 * @open:	a file of its own making with @flags (O_ACCMODE, O_NONBLOCK), or NULL for an anonymous inode
 * @opened:	a new open file, which nobody sees yet: 0 or an error, after which @closed is called; may be NULL
 * @closed:	an open file goes; may be NULL
 * @free:	the last reference has gone: nobody else can see the object; cannot fail
 * @holder_ended_locked: a process that holds something has ended; ipcx_holders_lock and the object's lock are held
 * @show:	kind's lines of fdinfo
 * @show_file:	what fdinfo tells of this one open file; may be NULL
 * @shutdown:	@how is valid; NULL if this kind has none
 * @taking:	how something is taken of it; NULL if it can only be ready
 * @events_locked: what poll(2) reports of @file; the object's lock is held.  NULL if this kind is never waited for
 */
struct ipcx_kind {
	u32 kind;
	const char *label;
	const char *file_name;
	const struct file_operations *fops;
	struct ipcx_object *(*create)(const void *args);
	struct file *(*open)(struct ipcx_object *obj, int flags);
	int (*opened)(struct ipcx_object *obj, struct file *file);
	void (*closed)(struct ipcx_object *obj, struct file *file);
	void (*free)(struct ipcx_object *obj);
	void (*holder_ended_locked)(struct ipcx_object *obj, struct ipcx_holder *holder,
				    struct ipcx_wakes *wakes);
	void (*show)(struct ipcx_object *obj, struct seq_file *m);
	void (*show_file)(struct file *file, struct seq_file *m);
	void (*shutdown)(struct ipcx_object *obj, u32 how);
	const struct ipcx_taking *taking;
	__poll_t (*events_locked)(const struct file *file);
};

/**
 * struct ipcx_object - what all kinds have in common
 * @lock:	the object's lock
 * @kind:	constant
 * @poll:	pollers and epoll: see POLL_BARRIER
 * @refs:	one for each open file, one for a name that is not temporary
 * @users:	open files
 * @id:		constant, unique while the module is loaded
 * @uid:	owner, constant
 * @gid:	group, constant
 * @mode:	permission bits, constant
 * @state:	IPCX_OBJECT_* but NAMED (written under @lock)
 * @unlimited:	the owner had CAP_SYS_RESOURCE: charged, but not limited; constant
 * @user:	who is charged; constant, holds a reference
 * @charged:	bytes charged to @user for this object
 * @name:	NULL if it has none (protected by ipcx_names_lock)
 * @turns:	of those who wait for it
 * @watch:	its notices, or NULL if there has been none; set once, with release
 * @nr_all:	length of @all (written under ipcx_all_waits_lock and @lock)
 * @all:	waits for all of several objects that need this one, and marks among them (protected by ipcx_all_waits_lock)
 */
struct ipcx_object {
	spinlock_t lock;
	u32 state;
	const struct ipcx_kind *kind;
	wait_queue_head_t poll;
	refcount_t refs;
	atomic_t users;
	u64 id;
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
	bool unlimited;
	struct ipcx_user *user;
	atomic_long_t charged;
	struct ipcx_name *name;
	struct ipcx_watch *watch;
	struct ipcx_turns turns;
	u32 nr_all;
	struct list_head all;
};

extern unsigned long ipcx_user_bytes;
/* Files of kinds that are used through their commands and poll(2), and nothing else. */
extern const struct file_operations ipcx_object_fops;

int ipcx_object_init(struct ipcx_object *obj, const struct ipcx_kind *kind, const struct ipcx_create *create,
		     u32 state);
void ipcx_object_get(struct ipcx_object *obj);
struct file *ipcx_object_file(struct ipcx_object *obj, u32 rights, u32 flags);
bool ipcx_object_tryget(struct ipcx_object *obj);
void ipcx_object_put(struct ipcx_object *obj);
long ipcx_object_create(struct file *dev, const struct ipcx_create *create, u32 kind_flags,
			const struct ipcx_kind *kind);
long ipcx_object_open(struct file *dev, const struct ipcx_open *args);
long ipcx_object_restrict(struct file *file, const struct ipcx_restrict *args);
long ipcx_object_shutdown(struct file *file, const struct ipcx_shutdown *args);
void ipcx_object_stat(struct file *file, struct ipcx_stat *stat);
int ipcx_object_release(struct inode *inode, struct file *file);
__poll_t ipcx_object_events(const struct file *file);
__poll_t ipcx_object_poll(struct file *file, poll_table *pt);
void ipcx_notify_watchers(struct ipcx_object *obj, __poll_t events);
bool ipcx_object_owned(const struct ipcx_object *obj, const struct ipcx_net *net, int cap);

int ipcx_charge(struct ipcx_object *obj, size_t bytes);
void ipcx_charge_force(struct ipcx_object *obj, long bytes);
bool ipcx_over_quota(const struct ipcx_object *obj);
u64 ipcx_user_charged(kuid_t uid);
struct ipcx_user *ipcx_user_add_fds(struct ipcx_object *obj, u32 nr);
void ipcx_user_sub_fds(struct ipcx_object *obj, struct ipcx_user *user, u32 nr);
struct ipcx_user *ipcx_user_charge(size_t bytes);
struct ipcx_user *ipcx_user_charge_other(struct ipcx_object *obj, size_t bytes);
void ipcx_user_uncharge(struct ipcx_user *user, size_t bytes);
void ipcx_users_check(void);

static inline void ipcx_uncharge(struct ipcx_object *obj, size_t bytes)
{
	ipcx_charge_force(obj, -(long)bytes);
}

/* The object of an open file of any kind. */
static inline struct ipcx_object *ipcx_object(const struct file *file)
{
	return file->private_data;
}

/* What a shutdown adds to ipcx_object.state. */
static inline u32 ipcx_shut_state(u32 how)
{
	return (how & IPCX_SHUT_SEND ? IPCX_OBJECT_SHUT_SEND : 0) | (how & IPCX_SHUT_RECV ? IPCX_OBJECT_SHUT_RECV : 0);
}

/* What poll(2) reports of an object that has been shut down, in addition. */
static inline __poll_t ipcx_shut_events(const struct ipcx_object *obj)
{
	return obj->state & (IPCX_OBJECT_SHUT_SEND | IPCX_OBJECT_SHUT_RECV) ? EPOLLHUP | EPOLLIN | EPOLLOUT : 0;
}

/*
 * POLL_BARRIER: poll() adds itself to obj->poll and then reads the state under obj->lock; whoever changes the
 * state does so under obj->lock and calls this afterwards.  If the poller had the lock first, its entry in
 * obj->poll is visible here through the lock; if it comes second, it sees the new state.  Without the lock
 * around both:
 *
 *	poller				changer
 *	reads "empty"
 *					adds a message, sees no poller
 *	adds itself, sleeps
 *
 * Whoever else wants to hear of changes, such as a wait for several objects, has an entry in obj->poll as well: so all
 * that nobody watches an object costs is this one look.  No lock of a spinning kind may be held.
 */
static inline void ipcx_object_notify(struct ipcx_object *obj, __poll_t events)
{
	if (waitqueue_active(&obj->poll))
		ipcx_notify_watchers(obj, events);
}

/* ---- wait.c: objects with a line of waiters ---- */

/**
 * struct ipcx_line - those who wait for the same thing, first come first (protected by the object's lock)
 * @waiters:	ipcx_waiter.node
 * @nr:		length of @waiters
 */
struct ipcx_line {
	struct list_head waiters;
	u32 nr;
};

/* Beside the flags of who waits: holds the lock of a pipe, and must not be frozen with it. */
#define IPCX_PIPE_LOCKED	(1U << 30)

void ipcx_line_init(struct ipcx_line *line);
bool ipcx_has_waiter(const struct list_head *waiters);
int ipcx_line_wait(const struct file *file, struct ipcx_line *line, struct ipcx_waiter *w, u32 flags,
		   u64 timeout)
	__releases(&ipcx_object(file)->lock);
bool ipcx_line_serve_locked(struct ipcx_line *line, struct ipcx_waiter *w, int result,
			    struct ipcx_wakes *wakes);
u32 ipcx_line_serve_first_locked(struct ipcx_line *line, u32 max, int result, struct ipcx_wakes *wakes);
void ipcx_line_shutdown(struct ipcx_object *obj, struct ipcx_line *line, u32 how);

/* Does anybody wait in @waiters?  Not who is giving up, or has been served by another object and is about to leave. */
static inline bool ipcx_anybody_waits(const struct list_head *waiters)
{
	return !list_empty(waiters) && ipcx_has_waiter(waiters);
}

static inline bool ipcx_line_occupied(const struct ipcx_line *line)
{
	return ipcx_anybody_waits(&line->waiters);
}

/**
 * struct ipcx_want - what somebody wants to take of an object
 * @nr:		units
 * @holder:	robust: whose account they go to; NULL otherwise
 */
struct ipcx_want {
	u32 nr;
	struct ipcx_holder *holder;
};

/**
 * struct ipcx_taker - waits in line to take something
 * @wait:	its place
 * @want:	what
 */
struct ipcx_taker {
	struct ipcx_waiter wait;
	struct ipcx_want want;
};

/**
 * struct ipcx_taking - how something is taken of a kind of object; the object's lock is held for the _locked ones
 * @line:	who waits to take: ipcx_taker.wait
 * @max_nr:	most units that can be asked for; NULL for none
 * @hold:	robust: find or make the account for @want: -ENOMEM, -ERESTARTSYS
 * @find_locked: robust: the same, for an account that is there; false if it is not
 * @can_take_locked: 0; -EAGAIN: it would have to wait; -EPIPE: for nothing
 * @take_locked: what can be taken; returns what the object has become ready for by that
 * @left_locked: somebody has left the line: serve those who stood behind; returns what the object has become ready
 *		for; NULL if that makes no difference
 */
struct ipcx_taking {
	struct ipcx_line *(*line)(struct ipcx_object *obj);
	u32 (*max_nr)(const struct ipcx_object *obj);
	int (*hold)(struct ipcx_object *obj, struct ipcx_want *want);
	bool (*find_locked)(struct ipcx_object *obj, struct ipcx_want *want);
	int (*can_take_locked)(const struct ipcx_object *obj, const struct ipcx_want *want);
	__poll_t (*take_locked)(struct ipcx_object *obj, const struct ipcx_want *want);
	__poll_t (*left_locked)(struct ipcx_object *obj, struct ipcx_wakes *wakes);
};

/* ---- wait-many.c, wait-set.c: waits for several objects ---- */

bool ipcx_all_lock(struct ipcx_object *obj) __acquires(&obj->lock);
void ipcx_all_unlock(struct ipcx_object *obj, bool all) __releases(&obj->lock);
u32 ipcx_all_serve_locked(struct ipcx_object *obj, struct ipcx_wakes *wakes);
void ipcx_all_notify(struct ipcx_object *obj);
long ipcx_wait_many(struct file *file, void *args, void __user *uargs);

extern const struct ipcx_kind ipcx_wait_set_kind;
long ipcx_wait_set_add(struct file *file, void *args, void __user *uargs);
long ipcx_wait_set_remove(struct file *file, void *args, void __user *uargs);
long ipcx_wait_set_wait(struct file *file, void *args, void __user *uargs);

/* ---- name.c: names, scoped to the network namespace ---- */

int ipcx_name_get(u64 user_ptr, char *name);
struct ipcx_object *ipcx_name_lookup(struct ipcx_net *net, const char *name);
int ipcx_name_add(struct ipcx_net *net, const char *name, struct ipcx_object *obj);
long ipcx_name_unlink(struct ipcx_net *net, const struct ipcx_unlink *args);
void ipcx_name_forget(struct ipcx_object *obj);
long ipcx_name_list(struct ipcx_net *net, const struct ipcx_list *args);
bool ipcx_name_show(struct ipcx_object *obj, struct seq_file *m);
struct ipcx_net *ipcx_net_open(void);
void ipcx_net_close(struct ipcx_net *net);
bool ipcx_net_capable(const struct ipcx_net *net, int cap);
bool ipcx_net_is_initial(const struct ipcx_net *net);
bool ipcx_net_maps(const struct ipcx_net *net, const struct ipcx_object *obj);
int ipcx_names_init(void);
void ipcx_names_exit(void);

/* ---- queue.c, broadcast.c, region.c, sem.c, event.c, stream.c ---- */

#define IPCX_QUEUE_MSGS_MAX	(1U << 24)

extern const struct ipcx_kind ipcx_queue_kind;
long ipcx_queue_send(struct file *file, void *args, void __user *uargs);
long ipcx_queue_recv(struct file *file, void *args, void __user *uargs);
long ipcx_queue_sendv(struct file *file, void *args, void __user *uargs);
long ipcx_queue_try_sendv(struct file *file, void *args, void __user *uargs);
long ipcx_queue_recvv(struct file *file, void *args, void __user *uargs);
long ipcx_queue_purge(struct file *file, void *args, void __user *uargs);
long ipcx_queue_stat(struct file *file, void *args, void __user *uargs);
long ipcx_queue_call(struct file *file, void *args, void __user *uargs);
long ipcx_queue_serve(struct file *file, void *args, void __user *uargs);
long ipcx_queue_send_fds(struct file *file, void *args, void __user *uargs);
long ipcx_queue_recv_fds(struct file *file, void *args, void __user *uargs);
long ipcx_queue_tap(struct file *file, void *args, void __user *uargs);	/* tap.c */
long ipcx_queue_readable(struct file *file, int __user *bytes);

extern const struct ipcx_kind ipcx_broadcast_kind;
long ipcx_broadcast_send(struct file *file, void *args, void __user *uargs);
long ipcx_broadcast_recv(struct file *file, void *args, void __user *uargs);
long ipcx_broadcast_recvv(struct file *file, void *args, void __user *uargs);
long ipcx_broadcast_purge(struct file *file, void *args, void __user *uargs);
long ipcx_broadcast_stat(struct file *file, void *args, void __user *uargs);
long ipcx_broadcast_refuse(struct file *file, void *args, void __user *uargs);
long ipcx_broadcast_readable(struct file *file, int __user *bytes);

extern const struct ipcx_kind ipcx_region_kind;
long ipcx_region_stat(struct file *file, void *args, void __user *uargs);
int ipcx_region_init(void);

extern const struct ipcx_kind ipcx_sem_kind;
long ipcx_sem_post(struct file *file, void *args, void __user *uargs);
long ipcx_sem_wait(struct file *file, void *args, void __user *uargs);
long ipcx_sem_stat(struct file *file, void *args, void __user *uargs);

/* ---- robust.c: what ends with the process that holds it ---- */

#define IPCX_HOLDERS_BITS	4

/**
 * struct ipcx_holders - the processes that can hold something of one object
 * @by_mm:	ipcx_holder.in_object, by address space (changed under ipcx_holders_lock and the object's lock, read
 *		under either)
 */
struct ipcx_holders {
	struct hlist_head by_mm[1 << IPCX_HOLDERS_BITS];
};

/**
 * struct ipcx_holder - what one process holds of one object
 * @in_object:	in ipcx_holders.by_mm
 * @in_process:	in ipcx_process.holders (protected by ipcx_holders_lock)
 * @obj:	constant; valid for as long as @in_object is linked
 * @process:	constant; the holder has a reference to its notifier
 * @mm:		the address space, only compared
 * @user:	who is charged for it: that of the process
 * @nr:		how many of what there is to hold (protected by obj->lock)
 *
 * Made by the process itself, and gone when the process ends or the object does, whichever is first.  Both
 * unlink it under ipcx_holders_lock, so that one of them finds it.
 */
struct ipcx_holder {
	struct hlist_node in_object;
	struct list_head in_process;
	struct ipcx_object *obj;
	struct ipcx_process *process;
	const struct mm_struct *mm;
	struct ipcx_user *user;
	u64 nr;
};

struct ipcx_holder *ipcx_holder_find_locked(struct ipcx_holders *holders);
struct ipcx_holder *ipcx_holder_get(struct ipcx_object *obj, struct ipcx_holders *holders);
void ipcx_holders_free(struct ipcx_holders *holders);
void ipcx_robust_exit(void);

extern const struct ipcx_kind ipcx_stream_kind;
long ipcx_stream_stat(struct file *file, void *args, void __user *uargs);
long ipcx_stream_resize(struct file *file, void *args, void __user *uargs);
long ipcx_stream_readable(struct file *file, int __user *bytes);

extern const struct ipcx_kind ipcx_event_kind;
long ipcx_event_set(struct file *file, void *args, void __user *uargs);
long ipcx_event_reset(struct file *file, void *args, void __user *uargs);
long ipcx_event_pulse(struct file *file, void *args, void __user *uargs);
long ipcx_event_wait(struct file *file, void *args, void __user *uargs);
long ipcx_event_stat(struct file *file, void *args, void __user *uargs);

/* ---- uring.c ---- */

int ipcx_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags);

/* ---- notify.c ---- */

long ipcx_notify(struct file *file, void *args, void __user *uargs);
long ipcx_notify_cancel(struct file *file, void *args, void __user *uargs);
int ipcx_object_fasync(int fd, struct file *file, int on);
void ipcx_watch_file_closed(struct ipcx_object *obj, struct file *file);
void ipcx_watch_show(struct ipcx_object *obj, const struct file *file, struct seq_file *m);

/* ---- info.c ---- */

void ipcx_show_fdinfo(struct seq_file *m, struct file *file);

#endif /* IPCX_H */
