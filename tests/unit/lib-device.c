// SPDX-License-Identifier: GPL-2.0
/*
 * The calls that concern the device, names and any object.  If this fails, the library
 * passes something to the kernel that its caller did not say, loses a result, or leaks a
 * descriptor of the device.
 */
#define _GNU_SOURCE
#include "fake-device.h"

TEST(query_returns_what_the_module_says)
{
	struct ipcx_query want = { .size = sizeof(want) };
	struct ipcx_query out, got;

	memset(&out, 0x5a, sizeof(out));
	fake.out = &out;
	fake.out_len = sizeof(out);
	POISON(got);
	CHECK_OK(ipcx_query(&got));
	CHECK_DEVICE_COMMAND(IPCX_QUERY, want);
	CHECK_MEM(&got, &out, sizeof(out));
}

TEST(open_passes_its_arguments)
{
	const char *name = "jobs";
	struct ipcx_open want = {
		.size = sizeof(want),
		.flags = IPCX_CREATE_NONBLOCK,
		.name = (uintptr_t)name,
		.kind = IPCX_KIND_SEM,
		.rights = IPCX_READ,
	};

	fake.ret = 42;
	CHECK_EQ(ipcx_open(name, IPCX_KIND_SEM, IPCX_READ, IPCX_CREATE_NONBLOCK), 42);
	CHECK_DEVICE_COMMAND(IPCX_OPEN, want);
}

TEST(open_asks_for_both_rights_by_default)
{
	const char *name = "jobs";
	struct ipcx_open want = {
		.size = sizeof(want),
		.name = (uintptr_t)name,
		.kind = IPCX_KIND_ANY,
		.rights = IPCX_READ | IPCX_WRITE,
	};

	CHECK_OK(ipcx_open(name, IPCX_KIND_ANY, 0, 0));
	CHECK_DEVICE_COMMAND(IPCX_OPEN, want);
}

TEST(open_passes_unknown_bits_for_the_kernel_to_refuse)
{
	const char *name = "jobs";
	struct ipcx_open want = {
		.size = sizeof(want),
		.flags = 1U << 31,
		.name = (uintptr_t)name,
		.kind = 99,
		.rights = 1U << 31,
	};

	CHECK_OK(ipcx_open(name, 99, 1U << 31, 1U << 31));
	CHECK_DEVICE_COMMAND(IPCX_OPEN, want);
}

TEST(unlink_passes_the_name)
{
	const char *name = "jobs";
	struct ipcx_unlink want = { .size = sizeof(want), .name = (uintptr_t)name };

	CHECK_OK(ipcx_unlink(name));
	CHECK_DEVICE_COMMAND(IPCX_UNLINK, want);
}

TEST(list_passes_its_arguments_and_returns_the_count)
{
	struct ipcx_list_entry entries[3];
	const char *after = "jobs";
	struct ipcx_list want = {
		.size = sizeof(want),
		.after = (uintptr_t)after,
		.entries = (uintptr_t)entries,
		.nr = 3,
		.entry_size = sizeof(entries[0]),
	};

	fake.ret = 2;
	CHECK_EQ(ipcx_list(after, entries, 3), 2);
	CHECK_DEVICE_COMMAND(IPCX_LIST, want);

	want.after = 0;
	fake.ret = 0;
	CHECK_EQ(ipcx_list(NULL, entries, 3), 0);
	CHECK_DEVICE_COMMAND(IPCX_LIST, want);
}

TEST(restrict_passes_the_rights_and_returns_the_descriptor)
{
	struct ipcx_restrict want = { .size = sizeof(want), .rights = IPCX_WRITE };

	fake.ret = 43;
	CHECK_EQ(ipcx_restrict(FAKE_FD, IPCX_WRITE), 43);
	CHECK_COMMAND(IPCX_RESTRICT, FAKE_FD, want);
	CHECK_EQ(fake.nr_open, 0);
}

TEST(restrict_to_nothing_is_left_to_the_kernel)
{
	struct ipcx_restrict want = { .size = sizeof(want) };

	CHECK_OK(ipcx_restrict(FAKE_FD, 0));
	CHECK_COMMAND(IPCX_RESTRICT, FAKE_FD, want);
}

TEST(stat_returns_what_the_module_says)
{
	struct ipcx_stat want = { .size = sizeof(want) };
	struct ipcx_stat out, got;

	memset(&out, 0x5a, sizeof(out));
	fake.out = &out;
	fake.out_len = sizeof(out);
	POISON(got);
	CHECK_OK(ipcx_stat(FAKE_FD, &got));
	CHECK_COMMAND(IPCX_STAT, FAKE_FD, want);
	CHECK_MEM(&got, &out, sizeof(out));
}

TEST(shutdown_passes_the_directions)
{
	struct ipcx_shutdown want = {
		.size = sizeof(want),
		.how = IPCX_SHUT_SEND | IPCX_SHUT_RECV,
	};

	CHECK_OK(ipcx_shutdown(FAKE_FD, IPCX_SHUT_SEND | IPCX_SHUT_RECV));
	CHECK_COMMAND(IPCX_SHUTDOWN, FAKE_FD, want);
}
