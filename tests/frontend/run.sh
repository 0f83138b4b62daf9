#!/bin/sh
# The pages in React: their types against the API's own description, the suites of frontend/tests with their coverage,
# the budget of what a first visit fetches, and that they are built without a network.
# timeout_s: 900
set -eu
cd "$SHOPSTREAM_ROOT"
binary=$SHOPSTREAM_BINARY
# The shop refuses settings that it does not know, and these are the suite's.
unset SHOPSTREAM_ROOT SHOPSTREAM_BUILD SHOPSTREAM_BINARY SHOPSTREAM_SANITIZED
tools/frontend.sh
tools/frontend_types.sh "$binary"
passed=0
failed=0
check() {
    echo "-- $1"
    shift
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}
check "types" tools/node.sh node frontend/node_modules/typescript/bin/tsc -p frontend
check "the budget can be missed" tools/node.sh node --test tests/frontend/budget.selftest.mjs
check "budget" tools/node.sh node tests/frontend/budget.mjs build/frontend
check "workspaces alone, and no network" tools/node.sh node --test tests/frontend/workspaces.test.mjs
results=build/frontend-results.json
rm -f "$results"
check "suites and their coverage" tools/node.sh node frontend/node_modules/vitest/vitest.mjs run --root frontend \
    --coverage --reporter=default --reporter=json --outputFile="../$results"
# Where the suites could not even start, there are no results, and the check above has failed.
counts=$(tools/node.sh node -p "const r = JSON.parse(require('fs').readFileSync('$results'));
    r.numPassedTests + ' ' + r.numFailedTests" || echo "0 0")
passed=$((passed + ${counts% *}))
failed=$((failed + ${counts#* }))
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
