#!/bin/sh
# What the pages expect of the services (Pact). The types of its consumers hold; the pages' own client makes the
# contracts again, which must be those in pacts/; the shop is held to each.
# `CONTRACTS_UPDATE=1 tools/run_tests.py build contracts` writes pacts/ anew.
# timeout_s: 900
set -eu
here=$SHOPSTREAM_ROOT/tests/contracts
node() { "$SHOPSTREAM_ROOT/tools/node.sh" node "$@"; }
"$SHOPSTREAM_ROOT/tools/frontend.sh" packages
packages=node_modules/.installed
wanted=$(sha256sum <package-lock.json | cut -c1-64)
if [ ! -e "$packages" ] || [ "$(cat "$packages")" != "$wanted" ]; then
    "$SHOPSTREAM_ROOT/tools/node.sh" npm ci --ignore-scripts --no-audit --no-fund --prefer-offline
    echo "$wanted" >"$packages"
fi
"$SHOPSTREAM_ROOT/tools/frontend_types.sh" "$SHOPSTREAM_BINARY"
export PACT_DO_NOT_TRACK=1
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
passed=0
failed=0
check() {
    echo "-- $1"
    shift
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}
check "types" "$SHOPSTREAM_ROOT/tools/node.sh" node \
    "$SHOPSTREAM_ROOT/frontend/node_modules/typescript/bin/tsc" -p "$here"
check "the pages make the contracts" env CONTRACTS_FOLDER="$made" "$SHOPSTREAM_ROOT/tools/node.sh" node \
    "$SHOPSTREAM_ROOT/frontend/node_modules/vitest/vitest.mjs" run --config "$here/vitest.config.ts"
for file in "$made"/*.json; do
    echo >>"$file" # Pact leaves the last line open
done
[ -z "${CONTRACTS_UPDATE:-}" ] || { rm -f "$here"/pacts/*.json && cp "$made"/*.json "$here/pacts/"; }
check "the contracts are those of pacts/" diff -r "$made" "$here/pacts"
results=$(mktemp)
# Where the tests could not even start, there are none that passed, and none that failed: then this counts as one.
node --test --test-reporter=tap calls.test.mjs provider.test.mjs >"$results" 2>&1 || failed=$((failed + 1))
cat "$results"
passed=$((passed + $(sed -n 's/^# pass //p' "$results")))
rm -f "$results"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
