"""Carts over HTTP: a guest's by its token, a customer's, and how the one becomes the other."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from case import ShopCase  # noqa: E402
from shop import new_key, together  # noqa: E402

CART = "/api/orders/v1/cart"
ITEMS = CART + "/items"


class CartTest(ShopCase):
    def new_guest(self):
        return self.assertStatus(self.shop.get(CART), 200)["guest_token"]

    def add(self, sku, quantity, **who):
        return self.assertStatus(self.shop.post(ITEMS, {"sku_id": sku, "quantity": quantity}, **who), 200, 201)

    def contents(self, **who):
        cart = self.assertStatus(self.shop.get(CART, **who), 200)
        return {item["sku_id"]: item["quantity"] for item in cart.get("items", [])}

    def test_cart__a_guest_has_one_by_its_token_alone(self):
        """The first call gives a token; with it the cart is there again, without it or with another it is not."""
        sku = self.shop.sku(10, amount=250)
        cart = self.assertStatus(self.shop.post(ITEMS, {"sku_id": sku, "quantity": 3}), 200, 201)
        guest = cart["guest_token"]
        self.assertGreaterEqual(len(guest), 22)
        shown = self.assertStatus(self.shop.get(CART, guest=guest), 200)
        self.assertEqual(cart["id"], shown["id"])
        self.assertNotIn("guest_token", shown)
        item = shown["items"][0]
        self.assertEqual((sku, 3, {"amount": 250, "currency": "EUR"}, {"amount": 750, "currency": "EUR"}),
                         (item["sku_id"], item["quantity"], item["price"], item["line_total"]))
        self.assertEqual({"amount": 750, "currency": "EUR"}, shown["total"])
        self.assertEqual("EUR", shown["currency"])
        self.assertEqual(10, item["available"])
        self.assertTrue(item["product_slug"])
        self.assertEqual({}, self.contents())
        self.assertEqual({}, self.contents(guest=self.new_guest()))

    def test_cart__items_are_added_changed_and_taken_out(self):
        a, b = self.shop.sku(10), self.shop.sku(10)
        guest = self.new_guest()
        self.add(a, 1, guest=guest)
        self.add(b, 2, guest=guest)
        cart = self.add(a, 4, guest=guest)
        self.assertEqual({a: 5, b: 2}, self.contents(guest=guest))
        item = next(item["id"] for item in cart["items"] if item["sku_id"] == a)
        self.assertStatus(self.shop.patch(ITEMS + "/" + item, {"quantity": 2}, guest=guest), 200)
        self.assertEqual({a: 2, b: 2}, self.contents(guest=guest))
        self.assertStatus(self.shop.delete(ITEMS + "/" + item, guest=guest), 200, 204)
        self.assertEqual({b: 2}, self.contents(guest=guest))
        self.assertProblem(self.shop.delete(ITEMS + "/" + item, guest=guest), 404)

    def test_cart__what_cannot_be_is_refused(self):
        sku, guest = self.shop.sku(10), self.new_guest()
        cases = [({"sku_id": "none", "quantity": 1}, "/sku_id"), ({"sku_id": sku, "quantity": 0}, "/quantity"),
                 ({"sku_id": sku, "quantity": -1}, "/quantity"), ({"sku_id": sku, "quantity": 1.5}, "/quantity"),
                 ({"sku_id": sku}, "/quantity"), ({"quantity": 1}, "/sku_id"),
                 ({"sku_id": sku, "quantity": 1, "price": {"amount": 1, "currency": "EUR"}}, "/price")]
        for body, pointer in cases:
            with self.subTest(body=body):
                self.assertProblem(self.shop.post(ITEMS, body, guest=guest), 400, pointer=pointer)
        self.assertEqual({}, self.contents(guest=guest))

    def test_cart__a_repeated_key_adds_once(self):
        sku, guest, key = self.shop.sku(10), self.new_guest(), new_key()
        for _ in range(3):
            self.add(sku, 2, guest=guest, key=key)
        self.assertEqual({sku: 2}, self.contents(guest=guest))

    def test_cart__changes_at_one_time_all_count(self):
        """Eight shoppers' tabs add to one cart together: nothing is lost."""
        sku, guest = self.shop.sku(1000), self.new_guest()
        together(8, lambda number: self.add(sku, 1, guest=guest))
        self.assertEqual({sku: 8}, self.contents(guest=guest))

    def test_cart__merges_at_sign_in_once_and_capped_by_stock(self):
        """The first call with both a token and a sign-in sums them, never beyond the stock; the next adds nothing."""
        shared, scarce, own = self.shop.sku(100), self.shop.sku(5), self.shop.sku(100)
        person, guest = self.shop.customer(), self.new_guest()
        self.add(shared, 2, guest=guest)
        self.add(scarce, 4, guest=guest)
        self.add(shared, 3, token=person)
        self.add(scarce, 4, token=person)
        self.add(own, 1, token=person)
        merged = {shared: 5, scarce: 5, own: 1}
        for _ in range(3):
            self.assertEqual(merged, self.contents(token=person, guest=guest))
        self.assertEqual(merged, self.contents(token=person))
        self.assertEqual({}, self.contents(guest=guest))

    def test_cart__merges_once_when_two_tabs_ask_together(self):
        sku, person, guest = self.shop.sku(1000), self.shop.customer(), self.new_guest()
        self.add(sku, 3, guest=guest)
        together(8, lambda number: self.contents(token=person, guest=guest))
        self.assertEqual({sku: 3}, self.contents(token=person))

    def test_cart__becomes_an_order_and_is_empty(self):
        """An order of a cart has its lines, and takes the cart's place; nobody orders the cart of another."""
        sku, guest = self.shop.sku(10, amount=300), self.new_guest()
        self.add(sku, 2, guest=guest)
        cart_id = self.shop.get(CART, guest=guest).json["id"]
        body = self.shop.order_body([], cart_id=cart_id)
        del body["items"]
        path = "/api/orders/v1/orders"
        self.assertProblem(self.shop.post(path, body, guest=self.new_guest(), key=new_key()), 404)
        order = self.assertStatus(self.shop.post(path, body, guest=guest, key=new_key()), 201)
        self.assertEqual([(sku, 2)], [(line["sku_id"], line["quantity"]) for line in order["lines"]])
        self.assertEqual("confirmed", self.shop.ended(order["id"], guest=guest)["status"])
        self.assertEqual({}, self.contents(guest=guest))

    def test_cart__becomes_one_order_however_often_it_is_sent(self):
        """Eight submits of one cart at one moment, each with a key of its own: one order, the rest refused."""
        sku, guest = self.shop.sku(100), self.new_guest()
        self.add(sku, 1, guest=guest)
        body = self.shop.order_body([], cart_id=self.shop.get(CART, guest=guest).json["id"])
        del body["items"]
        answers = together(8, lambda number: self.shop.post("/api/orders/v1/orders", body, guest=guest, key=new_key()))
        statuses = sorted(answer.status for answer in answers)
        self.assertEqual(201, statuses[0])
        self.assertTrue(set(statuses[1:]) <= {404, 409}, statuses)

    def total(self, answer):
        cart = self.assertStatus(answer, 200, 201)
        self.assertEqual(cart["total"]["amount"], sum(item["line_total"]["amount"] for item in cart.get("items", [])
                                                      if "line_total" in item))
        return cart["total"]["amount"], cart["total"]["currency"]

    def test_cart__has_one_currency(self):
        """The shop's; the one that is named when something is put in, for all that is in it and for its order."""
        sku, other = self.shop.priced_sku([("USD", 1399)]), self.shop.priced_sku([("USD", 200), ("GBP", 100)])
        guest = self.new_guest()
        self.assertEqual((0, "EUR"), self.total(self.shop.get(CART, guest=guest)))
        put = {"sku_id": sku, "quantity": 1}
        self.assertEqual((1000, "EUR"), self.total(self.shop.post(ITEMS, put, guest=guest)))
        put = {"sku_id": other, "quantity": 2, "currency": "USD"}
        self.assertEqual((1799, "USD"), self.total(self.shop.post(ITEMS, put, guest=guest)))
        put = {"sku_id": other, "quantity": 1}
        self.assertEqual((1999, "USD"), self.total(self.shop.post(ITEMS, put, guest=guest)))
        self.assertEqual((1999, "USD"), self.total(self.shop.get(CART, guest=guest)))
        self.assertEqual((4000, "EUR"), self.total(self.shop.get(CART + "?currency=EUR", guest=guest)))
        refused = self.shop.post(ITEMS, {"sku_id": sku, "quantity": 1, "currency": "GBP"}, guest=guest)
        self.assertProblem(refused, 400, "no_price_in_currency", "/currency")
        self.assertProblem(self.shop.get(CART + "?currency=GBP", guest=guest), 400, pointer="?currency")
        self.assertEqual((1999, "USD"), self.total(self.shop.get(CART, guest=guest)))
        body = self.shop.order_body([], cart_id=self.shop.get(CART, guest=guest).json["id"])
        del body["items"]
        order = self.assertStatus(self.shop.post("/api/orders/v1/orders", body, guest=guest, key=new_key()), 201)
        self.assertEqual("USD", order["total"]["currency"])
        self.assertEqual(1999, order["total"]["amount"] - order["shipping"]["price"]["amount"])

    def test_cart__articles_of_one_other_currency_are_shown_in_it(self):
        """As they were put in, without a currency named; what has no price in it is not put beside them."""
        sku, guest = self.shop.priced_sku([], currency="USD", amount=500), self.new_guest()
        self.assertEqual((1000, "USD"), self.total(self.shop.post(ITEMS, {"sku_id": sku, "quantity": 2}, guest=guest)))
        refused = self.shop.post(ITEMS, {"sku_id": self.shop.sku(3), "quantity": 1}, guest=guest)
        self.assertProblem(refused, 400, "no_price_in_currency", "/currency")
        self.assertEqual((1000, "USD"), self.total(self.shop.get(CART, guest=guest)))

    def test_cart__shows_a_countrys_prices(self):
        sku, guest = self.shop.priced_sku([("EUR", 850, "FR")]), self.new_guest()
        self.add(sku, 2, guest=guest)
        self.assertEqual((1700, "EUR"), self.total(self.shop.get(CART + "?country=FR", guest=guest)))
        self.assertEqual((2000, "EUR"), self.total(self.shop.get(CART + "?country=DE", guest=guest)))
        self.assertProblem(self.shop.get(CART + "?country=XX", guest=guest), 400, pointer="?country")

    def test_cart__a_guests_currency_comes_with_its_cart(self):
        """Into an empty cart; a cart that holds something keeps its own."""
        sku, guest, person = self.shop.priced_sku([("USD", 1399)]), self.new_guest(), self.shop.customer()
        self.assertStatus(self.shop.post(ITEMS, {"sku_id": sku, "quantity": 1, "currency": "USD"}, guest=guest), 201)
        self.assertEqual((1399, "USD"), self.total(self.shop.get(CART, token=person, guest=guest)))
        guest = self.new_guest()
        self.assertStatus(self.shop.post(ITEMS, {"sku_id": sku, "quantity": 1, "currency": "EUR"}, guest=guest), 201)
        self.assertEqual((2798, "USD"), self.total(self.shop.get(CART, token=person, guest=guest)))


if __name__ == "__main__":
    unittest.main()
