#!/bin/sh
# Fetches the source archives of deps/sources.txt by package name, checks their hashes, and builds them as static
# libraries: build/deps/{include,lib}. Does nothing when that was done for the same list.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/build/deps
stamp=$out/stamp-$(sha256sum "$root/deps/sources.txt" "$0" | sha256sum | cut -c1-16)
[ -e "$stamp" ] && exit 0
mkdir -p "$out/download" "$out/include" "$out/lib"
[ -x "$out/venv/bin/pip" ] || /usr/bin/python3 -m venv "$out/venv"
for attempt in 1 2 3; do
    if "$out/venv/bin/pip" --quiet --disable-pip-version-check download --no-deps --no-binary :all: --require-hashes \
        --dest "$out/download" -r "$root/deps/sources.txt"; then
        break
    elif [ "$attempt" = 3 ]; then
        echo "fetch_sources: the archives of deps/sources.txt could not be fetched; is the package registry reachable?" >&2
        exit 1
    fi
done
for archive in "$out"/download/*.tar.gz; do
    tar -xzf "$archive" -C "$out"
done
flags="-O2 -g -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2"
build() { # name, include folder, sources
    name=$1 include=$2
    shift 2
    objects=
    for source in "$@"; do
        object=$out/$name-$(basename "$source" .c).o
        ${CC:-cc} $flags -I"$include" -c "$source" -o "$object"
        objects="$objects $object"
    done
    rm -f "$out/lib/lib$name.a"
    ar rcs "$out/lib/lib$name.a" $objects
    cp "$include"/"$name".h "$out/include/"
}
yyjson=$(echo "$out"/yyjson-*/yyjson)
llhttp=$(echo "$out"/httptools-*/vendor/llhttp)
build yyjson "$yyjson" "$yyjson/yyjson.c"
build llhttp "$llhttp/include" "$llhttp"/src/*.c
touch "$stamp"
