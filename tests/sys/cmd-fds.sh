#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, a script cannot hand an open file to another: send --fd, recv --fds.
. "$(dirname "$0")/../lib/cmd-test.sh"
need_device
Q=$N.q
ipcx create queue "$Q"
echo first >"$T/one"
echo second >"$T/two"

works "send --fd" sh -c "ipcx send $Q --fd 3 'a name' 3<$T/one"
rm "$T/one"
has "$(ipcx peek "$Q" --verbose)" "a name" "the message is there"
is "$(ipcx recv "$Q" --fds -- sh -c 'cat <&3')" first "the command reads what was sent, from number 3"

works "two, in their order, without a message" sh -c "ipcx send $Q --fd 4,3 3<$T/two 4</dev/null"
is "$(ipcx recv "$Q" --fds -- sh -c 'cat - /dev/fd/3 /dev/fd/4; echo $LISTEN_FDS')" \
	"$(printf 'second\n2')" "number 3 is the first"
is "$(ipcx send "$Q" --type 5 --fd 0 "the message" </dev/null; ipcx recv "$Q" --type 5 --fds -- sh -c \
	'cat; echo " $IPCX_TYPE $IPCX_UID"; [ "$LISTEN_PID" = $$ ] && echo pid')" \
	"$(printf 'the message 5 %s\npid' "$(id -u)")" "the message is its input, and it knows the sender"
is "$(ipcx send "$Q" --fd 0 --fd 1 </dev/null; ipcx recv "$Q" --fds -- sh -c 'echo $LISTEN_FDS')" 2 "--fd twice adds"

# More than fit between 3 and what the command has open itself.
numbers=0
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do numbers=$numbers,0; done
ipcx send "$Q" --fd $numbers,1 <"$T/two" >"$T/out"
works "sixteen and one" ipcx recv "$Q" --fds -- sh -c 'cat <&3; echo written >&19'
is "$(cat "$T/out")" written "the last one is number 19"

ipcx send "$Q" plain
is "$(ipcx recv "$Q" --fds -- sh -c 'cat; echo " $LISTEN_FDS"')" "plain 0" "a message without descriptors"
head -c 100000 /dev/zero | ipcx send "$Q" --raw=100000
is "$(ipcx recv "$Q" --fds -- sh -c 'cat | wc -c')" 100000 "a large one"

fails 1 "a descriptor that is not open" ipcx send "$Q" --fd 77
fails 1 "recv --fds --nowait of an empty queue" ipcx recv "$Q" --fds --nowait -- true
fails 1 "recv --fds --timeout" ipcx recv "$Q" --fds -t 50ms -- true
ipcx send "$Q" x
fails 1 "a command that does not exist" ipcx recv "$Q" --fds -- /does/not/exist
has "$(cat "$T/err")" "/does/not/exist" "it says which"
ipcx send "$Q" x
ipcx recv "$Q" --fds -- sh -c 'exit 7'
is $? 7 "the status is the command's"
ipcx shutdown "$Q"
works "the end of the queue is no failure" ipcx recv "$Q" --fds -- false
fails 1 "send --fd after it is" ipcx send "$Q" --fd 0
finish
