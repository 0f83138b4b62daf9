#!/bin/sh
# Each call of a port and each allocation of ours fails once while people buy (faults.h). `run.sh full` leaves none out;
# `make test` takes a part of what is taken from arenas and of the guest's flow, which is twice as long and shares most
# with the customer's, and under the sanitizers a part of everything.
# timeout_s: 600
set -u
faults=${SHOPSTREAM_BUILD:?}/faults
every="ports:1 allocations:1 arenas:8"
every_guest="ports:19 allocations:11 arenas:64"
if [ "${SHOPSTREAM_SANITIZED:-0}" = 1 ]; then
    every="ports:8 allocations:8 arenas:20"
    every_guest="ports:64 allocations:32 arenas:160"
fi
if [ "${1:-}" = full ]; then
    every="ports:1 allocations:1 arenas:1"
    every_guest=$every
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

for part in $every; do
    check "${part%:*}" --every "${part#*:}"
done
for part in $every_guest; do
    check "${part%:*}" --flow guest --every "${part#*:}"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
