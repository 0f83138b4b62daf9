"""What of the bench's table is the same in each run, held in each `make test`: system calls, syncs and allocations of a
read and of an order (tests/bench/counts.py has the bounds, and what each was when it was set). CPU is not in it: no
counter of instructions is at hand everywhere, and times on a busy machine say nothing."""
import pathlib
import shutil
import sys
import tempfile
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "bench")]

import counts  # noqa: E402
import measure  # noqa: E402
from shop import IS_SANITIZED  # noqa: E402

REQUESTS, ORDERS = 5000, 40


def rows(requests, orders, **more):
    folder = tempfile.mkdtemp(prefix="shopstream-costs-", dir=measure.DISK)
    shop = measure.Shop(pathlib.Path(folder) / "data", LOG_LEVEL="warning")
    try:
        return list(counts.hold(shop, requests, orders, **more))
    finally:
        shop.close()
        shutil.rmtree(folder, ignore_errors=True)


@unittest.skipIf(IS_SANITIZED, "the sanitizers allocate and call the system themselves")
class Costs(unittest.TestCase):
    def judged(self, **more):
        """Whether each row is within its bounds."""
        found = rows(REQUESTS, ORDERS, **more)
        print(*found, sep="\n")
        self.assertEqual(7, len(found))
        return {row["what"]: row["ok"] for row in found}

    def test_each_is_within_its_bounds(self):
        self.assertNotIn(False, self.judged().values())

    def test_a_little_more_of_each_is_seen(self):
        self.assertNotIn(True, self.judged(library=str(measure.BUILD / "libcostlier.so")).values())


if __name__ == "__main__":
    unittest.main()
