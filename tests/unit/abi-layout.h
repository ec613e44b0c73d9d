/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ABI by value: what programs already built rely on.  A line here is never changed,
 * only new ones come; new members stand at the end of their structure, whose size grows
 * then.
 */
#ifndef ABI_LAYOUT_H
#define ABI_LAYOUT_H

/* SIZE(structure, bytes), followed by FIELD(structure, member, offset, bytes) for every member. */
#define ABI_STRUCTURES(SIZE, FIELD) \
SIZE(ipcx_query, 56) \
	FIELD(ipcx_query, size, 0, 4) \
	FIELD(ipcx_query, flags, 4, 4) \
	FIELD(ipcx_query, abi_version, 8, 4) \
	FIELD(ipcx_query, max_name, 12, 4) \
	FIELD(ipcx_query, features, 16, 8) \
	FIELD(ipcx_query, max_msg_len, 24, 8) \
	FIELD(ipcx_query, max_msgs, 32, 4) \
	FIELD(ipcx_query, max_batch, 36, 4) \
	FIELD(ipcx_query, user_bytes, 40, 8) \
	FIELD(ipcx_query, user_bytes_used, 48, 8) \
	SIZE(ipcx_create, 24) \
	FIELD(ipcx_create, size, 0, 4) \
	FIELD(ipcx_create, flags, 4, 4) \
	FIELD(ipcx_create, name, 8, 8) \
	FIELD(ipcx_create, mode, 16, 4) \
	FIELD(ipcx_create, rights, 20, 4) \
	SIZE(ipcx_open, 24) \
	FIELD(ipcx_open, size, 0, 4) \
	FIELD(ipcx_open, flags, 4, 4) \
	FIELD(ipcx_open, name, 8, 8) \
	FIELD(ipcx_open, kind, 16, 4) \
	FIELD(ipcx_open, rights, 20, 4) \
	SIZE(ipcx_unlink, 16) \
	FIELD(ipcx_unlink, size, 0, 4) \
	FIELD(ipcx_unlink, flags, 4, 4) \
	FIELD(ipcx_unlink, name, 8, 8) \
	SIZE(ipcx_list_entry, 288) \
	FIELD(ipcx_list_entry, id, 0, 8) \
	FIELD(ipcx_list_entry, kind, 8, 4) \
	FIELD(ipcx_list_entry, mode, 12, 4) \
	FIELD(ipcx_list_entry, uid, 16, 4) \
	FIELD(ipcx_list_entry, gid, 20, 4) \
	FIELD(ipcx_list_entry, flags, 24, 4) \
	FIELD(ipcx_list_entry, reserved, 28, 4) \
	FIELD(ipcx_list_entry, name, 32, 256) \
	SIZE(ipcx_list, 32) \
	FIELD(ipcx_list, size, 0, 4) \
	FIELD(ipcx_list, flags, 4, 4) \
	FIELD(ipcx_list, after, 8, 8) \
	FIELD(ipcx_list, entries, 16, 8) \
	FIELD(ipcx_list, nr, 24, 4) \
	FIELD(ipcx_list, entry_size, 28, 4) \
	SIZE(ipcx_restrict, 16) \
	FIELD(ipcx_restrict, size, 0, 4) \
	FIELD(ipcx_restrict, flags, 4, 4) \
	FIELD(ipcx_restrict, rights, 8, 4) \
	FIELD(ipcx_restrict, reserved, 12, 4) \
	SIZE(ipcx_stat, 56) \
	FIELD(ipcx_stat, size, 0, 4) \
	FIELD(ipcx_stat, flags, 4, 4) \
	FIELD(ipcx_stat, id, 8, 8) \
	FIELD(ipcx_stat, kind, 16, 4) \
	FIELD(ipcx_stat, mode, 20, 4) \
	FIELD(ipcx_stat, uid, 24, 4) \
	FIELD(ipcx_stat, gid, 28, 4) \
	FIELD(ipcx_stat, rights, 32, 4) \
	FIELD(ipcx_stat, state, 36, 4) \
	FIELD(ipcx_stat, users, 40, 4) \
	FIELD(ipcx_stat, reserved, 44, 4) \
	FIELD(ipcx_stat, charged, 48, 8) \
	SIZE(ipcx_shutdown, 16) \
	FIELD(ipcx_shutdown, size, 0, 4) \
	FIELD(ipcx_shutdown, flags, 4, 4) \
	FIELD(ipcx_shutdown, how, 8, 4) \
	FIELD(ipcx_shutdown, reserved, 12, 4) \
	SIZE(ipcx_queue_create, 48) \
	FIELD(ipcx_queue_create, create, 0, 24) \
	FIELD(ipcx_queue_create, max_msgs, 24, 4) \
	FIELD(ipcx_queue_create, overflow, 28, 4) \
	FIELD(ipcx_queue_create, max_bytes, 32, 8) \
	FIELD(ipcx_queue_create, max_msg_len, 40, 8) \
	SIZE(ipcx_msg, 40) \
	FIELD(ipcx_msg, buf, 0, 8) \
	FIELD(ipcx_msg, len, 8, 8) \
	FIELD(ipcx_msg, type, 16, 4) \
	FIELD(ipcx_msg, priority, 20, 4) \
	FIELD(ipcx_msg, pid, 24, 4) \
	FIELD(ipcx_msg, uid, 28, 4) \
	FIELD(ipcx_msg, gid, 32, 4) \
	FIELD(ipcx_msg, flags, 36, 4) \
	SIZE(ipcx_select, 8) \
	FIELD(ipcx_select, how, 0, 4) \
	FIELD(ipcx_select, type, 4, 4) \
	SIZE(ipcx_queue_send, 56) \
	FIELD(ipcx_queue_send, size, 0, 4) \
	FIELD(ipcx_queue_send, flags, 4, 4) \
	FIELD(ipcx_queue_send, timeout, 8, 8) \
	FIELD(ipcx_queue_send, msg, 16, 40) \
	SIZE(ipcx_queue_recv, 64) \
	FIELD(ipcx_queue_recv, size, 0, 4) \
	FIELD(ipcx_queue_recv, flags, 4, 4) \
	FIELD(ipcx_queue_recv, timeout, 8, 8) \
	FIELD(ipcx_queue_recv, select, 16, 8) \
	FIELD(ipcx_queue_recv, msg, 24, 40) \
	SIZE(ipcx_queue_batch, 40) \
	FIELD(ipcx_queue_batch, size, 0, 4) \
	FIELD(ipcx_queue_batch, flags, 4, 4) \
	FIELD(ipcx_queue_batch, timeout, 8, 8) \
	FIELD(ipcx_queue_batch, select, 16, 8) \
	FIELD(ipcx_queue_batch, msgs, 24, 8) \
	FIELD(ipcx_queue_batch, nr, 32, 4) \
	FIELD(ipcx_queue_batch, msg_size, 36, 4) \
	SIZE(ipcx_queue_purge, 32) \
	FIELD(ipcx_queue_purge, size, 0, 4) \
	FIELD(ipcx_queue_purge, flags, 4, 4) \
	FIELD(ipcx_queue_purge, select, 8, 8) \
	FIELD(ipcx_queue_purge, nr_msgs, 16, 8) \
	FIELD(ipcx_queue_purge, bytes, 24, 8) \
	SIZE(ipcx_queue_tap, 24) \
	FIELD(ipcx_queue_tap, size, 0, 4) \
	FIELD(ipcx_queue_tap, flags, 4, 4) \
	FIELD(ipcx_queue_tap, max_msgs, 8, 4) \
	FIELD(ipcx_queue_tap, reserved, 12, 4) \
	FIELD(ipcx_queue_tap, max_bytes, 16, 8) \
	SIZE(ipcx_region_create, 32) \
	FIELD(ipcx_region_create, create, 0, 24) \
	FIELD(ipcx_region_create, len, 24, 8) \
	SIZE(ipcx_region_stat, 32) \
	FIELD(ipcx_region_stat, size, 0, 4) \
	FIELD(ipcx_region_stat, flags, 4, 4) \
	FIELD(ipcx_region_stat, len, 8, 8) \
	FIELD(ipcx_region_stat, allocated, 16, 8) \
	FIELD(ipcx_region_stat, seals, 24, 4) \
	FIELD(ipcx_region_stat, reserved, 28, 4) \
	SIZE(ipcx_sem_create, 32) \
	FIELD(ipcx_sem_create, create, 0, 24) \
	FIELD(ipcx_sem_create, initial, 24, 4) \
	FIELD(ipcx_sem_create, max, 28, 4) \
	SIZE(ipcx_sem_post, 16) \
	FIELD(ipcx_sem_post, size, 0, 4) \
	FIELD(ipcx_sem_post, flags, 4, 4) \
	FIELD(ipcx_sem_post, nr, 8, 4) \
	FIELD(ipcx_sem_post, reserved, 12, 4) \
	SIZE(ipcx_sem_wait, 24) \
	FIELD(ipcx_sem_wait, size, 0, 4) \
	FIELD(ipcx_sem_wait, flags, 4, 4) \
	FIELD(ipcx_sem_wait, timeout, 8, 8) \
	FIELD(ipcx_sem_wait, nr, 16, 4) \
	FIELD(ipcx_sem_wait, reserved, 20, 4) \
	SIZE(ipcx_sem_stat, 24) \
	FIELD(ipcx_sem_stat, size, 0, 4) \
	FIELD(ipcx_sem_stat, flags, 4, 4) \
	FIELD(ipcx_sem_stat, count, 8, 4) \
	FIELD(ipcx_sem_stat, max, 12, 4) \
	FIELD(ipcx_sem_stat, nr_waiters, 16, 4) \
	FIELD(ipcx_sem_stat, held, 20, 4) \
	SIZE(ipcx_event_create, 32) \
	FIELD(ipcx_event_create, create, 0, 24) \
	FIELD(ipcx_event_create, initial, 24, 4) \
	FIELD(ipcx_event_create, reserved, 28, 4) \
	SIZE(ipcx_event_change, 8) \
	FIELD(ipcx_event_change, size, 0, 4) \
	FIELD(ipcx_event_change, flags, 4, 4) \
	SIZE(ipcx_event_wait, 16) \
	FIELD(ipcx_event_wait, size, 0, 4) \
	FIELD(ipcx_event_wait, flags, 4, 4) \
	FIELD(ipcx_event_wait, timeout, 8, 8) \
	SIZE(ipcx_event_stat, 16) \
	FIELD(ipcx_event_stat, size, 0, 4) \
	FIELD(ipcx_event_stat, flags, 4, 4) \
	FIELD(ipcx_event_stat, set, 8, 4) \
	FIELD(ipcx_event_stat, nr_waiters, 12, 4) \
	SIZE(ipcx_notify, 40) \
	FIELD(ipcx_notify, size, 0, 4) \
	FIELD(ipcx_notify, flags, 4, 4) \
	FIELD(ipcx_notify, ready, 8, 4) \
	FIELD(ipcx_notify, how, 12, 4) \
	FIELD(ipcx_notify, target, 16, 4) \
	FIELD(ipcx_notify, signo, 20, 4) \
	FIELD(ipcx_notify, value, 24, 8) \
	FIELD(ipcx_notify, id, 32, 8) \
	SIZE(ipcx_notify_cancel, 16) \
	FIELD(ipcx_notify_cancel, size, 0, 4) \
	FIELD(ipcx_notify_cancel, flags, 4, 4) \
	FIELD(ipcx_notify_cancel, id, 8, 8) \
	SIZE(ipcx_wait_entry, 16) \
	FIELD(ipcx_wait_entry, fd, 0, 4) \
	FIELD(ipcx_wait_entry, what, 4, 4) \
	FIELD(ipcx_wait_entry, nr, 8, 4) \
	FIELD(ipcx_wait_entry, reserved, 12, 4) \
	SIZE(ipcx_wait, 40) \
	FIELD(ipcx_wait, size, 0, 4) \
	FIELD(ipcx_wait, flags, 4, 4) \
	FIELD(ipcx_wait, timeout, 8, 8) \
	FIELD(ipcx_wait, entries, 16, 8) \
	FIELD(ipcx_wait, nr, 24, 4) \
	FIELD(ipcx_wait, entry_size, 28, 4) \
	FIELD(ipcx_wait, alert, 32, 4) \
	FIELD(ipcx_wait, index, 36, 4) \
	SIZE(ipcx_stream_create, 32) \
	FIELD(ipcx_stream_create, create, 0, 24) \
	FIELD(ipcx_stream_create, capacity, 24, 8) \
	SIZE(ipcx_stream_resize, 16) \
	FIELD(ipcx_stream_resize, size, 0, 4) \
	FIELD(ipcx_stream_resize, flags, 4, 4) \
	FIELD(ipcx_stream_resize, capacity, 8, 8) \
	SIZE(ipcx_stream_stat, 48) \
	FIELD(ipcx_stream_stat, size, 0, 4) \
	FIELD(ipcx_stream_stat, flags, 4, 4) \
	FIELD(ipcx_stream_stat, bytes, 8, 8) \
	FIELD(ipcx_stream_stat, capacity, 16, 8) \
	FIELD(ipcx_stream_stat, written, 24, 8) \
	FIELD(ipcx_stream_stat, nr_readers, 32, 4) \
	FIELD(ipcx_stream_stat, nr_writers, 36, 4) \
	FIELD(ipcx_stream_stat, waiting_readers, 40, 4) \
	FIELD(ipcx_stream_stat, waiting_writers, 44, 4) \
	SIZE(ipcx_uring_sqe, 16) \
	FIELD(ipcx_uring_sqe, arg, 0, 8) \
	FIELD(ipcx_uring_sqe, reserved, 8, 8) \
	SIZE(ipcx_wait_set_create, 24) \
	FIELD(ipcx_wait_set_create, create, 0, 24) \
	SIZE(ipcx_wait_set_change, 32) \
	FIELD(ipcx_wait_set_change, size, 0, 4) \
	FIELD(ipcx_wait_set_change, flags, 4, 4) \
	FIELD(ipcx_wait_set_change, index, 8, 4) \
	FIELD(ipcx_wait_set_change, reserved, 12, 4) \
	FIELD(ipcx_wait_set_change, entry, 16, 16) \
	SIZE(ipcx_wait_set_wait, 24) \
	FIELD(ipcx_wait_set_wait, size, 0, 4) \
	FIELD(ipcx_wait_set_wait, flags, 4, 4) \
	FIELD(ipcx_wait_set_wait, timeout, 8, 8) \
	FIELD(ipcx_wait_set_wait, index, 16, 4) \
	FIELD(ipcx_wait_set_wait, reserved, 20, 4) \
	SIZE(ipcx_queue_stat, 88) \
	FIELD(ipcx_queue_stat, size, 0, 4) \
	FIELD(ipcx_queue_stat, flags, 4, 4) \
	FIELD(ipcx_queue_stat, nr_msgs, 8, 4) \
	FIELD(ipcx_queue_stat, max_msgs, 12, 4) \
	FIELD(ipcx_queue_stat, bytes, 16, 8) \
	FIELD(ipcx_queue_stat, max_bytes, 24, 8) \
	FIELD(ipcx_queue_stat, max_msg_len, 32, 8) \
	FIELD(ipcx_queue_stat, sent, 40, 8) \
	FIELD(ipcx_queue_stat, received, 48, 8) \
	FIELD(ipcx_queue_stat, purged, 56, 8) \
	FIELD(ipcx_queue_stat, nr_senders, 64, 4) \
	FIELD(ipcx_queue_stat, nr_receivers, 68, 4) \
	FIELD(ipcx_queue_stat, nr_calls, 72, 4) \
	FIELD(ipcx_queue_stat, nr_subscribers, 76, 4) \
	FIELD(ipcx_queue_stat, dropped, 80, 8) \
	SIZE(ipcx_queue_send_fds, 72) \
	FIELD(ipcx_queue_send_fds, send, 0, 56) \
	FIELD(ipcx_queue_send_fds, fds, 56, 8) \
	FIELD(ipcx_queue_send_fds, nr_fds, 64, 4) \
	FIELD(ipcx_queue_send_fds, reserved, 68, 4) \
	SIZE(ipcx_queue_recv_fds, 80) \
	FIELD(ipcx_queue_recv_fds, recv, 0, 64) \
	FIELD(ipcx_queue_recv_fds, fds, 64, 8) \
	FIELD(ipcx_queue_recv_fds, nr_fds, 72, 4) \
	FIELD(ipcx_queue_recv_fds, reserved, 76, 4) \
	SIZE(ipcx_queue_call, 96) \
	FIELD(ipcx_queue_call, size, 0, 4) \
	FIELD(ipcx_queue_call, flags, 4, 4) \
	FIELD(ipcx_queue_call, timeout, 8, 8) \
	FIELD(ipcx_queue_call, msg, 16, 40) \
	FIELD(ipcx_queue_call, reply, 56, 40) \
	SIZE(ipcx_queue_serve, 120) \
	FIELD(ipcx_queue_serve, size, 0, 4) \
	FIELD(ipcx_queue_serve, flags, 4, 4) \
	FIELD(ipcx_queue_serve, timeout, 8, 8) \
	FIELD(ipcx_queue_serve, select, 16, 8) \
	FIELD(ipcx_queue_serve, call, 24, 8) \
	FIELD(ipcx_queue_serve, reply, 32, 40) \
	FIELD(ipcx_queue_serve, msg, 72, 40) \
	FIELD(ipcx_queue_serve, replied, 112, 4) \
	FIELD(ipcx_queue_serve, reserved, 116, 4)

/* COMMAND(name, structure, number) */
#define ABI_COMMANDS(COMMAND) \
	COMMAND(IPCX_QUERY, ipcx_query, 0xc038c900) \
	COMMAND(IPCX_OPEN, ipcx_open, 0xc018c901) \
	COMMAND(IPCX_UNLINK, ipcx_unlink, 0xc010c902) \
	COMMAND(IPCX_LIST, ipcx_list, 0xc020c903) \
	COMMAND(IPCX_QUEUE_CREATE, ipcx_queue_create, 0xc030c904) \
	COMMAND(IPCX_REGION_CREATE, ipcx_region_create, 0xc020c905) \
	COMMAND(IPCX_SEM_CREATE, ipcx_sem_create, 0xc020c906) \
	COMMAND(IPCX_RESTRICT, ipcx_restrict, 0xc010c910) \
	COMMAND(IPCX_STAT, ipcx_stat, 0xc038c911) \
	COMMAND(IPCX_SHUTDOWN, ipcx_shutdown, 0xc010c912) \
	COMMAND(IPCX_QUEUE_SEND, ipcx_queue_send, 0xc038c920) \
	COMMAND(IPCX_QUEUE_RECV, ipcx_queue_recv, 0xc040c921) \
	COMMAND(IPCX_QUEUE_SENDV, ipcx_queue_batch, 0xc028c922) \
	COMMAND(IPCX_QUEUE_RECVV, ipcx_queue_batch, 0xc028c923) \
	COMMAND(IPCX_QUEUE_PURGE, ipcx_queue_purge, 0xc020c924) \
	COMMAND(IPCX_REGION_STAT, ipcx_region_stat, 0xc020c930) \
	COMMAND(IPCX_SEM_POST, ipcx_sem_post, 0xc010c938) \
	COMMAND(IPCX_SEM_WAIT, ipcx_sem_wait, 0xc018c939) \
	COMMAND(IPCX_SEM_STAT, ipcx_sem_stat, 0xc018c93a) \
	COMMAND(IPCX_EVENT_CREATE, ipcx_event_create, 0xc020c907) \
	COMMAND(IPCX_EVENT_SET, ipcx_event_change, 0xc008c940) \
	COMMAND(IPCX_EVENT_RESET, ipcx_event_change, 0xc008c941) \
	COMMAND(IPCX_EVENT_PULSE, ipcx_event_change, 0xc008c942) \
	COMMAND(IPCX_EVENT_WAIT, ipcx_event_wait, 0xc010c943) \
	COMMAND(IPCX_EVENT_STAT, ipcx_event_stat, 0xc010c944) \
	COMMAND(IPCX_STREAM_CREATE, ipcx_stream_create, 0xc020c908) \
	COMMAND(IPCX_WAIT_SET_CREATE, ipcx_wait_set_create, 0xc018c909) \
	COMMAND(IPCX_NOTIFY, ipcx_notify, 0xc028c913) \
	COMMAND(IPCX_NOTIFY_CANCEL, ipcx_notify_cancel, 0xc010c914) \
	COMMAND(IPCX_WAIT, ipcx_wait, 0xc028c915) \
	COMMAND(IPCX_QUEUE_STAT, ipcx_queue_stat, 0xc058c925) \
	COMMAND(IPCX_QUEUE_CALL, ipcx_queue_call, 0xc060c926) \
	COMMAND(IPCX_QUEUE_SERVE, ipcx_queue_serve, 0xc078c927) \
	COMMAND(IPCX_QUEUE_SEND_FDS, ipcx_queue_send_fds, 0xc048c928) \
	COMMAND(IPCX_QUEUE_RECV_FDS, ipcx_queue_recv_fds, 0xc050c929) \
	COMMAND(IPCX_QUEUE_TAP, ipcx_queue_tap, 0xc018c92a) \
	COMMAND(IPCX_STREAM_STAT, ipcx_stream_stat, 0xc030c948) \
	COMMAND(IPCX_STREAM_RESIZE, ipcx_stream_resize, 0xc010c949) \
	COMMAND(IPCX_WAIT_SET_ADD, ipcx_wait_set_change, 0xc020c950) \
	COMMAND(IPCX_WAIT_SET_REMOVE, ipcx_wait_set_change, 0xc020c951) \
	COMMAND(IPCX_WAIT_SET_WAIT, ipcx_wait_set_wait, 0xc018c952)

/* CONSTANT(name, value) */
#define ABI_CONSTANTS(CONSTANT) \
	CONSTANT(IPCX_ABI_VERSION, 0x1) \
	CONSTANT(IPCX_NAME_MAX, 0xff) \
	CONSTANT(IPCX_TYPE_MIN, 0x1) \
	CONSTANT(IPCX_PRIORITY_MAX, 0x7fff) \
	CONSTANT(IPCX_BATCH_MAX, 0x400) \
	CONSTANT(IPCX_KIND_ANY, 0x0) \
	CONSTANT(IPCX_KIND_QUEUE, 0x1) \
	CONSTANT(IPCX_KIND_REGION, 0x2) \
	CONSTANT(IPCX_KIND_SEM, 0x3) \
	CONSTANT(IPCX_KIND_EVENT, 0x4) \
	CONSTANT(IPCX_READ, 0x1) \
	CONSTANT(IPCX_WRITE, 0x2) \
	CONSTANT(IPCX_NOWAIT, 0x1) \
	CONSTANT(IPCX_REALTIME, 0x2) \
	CONSTANT(IPCX_FOREVER, 0xffffffffffffffffULL) \
	CONSTANT(IPCX_FEATURE_QUEUE, 0x1) \
	CONSTANT(IPCX_FEATURE_REGION, 0x2) \
	CONSTANT(IPCX_FEATURE_SEM, 0x4) \
	CONSTANT(IPCX_FEATURE_SEM_ROBUST, 0x8) \
	CONSTANT(IPCX_FEATURE_EVENT, 0x10) \
	CONSTANT(IPCX_CREATE_EXCL, 0x1) \
	CONSTANT(IPCX_CREATE_NONBLOCK, 0x2) \
	CONSTANT(IPCX_CREATE_TEMPORARY, 0x4) \
	CONSTANT(IPCX_OBJECT_NAMED, 0x1) \
	CONSTANT(IPCX_OBJECT_TEMPORARY, 0x2) \
	CONSTANT(IPCX_OBJECT_SHUT_SEND, 0x4) \
	CONSTANT(IPCX_OBJECT_SHUT_RECV, 0x8) \
	CONSTANT(IPCX_OBJECT_ROBUST, 0x10) \
	CONSTANT(IPCX_OBJECT_MANUAL, 0x20) \
	CONSTANT(IPCX_SHUT_SEND, 0x1) \
	CONSTANT(IPCX_SHUT_RECV, 0x2) \
	CONSTANT(IPCX_MSG_TRUNCATED, 0x1) \
	CONSTANT(IPCX_SELECT_ANY, 0x0) \
	CONSTANT(IPCX_SELECT_TYPE, 0x1) \
	CONSTANT(IPCX_SELECT_LOWEST, 0x2) \
	CONSTANT(IPCX_SELECT_EXCEPT, 0x3) \
	CONSTANT(IPCX_RECV_PEEK, 0x100) \
	CONSTANT(IPCX_RECV_TRUNCATE, 0x200) \
	CONSTANT(IPCX_SEM_ROBUST, 0x10000) \
	CONSTANT(IPCX_EVENT_MANUAL, 0x20000) \
	CONSTANT(IPCX_IOC_TYPE, 0xc9)

#endif /* ABI_LAYOUT_H */
