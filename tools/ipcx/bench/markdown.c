// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: tables in Markdown, for documents.  Each run is one machine, which is named first.
 */
#include "bench.h"

#include <string.h>

#define MAX_COLUMNS 16

/* A figure with a unit, or instructions. */
static void print_cell(FILE *out, const struct row *row)
{
	char buf[16];

	if (!row || row->outcome != OUTCOME_DONE)
		fprintf(out, " - |");
	else if (counting)
		fprintf(out, " %.0f |", row->min);
	else
		fprintf(out, " %s%s |", time_name(row_figure(row), buf, sizeof(buf)),
			row->unstable ? " !" : "");
}

static const struct row *find(const struct row *rows, size_t nr, const struct mechanism *mech, size_t x)
{
	for (size_t i = 0; i < nr; i++)
		if (rows[i].mech == mech && row_x(&rows[i]) == x)
			return &rows[i];
	return NULL;
}

/* What is ours stands out. */
static void print_name(FILE *out, const char *name)
{
	bool ours = !strncmp(name, "ipcx_", 5);

	fprintf(out, "| %s`%s`%s |", ours ? "**" : "", name, ours ? "**" : "");
}

/* One table: a case and a placement; the quickest at the first size or step on top. */
static void print_case(FILE *out, const struct row *rows, size_t nr, const struct row *all, size_t nr_all)
{
	const struct case_info *info = &cases[rows->bcase];
	const struct floor *floor = &info->floor[rows->placement];
	size_t xs[MAX_COLUMNS], nr_xs = 0;
	bool have_floor = false;
	char buf[16];

	for (size_t i = 0; i < nr && nr_xs < MAX_COLUMNS; i++)
		if (!nr_xs || xs[nr_xs - 1] != row_x(&rows[i]))
			xs[nr_xs++] = row_x(&rows[i]);
	fprintf(out, "\n| %s: %s", info->name, info->operation);
	if (row_is_two_sided(rows) || rows->bcase == CASE_PROCESSES)
		fprintf(out, "; %s", placement_text(rows));
	fprintf(out, " |");
	for (size_t c = 0; c < nr_xs; c++) {
		if (info->steps)
			fprintf(out, " %zu |", xs[c]);
		else
			fprintf(out, " %s |", xs[c] ? size_name(xs[c], buf, sizeof(buf)) :
				counting ? "instructions" : "time");
	}
	fprintf(out, "\n|---|");
	for (size_t c = 0; c < nr_xs; c++)
		fprintf(out, "---:|");
	fputc('\n', out);
	for (size_t i = 0; i < nr; i++) {
		bool any = false;

		for (size_t j = 0; j < i && !any; j++)
			any = rows[j].mech == rows[i].mech;
		if (any || rows[i].outcome != OUTCOME_DONE)
			continue;
		print_name(out, rows[i].mech->name);
		for (size_t c = 0; c < nr_xs; c++)
			print_cell(out, find(rows, nr, rows[i].mech, xs[c]));
		fputc('\n', out);
	}
	for (size_t i = 0; i < nr_all; i++)
		have_floor = have_floor || (floor->name && all[i].bcase == CASE_FLOOR &&
					    !strcmp(all[i].mech->name, floor->name));
	if (!have_floor)
		return;
	fprintf(out, "| *floor:* `%s`", floor->name);
	if (floor->times != 1)
		fprintf(out, " times %g", floor->times);
	fprintf(out, " |");
	for (size_t c = 0; c < nr_xs; c++) {
		double value = 0;

		/* A sweep has one size. */
		for (size_t i = 0; i < nr && !value; i++)
			if (row_x(&rows[i]) == xs[c] && rows[i].floor_ratio)
				value = row_figure(&rows[i]) / rows[i].floor_ratio;
		if (!value)
			fprintf(out, " - |");
		else if (counting)
			fprintf(out, " %.0f |", value);
		else
			fprintf(out, " %s |", time_name(value, buf, sizeof(buf)));
	}
	fputc('\n', out);
}

void markdown_machine(FILE *out, const struct machine *m)
{
	fprintf(out, "%s on Linux %s, %s%s%s%s, mitigations: %s",
		counting ? "Instructions, user space and kernel together," : "Times", m->kernel, m->cpu,
		m->hypervisor[0] ? " (" : "", m->emulated ? "emulated" : m->hypervisor,
		m->hypervisor[0] ? ")" : "", m->mitigations);
	if (!counting)
		fprintf(out, ", %s, load %.2f", m->date, m->load);
	fprintf(out, ".\n");
}

/* Tables of sorted rows (report_rank()); -1 if they could not be written. */
int report_markdown(FILE *out, const struct row *rows, size_t nr, const struct machine *m)
{
	markdown_machine(out, m);
	for (size_t i = 0, end; i < nr; i = end) {
		bool any = false;

		for (end = i; end < nr && rows[end].bcase == rows[i].bcase &&
		     rows[end].placement == rows[i].placement; end++)
			any = any || rows[end].outcome == OUTCOME_DONE;
		if (any && rows[i].bcase != CASE_FLOOR)
			print_case(out, rows + i, end - i, rows, nr);
	}
	return fflush(out) || ferror(out) ? -1 : 0;
}
