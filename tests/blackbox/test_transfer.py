"""The whole catalog out as a file and in again, at the size that a shop has: larger than any other request may be."""
import pathlib
import subprocess
import sys
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from case import ShopCase  # noqa: E402
from shop import REQUEST_TIMEOUT_S, Shop, new_key  # noqa: E402

EXPORT, IMPORT = "/api/catalog/v1/export", "/api/catalog/v1/import"
PRODUCTS = "/api/catalog/v1/products"
CSV = {"Content-Type": "text/csv"}
USUAL_BYTES_MAX, IMPORT_BYTES_MAX = 2 << 20, 16 << 20


class TransferTest(ShopCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = Shop(arguments=())
        cls.addClassCleanup(cls.shop.close)
        cls.shop.start()
        cls.admin = cls.shop.staff("admin")

    def export(self):
        answer = self.shop.get(EXPORT, token=self.admin)
        self.assertStatus(answer, 200)
        self.assertEqual("text/csv; charset=utf-8", answer.headers["content-type"])
        return answer.body

    def send(self, body, **options):
        return self.shop.post(IMPORT, body, headers=CSV, **{"token": self.admin, **options})

    def curl(self, body, *arguments, path=IMPORT):
        """The statuses that curl is given, which waits for 100 Continue before it sends the body, and the answer."""
        done = subprocess.run(["curl", "--silent", "--show-error", "--verbose", "--max-time", str(REQUEST_TIMEOUT_S),
                               "--header", "Content-Type: text/csv", "--header", "Expect: 100-continue",
                               "--data-binary", "@-", "--output", "-", *arguments,
                               "http://127.0.0.1:%d%s" % (self.shop.port, path)], input=body,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=2 * REQUEST_TIMEOUT_S, check=True)
        said = done.stderr.decode(errors="replace")
        statuses = [int(line.split()[2]) for line in said.splitlines() if line.startswith("< HTTP/")]
        return statuses, done.stdout

    def test_transfer__the_demo_catalog_comes_back_as_it_went(self):
        """What the export gives, the import takes, and finds nothing to change: no version, no event, the same file."""
        file = self.export()
        self.assertGreater(len(file), USUAL_BYTES_MAX)  # or this shows nothing
        before = self.shop.walk(PRODUCTS + "?limit=100", "products")
        answer = self.assertStatus(self.send(file, key=new_key()), 200)
        self.assertEqual((len(before), file.count(b"\r\n") - 1), (answer["products"], answer["skus"]))
        bearer = ("--header", "Authorization: Bearer " + self.admin.token)
        self.assertEqual([100, 200], self.curl(file, *bearer)[0])
        self.assertEqual(200, self.curl(file, "--http2-prior-knowledge", *bearer)[0][-1])
        self.assertEqual(before, self.shop.walk(PRODUCTS + "?limit=100", "products"))
        self.assertEqual(file, self.export())

    def test_transfer__a_large_file_goes_in_whole_or_not_at_all(self):
        """An error in the last line of a large file is told by its line, and nothing before it was taken."""
        file = self.export()
        name = "new-" + uuid.uuid4().hex[:8]
        columns = file.split(b"\r\n", 1)[0].split(b",")
        row = {b"title": b"Lamp", b"category": b"lamps", b"price": b"100", b"currency": b"EUR", b"on_hand": b"1"}

        def line(number, **cells):
            own = {b"slug": b"%s-%d" % (name.encode(), number), b"code": b"%s-%d" % (name.encode(), number)}
            cells = {**row, **own, **{key.encode(): value for key, value in cells.items()}}
            return b",".join(cells.get(column, b"") for column in columns) + b"\r\n"
        broken = self.send(file + line(1) + line(2, price=b"-1"))
        problem = self.assertProblem(broken, 422, "import_refused")
        self.assertEqual([file.count(b"\r\n") + 2], [error["line"] for error in problem["errors"]])
        self.assertEqual(file, self.export())
        self.assertStatus(self.send(file + line(1) + line(2)), 200)
        self.assertEqual(200, self.shop.get(PRODUCTS + "/%s-2" % name).status)
        for number in (1, 2):
            path = PRODUCTS + "/%s-%d" % (name, number)
            etag = self.shop.get(path).headers["etag"]
            gone = self.shop.delete(path, token=self.admin, headers={"If-Match": etag})
            self.assertEqual(204, gone.status, gone)
        self.assertEqual(file, self.export())

    def test_transfer__only_who_may_import_sends_a_large_body(self):
        """Others hear so before their file is there; and each limit is named where it is met."""
        large = b"x" * (USUAL_BYTES_MAX + 1)
        for who, status, code in ((None, 401, "sign_in_required"), ("not.a.token", 401, "token_invalid"),
                                  (self.shop.customer().token, 403, "role_required")):
            with self.subTest(status=status, code=code):
                bearer = ("--header", "Authorization: Bearer " + who) if who else ()
                for version in ("--http1.1", "--http2-prior-knowledge"):
                    statuses, body = self.curl(large, version, *bearer)
                    self.assertEqual(([status], True), (statuses, code.encode() in body), (statuses, body))
        bearer = ("--header", "Authorization: Bearer " + self.admin.token)
        for path, limit in ((PRODUCTS, USUAL_BYTES_MAX), (IMPORT, IMPORT_BYTES_MAX)):
            statuses, body = self.curl(b"x" * (limit + 1), *bearer, path=path)
            self.assertEqual(([413], True), (statuses, b"at most %d bytes" % limit in body), (statuses, body))
        self.assertEqual([100, 422], self.curl(b"x" * IMPORT_BYTES_MAX, *bearer)[0])


if __name__ == "__main__":
    unittest.main()
