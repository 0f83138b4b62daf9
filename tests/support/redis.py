#!/usr/bin/python3
"""A Redis server of a test's own, on a free port of loopback, with its data in a temporary folder.

    with Server() as server:
        subprocess.run(["build/test_cache_conformance"], env=server.environment())

By hand: tests/support/redis.py COMMAND … runs the command beside a server, with the variable that the conformance
suites look for; with --durable before it beside one that keeps what it has, as streams need it.
"""
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from engines import free_ports

VARIABLE = "SHOPSTREAM_TEST_REDIS"
TLS_VARIABLE = "SHOPSTREAM_TEST_REDIS_TLS"
CERTIFICATES_VARIABLE = "SHOPSTREAM_TEST_REDIS_CERTIFICATES"
PASSWORD = "open-sesame-of-the-tests"
START_PATIENCE_S = 30
POLL_S = 0.01

# What a cache may be: a server that forgets all when it ends. And what streams need.
FORGETFUL = {"save": "", "appendonly": "no"}
DURABLE = {"save": "", "appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


class Server:
    def __init__(self, **settings):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="shopstream-redis-"))
        self.data = self.folder / "data"
        self.data.mkdir()
        self.port, self.tls_port = free_ports(2)
        self.settings = {name.replace("_", "-"): value for name, value in (settings or FORGETFUL).items()}
        self.server = None
        self.supervisor = None
        self.is_wanted = threading.Event()
        self.certify()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def run(self, *command):
        done = subprocess.run([str(word) for word in command], text=True, capture_output=True, cwd=self.folder,
                              check=False)
        if done.returncode:
            raise RuntimeError("%s failed: %s" % (command[0], done.stdout + done.stderr))

    def certify(self):
        """An authority, the server's certificate by it for its address, and the authority of a stranger."""
        new_key = ("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        for name in ("ca", "other"):
            self.run(*new_key, "-x509", "-days", "2", "-subj", "/CN=%s of the tests" % name, "-keyout", name + ".key",
                     "-out", name + ".pem")
        self.run(*new_key, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "server.key",
                 "-out", "request.pem")
        self.run("openssl", "x509", "-req", "-in", "request.pem", "-copy_extensions", "copy", "-days", "2", "-CA",
                 "ca.pem", "-CAkey", "ca.key", "-out", "server.pem")

    def launch(self):
        settings = {"port": self.port, "tls-port": self.tls_port, "bind": "127.0.0.1", "dir": self.data,
                    "tls-cert-file": "server.pem", "tls-key-file": "server.key", "tls-auth-clients": "no",
                    "tls-ca-cert-file": "ca.pem", "requirepass": PASSWORD, "loglevel": "warning", **self.settings}
        for name in ("tls-cert-file", "tls-key-file", "tls-ca-cert-file"):
            settings[name] = self.folder / settings[name]
        options = [str(word) for name, value in settings.items() for word in ("--" + name, value)]
        with open(self.folder / "log", "ab") as log:
            self.server = subprocess.Popen(["redis-server", *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                           cwd=self.folder)

    def ask(self, *words):
        return subprocess.run(["redis-cli", "-p", str(self.port), *words], capture_output=True, text=True, check=False,
                              env=dict(os.environ, REDISCLI_AUTH=PASSWORD)).stdout.strip()

    def start(self):
        end = time.monotonic() + START_PATIENCE_S
        self.launch()
        while self.ask("PING") != "PONG":
            if time.monotonic() > end or self.server.poll() is not None:
                raise RuntimeError("Redis did not start: " + (self.folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(POLL_S)
        return self

    @contextlib.contextmanager
    def supervised(self):
        """Meanwhile a server that ends, as one does that a test kills, is started again."""
        self.is_wanted.set()
        self.supervisor = threading.Thread(target=self.keep_up)
        self.supervisor.start()
        try:
            yield self
        finally:
            self.is_wanted.clear()
            self.supervisor.join()

    def keep_up(self):
        while self.is_wanted.is_set():
            if self.server.poll() is not None:
                self.launch()
            time.sleep(POLL_S)

    def close(self):
        if self.server and self.server.poll() is None:
            self.server.kill()
            self.server.wait()
        shutil.rmtree(self.folder)

    def url(self):
        return "redis://:%s@127.0.0.1:%d" % (PASSWORD, self.port)

    def environment(self):
        return dict(os.environ, **{VARIABLE: self.url(), CERTIFICATES_VARIABLE: str(self.folder),
                                   TLS_VARIABLE: "rediss://:%s@127.0.0.1:%d" % (PASSWORD, self.tls_port)})


if __name__ == "__main__":
    is_durable = sys.argv[1] == "--durable"
    with Server(**(DURABLE if is_durable else FORGETFUL)) as by_hand, by_hand.supervised():
        sys.exit(subprocess.run(sys.argv[1 + is_durable:], env=by_hand.environment(), check=False).returncode)
