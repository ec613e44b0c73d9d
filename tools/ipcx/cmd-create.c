// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx create, ipcx rm: make and remove names.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

static const char create_help[] =
"Usage: ipcx create queue  NAME [--max-msgs N] [--max-bytes SIZE] [--max-msg SIZE]\n"
"                                [--broadcast [--overflow WHAT] | --latest]\n"
"       ipcx create region NAME --size SIZE [--reserve]\n"
"       ipcx create sem    NAME [--initial N] [--max N] [--robust]\n"
"       ipcx create event  NAME [--manual] [--set]\n"
"       ipcx create stream NAME [--capacity SIZE]\n"
"Make an object with a name. If the name exists and is of this kind, nothing changes.\n"
"\n"
"  -m, --mode MODE       permission bits, octal (0600), less the umask\n"
"  -x, --exclusive       fail if the name exists\n"
"      --max-msgs N      queue: most messages in it (1024)\n"
"      --max-bytes SIZE  queue: most bytes of payload in it (16M)\n"
"      --max-msg SIZE    queue: largest message\n"
"      --broadcast       queue: every descriptor that can receive gets every message\n"
"      --overflow WHAT   broadcast: a receiver that is too slow: block (the sender waits for it),\n"
"                        drop (it loses its oldest), disconnect\n"
"      --latest          queue: a full one drops its oldest message\n"
"  -s, --size SIZE       region: its bytes, rounded up to whole pages\n"
"  -i, --initial N       sem: units at the beginning (0)\n"
"      --reserve         region: charge all of it now, so that touching it never fails for the quota\n"
"      --max N           sem: most units (2147483647)\n"
"      --robust          sem: units return when the process that took them dies\n"
"      --manual          event: it stays set until it is reset; without, it lets one through\n"
"      --set             event: it is set at the beginning\n"
"      --capacity SIZE   stream: most bytes in it (64K), rounded up to a power of 2\n"
"\n"
"SIZE: 4096, 64K, 16M, 1G. An object with a name stays until `ipcx rm`, or until its network\n"
"namespace goes.\n";

enum {
	OPT_MAX_MSGS = 256, OPT_MAX_BYTES, OPT_MAX_MSG, OPT_MAX, OPT_ROBUST, OPT_MANUAL, OPT_SET, OPT_CAPACITY,
	OPT_BROADCAST, OPT_OVERFLOW, OPT_LATEST, OPT_RESERVE,
};

/* Which kinds an option belongs to, to refuse `create sem --size` instead of ignoring it. */
struct create_args {
	unsigned int kind;
	struct ipcx_options options;
	struct ipcx_queue_limits limits;
	bool has_overflow;
	uint64_t size;
	uint64_t initial;
	uint64_t max;
	uint64_t capacity;
};

static unsigned int kind_of_option(int option)
{
	switch (option) {
	case OPT_MAX_MSGS:
	case OPT_MAX_BYTES:
	case OPT_MAX_MSG:
	case OPT_BROADCAST:
	case OPT_OVERFLOW:
	case OPT_LATEST:
		return IPCX_KIND_QUEUE;
	case 's':
	case OPT_RESERVE:
		return IPCX_KIND_REGION;
	case 'i':
	case OPT_MAX:
	case OPT_ROBUST:
		return IPCX_KIND_SEM;
	case OPT_MANUAL:
	case OPT_SET:
		return IPCX_KIND_EVENT;
	case OPT_CAPACITY:
		return IPCX_KIND_STREAM;
	default:
		return IPCX_KIND_ANY;
	}
}

static int parse_overflow(const char *value, uint32_t *overflow)
{
	static const char *const names[] = {
		[IPCX_OVERFLOW_BLOCK] = "block",
		[IPCX_OVERFLOW_DROP] = "drop",
		[IPCX_OVERFLOW_DISCONNECT] = "disconnect",
	};

	for (uint32_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(value, names[i])) {
			*overflow = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_create_option(struct create_args *args, int option, const char *value)
{
	uint64_t number;
	int ret = 0;

	switch (option) {
	case 'm':
		return parse_mode(value, &args->options.mode);
	case 'x':
		args->options.flags |= IPCX_CREATE_EXCL;
		return 0;
	case OPT_MAX_MSGS:
		ret = parse_number(value, 1, UINT32_MAX, &number);
		if (!ret)
			args->limits.max_msgs = number;
		return ret;
	case OPT_MAX_BYTES:
		ret = parse_size(value, &args->limits.max_bytes);
		return !ret && !args->limits.max_bytes ? -EINVAL : ret;
	case OPT_MAX_MSG:
		ret = parse_size(value, &args->limits.max_msg_len);
		return !ret && !args->limits.max_msg_len ? -EINVAL : ret;
	case OPT_BROADCAST:
		args->options.flags |= IPCX_QUEUE_BROADCAST;
		return 0;
	case OPT_OVERFLOW:
		args->has_overflow = true;
		return parse_overflow(value, &args->limits.overflow);
	case OPT_LATEST:
		args->options.flags |= IPCX_QUEUE_LATEST;
		return 0;
	case 's':
		ret = parse_size(value, &args->size);
		return !ret && (!args->size || args->size > SIZE_MAX) ? -EINVAL : ret;
	case OPT_RESERVE:
		args->options.flags |= IPCX_REGION_RESERVED;
		return 0;
	case 'i':
		return parse_number(value, 0, INT_MAX, &args->initial);
	case OPT_MAX:
		return parse_number(value, 1, INT_MAX, &args->max);
	case OPT_ROBUST:
		args->options.flags |= IPCX_SEM_ROBUST;
		return 0;
	case OPT_MANUAL:
		args->options.flags |= IPCX_EVENT_MANUAL;
		return 0;
	case OPT_SET:
		args->initial = 1;
		return 0;
	case OPT_CAPACITY:
		ret = parse_size(value, &args->capacity);
		return !ret && !args->capacity ? -EINVAL : ret;
	default:
		return -EINVAL;
	}
}

static int create_object(const char *name, const struct create_args *args)
{
	int fd;

	switch (args->kind) {
	case IPCX_KIND_QUEUE:
		fd = ipcx_queue_create(name, &args->limits, &args->options);
		break;
	case IPCX_KIND_REGION:
		fd = ipcx_region_create(name, args->size, &args->options);
		break;
	case IPCX_KIND_EVENT:
		fd = ipcx_event_create(name, args->initial, &args->options);
		break;
	case IPCX_KIND_STREAM:
		fd = ipcx_stream_create(name, args->capacity, &args->options);
		break;
	default:
		fd = ipcx_sem_create(name, args->initial, args->max, &args->options);
	}
	if (fd < 0)
		return report(fd, "create %s '%s'", kind_name(args->kind), name);
	close(fd);
	return STATUS_OK;
}

int cmd_create(int argc, char **argv)
{
	static const struct option options[] = {
		{ "mode", required_argument, NULL, 'm' },
		{ "exclusive", no_argument, NULL, 'x' },
		{ "max-msgs", required_argument, NULL, OPT_MAX_MSGS },
		{ "max-bytes", required_argument, NULL, OPT_MAX_BYTES },
		{ "max-msg", required_argument, NULL, OPT_MAX_MSG },
		{ "broadcast", no_argument, NULL, OPT_BROADCAST },
		{ "overflow", required_argument, NULL, OPT_OVERFLOW },
		{ "latest", no_argument, NULL, OPT_LATEST },
		{ "size", required_argument, NULL, 's' },
		{ "initial", required_argument, NULL, 'i' },
		{ "reserve", no_argument, NULL, OPT_RESERVE },
		{ "max", required_argument, NULL, OPT_MAX },
		{ "robust", no_argument, NULL, OPT_ROBUST },
		{ "manual", no_argument, NULL, OPT_MANUAL },
		{ "set", no_argument, NULL, OPT_SET },
		{ "capacity", required_argument, NULL, OPT_CAPACITY },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct create_args args = { .options.mode = 0600, .max = INT_MAX };
	unsigned int kinds = 0;
	int opt;

	while ((opt = getopt_long(argc, argv, "m:xs:i:h", options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(create_help, stdout);
			return finish_output();
		}
		if (opt == '?')
			return usage_hint();
		if (parse_create_option(&args, opt, optarg))
			return usage_error("'%s' is not a value for this option", optarg);
		kinds |= 1U << kind_of_option(opt);
	}
	if (argc - optind != 2)
		return usage_error("needs a kind (queue, region, sem, event or stream) and one NAME");
	if (!strcmp(argv[optind], "queue"))
		args.kind = IPCX_KIND_QUEUE;
	else if (!strcmp(argv[optind], "region"))
		args.kind = IPCX_KIND_REGION;
	else if (!strcmp(argv[optind], "sem") || !strcmp(argv[optind], "semaphore"))
		args.kind = IPCX_KIND_SEM;
	else if (!strcmp(argv[optind], "event"))
		args.kind = IPCX_KIND_EVENT;
	else if (!strcmp(argv[optind], "stream"))
		args.kind = IPCX_KIND_STREAM;
	else
		return usage_error("'%s' is not a kind: queue, region, sem, event or stream", argv[optind]);
	if (kinds & ~(1U << IPCX_KIND_ANY | 1U << args.kind))
		return usage_error("an option does not belong to this kind, %s", kind_name(args.kind));
	if (args.kind == IPCX_KIND_REGION && !args.size)
		return usage_error("a region needs --size");
	if (args.initial > args.max)
		return usage_error("--initial is more than --max");
	if (args.options.flags & IPCX_QUEUE_BROADCAST && args.options.flags & IPCX_QUEUE_LATEST)
		return usage_error("--latest does not go with --broadcast, which has --overflow drop");
	if (args.has_overflow && !(args.options.flags & IPCX_QUEUE_BROADCAST))
		return usage_error("--overflow needs --broadcast");
	return create_object(argv[optind + 1], &args);
}

static const char rm_help[] =
"Usage: ipcx rm NAME...\n"
"       ipcx rm --all\n"
"Remove names. An object lives on while processes have it open.\n"
"\n"
"  -a, --all    every name of this network namespace that is yours\n"
"  -f, --force  a name that does not exist is no failure\n";

/* Removes what the caller may remove; names of others are left alone and are no failure. */
static int remove_all(void)
{
	struct ipcx_list_entry entries[16];
	char after[IPCX_NAME_MAX + 1] = "";
	int ret, nr, status = STATUS_OK;

	while ((nr = ipcx_list(after[0] ? after : NULL, entries, ARRAY_SIZE(entries))) > 0) {
		for (int i = 0; i < nr; i++) {
			ret = ipcx_unlink(entries[i].name);
			if (ret && ret != -ENOENT && ret != -EPERM)
				status = report(ret, "remove '%s'", entries[i].name);
		}
		memcpy(after, entries[nr - 1].name, sizeof(after));
	}
	return nr < 0 ? report(nr, "list the names") : status;
}

int cmd_rm(int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "force", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	bool all = false, force = false;
	int opt, ret, status = STATUS_OK;

	while ((opt = getopt_long(argc, argv, "afh", options, NULL)) != -1) {
		switch (opt) {
		case 'a':
			all = true;
			break;
		case 'f':
			force = true;
			break;
		case 'h':
			fputs(rm_help, stdout);
			return finish_output();
		default:
			return usage_hint();
		}
	}
	if (all != (optind == argc))
		return usage_error("needs either NAMEs or --all");
	if (all)
		return remove_all();
	for (int i = optind; i < argc; i++) {
		ret = ipcx_unlink(argv[i]);
		if (ret && !(force && ret == -ENOENT && !access(IPCX_DEVICE, F_OK)))
			status = report(ret, "remove '%s'", argv[i]);
	}
	return status;
}
