// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: signals as messages: sigqueue(3) with a value, taken with sigwaitinfo(2) or read from
 * a signalfd, never delivered to a handler.  Real-time signals, because those are queued.
 */
#include "bench.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

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

static int setup_signalfd(struct link *l)
{
	int ret = setup_signal(l);
	sigset_t set;

	for (int dir = 0; !ret && dir < 2; dir++) {
		sigemptyset(&set);
		sigaddset(&set, SIGRTMIN + dir);
		l->fd[dir] = signalfd(-1, &set, SFD_CLOEXEC);
		if (l->fd[dir] < 0)
			ret = -errno;
	}
	return ret;
}

/* The descriptor is inherited, and gives each process its own signals. */
static int recv_signalfd(struct link *l, int dir, void *buf, size_t len)
{
	struct signalfd_siginfo info;

	(void)buf, (void)len;
	if (read(l->fd[dir], &info, sizeof(info)) != sizeof(info))
		return -errno;
	return info.ssi_int == 1 && (int)info.ssi_signo == SIGRTMIN + dir ? 0 : -EBADMSG;
}

const struct mechanism signal_mechanisms[] = {
	{ .name = "signal", .usage = "sigqueue(3) and sigwaitinfo(2) of a blocked real-time signal "
	  "with a value of 4 bytes",
	  .cases = TOKEN_CASES, .setup = setup_signal, .send = send_signal, .recv = recv_signal },
	{ .name = "signalfd", .usage = "sigqueue(3) of the same and read(2) from a signalfd",
	  .cases = TOKEN_CASES, .setup = setup_signalfd,
	  .send = send_signal, .recv = recv_signalfd },
	{ 0 }
};
