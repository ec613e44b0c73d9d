// SPDX-License-Identifier: GPL-2.0
/*
 * The demo's fourth scene: a worker dies by kill -9 while it receives.  Each worker lets the kernel
 * put job after job into its own row of a region.  A message has been taken if and only if its
 * struct ipcx_msg was written (<linux/ipcx.h>): so the rows tell exactly what was delivered, also
 * to the dead one.  The unit of the robust semaphore that it held returns at its death.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "demo.h"
#include "util.h"

#define NR_JOBS		6000
#define NR_WORKERS	4
#define NR_LICENCES	3	/* the fourth worker waits until one is free */
#define VICTIM		1
#define SUBSTITUTE	3

/*
 * One delivery.  @msg.pid, the sender, is 0 before; on a line of its own, it is written whole
 * or not at all.
 */
struct slot {
	struct ipcx_msg msg;
	uint32_t job;		/* from 1 */
} __attribute__((aligned(64)));

struct rows {
	struct slot slots[NR_WORKERS][NR_JOBS];
};

static struct rows *rows;

static int produce(int index)
{
	int queue;
	struct ipcx_msg msg;

	(void)index;
	queue = ipcx_open(demo_name("work"), IPCX_KIND_QUEUE, IPCX_WRITE, 0);
	if (queue < 0)
		return STATUS_FAILED;
	for (uint32_t job = 1; job <= NR_JOBS; job++) {
		msg = ipcx_msg(&job, sizeof(job));
		if (ipcx_queue_send_msg(queue, &msg, 0, demo_deadline()))
			return STATUS_FAILED;
	}
	return STATUS_OK;
}

static int work(int index)
{
	int queue, sem, ret;
	struct slot *slot;

	queue = ipcx_open(demo_name("work"), IPCX_KIND_QUEUE, IPCX_READ, 0);
	sem = ipcx_open(demo_name("licences"), IPCX_KIND_SEM, IPCX_READ | IPCX_WRITE, 0);
	if (queue < 0 || sem < 0 || ipcx_sem_wait(sem, 1, 0, demo_deadline()))
		return STATUS_FAILED;
	for (int i = 0; i < NR_JOBS; i++) {
		slot = &rows->slots[index][i];
		slot->msg = ipcx_msg(&slot->job, sizeof(slot->job));
		/*
		 * A batch of one: the kernel writes into the region and not into the library's
		 * variable.
		 */
		ret = ipcx_queue_recvv(queue, &slot->msg, 1, NULL, 0, demo_deadline());
		if (ret != 1)
			return ret == -EPIPE && !ipcx_sem_post(sem, 1) ? STATUS_OK : STATUS_FAILED;
	}
	return STATUS_FAILED;	/* more jobs than there are */
}

/* Until @nr jobs have been delivered.  Returns false at the deadline. */
static bool wait_for_deliveries(int queue, unsigned int nr)
{
	struct ipcx_queue_stat stat;

	while (demo_now() < demo_deadline()) {
		if (ipcx_queue_stat(queue, &stat))
			return false;
		if (stat.received >= nr)
			return true;
		demo_pause(1);
	}
	return false;
}

static unsigned int nr_in_row(int index)
{
	unsigned int nr = 0;

	while (nr < NR_JOBS && rows->slots[index][nr].msg.pid)
		nr++;
	return nr;
}

static void count_jobs(void)
{
	static unsigned char nr_delivered[NR_JOBS + 1];
	unsigned int nr_lost = 0, nr_twice = 0, nr_unknown = 0, nr_received = 0, nr;
	uint32_t job;

	for (int i = 0; i < NR_WORKERS; i++) {
		nr = nr_in_row(i);
		nr_received += nr;
		for (unsigned int k = 0; k < nr; k++) {
			job = rows->slots[i][k].job;
			if (job < 1 || job > NR_JOBS)
				nr_unknown++;
			else if (nr_delivered[job]++)
				nr_twice++;
		}
	}
	for (job = 1; job <= NR_JOBS; job++)
		nr_lost += !nr_delivered[job];
	demo_say("workers received %u, %u (killed), %u and %u (its substitute): %u of %d jobs",
		 nr_in_row(0), nr_in_row(VICTIM), nr_in_row(2), nr_in_row(SUBSTITUTE), nr_received,
		 NR_JOBS);
	demo_check(!nr_lost && !nr_twice && !nr_unknown, "%d jobs: %u lost, %u delivered twice",
		   NR_JOBS, nr_lost, nr_twice);
}

/* Until all units are out and the substitute waits for one. */
static bool wait_for_queue_at_licences(int sem)
{
	struct ipcx_sem_stat stat;

	while (demo_now() < demo_deadline()) {
		if (ipcx_sem_stat(sem, &stat))
			return false;
		if (!stat.count && stat.nr_waiters)
			return true;
		demo_pause(1);
	}
	return false;
}

static void play_kill(int queue, int sem)
{
	struct ipcx_sem_stat sem_stat = { 0 };
	struct ipcx_queue_stat stat = { 0 };
	pid_t producer, workers[NR_WORKERS];
	bool all_well = true;

	/* The first three have taken the licences before the substitute comes. */
	for (int i = 0; i < NR_LICENCES; i++)
		workers[i] = demo_start(work, i);
	while (!ipcx_sem_stat(sem, &sem_stat) && sem_stat.count && demo_now() < demo_deadline())
		demo_pause(1);
	workers[SUBSTITUTE] = demo_start(work, SUBSTITUTE);
	all_well &= wait_for_queue_at_licences(sem);
	demo_say("three workers hold the %d licences (a robust semaphore), a fourth waits for one",
		 NR_LICENCES);

	producer = demo_start(produce, 0);
	all_well &= wait_for_deliveries(queue, NR_JOBS / 3);
	kill(workers[VICTIM], SIGKILL);
	demo_say("kill -9 %d: worker %d dies after about %d of %d jobs", workers[VICTIM],
		 VICTIM + 1, NR_JOBS / 3, NR_JOBS);
	all_well &= demo_finish(workers[VICTIM]) == -1;
	all_well &= demo_finish(producer) == STATUS_OK;
	ipcx_shutdown(queue, IPCX_SHUT_SEND);
	for (int i = 0; i < NR_WORKERS; i++)
		if (i != VICTIM)
			all_well &= demo_finish(workers[i]) == STATUS_OK;

	demo_check(all_well,
		   "the others, and the fourth with the dead one's licence, finished the work");
	count_jobs();
	if (ipcx_queue_stat(queue, &stat))
		stat.nr_msgs = UINT32_MAX;
	demo_check(!stat.nr_msgs && stat.sent == NR_JOBS && stat.received == NR_JOBS,
		   "the queue is empty and has counted the same: %llu sent, %llu received",
		   (unsigned long long)stat.sent, (unsigned long long)stat.received);
	demo_check(!ipcx_sem_stat(sem, &sem_stat) && sem_stat.count == NR_LICENCES &&
			   !sem_stat.held,
		   "all %d licences are back", NR_LICENCES);
}

void demo_kill(void)
{
	int queue, sem, region;

	queue = demo_create_queue("work", 64);
	if (queue < 0)
		return;
	sem = demo_create_sem("licences", NR_LICENCES, true);
	if (sem >= 0) {
		rows = demo_create_region("rows", sizeof(*rows), &region);
		if (rows) {
			play_kill(queue, sem);
			ipcx_region_unmap(rows, sizeof(*rows));
			close(region);
		}
		close(sem);
	}
	close(queue);
}
