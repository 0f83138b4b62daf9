#!/usr/bin/python3
"""Judges what gcovr counted: coverage.py COVERAGE_JSON MINIMUM_PERCENT [--files]

Prints the share of lines that ran, by folder and in all (--files: by file, the least covered first). Code of our own
alone counts: no tests, nothing generated. Exits 1 below the minimum, and when a kind of process left no counts at all:
a shop that does not write them when it is stopped would look like code that no black-box test reaches.
"""
import collections
import json
import pathlib
import re
import sys

FOLDERS = ("platform", "services", "cli")
TEST = re.compile(r"(^|/)test_[^/]*$")
# What ran, and a function (file, name) that runs in each such process alone and to its end.
WITNESSES = {
    "servers stopped in good order": ("cli/serve.c", "wait_for_signal"),
    "simulated histories": ("tests/simulation/main.c", "run_child"),
    "unit tests of strings": ("platform/base/test_str.c", "main"),
}


class Count:
    def __init__(self):
        self.lines = self.covered = 0

    def add(self, other):
        self.lines += other.lines
        self.covered += other.covered

    @property
    def percent(self):
        return 100.0 * self.covered / self.lines if self.lines else 0.0


def is_counted(name):
    return name.split("/")[0] in FOLDERS and not TEST.search(name)


def count_files(report):
    """The count of each file; a line that is listed more than once (an inline function) ran when one of them did."""
    counts = {}
    for file in report["files"]:
        if not is_counted(file["file"]):
            continue
        ran = collections.defaultdict(int)
        for line in file["lines"]:
            if not line.get("gcovr/noncode"):
                ran[line["line_number"]] += line["count"]
        count = counts[file["file"]] = Count()
        count.lines = len(ran)
        count.covered = sum(1 for times in ran.values() if times > 0)
    return counts


def folder_of(name):
    """platform/base, platform/ports/sql, services/orders, cli."""
    parts = name.split("/")[:-1]
    return "/".join(parts[:3 if parts[:2] == ["platform", "ports"] else 2])


def calls_of(report, name, function):
    return sum(entry["execution_count"] for file in report["files"] if file["file"] == name
               for entry in file.get("functions", []) if entry["name"] == function)


def sum_up(counts, key):
    sums = collections.defaultdict(Count)
    for name, count in counts.items():
        sums[key(name)].add(count)
    return sums


def print_table(rows):
    for name, count in rows:
        print("  %-52s %6d of %6d lines  %5.1f %%" % (name, count.covered, count.lines, count.percent))


def judge(report, minimum, by_file=False):
    """What is wrong, as sentences; prints the table."""
    counts = count_files(report)
    rows = counts.items() if by_file else sum_up(counts, folder_of).items()
    print_table(sorted(rows, key=lambda row: row[1].percent if by_file else row[0]))
    print_table(sorted(sum_up(counts, lambda name: name.split("/")[0]).items()))
    total = sum_up(counts, lambda name: "all")["all"]
    print_table([("all", total)])
    problems = []
    for what, (name, function) in WITNESSES.items():
        calls = calls_of(report, name, function)
        print("  %-52s %6d" % (what, calls))
        if calls == 0:
            problems.append("no counts came from: %s" % what)
    if total.percent < minimum:
        problems.append("%.1f %% of the lines ran; %s %% is the least" % (total.percent, minimum))
    return problems


def main(path, minimum, *options):
    problems = judge(json.loads(pathlib.Path(path).read_text()), float(minimum), "--files" in options)
    for problem in problems:
        print("coverage: %s" % problem)
    return 1 if problems else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
