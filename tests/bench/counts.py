"""What a request costs in things that can be counted: system calls, syncs, allocations. Each in a run of its own, since
counting makes everything slow."""
import pathlib
import signal
import struct
import subprocess
import tempfile
import time

import measure

ATTACH_PATIENCE_S = 60
SYNCS = ("fsync", "fdatasync")


def is_traced(pid):
    """Every thread of it."""
    for task in pathlib.Path("/proc/%d/task" % pid).iterdir():
        try:
            text = (task / "status").read_text()
        except FileNotFoundError:
            continue  # ended meanwhile
        if "\nTracerPid:\t0\n" in text:
            return False
    return True


def system_calls(pid, work):
    """name → calls while work() runs, and what it returned."""
    with tempfile.NamedTemporaryFile("r") as table:
        tracer = subprocess.Popen(["strace", "-f", "-c", "-U", "calls,name", "-o", table.name, "-p", str(pid)],
                                  stderr=subprocess.DEVNULL)
        try:
            end = time.monotonic() + ATTACH_PATIENCE_S
            while not is_traced(pid):
                if time.monotonic() > end or tracer.poll() is not None:
                    raise SystemExit("bench: strace cannot attach to the shop")
                time.sleep(0.01)
            result = work()
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
        calls = {}
        for line in table.read().splitlines():
            words = line.split()
            if len(words) == 2 and words[0].isdigit() and words[1] != "total":
                calls[words[1]] = int(words[0])
        return calls, result


class AllocationCount:
    """A file that count_allocations.so counts into; variables start a shop with it."""

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile()
        self.file.write(bytes(8))
        self.file.flush()
        self.variables = {"LD_PRELOAD": str(measure.BUILD / "count_allocations.so"),
                          "ALLOCATION_COUNTS": self.file.name}

    def read(self):
        return struct.unpack("<Q", pathlib.Path(self.file.name).read_bytes()[:8])[0]
