#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A slice of make check-debug: some tests of the module on a kernel that looks for mistakes; SLICE_KERNELS says on which.
# timeout: 600
. "$(dirname "$0")/../lib/cmd-test.sh"

[ ! -c /dev/ipcx ] || skip_all "the module is loaded here: the machine is not used"
cd "$ROOT" || exit 1
kernels=${SLICE_KERNELS-debug}
[ -n "$kernels" ] || skip_all "SLICE_KERNELS is empty"
for k in $kernels; do
	[ -n "$(tools/vm/kernel release "$k" 2>/dev/null)" ] ||
		skip_all "the $k kernel is not built: tools/vm/debug-kernel $k"
done
for k in $kernels; do
	make -s --no-print-directory module test-modules KERNEL="$k" >"$T/out" 2>&1 &&
		IPCX_NO_BUILD=1 tests/run -s -k "$k" failing-operations queue-races streams wait-any module-life >"$T/out" 2>&1 ||
		sed 's/^/# /' "$T/out"
	is "$(tail -n 1 "$T/out")" "6 passed, 0 failed, 0 skipped" "a slice of the tests on the $k kernel"
done
finish
