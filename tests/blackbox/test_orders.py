"""Orders over HTTP: placed, paid, cancelled, fulfilled; and what never moves."""
import json
import pathlib
import sys
import time
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from case import ShopCase  # noqa: E402
from shop import IS_SANITIZED, eventually, new_email, new_key, unbalanced  # noqa: E402

ORDERS = "/api/orders/v1/orders"
GIVEN_BACK_S = 3 if IS_SANITIZED else 1


class OrderCase(ShopCase):
    def asked_to_act(self, order_id, **who):
        """The order, once its payment waits for its customer."""
        def question():
            order = self.shop.order(order_id, **who)
            self.assertEqual("pending", order["status"], order)
            return order if order["payment"].get("next_action") else None
        return eventually(question, "3-D Secure of " + order_id)

    def place_secured(self, sku, **who):
        order = self.assertStatus(self.shop.place([(sku, 1)], "pm_card_authenticationRequired", **who), 201)
        guest = None if who.get("token") else order["guest_token"]
        return self.asked_to_act(order["id"], guest=guest, **who), guest

    def booked(self, account, direction):
        return sum(entry["amount"] for entry in self.shop.ledger()
                   if (entry["account"], entry["direction"]) == (account, direction))


class PlaceTest(OrderCase):
    def test_place__a_customer_and_a_guest(self):
        """201 at once with prices, shipping and total; confirmed soon, the money captured, the stock gone."""
        person = self.shop.customer()
        for who in ({"token": person}, {}):
            with self.subTest(who=who):
                sku = self.shop.sku(5, amount=1250)
                placed = self.assertStatus(self.shop.place([(sku, 2)], shipping_method="express", **who), 201)
                guest = placed.get("guest_token")
                self.assertEqual(not who, bool(guest))
                self.assertIn(placed["status"], ("pending", "confirmed"))
                line = placed["lines"][0]
                self.assertEqual((sku, 2, 1250, 2500), (line["sku_id"], line["quantity"], line["price"]["amount"],
                                                        line["line_total"]["amount"]))
                shipping = placed["shipping"]["price"]["amount"]
                self.assertEqual({"amount": 2500 + shipping, "currency": "EUR"}, placed["total"])
                order = self.shop.ended(placed["id"], guest=guest, **who)
                self.assertEqual(("confirmed", "captured"), (order["status"], order["payment"]["status"]))
                self.assertNotIn("failure", order)
                self.assertNotIn("guest_token", order)
                self.assertEqual((3, 0, 3), self.shop.stock(sku))

    def test_place__prefer_wait_answers_with_the_final_status(self):
        order = self.assertStatus(self.shop.place([(self.shop.sku(5), 1)], wait=20), 201)
        self.assertEqual("confirmed", order["status"])
        order = self.assertStatus(self.shop.place([(self.shop.sku(5), 1)], "pm_card_chargeDeclined", wait=20), 201)
        self.assertEqual("failed", order["status"])

    def test_place__needs_a_key(self):
        body = self.shop.order_body([(self.shop.sku(5), 1)])
        self.assertProblem(self.shop.post(ORDERS, body), 400)
        self.assertProblem(self.shop.post(ORDERS, body, key="guessable"), 400)

    def test_place__the_same_key_places_one(self):
        """The first answer's bytes again; another body is a 422; another customer's same key is another order."""
        sku, key, person = self.shop.sku(10), new_key(), self.shop.customer()
        for who in ({"token": person}, {}):
            first = self.shop.place([(sku, 1)], key=key, **who)
            self.assertStatus(first, 201)
            again = self.shop.place([(sku, 1)], key=key, **who)
            self.assertEqual((201, first.body, "true"),
                             (again.status, again.body, again.headers.get("idempotency-replayed")))
            self.assertProblem(self.shop.place([(sku, 2)], key=key, **who), 422)
            self.shop.ended(first.json["id"], guest=first.json.get("guest_token"), **who)
        self.assertEqual((8, 0, 8), self.shop.stock(sku))

    def test_place__prices_are_the_shops(self):
        """A price, total or status that the client sends is a field that nobody knows: 400, and nothing is written."""
        sku = self.shop.sku(5)
        money = {"amount": 1, "currency": "EUR"}
        for pointer, fields in {"/total": {"total": money}, "/status": {"status": "confirmed"},
                                "/items/0/price": {"items": [{"sku_id": sku, "quantity": 1, "price": money}]},
                                "/payment/amount": {"payment": {"payment_method": "pm_card_visa", "amount": 1}},
                                "/shipping": {"shipping": {"price": money}}}.items():
            with self.subTest(pointer=pointer):
                self.assertProblem(self.shop.place([(sku, 1)], **fields), 400, pointer=pointer)
        self.assertEqual((5, 0, 5), self.shop.stock(sku))

    def test_place__two_lines_of_one_sku_are_summed(self):
        """Two and two of three units are four: refused; of four units they are sold as one line."""
        sku = self.shop.sku(3)
        self.assertProblem(self.shop.place([(sku, 2), (sku, 2)]), 409)
        self.assertEqual((3, 0, 3), self.shop.stock(sku))
        self.shop.set_stock(sku, 4)
        order = self.shop.buy([(sku, 2), (sku, 2)])
        self.assertEqual(("confirmed", [(sku, 4)]),
                         (order["status"], [(line["sku_id"], line["quantity"]) for line in order["lines"]]))
        self.assertEqual((0, 0, 0), self.shop.stock(sku))

    def test_place__too_little_stock_is_a_409_before_anything_is_written(self):
        """No order, no charge, no reservation of the line that would have been possible; and the key is not used up."""
        scarce, plenty, person, key = self.shop.sku(1), self.shop.sku(10), self.shop.customer(), new_key()
        intents = len(self.shop.provider_list("/v1/payment_intents"))
        self.assertProblem(self.shop.place([(plenty, 1), (scarce, 2)], token=person, key=key), 409)
        self.assertEqual([], self.shop.walk(ORDERS, "orders", token=person))
        self.assertEqual(intents, len(self.shop.provider_list("/v1/payment_intents")))
        self.assertEqual([(10, 0, 10), (1, 0, 1)], [self.shop.stock(sku) for sku in (plenty, scarce)])

    def test_place__bad_bodies_are_refused_by_name(self):
        sku = self.shop.sku(5)
        address = self.shop.order_body([])["shipping_address"]
        cases = [({"items": []}, None), ({"items": [{"sku_id": "none", "quantity": 1}]}, None),
                 ({"items": [{"sku_id": sku, "quantity": 0}]}, "/items/0/quantity"),
                 ({"items": [{"sku_id": sku, "quantity": 10 ** 12}]}, "/items/0/quantity"),
                 ({"email": "nobody"}, "/email"), ({"payment": {}}, "/payment/payment_method"),
                 ({"shipping_address": {**address, "country": "Germany"}}, "/shipping_address/country"),
                 ({"shipping_address": {**address, "city": ""}}, "/shipping_address/city"),
                 ({"shipping_method": "teleport"}, "/shipping_method"), ({"cart_id": "mine"}, None),
                 ({"items": [{"sku_id": sku, "quantity": 1}] * 101}, "/items")]
        for fields, pointer in cases:
            with self.subTest(fields=str(fields)[:80]):
                self.assertProblem(self.shop.place([(sku, 1)], **fields), 400, pointer=pointer)
        self.assertEqual((5, 0, 5), self.shop.stock(sku))

    def test_place__a_card_number_is_refused_and_not_repeated(self):
        number = "4242 4242 4242 4242"
        for text in (number, number.replace(" ", ""), "card " + number):
            answer = self.shop.place([(self.shop.sku(3), 1)], text)
            self.assertProblem(answer, 400, "card_number", "/payment/payment_method")
            self.assertNotIn(b"4242", answer.body)

    def test_place__a_guests_token_cannot_be_guessed(self):
        self.assertProblem(self.shop.get(ORDERS, guest="x"), 400, "invalid_guest_token")

    def test_place__shipping_methods_by_country(self):
        """The cheapest is taken when none is named; one that does not go there is refused."""
        path = "/api/orders/v1/shipping-methods?country="
        for country in ("DE", "FR", "NZ"):
            methods = self.assertStatus(self.shop.get(path + country), 200)["shipping_methods"]
            cheapest = min(method["price"]["amount"] for method in methods)
            address = {**self.shop.order_body([])["shipping_address"], "country": country}
            order = self.assertStatus(self.shop.place([(self.shop.sku(5), 1)], shipping_address=address), 201)
            self.assertEqual(cheapest, order["shipping"]["price"]["amount"])
        self.assertProblem(self.shop.get(path + "Germany"), 400, pointer="?country")
        self.assertProblem(self.shop.get("/api/orders/v1/shipping-methods"), 400, pointer="?country")

    def test_place__a_declined_card_gives_its_stock_back(self):
        """The order fails and says why; what it held can be bought again in less than a second; nothing is booked."""
        sku, booked = self.shop.sku(2), len(self.shop.ledger())
        started = time.monotonic()
        order = self.shop.buy([(sku, 2)], "pm_card_chargeDeclined")
        eventually(lambda: self.shop.stock(sku) == (2, 0, 2), "the stock's return")
        took = time.monotonic() - started
        self.assertEqual("failed", order["status"])
        self.assertTrue(order["failure"]["code"] and order["failure"]["message"], order)
        self.assertLess(took, GIVEN_BACK_S)
        self.assertEqual(booked, len(self.shop.ledger()))

    def test_place__the_customer_is_told_by_mail(self):
        """A receipt with its lines, the reason of a failure, a cancellation: one mail each."""
        cases = (("pm_card_visa", False, "confirmed", "Total: 23.90 EUR"),
                 ("pm_card_chargeDeclined", False, "could not", "declined"),
                 ("pm_card_visa", True, "cancelled", "on its way back"))
        for card, cancels, subject, words in cases:
            email = new_email()
            order = self.shop.buy([(self.shop.sku(5), 2)], card, email=email)
            if cancels:
                self.shop.post(ORDERS + "/%s/cancel" % order["id"], guest=order["guest_token"])
            mail = eventually(lambda: [m for m in self.shop.mails(email) if subject in m[0]], "mail: " + subject)
            self.assertEqual(1, len(mail))
            self.assertIn(words, mail[0][1])
            self.assertIn(order["id"], mail[0][1])

    def test_place__every_test_card_of_a_decline_fails(self):
        for method in ("pm_card_chargeDeclinedInsufficientFunds", "pm_card_chargeDeclinedExpiredCard",
                       "pm_card_chargeDeclinedIncorrectCvc", "pm_card_of_nobody"):
            with self.subTest(method=method):
                self.assertEqual("failed", self.shop.buy([(self.shop.sku(1), 1)], method)["status"])


class CurrencyTest(OrderCase):
    def addressed(self, country):
        return {**self.shop.order_body([])["shipping_address"], "country": country}

    def prices(self, order):
        """(the lines' and the shipping's currencies, the lines' prices, whether the sum is right)"""
        lines = [line["price"] for line in order["lines"]]
        money = lines + [line["line_total"] for line in order["lines"]] + [order["shipping"]["price"]]
        self.assertEqual({order["total"]["currency"]}, {amount["currency"] for amount in money})
        self.assertEqual(order["total"]["amount"], order["shipping"]["price"]["amount"] +
                         sum(line["line_total"]["amount"] for line in order["lines"]))
        return order["total"]["currency"], [price["amount"] for price in lines]

    def test_currency__is_the_requests_to_the_last_book(self):
        """Lines, shipping, total, the provider's charge and the ledger are all in the currency that was asked for."""
        prices = [("USD", 13991), ("JPY", 18037)]  # of no other order, whose entries may come meanwhile
        sku = self.shop.priced_sku(prices)
        for currency, amount in prices:
            with self.subTest(currency=currency):
                order = self.shop.buy([(sku, 2)], currency=currency)
                self.assertEqual(("confirmed", (currency, [amount])), (order["status"], self.prices(order)))
                intents = [intent for intent in self.shop.provider_list("/v1/payment_intents")
                           if intent["metadata"].get("order_id") == order["id"]]
                self.assertEqual([(order["total"]["amount"], currency.lower())],
                                 [(intent["amount_received"], intent["currency"]) for intent in intents])
                self.assertEqual([currency] * 2, [entry["currency"] for entry in self.shop.ledger()
                                                  if entry["amount"] == order["total"]["amount"]])
                self.assertEqual([], unbalanced(self.shop.ledger()))

    def test_currency__the_receipt_has_its_digits(self):
        """Yen have none behind the point."""
        address = new_email()
        order = self.shop.buy([(self.shop.priced_sku([("JPY", 1800)]), 1)], currency="JPY", email=address)
        text = self.shop.mail(address)[1]
        self.assertIn("Total: %d JPY" % order["total"]["amount"], text)

    def test_currency__without_one_it_is_the_shops(self):
        """Whatever else there is; and the articles' own where they have no price in the shop's."""
        own, foreign = self.shop.priced_sku([("USD", 1399)]), self.shop.priced_sku([], currency="USD", amount=777)
        both = self.shop.priced_sku([("EUR", 888)], currency="USD", amount=777)
        for lines, expected in (([own], ("EUR", [1000])), ([foreign], ("USD", [777])), ([both], ("EUR", [888])),
                                ([own, both], ("EUR", [1000, 888])), ([foreign, both], ("USD", [777, 777]))):
            order = self.assertStatus(self.shop.place([(sku, 1) for sku in lines]), 201)
            self.assertEqual(expected, self.prices(order))

    def test_currency__a_country_has_its_own_prices(self):
        """Those of the country that it is shipped to, in the order's currency; elsewhere the price for everywhere."""
        sku = self.shop.priced_sku([("EUR", 850, "FR"), ("USD", 1399), ("USD", 1199, "CA")])
        for country, fields, expected in (("FR", {}, ("EUR", [850])), ("DE", {}, ("EUR", [1000])),
                                          ("CA", {"currency": "USD"}, ("USD", [1199])),
                                          ("FR", {"currency": "USD"}, ("USD", [1399])), ("CA", {}, ("EUR", [1000]))):
            with self.subTest(country=country, **fields):
                placed = self.shop.place([(sku, 1)], shipping_address=self.addressed(country), **fields)
                self.assertEqual(expected, self.prices(self.assertStatus(placed, 201)))

    def test_currency__what_has_no_price_in_it_is_refused(self):
        """An article, shipping, and articles that share no currency: 400 at /currency; nothing is written."""
        sku, foreign = self.shop.sku(5), self.shop.priced_sku([], currency="USD", units=5)
        kuwaiti = self.shop.priced_sku([("KWD", 3500)], units=5)
        for lines, fields, code in (([sku], {"currency": "USD"}, "no_price_in_currency"),
                                    ([sku, foreign], {}, "no_price_in_currency"),
                                    ([kuwaiti], {"currency": "KWD"}, "no_shipping_price")):
            with self.subTest(code=code, **fields):
                self.assertProblem(self.shop.place([(one, 1) for one in lines], **fields), 400, code, "/currency")
        self.assertEqual([(5, 0, 5)] * 2, [self.shop.stock(one) for one in (sku, foreign)])

    def test_currency__codes_are_those_of_the_world(self):
        """Codes of the right shape that no country and no currency has."""
        sku = self.shop.sku(5)
        for currency in ("XTS", "ABC", "eur", "EURO", ""):
            self.assertProblem(self.shop.place([(sku, 1)], currency=currency), 400, pointer="/currency")
        for country in ("XX", "UK", "EU", "ZZ"):
            self.assertProblem(self.shop.place([(sku, 1)], shipping_address=self.addressed(country)), 400,
                               pointer="/shipping_address/country")
        money = {"amount": 1, "currency": "QQQ"}
        self.assertProblem(self.shop.post("/api/catalog/v1/products", {"title": "T", "category": "c", "price": money},
                                          token=self.shop.staff("admin"), key=new_key()), 400,
                           pointer="/price/currency")

    def test_currency__shipping_methods_are_priced_in_it(self):
        path = "/api/orders/v1/shipping-methods?country=DE"
        for query, currency in (("", "EUR"), ("&currency=USD", "USD"), ("&currency=JPY", "JPY")):
            methods = self.assertStatus(self.shop.get(path + query), 200)["shipping_methods"]
            self.assertEqual(["pickup", "standard", "express"], [method["id"] for method in methods])
            self.assertEqual({currency}, {method["price"]["currency"] for method in methods})
        self.assertProblem(self.shop.get(path + "&currency=KWD"), 400, "no_shipping_price", "?currency")
        self.assertProblem(self.shop.get(path + "&currency=XTS"), 400, pointer="?currency")
        self.assertEqual([], self.shop.get("/api/orders/v1/shipping-methods?country=AQ").json.get(
            "shipping_methods", []))


class ReadTest(OrderCase):
    def test_read__the_order_of_another_is_a_404(self):
        """For another customer, another guest and nobody alike; to read, cancel or fulfil."""
        owner, other = self.shop.customer(), self.shop.customer()
        mine = self.shop.buy([(self.shop.sku(5), 1)], token=owner)["id"]
        guests = self.shop.place([(self.shop.sku(5), 1)]).json
        stranger = self.shop.place([(self.shop.sku(5), 1)]).json["guest_token"]
        for order_id in (mine, guests["id"]):
            for who in ({"token": other}, {"guest": stranger}, {"guest": "f" * 64}):
                with self.subTest(who=str(who)[:20]):
                    self.assertProblem(self.shop.get(ORDERS + "/" + order_id, **who), 404)
                    self.assertProblem(self.shop.post(ORDERS + "/%s/cancel" % order_id, **who), 404)
            self.assertIn(self.shop.get(ORDERS + "/" + order_id).status, (401, 404))
        self.assertEqual("confirmed", self.shop.order(mine, owner)["status"])

    def test_read__staff_see_every_order(self):
        order = self.shop.buy([(self.shop.sku(5), 1)], token=self.shop.customer())
        for role in ("support", "merchandiser", "admin"):
            with self.subTest(role=role):
                self.assertEqual(order["id"], self.shop.order(order["id"], self.shop.staff(role))["id"])
        listed = self.shop.walk(ORDERS + "?limit=100", "orders", token=self.shop.staff("support"))
        self.assertIn(order["id"], [other["id"] for other in listed])

    def test_read__lists_page_from_the_newest_on(self):
        """Only one's own, each once, newest first, by status too; bad paging is a 400."""
        person, sku = self.shop.customer(), self.shop.sku(100)
        ids = [self.shop.buy([(sku, 1)], "pm_card_visa" if i % 3 else "pm_card_chargeDeclined", token=person)["id"]
               for i in range(7)]
        self.shop.buy([(sku, 1)], token=self.shop.customer())
        for limit in (1, 3, 7, 100):
            listed = self.shop.walk(ORDERS + "?limit=%d" % limit, "orders", token=person)
            self.assertEqual(ids[::-1], [order["id"] for order in listed])
        self.assertTrue(listed[0]["lines"])
        failed = self.shop.walk(ORDERS + "?status=failed&limit=2", "orders", token=person)
        self.assertEqual(ids[::-3], [order["id"] for order in failed])
        for query in ("?limit=101", "?cursor=invented", "?status=lost", "?customer=x"):
            self.assertProblem(self.shop.get(ORDERS + query, token=person), 400)

    def test_read__a_guest_lists_its_own(self):
        first = self.shop.buy([(self.shop.sku(5), 1)])
        guest = first["guest_token"]
        second = self.shop.buy([(self.shop.sku(5), 1)], guest=guest)
        self.assertEqual([second["id"], first["id"]],
                         [order["id"] for order in self.shop.walk(ORDERS, "orders", guest=guest)])
        self.assertProblem(self.shop.get(ORDERS), 401)


class SecureTest(OrderCase):
    def test_secure__approved_on_the_banks_page(self):
        """The order stays pending with a page to go to, its stock held; the provider's word confirms it."""
        sku = self.shop.sku(3)
        order, guest = self.place_secured(sku)
        action = order["payment"]["next_action"]
        self.assertEqual("redirect_to_url", action["type"])
        self.assertEqual((3, 1, 2), self.shop.stock(sku))
        self.assertIn(self.shop.challenge(order, "approve").status, (200, 303))
        ended = self.shop.ended(order["id"], guest=guest)
        self.assertEqual(("confirmed", "captured"), (ended["status"], ended["payment"]["status"]))
        self.assertNotIn("next_action", ended["payment"])
        self.assertEqual((2, 0, 2), self.shop.stock(sku))

    def test_secure__refused_on_the_banks_page(self):
        sku = self.shop.sku(3)
        order, guest = self.place_secured(sku)
        self.shop.challenge(order, "refuse")
        ended = self.shop.ended(order["id"], guest=guest)
        self.assertEqual("failed", ended["status"])
        self.assertTrue(ended["failure"]["code"])
        self.assertEqual({"id": order["payment"]["id"], "status": "failed"}, ended["payment"])
        eventually(lambda: self.shop.stock(sku) == (3, 0, 3), "the stock's return")

    def test_secure__cancelled_while_the_bank_waits(self):
        """Stock comes back, the provider's intent is void, and a late approval charges nobody."""
        sku, person = self.shop.sku(3), self.shop.customer()
        order, _ = self.place_secured(sku, token=person)
        self.assertStatus(self.shop.post(ORDERS + "/%s/cancel" % order["id"], token=person), 200)
        self.assertEqual("cancelled", self.shop.becomes(order["id"], "cancelled", token=person)["status"])
        eventually(lambda: self.shop.stock(sku) == (3, 0, 3), "the stock's return")
        eventually(lambda: [intent for intent in self.shop.provider_list("/v1/payment_intents")
                            if intent["metadata"].get("order_id") == order["id"] and intent["status"] == "canceled"],
                   "the intent's end")
        eventually(lambda: self.shop.order(order["id"], person)["payment"] == {"id": order["payment"]["id"],
                                                                               "status": "voided"},
                   "the order's knowledge of the void")
        again = self.shop.post(ORDERS + "/%s/cancel" % order["id"], token=person)
        self.assertEqual("cancelled", self.assertStatus(again, 200)["status"])
        self.assertEqual((3, 0, 3), self.shop.stock(sku))


class UnansweredTest(OrderCase):
    settings = {"PAYMENT_TIMEOUT_MS": 1500 * (3 if IS_SANITIZED else 1)}

    def test_secure__unanswered_it_fails_at_the_payments_time_out(self):
        """Nobody answers the bank: failed by the shop's own clock, stock back, the intent void, nothing booked."""
        sku = self.shop.sku(3)
        order, guest = self.place_secured(sku)
        ended = self.shop.ended(order["id"], guest=guest)
        self.assertEqual("failed", ended["status"])
        self.assertTrue(ended["failure"]["message"])
        eventually(lambda: self.shop.stock(sku) == (3, 0, 3), "the stock's return")
        intents = [intent["status"] for intent in self.shop.provider_list("/v1/payment_intents")
                   if intent["metadata"].get("order_id") == order["id"]]
        eventually(lambda: [intent for intent in self.shop.provider_list("/v1/payment_intents")
                            if intent["metadata"].get("order_id") == order["id"] and intent["status"] == "canceled"],
                   "the end of the intents %s" % intents)
        self.assertEqual([], self.shop.ledger())


class EndTest(OrderCase):
    def test_cancel__a_confirmed_order_gives_money_and_stock_back_once(self):
        sku, person = self.shop.sku(3), self.shop.customer()
        order = self.shop.buy([(sku, 2)], token=person)
        total = order["total"]["amount"]
        refunds = self.booked("refunds", "debit")
        for _ in range(3):
            self.assertStatus(self.shop.post(ORDERS + "/%s/cancel" % order["id"], token=person), 200)
        self.shop.becomes(order["id"], "cancelled", token=person)
        eventually(lambda: self.shop.stock(sku) == (3, 0, 3), "the stock's return")
        eventually(lambda: self.booked("refunds", "debit") == refunds + total, "the refund's booking")
        charges = [charge for charge in self.shop.provider_list("/v1/charges")
                   if charge["amount"] == total and charge["amount_refunded"] == total]
        self.assertTrue(charges)
        self.assertEqual([], unbalanced(self.shop.ledger()))

    def test_fulfil__by_staff_once_and_final(self):
        """A customer may not; a pending or fulfilled order cannot be; what is fulfilled cannot be cancelled."""
        person, support = self.shop.customer(), self.shop.staff("support")
        order = self.shop.buy([(self.shop.sku(3), 1)], token=person)
        path = ORDERS + "/" + order["id"]
        self.assertProblem(self.shop.post(path + "/fulfil", token=person), 403)
        self.assertEqual("fulfilled", self.assertStatus(self.shop.post(path + "/fulfil", token=support), 200)["status"])
        self.assertProblem(self.shop.post(path + "/fulfil", token=support), 409)
        self.assertProblem(self.shop.post(path + "/cancel", token=person), 409)
        failed = self.shop.buy([(self.shop.sku(3), 1)], "pm_card_chargeDeclined", token=person)
        for verb in ("fulfil", "cancel"):
            self.assertProblem(self.shop.post(ORDERS + "/%s/%s" % (failed["id"], verb), token=support), 409)
        secured, guest = self.place_secured(self.shop.sku(3))
        self.assertProblem(self.shop.post(ORDERS + "/%s/fulfil" % secured["id"], token=support), 409)

    def test_refund__in_full_before_fulfilment_forbids_it(self):
        """Goods are not sent for money that went back."""
        person, support = self.shop.customer(), self.shop.staff("support")
        order = self.shop.buy([(self.shop.sku(3), 1)], token=person)
        path = "/api/payments/v1/payments/%s/refunds" % order["payment"]["id"]
        self.assertStatus(self.shop.post(path, {}, token=support, key=new_key()), 201)
        eventually(lambda: self.shop.order(order["id"], person)["payment"]["status"] == "refunded",
                   "the order's knowledge of the refund")
        self.assertProblem(self.shop.post(ORDERS + "/%s/fulfil" % order["id"], token=support), 409)

    def test_refund__in_full_after_fulfilment_ends_as_refunded(self):
        """Half leaves it fulfilled; the rest makes it refunded."""
        person, support = self.shop.customer(), self.shop.staff("support")
        order = self.shop.buy([(self.shop.sku(3), 1)], token=person)
        path = "/api/payments/v1/payments/%s/refunds" % order["payment"]["id"]
        self.assertStatus(self.shop.post(ORDERS + "/%s/fulfil" % order["id"], token=support), 200)
        half = order["total"]["amount"] // 2
        self.assertStatus(self.shop.post(path, {"amount": half}, token=support, key=new_key()), 201)
        eventually(lambda: self.shop.order(order["id"], person)["payment"]["status"] == "partially_refunded",
                   "the order's knowledge of the refund")
        self.assertEqual("fulfilled", self.shop.order(order["id"], person)["status"])
        self.assertStatus(self.shop.post(path, {}, token=support, key=new_key()), 201)
        self.shop.becomes(order["id"], "refunded", token=person)
        self.assertEqual([], unbalanced(self.shop.ledger()))


class TraceTest(OrderCase):
    settings = {"LOG_LEVEL": "info"}

    def requests(self, start):
        """(service, route, trace) of each request that the log tells of behind the start."""
        lines = [json.loads(line) for line in self.shop.log_text()[start:].splitlines() if line.startswith("{")]
        return [(line["service"], line["route"], line["trace_id"]) for line in lines if line["message"] == "request"]

    def place_traced(self, method):
        """The order, its trace, and where its log starts."""
        sku, trace, start = self.shop.sku(5), uuid.uuid4().hex, len(self.shop.log_text())
        answer = self.shop.post(ORDERS, self.shop.order_body([(sku, 1)], method), key=new_key(),
                                headers={"traceparent": "00-%s-00f067aa0ba902b7-01" % trace})
        return self.assertStatus(answer, 201), trace, start

    def test_trace__one_order_has_one_through_everything(self):
        """The request, what the provider is asked, and what it tells by its webhooks."""
        order, trace, start = self.place_traced("pm_card_visa")
        self.shop.ended(order["id"], guest=order["guest_token"])
        expected = {("orders", "/v1/orders"), ("stripe_emulator", "/v1/payment_intents"),
                    ("stripe_emulator", "/v1/payment_intents/{id}/capture"), ("payments", "/v1/webhooks/stripe")}
        eventually(lambda: expected <= {line[:2] for line in self.requests(start)}, "the log of the whole checkout")
        self.assertEqual({trace}, {line[2] for line in self.requests(start)})

    def test_trace__the_banks_answer_belongs_to_the_order(self):
        """The customer's browser has a trace of its own; the webhook that it causes has the order's."""
        order, trace, _ = self.place_traced("pm_card_authenticationRequired")
        waiting = self.asked_to_act(order["id"], guest=order["guest_token"])
        start = len(self.shop.log_text())
        self.shop.challenge(waiting, "approve")
        self.assertEqual("confirmed", self.shop.ended(order["id"], guest=order["guest_token"])["status"])
        told = eventually(lambda: [line for line in self.requests(start) if line[1] == "/v1/webhooks/stripe"],
                          "the webhook")
        self.assertEqual({trace}, {line[2] for line in told})
        capture = [line for line in self.requests(start) if line[1].endswith("/capture")]
        self.assertEqual({trace}, {line[2] for line in capture})


if __name__ == "__main__":
    unittest.main()
