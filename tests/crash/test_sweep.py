"""The sweep's own test: it finds bugs that are planted in the shop, and nothing in the shop without them.

The sweep itself is `make crash`; `make crash-quick` is the part of it that belongs to every change.
"""
import collections
import itertools
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from scenarios import SCENARIOS, Upgrade, schema_of  # noqa: E402
from sweep import TRIES_LATER_MAX, TRIES_MAX, Sweep, Target  # noqa: E402

KILLS_MAX = 6


class SweepTest(unittest.TestCase):
    def new_sweep(self, say, planted=None):
        sweep = Sweep("checkout", say, planted)
        self.addCleanup(sweep.stage.close)
        return sweep

    def check_found(self, planted, target):
        """What is said of the bug, which is found within KILLS_MAX kills; the same kill finds nothing without it."""
        said = []
        sweep = self.new_sweep(said.append, planted)
        kills = range(1, KILLS_MAX + 1)
        found = next((number for number in kills if sweep.kill(target, number) and sweep.failed), None)
        self.assertIsNotNone(found, "%s was not found by %d kills" % (planted, KILLS_MAX))
        self.assertIn("VIOLATION --only checkout/%s/%d" % (target, found), said[0])
        clean = self.new_sweep(said.append)
        self.assertTrue(any(clean.kill(target, found) for _ in range(TRIES_MAX)), "the kill was not met")
        self.assertEqual((1, 0), (clean.passed, clean.failed), said)
        return said[0]

    def test_sweep__finds_an_answer_that_came_before_its_commit(self):
        target = Target("sql-writer", "pwrite64", "orders.db-wal", 0)
        self.assertIn("acknowledged: 201", self.check_found("early-answer", target))

    def test_sweep__finds_an_answer_whose_key_was_not_recorded(self):
        self.check_found("lost-key", Target("sql-writer", "fdatasync", "orders.db-wal", 0))

    def swept(self, lives):
        """A sweep of a target whose kills each meet the scenario or not, in one life after the other."""
        said = []
        sweep = Sweep.__new__(Sweep)
        sweep.name, sweep.say, sweep.error = "made up", said.append, None
        sweep.passed = sweep.failed = sweep.aimed = sweep.unmet = 0
        sweep.missed = []
        sweep.life = lambda target, number: number <= len(lives) and next(lives[number - 1])
        target = Target("thread", "call", "file", len(lives))
        sweep.record = lambda: collections.namedtuple("Recording", "shared")({})
        sweep.targets = lambda recording: [target] if lives else []
        sweep.run(len(lives) or None)
        return sweep, said

    def test_sweep__a_kill_that_was_not_met_is_tried_again(self):
        """At once, and when all others are done; a life that it did not meet is not passed."""
        at_once = itertools.chain([False] * (TRIES_MAX - 1), [True])
        later = itertools.chain([False] * (TRIES_MAX + TRIES_LATER_MAX - 1), [True])
        sweep, said = self.swept([itertools.repeat(True), at_once, later])
        self.assertEqual((3, 0, []), (sweep.passed, sweep.failed, sweep.missed), said)
        beyond = 1  # the call after the recording's last, which says that this was the last
        self.assertEqual(2 * TRIES_MAX + TRIES_LATER_MAX - 2 + beyond, sweep.unmet)

    def test_sweep__fails_for_each_kill_that_was_never_met(self):
        """Whatever the others are, and names it."""
        sweep, said = self.swept([itertools.repeat(number != 10) for number in range(1, 11)])
        self.assertEqual((9, 1), (sweep.passed, sweep.failed), said)
        self.assertIn("NOT MET --only made up/thread/call/file/10 of 10", said)
        sweep, said = self.swept([])
        self.assertEqual(1, sweep.failed, "nothing was aimed at")

    def upgrade_of(self, folder, statements):
        """The upgrade by one more migration than there is, and its payments.db with a payment in it."""
        extra = folder / ("%04d_more.sql" % (Upgrade.number + 1))
        extra.write_text(statements)

        class More(Upgrade):
            migrations = [*Upgrade.migrations, extra]
            number = Upgrade.number + 1
        scenario = More()
        with scenario.database(folder) as database:
            database.execute("CREATE TABLE shopstream_migrations (list text, number bigint)")
            for migration in More.migrations:
                database.executescript(migration.read_text())
            database.execute("INSERT INTO shopstream_migrations VALUES ('payments', ?)", (More.number,))
            database.execute("INSERT INTO reconciliation_marks (name, value) VALUES ('kept', 7)")
            database.commit()
        return scenario

    def test_sweep__an_upgrade_is_taken_back_whatever_it_did(self):
        for statements in ("CREATE TABLE notes (id text PRIMARY KEY, note text); INSERT INTO notes VALUES ('a', 'b');",
                           "ALTER TABLE reconciliation_marks ADD COLUMN note text;",
                           "DROP TABLE reconciliation_cursors;"):
            with self.subTest(statements), tempfile.TemporaryDirectory(prefix="shopstream-crash-") as name:
                scenario = self.upgrade_of(pathlib.Path(name), statements)
                scenario.alter(pathlib.Path(name))
                with scenario.database(pathlib.Path(name)) as database:
                    _, before = scenario.tables(scenario.migrations[:-1])
                    found = {name: text for name, text in schema_of(database).items()
                             if name != "shopstream_migrations"}
                    self.assertEqual(before, found)
                    kept = database.execute("SELECT * FROM reconciliation_marks").fetchall()
                    self.assertEqual([("kept", 7)], kept)
                    database.executescript(scenario.migrations[-1].read_text())

    def test_sweep__every_scenario_holds_where_nobody_is_killed(self):
        for name in SCENARIOS:
            with self.subTest(name):
                sweep = Sweep(name, self.fail)
                self.addCleanup(sweep.stage.close)
                self.assertTrue(sweep.targets(sweep.record()))


if __name__ == "__main__":
    unittest.main()
