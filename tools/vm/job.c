// SPDX-License-Identifier: GPL-2.0
/*
 * Runs one program in the machine for a bounded time and says how it ended,
 * with the evidence: the kernel's log, and the stacks of what did not end.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

#define SETTLE_MS	5000	/* for killed processes to be gone */
#define OUTPUT_MAX	(512 * 1024)

/* The output of a job, cut into lines for the report. */
struct output {
	int fd;
	size_t len;
	size_t total;
	char line[2048];
};

static void output_flush(struct output *o)
{
	if (o->len)
		report("| %.*s", (int)o->len, o->line);
	o->len = 0;
}

/* Takes what is there; false at the end of the file. */
static bool output_read(struct output *o)
{
	char buf[4096];
	ssize_t len, i;

	len = read(o->fd, buf, sizeof(buf));
	if (len <= 0)
		return len < 0 && (errno == EAGAIN || errno == EINTR);
	for (i = 0; i < len; i++) {
		if (o->total++ > OUTPUT_MAX)
			continue;
		if (buf[i] == '\n') {
			if (!o->len)
				report("|");
			output_flush(o);
		} else {
			o->line[o->len++] = buf[i];
			if (o->len == sizeof(o->line))
				output_flush(o);
		}
	}
	return true;
}

static void report_file(const char *fmt, int pid, int tid)
{
	char path[64], line[512];
	FILE *f;

	snprintf(path, sizeof(path), fmt, pid, tid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		report("!\t%s", line);
	}
	fclose(f);
}

/* Every thread of user space but our own, and where in the kernel it is. */
static void report_stacks(void)
{
	char path[300], text[256];
	struct dirent *de, *task;
	DIR *proc, *tasks;
	int pid, tid, fd;
	ssize_t len, i;

	proc = opendir("/proc");
	while (proc && (de = readdir(proc))) {
		pid = atoi(de->d_name);
		if (pid <= 1)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
		if (fd >= 0)
			close(fd);
		/* Threads of the kernel have no command line. */
		if (len <= 0)
			continue;
		for (i = 0; i < len; i++)
			if (!text[i] || text[i] == '\n')
				text[i] = ' ';
		text[len] = '\0';
		snprintf(path, sizeof(path), "/proc/%d/task", pid);
		tasks = opendir(path);
		while (tasks && (task = readdir(tasks))) {
			tid = atoi(task->d_name);
			if (tid <= 0)
				continue;
			report("! process %d thread %d: %s", pid, tid, text);
			report_file("/proc/%d/task/%d/stack", pid, tid);
		}
		if (tasks)
			closedir(tasks);
	}
	if (proc)
		closedir(proc);
}

static void report_blocked(void)
{
	int fd;

	report("! --- where everything waits ---");
	report_stacks();
	fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (write(fd, "w", 1) == 1)
			klog_show();
		close(fd);
	}
}

static void exec_job(const struct job *job, int out)
{
	sigset_t none;
	int i;

	setsid();
	for (i = 0; i < 3; i++)
		dup2(i && out >= 0 ? out : job->fds[i], i);
	if (job->terminal)
		ioctl(0, TIOCSCTTY, 1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(job->argv[0], job->argv);
	dprintf(2, "%s: cannot be run: %s\n", job->argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Reaps what ended; true once @pid is among it, with its wait status. */
static bool reap(pid_t pid, int *status)
{
	bool found = false;
	int st;
	pid_t p;

	while ((p = waitpid(-1, &st, WNOHANG)) > 0) {
		if (p == pid) {
			*status = st;
			found = true;
		}
	}
	return found;
}

/* Kills every other process; false if one does not go. */
static bool kill_all(void)
{
	long long end = now_ms() + SETTLE_MS;

	do {
		kill(-1, SIGKILL);
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			return true;
		usleep(1000);
	} while (now_ms() < end);
	return false;
}

/* Removes all named objects: a name keeps its object, and that the module. */
static void remove_names(void)
{
	static char *const argv[] = { "ipcx", "rm", "--all", NULL };
	long long end = now_ms() + SETTLE_MS;
	int null, status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execv("/vm/ipcx", argv);
		_exit(127);
	}
	while (pid > 0 && !reap(pid, &status) && now_ms() < end)
		usleep(1000);
}

/* True once nobody uses the module any more; files are closed a little after exit. */
static bool module_idle(int ms)
{
	long long end = now_ms() + ms;

	while (module_users() > 0 && now_ms() < end)
		usleep(1000);
	return module_users() <= 0;
}

bool job_run(const struct job *job)
{
	bool timeout = false, ended = false, dirty, leak = false, stuck;
	struct output o = { .fd = -1 };
	int status = 0, code, p[2] = { -1, -1 };
	long long start = now_ms();
	struct pollfd pfd;
	pid_t pid;

	report("start %s", job->name);
	if (job->fds[1] < 0) {
		if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0) {
			report("! pipe: %s", strerror(errno));
			return false;
		}
		fcntl(p[1], F_SETFL, 0);
		o.fd = p[0];
	}
	pid = fork();
	if (pid < 0) {
		report("! fork: %s", strerror(errno));
		return false;
	}
	if (!pid)
		exec_job(job, p[1]);
	if (p[1] >= 0)
		close(p[1]);

	pfd.fd = o.fd;
	pfd.events = POLLIN;
	while (!(ended = reap(pid, &status))) {
		if (job->limit_s && now_ms() - start > job->limit_s * 1000ll) {
			timeout = true;
			break;
		}
		/* SIGCHLD's handler ends this early; the time is only a bound. */
		if (poll(&pfd, 1, 20) > 0 && !output_read(&o))
			pfd.fd = -1;
	}
	start = now_ms() - start;
	if (timeout)
		report_blocked();
	stuck = !kill_all();
	if (o.fd >= 0) {
		while (poll(&pfd, 1, 0) > 0 && output_read(&o))
			;
		output_flush(&o);
		if (o.total > OUTPUT_MAX)
			report("| (%zu bytes of output, cut)", o.total);
		close(o.fd);
	}
	if (stuck) {
		report("! a killed process does not end");
		report_blocked();
	}
	if (job->may_leave_names && !module_idle(100))
		remove_names();
	if (!module_idle(SETTLE_MS)) {
		report("! all processes are gone, and the module still has %d users", module_users());
		leak = true;
	}
	dirty = klog_dirty();
	code = !ended ? 124 : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	report("end %s %d %lld %s%s%s%s%s", job->name, code, start,
	       timeout || dirty || leak || stuck ? "" : "-", timeout ? ",timeout" : "",
	       dirty ? ",dirty" : "", leak ? ",leak" : "", stuck ? ",stuck" : "");
	/* After a fault the machine's other verdicts would be worth nothing. */
	return !stuck && !leak && !dirty;
}
