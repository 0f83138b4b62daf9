"""Postgres understands every statement of the services and of the ports on sql, in a shop's schemas."""
import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from postgres import DATABASE, PROGRAMS, Cluster  # noqa: E402
from shop import ROOT, Shop  # noqa: E402

STATEMENT = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name:|\Z)", re.M | re.S)
SQLITES = {"platform/ports/sql/sqlite.sql"}
MARK = "== "  # before what is said of each
MINIMUM = 300  # far fewer mean that they were not found


def statements():
    for folder in ("platform", "services"):
        for path in sorted((ROOT / folder).rglob("*.sql")):
            relative = str(path.relative_to(ROOT))
            is_other = relative in SQLITES or path.name.startswith("test_")
            if path.parent.name != "migrations" and not is_other:
                for name, text in STATEMENT.findall(path.read_text()):
                    service = relative.split("/")[1] if folder == "services" else "orders"
                    bare = re.sub(r"^--.*\n", "", text, flags=re.M).strip().rstrip(";")
                    yield service, "%s: %s" % (relative, name), bare


def types_of(text):
    """A parameter that a statement leaves out is a text, as the adapter says."""
    used = {int(number) for number in re.findall(r"\$(\d+)", text)}
    types = ["unknown" if number in used else "text" for number in range(1, max(used, default=0) + 1)]
    return "(%s)" % ", ".join(types) if types else ""


class StatementsTest(unittest.TestCase):
    def test_each_is_understood(self):
        cluster = self.enterClassContext(Cluster())
        shop = Shop(SQL_URL=cluster.url(database=DATABASE))
        self.addCleanup(shop.close)
        shop.start()
        schemas = ", ".join(cluster.query("SELECT nspname FROM pg_namespace"
                                          " WHERE nspname !~ '^(pg_|information_schema)'"))
        checked = list(statements())
        script = "".join("\\warn %s%s\nSET search_path = %s, %s;\nPREPARE s%d %s AS %s;\n" % (
            MARK, name, service, schemas, number, types_of(text), text)
            for number, (service, name, text) in enumerate(checked)
            # What is no query, as CREATE TABLE, cannot be prepared by name, but is by the protocol.
            if text.split()[0] not in ("CREATE", "SET"))
        done = subprocess.run([PROGRAMS / "psql", "-X", "-q", cluster.url()], text=True, input=script,
                              capture_output=True, check=True, env=dict(os.environ, PGOPTIONS=""))
        answers = done.stderr.split(MARK)[1:]
        self.assertGreater(len(answers), MINIMUM)
        for answer in answers:
            name, _, errors = answer.partition("\n")
            with self.subTest(name):
                self.assertEqual("", errors)
