#!/usr/bin/python3
"""What a connection costs that has asked once and is silent: the process's memory, by ten thousand of them, in each
protocol that the shop speaks."""
import pathlib
import resource
import socket
import ssl
import subprocess
import sys

import measure

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / name) for name in ("support", "hostile")]

import wire  # noqa: E402

PATH = b"/health/live"
# As many and as long as a browser's, since HTTP/2 remembers them for the connection's life.
FIELDS = [(b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
                          b"Safari/537.36"),
          (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
          (b"accept-encoding", b"gzip, deflate, br, zstd"), (b"accept-language", b"en-GB,en;q=0.9,de;q=0.8")]
BYTES_MAX = 8192
FIRST = 100  # connections; what these bring along is not theirs
SPARE_DESCRIPTORS = 200
TIMEOUT_S = 30


def raise_descriptor_limit(wanted):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted:
        raise SystemExit("bench: %d connections need as many files, and ulimit -Hn is %d" % (wanted, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def memory_bytes(pid):
    return measure.memory_mb(pid) * 1024 * 1024


def ask_http1(connection):
    """How the answer begins."""
    fields = b"".join(b"%s: %s\r\n" % field for field in FIELDS)
    connection.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (PATH, fields))
    return connection.recv(65536)


def ask_http2(connection):
    """The status line that the answer means, on a connection that has asked for nothing before."""
    head = wire.hpack(wire.request_fields(b"GET", PATH) + FIELDS, indexed=True)
    connection.sendall(wire.PREFACE + wire.frame(wire.SETTINGS) + wire.frame(wire.SETTINGS, 1) +
                       wire.frame(wire.HEADERS, wire.END_STREAM | wire.END_HEADERS, 1, head))
    received, first = b"", None
    while True:
        while len(received) >= 9 and len(received) >= 9 + int.from_bytes(received[:3], "big"):
            size, kind, flags = int.from_bytes(received[:3], "big"), received[3], received[4]
            if kind == wire.HEADERS:
                first = received[9]
            if kind in (wire.HEADERS, wire.DATA) and flags & wire.END_STREAM:
                return b"HTTP/2 200" if first == 0x88 else b"HTTP/2 %r" % first  # RFC 7541, appendix A
            received = received[9 + size:]
        chunk = connection.recv(65536)
        if not chunk:
            return b"an end"
        received += chunk


PROTOCOLS = {"http/1.1": ("HTTP/1.1", ask_http1), "h2": ("HTTP/2", ask_http2)}  # by their names in ALPN


def make_certificate(folder):
    """(certificate, key), as files."""
    certificate, key = str(folder / "idle.pem"), str(folder / "idle.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


def connect(shop, protocol):
    """A connection on which one request was answered."""
    connection = socket.create_connection(("127.0.0.1", shop.port), timeout=TIMEOUT_S)
    if shop.authority:
        context = ssl.create_default_context(cafile=shop.authority)
        context.set_alpn_protocols([protocol])
        connection = context.wrap_socket(connection, server_hostname="localhost")
    answer = PROTOCOLS[protocol][1](connection)
    if b" 200" not in answer[:12]:
        raise SystemExit("bench: an idle connection was answered %r" % answer[:100])
    return connection


def hold(shop, count, protocol="http/1.1"):
    """Opens them, asks once on each, and reads the memory; then one more is answered as fast as ever."""
    raise_descriptor_limit(count + SPARE_DESCRIPTORS)
    connections = []
    try:
        for _ in range(FIRST):
            connect(shop, protocol).close()
        before = memory_bytes(shop.process.pid)
        for _ in range(count):
            connections.append(connect(shop, protocol))
        each = (memory_bytes(shop.process.pid) - before) / count
        connect(shop, protocol).close()
        name = PROTOCOLS[protocol][0] + (" over TLS" if shop.authority else "")
        return {"what": "%d idle connections, %s, memory each" % (count, name), "bytes": round(each),
                "ok": each <= BYTES_MAX}
    finally:
        for connection in connections:
            connection.close()
