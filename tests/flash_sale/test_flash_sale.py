"""A small flash sale by the real binary, in open loop. `make bench` holds the large one; times count only there."""
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))

import flash_sale  # noqa: E402


class FlashSale(unittest.TestCase):
    def test_each_unit_is_sold_once_and_everybody_is_answered(self):
        row = flash_sale.run(buyers=500, seconds=2, units=20)
        self.assertEqual([], row["faults"], row)
        self.assertEqual(20, row["sold"])
        self.assertEqual(500, sum(row["statuses"].values()))
        self.assertGreaterEqual(row["statuses"]["201"], 20)


if __name__ == "__main__":
    unittest.main()
