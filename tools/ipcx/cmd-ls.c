// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx ls, ipcx stat: what is there.  Neither takes, changes or maps anything.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "holders.h"

/* Everything that can be asked about one object. */
struct object {
	struct ipcx_stat stat;
	union {
		struct ipcx_queue_stat queue;
		struct ipcx_region_stat region;
		struct ipcx_sem_stat sem;
		struct ipcx_event_stat event;
		struct ipcx_stream_stat stream;
	};
};

static int stat_fd(int fd, struct object *object)
{
	int ret = ipcx_stat(fd, &object->stat);

	if (ret)
		return ret;
	switch (object->stat.kind) {
	case IPCX_KIND_QUEUE:
		return ipcx_queue_stat(fd, &object->queue);
	case IPCX_KIND_REGION:
		return ipcx_region_stat(fd, &object->region);
	case IPCX_KIND_SEM:
		return ipcx_sem_stat(fd, &object->sem);
	case IPCX_KIND_EVENT:
		return ipcx_event_stat(fd, &object->event);
	case IPCX_KIND_STREAM:
		return ipcx_stream_stat(fd, &object->stream);
	default:
		return -EINVAL;
	}
}

static int stat_name(const char *name, unsigned int kind, struct object *object)
{
	int fd, ret;

	fd = ipcx_open(name, kind, 0, IPCX_OPEN_LOOK);
	if (fd < 0)
		return fd;
	ret = stat_fd(fd, object);
	close(fd);
	if (!ret && object->stat.users)
		object->stat.users--;	/* the descriptor that asked */
	return ret;
}

static void put_flags_json(struct json *json, unsigned int flags)
{
	json_bool(json, "temporary", flags & IPCX_OBJECT_TEMPORARY);
	json_bool(json, "shut_send", flags & IPCX_OBJECT_SHUT_SEND);
	json_bool(json, "shut_recv", flags & IPCX_OBJECT_SHUT_RECV);
}

static void put_kind_json(struct json *json, const struct object *object)
{
	switch (object->stat.kind) {
	case IPCX_KIND_QUEUE:
		json_u64(json, "nr_msgs", object->queue.nr_msgs);
		json_u64(json, "max_msgs", object->queue.max_msgs);
		json_u64(json, "bytes", object->queue.bytes);
		json_u64(json, "max_bytes", object->queue.max_bytes);
		json_u64(json, "max_msg_len", object->queue.max_msg_len);
		json_u64(json, "sent", object->queue.sent);
		json_u64(json, "received", object->queue.received);
		json_u64(json, "purged", object->queue.purged);
		json_u64(json, "nr_senders", object->queue.nr_senders);
		json_u64(json, "nr_receivers", object->queue.nr_receivers);
		json_u64(json, "nr_calls", object->queue.nr_calls);
		json_bool(json, "broadcast", object->stat.state & IPCX_OBJECT_BROADCAST);
		json_bool(json, "latest", object->stat.state & IPCX_OBJECT_LATEST);
		json_u64(json, "nr_subscribers", object->queue.nr_subscribers);
		json_u64(json, "dropped", object->queue.dropped);
		break;
	case IPCX_KIND_REGION:
		json_u64(json, "len", object->region.len);
		json_u64(json, "allocated", object->region.allocated);
		json_bool(json, "reserved", object->stat.state & IPCX_OBJECT_RESERVED);
		json_bool(json, "sealed_write", object->region.seals & F_SEAL_WRITE);
		json_bool(json, "sealed_future_write", object->region.seals & F_SEAL_FUTURE_WRITE);
		json_bool(json, "sealed_seals", object->region.seals & F_SEAL_SEAL);
		break;
	case IPCX_KIND_SEM:
		json_u64(json, "count", object->sem.count);
		json_u64(json, "max", object->sem.max);
		json_u64(json, "nr_waiters", object->sem.nr_waiters);
		json_u64(json, "held", object->sem.held);
		json_bool(json, "robust", object->stat.state & IPCX_OBJECT_ROBUST);
		break;
	case IPCX_KIND_EVENT:
		json_bool(json, "set", object->event.set);
		json_bool(json, "manual", object->stat.state & IPCX_OBJECT_MANUAL);
		json_u64(json, "nr_waiters", object->event.nr_waiters);
		break;
	case IPCX_KIND_STREAM:
		json_u64(json, "bytes", object->stream.bytes);
		json_u64(json, "capacity", object->stream.capacity);
		json_u64(json, "written", object->stream.written);
		json_u64(json, "nr_readers", object->stream.nr_readers);
		json_u64(json, "nr_writers", object->stream.nr_writers);
		json_u64(json, "waiting_readers", object->stream.waiting_readers);
		json_u64(json, "waiting_writers", object->stream.waiting_writers);
		break;
	}
}

static void put_identity_json(struct json *json, const char *name, uint64_t id, unsigned int kind,
			      unsigned int mode, unsigned int uid, unsigned int gid)
{
	char octal[16];

	snprintf(octal, sizeof(octal), "%04o", mode);
	json_text(json, "name", name);
	json_text(json, "kind", kind_name(kind));
	json_u64(json, "id", id);
	json_text(json, "mode", octal);
	json_u64(json, "uid", uid);
	json_u64(json, "gid", gid);
}

/* "3 messages, 120 B": what `ls -l` says of an object in a few words. */
static void format_content(const struct object *object, char *buf, size_t len)
{
	char size[16], touched[16];

	switch (object->stat.kind) {
	case IPCX_KIND_QUEUE:
		if (object->stat.state & IPCX_OBJECT_BROADCAST)
			snprintf(touched, sizeof(touched), ", to %u", object->queue.nr_subscribers);
		else
			strcpy(touched, object->stat.state & IPCX_OBJECT_LATEST ? ", latest" : "");
		snprintf(buf, len, "%u message%s, %s%s%s", object->queue.nr_msgs,
			 object->queue.nr_msgs == 1 ? "" : "s",
			 format_size(object->queue.bytes, size), touched,
			 object->stat.state & IPCX_OBJECT_SHUT_SEND ? ", shut down" : "");
		break;
	case IPCX_KIND_REGION:
		snprintf(buf, len, "%s, %s touched%s", format_size(object->region.len, size),
			 format_size(object->region.allocated, touched),
			 object->stat.state & IPCX_OBJECT_RESERVED ? ", reserved" : "");
		break;
	case IPCX_KIND_EVENT:
		snprintf(buf, len, "%s%s%s", object->event.set ? "set" : "not set",
			 object->stat.state & IPCX_OBJECT_MANUAL ? ", manual" : "",
			 object->stat.state & IPCX_OBJECT_SHUT_SEND ? ", shut down" : "");
		break;
	case IPCX_KIND_STREAM:
		snprintf(buf, len, "%s of %s%s", format_size(object->stream.bytes, size),
			 format_size(object->stream.capacity, touched),
			 object->stat.state & IPCX_OBJECT_SHUT_SEND ? ", shut down" : "");
		break;
	default:
		snprintf(buf, len, "%u of %u units%s%s", object->sem.count, object->sem.max,
			 object->stat.state & IPCX_OBJECT_ROBUST ? ", robust" : "",
			 object->stat.state & IPCX_OBJECT_SHUT_SEND ? ", shut down" : "");
	}
}

/* A name as a terminal may see it, in @buf; a program gets it as it is. */
static const char *shown(const char *name, char buf[IPCX_NAME_MAX + 1])
{
	if (!isatty(STDOUT_FILENO))
		return name;
	copy_printable(buf, IPCX_NAME_MAX + 1, name);
	return buf;
}

static void print_long(const struct ipcx_list_entry *entry)
{
	char content[64], name[IPCX_NAME_MAX + 1];
	struct object object;
	int ret;

	ret = stat_name(entry->name, entry->kind, &object);
	if (ret == -ENOENT)
		return;		/* removed since it was listed */
	if (ret)
		snprintf(content, sizeof(content), "(%s)",
			 ret == -EACCES ? "not readable" : error_text(ret));
	else
		format_content(&object, content, sizeof(content));
	printf("%-9s  %04o %6u %6u  %-32s %s\n", kind_name(entry->kind), entry->mode, entry->uid,
	       entry->gid, content, shown(entry->name, name));
}

static void print_json(const struct ipcx_list_entry *entry)
{
	struct object object;
	struct json json;

	json_begin(&json, stdout);
	put_identity_json(&json, entry->name, entry->id, entry->kind, entry->mode, entry->uid,
			  entry->gid);
	put_flags_json(&json, entry->flags);
	if (!stat_name(entry->name, entry->kind, &object))
		put_kind_json(&json, &object);
	json_end(&json);
}

static const char ls_help[] =
"Usage: ipcx ls [-l] [--json]\n"
"List the names of this network namespace, in the order of their bytes.\n"
"\n"
"  -l, --long  kind, mode, uid, gid and content too\n"
"      --json  an array with one object per line, with everything of -l and more\n";

int cmd_ls(int argc, char **argv)
{
	static const struct option options[] = {
		{ "long", no_argument, NULL, 'l' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct ipcx_list_entry entries[32];
	char after[IPCX_NAME_MAX + 1], name[IPCX_NAME_MAX + 1];
	bool is_long = false, json = false;
	uint64_t nr_listed = 0;
	int opt, nr;

	while ((opt = getopt_long(argc, argv, "lh", options, NULL)) != -1) {
		switch (opt) {
		case 'l':
			is_long = true;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(ls_help, stdout);
			return finish_output();
		default:
			return usage_hint();
		}
	}
	if (optind != argc)
		return usage_error("takes no NAME; `ipcx stat NAME` tells about one");

	nr = ipcx_list(NULL, entries, ARRAY_SIZE(entries));
	if (nr > 0 && is_long && !json)
		printf("%-9s  %4s %6s %6s  %-32s %s\n", "KIND", "MODE", "UID", "GID", "CONTENT",
		       "NAME");
	for (; nr > 0; nr = ipcx_list(after, entries, ARRAY_SIZE(entries))) {
		for (int i = 0; i < nr; i++, nr_listed++) {
			if (json) {
				fputs(nr_listed ? ",\n" : "[\n", stdout);
				print_json(&entries[i]);
			} else if (is_long) {
				print_long(&entries[i]);
			} else {
				puts(shown(entries[i].name, name));
			}
		}
		memcpy(after, entries[nr - 1].name, sizeof(after));
	}
	if (nr < 0)
		return report(nr, "list the names");
	if (json)
		puts(nr_listed ? "\n]" : "[]");
	return finish_output();
}

static void print_object(const char *name, const struct object *object)
{
	const struct ipcx_stat *stat = &object->stat;
	char a[16], b[16];

	printf("name        %s\n", name);
	printf("kind        %s%s%s\n", kind_name(stat->kind),
	       stat->state & IPCX_OBJECT_TEMPORARY ? ", temporary" : "",
	       stat->state & IPCX_OBJECT_ROBUST ? ", robust" :
	       stat->state & IPCX_OBJECT_MANUAL ? ", manual" :
	       stat->state & IPCX_OBJECT_BROADCAST ? ", broadcast" :
	       stat->state & IPCX_OBJECT_LATEST ? ", latest" :
	       stat->state & IPCX_OBJECT_RESERVED ? ", reserved" : "");
	printf("id          %" PRIu64 "\n", (uint64_t)stat->id);
	printf("mode        %04o, owner %u, group %u\n", stat->mode, stat->uid, stat->gid);
	if (stat->state & (IPCX_OBJECT_SHUT_SEND | IPCX_OBJECT_SHUT_RECV))
		printf("shut down   for sending%s\n",
		       stat->state & IPCX_OBJECT_SHUT_RECV ? " and receiving" : "");
	printf("open files  %u\n", stat->users);
	printf("charged     %s to its owner\n", format_size(stat->charged, a));
	switch (stat->kind) {
	case IPCX_KIND_QUEUE:
		printf("messages    %u of at most %u\n", object->queue.nr_msgs,
		       object->queue.max_msgs);
		printf("payload     %s of at most %s\n", format_size(object->queue.bytes, a),
		       format_size(object->queue.max_bytes, b));
		printf("largest     %s in one message\n",
		       format_size(object->queue.max_msg_len, a));
		printf("so far      %" PRIu64 " sent, %" PRIu64 " received, %" PRIu64 " purged\n",
		       (uint64_t)object->queue.sent, (uint64_t)object->queue.received,
		       (uint64_t)object->queue.purged);
		if (stat->state & (IPCX_OBJECT_BROADCAST | IPCX_OBJECT_LATEST))
			printf("dropped     %" PRIu64 "\n", (uint64_t)object->queue.dropped);
		if (stat->state & IPCX_OBJECT_BROADCAST)
			printf("subscribers %u\n", object->queue.nr_subscribers);
		printf("waiting     %u to send, %u to receive, %u for replies\n", object->queue.nr_senders,
		       object->queue.nr_receivers, object->queue.nr_calls);
		break;
	case IPCX_KIND_REGION:
		printf("size        %s (%" PRIu64 " bytes)\n", format_size(object->region.len, a),
		       (uint64_t)object->region.len);
		printf("touched     %s\n", format_size(object->region.allocated, a));
		printf("seals       grow shrink%s%s%s\n",
		       object->region.seals & F_SEAL_WRITE ? " write" : "",
		       object->region.seals & F_SEAL_FUTURE_WRITE ? " future-write" : "",
		       object->region.seals & F_SEAL_SEAL ? " seal" : "");
		break;
	case IPCX_KIND_SEM:
		printf("units       %u of at most %u\n", object->sem.count, object->sem.max);
		if (stat->state & IPCX_OBJECT_ROBUST)
			printf("held        %u, which return when their holders die\n",
			       object->sem.held);
		printf("waiting     %u\n", object->sem.nr_waiters);
		break;
	case IPCX_KIND_EVENT:
		printf("state       %s\n", object->event.set ? "set" : "not set");
		printf("waiting     %u\n", object->event.nr_waiters);
		break;
	case IPCX_KIND_STREAM:
		printf("bytes       %s of at most %s\n", format_size(object->stream.bytes, a),
		       format_size(object->stream.capacity, b));
		printf("so far      %" PRIu64 " bytes written\n", (uint64_t)object->stream.written);
		printf("ends        %u to read, %u to write\n", object->stream.nr_readers,
		       object->stream.nr_writers);
		printf("waiting     %u to read, %u to write\n", object->stream.waiting_readers,
		       object->stream.waiting_writers);
		break;
	}
}

/* Who has it open, as far as the caller may know: a line for each descriptor. */
static void print_holders(uint64_t id)
{
	struct holder *holders;
	unsigned int nr;

	holders = find_holders(&nr);
	for (unsigned int i = 0; i < nr; i++)
		if (holders[i].id == id && holders[i].pid != getpid())
			printf("opened by   %d %s, descriptor %d (%s)\n", holders[i].pid, holders[i].comm,
			       holders[i].fd, holders[i].rights);
	free(holders);
}

static int stat_module(bool as_json)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} features[] = {
		{ IPCX_FEATURE_QUEUE, "queue" }, { IPCX_FEATURE_REGION, "region" },
		{ IPCX_FEATURE_SEM, "semaphore" }, { IPCX_FEATURE_SEM_ROBUST, "robust" },
		{ IPCX_FEATURE_EVENT, "event" }, { IPCX_FEATURE_STREAM, "stream" },
		{ IPCX_FEATURE_CALL, "call" }, { IPCX_FEATURE_WAIT, "wait" },
		{ IPCX_FEATURE_NOTIFY, "notify" }, { IPCX_FEATURE_FDS, "fds" },
		{ IPCX_FEATURE_BROADCAST, "broadcast" }, { IPCX_FEATURE_LATEST, "latest" },
		{ IPCX_FEATURE_URING, "uring" }, { IPCX_FEATURE_TAP, "tap" },
		{ IPCX_FEATURE_RESERVED, "reserved" },
	};
	struct ipcx_query query;
	char a[16], b[16];
	struct json json;
	int ret;

	ret = ipcx_query(&query);
	if (ret)
		return report(ret, "ask the module");
	if (as_json) {
		json_begin(&json, stdout);
		json_u64(&json, "abi_version", query.abi_version);
		json_u64(&json, "features", query.features);
		json_u64(&json, "max_name", query.max_name);
		json_u64(&json, "max_msg_len", query.max_msg_len);
		json_u64(&json, "max_msgs", query.max_msgs);
		json_u64(&json, "max_batch", query.max_batch);
		json_u64(&json, "user_bytes", query.user_bytes);
		json_u64(&json, "user_bytes_used", query.user_bytes_used);
		json_end(&json);
		putchar('\n');
		return finish_output();
	}
	printf("ABI         %u (this command: %d)\n", query.abi_version, IPCX_ABI_VERSION);
	printf("features   ");
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		if (query.features & features[i].bit)
			printf(" %s", features[i].name);
	printf("\nlimits      %u messages in a queue, %s in a message, %u messages in one call\n",
	       query.max_msgs, format_size(query.max_msg_len, a), query.max_batch);
	printf("your quota  %s of %s used\n", format_size(query.user_bytes_used, a),
	       format_size(query.user_bytes, b));
	return finish_output();
}

static const char stat_help[] =
"Usage: ipcx stat [NAME] [--json]\n"
"Everything about one object, and who has it open as far as you may know; without a NAME, about\n"
"the module: its limits and your quota.\n"
"\n"
"      --json  one object on one line\n";

int cmd_stat(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct object object;
	bool as_json = false;
	struct json json;
	const char *name;
	int opt, ret;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'j':
			as_json = true;
			break;
		case 'h':
			fputs(stat_help, stdout);
			return finish_output();
		default:
			return usage_hint();
		}
	}
	if (optind == argc)
		return stat_module(as_json);
	if (argc - optind != 1)
		return usage_error("takes at most one NAME");
	name = argv[optind];
	ret = stat_name(name, IPCX_KIND_ANY, &object);
	if (ret)
		return report(ret, "look at '%s'", name);
	if (!as_json) {
		print_object(name, &object);
		print_holders(object.stat.id);
		return finish_output();
	}
	json_begin(&json, stdout);
	put_identity_json(&json, name, object.stat.id, object.stat.kind, object.stat.mode,
			  object.stat.uid, object.stat.gid);
	put_flags_json(&json, object.stat.state);
	json_u64(&json, "users", object.stat.users);
	json_u64(&json, "charged", object.stat.charged);
	put_kind_json(&json, &object);
	json_end(&json);
	putchar('\n');
	return finish_output();
}
