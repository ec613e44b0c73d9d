// SPDX-License-Identifier: GPL-2.0
/*
 * Prints how often a second, in thousands, this machine's counter of cycles counts: 50 ms, however busy the machine is.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

struct moment {
	uint64_t cycles;
	uint64_t ns;
};

/* The closest pair of 100: nothing came in between the two clocks. */
static struct moment now(void)
{
	struct moment best = { 0 };
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 100; i++) {
		uint64_t before = __rdtsc(), took;
		struct timespec ts;

		clock_gettime(CLOCK_MONOTONIC, &ts);
		took = __rdtsc() - before;
		if (took >= least)
			continue;
		least = took;
		best.cycles = before + took / 2;
		best.ns = ts.tv_sec * 1000000000ull + ts.tv_nsec;
	}
	return best;
}

int main(void)
{
	struct moment begin = now(), end;

	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	end = now();
	printf("%.0f\n", (end.cycles - begin.cycles) * 1e6 / (end.ns - begin.ns));
	return 0;
}
