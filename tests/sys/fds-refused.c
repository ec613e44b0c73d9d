// SPDX-License-Identifier: GPL-2.0
/*
 * A security module that refuses a descriptor, be it a later one of a message: none is received, and the message
 * stays with all of them.  Were it broken, a confined process would get at files that it must not have, or a message
 * would lose some.  The module is a few instructions of BPF on the hook that the kernel asks for each descriptor.
 */
#include "fds-test.h"

#include <linux/bpf.h>
#include <linux/btf.h>

/* What the program and the test share: refuse, in process @tgid, after @allowed more. */
struct rule {
	uint64_t tgid;
	uint64_t allowed;
};

static int rule_map;

static int bpf(int cmd, union bpf_attr *attr, size_t size)
{
	return syscall(SYS_bpf, cmd, attr, size);
}

/* Bytes of a type that follow its struct btf_type. */
static size_t extra(uint32_t info)
{
	uint32_t n = BTF_INFO_VLEN(info);

	switch (BTF_INFO_KIND(info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case 19: /* BTF_KIND_ENUM64 */
		return n * 12;
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return n * 8;
	default:
		return 0;
	}
}

/* The number of a kernel function in the kernel's type information, or 0. */
static uint32_t function_id(const char *name)
{
	static char buf[16 << 20];
	const struct btf_header *h = (void *)buf;
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	const char *types, *end, *strings;
	size_t len = 0;
	uint32_t id;
	ssize_t ret;

	if (fd < 0)
		return 0;
	while ((ret = read(fd, buf + len, sizeof(buf) - len)) > 0)
		len += ret;
	close(fd);
	if (len < sizeof(*h) || h->magic != BTF_MAGIC)
		return 0;
	types = buf + h->hdr_len + h->type_off;
	end = types + h->type_len;
	strings = buf + h->hdr_len + h->str_off;
	for (id = 1; types < end; id++) {
		const struct btf_type *t = (void *)types;

		if (BTF_INFO_KIND(t->info) == BTF_KIND_FUNC && !strcmp(strings + t->name_off, name))
			return id;
		types += sizeof(*t) + extra(t->info);
	}
	return 0;
}

#define INSN(c, d, s, o, i) ((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })

/* The refusal is in force for as long as this case runs. */
static void security_module(void)
{
	static char log[65536];
	union bpf_attr attr;
	int prog;

	NEED_ROOT();
	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = sizeof(struct rule);
	attr.max_entries = 1;
	rule_map = bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
	if (rule_map < 0)
		SKIP("no BPF here: %s", strerror(errno));

	struct bpf_insn insns[] = {
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_current_pid_tgid),
		INSN(BPF_ALU64 | BPF_RSH | BPF_K, 0, 0, 0, 32),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 6, 0, 0, 0),
		/* r0 = the rule */
		INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
		INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, rule_map),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 7, 0),
		/* another process */
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 1, 0, offsetof(struct rule, tgid), 0),
		INSN(BPF_JMP | BPF_JNE | BPF_X, 1, 6, 5, 0),
		/* none left */
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 1, 0, offsetof(struct rule, allowed), 0),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 5, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, -1),
		INSN(BPF_STX | BPF_MEM | BPF_DW, 0, 1, offsetof(struct rule, allowed), 0),
		INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, -EPERM),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_LSM;
	attr.expected_attach_type = BPF_LSM_MAC;
	attr.attach_btf_id = function_id("bpf_lsm_file_receive");
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = sizeof(insns) / sizeof(insns[0]);
	attr.license = (uintptr_t)"GPL";
	attr.log_buf = (uintptr_t)log;
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	if (!attr.attach_btf_id)
		SKIP("the kernel tells nothing of its security hooks");
	prog = bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	if (prog < 0) {
		if (errno == EACCES)
			FAIL("the program is refused: %s", log);
		SKIP("no security modules in BPF: %s", strerror(errno));
	}
	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.prog_fd = prog;
	if (bpf(BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr)) < 0)
		SKIP("no security modules in BPF: %s", strerror(errno));
}

static void set_rule(uint64_t tgid, uint64_t allowed)
{
	struct rule rule = { tgid, allowed };
	union bpf_attr attr = {};
	uint32_t key = 0;

	attr.map_fd = rule_map;
	attr.key = (uintptr_t)&key;
	attr.value = (uintptr_t)&rule;
	CHECK_SYS(bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)));
}

#define NR	5

TEST(all_or_none)
{
	int q = new_queue(), p[2], got[NR], before, allowed, i;
	unsigned int nr;
	uint64_t value;

	security_module();
	make_pipe(p);
	CHECK_OK(send_fds(q, 1, (int[NR]){ p[1], p[1], p[1], p[1], p[1] }, NR));
	CHECK_OK(send_value(q, 1, 0, 2));
	close(p[1]);
	before = open_fds();
	for (allowed = 0; allowed < NR; allowed++) {
		set_rule(getpid(), allowed);
		nr = NR;
		CHECK_ERR(recv_fds_flags(q, &value, got, &nr, 0), EPERM);
		CHECK_EQ(nr, NR);
		CHECK_EQ(open_fds(), before);
		CHECK_EQ(in_flight(q), NR);
		CHECK_EQ(stat_of(q).nr_msgs, 2);
		CHECK_EQ(stat_of(q).received, 0);
		CHECK(!at_end(p[0]));
	}
	set_rule(getpid(), NR);
	CHECK_OK(recv_fds_flags(q, &value, got, &nr, 0));
	CHECK_EQ(nr, NR);
	CHECK_EQ(value, 1);
	CHECK_EQ(open_fds(), before + NR);
	for (i = 0; i < NR; i++)
		close(got[i]);
	CHECK_SOON(at_end(p[0]));
	CHECK_RECV(q, ANY, 2);
}

static int takes_it(void *arg)
{
	close(recv_fd_of(*(int *)arg, 1));
	return 0;
}

/* One who may receives what another may not; and a single one is refused as well. */
TEST(somebody_else_may)
{
	int q = new_queue(), r = send_pipe(q, 1), fd;
	unsigned int nr = 1;
	uint64_t value;

	security_module();
	set_rule(getpid(), 0);
	CHECK_ERR(recv_fds_flags(q, &value, &fd, &nr, 0), EPERM);
	CHECK(!at_end(r));
	CHECK_EXITS(spawn(takes_it, &q), 0);
	CHECK_SOON(at_end(r));
}

/* Its bytes can be had without. */
TEST(the_bytes_are_not_refused)
{
	int q = new_queue(), r = send_pipe(q, 1);
	unsigned int nr = 0;
	uint64_t value;

	security_module();
	set_rule(getpid(), 0);
	CHECK_OK(recv_fds_flags(q, &value, NULL, &nr, IPCX_RECV_TRUNCATE));
	CHECK_EQ(value, 1);
	CHECK_SOON(at_end(r));
}
