#!/bin/sh
# Builds into the folder $1 (meson options follow): generates what comes from .proto and .sql, configures where the list
# of source files or the options changed, compiles, draws the pictures. TARGETS, if set, names the programs to build;
# else all are.
set -eu
cd "$(dirname "$0")/.."
folder=$1
shift
mkdir -p "$folder" build

# Generating takes half a second, so it is left out where no input (or folder, from which one may be gone) is newer.
stamp=build/generated.stamp
if [ ! -e "$stamp" ] || [ ! -d build/generated ] ||
    [ -n "$(find platform services tests/simulation tests/faults tools/generate.py -newer "$stamp" \
        \( -name '*.proto' -o -name '*.sql' -o -name generate.py -o -type d \) -print -quit 2>/dev/null)" ]; then
    touch "$stamp.new"
    /usr/bin/python3 tools/generate.py
    mv "$stamp.new" "$stamp"
fi

# The list of files is what meson.build asks for; a changed list means that meson has to look again.
{
    echo "$@"
    find platform services cli renderer tests tools/pictures build/generated -name '*.c' 2>/dev/null | LC_ALL=C sort
} >"$folder/sources.new"
configure() {
    meson setup "$@" >"$folder/setup.log" 2>&1 || { cat "$folder/setup.log" >&2; exit 1; }
}
if [ ! -e "$folder/build.ninja" ]; then
    configure "$folder" "$@"
elif ! cmp -s "$folder/sources.new" "$folder/sources.list"; then
    configure --reconfigure "$folder" "$@"
fi
mv "$folder/sources.new" "$folder/sources.list"

# A terminal shows the progress; elsewhere only what went wrong is printed.
# shellcheck disable=SC2086 # TARGETS is a list of words
compile() {
    ninja -C "$folder" "$@" ${TARGETS:-}
}
if [ -t 1 ]; then
    NINJA_STATUS='building %f of %t: ' compile
else
    compile --quiet >"$folder/build.log" 2>&1 || { cat "$folder/build.log" >&2; exit 1; }
fi

# The demo catalog's pictures lie in build, drawn by the program there. Another folder's draws them only where there are
# none, as compilers differ in the last digit, and has a link. Leaks of the libraries that it loads are none of ours.
draws=$folder/draw_pictures
is_drawn() {
    [ -e build/pictures/pictures.json ] &&
        { [ "$folder" != build ] ||
            { [ -e build/pictures.stamp ] && [ -z "$(find "$draws" -newer build/pictures.stamp)" ]; }; }
}
if [ -x "$draws" ] && ! is_drawn; then
    touch build/pictures.stamp.new
    ASAN_OPTIONS=detect_leaks=0 "$draws" build/pictures
    mv build/pictures.stamp.new build/pictures.stamp
fi
# A shop looks for both beside its program.
for web in pictures frontend; do
    [ "$folder" = build ] || [ -L "$folder/$web" ] || ln -s "$PWD/build/$web" "$folder/$web"
done
