"""Large requests and answers over HTTP: what is taken without an Idempotency-Key is taken with one."""
import pathlib
import sys
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from case import ShopCase  # noqa: E402
from shop import new_key  # noqa: E402

PRODUCTS = "/api/catalog/v1/products"
SKUS_MAX, ATTRIBUTES_MAX, NAME_MAX, VALUE_MAX, DESCRIPTION_MAX = 100, 10, 60, 200, 10000
ROW_BYTES_MAX = 384 << 10  # of one row of the store that keeps answers


def largest_product():
    """As much as a product can hold, of a letter that takes two bytes in JSON."""
    attributes = {'"' * (NAME_MAX - 1) + str(i): '"' * VALUE_MAX for i in range(ATTRIBUTES_MAX)}
    return {"title": "Large", "category": "things", "description": '"' * DESCRIPTION_MAX,
            "price": {"amount": 1, "currency": "EUR"},
            "skus": [{"code": uuid.uuid4().hex, "attributes": attributes} for _ in range(SKUS_MAX)]}


class LargeTest(ShopCase):
    def test_large__an_answer_of_any_length_is_kept_with_its_key(self):
        admin, body, key = self.shop.staff("admin"), largest_product(), new_key()
        self.assertStatus(self.shop.post(PRODUCTS, largest_product(), token=admin), 201)
        first = self.shop.post(PRODUCTS, body, token=admin, key=key)
        product = self.assertStatus(first, 201)
        self.assertGreater(len(first.body), ROW_BYTES_MAX)
        again = self.shop.post(PRODUCTS, body, token=admin, key=key)
        self.assertEqual((201, "true", first.headers["etag"]),
                         (again.status, again.headers["idempotency-replayed"], again.headers["etag"]))
        self.assertEqual(first.body, again.body)
        self.assertProblem(self.shop.post(PRODUCTS, {**body, "title": "Other"}, token=admin, key=key), 422)
        changed = self.shop.patch(PRODUCTS + "/" + product["id"], {"title": "Larger"}, token=admin, key=new_key(),
                                  headers={"If-Match": first.headers["etag"]})
        self.assertEqual("Larger", self.assertStatus(changed, 200)["title"])


if __name__ == "__main__":
    unittest.main()
