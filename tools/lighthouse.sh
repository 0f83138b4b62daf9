#!/bin/sh
# Lighthouse over the built shop: tests/browser/lighthouse/audit.mjs says what must be 100.
set -eu
cd "$(dirname "$0")/.."
tools/browser_packages.sh tests/browser tests/browser/lighthouse
SHOPSTREAM_ROOT=$PWD SHOPSTREAM_BUILD=$PWD/build SHOPSTREAM_BINARY=$PWD/build/shopstream \
    exec tools/node.sh node --test --test-reporter=spec tests/browser/lighthouse/audit.mjs
