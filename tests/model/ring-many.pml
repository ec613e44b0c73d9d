/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The slots of a ring of many, and what the dead leave: ulib/ring-many.c (claim, take, publish, pass_on, look_at_owner).
 *
 * Two senders send a message each through one slot, and one of them may die at any step; a receiver takes them.  No slot is
 * taken from one who lives, each message that was sent is received once, and nobody is held up by the dead.
 *
 * Mutants:
 *	NO_LOCK		a slot is passed on without asking whether its owner lives
 *	NO_EXCHANGE	a slot is claimed by a store
 */
#define FREE	0
#define CLAIMED	1
#define READY	2
#define SKIPPED	4
#define NOBODY	3

/* the slot's word: state, owner, lap */
byte state = FREE, owner = NOBODY, lap = 0;
byte payload = 255;
bool alive[2] = true;		/* its lock is held for as long as it lives */
bool sent[2], skipped[2];
byte received[2];
byte nr_over;

/* claim(), the copy, publish() */
proctype sender(byte me)
{
	byte my_lap = 0;
	bool won = false;

	do
	:: 
#ifdef NO_EXCHANGE
		state == FREE && lap == my_lap ->
		state = CLAIMED;
		owner = me;
		won = true
#else
		atomic { state == FREE && lap == my_lap -> state = CLAIMED; owner = me; won = true }
#endif
		break
	:: atomic { lap > my_lap -> my_lap = lap }
	:: me == 0 -> goto dies
	od;
	if
	:: me == 0 -> goto dies
	:: true
	fi;
	/* writing into it: nobody else may have it */
	assert(state == CLAIMED && owner == me);
	payload = me;
	if
	:: me == 0 -> goto dies
	:: true
	fi;
	assert(state == CLAIMED && owner == me && payload == me);
	atomic { state = READY; owner = NOBODY; sent[me] = true };
	goto over;
dies:
	alive[me] = false;
over:
	nr_over++
}

/* take(), and look_at_owner() when it is blocked; it sends nothing itself */
proctype receiver()
{
	do
	:: atomic { state == READY -> received[payload]++; payload = 255 };
		atomic { state = FREE; lap++ }
	:: atomic { state == SKIPPED -> state = FREE; lap++ }
	::
#ifdef NO_LOCK
		atomic { state == CLAIMED -> state = SKIPPED; owner = NOBODY }
#else
		/* the lock of a dead owner can be had; then the exchange */
		atomic { state == CLAIMED && owner < 2 && !alive[owner] -> state = SKIPPED; owner = NOBODY }
#endif
	:: nr_over == 2 && state == FREE -> break
	od
}

init {
	atomic { run sender(0); run sender(1); run receiver() }
	_nr_pr == 1;
	assert(sent[1]);
	assert(received[0] == sent[0] && received[1] == sent[1])
}
