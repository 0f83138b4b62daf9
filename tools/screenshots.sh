#!/bin/sh
# Writes docs/screenshots: every page of a seeded shop, at the width of a phone and of a desk. Words name the pages.
set -eu
cd "$(dirname "$0")/.."
tools/browser_packages.sh tests/browser
SHOPSTREAM_ROOT=$PWD SHOPSTREAM_BUILD=$PWD/build SHOPSTREAM_BINARY=$PWD/build/shopstream \
    tools/node.sh node tests/browser/take_screenshots.mjs "$@"
du -sh docs/screenshots
