#!/usr/bin/python3
"""How soon a change of stock is with who follows the product, while ten thousand others follow others and hear nothing;
what each of those costs in memory; and how soon a change is with all of ten thousand who follow the same product."""
import select
import socket
import time

import idle_connections
import measure

BYTES_MAX = 8192
LATENCY_P95_MS, FAN_OUT_MS = 20, 250
CHANGES, FAN_OUTS = 100, 10
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


def arrivals_of(streams, units):
    """When the last of them had the event that says so many."""
    wanted = b'"available":%d}' % units
    received = {stream.fileno(): b"" for stream in streams}
    by_file = {stream.fileno(): stream for stream in streams}
    poller = select.epoll()
    try:
        for file in received:
            poller.register(file, select.EPOLLIN)
        while received:
            ready = poller.poll(PATIENCE_S, len(by_file))
            if not ready:
                raise SystemExit("bench: %d followers were told nothing" % len(received))
            for file, _ in ready:
                received[file] = received[file][-len(wanted):] + by_file[file].recv(65536)
                if wanted in received[file]:
                    poller.unregister(file)
                    del received[file]
        return time.monotonic()
    finally:
        poller.close()


def of_one(shop, product, others):
    """One who follows the product, among others who do not."""
    stream = follow(shop.port, "product:" + product["id"])
    try:
        times = []
        for units in range(1000, 1000 + CHANGES):
            times.append(change(shop, stream, product["skus"][0]["id"], units))
            time.sleep(APART_S)
    finally:
        stream.close()
    whole, behind = zip(*times)
    return {"what": "followers: a change to one, among %d others" % others, "p50_us": percentile(whole, 50) * 1000,
            "p95_us": percentile(whole, 95) * 1000, "behind_answer_us": percentile(behind, 95) * 1000,
            "ok": percentile(whole, 95) < LATENCY_P95_MS}


def of_all(shop, product, streams):
    times = []
    for units in range(2000, 2000 + FAN_OUTS):
        begun = time.monotonic()
        measure.set_stock(shop, product["skus"][0]["id"], units)
        times.append((arrivals_of(streams, units) - begun) * 1000)
        time.sleep(APART_S)
    return {"what": "followers: a change to all %d, the last" % len(streams), "p50_us": percentile(times, 50) * 1000,
            "max_us": round(max(times), 2) * 1000, "ok": max(times) < FAN_OUT_MS}


def hold(shop, count):
    idle_connections.raise_descriptor_limit(count + idle_connections.SPARE_DESCRIPTORS)
    product = shop.get("/api/catalog/v1/products?limit=1")["products"][0]
    streams = []
    try:
        for _ in range(100):  # what the first ones bring along is not theirs
            follow(shop.port, "product:first").close()
        measure.wait_until_idle(shop.process.pid)
        before = idle_connections.memory_bytes(shop.process.pid)
        for number in range(count):
            streams.append(follow(shop.port, "product:other-%d" % number))
        each = (idle_connections.memory_bytes(shop.process.pid) - before) / count
        yield {"what": "followers: memory of each of %d" % count, "bytes": round(each), "ok": each <= BYTES_MAX}
        yield of_one(shop, product, count)
        while streams:
            streams.pop().close()
        for _ in range(count):
            streams.append(follow(shop.port, "product:" + product["id"]))
        yield of_all(shop, product, streams)
    finally:
        for stream in streams:
            stream.close()
