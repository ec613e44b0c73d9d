// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: one turn is one process (and its peer), so that a mechanism that fails, hangs or is
 * interrupted leaves nothing behind: no process, no descriptor, no System V object.
 */
#include "bench.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WATCHDOG_NS	30000000000ULL	/* beyond what the turn was given to measure */
#define GRACE_NS	2000000000ULL	/* between asking to end and killing */

static struct turn *current;		/* in the processes of a turn: that turn */

/* Record how the turn went; the first word counts, what follows is a consequence. */
void turn_end(struct turn *turn, enum outcome outcome, const char *fmt, ...)
{
	int none = OUTCOME_NONE;
	va_list ap;

	if (!atomic_compare_exchange_strong(&turn->outcome, &none, outcome))
		return;
	va_start(ap, fmt);
	vsnprintf(turn->why, sizeof(turn->why), fmt, ap);
	va_end(ap);
}

/* This mechanism cannot do this here, for a reason the user should read. */
int skip(struct link *l, const char *fmt, ...)
{
	char why[WHY_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	turn_end(l->turn, OUTCOME_SKIPPED, "%s", why);
	return -EOPNOTSUPP;
}

/* Remember a System V object until the turn ends, in whatever way. */
int keep_id(struct link *l, enum sysv_kind kind, int id)
{
	struct sysv_ids *ids = &l->turn->ids;

	if (id < 0)
		return -errno;
	ids->of[ids->nr].kind = kind;
	ids->of[ids->nr].id = id;
	ids->nr++;
	return id;
}

/* System calls only: this runs in a signal handler, too. */
static void remove_ids(struct sysv_ids *ids)
{
	while (ids->nr > 0) {
		int id = ids->of[--ids->nr].id;

		switch (ids->of[ids->nr].kind) {
		case SYSV_MSG:
			msgctl(id, IPC_RMID, NULL);
			break;
		case SYSV_SEM:
			semctl(id, 0, IPC_RMID);
			break;
		case SYSV_SHM:
			shmctl(id, IPC_RMID, NULL);
			break;
		}
	}
}

void turn_remove_ids(struct turn *turn)
{
	remove_ids(&turn->ids);
}

static void on_sigterm(int sig)
{
	(void)sig;
	remove_ids(&current->ids);
	_exit(1);
}

struct turn *turn_alloc(void)
{
	struct turn *turn = mmap(NULL, sizeof(*turn), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return turn == MAP_FAILED ? NULL : turn;
}

/*
 * The process of the turn.  SIGTERM is blocked on entry and until every object is recorded
 * (row_run() unblocks it); it comes from the parent, or from the kernel when the parent dies.
 */
static void __attribute__((noreturn)) turn_process(const struct row *row, struct turn *turn,
						   pid_t parent)
{
	struct sigaction sa = { .sa_handler = on_sigterm };

	current = turn;
	setpgid(0, 0);
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	row_run(row, turn);
	remove_ids(&turn->ids);
	_exit(0);
}

/* Wait for @pid: 0 when it has ended, -ETIMEDOUT, or -EINTR when the user wants to stop. */
static int wait_for(pid_t pid, uint64_t limit_ns, const sigset_t *set)
{
	uint64_t end = now_ns() + limit_ns;

	for (;;) {
		uint64_t now = now_ns(), left = now < end ? end - now : 0;
		struct timespec ts = { left / 1000000000, left % 1000000000 };
		int sig;

		/* WNOWAIT: its number stays taken until its group has been cleared. */
		siginfo_t info = { 0 };

		if (!waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid == pid)
			return 0;
		if (!left)
			return -ETIMEDOUT;
		sig = sigtimedwait(set, NULL, &ts);
		if (sig > 0 && sig != SIGCHLD)
			return -EINTR;
	}
}

/*
 * Run one turn of @row.  Returns 0 with the outcome in @turn, -EINTR if the user wants to stop, or
 * another error if there can be no turn at all.  The caller has blocked SIGCHLD, SIGINT, SIGTERM
 * and SIGHUP, and is the subreaper.
 */
int turn_run(const struct row *row, struct turn *turn)
{
	pid_t parent = getpid(), pid;
	sigset_t set;
	int ret;

	sigprocmask(SIG_BLOCK, NULL, &set);
	atomic_store(&turn->stop, 0);
	atomic_store(&turn->outcome, OUTCOME_NONE);
	memset(turn->usage, 0, sizeof(turn->usage));
	turn->why[0] = '\0';
	turn->ops_per_sample = 1;
	turn->ops = turn->ns = turn->messages = 0;
	turn->nr_samples = 0;
	turn->ids.nr = 0;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		turn_process(row, turn, parent);
	setpgid(pid, pid);

	ret = wait_for(pid, WATCHDOG_NS + turn->budget_ns, &set);
	if (ret) {
		kill(pid, SIGTERM);
		wait_for(pid, GRACE_NS, &set);
	}
	/* A peer that outlived its side 0 is in the same group, and ours to reap. */
	kill(-pid, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	remove_ids(&turn->ids);
	if (ret == -ETIMEDOUT) {
		turn_end(turn, OUTCOME_FAILED, "no answer for %llu s, ended by the watchdog",
			 WATCHDOG_NS / 1000000000);
		ret = 0;
	}
	turn_end(turn, OUTCOME_FAILED, "its process died");
	return ret;
}
