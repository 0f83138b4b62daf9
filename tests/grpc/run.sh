#!/bin/sh
# gRPC as others speak it: grpcurl lists, describes and calls; grpc-core (Python's grpcio) calls the shop and is called.
# timeout_s: 900
# grpcurl itself is built before, once: that takes a minute or five.
set -eu
grpcurl=$("$SHOPSTREAM_ROOT/tools/go.sh" grpcurl)
exec "$SHOPSTREAM_ROOT/tools/python.sh" peers.py "$grpcurl"
