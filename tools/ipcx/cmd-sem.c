// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx post, ipcx wait: units of a semaphore; wait can hold them while another command runs.  It waits for events,
 * too.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

/* NAME [N] in @argv; *@nr is as it was without N. */
static int parse_name_and_units(int argc, char **argv, uint64_t *nr)
{
	if (argc < 1 || argc > 2)
		return usage_error("needs one NAME, and at most one number of units");
	if (argc == 2 && parse_number(argv[1], 1, INT_MAX, nr))
		return usage_error("'%s' is not a number of units: 1 to 2147483647", argv[1]);
	return STATUS_OK;
}

static const char post_help[] =
"Usage: ipcx post NAME [N]\n"
"Add N units (1) to a semaphore: waiters get them first, in the order in which they came.\n";

int cmd_post(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int opt, sem, ret, status;
	uint64_t nr = 1;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt != 'h')
			return usage_hint();
		fputs(post_help, stdout);
		return finish_output();
	}
	status = parse_name_and_units(argc - optind, argv + optind, &nr);
	if (status)
		return status;
	sem = open_object(argv[optind], IPCX_KIND_SEM, IPCX_WRITE);
	if (sem < 0)
		return STATUS_FAILED;
	ret = ipcx_sem_post(sem, nr);
	close(sem);
	return ret ? report(ret, "post to semaphore '%s'", argv[optind]) : STATUS_OK;
}

static const char wait_help[] =
"Usage: ipcx wait NAME [N] [--timeout TIME | --nowait] [-- COMMAND [ARGUMENT...]]\n"
"       ipcx wait --any | --all NAME... [--timeout TIME | --nowait]\n"
"Take N units (1) of a semaphore, all or none, waiting for them. With a COMMAND, run it while\n"
"holding them and post them back when it has ended; the exit status is then the COMMAND's.\n"
"Of an event: wait until it is set, and take it if it is automatic; no N and no COMMAND.\n"
"\n"
"Of several objects: wait until any is ready, take it and print its name; or until all are ready\n"
"in one moment, and take them all. Of a semaphore, one unit; of an event, as above; queues and\n"
"streams are ready when there is something to read, and nothing is taken.\n"
"\n"
"      --any           wait for any of the objects\n"
"      --all           wait for all of them\n"
"  -t, --timeout TIME  give up after TIME: 1.5s, 100ms; without a unit, seconds\n"
"      --nowait        fail if the units are not there now, or the event is not set\n"
"\n"
"With a COMMAND: 1 if the units were not to be had, 126 if it cannot be run, 127 if it is not\n"
"found, 128 + N if signal N killed it. On a robust semaphore the units return even if this\n"
"command is killed.\n";

static volatile sig_atomic_t child_pid;

/* A request to end is for COMMAND; the units are posted when it has followed. */
static void forward_signal(int signo)
{
	if (child_pid > 0)
		kill(child_pid, signo);
}

/* Returns the status to exit with, as a shell would. */
static int run_holding(char **command)
{
	static const int from_terminal[] = { SIGINT, SIGQUIT };
	static const int forwarded[] = { SIGTERM, SIGHUP };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction forward = { .sa_handler = forward_signal, .sa_flags = SA_RESTART };
	struct sigaction old[NSIG];
	sigset_t set, old_set;
	int wstatus = 0;
	pid_t pid, ret;

	/*
	 * Nothing may end this process between the fork and the handlers: the units would be
	 * gone.
	 */
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(from_terminal); i++) {
		sigaddset(&set, from_terminal[i]);
		sigaddset(&set, forwarded[i]);
	}
	sigprocmask(SIG_BLOCK, &set, &old_set);
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		sigprocmask(SIG_SETMASK, &old_set, NULL);
		return report(-errno, "start '%s'", command[0]);
	}
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, &old_set, NULL);
		execvp(command[0], command);
		ret = errno;
		report_text("cannot run '%s': %s", command[0], strerror(ret));
		_exit(ret == ENOENT ? 127 : 126);
	}
	child_pid = pid;
	/* The terminal sends these to COMMAND as well. */
	for (size_t i = 0; i < ARRAY_SIZE(from_terminal); i++)
		sigaction(from_terminal[i], &ignore, &old[from_terminal[i]]);
	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
		sigaction(forwarded[i], &forward, &old[forwarded[i]]);
	sigprocmask(SIG_SETMASK, &old_set, NULL);
	do {
		ret = waitpid(pid, &wstatus, 0);
	} while (ret < 0 && errno == EINTR);
	child_pid = 0;
	for (size_t i = 0; i < ARRAY_SIZE(from_terminal); i++) {
		sigaction(from_terminal[i], &old[from_terminal[i]], NULL);
		sigaction(forwarded[i], &old[forwarded[i]], NULL);
	}
	if (ret < 0)
		return report(-errno, "wait for '%s'", command[0]);
	return WIFSIGNALED(wstatus) ? 128 + WTERMSIG(wstatus) : WEXITSTATUS(wstatus);
}

static int wait_units(int sem, const char *name, unsigned int nr, const struct patience *patience,
		      char **command, bool robust)
{
	int ret, status = STATUS_OK;

	do {
		ret = ipcx_sem_wait(sem, nr, patience->flags, deadline(patience));
	} while (ret == -EINTR && patience->timeout_ns == IPCX_FOREVER);
	if (ret) {
		status = report(ret, "take %u unit%s of semaphore '%s'", nr, nr == 1 ? "" : "s",
				name);
	} else if (command) {
		status = run_holding(command);
		ret = ipcx_sem_post(sem, nr);
		if (ret)
			status = report(ret, "post the units back to semaphore '%s'", name);
	} else if (robust) {
		report_text(
			"semaphore '%s' is robust: what was taken returns as this command ends\n"
			"  hold it while something runs: ipcx wait %s -- COMMAND",
			name, name);
	}
	return status;
}

static int wait_event(int event, const char *name, const struct patience *patience)
{
	int ret;

	do {
		ret = ipcx_event_wait(event, patience->flags, deadline(patience));
	} while (ret == -EINTR && patience->timeout_ns == IPCX_FOREVER);
	return ret ? report(ret, "wait for event '%s'", name) : STATUS_OK;
}

/* @nr: 0 if it was not given. */
static int wait_object(const char *name, unsigned int nr, const struct patience *patience,
		       char **command)
{
	struct ipcx_stat stat;
	int fd, ret, status;

	fd = open_object(name, IPCX_KIND_ANY, command ? IPCX_READ | IPCX_WRITE : IPCX_READ);
	if (fd < 0)
		return STATUS_FAILED;
	ret = ipcx_stat(fd, &stat);
	if (ret)
		status = report(ret, "look at '%s'", name);
	else if (stat.kind == IPCX_KIND_SEM)
		status = wait_units(fd, name, nr ? nr : 1, patience, command,
				    stat.state & IPCX_OBJECT_ROBUST);
	else if (stat.kind != IPCX_KIND_EVENT)
		status = report_text("cannot wait for '%s': it is a %s, not a semaphore or an event",
				     name, kind_name(stat.kind));
	else if (nr || command)
		status = report_text("event '%s' has no units to count, or to hold while a command runs\n"
				     "  run it afterwards: ipcx wait %s && COMMAND", name, name);
	else
		status = wait_event(fd, name, patience);
	close(fd);
	return status;
}

enum {
	OPT_NOWAIT = 256,
	OPT_ANY,
	OPT_ALL,
};

int cmd_wait(int argc, char **argv)
{
	static const struct option options[] = {
		{ "timeout", required_argument, NULL, 't' },
		{ "nowait", no_argument, NULL, OPT_NOWAIT },
		{ "any", no_argument, NULL, OPT_ANY },
		{ "all", no_argument, NULL, OPT_ALL },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct patience patience = PATIENCE_FOREVER;
	char **command = NULL;
	int opt, status, many = 0;
	uint64_t nr = 0;

	/* What follows "--" is not ours to parse. */
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--"))
			continue;
		if (i + 1 == argc)
			return usage_error("needs a COMMAND after --");
		command = argv + i + 1;
		argv[i] = NULL;
		argc = i;
	}
	while ((opt = getopt_long(argc, argv, "t:h", options, NULL)) != -1) {
		switch (opt) {
		case 't':
			if (parse_duration(optarg, &patience.timeout_ns))
				return usage_error("'%s' is not a time: 100ms, 1.5s", optarg);
			break;
		case OPT_NOWAIT:
			patience.flags |= IPCX_NOWAIT;
			break;
		case OPT_ANY:
		case OPT_ALL:
			if (many && many != opt)
				return usage_error("--any and --all exclude each other");
			many = opt;
			break;
		case 'h':
			fputs(wait_help, stdout);
			return finish_output();
		default:
			return usage_hint();
		}
	}
	if (many && command)
		return usage_error("a COMMAND runs while holding units of one semaphore only");
	if (many && optind == argc)
		return usage_error("needs at least one NAME");
	if (many)
		return wait_many(argv + optind, argc - optind, many == OPT_ALL, &patience);
	status = parse_name_and_units(argc - optind, argv + optind, &nr);
	return status ? status : wait_object(argv[optind], nr, &patience, command);
}
