// SPDX-License-Identifier: GPL-2.0
/*
 * No circles: a queue never contains itself, directly or through others, nor something that could contain it in a
 * way that nobody can follow.  Were one closed, its memory and files could never be freed, nor the module removed.
 * And queues that are in each other, however deep, go when the outermost goes.
 *
 * timeout: 240
 */
#include "fds-test.h"

#include <linux/io_uring.h>

TEST(itself)
{
	int q = new_queue(), r = CHECK_OK(ipcx_restrict(q, IPCX_READ)), d = dup(q), p[2];

	make_pipe(p);
	CHECK_ERR(send_fd(q, 1, q), ELOOP);
	/* another descriptor, another open file: it is the same queue */
	CHECK_ERR(send_fd(q, 1, r), ELOOP);
	CHECK_ERR(send_fd(q, 1, d), ELOOP);
	CHECK_ERR(send_fds(q, 1, (int[]){ p[0], new_queue(), r }, 3), ELOOP);
	CHECK_EQ(stat_of(q).sent, 0);
	CHECK_EQ(in_flight(q), 0);
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	CHECK_SYS_ERR(write(p[1], "x", 1), EPIPE);
}

TEST(two)
{
	int a = new_queue(), b = new_queue(), r = CHECK_OK(ipcx_restrict(a, IPCX_READ));

	CHECK_OK(send_fd(a, 1, b));
	CHECK_ERR(send_fd(b, 1, a), ELOOP);
	CHECK_ERR(send_fd(b, 1, r), ELOOP);
	/* again in the same direction is none */
	CHECK_OK(send_fd(a, 2, b));
	CHECK_ERR(send_fd(b, 1, a), ELOOP);
	close(recv_fd_of(a, 1));
	CHECK_ERR(send_fd(b, 1, a), ELOOP);
	close(recv_fd_of(a, 2));
	/* none in flight any more: now the other way round */
	CHECK_OK(send_fd(b, 1, a));
	CHECK_ERR(send_fd(a, 1, b), ELOOP);
	CHECK_EQ(ipcx_queue_purge(b, NULL), 1);
	CHECK_OK(send_fd(a, 1, b));
}

TEST(three)
{
	int a = new_queue(), b = new_queue(), c = new_queue();

	CHECK_OK(send_fd(a, 1, b));
	CHECK_OK(send_fd(b, 1, c));
	CHECK_ERR(send_fd(c, 1, a), ELOOP);
	CHECK_ERR(send_fd(b, 1, a), ELOOP);
	CHECK_ERR(send_fd(c, 1, b), ELOOP);
	/* a second way is no circle */
	CHECK_OK(send_fd(a, 2, c));
	close(recv_fd_of(b, 1));
	CHECK_ERR(send_fd(c, 1, a), ELOOP);
	close(recv_fd_of(a, 1));
	close(recv_fd_of(a, 2));
	CHECK_OK(send_fd(c, 1, a));
	CHECK_OK(send_fd(a, 1, b));
	CHECK_ERR(send_fd(b, 1, c), ELOOP);
}

/* A plain receive, a truncated one, and one that fails: what is closed is no way any more, what stays is. */
TEST(ways_that_end_otherwise)
{
	int a = new_queue(), b = new_queue(), fd;
	unsigned int nr;
	uint64_t value;

	CHECK_OK(send_fd(a, 1, b));
	CHECK_RECV(a, ANY, 1);
	CHECK_OK(send_fd(b, 1, a));
	nr = 0;
	CHECK_ERR(recv_fds_flags(b, &value, &fd, &nr, 0), EMSGSIZE);
	CHECK_ERR(send_fd(a, 1, b), ELOOP);
	nr = 1;
	CHECK_ERR(recv_fds_flags(b, &value, NULL, &nr, 0), EFAULT);
	CHECK_ERR(send_fd(a, 1, b), ELOOP);
	nr = 0;
	CHECK_OK(recv_fds_flags(b, &value, NULL, &nr, IPCX_RECV_TRUNCATE));
	CHECK_OK(send_fd(a, 1, b));
	CHECK_OK(ipcx_shutdown(b, IPCX_SHUT_SEND));
	CHECK_ERR(send_fd(b, 1, a), ELOOP);
}

/* A diamond of 2^20 ways: each queue is looked at once. */
TEST(many_ways)
{
	enum { DEPTH = 20 };
	int q[DEPTH], i, outer = new_queue();

	for (i = 0; i < DEPTH; i++)
		q[i] = new_queue();
	for (i = 0; i + 1 < DEPTH; i++)
		CHECK_OK(send_fds(q[i], 1, (int[]){ q[i + 1], q[i + 1] }, 2));
	CHECK_OK(send_fd(outer, 1, q[DEPTH - 1]));
	CHECK_ERR(send_fd(q[DEPTH - 1], 1, q[0]), ELOOP);
	CHECK_ERR(send_fd(q[DEPTH - 1], 1, outer), ELOOP);
	CHECK_OK(send_fd(outer, 2, q[0]));
}

/* ---- senders that wait for room ---- */

struct sender {
	int q, fd, ret;
	uint64_t timeout;
	struct test_thread t;
};

static int sender_main(void *arg)
{
	struct sender *s = arg;
	struct ipcx_msg msg = msg_of("way", 3, 1, 0);

	s->ret = ipcx_queue_send_fds(s->q, &msg, &s->fd, 1, 0, s->timeout);
	return 0;
}

static void start(struct sender *s, int q, int fd, uint64_t timeout)
{
	*s = (struct sender){ .q = q, .fd = fd, .timeout = timeout };
	thread_start(&s->t, sender_main, s);
}

static int full_queue(void)
{
	int q = make_queue(1, 0, 0);

	CHECK_OK(send_value(q, 1, 0, 1));
	return q;
}

/* The way is there from when its sender begins to wait: who would close the circle meanwhile fails. */
TEST(a_way_that_waits_for_room)
{
	int a = full_queue(), b = new_queue(), fd;
	struct sender s;

	start(&s, a, b, ipcx_after_ms(TEST_SOON_MS));
	CHECK_SOON(stat_of(a).nr_senders == 1);
	CHECK_ERR(send_fd(b, 1, a), ELOOP);
	CHECK_RECV(a, ANY, 1);
	CHECK_EQ(thread_join(&s.t), 0);
	CHECK_OK(s.ret);
	CHECK_ERR(send_fd(b, 1, a), ELOOP);
	last_msg = ipcx_msg(NULL, 0);
	CHECK_OK(ipcx_queue_recv_fds(a, &last_msg, &fd, &(unsigned int){ 1 }, NULL, IPCX_RECV_TRUNCATE, 0));
	CHECK_OK(send_fd(b, 1, a));
}

TEST(a_way_that_has_waited_in_vain)
{
	int a = full_queue(), b = full_queue();
	struct sender s;

	start(&s, a, b, ipcx_after_ms(100));
	CHECK_EQ(thread_join(&s.t), 0);
	CHECK_ERR(s.ret, ETIMEDOUT);
	start(&s, b, a, ipcx_after_ms(100));
	CHECK_EQ(thread_join(&s.t), 0);
	CHECK_ERR(s.ret, ETIMEDOUT);
	CHECK_ERR(send_fd(a, 1, b), EAGAIN);
	CHECK_ERR(send_fd(b, 1, a), EAGAIN);
}

/* Two wait at once, at both ends of the circle, for room that comes later: only the first may. */
TEST(both_ends_wait)
{
	int a = full_queue(), b = full_queue();
	struct sender s1, s2;

	start(&s1, a, b, ipcx_after_ms(TEST_SOON_MS));
	CHECK_SOON(stat_of(a).nr_senders == 1);
	start(&s2, b, a, ipcx_after_ms(TEST_SOON_MS));
	CHECK_EQ(thread_join(&s2.t), 0);
	CHECK_ERR(s2.ret, ELOOP);
	CHECK_RECV(a, ANY, 1);
	CHECK_EQ(thread_join(&s1.t), 0);
	CHECK_OK(s1.ret);
}

static pthread_barrier_t barrier;

static int racer_main(void *arg)
{
	struct sender *s = arg;

	pthread_barrier_wait(&barrier);
	return sender_main(s);
}

/* At the same moment from both ends, over and over: never both, and one of them always can. */
TEST(both_ends_race)
{
	int i, j, nr_loops = 0;
	uint64_t before = own_account();

	for (i = 0; i < 100; i++) {
		int q[3] = { new_queue(), new_queue(), new_queue() }, ok = 0;
		struct sender s[3];

		pthread_barrier_init(&barrier, NULL, 3);
		for (j = 0; j < 3; j++) {
			s[j] = (struct sender){ .q = q[j], .fd = q[(j + 1) % 3], .timeout = IPCX_FOREVER };
			thread_start(&s[j].t, racer_main, &s[j]);
		}
		for (j = 0; j < 3; j++) {
			CHECK_EQ(thread_join(&s[j].t), 0);
			ok += !s[j].ret;
			nr_loops += s[j].ret == -ELOOP;
			CHECK(!s[j].ret || s[j].ret == -ELOOP);
		}
		CHECK_EQ(ok, 2);
		for (j = 0; j < 3; j++)
			close(q[j]);
	}
	CHECK_EQ(nr_loops, 100);
	CHECK_SOON(user_charged() == before);
}

/* ---- what holds files itself ---- */

TEST(sockets_of_this_machine)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	int q = new_queue(), s[2], p[2];
	size_t i;

	make_pipe(p);
	for (i = 0; i < 3; i++) {
		CHECK_SYS(socketpair(AF_UNIX, types[i], 0, s));
		CHECK_ERR(send_fd(q, 1, s[0]), EOPNOTSUPP);
		CHECK_ERR(send_fds(q, 1, (int[]){ p[0], s[1], p[1] }, 3), EOPNOTSUPP);
		CHECK_ERR(send_fd(q, 1, CHECK_SYS(socket(AF_UNIX, types[i], 0))), EOPNOTSUPP);
	}
	CHECK_EQ(stat_of(q).sent, 0);
	CHECK_EQ(in_flight(q), 0);
	close(p[1]);
	CHECK(at_end(p[0]));
}

TEST(io_uring)
{
	struct io_uring_params params = {};
	int ring = syscall(SYS_io_uring_setup, 2, &params), q = new_queue(), p[2];

	if (ring < 0 && (errno == ENOSYS || errno == EPERM))
		SKIP("no io_uring");
	CHECK_SYS(ring);
	CHECK_ERR(send_fd(q, 1, ring), EOPNOTSUPP);
	/* a file of that name is none */
	make_pipe(p);
	CHECK_SYS(chdir("/tmp"));
	p[0] = CHECK_SYS(open("[io_uring]", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	unlink("[io_uring]");
	CHECK_OK(send_fd(q, 1, p[0]));
	p[0] = CHECK_SYS(memfd_create("[io_uring]", 0));
	CHECK_OK(send_fd(q, 1, p[0]));
}

TEST(wait_set)
{
	struct ipcx_wait_set_create create = { .create.size = sizeof(create) };
	int dev = CHECK_SYS(open(IPCX_DEVICE, O_RDWR)), set;
	struct ipcx_query query;

	CHECK_OK(ipcx_query(&query));
	if (!(query.features & IPCX_FEATURE_WAIT))
		SKIP("no wait sets");
	set = CHECK_OK(call(dev, IPCX_WAIT_SET_CREATE, &create));
	CHECK_ERR(send_fd(new_queue(), 1, set), EOPNOTSUPP);
}

TEST(broadcast_queue)
{
	struct ipcx_queue_create create = { .create = { .size = sizeof(create), .flags = IPCX_QUEUE_BROADCAST } };
	int dev = CHECK_SYS(open(IPCX_DEVICE, O_RDWR)), q, fd;
	struct ipcx_query query;
	unsigned int nr = 1;
	uint64_t value;

	CHECK_OK(ipcx_query(&query));
	if (!(query.features & IPCX_FEATURE_BROADCAST))
		SKIP("no broadcast");
	q = CHECK_OK(call(dev, IPCX_QUEUE_CREATE, &create));
	CHECK_ERR(send_fd(q, 1, 0), EOPNOTSUPP);
	CHECK_ERR(recv_fds_flags(q, &value, &fd, &nr, 0), EOPNOTSUPP);
	/* but it may be in a message */
	CHECK_OK(send_fd(new_queue(), 1, q));
}

/* Names keep queues: a namespace that only lives in one of these would keep itself. */
TEST(the_device_of_another_namespace)
{
	int q = new_queue(), dev = CHECK_SYS(open(IPCX_DEVICE, O_RDWR));

	NEED_ROOT();
	CHECK_OK(send_fd(q, 1, dev));
	CHECK_SYS(unshare(CLONE_NEWNET));
	CHECK_OK(send_fd(q, 2, dev));
	dev = CHECK_SYS(open(IPCX_DEVICE, O_RDWR));
	CHECK_ERR(send_fd(q, 3, dev), EOPNOTSUPP);
}

/* ---- queues in queues go with the outermost ---- */

TEST(last_descriptor_in_a_message)
{
	uint64_t before = own_account();
	int a = new_queue(), b = new_queue(), r = send_pipe(b, 1);

	CHECK_OK(send_fd(a, 1, b));
	close(b);
	CHECK(!at_end(r));
	/* out again, and with everything in it */
	b = recv_fd_of(a, 1);
	CHECK_OK(send_fd(a, 2, b));
	close(b);
	close(a);
	CHECK_SOON(at_end(r));
	CHECK_SOON(user_charged() == before);
}

#define CHAIN		1500
#define CHAIN_MS	50000	/* on a slow machine */

static void raise_limit(void)
{
	struct rlimit l = { 8192, 8192 };

	CHECK_SYS(setrlimit(RLIMIT_NOFILE, &l));
}

/* Each in the next: @from_inside, the first holds a pipe and goes into the second; or else the other way round. */
static int chain(bool from_inside, int *outermost)
{
	int inner, outer, r, i;

	if (from_inside) {
		inner = new_queue();
		r = send_pipe(inner, 1);
		for (i = 1; i < CHAIN; i++) {
			outer = new_queue();
			CHECK_OK(send_fd(outer, 1, inner));
			close(inner);
			inner = outer;
		}
		*outermost = inner;
		return r;
	}
	*outermost = outer = new_queue();
	for (i = 1; i < CHAIN; i++) {
		inner = new_queue();
		CHECK_OK(send_fd(outer, 1, inner));
		if (outer != *outermost)
			close(outer);
		outer = inner;
	}
	r = send_pipe(inner, 1);
	close(inner);
	return r;
}

TEST_LIMIT(a_long_chain_is_freed, 3 * CHAIN_MS)
{
	uint64_t before = own_account();
	int outermost, r, i;

	raise_limit();
	for (i = 0; i < 2; i++) {
		r = chain(i, &outermost);
		CHECK(!at_end(r));
		CHECK_EQ(in_flight(outermost), 1);
		close(outermost);
		CHECK(wait_until(at_end(r), CHAIN_MS));
		CHECK(wait_until(user_charged() == before, CHAIN_MS));
		close(r);
	}
}

static int chain_of_a_dying_process(void *arg)
{
	int outermost;

	(void)arg;
	raise_limit();
	chain(true, &outermost);
	kill(getpid(), SIGKILL);
	return 1;
}

TEST_LIMIT(a_long_chain_goes_with_its_process, 2 * CHAIN_MS)
{
	uint64_t before = own_account();

	int status = wait_child(spawn(chain_of_a_dying_process, NULL), CHAIN_MS);

	CHECK(status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(wait_until(user_charged() == before, CHAIN_MS));
}

/* Whoever is at the other end of a long chain is found there; beyond what is looked at, it is refused. */
TEST(a_circle_through_a_long_chain)
{
	int q[1000], outer = new_queue(), i;
	uint64_t before = own_account();

	raise_limit();
	for (i = 0; i < 1000; i++)
		q[i] = new_queue();
	for (i = 1; i < 1000; i++)
		CHECK_OK(send_fd(q[i - 1], 1, q[i]));
	CHECK_OK(send_fd(outer, 1, q[999]));
	CHECK_ERR(send_fd(q[999], 1, q[0]), ELOOP);
	close(recv_fd_of(q[500], 1));
	CHECK_OK(send_fd(q[999], 1, q[0]));
	CHECK_ERR(send_fd(q[500], 1, q[501]), ELOOP);
	for (i = 0; i < 1000; i++)
		close(q[i]);
	close(outer);
	CHECK_SOON(user_charged() == before);
}
