// SPDX-License-Identifier: GPL-2.0
/*
 * Taps: who may read a queue can have copies of what is sent to it from now on, without taking anything.
 *
 * A tap is a broadcast queue of the caller's, with one subscriber, that drops its oldest: all that receives from a queue
 * works on it, and it cannot be sent to.  The sender fills it after its message has entered the tapped queue; if that
 * is not possible (memory, the quota of the tap's owner), the message is lost to the tap, and counted.
 */
#include <linux/file.h>
#include <linux/sizes.h>

#include "ipcx_trace.h"
#include "queue.h"

#define DEFAULT_MSGS	256
#define DEFAULT_BYTES	SZ_1M

/* The taps of @q, each with a reference; returns how many.  One that is about to go is not among them. */
static u32 get_taps(struct ipcx_queue *q, struct ipcx_queue **taps)
{
	struct ipcx_queue *tap;
	u32 nr = 0;

	spin_lock(&q->obj.lock);
	list_for_each_entry(tap, &q->taps, taps)
		if (ipcx_object_tryget(&tap->obj))
			taps[nr++] = tap;
	spin_unlock(&q->obj.lock);
	return nr;
}

static void copy_to(struct ipcx_queue *tap, const struct ipcx_message *msg)
{
	struct ipcx_message *copy;
	int ret = -EMSGSIZE;

	if (msg->len <= tap->max_msg_len) {
		copy = ipcx_message_clone(&tap->obj, &tap->pool, msg);
		ret = PTR_ERR_OR_ZERO(copy);
	}
	if (!ret) {
		ret = ipcx_queue_enter(tap, copy, IPCX_NOWAIT, 0);
		if (ret)
			ipcx_message_put(copy, &tap->obj, &tap->pool);
	}
	if (ret) {
		spin_lock(&tap->obj.lock);
		tap->dropped++;
		spin_unlock(&tap->obj.lock);
	}
}

/* @msg, which ipcx_tap_hold() has held, has entered @q, or has not, and then @ret says why. */
void ipcx_tap_pass_held(struct ipcx_queue *q, struct ipcx_message *msg, int ret)
{
	struct ipcx_queue *taps[IPCX_TAPS_MAX];
	u32 nr = ret ? 0 : get_taps(q, taps);

	while (nr--) {
		copy_to(taps[nr], msg);
		ipcx_object_put(&taps[nr]->obj);
	}
	ipcx_message_put(msg, &q->obj, &q->pool);
}

/* Put the new @msg into @q, which is tapped, or drop it. */
int ipcx_tap_send(struct ipcx_queue *q, struct ipcx_message *msg, u32 flags, u64 timeout)
{
	struct ipcx_message *held = ipcx_tap_hold(q, msg);
	int ret;

	ret = ipcx_queue_enter(q, msg, flags, timeout);
	if (ret)
		ipcx_message_put(msg, &q->obj, &q->pool);
	ipcx_tap_pass(q, held, ret);
	return ret;
}

/* Nothing comes to the taps of @q any more. */
void ipcx_taps_shutdown(struct ipcx_queue *q)
{
	struct ipcx_queue *taps[IPCX_TAPS_MAX];
	u32 nr = get_taps(q, taps);

	while (nr--) {
		taps[nr]->obj.kind->shutdown(&taps[nr]->obj, IPCX_SHUT_SEND);
		ipcx_object_put(&taps[nr]->obj);
	}
}

/* From here on @tap gets what is sent to @q, and keeps it. */
static int attach(struct ipcx_queue *q, struct ipcx_queue *tap)
{
	int ret = 0;

	spin_lock(&q->obj.lock);
	if (q->obj.state & (IPCX_OBJECT_SHUT_SEND | IPCX_OBJECT_SHUT_RECV)) {
		ret = -EPIPE;
	} else if (q->nr_taps == IPCX_TAPS_MAX) {
		ret = -EBUSY;
	} else {
		q->nr_taps++;
		list_add_tail(&tap->taps, &q->taps);
		tap->tapped = q;
		ipcx_object_get(&q->obj);
	}
	spin_unlock(&q->obj.lock);
	return ret;
}

/* @tap goes, if it is one. */
void ipcx_tap_end(struct ipcx_queue *tap)
{
	struct ipcx_queue *q = tap->tapped;

	if (!q)
		return;
	spin_lock(&q->obj.lock);
	list_del(&tap->taps);
	q->nr_taps--;
	spin_unlock(&q->obj.lock);
	ipcx_object_put(&q->obj);
}

long ipcx_queue_tap(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_queue *q = ipcx_queue_of(ipcx_object(file));
	const struct ipcx_queue_tap *req = args;
	const struct ipcx_queue_create create = {
		.create = { .size = sizeof(create), .flags = IPCX_QUEUE_BROADCAST },
		.max_msgs = req->max_msgs ?: DEFAULT_MSGS,
		.max_bytes = req->max_bytes ?: DEFAULT_BYTES,
		.overflow = IPCX_OVERFLOW_DROP,
	};
	struct ipcx_object *obj;
	struct file *new;
	int fd, ret;

	if (req->flags & ~IPCX_CREATE_NONBLOCK || req->reserved)
		return -EINVAL;
	if (!(file->f_mode & FMODE_READ))
		return -EACCES;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	obj = ipcx_broadcast_kind.create(&create);
	if (IS_ERR(obj)) {
		ret = PTR_ERR(obj);
		goto err_put_fd;
	}
	new = ipcx_object_file(obj, IPCX_READ, req->flags);
	ret = PTR_ERR_OR_ZERO(new);
	if (ret)
		goto err_put_object;
	ret = attach(q, ipcx_queue_of(obj));
	if (ret)
		goto err_put_file;
	trace_ipcx_create(obj, NULL);
	ipcx_object_put(obj);
	fd_install(fd, new);
	return fd;

err_put_file:
	fput(new);
err_put_object:
	ipcx_object_put(obj);
err_put_fd:
	put_unused_fd(fd);
	return ret;
}
