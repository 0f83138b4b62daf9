#!/bin/bash
# Every check that runs no program of ours: the tree's own rules (tools/lint.py, shown to fail by tests/lint), shell
# scripts, the layout of the C files, and both compilers without a warning. All are run, then it fails if one did.
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0
failed=0

check() { # what, command …
    local what=$1 output
    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "  $what: good"
    else
        failed=$((failed + 1))
        echo "$output" | head -n 200
        echo "  $what: bad"
    fi
}

shell_scripts() {
    git grep -lIE '^#!/bin/(ba)?sh' -- | xargs -r shellcheck
}

check "rules of the tree" /usr/bin/python3 tools/lint.py
check "rules can fail" /usr/bin/python3 -m unittest discover --start-directory tests/lint
check "shell scripts" shell_scripts
check "layout" tools/format.sh --check
check "gcc" env CC=gcc tools/build.sh build
check "clang" env CC=clang tools/build.sh build-clang
echo "lint: $passed passed, $failed failed"
[ "$failed" = 0 ]
