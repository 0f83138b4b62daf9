"""What tests/bench/load_orders.py writes is what real orders leave behind, row by row and column by column: apart from
ids and times, which are each order's own."""
import json
import pathlib
import re
import sqlite3
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "bench")]

import load_orders  # noqa: E402
from shop import Shop, eventually  # noqa: E402

REAL = 6
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SECONDS = re.compile(r'("(?:created|canceled_at)":)\d{10}|(_ms":)\d{13}')
STOCK = re.compile(r'("available":)\d+')  # one less with each order


def normal(value, column, own):
    """A column without what is each order's own."""
    if isinstance(value, int):
        return "<ms>" if column.endswith("_ms") and value >= load_orders.FIRST_MS else value
    if not isinstance(value, (str, bytes)):
        return value
    text = load_orders.TOKEN.sub(lambda match: "<id>" if match.group() in own else match.group(),
                                 load_orders.texts(value))
    text = STOCK.sub(r"\1<n>", SECONDS.sub(r"\1\2<time>", RFC3339.sub("<time>", text)))
    return len(text) if isinstance(value, bytes) and "item" not in column and "{" not in text else text


# Kept only if the provider's message overtook its answer and was news (services/payments/webhook.c): some orders have
# such rows, and some have not.
NOT_OF_EVERY_ORDER = ("payments", "provider_events")


def shape(template, columns):
    """The rows of one order as a list that two orders can be compared by."""
    own = set(template.tokens)
    rows = []
    for place, row in template.rows:
        if place == NOT_OF_EVERY_ORDER:
            continue
        skipped = {"seq", "version"} if place[1] in ("outbox", "kv_row") else set()
        rows.append((place, tuple((column, normal(value, column, own)) for column, value in zip(columns[place], row)
                                  if column not in skipped)))
    return sorted(rows, key=repr)


class Guests(unittest.TestCase):
    """Orders of one kind of buyer."""

    @classmethod
    def sign_in(cls):
        """How the buyer is known to the shop."""
        return {}

    @classmethod
    def setUpClass(cls):
        cls.shop = Shop(LOG_LEVEL="error")
        cls.addClassCleanup(cls.shop.close)
        cls.shop.start()
        cls.shop.staff("admin")
        cls.buyer = cls.sign_in()
        cls.placed = 0
        cls.sku = cls.shop.sku(1000)
        cls.rest(cls.place())
        cls.real = []
        before = load_orders.snapshot(cls.shop.data)
        for _ in range(REAL):
            cls.restart()
            order = cls.place()
            cls.rest(order)
            after = load_orders.snapshot(cls.shop.data)
            cls.real.append((order, load_orders.Template(before, after)))
            before = after
        load_orders.load_orders(cls.shop.data, cls.real[0][1], 50, days=0)
        cls.loaded = load_orders.Template(before, load_orders.snapshot(cls.shop.data))
        cls.columns = {}
        for name, path in load_orders.databases(cls.shop.data).items():
            database = sqlite3.connect(path)
            for table, (columns, _) in load_orders.tables(database).items():
                cls.columns[name, table] = columns
            database.close()
        cls.restart()

    @classmethod
    def place(cls):
        return cls.shop.buy([(cls.sku, 1)], **cls.buyer)

    @classmethod
    def restart(cls):
        cls.shop.log.close()
        cls.shop.start()

    @classmethod
    def rest(cls, order):
        """Until everything that follows the order is done; then the shop is stopped."""
        cls.placed += 1
        eventually(lambda: len(cls.shop.mails("buyer@mail.example")) >= cls.placed, "the receipt of " + order["id"])
        eventually(lambda: not load_orders.work_left(cls.shop.data), "all that follows " + order["id"])
        cls.shop.stop()

    def one_loaded(self):
        """The rows of the last order that was loaded."""
        template = self.real[0][1]
        deltas = load_orders.spread(50, 0, 0)
        tokens = set(load_orders.tokens_of(template, deltas[-1], 1, 49))
        found = load_orders.Template({}, {})
        found.tokens = sorted(tokens)
        found.rows = [(place, row) for place, row in self.loaded.rows
                      if any(token in tokens for value in row for token in
                             load_orders.TOKEN.findall(load_orders.texts(value)))]
        return found

    def test_each_table_of_a_loaded_order_has_the_rows_of_a_real_one(self):
        loaded = shape(self.one_loaded(), self.columns)
        self.assertGreater(len(loaded), 15)
        shapes = [shape(template, self.columns) for _, template in self.real]
        for other in shapes:
            missing, more = [row for row in other if row not in loaded], [row for row in loaded if row not in other]
            self.assertEqual(other, loaded, "missing %r, more %r" % (missing, more))

    def test_a_loaded_order_has_the_messages_that_its_template_had(self):
        def count(template):
            return [place for place, _ in template.rows].count(NOT_OF_EVERY_ORDER)
        self.assertEqual(count(self.real[0][1]), count(self.one_loaded()))

    def test_every_order_was_loaded_with_ids_of_its_own(self):
        ids = [row[self.columns["orders", "orders"].index("id")] for place, row in self.loaded.rows
               if place == ("orders", "orders")]
        self.assertEqual(50, len(set(ids)))
        self.assertEqual(ids, sorted(ids))

    def test_the_shop_shows_them_as_it_shows_real_ones(self):
        admin = self.shop.staff("admin")
        listed = self.shop.walk("/api/orders/v1/orders?limit=100", "orders", token=admin)
        self.assertGreaterEqual(len(listed), REAL + 1 + 50)

        def bare(order):
            return SECONDS.sub(r"\1", RFC3339.sub("", load_orders.TOKEN.sub(
                lambda match: match.group() if match.group() == self.sku else "", json.dumps(order, sort_keys=True))))
        self.assertEqual(1, len({bare(order) for order in listed}), {bare(order) for order in listed})

    def test_the_shop_goes_on_selling(self):
        self.assertEqual("confirmed", self.place()["status"])


class Customers(Guests):
    @classmethod
    def sign_in(cls):
        return {"token": cls.shop.customer()}


if __name__ == "__main__":
    unittest.main()
