#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, scripts take what they did not wait for, or the wrong one of several: wait --any, wait --all.
. "$(dirname "$0")/../lib/cmd-test.sh"
need_device
S=$N.s E=$N.e Q=$N.q P=$N.p

ipcx create sem "$S" --initial 0
ipcx create event "$E"
ipcx create queue "$Q"
ipcx create stream "$P"
fails 1 "nothing is ready" ipcx wait --any "$S" "$E" "$Q" "$P" --nowait
fails 1 "nor within a time" ipcx wait --any "$S" "$E" "$Q" --timeout 50ms
has "$(cat "$T/err")" "timeout has passed" "it says why"
ipcx set "$E"
ipcx post "$S"
works "any: the first that is ready" ipcx wait --any "$Q" "$E" "$S"
is "$(cat "$T/out")" "$E" "it prints the name"
is "$(field "$E" set) $(field "$S" count)" "false 1" "and takes that one only"
works "any: then the next" ipcx wait --any "$Q" "$E" "$S"
is "$(cat "$T/out") $(field "$S" count)" "$S 0" "which it takes"
ipcx send "$Q" hello
works "any: a queue that can be read" ipcx wait "$S" "$Q" --any --nowait
is "$(cat "$T/out") $(ipcx recv "$Q")" "$Q hello" "of which nothing is taken"

ipcx wait --any "$S" "$E" "$Q" > "$T/which" &
soon field_is "$E" nr_waiters 1
ipcx post "$S"
wait $!
is "$? $(cat "$T/which")" "0 $S" "any: the first that becomes ready"
is "$(field "$E" nr_waiters)" 0 "it waits for the others no more"

ipcx post "$S"
fails 1 "all: one is missing" ipcx wait --all "$S" "$E" --nowait
is "$(field "$S" count)" 1 "nothing is taken"
ipcx wait --all "$S" "$E" > "$T/which" &
pid=$!
ipcx set "$E"
wait $pid
is "$? $(cat "$T/which")" "0 " "all: when the last is ready"
is "$(field "$E" set) $(field "$S" count)" "false 0" "all are taken"
fails 1 "all: an object twice" ipcx wait --all "$S" "$S" --nowait
has "$(cat "$T/err")" "twice" "it says so"

ipcx create region "$N.r" --size 4096
fails 1 "a region is never ready" ipcx wait --any "$N.r"
has "$(cat "$T/err")" "it is a region" "it says what it is"
fails 1 "a name that does not exist" ipcx wait --any "$S" "$N.none"
ipcx shutdown "$S"
fails 1 "one that has been shut down" ipcx wait --any "$E" "$S" --nowait
has "$(cat "$T/err")" "$S" "it says which"
finish
