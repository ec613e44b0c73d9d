// SPDX-License-Identifier: GPL-2.0
/*
 * Schedules: one task is held at a pause point of the module (kmod/pause.c) while another runs past it, so that each
 * classic race happens every time: a wake-up before the sleep, giving up against a hand-over, close during a wait,
 * unlink against open, the last put against a look-up, rmmod against open.
 * timeout: 180
 */
#include "pause.h"

/* ---- waiting, by every mechanism ---- */

/**
 * struct mechanism - something to wait for
 * @make:	makes its objects, with nothing to be had
 * @wait:	0 if it was had, or -errno
 * @give:	makes it to be had once
 * @left:	0 if it is there to be had, and was had; -EAGAIN
 */
struct mechanism {
	const char *name;
	void (*make)(void);
	int (*wait)(uint64_t timeout);
	void (*give)(void);
	int (*left)(void);
	bool untimed;
};

static int fds[3];

static void make_queue(void)
{
	fds[0] = queue();
}

static int wait_message(uint64_t timeout)
{
	char c = 0;
	struct ipcx_msg m = ipcx_msg(&c, 1);
	int ret = ipcx_queue_recv_msg(fds[0], &m, NULL, 0, timeout);

	if (!ret)
		CHECK_EQ(c, 'x');
	return ret;
}

static void send_message(void)
{
	CHECK_OK(ipcx_queue_send(fds[0], "x", 1));
}

static int message_left(void)
{
	char c;
	int ret = ipcx_queue_recv_msg(fds[0], &(struct ipcx_msg){ .buf = (uintptr_t)&c, .len = 1 }, NULL, IPCX_NOWAIT, 0);

	return ret;
}

static void make_full_queue(void)
{
	struct ipcx_queue_limits one = { .max_msgs = 1 };

	fds[0] = CHECK_OK(ipcx_queue_create(NULL, &one, NULL));
	send_message();
}

static int wait_room(uint64_t timeout)
{
	return ipcx_queue_send_msg(fds[0], &(struct ipcx_msg){ .buf = (uintptr_t)"x", .len = 1, .type = 1 }, 0, timeout);
}

static void make_room(void)
{
	CHECK_OK(message_left());
}

static int room_left(void)
{
	return ipcx_queue_send_msg(fds[0], &(struct ipcx_msg){ .buf = (uintptr_t)"x", .len = 1, .type = 1 }, IPCX_NOWAIT, 0);
}

static void make_full_broadcast(void)
{
	struct ipcx_queue_limits one = { .max_msgs = 1, .overflow = IPCX_OVERFLOW_BLOCK };

	fds[0] = CHECK_OK(ipcx_queue_create(NULL, &one, &(struct ipcx_options){ .flags = IPCX_QUEUE_BROADCAST }));
	send_message();
}

static void make_broadcast(void)
{
	fds[0] = CHECK_OK(ipcx_queue_create(NULL, NULL, &(struct ipcx_options){ .flags = IPCX_QUEUE_BROADCAST }));
}

static void make_sem(void)
{
	fds[0] = sem(0, 9);
}

static void make_robust_sem(void)
{
	fds[0] = robust_sem(0, 9);
}

static int wait_unit(uint64_t timeout)
{
	return ipcx_sem_wait(fds[0], 1, 0, timeout);
}

static void post(void)
{
	CHECK_OK(ipcx_sem_post(fds[0], 1));
}

static int unit_left(void)
{
	return ipcx_sem_trywait(fds[0], 1);
}

static void make_event(void)
{
	fds[0] = event(0, 0);
}

static int wait_event(uint64_t timeout)
{
	return ipcx_event_wait(fds[0], 0, timeout);
}

static void set(void)
{
	CHECK_OK(ipcx_event_set(fds[0]));
}

static int event_left(void)
{
	return ipcx_event_wait(fds[0], IPCX_NOWAIT, 0);
}

static void make_stream(void)
{
	fds[0] = CHECK_OK(ipcx_stream_create(NULL, PAGE, NULL));
}

static int read_byte(uint64_t timeout)
{
	char c;

	(void)timeout;
	return read(fds[0], &c, 1) == 1 ? 0 : -errno;
}

static void write_byte(void)
{
	CHECK_EQ(write(fds[0], "x", 1), 1);
}

static int byte_left(void)
{
	struct pollfd p = { .fd = fds[0], .events = POLLIN };

	return poll(&p, 1, 0) == 1 ? read_byte(0) : -EAGAIN;
}

static void make_several(void)
{
	fds[0] = sem(0, 9);
	fds[1] = event(1, IPCX_EVENT_MANUAL);
	fds[2] = event(0, 0);
}

static int wait_any(uint64_t timeout)
{
	struct ipcx_wait_entry e[2] = { { .fd = fds[2] }, { .fd = fds[0] } };
	int ret = ipcx_wait_any(e, 2, 0, timeout);

	CHECK(ret < 0 || ret == 1);
	return ret < 0 ? ret : 0;
}

static int wait_all(uint64_t timeout)
{
	struct ipcx_wait_entry e[2] = { { .fd = fds[1] }, { .fd = fds[0] } };

	return ipcx_wait(e, 2, IPCX_WAIT_ALL, timeout, -1, NULL);
}

static void make_set(void)
{
	fds[0] = sem(0, 9);
	fds[1] = CHECK_OK(ipcx_wait_set_create(NULL));
	CHECK_OK(ipcx_wait_set_add(fds[1], 5, &(struct ipcx_wait_entry){ .fd = fds[0] }));
}

static int wait_set(uint64_t timeout)
{
	int ret = ipcx_wait_set_wait(fds[1], 0, timeout, NULL);

	CHECK(ret < 0 || ret == 5);
	return ret < 0 ? ret : 0;
}

static int wait_set_all(uint64_t timeout)
{
	return ipcx_wait_set_wait(fds[1], IPCX_WAIT_ALL, timeout, NULL);
}

/* The caller waits for its reply; what is left is known to the server. */
static int replied;

static int wait_reply(uint64_t timeout)
{
	char c;
	struct ipcx_msg m = ipcx_msg("c", 1), reply = ipcx_msg(&c, 1);

	return ipcx_queue_call(fds[0], &m, &reply, 0, timeout);
}

static void reply(void)
{
	struct ipcx_msg r = ipcx_msg("r", 1);
	uint64_t call = 0;
	char c;
	struct ipcx_msg m = ipcx_msg(&c, 1);

	CHECK_OK(ipcx_queue_serve(fds[0], &call, NULL, &m, 0, ipcx_after_ms(TEST_SOON_MS)));
	replied = call ? ipcx_queue_reply(fds[0], call, &r) : -ECANCELED;
	CHECK(!replied || replied == -ECANCELED);
}

static int reply_left(void)
{
	int was = replied;

	replied = 0;
	return was ? 0 : -EAGAIN;
}

static const struct mechanism mechanisms[] = {
	{ "a message", make_queue, wait_message, send_message, message_left, false },
	{ "room in a queue", make_full_queue, wait_room, make_room, room_left, false },
	{ "room in a broadcast queue", make_full_broadcast, wait_room, make_room, room_left, false },
	{ "a message of a broadcast", make_broadcast, wait_message, send_message, message_left, false },
	{ "a unit", make_sem, wait_unit, post, unit_left, false },
	{ "a robust unit", make_robust_sem, wait_unit, post, unit_left, false },
	{ "an event", make_event, wait_event, set, event_left, false },
	{ "a byte of a stream", make_stream, read_byte, write_byte, byte_left, true },
	{ "any of several", make_several, wait_any, post, unit_left, false },
	{ "all of several", make_several, wait_all, post, unit_left, false },
	{ "one of a set", make_set, wait_set, post, unit_left, false },
	{ "all of a set", make_set, wait_set_all, post, unit_left, false },
	{ "a reply", make_queue, wait_reply, reply, reply_left, false },
};

#define for_each_mechanism(m) \
	for (m = mechanisms; m < mechanisms + sizeof(mechanisms) / sizeof(mechanisms[0]); m++)

static struct {
	const struct mechanism *m;
	uint64_t timeout;
	int waits_on;
	struct test_thread waits, gives;
} now;

static int waits(void *arg)
{
	(void)arg;
	run_on(now.waits_on);
	return now.m->wait(now.timeout);
}

static int gives(void *arg)
{
	(void)arg;
	run_on(1);
	now.m->give();
	return 0;
}

static void begin(const struct mechanism *m)
{
	now.m = m;
	now.timeout = IPCX_FOREVER;
	now.waits_on = 0;
	m->make();
}

static void close_all(void)
{
	for (int i = 0; i < 3; i++) {
		if (fds[i])
			close(fds[i]);
		fds[i] = 0;
	}
}

static void begin_waiting(void)
{
	thread_start(&now.waits, waits, NULL);
}

static void begin_giving(void)
{
	thread_start(&now.gives, gives, NULL);
}

static void left_is(int wanted)
{
	int left = now.m->left();

	if (left != wanted)
		FAIL("waiting for %s: left: %s, not %s", now.m->name, strerror(-left), strerror(-wanted));
}

/* The wait has ended with @ret, and what was given, to it or to another, is not there any more. */
static void end(int ret)
{
	int got = thread_join(&now.waits);

	if (got != ret)
		FAIL("waiting for %s: %s, not %s", now.m->name, strerror(-got), strerror(-ret));
	left_is(-EAGAIN);
	close_all();
}

static void given_while_held_at(const char *point)
{
	const struct mechanism *m;

	set_up();
	for_each_mechanism(m) {
		for (int timed = 0; timed < 2; timed++) {
			begin(m);
			now.waits_on = 1;
			if (timed)
				now.timeout = ipcx_after_ms(2 * TEST_SOON_MS);
			hold(point);
			begin_waiting();
			COMES(point);
			m->give();
			go(point);
			end(0);
		}
	}
	tear_down();
}

/* The lost wake-up, at each place where it could be lost. */
TEST_LIMIT(woken_before_it_begins_to_sleep, 60000)
{
	given_while_held_at("wait_begins");
}

TEST_LIMIT(woken_between_saying_that_it_sleeps_and_looking, 60000)
{
	given_while_held_at("wait_looks");
}

TEST_LIMIT(woken_between_looking_and_sleeping, 60000)
{
	given_while_held_at("wait_sleeps");
}

/* It has returned, and its process has ended, before whoever wakes it looks whether it sleeps. */
TEST_LIMIT(sleeper_has_gone_before_the_waker_looks, 60000)
{
	const struct mechanism *m;
	pid_t pid;

	set_up();
	for_each_mechanism(m) {
		begin(m);
		hold("wait_begins");
		hold("wake_looks");
		pid = spawn(waits, NULL);
		COMES("wait_begins");
		begin_giving();
		COMES("wake_looks");
		go("wait_begins");
		CHECK_EXITS(pid, 0);
		go("wake_looks");
		CHECK_EQ(thread_join(&now.gives), 0);
		/* a robust unit has come back with the end of its process */
		CHECK_EQ(m->left(), m->make == make_robust_sem ? 0 : -EAGAIN);
		close_all();
	}
	tear_down();
}

static void handled(int sig)
{
	(void)sig;
}

/* Calls @schedule for every mechanism, with a time-out and with a signal as the reason to give up. */
static void for_every_reason(void (*schedule)(const struct mechanism *m, int err))
{
	const struct mechanism *m;
	struct sigaction sa = { .sa_handler = handled };

	set_up();
	CHECK_SYS(sigaction(SIGUSR1, &sa, NULL));
	for_each_mechanism(m) {
		if (!m->untimed)
			schedule(m, ETIMEDOUT);
		schedule(m, EINTR);
	}
	tear_down();
}

static void give_up_at(const char *point, int err)
{
	hold(point);
	if (err == ETIMEDOUT)
		now.timeout = ipcx_after_ms(5);
	begin_waiting();
	if (err == EINTR) {
		CHECK_BLOCKS(now.waits.tid);
		CHECK_EQ(pthread_kill(now.waits.thread, SIGUSR1), 0);
	}
	COMES(point);
}

/* It has been handed over before the waiter can say that it gives up: the hand-over counts. */
static void hand_over_first(const struct mechanism *m, int err)
{
	begin(m);
	give_up_at("wait_gives_up", err);
	m->give();
	go("wait_gives_up");
	end(0);
}

TEST_LIMIT(hand_over_before_giving_up, 60000)
{
	for_every_reason(hand_over_first);
}

/* The waiter has said that it gives up, and still stands in line: it is not handed over, and others are served. */
static void giving_up_first(const struct mechanism *m, int err)
{
	begin(m);
	give_up_at("wait_gave_up", err);
	m->give();
	left_is(0);
	go("wait_gave_up");
	end(-err);
}

TEST_LIMIT(giving_up_before_hand_over, 60000)
{
	for_every_reason(giving_up_first);
}

/* The waiter gives up between hand-over and wake-up: it waits for the rest, and has it. */
static void giving_up_within(const struct mechanism *m, int err)
{
	begin(m);
	give_up_at("wait_gives_up", err);
	hold("wake_begins");
	begin_giving();
	COMES("wake_begins");
	go("wait_gives_up");
	CHECK_BLOCKS(now.waits.tid);
	go("wake_begins");
	CHECK_EQ(thread_join(&now.gives), 0);
	end(0);
}

TEST_LIMIT(giving_up_between_hand_over_and_wake_up, 60000)
{
	for_every_reason(giving_up_within);
}

/* ---- killed ---- */

static struct ipcx_msg *batch;

static int receives_batch(void *arg)
{
	(void)arg;
	return ipcx_queue_recvv(fds[0], batch, 4, NULL, 0, IPCX_FOREVER);
}

/* A batch is in the receiver's memory when it is killed: it has been received, and is nowhere else. */
TEST(killed_when_a_batch_has_been_delivered)
{
	struct ipcx_queue_stat stat;
	pid_t pid;

	set_up();
	make_queue();
	batch = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(batch != MAP_FAILED);
	for (int i = 0; i < 4; i++) {
		send_message();
		batch[i] = ipcx_msg((char *)&batch[4] + i, 1);
		batch[i].type = 0;
	}
	hold("batch_delivered");
	pid = spawn(receives_batch, NULL);
	COMES("batch_delivered");
	CHECK_SYS(kill(pid, SIGKILL));
	CHECK_KILLED_BY(pid, SIGKILL);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(batch[i].type, 1);
	CHECK_OK(ipcx_queue_stat(fds[0], &stat));
	CHECK_EQ(stat.received, 4);
	CHECK_EQ(stat.nr_msgs, 0);
	close_all();
	tear_down();
}

/* ---- poll ---- */

static int polls(void *arg)
{
	struct pollfd p = { .fd = fds[0], .events = POLLIN };

	(void)arg;
	/* at the end of its time poll(2) looks once more, which nobody waits for here */
	return poll(&p, 1, 2 * TEST_SOON_MS) == 1 ? p.revents : -1;
}

TEST(sent_between_a_pollers_registration_and_its_look)
{
	struct test_thread t;

	set_up();
	make_queue();
	hold("poll_looks");
	thread_start(&t, polls, NULL);
	COMES("poll_looks");
	send_message();
	go("poll_looks");
	CHECK_EQ(thread_join(&t), POLLIN);
	close(fds[0]);
	tear_down();
}

TEST(polled_between_sending_and_telling)
{
	struct test_thread t;

	set_up();
	now.m = mechanisms;
	make_queue();
	/* a sender tells only if somebody is there to be told */
	thread_start(&t, polls, NULL);
	CHECK_BLOCKS(t.tid);
	hold("notify_begins");
	begin_giving();
	COMES("notify_begins");
	CHECK_EQ(polls(NULL), POLLIN);
	go("notify_begins");
	CHECK_EQ(thread_join(&t), POLLIN);
	CHECK_EQ(thread_join(&now.gives), 0);
	close(fds[0]);
	tear_down();
}

/* ---- closing ---- */

/* The descriptor goes; the wait keeps the object, and gets what comes through its name. */
TEST(closed_during_a_wait)
{
	uint64_t before;
	int other;

	set_up();
	own_names();
	before = own_account();
	now.m = mechanisms;
	now.timeout = IPCX_FOREVER;
	fds[0] = CHECK_OK(ipcx_queue_create("q", NULL, NULL));
	hold("wait_begins");
	begin_waiting();
	COMES("wait_begins");
	close(fds[0]);
	other = CHECK_OK(ipcx_open("q", IPCX_KIND_QUEUE, IPCX_WRITE, 0));
	CHECK_EQ(object_stat(other).users, 2);
	CHECK_OK(ipcx_queue_send(other, "x", 1));
	CHECK_OK(ipcx_unlink("q"));
	close(other);
	go("wait_begins");
	CHECK_EQ(thread_join(&now.waits), 0);
	CHECK_SOON(used_bytes() == before);
	tear_down();
}

static int reads_to_the_end(void *arg)
{
	char c;

	(void)arg;
	return read(fds[0], &c, 1);
}

static int closes(void *arg)
{
	return close((long)arg);
}

static void make_ends(void)
{
	int both = CHECK_OK(ipcx_stream_create(NULL, PAGE, NULL));

	fds[0] = CHECK_OK(ipcx_restrict(both, IPCX_READ));
	fds[1] = CHECK_OK(ipcx_restrict(both, IPCX_WRITE));
	close(both);
}

TEST(last_writer_closes_while_a_reader_goes_to_sleep)
{
	struct test_thread t;

	set_up();
	make_ends();
	hold("wait_begins");
	thread_start(&t, reads_to_the_end, NULL);
	COMES("wait_begins");
	close(fds[1]);
	go("wait_begins");
	CHECK_EQ(thread_join(&t), 0);
	close(fds[0]);
	tear_down();
}

TEST(reader_goes_to_sleep_while_the_last_writer_closes)
{
	struct test_thread r, w;

	set_up();
	make_ends();
	hold("close_begins");
	thread_start(&w, closes, (void *)(long)fds[1]);
	COMES("close_begins");
	thread_start(&r, reads_to_the_end, NULL);
	CHECK_BLOCKS(r.tid);
	go("close_begins");
	CHECK_EQ(thread_join(&r), 0);
	CHECK_EQ(thread_join(&w), 0);
	close(fds[0]);
	tear_down();
}

/* ---- names ---- */

static struct {
	const char *name;
	unsigned int flags;
	int fd;
} opening;

static int opens(void *arg)
{
	(void)arg;
	opening.fd = ipcx_open(opening.name, IPCX_KIND_QUEUE, IPCX_READ | IPCX_WRITE, 0);
	return 0;
}

static int creates(void *arg)
{
	(void)arg;
	opening.fd = ipcx_queue_create(opening.name, NULL, &(struct ipcx_options){ .flags = opening.flags, .mode = 0600 });
	return 0;
}

static int named(const char *name, unsigned int flags)
{
	opening.name = name;
	opening.flags = flags;
	return CHECK_OK(ipcx_queue_create(name, NULL, &(struct ipcx_options){ .flags = flags, .mode = 0600 }));
}

/* The name is removed, and given to another object, between its look-up and the open: what was found is opened. */
TEST(unlinked_during_an_open)
{
	struct test_thread t;
	uint64_t before, id;
	int fd;

	set_up();
	own_names();
	before = own_account();
	fd = named("q", 0);
	id = object_stat(fd).id;
	CHECK_OK(ipcx_queue_send(fd, "x", 1));
	hold("open_found");
	thread_start(&t, opens, NULL);
	COMES("open_found");
	CHECK_OK(ipcx_unlink("q"));
	close(fd);
	fd = named("q", 0);
	CHECK_NE(object_stat(fd).id, id);
	go("open_found");
	thread_join(&t);
	CHECK_OK(opening.fd);
	CHECK_EQ(object_stat(opening.fd).id, id);
	CHECK_EQ(object_stat(opening.fd).state & IPCX_OBJECT_NAMED, 0);
	fds[0] = opening.fd;
	CHECK_OK(message_left());
	close(fds[0]);
	close(fd);
	CHECK_OK(ipcx_unlink("q"));
	CHECK_SOON(used_bytes() == before);
	tear_down();
}

/* Two create the same name, and both believe that it was not there. */
static void created_by_two(unsigned int flags)
{
	struct test_thread t;
	uint64_t before;
	int fd;

	set_up();
	own_names();
	before = own_account();
	opening.name = "q";
	opening.flags = flags;
	hold("create_names");
	thread_start(&t, creates, NULL);
	COMES("create_names");
	fd = named("q", flags);
	go("create_names");
	thread_join(&t);
	if (flags & IPCX_CREATE_EXCL) {
		CHECK_ERR(opening.fd, EEXIST);
	} else {
		CHECK_OK(opening.fd);
		CHECK_EQ(object_stat(opening.fd).id, object_stat(fd).id);
		close(opening.fd);
	}
	close(fd);
	CHECK_OK(ipcx_unlink("q"));
	CHECK_SOON(used_bytes() == before);
	tear_down();
}

TEST(created_by_two_at_once)
{
	created_by_two(0);
}

TEST(created_by_two_at_once_exclusively)
{
	created_by_two(IPCX_CREATE_EXCL);
}

/* ---- the last put ---- */

/* The last descriptor of a temporary object has gone, its name not yet: nobody can have it, and the name is free. */
TEST(looked_up_during_the_last_put)
{
	struct test_thread t;
	uint64_t before;
	int fd;

	set_up();
	own_names();
	before = own_account();
	fd = named("q", IPCX_CREATE_TEMPORARY);
	hold("put_last");
	thread_start(&t, closes, (void *)(long)fd);
	COMES("put_last");
	CHECK_ERR(ipcx_open("q", IPCX_KIND_QUEUE, IPCX_READ, 0), ENOENT);
	CHECK_ERR(ipcx_unlink("q"), ENOENT);
	fd = named("q", IPCX_CREATE_TEMPORARY | IPCX_CREATE_EXCL);
	go("put_last");
	CHECK_EQ(thread_join(&t), 0);
	/* which has not taken the name from the new one */
	CHECK_EQ(close(CHECK_OK(ipcx_open("q", IPCX_KIND_QUEUE, IPCX_READ, 0))), 0);
	close(fd);
	CHECK_ERR(ipcx_open("q", IPCX_KIND_QUEUE, IPCX_READ, 0), ENOENT);
	CHECK_SOON(used_bytes() == before);
	tear_down();
}

/* ---- rmmod ---- */

static int opens_device(void *arg)
{
	(void)arg;
	return open(IPCX_DEVICE, O_RDWR | O_CLOEXEC);
}

TEST(unloaded_during_an_open)
{
	struct test_thread t;
	int fd;

	set_up();
	hold("device_opens");
	thread_start(&t, opens_device, NULL);
	COMES("device_opens");
	CHECK_ERR(unload(), IN_USE);
	go("device_opens");
	fd = thread_join(&t);
	CHECK_GE(fd, 0);
	close(CHECK_OK(ipcx_queue_create(NULL, NULL, &(struct ipcx_options){ .device_fd = fd })));
	close(fd);
	tear_down();
}

static int unloads_now(void *arg)
{
	(void)arg;
	return unload();
}

TEST(opened_while_it_is_unloaded)
{
	struct test_thread t;

	set_up();
	hold("exit_begins");
	thread_start(&t, unloads_now, NULL);
	COMES("exit_begins");
	CHECK_EQ(open(IPCX_DEVICE, O_RDWR | O_CLOEXEC), -1);
	CHECK(errno == ENODEV || errno == ENXIO);
	go("exit_begins");
	CHECK_EQ(thread_join(&t), 0);
	CHECK_SYS_ERR(open(IPCX_DEVICE, O_RDWR), ENOENT);
}

TEST(unloaded_during_the_last_close)
{
	struct test_thread t;

	set_up();
	fds[0] = queue();
	hold("put_last");
	thread_start(&t, closes, (void *)(long)fds[0]);
	COMES("put_last");
	CHECK_ERR(unload(), IN_USE);
	go("put_last");
	CHECK_EQ(thread_join(&t), 0);
	tear_down();
}

/* ---- and otherwise ---- */

TEST(other_builds_have_no_pause_points)
{
	NEED_MODULE(PAUSING);
	unload();
	load(MODULE);
	CHECK_SOON(!access(IPCX_DEVICE, R_OK | W_OK));
	CHECK_SYS_ERR(access(PAUSE, F_OK), ENOENT);
	CHECK_EQ(WEXITSTATUS(system("grep -q 'ipcx_pause.*\\[ipcx\\]' /proc/kallsyms")), 1);
}
