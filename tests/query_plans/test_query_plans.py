"""Every statement of the .sql files, by SQLite's own plan: none goes through a whole table that grows with the shop,
and none sorts more than it shows. Those that may are named below, each with its reason."""
import os
import pathlib
import re
import sqlite3
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("SHOPSTREAM_BINARY", str(ROOT / "build" / "shopstream"))

# As many rows as there are settings, services or people who work on the shop: they do not grow with orders or goods.
SMALL_TABLES = {"category", "consumer_offset", "quarantine", "stream", "stream_group", "settings", "webhook_endpoints",
                "service_secret", "reconciliation_marks", "tenant", "signing_key", "shopstream_migrations",
                "sqlite_schema", "sqlite_sequence", "pragma_table_list", "pragma_table_info", "pragma_foreign_key_list"}

# What is there only while something is under way: as many rows as there are orders in flight.
WORK_TABLES = {"webhook_deliveries", "workflow_signal", "stream_pending", "stream_entry"}

# statement: why it may read a whole table. None of them answers a request of a customer.
MAY_SCAN = {
    "catalog/products/find_any_product": "one row of it",
    "events/events/trim": "the oldest rows alone, in the order of the key, cut by LIMIT",
    "catalog/transfer/export_skus": "the export is of everything",
    "catalog/transfer/export_prices": "the export is of everything",
    "payments/ledger/sum_ledger": "asked by the tests alone",
    "queue/queue/pull_closer": "once a start, over the messages that wait",
    "stripe_emulator/objects/sum_balance": "the emulator's, for tests on one machine",
}

# statement: why it may sort what it found.
MAY_SORT = {
    "catalog/products/list_prices_of_product": "of one product",
    "catalog/stock/purge_reservation_lines": "of those that end in one millisecond",
    "catalog/stock/purge_reservations": "of those that end in one millisecond",
    "catalog/transfer/export_prices": "of one SKU: its prices",
    "stripe_emulator/delivery/list_due_deliveries": "of those due in one millisecond",
    "catalog/products/insert_titles": "all that are put into the shop together",
    "catalog/list/list_cheapest_with_word": "taken only for a word of few products: word_frequency counts first",
    "catalog/list/list_dearest_with_word": "taken only for a word of few products: word_frequency counts first",
    "catalog/list/list_newest_with_beginning": "taken only for few words: beginning_frequency counts first",
    "catalog/list/list_by_title_with_beginning": "taken only for few words: beginning_frequency counts first",
    "catalog/list/list_cheapest_with_beginning": "taken only for few words: beginning_frequency counts first",
    "catalog/list/list_dearest_with_beginning": "taken only for few words: beginning_frequency counts first",
    "catalog/products/list_covers": "of the categories, not of the products",
    "catalog/facets/count_by_category": "of the counts by category and brand, not of the products",
    "catalog/facets/count_by_brand": "of the counts by category and brand, not of the products",
    "stripe_emulator/objects/sum_balance": "by currency; the emulator's, for tests on one machine",
}

# table: why a row of it may be checked against a list of three or more, for which SQLite builds a table each time.
MAY_CHECK_A_LIST = {
    "refunds": "rare next to orders, and a call to the provider each",
}


def statements(path):
    """(name, SQL) of each named statement of a file."""
    parts = re.split(r"(?m)^-- name: *(\w+)\s*$", path.read_text())
    for name, text in zip(parts[1::2], parts[2::2]):
        yield name, re.sub(r"(?m)^\s*--.*$", "", text).strip().rstrip(";")


def sql_files():
    for path in sorted([*ROOT.glob("services/*/sql/*.sql"), *ROOT.glob("platform/ports/*/*.sql"),
                        *ROOT.glob("platform/service/sql/*.sql")]):
        if not path.name.startswith("test_") and path.name != "postgres.sql":
            yield path


def label(path, name):
    owner = path.parent.parent.name if path.parent.name == "sql" else path.parent.name
    return "%s/%s/%s" % (owner, path.stem, name)


def plan(database, sql):
    parameters = {number: None for number in re.findall(r"\$(\d+)", sql)}
    return [row[3] for row in database.execute("EXPLAIN QUERY PLAN " + sql, parameters)]


def aliases(sql):
    """What the plan calls a table → the table."""
    found = {}
    for table, alias in re.findall(r"(?i)\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)(?:\s+(?:AS\s+)?(\w+))?", sql):
        found[table] = table
        if alias:
            found[alias] = table
    return found


def scans(database, sql):
    """The growing tables that the statement reads from end to end."""
    names = aliases(sql)
    for line in plan(database, sql):
        # All rows of a tenant are all rows: most shops have one tenant.
        match = re.match(r"SCAN (\w+)", line) or re.match(r"SEARCH (\w+) .*\(tenant=\?\)$", line)
        if not match:
            continue
        table = names.get(match.group(1), match.group(1))
        known = database.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", [table]).fetchone()
        if known and table not in SMALL_TABLES | WORK_TABLES:
            yield table, line


def tables(database):
    return [name for name, in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"
                                               " AND name NOT LIKE 'sqlite~_%' ESCAPE '~'")]


def builds_a_table(database, table):
    """Whether SQLite makes a table of its own for each row that is put into this one."""
    columns = [row[1] for row in database.execute("SELECT * FROM pragma_table_info(?)", [table])]
    insert = 'INSERT INTO "%s" (%s) VALUES (%s)' % (table, ", ".join(columns), ", ".join("?" * len(columns)))
    return any(row[1] == "OpenEphemeral" for row in database.execute("EXPLAIN " + insert, [None] * len(columns)))


class QueryPlans(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="shopstream-plans-")
        cls.addClassCleanup(folder.cleanup)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SHOPSTREAM_")}
        subprocess.run([BINARY, "migrate", "--data", folder.name + "/data"], check=True, env=environment,
                       capture_output=True)
        cls.databases = {path.stem: sqlite3.connect(path) for path in pathlib.Path(folder.name, "data").glob("*.db")}
        for database in cls.databases.values():
            cls.addClassCleanup(database.close)
        cls.plans = dict(cls.all_plans())

    @classmethod
    def database_of(cls, path, sql):
        """The service's own; for a port, one whose service has the port's tables."""
        service = path.parent.parent.name if path.parent.name == "sql" else None
        for name, database in cls.databases.items():
            if service in cls.databases and name != service:
                continue
            try:
                plan(database, sql)
                return database
            except sqlite3.OperationalError as error:
                if "no such table" not in str(error):
                    raise
        return None

    @classmethod
    def all_plans(cls):
        for path in sql_files():
            for name, sql in statements(path):
                if re.match(r"(?i)(SELECT|INSERT|UPDATE|DELETE|WITH)\b", sql):
                    yield label(path, name), (sql, cls.database_of(path, sql))

    def test_each_statement_has_a_plan(self):
        self.assertGreater(len(self.plans), 150)
        self.assertEqual([], [name for name, (_, database) in self.plans.items() if database is None])

    def test_none_reads_a_growing_table_from_end_to_end(self):
        found = {name: list(scans(database, sql)) for name, (sql, database) in self.plans.items()}
        found = {name: tables for name, tables in found.items() if tables}
        self.assertEqual({}, {name: tables for name, tables in found.items() if name not in MAY_SCAN})
        self.assertEqual(set(), set(MAY_SCAN) - set(found), "an exception that is none any more")

    def test_none_sorts_more_than_it_shows(self):
        found = {}
        for name, (sql, database) in self.plans.items():
            tables = set(aliases(sql).values())
            if tables <= SMALL_TABLES | WORK_TABLES:
                continue
            lines = [line for line in plan(database, sql) if "TEMP B-TREE" in line and "DISTINCT" not in line]
            if lines:
                found[name] = lines
        self.assertEqual({}, {name: lines for name, lines in found.items() if name not in MAY_SORT})
        self.assertEqual(set(), set(MAY_SORT) - set(found), "an exception that is none any more")

    def test_no_row_is_checked_against_a_list(self):
        """In a CHECK or the condition of an index: OR says the same, and costs nothing to speak of."""
        found = {table for database in self.databases.values() for table in tables(database)
                 if builds_a_table(database, table)}
        self.assertEqual(set(), found - set(MAY_CHECK_A_LIST))
        self.assertEqual(set(), set(MAY_CHECK_A_LIST) - found, "an exception that is none any more")

    def test_a_planted_list_is_found(self):
        database = sqlite3.connect(":memory:")
        self.addCleanup(database.close)
        database.execute("CREATE TABLE of_two (state TEXT CHECK (state IN ('a', 'b')))")
        database.execute("CREATE TABLE of_three (state TEXT CHECK (state IN ('a', 'b', 'c')))")
        database.execute("CREATE TABLE indexed (state TEXT)")
        database.execute("CREATE INDEX some ON indexed (state) WHERE state IN ('a', 'b', 'c')")
        self.assertEqual(["of_three", "indexed"], [t for t in tables(database) if builds_a_table(database, t)])

    def test_a_planted_scan_is_found(self):
        """The check itself: a filter without an index, and an order without one."""
        orders = self.databases["orders"]
        self.assertEqual(["orders"], [table for table, _ in scans(orders, "SELECT id FROM orders WHERE email = $1")])
        lines = plan(orders, "SELECT id FROM orders WHERE tenant = $1 ORDER BY email LIMIT 1")
        self.assertTrue(any("TEMP B-TREE" in line for line in lines), lines)


if __name__ == "__main__":
    unittest.main()
