#!/bin/sh
# Counts which lines of platform/, services/ and cli/ the tests run, prints a table by folder, and fails below
# COVERAGE_MIN per cent (80) of all of them, or when the shops, the simulation or the unit tests left no counts.
# COVERAGE_SUITES names the suites of tools/run_tests.py that count.
set -eu
cd "$(dirname "$0")/.."
folder=build-coverage
suites=${COVERAGE_SUITES:-unit blackbox cli crash simulation}
# Counts are atomic, as tasks count at the same time; little is optimised away, so that a line is a line. Which warnings
# there are depends on that: they are the business of `make lint`.
tools/build.sh "$folder" -Db_coverage=true -Doptimization=g -Dwerror=false -Dc_args=-fprofile-update=atomic
find "$folder" -name '*.gcda' -delete
failed=0
# Counting makes everything slower, for which the suites have this word.
# shellcheck disable=SC2086 # a list of words
SHOPSTREAM_SANITIZED=1 tools/run_tests.py "$folder" $suites || failed=1
# One process: with several, gcovr waits for ever where one fails. Headers of tests are inlined into many programs.
mkdir -p "$folder/coverage"
gcovr --root . --object-directory "$folder" --filter 'platform/' --filter 'services/' --filter 'cli/' \
    --filter 'tests/simulation/' --exclude '.*/test_[^/]*\.h' --json "$folder/coverage.json" \
    --html-details "$folder/coverage/index.html" "$folder"
/usr/bin/python3 tools/coverage.py "$folder/coverage.json" "${COVERAGE_MIN:-80}" || failed=1
echo "coverage: by line in $folder/coverage/index.html"
exit $failed
