#!/bin/sh
# Runs the simulation: sim.sh --seed N | --seeds N. The program is made of tests/simulation/*.c (not test_*.c).
set -eu
cd "$(dirname "$0")/.."
if [ -z "$(find tests/simulation -name '*.c' 2>/dev/null)" ]; then
    echo "sim: tests/simulation has no program" >&2
    exit 1
fi
TARGETS=simulation tools/build.sh build
exec build/simulation "$@"
