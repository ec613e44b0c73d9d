#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
# If this fails, data is changed, lost or stuck on its way through `ipcx send | ipcx recv` in shell
# pipelines.
. "$(dirname "$0")/../lib/cmd-test.sh"
need_device
Q=$N.q

seq 1 20000 > "$T/lines"
(ipcx send "$Q" --create --eof < "$T/lines") &
ipcx recv "$Q" --create --follow > "$T/got"
wait
same "$T/lines" "$T/got" "20000 lines arrive in order, and the end arrives"
ipcx rm "$Q"

head -c 3000001 /dev/urandom > "$T/bytes"
(ipcx send "$Q" --create --raw --eof < "$T/bytes") &
ipcx recv "$Q" --create --follow --raw > "$T/got"
wait
same "$T/bytes" "$T/got" "3 MB of random bytes arrive unchanged"
ipcx rm "$Q"

(ipcx send "$Q" --create --raw=1000 --eof < "$T/bytes") &
ipcx recv "$Q" --create --follow --raw > "$T/got"
wait
same "$T/bytes" "$T/got" "so they do in blocks of 1000"
is "$(field "$Q" sent)" 3001 "the blocks have that size, the last is shorter"
ipcx rm "$Q"

head -c 300000 "$T/bytes" | tr '\n' x > "$T/long"
printf 'short\n' | cat - "$T/long" > "$T/in"
ipcx send "$Q" --create < "$T/in"
is "$(field "$Q" nr_msgs)" 2 "a line of 300000 bytes is one message, and the last needs no newline"
echo >> "$T/in"
ipcx recv "$Q" --all > "$T/got"
same "$T/in" "$T/got" "it is received whole"

mkfifo "$T/fifo"
"$IPCX" recv "$Q" --follow > "$T/fifo" &
exec 3< "$T/fifo"
ipcx send "$Q" first
read -r line <&3
is "$line" first "recv --follow passes on a message while it waits for the next"
exec 3<&-
soon sh -c "! kill -0 $! 2> /dev/null"
passed $? "it ends when its reader has gone" < /dev/null
wait
ipcx send "$Q" second
is "$(ipcx recv "$Q" --nowait)" second "and takes no message that nobody would read"

"$IPCX" recv "$Q" --follow > "$T/got" &
soon field_is "$Q" nr_receivers 1
ipcx send "$Q" a b c
soon test -s "$T/got"
kill -TERM $!
wait $!
is $? 143 "a signal ends recv --follow"
ipcx recv "$Q" --all >> "$T/got"
is "$(tr '\n' ' ' < "$T/got")" "a b c " "what it has taken is printed, the rest is still there"

ipcx recv "$Q" -n 3 > "$T/got" &
soon field_is "$Q" nr_receivers 1
passed $? "nobody else waits" < /dev/null
(echo x; soon test -s "$T/got"; echo y; echo z) | ipcx send "$Q"
wait $!
is "$(tr '\n' ' ' < "$T/got")" "x y z " \
	"send passes on a line before the next is there, and so does recv"

ipcx send "$Q" x
fails 1 "recv tells when its output cannot be written" sh -c "'$IPCX' recv '$Q' > /dev/full"
has "$(cat "$T/err")" "standard output" "it says so"
finish
