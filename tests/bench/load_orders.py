"""Fills a stopped shop with orders, as many as wanted, whose rows are like those of real ones.

It places nothing itself: `take_template` sees which rows one real order left in every database of the shop, and
`load_orders` writes them again and again with ids and times of their own, spread over the days before the template.
What the shop would have swept by its age is left out. tests/growth compares the result with real orders.
"""
import contextlib
import itertools
import pathlib
import random
import re
import sqlite3
import string
import time

# What names one order's things: UUIDs, the provider's ids and secrets, hashes and trace ids.
TOKEN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
                   r"|(?<![A-Za-z0-9])(?:pi|ch|evt|re|pm|cus|req|secret)_[A-Za-z0-9]{8,}"
                   r"|(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{32}|[0-9a-f]{16})(?![0-9a-f])"
                   r"|(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")
# Not an order's, or gone when it has come to rest (a stream is cut to a length).
NO_ROWS_OF_ORDERS = ("shopstream_migrations", "service_secret", "stream", "stream_entry", "stream_group",
                     "stream_pending", "queue_message")
DAY_MS = 86_400_000
# How long the shop keeps what it does not keep for ever: the age is that of the named column.
KEPT_MS = {("*", "outbox"): ("time_ms", 7 * DAY_MS),
           ("stripe_emulator", "provider_events"): ("created_ms", 30 * DAY_MS),
           ("stripe_emulator", "request_keys"): ("created_ms", DAY_MS),
           ("payments", "provider_events"): ("received_ms", 90 * DAY_MS),
           ("*", "workflow"): ("updated_at_ms", 30 * DAY_MS),
           ("*", "workflow_history"): ("scheduled_at_ms", 30 * DAY_MS)}
FIRST_MS = 1_000_000_000_000  # an integer above is a time in milliseconds
BATCH = 2000


def databases(data):
    return {path.stem: path for path in sorted(pathlib.Path(data).glob("*.db"))}


def tables(database):
    """Name → (columns, columns of the key)."""
    found = {}
    for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
        columns = database.execute("SELECT name, pk, type FROM pragma_table_info(?)", [name]).fetchall()
        if name not in NO_ROWS_OF_ORDERS and not name.startswith("sqlite_"):
            found[name] = ([column for column, _, _ in columns], [column for column, pk, _ in columns if pk])
    return found


def snapshot(data):
    """(database, table) → key → row, of a stopped shop."""
    found = {}
    for name, path in databases(data).items():
        with contextlib.closing(sqlite3.connect(path)) as database:
            for table, (columns, key) in tables(database).items():
                places = [columns.index(column) for column in key]
                rows = database.execute('SELECT * FROM "%s"' % table).fetchall()
                found[name, table] = {tuple(row[i] for i in places): row for row in rows}
    return found


def texts(value):
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""


def known_tokens(before):
    """Ids of articles, tenants, endpoints: what an order shares with others."""
    return {token for rows in before.values() for row in rows.values() for value in row
            for token in TOKEN.findall(texts(value))}


class Template:
    """The rows of one order. tokens: its own ids, in the order of their first sight."""

    def __init__(self, before, after):
        shared = known_tokens(before)
        self.rows = []
        self.tokens = []
        for place, rows in after.items():
            for key, row in rows.items():
                if key not in before.get(place, {}):
                    self.rows.append((place, row))
        for _, row in self.rows:
            for value in row:
                for token in TOKEN.findall(texts(value)):
                    if token not in shared and token not in self.tokens:
                        self.tokens.append(token)


def take_template(before, data):
    return Template(before, snapshot(data))


# -- One value, made anew ---------------------------------------------------------------------------------------------

def fresh(token, delta_ms, dice):
    """Another token of the same kind. A UUIDv7 moves with its time, so that the order of ids stays that of time."""
    if len(token) == 36 and token[14] == "7":
        moved = "%012x" % (int(token[:8] + token[9:13], 16) + delta_ms)
        return "%s-%s-7%03x-%s%03x-%012x" % (moved[:8], moved[8:], dice.getrandbits(12), token[19],
                                             dice.getrandbits(12), dice.getrandbits(48))
    named = re.match(r"(pi|ch|evt|re|pm|cus|req|secret)_", token)
    prefix, mark, rest = token.rpartition("_") if named else ("", "", token)
    hexadecimal = re.fullmatch(r"[0-9a-f-]+", rest) is not None
    letters = "0123456789abcdef" if hexadecimal else string.ascii_letters + string.digits
    return prefix + mark + "".join("-" if c == "-" else dice.choice(letters) for c in rest)


class Value:
    """A column of a template's row: constant, a time, or text with tokens in it."""

    def __init__(self, value, column, numbers):
        self.value = value
        self.is_time = isinstance(value, int) and value >= FIRST_MS and column.endswith("_ms")
        self.is_bytes = isinstance(value, bytes)
        self.pieces = None
        text = texts(value)
        found = [match for match in TOKEN.finditer(text) if match.group() in numbers]
        if found:
            self.pieces, end = [], 0
            for match in found:
                self.pieces += [text[end:match.start()], numbers[match.group()]]
                end = match.end()
            self.pieces.append(text[end:])

    def make(self, tokens, delta_ms):
        if self.is_time:
            return self.value + delta_ms
        if self.pieces is None:
            return self.value
        text = "".join(tokens[piece] if isinstance(piece, int) else piece for piece in self.pieces)
        return text.encode("latin-1") if self.is_bytes else text


class Writer:
    """The rows of one table."""

    def __init__(self, database_name, table, columns, key, rows, numbers):
        # A number that the database hands out is left to it.
        self.left_out = "seq" if table == "outbox" else None
        self.columns = [column for column in columns if column != self.left_out]
        self.rows = [[Value(value, column, numbers) for column, value in zip(columns, row) if column != self.left_out]
                     for row in rows]
        self.kept = KEPT_MS.get((database_name, table)) or KEPT_MS.get(("*", table))
        self.sql = 'INSERT INTO "%s" (%s) VALUES (%s)' % (
            table, ", ".join(self.columns), ", ".join("?" * len(self.columns)))

    def make(self, tokens, delta_ms, now_ms):
        for row in self.rows:
            made = [value.make(tokens, delta_ms) for value in row]
            named = dict(zip(self.columns, made))
            if self.kept and named[self.kept[0]] < now_ms - self.kept[1]:
                continue
            if table_expires(named, now_ms):
                continue
            yield made


def table_expires(named, now_ms):
    """What a sweep would have taken: rows of kv, and no reservation, which stays when it has ended."""
    return "item_key" in named and named["expires_at_ms"] is not None and named["expires_at_ms"] <= now_ms


def move_offsets(paths):
    """Consumers have seen what was loaded."""
    ends = {}
    for name, path in paths.items():
        with contextlib.closing(sqlite3.connect(path)) as database:
            if "outbox" in tables(database):
                ends[name] = database.execute("SELECT coalesce(max(seq), 0) FROM outbox").fetchone()[0]
    for path in paths.values():
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            if "consumer_offset" in tables(database):
                for source, end in ends.items():
                    database.execute("UPDATE consumer_offset SET position = max(position, ?) WHERE source = ?",
                                     [end, source])


def spread(count, days, template_ms):
    """The distance of each order from the template, oldest first."""
    step = max(1.0, days * DAY_MS / max(1, count))
    return [-int((count - i) * step) for i in range(count)]


def load_orders(data, template, count, days=365, seed=1):
    """Writes so many orders; their (order of the template's) tokens of the last one are returned for the tests."""
    paths = databases(data)
    now_ms = int(time.time() * 1000)
    numbers = {token: i for i, token in enumerate(template.tokens)}
    deltas = spread(count, days, now_ms)
    last = None
    for name, path in paths.items():
        groups = {}
        for (database_name, table), row in template.rows:
            if database_name == name:
                groups.setdefault(table, []).append(row)
        if not groups:
            continue
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
            for pragma in ("journal_mode = WAL", "synchronous = OFF", "cache_size = -600000", "foreign_keys = OFF"):
                database.execute("PRAGMA " + pragma)
            described = tables(database)
            writers = [Writer(name, table, *described[table], rows, numbers) for table, rows in groups.items()]
            for batch in batches(deltas):
                database.execute("BEGIN")
                made = [(delta, tokens_of(template, delta, seed, number)) for number, delta in batch]
                for writer in writers:
                    database.executemany(writer.sql, itertools.chain.from_iterable(
                        writer.make(tokens, delta, now_ms) for delta, tokens in made))
                database.execute("COMMIT")
                last = made[-1][1]
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    move_offsets(paths)
    return last


def batches(deltas):
    for start in range(0, len(deltas), BATCH):
        yield list(enumerate(deltas[start:start + BATCH], start))


def tokens_of(template, delta_ms, seed, number):
    """The same for every database: an order's ids go through all of them."""
    dice = random.Random(seed * 1_000_003 + number)
    return [fresh(token, delta_ms, dice) for token in template.tokens]
