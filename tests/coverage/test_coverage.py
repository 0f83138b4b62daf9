"""Shows that `make coverage` fails where it must: below the bar, and when processes left no counts behind."""
import contextlib
import importlib.util
import io
import pathlib
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SPEC = importlib.util.spec_from_file_location("coverage", ROOT / "tools" / "coverage.py")
coverage = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(coverage)


def file(name, counts, **functions):
    """One entry of gcovr's: the counts of the lines from 1 on, and how often functions were called."""
    return {"file": name,
            "lines": [{"line_number": i + 1, "count": count} for i, count in enumerate(counts)],
            "functions": [{"name": n, "lineno": 1, "execution_count": count} for n, count in functions.items()]}


def report(covered, missed, servers=1, histories=1, units=1):
    return {"files": [
        file("services/orders/cart.c", [1] * covered + [0] * missed),
        file("cli/serve.c", [], wait_for_signal=servers),
        file("tests/simulation/main.c", [0] * 1000, run_child=histories),
        file("platform/base/test_str.c", [0] * 1000, main=units)]}


class CoverageTest(unittest.TestCase):
    def judge(self, content, minimum=80.0):
        self.output = io.StringIO()
        with contextlib.redirect_stdout(self.output):
            return coverage.judge(content, minimum)

    def test_the_bar_is_met_or_missed(self):
        self.assertEqual(self.judge(report(80, 20)), [])
        problems = self.judge(report(79, 21))
        self.assertEqual(len(problems), 1)
        self.assertIn("79.0 %", problems[0])

    def test_processes_that_left_no_counts_are_named(self):
        self.assertIn("servers", self.judge(report(99, 1, servers=0))[0])
        self.assertIn("simulated", self.judge(report(99, 1, histories=0))[0])
        self.assertIn("unit tests", self.judge(report(99, 1, units=0))[0])

    def test_nothing_at_all_is_a_failure(self):
        self.assertEqual(len(self.judge({"files": []})), 1 + len(coverage.WITNESSES))

    def test_tests_and_generated_code_do_not_count(self):
        content = report(80, 20)
        content["files"] += [file("platform/service/test_host.h", [0] * 1000), file("tests/bench/load.c", [0] * 1000),
                             file("build/generated/shopstream/orders/v1/orders.pb-c.c", [0] * 1000)]
        self.assertEqual(self.judge(content), [])

    def test_a_line_that_is_listed_twice_is_one(self):
        content = report(8, 2)
        content["files"][0]["lines"] += [{"line_number": 10, "count": 0}, {"line_number": 9, "count": 3}]
        self.assertEqual(self.judge(content, 90.0), [])
        self.assertIn("9 of     10", self.output.getvalue())

    def test_the_table_has_a_row_a_folder(self):
        self.judge(report(80, 20))
        self.assertRegex(self.output.getvalue(), r"services/orders +80 of +100 lines +80\.0 %")


if __name__ == "__main__":
    unittest.main()
