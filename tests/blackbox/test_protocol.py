"""What every answer holds to: problems for whatever is wrong, HTTP as its RFCs say, health, metrics, OpenAPI."""
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from case import ShopCase  # noqa: E402
from shop import REQUEST_TIMEOUT_S, Answer, new_key  # noqa: E402

PRODUCTS = "/api/catalog/v1/products"
LOGIN = "/api/identity/v1/login"
JSON = {"Content-Type": "application/json"}
LARGE = 64 << 20


class ProblemTest(ShopCase):
    settings = {"LOG_LEVEL": "info"}

    def test_problem__of_addresses_and_methods(self):
        for path in ("/nothing", "/api", "/api/", "/api/none/v1/x", "/api/catalog/v1/none", "/api/catalog",
                     PRODUCTS + "/", "/api/catalog/v2/products", "//", "/api/orders/v1/orders/a/b"):
            with self.subTest(path=path):
                self.assertProblem(self.shop.get(path), 404)
        for method, path, allowed in (("DELETE", PRODUCTS, {"GET", "HEAD", "POST"}), ("PUT", LOGIN, {"POST"}),
                                      ("PATCH", "/health/live", {"GET", "HEAD"}), ("GET", LOGIN, {"POST"}),
                                      ("HEAD", LOGIN, {"POST"}), ("TRACE", PRODUCTS, {"GET", "HEAD", "POST"})):
            with self.subTest(method=method, path=path):
                answer = self.shop.ask(method, path)
                if method == "HEAD":  # without a body to look into
                    self.assertEqual(405, answer.status)
                else:
                    self.assertProblem(answer, 405)
                told = set(answer.headers["allow"].replace(" ", "").split(","))
                self.assertEqual(allowed, told)

    def test_problem__names_the_method(self):
        """Whatever the parsers let through: of HTTP/1 all that llhttp knows, of HTTP/2 any word."""
        methods = """TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND ACL REPORT
            MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PURGE MKCALENDAR LINK UNLINK SOURCE QUERY
            PUT PATCH DELETE OPTIONS""".split()
        for method in methods:
            with self.subTest(method=method):
                problem = self.assertProblem(self.shop.ask(method, LOGIN), 405, "method_not_allowed")
                self.assertEqual("This address takes POST, not %s." % method, problem["detail"])
        for method in ("TRACE", "BREW", "X" * 32, "X" * 5000):
            with self.subTest(method=method, version=2):
                done = subprocess.run(["curl", "--silent", "--http2-prior-knowledge", "--request", method,
                                       "http://127.0.0.1:%d%s" % (self.shop.port, LOGIN)], stdout=subprocess.PIPE,
                                      timeout=REQUEST_TIMEOUT_S, check=True)
                self.assertEqual("This address takes POST, not %s." % method[:32], json.loads(done.stdout)["detail"])

    def test_problem__of_bodies(self):
        """A body that is not the JSON asked for: 400 that says so; another kind of body: 415."""
        cases = {b"": None, b"{": None, b"[]": None, b"null": None, b"5": None, b'{"email":}': None, b"{} {}": None,
                 b'{"email":"a@b.example","email":"a@b.example","password":"x"}': "/email",
                 b'{"email":"a@b.example","password":"x","role":"admin"}': "/role",
                 b'{"email":"a@b.example","password":5}': "/password",
                 b'{"email":["a@b.example"],"password":"x"}': "/email",
                 b'{"email":"a@b.example"}': "/password", b'{"email":"a@b.example","password":null}': "/password",
                 b'{"email":"\xff@b.example","password":"x"}': None,
                 b'{"email":"a@b.example","password":"\\ud800"}': None, b'{"a":NaN}': None, b"\xef\xbb\xbf{}": None,
                 b'{"x":' + b"[" * 100000 + b"]" * 100000 + b"}": None, b"[" * 100000: None,
                 b'{"email":' * 5000 + b"1" + b"}" * 5000: None, b"{'email':'a'}": None, b'{"email":"a",}': None}
        for body, pointer in cases.items():
            with self.subTest(body=body[:60]):
                self.assertProblem(self.shop.post(LOGIN, body, headers=JSON), 400, pointer=pointer)
        body = json.dumps({"email": "a@b.example", "password": "x"}).encode()
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", "multipart/form-data"):
            self.assertProblem(self.shop.post(LOGIN, body, headers={"Content-Type": kind}), 415)
        self.assertProblem(self.shop.post(LOGIN, body), 415)
        kind = {"Content-Type": "Application/JSON; charset=utf-8"}
        self.assertProblem(self.shop.post(LOGIN, body, headers=kind), 401)

    def test_problem__of_numbers(self):
        """What does not fit an integer is refused, never rounded or wrapped."""
        sku, admin = self.shop.sku(3), self.shop.staff("admin")
        path = "/api/catalog/v1/skus/%s/stock" % sku
        for number in ("1e2", "1.0", "5.5", "9223372036854775808", "1e400", "-1", "1000000001", '"5"', "true", "01",
                       "+1", "[5]", "null", "-9223372036854775809"):
            with self.subTest(number=number):
                answer = self.shop.put(path, b'{"on_hand":%s}' % number.encode(), token=admin, headers=JSON)
                self.assertProblem(answer, 400)
        self.assertEqual((3, 0, 3), self.shop.stock(sku))

    def test_problem__of_too_much(self):
        """A body beyond the limit is a 413 before it is read; a header a 431, an address a 414 or 431."""
        answer = raw(self.shop, b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                b"Content-Length: %d\r\n\r\n" % (LOGIN.encode(), LARGE))
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer[:300])
        answer = raw(self.shop, b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: %s\r\n\r\n" % (b"x" * (1 << 20)))
        self.assertTrue(answer.startswith(b"HTTP/1.1 431 "), answer[:300])
        answer = raw(self.shop, b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"x" * (1 << 20)))
        self.assertIn(answer[9:12], (b"414", b"431"), answer[:300])

    def test_problem__of_what_never_became_a_request(self):
        """What the parser refuses is told as every other problem is, counted, and logged without a byte of it."""
        secret = b"hunter2-in-bad-framing"
        cases = {b"GET /" + secret + b" HTTP/1.1\r\n\r\n": 400,
                 b"GET / HTTP/1.1\r\nHost: localhost\r\nX-" + secret + b" : x\r\n\r\n": 400,
                 b"GET / HTTP/1.1\r\nHost: localhost\r\nX: %s%s\r\n\r\n" % (secret, b"x" * (1 << 17)): 431,
                 b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: " + secret + b"\r\n\r\n": 501}
        before, traces = self.refusals(), set()
        for sent, status in cases.items():
            with self.subTest(sent=sent[:60]):
                head, _, body = raw(self.shop, sent).partition(b"\r\n\r\n")
                fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
                problem = self.assertProblem(Answer(int(head[9:12]), fields, body), status)
                self.assertEqual("no-store", fields["cache-control"])
                self.assertEqual("nosniff", fields["x-content-type-options"])
                traces.add(problem["trace_id"])
        self.assertEqual(len(cases), len(traces))
        self.assertEqual(len(cases), self.refusals() - before)
        log = self.shop.log_text()
        self.assertNotIn(secret.decode(), log)
        for trace in traces:
            self.assertEqual(1, log.count(trace))

    def refusals(self):
        """How many answers of 4xx and 5xx belonged to no service so far."""
        lines = self.shop.get("/metrics").body.decode().splitlines()
        counts = [line for line in lines if line.startswith("shopstream_requests_total{")
                  and 'service="none"' in line and re.search('status="[45]xx"', line)]
        return sum(int(float(line.split()[-1])) for line in counts)

    def test_problem__carries_the_callers_trace(self):
        """By W3C Trace Context: of a version that is not known yet, the fields that it has in common count."""
        trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
        good = ("00-%s-%s-01", "00-%s-%s-00", "00-%s-%s-ff", "01-%s-%s-01", "fe-%s-%s-03", "cc-%s-%s-01-and-more",
                "01-%s-%s-01-")
        bad = ("ff-%s-%s-01", "ff-%s-%s-01-x", "0-%s-%s-01", "0G-%s-%s-01", "00-%s-%s-01-more", "00-%s-%s-01-",
               "01-%s-%s-01.more", "00-%s-%s-1", "00-%s-%s-0x", "00_%s-%s-01", "00-%s_%s-01", "00-%s-%s_01", "", "x")
        sent = [(form % (trace, parent), True) for form in good]
        sent += [(form % (trace, parent) if "%" in form else form, False) for form in bad]
        sent += [("00-%s-%s-01" % ids, False) for ids in (("0" * 32, parent), (trace, "0" * 16),
                                                          (trace.upper(), parent), (trace, parent.upper()))]
        for traceparent, goes_on in sent:
            with self.subTest(traceparent=traceparent):
                told = self.shop.get("/nothing", headers={"traceparent": traceparent}).json["trace_id"]
                self.assertEqual(goes_on, told == trace)
                self.assertRegex(told, "^(?!0{32})[0-9a-f]{32}$")

    def test_headers__answers_do_nothing_in_a_browser(self):
        """Data and problems, kept or made anew: not guessed at, not framed, nothing loaded, no address passed on; and
        no origin but its own may read them."""
        admin = self.shop.staff("admin")
        for path, status in (("/api/catalog/v1/products", 200), ("/api/catalog/v1/products", 200),
                             ("/api/identity/v1/me", 200), ("/nothing", 404), ("/health/live", 200)):
            answer = self.shop.get(path, token=admin, headers={"Origin": "https://elsewhere.example"})
            self.assertEqual(status, answer.status)
            self.assertEqual("nosniff", answer.headers["x-content-type-options"], path)
            self.assertEqual("default-src 'none'; frame-ancestors 'none'", answer.headers["content-security-policy"])
            self.assertEqual("no-referrer", answer.headers["referrer-policy"], path)
            self.assertNotIn("access-control-allow-origin", answer.headers)
        page = self.shop.get("/api/docs").headers["content-security-policy"]
        self.assertIn("default-src 'none'", page)
        self.assertEqual(1, page.count("default-src"))

    def test_headers__personal_data_is_kept_nowhere(self):
        admin = self.shop.staff("admin")
        for path in ("/api/identity/v1/me", "/api/orders/v1/orders", "/api/identity/v1/sessions", "/nothing"):
            self.assertIn("no-store", self.shop.get(path, token=admin).headers["cache-control"], path)

    def test_problem__never_repeats_a_secret(self):
        """A password that was refused stands in no answer and no log line."""
        secret = "hunter2-and-more"
        self.shop.post(LOGIN, {"email": "a@b.example", "password": secret, "x": secret})
        answer = self.shop.post(LOGIN, b'{"password":"%s"' % secret.encode(), headers=JSON)
        self.assertNotIn(secret.encode(), answer.body)
        self.assertNotIn(secret, self.shop.log_text())


def raw(shop, sent):
    """All that comes back for these bytes until the shop closes or half a minute passes without any."""
    with socket.create_connection(("127.0.0.1", shop.port), REQUEST_TIMEOUT_S) as connection:
        received = b""
        try:
            connection.sendall(sent)
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionError:
            pass  # it closed before it had read everything
        return received


class FramingTest(ShopCase):
    """What is right; what is not: tests/hostile/test_framing.py."""

    def test_framing__pipelined_requests_are_answered_in_order(self):
        one = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
        other = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"
        last = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        received = raw(self.shop, one + other + one + last)
        statuses = [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]]
        self.assertEqual([b"200", b"404", b"200", b"200"], statuses)

    def test_framing__chunks_are_read(self):
        sent = (b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                b"5\r\n{\"ema\r\n5\r\nil\":1\r\n1\r\n}\r\n0\r\n\r\n" % LOGIN.encode())
        self.assertIn(b"/email", raw(self.shop, sent))

    def test_framing__head_has_the_headers_of_get(self):
        path = PRODUCTS
        get, head = self.shop.get(path), self.shop.ask("HEAD", path)
        self.assertEqual((200, b""), (head.status, head.body))
        self.assertEqual(get.headers["etag"], head.headers["etag"])
        self.assertEqual(str(len(get.body)), head.headers["content-length"])

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_framing__http2_without_tls(self):
        """curl --http2-prior-knowledge: reads, a problem, an order, many at a time; and without prior knowledge."""
        url = "http://127.0.0.1:%d" % self.shop.port
        base = ["curl", "--silent", "--show-error", "--max-time", str(REQUEST_TIMEOUT_S), "--http2-prior-knowledge"]
        shown = ["--write-out", "\n%{http_version} %{http_code} %{content_type}\n"]

        def curl(*arguments):
            return subprocess.run([*base, *shown, *arguments], check=True, capture_output=True, text=True).stdout

        self.assertIn('{"status":"live"}\n2 200 application/json\n', curl(url + "/health/live"))
        self.assertIn("\n2 404 application/problem+json\n", curl(url + "/nothing"))
        body = json.dumps(self.shop.order_body([(self.shop.sku(5), 1)]))
        placed = curl(url + "/api/orders/v1/orders", "--json", body, "--header", "Idempotency-Key: " + new_key(),
                      "--header", "Prefer: wait=20")
        self.assertIn("\n2 201 application/json\n", placed)
        self.assertEqual("confirmed", json.loads(placed.splitlines()[0])["status"])
        # Debian's curl 7.88.1 fails when it uses such a connection again (its issue 10634): each request opens its own.
        many = curl("--parallel", "--parallel-immediate", "--parallel-max", "20", *[url + PRODUCTS] * 20)
        self.assertEqual(20, many.count("2 200 application/json"))
        upgraded = subprocess.run(["curl", "--silent", "--max-time", "30", "--http2", *shown, url + "/health/live"],
                                  check=True, capture_output=True, text=True).stdout
        self.assertIn(" 200 application/json\n", upgraded)


class OperationTest(ShopCase):
    def test_operation__health(self):
        for path, word in (("/health/live", "live"), ("/health/ready", "ready")):
            self.assertEqual(word, self.assertStatus(self.shop.get(path), 200)["status"])

    def test_operation__metrics_are_prometheus_text_and_count(self):
        def requests():
            text = self.shop.get("/metrics").body.decode()
            return sum(float(line.split()[-1]) for line in text.splitlines()
                       if line.startswith('shopstream_requests_total{service="catalog",status="2xx"'))
        answer = self.shop.get("/metrics")
        self.assertTrue(answer.headers["content-type"].startswith("text/plain"))
        for line in answer.body.decode().splitlines():
            self.assertRegex(line, r'^(# (TYPE|HELP) .+|[a-z_:][a-z0-9_:]*(\{.*\})? [-+.0-9eEInfNa]+)$')
        before = requests()
        for _ in range(7):
            self.shop.get(PRODUCTS)
        self.assertEqual(before + 7, requests())

    def test_operation__openapi_describes_the_surface(self):
        """Every route that the design names is in it, each with its answers; the page to explore it is there."""
        api = self.assertStatus(self.shop.get("/api/openapi.json"), 200)
        self.assertRegex(api["openapi"], r"^3\.1\.")
        promised = """post identity/v1/signup post identity/v1/verify post identity/v1/login post identity/v1/refresh
            post identity/v1/logout post identity/v1/password/forgot post identity/v1/password/reset
            post identity/v1/password/change put identity/v1/users/{id}/roles get identity/v1/me
            get identity/v1/sessions delete identity/v1/sessions/{id} get identity/.well-known/jwks.json
            get catalog/v1/facets get catalog/v1/products post catalog/v1/products get catalog/v1/products/{id}
            patch catalog/v1/products/{id} delete catalog/v1/products/{id}
            delete catalog/v1/products/{id}/skus/{sku_id} get catalog/v1/categories put catalog/v1/skus/{id}/stock
            get catalog/v1/skus/{id}/stock get orders/v1/cart post orders/v1/cart/items
            patch orders/v1/cart/items/{id} delete orders/v1/cart/items/{id} get orders/v1/shipping-methods
            get orders/v1/shipping-countries
            post orders/v1/orders get orders/v1/orders get orders/v1/orders/{id} post orders/v1/orders/{id}/cancel
            post orders/v1/orders/{id}/fulfil post payments/v1/webhooks/stripe post payments/v1/payments/{id}/refunds
            get payments/v1/payments/{id} get payments/v1/ledger""".split()
        for method, path in zip(promised[::2], promised[1::2]):
            with self.subTest(method=method, path=path):
                self.assertTrue(api["paths"]["/api/" + path][method]["responses"])
        self.assertIn("text/html", self.shop.get("/api/docs").headers["content-type"])

    def test_operation__every_reference_of_openapi_leads_somewhere(self):
        api = self.shop.get("/api/openapi.json").json

        def references(value):
            if isinstance(value, dict):
                if isinstance(value.get("$ref"), str):
                    yield value["$ref"]
                value = list(value.values())
            for member in value if isinstance(value, list) else []:
                yield from references(member)
        found = set(references(api))
        self.assertTrue(found)
        for reference in found:
            target = api
            for part in reference.removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]


if __name__ == "__main__":
    unittest.main()
