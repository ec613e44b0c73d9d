#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, messages sent from the shell arrive in another order, with other types, or not at
# all: send, recv, peek, purge and their options.
. "$(dirname "$0")/../lib/cmd-test.sh"
need_device
Q=$N.q

fails 1 "send to a name that does not exist" ipcx send "$Q" x
works "send --create" ipcx send "$Q" --create one "two words" ""
is "$(field "$Q" nr_msgs)" 3 "each argument is a message, also an empty one"
is "$(ipcx recv "$Q")" one "recv takes one message"
is "$(ipcx peek "$Q")" "two words" "peek prints the next"
is "$(ipcx recv "$Q" -n 2 | tr '\n' '|')" "two words||" "and leaves it; recv -n takes so many"
is "$(field "$Q" nr_msgs)" 0 "the queue is empty"

ipcx send "$Q" --priority 1 low && ipcx send "$Q" -p 9 high && ipcx send "$Q" --priority 1 low2
is "$(ipcx recv "$Q" --all | tr '\n' ' ')" "high low low2 " \
	"the higher priority first, then the older"

for type in 3 1 2 3; do
	ipcx send "$Q" --type $type "t$type"
done
is "$(ipcx recv "$Q" --type 2)" t2 "recv --type"
is "$(ipcx peek "$Q" --except 3)" t1 "peek --except"
is "$(ipcx recv "$Q" --up-to 9)" t1 "recv --up-to takes the lowest type"
is "$(ipcx purge "$Q" --type 3)" 2 "purge --type tells how many"
works "recv --all of an empty queue is no failure" ipcx recv "$Q" --all

fails 1 "recv --nowait of an empty queue" ipcx recv "$Q" --nowait
has "$(cat "$T/err")" "would have to wait" "it says why"
fails 1 "recv --timeout" ipcx recv "$Q" --timeout 50ms
has "$(cat "$T/err")" "timeout has passed" "it says why"
ipcx send "$Q" x
fails 1 "recv --type --timeout when only others are there" ipcx recv "$Q" --type 7 -t 50ms
is "$(ipcx recv "$Q" --nowait)" x "the other is still there"

ipcx send "$Q" --type 7 --priority 3 abc
is "$(ipcx peek "$Q" --verbose | sed 's/pid=[1-9][0-9]*/pid=N/')" \
	"type=7 priority=3 pid=N uid=$(id -u) gid=$(id -g) len=3: abc" \
	"--verbose tells about the sender"
is "$(ipcx recv "$Q" --json | sed 's/"pid": [1-9][0-9]*/"pid": N/')" \
	"{\"type\": 7, \"priority\": 3, \"pid\": N, \"uid\": $(id -u), \"gid\": $(id -g), $(
	)\"len\": 3, \"text\": \"abc\"}" \
	"--json does, too"
ipcx send "$Q" "a\"b\\	é"
has "$(ipcx recv "$Q" --json)" '"text": "a\"b\\\té"' "--json escapes what must be"
printf '\377\000A' | ipcx send "$Q" --raw
has "$(ipcx recv "$Q" --json)" '"base64": "/wBB"' "--json encodes what is not UTF-8"

ipcx create queue "$N.small" --max-msgs 2 --max-msg 8
fails 1 "a message larger than the queue's limit" ipcx send "$N.small" 123456789
has "$(cat "$T/err")" "message is too large" "it says so"
printf 'ok\n123456789\nlost\n' > "$T/in"
INPUT=$T/in fails 1 "a line larger than the limit" ipcx send "$N.small"
has "$(cat "$T/err")" "message 2 of 9 bytes" "it says which"
is "$(ipcx recv "$N.small" --all)" ok "those before it are sent, and none after"
fails 1 "send --nowait when there is no room" ipcx send "$N.small" --nowait a b c
has "$(cat "$T/err")" "message 3" "it says which"
fails 1 "send --timeout when there is no room" ipcx send "$N.small" --timeout 50ms c
is "$(ipcx recv "$N.small" -a | tr '\n' ' ')" "a b " "the queue has what fitted"

ipcx send "$N.end" --create --eof last
is "$(ipcx recv "$N.end" --follow)" last "recv --follow ends when the queue was shut down"
works "recv of a queue that is shut down and empty ends well" ipcx recv "$N.end"
is "$(wc -c < "$T/out")" 0 "and prints nothing"
is "$(ipcx recv "$N.end" --count 3)" "" "also with --count"
finish
