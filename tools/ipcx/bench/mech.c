// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: the list of all mechanisms.  A new family is one file and one line here.
 */
#include "bench.h"

#include <string.h>

static const struct mechanism *const families[] = {
	pipe_mechanisms,
	posix_mechanisms,
	sysv_mechanisms,
	socket_mechanisms,
	uring_mechanisms,
	shm_mechanisms,
	token_mechanisms,
	signal_mechanisms,
	broadcast_mechanisms,
	wait_mechanisms,
	fd_mechanisms,
	sweep_mechanisms,
	peer_mechanisms,
	ipcx_mechanisms,
	local_mechanisms,
	floor_mechanisms,
};

const struct mechanism *mechanism_at(size_t i)
{
	for (size_t f = 0; f < ARRAY_SIZE(families); f++)
		for (const struct mechanism *m = families[f]; m->name; m++)
			if (!i--)
				return m;
	return NULL;
}

const struct mechanism *mechanism_named(const char *name)
{
	const struct mechanism *m;

	for (size_t i = 0; (m = mechanism_at(i)); i++)
		if (!strcmp(m->name, name))
			return m;
	return NULL;
}

/* What streams can be driven by a clock as well. */
bool mechanism_knows(const struct mechanism *m, enum bench_case c)
{
	return m->cases & (CASE_BIT(c) | (c == CASE_OPEN_LOOP ? CASE_BIT(CASE_STREAM) : 0));
}
