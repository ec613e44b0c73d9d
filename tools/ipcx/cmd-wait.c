// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx wait --any, ipcx wait --all: wait for several objects at once.  The rest of `ipcx wait` is in cmd-sem.c.
 */
#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "util.h"

/* Open @name, and what a wait for it is: its units or the event are taken, queues and streams have something to read. */
static int open_entry(const char *name, struct ipcx_wait_entry *entry)
{
	struct ipcx_stat stat;
	int fd, ret;

	fd = open_object(name, IPCX_KIND_ANY, IPCX_READ);
	if (fd < 0)
		return -1;
	ret = ipcx_stat(fd, &stat);
	if (ret) {
		report(ret, "look at '%s'", name);
	} else if (stat.kind == IPCX_KIND_REGION) {
		report_text("cannot wait for '%s': it is a %s", name, kind_name(stat.kind));
	} else {
		bool taken = stat.kind == IPCX_KIND_SEM || stat.kind == IPCX_KIND_EVENT;

		*entry = ipcx_wait_entry(fd, taken ? IPCX_WAIT_TAKE : IPCX_WAIT_READABLE);
		return 0;
	}
	close(fd);
	return -1;
}

int wait_many(char **names, unsigned int nr, bool all, const struct patience *patience)
{
	unsigned int flags = patience->flags | (all ? IPCX_WAIT_ALL : 0), opened = 0, index = 0;
	struct ipcx_wait_entry entries[IPCX_WAIT_MAX];
	int ret, status = STATUS_FAILED;

	if (nr > IPCX_WAIT_MAX)
		return usage_error("at most %d objects can be waited for", IPCX_WAIT_MAX);
	while (opened < nr && !open_entry(names[opened], &entries[opened]))
		opened++;
	if (opened == nr) {
		do {
			ret = ipcx_wait(entries, nr, flags, deadline(patience), -1, &index);
		} while (ret == -EINTR && patience->timeout_ns == IPCX_FOREVER);
		if (ret == -EPIPE) {
			status = report(ret, "wait for '%s'", names[index]);
		} else if (ret == -EINVAL && all) {
			status = report_text("an object was given twice to wait for all");
		} else if (ret < 0) {
			status = report(ret, "wait for %s of %u objects", all ? "all" : "any", nr);
		} else {
			if (!all)
				puts(names[ret]);
			status = finish_output();
		}
	}
	while (opened--)
		close(entries[opened].fd);
	return status;
}
