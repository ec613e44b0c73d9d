// SPDX-License-Identifier: GPL-2.0
/*
 * Creation: defaults, options, and where the device comes from.  If this fails, objects
 * are made with other bounds, permissions or rights than the manual page says, which
 * nobody notices until it matters.
 */
#define _GNU_SOURCE
#include <limits.h>

#include "fake-device.h"

static const char *name = "jobs";

TEST(anonymous_queue_with_defaults)
{
	struct ipcx_queue_create want = { .create.size = sizeof(want) };

	fake.ret = 42;
	CHECK_EQ(ipcx_queue_create(NULL, NULL, NULL), 42);
	CHECK_DEVICE_COMMAND(IPCX_QUEUE_CREATE, want);
}

TEST(anonymous_region_with_defaults)
{
	struct ipcx_region_create want = { .create.size = sizeof(want), .len = 1ULL << 40 };

	fake.ret = 42;
	CHECK_EQ(ipcx_region_create(NULL, 1ULL << 40, NULL), 42);
	CHECK_DEVICE_COMMAND(IPCX_REGION_CREATE, want);
}

TEST(anonymous_semaphore_with_defaults)
{
	struct ipcx_sem_create want = { .create.size = sizeof(want), .max = INT_MAX };

	fake.ret = 42;
	CHECK_EQ(ipcx_sem_create(NULL, 0, 0, NULL), 42);
	CHECK_DEVICE_COMMAND(IPCX_SEM_CREATE, want);
}

TEST(named_objects_are_private_by_default)
{
	struct ipcx_create create = { .name = (uintptr_t)name, .mode = 0600 };
	struct ipcx_queue_create queue = { .create = create };
	struct ipcx_region_create region = { .create = create, .len = 1 };
	struct ipcx_sem_create sem = { .create = create, .max = INT_MAX };
	struct ipcx_event_create event = { .create = create };
	struct ipcx_options zero = { 0 };

	queue.create.size = sizeof(queue);
	region.create.size = sizeof(region);
	sem.create.size = sizeof(sem);
	event.create.size = sizeof(event);

	CHECK_OK(ipcx_queue_create(name, NULL, NULL));
	CHECK_DEVICE_COMMAND(IPCX_QUEUE_CREATE, queue);
	CHECK_OK(ipcx_region_create(name, 1, NULL));
	CHECK_DEVICE_COMMAND(IPCX_REGION_CREATE, region);
	CHECK_OK(ipcx_sem_create(name, 0, 0, NULL));
	CHECK_DEVICE_COMMAND(IPCX_SEM_CREATE, sem);
	CHECK_OK(ipcx_event_create(name, 0, NULL));
	CHECK_DEVICE_COMMAND(IPCX_EVENT_CREATE, event);

	CHECK_OK(ipcx_queue_create(name, NULL, &zero));
	CHECK_DEVICE_COMMAND(IPCX_QUEUE_CREATE, queue);
	CHECK_OK(ipcx_region_create(name, 1, &zero));
	CHECK_DEVICE_COMMAND(IPCX_REGION_CREATE, region);
	CHECK_OK(ipcx_sem_create(name, 0, 0, &zero));
	CHECK_DEVICE_COMMAND(IPCX_SEM_CREATE, sem);
	CHECK_OK(ipcx_event_create(name, 0, &zero));
	CHECK_DEVICE_COMMAND(IPCX_EVENT_CREATE, event);
}

TEST(queue_limits_arrive)
{
	struct ipcx_queue_limits limits = {
		.max_msgs = 7,
		.max_bytes = 1ULL << 33,
		.max_msg_len = 1ULL << 32,
		.overflow = IPCX_OVERFLOW_DISCONNECT,
	};
	struct ipcx_queue_create want = {
		.create.size = sizeof(want),
		.max_msgs = 7,
		.max_bytes = 1ULL << 33,
		.max_msg_len = 1ULL << 32,
		.overflow = IPCX_OVERFLOW_DISCONNECT,
	};

	CHECK_OK(ipcx_queue_create(NULL, &limits, NULL));
	CHECK_DEVICE_COMMAND(IPCX_QUEUE_CREATE, want);
}

TEST(semaphore_bounds_arrive)
{
	struct ipcx_sem_create want = { .create.size = sizeof(want), .initial = 2, .max = 3 };

	CHECK_OK(ipcx_sem_create(NULL, 2, 3, NULL));
	CHECK_DEVICE_COMMAND(IPCX_SEM_CREATE, want);

	/* Nonsense too: the kernel refuses it. */
	want.initial = UINT_MAX;
	want.max = UINT_MAX;
	CHECK_OK(ipcx_sem_create(NULL, UINT_MAX, UINT_MAX, NULL));
	CHECK_DEVICE_COMMAND(IPCX_SEM_CREATE, want);
}

TEST(options_arrive_for_every_kind)
{
	struct ipcx_options options = {
		.flags = IPCX_CREATE_EXCL | IPCX_CREATE_NONBLOCK | IPCX_CREATE_TEMPORARY |
			 IPCX_SEM_ROBUST,
		.mode = 0640,
		.rights = IPCX_WRITE,
	};
	struct ipcx_create create = {
		.flags = options.flags,
		.name = (uintptr_t)name,
		.mode = 0640,
		.rights = IPCX_WRITE,
	};
	struct ipcx_queue_create queue = { .create = create };
	struct ipcx_region_create region = { .create = create, .len = 4096 };
	struct ipcx_sem_create sem = { .create = create, .initial = 1, .max = 1 };

	queue.create.size = sizeof(queue);
	region.create.size = sizeof(region);
	sem.create.size = sizeof(sem);

	CHECK_OK(ipcx_queue_create(name, NULL, &options));
	CHECK_DEVICE_COMMAND(IPCX_QUEUE_CREATE, queue);
	CHECK_OK(ipcx_region_create(name, 4096, &options));
	CHECK_DEVICE_COMMAND(IPCX_REGION_CREATE, region);
	CHECK_OK(ipcx_sem_create(name, 1, 1, &options));
	CHECK_DEVICE_COMMAND(IPCX_SEM_CREATE, sem);
}

TEST(mode_without_a_name_is_left_to_the_kernel)
{
	struct ipcx_options options = { .mode = 0666 };
	struct ipcx_queue_create want = { .create.size = sizeof(want), .create.mode = 0666 };

	CHECK_OK(ipcx_queue_create(NULL, NULL, &options));
	CHECK_DEVICE_COMMAND(IPCX_QUEUE_CREATE, want);
}

TEST(a_given_device_is_used_and_left_open)
{
	struct ipcx_options options = { .device_fd = FAKE_FD };
	struct ipcx_queue_create queue = { .create.size = sizeof(queue) };
	struct ipcx_region_create region = { .create.size = sizeof(region), .len = 1 };
	struct ipcx_sem_create sem = { .create.size = sizeof(sem), .max = 1 };

	CHECK_OK(ipcx_queue_create(NULL, NULL, &options));
	CHECK_COMMAND(IPCX_QUEUE_CREATE, FAKE_FD, queue);
	CHECK_OK(ipcx_region_create(NULL, 1, &options));
	CHECK_COMMAND(IPCX_REGION_CREATE, FAKE_FD, region);
	CHECK_OK(ipcx_sem_create(NULL, 0, 1, &options));
	CHECK_COMMAND(IPCX_SEM_CREATE, FAKE_FD, sem);
	CHECK_EQ(fake.nr_open, 0);
	CHECK_EQ(fake.nr_close, 0);
}

TEST(a_wrong_device_is_not_replaced_by_another)
{
	struct ipcx_options options = { .device_fd = -1 };

	fake.ret = -1;
	fake.error = EBADF;
	CHECK_ERR(ipcx_queue_create(NULL, NULL, &options), EBADF);
	CHECK_EQ(fake.fd, -1);
	CHECK_EQ(fake.nr_open, 0);
}
