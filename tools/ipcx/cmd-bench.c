// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: compare ipcx with every standard call.  Here: the options, the plan of rows, and the
 * rounds; what is measured is in bench/.
 */
#include "bench/bench.h"
#include "util.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define MAX_SIZES	16
#define MAX_STEP	100000
#define MAX_PROCESSES	64
#define SWEPT_SIZES	"64,256,1K,4K,16K,64K,256K,1M,4M,16M"
#define DEFAULT_RATE	1000

/* Payloads in bytes, or the numbers of a sweep. */
struct sizes {
	size_t of[MAX_SIZES];
	size_t nr;
};

/**
 * struct options - the command line
 * @cases: CASE_BIT of those wanted
 * @mechanisms: comma-separated names wanted, or NULL for all
 * @placements: bits of enum placement
 * @sizes: payloads of cases that have no usual ones; of all cases with @own_sizes
 * @steps: of sweeps, if the user named them
 * @sweep: all sweeps
 * @seconds: measuring time of each row, all rounds together
 */
struct options {
	unsigned int cases;
	char *mechanisms;
	unsigned int placements;
	struct sizes sizes;
	bool own_sizes;
	struct sizes steps;
	bool sweep;
	double seconds;
	uint64_t rate;
	unsigned int rounds;
	bool brief;
	bool floors;
	bool local;
	bool memory;
	const char *json;
	const char *markdown;
	const char *svg;
};

static const char help[] =
"Usage: ipcx bench [OPTION]...\n"
"Compare the ways in which processes communicate: those of ipcx, if /dev/ipcx is there,\n"
"and those that Linux has without it.\n"
"\n"
"  -c, --case LIST        only these cases (see --list), separated by commas\n"
"  -m, --mechanism LIST   only these mechanisms\n"
"  -s, --size LIST        payloads, such as 64,4K,1M (default 64,1K,4K,64K,1M)\n"
"  -S, --sweep            the sweeps as well: sizes from 64 B to 16 MiB; messages in the queue;\n"
"                         processes; objects\n"
"  -n, --steps LIST       numbers for the cases depth, processes and objects\n"
"  -p, --placement LIST   one_cpu, two_cpus: where the two ends run (default both)\n"
"  -t, --seconds S        measure each row for S seconds, all rounds together (default 0.15)\n"
"      --rate N           the open loop: N messages a second, see below\n"
"  -r, --rounds N         take turns N times (default 3)\n"
"  -q, --quick            0.04 seconds, 2 rounds, sizes 64,4K,64K, unless given\n"
"  -b, --brief            one figure for each size instead of all figures\n"
"  -f, --floor            with --brief or --count: relate to the floor, not to the best call\n"
"      --count            count instructions instead of taking times, see below\n"
"      --local            rings, loans and mapped semaphores as ratios to floors, 21 rounds\n"
"      --memory           measure what objects and messages take of memory instead of time\n"
"      --json FILE        also write the results as JSON (\"-\": to stdout, instead of the table)\n"
"      --markdown FILE    also write tables in Markdown (\"-\": to stdout, instead of the table)\n"
"      --svg DIR          also draw plots (gnuplot)\n"
"  -l, --list             list cases and mechanisms and how each is used\n"
"  -h, --help             this text\n"
"\n"
"A turn is a process of its own that sets up one mechanism, warms up (writing and\n"
"verifying all of the payload), and measures.  Turns are interleaved: all mechanisms of\n"
"a case and size, then all of them again.  A sample is one operation, or as many as\n"
"take 50 readings of the clock; percentiles are exact over all samples.  In the\n"
"measured part a sequence number is written to both ends of the payload and checked by\n"
"the receiver.  Nothing is subtracted.  A figure followed by ! is unstable: the rounds\n"
"disagree about it.  Floors are what a case cannot do without (empty system calls, copies,\n"
"switches, cache lines); they are measured in the same run, unless -m leaves them out.\n"
"Times are per operation: a round trip is one operation and two messages; streams give\n"
"the mean in --brief.  cpu/msg and sw/msg are processor time and context switches of both\n"
"processes per message.  A run has one machine, which its tables and each row of its JSON\n"
"name: figures of a host and of an emulated machine never stand in one table.\n"
"\n"
"The open loop (case open_loop) sends N messages a second at times fixed beforehand, and\n"
"measures from the time at which each was to be sent, not from when it was: a message\n"
"that had to wait for a slow one is charged with it (no coordinated omission).  The row\n"
"timer is the sender's clock alone.  Where the ends have two processors the sender spins\n"
"for the last 0.2 ms.  A figure followed by * did not keep up with the rate.\n"
"\n"
"--count works in a machine whose time stamp counter advances by one per instruction\n"
"(QEMU with -icount shift=0; make count).  It reads the counter around 40 batches of 32\n"
"operations (fewer of large messages) and gives the smallest, or with two processes the\n"
"median: user and kernel mode, with the loop (about 10 instructions), the calls through\n"
"the table of mechanisms (about 15 each) and the check of the payload (about 10).  Only\n"
"cases that need one processor; no streams.\n";

/* Is @name in a comma-separated list? */
static bool is_listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	while (list) {
		if (!strncmp(list, name, len) && (list[len] == ',' || !list[len]))
			return true;
		list = strchr(list, ',');
		if (list)
			list++;
	}
	return false;
}

static void list_all(void)
{
	const struct mechanism *m;

	printf("Cases:\n");
	for (int c = 0; c < NR_CASES; c++)
		printf("  %-16s %s\n", cases[c].name, cases[c].operation);
	printf("\nMechanisms:\n");
	for (size_t i = 0; (m = mechanism_at(i)); i++) {
		printf("  %-16s %s\n  %16s (", m->name, m->usage, "");
		for (int c = 0, nr = 0; c < NR_CASES; c++)
			if (mechanism_knows(m, c))
				printf("%s%s", nr++ ? " " : "", cases[c].name);
		printf(")\n");
	}
}

static int parse_cases(const char *arg, unsigned int *bits)
{
	char list[256], *save, *word;

	*bits = 0;
	if (snprintf(list, sizeof(list), "%s", arg) >= (int)sizeof(list))
		return usage_error("the list of cases is too long");
	for (word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		int c = 0;

		while (c < NR_CASES && strcmp(cases[c].name, word))
			c++;
		if (c == NR_CASES)
			return usage_error("there is no case %s (--list shows all)", word);
		*bits |= CASE_BIT(c);
	}
	return *bits ? 0 : usage_error("no case is given");
}

static int parse_placements(const char *arg, unsigned int *bits)
{
	char list[64], *save, *word;

	*bits = 0;
	if (snprintf(list, sizeof(list), "%s", arg) >= (int)sizeof(list))
		return usage_error("the list of placements is too long");
	for (word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		int p = 0;

		while (p < NR_PLACEMENTS && strcmp(placement_names[p], word))
			p++;
		if (p == NR_PLACEMENTS)
			return usage_error("a placement is one_cpu or two_cpus, not %s", word);
		*bits |= 1U << p;
	}
	return *bits ? 0 : usage_error("no placement is given");
}

static int parse_mechanisms(const char *arg, char **mechanisms)
{
	char list[1024], *save, *word;

	if (snprintf(list, sizeof(list), "%s", arg) >= (int)sizeof(list))
		return usage_error("the list of mechanisms is too long");
	for (word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save))
		if (!mechanism_named(word))
			return usage_error("there is no mechanism %s (--list shows all)", word);
	*mechanisms = (char *)arg;
	return 0;
}

static int parse_sizes(const char *arg, struct sizes *sizes)
{
	char list[256], *save, *word;

	sizes->nr = 0;
	if (snprintf(list, sizeof(list), "%s", arg) >= (int)sizeof(list))
		return usage_error("the list of sizes is too long");
	for (word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		uint64_t size;

		if (parse_size(word, &size) || size < 8 || size > MAX_LEN)
			return usage_error("a size is from 8 to 16M, not %s", word);
		if (sizes->nr == MAX_SIZES)
			return usage_error("more than %d sizes", MAX_SIZES);
		sizes->of[sizes->nr++] = size;
	}
	return sizes->nr ? 0 : usage_error("no size is given");
}

static int parse_steps(const char *arg, struct sizes *steps)
{
	char list[256], *save, *word;

	steps->nr = 0;
	if (snprintf(list, sizeof(list), "%s", arg) >= (int)sizeof(list))
		return usage_error("the list of steps is too long");
	for (word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		uint64_t step;

		if (parse_number(word, 0, MAX_STEP, &step))
			return usage_error("a step is from 0 to %d, not %s", MAX_STEP, word);
		if (steps->nr == MAX_SIZES)
			return usage_error("more than %d steps", MAX_SIZES);
		steps->of[steps->nr++] = step;
	}
	return steps->nr ? 0 : usage_error("no step is given");
}

static unsigned int usual_cases(bool sweep)
{
	unsigned int bits = 0;

	for (int c = 0; c < NR_CASES; c++)
		if (!cases[c].on_request || (sweep && cases[c].steps))
			bits |= CASE_BIT(c);
	return bits;
}

/* 0, or the status to exit with; -1 when all has been said. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longopts[] = {
		{ "case", required_argument, NULL, 'c' },
		{ "mechanism", required_argument, NULL, 'm' },
		{ "size", required_argument, NULL, 's' },
		{ "sweep", no_argument, NULL, 'S' },
		{ "steps", required_argument, NULL, 'n' },
		{ "placement", required_argument, NULL, 'p' },
		{ "seconds", required_argument, NULL, 't' },
		{ "rate", required_argument, NULL, 'R' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "quick", no_argument, NULL, 'q' },
		{ "brief", no_argument, NULL, 'b' },
		{ "floor", no_argument, NULL, 'f' },
		{ "count", no_argument, NULL, 'C' },
		{ "local", no_argument, NULL, 'L' },
		{ "memory", no_argument, NULL, 'Y' },
		{ "json", required_argument, NULL, 'j' },
		{ "markdown", required_argument, NULL, 'M' },
		{ "svg", required_argument, NULL, 'V' },
		{ "list", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	bool quick = false;
	uint64_t number;
	int opt, ret = 0;
	char *end;

	while (!ret && (opt = getopt_long(argc, argv, "c:m:s:Sn:p:t:r:qbflh", longopts, NULL)) != -1) {
		switch (opt) {
		case 'c':
			ret = parse_cases(optarg, &o->cases);
			break;
		case 'm':
			ret = parse_mechanisms(optarg, &o->mechanisms);
			break;
		case 's':
			ret = parse_sizes(optarg, &o->sizes);
			o->own_sizes = true;
			break;
		case 'S':
			o->sweep = true;
			break;
		case 'n':
			ret = parse_steps(optarg, &o->steps);
			break;
		case 'p':
			ret = parse_placements(optarg, &o->placements);
			break;
		case 't':
			o->seconds = strtod(optarg, &end);
			if (end == optarg || *end || !(o->seconds > 0 && o->seconds <= 3600))
				ret = usage_error("seconds: more than 0, at most 3600, not %s",
						  optarg);
			break;
		case 'r':
			if (parse_number(optarg, 1, 1000, &number))
				ret = usage_error("rounds: from 1 to 1000, not %s", optarg);
			else
				o->rounds = number;
			break;
		case 'R':
			if (parse_number(optarg, 1, 10000000, &o->rate))
				ret = usage_error("rate: 1 to 10000000 messages a second, not %s",
						  optarg);
			break;
		case 'q':
			quick = true;
			break;
		case 'b':
			o->brief = true;
			break;
		case 'f':
			o->floors = true;
			break;
		case 'C':
			counting = true;
			break;
		case 'j':
			o->json = optarg;
			break;
		case 'L':
			o->local = true;
			break;
		case 'Y':
			o->memory = true;
			break;
		case 'M':
			o->markdown = optarg;
			break;
		case 'V':
			o->svg = optarg;
			break;
		case 'l':
			list_all();
			return -1;
		case 'h':
			fputs(help, stdout);
			return -1;
		default:
			return usage_hint();
		}
	}
	if (!ret && optind < argc)
		ret = usage_error("it takes no argument %s", argv[optind]);
	if (!ret && !o->own_sizes)
		ret = parse_sizes(quick ? "64,4K,64K" : "64,1K,4K,64K,1M", &o->sizes);
	if (!o->cases)
		o->cases = (o->rate ? CASE_BIT(CASE_OPEN_LOOP) : 0) |
			   (o->rate && !o->sweep ? 0 : usual_cases(o->sweep));
	if (!o->rate)
		o->rate = DEFAULT_RATE;
	if (!o->seconds)
		o->seconds = quick ? 0.04 : 0.15;
	if (!o->rounds)
		o->rounds = o->local ? 21 : counting ? 1 : quick ? 2 : 3;
	if (counting) {
		o->cases &= ~(CASE_BIT(CASE_STREAM) | CASE_BIT(CASE_OPEN_LOOP) |
			      CASE_BIT(CASE_PROCESSES));
		o->placements &= 1U << ONE_CPU;
		o->brief = true;
	}
	if (!ret && (!o->cases || !o->placements))
		ret = usage_error("--count is for one processor, and not for streams");
	return ret;
}

/* Where may this mechanism run in this case? */
static unsigned int placements_of(enum bench_case c, const struct mechanism *m)
{
	if (c == CASE_FLOOR || m->placements)
		return m->placements;
	if (c == CASE_PROCESSES)
		return 1U << ONE_CPU | 1U << TWO_CPUS;
	if (!cases[c].two_sided)
		return 1U << ONE_CPU;
	return m->spins ? 1U << TWO_CPUS : 1U << ONE_CPU | 1U << TWO_CPUS;
}

/* Receivers, objects, or messages in one call: as many as 256 KiB hold, at most BATCH_NR. */
static unsigned int nr_of(enum bench_case c, const struct mechanism *m, size_t len, size_t step)
{
	size_t nr = len ? (256UL << 10) / len : 1;

	if (cases[c].steps)
		return step;
	if (cases[c].nr)
		return cases[c].nr;
	if (c != CASE_BATCH && !(c == CASE_STREAM && m->stream_nr))
		return 1;
	return nr < 1 ? 1 : nr > BATCH_NR ? BATCH_NR : nr;
}

static int plan_add(struct row **rows, size_t *nr, const struct row *row)
{
	struct row *more = realloc(*rows, (*nr + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	more[*nr] = *row;
	*rows = more;
	(*nr)++;
	return 0;
}

static bool is_planned(const struct row *rows, size_t nr, const struct row *row)
{
	for (size_t i = 0; i < nr; i++)
		if (rows[i].mech == row->mech && rows[i].bcase == row->bcase &&
		    rows[i].placement == row->placement && rows[i].len == row->len)
			return true;
	return false;
}

/* One row for each mechanism that knows the case: what is compared with each other. */
static int plan_table(const struct options *o, const struct machine *m, enum bench_case c,
		      enum placement p, size_t len, size_t step, struct row **rows, size_t *nr)
{
	const struct mechanism *mech;
	int ret = 0;

	for (size_t i = 0; !ret && (mech = mechanism_at(i)); i++) {
		struct row row = { .bcase = c, .mech = mech, .placement = p };

		if (!mechanism_knows(mech, c) || !(placements_of(c, mech) & 1U << p))
			continue;
		if (o->mechanisms && !is_listed(o->mechanisms, mech->name))
			continue;
		row.len = mech->no_payload ? 0 : len;
		row.rate = c == CASE_OPEN_LOOP ? o->rate : 0;
		row.nr = nr_of(c, mech, row.len, step);
		if (c == CASE_BATCH && row.nr < BATCH_NR)
			continue;
		/* Without a size, it has its row already. */
		if (mech->no_payload && is_planned(*rows, *nr, &row))
			continue;
		if (p == TWO_CPUS && m->nr_cpus < 2) {
			row.outcome = OUTCOME_SKIPPED;
			snprintf(row.why, sizeof(row.why),
				 "two_cpus: there is one processor only");
		}
		ret = plan_add(rows, nr, &row);
	}
	return ret;
}

/* The floors of what is planned, each once, so that they come from the same run. */
static int plan_floors(const struct options *o, const struct machine *m, struct row **rows, size_t *nr)
{
	size_t wanted = *nr;
	int ret = 0;

	for (size_t i = 0; !ret && i < wanted; i++) {
		const struct row *row = &(*rows)[i];
		const char *name = cases[row->bcase].floor[row->placement].name;
		struct row floor = { .bcase = CASE_FLOOR, .nr = 1 };

		if (!name || (o->mechanisms && !is_listed(o->mechanisms, name)))
			continue;
		floor.mech = mechanism_named(name);
		floor.len = floor.mech->no_payload ? 0 : row->len;
		while (!(floor.mech->placements & 1U << floor.placement))
			floor.placement++;
		if (floor.placement == TWO_CPUS && m->nr_cpus < 2)
			continue;
		if (!is_planned(*rows, *nr, &floor))
			ret = plan_add(rows, nr, &floor);
	}
	return ret;
}

/* Does this number make sense? */
static bool is_step(enum bench_case c, enum placement p, size_t step)
{
	if (c == CASE_PROCESSES)
		return step > (p == TWO_CPUS) && step <= MAX_PROCESSES && (step == 1 || !(step & 1));
	return step || c != CASE_OBJECTS;
}

/* All tables of one case. */
static int plan_case(const struct options *o, const struct machine *m, enum bench_case c,
		     struct row **rows, size_t *nr)
{
	static const struct sizes none = { .nr = 1 };
	struct sizes usual, usual_steps;
	const struct sizes *sizes = &o->sizes, *steps = &none;
	int ret = 0;

	if (!cases[c].payload)
		sizes = &none;
	else if (cases[c].steps || (cases[c].sizes && !o->own_sizes))
		ret = parse_sizes(cases[c].sizes, &usual);
	else if (c == CASE_SEND_RECV && o->sweep && !o->own_sizes)
		ret = parse_sizes(SWEPT_SIZES, &usual);
	else
		usual = *sizes;
	if (cases[c].payload)
		sizes = &usual;
	if (cases[c].steps && o->steps.nr)
		steps = &o->steps;
	else if (cases[c].steps && !parse_steps(cases[c].steps, &usual_steps))
		steps = &usual_steps;
	for (int p = 0; p < NR_PLACEMENTS; p++)
		for (size_t s = 0; s < sizes->nr; s++)
			for (size_t n = 0; !ret && n < steps->nr; n++)
				if (o->placements & 1U << p &&
				    (!cases[c].steps || is_step(c, p, steps->of[n])))
					ret = plan_table(o, m, c, p, sizes->of[s], steps->of[n],
							 rows, nr);
	return ret;
}

/* All rows wanted. */
static int plan(const struct options *o, const struct machine *m, struct row **rows, size_t *nr)
{
	int ret = 0;

	for (int c = 0; !ret && c < NR_CASES; c++)
		if (o->cases & CASE_BIT(c))
			ret = plan_case(o, m, c, rows, nr);
	return ret ?: plan_floors(o, m, rows, nr);
}

/*
 * On a terminal, one line that is overwritten.  Elsewhere nothing, or with IPCX_PROGRESS set (where
 * the terminal is another machine's) a line for each case and placement.
 */
static void progress(size_t done, size_t all, uint64_t began, const struct row *row)
{
	static const struct row *told;
	static int is_terminal = -1;
	double spent = (now_ns() - began) / 1e9;
	char size[16];

	if (is_terminal < 0)
		is_terminal = isatty(STDERR_FILENO);
	if (!is_terminal) {
		if (row && getenv("IPCX_PROGRESS") &&
		    (!told || told->bcase != row->bcase || told->placement != row->placement))
			fprintf(stderr, "%3zu %%  %3.0f s  %s %s\n", 100 * done / all, spent,
				cases[row->bcase].name, placement_names[row->placement]);
		told = row;
		return;
	}
	if (!row) {
		fprintf(stderr, "\r\033[K");
		return;
	}
	fprintf(stderr, "\r\033[K%3zu %%  %s %s %s %s", 100 * done / all, cases[row->bcase].name,
		placement_names[row->placement], size_name(row->len, size, sizeof(size)),
		row->mech->name);
	if (cases[row->bcase].steps)
		fprintf(stderr, " %u", row->nr);
	if (done)
		fprintf(stderr, ", %.0f s left", spent / done * (all - done));
	fflush(stderr);
}

/* Round after round, one turn for each row of a table: A B C, A B C. */
static int measure(const struct options *o, const struct machine *m, struct row *rows, size_t nr,
		   struct turn *turn)
{
	uint64_t began = now_ns();
	size_t done = 0, i, end;

	for (i = 0; i < nr; i = end) {
		for (end = i; end < nr && rows[end].bcase == rows[i].bcase &&
		     rows[end].placement == rows[i].placement && row_x(&rows[end]) == row_x(&rows[i]);
		     end++)
			;
		for (unsigned int round = 0; round < o->rounds; round++) {
			for (size_t k = i; k < end; k++, done++) {
				int ret;

				if (rows[k].outcome > OUTCOME_DONE)
					continue;
				progress(done, nr * o->rounds, began, &rows[k]);
				turn->cpu[0] = m->cpus[0];
				turn->cpu[1] = m->cpus[rows[k].placement == TWO_CPUS];
				turn->budget_ns = o->seconds / o->rounds * 1e9;
				turn->max_samples = MAX_SAMPLES / o->rounds;
				turn->rate = rows[k].rate;
				ret = turn_run(&rows[k], turn);
				ret = ret ?: row_merge(&rows[k], turn);
				if (ret) {
					progress(done, nr, began, NULL);
					return ret;
				}
			}
		}
	}
	progress(done, nr, began, NULL);
	return 0;
}

/* Write one kind of report to @path, or to stdout if that is "-". */
static int write_report(const char *path, const struct row *rows, size_t nr, const struct machine *m,
			int (*format)(FILE *, const struct row *, size_t, const struct machine *))
{
	FILE *out = strcmp(path, "-") ? fopen(path, "we") : stdout;
	int ret;

	if (!out)
		return report(-errno, "write %s", path);
	ret = format(out, rows, nr, m);
	if (out != stdout && fclose(out))
		ret = -1;
	return ret ? report(-errno, "write %s", path) : STATUS_OK;
}

static FILE *open_report(const char *path)
{
	FILE *f = !path ? NULL : strcmp(path, "-") ? fopen(path, "we") : stdout;

	if (path && !f)
		report(-errno, "write %s", path);
	return f;
}

/* ipcx bench --memory */
static int run_memory(const struct options *o, const struct machine *m, struct turn *turn)
{
	FILE *json = open_report(o->json), *markdown = open_report(o->markdown);
	FILE *out = markdown ? markdown : json == stdout ? NULL : stdout;
	int ret;

	if ((o->json && !json) || (o->markdown && !markdown))
		return STATUS_FAILED;
	if (out && !markdown)
		print_machine(out, m);
	ret = memory_report(out, json, markdown, m, turn);
	if (json && json != stdout && fclose(json))
		ret = -EIO;
	if (markdown && markdown != stdout && fclose(markdown))
		ret = -EIO;
	return ret ? report(ret, "measure memory") : finish_output();
}

static bool is_stdout(const char *path)
{
	return path && !strcmp(path, "-");
}

/* Turns end by SIGCHLD; ^C must find them and what they left, so all are waited for. */
static void block_signals(void)
{
	static const int signals[] = { SIGCHLD, SIGINT, SIGTERM, SIGHUP };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int cmd_bench(int argc, char **argv)
{
	struct options o = {
		.placements = 1U << ONE_CPU | 1U << TWO_CPUS,
	};
	struct machine machine;
	struct turn *turn;
	struct row *rows = NULL;
	size_t nr = 0;
	int status, ret;

	status = parse_options(argc, argv, &o);
	if (status)
		return status < 0 ? finish_output() : status;
	if (counting && count_check())
		return report_text("--count: the time stamp counter does not count instructions here; "
				   "it does under QEMU with -icount shift=0 (make count)");
	machine_probe(&machine);
	machine_raise_limits(&machine);
	turn = turn_alloc();
	if (o.local) {
		status = bench_local(&machine, o.rounds, o.json);
		return finish_output() ?: status;
	}
	if (turn && o.memory)
		return run_memory(&o, &machine, turn);
	ret = turn ? plan(&o, &machine, &rows, &nr) : -ENOMEM;
	if (ret)
		return report(ret, "plan the comparison");
	if (!nr)
		return report_text("none of these mechanisms knows these cases (--list)");

	clock_cost();
	block_signals();
	ret = measure(&o, &machine, rows, nr, turn);
	if (ret == -EINTR) {
		report_text("interrupted; nothing is left behind");
		return 130;
	}
	if (ret)
		return report(ret, "measure");
	for (size_t i = 0; i < nr; i++) {
		row_finish(&rows[i]);
		if (rows[i].outcome == OUTCOME_FAILED)
			status = STATUS_FAILED;
	}
	report_relate(rows, nr);
	/* As planned, before they are sorted: two runs are compared line by line. */
	if (o.json && write_report(o.json, rows, nr, &machine, report_json))
		status = STATUS_FAILED;
	report_rank(rows, nr);
	if (o.markdown && write_report(o.markdown, rows, nr, &machine, report_markdown))
		status = STATUS_FAILED;
	if (!is_stdout(o.json) && !is_stdout(o.markdown))
		report_table(stdout, rows, nr, &machine, o.brief, o.floors);
	if (o.svg) {
		ret = plot_all(o.svg, rows, nr, &machine);
		if (ret)
			status = report(ret, "draw plots in %s (is gnuplot installed?)", o.svg);
	}
	for (size_t i = 0; i < nr; i++)
		free(rows[i].samples);
	free(rows);
	return finish_output() ?: status;
}
