// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx recv, ipcx peek, ipcx watch: messages to the standard output.  What has been taken is printed, also when
 * a signal asks to end; only a reader that goes away with output unread can lose it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "select.h"
#include "util.h"

/* Buffers: many for small messages, fewer and larger ones once a large message has been seen. */
#define ARENA_LEN	(1024 * 1024)
#define SLOT_LEN	(4 * 1024)
#define NR_SLOTS	(ARENA_LEN / SLOT_LEN)

enum form {
	FORM_LINES, FORM_RAW, FORM_VERBOSE, FORM_JSON,
};

struct receiver {
	const char *name;
	int queue;
	struct ipcx_select select;
	struct patience patience;
	enum form form;
	uint64_t nr_wanted;	/* UINT64_MAX: no bound */
	bool create;		/* make the queue if there is none */
	bool drain;		/* end when the queue is empty */
	bool tap;		/* copies of what is sent, which stays */
	bool fds;		/* give the message and its descriptors to @command */
	char **command;
	bool watch_output;	/* end when the reader of the output is gone */
	FILE *out;
	int write_errno;	/* why writing to @out failed */
	char *arena;
	size_t slot_len;
	unsigned int nr_slots;
	struct ipcx_msg msgs[NR_SLOTS];
};

static volatile sig_atomic_t caught_signal;

static void catch_signal(int signo)
{
	caught_signal = signo;
}

/* The first of these ends a wait without losing what has been taken; a second one kills. */
static void catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = catch_signal, .sa_flags = SA_RESETHAND };
	struct sigaction old;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
}

/* For fopencookie(): a signal that is caught does not cut output short.  @cookie is its errno. */
static ssize_t write_all(void *cookie, const char *buf, size_t len)
{
	size_t done = 0;
	ssize_t ret;

	while (done < len) {
		ret = write(STDOUT_FILENO, buf + done, len - done);
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0) {
			*(int *)cookie = errno;
			return done;
		}
		done += ret;
	}
	return done;
}

static int set_slots(struct receiver *r, size_t slot_len)
{
	size_t len = slot_len > ARENA_LEN ? slot_len : ARENA_LEN;
	char *arena = realloc(r->arena, len);

	if (!arena)
		return -ENOMEM;
	r->arena = arena;
	r->slot_len = slot_len;
	r->nr_slots = len / slot_len < NR_SLOTS ? len / slot_len : NR_SLOTS;
	return 0;
}

/* One message, with a buffer that grows until it fits.  Returns 1 or a negative errno. */
static int take_one(struct receiver *r, unsigned int flags)
{
	size_t slot_len;
	int ret;

	for (;;) {
		r->msgs[0] = ipcx_msg(r->arena, r->slot_len);
		ret = ipcx_queue_recv_msg(r->queue, &r->msgs[0], &r->select, flags,
					  deadline(&r->patience));
		if (ret != -EMSGSIZE)
			return ret < 0 ? ret : 1;
		for (slot_len = r->slot_len; slot_len < r->msgs[0].len; slot_len *= 2)
			;
		ret = set_slots(r, slot_len);
		if (ret)
			return ret;
	}
}

/* Up to @nr messages, waiting for the first.  Returns how many, or a negative errno. */
static int take(struct receiver *r, unsigned int nr, unsigned int flags)
{
	int ret;

	if (nr > r->nr_slots)
		nr = r->nr_slots;
	for (unsigned int i = 0; i < nr; i++)
		r->msgs[i] = ipcx_msg(r->arena + i * r->slot_len, r->slot_len);
	ret = ipcx_queue_recvv(r->queue, r->msgs, nr, &r->select, flags, deadline(&r->patience));
	return ret == -EMSGSIZE ? take_one(r, flags) : ret;
}

/*
 * take(), but it ends with 0 if the reader of the output goes away meanwhile: nothing is taken that
 * nobody would read.  poll(2) knows no selection, so this is for receivers that want any message.
 */
static int take_watching(struct receiver *r, unsigned int nr)
{
	struct pollfd fds[] = {
		{ .fd = r->queue, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};
	uint64_t until = deadline(&r->patience), now;
	int ret, timeout_ms;

	for (;;) {
		ret = take(r, nr, r->patience.flags | IPCX_NOWAIT);
		if (ret != -EAGAIN)
			return ret;
		now = ipcx_after_ns(0);
		if (until <= now)
			return -ETIMEDOUT;
		timeout_ms = -1;
		if (until != IPCX_FOREVER && (until - now) / NS_PER_MS < 1000000)
			timeout_ms = (until - now + NS_PER_MS - 1) / NS_PER_MS;
		else if (until != IPCX_FOREVER)
			timeout_ms = 1000000;
		ret = poll(fds, ARRAY_SIZE(fds), timeout_ms);
		if (ret < 0)
			return -errno;
		if (fds[1].revents & POLLERR)
			return 0;
	}
}

static void print_message(struct receiver *r, const struct ipcx_msg *msg)
{
	const char *payload = (const char *)(uintptr_t)msg->buf;
	struct json json;

	switch (r->form) {
	case FORM_VERBOSE:
		fprintf(r->out, "type=%u priority=%u pid=%u uid=%u gid=%u len=%" PRIu64 ": ",
			msg->type, msg->priority, msg->pid, msg->uid, msg->gid, (uint64_t)msg->len);
		/* fall through */
	case FORM_LINES:
		fwrite(payload, 1, msg->len, r->out);
		fputc('\n', r->out);
		break;
	case FORM_RAW:
		fwrite(payload, 1, msg->len, r->out);
		break;
	case FORM_JSON:
		json_begin(&json, r->out);
		json_u64(&json, "type", msg->type);
		/* of a broadcast queue, where there are no priorities: how many were lost before this one */
		if (msg->flags & IPCX_MSG_LOST)
			json_u64(&json, "lost", msg->priority);
		json_u64(&json, "priority", msg->flags & IPCX_MSG_LOST ? 0 : msg->priority);
		json_u64(&json, "pid", msg->pid);
		json_u64(&json, "uid", msg->uid);
		json_u64(&json, "gid", msg->gid);
		json_u64(&json, "len", msg->len);
		if (is_utf8(payload, msg->len))
			json_string(&json, "text", payload, msg->len);
		else
			json_base64(&json, "base64", payload, msg->len);
		json_end(&json);
		fputc('\n', r->out);
		break;
	}
}

static int print_messages(struct receiver *r, int nr)
{
	for (int i = 0; i < nr; i++)
		print_message(r, &r->msgs[i]);
	if (fflush(r->out) || ferror(r->out))
		return report(-r->write_errno, "write to the standard output");
	return STATUS_OK;
}

/* A failed receive in words, or the end of the work. */
static int end_receiving(struct receiver *r, int ret)
{
	if (ret == -EPIPE || (ret == -EAGAIN && r->drain))
		return STATUS_OK;
	return report(ret, "receive from queue '%s'", r->name);
}

static int receive(struct receiver *r)
{
	unsigned int nr;
	int ret, status;

	while (r->nr_wanted && !caught_signal) {
		nr = r->nr_wanted < NR_SLOTS ? r->nr_wanted : NR_SLOTS;
		if (r->patience.flags & IPCX_RECV_PEEK)
			ret = take_one(r, r->patience.flags);
		else if (r->watch_output)
			ret = take_watching(r, nr);
		else
			ret = take(r, nr, r->patience.flags);
		if (ret == -EINTR)
			continue;
		if (ret <= 0)
			return ret ? end_receiving(r, ret) : STATUS_OK;
		status = print_messages(r, ret);
		if (status)
			return status;
		if (r->nr_wanted != UINT64_MAX)
			r->nr_wanted -= ret;
	}
	return STATUS_OK;
}

/* From here on r->queue is a tap; a broadcast queue is one by itself. */
static int open_tap(struct receiver *r)
{
	const struct ipcx_queue_limits limits = { .max_msgs = 4096, .max_bytes = 16 * 1024 * 1024 };
	struct ipcx_stat stat;
	int tap;

	if (!ipcx_stat(r->queue, &stat) && stat.state & IPCX_OBJECT_BROADCAST)
		return STATUS_OK;
	tap = ipcx_queue_tap(r->queue, &limits);
	if (tap < 0)
		return report(tap, "watch queue '%s'", r->name);
	close(r->queue);
	r->queue = tap;
	return STATUS_OK;
}

static int receive_from(struct receiver *r)
{
	static const cookie_io_functions_t functions = { .write = write_all };
	struct ipcx_options options = { .rights = IPCX_READ };
	struct stat stat;
	int ret, status;

	if (r->create) {
		r->queue = ipcx_queue_create(r->name, NULL, &options);
		if (r->queue < 0)
			return report(r->queue, "create queue '%s'", r->name);
	} else {
		r->queue = open_object(r->name, IPCX_KIND_QUEUE, IPCX_READ);
		if (r->queue < 0)
			return STATUS_FAILED;
	}
	if (r->tap) {
		ret = open_tap(r);
		if (ret)
			return ret;
	}
	if (r->fds)
		return fds_recv(r->name, r->queue, &r->select, &r->patience, r->command);
	ret = set_slots(r, SLOT_LEN);
	r->out = fopencookie(&r->write_errno, "w", functions);
	if (ret || !r->out)
		return report(-ENOMEM, "receive from queue '%s'", r->name);
	setvbuf(r->out, NULL, _IOFBF, 64 * 1024);
	/*
	 * Whoever follows for long may outlive its reader; poll(2) tells so of pipes and
	 * sockets.
	 */
	r->watch_output = r->nr_wanted == UINT64_MAX && !(r->patience.flags & IPCX_NOWAIT) &&
			  r->select.how == IPCX_SELECT_ANY && !fstat(STDOUT_FILENO, &stat) &&
			  (S_ISFIFO(stat.st_mode) || S_ISSOCK(stat.st_mode));
	catch_signals();
	status = receive(r);
	fclose(r->out);
	free(r->arena);
	close(r->queue);
	if (caught_signal) {
		signal(caught_signal, SIG_DFL);
		raise(caught_signal);
	}
	return status;
}

static const char recv_help[] =
"Usage: ipcx recv NAME [OPTION...]\n"
"       ipcx recv NAME --fds [OPTION...] -- COMMAND [ARGUMENT...]\n"
"Take messages from a queue and print them, one per line; one message, waiting for it.\n"
"If NAME is a stream: all its bytes, as they are, until its last writer has gone.\n"
"\n"
"  -n, --count N       N messages\n"
"  -f, --follow        all that come, until the queue is shut down\n"
"  -a, --all           all that are there now\n"
"  -c, --create        make the queue, with the defaults of `ipcx create`, if there is none\n"
SELECT_HELP
"      --fds           take one message and run what follows `--` instead of this command: with the\n"
"                      descriptors that came from number 3 on (LISTEN_FDS tells how many), and the\n"
"                      message as its standard input\n"
"  -t, --timeout TIME  give up when no message has come for that long: 1.5s, 100ms\n"
"      --nowait        fail if there is no message now\n"
"  -r, --raw           bytes as they are, without newlines\n"
"  -v, --verbose       type, priority, pid, uid, gid and length before each message\n"
"      --json          one JSON object per message: text, or base64 if it is not UTF-8\n"
"\n"
"The end of a queue that is shut down is no failure. Output is flushed whenever there is nothing\n"
"to receive.\n";

static const char peek_help[] =
"Usage: ipcx peek NAME [OPTION...]\n"
"Print the message that recv would take, and leave it in the queue.\n"
"\n"
SELECT_HELP
"  -t, --timeout TIME  give up when no message has come for that long: 1.5s, 100ms\n"
"      --nowait        fail if there is no message now\n"
"  -r, --raw           bytes as they are, without a newline\n"
"  -v, --verbose       type, priority, pid, uid, gid and length before the message\n"
"      --json          a JSON object: text, or base64 if it is not UTF-8\n";

static const char watch_help[] =
"Usage: ipcx watch NAME [OPTION...]\n"
"Print the messages that are sent to a queue from now on, one per line, without taking them, until\n"
"it is shut down. You need the right to read it. Descriptors and the replies to calls are not\n"
"seen. If messages come faster than they are printed, some are left out, which is told. What\n"
"streams, semaphores and events do is shown by `ipcx trace` and `ipcx top`.\n"
"\n"
"  -n, --count N       end after N messages\n"
"  -t, --timeout TIME  end when no message has come for that long: 1.5s, 100ms\n"
"  -r, --raw           bytes as they are, without newlines\n"
"  -v, --verbose       type, priority, pid, uid, gid and length before each message\n"
"      --json          one JSON object per message: text, or base64 if it is not UTF-8\n";

#define COMMON_OPTIONS						\
	SELECT_OPTIONS,						\
	{ "timeout", required_argument, NULL, 't' },		\
	{ "nowait", no_argument, NULL, OPT_NOWAIT },		\
	{ "raw", no_argument, NULL, 'r' },			\
	{ "verbose", no_argument, NULL, 'v' },			\
	{ "json", no_argument, NULL, OPT_JSON },		\
	{ "help", no_argument, NULL, 'h' },			\
	{ }

enum {
	OPT_JSON = OPT_SELECT_END, OPT_NOWAIT, OPT_FDS,
};

static int set_form(struct receiver *r, enum form form)
{
	if (r->form != FORM_LINES && r->form != form)
		return usage_error("takes only one of --raw, --verbose and --json");
	r->form = form;
	return STATUS_OK;
}

static int set_how_many(struct receiver *r, int option, const char *value)
{
	if (r->nr_wanted)
		return usage_error("takes only one of --count, --follow and --all");
	r->nr_wanted = UINT64_MAX;
	if (option == 'n' && parse_number(value, 1, UINT64_MAX - 1, &r->nr_wanted))
		return usage_error("'%s' is not a number of messages", value);
	if (option == 'a') {
		r->drain = true;
		r->patience.flags |= IPCX_NOWAIT;
	}
	return STATUS_OK;
}

/* Both commands: @shorts and @options say which options there are. */
static int run_receiver(int argc, char **argv, const char *shorts, const struct option *options,
			const char *help, unsigned int flags, bool tap)
{
	static struct receiver r;
	int opt, status = STATUS_OK;

	r = (struct receiver){ .patience = { flags, IPCX_FOREVER }, .tap = tap };
	while (!status && (opt = getopt_long(argc, argv, shorts, options, NULL)) != -1) {
		switch (opt) {
		case 'n':
		case 'f':
		case 'a':
			status = set_how_many(&r, opt, optarg);
			break;
		case 'c':
			r.create = true;
			break;
		case OPT_SELECT_TYPE:
		case OPT_SELECT_EXCEPT:
		case OPT_SELECT_LOWEST:
			status = parse_select_option(opt, optarg, &r.select);
			break;
		case 't':
			if (parse_duration(optarg, &r.patience.timeout_ns))
				status = usage_error("'%s' is not a time: 100ms, 1.5s", optarg);
			break;
		case OPT_FDS:
			r.fds = true;
			break;
		case OPT_NOWAIT:
			r.patience.flags |= IPCX_NOWAIT;
			break;
		case 'r':
			status = set_form(&r, FORM_RAW);
			break;
		case 'v':
			status = set_form(&r, FORM_VERBOSE);
			break;
		case OPT_JSON:
			status = set_form(&r, FORM_JSON);
			break;
		case 'h':
			fputs(help, stdout);
			return finish_output();
		default:
			return usage_hint();
		}
	}
	if (status)
		return status;
	if (r.fds && argc - optind < 2)
		return usage_error("--fds needs the NAME of a queue and, after --, a COMMAND");
	if (!r.fds && argc - optind != 1)
		return usage_error("needs the NAME of one queue");
	if (r.fds && (r.nr_wanted || r.form != FORM_LINES))
		return usage_error("--fds takes one message, and gives it to the COMMAND as it is");
	r.name = argv[optind];
	r.command = argv + optind + 1;
	if (!tap && !(flags & IPCX_RECV_PEEK) && find_kind(r.name) == IPCX_KIND_STREAM) {
		if (argc != 2)
			return usage_error("'%s' is a stream, which is read to its end without options", r.name);
		return stream_recv(r.name);
	}
	if (!r.nr_wanted)
		r.nr_wanted = tap ? UINT64_MAX : 1;
	return receive_from(&r);
}

int cmd_recv(int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'n' },
		{ "follow", no_argument, NULL, 'f' },
		{ "all", no_argument, NULL, 'a' },
		{ "create", no_argument, NULL, 'c' },
		{ "fds", no_argument, NULL, OPT_FDS },
		COMMON_OPTIONS
	};

	return run_receiver(argc, argv, "n:fact:rvh", options, recv_help, 0, false);
}

int cmd_peek(int argc, char **argv)
{
	static const struct option options[] = { COMMON_OPTIONS };

	return run_receiver(argc, argv, "t:rvh", options, peek_help, IPCX_RECV_PEEK, false);
}

int cmd_watch(int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'n' },
		{ "timeout", required_argument, NULL, 't' },
		{ "raw", no_argument, NULL, 'r' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};

	return run_receiver(argc, argv, "n:t:rvh", options, watch_help, 0, true);
}
