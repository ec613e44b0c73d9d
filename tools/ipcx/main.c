// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx: use, inspect and measure the objects of /dev/ipcx.  This file reads as a table of contents.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

#ifndef IPCX_VERSION
#define IPCX_VERSION "0.1.0"
#endif

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;	/* NULL in the first entry of a group: @name is its heading */
};

static const struct command commands[] = {
	{ "Any object", NULL, NULL },
	{ "create", cmd_create, "make a queue, a region, a semaphore or an event with a name" },
	{ "ls", cmd_ls, "list the names" },
	{ "stat", cmd_stat, "everything about one object, or about the module" },
	{ "shutdown", cmd_shutdown, "end the use of a queue, semaphore or event, for everybody" },
	{ "notify", cmd_notify, "tell when it becomes ready: a line, or a signal to a process" },
	{ "rm", cmd_rm, "remove names" },
	{ "Queues", NULL, NULL },
	{ "send", cmd_send, "send arguments, or the lines or blocks of the standard input" },
	{ "recv", cmd_recv, "receive messages and print them" },
	{ "peek", cmd_peek, "print the first message and leave it in the queue" },
	{ "watch", cmd_watch, "print messages as they pass, and take none" },
	{ "call", cmd_call, "send a message and print its reply" },
	{ "serve", cmd_serve, "run a command for each call; its output is the reply" },
	{ "purge", cmd_purge, "discard the messages that are in a queue" },
	{ "Semaphores and events", NULL, NULL },
	{ "post", cmd_post, "add units to a semaphore" },
	{ "wait", cmd_wait, "take units, or hold them while a command runs; wait for an event" },
	{ "set", cmd_set, "set an event" },
	{ "reset", cmd_reset, "reset an event" },
	{ "pulse", cmd_pulse, "let those through who wait for an event now" },
	{ "Regions", NULL, NULL },
	{ "map", cmd_map, "read, write or dump a region's bytes" },
	{ "The whole", NULL, NULL },
	{ "demo", cmd_demo, "a story with real processes that checks itself" },
	{ "bench", cmd_bench, "compare with every standard call" },
	{ "top", cmd_top, "the busiest objects and processes, live" },
	{ "trace", cmd_trace, "what the kernel copies, wakes and waits for, of ipcx and of every standard call" },
};

static void print_help(FILE *out)
{
	fputs("Usage: ipcx COMMAND [ARGUMENT...]\n"
	      "Message queues, streams, shared regions, semaphores and events of " IPCX_DEVICE ".\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (commands[i].run)
			fprintf(out, "  %-10s%s\n", commands[i].name, commands[i].summary);
		else
			fprintf(out, "\n%s\n", commands[i].name);
	}
	fputs("\n'ipcx COMMAND --help' tells its options; ipcx(1) has all of them.\n"
	      "Exit status: 0 done, 1 failed, 2 wrong usage.\n", out);
}

static int print_version(void)
{
	struct ipcx_query query;
	int ret;

	printf("ipcx %s, ABI %d\n", IPCX_VERSION, IPCX_ABI_VERSION);
	ret = ipcx_query(&query);
	if (ret)
		printf("module: not loaded\n");
	else
		printf("module: loaded, ABI %u\n", query.abi_version);
	return finish_output();
}

static int run_command(const struct command *command, int argc, char **argv)
{
	static char name[32];

	/* getopt_long() begins its messages with argv[0], as ours begin. */
	snprintf(name, sizeof(name), "ipcx %s", command->name);
	command_name = name;
	argv[0] = name;
	optind = 0;
	return command->run(argc, argv);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].run && !strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	static char help_option[] = "--help";
	const struct command *command;
	char *help_argv[] = { NULL, help_option, NULL };

	if (argc < 2) {
		print_help(stderr);
		return STATUS_USAGE;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		return print_version();
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		command = argc > 2 ? find_command(argv[2]) : NULL;
		if (command)
			return run_command(command, 2, help_argv);
		if (argc > 2)
			return usage_error("there is no command '%s'", argv[2]);
		print_help(stdout);
		return finish_output();
	}
	command = find_command(argv[1]);
	if (!command)
		return usage_error("there is no command '%s'", argv[1]);
	return run_command(command, argc - 1, argv + 1);
}
