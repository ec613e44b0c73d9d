#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A slice of make coverage: the lines that one test reaches.  If this fails, coverage is not what it says.
# timeout: 200
. "$(dirname "$0")/../lib/cmd-test.sh"

[ ! -c /dev/ipcx ] || skip_all "the module is loaded here: the machine is not used"
cd "$ROOT" || exit 1
ko=build/kmod-$(tools/vm/kernel release 6.1)/ipcx.ko
make -s --no-print-directory build/profile-plugin.so >"$T/out" 2>&1 && mkdir "$T/counts" &&
	IPCX_NO_BUILD=1 tests/run -s -k 6.1 -c "$T/counts" semaphores >"$T/out" 2>&1
passed $? "a test runs while it is counted" <"$T/out"
tests/coverage/report tests/coverage/unreached.txt "$(echo "$T"/counts/6.1.??????)" "$ko" >"$T/report" 2>&1
# it fails, for one test is not enough
is "$?" 1 "the report is made"

# FILE: percent of its lines
share() {
	awk -v f="$1" '$1 == f && NF == 3 { printf "%d\n", $3 }' "$T/report"
}

between() {
	[ "$(share "$1")" -ge "$2" ] && [ "$(share "$1")" -le "$3" ]
	passed $? "of $1, $(share "$1") % is reached: $2 to $3" <"$T/report"
}
between sem.c 50 100
between object.c 30 90
between call.c 0 5
between wait-set.c 0 5
finish
