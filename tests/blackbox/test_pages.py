"""Pages over HTTP: what they show changes with the shop at once, and they say so with the right status and headers."""
import gzip
import json
import os
import pathlib
import re
import statistics
import sys
import tempfile
import threading
import time
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from pages import BROWSER, PRODUCTS, SCRIPT, STYLE, PageCase  # noqa: E402
from shop import Shop, eventually, together  # noqa: E402

EDITS = 15
SOON_MS = 100


class Watch:
    """Reads a page again and again, on a connection of its own: when each reading began and ended, and what it was."""

    def __init__(self, case, path):
        self.case, self.path, self.readings, self.error, self.stop = case, path, [], None, threading.Event()
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        try:
            while not self.stop.is_set():
                begun = time.monotonic()
                answer = self.case.page(self.path)
                self.readings.append((begun, time.monotonic(), answer.status, answer.body.decode()))
        except Exception as error:  # told by first()
            self.error = error

    def first(self, words, status):
        """The end of the first reading with these words; None as long as there is none."""
        if self.error:
            raise self.error
        return next((end for _, end, was, text in self.readings if was == status and words in text), None)

    def late(self, since, words, status):
        """The readings that were begun after an instant and do not have them."""
        return [begun for begun, _, was, text in self.readings
                if begun > since and (was != status or words not in text)]

    def close(self):
        self.stop.set()
        self.thread.join()


class ShownTest(PageCase):
    def test_page__shows_an_edit_at_once(self):
        """The page was kept, and the first read after the answer to the edit has the new price: 20 times."""
        product = self.add()
        path = "/products/" + product["slug"]
        for amount in range(2000, 2020):
            before = self.page(path)
            self.assertEqual(304, self.page(path, **{"If-None-Match": before.headers["etag"]}).status)
            self.edit(product, price={"amount": amount, "currency": "EUR"})
            after = self.page(path, **{"If-None-Match": before.headers["etag"]})
            self.assertEqual(200, after.status)
            self.assertEqual(amount, self.document(after)["product"]["product"]["price"]["amount"])
            self.assertIn('"price":"%d.%02d"' % divmod(amount, 100), after.body.decode())

    def delay(self, paths, words, change, status=200):
        """The milliseconds from the answer to a change until all of these pages, which are read all the while, show it.
        No reading that begins after that answer may miss it."""
        watches = [Watch(self, path) for path in paths]
        try:
            for watch in watches:
                eventually(lambda: watch.readings or watch.error, "a reading of " + watch.path)
            change()
            since = time.monotonic()
            ends = [eventually(lambda: watch.first(words, status), "the change on " + watch.path) for watch in watches]
        finally:
            for watch in watches:
                watch.close()
        for watch in watches:
            self.assertEqual([], watch.late(since, words, status), watch.path)
        return max(0, (max(ends) - since) * 1000)

    def assertSoon(self, what, delays, machine):
        """machine: how long a page takes here that was not kept, measured in between; when it is busy, that is long."""
        found, bar = statistics.median(delays), SOON_MS + statistics.median(machine)
        print("%s: %.1f ms after the answer, the middle of %d; a page takes %.1f ms" %
              (what, found, len(delays), statistics.median(machine)), file=sys.stderr)
        self.assertLess(found, bar)

    def measure(self, what, paths, words, change, count=EDITS):
        """words and change: of the number of the edit."""
        delays, machine = [], []
        for number in range(count):
            delays.append(self.delay(paths, words(number), lambda: change(number)))
            begun = time.monotonic()
            self.assertEqual(200, self.page("/search?q=" + uuid.uuid4().hex).status)
            machine.append((time.monotonic() - begun) * 1000)
        self.assertSoon(what, delays, machine)

    def test_page__an_edited_price_is_on_all_pages_within_100_ms(self):
        """Its own, its category's and that of a search that finds it, all of them kept and being read."""
        product = self.add(title="Soon " + uuid.uuid4().hex[:8], category="soon")
        paths = ("/products/" + product["slug"], "/c/soon", "/search?q=" + product["title"].split()[1])
        self.measure("an edited price", paths, lambda number: '"price":{"amount":%d,' % (5000 + number),
                     lambda number: self.edit(product, price={"amount": 5000 + number, "currency": "EUR"}))

    def test_page__stock_is_on_the_product_within_100_ms(self):
        product = self.add()
        self.measure("stock", ["/products/" + product["slug"]], lambda number: '"available":%d}' % (70 + number),
                     lambda number: self.shop.set_stock(product["skus"][0]["id"], 70 + number), 5)

    def test_page__of_a_removed_product_is_gone_from_all_pages_within_100_ms(self):
        product, other = self.add(category="leaving"), self.add(category="leaving")
        current = self.shop.get(PRODUCTS + "/" + product["id"])
        answers = []

        def remove():
            answers.append(self.shop.ask("DELETE", PRODUCTS + "/" + product["id"], token=self.merchandiser,
                                         headers={"If-Match": current.headers["etag"]}))
        self.assertIn(product["slug"], self.page("/c/leaving").body.decode())
        self.delay(["/products/" + product["slug"]], '"status":404', remove, 404)
        self.assertStatus(answers[0], 204)
        shown = self.page("/c/leaving").body.decode()
        self.assertNotIn(product["slug"], shown)
        self.assertIn(other["slug"], shown)

    def test_page__shows_stock_and_orders_at_once(self):
        product = self.add(skus=[{"code": uuid.uuid4().hex[:12], "available": 5}])
        path = "/products/" + product["slug"]
        self.assertEqual(5, self.document(self.page(path))["product"]["product"]["skus"][0]["available"])
        self.shop.buy([(product["skus"][0]["id"], 2)])
        self.assertEqual(3, self.document(self.page(path))["product"]["product"]["skus"][0]["available"])

    def test_page__is_gone_with_its_product(self):
        product = self.add()
        path = "/products/" + product["slug"]
        self.assertEqual(200, self.page(path).status)
        current = self.shop.get(PRODUCTS + "/" + product["id"])
        self.assertStatus(self.shop.ask("DELETE", PRODUCTS + "/" + product["id"], token=self.merchandiser,
                                        headers={"If-Match": current.headers["etag"]}), 204)
        self.assertEqual(404, self.page(path).status)

    def test_page__of_everybody_is_the_same_for_everybody(self):
        """Who is signed in sees the bytes that are kept for all, and they are kept for who is not."""
        product = self.add()
        path, customer = "/products/" + product["slug"], self.shop.customer()
        first = self.page(path, token=customer)
        self.assertEqual(first.body, self.page(path).body)
        self.assertEqual(first.headers["etag"], self.page(path).headers["etag"])
        self.assertNotIn("visitor", self.document(first))

    def test_page__many_readers_of_an_edit_see_one_or_the_other(self):
        product = self.add(title="Before")

        def read(number):
            if number == 5:
                self.edit(product, title="After")
            return self.document(self.page("/products/before"))["product"]["product"]["title"]

        self.assertLessEqual(set(together(16, read)), {"Before", "After"})
        self.assertEqual("After", read(0))

    def test_page__hostile_words_stay_words(self):
        """In title, brand and description, in the address, and in what was searched for."""
        hostile = '</script><script>alert(1)</script>"\'><!-- <img src=x onerror=alert(1)> \u2028 </title>'
        product = self.add(title=hostile, brand=hostile[:100], description=hostile)
        for path in ("/products/" + product["slug"], "/c/things", "/search?q=%3C/script%3E%3Cscript%3Ealert(1)",
                     "/products/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/login?return_to=/%22%3E%3Cscript%3Ealert(1)",
                     "/%3Cscript%3Ealert(1)"):
            with self.subTest(path=path):
                answer = self.page(path)
                text = answer.body.decode()
                self.assertNotIn("<script>alert", text)
                self.assertNotIn("<img", text)
                self.assertNotIn("<!--", text)
                self.assertEqual(1, text.count("</title>"))
                for data in re.findall(r"<script[^>]*json[^>]*>(.*?)</script>", text, re.S):
                    json.loads(data)
        shown = self.document(self.page("/products/" + product["slug"]))["product"]["product"]
        self.assertEqual(hostile, shown["title"])

    def test_page__head_is_the_page_without_its_body(self):
        product = self.add()
        for path in ("/", "/products/" + product["slug"], "/cart", SCRIPT, "/pictures/kettle-320.webp", "/nothing"):
            with self.subTest(path=path):
                whole = self.page(path)
                head = self.shop.ask("HEAD", path, headers=BROWSER)
                self.assertEqual((whole.status, b""), (head.status, head.body))
                self.assertEqual(whole.headers["content-type"], head.headers["content-type"])
                self.assertEqual(whole.headers.get("etag"), head.headers.get("etag"))


class PersonTest(PageCase):
    def test_person__cart_orders_and_account(self):
        """Of who asks, with their data, kept by nobody."""
        product, customer = self.add(), self.shop.customer()
        item = {"sku_id": product["skus"][0]["id"], "quantity": 2}
        self.assertStatus(self.shop.post("/api/orders/v1/cart/items", item, token=customer), 201)
        for path in ("/cart", "/checkout", "/orders", "/account"):
            with self.subTest(path=path):
                answer = self.page(path, token=customer)
                self.assertEqual(200, answer.status)
                self.assertEqual("private, no-store", answer.headers["cache-control"])
                self.assertNotIn("etag", answer.headers)
                self.assertTrue(self.document(answer)["visitor"]["email"])
        self.assertEqual(2, self.document(self.page("/cart", token=customer))["cart"]["cart"]["items"][0]["quantity"])
        checkout = self.document(self.page("/checkout", token=customer))["checkout"]
        self.assertTrue(checkout["shipping_methods"])
        self.assertIn({"label": "Germany", "href": "DE"}, checkout["countries"])
        self.assertTrue(self.document(self.page("/account", token=customer))["account"]["sessions"])
        visitor = self.assertStatus(self.shop.get("/visitor", token=customer), 200)
        self.assertEqual((True, 2), (visitor["signed_in"], visitor["cart_count"]))

    def test_person__strangers_are_sent_to_sign_in(self):
        for path in ("/orders", "/account", "/orders?cursor=x%26y"):
            answer = self.page(path)
            self.assertEqual(303, answer.status)
            place = answer.headers["location"]
            self.assertRegex(place, r"^/login\?return_to=%2F(orders|account)")
            self.assertEqual(path, self.document(self.page(place))["access"]["return_to"])
        self.assertEqual({"signed_in": False, "cart_count": 0}, self.shop.get("/visitor").json)
        self.assertEqual(0, len(self.document(self.page("/cart"))["cart"]["cart"].get("items", [])))

    def test_person__an_order_is_its_customers_and_its_guests(self):
        product = self.add()
        order = self.shop.buy([(product["skus"][0]["id"], 1)])
        path = "/orders/" + order["id"]
        self.assertEqual(303, self.page(path).status)
        self.assertEqual(404, self.page(path, token=self.shop.customer()).status)
        self.assertEqual(404, self.page(path, token=self.shop.staff("support")).status)
        self.assertEqual(404, self.page(path, guest="0" * 32).status)
        shown = self.document(self.page(path + "?placed=1", guest=order["guest_token"]))["order"]
        self.assertEqual((order["id"], True), (shown["order"]["id"], shown["placed_now"]))
        self.assertNotIn("guest_token", shown["order"])

    def test_person__who_is_signed_in_has_no_use_for_signing_in(self):
        customer = self.shop.customer()
        self.assertEqual("/account", self.page("/login", token=customer).headers["location"])
        self.assertEqual("/cart", self.page("/login?return_to=/cart", token=customer).headers["location"])
        self.assertEqual("/account", self.page("/login?return_to=//evil.example", token=customer).headers["location"])


class HeaderTest(PageCase):
    def test_headers__of_pages(self):
        for path in ("/", "/search?q=a", "/cart", "/login", "/nothing"):
            with self.subTest(path=path):
                headers = self.page(path).headers
                policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
                self.assertEqual("'self'", policy["script-src"])
                self.assertEqual("'self'", policy["style-src"])
                self.assertEqual("'none'", policy["frame-ancestors"])
                self.assertEqual("'none'", policy["base-uri"])
                self.assertEqual("'none'", policy["object-src"])
                self.assertNotIn("unsafe", headers["content-security-policy"])
                self.assertEqual("nosniff", headers["x-content-type-options"])
                self.assertIn("<%s>; rel=preload; as=style" % STYLE, headers["link"])
                self.assertIn("permissions-policy", headers)
                self.assertIn("referrer-policy", headers)

    def test_headers__nothing_inline_is_executed(self):
        """Every script is data or has an address; no style, no handler."""
        for path in ("/", "/c/things", "/cart"):
            text = self.page(path).body.decode()
            for attributes in re.findall(r"<script([^>]*)>", text):
                self.assertRegex(attributes, r"src=|type=\"application/(ld\+)?json\"")
            self.assertNotRegex(text, r"<style|<[a-z][^>]* (style|on[a-z]+)=")

    def test_files__come_as_they_are_taken(self):
        plain = self.shop.get(SCRIPT)
        self.assertEqual((200, b"the script"), (plain.status, plain.body))
        self.assertEqual("public, max-age=31536000, immutable", plain.headers["cache-control"])
        packed = self.shop.get(SCRIPT, headers={"Accept-Encoding": "br, gzip"})
        self.assertEqual("gzip", packed.headers["content-encoding"])
        self.assertEqual(b"the script", gzip.decompress(packed.body))
        self.assertNotEqual(plain.headers["etag"], packed.headers["etag"])
        self.assertEqual(304, self.shop.get(SCRIPT, headers={"If-None-Match": plain.headers["etag"]}).status)
        picture = self.shop.get("/pictures/kettle-320.webp")
        self.assertEqual((200, b"RIFF picture", "image/webp"),
                         (picture.status, picture.body, picture.headers["content-type"]))

    def test_files__nothing_beside_them(self):
        for path in ("/assets/shell/../../../secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt",
                     "/assets/shell/%2e%2e%2fx", "/pictures/../secret.txt", "/pictures/..%2fsecret.txt",
                     "/pictures/%2e%2e/secret.txt",
                     "/pictures/pictures.json", "/pictures//etc/passwd", "/assets/shell/.", "/pictures/.."):
            with self.subTest(path=path):
                answer = self.shop.get(path)
                self.assertEqual(404, answer.status)
                self.assertNotIn(b"not for anybody", answer.body)

    def test_robots_and_sitemap(self):
        product = self.add(category="mapped")
        robots = self.shop.get("/robots.txt")
        self.assertIn(b"Disallow: /checkout", robots.body)
        self.assertIn(b"/sitemap.xml", robots.body)
        index = self.shop.get("/sitemap.xml").body.decode()
        self.assertIn("/sitemap/products-mapped.xml", index)
        products = self.shop.get("/sitemap/products-mapped.xml").body.decode()
        self.assertIn("/products/%s</loc>" % product["slug"], products)
        self.assertIn("/c/mapped</loc>", self.shop.get("/sitemap/pages.xml").body.decode())
        self.assertProblem(self.shop.get("/sitemap/nothing.xml"), 404)


class ProblemTest(PageCase):
    def test_problem__is_a_page_for_a_browser(self):
        for path in ("/nothing", "/products/nothing", "/c/nothing", "/a/b/c/d"):
            with self.subTest(path=path):
                answer = self.page(path)
                self.assertEqual(404, answer.status)
                self.assertEqual("text/html; charset=utf-8", answer.headers["content-type"])
                self.assertEqual("private, no-store", answer.headers["cache-control"])
                document = self.document(answer)
                self.assertEqual(("error", 404), (document["kind"], document["error"]["status"]))
                self.assertProblem(self.shop.get(path), 404)
        self.assertProblem(self.page("/api/nothing"), 404)
        self.assertProblem(self.page("/api/catalog/v1/products/nothing"), 404)
        self.assertEqual(400, self.page("/search?cursor=invented").status)
        self.assertEqual(404, self.page("/" + "x" * 3000).status)

    def test_problem__of_a_host_that_is_nobodys(self):
        answer = self.page("/nothing", Host="unknown.example")
        self.assertEqual(404, answer.status)
        self.assertEqual([], self.document(answer)["site"]["categories"])
        self.assertEqual(404, self.page("/", Host="unknown.example").status)


class TenantTest(PageCase):
    def test_tenant__a_page_shows_its_own_shop(self):
        """The same address, kept for two tenants, and no product of the other."""
        self.shop.rpc("identity", "add_tenant", {"id": "acme", "host": "acme.example"})
        product = self.add(title="Only in the default shop")
        path = "/products/" + product["slug"]
        self.assertEqual(200, self.page(path).status)
        self.assertEqual(404, self.page(path, Host="acme.example").status)
        self.assertNotIn(b"Only in the default shop", self.page("/c/things", Host="acme.example").body)
        self.assertNotIn(b"Only in the default shop", self.page("/", Host="acme.example").body)


class UnbuiltTest(unittest.TestCase):
    def test_unbuilt__a_shop_without_pages_starts_and_says_so(self):
        with tempfile.TemporaryDirectory() as folder:
            shop = Shop(WEB=os.path.join(folder, "none"))
            self.addCleanup(shop.close)
            shop.start()
            answer = shop.get("/", headers=BROWSER)
            self.assertEqual(404, answer.status)
            self.assertIn(b"not built", answer.body)
            self.assertEqual(200, shop.get(PRODUCTS).status)


if __name__ == "__main__":
    unittest.main()
