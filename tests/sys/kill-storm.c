// SPDX-License-Identifier: GPL-2.0
/*
 * Many processes use objects of every kind at once, in every way, and are killed at random.  Afterwards nothing is lost and
 * nothing is left: each count of the kernel agrees with what the living have seen and the dead may have done, and all
 * memory has gone.  If this fails, a process can take something with it, or leave something behind.
 *
 * IPCX_STORM_SECONDS and IPCX_STORM_WORKERS make it longer and larger: make stress, make soak.
 * timeout: 120
 */
#include "object.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#define UNITS	7		/* of the robust semaphore */
#define BIG	20000		/* bytes of a message that has pages */
#define MOST	30		/* messages in a queue */
#define STARTS	256		/* places in pattern[] where a payload may start */
#define SLACK_OBJECTS 16	/* that may be more after many rounds than after the first */
#define NR_NEWS	3		/* subscriptions that outlive workers; the first is nobody's until the end */
#define LONGEST	(7 * 24 * 3600)	/* seconds of a run; six times as many milliseconds fit into 32 bits */
#define LIMIT_MS (LONGEST * 1000u)

/* What is counted: by those who did it. */
enum count { SENT, RECEIVED, PURGED, LATEST_SENT, LATEST_RECEIVED, FDS_SENT, FDS_RECEIVED, SERVED, ANSWERED, GAVE_UP, REPLIED,
	     POSTED, WAITED, WRITTEN, READ_OUT, PUBLISHED, NEWS, NEWS_LOST = NEWS + NR_NEWS + 1,
	     NR_COUNTS = NEWS_LOST + NR_NEWS, UNCOUNTED };

#define UNWRITTEN 0xeeeeeeee	/* as the sender of a message that is not there */

/*
 * One worker's: what it has done, and may be in the middle of.  A message is received into it: the module describes it if
 * and only if it has been taken, so that is known of the dead, too.
 */
struct slot {
	uint64_t done[NR_COUNTS];
	uint64_t before;	/* done[] of what is pending */
	uint32_t pending;	/* an enum count, plus 1 */
	uint64_t lost_before;	/* done[] of NEWS_LOST, if a subscription is read */
	uint64_t amount;
	struct ipcx_queue_recv one;
	struct ipcx_queue_recv_fds fds;
	struct ipcx_queue_call call;
	struct ipcx_msg many[4];
};

static struct shared {
	bool stop;
	uint64_t nr_ops;
	struct slot slots[1024];
} *shared;

static uint64_t done[NR_COUNTS], maybe[NR_COUNTS];
static int news[NR_NEWS];
static int msgs, fds_queue, calls, latest, robust, plain, automatic, manual, memory, stream[2], broadcast;
static unsigned int nr_workers, seconds;
static char pattern[BIG + STARTS];

static unsigned int number_of(const char *name, unsigned int normally)
{
	const char *value = getenv(name);
	unsigned long n = value ? strtoul(value, NULL, 10) : normally;

	return n > UINT_MAX ? UINT_MAX : n;
}

static unsigned int duration(const char *name, unsigned int normally)
{
	unsigned int n = number_of(name, normally);

	if (n > LONGEST)
		FAIL("%s is %u: a run takes at most %d seconds, which is a week", name, n, LONGEST);
	return n;
}

static uint64_t charged(void)
{
	struct ipcx_query query;

	CHECK_OK(ipcx_query(&query));
	return query.user_bytes_used;
}

/* Pages that are free, but kept by a processor: MemFree is without them. */
static long kept_pages(void)
{
	FILE *f = fopen("/proc/zoneinfo", "re");
	char line[128];
	long sum = 0, n;

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %ld", &n) == 1)
			sum += n;
	fclose(f);
	return sum;
}

/*
 * Kilobytes of memory that only the kernel can free, bare pages too: all but what is free, of user space, of files, or
 * given back when memory is short.
 */
static long kernel_memory(void)
{
	static const struct {
		const char *name;
		int sign;
	} parts[] = { { "MemTotal:", 1 }, { "MemFree:", -1 }, { "AnonPages:", -1 }, { "Cached:", -1 }, { "Buffers:", -1 },
		      { "Shmem:", 1 }, { "SReclaimable:", -1 } };
	char line[128], name[32];
	unsigned int i;
	long sum, n;
	FILE *f;

	write_text("/proc/sys/vm/drop_caches", "3");
	write_text("/proc/sys/vm/stat_refresh", "1");
	sum = -kept_pages() * (long)(PAGE / 1024);
	f = fopen("/proc/meminfo", "re");
	CHECK(f);
	while (fgets(line, sizeof(line), f))
		for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
			if (sscanf(line, "%31s %ld", name, &n) == 2 && !strcmp(name, parts[i].name))
				sum += parts[i].sign * n;
	fclose(f);
	return sum;
}

/*
 * Objects of the caches that the module allocates from; a few others use them too.  What processors keep is not counted.
 * Names and numbers go to @each; 0 if the kernel does not tell.
 */
static long slab_objects(char *each, size_t size)
{
	char path[128], line[512], name[64];
	FILE *f = fopen("/proc/slabinfo", "re");
	long sum = 0, n;
	size_t len = 0;

	each[0] = '\0';
	if (!f)
		return 0;
	for (int shrunk = 0; shrunk < 2; shrunk++) {
		rewind(f);
		while (fgets(line, sizeof(line), f)) {
			if (sscanf(line, "%63s %ld", name, &n) != 2 || strncmp(name, "kmalloc-cg-", 11))
				continue;
			snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", name);
			if (!shrunk && !access(path, W_OK))
				write_text(path, "1");
			if (!shrunk || len >= size)
				continue;
			sum += n;
			len += snprintf(each + len, size - len, " %s: %ld", name + 11, n);
		}
	}
	fclose(f);
	return sum;
}

/* When nothing more goes: files and what waits for a grace period go a little later. */
static long settled_objects(char *each, size_t size)
{
	long n = slab_objects(each, size), before;

	do {
		before = n;
		test_pause_ms(50);
		n = slab_objects(each, size);
	} while (n < before);
	return n;
}

static void make_objects(void)
{
	struct ipcx_options o = { 0 };
	struct ipcx_queue_limits few = { .max_msgs = MOST, .max_bytes = 1 << 20 };

	msgs = CHECK_OK(ipcx_queue_create(NULL, &few, NULL));
	fds_queue = CHECK_OK(ipcx_queue_create(NULL, &few, NULL));
	calls = CHECK_OK(ipcx_queue_create(NULL, &few, NULL));
	o.flags = IPCX_QUEUE_LATEST;
	latest = CHECK_OK(ipcx_queue_create(NULL, &few, &o));
	o.flags = IPCX_QUEUE_BROADCAST;
	few.overflow = IPCX_OVERFLOW_DROP;
	o.rights = IPCX_WRITE;
	broadcast = CHECK_OK(ipcx_queue_create("storm-news", &few, &o));
	o.rights = 0;
	for (int i = 0; i < NR_NEWS; i++)
		news[i] = CHECK_OK(ipcx_open("storm-news", IPCX_KIND_QUEUE, IPCX_READ, 0));
	o.flags = IPCX_SEM_ROBUST;
	robust = CHECK_OK(ipcx_sem_create(NULL, UNITS, UNITS, &o));
	plain = CHECK_OK(ipcx_sem_create(NULL, 3, 0, NULL));
	automatic = CHECK_OK(ipcx_event_create(NULL, 0, NULL));
	o.flags = IPCX_EVENT_MANUAL;
	manual = CHECK_OK(ipcx_event_create(NULL, 0, &o));
	memory = CHECK_OK(ipcx_region_create(NULL, 4 * PAGE, NULL));
	CHECK_OK(ipcx_stream_pipe(stream, 4 * PAGE));
	CHECK_SYS(fcntl(stream[0], F_SETFL, O_NONBLOCK));
	CHECK_SYS(fcntl(stream[1], F_SETFL, O_NONBLOCK));
}

static void close_objects(void)
{
	int fds[] = { msgs, fds_queue, calls, latest, robust, plain, automatic, manual, memory, stream[0], stream[1],
		      broadcast, news[0], news[1],
		      news[2] };

	CHECK_OK(ipcx_unlink("storm-news"));
	for (unsigned int i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		close(fds[i]);
}

/* ---- what a worker does ---- */

static struct slot *own;
static uint64_t state;
static char buffers[4][BIG];

static unsigned int below(unsigned int n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (state >> 33) % n;
}

static uint64_t soon(void)
{
	return ipcx_after_ns(below(4) ? below(3000000) : below(100));
}

/* What is done only counts as such from end() on: until then bury() sees to it. */
static void begin(enum count what, uint64_t amount)
{
	own->before = own->done[what];
	own->amount = amount;
	own->one.msg.pid = own->fds.recv.msg.pid = own->call.reply.pid = UNWRITTEN;
	for (int i = 0; i < 4; i++)
		own->many[i].pid = UNWRITTEN;
	__atomic_store_n(&own->pending, what + 1, __ATOMIC_SEQ_CST);
}

static void end(enum count what, uint64_t amount)
{
	__atomic_store_n(&own->done[what], own->before + amount, __ATOMIC_SEQ_CST);
	__atomic_store_n(&own->pending, 0, __ATOMIC_SEQ_CST);
}

/* What a message begins with, if it is that long; a piece of pattern[] follows, or is all. */
struct head {
	uint32_t len, type, start;
};

/* A message whose receiver can see whether it is whole, in buffer @i. */
static struct ipcx_msg message(unsigned int i, size_t len, uint32_t type)
{
	struct head head = { len, type, below(STARTS) };
	size_t at = len < sizeof(head) ? 0 : sizeof(head);

	memcpy(buffers[i], &head, at);
	memcpy(buffers[i] + at, pattern + (at ? head.start : 0), len - at);
	return (struct ipcx_msg){ .buf = (uintptr_t)buffers[i], .len = len, .type = type };
}

/* Room for a message in buffer @i, where nothing is that looks like one. */
static struct ipcx_msg room(unsigned int i, size_t len)
{
	memset(buffers[i], 0xee, len < 100 ? len : 100);
	return (struct ipcx_msg){ .buf = (uintptr_t)buffers[i], .len = len };
}

/* @m has been received, cut to @len bytes if it was longer. */
static void look_at(const struct ipcx_msg *m, size_t len)
{
	const char *bytes = (const char *)(uintptr_t)m->buf;
	size_t there = m->len < len ? m->len : len, at = 0;
	struct head head = { 0 };

	if (m->len >= sizeof(head)) {
		/* not even all of its head */
		if (there < sizeof(head))
			return;
		memcpy(&head, bytes, sizeof(head));
		at = sizeof(head);
		CHECK_EQ(head.len, m->len);
		CHECK_EQ(head.type, m->type);
		CHECK_LT(head.start, STARTS);
	}
	if (memcmp(bytes + at, pattern + head.start, there - at))
		FAIL("a message of %llu bytes, of which %zu were received, has wrong ones", (unsigned long long)m->len, there);
}

/* One message from @queue, counted as @what: whether it came. */
static bool receive(enum count what, int queue, size_t len, const struct ipcx_select *some, unsigned int flags)
{
	struct ipcx_queue_recv *arg = &own->one;
	int ret;

	*arg = (struct ipcx_queue_recv){ .size = sizeof(*arg), .flags = flags, .timeout = soon(), .msg = room(0, len) };
	if (some)
		arg->select = *some;
	if (what != UNCOUNTED)
		begin(what, 1);
	ret = call(queue, IPCX_QUEUE_RECV, arg);
	if (!ret && what >= NEWS && what < NEWS + NR_NEWS && arg->msg.flags & IPCX_MSG_LOST)
		own->done[what - NEWS + NEWS_LOST] = own->lost_before + arg->msg.priority;
	if (what != UNCOUNTED)
		end(what, !ret);
	if (ret)
		return false;
	CHECK_NE(arg->msg.pid, UNWRITTEN);
	look_at(&arg->msg, len);
	return true;
}

static void use_queue(void)
{
	struct ipcx_select some = { .how = below(4), .type = 1 };
	size_t len = below(3) ? below(200) : BIG;
	uint32_t type = 1 + below(3), priority = below(3);
	unsigned int nr = 1 + below(4), i;
	struct ipcx_msg m[4];
	int64_t ret;

	if (!some.how)
		some.type = 0;
	switch (below(6)) {
	case 0:
	case 1:
		for (i = 0; i < nr; i++) {
			m[i] = message(i, len, type);
			m[i].priority = priority;
		}
		begin(SENT, nr);
		ret = ipcx_queue_sendv(msgs, m, nr, 0, soon());
		end(SENT, ret > 0 ? ret : 0);
		break;
	case 2:
		if (below(2)) {
			receive(UNCOUNTED, msgs, BIG, &some, IPCX_RECV_PEEK);
			break;
		}
		receive(RECEIVED, msgs, BIG, &some, 0);
		break;
	case 3:
		receive(RECEIVED, msgs, 20, NULL, IPCX_RECV_TRUNCATE);
		break;
	case 4:
		for (i = 0; i < nr; i++)
			own->many[i] = room(i, len);
		begin(RECEIVED, nr);
		ret = ipcx_queue_recvv(msgs, own->many, nr, &some, IPCX_RECV_TRUNCATE, soon());
		end(RECEIVED, ret > 0 ? ret : 0);
		for (i = 0; ret > 0 && i < ret; i++)
			look_at(&own->many[i], len);
		break;
	default:
		if (!below(50)) {
			/* what could not be kept comes back into a full queue */
			begin(PURGED, MOST + 4 * nr_workers);
			ret = ipcx_queue_purge(msgs, &some);
			end(PURGED, ret > 0 ? ret : 0);
		}
		m[0] = message(0, len, type);
		begin(LATEST_SENT, 1);
		end(LATEST_SENT, !ipcx_queue_send_msg(latest, m, 0, soon()));
		receive(LATEST_RECEIVED, latest, len, NULL, IPCX_RECV_TRUNCATE | IPCX_NOWAIT);
		break;
	}
}

static void pass_fds(void)
{
	int fds[3] = { memory, automatic, msgs }, got[3];
	struct ipcx_queue_recv_fds *arg = &own->fds;
	unsigned int nr = 1 + below(3), i;
	struct ipcx_msg m;
	int ret;

	if (below(2)) {
		m = message(0, 24, 1);
		begin(FDS_SENT, 1);
		end(FDS_SENT, !ipcx_queue_send_fds(fds_queue, &m, fds, nr, 0, soon()));
		return;
	}
	*arg = (struct ipcx_queue_recv_fds){ .recv.size = sizeof(*arg), .recv.flags = IPCX_RECV_TRUNCATE,
					     .recv.timeout = soon(), .recv.msg = room(0, 24), .fds = (uintptr_t)got,
					     .nr_fds = nr };
	begin(FDS_RECEIVED, 1);
	ret = call(fds_queue, IPCX_QUEUE_RECV_FDS, arg);
	end(FDS_RECEIVED, !ret);
	if (ret)
		return;
	look_at(&arg->recv.msg, 24);
	for (i = 0; i < arg->nr_fds; i++)
		close(got[i]);
}

static void call_or_serve(void)
{
	struct ipcx_msg m = message(0, 32, 1), in = room(1, 32);
	struct ipcx_queue_call *arg = &own->call;
	uint64_t call_id = 0;
	int ret;

	if (below(2)) {
		*arg = (struct ipcx_queue_call){ .size = sizeof(*arg), .flags = below(2) ? IPCX_RECV_TRUNCATE : 0,
						 .timeout = soon(), .msg = m, .reply = in };
		begin(ANSWERED, 1);
		ret = call(calls, IPCX_QUEUE_CALL, arg);
		if (ret && ret != -ECONNRESET)
			own->done[GAVE_UP]++;
		end(ANSWERED, !ret);
		if (!ret)
			look_at(&arg->reply, 32);
		return;
	}
	begin(SERVED, 1);
	ret = ipcx_queue_serve(calls, &call_id, NULL, &in, 0, soon());
	end(SERVED, !ret);
	if (ret)
		return;
	look_at(&in, 32);
	if (call_id && below(4)) {
		begin(REPLIED, 1);
		end(REPLIED, !ipcx_queue_reply(calls, call_id, &m));
	}
}

static void use_semaphores(void)
{
	unsigned int nr = 1 + below(3);

	switch (below(3)) {
	case 0:
		if (!ipcx_sem_wait(robust, nr, 0, soon()) && below(2))
			ipcx_sem_post(robust, nr);
		break;
	case 1:
		begin(POSTED, 1);
		end(POSTED, ipcx_sem_post(plain, 1) ? 0 : 1);
		break;
	default:
		begin(WAITED, 1);
		end(WAITED, ipcx_sem_wait(plain, 1, 0, soon()) ? 0 : 1);
		break;
	}
}

static void use_events(void)
{
	int e = below(2) ? automatic : manual;

	switch (below(4)) {
	case 0:
		ipcx_event_set(e);
		break;
	case 1:
		ipcx_event_reset(e);
		break;
	case 2:
		ipcx_event_pulse(e);
		break;
	default:
		ipcx_event_wait(e, 0, soon());
		break;
	}
}

static void wait_for_several(void)
{
	struct ipcx_wait_entry e[3] = { { .fd = plain }, { .fd = automatic }, { .fd = msgs, .what = IPCX_WAIT_READABLE } };
	unsigned int index;
	int set, ret, i;

	begin(WAITED, 1);
	switch (below(3)) {
	case 0:
		ret = ipcx_wait_any(e, 3, 0, soon());
		end(WAITED, ret == 0);
		break;
	case 1:
		ret = ipcx_wait_all(e, 2, 0, soon());
		end(WAITED, ret == 0);
		break;
	default:
		set = ipcx_wait_set_create(NULL);
		for (i = 0; i < 3 && set >= 0; i++)
			ipcx_wait_set_add(set, i, &e[i]);
		ret = ipcx_wait_set_wait(set, 0, soon(), &index);
		if (below(2))
			ipcx_wait_set_remove(set, 1);
		close(set);
		end(WAITED, ret == 0);
		break;
	}
}

static void use_stream(void)
{
	size_t len = 1 + below(below(3) ? 300 : BIG - 1);
	char *bytes = buffers[0];
	ssize_t ret, i;

	if (below(2)) {
		memset(bytes, 's', len);
		begin(WRITTEN, len);
		ret = write(stream[1], bytes, len);
		end(WRITTEN, ret > 0 ? ret : 0);
	} else {
		memset(bytes, 0xee, len);
		begin(READ_OUT, len);
		ret = read(stream[0], bytes, len);
		end(READ_OUT, ret > 0 ? ret : 0);
		for (i = 0; i < ret; i++)
			if (bytes[i] != 's')
				FAIL("byte %zd of %zd read is not what was written", i, ret);
	}
}

static void use_region(void)
{
	size_t len;
	void *p;

	if (ipcx_region_map(memory, PROT_READ | PROT_WRITE, &p, &len))
		return;
	memset((char *)p + below(4) * PAGE, below(256), PAGE);
	ipcx_region_unmap(p, len);
}

static void use_broadcast(void)
{
	struct ipcx_msg m;
	uint32_t which;
	int sub, i;

	if (below(2)) {
		m = message(0, below(100), 1);
		begin(PUBLISHED, 1);
		end(PUBLISHED, ipcx_queue_send_msg(broadcast, &m, 0, soon()) ? 0 : 1);
		return;
	}
	if (below(2)) {
		which = 1 + below(NR_NEWS - 1);
		own->lost_before = own->done[NEWS_LOST + which];
		receive(NEWS + which, news[which], BIG, NULL, 0);
		return;
	}
	sub = ipcx_open("storm-news", IPCX_KIND_QUEUE, IPCX_READ, 0);
	for (i = below(4); i >= 0 && sub >= 0; i--)
		receive(NEWS + NR_NEWS, sub, BIG, NULL, 0);
	close(sub);
}

/* A name of its own, a temporary one that several make, a tap, a notice: what a dead process cannot take back. */
static void leave_things(void)
{
	struct ipcx_options temporary = { .flags = IPCX_CREATE_TEMPORARY };
	char name[32];
	int fd;

	switch (below(4)) {
	case 0:
		snprintf(name, sizeof(name), "storm-%u", below(5));
		fd = ipcx_sem_create(name, 1, 1, &temporary);
		close(fd);
		break;
	case 1:
		fd = ipcx_queue_tap(msgs, NULL);
		if (fd >= 0)
			receive(UNCOUNTED, fd, BIG, NULL, 0);
		close(fd);
		break;
	case 2:
		fd = eventfd(0, EFD_CLOEXEC);
		ipcx_notify_eventfd(msgs, IPCX_READY_READ, fd, below(2) ? IPCX_NOTIFY_REPEAT : 0);
		ipcx_notify_process(plain, IPCX_READY_READ, 0, SIGURG, 7, 0);
		close(fd);
		break;
	default:
		fd = dup(ipcx_restrict(msgs, IPCX_READ));
		close(fd - 1);
		close(fd);
		break;
	}
}

static int work(void *arg)
{
	static void (*const ops[])(void) = { use_queue, use_queue, pass_fds, call_or_serve, use_semaphores,
					     use_semaphores, use_events, wait_for_several, use_stream, use_region,
					     use_broadcast, leave_things };
	uint64_t mine = 0;

	own = &shared->slots[(long)arg];
	setpriority(PRIO_PROCESS, 0, 0);
	while (!__atomic_load_n(&shared->stop, __ATOMIC_RELAXED)) {
		ops[below(sizeof(ops) / sizeof(ops[0]))]();
		if (!(++mine % 16))
			__atomic_add_fetch(&shared->nr_ops, 16, __ATOMIC_RELAXED);
	}
	return 0;
}

/* ---- the storm ---- */

static pid_t start(long i)
{
	state = test_random();
	return spawn(work, (void *)i);
}

/* What had been written to where the dead one received. */
static unsigned int nr_written(const struct slot *slot)
{
	unsigned int nr = (slot->one.msg.pid != UNWRITTEN) + (slot->fds.recv.msg.pid != UNWRITTEN) +
			  (slot->call.reply.pid != UNWRITTEN);

	for (int i = 0; i < 4; i++)
		nr += slot->many[i].pid != UNWRITTEN;
	return nr;
}

static void bury(struct slot *slot)
{
	enum count what = slot->pending - 1;

	if (!slot->pending)
		return;
	slot->done[what] = slot->before;
	if (what == RECEIVED || what == LATEST_RECEIVED || what == FDS_RECEIVED || (what >= NEWS && what < NEWS_LOST)) {
		slot->done[what] += nr_written(slot);
		if (what >= NEWS && what < NEWS + NR_NEWS)
			slot->done[what - NEWS + NEWS_LOST] = slot->lost_before +
				(nr_written(slot) && slot->one.msg.flags & IPCX_MSG_LOST ? slot->one.msg.priority : 0);
	} else if (what == ANSWERED && nr_written(slot)) {
		slot->done[what]++;
	} else {
		maybe[what] += slot->amount;
		if (what == ANSWERED)
			maybe[GAVE_UP]++;
	}
	slot->pending = 0;
}

static void check_range(const char *what, uint64_t is, enum count count)
{
	if (is < done[count] || is > done[count] + maybe[count])
		FAIL("%llu %s, but %llu to %llu are known of", (unsigned long long)is, what,
		     (unsigned long long)done[count], (unsigned long long)(done[count] + maybe[count]));
}

/*
 * Every call that was received has been served, or passed over because its caller gave up; and every reply of which a server
 * was told that it arrived has.
 */
static void check_calls(void)
{
	struct ipcx_queue_stat qs = { 0 };

	CHECK_OK(ipcx_queue_stat(calls, &qs));
	CHECK_EQ(qs.sent, qs.received + qs.purged);
	CHECK_EQ(qs.nr_calls, 0);
	CHECK_EQ(qs.nr_msgs, 0);
	CHECK_GE(qs.received, done[SERVED]);
	CHECK_LE(qs.received + qs.purged, done[SERVED] + maybe[SERVED] + done[GAVE_UP] + maybe[GAVE_UP]);
	CHECK_LE(done[ANSWERED], done[REPLIED] + maybe[REPLIED]);
	CHECK_LE(done[REPLIED], done[ANSWERED] + maybe[ANSWERED]);
}

static bool only_ours_subscribe(struct ipcx_queue_stat *qs)
{
	CHECK_OK(ipcx_queue_stat(news[0], qs));
	return qs->nr_subscribers == NR_NEWS;
}

/* What was sent has been received through each subscription, or is still there, or its loss was told. */
static void check_broadcast(void)
{
	struct ipcx_queue_stat qs = { 0 };
	uint64_t received = done[NEWS + NR_NEWS], lost = 0;

	CHECK_SOON(only_ours_subscribe(&qs));
	check_range("messages were broadcast", qs.sent, PUBLISHED);
	for (int i = 0; i < NR_NEWS; i++) {
		struct ipcx_msg m = room(0, BIG);

		while (!ipcx_queue_recv_msg(news[i], &m, NULL, IPCX_NOWAIT, 0)) {
			done[NEWS + i]++;
			done[NEWS_LOST + i] += m.flags & IPCX_MSG_LOST ? m.priority : 0;
			m = room(0, BIG);
		}
		if (qs.sent != done[NEWS + i] + done[NEWS_LOST + i])
			FAIL("%llu were broadcast, but subscription %d got %llu and was told of %llu lost",
			     (unsigned long long)qs.sent, i, (unsigned long long)done[NEWS + i],
			     (unsigned long long)done[NEWS_LOST + i]);
		received += done[NEWS + i];
		lost += done[NEWS_LOST + i];
	}
	CHECK_OK(ipcx_queue_stat(news[0], &qs));
	CHECK_EQ(qs.received, received);
	CHECK_EQ(qs.nr_msgs, 0);
	/* those that are closed again were not told of all */
	CHECK_GE(qs.dropped, lost);
}

static bool units_are_back(void)
{
	struct ipcx_sem_stat st = sem_stat(robust);

	return st.count == UNITS && !st.held;
}

static void check_counts(void)
{
	struct ipcx_queue_stat qs = { 0 };
	struct ipcx_stream_stat ss = { 0 };
	int64_t units;

	memset(done, 0, sizeof(done));
	for (unsigned int i = 0; i < nr_workers; i++)
		for (unsigned int j = 0; j < NR_COUNTS; j++)
			done[j] += shared->slots[i].done[j];

	CHECK_OK(ipcx_queue_stat(msgs, &qs));
	CHECK_EQ(qs.sent, qs.received + qs.purged + qs.nr_msgs);
	CHECK_EQ(qs.nr_senders, 0);
	CHECK_EQ(qs.nr_receivers, 0);
	check_range("messages were sent", qs.sent, SENT);
	check_range("messages were received", qs.received, RECEIVED);
	check_range("messages were purged", qs.purged, PURGED);

	CHECK_OK(ipcx_queue_stat(fds_queue, &qs));
	CHECK_EQ(qs.sent, qs.received + qs.nr_msgs);
	check_range("messages with descriptors were sent", qs.sent, FDS_SENT);
	check_range("messages with descriptors were received", qs.received, FDS_RECEIVED);

	check_calls();
	check_broadcast();
	CHECK_OK(ipcx_queue_stat(latest, &qs));
	CHECK_EQ(qs.sent, qs.received + qs.purged + qs.dropped + qs.nr_msgs);
	check_range("messages were sent to the latest", qs.sent, LATEST_SENT);
	check_range("messages were received as the latest", qs.received, LATEST_RECEIVED);

	CHECK_SOON(units_are_back());
	units = sem_stat(plain).count;
	CHECK_EQ(sem_stat(plain).nr_waiters, 0);
	CHECK_GE(units, 3 + (int64_t)(done[POSTED] - done[WAITED] - maybe[WAITED]));
	CHECK_LE(units, 3 + (int64_t)(done[POSTED] + maybe[POSTED] - done[WAITED]));

	CHECK_OK(ipcx_stream_stat(stream[0], &ss));
	check_range("bytes were written", ss.written, WRITTEN);
	check_range("bytes were read", ss.written - ss.bytes, READ_OUT);
}

/* Returns how many were killed. */
static unsigned int storm(uint64_t ms)
{
	uint64_t before = charged(), over = test_now_ns() + ms * 1000000, told = test_now_ns();
	pid_t *pids = calloc(nr_workers, sizeof(*pids));
	unsigned int kills = 0;
	long i;

	CHECK(pids);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	memset(maybe, 0, sizeof(maybe));
	for (i = 0; i < (long)sizeof(pattern); i++)
		pattern[i] = test_random();
	make_objects();
	/* or those who are killed would have to wait for all the others */
	setpriority(PRIO_PROCESS, 0, -19);
	for (i = 0; i < nr_workers; i++)
		pids[i] = start(i);
	/* on a machine that has other things to do, at least once */
	while (!kills || test_now_ns() < over) {
		long first = test_random_below(nr_workers), nr = 1 + test_random_below(1 + nr_workers / 4);

		test_pause_ms(test_random_below(8));
		for (i = 0; i < nr; i++)
			CHECK_SYS(kill(pids[(first + i) % nr_workers], SIGKILL));
		for (i = 0; i < nr; i++) {
			long who = (first + i) % nr_workers;

			CHECK_KILLED_BY(pids[who], SIGKILL);
			bury(&shared->slots[who]);
			pids[who] = start(who);
		}
		kills += nr;
		if (test_now_ns() - told > 60000000000ull) {
			told = test_now_ns();
			NOTE("%u kills, %llu operations, %llu s left", kills, (unsigned long long)shared->nr_ops,
			     (unsigned long long)(over - told) / 1000000000);
		}
	}
	for (i = 0; i < nr_workers; i++) {
		CHECK_SYS(kill(pids[i], SIGKILL));
		CHECK_KILLED_BY(pids[i], SIGKILL);
		bury(&shared->slots[i]);
	}
	check_counts();
	NOTE("%u kills, %llu operations; %llu broadcast, %llu and %llu of them lost; %llu calls answered",
	     kills + nr_workers, (unsigned long long)shared->nr_ops, (unsigned long long)(done[NEWS] + done[NEWS_LOST]),
	     (unsigned long long)done[NEWS_LOST + 1], (unsigned long long)done[NEWS_LOST + 2],
	     (unsigned long long)done[ANSWERED]);
	close_objects();
	/* what lies in messages is dropped with them; files go a little later */
	CHECK_SOON(charged() == before);
	munmap(shared, sizeof(*shared));
	free(pids);
	return kills;
}

TEST_LIMIT(everything_at_once, LIMIT_MS)
{
	struct ipcx_list_entry entries[16];

	own_names();
	nr_workers = number_of("IPCX_STORM_WORKERS", 40);
	seconds = duration("IPCX_STORM_SECONDS", 5);
	CHECK_GT(nr_workers, 0);
	CHECK_LE(nr_workers, 1024);
	CHECK_GT(storm(seconds * 1000), 0);
	CHECK_SOON(ipcx_list(NULL, entries, 16) == 0);
}

/* KASAN and kmemleak: the kernel keeps more and more, and looks for leaks itself. */
static bool keeps_what_is_freed(void)
{
	struct utsname u;

	CHECK_SYS(uname(&u));
	return strstr(u.release, "-ipcx-debug");
}

/* Storm after storm: what is used after the first is not much less than after the last. */
TEST_LIMIT(memory_does_not_grow, LIMIT_MS)
{
	unsigned int total = duration("IPCX_SOAK_SECONDS", 4), each = total > 100 ? 10000 : 1000;
	uint64_t over = test_now_ns() + total * 1000000000ull;
	long first, now = 0, most, first_objects, objects = 0;
	char caches[512], first_caches[512];
	int rounds = 0;

	own_names();
	nr_workers = number_of("IPCX_STORM_WORKERS", 20);
	CHECK_GT(nr_workers, 0);
	CHECK_LE(nr_workers, 1024);
	storm(each);
	first = kernel_memory();
	/* per processor and per cache something may stay; each leaked object of a round would be more */
	most = first + (keeps_what_is_freed() ? 65536 : 4096);
	first_objects = settled_objects(first_caches, sizeof(first_caches));
	do {
		storm(each);
		rounds++;
		CHECK_SOON((now = kernel_memory()) <= most);
		NOTE("%ld KiB after round %d, %ld after the first", now, rounds, first);
		if (keeps_what_is_freed())
			continue;
		objects = settled_objects(caches, sizeof(caches));
		NOTE("%ld objects, %ld after the first", objects, first_objects);
		if (!wait_until(slab_objects(caches, sizeof(caches)) <= first_objects + SLACK_OBJECTS, TEST_SOON_MS))
			FAIL("more objects are left than by the first round:%s; after that:%s", caches, first_caches);
	} while (test_now_ns() < over);
}
