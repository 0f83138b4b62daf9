"""Browsers: what they are let in by, who they are, and how they stay signed in."""
import concurrent.futures
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from browser import CSRF, GUEST, REFRESH, SESSION, Browser  # noqa: E402
from case import ShopCase  # noqa: E402
from shop import PASSWORD, new_key  # noqa: E402

VISITOR, ACCOUNT = "/visitor", "/api/shell/v1/pages?path=/account"
CART, ITEMS, ORDERS = "/api/orders/v1/cart", "/api/orders/v1/cart/items", "/api/orders/v1/orders"
ME, PRODUCTS = "/api/identity/v1/me", "/api/catalog/v1/products"
TABS = 8


class BrowserCase(ShopCase):
    def signed_in(self):
        browser = Browser(self.shop)
        browser.email = self.shop.sign_up()
        self.assertStatus(browser.sign_in(browser.email), 204)
        return browser

    def add(self, browser, sku, quantity=1, **options):
        return self.assertStatus(browser.post(ITEMS, {"sku_id": sku, "quantity": quantity}, **options), 201)

    def contents(self, browser):
        cart = self.assertStatus(browser.get(CART), 200)
        self.assertNotIn("guest_token", cart)
        return {item["sku_id"]: item["quantity"] for item in cart.get("items", [])}


class SessionTest(BrowserCase):
    def test_browser__signs_in_and_out(self):
        """The tokens are in cookies alone; what they open, nobody opens by them afterwards."""
        browser = self.signed_in()
        self.assertEqual({SESSION, REFRESH, CSRF}, set(browser.cookies))
        self.assertEqual(browser.email, self.assertStatus(browser.get(ME), 200)["email"])
        before = dict(browser.cookies)
        answer = browser.delete("/session")
        self.assertEqual((204, b""), (answer.status, answer.body))
        self.assertEqual({CSRF}, set(browser.cookies))
        self.assertNotEqual(before[CSRF], browser.cookies[CSRF])
        self.assertProblem(browser.get(ME), 401, "sign_in_required")
        browser.cookies = before
        self.assertProblem(browser.get(ME), 401, "token_revoked")
        self.assertProblem(browser.post("/session/refresh"), 401)
        self.assertEqual({CSRF}, set(browser.cookies))

    def test_browser__a_wrong_password_is_a_401_and_changes_nothing(self):
        browser = self.signed_in()
        before = dict(browser.cookies)
        answer = browser.sign_in(browser.email, "wrong")
        words = self.assertProblem(answer, 401, "invalid_credentials")["detail"]
        self.assertEqual(words, self.shop.post("/api/identity/v1/login", {"email": browser.email, "password": "wrong"}
                                               ).json["detail"])
        self.assertEqual(before, browser.cookies)

    def test_browser__a_sign_in_gives_new_secrets(self):
        """Whoever put cookies into the browser before, or read them, has none of those that count afterwards."""
        browser = self.signed_in()
        before = dict(browser.cookies)
        self.assertStatus(browser.sign_in(browser.email), 204)
        for name in (SESSION, REFRESH, CSRF):
            self.assertNotEqual(before[name], browser.cookies[name])
        old = Browser(self.shop)
        old.cookies = before
        self.assertProblem(old.get(ME), 401, "token_revoked")
        self.assertStatus(browser.get(ME), 200)

    def test_browser__tabs_that_refresh_at_once_stay_signed_in(self):
        browser = self.signed_in()
        del browser.cookies[SESSION]  # its time is up
        self.assertProblem(browser.get(ME), 401, "token_expired")
        self.assertStatus(browser.get(PRODUCTS), 200)
        tabs = [Browser(self.shop) for _ in range(TABS)]
        for tab in tabs:
            tab.cookies = dict(browser.cookies)
        with concurrent.futures.ThreadPoolExecutor(TABS) as pool:
            answers = list(pool.map(lambda tab: tab.post("/session/refresh"), tabs))
        self.assertEqual([204] * TABS, [answer.status for answer in answers])
        self.assertEqual(1, len({tab.cookies[REFRESH] for tab in tabs}))
        for tab in tabs:
            self.assertStatus(tab.get(ME), 200)
        self.assertStatus(tabs[-1].post("/session/refresh"), 204)
        self.assertEqual(1, len(self.assertStatus(tabs[-1].get("/api/identity/v1/sessions"), 200)["sessions"]))

    def test_browser__a_session_is_one_tenants(self):
        """Whose host it is says which shop it is; a cookie that came by another one says nothing, and is no 403."""
        self.shop.rpc("identity", "add_tenant", {"id": "nord", "host": "nord.example"})
        theirs = Browser(self.shop, "nord.example")
        self.assertStatus(theirs.sign_in(self.shop.sign_up(tenant="nord")), 204)
        self.assertEqual("nord", self.assertStatus(theirs.get(ME), 200)["tenant"])
        here = Browser(self.shop)
        here.cookies = dict(theirs.cookies)
        self.assertStatus(here.get(PRODUCTS), 200)
        self.assertProblem(here.get(ME), 401, "token_invalid")
        self.assertProblem(here.get(CART), 401, "token_invalid")
        self.assertProblem(here.post("/session/refresh"), 401)
        self.assertEqual({CSRF}, set(here.cookies))
        self.assertStatus(theirs.get(ME), 200)
        self.assertProblem(Browser(self.shop, "nobody.example").post("/session", {}), 404, "no_such_host")


class PageTest(BrowserCase):
    """What the shell itself reads the cookies for."""

    def test_browser__is_told_who_it_is_and_gets_the_token(self):
        browser = Browser(self.shop)
        visitor = self.assertStatus(browser.get(VISITOR), 200)
        self.assertEqual((False, 0), (visitor["signed_in"], visitor["cart_count"]))
        self.assertEqual({CSRF}, set(browser.cookies))
        token = browser.cookies[CSRF]
        self.add(browser, self.shop.sku(10), 3)
        self.assertEqual(3, self.assertStatus(browser.get(VISITOR), 200)["cart_count"])
        self.assertEqual(token, browser.cookies[CSRF])

    def test_browser__a_page_of_a_person_renews_their_session(self):
        """Whose access token's time is up; two tabs at once; and no page that is everybody's does."""
        browser = self.signed_in()
        for path in (VISITOR, ACCOUNT, "/account"):
            with self.subTest(path=path):
                browser.cookies.pop(SESSION)
                tab = Browser(self.shop)
                tab.cookies = dict(browser.cookies)
                self.assertEqual([], self.shop.get("/", headers=browser.headers()).set_cookies)
                self.assertNotEqual(303, browser.get(path).status)
                self.assertNotEqual(303, tab.get(path).status)
                self.assertEqual(browser.cookies[REFRESH], tab.cookies[REFRESH])
                for one in (browser, tab):
                    self.assertEqual(browser.email, self.assertStatus(one.get(ME), 200)["email"])
        self.assertEqual("Ada", self.assertStatus(browser.get(VISITOR), 200)["name"])
        self.assertEqual(browser.email, self.assertStatus(browser.get(ACCOUNT), 200)["account"]["user"]["email"])

    def test_browser__a_page_of_a_person_who_is_gone_asks_to_sign_in(self):
        browser = self.signed_in()
        self.assertStatus(browser.delete("/api/identity/v1/sessions"), 204)
        answer = browser.get("/account")
        self.assertEqual((303, "/login?return_to=%2Faccount"), (answer.status, answer.headers["location"]))
        self.assertEqual({CSRF}, set(browser.cookies))
        self.assertFalse(self.assertStatus(browser.get(VISITOR), 200)["signed_in"])

    def test_browser__the_first_page_after_a_sign_in_merges_the_cart(self):
        browser = self.signed_in()
        browser.delete("/session")
        sku = self.shop.sku(10)
        self.add(browser, sku, 2)
        self.assertStatus(browser.sign_in(browser.email), 204)
        self.assertEqual(2, self.assertStatus(browser.get(VISITOR), 200)["cart_count"])
        self.assertNotIn(GUEST, browser.cookies)
        self.assertEqual({sku: 2}, self.contents(browser))


class GuestTest(BrowserCase):
    def test_browser__a_guests_token_is_in_the_cookie_alone(self):
        sku = self.shop.sku(10)
        browser = Browser(self.shop).open()
        cart = self.add(browser, sku, 2)
        self.assertNotIn("guest_token", cart)
        self.assertNotIn(browser.cookies[GUEST], str(cart))
        self.assertEqual({sku: 2}, self.contents(browser))
        self.assertEqual({sku: 2}, {item["sku_id"]: item["quantity"] for item in self.shop.get(
            CART, guest=browser.cookies[GUEST]).json["items"]})

    def test_browser__a_program_is_told_the_token(self):
        """Also one that sends cookies of its own: without X-CSRF-Token it is no page of ours."""
        self.assertTrue(self.shop.get(CART, headers={"Cookie": "csrf=" + "c" * 43}).json["guest_token"])

    def test_browser__a_lost_answer_to_an_order_is_told_again_with_its_cookie(self):
        """The same key: the same order, and the guest's token again, which the first answer would have brought."""
        sku, key = self.shop.sku(10), new_key()
        browser = Browser(self.shop).open()
        cookies, body = dict(browser.cookies), self.shop.order_body([(sku, 1)])
        first = self.assertStatus(browser.post(ORDERS, body, key=key), 201)
        token = browser.cookies[GUEST]
        browser.cookies = cookies
        answer = browser.post(ORDERS, body, key=key)
        self.assertEqual("true", answer.headers["idempotency-replayed"])
        self.assertEqual(first, self.assertStatus(answer, 201))
        self.assertEqual(token, browser.cookies[GUEST])
        self.assertEqual(first["id"], self.assertStatus(browser.get(ORDERS + "/" + first["id"]), 200)["id"])
        self.assertProblem(Browser(self.shop).get(ORDERS + "/" + first["id"]), 404)

    def test_browser__the_cart_becomes_the_customers(self):
        """By the first call with both cookies; the guest's goes with the answer that says that it is done."""
        a, b = self.shop.sku(10), self.shop.sku(10)
        browser = self.signed_in()
        self.add(browser, a, 1)
        browser.delete("/session")
        self.add(browser, a, 2)
        self.add(browser, b, 3)
        guest = browser.cookies[GUEST]
        self.assertStatus(browser.sign_in(browser.email), 204)
        self.assertEqual(guest, browser.cookies[GUEST])
        self.assertProblem(browser.post(ITEMS, {"sku_id": "none", "quantity": 1}), 400, "no_such_sku")
        self.assertEqual(guest, browser.cookies[GUEST])  # nothing was merged by what failed
        self.assertEqual({a: 3, b: 3}, self.contents(browser))
        self.assertNotIn(GUEST, browser.cookies)
        self.assertEqual({a: 3, b: 3}, self.contents(browser))
        self.assertEqual([], self.shop.get(CART, guest=guest).json.get("items", []))

    def test_browser__a_guests_orders_stay_open_until_the_sign_out(self):
        sku = self.shop.sku(10)
        browser = self.signed_in()
        browser.delete("/session")
        order = self.assertStatus(browser.post(ORDERS, self.shop.order_body([(sku, 1)]), key=new_key()), 201)
        self.assertStatus(browser.sign_in(browser.email), 204)
        self.assertEqual({}, self.contents(browser))
        self.assertStatus(browser.get(ORDERS + "/" + order["id"]), 200)
        browser.delete("/session")
        self.assertNotIn(GUEST, browser.cookies)
        self.assertProblem(browser.get(ORDERS + "/" + order["id"]), 404)


class CsrfTest(BrowserCase):
    def test_browser__another_sites_page_changes_nothing(self):
        """What a form or a script elsewhere can have a browser send: cookies, but neither the header nor our origin."""
        sku = self.shop.sku(10)
        browser = self.signed_in()
        self.add(browser, sku)
        other = {"Sec-Fetch-Site": None, "Origin": "https://evil.example"}
        for options in ({"csrf": False}, {"csrf": False, "site": "cross-site"}, {"site": "cross-site"},
                        {"site": "same-site"}, {"headers": other}, {"headers": {**other, "Origin": "null"}}):
            sent = browser.headers(options.get("site", "same-origin"))
            sent = {**sent, **({"X-CSRF-Token": browser.cookies[CSRF]} if options.get("csrf", True) else {}),
                    **options.get("headers", {})}
            sent = {name: value for name, value in sent.items() if value}
            for method, path, body in (("POST", ITEMS, {"sku_id": sku, "quantity": 1}), ("DELETE", "/session", None),
                                       ("POST", "/session", {"email": browser.email, "password": PASSWORD}),
                                       ("POST", "/session/refresh", None), ("PATCH", ME, {"name": "Mallory"}),
                                       ("DELETE", "/api/identity/v1/sessions", None)):
                with self.subTest(options=options, method=method, path=path):
                    answer = self.shop.ask(method, path, body, headers=sent, key=new_key())
                    self.assertProblem(answer, 403, "csrf")
                    self.assertEqual([], answer.set_cookies)
        self.assertEqual({sku: 1}, self.contents(browser))
        self.assertEqual("Ada", self.assertStatus(browser.get(ME), 200)["name"])

    def test_browser__a_cached_row_is_the_same_for_everybody(self):
        product = self.shop.product((3,))
        path = PRODUCTS + "/" + product["id"]
        browser = self.signed_in()
        answers = [browser.get(path), self.shop.get(path), browser.get(path), Browser(self.shop).get(path)]
        self.assertEqual(1, len({answer.body for answer in answers}))
        for answer in answers:
            self.assertEqual("public, no-cache", answer.headers["cache-control"])
            self.assertEqual([], answer.set_cookies)

    def test_browser__a_name_is_changed(self):
        browser = self.signed_in()
        answer = browser.get(ME)
        changed = browser.ask("PATCH", ME, {"name": "Ada Lovelace"}, headers={"If-Match": answer.headers["etag"]})
        self.assertEqual("Ada Lovelace", self.assertStatus(changed, 200)["name"])
        self.assertEqual("Ada Lovelace", browser.get(ME).json["name"])


if __name__ == "__main__":
    unittest.main()
