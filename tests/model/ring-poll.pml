/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An end of a ring in a loop of poll(2): ulib/ring-poll.c.  The sender publishes, looks for a mark without a barrier, writes to
 * the descriptor and then takes the mark away, if its turn is the same; the poller empties the descriptor, marks, runs a barrier
 * on the sender's processor, looks a last time, and polls.
 *
 * The sender's stores go through a store buffer, as on x86.  Three messages arrive, for one poller, or for two that share the
 * descriptor, of which one goes away after its first.  Nobody sleeps for ever while there are messages.  That pollers look
 * again after some time anyway is not in the model.
 *
 * Mutants:
 *	NO_BARRIER	the poller runs its barrier on its own processor only
 *	LATE_MARK	the poller marks after its last look
 *	LATE_EMPTY	the poller empties the descriptor after it has marked
 *	NO_TURN		the sender takes away whatever mark there is
 *	NO_REFILL	who emptied the descriptor and finds messages leaves it empty for the others
 */
#define NR	3

byte slot;			/* messages that are visible */
byte buffered;			/* those in the sender's store buffer */
bool marked;			/* the bell's word: BELL_POLL, and the turn */
byte turn;
bool readable;			/* the descriptor */
byte received;
bool many;			/* IPCX_RING_MANY */

/* The store buffer drains at any time. */
active proctype store_buffer()
{
end:	do
	:: atomic { buffered > 0 -> buffered--; slot++ }
	od
}

proctype sender()
{
	byte i, seen;
	bool mark;

	for (i : 1 .. NR) {
		/* store_release(): into the buffer.  The load of the mark may come before it arrives */
		buffered++;
		atomic { mark = marked; seen = turn };
		if
		:: mark ->
			/* write(): a system call, which drains the buffer */
			atomic { slot = slot + buffered; buffered = 0 };
			readable = true;
			/* compare and exchange */
			atomic {
				if
#ifdef NO_TURN
				:: true -> marked = false
#else
				:: turn == seen -> marked = false
				:: else
#endif
				fi
			}
		:: !mark
		fi
	}
}

proctype poller(byte most)
{
	byte got;
	bool taken, rung;

	do
	:: received < NR && got < most ->
		atomic {
			if
			:: slot > received -> received++; got++; taken = true
			:: else -> taken = false
			fi
		};
		if
		:: taken
		:: else ->
			/* ipcx_ring_arm() */
#ifdef LATE_EMPTY
			atomic { marked = true; turn++ };
#endif
			atomic { rung = readable; readable = false };
#if !defined(LATE_EMPTY) && !defined(LATE_MARK)
			atomic { marked = true; turn++ };
#endif
#ifndef NO_BARRIER
			/* membarrier(): every store of the sender before now is visible */
			atomic { slot = slot + buffered; buffered = 0 };
#endif
			if
			:: slot > received ->
				if
				:: !many -> marked = false
#ifdef NO_REFILL
				:: many
#else
				:: many && rung -> readable = true
				:: many && !rung
#endif
				fi
			:: else ->
#ifdef LATE_MARK
				atomic { marked = true; turn++ };
#endif
				/* poll() */
				readable || received == NR
			fi
		fi
	:: else -> break
	od;
	atomic { got = 0; taken = false; rung = false }
}

init {
	atomic {
		run sender();
		if
		:: many = true; run poller(1); run poller(NR)
		:: run poller(NR)
		fi
	}
}
