#!/bin/sh
# Builds and runs the simulation: sim.sh --seed N | --seeds N. The program is made of tests/simulation/*.c.
set -eu
cd "$(dirname "$0")/.."
TARGETS=simulation tools/build.sh build
exec build/simulation "$@"
