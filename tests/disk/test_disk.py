"""A disk that is full, and one that fails: the real binary, with the kernel's own ENOSPC where this user may mount a
tmpfs, and with errors that strace puts in place of writes and syncs.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "support"))
sys.path.insert(0, str(TESTS / "crash"))

from case import ShopCase  # noqa: E402
from shop import Shop, eventually, new_key, unbalanced  # noqa: E402
from strace import Attached  # noqa: E402
from sweep import Sweep, Target, recovered  # noqa: E402
from threads import names_of_threads  # noqa: E402

DISK_BYTES = 160 << 20  # what three rounds of orders and their logs take is a third of it at most
BLOCK_BYTES = 16 << 10
SHORT_S = 3  # the limit that a planted recovery is held to
ROUNDS = 3
BUYERS = 3
REFUSED_MIN = 3
UNITS = 100000
CALLS = 7  # at which the disk fails, of each scenario


class Tmpfs:
    """A small disk of its own, filled by a file beside the shop's."""
    name = "a tmpfs"

    def __init__(self, folder):
        self.folder = folder
        self.filler = folder / "filler"
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % DISK_BYTES, "tmpfs", str(folder)], check=True,
                       capture_output=True)

    def fill(self, shop):
        """To the last byte, and again when the shop has given room back (a log that is cut)."""
        with open(self.filler, "ab", buffering=0) as file:
            for size in (BLOCK_BYTES, 1):
                try:
                    while file.write(b"\0" * size):
                        pass
                except OSError:
                    pass

    def free(self):
        self.filler.unlink(missing_ok=True)

    def close(self):
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


class Injected:
    """Where mounting is refused: strace answers the shop's writes with ENOSPC."""
    name = "strace"

    def __init__(self, folder):
        self.attached = None

    def fill(self, shop):
        if not self.attached:
            tids = [tid for tid, name in names_of_threads(shop.process.pid).items()
                    if name.startswith("sql:") or name == "queue"]
            self.attached = Attached(tids, ["-o", "/dev/null", "-e", "trace=pwrite64,write",
                                            "-e", "inject=pwrite64,write:error=ENOSPC"])

    def free(self):
        if self.attached:
            self.attached.leave()
        self.attached = None

    def close(self):
        self.free()


def new_disk(folder):
    """Says which it is, as the two do not prove the same."""
    try:
        disk = Tmpfs(folder)
    except (OSError, subprocess.CalledProcessError):
        disk = Injected(folder)
    print("the full disk is %s" % disk.name, file=sys.stderr)
    return disk


class FullDiskTest(ShopCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="shopstream-disk-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.disk = new_disk(cls.folder)
        cls.addClassCleanup(cls.disk.close)
        cls.shop = Shop(data=cls.folder, LOG_LEVEL="none", RECONCILE_AGE_MS=500)
        cls.addClassCleanup(cls.shop.close)
        cls.shop.start()
        cls.sku = cls.shop.sku(UNITS)
        cls.shop.staff("admin")

    def setUp(self):
        self.addCleanup(self.disk.free)
        self.answers = []  # (key, answer) of every order that was asked for

    def buy(self):
        """The status of the answer."""
        key = new_key()
        self.answers.append((key, self.shop.place([(self.sku, 1)], key=key)))
        return self.answers[-1][1].status

    def buy_until(self, stop):
        while not stop.is_set():
            self.buy()

    def run_out_of_room(self):
        """Buyers place orders while the disk fills up, until several were refused."""
        stop = threading.Event()
        first = len(self.answers)
        buyers = [threading.Thread(target=self.buy_until, args=(stop,)) for _ in range(BUYERS)]
        for buyer in buyers:
            buyer.start()

        def refused():
            self.disk.fill(self.shop)
            return sum(answer.status == 503 for _, answer in self.answers[first:]) >= REFUSED_MIN
        try:
            eventually(lambda: any(answer.status == 201 for _, answer in self.answers[first:]), "an order with room")
            eventually(refused, "refusals without room")
        finally:
            stop.set()
            for buyer in buyers:
                buyer.join()

    def check_refusals(self):
        for _, answer in self.answers:
            self.assertIn(answer.status, (201, 503), answer)
            if answer.status == 503:
                self.assertProblem(answer, 503)

    def check_reads(self):
        self.assertStatus(self.shop.get("/api/catalog/v1/products?limit=1"), 200)
        self.assertEqual(self.shop.stock(self.sku)[2], self.shop.stock(self.sku)[0] - self.shop.stock(self.sku)[1])
        self.assertStatus(self.shop.get("/health/live"), 200)
        for key, answer in self.answers[:1]:
            self.shop.order(answer.json["id"], guest=answer.json["guest_token"])

    def check_recovery(self):
        """Nobody starts anything again: how long it took."""
        since = time.monotonic()
        self.disk.free()
        recovered(self.shop, lambda: self.buy() == 201, since)
        return time.monotonic() - since

    def check_orders(self):
        """What was acknowledged ends well, is there under its key, and is paid once; what was refused never was."""
        kept = [(key, answer) for key, answer in self.answers if answer.status == 201]
        for key, answer in kept:
            order = self.shop.ended(answer.json["id"], guest=answer.json["guest_token"])
            self.assertEqual("confirmed", order["status"], order)
            self.assertEqual(answer.body, self.shop.place([(self.sku, 1)], key=key).body)
        listed = self.shop.walk("/api/orders/v1/orders?limit=100", "orders", token=self.shop.staff("admin"))
        self.assertLessEqual({answer.json["id"] for _, answer in kept}, {order["id"] for order in listed})
        sold = len(listed)
        eventually(lambda: self.shop.stock(self.sku) == (UNITS - sold, 0, UNITS - sold), "the stock")
        charges = self.shop.provider_list("/v1/charges")
        self.assertEqual(sold, sum(charge["amount_captured"] > charge["amount_refunded"] for charge in charges))
        self.assertEqual([], unbalanced(self.shop.ledger()))

    def test_full_disk__a_slow_recovery_is_caught(self):
        """The harness' own test: room comes late, and the order as much later; then the order's answer takes that long.
        Neither the one nor the other alone is beyond the limit, but the shop is."""
        def buy_late():
            return time.monotonic() - since > 1.2 * SHORT_S and self.buy() == 201
        self.run_out_of_room()
        room = threading.Timer(0.6 * SHORT_S, self.disk.free)
        since = time.monotonic()
        room.start()
        with self.assertRaisesRegex(AssertionError, "readiness and a write did not come true"):
            recovered(self.shop, buy_late, since, SHORT_S)
        room.join()
        since = time.monotonic()
        with self.assertRaisesRegex(AssertionError, "wrote again after"):
            recovered(self.shop, lambda: eventually(buy_late, "the order"), since, SHORT_S)
        self.check_orders()

    def test_full_disk__refuses_writes_and_comes_back_by_itself(self):
        took = []
        for _ in range(ROUNDS):
            self.run_out_of_room()
            self.check_refusals()
            self.disk.fill(self.shop)
            eventually(lambda: self.shop.get("/health/ready").status == 503, "not being ready")
            self.check_reads()
            took.append(self.check_recovery())
        print("back after %s s" % ", ".join("%.1f" % seconds for seconds in took), file=sys.stderr)
        self.check_orders()
        self.shop.kill()
        self.shop.log.close()
        self.shop.start()
        self.check_orders()


class FailingDiskTest(unittest.TestCase):
    """Some of the calls that `make crash ARGS="--error …"` goes through; sweep.py says what holds."""

    def new_sweep(self, *arguments, **options):
        sweep = Sweep(*arguments, **options)
        self.addCleanup(sweep.stage.close)
        return sweep

    def sweep(self, scenario, error):
        said = []
        sweep = self.new_sweep(scenario, said.append, error=error)
        sweep.run(CALLS)
        self.assertEqual(0, sweep.failed, "\n".join(said))
        self.assertGreater(sweep.passed, 0, "no call was failed")

    def test_failing_disk__at_a_checkout(self):
        for error in ("EIO", "ENOSPC"):
            with self.subTest(error=error):
                self.sweep("checkout", error)

    def test_failing_disk__at_a_refund(self):
        self.sweep("refund", "EIO")

    def test_failing_disk__at_an_import(self):
        self.sweep("import", "ENOSPC")

    def test_failing_disk__shows_an_answer_that_came_before_its_commit(self):
        """The harness' own test: a planted bug."""
        said = []
        sweep = self.new_sweep("checkout", said.append, planted="early-answer", error="EIO")
        sweep.kill(Target("sql:orders", "pwrite64", "orders.db-wal"), 1)
        self.assertEqual(1, sweep.failed, "the bug was not found")
        self.assertIn("acknowledged: 201", said[0])


if __name__ == "__main__":
    unittest.main()
