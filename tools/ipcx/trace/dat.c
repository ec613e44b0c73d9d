// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx trace: the kernel's own trace in a file of trace-cmd's (trace-cmd.dat(5), version 6): headers, the formats of the
 * events, names, and the pages of the ring buffer as they were read.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "../util.h"
#include "trace.h"

#define EVENTS		"/sys/kernel/tracing/events/"
#define PAGE		4096
#define OPTION_DONE	0
#define OPTION_TRACECLOCK 4

static struct {
	FILE *out;
	const char *path;
	FILE **pages;			/* of each processor, in a file without a name */
	int nr_cpus;
	bool failed;
} dat;

static void put(const void *bytes, size_t len)
{
	if (fwrite(bytes, 1, len, dat.out) != len)
		dat.failed = true;
}

static void put_u16(uint16_t value)
{
	put(&value, sizeof(value));
}

static void put_u32(uint32_t value)
{
	put(&value, sizeof(value));
}

static void put_u64(uint64_t value)
{
	put(&value, sizeof(value));
}

static void put_text(const char *text)
{
	put(text, strlen(text) + 1);
}

/* A whole file of the kernel's, whose size is not known before; free() it. */
static char *read_whole(const char *path, size_t *len)
{
	FILE *in = fopen(path, "r"), *to;
	char *text = NULL, buf[4096];
	size_t got;

	*len = 0;
	if (!in)
		return NULL;
	to = open_memstream(&text, len);
	while (to && (got = fread(buf, 1, sizeof(buf), in)) > 0)
		fwrite(buf, 1, got, to);
	fclose(in);
	if (to)
		fclose(to);
	return text;
}

/* Its size in @size_len bytes, and the file; one that is not there is empty. */
static void put_file(const char *path, size_t size_len)
{
	size_t len;
	char *text = read_whole(path, &len);

	if (size_len == sizeof(uint32_t))
		put_u32(len);
	else
		put_u64(len);
	if (text)
		put(text, len);
	free(text);
}

/* The format of each event of @system. */
static void put_formats(const char *system)
{
	char path[512];
	struct dirent *entry;
	uint32_t nr = 0;
	DIR *dir;

	snprintf(path, sizeof(path), EVENTS "%s", system);
	for (int pass = 0; pass < 2; pass++) {
		dir = opendir(path);
		while (dir && (entry = readdir(dir))) {
			char format[512];

			snprintf(format, sizeof(format), EVENTS "%s/%.200s/format", system, entry->d_name);
			if (entry->d_name[0] == '.' || access(format, R_OK))
				continue;
			if (pass)
				put_file(format, sizeof(uint64_t));
			else
				nr++;
		}
		if (dir)
			closedir(dir);
		if (!pass)
			put_u32(nr);
	}
}

int trace_dat_begin(const char *path, const char *const *systems)
{
	uint32_t nr = 0;

	dat.path = path;
	dat.out = fopen(path, "w");
	dat.nr_cpus = get_nprocs_conf();
	dat.pages = calloc(dat.nr_cpus, sizeof(*dat.pages));
	if (!dat.out || !dat.pages)
		return report(-errno, "write '%s'", path);
	for (int cpu = 0; cpu < dat.nr_cpus; cpu++) {
		dat.pages[cpu] = tmpfile();
		if (!dat.pages[cpu])
			return report(-errno, "keep the trace in a temporary file");
	}
	put("\027\010\104tracing6", 12);
	put("", 1);				/* little endian */
	put("\010", 1);				/* bytes of a long */
	put_u32(PAGE);
	put_text("header_page");
	put_file(EVENTS "header_page", sizeof(uint64_t));
	put_text("header_event");
	put_file(EVENTS "header_event", sizeof(uint64_t));
	put_formats("ftrace");
	while (systems[nr])
		nr++;
	put_u32(nr);
	for (; *systems; systems++) {
		put_text(*systems);
		put_formats(*systems);
	}
	put_file("/proc/kallsyms", sizeof(uint32_t));
	put_file("/sys/kernel/tracing/printk_formats", sizeof(uint32_t));
	return 0;
}

void trace_dat_page(int cpu, const void *page, size_t len)
{
	static const char zeros[PAGE];

	if (!dat.out || cpu >= dat.nr_cpus)
		return;
	if (fwrite(page, 1, len, dat.pages[cpu]) != len || fwrite(zeros, 1, PAGE - len, dat.pages[cpu]) != PAGE - len)
		dat.failed = true;
}

/* "PID NAME" for each thread that was seen. */
static void put_names(void)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	if (!to)
		return;
	trace_list_threads(to);
	fclose(to);
	put_u64(len);
	put(text, len);
	free(text);
}

int trace_dat_end(void)
{
	static const char clock[] = "local global counter uptime perf [mono]";
	char buf[PAGE];
	uint64_t at;

	if (!dat.out)
		return 0;
	put_names();
	put_u32(dat.nr_cpus);
	put("options  ", 10);
	put_u16(OPTION_TRACECLOCK);
	put_u32(sizeof(clock));
	put(clock, sizeof(clock));
	put_u16(OPTION_DONE);
	put("flyrecord", 10);
	/* the pages begin at the next page after this table */
	at = ftell(dat.out) + dat.nr_cpus * 16;
	at = (at + PAGE - 1) / PAGE * PAGE;
	for (int cpu = 0; cpu < dat.nr_cpus; cpu++) {
		uint64_t len = ftell(dat.pages[cpu]);

		put_u64(at);
		put_u64(len);
		at += len;
	}
	memset(buf, 0, sizeof(buf));
	put(buf, (PAGE - ftell(dat.out) % PAGE) % PAGE);
	for (int cpu = 0; cpu < dat.nr_cpus; cpu++) {
		rewind(dat.pages[cpu]);
		while (fread(buf, 1, sizeof(buf), dat.pages[cpu]) == sizeof(buf))
			put(buf, sizeof(buf));
		fclose(dat.pages[cpu]);
	}
	free(dat.pages);
	if (fclose(dat.out) || dat.failed)
		return report(-errno, "write '%s'", dat.path);
	return 0;
}
