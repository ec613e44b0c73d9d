#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
# If this fails, a stream is no pipe for the shell: bytes are lost, reordered or invented between programs that know
# nothing of it.
. "$(dirname "$0")/../lib/cmd-test.sh"
need_device
S=$N.s
LIMIT=$((100 * ${IPCX_TEST_SLOW:-1}))

works "create a stream" ipcx create stream "$S"
is "$(field "$S" kind) $(field "$S" capacity)" "stream 65536" "its kind and capacity"
has "$(ipcx ls -l | grep "$S")" "0 B of 64 KiB" "ls -l tells what is in it"
echo "hello, stream" | ipcx send "$S"
is "$(field "$S" bytes) $(field "$S" nr_writers)" "14 0" "bytes stay in it"
is "$(ipcx recv "$S")" "hello, stream" "recv prints them, to the end"
works "looking at it" ipcx stat "$S"
has "$(cat "$T/out")" "14 bytes written" "stat counts them"

# Looking is neither reading nor writing: a reader that waits for its first writer goes on waiting.
ipcx recv "$S" >"$T/late" &
soon field_is "$S" waiting_readers 1
ipcx stat "$S" >/dev/null
ipcx ls -l >/dev/null
echo late | ipcx send "$S"
wait $!
is "$(cat "$T/late")" "late" "a reader waits for its first writer, whoever looks meanwhile"

# Programs that know only pipes.
mkdir "$T/tree"
i=0
while [ $i -lt 40 ]; do
	seq $i $((i * 97 + 500)) >"$T/tree/file$i"
	i=$((i + 1))
done
(cd "$T" && tar cf - tree) | gzip -c | ipcx send "$S" &
mkdir "$T/copy"
ipcx recv "$S" | gunzip -c | tar xf - -C "$T/copy"
wait
diff -r "$T/tree" "$T/copy/tree" >"$T/diff" 2>&1
is "$?$(cat "$T/diff")" 0 "tar and gzip at both ends: the tree is the same"

# Many megabytes, with a checksum at both ends; dd reads and writes in sizes that meet no boundary.
dd if=/dev/urandom of="$T/random" bs=64k count=64 2>/dev/null
want=$(i=0; while [ $i -lt 24 ]; do cat "$T/random"; i=$((i + 1)); done | md5sum)
(i=0; while [ $i -lt 24 ]; do cat "$T/random"; i=$((i + 1)); done) | dd bs=100000 2>/dev/null | ipcx send "$S" &
got=$(ipcx recv "$S" | dd bs=7777 2>/dev/null | md5sum)
wait
is "$got" "$want" "96 MiB through two dd's have the same sum"
dd if="$T/random" bs=1M 2>/dev/null | ipcx send "$S" &
ipcx recv "$S" | cmp - "$T/random"
is $? 0 "cmp at the end of a pipeline"
wait
ipcx send "$S" <"$T/random" &
ipcx recv "$S" >"$T/file"
is "$(cmp "$T/file" "$T/random" && echo same)" same "from a file to a file"
wait

# The end of the reader reaches the writer.
seq 1 1000000 2>/dev/null | ipcx send "$S" 2>"$T/err" &
is "$(ipcx recv "$S" | head -n 1000 | tail -n 1)" 1000 "head takes its lines and goes"
wait $!
is "$([ $? -ne 0 ] && echo told)" told "and the writer is told, by SIGPIPE or EPIPE"

fails 2 "a message has no place in a stream" ipcx send "$S" word
has "$(cat "$T/err")" "is a stream" "it says so"
fails 2 "nor options of messages" ipcx recv "$S" --json
ipcx create stream "$N.u"
works "shutdown" ipcx shutdown "$N.u"
is "$(ipcx recv "$N.u")" "" "the end, without waiting"
fails 2 "a queue has no capacity" ipcx create queue "$N.q" --capacity 4K
works "a capacity" ipcx create stream "$N.t" --capacity 100K
is "$(field "$N.t" capacity)" 131072 "rounded up to a power of 2"
finish
