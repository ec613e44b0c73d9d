#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, what runs tests, models, mutants or fuzzers does not explain itself, or takes a wrong command line for a
# right one.
. "$(dirname "$0")/../lib/cmd-test.sh"

# usage RUNNER WORDS...: a command line that is wrong in exactly one thing, which the message names.
usage() {
	runner=$1
	shift
	fails 2 "tests/$runner $*" timeout "$LIMIT" "$ROOT/tests/$runner" "$@"
	has "$(cat "$T/err")" "$1" "the message names it"
}

for runner in run model/run fuzz/run mutants/run; do
	works "tests/$runner --help" timeout "$LIMIT" "$ROOT/tests/$runner" --help
	has "$(cat "$T/out")" "run [-" "it tells how it is called"
	is "$(grep -c '^set -u\|^#' "$T/out")" 0 "and shows nothing of the script"
	fails 2 "tests/$runner with an unknown option" timeout "$LIMIT" "$ROOT/tests/$runner" --no-such-option
done
works "tests/perf/count --help" timeout "$LIMIT" "$ROOT/tests/perf/count" --help
usage perf/count no-such-thing
usage run --no-such-option
usage model/run --no-such-option
usage fuzz/run --no-such-option
usage model/run no-such-model
usage fuzz/run -t
usage fuzz/run -j
usage fuzz/run -s
usage fuzz/run -k
usage fuzz/run -t soon
usage fuzz/run -t 0
usage fuzz/run -j 0
usage fuzz/run -s -1
finish
