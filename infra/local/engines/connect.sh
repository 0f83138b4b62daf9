# shellcheck shell=bash disable=SC2034,SC2154 # read by engines.sh, and given by it
# Kafka Connect with Debezium's connector for Postgres. What it knows is in Kafka; its folder can go.
ports=("${ENGINES_CONNECT_PORT:-18083}")
needs=(kafka)
ready_limit_s=120
stop_signal=TERM

# shellcheck source=infra/local/java.sh
. "$here/java.sh"

engine_url() {
    echo "http://127.0.0.1:${ports[0]}"
}

engine_fetch() {
    "$root/tools/maven.sh" kafka >/dev/null
    "$root/tools/maven.sh" debezium >/dev/null
}

# A plugin is a folder below plugin.path. Passwords are read from files when they are needed, so that no connector's
# configuration, which Connect shows to whoever asks, has them. After a crash the worker waits until its former self's
# session is over: 6 s is the least that Kafka takes.
engine_prepare() {
    mkdir -p "$folder/plugins" "$state/secrets"
    ln -sfn "$("$root/tools/maven.sh" debezium)" "$folder/plugins/debezium"
    cat >"$folder/worker.properties" <<END
bootstrap.servers=$(in_engine kafka engine_url)
group.id=connect
listeners=$(engine_url)
config.storage.topic=connect.configs
offset.storage.topic=connect.offsets
status.storage.topic=connect.status
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
offset.storage.partitions=1
status.storage.partitions=1
offset.flush.interval.ms=1000
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
header.converter=org.apache.kafka.connect.storage.StringConverter
producer.linger.ms=0
plugin.path=$folder/plugins
plugin.discovery=service_load
scheduled.rebalance.max.delay.ms=0
session.timeout.ms=6000
heartbeat.interval.ms=2000
config.providers=directory
config.providers.directory.class=org.apache.kafka.common.config.provider.DirectoryConfigProvider
config.providers.directory.param.allowed.paths=$state/secrets
END
}

engine_exec() {
    exec setsid "${java[@]}" -Xms64m -Xmx256m -cp "$(kafka_classpath)" \
        org.apache.kafka.connect.cli.ConnectDistributed "$folder/worker.properties"
}

engine_is_ready() {
    curl --silent --fail --max-time "$ANSWER_LIMIT_S" "$(engine_url)/health"
}

publish_outboxes() { # service …
    local postgres_port
    postgres_port=$(in_engine postgres first_port)
    "$root/infra/connect/apply.py" --connect "$(engine_url)" --database "127.0.0.1:$postgres_port/shopstream" \
        --user postgres --password "\${directory:$state/secrets:postgres}" "$@"
}
