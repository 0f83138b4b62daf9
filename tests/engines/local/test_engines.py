"""infra/local: the engines start, answer, come back and stop, and engines.sh touches nothing but its own."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))

from engines import COMMAND, Engines  # noqa: E402
from shop import eventually  # noqa: E402

ENGINES = ("postgres", "redis", "streams", "kafka", "connect")
MEMORY_MB_MAX = 1536
DEAD_PROCESS = 2 ** 22 - 1  # past the last id that Linux gives
NOBODY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
          # The tree may lie where only root comes to.
          "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]


def processes():
    """Of each process its parent and state."""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, parent = text.rpartition(")")[2].split()[:2]
        found[int(path.parent.name)] = (int(parent), state)
    return found


def is_alive(pid):
    return processes().get(pid, (0, "Z"))[1] != "Z"


def resident_mb(pid):
    """Of a process and all below it, pages that they share counted for each: more than it really is."""
    table = processes()
    below = {pid}
    for _ in range(3):
        below |= {child for child, (parent, _) in table.items() if parent in below}
    pages = sum(int(pathlib.Path("/proc/%d/statm" % each).read_text().split()[1]) for each in below)
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


class OneSet(unittest.TestCase):
    """All engines, started once. Each test leaves all of them running."""

    @classmethod
    def setUpClass(cls):
        cls.engines = Engines()
        cls.addClassCleanup(cls.engines.close)
        cls.engines.must_run("start")

    def pids(self):
        return {engine: self.engines.pid(engine) for engine in ENGINES}

    def test_each_answers(self):
        version, encoding, collation = self.engines.sql(
            "SELECT current_setting('server_version_num')::int / 10000, pg_encoding_to_char(encoding), datcollate"
            " FROM pg_database WHERE datname = current_database()")[0]
        self.assertEqual(("15", "UTF8", "C"), (version, encoding, collation))
        self.assertRegex(self.engines.redis("INFO", "server"), r"redis_version:7\.")
        broker = subprocess.run(["kcat", "-b", self.engines.url("kafka"), "-L"], check=True, capture_output=True,
                                text=True)
        self.assertIn("1 brokers", broker.stdout)
        with urllib.request.urlopen(self.engines.url("connect") + "/connector-plugins") as answer:
            self.assertIn(b"io.debezium.connector.postgresql.PostgresConnector", answer.read())

    def test_postgres_wants_its_password(self):
        url = self.engines.url("postgres").partition("?")[0]
        ended = subprocess.run(["psql", "--no-password", url], env=dict(os.environ, PGPASSFILE="/dev/null"),
                               input="SELECT 1", capture_output=True, text=True)
        self.assertNotEqual(0, ended.returncode)
        secrets = self.engines.state / "secrets"
        self.assertEqual(0, secrets.stat().st_mode & 0o077)
        password = (secrets / "postgres").read_text()
        self.assertGreaterEqual(len(password), 32)
        for log in self.engines.state.glob("*/log*"):
            self.assertNotIn(password, log.read_text(errors="replace"), log)

    def test_all_listen_on_loopback_alone(self):
        listening = re.findall(r"^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F:]+ 0A ", "".join(
            pathlib.Path("/proc/net", name).read_text() for name in ("tcp", "tcp6")), re.M)
        for name, port in self.engines.ports.items():
            # In hexadecimal, the bytes of each word backwards; Java's are IPv4 addresses as IPv6.
            addresses = {address for address, each in listening if int(each, 16) == port}
            self.assertTrue(addresses, name)
            self.assertLessEqual(addresses, {"0100007F", "0000000000000000FFFF00000100007F"}, name)

    def test_status_says_what_runs(self):
        lines = self.engines.must_run("status").splitlines()
        self.assertEqual(len(ENGINES), len(lines), lines)
        for engine, line in zip(ENGINES, lines):
            self.assertRegex(line, r"^%s +ready +\S+, process %d, \d+ MB, log: " % (engine, self.engines.pid(engine)))

    def test_starting_again_changes_nothing(self):
        before = self.pids()
        output = self.engines.must_run("start")
        self.assertEqual(before, self.pids())
        self.assertEqual(len(ENGINES), output.count("runs already"), output)

    def test_memory_is_bounded(self):
        used = {engine: resident_mb(pid) for engine, pid in self.pids().items()}
        print("resident, MB: " + ", ".join("%s %.0f" % each for each in used.items()), file=sys.stderr)
        self.assertLess(sum(used.values()), MEMORY_MB_MAX, used)

    def test_killed_engine_comes_back_with_its_data(self):
        self.engines.sql("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('postgres')")
        self.engines.redis("SET", "kept", "redis")
        for engine in ENGINES:
            with self.subTest(engine):
                before = self.pids()
                os.kill(before[engine], signal.SIGKILL)
                eventually(lambda pid=before[engine]: not is_alive(pid))
                self.assertRegex(self.engines.run("status", engine).stdout, r"^%s +died " % engine)
                self.engines.must_run("start")
                after = self.pids()
                self.assertNotEqual(before.pop(engine), after.pop(engine))
                self.assertEqual(before, after, "only the killed one is started")
        self.assertEqual([["postgres"]], self.engines.sql("SELECT word FROM kept"))
        self.assertEqual("redis", self.engines.redis("GET", "kept"))

    def test_one_is_stopped_and_the_others_stay(self):
        before = self.pids()
        self.assertEqual("redis     stopped\n", self.engines.must_run("stop", "redis"))
        self.addCleanup(self.engines.must_run, "start", "redis")
        self.assertEqual({engine: engine != "redis" for engine in ENGINES},
                         {engine: is_alive(pid) for engine, pid in before.items()})
        status = self.engines.run("status")
        self.assertEqual(1, status.returncode)
        self.assertRegex(status.stdout, r"(?m)^redis +stopped$")
        self.assertEqual("redis     does not run\n", self.engines.must_run("stop", "redis"))


class Redis(unittest.TestCase):
    """What is the same for every engine, shown on the one that starts in no time."""

    def setUp(self):
        self.engines = Engines()
        self.addCleanup(self.engines.close)

    def test_taken_port_is_told(self):
        with socket.create_server(("127.0.0.1", self.engines.ports["REDIS"])):
            ended = self.engines.run("start", "redis")
            self.assertEqual(1, ended.returncode)
            self.assertIn("redis     port %d is taken" % self.engines.ports["REDIS"], ended.stdout)
        self.assertFalse((self.engines.state / "redis" / "process").exists())

    def test_only_its_own_process_is_ended(self):
        """A process that has the id of one of ours by chance: from another instant, or another start of the machine."""
        self.engines.must_run("start", "redis")
        record = self.engines.state / "redis" / "process"
        pid, tick, boot = record.read_text().split()
        for other in ("%s %d %s" % (pid, int(tick) + 1, boot), "%s %s %s" % (pid, tick, "0" * 8 + boot[8:]),
                      "%d %s %s" % (DEAD_PROCESS, tick, boot)):
            with self.subTest(other):
                record.write_text(other + "\n")
                self.assertEqual("redis     does not run\n", self.engines.must_run("stop", "redis"))
                self.assertTrue(is_alive(int(pid)))
        record.write_text("%s %s %s\n" % (pid, tick, boot))

    def test_sets_do_not_know_of_each_other(self):
        other = Engines()
        self.addCleanup(other.close)
        for each in (self.engines, other):
            each.must_run("start", "redis")
        self.engines.redis("SET", "mine", "1")
        self.assertEqual("", other.redis("GET", "mine"))
        self.engines.must_run("stop")
        self.assertEqual("PONG", other.redis("PING"))

    def test_two_starts_at_once_are_one(self):
        starts = [subprocess.Popen([COMMAND, "start", "redis"], env=self.engines.environment, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)]
        outputs = sorted(start.communicate(timeout=60)[0] for start in starts)
        self.assertEqual([0, 0], [start.returncode for start in starts], outputs)
        self.assertRegex(outputs[0], r"runs already \(%d\)" % self.engines.pid("redis"))
        self.assertRegex(outputs[1], r"started \(%d\)" % self.engines.pid("redis"))

    def test_what_does_not_get_ready_is_told(self):
        self.engines.must_run("start", "redis")
        os.kill(self.engines.pid("redis"), signal.SIGSTOP)
        self.addCleanup(os.kill, self.engines.pid("redis"), signal.SIGCONT)
        ended = self.engines.run("start", "redis", ENGINES_READY_LIMIT_S="1")
        self.assertEqual(1, ended.returncode)
        self.assertIn("still not ready after 1 s", ended.stdout)
        self.assertIn("Ready to accept connections", ended.stdout, "the end of its log")

    def test_engine_that_cannot_start_says_why(self):
        data = self.engines.state / "redis" / "data"
        data.mkdir(parents=True)
        (data / "appendonlydir").write_text("no folder")
        ended = self.engines.run("start", "redis")
        self.assertEqual(1, ended.returncode)
        self.assertIn("redis     ended while it started; its log, ", ended.stdout)
        self.assertIn("appendonlydir", ended.stdout)

    def test_engine_that_cannot_be_prepared_says_why(self):
        (self.engines.state / "redis").mkdir(parents=True)
        (self.engines.state / "redis" / "data").write_text("no folder")
        ended = self.engines.run("start", "redis")
        self.assertEqual(1, ended.returncode)
        self.assertIn("redis     could not be prepared; its log, ", ended.stdout)
        self.assertIn("File exists", ended.stdout)

    def test_unknown_words_are_refused(self):
        self.assertEqual(2, self.engines.run("start", "oracle").returncode)
        self.assertEqual(2, self.engines.run("begin").returncode)


class Users(unittest.TestCase):
    @unittest.skipUnless(os.geteuid() == 0, "who is not root shows it by all the other tests")
    def test_ordinary_user_runs_postgres(self):
        engines = Engines(prefix=NOBODY)
        self.addCleanup(engines.close)
        os.chown(engines.folder, 65534, 65534)
        engines.must_run("start", "postgres", "redis")
        self.assertEqual([["1"]], engines.sql("SELECT 1"))
        for engine in ("postgres", "redis"):
            self.assertEqual(65534, os.stat("/proc/%d" % engines.pid(engine)).st_uid)


if __name__ == "__main__":
    unittest.main()
