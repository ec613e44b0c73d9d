// SPDX-License-Identifier: GPL-2.0
/*
 * Command lines of the whole command without its work being done: there is no device here, the trace cannot begin, and of the
 * bench only the options are read.  Whatever is on the line, the command ends with one of its statuses; if that is not 0, it
 * has said why on stderr and printed nothing.  If this fails, a wrong line crashes the command, or is taken for a right one
 * in silence.
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

/* ---- the whole command: the table of main.c chooses ---- */

#define cmd_bench	bench_options
#define main		ipcx_main
#include "../../tools/ipcx/main.c"
#undef cmd_bench
#undef main

/* The command that byte @which means, or NULL: it is on the line, if there is any. */
static const struct command *choose(uint8_t which)
{
	which %= ARRAY_SIZE(commands);
	return commands[which].run ? &commands[which] : NULL;
}

/* Is there anything in main.c that a line which begins with @word can be about? */
static bool is_known(const char *word)
{
	static const char *const others[] = { "--version", "-V", "--help", "-h", "help" };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(word, others[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].run && !strcmp(word, commands[i].name))
			return true;
	return false;
}

/*
 * The first byte chooses the command, a heading's place in the table none; the second why there is no device; then one
 * argument a line.
 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const int errors[] = { ENOENT, EACCES, ENXIO, ENOMEM };
	struct input in = { bytes, len };
	const struct command *chosen = choose(take_u8(&in));
	char *text, *rest, *argv[MAX_ARGS + 3] = { "ipcx", chosen ? strdup(chosen->name) : NULL };
	int argc = chosen ? 2 : 1, status;
	struct captured said;

	no_device_errno = errors[take_u8(&in) % 4];
	rest = text = take_text(&in);
	while (argc < MAX_ARGS + 2 && rest && *rest) {
		/* each in memory of just its size */
		char *arg = strsep(&rest, "\n");

		argv[argc] = strdup(arg);
		if (!argv[argc++])
			abort();
	}
	free(text);
	command_name = "ipcx";
	optind = 0;
	{
		char *args[MAX_ARGS + 3];

		/* the command may put them into another order */
		memcpy(args, argv, sizeof(args));
		capture(&said);
		status = ipcx_main(argc, args);
		end_capture(&said);
	}
	REQUIRE(status >= STATUS_OK && status <= STATUS_USAGE, "%s: status %d", command_name, status);
	REQUIRE(!status || (said.err_len && said.err[said.err_len - 1] == '\n'), "%s: status %d, and says '%s'", command_name,
		status, said.err);
	REQUIRE(!status || !said.out_len, "%s: status %d, and prints '%s'", command_name, status, said.out);
	REQUIRE(status || !said.err_len, "%s: status 0, and says '%s'", command_name, said.err);
	REQUIRE(status == STATUS_USAGE || (argc > 1 && is_known(argv[1])), "status %d of '%s'", status, argc > 1 ? argv[1] : "");
	release(&said);
	for (int i = 1; i < argc; i++)
		free(argv[i]);
	return 0;
}
