/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a mapped semaphore's post publishes and its wait acquires, and how a sleeper and a post find each other, on a machine
 * that orders nothing but what is asked for.  ulib/mapped-sem.c (ipcx_msem_post, post_slowly, wake, take, wait_slowly).
 *
 * A sender and a receiver share a buffer and two semaphores, messages and room; a third task (without QUICK) takes a unit
 * of messages, too, and gives it back.  A message is two words.  The sender's stores become visible in any order, a release
 * behind all that came before it; loads happen in any order, those behind an acquire after it, and a release after all of
 * them.  Of an exchange the load and the store are apart: until the store is seen, others load the old word, but no other
 * exchange comes between.  FUTEX_WAIT and FUTEX_WAKE are full barriers.
 *
 * No barrier stands between the mark of a sleeper and its look at the units: they are in one word, and each exchange sees
 * both.  Only this is asked for: a post is a release, a take an acquire, the turn's increment a release and its load an
 * acquire.  That waiters look again after some time anyway is not in the model; nor is spinning.
 *
 * Mutants:
 *	NO_RELEASE	the post may be seen before the message (exchange of ipcx_msem_post(), post_slowly())
 *	NO_RELEASE_LOADS	the message may be read after the post that gives its room back (the same)
 *	NO_ACQUIRE	the message may be read before the unit is taken (exchange of take())
 *	NO_ACQUIRE_STORES	the message may be stored before its room is taken (the same)
 *	NO_TURN_ACQUIRE	a waiter may look for units and a mark before it reads the turn (load of wait_slowly())
 *	NO_TURN_RELEASE	the turn may be seen before the post (increment of wake())
 *	BLIND_MARK	the mark is set even if units have come since the look (exchange of wait_slowly())
 *	BLIND_POST	units are added even if a mark has come since the look (exchange of ipcx_msem_post())
 */
#define SLOTS	2
#define NR	3

#define SENDER		0
#define RECEIVER	1
#define OTHER		2

/* the semaphores, and their words */
#define MESSAGES	0
#define ROOM		1
#define SLEEPERS	8
#define TOOK		16
#define UNITS(word)	((word) & 7)

#define POSTED(word)	((word) + 1 - (((word) & SLEEPERS) != 0) * ((word) & (SLEEPERS | TOOK)))
#define IS_NEWS(word)	(((word) & TOOK) != 0 && UNITS(word) != 0)
#define MARKED_AGAIN(word)	(((word) | SLEEPERS) & ~(IS_NEWS(word) * TOOK))

/* what is visible */
byte left[SLOTS], right[SLOTS];
byte word[2], turn[2];

/* the sender's stores on their way; 0: none */
byte late_left[SLOTS], late_right[SLOTS];

/* the store of an exchange on its way, and whose it is */
bool is_late[2];
byte late_word[2], late_of[2];

bool in_futex[3];		/* the task is in FUTEX_WAIT */

/* All that @me has stored is visible. */
#define IS_MINE(me, s)	(is_late[s] && late_of[s] == me)
#define ALL_SEEN(me)	(!IS_MINE(me, MESSAGES) && !IS_MINE(me, ROOM) && \
			 (me != SENDER || (!late_left[0] && !late_left[1] && !late_right[0] && !late_right[1])))

#define load(me, s)	(IS_MINE(me, s) * late_word[s] + !IS_MINE(me, s) * word[s])

#ifdef NO_RELEASE
#define RELEASES(me)	true
#else
#define RELEASES(me)	ALL_SEEN(me)
#endif
#ifdef NO_TURN_RELEASE
#define TURN_RELEASES(me)	true
#else
#define TURN_RELEASES(me)	ALL_SEEN(me)
#endif

active proctype memory()
{
end:	do
	:: atomic { late_left[0] != 0 -> left[0] = late_left[0]; late_left[0] = 0 }
	:: atomic { late_left[1] != 0 -> left[1] = late_left[1]; late_left[1] = 0 }
	:: atomic { late_right[0] != 0 -> right[0] = late_right[0]; late_right[0] = 0 }
	:: atomic { late_right[1] != 0 -> right[1] = late_right[1]; late_right[1] = 0 }
	:: atomic { is_late[0] -> word[0] = late_word[0]; is_late[0] = false; late_word[0] = 0; late_of[0] = 0 }
	:: atomic { is_late[1] -> word[1] = late_word[1]; is_late[1] = false; late_word[1] = 0; late_of[1] = 0 }
	od
}

/* __atomic_compare_exchange_n(): if it is not done, only the load has been */
inline exchange(who, sem, seen, new, may, is_done)
{
	atomic {
		if
		:: !is_late[sem] && word[sem] == seen && may ->
			late_word[sem] = new; late_of[sem] = who; is_late[sem] = true; is_done = true
		:: load(who, sem) != seen -> seen = load(who, sem); is_done = false
		fi
	}
}

inline wake(waker, ws)
{
	do
	::
		atomic { TURN_RELEASES(waker) -> turn[ws]++ };
		/* FUTEX_WAKE */
		atomic {
			ALL_SEEN(waker);
			if
			:: ws == ROOM && in_futex[SENDER] -> in_futex[SENDER] = false; woken = true
			:: ws == MESSAGES && in_futex[RECEIVER] -> in_futex[RECEIVER] = false; woken = true
			:: ws == MESSAGES && in_futex[OTHER] -> in_futex[OTHER] = false; woken = true
			:: else -> woken = false
			fi
		};
		if
		:: !woken -> break
		:: else
		fi;
		/* mark_again() */
		old = load(waker, ws);
		do
		:: exchange(waker, ws, old, MARKED_AGAIN(old), true, done);
		   if
		   :: done -> break
		   :: else
		   fi
		od;
		if
		:: IS_NEWS(old)
		:: else -> break
		fi
	od
}

inline post(me, s)
{
	old = load(me, s);
	do
	::
#ifdef BLIND_POST
		atomic {
			!is_late[s] && RELEASES(me) -> late_word[s] = word[s] + 1; late_of[s] = me; is_late[s] = true;
			done = true
		};
#else
		exchange(me, s, old, POSTED(old), RELEASES(me), done);
#endif
		if
		:: done -> break
		:: else
		fi
	od;
	if
	:: old & SLEEPERS -> wake(me, s)
	:: else
	fi;
	atomic { old = 0; done = false; woken = false }
}

/* take(), take_after_sleep(), wait_slowly() */
inline wait(me, s)
{
	do
	::
#ifdef NO_TURN_ACQUIRE
		if
		:: my_turn = turn[s]; old = load(me, s)
		:: old = load(me, s); my_turn = turn[s]
		fi;
#else
		my_turn = turn[s];
		old = load(me, s);
#endif
		done = false;
		do
		:: UNITS(old) && !done -> exchange(me, s, old, (old - 1) | slept * TOOK, true, done)
		:: else -> break
		od;
		if
		:: done -> break
		:: else
		fi;
		done = true;
		if
		:: old & SLEEPERS
		:: else ->
#ifdef BLIND_MARK
			atomic {
				!is_late[s] -> late_word[s] = word[s] | SLEEPERS; late_of[s] = me; is_late[s] = true
			}
#else
			exchange(me, s, old, old | SLEEPERS, true, done)
#endif
		fi;
		if
		:: done ->
			/* FUTEX_WAIT */
			atomic { ALL_SEEN(me) -> in_futex[me] = turn[s] == my_turn };
			!in_futex[me];
			slept = true
		:: else
		fi
	od;
	if
	:: slept && UNITS(old) > 1 -> wake(me, s)
	:: else
	fi;
	atomic { my_turn = 0; old = 0; done = false; woken = false; slept = false }
}

proctype sender()
{
	byte n, i, my_turn, old;
	bool done, woken, slept;

	for (n : 1 .. NR) {
		i = n % SLOTS;
#ifdef NO_ACQUIRE_STORES
		if
		:: atomic { late_left[i] == 0 -> late_left[i] = n }
		:: true
		fi;
#endif
		wait(SENDER, ROOM);
		/* two stores to one place are seen in their order */
		atomic { late_left[i] == 0 || late_left[i] == n -> late_left[i] = n };
		atomic { late_right[i] == 0 -> late_right[i] = n };
		post(SENDER, MESSAGES)
	}
#ifndef QUICK
	/* for the other task, to end */
	post(SENDER, MESSAGES)
#endif
}

proctype receiver()
{
	byte n, i, my_turn, old, x, y;
	bool done, woken, slept, has_x, has_y;

	for (n : 1 .. NR) {
		i = n % SLOTS;
#ifdef NO_ACQUIRE
		if
		:: x = left[i]; has_x = true
		:: y = right[i]; has_y = true
		:: true
		fi;
#endif
		wait(RECEIVER, MESSAGES);
		do
		:: !has_x -> x = left[i]; has_x = true
		:: !has_y -> y = right[i]; has_y = true
		:: has_x && has_y -> break
#ifdef NO_RELEASE_LOADS
		:: has_x || has_y -> break
#endif
		od;
		post(RECEIVER, ROOM);
		if
		:: has_x
		:: else -> x = left[i]
		fi;
		if
		:: has_y
		:: else -> y = right[i]
		fi;
		assert(x == n && y == n);
		atomic { x = 0; y = 0; has_x = false; has_y = false }
	}
}

#ifndef QUICK
proctype other()
{
	byte my_turn, old;
	bool done, woken, slept;

	wait(OTHER, MESSAGES);
	post(OTHER, MESSAGES)
}
#endif

init {
	atomic {
		word[ROOM] = SLOTS;
		run sender();
		run receiver();
#ifndef QUICK
		run other()
#endif
	}
}
