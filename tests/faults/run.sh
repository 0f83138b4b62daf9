#!/bin/sh
# Each call of a port and each allocation of ours fails once while people buy (faults.h). `run.sh full` leaves none out;
# `make test` takes a part of what is taken from arenas and of the guest's flow, which is twice as long and shares most
# with the customer's, and under the sanitizers a part of everything. Bugs that are planted behind some of the failures
# (plant.c) must be found, by what they break.
# timeout_s: 900
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

good() {
    passed=$((passed + 1))
    echo "ok $*"
}

bad() {
    failed=$((failed + 1))
    echo "FAILED $*"
    cat "$TMPDIR/output"
}

last_line() {
    tail -n 1 "$TMPDIR/output"
}

check() {
    if "$faults" "$@" >"$TMPDIR/output" 2>&1; then
        good "$(last_line)"
    else
        bad "$*"
    fi
}

# BUG INVARIANTS: it is found, and whatever is violated is one of these.
check_plant() {
    what="^violated at .*: \($2\)\$"
    if ! "$faults" ports --every 100 --plant "$1" >"$TMPDIR/output" 2>&1 && grep -q "$what" "$TMPDIR/output" &&
        ! grep "^violated at" "$TMPDIR/output" | grep -qv "$what"; then
        good "planted $1 found: $(last_line)"
    else
        bad "planted $1"
    fi
}

# The harness' own test: a sweep that fails nothing is no good one.
check_nothing() {
    if "$faults" ports --first 1000000 >"$TMPDIR/output" 2>&1 || ! grep -q "^nothing was failed" "$TMPDIR/output"; then
        bad "a sweep of nothing"
    else
        good "a sweep of nothing is refused"
    fi
}

for part in $every; do
    check "${part%:*}" --every "${part#*:}"
done
for part in $every_guest; do
    check "${part%:*}" --flow guest --every "${part#*:}"
done
check_nothing
check_plant leak "what was allocated is freed"
check_plant lock "every task comes to its end"
told="a mailed code verifies the address\|a login gives a token\|what was put into the cart is there, once"
told="$told\|a repetition gets the first answer\|the order goes its way\|an order that is paid names its payment"
check_plant answer "$told"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
