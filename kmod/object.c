// SPDX-License-Identifier: GPL-2.0
/*
 * Objects: creation, descriptors and their rights, charging, the last put.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs_struct.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "ipcx.h"
#include "ipcx_trace.h"
#include "pause.h"

unsigned long ipcx_user_bytes = 128UL << 20;
module_param_named(user_bytes, ipcx_user_bytes, ulong, 0644);
MODULE_PARM_DESC(user_bytes, "memory quota of one user, in bytes (default 128 MiB)");

/**
 * struct ipcx_user - what one user is charged with
 * @node:	in ipcx_users (protected by ipcx_users_lock)
 * @uid:	constant
 * @refs:	objects that charge this user, messages to others' queues with descriptors of this user (protected by
 *		ipcx_users_lock)
 * @bytes:	charged now
 * @fds:	descriptors that this user has in messages now
 */
struct ipcx_user {
	struct hlist_node node;
	kuid_t uid;
	unsigned long refs;
	atomic_long_t bytes;
	atomic_long_t fds;
};

static DEFINE_HASHTABLE(ipcx_users, 6);
static DEFINE_SPINLOCK(ipcx_users_lock);
static atomic64_t ipcx_last_id;

static struct ipcx_user *user_find_locked(kuid_t uid)
{
	struct ipcx_user *user;

	lockdep_assert_held(&ipcx_users_lock);
	hash_for_each_possible(ipcx_users, user, node, __kuid_val(uid))
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

static struct ipcx_user *user_get(kuid_t uid)
{
	struct ipcx_user *new, *user;

	spin_lock(&ipcx_users_lock);
	user = user_find_locked(uid);
	if (user)
		user->refs++;
	spin_unlock(&ipcx_users_lock);
	if (user)
		return user;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return NULL;
	new->uid = uid;
	spin_lock(&ipcx_users_lock);
	user = user_find_locked(uid);
	if (!user) {
		user = new;
		new = NULL;
		hash_add(ipcx_users, &user->node, __kuid_val(uid));
	}
	user->refs++;
	spin_unlock(&ipcx_users_lock);
	kfree(new);
	return user;
}

static void user_put(struct ipcx_user *user)
{
	bool last;

	spin_lock(&ipcx_users_lock);
	last = --user->refs == 0;
	if (last)
		hash_del(&user->node);
	spin_unlock(&ipcx_users_lock);
	if (last) {
		WARN_ON_ONCE(atomic_long_read(&user->bytes) || atomic_long_read(&user->fds));
		kfree(user);
	}
}

/* What the user is charged with now, in bytes. */
u64 ipcx_user_charged(kuid_t uid)
{
	struct ipcx_user *user;
	u64 bytes;

	spin_lock(&ipcx_users_lock);
	user = user_find_locked(uid);
	bytes = user ? atomic_long_read(&user->bytes) : 0;
	spin_unlock(&ipcx_users_lock);
	return bytes;
}

/* How many descriptors the calling user may have in messages: as many as may be open, as for AF_UNIX. */
static bool fds_allowed(unsigned long nr)
{
	return nr <= rlimit(RLIMIT_NOFILE) || capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN);
}

/*
 * The calling user sends @nr descriptors to @obj.  Returns who is to be given to ipcx_user_sub_fds() when they have
 * arrived, or -ENOMEM, -ETOOMANYREFS.  The owner of the object needs no reference, which is the common case.
 */
struct ipcx_user *ipcx_user_add_fds(struct ipcx_object *obj, u32 nr)
{
	struct ipcx_user *user = obj->user;
	long used;

	if (!uid_eq(user->uid, current_uid())) {
		user = user_get(current_uid());
		if (!user)
			return ERR_PTR(-ENOMEM);
	}
	used = atomic_long_read(&user->fds);
	do {
		if (!fds_allowed(used + nr)) {
			if (user != obj->user)
				user_put(user);
			return ERR_PTR(-ETOOMANYREFS);
		}
	} while (!atomic_long_try_cmpxchg(&user->fds, &used, used + nr));
	return user;
}

void ipcx_user_sub_fds(struct ipcx_object *obj, struct ipcx_user *user, u32 nr)
{
	atomic_long_sub(nr, &user->fds);
	if (user != obj->user)
		user_put(user);
}

/* At unload: every object has gone, so nobody may be charged with anything. */
void ipcx_users_check(void)
{
	WARN_ON(!hash_empty(ipcx_users));
}

/* The quota of one user, as a number that charges, which are signed, can be compared with. */
static long quota(void)
{
	return min_t(unsigned long, READ_ONCE(ipcx_user_bytes), LONG_MAX);
}

static __always_inline int charge_user(struct ipcx_user *user, size_t bytes, bool unlimited)
{
	long limit = unlimited ? LONG_MAX : quota();
	long used = atomic_long_read(&user->bytes);

	/* compared before it is added: the sum must not overflow, nor what is refused be in the way of others */
	do {
		if (bytes > limit || used > limit - (long)bytes)
			return -EDQUOT;
	} while (!atomic_long_try_cmpxchg(&user->bytes, &used, used + (long)bytes));
	return 0;
}

/* Charge @bytes to the owner of @obj, or -EDQUOT. */
int ipcx_charge(struct ipcx_object *obj, size_t bytes)
{
	int ret = charge_user(obj->user, bytes, obj->unlimited);

	if (!ret)
		atomic_long_add(bytes, &obj->charged);
	return ret;
}

/* Charge, or give back if negative, what has already been used or freed. */
void ipcx_charge_force(struct ipcx_object *obj, long bytes)
{
	atomic_long_add(bytes, &obj->user->bytes);
	atomic_long_add(bytes, &obj->charged);
}

bool ipcx_over_quota(const struct ipcx_object *obj)
{
	return !obj->unlimited && atomic_long_read(&obj->user->bytes) >= quota();
}

/* Most callers do not have it, and that is nothing to audit. */
static bool is_unlimited(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE);
}

/* Charge the caller, whoever owns the object; returns who that is, with a reference.  -EDQUOT, -ENOMEM. */
struct ipcx_user *ipcx_user_charge(size_t bytes)
{
	struct ipcx_user *user = user_get(current_fsuid());
	int ret;

	if (!user)
		return ERR_PTR(-ENOMEM);
	ret = charge_user(user, bytes, is_unlimited());
	if (ret) {
		user_put(user);
		return ERR_PTR(ret);
	}
	return user;
}

/* The same, or NULL for the owner of @obj, who is charged for it anyway. */
struct ipcx_user *ipcx_user_charge_other(struct ipcx_object *obj, size_t bytes)
{
	return uid_eq(obj->user->uid, current_fsuid()) ? NULL : ipcx_user_charge(bytes);
}

/* The end of a charge, and of its reference; does not sleep. */
void ipcx_user_uncharge(struct ipcx_user *user, size_t bytes)
{
	atomic_long_sub(bytes, &user->bytes);
	user_put(user);
}

/* What an object costs apart from its contents: its structure, its file, its name. */
#define OBJECT_CHARGE	1024

/*
 * The common part of a new object, with one reference for the caller; -ENOMEM, -EDQUOT.  The owner is the
 * caller's file system user, as for a file.
 */
int ipcx_object_init(struct ipcx_object *obj, const struct ipcx_kind *kind, const struct ipcx_create *create,
		     u32 state)
{
	int ret;

	spin_lock_init(&obj->lock);
	init_waitqueue_head(&obj->poll);
	obj->turns = (struct ipcx_turns){ .cpu = -1, .patience = IPCX_PATIENCE };
	INIT_LIST_HEAD(&obj->all);
	refcount_set(&obj->refs, 1);
	obj->kind = kind;
	obj->id = atomic64_inc_return(&ipcx_last_id);
	current_fsuid_fsgid(&obj->uid, &obj->gid);
	obj->mode = create->mode & ~current_umask();
	obj->state = state | (create->flags & IPCX_CREATE_TEMPORARY ? IPCX_OBJECT_TEMPORARY : 0);
	obj->unlimited = is_unlimited();
	obj->user = user_get(obj->uid);
	if (!obj->user)
		return -ENOMEM;
	ret = ipcx_charge(obj, OBJECT_CHARGE);
	if (ret)
		user_put(obj->user);
	return ret;
}

void ipcx_object_get(struct ipcx_object *obj)
{
	refcount_inc(&obj->refs);
}

/* A reference unless the last one has gone already. */
bool ipcx_object_tryget(struct ipcx_object *obj)
{
	return refcount_inc_not_zero(&obj->refs);
}

/* Nobody else can find @obj from here on, once a temporary object has lost its name. */
void ipcx_object_put(struct ipcx_object *obj)
{
	struct ipcx_user *user = obj->user;

	if (!refcount_dec_and_test(&obj->refs))
		return;
	ipcx_pause("put_last");
	ipcx_name_forget(obj);
	ipcx_uncharge(obj, OBJECT_CHARGE);
	kfree(obj->watch);
	obj->kind->free(obj);
	user_put(user);
}

u32 ipcx_file_rights(const struct file *file)
{
	return (file->f_mode & FMODE_READ ? IPCX_READ : 0) | (file->f_mode & FMODE_WRITE ? IPCX_WRITE : 0);
}

static int open_flags(u32 rights, u32 flags)
{
	int nonblock = flags & IPCX_CREATE_NONBLOCK ? O_NONBLOCK : 0;

	switch (rights) {
	case IPCX_READ:
		return nonblock | O_RDONLY;
	case IPCX_WRITE:
		return nonblock | O_WRONLY;
	case 0:
		return nonblock | O_ACCMODE;	/* neither to read nor to write: see open(2) */
	default:
		return nonblock | O_RDWR;
	}
}

/* A file of @obj, which gets a reference of its own. */
struct file *ipcx_object_file(struct ipcx_object *obj, u32 rights, u32 flags)
{
	const struct ipcx_kind *kind = obj->kind;
	struct file *file;
	int ret;

	if (kind->open)
		file = kind->open(obj, open_flags(rights, flags));
	else
		file = anon_inode_getfile(kind->file_name, kind->fops, obj, open_flags(rights, flags));
	if (IS_ERR(file))
		return file;
	if (!kind->open)
		file->f_mode |= FMODE_STREAM | FMODE_NOWAIT;
	ipcx_object_get(obj);
	atomic_inc(&obj->users);
	trace_ipcx_open(obj, rights);
	ret = kind->opened ? kind->opened(obj, file) : 0;
	if (ret) {
		fput(file);
		return ERR_PTR(ret);
	}
	return file;
}

int ipcx_object_release(struct inode *inode, struct file *file)
{
	struct ipcx_object *obj = ipcx_object(file);

	trace_ipcx_close(obj);
	ipcx_pause("close_begins");
	ipcx_watch_file_closed(obj, file);
	if (obj->kind->closed)
		obj->kind->closed(obj, file);
	atomic_dec(&obj->users);
	ipcx_object_put(obj);
	return 0;
}

/* Do the mode bits, or CAP_DAC_OVERRIDE in the namespace of the name, give the caller all of @rights? */
static bool permitted(const struct ipcx_object *obj, const struct ipcx_net *net, u32 rights)
{
	umode_t want = (rights & IPCX_READ ? 4 : 0) | (rights & IPCX_WRITE ? 2 : 0);
	umode_t mode = obj->mode;

	if (uid_eq(current_fsuid(), obj->uid))
		mode >>= 6;
	else if (in_group_p(obj->gid))
		mode >>= 3;
	if ((mode & want) == want)
		return true;
	return ipcx_net_maps(net, obj) && ipcx_net_capable(net, CAP_DAC_OVERRIDE);
}

/* Is the caller the owner of @obj, or has @cap over the namespace of its name? */
bool ipcx_object_owned(const struct ipcx_object *obj, const struct ipcx_net *net, int cap)
{
	if (uid_eq(current_fsuid(), obj->uid))
		return true;
	return ipcx_net_maps(net, obj) && ipcx_net_capable(net, cap);
}

#define RIGHTS	(IPCX_READ | IPCX_WRITE)

/*
 * Open the existing @obj, whose reference is the caller's, through its mode bits.
 */
static struct file *open_existing(struct ipcx_object *obj, const struct ipcx_net *net, u32 rights, u32 flags)
{
	if (rights ? !permitted(obj, net, rights) :
		     !permitted(obj, net, IPCX_READ) && !permitted(obj, net, IPCX_WRITE))
		return ERR_PTR(-EACCES);
	return ipcx_object_file(obj, rights, flags);
}

/*
 * A file of a new object, or of the one that has the name.  The name comes last: once it can be found, nothing
 * can fail any more.
 */
static struct file *create_file(struct ipcx_net *net, const char *name, const struct ipcx_create *create,
				const struct ipcx_kind *kind, u32 rights)
{
	struct ipcx_object *obj;
	struct file *file;
	int ret;

retry:
	obj = name ? ipcx_name_lookup(net, name) : NULL;
	if (obj) {
		if (obj->kind->kind == kind->kind && !(create->flags & IPCX_CREATE_EXCL))
			file = open_existing(obj, net, rights, create->flags);
		else
			file = ERR_PTR(-EEXIST);
		ipcx_object_put(obj);
		return file;
	}

	obj = kind->create(create);
	if (IS_ERR(obj))
		return ERR_CAST(obj);
	file = ipcx_object_file(obj, rights, create->flags);
	if (!IS_ERR(file) && name) {
		ipcx_pause("create_names");
		ret = ipcx_name_add(net, name, obj);
		if (ret) {
			fput(file);
			file = ERR_PTR(ret);
		}
	}
	if (!IS_ERR(file))
		trace_ipcx_create(obj, name);
	ipcx_object_put(obj);
	if (file == ERR_PTR(-EEXIST) && !(create->flags & IPCX_CREATE_EXCL))
		goto retry;	/* somebody else was first: open theirs */
	return file;
}

#define CREATE_FLAGS	(IPCX_CREATE_EXCL | IPCX_CREATE_NONBLOCK | IPCX_CREATE_TEMPORARY)
#define KIND_FLAGS	(IPCX_SEM_ROBUST | IPCX_EVENT_MANUAL | IPCX_QUEUE_BROADCAST | IPCX_QUEUE_LATEST | \
			 IPCX_REGION_RESERVED)

/* IPCX_*_CREATE; @create is the beginning of the kind's argument, @kind_flags its own flags. */
long ipcx_object_create(struct file *dev, const struct ipcx_create *create, u32 kind_flags,
			const struct ipcx_kind *kind)
{
	u32 rights = create->rights ?: RIGHTS;
	char name[IPCX_NAME_MAX + 1];
	struct file *file;
	int fd, ret;

	if (create->flags & ~(CREATE_FLAGS | KIND_FLAGS))
		return -EINVAL;
	if (create->flags & ~(CREATE_FLAGS | kind_flags))
		return -EOPNOTSUPP;
	if (rights & ~RIGHTS || create->mode & ~0777)
		return -EINVAL;
	if (create->name) {
		ret = ipcx_name_get(create->name, name);
		if (ret)
			return ret;
	} else if (create->mode || create->flags & (IPCX_CREATE_EXCL | IPCX_CREATE_TEMPORARY)) {
		return -EINVAL;
	}

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = create_file(dev->private_data, create->name ? name : NULL, create, kind, rights);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

long ipcx_object_open(struct file *dev, const struct ipcx_open *args)
{
	struct ipcx_net *net = dev->private_data;
	char name[IPCX_NAME_MAX + 1];
	struct ipcx_object *obj;
	struct file *file;
	int fd, ret;

	if (args->flags & ~(IPCX_CREATE_NONBLOCK | IPCX_OPEN_LOOK) || args->rights & ~RIGHTS ||
	    !args->rights != !!(args->flags & IPCX_OPEN_LOOK) || args->kind > IPCX_KIND_STREAM)
		return -EINVAL;
	ret = ipcx_name_get(args->name, name);
	if (ret)
		return ret;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	obj = ipcx_name_lookup(net, name);
	if (!obj) {
		file = ERR_PTR(-ENOENT);
	} else {
		ipcx_pause("open_found");
		if (args->kind == IPCX_KIND_ANY || args->kind == obj->kind->kind)
			file = open_existing(obj, net, args->rights, args->flags);
		else
			file = ERR_PTR(-ENOENT);
		ipcx_object_put(obj);
	}
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

long ipcx_object_restrict(struct file *file, const struct ipcx_restrict *args)
{
	struct file *new;
	int fd;

	if (args->flags & ~IPCX_CREATE_NONBLOCK || args->reserved || !args->rights || args->rights & ~RIGHTS)
		return -EINVAL;
	if (args->rights & ~ipcx_file_rights(file))
		return -EACCES;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	new = ipcx_object_file(ipcx_object(file), args->rights, args->flags);
	if (IS_ERR(new)) {
		put_unused_fd(fd);
		return PTR_ERR(new);
	}
	fd_install(fd, new);
	return fd;
}

long ipcx_object_shutdown(struct file *file, const struct ipcx_shutdown *args)
{
	struct ipcx_object *obj = ipcx_object(file);
	u32 need;

	if (args->flags || args->reserved || !args->how || args->how & ~(IPCX_SHUT_SEND | IPCX_SHUT_RECV))
		return -EINVAL;
	if (!obj->kind->shutdown)
		return -EOPNOTSUPP;
	need = (args->how & IPCX_SHUT_SEND ? IPCX_WRITE : 0) | (args->how & IPCX_SHUT_RECV ? IPCX_READ : 0);
	if (need & ~ipcx_file_rights(file))
		return -EACCES;
	obj->kind->shutdown(obj, args->how);
	return 0;
}

/* Fill in the outputs of IPCX_STAT. */
void ipcx_object_stat(struct file *file, struct ipcx_stat *stat)
{
	struct ipcx_object *obj = ipcx_object(file);

	stat->id = obj->id;
	stat->kind = obj->kind->kind;
	stat->mode = obj->mode;
	stat->uid = from_kuid_munged(current_user_ns(), obj->uid);
	stat->gid = from_kgid_munged(current_user_ns(), obj->gid);
	stat->rights = ipcx_file_rights(file);
	stat->state = READ_ONCE(obj->state);
	if (ipcx_name_show(obj, NULL))
		stat->state |= IPCX_OBJECT_NAMED;
	stat->users = atomic_read(&obj->users);
	stat->charged = max(atomic_long_read(&obj->charged), 0L);
}

/*
 * What @file is ready for: the one answer that poll(2), waits, wait sets and notices give.  The kind can be waited
 * for.  May be called from a callback in obj->poll, whose lock stands above the object's.
 */
__poll_t ipcx_object_events(const struct file *file)
{
	struct ipcx_object *obj = ipcx_object(file);
	__poll_t events;

	spin_lock(&obj->lock);
	events = obj->kind->events_locked(file);
	spin_unlock(&obj->lock);
	return events;
}

/* Tell all who watch @obj that it may have become ready for @events; see POLL_BARRIER. */
void ipcx_notify_watchers(struct ipcx_object *obj, __poll_t events)
{
	ipcx_pause("notify_begins");
	wake_up_poll(&obj->poll, events);
	if (READ_ONCE(obj->nr_all))
		ipcx_all_notify(obj);
}

__poll_t ipcx_object_poll(struct file *file, poll_table *pt)
{
	poll_wait(file, &ipcx_object(file)->poll, pt);	/* see POLL_BARRIER */
	ipcx_pause("poll_looks");
	return ipcx_object_events(file);
}

const struct file_operations ipcx_object_fops = {
	.owner		= THIS_MODULE,
	.release	= ipcx_object_release,
	.unlocked_ioctl	= ipcx_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.uring_cmd	= ipcx_uring_cmd,
	.poll		= ipcx_object_poll,
	.fasync		= ipcx_object_fasync,
	.show_fdinfo	= ipcx_show_fdinfo,
};
