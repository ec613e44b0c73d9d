// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx purge, ipcx shutdown: the ends of messages and of queues; and the options that choose
 * messages.
 */
#include <getopt.h>
#include <inttypes.h>
#include <unistd.h>

#include "select.h"
#include "util.h"

int parse_select_option(int option, const char *value, struct ipcx_select *select)
{
	uint64_t type;

	if (select->how != IPCX_SELECT_ANY)
		return usage_error("takes only one of --type, --except and --up-to");
	if (parse_number(value, IPCX_TYPE_MIN, UINT32_MAX, &type))
		return usage_error("'%s' is not a message type: 1 to 4294967295", value);
	select->type = type;
	switch (option) {
	case OPT_SELECT_TYPE:
		select->how = IPCX_SELECT_TYPE;
		break;
	case OPT_SELECT_EXCEPT:
		select->how = IPCX_SELECT_EXCEPT;
		break;
	default:
		select->how = IPCX_SELECT_LOWEST;
	}
	return STATUS_OK;
}

static const char purge_help[] =
"Usage: ipcx purge NAME [--type T | --except T | --up-to T]\n"
"Discard the messages that are in a queue now, and print how many there were.\n"
"\n"
SELECT_HELP;

int cmd_purge(int argc, char **argv)
{
	static const struct option options[] = {
		SELECT_OPTIONS,
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct ipcx_select select = { .how = IPCX_SELECT_ANY };
	int64_t nr;
	int opt, queue, status;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case OPT_SELECT_TYPE:
		case OPT_SELECT_EXCEPT:
		case OPT_SELECT_LOWEST:
			status = parse_select_option(opt, optarg, &select);
			if (status)
				return status;
			break;
		case 'h':
			fputs(purge_help, stdout);
			return finish_output();
		default:
			return usage_hint();
		}
	}
	if (argc - optind != 1)
		return usage_error("needs one NAME");
	queue = open_object(argv[optind], IPCX_KIND_QUEUE, IPCX_READ);
	if (queue < 0)
		return STATUS_FAILED;
	nr = ipcx_queue_purge(queue, &select);
	close(queue);
	if (nr < 0)
		return report(nr, "purge queue '%s'", argv[optind]);
	printf("%" PRId64 "\n", nr);
	return finish_output();
}

static const char shutdown_help[] =
"Usage: ipcx shutdown NAME [--now]\n"
"End the use of a queue, semaphore or event for everybody; it cannot be undone. Senders (posters,\n"
"setters) fail from now on; receivers still get the messages that are there, and then learn that\n"
"it is over.\n"
"Whoever waits is woken.\n"
"\n"
"  -n, --now  receivers (waiters) fail at once, too\n";

int cmd_shutdown(int argc, char **argv)
{
	static const struct option options[] = {
		{ "now", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	unsigned int how = IPCX_SHUT_SEND, rights = IPCX_WRITE;
	int opt, fd, ret;

	while ((opt = getopt_long(argc, argv, "nh", options, NULL)) != -1) {
		switch (opt) {
		case 'n':
			how = IPCX_SHUT_SEND | IPCX_SHUT_RECV;
			rights = IPCX_READ | IPCX_WRITE;
			break;
		case 'h':
			fputs(shutdown_help, stdout);
			return finish_output();
		default:
			return usage_hint();
		}
	}
	if (argc - optind != 1)
		return usage_error("needs one NAME");
	fd = open_object(argv[optind], IPCX_KIND_ANY, rights);
	if (fd < 0)
		return STATUS_FAILED;
	ret = ipcx_shutdown(fd, how);
	close(fd);
	return ret ? report(ret, "shut down '%s'", argv[optind]) : STATUS_OK;
}
