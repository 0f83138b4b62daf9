"""What stands on the sql port, on a real Postgres: the adapter's own faults, and the ports' conformance."""
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from postgres import Cluster  # noqa: E402

BUILD = pathlib.Path(os.environ["SHOPSTREAM_BUILD"])
PATIENCE_S = 240


class PostgresTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster())
        cls.enterClassContext(cls.cluster.supervised())

    def run_program(self, name):
        done = subprocess.run([BUILD / name], env=self.cluster.environment(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=PATIENCE_S, check=False)
        self.assertEqual(0, done.returncode, done.stdout.decode(errors="replace"))

    def test_adapter(self):
        self.run_program("test_sql_postgres")

    def test_sql(self):
        self.run_program("test_sql_conformance")

    def test_sql_behind_faults(self):
        self.run_program("test_sql_faulty")

    def test_moving(self):
        self.run_program("test_sql_moving")

    def test_kv(self):
        self.run_program("test_kv_conformance")

    def test_queue(self):
        self.run_program("test_queue_conformance")

    def test_stream(self):
        self.run_program("test_stream_conformance")

    def test_events(self):
        self.run_program("test_events_conformance")

    def test_workflow(self):
        self.run_program("test_workflow_conformance")

    def test_workflow_purge(self):
        self.run_program("test_workflow_purge")
