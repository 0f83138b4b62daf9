#!/bin/sh
# Builds the pages of frontend/ into build/frontend; does nothing where no source is newer than the last build. npm
# packages come by the lock file, and only when that has changed. `frontend.sh packages` stops after those.
set -eu
cd "$(dirname "$0")/.."
out=build/frontend
stamp=build/frontend.stamp
packages=frontend/node_modules/.installed
attempts_max=3

# A folder is newer when a file of it is gone. The two C files are what frontend/tooling/server-tables.mjs reads.
is_built() {
    [ -e "$stamp" ] && [ -e "$out/manifest.json" ] && [ -e "$packages" ] &&
        [ -z "$(find frontend tools/frontend.sh platform/base/iso_code.c platform/service/shop_settings.c \
            -name node_modules -prune -o -newer "$stamp" -print -quit)" ]
}

install_packages() {
    wanted=$(sha256sum <frontend/package-lock.json | cut -c1-64)
    if [ -e "$packages" ] && [ "$(cat "$packages")" = "$wanted" ]; then
        return
    fi
    echo "frontend: installing the npm packages of frontend/package-lock.json"
    attempt=1
    until tools/node.sh npm ci --prefix frontend --ignore-scripts --no-audit --no-fund --prefer-offline \
        >build/frontend-packages.log 2>&1; do
        if [ "$attempt" = "$attempts_max" ]; then
            head -n 20 build/frontend-packages.log >&2
            echo "frontend: the npm packages could not be fetched; npm config get registry says from where" >&2
            exit 1
        fi
        attempt=$((attempt + 1))
    done
    echo "$wanted" >"$packages"
}

if [ "${1:-}" != packages ] && is_built; then
    exit 0
fi
mkdir -p build
exec 9>build/frontend.lock
flock 9
if [ "${1:-}" = packages ]; then
    install_packages
    exit 0
fi
! is_built || exit 0
touch "$stamp.new"
install_packages
echo "frontend: building the pages"
tools/node.sh node frontend/build.mjs "$out" >build/frontend.log 2>&1 || {
    cat build/frontend.log >&2
    exit 1
}
mv "$stamp.new" "$stamp"
