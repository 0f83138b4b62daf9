"""Fills a stopped shop with orders, as many as wanted, whose rows are like those of real ones.

It places nothing itself: `take_template` sees which rows one real order left in every database of the shop, and
`load_orders` writes them again and again with ids and times of their own, spread over the days before the template.
What the shop would have swept by its age is left out. tests/growth compares the result with real orders.
"""
import concurrent.futures
import contextlib
import operator
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
# What is still to be sent or done.
WORK_LEFT = ("webhook_deliveries", "queue_message", "stream_pending")
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


def work_left(data):
    """(database, table) of what a shop, running or not, has still to send or do."""
    found = []
    for name, path in databases(data).items():
        with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True)) as database:
            present = {table for (table,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            found += [(name, table) for table in WORK_LEFT if table in present
                      and database.execute('SELECT 1 FROM "%s" LIMIT 1' % table).fetchone()]
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
        self.drawn = [Drawn(token, place) for place, token in enumerate(self.tokens)]


def take_template(before, data):
    return Template(before, snapshot(data))


# -- Ids, made anew ---------------------------------------------------------------------------------------------------

LETTERS = bytes.maketrans(bytes(range(256)), "".join(
    (string.ascii_letters + string.digits)[i % 62] for i in range(256)).encode())
DRAWN = 64  # characters that a token is given, more than the longest has


class Drawn:
    """How one token of the template is made anew: as one of the same kind. A UUIDv7 moves with its time, so that the
    order of ids stays that of time."""

    def __init__(self, token, place):
        self.start = place * DRAWN
        self.make = self.other
        named = re.match(r"(?:pi|ch|evt|re|pm|cus|req|secret)_", token)
        self.prefix = named.group() if named else ""
        rest = token[len(self.prefix):]
        self.length = len(rest)
        self.is_hexadecimal = re.fullmatch(r"[0-9a-f-]+", rest) is not None
        if len(token) == 36:
            self.ms = int(token[:8] + token[9:13], 16)
            self.kind = token[14]
            self.variant = token[19]
            self.make = self.uuid_v7 if self.kind == "7" else self.uuid

    def uuid_v7(self, delta_ms, digits, letters):
        moved, at = "%012x" % (self.ms + delta_ms), self.start
        return "%s-%s-7%s-%s%s-%s" % (moved[:8], moved[8:], digits[at:at + 3], self.variant, digits[at + 3:at + 6],
                                      digits[at + 6:at + 18])

    def uuid(self, delta_ms, digits, letters):
        at = self.start
        return "%s-%s-%s%s-%s%s-%s" % (digits[at:at + 8], digits[at + 8:at + 12], self.kind, digits[at + 12:at + 15],
                                       self.variant, digits[at + 15:at + 18], digits[at + 18:at + 30])

    def other(self, delta_ms, digits, letters):
        return self.prefix + (digits if self.is_hexadecimal else letters)[self.start:self.start + self.length]


def tokens_of(template, delta_ms, seed, number):
    """The same for every database: an order's ids go through all of them."""
    drawn = random.Random(seed * 1_000_003 + number).randbytes(DRAWN * len(template.drawn))
    digits, letters = drawn.hex(), drawn.translate(LETTERS).decode()
    return [one.make(delta_ms, digits, letters) for one in template.drawn]


# -- Rows, made anew --------------------------------------------------------------------------------------------------

class Row:
    """A row of the template: constants, times, and texts with tokens in them."""

    def __init__(self, columns, row, numbers, kept):
        self.constant = list(row)
        self.times = [i for i, (column, value) in enumerate(zip(columns, row))
                      if isinstance(value, int) and value >= FIRST_MS and column.endswith("_ms")]
        self.texts = []
        for i, value in enumerate(row):
            found = [match for match in TOKEN.finditer(texts(value)) if match.group() in numbers]
            if found:
                self.texts.append((i, self.form(texts(value), found), isinstance(value, bytes),
                                   operator.itemgetter(*(numbers[match.group()] for match in found))))
        # Each column by whose age the row is swept, and how long it is kept.
        self.ages = [(columns.index(kept[0]), kept[1])] if kept else []
        # Rows of kv; not a reservation, which stays when it has ended.
        if "item_key" in columns and self.constant[columns.index("expires_at_ms")] is not None:
            self.ages.append((columns.index("expires_at_ms"), 0))

    @staticmethod
    def form(text, found):
        pieces, end = [], 0
        for match in found:
            pieces.append(text[end:match.start()].replace("%", "%%"))
            end = match.end()
        return "%s".join([*pieces, text[end:].replace("%", "%%")])

    def is_swept(self, delta_ms, now_ms):
        return any(self.constant[i] + delta_ms <= now_ms - age_ms for i, age_ms in self.ages)

    def make(self, tokens, delta_ms):
        row = self.constant.copy()
        for i in self.times:
            row[i] += delta_ms
        for i, form, is_bytes, pick in self.texts:
            text = form % pick(tokens)
            row[i] = text.encode("latin-1") if is_bytes else text
        return row


class Writer:
    """The rows of one table."""

    def __init__(self, database_name, table, columns, rows, numbers):
        # A number that the database hands out is left to it.
        left_out = columns.index("seq") if table == "outbox" else len(columns)
        columns = columns[:left_out] + columns[left_out + 1:]
        kept = KEPT_MS.get((database_name, table)) or KEPT_MS.get(("*", table))
        self.rows = [Row(columns, row[:left_out] + row[left_out + 1:], numbers, kept) for row in rows]
        self.sql = 'INSERT INTO "%s" (%s) VALUES (%s)' % (table, ", ".join(columns), ", ".join("?" * len(columns)))

    def make(self, orders, now_ms):
        for delta_ms, tokens in orders:
            for row in self.rows:
                if not row.is_swept(delta_ms, now_ms):
                    yield row.make(tokens, delta_ms)


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


def load_database(path, template, deltas, seed, now_ms):
    """What the orders leave in one of the databases."""
    numbers = {token: i for i, token in enumerate(template.tokens)}
    groups = {}
    for (database_name, table), row in template.rows:
        if database_name == path.stem:
            groups.setdefault(table, []).append(row)
    if not groups:
        return
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        for pragma in ("journal_mode = WAL", "synchronous = OFF", "cache_size = -600000", "foreign_keys = OFF"):
            database.execute("PRAGMA " + pragma)
        described = tables(database)
        writers = [Writer(path.stem, table, described[table][0], rows, numbers) for table, rows in groups.items()]
        for first in range(0, len(deltas), BATCH):
            orders = [(delta, tokens_of(template, delta, seed, number))
                      for number, delta in enumerate(deltas[first:first + BATCH], first)]
            database.execute("BEGIN")
            for writer in writers:
                database.executemany(writer.sql, writer.make(orders, now_ms))
            database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def load_orders(data, template, count, days=365, seed=1):
    """Writes so many orders, each database in a process of its own."""
    paths = databases(data)
    now_ms = int(time.time() * 1000)
    deltas = spread(count, days, now_ms)
    with concurrent.futures.ProcessPoolExecutor() as pool:
        for loaded in [pool.submit(load_database, path, template, deltas, seed, now_ms) for path in paths.values()]:
            loaded.result()
    move_offsets(paths)
