#!/bin/sh
# Lays out every C file as .clang-format says; with --check it changes nothing and fails where a file differs.
set -eu
cd "$(dirname "$0")/.."
mode=-i
[ "${1:-}" != --check ] || mode='--dry-run -Werror'
# shellcheck disable=SC2086 # two words
git ls-files -co --exclude-standard '*.c' '*.h' | xargs -r clang-format $mode --style=file
