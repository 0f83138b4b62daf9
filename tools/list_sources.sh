#!/bin/sh
# Prints the C files below a folder, sorted, one a line: `list_sources.sh code platform` without the tests,
# `list_sources.sh tests platform` the tests alone, `programs` those of tests/bench, tests/preload or tests/simulation,
# `fuzz` the fuzz targets. A file's presence registers it. *_simulated.c belongs to the simulation and *_threads.c,
# *_system.c, *_curl.c to the shop; both are the makes of one header.
set -eu
cd "$(dirname "$0")/.."
kind=$1
shift
[ -d "$1" ] || exit 0
case $kind in
code)
    find "$@" -name '*.c' ! -name 'test_*' ! -name '*_simulated.c' ! -name '*_threads.c' ! -name '*_system.c' \
        ! -name '*_curl.c'
    ;;
shop) find "$@" -name '*_threads.c' -o -name '*_system.c' -o -name '*_curl.c' ;;
simulated) find "$@" -name '*_simulated.c' ! -name 'test_*' ;;
tests) find "$@" -name 'test_*.c' ;;
programs) find "$@" -maxdepth 1 -name '*.c' ! -name 'test_*' ;;
fuzz) find "$@" -maxdepth 1 -name 'fuzz_*.c' ;;
esac | LC_ALL=C sort
