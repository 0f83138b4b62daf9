#!/usr/bin/python3
"""Runs every test on a build folder: run_tests.py BUILD_FOLDER [SUITE …]

The suites are "unit" (meson: the cmocka programs beside the code) and the folders below tests/ that hold one; see
tests/README.md for what makes a folder a suite. Those of a group, GROUP/NAME, are run only where they or their group
are named. Prints one line a suite, the output of those that fail, and last "N passed, N failed" over all of them. Exits
1 when anything failed, or no test ran.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
SUITE_TIMEOUT_S = 300  # where run.sh has no line "# timeout_s: N", and package.json no "timeout_s": N
GROUPS = ["engines"]  # folders below tests/ whose own folders are suites
TOTAL_TIMEOUT_S = 2400  # after that no further suite starts
SANITIZED_FACTOR = 3  # how much longer everything may take under the sanitizers
OUTPUT_LINES_MAX = 200  # of a failed suite; the whole is in BUILD_FOLDER/test-logs
CLOSING_LINE = re.compile(r"^(?:\w+: *)?(\d+) passed, (\d+) failed(?:, \d+ skipped)?$", re.M)


class Outcome:
    def __init__(self, passed, failed):
        self.passed, self.failed = passed, failed


def run(command, folder, environment, log_path, timeout_s):
    """The exit code of a command, None when it had to be stopped. Everything that it started ends with it."""
    with open(log_path, "wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            log.write(b"\nrun_tests: stopped after %d s\n" % timeout_s)
            return None
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def judge(code, passed, failed):
    """A suite that ends badly has failed, whatever it counted; one that ran nothing has not passed."""
    if (code != 0 or passed == 0) and failed == 0:
        failed = 1
    return Outcome(passed, failed)


# -- unit: meson runs the cmocka programs ---------------------------------------------------------------------------
def count_cmocka(build):
    """Counts tests, not programs; one that ended without cmocka's summary (by a crash) counts as one failed."""
    passed = failed = 0
    for line in (build / "meson-logs" / "testlog.json").read_text().splitlines():
        program = json.loads(line)
        if program["result"] == "SKIP":
            continue
        output = program.get("stdout", "") + program.get("stderr", "")
        good = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", output))
        bad = sum(int(n) for n in re.findall(r"\[  FAILED  \] (?:\S+: )?(\d+) test", output))
        if program["result"] == "OK":
            good = max(good, 1)
        else:
            bad = max(bad, 1)
        passed += good
        failed += bad
    return passed, failed


def run_unit(build, environment, log_path, factor):
    (build / "meson-logs" / "testlog.json").unlink(missing_ok=True)
    code = run(["meson", "test", "-C", str(build), "--no-rebuild", "--quiet", "--print-errorlogs",
                "--num-processes", str(os.cpu_count() or 2), "--timeout-multiplier", str(factor)],
               ROOT, environment, log_path, SUITE_TIMEOUT_S * 2 * factor)
    try:
        return judge(code, *count_cmocka(build))
    except FileNotFoundError:
        return judge(code, 0, 0)


# -- the folders below tests/ -----------------------------------------------------------------------------------------
def find_suites():
    folders = list(TESTS.iterdir()) if TESTS.is_dir() else []
    for group in GROUPS:
        folders += (TESTS / group).iterdir()
    for folder in sorted(folders):
        if (folder / "run.sh").is_file() or (folder / "package.json").is_file() or list(folder.glob("test_*.py")):
            yield folder


def group_of(name):
    """Of a suite's name; empty where it is in none."""
    return name.rpartition("/")[0]


def declared_timeout_s(script):
    match = re.search(r"^# timeout_s: (\d+)$", script.read_text(), re.M)
    return int(match.group(1)) if match else SUITE_TIMEOUT_S


def run_script(folder, environment, log_path, factor):
    script = folder / "run.sh"
    code = run([str(script)], folder, environment, log_path, declared_timeout_s(script) * factor)
    counts = CLOSING_LINE.findall(log_path.read_text(errors="replace"))
    if not counts:
        return Outcome(1, 0) if code == 0 else Outcome(0, 1)
    return judge(code, int(counts[-1][0]), int(counts[-1][1]))


def run_python(folder, environment, log_path, factor):
    code = run(["/usr/bin/python3", "-m", "unittest", "discover", "--verbose", "--start-directory", str(folder)],
               ROOT, environment, log_path, SUITE_TIMEOUT_S * factor)
    text = log_path.read_text(errors="replace")
    ran = re.findall(r"^Ran (\d+) tests? in", text, re.M)
    bad = sum(int(n) for n in re.findall(r"(?:failures|errors|unexpected successes)=(\d+)", text))
    skipped = sum(int(n) for n in re.findall(r"skipped=(\d+)", text))
    return judge(code, max(int(ran[-1]) - bad - skipped, 0) if ran else 0, bad)


def run_node(folder, environment, log_path, factor):
    """npm ci where the lock file changed, then Node's own test runner on *.test.* files, two at a time. Under the
    sanitizers those that package.json names, where it does: others look at the pages and not at the shop."""
    installed = folder / "node_modules" / ".package-lock.json"
    lock = folder / "package-lock.json"
    if lock.exists() and (not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime):
        code = run([str(ROOT / "tools/node.sh"), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                   folder, environment, log_path, SUITE_TIMEOUT_S)
        if code != 0:
            return Outcome(0, 1)
        installed.touch()
    package = json.loads((folder / "package.json").read_text())
    files = package.get("sanitized", []) if factor > 1 else []
    code = run([str(ROOT / "tools/node.sh"), "node", "--test", "--test-reporter=tap", "--test-concurrency=2", *files],
               folder, environment, log_path, package.get("timeout_s", SUITE_TIMEOUT_S) * factor)
    text = log_path.read_text(errors="replace")
    counts = {word: int(n) for word, n in re.findall(r"^# (pass|fail|cancelled) (\d+)$", text, re.M)}
    return judge(code, counts.get("pass", 0), counts.get("fail", 0) + counts.get("cancelled", 0))


def run_folder(folder, environment, log_path, factor):
    if (folder / "run.sh").is_file():
        return run_script(folder, environment, log_path, factor)
    if (folder / "package.json").is_file():
        return run_node(folder, environment, log_path, factor)
    return run_python(folder, environment, log_path, factor)


# -- all --------------------------------------------------------------------------------------------------------------
def report(name, outcome, seconds, log_path):
    if outcome.failed:
        lines = log_path.read_text(errors="replace").splitlines() if log_path.exists() else []
        if len(lines) > OUTPUT_LINES_MAX:
            print("  … %s" % log_path)
        # A suite's own closing line is left out: only one such line is printed, the last one.
        print("\n".join("  | " + line for line in lines[-OUTPUT_LINES_MAX:]))
    print("  %-14s %5d good, %d bad, %.0f s" % (name, outcome.passed, outcome.failed, seconds), flush=True)


def main(build_name, wanted):
    build = (ROOT / build_name).resolve()
    logs = build / "test-logs"
    logs.mkdir(exist_ok=True)
    factor = SANITIZED_FACTOR if os.environ.get("SHOPSTREAM_SANITIZED") else 1
    environment = dict(os.environ, SHOPSTREAM_ROOT=str(ROOT), SHOPSTREAM_BUILD=str(build),
                       SHOPSTREAM_BINARY=str(build / "shopstream"), PYTHONDONTWRITEBYTECODE="1")
    suites = [("unit", lambda log: run_unit(build, environment, log, factor))]
    for folder in find_suites():
        suites.append((folder.relative_to(TESTS).as_posix(),
                       lambda log, folder=folder: run_folder(folder, environment, log, factor)))
    if wanted:
        unknown = set(wanted) - {name for name, _ in suites} - set(GROUPS)
        if unknown:
            sys.exit("run_tests: there is no suite %s" % ", ".join(sorted(unknown)))
        suites = [suite for suite in suites if suite[0] in wanted or group_of(suite[0]) in wanted]
    else:
        suites = [suite for suite in suites if not group_of(suite[0])]

    passed = failed = 0
    start = time.monotonic()
    for name, run_suite in suites:
        log_path = logs / (name.replace("/", "-") + ".log")
        suite_start = time.monotonic()
        if suite_start - start > TOTAL_TIMEOUT_S * factor:
            outcome = Outcome(0, 1)
            log_path.write_text("run_tests: not started, as the time for all suites is over\n")
        else:
            outcome = run_suite(log_path)
        report(name, outcome, time.monotonic() - suite_start, log_path)
        passed += outcome.passed
        failed += outcome.failed
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
