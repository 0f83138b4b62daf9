#!/bin/sh
# Fails each port call and each allocation under people who buy (the whole of what `make test` takes a part of), and
# each allocation of the HTTP server and client, then sweeps kills over the shop, and a disk that fails from each write
# and sync on, by EIO and by ENOSPC. With arguments, those of tests/crash/sweep.py, that sweep alone.
set -eu
cd "$(dirname "$0")/.."
tools/build.sh build
sweep() {
    /usr/bin/python3 tests/crash/sweep.py "$@"
}
if [ $# != 0 ]; then
    sweep "$@"
    exit
fi
# All of them, whatever one finds: it takes hours.
status=0
SHOPSTREAM_BUILD=$PWD/build tests/faults/run.sh full || status=1
SHOPSTREAM_BUILD=$PWD/build tests/memory/run.sh || status=1
sweep || status=1
for error in EIO ENOSPC; do
    echo "a disk that fails by $error:"
    sweep --error "$error" || status=1
done
exit "$status"
