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
    assert closed, "still open after %d s" % limit_s
    return time.monotonic() - start, received
