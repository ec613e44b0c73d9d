// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx trace: the kernel's functions, and the places in one where it calls another.
 *
 * The functions that copy from and to user space live in lib/, which stock kernels build without ftrace, and kprobe
 * events refuse to go into such functions.  They may go to the calls of them, in the functions that call: those are
 * found in the kernel's text, as /proc/kcore has it.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace.h"

#define MAX_FUNCTION	65536

struct symbol { uint64_t addr; size_t name; };

/* Functions in the order of their addresses; names in one block, since there are 100,000. */
static struct symbol *symbols;
static size_t nr_symbols, max_symbols;
static char *names;
static size_t names_len, names_max;

static bool add_symbol(uint64_t addr, const char *name)
{
	size_t len = strlen(name) + 1;

	if (nr_symbols == max_symbols) {
		size_t max = max_symbols ? 2 * max_symbols : 65536;
		struct symbol *more = realloc(symbols, max * sizeof(*more));

		if (!more)
			return false;
		symbols = more;
		max_symbols = max;
	}
	if (names_len + len > names_max) {
		size_t max = names_max ? 2 * names_max : 1 << 21;
		char *more = realloc(names, max);

		if (!more)
			return false;
		names = more;
		names_max = max;
	}
	memcpy(names + names_len, name, len);
	symbols[nr_symbols++] = (struct symbol){ addr, names_len };
	names_len += len;
	return true;
}

static void read_symbols(void)
{
	FILE *in = fopen("/proc/kallsyms", "r");
	char *line = NULL;
	size_t max = 0;

	while (in && getline(&line, &max, in) > 0) {
		char *at, *end;
		uint64_t addr = strtoull(line, &at, 16);

		/* "ffffffff81000000 T name", and of modules "name\t[module]", which follow */
		if (at[0] != ' ' || !at[1] || !strchr("tTwW", at[1]) || at[2] != ' ')
			continue;
		at += 3;
		end = at + strcspn(at, "\t\n");
		if (*end == '\t')
			break;
		*end = '\0';
		if (!add_symbol(addr, at))
			break;
	}
	free(line);
	if (in)
		fclose(in);
}

static const struct symbol *find_symbol(const char *name)
{
	if (!symbols)
		read_symbols();
	for (size_t i = 0; i < nr_symbols; i++)
		if (!strcmp(names + symbols[i].name, name))
			return &symbols[i];
	return NULL;
}

bool trace_is_function(const char *name)
{
	return find_symbol(name) != NULL;
}

/* Read the kernel's memory at @addr; returns how much. */
static size_t read_kernel(uint64_t addr, unsigned char *buf, size_t len)
{
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	ssize_t got = 0;
	Elf64_Ehdr head;
	Elf64_Phdr seg;

	if (fd < 0)
		return 0;
	if (pread(fd, &head, sizeof(head), 0) != sizeof(head))
		head.e_phnum = 0;
	for (int i = 0; i < head.e_phnum && got <= 0; i++) {
		if (pread(fd, &seg, sizeof(seg), head.e_phoff + i * sizeof(seg)) != sizeof(seg))
			break;
		if (seg.p_type == PT_LOAD && addr >= seg.p_vaddr && addr < seg.p_vaddr + seg.p_memsz)
			got = pread(fd, buf, len, seg.p_offset + addr - seg.p_vaddr);
	}
	close(fd);
	return got > 0 ? got : 0;
}

unsigned int trace_call_sites(const char *function, const char *const *callees, unsigned int *offsets,
			      unsigned int max)
{
	const struct symbol *in = find_symbol(function), *next;
	unsigned char *text;
	unsigned int nr = 0;
	size_t len;

	if (!in || !in->addr)
		return 0;
	for (next = in; next < symbols + nr_symbols && next->addr == in->addr; next++)
		;
	len = next < symbols + nr_symbols ? next->addr - in->addr : 4096;
	if (len > MAX_FUNCTION)
		len = MAX_FUNCTION;
	text = malloc(len);
	if (!text)
		return 0;
	len = read_kernel(in->addr, text, len);
	for (unsigned int c = 0; callees[c]; c++) {
		const struct symbol *to = find_symbol(callees[c]);

		/* a call is e8 and 32 bits of distance: that they happen to be right elsewhere is next to impossible,
		 * and the kernel refuses a probe that is not at an instruction */
		for (size_t i = 0; to && i + TRACE_CALL_LEN <= len && nr < max; i++) {
			int32_t distance;

			if (text[i] != 0xe8)
				continue;
			memcpy(&distance, text + i + 1, sizeof(distance));
			if (in->addr + i + TRACE_CALL_LEN + distance == to->addr)
				offsets[nr++] = i;
		}
	}
	free(text);
	return nr;
}
