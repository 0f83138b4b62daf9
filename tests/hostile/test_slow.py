"""Peers that take their time: to send, to read, or to do anything at all. Each is cut off in 30 s at the most, and
until then keeps nobody else waiting, also when there are more of them than there is room for. All of them are at it at
once, so that the suite waits for one time-out."""
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
from events import Stream  # noqa: E402
from shop import BINARY, SLOWNESS, Shop, together  # noqa: E402
from wire import END_HEADERS, HEADERS, DATA, Http2, frame, hpack, request_fields  # noqa: E402

CUT_S_MAX = 30
LATE_S_MAX = 3 * SLOWNESS  # the time-outs' own grain, and a busy machine
DRIP_S = 0.5
IDLE_CONNECTIONS = 1000
REQUESTS = 200
FILES_MAX = 600  # that a small shop may open: on a machine with more it takes more of each to fill it
ROOM = FILES_MAX - 256  # HTTP_SPARE_DESCRIPTORS
CONNECTIONS_MAX = ROOM - ROOM // 8  # the payment provider's emulator has a listener, and a share, of its own
FOLLOWERS_MAX = CONNECTIONS_MAX - CONNECTIONS_MAX // 4
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


def allow_files(count):
    """As many open files in this process, where the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


class FullTest(unittest.TestCase):
    """A flood that goes beyond the room of the shop, and honest people who come during it, each by a connection of
    their own: who has asked for nothing for longest makes room for them."""

    @classmethod
    def setUpClass(cls):
        allow_files(3 * CONNECTIONS_MAX)
        cls.shop = Shop()
        cls.addClassCleanup(cls.shop.close)
        limited = pathlib.Path(cls.shop.folder, "limited")
        limited.write_text('#!/bin/sh\nulimit -n %d && exec "%s" "$@"\n' % (FILES_MAX, BINARY))
        limited.chmod(0o700)
        cls.shop.program = str(limited)
        cls.shop.start()
        cls.sku = cls.shop.sku(10)

    def ask(self):
        """How long somebody waited who comes anew."""
        start = time.monotonic()
        self.shop.client.forget()
        self.assertStatus(self.shop.get("/api/catalog/v1/products"))
        return time.monotonic() - start

    def assertStatus(self, answer):
        self.assertEqual(200, answer.status, answer)

    def flood(self, count, sent=b""):
        """So many connections that send this and nothing more; how long that one waited longest who came between."""
        worst = 0
        with contextlib.ExitStack() as opened:
            connections = []
            for number in range(count):
                connections.append(opened.enter_context(wire.connect(self.shop)))
                connections[-1].sendall(sent)
                if number % 20 == 0:
                    worst = max(worst, self.ask())
            self.shop.client.forget()
            self.assertEqual("confirmed", self.shop.buy([(self.sku, 1)])["status"])
            # The last one is still there, the first one was closed.
            connections[0].settimeout(ANSWER_S_MAX)
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(b"", connections[0].recv(1))
            connections[-1].setblocking(False)
            self.assertRaises(BlockingIOError, connections[-1].recv, 1)
        return worst

    def test_full__who_says_nothing_makes_room(self):
        self.assertLess(self.flood(2 * CONNECTIONS_MAX), ANSWER_S_MAX)
        self.assertIn("there is no room for more connections", self.shop.log_text())

    def test_full__half_a_head_makes_room(self):
        self.assertLess(self.flood(2 * CONNECTIONS_MAX, b"GET / HTTP/1.1\r\nHost"), ANSWER_S_MAX)

    def test_full__half_a_body_makes_room(self):
        self.assertLess(self.flood(2 * CONNECTIONS_MAX, POST + b"Content-Length: 1000\r\n\r\n{"), ANSWER_S_MAX)

    def test_full__followers_leave_room(self):
        """They stay for as long as they like, so those beyond their share are refused."""
        statuses, worst = [], 0
        with contextlib.ExitStack() as opened:
            for number in range(FOLLOWERS_MAX + 50):
                stream = Stream(self.shop.port, {"channels": "product:" + self.sku})
                opened.callback(stream.close)
                statuses.append(stream.status)
                if number % 20 == 0:
                    worst = max(worst, self.ask())
            worst = max(worst, self.ask())
        self.assertEqual([200] * FOLLOWERS_MAX + [503] * 50, statuses)
        self.assertLess(worst, ANSWER_S_MAX)


class IdleTest(ShopCase):
    def test_idle__a_thousand_connections_keep_nobody_waiting(self):
        """A third says nothing, a third half a head, a third had an answer: others are answered at once meanwhile."""
        allow_files(IDLE_CONNECTIONS + 200)
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
