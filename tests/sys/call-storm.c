// SPDX-License-Identifier: GPL-2.0
/*
 * timeout: 120
 * Callers and servers that are killed at random moments, and servers that call other servers.  If this fails, a reply
 * reaches the wrong caller or is invented, a caller waits for a server that has gone, or the queue keeps something
 * for ever.
 */
#include <signal.h>
#include <sys/mman.h>

#include "queue-test.h"

#define CALLERS		5
#define SERVERS		4
#define STORM_MS	4000

/**
 * struct shared - what all processes see
 * @outer: queue that callers call
 * @inner: queue that its servers call for every third request
 * @stop: callers end after their next call
 * @calls: calls that have been answered rightly
 * @lost: calls whose server has gone
 */
struct shared {
	int outer;
	int inner;
	volatile int stop;
	long calls;
	long lost;
};

static struct shared *shared;

static uint64_t answer_to(uint64_t question, bool nested)
{
	return question * 0x9e3779b97f4a7c15ull + nested;
}

static int inner_server(void *arg)
{
	uint64_t call = 0, value = 0;
	struct ipcx_msg reply, msg;

	(void)arg;
	for (;;) {
		int ret;

		reply = ipcx_msg(&value, 8);
		msg = ipcx_msg(&value, 8);
		ret = ipcx_queue_serve(shared->inner, &call, call ? &reply : NULL, &msg, 0, IPCX_FOREVER);
		if (ret == -EPIPE)
			return 0;
		CHECK_OK(ret);
		value = answer_to(value, true);
	}
}

/* Every third request needs another server, which may be killed meanwhile. */
static int outer_server(void *arg)
{
	uint64_t call = 0, value = 0, inner;
	struct ipcx_msg reply, msg, question, answer;

	(void)arg;
	for (;;) {
		int ret;

		reply = ipcx_msg(&value, 8);
		msg = ipcx_msg(&value, 8);
		ret = ipcx_queue_serve(shared->outer, &call, call ? &reply : NULL, &msg, 0, IPCX_FOREVER);
		if (ret == -EPIPE)
			return 0;
		CHECK_OK(ret);
		if (value % 3) {
			value = answer_to(value, false);
			continue;
		}
		do {
			question = ipcx_msg(&value, 8);
			answer = ipcx_msg(&inner, 8);
			ret = ipcx_queue_call(shared->inner, &question, &answer, 0, IPCX_FOREVER);
		} while (ret == -ECONNRESET);
		if (ret == -EPIPE)
			return 0;
		CHECK_OK(ret);
		CHECK_EQ(answer.len, 8);
		value = inner;
	}
}

static int caller(void *arg)
{
	uint64_t value, got, nr = (uintptr_t)arg << 40;

	while (!shared->stop) {
		struct ipcx_msg question = ipcx_msg(&value, 8), answer = ipcx_msg(&got, 8);
		bool timed = test_random_below(8) == 0;
		int ret;

		value = ++nr;
		POISON(got);
		ret = ipcx_queue_call(shared->outer, &question, &answer, 0,
				      timed ? ipcx_after_ns(test_random_below(200000)) : IPCX_FOREVER);
		if (ret == -ECONNRESET) {
			__atomic_add_fetch(&shared->lost, 1, __ATOMIC_RELAXED);
			continue;
		}
		if (timed && ret == -ETIMEDOUT)
			continue;
		CHECK_OK(ret);
		CHECK_EQ(answer.len, 8);
		CHECK_EQ(got, answer_to(value, value % 3 == 0));
		__atomic_add_fetch(&shared->calls, 1, __ATOMIC_RELAXED);
	}
	return 0;
}

/* What each place of the storm runs. */
static pid_t start(int place)
{
	static uintptr_t nr_callers;

	if (place < CALLERS)
		return spawn(caller, (void *)++nr_callers);
	return spawn(place % 2 ? outer_server : inner_server, NULL);
}

/* How a place ended: killed by us, or content. */
static void check_end(pid_t pid, bool killed)
{
	int status = wait_child(pid, TEST_SOON_MS);

	CHECK(status != -1);
	if (killed && WIFSIGNALED(status))
		CHECK_EQ(WTERMSIG(status), SIGKILL);
	else
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST_LIMIT(callers_and_servers_killed_at_random, 60000)
{
	pid_t pids[CALLERS + SERVERS];
	uint64_t end, charged_before;
	struct ipcx_queue_stat stat;
	long killed = 0;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	charged_before = user_charged();
	shared->outer = make_queue(0, 0, 0);
	shared->inner = make_queue(0, 0, 0);
	test_random();
	for (int i = 0; i < CALLERS + SERVERS; i++)
		pids[i] = start(i);
	end = test_now_ns() + STORM_MS * 1000000ull;
	while (test_now_ns() < end) {
		int place = test_random_below(CALLERS + SERVERS);

		test_pause_ms(1 + test_random_below(12));
		CHECK_SYS(kill(pids[place], SIGKILL));
		check_end(pids[place], true);
		killed++;
		pids[place] = start(place);
	}
	shared->stop = 1;
	for (int i = 0; i < CALLERS; i++)
		check_end(pids[i], false);
	/* calls that nobody waits for any more may still be served: that ends */
	CHECK_SOON(stat_of(shared->outer).nr_calls == 0 && stat_of(shared->inner).nr_calls == 0);
	CHECK_OK(ipcx_shutdown(shared->outer, IPCX_SHUT_SEND | IPCX_SHUT_RECV));
	CHECK_OK(ipcx_shutdown(shared->inner, IPCX_SHUT_SEND | IPCX_SHUT_RECV));
	for (int i = CALLERS; i < CALLERS + SERVERS; i++)
		check_end(pids[i], false);
	stat = stat_of(shared->outer);
	CHECK_EQ(stat.sent, stat.received + stat.purged + stat.nr_msgs);
	CHECK_EQ(stat.nr_receivers, 0);
	NOTE("%ld calls answered, %ld lost their server, %ld processes killed", shared->calls, shared->lost, killed);
	CHECK_GT(shared->calls, 100);
	close(shared->outer);
	close(shared->inner);
	CHECK_SOON(user_charged() == charged_before);
}

/* A chain of servers, each of which calls the next while it serves. */
#define DEPTH	20

static int chain[DEPTH];

static int link_of_chain(void *arg)
{
	int at = (int)(uintptr_t)arg;
	uint64_t call = 0, value;
	struct ipcx_msg msg = ipcx_msg(&value, 8), reply;

	CHECK_OK(ipcx_queue_serve(chain[at], &call, NULL, &msg, 0, IPCX_FOREVER));
	if (at + 1 < DEPTH) {
		struct ipcx_msg question = ipcx_msg(&value, 8), answer = ipcx_msg(&value, 8);

		CHECK_OK(ipcx_queue_call(chain[at + 1], &question, &answer, 0, IPCX_FOREVER));
	}
	value++;
	reply = ipcx_msg(&value, 8);
	CHECK_OK(ipcx_queue_reply(chain[at], call, &reply));
	return 0;
}

TEST(a_chain_of_calls)
{
	uint64_t value = 1000;
	struct ipcx_msg question = ipcx_msg(&value, 8), answer = ipcx_msg(&value, 8);
	pid_t pids[DEPTH];

	for (int i = 0; i < DEPTH; i++)
		chain[i] = make_queue(0, 0, 0);
	for (int i = 0; i < DEPTH; i++)
		pids[i] = spawn(link_of_chain, (void *)(uintptr_t)i);
	CHECK_OK(ipcx_queue_call(chain[0], &question, &answer, 0, ipcx_after_ms(15000)));
	CHECK_EQ(value, 1000 + DEPTH);
	for (int i = 0; i < DEPTH; i++)
		CHECK_EXITS(pids[i], 0);
}

/* The last of the chain dies: everybody up to the first caller is told. */
static int link_that_fails(void *arg)
{
	int at = (int)(uintptr_t)arg;
	uint64_t call = 0, value;
	struct ipcx_msg msg = ipcx_msg(&value, 8);

	CHECK_OK(ipcx_queue_serve(chain[at], &call, NULL, &msg, 0, IPCX_FOREVER));
	if (at + 1 < DEPTH) {
		struct ipcx_msg question = ipcx_msg(&value, 8), answer = ipcx_msg(&value, 8);

		CHECK_ERR(ipcx_queue_call(chain[at + 1], &question, &answer, 0, IPCX_FOREVER), ECONNRESET);
	}
	return 0;	/* without a reply */
}

TEST(the_end_of_a_chain_dies)
{
	uint64_t value = 1000;
	struct ipcx_msg question = ipcx_msg(&value, 8), answer = ipcx_msg(&value, 8);
	pid_t pids[DEPTH];

	for (int i = 0; i < DEPTH; i++)
		chain[i] = make_queue(0, 0, 0);
	for (int i = 0; i < DEPTH; i++)
		pids[i] = spawn(link_that_fails, (void *)(uintptr_t)i);
	CHECK_ERR(ipcx_queue_call(chain[0], &question, &answer, 0, ipcx_after_ms(15000)), ECONNRESET);
	for (int i = 0; i < DEPTH; i++)
		CHECK_EXITS(pids[i], 0);
}
