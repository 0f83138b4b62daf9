#!/usr/bin/python3
"""Has Connect publish the outbox of services: apply.py --connect URL --database HOST:PORT/NAME … SERVICE …

Fills outbox.json in for each service, gives it to Connect as the connector "outbox-SERVICE", and waits until it runs.
Doing it again changes nothing where all is as it should be, and starts again what had failed.
"""
import argparse
import json
import pathlib
import re
import sys
import time
import urllib.error
import urllib.request

TEMPLATE = pathlib.Path(__file__).resolve().with_name("outbox.json")
SERVICE = re.compile(r"[a-z][a-z0-9_]*")
PREFIX = re.compile(r"[A-Za-z0-9._-]{0,63}")
DATABASE = re.compile(r"(?P<HOST>[^:/]+):(?P<PORT>\d+)/(?P<DATABASE>\w+)")
ANSWER_TIMEOUT_S = 60
CONFLICT_PAUSE_S = 0.5  # while Connect shares its work out anew it answers 409
FAILED_FOR_S = 3  # a connector that is being started again may be told of as it was before
POLL_S = 0.1


class Failure(Exception):
    pass


class Connect:
    def __init__(self, url, deadline):
        self.url, self.deadline = url, deadline

    def call(self, method, path, body=None):
        """The answer's JSON, None where there is none; waits out conflicts."""
        request = urllib.request.Request(self.url + path, method=method, headers={"Content-Type": "application/json"},
                                         data=None if body is None else json.dumps(body).encode())
        while True:
            try:
                with urllib.request.urlopen(request, timeout=ANSWER_TIMEOUT_S) as answer:
                    text = answer.read()
                    return json.loads(text) if text else None
            except urllib.error.HTTPError as error:
                if error.code == 409 and time.monotonic() < self.deadline:
                    time.sleep(CONFLICT_PAUSE_S)
                    continue
                if error.code == 404:
                    return None
                raise Failure("%s %s: %s" % (method, path, error.read().decode(errors="replace"))) from error
            except OSError as error:
                raise Failure("Connect does not answer at %s: %s" % (self.url, error)) from error

    def wait_until_runs(self, name):
        state, failed_since = "not there", None
        while time.monotonic() < self.deadline:
            status = self.call("GET", "/connectors/%s/status" % name) or {"connector": {"state": state}, "tasks": []}
            parts = [status["connector"]] + status["tasks"]
            failed = [part for part in parts if part["state"] == "FAILED"]
            failed_since = failed_since or time.monotonic() if failed else None
            if failed and time.monotonic() - failed_since > FAILED_FOR_S:
                raise Failure("%s failed: %s" % (name, reason(failed[0]["trace"])))
            if status["tasks"] and all(part["state"] == "RUNNING" for part in parts):
                return
            state = ", ".join(part["state"] for part in parts)
            time.sleep(POLL_S)
        raise Failure("%s does not run in time: %s" % (name, state))

    def wait_until_stopped(self, path):
        while time.monotonic() < self.deadline:
            status = self.call("GET", path + "/status")
            if status and status["connector"]["state"] == "STOPPED" and not status["tasks"]:
                return
            time.sleep(POLL_S)
        raise Failure("%s does not stop in time" % path)


def reason(trace):
    """Of a Java stack trace, what each exception says."""
    lines = [line for line in trace.splitlines() if not re.match(r"\s+(at|\.\.\.) ", line)]
    return "; ".join(lines[:4])


def fill_in(values):
    text = TEMPLATE.read_text()
    return json.loads(re.sub(r"@([A-Z]+)@", lambda match: json.dumps(values[match.group(1)])[1:-1], text))


def publish(connect, service, values):
    name = "outbox-" + service
    config = dict(fill_in(dict(values, SERVICE=service)), name=name)
    if connect.call("GET", "/connectors/%s/config" % name) != config:
        connect.call("PUT", "/connectors/%s/config" % name, config)
    else:
        connect.call("POST", "/connectors/%s/restart?includeTasks=true&onlyFailed=true" % name)
    connect.wait_until_runs(name)
    print("%s runs" % name)


def remove(connect, service):
    """With what it knows of where it was: one of the same name would begin there, where no slot is any more."""
    path = "/connectors/outbox-%s" % service
    if connect.call("GET", path) is None:
        return
    connect.call("PUT", path + "/stop")
    connect.wait_until_stopped(path)
    connect.call("DELETE", path + "/offsets")
    connect.call("DELETE", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connect", required=True, metavar="URL")
    parser.add_argument("--database", required=True, metavar="HOST:PORT/NAME")
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True, help="or where Connect finds it: ${provider:path:key}")
    parser.add_argument("--prefix", default="", help="of topics, as in SHOPSTREAM_EVENTS_URL")
    parser.add_argument("--partitions", type=int, default=8, help="of a topic that nobody has made before")
    parser.add_argument("--remove", action="store_true", help="end the services' connectors instead")
    parser.add_argument("--timeout-s", type=int, default=60)
    parser.add_argument("services", nargs="+", metavar="SERVICE")
    arguments = parser.parse_args()
    database = DATABASE.fullmatch(arguments.database)
    if not database:
        parser.error("--database wants HOST:PORT/NAME")
    for service in arguments.services:
        if not SERVICE.fullmatch(service):
            parser.error("%s is no name of a service" % service)
    if not PREFIX.fullmatch(arguments.prefix):
        parser.error("--prefix has up to 63 of A-Z a-z 0-9 . _ -")
    values = dict(database.groupdict(), USER=arguments.user, PASSWORD=arguments.password, PREFIX=arguments.prefix,
                  PARTITIONS=str(arguments.partitions))
    connect = Connect(arguments.connect, time.monotonic() + arguments.timeout_s)
    try:
        for service in arguments.services:
            if arguments.remove:
                remove(connect, service)
            else:
                publish(connect, service, values)
    except Failure as failure:
        sys.exit("apply.py: %s" % failure)


if __name__ == "__main__":
    main()
