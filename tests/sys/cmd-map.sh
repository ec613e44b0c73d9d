#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, the shell sees or writes other bytes than those of the region: map.
. "$(dirname "$0")/../lib/cmd-test.sh"
need_device
R=$N.r

ipcx create region "$R" --size 8K
head -c 8192 /dev/zero > "$T/zero"
ipcx map "$R" --read > "$T/got"
same "$T/zero" "$T/got" "a new region is zero"
head -c 8192 /dev/urandom > "$T/bytes"
INPUT=$T/bytes works "write all of it" ipcx map "$R" --write
ipcx map "$R" --read > "$T/got"
same "$T/bytes" "$T/got" "what was written is read"
printf 'middle' > "$T/in"
INPUT=$T/in works "write at an offset" ipcx map "$R" --write --offset 4K
is "$(ipcx map "$R" --read --offset 4096 --length 6)" middle "read at an offset, so many bytes"
ipcx map "$R" --read --length 4K > "$T/got"
head -c 4096 "$T/bytes" > "$T/half"
same "$T/half" "$T/got" "the bytes before are as they were"

echo more >> "$T/bytes"
INPUT=$T/bytes fails 1 "input that does not fit" ipcx map "$R" --write
has "$(cat "$T/err")" "exceeds 8192 bytes" "it says what fits"
INPUT=$T/in fails 1 "input that does not fit into --length" ipcx map "$R" --write --length 5
fails 1 "an offset outside" ipcx map "$R" --read --offset 8193
works "an offset at the end" ipcx map "$R" --read --offset 8K
is "$(wc -c < "$T/out")" 0 "gives nothing"

ipcx create region "$N.dump" --size 4K
printf 'Hello, \001\377 region' > "$T/in"
ipcx map "$N.dump" --write --offset 3 < "$T/in"
is "$(ipcx map "$N.dump")" "\
00000000  00 00 00 48 65 6c 6c 6f  2c 20 01 ff 20 72 65 67  |...Hello, .. reg|
00000010  69 6f 6e 00 00 00 00 00  00 00 00 00 00 00 00 00  |ion.............|
00000020  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|
*
00001000" "a dump"
is "$(ipcx map "$N.dump" --hex --offset 3 --length 5)" "\
00000003  48 65 6c 6c 6f                                    |Hello|
00000008" "a dump of a part"
ipcx create sem "$N.s"
fails 1 "a semaphore is no region" ipcx map "$N.s"
has "$(cat "$T/err")" "it is a semaphore" "it says what it is"
finish
