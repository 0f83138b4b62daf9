#!/bin/sh
# Installs the Debian packages of deps/debian.txt, and those of deps/debian-NAME.txt for each argument NAME ("test",
# "engines"). Asks dpkg once and does nothing where all are there. As root or through sudo; elsewhere it prints what to
# install.
set -eu
cd "$(dirname "$0")/.."
lists=deps/debian.txt
for name; do
    lists="$lists deps/debian-$name.txt"
done
attempts_max=5

# shellcheck disable=SC2086 # the lists and the packages are words without blanks
wanted=$(sed 's/#.*//' $lists | tr '\n' ' ')

missing_packages() {
    # shellcheck disable=SC2086
    dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' $wanted 2>/dev/null | sed -n 's/^ii *//p' |
        LC_ALL=C awk -v wanted="$wanted" '
            { there[$1] = 1 }
            END {
                count = split(wanted, name, " ")
                for (i = 1; i <= count; i++)
                    if (!(name[i] in there))
                        print name[i]
            }' |
        tr '\n' ' '
}

say_what_to_install() {
    echo "setup: $1" >&2
    echo "setup: these Debian 12 packages are needed; install them, or their counterparts, and start again:" >&2
    echo "    apt-get install $2" >&2
    exit 1
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    # Another system: go on where the build would, as the packages have other names there. The engines are Debian's.
    case " $* " in
    *" engines "*) say_what_to_install "this is not a Debian system" "$wanted" ;;
    esac
    if command -v meson >/dev/null && command -v ninja >/dev/null && command -v protoc-c >/dev/null &&
        pkg-config --exists libuv libnghttp2 openssl sqlite3 libcurl libprotobuf-c libargon2 libseccomp cmocka vips \
            javascriptcoregtk-4.1 libbrotlienc zlib hiredis rdkafka; then
        exit 0
    fi
    say_what_to_install "this is not a Debian system" "$wanted"
fi

missing=$(missing_packages)
[ -n "$missing" ] || exit 0
as_root=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        say_what_to_install "not root, and there is no sudo" "$missing"
    fi
    # sudo may ask for the password where somebody can answer; else it must not wait for one.
    if ! sudo -n true 2>/dev/null && ! { [ -t 0 ] && sudo true; }; then
        say_what_to_install "sudo asks for a password that nobody can type here" "$missing"
    fi
    as_root=sudo
fi

apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
        -o Dpkg::Use-Pty=0 "$@"
}

echo "setup: installing $missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
attempt=1
while :; do
    # A package list from before may do; where it is missing or too old, installing fails and the list is fetched. The
    # lock of the lists has no time-out of its own, which is one more reason to try again.
    # shellcheck disable=SC2086
    if apt install -y --no-install-recommends $missing >"$log" 2>&1; then
        break
    elif [ "$attempt" = "$attempts_max" ]; then
        cat "$log" >&2
        say_what_to_install "apt-get failed $attempts_max times" "$missing"
    fi
    [ "$attempt" = 1 ] || sleep $((attempt * 5))
    apt update >>"$log" 2>&1 || true
    attempt=$((attempt + 1))
done
missing=$(missing_packages)
[ -z "$missing" ] || say_what_to_install "apt-get left these out" "$missing"
