// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx trace: a picture without a program to draw it.  Above, for each mechanism, direction and size the median time of
 * each stage of a call, one after the other; means would be of the calls in which the tracer ran.  Below, as a flame
 * graph that hangs, the ways on which bytes are copied: mechanism, system call, function; as wide as their bytes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "../util.h"
#include "trace.h"

#define WIDTH		960
#define LEFT		220
#define RIGHT		110
#define ROW		24
#define TOP		64
#define MARGIN		20
#define NR_LEVELS	3

/* Colours that are told apart by people who do not see all of them. */
static const char *const colours[NR_STAGES] = {
	"#bbbbbb", "#d55e00", "#0072b2", "#e69f00", "#f0e442", "#cc79a7", "#999999",
};

static double median_us(const struct trace_hist *hist)
{
	return trace_hist_at(hist, 0.5) / 1000.0;
}

/* The length of a bar: its stages. */
static double bar_us(const struct trace_hist *stages)
{
	double sum = 0;

	for (int s = 0; s < NR_STAGES; s++)
		sum += median_us(&stages[s]);
	return sum;
}

/* Call @row for each mechanism, size and direction that was seen. */
static void for_each_row(void (*row)(int m, int order, int d, const struct trace_hist *stages, void *arg), void *arg)
{
	for (int m = 1; m < NR_MECHS; m++)
		for (int order = 0; order < NR_SIZES; order++)
			for (int d = 0; trace_sizes[m][order] && d < NR_DIRS; d++)
				if (trace_sizes[m][order]->stages[d][STAGE_ENTRY].nr)
					row(m, order, d, trace_sizes[m][order]->stages[d], arg);
}

struct drawing {
	FILE *out;
	int rows, y;
	double longest, scale;
};

static void measure_row(int m, int order, int d, const struct trace_hist *stages, void *arg)
{
	struct drawing *g = arg;

	(void)m, (void)order, (void)d;
	g->rows++;
	if (bar_us(stages) > g->longest)
		g->longest = bar_us(stages);
}

static void draw_row(int m, int order, int d, const struct trace_hist *stages, void *arg)
{
	struct drawing *g = arg;
	char size[16] = "", bytes[16];
	double x = LEFT;

	if (order)
		snprintf(size, sizeof(size), " %s", format_size(1ULL << order, bytes));
	fprintf(g->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s%s %s</text>\n", LEFT - 8, g->y + 13,
		trace_mech_names[m], size, d ? "receive" : "send");
	for (int s = 0; s < NR_STAGES; s++) {
		double us = median_us(&stages[s]);

		if (us * g->scale < 0.05)
			continue;
		fprintf(g->out, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"17\" fill=\"%s\"><title>%s: %.2f us</title></rect>\n",
			x, g->y, us * g->scale, colours[s], trace_stage_names[s], us);
		x += us * g->scale;
	}
	fprintf(g->out, "<text x=\"%.1f\" y=\"%d\">%.1f us</text>\n", x + 6, g->y + 13, bar_us(stages));
	g->y += ROW;
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

/* ---- the paths of copies ---- */

static const char *call_name(uint64_t nr)
{
	static const struct { long nr; const char *name; } calls[] = {
		{ SYS_read, "read" }, { SYS_write, "write" }, { SYS_readv, "readv" }, { SYS_writev, "writev" },
		{ SYS_ioctl, "ioctl" }, { SYS_sendto, "sendto" }, { SYS_recvfrom, "recvfrom" },
		{ SYS_sendmsg, "sendmsg" }, { SYS_recvmsg, "recvmsg" }, { SYS_sendmmsg, "sendmmsg" },
		{ SYS_recvmmsg, "recvmmsg" }, { SYS_msgsnd, "msgsnd" }, { SYS_msgrcv, "msgrcv" },
		{ SYS_mq_timedsend, "mq_timedsend" }, { SYS_mq_timedreceive, "mq_timedreceive" },
		{ SYS_process_vm_readv, "process_vm_readv" }, { SYS_process_vm_writev, "process_vm_writev" },
		{ SYS_splice, "splice" }, { SYS_sendfile, "sendfile" }, { SYS_io_uring_enter, "io_uring_enter" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if ((uint64_t)calls[i].nr == nr)
			return calls[i].name;
	return "another call";
}

/* The name of @path on @level. */
static const char *level_name(const struct trace_path *path, int level)
{
	const char *function;

	if (level == 0)
		return trace_mech_names[path->mech];
	if (level == 1)
		return call_name(path->nr);
	if (path->probe < 0)
		return path->dir == DIR_SEND ? "ipcx: copy in" : "ipcx: copy out";
	function = trace_probe_function(&trace_probes[path->probe]);
	return function ? function : trace_probes[path->probe].name;
}

static int by_path(const void *a, const void *b)
{
	const struct trace_path *x = a, *y = b;

	if (x->mech != y->mech)
		return x->mech < y->mech ? -1 : 1;
	if (x->nr != y->nr)
		return x->nr < y->nr ? -1 : 1;
	return x->probe < y->probe ? -1 : x->probe > y->probe;
}

static bool same_until(const struct trace_path *a, const struct trace_path *b, int level)
{
	for (int l = 0; l <= level; l++)
		if (strcmp(level_name(a, l), level_name(b, l)))
			return false;
	return true;
}

static void draw_box(FILE *out, double x, int y, double width, int level, const char *name, uint64_t copies,
		     uint64_t bytes, double part)
{
	static const char *const fills[NR_LEVELS] = { "#f4b183", "#f8cbad", "#fbe5d6" };
	char size[16];

	format_size(bytes, size);
	fprintf(out, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\" stroke=\"white\">"
		"<title>%s: %" PRIu64 " copies, %s, %.1f%%</title></rect>\n", x, y, width, ROW - 2, fills[level], name, copies,
		size, part * 100);
	/* about 7 points a letter */
	if (width > 7 * strlen(name) + 8)
		fprintf(out, "<text x=\"%.1f\" y=\"%d\">%s</text>\n", x + 4, y + 15, name);
}

static void draw_paths(FILE *out, int y)
{
	uint64_t all = 0;

	qsort(trace_paths, nr_trace_paths, sizeof(*trace_paths), by_path);
	for (unsigned int i = 0; i < nr_trace_paths; i++)
		all += trace_paths[i].bytes;
	fprintf(out, "<text x=\"%d\" y=\"%d\" font-size=\"14\">Where bytes are copied (mechanism, system call, function)</text>\n",
		MARGIN, y);
	for (int level = 0; all && level < NR_LEVELS; level++) {
		uint64_t before = 0;

		for (unsigned int i = 0, next; i < nr_trace_paths; i = next) {
			uint64_t copies = 0, bytes = 0;

			for (next = i; next < nr_trace_paths && same_until(&trace_paths[i], &trace_paths[next], level); next++) {
				copies += trace_paths[next].copies;
				bytes += trace_paths[next].bytes;
			}
			draw_box(out, MARGIN + (double)before / all * (WIDTH - 2 * MARGIN), y + 10 + level * ROW,
				 (double)bytes / all * (WIDTH - 2 * MARGIN), level, level_name(&trace_paths[i], level),
				 copies, bytes, (double)bytes / all);
			before += bytes;
		}
	}
}

int trace_svg(const char *path)
{
	struct drawing g = { .longest = 0.001, .y = TOP };
	int height;
	bool failed;

	for_each_row(measure_row, &g);
	if (!g.rows)
		return report_text("nothing to draw: no message was seen");
	g.out = fopen(path, "w");
	if (!g.out)
		return report(-errno, "write '%s'", path);
	g.scale = (WIDTH - LEFT - RIGHT) / g.longest;
	height = TOP + g.rows * ROW + 40 + NR_LEVELS * ROW + MARGIN;
	fprintf(g.out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
		"font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
		"<text x=\"%d\" y=\"20\" font-size=\"14\">Median time of each stage of a call, by size of message</text>\n",
		WIDTH, height, WIDTH, height, LEFT);
	draw_legend(g.out);
	for_each_row(draw_row, &g);
	draw_paths(g.out, g.y + 24);
	fputs("</svg>\n", g.out);
	failed = ferror(g.out);
	if (fclose(g.out) || failed)
		return report(-errno, "write '%s'", path);
	return STATUS_OK;
}
