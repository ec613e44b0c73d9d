// SPDX-License-Identifier: GPL-2.0
/*
 * Records of the kernel's trace: of any length, with any bytes, in any order; one by one, or in the pages of a ring buffer.
 * They are read as `ipcx trace` reads them, followed, and printed in every form.  If this fails, a trace that lost events, or
 * that a kernel writes in another way, crashes the command, or what it prints is not what programs can read.
 */
#include <sys/mman.h>
#include <tracefs.h>

#include "check-json.h"
#include "no-device.h"

#include "../../tools/ipcx/trace/follow.c"
/* texts of the kernel: from the input */
static const char *stats_text;
#define tracefs_instance_file_read(instance, path, size)	((void)(path), strdup(stats_text))
/* pages of the ring buffer: from the input as well, and what is found in them is looked at */
static int read_page(char *page);
static void see_record(uint64_t ts, int id, const void *data, uint32_t len);
#define tracefs_cpu_read(cpu, page, nonblock)			((void)(cpu), read_page(page))
#define trace_dat_event(cpu, ts, tid, id, data, len)		see_record(ts, id, data, len)
#include "../../tools/ipcx/trace/collect.c"

#define HEAD	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"		\
		"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"			\
		"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"		\
		"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

/* A number of the module's events, which are many and alike. */
#define U64(name, at)	"\tfield:u64 " name ";\toffset:" at ";\tsize:8;\tsigned:0;\n"
#define FIVE(a, b, c, d, e)	U64(a, "8") U64(b, "16") U64(c, "24") U64(d, "32") U64(e, "40")

static const struct { const char *system, *name, *fields; } formats[] = {
	{ "raw_syscalls", "sys_enter", "\tfield:long id;\toffset:8;\tsize:8;\tsigned:1;\n"
	  "\tfield:unsigned long args[6];\toffset:16;\tsize:48;\tsigned:0;\n" },
	{ "raw_syscalls", "sys_exit", "\tfield:long id;\toffset:8;\tsize:8;\tsigned:1;\n"
	  "\tfield:long ret;\toffset:16;\tsize:8;\tsigned:1;\n" },
	{ "sched", "sched_switch", "\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
	  "\tfield:pid_t prev_pid;\toffset:24;\tsize:4;\tsigned:1;\n\tfield:int prev_prio;\toffset:28;\tsize:4;\tsigned:1;\n"
	  "\tfield:long prev_state;\toffset:32;\tsize:8;\tsigned:1;\n\tfield:char next_comm[16];\toffset:40;\tsize:16;\tsigned:0;\n"
	  "\tfield:pid_t next_pid;\toffset:56;\tsize:4;\tsigned:1;\n\tfield:int next_prio;\toffset:60;\tsize:4;\tsigned:1;\n" },
	{ "sched", "sched_waking", "\tfield:char comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
	  "\tfield:pid_t pid;\toffset:24;\tsize:4;\tsigned:1;\n" },
	{ "sched", "sched_wakeup", "\tfield:char comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
	  "\tfield:pid_t pid;\toffset:24;\tsize:4;\tsigned:1;\n" },
	{ "kmem", "kmalloc", U64("bytes_alloc", "8") },
	{ "ipcx", "ipcx_create", U64("id", "8") "\tfield:u32 kind;\toffset:16;\tsize:4;\tsigned:0;\n"
	  "\tfield:__data_loc char[] name;\toffset:20;\tsize:4;\tsigned:0;\n" },
	{ "ipcx", "ipcx_send", FIVE("id", "len", "x", "y", "z") }, { "ipcx", "ipcx_enqueue", FIVE("id", "len", "seq", "y", "z") },
	{ "ipcx", "ipcx_recv", FIVE("id", "len", "seq", "pid", "z") },
	{ "ipcx", "ipcx_copy_in", FIVE("id", "len", "ns", "kind", "nr") },
	{ "ipcx", "ipcx_copy_out", FIVE("id", "len", "ns", "kind", "nr") },
	{ "ipcx", "ipcx_block", FIVE("id", "kind", "x", "y", "z") }, { "ipcx", "ipcx_post", FIVE("id", "x", "y", "z", "w") },
	{ "ipcx", "ipcx_set", FIVE("id", "x", "y", "z", "w") }, { "ipcx", "ipcx_wait", FIVE("id", "ret", "kind", "y", "z") },
	{ "ipcx", "ipcx_map", FIVE("id", "len", "x", "y", "z") }, { "ipcx", "ipcx_drop", FIVE("id", "len", "x", "y", "z") },
};

#define PROBES	100		/* number of the first probe's event */

/* The formats as the kernel has them; each probe, at both of its ends; and one processor, whose buffer is the input. */
static void learn_formats(void)
{
	static const struct trace_options all = { .mechs = ~0U };
	static struct trace_session session;
	char text[2048];

	static struct tracefs_cpu *one[] = { (struct tracefs_cpu *)one };

	t.running = true;
	t.nr_cpus = 1;
	t.cpus = one;
	t.tep = tep_alloc();
	t.kbuffer = kbuffer_alloc(KBUFFER_LSIZE_8, KBUFFER_ENDIAN_LITTLE);
	if (!t.tep || !t.kbuffer)
		abort();
	tep_set_long_size(t.tep, 8);
	for (unsigned int i = 0; i < ARRAY_SIZE(formats); i++) {
		snprintf(text, sizeof(text), "name: %s\nID: %u\nformat:\n" HEAD "%s\nprint fmt: \"x\"\n", formats[i].name, i + 1,
			 formats[i].fields);
		if (tep_parse_event(t.tep, text, strlen(text), formats[i].system))
			abort();
	}
	snprintf(t.group, sizeof(t.group), "probes");
	for (unsigned int i = 0; i < 2 * nr_trace_probes && t.nr_kprobes < MAX_KPROBES; i++) {
		snprintf(t.kprobes[t.nr_kprobes], sizeof(t.kprobes[0]), "%s%s", trace_probes[i / 2].name, i & 1 ? "r" : "");
		snprintf(text, sizeof(text), "name: %s\nID: %u\nformat:\n" HEAD FIVE("a", "b", "c", "d", "e") "\nprint fmt: \"x\"\n",
			 t.kprobes[t.nr_kprobes++], PROBES + i);
		if (tep_parse_event(t.tep, text, strlen(text), t.group))
			abort();
	}
	enable_points(&all, &session);
	trace_session_free(&session);
	enable_probes();
}

/*
 * A record: a byte chooses the event, one how much there is of it, one the thread, and one how much later it is.  Returns its
 * @len bytes, to be free()d.
 */
static unsigned char *take_record(struct input *in, uint64_t *now, size_t *len)
{
	uint8_t which = take_u8(in), how = take_u8(in), tid = take_u8(in);
	size_t nr = ARRAY_SIZE(formats), used;
	uint16_t id = which % (nr + t.nr_kprobes);
	unsigned char *data;

	*len = 8 + (how & 0x80 ? how & 0x7f : 56);
	id = id < nr ? id + 1 : PROBES + id - nr;
	*now += take_u8(in);
	data = calloc(1, *len + 3);
	if (!data)
		abort();
	memcpy(data, &id, sizeof(id));
	data[2] = how & 0x20 ? how : 0;
	data[4] = tid % 8;
	/* small numbers, each in a byte, or any */
	for (size_t at = 8; at < *len; at += 8) {
		uint64_t value = how & 1 ? take_u64(in) : take_u8(in);

		used = *len - at < 8 ? *len - at : 8;
		memcpy(data + at, &value, used);
	}
	return data;
}

static void arrive_alone(struct input *in, uint64_t *now)
{
	struct tep_record record = { 0 };
	struct tep_event *event;
	size_t len;
	unsigned char *data = take_record(in, now, &len), *exact = malloc(len);

	if (!exact)
		abort();
	memcpy(exact, data, len);
	free(data);
	record.data = exact;
	record.size = (int)len;
	record.ts = *now;
	event = tep_find_event_by_record(t.tep, &record);
	if (event)
		arrive(event, &record);
	free(exact);
}

/* ---- pages of the ring buffer, as the kernel lays them out ---- */

#define PAGE_HEAD	16
#define MAX_PAGES	4

/**
 * pages - what is read
 * @in: the input; NULL: there are none
 * @page: the one that was read last
 * @expected: what is in it, @seen of @nr so far
 */
static struct {
	struct input *in;
	unsigned int nr_pages;
	uint64_t now;
	const char *page;
	struct { uint64_t ts; uint16_t id; size_t len; } expected[BUFFER_PAGE / 8];
	unsigned int nr, seen;
} pages;

static void see_record(uint64_t ts, int id, const void *data, uint32_t len)
{
	size_t at = (size_t)((const char *)data - pages.page);

	REQUIRE(at >= PAGE_HEAD && at <= BUFFER_PAGE && len <= BUFFER_PAGE - at, "%u bytes at %zu of the page", len, at);
	REQUIRE(pages.seen < pages.nr, "more than %u records", pages.nr);
	REQUIRE(pages.expected[pages.seen].ts == ts && pages.expected[pages.seen].id == id &&
		pages.expected[pages.seen].len == len, "record %u: event %d of %u bytes at %lu", pages.seen, id, len, ts);
	pages.seen++;
}

/* Something at *@at of a page: its word, and what follows it; false if there is no room for it. */
static bool put_in_page(char *page, size_t *at, uint32_t type, uint32_t delta, const void *bytes, size_t len)
{
	uint32_t word = type | delta << 5;

	if (len + sizeof(word) > BUFFER_PAGE - *at)
		return false;
	memcpy(page + *at, &word, sizeof(word));
	memcpy(page + *at + sizeof(word), bytes, len);
	*at += sizeof(word) + len;
	return true;
}

/* A record with its length in its word, or before it. */
static bool put_record(char *page, size_t *at, uint8_t how)
{
	uint64_t before = pages.now;
	size_t len, padded;
	unsigned char *data = take_record(pages.in, &pages.now, &len), with_len[256];
	uint32_t said, type, delta = (uint32_t)(pages.now - before);
	uint16_t id;
	bool ok;

	padded = (len + 3) & ~3UL;
	said = (uint32_t)padded + 4;
	type = how & 0x10 || padded > 112 ? 0 : (uint32_t)padded / 4;
	memcpy(with_len, &said, sizeof(said));
	memcpy(with_len + sizeof(said), data, padded);
	ok = put_in_page(page, at, type, delta, type ? data : with_len, padded + (type ? 0 : sizeof(said)));
	if (ok) {
		memcpy(&id, data, sizeof(id));
		pages.expected[pages.nr].ts = pages.now;
		pages.expected[pages.nr].id = id;
		pages.expected[pages.nr++].len = padded;
	}
	free(data);
	return ok;
}

static void require_all_seen(void)
{
	REQUIRE(pages.seen == pages.nr, "%u records of %u", pages.seen, pages.nr);
}

/*
 * A byte says what comes next: a record, a time that is far from the last, or a hole; or that this is the end of the page,
 * behind which events may have been missed.
 */
static int read_page(char *page)
{
	uint8_t how = 0, hole[68] = { 0 };
	size_t at = PAGE_HEAD;
	uint64_t commit;
	uint32_t word;
	bool ok = true;

	require_all_seen();
	if (!pages.in || !pages.in->left || pages.nr_pages++ == MAX_PAGES)
		return 0;
	memset(page, 0, BUFFER_PAGE);
	pages.page = page;
	pages.nr = pages.seen = 0;
	memcpy(page, &pages.now, sizeof(pages.now));
	while (ok && pages.in->left) {
		how = take_u8(pages.in);
		if (how >= 0xfd)
			break;
		if (how % 16 == 1) {
			word = take_u8(pages.in);
			ok = put_in_page(page, &at, KBUFFER_TYPE_TIME_EXTEND, how, &word, sizeof(word));
			pages.now += ok ? ((uint64_t)word << TS_SHIFT) + how : 0;
		} else if (how % 16 == 2) {
			/* its length has itself in it */
			hole[0] = how / 16 * 4 + sizeof(word);
			ok = put_in_page(page, &at, KBUFFER_TYPE_PADDING, 1, hole, hole[0]);
			pages.now += ok;
		} else {
			ok = put_record(page, &at, how);
		}
	}
	commit = at - PAGE_HEAD;
	if (how == 0xfe)
		commit |= 1U << 31 | (at + sizeof(uint64_t) <= BUFFER_PAGE ? 1U << 30 : 0);
	memcpy(page + 8, &commit, sizeof(commit));
	return BUFFER_PAGE;
}

static void print_json(void)
{
	static struct trace_session session;
	struct captured said;

	session.end_ns = 1000;
	capture(&said);
	trace_json(&session, stdout);
	end_capture(&said);
	require_json_lines(said.out, said.out_len);
	release(&said);
}

static void print_for_people(void)
{
	static const struct trace_options options = { .mechs = ~0U, .max_objects = 8 };
	static struct trace_session session;
	struct captured said;

	capture(&said);
	trace_report(&options, &session, stdout);
	for (unsigned int i = 0; i <= nr_trace_messages && i < 3; i++)
		trace_timeline(i, stdout);
	trace_print_hists(stdout);
	end_capture(&said);
	REQUIRE(!steers_terminal(said.out, said.out_len, "\n"), "a control character: %s", said.out);
	release(&said);
}

static void write_files(void)
{
	static int fd = -1;
	static char path[40], text[1 << 20];
	struct captured said;
	ssize_t len;
	int status;

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	REQUIRE(!trace_write_perfetto(path), "not written");
	len = pread(fd, text, sizeof(text) - 1, 0);
	REQUIRE(len > 0, "%zd bytes", len);
	text[len] = '\0';
	if ((size_t)len < sizeof(text) - 1)
		json_object_put(require_json(text, (size_t)len));
	/* with nothing to draw it says so */
	capture(&said);
	status = trace_svg(path);
	end_capture(&said);
	REQUIRE(!status == !said.err_len, "status %d, and says '%s'", status, said.err);
	release(&said);
}

static void free_hist(struct trace_hist *hist)
{
	free(hist->cells);
	memset(hist, 0, sizeof(*hist));
}

static void free_totals(struct trace_totals *totals)
{
	for (int d = 0; d < NR_DIRS; d++) {
		free_hist(&totals->copies[d].sizes);
		free_hist(&totals->total[d]);
		for (int s = 0; s < NR_STAGES; s++)
			free_hist(&totals->stages[d][s]);
	}
	free_hist(&totals->latency);
	memset(totals, 0, sizeof(*totals));
}

static void free_objects(void)
{
	for (unsigned int i = 0; i < NR_OBJECT_CELLS; i++) {
		while (objects[i]) {
			struct known *k = (struct known *)objects[i];

			objects[i] = k->object.next;
			for (int d = 0; d < NR_DIRS; d++)
				while (k->first[d])
					unlink_pending(k, d, &k->first[d]);
			free_totals(&k->object.totals);
			free(k);
		}
	}
	while (ipcx_names) {
		struct ipcx_name *name = ipcx_names;

		ipcx_names = name->next;
		free(name);
	}
}

/* The next input begins with nothing known. */
static void forget(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++) {
		while (threads[i]) {
			struct thread *th = threads[i];

			threads[i] = th->next;
			free(th->copies);
			free(th->ops);
			free(th);
		}
	}
	free_objects();
	for (int m = 0; m < NR_MECHS; m++) {
		free_totals(&trace_mechs[m]);
		for (int s = 0; s < NR_SIZES; s++) {
			for (int d = 0; trace_sizes[m][s] && d < NR_DIRS; d++)
				for (int stage = 0; stage < NR_STAGES; stage++)
					free_hist(&trace_sizes[m][s]->stages[d][stage]);
			free(trace_sizes[m][s]);
			trace_sizes[m][s] = NULL;
		}
	}
	nr_trace_paths = nr_trace_messages = 0;
	memset(names, 0, sizeof(names));
	free(t.arrivals);
	t.arrivals = NULL;
	t.nr_arrivals = t.max_arrivals = 0;
}

/* The module counts pieces, and each is looked at: a count is never large. */
static void follow_bounded(const struct trace_event *event)
{
	struct trace_event e = *event;

	if (e.kind == ON_IPCX_COPY_IN || e.kind == ON_IPCX_COPY_OUT)
		e.e %= 64;
	trace_follow(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input in = { bytes, len };
	uint64_t now = 1000;
	unsigned int nr = 0, threads_nr;
	uint8_t forms;
	char *text;

	if (!t.tep)
		learn_formats();
	/* what the kernel says that it has lost */
	forms = take_u8(&in);
	if (forms == 0xff) {
		stats_text = text = take_text(&in);
		count_lost();
		free(text);
		return 0;
	}
	memset(&pages, 0, sizeof(pages));
	if (forms & 0x20) {
		pages.in = &in;
		pages.now = now;
	}
	while (!pages.in && in.left && nr++ < 200)
		arrive_alone(&in, &now);
	drain(follow_bounded, true);
	free(trace_threads(&threads_nr));
	if (forms & 1)
		print_json();
	if (forms & 2)
		print_for_people();
	/* slower than all the rest */
	if ((forms & 0x1c) == 0x1c)
		write_files();
	forget();
	return 0;
}
