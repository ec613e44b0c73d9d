/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A wait for any of two objects stands in both lines with one claim: kmod/wait-many.c.
 *
 * A unit is posted to each object; another task waits for the second object only.  The wait for any takes one unit of one
 * object, and what it leaves behind reaches the other task, although it may have stood behind the first.
 *
 * Mutants:
 *	TWO_CLAIMS	each line has a claim of its own
 *	NOT_LEFT	who leaves a line where it was not served does not serve those behind it
 */
#define lock(o)		atomic { !locked[o] -> locked[o] = true }
#define unlock(o)	locked[o] = false

#define ANY	0
#define OTHER	1

bool locked[2];
byte units[2];
bool in_line[4];		/* waiter w in the line of object o: w * 2 + o */
bool claimed[4];		/* w * 2, unless TWO_CLAIMS */
bool served[4];
bool done[2];
byte first = OTHER;		/* who came first to object 1 */
byte got[2];

#ifdef TWO_CLAIMS
#define CLAIM(w, o)	claimed[(w) * 2 + (o)]
#else
#define CLAIM(w, o)	claimed[(w) * 2]
#endif

/* grant_waiting_locked() for one waiter; the lock of @o is held.  Wakes at once: the sleep is in waiter.pml. */
inline serve(w, o)
{
	if
	:: in_line[(w) * 2 + (o)] && units[o] > 0 ->
		atomic {
			if
			:: !CLAIM(w, o) ->
				CLAIM(w, o) = true;
				in_line[(w) * 2 + (o)] = false;
				units[o]--;
				got[w]++;
				served[(w) * 2 + (o)] = true;
				done[w] = true
			:: else
			fi
		}
	:: else
	fi
}

/* A waiter that is in front, not claimed, and does not fit keeps those behind it waiting. */
inline grant(o)
{
	if
	:: o == 1 && first == ANY -> serve(ANY, o); serve(OTHER, o)
	:: o == 1 && first == OTHER -> serve(OTHER, o); serve(ANY, o)
	:: o == 0 -> serve(ANY, o)
	fi
}

/* look(), join() and leave() */
proctype any()
{
	byte o;
	bool won = false;

	for (o : 0 .. 1) {
		lock(o);
		if
		:: units[o] > 0 && !in_line[OTHER * 2 + o] ->
			atomic { won = !CLAIM(ANY, o); CLAIM(ANY, o) = true };
			if
			:: won -> units[o]--; got[ANY]++; done[ANY] = true
			:: else
			fi
		:: else ->
			in_line[ANY * 2 + o] = true;
			if
			:: o == 1 && !in_line[OTHER * 2 + 1] -> first = ANY
			:: else
			fi
		fi;
		unlock(o)
	};
	done[ANY];
	for (o : 0 .. 1) {
		lock(o);
		if
		:: in_line[ANY * 2 + o] ->
			in_line[ANY * 2 + o] = false;
#ifndef NOT_LEFT
			grant(o)
#endif
		:: else
		fi;
		unlock(o)
	}
}

/* wait() of sem.c: in line if there is nothing, or others wait */
proctype other()
{
	lock(1);
	if
	:: units[1] > 0 && !in_line[ANY * 2 + 1] -> units[1]--; got[OTHER]++; done[OTHER] = true
	:: else -> in_line[OTHER * 2 + 1] = true
	fi;
	unlock(1);
	done[OTHER]
}

proctype poster(byte o)
{
	lock(o);
	units[o]++;
	/* one who has been claimed elsewhere stands in nobody's way */
	grant(o);
	unlock(o)
}

init {
	atomic { run any(); run other(); run poster(0); run poster(1); run poster(1) }
	_nr_pr == 1;
	assert(got[ANY] == 1 && got[OTHER] == 1);
	assert(units[0] + units[1] == 1)
}
