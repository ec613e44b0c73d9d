#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A slice of make fuzz-parsers: no input that is kept in tests/fuzz/corpus, and nothing like it, crashes or misleads what
# parses or trusts foreign bytes in user space.
# timeout: 120

cd "$(dirname "$0")/../.." || exit 1
lacks=$(tests/fuzz/run --can-build) || { echo "1..0 # SKIP $lacks: make check installs it"; exit 77; }
seed=${IPCX_TEST_SEED:-1}
echo "# seed: IPCX_TEST_SEED=$seed"
nr=0 failed=0
for source in tests/fuzz/*.c; do
	name=${source##*/}
	names+=("${name%.c}")
done
output=$(tests/fuzz/run -t 3 -j 4 -s "$seed" -k '' "${names[@]}" 2>&1)
status=$?
for name in "${names[@]}"; do
	nr=$((nr + 1))
	if grep -q "^$name  *nothing found: [1-9]" <<<"$output"; then
		echo "ok $nr - $name: $(sed -n "s/^$name  *nothing found: //p" <<<"$output")"
	else
		echo "not ok $nr - $name"
		failed=1
	fi
done
[ $failed -eq 0 ] && [ $status -eq 0 ] || { sed 's/^/# /' <<<"$output"; failed=1; }
echo "1..$nr"
exit $failed
