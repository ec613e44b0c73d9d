// SPDX-License-Identifier: GPL-2.0
/*
 * Who has which object open: what /proc says of the descriptors of all processes that the caller may look at.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "holders.h"

/* The value of "@key:\t...", or NULL. */
static const char *value_of(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, len) && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, "\t ");
	}
	return NULL;
}

static uint64_t number_of(const char *text, const char *key)
{
	const char *value = value_of(text, key);

	return value ? strtoull(value, NULL, 0) : 0;
}

/* By what the module calls it, which is the beginning of what we do. */
static unsigned int kind_of(const char *text)
{
	const char *value = value_of(text, "ipcx-kind");
	size_t len = value ? strcspn(value, "\n") : 0;

	for (unsigned int kind = IPCX_KIND_QUEUE; len && kind <= IPCX_KIND_STREAM; kind++)
		if (!strncmp(value, kind_name(kind), len))
			return kind;
	return IPCX_KIND_ANY;
}

static ssize_t read_file(int dir, const char *name, char *buf, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -1;
	len = read(fd, buf, size - 1);
	close(fd);
	buf[len > 0 ? len : 0] = '\0';
	return len;
}

/* Fill in @holder from fdinfo; false if the descriptor is not one of ours. */
static bool parse(const char *text, struct holder *holder)
{
	const char *rights;

	holder->kind = kind_of(text);
	if (holder->kind == IPCX_KIND_ANY)
		return false;
	holder->id = number_of(text, "ipcx-id");
	rights = value_of(text, "rights");
	copy_printable(holder->rights, sizeof(holder->rights), rights ? rights : "");
	holder->charged = number_of(text, "charged");
	holder->users = number_of(text, "users");
	holder->sent = number_of(text, "sent") + number_of(text, "written");
	holder->received = number_of(text, "received");
	holder->depth = holder->kind == IPCX_KIND_QUEUE ? number_of(text, "messages") :
			holder->kind == IPCX_KIND_SEM ? number_of(text, "count") :
			holder->kind == IPCX_KIND_EVENT ? number_of(text, "set") : number_of(text, "bytes");
	holder->waiters = number_of(text, "senders") + number_of(text, "receivers") + number_of(text, "waiters") +
			  number_of(text, "waiting-readers") + number_of(text, "waiting-writers");
	return true;
}

static bool scan_process(const char *pid, struct holder **all, unsigned int *nr)
{
	char path[32], text[2048], name[32];
	struct dirent *entry;
	bool ok = true;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.10s/fdinfo", pid);
	dir = opendir(path);
	if (!dir)
		return true;
	while (ok && (entry = readdir(dir))) {
		struct holder holder = { .pid = atoi(pid), .fd = atoi(entry->d_name) }, *more;

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    read_file(dirfd(dir), entry->d_name, text, sizeof(text)) <= 0 || !parse(text, &holder))
			continue;
		snprintf(path, sizeof(path), "../comm");
		if (read_file(dirfd(dir), path, name, sizeof(name)) > 0)
			copy_printable(holder.comm, sizeof(holder.comm), name);
		more = realloc(*all, (*nr + 1) * sizeof(**all));
		ok = more != NULL;
		if (more) {
			*all = more;
			more[(*nr)++] = holder;
		}
	}
	closedir(dir);
	return ok;
}

struct holder *find_holders(unsigned int *nr)
{
	struct holder *all = NULL;
	struct dirent *entry;
	DIR *proc;

	*nr = 0;
	proc = opendir("/proc");
	if (!proc)
		return NULL;
	while ((entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]) && !scan_process(entry->d_name, &all, nr))
			break;
	closedir(proc);
	return all;
}
