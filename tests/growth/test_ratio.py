"""How the bench makes one ratio of many passes."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))

import growth  # noqa: E402
import measure  # noqa: E402


class Ratio(unittest.TestCase):
    def test_it_is_that_of_the_figures_beside_it(self):
        row = growth.row_of("list", small=[50.0, 48.7, 90.0, 47.0], large=[60.0, 75.3, 61.0, 80.0])
        self.assertEqual((47.9, 60.5), (row["small_cpu_us"], row["cpu_us"]))
        self.assertEqual(round(60.5 / 47.9, 2), row["ratio"])
        self.assertEqual((0.68, 1.7), (row["ratio_low"], row["ratio_high"]))

    def test_what_disturbs_half_of_the_passes_does_not_count(self):
        self.assertEqual(100, measure.steady([100, 100, 900, 100, 400, 100]))

    def test_one_and_a_third_is_too_much(self):
        self.assertTrue(growth.row_of("list", [100] * 5, [130] * 5)["ok"])
        self.assertFalse(growth.row_of("list", [100] * 5, [133] * 5)["ok"])

    def test_no_address_comes_twice_and_all_before_one_comes_again(self):
        items = ["/list?limit=%d" % i for i in range(200)] + ["/thing/%d" % i for i in range(100)]
        asked = [address for number in range(5) for address in growth.dealt(items, number)]
        self.assertEqual(5 * growth.REQUESTS, len(set(asked)))
        self.assertEqual(set(items), {address.rstrip("?&") for address in asked[:300]})


if __name__ == "__main__":
    unittest.main()
