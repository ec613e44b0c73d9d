// SPDX-License-Identifier: GPL-2.0
/*
 * Command lines of every command that can be run without its work being done: there is no device here, the trace cannot
 * begin, and of the bench only the options are read.  Whatever is on the line, the command ends with one of its statuses; if
 * that is not 0, it has said why on stderr and printed nothing.  If this fails, a wrong line crashes the command, or is
 * taken for a right one in silence.
 */
#include "no-device.h"

#include "fuzz.h"
#define help		bench_help
#define parse_option	bench_option
#include "../../tools/ipcx/cmd-bench.c"
#undef help
#include "trace/trace.h"

#define MAX_ARGS	24

/* ---- tracing, in place of trace/collect.c ---- */

int trace_collect(const struct trace_options *options, struct trace_session *session,
		  void (*follow)(const struct trace_event *event))
{
	(void)follow;
	memset(session, 0, sizeof(*session));
	REQUIRE(!!options->argv + options->all + !!options->pid == 1, "what is to be traced?");
	REQUIRE(options->seconds >= 0 && options->mechs, "%f seconds, mechanisms %x", options->seconds, options->mechs);
	report_text("tracing is not possible");
	return -EPERM;
}

void trace_session_free(struct trace_session *session)
{
	(void)session;
}

const char *trace_thread_name(uint32_t tid)
{
	(void)tid;
	return "?";
}

void trace_list_threads(FILE *out)
{
	(void)out;
}

/* ---- the bench: what it would measure ---- */

static int bench_options(int argc, char **argv)
{
	struct options o = { .placements = (1U << NR_PLACEMENTS) - 1 };
	int ret;

	counting = false;
	ret = parse_options(argc, argv, &o);
	if (ret)
		return ret < 0 ? STATUS_OK : ret;
	REQUIRE(o.sizes.nr && o.sizes.nr <= MAX_SIZES && o.steps.nr <= MAX_SIZES, "%zu sizes", (size_t)o.sizes.nr);
	REQUIRE(o.cases && o.placements && !(o.placements >> NR_PLACEMENTS), "cases %x, placements %x", o.cases, o.placements);
	REQUIRE(o.seconds > 0 && o.seconds <= 3600 && o.rounds && o.rate, "%f s, %u rounds", o.seconds, o.rounds);
	for (size_t i = 0; i < o.sizes.nr; i++)
		REQUIRE(o.sizes.of[i] >= 8 && o.sizes.of[i] <= MAX_LEN, "a size of %zu", (size_t)o.sizes.of[i]);
	return STATUS_OK;
}

static const struct { const char *name; int (*run)(int argc, char **argv); } all[] = {
	{ "ipcx bench", bench_options }, { "ipcx call", cmd_call }, { "ipcx serve", cmd_serve }, { "ipcx create", cmd_create },
	{ "ipcx rm", cmd_rm }, { "ipcx pulse", cmd_pulse }, { "ipcx ls", cmd_ls }, { "ipcx stat", cmd_stat },
	{ "ipcx map", cmd_map }, { "ipcx notify", cmd_notify }, { "ipcx peek", cmd_peek }, { "ipcx recv", cmd_recv },
	{ "ipcx watch", cmd_watch }, { "ipcx purge", cmd_purge }, { "ipcx shutdown", cmd_shutdown }, { "ipcx post", cmd_post },
	{ "ipcx wait", cmd_wait }, { "ipcx send", cmd_send }, { "ipcx top", cmd_top }, { "ipcx trace", cmd_trace },
	{ "ipcx set", cmd_set }, { "ipcx reset", cmd_reset },
};

/* The first byte chooses the command, the second why there is no device; then one argument a line. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const int errors[] = { ENOENT, EACCES, ENXIO, ENOMEM };
	struct input in = { bytes, len };
	unsigned int which = take_u8(&in) % ARRAY_SIZE(all);
	char *text, *rest, name[32], *argv[MAX_ARGS + 2] = { name };
	struct captured said;
	int argc = 1, status;

	no_device_errno = errors[take_u8(&in) % 4];
	rest = text = take_text(&in);
	while (argc <= MAX_ARGS && rest && *rest) {
		/* each in memory of just its size */
		char *arg = strsep(&rest, "\n");

		argv[argc] = strdup(arg);
		if (!argv[argc++])
			abort();
	}
	free(text);
	strcpy(name, all[which].name);
	command_name = all[which].name;
	optind = 0;
	{
		char *args[MAX_ARGS + 2];

		/* the command may put them into another order */
		memcpy(args, argv, sizeof(args));
		capture(&said);
		status = all[which].run(argc, args);
		end_capture(&said);
	}
	REQUIRE(status >= STATUS_OK && status <= STATUS_USAGE, "%s: status %d", name, status);
	REQUIRE(!status || (said.err_len && said.err[said.err_len - 1] == '\n'), "%s: status %d, and says '%s'", name, status,
		said.err);
	REQUIRE(!status || !said.out_len, "%s: status %d, and prints '%s'", name, status, said.out);
	REQUIRE(status || !said.err_len, "%s: status 0, and says '%s'", name, said.err);
	release(&said);
	for (int i = 1; i < argc; i++)
		free(argv[i]);
	return 0;
}
