// SPDX-License-Identifier: GPL-2.0
/*
 * What the subcommands share: messages, values on the command line, opening by name.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

const char *command_name = "ipcx";

struct error_meaning {
	int err;
	const char *text;
	const char *advice;	/* what to do about it, or NULL */
};

static const struct error_meaning error_meanings[] = {
	{ EACCES, "permission denied",
	  "its mode does not allow this to you: `ipcx ls -l` shows mode and owner" },
	{ EAGAIN, "it would have to wait", "leave out --nowait, or give a --timeout" },
	{ EBUSY, "it is in use", NULL },
	{ EDQUOT, "its owner's memory quota is used up",
	  "receive or purge messages, or remove objects; `ipcx stat` without a name shows the "
	  "quota" },
	{ EEXIST, "the name exists already",
	  "`ipcx ls -l` shows what it is, `ipcx rm` removes it" },
	{ EINVAL, "a value is out of range, or the name is not valid",
	  "a name is 1 to 255 bytes without '/' and control characters" },
	{ EMSGSIZE, "the message is too large", "`ipcx stat NAME` shows the largest that fits" },
	{ ENAMETOOLONG, "the name is longer than 255 bytes", NULL },
	{ ENOENT, "there is no such name", "`ipcx ls` shows the names, `ipcx create` makes one" },
	{ ENOMEM, "the kernel has no memory", NULL },
	{ ENOTTY, "the loaded module does not know this command",
	  "load the module that was built with this command" },
	{ E2BIG, "the loaded module is older than this command",
	  "load the module that was built with this command" },
	{ EOPNOTSUPP, "the object was not created for this", NULL },
	{ EOVERFLOW, "the count would exceed the semaphore's maximum",
	  "`ipcx stat NAME` shows both" },
	{ EPERM, "only its owner may do this", "`ipcx ls -l` shows the owner" },
	{ EPIPE, "it has been shut down", "remove it and create it again to start afresh" },
	{ ETIMEDOUT, "the timeout has passed", NULL },
};

static const struct error_meaning *find_meaning(int err)
{
	for (size_t i = 0; i < ARRAY_SIZE(error_meanings); i++)
		if (error_meanings[i].err == -err)
			return &error_meanings[i];
	return NULL;
}

const char *error_text(int err)
{
	const struct error_meaning *meaning = find_meaning(err);

	return meaning ? meaning->text : strerror(-err);
}

int report(int err, const char *what, ...)
{
	const struct error_meaning *meaning = find_meaning(err);
	const char *text = error_text(err);
	const char *advice = meaning ? meaning->advice : NULL;
	va_list args;

	/*
	 * Without the module every command fails, and with errors that mean something else
	 * otherwise.
	 */
	if (access(IPCX_DEVICE, F_OK) && (err == -ENOENT || err == -ENXIO || err == -ENODEV)) {
		text = "there is no " IPCX_DEVICE ": the module is not loaded";
		advice = "in the source tree run `make load` (here) or `make vm` (a shell in a "
			 "machine that has it)";
	} else if (err == -EACCES && access(IPCX_DEVICE, R_OK | W_OK)) {
		text = IPCX_DEVICE " may not be opened by you";
		advice = "its mode is 0666 when the module creates it: `ls -l " IPCX_DEVICE "`";
	}
	fflush(stdout);
	fprintf(stderr, "%s: cannot ", command_name);
	va_start(args, what);
	vfprintf(stderr, what, args);
	va_end(args);
	fprintf(stderr, ": %s\n", text);
	if (advice)
		fprintf(stderr, "  %s\n", advice);
	return STATUS_FAILED;
}

int report_text(const char *text, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: ", command_name);
	va_start(args, text);
	vfprintf(stderr, text, args);
	va_end(args);
	fputc('\n', stderr);
	return STATUS_FAILED;
}

int usage_error(const char *text, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", command_name);
	va_start(args, text);
	vfprintf(stderr, text, args);
	va_end(args);
	fputc('\n', stderr);
	return usage_hint();
}

int usage_hint(void)
{
	fprintf(stderr, "Try '%s --help'.\n", command_name);
	return STATUS_USAGE;
}

/* strtoull() skips blanks and accepts a sign; neither belongs in a value. */
static int parse_digits(const char *text, int base, uint64_t *number, const char **end)
{
	char *stop;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	*number = strtoull(text, &stop, base);
	if (errno || stop == text)
		return -EINVAL;
	*end = stop;
	return 0;
}

int parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *end;
	uint64_t value;

	if (parse_digits(text, hex ? 16 : 10, &value, &end) || *end || value < min || value > max)
		return -EINVAL;
	*number = value;
	return 0;
}

int parse_mode(const char *text, mode_t *mode)
{
	const char *end;
	uint64_t value;

	if (parse_digits(text, 8, &value, &end) || *end || value > 0777)
		return -EINVAL;
	*mode = value;
	return 0;
}

int parse_size(const char *text, uint64_t *size)
{
	static const char units[] = "KMGT";
	unsigned int shift = 0;
	const char *end, *unit;
	uint64_t value;

	if (parse_digits(text, 10, &value, &end))
		return -EINVAL;
	if (*end) {
		unit = strchr(units, toupper((unsigned char)*end));
		if (unit) {
			shift = 10 * (unit - units + 1);
			end++;
			if (*end == 'i')
				end++;
		}
		if (*end == 'B')
			end++;
	}
	if (*end || value > UINT64_MAX >> shift)
		return -EINVAL;
	*size = value << shift;
	return 0;
}

/* @fraction / @scale of a unit, where @scale is a power of 10 up to 10^9; rounded down. */
static uint64_t part_of(uint64_t unit_ns, uint64_t fraction, uint64_t scale)
{
	/* A second and more are multiples of it; of less, the product fits. */
	return unit_ns % scale ? fraction * unit_ns / scale : fraction * (unit_ns / scale);
}

int parse_duration(const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "", NS_PER_SEC }, { "s", NS_PER_SEC }, { "ms", NS_PER_MS }, { "us", 1000 },
		{ "ns", 1 }, { "m", 60 * NS_PER_SEC }, { "h", 3600 * NS_PER_SEC },
	};
	uint64_t value, result, fraction = 0, scale = 1;
	const char *end;

	if (parse_digits(text, 10, &value, &end))
		return -EINVAL;
	if (*end == '.') {
		if (!isdigit((unsigned char)*++end))
			return -EINVAL;
		for (; isdigit((unsigned char)*end); end++) {
			/* Nothing below a nanosecond counts. */
			if (scale < NS_PER_SEC) {
				fraction = fraction * 10 + (*end - '0');
				scale *= 10;
			}
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].name))
			continue;
		if (__builtin_mul_overflow(value, units[i].ns, &result) ||
		    __builtin_add_overflow(result, part_of(units[i].ns, fraction, scale), &result))
			return -EINVAL;
		*ns = result;
		return 0;
	}
	return -EINVAL;
}

uint64_t deadline(const struct patience *patience)
{
	if (patience->timeout_ns == IPCX_FOREVER)
		return IPCX_FOREVER;
	return ipcx_after_ns(patience->timeout_ns);
}

const char *kind_name(unsigned int kind)
{
	switch (kind) {
	case IPCX_KIND_QUEUE:
		return "queue";
	case IPCX_KIND_REGION:
		return "region";
	case IPCX_KIND_SEM:
		return "semaphore";
	case IPCX_KIND_EVENT:
		return "event";
	case IPCX_KIND_STREAM:
		return "stream";
	default:
		return "object";
	}
}

unsigned int find_kind(const char *name)
{
	struct ipcx_list_entry entry;
	const char *after = NULL;
	char previous[IPCX_NAME_MAX + 1];
	struct ipcx_stat stat;
	int fd, ret;

	fd = ipcx_open(name, IPCX_KIND_ANY, 0, IPCX_OPEN_LOOK);
	if (fd >= 0) {
		ret = ipcx_stat(fd, &stat);
		close(fd);
		return ret ? IPCX_KIND_ANY : stat.kind;
	}
	/* others' names are listed, too */
	if (fd != -EACCES)
		return IPCX_KIND_ANY;
	if (name[0] == '/')
		name++;
	while (ipcx_list(after, &entry, 1) == 1) {
		if (!strcmp(entry.name, name))
			return entry.kind;
		memcpy(previous, entry.name, sizeof(previous));
		after = previous;
	}
	return IPCX_KIND_ANY;
}

int open_object(const char *name, unsigned int kind, unsigned int rights)
{
	unsigned int other;
	int fd;

	fd = ipcx_open(name, kind, rights, 0);
	if (fd >= 0)
		return fd;
	other = fd == -ENOENT ? find_kind(name) : IPCX_KIND_ANY;
	if (other != IPCX_KIND_ANY && other != kind)
		report_text("cannot open %s '%s': it is %s %s", kind_name(kind), name,
			    other == IPCX_KIND_EVENT ? "an" : "a", kind_name(other));
	else
		report(fd, "open %s '%s'", kind_name(kind), name);
	return -1;
}

char *format_size(uint64_t len, char *buf)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = len;
	size_t unit = 0;

	/* what would be printed as 1024.0 is 1.0 of the next */
	while (value >= (unit ? 1023.95 : 1024) && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1024;
		unit++;
	}
	if (unit == 0 || value == (uint64_t)value)
		snprintf(buf, 16, "%.0f %s", value, units[unit]);
	else
		snprintf(buf, 16, "%.1f %s", value, units[unit]);
	return buf;
}

void copy_printable(char *to, size_t size, const char *text)
{
	while (size > 1 && *text && *text != '\n') {
		/* no further than @size bytes: it may have no end */
		size_t len = utf8_len(text, strnlen(text, size - 1 < 4 ? size - 1 : 4));

		if (!len || is_control(text, len)) {
			len = 1;
			*to++ = '?';
		} else {
			memcpy(to, text, len);
			to += len;
		}
		text += len;
		size -= len;
	}
	*to = '\0';
}

int finish_output(void)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return STATUS_OK;
	/* If an earlier write failed, why is not known any more. */
	return report(errno ? -errno : -EIO, "write to the standard output");
}
