// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/PID/fdinfo: what `ipcx ls` and a person who looks for a leak read.
 */
#include "object.h"

/* Every line is "key:\tvalue"; and each key of @keys is there, in this order, behind the kernel's own. */
static void check_lines(int fd, const char *const *keys)
{
	char path[64], buf[4096], *p = buf, *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	CHECK_GT(read_text(path, buf, sizeof(buf)), 0);
	CHECK_EQ(buf[strlen(buf) - 1], '\n');
	while ((line = strsep(&p, "\n")) && *line) {
		char *colon = strstr(line, ":\t");

		if (!colon)
			FAIL("not a key and a value: \"%s\"", line);
		*colon = '\0';
		if (*keys && !strcmp(line, *keys))
			keys++;
	}
	if (*keys)
		FAIL("%s is missing, or not in its place", *keys);
}

static void check_number(int fd, const char *key, unsigned long long expected)
{
	const char *text = fdinfo(fd, key);
	char *end;

	if (strtoull(text, &end, 0) != expected || *end)
		FAIL("%s: \"%s\", not %llu", key, text, expected);
}

/* What all kinds have in common, against IPCX_STAT. */
static void check_common(int fd, const char *kind, const char *rights)
{
	struct ipcx_stat st = object_stat(fd);
	char mode[8];

	CHECK_STR(fdinfo(fd, "ipcx-kind"), kind);
	check_number(fd, "ipcx-id", st.id);
	CHECK_STR(fdinfo(fd, "rights"), rights);
	check_number(fd, "uid", st.uid);
	check_number(fd, "gid", st.gid);
	snprintf(mode, sizeof(mode), "%04o", st.mode);
	CHECK_STR(fdinfo(fd, "mode"), mode);
	check_number(fd, "users", st.users);
	check_number(fd, "charged", st.charged);
}

#define COMMON "ipcx-kind", "ipcx-id", "rights", "uid", "gid", "mode", "users", "charged", "state"

TEST(queues)
{
	static const char *const keys[] = { COMMON, "messages", "max-messages", "bytes", "max-bytes",
					    "max-message", "sent", "received", "purged", "senders",
					    "receivers", "descriptors", NULL };
	struct ipcx_queue_limits l = { .max_msgs = 5, .max_bytes = 1000, .max_msg_len = 100 };
	int q = CHECK_OK(ipcx_queue_create(NULL, &l, NULL));
	char buf[100] = {};
	struct ipcx_msg m;

	CHECK_OK(ipcx_queue_send(q, buf, 10));
	CHECK_OK(ipcx_queue_send(q, buf, 20));
	CHECK_OK(ipcx_queue_send(q, buf, 30));
	CHECK_OK(ipcx_queue_recv(q, buf, 100));
	CHECK_OK(ipcx_queue_send(q, buf, 1));
	check_lines(q, keys);
	check_common(q, "queue", "rw");
	CHECK_STR(fdinfo(q, "state"), "");
	check_number(q, "messages", 3);
	check_number(q, "max-messages", 5);
	check_number(q, "bytes", 51);
	check_number(q, "max-bytes", 1000);
	check_number(q, "max-message", 100);
	check_number(q, "sent", 4);
	check_number(q, "received", 1);
	CHECK_EQ(ipcx_queue_purge(q, NULL), 3);
	check_number(q, "purged", 3);
	check_number(q, "senders", 0);
	check_number(q, "receivers", 0);
	check_number(q, "descriptors", 0);
	m = ipcx_msg(buf, 1);
	CHECK_OK(ipcx_queue_send_fds(q, &m, (int[]){ 0, 1, 2 }, 3, 0, IPCX_FOREVER));
	check_number(q, "descriptors", 3);
	check_common(CHECK_OK(ipcx_restrict(q, IPCX_WRITE)), "queue", "-w");
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	CHECK_STR(fdinfo(q, "state"), " shut-send");
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_RECV));
	CHECK_STR(fdinfo(q, "state"), " shut-send shut-recv");
}

TEST(broadcast_and_latest_queues)
{
	static const char *const keys[] = { COMMON, "messages", "max-messages", "bytes", "max-bytes",
					    "max-message", "sent", "received", "purged", "senders",
					    "receivers", "descriptors", "dropped", "overflow",
					    "subscribers", NULL };
	static const char *const subscriber_keys[] = { COMMON, "messages", "max-messages", "bytes", "max-bytes",
						       "max-message", "sent", "received", "purged", "senders",
						       "receivers", "descriptors", "dropped", "overflow",
						       "subscribers", "unread", "disconnected", NULL };
	static const char *const latest_keys[] = { COMMON, "messages", "max-messages", "bytes", "max-bytes",
						   "max-message", "sent", "received", "purged", "senders",
						   "receivers", "descriptors", "dropped", NULL };
	struct ipcx_queue_limits l = { .max_msgs = 2, .overflow = IPCX_OVERFLOW_DISCONNECT };
	struct ipcx_options o = { .flags = IPCX_QUEUE_BROADCAST };
	int r = CHECK_OK(ipcx_queue_create(NULL, &l, &o)), w = CHECK_OK(ipcx_restrict(r, IPCX_WRITE));
	char buf[8] = {};
	int i;

	check_lines(w, keys);
	check_lines(r, subscriber_keys);
	CHECK_STR(fdinfo(w, "state"), " broadcast");
	CHECK_STR(fdinfo(w, "overflow"), "disconnect");
	check_number(w, "subscribers", 1);
	for (i = 0; i < 2; i++)
		CHECK_OK(ipcx_queue_send(w, buf, 8));
	check_number(w, "messages", 2);
	check_number(w, "bytes", 16);
	check_number(r, "unread", 2);
	check_number(r, "disconnected", 0);
	CHECK_OK(ipcx_queue_send(w, buf, 8));
	check_number(w, "messages", 0);
	check_number(w, "dropped", 2);
	check_number(w, "subscribers", 0);
	check_number(r, "unread", 0);
	check_number(r, "disconnected", 1);

	l.overflow = IPCX_OVERFLOW_DROP;
	r = CHECK_OK(ipcx_queue_create(NULL, &l, &o));
	CHECK_STR(fdinfo(r, "overflow"), "drop");
	for (i = 0; i < 3; i++)
		CHECK_OK(ipcx_queue_send(r, buf, 8));
	check_number(r, "unread", 2);
	check_number(r, "dropped", 1);
	/* what was given back is unread again */
	CHECK_ERR(ipcx_queue_recv_msg(r, &(struct ipcx_msg){ .buf = BAD_PTR, .len = 8 }, NULL, IPCX_NOWAIT, 0), EFAULT);
	check_number(r, "unread", 2);
	CHECK_STR(fdinfo(CHECK_OK(ipcx_queue_create(NULL, NULL, &o)), "overflow"), "block");

	o.flags = IPCX_QUEUE_LATEST;
	l.overflow = 0;
	r = CHECK_OK(ipcx_queue_create(NULL, &l, &o));
	for (i = 0; i < 3; i++)
		CHECK_OK(ipcx_queue_send(r, buf, 8));
	check_lines(r, latest_keys);
	CHECK_STR(fdinfo(r, "state"), " latest");
	check_number(r, "dropped", 1);
}

TEST(regions)
{
	static const char *const keys[] = { COMMON, "size", "allocated", "seals", NULL };
	int fd = region(100000);

	check_lines(fd, keys);
	check_common(fd, "region", "rw");
	check_number(fd, "size", 25 * PAGE);
	check_number(fd, "allocated", 0);
	check_number(fd, "seals", F_SEAL_GROW | F_SEAL_SHRINK);
	memset(map(fd, 25 * PAGE, PROT_READ | PROT_WRITE), 1, 3 * PAGE);
	check_number(fd, "allocated", 3 * PAGE);
	check_common(fd, "region", "rw");
	CHECK_OK(ipcx_region_seal(fd, F_SEAL_SEAL));
	check_number(fd, "seals", F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
	check_common(CHECK_OK(ipcx_restrict(fd, IPCX_READ)), "region", "r-");
}

static int waits(void *arg)
{
	return -ipcx_sem_wait((long)arg, 4, 0, ipcx_after_ms(TEST_SOON_MS));
}

TEST(semaphores)
{
	static const char *const keys[] = { COMMON, "count", "max", "waiters", "held", NULL };
	int s = robust_sem(5, 9);
	pid_t pid;

	CHECK_OK(ipcx_sem_trywait(s, 2));
	check_lines(s, keys);
	check_common(s, "sem", "rw");
	CHECK_STR(fdinfo(s, "state"), " robust");
	check_number(s, "count", 3);
	check_number(s, "max", 9);
	check_number(s, "held", 2);
	check_number(s, "waiters", 0);
	pid = spawn(waits, (void *)(long)s);
	CHECK_SOON(sem_stat(s).nr_waiters == 1);
	check_number(s, "waiters", 1);
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EXITS(pid, 0);
}

TEST(events)
{
	static const char *const keys[] = { COMMON, "set", "waiters", NULL };
	int e = event(1, IPCX_EVENT_MANUAL);

	check_lines(e, keys);
	check_common(e, "event", "rw");
	CHECK_STR(fdinfo(e, "state"), " manual");
	check_number(e, "set", 1);
	check_number(e, "waiters", 0);
	CHECK_EQ(ipcx_event_reset(e), 1);
	check_number(e, "set", 0);
	CHECK_STR(fdinfo(event(0, 0), "state"), "");
}

TEST(wait_sets)
{
	static const char *const keys[] = { COMMON, "objects", "hints", "waiting-any", "waiting-all", NULL };
	struct ipcx_wait_entry entry = ipcx_wait_entry(sem(0, 1), IPCX_WAIT_TAKE);
	int set = CHECK_OK(ipcx_wait_set_create(NULL));

	check_lines(set, keys);
	check_common(set, "wait-set", "rw");
	check_number(set, "objects", 0);
	CHECK_OK(ipcx_wait_set_add(set, 3, &entry));
	check_number(set, "objects", 1);
	/* it has not been looked at yet, and then it is known not to be ready */
	check_number(set, "hints", 8);
	CHECK_ERR(ipcx_wait_set_wait(set, IPCX_NOWAIT, 0, NULL), EAGAIN);
	check_number(set, "hints", 0);
	check_number(set, "waiting-any", 0);
	check_number(set, "waiting-all", 0);
}

TEST(names)
{
	static const char *const keys[] = { "ipcx-kind", "ipcx-id", "name", "rights", NULL };
	struct ipcx_options o = { .flags = IPCX_CREATE_TEMPORARY, .mode = 0640 };
	char path[64], buf[4096];
	int s;

	own_names();
	s = CHECK_OK(ipcx_sem_create("/a name: with, signs", 0, 1, &o));
	check_lines(s, keys);
	CHECK_STR(fdinfo(s, "name"), "a name: with, signs");
	CHECK_STR(fdinfo(s, "mode"), "0640");
	CHECK_STR(fdinfo(s, "state"), " temporary");
	check_common(s, "sem", "rw");
	CHECK_OK(ipcx_unlink("a name: with, signs"));
	CHECK_STR(fdinfo(s, "state"), " temporary");
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", s);
	read_text(path, buf, sizeof(buf));
	CHECK(!strstr(buf, "\nname:"));
}

/* /proc/PID/fd and maps tell the kind. */
TEST(links)
{
	static const char *const expected[] = { "anon_inode:[ipcx-queue]", "ipcx-region (deleted)",
						"anon_inode:[ipcx-sem]", "anon_inode:[ipcx-event]",
						"anon_inode:[ipcx-wait-set]" };
	int fds[5] = { queue(), region(1), sem(0, 1), event(0, 0), CHECK_OK(ipcx_wait_set_create(NULL)) }, i;
	char path[64], link[128], *at;
	ssize_t len;

	for (i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[i]);
		len = CHECK_SYS(readlink(path, link, sizeof(link) - 1));
		link[len] = '\0';
		at = strstr(link, expected[i]);
		if (!at)
			FAIL("%s, not %s", link, expected[i]);
	}
}
