// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: plots.  gnuplot draws one SVG for each case and placement: time against size as
 * lines, or bars where there is no size.
 */
#include "bench.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* In units that gnuplot can give a prefix to: seconds, instructions, bytes per second. */
static double plotted(const struct row *row)
{
	return counting ? row->min : row->bcase == CASE_STREAM ? row->mb_per_s * 1e6 :
	       row_figure(row) * 1e-9;
}

static const char *axis(const struct row *row)
{
	return counting ? "instructions" : row->bcase == CASE_STREAM ? "throughput" :
	       cases[row->bcase].mean ? "mean time of a message" : "median time";
}

static const char *unit(const struct row *row)
{
	return counting ? "" : row->bcase == CASE_STREAM ? "B/s" : "s";
}

/* Colours that stay apart, and with the point shapes tell twenty lines from each other. */
static const char *const colours[] = {
	"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#8c564b",
	"#7f3fbf", "#5f7f00",
};

/* A logarithmic axis has no 0: an empty queue stands where half a message would. */
static double x_of(const struct row *row)
{
	return row_x(row) ? row_x(row) : 0.5;
}

/* One line for each mechanism, in the order of the table: quickest first. */
static void plot_lines(FILE *gp, const struct row *rows, size_t nr)
{
	bool steps = cases[rows->bcase].steps;
	size_t lines = 0;

	fprintf(gp, "set logscale xy\nset format y '%%.0s %%c%s'\nset xtics (", unit(rows));
	for (size_t i = 0; i < nr; i++) {
		char name[16];

		if (i && row_x(&rows[i]) == row_x(&rows[i - 1]))
			continue;
		if (steps)
			snprintf(name, sizeof(name), "%u", rows[i].nr);
		else
			size_name(rows[i].len, name, sizeof(name));
		fprintf(gp, "%s'%s' %g", i ? ", " : "", name, x_of(&rows[i]));
	}
	fprintf(gp, ")\nset xlabel '%s'\nset xrange [%g:%g]\n",
		steps ? cases[rows->bcase].nr_text : "payload", x_of(&rows[0]) / 1.5,
		x_of(&rows[nr - 1]) * 1.5);
	for (size_t i = 0; i < nr; i++) {
		bool seen = rows[i].outcome != OUTCOME_DONE;

		for (size_t j = 0; j < i && !seen; j++)
			seen = rows[j].outcome == OUTCOME_DONE && rows[j].mech == rows[i].mech;
		if (seen)
			continue;
		fprintf(gp, "$m%zu << EOD\n", lines);
		for (size_t j = i; j < nr; j++)
			if (rows[j].mech == rows[i].mech && rows[j].outcome == OUTCOME_DONE)
				fprintf(gp, "%g %.6g\n", x_of(&rows[j]), plotted(&rows[j]));
		fprintf(gp, "EOD\nname%zu = '%s'\n", lines, rows[i].mech->name);
		lines++;
	}
	fprintf(gp, "plot ");
	for (size_t k = 0; k < lines; k++)
		fprintf(gp, "%s$m%zu using 1:2 with linespoints title name%zu lw 2 ps 0.8 pt %zu "
			"dt %zu lc rgb '%s'", k ? ", " : "", k, k, 4 + k % 11,
			1 + k / ARRAY_SIZE(colours), colours[k % ARRAY_SIZE(colours)]);
	fprintf(gp, "\n");
}

/* Bars, the quickest on top. */
static void plot_bars(FILE *gp, const struct row *rows, size_t nr)
{
	double y = 0, min = HUGE_VAL, max = 0;

	fprintf(gp, "$bars << EOD\n");
	for (size_t i = 0; i < nr; i++) {
		double x = plotted(&rows[i]);

		if (rows[i].outcome != OUTCOME_DONE)
			continue;
		fprintf(gp, "%g %.6g \"%s\"\n", --y, x, rows[i].mech->name);
		min = x < min ? x : min;
		max = x > max ? x : max;
	}
	fprintf(gp, "EOD\nset nokey\nset grid noytics nomytics xtics\nset yrange [%g:0]\n"
		"set logscale x\nset format x '%%.0s %%c%s'\n"
		"set xlabel '%s (logarithmic)'\nset style fill solid 0.7 noborder\n"
		"set xrange [%g:%g]\n"
		"plot $bars using 2:1:(%g):2:($1 - 0.35):($1 + 0.35):ytic(3) "
		"with boxxyerror lc rgb '%s', "
		"'' using 2:1:(gprintf('  %%.1s %%c%s', $2)) with labels left\n",
		y - 1, unit(rows), axis(rows), min / 2, max * 4, min / 2, colours[0], unit(rows));
}

/* One plot of the rows of one case and placement. */
static int plot(const char *dir, const struct row *rows, size_t nr, const struct machine *m)
{
	const char *name = cases[rows->bcase].name, *where = placement_names[rows->placement];
	bool bars = !cases[rows->bcase].payload;
	FILE *gp = popen("gnuplot", "we");

	if (!gp)
		return -errno;
	fprintf(gp, "set terminal svg size 960,600 font 'sans,14' background '#ffffff' noenhanced\n"
		"set output '%s/%s-%s.svg'\nset title '%s, %s (%s, kernel %s%s)'\n"
		"set key outside right top reverse Left samplen 2\n"
		"set grid xtics ytics mytics lc rgb '#bbbbbb', lc rgb '#e8e8e8'\n"
		"set mytics 10\nset tics nomirror\n"
		"set ylabel '%s'\nset border 3\n",
		dir, name, where, name, where, m->name, m->kernel, m->emulated ? ", emulated" : "",
		bars ? "" : axis(rows));
	if (bars)
		plot_bars(gp, rows, nr);
	else
		plot_lines(gp, rows, nr);
	return pclose(gp) ? -EIO : 0;
}

/* Plots of sorted rows (report_rank()) in @dir, which is made if need be. */
int plot_all(const char *dir, const struct row *rows, size_t nr, const struct machine *m)
{
	if (strchr(dir, '\''))
		return -EINVAL;
	if (mkdir(dir, 0777) && errno != EEXIST)
		return -errno;
	for (size_t i = 0, end; i < nr; i = end) {
		bool any = false;
		int ret;

		for (end = i; end < nr && rows[end].bcase == rows[i].bcase &&
		     rows[end].placement == rows[i].placement; end++)
			any = any || rows[end].outcome == OUTCOME_DONE;
		if (!any || rows[i].bcase == CASE_FLOOR)
			continue;
		ret = plot(dir, rows + i, end - i, m);
		if (ret)
			return ret;
	}
	return 0;
}
