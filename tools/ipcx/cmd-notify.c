// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx notify: tell somebody when an object becomes ready: a line on the standard output, or a signal to a process.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

static const char notify_help[] =
"Usage: ipcx notify NAME [OPTION...]\n"
"Wait until an object is ready and print what for: readable, writable or shut down, as poll(2)\n"
"has it. With --pid, have a signal sent to that process instead, by whoever makes the object\n"
"ready. Nothing is taken. The notice ends with this command.\n"
"\n"
"  -r, --read          when a message, a unit or a byte is there, or the event is set (default)\n"
"  -w, --write         when there is room\n"
"      --shut          when it has been shut down, or the other end of a stream has gone\n"
"  -p, --pid PID       the process to signal, until it ends; you must be allowed to\n"
"  -s, --signal SIG    with which signal: USR1, 10, RTMIN+3\n"
"      --value N       comes with the signal: see ipcx_notify(3)\n"
"  -n, --count N       N times (1)\n"
"  -f, --follow        each time, until the object is shut down\n"
"  -t, --timeout TIME  give up after TIME: 1.5s, 100ms; without a unit, seconds\n";

enum {
	OPT_SHUT = 256, OPT_VALUE,
};

/**
 * struct request - the command line
 * @ready:	IPCX_READY_* bits asked for
 * @pid:	whom to signal, or 0: print
 * @signo:	with which signal
 * @value:	and value
 * @count:	how often
 */
struct request {
	const char *name;
	unsigned int ready;
	uint64_t pid;
	int signo;
	uint64_t value;
	uint64_t count;
	struct patience patience;
};

/* What is watched, and how a line calls it; the last one is the end of the object's use, asked for or not. */
static const struct {
	unsigned int ready;
	const char *word;
} watches[] = {
	{ IPCX_READY_READ, "readable" },
	{ IPCX_READY_WRITE, "writable" },
	{ IPCX_READY_SHUT, "shut down" },
};

#define WATCH_SHUT	2
#define NR_WATCHES	ARRAY_SIZE(watches)

/* "USR1", "SIGUSR1", "10", "RTMIN+3", "RTMAX-1": 0, or -EINVAL. */
static int parse_signal(const char *text, int *signo)
{
	uint64_t number;

	if (!parse_number(text, 1, 64, &number)) {
		*signo = number;
		return 0;
	}
	if (!strncasecmp(text, "SIG", 3))
		text += 3;
	for (int i = 1; i < SIGRTMIN; i++) {
		const char *name = sigabbrev_np(i);

		if (name && !strcasecmp(text, name)) {
			*signo = i;
			return 0;
		}
	}
	if (!strncasecmp(text, "RTMIN", 5)) {
		*signo = SIGRTMIN;
		if (!text[5])
			return 0;
		if (text[5] != '+' || parse_number(text + 6, 0, SIGRTMAX - SIGRTMIN, &number))
			return -EINVAL;
		*signo += number;
		return 0;
	}
	if (!strncasecmp(text, "RTMAX", 5)) {
		*signo = SIGRTMAX;
		if (!text[5])
			return 0;
		if (text[5] != '-' || parse_number(text + 6, 0, SIGRTMAX - SIGRTMIN, &number))
			return -EINVAL;
		*signo -= number;
		return 0;
	}
	return -EINVAL;
}

/* Milliseconds until @end, as poll(2) takes them: -1 for ever. */
static int left_ms(uint64_t end)
{
	uint64_t now = ipcx_after_ns(0);

	if (end == IPCX_FOREVER)
		return -1;
	if (now >= end)
		return 0;
	return (end - now) / NS_PER_MS >= INT_MAX ? INT_MAX : (int)((end - now) / NS_PER_MS) + 1;
}

/* Have the process signalled; the notice comes before ours, so that it has been sent when we hear of it. */
static int ask_for_signal(int fd, const struct request *r, int pidfd)
{
	int64_t id = ipcx_notify_pidfd(fd, r->ready, pidfd, r->signo, r->value,
				       r->count > 1 ? IPCX_NOTIFY_REPEAT : 0);

	return id < 0 ? id : 0;
}

/* Count in @fds what happens: what is asked for each time, the end once. */
static int ask_for_counts(int fd, const struct request *r, struct pollfd *fds)
{
	for (size_t i = 0; i < NR_WATCHES; i++) {
		int64_t id;

		fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
		if (i != WATCH_SHUT && !(r->ready & watches[i].ready))
			continue;
		fds[i].fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (fds[i].fd < 0)
			return -errno;
		id = ipcx_notify_eventfd(fd, watches[i].ready, fds[i].fd,
					 i != WATCH_SHUT ? IPCX_NOTIFY_REPEAT : 0);
		if (id < 0)
			return id;
	}
	return 0;
}

static uint64_t take_count(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

/* Print, or only count, what has happened, up to @left times; returns how often. */
static uint64_t tell(const struct request *r, struct pollfd *fds, uint64_t left)
{
	uint64_t nr = 0, count;

	for (size_t i = 0; i < NR_WATCHES; i++) {
		if (!(r->ready & watches[i].ready))
			continue;
		for (count = take_count(fds[i].fd); count && nr < left; count--, nr++)
			if (!r->pid)
				puts(watches[i].word);
	}
	return nr;
}

static int follow(const struct request *r, struct pollfd *fds)
{
	uint64_t end = deadline(&r->patience), left = r->count;
	int ret, status;

	for (;;) {
		ret = poll(fds, NR_WATCHES + 1, left_ms(end));
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			return report(-errno, "wait for '%s'", r->name);
		if (!ret)
			return report(-ETIMEDOUT, "wait for '%s'", r->name);
		left -= tell(r, fds, left);
		status = finish_output();
		if (status || !left || fds[WATCH_SHUT].revents & POLLIN)
			return status;
		if (fds[NR_WATCHES].revents & POLLIN)
			return report_text("process %llu has ended", (unsigned long long)r->pid);
	}
}

static int notify_object(const struct request *r)
{
	struct pollfd fds[NR_WATCHES + 1];
	unsigned int rights = 0;
	int fd, ret = 0, status;

	for (size_t i = 0; i < NR_WATCHES; i++)
		fds[i].fd = -1;
	fds[NR_WATCHES] = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (r->pid) {
		fds[NR_WATCHES].fd = syscall(SYS_pidfd_open, (pid_t)r->pid, 0);
		if (fds[NR_WATCHES].fd < 0)
			return report(-errno, "find process %llu", (unsigned long long)r->pid);
	}
	if (r->ready & IPCX_READY_WRITE)
		rights |= IPCX_WRITE;
	if (r->ready & IPCX_READY_READ || !rights)
		rights |= IPCX_READ;
	fd = open_object(r->name, IPCX_KIND_ANY, rights);
	if (fd < 0) {
		status = STATUS_FAILED;
		goto out_close;
	}
	if (r->pid)
		ret = ask_for_signal(fd, r, fds[NR_WATCHES].fd);
	if (!ret)
		ret = ask_for_counts(fd, r, fds);
	if (ret == -EOPNOTSUPP)
		status = report_text("'%s' is a region: it never becomes ready", r->name);
	else if (ret == -EPERM)
		status = report_text("cannot signal process %llu: it is not yours", (unsigned long long)r->pid);
	else if (ret)
		status = report(ret, "watch '%s'", r->name);
	else
		status = follow(r, fds);
	close(fd);
out_close:
	for (size_t i = 0; i <= NR_WATCHES; i++)
		if (fds[i].fd >= 0)
			close(fds[i].fd);
	return status;
}

int cmd_notify(int argc, char **argv)
{
	static const struct option options[] = {
		{ "read", no_argument, NULL, 'r' },
		{ "write", no_argument, NULL, 'w' },
		{ "shut", no_argument, NULL, OPT_SHUT },
		{ "pid", required_argument, NULL, 'p' },
		{ "signal", required_argument, NULL, 's' },
		{ "value", required_argument, NULL, OPT_VALUE },
		{ "count", required_argument, NULL, 'n' },
		{ "follow", no_argument, NULL, 'f' },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct request r = { .patience = PATIENCE_FOREVER };
	bool follows = false, valued = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "rwp:s:n:ft:h", options, NULL)) != -1) {
		switch (opt) {
		case 'r':
			r.ready |= IPCX_READY_READ;
			break;
		case 'w':
			r.ready |= IPCX_READY_WRITE;
			break;
		case OPT_SHUT:
			r.ready |= IPCX_READY_SHUT;
			break;
		case 'p':
			if (parse_number(optarg, 1, INT_MAX, &r.pid))
				return usage_error("'%s' is not a process", optarg);
			break;
		case 's':
			if (parse_signal(optarg, &r.signo))
				return usage_error("'%s' is not a signal: USR1, 10, RTMIN+3", optarg);
			break;
		case OPT_VALUE:
			if (parse_number(optarg, 0, UINT64_MAX, &r.value))
				return usage_error("'%s' is not a number", optarg);
			valued = true;
			break;
		case 'n':
			if (parse_number(optarg, 1, UINT64_MAX - 1, &r.count))
				return usage_error("'%s' is not a number of times", optarg);
			break;
		case 'f':
			follows = true;
			break;
		case 't':
			if (parse_duration(optarg, &r.patience.timeout_ns))
				return usage_error("'%s' is not a time: 100ms, 1.5s", optarg);
			break;
		case 'h':
			fputs(notify_help, stdout);
			return finish_output();
		default:
			return usage_hint();
		}
	}
	if (argc - optind != 1)
		return usage_error("needs one NAME");
	if (!r.pid != !r.signo)
		return usage_error("takes --pid and --signal together");
	if (valued && !r.pid)
		return usage_error("takes --value with --pid only");
	if (follows && r.count)
		return usage_error("takes only one of --count and --follow");
	r.name = argv[optind];
	if (!r.ready)
		r.ready = IPCX_READY_READ;
	if (follows)
		r.count = UINT64_MAX;
	else if (!r.count)
		r.count = 1;
	return notify_object(&r);
}
