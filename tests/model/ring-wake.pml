/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * WAKE_BARRIER: a ring's sender publishes and looks whether the receiver sleeps, without a barrier; the receiver runs one
 * on the sender's processor before it sleeps.  ulib/ring-one.c (end_wait, publish), ulib/ring.h, ulib/park.h.
 *
 * The sender's stores go through a store buffer, as on x86.  Three messages arrive, and the receiver does not sleep for
 * ever.  That it looks again after some time anyway is not in the model.
 *
 * Mutants:
 *	NO_BARRIER	the receiver runs its barrier on its own processor only
 *	LATE_SLEEP	the receiver announces its sleep after its last look
 *	NO_VALUE	the futex does not compare
 */
#define NR	3

byte slot;			/* messages that are visible */
byte buffered;			/* those in the sender's store buffer */
bool sleep;			/* the bell's word */
bool in_futex;			/* the receiver is in FUTEX_WAIT */
byte received;

/* The store buffer drains at any time. */
active proctype store_buffer()
{
end:	do
	:: atomic { buffered > 0 -> buffered--; slot++ }
	od
}

active proctype sender()
{
	byte i;

	for (i : 1 .. NR) {
		/* store_release(): into the buffer.  The load of sleep may come before it arrives */
		buffered++;
		if
		:: sleep ->
			/* ipcx_internal_ring_wake(): a locked instruction and a system call, which drain the buffer */
			atomic { slot = slot + buffered; buffered = 0 };
			sleep = false;
			in_futex = false
		:: !sleep
		fi
	}
}

active proctype receiver()
{
	do
	:: received < NR ->
		do
		:: slot > received -> break
		:: else ->
#ifdef LATE_SLEEP
			if
			:: slot > received -> break
			:: else
			fi;
			sleep = true;
#else
			sleep = true;
#ifndef NO_BARRIER
			/* membarrier(): every store of the sender before now is visible */
			atomic { slot = slot + buffered; buffered = 0 };
#endif
			if
			:: slot > received -> break
			:: else
			fi;
#endif
			/* FUTEX_WAIT: compares and sleeps in one step */
			atomic {
				if
#ifdef NO_VALUE
				:: true -> in_futex = true
#else
				:: sleep -> in_futex = true
				:: else
#endif
				fi
			};
			!in_futex
		od;
		sleep = false;
		received++
	:: else -> break
	od;
	assert(slot + buffered >= received)
}
