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
# In its first second or two it is one that is not yet calibrated.
vm -- sh -c 'c=/sys/devices/system/clocksource/clocksource0/current_clocksource
	for i in $(seq 100); do grep -q early $c || break; sleep 0.1; done; cat $c'
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

# Each is what a kernel says, and no line of it may pass.
says() {	# LINE...
	for line; do
		printf '<4>%s\n' "$line"
	done >"$tmp/says"
	vm -f "$tmp/says:/says" -- sh -c 'while read -r line; do echo "$line" >/dev/kmsg; done </says'
}
for fault in "WARNING: made up by a test" "BUG kmalloc-64 (Tainted: G           O): Poison overwritten" \
	"INFO: trying to register non-static key." "BUG: KCSAN: data-race in ipcx_a [ipcx] / ipcx_b [ipcx]" \
	"BUG: KASAN: slab-use-after-free in ipcx_a [ipcx]"; do
	says "$fault"
	check "a fault in the kernel's log is a failure: ${fault%%:*}" [ $status -eq 125 ]
	check "and is shown" grep -qF "$fault" "$tmp/err"
done
race="BUG: KCSAN: data-race in _copy_from_user / _copy_to_user"
says "$race" "write to 0xffff888001234567 of 8 bytes by task 71 on cpu 1:" " _copy_from_user+0x1/0x2" " ipcx_a+0x1/0x2 [ipcx]"
check "a data race in what the module has called is a failure" [ $status -eq 125 ]
says "$race" "write to 0xffff888001234567 of 8 bytes by task 71 on cpu 1:" " _copy_from_user+0x1/0x2" " vfs_a+0x1/0x2" \
	" ipcx_a+0x1/0x2 [ipcx]"
check "one of the kernel's own is not" [ $status -eq 0 ]

echo "1..$nr"
exit $failed
