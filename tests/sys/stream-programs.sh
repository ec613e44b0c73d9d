#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 240
# programs: python3 tar gzip dd sort
# If this fails, a program that was written for a pipe does not run when its standard input or output is a stream; or
# a shell pipeline through a stream does not carry gigabytes.  The programs are GNU's and Python's subprocess.
. "$(dirname "$0")/../lib/cmd-test.sh"
need_device
LIMIT=$((200 * ${IPCX_TEST_SLOW:-1}))
PROGRAMS=$ROOT/programs
for program in python3 tar gzip dd sort; do
	[ -x "$PROGRAMS/$program" ] || skip_all "$program is not installed on the machine that runs the tests"
done
PATH=$PROGRAMS:$PATH	# for Python; the shell takes programs of its own first

mkdir "$T/tree"
i=0
while [ $i -lt 60 ]; do
	seq $i $((i * 211 + 900)) >"$T/tree/file$i"
	i=$((i + 1))
done

cat >"$T/test.py" <<'END'
import fcntl, os, struct, subprocess, sys

top = sys.argv[1]
failed = 0

def result(ok, what):
    global failed
    print("ok" if ok else "not ok", what, flush=True)
    failed |= not ok

# IPCX_STREAM_CREATE and IPCX_RESTRICT, as <linux/ipcx.h> has them
def iowr(nr, size):
    return 3 << 30 | size << 16 | 0xC9 << 8 | nr

device = os.open("/dev/ipcx", os.O_RDWR | os.O_CLOEXEC)

# As os.pipe(): one end to read from, one to write to.
def stream():
    both = fcntl.ioctl(device, iowr(8, 32), bytearray(struct.pack("=IIQIIQ", 32, 0, 0, 0, 0, 0)))
    ends = [fcntl.ioctl(both, iowr(0x10, 16), bytearray(struct.pack("=IIII", 16, 0, rights, 0))) for rights in (1, 2)]
    os.close(both)
    return ends

def run(*argv, stdin=None, stdout=None, **more):
    return subprocess.Popen(argv, stdin=stdin, stdout=stdout, **more)

def ended(*processes):
    return all(p.wait(100) == 0 for p in processes)

# communicate() itself, with a stream in place of each of its pipes
r, w = stream()
back_r, back_w = stream()
sort = run("sort", "-n", stdin=r, stdout=back_w)
os.close(r)
os.close(back_w)
with os.fdopen(w, "wb") as f:
    f.write(b"".join(b"%d\n" % ((i * 7919) % 100003) for i in range(100003)))
with os.fdopen(back_r, "rb") as f:
    lines = f.read()
result(ended(sort) and lines == b"".join(b"%d\n" % i for i in range(100003)), "Python gives sort its standard input and output")

# a pipeline of three programs with a stream between each two
r1, w1 = stream()
r2, w2 = stream()
r3, w3 = stream()
os.mkdir(top + "/copy")
pipeline = [
    run("tar", "cf", "-", "tree", cwd=top, stdout=w1),
    run("gzip", "-c", stdin=r1, stdout=w2),
    run("gzip", "-dc", stdin=r2, stdout=w3),
    run("tar", "xf", "-", "-C", top + "/copy", stdin=r3),
]
for fd in (r1, w1, r2, w2, r3, w3):
    os.close(fd)
result(ended(*pipeline), "tar, gzip, gzip -d and tar with streams between them")
same = all(open(f"{top}/tree/{name}", "rb").read() == open(f"{top}/copy/tree/{name}", "rb").read()
           for name in os.listdir(top + "/tree"))
result(same and len(os.listdir(top + "/copy/tree")) == 60, "and the tree is the same")

# dd with a block size that meets no boundary, both sides; it counts what it moved
r, w = stream()
write = run("dd", "if=/dev/zero", "bs=99991", "count=1000", "status=none", stdout=w)
os.close(w)
read = run("dd", "bs=8191", "of=/dev/null", stdin=r, stderr=subprocess.PIPE)
os.close(r)
told = read.communicate()[1]
result(ended(write, read) and b"99991000 bytes" in told, "dd writes into one and reads from it")

# the reader goes: the writer dies by SIGPIPE, as with a pipe
r, w = stream()
yes = run("yes", stdout=w, restore_signals=True)
os.close(w)
os.read(r, 10)
os.close(r)
result(yes.wait(100) == -13, "yes dies by SIGPIPE")

# check_output() with input: the child inherits nothing else
r, w = stream()
child = run(sys.executable, "-I", "-S", "-c", "import sys; sys.stdout.write(str(len(sys.stdin.buffer.read())))",
            stdin=r, stdout=subprocess.PIPE)
os.close(r)
sent = 0
while sent < 3000000:
    sent += os.write(w, bytes(50000))
os.close(w)
result(child.communicate()[0] == b"3000000" and ended(child), "another Python reads it to its end")
sys.exit(failed)
END
timeout 150 "$PROGRAMS/python3" -I -S "$T/test.py" "$T" >"$T/out" 2>"$T/err"
status=$?
while read -r line; do
	[ "${line%% *}" = ok ]
	passed $? "${line#* }" <"$T/err"
done <<END
$(sed 's/^not ok/not_ok/' "$T/out")
END
is "$status $(wc -l <"$T/out")" "0 6" "all of them"

# Gigabytes, and how many there were.
S=$N.s
ipcx create stream "$S" --capacity 1M
start=$(cut -d' ' -f1 /proc/uptime)
"$PROGRAMS/dd" if=/dev/zero bs=1M count=2048 status=none | ipcx send "$S" &
is "$(ipcx recv "$S" | "$PROGRAMS/dd" of=/dev/null bs=1M 2>&1 | sed -n 's/ bytes.*//p')" 2147483648 "2 GiB through send and recv in a pipeline"
wait $!
is $? 0 "and the sender is content"
echo "# from $start to $(cut -d' ' -f1 /proc/uptime) s"
finish
