// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx trace: the summary, as tables for people and as a row of flat JSON objects for programs.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../util.h"
#include "trace.h"

static const char *const dir_names[NR_DIRS] = { "send", "receive" };

static double us(uint64_t ns)
{
	return ns / 1000.0;
}

/* "12.3", "1234", "1.2M" in at most six characters. */
static const char *short_us(uint64_t ns, char *buf, size_t len)
{
	double v = us(ns);

	if (v < 99.95)
		snprintf(buf, len, "%.1f", v);
	else if (v < 99999.5)
		snprintf(buf, len, "%.0f", v);
	else if (v < 99999499)
		snprintf(buf, len, "%.0fk", v / 1e3);
	else
		snprintf(buf, len, "%.0fM", v / 1e6);
	return buf;
}

static uint64_t time_in_calls(void)
{
	uint64_t sum = 0;

	for (int m = 0; m < NR_MECHS; m++)
		for (int d = 0; d < NR_DIRS; d++)
			sum += trace_mechs[m].total[d].sum;
	return sum;
}

static double copied_per_byte(const struct trace_totals *t)
{
	uint64_t bytes = t->bytes[DIR_RECV] ? t->bytes[DIR_RECV] : t->bytes[DIR_SEND];

	return bytes ? (double)(t->copies[DIR_SEND].bytes + t->copies[DIR_RECV].bytes) / bytes : 0;
}

static void print_head(const struct trace_session *s, FILE *out)
{
	double seconds = (s->end_ns - s->begin_ns) / 1e9;

	fprintf(out, "%.3f s, %" PRIu64 " events, ", seconds, s->events);
	if (s->lost)
		fprintf(out, "%" PRIu64 " LOST: every count is \"at least\" (--buffer makes room).\n", s->lost);
	else
		fprintf(out, "none lost: the counts are exact.\n");
	if (s->cost_ns > 0)
		fprintf(out, "Looking costs about %.2f us an event (measured with a pipe before the run), %.0f ms in all;\n"
			"the times below include it.\n", s->cost_ns / 1000, s->events * s->cost_ns / 1e6);
	fprintf(out, "The calls below took %.3f ms.\n", time_in_calls() / 1e6);
}

static void print_copies(const char *name, const struct trace_totals *t, FILE *out)
{
	char size[16], ratio[16] = "-";

	if (t->bytes[DIR_RECV] || t->bytes[DIR_SEND])
		snprintf(ratio, sizeof(ratio), "%.2f", copied_per_byte(t));
	fprintf(out, "%-22.22s%9" PRIu64 "%10" PRIu64 "%11s%10" PRIu64 "%10" PRIu64 "%8s\n", name,
		t->messages[DIR_SEND], t->messages[DIR_RECV],
		format_size(t->bytes[DIR_RECV] ? t->bytes[DIR_RECV] : t->bytes[DIR_SEND], size),
		t->copies[DIR_SEND].nr, t->copies[DIR_RECV].nr, ratio);
}

static void print_effort(const char *name, const struct trace_totals *t, FILE *out)
{
	char size[16];

	fprintf(out, "%-22.22s%8" PRIu64 "%8" PRIu64 "%11s%8" PRIu64 "%8" PRIu64 "%9" PRIu64, name, t->calls, t->allocs,
		format_size(t->alloc_bytes, size), t->wakes, t->blocks, t->switches);
	if (t->dropped)
		fprintf(out, "%6" PRIu64, t->dropped);
	fputc('\n', out);
}

/* Each mechanism, and under it its objects, the busiest first. */
static void print_each(void (*print)(const char *, const struct trace_totals *, FILE *), unsigned int max_objects,
		       FILE *out)
{
	for (int m = 1; m < NR_MECHS; m++) {
		struct trace_object **objects;
		unsigned int nr;
		char name[64];

		if (!trace_mechs[m].calls && !trace_mechs[m].messages[DIR_RECV])
			continue;
		print(trace_mech_names[m], &trace_mechs[m], out);
		objects = trace_objects(m, &nr);
		for (unsigned int i = 0; i < nr && i < max_objects; i++) {
			snprintf(name, sizeof(name), "  %s", objects[i]->name);
			print(name, &objects[i]->totals, out);
		}
		if (nr > max_objects)
			fprintf(out, "  and %u more (--objects)\n", nr - max_objects);
		free(objects);
	}
}

static void print_stages(FILE *out)
{
	char buf[16];

	fprintf(out, "\nWhere the time of a call goes, in microseconds: median, and the hundredth that took longest\n");
	fprintf(out, "%-23s%8s", "", "whole");
	for (int s = 0; s < NR_STAGES; s++)
		fprintf(out, "%*s", s == STAGE_RUNQ || s == STAGE_QUEUE ? 10 : 8, trace_stage_names[s]);
	fputc('\n', out);
	for (int m = 1; m < NR_MECHS; m++) {
		for (int d = 0; d < NR_DIRS; d++) {
			const struct trace_totals *t = &trace_mechs[m];

			if (!t->total[d].nr)
				continue;
			for (int p = 0; p < 2; p++) {
				double part = p ? 0.99 : 0.5;
				char name[40];

				snprintf(name, sizeof(name), "%s %s", trace_mech_names[m], dir_names[d]);
				fprintf(out, "%-23s%8s", p ? "  p99" : name,
					short_us(trace_hist_at(&t->total[d], part), buf, sizeof(buf)));
				for (int s = 0; s < NR_STAGES; s++)
					fprintf(out, "%*s", s == STAGE_RUNQ || s == STAGE_QUEUE ? 10 : 8,
						short_us(trace_hist_at(&t->stages[d][s], part), buf, sizeof(buf)));
				fputc('\n', out);
			}
		}
	}
}

static void print_latency(FILE *out)
{
	static const double parts[] = { 0.5, 0.9, 0.99, 1 };
	bool any = false;
	char buf[16];

	for (int m = 1; m < NR_MECHS; m++) {
		const struct trace_hist *l = &trace_mechs[m].latency;

		if (!l->nr)
			continue;
		if (!any)
			fprintf(out, "\nFrom the beginning of the sender's call to the end of the receiver's, in microseconds\n"
				"%-22s%9s%9s%9s%9s%9s\n", "", "messages", "p50", "p90", "p99", "max");
		any = true;
		fprintf(out, "%-22s%9" PRIu64, trace_mech_names[m], l->nr);
		for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++)
			fprintf(out, "%9s", short_us(trace_hist_at(l, parts[i]), buf, sizeof(buf)));
		fputc('\n', out);
	}
}

void trace_report(const struct trace_options *options, const struct trace_session *session, FILE *out)
{
	bool any = false;

	for (int m = 1; m < NR_MECHS; m++)
		any |= trace_mechs[m].calls || trace_mechs[m].messages[DIR_RECV];
	print_head(session, out);
	if (!any) {
		fprintf(out, "\nNo call of a mechanism that is looked at (see --mech) was seen.\n");
		return;
	}
	fprintf(out, "\nMessages, and copies of them between user space and the kernel\n"
		"%-22s%9s%10s%11s%10s%10s%8s\n", "", "sent", "received", "bytes", "copies in", "out", "B/B");
	print_each(print_copies, options->max_objects, out);
	fprintf(out, "B/B: bytes copied per byte delivered. Arguments and results of the calls are not counted.\n"
		"\nWhat the calls did besides\n"
		"%-22s%8s%8s%11s%8s%8s%9s\n", "", "calls", "allocs", "bytes", "wakes", "blocks", "switches");
	print_each(print_effort, options->max_objects, out);
	print_stages(out);
	print_latency(out);
}

/* ---- JSON ---- */

static void json_hist(struct json *json, const struct trace_hist *hist)
{
	json_u64(json, "count", hist->nr);
	json_u64(json, "p50_ns", trace_hist_at(hist, 0.5));
	json_u64(json, "p90_ns", trace_hist_at(hist, 0.9));
	json_u64(json, "p99_ns", trace_hist_at(hist, 0.99));
	json_u64(json, "max_ns", hist->max);
	json_u64(json, "sum_ns", hist->sum);
}

static void json_totals(const char *record, const char *mech, const char *object, const struct trace_totals *t,
			FILE *out)
{
	struct json json;

	json_begin(&json, out);
	json_text(&json, "record", record);
	json_text(&json, "mechanism", mech);
	if (object)
		json_text(&json, "object", object);
	json_u64(&json, "calls", t->calls);
	json_u64(&json, "sent", t->messages[DIR_SEND]);
	json_u64(&json, "received", t->messages[DIR_RECV]);
	json_u64(&json, "sent_bytes", t->bytes[DIR_SEND]);
	json_u64(&json, "received_bytes", t->bytes[DIR_RECV]);
	json_u64(&json, "copies_in", t->copies[DIR_SEND].nr);
	json_u64(&json, "copies_in_bytes", t->copies[DIR_SEND].bytes);
	json_u64(&json, "copies_out", t->copies[DIR_RECV].nr);
	json_u64(&json, "copies_out_bytes", t->copies[DIR_RECV].bytes);
	json_u64(&json, "allocs", t->allocs);
	json_u64(&json, "alloc_bytes", t->alloc_bytes);
	json_u64(&json, "wakes", t->wakes);
	json_u64(&json, "blocks", t->blocks);
	json_u64(&json, "switches", t->switches);
	json_u64(&json, "dropped", t->dropped);
	json_end(&json);
	fputc('\n', out);
}

static void json_times(const char *mech, const char *dir, const char *stage, const struct trace_hist *hist, FILE *out)
{
	struct json json;

	if (!hist->nr)
		return;
	json_begin(&json, out);
	json_text(&json, "record", "time");
	json_text(&json, "mechanism", mech);
	json_text(&json, "direction", dir);
	json_text(&json, "stage", stage);
	json_hist(&json, hist);
	json_end(&json);
	fputc('\n', out);
}

static void json_sizes(const char *mech, const char *dir, const struct trace_hist *hist, FILE *out)
{
	for (unsigned int i = 0; hist->nr && i < HIST_CELLS; i++) {
		struct json json;

		if (!hist->cells[i])
			continue;
		json_begin(&json, out);
		json_text(&json, "record", "copy_size");
		json_text(&json, "mechanism", mech);
		json_text(&json, "direction", dir);
		json_u64(&json, "from", trace_hist_bound(i));
		json_u64(&json, "to", trace_hist_bound(i + 1) - 1);
		json_u64(&json, "count", hist->cells[i]);
		json_end(&json);
		fputc('\n', out);
	}
}

static void json_mechanism(int m, FILE *out)
{
	const struct trace_totals *t = &trace_mechs[m];
	const char *name = trace_mech_names[m];
	struct trace_object **objects;
	unsigned int nr;

	json_totals("mechanism", name, NULL, t, out);
	objects = trace_objects(m, &nr);
	for (unsigned int i = 0; i < nr; i++)
		json_totals("object", name, objects[i]->name, &objects[i]->totals, out);
	free(objects);
	for (int d = 0; d < NR_DIRS; d++) {
		json_sizes(name, dir_names[d], &t->copies[d].sizes, out);
		json_times(name, dir_names[d], "whole", &t->total[d], out);
		for (int s = 0; s < NR_STAGES; s++)
			json_times(name, dir_names[d], trace_stage_names[s], &t->stages[d][s], out);
	}
	json_times(name, "both", "latency", &t->latency, out);
}

void trace_json(const struct trace_session *session, FILE *out)
{
	struct json json;

	json_begin(&json, out);
	json_text(&json, "record", "session");
	json_u64(&json, "ns", session->end_ns - session->begin_ns);
	json_u64(&json, "events", session->events);
	json_u64(&json, "lost", session->lost);
	json_u64(&json, "event_cost_ns", session->cost_ns);
	json_u64(&json, "status", session->status);
	json_end(&json);
	fputc('\n', out);
	for (unsigned int i = 0; i < session->nr_missing; i++) {
		for (int m = 1; m < NR_MECHS; m++) {
			if (!(session->missing[i].mechs & 1U << m))
				continue;
			json_begin(&json, out);
			json_text(&json, "record", "missing");
			json_text(&json, "mechanism", trace_mech_names[m]);
			json_text(&json, "what", session->missing[i].what);
			json_end(&json);
			fputc('\n', out);
		}
	}
	for (int m = 1; m < NR_MECHS; m++)
		if (trace_mechs[m].calls || trace_mechs[m].messages[DIR_RECV])
			json_mechanism(m, out);
}
