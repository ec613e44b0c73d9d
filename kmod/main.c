// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/ipcx: the table of commands, init and exit.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/sockios.h>
#include <linux/uaccess.h>
#include <asm/ioctls.h>

#include "ipcx.h"
#include "message.h"
#include "pause.h"

static long ioctl_query(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_query *query = args;

	if (query->flags)
		return -EINVAL;
	query->abi_version = IPCX_ABI_VERSION;
	query->max_name = IPCX_NAME_MAX;
	query->features = IPCX_FEATURE_QUEUE | IPCX_FEATURE_REGION | IPCX_FEATURE_SEM | IPCX_FEATURE_SEM_ROBUST |
			  IPCX_FEATURE_EVENT | IPCX_FEATURE_STREAM | IPCX_FEATURE_CALL | IPCX_FEATURE_URING |
			  IPCX_FEATURE_FDS | IPCX_FEATURE_NOTIFY |
			  IPCX_FEATURE_WAIT | IPCX_FEATURE_BROADCAST | IPCX_FEATURE_LATEST | IPCX_FEATURE_TAP |
			  IPCX_FEATURE_RESERVED;
	query->max_msg_len = IPCX_MSG_LEN_MAX;
	query->max_msgs = IPCX_QUEUE_MSGS_MAX;
	query->max_batch = IPCX_BATCH_MAX;
	query->user_bytes = READ_ONCE(ipcx_user_bytes);
	query->user_bytes_used = ipcx_user_charged(current_fsuid());
	return ipcx_put_args(uargs, query, sizeof(*query));
}

static long ioctl_open(struct file *file, void *args, void __user *uargs)
{
	return ipcx_object_open(file, args);
}

static long ioctl_unlink(struct file *file, void *args, void __user *uargs)
{
	return ipcx_name_unlink(file->private_data, args);
}

static long ioctl_list(struct file *file, void *args, void __user *uargs)
{
	return ipcx_name_list(file->private_data, args);
}

static long ioctl_queue_create(struct file *file, void *args, void __user *uargs)
{
	const struct ipcx_queue_create *create = args;
	u32 modes = create->create.flags & (IPCX_QUEUE_BROADCAST | IPCX_QUEUE_LATEST);

	/* a broadcast queue that drops its oldest is IPCX_OVERFLOW_DROP */
	return ipcx_object_create(file, args, modes & (modes - 1) ? 0 : modes,
				  modes & IPCX_QUEUE_BROADCAST ? &ipcx_broadcast_kind : &ipcx_queue_kind);
}

static long ioctl_region_create(struct file *file, void *args, void __user *uargs)
{
	return ipcx_object_create(file, args, IPCX_REGION_RESERVED, &ipcx_region_kind);
}

static long ioctl_sem_create(struct file *file, void *args, void __user *uargs)
{
	return ipcx_object_create(file, args, IPCX_SEM_ROBUST, &ipcx_sem_kind);
}

static long ioctl_event_create(struct file *file, void *args, void __user *uargs)
{
	return ipcx_object_create(file, args, IPCX_EVENT_MANUAL, &ipcx_event_kind);
}

static long ioctl_stream_create(struct file *file, void *args, void __user *uargs)
{
	return ipcx_object_create(file, args, 0, &ipcx_stream_kind);
}

static long ioctl_wait_set_create(struct file *file, void *args, void __user *uargs)
{
	const struct ipcx_create *create = args;

	return create->name ? -EINVAL : ipcx_object_create(file, create, 0, &ipcx_wait_set_kind);
}

static long ioctl_restrict(struct file *file, void *args, void __user *uargs)
{
	return ipcx_object_restrict(file, args);
}

static long ioctl_stat(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_stat *stat = args;

	if (stat->flags || stat->reserved)
		return -EINVAL;
	ipcx_object_stat(file, stat);
	return ipcx_put_args(uargs, stat, sizeof(*stat));
}

static long ioctl_shutdown(struct file *file, void *args, void __user *uargs)
{
	return ipcx_object_shutdown(file, args);
}

/* Which files know a command: the device, objects of one kind (IPCX_KIND_*), or all objects. */
#define ON_DEVICE	0
#define ON_OBJECT	(~0U)

/**
 * struct ipcx_command - one command of the ABI
 * @cmd:	its number; the size in it is not compared, it grows
 * @on:		which files know it
 * @min_size:	size of the argument in the first version of the ABI
 * @size:	size of the argument that this module knows
 * @waits:	it can wait, and its flags have IPCX_NOWAIT
 * @try:	instead of @call, for who may wait but not here: with IPCX_NOWAIT that would do a part.  NULL: it would not
 * @call:	gets the argument, completed with zeros to @size, and its address for outputs
 */
struct ipcx_command {
	u32 cmd;
	u32 on;
	u32 min_size;
	u16 size;
	bool waits;
	long (*try)(struct file *file, void *args, void __user *uargs);
	long (*call)(struct file *file, void *args, void __user *uargs);
};

/* The size of a structure up to and with the last member of the first version of the ABI. */
#define COMMAND(_cmd, _on, _struct, _last, _call)	COMMAND_(_cmd, _on, _struct, _last, _call, false, NULL)
#define WAITING(_cmd, _on, _struct, _last, _call)	COMMAND_(_cmd, _on, _struct, _last, _call, true, NULL)
#define COMMAND_(_cmd, _on, _struct, _last, _call, _waits, _try)				\
	[_IOC_NR(_cmd)] = {									\
		.cmd = (_cmd) & ~IOCSIZE_MASK,							\
		.on = _on,									\
		.min_size = offsetofend(struct _struct, _last) +				\
			    BUILD_BUG_ON_ZERO(sizeof(struct _struct) % 8) +			\
			    BUILD_BUG_ON_ZERO(sizeof(struct _struct) > sizeof(union ipcx_args)), \
		.size = sizeof(struct _struct),							\
		.waits = _waits,								\
		.try = _try,									\
		.call = _call,									\
	}

union ipcx_args {
	struct {
		u32 size;
		u32 flags;
	};
	u64 words[16];
};

static const struct ipcx_command commands[IPCX_IOC_NR] = {
	COMMAND(IPCX_QUERY,		ON_DEVICE, ipcx_query, user_bytes_used, ioctl_query),
	COMMAND(IPCX_OPEN,		ON_DEVICE, ipcx_open, rights, ioctl_open),
	COMMAND(IPCX_UNLINK,		ON_DEVICE, ipcx_unlink, name, ioctl_unlink),
	COMMAND(IPCX_LIST,		ON_DEVICE, ipcx_list, entry_size, ioctl_list),
	COMMAND(IPCX_QUEUE_CREATE,	ON_DEVICE, ipcx_queue_create, max_msg_len, ioctl_queue_create),
	COMMAND(IPCX_REGION_CREATE,	ON_DEVICE, ipcx_region_create, len, ioctl_region_create),
	COMMAND(IPCX_SEM_CREATE,	ON_DEVICE, ipcx_sem_create, max, ioctl_sem_create),
	COMMAND(IPCX_EVENT_CREATE,	ON_DEVICE, ipcx_event_create, reserved, ioctl_event_create),
	COMMAND(IPCX_STREAM_CREATE,	ON_DEVICE, ipcx_stream_create, capacity, ioctl_stream_create),
	COMMAND(IPCX_WAIT_SET_CREATE,	ON_DEVICE, ipcx_wait_set_create, create, ioctl_wait_set_create),
	COMMAND(IPCX_RESTRICT,		ON_OBJECT, ipcx_restrict, reserved, ioctl_restrict),
	COMMAND(IPCX_STAT,		ON_OBJECT, ipcx_stat, charged, ioctl_stat),
	COMMAND(IPCX_SHUTDOWN,		ON_OBJECT, ipcx_shutdown, reserved, ioctl_shutdown),
	COMMAND(IPCX_NOTIFY,		ON_OBJECT, ipcx_notify, id, ipcx_notify),
	COMMAND(IPCX_NOTIFY_CANCEL,	ON_OBJECT, ipcx_notify_cancel, id, ipcx_notify_cancel),
	WAITING(IPCX_WAIT,		ON_OBJECT, ipcx_wait, index, ipcx_wait_many),
	WAITING(IPCX_QUEUE_SEND,	IPCX_KIND_QUEUE, ipcx_queue_send, msg, ipcx_queue_send),
	WAITING(IPCX_QUEUE_RECV,	IPCX_KIND_QUEUE, ipcx_queue_recv, msg, ipcx_queue_recv),
	COMMAND_(IPCX_QUEUE_SENDV,	IPCX_KIND_QUEUE, ipcx_queue_batch, msg_size, ipcx_queue_sendv, true,
		 ipcx_queue_try_sendv),
	WAITING(IPCX_QUEUE_RECVV,	IPCX_KIND_QUEUE, ipcx_queue_batch, msg_size, ipcx_queue_recvv),
	COMMAND(IPCX_QUEUE_PURGE,	IPCX_KIND_QUEUE, ipcx_queue_purge, bytes, ipcx_queue_purge),
	COMMAND(IPCX_QUEUE_STAT,	IPCX_KIND_QUEUE, ipcx_queue_stat, nr_receivers, ipcx_queue_stat),
	COMMAND(IPCX_QUEUE_CALL,	IPCX_KIND_QUEUE, ipcx_queue_call, reply, ipcx_queue_call),
	COMMAND(IPCX_QUEUE_SERVE,	IPCX_KIND_QUEUE, ipcx_queue_serve, reserved, ipcx_queue_serve),
	WAITING(IPCX_QUEUE_SEND_FDS,	IPCX_KIND_QUEUE, ipcx_queue_send_fds, reserved, ipcx_queue_send_fds),
	WAITING(IPCX_QUEUE_RECV_FDS,	IPCX_KIND_QUEUE, ipcx_queue_recv_fds, reserved, ipcx_queue_recv_fds),
	COMMAND(IPCX_QUEUE_TAP,		IPCX_KIND_QUEUE, ipcx_queue_tap, max_bytes, ipcx_queue_tap),
	COMMAND(IPCX_REGION_STAT,	IPCX_KIND_REGION, ipcx_region_stat, reserved, ipcx_region_stat),
	COMMAND(IPCX_SEM_POST,		IPCX_KIND_SEM, ipcx_sem_post, reserved, ipcx_sem_post),
	WAITING(IPCX_SEM_WAIT,		IPCX_KIND_SEM, ipcx_sem_wait, reserved, ipcx_sem_wait),
	COMMAND(IPCX_SEM_STAT,		IPCX_KIND_SEM, ipcx_sem_stat, held, ipcx_sem_stat),
	COMMAND(IPCX_EVENT_SET,		IPCX_KIND_EVENT, ipcx_event_change, flags, ipcx_event_set),
	COMMAND(IPCX_EVENT_RESET,	IPCX_KIND_EVENT, ipcx_event_change, flags, ipcx_event_reset),
	COMMAND(IPCX_EVENT_PULSE,	IPCX_KIND_EVENT, ipcx_event_change, flags, ipcx_event_pulse),
	WAITING(IPCX_EVENT_WAIT,	IPCX_KIND_EVENT, ipcx_event_wait, timeout, ipcx_event_wait),
	COMMAND(IPCX_EVENT_STAT,	IPCX_KIND_EVENT, ipcx_event_stat, nr_waiters, ipcx_event_stat),
	COMMAND(IPCX_STREAM_STAT,	IPCX_KIND_STREAM, ipcx_stream_stat, waiting_writers, ipcx_stream_stat),
	COMMAND(IPCX_STREAM_RESIZE,	IPCX_KIND_STREAM, ipcx_stream_resize, capacity, ipcx_stream_resize),
	COMMAND(IPCX_WAIT_SET_ADD,	IPCX_KIND_WAIT_SET, ipcx_wait_set_change, entry, ipcx_wait_set_add),
	COMMAND(IPCX_WAIT_SET_REMOVE,	IPCX_KIND_WAIT_SET, ipcx_wait_set_change, entry, ipcx_wait_set_remove),
	WAITING(IPCX_WAIT_SET_WAIT,	IPCX_KIND_WAIT_SET, ipcx_wait_set_wait, reserved, ipcx_wait_set_wait),
};

/* What broadcast queues do their own way; the other commands are those of all queues, and of all objects. */
static const struct ipcx_command broadcast_commands[IPCX_IOC_NR] = {
	WAITING(IPCX_QUEUE_SEND,	IPCX_KIND_QUEUE, ipcx_queue_send, msg, ipcx_broadcast_send),
	WAITING(IPCX_QUEUE_RECV,	IPCX_KIND_QUEUE, ipcx_queue_recv, msg, ipcx_broadcast_recv),
	WAITING(IPCX_QUEUE_RECVV,	IPCX_KIND_QUEUE, ipcx_queue_batch, msg_size, ipcx_broadcast_recvv),
	COMMAND(IPCX_QUEUE_PURGE,	IPCX_KIND_QUEUE, ipcx_queue_purge, bytes, ipcx_broadcast_purge),
	COMMAND(IPCX_QUEUE_STAT,	IPCX_KIND_QUEUE, ipcx_queue_stat, nr_receivers, ipcx_broadcast_stat),
	COMMAND(IPCX_QUEUE_CALL,	IPCX_KIND_QUEUE, ipcx_queue_call, reply, ipcx_broadcast_refuse),
	COMMAND(IPCX_QUEUE_SERVE,	IPCX_KIND_QUEUE, ipcx_queue_serve, reserved, ipcx_broadcast_refuse),
	COMMAND(IPCX_QUEUE_TAP,		IPCX_KIND_QUEUE, ipcx_queue_tap, max_bytes, ipcx_broadcast_refuse),
	COMMAND(IPCX_QUEUE_SEND_FDS,	IPCX_KIND_QUEUE, ipcx_queue_send_fds, reserved, ipcx_broadcast_refuse),
	COMMAND(IPCX_QUEUE_RECV_FDS,	IPCX_KIND_QUEUE, ipcx_queue_recv_fds, reserved, ipcx_broadcast_refuse),
};

/* Words that nearly every argument fits in, and all of them. */
#define FAST_WORDS	8
#define ALL_WORDS	ARRAY_SIZE(((union ipcx_args *)0)->words)

/* Read word @i and the next 3. */
#define GET_4_WORDS(args, from, i, label)					\
	do {									\
		unsafe_get_user((args)->words[(i)], (from) + (i), label);	\
		unsafe_get_user((args)->words[(i) + 1], (from) + (i) + 1, label); \
		unsafe_get_user((args)->words[(i) + 2], (from) + (i) + 2, label); \
		unsafe_get_user((args)->words[(i) + 3], (from) + (i) + 3, label); \
	} while (0)

/*
 * Read the argument: its size, then as much of it as both sides know.
 *
 * An argument of just the size that this module knows, which is what nearly every program sends, is read without
 * a call and without a loop, with a little of what follows it.  If that cannot be read, the slow way decides.
 */
static __always_inline int get_args(union ipcx_args *args, const struct ipcx_command *command,
				    const void __user *uargs)
{
	const u64 __user *from = uargs;
	u32 size;
	int ret;

	if (!should_fail_usercopy() && likely(user_read_access_begin(uargs, ALL_WORDS * sizeof(u64)))) {
		unsafe_get_user(args->words[0], from, slow);
		if (likely(args->size == command->size)) {
			unsafe_get_user(args->words[1], from + 1, slow);
			unsafe_get_user(args->words[2], from + 2, slow);
			unsafe_get_user(args->words[3], from + 3, slow);
			GET_4_WORDS(args, from, 4, slow);
			if (unlikely(command->size > FAST_WORDS * sizeof(u64))) {
				GET_4_WORDS(args, from, 8, slow);
				GET_4_WORDS(args, from, 12, slow);
			}
			user_read_access_end();
			return 0;
		}
slow:
		user_read_access_end();
	}
	/* the size is read once more, and that is what counts */
	if (get_user(size, (const u32 __user *)uargs))
		return -EFAULT;
	if (size < command->min_size || size > PAGE_SIZE)
		return -EINVAL;
	ret = copy_struct_from_user(args, command->size, uargs, size);
	args->size = size;	/* the one that was checked, whatever has become of it since */
	return ret;
}

/*
 * With @would_wait: do not wait, although the caller may want to; *@would_wait tells whether that is why it failed
 * with -EAGAIN.  The commands that can wait are those that know IPCX_NOWAIT, in the word of flags that follows
 * the size.
 */
static __always_inline long call_command(const struct ipcx_command *table, struct file *file, u32 kind,
					 unsigned int cmd, void __user *uargs, bool *would_wait)
{
	u32 nr = _IOC_NR(cmd);
	const struct ipcx_command *command;
	union ipcx_args args ipcx_uninitialized;
	int ret;

	if (nr >= IPCX_IOC_NR)
		return -ENOTTY;
	command = &table[array_index_nospec(nr, IPCX_IOC_NR)];
	OPTIMIZER_HIDE_VAR(command);	/* compute the address once */
	if ((cmd & ~IOCSIZE_MASK) != command->cmd)
		return -ENOTTY;
	if (command->on != kind && (command->on != ON_OBJECT || kind == ON_DEVICE))
		return -ENOTTY;
	ret = get_args(&args, command, uargs);
	if (ret)
		return ret;
	if (would_wait && command->waits) {
		/* O_NONBLOCK is about one object: a wait for several is not told by the descriptor that it came through */
		*would_wait = !(args.flags & IPCX_NOWAIT) &&
			      (command->on == ON_OBJECT || !(file->f_flags & O_NONBLOCK));
		args.flags |= IPCX_NOWAIT;
		if (*would_wait && command->try)
			return command->try(file, &args, uargs);
	}
	return command->call(file, &args, uargs);
}

/* A command that came through io_uring; with @try_only it must not wait. */
long ipcx_command(struct file *file, unsigned int cmd, void __user *uargs, bool try_only, bool *would_wait)
{
	const struct ipcx_kind *kind = ipcx_object(file)->kind;
	long ret = -ENOTTY;

	*would_wait = false;
	if (!try_only)
		would_wait = NULL;
	if (kind == &ipcx_broadcast_kind)
		ret = call_command(broadcast_commands, file, kind->kind, cmd, uargs, would_wait);
	return ret == -ENOTTY ? call_command(commands, file, kind->kind, cmd, uargs, would_wait) : ret;
}

/* ioctl on an object of any kind. */
long ipcx_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	u32 kind = ipcx_object(file)->kind->kind;
	long ret = call_command(commands, file, kind, cmd, (void __user *)arg, NULL);

	/* a number of somebody else's, which is none of ours */
	if (unlikely(ret == -ENOTTY) && cmd == FIONREAD) {
		if (kind == IPCX_KIND_QUEUE)
			ret = ipcx_queue_readable(file, (int __user *)arg);
		else if (kind == IPCX_KIND_STREAM)
			ret = ipcx_stream_readable(file, (int __user *)arg);
	}
	return ret;
}

/* ioctl on a broadcast queue. */
long ipcx_broadcast_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	long ret;

	/* called once for each subscriber, and known at compile time: the look-up is not repeated */
	if (likely(cmd == IPCX_QUEUE_RECV)) {
		union ipcx_args args ipcx_uninitialized;

		ret = get_args(&args, &broadcast_commands[_IOC_NR(IPCX_QUEUE_RECV)], (void __user *)arg);
		return ret ? ret : ipcx_broadcast_recv(file, &args, (void __user *)arg);
	}
	ret = call_command(broadcast_commands, file, IPCX_KIND_QUEUE, cmd, (void __user *)arg, NULL);

	if (likely(ret != -ENOTTY))
		return ret;
	return cmd == FIONREAD ? ipcx_broadcast_readable(file, (int __user *)arg) : ipcx_ioctl(file, cmd, arg);
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return call_command(commands, file, ON_DEVICE, cmd, (void __user *)arg, NULL);
}

static int device_open(struct inode *inode, struct file *file)
{
	ipcx_pause("device_opens");
	file->private_data = ipcx_net_open();
	return 0;
}

static int device_release(struct inode *inode, struct file *file)
{
	ipcx_net_close(file->private_data);
	return 0;
}

const struct file_operations ipcx_device_fops = {
	.owner		= THIS_MODULE,
	.open		= device_open,
	.release	= device_release,
	.unlocked_ioctl	= device_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/* Everybody may open it: objects have rights, and their memory a quota. */
static struct miscdevice device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "ipcx",
	.fops	= &ipcx_device_fops,
	.mode	= 0666,
};

static int __init ipcx_init(void)
{
	int ret;

	ret = ipcx_region_init();
	if (ret)
		return ret;
	ret = ipcx_names_init();
	if (ret)
		return ret;
	ret = misc_register(&device);
	if (ret)
		ipcx_names_exit();
	return ret;
}

/* No file and no name is left: each holds a reference to the module. */
static void __exit ipcx_exit(void)
{
	ipcx_pause("exit_begins");
	misc_deregister(&device);
	ipcx_names_exit();
	/* after the names: a namespace that is going may have dropped the last one, and its semaphore, just now */
	ipcx_robust_exit();
	ipcx_users_check();
}

module_init(ipcx_init);
module_exit(ipcx_exit);

MODULE_DESCRIPTION("Queues, shared regions, semaphores and events as file descriptors");
MODULE_AUTHOR("The ipcx developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
