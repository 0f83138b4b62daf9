"""What the measurements share: a shop of one's own, what /proc says of it, and the load generator."""
import contextlib
import json
import os
import pathlib
import random
import signal
import socket
import sqlite3
import ssl
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SHOPSTREAM_BUILD", ROOT / "build"))
BINARY = os.environ.get("SHOPSTREAM_BINARY", str(BUILD / "shopstream"))
# A real disk: on a file system in memory a commit costs nothing.
DISK = os.environ.get("TMPDIR", "/var/tmp")
START_TIMEOUT_S = 120
PORTS = range(20000, 32000)
PROVIDER_PORT_DISTANCE = 11
QUIET_LOOKS = 5
QUIET_LOOK_S = 0.1
QUIET_CPU_NS = 5_000_000  # what timers take in such a look


def free_port():
    """A port that is free, and whose provider's is free too: below what the system gives to outgoing connections."""
    while True:
        port = random.choice(PORTS)
        with contextlib.suppress(OSError), socket.socket() as shop, socket.socket() as provider:
            shop.bind(("127.0.0.1", port))
            provider.bind(("127.0.0.1", port + PROVIDER_PORT_DISTANCE))
            return port


def wait_for(url, process, authority=None):
    """authority: the file of the certificate that a server of TLS is known by."""
    deadline = time.monotonic() + START_TIMEOUT_S
    context = ssl.create_default_context(cafile=authority) if authority else None
    while True:
        try:
            return urllib.request.urlopen(url, timeout=5, context=context).read()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("bench: the server on %s does not answer" % url)
            time.sleep(0.002)


def cpu_ns(pid):
    """CPU time of all threads of a process, those that ended included; its clock as clock_getcpuclockid(3) names it."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def steady(figures):
    """One figure of what was measured several times. Others and the kernel only ever add to the CPU that something
    takes: the mean of the lower half leaves them out, and does not hang on one lucky pass, as the least does."""
    lower = sorted(figures)[:(len(figures) + 1) // 2]
    return sum(lower) / len(lower)


def compared(figures, bases, digits):
    """(the steady figure, that of the base, what is said of their ratio), of passes taken in turns. The ratio is made
    of the two as they are shown; beside it are the lowest and the highest of one pass."""
    figure, base = round(steady(figures), digits), round(steady(bases), digits)
    pairs = [one / max(other, 0.001) for one, other in zip(figures, bases)]
    return figure, base, {"ratio": round(figure / max(base, 0.001), 2), "ratio_low": round(min(pairs), 2),
                          "ratio_high": round(max(pairs), 2)}


def memory_mb(pid):
    for line in pathlib.Path("/proc/%d/status" % pid).read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def children(pid):
    """The processes that a process started; none of one that is gone."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return [int(child) for task in pathlib.Path("/proc/%d/task" % pid).iterdir()
                for child in (task / "children").read_text().split()]
    return []


def family(pid):
    """A process and all that came of it."""
    return [pid] + [other for child in children(pid) for other in family(child)]


def taken_s(pid):
    """CPU of a process and of its children that have ended, as proc(5) counts it in /proc/PID/stat."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        fields = pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0


class Others:
    """What the rest of the machine does meanwhile: programs that are none of ours, and the kernel for anybody."""

    def __init__(self):
        self.begun, self.before = time.monotonic(), self.look()

    @staticmethod
    def look():
        """Seconds of CPU that others have taken since the machine's start."""
        user, nice, system, _, _, irq, softirq, steal = map(int, pathlib.Path("/proc/stat").read_text().split()[1:9])
        busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
        return busy - sum(map(taken_s, family(os.getpid())))

    def processors(self):
        """As many of them were busy with it, on average."""
        return max(0, round((self.look() - self.before) / (time.monotonic() - self.begun), 2))


def share_mb(pids):
    """Proportional set size of processes: what several of them map counts once."""
    return sum(int(line.split()[1]) for pid in pids
               for line in pathlib.Path("/proc/%d/smaps_rollup" % pid).read_text().splitlines()
               if line.startswith("Pss:")) / 1024


def wait_until_idle(pid, patience_s=120):
    """Work that trails behind an answer (mails, events) is part of its cost: waits until none is left to do."""
    end = time.monotonic() + patience_s
    quiet, before = 0, cpu_ns(pid)
    while quiet < QUIET_LOOKS:
        time.sleep(QUIET_LOOK_S)
        now = cpu_ns(pid)
        quiet = quiet + 1 if now - before <= QUIET_CPU_NS else 0
        before = now
        if time.monotonic() > end:
            raise SystemExit("bench: the shop does not come to rest within %d s" % patience_s)


class Shop:
    """The binary on a folder; settings are variables without SHOPSTREAM_."""

    def __init__(self, folder, *arguments, **settings):
        self.port = free_port()
        self.folder = pathlib.Path(folder)
        self.arguments = arguments
        self.settings = {"RATE_LIMITS": "off", **settings}
        self.process = None
        self.authority = None  # the certificate's file where it speaks TLS

    def speak_tls(self, certificate, key):
        """From the next start on; None, None: no more."""
        self.authority = certificate
        self.settings.update(TLS_CERTIFICATE=certificate or "", TLS_KEY=key or "")

    def start(self, wrapper=(), **variables):
        """Returns the milliseconds to the first answer."""
        # The variables of the tests are no settings of the shop, which refuses unknown ones.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")}
        environment.update({"SHOPSTREAM_" + name: str(value) for name, value in self.settings.items()})
        begun = time.monotonic()
        with open(BUILD / "bench.log", "a") as log:
            self.process = subprocess.Popen(
                [*wrapper, BINARY, "--port", str(self.port), "--data", str(self.folder), *self.arguments],
                env={**environment, **variables}, stdout=subprocess.DEVNULL, stderr=log)
        wait_for(self.url("/api/catalog/v1/products?limit=12"), self.process, self.authority)
        return (time.monotonic() - begun) * 1000

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def close(self):
        """However the measurement ended."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def url(self, path):
        return "%s://127.0.0.1:%d%s" % ("https" if self.authority else "http", self.port, path)

    def get(self, path):
        return json.loads(urllib.request.urlopen(self.url(path), timeout=10).read())

    def metric(self, name):
        text = urllib.request.urlopen(self.url("/metrics"), timeout=10).read().decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith(name) and not line.startswith("#"))


def raw_answer(port, path, headers=()):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        more = "".join(header + "\r\n" for header in headers)
        connection.sendall(("GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n%s\r\n"
                            % (path, more)).encode())
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n")
                      if line.lower().startswith(b"content-length:"))
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body


def load(port, path, *options, may_fail=False):
    """The figures of one run of the load generator."""
    command = [str(BUILD / "load"), *map(str, options), str(port), path]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode not in ((0, 3) if may_fail else (0,)):
        raise SystemExit("bench: %s: %s %s" % (" ".join(command[:6]), result.stdout, result.stderr))
    return json.loads(result.stdout)


def load_orders(shop, body, *options, wait=0, label="bench", may_fail=False):
    """As load, with orders: each under a key of its own."""
    headers = ["-m", "POST", "-H", "Content-Type: application/json", "-b", body,
               "-H", "Idempotency-Key: %s-%d-000000000000-{n}" % (label, time.time_ns())]
    if wait:
        headers += ["-H", "Prefer: wait=%d" % wait]
    return load(shop.port, "/api/orders/v1/orders", *options, *headers, may_fail=may_fail)


def order_of(sku_id):
    return json.dumps({
        "items": [{"sku_id": sku_id, "quantity": 1}], "email": "bench@example.com",
        "shipping_address": {"name": "Bench", "line1": "Street 1", "city": "Town", "postal_code": "12345",
                             "country": "DE"},
        "payment": {"payment_method": "pm_card_visa"}})


def any_sku(shop):
    return shop.get("/api/catalog/v1/products?limit=1")["products"][0]["skus"][0]["id"]


def set_stock(shop, sku_id, units):
    if not admin(shop, "catalog", "set_stock", {"id": sku_id, "on_hand": units}):
        raise SystemExit("bench: the stock cannot be set")


def sold(folder, sku_id):
    """Units of it in confirmed orders, by the shop's own records, and in those that are still under way."""
    with contextlib.closing(sqlite3.connect("file:%s/orders.db?mode=ro" % folder, uri=True)) as database:
        found = dict(database.execute(
            "SELECT o.status, sum(l.quantity) FROM order_line l"
            " JOIN orders o ON o.tenant = l.tenant AND o.id = l.order_id"
            " WHERE l.sku_id = ? GROUP BY o.status", [sku_id]).fetchall())
    return found.get("confirmed", 0), found.get("pending", 0)


def admin(shop, service, method, message):
    body = json.dumps(message).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(shop.folder / "admin.sock"))
        connection.sendall(("%s %s default %d\n" % (service, method, len(body))).encode() + body)
        return connection.makefile("rb").readline().decode().split()[0] == "0"


