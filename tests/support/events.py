"""A follower of Server-Sent Events: what a browser's EventSource is, over a connection of its own."""
import http.client
import json
import time
import urllib.parse

from shop import PATIENCE_S


class Followed:
    """An event: its type, data (decoded) and id."""

    def __init__(self, kind, data, position):
        self.kind, self.data, self.position = kind, data, position

    def __repr__(self):
        return "%s %r (%s)" % (self.kind, self.data, self.position)


class Stream:
    """Opens GET /v1/events; status, headers, and the events as they come. last_id is what a browser would come back
    with."""

    def __init__(self, port, query, headers=None, path="/api/realtime/v1/events"):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        self.connection.request("GET", path + "?" + urllib.parse.urlencode(query), headers=dict(headers or {}))
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self.headers = {name.lower(): value for name, value in self.response.getheaders()}
        self.last_id, self.retry_ms, self.comments = None, None, 0
        if self.status == 200:
            self.read_block()  # the greeting: its id is where this one begins

    def close(self):
        self.connection.close()
        self.response.close()

    def problem(self):
        return json.loads(self.response.read())

    def read_block(self):
        """The fields up to the next empty line; None at the end of the stream."""
        fields = {}
        while True:
            line = self.response.readline()
            if not line:
                return None
            line = line.decode().rstrip("\n")
            if not line:
                break
            name, _, value = line.partition(":")
            if not name:
                self.comments += 1
            else:
                fields[name] = value.removeprefix(" ")
        self.last_id = fields.get("id", self.last_id)
        self.retry_ms = int(fields["retry"]) if "retry" in fields else self.retry_ms
        return fields

    def event(self):
        """The next one; None when the shop ended the stream."""
        patience_until = time.monotonic() + PATIENCE_S
        while (fields := self.read_block()) is not None:
            assert time.monotonic() < patience_until, "only heartbeats came"
            if "data" in fields:
                return Followed(fields["event"], json.loads(fields["data"]), fields["id"])
        return None

    def until(self, kind):
        """Everything up to the next event of that type."""
        seen = []
        while not seen or seen[-1].kind != kind:
            event = self.event()
            assert event, "the stream ended before %s: %r" % (kind, seen)
            seen.append(event)
        return seen
