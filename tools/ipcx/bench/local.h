/* SPDX-License-Identifier: GPL-2.0 */
/* The figures of ipcx bench --local: what they are is in local-probes.c, what is made of them in local.c. */
#ifndef IPCX_BENCH_LOCAL_H
#define IPCX_BENCH_LOCAL_H

#include "bench.h"

enum probe_id {
	TWO_LINES, TWO_RELAXED, ADD, CALL, COPY, ACROSS, PIPE_ONE, PIPE_TWO, PIPE_STREAM, RING, RING_SPIN, RING_LATE,
	FUTEX_LATE, IDLE, RING_STREAM, BARE_STREAM, MANY_STREAM, MANY_CROWD, CK_CROWD, SEM_T, MSEM,
	LOAN_64, LOAN_64K, LOAN_64M, NR_PROBES
};

/**
 * struct local_probe - one figure
 * @text: what it is, in words
 * @bcase, @mechanism, @size, @two: the same for JSON
 * @nr: operations in a round
 */
struct local_probe {
	const char *text;
	const char *bcase;
	const char *mechanism;
	size_t size;
	bool two;
	double (*run)(long nr);
	long nr;
};

extern const struct local_probe local_probes[NR_PROBES];

/* Get ready to measure on the processors of @m: 0 or -ENOMEM. */
int local_begin(const struct machine *m);
/* One probe in a process of its own: nanoseconds, 0 if it failed. */
double local_run(const struct local_probe *p);

static inline int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

#endif /* IPCX_BENCH_LOCAL_H */
