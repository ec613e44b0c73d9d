// SPDX-License-Identifier: GPL-2.0
/*
 * Lines: who has given up waiting, and has not left the line yet, keeps nobody out: neither those behind it, who want less,
 * nor newcomers, nor pollers.  It is held there (tests/sys/pause.h).  And who lets a line of those through who wait for all
 * of several objects, and rests on the way, costs another one who does so nobody.
 * timeout: 120
 */
#include "pause.h"
#include "wait-test.h"

#define ALL	4096		/* bytes that there is room for */
#define FREED	100

static int fd;

/* Sends or writes as many bytes, waiting for room. */
static int puts_bytes(void *arg)
{
	static char bytes[ALL];
	ssize_t ret;

	run_on(0);
	ret = write(fd, bytes, (long)arg);
	return ret < 0 ? -errno : 0;
}

static void make_queue(void)
{
	fd = CHECK_OK(ipcx_queue_create(NULL, &(struct ipcx_queue_limits){ .max_msgs = 10, .max_bytes = ALL }, NULL));
}

static void make_broadcast(void)
{
	fd = CHECK_OK(ipcx_queue_create(NULL, &(struct ipcx_queue_limits){ .max_msgs = 10, .max_bytes = ALL,
						.overflow = IPCX_OVERFLOW_BLOCK },
					&(struct ipcx_options){ .flags = IPCX_QUEUE_BROADCAST }));
}

static void make_stream(void)
{
	fd = CHECK_OK(ipcx_stream_create(NULL, ALL, NULL));
}

static const struct kind {
	const char *name;
	void (*make)(void);
} kinds[] = {
	{ "a queue", make_queue },
	{ "a broadcast queue", make_broadcast },
	{ "a stream", make_stream },
};

#define for_each_kind(k)	for (const struct kind *k = kinds; k < kinds + sizeof(kinds) / sizeof(kinds[0]); k++)

/* A full object, and one who waits for all of its room, has given up and stands in line. */
static void begin(const struct kind *k, struct test_thread *gone)
{
	k->make();
	CHECK_EQ(puts_bytes((void *)FREED), 0);
	CHECK_EQ(puts_bytes((void *)(ALL - FREED)), 0);
	hold("wait_gave_up");
	thread_start(gone, puts_bytes, (void *)ALL);
	CHECK_BLOCKS(gone->tid);
	CHECK_EQ(pthread_kill(gone->thread, SIGUSR1), 0);
	COMES("wait_gave_up");
}

static void free_some(void)
{
	char bytes[FREED];

	CHECK_EQ(read(fd, bytes, FREED), FREED);
}

static void end(struct test_thread *gone)
{
	go("wait_gave_up");
	CHECK_EQ(thread_join(gone), -EINTR);
	close(fd);
}

static void begin_all(void)
{
	set_up();
	on_signal(0);
}

TEST_LIMIT(those_behind_come_in, 60000)
{
	struct test_thread gone, behind;

	begin_all();
	for_each_kind(k) {
		begin(k, &gone);
		thread_start(&behind, puts_bytes, (void *)10);
		CHECK_BLOCKS(behind.tid);
		free_some();
		if (thread_join(&behind))
			FAIL("%s", k->name);
		end(&gone);
	}
	tear_down();
}

TEST_LIMIT(pollers_are_told_and_newcomers_come_in, 60000)
{
	struct test_thread gone;
	struct pollfd p = { .events = POLLOUT };

	begin_all();
	for_each_kind(k) {
		begin(k, &gone);
		p.fd = fd;
		CHECK_EQ(poll(&p, 1, 0), 0);
		free_some();
		if (k->make != make_stream && poll(&p, 1, 0) != 1)
			FAIL("%s: no room, poll says", k->name);
		CHECK_SYS(fcntl(fd, F_SETFL, O_NONBLOCK));
		if (puts_bytes((void *)10))
			FAIL("%s", k->name);
		end(&gone);
	}
	tear_down();
}

#define CROWD	16		/* more than are let through without a rest */

static int posts(void *arg)
{
	return ipcx_sem_post(*(int *)arg, 1);
}

TEST_LIMIT(one_who_rests_is_no_step_for_another, 60000)
{
	int s, later, set, i;
	static struct many crowd[CROWD], last;
	struct test_thread rests;

	set_up();
	s = sem(0, 100);
	later = event(0, IPCX_EVENT_MANUAL);
	set = event(1, IPCX_EVENT_MANUAL);
	for (i = 0; i < CROWD; i++)
		start_all(&crowd[i], TAKE(s), TAKE(later));
	hold("all_rests");
	thread_start(&rests, posts, &s);
	COMES("all_rests");
	/* behind all that the one who rests will look at */
	start_all(&last, UNITS(s, 2), TAKE(set));
	CHECK_OK(ipcx_sem_post(s, 1));
	CHECK_EQ(joined(&last), 0);
	CHECK_EQ(count(s), 0);
	go("all_rests");
	CHECK_EQ(thread_join(&rests), 0);
	CHECK_OK(ipcx_sem_post(s, CROWD));
	CHECK_EQ(ipcx_event_set(later), 0);
	for (i = 0; i < CROWD; i++)
		CHECK_EQ(joined(&crowd[i]), 0);
	CHECK_EQ(count(s), 0);
	close(s);
	close(later);
	close(set);
	tear_down();
}
