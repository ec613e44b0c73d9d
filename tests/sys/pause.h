/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module with pause points (kmod/pause.c) in the place of the usual one, and tasks that are held at them.
 */
#ifndef PAUSE_H
#define PAUSE_H

#include "module.h"

#define PAUSING	"/vm/ipcx-pause.ko"
#define PAUSE	"/sys/module/ipcx/parameters/pause"

/* The caller runs on processor @cpu. */
static inline void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK_SYS(sched_setaffinity(0, sizeof(set), &set));
}

static int pause_fd;

/* Some points keep the processor that a held task runs on: such tasks run on the second one. */
static inline void set_up(void)
{
	NEED_MODULE(PAUSING);
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP("needs two processors");
	run_on(0);
	unloads();
	atexit(reload);
	loads(PAUSING);
	pause_fd = CHECK_SYS(open(PAUSE, O_RDWR | O_CLOEXEC));
}

static inline void tear_down(void)
{
	close(pause_fd);
	unloads();
}

static inline void tell(const char *command, const char *point)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "%s %s", command, point);

	if (pwrite(pause_fd, text, len, 0) != len)
		FAIL("%s: %s", text, strerror(errno));
}

/* The next task that comes to @point stays there. */
static inline void hold(const char *point)
{
	tell("hold", point);
}

static inline void go(const char *point)
{
	tell("go", point);
}

static inline bool is_held(const char *point)
{
	char text[512], line[64], *at;
	ssize_t len = CHECK_SYS(pread(pause_fd, text, sizeof(text) - 1, 0));

	text[len] = '\0';
	snprintf(line, sizeof(line), "%s ", point);
	at = strstr(text, line);
	if (!at)
		FAIL("nobody is to be held at %s any more", point);
	return atoi(at + strlen(line)) != 0;
}

#define COMES(point)	CHECK_SOON(is_held(point))

#endif
