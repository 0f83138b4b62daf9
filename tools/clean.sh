#!/bin/sh
# Removes what was built. What was downloaded (build/deps, node, go, python, engines) stays, so that the next build
# needs no network; so do the data of the engines.
set -eu
cd "$(dirname "$0")/.."
rm -rf build-san build-coverage build-fuzz build-clang
if [ -d build ]; then
    find build -mindepth 1 -maxdepth 1 ! -name deps ! -name node ! -name go ! -name python ! -name engines \
        -exec rm -rf {} +
fi
