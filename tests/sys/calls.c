// SPDX-License-Identifier: GPL-2.0
/*
 * Calls: each gets its own reply or a defined error, whatever becomes of caller, server or queue.  Were it broken, a
 * reply would reach somebody else, or a caller would wait for ever for a server that has gone.
 */
#include "object.h"

/* A caller in a thread or process of its own. */
struct caller {
	int fd;
	uint64_t timeout;
	unsigned int flags;
	char text[16];
	char answer[64];
	struct ipcx_msg reply;
	struct test_thread t;
};

static int call_main(void *arg)
{
	struct caller *c = arg;
	struct ipcx_msg msg = ipcx_msg(c->text, strlen(c->text));

	c->reply = ipcx_msg(c->answer, sizeof(c->answer));
	return ipcx_queue_call(c->fd, &msg, &c->reply, c->flags, c->timeout);
}

static int call_child(void *arg)
{
	return -call_main(arg);
}

static struct ipcx_queue_stat queue_state(int q)
{
	struct ipcx_queue_stat st;

	POISON(st);
	CHECK_OK(ipcx_queue_stat(q, &st));
	return st;
}

static void prepare(struct caller *c, int q, const char *text)
{
	*c = (struct caller){ .fd = q, .timeout = IPCX_FOREVER };
	strcpy(c->text, text);
}

/* Starts a call, and returns when its message is in the queue. */
static void start_call(struct caller *c, int q, const char *text)
{
	unsigned int before = queue_state(q).nr_msgs;

	prepare(c, q, text);
	thread_start(&c->t, call_main, c);
	CHECK_SOON(queue_state(q).nr_msgs == before + 1);
}

/* Takes one call; its text goes to @text. */
static uint64_t take(int q, char *text)
{
	struct ipcx_msg msg = ipcx_msg(text, 16);
	uint64_t call = 0;

	memset(text, 0, 16);
	CHECK_OK(ipcx_queue_serve(q, &call, NULL, &msg, 0, ipcx_after_ms(TEST_SOON_MS)));
	CHECK_EQ(!!call, !!(msg.flags & IPCX_MSG_CALL));
	return call;
}

static int answer(int q, uint64_t call, const char *text)
{
	struct ipcx_msg msg = ipcx_msg(text, strlen(text));

	return ipcx_queue_reply(q, call, &msg);
}

TEST(a_call_gets_its_reply)
{
	int q = queue();
	struct caller c;
	char text[16];
	uint64_t call;

	start_call(&c, q, "ping");
	call = take(q, text);
	CHECK_STR(text, "ping");
	CHECK_EQ(queue_state(q).nr_calls, 1);
	CHECK_EQ(queue_state(q).nr_msgs, 0);
	CHECK_EQ(ipcx_queue_call_wanted(q, call), 1);
	CHECK_OK(answer(q, call, "pong"));
	CHECK_EQ(thread_join(&c.t), 0);
	CHECK_EQ(c.reply.len, 4);
	CHECK_MEM(c.answer, "pong", 4);
	CHECK_EQ(c.reply.pid, getpid());
	CHECK_EQ(c.reply.uid, geteuid());
	CHECK_EQ(queue_state(q).nr_calls, 0);
	/* once */
	CHECK_ERR(answer(q, call, "pong"), ECANCELED);
	CHECK_EQ(ipcx_queue_call_wanted(q, call), 0);
}

/* A server's loop: reply and take the next in one call; echoes until the text is "end". */
static int echo_server(void *arg)
{
	int q = *(int *)arg;
	char buf[64];
	uint64_t call = 0;
	struct ipcx_msg msg = ipcx_msg(buf, sizeof(buf)), reply;
	int ret = ipcx_queue_serve(q, &call, NULL, &msg, 0, IPCX_FOREVER);

	while (!ret && call && !(msg.len == 3 && !memcmp(buf, "end", 3))) {
		reply = ipcx_msg(buf, msg.len);
		msg = ipcx_msg(buf, sizeof(buf));
		ret = ipcx_queue_serve(q, &call, &reply, &msg, 0, IPCX_FOREVER);
	}
	return ret ? -ret : answer(q, call, "bye") != 0;
}

TEST(many_callers_and_servers)
{
	enum { SERVERS = 3, CALLERS = 4, EACH = 200 };
	pid_t servers[SERVERS], callers[CALLERS];
	int q = queue();

	for (int i = 0; i < SERVERS; i++)
		servers[i] = spawn(echo_server, &q);
	for (int i = 0; i < CALLERS; i++) {
		callers[i] = fork();
		if (callers[i])
			continue;
		for (int n = 0; n < EACH; n++) {
			struct caller c;

			prepare(&c, q, "");
			snprintf(c.text, sizeof(c.text), "%d-%d", i, n);
			CHECK_EQ(call_main(&c), 0);
			CHECK_EQ(c.reply.len, strlen(c.text));
			CHECK_MEM(c.answer, c.text, strlen(c.text));
		}
		_exit(0);
	}
	for (int i = 0; i < CALLERS; i++)
		CHECK_EXITS(callers[i], 0);
	for (int i = 0; i < SERVERS; i++) {
		struct caller c;

		prepare(&c, q, "end");
		CHECK_EQ(call_main(&c), 0);
		CHECK_MEM(c.answer, "bye", 3);
	}
	for (int i = 0; i < SERVERS; i++)
		CHECK_EXITS(servers[i], 0);
	CHECK_EQ(queue_state(q).nr_calls, 0);
}

TEST(replies_in_another_order)
{
	int q = queue();
	struct caller c[3];
	uint64_t call[3];
	char text[3][16];

	start_call(&c[0], q, "a");
	start_call(&c[1], q, "b");
	start_call(&c[2], q, "c");
	for (int i = 0; i < 3; i++)
		call[i] = take(q, text[i]);
	for (int i = 2; i >= 0; i--)
		CHECK_OK(answer(q, call[i], text[i]));
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(thread_join(&c[i].t), 0);
		CHECK_MEM(c[i].answer, c[i].text, 1);
	}
}

TEST(numbers_that_are_nobodys)
{
	int q = queue(), other = queue();
	struct caller c;
	char text[16];
	uint64_t call;

	start_call(&c, q, "x");
	call = take(q, text);
	CHECK_ERR(answer(other, call, "no"), EINVAL);
	CHECK_ERR(answer(q, call + 1, "no"), EINVAL);
	CHECK_ERR(answer(q, UINT64_MAX, "no"), EINVAL);
	CHECK_ERR(answer(q, 0, "no"), EINVAL);
	CHECK_OK(answer(q, call, "yes"));
	CHECK_EQ(thread_join(&c.t), 0);
	CHECK_MEM(c.answer, "yes", 3);
}

TEST(plain_messages_among_calls)
{
	int q = queue();
	struct caller c;
	char text[16];
	uint64_t call;

	CHECK_OK(ipcx_queue_send(q, "plain", 5));
	start_call(&c, q, "call");
	CHECK_EQ(take(q, text), 0);
	CHECK_STR(text, "plain");
	call = take(q, text);
	CHECK(call);
	CHECK_OK(answer(q, call, ""));
	CHECK_EQ(thread_join(&c.t), 0);
	CHECK_EQ(c.reply.len, 0);
}

TEST(the_time_passes_before_it_is_taken)
{
	int q = queue();
	struct caller c;

	prepare(&c, q, "late");
	c.timeout = ipcx_after_ms(30);
	CHECK_ERR(call_main(&c), ETIMEDOUT);
	/* the message has left the queue */
	CHECK_EQ(queue_state(q).nr_msgs, 0);
	CHECK_EQ(queue_state(q).bytes, 0);
	CHECK_ERR(ipcx_queue_recv_msg(q, &c.reply, NULL, IPCX_NOWAIT, 0), EAGAIN);
}

/* From the beginning, the middle and the end of others', of one type and of several. */
/* Of several types, and the first of its own. */
TEST(the_first_of_its_type_leaves)
{
	int q = queue();
	struct caller c;
	char buf[16];
	struct ipcx_msg msg = ipcx_msg("2", 2);

	msg.type = 2;
	CHECK_OK(ipcx_queue_send_msg(q, &msg, 0, IPCX_FOREVER));
	msg.type = 3;
	CHECK_OK(ipcx_queue_send_msg(q, &msg, 0, IPCX_FOREVER));
	for (int i = 0; i < 3; i++) {
		prepare(&c, q, "late");
		c.timeout = 0;
		CHECK_ERR(call_main(&c), ETIMEDOUT);
		msg = ipcx_msg(buf, sizeof(buf));
		CHECK_ERR(ipcx_queue_recv_msg(q, &msg, &(struct ipcx_select){ IPCX_SELECT_TYPE, 1 }, IPCX_NOWAIT, 0), EAGAIN);
	}
	for (unsigned int type = 2; type <= 3; type++) {
		msg = ipcx_msg(buf, sizeof(buf));
		CHECK_OK(ipcx_queue_recv_msg(q, &msg, NULL, IPCX_NOWAIT, 0));
		CHECK_EQ(msg.type, type);
	}
	CHECK_EQ(queue_state(q).nr_msgs, 0);
}

TEST(a_message_leaves_from_anywhere)
{
	int q = queue();

	for (unsigned int place = 0; place < 9; place++) {
		for (unsigned int types = 1; types < 4; types++) {
			char buf[16];
			struct ipcx_msg msg;

			for (unsigned int i = 0; i < 8; i++) {
				if (i == place) {
					struct caller c;

					prepare(&c, q, "late");
					c.timeout = 0;
					CHECK_ERR(call_main(&c), ETIMEDOUT);
				}
				snprintf(buf, sizeof(buf), "%u", i);
				msg = ipcx_msg(buf, 2);
				msg.type = 1 + i % types;
				CHECK_OK(ipcx_queue_send_msg(q, &msg, 0, IPCX_FOREVER));
			}
			CHECK_EQ(queue_state(q).nr_msgs, 8);
			for (unsigned int i = 0; i < 8; i++) {
				msg = ipcx_msg(buf, sizeof(buf));
				CHECK_OK(ipcx_queue_recv_msg(q, &msg, NULL, IPCX_NOWAIT, 0));
				CHECK_EQ(atoi(buf), i);
			}
		}
	}
}

TEST(its_room_is_given_to_who_waits)
{
	struct ipcx_queue_limits limits = { .max_msgs = 1 };
	int q = CHECK_OK(ipcx_queue_create(NULL, &limits, NULL));
	struct caller first, second;
	char text[16];
	uint64_t call;

	prepare(&first, q, "first");
	first.timeout = ipcx_after_ms(1500);
	thread_start(&first.t, call_main, &first);
	CHECK_SOON(queue_state(q).nr_msgs == 1);
	prepare(&second, q, "second");
	thread_start(&second.t, call_main, &second);
	CHECK_SOON(queue_state(q).nr_senders == 1);
	CHECK_EQ(thread_join(&first.t), -ETIMEDOUT);
	call = take(q, text);
	CHECK_STR(text, "second");
	CHECK_OK(answer(q, call, "ok"));
	CHECK_EQ(thread_join(&second.t), 0);
}

TEST(the_time_passes_after_it_was_taken)
{
	int q = queue();
	struct caller c;
	char text[16];
	uint64_t call;

	prepare(&c, q, "slow");
	c.timeout = ipcx_after_ms(1000);
	thread_start(&c.t, call_main, &c);
	call = take(q, text);
	CHECK_EQ(thread_join(&c.t), -ETIMEDOUT);
	/* nothing of it is left, and the server learns of it */
	CHECK_EQ(queue_state(q).nr_calls, 0);
	CHECK_EQ(ipcx_queue_call_wanted(q, call), 0);
	CHECK_ERR(answer(q, call, "too late"), ECANCELED);
	CHECK_ERR(answer(q, call, "too late"), ECANCELED);
	CHECK_ERR(answer(q, call + 1, "too late"), EINVAL);
}

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

/* Returns when the handler has run. */
static void interrupt(const struct caller *c)
{
	signals = 0;
	CHECK_SYS(syscall(SYS_tgkill, getpid(), c->t.tid, SIGUSR1));
	CHECK_SOON(signals == 1);
}

TEST(a_signal_before_it_is_taken)
{
	struct sigaction sa = { .sa_handler = on_signal };
	int q = queue();
	struct caller c;

	CHECK_SYS(sigaction(SIGUSR1, &sa, NULL));
	start_call(&c, q, "a");
	CHECK_BLOCKS(c.t.tid);
	interrupt(&c);
	CHECK_EQ(thread_join(&c.t), -EINTR);
	CHECK_EQ(queue_state(q).nr_msgs, 0);
	CHECK_EQ(queue_state(q).purged, 1);
}

/* With SA_RESTART it is sent again, as if nothing had happened. */
TEST(a_signal_that_restarts_it)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	int q = queue();
	struct caller c;
	char text[16];

	CHECK_SYS(sigaction(SIGUSR1, &sa, NULL));
	start_call(&c, q, "b");
	CHECK_BLOCKS(c.t.tid);
	interrupt(&c);
	CHECK_SOON(queue_state(q).sent == 2 && queue_state(q).nr_msgs == 1);
	CHECK_BLOCKS(c.t.tid);
	CHECK_OK(answer(q, take(q, text), "ok"));
	CHECK_STR(text, "b");
	CHECK_EQ(thread_join(&c.t), 0);
}

/* Once it was taken it has had an effect: it is not sent again, whatever the handler wants, and the server is told. */
TEST(a_signal_after_it_was_taken)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	int q = queue();
	struct caller c;
	char text[16];
	uint64_t call;

	CHECK_SYS(sigaction(SIGUSR1, &sa, NULL));
	start_call(&c, q, "c");
	call = take(q, text);
	CHECK_BLOCKS(c.t.tid);
	interrupt(&c);
	CHECK_EQ(thread_join(&c.t), -EINTR);
	CHECK_EQ(queue_state(q).sent, 1);
	CHECK_EQ(queue_state(q).nr_msgs, 0);
	CHECK_EQ(queue_state(q).nr_calls, 0);
	CHECK_EQ(ipcx_queue_call_wanted(q, call), 0);
	CHECK_ERR(answer(q, call, "x"), ECANCELED);
}

static int serve_fd;

static int serve_main(void *arg)
{
	struct ipcx_queue_serve *serve = arg;

	return ioctl(serve_fd, IPCX_QUEUE_SERVE, serve) ? -errno : 0;
}

/* A server that has replied and waits for more has had an effect, too: it would reply again, and believe the second answer. */
TEST(a_signal_after_a_reply)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct ipcx_queue_serve serve = { .size = sizeof(serve), .timeout = IPCX_FOREVER };
	struct test_thread t = {};
	int q = queue();
	struct caller c;
	char text[16];

	CHECK_SYS(sigaction(SIGUSR1, &sa, NULL));
	serve_fd = q;
	start_call(&c, q, "c");
	serve.call = take(q, text);
	serve.reply = ipcx_msg("ok", 2);
	serve.msg = ipcx_msg(text, sizeof(text));
	POISON(serve.replied);
	thread_start(&t, serve_main, &serve);
	CHECK_EQ(thread_join(&c.t), 0);
	CHECK_SOON(queue_state(q).nr_receivers == 1);
	CHECK_BLOCKS(t.tid);
	CHECK_EQ(pthread_kill(t.thread, SIGUSR1), 0);
	CHECK_EQ(thread_join(&t), -EINTR);
	CHECK_EQ(serve.replied, 1);
}

/* Whoever takes calls and never answers does not fill the kernel with them. */
TEST(calls_that_nobody_answers_leave_nothing_behind)
{
	struct sigaction sa = { .sa_handler = on_signal };
	uint64_t before = 0;
	int q = queue();
	struct caller c;
	char text[16];

	CHECK_SYS(sigaction(SIGUSR1, &sa, NULL));
	for (int i = 0; i < 20; i++) {
		start_call(&c, q, "x");
		take(q, text);
		interrupt(&c);
		CHECK_EQ(thread_join(&c.t), -EINTR);
		CHECK_EQ(queue_state(q).nr_calls, 0);
		if (!i)
			before = object_stat(q).charged;
	}
	CHECK_LE(object_stat(q).charged, before + 1024);
}

TEST(a_caller_that_is_killed)
{
	int q = queue();
	struct caller c;
	char text[16];
	uint64_t call;
	pid_t pid;

	prepare(&c, q, "dies");
	pid = spawn(call_child, &c);
	CHECK_SOON(queue_state(q).nr_msgs == 1);
	CHECK_SYS(kill(pid, SIGKILL));
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_EQ(queue_state(q).nr_msgs, 0);

	pid = spawn(call_child, &c);
	call = take(q, text);
	CHECK_SYS(kill(pid, SIGKILL));
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_EQ(ipcx_queue_call_wanted(q, call), 0);
	CHECK_ERR(answer(q, call, "x"), ECANCELED);
}

static int take_and_hang(void *arg)
{
	char text[16];

	take(*(int *)arg, text);
	return hang();
}

/* The file is shared with the parent and stays open: the process that took the call is what counts. */
TEST(a_server_that_is_killed)
{
	int q = queue();
	struct caller c;
	pid_t pid = spawn(take_and_hang, &q);

	prepare(&c, q, "x");
	thread_start(&c.t, call_main, &c);
	CHECK_SOON(queue_state(q).nr_calls == 1);
	CHECK_BLOCKS(c.t.tid);
	CHECK_SYS(kill(pid, SIGKILL));
	CHECK_EQ(thread_join(&c.t), -ECONNRESET);
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_EQ(queue_state(q).nr_calls, 0);
}

static int take_and_exec(void *arg)
{
	char text[16];

	take(*(int *)arg, text);
	execlp("sleep", "sleep", "100", NULL);
	return 1;
}

TEST(a_server_that_executes_another_program)
{
	int q = queue();
	struct caller c;
	pid_t pid = spawn(take_and_exec, &q);

	prepare(&c, q, "x");
	CHECK_EQ(call_main(&c), -ECONNRESET);
	kill(pid, SIGKILL);
}

TEST(the_server_closes_its_file)
{
	int q = queue(), server = CHECK_OK(ipcx_restrict(q, IPCX_READ));
	struct caller c;
	char text[16];

	start_call(&c, q, "x");
	take(server, text);
	close(server);
	CHECK_EQ(thread_join(&c.t), -ECONNRESET);
}

TEST(whoever_cannot_reply_ends_the_call)
{
	int q = queue();
	struct caller c;
	char text[16];
	struct ipcx_msg msg;

	start_call(&c, q, "x");
	msg = ipcx_msg(text, sizeof(text));
	CHECK_OK(ipcx_queue_recv_msg(q, &msg, NULL, IPCX_RECV_PEEK, 0));
	CHECK_EQ(msg.flags, IPCX_MSG_CALL);
	CHECK_BLOCKS(c.t.tid);
	msg = ipcx_msg(text, sizeof(text));
	CHECK_OK(ipcx_queue_recv_msg(q, &msg, NULL, 0, 0));
	CHECK_EQ(msg.flags, IPCX_MSG_CALL);
	CHECK_EQ(thread_join(&c.t), -ECONNRESET);

	start_call(&c, q, "y");
	CHECK_EQ(read(q, text, sizeof(text)), 1);
	CHECK_EQ(thread_join(&c.t), -ECONNRESET);

	start_call(&c, q, "z");
	CHECK_EQ(ipcx_queue_purge(q, NULL), 1);
	CHECK_EQ(thread_join(&c.t), -ECONNRESET);
}

TEST(shutdown_ends_calls)
{
	int q = queue();
	struct caller c, d;
	uint64_t taken;
	char text[16];

	start_call(&c, q, "taken");
	taken = take(q, text);
	start_call(&d, q, "queued");
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_RECV));
	CHECK_EQ(thread_join(&c.t), -EPIPE);
	CHECK_EQ(thread_join(&d.t), -EPIPE);
	CHECK_EQ(ipcx_queue_call_wanted(q, taken), 0);
	prepare(&c, q, "late");
	CHECK_ERR(call_main(&c), EPIPE);
}

TEST(calls_are_answered_after_a_shutdown_for_sending)
{
	int q = queue();
	struct caller c;
	char text[16];

	start_call(&c, q, "x");
	CHECK_OK(ipcx_shutdown(q, IPCX_SHUT_SEND));
	CHECK_OK(answer(q, take(q, text), "y"));
	CHECK_EQ(thread_join(&c.t), 0);
}

TEST(a_reply_that_is_too_large)
{
	char big[100] = "123456789";
	int q = queue();
	struct caller c;
	char text[16];
	struct ipcx_msg reply = ipcx_msg(big, sizeof(big));
	uint64_t call;

	start_call(&c, q, "x");
	/* larger than any message of this queue: the server is told, and can try again */
	reply.len = 1ull << 40;
	call = take(q, text);
	CHECK_ERR(ipcx_queue_reply(q, call, &reply), EMSGSIZE);
	reply.len = sizeof(big);
	CHECK_OK(ipcx_queue_reply(q, call, &reply));
	CHECK_EQ(thread_join(&c.t), -EMSGSIZE);
	CHECK_EQ(c.reply.len, 100);
	CHECK_EQ(c.answer[0], 0);

	prepare(&c, q, "x");
	c.flags = IPCX_RECV_TRUNCATE;
	thread_start(&c.t, call_main, &c);
	CHECK_OK(ipcx_queue_reply(q, take(q, text), &reply));
	CHECK_EQ(thread_join(&c.t), 0);
	CHECK_EQ(c.reply.len, 100);
	CHECK_EQ(c.reply.flags, IPCX_MSG_TRUNCATED);
	CHECK_MEM(c.answer, "123456789", 9);
}

TEST(a_server_that_cannot_keep_it_leaves_it)
{
	int q = queue();
	struct caller c;
	struct ipcx_queue_serve serve = { .size = sizeof(serve), .flags = IPCX_NOWAIT };
	char text[16];

	start_call(&c, q, "12345678");
	serve.msg.buf = BAD_PTR;
	serve.msg.len = 8;
	CHECK_ERR(call(q, IPCX_QUEUE_SERVE, &serve), EFAULT);
	serve.msg.buf = (uintptr_t)text;
	serve.msg.len = 4;
	CHECK_ERR(call(q, IPCX_QUEUE_SERVE, &serve), EMSGSIZE);
	CHECK_EQ(serve.msg.len, 8);
	CHECK_EQ(queue_state(q).nr_msgs, 1);
	CHECK_EQ(queue_state(q).nr_calls, 0);
	CHECK_OK(answer(q, take(q, text), "ok"));
	CHECK_EQ(thread_join(&c.t), 0);
}

static void cannot_be_told(int q, char *arg, char *read_only)
{
	struct ipcx_queue_serve *serve = (void *)arg;
	char text[16];

	*serve = (struct ipcx_queue_serve){ .size = sizeof(*serve), .flags = IPCX_NOWAIT };
	serve->msg = ipcx_msg(text, sizeof(text));
	serve->msg.type = 0;
	CHECK_SYS(mprotect(read_only, PAGE, PROT_READ));
	CHECK_ERR(call(q, IPCX_QUEUE_SERVE, serve), EFAULT);
	CHECK_SYS(mprotect(read_only, PAGE, PROT_READ | PROT_WRITE));
	CHECK_EQ(queue_state(q).nr_msgs, 1);
	CHECK_EQ(queue_state(q).nr_calls, 0);
}

/* The text can be written, but not the number, or not what else is told, which the end of a page divides. */
TEST(a_server_that_cannot_be_told_leaves_it)
{
	char *mem = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), text[16];
	size_t at;
	struct caller c;
	int q = queue();

	CHECK(mem != MAP_FAILED);
	start_call(&c, q, "12345678");
	for (at = 0; at <= offsetof(struct ipcx_queue_serve, replied); at += 8)
		cannot_be_told(q, mem + PAGE - at, mem + PAGE);
	for (at = offsetof(struct ipcx_queue_serve, reply); at < sizeof(struct ipcx_queue_serve); at += 8)
		cannot_be_told(q, mem + PAGE - at, mem);
	CHECK_OK(answer(q, take(q, text), "ok"));
	CHECK_EQ(thread_join(&c.t), 0);
}

/* What has become of a reply is told even if no other message comes. */
TEST(replied)
{
	int q = queue();
	struct ipcx_queue_serve serve = { .size = sizeof(serve), .flags = IPCX_NOWAIT };
	struct caller c;
	char text[16];

	start_call(&c, q, "x");
	serve.call = take(q, text);
	serve.reply = ipcx_msg("y", 1);
	serve.replied = 7;
	CHECK_ERR(call(q, IPCX_QUEUE_SERVE, &serve), EAGAIN);
	CHECK_EQ(serve.replied, 1);
	CHECK_EQ(thread_join(&c.t), 0);
	/* it has been replied to: nobody waits for it */
	serve.replied = 7;
	CHECK_ERR(call(q, IPCX_QUEUE_SERVE, &serve), EAGAIN);
	CHECK_EQ(serve.replied, 2);
	/* there has never been such a call */
	serve.call++;
	serve.replied = 7;
	CHECK_ERR(call(q, IPCX_QUEUE_SERVE, &serve), EINVAL);
	CHECK_EQ(serve.replied, 0);
	/* to a caller that has gone */
	prepare(&c, q, "x");
	c.timeout = ipcx_after_ms(1000);
	thread_start(&c.t, call_main, &c);
	serve.call = take(q, text);
	CHECK_EQ(thread_join(&c.t), -ETIMEDOUT);
	CHECK_ERR(call(q, IPCX_QUEUE_SERVE, &serve), EAGAIN);
	CHECK_EQ(serve.replied, 2);
}

TEST(arguments)
{
	struct ipcx_queue_call c = { .size = sizeof(c), .msg = ipcx_msg("x", 1), .timeout = 0 };
	struct ipcx_queue_serve s = { .size = sizeof(s), .flags = IPCX_NOWAIT };
	int q = queue(), r = CHECK_OK(ipcx_restrict(q, IPCX_READ)), w = CHECK_OK(ipcx_restrict(q, IPCX_WRITE));

	CHECK_ERR(call(r, IPCX_QUEUE_CALL, &c), EACCES);
	CHECK_ERR(call(w, IPCX_QUEUE_SERVE, &s), EACCES);
	CHECK_ERR(call(sem(0, 1), IPCX_QUEUE_CALL, &c), ENOTTY);
	c.flags = IPCX_NOWAIT;
	CHECK_ERR(call(q, IPCX_QUEUE_CALL, &c), EINVAL);
	c.flags = 0;
	c.msg.type = 0;
	CHECK_ERR(call(q, IPCX_QUEUE_CALL, &c), EINVAL);
	c.msg.type = 1;
	c.msg.buf = BAD_PTR;
	CHECK_ERR(call(q, IPCX_QUEUE_CALL, &c), EFAULT);
	c.msg = ipcx_msg("x", 1);
	c.reply.flags = 1;
	CHECK_ERR(call(q, IPCX_QUEUE_CALL, &c), EINVAL);
	c.reply.flags = 0;
	CHECK_ERR(call(q, IPCX_QUEUE_CALL, &c), ETIMEDOUT);
	s.reserved = 1;
	CHECK_ERR(call(q, IPCX_QUEUE_SERVE, &s), EINVAL);
	s.reserved = 0;
	s.flags = IPCX_SERVE_REPLY_ONLY | IPCX_SERVE_CHECK;
	s.call = 1;
	CHECK_ERR(call(q, IPCX_QUEUE_SERVE, &s), EINVAL);
	s.flags = IPCX_RECV_PEEK;
	CHECK_ERR(call(q, IPCX_QUEUE_SERVE, &s), EINVAL);
	CHECK_EQ(queue_state(q).nr_msgs, 0);
}

/* Somebody looks at a call while another takes it: both see the same message, and only one has it. */
static int peek_for_ever(void *arg)
{
	char text[16];

	for (;;) {
		struct ipcx_msg msg = ipcx_msg(text, sizeof(text));

		if (!ipcx_queue_recv_msg(*(int *)arg, &msg, NULL, IPCX_RECV_PEEK | IPCX_NOWAIT, 0))
			CHECK_EQ(msg.flags & ~IPCX_MSG_CALL, 0);
	}
	return 0;
}

/* A reply is a message like any other; the call waits on for a better one. */
TEST(a_reply_that_is_wrong)
{
	struct ipcx_queue_serve s = { .size = sizeof(s), .flags = IPCX_SERVE_REPLY_ONLY };
	int q = queue();
	struct caller c;
	char text[16];

	start_call(&c, q, "x");
	s.call = take(q, text);
	for (int wrong = 0; wrong < 4; wrong++) {
		s.reply = ipcx_msg(wrong == 3 ? (void *)BAD_PTR : "no", 2);
		if (wrong == 0)
			s.reply.type = 0;
		if (wrong == 1)
			s.reply.priority = IPCX_PRIORITY_MAX + 1;
		if (wrong == 2)
			s.reply.flags = 1;
		CHECK_ERR(call(q, IPCX_QUEUE_SERVE, &s), wrong == 3 ? EFAULT : EINVAL);
		CHECK_EQ(queue_state(q).nr_calls, 1);
	}
	CHECK_OK(answer(q, s.call, "yes"));
	CHECK_EQ(thread_join(&c.t), 0);
	CHECK_MEM(c.answer, "yes", 3);
}

TEST(peeked_while_it_is_taken)
{
	int q = queue();
	pid_t server = spawn(echo_server, &q), peeker = spawn(peek_for_ever, &q);
	struct caller c;

	for (int i = 0; i < 500; i++) {
		prepare(&c, q, "x");
		/* some give up at a random moment */
		if (i % 3 == 0)
			c.timeout = ipcx_after_ns(i * 1000);
		call_main(&c);
	}
	CHECK_SYS(kill(peeker, SIGKILL));
	prepare(&c, q, "end");
	CHECK_EQ(call_main(&c), 0);
	CHECK_EXITS(server, 0);
}

TEST(memory_comes_back)
{
	uint64_t before = own_account();
	int q = queue();
	struct caller c;
	char text[16];

	for (int i = 0; i < 50; i++) {
		start_call(&c, q, "x");
		CHECK_OK(answer(q, take(q, text), "y"));
		CHECK_EQ(thread_join(&c.t), 0);
	}
	close(q);
	CHECK_SOON(used_bytes() == before);
}
