#!/bin/sh
# The short simulation of `make test`: seeds that must hold, the same history many times, planted bugs that must be
# found. How many seeds: as many as two minutes of two processors take, by what was measured (0.3 CPU s a seed).
# timeout_s: 900
set -u
simulation=${SHOPSTREAM_BUILD:?}/simulation
here=$(dirname "$0")
seeds=800
late_seeds=100
repeats=20
if [ "${SHOPSTREAM_SANITIZED:-0}" = 1 ]; then
    seeds=20
    late_seeds=5
    repeats=3
fi
passed=0
failed=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

check() {
    name=$1
    shift
    if "$@" >"$folder/output" 2>&1; then
        passed=$((passed + 1))
        echo "ok $name: $(tail -n 2 "$folder/output" | head -n 1)"
    else
        failed=$((failed + 1))
        echo "FAILED $name"
        cat "$folder/output"
    fi
}

# The same seed is the same history, whatever runs beside it; how much memory there is may be more or less.
same_twice() {
    "$simulation" --seeds 1-5 --hashes >"$folder/first" &&
        "$simulation" --seeds 1-5 --hashes --jobs 1 >"$folder/second" &&
        sed -i 's/, at most [0-9]* MB$//' "$folder/first" "$folder/second" &&
        diff "$folder/first" "$folder/second" && grep -q trace "$folder/first" && cat "$folder/first"
}

# The harness' own test: a seed that fails by something else than the bug does not find it.
found_by_another() {
    "$simulation" --plant oversell --expect-violation --breaks "nobody is charged twice" --seeds 1 >"$folder/first" &&
        return 1
    grep "does not find the planted oversell, but: " "$folder/first" && grep "failed by something else" "$folder/first"
}

check "seeds" "$simulation" --seeds "$seeds"
check "late requests" "$simulation" --plant late-request --seeds "$late_seeds"
check "seeds that found something" "$simulation" --list "$here/seeds.txt"
check "same history $repeats times" "$simulation" --seed 7 --repeat "$repeats" # `make sim REPEAT=1000`: a thousand
check "same history, two at a time and one" same_twice
check "planted traced-address" "$simulation" --plant traced-address --expect-violation --seed 7 --repeat "$repeats"
for bug in oversell double-charge double-refund lost-event early-answer early-offset missing-fsync one-fsync \
    late-fsync expired-token logged-out-token cart-twice other-tenant wall-clock stale-page endless-key \
    endless-reservation forgotten-key endless-session; do
    check "planted $bug" "$simulation" --plant "$bug" --expect-violation --seeds 1000
done
check "what finds a planted bug is what it breaks" found_by_another
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
