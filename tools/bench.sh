#!/bin/sh
# Builds and runs the measurements: tests/bench/bench.sh, or what is there of it.
set -eu
cd "$(dirname "$0")/.."
tools/build.sh build
if [ ! -x tests/bench/bench.sh ]; then
    echo "bench: tests/bench/bench.sh is missing" >&2
    exit 1
fi
export SHOPSTREAM_BUILD="$PWD/build" SHOPSTREAM_BINARY="$PWD/build/shopstream"
exec tests/bench/bench.sh "$@"
