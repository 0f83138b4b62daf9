"""kill -9 of the real binary during checkouts, again and again on one data folder; afterwards everything agrees.

The instants come from a seed (CRASH_SEED, printed on failure). The provider's emulator dies with the shop and is
durable itself. What kill -9 cannot show, a missing fsync, the simulation and the sql port's own tests do.
"""
import collections
import contextlib
import http.client
import os
import pathlib
import random
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from shop import IS_SANITIZED, POLL_S, Shop, eventually, new_key, unbalanced  # noqa: E402

CRASHES = 20
BUYERS = 3
UNITS = 100000
LIFE_MAX_S = 0.35
EARLY_CRASHES = 5  # every so many, the shop is killed while it still starts
END_PATIENCE_S = 60 * (3 if IS_SANITIZED else 1)
SEED = int(os.environ.get("CRASH_SEED", "20240607"))
ORDERS = "/api/orders/v1/orders"
CARDS = ["pm_card_visa"] * 6 + ["pm_card_chargeDeclined", "pm_card_authenticationRequired"]


class Attempt:
    """One checkout: what was sent, and what came back before the shop died (None: nothing)."""

    def __init__(self, lines, card, token):
        self.key, self.lines, self.card, self.token = new_key(), lines, card, token
        self.order = None
        self.email = "%s@mail.example" % self.key
        self.asked_to_cancel = False


class CrashTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.random = random.Random(SEED)
        cls.shop = Shop(PAYMENT_TIMEOUT_MS=3000, RECONCILE_AGE_MS=500, LOG_LEVEL="error")
        cls.addClassCleanup(cls.shop.close)
        cls.shop.start()
        cls.shop.staff("admin")
        cls.person = cls.shop.customer()
        cls.skus = [cls.shop.sku(UNITS, amount=100 * (i + 1)) for i in range(3)]

    def new_attempt(self, dice):
        skus = dice.sample(self.skus, dice.randint(1, 2))
        lines = [(sku, dice.randint(1, 3)) for sku in skus]
        return Attempt(lines, dice.choice(CARDS), self.person if dice.random() < 0.5 else None)

    def send(self, attempt):
        answer = self.shop.place(attempt.lines, attempt.card, key=attempt.key, token=attempt.token,
                                 email=attempt.email)
        if answer.status == 201:
            attempt.order = answer
        return answer

    def shop_around(self, dice, attempts, stop):
        """Checks out, and sometimes cancels, until the shop is gone."""
        while not stop.is_set():
            attempt = self.new_attempt(dice)
            attempts.append(attempt)
            try:
                self.send(attempt)
                if attempt.order and dice.random() < 0.15:
                    attempt.asked_to_cancel = True
                    self.shop.post(ORDERS + "/%s/cancel" % attempt.order.json["id"], token=attempt.token,
                                   guest=attempt.order.json.get("guest_token"))
            except (OSError, http.client.HTTPException):
                return

    def live_and_die(self, number, attempts):
        """One life of the shop: buyers check out until it is killed at a random instant."""
        stop = threading.Event()
        dice = [random.Random(SEED * 1000 + number * 10 + i) for i in range(BUYERS)]
        buyers = [threading.Thread(target=self.shop_around, args=(one, attempts, stop)) for one in dice]
        for buyer in buyers:
            buyer.start()
        time.sleep(self.random.uniform(0.02, LIFE_MAX_S))  # not a wait for anything: the instant is what is random
        self.shop.process.kill()
        self.shop.process.wait()
        stop.set()
        for buyer in buyers:
            buyer.join()
        self.shop.kill()
        if number % EARLY_CRASHES == EARLY_CRASHES - 1:
            self.shop.process = self.shop.spawn(stdout=self.shop.log, stderr=self.shop.log)
            time.sleep(self.random.uniform(POLL_S, 0.3))
            self.shop.kill()
        self.shop.log.close()
        self.shop.start()

    def end_of(self, attempt):
        order = attempt.order.json
        return self.shop.ended(order["id"], attempt.token, order.get("guest_token"), END_PATIENCE_S)

    def check_keys(self, attempts):
        """What was acknowledged is there under its key, bytes and all; what was not is placed now, once."""
        for attempt in attempts:
            first = attempt.order
            again = self.send(attempt)
            self.assertEqual(201, again.status, again)
            if first:
                self.assertEqual(first.body, again.body)
                self.assertEqual("true", again.headers.get("idempotency-replayed"))
            self.assertEqual(again.body, self.send(attempt).body)

    def kept_by_order(self):
        """What the provider took and still has, and how many of its intents took anything, by order."""
        orders = {intent["id"]: intent["metadata"]["order_id"] for intent in
                  self.shop.provider_list("/v1/payment_intents")}
        kept, captured = collections.Counter(), collections.Counter()
        for charge in self.shop.provider_list("/v1/charges"):
            order = orders[charge["payment_intent"]]
            kept[order] += charge["amount_captured"] - charge["amount_refunded"]
            captured[order] += charge["amount_captured"] > 0
        return {order: amount for order, amount in kept.items() if amount}, captured

    def check_money(self, ends):
        expected = {order["id"]: order["total"]["amount"] for order in ends if order["status"] == "confirmed"}
        eventually(lambda: self.kept_by_order()[0] == expected, "the provider's money", END_PATIENCE_S)
        kept, captured = self.kept_by_order()
        self.assertLessEqual(max(captured.values()), 1)

        def balance():
            return sum(entry["amount"] * (1 if entry["account"] == "sales" else -1) for entry in self.shop.ledger()
                       if (entry["account"], entry["direction"]) in (("sales", "credit"), ("refunds", "debit")))
        eventually(lambda: balance() == sum(expected.values()), "the books' agreement", END_PATIENCE_S)
        self.assertEqual([], unbalanced(self.shop.ledger()))
        for order in ends:
            self.assertEqual(order["status"] == "confirmed", order["payment"]["status"] == "captured", order)

    def check_stock(self, ends):
        sold = collections.Counter()
        for order in ends:
            if order["status"] == "confirmed":
                for line in order["lines"]:
                    sold[line["sku_id"]] += line["quantity"]
        for sku in self.skus:
            left = UNITS - sold[sku]
            eventually(lambda: self.shop.stock(sku) == (left, 0, left),
                       "the stock %s of %s" % ((left, 0, left), sku), END_PATIENCE_S)

    def check_mails(self, attempts, ends):
        """The news reached its consumers through stream and queue: one mail of each end.

        A mail whose sending a crash cut may be in the spool twice, under one Message-ID: its receiver drops the second.
        """
        words = {"confirmed": "confirmed", "failed": "could not", "cancelled": "cancelled"}
        expected = {(attempt.email, words[order["status"]]) for attempt, order in zip(attempts, ends)}

        def told():
            return {(to, word, message_id) for to, subject, _, message_id in self.shop.all_mails()
                    for word in words.values() if word in subject}
        eventually(lambda: expected <= {mail[:2] for mail in told()}, "the mails of all orders", END_PATIENCE_S)
        counts = collections.Counter(mail[:2] for mail in told())
        self.assertEqual({}, {mail: count for mail, count in counts.items() if count > 1})
        # Who cancelled a confirmed order had its receipt before.
        others = {mail for mail in counts if mail not in expected and mail[0] in {to for to, _ in expected}}
        self.assertLessEqual(others, {(to, "confirmed") for to, word in expected if word == "cancelled"})

    def test_crash__kill_9_at_random_loses_nothing_and_charges_once(self):
        """20 deaths during checkouts: acknowledged orders exist and end, keys hold, stock, provider and books agree."""
        attempts = []
        for number in range(CRASHES):
            self.live_and_die(number, attempts)
        with self.subTest(seed=SEED):
            acknowledged = [attempt for attempt in attempts if attempt.order]
            self.assertGreater(len(acknowledged), CRASHES)
            self.assertGreater(len(attempts), len(acknowledged), "no crash met a checkout")
            self.check_keys(attempts)
            ends = [self.end_of(attempt) for attempt in attempts]
            ids = {order["id"] for order in ends}
            self.assertEqual(len(attempts), len(ids))
            for attempt, order in zip(attempts, ends):
                allowed = {"pm_card_visa": {"confirmed"}}.get(attempt.card, {"failed"})
                self.assertIn(order["status"], allowed | ({"cancelled"} if attempt.asked_to_cancel else set()), order)
            self.check_money(ends)
            self.check_stock(ends)
            self.check_mails(attempts, ends)
            listed = self.shop.walk(ORDERS + "?limit=100", "orders", token=self.shop.staff("admin"))
            self.assertEqual(ids, {order["id"] for order in listed})


class RefundCrashTest(unittest.TestCase):
    """The shop dies when the provider has given money back and the shop has not heard of it yet."""

    def setUp(self):
        self.shop = Shop(LOG_LEVEL="error")
        self.addCleanup(self.shop.close)
        self.shop.start()
        self.staff = self.shop.staff("support")
        self.payment = self.shop.buy([(self.shop.sku(5, amount=9000), 1)])["payment"]["id"]

    def refund(self, key, amount):
        return self.shop.post("/api/payments/v1/payments/%s/refunds" % self.payment, {"amount": amount},
                              token=self.staff, key=key)

    def refund_and_die(self, key, amount):
        """Holds the provider's answer back, and kills the shop once the money has gone."""
        self.shop.faults(timeout_after_success=1, hold_ms=60000, path="/v1/refunds")

        def ask():
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.refund(key, amount)
        asking = threading.Thread(target=ask)
        asking.start()
        eventually(lambda: self.given_back(), "the refund at the provider")
        self.shop.process.kill()
        self.shop.process.wait()
        asking.join()
        self.shop.kill()
        self.shop.log.close()
        self.shop.start()

    def given_back(self):
        return [refund["amount"] for refund in self.shop.provider_list("/v1/refunds")]

    def test_crash__the_same_key_after_it_is_the_same_refund(self):
        key = new_key()
        self.refund_and_die(key, 500)
        self.assertEqual([500], self.given_back())
        again = self.refund(key, 500)
        self.assertEqual(201, again.status, again)
        self.assertEqual({"amount": 500, "currency": "EUR"}, again.json["amount"])
        self.assertEqual([500], self.given_back())
        self.assertEqual(500, sum(entry["amount"] for entry in self.shop.ledger()
                                  if (entry["account"], entry["direction"]) == ("refunds", "debit")))

    def test_crash__its_key_is_not_for_another_refund(self):
        """No answer was recorded, and still the key is known to be used."""
        key = new_key()
        self.refund_and_die(key, 500)
        refused = self.refund(key, 700)
        self.assertEqual(422, refused.status, refused)
        self.assertEqual("idempotency_key_reused", refused.json["code"])
        self.assertEqual([500], self.given_back())


if __name__ == "__main__":
    unittest.main()
