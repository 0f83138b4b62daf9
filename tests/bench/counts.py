"""What a request costs in things that can be counted: system calls, syncs, allocations. Each in a run of its own, since
counting makes everything slow; one request after the other, since what comes together shares syncs and wake-ups: so
they are the same each time, but for the little that the shop does by the clock meanwhile."""
import pathlib
import signal
import struct
import subprocess
import tempfile
import time

import measure

ATTACH_PATIENCE_S = 60
PATIENCE_S = 240
SYNCS = ("fsync", "fdatasync")
WAITS = ("futex", "sched_yield", "clock_nanosleep", "restart_syscall")  # as many as the scheduler likes
LIST = "/api/catalog/v1/products?limit=12"
WARM_READS, WARM_ORDERS = 50, 10  # what comes once comes with the first
# A request or an order may take as much; behind each, what it took when that was set.
READ_CALLS_MAX = 3.5  # 3.0: epoll_wait, read, writev
READ_ALLOCATIONS_MAX = 0.5  # 0.0, and what goes on by the clock
ORDER_CALLS_MAX = 420  # 384 to 398
ORDER_SYNCS_MAX = 24.8  # 22.9 to 24.0: of a mail and its folder, and 21 of databases, more where work takes more rounds
ORDER_ALLOCATIONS_MAX = 1650  # 1,430 to 1,530


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
    """name → calls while work() runs."""
    with tempfile.NamedTemporaryFile("r") as table:
        tracer = subprocess.Popen(["strace", "-f", "-c", "-U", "calls,name", "-o", table.name, "-p", str(pid)],
                                  stderr=subprocess.DEVNULL)
        try:
            end = time.monotonic() + ATTACH_PATIENCE_S
            while not is_traced(pid):
                if time.monotonic() > end or tracer.poll() is not None:
                    raise SystemExit("bench: strace cannot attach to the shop")
                time.sleep(0.01)
            work()
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
        calls = {}
        for line in table.read().splitlines():
            words = line.split()
            if len(words) == 2 and words[0].isdigit() and words[1] != "total":
                calls[words[1]] = int(words[0])
        return calls


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


class Works:
    """What is asked of a shop, so many times."""

    def __init__(self, shop, requests, orders):
        self.shop, self.requests, self.orders = shop, requests, orders
        sku = measure.any_sku(shop)
        measure.set_stock(shop, sku, 10000000)
        self.order = measure.order_of(sku)
        product = "/api/catalog/v1/products/" + shop.get(LIST)["products"][0]["slug"]
        self.paths = {"product list": LIST, "product detail": product}
        for path in self.paths.values():
            self.read(path, WARM_READS)
        self.buy(WARM_ORDERS)  # and until nothing is left to do

    def read(self, path, count=None):
        count = count or self.requests
        result = measure.load(self.shop.port, path, "-c", 1, "-n", count, "-s", PATIENCE_S)
        self.check(result, "200", count)

    def buy(self, count=None):
        """To the confirmed end, and to the end of what trails behind."""
        count = count or self.orders
        result = measure.load_orders(self.shop, self.order, "-c", 1, "-n", count, "-s", PATIENCE_S, wait=60)
        self.check(result, "201", count)
        measure.wait_until_idle(self.shop.process.pid)

    @staticmethod
    def check(result, status, count):
        if result["statuses"] != {status: count}:
            raise SystemExit("bench: what was to be counted was answered %s" % result["statuses"])


def rows_of_calls(works):
    def each(calls, times):
        return round(sum(calls[name] for name in calls if name not in WAITS) / times, 2)
    pid = works.shop.process.pid
    for name, path in works.paths.items():
        taken = each(system_calls(pid, lambda path=path: works.read(path)), works.requests)
        yield {"what": "system calls a request, " + name, "calls": taken, "ok": taken <= READ_CALLS_MAX}
    calls = system_calls(pid, works.buy)
    taken = each(calls, works.orders)
    yield {"what": "system calls an order", "calls": taken, "ok": taken <= ORDER_CALLS_MAX}
    syncs = round(sum(calls.get(name, 0) for name in SYNCS) / works.orders, 2)
    yield {"what": "syncs an order", "syncs": syncs, "ok": syncs <= ORDER_SYNCS_MAX}


def rows_of_allocations(works, count):
    def each(times, work, *arguments):
        before = count.read()
        work(*arguments)
        return (count.read() - before) / times
    for name, path in works.paths.items():
        taken = round(each(works.requests, works.read, path), 2)
        yield {"what": "allocations a request, " + name, "allocations": taken, "ok": taken < READ_ALLOCATIONS_MAX}
    taken = round(each(works.orders, works.buy), 1)
    yield {"what": "allocations an order", "allocations": taken, "ok": taken <= ORDER_ALLOCATIONS_MAX}


def hold(shop, requests, orders, library=None):
    """The rows. The shop is stopped before and behind; library: what is loaded into it, too."""
    count = AllocationCount()
    preloads = [library] if library else []
    shop.start(LD_PRELOAD=" ".join(preloads))
    yield from rows_of_calls(Works(shop, requests, orders))
    shop.stop()
    shop.start(**{**count.variables, "LD_PRELOAD": " ".join([*preloads, count.variables["LD_PRELOAD"]])})
    yield from rows_of_allocations(Works(shop, requests, orders), count)
    shop.stop()
