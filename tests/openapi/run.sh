#!/bin/sh
# The REST API against its own description, by schemathesis: as nobody, as a customer and as an administrator.
# timeout_s: 600
set -eu
exec "$SHOPSTREAM_ROOT/tools/python.sh" explore.py
