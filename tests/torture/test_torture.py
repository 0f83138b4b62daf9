"""`shopstream torture` fails where there is something to find, and says which: while it sells, what a bug of the shop
would do is done to the shop's databases from outside. A torture without it is in tests/cli."""
import contextlib
import os
import pathlib
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

BINARY = os.environ["SHOPSTREAM_BINARY"]
PATIENCE_S = 280  # the audit itself waits a minute for an order that is not there
POLL_S = 0.005
BUSY_S = 5  # for the shop's own writes

# Statements, of which the last finds a row to change or is tried again. The first sale of all gives its unit back: by a
# trigger, as the sale may be over before anybody has looked.
PLANTS = {
    "oversold": ("catalog.db", "CREATE TABLE IF NOT EXISTS planted (sku_id TEXT)",
                 "CREATE TRIGGER plant AFTER UPDATE OF on_hand ON stock"
                 " WHEN new.on_hand < old.on_hand AND NOT EXISTS (SELECT 1 FROM planted)"
                 " BEGIN INSERT INTO planted VALUES (new.sku_id);"
                 " UPDATE stock SET on_hand = on_hand + 1 WHERE sku_id = new.sku_id; END"),
    "one-sided": ("payments.db", "INSERT INTO ledger_entries (id, tenant, transaction_id, account, direction, amount,"
                  " currency, created_ms) SELECT id || '-more', tenant, transaction_id, account, direction, amount,"
                  " currency, created_ms FROM ledger_entries ORDER BY id LIMIT 1"),
    "lost": ("orders.db", "DELETE FROM orders WHERE id = (SELECT id FROM orders WHERE status = 'confirmed' ORDER BY id"
             " LIMIT 1)"),
}


class Torture:
    """One in a folder of its own, with a plant in its middle."""

    def __init__(self, plant):
        self.database, *self.statements = plant
        self.folder = tempfile.TemporaryDirectory(prefix="shopstream-torture-plants-")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")}
        self.process = subprocess.Popen([BINARY, "torture", "--seconds", "3"], stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True,
                                        env={**kept, "TMPDIR": self.folder.name})
        self.is_planted = threading.Event()
        self.thread = threading.Thread(target=self.keep_trying)
        self.thread.start()

    def plant(self):
        """Whether there was something to plant it in by now."""
        for path in pathlib.Path(self.folder.name).glob("shopstream-torture-*/data/" + self.database):
            # Not there yet, or the shop is writing: again.
            with contextlib.suppress(sqlite3.OperationalError), \
                    contextlib.closing(sqlite3.connect("file:%s?mode=rw" % path, uri=True, timeout=BUSY_S)) as database:
                changed = [database.execute(statement).rowcount for statement in self.statements]
                database.commit()
                return changed[-1] != 0
        return False

    def keep_trying(self):
        while self.process.poll() is None:
            if self.plant():
                self.is_planted.set()
                return
            time.sleep(POLL_S)

    def wait(self):
        """(what it said, its exit code)"""
        said, _ = self.process.communicate(timeout=PATIENCE_S)
        self.thread.join()
        return said, self.process.returncode

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.thread.join()
        self.folder.cleanup()


class TorturePlants(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """All at once: most of their time is waiting."""
        cls.tortures = {}
        for name, plant in PLANTS.items():
            cls.tortures[name] = Torture(plant)
            cls.addClassCleanup(cls.tortures[name].close)

    def check(self, name, found):
        said, code = self.tortures[name].wait()
        self.assertTrue(self.tortures[name].is_planted.is_set(), said)
        self.assertEqual(1, code, said)
        self.assertRegex(said, r"(?m)^FAILED: \d+ orders, \d+ kills")
        self.assertRegex(said, "(?m)^  FAIL  " + found)

    def test_torture__finds_a_unit_that_was_sold_and_never_was(self):
        self.check("oversold", r"what was sold is what there was: .* [1-9]\d* too many")

    def test_torture__finds_a_ledger_that_does_not_balance(self):
        self.check("one-sided", r"the books balance: .* differ in 1\b")

    def test_torture__finds_a_confirmed_order_that_is_lost(self):
        self.check("lost", r"no acknowledged order is lost: .* [1-9]\d* missing")


if __name__ == "__main__":
    unittest.main()
