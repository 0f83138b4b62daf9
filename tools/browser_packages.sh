#!/bin/sh
# Installs the npm packages of the folders named, where they are not those of the lock file.
set -eu
for folder; do
    installed=$folder/node_modules/.package-lock.json
    if [ ! -e "$installed" ] || [ -n "$(find "$folder/package-lock.json" -newer "$installed")" ]; then
        tools/node.sh npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund
        touch "$installed"
    fi
done
