// SPDX-License-Identifier: GPL-2.0
/*
 * What the command reads from the kernel, some parts of which any process chooses: what it is called, and what descriptors it
 * has.  If this fails, a process crashes `ipcx top` or `ipcx trace` of another user, or writes to its terminal; or a kernel
 * whose types are built in another way crashes `ipcx trace`.
 */
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "fuzz.h"

/* What is in every file that is read as a text, and what is in the kernel's memory. */
static struct input file, core;

static FILE *open_input(const char *path)
{
	(void)path;
	return file.left ? fmemopen((void *)file.at, file.left, "r") : NULL;
}

static ssize_t read_input(const struct input *from, void *buf, size_t len, size_t at)
{
	if (at >= from->left)
		return 0;
	if (len > from->left - at)
		len = from->left - at;
	memcpy(buf, from->at + at, len);
	return (ssize_t)len;
}

static int open_any(const char *path)
{
	(void)path;
	return dup(0);
}

#define fopen(path, mode)		open_input(path)
#define open(path, flags)		open_any(path)
#define pread(fd, buf, len, at)		read_input(&core, buf, len, (size_t)(at))
#include "../../tools/ipcx/trace/sites.c"
#undef open
#undef pread
#include "../../tools/ipcx/trace/dat.c"
#include "../../tools/ipcx/bench/machine.c"
#define release		release_turn
#include "../../tools/ipcx/bench/memory.c"
#undef release
#include "../../tools/ipcx/trace/probes.c"
#define openat(dir, path, flags)	open_any(dir < 0 ? NULL : path)
#define read(fd, buf, len)		read_input(&file, buf, len, 0)
#include "../../tools/ipcx/holders.c"
#undef openat
#undef read
#undef fopen

/* ---- in place of trace/collect.c: threads whose names are the lines of the input ---- */

void trace_list_threads(FILE *out)
{
	if (file.left)
		fwrite(file.at, 1, file.left, out);
}

const char *trace_thread_name(uint32_t tid)
{
	(void)tid;
	return "?";
}

static bool is_printable(const char *text)
{
	return !steers_terminal(text, strlen(text), "");
}

/* fdinfo of a descriptor, and the name of a process. */
static void fuzz_holders(void)
{
	struct holder *all = NULL;
	unsigned int nr = 0;

	REQUIRE(scan_process("self", &all, &nr), "no memory");
	for (unsigned int i = 0; i < nr; i++) {
		REQUIRE(all[i].kind >= IPCX_KIND_QUEUE && all[i].kind <= IPCX_KIND_STREAM, "kind %u", all[i].kind);
		REQUIRE(memchr(all[i].comm, 0, sizeof(all[i].comm)), "a name without an end");
		REQUIRE(is_printable(all[i].comm), "a process is called '%s'", all[i].comm);
		REQUIRE(is_printable(all[i].rights), "rights are '%s'", all[i].rights);
	}
	free(all);
}

/* kallsyms, whose length comes first, and kcore. */
static void fuzz_symbols(void)
{
	static const char *const callees[] = { "b", "copy", NULL };
	unsigned int offsets[4], nr;
	size_t len = take_u16(&file);

	core = file;
	if (len > file.left)
		len = file.left;
	core.at += len;
	core.left -= len;
	file.left = len;
	nr = trace_call_sites("a", callees, offsets, 4);
	REQUIRE(nr <= 4, "%u calls", nr);
	for (unsigned int i = 0; i < nr; i++)
		REQUIRE(offsets[i] < MAX_FUNCTION, "a call at %u", offsets[i]);
	trace_is_function("c");
	free(symbols);
	free(names);
	symbols = NULL;
	names = NULL;
	nr_symbols = max_symbols = names_len = names_max = 0;
}

static void fuzz_machine(void)
{
	struct machine m;

	machine_probe(&m);
	REQUIRE(memchr(m.cpu, 0, sizeof(m.cpu)) && memchr(m.governor, 0, sizeof(m.governor)), "texts without an end");
	read_limit("x");
}

/* What perf gets: as many bytes as the records say. */
static void fuzz_comms(void)
{
	char *text = NULL;
	size_t len = 0, at = 0;
	FILE *out = open_memstream(&text, &len);
	struct perf_event_header head;

	if (!out)
		abort();
	list_comms(out);
	fclose(out);
	for (; at + sizeof(head) <= len; at += head.size) {
		memcpy(&head, text + at, sizeof(head));
		REQUIRE(head.type == PERF_RECORD_COMM && head.size >= sizeof(head) + 24, "type %u, %u bytes", head.type, head.size);
	}
	REQUIRE(at == len, "%zu bytes of %zu", at, len);
	free(text);
}

/* meminfo and zoneinfo: the sum is what one gets by hand. */
static void fuzz_memory(void)
{
	static const struct { const char *format, *before; } all[] = {
		{ "MemFree: %ld kB", "MemFree:" }, { " count: %ld", "count:" },
	};
	unsigned int which = take_u8(&file) % 2;
	struct input rest = file;
	double sum = 0, got;
	char line[256];

	while (rest.left) {
		size_t len = 0;
		const char *at;
		char *end;
		long n;

		/* a line, or as much of it as there is room for */
		while (rest.left && len < sizeof(line) - 1 && (!len || line[len - 1] != '\n'))
			line[len++] = (char)take_u8(&rest);
		line[len] = '\0';
		at = line + (which ? strspn(line, " \t\n\v\f\r") : 0);
		if (strncmp(at, all[which].before, strlen(all[which].before)))
			continue;
		at += strlen(all[which].before);
		n = strtol(at, &end, 10);
		if (end != at)
			sum += n;
	}
	got = sum_of("x", all[which].format);
	REQUIRE(got == sum, "%f and not %f", got, sum);
}

/* ---- the kernel's types: structures, unions and numbers, with members of any of them ---- */

#define MAX_TYPES	6
#define MAX_MEMBERS	4
#define NAMES		"\0m\0n\0s"	/* at 0: none */

struct one_type {
	struct btf_type type;
	struct btf_member members[MAX_MEMBERS];
};

/* As find_member(), for types that contain only earlier ones; counts what it looks at. */
static long place_of(const struct one_type *all, unsigned int id, unsigned int *looks)
{
	const struct one_type *of = &all[id];

	for (unsigned int i = 0; i < BTF_INFO_VLEN(of->type.info); i++) {
		const struct btf_member *m = &of->members[i];
		long inner;

		++*looks;
		if (m->name_off == 1)
			return m->offset / 8;
		if (m->name_off || BTF_INFO_KIND(all[m->type].type.info) == BTF_KIND_INT)
			continue;
		inner = place_of(all, m->type, looks);
		if (inner >= 0)
			return m->offset / 8 + inner;
	}
	return -1;
}

/* The bytes of a BTF of the types [1, @nr]; returns how many. */
static size_t put_types(const struct one_type *all, unsigned int nr, char *bytes)
{
	struct btf_header head = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(head) };
	char *at = bytes + sizeof(head);

	for (unsigned int id = 1; id <= nr; id++) {
		unsigned int nr_members = BTF_INFO_VLEN(all[id].type.info);

		memcpy(at, &all[id].type, sizeof(all[id].type));
		at += sizeof(all[id].type);
		if (BTF_INFO_KIND(all[id].type.info) == BTF_KIND_INT) {
			memset(at, 0, sizeof(uint32_t));
			at += sizeof(uint32_t);
		}
		memcpy(at, all[id].members, nr_members * sizeof(struct btf_member));
		at += nr_members * sizeof(struct btf_member);
	}
	head.type_len = head.str_off = (uint32_t)(at - bytes - (long)sizeof(head));
	head.str_len = sizeof(NAMES);
	memcpy(at, NAMES, sizeof(NAMES));
	memcpy(bytes, &head, sizeof(head));
	return (size_t)(at - bytes) + sizeof(NAMES);
}

/* Members of types that there are not, that contain themselves, or without a name that can be read: only known not to harm. */
static void fuzz_types(void)
{
	static const uint8_t kinds_of_types[] = { BTF_KIND_STRUCT, BTF_KIND_UNION, BTF_KIND_STRUCT, BTF_KIND_INT };
	static const uint8_t names_of_members[] = { 0, 0, 0, 0, 0, 1, 3, 3 };
	unsigned int nr = 1 + take_u8(&file) % MAX_TYPES, looks = 0, counted = 0;
	struct one_type all[MAX_TYPES + 1] = { 0 };
	char bytes[sizeof(all) + 256];
	bool in_order = true;
	struct btf *btf;
	long at;

	for (unsigned int id = 1; id <= nr; id++) {
		uint8_t how = take_u8(&file), kind = kinds_of_types[how % 4];
		unsigned int nr_members = kind == BTF_KIND_INT ? 0 : (how >> 2) % (MAX_MEMBERS + 1);

		all[id].type = (struct btf_type){ .name_off = 5, .info = (uint32_t)kind << 24 | nr_members, .size = 4 };
		for (unsigned int i = 0; i < nr_members; i++) {
			uint8_t name = take_u8(&file), type = take_u8(&file);

			all[id].members[i] = (struct btf_member){
				.name_off = name < 0xf0 ? names_of_members[name % 8] : take_u32(&file),
				.type = type < 0xf0 ? type % (nr + 2) : take_u32(&file), .offset = take_u16(&file),
			};
			in_order &= all[id].members[i].type < id && name < 0xf0;
		}
	}
	btf = btf__new(bytes, (uint32_t)put_types(all, nr, bytes));
	REQUIRE(btf, "types that the library does not take");
	at = find_member(btf, btf__type_by_id(btf, nr), "m", &looks);
	REQUIRE(at >= -1, "%ld", at);
	if (in_order) {
		long expected = place_of(all, nr, &counted);

		REQUIRE(at == expected || counted > MAX_LOOKS, "%ld and not %ld", at, expected);
	}
	btf__free(btf);
}

/* The first byte, a letter from d on, chooses what is read. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static void (*const all[])(void) = { fuzz_holders, fuzz_symbols, fuzz_machine, fuzz_comms, fuzz_memory, fuzz_types };
	struct input in = { bytes, len };
	uint8_t which = take_u8(&in) - 'd';

	file = in;
	all[which % ARRAY_SIZE(all)]();
	return 0;
}
