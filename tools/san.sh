#!/bin/sh
# Builds with AddressSanitizer and UndefinedBehaviorSanitizer into build-san and runs every test on that.
set -eu
cd "$(dirname "$0")/.."
tools/build.sh build-san -Db_sanitize=address,undefined -Db_lundef=false
export ASAN_OPTIONS=detect_stack_use_after_return=0:strict_string_checks=1:detect_leaks=1:abort_on_error=0:exitcode=99
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:exitcode=99
export SHOPSTREAM_SANITIZED=1
exec tools/run_tests.py build-san
