// SPDX-License-Identifier: GPL-2.0
/*
 * Texts that the command reads from the kernel, some parts of which any process chooses: what it is called, and what
 * descriptors it has.  If this fails, a process crashes `ipcx top` or `ipcx trace` of another user, or writes to its terminal.
 */
#include <ctype.h>
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
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return false;
	return true;
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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static void (*const all[])(void) = { fuzz_holders, fuzz_symbols, fuzz_machine, fuzz_comms };
	struct input in = { bytes, len };
	unsigned int which = take_u8(&in) % 4;

	file = in;
	all[which]();
	return 0;
}
