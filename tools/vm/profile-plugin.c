// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU: how often each instruction of the machine was executed between two marks; or, from the beginning,
 * which of the modules' were.
 *
 *	-plugin FILE.so,out=COUNTS[,modules=on]
 *
 * A mark is a no-operation that no compiler writes (see profile_start() in tools/ipcx/bench/bench.h): one displacement
 * starts the counting, another ends it.  COUNTS has a line "address C count" for each instruction, 16 digits of
 * hexadecimal and a decimal number.  The interface is that of version 1, declared here since Debian has no
 * package with its header.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*cb)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*cb)(unsigned int cpu, void *data),
					  int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*cb)(unsigned int cpu, void *data), int flags, void *data);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*cb)(plugin_id, void *), void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

/* nopl 0x6970637x(%rax,%rax,1) */
#define MARK_LEN	8
static const uint8_t mark_start[MARK_LEN] = { 0x0f, 0x1f, 0x84, 0x00, 0x78, 0x63, 0x70, 0x69 };
static const uint8_t mark_stop[MARK_LEN] = { 0x0f, 0x1f, 0x84, 0x00, 0x79, 0x63, 0x70, 0x69 };

/**
 * struct block - a translated block
 * @next: the one translated before
 * @count: executions while counting
 * @nr: instructions
 * @addr: of each
 */
struct block {
	struct block *next;
	uint64_t count;
	size_t nr;
	uint64_t addr[];
};

/* Where x86-64 puts modules, when their place is not random. */
#define MODULES_START	0xffffffffa0000000ull
#define MODULES_END	0xffffffffff000000ull

static struct block *blocks;
static int running;
static int only_modules;
static const char *out;

static void executed(unsigned int cpu, void *data)
{
	struct block *b = data;

	(void)cpu;
	b->count += running;
}

static void marked(unsigned int cpu, void *data)
{
	(void)cpu;
	running = data != NULL;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	uint64_t first = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
	size_t nr = qemu_plugin_tb_n_insns(tb);
	struct block *b;

	(void)id;
	if (only_modules && (first < MODULES_START || first >= MODULES_END))
		return;
	b = calloc(1, sizeof(*b) + nr * sizeof(b->addr[0]));
	if (!b)
		abort();
	b->nr = nr;
	for (size_t i = 0; i < nr; i++)
		b->addr[i] = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, i));
	/* several processors translate at the same time */
	b->next = __atomic_load_n(&blocks, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&blocks, &b->next, b, 1, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		continue;
	for (size_t i = 0; i < nr; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const void *code = qemu_plugin_insn_data(insn);

		if (qemu_plugin_insn_size(insn) != MARK_LEN)
			continue;
		if (!memcmp(code, mark_start, MARK_LEN))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, 0, b);
		else if (!memcmp(code, mark_stop, MARK_LEN))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, 0, NULL);
	}
	qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, 0, b);
}

static void ended(plugin_id id, void *data)
{
	FILE *f = fopen(out, "w");

	(void)id, (void)data;
	if (!f) {
		perror(out);
		return;
	}
	for (const struct block *b = blocks; b; b = b->next)
		for (size_t i = 0; b->count && i < b->nr; i++)
			fprintf(f, "%016llx C %llu\n", (unsigned long long)b->addr[i], (unsigned long long)b->count);
	fclose(f);
}

__attribute__((visibility("default")))
int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	if (argc < 1 || strncmp(argv[0], "out=", 4) || argc > 2 || (argc == 2 && strcmp(argv[1], "modules=on"))) {
		fprintf(stderr, "profile-plugin: wants out=FILE[,modules=on]\n");
		return -1;
	}
	running = only_modules = argc == 2;
	out = strdup(argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, NULL);
	return 0;
}
