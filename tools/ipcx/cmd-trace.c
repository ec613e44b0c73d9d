// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx trace: what the kernel copies, allocates, wakes and waits for, message by message, for ipcx and for the
 * standard calls alike.  trace/ does the work.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "trace/trace.h"
#include "util.h"

static const char trace_help[] =
"Usage: ipcx trace [OPTION...] [--] COMMAND [ARGUMENT...]\n"
"       ipcx trace [OPTION...] --pid PID | --all SECONDS\n"
"Run COMMAND and say what its messages cost in the kernel: copies, allocations, wake-ups, sleeps\n"
"and the time of each stage, for every mechanism and object. Counts are exact; what the kernel\n"
"lost or could not be asked for is said. Needs root.\n"
"\n"
"  -p, --pid PID       a process that runs, and what it starts from now on, until it ends\n"
"  -a, --all SECONDS   every process, for so long\n"
"  -t, --time SECONDS  stop after so long\n"
"  -m, --mech LIST     only these: ipcx, pipe, fifo, sysv_msg, posix_mq, unix, tcp, eventfd,\n"
"                      process_vm, futex; separated by commas\n"
"      --objects N     show the N busiest objects of each mechanism (8)\n"
"      --timeline[=N]  the life of message N of those seen, or of a typical one\n"
"      --hist          how the times and the sizes of copies are distributed\n"
"      --svg FILE      a picture: the stages of a call, and where bytes are copied\n"
"  -o, --output FILE   the calls and messages, for Perfetto and chrome://tracing; the kernel's events\n"
"                      if FILE ends in .dat, for trace-cmd report, or in .data, for perf script\n"
"  -b, --buffer SIZE   of the kernel's buffer for each processor (8M)\n"
"  -j, --json          one JSON object per line\n"
"The exit status is COMMAND's; without one, 0.\n";

enum {
	OPT_OBJECTS = 256, OPT_TIMELINE, OPT_HIST, OPT_SVG,
};

/* The bits of the mechanisms whose name is @name or begins with it and "_". */
static uint32_t mechs_of(const char *name, size_t len)
{
	uint32_t bits = 0;

	for (int m = 1; m < NR_MECHS; m++) {
		const char *mech = trace_mech_names[m];

		if (!strncmp(mech, name, len) && (!mech[len] || mech[len] == '_'))
			bits |= 1U << m;
	}
	return bits;
}

static int parse_mechs(const char *list, uint32_t *mechs)
{
	*mechs = 0;
	while (*list) {
		size_t len = strcspn(list, ",");
		uint32_t bits = len ? mechs_of(list, len) : 0;

		if (!bits)
			return usage_error("there is no mechanism '%.*s'", (int)len, list);
		*mechs |= bits;
		list += len;
		list += *list == ',';
	}
	return *mechs ? STATUS_OK : usage_error("no mechanism is named");
}

static int parse_seconds(const char *text, double *seconds)
{
	uint64_t ns;

	if (parse_duration(text, &ns) || !ns)
		return usage_error("'%s' is not a time", text);
	*seconds = ns / 1e9;
	return STATUS_OK;
}

static bool ends_in(const char *text, const char *end)
{
	return strlen(text) > strlen(end) && !strcmp(text + strlen(text) - strlen(end), end);
}

static int parse_option(int option, struct trace_options *o, struct trace_views *v)
{
	uint64_t number;

	switch (option) {
	case 'p':
		if (parse_number(optarg, 1, INT32_MAX, &number))
			return usage_error("'%s' is not a process", optarg);
		o->pid = number;
		return STATUS_OK;
	case 'a':
		o->all = true;
		return parse_seconds(optarg, &o->seconds);
	case 't':
		return parse_seconds(optarg, &o->seconds);
	case 'm':
		return parse_mechs(optarg, &o->mechs);
	case 'b':
		if (parse_size(optarg, &number) || number < 4096 || number > 1ULL << 34)
			return usage_error("'%s' is not a size for a buffer: 4K to 16G", optarg);
		o->buffer_kb = number / 1024;
		return STATUS_OK;
	case OPT_OBJECTS:
		if (parse_number(optarg, 0, UINT32_MAX, &number))
			return usage_error("'%s' is not a number of objects", optarg);
		o->max_objects = number;
		return STATUS_OK;
	case OPT_TIMELINE:
		v->timeline = true;
		if (optarg && parse_number(optarg, 1, UINT32_MAX, &number))
			return usage_error("'%s' is not the number of a message", optarg);
		v->message = optarg ? number : 0;
		return STATUS_OK;
	case OPT_HIST:
		v->hist = true;
		return STATUS_OK;
	case OPT_SVG:
		v->svg = optarg;
		return STATUS_OK;
	case 'o':
		if (ends_in(optarg, ".dat") || ends_in(optarg, ".data"))
			o->dat = optarg;
		else
			v->perfetto = optarg;
		return STATUS_OK;
	case 'j':
		v->json = true;
		return STATUS_OK;
	default:
		return usage_hint();
	}
}

static void say_missing(const struct trace_session *session)
{
	for (unsigned int i = 0; i < session->nr_missing; i++) {
		const char *comma = "";

		fprintf(stderr, "ipcx trace: %s: not complete: ", session->missing[i].what);
		for (int m = 1; m < NR_MECHS; m++) {
			if (!(session->missing[i].mechs & 1U << m))
				continue;
			fprintf(stderr, "%s%s", comma, trace_mech_names[m]);
			comma = ", ";
		}
		fputc('\n', stderr);
	}
}

static int show(const struct trace_options *o, const struct trace_views *v, const struct trace_session *session)
{
	int ret = STATUS_OK;

	if (v->json)
		trace_json(session, stdout);
	else if (!v->timeline && !v->hist)
		trace_report(o, session, stdout);
	if (v->timeline)
		ret |= trace_timeline(v->message, stdout);
	if (v->hist)
		trace_print_hists(stdout);
	if (v->svg)
		ret |= trace_svg(v->svg);
	if (v->perfetto)
		ret |= trace_write_perfetto(v->perfetto);
	return ret | finish_output();
}

int cmd_trace(int argc, char **argv)
{
	static const struct option options[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "all", required_argument, NULL, 'a' },
		{ "time", required_argument, NULL, 't' },
		{ "mech", required_argument, NULL, 'm' },
		{ "objects", required_argument, NULL, OPT_OBJECTS },
		{ "timeline", optional_argument, NULL, OPT_TIMELINE },
		{ "hist", no_argument, NULL, OPT_HIST },
		{ "svg", required_argument, NULL, OPT_SVG },
		{ "output", required_argument, NULL, 'o' },
		{ "buffer", required_argument, NULL, 'b' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct trace_options o = { .mechs = ~1U, .buffer_kb = 8192, .max_objects = 8 };
	struct trace_views v = { 0 };
	struct trace_session session;
	int option, ret;

	while ((option = getopt_long(argc, argv, "+p:a:t:m:o:b:jh", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(trace_help, stdout);
			return finish_output();
		}
		ret = parse_option(option, &o, &v);
		if (ret)
			return ret;
	}
	if ((optind < argc) + !!o.pid + o.all != 1)
		return usage_error("give a COMMAND, --pid or --all");
	if (optind < argc)
		o.argv = argv + optind;
	ret = trace_collect(&o, &session, trace_follow);
	say_missing(&session);
	if (!ret)
		ret = show(&o, &v, &session) ? STATUS_FAILED : session.status;
	else
		ret = STATUS_FAILED;
	trace_session_free(&session);
	return ret;
}
