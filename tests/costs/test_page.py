"""What the bench puts into docs/performance.md: each part with when and beside what it was measured."""
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))

import bench  # noqa: E402
import page  # noqa: E402


def part(begun, **more):
    return {"begun": begun, "minutes": 1, "machine": "2 × a processor", "commit": "c0ffee", "load_before": 0.1,
            "others": 0.02, **more}


def row(name, what, ms):
    return {"part": name, "what": what, "ms": ms, "ok": True}


class Page(unittest.TestCase):
    def test_a_part_that_is_measured_again_takes_the_place_of_its_rows_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            docs = pathlib.Path(folder)
            (docs / "performance.md").write_text("before\n" + page.BEGIN + page.END + "behind\n")
            page.write({"parts": {"start": part("Monday"), "idle": part("Monday")},
                        "rows": [row("start", "start to first answer", 1), row("idle", "idle, as it was called", 2)]},
                       docs)
            page.write({"parts": {"idle": part("Tuesday", load_before=3.2, load_allowed="4")},
                        "rows": [row("idle", "idle connections", 3)]}, docs)
            text = (docs / "performance.md").read_text()
            self.assertRegex(text, r"\| start \| Monday \| 1 min \| 0.1 \| 0.02 processors \| c0ffee \|")
            self.assertRegex(text, r"\| idle \| Tuesday \| 1 min \| 3.2, BENCH_LOAD_MAX=4 \|")
            self.assertIn("| idle connections | 3 ms |", text)
            self.assertNotIn("as it was called", text)
            self.assertTrue(text.startswith("before\n") and text.endswith("behind\n"))
            self.assertEqual(2, len(json.loads((docs / "performance/figures.json").read_text())["rows"]))

    def test_figures_for_the_docs_are_of_a_quiet_machine(self):
        with mock.patch("os.getloadavg", return_value=(3.45, 1, 1)), mock.patch.dict("os.environ", BENCH_DOCS="1"):
            with self.assertRaisesRegex(SystemExit, "the load is 3.45"):
                bench.quiet_load()
            with mock.patch.dict("os.environ", BENCH_LOAD_MAX="4"):
                self.assertEqual({"load_before": 3.45, "load_allowed": "4"}, bench.quiet_load())
        with mock.patch("os.getloadavg", return_value=(0.2, 1, 1)), mock.patch.dict("os.environ", BENCH_DOCS="1"):
            self.assertEqual({"load_before": 0.2}, bench.quiet_load())


if __name__ == "__main__":
    unittest.main()
