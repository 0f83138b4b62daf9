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
        self.assertEqual(0, row["turned_away"])
        self.assertEqual(500, row["statuses"]["201"] + row["statuses"]["409"], row)
        self.assertGreaterEqual(row["statuses"]["201"], 20)

    def test_who_is_turned_away_was_not_answered(self):
        """The judgement's own test."""
        for statuses, turned_away, is_good in (({"201": 20, "409": 480}, 0, True), ({"201": 20, "410": 480}, 0, True),
                                               ({"201": 20, "409": 479, "503": 1}, 1, False),
                                               ({"201": 20, "409": 470, "429": 10}, 10, False),
                                               ({"201": 20, "409": 479, "500": 1}, 0, False)):
            with self.subTest(statuses):
                found = flash_sale.answered({"statuses": statuses, "requests": 500, "errors": 0}, 500)
                self.assertEqual((turned_away, is_good), (found[0], not found[1]))
        cut = {"statuses": {"201": 20, "409": 479}, "requests": 499, "errors": 1}
        self.assertTrue(flash_sale.answered(cut, 500)[1])


if __name__ == "__main__":
    unittest.main()
