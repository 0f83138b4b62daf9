# shellcheck shell=bash disable=SC2034,SC2154 # read by engines.sh, and given by it
# Redis 7 of Debian, for the cache: it outlives a restart, less a second at most, and what has a time to live is dropped
# when the memory is full. streams.sh is another one, for what may not be lost.
fsync=everysec
policy=volatile-lru
ports=("${ENGINES_REDIS_PORT:-16379}")
ready_limit_s=30
stop_signal=TERM

engine_url() {
    echo "redis://127.0.0.1:${ports[0]}"
}

engine_fetch() {
    : # its package is in deps/debian-engines.txt
}

engine_prepare() {
    mkdir -p "$folder/data"
}

engine_exec() {
    exec setsid redis-server --bind 127.0.0.1 --port "${ports[0]}" --dir "$folder/data" --appendonly yes \
        --appendfsync "$fsync" --save '' --maxmemory 128mb --maxmemory-policy "$policy"
}

engine_is_ready() {
    [ "$(timeout "$ANSWER_LIMIT_S" redis-cli -h 127.0.0.1 -p "${ports[0]}" ping)" = PONG ]
}
