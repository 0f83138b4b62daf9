"""The sweep's own test: it finds bugs that are planted in the shop, and nothing in the shop without them.

The sweep itself is `make crash`; `make crash-quick` is the part of it that belongs to every change.
"""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from scenarios import SCENARIOS, Upgrade, schema_of  # noqa: E402
from sweep import TRIES_MAX, Sweep, Target  # noqa: E402

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

    def swept(self, met, is_whole):
        """A sweep whose kills, one after the other, meet the scenario or not."""
        said = []
        sweep = Sweep.__new__(Sweep)
        sweep.name, sweep.say, sweep.error = "made up", said.append, None
        sweep.passed = sweep.failed = sweep.aimed = sweep.missed = sweep.unmet = 0
        sweep.life = lambda target, number: met[number - 1]
        sweep.sweep_target(Target("thread", "call", "file", len(met)), range(1, len(met) + 1), False)
        sweep.judge_met(is_whole)
        return sweep, said

    def test_sweep__a_kill_that_was_not_met_is_not_passed(self):
        sweep, _ = self.swept([True] * 9 + [False], True)
        self.assertEqual((9, 0, 1, TRIES_MAX), (sweep.passed, sweep.failed, sweep.missed, sweep.unmet))

    def test_sweep__fails_when_too_few_kills_were_met(self):
        for met, is_whole, failed in ((8, True, 1), (8, False, 0), (7, False, 1), (0, False, 1)):
            with self.subTest(met=met, whole=is_whole):
                sweep, said = self.swept([True] * met + [False] * (10 - met), is_whole)
                self.assertEqual((met, failed), (sweep.passed, sweep.failed), said)
        sweep, said = self.swept([], False)
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
