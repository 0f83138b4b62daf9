"""What the sweep cuts short: each scenario prepares a folder, does one thing to it, and says what must hold after a
crash.

What a scenario asks of a shop that may die is asked with `attempt`, which gives None where no answer came: that was not
acknowledged, and may have happened or not. After the crash the same request is sent again.
"""
import contextlib
import csv
import http.client
import io
import json
import pathlib
import re
import signal
import sqlite3
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from shop import ADMIN_EMAIL, PATIENCE_S, POLL_S, Person, eventually, new_key, unbalanced  # noqa: E402

QUIET_S = 0.25  # nothing was written for so long: what was under way has ended
MANIFEST = "shop.manifest"
UNITS = 1000
AMOUNT = 1000
REFUND = 300
BUYER = "sweep@mail.example"
FAST = {"PAYMENT_TIMEOUT_MS": 3000, "RECONCILE_AGE_MS": 500, "LOG_LEVEL": "error"}


def attempt(function, *arguments, **options):
    """The answer of a shop that may die while it is asked; None for no answer."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return function(*arguments, **options)
    return None


def check(condition, *words):
    """An invariant; a violation says what was found instead."""
    if not condition:
        raise AssertionError(" ".join(map(str, words)))


def is_dead(shop):
    return shop.process.poll() is not None


def written_at(data):
    """When a file of the shop last changed. (The mapped index of a log, -shm, is not told of in its time.)"""
    latest = 0
    for path in data.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            latest = max(latest, path.stat().st_mtime_ns)
    return latest


def settle(shop):
    """Waits until the shop is dead, or has written nothing for a while."""
    seen, since, end = None, time.monotonic(), time.monotonic() + PATIENCE_S
    while not is_dead(shop) and time.monotonic() < end:
        now = written_at(shop.data)
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > QUIET_S:
            return
        time.sleep(POLL_S)


def check_manifest(data):
    """On a running shop: its manifest names each database of the folder."""
    named = set(re.findall(r"(?m)^database (\w+) \d+$", (data / MANIFEST).read_text()))
    check(named == {path.stem for path in data.glob("*.db")} and len(named) > 1, "named:", named)


class Scenario:
    """settings: of the shop, without SHOPSTREAM_. starts: whether the start of the shop is what is cut short."""
    settings = FAST
    arguments = ("--no-seed",)
    starts = False
    status = None  # of the answer that acknowledges

    def prepare(self, shop):
        """On a running shop: what each life begins with."""

    def alter(self, data):
        """On the folder of that shop, when it has ended."""

    def act(self, shop):
        """On a running shop that may die at any instant: what the client got."""

    def send(self, shop):
        """The request of act() alone, with the same key each time."""

    def reads(self, shop):
        """Answers while the disk fails, of which no cache has any: private ones, each from a store of its own."""
        return [shop.get("/api/payments/v1/ledger?limit=1", token=shop.staff("admin"))]

    def audit(self, shop, acknowledged):
        """On the shop after its crash and a new start: raises an AssertionError for what does not hold."""


# -- Money and stock, whatever happened -------------------------------------------------------------------------------
class Trade(Scenario):
    """A shop with one article and one order that was confirmed before anything crashed."""

    def prepare(self, shop):
        self.sku = shop.sku(UNITS, amount=AMOUNT)
        self.earlier_key = new_key()
        self.earlier_placed = shop.place([(self.sku, 1)], key=self.earlier_key, email=BUYER)
        check(self.earlier_placed.status == 201, self.earlier_placed)
        self.earlier = shop.ended(self.earlier_placed.json["id"], guest=self.earlier_placed.json["guest_token"])
        check(self.earlier["status"] == "confirmed", self.earlier)
        self.support = shop.staff("support")
        shop.staff("admin")
        settle(shop)

    def reads(self, shop):
        order = shop.get("/api/orders/v1/orders/" + self.earlier["id"], guest=self.earlier_placed.json["guest_token"])
        return [order, *super().reads(shop)]

    def audit_keys(self, first, send, status=201):
        """The same key is the same answer: that of before the crash where there was one, and from now on for good."""
        again = send()
        check(again.status == status, "the request again:", again)
        if first is not None and first.status == status:
            check(again.body == first.body, "acknowledged:", first, "again:", again)
            check(again.headers.get("idempotency-replayed") == "true", "not a replay:", again.headers)
        check(send().body == again.body, "a third time is another answer")
        return again

    def audit_trade(self, shop, orders, refunded=0):
        """orders: those that were confirmed. One charge an order at the provider, the books and the stock agree."""
        sold = sum(line["quantity"] for order in orders for line in order["lines"])
        expected = {order["id"]: order["total"]["amount"] for order in orders}
        intents = {intent["id"]: intent["metadata"]["order_id"] for intent in
                   shop.provider_list("/v1/payment_intents")}

        def charged():
            charges = [(intents[charge["payment_intent"]], charge["amount_captured"]) for charge in
                       shop.provider_list("/v1/charges") if charge["amount_captured"]]
            check(len(charges) == len({order for order, _ in charges}), "charged twice:", charges)
            return dict(charges)
        eventually(lambda: charged() == expected, "one charge an order, %s, at the provider" % expected)
        check(len(intents) == len(set(intents.values())), "two intents an order:", intents)

        def booked(account, direction):
            return sum(entry["amount"] for entry in shop.ledger()
                       if (entry["account"], entry["direction"]) == (account, direction))
        eventually(lambda: booked("sales", "credit") == sum(expected.values()), "the sales in the books")
        eventually(lambda: booked("refunds", "debit") == refunded, "the refund of %d in the books" % refunded)
        check(not unbalanced(shop.ledger()), "debit and credit differ:", unbalanced(shop.ledger()))
        given = [refund["amount"] for refund in shop.provider_list("/v1/refunds")]
        check(sum(given) == refunded and len(given) <= 1, "given back by the provider:", given)
        left = UNITS - sold
        eventually(lambda: self.stock(shop) == (left, 0, left), "the stock %d of %s" % (left, self.sku))

    def stock(self, shop):
        on_hand, reserved, available = shop.stock(self.sku)
        check(available == on_hand - reserved >= 0, "stock:", (on_hand, reserved, available))
        return on_hand, reserved, available

    def audit_earlier(self, shop):
        again = shop.place([(self.sku, 1)], key=self.earlier_key, email=BUYER)
        check(again.body == self.earlier_placed.body, "the order of before:", self.earlier_placed, again)
        order = shop.order(self.earlier["id"], guest=self.earlier_placed.json["guest_token"])
        check(order["status"] == "confirmed", "the order of before:", order)
        return order


class Checkout(Trade):
    """A guest's order, from the request to the mail."""
    status = 201
    email = "checkout@mail.example"

    def send(self, shop):
        return shop.place([(self.sku, 2)], key=self.key, email=self.email)

    def act(self, shop):
        self.key = new_key()
        answer = attempt(self.send, shop)
        settle(shop)
        return answer

    def audit(self, shop, acknowledged):
        placed = self.audit_keys(acknowledged, lambda: self.send(shop)).json
        order = shop.ended(placed["id"], guest=placed["guest_token"])
        check(order["status"] == "confirmed", order)
        self.audit_trade(shop, [self.audit_earlier(shop), order])
        receipts = eventually(lambda: {mail[3] for mail in shop.all_mails() if mail[0] == self.email}, "the receipt")
        check(len(receipts) == 1, "receipts:", receipts)


class Refund(Trade):
    """A part of a payment given back by the staff."""
    status = 201

    def send(self, shop):
        return shop.post("/api/payments/v1/payments/%s/refunds" % self.earlier["payment"]["id"], {"amount": REFUND},
                         token=self.support, key=self.key)

    def act(self, shop):
        self.key = new_key()
        answer = attempt(self.send, shop)
        settle(shop)
        return answer

    def audit(self, shop, acknowledged):
        self.audit_keys(acknowledged, lambda: self.send(shop))
        self.audit_trade(shop, [self.audit_earlier(shop)], REFUND)
        payment = shop.get("/api/payments/v1/payments/" + self.earlier["payment"]["id"], token=self.support).json
        check((payment["status"], payment["refunded"]["amount"]) == ("partially_refunded", REFUND), payment)


class Stop(Checkout):
    """A clean end with an order in the log: the log is copied into the file and goes."""
    status = None

    def act(self, shop):
        shop.process.send_signal(signal.SIGTERM)
        shop.process.wait(PATIENCE_S)
        return None

    def prepare(self, shop):
        super().prepare(shop)
        self.key = new_key()

    def audit(self, shop, acknowledged):
        self.audit_trade(shop, [self.audit_earlier(shop)])
        super().audit(shop, acknowledged)


# -- The catalog ------------------------------------------------------------------------------------------------------
class Import(Scenario):
    """A file that changes products and adds others: all of it or nothing."""
    status = 200
    PRODUCTS = 30

    def rows(self, price, products):
        """{code: (price, on hand)}"""
        return {"SWEEP-%d-%s" % (number, size): (price + number, number) for number in products for size in "SML"}

    def file(self, rows):
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["slug", "title", "category", "code", "attributes", "price", "currency", "on_hand"])
        for code, (price, on_hand) in rows.items():
            number, size = code.split("-")[1:]
            writer.writerow(["sweep-" + number, "Sweep " + number, "brooms", code, "size=" + size, price, "EUR",
                             on_hand])
        return text.getvalue().encode()

    def prepare(self, shop):
        self.admin = shop.staff("admin")
        self.before = self.rows(1000, range(self.PRODUCTS // 2))
        self.key = new_key()
        self.wanted = self.before
        answer = self.send(shop)
        check(answer.status == 200, answer)
        self.after = self.rows(2000, range(self.PRODUCTS))
        self.wanted, self.key = self.after, new_key()
        settle(shop)

    def send(self, shop):
        return shop.post("/api/catalog/v1/import", self.file(self.wanted), token=self.admin, key=self.key,
                         headers={"Content-Type": "text/csv"})

    def act(self, shop):
        answer = attempt(self.send, shop)
        settle(shop)
        return answer

    def found(self, shop):
        answer = shop.get("/api/catalog/v1/export", token=self.admin)
        check(answer.status == 200, answer)
        return {row["code"]: (int(row["price"]), int(row["on_hand"]))
                for row in csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig")))}

    def audit(self, shop, acknowledged):
        found = self.found(shop)
        if acknowledged is not None and acknowledged.status == 200:
            check(found == self.after, "acknowledged, and not all is there:", found)
        check(found in (self.before, self.after), "half an import:", found)
        answer = self.send(shop)
        check(answer.status == 200, "the import again:", answer)
        check(self.found(shop) == self.after, "the import again is not whole")
        listed = shop.walk("/api/catalog/v1/products?limit=100&category=brooms", "products")
        check(len(listed) == self.PRODUCTS, "products listed:", len(listed))


# -- Starts -----------------------------------------------------------------------------------------------------------
class FirstStart(Scenario):
    """An empty folder becomes a shop: every migration of every database, the administrator, the keys."""
    starts = True

    def audit(self, shop, acknowledged):
        shop.people.clear()
        admin = Person(shop, ADMIN_EMAIL)
        shop.people["admin", None] = admin
        order = shop.buy([(shop.sku(3), 1)])
        check(order["status"] == "confirmed", order)
        check_manifest(shop.data)


class Adoption(Trade):
    """A folder of a version without a manifest, with an order in it, is taken over."""
    starts = True

    def alter(self, data):
        (data / MANIFEST).unlink()
        for path in data.glob("*.db"):
            with contextlib.closing(sqlite3.connect(path)) as database:
                database.execute("DROP TABLE shopstream_mark")
                database.commit()

    def audit(self, shop, acknowledged):
        order = shop.buy([(self.sku, 1)])
        self.audit_trade(shop, [self.audit_earlier(shop), order])
        check_manifest(shop.data)


def schema_of(database):
    """{name: text} of what a database has."""
    return dict(database.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))


def migrations_of(folder):
    return sorted(path for path in folder.glob("*.sql") if not path.name.endswith(".postgres.sql"))


def number_of(migration):
    return int(migration.stem.partition("_")[0])


def tables(migrations):
    """({table: columns}, {name: text}) that some migrations make."""
    with contextlib.closing(sqlite3.connect(":memory:")) as made:
        for migration in migrations:
            made.executescript(migration.read_text())
        names = [name for (name,) in made.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"
                                                  " AND name NOT LIKE 'sqlite_%'")]
        return {name: [column[1] for column in made.execute("PRAGMA table_info(%s)" % name)] for name in names}, \
            schema_of(made)


def take_back(database, service, migrations):
    """Takes the last migration back: its tables are made by those before it, and what fits of the rows stays.
    A table that it added goes; one that it took away comes back empty. How many rows stayed."""
    new, _ = tables(migrations)
    old, _ = tables(migrations[:-1])
    kept = {}
    for table, columns in old.items():
        columns = ", ".join(column for column in columns if column in new.get(table, ()))
        if columns:
            kept[table, columns] = database.execute("SELECT %s FROM %s" % (columns, table)).fetchall()
    for table in new:
        database.execute("DROP TABLE %s" % table)
    for migration in migrations[:-1]:
        database.executescript(migration.read_text())
    for (table, columns), rows in kept.items():
        database.execute("DELETE FROM %s" % table)  # what a migration put there
        marks = ", ".join("?" * len(columns.split(", ")))
        database.executemany("INSERT INTO %s (%s) VALUES (%s)" % (table, columns, marks), rows)
    gone = database.execute("DELETE FROM shopstream_migrations WHERE list = ? AND number = ?",
                            (service, number_of(migrations[-1]))).rowcount
    database.commit()
    check(gone == 1, service, migrations[-1].name, "was not applied")
    return sum(map(len, kept.values()))


class Upgrade(Trade):
    """A folder that is one migration of each service behind, with an order in it."""
    starts = True
    migrations = {folder.parent.name: migrations_of(folder) for folder in (ROOT / "services").glob("*/migrations")
                  if len(migrations_of(folder)) > 1}

    def database(self, data, service):
        return contextlib.closing(sqlite3.connect(data / (service + ".db")))

    def alter(self, data):
        for service, migrations in self.migrations.items():
            with self.database(data, service) as database:
                check(take_back(database, service, migrations) > 0, "nothing stayed of", service)

    def audit(self, shop, acknowledged):
        self.key = new_key()
        order = shop.buy([(self.sku, 1)])
        self.audit_trade(shop, [self.audit_earlier(shop), order])
        for service, migrations in self.migrations.items():
            self.audit_schema(shop.data, service, migrations)

    def audit_schema(self, data, service, migrations):
        _, expected = tables(migrations)
        with self.database(data, service) as database:
            made = schema_of(database)
            number, = database.execute("SELECT max(number) FROM shopstream_migrations WHERE list = ?",
                                       (service,)).fetchone()
        check(number == number_of(migrations[-1]), service, "applied:", number)
        check(expected.items() <= made.items(), service, "other tables:", expected.items() - made.items())


SCENARIOS = {"checkout": Checkout, "refund": Refund, "import": Import, "first-start": FirstStart, "upgrade": Upgrade,
             "adoption": Adoption, "stop": Stop}
