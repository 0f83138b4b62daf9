#!/bin/sh
# Builds the fuzz targets tests/fuzz/fuzz_*.c with clang, libFuzzer and the sanitizers into build-fuzz, and runs each
# for $1 seconds from its corpus tests/fuzz/corpus/NAME. What a run finds new goes to build-fuzz/corpus/NAME.
set -eu
cd "$(dirname "$0")/.."
seconds=$1
folder=build-fuzz
targets=$(find tests/fuzz -name 'fuzz_*.c' 2>/dev/null | LC_ALL=C sort)
if [ -z "$targets" ]; then
    echo "fuzz: there is no target; one is a file tests/fuzz/fuzz_NAME.c with LLVMFuzzerTestOneInput"
    exit 0
fi
CC=clang tools/build.sh "$folder" -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
passed=0
failed=0
for target in $targets; do
    name=$(basename "$target" .c)
    mkdir -p "$folder/corpus/$name" "tests/fuzz/corpus/$name"
    if "$folder/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$folder/$name-" "$folder/corpus/$name" "tests/fuzz/corpus/$name" \
        >"$folder/$name.log" 2>&1; then
        passed=$((passed + 1))
        echo "  $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/$name.log") inputs, nothing found"
    else
        failed=$((failed + 1))
        tail -n 60 "$folder/$name.log"
        echo "  $name: found an input that fails; it is beside $folder/$name.log"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
