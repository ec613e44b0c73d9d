/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints.  Objects are named by their id, which fdinfo and IPCX_STAT show as well; lengths are in bytes,
 * times in nanoseconds and taken only while the event is on, depth is the number of messages left in the queue.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ipcx

#if !defined(IPCX_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define IPCX_TRACE_H

#include <linux/sched.h>
#include <linux/tracepoint.h>

#include "ipcx.h"

/* passed whole, so that nothing is loaded for an event that is off */
struct ipcx_message;

TRACE_EVENT(ipcx_create,
	TP_PROTO(const struct ipcx_object *obj, const char *name),
	TP_ARGS(obj, name),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, kind)
		__string(name, name ? name : "")
	),
	TP_fast_assign(
		__entry->id = obj->id;
		__entry->kind = obj->kind->kind;
		ipcx_assign_str(name, name ? name : "");
	),
	TP_printk("id=%llu kind=%u name=%s", __entry->id, __entry->kind, __get_str(name))
);

TRACE_EVENT(ipcx_open,
	TP_PROTO(const struct ipcx_object *obj, u32 rights),
	TP_ARGS(obj, rights),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, kind)
		__field(u32, rights)
	),
	TP_fast_assign(
		__entry->id = obj->id;
		__entry->kind = obj->kind->kind;
		__entry->rights = rights;
	),
	TP_printk("id=%llu kind=%u rights=%u", __entry->id, __entry->kind, __entry->rights)
);

DECLARE_EVENT_CLASS(ipcx_object_event,
	TP_PROTO(const struct ipcx_object *obj),
	TP_ARGS(obj),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, kind)
	),
	TP_fast_assign(
		__entry->id = obj->id;
		__entry->kind = obj->kind->kind;
	),
	TP_printk("id=%llu kind=%u", __entry->id, __entry->kind)
);

DEFINE_EVENT(ipcx_object_event, ipcx_close, TP_PROTO(const struct ipcx_object *obj), TP_ARGS(obj));
DEFINE_EVENT(ipcx_object_event, ipcx_block, TP_PROTO(const struct ipcx_object *obj), TP_ARGS(obj));
DEFINE_EVENT(ipcx_object_event, ipcx_timeout, TP_PROTO(const struct ipcx_object *obj), TP_ARGS(obj));

TRACE_EVENT(ipcx_send,
	TP_PROTO(const struct ipcx_object *obj, const struct ipcx_message *msg),
	TP_ARGS(obj, msg),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, len)
		__field(u32, type)
		__field(u32, priority)
	),
	TP_fast_assign(
		__entry->id = obj->id;
		__entry->len = msg->len;
		__entry->type = msg->type;
		__entry->priority = msg->priority;
	),
	TP_printk("id=%llu type=%u priority=%u len=%llu", __entry->id, __entry->type, __entry->priority,
		  __entry->len)
);

/*
 * A message has come in: it is in the queue, or goes straight to a receiver that waits.  seq numbers a queue's messages in
 * the order in which they come in, from 1: it pairs ipcx_enqueue with ipcx_recv.
 */
TRACE_EVENT(ipcx_enqueue,
	TP_PROTO(const struct ipcx_object *obj, const struct ipcx_message *msg, u64 seq, u32 depth),
	TP_ARGS(obj, msg, seq, depth),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, len)
		__field(u64, seq)
		__field(u32, type)
		__field(u32, priority)
		__field(u32, depth)
	),
	TP_fast_assign(
		__entry->id = obj->id;
		__entry->len = msg->len;
		__entry->seq = seq;
		__entry->type = msg->type;
		__entry->priority = msg->priority;
		__entry->depth = depth;
	),
	TP_printk("id=%llu type=%u priority=%u len=%llu depth=%u seq=%llu", __entry->id, __entry->type,
		  __entry->priority, __entry->len, __entry->depth, __entry->seq)
);

/* pid is the thread that receives, which is another than the one in whose context this is if it is given the message. */
TRACE_EVENT(ipcx_recv,
	TP_PROTO(const struct ipcx_object *obj, const struct ipcx_message *msg, u64 seq, u32 depth,
		 const struct task_struct *receiver),
	TP_ARGS(obj, msg, seq, depth, receiver),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, len)
		__field(u64, seq)
		__field(u32, type)
		__field(u32, priority)
		__field(u32, depth)
		__field(pid_t, pid)
	),
	TP_fast_assign(
		__entry->id = obj->id;
		__entry->len = msg->len;
		__entry->seq = seq;
		__entry->type = msg->type;
		__entry->priority = msg->priority;
		__entry->depth = depth;
		__entry->pid = receiver->pid;
	),
	TP_printk("id=%llu type=%u priority=%u len=%llu depth=%u seq=%llu pid=%d", __entry->id, __entry->type,
		  __entry->priority, __entry->len, __entry->depth, __entry->seq, __entry->pid)
);

/* A message makes way for a newer one; losers is how many receivers lose it: see IPCX_QUEUE_LATEST, IPCX_OVERFLOW_DROP. */
TRACE_EVENT(ipcx_drop,
	TP_PROTO(const struct ipcx_object *obj, const struct ipcx_message *msg, u32 losers),
	TP_ARGS(obj, msg, losers),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, len)
		__field(u32, type)
		__field(u32, losers)
	),
	TP_fast_assign(
		__entry->id = obj->id;
		__entry->len = msg->len;
		__entry->type = msg->type;
		__entry->losers = losers;
	),
	TP_printk("id=%llu type=%u len=%llu losers=%u", __entry->id, __entry->type, __entry->len, __entry->losers)
);

/* Payload has been copied, in nr pieces: one for each stretch of the module's memory. */
DECLARE_EVENT_CLASS(ipcx_copy_event,
	TP_PROTO(const struct ipcx_object *obj, size_t len, u32 nr, u64 ns),
	TP_ARGS(obj, len, nr, ns),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, len)
		__field(u64, ns)
		__field(u32, kind)
		__field(u32, nr)
	),
	TP_fast_assign(
		__entry->id = obj->id;
		__entry->len = len;
		__entry->ns = ns;
		__entry->kind = obj->kind->kind;
		__entry->nr = nr;
	),
	TP_printk("id=%llu kind=%u len=%llu nr=%u ns=%llu", __entry->id, __entry->kind, __entry->len,
		  __entry->nr, __entry->ns)
);

DEFINE_EVENT(ipcx_copy_event, ipcx_copy_in,
	TP_PROTO(const struct ipcx_object *obj, size_t len, u32 nr, u64 ns), TP_ARGS(obj, len, nr, ns));
DEFINE_EVENT(ipcx_copy_event, ipcx_copy_out,
	TP_PROTO(const struct ipcx_object *obj, size_t len, u32 nr, u64 ns), TP_ARGS(obj, len, nr, ns));

TRACE_EVENT(ipcx_wake,
	TP_PROTO(const struct task_struct *task),
	TP_ARGS(task),
	TP_STRUCT__entry(
		__field(pid_t, pid)
	),
	TP_fast_assign(
		__entry->pid = task->pid;
	),
	TP_printk("pid=%d", __entry->pid)
);

TRACE_EVENT(ipcx_map,
	TP_PROTO(const struct ipcx_object *obj, u64 offset, u64 len, bool writable),
	TP_ARGS(obj, offset, len, writable),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, offset)
		__field(u64, len)
		__field(bool, writable)
	),
	TP_fast_assign(
		__entry->id = obj->id;
		__entry->offset = offset;
		__entry->len = len;
		__entry->writable = writable;
	),
	TP_printk("id=%llu offset=%llu len=%llu writable=%d", __entry->id, __entry->offset, __entry->len,
		  __entry->writable)
);

TRACE_EVENT(ipcx_post,
	TP_PROTO(const struct ipcx_object *obj, u32 nr, u32 count),
	TP_ARGS(obj, nr, count),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, nr)
		__field(u32, count)
	),
	TP_fast_assign(
		__entry->id = obj->id;
		__entry->nr = nr;
		__entry->count = count;
	),
	TP_printk("id=%llu nr=%u count=%u", __entry->id, __entry->nr, __entry->count)
);

/* An event is set, reset or pulsed; woken is the number of waiters that this lets through. */
DECLARE_EVENT_CLASS(ipcx_event_change,
	TP_PROTO(const struct ipcx_object *obj, bool was_set, u32 woken),
	TP_ARGS(obj, was_set, woken),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(bool, was_set)
		__field(u32, woken)
	),
	TP_fast_assign(
		__entry->id = obj->id;
		__entry->was_set = was_set;
		__entry->woken = woken;
	),
	TP_printk("id=%llu was_set=%d woken=%u", __entry->id, __entry->was_set, __entry->woken)
);

DEFINE_EVENT(ipcx_event_change, ipcx_set,
	TP_PROTO(const struct ipcx_object *obj, bool was_set, u32 woken), TP_ARGS(obj, was_set, woken));
DEFINE_EVENT(ipcx_event_change, ipcx_reset,
	TP_PROTO(const struct ipcx_object *obj, bool was_set, u32 woken), TP_ARGS(obj, was_set, woken));
DEFINE_EVENT(ipcx_event_change, ipcx_pulse,
	TP_PROTO(const struct ipcx_object *obj, bool was_set, u32 woken), TP_ARGS(obj, was_set, woken));

/* A notice has been sent (ret 0) or not; signo is 0 for an eventfd, and the notice's number, too, for SIGIO. */
TRACE_EVENT(ipcx_notify,
	TP_PROTO(const struct ipcx_object *obj, u64 notice, u32 signo, int ret),
	TP_ARGS(obj, notice, signo, ret),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, notice)
		__field(u32, signo)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->id = obj->id;
		__entry->notice = notice;
		__entry->signo = signo;
		__entry->ret = ret;
	),
	TP_printk("id=%llu notice=%llu signo=%u ret=%d", __entry->id, __entry->notice, __entry->signo,
		  __entry->ret)
);

TRACE_EVENT(ipcx_wait,
	TP_PROTO(const struct ipcx_object *obj, u32 nr, int ret),
	TP_ARGS(obj, nr, ret),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, nr)
		__field(u32, kind)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->id = obj->id;
		__entry->nr = nr;
		__entry->kind = obj->kind->kind;
		__entry->ret = ret;
	),
	TP_printk("id=%llu kind=%u nr=%u ret=%d", __entry->id, __entry->kind, __entry->nr, __entry->ret)
);

#endif /* IPCX_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE ipcx_trace
#include <trace/define_trace.h>
