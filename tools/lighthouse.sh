#!/bin/sh
# Lighthouse over the built shop: tests/browser/lighthouse/audit.mjs says what must be 100. The last line is
# "N passed, N failed".
set -eu
cd "$(dirname "$0")/.."
tools/browser_packages.sh tests/browser tests/browser/lighthouse
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
SHOPSTREAM_ROOT=$PWD SHOPSTREAM_BUILD=$PWD/build SHOPSTREAM_BINARY=$PWD/build/shopstream \
    tools/node.sh node --test --test-reporter=spec tests/browser/lighthouse/audit.mjs >"$log" 2>&1 || status=$?
cat "$log"
count() {
    sed -n "s/^ℹ $1 //p" "$log"
}
echo "$(count pass) passed, $(count fail) failed"
exit "$status"
