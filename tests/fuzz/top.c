// SPDX-License-Identifier: GPL-2.0
/*
 * `ipcx top`: keys, or what else comes from its terminal, of any size; what /proc says of processes that have chosen their
 * names; and the names of objects.  If this fails, another user's process or object crashes it, writes to its terminal or
 * spoils the picture; or some keys leave nothing that others could end.
 */
#include "check-json.h"
#include "no-device.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "trace/trace.h"

#define value_of	value_in_text
#define find_holders	find_holders_in_proc
#include "../../tools/ipcx/holders.c"
#undef value_of
#undef find_holders

static struct holder *take_holders(unsigned int *nr);
static int take_names(const char *after, struct ipcx_list_entry *entries, unsigned int nr);
static const struct trace_totals *take_totals(void);
static struct trace_thread *take_threads(unsigned int *nr);
static const char *take_thread_name(void);
static FILE *open_status(void);
static int key_there(void);
static ssize_t take_keys(char *keys, size_t len);
static int take_size(struct winsize *size);
static int take_time(struct timespec *ts);

#define find_holders(nr)		take_holders(nr)
#define ipcx_list(after, entries, nr)	take_names(after, entries, nr)
#define trace_ipcx_totals(id)		((void)(id), take_totals())
#define trace_threads(nr)		take_threads(nr)
#define trace_thread_name(tid)		((void)(tid), take_thread_name())
#define fopen(path, mode)		((void)(path), open_status())
#define poll(fds, nr, ms)		((void)(fds), key_there())
#define read(fd, buf, len)		take_keys(buf, len)
#define ioctl(fd, request, size)	take_size(size)
#define clock_gettime(clock, ts)	take_time(ts)
#include "../../tools/ipcx/cmd-top.c"
#undef fopen
#undef poll
#undef read
#undef ioctl
#undef clock_gettime

#define MAX_TICKS	32

/**
 * from - the input, and what of it is on its way
 * @keys: that have been typed and not been read; @at_end: the terminal is gone
 * @status: of a process
 */
static struct {
	struct input *in;
	char keys[16], status[256];
	size_t nr_keys, status_len;
	bool at_end;
	struct winsize size;
	uint64_t now;
} from;

/* The next @len bytes as a text, of which a zero is the end. */
static void take_short_text(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text[i] = (char)take_u8(from.in);
	text[len] = '\0';
}

/* As scan_process() does it, with what fdinfo and comm may say. */
static struct holder *take_holders(unsigned int *nr)
{
	static const char *const kinds[] = { "queue", "region", "semaphore", "event", "stream" };
	unsigned int most = take_u8(from.in) % 4;
	struct holder *all = calloc(most + 1, sizeof(*all));
	char text[256], name[32];

	*nr = 0;
	for (unsigned int i = 0; all && i < most; i++) {
		int len = snprintf(text, sizeof(text), "ipcx-kind:\t%s\nipcx-id:\t%u\n", kinds[take_u8(from.in) % 5],
				   take_u8(from.in) % 8);

		take_short_text(text + len, take_u8(from.in) % 64);
		all[*nr].pid = take_u8(from.in) % 8;
		all[*nr].fd = take_u8(from.in);
		take_short_text(name, 15);
		copy_printable(all[*nr].comm, sizeof(all[*nr].comm), name);
		if (parse(text, &all[*nr]))
			++*nr;
	}
	return all;
}

/* Names as the module has them: any bytes, but neither '/' nor control characters of ASCII. */
static int take_names(const char *after, struct ipcx_list_entry *entries, unsigned int nr)
{
	unsigned int most = after ? 0 : take_u8(from.in) % 4;

	REQUIRE(nr >= most, "%u names", nr);
	memset(entries, 0, most * sizeof(*entries));
	for (unsigned int i = 0; i < most; i++) {
		unsigned int len = 1 + take_u8(from.in) % 24;

		entries[i].id = take_u8(from.in) % 8;
		entries[i].kind = IPCX_KIND_QUEUE + take_u8(from.in) % 5;
		take_short_text(entries[i].name, len);
		for (unsigned int j = 0; j < len; j++) {
			unsigned char c = (unsigned char)entries[i].name[j];

			if (c < ' ' || c == 0x7f || c == '/')
				entries[i].name[j] = 'n';
		}
	}
	return (int)most;
}

static const struct trace_totals *take_totals(void)
{
	static struct trace_totals totals;

	if (!(take_u8(from.in) & 1))
		return NULL;
	totals.messages[DIR_SEND] = take_u64(from.in);
	totals.bytes[DIR_SEND] = take_u32(from.in);
	totals.stages[DIR_SEND][STAGE_COPY].sum = take_u32(from.in);
	return &totals;
}

static struct trace_thread *take_threads(unsigned int *nr)
{
	struct trace_thread *all;

	*nr = take_u8(from.in) % 3;
	all = calloc(*nr + 1, sizeof(*all));
	for (unsigned int i = 0; all && i < *nr; i++) {
		all[i].tid = take_u8(from.in);
		all[i].messages = take_u32(from.in);
	}
	return all;
}

/* As trace/collect.c learns it. */
static const char *take_thread_name(void)
{
	static char name[16];
	char text[16];

	take_short_text(text, 15);
	copy_printable(name, sizeof(name), text);
	return name;
}

static FILE *open_status(void)
{
	from.status_len = take_u8(from.in);
	for (size_t i = 0; i < from.status_len; i++)
		from.status[i] = (char)take_u8(from.in);
	return from.status_len ? fmemopen(from.status, from.status_len, "r") : NULL;
}

static int key_there(void)
{
	return from.nr_keys || from.at_end;
}

static ssize_t take_keys(char *keys, size_t len)
{
	if (len > from.nr_keys)
		len = from.nr_keys;
	memcpy(keys, from.keys, len);
	from.nr_keys -= len;
	memmove(from.keys, from.keys + len, from.nr_keys);
	return (ssize_t)len;
}

static int take_size(struct winsize *size)
{
	*size = from.size;
	return 0;
}

static int take_time(struct timespec *ts)
{
	from.now += take_u8(from.in) * 10 * NS_PER_MS;
	ts->tv_sec = (time_t)(from.now / NS_PER_SEC);
	ts->tv_nsec = (long)(from.now % NS_PER_SEC);
	return 0;
}

/* ---- properties ---- */

/* What a picture for a terminal is made of besides text. */
static size_t known_sequence(const char *at)
{
	static const char *const all[] = { "\033[H", "\033[J", "\033[K\r\n", "\033[7m", "\033[m" };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (!strncmp(at, all[i], strlen(all[i])))
			return strlen(all[i]);
	return 0;
}

/* Of one screen: no line is longer, no more lines than there are, and nothing that we do not know. */
static void require_picture(const char *text, size_t len)
{
	unsigned int rows = from.size.ws_row && from.size.ws_col ? from.size.ws_row : 24, nr = 0;
	size_t columns = from.size.ws_row && from.size.ws_col ? from.size.ws_col : 80, width = 0, used;
	char *plain = malloc(len + 1);
	size_t plain_len = 0;

	if (!plain)
		abort();
	for (size_t i = 0; i < len; i += used ? used : 1) {
		used = known_sequence(text + i);
		if (!used) {
			plain[plain_len++] = text[i];
			width++;
		} else if (used == 5) {
			REQUIRE(width <= columns, "a line of %zu in %zu columns", width, columns);
			REQUIRE(++nr < rows, "%u lines of %u", nr, rows);
			width = 0;
		}
	}
	REQUIRE(!steers_terminal(plain, plain_len, ""), "a control character: %.*s", (int)plain_len, plain);
	free(plain);
}

static void require_sane(const struct captured *said)
{
	REQUIRE(top.view <= VIEW_KEYS && top.under <= VIEW_PROCESSES, "view %d over %d", top.view, top.under);
	REQUIRE(top.sort >= 0 && (size_t)top.sort < ARRAY_SIZE(sorts), "sorted by %d", top.sort);
	REQUIRE(!said->err_len, "says '%s'", said->err);
	if (!said->out_len)
		return;
	if (top.json)
		require_json_lines(said->out, said->out_len);
	else if (!top.batch)
		require_picture(said->out, said->out_len);
	REQUIRE(!top.batch || !steers_terminal(said->out, said->out_len, "\n"), "a control character: %s", said->out);
}

/* A process is what a line of its status says, and otherwise the thread. */
static void fuzz_status(void)
{
	uint64_t pid = process_of(7), expected = 7, number;
	char line[64], *rest;
	size_t len;

	for (const char *at = from.status, *end = at + from.status_len; at < end; at += len) {
		/* as much as is read at once */
		for (len = 0; len < sizeof(line) - 1 && at + len < end && (!len || at[len - 1] != '\n'); len++)
			line[len] = at[len];
		line[len] = '\0';
		if (strncmp(line, "Tgid:", 5))
			continue;
		number = strtoull(line + 5, &rest, 10);
		if (rest == line + 5)
			continue;
		expected = number;
		break;
	}
	REQUIRE(pid == expected, "process %lu and not %lu", pid, expected);
}

/* A byte of flags, the terminal's size; then for each tick how many keys come, and they; then what is looked at. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input in = { bytes, len };
	uint8_t flags = take_u8(&in);
	struct captured said;
	bool more = true;

	memset(&top, 0, sizeof(top));
	memset(&from, 0, sizeof(from));
	from.in = &in;
	if (flags & 0x80) {
		fuzz_status();
		return 0;
	}
	top.delay = 0.5;
	top.json = flags & 1;
	top.batch = flags & 3;
	top.tracing = flags & 4;
	top.view = flags & 8 ? VIEW_PROCESSES : VIEW_OBJECTS;
	from.size = (struct winsize){ .ws_row = take_u8(&in), .ws_col = flags & 0x10 ? take_u16(&in) : take_u8(&in) };
	for (int i = 0; i < MAX_TICKS && more; i++) {
		from.at_end = !in.left;
		from.nr_keys = take_u8(&in) % sizeof(from.keys);
		if (from.nr_keys > in.left)
			from.nr_keys = in.left;
		for (size_t k = 0; k < from.nr_keys; k++)
			from.keys[k] = (char)take_u8(&in);
		capture(&said);
		more = tick();
		end_capture(&said);
		require_sane(&said);
		release(&said);
	}
	/* a terminal that is gone ends it, whatever was on it */
	REQUIRE(!more || !from.at_end || top.batch, "it goes on");
	free(top.rows);
	free(top.before);
	free(top.holders);
	return 0;
}
