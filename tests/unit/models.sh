#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A slice of make check-model: each model has no error, and its first mutant has some.
# timeout: 240
. "$(dirname "$0")/../lib/cmd-test.sh"

command -v spin >/dev/null || skip_all "spin is not installed"
"$ROOT/tests/model/run" -q >"$T/out" 2>&1 || sed 's/^/# /' "$T/out"
has "$(tail -n 1 "$T/out")" " passed, 0 failed, 0 skipped" "the models hold"
finish
