#!/bin/sh
# Builds the fuzz targets tests/fuzz/fuzz_*.c with clang, libFuzzer and the sanitizers into build-fuzz, and runs each
# for $1 seconds from its corpus tests/fuzz/corpus/NAME; further arguments are the names of the only ones to run. What a
# run finds new goes to build-fuzz/corpus/NAME, an input that fails to build-fuzz/NAME-crash-… (or -timeout-, -oom-).
set -eu
cd "$(dirname "$0")/.."
seconds=$1
shift
folder=build-fuzz
targets=$(find tests/fuzz -name 'fuzz_*.c' 2>/dev/null | LC_ALL=C sort)
TARGETS=$(echo "$targets" | sed 's|.*/||; s|\.c$||')
export TARGETS
CC=clang tools/build.sh "$folder" -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
passed=0
failed=0
for target in $targets; do
    name=$(basename "$target" .c)
    case " $* " in "  " | *" $name "*) ;; *) continue ;; esac
    mkdir -p "$folder/corpus/$name"
    if UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "$folder/$name" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$folder/$name-" "$folder/corpus/$name" \
        "tests/fuzz/corpus/$name" >"$folder/$name.log" 2>&1; then
        passed=$((passed + 1))
        echo "  $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/$name.log") inputs, nothing found"
    else
        failed=$((failed + 1))
        tail -n 60 "$folder/$name.log"
        input=$(sed -n 's/.*Test unit written to //p' "$folder/$name.log" | tail -n 1)
        echo "  $name: fails${input:+ on $input; again: $folder/$name $input}"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
