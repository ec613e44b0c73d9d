#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, scripts that count or lock with a semaphore lose units or run when they must not:
# post, wait.
. "$(dirname "$0")/../lib/cmd-test.sh"
need_device
S=$N.s

ipcx create sem "$S" --initial 1 --max 3
works "wait takes a unit" ipcx wait "$S"
is "$(field "$S" count)" 0 "it is gone"
fails 1 "wait --nowait when there is none" ipcx wait "$S" --nowait
fails 1 "wait --timeout when there is none" ipcx wait "$S" --timeout 50ms
has "$(cat "$T/err")" "timeout has passed" "it says why"
works "post three" ipcx post "$S" 3
fails 1 "post past the maximum" ipcx post "$S"
has "$(cat "$T/err")" "maximum" "it says so"
is "$(field "$S" count)" 3 "and changes nothing"
works "wait for two" ipcx wait "$S" 2
is "$(field "$S" count)" 1 "one is left"
fails 1 "all or none" ipcx wait "$S" 2 --nowait
is "$(field "$S" count)" 1 "one is still left"

ipcx wait "$S" 2 &
soon field_is "$S" nr_waiters 1
ipcx post "$S"
wait $!
is $? 0 "a post wakes who waits for it"
is "$(field "$S" count)" 0 "it has got the units"
ipcx post "$S" 2

is "$(ipcx wait "$S" 2 -- "$IPCX" stat "$S" --json | sed 's/.*"count": \([0-9]*\).*/\1/')" 0 \
	"the units are held while a command runs"
is "$(field "$S" count)" 2 "and are back after it"
ipcx wait "$S" -- sh -c 'exit 7'
is $? 7 "its status is the exit status"
ipcx wait "$S" -- sh -c 'kill -KILL $$'
is $? 137 "so is the signal that killed it"
ipcx wait "$S" -- "$T/missing" 2> /dev/null
is $? 127 "127 if there is no such command"
: > "$T/plain"
ipcx wait "$S" -- "$T/plain" 2> /dev/null
is $? 126 "126 if it cannot be run"
is "$(field "$S" count)" 2 "the units came back each time"
is "$(ipcx wait "$S" -- printf '%s|' --timeout -- x)" "--timeout|--|x|" \
	"what follows -- is the command's"

"$IPCX" wait "$S" -- sleep 60 &
soon field_is "$S" count 1
kill -TERM $!
wait $!
is $? 143 "SIGTERM is passed on to the command"
is "$(field "$S" count)" 2 "and the unit comes back"

ipcx create sem "$N.robust" --initial 1 --max 1 --robust
"$IPCX" wait "$N.robust" -- sh -c 'echo $$ > "$0"; exec sleep 60' "$T/pid" &
soon test -s "$T/pid"
is "$(field "$N.robust" held)" 1 "a robust semaphore knows what is held"
kill -KILL $!
wait $!
kill "$(cat "$T/pid")"
soon field_is "$N.robust" count 1
passed $? "it gets its unit back after kill -9" < /dev/null
ipcx wait "$N.robust" 2> "$T/err"
has "$(cat "$T/err")" "robust" "wait without a command tells that the unit returns"
is "$(field "$N.robust" count)" 1 "and it does"

# Ten processes, one unit: each reads, adds one, writes.
ipcx create sem "$N.lock" --initial 1 --max 1
echo 0 > "$T/counter"
cat > "$T/increment" <<'END'
read -r n < "$1"
echo $((n + 1)) > "$1"
END
for i in 1 2 3 4 5 6 7 8 9 10; do
	ipcx wait "$N.lock" -- sh "$T/increment" "$T/counter" &
done
wait
is "$(cat "$T/counter")" 10 "ten increments under the lock"

ipcx create queue "$N.q"
fails 1 "a queue is no semaphore" ipcx post "$N.q"
has "$(cat "$T/err")" "it is a queue" "it says what it is"
finish
