#!/bin/sh
# Runs every test on a build that counts lines, prints the summary and fails below COVERAGE_MIN per cent of lines.
set -eu
cd "$(dirname "$0")/.."
folder=build-coverage
minimum=${COVERAGE_MIN:-80}
tools/build.sh "$folder" -Db_coverage=true
find "$folder" -name '*.gcda' -delete
failed=0
tools/run_tests.py "$folder" || failed=1
# Tests, tools for measuring and generated code are not what is counted.
gcovr --root . --object-directory "$folder" --filter 'platform/' --filter 'services/' --filter 'cli/' \
    --exclude '.*/test_[^/]*\.c' --exclude-unreachable-branches --txt "$folder/coverage.txt" \
    --html-details "$folder/coverage.html" --print-summary --fail-under-line "$minimum" "$folder" || failed=1
echo "coverage: by file in $folder/coverage.txt, by line in $folder/coverage.html"
exit $failed
