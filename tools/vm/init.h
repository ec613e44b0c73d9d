/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine's first process: what its parts offer each other.
 *
 * Everything it has to say goes as lines to the report port, never to the
 * console, where noise of the kernel could look like a verdict:
 *
 *	boot MS				the machine is up
 *	module ok|ERROR			the module was loaded, or why not
 *	start NAME			a job begins
 *	| TEXT				a line of its output (jobs of a list only)
 *	! TEXT				evidence: kernel log, stacks, who is left
 *	end NAME STATUS MS FAULTS	STATUS is 0 to 255 or 128 + signal; FAULTS is
 *					"-" or of timeout,dirty,leak,stuck with commas
 *	rmmod ok|none|FAULT		the module was removed, or why not; nor has it lost memory, where
 *					the kernel can tell
 *	done				the machine ends in an orderly way
 */
#ifndef VM_INIT_H
#define VM_INIT_H

#include <stdbool.h>

/* init.c */
void report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
long long now_ms(void);
/* The references to the module, -1 if it is not loaded. */
int module_users(void);

/* klog.c: the kernel's log, read once from front to back. */
void klog_open(void);
/* Forgets what was logged so far. */
void klog_skip(void);
/* Reads on; true, with the lines reported, if there is a fault among them. */
bool klog_dirty(void);
/* Reads on and reports all lines: they were asked for, and are no fault. */
void klog_show(void);

/* job.c */
struct job {
	const char *name;
	char **argv;
	int limit_s;		/* 0: no limit (the shell) */
	int fds[3];		/* stdio; fds[1] < 0: its output goes to the report */
	bool terminal;		/* fds[0] becomes its controlling terminal */
	bool may_leave_names;	/* named objects that it leaves are removed, and no fault */
};

/* Runs to the end, reports it, kills what is left; false: no more can be run. */
bool job_run(const struct job *job);

#endif
