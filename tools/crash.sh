#!/bin/sh
# Fails each port call and each allocation under a customer who buys (the whole of what `make test` takes a part of),
# then sweeps kills over the shop. With arguments, those of tests/crash/sweep.py, the kills alone.
set -eu
cd "$(dirname "$0")/.."
tools/build.sh build
if [ $# = 0 ]; then
    SHOPSTREAM_BUILD=$PWD/build tests/faults/run.sh full
fi
exec /usr/bin/python3 tests/crash/sweep.py "$@"
