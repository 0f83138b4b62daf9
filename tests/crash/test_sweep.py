"""The sweep's own test: it finds bugs that are planted in the shop, and nothing in the shop without them.

The sweep itself is `make crash`; `make crash-quick` is the part of it that belongs to every change.
"""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from scenarios import SCENARIOS  # noqa: E402
from sweep import Sweep, Target  # noqa: E402

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
        clean.kill(target, found)
        self.assertEqual((1, 0), (clean.passed, clean.failed), said)
        return said[0]

    def test_sweep__finds_an_answer_that_came_before_its_commit(self):
        target = Target("sql-writer", "pwrite64", "orders.db-wal", 0)
        self.assertIn("acknowledged: 201", self.check_found("early-answer", target))

    def test_sweep__finds_an_answer_whose_key_was_not_recorded(self):
        self.check_found("lost-key", Target("sql-writer", "fdatasync", "orders.db-wal", 0))

    def test_sweep__every_scenario_holds_where_nobody_is_killed(self):
        for name in SCENARIOS:
            with self.subTest(name):
                sweep = Sweep(name, self.fail)
                self.addCleanup(sweep.stage.close)
                self.assertTrue(sweep.targets(sweep.record()))


if __name__ == "__main__":
    unittest.main()
