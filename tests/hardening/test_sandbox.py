"""A running shop in its sandbox: what each of its tasks is refused, what the kernel says of it, what the setting does,
that its command line writes where it could not, and that tracers still work. Each call of which the sandbox is made is
tested by platform/sandbox/test_sandbox.c, whose children enter sandboxes of its own making."""
import ctypes
import errno
import json
import mmap
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from shop import BINARY, IS_SANITIZED, PATIENCE_S, PROVIDER_PORT_DISTANCE, Shop, children, eventually  # noqa: E402
from threads import names_of_lasting_threads  # noqa: E402

INSTRUMENTED = IS_SANITIZED or "build-coverage" in BINARY


def walls(pid):
    """NoNewPrivs and Seccomp of a process or a task."""
    status = pathlib.Path("/proc/%d/status" % pid).read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return fields["NoNewPrivs"], fields["Seccomp"]


LIBC = ctypes.CDLL(None, use_errno=True)
LANDLOCK_OF_PORTS = 4


def landlock():
    """The version that the kernel has; below 1: none."""
    return LIBC.syscall(444, None, 0, 1)


def has_landlock():
    return landlock() > 0


class Case(unittest.TestCase):
    def shop(self, **settings):
        shop = Shop(**settings)
        self.addCleanup(shop.close)
        return shop.start()


# As tests/preload/break_out.c has them.
ATTEMPTS = ("write data", "read outside", "write outside", "make outside", "execute", "trace", "fork",
            "connect to an allowed port", "connect to another port", "send by UDP", "listen")
COUNTERS, TRIED = struct.Struct("ii"), struct.Struct("i%di" % len(ATTEMPTS))
TRIED_MAX = 1000
LET_THROUGH = dict(zip(ATTEMPTS, (0, 0, 0, 0, errno.ENOENT, errno.ESRCH, 0, 0, 0, 0, 0)))
REFUSED = {**LET_THROUGH, "read outside": errno.EACCES, "write outside": errno.EACCES, "make outside": errno.EACCES,
           "execute": errno.EPERM, "trace": errno.EPERM, "fork": errno.EPERM, "listen": errno.EPERM,
           "connect to another port": errno.EACCES if landlock() >= LANDLOCK_OF_PORTS else 0}
REFUSED_TO_PAGES = {**REFUSED, "write data": errno.EACCES, "connect to an allowed port": errno.EPERM,
                    "connect to another port": errno.EPERM, "send by UDP": errno.EPERM}


class BreakOut(Case):
    """Tasks of the running shop try by themselves what they must not be able to."""

    def setUp(self):
        self.results = tempfile.NamedTemporaryFile(prefix="shopstream-break-out-")
        self.addCleanup(self.results.close)
        self.results.truncate(COUNTERS.size + TRIED_MAX * TRIED.size)
        self.map = mmap.mmap(self.results.fileno(), 0)
        self.addCleanup(self.map.close)
        other = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.addCleanup(other.close)
        self.provider = self.shop()
        self.ports = self.provider.port + PROVIDER_PORT_DISTANCE, other.getsockname()[1]

    def outbreak(self, sandbox):
        """A shop that takes money of a provider elsewhere, with a page rendered: nothing is being started any more."""
        shop = Shop(arguments=("--no-seed", "--services", "identity,catalog,orders,payments,shell"),
                    STRIPE_URL="http://127.0.0.1:%d" % self.ports[0], SANDBOX=sandbox)
        self.addCleanup(shop.close)
        (shop.data.parent / "outside").write_text("not the shop's")
        shop.preload("break_out", BREAK_OUT=self.results.name, BREAK_OUT_FOLDER=str(shop.data.parent),
                     BREAK_OUT_PORTS="%d %d" % self.ports)
        shop.start()
        shop.get("/", headers={"Accept": "text/html"})
        return shop

    def tried(self, process, number, names=None):
        """What came of the attempts of each task of a process (those of some names): {task: {attempt: error}}."""
        self.map[:] = bytes(len(self.map))
        sent = []
        for task, name in names_of_lasting_threads(process).items():
            if (not names or name in names) and LIBC.tgkill(process, task, number) == 0:
                sent.append(task)
        eventually(lambda: COUNTERS.unpack_from(self.map)[1] == len(sent), "the attempts of %d tasks" % len(sent))
        tried = [TRIED.unpack_from(self.map, COUNTERS.size + n * TRIED.size) for n in range(len(sent))]
        self.assertEqual(sorted(sent), sorted(task for task, *_ in tried))
        return {task: dict(zip(ATTEMPTS, errors)) for task, *errors in tried}

    def of_pages(self, shop):
        """Of what makes the processes in which pages are rendered, and of these."""
        [maker] = children(shop.process.pid)
        renderers = children(maker)
        self.assertTrue(renderers)
        tried = [self.tried(maker, signal.SIGUSR2)]
        return tried + [self.tried(renderer, signal.SIGUSR2, ("shopstream-rend", "render")) for renderer in renderers]

    def test_every_task_is_refused_what_is_no_part_of_a_shop(self):
        shop = self.outbreak("on")
        tried = self.tried(shop.process.pid, signal.SIGPROF)
        self.assertGreater(len(tried), 60)
        for errors in tried.values():
            self.assertEqual(LET_THROUGH if INSTRUMENTED else REFUSED, errors)
        self.assertEqual("confirmed", shop.buy([(shop.sku(), 1)])["status"])

    def test_where_pages_are_rendered_all_is_refused(self):
        maker, *renderers = self.of_pages(self.outbreak("on"))
        for errors in maker.values():
            self.assertEqual(LET_THROUGH if INSTRUMENTED else {**REFUSED_TO_PAGES, "fork": 0}, errors)
        for errors in (errors for tried in renderers for errors in tried.values()):
            self.assertEqual(LET_THROUGH if INSTRUMENTED else REFUSED_TO_PAGES, errors)

    def test_without_a_sandbox_the_same_attempts_get_through(self):
        """The harness' own test: it is the sandbox that refuses them."""
        shop = self.outbreak("off")
        for tried in (self.tried(shop.process.pid, signal.SIGPROF), *self.of_pages(shop)):
            for errors in tried.values():
                self.assertEqual(LET_THROUGH, errors)


class Running(Case):
    def test_every_task_has_given_up(self):
        shop = self.shop()
        tasks = names_of_lasting_threads(shop.process.pid)
        self.assertGreater(len(tasks), 60)
        expected = ("0", "0") if INSTRUMENTED else ("1", "2")
        for task in tasks:
            self.assertEqual(expected, walls(task))

    def test_off_is_off(self):
        shop = self.shop(SANDBOX="off")
        self.assertEqual(("0", "0"), walls(shop.process.pid))
        self.assertEqual(("0", "0"), walls(children(shop.process.pid)[0]))

    def test_where_pages_are_rendered_there_are_no_secrets(self):
        """What is refused there is tested by platform/sandbox/test_sandbox.c."""
        shop = self.shop(STRIPE_SECRET_KEY="sk_test_of_this_test")
        shop.get("/", headers={"Accept": "text/html"})  # once that is rendered, nothing is being started any more
        [renderer] = children(shop.process.pid)
        process = pathlib.Path("/proc/%d" % renderer)
        self.assertEqual(("0", "0") if INSTRUMENTED else ("1", "2"), walls(renderer))
        if not INSTRUMENTED:
            self.assertEqual(b"TZ=UTC\0", (process / "environ").read_bytes())
            self.assertEqual({"0", "1", "2", "3"}, set(os.listdir(process / "fd")))

    def test_what_renders_pages_ends_with_the_shop(self):
        shop = self.shop()
        for end in (shop.kill, shop.stop):
            [renderer] = children(shop.process.pid)
            os.kill(renderer, signal.SIGTERM)  # as by whoever ends the whole group: the shop may still render
            self.assertEqual([renderer], children(shop.process.pid))
            end()
            eventually(lambda: not os.path.exists("/proc/%d" % renderer), "the end of what renders")
            shop.start()

    def test_an_instrumented_build_says_so_once_and_the_shipped_one_nothing(self):
        shop = self.shop(LOG_LEVEL="info")
        self.assertEqual(0, shop.stop(), shop.log_text()[-2000:])
        said = shop.log_text().count("the sandbox is not whole")
        self.assertEqual(1 if INSTRUMENTED or not has_landlock() else 0, said)

    def test_require_refuses_to_start_where_a_wall_is_missing(self):
        shop = Shop(SANDBOX="require")
        self.addCleanup(shop.close)
        if not INSTRUMENTED and has_landlock():
            shop.start()
            self.assertEqual(("1", "2"), walls(shop.process.pid))
            return
        shop.data.parent.mkdir(exist_ok=True)
        ended = shop.spawn(stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.assertIn(b"the sandbox cannot be had", ended.communicate(timeout=PATIENCE_S)[1])
        self.assertEqual(1, ended.returncode)

    def test_what_the_setting_may_be(self):
        with tempfile.TemporaryDirectory() as folder:
            ended = subprocess.run([BINARY, "--data", folder + "/data", "--port", "0"], capture_output=True, text=True,
                                   env={"SHOPSTREAM_SANDBOX": "maybe"}, timeout=PATIENCE_S)
        self.assertEqual(1, ended.returncode)
        self.assertIn("SHOPSTREAM_SANDBOX must be on, off or require", ended.stderr)

    def test_a_shop_that_takes_money_connects_to_its_provider_alone(self):
        """Without the emulator in its own process, its connections are held to the provider's port; it is reached."""
        provider = self.shop()
        shop = self.shop(arguments=("--no-seed", "--services", "identity,catalog,orders,payments,shell"),
                         STRIPE_URL="http://127.0.0.1:%d" % (provider.port + PROVIDER_PORT_DISTANCE),
                         SANDBOX="on" if INSTRUMENTED else "require")
        self.assertEqual("confirmed", shop.buy([(shop.sku(), 1)])["status"])

    def test_a_shop_with_a_provider_elsewhere_connects_to_its_database(self):
        """By its address alone; an order on a real server is in tests/engines/postgres."""
        with socket.create_server(("127.0.0.1", 0)) as database:
            database.settimeout(PATIENCE_S)
            shop = Shop(arguments=("--no-seed", "--services", "identity,catalog,orders,payments"),
                        STRIPE_URL="http://127.0.0.1:9", SANDBOX="on" if INSTRUMENTED else "require",
                        SQL_URL="postgres://shop@127.0.0.1:%d/shop" % database.getsockname()[1])
            self.addCleanup(shop.close)
            shop.data.parent.mkdir(exist_ok=True)
            process = shop.spawn(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            database.accept()[0].close()

    def test_the_metrics_still_know_the_process(self):
        shop = self.shop()
        for _ in range(3):
            text = shop.get("/metrics").body.decode()
            for name in ("process_resident_memory_bytes", "process_open_fds"):
                self.assertGreater(float(re.search(r"^%s (\S+)" % name, text, re.M).group(1)), 10, name)

    def command(self, shop, *arguments):
        ended = subprocess.run([BINARY, *arguments, "--data", str(shop.data)], capture_output=True, text=True,
                               env=shop.environment(), timeout=PATIENCE_S)
        self.assertEqual(0, ended.returncode, ended.stderr)

    def test_the_command_line_writes_outside_of_the_data_folder(self):
        shop = self.shop()
        with tempfile.TemporaryDirectory() as folder:
            self.command(shop, "backup", folder + "/copy")
            manifest = json.loads(pathlib.Path(folder, "copy", "manifest.json").read_text())
            self.assertIn("orders.db", [file["name"] for file in manifest["files"]])
            self.command(shop, "dump", folder + "/dump")
            self.assertIn('"end":true', pathlib.Path(folder, "dump").read_text().splitlines()[-1])
            self.command(shop, "export", folder + "/export.csv")
            self.assertTrue(pathlib.Path(folder, "export.csv").stat().st_size)

    def test_a_tracer_that_came_first_lets_calls_fail(self):
        """As tests of crashes do. A call that strace lets fail becomes number -1, which the filter must let be."""
        shop = Shop()
        shop.data.parent.mkdir(exist_ok=True)
        trace = shop.data.parent / "trace"
        # glibc does without robust futexes: so each new thread may fail to ask for them.
        strace = ["strace", "-f", "-qq", "-o", str(trace), "-e", "trace=set_robust_list",
                  "-e", "inject=set_robust_list:error=EINVAL", BINARY]
        environment = shop.environment()
        if IS_SANITIZED:  # the search for leaks wants to be the tracer itself
            environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        with open(shop.data.parent / "log", "ab") as log:
            shop.process = subprocess.Popen([*strace, "--port", str(shop.port), "--data", str(shop.data), "--no-seed"],
                                            env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(shutil.rmtree, shop.folder, ignore_errors=True)
        self.addCleanup(shop.process.wait)
        self.addCleanup(lambda: shop.process.poll() is None and os.kill(self.traced(shop), signal.SIGKILL))
        eventually(shop.is_open, "the traced shop's start", 3 * PATIENCE_S)
        if not INSTRUMENTED:
            self.assertEqual(("1", "2"), walls(self.traced(shop)))
        self.assertGreater(len(re.findall(r"= -1 EINVAL .* \(INJECTED\)", trace.read_text())), 60)
        shop.client.close()
        os.kill(self.traced(shop), signal.SIGTERM)
        self.assertEqual(0, shop.process.wait(PATIENCE_S))

    @staticmethod
    def traced(shop):
        """The shop's own process, by its lock: the one that was started is strace."""
        return int((shop.data / "lock").read_text())


if __name__ == "__main__":
    unittest.main()
