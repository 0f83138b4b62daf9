#!/bin/sh
# timeout_s: 1200
exec /usr/bin/python3 -m unittest discover --verbose --start-directory "$(dirname "$0")"
