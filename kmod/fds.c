// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors in messages.
 *
 * The open files are an attachment of their message, which keeps them open until they have been installed for a
 * receiver or the message is gone.  A message that is given back keeps its attachment, so a receiver gets all of a
 * message's descriptors, or the message stays.
 *
 * A queue in a message of a queue must not close a circle, since nobody could reach it any more to free it.  So
 * there is a graph of which queues are in messages of which, under one lock.  An edge is there from before the
 * message can enter its queue (which may have to be waited for) until its files are closed, and it only gets in if
 * it closes no circle with those that are there: of two senders who would close one together, the second fails.
 * Other files that hold files on behalf of user space, which no such graph knows, are refused.
 *
 * Files are never closed from here: fput() leaves that to the return to user space, one file after the other.
 * However deep queues are in each other, the stack stays flat.
 */
#include <linux/dcache.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <net/sock.h>

#include "ipcx_trace.h"
#include "queue.h"

/**
 * struct ipcx_fds - the descriptors of one message
 * @attached:	its place in its message; nr_fds is the length of @files
 * @in_queue:	in ipcx_circle.inside of the message's queue, or empty if no file is a queue (protected by
 *		ipcx_circle_lock)
 * @user:	whose descriptors they are counted as
 * @files:	constant; each a reference
 */
struct ipcx_fds {
	struct ipcx_attachment attached;
	struct list_head in_queue;
	struct ipcx_user *user;
	struct file *files[];
};

static DEFINE_MUTEX(ipcx_circle_lock);
/* number of the last search (protected by ipcx_circle_lock) */
static u64 last_search;

static struct ipcx_fds *fds_of(struct ipcx_attachment *attached)
{
	return container_of(attached, struct ipcx_fds, attached);
}

/* ---- circles ---- */

void ipcx_circle_init(struct ipcx_circle *circle)
{
	INIT_LIST_HEAD(&circle->inside);
	INIT_LIST_HEAD(&circle->todo);
}

/* The queue that @file is of, or NULL. */
static struct ipcx_queue *queue_of_file(const struct file *file)
{
	return file->f_op == &ipcx_queue_fops ? ipcx_queue_of(ipcx_object(file)) : NULL;
}

/*
 * Descriptors of queues that one search looks at.  It is made only for a queue that is in a message itself, and goes
 * only into queues whose messages hold queues, so this is rarely reached.
 */
#define SEARCH_MAX	4096

/**
 * struct search - does any of some queues contain another one?
 * @target:	that one
 * @number:	of the search
 * @nr_seen:	descriptors it has looked at
 * @todo:	ipcx_circle.todo: queues that have been found and not yet looked into
 */
struct search {
	const struct ipcx_queue *target;
	u64 number;
	u32 nr_seen;
	struct list_head todo;
};

/* Note the queues in @fds, each once.  False if the target is among them, or they are too many. */
static bool look_at_locked(struct search *s, const struct ipcx_fds *fds)
{
	u32 i;

	lockdep_assert_held(&ipcx_circle_lock);
	for (i = 0; i < fds->attached.nr_fds; i++) {
		struct ipcx_queue *q = queue_of_file(fds->files[i]);

		if (!q)
			continue;
		if (q == s->target || ++s->nr_seen > SEARCH_MAX)
			return false;
		if (q->circle.seen == s->number)
			continue;
		q->circle.seen = s->number;
		list_add_tail(&q->circle.todo, &s->todo);
	}
	return true;
}

/* Is @q, or does it lie in, one of the queues in @fds?  The files of the graph keep what is found here alive. */
static bool closes_circle_locked(const struct ipcx_fds *fds, const struct ipcx_queue *q)
{
	struct search s = { .target = q, .number = ++last_search };
	const struct ipcx_fds *inner;
	struct ipcx_queue *next;

	lockdep_assert_held(&ipcx_circle_lock);
	INIT_LIST_HEAD(&s.todo);
	if (!look_at_locked(&s, fds))
		return true;
	if (!q->circle.nr_outside)
		return false;
	while ((next = list_first_entry_or_null(&s.todo, struct ipcx_queue, circle.todo))) {
		list_del(&next->circle.todo);
		list_for_each_entry(inner, &next->circle.inside, in_queue)
			if (!look_at_locked(&s, inner))
				return true;
	}
	return false;
}

/* @fds is going to be sent to @q: the graph knows of it from here on, until leave_circle().  -ELOOP. */
static int enter_circle(struct ipcx_fds *fds, struct ipcx_queue *q)
{
	u32 i, nr = 0;
	int ret = 0;

	for (i = 0; i < fds->attached.nr_fds; i++)
		nr += !!queue_of_file(fds->files[i]);
	if (!nr)
		return 0;
	mutex_lock(&ipcx_circle_lock);
	if (closes_circle_locked(fds, q)) {
		ret = -ELOOP;
	} else {
		list_add_tail(&fds->in_queue, &q->circle.inside);
		for (i = 0; i < fds->attached.nr_fds; i++)
			if (queue_of_file(fds->files[i]))
				queue_of_file(fds->files[i])->circle.nr_outside++;
	}
	mutex_unlock(&ipcx_circle_lock);
	return ret;
}

static void leave_circle(struct ipcx_fds *fds)
{
	u32 i;

	/* only its sender and its end change this */
	if (list_empty(&fds->in_queue))
		return;
	mutex_lock(&ipcx_circle_lock);
	list_del(&fds->in_queue);
	for (i = 0; i < fds->attached.nr_fds; i++)
		if (queue_of_file(fds->files[i]))
			queue_of_file(fds->files[i])->circle.nr_outside--;
	mutex_unlock(&ipcx_circle_lock);
}

/*
 * Can @file be in a message?  Not if it holds files, or names of queues, in a way that the graph does not know: then
 * -EOPNOTSUPP.
 */
static int check_file(const struct file *queue, struct file *file)
{
	struct socket *sock = sock_from_file(file);

	if (sock && sock->sk && sock->sk->sk_family == AF_UNIX)
		return -EOPNOTSUPP;
	if (file->f_op->release == ipcx_object_release && ipcx_object(file)->kind->kind == IPCX_KIND_QUEUE &&
	    ipcx_queue_of(ipcx_object(file))->tapped)
		return -EOPNOTSUPP;
	if (file->f_op->release == ipcx_object_release && ipcx_object(file)->kind->kind == IPCX_KIND_WAIT_SET)
		return -EOPNOTSUPP;
	/* keeps its network namespace, whose names keep queues; the initial one is there in any case */
	if (file->f_op == &ipcx_device_fops && !ipcx_net_is_initial(file->private_data))
		return -EOPNOTSUPP;
	/* io_uring tells modules nothing of its files, but among anonymous inodes only the kernel gives names */
	if (file->f_path.mnt->mnt_sb == queue->f_path.mnt->mnt_sb &&
	    !strcmp(file->f_path.dentry->d_name.name, "[io_uring]"))
		return -EOPNOTSUPP;
	return 0;
}

/* ---- sending ---- */

static size_t size_of(u32 nr)
{
	return struct_size_t(struct ipcx_fds, files, nr);
}

/* Nobody has taken the descriptors: they are closed. */
static void fds_drop(struct ipcx_attachment *attached, struct ipcx_object *obj)
{
	struct ipcx_fds *fds = fds_of(attached);
	u32 i, nr = attached->nr_fds;

	leave_circle(fds);
	for (i = 0; i < nr; i++)
		fput(fds->files[i]);
	atomic_sub(nr, &ipcx_queue_of(obj)->nr_fds);
	ipcx_user_sub_fds(obj, fds->user, nr);
	ipcx_uncharge(obj, size_of(nr));
	kfree(fds);
}

/* The files of the descriptors at @from: -EFAULT, -EBADF, -EOPNOTSUPP, -ENOMEM, -EDQUOT, -ETOOMANYREFS. */
static struct ipcx_fds *fds_create(const struct file *queue, const s32 __user *from, u32 nr)
{
	struct ipcx_object *obj = ipcx_object(queue);
	s32 numbers[IPCX_FDS_MAX];
	struct ipcx_fds *fds;
	u32 i = 0;
	int ret;

	if (copy_from_user(numbers, from, nr * sizeof(*from)))
		return ERR_PTR(-EFAULT);
	ret = ipcx_charge(obj, size_of(nr));
	if (ret)
		return ERR_PTR(ret);
	fds = kmalloc(size_of(nr), GFP_KERNEL_ACCOUNT);
	if (!fds) {
		ret = -ENOMEM;
		goto err_uncharge;
	}
	fds->user = ipcx_user_add_fds(obj, nr);
	if (IS_ERR(fds->user)) {
		ret = PTR_ERR(fds->user);
		goto err_free;
	}
	for (; i < nr; i++) {
		fds->files[i] = fget(numbers[i]);
		if (!fds->files[i]) {
			ret = -EBADF;
			goto err_put_files;
		}
		ret = check_file(queue, fds->files[i]);
		if (ret) {
			i++;
			goto err_put_files;
		}
	}
	fds->attached.flag = IPCX_MSG_FDS;
	fds->attached.nr_fds = nr;
	fds->attached.unwanted = false;
	fds->attached.drop = fds_drop;
	INIT_LIST_HEAD(&fds->in_queue);
	atomic_add(nr, &ipcx_queue_of(obj)->nr_fds);
	return fds;

err_put_files:
	while (i--)
		fput(fds->files[i]);
	ipcx_user_sub_fds(obj, fds->user, nr);
err_free:
	kfree(fds);
err_uncharge:
	ipcx_uncharge(obj, size_of(nr));
	return ERR_PTR(ret);
}

long ipcx_queue_send_fds(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_queue *q = ipcx_queue_of(ipcx_object(file));
	const struct ipcx_queue_send_fds *req = args;
	const struct ipcx_queue_send *send = &req->send;
	struct ipcx_buf buf = { .ptr = u64_to_user_ptr(send->msg.buf) };
	struct ipcx_message *msg, *held;
	struct ipcx_fds *fds;
	int ret;

	if (send->flags & ~(IPCX_NOWAIT | IPCX_REALTIME) || !req->nr_fds || req->nr_fds > IPCX_FDS_MAX ||
	    req->reserved)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;
	/* every subscriber would need its own */
	if (q->obj.state & IPCX_OBJECT_BROADCAST)
		return -EOPNOTSUPP;
	ret = ipcx_queue_check(q, &send->msg);
	if (ret)
		return ret;
	fds = fds_create(file, u64_to_user_ptr(req->fds), req->nr_fds);
	if (IS_ERR(fds))
		return PTR_ERR(fds);
	msg = ipcx_message_create(&q->obj, &q->pool, buf, send->msg.len);
	if (IS_ERR(msg)) {
		fds_drop(&fds->attached, &q->obj);
		return PTR_ERR(msg);
	}
	msg->type = send->msg.type;
	msg->priority = send->msg.priority;
	ipcx_message_attach(msg, &fds->attached);
	ret = enter_circle(fds, q);
	if (ret)
		goto err_put_msg;
	trace_ipcx_send(&q->obj, msg);
	held = ipcx_tap_hold(q, msg);
	ret = ipcx_queue_enter(q, msg, ipcx_wait_flags(file, send->flags), send->timeout);
	ipcx_tap_pass(q, held, ret);
	if (ret)
		goto err_put_msg;
	return 0;

err_put_msg:
	ipcx_message_put(msg, &q->obj, &q->pool);
	return ret;
}

/* ---- receiving ---- */

/* Close again what install() has installed and user space has not been told of. */
static void take_back(struct file *const *files, const int *numbers, u32 nr)
{
	while (nr--) {
		struct file *file = fget(numbers[nr]);

		/* not what another thread has put in its place */
		if (file == files[nr])
			close_fd(numbers[nr]);
		if (file)
			fput(file);
	}
}

/*
 * Install the first @nr of @files, and write their numbers to @to; all or none.
 *
 * Nothing of a table of descriptors can be undone without other threads noticing: they may even have closed, or
 * inherited, what is taken back, and closing it ends locks of the process on that file.  So whatever can fail is
 * tried before the first descriptor is there: whether @to can be written, and whether as many are free.  What is left
 * is a security module that refuses a later one, and threads that interfere.
 */
static int install(struct file *const *files, int *numbers, u32 nr, s32 __user *to)
{
	u32 i, done = 0, reserved = 0;
	int ret = 0;

	for (i = 0; i < nr; i++)
		if (put_user(-1, to + i))
			return -EFAULT;
	/* a single one needs no rehearsal */
	while (nr > 1 && reserved < nr) {
		ret = get_unused_fd_flags(O_CLOEXEC);
		if (ret < 0)
			goto err_unreserve;
		numbers[reserved++] = ret;
	}
	while (done < nr) {
		if (done < reserved)
			put_unused_fd(numbers[done]);
		ret = ipcx_receive_fd(files[done]);
		if (ret < 0)
			goto err_take_back;
		numbers[done++] = ret;
	}
	for (i = 0; i < nr; i++) {
		if (put_user(numbers[i], to + i)) {
			ret = -EFAULT;
			goto err_take_back;
		}
	}
	return 0;

err_take_back:
	take_back(files, numbers, done);
	done++;		/* is not reserved any more */
err_unreserve:
	for (; done < reserved; done++)
		put_unused_fd(numbers[done]);
	return ret;
}

/* What install() did is told to user space; -EFAULT. */
static int describe(struct ipcx_queue_recv_fds __user *u, const struct ipcx_queue_recv_fds *req,
		    const struct ipcx_message *msg, u32 nr)
{
	if (put_user(nr, &u->nr_fds) || ipcx_queue_describe(&u->recv.msg, msg, req->recv.msg.len))
		return -EFAULT;
	if (nr < ipcx_message_nr_fds(msg) && put_user(IPCX_MSG_FDS | IPCX_MSG_TRUNCATED, &u->recv.msg.flags))
		return -EFAULT;
	return 0;
}

#define RECV_FLAGS	(IPCX_NOWAIT | IPCX_REALTIME | IPCX_RECV_PEEK | IPCX_RECV_TRUNCATE)

long ipcx_queue_recv_fds(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_queue *q = ipcx_queue_of(ipcx_object(file));
	struct ipcx_queue_recv_fds __user *u = uargs;
	struct ipcx_queue_recv_fds *req = args;
	struct ipcx_buf buf = { .ptr = u64_to_user_ptr(req->recv.msg.buf) };
	struct file *const *files = NULL;
	int numbers[IPCX_FDS_MAX];
	struct ipcx_message *msg;
	int ret;
	u32 nr;

	if (req->recv.flags & ~RECV_FLAGS || req->recv.msg.flags || !ipcx_select_valid(req->recv.select) ||
	    req->reserved)
		return -EINVAL;
	if (req->recv.flags & IPCX_RECV_PEEK)
		return -EOPNOTSUPP;
	if (!(file->f_mode & FMODE_READ))
		return -EACCES;
	/* what comes is told there: find out first whether it can be */
	if (put_user(req->nr_fds, &u->nr_fds) || put_user(0, &u->recv.msg.flags))
		return -EFAULT;

	req->recv.flags = ipcx_wait_flags(file, req->recv.flags) | IPCX_RECV_WITH_FDS;
	msg = ipcx_queue_take(q, &req->recv);
	if (IS_ERR(msg)) {
		ret = PTR_ERR(msg);
		if (ret == -EMSGSIZE &&
		    (put_user(req->recv.msg.len, &u->recv.msg.len) || put_user(req->nr_fds, &u->nr_fds)))
			ret = -EFAULT;
		return ret;
	}
	ret = ipcx_queue_deliver(q, msg, &req->recv, buf);
	if (ret)
		return ret;
	nr = min(ipcx_message_nr_fds(msg), req->nr_fds);
	if (nr)
		files = fds_of(msg->attached)->files;
	ret = install(files, numbers, nr, u64_to_user_ptr(req->fds));
	if (!ret) {
		ret = describe(u, req, msg, nr);
		if (ret)
			take_back(files, numbers, nr);
	}
	if (ret) {
		ipcx_queue_give_back(q, msg);
		return ret;
	}
	/* those that were left over are closed now, and a call has ended, even if a peeker still looks at the message */
	if (msg->class & IPCX_CLASS_ATTACHED)
		ipcx_message_drop_attached(msg, &q->obj);
	ipcx_message_put(msg, &q->obj, &q->pool);
	return 0;
}
