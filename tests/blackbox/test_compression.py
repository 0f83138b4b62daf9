"""Compressed answers over HTTP: what everybody sees is, the same as without, and what is somebody's never is."""
import gzip
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from case import ShopCase  # noqa: E402

LIST = "/api/catalog/v1/products?limit=12"
ASKED = {"gzip": "gzip;q=1, br;q=0.5", "br": "gzip, br"}


class CompressionTest(ShopCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for number in range(12):
            cls.shop.product(title="Kettle number %d" % number)

    def ask(self, path=LIST, coding=None, etag=None, method="GET", **who):
        headers = {"Accept-Encoding": ASKED[coding]} if coding else {}
        if etag:
            headers["If-None-Match"] = etag
        return self.shop.ask(method, path, headers=headers, **who)

    def test_compression__what_everybody_sees_is_the_same_text(self):
        plain = self.ask()
        self.assertStatus(plain, 200)
        self.assertNotIn("content-encoding", plain.headers)
        for _ in range(2):  # from the handler, and as it was kept
            answer = self.ask(coding="gzip")
            self.assertEqual((200, "gzip"), (answer.status, answer.headers["content-encoding"]))
            self.assertEqual(plain.body, gzip.decompress(answer.body))
            self.assertLess(len(answer.body), len(plain.body) / 2)
            self.assertEqual(len(answer.body), int(answer.headers["content-length"]))
        answer = self.ask(coding="br")
        self.assertEqual("br", answer.headers["content-encoding"])
        self.assertLess(len(answer.body), len(plain.body) / 2)
        self.assertEqual(plain.body, self.ask().body)

    def test_compression__each_form_has_its_etag_and_says_that_there_are_others(self):
        etags = {}
        for coding in (None, "gzip", "br"):
            for _ in range(2):
                answer = self.ask(coding=coding)
                self.assertEqual("Accept-Encoding", answer.headers["vary"])
                etags.setdefault(answer.headers["etag"], coding)
        self.assertEqual([None, "gzip", "br"], list(etags.values()))
        for etag, coding in etags.items():
            for asked in (None, "gzip", "br"):
                answer = self.ask(coding=asked, etag=etag)
                self.assertEqual(304 if asked == coding else 200, answer.status, (etag, asked))
            self.assertEqual((etag, b""), (self.ask(coding=coding, etag=etag).headers["etag"],
                                           self.ask(coding=coding, etag=etag).body))

    def test_compression__a_head_says_what_a_get_would(self):
        for coding in ("gzip", "br"):
            got, head = self.ask(coding=coding), self.ask(coding=coding, method="HEAD")
            self.assertEqual((200, b""), (head.status, head.body))
            for name in ("etag", "content-encoding", "content-length", "vary"):
                self.assertEqual(got.headers[name], head.headers[name], name)

    def test_compression__a_change_is_seen_in_every_form(self):
        sku = self.shop.sku(10)
        path = "/api/catalog/v1/products?limit=100"
        before = gzip.decompress(self.ask(path, coding="gzip").body)
        self.shop.set_stock(sku, 77)
        after = gzip.decompress(self.ask(path, coding="gzip").body)
        self.assertNotEqual(before, after)
        self.assertEqual(self.ask(path).body, after)

    def test_compression__what_is_somebodys_is_never_compressed(self):
        """However large: its size would tell of secrets in it whoever can put words beside them (BREACH)."""
        ann = self.shop.customer()
        for _ in range(4):
            self.shop.buy([(self.shop.sku(10), 1)], token=ann)
        answer = self.ask("/api/orders/v1/orders?limit=50", coding="br", token=ann)
        self.assertStatus(answer, 200)
        self.assertNotIn("content-encoding", answer.headers)
        self.assertGreater(len(answer.body), 1024)

    def test_compression__small_answers_go_as_they_are(self):
        answer = self.ask("/health/live", coding="br")
        self.assertStatus(answer, 200)
        self.assertNotIn("content-encoding", answer.headers)


if __name__ == "__main__":
    unittest.main()
