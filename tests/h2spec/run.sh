#!/bin/sh
# HTTP/2 as its RFCs say, by h2spec: every case of it, strict ones too, in clear text and over TLS.
# timeout_s: 600
# h2spec itself is built before, once: that takes a minute or three.
set -eu
h2spec=$("$SHOPSTREAM_ROOT/tools/go.sh" h2spec)
exec /usr/bin/python3 conformance.py "$h2spec"
