"""Requests that two servers in a row could read differently (smuggling, desync). What is not plain is refused and the
connection closed, so that nothing behind it is ever read as a request; RFC 9112 names most of the cases."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import wire  # noqa: E402
from case import ShopCase  # noqa: E402

LOGIN = b"/api/identity/v1/login"
BEHIND = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"  # what is smuggled: its answer has a body of its own
START = b"POST " + LOGIN + b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BEHIND)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
EMPTY_CHUNKS = b"\r\n0\r\n\r\n"


def post(headers, body=b"{}"):
    return START + headers + b"\r\n" + body


def get(headers=b"Host: localhost\r\n", target=b"/health/ready", version=b"HTTP/1.1", method=b"GET"):
    return method + b" " + target + b" " + version + b"\r\n" + headers + b"\r\n"


def chunked(body, headers=CHUNKED):
    return START + headers + b"\r\n" + body


CODINGS = {
    "lengths and chunks": LENGTH + CHUNKED, "chunks and lengths": CHUNKED + LENGTH,
    "chunked twice": CHUNKED * 2, "chunked twice in one": b"Transfer-Encoding: chunked, chunked\r\n",
    "identity and chunked": b"Transfer-Encoding: identity, chunked\r\n",
    "chunked and identity": b"Transfer-Encoding: chunked, identity\r\n",
    "identity beside a length": b"Transfer-Encoding: identity\r\n" + LENGTH,
    "gzip and chunked": b"Transfer-Encoding: gzip, chunked\r\n", "gzip": b"Transfer-Encoding: gzip\r\n",
    "another word": b"Transfer-Encoding: xchunked\r\n", "a parameter": b"Transfer-Encoding: chunked;q=1\r\n",
    "quotes": b'Transfer-Encoding: "chunked"\r\n', "a comma": b"Transfer-Encoding: chunked,\r\n",
    "a comma before": b"Transfer-Encoding: ,chunked\r\n", "empty": b"Transfer-Encoding:\r\n",
    "a vertical tab": b"Transfer-Encoding: \x0bchunked\r\n", "a form feed": b"Transfer-Encoding: chunked\x0c\r\n",
    "a tab behind": b"Transfer-Encoding: chunked\t\r\n", "a NUL": b"Transfer-Encoding: chunked\0\r\n",
    "another space": b"Transfer-Encoding: chunked\xa0\r\n",
    "a space before the colon": b"Transfer-Encoding : chunked\r\n" + LENGTH,
    "a tab before the colon": b"Transfer-Encoding\t: chunked\r\n" + LENGTH,
    "a line before the colon": b"Transfer-Encoding\r\n : chunked\r\n" + LENGTH,
    "a folded value": b"Transfer-Encoding:\r\n chunked\r\n", "a folded value by tab": CHUNKED[:-2] + b"\r\n\t\r\n",
    "folded behind a length": b"Content-Length:\r\n " + b"%d\r\n" % len(BEHIND),
    "a bare line feed before": b"X: y\nTransfer-Encoding: chunked\r\n" + LENGTH,
    "a bare carriage return before": b"X: y\rTransfer-Encoding: chunked\r\n" + LENGTH,
    "a bare carriage return behind": b"Transfer-Encoding: chunked\r" + LENGTH,
    "a leading space": b" Transfer-Encoding: chunked\r\n" + LENGTH,
    "a NUL in the name": b"Transfer\0-Encoding: chunked\r\n" + LENGTH,
}

LENGTHS = (b"+2", b"-2", b"0x2", b"2 2", b"2,2", b"2, 3", b"2;", b"2.0", b"1e1", b"", b"\t", b"2\x0b", b'"2"', b"2_0",
           b"\xd9\xa2", b"9" * 25, b"18446744073709551616", b"18446744073709551618", b"-0", b"0 2", b"NaN", b"2\0")

CHUNKS = {
    "a prefix": b"0x2\r\n{}\r\n0\r\n\r\n", "a sign": b"+2\r\n{}\r\n0\r\n\r\n", "negative": b"-2\r\n{}\r\n0\r\n\r\n",
    "a space before": b" 2\r\n{}\r\n0\r\n\r\n", "no digit": b";x\r\n{}\r\n0\r\n\r\n", "no size": b"\r\n{}\r\n0\r\n\r\n",
    "no number": b"zz\r\n{}\r\n0\r\n\r\n", "an underscore": b"2_\r\n{}\r\n0\r\n\r\n",
    "overflows to 2": b"10000000000000002\r\n{}\r\n0\r\n\r\n", "the greatest": b"ffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "negative as unsigned": b"fffffffffffffffe\r\n{}\r\n0\r\n\r\n", "a gigabyte": b"40000000\r\n{}\r\n0\r\n\r\n",
    "a bare line feed": b"2\n{}\r\n0\r\n\r\n", "a bare line feed behind the data": b"2\r\n{}\n0\r\n\r\n",
    "nothing behind the data": b"2\r\n{}0\r\n\r\n", "data longer than said": b"1\r\n{}\r\n0\r\n\r\n",
    "a bare line feed in an extension": b"2;a\nb\r\n{}\r\n0\r\n\r\n",
    "a NUL in an extension": b"2;\0\r\n{}\r\n0\r\n\r\n",
    "a carriage return in an extension": b"2;a\rb\r\n{}\r\n0\r\n\r\n",
    "an endless extension": b"2;" + b"a" * 20000 + b"\r\n{}\r\n0\r\n\r\n",
    "many extensions": b"1;%s\r\n{\r\n" % (b"a=b;" * 200) + b"1;%s\r\n}\r\n0\r\n\r\n" % (b"a=b;" * 200),
    "a bare line feed at the end": b"2\r\n{}\r\n0\n\n", "a trailer without a colon": b"2\r\n{}\r\n0\r\nX\r\n\r\n",
    "a folded trailer": b"2\r\n{}\r\n0\r\nX: y\r\n z\r\n\r\n",
    "a length in a trailer": b"2\r\n{}\r\n0\r\nContent-Length: 50\r\n\r\n",
    "a coding in a trailer": b"2\r\n{}\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n",
    "endless trailers": b"0\r\n" + b"X: y\r\n" * 2000 + b"\r\n",
}

HEADERS = {
    "no colon": b"Host: localhost\r\nX-Header\r\n", "no name": b"Host: localhost\r\n: y\r\n",
    "a space in a name": b"Host: localhost\r\nX Y: z\r\n",
    "a NUL in a name": b"Host: localhost\r\nX\0: y\r\n", "a NUL in a value": b"Host: localhost\r\nX: a\0b\r\n",
    "a bell": b"Host: localhost\r\nX: a\x07b\r\n", "DEL": b"Host: localhost\r\nX: a\x7fb\r\n",
    "letters beyond ASCII": b"Host: localhost\r\nX\xe9: y\r\n",
    "brackets": b"Host: localhost\r\nX[]: y\r\n", "a bare carriage return": b"Host: localhost\r\nX: a\rb\r\n",
    "a carriage return before the colon": b"Host: localhost\r\nX\r: y\r\n",
    "folded": b"Host: localhost\r\nX: a\r\n b\r\n",
    "the first one folded": b" Host: localhost\r\nHost: localhost\r\n",
    "two carriage returns": b"Host: localhost\r\r\nX: y\r\n",
    "bare line feeds": b"Host: x\nX: y\n", "more than there is room for": b"Host: localhost\r\n" + b"A: b\r\n" * 200,
    "a large one": b"Host: localhost\r\nX: " + b"y" * 20000 + b"\r\n",
    "many large ones": b"Host: localhost\r\n" + (b"X: " + b"y" * 1000 + b"\r\n") * 20,
    "another expectation": b"Host: localhost\r\nExpect: 200-ok\r\n",
    "no Host": b"", "an empty Host": b"Host:\r\n", "two": b"Host: a\r\nHost: b\r\n",
    "two alike": b"Host: localhost\r\nHost: localhost\r\n",
    "with somebody": b"Host: user@x\r\n", "with a path": b"Host: x/y\r\n", "a list": b"Host: a, b\r\n",
    "joined": b"Host: a,b\r\n",
    "a space": b"Host: a b\r\n", "no port's number": b"Host: x:port\r\n", "a port too large": b"Host: x:99999999\r\n",
    "a bracket": b"Host: [::1\r\n", "a question": b"Host: x?y\r\n", "a fragment": b"Host: x#y\r\n",
    "a backslash": b"Host: x\\y\r\n", "with a scheme": b"Host: http://x\r\n", "spaced": b"Host : x\r\n",
}

TARGETS = {
    "no slash": b"health/ready", "an asterisk": b"*", "an authority": b"x:80", "a fragment": b"/health/ready#x",
    "another scheme": b"ftp://x/health/ready", "no authority": b"http:///health/ready",
    "somebody": b"http://u@x/health/ready",
    "a bad port": b"http://x:y/health/ready", "a space": b"/health/ready x", "two spaces": b"/health/ready  x",
    "a tab": b"/health/ready\tx", "a NUL": b"/health/ready\0", "a bell": b"/health/ready\x07",
    "a carriage return": b"/health\rready", "a line feed": b"/health\nready",
    "a backslash's authority": b"http://x\\y/z",
    "too long": b"/" + b"x" * 9000,
}

VERSIONS = (b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/11", b"HTTP/1", b"http/1.1", b"HTTP/1.1.1", b"HTTP/ 1.1",
            b"HTTP/1.1 ", b"HTTPS/1.1", b"XTTP/1.1", b"", b"HTTP/-1.1", b"HTTP/1.10")

# What some server somewhere takes for something else, and the RFC says what it is: all of it is read, in one way, and
# the request behind it is answered.
PLAIN = {
    "a coding in capitals": chunked(b"2\r\n{}\r\n0\r\n\r\n", b"Transfer-Encoding: CHUNKED\r\n"),
    "a tab before the value": chunked(b"2\r\n{}\r\n0\r\n\r\n", b"Transfer-Encoding:\tchunked\r\n"),
    "no space before the value": chunked(b"2\r\n{}\r\n0\r\n\r\n", b"Transfer-Encoding:chunked\r\n"),
    "an extension": chunked(b"2;a=b;c=\"d\"\r\n{}\r\n0;e\r\n\r\n"),
    "leading zeros": chunked(b"0002\r\n{}\r\n000\r\n\r\n"),
    "capitals in a size": chunked(b"A\r\n          \r\n2\r\n{}\r\n0\r\n\r\n"),
    "another field in a trailer": chunked(b"2\r\n{}\r\n0\r\nHost: y\r\nAuthorization: Bearer x\r\n\r\n"),
    "a name like the coding's": post(b"Transfer_Encoding: chunked\r\nContent-Length: 2\r\n"),
    "a name like the length's": post(b"Content_Length: 50\r\nX-Content-Length: 50\r\nContent-Length: 2\r\n"),
    "leading zeros in a length": post(b"Content-Length: 02\r\n"),
    "an upgrade that is not taken": post(b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                                         b"HTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 2\r\n"),
    "a request within the body": post(LENGTH, BEHIND), "an empty line before": b"\r\n" + post(b"Content-Length: 2\r\n"),
    "a hop's name for the length": post(b"Connection: Content-Length\r\nContent-Length: 2\r\n"),
    "a GET with a body": get(b"Host: localhost\r\nContent-Length: 2\r\n") + b"{}",
    "a DELETE with chunks": get(b"Host: localhost\r\n" + CHUNKED, method=b"DELETE") + b"2\r\n{}\r\n0\r\n\r\n",
    "an absolute target over another Host": get(b"Host: other\r\n", b"http://localhost/health/live?x"),
    "a HEAD with a length": get(b"Host: localhost\r\nContent-Length: 2\r\n", method=b"HEAD") + b"{}",
}


class SmugglingTest(ShopCase):
    def assertRefused(self, sent, *more):
        """One answer that says no, a closed connection, and the request behind it nowhere."""
        received, closed = wire.exchange(self.shop, sent + BEHIND * 2)
        self.assertTrue(closed, received[:300])
        statuses = wire.statuses(received)
        self.assertEqual(1, len(statuses), received[:600])
        self.assertIn(statuses[0], (400, *more), received[:300])
        head, _, body = received.partition(b"\r\n\r\n")
        self.assertIn(b"connection: close", head.lower())
        self.assertNotIn(b'"live"', received)
        if not sent.startswith(b"HEAD"):
            self.assertEqual(statuses[0], json.loads(body)["status"])

    def assertAllRefused(self, cases, make, *more):
        for name, case in cases.items():
            with self.subTest(case=name):
                self.assertRefused(make(case), *more)

    def test_framing__codings(self):
        """CL.TE, TE.CL, TE.TE: whatever names a coding beside or instead of the one plain word."""
        self.assertAllRefused(CODINGS, lambda headers: post(headers, EMPTY_CHUNKS[2:]), 501)
        for version in (b"HTTP/1.0",):
            self.assertRefused(START.replace(b"HTTP/1.1", version) + CHUNKED + EMPTY_CHUNKS)

    def test_framing__lengths(self):
        """CL.CL, and numbers that are none."""
        for text in LENGTHS:
            with self.subTest(length=text):
                self.assertRefused(post(b"Content-Length: " + text + b"\r\n"), 413)
        for pair in ((b"2", b"3"), (b"2", b"2"), (b"0", b"2"), (b"2", b"02")):
            with self.subTest(lengths=pair):
                self.assertRefused(post(b"".join(b"Content-Length: %s\r\n" % text for text in pair)))
        self.assertRefused(post(b"Content-Length : 2\r\n"))
        self.assertRefused(post(b"Content-Length: %d\r\n" % (3 << 20)), 413)

    def test_framing__chunks(self):
        self.assertAllRefused(CHUNKS, chunked, 413, 431)

    def test_framing__headers(self):
        self.assertAllRefused(HEADERS, get, 417, 431)

    def test_framing__targets(self):
        self.assertAllRefused(TARGETS, lambda target: get(target=target), 414, 431, 505)
        for target in (b"", b" "):
            self.assertRefused(get(target=target))
        self.assertRefused(b"HELLO\r\n\r\n")

    def test_framing__versions_and_methods(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                self.assertRefused(get(version=version), 505)
        for method in (b"CONNECT", b"", b"G\0T", b"GET\t", b"G(T", b"get", b"GE\xc9T", b" GET", b"PRI"):
            with self.subTest(method=method):
                self.assertRefused(get(method=method, target=b"x:80" if method == b"CONNECT" else b"/health/live"), 501)

    def test_framing__what_is_plain_is_read_in_one_way(self):
        """The body ends where the RFC says, and the request behind it is the next one."""
        for name, sent in PLAIN.items():
            with self.subTest(case=name):
                received, _ = wire.exchange(self.shop, sent + get(b"Host: localhost\r\nConnection: close\r\n"))
                statuses = wire.statuses(received)
                self.assertEqual((2, 200), (len(statuses), statuses[-1]), received[:900])
                self.assertNotEqual(401, statuses[0])
                self.assertTrue(received.endswith(b'{"status":"ready"}'), received[-200:])

    def test_framing__an_absolute_target_stands_over_the_host(self):
        """RFC 9112, 3.2.2: the tenant is the target's, whatever the Host says."""
        self.shop.rpc("identity", "add_tenant", {"id": "acme", "host": "acme.example"})
        product = self.shop.product((1,), tenant="acme")
        path = b"/api/catalog/v1/products/" + product["id"].encode()
        for host, authority, status in ((b"localhost", b"acme.example", 200), (b"acme.example", b"localhost", 404)):
            sent = get(b"Host: %s\r\nConnection: close\r\n" % host, b"http://" + authority + path)
            self.assertEqual([status], wire.statuses(wire.exchange(self.shop, sent)[0]))

    def test_framing__nothing_behind_an_error_is_answered(self):
        """Good requests, a bad one, good ones: those before are answered in order, none behind."""
        bad = get(b"Host: localhost\r\nBad : y\r\n")
        for count in (0, 1, 5):
            received, closed = wire.exchange(self.shop, BEHIND * count + bad + BEHIND * 3)
            self.assertEqual(([200] * count + [400], True), (wire.statuses(received), closed))
        received, closed = wire.exchange(self.shop, get(b"Host: localhost\r\nConnection: close\r\n") + BEHIND * 3)
        self.assertEqual(([200], True), (wire.statuses(received), closed))

    def test_framing__a_body_that_is_cut_short_does_nothing(self):
        """The client closes in the middle: no answer to half a request, and no effect of it."""
        email = "half@mail.example"
        body = json.dumps({"email": email, "password": "a long enough one", "name": "Half"}).encode()
        for headers, sent in ((b"Content-Length: %d\r\n" % (len(body) + 1), body),
                              (CHUNKED, b"%x\r\n%s\r\n" % (len(body), body))):
            with wire.connect(self.shop) as connection:
                connection.sendall(START.replace(b"login", b"signup") + headers + b"\r\n" + sent)
                connection.shutdown(1)
                received, _ = wire.read_all(connection)
                self.assertIn(wire.statuses(received), ([], [400]), received)
        self.assertEqual([], self.shop.mails(email))


if __name__ == "__main__":
    unittest.main()
