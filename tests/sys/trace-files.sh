#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, other programs do not open what ipcx trace writes, or its views say something else than its tables.
# timeout: 120
# programs: trace-cmd perf
. "$(dirname "$0")/../lib/cmd-test.sh"
need_device
[ "$(id -u)" = 0 ] || skip_all "needs root"
[ -x "$ROOT/programs/trace-cmd" ] || skip_all "trace-cmd is not installed on this machine"
Q=$N.q

# Switching events while another processor runs is more than emulation always survives.
cpu1=/sys/devices/system/cpu/cpu1/online
[ -z "${IPCX_VM:-}" ] || [ ! -w $cpu1 ] || echo 0 > $cpu1

works "a queue" ipcx create queue "$Q"
cat > "$T/work" << END
for i in 1 2 3 4 5; do '$IPCX' send '$Q' hello; '$IPCX' recv '$Q'; done
END
works "a file for trace-cmd" \
	ipcx trace --mech ipcx --output "$T/a.dat" --svg "$T/a.svg" sh "$T/work"
has "$(cat "$T/out")" "none lost" "nothing is lost"
has "$(tr -s ' ' < "$T/out")" "ipcx_queue 5 5 25 B 5 5 2.00" "the table has the messages and copies"
is "$("$ROOT/programs/trace-cmd" report "$T/a.dat" 2> "$T/why" | grep -c ipcx_enqueue)" 5 "trace-cmd finds them in the file"
is "$("$ROOT/programs/trace-cmd" report "$T/a.dat" 2> "$T/why" | grep -c 'ipcx_copy_out:.*len=5')" 5 "with their fields"
has "$(cat "$T/a.svg")" "ipcx_queue 4 B receive" "the picture has a bar for their size"
has "$(cat "$T/a.svg")" "ipcx: copy out: 5 copies, 25 B, 50.0%" "and the ways of their bytes"

works "a file for Perfetto" ipcx trace --mech ipcx --output "$T/a.json" --timeline --hist sh "$T/work"
has "$(cat "$T/out")" "5 bytes through ipcx_queue $Q" "the life of a message"
has "$(cat "$T/out")" "receiver entry" "begins with the receiver's call, too"
has "$(cat "$T/out")" "size of a copy in (5)" "a histogram has all copies"
is "$(tr ',' '\n' < "$T/a.json" | grep -c '"ipcx_queue send"')" 5 "the file has each call"
is "$(tr -d '\n' < "$T/a.json" | sed 's/^{"displayTimeUnit":"ns","traceEvents":\[.*\]}$/whole/')" whole "and is whole"
works "a file for perf" ipcx trace --mech ipcx --output "$T/a.data" sh "$T/work"
is "$(head -c 8 "$T/a.data")" PERFILE2 "is one"
if [ -x "$ROOT/programs/perf" ]; then
	is "$("$ROOT/programs/perf" script -i "$T/a.data" 2> "$T/why" | grep -c ipcx:ipcx_enqueue)" 5 "perf finds the messages in it"
fi
while sleep 0.02; do "$IPCX" send "$Q" x; "$IPCX" recv "$Q"; done > /dev/null 2>&1 &
traffic=$!
works "everything on the system, for a while" ipcx trace --mech ipcx --all 1s
kill "$traffic"
has "$(cat "$T/out")" "  $Q " "finds the queue that others use"
works "nothing is left of them" ipcx purge "$Q"
# the last of those commands may still send
ipcx create queue "$Q.quiet"
"$IPCX" recv "$Q.quiet" --timeout "$LIMIT" > /dev/null 2>&1 &
other=$!
works "a process, for a while" ipcx trace --mech ipcx --pid "$other" --time 200ms
kill "$other"
ipcx trace --mech ipcx sh -c 'exit 3' > /dev/null 2>&1
is "$?" 3 "it ends with the command's status"
ipcx trace "$T/none" > /dev/null 2> "$T/err"
is "$?" 127 "a command that is not there"
has "$(cat "$T/err")" "No such file" "it says so"
fails 1 "a process that is not there" ipcx trace --pid 999999
fails 1 "a file that cannot be written" ipcx trace --mech ipcx --output "$T/none/a.dat" true
is "$(grep -c ipcxtrace /sys/kernel/tracing/kprobe_events)" 0 "no probe is left"
[ -z "${IPCX_VM:-}" ] || [ ! -w $cpu1 ] || echo 1 > $cpu1
ipcx rm "$Q"
finish
