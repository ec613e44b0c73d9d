// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx call, ipcx serve: a message and its reply, from the shell.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

/* Everything from @fd into memory of *@len bytes, or NULL with -errno in *@err. */
static char *read_all(int fd, size_t *len, int *err)
{
	size_t cap = 64 * 1024;
	char *buf = malloc(cap), *more;
	ssize_t ret;

	*err = -ENOMEM;
	*len = 0;
	while (buf) {
		ret = read(fd, buf + *len, cap - *len);
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			*err = -errno;
		if (ret < 0)
			break;
		if (!ret)
			return buf;
		*len += ret;
		if (*len < cap)
			continue;
		more = realloc(buf, cap *= 2);
		if (!more)
			break;
		buf = more;
	}
	free(buf);
	return NULL;
}

static const char call_help[] =
"Usage: ipcx call NAME [MESSAGE] [--type T] [--timeout TIME]\n"
"Send MESSAGE, or all of the standard input, to a queue, and print the reply as it is.\n"
"\n"
"      --type T        message type, 1 to 4294967295 (1)\n"
"  -t, --timeout TIME  give up when there is no reply for that long: 1.5s, 100ms\n"
"\n"
"The reply is what a server gives: `ipcx serve`, or ipcx_queue_serve(3).\n";

static int call_queue(const char *name, struct ipcx_msg *msg, const struct patience *patience)
{
	struct ipcx_queue_stat stat;
	struct ipcx_msg reply;
	int queue, ret;
	char *buf;

	queue = open_object(name, IPCX_KIND_QUEUE, IPCX_WRITE);
	if (queue < 0)
		return STATUS_FAILED;
	ret = ipcx_queue_stat(queue, &stat);
	/* no reply is larger than the queue's largest message; untouched pages cost nothing */
	buf = ret ? NULL : malloc(stat.max_msg_len + 1);
	if (!buf)
		return report(ret ? ret : -ENOMEM, "call queue '%s'", name);
	reply = ipcx_msg(buf, stat.max_msg_len);
	ret = ipcx_queue_call(queue, msg, &reply, 0, deadline(patience));
	close(queue);
	if (!ret)
		fwrite(buf, 1, reply.len, stdout);
	free(buf);
	return ret ? report(ret, "call queue '%s'", name) : finish_output();
}

int cmd_call(int argc, char **argv)
{
	static const struct option options[] = {
		{ "type", required_argument, NULL, 'T' },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct patience patience = PATIENCE_FOREVER;
	struct ipcx_msg msg = ipcx_msg(NULL, 0);
	uint64_t type = IPCX_TYPE_MIN;
	char *input = NULL;
	int opt, err, status;
	size_t len;

	while ((opt = getopt_long(argc, argv, "t:h", options, NULL)) != -1) {
		switch (opt) {
		case 'T':
			if (parse_number(optarg, IPCX_TYPE_MIN, UINT32_MAX, &type))
				return usage_error("'%s' is not a message type: 1 to 4294967295", optarg);
			break;
		case 't':
			if (parse_duration(optarg, &patience.timeout_ns))
				return usage_error("'%s' is not a time: 100ms, 1.5s", optarg);
			break;
		case 'h':
			fputs(call_help, stdout);
			return finish_output();
		default:
			return usage_hint();
		}
	}
	if (argc - optind < 1 || argc - optind > 2)
		return usage_error("needs the NAME of a queue, and at most one MESSAGE");
	if (argc - optind == 2) {
		msg = ipcx_msg(argv[optind + 1], strlen(argv[optind + 1]));
	} else {
		input = read_all(STDIN_FILENO, &len, &err);
		if (!input)
			return report(err, "read the standard input");
		msg = ipcx_msg(input, len);
	}
	msg.type = type;
	status = call_queue(argv[optind], &msg, &patience);
	free(input);
	return status;
}

static const char serve_help[] =
"Usage: ipcx serve NAME [--count N] -- COMMAND [ARGUMENT...]\n"
"For each call that comes to a queue, run COMMAND with the message on its standard input; what it\n"
"prints is the reply.\n"
"\n"
"  -n, --count N  end after N messages; without, when the queue is shut down\n"
"\n"
"COMMAND finds the caller in IPCX_PID, IPCX_UID, IPCX_GID and the message's type in IPCX_TYPE. A plain\n"
"message runs it as well, and its output is not sent. If COMMAND fails, it is said, and the reply is\n"
"what it printed.\n";

void export_number(const char *name, unsigned int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	setenv(name, text, 1);
}

void export_sender(const struct ipcx_msg *msg)
{
	export_number("IPCX_PID", msg->pid);
	export_number("IPCX_UID", msg->uid);
	export_number("IPCX_GID", msg->gid);
	export_number("IPCX_TYPE", msg->type);
}

/* A file, so that a message of any size and a command that reads nothing do not block each other. */
int message_file(const struct ipcx_msg *msg)
{
	int fd = memfd_create("message", MFD_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	errno = EIO;
	if (write(fd, (void *)(uintptr_t)msg->buf, msg->len) == (ssize_t)msg->len && !lseek(fd, 0, SEEK_SET))
		return fd;
	err = errno;
	close(fd);
	return -err;
}

/* Runs the command with @len bytes of @buf as its input; its output, or NULL with -errno in *@err. */
static char *run(char **command, const struct ipcx_msg *msg, size_t *len, int *err)
{
	int in = message_file(msg), out[2], status;
	char *output = NULL;
	pid_t pid;

	*err = in;
	if (in < 0)
		return NULL;
	if (pipe2(out, O_CLOEXEC)) {
		*err = -errno;
		close(in);
		return NULL;
	}
	pid = fork();
	if (!pid) {
		dup2(in, STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		export_sender(msg);
		execvp(command[0], command);
		report(-errno, "run '%s'", command[0]);
		_exit(127);
	}
	*err = pid < 0 ? -errno : 0;
	close(in);
	close(out[1]);
	if (pid > 0)
		output = read_all(out[0], len, err);
	close(out[0]);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && status)
		report_text("'%s' failed on a message of process %u", command[0], msg->pid);
	return output;
}

static int serve_queue(const char *name, char **command, uint64_t nr)
{
	struct ipcx_queue_stat stat;
	struct ipcx_msg msg, reply;
	int queue, ret, err, status = STATUS_OK;
	uint64_t call = 0;
	char *buf, *output;
	size_t len;

	queue = open_object(name, IPCX_KIND_QUEUE, IPCX_READ);
	if (queue < 0)
		return STATUS_FAILED;
	ret = ipcx_queue_stat(queue, &stat);
	buf = ret ? NULL : malloc(stat.max_msg_len + 1);
	if (!buf)
		return report(ret ? ret : -ENOMEM, "serve queue '%s'", name);
	while (nr-- && !status) {
		do {
			msg = ipcx_msg(buf, stat.max_msg_len);
			ret = ipcx_queue_serve(queue, &call, NULL, &msg, 0, IPCX_FOREVER);
		} while (ret == -EINTR);
		if (ret) {
			status = ret == -EPIPE ? STATUS_OK : report(ret, "serve queue '%s'", name);
			break;
		}
		output = run(command, &msg, &len, &err);
		if (!output) {
			status = report(err, "run '%s'", command[0]);
			break;
		}
		reply = ipcx_msg(output, len);
		ret = call ? ipcx_queue_reply(queue, call, &reply) : 0;
		/* a caller that has given up is its own affair */
		if (ret && ret != -ECANCELED)
			status = report(ret, "reply to process %u", msg.pid);
		free(output);
	}
	free(buf);
	close(queue);
	return status;
}

int cmd_serve(int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	uint64_t nr = UINT64_MAX;
	const char *name;
	int opt;

	/* + : the options end at NAME, what follows is COMMAND's */
	while ((opt = getopt_long(argc, argv, "+n:h", options, NULL)) != -1) {
		switch (opt) {
		case 'n':
			if (parse_number(optarg, 1, UINT64_MAX - 1, &nr))
				return usage_error("'%s' is not a number of messages", optarg);
			break;
		case 'h':
			fputs(serve_help, stdout);
			return finish_output();
		default:
			return usage_hint();
		}
	}
	if (optind == argc)
		return usage_error("needs the NAME of a queue");
	name = argv[optind++];
	/* options may stand behind NAME, too */
	while (optind < argc && strcmp(argv[optind], "--") && argv[optind][0] == '-') {
		opt = getopt_long(argc, argv, "+n:h", options, NULL);
		if (opt != 'n' || parse_number(optarg, 1, UINT64_MAX - 1, &nr))
			return opt == 'n' ? usage_error("'%s' is not a number of messages", optarg) : usage_hint();
	}
	if (optind < argc && !strcmp(argv[optind], "--"))
		optind++;
	if (optind == argc)
		return usage_error("needs a COMMAND that makes the replies");
	return serve_queue(name, argv + optind, nr);
}
