#!/bin/sh
# Each allocation of ours fails once under a real server and a real client (memory.h): all of them, as they are few.
set -eu
exec "${SHOPSTREAM_BUILD:?}/memory"
