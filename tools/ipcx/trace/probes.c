// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx trace: which functions of a stock kernel tell what of which mechanism.  Everything else that is needed are
 * tracepoints: raw_syscalls, sched, kmem, and the module's own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "trace.h"

#define PIPEFS_MAGIC	0x50495045

#define BIT(mech)	(1U << (mech))
#define PIPES		(BIT(MECH_PIPE) | BIT(MECH_FIFO))
#define UNIX		(BIT(MECH_UNIX_STREAM) | BIT(MECH_UNIX_DGRAM) | BIT(MECH_UNIX_SEQPACKET))
#define MSGS		(BIT(MECH_SYSV_MSG) | BIT(MECH_POSIX_MQ))

const char *const trace_mech_names[NR_MECHS] = {
	"none", "ipcx_queue", "ipcx_stream", "ipcx_sem", "ipcx_event", "ipcx_region", "pipe", "fifo", "sysv_msg",
	"posix_mq", "unix_stream", "unix_dgram", "unix_seqpacket", "tcp", "eventfd", "process_vm", "futex",
};

const char *const trace_stage_names[NR_STAGES] = {
	"entry", "copy", "queueing", "wake-up", "waiting", "run queue", "exit",
};

/* kiocb -> file -> inode */
#define FILE_OF_KIOCB	"+{kiocb.ki_filp}($arg1)"
#define PIPE_FIELDS	"a=+{inode.i_ino}(+{file.f_inode}(" FILE_OF_KIOCB ")):u64 " \
			"c=+{super_block.s_magic}(+{inode.i_sb}(+{file.f_inode}(" FILE_OF_KIOCB "))):u64"
/* A socket is known by the receiving side: the key is its struct sock, which is not shown; b is its inode. */
#define INODE_OF_SOCK(sock) "+{inode.i_ino}(+{file.f_inode}(+{socket.file}(+{sock.sk_socket}(" sock "))))"
#define PEER		"+{unix_sock.peer}(+{socket.sk}($arg1))"
#define UNIX_SEND	"a=" PEER ":x64 b=" INODE_OF_SOCK(PEER) ":u64 c=+{socket.type}($arg1):u16"
#define UNIX_RECV	"a=+{socket.sk}($arg1):x64 b=+{inode.i_ino}(+{file.f_inode}(+{socket.file}($arg1))):u64 " \
			"c=+{socket.type}($arg1):u16"
#define UNIX_RECV_SK	"a=$arg1:x64 b=" INODE_OF_SOCK("$arg1") ":u64 c=+{sock.sk_type}($arg1):u16"
/* Ports tell the direction: b is the port here, c the one there, in network order. */
#define TCP_PORTS	"a=+{sock_common.skc_family}($arg1):u16 b=+{sock_common.skc_num}($arg1):u16 " \
			"c=+{sock_common.skc_dport}($arg1):u16"
#define EVENTFD(file)	"a=+{eventfd_ctx.id}(+{file.private_data}(" file ")):s32"

const struct trace_probe trace_probes[] = {
	{ .name = "pipe_write", .symbols = { "anon_pipe_write", "pipe_write" }, .enter = ON_OP_ENTER, .exit = ON_OP_EXIT,
	  .mech = MECH_NONE, .dir = DIR_SEND, .mechs = PIPES,
	  .fields = PIPE_FIELDS },
	{ .name = "pipe_read", .symbols = { "anon_pipe_read", "pipe_read" }, .enter = ON_OP_ENTER, .exit = ON_OP_EXIT,
	  .mech = MECH_NONE, .dir = DIR_RECV, .mechs = PIPES,
	  .fields = PIPE_FIELDS },
	{ .name = "unix_stream_send", .symbols = { "unix_stream_sendmsg" }, .enter = ON_OP_ENTER, .exit = ON_OP_EXIT,
	  .mech = MECH_UNIX_STREAM, .dir = DIR_SEND, .mechs = BIT(MECH_UNIX_STREAM),
	  .fields = UNIX_SEND },
	{ .name = "unix_stream_recv", .symbols = { "unix_stream_recvmsg" }, .enter = ON_OP_ENTER, .exit = ON_OP_EXIT,
	  .mech = MECH_UNIX_STREAM, .dir = DIR_RECV, .mechs = BIT(MECH_UNIX_STREAM),
	  .fields = UNIX_RECV },
	{ .name = "unix_dgram_send", .symbols = { "unix_dgram_sendmsg" }, .enter = ON_OP_ENTER, .exit = ON_OP_EXIT,
	  .mech = MECH_NONE, .dir = DIR_SEND, .mechs = BIT(MECH_UNIX_DGRAM) | BIT(MECH_UNIX_SEQPACKET),
	  .fields = UNIX_SEND },
	{ .name = "unix_dgram_recv", .symbols = { "__unix_dgram_recvmsg" }, .enter = ON_OP_ENTER, .exit = ON_OP_EXIT,
	  .mech = MECH_NONE, .dir = DIR_RECV, .mechs = BIT(MECH_UNIX_DGRAM) | BIT(MECH_UNIX_SEQPACKET),
	  .fields = UNIX_RECV_SK },
	{ .name = "tcp_send", .symbols = { "tcp_sendmsg" }, .enter = ON_OP_ENTER, .exit = ON_OP_EXIT,
	  .mech = MECH_TCP, .dir = DIR_SEND, .mechs = BIT(MECH_TCP),
	  .fields = TCP_PORTS },
	{ .name = "tcp_recv", .symbols = { "tcp_recvmsg" }, .enter = ON_OP_ENTER, .exit = ON_OP_EXIT,
	  .mech = MECH_TCP, .dir = DIR_RECV, .mechs = BIT(MECH_TCP),
	  .fields = TCP_PORTS },
	{ .name = "eventfd_write", .symbols = { "eventfd_write" }, .enter = ON_OP_ENTER, .exit = ON_OP_EXIT,
	  .mech = MECH_EVENTFD, .dir = DIR_SEND, .mechs = BIT(MECH_EVENTFD),
	  .fields = EVENTFD("$arg1") },
	{ .name = "eventfd_read", .symbols = { "eventfd_read" }, .enter = ON_OP_ENTER, .exit = ON_OP_EXIT,
	  .mech = MECH_EVENTFD, .dir = DIR_RECV, .mechs = BIT(MECH_EVENTFD),
	  .fields = EVENTFD(FILE_OF_KIOCB) },
	{ .name = "sysv_send", .symbols = { "do_msgsnd" }, .enter = ON_OP_ENTER, .exit = ON_OP_EXIT,
	  .mech = MECH_SYSV_MSG, .dir = DIR_SEND, .mechs = BIT(MECH_SYSV_MSG),
	  .fields = "a=$arg1:s32 b=$arg4:u64" },
	{ .name = "sysv_recv", .symbols = { "do_msgrcv" }, .enter = ON_OP_ENTER, .exit = ON_OP_EXIT,
	  .mech = MECH_SYSV_MSG, .dir = DIR_RECV, .mechs = BIT(MECH_SYSV_MSG),
	  .fields = "a=$arg1:s32" },
	{ .name = "mq_send", .symbols = { "do_mq_timedsend" }, .enter = ON_OP_ENTER, .exit = ON_OP_EXIT,
	  .mech = MECH_POSIX_MQ, .dir = DIR_SEND, .mechs = BIT(MECH_POSIX_MQ),
	  .fields = "b=$arg3:u64" },
	{ .name = "mq_recv", .symbols = { "do_mq_timedreceive" }, .enter = ON_OP_ENTER, .exit = ON_OP_EXIT,
	  .mech = MECH_POSIX_MQ, .dir = DIR_RECV, .mechs = BIT(MECH_POSIX_MQ),
	  .fields = NULL },
	/* a message queue is known by its inode, which is asked for its time stamps */
	{ .name = "mq_inode", .symbols = { "current_time" }, .enter = ON_INODE, .exit = ON_NONE,
	  .mech = MECH_POSIX_MQ, .dir = DIR_SEND, .mechs = BIT(MECH_POSIX_MQ),
	  .fields = "a=+{inode.i_ino}($arg1):u64" },
	{ .name = "mq_inode_ctime", .symbols = { "inode_set_ctime_current", "" }, .enter = ON_INODE, .exit = ON_NONE,
	  .mech = MECH_POSIX_MQ, .dir = DIR_SEND, .mechs = BIT(MECH_POSIX_MQ),
	  .fields = "a=+{inode.i_ino}($arg1):u64" },
	{ .name = "process_vm", .symbols = { "process_vm_rw", "process_vm_rw.constprop.0" }, .enter = ON_OP_ENTER, .exit = ON_OP_EXIT,
	  .mech = MECH_PROCESS_VM, .dir = DIR_RECV, .mechs = BIT(MECH_PROCESS_VM),
	  .fields = "a=$arg1:s32" },
	/* the copies */
	{ .name = "pipe_in", .symbols = { "anon_pipe_write", "pipe_write" }, .calls = { "copy_page_from_iter", "_copy_from_iter" },
	  .enter = ON_COPY_ENTER, .exit = ON_COPY_EXIT, .dir = DIR_SEND, .mechs = PIPES },
	{ .name = "pipe_out", .symbols = { "anon_pipe_read", "pipe_read" }, .calls = { "copy_page_to_iter", "_copy_to_iter" },
	  .enter = ON_COPY_ENTER, .exit = ON_COPY_EXIT, .dir = DIR_RECV, .mechs = PIPES },
	{ .name = "unix_in", .symbols = { "skb_copy_datagram_from_iter" }, .calls = { "_copy_from_iter", "copy_page_from_iter" },
	  .enter = ON_COPY_ENTER, .exit = ON_COPY_EXIT, .dir = DIR_SEND, .mechs = UNIX },
	{ .name = "tcp_in", .symbols = { "tcp_sendmsg_locked" }, .calls = { "_copy_from_iter", "_copy_from_iter_nocache", "copy_page_from_iter" },
	  .enter = ON_COPY_ENTER, .exit = ON_COPY_EXIT, .dir = DIR_SEND, .mechs = BIT(MECH_TCP) },
	{ .name = "socket_out", .symbols = { "simple_copy_to_iter" }, .fields = "a=$arg2:u64",
	  .enter = ON_COPY_ENTER, .exit = ON_COPY_EXIT, .dir = DIR_RECV, .mechs = UNIX | BIT(MECH_TCP) },
	{ .name = "msg_in", .symbols = { "load_msg" }, .calls = { "_copy_from_user" },
	  .enter = ON_COPY_ENTER, .exit = ON_COPY_EXIT, .dir = DIR_SEND, .mechs = MSGS, .returns_left = true },
	{ .name = "msg_out", .symbols = { "store_msg" }, .calls = { "_copy_to_user" },
	  .enter = ON_COPY_ENTER, .exit = ON_COPY_EXIT, .dir = DIR_RECV, .mechs = MSGS, .returns_left = true },
	{ .name = "eventfd_in", .symbols = { "eventfd_write" }, .calls = { "_copy_from_user" },
	  .enter = ON_COPY_ENTER, .exit = ON_COPY_EXIT, .dir = DIR_SEND, .mechs = BIT(MECH_EVENTFD), .returns_left = true },
	{ .name = "eventfd_out", .symbols = { "eventfd_read" }, .calls = { "_copy_to_iter" },
	  .enter = ON_COPY_ENTER, .exit = ON_COPY_EXIT, .dir = DIR_RECV, .mechs = BIT(MECH_EVENTFD) },
	{ .name = "vm_in", .symbols = { "process_vm_rw_core", "process_vm_rw_core.constprop.0" }, .calls = { "copy_page_from_iter" },
	  .enter = ON_COPY_ENTER, .exit = ON_COPY_EXIT, .dir = DIR_SEND, .mechs = BIT(MECH_PROCESS_VM) },
	{ .name = "vm_out", .symbols = { "process_vm_rw_core", "process_vm_rw_core.constprop.0" }, .calls = { "copy_page_to_iter" },
	  .enter = ON_COPY_ENTER, .exit = ON_COPY_EXIT, .dir = DIR_RECV, .mechs = BIT(MECH_PROCESS_VM) },
};

const unsigned int nr_trace_probes = sizeof(trace_probes) / sizeof(trace_probes[0]);

const char *trace_probe_function(const struct trace_probe *probe)
{
	for (unsigned int i = 0; i < sizeof(probe->symbols) / sizeof(probe->symbols[0]) && probe->symbols[i]; i++)
		if (trace_is_function(probe->symbols[i]))
			return probe->symbols[i];
	return NULL;
}

enum trace_mech trace_mech_of(const struct trace_probe *probe, uint64_t detail)
{
	if (probe->mech != MECH_NONE)
		return probe->mech;
	if (probe->mechs & BIT(MECH_PIPE))
		return detail == PIPEFS_MAGIC ? MECH_PIPE : MECH_FIFO;
	return detail == SOCK_SEQPACKET ? MECH_UNIX_SEQPACKET : MECH_UNIX_DGRAM;
}

/* ---- offsets ---- */

/* No structure has as many members: types that contain themselves do. */
#define MAX_LOOKS	4096

/* The byte offset of @member, also within unnamed structures and unions; -1 if there is none.  @looks: at members, so far. */
static long find_member(const struct btf *btf, const struct btf_type *type, const char *member, unsigned int *looks)
{
	const struct btf_member *m = btf_members(type);

	for (int i = 0; i < btf_vlen(type) && ++*looks <= MAX_LOOKS; i++) {
		const char *name = btf__name_by_offset(btf, m[i].name_off);
		long at = btf_member_bit_offset(type, i) / 8, inner;
		const struct btf_type *of;

		if (!name)
			continue;
		if (!strcmp(name, member))
			return at;
		if (*name)
			continue;
		of = btf__type_by_id(btf, m[i].type);
		if (!of || !btf_is_composite(of))
			continue;
		inner = find_member(btf, of, member, looks);
		if (inner >= 0)
			return at + inner;
	}
	return -1;
}

/* @what is "struct.member". */
static long offset_of(const char *what)
{
	static struct btf *btf;
	static bool tried;
	const char *dot = strchr(what, '.');
	unsigned int looks = 0;
	char name[64];
	long id;

	if (!tried) {
		tried = true;
		/* what is missing is said by us */
		libbpf_set_print(NULL);
		btf = btf__load_vmlinux_btf();
	}
	if (!btf || !dot || (size_t)(dot - what) >= sizeof(name))
		return -1;
	memcpy(name, what, dot - what);
	name[dot - what] = '\0';
	id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);
	if (id < 0)
		return -1;
	return find_member(btf, btf__type_by_id(btf, id), dot + 1, &looks);
}

char *trace_probe_fields(const char *fields)
{
	char *text = NULL;
	size_t len;
	FILE *out;

	out = open_memstream(&text, &len);
	if (!out)
		return NULL;
	while (*fields) {
		const char *end;
		char what[96];
		long at;

		if (*fields != '{') {
			fputc(*fields++, out);
			continue;
		}
		end = strchr(fields, '}');
		snprintf(what, sizeof(what), "%.*s", (int)(end - fields - 1), fields + 1);
		at = offset_of(what);
		if (at < 0) {
			fclose(out);
			free(text);
			return NULL;
		}
		fprintf(out, "%ld", at);
		fields = end + 1;
	}
	fclose(out);
	return text;
}
