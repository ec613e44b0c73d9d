#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A slice of make check-mutants: all mutants apply to the sources, and some are caught.
# timeout: 300
. "$(dirname "$0")/../lib/cmd-test.sh"

[ ! -c /dev/ipcx ] || skip_all "the module is loaded here: no other one can be tried"
"$ROOT/tests/mutants/run" sem-free-units object-more-rights no-memory-charged name-control-characters >"$T/out" 2>&1 ||
	sed 's/^/# /' "$T/out"
is "$(tail -n 1 "$T/out")" "4 passed, 0 failed, 0 skipped" "wrong versions of the module are caught"
finish
