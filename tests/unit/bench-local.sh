#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, the figures of what stays in user space are not measured, or not told.
# timeout: 120
. "$(dirname "$0")/../lib/cmd-test.sh"
[ -x "$IPCX" ] || skip_all "there is no ipcx"
[ "$(nproc)" -ge 2 ] || skip_all "it takes two processors"

works "one round as JSON" ipcx bench --local --rounds 1 --json "$T/json"
for mechanism in two_cache_lines syscall pipe ipcx_ring ipcx_ring_many bare_ring sem_t ipcx_sem_mapped ipcx_loan; do
	grep -q "\"mechanism\": \"$mechanism\".*\"ns_p50\": [0-9]" "$T/json"
	passed $? "$mechanism was measured" < /dev/null
done
if command -v python3 > /dev/null; then
	works "it is JSON" python3 -m json.tool "$T/json"
fi
finish
