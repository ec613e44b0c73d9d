#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# If this fails, a profile of the instructions does not add up: functions are missing, or named wrongly.
# timeout: 180

cd "$(dirname "$0")/../.." || exit 1
for program in qemu-system-x86_64 busybox cpio; do
	command -v $program >/dev/null || { echo "1..0 # SKIP $program is not installed"; exit 77; }
done
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
nr=0 failed=0

check() {	# NAME CONDITION...
	local name=$1
	shift
	nr=$((nr + 1))
	if "$@"; then
		echo "ok $nr - $name"
	else
		echo "not ok $nr - $name"
		failed=1
	fi
}

tools/vm/profile -n 1000 -o "$tmp/raw" -c send_recv -m ipcx_queue_rw -s 64 >"$tmp/out" 2>&1
check "it ends well" [ $? -eq 0 ]
sed -n '/of one operation/,$p' "$tmp/out" >"$tmp/table"

# PATTERN: instructions of one operation in the functions that match
of() {
	awk -v p="$1" 'NR > 1 && $0 ~ p { n += $1 } END { printf "%d\n", n }' "$tmp/table"
}

total=$(awk 'NR == 1 { printf "%d\n", $1 }' "$tmp/table")
check "the functions add up to the count" \
	awk -v t="$total" 'NR > 1 { n += $1 } END { exit !(n > 0.97 * t && n < 1.03 * t) }' "$tmp/table"
check "the module's functions are named" [ "$(of '\[ipcx\]')" -gt 100 ]
check "and the kernel's" [ "$(of ' vfs_(read|write)$')" -gt 50 ]
check "and the command's" [ "$(of '\[command\]')" -gt 10 ]
check "the module is not the whole" [ "$(of '\[ipcx\]')" -lt $((total / 2)) ]
check "there are raw figures" grep -q '^ffffffff[0-9a-f]* [^ ]* [0-9]*$' "$tmp/raw"
[ $failed -eq 0 ] || sed 's/^/# /' "$tmp/out"
echo "1..$nr"
exit $failed
