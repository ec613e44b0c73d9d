#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, scripts go on before they may, or wait for what has happened: create event, set, reset, pulse,
# wait.
. "$(dirname "$0")/../lib/cmd-test.sh"
need_device
E=$N.e

works "create an automatic event" ipcx create event "$E"
is "$(field "$E" kind) $(field "$E" set) $(field "$E" manual)" "event false false" "its kind and state"
fails 1 "wait --nowait when it is not set" ipcx wait "$E" --nowait
fails 1 "wait --timeout when it is not set" ipcx wait "$E" --timeout 50ms
has "$(cat "$T/err")" "timeout has passed" "it says why"
works "set" ipcx set "$E"
is "$(field "$E" set)" true "it is set"
has "$(ipcx ls -l | grep "$E")" " set " "ls -l tells it"
works "set again" ipcx set "$E"
works "wait takes it" ipcx wait "$E"
is "$(field "$E" set)" false "it is not set any more"
works "pulse with nobody waiting" ipcx pulse "$E"
is "$(cat "$T/out")" 0 "it lets nobody through"

ipcx wait "$E" &
soon field_is "$E" nr_waiters 1
is "$(ipcx pulse "$E")" 1 "a pulse lets through who waits"
wait $!
is $? 0 "whose wait ends"
ipcx wait "$E" &
soon field_is "$E" nr_waiters 1
ipcx set "$E"
wait $!
is $? 0 "so does set"
is "$(field "$E" set)" false "which that wait has taken"

works "create a manual event that is set" ipcx create event "$N.m" --manual --set
is "$(field "$N.m" set) $(field "$N.m" manual)" "true true" "it is both"
has "$(ipcx ls -l | grep "$N.m")" "set, manual" "ls -l tells it"
works "stat" ipcx stat "$N.m"
has "$(cat "$T/out")" "event, manual" "stat tells the kind"
has "$(cat "$T/out")" "state       set" "and the state"
works "wait" ipcx wait "$N.m"
works "wait once more: it stays set" ipcx wait "$N.m"
works "reset" ipcx reset "$N.m"
is "$(field "$N.m" set)" false "it is not set any more"
ipcx wait "$N.m" &
first=$!
ipcx wait "$N.m" &
soon field_is "$N.m" nr_waiters 2
ipcx set "$N.m"
wait $first && wait $!
is $? 0 "set lets both through"

fails 1 "an event has no units" ipcx wait "$N.m" 2
fails 1 "nor can it be held" ipcx wait "$N.m" -- true
has "$(cat "$T/err")" "ipcx wait $N.m && COMMAND" "it says what to do"
fails 1 "nor posted to" ipcx post "$N.m"
has "$(cat "$T/err")" "it is an event" "it says what it is"
ipcx create queue "$N.q"
fails 1 "a queue cannot be set" ipcx set "$N.q"
has "$(cat "$T/err")" "it is a queue" "it says what it is"
fails 1 "nor waited for" ipcx wait "$N.q"
has "$(cat "$T/err")" "it is a queue" "it says so, too"
works "shutdown" ipcx shutdown "$N.m" --now
fails 1 "it cannot be set then" ipcx set "$N.m"
fails 1 "nor waited for then" ipcx wait "$N.m"
is "$(ipcx create event "$N.x" --robust 2> "$T/err"; echo $?)" 2 "an option of another kind"
has "$(ipcx stat)" "event" "the module tells that it has events"
finish
