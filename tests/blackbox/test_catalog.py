"""The catalog over HTTP: lists, details, editing and stock."""
import pathlib
import sys
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from case import ShopCase  # noqa: E402
from shop import Shop, new_key  # noqa: E402

API = "/api/catalog/v1"
PRODUCTS = API + "/products"


def new_product(**fields):
    return {"title": "Article " + uuid.uuid4().hex[:8], "category": "things",
            "price": {"amount": 1000, "currency": "EUR"}, "skus": [{"code": uuid.uuid4().hex[:12]}], **fields}


class ListTest(ShopCase):
    """Reads of a catalog that stands still: 23 products in two categories and three brands."""
    COUNT = 23

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for i in range(cls.COUNT):
            title = "%s lamp number %d" % ("Zeta Alpha Mid".split()[i % 3], i)
            cls.shop.product((i,), amount=100 + i * 37 % 500, title=title, brand="Brand %d" % (i % 3),
                             category="lights" if i % 2 else "garden-lights")

    def titles(self, query):
        return [product["title"] for product in self.shop.walk(PRODUCTS + query, "products")]

    def test_list__pages_of_every_sort_show_each_product_once(self):
        """Walking by cursor, in each order, on pages of each size, misses nothing and repeats nothing."""
        for sort in ("newest", "price_asc", "price_desc", "title"):
            for limit in (1, 7, 100):
                with self.subTest(sort=sort, limit=limit):
                    products = self.shop.walk(PRODUCTS + "?sort=%s&limit=%d" % (sort, limit), "products")
                    self.assertEqual(self.COUNT, len({product["id"] for product in products}))
                    self.assertEqual(self.COUNT, len(products))

    def test_list__sorts(self):
        prices = [product["price"]["amount"] for product in self.shop.walk(PRODUCTS + "?sort=price_asc", "products")]
        self.assertEqual(sorted(prices), prices)
        prices = [product["price"]["amount"] for product in self.shop.walk(PRODUCTS + "?sort=price_desc", "products")]
        self.assertEqual(sorted(prices, reverse=True), prices)
        titles = self.titles("?sort=title")
        self.assertEqual(sorted(titles, key=str.lower), titles)
        newest = self.titles("?sort=newest")
        self.assertEqual(list(range(self.COUNT - 1, -1, -1)), [int(title.split()[-1]) for title in newest])
        self.assertEqual(newest, self.titles(""))

    def test_list__facets_count_what_each_choice_would_show(self):
        """By category and brand, each without its own filter; a change of a price is in them at once."""
        facets = self.assertStatus(self.shop.get(API + "/facets?category=lights&currency=EUR"), 200)
        self.assertEqual(len(self.titles("?category=lights")), facets["total"])
        self.assertEqual({"lights", "garden-lights"}, {value["value"] for value in facets["categories"]})
        for name, values in (("category", facets["categories"]), ("brand", facets["brands"])):
            for value in values:
                other = "" if name == "category" else "&category=lights"
                query = "?%s=%s%s" % (name, value["value"].replace(" ", "%20"), other)
                self.assertEqual(value["count"], len(self.titles(query)), value)
        prices = [product["price"]["amount"] for product in self.shop.walk(PRODUCTS + "?category=lights", "products")]
        self.assertEqual((min(prices), max(prices)),
                         (facets["lowest_price"]["amount"], facets["highest_price"]["amount"]))
        found = self.assertStatus(self.shop.get(API + "/facets?q=zeta%20lam"), 200)
        self.assertEqual(len(self.titles("?q=zeta%20lamp")), found["total"])
        self.assertNotIn("lowest_price", found)

    def test_list__filters(self):
        """Category, brand, words and their combinations show what fits and nothing else."""
        everything = self.shop.walk(PRODUCTS, "products")
        cases = {"?category=lights": lambda p: p["category"] == "lights",
                 "?brand=Brand%201": lambda p: p["brand"] == "Brand 1",
                 "?category=lights&brand=Brand%202": lambda p: (p["category"], p["brand"]) == ("lights", "Brand 2"),
                 "?q=alpha": lambda p: "Alpha" in p["title"], "?q=LAMP+zeta": lambda p: "Zeta" in p["title"],
                 "?currency=EUR": lambda p: True, "?currency=JPY": lambda p: False,
                 "?category=nothing-here": lambda p: False, "?q=absentword": lambda p: False}
        for query, fits in cases.items():
            with self.subTest(query=query):
                found = {product["id"] for product in self.shop.walk(PRODUCTS + query, "products")}
                self.assertEqual({product["id"] for product in everything if fits(product)}, found)

    def test_list__shows_what_the_surface_promises(self):
        answer = self.shop.get(PRODUCTS + "?limit=1")
        product = self.assertStatus(answer, 200)["products"][0]
        for name in ("id", "slug", "title", "brand", "category", "description", "price", "version", "skus"):
            self.assertIn(name, product)
        for name in ("id", "code", "attributes", "price", "available"):
            self.assertIn(name, product["skus"][0])
        self.assertEqual({"amount", "currency"}, set(product["price"]))
        self.assertTrue(answer.json["next_cursor"])
        self.assertEqual(20, len(self.shop.get(PRODUCTS).json["products"]))

    def test_list__refuses_what_it_does_not_know(self):
        """A limit beyond 100, an invented cursor, an unknown parameter, a wrong value: 400, and which it was."""
        cases = {"?limit=101": "?limit", "?limit=0": "?limit", "?limit=many": "?limit", "?limit=-1": "?limit",
                 "?limit=99999999999999999999": "?limit", "?cursor=invented": None, "?cursor=AAAA": None,
                 "?colour=red": "?colour", "?sort=cheap": "?sort", "?currency=euro": "?currency",
                 "?limit=5&limit=6": "?limit", "?category=%ff": None}
        for query, pointer in cases.items():
            with self.subTest(query=query):
                self.assertProblem(self.shop.get(PRODUCTS + query), 400, pointer=pointer)

    def test_list__a_cursor_belongs_to_its_query_or_is_refused(self):
        """The cursor of another order or filter is a 400, never a page of something else; the page may be longer."""
        query = PRODUCTS + "?sort=title&category=lights"
        cursor = self.shop.get(query + "&limit=2").json["next_cursor"]
        self.assertStatus(self.shop.get(query + "&limit=5&cursor=" + cursor), 200)
        for other in ("?sort=price_asc&category=lights", "?category=lights", "?sort=title",
                      "?sort=title&category=garden-lights", "?sort=title&category=lights&q=lamp",
                      "?sort=title&category=lights&brand=Brand%201", "?sort=title&category=lights&currency=EUR"):
            with self.subTest(other=other):
                self.assertProblem(self.shop.get(PRODUCTS + other + "&cursor=" + cursor), 400, code="invalid_cursor",
                                   pointer="?cursor")

    def test_list__categories_count_their_products(self):
        found = {c["slug"]: c["product_count"] for c in self.shop.get(API + "/categories").json["categories"]}
        self.assertEqual({"lights": self.COUNT // 2, "garden-lights": self.COUNT - self.COUNT // 2}, found)


class ProductTest(ShopCase):
    def test_product__is_found_by_id_and_by_slug(self):
        product = self.shop.product((3,), title="A Büro lamp, black")
        by_id = self.assertStatus(self.shop.get(PRODUCTS + "/" + product["id"]), 200)
        by_slug = self.assertStatus(self.shop.get(PRODUCTS + "/" + product["slug"]), 200)
        self.assertEqual(by_id, by_slug)
        self.assertRegex(product["slug"], "^[a-z0-9]+(-[a-z0-9]+)*$")
        self.assertEqual(3, by_id["skus"][0]["available"])
        self.assertProblem(self.shop.get(PRODUCTS + "/no-such-thing"), 404)

    def test_product__etag_and_304(self):
        """An ETag is "<version>-<hash>"; who has those bytes gets a 304 without a body, until they change."""
        product = self.shop.product((3,))
        path = PRODUCTS + "/" + product["id"]
        first = self.shop.get(path)
        etag = first.headers["etag"]
        self.assertRegex(etag, '^"%d-[0-9a-f]+"$' % product["version"])
        again = self.shop.get(path, headers={"If-None-Match": etag})
        self.assertEqual((304, b"", etag), (again.status, again.body, again.headers["etag"]))
        self.shop.set_stock(product["skus"][0]["id"], 7)
        changed = self.shop.get(path, headers={"If-None-Match": etag})
        self.assertEqual(7, self.assertStatus(changed, 200)["skus"][0]["available"])
        self.assertEqual(product["version"], changed.json["version"])

    def test_product__a_write_shows_in_every_read_that_follows(self):
        """Cached lists, details and categories are never older than an acknowledged write."""
        admin = self.shop.staff("admin")
        category = "fresh-" + uuid.uuid4().hex[:6]
        self.assertEqual([], self.shop.get(PRODUCTS + "?category=" + category).json.get("products", []))
        product = self.shop.product((1,), category=category)
        path = PRODUCTS + "/" + product["id"]
        for i in range(10):
            etag = self.shop.get(path).headers["etag"]
            answer = self.shop.patch(path, {"title": "Title %d" % i}, token=admin, headers={"If-Match": etag})
            self.assertStatus(answer, 200)
            self.assertEqual("Title %d" % i, self.shop.get(path).json["title"])
            listed = self.shop.get(PRODUCTS + "?category=" + category).json["products"]
            self.assertEqual(["Title %d" % i], [p["title"] for p in listed])
        self.assertIn(category, [c["slug"] for c in self.shop.get(API + "/categories").json["categories"]])
        etag = self.shop.get(path).headers["etag"]
        self.assertStatus(self.shop.delete(path, token=admin, headers={"If-Match": etag}), 200, 204)
        self.assertProblem(self.shop.get(path), 404)
        self.assertEqual([], self.shop.get(PRODUCTS + "?category=" + category).json.get("products", []))

    def test_product__an_edit_needs_the_version_that_was_read(self):
        """428 without If-Match, 412 with a stale one; a sale of stock spoils nothing."""
        admin, product = self.shop.staff("admin"), self.shop.product((3,))
        path = PRODUCTS + "/" + product["id"]
        etag = self.shop.get(path).headers["etag"]
        for method, body in (("PATCH", {"title": "New"}), ("DELETE", None)):
            self.assertProblem(self.shop.ask(method, path, body, token=admin), 428)
        self.shop.set_stock(product["skus"][0]["id"], 2)
        changed = self.shop.patch(path, {"title": "New"}, token=admin, headers={"If-Match": etag})
        self.assertEqual(product["version"] + 1, self.assertStatus(changed, 200)["version"])
        for method, body in (("PATCH", {"title": "Newer"}), ("DELETE", None)):
            self.assertProblem(self.shop.ask(method, path, body, token=admin, headers={"If-Match": etag}), 412)
        self.assertEqual("New", self.shop.get(path).json["title"])
        self.assertProblem(self.shop.patch(path, {"title": "X"}, token=admin, headers={"If-Match": "x"}), 400)

    def test_product__a_patch_changes_what_it_names_alone(self):
        admin, product = self.shop.staff("admin"), self.shop.product((3, 4), brand="Old")
        path = PRODUCTS + "/" + product["id"]
        answer = self.shop.patch(path, {"brand": "New"}, token=admin, headers={"If-Match": str(product["version"])})
        changed = self.assertStatus(answer, 200)
        for name in ("id", "slug", "title", "category", "description", "price"):
            self.assertEqual(product[name], changed[name])
        self.assertEqual(("New", [3, 4]), (changed["brand"], [sku["available"] for sku in changed["skus"]]))

    def test_product__the_price_is_the_lowest_of_its_skus(self):
        skus = [{"code": uuid.uuid4().hex[:12], "price": {"amount": amount, "currency": "EUR"}}
                for amount in (500, 300, 400)]
        answer = self.shop.post(PRODUCTS, new_product(skus=skus), token=self.shop.staff("admin"))
        self.assertEqual({"amount": 300, "currency": "EUR"}, self.assertStatus(answer, 201)["price"])

    def test_product__equal_titles_get_slugs_of_their_own(self):
        slugs = {self.shop.product((1,), title="The very same")["slug"] for _ in range(12)}
        self.assertEqual(12, len(slugs))

    def test_product__the_same_key_creates_one(self):
        """Key and body again: the first status and bytes, and a header that says so; another body: 422."""
        admin, key, body = self.shop.staff("admin"), new_key(), new_product()
        first = self.shop.post(PRODUCTS, body, token=admin, key=key)
        self.assertStatus(first, 201)
        again = self.shop.post(PRODUCTS, body, token=admin, key=key)
        self.assertEqual((first.status, first.body), (again.status, again.body))
        self.assertEqual("true", again.headers.get("idempotency-replayed"))
        self.assertNotIn("idempotency-replayed", first.headers)
        self.assertProblem(self.shop.post(PRODUCTS, {**body, "title": "Other"}, token=admin, key=key), 422)
        self.assertEqual(1, len(self.shop.walk(PRODUCTS + "?q=" + body["title"].split()[1], "products")))

    def test_product__a_refused_body_changes_nothing(self):
        admin = self.shop.staff("admin")
        cases = [({"title": ""}, "/title"), ({"title": "x" * 201}, "/title"), ({"title": 5}, "/title"),
                 ({"price": {"amount": -1, "currency": "EUR"}}, "/price/amount"),
                 ({"price": {"amount": 1.5, "currency": "EUR"}}, "/price/amount"),
                 ({"price": {"amount": 1, "currency": "Euro"}}, "/price/currency"), ({"price": {}}, None),
                 ({"category": "No Slug!"}, "/category"), ({"skus": [{"code": ""}]}, "/skus/0/code"),
                 ({"id": "mine"}, "/id"), ({"skus": [{"code": "a", "colour": "red"}]}, "/skus/0/colour")]
        for fields, pointer in cases:
            with self.subTest(fields=fields):
                self.assertProblem(self.shop.post(PRODUCTS, new_product(**fields), token=admin), 400, pointer=pointer)
        same = uuid.uuid4().hex[:12]
        twice = self.shop.post(PRODUCTS, new_product(skus=[{"code": same}, {"code": same}]), token=admin)
        self.assertIn(self.assertProblem(twice, twice.status)["status"], (400, 409))

    def test_stock__is_set_and_shown(self):
        sku = self.shop.sku(0)
        self.assertEqual((0, 0, 0), self.shop.stock(sku))
        self.shop.set_stock(sku, 25)
        self.assertEqual((25, 0, 25), self.shop.stock(sku))
        path, admin = API + "/skus/%s/stock" % sku, self.shop.staff("admin")
        for body in ({"on_hand": -1}, {}, {"on_hand": "5"}, {"on_hand": 5, "reserved": 0}):
            with self.subTest(body=body):
                self.assertProblem(self.shop.put(path, body, token=admin), 400)
        self.assertProblem(self.shop.put(path, {"on_hand": 5}), 401)
        self.assertProblem(self.shop.get(API + "/skus/none/stock"), 404)


class ImportTest(ShopCase):
    HEADER = b"slug,title,category,code,price,currency,on_hand\r\n"
    PATH = "/api/catalog/v1/import"

    def send(self, rows, key, content_type="text/csv"):
        return self.shop.post(self.PATH, self.HEADER + rows, key=key, token=self.shop.staff("admin"),
                              headers={"Content-Type": content_type})

    def replayed(self, first, again):
        self.assertEqual((first.status, first.body), (again.status, again.body))
        self.assertEqual("true", again.headers.get("idempotency-replayed"))
        self.assertEqual(first.headers["content-type"], again.headers["content-type"])

    def test_import__a_key_imports_once(self):
        """Sent again after a change of the product, the same key and file leave the change be, also after a restart."""
        name = "key-" + uuid.uuid4().hex[:8]
        row, key = ("%s,Lamp,lamps,%s,1000,EUR,5\r\n" % (name, name)).encode(), new_key()
        first = self.send(row, key)
        self.assertEqual((1, 1), (self.assertStatus(first, 200)["products"], first.json["skus"]))
        product = self.shop.get(PRODUCTS + "/" + name)
        changed = self.shop.patch(PRODUCTS + "/" + name, {"title": "Bulb"}, token=self.shop.staff("admin"),
                                  key=new_key(), headers={"If-Match": product.headers["etag"]})
        self.assertStatus(changed, 200)
        self.replayed(first, self.send(row, key))
        self.shop.stop()
        self.shop.start()
        self.replayed(first, self.send(row, key))
        self.assertEqual("Bulb", self.shop.get(PRODUCTS + "/" + name).json["title"])
        self.assertProblem(self.send(row.replace(b"1000", b"1001"), key), 422, "idempotency_key_reused")
        self.assertProblem(self.send(row, "a b"), 400, "invalid_idempotency_key")

    def test_import__a_refused_file_stays_refused(self):
        """By its key: a file with errors by line, and one that is no CSV at all."""
        for rows, content_type, status in ((b"x,,lamps,x,-1,EUR,5\r\n", "text/csv", 422), (b"", "text/plain", 415)):
            key = new_key()
            first = self.send(rows, key, content_type)
            self.assertProblem(first, status)
            self.replayed(first, self.send(rows, key, content_type))


class SeedTest(unittest.TestCase):
    def test_seed__an_empty_shop_gets_the_demo_catalog_once(self):
        """About 500 products with about 6,000 SKUs, the same after a restart."""
        shop = Shop(arguments=())
        try:
            shop.start()
            products = shop.walk(PRODUCTS + "?limit=100", "products")
            self.assertTrue(450 <= len(products) <= 550, len(products))
            self.assertTrue(5000 <= sum(len(product["skus"]) for product in products) <= 7000)
            self.assertEqual(0, shop.stop())
            shop.start()
            self.assertEqual(products, shop.walk(PRODUCTS + "?limit=100", "products"))
        finally:
            shop.close()


if __name__ == "__main__":
    unittest.main()
