"""The sweep's own test: it finds bugs that are planted in the shop, and nothing in the shop without them.

The sweep itself is `make crash`; `make crash-quick` is the part of it that belongs to every change.
"""
import contextlib
import itertools
import pathlib
import sqlite3
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from scenarios import SCENARIOS, Upgrade, number_of, schema_of, tables, take_back  # noqa: E402
from strace import Recording, Target, calls_of, read_trace  # noqa: E402
from sweep import TRIES_LATER_MAX, TRIES_MAX, Sweep  # noqa: E402

KILLS_MAX = 6


class SweepTest(unittest.TestCase):
    def new_sweep(self, say, planted=None):
        sweep = Sweep("checkout", say, planted)
        self.addCleanup(sweep.stage.close)
        return sweep

    def check_found(self, planted, target, words):
        """The bug is found, and said with these words, within KILLS_MAX kills; that kill finds nothing without it."""
        said = []
        sweep = self.new_sweep(said.append, planted)
        kills = range(1, KILLS_MAX + 1)
        found = next((number for number in kills if sweep.kill(target, number) and said and words in said[-1]), None)
        self.assertIsNotNone(found, "%s was not found by %d kills: %s" % (planted, KILLS_MAX, said))
        self.assertIn("VIOLATION --only checkout/%s/%d\n" % (target, found), said[-1])
        clean = self.new_sweep(said.append)
        self.assertTrue(clean.meet(target, found, range(1, found + 1), TRIES_MAX), "the kill was not met")
        self.assertEqual((1, 0), (clean.passed, clean.failed), said)

    def test_sweep__finds_an_answer_that_came_before_its_commit(self):
        """A kill between the two. On a busy machine the answer may be late even so: that order is lost as well, but
        all that tells it are the units that were reserved for it."""
        self.check_found("early-answer", Target("sql:orders", "pwrite64", "orders.db-wal"), "acknowledged: 201")

    def test_sweep__finds_an_answer_whose_key_was_not_recorded(self):
        self.check_found("lost-key", Target("sql:orders", "fdatasync", "orders.db-wal"), "acknowledged: 201")

    def swept(self, lives, hit=int):
        """A sweep of a target whose kills each meet the scenario or not, in one life after the other."""
        said = []
        sweep = Sweep.__new__(Sweep)
        sweep.name, sweep.say, sweep.error = "made up", said.append, None
        sweep.passed = sweep.failed = sweep.aimed = sweep.unmet = 0
        sweep.missed, sweep.met = [], set()
        def life(target, whens, attempt):
            return hit(whens[0]) if whens[0] <= len(lives) and next(lives[whens[0] - 1]) else None
        sweep.life = life
        sweep.record = lambda: None
        sweep.targets = lambda recording: {Target("thread", "call", "file"): range(1, len(lives) + 1)} if lives else {}
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
        self.assertIn("NOT MET --only made up/thread/call/file/10", said)
        sweep, said = self.swept([])
        self.assertEqual(1, sweep.failed, "nothing was aimed at")

    def recorded(self, *lines):
        with tempfile.NamedTemporaryFile("w", suffix=".trace") as trace:
            trace.write("".join(line + "\n" for line in lines))
            trace.flush()
            return read_trace(trace.name, "/shop")

    def test_sweep__numbers_the_calls_of_threads_of_one_name_over_all_of_them(self):
        """What threads of other names do to that file is apart, and what they do to no file counts for strace alone."""
        calls = self.recorded('11<sql:orders>  fdatasync(3</shop>) = 0',
                              '12<http-loop>  write(5<anon_inode:[eventfd]>, "", 8) = 8',
                              '12<http-loop>  write(6<socket:[1]>, "", 9 <unfinished ...>',
                              '13<sql:catalog>  fdatasync(4</shop>) = 0',
                              '12<http-loop>  <... write resumed>) = 9',
                              '14<http-loop>  write(7<socket:[2]>, "", 9) = 9',
                              '12<http-loop>  write(6<socket:[1]>, "", 9) = 9')
        self.assertEqual({Target("sql:orders", "fdatasync", "."): [1], Target("sql:catalog", "fdatasync", "."): [1],
                          Target("http-loop", "write", "socket"): [2, 1, 3]}, Recording(calls).whens)
        self.assertEqual(3, len(calls_of(Target("http-loop", "write", "socket"), calls)))

    def test_sweep__counts_a_kill_for_the_call_that_it_hit_and_once(self):
        """Aimed at another or not: the third call is never hit, however often the second is."""
        sweep, said = self.swept([itertools.repeat(True)] * 3)
        self.assertEqual((3, 0), (sweep.passed, sweep.failed), said)
        sweep, said = self.swept([itertools.repeat(True)] * 3, lambda hit: min(hit, 2))
        self.assertEqual((2, 1), (sweep.passed, sweep.failed), said)
        self.assertIn("NOT MET --only made up/thread/call/file/3", said)

    def database_of(self, folder, migrations):
        """A payments.db that these made, with a mark in it."""
        database = sqlite3.connect(folder / "payments.db")
        database.execute("CREATE TABLE shopstream_migrations (list text, number bigint)")
        for migration in migrations:
            database.executescript(migration.read_text())
        database.execute("INSERT INTO shopstream_migrations VALUES ('payments', ?)", (number_of(migrations[-1]),))
        database.execute("INSERT INTO reconciliation_marks (name, value) VALUES ('kept', 7)")
        database.commit()
        return contextlib.closing(database)

    def test_sweep__an_upgrade_is_taken_back_whatever_it_did(self):
        before = Upgrade.migrations["payments"]
        for statements in ("CREATE TABLE notes (id text PRIMARY KEY, note text); INSERT INTO notes VALUES ('a', 'b');",
                           "ALTER TABLE reconciliation_marks ADD COLUMN note text;",
                           "DROP TABLE reconciliation_cursors;"):
            with self.subTest(statements), tempfile.TemporaryDirectory(prefix="shopstream-crash-") as name:
                extra = pathlib.Path(name, "%04d_more.sql" % (number_of(before[-1]) + 1))
                extra.write_text(statements)
                with self.database_of(pathlib.Path(name), [*before, extra]) as database:
                    self.assertEqual(1, take_back(database, "payments", [*before, extra]))
                    found = {name: text for name, text in schema_of(database).items()
                             if name != "shopstream_migrations"}
                    self.assertEqual(tables(before)[1], found)
                    kept = database.execute("SELECT * FROM reconciliation_marks").fetchall()
                    self.assertEqual([("kept", 7)], kept)
                    database.executescript(extra.read_text())

    def test_sweep__every_scenario_holds_where_nobody_is_killed(self):
        for name in SCENARIOS:
            with self.subTest(name):
                sweep = Sweep(name, self.fail)
                self.addCleanup(sweep.stage.close)
                self.assertTrue(sweep.targets(sweep.record()))


if __name__ == "__main__":
    unittest.main()
