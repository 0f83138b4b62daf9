#!/bin/sh
# Everything that can fail under a customer who buys fails once, on the build folder build: the whole of what
# `make test` takes a part of.
set -eu
cd "$(dirname "$0")/.."
tools/build.sh build
SHOPSTREAM_BUILD=$PWD/build exec tests/faults/run.sh full
