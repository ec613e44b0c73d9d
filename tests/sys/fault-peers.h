/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of failing-operations.c in which somebody else has a half of the operation: he waits for it, or it waits for
 * him.  What fails then fails before, or after, something has been handed over.
 */
/* ---- the other half: a thread, whose own allocations and copies do not fail ---- */

static struct test_thread half;
static char got[LARGE];
static pid_t self;
static volatile bool stop;
static unsigned int nr_got;

/* How many stand in line at the target. */
static unsigned int waiting(void)
{
	struct ipcx_stream_stat stream;
	struct ipcx_queue_stat queue;

	switch (target) {
	case QUEUE:
	case BROADCAST:
		CHECK_OK(ipcx_queue_stat(fds[target], &queue));
		return queue.nr_receivers + queue.nr_senders;
	case SEM:
		return sem_stat(fds[target]).nr_waiters;
	case EVENT:
		return event_stat(fds[target]).nr_waiters;
	default:
		CHECK_OK(ipcx_stream_stat(fds[target], &stream));
		return stream.waiting_readers + stream.waiting_writers;
	}
}

static void start(int (*fn)(void *arg))
{
	self = gettid();
	stop = false;
	nr_got = 0;
	memset(got, 0xa5, sizeof(got));
	memset(out, 0xa5, sizeof(out));
	thread_start(&half, fn, NULL);
}

/* The other half waits before the operation begins. */
static void start_waiting(int (*fn)(void *arg))
{
	start(fn);
	CHECK_SOON(waiting() == 1);
}

static void ends(void)
{
	CHECK_EQ(thread_join(&half), 0);
}

/* The second message of two, which nobody takes for the first. */
#define SECOND	(buf + MIDDLE)

static void next_is_second(void)
{
	memset(out, 0xa5, sizeof(out));
	CHECK_EQ(recv_flags(0), 0);
	CHECK_MEM(out, SECOND, SMALL);
	CHECK_ERR(recv_flags(0), EAGAIN);
}

/* A queue with room for @nr messages, a stream of a page, in the place of the usual one. */
static void with_room_for(unsigned int nr)
{
	struct ipcx_queue_limits limits = { .max_msgs = nr };
	struct ipcx_options options = { .flags = target == BROADCAST ? IPCX_QUEUE_BROADCAST : 0 };

	CHECK_SYS(close(fds[target]));
	if (target == STREAM)
		fds[target] = CHECK_OK(ipcx_stream_create(NULL, PAGE, NULL));
	else
		fds[target] = CHECK_OK(ipcx_queue_create(NULL, &limits, &options));
}

/* ---- somebody waits for what is done ---- */

static int receives(void *arg)
{
	struct ipcx_msg msg = ipcx_msg(got, sizeof(got));

	(void)arg;
	CHECK_OK(ipcx_queue_recv_msg(fds[target], &msg, NULL, 0, IPCX_FOREVER));
	return msg.len == SMALL ? 0 : 1;
}

static void prepare_receiver(void)
{
	start_waiting(receives);
}

static void check_receiver(long ret)
{
	CHECK_EQ(ret, 0);
	ends();
	CHECK_MEM(got, buf, SMALL);
	CHECK_ERR(recv_flags(0), EAGAIN);
}

static void prepare_batch_receiver(void)
{
	prepare_batch();
	start_waiting(receives);
}

/* Three are enough: what is the same for all of a batch has rows of its own. */
static long batch_of_three(unsigned long cmd, unsigned int flags)
{
	return RUN(fds[target], cmd, (struct ipcx_queue_batch){ .size = sizeof(struct ipcx_queue_batch), .flags = flags,
		   .timeout = IPCX_FOREVER, .msgs = (uintptr_t)msgs, .nr = 3, .msg_size = sizeof(msgs[0]) });
}

static long run_sendv_three(void)
{
	return batch_of_three(IPCX_QUEUE_SENDV, IPCX_NOWAIT);
}

/* He has the first; the others are there. */
static void check_batch_receiver(long ret)
{
	CHECK_GT(ret, 0);
	ends();
	CHECK_MEM(got, buf, SMALL);
	for (long i = 1; i < ret; i++) {
		CHECK_EQ(recv_flags(0), 0);
		CHECK_MEM(out, buf + i * MIDDLE, msgs[i].len);
	}
	CHECK_ERR(recv_flags(0), EAGAIN);
}

static int sends_second(void *arg)
{
	(void)arg;
	return ipcx_queue_send(fds[target], SECOND, SMALL) < 0;
}

static void prepare_sender(void)
{
	with_room_for(1);
	prepare_small();
	start_waiting(sends_second);
	fill_msgs(out);
}

/* The message that was there, and then that of the sender, who got its room meanwhile. */
static void check_sender(long ret)
{
	CHECK_EQ(ret, 0);
	CHECK_MEM(out, buf, SMALL);
	ends();
	next_is_second();
}

static void check_batch_sender(long ret)
{
	CHECK_GT(ret, 0);
	CHECK_MEM(out, buf, SMALL);
	ends();
	if (ret == 1)
		next_is_second();
	else
		CHECK_MEM(out + MIDDLE, SECOND, SMALL);
	CHECK_ERR(recv_flags(0), EAGAIN);
}

static int takes_units(void *arg)
{
	(void)arg;
	return ipcx_sem_wait(fds[target], 2, 0, IPCX_FOREVER);
}

static void prepare_taker(void)
{
	CHECK_OK(ipcx_sem_trywait(fds[target], 2));
	start_waiting(takes_units);
}

static void check_taker(long ret)
{
	CHECK_EQ(ret, 0);
	ends();
	CHECK_EQ(sem_stat(fds[target]).count, 1);
}

static int waits_for_event(void *arg)
{
	(void)arg;
	return ipcx_event_wait(fds[target], 0, IPCX_FOREVER);
}

static void prepare_event_waiter(void)
{
	CHECK_OK(ipcx_event_reset(fds[target]));
	start_waiting(waits_for_event);
}

static void check_set_waiter(long ret)
{
	CHECK_EQ(ret, 0);
	ends();
	CHECK_EQ(event_stat(fds[target]).set, 0);
}

static void check_pulse_waiter(long ret)
{
	CHECK_EQ(ret, 1);
	ends();
	CHECK_EQ(event_stat(fds[target]).set, 0);
}

static int reads(void *arg)
{
	(void)arg;
	return read(fds[target], got, sizeof(got)) != MIDDLE;
}

static void prepare_reader(void)
{
	start_waiting(reads);
}

static void check_reader(long ret)
{
	CHECK_EQ(ret, MIDDLE);
	ends();
	CHECK_MEM(got, buf, MIDDLE);
}

static void fill_stream(void)
{
	with_room_for(0);
	CHECK_EQ(write(fds[STREAM], buf, PAGE), PAGE);
}

static int writes_more(void *arg)
{
	(void)arg;
	return write(fds[target], buf + PAGE, SMALL) != SMALL;
}

static void prepare_writer(void)
{
	fill_stream();
	start_waiting(writes_more);
}

static void check_writer(long ret)
{
	CHECK_GT(ret, 0);
	ends();
	while (ret < (long)PAGE + SMALL)
		ret += CHECK_SYS(read(fds[target], out + ret, sizeof(out) - ret));
	CHECK_MEM(out, buf, PAGE + SMALL);
}

/* What a receiver could not keep comes back, but the room it made is the sender's by then: ROW_LOSES. */
static const struct row waited_rows[] = {
	{ "send to who waits", IPCX_QUEUE_SEND, QUEUES, 0, ROW_KEEPS, prepare_receiver, run_send_small, check_receiver },
	{ "send a batch to who waits", IPCX_QUEUE_SENDV, QUEUES, 0, ROW_KEEPS, prepare_batch_receiver, run_sendv_three,
	  check_batch_receiver },
	{ "receive, a sender waits", IPCX_QUEUE_RECV, QUEUES, 0, ROW_LOSES, prepare_sender, run_recv, check_sender },
	{ "receive a batch, a sender waits", IPCX_QUEUE_RECVV, QUEUES, 0, ROW_LOSES, prepare_sender, run_recvv,
	  check_batch_sender },
	{ "post to who waits", IPCX_SEM_POST, BIT(SEM), 0, 0, prepare_taker, run_post, check_taker },
	{ "set, somebody waits", IPCX_EVENT_SET, BIT(EVENT), 0, 0, prepare_event_waiter, run_set, check_set_waiter },
	{ "pulse, somebody waits", IPCX_EVENT_PULSE, BIT(EVENT), 0, 0, prepare_event_waiter, run_pulse, check_pulse_waiter },
	{ "write to a reader that waits", NO_COMMAND, BIT(STREAM), 0, ROW_KEEPS, prepare_reader, run_write, check_reader },
	{ "read, a writer waits", NO_COMMAND, BIT(STREAM), 0, 0, prepare_writer, run_read, check_writer },
};

TEST_LIMIT(others_wait_for_it, 100000)
{
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = i * 7 + i / 251;
	sweep(ROWS(waited_rows));
}

/* ---- it waits for what somebody does ---- */

/* Once it stands in line, two messages at once: the first is handed over, the second is behind it. */
static int sends_two(void *arg)
{
	struct ipcx_msg two[2] = { message(buf, SMALL), message(SECOND, SMALL) };

	(void)arg;
	CHECK_SOON(waiting() == 1);
	return ipcx_queue_sendv(fds[target], two, 2, 0, IPCX_FOREVER) != 2;
}

static void prepare_two(void)
{
	len = SMALL;
	start(sends_two);
	fill_msgs(out);
}

static long run_recv_waiting(void)
{
	return RUN(fds[target], IPCX_QUEUE_RECV, (struct ipcx_queue_recv){ .size = sizeof(struct ipcx_queue_recv),
		   .timeout = IPCX_FOREVER, .msg = message(out, sizeof(out)) });
}

static void check_read_first(long ret)
{
	CHECK_EQ(ret, SMALL);
	check_sender(0);
}

static long run_recvv_waiting(void)
{
	return batch_of_three(IPCX_QUEUE_RECVV, 0);
}

static int sends_fds(void *arg)
{
	struct ipcx_msg msg = message(buf, SMALL);
	int two[2] = { fds[SEM], fds[EVENT] };

	(void)arg;
	CHECK_SOON(waiting() == 1);
	return ipcx_queue_send_fds(fds[target], &msg, two, 2, 0, IPCX_FOREVER);
}

static void prepare_fds_sender(void)
{
	len = SMALL;
	numbers[0] = numbers[1] = -1;
	start(sends_fds);
}

static long run_recv_fds_waiting(void)
{
	return RUN(fds[target], IPCX_QUEUE_RECV_FDS, (struct ipcx_queue_recv_fds){
		   .recv = { .size = sizeof(struct ipcx_queue_recv_fds), .timeout = IPCX_FOREVER,
			     .msg = message(out, sizeof(out)) },
		   .fds = (uintptr_t)numbers, .nr_fds = 2 });
}

static void check_recv_fds_waiting(long ret)
{
	ends();
	check_recv_fds(ret);
}

static int calls_it(void *arg)
{
	struct ipcx_msg msg = message(buf, SMALL), reply = ipcx_msg(got, sizeof(got));

	(void)arg;
	CHECK_SOON(waiting() == 1);
	return ipcx_queue_call(fds[target], &msg, &reply, 0, IPCX_FOREVER) || reply.len != SMALL;
}

static void prepare_calls_it(void)
{
	start(calls_it);
}

static long run_serve_waiting(void)
{
	serve_arg = (struct ipcx_queue_serve){ .size = sizeof(serve_arg), .timeout = IPCX_FOREVER,
					       .msg = message(out, sizeof(out)) };
	return call(fds[target], IPCX_QUEUE_SERVE, &serve_arg);
}

static void check_serve_waiting(long ret)
{
	struct ipcx_msg reply = message(SECOND, SMALL);

	CHECK_EQ(ret, 0);
	CHECK_MEM(out, buf, SMALL);
	CHECK_NE(serve_arg.call, 0);
	CHECK_OK(ipcx_queue_reply(fds[target], serve_arg.call, &reply));
	ends();
	CHECK_MEM(got, SECOND, SMALL);
}

/* Makes room whenever it waits for some, until it is told to stop. */
static int makes_room(void *arg)
{
	(void)arg;
	while (wait_until(stop || waiting() == 1, TEST_SOON_MS) && !stop) {
		struct ipcx_msg msg = ipcx_msg(got, sizeof(got));

		if (ipcx_queue_recv_msg(fds[target], &msg, NULL, IPCX_NOWAIT, 0) == 0)
			nr_got++;
	}
	return !stop;
}

static void prepare_room(void)
{
	with_room_for(1);
	CHECK_OK(ipcx_queue_send(fds[target], SECOND, SMALL));
	start(makes_room);
	fill_msgs(buf);
}

static long run_send_waiting(void)
{
	len = SMALL;
	return RUN(fds[target], IPCX_QUEUE_SEND, (struct ipcx_queue_send){ .size = sizeof(struct ipcx_queue_send),
		   .timeout = IPCX_FOREVER, .msg = message(buf, SMALL) });
}

static void check_room(long ret)
{
	stop = true;
	ends();
	CHECK_EQ(nr_got, 1);
	CHECK_MEM(got, SECOND, SMALL);
	check_one_message(ret);
}

static long run_sendv_waiting(void)
{
	return batch_of_three(IPCX_QUEUE_SENDV, 0);
}

/* The one that was there, and as many as it said, each once. */
static void check_room_for_batch(long ret)
{
	CHECK_GT(ret, 0);
	stop = true;
	ends();
	while (!recv_flags(0))
		nr_got++;
	CHECK_EQ(nr_got, 1 + ret);
}

static int posts(void *arg)
{
	(void)arg;
	CHECK_SOON(waiting() == 1);
	return ipcx_sem_post(fds[target], 2);
}

static void prepare_poster(void)
{
	CHECK_OK(ipcx_sem_trywait(fds[target], 2));
	start(posts);
}

static void prepare_robust_poster(void)
{
	CHECK_SYS(close(fds[SEM]));
	fds[SEM] = robust_sem(0, 100);
	start(posts);
}

static void check_poster(long ret)
{
	ends();
	check_sem_wait(ret);
}

static void check_robust_poster(long ret)
{
	ends();
	check_robust_wait(ret);
}

static int sets(void *arg)
{
	(void)arg;
	CHECK_SOON(waiting() == 1);
	return ipcx_event_set(fds[target]) < 0;
}

static void prepare_setter(void)
{
	CHECK_OK(ipcx_event_reset(fds[target]));
	start(sets);
}

/* A wait for all stands in no line: its thread is looked at. */
static int posts_to_sleeper(void *arg)
{
	(void)arg;
	CHECK_SOON(stop || task_is_blocked_in(self, SYS_ioctl));
	return ipcx_sem_post(fds[SEM], 2);
}

static void prepare_wait_all_poster(void)
{
	prepare_wait_all_five();
	CHECK_OK(ipcx_sem_trywait(fds[SEM], 2));
	start(posts_to_sleeper);
}

static void check_wait_all_poster(long ret)
{
	ends();
	check_wait_all(ret);
}

static int writes(void *arg)
{
	(void)arg;
	CHECK_SOON(waiting() == 1);
	return write(fds[target], buf, MIDDLE) != MIDDLE;
}

static void prepare_writes(void)
{
	len = MIDDLE;
	start(writes);
}

static void check_read_waiting(long ret)
{
	ends();
	check_read(ret);
}

static int reads_all(void *arg)
{
	(void)arg;
	CHECK_SOON(waiting() == 1);
	return read(fds[target], got, PAGE) != PAGE;
}

static void prepare_full_stream(void)
{
	fill_stream();
	start(reads_all);
}

static void check_write_waiting(long ret)
{
	CHECK_EQ(ret, MIDDLE);
	ends();
	CHECK_MEM(got, buf, PAGE);
	check_stream_bytes(ret);
}

/* What the other half has done stays done: it is the end that counts.  Through io_uring, another task would wait. */
#define WAITS	(ROW_LOSES | ROW_WAITS)

static const struct row waits_rows[] = {
	{ "receive, waiting", IPCX_QUEUE_RECV, QUEUES, 0, WAITS, prepare_two, run_recv_waiting, check_sender },
	{ "receive a batch, waiting", IPCX_QUEUE_RECVV, QUEUES, 0, WAITS, prepare_two, run_recvv_waiting, check_batch_sender },
	{ "read a message, waiting", NO_COMMAND, QUEUES, 0, WAITS, prepare_two, run_read, check_read_first },
	{ "receive descriptors, waiting", IPCX_QUEUE_RECV_FDS, BIT(QUEUE), BIT(SEM) | BIT(EVENT), WAITS, prepare_fds_sender,
	  run_recv_fds_waiting, check_recv_fds_waiting },
	{ "serve, waiting", IPCX_QUEUE_SERVE, BIT(QUEUE), 0, WAITS, prepare_calls_it, run_serve_waiting, check_serve_waiting },
	{ "send, waiting", IPCX_QUEUE_SEND, QUEUES, 0, WAITS, prepare_room, run_send_waiting, check_room },
	{ "send a batch, waiting", IPCX_QUEUE_SENDV, QUEUES, 0, WAITS, prepare_room, run_sendv_waiting, check_room_for_batch },
	{ "wait for units, waiting", IPCX_SEM_WAIT, BIT(SEM), 0, ROW_WAITS, prepare_poster, run_sem_wait, check_poster },
	{ "wait for robust units, waiting", IPCX_SEM_WAIT, BIT(SEM), 0, ROW_WAITS, prepare_robust_poster, run_sem_wait,
	  check_robust_poster },
	{ "wait for an event, waiting", IPCX_EVENT_WAIT, BIT(EVENT), 0, ROW_WAITS, prepare_setter, run_event_wait,
	  check_set_waiter },
	{ "wait for all of five, waiting", IPCX_WAIT, BIT(SEM), FIVE, WAITS, prepare_wait_all_poster, run_wait_all,
	  check_wait_all_poster },
	{ "read from a stream, waiting", NO_COMMAND, BIT(STREAM), 0, WAITS, prepare_writes, run_read, check_read_waiting },
	{ "write to a full stream, waiting", NO_COMMAND, BIT(STREAM), 0, WAITS, prepare_full_stream, run_write,
	  check_write_waiting },
};

TEST_LIMIT(it_waits_for_others, 100000)
{
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = i * 7 + i / 251;
	sweep(ROWS(waits_rows));
}

/* ---- memory that cannot be reached any more when the wait is over: on every kernel, without failing anything ---- */

enum spoilt { PAYLOAD, ARRAY, ARGUMENT, SOURCE, NR_SPOILT };

static long run_spoilt(const struct row *row, enum spoilt what)
{
	void *mem = what == PAYLOAD ? out : what == ARRAY ? (void *)msgs : buf;
	size_t bytes = what == ARRAY ? PAGE : SPOILT_LEN;
	long ret;

	if (what == ARGUMENT) {
		read_only = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(read_only != MAP_FAILED);
		ret = row->run();
		CHECK_SYS(munmap(read_only, PAGE));
		read_only = NULL;
		return ret;
	}
	CHECK_SYS(mprotect(mem, bytes, what == SOURCE ? PROT_NONE : PROT_READ));
	ret = row->run();
	CHECK_SYS(mprotect(mem, bytes, PROT_READ | PROT_WRITE));
	return ret;
}

/* What was handed over and could not be kept is received again, once, and at its place. */
TEST(what_cannot_be_kept_comes_back)
{
	unsigned int nr[NR_SPOILT] = { 0 };

	own_names();
	own_account();
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = i * 7 + i / 251;
	for (const struct row *row = waits_rows; row < waits_rows + sizeof(waits_rows) / sizeof(waits_rows[0]); row++)
		for (enum spoilt what = 0; what < NR_SPOILT; what++)
			for (target = 0; target < NR_ON; target++) {
				long ret;

				/* the other half sends from there */
				if (!(row->on & BIT(target)) || (what == SOURCE && row->run != run_write))
					continue;
				snprintf(place, sizeof(place), "%s on %s, spoilt %d", row->label, on_names[target], what);
				make_objects(row->needs | BIT(target));
				row->prepare();
				ret = run_spoilt(row, what);
				if (ret == -EFAULT) {
					nr[what]++;
					ret = row->run();
				}
				if (ret < 0)
					FAIL("%s: %s", place, strerror((int)-ret));
				row->check(ret);
				close_objects();
			}
	/* receive, a batch, read: of two kinds; descriptors, serve, a stream */
	CHECK_EQ(nr[PAYLOAD], 2 * 3 + 3);
	CHECK_EQ(nr[ARRAY], 2);
	CHECK_EQ(nr[ARGUMENT], 2 + 1);
	CHECK_EQ(nr[SOURCE], 1);
}
