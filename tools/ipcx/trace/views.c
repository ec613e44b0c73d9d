// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx trace: the life of one message as a waterfall, histograms, and a file for Perfetto.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../util.h"
#include "trace.h"

#define BAR_WIDTH	44

static int by_latency(const void *a, const void *b)
{
	const struct trace_message *x = *(const struct trace_message *const *)a;
	const struct trace_message *y = *(const struct trace_message *const *)b;
	uint64_t p = x->half[DIR_RECV].exit - x->half[DIR_SEND].enter;
	uint64_t q = y->half[DIR_RECV].exit - y->half[DIR_SEND].enter;

	return p < q ? -1 : p > q;
}

/* A message of the mechanism that has the most, which takes as long as half of them do. */
static const struct trace_message *typical(void)
{
	unsigned int nr[NR_MECHS] = { 0 }, most = 0, n = 0;
	const struct trace_message **all, *m;

	for (unsigned int i = 0; i < nr_trace_messages; i++)
		nr[trace_messages[i].object->mech]++;
	for (unsigned int i = 1; i < NR_MECHS; i++)
		if (nr[i] > nr[most])
			most = i;
	all = calloc(nr_trace_messages, sizeof(*all));
	if (!all)
		return &trace_messages[0];
	for (unsigned int i = 0; i < nr_trace_messages; i++)
		if (trace_messages[i].object->mech == most)
			all[n++] = &trace_messages[i];
	qsort(all, n, sizeof(*all), by_latency);
	m = all[n / 2];
	free(all);
	return m;
}

static void print_piece(const char *side, const struct trace_half *h, unsigned int i, uint64_t begin, uint64_t span,
			FILE *out)
{
	uint64_t from = h->pieces[i].at, to = i + 1 < h->nr_pieces ? h->pieces[i + 1].at : h->exit;
	int first, last;

	if (from < begin)
		from = begin;
	if (to < from)
		to = from;
	first = (double)(from - begin) / span * BAR_WIDTH;
	last = (double)(to - begin) / span * BAR_WIDTH;
	if (first >= BAR_WIDTH)
		first = BAR_WIDTH - 1;
	if (last <= first)
		last = first + 1;
	fprintf(out, "%-9s%-10s%9.1f%8.1f |%*s", side, trace_stage_names[h->pieces[i].stage],
		(from - begin) / 1000.0, (to - from) / 1000.0, first, "");
	for (int c = first; c < last; c++)
		fputc(h->pieces[i].stage == STAGE_WAIT ? '.' : h->pieces[i].stage == STAGE_RUNQ ? '-' :
		      h->pieces[i].stage == STAGE_COPY ? '#' : '=', out);
	fprintf(out, "%*s|\n", BAR_WIDTH - last, "");
}

int trace_timeline(unsigned int number, FILE *out)
{
	const struct trace_message *m;
	uint64_t begin, end, span;

	if (!nr_trace_messages)
		return report_text("no message was seen from its sender's call to its receiver's");
	if (number > nr_trace_messages)
		return report_text("only %u messages were seen whole", nr_trace_messages);
	m = number ? &trace_messages[number - 1] : typical();
	begin = m->half[DIR_SEND].enter;
	end = m->half[DIR_RECV].exit > m->half[DIR_SEND].exit ? m->half[DIR_RECV].exit : m->half[DIR_SEND].exit;
	span = end > begin ? end - begin : 1;
	fprintf(out, "Message %u of %u: %" PRIu64 " bytes through %s %s, %.1f us\n"
		"from %s (%u) to %s (%u); it begins with the sender's call\n\n",
		(unsigned int)(m - trace_messages) + 1, nr_trace_messages, m->len,
		trace_mech_names[m->object->mech], m->object->name, (m->half[DIR_RECV].exit - begin) / 1000.0,
		trace_thread_name(m->half[DIR_SEND].tid), m->half[DIR_SEND].tid,
		trace_thread_name(m->half[DIR_RECV].tid), m->half[DIR_RECV].tid);
	fprintf(out, "%-9s%-10s%9s%8s\n", "", "", "at us", "for us");
	for (int d = 0; d < NR_DIRS; d++) {
		const struct trace_half *h = &m->half[d];
		const char *side = d ? "receiver" : "sender";

		for (unsigned int i = 0; i < h->nr_pieces; i++) {
			uint64_t to = i + 1 < h->nr_pieces ? h->pieces[i + 1].at : h->exit;

			/* not what the receiver did before there was a message */
			if (to <= begin)
				continue;
			print_piece(side, h, i, begin, span, out);
			side = "";
		}
	}
	fprintf(out, "\n# copying  = working  . asleep  - waiting for a processor\n");
	return STATUS_OK;
}

/* ---- histograms ---- */

/* The powers of two of @hist, with a bar whose length is the logarithm of the number. */
static void print_hist(const char *title, const struct trace_hist *hist, double unit, const char *name, FILE *out)
{
	uint64_t nr[64] = { 0 }, most = 0;
	int first = -1, last = 0;

	if (!hist->nr)
		return;
	for (unsigned int i = 0; i < HIST_CELLS; i++) {
		uint64_t low = trace_hist_bound(i);
		int order = low ? 63 - __builtin_clzll(low) : 0;

		nr[order] += hist->cells[i];
		if (!hist->cells[i])
			continue;
		if (first < 0)
			first = order;
		last = order;
	}
	fprintf(out, "\n%s (%" PRIu64 ")\n", title, hist->nr);
	for (int i = 0; i < 64; i++)
		most = nr[i] > most ? nr[i] : most;
	for (int i = first; i <= last; i++) {
		double low = i ? (1ULL << i) / unit : 0, high = (2ULL << i) / unit;
		int most_bits = 64 - __builtin_clzll(most);
		int bits = nr[i] ? 64 - __builtin_clzll(nr[i]) : 0;

		fprintf(out, "%10.*f to %-10.*f %s %8" PRIu64 " |%.*s\n", unit > 1 ? 1 : 0, low, unit > 1 ? 1 : 0, high,
			name, nr[i], bits * 40 / most_bits, "########################################");
	}
}

void trace_print_hists(FILE *out)
{
	static const char *const sides[NR_DIRS] = { "send", "receive" }, *const ways[NR_DIRS] = { "in", "out" };
	char title[96];

	fprintf(out, "Each line is a power of two; the bars are logarithmic, too.\n");
	for (int m = 1; m < NR_MECHS; m++) {
		const struct trace_totals *t = &trace_mechs[m];

		for (int d = 0; d < NR_DIRS; d++) {
			snprintf(title, sizeof(title), "%s: a %s call", trace_mech_names[m], sides[d]);
			print_hist(title, &t->total[d], 1000, "us", out);
		}
		snprintf(title, sizeof(title), "%s: from sender to receiver", trace_mech_names[m]);
		print_hist(title, &t->latency, 1000, "us", out);
		for (int d = 0; d < NR_DIRS; d++) {
			snprintf(title, sizeof(title), "%s: size of a copy %s", trace_mech_names[m], ways[d]);
			print_hist(title, &t->copies[d].sizes, 1, "bytes", out);
		}
	}
}

/* ---- the trace event format that Perfetto and chrome://tracing read ---- */

static void write_half(const struct trace_message *m, unsigned int number, enum trace_dir dir, FILE *out)
{
	const struct trace_half *h = &m->half[dir];
	struct json json;

	fprintf(out, ",\n{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":%u,\"tid\":%u,\"args\":", h->tid, h->tid);
	json_begin(&json, out);
	json_text(&json, "name", trace_thread_name(h->tid));
	json_end(&json);
	fprintf(out, "},\n{\"ph\":\"X\",\"name\":\"%s %s\",\"cat\":\"call\",\"pid\":%u,\"tid\":%u,\"ts\":%.3f,\"dur\":%.3f,"
		"\"args\":", trace_mech_names[m->object->mech], dir == DIR_SEND ? "send" : "receive", h->tid, h->tid,
		h->enter / 1000.0, (h->exit - h->enter) / 1000.0);
	json_begin(&json, out);
	json_text(&json, "object", m->object->name);
	json_u64(&json, "bytes", m->len);
	json_u64(&json, "message", number);
	json_end(&json);
	fputc('}', out);
	for (unsigned int i = 0; i < h->nr_pieces; i++) {
		uint64_t to = i + 1 < h->nr_pieces ? h->pieces[i + 1].at : h->exit;

		fprintf(out, ",\n{\"ph\":\"X\",\"name\":\"%s\",\"cat\":\"stage\",\"pid\":%u,\"tid\":%u,\"ts\":%.3f,"
			"\"dur\":%.3f}", trace_stage_names[h->pieces[i].stage], h->tid, h->tid,
			h->pieces[i].at / 1000.0, (to - h->pieces[i].at) / 1000.0);
	}
	/* an arrow from the sender's call to the receiver's */
	fprintf(out, ",\n{\"ph\":\"%s\",\"name\":\"message\",\"cat\":\"message\",\"id\":%u,\"pid\":%u,\"tid\":%u,\"ts\":%.3f%s}",
		dir == DIR_SEND ? "s" : "f", number, h->tid, h->tid,
		(dir == DIR_SEND ? h->enter : h->exit) / 1000.0, dir == DIR_SEND ? "" : ",\"bp\":\"e\"");
}

int trace_write_perfetto(const char *path)
{
	FILE *out = fopen(path, "w");
	bool failed;

	if (!out)
		return report(-errno, "write '%s'", path);
	fprintf(out, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
		"{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":0,\"args\":{\"name\":\"ipcx trace\"}}");
	for (unsigned int i = 0; i < nr_trace_messages; i++)
		for (int d = 0; d < NR_DIRS; d++)
			write_half(&trace_messages[i], i + 1, d, out);
	fputs("\n]}\n", out);
	failed = ferror(out);
	if (fclose(out) || failed)
		return report(-errno, "write '%s'", path);
	return STATUS_OK;
}
