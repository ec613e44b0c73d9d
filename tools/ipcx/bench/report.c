// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: results as tables for people and as JSON for programs.
 */
#include "bench.h"
#include "../util.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *size_name(size_t len, char *buf, size_t buf_len)
{
	if (!len)
		snprintf(buf, buf_len, "-");
	else if (len % (1UL << 20) == 0)
		snprintf(buf, buf_len, "%zu MiB", len >> 20);
	else if (len % 1024 == 0)
		snprintf(buf, buf_len, "%zu KiB", len >> 10);
	else
		snprintf(buf, buf_len, "%zu B", len);
	return buf;
}

/* Nanoseconds in four digits and a unit. */
const char *time_name(double ns, char *buf, size_t buf_len)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	size_t unit = 0;

	while (ns >= 999.5 && unit + 1 < ARRAY_SIZE(units)) {
		ns /= 1000;
		unit++;
	}
	snprintf(buf, buf_len, "%.*f %s", ns < 9.995 ? 2 : ns < 99.95 ? 1 : 0, ns, units[unit]);
	return buf;
}

/* A call that Linux has without us, and that moves something. */
bool row_is_standard(const struct row *row)
{
	return strncmp(row->mech->name, "ipcx_", 5) && row->bcase != CASE_FLOOR &&
	       row->mech->send && !row->mech->is_measure;
}

/* Rows that may be compared: the same work in the same place. */
static bool is_same_table(const struct row *a, const struct row *b)
{
	return a->bcase == b->bcase && a->len == b->len && a->placement == b->placement &&
	       ((a->bcase != CASE_BATCH && !cases[a->bcase].steps) || a->nr == b->nr);
}

static int by_table(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->bcase != y->bcase)
		return (int)x->bcase - (int)y->bcase;
	if (x->placement != y->placement)
		return (int)x->placement - (int)y->placement;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	if (row_x(x) != row_x(y))
		return row_x(x) < row_x(y) ? -1 : 1;
	if (x->outcome != y->outcome)
		return (int)x->outcome - (int)y->outcome;
	if (x->outcome == OUTCOME_DONE && row_figure(x) != row_figure(y))
		return row_figure(x) < row_figure(y) ? -1 : 1;
	return strcmp(x->mech->name, y->mech->name);
}

/* The measured floor of @row's case, or NULL. */
static const struct row *floor_of(const struct row *rows, size_t nr, const struct row *row)
{
	const struct floor *floor = &cases[row->bcase].floor[row->placement];

	for (size_t i = 0; floor->name && i < nr; i++)
		if (rows[i].bcase == CASE_FLOOR && rows[i].outcome == OUTCOME_DONE &&
		    !strcmp(rows[i].mech->name, floor->name) &&
		    (rows[i].mech->no_payload || rows[i].len == row->len))
			return &rows[i];
	return NULL;
}

/* Relate each row to the quickest standard call of its table, and to the floor. */
void report_relate(struct row *rows, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		const struct row *floor = floor_of(rows, nr, &rows[i]);
		double best = 0;

		rows[i].ratio = rows[i].floor_ratio = 0;
		if (rows[i].outcome != OUTCOME_DONE)
			continue;
		for (size_t j = 0; j < nr; j++)
			if (rows[j].outcome == OUTCOME_DONE && is_same_table(&rows[i], &rows[j]) &&
			    row_is_standard(&rows[j]) && (!best || row_figure(&rows[j]) < best))
				best = row_figure(&rows[j]);
		if (best)
			rows[i].ratio = row_figure(&rows[i]) / best;
		if (floor)
			rows[i].floor_ratio = row_figure(&rows[i]) / row_figure(floor) /
				cases[rows[i].bcase].floor[rows[i].placement].times;
	}
}

/* Sort rows into tables, quickest first. */
void report_rank(struct row *rows, size_t nr)
{
	qsort(rows, nr, sizeof(*rows), by_table);
}

/* Fewer messages arrived in a second than were to be sent. */
static bool row_is_slow(const struct row *row)
{
	return row->outcome == OUTCOME_DONE && row->rate && row->achieved_rate < 0.95 * row->rate;
}

const char *placement_text(const struct row *row)
{
	if (row->bcase == CASE_PROCESSES)
		return row->placement == TWO_CPUS ? "two processors" : "one processor";
	if (row->placement == TWO_CPUS)
		return "two processes, two processors";
	return row_is_two_sided(row) ? "two processes, one processor" : "one process";
}

static void print_nr(FILE *out, const struct row *row)
{
	char size[16];

	if (cases[row->bcase].steps) {
		fprintf(out, "%s, by %s, ", size_name(row->len, size, sizeof(size)),
			cases[row->bcase].nr_text);
	} else if (cases[row->bcase].nr_text) {
		fprintf(out, cases[row->bcase].nr_text, row->nr);
		fprintf(out, ", ");
	}
	if (row->rate)
		fprintf(out, "%llu messages a second, ", (unsigned long long)row->rate);
}

void print_machine(FILE *out, const struct machine *m)
{
	fprintf(out, "machine %s%s: %s", m->name, m->emulated ? " (emulated)" : "", m->cpu);
	if (m->hypervisor[0])
		fprintf(out, ", hypervisor %s", m->hypervisor);
	fprintf(out, "\nkernel %s, %d of %d processor%s used; governor %s; mitigations: %s\n",
		m->kernel, m->nr_cpus, m->online, m->online == 1 ? "" : "s", m->governor,
		m->mitigations);
	/* Counts do not depend on these, and those of two runs are compared. */
	if (!counting)
		fprintf(out, "%s, load average %.2f\n", m->date, m->load);
	if (m->emulated && !counting)
		fprintf(out, "Emulated: the order of mechanisms holds, times and ratios do not.\n");
	if (!m->own_ipc_ns)
		fprintf(out, "Limits of message queues are this machine's; root could raise them.\n");
}

static void print_ratio(FILE *out, double r, int width)
{
	if (r)
		fprintf(out, " %*.*fx", width - 1, r < 9.995 ? 2 : r < 99.95 ? 1 : 0, r);
	else
		fprintf(out, " %*s", width, "-");
}

/* All figures of one case, size and placement. */
static void print_details(FILE *out, const struct row *rows, size_t nr)
{
	char size[16], t[5][16];

	fprintf(out, "\n%s, ", cases[rows->bcase].name);
	if (rows->len)
		fprintf(out, "%s, ", size_name(rows->len, size, sizeof(size)));
	print_nr(out, rows);
	fprintf(out, "%s\n", placement_text(rows));
	fprintf(out, "  %-16s %8s  %8s %8s %8s %7s %8s %7s %8s %8s\n", "mechanism", "p50", "p99",
		"p99.9", "max", "MB/s", "cpu/msg", "sw/msg", "vs best", "vs floor");
	for (; nr; nr--, rows++) {
		if (rows->outcome != OUTCOME_DONE)
			continue;
		fprintf(out, "  %-16s %8s%c %8s %8s %8s", rows->mech->name,
			time_name(rows->p50, t[0], sizeof(t[0])), row_is_slow(rows) ? '*' : rows->unstable ? '!' : ' ',
			time_name(rows->p99, t[1], sizeof(t[1])),
			time_name(rows->p999, t[2], sizeof(t[2])),
			time_name(rows->max, t[3], sizeof(t[3])));
		if (rows->len)
			fprintf(out, " %7.0f", rows->mb_per_s);
		else
			fprintf(out, " %7s", "-");
		fprintf(out, " %8s %7.2f", time_name(rows->cpu_per_message, t[4], sizeof(t[4])),
			rows->switches_per_message);
		print_ratio(out, rows->ratio, 8);
		print_ratio(out, rows->floor_ratio, 8);
		fputc('\n', out);
	}
}

#define MAX_COLUMNS 5

/* The row of @mech in the column @x. */
static const struct row *find(const struct row *rows, size_t nr, const struct mechanism *mech, size_t x)
{
	for (size_t i = 0; i < nr; i++)
		if (rows[i].mech == mech && row_x(&rows[i]) == x)
			return &rows[i];
	return NULL;
}

static const char *column_name(const struct row *rows, size_t x, char *buf, size_t len)
{
	if (cases[rows->bcase].steps)
		snprintf(buf, len, "%zu", x);
	else if (x)
		size_name(x, buf, len);
	else
		buf[0] = '\0';
	return buf;
}

/* One line of a matrix, unless @mech has nothing in these columns. */
static void print_line(FILE *out, const struct row *rows, size_t nr, const struct mechanism *mech,
		       const size_t *xs, size_t nr_xs, bool floors)
{
	bool any = false;
	char buf[16];

	for (size_t c = 0; c < nr_xs && !any; c++) {
		const struct row *r = find(rows, nr, mech, xs[c]);

		any = r && r->outcome == OUTCOME_DONE;
	}
	if (!any)
		return;
	fprintf(out, "  %-16s", mech->name);
	for (size_t c = 0; c < nr_xs; c++) {
		const struct row *r = find(rows, nr, mech, xs[c]);

		if (!r || r->outcome != OUTCOME_DONE) {
			fprintf(out, " %15s", r ? "-" : "");
			continue;
		}
		if (counting)
			fprintf(out, " %8.0f", r->min);
		else
			fprintf(out, " %8s", time_name(row_figure(r), buf, sizeof(buf)));
		print_ratio(out, floors ? r->floor_ratio : r->ratio, 6);
	}
	fputc('\n', out);
}

static bool any_done(const struct row *rows, size_t nr)
{
	while (nr--)
		if (rows[nr].outcome == OUTCOME_DONE)
			return true;
	return false;
}

/* One figure for each size or step of one case and placement; @rows is all of these. */
static void print_matrix(FILE *out, const struct row *rows, size_t nr, bool floors)
{
	size_t xs[MAX_COLUMNS], nr_xs, from = 0;
	char buf[16];

	fprintf(out, "\n%s, ", cases[rows->bcase].name);
	print_nr(out, rows);
	fprintf(out, "%s: %s\n", placement_text(rows),
		counting ? "instructions" : cases[rows->bcase].mean ? "mean time of a message" :
		"median time");
	while (from < nr) {
		size_t i = from;

		for (nr_xs = 0; i < nr; i++) {
			if (nr_xs && xs[nr_xs - 1] == row_x(&rows[i]))
				continue;
			if (nr_xs == MAX_COLUMNS)
				break;
			xs[nr_xs++] = row_x(&rows[i]);
		}
		if (!any_done(rows + from, i - from)) {
			from = i;
			continue;
		}
		fprintf(out, "  %-16s", "mechanism");
		for (size_t c = 0; c < nr_xs; c++)
			fprintf(out, " %15s", column_name(rows, xs[c], buf, sizeof(buf)));
		fputc('\n', out);
		/* Each mechanism once, where it first appears: sorted by the first column. */
		for (size_t r = from; r < i; r++) {
			bool seen = false;

			for (size_t j = from; j < r && !seen; j++)
				seen = rows[j].mech == rows[r].mech;
			if (!seen)
				print_line(out, rows, nr, rows[r].mech, xs, nr_xs, floors);
		}
		from = i;
	}
}

/* Every reason once, with what it stopped. */
static void print_missing(FILE *out, const struct row *rows, size_t nr, enum outcome outcome,
			  const char *title)
{
	bool titled = false;

	for (size_t i = 0; i < nr; i++) {
		char line[512] = "";
		bool seen = false;

		if (rows[i].outcome != outcome)
			continue;
		for (size_t j = 0; j < i && !seen; j++)
			seen = rows[j].outcome == outcome && !strcmp(rows[j].why, rows[i].why);
		if (seen)
			continue;
		for (size_t j = i; j < nr; j++) {
			const char *name = rows[j].mech->name;
			size_t len = strlen(line);
			char *at;

			if (rows[j].outcome != outcome || strcmp(rows[j].why, rows[i].why))
				continue;
			at = strstr(line, name);
			if (at && (at[strlen(name)] == ',' || !at[strlen(name)]))
				continue;
			snprintf(line + len, sizeof(line) - len, "%s%s", len ? ", " : "", name);
		}
		if (!titled)
			fprintf(out, "\n%s\n", title);
		titled = true;
		fprintf(out, "  %s: %s\n", line, rows[i].why);
	}
}

/* What the ratios relate to: the floor of each table that is shown. */
static void print_legend(FILE *out, const struct row *rows, size_t nr, bool brief, bool floors)
{
	const struct row *told = NULL;

	if (!brief || !floors)
		fprintf(out, "\n%s: relative to the quickest standard call of the table.\n",
			brief ? "Nx" : "vs best");
	if (brief && !floors)
		return;
	for (size_t i = 0; i < nr; i++) {
		const struct floor *floor = &cases[rows[i].bcase].floor[rows[i].placement];

		if (!rows[i].floor_ratio || (told && told->bcase == rows[i].bcase &&
					     told->placement == rows[i].placement))
			continue;
		if (!told)
			fprintf(out, "%s%s: relative to the floor of the case:\n", brief ? "\n" : "",
				brief ? "Nx" : "vs floor");
		told = &rows[i];
		fprintf(out, "  %s, %s: %s", cases[told->bcase].name, placement_text(told),
			floor->name);
		if (floor->times != 1)
			fprintf(out, " times %g", floor->times);
		fputc('\n', out);
	}
}

/* Tables of sorted rows (report_rank()). */
void report_table(FILE *out, struct row *rows, size_t nr, const struct machine *m, bool brief,
		  bool floors)
{
	bool unstable = false, slow = false;

	print_machine(out, m);
	for (size_t i = 0, end; i < nr; i = end) {
		bool any = false, matrix = brief || cases[rows[i].bcase].steps;

		for (end = i; end < nr; end++) {
			if (matrix ? rows[end].bcase != rows[i].bcase ||
				     rows[end].placement != rows[i].placement :
				    !is_same_table(&rows[end], &rows[i]))
				break;
			any = any || rows[end].outcome == OUTCOME_DONE;
			unstable = unstable || rows[end].unstable;
			slow = slow || row_is_slow(&rows[end]);
		}
		if (any && matrix)
			print_matrix(out, rows + i, end - i, floors);
		else if (any)
			print_details(out, rows + i, end - i);
	}
	print_missing(out, rows, nr, OUTCOME_SKIPPED, "Not measured:");
	print_missing(out, rows, nr, OUTCOME_FAILED, "FAILED:");
	print_legend(out, rows, nr, brief, floors);
	if (slow)
		fprintf(out, "*: it did not keep up with the rate, and its times grew with the run.\n");
	if (unstable)
		fprintf(out, "!: the rounds disagree by more than a factor of %g.\n", UNSTABLE);
}

/* The same in each row: a row says where it comes from. */
void json_machine(FILE *out, const struct machine *m)
{
	fprintf(out, "\"kernel\": ");
	json_quote(out, m->kernel, strlen(m->kernel));
	fprintf(out, ", \"machine\": \"%s\", \"emulated\": %s, \"cpu\": ", m->name,
		m->emulated ? "true" : "false");
	json_quote(out, m->cpu, strlen(m->cpu));
	fprintf(out, ", \"hypervisor\": \"%s\", \"cpus\": %d, \"governor\": ", m->hypervisor,
		m->online);
	json_quote(out, m->governor, strlen(m->governor));
	fprintf(out, ", \"mitigations\": ");
	json_quote(out, m->mitigations, strlen(m->mitigations));
	fprintf(out, ", \"date\": \"%s\", \"load\": %.2f", m->date, m->load);
}

/* A flat array of what was measured; returns -1 if it could not be written. */
int report_json(FILE *out, const struct row *rows, size_t nr, const struct machine *m)
{
	const char *comma = "";

	fprintf(out, "[");
	for (size_t i = 0; i < nr; i++) {
		const struct row *r = &rows[i];

		if (r->outcome != OUTCOME_DONE)
			continue;
		fprintf(out, "%s\n{\"case\": \"%s\", \"mechanism\": \"%s\", \"size\": %zu, "
			"\"n\": %u, \"placement\": \"%s\", ", comma, cases[r->bcase].name,
			r->mech->name, r->len, r->nr, placement_names[r->placement]);
		comma = ",";
		if (counting)
			fprintf(out, "\"instructions\": %.0f, ", r->min);
		else
			fprintf(out, "\"ns_p50\": %.1f, \"ns_p99\": %.1f, \"ns_p999\": %.1f, "
				"\"ns_max\": %.1f, \"mb_per_s\": %.6g, \"cpu_ns\": %.1f, "
				"\"switches\": %.3f, \"samples\": %zu, \"ops_per_sample\": %u, "
				"\"round_min\": %.1f, \"round_max\": %.1f, \"unstable\": %s, ",
				r->p50, r->p99, r->p999, r->max, r->mb_per_s, r->cpu_per_message,
				r->switches_per_message, r->nr_samples, r->ops_per_sample,
				r->round_min, r->round_max, r->unstable ? "true" : "false");
		if (r->rate)
			fprintf(out, "\"rate\": %llu, \"achieved_rate\": %.1f, ",
				(unsigned long long)r->rate, r->achieved_rate);
		if (r->ratio)
			fprintf(out, "\"times_best\": %.4g, ", r->ratio);
		if (r->floor_ratio)
			fprintf(out, "\"times_floor\": %.4g, ", r->floor_ratio);
		json_machine(out, m);
		fprintf(out, "}");
	}
	fprintf(out, "\n]\n");
	return fflush(out) || ferror(out) ? -1 : 0;
}
