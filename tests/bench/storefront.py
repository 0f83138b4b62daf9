"""Pages: what a kept one costs next to the bare server, how long one takes that has to be filled and rendered, how soon
an edit is on it, and what rendering takes in memory."""
import json
import pathlib
import shutil
import statistics
import tempfile
import time

import measure

BROWSER = ("Accept: text/html,application/xhtml+xml,*/*;q=0.8",)
FORMS = {"brotli": (*BROWSER, "Accept-Encoding: gzip, br"), "plain": BROWSER}
UNKEPT_P95_US, EDIT_P95_MS, RENDERING_MB_MAX = 5000, 100, 80
WARM_UP = 300  # pages of each kind: what is compiled while it runs is, then
EDITS = 100
OF_PERSONS = ("/cart", "/checkout", "/login", "/signup", "/nothing")


def anonymous(shop):
    """A page of each kind that is the same for everybody."""
    product = shop.get("/api/catalog/v1/products?limit=1")["products"][0]
    return {"home": "/", "category": "/c/" + product["category"], "search": "/search?q=" + product["title"].split()[0],
            "product": "/products/" + product["slug"]}


def others(path, first, count):
    """The same page under other addresses, as often: what the cache has never seen."""
    return ["%s%sn=%d" % (path, "&" if "?" in path else "?", first + number) for number in range(count)]


def read(shop, paths, connections=1):
    with tempfile.NamedTemporaryFile("w") as file:
        file.writelines("GET %s\n" % path for path in paths)
        file.flush()
        return measure.load(shop.port, "/", "-c", connections, "-n", len(paths), "-s", 120, "-f", file.name,
                            *(word for header in BROWSER for word in ("-H", header)))


def unkept(shop, paths, count):
    """A row a kind; the processor's time is told apart: the shop's, and that of what renders."""
    for number, (kind, path) in enumerate(paths.items()):
        read(shop, others(path, number * 1000000, WARM_UP))
        measure.wait_until_idle(shop.process.pid)
        shop_pid, *renderers = measure.family(shop.process.pid)
        before = measure.cpu_ns(shop_pid), sum(map(measure.cpu_ns, renderers))
        result = read(shop, others(path, number * 1000000 + WARM_UP, count))
        yield {"what": "page that is not kept, " + kind,
               "ok": result["p95_us"] < UNKEPT_P95_US and set(result["statuses"]) == {"200"},
               "cpu_us": round((measure.cpu_ns(shop_pid) - before[0]) / count / 1000, 1),
               "render_cpu_us": round((sum(map(measure.cpu_ns, renderers)) - before[1]) / count / 1000, 1),
               **{key: result[key] for key in ("p50_us", "p95_us", "p99_us", "statuses")}}


def edits(shop, paths):
    """How long after the answer to an edit the new price is on the page, on its category's and on a search that finds
    it; each was kept."""
    product = shop.get("/api/catalog/v1/products?limit=1")["products"][0]
    times = []
    for number in range(EDITS):
        for path in paths.values():
            measure.raw_answer(shop.port, path, BROWSER)
        amount = 100000 + number
        price = {"amount": amount, "currency": product["price"]["currency"]}
        if not measure.admin(shop, "catalog", "update_product", {"id": product["id"], "price": price}):
            raise SystemExit("bench: the price cannot be edited")
        answered = time.monotonic()
        for path in paths.values():
            while b'"price":{"amount":%d,' % amount not in measure.raw_answer(shop.port, path, BROWSER):
                pass
        times.append((time.monotonic() - answered) * 1000)
    times.sort()
    p95 = times[len(times) * 95 // 100]
    yield {"what": "an edited price, on all %d pages that show it" % len(paths), "ok": p95 < EDIT_P95_MS,
           "p50_us": round(statistics.median(times) * 1000), "p95_us": round(p95 * 1000)}


def share_after(web, folder, count):
    """Of a shop of its own, after so many pages of each kind on all connections."""
    shop = measure.Shop(folder, LOG_LEVEL="none", WEB=web)
    try:
        shop.start()
        kinds = [*anonymous(shop).values(), *OF_PERSONS]
        result = read(shop, [path for group in zip(*(others(kind, 0, count) for kind in kinds)) for path in group], 8)
        if set(result["statuses"]) - {"200", "404"}:
            raise SystemExit("bench: pages were answered %s" % json.dumps(result["statuses"]))
        measure.wait_until_idle(shop.process.pid)
        processes = measure.family(shop.process.pid)
        shares = [round(measure.share_mb([process]), 1) for process in processes]
        shop.stop()
        return shares
    finally:
        shop.close()


def memory(count, folder):
    """The proportional share of the shop and all its processes, with the script that renders and without it."""
    web = folder / "web"
    web.mkdir()
    for name in ("frontend", "pictures"):
        shutil.copytree(measure.BUILD / name, web / name,
                        ignore=lambda at, names: [] if pathlib.Path(at).name != "pictures" else
                        [file for file in names if file != "pictures.json"])
    whole = share_after(web, folder / "rendering", count)
    (web / "frontend" / "server" / "render.js").unlink()
    bare = share_after(web, folder / "bare", count)
    more = round(sum(whole) - sum(bare), 1)
    yield {"what": "memory that rendering takes, all processes", "ok": more <= RENDERING_MB_MAX, "mb": more,
           "each_mb": whole, "bare_mb": bare}


def run(shop, paths, count, folder):
    yield from unkept(shop, paths, count)
    yield from edits(shop, paths)
    yield from memory(max(20, count // 4), folder)
