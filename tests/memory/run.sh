#!/bin/sh
# Each allocation of ours fails once under a real server and a real client (memory.h): all of them, as they are few.
# Then bugs that are planted behind such a failure must be found, by what they break.
set -u
memory=${SHOPSTREAM_BUILD:?}/memory
output=$(mktemp)
trap 'rm -f "$output"' EXIT
"$memory" >"$output"
status=$?
cat "$output"
passed=$(sed -n 's/^\([0-9]*\) passed, .*/\1/p' "$output")
failed=$(sed -n 's/.* passed, \([0-9]*\) failed$/\1/p' "$output")
[ "$status" = 0 ] || [ "${failed:-0}" != 0 ] || failed=1

# BUG WORDS: of what finds it.
check_plant() {
    if "$memory" --flow http1 --plant "$1" >"$output" 2>&1 && grep -q "^    .*$2" "$output"; then
        passed=$((passed + 1))
        echo "ok planted $1 found: $(head -n 1 "$output")"
    else
        failed=$((failed + 1))
        echo "FAILED planted $1"
        cat "$output"
    fi
}
check_plant leak "1 blocks more than before"
check_plant wait "nothing came for"
check_plant answer "a false body of"
echo "${passed:-0} passed, ${failed:-1} failed"
[ "${failed:-1}" = 0 ]
