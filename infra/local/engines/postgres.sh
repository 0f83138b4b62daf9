# shellcheck shell=bash disable=SC2034,SC2154 # read by engines.sh, and given by it
# Postgres 15 of Debian. The database "shopstream" compares texts by their bytes. The superuser's password is made up at
# the first start; clients read it from the file that the address names.
ports=("${ENGINES_POSTGRES_PORT:-15432}")
ready_limit_s=60
stop_signal=INT # "fast": ends sessions instead of waiting for them

POSTGRES_PROGRAMS=/usr/lib/postgresql/15/bin
ORPHANS_LIMIT_S=30

engine_url() {
    echo "postgresql://postgres@127.0.0.1:${ports[0]}/shopstream?passfile=$state/secrets/pgpass"
}

engine_fetch() {
    : # its package is in deps/debian-engines.txt
}

# Postgres refuses to run as root, so root gives it the user of Debian's package. Where a folder above the data is
# closed to that user, as root's home is, it is let through by the capability to read.
choose_owner() {
    owner=()
    if ((EUID == 0)); then
        owner=(setpriv --reuid=postgres --regid=postgres --init-groups)
        if ! "${owner[@]}" test -x "$folder"; then
            owner+=(--inh-caps=+dac_read_search --ambient-caps=+dac_read_search)
        fi
    fi
}

# One statement a line, on the data of a server that does not run.
run_offline() { # data folder
    "${owner[@]}" "$POSTGRES_PROGRAMS/postgres" --single -D "$1" postgres >/dev/null
}

# A folder that is named "data" is whole.
make_data() {
    rm -rf "$folder/data.new"
    mkdir -m 700 "$folder/data.new"
    ((EUID != 0)) || chown postgres:postgres "$folder/data.new"
    "${owner[@]}" "$POSTGRES_PROGRAMS/initdb" --pgdata="$folder/data.new" --username=postgres --encoding=UTF8 \
        --locale=C --auth=reject
    cat >"$folder/data.new/pg_hba.conf" <<'END'
host all         all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
END
    run_offline "$folder/data.new" <<<"CREATE DATABASE shopstream"
    mv "$folder/data.new" "$folder/data"
}

make_password() {
    local password
    password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    mkdir -p "$state/secrets"
    run_offline "$folder/data" <<<"ALTER ROLE postgres PASSWORD '$password'"
    printf %s "$password" >"$state/secrets/postgres"
}

# After its server was killed, a session may still be about to notice. Each has the data as its working folder. Then the
# lock is nobody's, which Postgres itself does not see while the dead server waits for a slow init to ask for its end.
clear_lock() {
    local deadline=$((SECONDS + ORPHANS_LIMIT_S))
    while find /proc/[0-9]*/cwd -maxdepth 0 -lname "$folder/data" 2>/dev/null | grep -q .; do
        ((SECONDS < deadline)) || fail "processes of a server that was killed still use $folder/data"
        sleep "$POLL_S"
    done
    rm -f "$folder/data/postmaster.pid"
}

engine_prepare() {
    chmod 711 "$folder"
    choose_owner
    [ -d "$folder/data" ] || make_data
    clear_lock
    [ -f "$state/secrets/postgres" ] || make_password
    echo "127.0.0.1:${ports[0]}:*:postgres:$(<"$state/secrets/postgres")" >"$state/secrets/pgpass"
}

# Sessions are for two processes of each service; slots, and processes that send, for the outbox of each.
engine_exec() {
    choose_owner
    exec setsid "${owner[@]}" "$POSTGRES_PROGRAMS/postgres" -D "$folder/data" -p "${ports[0]}" \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 -c shared_buffers=64MB \
        -c wal_level=logical -c max_replication_slots=20 -c max_wal_senders=20 -c timezone=UTC -c log_timezone=UTC
}

engine_is_ready() {
    timeout "$ANSWER_LIMIT_S" psql --no-psqlrc --quiet --command='SELECT 1' "$(engine_url)"
}
