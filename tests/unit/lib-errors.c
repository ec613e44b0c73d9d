// SPDX-License-Identifier: GPL-2.0
/*
 * Every call returns the kernel's error as a negative number, once, without retrying, and
 * leaves errno and the caller's structures alone.  If this fails, programs act on a stale
 * errno, or a handler cannot stop a wait.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "fake-device.h"

/* Everything that a call may write to. */
static union {
	struct ipcx_query query;
	struct ipcx_stat stat;
	struct ipcx_queue_stat queue_stat;
	struct ipcx_region_stat region_stat;
	struct ipcx_sem_stat sem_stat;
	struct ipcx_event_stat event_stat;
	struct ipcx_list_entry entry;
	struct ipcx_msg msg;
	char bytes[512];
} out;

static long long query(void)
{
	return ipcx_query(&out.query);
}

static long long open_name(void)
{
	return ipcx_open("n", 0, 0, 0);
}

static long long unlink_name(void)
{
	return ipcx_unlink("n");
}

static long long list(void)
{
	return ipcx_list(NULL, &out.entry, 1);
}

static long long restrict_fd(void)
{
	return ipcx_restrict(FAKE_FD, IPCX_READ);
}

static long long stat_fd(void)
{
	return ipcx_stat(FAKE_FD, &out.stat);
}

static long long shutdown_fd(void)
{
	return ipcx_shutdown(FAKE_FD, IPCX_SHUT_SEND);
}

static long long queue_create(void)
{
	return ipcx_queue_create("n", NULL, NULL);
}

static long long queue_send(void)
{
	return ipcx_queue_send(FAKE_FD, &out, 1);
}

static long long queue_send_msg(void)
{
	return ipcx_queue_send_msg(FAKE_FD, &out.msg, 0, 0);
}

static long long queue_sendv(void)
{
	return ipcx_queue_sendv(FAKE_FD, &out.msg, 1, 0, 0);
}

static long long queue_recv(void)
{
	return ipcx_queue_recv(FAKE_FD, &out, 1);
}

static long long queue_recv_msg(void)
{
	return ipcx_queue_recv_msg(FAKE_FD, &out.msg, NULL, 0, 0);
}

static long long queue_purge(void)
{
	return ipcx_queue_purge(FAKE_FD, NULL);
}

static long long queue_stat(void)
{
	return ipcx_queue_stat(FAKE_FD, &out.queue_stat);
}

static long long region_create(void)
{
	return ipcx_region_create("n", 1, NULL);
}

static long long region_stat(void)
{
	return ipcx_region_stat(FAKE_FD, &out.region_stat);
}

static long long sem_create(void)
{
	return ipcx_sem_create("n", 0, 0, NULL);
}

static long long sem_post(void)
{
	return ipcx_sem_post(FAKE_FD, 1);
}

static long long sem_wait(void)
{
	return ipcx_sem_wait(FAKE_FD, 1, 0, 0);
}

static long long sem_trywait(void)
{
	return ipcx_sem_trywait(FAKE_FD, 1);
}

static long long sem_stat(void)
{
	return ipcx_sem_stat(FAKE_FD, &out.sem_stat);
}

static long long event_create(void)
{
	return ipcx_event_create("n", 0, NULL);
}

static long long event_set(void)
{
	return ipcx_event_set(FAKE_FD);
}

static long long event_reset(void)
{
	return ipcx_event_reset(FAKE_FD);
}

static long long event_pulse(void)
{
	return ipcx_event_pulse(FAKE_FD);
}

static long long event_wait(void)
{
	return ipcx_event_wait(FAKE_FD, 0, 0);
}

static long long event_stat(void)
{
	return ipcx_event_stat(FAKE_FD, &out.event_stat);
}

/* Its array goes to the kernel itself: the library clears the flags in it. */
static long long queue_recvv(void)
{
	struct ipcx_msg msg = ipcx_msg(NULL, 0);

	return ipcx_queue_recvv(FAKE_FD, &msg, 1, NULL, 0, 0);
}

static long long region_map(void)
{
	void *addr = &out;
	size_t len = 1;
	long long ret = ipcx_region_map(FAKE_FD, PROT_READ, &addr, &len);

	CHECK(addr == &out);
	CHECK_EQ(len, 1);
	return ret;
}

static const struct {
	const char *name;
	long long (*call)(void);
	bool on_device;
} calls[] = {
	{ "ipcx_query", query, true },
	{ "ipcx_open", open_name, true },
	{ "ipcx_unlink", unlink_name, true },
	{ "ipcx_list", list, true },
	{ "ipcx_queue_create", queue_create, true },
	{ "ipcx_region_create", region_create, true },
	{ "ipcx_sem_create", sem_create, true },
	{ "ipcx_event_create", event_create, true },
	{ "ipcx_restrict", restrict_fd, false },
	{ "ipcx_stat", stat_fd, false },
	{ "ipcx_shutdown", shutdown_fd, false },
	{ "ipcx_queue_send", queue_send, false },
	{ "ipcx_queue_send_msg", queue_send_msg, false },
	{ "ipcx_queue_sendv", queue_sendv, false },
	{ "ipcx_queue_recv", queue_recv, false },
	{ "ipcx_queue_recv_msg", queue_recv_msg, false },
	{ "ipcx_queue_recvv", queue_recvv, false },
	{ "ipcx_queue_purge", queue_purge, false },
	{ "ipcx_queue_stat", queue_stat, false },
	{ "ipcx_region_map", region_map, false },
	{ "ipcx_region_stat", region_stat, false },
	{ "ipcx_sem_post", sem_post, false },
	{ "ipcx_sem_wait", sem_wait, false },
	{ "ipcx_sem_trywait", sem_trywait, false },
	{ "ipcx_sem_stat", sem_stat, false },
	{ "ipcx_event_set", event_set, false },
	{ "ipcx_event_reset", event_reset, false },
	{ "ipcx_event_pulse", event_pulse, false },
	{ "ipcx_event_wait", event_wait, false },
	{ "ipcx_event_stat", event_stat, false },
};

#define NR_CALLS	(sizeof(calls) / sizeof(calls[0]))

static const int errors[] = {
	EACCES, EAGAIN, EBADF, EDQUOT, EEXIST, EFAULT, E2BIG, EINTR, EINVAL, EMFILE, ENFILE,
	EMSGSIZE, ENAMETOOLONG, ENODEV, ENOENT, ENOMEM, ENOTTY, EOPNOTSUPP, EOVERFLOW, EPERM,
	EPIPE, ETIMEDOUT,
};

#define NR_ERRORS	(sizeof(errors) / sizeof(errors[0]))

static void check_error(unsigned int call, int error)
{
	struct ipcx_msg before;
	long long ret;

	memset(&fake, 0, sizeof(fake));
	fake.device_fd = -1;
	fake.ret = -1;
	fake.error = error;
	POISON(out);
	before = out.msg;
	/* -EMSGSIZE tells the size needed, which this device says is the size given. */
	errno = ENXIO;
	ret = calls[call].call();
	if (ret != -error)
		FAIL("%s: %lld, not %d", calls[call].name, ret, -error);
	if (errno != ENXIO)
		FAIL("%s: errno is %d after %d", calls[call].name, errno, error);
	if (fake.nr_ioctl != 1)
		FAIL("%s: %d commands for error %d", calls[call].name, fake.nr_ioctl, error);
	if (fake.nr_open != calls[call].on_device || fake.nr_close != fake.nr_open)
		FAIL("%s: opened %d, closed %d", calls[call].name, fake.nr_open, fake.nr_close);
	CHECK_MEM(&out.msg, &before, sizeof(before));
}

TEST(every_error_of_every_call_comes_through)
{
	unsigned int i, j;

	for (i = 0; i < NR_CALLS; i++)
		for (j = 0; j < NR_ERRORS; j++)
			check_error(i, errors[j]);
}

TEST(no_device_is_reported_as_it_is)
{
	static const int reasons[] = { ENOENT, ENODEV, ENXIO, EACCES, EMFILE };
	unsigned int i, j;

	for (i = 0; i < NR_CALLS; i++) {
		if (!calls[i].on_device)
			continue;
		for (j = 0; j < sizeof(reasons) / sizeof(reasons[0]); j++) {
			fake.open_errno = reasons[j];
			errno = ERANGE;
			CHECK_ERR(calls[i].call(), reasons[j]);
			CHECK_EQ(errno, ERANGE);
		}
	}
	CHECK_EQ(fake.nr_ioctl, 0);
	CHECK_EQ(fake.nr_close, 0);
}

TEST(success_leaves_errno_alone)
{
	unsigned int i;

	for (i = 0; i < NR_CALLS; i++) {
		if (calls[i].call == region_map)
			continue;	/* lib-region.c maps something */
		errno = ERANGE;
		if (calls[i].call() < 0)
			FAIL("%s failed", calls[i].name);
		if (errno != ERANGE)
			FAIL("%s: errno is %d", calls[i].name, errno);
	}
}
