#!/usr/bin/python3
"""What the C suites ask of a set of engines:

    engine.py publish PREFIX PARTITIONS SERVICE …
    engine.py forget SERVICE …
    engine.py kill | start | freeze | thaw ENGINE

The environment says which set, as tests/support/engines.py gives it. What is forgotten leaves no slot behind, of which
Postgres has few.
"""
import os
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
STATE = pathlib.Path(os.environ["ENGINES_STATE"])
PATIENCE_S = 60
POLL_S = 0.02


def apply(*options):
    subprocess.run([ROOT / "infra/connect/apply.py", "--connect",
                    "http://127.0.0.1:" + os.environ["ENGINES_CONNECT_PORT"], "--database",
                    "127.0.0.1:%s/shopstream" % os.environ["ENGINES_POSTGRES_PORT"], "--user", "postgres", "--password",
                    "${directory:%s/secrets:postgres}" % STATE, *options],
                   check=True, stdout=subprocess.DEVNULL)


def sql(statement):
    url = "postgresql://postgres@127.0.0.1:%s/shopstream?passfile=%s/secrets/pgpass" % (
        os.environ["ENGINES_POSTGRES_PORT"], STATE)
    return subprocess.run(["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1",
                           "--command=" + statement, url], check=True, text=True, capture_output=True).stdout


def forget(service):
    slot = "outbox_" + service
    deadline = time.monotonic() + PATIENCE_S
    while "t" in sql("SELECT active FROM pg_replication_slots WHERE slot_name = '%s'" % slot):
        if time.monotonic() > deadline:
            sys.exit("the slot %s is still in use" % slot)
        time.sleep(POLL_S)
    sql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '%s'" % slot)
    sql("DROP PUBLICATION IF EXISTS %s" % slot)


def send(engine, number):
    os.kill(int((STATE / engine / "process").read_text().split()[0]), number)


def main():
    command, *arguments = sys.argv[1:]
    if command == "publish":
        prefix, partitions, *services = arguments
        apply("--prefix", prefix, "--partitions", partitions, *services)
    elif command == "forget":
        apply("--remove", *arguments)
        for service in arguments:
            forget(service)
    elif command == "start":
        subprocess.run([ROOT / "infra/local/engines.sh", "start", *arguments], check=True, stdout=subprocess.DEVNULL)
    else:
        send(arguments[0], {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP, "thaw": signal.SIGCONT}[command])


if __name__ == "__main__":
    main()
