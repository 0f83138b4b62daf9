#!/usr/bin/python3
"""What the same requests cost in a small shop and in a large one, in turns on one machine.

    growth.py [--orders 1000000] [--products 100000] [--small 1000] [--passes 20]

The bar: at most 1.3 times the CPU. Each address is asked for once, so that no answer comes from the response cache;
what there is to ask for is dealt out to the passes at random, so that each pass asks for as much as any other.
"""
import argparse
import csv
import io
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import load_orders  # noqa: E402
import measure  # noqa: E402
import shop as support  # noqa: E402

RATIO_MAX = 1.3
PASSES = 20  # many and short: so many pairs decide what three of them cannot
CURSORS = 80  # pages of one list
LIMITS = range(4, 12)  # that each page is asked for by: below PAGE, so that it is full
REQUESTS = 160  # a pass, in either shop
CONNECTIONS = 2
CUSTOMER_ORDERS = 200
CHECKOUTS = 150
DAYS = 29  # that the orders were spread over: workflows are kept for 30
BRANDS, CATEGORIES = 20, 10  # a few full pages of each in the small shop
PAGE = 12
IMPORTED = 20000  # products in a file: well below what an import takes
WORDS = ("red", "blue", "warm", "light", "solid", "cotton", "steel", "garden", "kitchen", "travel", "summer", "winter")
COLUMNS = ("slug", "title", "brand", "category", "description", "image_url", "code", "attributes", "price", "currency",
           "other_prices", "on_hand")
ORDERS, PRODUCTS = "/api/orders/v1/orders", "/api/catalog/v1/products"


def products_csv(numbers):
    """Products of 2 SKUs; as many brands and categories in a small shop as in a large one."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(COLUMNS)
    for i in numbers:
        words = [WORDS[(i * step) % len(WORDS)] for step in (1, 5, 7)]
        for size in "SL":
            title = "%s %s thing %06d" % (*words[:2], (i * 7919) % 1000003)
            rows.writerow(["p-%06d" % i, title, "Brand %d" % (i % BRANDS), "category-%d" % (i * 31 % CATEGORIES),
                           "A %s thing, number n%d." % (words[2], i), "", "P-%06d-%s" % (i, size), "size=%s" % size,
                           500 + i * 37 % 90000, "EUR", "", 100000])
    return text.getvalue()


class GrownShop(support.Shop):
    """A shop with a person of each kind, on a real disk."""

    def __init__(self, name):
        folder = tempfile.mkdtemp(prefix="shopstream-growth-%s-" % name, dir=measure.DISK)
        super().__init__(data=folder, LOG_LEVEL="error")
        self.folder = folder

    def command(self, *words, **options):
        subprocess.run([support.BINARY, *words, "--data", str(self.data)], check=True, env=self.environment(),
                       stdout=subprocess.DEVNULL, **options)

    def import_products(self, count):
        for first in range(0, count, IMPORTED):
            self.command("import", "-", input=products_csv(range(first, min(first + IMPORTED, count))).encode())

    def rest(self):
        measure.wait_until_idle(self.process.pid)
        support.eventually(lambda: not load_orders.work_left(self.data), "what follows the orders")

    def restart(self):
        """CPU from the start to the first answer, in microseconds: waiting for the disk or for others is no growth."""
        self.stop()
        self.log = open(self.data.parent / "log", "ab")
        self.process = self.spawn(stdout=self.log, stderr=self.log)
        measure.wait_for("http://127.0.0.1:%d%s?limit=1" % (self.port, PRODUCTS), self.process)
        return measure.cpu_ns(self.process.pid) / 1000

    def fill(self, orders):
        """So many orders of guests, and some of a customer."""
        self.start()
        self.staff("admin")
        self.buyer = self.customer()
        sku = self.get(PRODUCTS + "?limit=1").json["products"][0]["skus"][0]["id"]
        self.buy([(sku, 1)])  # what comes once comes with the first order
        self.buy([(sku, 1)], token=self.buyer)
        for who, count in ((self.buyer, min(CUSTOMER_ORDERS, orders)), (None, orders)):
            self.rest()
            self.stop()
            before = load_orders.snapshot(self.data)
            self.restart_quietly()
            self.buy([(sku, 1)], **({"token": who} if who else {}))
            self.rest()
            self.stop()
            template = load_orders.take_template(before, self.data)
            load_orders.load_orders(self.data, template, count, days=DAYS, seed=1 if who else 2)
            self.restart_quietly()

    def restart_quietly(self):
        self.log.close()
        self.start()


def walk(shop, path, key, token=None):
    """Cursors of a list's full pages, from the first on."""
    cursors, cursor = [], ""
    while len(cursors) < CURSORS:
        answer = shop.get(addresses(path, [cursor], PAGE)[0], token=token)
        assert answer.status == 200, answer
        if len(answer.json.get(key, [])) == PAGE:
            cursors.append(cursor)
        cursor = answer.json.get("next_cursor")
        if not cursor:
            break
    return cursors


def addresses(path, cursors, limit):
    separator = "&" if "?" in path else "?"
    return ["%s%slimit=%d%s" % (path, separator, limit, cursor and "&cursor=" + urllib.parse.quote(cursor))
            for cursor in cursors]


def cpu_us(shop, paths, token=None):
    """CPU a request, each address once."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("".join("GET %s\n" % path for path in paths))
        file.flush()
        headers = ["-H", "Authorization: Bearer " + token] if token else []
        before = measure.cpu_ns(shop.process.pid)
        result = measure.load(shop.port, "/", "-c", CONNECTIONS, "-n", len(paths), "-s", 120, "-f", file.name, *headers)
    assert set(result["statuses"]) == {"200"}, result
    return (measure.cpu_ns(shop.process.pid) - before) / len(paths) / 1000


def dealt(items, number):
    """A pass's part of addresses, in an order of chance. They begin anew when all were asked for, and end otherwise
    then: an empty parameter says nothing, and makes another address."""
    items = random.Random(1).sample(items, len(items))
    turns = [divmod(number * REQUESTS + i, len(items)) for i in range(REQUESTS)]
    return [items[place] + ("" if "?" in items[place] else "?") + "&" * turn for turn, place in turns]


def lists_of(kind, paths, key, who=None):
    """(name, function from a shop and a pass to what it asks for and as whom) each."""
    def question(several):
        pages = {}

        def ask(shop, number):
            token = who(shop) if who else None
            if shop not in pages:
                pages[shop] = [address for path in several for cursor in walk(shop, path, key, token)
                               for limit in LIMITS for address in addresses(path, [cursor], limit)]
            return dealt(pages[shop], number), token
        return ask
    return [("%s %s" % (kind, name), question(several)) for name, several in paths.items()]


def product_questions():
    sorts = {"newest": "", "by title": "?sort=title", "cheapest": "?sort=price_asc", "dearest": "?sort=price_desc"}
    paths = {}
    for name, query in sorts.items():
        paths[name] = [PRODUCTS + query]
        for way, values in (("category", ["category-%d" % i for i in range(CATEGORIES)]),
                            ("brand", ["Brand%%20%d" % i for i in range(BRANDS)])):
            paths["%s, %s" % (name, way)] = ["%s%s%s=%s" % (PRODUCTS + query, "&" if query else "?", way, value)
                                             for value in values]
        for what, letters in (("a word", None), ("three letters", 3), ("one letter", 1)):
            paths["%s, %s" % (name, what)] = ["%s%sq=%s" % (PRODUCTS + query, "&" if query else "?", word[:letters])
                                              for word in WORDS[:6]]

    def details(shop, number):
        """Products all over the shop."""
        step = max(1, shop.products // 1000)
        slugs = ["%s/p-%06d" % (PRODUCTS, i) for i in range(0, shop.products, step)]
        return dealt(slugs, number), None
    return [*lists_of("products", paths, "products"), ("product detail", details)]


def order_questions():
    def admin(shop):
        return shop.staff("admin").sign_in().token

    def buyer(shop):
        return shop.buyer.sign_in().token

    def details(shop, number):
        token = admin(shop)
        if not hasattr(shop, "some_orders"):
            shop.some_orders = [order["id"] for cursor in walk(shop, ORDERS, "orders", token)
                                for order in shop.get(addresses(ORDERS, [cursor], PAGE)[0], token=token).json["orders"]]
        return dealt([ORDERS + "/" + order for order in shop.some_orders], number), token
    return [*lists_of("a customer's orders", {"newest": [ORDERS], "of one status": [ORDERS + "?status=confirmed"]},
                      "orders", buyer),
            *lists_of("all orders", {"newest": [ORDERS], "of one status": [ORDERS + "?status=confirmed"]},
                      "orders", admin),
            ("one order", details)]


def row_of(name, small, large):
    """Each a figure a pass, taken in turns."""
    large_us, small_us, ratio = measure.compared(large, small, 1)
    return {"what": "growth: " + name, "cpu_us": large_us, "small_cpu_us": small_us, **ratio,
            "ok": ratio["ratio"] <= RATIO_MAX}


def in_turn(shops, number):
    """Their places; each is first in every other pass."""
    places = range(len(shops))
    return places if number % 2 == 0 else reversed(places)


def in_turns(shops, passes, measure_one):
    """A list of figures a shop."""
    taken = [[0] * passes for _ in shops]
    for number in range(passes):
        for i in in_turn(shops, number):
            taken[i][number] = measure_one(shops[i])
    return taken


def compare(questions, shops, passes):
    """A pass goes through all of the questions: what disturbs the machine for a while meets a few pairs of each and not
    all of one, and a list finds in the caches what others have left of it there."""
    figures = {name: [[0] * passes for _ in shops] for name, _ in questions}
    for number in range(passes):
        for name, ask in questions:
            for i in in_turn(shops, number):
                paths, token = ask(shops[i], number)
                figures[name][i][number] = cpu_us(shops[i], paths, token)
    return [row_of(name, *taken) for name, taken in figures.items()]


def checkout_us(shop):
    """CPU an order, with the work that trails behind it."""
    sku = measure.any_sku(MeasuredShop(shop))
    shop.set_stock(sku, 1000000, shop.staff("admin").sign_in())
    shop.rest()
    before = measure.cpu_ns(shop.process.pid)
    result = measure.load_orders(shop, measure.order_of(sku), "-c", 8, "-n", CHECKOUTS, "-s", 240, wait=30)
    assert result["statuses"] == {"201": CHECKOUTS}, result
    shop.rest()
    return (measure.cpu_ns(shop.process.pid) - before) / CHECKOUTS / 1000


class MeasuredShop:
    def __init__(self, shop):
        self.get = lambda path: shop.get(path).json


def grow(kind, small, large, fill, questions, passes, checkout):
    """The rows of one kind of growth."""
    shops = [GrownShop("small"), GrownShop("large")]
    try:
        for shop, count in zip(shops, (small, large)):
            begun = time.monotonic()
            fill(shop, count)
            print("growth: %d %s in %.0f s" % (count, kind, time.monotonic() - begun), flush=True)
        rows = [row_of("start, by %s" % kind, *in_turns(shops, passes, GrownShop.restart))]
        rows += compare(questions, shops, passes)
        if checkout:
            rows.append(row_of("checkout, by %s" % kind, *in_turns(shops, passes, checkout_us)))
        for shop in shops:
            shop.stop()
        return rows
    finally:
        for shop in shops:
            if shop.process and shop.process.poll() is None:
                shop.process.kill()
                shop.process.wait()
            shutil.rmtree(shop.folder, ignore_errors=True)


def fill_products(shop, count):
    shop.products = count
    shop.command("migrate")
    shop.import_products(count)
    shop.start()
    shop.staff("admin")


def fill_orders(shop, count):
    shop.command("migrate")
    shop.import_products(100)
    shop.fill(count)


def run(orders, products, small, passes):
    return [*grow("products", small, products, fill_products, product_questions(), passes, True),
            *grow("orders", small, orders, fill_orders, order_questions(), passes, True)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=1000000)
    parser.add_argument("--products", type=int, default=100000)
    parser.add_argument("--small", type=int, default=1000)
    parser.add_argument("--passes", type=int, default=PASSES)
    options = parser.parse_args()
    rows = run(options.orders, options.products, options.small, options.passes)
    for row in rows:
        print("%-50s %s" % (row["what"], json.dumps({key: row[key] for key in row if key != "what"})))
    return 0 if all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
