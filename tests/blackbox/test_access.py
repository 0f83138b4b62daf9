"""Tenants, who never meet. Who may do what within one: tests/hostile/test_routes.py."""
import pathlib
import sys
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from case import ShopCase  # noqa: E402
from shop import PASSWORD, eventually, new_email, new_key  # noqa: E402

TENANT = "acme"
PUBLIC_HOST = "www.shop.example"


class TenantCase(ShopCase):
    settings = {"PUBLIC_URL": "https://%s:8443/" % PUBLIC_HOST}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shop.rpc("identity", "add_tenant", {"id": TENANT, "host": "acme.example"})


class TenantTest(TenantCase):
    def test_tenant__an_unknown_one_is_a_404(self):
        for name in ("nobody", "../default", "x" * 300):
            self.assertProblem(self.shop.get("/api/catalog/v1/products", tenant=name), 404)
        self.assertStatus(self.shop.get("/api/catalog/v1/products", tenant="default"), 200)

    def test_tenant__is_chosen_by_host_too(self):
        product = self.shop.product((3,), tenant=TENANT)
        path = "/api/catalog/v1/products/" + product["id"]
        self.assertStatus(self.shop.get(path, headers={"Host": "acme.example"}), 200)
        self.assertStatus(self.shop.get(path, headers={"Host": "acme.example:80"}), 200)
        self.assertProblem(self.shop.get(path), 404)

    def test_tenant__an_unknown_host_is_a_404(self):
        """It says which, and how to make it known; X-Tenant goes before it, and health asks for no tenant."""
        path = "/api/catalog/v1/products"
        for host in ("shop.nobody.example", "localhost.nobody.example", "acme.example.nobody", "1.2.3", "x"):
            with self.subTest(host=host):
                problem = self.assertProblem(self.shop.get(path, headers={"Host": host}), 404, "no_such_host")
                self.assertIn("shopstream tenant add ID " + host, problem["detail"])
                self.assertStatus(self.shop.get(path, headers={"Host": host, "X-Tenant": "default"}), 200)
                self.assertStatus(self.shop.get("/health/ready", headers={"Host": host}), 200)

    def test_tenant__the_shops_own_hosts_are_the_default(self):
        """This machine's names, addresses, and the host of SHOPSTREAM_PUBLIC_URL; in any case, with or without port."""
        product = self.shop.product((3,))
        for host in ("localhost", "LOCALHOST:3000", "shop.localhost", "127.0.0.1", "10.1.2.3:80", "[::1]:3000",
                     "localhost.", PUBLIC_HOST, PUBLIC_HOST.upper() + ":8443"):
            with self.subTest(host=host):
                self.assertStatus(self.shop.get("/api/catalog/v1/products/" + product["id"], headers={"Host": host}),
                                  200)

    def test_tenant__sees_its_own_rows_alone(self):
        """Products, stock, orders, payments, books, carts and keys: nothing of the one is the other's."""
        ours, theirs = self.shop.product((5,)), self.shop.product((5,), tenant=TENANT)
        us, them = self.shop.staff("admin"), self.shop.staff("admin", TENANT)
        for product, stranger, tenant in ((theirs, us, None), (ours, them, TENANT)):
            path = "/api/catalog/v1/products/" + product["id"]
            sku = product["skus"][0]["id"]
            self.assertProblem(self.shop.get(path, tenant=tenant), 404)
            self.assertProblem(self.shop.get("/api/catalog/v1/products/" + product["slug"], tenant=tenant), 404)
            self.assertProblem(self.shop.patch(path, {"title": "Mine"}, token=stranger, headers={"If-Match": "1"}), 404)
            self.assertProblem(self.shop.delete(path, token=stranger, headers={"If-Match": "1"}), 404)
            self.assertProblem(self.shop.get("/api/catalog/v1/skus/%s/stock" % sku, tenant=tenant), 404)
            emptied = self.shop.put("/api/catalog/v1/skus/%s/stock" % sku, {"on_hand": 0}, token=stranger)
            self.assertProblem(emptied, 404)
            self.assertProblem(self.shop.place([(sku, 1)], tenant=tenant), 400)
        listed = {p["id"] for p in self.shop.walk("/api/catalog/v1/products", "products", tenant=TENANT)}
        self.assertIn(theirs["id"], listed)
        self.assertNotIn(ours["id"], listed)

    def test_tenant__orders_and_money_stay_apart(self):
        sku = self.shop.product((5,), tenant=TENANT)["skus"][0]["id"]
        them, us = self.shop.staff("admin", TENANT), self.shop.staff("admin")
        ours, theirs = self.shop.ledger(), self.shop.ledger(TENANT)
        order = self.assertStatus(self.shop.place([(sku, 1)], wait=20, tenant=TENANT), 201)
        self.assertEqual("confirmed", order["status"])
        payment = "/api/payments/v1/payments/" + order["payment"]["id"]
        self.assertStatus(self.shop.get(payment, token=them), 200)
        for path in (payment, "/api/orders/v1/orders/" + order["id"]):
            self.assertProblem(self.shop.get(path, token=us), 404)
        self.assertProblem(self.shop.get("/api/orders/v1/orders/" + order["id"], guest=order["guest_token"]), 404)
        self.assertProblem(self.shop.post(payment + "/refunds", {}, token=us, key=new_key()), 404)
        self.assertProblem(self.shop.post("/api/orders/v1/orders/%s/fulfil" % order["id"], token=us), 404)
        self.assertNotIn(order["id"], [o["id"] for o in self.shop.walk("/api/orders/v1/orders", "orders", token=us)])
        self.assertEqual(ours, self.shop.ledger())
        self.assertEqual([order["total"]["amount"]] * 2,
                         [entry["amount"] for entry in self.shop.ledger(TENANT)[len(theirs):]])

    def test_tenant__has_accounts_and_keys_of_its_own(self):
        """One address is two people; one guest's key in two tenants is two orders; one title two slugs alike."""
        email = new_email()
        self.shop.sign_up(email)
        login = {"email": email, "password": PASSWORD}
        self.assertStatus(self.shop.post("/api/identity/v1/login", login), 200)
        self.assertProblem(self.shop.post("/api/identity/v1/login", login, tenant=TENANT), 401)
        title, key = "Same title " + uuid.uuid4().hex[:6], new_key()
        products = [self.shop.product((5,), title=title, tenant=tenant) for tenant in (None, TENANT)]
        self.assertEqual(products[0]["slug"], products[1]["slug"])
        orders = [self.shop.place([(product["skus"][0]["id"], 1)], wait=20, key=key, tenant=tenant)
                  for product, tenant in zip(products, (None, TENANT))]
        self.assertEqual([201, 201], [order.status for order in orders])
        self.assertNotEqual(orders[0].json["id"], orders[1].json["id"])

    def test_tenant__a_webhook_reaches_its_order_whatever_the_tenant(self):
        """3-D Secure of another tenant's order: the provider's word finds it."""
        sku = self.shop.product((5,), tenant=TENANT)["skus"][0]["id"]
        order = self.assertStatus(self.shop.place([(sku, 1)], "pm_card_authenticationRequired", tenant=TENANT), 201)
        them = self.shop.staff("admin", TENANT)
        waiting = eventually(lambda: (lambda o: o if o["payment"].get("next_action") else None)(
            self.shop.order(order["id"], token=them)), "3-D Secure")
        self.shop.challenge(waiting, "approve")
        self.assertEqual("confirmed", self.shop.ended(order["id"], token=them)["status"])


if __name__ == "__main__":
    unittest.main()
