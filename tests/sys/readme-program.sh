#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, the program of README.md does not do what the README says.
. "$(dirname "$0")/../lib/cmd-test.sh"
need_device
hello=$ROOT/build/hello
[ -x "$hello" ] || skip_all "tests/unit/readme-program.sh has not compiled it"

works "it runs" timeout "$LIMIT" "$hello"
is "$(cat "$T/out")" "received: hello" "it receives what it sent"
finish
