#!/bin/sh
# The types of the API as the program $1 describes it, for what is written in TypeScript: build/frontend-types/api.d.ts.
# Does nothing where the description is the one of before.
set -eu
cd "$(dirname "$0")/.."
types=build/frontend-types
mkdir -p "$types"
"$1" openapi >"$types/openapi.json.new"
if ! cmp -s "$types/openapi.json.new" "$types/openapi.json" || [ ! -e "$types/api.d.ts" ]; then
    mv "$types/openapi.json.new" "$types/openapi.json"
    tools/node.sh node frontend/node_modules/openapi-typescript/bin/cli.js "$types/openapi.json" -o "$types/api.d.ts"
fi
