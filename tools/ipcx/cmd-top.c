// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx top: the objects that are busy now, and the processes that make them so.
 *
 * What there is comes from /proc; how much passes, and what copying it costs, from the module's tracepoints if the
 * caller may use them (trace/ has the engine), or else from the objects' own counters, as far as these go.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "holders.h"
#include "trace/trace.h"

static const char top_help[] =
"Usage: ipcx top [OPTION...]\n"
"The busiest objects, live: messages and bytes per second, depth, waiters, the cost of copying,\n"
"and the processes behind them. As root, rates come from the module's tracepoints, which slows\n"
"messages a little; otherwise, and with --counters, from the objects' own counters.\n"
"\n"
"  -d, --delay TIME    between two pictures (2)\n"
"  -n, --count N       end after N pictures\n"
"  -b, --batch         no terminal needed: one picture under the other\n"
"  -j, --json          the same, one JSON object for each object or process\n"
"  -p, --processes     begin with the processes\n"
"  -s, --sort KEY      messages (default), bytes, copy, depth, waiters, memory or name\n"
"      --counters      do not use tracepoints\n"
"\n"
"Keys: p processes or objects; m b c d w M n what to sort by; up, down, Enter one of them;\n"
"q or Escape back; ? these keys.\n";

#define TICK_MS		40
#define MAX_LINE	512

enum { KEY_UP = 256, KEY_DOWN, KEY_ENTER, KEY_ESCAPE };
enum view { VIEW_OBJECTS, VIEW_PROCESSES, VIEW_ONE, VIEW_KEYS };

/* A line of the picture: an object, or a process. */
struct row {
	uint64_t key;			/* number of the object, or of the process */
	unsigned int kind;		/* 0: a process */
	char name[IPCX_NAME_MAX + 1];
	uint64_t messages, byte_count, copy_ns;	/* so far */
	double msgs, bytes, copy;	/* per second; copying: of a processor, in per cent */
	bool has_bytes;
	uint64_t depth, waiters, users, charged;
};

static const struct sort {
	const char *name;
	int letter;
} sorts[] = {
	{ "messages", 'm' }, { "bytes", 'b' }, { "copy", 'c' }, { "depth", 'd' }, { "waiters", 'w' },
	{ "memory", 'M' }, { "name", 'n' },
};

static struct {
	double delay;
	uint64_t count, shown;
	bool batch, json, counters;
	/* the picture */
	enum view view, under;
	int sort;
	struct row *rows, *before;
	unsigned int nr_rows, nr_before;
	struct holder *holders;
	unsigned int nr_holders;
	uint64_t at, selected;		/* time of the rows; key of the line that is marked */
	unsigned int lines_left;	/* of the terminal; its last one stays empty */
	bool tracing, ended, looked;
	struct termios terminal;
} top = { .delay = 2 };

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

/* ---- what there is ---- */

static struct row *row_of(uint64_t key, unsigned int kind)
{
	struct row *more;

	for (unsigned int i = 0; i < top.nr_rows; i++)
		if (top.rows[i].key == key)
			return &top.rows[i];
	more = realloc(top.rows, (top.nr_rows + 1) * sizeof(*more));
	if (!more)
		return NULL;
	top.rows = more;
	more += top.nr_rows++;
	*more = (struct row){ .key = key, .kind = kind };
	return more;
}

static void take_objects(void)
{
	struct ipcx_list_entry entries[64];
	char after[sizeof(entries[0].name)] = "";
	struct row *row;
	int nr;

	for (unsigned int i = 0; i < top.nr_holders; i++) {
		const struct holder *h = &top.holders[i];

		row = row_of(h->id, h->kind);
		if (!row)
			return;
		snprintf(row->name, sizeof(row->name), "(%s)", h->comm);
		row->messages = h->sent;
		row->depth = h->depth;
		row->waiters = h->waiters;
		row->users = h->users;
		row->charged = h->charged;
	}
	for (nr = ipcx_list(NULL, entries, ARRAY_SIZE(entries)); nr > 0;
	     nr = ipcx_list(after, entries, ARRAY_SIZE(entries))) {
		for (int i = 0; i < nr; i++) {
			row = row_of(entries[i].id, entries[i].kind);
			if (row)
				copy_printable(row->name, sizeof(row->name), entries[i].name);
		}
		memcpy(after, entries[nr - 1].name, sizeof(after));
	}
	for (unsigned int i = 0; top.tracing && i < top.nr_rows; i++) {
		const struct trace_totals *t = trace_ipcx_totals(top.rows[i].key);

		top.rows[i].has_bytes = true;
		top.rows[i].messages = t ? t->messages[DIR_SEND] : 0;
		top.rows[i].byte_count = t ? t->bytes[DIR_SEND] : 0;
		top.rows[i].copy_ns = t ? t->stages[DIR_SEND][STAGE_COPY].sum + t->stages[DIR_RECV][STAGE_COPY].sum : 0;
	}
}

/* The process of a thread, which is most often its own. */
static uint64_t process_of(uint32_t tid)
{
	char path[32], line[64];
	uint64_t pid = tid;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%u/status", tid);
	in = fopen(path, "r");
	while (in && fgets(line, sizeof(line), in))
		if (sscanf(line, "Tgid: %lu", &pid) == 1)
			break;
	if (in)
		fclose(in);
	return pid;
}

static void take_processes(void)
{
	struct trace_thread *threads;
	unsigned int nr;
	struct row *row;

	for (unsigned int i = 0; i < top.nr_holders; i++) {
		const struct holder *h = &top.holders[i];

		row = row_of(h->pid, 0);
		if (!row)
			return;
		snprintf(row->name, sizeof(row->name), "%s", h->comm);
		row->users++;
		row->charged += h->charged / (h->users ? h->users : 1);
	}
	if (!top.tracing)
		return;
	threads = trace_threads(&nr);
	for (unsigned int i = 0; i < nr; i++) {
		row = row_of(process_of(threads[i].tid), 0);
		if (!row)
			break;
		if (!*row->name)
			snprintf(row->name, sizeof(row->name), "%s", trace_thread_name(threads[i].tid));
		row->has_bytes = true;
		row->messages += threads[i].messages;
		row->byte_count += threads[i].bytes;
		row->copy_ns += threads[i].copy_ns;
	}
	free(threads);
}

static double value_of(const struct row *row, int sort)
{
	switch (sorts[sort].letter) {
	case 'm':
		return row->msgs;
	case 'b':
		return row->bytes;
	case 'c':
		return row->copy;
	case 'd':
		return row->depth;
	case 'w':
		return row->waiters;
	case 'M':
		return row->charged;
	default:
		return 0;
	}
}

static int compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	double p = value_of(x, top.sort), q = value_of(y, top.sort);

	return p > q ? -1 : p < q ? 1 : strcmp(x->name, y->name);
}

/* A new look; rates are against the one before. */
static void look(void)
{
	bool processes = top.view == VIEW_PROCESSES || (top.view != VIEW_OBJECTS && top.under == VIEW_PROCESSES);
	uint64_t now = now_ns();
	double seconds = top.at ? (now - top.at) / 1e9 : 0;

	free(top.before);
	top.before = top.rows;
	top.nr_before = top.nr_rows;
	top.rows = NULL;
	top.nr_rows = 0;
	free(top.holders);
	top.holders = find_holders(&top.nr_holders);
	if (processes)
		take_processes();
	else
		take_objects();
	for (unsigned int i = 0; i < top.nr_rows && seconds > 0; i++) {
		struct row *row = &top.rows[i];

		for (unsigned int j = 0; j < top.nr_before; j++) {
			const struct row *old = &top.before[j];

			if (old->key != row->key || !old->kind != !row->kind || old->messages > row->messages)
				continue;
			row->msgs = (row->messages - old->messages) / seconds;
			row->bytes = (row->byte_count - old->byte_count) / seconds;
			row->copy = (row->copy_ns - old->copy_ns) / seconds / 1e7;
		}
	}
	top.at = now;
	if (top.nr_rows)
		qsort(top.rows, top.nr_rows, sizeof(*top.rows), compare);
}

/* ---- the picture ---- */

/* Write a line, cut to the terminal. */
static void __attribute__((format(printf, 4, 5)))
put(FILE *out, unsigned int width, bool marked, const char *fmt, ...)
{
	char line[MAX_LINE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (top.batch) {
		fprintf(out, "%s\n", line);
		return;
	}
	if (!top.lines_left)
		return;
	top.lines_left--;
	fprintf(out, "%s%.*s%s\033[K\r\n", marked ? "\033[7m" : "", (int)width, line, marked ? "\033[m" : "");
}

static void put_row(FILE *out, unsigned int width, const struct row *row)
{
	char bytes[16] = "-", copy[16] = "-", memory[16], msgs[16] = "-";
	bool marked = !top.batch && row->key == top.selected;

	if (row->has_bytes) {
		format_size(row->bytes, bytes);
		snprintf(copy, sizeof(copy), "%.1f", row->copy);
	}
	if (row->has_bytes || row->kind == IPCX_KIND_QUEUE)
		snprintf(msgs, sizeof(msgs), "%.0f", row->msgs);
	format_size(row->charged, memory);
	if (row->kind)
		put(out, width, marked, "%-9s %-15.15s %8s %10s %6s %7llu %4llu %4llu %9s", kind_name(row->kind), row->name,
		    msgs, bytes, copy, (unsigned long long)row->depth, (unsigned long long)row->waiters,
		    (unsigned long long)row->users, memory);
	else
		put(out, width, marked, "%8llu %-19.19s %8s %10s %6s %12llu %9s", (unsigned long long)row->key,
		    row->name, msgs, bytes, copy, (unsigned long long)row->users, memory);
}

static void put_one(FILE *out, unsigned int width, unsigned int height)
{
	const struct trace_totals *t = top.under == VIEW_OBJECTS && top.tracing ? trace_ipcx_totals(top.selected) : NULL;
	static const char *const sides[NR_DIRS] = { "send", "receive" };
	unsigned int left = height > 12 ? height - 12 : 1;

	for (unsigned int i = 0; i < top.nr_rows; i++)
		if (top.rows[i].key == top.selected)
			put_row(out, width, &top.rows[i]);
	for (int d = 0; t && d < NR_DIRS; d++)
		if (t->total[d].nr)
			put(out, width, false, "a %-8s call: %.1f us (p99 %.1f), copying %.1f, waiting %.1f", sides[d],
			    trace_hist_at(&t->total[d], 0.5) / 1e3, trace_hist_at(&t->total[d], 0.99) / 1e3,
			    trace_hist_at(&t->stages[d][STAGE_COPY], 0.5) / 1e3,
			    trace_hist_at(&t->stages[d][STAGE_WAIT], 0.5) / 1e3);
	if (t && t->latency.nr)
		put(out, width, false, "from sender to receiver: %.1f us (p99 %.1f)", trace_hist_at(&t->latency, 0.5) / 1e3,
		    trace_hist_at(&t->latency, 0.99) / 1e3);
	put(out, width, false, "%s", "");
	put(out, width, false, "%8s %-16s %4s %-6s %-9s %8s %7s", "PID", "COMMAND", "FD", "RIGHTS", "KIND", "OBJECT",
	    "DEPTH");
	for (unsigned int i = 0; i < top.nr_holders && left; i++) {
		const struct holder *h = &top.holders[i];

		if (top.selected != (top.under == VIEW_OBJECTS ? h->id : (uint64_t)h->pid))
			continue;
		put(out, width, false, "%8d %-16s %4d %-6s %-9s %8llu %7llu", h->pid, h->comm, h->fd, h->rights,
		    kind_name(h->kind), (unsigned long long)h->id, (unsigned long long)h->depth);
		left--;
	}
}

static void put_picture(FILE *out, unsigned int width, unsigned int height)
{
	unsigned int nr_shown = top.batch ? top.nr_rows : height > 4 ? height - 4 : 0;
	struct ipcx_query query = { 0 };
	char used[16], most[16], clock[16];
	time_t now = time(NULL);

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
	ipcx_query(&query);
	put(out, width, false, "ipcx top - %s, %s by %s: %u; your quota: %s of %s", clock,
	    top.view == VIEW_PROCESSES ? "processes" : "objects", sorts[top.sort].name, top.nr_rows,
	    format_size(query.user_bytes_used, used), format_size(query.user_bytes, most));
	put(out, width, false, top.tracing ? "rates from tracepoints (? keys)" :
	    "rates from counters: neither bytes nor copying are known (as root they are; ? keys)");
	if (top.view == VIEW_KEYS) {
		for (const char *line = strstr(top_help, "Keys:"); *line; line += strcspn(line, "\n") + 1)
			put(out, width, false, "%.*s", (int)strcspn(line, "\n"), line);
		return;
	}
	if ((top.view == VIEW_ONE ? top.under : top.view) == VIEW_OBJECTS)
		put(out, width, false, "%-9s %-15s %8s %10s %6s %7s %4s %4s %9s", "KIND", "NAME", "MSG/s", "BYTES/s", "COPY%",
		    "DEPTH", "WAIT", "OPEN", "MEMORY");
	else
		put(out, width, false, "%8s %-19s %8s %10s %6s %12s %9s", "PID", "COMMAND", "MSG/s", "BYTES/s", "COPY%",
		    "DESCRIPTORS", "MEMORY");
	if (top.view == VIEW_ONE) {
		put_one(out, width, height);
		return;
	}
	for (unsigned int i = 0; i < top.nr_rows && i < nr_shown; i++)
		put_row(out, width, &top.rows[i]);
}

static void put_json(FILE *out)
{
	for (unsigned int i = 0; i < top.nr_rows; i++) {
		const struct row *row = &top.rows[i];
		struct json json;

		json_begin(&json, out);
		if (row->kind) {
			json_text(&json, "kind", kind_name(row->kind));
			json_u64(&json, "id", row->key);
		} else {
			json_u64(&json, "pid", row->key);
		}
		json_text(&json, "name", row->name);
		json_u64(&json, "messages_per_s", row->msgs + 0.5);
		if (row->has_bytes) {
			json_u64(&json, "bytes_per_s", row->bytes + 0.5);
			json_u64(&json, "copy_ns_per_s", row->copy * 1e7);
		}
		json_u64(&json, "depth", row->depth);
		json_u64(&json, "waiters", row->waiters);
		json_u64(&json, "open", row->users);
		json_u64(&json, "charged", row->charged);
		json_end(&json);
		fputc('\n', out);
	}
}

static void draw(void)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (top.json) {
		put_json(stdout);
		fflush(stdout);
		return;
	}
	if (!top.batch && (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col))
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	out = open_memstream(&text, &len);
	if (!out)
		return;
	top.lines_left = size.ws_row - 1;
	if (!top.batch)
		fputs("\033[H", out);
	put_picture(out, size.ws_col, size.ws_row);
	fputs(top.batch ? "\n" : "\033[J", out);
	if (!fclose(out))
		fwrite(text, 1, len, stdout);
	free(text);
	fflush(stdout);
}

/* ---- keys ---- */

static int read_key(void)
{
	struct pollfd in = { STDIN_FILENO, POLLIN, 0 };
	char c, more[2];

	if (top.batch || poll(&in, 1, 0) <= 0)
		return 0;
	if (read(STDIN_FILENO, &c, 1) != 1)
		return 'q';
	if (c == '\r' || c == '\n')
		return KEY_ENTER;
	if (c != '\033')
		return c;
	if (poll(&in, 1, TICK_MS) <= 0 || read(STDIN_FILENO, more, 2) != 2)
		return KEY_ESCAPE;
	return more[1] == 'A' ? KEY_UP : more[1] == 'B' ? KEY_DOWN : 0;
}

static void move_mark(int by)
{
	int at = -1;

	for (unsigned int i = 0; i < top.nr_rows; i++)
		if (top.rows[i].key == top.selected)
			at = i;
	at = at < 0 ? 0 : at + by;
	if (at >= 0 && at < (int)top.nr_rows)
		top.selected = top.rows[at].key;
}

static void go_back(void)
{
	if (top.view == VIEW_ONE || top.view == VIEW_KEYS)
		top.view = top.under;
	else
		top.ended = true;
}

static void obey(int key)
{
	bool is_list = top.view == VIEW_OBJECTS || top.view == VIEW_PROCESSES;

	switch (key) {
	case 'q':
	case KEY_ESCAPE:
		go_back();
		return;
	case '?':
	case 'h':
		if (is_list)
			top.under = top.view;
		top.view = VIEW_KEYS;
		return;
	case 'p':
		if (!is_list)
			top.view = top.under;
		top.view = top.view == VIEW_OBJECTS ? VIEW_PROCESSES : VIEW_OBJECTS;
		top.selected = 0;
		top.at = 0;
		return;
	case KEY_UP:
	case KEY_DOWN:
		if (is_list)
			move_mark(key == KEY_UP ? -1 : 1);
		return;
	case KEY_ENTER:
		if (is_list && top.nr_rows) {
			if (!top.selected)
				move_mark(0);
			top.under = top.view;
			top.view = VIEW_ONE;
		}
		return;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(sorts); i++)
		if (sorts[i].letter == key)
			top.sort = i;
}

/* Called every TICK_MS: keys at once, pictures when it is time. */
static bool tick(void)
{
	bool due = !top.at || now_ns() - top.at >= top.delay * NS_PER_SEC, drawn = false;
	int key;

	while (!top.ended && (key = read_key())) {
		obey(key);
		due |= !top.at;
		drawn = true;
	}
	if (due && !top.ended) {
		look();
		/* rates need two looks: a program waits for the second */
		if (!top.batch || top.looked) {
			draw();
			if (top.count && ++top.shown >= top.count)
				top.ended = true;
		}
		top.looked = true;
	} else if (drawn && !top.ended) {
		if (top.nr_rows)
			qsort(top.rows, top.nr_rows, sizeof(*top.rows), compare);
		draw();
	}
	return !top.ended;
}

static void take_terminal(void)
{
	struct termios raw = top.terminal;

	raw.c_lflag &= ~(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	/* the other screen, without a cursor */
	fputs("\033[?1049h\033[?25l", stdout);
}

static void give_terminal_back(void)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &top.terminal);
}

/* Without tracing: only look, until somebody has had enough. */
static void run_counters(void)
{
	struct timespec pause = { 0, TICK_MS * NS_PER_MS };
	sigset_t stop;
	int signo;

	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	do {
		signo = sigtimedwait(&stop, NULL, &pause);
	} while (signo != SIGINT && signo != SIGTERM && tick());
}

static void run(void)
{
	struct trace_options o = {
		.mechs = 1U << MECH_IPCX_QUEUE | 1U << MECH_IPCX_STREAM | 1U << MECH_IPCX_SEM | 1U << MECH_IPCX_EVENT |
			 1U << MECH_IPCX_REGION,
		.all = true, .buffer_kb = 4096, .tick = tick, .quiet = true,
	};
	struct trace_session session;

	top.tracing = !top.counters && !geteuid();
	if (top.tracing) {
		int ret = trace_collect(&o, &session, trace_follow);

		trace_session_free(&session);
		if (!ret)
			return;
		top.tracing = false;
	}
	run_counters();
}

static int parse_sort(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(sorts); i++)
		if (!strcmp(sorts[i].name, name)) {
			top.sort = i;
			return STATUS_OK;
		}
	return usage_error("'%s' is nothing to sort by", name);
}

enum { OPT_COUNTERS = 256 };

static int parse_option(int option)
{
	uint64_t ns;

	switch (option) {
	case 'd':
		if (parse_duration(optarg, &ns) || ns < 50 * NS_PER_MS)
			return usage_error("'%s' is not a delay of at least 50ms", optarg);
		top.delay = ns / 1e9;
		return STATUS_OK;
	case 'n':
		if (parse_number(optarg, 1, UINT32_MAX, &top.count))
			return usage_error("'%s' is not a number of pictures", optarg);
		return STATUS_OK;
	case 'j':
		top.json = true;
		/* fall through */
	case 'b':
		top.batch = true;
		return STATUS_OK;
	case 'p':
		top.view = VIEW_PROCESSES;
		return STATUS_OK;
	case 's':
		return parse_sort(optarg);
	case OPT_COUNTERS:
		top.counters = true;
		return STATUS_OK;
	default:
		return usage_hint();
	}
}

int cmd_top(int argc, char **argv)
{
	static const struct option options[] = {
		{ "delay", required_argument, NULL, 'd' },
		{ "count", required_argument, NULL, 'n' },
		{ "batch", no_argument, NULL, 'b' },
		{ "json", no_argument, NULL, 'j' },
		{ "processes", no_argument, NULL, 'p' },
		{ "sort", required_argument, NULL, 's' },
		{ "counters", no_argument, NULL, OPT_COUNTERS },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct ipcx_query query;
	int option, ret;

	while ((option = getopt_long(argc, argv, "d:n:bjps:h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(top_help, stdout);
			return finish_output();
		}
		ret = parse_option(option);
		if (ret)
			return ret;
	}
	if (optind < argc)
		return usage_error("what is '%s'?", argv[optind]);
	ret = ipcx_query(&query);
	if (ret)
		return report(ret, "ask the module");
	if (!top.batch && (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &top.terminal)))
		return usage_error("this is no terminal: --batch does without");
	if (!top.batch)
		take_terminal();
	run();
	if (!top.batch)
		give_terminal_back();
	free(top.rows);
	free(top.before);
	free(top.holders);
	return finish_output();
}
