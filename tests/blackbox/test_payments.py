"""Money over HTTP: the books, refunds, the provider's words, and what the reconciliation repairs."""
import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from case import ShopCase  # noqa: E402
from shop import IS_SANITIZED, PROVIDER_KEY, WEBHOOK_SECRET, eventually, new_key, together, unbalanced  # noqa: E402

PAYMENTS = "/api/payments/v1/payments/"
FACTOR = 3 if IS_SANITIZED else 1
HOLD_MS = 1200 * FACTOR


class PaymentCase(ShopCase):
    def tearDown(self):
        """Whatever a test did, the books balance."""
        self.shop.faults()
        self.assertEqual([], unbalanced(self.shop.ledger()))

    def intents(self, order_id):
        return [intent for intent in self.shop.provider_list("/v1/payment_intents")
                if intent["metadata"].get("order_id") == order_id]

    def charged(self, order_id):
        """What the provider took for an order, in all its intents."""
        return [intent["amount_received"] for intent in self.intents(order_id) if intent["amount_received"]]

    def booked(self):
        return [(entry["account"], entry["direction"], entry["amount"]) for entry in self.shop.ledger()]

    def buy(self, *method, **options):
        return self.shop.buy([(self.shop.sku(5), 1)], *method, **options)

    def payment(self, order):
        answer = self.shop.get(PAYMENTS + order["payment"]["id"], token=self.shop.staff("support"))
        return self.assertStatus(answer, 200)

    def actions(self, kind, reference):
        """What the reconciliation says of it: nothing, or one word."""
        return [finding["action"] for finding in self.shop.walk("/api/payments/v1/findings", "findings",
                                                                token=self.shop.staff("admin"))
                if (finding["kind"], finding["reference"]) == (kind, reference)]

    def finding(self, kind, reference, action):
        eventually(lambda: self.actions(kind, reference) == [action],
                   "the finding %s of %s: %s" % (kind, reference, action), 60 * FACTOR)


class RefundTest(PaymentCase):
    def refund(self, order, amount=None, key=None):
        return self.shop.post(PAYMENTS + order["payment"]["id"] + "/refunds",
                              {} if amount is None else {"amount": amount},
                              token=self.shop.staff("support"), key=key or new_key())

    def test_refund__in_parts_and_never_more_than_was_paid(self):
        """Two parts, a refusal of more than is left, then the rest; each part once at the provider and in the books."""
        order = self.buy()
        total, before = order["total"]["amount"], len(self.booked())
        self.assertStatus(self.refund(order, 100), 201)
        self.assertStatus(self.refund(order, 200), 201)
        self.assertEqual((300, "partially_refunded"),
                         (self.payment(order)["refunded"]["amount"], self.payment(order)["status"]))
        refused = self.refund(order, total - 299)
        self.assertIn(refused.status, (400, 409, 422))
        self.assertProblem(refused, refused.status)
        self.assertStatus(self.refund(order), 201)
        self.assertEqual((total, "refunded"),
                         (self.payment(order)["refunded"]["amount"], self.payment(order)["status"]))
        refused = self.refund(order)
        self.assertIn(refused.status, (400, 409, 422))
        for account, direction in (("refunds", "debit"), ("provider_receivable", "credit")):
            self.assertEqual([(account, direction, amount) for amount in (100, 200, total - 300)],
                             [row for row in self.booked()[before:] if row[:2] == (account, direction)])
        intent = self.intents(order["id"])[0]
        refunds = [refund["amount"] for refund in self.shop.provider_list("/v1/refunds")
                   if refund["payment_intent"] == intent["id"]]
        self.assertEqual([100, 200, total - 300], sorted(refunds, key=[100, 200, total - 300].index))

    def test_refund__the_same_key_gives_back_once(self):
        order, key = self.buy(), new_key()
        first = self.refund(order, 100, key)
        self.assertStatus(first, 201)
        again = self.refund(order, 100, key)
        self.assertEqual((first.body, "true"), (again.body, again.headers.get("idempotency-replayed")))
        self.assertProblem(self.refund(order, 101, key), 422)
        self.assertEqual(100, self.payment(order)["refunded"]["amount"])

    def test_refund__what_cannot_be_is_refused(self):
        order = self.buy()
        for amount in (0, -5, 1.5, "10"):
            self.assertProblem(self.refund(order, amount), 400, pointer="/amount")
        self.assertProblem(self.refund({"payment": {"id": "none"}}, 1), 404)
        self.assertProblem(self.shop.get(PAYMENTS + "none", token=self.shop.staff("support")), 404)
        self.assertEqual("captured", self.payment(order)["status"])

    def test_refund__two_at_one_moment_never_give_back_more_than_all(self):
        """Ten members of the staff give back six tenths each: one succeeds."""
        order = self.buy()
        amount = order["total"]["amount"] * 6 // 10
        self.shop.staff("support")
        statuses = [answer.status for answer in together(10, lambda number: self.refund(order, amount))]
        self.assertEqual(1, statuses.count(201), statuses)
        self.assertEqual(amount, self.payment(order)["refunded"]["amount"])


class WebhookTest(PaymentCase):
    def test_webhook__without_the_providers_signature_is_refused(self):
        """Another secret, no signature, an old one, a changed body: a 4xx problem, and the order stays as it is."""
        order = self.assertStatus(self.shop.place([(self.shop.sku(5), 1)], "pm_card_authenticationRequired"), 201)
        intent = eventually(lambda: self.intents(order["id"]), "the intent")[0]
        event = {"id": "evt_forged", "object": "event", "type": "payment_intent.succeeded",
                 "data": {"object": {**intent, "status": "succeeded", "amount_received": intent["amount"]}}}
        path, now = "/api/payments/v1/webhooks/stripe", time.time()
        answers = [self.shop.webhook(event, secret="whsec_other"), self.shop.webhook(event, at=now - 3600),
                   self.shop.webhook(event, secret=""), self.shop.post(path, event),
                   self.shop.post(path, event, headers={"Stripe-Signature": "t=%d,v1=00" % now}),
                   self.shop.post(path, event, headers={"Stripe-Signature": "x" * 300}), self.shop.webhook(b"not json")]
        for answer in answers:
            self.assertIn(answer.status, (400, 401, 403), answer)
            self.assertProblem(answer, answer.status)
        self.assertEqual("pending", self.shop.order(order["id"], guest=order["guest_token"])["status"])

    def test_webhook__repeated_late_and_backwards_changes_nothing(self):
        """Every event that the provider ever sent, twice more and in reverse order."""
        orders = [self.buy() for _ in range(3)]
        self.assertStatus(self.shop.post(PAYMENTS + orders[0]["payment"]["id"] + "/refunds", {"amount": 50},
                                         token=self.shop.staff("support"), key=new_key()), 201)
        eventually(lambda: len(self.shop.ledger()) % 2 == 0, "the books")
        before = self.booked()
        events = self.shop.provider_list("/v1/events")
        self.assertGreaterEqual(len(events), 6)
        for event in events + events:
            self.assertEqual(200, self.shop.webhook(event).status)
        self.assertEqual(before, self.booked())
        for order in orders:
            now = self.shop.order(order["id"], guest=order["guest_token"])
            self.assertEqual("confirmed", now["status"])
            self.assertEqual([order["total"]["amount"]], self.charged(order["id"]))

    def test_webhook__duplicated_delayed_and_shuffled_by_the_provider(self):
        self.shop.faults(webhook_duplicates=3, webhook_reorder=True, webhook_delay_ms=100)
        for _ in range(3):
            order = self.buy()
            self.assertEqual("confirmed", order["status"])
            self.assertEqual([order["total"]["amount"]], self.charged(order["id"]))


class ProviderTroubleTest(PaymentCase):
    settings = {"STRIPE_TIMEOUT_MS": 300 * FACTOR}

    def check_one_charge(self, **faults):
        before = len(self.booked())
        self.shop.faults(hold_ms=HOLD_MS, **faults)
        order = self.buy()
        self.assertEqual("confirmed", order["status"], order)
        self.assertEqual([order["total"]["amount"]], self.charged(order["id"]))
        self.assertEqual(before + 2, len(self.booked()))

    def test_trouble__a_time_out_after_success_charges_once(self):
        """The provider does it and its answer is lost: the same key finds it done, for each step."""
        for path in ("/v1/payment_intents", "/capture"):
            with self.subTest(path=path):
                self.check_one_charge(timeout_after_success=1, path=path)

    def test_trouble__a_request_that_got_lost_is_sent_again(self):
        self.check_one_charge(lost=1)

    def test_trouble__errors_of_the_provider_are_outlasted(self):
        self.check_one_charge(errors=2, error_status=500)

    def test_trouble__a_refund_whose_answer_is_lost_is_made_once(self):
        order = self.buy()
        self.shop.faults(hold_ms=HOLD_MS, timeout_after_success=1, path="/v1/refunds")
        answer = self.shop.post(PAYMENTS + order["payment"]["id"] + "/refunds", {"amount": 100},
                                token=self.shop.staff("support"), key=new_key())
        self.assertStatus(answer, 201)
        path = PAYMENTS + order["payment"]["id"]
        eventually(lambda: self.shop.get(path, token=self.shop.staff("support")).json["status"] == "partially_refunded",
                   "the refund's booking")
        intent = self.intents(order["id"])[0]["id"]
        self.assertEqual([100], [refund["amount"] for refund in self.shop.provider_list("/v1/refunds")
                                 if refund["payment_intent"] == intent])


class ReconciliationTest(PaymentCase):
    settings = {"RECONCILE_AGE_MS": 500}

    def test_reconciliation__returns_a_charge_without_an_order(self):
        """Money and a hold at the provider that no order knows: both go back by themselves, and are written down."""
        form = {"amount": 777, "currency": "eur", "payment_method": "pm_card_visa", "confirm": "true",
                "metadata[order_id]": "never-placed"}
        charged = self.shop.provider("POST", "/v1/payment_intents", form, new_key()).json
        held = self.shop.provider("POST", "/v1/payment_intents", {**form, "capture_method": "manual"}, new_key()).json
        self.assertEqual(("succeeded", "requires_capture"), (charged["status"], held["status"]))
        for intent in (charged, held):
            self.finding("charge_without_order", intent["id"], "returned")
        refunds = eventually(lambda: [refund["amount"] for refund in self.shop.provider_list("/v1/refunds")
                                      if refund["payment_intent"] == charged["id"]], "the refund")
        self.assertEqual([777], refunds)
        path = "/v1/payment_intents/" + held["id"]
        eventually(lambda: self.shop.provider("GET", path).json["status"] == "canceled", "the hold's end")

    def test_reconciliation__learns_what_a_lost_webhook_would_have_said(self):
        """The customer approves and the provider's event never comes: confirmed all the same, charged once."""
        order = self.assertStatus(self.shop.place([(self.shop.sku(5), 1)], "pm_card_authenticationRequired"), 201)
        guest = order["guest_token"]
        def waiting():
            now = self.shop.order(order["id"], guest=guest)
            return now if now["payment"].get("next_action") else None
        waiting = eventually(waiting, "3-D Secure")
        self.shop.faults(webhook_drop=1000)
        self.shop.challenge(waiting, "approve")
        self.assertEqual("confirmed", self.shop.ended(order["id"], guest=guest, patience_s=60 * FACTOR)["status"])
        self.assertEqual([order["total"]["amount"]], self.charged(order["id"]))


class OwedMoneyTest(PaymentCase):
    """Money that the shop is to give back by itself, while the provider refuses or the bank sends it back."""
    settings = {"RECONCILE_AGE_MS": 1000}

    def cancel(self, order):
        path = "/api/orders/v1/orders/%s/cancel" % order["id"]
        return self.assertStatus(self.shop.post(path, guest=order["guest_token"], key=new_key(),
                                                headers={"Prefer": "wait=1"}), 200)

    def see(self, order):
        return self.shop.order(order["id"], guest=order["guest_token"])

    def refunds(self, order):
        """The statuses of an order's refunds at the provider, oldest first."""
        intent = self.intents(order["id"])[0]["id"]
        return [refund["status"] for refund in reversed(self.shop.provider_list("/v1/refunds"))
                if refund["payment_intent"] == intent]

    def test_owed__a_refused_refund_is_asked_for_again(self):
        """The order says that it is being cancelled, keeps its stock and is not sent; all of it ends by itself."""
        sku, before = self.shop.sku(5), len(self.booked())
        order = self.shop.buy([(sku, 2)])
        self.shop.faults(errors=1000, error_status=400, path="/refunds")
        seen = self.cancel(order)
        self.assertEqual(("confirmed", True, "captured"),
                         (seen["status"], seen.get("cancel_requested"), seen["payment"]["status"]))
        self.finding("refund_failed", order["id"], "returning")
        eventually(lambda: self.payment(order).get("next_refund_at"), "the next try's time")
        self.assertEqual("captured", self.payment(order)["status"])
        refused = self.shop.post("/api/orders/v1/orders/%s/fulfil" % order["id"], token=self.shop.staff("support"),
                                 key=new_key())
        self.assertIn("is being cancelled", self.assertProblem(refused, 409, "not_fulfillable")["detail"])
        self.assertEqual((3, 0, 3), self.shop.stock(sku))
        self.assertEqual(before + 2, len(self.booked()))
        self.shop.faults()
        ended = eventually(lambda: self.see(order) if self.see(order)["status"] == "cancelled" else None,
                           "the cancellation's end", 90 * FACTOR)
        self.assertEqual(("refunded", None), (ended["payment"]["status"], ended.get("cancel_requested")))
        self.assertEqual(["returned"], self.actions("refund_failed", order["id"]))
        self.assertNotIn("next_refund_at", self.payment(order))
        self.assertEqual((5, 0, 5), self.shop.stock(sku))
        self.assertEqual(["succeeded"], self.refunds(order))
        self.assertEqual(before + 4, len(self.booked()))

    def test_owed__a_cancellation_goes_on_after_a_crash(self):
        order = self.buy()
        self.shop.faults(errors=1000, error_status=400, path="/refunds")
        self.cancel(order)
        self.finding("refund_failed", order["id"], "returning")
        self.shop.kill()
        self.shop.start()  # which heals the emulator, too
        eventually(lambda: self.see(order)["status"] == "cancelled", "the cancellation's end", 90 * FACTOR)
        self.assertEqual(["returned"], self.actions("refund_failed", order["id"]))
        self.assertEqual(["succeeded"], self.refunds(order))

    def test_owed__a_refund_that_fails_later_is_made_again_and_again(self):
        """A card that sends each refund back: it is tried later each time, and no two refunds are alive at once."""
        order = self.buy("pm_card_refundFail")
        self.assertEqual("cancelled", self.cancel(order)["status"])
        eventually(lambda: self.refunds(order).count("failed") >= 2, "two refunds that failed", 90 * FACTOR)
        eventually(lambda: self.see(order)["payment"]["status"] == "captured", "the money's return", 30 * FACTOR)
        self.finding("refund_failed", order["id"], "returning")
        statuses = self.refunds(order)
        self.assertLessEqual(len(statuses) - statuses.count("failed"), 1, statuses)
        self.assertEqual("cancelled", self.see(order)["status"])

    def test_owed__a_pending_refund_is_waited_for(self):
        order = self.buy("pm_card_pendingRefund")
        self.shop.faults(refund_turn_ms=3000)
        seen = self.cancel(order)
        self.assertEqual(("confirmed", True, "captured"),
                         (seen["status"], seen.get("cancel_requested"), seen["payment"]["status"]))
        ended = eventually(lambda: self.see(order) if self.see(order)["status"] == "cancelled" else None,
                           "the cancellation's end", 90 * FACTOR)
        self.assertEqual("refunded", ended["payment"]["status"])
        self.assertEqual(["succeeded"], self.refunds(order))
        self.assertEqual([], self.actions("refund_failed", order["id"]))

    def test_owed__a_stray_charge_is_returned_when_it_is_back(self):
        self.shop.faults(errors=1000, error_status=400, path="/refunds")
        form = {"amount": 777, "currency": "eur", "payment_method": "pm_card_visa", "confirm": "true"}
        charged = self.shop.provider("POST", "/v1/payment_intents", form, new_key()).json["id"]
        self.finding("charge_without_order", charged, "returning")
        self.finding("refund_failed", charged, "returning")
        self.shop.faults()
        self.finding("charge_without_order", charged, "returned")
        self.finding("refund_failed", charged, "returned")

    def test_owed__a_staffs_own_refund_that_failed_stays_so(self):
        order, key = self.buy(), new_key()
        self.shop.faults(errors=1, error_status=400, path="/refunds")
        ask = lambda: self.shop.post(PAYMENTS + order["payment"]["id"] + "/refunds", {"amount": 100},  # noqa: E731
                                     token=self.shop.staff("support"), key=key)
        self.assertEqual("failed", self.assertStatus(ask(), 201)["status"])
        self.assertEqual("failed", self.assertStatus(ask(), 201)["status"])
        self.assertEqual([], self.refunds(order))
        self.assertEqual("captured", self.payment(order)["status"])
        self.assertNotIn("next_refund_at", self.payment(order))

    def test_owed__a_blocked_payment_fails_and_owes_nothing(self):
        """Blocked by the provider before a bank is asked: failed, and why."""
        blocked = self.buy("pm_card_radarBlock")
        self.assertEqual(("failed", "fraudulent", "failed"),
                         (blocked["status"], blocked["failure"]["code"], blocked["payment"]["status"]))


class LedgerTest(PaymentCase):
    def test_ledger__has_two_sides_of_every_movement_and_pages(self):
        """A capture debits what the provider owes and credits sales; pages show each entry once, oldest first."""
        orders = [self.buy() for _ in range(4)]
        entries = self.shop.ledger()
        for order in orders:
            amount = order["total"]["amount"]
            self.assertTrue([e for e in entries if (e["account"], e["direction"], e["amount"], e["currency"])
                             == ("sales", "credit", amount, "EUR")])
        admin = self.shop.staff("admin")
        for limit in (1, 3):
            paged = self.shop.walk("/api/payments/v1/ledger?limit=%d" % limit, "entries", token=admin)
            self.assertEqual(entries, paged)
        self.assertEqual(sorted(e["id"] for e in entries), [e["id"] for e in entries])
        for query in ("?limit=101", "?cursor=invented", "?account=sales"):
            self.assertProblem(self.shop.get("/api/payments/v1/ledger" + query, token=admin), 400)

    def test_ledger__its_cursor_is_no_other_lists(self):
        self.buy()
        admin = self.shop.staff("admin")
        cursor = self.shop.get("/api/payments/v1/ledger?limit=1", token=admin).json["next_cursor"]
        for path, status in (("ledger", 200), ("findings", 400)):
            answer = self.shop.get("/api/payments/v1/%s?limit=1&cursor=%s" % (path, cursor), token=admin)
            self.assertEqual(status, answer.status, answer)

    def test_ledger__secrets_and_cards_are_nowhere_in_the_log(self):
        self.buy()
        log = self.shop.log_text()
        for secret in (PROVIDER_KEY, WEBHOOK_SECRET, self.shop.staff("admin").token, "4242424242424242"):
            self.assertNotIn(secret, log)
        self.assertNotIn(json.dumps(PROVIDER_KEY), log)


if __name__ == "__main__":
    unittest.main()
