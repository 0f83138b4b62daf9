#!/bin/sh
# Fetches the source archives of deps/sources.txt by package name, checks their hashes, and builds them as static
# libraries: build/deps/{include,lib}. Does nothing when that was done for the same list; needs no network when the
# archives are there. Every build folder (build, build-san …) uses these libraries.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/build/deps
stamp=stamp-$(cat "$root/deps/sources.txt" "$0" | sha256sum | cut -c1-16)
[ ! -e "$out/$stamp" ] || exit 0
mkdir -p "$out"

# One at a time; whoever waited finds it done. The result is made beside and put in place whole.
exec 9>"$root/build/deps.lock"
flock 9
[ ! -e "$out/$stamp" ] || exit 0
new=$(mktemp -d "$root/build/deps.XXXXXX")
trap 'rm -rf "$new"' EXIT
mkdir -p "$new/include" "$new/lib" "$new/objects"

/usr/bin/python3 "$root/tools/fetch_packages.py" "$root/deps/sources.txt" "$out/download" >"$new/files"
while read -r name archive; do
    mkdir "$new/$name"
    tar -xzf "$archive" -C "$new/$name" --strip-components=1
done <"$new/files"

# As meson.build does: they read what strangers send.
hardening="-fPIE -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"
[ "$(uname -m)" != x86_64 ] || hardening="$hardening -fcf-protection=full"

# Compiles one source file into an object of a library, in the background: the files are few.
compile() { # library, include folder, source
    # shellcheck disable=SC2086 # the flags are words
    "${CC:-cc}" -O2 -g $hardening -I"$2" -c "$3" -o "$new/objects/$1-$(basename "$3" .c).o" &
    pids="$pids $!"
}
pids=
compile yyjson "$new/yyjson/yyjson" "$new/yyjson/yyjson/yyjson.c"
for source in "$new"/httptools/vendor/llhttp/src/*.c; do
    compile llhttp "$new/httptools/vendor/llhttp/include" "$source"
done
for pid in $pids; do
    wait "$pid"
done
for library in yyjson llhttp; do
    ar rcs "$new/lib/lib$library.a" "$new/objects/$library"-*.o
done
cp "$new/yyjson/yyjson/yyjson.h" "$new/httptools/vendor/llhttp/include/llhttp.h" "$new/include/"

# The passwords that people take most often (zxcvbn keeps them by frequency), as far as they are long enough to be ours.
/usr/bin/python3 - "$new/zxcvbn/zxcvbn/frequency_lists.py" >"$new/include/common_passwords.h" <<'END'
import ast
import sys

PASSWORD_LENGTH_MIN = 8
tree = ast.parse(open(sys.argv[1]).read())
lists = next(ast.literal_eval(ast.unparse(node.value).replace(".split(',')", "")) for node in tree.body
             if isinstance(node, ast.Assign) and node.targets[0].id == "FREQUENCY_LISTS")
words = sorted({word.encode() for word in lists["passwords"].split(",") if len(word) >= PASSWORD_LENGTH_MIN})
print("/* In the order of their bytes. */\nstatic const char *const common_passwords[] = {")
for word in words:
    print('"%s",' % "".join(chr(byte) if chr(byte).isalnum() else "\\%03o" % byte for byte in word))
print("};")
END

rm -rf "${out:?}/include" "${out:?}/lib"
mv "$new/include" "$new/lib" "$out/"
touch "$out/$stamp"
