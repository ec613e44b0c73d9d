// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors in messages: they arrive, all of them, close-on-exec, or the message stays with all of them; and what
 * nobody receives is closed.  Were it broken, descriptors would leak, get lost, or come twice.
 */
#include "fds-test.h"

#include <sys/epoll.h>

TEST(feature)
{
	struct ipcx_query query;

	CHECK_OK(ipcx_query(&query));
	CHECK(query.features & IPCX_FEATURE_FDS);
}

TEST(one)
{
	int q = new_queue(), p[2], fd;
	char c;

	make_pipe(p);
	CHECK_OK(send_fd(q, 7, p[1]));
	CHECK_EQ(in_flight(q), 1);
	fd = recv_fd_of(q, 7);
	CHECK_EQ(in_flight(q), 0);
	CHECK_NE(fd, p[1]);
	CHECK(same_file(fd, p[1]));
	CHECK_EQ(last_msg.pid, getpid());
	CHECK_EQ(last_msg.len, 8);
	CHECK_SYS(close(p[1]));
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(read(p[0], &c, 1), 1);
	CHECK(!at_end(p[0]));
	CHECK_SYS(close(fd));
	CHECK(at_end(p[0]));
}

TEST(as_many_as_there_can_be_in_their_order)
{
	int q = new_queue(), fds[IPCX_FDS_MAX + 1], got[IPCX_FDS_MAX], before, p[2], i;
	unsigned int nr = IPCX_FDS_MAX;
	uint64_t value;

	for (i = 0; i < IPCX_FDS_MAX; i += 2) {
		make_pipe(p);
		fds[i] = p[1];
		fds[i + 1] = p[0];
	}
	before = open_fds();
	fds[IPCX_FDS_MAX] = fds[0];
	CHECK_ERR(send_fds(q, 1, fds, IPCX_FDS_MAX + 1), EINVAL);
	CHECK_ERR(send_fds(q, 1, fds, ~0u), EINVAL);
	CHECK_ERR(send_fds(q, 1, fds, 0), EINVAL);
	CHECK_EQ(stat_of(q).sent, 0);
	CHECK_OK(send_fds(q, 1, fds, IPCX_FDS_MAX));
	CHECK_EQ(in_flight(q), IPCX_FDS_MAX);
	CHECK_OK(recv_fds_flags(q, &value, got, &nr, 0));
	CHECK_EQ(nr, IPCX_FDS_MAX);
	for (i = 0; i < IPCX_FDS_MAX; i++) {
		CHECK(same_file(got[i], fds[i]));
		CHECK_EQ(fcntl(got[i], F_GETFD), FD_CLOEXEC);
	}
	CHECK_EQ(open_fds(), before + IPCX_FDS_MAX);
}

TEST(the_same_one_several_times)
{
	int q = new_queue(), p[2], got[3];
	unsigned int nr = 3;
	uint64_t value;

	make_pipe(p);
	CHECK_OK(send_fds(q, 1, (int[]){ p[1], p[1], p[0] }, 3));
	CHECK_OK(recv_fds_flags(q, &value, got, &nr, 0));
	CHECK(same_file(got[0], p[1]) && same_file(got[1], p[1]) && same_file(got[2], p[0]));
	CHECK_NE(got[0], got[1]);
}

TEST(array_longer_than_needed)
{
	int q = new_queue(), p[2], got[100];
	unsigned int nr = 100;
	uint64_t value;

	make_pipe(p);
	CHECK_OK(send_fd(q, 1, p[0]));
	memset(got, 0x55, sizeof(got));
	CHECK_OK(recv_fds_flags(q, &value, got, &nr, 0));
	CHECK_EQ(nr, 1);
	CHECK(same_file(got[0], p[0]));
	CHECK_EQ(got[1], 0x55555555);
}

/* Empty payload, large payload, types and priorities: it is a message like others. */
TEST(a_message_like_others)
{
	int q = new_queue(), p[2], fd;
	static char big[100000], got[100000];
	struct ipcx_select five = TYPE(5);
	struct ipcx_msg msg;
	unsigned int nr;

	make_pipe(p);
	fill(big, sizeof(big), 3);
	msg = msg_of(big, sizeof(big), 5, 2);
	CHECK_OK(ipcx_queue_send_fds(q, &msg, p, 2, NO_WAIT));
	msg = msg_of(NULL, 0, 6, 9);
	CHECK_OK(ipcx_queue_send_fds(q, &msg, p, 1, NO_WAIT));
	CHECK_OK(send_value(q, 7, 4, 77));

	nr = 1;
	msg = ipcx_msg(NULL, 0);
	CHECK_OK(ipcx_queue_recv_fds(q, &msg, &fd, &nr, NULL, NO_WAIT));
	CHECK_EQ(msg.type, 6);
	CHECK_EQ(msg.priority, 9);
	CHECK_EQ(msg.len, 0);
	CHECK_EQ(nr, 1);
	CHECK_RECV(q, TYPE(7), 77);
	nr = 2;
	msg = ipcx_msg(got, sizeof(got));
	CHECK_OK(ipcx_queue_recv_fds(q, &msg, p, &nr, &five, NO_WAIT));
	CHECK_EQ(msg.len, sizeof(big));
	CHECK_MEM(got, big, sizeof(big));
	CHECK_EQ(nr, 2);
}

TEST(message_without_descriptors)
{
	unsigned int nr = 4;
	int q = new_queue(), fds[4] = { 9, 9, 9, 9 };
	uint64_t value;

	CHECK_OK(send_value(q, 1, 0, 5));
	CHECK_OK(recv_fds_flags(q, &value, fds, &nr, 0));
	CHECK_EQ(value, 5);
	CHECK_EQ(nr, 0);
	CHECK_EQ(last_msg.flags, 0);
	CHECK_EQ(fds[0], 9);
	/* and no array at all */
	CHECK_OK(send_value(q, 1, 0, 6));
	nr = 0;
	CHECK_OK(recv_fds_flags(q, &value, NULL, &nr, 0));
	CHECK_EQ(value, 6);
}

/* ---- those that are not received are closed ---- */

TEST(plain_receive_closes_and_tells)
{
	int q = new_queue(), r = send_pipe(q, 1), before = open_fds();
	uint64_t value;
	struct ipcx_msg msg = ipcx_msg(&value, sizeof(value));

	CHECK_OK(ipcx_queue_recv_msg(q, &msg, NULL, NO_WAIT));
	CHECK_EQ(value, 1);
	CHECK_EQ(msg.flags, IPCX_MSG_FDS);
	CHECK_SOON(at_end(r));
	CHECK_EQ(open_fds(), before);
	CHECK_EQ(in_flight(q), 0);
}

TEST(read_closes)
{
	int q = new_queue(), r = send_pipe(q, 1);
	uint64_t value;

	CHECK_EQ(read(q, &value, sizeof(value)), sizeof(value));
	CHECK_SOON(at_end(r));
}

TEST(vectored_receive_closes_and_tells)
{
	int q = new_queue(), r1, r2;
	uint64_t values[3];
	struct ipcx_msg msgs[3];
	int i;

	r1 = send_pipe(q, 1);
	CHECK_OK(send_value(q, 1, 0, 2));
	r2 = send_pipe(q, 3);
	for (i = 0; i < 3; i++)
		msgs[i] = ipcx_msg(&values[i], sizeof(values[i]));
	CHECK_EQ(ipcx_queue_recvv(q, msgs, 3, NULL, NO_WAIT), 3);
	CHECK_EQ(msgs[0].flags, IPCX_MSG_FDS);
	CHECK_EQ(msgs[1].flags, 0);
	CHECK_EQ(msgs[2].flags, IPCX_MSG_FDS);
	for (i = 0; i < 3; i++)
		CHECK_EQ(values[i], i + 1);
	CHECK_SOON(at_end(r1) && at_end(r2));
}

TEST(a_server_that_takes_it_closes_and_is_told)
{
	int q = new_queue(), r = send_pipe(q, 1);
	uint64_t value, call = 5;
	struct ipcx_msg msg = ipcx_msg(&value, sizeof(value));

	CHECK_OK(ipcx_queue_serve(q, &call, NULL, &msg, NO_WAIT));
	CHECK_EQ(call, 0);
	CHECK_EQ(msg.flags, IPCX_MSG_FDS);
	CHECK_SOON(at_end(r));
}

TEST(peek_tells_and_leaves_them)
{
	int q = new_queue(), r = send_pipe(q, 1), fd;
	uint64_t value;
	struct ipcx_msg msg = ipcx_msg(&value, sizeof(value));

	CHECK_OK(ipcx_queue_recv_msg(q, &msg, NULL, IPCX_RECV_PEEK | IPCX_NOWAIT, 0));
	CHECK_EQ(msg.flags, IPCX_MSG_FDS);
	CHECK_EQ(value, 1);
	CHECK(!at_end(r));
	fd = recv_fd_of(q, 1);
	CHECK(!at_end(r));
	close(fd);
	CHECK(at_end(r));
}

TEST(purge_closes)
{
	int q = new_queue(), r1 = send_pipe(q, 1), r2 = send_pipe(q, 2);

	CHECK_EQ(ipcx_queue_purge(q, NULL), 2);
	CHECK_SOON(at_end(r1) && at_end(r2));
	CHECK_EQ(in_flight(q), 0);
}

TEST(closing_the_queue_closes)
{
	uint64_t before = own_account();
	int q = new_queue(), r1 = send_pipe(q, 1), r2 = send_pipe(q, 2);

	CHECK_SYS(close(q));
	CHECK_SOON(at_end(r1) && at_end(r2));
	CHECK_EQ(user_charged(), before);
}

/* What a queue of the latest messages drops. */
TEST(dropped_for_a_later_one)
{
	struct ipcx_queue_create create = { .create = { .size = sizeof(create), .flags = IPCX_QUEUE_LATEST },
					    .max_msgs = 2 };
	int dev = CHECK_SYS(open(IPCX_DEVICE, O_RDWR | O_CLOEXEC)), q, r[4], i;
	struct ipcx_query query;

	CHECK_OK(ipcx_query(&query));
	if (!(query.features & IPCX_FEATURE_LATEST))
		SKIP("no queues of the latest");
	q = CHECK_OK(call(dev, IPCX_QUEUE_CREATE, &create));
	for (i = 0; i < 4; i++)
		r[i] = send_pipe(q, i);
	CHECK_SOON(at_end(r[0]) && at_end(r[1]));
	CHECK(!at_end(r[2]) && !at_end(r[3]));
	CHECK_EQ(in_flight(q), 2);
	close(recv_fd_of(q, 2));
	close(recv_fd_of(q, 3));
	CHECK(at_end(r[3]));
}

/* A name keeps the queue and so what is in it, and nothing else does. */
TEST(a_named_queue_keeps_them)
{
	static const char name[] = "fds-messages";
	struct ipcx_options o = { .flags = IPCX_CREATE_EXCL };
	int q, r, fd;

	NEED_ROOT();
	CHECK_SYS(unshare(CLONE_NEWNET));
	q = CHECK_OK(ipcx_queue_create(name, NULL, &o));
	r = send_pipe(q, 4);
	CHECK_SYS(close(q));
	CHECK(!at_end(r));
	q = CHECK_OK(ipcx_open(name, IPCX_KIND_QUEUE, 0, 0));
	fd = recv_fd_of(q, 4);
	close(fd);
	CHECK(at_end(r));
	r = send_pipe(q, 5);
	CHECK_SYS(close(q));
	CHECK(!at_end(r));
	CHECK_OK(ipcx_unlink(name));
	CHECK_SOON(at_end(r));
}

static int shut_fd;

static int shut_recv(void *arg)
{
	(void)arg;
	return -ipcx_shutdown(shut_fd, IPCX_SHUT_RECV);
}

/* What is in a queue that is shut down stays there until it goes; a sender is refused and keeps nothing. */
TEST(shutdown)
{
	int q = new_queue(), p[2], r = send_pipe(q, 1), r2;
	struct test_thread t;
	unsigned int nr = 1;
	uint64_t value;
	int fd;

	make_pipe(p);
	shut_fd = q;
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	CHECK_ERR(send_fd(q, 2, p[1]), EPIPE);
	close(p[1]);
	CHECK_SOON(at_end(p[0]));
	close(recv_fd_of(q, 1));
	CHECK_SOON(at_end(r));
	CHECK_ERR(recv_fds_flags(q, &value, &fd, &nr, 0), EPIPE);

	q = new_queue();
	r2 = send_pipe(q, 3);
	shut_fd = q;
	thread_start(&t, shut_recv, NULL);
	CHECK_EQ(thread_join(&t), 0);
	CHECK_ERR(recv_fds_flags(q, &value, &fd, &nr, 0), EPIPE);
	CHECK(!at_end(r2));
	close(q);
	CHECK_SOON(at_end(r2));
}

/* ---- too small ---- */

TEST(array_too_short)
{
	int q = new_queue(), p[2], got[3], before, i;
	unsigned int nr;
	uint64_t value;

	make_pipe(p);
	CHECK_OK(send_fds(q, 1, (int[]){ p[0], p[1], p[1] }, 3));
	CHECK_OK(send_value(q, 1, 0, 2));
	close(p[1]);
	before = open_fds();
	for (i = 0; i < 3; i++) {
		nr = i;
		CHECK_ERR(recv_fds_flags(q, &value, got, &nr, 0), EMSGSIZE);
		CHECK_EQ(nr, 3);
		CHECK_EQ(last_msg.len, 8);
		CHECK_EQ(stat_of(q).nr_msgs, 2);
		CHECK_EQ(stat_of(q).received, 0);
	}
	CHECK_EQ(open_fds(), before);
	CHECK(!at_end(p[0]));
	CHECK_OK(recv_fds_flags(q, &value, got, &nr, 0));
	CHECK_EQ(nr, 3);
	CHECK_EQ(value, 1);
	CHECK_RECV(q, ANY, 2);
}

/* Both sizes are told at once. */
TEST(buffer_too_small)
{
	int q = new_queue(), p[2], got[2];
	struct ipcx_msg msg = ipcx_msg(got, 4);
	unsigned int nr = 2;

	make_pipe(p);
	CHECK_OK(send_fds(q, 1, p, 2));
	CHECK_ERR(ipcx_queue_recv_fds(q, &msg, got, &nr, NULL, NO_WAIT), EMSGSIZE);
	CHECK_EQ(msg.len, 8);
	CHECK_EQ(nr, 2);
	msg = ipcx_msg(got, 4);
	nr = 0;
	CHECK_ERR(ipcx_queue_recv_fds(q, &msg, got, &nr, NULL, NO_WAIT), EMSGSIZE);
	CHECK_EQ(msg.len, 8);
	CHECK_EQ(nr, 2);
}

TEST(truncated)
{
	int q = new_queue(), p[2], o[2], got[3] = { -7, -7, -7 }, before;
	unsigned int nr = 1;
	uint64_t value;

	make_pipe(p);
	make_pipe(o);
	CHECK_OK(send_fds(q, 1, (int[]){ p[1], o[1] }, 2));
	close(p[1]);
	close(o[1]);
	before = open_fds();
	CHECK_OK(recv_fds_flags(q, &value, got, &nr, IPCX_RECV_TRUNCATE));
	CHECK_EQ(value, 1);
	CHECK_EQ(last_msg.len, 8);
	CHECK_EQ(last_msg.flags, IPCX_MSG_FDS | IPCX_MSG_TRUNCATED);
	CHECK_EQ(nr, 1);
	CHECK_EQ(got[1], -7);
	CHECK_EQ(open_fds(), before + 1);
	CHECK(!at_end(p[0]));
	CHECK_SOON(at_end(o[0]));

	/* to nothing; and the payload alone */
	CHECK_OK(send_fd(q, 2, got[0]));
	nr = 0;
	CHECK_OK(recv_fds_flags(q, &value, NULL, &nr, IPCX_RECV_TRUNCATE));
	CHECK_EQ(nr, 0);
	CHECK_EQ(last_msg.flags, IPCX_MSG_FDS | IPCX_MSG_TRUNCATED);
	CHECK_OK(send_fd(q, 3, got[0]));
	nr = 1;
	last_msg = ipcx_msg(&value, 2);
	CHECK_OK(ipcx_queue_recv_fds(q, &last_msg, got, &nr, NULL, IPCX_RECV_TRUNCATE | IPCX_NOWAIT, 0));
	CHECK_EQ(last_msg.flags, IPCX_MSG_FDS | IPCX_MSG_TRUNCATED);
	CHECK_EQ(last_msg.len, 8);
	CHECK_EQ(nr, 1);
}

/* ---- receivers that wait ---- */

struct wait {
	int q, ret, fds[4];
	unsigned int nr, flags;
	uint64_t value, timeout;
	struct ipcx_msg msg;
	struct test_thread t;
};

static int wait_main(void *arg)
{
	struct wait *w = arg;

	w->msg = ipcx_msg(&w->value, sizeof(w->value));
	w->ret = ipcx_queue_recv_fds(w->q, &w->msg, w->fds, &w->nr, NULL, w->flags, w->timeout);
	return 0;
}

static void start(struct wait *w, int q, unsigned int nr, unsigned int flags)
{
	unsigned int before = stat_of(q).nr_receivers;

	*w = (struct wait){ .q = q, .nr = nr, .flags = flags, .timeout = ipcx_after_ms(TEST_SOON_MS) };
	thread_start(&w->t, wait_main, w);
	CHECK_SOON(stat_of(q).nr_receivers == before + 1);
}

TEST(handed_over_to_one_who_waits)
{
	int q = new_queue(), p[2];
	struct wait w;

	make_pipe(p);
	start(&w, q, 1, 0);
	CHECK_OK(send_fd(q, 3, p[1]));
	CHECK_EQ(thread_join(&w.t), 0);
	CHECK_OK(w.ret);
	CHECK_EQ(w.value, 3);
	CHECK_EQ(w.nr, 1);
	CHECK(same_file(w.fds[0], p[1]));
}

/* One whose array is too short is told so, and the message goes to the next. */
TEST(waiting_with_an_array_too_short)
{
	int q = new_queue(), p[2];
	struct wait a, b, c;

	make_pipe(p);
	start(&a, q, 1, 0);
	start(&b, q, 0, IPCX_RECV_TRUNCATE);
	start(&c, q, 2, 0);
	CHECK_OK(send_fds(q, 3, p, 2));
	CHECK_EQ(thread_join(&a.t), 0);
	CHECK_ERR(a.ret, EMSGSIZE);
	CHECK_EQ(a.nr, 2);
	CHECK_EQ(a.msg.len, 8);
	CHECK_EQ(thread_join(&b.t), 0);
	CHECK_OK(b.ret);
	CHECK_EQ(b.nr, 0);
	CHECK_EQ(b.msg.flags, IPCX_MSG_FDS | IPCX_MSG_TRUNCATED);
	CHECK_OK(send_fds(q, 4, p, 2));
	CHECK_EQ(thread_join(&c.t), 0);
	CHECK_OK(c.ret);
	CHECK_EQ(c.value, 4);
	CHECK_EQ(c.nr, 2);
}

TEST(times_out)
{
	int q = new_queue(), fd;
	struct ipcx_msg msg = ipcx_msg(NULL, 0);
	unsigned int nr = 1;

	CHECK_ERR(ipcx_queue_recv_fds(q, &msg, &fd, &nr, NULL, 0, ipcx_after_ms(20)), ETIMEDOUT);
	CHECK_ERR(ipcx_queue_recv_fds(q, &msg, &fd, &nr, NULL, IPCX_NOWAIT, 0), EAGAIN);
	CHECK_EQ(nr, 1);
}

static int send_waiting(void *arg)
{
	int *a = arg;
	struct ipcx_msg msg = msg_of("late", 4, 1, 0);

	return -ipcx_queue_send_fds(a[0], &msg, &a[1], 1, 0, ipcx_after_ms(a[2]));
}

/* A sender that waits for room keeps the file open, and lets go when it fails. */
TEST(sender_that_waits)
{
	int q = make_queue(1, 0, 0), p[2], a[3];
	struct test_thread t;

	CHECK_OK(send_value(q, 1, 0, 1));
	make_pipe(p);
	a[0] = q;
	a[1] = p[1];
	a[2] = TEST_SOON_MS;
	thread_start(&t, send_waiting, a);
	CHECK_SOON(stat_of(q).nr_senders == 1);
	close(p[1]);
	CHECK(!at_end(p[0]));
	CHECK_RECV(q, ANY, 1);
	CHECK_EQ(thread_join(&t), 0);
	CHECK(!at_end(p[0]));
	CHECK_EQ(ipcx_queue_purge(q, NULL), 1);
	CHECK_SOON(at_end(p[0]));

	CHECK_OK(send_value(q, 1, 0, 1));
	make_pipe(p);
	a[1] = p[1];
	a[2] = 100;
	thread_start(&t, send_waiting, a);
	CHECK_EQ(thread_join(&t), ETIMEDOUT);
	close(p[1]);
	CHECK_SOON(at_end(p[0]));
	CHECK_EQ(in_flight(q), 0);
	CHECK_ERR(send_fd(q, 1, p[0]), EAGAIN);
	CHECK_EQ(in_flight(q), 0);
}

/* ---- between processes ---- */

static int send_and_die(void *arg)
{
	send_pipe(*(int *)arg, 9);
	kill(getpid(), SIGKILL);
	return 1;
}

TEST(sender_dies_before_it_is_read)
{
	int q = new_queue(), fd;

	CHECK_KILLED_BY(spawn(send_and_die, &q), SIGKILL);
	fd = recv_fd_of(q, 9);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
	/* its reader has died */
	signal(SIGPIPE, SIG_IGN);
	CHECK_SYS_ERR(write(fd, "x", 1), EPIPE);
}

static int reads_one_byte(void *arg)
{
	int fd = recv_fd_of(*(int *)arg, 11);
	char c = 0;

	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_EQ(c, 'z');
	return 0;
}

/* Another table of descriptors, another user. */
TEST(to_another_process_and_user)
{
	int q = new_queue(), p[2];

	NEED_ROOT();
	make_pipe(p);
	CHECK_EQ(write(p[1], "z", 1), 1);
	CHECK_OK(send_fd(q, 11, p[0]));
	close(p[0]);
	CHECK_EXITS(spawn_as(TEST_UID_NOBODY, reads_one_byte, &q), 0);
	signal(SIGPIPE, SIG_IGN);
	CHECK_SYS_ERR(write(p[1], "z", 1), EPIPE);
}

static int reads_in_a_container(void *arg)
{
	CHECK_SYS(unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWNS));
	CHECK_EXITS(spawn(reads_one_byte, arg), 0);
	return 0;
}

TEST(into_a_container)
{
	int q = new_queue(), p[2];

	NEED_ROOT();
	make_pipe(p);
	CHECK_EQ(write(p[1], "z", 1), 1);
	CHECK_OK(send_fd(q, 11, p[0]));
	CHECK_EXITS(spawn(reads_in_a_container, &q), 0);
}

/* dup and fork share the open file of the queue, and do not copy what is in it. */
TEST(dup_and_fork)
{
	int q = new_queue(), d = CHECK_SYS(dup(q)), p[2];
	unsigned int nr = 1;
	uint64_t value;

	make_pipe(p);
	CHECK_EQ(write(p[1], "z", 1), 1);
	CHECK_OK(send_fd(q, 11, p[0]));
	close(q);
	CHECK_EXITS(spawn(reads_one_byte, &d), 0);
	CHECK_ERR(recv_fds_flags(d, &value, p, &nr, 0), EAGAIN);
}

/* ---- descriptors of every kind ---- */

static void passes(int fd)
{
	int q = new_queue(), got;

	CHECK_SYS(fd);
	CHECK_OK(send_fd(q, 1, fd));
	got = recv_fd_of(q, 1);
	CHECK(same_file(got, fd));
	close(got);
	close(q);
}

TEST(kinds)
{
	int stream[2], sockets[2];

	passes(CHECK_OK(ipcx_sem_create(NULL, 1, 1, NULL)));
	passes(CHECK_OK(ipcx_event_create(NULL, 1, NULL)));
	passes(CHECK_OK(ipcx_region_create(NULL, 1, NULL)));
	passes(CHECK_OK(ipcx_queue_create(NULL, NULL, NULL)));
	CHECK_OK(ipcx_stream_pipe(stream, 0));
	passes(stream[0]);
	passes(stream[1]);
	passes(open(IPCX_DEVICE, O_RDWR));
	passes(open("/proc/self/status", O_RDONLY));
	passes(open("/", O_RDONLY | O_DIRECTORY));
	passes(memfd_create("m", 0));
	passes(epoll_create1(0));
	passes(syscall(SYS_pidfd_open, getpid(), 0));
	passes(socket(AF_INET, SOCK_STREAM, 0));
	passes(socket(AF_NETLINK, SOCK_RAW, 0));
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	CHECK_ERR(send_fd(new_queue(), 1, sockets[0]), EOPNOTSUPP);
}

/* The last writer of a stream may be in a message. */
TEST(end_of_a_stream_in_a_message)
{
	int q = new_queue(), s[2];
	char c;

	CHECK_OK(ipcx_stream_pipe(s, 0));
	CHECK_OK(send_fd(q, 1, s[1]));
	close(s[1]);
	CHECK_EQ(write(recv_fd_of(q, 1), "x", 1), 1);
	CHECK_EQ(read(s[0], &c, 1), 1);
	CHECK_OK(send_fd(q, 2, s[0]));
	CHECK_EQ(ipcx_queue_purge(q, NULL), 1);
	CHECK_SYS(fcntl(s[0], F_SETFL, O_NONBLOCK));
	CHECK_SYS_ERR(read(s[0], &c, 1), EAGAIN);
}

static int maps_for_reading_only(void *arg)
{
	int fd = recv_fd_of(*(int *)arg, 5);
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED);
	CHECK_STR(p, "shared");
	CHECK_SYS_ERR(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, EACCES);
	CHECK_ERR(ipcx_restrict(fd, IPCX_READ | IPCX_WRITE), EACCES);
	CHECK_SYS_ERR(write(fd, "x", 1), EBADF);
	return 0;
}

/* A region with fewer rights, to another user: that is what it gets. */
TEST(region_with_fewer_rights)
{
	int q = new_queue(), r = CHECK_OK(ipcx_region_create(NULL, PAGE, NULL)), ro;
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, r, 0);

	NEED_ROOT();
	CHECK(p != MAP_FAILED);
	strcpy(p, "shared");
	ro = CHECK_OK(ipcx_restrict(r, IPCX_READ));
	CHECK_OK(send_fd(q, 5, ro));
	close(ro);
	CHECK_EXITS(spawn_as(TEST_UID_NOBODY, maps_for_reading_only, &q), 0);
}

/* A queue passed over a socket, with descriptors in its messages. */
TEST(queue_over_a_socket)
{
	int q = new_queue(), r = send_pipe(q, 3), sockets[2], fd;
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = {};
	char c = 0;
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &q, sizeof(q));
	CHECK_EQ(sendmsg(sockets[0], &msg, 0), 1);
	close(q);
	CHECK(!at_end(r));
	CHECK_EQ(recvmsg(sockets[1], &msg, 0), 1);
	memcpy(&q, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(q));
	fd = recv_fd_of(q, 3);
	close(fd);
	CHECK(at_end(r));

	/* and when the socket goes with the queue in it */
	r = send_pipe(q, 4);
	memcpy(CMSG_DATA(cmsg), &q, sizeof(q));
	CHECK_EQ(sendmsg(sockets[0], &msg, 0), 1);
	close(q);
	CHECK(!at_end(r));
	close(sockets[0]);
	close(sockets[1]);
	CHECK_SOON(at_end(r));
}
