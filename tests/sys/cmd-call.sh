#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, a script that calls another gets no reply, somebody else's, or waits for ever: call, serve.
. "$(dirname "$0")/../lib/cmd-test.sh"
need_device
Q=$N.q
ipcx create queue "$Q"

ipcx serve "$Q" --count 2 -- tr a-z A-Z &
server=$!
is "$(ipcx call "$Q" hello)" HELLO "the reply is what the command makes of the message"
is "$(printf 'from\nthe input' | ipcx call "$Q")" "$(printf 'FROM\nTHE INPUT')" "a message from the input"
wait $server
is $? 0 "the server ends after --count messages"

fails 1 "nobody answers" ipcx call "$Q" x --timeout 50ms
has "$(cat "$T/err")" "timeout has passed" "it says why"
is "$(field "$Q" nr_msgs)" 0 "the message has left the queue"

ipcx serve "$Q" --count 1 -- sh -c 'cat >/dev/null; echo "type $IPCX_TYPE, uid $IPCX_UID"' &
is "$(ipcx call "$Q" --type 7 x)" "type 7, uid $(id -u)" "the command knows the caller"
wait

ipcx serve "$Q" --count 1 -- sh -c 'echo part; exit 3' 2>"$T/serr" &
is "$(ipcx call "$Q" x)" part "a command that fails: its output is the reply"
wait
has "$(cat "$T/serr")" "failed on a message" "and the server says so"

# A message of a megabyte to a command that does not read it.
ipcx serve "$Q" --count 1 -- echo done &
is "$(head -c 1000000 /dev/zero | ipcx call "$Q")" "done" "a large message that nobody reads"
wait

ipcx serve "$Q" -- cat &
server=$!
is "$(ipcx call "$Q" one)" one "a server without a count"
ipcx send "$Q" plain
is "$(ipcx call "$Q" two)" two "goes on after a plain message"
ipcx shutdown "$Q"
wait $server
is $? 0 "and ends with the queue"
fails 1 "call after the shutdown" ipcx call "$Q" x
fails 2 "serve needs a command" ipcx serve "$Q"
finish
