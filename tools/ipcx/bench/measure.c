// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: clocks, processor time, and exact percentiles over all recorded samples.
 */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

bool counting;

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

#ifdef __x86_64__
/* rdtscp waits until all earlier instructions are done, so that none is missed. */
uint64_t count_ticks(void)
{
	uint32_t lo, hi, cpu;

	asm volatile("rdtscp" : "=a"(lo), "=d"(hi), "=c"(cpu) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

/* Does the time stamp counter count instructions here?  Ask it about a loop of known length. */
int count_check(void)
{
	const uint64_t loops = 10000;
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 20; i++) {
		uint64_t n = loops, start = count_ticks(), ticks;

		asm volatile("1: dec %0\n\tjnz 1b" : "+r"(n) : : "cc");
		ticks = count_ticks() - start;
		if (ticks < best)
			best = ticks;
	}
	return best >= 2 * loops && best <= 2 * loops + 40 ? 0 : -ENOTSUP;
}
#else
uint64_t count_ticks(void)
{
	return now_ns();
}

int count_check(void)
{
	return -ENOTSUP;
}
#endif

/* What one reading of the clock takes. */
uint64_t clock_cost(void)
{
	static uint64_t cost;

	if (!cost) {
		uint64_t start = now_ns();

		for (int i = 0; i < 1000; i++)
			now_ns();
		cost = (now_ns() - start) / 1000 + 1;
	}
	return cost;
}

void usage_now(struct usage *u)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	u->cpu_ns = (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000000ULL +
		    (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * 1000ULL;
	u->switches = ru.ru_nvcsw + ru.ru_nivcsw;
}

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* What the row's figure would be if this turn were all. */
static double turn_figure(const struct row *row, const struct turn *turn, float *samples)
{
	if (cases[row->bcase].mean)
		return (double)turn->ns / turn->ops;
	qsort(samples, turn->nr_samples, sizeof(*samples), by_value);
	return samples[turn->nr_samples / 2];
}

/* Add a turn's samples to its row. */
int row_merge(struct row *row, const struct turn *turn)
{
	double figure;

	size_t nr = row->nr_samples + turn->nr_samples;
	float *samples;

	if (turn->outcome != OUTCOME_DONE) {
		row->outcome = turn->outcome;
		memcpy(row->why, turn->why, sizeof(row->why));
		return 0;
	}
	samples = realloc(row->samples, nr * sizeof(*samples));
	if (!samples)
		return -ENOMEM;
	memcpy(samples + row->nr_samples, turn->samples, turn->nr_samples * sizeof(*samples));
	if (turn->nr_samples) {
		figure = turn_figure(row, turn, samples + row->nr_samples);
		if (!row->round_min || figure < row->round_min)
			row->round_min = figure;
		if (figure > row->round_max)
			row->round_max = figure;
	}
	row->samples = samples;
	row->nr_samples = nr;
	row->ops_per_sample = turn->ops_per_sample;
	row->ops += turn->ops;
	row->ns += turn->ns;
	row->messages += turn->messages;
	for (int side = 0; side < 2; side++) {
		row->cpu_ns += turn->usage[side].cpu_ns;
		row->switches += turn->usage[side].switches;
	}
	if (row->outcome == OUTCOME_NONE)
		row->outcome = OUTCOME_DONE;
	return 0;
}

/* The smallest sample that at least the fraction @p of all samples does not exceed. */
static double percentile(const struct row *row, double p)
{
	size_t rank = p * row->nr_samples;

	if (rank < p * row->nr_samples)
		rank++;
	return row->samples[rank ? rank - 1 : 0];
}

/* What rows are compared by. */
double row_figure(const struct row *row)
{
	return counting ? row->min : cases[row->bcase].mean ?
	       (double)row->ns / row->ops : row->p50;
}

/* All turns are merged: work out the figures. */
void row_finish(struct row *row)
{
	unsigned int messages = cases[row->bcase].messages;

	if (row->outcome != OUTCOME_DONE)
		return;
	if (!row->nr_samples) {
		row->outcome = OUTCOME_FAILED;
		snprintf(row->why, sizeof(row->why), "no sample was taken");
		return;
	}
	qsort(row->samples, row->nr_samples, sizeof(*row->samples), by_value);
	row->p50 = percentile(row, 0.50);
	/* with two processes a timer tick can make the batch after it cheaper than any other: then the middle one counts */
	row->min = counting && row_is_two_sided(row) ? row->p50 : row->samples[0];
	row->p99 = percentile(row, 0.99);
	row->p999 = percentile(row, 0.999);
	row->max = row->samples[row->nr_samples - 1];
	row->achieved_rate = row->rate && row->ns ? 1e9 * row->ops / row->ns : 0;
	row->mb_per_s = row->ns ? 1e3 * row->len * messages * row->ops / row->ns : 0;
	row->cpu_per_message = row->messages ? (double)row->cpu_ns / row->messages : 0;
	row->unstable = row->round_max > UNSTABLE * row->round_min;
	row->switches_per_message = row->messages ? (double)row->switches / row->messages : 0;
}
