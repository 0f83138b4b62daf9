#!/bin/sh
# Runs Debian's Python with the packages of deps/python.txt, for tests: python.sh ARGUMENTS. They are installed once,
# into build/python, each checked against its hash; nothing else of the machine's is seen.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/build/python
venv=$out/$(cat "$root/deps/python.txt" "$0" | sha256sum | cut -c1-16)
if [ ! -e "$venv/complete" ]; then
    mkdir -p "$out"
    exec 9>"$root/build/python.lock"
    flock 9
fi
if [ ! -e "$venv/complete" ]; then
    rm -rf "$venv"
    # pip comes as Debian's wheel (package python3-pip-whl), so that the environment needs none of its own.
    /usr/bin/python3 -m venv --without-pip "$venv"
    attempt=1
    until PYTHONPATH=$(echo /usr/share/python-wheels/pip-*.whl) "$venv/bin/python" -m pip install --quiet \
        --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r "$root/deps/python.txt" >&2; do
        [ "$attempt" -lt 4 ] || exit 1
        attempt=$((attempt + 1))
        sleep "$attempt"
    done
    touch "$venv/complete"
fi
exec "$venv/bin/python" "$@"
