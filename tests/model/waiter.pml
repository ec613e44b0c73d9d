/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A waiter's claim, its hand-over and its sleep: kmod/wait.c and the semaphore of kmod/sem.c.
 *
 * Two tasks wait for a unit each, the second with a time-out; two post one each.  No unit is lost or doubled, nobody sleeps
 * for ever, and nobody touches a waiter whose task has returned.  The store of done may stay in the waker's store
 * buffer, as on x86, until a barrier; weaker orders are in waiter-data.
 *
 * Mutants:
 *	NO_CLAIM	the sleeper gives up without asking (CLAIM)
 *	NO_BARRIER	the waker looks at the task's state before its store has arrived (SLEEP_BARRIER)
 *	LATE_STATE	the sleeper looks at done before it says that it sleeps (SLEEP_BARRIER)
 *	EARLY_DONE	done is set before the outcome is there (WAIT_BARRIER)
 *	NO_WAIT		who loses the claim returns without waiting for the claimer
 */
#define NW	2
#define NP	2
#define TIMED	1

#define lock()		atomic { !locked -> locked = true }
#define unlock()	locked = false

bool locked;
byte units;

/* struct ipcx_waiter, and the state of its task */
bool in_line[NW], claimed[NW], done[NW], handed[NW];
bool frame[NW];			/* the waiter is on its task's stack, which is still there */
bool sleeping[NW];		/* the task's state is not TASK_RUNNING */

byte got, ended;

inline claim(w, won)
{
	atomic { won = !claimed[w]; claimed[w] = true }
}

/* schedule(): back when somebody has woken the task */
#define schedule(w)	(!sleeping[w])

/* wait() of sem.c, ipcx_line_wait(), ipcx_wait(), sleep_until_done(), ipcx_wait_for_claimer() */
proctype waiter(byte w)
{
	bool gave_up = false, won = false, saw = false;

	lock();
	if
	:: units > 0 ->
		units--;
		unlock();
		got++;
		goto out
	:: else
	fi;
	frame[w] = true;
	in_line[w] = true;
	unlock();

	do
	::
#ifdef LATE_STATE
		saw = done[w];
		sleeping[w] = true;
#else
		sleeping[w] = true;
		saw = done[w];
#endif
		if
		:: saw -> break
		:: else
		fi;
		if
		:: schedule(w)
		:: w == TIMED -> gave_up = true; break
		fi
	od;
	sleeping[w] = false;

	if
	:: gave_up ->
#ifdef NO_CLAIM
		won = true;
#else
		claim(w, won);
#endif
		if
		:: won ->
			lock();
			in_line[w] = false;
			unlock();
			frame[w] = false;
			goto out
		:: else
#ifndef NO_WAIT
			do
			:: sleeping[w] = true;
			   if
			   :: done[w] -> break
			   :: else -> schedule(w)
			   fi
			od;
			sleeping[w] = false
#endif
		fi
	:: else
	fi;
	assert(handed[w]);
	got++;
	frame[w] = false;
out:
	ended++
}

/* post() of sem.c, grant_waiting_locked(), ipcx_wake_all() */
proctype poster()
{
	bool won = false, mine[NW];
	byte i = 0;

	lock();
	units++;
	do
	:: i < NW ->
		if
		:: in_line[i] && units > 0 ->
			claim(i, won);
			if
			:: won ->
				in_line[i] = false;
				units--;
				mine[i] = true;
#ifndef EARLY_DONE
				handed[i] = true
#endif
			:: else
			fi
		:: else
		fi;
		i++
	:: else -> break
	od;
	unlock();

	i = 0;
	do
	:: i < NW ->
		if
		:: mine[i] ->
#ifdef NO_BARRIER
			if
			:: sleeping[i] -> assert(frame[i]); done[i] = true; sleeping[i] = false
			:: !sleeping[i] -> assert(frame[i]); done[i] = true	/* arrives after the look */
			fi
#else
			assert(frame[i]);
			done[i] = true;
#ifdef EARLY_DONE
			handed[i] = true;
#endif
			/* wake_up_process() */
			atomic { sleeping[i] -> sleeping[i] = false } unless { !sleeping[i] }
#endif
		:: else
		fi;
		i++
	:: else -> break
	od;
	ended++
}

init {
	byte i;

	atomic {
		for (i : 0 .. NW - 1) { run waiter(i) }
		for (i : 1 .. NP) { run poster() }
	}
	ended == NW + NP;
	assert(units + got == NP);
	assert(!locked)
}
