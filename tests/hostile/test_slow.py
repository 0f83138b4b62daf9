"""Peers that take their time: to send, to read, or to do anything at all. Each is cut off in 30 s at the most, and
until then keeps nobody else waiting. All of them are at it at once, so that the suite waits for one time-out."""
import contextlib
import pathlib
import resource
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import wire  # noqa: E402
from case import ShopCase  # noqa: E402
from shop import SLOWNESS, together  # noqa: E402
from wire import END_HEADERS, HEADERS, DATA, Http2, frame, hpack, request_fields  # noqa: E402

CUT_S_MAX = 30
LATE_S_MAX = 3 * SLOWNESS  # the time-outs' own grain, and a busy machine
DRIP_S = 0.5
IDLE_CONNECTIONS = 1000
REQUESTS = 200
ANSWER_S_MAX = 5 * SLOWNESS
POST = b"POST /api/identity/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def drip(connection, byte, until):
    """A byte now and then, until the shop closes; the reader of the same connection notices that."""
    with contextlib.suppress(OSError):
        while not until.wait(DRIP_S):
            connection.sendall(byte)


class SlowTest(ShopCase):
    def cut_off(self, connection, byte=None):
        """How many seconds the shop bore it, and what it said."""
        done = threading.Event()
        dripping = threading.Thread(target=drip, args=(connection, byte, done)) if byte else None
        if dripping:
            dripping.start()
        try:
            return wire.seconds_until_closed(connection, CUT_S_MAX + LATE_S_MAX)
        finally:
            done.set()
            if dripping:
                dripping.join()

    def over_http1(self, sent, byte=None):
        with wire.connect(self.shop) as connection:
            connection.sendall(sent)
            seconds, received = self.cut_off(connection, byte)
            self.assertEqual([408], wire.statuses(received), received[:300])
            return seconds

    def over_http2(self, *frames, byte):
        """Until its stream is answered by a refusal or ended, or the whole connection is."""
        with Http2(self.shop, CUT_S_MAX + LATE_S_MAX) as attacker:
            attacker.send(*frames)
            start, done = time.monotonic(), threading.Event()
            dripping = threading.Thread(target=drip, args=(attacker.connection, byte, done))
            dripping.start()
            attacker.outcome(1)
            done.set()
            dripping.join()
            return time.monotonic() - start

    def unread(self):
        """Asks for much, and reads nothing of it: the shop gives up, which a reader that comes too late sees."""
        with wire.connect(self.shop) as connection:
            connection.setsockopt(wire.socket.SOL_SOCKET, wire.socket.SO_RCVBUF, 4096)
            start = time.monotonic()
            connection.settimeout(CUT_S_MAX + LATE_S_MAX)
            connection.sendall(b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200)
            # What a reset says is seen without reading; it comes when something is sent to a socket that is gone.
            with contextlib.suppress(OSError):
                while time.monotonic() - start < CUT_S_MAX + LATE_S_MAX:
                    time.sleep(DRIP_S)
                    connection.send(b"x")
            return time.monotonic() - start

    def test_slow__each_is_cut_off_and_nobody_else_waits(self):
        fields = hpack(request_fields(b"POST", b"/api/identity/v1/login"))
        cases = {
            "a request line": lambda: self.over_http1(b"GET /", b"x"),
            "a header": lambda: self.over_http1(b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"X: y\r\n"),
            "half a head": lambda: self.over_http1(b"GET / HTTP/1.1\r\nHost: localhost\r\n"),
            "a body": lambda: self.over_http1(POST + b"Content-Length: 1000\r\n\r\n", b"{"),
            "no body": lambda: self.over_http1(POST + b"Content-Length: 1000\r\n\r\n"),
            "chunks": lambda: self.over_http1(POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n"),
            "a chunk's size": lambda: self.over_http1(POST + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
            "a trailer": lambda: self.over_http1(POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
            "half a preface": self.preface,
            "HTTP/2 headers": lambda: self.over_http2(frame(HEADERS, 0, 1, fields), byte=b""),
            "an HTTP/2 body": lambda: self.over_http2(frame(HEADERS, END_HEADERS, 1, fields),
                                                      byte=frame(DATA, 0, 1, b"{")),
            "a reader": self.unread,
        }
        names, outcomes = list(cases), {}

        def run(number):
            if number == len(names):
                return self.worst_answer(CUT_S_MAX)
            outcomes[names[number]] = cases[names[number]]()
            return None
        worst = together(len(names) + 1, run)[-1]
        self.assertEqual({}, {name: seconds for name, seconds in outcomes.items()
                              if seconds > CUT_S_MAX + LATE_S_MAX})
        self.assertEqual(set(names), set(outcomes))
        self.assertLess(worst, ANSWER_S_MAX)

    def preface(self):
        with wire.connect(self.shop) as connection:
            connection.sendall(wire.PREFACE[:10])
            return self.cut_off(connection)[0]

    def worst_answer(self, seconds):
        """The longest that an honest client had to wait, asking all the time."""
        end, worst = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            start = time.monotonic()
            self.assertStatus(self.shop.get("/api/catalog/v1/products"), 200)
            worst = max(worst, time.monotonic() - start)
            time.sleep(0.05)  # an honest client, not one more flood
        return worst


class IdleTest(ShopCase):
    def test_idle__a_thousand_connections_keep_nobody_waiting(self):
        """A third says nothing, a third half a head, a third had an answer: others are answered at once meanwhile."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        needed = IDLE_CONNECTIONS + 200
        if soft < needed:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(needed, hard), hard))
        with contextlib.ExitStack() as opened:
            for number in range(IDLE_CONNECTIONS):
                connection = opened.enter_context(wire.connect(self.shop))
                if number % 3 == 1:
                    connection.sendall(b"GET / HTTP/1.1\r\nHost")
                elif number % 3 == 2:
                    connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    self.assertTrue(connection.recv(100))
            waits = []
            for _ in range(REQUESTS):
                start = time.monotonic()
                self.assertStatus(self.shop.get("/api/catalog/v1/products"), 200)
                waits.append(time.monotonic() - start)
            order = self.shop.buy([(self.shop.sku(3), 1)])
        self.assertLess(max(waits), ANSWER_S_MAX)
        self.assertEqual("confirmed", order["status"])


if __name__ == "__main__":
    unittest.main()
