// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx set, ipcx reset, ipcx pulse: change an event.  `ipcx wait` is in cmd-sem.c.
 */
#include <getopt.h>
#include <unistd.h>

#include "util.h"

/*
 * The command line of all three: one NAME, whose event @change() changes.  *@result is what that returns, or -1
 * if there was only help to print.
 */
static int change_event(int argc, char **argv, const char *help, int (*change)(int event), int *result)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int opt, event;

	*result = -1;
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt != 'h')
			return usage_hint();
		fputs(help, stdout);
		return finish_output();
	}
	if (argc - optind != 1)
		return usage_error("needs one NAME");
	event = open_object(argv[optind], IPCX_KIND_EVENT, IPCX_WRITE);
	if (event < 0)
		return STATUS_FAILED;
	*result = change(event);
	close(event);
	return *result < 0 ? report(*result, "change event '%s'", argv[optind]) : STATUS_OK;
}

int cmd_set(int argc, char **argv)
{
	static const char help[] =
	"Usage: ipcx set NAME\n"
	"Set an event. A manual one lets all through who wait, and stays set until it is reset; an\n"
	"automatic one lets the first through, or is set until somebody waits.\n";
	int was_set;

	return change_event(argc, argv, help, ipcx_event_set, &was_set);
}

int cmd_reset(int argc, char **argv)
{
	static const char help[] =
	"Usage: ipcx reset NAME\n"
	"Reset an event: who waits for it from now on has to wait.\n";
	int was_set;

	return change_event(argc, argv, help, ipcx_event_reset, &was_set);
}

int cmd_pulse(int argc, char **argv)
{
	static const char help[] =
	"Usage: ipcx pulse NAME\n"
	"Let those through who wait for an event now, all (manual) or the first (automatic), leave it\n"
	"unset, and print how many they were.\n";
	int woken, status;

	status = change_event(argc, argv, help, ipcx_event_pulse, &woken);
	if (status || woken < 0)
		return status;
	printf("%d\n", woken);
	return finish_output();
}
