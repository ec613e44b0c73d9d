// SPDX-License-Identifier: GPL-2.0
/*
 * Reads the kernel's log through /dev/kmsg, whose records carry a sequence:
 * nothing is seen twice and nothing before the mark is held against a job.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init.h"

#define LINES_MAX	300
#define RECORD_MAX	8192

static int kmsg = -1;

/* What a healthy kernel does not say. */
static const char *const faults[] = {
	"WARNING:", " BUG:", "] BUG ", "kernel BUG", "Oops", "KASAN", "KFENCE", "UBSAN",
	"kmemleak:", "cut here", "INFO: task", "blocked for more than", "refcount_t:",
	"soft lockup", "hard LOCKUP", "detected stall", "self-detected stall",
	"circular locking", "possible recursive locking", "inconsistent lock",
	"non-static key", "turning off the locking correctness validator", "suspicious RCU usage",
	"suspicious rcu_dereference", "DEBUG_LOCKS_WARN", "held lock freed",
	"scheduling while atomic", "sleeping function called", "general protection fault",
	"unable to handle", "double fault", "Kernel panic", "Objects remaining",
	"Slab cache still has objects", "list_add corruption", "list_del corruption",
	"Bad page state", "Bad rss-counter", "usercopy: Kernel memory", "stack guard page",
	"ODEBUG:", "Modules linked in:",
};

void klog_open(void)
{
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	klog_skip();
}

void klog_skip(void)
{
	if (kmsg >= 0)
		lseek(kmsg, 0, SEEK_END);
}

/* The next message into @line; false at the end of the log. */
static bool next_line(char *line, size_t size)
{
	static char record[RECORD_MAX];
	unsigned long long usec = 0;
	ssize_t len;
	char *text;

	do {
		len = read(kmsg, record, sizeof(record) - 1);
		/* EPIPE: records were overwritten; what is left follows. */
	} while (len < 0 && (errno == EPIPE || errno == EINTR));
	if (len <= 0)
		return false;
	record[len] = '\0';
	text = strchr(record, ';');
	if (!text)
		return false;
	sscanf(record, "%*u,%*u,%llu", &usec);
	text++;
	text[strcspn(text, "\n")] = '\0';
	snprintf(line, size, "[%4llu.%06llu] %s", usec / 1000000, usec % 1000000, text);
	return true;
}

/*
 * The kernel has data races of its own; the module takes part in those that have its name in the title, or in which a
 * function of the kernel's was called by it.  A report has, for each of both sides, a line "write to ... bytes by task",
 * and then the functions, the innermost first.
 */
static bool is_race(const char *line)
{
	static int frame;	/* the how-many-th after such a line is next; 0: none */
	bool found = false;

	if (strstr(line, "KCSAN: data-race in "))
		return strstr(line, "[ipcx]");
	if (strstr(line, " bytes by task ") || strstr(line, " bytes by interrupt "))
		frame = 1;
	else if (frame && frame++ == 2) {
		found = strstr(line, "[ipcx]");
		frame = 0;
	}
	return found;
}

static bool is_fault(const char *line)
{
	size_t i;

	/* A fault of a program, which its exit status tells. */
	if (strstr(line, "] traps: "))
		return false;
	if (is_race(line))
		return true;
	if (strstr(line, "KCSAN: data-race in "))
		return false;
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (strcasestr(line, faults[i]))
			return true;
	return false;
}

bool klog_dirty(void)
{
	static char line[RECORD_MAX];
	static char *kept[LINES_MAX];
	int nr = 0, nr_lost = 0, i;
	bool dirty = false;

	if (kmsg < 0)
		return false;
	while (next_line(line, sizeof(line))) {
		dirty |= is_fault(line);
		if (nr < LINES_MAX)
			kept[nr++] = strdup(line);
		else
			nr_lost++;
	}
	for (i = 0; i < nr; i++) {
		if (dirty)
			report("! %s", kept[i]);
		free(kept[i]);
	}
	if (dirty && nr_lost)
		report("! (and %d lines more)", nr_lost);
	return dirty;
}

void klog_show(void)
{
	static char line[RECORD_MAX];
	int nr = 0;

	while (kmsg >= 0 && next_line(line, sizeof(line)))
		if (nr++ < LINES_MAX)
			report("! %s", line);
}
