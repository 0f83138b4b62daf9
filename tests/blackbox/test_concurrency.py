"""Many at one moment: a scarce article, and one order that is sent again and again."""
import collections
import pathlib
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from case import ShopCase  # noqa: E402
from shop import eventually, new_key, together, unbalanced  # noqa: E402

BUYERS = 64
UNITS = 100
ATTEMPTS = 10000
SUBMITS = 32
ORDERS = "/api/orders/v1/orders"


class Reader(threading.Thread):
    """Looks at a SKU's stock, by both of its addresses, until it is told to stop; keeps what was wrong."""

    def __init__(self, shop, product):
        super().__init__()
        self.shop, self.product, self.sku = shop, product, product["skus"][0]["id"]
        self.stopped = threading.Event()
        self.wrong, self.looks = [], 0

    def run(self):
        while not self.stopped.is_set():
            on_hand, reserved, available = self.shop.stock(self.sku)
            shown = self.shop.get("/api/catalog/v1/products/" + self.product["id"]).json["skus"][0]["available"]
            if on_hand < 0 or reserved < 0 or available != on_hand - reserved or available < 0 or shown < 0:
                self.wrong.append((on_hand, reserved, available, shown))
            self.looks += 1


class ConcurrencyTest(ShopCase):
    settings = {"LOG_LEVEL": "error"}

    def sales(self):
        return [entry["amount"] for entry in self.shop.ledger() if entry["account"] == "sales"]

    def test_concurrency__64_buyers_of_100_units_in_10000_attempts_buy_exactly_100(self):
        """Never one more, never one less; and who looks meanwhile never sees less than nothing available."""
        product = self.shop.product((UNITS,))
        sku = product["skus"][0]["id"]
        sold_before = len(self.sales())
        reader = Reader(self.shop, product)
        reader.start()
        statuses = collections.Counter()
        placed, lock = [], threading.Lock()

        def buy(number):
            for _ in range(number, ATTEMPTS, BUYERS):
                answer = self.shop.place([(sku, 1)])
                with lock:
                    statuses[answer.status] += 1
                    if answer.status == 201:
                        placed.append(answer.json)
        try:
            together(BUYERS, buy)
        finally:
            reader.stopped.set()
            reader.join()
        self.assertEqual({201, 409}, set(statuses), statuses)
        self.assertEqual(ATTEMPTS, sum(statuses.values()))
        ended = collections.Counter(self.shop.ended(order["id"], guest=order["guest_token"])["status"]
                                    for order in placed)
        self.assertEqual(UNITS, ended["confirmed"], ended)
        self.assertEqual({"confirmed", "failed"}, set(ended) | {"failed"})
        self.assertEqual((0, 0, 0), self.shop.stock(sku))
        self.assertEqual([], reader.wrong)
        self.assertGreater(reader.looks, 10)
        total = placed[0]["total"]["amount"]
        self.assertEqual([total] * UNITS, self.sales()[sold_before:])
        self.assertEqual([], unbalanced(self.shop.ledger()))

    def test_concurrency__32_submits_with_one_key_are_one_order_and_one_charge(self):
        """Each gets the one order or is told that it still runs; asked again, all get the same bytes."""
        for who in ({"token": self.shop.customer()}, {}):
            with self.subTest(who="guest" if not who else "customer"):
                sku, key, sold_before = self.shop.sku(50), new_key(), len(self.sales())
                answers = together(SUBMITS, lambda number: self.shop.place([(sku, 1)], key=key, **who))
                self.assertLessEqual({answer.status for answer in answers}, {201, 409}, answers)
                ids = {answer.json["id"] for answer in answers if answer.status == 201}
                self.assertEqual(1, len(ids))
                again = self.shop.place([(sku, 1)], key=key, **who)
                self.assertEqual(ids, {self.assertStatus(again, 201)["id"]})
                order = self.shop.ended(again.json["id"], guest=again.json.get("guest_token"), **who)
                self.assertEqual("confirmed", order["status"])
                self.assertEqual((49, 0, 49), self.shop.stock(sku))
                intents = [intent for intent in self.shop.provider_list("/v1/payment_intents")
                           if intent["metadata"].get("order_id") == order["id"]]
                self.assertEqual([(order["total"]["amount"], "succeeded")],
                                 [(intent["amount_received"], intent["status"]) for intent in intents])
                self.assertEqual([order["total"]["amount"]], self.sales()[sold_before:])

    def test_concurrency__cancelling_at_any_stage_gives_everything_back(self):
        """Orders cancelled while they confirm: each ends so, and the shop keeps neither money nor stock."""
        sku, orders = self.shop.sku(1000), set()

        def place_and_cancel(number):
            placed = self.shop.place([(sku, 1)]).json
            guest = placed["guest_token"]
            answer = self.shop.post(ORDERS + "/%s/cancel" % placed["id"], guest=guest)
            self.assertEqual(200, answer.status, answer)
            orders.add(self.shop.becomes(placed["id"], "cancelled", guest=guest)["id"])
        together(16, place_and_cancel)
        eventually(lambda: self.shop.stock(sku) == (1000, 0, 1000), "the stock's return")
        intents = {intent["id"]: intent for intent in self.shop.provider_list("/v1/payment_intents")
                   if intent["metadata"].get("order_id") in orders}
        self.assertLessEqual({intent["status"] for intent in intents.values()}, {"canceled", "succeeded"})
        kept = sum(charge["amount_captured"] - charge["amount_refunded"]
                   for charge in self.shop.provider_list("/v1/charges") if charge["payment_intent"] in intents)
        self.assertEqual(0, kept)
        self.assertEqual([], unbalanced(self.shop.ledger()))


if __name__ == "__main__":
    unittest.main()
