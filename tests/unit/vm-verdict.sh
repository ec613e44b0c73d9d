#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# If this fails, the machine's verdicts are worth nothing: a command's output or status is lost,
# or a panic, a hang or a fault in the kernel's log passes for a success.
# timeout: 300

cd "$(dirname "$0")/../.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
nr=0
failed=0

# The kernel is the subject here and not the module, which need not be built.
vm() {
	tools/vm/vm --always --no-module "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
}

check() {	# NAME CONDITION...
	local name=$1
	shift
	nr=$((nr + 1))
	if "$@"; then
		echo "ok $nr - $name"
		return
	fi
	echo "not ok $nr - $name"
	echo "# status $status"
	sed 's/^/# stdout: /' "$tmp/out"
	tail -n 40 "$tmp/err" | sed 's/^/# stderr: /'
	failed=1
}

skip_all() {
	echo "1..0 # SKIP $*"
	exit 77
}

for program in qemu-system-x86_64 busybox cpio; do
	command -v $program >/dev/null || skip_all "$program is not installed"
done
[ -x build/vm-init ] || skip_all "build/vm-init has not been built"

# The first machine ever booted here says what it fetched and found.
vm -- true
check "a command that succeeds" [ $status -eq 0 ]

# A clock that the kernel gives up while it runs takes machines down (see tools/vm/vm).
vm -- sh -c 'cat /sys/devices/system/clocksource/clocksource0/current_clocksource'
check "the clock is the counter of cycles" grep -qx 'tsc\|kvm-clock' "$tmp/out"

printf 'one line\n' >"$tmp/in"
vm -f "$tmp/in:/tmp-in" -i "$tmp/in" -e WORD=given -o /tmp/result:"$tmp/result" -- sh -c \
	'cat; echo "$WORD"; echo to stderr >&2; cat /tmp-in >/tmp/result; echo WARNING: no kernel; exit 7'
check "the status is the command's" [ $status -eq 7 ]
check "so is its output, and nothing else" [ "$(cat "$tmp/out")" = "one line
given
WARNING: no kernel" ]
check "standard error is apart" [ "$(cat "$tmp/err")" = "to stderr" ]
check "a file is copied out" cmp -s "$tmp/in" "$tmp/result"

vm -- no-such-program
check "a command that does not exist is 127" [ $status -eq 127 ]

vm -- sh -c 'echo before; echo c >/proc/sysrq-trigger; sleep 60'
check "a panic is a failure" [ $status -eq 125 ]
check "and shows what the kernel said" grep -q 'sysrq triggered crash' "$tmp/err"
check "after the output so far" grep -qx before "$tmp/out"

vm -t 2 -- sh -c 'trap "" TERM; while :; do sleep 1000; done'
check "a command that does not end is 124" [ $status -eq 124 ]
check "and shows where it waits" grep -q nanosleep "$tmp/err"

vm -- sh -c 'echo "<4>WARNING: made up by a test" >/dev/kmsg'
check "a fault in the kernel's log is a failure" [ $status -eq 125 ]
check "and is shown" grep -q 'WARNING: made up by a test' "$tmp/err"

echo "1..$nr"
exit $failed
