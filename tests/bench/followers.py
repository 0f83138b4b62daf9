#!/usr/bin/python3
"""How soon a change of stock is with who follows the product, while ten thousand others follow others and hear nothing;
and what each of those costs in memory."""
import socket
import time

import idle_connections
import measure

BYTES_MAX = 8192
LATENCY_P95_MS = 20
CHANGES = 100
APART_S = 0.15  # above the pace at which changes of one product are told
PATIENCE_S = 30


def follow(port, channel):
    """A stream whose head and greeting were read."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    connection.sendall(("GET /api/realtime/v1/events?channels=%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
                        % channel).encode())
    received = b""
    while b"retry: " not in received:
        received += connection.recv(65536)
    if not received.startswith(b"HTTP/1.1 200"):
        raise SystemExit("bench: a stream was answered %r" % received[:200])
    return connection


def arrival_of(connection, units):
    """When the event that says so many came; heartbeats and others are passed over."""
    wanted = b'"available":%d}' % units
    received = b""
    while wanted not in received:
        received = received[-len(wanted):] + connection.recv(65536)
    return time.monotonic()


def change(shop, follower, sku_id, units):
    """Milliseconds from before the change was asked for, and from its answer, to the arrival. The commit is between."""
    begun = time.monotonic()
    measure.set_stock(shop, sku_id, units)
    answered = time.monotonic()
    arrived = arrival_of(follower, units)
    return (arrived - begun) * 1000, (arrived - answered) * 1000


def percentile(values, percent):
    return round(sorted(values)[len(values) * percent // 100], 2)


def hold(shop, count):
    idle_connections.raise_descriptor_limit(count + idle_connections.SPARE_DESCRIPTORS)
    product = shop.get("/api/catalog/v1/products?limit=1")["products"][0]
    sku_id = product["skus"][0]["id"]
    streams = []
    try:
        for _ in range(100):  # what the first ones bring along is not theirs
            follow(shop.port, "product:first").close()
        measure.wait_until_idle(shop.process.pid)
        before = idle_connections.memory_bytes(shop.process.pid)
        for number in range(count):
            streams.append(follow(shop.port, "product:other-%d" % number))
        each = (idle_connections.memory_bytes(shop.process.pid) - before) / count
        streams.append(follow(shop.port, "product:" + product["id"]))
        times = []
        for units in range(1000, 1000 + CHANGES):
            times.append(change(shop, streams[-1], sku_id, units))
            time.sleep(APART_S)
        whole, behind = zip(*times)
        return {"what": "%d followers, a change to one" % count, "bytes_each": round(each),
                "p50_with_commit_ms": percentile(whole, 50), "p95_with_commit_ms": percentile(whole, 95),
                "p95_behind_answer_ms": percentile(behind, 95),
                "ok": each <= BYTES_MAX and percentile(whole, 95) < LATENCY_P95_MS}
    finally:
        for stream in streams:
            stream.close()
