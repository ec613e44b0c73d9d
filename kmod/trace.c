// SPDX-License-Identifier: GPL-2.0
/*
 * The bodies of the tracepoints of ipcx_trace.h.
 */
#include "message.h"

#define CREATE_TRACE_POINTS
#include "ipcx_trace.h"
