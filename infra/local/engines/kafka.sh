# shellcheck shell=bash disable=SC2034,SC2154 # read by engines.sh, and given by it
# Kafka: one process that is both broker and controller. A topic that nobody made is an error, not a new topic.
# ENGINES_KAFKA_PROXY is the port of a test's proxy, before the port ENGINES_KAFKA_PROXIED_PORT: who comes through it is
# told of no other address.
ports=("${ENGINES_KAFKA_PORT:-19092}" "${ENGINES_KAFKA_CONTROLLER_PORT:-19093}")
if [ -n "${ENGINES_KAFKA_PROXY:-}" ]; then
    ports+=("$ENGINES_KAFKA_PROXIED_PORT")
fi
ready_limit_s=120
stop_signal=TERM

CLUSTER_ID=c2hvcHN0cmVhbS1sb2NhbA # 16 bytes in base64: "shopstream-local"
# shellcheck source=infra/local/java.sh
. "$here/java.sh"

engine_url() {
    echo "127.0.0.1:${ports[0]}"
}

engine_fetch() {
    "$root/tools/maven.sh" kafka >/dev/null
}

# The cleaner's buffer is 128 MB where nothing is said.
write_properties() { # data folder
    local proxied="" advertised=""
    if [ -n "${ENGINES_KAFKA_PROXY:-}" ]; then
        proxied=",PROXIED://127.0.0.1:${ports[2]}"
        advertised=",PROXIED://127.0.0.1:$ENGINES_KAFKA_PROXY"
    fi
    cat <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${ports[1]}
listeners=PLAINTEXT://127.0.0.1:${ports[0]},CONTROLLER://127.0.0.1:${ports[1]}$proxied
advertised.listeners=PLAINTEXT://127.0.0.1:${ports[0]}$advertised
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT
log.dirs=$1
auto.create.topics.enable=false
num.partitions=4
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=8388608
END
}

# A folder that is named "data" is whole.
make_data() {
    rm -rf "$folder/data.new"
    write_properties "$folder/data.new" >"$folder/format.properties"
    "${java[@]}" -Xmx64m -cp "$(kafka_classpath)" kafka.tools.StorageTool format --cluster-id "$CLUSTER_ID" \
        --config "$folder/format.properties"
    mv "$folder/data.new" "$folder/data"
}

engine_prepare() {
    [ -d "$folder/data" ] || make_data
    write_properties "$folder/data" >"$folder/server.properties"
}

engine_exec() {
    exec setsid "${java[@]}" -Xms64m -Xmx256m -cp "$(kafka_classpath)" kafka.Kafka "$folder/server.properties"
}

engine_is_ready() {
    kcat -b "$(engine_url)" -m "$ANSWER_LIMIT_S" -L
}
