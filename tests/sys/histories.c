// SPDX-License-Identifier: GPL-2.0
/*
 * Several processes use one object, and some of their calls wait for a while; what each returned, and in which order, must be
 * what a sequential object could have done (tests/lib/history.h).  If this fails, an operation is not one step for those who
 * look on, or for those who live on when somebody is killed in the midst of it.
 */
#include "object.h"

#include <ipcx-ring.h>
#include <linux/futex.h>
#include <sys/resource.h>

#include "../lib/history.h"

#define NR_USERS	4
#define EACH		(HISTORY_MAX / NR_USERS)
#define WAIT_NS		100000
#define SPIN_NS		50000
#define LEAST_MET	20		/* per cent of the operations that have met others */

/* The library's objects are placed in shared memory, the module's are descriptors. */
enum by { MODULE, LIBRARY };

/* What the users share. */
static struct shared {
	struct history h;
	uint32_t now;
	uint32_t round;			/* is begun by adding 1 */
	uint32_t bell;			/* somebody is through */
	uint32_t through[NR_USERS];
	uint32_t gone;			/* who has been killed in this round, and is not waited for */
	uint32_t gate_every;		/* so many operations */
	uint32_t gates[EACH + 1];	/* how many have come to each */
	char msem[IPCX_MSEM_SIZE] __attribute__((aligned(IPCX_MSEM_SIZE)));
} *shared;

static int subject;
static enum by by;
static struct ipcx_ring ring;
static struct ipcx_msem msem;
static pid_t users[NR_USERS];
static uint32_t begun;			/* shared->round, for those who come into being */

static long futex(uint32_t *word, int what, uint32_t value, const struct timespec *for_ns)
{
	return syscall(SYS_futex, word, what, value, for_ns, NULL, 0);
}

/* Wait while *@word is @value. */
static void sleep_while(uint32_t *word, uint32_t value)
{
	const struct timespec tenth = { .tv_nsec = 100000000 };

	while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == value)
		futex(word, FUTEX_WAIT, value, &tenth);
}

static uint32_t stamp(void)
{
	return __atomic_add_fetch(&shared->now, 1, __ATOMIC_SEQ_CST);
}

static int take(unsigned int flags, uint64_t until)
{
	if (shared->h.kind != H_SEM)
		return ipcx_event_wait(subject, flags, until);
	return by == LIBRARY ? ipcx_msem_wait(&msem, 1, flags, until) : ipcx_sem_wait(subject, 1, flags, until);
}

static void do_op(struct operation *op, uint32_t random)
{
	uint64_t value = op->value, until = 0;
	unsigned int flags = op->waits ? 0 : IPCX_NOWAIT;
	struct ipcx_msg m = ipcx_msg(&value, sizeof(value));
	ssize_t len;

	if (op->waits)
		until = ipcx_after_ns(WAIT_NS);
	m.priority = op->value / 1000;
	m.type = 1 + random % 2;
	__atomic_store_n(&op->called, stamp(), __ATOMIC_SEQ_CST);
	switch (op->op) {
	case H_SEND:
		if (by == LIBRARY)
			op->ret = ipcx_ring_send_until(&ring, &value, sizeof(value), flags, until);
		else
			op->ret = ipcx_queue_send_msg(subject, &m, flags, until);
		break;
	case H_RECV:
		value = 0;
		if (by == LIBRARY) {
			len = ipcx_ring_recv_until(&ring, &value, sizeof(value), flags, until);
			op->ret = len < 0 ? len : 0;
		} else {
			op->ret = ipcx_queue_recv_msg(subject, &m, NULL, flags, until);
		}
		op->value = op->ret ? 0 : value;
		break;
	case H_POST:
		op->ret = by == LIBRARY ? ipcx_msem_post(&msem, 1) : ipcx_sem_post(subject, 1);
		break;
	case H_TAKE:
		op->ret = take(flags, until);
		break;
	case H_SET:
		op->ret = ipcx_event_set(subject);
		break;
	case H_RESET:
		op->ret = ipcx_event_reset(subject);
		break;
	case H_PULSE:
		op->ret = ipcx_event_pulse(subject);
		break;
	}
	__atomic_store_n(&op->returned, stamp(), __ATOMIC_SEQ_CST);
}

/*
 * Wait until all have come: whoever is running on another processor goes on at the same time, without a wake-up.  A gate is
 * only there to make calls meet: whom a killed one keeps waiting looks again.
 */
static void pass_gate(uint32_t *gate)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	uint64_t asleep = test_now_ns() + SPIN_NS;
	uint32_t nr = __atomic_add_fetch(gate, 1, __ATOMIC_SEQ_CST);

	if (nr == NR_USERS)
		futex(gate, FUTEX_WAKE, NR_USERS, NULL);
	while (nr + __atomic_load_n(&shared->gone, __ATOMIC_SEQ_CST) < NR_USERS) {
		if (test_now_ns() < asleep)
			sched_yield();
		else
			futex(gate, FUTEX_WAIT, nr, &ms);
		nr = __atomic_load_n(gate, __ATOMIC_SEQ_CST);
	}
}

static void attach(void)
{
	if (by == LIBRARY && shared->h.kind == H_RING)
		CHECK_OK(ipcx_ring_attach(&ring, subject, IPCX_RING_SENDER | IPCX_RING_RECEIVER));
	else if (by == LIBRARY)
		CHECK_OK(ipcx_msem_place(&msem, shared->msem, 1, 3));
}

static int use(void *arg)
{
	struct operation *ops = &shared->h.ops[(long)arg * EACH];
	uint32_t round = begun;

	setpriority(PRIO_PROCESS, 0, 0);
	attach();
	for (;;) {
		sleep_while(&shared->round, round++);
		for (unsigned int i = 0; i < EACH; i++) {
			if (i % shared->gate_every == 0)
				pass_gate(&shared->gates[i]);
			do_op(&ops[i], (uint32_t)(long)arg * 7 + i);
		}
		__atomic_store_n(&shared->through[(long)arg], 1, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&shared->bell, 1, __ATOMIC_SEQ_CST);
		futex(&shared->bell, FUTEX_WAKE, 1, NULL);
	}
	return 0;
}

static enum history_op random_op(enum history_kind kind, bool pulses)
{
	static const enum history_op of_events[] = { H_SET, H_TAKE, H_TAKE, H_RESET, H_PULSE };

	switch (kind) {
	case H_QUEUE:
	case H_RING:
		return test_random_below(2) ? H_SEND : H_RECV;
	case H_SEM:
		return test_random_below(2) ? H_POST : H_TAKE;
	default:
		return of_events[test_random_below(4 + pulses)];
	}
}

/* What the round before has left in the object goes; a semaphore begins with one unit. */
static void empty_object(enum history_kind kind)
{
	uint64_t value;

	switch (kind) {
	case H_QUEUE:
		CHECK_OK(ipcx_queue_purge(subject, NULL));
		break;
	case H_RING:
		while (ipcx_ring_recv_until(&ring, &value, sizeof(value), IPCX_NOWAIT, 0) >= 0)
			continue;
		break;
	case H_SEM:
		while (!take(IPCX_NOWAIT, 0))
			continue;
		if (by == LIBRARY)
			CHECK_OK(ipcx_msem_post(&msem, 1));
		else
			CHECK_OK(ipcx_sem_post(subject, 1));
		break;
	default:
		ipcx_event_reset(subject);
	}
}

static void begin_round(enum history_kind kind, int priorities, long victim)
{
	int nr_sent = 0;

	empty_object(kind);
	shared->h = (struct history){ .kind = kind, .nr = HISTORY_MAX, .initial = kind == H_SEM,
				      .max = kind == H_SEM ? 3 : kind == H_RING ? 4 : 5 };
	for (unsigned int i = 0; i < shared->h.nr; i++) {
		struct operation *op = &shared->h.ops[i];

		/* how many the pulse of a killed one has let through would not be known */
		op->op = random_op(kind, i / EACH != victim);
		op->waits = test_random_below(2);
		if (op->op == H_SEND)
			op->value = test_random_below(priorities) * 1000 + ++nr_sent;
	}
	memset(shared->gates, 0, sizeof(shared->gates));
	memset(shared->through, 0, sizeof(shared->through));
	shared->now = shared->gone = 0;
	shared->gate_every = EACH / 2 + test_random_below(EACH);
	begun = __atomic_add_fetch(&shared->round, 1, __ATOMIC_SEQ_CST);
	futex(&shared->round, FUTEX_WAKE, NR_USERS, NULL);
}

/* Kill it, if possible in the midst of an operation, and return whether it was. */
static bool kill_user(long who)
{
	struct operation *ops = &shared->h.ops[who * EACH], *op = &ops[test_random_below(EACH)];
	unsigned int done = 0;

	while (!__atomic_load_n(&op->called, __ATOMIC_SEQ_CST) && !__atomic_load_n(&shared->through[who], __ATOMIC_SEQ_CST))
		sched_yield();
	CHECK_SYS(kill(users[who], SIGKILL));
	CHECK_KILLED_BY(users[who], SIGKILL);
	if (shared->through[who])
		return false;
	__atomic_add_fetch(&shared->gone, 1, __ATOMIC_SEQ_CST);
	while (done < EACH && ops[done].returned)
		done++;
	return done < EACH && ops[done].called;
}

/* Somebody may still be at it; a little later it is looked at again. */
static bool all_are_through(void)
{
	const struct timespec a_while = { .tv_nsec = 10000000 };
	uint32_t bell = __atomic_load_n(&shared->bell, __ATOMIC_SEQ_CST), nr = shared->gone;

	for (int i = 0; i < NR_USERS; i++)
		nr += __atomic_load_n(&shared->through[i], __ATOMIC_SEQ_CST);
	if (nr >= NR_USERS)
		return true;
	futex(&shared->bell, FUTEX_WAIT, bell, &a_while);
	return false;
}

/* Leave out what has not been called, and mark whom it killed. */
static void close_history(struct history *h)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < h->nr; i++) {
		if (!h->ops[i].called)
			continue;
		h->ops[nr] = h->ops[i];
		h->ops[nr].killed = !h->ops[nr].returned;
		if (h->ops[nr].killed && h->ops[nr].op == H_RECV)
			h->ops[nr].value = 0;
		h->ops[nr].ret = h->ops[nr].killed ? 0 : h->ops[nr].ret;
		nr++;
	}
	h->nr = nr;
}

/* What has been seen in all rounds. */
struct seen {
	unsigned int nr, met, raced, served, given_up, pulsed, killed;
};

static void look_at(const struct history *h, struct seen *seen)
{
	for (unsigned int i = 0; i < h->nr; i++) {
		const struct operation *op = &h->ops[i];
		bool met = false, raced = false;

		for (unsigned int j = 0; j < h->nr; j++) {
			if (j == i || !history_meet(op, &h->ops[j]))
				continue;
			met = true;
			raced |= !op->waits && !h->ops[j].waits;
		}
		seen->nr++;
		seen->met += met;
		seen->raced += raced;
		seen->served += op->waits && !op->ret;
		seen->given_up += op->waits && op->ret == -ETIMEDOUT;
		seen->pulsed += op->op == H_PULSE && op->ret;
	}
}

static void play_round(enum history_kind kind, int priorities, long victim, struct seen *seen)
{
	static struct history h;
	uint32_t bad;
	uint64_t end = test_now_ns() + TEST_SOON_MS * 1000000ull;

	begin_round(kind, priorities, victim);
	if (victim >= 0)
		seen->killed += kill_user(victim);
	while (!all_are_through())
		CHECK_LT(test_now_ns(), end);
	h = shared->h;
	close_history(&h);
	look_at(&h, seen);
	bad = history_check(&h);
	if (bad) {
		history_reduce(&h, bad);
		history_show(&h, bad);
		FAIL("no sequential object could have done that");
	}
	if (victim >= 0)
		users[victim] = spawn(use, (void *)victim);
}

static int make_object(enum history_kind kind)
{
	struct ipcx_queue_limits limits = { .max_msgs = 5 };
	struct ipcx_ring_limits four = { .flags = IPCX_RING_MANY, .slots = 4 };

	switch (kind) {
	case H_QUEUE:
		return CHECK_OK(ipcx_queue_create(NULL, &limits, NULL));
	case H_RING:
		return CHECK_OK(ipcx_ring_create(NULL, &four, NULL));
	case H_SEM:
		return by == MODULE ? sem(1, 3) : -1;
	default:
		return event(0, kind == H_MANUAL_EVENT ? IPCX_EVENT_MANUAL : 0);
	}
}

static unsigned int nr_rounds(void)
{
	const char *value = getenv("IPCX_HISTORIES");

	return value ? strtoul(value, NULL, 10) : 150;
}

/* IPCX_HISTORIES rounds; in every third somebody is killed, but not of a ring, which notices only after a while. */
static void record(enum history_kind kind, enum by whom, int priorities)
{
	unsigned int rounds = nr_rounds();
	bool kills = kind != H_RING;
	struct seen seen = { 0 };

	by = whom;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	shared->h.kind = kind;
	subject = make_object(kind);
	attach();
	/* to be quick enough with those whom it kills */
	setpriority(PRIO_PROCESS, 0, -15);
	for (long i = 0; i < NR_USERS; i++)
		users[i] = spawn(use, (void *)i);
	for (unsigned int i = 0; i < rounds; i++)
		play_round(kind, priorities, kills && i % 3 == 2 ? (long)test_random_below(NR_USERS) : -1, &seen);
	NOTE("%u %% of %u operations met others, and %u %% others that do not wait either", 100 * seen.met / seen.nr, seen.nr,
	     100 * seen.raced / seen.nr);
	NOTE("of those that would wait %u got what they waited for, %u did not; %u pulses let somebody through", seen.served,
	     seen.given_up, seen.pulsed);
	NOTE("%u were killed in the midst of one", seen.killed);
	/* or nothing has been seen */
	CHECK_GE(100 * seen.met / seen.nr, LEAST_MET);
	CHECK_GT(seen.given_up, 0);
	CHECK(seen.pulsed || (kind != H_EVENT && kind != H_MANUAL_EVENT));
	CHECK(seen.killed || !kills);
}

TEST_LIMIT(of_a_queue, 3600000)
{
	record(H_QUEUE, MODULE, 1);
}

TEST_LIMIT(of_a_queue_with_priorities, 3600000)
{
	record(H_QUEUE, MODULE, 3);
}

TEST_LIMIT(of_a_semaphore, 3600000)
{
	record(H_SEM, MODULE, 1);
}

TEST_LIMIT(of_an_event, 3600000)
{
	record(H_EVENT, MODULE, 1);
}

TEST_LIMIT(of_an_event_reset_by_hand, 3600000)
{
	record(H_MANUAL_EVENT, MODULE, 1);
}

TEST_LIMIT(of_a_mapped_semaphore, 3600000)
{
	record(H_SEM, LIBRARY, 1);
}

TEST_LIMIT(of_a_ring_of_many, 3600000)
{
	record(H_RING, LIBRARY, 1);
}
