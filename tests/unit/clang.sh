#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A slice of make check-kernels: clang compiles the module as well as gcc does, without a warning.
# timeout: 240
. "$(dirname "$0")/../lib/cmd-test.sh"

command -v clang >/dev/null || skip_all "no clang here: make check installs it"
cd "$ROOT" || exit 1
make -s --no-print-directory clang-module >"$T/out" 2>&1
is "$? $(grep -v "module by clang: done" "$T/out")" "0 " "the module compiles, and nothing is said"
finish
