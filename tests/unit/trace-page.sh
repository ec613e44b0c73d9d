#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, the page of make trace-demo says something else than what was traced, timed and counted.
. "$(dirname "$0")/../lib/cmd-test.sh"
command -v python3 > /dev/null || skip_all "there is no python3"
page=$(dirname "$0")/../../tools/ipcx/trace/page

cat > "$T/trace" << END
{"record": "run", "mechanism": "pipe"}
{"record": "session", "ns": 5, "events": 9, "lost": 0, "event_cost_ns": 500, "status": 0}
{"record": "mechanism", "mechanism": "pipe", "calls": 20, "sent": 10, "received": 11, "sent_bytes": 40960, "received_bytes": 40960, "copies_in": 20, "copies_in_bytes": 40960, "copies_out": 30, "copies_out_bytes": 40960, "allocs": 5}
{"record": "time", "mechanism": "pipe", "direction": "send", "stage": "copy", "count": 10, "p50_ns": 2000, "sum_ns": 99999}
{"record": "run", "mechanism": "ipcx_loan"}
{"record": "session", "ns": 5, "events": 9, "lost": 0, "event_cost_ns": 400, "status": 0}
END
echo '[{"case": "send_recv", "mechanism": "pipe", "ns_p50": 7100}]' > "$T/bench"
echo '[{"case": "send_recv", "mechanism": "pipe", "instructions": 3372}]' > "$T/count"
works "page" "$page" 4096 "$T/trace" "$T/bench" "$T/count" "$T/out.d"
has "$(tr -s ' ' < "$T/out")" "pipe 2 3 8192 0.5 3372 7.1" "a line has what was counted, for each message"
has "$(tr -s ' ' < "$T/out")" "ipcx_loan 0 0 0 0 - -" "what was not seen is nothing, what was not counted is no number"
has "$(cat "$T/out.d/index.html")" "<td>8192</td>" "so has the page"
has "$(cat "$T/out.d/index.html")" "exactly" "nothing was lost"
has "$(cat "$T/out.d/stages.svg")" "copy: 2.00 us" "the picture has the median of the stage"
works "it is XML" python3 -c "import xml.dom.minidom as m; m.parse('$T/out.d/stages.svg')"
sed 's/"lost": 0/"lost": 3/' "$T/trace" > "$T/lossy"
works "page of a trace with losses" "$page" 4096 "$T/lossy" "$T/bench" "$T/count" "$T/out.d"
has "$(cat "$T/out.d/index.html")" "6 events were lost" "it says so"
fails 1 "page without arguments" "$page"
finish
