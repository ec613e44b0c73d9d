#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, a script that waits to be told is told too late, too often or never: ipcx notify.
. "$(dirname "$0")/../lib/cmd-test.sh"
need_device
Q=$N.q
S=$N.s

# asked PID: the command has asked for everything; the end is what it asks for last
asked() {
	cat "/proc/$1"/fdinfo/* 2> /dev/null | grep -q "ready --s"
}

# start ARGUMENT...: ipcx notify in the background, when it has asked; its pid is in $told
start() {
	"$IPCX" notify "$@" --timeout "$LIMIT" > "$T/told" 2> "$T/why" &
	told=$!
	soon asked "$told"
}

lines_are() {
	[ "$(wc -l < "$T/told")" -eq "$1" ]
}

ipcx create queue "$Q"
start "$Q"
passed $? "notify waits" < /dev/null
ipcx send "$Q" hello
wait "$told"
is "$?" 0 "it ends when there is a message"
is "$(cat "$T/told")" readable "and says so"
is "$(field "$Q" nr_msgs)" 1 "the message is still there"
works "what is ready already" ipcx notify "$Q"
is "$(cat "$T/out")" readable "is told at once"
works "room" ipcx notify "$Q" --write
is "$(cat "$T/out")" writable "is told, too"
ipcx recv "$Q" > /dev/null
fails 1 "nothing happens for a while" ipcx notify "$Q" --timeout 50ms
has "$(cat "$T/err")" "timeout has passed" "it says so"

start "$Q" --follow
for i in 1 2 3; do
	ipcx send "$Q" "$i"
	soon lines_are "$i"
done
is "$(cat "$T/told")" "readable
readable
readable" "--follow tells each time"
ipcx shutdown "$Q" --now
wait "$told"
is "$?" 0 "it ends with the object's use"
works "the end" ipcx notify "$Q" --shut
is "$(cat "$T/out")" "shut down" "is told, too"

ipcx create sem "$S"
start "$S" --count 2
ipcx post "$S"
ipcx post "$S"
wait "$told"
is "$?/$(wc -l < "$T/told" | tr -d ' ')" 0/2 "--count tells so many times"
ipcx wait "$S" 2 > /dev/null

# a shell that is told by a signal
sh -c 'trap "echo got it; exit 7" USR1; echo ready; while :; do sleep 0.05; done' > "$T/shell" &
shell=$!
soon grep -q ready "$T/shell"
start "$S" --pid "$shell" --signal USR1
ipcx post "$S"
wait "$told"
is "$?/$(cat "$T/told")" 0/ "notify --pid ends when the signal has been sent, and prints nothing"
wait "$shell"
is "$?" 7 "the process has got it"
has "$(cat "$T/shell")" "got it" "in its handler"
ipcx wait "$S"

sleep 100 &
sleeper=$!
start "$S" --pid "$sleeper" --signal SIGTERM --follow
kill "$sleeper"
wait "$told"
is "$?" 1 "it fails when the process has ended"
has "$(cat "$T/why")" "has ended" "it says so"
sleep 100 &
sleeper=$!
start "$S" --pid "$sleeper" --signal 15 --value 0x10
ipcx post "$S"
wait "$sleeper"
is "$?" 143 "a signal by its number"
wait "$told"
is "$?" 0 "and that is what was asked for"

fails 1 "a process that does not exist" ipcx notify "$S" --pid 2147483647 --signal USR1
fails 1 "a name that does not exist" ipcx notify "$N.none"
ipcx create region "$N.r" --size 4K
fails 1 "a region" ipcx notify "$N.r"
has "$(cat "$T/err")" "never becomes ready" "it says why"
if [ "$(id -u)" = 0 ]; then
	ipcx create event "$N.e" --mode 0666
	fails 1 "somebody else's process" as_other notify "$N.e" --pid 1 --signal KILL
	has "$(cat "$T/err")" "not yours" "it says why"
fi
finish
