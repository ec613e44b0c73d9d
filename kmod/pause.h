/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pause points: named places where a test can hold a task while others run past it (tests/sys/schedules.c).  Only a build
 * with IPCX_PAUSE=y has them.
 */
#ifndef IPCX_PAUSE_H
#define IPCX_PAUSE_H

#ifdef IPCX_PAUSE

void ipcx_pause(const char *point);
void ipcx_pause_spinning(const char *point);

#else

static inline void ipcx_pause(const char *point) { }
/* The same where the caller must not sleep. */
static inline void ipcx_pause_spinning(const char *point) { }

#endif

#endif /* IPCX_PAUSE_H */
