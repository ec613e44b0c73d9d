// SPDX-License-Identifier: GPL-2.0
/*
 * A charge that is beyond the quota, while others of the same user fit.  If this fails, a large request that is
 * refused makes small ones fail with EDQUOT that have nothing to do with it.
 */
#include "object.h"

static int shared;
static volatile bool stop;

static void *ask_too_much(void *arg)
{
	while (!stop) {
		CHECK(fallocate(shared, 0, 0, (off_t)(uintptr_t)arg) == -1);
		CHECK_EQ(errno, EDQUOT);
	}
	return NULL;
}

TEST(leaves_others_alone)
{
	struct ipcx_query query;
	pthread_t thread;
	uint64_t end;
	size_t len;
	int i;

	NEED_ROOT();
	CHECK_SYS(setresuid(TEST_UID_ALICE, TEST_UID_ALICE, TEST_UID_ALICE));
	CHECK_OK(ipcx_query(&query));
	len = query.user_bytes / PAGE * PAGE;
	shared = CHECK_OK(ipcx_region_create(NULL, len, NULL));
	CHECK_EQ(pthread_create(&thread, NULL, ask_too_much, (void *)len), 0);
	/* enough of them, or for long enough on a machine that is slow or busy */
	end = test_now_ns() + 10000000000ull;
	for (i = 0; i < 20000 && test_now_ns() < end; i++)
		CHECK_SYS(close(CHECK_OK(ipcx_sem_create(NULL, 0, 1, NULL))));
	stop = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
}
