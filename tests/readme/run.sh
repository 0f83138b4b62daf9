#!/bin/bash
# The README's first order, as it stands: its lines are taken out of README.md and run against a shop of our own; only
# the port differs.
# timeout_s: 120
set -u
root=${SHOPSTREAM_ROOT:?}
binary=${SHOPSTREAM_BINARY:?}
# The shop refuses settings that it does not know.
unset SHOPSTREAM_ROOT SHOPSTREAM_BUILD SHOPSTREAM_BINARY SHOPSTREAM_SANITIZED
scratch=$(mktemp -d)
shop_pid=

finish() {
    if [ -n "$shop_pid" ]; then
        kill "$shop_pid" 2>/dev/null
        wait "$shop_pid" 2>/dev/null
    fi
    rm -rf "$scratch"
}
trap finish EXIT

fail() {
    echo "readme: $1"
    cat "$scratch"/*.txt
    echo "0 passed, 1 failed"
    exit 1
}

"$binary" --port 0 --data "$scratch/data" >"$scratch/shop.txt" 2>&1 &
shop_pid=$!
port=
for _ in $(seq 300); do
    port=$(sed -n 's/.*http:\/\/[^:]*:\([0-9]*\).*/\1/p' "$scratch/shop.txt" | head -n 1)
    [ -n "$port" ] && break
    kill -0 "$shop_pid" 2>/dev/null || fail "the shop did not start"
    sleep 0.1
done
[ -n "$port" ] || fail "the shop did not say its address"

# The first block of shell lines below the heading "A first order".
awk '/^## A first order/ { in_section = 1 } in_section && /^```$/ { exit } in_block { print }
     in_section && /^```sh$/ { in_block = 1 }' "$root/README.md" |
    sed "s/localhost:3000/localhost:$port/" >"$scratch/lines.sh"
grep -q 'Idempotency-Key' "$scratch/lines.sh" || fail "the lines were not found in README.md"
bash "$scratch/lines.sh" >"$scratch/answers.txt" 2>"$scratch/errors.txt" || fail "a line failed"
[ ! -s "$scratch/errors.txt" ] || fail "the lines printed errors"
grep -q '"email":"ann@example.com".*"roles"' "$scratch/answers.txt" || fail "the account could not sign in"
tail -n 1 "$scratch/answers.txt" | grep -q '"status":"confirmed"' || fail "the order was not confirmed"
echo "1 passed, 0 failed"
