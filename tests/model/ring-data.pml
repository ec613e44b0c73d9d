/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RING_PUBLISH and RING_FREE: messages in a ring's slots are whole, and each is that which is expected, on a machine that
 * orders nothing but what is asked for.  ulib/ring.h, ulib/ring-one.c (send_now, tx_ready, rx_ready, recv); the words of a
 * ring of many are stored and loaded in the same way.
 *
 * The sender's stores become visible in any order, one release behind all that came before it.  The receiver's loads
 * happen in any order, those behind an acquire after it, and its release after all of them.  A message is two words.
 * The store of a position is seen at once: seen later, it only makes the sender wait.
 *
 * Mutants:
 *	NO_RELEASE	a slot's word may be seen before the message
 *	NO_ACQUIRE	the message may be read before the word
 *	NO_FREE		the receiver's position may be seen before it has read the message
 *	NO_ROOM		the sender does not look at the position
 *	NO_FREE_ACQUIRE	the message may be stored before the position is read
 *	EARLY_WORD	the sender stores the word first
 */
#define SLOTS	2
#define NR	5

/* what is visible */
byte word[SLOTS], left[SLOTS], right[SLOTS];
byte pos;

/* the sender's stores on their way; 0: none */
byte late_word[SLOTS], late_left[SLOTS], late_right[SLOTS];

/* Nothing that came before message @n is on its way. */
#define IS_OLDER(late, n)	(late != 0 && late <= n)
#define ALL_SEEN(n)	(!IS_OLDER(late_left[0], n) && !IS_OLDER(late_left[1], n) && !IS_OLDER(late_right[0], n) && \
			 !IS_OLDER(late_right[1], n))

/* Words come one after the other, each a release. */
#define NEXT_WORD(i)	(late_word[i] != 0 && (late_word[1 - i] == 0 || late_word[1 - i] > late_word[i]))

active proctype memory()
{
	byte i;

end:	do
	:: atomic { late_left[0] != 0 -> left[0] = late_left[0]; late_left[0] = 0 }
	:: atomic { late_left[1] != 0 -> left[1] = late_left[1]; late_left[1] = 0 }
	:: atomic { late_right[0] != 0 -> right[0] = late_right[0]; late_right[0] = 0 }
	:: atomic { late_right[1] != 0 -> right[1] = late_right[1]; late_right[1] = 0 }
#if defined(NO_RELEASE) || defined(EARLY_WORD)
	:: atomic { late_word[0] != 0 -> word[0] = late_word[0]; late_word[0] = 0 }
	:: atomic { late_word[1] != 0 -> word[1] = late_word[1]; late_word[1] = 0 }
#else
	:: atomic { NEXT_WORD(0) && ALL_SEEN(late_word[0]) -> word[0] = late_word[0]; late_word[0] = 0 }
	:: atomic { NEXT_WORD(1) && ALL_SEEN(late_word[1]) -> word[1] = late_word[1]; late_word[1] = 0 }
#endif
	od
}

active proctype sender()
{
	byte n, i;

	for (n : 1 .. NR) {
		i = n % SLOTS;
#ifdef NO_FREE_ACQUIRE
		if
		:: atomic { late_left[i] == 0 -> late_left[i] = n }
		:: true
		fi;
#endif
#ifndef NO_ROOM
		/* load_acquire(): RING_FREE */
		n <= SLOTS || pos >= n - SLOTS;
#endif
		/* two stores to one place are seen in their order */
#ifdef EARLY_WORD
		atomic { late_word[i] == 0 -> late_word[i] = n };
#endif
		atomic { late_left[i] == 0 || late_left[i] == n -> late_left[i] = n };
		atomic { late_right[i] == 0 -> late_right[i] = n };
#ifndef EARLY_WORD
		/* store_release(): RING_PUBLISH */
		atomic { late_word[i] == 0 -> late_word[i] = n }
#endif
	}
}

active proctype receiver()
{
	byte n, i, x, y;
	bool has_x, has_y, has_freed;

	for (n : 1 .. NR) {
		i = n % SLOTS;
		has_x = false;
		has_y = false;
		has_freed = false;
#ifdef NO_ACQUIRE
		if
		:: x = left[i]; has_x = true
		:: y = right[i]; has_y = true
		:: true
		fi;
#endif
		/* load_acquire(): RING_PUBLISH */
		word[i] == n;
		do
		:: !has_x -> x = left[i]; has_x = true
		:: !has_y -> y = right[i]; has_y = true
#ifdef NO_FREE
		:: !has_freed -> pos = n; has_freed = true
#endif
		:: has_x && has_y -> break
		od;
		assert(x == n && y == n);
		/* store_release(): RING_FREE */
		pos = n
	}
}
