// SPDX-License-Identifier: GPL-2.0
/*
 * The demo's first scene: messages leave a queue by priority, and each one exactly once however
 * many processes receive.
 */
#include <errno.h>
#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"
#include "util.h"

#define NR_PRODUCERS	2
#define NR_CONSUMERS	3
#define NR_EACH		3000	/* messages of each producer */
#define NR_JOBS		(NR_PRODUCERS * NR_EACH)

/* What the processes write down, in a region that all of them map. */
struct tally {
	atomic_uint received[NR_JOBS];		/* how often each job has arrived */
	atomic_uint nr_by_consumer[NR_CONSUMERS];
};

static struct tally *tally;

static const struct {
	unsigned int priority;
	const char *text;
} notices[] = {
	{ 1, "water the plants" }, { 5, "answer the phone" }, { 1, "sort the mail" },
	{ 9, "the kitchen is on fire" }, { 5, "open the door" },
};

static bool send_notices(int queue)
{
	struct ipcx_msg msg;
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(notices); i++) {
		msg = ipcx_msg(notices[i].text, strlen(notices[i].text));
		msg.priority = notices[i].priority;
		demo_say("sent      priority %u  %s", msg.priority, notices[i].text);
		ret = ipcx_queue_send_msg(queue, &msg, 0, demo_deadline());
		if (ret) {
			demo_fail(ret, "send a notice");
			return false;
		}
	}
	return true;
}

/* In another process: prints what it receives.  Returns 0 if higher priorities came first. */
static int receive_notices(int index)
{
	unsigned int last = IPCX_PRIORITY_MAX;
	struct ipcx_msg msg;
	int queue, ret;
	char text[64];

	(void)index;
	queue = ipcx_open(demo_name("jobs"), IPCX_KIND_QUEUE, IPCX_READ, 0);
	if (queue < 0)
		return STATUS_FAILED;
	for (size_t i = 0; i < ARRAY_SIZE(notices); i++) {
		msg = ipcx_msg(text, sizeof(text));
		ret = ipcx_queue_recv_msg(queue, &msg, NULL, 0, demo_deadline());
		if (ret || msg.priority > last)
			return STATUS_FAILED;
		demo_say("received  priority %u  %.*s", msg.priority, (int)msg.len, text);
		last = msg.priority;
	}
	return STATUS_OK;
}

static int produce(int index)
{
	struct ipcx_msg msg;
	uint32_t job;
	int queue, ret;

	queue = ipcx_open(demo_name("jobs"), IPCX_KIND_QUEUE, IPCX_WRITE, 0);
	if (queue < 0)
		return STATUS_FAILED;
	for (uint32_t i = 0; i < NR_EACH; i++) {
		job = index * NR_EACH + i;
		msg = ipcx_msg(&job, sizeof(job));
		msg.priority = i % 8;
		ret = ipcx_queue_send_msg(queue, &msg, 0, demo_deadline());
		if (ret)
			return STATUS_FAILED;
	}
	return STATUS_OK;
}

static int consume(int index)
{
	struct ipcx_msg msg;
	uint32_t job = 0;
	int queue, ret;

	queue = ipcx_open(demo_name("jobs"), IPCX_KIND_QUEUE, IPCX_READ, 0);
	if (queue < 0)
		return STATUS_FAILED;
	for (;;) {
		msg = ipcx_msg(&job, sizeof(job));
		ret = ipcx_queue_recv_msg(queue, &msg, NULL, 0, demo_deadline());
		if (ret == -EPIPE)
			return STATUS_OK;	/* shut down, and empty */
		if (ret || msg.len != sizeof(job) || job >= NR_JOBS)
			return STATUS_FAILED;
		atomic_fetch_add(&tally->received[job], 1);
		atomic_fetch_add(&tally->nr_by_consumer[index], 1);
	}
}

static void play_crowd(int queue)
{
	pid_t producers[NR_PRODUCERS], consumers[NR_CONSUMERS];
	unsigned int nr_lost = 0, nr_twice = 0, received;
	bool all_well = true;
	uint64_t start;
	double seconds;

	start = demo_now();
	for (int i = 0; i < NR_CONSUMERS; i++)
		consumers[i] = demo_start(consume, i);
	for (int i = 0; i < NR_PRODUCERS; i++)
		producers[i] = demo_start(produce, i);
	for (int i = 0; i < NR_PRODUCERS; i++)
		all_well &= demo_finish(producers[i]) == STATUS_OK;
	ipcx_shutdown(queue, IPCX_SHUT_SEND);
	for (int i = 0; i < NR_CONSUMERS; i++)
		all_well &= demo_finish(consumers[i]) == STATUS_OK;
	seconds = (demo_now() - start) / 1e9;

	for (int i = 0; i < NR_JOBS; i++) {
		received = atomic_load(&tally->received[i]);
		nr_lost += received == 0;
		nr_twice += received > 1;
	}
	demo_say("%d producers sent %d each; consumers took %u, %u and %u: %.2f s, %.0f messages/s",
		 NR_PRODUCERS, NR_EACH, atomic_load(&tally->nr_by_consumer[0]),
		 atomic_load(&tally->nr_by_consumer[1]), atomic_load(&tally->nr_by_consumer[2]),
		 seconds, NR_JOBS / seconds);
	demo_check(all_well, "all five processes ended well");
	demo_check(!nr_lost && !nr_twice, "%d messages: %u lost, %u received twice", NR_JOBS,
		   nr_lost, nr_twice);
}

void demo_queue(void)
{
	static char name[] = "ipcx ls", option[] = "-l";
	char *ls_argv[] = { name, option, NULL };
	int queue, region;

	queue = demo_create_queue("jobs", 256);
	if (queue < 0)
		return;
	if (send_notices(queue)) {
		demo_say("`ipcx ls -l` shows it now:");
		optind = 0;
		cmd_ls(2, ls_argv);
		demo_check(demo_finish(demo_start(receive_notices, 0)) == STATUS_OK,
			   "another process received them, the most urgent first");
		tally = demo_create_region("tally", sizeof(*tally), &region);
		if (tally) {
			play_crowd(queue);
			ipcx_region_unmap(tally, sizeof(*tally));
			close(region);
		}
	}
	close(queue);
}
