#!/bin/bash
# The real engines that the shop may stand on, on this machine and without containers. `engines.sh help` says how it is
# called; README.md says what an engine's file has.
#
# Each engine has a folder below $state: its data, its log, and the file "process" that says which process it is. One
# call of engines.sh at a time changes a state folder.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # in_engine's variables are for its subshell, which reads the files
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
state=$(realpath -m "${ENGINES_STATE:-$root/build/engines/state}")

# In the order in which they start.
all_engines=(postgres redis streams kafka connect)

STOP_LIMIT_S=30
ANSWER_LIMIT_S=2 # of an engine that is asked whether it is ready
LOG_LINES_SHOWN=20
POLL_S=0.1

say_usage() {
    cat <<'END'
engines.sh COMMAND [ENGINE…]     without an engine: all of them

  fetch     install and download what the engines need
  start     fetch, start what does not run, and wait until all are ready
  stop      stop what engines.sh started
  status    what runs where; exits 1 unless all are ready
  url       the address that a client uses
  outbox SERVICE…   publish the outbox of these services from Postgres to Kafka

engines: postgres redis streams kafka connect
ENGINES_STATE is the folder of their data, logs and passwords (build/engines/state), ENGINES_POSTGRES_PORT,
ENGINES_REDIS_PORT, ENGINES_STREAMS_PORT, ENGINES_KAFKA_PORT, ENGINES_KAFKA_CONTROLLER_PORT and ENGINES_CONNECT_PORT
where they listen, on 127.0.0.1; ENGINES_READY_LIMIT_S how long the start of one may take.
END
}

say() {
    printf '%-9s %s\n' "$engine" "$1"
}

fail() {
    say "$1" >&2
    exit 1
}

fail_with_log() {
    say "$1; its log, $log, ends so:" >&2
    tail -n "$LOG_LINES_SHOWN" "$log" | sed 's/^/    /' >&2
    exit 1
}

# -- One engine: all below runs in a subshell that has read the engine's file ---------------------------------------
in_engine() ( # engine, function …
    engine=$1
    folder=$state/$engine
    log=$folder/log
    needs=()
    # shellcheck source=/dev/null
    . "$here/engines/$engine.sh"
    ready_limit_s=${ENGINES_READY_LIMIT_S:-$ready_limit_s}
    "${@:2}"
)

# A process id is used again after its process; with the instant of its start, in clock ticks since boot, it is not.
start_tick() { # pid; nothing when there is no such process, or it is dead and nobody has asked for its end yet
    local stat fields
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
    read -ra fields <<<"${stat##*) }"
    if [ "${fields[0]}" != Z ]; then
        echo "${fields[19]}"
    fi
}

boot_id() {
    cat /proc/sys/kernel/random/boot_id
}

# Prints its process id; fails where it does not run.
running_pid() {
    local pid tick boot
    [ -f "$folder/process" ] || return 1
    read -r pid tick boot <"$folder/process"
    [ "$boot" = "$(boot_id)" ] && [ -n "$tick" ] && [ "$tick" = "$(start_tick "$pid")" ] || return 1
    echo "$pid"
}

is_running() {
    running_pid >/dev/null
}

first_port() {
    echo "${ports[0]}"
}

is_taken() { # port
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# The subshell writes down itself and then becomes the engine: there is no instant at which it runs unrecorded.
launch() {
    local port
    for port in "${ports[@]}"; do
        if is_taken "$port"; then
            fail "port $port is taken by another process; end that, or set the engine's port (engines.sh help)"
        fi
    done
    umask 077
    mkdir -p "$folder"
    rm -f "$folder/process"
    [ ! -f "$log" ] || mv "$log" "$log.before"
    (engine_prepare) >"$log" 2>&1 &
    wait $! || fail_with_log "could not be prepared"
    (
        exec 9>&- </dev/null >>"$log" 2>&1
        cd "$folder"
        pid=$BASHPID # in a command substitution it is another
        echo "$pid $(start_tick "$pid") $(boot_id)" >process.new
        mv process.new process
        engine_exec
    ) &
    until [ -f "$folder/process" ] || ! kill -0 $! 2>/dev/null; do
        sleep "$POLL_S"
    done
}

wait_until_ready() {
    local deadline=$((SECONDS + ready_limit_s))
    until is_running && engine_is_ready >/dev/null 2>&1; do
        is_running || fail_with_log "ended while it started"
        ((SECONDS < deadline)) || fail_with_log "still not ready after $ready_limit_s s"
        sleep "$POLL_S"
    done
}

start_engine() {
    local need before=$SECONDS
    for need in "${needs[@]}"; do
        in_engine "$need" is_running || in_engine "$need" start_engine
    done
    if is_running; then
        wait_until_ready
        say "runs already ($(running_pid)), $(engine_url)"
    else
        launch
        wait_until_ready
        say "started ($(running_pid)), $(engine_url), $((SECONDS - before)) s"
    fi
}

stop_engine() {
    local pid deadline=$((SECONDS + STOP_LIMIT_S))
    if ! pid=$(running_pid); then
        rm -f "$folder/process"
        say "does not run"
        return
    fi
    kill -s "$stop_signal" "$pid"
    while is_running; do
        if ((SECONDS >= deadline)); then
            say "did not stop in $STOP_LIMIT_S s and is killed" >&2
            kill -s KILL "$pid"
            deadline=$((SECONDS + STOP_LIMIT_S))
        fi
        sleep "$POLL_S"
    done
    rm -f "$folder/process"
    say "stopped"
}

# Of the process and its children, each page that several share counted once.
memory_mb() { # pid
    local pid children
    children=$(cat /proc/[0-9]*/stat 2>/dev/null |
        awk -v parent="$1" '{ pid = $1; sub(/^.*\) /, ""); if ($2 == parent) print pid }')
    for pid in "$1" $children; do
        cat "/proc/$pid/smaps_rollup" 2>/dev/null || true # a child may have ended
    done | awk '/^Pss:/ { kb += $2 } END { printf "%d", kb / 1024 }'
}

show_status() {
    local pid word=ready
    if ! pid=$(running_pid); then
        if [ -f "$folder/process" ]; then
            say "died       log: $log"
        else
            say "stopped"
        fi
        return 1
    fi
    engine_is_ready >/dev/null 2>&1 || word="not ready"
    say "$(printf '%-10s %s, process %s, %s MB, log: %s' "$word" "$(engine_url)" "$pid" "$(memory_mb "$pid")" "$log")"
    [ "$word" = ready ]
}

# -- The commands ----------------------------------------------------------------------------------------------------
# What the shop knows is in there; others may only pass through, as Postgres' own user does.
lock_state() {
    mkdir -p "$state"
    [ -f "$state/lock" ] || chmod 711 "$state"
    exec 9>"$state/lock"
    flock 9
}

fetch() {
    local engine
    "$root/tools/setup.sh" engines
    for engine in "$@"; do
        in_engine "$engine" engine_fetch
    done
}

# Into `engines`, in the order of all_engines: those of the arguments, or all.
choose_engines() {
    local engine
    for engine in "$@"; do
        if [[ " ${all_engines[*]} " != *" $engine "* ]]; then
            echo "engines.sh: there is no engine \"$engine\"; there are ${all_engines[*]}" >&2
            exit 2
        fi
    done
    engines=()
    for engine in "${all_engines[@]}"; do
        if [ $# = 0 ] || [[ " $* " == *" $engine "* ]]; then
            engines+=("$engine")
        fi
    done
}

command=${1:-help}
shift || true
case $command in
fetch)
    choose_engines "$@"
    fetch "${engines[@]}"
    ;;
start)
    choose_engines "$@"
    fetch "${engines[@]}"
    lock_state
    for engine in "${engines[@]}"; do
        in_engine "$engine" start_engine
    done
    ;;
stop)
    choose_engines "$@"
    lock_state
    for ((i = ${#engines[@]} - 1; i >= 0; i--)); do
        in_engine "${engines[i]}" stop_engine
    done
    ;;
status)
    choose_engines "$@"
    all_ready=0
    for engine in "${engines[@]}"; do
        in_engine "$engine" show_status || all_ready=1
    done
    exit "$all_ready"
    ;;
url)
    choose_engines "$@"
    for engine in "${engines[@]}"; do
        in_engine "$engine" engine_url
    done
    ;;
outbox)
    in_engine connect publish_outboxes "$@"
    ;;
help | --help | -h)
    say_usage
    ;;
*)
    say_usage >&2
    exit 2
    ;;
esac
