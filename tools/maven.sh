#!/bin/bash
# Prints the folder with the Java archives of a list of deps/maven (`maven.sh kafka`), and fetches them before where
# they are not there, each checked against its SHA-256. `maven.sh pin kafka` writes that list, deps/maven/kafka.txt,
# from what Maven resolves deps/maven/kafka.xml to. Where archives come from is what the machine's Maven is set to.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
lists=$root/deps/maven
out=$root/build/engines/jars
plugin=org.apache.maven.plugins:maven-dependency-plugin:3.8.1
attempts_max=4

# A wrong checksum of the repository's own is an error too. Maven's cache is kept from one attempt to the next. What it
# says is of interest where it fails.
run_maven() {
    local attempt=1
    until mvn --quiet --batch-mode --strict-checksums -Dmaven.repo.local="$scratch/cache" "$@" >"$scratch/log" 2>&1; do
        if ((attempt == attempts_max)); then
            cat "$scratch/log" >&2
            echo "maven.sh: Maven failed $attempts_max times" >&2
            return 1
        fi
        sleep "$attempt"
        attempt=$((attempt + 1))
    done
}

write_project() { # list
    cat <<'END'
<project><modelVersion>4.0.0</modelVersion><groupId>shopstream</groupId><artifactId>fetch</artifactId>
<version>1</version><packaging>pom</packaging>
<build><plugins><plugin><artifactId>maven-dependency-plugin</artifactId><configuration><artifactItems>
END
    local group artifact version
    grep -v '^#' "$1" | while IFS=': ' read -r group artifact version _; do
        echo "<artifactItem><groupId>$group</groupId><artifactId>$artifact</artifactId><version>$version</version>"
        echo "</artifactItem>"
    done
    echo '</artifactItems></configuration></plugin></plugins></build></project>'
}

write_checksums() { # list
    sed -n 's|^[^:#]*:\([^:]*\):\([^: ]*\) sha256:\([0-9a-f]\{64\}\)$|\3  \1-\2.jar|p' "$1"
}

make_scratch() {
    mkdir -p "$out"
    scratch=$(mktemp -d "$out/scratch.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
}

fetch() { # name
    local list=$lists/$1.txt folder
    if [ ! -f "$list" ]; then
        echo "maven.sh: there is no list deps/maven/$1.txt" >&2
        exit 2
    fi
    folder=$out/$1-$(sha256sum <"$list" | cut -c1-16)
    if [ ! -d "$folder" ]; then
        make_scratch
        exec 8>"$out/lock"
        flock 8
    fi
    if [ ! -d "$folder" ]; then
        echo "maven.sh: fetching $1" >&2
        write_project "$list" >"$scratch/pom.xml"
        run_maven -f "$scratch/pom.xml" "$plugin:copy" -DoutputDirectory="$scratch/jars"
        write_checksums "$list" >"$scratch/sums"
        if ! (cd "$scratch/jars" && sha256sum --check --strict --quiet "$scratch/sums" >&2) ||
            [ "$(wc -l <"$scratch/sums")" != "$(find "$scratch/jars" -type f | wc -l)" ]; then
            echo "maven.sh: what was fetched is not what deps/maven/$1.txt lists" >&2
            exit 1
        fi
        mv "$scratch/jars" "$folder"
    fi
    echo "$folder"
}

# In the repository's layout, which the cache does not have, an archive's folder says its coordinates.
pin() { # name
    make_scratch
    run_maven -f "$lists/$1.xml" "$plugin:copy-dependencies" -DincludeScope=runtime \
        -DoutputDirectory="$scratch/jars" -Dmdep.useRepositoryLayout=true
    {
        echo "# Made by \`tools/maven.sh pin $1\` from $1.xml: group:artifact:version sha256:…"
        cd "$scratch/jars"
        find . -name '*.jar' -printf '%P\n' | LC_ALL=C sort | while read -r path; do
            version_folder=$(dirname "$path")
            artifact_folder=$(dirname "$version_folder")
            group=$(dirname "$artifact_folder")
            if [ "$(basename "$path")" != "$(basename "$artifact_folder")-$(basename "$version_folder").jar" ]; then
                echo "maven.sh: the list has no word for what tells $path apart from others" >&2
                exit 1
            fi
            echo "${group//\//.}:$(basename "$artifact_folder"):$(basename "$version_folder")" \
                "sha256:$(sha256sum "$path" | cut -d' ' -f1)"
        done
    } >"$scratch/list"
    mv "$scratch/list" "$lists/$1.txt"
}

case $# in
1) fetch "$1" ;;
2)
    [ "$1" = pin ]
    pin "$2"
    ;;
*)
    echo "maven.sh: want NAME or pin NAME" >&2
    exit 2
    ;;
esac
