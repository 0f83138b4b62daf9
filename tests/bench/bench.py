#!/usr/bin/python3
"""Measures the shop: start, memory, CPU a request next to a bare epoll server of the same bytes, and checkout.

    bench.py [--seconds N] [--rounds N]

Wall times drift with the machine, ratios do not: the two servers take turns, and the median of the rounds counts.
Prints a table and writes build/bench.json.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request

BUILD = pathlib.Path(os.environ.get("SHOPSTREAM_BUILD", "build")).resolve()
BINARY = os.environ.get("SHOPSTREAM_BINARY", str(BUILD / "shopstream"))
TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
START_TIMEOUT_S = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url, process):
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            return urllib.request.urlopen(url, timeout=5).read()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("bench: the server on %s does not answer" % url)
            time.sleep(0.002)


def cpu_ns(pid):
    """CPU time of all threads of a process, those that ended included."""
    fields = pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK_NS


def memory_mb(pid):
    for line in pathlib.Path("/proc/%d/status" % pid).read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Shop:
    def __init__(self, folder):
        self.port = free_port()
        self.folder = folder
        self.process = None

    def start(self):
        """Returns the milliseconds to the first answer."""
        # The variables of the tests are no settings of the shop, which refuses unknown ones.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")}
        environment["SHOPSTREAM_RATE_LIMITS"] = "off"
        begun = time.monotonic()
        self.process = subprocess.Popen([BINARY, "--port", str(self.port), "--data", str(self.folder)],
                                        env=environment, stdout=subprocess.DEVNULL,
                                        stderr=open(BUILD / "bench.log", "a"))
        wait_for(self.url("/api/catalog/v1/products?limit=12"), self.process)
        return (time.monotonic() - begun) * 1000

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def url(self, path):
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def get(self, path):
        return json.loads(urllib.request.urlopen(self.url(path), timeout=10).read())

    def metric(self, name):
        text = urllib.request.urlopen(self.url("/metrics"), timeout=10).read().decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith(name) and not line.startswith("#"))


def raw_answer(port, path):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(("GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n" % path).encode())
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n")
                      if line.lower().startswith(b"content-length:"))
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body


def load(port, path, connections, seconds, extra=()):
    command = [str(BUILD / "load"), "-c", str(connections), "-s", str(seconds), *extra, str(port), path]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def cpu_per_request(process, port, path, connections, seconds):
    before = cpu_ns(process.pid)
    result = load(port, path, connections, seconds)
    return (cpu_ns(process.pid) - before) / max(1, result["requests"]) / 1000, result


def compare(shop, name, path, options, rows):
    """The shop's CPU a request next to the bare server's, in turns."""
    with tempfile.NamedTemporaryFile() as answer:
        answer.write(raw_answer(shop.port, path))
        answer.flush()
        port = free_port()
        bare = subprocess.Popen([str(BUILD / "bare_epoll"), str(port), str(os.cpu_count()), answer.name],
                                stdout=subprocess.DEVNULL)
        try:
            wait_for("http://127.0.0.1:%d/" % port, bare)
            for connections in (8, 64):
                pairs = []
                for _ in range(options.rounds):
                    ours, result = cpu_per_request(shop.process, shop.port, path, connections, options.seconds)
                    theirs, _ = cpu_per_request(bare, port, path, connections, options.seconds)
                    pairs.append((ours, theirs, result["p95_us"]))
                ratio = statistics.median(a / b for a, b, _ in pairs)
                rows.append({"what": "%s, %d connections" % (name, connections),
                             "cpu_us": round(statistics.median(a for a, _, _ in pairs), 2),
                             "bare_cpu_us": round(statistics.median(b for _, b, _ in pairs), 2),
                             "ratio": round(ratio, 2), "p95_us": statistics.median(p for _, _, p in pairs)})
        finally:
            bare.kill()
            bare.wait()


def order_body(shop):
    """A SKU with enough stock for the whole run."""
    cursor = ""
    best = None
    for _ in range(20):
        page = shop.get("/api/catalog/v1/products?limit=100" + cursor)
        for product in page["products"]:
            for sku in product["skus"]:
                if best is None or sku["available"] > best["available"]:
                    best = sku
        if "next_cursor" not in page:
            break
        cursor = "&cursor=" + page["next_cursor"]
    return best, json.dumps({
        "items": [{"sku_id": best["id"], "quantity": 1}], "email": "bench@example.com",
        "shipping_address": {"name": "Bench", "line1": "Street 1", "city": "Town", "postal_code": "12345",
                             "country": "DE"},
        "payment": {"payment_method": "pm_card_visa"}})


def admin(shop, service, method, message):
    body = json.dumps(message).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(shop.folder / "admin.sock"))
        connection.sendall(("%s %s default %d\n" % (service, method, len(body))).encode() + body)
        return connection.makefile("rb").readline().decode().split()[0] == "0"


def checkout(shop, options, rows):
    sku, body = order_body(shop)
    if not admin(shop, "catalog", "set_stock", {"id": sku["id"], "on_hand": 1000000}):
        raise SystemExit("bench: the stock cannot be set")
    for connections in (8, 64):
        before_cpu, before_commits = cpu_ns(shop.process.pid), shop.metric("shopstream_sql_commits{")
        result = load(shop.port, "/api/orders/v1/orders", connections, options.seconds * 3, (
            "-m", "POST", "-H", "Content-Type: application/json", "-H", "Prefer: wait=10",
            "-H", "Idempotency-Key: bench-%d-%d-000000000000-{n}" % (connections, time.time_ns()), "-b", body))
        orders = max(1, result["requests"])
        rows.append({"what": "checkout to confirmed, %d connections" % connections,
                     "orders_per_s": result["per_second"], "p50_us": result["p50_us"], "p95_us": result["p95_us"],
                     "statuses": result["statuses"],
                     "cpu_us": round((cpu_ns(shop.process.pid) - before_cpu) / orders / 1000, 1),
                     "commits_per_order": round(
                         (shop.metric("shopstream_sql_commits{") - before_commits) / orders, 2)})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="shopstream-bench-"))
    rows = []
    shop = Shop(folder / "data")
    try:
        shop.start()  # makes and seeds the shop
        shop.stop()
        starts = []
        for _ in range(5):
            starts.append(shop.start())
            if len(starts) < 5:
                shop.stop()
        rows.append({"what": "start to first answer, seeded", "ms": round(statistics.median(starts), 1)})
        rows.append({"what": "memory, idle", "mb": round(memory_mb(shop.process.pid), 1)})
        product = shop.get("/api/catalog/v1/products?limit=12")["products"][0]
        compare(shop, "product list of 12", "/api/catalog/v1/products?limit=12", options, rows)
        compare(shop, "product detail", "/api/catalog/v1/products/" + product["slug"], options, rows)
        checkout(shop, options, rows)
        rows.append({"what": "memory, after the load", "mb": round(memory_mb(shop.process.pid), 1)})
        shop.stop()
    finally:
        if shop.process and shop.process.poll() is None:
            shop.process.kill()
        shutil.rmtree(folder, ignore_errors=True)
    for row in rows:
        print("%-42s %s" % (row["what"], "  ".join("%s=%s" % item for item in row.items() if item[0] != "what")))
    (BUILD / "bench.json").write_text(json.dumps({"rows": rows}, indent=1) + "\n")


main()
