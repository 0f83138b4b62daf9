"""If-Match over HTTP: where a client sends one it holds, on every route that changes what has a version."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from case import ShopCase  # noqa: E402
from shop import eventually, new_key  # noqa: E402

CART = "/api/orders/v1/cart"
ITEMS = CART + "/items"
STALE = '"1-0"'


class PreconditionTest(ShopCase):
    def assertStale(self, answer):
        self.assertProblem(answer, 412, code="stale_version")

    def assertVersioned(self, answer):
        """Its ETag is "<version>-<hash>" of what it shows; returns it."""
        self.assertRegex(answer.headers["etag"], '^"%d-[0-9a-f]{16}"$' % answer.json["version"])
        return answer.headers["etag"]

    def etag(self, path, **who):
        answer = self.shop.get(path, **who)
        self.assertStatus(answer, 200)
        return self.assertVersioned(answer)

    def test_preconditions__stock_is_set_by_who_saw_the_last_setting(self):
        """Sales and reservations do not spoil the edit; another edit does."""
        sku, admin = self.shop.sku(10), self.shop.staff("admin")
        path = "/api/catalog/v1/skus/%s/stock" % sku
        etag = self.etag(path)
        self.assertNotRegex(etag, '^"0-')
        self.assertEqual("confirmed", self.shop.buy([(sku, 2)])["status"])
        self.assertEqual(etag.split("-")[0], self.etag(path).split("-")[0])
        changed = self.shop.put(path, {"on_hand": 20}, token=admin, headers={"If-Match": etag})
        self.assertEqual(20, self.assertStatus(changed, 200)["on_hand"])
        self.assertStale(self.shop.put(path, {"on_hand": 30}, token=admin, headers={"If-Match": etag}))
        self.assertEqual((20, 0, 20), self.shop.stock(sku))
        self.assertStatus(self.shop.put(path, {"on_hand": 30}, token=admin,
                                        headers={"If-Match": self.assertVersioned(changed)}), 200)
        self.assertStatus(self.shop.put(path, {"on_hand": 31}, token=admin), 200)

    def test_preconditions__a_cart_is_changed_by_who_saw_it(self):
        sku, other = self.shop.sku(10), self.shop.sku(10)
        first = self.shop.post(ITEMS, {"sku_id": sku, "quantity": 1})
        guest = self.assertStatus(first, 201)["guest_token"]
        etag, item = self.assertVersioned(first), ITEMS + "/" + first.json["items"][0]["id"]
        self.assertNotRegex(etag, '^"0-')
        self.assertEqual(etag.split("-")[0], self.etag(CART, guest=guest).split("-")[0])
        changed = self.shop.patch(item, {"quantity": 2}, guest=guest, headers={"If-Match": etag})
        self.assertEqual(2, self.assertStatus(changed, 200)["items"][0]["quantity"])
        for stale in (self.shop.patch(item, {"quantity": 3}, guest=guest, headers={"If-Match": etag}),
                      self.shop.post(ITEMS, {"sku_id": other, "quantity": 1}, guest=guest, headers={"If-Match": etag}),
                      self.shop.delete(item, guest=guest, headers={"If-Match": etag})):
            self.assertStale(stale)
        shown = self.shop.get(CART, guest=guest)
        self.assertEqual([(sku, 2)], [(line["sku_id"], line["quantity"]) for line in shown.json["items"]])
        weak = "W/" + self.assertVersioned(shown)
        self.assertStale(self.shop.delete(item, guest=guest, headers={"If-Match": weak}))
        for tags in ("*", '"1-0", %s'):
            tags = tags.replace("%s", self.etag(CART, guest=guest))
            self.assertStatus(self.shop.patch(item, {"quantity": 2}, guest=guest, headers={"If-Match": tags}), 200)
        self.assertStatus(self.shop.delete(item, guest=guest, headers={"If-Match": self.etag(CART, guest=guest)}), 200)

    def test_preconditions__a_cart_that_was_ordered_is_another(self):
        """The next cart of the same shopper takes no version of the one before."""
        sku, person = self.shop.sku(10), self.shop.customer()
        first = self.shop.post(ITEMS, {"sku_id": sku, "quantity": 1}, token=person)
        body = self.shop.order_body([(sku, 1)])
        del body["items"]
        self.assertStatus(self.shop.post("/api/orders/v1/orders", {**body, "cart_id": first.json["id"]}, token=person,
                                         key=new_key()), 201)
        self.assertStatus(self.shop.post(ITEMS, {"sku_id": sku, "quantity": 1}, token=person), 201)
        self.assertStale(self.shop.post(ITEMS, {"sku_id": sku, "quantity": 1}, token=person,
                                        headers={"If-Match": self.assertVersioned(first)}))

    def test_preconditions__an_order_is_cancelled_by_who_saw_it(self):
        person, sku = self.shop.customer(), self.shop.sku(3)
        order = self.shop.buy([(sku, 1)], token=person)
        path = "/api/orders/v1/orders/" + order["id"]
        self.assertStale(self.shop.post(path + "/cancel", token=person, key=new_key(), headers={"If-Match": STALE}))
        self.assertEqual("confirmed", self.shop.order(order["id"], token=person)["status"])
        answer = self.shop.post(path + "/cancel", token=person, key=new_key(),
                                headers={"If-Match": self.etag(path, token=person)})
        self.assertStatus(answer, 200)
        self.shop.becomes(order["id"], "cancelled", token=person)

    def refunded_by_who_saw(self, path, staff):
        """(etag, key, answer); None where the payment has just heard that its order is confirmed: read anew."""
        etag, key = self.etag(path, token=staff), new_key()
        answer = self.shop.post(path + "/refunds", {"amount": 1}, token=staff, key=key, headers={"If-Match": etag})
        return None if answer.status == 412 else (etag, key, answer)

    def test_preconditions__a_refund_is_given_by_who_saw_the_payment(self):
        """And the same request again is answered as the first time, though the payment has moved on by it."""
        support = self.shop.staff("support")
        path = "/api/payments/v1/payments/" + self.shop.buy([(self.shop.sku(3), 1)])["payment"]["id"]
        self.assertStale(self.shop.post(path + "/refunds", {"amount": 1}, token=support, key=new_key(),
                                        headers={"If-Match": STALE}))
        self.assertNotIn("refunded", self.shop.get(path, token=support).json["status"])
        etag, key, first = eventually(lambda: self.refunded_by_who_saw(path, support), "a refund that nothing outran")
        self.assertStatus(first, 201)
        eventually(lambda: self.shop.get(path, token=support).json["status"] == "partially_refunded", "the refund")
        again = self.shop.post(path + "/refunds", {"amount": 1}, token=support, key=key, headers={"If-Match": etag})
        self.assertEqual((201, first.body), (again.status, again.body))
        self.assertStale(self.shop.post(path + "/refunds", {"amount": 1}, token=support, key=new_key(),
                                        headers={"If-Match": etag}))

    def test_preconditions__roles_are_given_by_who_saw_them(self):
        admin, person = self.shop.staff("admin"), self.shop.customer()
        me = self.shop.get("/api/identity/v1/me", token=person)
        path = "/api/identity/v1/users/%s/roles" % me.json["id"]
        etag = self.assertVersioned(me)
        changed = self.shop.put(path, {"roles": ["customer", "support"]}, token=admin, headers={"If-Match": etag})
        self.assertStatus(changed, 200)
        self.assertStale(self.shop.put(path, {"roles": ["customer"]}, token=admin, headers={"If-Match": etag}))

    def test_preconditions__an_account_is_disabled_by_who_saw_it(self):
        admin, person = self.shop.staff("admin"), self.shop.customer()
        user = "/api/identity/v1/users/" + self.shop.get("/api/identity/v1/me", token=person).json["id"]
        etag, roles = self.etag(user, token=admin), {"roles": ["customer", "support"]}
        self.assertStatus(self.shop.put(user + "/roles", roles, token=admin, headers={"If-Match": etag}), 200)
        disable = {"status": "disabled"}
        self.assertStale(self.shop.put(user + "/status", disable, token=admin, headers={"If-Match": etag}))
        self.assertStatus(self.shop.get("/api/identity/v1/me", token=person), 200)
        changed = self.shop.put(user + "/status", disable, token=admin,
                                headers={"If-Match": self.etag(user, token=admin)})
        self.assertStatus(changed, 200)
        self.assertEqual(self.assertVersioned(changed), self.etag(user, token=admin))

    def test_preconditions__what_is_no_list_of_tags_is_refused(self):
        sku, admin = self.shop.sku(1), self.shop.staff("admin")
        path = "/api/catalog/v1/skus/%s/stock" % sku
        for tags in ("x", '"1', "W/1", '*, "1"', '"1" "2"', ",".join('"%d"' % i for i in range(9))):
            with self.subTest(tags=tags):
                answer = self.shop.put(path, {"on_hand": 5}, token=admin, headers={"If-Match": tags})
                self.assertProblem(answer, 400, code="invalid_if_match")
        self.assertEqual((1, 0, 1), self.shop.stock(sku))


if __name__ == "__main__":
    unittest.main()
