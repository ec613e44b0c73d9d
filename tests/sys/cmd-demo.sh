#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 150
# If this fails, the first thing that a newcomer runs is broken, or leaves objects behind.
. "$(dirname "$0")/../lib/cmd-test.sh"
need_device
LIMIT=$((100 * ${IPCX_TEST_SLOW:-1}))

works "the demo, without the comparison" ipcx demo --no-bench
has "$(cat "$T/out")" "checks passed" "it has checked its results"
is "$(grep -c WRONG "$T/out")" 0 "all of them are right"
is "$(awk 'length > 100' "$T/out")" "" "it is legible in 100 columns"
is "$(grep -c "$(printf '\033')" "$T/out")" 0 "it uses colour on a terminal only"
is "$(ipcx ls | grep '^demo')" "" "it leaves no name behind"

"$IPCX" demo --no-bench > /dev/null &
soon sh -c "'$IPCX' ls | grep -q '^demo'"
kill -KILL $!
wait $!
soon sh -c "! '$IPCX' ls | grep -q '^demo'"
passed $? "nor does one that is killed" < /dev/null
finish
