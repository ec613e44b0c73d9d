#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 240
# If this fails, the comparison lacks a mechanism, or its JSON is not what design.md promises.
. "$(dirname "$0")/../lib/cmd-test.sh"

LIMIT=120
[ -x "$IPCX" ] || skip_all "there is no ipcx"
command -v python3 > /dev/null || skip_all "python3 is not installed"

works "the whole comparison, briefly" ipcx bench -t 0.002 -r 1 -s 64,1M --json "$T/rows"
cp "$T/out" "$T/table"
works "its JSON is JSON" python3 -m json.tool "$T/rows"
awk 'length > 100' "$T/table" | grep -v ': ' > "$T/wide"
is "$(cat "$T/wide")" "" "its tables fit in 100 columns"

cat > "$T/check.py" <<'END'
import json, sys
rows = json.load(open(sys.argv[1]))
table = open(sys.argv[2]).read()
missing = table.partition("Not measured:")[2]
messages = """pipe fifo posix_mq sysv_msg unix_stream unix_dgram unix_seqpacket tcp posix_shm sysv_shm
	      memfd process_vm io_uring""".split()
tokens = "sem_t futex pthread_cond eventfd sysv_sem signal signalfd".split()
two = ["one_cpu"] + (["two_cpus"] if "one processor only" not in table else [])
seen = set()
bad = []
for row in rows:
    key = tuple(row[k] for k in ("case", "mechanism", "size", "n", "placement"))
    if key in seen:
        bad.append(("twice", key))
    seen.add(key)
    if any(isinstance(v, (dict, list)) for v in row.values()):
        bad.append(("not flat", key))
    if not 0 < row["ns_p50"] <= row["ns_p99"] <= row["ns_p999"] <= row["ns_max"]:
        bad.append(("percentiles", key))
    if row["machine"] not in ("host", "vm") or not row["kernel"]:
        bad.append(("machine", key))
    if not row["cpu"] or not row["governor"] or not row["mitigations"] or row["cpus"] < 1 or "load" not in row \
       or row["date"][4] != "-" or len({r["date"] for r in rows}) != 1:
        bad.append(("environment", key))
    if (row["case"] == "floor") == ("times_floor" in row) or row.get("times_floor", 1) <= 0:
        bad.append(("floor", key))
    if not 0 < row["round_min"] <= row["round_max"] or row["unstable"] != (row["round_max"] > 1.25 * row["round_min"]):
        bad.append(("rounds", key))
    if (row["mb_per_s"] > 0) != (row["size"] > 0):
        bad.append(("throughput", key))
    if row["switches"] < 0 or row["cpu_ns"] < 0:
        bad.append(("usage", key))
    if row["case"] in ("roundtrip", "handover") and row["placement"] == "one_cpu" and row["switches"] < 0.4:
        bad.append(("a round trip without switches", key))
have = {(k[0], k[1], k[2], k[4]) for k in seen}
want = [("send_recv", m, s, "one_cpu") for m in messages for s in (64, 1 << 20)]
want += [(c, m, s, p) for c in ("roundtrip", "stream") for m in messages for s in (64, 1 << 20) for p in two]
want += [("post_wait", m, 0, "one_cpu") for m in tokens]
want += [("handover", m, 0, p) for m in tokens for p in two]
want += [("batch", m, 64, "one_cpu") for m in
	 "pipe unix_stream unix_dgram unix_seqpacket tcp process_vm io_uring".split()]
want += [("broadcast", m, s, "one_cpu") for m in "pipe tee unix_dgram unix_seqpacket".split() for s in (64, 1 << 20)]
want += [("wait_any", m, 0, "one_cpu") for m in
	 "poll poll_eventfd select epoll epoll_edge epoll_eventfd futex_waitv futex".split()]
want += [("pass_fd", m, 0, "one_cpu") for m in "unix_stream unix_dgram unix_seqpacket pidfd_getfd".split()]
nr = {"broadcast": 16, "wait_any": 64, "batch": 32}
bad += [("n", k) for k in seen if k[3] != nr.get(k[0], k[3])]
for key in want:
    if key not in have and (key[1] + ":" not in missing and key[1] + "," not in missing):
        bad.append(("no row and no reason", key))
for problem in bad:
    print(*problem)
END
is "$(python3 "$T/check.py" "$T/rows" "$T/table" 2>&1)" "" "every mechanism has its rows, and they make sense"
is "$(grep -c FAILED "$T/table")" 0 "no mechanism failed"

works "the open loop" ipcx bench --rate 2000 -t 0.02 -r 2 --json "$T/open"
cat > "$T/open.py" <<'END'
import json, sys
rows = json.load(open(sys.argv[1]))
have = {r["mechanism"] for r in rows if r["placement"] == "one_cpu"}
for name in """timer pipe fifo posix_mq sysv_msg unix_stream unix_dgram unix_seqpacket posix_shm sysv_shm memfd""".split():
    if name not in have:
        print("no row:", name)
for r in rows:
    if r["case"] != "open_loop" or r["rate"] != 2000 or not 0 < r["achieved_rate"] < 2300 or r["samples"] < 5:
        print("rate:", r)
    # Nothing arrives before it is to be sent.
    if not 0 <= r["ns_p50"] <= r["ns_max"]:
        print("latency:", r)
END
is "$(python3 "$T/open.py" "$T/open")" "" "messages arrive at the rate, none before its time"
# What is asked of a pipe here is beyond any: the wait for one's turn must be on the record.
works "an open loop that cannot keep up" ipcx bench --rate 10000000 -m pipe -p one_cpu -t 0.05 -r 1 --json "$T/open"
has "$(cat "$T/out")" "did not keep up" "the table says so"
is "$(sed -n 's/.*"ns_p50": \([0-9]*\).*/\1/p' "$T/open" | awk '{ print ($1 > 1000000) }')" 1 \
	"half of the messages are late by more than a millisecond"

works "the sweeps" ipcx bench -c depth,processes,objects -n 0,1,3,4,600 -t 0.004 -r 1 --json "$T/sweep" --svg "$T/plots"
is "$(grep -c FAILED "$T/out")" 0 "no mechanism failed"
cat > "$T/sweep.py" <<'END'
import json, sys
have = {(r["case"], r["mechanism"], r["n"]) for r in json.load(open(sys.argv[1])) if r["placement"] == "one_cpu"}
want = {("depth", m, n) for m in "pipe unix_seqpacket posix_mq posix_mq_prio sysv_msg sysv_msg_type".split()
	for n in (0, 1, 3, 4, 600)}
want |= {("processes", m, n) for m in "pipe unix_dgram unix_seqpacket posix_mq sysv_msg".split() for n in (1, 4)}
want |= {("objects", m, n) for m in "pipe unix_seqpacket".split() for n in (1, 3, 4, 600)}
out = open(sys.argv[2]).read().partition("Not measured")[2]
for key in sorted(want - have):
    # Its limits may be too low for many messages or queues here.
    if key[1] not in out:
        print("no row", key)
for key in sorted(have - want):
    if key[0] != "floor" and not key[1].startswith("ipcx_") and key[1] != "posix_mq":
        print("why", key)
END
is "$(python3 "$T/sweep.py" "$T/sweep" "$T/out")" "" "every mechanism has its rows, one for each step that makes sense"
awk 'length > 100' "$T/out" | grep -v ': ' > "$T/wide"
is "$(cat "$T/wide")" "" "its tables fit in 100 columns"
if command -v gnuplot > /dev/null; then
	for plot in depth-one_cpu processes-one_cpu objects-one_cpu; do
		works "$plot.svg is well-formed" python3 -c \
			"import sys, xml.dom.minidom as m; m.parse(sys.argv[1])" "$T/plots/$plot.svg"
	done
fi

# Libraries that are compared with if they were installed: a row, or a word on the package.
works "message libraries" ipcx bench -t 0.002 -r 1 -s 64 -c send_recv -m zeromq,nng,ck_ring,pipe
for peer in "zeromq libzmq3-dev" "nng libnng-dev" "ck_ring libck-dev"; do
	set -- $peer
	grep -q -e "^  $1 .* ns\|^  $1 .* us" -e ": $2 was not installed" "$T/out"
	passed $? "$1 has a row or a reason" < "$T/out"
done

works "Markdown" ipcx bench -t 0.002 -r 1 -s 64,4K -c send_recv,post_wait --markdown "$T/md"
has "$(head -n 1 "$T/md")" "$(uname -r)" "it names the kernel first"
has "$(cat "$T/md")" '| `pipe` | ' "a mechanism has a line"
has "$(cat "$T/md")" '| *floor:* `syscall_copy` | ' "and so has the floor"
is "$(grep '^|' "$T/md" | awk -F'|' 'NF != 4 && NF != 5' | head -n 1)" "" "tables have one or two columns of figures"
works "memory" ipcx bench --memory --json "$T/memory"
works "is JSON as well" python3 -m json.tool "$T/memory"
has "$(cat "$T/memory")" '"case": "message", "mechanism": "unix_seqpacket", "size": 64,' "a message has a row"
has "$(cat "$T/memory")" '"case": "object", "mechanism": "pipe", "size": 0,' "an object has a row"

works "only one mechanism, without its floor" ipcx bench -t 0.002 -r 1 -s 64 -c send_recv -m pipe --json "$T/one"
is "$(grep -c '"case"' "$T/one")" 1 "nothing else is measured"
works "with its floor" ipcx bench -t 0.002 -r 2 -s 64 -c send_recv -m pipe,syscall_copy --brief --floor --json "$T/one"
is "$(grep -c '"case"' "$T/one")" 2 "both are measured"
has "$(cat "$T/out")" "send_recv, one process: syscall_copy" "the table says what its ratios relate to"
is "$(sed -n 's/.*"send_recv".*"times_floor": \([0-9]*\).*/\1/p' "$T/one" | grep -c '^[1-9]')" 1 "a pipe is above its floor"

works "JSON instead of the table" ipcx bench -t 0.002 -r 1 -c floor -m syscall --json -
cp "$T/out" "$T/rows"
works "and nothing else" python3 -m json.tool "$T/rows"
fails 1 "JSON that cannot be written" sh -c '"$1" bench -t 0.002 -c floor -m syscall --json "$2" > /dev/null' - \
	"$IPCX" "$T/no/such/directory"

if command -v gnuplot > /dev/null; then
	works "plots" ipcx bench -t 0.002 -r 1 -s 64,4K -c send_recv,roundtrip,stream,batch,post_wait,handover,broadcast,wait_any,pass_fd \
		--svg "$T/plots"
	is "$(cat "$T/err")" "" "gnuplot has nothing to complain about"
	for plot in send_recv-one_cpu roundtrip-one_cpu stream-one_cpu batch-one_cpu post_wait-one_cpu \
		    handover-one_cpu broadcast-one_cpu wait_any-one_cpu pass_fd-one_cpu; do
		works "$plot.svg is well-formed" python3 -c \
			"import sys, xml.dom.minidom as m; m.parse(sys.argv[1])" "$T/plots/$plot.svg"
	done
fi
finish
