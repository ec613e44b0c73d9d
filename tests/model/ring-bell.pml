/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bell that the receivers of a ring of many share: ulib/ring.c (ipcx_internal_ring_wake), ulib/ring-many.c (many_wait).
 *
 * Three senders send a message each, two receivers take one each and sleep on one futex.  Nobody sleeps while there are
 * messages, though a message wakes one sleeper only.  Stores and loads are in order: ring-wake.pml has the barrier.  That
 * receivers look again after some time anyway is not in the model.
 *
 * Mutants:
 *	NO_PASS		a receiver that was woken leaves messages to those who still sleep, and wakes none
 *	LATE_MARK	a receiver marks after its last look
 *	NO_TURN		a receiver cannot tell its own mark, which has been taken, from another's
 *	TIDY		who was woken and finds a message takes its mark away again
 */
#define NR	2
#define NS	3

byte messages;
bool sleep;			/* the bell's word: BELL_SLEEP, and a count of wake-ups */
byte turn;
bool waits[NR];			/* in FUTEX_WAIT */
byte got;

/* FUTEX_WAKE of one, any of them */
inline futex_wake()
{
	atomic {
		if
		:: waits[0] -> waits[0] = false
		:: waits[1] -> waits[1] = false
		:: !waits[0] && !waits[1]
		fi
	}
}

proctype sender()
{
	bool marked = false;

	messages++;
	if
	:: sleep ->
		/* compare and exchange */
		atomic {
			if
			:: sleep ->
				sleep = false;
				marked = true;
#ifndef NO_TURN
				turn++
#endif
			:: else
			fi
		};
		if
		:: marked -> futex_wake()
		:: else
		fi
	:: else
	fi;
	marked = false
}

proctype receiver(byte r)
{
	bool slept = false, taken = false;
	byte my_turn = 0;

	do
	::
#ifndef LATE_MARK
		atomic { sleep = true; my_turn = turn };
#endif
		atomic {
			if
			:: messages > 0 -> messages--; taken = true
			:: else
			fi
		};
#ifdef LATE_MARK
		atomic { sleep = true; my_turn = turn };
#endif
		if
		:: taken -> break
		:: else
		fi;
		/* FUTEX_WAIT compares with the word as it was marked */
		atomic {
			if
			:: sleep && turn == my_turn -> waits[r] = true
			:: else
			fi
		};
		!waits[r];
		slept = true
	od;
#ifdef TIDY
	sleep = false;
#endif
#ifndef NO_PASS
	if
	:: slept && messages > 0 -> futex_wake()
	:: else
	fi;
#endif
	atomic { got++; slept = false; taken = false; my_turn = 0 }
}

init {
	byte i;

	atomic {
		for (i : 0 .. NR - 1) { run receiver(i) }
		for (i : 1 .. NS) { run sender() }
	}
	_nr_pr == 1;
	assert(got == NR && messages == NS - NR)
}
