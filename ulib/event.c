// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Events.
 */
#include "internal.h"

int ipcx_event_create(const char *name, unsigned int initial, const struct ipcx_options *options)
{
	struct ipcx_event_create arg = {
		.create.size = sizeof(arg),
		.initial = initial,
	};

	return ipcx_internal_create(IPCX_EVENT_CREATE, &arg, &arg.create, name, options);
}

static int change_event(int event, unsigned long command)
{
	struct ipcx_event_change arg = { .size = sizeof(arg) };

	return ipcx_internal_ioctl(event, command, &arg);
}

int ipcx_event_set(int event)
{
	return change_event(event, IPCX_EVENT_SET);
}

int ipcx_event_reset(int event)
{
	return change_event(event, IPCX_EVENT_RESET);
}

int ipcx_event_pulse(int event)
{
	return change_event(event, IPCX_EVENT_PULSE);
}

int ipcx_event_wait(int event, unsigned int flags, uint64_t timeout)
{
	struct ipcx_event_wait arg = {
		.size = sizeof(arg),
		.flags = flags,
		.timeout = timeout,
	};

	return ipcx_internal_ioctl(event, IPCX_EVENT_WAIT, &arg);
}

int ipcx_event_stat(int event, struct ipcx_event_stat *stat)
{
	struct ipcx_event_stat arg = { .size = sizeof(arg) };
	int ret;

	ret = ipcx_internal_ioctl(event, IPCX_EVENT_STAT, &arg);
	if (!ret)
		*stat = arg;
	return ret;
}
