// SPDX-License-Identifier: GPL-2.0
/*
 * Notices: what each call passes to the kernel, and where the value in a signal is found.  If this fails, somebody else
 * is signalled, or with another value.
 */
#define _GNU_SOURCE
#include "fake-device.h"

#define VALUE	0x0123456789abcdefULL

/* The module puts its number where the header says. */
static void answer(const struct ipcx_notify *want, uint64_t id)
{
	static struct ipcx_notify out;

	out = *want;
	out.id = id;
	fake.out = &out;
	fake.out_len = sizeof(out);
}

TEST(each_target)
{
	struct ipcx_notify want = {
		.size = sizeof(want),
		.flags = IPCX_NOTIFY_REPEAT,
		.ready = IPCX_READY_READ | IPCX_READY_SHUT,
		.how = IPCX_NOTIFY_PROCESS,
		.target = 1234,
		.signo = 10,
		.value = VALUE,
	};

	answer(&want, 77);
	CHECK_EQ(ipcx_notify_process(FAKE_FD, 5, 1234, 10, VALUE, IPCX_NOTIFY_REPEAT), 77);
	CHECK_COMMAND(IPCX_NOTIFY, FAKE_FD, want);
	want.how = IPCX_NOTIFY_THREAD;
	CHECK_EQ(ipcx_notify_thread(FAKE_FD, 5, 1234, 10, VALUE, IPCX_NOTIFY_REPEAT), 77);
	CHECK_COMMAND(IPCX_NOTIFY, FAKE_FD, want);
	want.how = IPCX_NOTIFY_PIDFD;
	want.flags = 0;
	CHECK_EQ(ipcx_notify_pidfd(FAKE_FD, 5, 1234, 10, VALUE, 0), 77);
	CHECK_COMMAND(IPCX_NOTIFY, FAKE_FD, want);
	want.how = IPCX_NOTIFY_EVENTFD;
	want.signo = 0;
	want.value = 0;
	CHECK_EQ(ipcx_notify_eventfd(FAKE_FD, 5, 1234, 0), 77);
	CHECK_COMMAND(IPCX_NOTIFY, FAKE_FD, want);
}

TEST(cancel_passes_the_number)
{
	struct ipcx_notify_cancel want = { .size = sizeof(want), .id = VALUE };

	CHECK_EQ(ipcx_notify_cancel(FAKE_FD, VALUE), 0);
	CHECK_COMMAND(IPCX_NOTIFY_CANCEL, FAKE_FD, want);
}

TEST(errors_come_back_and_errno_stays)
{
	fake.ret = -1;
	fake.error = EPERM;
	errno = 99;
	CHECK_EQ(ipcx_notify_process(FAKE_FD, 1, 1, 1, 0, 0), -EPERM);
	CHECK_EQ(ipcx_notify_thread(FAKE_FD, 1, 1, 1, 0, 0), -EPERM);
	CHECK_EQ(ipcx_notify_pidfd(FAKE_FD, 1, 1, 1, 0, 0), -EPERM);
	CHECK_EQ(ipcx_notify_eventfd(FAKE_FD, 1, 1, 0), -EPERM);
	fake.error = ENOENT;
	CHECK_EQ(ipcx_notify_cancel(FAKE_FD, 1), -ENOENT);
	CHECK_EQ(errno, 99);
}

TEST(the_value_in_a_siginfo)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_code = SI_ASYNCIO;
	info.si_pid = (pid_t)VALUE;
	info.si_uid = VALUE >> 32;
	CHECK_EQ(ipcx_notify_value(&info), VALUE);
	memset(&info, 0, sizeof(info));
	info.si_code = SI_MESGQ;
	info.si_value.sival_ptr = (void *)(uintptr_t)VALUE;
	CHECK_EQ(ipcx_notify_value(&info), (uintptr_t)VALUE);
}
