#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 180
# If this fails, the comparison does not measure what the module offers, or leaves objects of it behind.
. "$(dirname "$0")/../lib/cmd-test.sh"

need_device
LIMIT=$((120 * ${IPCX_TEST_SLOW:-1}))
ipcx ls > "$T/before"
works "the objects of ipcx in every case" ipcx bench -t 0.004 -r 1 -s 64,64K,1M \
	-m ipcx_queue,ipcx_queue_rw,ipcx_queue_uring,ipcx_uring_rw,ipcx_call,ipcx_stream,ipcx_region,\
ipcx_sem,ipcx_event,ipcx_notify,ipcx_queue_epoll,ipcx_wait,ipcx_wait_set,ipcx_wait_set_queue,ipcx_queue_fds,pipe \
	--json "$T/rows"
cp "$T/out" "$T/table"
is "$(sed -n '/^FAILED/,$p' "$T/table")" "" "none failed"
is "$(sed -n '/^Not measured/,$p' "$T/table" | grep ipcx)" "" "none was left out"

# row CASE MECHANISM SIZE PLACEMENT
row() {
	grep "\"case\": \"$1\", \"mechanism\": \"$2\", \"size\": $3, .*\"placement\": \"$4\"" "$T/rows" > "$T/row"
	passed $? "$1 $2 $3 $4 has a row" < "$T/table"
}

for size in 64 65536 1048576; do
	for mechanism in ipcx_queue ipcx_queue_rw ipcx_queue_uring ipcx_uring_rw ipcx_region; do
		row send_recv $mechanism $size one_cpu
		row roundtrip $mechanism $size one_cpu
		row stream $mechanism $size one_cpu
	done
done
row batch ipcx_queue 64 one_cpu
row post_wait ipcx_sem 0 one_cpu
row handover ipcx_sem 0 one_cpu
row post_wait ipcx_event 0 one_cpu
row handover ipcx_event 0 one_cpu
row post_wait ipcx_notify 0 one_cpu
row handover ipcx_notify 0 one_cpu
row wait_any ipcx_queue_epoll 0 one_cpu
row wait_any ipcx_wait 0 one_cpu
row wait_any ipcx_wait_set 0 one_cpu
row wait_any ipcx_wait_set_queue 0 one_cpu
row pass_fd ipcx_queue_fds 0 one_cpu
works "in the open loop" ipcx bench --rate 500 -p one_cpu -t 0.02 -r 1 -m ipcx_queue,ipcx_queue_uring,ipcx_stream \
	--json "$T/rows"
row open_loop ipcx_queue_uring 64 one_cpu
row open_loop ipcx_queue 64 one_cpu
row open_loop ipcx_stream 64 one_cpu
works "in sweeps" ipcx bench -c depth,processes,objects -n 0,2,1000 -t 0.004 -r 1 \
	-m ipcx_queue,ipcx_queue_prio,ipcx_queue_type,ipcx_queue_rw --json "$T/rows"
cp "$T/out" "$T/table"
is "$(sed -n '/^FAILED/,$p' "$T/table")" "" "none failed"
for mechanism in ipcx_queue ipcx_queue_prio ipcx_queue_type; do
	row depth $mechanism 64 one_cpu
	is "$(grep -c "\"$mechanism\".*\"n\": 1000," "$T/row")" 1 "among 1000 messages"
done
row processes ipcx_queue 64 one_cpu
row processes ipcx_queue 64 two_cpus
row objects ipcx_queue_rw 64 one_cpu
# A kernel that looks for mistakes surrounds each object with memory of its own, and is slow at it.
if [ "${IPCX_TEST_SLOW:-1}" -eq 1 ]; then
works "the memory of objects and messages" ipcx bench --memory --json "$T/rows"
cat > "$T/sane.awk" <<'END'
function number(name) {
	return match($0, "\"" name "\": -?[0-9.]+") ? substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 4) + 0 : -1
}
/"mechanism": "ipcx_/ && /"object"/ { objects++; if (number("charged") < 64) print "charged:", $0 }
# What is charged is at least what is in it, and covers most of what is gone.
/"mechanism": "ipcx_queue"/ && /"message"/ {
	messages++
	if (number("charged") < number("size") || number("bytes") < number("size") * 0.8 ||
	    number("charged") < number("bytes") * 0.8)
		print "message:", $0
}
END { print objects, messages }
END
is "$(awk -f "$T/sane.awk" "$T/rows")" "5 4" "is charged, and makes sense"
fi
ipcx ls > "$T/after"
same "$T/before" "$T/after" "no object is left"
finish
