# shellcheck shell=bash disable=SC2034,SC2154 # read by engines.sh, and given by it
# A second Redis 7 of Debian, for streams: what it has acknowledged is on disk, and it drops nothing when its memory is
# full. The cache is not on it, as each of its writes would wait for the disk.
# shellcheck source=infra/local/engines/redis.sh
. "$here/engines/redis.sh"
ports=("${ENGINES_STREAMS_PORT:-16380}")
fsync=always
policy=noeviction
