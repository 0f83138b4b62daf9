#!/usr/bin/python3
"""Measures the shop against the design's table of speed and size.

    bench.py [--quick] [--seconds N] [--rounds N] [--only PART,PART]

Wall times drift with the machine, ratios do not: the shop and a bare epoll server of the same bytes take turns
(measure.compared says what counts of the rounds). Prints a table and writes build/bench.json; with BENCH_DOCS=1 also
docs/performance.md and its plots, where the load of the machine before is at most BENCH_LOAD_MAX (0.5): what else runs
takes part in every figure. --quick runs everything with small sizes, to see that it runs: its figures mean nothing.
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import counts
import flash_sale
import followers
import growth
import idle_connections
import measure
import page
import storefront

CONNECTIONS = (8, 64)
BUYERS = (8, 64, 256)  # who order at a time: the more share a sync, the less an order costs
PASSWORD = "a password of the bench"
ADMIN = "admin@bench.example"
CPU_RATIO_MAX, PAGE_CPU_RATIO_MAX, ORDERS_MIN, HALF_RATE_P95_US, SIGN_IN_P95_US, FLASH_P95_US = \
    1.5, 2, 1000, 50000, 100000, 500000
LOAD_MAX = "0.5"  # of the machine before figures for the docs are taken
START_MS_MAX, IDLE_MB_MAX, LOADED_MB_MAX = 100, 100, 400
FULL = {"seconds": 3, "round_seconds": 1, "rounds": 9, "starts": 21, "sign_ins": 200, "idle": 10000, "pages": 1000,
        "flash": (50000, 60, 1000), "growth": (1000000, 100000, 1000, growth.PASSES),
        "counted": (20000, 200)}
QUICK = {"seconds": 1, "round_seconds": 1, "rounds": 1, "starts": 3, "sign_ins": 8, "idle": 500, "pages": 60,
         "flash": (500, 2, 20), "growth": (2000, 2000, 1000, 2), "counted": (2000, 20)}


class Bench:
    def __init__(self, sizes):
        self.sizes = sizes
        self.rows = []
        self.part = ""  # that is being measured
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="shopstream-bench-", dir=measure.DISK))
        self.shop = measure.Shop(self.folder / "data", ADMIN_EMAIL=ADMIN, ADMIN_PASSWORD=PASSWORD, LOG_LEVEL="warning")
        self.top_rate = 0
        self.bare_cpu_us = []  # of a request to the bare server

    def add(self, what, ok=None, **figures):
        row = {"part": self.part, "what": what, **figures}
        if ok is not None:
            row["ok"] = bool(ok)
        self.rows.append(row)
        print("%-52s %s" % (what, "  ".join("%s=%s" % item for item in row.items() if item[0] not in ("part", "what"))),
              flush=True)

    def close(self):
        self.shop.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- Start and memory ---------------------------------------------------------------------------------------------
    def start(self):
        self.shop.start()  # makes and seeds the shop
        self.shop.stop()
        answers, pages = [], []
        while len(pages) < self.sizes["starts"]:
            if pages:
                self.shop.stop()
            begun = time.monotonic()
            answers.append(self.shop.start())
            page = measure.raw_answer(self.shop.port, "/", ["Accept: text/html"])
            pages.append((time.monotonic() - begun) * 1000)
            if b'<div id="root"></div>' in page:
                raise SystemExit("bench: the first page is not rendered")
        ms = round(statistics.median(answers), 1)
        self.add("start to first answer, seeded", ms < START_MS_MAX, ms=ms)
        self.add("start to first page, rendered", ms=round(statistics.median(pages), 1))
        measure.wait_until_idle(self.shop.process.pid)
        self.memory("idle", IDLE_MB_MAX)

    def memory(self, when, most):
        """Of all its processes: what they share counts once."""
        mb = round(measure.share_mb(measure.family(self.shop.process.pid)), 1)
        self.add("memory, " + when, mb < most, mb=mb)

    # -- Reads, next to the bare server -------------------------------------------------------------------------------
    def cpu(self, process, port, path, connections, headers):
        before = measure.cpu_ns(process.pid)
        result = measure.load(port, path, "-c", connections, "-s", self.sizes["round_seconds"],
                              *(word for header in headers for word in ("-H", header)))
        return (measure.cpu_ns(process.pid) - before) / max(1, result["requests"]) / 1000, result

    def reads(self):
        product = self.shop.get(counts.LIST)["products"][0]
        for name, path in (("product list of 12", counts.LIST),
                           ("product detail", "/api/catalog/v1/products/" + product["slug"])):
            self.compare(name, path)

    def compare(self, name, path, headers=(), ratio_max=CPU_RATIO_MAX):
        with tempfile.NamedTemporaryFile() as answer:
            answer.write(measure.raw_answer(self.shop.port, path, headers))
            answer.flush()
            self.take_turns(name, path, headers, answer.name, ratio_max)

    def take_turns(self, name, path, headers, answer, ratio_max):
        port = measure.free_port()
        bare = subprocess.Popen([str(measure.BUILD / "bare_epoll"), str(port), str(os.cpu_count()), answer],
                                stdout=subprocess.DEVNULL)
        try:
            measure.wait_for("http://127.0.0.1:%d/" % port, bare)
            for connections in CONNECTIONS:
                ours, theirs, runs = [], [], []
                for _ in range(self.sizes["rounds"]):
                    cpu_us, result = self.cpu(self.shop.process, self.shop.port, path, connections, headers)
                    ours.append(cpu_us)
                    runs.append(result)
                    theirs.append(self.cpu(bare, port, path, connections, headers)[0])
                cpu_us, bare_cpu_us, ratio = measure.compared(ours, theirs, 2)
                if not headers:
                    self.bare_cpu_us += theirs
                self.add("%s, %d connections" % (name, connections), ratio["ratio"] <= ratio_max, **ratio,
                         cpu_us=cpu_us, bare_cpu_us=bare_cpu_us,
                         per_second=round(statistics.median(run["per_second"] for run in runs)),
                         **{key: statistics.median(run[key] for run in runs) for key in ("p50_us", "p95_us", "p99_us")})
        finally:
            bare.kill()
            bare.wait()

    # -- Pages --------------------------------------------------------------------------------------------------------
    def pages(self):
        paths = storefront.anonymous(self.shop)
        for kind, path in paths.items():
            for form, headers in storefront.FORMS.items():
                self.compare("kept page, %s, %s" % (kind, form), path, headers, PAGE_CPU_RATIO_MAX)
        for row in storefront.run(self.shop, paths, self.sizes["pages"], self.folder):
            self.add(row.pop("what"), row.pop("ok"), **row)

    # -- Checkout -----------------------------------------------------------------------------------------------------
    def article(self):
        sku_id = measure.any_sku(self.shop)
        measure.set_stock(self.shop, sku_id, 10000000)
        return sku_id

    def orders(self, what, sku_id, options, judge):
        """One run of orders to their confirmed end; CPU and commits with what trails behind."""
        pid = self.shop.process.pid
        measure.wait_until_idle(pid)
        sold, _ = measure.sold(self.shop.folder, sku_id)
        cpu, commits = measure.cpu_ns(pid), self.shop.metric("shopstream_sql_commits{")
        result = measure.load_orders(self.shop, measure.order_of(sku_id), *options, wait=30, may_fail=True)
        measure.wait_until_idle(pid)
        confirmed = measure.sold(self.shop.folder, sku_id)[0] - sold
        count = max(1, result["requests"])
        cpu_us = (measure.cpu_ns(pid) - cpu) / count / 1000
        bare = {"bare_requests": round(cpu_us / statistics.median(self.bare_cpu_us))} if self.bare_cpu_us else {}
        self.add(what, judge(result) and result["errors"] == 0 and set(result["statuses"]) == {"201"} and
                 confirmed == result["requests"], orders_per_s=result["per_second"], confirmed=confirmed,
                 **{key: result[key] for key in ("p50_us", "p95_us", "p99_us", "statuses", "errors")},
                 cpu_us=round(cpu_us, 1), **bare,
                 commits_per_order=round((self.shop.metric("shopstream_sql_commits{") - commits) / count, 2))
        return result

    def restart(self, **settings):
        self.shop.stop()
        self.shop.settings.update(settings)
        self.shop.start()

    def checkout(self):
        self.restart(LOG_LEVEL="info")  # what the shop logs by default is part of an order's cost
        self.sell()
        self.restart(LOG_LEVEL="warning")

    def sell(self):
        sku_id = self.article()
        for buyers in BUYERS:
            result = self.orders("checkout to confirmed, %d connections" % buyers, sku_id,
                                 ("-c", buyers, "-s", self.sizes["seconds"] * 3), lambda run: True)
            self.top_rate = max(self.top_rate, result["per_second"])
        self.add("checkout, the top rate", self.top_rate >= ORDERS_MIN, orders_per_s=self.top_rate)
        rate = max(1, round(self.top_rate / 2))
        self.orders("checkout, open loop at half the top rate", sku_id,
                    ("-c", 512, "-s", self.sizes["seconds"] * 3, "-r", rate),
                    lambda run: run["p95_us"] < HALF_RATE_P95_US)

    # -- What can be counted ------------------------------------------------------------------------------------------
    def counted(self):
        self.shop.stop()
        for row in counts.hold(self.shop, *self.sizes["counted"]):
            self.add(row.pop("what"), row.pop("ok"), **row)
        self.shop.start()

    # -- The others ---------------------------------------------------------------------------------------------------
    def sign_in(self):
        body = json.dumps({"email": ADMIN, "password": PASSWORD})
        result = measure.load(self.shop.port, "/api/identity/v1/login", "-c", 1, "-n", self.sizes["sign_ins"],
                              "-s", 300, "-m", "POST", "-H", "Content-Type: application/json", "-b", body)
        self.add("sign-in, argon2id, one after the other",
                 set(result["statuses"]) == {"200"} and result["p95_us"] < SIGN_IN_P95_US,
                 **{key: result[key] for key in ("p50_us", "p95_us", "p99_us", "statuses")})

    def idle(self):
        for secured in (None, None), idle_connections.make_certificate(self.folder):
            self.shop.speak_tls(*secured)
            for protocol in idle_connections.PROTOCOLS:
                self.restart()  # what others have given back would be taken first, and not be seen
                row = idle_connections.hold(self.shop, self.sizes["idle"], protocol)
                self.add(row.pop("what"), row.pop("ok"), **row)
        self.shop.speak_tls(None, None)
        self.restart()

    def realtime(self):
        self.restart()
        for row in followers.hold(self.shop, self.sizes["idle"]):
            self.add(row.pop("what"), row.pop("ok"), **row)

    def flash(self):
        row = flash_sale.hold(self.shop, *self.sizes["flash"])
        self.add(row.pop("what"), not row["faults"] and row["p95_us"] < FLASH_P95_US, **row)
        self.memory("after all of that load", LOADED_MB_MAX)

    def grow(self):
        for row in growth.run(*self.sizes["growth"]):
            self.add(row.pop("what"), row.pop("ok"), **row)


PARTS = ("start", "reads", "pages", "idle", "realtime", "checkout", "sign_in", "counted", "flash", "grow")


def machine():
    model = [line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]
    return "%d × %s, Linux %s" % (os.cpu_count(), model[0] if model else platform.machine(),
                                  platform.release().split("-")[0])


def commit():
    """What is measured: the last commit, and whether there is more than that."""
    def git(*words):
        return subprocess.run(["git", "-C", str(measure.ROOT), *words], capture_output=True, text=True).stdout.strip()
    changed = git("status", "--porcelain", "--untracked-files=no")
    return git("rev-parse", "--short=10", "HEAD") + (" and changes" if changed else "")


def quiet_load():
    """The load before, for the record; ends the program where that is too much for the docs."""
    most, load = os.environ.get("BENCH_LOAD_MAX", LOAD_MAX), os.getloadavg()[0]
    if os.environ.get("BENCH_DOCS") == "1" and load > float(most):
        raise SystemExit("bench: the load is %.2f, and figures for the docs are of a machine with at most %s: end what "
                         "runs, or allow more by BENCH_LOAD_MAX, which the page then says" % (load, most))
    return {"load_before": round(load, 2), **({"load_allowed": most} if float(most) != float(LOAD_MAX) else {})}


def measured(bench, part, about):
    """Measures a part; about it: what the page says."""
    begun, others = time.time(), measure.Others()
    bench.part = part
    getattr(bench, part)()
    return {"begun": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(begun)),
            "minutes": round((time.time() - begun) / 60, 1), "others": others.processors(), **about}


def main():
    """1 when a bar was missed, but for --quick."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", default=",".join(PARTS), help="of " + ",".join(PARTS))
    options = parser.parse_args()
    sizes = QUICK if options.quick else FULL
    sizes.update({name: value for name, value in (("seconds", options.seconds), ("rounds", options.rounds)) if value})
    wanted = set(options.only.split(","))
    if wanted - set(PARTS):
        parser.error("no part %s" % ", ".join(sorted(wanted - set(PARTS))))
    about = {"machine": machine(), "commit": commit(), "quick": options.quick, **quiet_load()}
    bench = Bench(sizes)
    try:
        parts = {part: measured(bench, part, about) for part in PARTS if part in wanted or part == "start"}
        bench.shop.stop()
    finally:
        bench.close()
    result = {"parts": {part: parts[part] for part in parts if part in wanted},
              "rows": [row for row in bench.rows if row["part"] in wanted]}
    (measure.BUILD / "bench.json").write_text(json.dumps(result, indent=1) + "\n")
    if os.environ.get("BENCH_DOCS") == "1":
        page.write(result, measure.ROOT / "docs")
    missed = [row["what"] for row in bench.rows if row.get("ok") is False]
    print("%d of %d bars held%s" % (sum(row.get("ok") is True for row in bench.rows),
                                    sum("ok" in row for row in bench.rows),
                                    "; missed: " + "; ".join(missed) if missed else ""))
    return 1 if missed and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main())
