#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, names made from the shell have another mode, kind or limit than asked for, or
# cannot be seen or removed: create, ls, stat, rm, shutdown.
. "$(dirname "$0")/../lib/cmd-test.sh"
need_device

works "create a queue" ipcx create queue "$N.q" --max-msgs 7 --max-bytes 64K --max-msg 1K
is "$(field "$N.q" kind)" queue "its kind"
is "$(field "$N.q" mode)" 0600 "its mode without --mode"
is "$(field "$N.q" max_msgs)" 7 "its --max-msgs"
is "$(field "$N.q" max_bytes)" 65536 "its --max-bytes"
is "$(field "$N.q" max_msg_len)" 1024 "its --max-msg"
works "create it again: nothing changes" ipcx create queue "$N.q" --max-msgs 9
is "$(field "$N.q" max_msgs)" 7 "the first --max-msgs remains"
fails 1 "--exclusive refuses a name that exists" ipcx create queue "$N.q" --exclusive
fails 1 "a name of another kind is refused" ipcx create region "$N.q" --size 4K

works "create a region" ipcx create region "$N.r" --size 10000 --mode 0666
is "$(field "$N.r" len)" 12288 "its size, in whole pages"
is "$(field "$N.r" mode)" 0644 "its mode, less the umask"
works "create a semaphore" ipcx create sem "$N.s" --initial 2 --max 5 --robust
is "$(field "$N.s" count)" 2 "its --initial"
is "$(field "$N.s" max)" 5 "its --max"
is "$(field "$N.s" robust)" true "it is robust"

is "$(ipcx ls | grep "^$N" | tr '\n' ' ')" "$N.q $N.r $N.s " "ls prints the names in order"
has "$(ipcx ls -l | grep "$N.s")" "2 of 5 units, robust" "ls -l tells what a semaphore holds"
has "$(ipcx ls -l | grep "$N.r")" "12 KiB" "ls -l tells the size of a region"
has "$(ipcx ls --json | grep "$N.q")" "\"max_msgs\": 7" "ls --json tells the limits of a queue"
works "stat of an object" ipcx stat "$N.q"
has "$(cat "$T/out")" "0 of at most 7" "stat tells the messages and their limit"
has "$(cat "$T/out")" "sent" "it tells what has passed"
"$IPCX" recv "$N.q" --timeout "$LIMIT" > /dev/null 2>&1 &
holder=$!
is_told() { ipcx stat "$N.q" | grep -q "opened by   $holder ipcx, descriptor"; }
soon is_told
passed $? "stat tells who has it open" < /dev/null
kill "$holder"
wait "$holder" 2> /dev/null
# a process chooses what it is called, and a terminal must not be steered by that
odd=$T/$(printf 'x\033[2J')
ln -s "$IPCX" "$odd"
"$odd" recv "$N.q" --timeout "$LIMIT" > /dev/null 2>&1 &
holder=$!
is_told() { ipcx stat "$N.q" | grep -qF "opened by   $holder x?[2J, descriptor"; }
soon is_told
passed $? "a name with an escape sequence is told without it" < /dev/null
kill "$holder"
wait "$holder" 2> /dev/null
works "stat of the module" ipcx stat
has "$(cat "$T/out")" "queue region semaphore" "stat of the module tells its features"
is "$(field "$N.q" users)" 0 "nobody has it open; stat does not count itself"

works "create a broadcast queue" ipcx create queue "$N.b" --broadcast --overflow drop --max-msgs 2
is "$(field "$N.b" broadcast)" true "its mode"
is "$(field "$N.b" nr_subscribers)" 0 "looking at it does not subscribe"
works "nobody receives" ipcx send "$N.b" x
is "$(field "$N.b" nr_msgs)" 0 "the message has gone"
ipcx recv "$N.b" --json > "$T/got" &
wait_for() { i=0; until "$@"; do i=$((i + 1)); [ $i -lt 500 ] || return 1; sleep 0.02; done; }
subscribed() { [ "$(field "$N.b" nr_subscribers)" = 1 ]; }
works "a receiver subscribes" wait_for subscribed
has "$(ipcx ls -l | grep "$N.b")" "to 1" "ls -l tells of it"
ipcx stat "$N.b" > "$T/stat"
has "$(cat "$T/stat")" "subscribers 1" "and so does stat"
works "send to it" ipcx send "$N.b" news
wait
has "$(cat "$T/got")" '"text": "news"' "it has received the message"
works "create a latest queue" ipcx create queue "$N.l" --latest --max-msgs 1
works "send to it" ipcx send "$N.l" old
works "send to it once more: this does not wait" ipcx send "$N.l" new
is "$(field "$N.l" dropped)" 1 "the old message has been dropped"
has "$(ipcx stat "$N.l")" "queue, latest" "stat tells the mode"
is "$(ipcx recv "$N.l")" new "the new one is there"
works "remove them" ipcx rm "$N.b" "$N.l"

works "shutdown" ipcx shutdown "$N.q"
is "$(field "$N.q" shut_send)" true "stat tells of the shutdown"
fails 1 "nothing can be sent then" ipcx send "$N.q" x
works "shutdown --now" ipcx shutdown "$N.s" --now
fails 1 "nobody can wait then" ipcx wait "$N.s"
fails 1 "a region cannot be shut down" ipcx shutdown "$N.r"

works "rm several" ipcx rm "$N.q" "$N.r"
is "$(ipcx ls | grep "^$N")" "$N.s" "they are gone"
fails 1 "rm of a name that does not exist" ipcx rm "$N.q"
has "$(cat "$T/err")" "no such name" "it says so"
works "rm --force of it" ipcx rm --force "$N.q"
fails 1 "rm goes on after a failure" ipcx rm "$N.q" "$N.s"
is "$(ipcx ls | grep "^$N")" "" "the other one is gone"
fails 1 "stat of a name that does not exist" ipcx stat "$N.q"

# In a network namespace of its own: names of others, on a machine that is in use, stay.
if unshare -n true 2> /dev/null; then
	unshare -n sh -c "'$IPCX' create sem a; '$IPCX' create sem b; '$IPCX' rm --all || echo failed
		'$IPCX' ls; '$IPCX' ls --json" > "$T/got"
	is "$(cat "$T/got")" "[]" "rm --all leaves nothing in its namespace"
	is "$(ipcx ls | grep "^$N")" "" "names of that namespace are not seen here"
fi

ipcx create queue "$N.private"
chmod 755 "$T"
fails 1 "another user cannot receive from it" as_other recv "$N.private"
has "$(cat "$T/err")" "permission denied" "it says why"
fails 1 "another user cannot remove it" as_other rm "$N.private"
has "$(cat "$T/err")" "only its owner" "it says who can"
works "another user can list it" as_other ls -l
has "$(grep "$N.private" "$T/out")" "(not readable)" "its content is not shown"
finish
