#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, who watches a queue from the shell takes what he should only see, or does not see it.
. "$(dirname "$0")/../lib/cmd-test.sh"
need_device
Q=$N.q
B=$N.b

watching() {
	"$IPCX" watch "$@" --timeout "$LIMIT" > "$T/seen" 2> "$T/why" &
	watcher=$!
	soon told_of "$watcher"
}

# The watcher has its tap: a broadcast queue without a name.
told_of() {
	cat "/proc/$1"/fdinfo/* 2> /dev/null | grep -q "^subscribers:.1"
}

lines_are() {
	[ "$(wc -l < "$T/seen")" -eq "$1" ]
}

works "a queue" ipcx create queue "$Q"
ipcx send "$Q" before
watching "$Q" --verbose
passed $? "watch waits" < /dev/null
ipcx send "$Q" --type 7 --priority 3 hello
soon lines_are 1
has "$(cat "$T/seen")" "type=7 priority=3 pid=" "a message is seen, with its type and priority"
has "$(cat "$T/seen")" ": hello" "and its text"
is "$(field "$Q" nr_msgs)" 2 "it is still there"
is "$(ipcx recv "$Q")" hello "who receives gets it"
is "$(ipcx recv "$Q")" before "and what came before"
ipcx shutdown "$Q"
wait "$watcher"
is "$?" 0 "the end of the queue ends it"

works "a broadcast queue" ipcx create queue "$B" --broadcast
"$IPCX" watch "$B" --count 2 --timeout "$LIMIT" --json > "$T/seen" &
watcher=$!
soon told_of "$watcher"
ipcx send "$B" one two
wait "$watcher"
is "$?" 0 "--count ends it"
has "$(cat "$T/seen")" '"text": "two"' "a broadcast queue can be watched, too"

works "a semaphore" ipcx create sem "$N.s"
fails 1 "watch of a semaphore" ipcx watch "$N.s"
has "$(cat "$T/err")" "it is a semaphore" "it says what it is"
fails 1 "watch of nothing" ipcx watch "$N.none"
ipcx create queue "$N.p" --mode 0622
if [ "$(id -u)" -eq 0 ]; then
	fails 1 "without the right to read" as_other watch "$N.p"
fi
ipcx rm "$Q" "$B" "$N.s" "$N.p"
finish
