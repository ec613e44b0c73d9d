// SPDX-License-Identifier: GPL-2.0
/*
 * QUERY: without it a program cannot gate on features, nor know its limits.
 */
#include "object.h"

TEST(tells_version_features_and_limits)
{
	struct ipcx_query q;

	POISON(q);
	q.size = sizeof(q);
	q.flags = 0;
	CHECK_ERR(call(device(), IPCX_QUERY, &q), 0);
	CHECK_EQ(q.size, sizeof(q));
	CHECK_EQ(q.flags, 0);
	CHECK_EQ(q.abi_version, IPCX_ABI_VERSION);
	CHECK_EQ(q.max_name, IPCX_NAME_MAX);
	CHECK_EQ(q.features & 31, IPCX_FEATURE_QUEUE | IPCX_FEATURE_REGION | IPCX_FEATURE_SEM |
		 IPCX_FEATURE_SEM_ROBUST | IPCX_FEATURE_EVENT);
	CHECK(q.features & IPCX_FEATURE_NOTIFY);
	CHECK(q.features & IPCX_FEATURE_BROADCAST);
	CHECK(q.features & IPCX_FEATURE_LATEST);
	CHECK(q.features & IPCX_FEATURE_TAP);
	CHECK(q.features & IPCX_FEATURE_RESERVED);
	CHECK_GE(q.max_msg_len, 1 << 20);
	CHECK_GE(q.max_msgs, 100000);
	CHECK_EQ(q.max_batch, IPCX_BATCH_MAX);
	CHECK_GE(q.user_bytes, 1 << 20);
	CHECK_LE(q.user_bytes_used, q.user_bytes);
}

TEST(limits_are_those_of_creation)
{
	struct ipcx_queue_limits l = {};
	struct ipcx_query q;

	CHECK_OK(ipcx_query(&q));
	l.max_msgs = q.max_msgs;
	CHECK_OK(ipcx_queue_create(NULL, &l, NULL));
	l.max_msgs = q.max_msgs + 1;
	CHECK_ERR(ipcx_queue_create(NULL, &l, NULL), EINVAL);
	l.max_msgs = 0;
	l.max_bytes = 1ull << 30;
	l.max_msg_len = q.max_msg_len;
	CHECK_OK(ipcx_queue_create(NULL, &l, NULL));
	l.max_msg_len++;
	CHECK_ERR(ipcx_queue_create(NULL, &l, NULL), EINVAL);
}

TEST(used_bytes_are_those_of_the_caller)
{
	uint64_t before = own_account();
	int s = sem(0, 1);

	CHECK_EQ(used_bytes(), before + object_stat(s).charged);
	CHECK_GT(object_stat(s).charged, 0);
	close(s);
	CHECK_EQ(used_bytes(), before);
}

static int sees_nothing(void *arg)
{
	(void)arg;
	CHECK_EQ(used_bytes(), 0);
	return 0;
}

TEST(used_bytes_of_another_user_are_not_ours)
{
	NEED_ROOT();
	sem(0, 1);
	CHECK_EXITS(spawn_as(54321, sees_nothing, NULL), 0);
}

TEST(anybody_may_open_the_device)
{
	struct stat st;

	CHECK_SYS(stat(IPCX_DEVICE, &st));
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ(st.st_mode & 0777, 0666);
}

TEST(the_device_opened_read_only_serves_too)
{
	struct ipcx_query q = { .size = sizeof(q) };
	int fd = CHECK_SYS(open(IPCX_DEVICE, O_RDONLY));

	CHECK_OK(call(fd, IPCX_QUERY, &q));
}
