"""Attacks over HTTP/2: what a downgrading proxy would have turned into two requests, and what makes a server work or
keep much for little (CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2024-27316)."""
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from case import ShopCase  # noqa: E402
from shop import IS_SANITIZED, SLOWNESS  # noqa: E402
from wire import (  # noqa: E402
    CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, PING, PRIORITY,
    PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, Http2, frame, hpack, request_fields)

OK = 0x88  # ":status: 200", as the table of RFC 7541 has it
NOT_FOUND, BAD_REQUEST, TOO_LARGE_FIELDS = 0x8d, 0x8c, 0x48  # 404, 400, and any that the table lacks
FLOOD_FRAMES = 20000
MEMORY_BYTES_MAX = 96 << 20  # by which the shop may grow in each
ANSWER_S_MAX = 5 * SLOWNESS
LOGIN = b"/api/identity/v1/login"

GET = request_fields()


def without(name):
    return [field for field in GET if field[0] != name]


FIELDS = {
    "no method": without(b":method"), "no path": without(b":path"), "no scheme": without(b":scheme"),
    "two methods": GET + [(b":method", b"GET")], "two paths": [*GET, (b":path", b"/health/live")],
    "two authorities": [*GET, (b":authority", b"y")], "an unknown pseudo-header": [*GET, (b":x", b"y")],
    "a status": [*GET, (b":status", b"200")], "a protocol": [*GET, (b":protocol", b"websocket")],
    "a pseudo-header behind others": [GET[0], (b"x", b"y"), *GET[1:]],
    "an empty path": without(b":path") + [(b":path", b"")],
    "a path without a slash": without(b":path") + [(b":path", b"health/ready")],
    "an absolute path": without(b":path") + [(b":path", b"http://y/health/ready")],
    "an asterisk": without(b":path") + [(b":path", b"*")],
    "a request in the path": without(b":path") + [(b":path", b"/health/ready HTTP/1.1\r\nHost: x\r\n\r\nGET /")],
    "a space in the path": without(b":path") + [(b":path", b"/health/ready HTTP/1.1")],
    "a NUL in the path": without(b":path") + [(b":path", b"/health/ready\0")],
    "a fragment": without(b":path") + [(b":path", b"/health/ready#x")],
    "a request in the method": without(b":method") + [(b":method", b"GET / HTTP/1.1\r\nX: y\r\n\r\nGET")],
    "a space in the method": without(b":method") + [(b":method", b"GET /x")],
    "an empty method": without(b":method") + [(b":method", b"")],
    "an authority with somebody": [field if field[0] != b":authority" else (b":authority", b"u@x") for field in GET],
    "an authority with a line": [f if f[0] != b":authority" else (b":authority", b"x\r\nX: y") for f in GET],
    "neither authority nor host": without(b":authority"),
    "a host beside the authority that differs": [*GET, (b"host", b"y")],
    "two hosts": [*GET, (b"host", b"localhost"), (b"host", b"localhost")],
    "capitals": [*GET, (b"X-Header", b"y")], "an empty name": [*GET, (b"", b"y")], "a space": [*GET, (b"x y", b"z")],
    "a colon": [*GET, (b"x:y", b"z")], "a line in a name": [*GET, (b"x\r\ny", b"z")], "a NUL": [*GET, (b"x", b"a\0b")],
    "a line in a value": [*GET, (b"x", b"a\r\nTransfer-Encoding: chunked")], "a line feed": [*GET, (b"x", b"a\nb")],
    "a carriage return": [*GET, (b"x", b"a\rb")], "a name beyond ASCII": [*GET, (b"x\xe9", b"y")],
    "connection": [*GET, (b"connection", b"close")], "keep-alive": [*GET, (b"keep-alive", b"5")],
    "proxy-connection": [*GET, (b"proxy-connection", b"keep-alive")], "upgrade": [*GET, (b"upgrade", b"h2c")],
    "transfer-encoding": [*GET, (b"transfer-encoding", b"chunked")], "te": [*GET, (b"te", b"gzip")],
    "a length without a body": [*GET, (b"content-length", b"5")],
    "two lengths": [*GET, (b"content-length", b"0"), (b"content-length", b"5")],
    "a length that is none": [*GET, (b"content-length", b"+0")],
    "connect": [(b":method", b"CONNECT"), (b":authority", b"x:80")],
    "more than there is room for": GET + [(b"a", b"b")] * 500, "large ones": GET + [(b"a", b"b" * 4000)] * 8,
}

BODIES = {
    "less than said": (b"5", b"{}"), "more than said": (b"1", b"{}"), "nothing of what was said": (b"2", b""),
    "something where nothing was said": (b"0", b"{}"),
}


class Http2Case(ShopCase):
    def memory_bytes(self):
        status = pathlib.Path("/proc/%d/status" % self.shop.process.pid).read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def assertUnharmed(self):
        """Somebody else is answered at once, meanwhile and after."""
        start = time.monotonic()
        self.assertStatus(self.shop.get("/health/ready"), 200)
        self.assertLess(time.monotonic() - start, ANSWER_S_MAX)

    def flood(self, frames, count=FLOOD_FRAMES, before=b"", settings=b"", batch=100):
        """Sends frames(number) for as long as the shop takes them, and reads nothing meanwhile: whether it closed."""
        with Http2(self.shop, settings=settings) as attacker:
            attacker.send(before)
            attacker.connection.settimeout(5 * SLOWNESS)
            try:
                for first in range(0, count, batch):
                    if not attacker.send(b"".join(frames(number) for number in range(first, first + batch))):
                        break
            except TimeoutError:
                pass  # it reads no further, which is an answer too
            self.assertUnharmed()
            return attacker.outcome(-1)


class MessageTest(Http2Case):
    def test_http2__messages_that_are_not_plain_are_refused(self):
        """A stream error or a 4xx: never the answer of a handler."""
        for name, fields in FIELDS.items():
            with self.subTest(case=name), Http2(self.shop) as connection:
                connection.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, hpack(fields)))
                kind, code = connection.outcome(1)
                self.assertIn(kind, ("status", "reset", "closed"))
                self.assertNotEqual(("status", OK), (kind, code))
                if kind == "status":
                    self.assertIn(code, (BAD_REQUEST, NOT_FOUND, TOO_LARGE_FIELDS))
        self.assertUnharmed()

    def test_http2__bodies_are_as_long_as_they_say(self):
        for name, (length, body) in BODIES.items():
            with self.subTest(case=name), Http2(self.shop) as connection:
                fields = request_fields(b"POST", LOGIN, (b"content-length", length),
                                        (b"content-type", b"application/json"))
                connection.send(frame(HEADERS, END_HEADERS, 1, hpack(fields)), frame(DATA, END_STREAM, 1, body))
                kind, code = connection.outcome(1)
                self.assertIn((kind, code), (("reset", 1), ("closed", 1), ("status", BAD_REQUEST)))

    def test_http2__what_is_plain_is_answered(self):
        """What the others are one thing away from."""
        for fields in (GET, [*GET, (b"te", b"trailers")],
                       [*GET, (b"host", b"localhost")], [*GET, (b"content-length", b"0")],
                       [*without(b":authority"), (b"host", b"localhost")]):
            with Http2(self.shop) as connection:
                connection.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, hpack(fields)))
                self.assertEqual(("status", OK), connection.outcome(1), fields)

    def test_http2__trailers_cannot_be_a_second_head(self):
        for trailer in ((b":path", b"/health/live"), (b"transfer-encoding", b"chunked"), (b"x\r\ny", b"z")):
            with self.subTest(trailer=trailer), Http2(self.shop) as connection:
                fields = request_fields(b"POST", LOGIN, (b"content-type", b"application/json"))
                connection.send(frame(HEADERS, END_HEADERS, 1, hpack(fields)), frame(DATA, 0, 1, b"{}"),
                                frame(HEADERS, END_HEADERS | END_STREAM, 1, hpack([trailer])))
                self.assertIn(connection.outcome(1)[0], ("reset", "closed"))


class FloodTest(Http2Case):
    """Each ends by the shop's doing, costs others nothing, and leaves no memory behind."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shop.get("/health/ready")

    def setUp(self):
        self.before = self.memory_bytes()

    def tearDown(self):
        self.assertUnharmed()
        if not IS_SANITIZED:  # AddressSanitizer keeps what was freed
            self.assertLess(self.memory_bytes() - self.before, MEMORY_BYTES_MAX)

    def test_http2__continuations_without_end(self):
        head = frame(HEADERS, END_STREAM, 1, hpack(GET))
        self.assertEqual("closed", self.flood(lambda _: frame(CONTINUATION, 0, 1, hpack([(b"a", b"b")])),
                                              before=head)[0])
        self.assertEqual("closed", self.flood(lambda _: frame(CONTINUATION, 0, 1), before=head)[0])

    def test_http2__rapid_resets(self):
        """Streams that are opened and reset in one breath, by each of the ways that make the shop end them."""
        def opened(number):
            return frame(HEADERS, END_HEADERS | END_STREAM, 2 * number + 1, hpack(request_fields(path=LOGIN)))
        ends = {"reset": lambda n: frame(RST_STREAM, 0, 2 * n + 1, CANCEL.to_bytes(4, "big")),
                "an empty window update": lambda n: frame(WINDOW_UPDATE, 0, 2 * n + 1, bytes(4)),
                "a window too large": lambda n: frame(WINDOW_UPDATE, 0, 2 * n + 1, b"\x7f\xff\xff\xff"),
                "data behind the end": lambda n: frame(DATA, 0, 2 * n + 1, b"x"),
                "headers behind the end": lambda n: frame(HEADERS, END_HEADERS, 2 * n + 1, hpack(GET)),
                "dependent on itself": lambda n: frame(PRIORITY, 0, 2 * n + 1, (2 * n + 1).to_bytes(4, "big") + b"\0")}
        for name, end in ends.items():
            with self.subTest(end=name):
                self.assertEqual("closed", self.flood(lambda n: opened(n) + end(n))[0])

    def test_http2__settings_and_pings(self):
        self.assertEqual("closed", self.flood(lambda _: frame(SETTINGS), 100000)[0])
        self.assertEqual("closed", self.flood(lambda _: frame(PING, 0, 0, b"12345678"), 100000)[0])
        large = b"".join(INITIAL_WINDOW_SIZE.to_bytes(2, "big") + n.to_bytes(4, "big") for n in range(2000))
        self.assertEqual("closed", self.flood(lambda _: frame(SETTINGS, payload=large), 10000, batch=10)[0])

    def test_http2__frames_that_do_nothing(self):
        """Empty data, priorities, unknown frames: they may be taken, and then the body's time ends it."""
        head = frame(HEADERS, END_HEADERS, 1, hpack(request_fields(b"POST", LOGIN)))
        for frames in (lambda _: frame(DATA, 0, 1), lambda _: frame(PRIORITY, 0, 1, bytes(4) + b"\1"),
                       lambda _: frame(200, 0, 0, b"x" * 100), lambda _: frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1")):
            with Http2(self.shop) as attacker:
                attacker.send(head)
                attacker.send(*(frames(number) for number in range(FLOOD_FRAMES)))
                self.assertUnharmed()

    def test_http2__a_header_bomb(self):
        """One large field in the table, named a thousand times in a small block (CVE-2016-6581)."""
        with Http2(self.shop) as attacker:
            block = hpack([(b"x", b"y" * 3900)], indexed=True) + hpack(GET)[:0]
            attacker.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, hpack(GET) + block + b"\xbe" * 8000))
            kind, code = attacker.outcome(1)
            self.assertNotEqual(("status", OK), (kind, code))

    def test_http2__more_streams_than_allowed(self):
        """Those beyond the limit are refused, or the connection is; none is kept."""
        with Http2(self.shop) as attacker:
            head = hpack(request_fields(b"POST", LOGIN))
            attacker.send(*(frame(HEADERS, END_HEADERS, 2 * number + 1, head) for number in range(2000)))
            self.assertUnharmed()
            attacker.connection.settimeout(2 * SLOWNESS)
            kinds = [(kind, stream) for kind, _, stream, _ in attacker.frames() if kind in (RST_STREAM, GOAWAY)]
            self.assertTrue(kinds)

    def test_http2__windows(self):
        """A window beyond 2^31 - 1, none by an update of 0, and settings that say so: errors of the protocol."""
        large, cases = b"\x7f\xff\xff\xff", {}
        cases["connection too large"] = frame(WINDOW_UPDATE, 0, 0, large) * 2
        cases["connection by nothing"] = frame(WINDOW_UPDATE, 0, 0, bytes(4))
        cases["settings too large"] = frame(SETTINGS, payload=INITIAL_WINDOW_SIZE.to_bytes(2, "big") + b"\xff" * 4)
        cases["update of a wrong size"] = frame(WINDOW_UPDATE, 0, 0, b"\0")
        cases["a push by the client"] = frame(PUSH_PROMISE, END_HEADERS, 1, bytes(4) + hpack(GET))
        cases["a frame too large"] = frame(DATA, 0, 1, b"x" * 20000)
        cases["data on no stream"] = frame(DATA, 0, 0, b"x")
        cases["data on an idle stream"] = frame(DATA, 0, 5, b"x")
        cases["an even stream"] = frame(HEADERS, END_HEADERS | END_STREAM, 2, hpack(GET))
        for name, sent in cases.items():
            with self.subTest(case=name), Http2(self.shop) as attacker:
                attacker.send(sent)
                kind, code = attacker.outcome(-1)
                self.assertEqual("closed", kind)
                self.assertTrue(code)

    def test_http2__requests_whose_answers_nobody_takes(self):
        """A window of nothing: what the shop would send waits, within bounds, and only for this connection."""
        window = INITIAL_WINDOW_SIZE.to_bytes(2, "big") + bytes(4)
        attackers = [Http2(self.shop, settings=window) for _ in range(50)]
        head = hpack(request_fields(path=b"/api/openapi.json"))
        for attacker in attackers:
            attacker.send(*(frame(HEADERS, END_HEADERS | END_STREAM, 2 * number + 1, head) for number in range(100)))
        self.assertUnharmed()
        for attacker in attackers:
            attacker.connection.close()


if __name__ == "__main__":
    unittest.main()
