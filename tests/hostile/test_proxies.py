"""What a request says of its own origin: nobody is believed but the proxies of SHOPSTREAM_TRUSTED_PROXIES. Every
connection here comes from loopback, which is a proxy for one shop and a stranger for the other."""
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import wire  # noqa: E402
from case import ShopCase  # noqa: E402
from shop import BINARY, PASSWORD, START_PATIENCE_S, Shop, new_email  # noqa: E402

API = "/api/identity/v1"
STRICT = b"strict-transport-security: max-age=31536000; includesubdomains\r\n"
TRIES = 110  # more than an address may at once


class Origins(ShopCase):
    def seen_address(self, headers):
        """The address of the session that is opened by a request with these headers."""
        token = self.shop.post(API + "/login", {"email": self.shop.sign_up(), "password": PASSWORD},
                               headers=headers).json["access_token"]
        return [session["address"] for session in self.shop.get(API + "/sessions", token=token).json["sessions"]
                if session["current"]][0]

    def head(self, *lines):
        request = "\r\n".join(["GET /health/live HTTP/1.1", "Host: localhost", "Connection: close", *lines, "", ""])
        received, _ = wire.exchange(self.shop, request.encode())
        return received.lower()


class NoProxyTest(Origins):
    def test_origin__of_a_stranger_is_the_connections(self):
        for headers in ({"X-Forwarded-For": "198.51.100.1"}, {"X-Forwarded-For": "127.0.0.1, 198.51.100.1"},
                        {"Forwarded": "for=198.51.100.1;proto=https"}, {"X-Real-IP": "198.51.100.1"},
                        {"X-Client-IP": "198.51.100.1"}, {"True-Client-IP": "198.51.100.1"},
                        {"CF-Connecting-IP": "198.51.100.1"}):
            with self.subTest(headers):
                self.assertEqual("127.0.0.1", self.seen_address(headers))

    def test_origin__a_stranger_cannot_make_the_shop_ask_for_tls(self):
        self.assertNotIn(b"strict-transport-security", self.head("X-Forwarded-Proto: https"))


class ProxyTest(Origins):
    settings = {"TRUSTED_PROXIES": "127.0.0.0/8, 2001:db8::/32"}

    def test_origin__is_the_last_that_is_no_proxy(self):
        for value, expected in (("198.51.100.1", "198.51.100.1"), ("1.1.1.1, 198.51.100.1", "198.51.100.1"),
                                ("1.1.1.1, 198.51.100.1:4711, 127.0.0.9, 2001:db8::1", "198.51.100.1"),
                                ("[2A00:0::1]:443", "2a00::1"), ("::ffff:198.51.100.1", "198.51.100.1"),
                                ("198.51.100.1, <script>", "127.0.0.1"), ("", "127.0.0.1"), ("a" * 5000, "127.0.0.1"),
                                ("1.1.1.1," * 900 + "198.51.100.1", "198.51.100.1")):
            with self.subTest(value[:60]):
                self.assertEqual(expected, self.seen_address({"X-Forwarded-For": value}))

    def test_origin__tls_at_the_proxy_is_tls(self):
        self.assertIn(STRICT, self.head("X-Forwarded-Proto: https"))
        for lines in ([], ["X-Forwarded-Proto: http"], ["X-Forwarded-Proto: https", "X-Forwarded-Proto: http"],
                      ["X-Forwarded-Proto: httpsx"], ["X-Forwarded-For: 198.51.100.1"]):
            with self.subTest(lines):
                self.assertNotIn(b"strict-transport-security", self.head(*lines))

    def test_origin__also_refusals_ask_for_tls(self):
        for request in (b"GET /none HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\n",
                        b"POST / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\nContent-Length: 9999999\r\n",
                        b"GET / HTTP/1.1\r\nX-Forwarded-Proto: https\r\n"):
            with self.subTest(request):
                received, _ = wire.exchange(self.shop, request + b"Connection: close\r\n\r\n")
                self.assertIn(STRICT, received.lower())

    def test_origin__over_http2(self):
        ended = subprocess.run(["curl", "-sSi", "--http2-prior-knowledge", "-H", "X-Forwarded-Proto: https",
                                "http://127.0.0.1:%d/health/live" % self.shop.port], capture_output=True, check=True,
                               timeout=START_PATIENCE_S)
        self.assertTrue(ended.stdout.startswith(b"HTTP/2 200"))
        self.assertIn(STRICT, ended.stdout.lower())


class LimitTest(unittest.TestCase):
    def refused_tries(self, **settings):
        """How many of many tries at codes are turned away, each with another address in its headers."""
        shop = Shop(RATE_LIMITS="on", **settings)
        self.addCleanup(shop.close)
        shop.start()
        answers = [shop.post(API + "/password/forgot", {"email": new_email()},
                             headers={"X-Forwarded-For": "198.51.%d.%d" % divmod(i, 250)}) for i in range(TRIES)]
        self.assertEqual({202, 204, 429} & {answer.status for answer in answers}, {answer.status for answer in answers})
        return [answer.status for answer in answers].count(429)

    def test_limit__invented_addresses_do_not_escape_it(self):
        self.assertGreater(self.refused_tries(), 0)

    def test_limit__each_client_of_a_proxy_has_its_own(self):
        self.assertEqual(0, self.refused_tries(TRUSTED_PROXIES="127.0.0.1"))


class ListTest(unittest.TestCase):
    def test_list__that_is_none_is_refused(self):
        for text in ("10.0.0.0/33", "10.0.0.1/8", "proxy.example", "10.0.0.1,", "*"):
            shop = Shop(TRUSTED_PROXIES=text)
            self.addCleanup(shutil.rmtree, shop.folder, True)
            ended = subprocess.run([BINARY, "--data", str(shop.data), "--port", "0"], env=shop.environment(),
                                   capture_output=True, text=True, timeout=START_PATIENCE_S)
            self.assertEqual(1, ended.returncode)
            self.assertIn("SHOPSTREAM_TRUSTED_PROXIES", ended.stderr)


if __name__ == "__main__":
    unittest.main()
