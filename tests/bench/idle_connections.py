#!/usr/bin/python3
"""What a connection costs that has asked once and is silent: the process's memory, by ten thousand of them."""
import resource
import socket

import measure

REQUEST = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
BYTES_MAX = 8192
SPARE_DESCRIPTORS = 200


def raise_descriptor_limit(wanted):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted:
        raise SystemExit("bench: %d connections need as many files, and ulimit -Hn is %d" % (wanted, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def memory_bytes(pid):
    return measure.memory_mb(pid) * 1024 * 1024


def answer_of(connection):
    connection.sendall(REQUEST)
    received = connection.recv(65536)
    if not received.startswith(b"HTTP/1.1 200"):
        raise SystemExit("bench: an idle connection was answered %r" % received[:100])


def hold(shop, count):
    """Opens them, asks once on each, and reads the memory; then one more is answered as fast as ever."""
    raise_descriptor_limit(count + SPARE_DESCRIPTORS)
    connections = []
    try:
        for _ in range(100):  # what the first connections bring along is not theirs
            with socket.create_connection(("127.0.0.1", shop.port)) as connection:
                answer_of(connection)
        before = memory_bytes(shop.process.pid)
        for _ in range(count):
            connections.append(socket.create_connection(("127.0.0.1", shop.port)))
            answer_of(connections[-1])
        each = (memory_bytes(shop.process.pid) - before) / count
        answer_of(connections[0])
        return {"what": "%d idle connections, memory each" % count, "bytes": round(each), "ok": each <= BYTES_MAX}
    finally:
        for connection in connections:
            connection.close()
