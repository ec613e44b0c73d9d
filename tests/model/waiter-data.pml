/* SPDX-License-Identifier: GPL-2.0 */
/*
 * WAIT_BARRIER and SLEEP_BARRIER: what a waker hands over, and how it and the sleeper find each other, on a machine that
 * orders nothing but what is asked for.  kmod/wait.c (ipcx_waiter_complete, wake, ipcx_wake_one, ipcx_yield,
 * sleep_until_done, ipcx_wait_for_claimer).
 *
 * A task waits twice for a unit, on the same piece of its stack, and then exits; two wakers post one each.  A waker's
 * stores and that of the task's state become visible in any order, a release (an unlock, too) behind all that came before it;
 * loads happen in any order, those behind an acquire after it, and a release after all of them.  The claim, schedule() and
 * wake_up_process() are full barriers.  The outcome is two words, @result and @cpu.
 *
 * Mutants:
 *	NO_RELEASE	done may be seen before the outcome, and the outcome arrive on another's stack (wake(), ipcx_wake_one())
 *	NO_RELEASE_LOADS	the task may be read from the waiter after done has been seen (the same)
 *	NO_BARRIER	the task's state may be looked at before done has been seen (the same)
 *	NO_RCU		the task may be gone when its state is looked at (the same)
 *	NO_STATE_BARRIER	done may be looked at before the task's state has been seen (sleep_until_done())
 *	NO_STATE_BARRIER_CLAIMED	the same (ipcx_wait_for_claimer())
 *	NO_ACQUIRE	the outcome may be read before done (sleep_until_done(), before it sleeps)
 *	NO_ACQUIRE_LATE	the same (sleep_until_done(), after a time-out)
 *	NO_ACQUIRE_YIELD	the same (ipcx_yield())
 *	NO_ACQUIRE_CLAIMED	the same (ipcx_wait_for_claimer())
 */
#define NR	2

#define lock()		atomic { !locked -> locked = true }

bool locked;
byte units;

/* struct ipcx_waiter: what is visible */
bool in_line, claimed, done;
byte result, cpu;

byte frame;			/* it is that of this wait; 0: the stack is another's */
byte served_by;

bool sleeping;			/* the task's state is not TASK_RUNNING */
bool task_gone;

/* stores on their way: the sleeper's, those of each waker; and the frame they are for */
bool late_state;
bool late_result[NR], late_cpu[NR], late_done[NR], late_unlock[NR];
byte frame_of[NR];
bool in_rcu[NR];

byte got;

#define ALL_SEEN(w)	(!late_result[w] && !late_cpu[w] && !late_unlock[w] && !late_done[w])
#ifdef NO_RELEASE
#define RELEASES(w)	true
#else
#define RELEASES(w)	(!late_result[w] && !late_cpu[w] && !late_unlock[w])
#endif

proctype memory(byte w)
{
end:	do
	:: atomic { late_result[w] -> assert(frame == frame_of[w]); result = w + 1; late_result[w] = false }
	:: atomic { late_cpu[w] -> assert(frame == frame_of[w]); cpu = w + 1; late_cpu[w] = false }
	:: atomic { late_unlock[w] && !late_result[w] -> locked = false; late_unlock[w] = false }
	:: atomic { late_done[w] && RELEASES(w) -> assert(frame == frame_of[w]); done = true; late_done[w] = false }
	:: atomic { late_state && w == 0 -> sleeping = true; late_state = false }
	od
}

/* ipcx_waiter_claim() */
inline claim(won)
{
	atomic { won = !claimed; claimed = true }
}

/* What a load that is not an acquire allows. */
inline read_early()
{
	if
	:: x = result; has_x = true
	:: y = cpu; has_y = true
	:: true
	fi
}

inline look()
{
	saw = done;
	if
	:: saw
	:: else -> has_x = false; has_y = false; x = 0; y = 0
	fi
}

/* Back when somebody has woken the task. */
#define schedule()	(!late_state && !sleeping)

#define running()	atomic { late_state = false; sleeping = false }

/* ipcx_line_wait(), ipcx_wait() */
proctype sleeper()
{
	byte n, x, y;
	bool saw, won, gave_up, timed, has_x, has_y;

	for (n : 1 .. NR) {
		lock();
		if
		:: units > 0 ->
			atomic { units--; locked = false; got++ };
			goto next
		:: else
		fi;
		atomic {
			frame = n; result = 0; cpu = 0; claimed = false; done = false;
			in_line = true;
			locked = false
		};
		if
		:: timed = true
		:: timed = false
		fi;

		if
		:: true ->
			/* ipcx_yield() */
#ifdef NO_ACQUIRE_YIELD
			read_early();
#endif
			look();
			if
			:: saw -> goto served
			:: else
			fi
		:: true
		fi;

		/* sleep_until_done() */
		do
		::
			late_state = true;
#ifndef NO_STATE_BARRIER
			!late_state;
#endif
#ifdef NO_ACQUIRE
			read_early();
#endif
			look();
			if
			:: saw -> break
			:: else
			fi;
			if
			:: schedule()
			:: timed ->	/* a time-out */
#ifdef NO_ACQUIRE_LATE
				read_early();
#endif
				look();
				gave_up = !saw;
				break
			:: timed -> gave_up = true; break	/* a signal */
			fi
		od;
		running();

		if
		:: gave_up ->
			!late_state;	/* a full barrier */
			claim(won);
			if
			:: won ->
				lock();
				atomic { in_line = false; frame = 0; locked = false };
				goto next
			:: else
			fi;
			/* ipcx_wait_for_claimer() */
			do
			::
				late_state = true;
#ifndef NO_STATE_BARRIER_CLAIMED
				!late_state;
#endif
#ifdef NO_ACQUIRE_CLAIMED
				read_early();
#endif
				look();
				if
				:: saw -> break
				:: else -> schedule()
				fi
			od;
			running()
		:: else
		fi;
served:
		do
		:: !has_x -> x = result; has_x = true
		:: !has_y -> y = cpu; has_y = true
		:: has_x && has_y -> break
		od;
		assert(x == served_by && y == served_by);
		atomic { frame = 0; got++ };
next:
		atomic { x = 0; y = 0; has_x = false; has_y = false; gave_up = false; saw = false; won = false; timed = false }
	}
	/* it exits, and is freed after a grace period */
	!in_rcu[0] && !in_rcu[1];
	task_gone = true
}

/* post() of sem.c, ipcx_line_serve_locked() */
proctype waker(byte w)
{
	bool mine, sleeps;

	lock();
	units++;
	if
	:: in_line ->
		claim(mine);
		if
		:: mine ->
			/* ipcx_waiter_complete() */
			atomic { in_line = false; units--; frame_of[w] = frame; served_by = w + 1; late_result[w] = true }
		:: else
		fi
	:: else
	fi;
	late_unlock[w] = true;
	if
	:: mine ->
		/* wake(), ipcx_wake_one() */
#ifndef NO_RCU
		in_rcu[w] = true;
#endif
#ifndef NO_RELEASE_LOADS
		assert(frame == frame_of[w]);	/* head->task, w->next */
#endif
		late_cpu[w] = true;
		late_done[w] = true;
#ifdef NO_RELEASE_LOADS
		assert(frame == frame_of[w]);
#endif
#ifndef NO_BARRIER
		ALL_SEEN(w);
#endif
		atomic { assert(!task_gone); sleeps = sleeping };
		if
		:: sleeps ->
			/* wake_up_process() */
			atomic { ALL_SEEN(w); assert(!task_gone); sleeping = false }
		:: else
		fi;
		in_rcu[w] = false
	:: else
	fi
}

init {
	byte i;

	atomic {
		for (i : 0 .. NR - 1) { run memory(i) }
		for (i : 0 .. NR - 1) { run waker(i) }
		run sleeper()
	}
	task_gone && !late_unlock[0] && !late_unlock[1];
	/* all that was posted has been taken, or is there */
	units + got == NR
}
