/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mapped semaphore: ulib/mapped-sem.c (post, wake, take, wait_slowly).
 *
 * Three tasks (with QUICK, two) wait for a unit each and three post one each, through one word and one futex.  Nobody sleeps
 * while there are units, though a post wakes one sleeper only.  That waiters look again after some time anyway is not in the
 * model; memory order is in mapped-sem-data.
 *
 * Mutants:
 *	NO_TURN		a post wakes without changing the futex's value
 *	LATE_TURN	a waiter reads the turn after it has looked for units
 *	NO_REMARK	who has woken as many as it asked for does not mark that there may be more
 *	NO_MARK		a waiter sleeps without marking
 *	NO_PASS		a waiter that was woken leaves units to those who still sleep, and wakes none
 *	NO_TOOK		who wakes does not learn that the one it woke has come and gone
 */
#ifdef QUICK
#define NW	2
#else
#define NW	3
#endif
#define NP	3

byte units;
bool sleepers, took;		/* in one word with units */
byte turn;
bool waits[NW];			/* in FUTEX_WAIT */
byte got;

/* wake() for one unit: FUTEX_WAKE of one, any of them */
inline wake(nr, again)
{
	do
	::
#ifndef NO_TURN
		turn++;
#endif
		atomic {
			nr = 0;
			if
			:: waits[0] -> waits[0] = false; nr = 1
			:: waits[1] -> waits[1] = false; nr = 1
			:: waits[NW - 1] -> waits[NW - 1] = false; nr = 1
			:: !waits[0] && !waits[1] && !waits[NW - 1]
			fi
		};
		again = false;
#ifndef NO_REMARK
		if
		:: nr == 1 ->
			atomic {
				sleepers = true;
#ifndef NO_TOOK
				again = took && units > 0;
				took = took && !again
#endif
			}
		:: else
		fi;
#endif
		if
		:: again
		:: !again -> break
		fi
	od
}

proctype waiter(byte w)
{
	byte my_turn, nr;
	bool taken = false, marked = false, slept = false, more = false, again;

	do
	::
#ifndef LATE_TURN
		my_turn = turn;
#endif
		marked = false;
		atomic {
			if
			:: units > 0 -> units--; taken = true; took = took || slept; more = slept && units > 0
			:: else
			fi
		};
		if
		:: taken -> break
		:: else
		fi;
#ifdef NO_MARK
		marked = true;
#else
		/* the exchange fails if units have come */
		atomic {
			if
			:: units == 0 -> sleepers = true; marked = true
			:: else
			fi
		};
#endif
#ifdef LATE_TURN
		my_turn = turn;
#endif
		if
		:: marked ->
			/* FUTEX_WAIT */
			atomic {
				if
				:: turn == my_turn -> waits[w] = true
				:: else
				fi
			};
			!waits[w];
			slept = true
		:: else
		fi
	od;
#ifndef NO_PASS
	if
	:: more -> wake(nr, again)
	:: else
	fi;
#endif
	atomic { got++; nr = 0; again = false; my_turn = 0; more = false; slept = false }
}

proctype poster()
{
	bool slept = false, again;
	byte nr;

	/* one exchange: a unit more, and no mark */
	atomic { units++; slept = sleepers; sleepers = false; took = took && !slept };
	if
	:: slept -> wake(nr, again)
	:: else
	fi;
	atomic { slept = false; nr = 0; again = false }
}

init {
	byte i;

	atomic {
		for (i : 0 .. NW - 1) { run waiter(i) }
		for (i : 1 .. NP) { run poster() }
	}
	_nr_pr == 1;
	assert(got == NW && units == NP - NW)
}
