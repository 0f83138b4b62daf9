#!/bin/sh
# Builds into the folder $1 (meson options follow): generates what comes from .proto and .sql, configures where the list
# of source files changed, compiles.
set -eu
cd "$(dirname "$0")/.."
folder=$1
shift
/usr/bin/python3 tools/generate.py
mkdir -p "$folder"
{ tools/list_sources.sh code platform services cli; find platform services cli tests -name '*.c' -o -name meson.build; find build/generated -name '*.c'; } 2>/dev/null |
    LC_ALL=C sort -u >"$folder/sources.new"
if [ ! -e "$folder/build.ninja" ]; then
    meson setup "$folder" "$@" >"$folder/setup.log" || { cat "$folder/setup.log" >&2; exit 1; }
elif ! cmp -s "$folder/sources.new" "$folder/sources.list"; then
    meson setup --reconfigure "$folder" "$@" >"$folder/setup.log" || { cat "$folder/setup.log" >&2; exit 1; }
fi
mv "$folder/sources.new" "$folder/sources.list"
exec ninja -C "$folder" --quiet
