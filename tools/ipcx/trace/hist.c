// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx trace: how often which value, in cells of 6 %: a run may have any number of values.
 */
#include <stdlib.h>

#include "trace.h"

/* Below HIST_SUB each value has its cell; above, each power of two has HIST_SUB of them. */
static unsigned int cell_of(uint64_t value)
{
	unsigned int order, cell;

	if (value < HIST_SUB)
		return value;
	order = 63 - __builtin_clzll(value);
	cell = (order - 3) * HIST_SUB + ((value >> (order - 4)) & (HIST_SUB - 1));
	return cell < HIST_CELLS ? cell : HIST_CELLS - 1;
}

uint64_t trace_hist_bound(unsigned int cell)
{
	unsigned int order = cell / HIST_SUB + 3;

	if (cell < HIST_SUB)
		return cell;
	return (uint64_t)(HIST_SUB + cell % HIST_SUB) << (order - 4);
}

void trace_hist_add(struct trace_hist *hist, uint64_t value)
{
	if (!hist->cells)
		hist->cells = calloc(HIST_CELLS, sizeof(*hist->cells));
	if (!hist->cells)
		return;
	hist->cells[cell_of(value)]++;
	hist->nr++;
	hist->sum += value;
	if (value > hist->max)
		hist->max = value;
}

uint64_t trace_hist_at(const struct trace_hist *hist, double part)
{
	uint64_t want = hist->nr * part, seen = 0;

	if (!hist->nr)
		return 0;
	if (want >= hist->nr)
		return hist->max;
	for (unsigned int i = 0; i < HIST_CELLS; i++) {
		seen += hist->cells[i];
		if (seen > want) {
			/* the middle of the cell */
			uint64_t low = trace_hist_bound(i), high = trace_hist_bound(i + 1);
			uint64_t middle = low + (high - low) / 2;

			return middle < hist->max ? middle : hist->max;
		}
	}
	return hist->max;
}
