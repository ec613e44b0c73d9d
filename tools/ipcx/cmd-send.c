// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx send: arguments, lines or blocks into a queue, many in one call.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

/* Bytes read at once, and the largest message of --raw without a block size. */
#define READ_LEN	(64 * 1024)

enum split {
	SPLIT_LINES,	/* a message is a line, without its newline */
	SPLIT_BLOCKS,	/* a message is block_len bytes, the last one less */
	SPLIT_READS,	/* a message is what one read(2) gives */
};

struct sender {
	const char *name;
	int queue;
	struct ipcx_msg template;	/* type and priority of every message */
	struct patience patience;
	enum split split;
	size_t block_len;
	size_t max_msg_len;
	uint64_t nr_sent;
	unsigned int nr_fds;
	int fds[IPCX_FDS_MAX];
	unsigned int nr_pending;
	struct ipcx_msg pending[IPCX_BATCH_MAX];
};

/* Sends what is pending.  The timeout counts anew whenever a message has gone. */
static int send_pending(struct sender *s)
{
	unsigned int done = 0;
	int ret;

	while (done < s->nr_pending) {
		ret = ipcx_queue_sendv(s->queue, s->pending + done, s->nr_pending - done,
				       s->patience.flags, deadline(&s->patience));
		if (ret == -EINTR)
			continue;
		if (ret < 0)
			return report(ret, "send message %" PRIu64 " to queue '%s'", s->nr_sent + 1,
				      s->name);
		done += ret;
		s->nr_sent += ret;
	}
	s->nr_pending = 0;
	return STATUS_OK;
}

/* @buf stays as it is until send_pending(). */
static int add_message(struct sender *s, const char *buf, size_t len)
{
	struct ipcx_msg *msg = &s->pending[s->nr_pending++];

	*msg = s->template;
	msg->buf = (uintptr_t)buf;
	msg->len = len;
	return s->nr_pending == IPCX_BATCH_MAX ? send_pending(s) : STATUS_OK;
}

/*
 * Cut one message off the front of @len bytes.  Returns how many bytes it takes there, 0 if it is
 * not complete; its own length goes to *@msg_len.
 */
static size_t split_message(const struct sender *s, const char *buf, size_t len, bool at_end,
			    size_t *msg_len)
{
	const char *newline;

	if (!len)
		return 0;
	switch (s->split) {
	case SPLIT_LINES:
		newline = memchr(buf, '\n', len);
		if (!newline && !at_end)
			return 0;
		*msg_len = newline ? (size_t)(newline - buf) : len;
		return *msg_len + (newline ? 1 : 0);
	case SPLIT_BLOCKS:
		if (len < s->block_len && !at_end)
			return 0;
		*msg_len = len < s->block_len ? len : s->block_len;
		return *msg_len;
	default:
		*msg_len = len;
		return len;
	}
}

/*
 * Sends every complete message in @buf; *@len becomes the length of the rest, moved to the
 * front.
 */
static int send_complete(struct sender *s, char *buf, size_t *len, bool at_end)
{
	size_t pos = 0, taken, msg_len;
	int status = STATUS_OK;

	while (!status && (taken = split_message(s, buf + pos, *len - pos, at_end, &msg_len))) {
		if (msg_len > s->max_msg_len)
			status = report(-EMSGSIZE,
					"send message %" PRIu64 " of %zu bytes to queue '%s'",
					s->nr_sent + s->nr_pending + 1, msg_len, s->name);
		else
			status = add_message(s, buf + pos, msg_len);
		pos += taken;
	}
	/* Those before a message that cannot be sent are sent all the same. */
	if (s->nr_pending && send_pending(s))
		status = STATUS_FAILED;
	*len -= pos;
	memmove(buf, buf + pos, *len);
	return status;
}

static int grow(const struct sender *s, char **buf, size_t *cap)
{
	char *bigger;

	if (*cap > s->max_msg_len)
		return report(-EMSGSIZE,
			      "send message %" PRIu64 " of more than %zu bytes to queue '%s'",
			      s->nr_sent + 1, s->max_msg_len, s->name);
	bigger = realloc(*buf, *cap * 2);
	if (!bigger)
		return report(-ENOMEM, "read a message of more than %zu bytes", *cap);
	*buf = bigger;
	*cap *= 2;
	return STATUS_OK;
}

static int send_input(struct sender *s)
{
	size_t cap = READ_LEN, len = 0;
	int status = STATUS_OK;
	bool at_end = false;
	ssize_t ret;
	char *buf;

	if (s->split == SPLIT_BLOCKS)
		cap = s->block_len > cap ? s->block_len : cap / s->block_len * s->block_len;
	else if (s->split == SPLIT_READS && cap > s->max_msg_len)
		cap = s->max_msg_len;
	buf = malloc(cap);
	if (!buf)
		return report(-ENOMEM, "read messages of %zu bytes", cap);
	while (!status && !at_end) {
		if (len == cap) {
			status = grow(s, &buf, &cap);
			continue;
		}
		ret = read(STDIN_FILENO, buf + len, cap - len);
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0) {
			status = report(-errno, "read the standard input");
			break;
		}
		at_end = ret == 0;
		len += ret;
		status = send_complete(s, buf, &len, at_end);
	}
	free(buf);
	return status;
}

static int send_arguments(struct sender *s, char **messages, int nr)
{
	int status = STATUS_OK;

	for (int i = 0; i < nr && !status; i++)
		status = add_message(s, messages[i], strlen(messages[i]));
	return status ? status : send_pending(s);
}

static const char send_help[] =
"Usage: ipcx send NAME [MESSAGE...] [OPTION...]\n"
"Send each MESSAGE to a queue; without one, each line of the standard input.\n"
"If NAME is a stream: all bytes of the standard input, as they are.\n"
"\n"
"      --type T         message type, 1 to 4294967295 (1)\n"
"  -p, --priority P     0 to 32767, higher is received first (0)\n"
"  -r, --raw[=SIZE]     the input is bytes: a message is what one read gives, at most 64K;\n"
"                       with SIZE, exactly that many bytes, the last message fewer\n"
"      --fd N[,N...]    one message, MESSAGE or an empty one, with these open descriptors of the\n"
"                       command, 64 at most; recv can give them to another command\n"
"  -t, --timeout TIME   give up when there is no room for that long: 1.5s, 100ms\n"
"      --nowait         fail if there is no room now\n"
"  -c, --create         make the queue, with the defaults of `ipcx create`, if there is none\n"
"  -e, --eof            shut the queue down after the last message: it is the end for receivers\n"
"\n"
"If it fails, the messages before the one that it names have been sent.\n";

enum {
	OPT_TYPE = 256, OPT_NOWAIT, OPT_FD,
};

/* Returns STATUS_OK, or -1 to go on with the command. */
static int parse_send_options(struct sender *s, int argc, char **argv, bool *create, bool *end)
{
	static const struct option options[] = {
		{ "type", required_argument, NULL, OPT_TYPE },
		{ "priority", required_argument, NULL, 'p' },
		{ "raw", optional_argument, NULL, 'r' },
		{ "timeout", required_argument, NULL, 't' },
		{ "nowait", no_argument, NULL, OPT_NOWAIT },
		{ "fd", required_argument, NULL, OPT_FD },
		{ "create", no_argument, NULL, 'c' },
		{ "eof", no_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	uint64_t number;
	int opt;

	while ((opt = getopt_long(argc, argv, "p:r::t:ceh", options, NULL)) != -1) {
		switch (opt) {
		case OPT_TYPE:
			if (parse_number(optarg, IPCX_TYPE_MIN, UINT32_MAX, &number))
				return usage_error("'%s' is not a message type: 1 to 4294967295",
						   optarg);
			s->template.type = number;
			break;
		case 'p':
			if (parse_number(optarg, 0, IPCX_PRIORITY_MAX, &number))
				return usage_error("'%s' is not a priority: 0 to %u", optarg,
						   IPCX_PRIORITY_MAX);
			s->template.priority = number;
			break;
		case 'r':
			s->split = optarg ? SPLIT_BLOCKS : SPLIT_READS;
			if (optarg &&
			    (parse_size(optarg, &number) || !number || number > SIZE_MAX / 2))
				return usage_error("'%s' is not a block size: 512, 64K", optarg);
			if (optarg)
				s->block_len = number;
			break;
		case 't':
			if (parse_duration(optarg, &s->patience.timeout_ns))
				return usage_error("'%s' is not a time: 100ms, 1.5s", optarg);
			break;
		case OPT_FD:
			if (parse_fds(optarg, s->fds, &s->nr_fds))
				return usage_error("'%s' are not descriptors, at most %u: 3,5", optarg,
						   IPCX_FDS_MAX);
			break;
		case OPT_NOWAIT:
			s->patience.flags |= IPCX_NOWAIT;
			break;
		case 'c':
			*create = true;
			break;
		case 'e':
			*end = true;
			break;
		case 'h':
			fputs(send_help, stdout);
			return finish_output();
		default:
			return usage_hint();
		}
	}
	if (optind == argc)
		return usage_error("needs the NAME of a queue");
	if (s->split != SPLIT_LINES && argc - optind > 1)
		return usage_error("--raw is for the standard input: leave out the MESSAGEs");
	if (s->nr_fds && (s->split != SPLIT_LINES || argc - optind > 2))
		return usage_error("--fd is for one MESSAGE, and without --raw");
	return -1;
}

int cmd_send(int argc, char **argv)
{
	static struct sender s = {
		.template.type = IPCX_TYPE_MIN,
		.patience.timeout_ns = IPCX_FOREVER,
	};
	struct ipcx_options options = { .rights = IPCX_WRITE };
	bool create = false, end = false;
	struct ipcx_queue_stat stat;
	int ret, status;

	status = parse_send_options(&s, argc, argv, &create, &end);
	if (status >= 0)
		return status;
	s.name = argv[optind++];
	if (find_kind(s.name) == IPCX_KIND_STREAM) {
		if (argc != 2)
			return usage_error("'%s' is a stream, which takes the standard input and no options",
					   s.name);
		return stream_send(s.name);
	}
	if (create) {
		s.queue = ipcx_queue_create(s.name, NULL, &options);
		if (s.queue < 0)
			return report(s.queue, "create queue '%s'", s.name);
	} else {
		s.queue = open_object(s.name, IPCX_KIND_QUEUE, IPCX_WRITE);
		if (s.queue < 0)
			return STATUS_FAILED;
	}
	ret = ipcx_queue_stat(s.queue, &stat);
	if (ret)
		return report(ret, "look at queue '%s'", s.name);
	s.max_msg_len = stat.max_msg_len;
	if (s.split == SPLIT_BLOCKS && s.block_len > s.max_msg_len)
		return report(-EMSGSIZE, "send blocks of %zu bytes to queue '%s'", s.block_len,
			      s.name);

	if (s.nr_fds) {
		if (optind < argc) {
			s.template.buf = (uintptr_t)argv[optind];
			s.template.len = strlen(argv[optind]);
		}
		status = fds_send(s.name, s.queue, &s.template, s.fds, s.nr_fds, &s.patience);
	} else {
		status = optind < argc ? send_arguments(&s, argv + optind, argc - optind) : send_input(&s);
	}
	if (end && !status) {
		ret = ipcx_shutdown(s.queue, IPCX_SHUT_SEND);
		if (ret)
			status = report(ret, "shut down queue '%s'", s.name);
	}
	close(s.queue);
	return status;
}
