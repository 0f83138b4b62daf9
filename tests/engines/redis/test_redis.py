"""The cache and the stream port on a real Redis: their conformance, and the adapters' own faults."""
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from redis import DURABLE, FORGETFUL, Server  # noqa: E402

BUILD = pathlib.Path(os.environ["SHOPSTREAM_BUILD"])
PATIENCE_S = 240


class OnServer:
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server(**cls.settings))
        cls.enterClassContext(cls.server.supervised())

    def run_program(self, name):
        done = subprocess.run([BUILD / name], env=self.server.environment(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=PATIENCE_S, check=False)
        self.assertEqual(0, done.returncode, done.stdout.decode(errors="replace"))


class Cache(OnServer, unittest.TestCase):
    """On a server that forgets everything when it ends."""
    settings = FORGETFUL

    def test_cache(self):
        self.run_program("test_cache_conformance")

    def test_adapter(self):
        self.run_program("test_cache_redis")


class Stream(OnServer, unittest.TestCase):
    settings = DURABLE

    def test_stream(self):
        self.run_program("test_stream_conformance")

    def test_adapter(self):
        self.run_program("test_stream_redis")


if __name__ == "__main__":
    unittest.main()
