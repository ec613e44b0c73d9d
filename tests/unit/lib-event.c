// SPDX-License-Identifier: GPL-2.0
/*
 * Events: what each call passes to the kernel.  If this fails, an event is reset that was to be set, or a wait
 * lasts for another time than was asked for.
 */
#define _GNU_SOURCE
#include "fake-device.h"

TEST(create_passes_the_state_and_the_options)
{
	struct ipcx_options options = { .flags = IPCX_EVENT_MANUAL | IPCX_CREATE_NONBLOCK };
	struct ipcx_event_create want = {
		.create = {
			.size = sizeof(want),
			.flags = IPCX_EVENT_MANUAL | IPCX_CREATE_NONBLOCK,
		},
		.initial = 1,
	};

	fake.ret = 5;
	CHECK_EQ(ipcx_event_create(NULL, 1, &options), 5);
	CHECK_DEVICE_COMMAND(IPCX_EVENT_CREATE, want);
	want.initial = 0;
	want.create.flags = 0;
	CHECK_EQ(ipcx_event_create(NULL, 0, NULL), 5);
	CHECK_DEVICE_COMMAND(IPCX_EVENT_CREATE, want);
}

TEST(set_reset_and_pulse_return_what_the_module_says)
{
	struct ipcx_event_change want = { .size = sizeof(want) };

	CHECK_EQ(ipcx_event_set(FAKE_FD), 0);
	CHECK_COMMAND(IPCX_EVENT_SET, FAKE_FD, want);
	fake.ret = 1;
	CHECK_EQ(ipcx_event_set(FAKE_FD), 1);
	CHECK_COMMAND(IPCX_EVENT_SET, FAKE_FD, want);
	CHECK_EQ(ipcx_event_reset(FAKE_FD), 1);
	CHECK_COMMAND(IPCX_EVENT_RESET, FAKE_FD, want);
	fake.ret = 7;
	CHECK_EQ(ipcx_event_pulse(FAKE_FD), 7);
	CHECK_COMMAND(IPCX_EVENT_PULSE, FAKE_FD, want);
}

TEST(wait_passes_flags_and_time)
{
	struct ipcx_event_wait want = {
		.size = sizeof(want),
		.flags = IPCX_REALTIME,
		.timeout = 12345678901234ULL,
	};

	CHECK_EQ(ipcx_event_wait(FAKE_FD, IPCX_REALTIME, 12345678901234ULL), 0);
	CHECK_COMMAND(IPCX_EVENT_WAIT, FAKE_FD, want);
}

TEST(event_stat_returns_what_the_module_says)
{
	struct ipcx_event_stat want = { .size = sizeof(want) };
	struct ipcx_event_stat out, got;

	memset(&out, 0x5a, sizeof(out));
	fake.out = &out;
	fake.out_len = sizeof(out);
	POISON(got);
	CHECK_OK(ipcx_event_stat(FAKE_FD, &got));
	CHECK_COMMAND(IPCX_EVENT_STAT, FAKE_FD, want);
	CHECK_MEM(&got, &out, sizeof(out));
}
