"""What an answer has, and nothing else: a field more is one that somebody must have wanted to show."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from case import ShopCase  # noqa: E402

MONEY = {"amount", "currency"}
PRODUCT = {"id", "slug", "title", "brand", "category", "description", "image_url", "price", "skus", "version"}
SKU = {"id", "code", "attributes", "price", "available"}
CART = {"id", "items", "total", "currency", "version"}
ORDER = {"id", "status", "email", "lines", "shipping", "total", "payment", "created_at", "version"}
LINE = {"sku_id", "product_slug", "title", "image_url", "attributes", "quantity", "price", "line_total"}
ME = {"id", "email", "email_verified", "name", "roles", "status", "tenant", "created_at", "version"}
SESSION = {"id", "address", "user_agent", "created_at", "last_used_at", "current"}


class AnswersTest(ShopCase):
    def test_answers__have_the_fields_that_they_need(self):
        product = self.shop.product((3,))
        token = self.shop.customer()
        order = self.shop.buy([(product["skus"][0]["id"], 1)], token=token)

        def get(path):
            return self.assertStatus(self.shop.get(path, token=token), 200)
        shown, ordered = get("/api/catalog/v1/products/" + product["id"]), get("/api/orders/v1/orders/" + order["id"])
        for fields, thing in ((PRODUCT, shown), (SKU, shown["skus"][0]), (MONEY, shown["skus"][0]["price"]),
                              (CART, get("/api/orders/v1/cart")), (ORDER, ordered), (LINE, ordered["lines"][0]),
                              ({"id", "status"}, ordered["payment"]), (ME, get("/api/identity/v1/me")),
                              (SESSION, get("/api/identity/v1/sessions")["sessions"][0])):
            self.assertEqual(fields, set(thing))


if __name__ == "__main__":
    unittest.main()
