"""TLS as customers meet it: the shop with a certificate of its own, by curl and by Python's client; and what it says of
files that will not do."""
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from shop import BINARY, PATIENCE_S, START_PATIENCE_S, Shop  # noqa: E402

STRICT = "strict-transport-security: max-age=31536000; includesubdomains\r\n"


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=PATIENCE_S)


class Files:
    """An authority, and a certificate of this machine by it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.authority, self.certificate, self.key = (self.path(name) for name in ("ca.pem", "shop.pem", "shop.key"))
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=authority", "-keyout", self.path("ca.key"), "-out", self.authority)
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=shop",
                "-keyout", self.key, "-out", self.path("shop.csr"))
        (self.folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", self.path("shop.csr"), "-CA", self.authority, "-CAkey", self.path("ca.key"),
                "-CAcreateserial", "-days", "2", "-extfile", self.path("names"), "-out", self.certificate)

    def path(self, name):
        return str(self.folder / name)


class Secure(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="shopstream-tls-")
        cls.addClassCleanup(shutil.rmtree, folder, True)
        cls.files = Files(folder)


class TlsTest(Secure):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shop = Shop(TLS_CERTIFICATE=cls.files.certificate, TLS_KEY=cls.files.key)
        cls.shop.client.tls = ssl.create_default_context(cafile=cls.files.authority)
        cls.addClassCleanup(cls.shop.close)
        cls.shop.start()

    def curl(self, *arguments, path="/health/live", host="localhost", code=0):
        ended = subprocess.run(["curl", "-sSi", *arguments, "https://%s:%d%s" % (host, self.shop.port, path)],
                               capture_output=True, timeout=PATIENCE_S)
        self.assertEqual(code, ended.returncode, ended)
        return ended.stdout.decode()

    def test_tls__an_answer_that_goes_on(self):
        """Each event comes by itself, over both protocols."""
        product = self.shop.product((5,))
        url = "https://localhost:%d/api/realtime/v1/events?channels=product:%s" % (self.shop.port, product["id"])
        for option in ("--http1.1", "--http2"):
            with self.subTest(option), subprocess.Popen(["curl", "-sSN", "--cacert", self.files.authority, option, url],
                                                        stdout=subprocess.PIPE) as follower:
                try:
                    self.assertEqual(b"retry: 2000\n", follower.stdout.readline())
                    for units in (7, 8):
                        self.shop.set_stock(product["skus"][0]["id"], units)
                        wanted = b'"available":%d}]}\n' % units
                        while not follower.stdout.readline().endswith(wanted):
                            self.assertIsNone(follower.poll())
                finally:
                    follower.kill()

    def test_tls__speaks_http1_and_http2(self):
        for option, first in (("--http1.1", "HTTP/1.1 200"), ("--http2", "HTTP/2 200")):
            for version in ("--tls-max 1.2", "--tlsv1.3"):
                with self.subTest(option, version=version):
                    answer = self.curl("--cacert", self.files.authority, option, *version.split())
                    self.assertTrue(answer.startswith(first), answer)

    def test_tls__is_asked_for_by_every_answer(self):
        for option in ("--http1.1", "--http2"):
            for path, status in (("/health/live", 200), ("/none", 404), ("/api/identity/v1/me", 401),
                                 ("/api/catalog/v1/products", 200), ("/api/catalog/v1/products", 200)):
                with self.subTest(path, option=option):
                    answer = self.curl("--cacert", self.files.authority, option, path=path)
                    self.assertIn(" %d" % status, answer.splitlines()[0])
                    self.assertEqual(1, answer.lower().count(STRICT), answer)

    def test_tls__the_certificate_is_checked_by_who_comes(self):
        self.curl(code=60)

    def test_tls__nothing_else_is_spoken(self):
        with socket.create_connection(("127.0.0.1", self.shop.port), PATIENCE_S) as connection:
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            received = connection.recv(1000)
        self.assertNotIn(b"HTTP/1.1", received)
        self.curl("--cacert", self.files.authority, "--tls-max", "1.1", code=35)

    def test_tls__a_purchase_from_end_to_end(self):
        """The provider's webhooks, which come from the same machine, arrive as well."""
        buyer = self.shop.customer()
        sku = self.shop.sku()
        self.assertEqual("confirmed", self.shop.buy([(sku, 1)], token=buyer)["status"])
        order = self.shop.place([(sku, 1)], "pm_card_authenticationRequired", wait=5, token=buyer).json
        self.assertEqual("pending", order["status"])
        self.shop.challenge(order, "approve")
        self.assertEqual("confirmed", self.shop.ended(order["id"], buyer)["status"])

    def test_tls__the_shop_says_where_it_is(self):
        self.assertIn("is open on https://127.0.0.1:%d" % self.shop.port, self.shop.log_text())


class RefusalTest(Secure):
    def refused(self, **settings):
        shop = Shop(**settings)
        self.addCleanup(shutil.rmtree, shop.folder, True)
        ended = subprocess.run([BINARY, "--data", str(shop.data), "--port", "0"], env=shop.environment(),
                               capture_output=True, text=True, timeout=START_PATIENCE_S)
        self.assertEqual(1, ended.returncode, ended)
        self.assertFalse(shop.data.exists() and any(shop.data.iterdir()), "something was made before")
        return ended.stderr

    def test_tls__files_that_will_not_do(self):
        files = self.files
        openssl("genpkey", "-algorithm", "ed25519", "-out", files.path("other.key"))
        shutil.copy(files.key, files.path("open.key"))
        os.chmod(files.path("open.key"), 0o644)
        pathlib.Path(files.path("text")).write_text("no certificate\n")
        os.chmod(files.path("text"), 0o600)
        for certificate, key, words in (
                (files.path("none"), files.key, [files.path("none"), "No such file"]),
                (files.certificate, files.path("none"), [files.path("none"), "No such file"]),
                (files.path("text"), files.key, [files.path("text"), "cannot be used"]),
                (files.certificate, files.path("text"), [files.path("text"), "cannot be used"]),
                (files.certificate, files.path("other.key"), [files.path("other.key"), "is not the one"]),
                (files.certificate, files.path("open.key"), [files.path("open.key"), "chmod"]),
                (files.certificate, "", ["go together"]), ("", files.key, ["go together"])):
            with self.subTest(words):
                said = self.refused(TLS_CERTIFICATE=certificate, TLS_KEY=key)
                for word in words:
                    self.assertIn(word, said)

    def test_tls__authorities_that_are_none(self):
        pathlib.Path(self.files.path("text")).write_text("no certificate\n")
        self.assertIn("there is no certificate", self.refused(TLS_AUTHORITIES=self.files.path("text")))
        self.assertIn(self.files.path("none"), self.refused(TLS_AUTHORITIES=self.files.path("none")))

    def test_tls__a_provider_elsewhere_is_asked_by_https(self):
        for url in ("http://api.stripe.com", "http://127.0.0.1.example", "http://localhost.example/", "ftp://127.0.0.1",
                    "http://10.0.0.1:3011"):
            with self.subTest(url):
                self.assertIn("SHOPSTREAM_STRIPE_URL must begin with https://", self.refused(STRIPE_URL=url))


if __name__ == "__main__":
    unittest.main()
