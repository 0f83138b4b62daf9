# shellcheck shell=bash disable=SC2034,SC2154 # read by the engines' files, and given by engines.sh
# What the engines that run on Java have in common. The flags trade peak speed, which no test here needs, for memory and
# a quick start. An engine that runs out of memory ends, and says so, instead of going on in parts.
java=(
    "/usr/lib/jvm/java-17-openjdk-$(dpkg --print-architecture)/bin/java"
    -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -XX:+ExitOnOutOfMemoryError
    -Djava.io.tmpdir="$folder" -Dlog4j2.configurationFile="$here/log4j2.properties"
)

kafka_classpath() {
    echo "$("$root/tools/maven.sh" kafka)/*"
}
