#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A slice of make check-debug: some tests of the module on a kernel that looks for mistakes; SLICE_KERNELS says on which.
# timeout: 400
. "$(dirname "$0")/../lib/cmd-test.sh"

[ ! -c /dev/ipcx ] || skip_all "the module is loaded here: the machine is not used"
trap 'tail -n 50 "$T/out" | sed "s/^/# /"; exit 1' TERM
cd "$ROOT" || exit 1
kernels=${SLICE_KERNELS-debug} missing=
for k in $kernels; do
	if [ -z "$(tools/vm/kernel release "$k" 2>/dev/null)" ]; then
		missing+=" $k"
		continue
	fi
	make -s --no-print-directory module KERNEL="$k" >"$T/out" 2>&1 &&
		IPCX_NO_BUILD=1 tests/run -s -k "$k" failing-operations queue-races queue-messages semaphores >"$T/out" 2>&1 ||
		sed 's/^/# /' "$T/out"
	is "$(tail -n 1 "$T/out")" "5 passed, 0 failed, 0 skipped" "a slice of the tests on the $k kernel"
done
[ $nr -gt 0 ] || skip_all "no kernel that looks for mistakes is built:${missing:- SLICE_KERNELS is empty} (tools/vm/debug-kernel makes them)"
finish
