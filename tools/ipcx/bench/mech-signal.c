// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: signals as messages: sigqueue(3) with a value, taken with sigwaitinfo(2), never
 * delivered to a handler.  Real-time signals, because those are queued.
 */
#include "bench.h"

#include <errno.h>

static int setup_signal(struct link *l)
{
	sigset_t set;

	(void)l;
	/* Blocked before the fork: a signal that comes early waits. */
	sigemptyset(&set);
	for (int dir = 0; dir < 2; dir++)
		sigaddset(&set, SIGRTMIN + dir);
	return sigprocmask(SIG_BLOCK, &set, NULL) ? -errno : 0;
}

static int send_signal(struct link *l, int dir, void *buf, size_t len)
{
	union sigval value = { .sival_int = 1 };

	(void)buf, (void)len;
	return sigqueue(l->pid[!dir], SIGRTMIN + dir, value) ? -errno : 0;
}

static int recv_signal(struct link *l, int dir, void *buf, size_t len)
{
	siginfo_t info;
	sigset_t set;

	(void)l, (void)buf, (void)len;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + dir);
	if (sigwaitinfo(&set, &info) < 0)
		return -errno;
	return info.si_value.sival_int == 1 ? 0 : -EBADMSG;
}

const struct mechanism signal_mechanisms[] = {
	{ .name = "signal", .usage = "sigqueue(3) and sigwaitinfo(2) of a blocked real-time signal "
	  "with a value of 4 bytes",
	  .cases = TOKEN_CASES, .setup = setup_signal, .send = send_signal, .recv = recv_signal },
	{ 0 }
};
