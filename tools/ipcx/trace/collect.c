// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx trace: an instance of the kernel's tracing of our own, with tracepoints and probes, read while the traced
 * processes run, and taken away afterwards.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <kbuffer.h>
#include <tracefs.h>

#include "../util.h"
#include "trace.h"

#define ALL_MECHS	(~0U)
#define BIT(mech)	(1U << (mech))
#define IPCX_MECHS	(BIT(MECH_IPCX_QUEUE) | BIT(MECH_IPCX_STREAM) | BIT(MECH_IPCX_SEM) | BIT(MECH_IPCX_EVENT) | \
			 BIT(MECH_IPCX_REGION))
#define NR_FIELDS	5
#define DRAIN_MS	40
#define CALIBRATE_LOOPS	200
#define BUFFER_PAGE	4096
#define MAX_IDS		512
/* kretprobe instances: as many threads may sleep in one function */
#define MAX_ACTIVE	"512"
/* calls of copying functions in one function */
#define MAX_CALLS	8
#define MAX_KPROBES	256

/* Tracepoints; the fields are those of struct trace_event. */
static const struct point {
	const char *system, *event;
	enum trace_kind kind;
	const char *fields[NR_FIELDS];
	uint32_t mechs;
} points[] = {
	{ "raw_syscalls", "sys_enter", ON_SYS_ENTER, { "id" }, ALL_MECHS },
	{ "raw_syscalls", "sys_exit", ON_SYS_EXIT, { "id", "ret" }, ALL_MECHS },
	{ "sched", "sched_waking", ON_WAKING, { "pid" }, ALL_MECHS },
	{ "sched", "sched_wakeup", ON_WAKEUP, { "pid" }, ALL_MECHS },
	{ "sched", "sched_switch", ON_SWITCH, { "prev_pid", "prev_state", "next_pid" }, ALL_MECHS },
	{ "kmem", "kmalloc", ON_ALLOC, { "bytes_alloc" }, ALL_MECHS },
	{ "kmem", "kmem_cache_alloc", ON_ALLOC, { "bytes_alloc" }, ALL_MECHS },
	{ "ipcx", "ipcx_create", ON_IPCX_CREATE, { "id", "kind" }, IPCX_MECHS },
	{ "ipcx", "ipcx_send", ON_IPCX_SEND, { "id", "len" }, IPCX_MECHS },
	{ "ipcx", "ipcx_enqueue", ON_IPCX_ENTER, { "id", "len", "seq" }, IPCX_MECHS },
	{ "ipcx", "ipcx_recv", ON_IPCX_RECV, { "id", "len", "seq", "pid" }, IPCX_MECHS },
	{ "ipcx", "ipcx_copy_in", ON_IPCX_COPY_IN, { "id", "len", "ns", "kind", "nr" }, IPCX_MECHS },
	{ "ipcx", "ipcx_copy_out", ON_IPCX_COPY_OUT, { "id", "len", "ns", "kind", "nr" }, IPCX_MECHS },
	{ "ipcx", "ipcx_block", ON_IPCX_BLOCK, { "id", "kind" }, IPCX_MECHS },
	{ "ipcx", "ipcx_post", ON_IPCX_POST, { "id" }, IPCX_MECHS },
	{ "ipcx", "ipcx_set", ON_IPCX_SET, { "id" }, IPCX_MECHS },
	{ "ipcx", "ipcx_pulse", ON_IPCX_SET, { "id" }, IPCX_MECHS },
	{ "ipcx", "ipcx_wait", ON_IPCX_WAIT, { "id", "ret", "kind" }, IPCX_MECHS },
	{ "ipcx", "ipcx_map", ON_IPCX_MAP, { "id", "len" }, IPCX_MECHS },
	{ "ipcx", "ipcx_drop", ON_IPCX_DROP, { "id", "len" }, IPCX_MECHS },
};

/**
 * struct source - an event that is attached, found by its number in the record
 * @args:	the array of arguments of sys_enter
 * @text:	the name that ipcx_create has
 * @len:	bytes of a record that has all of these
 */
struct source {
	enum trace_kind kind;
	unsigned int probe;
	int len;
	struct tep_format_field *field[NR_FIELDS], *args, *text, *comm[2];
};

struct arrival {
	struct trace_event event;
	uint64_t nr;		/* keeps the order of events of the same moment */
};

static struct {
	struct tracefs_instance *instance;
	struct tep_handle *tep;
	char group[32];
	char kprobes[MAX_KPROBES][40];
	unsigned int nr_kprobes;
	struct source *sources;
	unsigned int nr_sources;
	struct arrival *arrivals;
	size_t nr_arrivals, max_arrivals;
	uint64_t received;
	bool no_memory;
	struct tracefs_cpu **cpus;
	struct kbuffer *kbuffer;
	int nr_cpus;
	int ids[MAX_IDS];		/* of the events that are attached */
	unsigned int nr_ids;
	bool running;			/* calibrated, and at work */
} t;

/* ---- names of threads ---- */

#define NR_NAMES	4096

static struct { uint32_t tid; char name[16]; } names[NR_NAMES];

static void learn_name(uint32_t tid, const char *name)
{
	if (!tid)
		return;
	names[tid % NR_NAMES].tid = tid;
	copy_printable(names[tid % NR_NAMES].name, sizeof(names[0].name), name);
}

const char *trace_thread_name(uint32_t tid)
{
	return names[tid % NR_NAMES].tid == tid ? names[tid % NR_NAMES].name : "?";
}

void trace_list_threads(FILE *out)
{
	for (unsigned int i = 0; i < NR_NAMES; i++)
		if (names[i].tid)
			fprintf(out, "%u %s\n", names[i].tid, names[i].name);
}

/* ---- what is missing ---- */

static void __attribute__((format(printf, 3, 4)))
lacks(struct trace_session *session, uint32_t mechs, const char *fmt, ...)
{
	struct trace_missing *more;
	va_list ap;

	more = realloc(session->missing, (session->nr_missing + 1) * sizeof(*more));
	if (!more)
		return;
	session->missing = more;
	more += session->nr_missing;
	more->mechs = mechs;
	va_start(ap, fmt);
	if (vasprintf(&more->what, fmt, ap) >= 0)
		session->nr_missing++;
	va_end(ap);
}

void trace_session_free(struct trace_session *session)
{
	for (unsigned int i = 0; i < session->nr_missing; i++)
		free(session->missing[i].what);
	free(session->missing);
	session->missing = NULL;
	session->nr_missing = 0;
}

/* ---- attaching ---- */

/* Make one event; its name is the probe's, the number of the call in it if there are several, and "r" at the return. */
static int add_kprobe(const char *kind, const char *name, const char *where, const char *fields)
{
	char *text;
	int ret;

	if (asprintf(&text, "%s:%s/%s %s %s\n", kind, t.group, name, where, fields) < 0)
		return -ENOMEM;
	ret = tracefs_instance_file_append(NULL, "kprobe_events", text) < 0 ? -EINVAL : 0;
	free(text);
	if (!ret)
		snprintf(t.kprobes[t.nr_kprobes++], sizeof(t.kprobes[0]), "%s", name);
	return ret;
}

/* A probe before each call, where the third argument is a length, and one after it. */
static int add_calls(const struct trace_probe *probe, const char *symbol)
{
	unsigned int offsets[MAX_CALLS], nr = trace_call_sites(symbol, probe->calls, offsets, MAX_CALLS);
	char where[96], name[64];
	int ret = nr ? 0 : -ENOENT;

	for (unsigned int i = 0; i < nr && !ret; i++) {
		snprintf(where, sizeof(where), "%s+%u", symbol, offsets[i]);
		snprintf(name, sizeof(name), "%s%u", probe->name, i);
		ret = add_kprobe("p", name, where, "a=%dx:u64");
		if (ret)
			break;
		snprintf(where, sizeof(where), "%s+%u", symbol, offsets[i] + TRACE_CALL_LEN);
		snprintf(name, sizeof(name), "%s%ur", probe->name, i);
		ret = add_kprobe("p", name, where, "a=%ax:s64");
	}
	return ret;
}

static int add_function(const struct trace_probe *probe, const char *symbol, struct trace_session *session)
{
	char *fields = probe->fields ? trace_probe_fields(probe->fields) : NULL, name[64];
	int ret;

	if (probe->fields && !fields)
		lacks(session, probe->mechs, "no type information for %s: its objects are not told apart", symbol);
	ret = add_kprobe("p", probe->name, symbol, fields ? fields : "");
	free(fields);
	if (!ret && probe->exit != ON_NONE) {
		snprintf(name, sizeof(name), "%sr", probe->name);
		ret = add_kprobe("r" MAX_ACTIVE, name, symbol, "a=$retval:s64");
	}
	return ret;
}

static void add_probe(const struct trace_probe *probe, struct trace_session *session)
{
	const char *symbol = trace_probe_function(probe);

	if (!symbol) {
		/* one that only some kernels have says so by an empty alternative */
		for (unsigned int i = 0; i < ARRAY_SIZE(probe->symbols) && probe->symbols[i]; i++)
			if (!*probe->symbols[i])
				return;
		lacks(session, probe->mechs, "this kernel has no function %s", probe->symbols[0]);
	} else if (probe->calls[0]) {
		if (add_calls(probe, symbol))
			lacks(session, probe->mechs, "the copies in %s cannot be seen", symbol);
	} else if (add_function(probe, symbol, session)) {
		lacks(session, probe->mechs, "the kernel does not allow a probe at %s", symbol);
	}
}

/* @field, which @source needs; it may be NULL. */
static struct tep_format_field *use_field(struct source *source, struct tep_format_field *field)
{
	if (field && source->len < field->offset + field->size)
		source->len = field->offset + field->size;
	return field;
}

static void find_fields(struct tep_event *event, const char *const *wanted, struct source *source)
{
	for (unsigned int i = 0; i < NR_FIELDS; i++)
		source->field[i] = wanted[i] ? use_field(source, tep_find_any_field(event, wanted[i])) : NULL;
}

static struct source *new_source(struct tep_event *event)
{
	if ((unsigned int)event->id >= t.nr_sources) {
		unsigned int nr = event->id + 64;
		struct source *more = realloc(t.sources, nr * sizeof(*more));

		if (!more)
			return NULL;
		memset(more + t.nr_sources, 0, (nr - t.nr_sources) * sizeof(*more));
		t.sources = more;
		t.nr_sources = nr;
	}
	return &t.sources[event->id];
}

static void enable_points(const struct trace_options *options, struct trace_session *session)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(points); i++) {
		const struct point *p = &points[i];
		struct tep_event *event;
		struct source *source;

		if (!(p->mechs & options->mechs))
			continue;
		event = tep_find_event_by_name(t.tep, p->system, p->event);
		source = event ? new_source(event) : NULL;
		if (!source || tracefs_event_enable(t.instance, p->system, p->event)) {
			if (p->mechs == IPCX_MECHS && access(IPCX_DEVICE, F_OK)) {
				/* one line for all of them */
				if (p->kind == ON_IPCX_CREATE)
					lacks(session, p->mechs, "the module ipcx is not loaded");
				continue;
			}
			lacks(session, p->mechs & options->mechs, "no tracepoint %s:%s", p->system, p->event);
			continue;
		}
		source->kind = p->kind;
		find_fields(event, p->fields, source);
		if (p->kind == ON_SYS_ENTER)
			source->args = use_field(source, tep_find_field(event, "args"));
		if (p->kind == ON_IPCX_CREATE)
			source->text = use_field(source, tep_find_field(event, "name"));
		if (p->kind == ON_SWITCH) {
			source->comm[0] = use_field(source, tep_find_field(event, "prev_comm"));
			source->comm[1] = use_field(source, tep_find_field(event, "next_comm"));
		}
	}
}

/* Which probe, and which of its ends, an event of our group is. */
static bool find_probe(const char *name, unsigned int *probe, enum trace_kind *kind)
{
	for (unsigned int i = 0; i < nr_trace_probes; i++) {
		size_t len = strlen(trace_probes[i].name);
		const char *rest = name + len;

		if (strncmp(name, trace_probes[i].name, len))
			continue;
		rest += strspn(rest, "0123456789");
		if (strcmp(rest, "") && strcmp(rest, "r"))
			continue;
		*probe = i;
		*kind = *rest ? trace_probes[i].exit : trace_probes[i].enter;
		return true;
	}
	return false;
}

static void enable_probes(void)
{
	static const char *const letters[NR_FIELDS] = { "a", "b", "c", "d", "e" };

	for (unsigned int i = 0; i < t.nr_kprobes; i++) {
		struct tep_event *event = tep_find_event_by_name(t.tep, t.group, t.kprobes[i]);
		struct source *source = event ? new_source(event) : NULL;

		if (!source || !find_probe(t.kprobes[i], &source->probe, &source->kind))
			continue;
		find_fields(event, letters, source);
	}
	if (t.nr_kprobes)
		tracefs_event_enable(t.instance, t.group, NULL);
}

static int attach(const struct trace_options *options, struct trace_session *session)
{
	static const char *const systems[] = { "raw_syscalls", "sched", "kmem", "ipcx" };
	static const char *wanted[ARRAY_SIZE(systems) + 2];
	char name[32];

	snprintf(name, sizeof(name), "ipcx-trace-%d", getpid());
	snprintf(t.group, sizeof(t.group), "ipcxtrace%d", getpid());
	t.instance = tracefs_instance_create(name);
	if (!t.instance) {
		if (!options->quiet)
			report(-errno, "make a tracing instance (as root, with tracefs at /sys/kernel/tracing)");
		return -EPERM;
	}
	tracefs_trace_off(t.instance);
	tracefs_instance_file_write(t.instance, "trace_clock", "mono");
	if (tracefs_instance_set_buffer_size(t.instance, options->buffer_kb, -1) < 0) {
		report(-errno, "get a ring buffer of %llu KiB for each processor",
		       (unsigned long long)options->buffer_kb);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < nr_trace_probes; i++)
		if (trace_probes[i].mechs & options->mechs)
			add_probe(&trace_probes[i], session);
	for (unsigned int i = 0; i < ARRAY_SIZE(systems); i++)
		wanted[i] = systems[i];
	if (t.nr_kprobes)
		wanted[ARRAY_SIZE(systems)] = t.group;
	t.tep = tracefs_local_events_system(NULL, wanted);
	if (!t.tep) {
		report(-errno, "read the formats of the kernel's events");
		return -EIO;
	}
	enable_points(options, session);
	enable_probes();
	t.nr_cpus = get_nprocs_conf();
	t.cpus = calloc(t.nr_cpus, sizeof(*t.cpus));
	t.kbuffer = kbuffer_alloc(KBUFFER_LSIZE_8, KBUFFER_ENDIAN_LITTLE);
	if (!t.cpus || !t.kbuffer) {
		report(-ENOMEM, "read the ring buffers");
		return -ENOMEM;
	}
	/* a processor that is offline has none */
	for (int cpu = 0; cpu < t.nr_cpus; cpu++)
		t.cpus[cpu] = tracefs_cpu_open(t.instance, cpu, true);
	for (unsigned int i = 0; i < t.nr_sources; i++)
		if (t.sources[i].kind != ON_NONE && t.nr_ids < MAX_IDS)
			t.ids[t.nr_ids++] = i;
	if (options->dat && trace_dat_begin(options->dat, wanted, t.ids, t.nr_ids))
		return -EIO;
	return 0;
}

static void detach(void)
{
	for (int cpu = 0; t.cpus && cpu < t.nr_cpus; cpu++)
		if (t.cpus[cpu])
			tracefs_cpu_close(t.cpus[cpu]);
	if (t.kbuffer)
		kbuffer_free(t.kbuffer);
	free(t.cpus);
	if (t.instance) {
		tracefs_trace_off(t.instance);
		tracefs_event_disable(t.instance, NULL, NULL);
		tracefs_instance_destroy(t.instance);
		tracefs_instance_free(t.instance);
	}
	for (unsigned int i = 0; i < t.nr_kprobes; i++) {
		char text[96];

		snprintf(text, sizeof(text), "-:%s/%s\n", t.group, t.kprobes[i]);
		tracefs_instance_file_append(NULL, "kprobe_events", text);
	}
	tep_free(t.tep);
	free(t.sources);
	free(t.arrivals);
	memset(&t, 0, sizeof(t));
}

/* ---- reading ---- */

static uint64_t number(struct tep_format_field *field, const void *data)
{
	unsigned long long value = 0;

	if (!field || tep_read_number_field(field, data, &value))
		return 0;
	if (field->flags & TEP_FIELD_IS_SIGNED && field->size == 4)
		return (uint64_t)(int64_t)(int32_t)value;
	return value;
}

static uint64_t arg(const struct source *source, const void *data, unsigned int i)
{
	uint64_t value = 0;

	if (source->args)
		memcpy(&value, (const char *)data + source->args->offset + i * sizeof(value), sizeof(value));
	return value;
}

static void learn_from(const struct source *source, const struct tep_record *record, const struct trace_event *e)
{
	const char *data = record->data;

	if (source->kind == ON_SWITCH && source->comm[0] && source->comm[1]) {
		learn_name(e->a, data + source->comm[0]->offset);
		learn_name(e->c, data + source->comm[1]->offset);
	}
	if (source->kind == ON_IPCX_CREATE && source->text) {
		unsigned long long at;

		/* the offset is in the low half */
		if (tep_read_number_field(source->text, data, &at))
			return;
		at &= 0xffff;
		if (at < (unsigned int)record->size && data[at] && memchr(data + at, 0, record->size - at))
			trace_name_object(e->a, data + at);
	}
}

static bool is_probe(enum trace_kind kind)
{
	return kind >= ON_OP_ENTER && kind <= ON_INODE;
}

static void arrive(struct tep_event *event, struct tep_record *record)
{
	const struct source *source;
	struct trace_event *e;
	int flags;

	if ((unsigned int)event->id >= t.nr_sources || t.sources[event->id].kind == ON_NONE)
		return;
	source = &t.sources[event->id];
	/* one that is cut short tells nothing */
	if (record->size < source->len)
		return;
	if (t.nr_arrivals == t.max_arrivals) {
		size_t max = t.max_arrivals ? 2 * t.max_arrivals : 65536;
		struct arrival *more = realloc(t.arrivals, max * sizeof(*more));

		if (!more) {
			t.no_memory = true;
			return;
		}
		t.arrivals = more;
		t.max_arrivals = max;
	}
	t.arrivals[t.nr_arrivals].nr = t.received++;
	e = &t.arrivals[t.nr_arrivals++].event;
	flags = tep_data_flags(t.tep, record);
	*e = (struct trace_event){
		.ts = record->ts, .tid = tep_data_pid(t.tep, record), .kind = source->kind, .probe = source->probe,
		.a = number(source->field[0], record->data), .b = number(source->field[1], record->data),
		.c = number(source->field[2], record->data), .d = number(source->field[3], record->data),
		.e = number(source->field[4], record->data),
		/* a probe's own trap looks like one */
		.irq = is_probe(source->kind) ? 0 : flags & TRACE_FLAG_HARDIRQ ? IRQ_HARD : flags & TRACE_FLAG_SOFTIRQ ? IRQ_SOFT : 0,
	};
	if (source->kind == ON_SYS_ENTER) {
		e->b = arg(source, record->data, 0);
		e->c = arg(source, record->data, 1);
		e->d = arg(source, record->data, 2);
	}
	learn_from(source, record, e);
}

/* Everything that is in the buffer of @cpu. */
static void read_buffer(int cpu)
{
	struct tracefs_cpu *from = t.cpus[cpu];
	struct tep_record record = { .cpu = cpu };
	static char page[BUFFER_PAGE];
	int len;

	while (from && (len = tracefs_cpu_read(from, page, true)) > 0) {
		if (t.running)
			trace_dat_page(cpu, page, len);
		if (kbuffer_load_subbuffer(t.kbuffer, page))
			break;
		for (record.data = kbuffer_read_event(t.kbuffer, &record.ts); record.data;
		     record.data = kbuffer_next_event(t.kbuffer, &record.ts)) {
			struct tep_event *event;

			record.size = kbuffer_event_size(t.kbuffer);
			event = tep_find_event_by_record(t.tep, &record);
			if (event)
				arrive(event, &record);
			if (event && t.running)
				trace_dat_event(cpu, record.ts, tep_data_pid(t.tep, &record), event->id,
						record.data, record.size);
		}
	}
}

static int by_time(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;

	if (x->event.ts != y->event.ts)
		return x->event.ts < y->event.ts ? -1 : 1;
	return x->nr < y->nr ? -1 : x->nr > y->nr;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

/*
 * Read what is there.  What is older than the beginning of this is complete, whatever processor it was on, and is
 * followed; the rest waits for the next time.
 */
static void drain(void (*follow)(const struct trace_event *event), bool rest)
{
	uint64_t until = rest ? UINT64_MAX : now_ns();
	size_t i;

	for (int cpu = 0; cpu < t.nr_cpus; cpu++)
		read_buffer(cpu);
	if (!t.nr_arrivals)
		return;
	qsort(t.arrivals, t.nr_arrivals, sizeof(*t.arrivals), by_time);
	for (i = 0; i < t.nr_arrivals && t.arrivals[i].event.ts < until; i++)
		follow(&t.arrivals[i].event);
	memmove(t.arrivals, t.arrivals + i, (t.nr_arrivals - i) * sizeof(*t.arrivals));
	t.nr_arrivals -= i;
}

/* A number of a line "overrun: 12" of a processor's statistics. */
static uint64_t statistic(const char *text, const char *what)
{
	const char *at = text ? strstr(text, what) : NULL;

	return at ? strtoull(at + strlen(what), NULL, 10) : 0;
}

/* Events that were not kept, and returns of functions that were not noticed. */
static uint64_t count_lost(void)
{
	uint64_t lost = 0;
	char path[64], *text;

	for (int cpu = 0; cpu < get_nprocs_conf(); cpu++) {
		snprintf(path, sizeof(path), "per_cpu/cpu%d/stats", cpu);
		text = tracefs_instance_file_read(t.instance, path, NULL);
		lost += statistic(text, "\noverrun: ") + statistic(text, "\ncommit overrun: ") +
			statistic(text, "\ndropped events: ");
		free(text);
	}
	text = tracefs_instance_file_read(NULL, "kprobe_profile", NULL);
	for (char *line = text ? strtok(text, "\n") : NULL; line; line = strtok(NULL, "\n")) {
		unsigned long long hits, misses;
		char name[64];

		if (sscanf(line, "%63s %llu %llu", name, &hits, &misses) != 3)
			continue;
		for (unsigned int i = 0; i < t.nr_kprobes; i++)
			if (!strcmp(name, t.kprobes[i]))
				lost += misses;
	}
	free(text);
	return lost;
}

/* ---- what the tracing itself costs ---- */

static uint64_t counted_before;

static void ignore(const struct trace_event *event)
{
	(void)event;
}

static uint64_t time_of_pipe(const int *ends)
{
	uint64_t start = now_ns();
	char buf[64] = "";

	for (int i = 0; i < CALIBRATE_LOOPS; i++)
		if (write(ends[1], buf, sizeof(buf)) < 0 || read(ends[0], buf, sizeof(buf)) < 0)
			break;
	return now_ns() - start;
}

static void set_pids(const char *text)
{
	tracefs_instance_file_write(t.instance, "set_event_pid", text);
}

/* Nanoseconds of one event: a pipe of our own with and without being traced. */
static double measure_cost(void)
{
	uint64_t plain, traced, events;
	char self[16];
	int ends[2];

	if (pipe(ends))
		return 0;
	snprintf(self, sizeof(self), "%d", (int)gettid());
	set_pids(self);
	time_of_pipe(ends);
	plain = time_of_pipe(ends);
	tracefs_trace_on(t.instance);
	traced = time_of_pipe(ends);
	tracefs_trace_off(t.instance);
	events = t.received;
	drain(ignore, true);
	events = t.received - events;
	close(ends[0]);
	close(ends[1]);
	set_pids(" ");
	return events && traced > plain ? (double)(traced - plain) / events : 0;
}

/* ---- running ---- */

/* The names that objects of the module have already. */
static void learn_objects(void)
{
	struct ipcx_list_entry entries[64];
	char after[sizeof(entries[0].name)] = "";
	int nr;

	for (nr = ipcx_list(NULL, entries, ARRAY_SIZE(entries)); nr > 0;
	     nr = ipcx_list(after, entries, ARRAY_SIZE(entries))) {
		for (int i = 0; i < nr; i++)
			trace_name_object(entries[i].id, entries[i].name);
		memcpy(after, entries[nr - 1].name, sizeof(after));
	}
}

/* The command stops itself before it begins, so that nothing of it is missed and nothing before it is seen. */
static pid_t start_command(char **argv)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	raise(SIGSTOP);
	execvp(argv[0], argv);
	report_text("cannot run '%s': %s", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static int add_threads(pid_t pid)
{
	char path[32], *text = NULL;
	struct dirent *entry;
	size_t len;
	FILE *out;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	out = open_memstream(&text, &len);
	while (out && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			fprintf(out, "%s ", entry->d_name);
	closedir(dir);
	if (!out || fclose(out))
		return -ENOMEM;
	set_pids(text);
	free(text);
	return 0;
}

static bool has_ended(pid_t pid, bool ours, int *status)
{
	int wait_status;

	if (!ours)
		return kill(pid, 0) && errno == ESRCH;
	if (waitpid(pid, &wait_status, WNOHANG) != pid)
		return false;
	*status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
	return true;
}

/* Read until what is traced has ended, the time is over, or somebody has had enough. */
static void run(const struct trace_options *options, struct trace_session *session, pid_t pid, const sigset_t *stop,
		void (*follow)(const struct trace_event *event))
{
	struct timespec pause = { 0, DRAIN_MS * NS_PER_MS };
	bool ended = false;
	int signo;

	session->begin_ns = now_ns();
	t.running = true;
	tracefs_trace_on(t.instance);
	if (options->argv)
		kill(pid, SIGCONT);
	while (!ended) {
		signo = sigtimedwait(stop, NULL, &pause);
		/* a command of ours gets Ctrl-C as well, and ends or does not */
		ended = pid && has_ended(pid, options->argv != NULL, &session->status);
		if (signo == SIGTERM || (signo == SIGINT && !options->argv))
			ended = true;
		if (options->seconds && now_ns() - session->begin_ns > options->seconds * NS_PER_SEC)
			ended = true;
		if (!ended)
			drain(follow, false);
		if (options->tick && !options->tick())
			ended = true;
	}
	tracefs_trace_off(t.instance);
	session->end_ns = now_ns();
	drain(follow, true);
}

int trace_collect(const struct trace_options *options, struct trace_session *session,
		  void (*follow)(const struct trace_event *event))
{
	sigset_t stop, before;
	pid_t pid = options->pid;
	char self[16];
	int ret;

	memset(session, 0, sizeof(*session));
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGCHLD);
	if (options->argv) {
		pid = start_command(options->argv);
		if (pid < 0)
			return report(-errno, "start '%s'", options->argv[0]), -errno;
		waitpid(pid, NULL, WUNTRACED);
	}
	sigprocmask(SIG_BLOCK, &stop, &before);
	ret = attach(options, session);
	if (ret)
		goto out;
	session->cost_ns = measure_cost();
	learn_objects();
	tracefs_option_enable(t.instance, TRACEFS_OPTION_EVENT_FORK);
	if (pid) {
		ret = add_threads(pid);
		if (ret) {
			report(ret, "look at process %d", pid);
			goto out;
		}
	} else {
		snprintf(self, sizeof(self), "%d", (int)gettid());
		tracefs_instance_file_write(t.instance, "set_event_notrace_pid", self);
	}
	counted_before = t.received;
	run(options, session, pid, &stop, follow);
	session->events = t.received - counted_before;
	session->lost = count_lost();
	if (trace_dat_end())
		ret = -EIO;
	if (t.no_memory) {
		report(-ENOMEM, "keep the events");
		ret = -ENOMEM;
	}
out:
	if (ret && options->argv) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	detach();
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ret;
}
