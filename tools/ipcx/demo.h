/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ipcx demo: what its scenes share.  A scene makes real processes and real objects, shows what they
 * do, and checks it; every wait in it ends at the scene's deadline.
 */
#ifndef IPCX_TOOL_DEMO_H
#define IPCX_TOOL_DEMO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- output ---- */

/* One line of the story. */
void demo_say(const char *text, ...) __attribute__((format(printf, 1, 2)));
/* A statement that is true or makes the demo fail; returns @is_true. */
bool demo_check(bool is_true, const char *text, ...) __attribute__((format(printf, 2, 3)));
/* Something could not even be tried: @err is a negative errno. */
void demo_fail(int err, const char *what);

/* ---- objects: temporary, so that nothing is left even if the demo is killed ---- */

/* "demo.PID.WHAT" in a static buffer of this call's @what; the name is the same in children. */
const char *demo_name(const char *what);
int demo_create_queue(const char *what, unsigned int max_msgs);
int demo_create_sem(const char *what, unsigned int units, bool robust);
/*
 * Creates, maps and returns a region, zero-filled; NULL if that failed.  Children inherit the
 * mapping.
 */
void *demo_create_region(const char *what, size_t len, int *region);

/* ---- time ---- */

uint64_t demo_now(void);		/* CLOCK_MONOTONIC, nanoseconds */
uint64_t demo_deadline(void);		/* the end of this scene, for every call that waits */
void demo_pause(unsigned int ms);

/* ---- processes ---- */

/*
 * Starts a process that runs @run(@index) and exits with its result; it dies with the demo.  0
 * if it failed.
 */
pid_t demo_start(int (*run)(int index), int index);
/*
 * Waits for the process; kills it at the deadline.  Returns its exit status, or -1 if it was
 * killed.
 */
int demo_finish(pid_t pid);

/* ---- the scenes; each returns when its processes have ended ---- */

void demo_queue(void);		/* demo-queue.c */
void demo_sem(void);		/* demo-sem.c */
void demo_region(void);		/* demo-region.c */
void demo_kill(void);		/* demo-kill.c */

#endif /* IPCX_TOOL_DEMO_H */
