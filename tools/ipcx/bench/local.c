// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench --local: what stays in user space, natively, as ratios.  All figures of a round are
 * taken one after the other, and the rounds follow each other, so that whatever else the machine
 * does meets all of them; a ratio is the median of those of each round, since where a virtual machine's processors are changes.
 */
#include "local.h"
#include "../util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROUNDS	1000

/* What is compared with what: at most, or at least, @target times. */
static const struct goal {
	const char *text;
	enum probe_id of, against;
	double target;
	bool at_least;
} goals[] = {
	{ "ring round trip, of two cache lines", RING, TWO_LINES, 1.05, false },
	{ "pipe round trip on one processor, of the ring's", PIPE_ONE, RING, 7, true },
	{ "pipe round trip on two processors, of the ring's", PIPE_TWO, RING, 100, true },
	{ "pipe stream, of the ring's", PIPE_STREAM, RING_STREAM, 30, true },
	{ "ring stream, of one written by hand", RING_STREAM, BARE_STREAM, 1.3, false },
	{ "mapped semaphore, of sem_t", MSEM, SEM_T, 1.1, false },
	{ "ring that may sleep, of one that spins", RING, RING_SPIN, 1.15, false },
	{ "ring with a late answer, of a futex", RING_LATE, FUTEX_LATE, 1.1, false },
	{ "ring of many with one pair, of the ring of two", MANY_STREAM, RING_STREAM, 2, false },
	{ "ring of many, 4 and 4, of its one pair", MANY_CROWD, MANY_STREAM, 2, false },
	{ "ring of many, 4 and 4, of ck_ring", MANY_CROWD, CK_CROWD, 1, false },
	{ "loan of 64 KiB, of 64 B", LOAN_64K, LOAN_64, 1.05, false },
	{ "loan of 64 MiB, of 64 B", LOAN_64M, LOAN_64, 1.05, false },
};

static int write_json(const char *path, double (*ns)[MAX_ROUNDS], unsigned int rounds,
		      const struct machine *m)
{
	FILE *out = strcmp(path, "-") ? fopen(path, "we") : stdout;
	bool first = true;

	if (!out)
		return report(-errno, "write %s", path);
	fprintf(out, "[");
	for (int p = 0; p < NR_PROBES; p++) {
		if (!ns[p][rounds / 2])
			continue;
		fprintf(out, "%s\n{ \"case\": \"%s\", \"mechanism\": \"%s\", \"size\": %zu, \"n\": 1, "
			"\"placement\": \"%s\", \"ns_p50\": %.1f, \"ns_min\": %.1f, \"kernel\": \"%s\", "
			"\"machine\": \"%s\" }", first ? "" : ",", local_probes[p].bcase, local_probes[p].mechanism,
			local_probes[p].size, placement_names[local_probes[p].two], ns[p][rounds / 2], ns[p][0],
			m->kernel, m->name);
		first = false;
	}
	fprintf(out, "\n]\n");
	if (out != stdout && fclose(out))
		return report(-errno, "write %s", path);
	return STATUS_OK;
}

/* The median over the rounds of what is compared in each; @of and @against are by round. */
static double paired(const double *of, const double *against, unsigned int rounds)
{
	double ratio[MAX_ROUNDS];

	for (unsigned int i = 0; i < rounds; i++)
		ratio[i] = against[i] ? of[i] / against[i] : 0;
	qsort(ratio, rounds, sizeof(ratio[0]), compare_doubles);
	return ratio[rounds / 2];
}

/* The whole of ipcx bench --local. */
int bench_local(const struct machine *m, unsigned int rounds, const char *json)
{
	double (*ns)[MAX_ROUNDS] = calloc(NR_PROBES, sizeof(*ns)), ratio[ARRAY_SIZE(goals)];
	int failed = 0;
	bool missed;

	if (m->nr_cpus < 2)
		return report_text("--local: two processors are needed");
	if (rounds > MAX_ROUNDS)
		rounds = MAX_ROUNDS;
	if (!ns || local_begin(m))
		return report(-ENOMEM, "measure");
	for (unsigned int round = 0; round < rounds; round++)
		for (int p = 0; p < NR_PROBES; p++)
			if (local_probes[p].run)
				ns[p][round] = local_run(&local_probes[p]);
	/* A round in which one failed is left out for all, so that ratios stay ratios. */
	for (unsigned int round = 0; round < rounds;) {
		int p = 0;

		while (p < NR_PROBES && (!local_probes[p].run || ns[p][round]))
			p++;
		if (p == NR_PROBES || rounds == 1) {
			round++;
			continue;
		}
		report_text("%s: failed in a round, which is left out", local_probes[p].text);
		rounds--;
		for (p = 0; p < NR_PROBES; p++)
			ns[p][round] = ns[p][rounds];
	}
	for (size_t g = 0; g < ARRAY_SIZE(goals); g++)
		ratio[g] = paired(ns[goals[g].of], ns[goals[g].against], rounds);
	for (int p = 0; p < NR_PROBES; p++) {
		qsort(ns[p], rounds, sizeof(ns[p][0]), compare_doubles);
		if (local_probes[p].run && !ns[p][0]) {
			report_text("%s: failed", local_probes[p].text);
			failed = 1;
		}
	}
	if (json && write_json(json, ns, rounds, m))
		failed = 1;
	if (json && !strcmp(json, "-"))
		return failed ? STATUS_FAILED : STATUS_OK;

	printf("%s, kernel %s, %u rounds\n\n", m->cpu, m->kernel, rounds);
	printf("%-48s%12s%12s%12s\n", "ns", "median", "least", "most");
	for (int p = 0; p < NR_PROBES; p++)
		if (local_probes[p].run)
			printf("%-48s%12.1f%12.1f%12.1f\n", local_probes[p].text, ns[p][rounds / 2], ns[p][0],
			       ns[p][rounds - 1]);
	printf("\n%-52s%10s%10s%10s\n", "ratio", "paired", "least", "goal");
	for (size_t g = 0; g < ARRAY_SIZE(goals); g++) {
		const struct goal *goal = &goals[g];

		if (!ns[goal->of][0] || !ns[goal->against][0])
			continue;
		missed = goal->at_least ? ratio[g] < goal->target : ratio[g] > goal->target;
		printf("%-52s%9.2fx%9.2fx  %s %g%s", goal->text, ratio[g],
		       ns[goal->of][0] / ns[goal->against][0], goal->at_least ? ">=" : "<=", goal->target,
		       missed ? "  missed" : "");
		/* what no answer could do better here */
		if (missed && goal->against == RING && goal->at_least && ns[TWO_LINES][0])
			printf(": %.1fx two cache lines", ns[goal->of][rounds / 2] / ns[TWO_LINES][rounds / 2]);
		printf("\n");
	}
	printf("%-52s%9.2f%%%9.2f%%  <= 1%s\n", "idle ring, of a processor", ns[IDLE][rounds / 2] / 10,
	       ns[IDLE][0] / 10, ns[IDLE][rounds / 2] > 10 ? "  missed" : "");
	free(ns);
	return failed ? STATUS_FAILED : STATUS_OK;
}
