"""A folder of an earlier version: what its rows become, by the real binary."""
import contextlib
import pathlib
import re
import sqlite3
import unittest

from test_cli import Case

IDENTITY = pathlib.Path(__file__).resolve().parents[2] / "services" / "identity" / "migrations"


class Upgrade(Case):
    def test_blocks_of_a_users_older_tokens_become_those_of_their_sessions(self):
        """Who lost a role a moment before keeps no token that names it, and signs in again; all others stay."""
        self.good("migrate", "--data", self.data)
        first = (IDENTITY / "0001_identity.sql").read_text()
        earlier = re.search(r"(?s)CREATE TABLE token_block .*?;\nCREATE INDEX token_block_by_end.*?;", first).group(0)
        session = ("INSERT INTO session (tenant, id, user_id, created_at_ms, last_used_at_ms, expires_at_ms, address,"
                   " user_agent, tokens_until_ms) VALUES ('default', ?, ?, 0, 0, 0, '', '', ?)")
        with contextlib.closing(sqlite3.connect(pathlib.Path(self.data) / "identity.db")) as database:
            database.executescript("DROP TABLE token_block;" + earlier)
            database.execute("DELETE FROM shopstream_migrations WHERE list = 'identity' AND number >= 6")
            for user in ("ann", "bob"):
                database.execute("INSERT INTO account (tenant, id, email, name, credential, roles, email_verified,"
                                 " version, created_at_ms) VALUES ('default', ?, ?, '', '', 1, 1, 1, 0)", (user, user))
            database.executemany(session, [("desk", "ann", 100), ("phone", "ann", 900), ("other", "bob", 100)])
            database.executemany("INSERT INTO token_block VALUES (?, ?, ?, ?)",
                                 [("user", "ann", 50, 500), ("session", "gone", 2**63 - 1, 300)])
            database.commit()
        self.good("migrate", "--data", self.data)
        with contextlib.closing(sqlite3.connect(pathlib.Path(self.data) / "identity.db")) as database:
            self.assertEqual({"gone": 300, "desk": 500, "phone": 900},
                             dict(database.execute("SELECT session_id, until_ms FROM token_block")))
            self.assertEqual([("other",)], database.execute("SELECT id FROM session").fetchall())


if __name__ == "__main__":
    unittest.main()
