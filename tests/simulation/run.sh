#!/bin/sh
# The short simulation of `make test`: seeds that must hold, the same history twice, planted bugs that must be found.
# timeout_s: 300
set -u
simulation=${SHOPSTREAM_BUILD:?}/simulation
seeds=60
[ "${SHOPSTREAM_SANITIZED:-0}" = 1 ] && seeds=10
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

# The same seed is the same history: in two processes, whose memory lies elsewhere.
same_twice() {
    "$simulation" --seeds 1-5 --hashes >"$folder/first" &&
        "$simulation" --seeds 1-5 --hashes --jobs 1 >"$folder/second" &&
        diff "$folder/first" "$folder/second" && grep -q trace "$folder/first" && cat "$folder/first"
}

check "seeds" "$simulation" --seeds "$seeds"
check "same twice" same_twice
for bug in oversell double-charge lost-event early-answer early-offset missing-fsync; do
    check "planted $bug" "$simulation" --plant "$bug" --expect-violation --seeds 1000
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
