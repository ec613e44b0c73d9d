// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting: the one place that sleeps and wakes.
 *
 * A waiter sits in a list of its object.  Whoever can satisfy it claims it under the object's lock, stores the
 * outcome in it (hand-over), and wakes it after the unlock.  The sleeper then returns without the lock.
 */
#include <linux/hrtimer.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "ipcx.h"
#include "ipcx_trace.h"
#include "pause.h"

/*
 * WAIT_BARRIER: the waker stores the outcome, then w->done with release; the sleeper loads w->done with acquire
 * and may then return without the object's lock.  Without it:
 *
 *	waker				sleeper
 *	w->done = 1  (early)
 *					sees done, returns a stale outcome
 *	w->result = 0
 *
 * CLAIM: w->claimed is set by exactly one atomic exchange.  The waker claims before it stores an outcome, the
 * sleeper before it gives up; so a time-out or a signal that meets a hand-over loses or wins as a whole.  A wait that
 * stands in several lines has one w->claimed for all its places, w->head's, so that one of them is served:
 *
 *	waker				sleeper
 *	claims
 *					times out, cannot claim: waits for done
 *	result, done, wake
 *					returns the outcome, nothing is lost
 */
void ipcx_waiter_init(struct ipcx_waiter *w)
{
	w->head = w;
	w->task = current;
	atomic_set(&w->claimed, 0);
	w->done = 0;
	w->cpu = -1;
}

/*
 * End the wait of a claimed @w with @result.  The caller holds the object's lock; @w leaves its list, and it stays
 * valid until ipcx_wake() wakes it.
 */
void ipcx_waiter_complete(struct ipcx_waiter *w, int result, struct ipcx_wakes *wakes)
{
	w->result = result;
	__list_del_entry(&w->node);
	if (wakes->last) {
		w->next = wakes->last->next;
		wakes->last->next = w;
	} else {
		w->next = w;
	}
	wakes->last = w;
}

/*
 * Has @task to be woken?  A real-time kernel puts its state aside while it waits for a lock, perhaps on its way to sleep:
 * only the kernel's own wake-up looks there.
 */
static bool may_sleep(const struct task_struct *task)
{
	return IS_ENABLED(CONFIG_PREEMPT_RT) || READ_ONCE(task->__state) != TASK_RUNNING;
}

static void wake(struct ipcx_waiter *w)
{
	struct ipcx_waiter *head = w->head;
	struct task_struct *task = head->task;

	trace_ipcx_wake(task);
	head->cpu = raw_smp_processor_id();
	smp_store_release(&head->done, 1);	/* see WAIT_BARRIER */
	smp_mb();				/* see SLEEP_BARRIER */
	ipcx_pause_spinning("wake_looks");
	if (may_sleep(task))
		wake_up_process(task);
}

/*
 * Wake the waiters that have been completed, and tell how many.  As soon as done is set, the sleeper may return, its stack
 * frame go, and the task exit.  The task itself is freed after a grace period, so it outlives this.
 */
u32 ipcx_wake_all(struct ipcx_wakes *wakes)
{
	struct ipcx_waiter *last = wakes->last, *next = last->next, *w;
	u32 nr = 0;

	ipcx_pause_spinning("wake_begins");
	rcu_read_lock();
	do {
		w = next;
		next = w->next;
		wake(w);
		nr++;
	} while (w != last);
	rcu_read_unlock();
	wakes->last = NULL;
	return nr;
}

/*
 * The same for one waiter that is in no list: claimed, with its result stored; no lock may be held.  It may well not have
 * gone to sleep yet, and then need not be woken.
 *
 * SLEEP_BARRIER: the waker stores w->done and then looks at the task's state; the sleeper sets that and then looks at
 * w->done, each with a full barrier between.  Without one:
 *
 *	waker				sleeper
 *	sees that the task runs
 *					sees that nothing is done, sleeps for ever
 *	w->done = 1  (late)
 */
void ipcx_wake_one(struct ipcx_waiter *w)
{
	struct task_struct *task = w->task;

	ipcx_pause_spinning("wake_begins");
	rcu_read_lock();
	trace_ipcx_wake(task);
	w->cpu = raw_smp_processor_id();
	smp_store_release(&w->done, 1);		/* see WAIT_BARRIER */
	smp_mb();				/* see SLEEP_BARRIER */
	ipcx_pause_spinning("wake_looks");
	if (may_sleep(task))
		wake_up_process(task);
	rcu_read_unlock();
}

/*
 * YIELD: two sides that take turns on one processor need not sleep at all: each yields, and finds its answer when it
 * gets the processor back.  A sleep and the wake-up that it calls for cost as much as a switch.
 *
 * But the scheduler gives the processor back at once to whoever has had less of it by some margin.  Such a yield is
 * lost, though it brings the two sides nearer; where they do about the same work, few are.  Where one side works much
 * more than the other nearly all are, and sleeping is better: so there is a store of yields that may be lost, which
 * those that are not fill again.  Where others want the processor too, who yields comes back after them, and a
 * sleeper would have been preferred to them: that uses up the store quickly.  An empty one gets a little after a while.
 */
#define YIELDS_MAX	8
#define PATIENCE_REST	4096
#define PATIENCE_NEW	16
#define LONG_YIELD_NS	200000
#define LONG_YIELD_LOSS	(IPCX_PATIENCE / 8)

/* How long the caller has stood ready and had no processor, in ns. */
static u64 time_without_cpu(void)
{
#ifdef CONFIG_SCHED_INFO
	return current->sched_info.run_delay;
#else
	return sched_clock();
#endif
}

/* Yield, a few times, until *@until is not 0: whether it is, and what was written before it is seen then. */
bool ipcx_yield(struct ipcx_turns *turns, const u32 *until)
{
	int left = READ_ONCE(turns->patience), lost = 0;
	bool ret;
	u64 start;

	if (!IPCX_CAN_YIELD || current->prio < MAX_RT_PRIO)
		return false;
	if (unlikely(left <= 0)) {
		WRITE_ONCE(turns->patience, left ? left + 1 : PATIENCE_NEW);
		return false;
	}
	for (;;) {
		start = time_without_cpu();
		yield();
		if (time_without_cpu() - start > LONG_YIELD_NS)
			lost += LONG_YIELD_LOSS;
		ret = smp_load_acquire(until);
		if (likely(ret)) {
			left = min(left + 1, IPCX_PATIENCE);
			break;
		}
		if (++lost >= YIELDS_MAX || signal_pending(current))
			break;
	}
	left -= lost;
	WRITE_ONCE(turns->patience, likely(left > 0) ? left : -PATIENCE_REST);
	return ret;
}

/* Sleep until @w is done (0), a signal arrives (-ERESTARTSYS) or the time is past (-ETIMEDOUT). */
static int sleep_until_done(struct ipcx_waiter *w, u32 flags, u64 timeout)
{
	clockid_t clock = flags & IPCX_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	unsigned int state = TASK_INTERRUPTIBLE | (unlikely(flags & IPCX_PIPE_LOCKED) ? 0 : TASK_FREEZABLE);
	/* ktime_t is signed: what does not fit in it is later than any clock reaches */
	ktime_t expires = ns_to_ktime(min_t(u64, timeout, KTIME_MAX));
	int ret;

	for (;;) {
		set_current_state(state);		/* see SLEEP_BARRIER */
		ipcx_pause_spinning("wait_looks");
		if (smp_load_acquire(&w->done)) {	/* see WAIT_BARRIER */
			ret = 0;
			break;
		}
		if (signal_pending(current)) {
			ret = -ERESTARTSYS;
			break;
		}
		ipcx_pause_spinning("wait_sleeps");
		if (timeout == IPCX_FOREVER) {
			schedule();
		} else if (!schedule_hrtimeout_range_clock(&expires, current->timer_slack_ns,
							   HRTIMER_MODE_ABS, clock)) {
			ret = smp_load_acquire(&w->done) ? 0 : -ETIMEDOUT;
			break;
		}
	}
	__set_current_state(TASK_RUNNING);
	return ret;
}

/* The claimer has promised to set done: it is between its unlock and its wake-up. */
void ipcx_wait_for_claimer(struct ipcx_waiter *w)
{
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (smp_load_acquire(&w->done))		/* see WAIT_BARRIER */
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
}

/*
 * Wait for the outcome of @w, which is in a list of @obj; no lock is held.  Returns 0 when somebody completed
 * it (its outcome is in @w, and it is in no list), or -ETIMEDOUT or -ERESTARTSYS when the sleeper gave up
 * first: then nothing was handed over, nothing will be, and the caller must take @w out of its list.
 */
int ipcx_wait(struct ipcx_object *obj, struct ipcx_waiter *w, u32 flags, u64 timeout)
{
	int ret = 0;

	trace_ipcx_block(obj);
	ipcx_pause("wait_begins");
	if (READ_ONCE(obj->turns.cpu) != raw_smp_processor_id() || !ipcx_yield(&obj->turns, &w->done))
		ret = sleep_until_done(w, flags, timeout);
	if (likely(!ret))
		WRITE_ONCE(obj->turns.cpu, w->cpu);
	if (ret)
		ipcx_pause("wait_gives_up");
	if (ret && !ipcx_waiter_claim(w)) {
		ipcx_wait_for_claimer(w);
		ret = 0;
	}
	if (ret)
		ipcx_pause("wait_gave_up");
	if (ret == -ETIMEDOUT)
		trace_ipcx_timeout(obj);
	return ret;
}

void ipcx_line_init(struct ipcx_line *line)
{
	INIT_LIST_HEAD(&line->waiters);
	line->nr = 0;
}

bool ipcx_has_waiter(const struct list_head *waiters)
{
	const struct ipcx_waiter *w;

	list_for_each_entry(w, waiters, node)
		if (!ipcx_waiter_is_claimed(w))
			return true;
	return false;
}

/*
 * What the caller wants is not there: wait in @line for it.  The lock of the file's object is held on entry and
 * dropped.  Returns what the waiter was served with; -EPIPE if nothing can come any more, -EAGAIN if the caller
 * does not want to wait; or -ETIMEDOUT or -ERESTARTSYS after it gave up and has left the line.
 */
int ipcx_line_wait(const struct file *file, struct ipcx_line *line, struct ipcx_waiter *w, u32 flags,
		   u64 timeout)
	__releases(&ipcx_object(file)->lock)
{
	struct ipcx_object *obj = ipcx_object(file);
	int ret = 0;

	lockdep_assert_held(&obj->lock);
	if (obj->state & (IPCX_OBJECT_SHUT_SEND | IPCX_OBJECT_SHUT_RECV)) {
		ret = -EPIPE;
	} else if (flags & IPCX_NOWAIT || file->f_flags & O_NONBLOCK) {
		ret = -EAGAIN;
	} else {
		ipcx_waiter_init(w);
		list_add_tail(&w->node, &line->waiters);
		line->nr++;
	}
	spin_unlock(&obj->lock);
	if (ret)
		return ret;

	ret = ipcx_wait(obj, w, flags, timeout);
	if (!ret)
		return w->result;
	spin_lock(&obj->lock);
	list_del(&w->node);
	line->nr--;
	spin_unlock(&obj->lock);
	return ret;
}

/* End the wait of @w, which stands in @line, with @result; false if it is giving up just now. */
bool ipcx_line_serve_locked(struct ipcx_line *line, struct ipcx_waiter *w, int result,
			    struct ipcx_wakes *wakes)
{
	if (!ipcx_waiter_claim(w))
		return false;
	line->nr--;
	ipcx_waiter_complete(w, result, wakes);
	return true;
}

/* End the waits of the first @max in @line with @result; returns how many there were. */
u32 ipcx_line_serve_first_locked(struct ipcx_line *line, u32 max, int result, struct ipcx_wakes *wakes)
{
	struct ipcx_waiter *w, *next;
	u32 nr = 0;

	list_for_each_entry_safe(w, next, &line->waiters, node) {
		if (nr == max)
			break;
		nr += ipcx_line_serve_locked(line, w, result, wakes);
	}
	return nr;
}

/* The end of use of an object that has one line; @how is IPCX_SHUT_*. */
void ipcx_line_shutdown(struct ipcx_object *obj, struct ipcx_line *line, u32 how)
{
	IPCX_WAKES(wakes);

	spin_lock(&obj->lock);
	obj->state |= ipcx_shut_state(how);
	ipcx_line_serve_first_locked(line, U32_MAX, -EPIPE, &wakes);
	spin_unlock(&obj->lock);
	ipcx_wake(&wakes);
	ipcx_object_notify(obj, EPOLLHUP | EPOLLIN | EPOLLOUT);
}
