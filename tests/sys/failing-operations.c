// SPDX-License-Identifier: GPL-2.0
// timeout: 100
/*
 * Every operation, with each of its allocations and user copies failing in turn.  If this fails, a system that is out
 * of memory, or a program with a bad pointer, gets a wrong error, loses something, or finds an object half changed.
 */
#include "fault.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>

#define ROWS(a)	(a), sizeof(a) / sizeof((a)[0])
#define SMALL	24
#define MIDDLE	3000
#define LARGE	100000

static const char name[] = "fault";
/* each in pages of its own, which can be taken away */
#define SPOILT_LEN	(LARGE & ~(PAGE - 1))
static char buf[LARGE] __attribute__((aligned(4096))), out[LARGE] __attribute__((aligned(4096)));
static size_t len;
static struct ipcx_msg msgs[PAGE / sizeof(struct ipcx_msg) + 1] __attribute__((aligned(4096)));	/* 8, and all of a page */
static struct ipcx_wait_entry entries[NR_ON];
static struct ipcx_options named = { .mode = 0600 };
static int numbers[4];

static struct ipcx_msg message(const void *p, size_t bytes)
{
	struct ipcx_msg msg = ipcx_msg(p, bytes);

	msg.type = 7;
	return msg;
}

/* The argument of the command; the one in @arg is not changed, whatever becomes of the call's. */
#define RUN(fd, cmd, ...)							\
	({									\
		__auto_type arg__ = (__VA_ARGS__);				\
		command(fd, cmd, &arg__);					\
	})

static long sys(long ret)
{
	return ret < 0 ? -errno : ret;
}

/* ---- the device ---- */

static long run_open_device(void)
{
	return sys(open(IPCX_DEVICE, O_RDWR | O_CLOEXEC));
}

static void check_close(long ret)
{
	CHECK_SYS(fcntl(ret, F_GETFD));
	CHECK_SYS(close(ret));
}

static long run_query(void)
{
	return RUN(fds[DEVICE], IPCX_QUERY, (struct ipcx_query){ .size = sizeof(struct ipcx_query) });
}

static void prepare_name(void)
{
	named.device_fd = fds[DEVICE];
	extra(CHECK_OK(ipcx_sem_create(name, 0, 1, &named)));
}

static long run_open(void)
{
	return RUN(fds[DEVICE], IPCX_OPEN, (struct ipcx_open){ .size = sizeof(struct ipcx_open),
		   .name = (uintptr_t)name, .rights = IPCX_READ });
}

static void check_named(long ret)
{
	check_close(ret);
	CHECK_OK(ipcx_unlink(name));
}

static long run_unlink(void)
{
	return RUN(fds[DEVICE], IPCX_UNLINK, (struct ipcx_unlink){ .size = sizeof(struct ipcx_unlink),
		   .name = (uintptr_t)name });
}

static long run_list(void)
{
	static struct ipcx_list_entry entry;

	return RUN(fds[DEVICE], IPCX_LIST, (struct ipcx_list){ .size = sizeof(struct ipcx_list),
		   .entries = (uintptr_t)&entry, .nr = 1, .entry_size = sizeof(entry) });
}

static void check_list(long ret)
{
	CHECK_EQ(ret, 1);
	CHECK_OK(ipcx_unlink(name));
}

#define ANONYMOUS(type, f)	{ .size = sizeof(struct type), .flags = (f) }
#define NAMED(type, f)		{ .size = sizeof(struct type), .flags = (f), .name = (uintptr_t)name, .mode = 0600 }

#define CREATES(what, type, cmd, f, ...)					\
static long run_create_##what(void)						\
{										\
	return RUN(fds[DEVICE], cmd, (struct type){ .create = ANONYMOUS(type, f) __VA_ARGS__ });	\
}										\
static long run_name_##what(void)						\
{										\
	return RUN(fds[DEVICE], cmd, (struct type){ .create = NAMED(type, f) __VA_ARGS__ });	\
}

CREATES(queue, ipcx_queue_create, IPCX_QUEUE_CREATE, 0)
CREATES(broadcast, ipcx_queue_create, IPCX_QUEUE_CREATE, IPCX_QUEUE_BROADCAST)
CREATES(latest, ipcx_queue_create, IPCX_QUEUE_CREATE, IPCX_QUEUE_LATEST)
CREATES(region, ipcx_region_create, IPCX_REGION_CREATE, 0, , .len = PAGE)
CREATES(sem, ipcx_sem_create, IPCX_SEM_CREATE, 0, , .max = 1)
CREATES(robust, ipcx_sem_create, IPCX_SEM_CREATE, IPCX_SEM_ROBUST, , .max = 1)
CREATES(event, ipcx_event_create, IPCX_EVENT_CREATE, 0)
CREATES(stream, ipcx_stream_create, IPCX_STREAM_CREATE, 0)

static long run_create_wait_set(void)
{
	return RUN(fds[DEVICE], IPCX_WAIT_SET_CREATE, (struct ipcx_wait_set_create){
		   .create = ANONYMOUS(ipcx_wait_set_create, 0) });
}

#define CREATE_ROWS(what, cmd)							\
	{ "create a " #what, cmd, BIT(DEVICE), 0, 0, NULL, run_create_##what, check_close },	\
	{ "create a named " #what, cmd, BIT(DEVICE), 0, 0, NULL, run_name_##what, check_named }

static const struct row device_rows[] = {
	{ "open the device", NO_COMMAND, BIT(DEVICE), 0, 0, NULL, run_open_device, check_close },
	{ "query", IPCX_QUERY, BIT(DEVICE), 0, 0, NULL, run_query, NULL },
	{ "open", IPCX_OPEN, BIT(DEVICE), 0, 0, prepare_name, run_open, check_named },
	{ "unlink", IPCX_UNLINK, BIT(DEVICE), 0, 0, prepare_name, run_unlink, NULL },
	{ "list", IPCX_LIST, BIT(DEVICE), 0, 0, prepare_name, run_list, check_list },
	CREATE_ROWS(queue, IPCX_QUEUE_CREATE),
	CREATE_ROWS(broadcast, IPCX_QUEUE_CREATE),
	CREATE_ROWS(latest, IPCX_QUEUE_CREATE),
	CREATE_ROWS(region, IPCX_REGION_CREATE),
	CREATE_ROWS(sem, IPCX_SEM_CREATE),
	CREATE_ROWS(robust, IPCX_SEM_CREATE),
	CREATE_ROWS(event, IPCX_EVENT_CREATE),
	CREATE_ROWS(stream, IPCX_STREAM_CREATE),
	{ "create a wait set", IPCX_WAIT_SET_CREATE, BIT(DEVICE), 0, 0, NULL, run_create_wait_set, check_close },
};

TEST_LIMIT(commands_of_the_device, 100000)
{
	sweep(ROWS(device_rows));
}

/* ---- any object ---- */

static long run_restrict(void)
{
	return RUN(fds[target], IPCX_RESTRICT, (struct ipcx_restrict){ .size = sizeof(struct ipcx_restrict),
		   .rights = IPCX_READ });
}

static long run_stat(void)
{
	return RUN(fds[target], IPCX_STAT, (struct ipcx_stat){ .size = sizeof(struct ipcx_stat) });
}

static long run_shutdown(void)
{
	return RUN(fds[target], IPCX_SHUTDOWN, (struct ipcx_shutdown){ .size = sizeof(struct ipcx_shutdown),
		   .how = IPCX_SHUT_SEND });
}

static void prepare_eventfd(void)
{
	numbers[0] = extra(eventfd(0, EFD_CLOEXEC));
}

static long run_notify_eventfd(void)
{
	return RUN(fds[target], IPCX_NOTIFY, (struct ipcx_notify){ .size = sizeof(struct ipcx_notify),
		   .flags = IPCX_NOTIFY_REPEAT, .ready = IPCX_READY_SHUT, .how = IPCX_NOTIFY_EVENTFD,
		   .target = numbers[0] });
}

static long run_notify_process(void)
{
	return RUN(fds[target], IPCX_NOTIFY, (struct ipcx_notify){ .size = sizeof(struct ipcx_notify),
		   .flags = IPCX_NOTIFY_REPEAT, .ready = IPCX_READY_SHUT, .how = IPCX_NOTIFY_PROCESS,
		   .signo = SIGURG });
}

static uint64_t notice;

static void prepare_cancel(void)
{
	int64_t ret = ipcx_notify_process(fds[target], IPCX_READY_SHUT, 0, SIGURG, 0, 0);

	notice = ret < 0 ? 1 : ret;
}

static long run_cancel(void)
{
	return RUN(fds[target], IPCX_NOTIFY_CANCEL, (struct ipcx_notify_cancel){
		   .size = sizeof(struct ipcx_notify_cancel), .id = notice });
}

/* Something to read, and so to wait for. */
static void prepare_readable(void)
{
	switch (target) {
	case QUEUE:
	case BROADCAST:
		CHECK_OK(ipcx_queue_send(fds[target], buf, SMALL));
		break;
	case STREAM:
		CHECK_EQ(write(fds[target], buf, SMALL), SMALL);
		break;
	case WAIT_SET:
		entries[0] = ipcx_wait_entry(fds[SEM], IPCX_WAIT_READABLE);
		CHECK_OK(ipcx_wait_set_add(fds[target], 0, &entries[0]));
		break;
	default:
		break;
	}
	entries[0] = ipcx_wait_entry(fds[target], IPCX_WAIT_READABLE);
}

static long run_wait(void)
{
	return RUN(fds[target], IPCX_WAIT, (struct ipcx_wait){ .size = sizeof(struct ipcx_wait),
		   .timeout = IPCX_FOREVER, .entries = (uintptr_t)entries, .nr = 1,
		   .entry_size = sizeof(entries[0]) });
}

static unsigned int nr_entries;

static void prepare_wait_all(void)
{
	entries[0] = ipcx_wait_entry(fds[SEM], IPCX_WAIT_TAKE);
	entries[1] = ipcx_wait_entry(fds[EVENT], IPCX_WAIT_TAKE);
	nr_entries = 2;
}

/* More than there is room for on the stack. */
static void want_five(void)
{
	entries[2] = ipcx_wait_entry(fds[QUEUE], IPCX_WAIT_READABLE);
	entries[3] = ipcx_wait_entry(fds[STREAM], IPCX_WAIT_READABLE);
	entries[4] = ipcx_wait_entry(fds[BROADCAST], IPCX_WAIT_READABLE);
	nr_entries = 5;
}

static void prepare_wait_all_five(void)
{
	prepare_wait_all();
	want_five();
	CHECK_OK(ipcx_queue_send(fds[QUEUE], buf, SMALL));
	CHECK_EQ(write(fds[STREAM], buf, SMALL), SMALL);
	CHECK_OK(ipcx_queue_send(fds[BROADCAST], buf, SMALL));
}

static long run_wait_all(void)
{
	return RUN(fds[target], IPCX_WAIT, (struct ipcx_wait){ .size = sizeof(struct ipcx_wait),
		   .flags = IPCX_WAIT_ALL, .timeout = IPCX_FOREVER, .entries = (uintptr_t)entries, .nr = nr_entries,
		   .entry_size = sizeof(entries[0]) });
}

static void check_wait_all(long ret)
{
	CHECK_EQ(ret, 0);
	CHECK_EQ(sem_stat(fds[SEM]).count, 1);
	CHECK_EQ(event_stat(fds[EVENT]).set, 0);
}

/* All of them, and none ready: places in every line, taken again when the time is up. */
static void prepare_wait_none(void)
{
	CHECK_OK(ipcx_sem_trywait(fds[SEM], 2));
	CHECK_OK(ipcx_event_reset(fds[EVENT]));
	entries[0] = ipcx_wait_entry(fds[SEM], IPCX_WAIT_TAKE);
	entries[1] = ipcx_wait_entry(fds[EVENT], IPCX_WAIT_TAKE);
	entries[2] = ipcx_wait_entry(fds[QUEUE], IPCX_WAIT_READABLE);
	entries[3] = ipcx_wait_entry(fds[STREAM], IPCX_WAIT_READABLE);
	nr_entries = 4;
}

static void prepare_wait_none_five(void)
{
	prepare_wait_none();
	want_five();
}

static long wait_none(unsigned int flags)
{
	long ret = RUN(fds[target], IPCX_WAIT, (struct ipcx_wait){ .size = sizeof(struct ipcx_wait), .flags = flags,
		       .timeout = ipcx_after_ns(100000), .entries = (uintptr_t)entries, .nr = nr_entries,
		       .entry_size = sizeof(entries[0]) });

	return ret == -ETIMEDOUT ? 0 : ret;
}

static long run_wait_none_any(void)
{
	return wait_none(0);
}

static long run_wait_none_all(void)
{
	return wait_none(IPCX_WAIT_ALL);
}

static long run_poll(void)
{
	struct pollfd p = { .fd = fds[target], .events = POLLIN };

	return sys(poll(&p, 1, 0));
}

static void prepare_epoll(void)
{
	numbers[0] = extra(epoll_create1(EPOLL_CLOEXEC));
}

static long run_epoll(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	long ret = sys(epoll_ctl(numbers[0], EPOLL_CTL_ADD, fds[target], &e));

	return ret == -EPERM ? -EOPNOTSUPP : ret;	/* regions have no poll */
}

static long run_async(void)
{
	long ret = sys(fcntl(fds[target], F_SETFL, O_ASYNC | O_NONBLOCK));

	return ret == -ENOTTY ? -EOPNOTSUPP : ret;
}

static void prepare_fdinfo(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fds[target]);
	numbers[0] = extra(open(path, O_RDONLY | O_CLOEXEC));
}

static long run_fdinfo(void)
{
	return sys(pread(numbers[0], out, sizeof(out), 0));
}

static void check_some(long ret)
{
	CHECK_GT(ret, 0);
}

static const struct row object_rows[] = {
	{ "restrict", IPCX_RESTRICT, OBJECTS, 0, 0, NULL, run_restrict, check_close },
	{ "stat", IPCX_STAT, OBJECTS, 0, 0, NULL, run_stat, NULL },
	{ "shutdown", IPCX_SHUTDOWN, OBJECTS, 0, ROW_MAY_REFUSE, NULL, run_shutdown, NULL },
	{ "notify an eventfd", IPCX_NOTIFY, OBJECTS, 0, ROW_MAY_REFUSE, prepare_eventfd, run_notify_eventfd, NULL },
	{ "notify a process", IPCX_NOTIFY, OBJECTS, 0, ROW_MAY_REFUSE, NULL, run_notify_process, NULL },
	{ "fdinfo", NO_COMMAND, OBJECTS, 0, 0, prepare_fdinfo, run_fdinfo, check_some },
};

#define FIVE	(BIT(EVENT) | BIT(QUEUE) | BIT(STREAM) | BIT(BROADCAST))

static const struct row waiting_rows[] = {
	{ "wait", IPCX_WAIT, OBJECTS, BIT(SEM), ROW_MAY_REFUSE, prepare_readable, run_wait, NULL },
	{ "wait for all", IPCX_WAIT, BIT(SEM), BIT(EVENT), 0, prepare_wait_all, run_wait_all, check_wait_all },
	{ "wait for any in vain", IPCX_WAIT, BIT(SEM), BIT(EVENT) | BIT(QUEUE) | BIT(STREAM), 0, prepare_wait_none,
	  run_wait_none_any, NULL },
	{ "wait for all in vain", IPCX_WAIT, BIT(SEM), BIT(EVENT) | BIT(QUEUE) | BIT(STREAM), 0, prepare_wait_none,
	  run_wait_none_all, NULL },
	{ "wait for all of five", IPCX_WAIT, BIT(SEM), FIVE, 0, prepare_wait_all_five, run_wait_all, check_wait_all },
	{ "wait for any of five in vain", IPCX_WAIT, BIT(SEM), FIVE, 0, prepare_wait_none_five, run_wait_none_any, NULL },
	{ "wait for all of five in vain", IPCX_WAIT, BIT(SEM), FIVE, 0, prepare_wait_none_five, run_wait_none_all, NULL },
	{ "poll", NO_COMMAND, OBJECTS, 0, 0, NULL, run_poll, NULL },
	{ "epoll", NO_COMMAND, OBJECTS, 0, ROW_MAY_REFUSE, prepare_epoll, run_epoll, NULL },
	{ "O_ASYNC", NO_COMMAND, OBJECTS & ~BIT(REGION), 0, ROW_MAY_REFUSE | ROW_KEEPS, NULL, run_async, NULL },
};

static long run_cancel_row(void)
{
	long ret = run_cancel();

	return ret == -ENOENT ? -EOPNOTSUPP : ret;	/* of a kind that has none */
}

static const struct row cancel_rows[] = {
	{ "cancel a notice", IPCX_NOTIFY_CANCEL, OBJECTS, 0, ROW_MAY_REFUSE, prepare_cancel, run_cancel_row, NULL },
};

TEST_LIMIT(commands_of_every_object, 100000)
{
	sweep(ROWS(object_rows));
	sweep(ROWS(cancel_rows));
}

TEST_LIMIT(waiting_for_objects, 100000)
{
	sweep(ROWS(waiting_rows));
}

#include "fault-queues.h"

/* ---- regions ---- */

static void *mapped;

static long run_region_stat(void)
{
	return RUN(fds[target], IPCX_REGION_STAT, (struct ipcx_region_stat){ .size = sizeof(struct ipcx_region_stat) });
}

static long run_mmap(void)
{
	mapped = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fds[target], 0);
	return mapped == MAP_FAILED ? -errno : 0;
}

static void check_mmap(long ret)
{
	CHECK_EQ(ret, 0);
	((volatile char *)mapped)[5 * PAGE] = 1;
	CHECK_EQ(region_stat(fds[target]).allocated, PAGE);
	CHECK_SYS(munmap(mapped, 16 * PAGE));
}

static void prepare_mapped(void)
{
	CHECK_OK(run_mmap());
}

/* The kernel reads into a page of the region that is not there yet. */
static long run_touch(void)
{
	static const char path[] = "/proc/self/comm";

	(void)path;
	return sys(getrandom((char *)mapped + PAGE, 64, 0));
}

static void check_touch(long ret)
{
	CHECK_EQ(ret, 64);
	CHECK_SYS(munmap(mapped, 16 * PAGE));
}

static long run_region_write(void)
{
	return sys(pwrite(fds[target], buf, 3 * PAGE, PAGE));
}

static void check_region_write(long ret)
{
	CHECK_GT(ret, 0);
	CHECK_LE(ret, 3 * PAGE);
}

static long run_fallocate(void)
{
	return sys(fallocate(fds[target], 0, 0, 4 * PAGE));
}

static long run_seal(void)
{
	return sys(fcntl(fds[target], F_ADD_SEALS, F_SEAL_WRITE));
}

static const struct row region_rows[] = {
	{ "region's statistics", IPCX_REGION_STAT, BIT(REGION), 0, 0, NULL, run_region_stat, NULL },
	{ "mmap", NO_COMMAND, BIT(REGION), 0, 0, NULL, run_mmap, check_mmap },
	{ "touch", NO_COMMAND, BIT(REGION), 0, ROW_MMAP, prepare_mapped, run_touch, check_touch },
	{ "write to a region", NO_COMMAND, BIT(REGION), 0, ROW_MMAP, NULL, run_region_write, check_region_write },
	{ "fallocate", NO_COMMAND, BIT(REGION), 0, ROW_MMAP, NULL, run_fallocate, NULL },
	{ "seal", NO_COMMAND, BIT(REGION), 0, 0, NULL, run_seal, NULL },
};

TEST_LIMIT(commands_of_regions, 100000)
{
	memset(buf, 0x5a, sizeof(buf));
	sweep(ROWS(region_rows));
}

/* ---- semaphores and events ---- */

static long run_post(void)
{
	return RUN(fds[target], IPCX_SEM_POST, (struct ipcx_sem_post){ .size = sizeof(struct ipcx_sem_post), .nr = 3 });
}

static void check_post(long ret)
{
	CHECK_EQ(ret, 0);
	CHECK_EQ(sem_stat(fds[target]).count, 5);
}

static long run_sem_wait(void)
{
	return RUN(fds[target], IPCX_SEM_WAIT, (struct ipcx_sem_wait){ .size = sizeof(struct ipcx_sem_wait),
		   .timeout = IPCX_FOREVER, .nr = 2 });
}

static void check_sem_wait(long ret)
{
	CHECK_EQ(ret, 0);
	CHECK_EQ(sem_stat(fds[target]).count, 0);
}

static void prepare_robust(void)
{
	CHECK_SYS(close(fds[SEM]));
	fds[SEM] = robust_sem(2, 100);
}

static void check_robust_wait(long ret)
{
	check_sem_wait(ret);
	CHECK_EQ(sem_stat(fds[target]).held, 2);
}

static long run_robust_wait_all(void)
{
	return run_wait_all();
}

static void prepare_robust_all(void)
{
	prepare_robust();
	prepare_wait_all();
}

static long run_sem_stat(void)
{
	return RUN(fds[target], IPCX_SEM_STAT, (struct ipcx_sem_stat){ .size = sizeof(struct ipcx_sem_stat) });
}

#define EVENT_RUNS(what, cmd)							\
static long run_##what(void)							\
{										\
	return RUN(fds[target], cmd, (struct ipcx_event_change){ .size = sizeof(struct ipcx_event_change) });	\
}
EVENT_RUNS(set, IPCX_EVENT_SET)
EVENT_RUNS(reset, IPCX_EVENT_RESET)
EVENT_RUNS(pulse, IPCX_EVENT_PULSE)

static long run_event_wait(void)
{
	return RUN(fds[target], IPCX_EVENT_WAIT, (struct ipcx_event_wait){ .size = sizeof(struct ipcx_event_wait),
		   .timeout = IPCX_FOREVER });
}

static long run_event_stat(void)
{
	return RUN(fds[target], IPCX_EVENT_STAT, (struct ipcx_event_stat){ .size = sizeof(struct ipcx_event_stat) });
}

static const struct row sem_rows[] = {
	{ "post", IPCX_SEM_POST, BIT(SEM), 0, 0, NULL, run_post, check_post },
	{ "wait for units", IPCX_SEM_WAIT, BIT(SEM), 0, 0, NULL, run_sem_wait, check_sem_wait },
	{ "wait for robust units", IPCX_SEM_WAIT, BIT(SEM), 0, 0, prepare_robust, run_sem_wait, check_robust_wait },
	{ "wait for all, one robust", IPCX_WAIT, BIT(SEM), BIT(EVENT), 0, prepare_robust_all, run_robust_wait_all,
	  check_wait_all },
	{ "semaphore's statistics", IPCX_SEM_STAT, BIT(SEM), 0, 0, NULL, run_sem_stat, NULL },
	{ "set", IPCX_EVENT_SET, BIT(EVENT), 0, 0, NULL, run_set, NULL },
	{ "reset", IPCX_EVENT_RESET, BIT(EVENT), 0, 0, NULL, run_reset, NULL },
	{ "pulse", IPCX_EVENT_PULSE, BIT(EVENT), 0, 0, NULL, run_pulse, NULL },
	{ "wait for an event", IPCX_EVENT_WAIT, BIT(EVENT), 0, 0, NULL, run_event_wait, NULL },
	{ "event's statistics", IPCX_EVENT_STAT, BIT(EVENT), 0, 0, NULL, run_event_stat, NULL },
};

TEST_LIMIT(commands_of_semaphores_and_events, 100000)
{
	sweep(ROWS(sem_rows));
}

/* ---- streams and wait sets ---- */

static long run_stream_stat(void)
{
	return RUN(fds[target], IPCX_STREAM_STAT, (struct ipcx_stream_stat){ .size = sizeof(struct ipcx_stream_stat) });
}

static void prepare_stream(void)
{
	len = MIDDLE;
	CHECK_EQ(write(fds[STREAM], buf, MIDDLE), MIDDLE);
}

static long run_resize(void)
{
	return RUN(fds[target], IPCX_STREAM_RESIZE, (struct ipcx_stream_resize){
		   .size = sizeof(struct ipcx_stream_resize), .capacity = 1 << 20 });
}

static void check_resize(long ret)
{
	struct ipcx_stream_stat st;

	CHECK_EQ(ret, 0);
	CHECK_OK(ipcx_stream_stat(fds[target], &st));
	CHECK_EQ(st.capacity, 1 << 20);
	CHECK_EQ(st.bytes, MIDDLE);
}

static void check_stream_bytes(long ret)
{
	struct ipcx_stream_stat st;

	CHECK_GT(ret, 0);
	CHECK_OK(ipcx_stream_stat(fds[target], &st));
	CHECK_EQ(st.bytes, ret);
	CHECK_EQ(read(fds[target], out, sizeof(out)), ret);
	CHECK_MEM(out, buf, ret);
}

static long run_stream_write_large(void)
{
	return sys(write(fds[target], buf, 50000));
}

static void prepare_pipe(void)
{
	CHECK_SYS(pipe2(numbers, O_CLOEXEC | O_NONBLOCK));
	extra(numbers[0]);
	extra(numbers[1]);
}

static void prepare_splice_in(void)
{
	prepare_pipe();
	CHECK_EQ(write(numbers[1], buf, 20000), 20000);
}

static long run_splice_in(void)
{
	return sys(splice(numbers[0], NULL, fds[target], NULL, 20000, SPLICE_F_NONBLOCK));
}

static void prepare_splice_out(void)
{
	prepare_pipe();
	CHECK_EQ(write(fds[STREAM], buf, 20000), 20000);
}

static long run_splice_out(void)
{
	return sys(splice(fds[target], NULL, numbers[1], NULL, 20000, SPLICE_F_NONBLOCK));
}

static void check_splice_out(long ret)
{
	struct ipcx_stream_stat st;

	CHECK_GT(ret, 0);
	CHECK_OK(ipcx_stream_stat(fds[target], &st));
	CHECK_EQ(st.bytes, 20000 - ret);
	CHECK_EQ(read(numbers[0], out, sizeof(out)), ret);
	CHECK_MEM(out, buf, ret);
}

static long run_set_add(void)
{
	return RUN(fds[target], IPCX_WAIT_SET_ADD, (struct ipcx_wait_set_change){
		   .size = sizeof(struct ipcx_wait_set_change), .index = 3,
		   .entry = ipcx_wait_entry(fds[SEM], IPCX_WAIT_TAKE) });
}

static void check_set(long ret)
{
	CHECK_EQ(ret, 0);
	CHECK_EQ(ipcx_wait_set_wait(fds[target], IPCX_NOWAIT, IPCX_FOREVER, NULL), 3);
}

static void prepare_added(void)
{
	CHECK_OK(run_set_add());
}

static long run_set_remove(void)
{
	return RUN(fds[target], IPCX_WAIT_SET_REMOVE, (struct ipcx_wait_set_change){
		   .size = sizeof(struct ipcx_wait_set_change), .index = 3 });
}

static long run_set_wait(void)
{
	return RUN(fds[target], IPCX_WAIT_SET_WAIT, (struct ipcx_wait_set_wait){
		   .size = sizeof(struct ipcx_wait_set_wait), .timeout = IPCX_FOREVER });
}

static long run_set_wait_all(void)
{
	return RUN(fds[target], IPCX_WAIT_SET_WAIT, (struct ipcx_wait_set_wait){
		   .size = sizeof(struct ipcx_wait_set_wait), .timeout = IPCX_FOREVER, .flags = IPCX_WAIT_ALL });
}

static void check_set_wait(long ret)
{
	CHECK_EQ(ret, 3);
	CHECK_EQ(sem_stat(fds[SEM]).count, 1);
}

static void prepare_added_robust(void)
{
	prepare_robust();
	prepare_added();
}

static void check_robust_set(long ret)
{
	CHECK_GE(ret, 0);
	CHECK_EQ(sem_stat(fds[SEM]).count, 1);
	CHECK_EQ(sem_stat(fds[SEM]).held, 1);
}

static const struct row stream_rows[] = {
	{ "stream's statistics", IPCX_STREAM_STAT, BIT(STREAM), 0, 0, NULL, run_stream_stat, NULL },
	{ "resize", IPCX_STREAM_RESIZE, BIT(STREAM), 0, 0, prepare_stream, run_resize, check_resize },
	{ "write to a stream", NO_COMMAND, BIT(STREAM), 0, ROW_KEEPS, NULL, run_write, check_stream_bytes },
	{ "write 50000 bytes", NO_COMMAND, BIT(STREAM), 0, ROW_KEEPS, NULL, run_stream_write_large, check_stream_bytes },
	{ "read from a stream", NO_COMMAND, BIT(STREAM), 0, 0, prepare_stream, run_read, check_read },
	{ "splice into a stream", NO_COMMAND, BIT(STREAM), 0, 0, prepare_splice_in, run_splice_in,
	  check_stream_bytes },
	{ "splice out of a stream", NO_COMMAND, BIT(STREAM), 0, 0, prepare_splice_out, run_splice_out,
	  check_splice_out },
	{ "add to a set", IPCX_WAIT_SET_ADD, BIT(WAIT_SET), BIT(SEM), 0, NULL, run_set_add, check_set },
	{ "remove from a set", IPCX_WAIT_SET_REMOVE, BIT(WAIT_SET), BIT(SEM), 0, prepare_added, run_set_remove, NULL },
	{ "wait for a set", IPCX_WAIT_SET_WAIT, BIT(WAIT_SET), BIT(SEM), 0, prepare_added, run_set_wait,
	  check_set_wait },
	{ "wait for a set, one robust", IPCX_WAIT_SET_WAIT, BIT(WAIT_SET), BIT(SEM), 0, prepare_added_robust,
	  run_set_wait, check_robust_set },
	{ "wait for all of a set", IPCX_WAIT_SET_WAIT, BIT(WAIT_SET), BIT(SEM), 0, prepare_added_robust,
	  run_set_wait_all, check_robust_set },
};

TEST_LIMIT(streams_and_wait_sets, 100000)
{
	size_t i;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = i * 7 + i / 251;
	sweep(ROWS(stream_rows));
}

#include "fault-peers.h"

/* ---- the table is complete ---- */

static bool has_row(enum on on, int nr)
{
	static const struct { const struct row *rows; size_t nr; } tables[] = {
		{ ROWS(device_rows) }, { ROWS(object_rows) }, { ROWS(waiting_rows) }, { ROWS(cancel_rows) },
		{ ROWS(queue_rows) }, { ROWS(call_rows) }, { ROWS(region_rows) }, { ROWS(sem_rows) },
		{ ROWS(stream_rows) },
	};
	size_t i, j;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (j = 0; j < tables[i].nr; j++)
			if (tables[i].rows[j].cmd != NO_COMMAND && _IOC_NR(tables[i].rows[j].cmd) == (unsigned int)nr &&
			    tables[i].rows[j].on & BIT(on))
				return true;
	return false;
}

/* The module is asked which commands it knows, on each kind of object: they fail for want of an argument. */
TEST(no_command_is_forgotten)
{
	int on, nr, known = 0;

	make_objects(OBJECTS);
	for (on = 0; on < NR_ON; on++)
		for (nr = 0; nr < 256; nr++) {
			int ret = call(fds[on], _IOC(3, IPCX_IOC_TYPE, nr, 8), NULL);

			if (ret == -ENOTTY)
				continue;
			CHECK_EQ(ret, -EFAULT);
			known++;
			if (!has_row(on, nr))
				FAIL("command %#x of a %s has no row: what happens when its allocations fail?", nr,
				     on_names[on]);
		}
	CHECK_GE(known, 40);
	NOTE("%d commands, each of every kind of object counted", known);
}
