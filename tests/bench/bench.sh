#!/bin/sh
# What `make bench` runs: the shop on its seeded catalog next to the bare epoll server, in one run.
exec /usr/bin/python3 "$(dirname "$0")/bench.py" "$@"
