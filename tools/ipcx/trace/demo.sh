#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# make trace-demo, its part in the machine: the same payload through each mechanism, traced and then timed.
# usage: demo.sh SIZE TRACE BENCH MECHANISM...
size=$1 trace=$2 bench=$3
shift 3
: > "$trace"
for mechanism; do
	echo "{\"record\": \"run\", \"mechanism\": \"$mechanism\"}" >> "$trace"
	ipcx trace --json -- sh -c "exec ipcx bench --case send_recv --mechanism $mechanism --size $size \
		--seconds 0.05 --rounds 1 > /dev/null" >> "$trace" || exit
done
exec ipcx bench --case send_recv --mechanism "$(echo "$*" | tr ' ' ,)" --size "$size" --seconds 0.1 --rounds 3 --json "$bench"
