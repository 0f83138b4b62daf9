"""`shopstream torture` fails where there is something to find, and says which: while it sells, what a bug of the shop
would do is done to the shop's databases from outside. A torture without it is in tests/cli."""
import concurrent.futures
import contextlib
import functools
import os
import pathlib
import sqlite3
import subprocess
import tempfile
import time
import unittest

BINARY = os.environ["SHOPSTREAM_BINARY"]
PATIENCE_S = 280  # the audit itself waits a minute for an order that is not there
AT_A_TIME = 4
POLL_S = 0.005
BUSY_S = 5  # for the shop's own writes

# Statements, of which the last finds a row to change or is tried again. The first sale of all gives its unit back: by a
# trigger, as the sale may be over before anybody has looked. Those that are waited for longest come first.
PLANTS = {
    "lost": ("orders.db", "DELETE FROM orders WHERE id = (SELECT id FROM orders WHERE status = 'confirmed' ORDER BY id"
             " LIMIT 1)"),
    "below-zero": ("catalog.db", "PRAGMA ignore_check_constraints = ON",
                   "UPDATE stock SET on_hand = -1 WHERE reserved > 0"),
    "oversold": ("catalog.db", "CREATE TABLE IF NOT EXISTS planted (sku_id TEXT)",
                 "CREATE TRIGGER plant AFTER UPDATE OF on_hand ON stock"
                 " WHEN new.on_hand < old.on_hand AND NOT EXISTS (SELECT 1 FROM planted)"
                 " BEGIN INSERT INTO planted VALUES (new.sku_id);"
                 " UPDATE stock SET on_hand = on_hand + 1 WHERE sku_id = new.sku_id; END"),
    "one-sided": ("payments.db", "INSERT INTO ledger_entries (id, tenant, transaction_id, account, direction, amount,"
                  " currency, created_ms) SELECT id || '-more', tenant, transaction_id, account, direction, amount,"
                  " currency, created_ms FROM ledger_entries ORDER BY id LIMIT 1"),
    "booked-twice": ("payments.db", "INSERT INTO ledger_entries (id, tenant, transaction_id, account, direction,"
                     " amount, currency, created_ms) SELECT id || '-more', tenant, transaction_id, account, direction,"
                     " amount, currency, created_ms FROM ledger_entries"
                     " WHERE transaction_id = (SELECT transaction_id FROM ledger_entries ORDER BY id LIMIT 1)"),
    "nobodys-line": ("orders.db", "INSERT INTO order_line SELECT tenant, 'nobody', position, sku_id, title, quantity,"
                     " price, line_total, shown FROM order_line LIMIT 1"),
    "charged-twice": ("stripe_emulator.db", "INSERT INTO charges SELECT id || 'x', payment_intent, status, amount,"
                      " amount_captured, amount_refunded, currency, captured, failure_code, decline_code,"
                      " failure_message, payment_method, card, created_ms FROM charges WHERE amount_captured > 0"
                      " ORDER BY id LIMIT 1"),
    "another-answer": ("orders.db", "UPDATE kv_row SET value = changed(value, '\"pending\"', '\"started\"')"
                       " WHERE space = 'idempotency' AND value <> changed(value, '\"pending\"', '\"started\"')"),
    "set-aside": ("payments.db", "INSERT INTO quarantine SELECT 'planted', 'orders', seq, event_id, topic, type, key,"
                  " tenant, time_ms, traceparent, payload, -1, 'planted', 1, time_ms FROM outbox ORDER BY seq LIMIT 1"),
}


def tell_again(data):
    """A mail that was sent is sent once more: whether there was one."""
    for path in (data / "mail").glob("*.eml"):
        with contextlib.suppress(FileNotFoundError):
            mail = path.read_bytes()
            if b"confirmed" in mail.split(b"\nSubject: ", 1)[1].split(b"\n", 1)[0]:
                again = path.with_name("planted.part")
                again.write_bytes(mail.replace(b"\nMessage-ID: <", b"\nMessage-ID: <again-", 1))
                again.rename(path.with_name("planted-" + path.name))
                return True
    return False


def changed(value, old, new):
    return value.replace(old.encode(), new.encode()) if isinstance(value, bytes) else value


def executed(data, name, *statements):
    """Whether the last of them changed something."""
    # Not there yet, or the shop is writing: again.
    with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(sqlite3.connect(
            "file:%s?mode=rw" % (data / name), uri=True, timeout=BUSY_S)) as database:
        database.create_function("changed", 3, changed, deterministic=True)
        counts = [database.execute(statement).rowcount for statement in statements]
        database.commit()
        return counts[-1] != 0
    return False


def keep_trying(process, folder, plant):
    """Until there is something to plant it in: whether there was."""
    while process.poll() is None:
        if any(plant(data) for data in folder.glob("shopstream-torture-*/data")):
            return True
        time.sleep(POLL_S)
    return False


def torture(plant):
    """One in a folder of its own, with a plant in its middle: (what it said, its exit code, whether it was planted)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")}
    with tempfile.TemporaryDirectory(prefix="shopstream-torture-plants-") as folder, \
            concurrent.futures.ThreadPoolExecutor(1) as gardener, \
            subprocess.Popen([BINARY, "torture", "--seconds", "3"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, env={**kept, "TMPDIR": folder}) as process:
        is_planted = gardener.submit(keep_trying, process, pathlib.Path(folder), plant)
        try:
            said, _ = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
        return said, process.returncode, is_planted.result()


class TorturePlants(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Some at a time: most of their time is waiting."""
        plants = {name: functools.partial(lambda plant, data: executed(data, *plant), plant)
                  for name, plant in PLANTS.items()}
        tortures = concurrent.futures.ThreadPoolExecutor(AT_A_TIME)
        cls.addClassCleanup(tortures.shutdown)
        cls.tortures = {name: tortures.submit(torture, plant)
                        for name, plant in {**plants, "told-again": tell_again}.items()}

    def check(self, name, found):
        said, code, is_planted = self.tortures[name].result()
        self.assertTrue(is_planted, said)
        self.assertEqual(1, code, said)
        self.assertRegex(said, r"(?m)^FAILED: \d+ orders, \d+ kills")
        self.assertRegex(said, "(?m)^  FAIL  " + found)

    def test_torture__finds_a_unit_that_was_sold_and_never_was(self):
        self.check("oversold", r"what was sold is what there was: .* [1-9]\d* too many")

    def test_torture__finds_a_ledger_that_does_not_balance(self):
        self.check("one-sided", r"the books balance: .* differ in 1\b")

    def test_torture__finds_a_sale_that_is_booked_twice(self):
        self.check("booked-twice", r"the books say what was sold: ")

    def test_torture__finds_a_database_that_is_not_sound(self):
        self.check("nobodys-line", r"the databases are sound: ")

    def test_torture__finds_a_confirmed_order_that_is_lost(self):
        self.check("lost", r"no acknowledged order is lost: .* [1-9]\d* missing")

    def test_torture__finds_an_order_that_is_charged_twice(self):
        self.check("charged-twice", r"each order is charged once: ")

    def test_torture__finds_a_key_that_gives_another_answer(self):
        self.check("another-answer", r"the same key gives the same answer: ")

    def test_torture__finds_stock_below_zero(self):
        self.check("below-zero", r"stock was never below zero: ")

    def test_torture__finds_an_event_that_was_set_aside(self):
        self.check("set-aside", r"no event was set aside: the quarantine holds events")

    def test_torture__finds_an_end_that_was_told_twice(self):
        self.check("told-again", r"no event is lost, none takes effect twice: .* 0 were not, [1-9]\d* were told again")


if __name__ == "__main__":
    unittest.main()
