// SPDX-License-Identifier: GPL-2.0
/*
 * The demo's second scene: a semaphore with two units lets two of six workers work at a time, in
 * the order in which they came.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"
#include "util.h"

#define NR_WORKERS	6
#define NR_UNITS	2
#define NR_TURNS	2
#define WORK_MS		40
#define CHART_LEN	72

/* When a worker held its unit; the times are taken while it holds it. */
struct turn {
	uint64_t begin, end;
};

struct chart {
	struct turn turns[NR_WORKERS][NR_TURNS];
};

static struct chart *chart;

static int work(int index)
{
	int sem;

	sem = ipcx_open(demo_name("desks"), IPCX_KIND_SEM, IPCX_READ | IPCX_WRITE, 0);
	if (sem < 0)
		return STATUS_FAILED;
	for (int i = 0; i < NR_TURNS; i++) {
		if (ipcx_sem_wait(sem, 1, 0, demo_deadline()))
			return STATUS_FAILED;
		chart->turns[index][i].begin = demo_now();
		demo_pause(WORK_MS);
		chart->turns[index][i].end = demo_now();
		if (ipcx_sem_post(sem, 1))
			return STATUS_FAILED;
	}
	return STATUS_OK;
}

/* How many turns cover the moment at which @turn began. */
static unsigned int nr_at_work(const struct turn *turn)
{
	const struct turn *other;
	unsigned int nr = 0;

	for (int i = 0; i < NR_WORKERS * NR_TURNS; i++) {
		other = &chart->turns[0][0] + i;
		nr += other->begin <= turn->begin && turn->begin < other->end;
	}
	return nr;
}

static void draw(uint64_t begin, uint64_t end)
{
	uint64_t span = end - begin;
	char row[CHART_LEN + 1];
	const struct turn *turn;
	size_t from, to;

	for (int i = 0; i < NR_WORKERS; i++) {
		memset(row, '.', CHART_LEN);
		row[CHART_LEN] = '\0';
		for (int k = 0; k < NR_TURNS; k++) {
			turn = &chart->turns[i][k];
			from = (turn->begin - begin) * CHART_LEN / span;
			to = (turn->end - begin) * CHART_LEN / span;
			for (size_t x = from; x < to && x < CHART_LEN; x++)
				row[x] = '#';
		}
		demo_say("worker %d  |%s|", i + 1, row);
	}
	demo_say("           0%*.0f ms", CHART_LEN - 4, span / 1e6);
	demo_say("           # at work   . waiting for a unit, or done");
}

static void play_workers(int sem)
{
	pid_t pids[NR_WORKERS];
	struct ipcx_sem_stat stat = { 0 };
	uint64_t begin = demo_now(), end = begin;
	unsigned int nr, most = 0;
	bool all_well = true;
	struct turn *turn;

	for (int i = 0; i < NR_WORKERS; i++)
		pids[i] = demo_start(work, i);
	for (int i = 0; i < NR_WORKERS; i++)
		all_well &= demo_finish(pids[i]) == STATUS_OK;
	if (!demo_check(all_well, "six workers had %d turns of %d ms each", NR_TURNS, WORK_MS))
		return;
	for (int i = 0; i < NR_WORKERS * NR_TURNS; i++) {
		turn = &chart->turns[0][0] + i;
		nr = nr_at_work(turn);
		most = nr > most ? nr : most;
		end = turn->end > end ? turn->end : end;
	}
	draw(begin, end);
	demo_check(most <= NR_UNITS, "never more than %d at work (at most %u were)", NR_UNITS,
		   most);
	demo_check(!ipcx_sem_stat(sem, &stat) && stat.count == NR_UNITS, "both units are back");
}

void demo_sem(void)
{
	int sem, region;

	sem = demo_create_sem("desks", NR_UNITS, false);
	if (sem < 0)
		return;
	chart = demo_create_region("chart", sizeof(*chart), &region);
	if (chart) {
		play_workers(sem);
		ipcx_region_unmap(chart, sizeof(*chart));
		close(region);
	}
	close(sem);
}
