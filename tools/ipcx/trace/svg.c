// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx trace: a picture without a program to draw it: for each mechanism and direction the median time of each stage
 * of a call, one after the other, with what it copies beside it.  Means would be of the calls in which the tracer ran.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../util.h"
#include "trace.h"

#define WIDTH		900
#define LEFT		170
#define RIGHT		240
#define ROW		26
#define TOP		64

/* Colours that are told apart by people who do not see all of them. */
static const char *const colours[NR_STAGES] = {
	"#bbbbbb", "#d55e00", "#0072b2", "#e69f00", "#f0e442", "#cc79a7", "#999999",
};

static double median_us(const struct trace_hist *hist)
{
	return trace_hist_at(hist, 0.5) / 1000.0;
}

/* The length of a bar: its stages. */
static double bar_us(const struct trace_totals *t, int d)
{
	double sum = 0;

	for (int s = 0; s < NR_STAGES; s++)
		sum += median_us(&t->stages[d][s]);
	return sum;
}

static void draw_legend(FILE *out)
{
	int x = LEFT;

	for (int s = 0; s < NR_STAGES; s++) {
		fprintf(out, "<rect x=\"%d\" y=\"34\" width=\"12\" height=\"12\" fill=\"%s\"/>"
			"<text x=\"%d\" y=\"44\">%s</text>\n", x, colours[s], x + 16, trace_stage_names[s]);
		x += 30 + 8 * strlen(trace_stage_names[s]);
	}
}

static void draw_row(int m, int d, int y, double scale, FILE *out)
{
	const struct trace_totals *t = &trace_mechs[m];
	const struct trace_copies *c = &t->copies[d];
	double x = LEFT;

	fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s %s</text>\n", LEFT - 8, y + 14, trace_mech_names[m],
		d ? "receive" : "send");
	for (int s = 0; s < NR_STAGES; s++) {
		double us = median_us(&t->stages[d][s]);

		if (us * scale < 0.05)
			continue;
		fprintf(out, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"18\" fill=\"%s\"><title>%s: %.2f us</title></rect>\n",
			x, y, us * scale, colours[s], trace_stage_names[s], us);
		x += us * scale;
	}
	fprintf(out, "<text x=\"%.1f\" y=\"%d\">%.1f us; %" PRIu64 " copies, %.0f bytes each</text>\n", x + 6, y + 14,
		bar_us(t, d), c->nr, c->nr ? (double)c->bytes / c->nr : 0);
}

int trace_svg(const char *path)
{
	double longest = 0.001, scale;
	int rows = 0, y = TOP;
	bool failed;
	FILE *out;

	for (int m = 1; m < NR_MECHS; m++) {
		for (int d = 0; d < NR_DIRS; d++) {
			if (!trace_mechs[m].total[d].nr)
				continue;
			rows++;
			if (bar_us(&trace_mechs[m], d) > longest)
				longest = bar_us(&trace_mechs[m], d);
		}
	}
	if (!rows)
		return report_text("nothing to draw: no call was seen");
	out = fopen(path, "w");
	if (!out)
		return report(-errno, "write '%s'", path);
	scale = (WIDTH - LEFT - RIGHT) / longest;
	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
		"font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
		"<text x=\"%d\" y=\"20\" font-size=\"14\">Median time of each stage of a call</text>\n",
		WIDTH, TOP + rows * ROW + 10, WIDTH, TOP + rows * ROW + 10, LEFT);
	draw_legend(out);
	for (int m = 1; m < NR_MECHS; m++)
		for (int d = 0; d < NR_DIRS; d++)
			if (trace_mechs[m].total[d].nr) {
				draw_row(m, d, y, scale, out);
				y += ROW;
			}
	fputs("</svg>\n", out);
	failed = ferror(out);
	if (fclose(out) || failed)
		return report(-errno, "write '%s'", path);
	return STATUS_OK;
}
