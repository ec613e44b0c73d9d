/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before each file of the library when it is built for the fuzzers: every load that the library makes of shared
 * memory is a moment at which a peer may have written.  So what is read twice can differ, and the fuzzer finds that without
 * a second thread.
 */
#ifndef FUZZ_HOSTILE_H
#define FUZZ_HOSTILE_H

#include "park.h"

/* Called before each load, if it is set. */
__attribute__((weak)) void (*hostile_peer)(void);

static inline void hostile_moment(void)
{
	if (hostile_peer)
		hostile_peer();
}

#undef load_relaxed
#undef load_acquire
#define load_relaxed(p)	(hostile_moment(), __atomic_load_n(p, __ATOMIC_RELAXED))
#define load_acquire(p)	(hostile_moment(), __atomic_load_n(p, __ATOMIC_ACQUIRE))

#endif /* FUZZ_HOSTILE_H */
