"""Bytes to and from the shop's port, with nothing in between that would put them right."""
import re
import socket
import time

from shop import REQUEST_TIMEOUT_S

STATUS_LINE = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n")
READ_BYTES = 65536


def connect(shop, timeout_s=REQUEST_TIMEOUT_S):
    return socket.create_connection(("127.0.0.1", shop.port), timeout_s)


def read_all(connection):
    """(bytes, whether the shop closed) until it closes or the connection's time-out passes without any."""
    received = b""
    try:
        while chunk := connection.recv(READ_BYTES):
            received += chunk
        return received, True
    except TimeoutError:
        return received, False
    except ConnectionError:
        return received, True


def exchange(shop, sent, timeout_s=REQUEST_TIMEOUT_S):
    """All that comes back for these bytes. The sending side stays open, so that it is the shop which closes."""
    with connect(shop, timeout_s) as connection:
        try:
            connection.sendall(sent)
        except ConnectionError:
            pass  # it closed before it had read everything
        return read_all(connection)


def statuses(received):
    return [int(status) for status in STATUS_LINE.findall(received)]


def seconds_until_closed(connection, limit_s):
    """How long the shop kept the connection open from now on, and what it said; fails after the limit."""
    start = time.monotonic()
    connection.settimeout(limit_s)
    received, closed = read_all(connection)
    seconds = time.monotonic() - start
    assert closed and seconds < limit_s, "still open after %d s" % seconds
    return seconds, received


# -- HTTP/2 (RFC 9113), as little of it as an attacker needs --------------------------------------------------------
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS = 1, 4
CANCEL = 8
INITIAL_WINDOW_SIZE = 4


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    size = len(payload) if length is None else length
    return size.to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def hpack_text(text):
    """Without Huffman's code (RFC 7541, 5.2)."""
    size = bytes([len(text)]) if len(text) < 127 else b"\x7f" + hpack_rest(len(text) - 127)
    return size + text


def hpack_rest(number):
    rest = b""
    while number >= 128:
        rest, number = rest + bytes([number % 128 + 128]), number // 128
    return rest + bytes([number])


def hpack(fields, indexed=False):
    """Literal fields; indexed: each goes to the table of the peer."""
    first = b"\x40" if indexed else b"\0"
    return b"".join(first + hpack_text(name) + hpack_text(value) for name, value in fields)


def request_fields(method=b"GET", path=b"/health/ready", *more):
    return [(b":method", method), (b":scheme", b"http"), (b":authority", b"localhost"), (b":path", path), *more]


class Http2:
    """A connection whose frames are whatever the test wants them to be."""

    def __init__(self, shop, timeout_s=REQUEST_TIMEOUT_S, settings=b""):
        self.connection = connect(shop, timeout_s)
        self.received = b""
        self.connection.sendall(PREFACE + frame(SETTINGS, payload=settings))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.connection.close()

    def send(self, *frames):
        """False when the shop has closed."""
        try:
            self.connection.sendall(b"".join(frames))
            return True
        except ConnectionError:
            return False

    def frames(self):
        """Each frame as (kind, flags, stream, payload), until the shop closes or the time-out passes."""
        while True:
            while len(self.received) >= 9:
                size = int.from_bytes(self.received[:3], "big")
                if len(self.received) < 9 + size:
                    break
                head, payload = self.received[:9], self.received[9:9 + size]
                self.received = self.received[9 + size:]
                yield head[3], head[4], int.from_bytes(head[5:9], "big"), payload
            try:
                chunk = self.connection.recv(READ_BYTES)
            except (TimeoutError, ConnectionError):
                return
            if not chunk:
                return
            self.received += chunk

    def outcome(self, stream):
        """What became of a stream: ("status", the first byte of its header block), ("reset", code), ("closed", the
        code of the GOAWAY or None)."""
        for kind, _, at, payload in self.frames():
            if kind == HEADERS and at == stream:
                return "status", payload[0]
            if kind == RST_STREAM and at == stream:
                return "reset", int.from_bytes(payload, "big")
            if kind == GOAWAY:
                return "closed", int.from_bytes(payload[4:8], "big")
        return "closed", None
