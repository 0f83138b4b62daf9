#!/bin/sh
# Builds and runs the simulation, which is made of tests/simulation/*.c: sim.sh --seed N | --seeds N and what else
# build/simulation says.
set -eu
cd "$(dirname "$0")/.."
TARGETS=simulation tools/build.sh build
exec build/simulation "$@"
