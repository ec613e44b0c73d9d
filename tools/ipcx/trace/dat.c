// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx trace: the kernel's own events in the files of other programs.  Of trace-cmd (trace-cmd.dat(5), version 6):
 * the description of the events, and the pages of the ring buffer as they were read.  Of perf (perf.data): the same
 * description, as a feature, and the events one by one, which perf puts into order.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
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
	bool is_perf;
	const char *const *systems;
	FILE **pages;			/* of each processor, in a file without a name; perf's events in the first */
	int nr_cpus;
	const int *ids;			/* of the events, for perf */
	unsigned int nr_ids;
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

/* What both programs need to understand an event: @version, formats, names of functions and threads. */
static void put_description(const char *version)
{
	const char *const *systems = dat.systems;
	uint32_t nr = 0;

	put("\027\010\104tracing", 10);
	put_text(version);
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
	put_names();
}

/* ---- perf.data ---- */

#define SAMPLE_TYPE	(PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_RAW)
#define FEATURE_TRACING	1

struct section { uint64_t offset, size; };

struct perf_header {
	char magic[8];
	uint64_t size, attr_size;
	struct section attrs, data, event_types;
	uint64_t features[4];
};

struct perf_attr {
	struct perf_event_attr attr;
	struct section ids;
};

/* The header, an attribute for each event, and its identifier, which is the event's number and one. */
static void put_perf_head(uint64_t data_len)
{
	struct perf_header head = {
		.magic = "PERFILE2", .size = sizeof(head), .attr_size = sizeof(struct perf_attr),
		.attrs = { sizeof(head), dat.nr_ids * sizeof(struct perf_attr) },
		.features = { 1 << FEATURE_TRACING },
	};
	uint64_t ids_at = head.attrs.offset + head.attrs.size;

	head.data = (struct section){ ids_at + dat.nr_ids * sizeof(uint64_t), data_len };
	put(&head, sizeof(head));
	for (unsigned int i = 0; i < dat.nr_ids; i++) {
		struct perf_attr attr = {
			.attr = { .type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr.attr), .config = dat.ids[i],
				  .sample_period = 1, .sample_type = SAMPLE_TYPE, .use_clockid = 1,
				  .clockid = 1 /* CLOCK_MONOTONIC */ },
			.ids = { ids_at + i * sizeof(uint64_t), sizeof(uint64_t) },
		};

		put(&attr, sizeof(attr));
	}
	for (unsigned int i = 0; i < dat.nr_ids; i++)
		put_u64(dat.ids[i] + 1);
}

void trace_dat_event(int cpu, uint64_t ts, uint32_t tid, int id, const void *data, uint32_t len)
{
	uint32_t raw = (sizeof(raw) + len + 7) / 8 * 8 - sizeof(raw);
	struct {
		struct perf_event_header head;
		uint64_t id;
		uint32_t pid, tid;
		uint64_t time;
		uint32_t cpu, reserved;
	} sample = {
		.head = { .type = PERF_RECORD_SAMPLE, .misc = PERF_RECORD_MISC_KERNEL,
			  .size = sizeof(sample) + sizeof(raw) + raw },
		.id = id + 1, .pid = tid, .tid = tid, .time = ts, .cpu = cpu,
	};
	FILE *to = dat.is_perf && dat.out ? dat.pages[0] : NULL;

	if (!to)
		return;
	fwrite(&sample, sizeof(sample), 1, to);
	fwrite(&raw, sizeof(raw), 1, to);
	fwrite(data, len, 1, to);
	fwrite("\0\0\0\0\0\0\0", raw - len, 1, to);
	if (ferror(to))
		dat.failed = true;
}

/* A record for each thread, which perf wants to see before its events. */
static void list_comms(FILE *to)
{
	char *text = NULL, *line, *rest, name[16];
	unsigned int tid;
	size_t len;
	FILE *list = open_memstream(&text, &len);

	if (!list)
		return;
	trace_list_threads(list);
	fclose(list);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct {
			struct perf_event_header head;
			uint32_t pid, tid;
			char name[16];
		} comm = { .head = { .type = PERF_RECORD_COMM, .size = sizeof(comm) } };

		if (sscanf(line, "%u %15[^\n]", &tid, name) != 2)
			continue;
		comm.pid = comm.tid = tid;
		memcpy(comm.name, name, strlen(name));
		fwrite(&comm, sizeof(comm), 1, to);
	}
	free(text);
}

static void put_contents(FILE *from)
{
	char buf[PAGE];
	size_t got;

	rewind(from);
	while ((got = fread(buf, 1, sizeof(buf), from)) > 0)
		put(buf, got);
	fclose(from);
}

static void end_perf(void)
{
	FILE *comms = tmpfile(), *events = dat.pages[0];
	struct section description;

	if (!comms) {
		dat.failed = true;
		return;
	}
	list_comms(comms);
	put_perf_head(ftell(comms) + ftell(events));
	put_contents(comms);
	put_contents(events);
	/* the table of the features' sections follows the events at once */
	description.offset = ftell(dat.out) + sizeof(description);
	description.size = 0;
	put(&description, sizeof(description));
	put_description("0.6");
	description.size = ftell(dat.out) - description.offset;
	fseek(dat.out, description.offset - sizeof(description), SEEK_SET);
	put(&description, sizeof(description));
}

/* ---- both ---- */

int trace_dat_begin(const char *path, const char *const *systems, const int *ids, unsigned int nr_ids)
{
	size_t len = strlen(path);

	dat.path = path;
	dat.systems = systems;
	dat.ids = ids;
	dat.nr_ids = nr_ids;
	dat.is_perf = len > 5 && !strcmp(path + len - 5, ".data");
	dat.out = fopen(path, "w");
	dat.nr_cpus = dat.is_perf ? 1 : get_nprocs_conf();
	dat.pages = calloc(dat.nr_cpus, sizeof(*dat.pages));
	if (!dat.out || !dat.pages)
		return report(-errno, "write '%s'", path);
	for (int cpu = 0; cpu < dat.nr_cpus; cpu++) {
		dat.pages[cpu] = tmpfile();
		if (!dat.pages[cpu])
			return report(-errno, "keep the trace in a temporary file");
	}
	return 0;
}

/* ---- the pages of trace.dat ---- */

void trace_dat_page(int cpu, const void *page, size_t len)
{
	static const char zeros[PAGE];

	if (!dat.out || dat.is_perf || cpu >= dat.nr_cpus)
		return;
	if (fwrite(page, 1, len, dat.pages[cpu]) != len || fwrite(zeros, 1, PAGE - len, dat.pages[cpu]) != PAGE - len)
		dat.failed = true;
}

static void end_trace_cmd(void)
{
	static const char clock[] = "local global counter uptime perf [mono]";
	char zeros[PAGE] = "";
	uint64_t at;

	put_description("6");
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
	put(zeros, (PAGE - ftell(dat.out) % PAGE) % PAGE);
	for (int cpu = 0; cpu < dat.nr_cpus; cpu++)
		put_contents(dat.pages[cpu]);
}

int trace_dat_end(void)
{
	if (!dat.out)
		return 0;
	if (dat.is_perf)
		end_perf();
	else
		end_trace_cmd();
	free(dat.pages);
	if (fclose(dat.out) || dat.failed)
		return report(-errno, "write '%s'", dat.path);
	return 0;
}
