// SPDX-License-Identifier: GPL-2.0
/*
 * What was in memory before stays there: if this fails, a user reads what others have sent, or the kernel's own, behind or
 * instead of what is hers.
 */
#include "object.h"

#define SECRET	0x5345435245543432ull	/* what root puts into what is root's */

/*
 * Root's messages come and go; the memory that they were in is hers next: that of the kernel, and that which the queue and
 * the stream that both use keep for the next message.
 */
static int leave_secrets(uint64_t *buf, size_t len)
{
	int q[2] = { queue(), CHECK_OK(ipcx_open("shared-queue", IPCX_KIND_QUEUE, IPCX_READ | IPCX_WRITE, 0)) };
	int s[2] = { CHECK_OK(ipcx_stream_create(NULL, 65536, NULL)),
		     CHECK_OK(ipcx_open("shared-stream", IPCX_KIND_STREAM, IPCX_READ | IPCX_WRITE, 0)) };
	int r = region(65536);

	for (size_t i = 0; i < len / 8; i++)
		buf[i] = SECRET;
	CHECK_EQ(pwrite(r, buf, len, 0), len);
	for (int i = 0; i < 2; i++) {
		for (size_t n = 8; n <= len; n = n * 3 / 2)
			CHECK_OK(ipcx_queue_send(q[i], buf, n));
		for (size_t n = 8; n <= len; n = n * 3 / 2)
			CHECK_EQ(ipcx_queue_recv(q[i], buf, len), n);
		CHECK_EQ(write(s[i], buf, 32768), 32768);
		CHECK_EQ(read(s[i], buf, 32768), 32768);
		close(q[i]);
		close(s[i]);
	}
	return r;
}

/* A page whose next one cannot be read. */
static uint8_t *last_page(void)
{
	uint8_t *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED);
	CHECK_SYS(mprotect(page + PAGE, PAGE, PROT_NONE));
	return page;
}

/* What she sends comes back, and nothing else; what cannot be read completely from her memory is not sent. */
static void queue_has_no_secret(int q, uint8_t *buf, size_t len)
{
	uint8_t *end = last_page();

	for (size_t n = 1; n <= 40000; n = n * 3 / 2 + 1) {
		memset(buf, 0, n);
		CHECK_OK(ipcx_queue_send(q, buf, n));
		memset(buf, 0xa5, len);
		CHECK_EQ(ipcx_queue_recv(q, buf, len), n);
		for (size_t i = 0; i < len; i++)
			CHECK_EQ(buf[i], i < n ? 0 : 0xa5);
		if (n == 1)
			continue;
		CHECK_ERR(ipcx_queue_send(q, end + PAGE - 1, n), EFAULT);
		CHECK_ERR(ipcx_queue_recv_msg(q, &(struct ipcx_msg){ .buf = (uintptr_t)buf, .len = len }, NULL, IPCX_NOWAIT, 0),
			  EAGAIN);
	}
}

static void stream_has_no_secret(int s, uint8_t *buf, size_t len)
{
	uint8_t *end = last_page();
	ssize_t written, ret;

	memset(end, 0xa5, PAGE);
	for (size_t n = 100; n <= PAGE; n += 999) {
		/* twice as much as is there */
		written = write(s, end + PAGE - n, 2 * n);
		CHECK(written < 0 ? errno == EFAULT : written <= (ssize_t)n);
		CHECK_EQ(write(s, end + PAGE - n, n), n);
		memset(buf, 0, len);
		ret = read(s, buf, len);
		CHECK_EQ(ret, n + (written > 0 ? written : 0));
		for (size_t i = 0; i < len; i++)
			CHECK_EQ(buf[i], (ssize_t)i < ret ? 0xa5 : 0);
	}
}

/* Long names, and then short ones, in one list: an entry has nothing but its own. */
static void list_has_no_secret(void)
{
	static struct ipcx_list_entry entries[40];
	char names[40][IPCX_NAME_MAX + 1] = { 0 };
	int nr;

	for (int i = 0; i < 40; i++) {
		memset(names[i], i < 20 ? 'a' : 'b', i < 20 ? 200 : 2);
		snprintf(names[i] + (i < 20 ? 200 : 2), 8, "%d", i);
		close(CHECK_OK(ipcx_event_create(names[i], 0, NULL)));
	}
	POISON(entries);
	nr = CHECK_OK(ipcx_list(NULL, entries, 40));
	for (int i = 0; i < nr; i++) {
		size_t len = strlen(entries[i].name);

		CHECK_EQ(entries[i].reserved, 0);
		for (size_t at = len; at < sizeof(entries[i].name); at++)
			CHECK_EQ(entries[i].name[at], 0);
	}
	for (int i = 0; i < 40; i++)
		CHECK_OK(ipcx_unlink(names[i]));
}

static int finds_no_secret(void *arg)
{
	static uint64_t buf[65536 / 8];
	uint64_t *p = map(region(65536), 65536, PROT_READ);

	(void)arg;
	for (int i = 0; i < 65536 / 8; i++)
		CHECK_EQ(p[i], 0);
	queue_has_no_secret(queue(), (uint8_t *)buf, sizeof(buf));
	queue_has_no_secret(CHECK_OK(ipcx_open("shared-queue", IPCX_KIND_QUEUE, IPCX_READ | IPCX_WRITE, 0)), (uint8_t *)buf,
			    sizeof(buf));
	stream_has_no_secret(CHECK_OK(ipcx_stream_create(NULL, 65536, NULL)), (uint8_t *)buf, sizeof(buf));
	stream_has_no_secret(CHECK_OK(ipcx_open("shared-stream", IPCX_KIND_STREAM, IPCX_READ | IPCX_WRITE, 0)),
			     (uint8_t *)buf, sizeof(buf));
	list_has_no_secret();
	return 0;
}

TEST(nothing_is_left_in_memory)
{
	static uint64_t buf[60000 / 8];
	struct ipcx_options all = { .mode = 0666 };
	int r;

	own_names();
	CHECK_OK(ipcx_queue_create("shared-queue", NULL, &all));
	CHECK_OK(ipcx_stream_create("shared-stream", 65536, &all));
	for (int i = 0; i < 10; i++) {
		/* one region has gone, and one is still there */
		close(leave_secrets(buf, sizeof(buf)));
		r = leave_secrets(buf, sizeof(buf));
		CHECK_EXITS(spawn_as(TEST_UID_ALICE, finds_no_secret, NULL), 0);
		close(r);
	}
}
