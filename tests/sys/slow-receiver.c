// SPDX-License-Identifier: GPL-2.0
/*
 * A receiver that has taken a message and is slow to copy it, here because its buffer is a page that somebody
 * else supplies.  If this fails, it keeps others from using the room that it made.
 */
#include "queue-test.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#define PAGE	4096ul

/* A page that is not there until the returned userfaultfd(2) supplies it. */
static int missing_page(void **page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (uffd < 0)
		SKIP("no userfaultfd(2)");
	CHECK_SYS(ioctl(uffd, UFFDIO_API, &api));
	*page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(*page != MAP_FAILED);
	reg.range.start = (uintptr_t)*page;
	reg.range.len = PAGE;
	CHECK_SYS(ioctl(uffd, UFFDIO_REGISTER, &reg));
	return uffd;
}

static int queue;
static void *buffer;

static void *receive(void *unused __attribute__((unused)))
{
	CHECK_BLOCKS(getpid());	/* the first thread, in poll(2) */
	CHECK_OK(ipcx_queue_recv(queue, buffer, PAGE));
	return NULL;
}

TEST(pollers_learn_of_the_room)
{
	struct pollfd pollfd = { .events = POLLOUT };
	struct uffd_msg fault;
	struct uffdio_zeropage zero = { 0 };
	int uffd = missing_page(&buffer);
	pthread_t thread;
	time_t start;

	queue = pollfd.fd = make_queue(1, 0, 0);
	CHECK_OK(send_value(queue, 1, 0, 1));
	CHECK_EQ(poll(&pollfd, 1, 0), 0);
	CHECK_EQ(pthread_create(&thread, NULL, receive, NULL), 0);
	/* poll(2) looks once more when its time is over: what counts is that it was woken before */
	start = time(NULL);
	CHECK_EQ(poll(&pollfd, 1, TEST_SOON_MS), 1);
	CHECK_EQ(pollfd.revents, POLLOUT);
	CHECK_LT(time(NULL) - start, TEST_SOON_MS / 1000 - 2);

	CHECK_EQ(read(uffd, &fault, sizeof(fault)), sizeof(fault));
	zero.range.start = (uintptr_t)buffer;
	zero.range.len = PAGE;
	CHECK_SYS(ioctl(uffd, UFFDIO_ZEROPAGE, &zero));
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

static int receive_for_ever(void *unused)
{
	(void)unused;
	missing_page(&buffer);
	return ipcx_queue_recv(queue, buffer, PAGE) < 0;
}

static int call_for_a_while(void *unused)
{
	struct ipcx_msg msg = ipcx_msg("x", 1), reply = ipcx_msg(NULL, 0);

	(void)unused;
	return ipcx_queue_call(queue, &msg, &reply, 0, ipcx_after_ms(300));
}

/* The receiver cannot keep it and the caller does not want it any more: it must not be in the queue again. */
TEST(a_call_that_is_given_up_while_it_is_copied)
{
	struct test_thread caller;
	pid_t pid;

	queue = make_queue(0, 0, 0);
	pid = spawn(receive_for_ever, NULL);
	thread_start(&caller, call_for_a_while, NULL);
	CHECK_SOON(stat_of(queue).received == 1);
	CHECK_EQ(thread_join(&caller), -ETIMEDOUT);
	CHECK_SYS(kill(pid, SIGKILL));
	CHECK_KILLED_BY(pid, SIGKILL);
	CHECK_EQ(stat_of(queue).nr_msgs, 0);
	CHECK_EQ(stat_of(queue).received, 0);
	CHECK_EQ(stat_of(queue).purged, 1);
}
