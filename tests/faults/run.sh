#!/bin/sh
# Each call of a port and each allocation of ours fails once while a customer buys (faults.h). `run.sh full` leaves none
# out; `make test` takes a part of what is taken from arenas, and under the sanitizers a part of everything.
# timeout_s: 600
set -u
faults=${SHOPSTREAM_BUILD:?}/faults
every_arena=8
every=1
if [ "${SHOPSTREAM_SANITIZED:-0}" = 1 ]; then
    every_arena=20
    every=8
fi
if [ "${1:-}" = full ]; then
    every_arena=1
    every=1
fi
passed=0
failed=0
TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

check() {
    if "$faults" "$@" >"$TMPDIR/output" 2>&1; then
        passed=$((passed + 1))
        echo "ok $(tail -n 1 "$TMPDIR/output")"
    else
        failed=$((failed + 1))
        echo "FAILED $*"
        cat "$TMPDIR/output"
    fi
}

check ports --every "$every"
check allocations --every "$every"
check arenas --every "$every_arena"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
