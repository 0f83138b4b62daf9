#!/usr/bin/python3
"""A Postgres cluster of a test's own: made by initdb in a temporary folder, on a free port of loopback.

    with Cluster() as cluster:
        subprocess.run(["build/test_sql_conformance"], env=cluster.environment())

By hand: tests/support/postgres.py COMMAND … runs the command beside a cluster, with the variable that the conformance
suites look for. Postgres refuses to run as root, so that root makes its user of Debian's package the owner.
"""
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

PROGRAMS = pathlib.Path("/usr/lib/postgresql/15/bin")
VARIABLE = "SHOPSTREAM_TEST_POSTGRES"
CERTIFICATES_VARIABLE = "SHOPSTREAM_TEST_POSTGRES_CERTIFICATES"
USER = "shop"
PASSWORD = "open-sesame-of-the-tests"
DATABASE = "shopstream"
OWNER = "postgres"
START_PATIENCE_S = 60
POLL_S = 0.02

# What fsync saves from is a machine that dies; a server that is killed leaves its writes with the kernel.
SETTINGS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "max_connections": "500",
            "shared_buffers": "64MB", "log_min_messages": "warning", "log_line_prefix": "%m [%p] %a ",
            "ssl": "on"}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def as_owner():
    """What subprocess needs to run a program as somebody who is not root."""
    if os.geteuid() != 0:
        return {}
    owner = pwd.getpwnam(OWNER)
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


class Cluster:
    def __init__(self, **settings):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="shopstream-postgres-"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, OWNER)
        self.data = self.folder / "data"
        self.certificates = self.folder / "certificates"
        self.log_path = self.folder / "log"
        self.port = free_port()
        self.settings = dict(SETTINGS, **settings)
        self.server = None
        self.supervisor = None
        self.is_wanted = threading.Event()
        self.initialise()
        self.certify()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def run(self, *command, text=None):
        done = subprocess.run([str(word) for word in command], input=text, text=True, capture_output=True,
                              cwd=self.folder, check=False, **as_owner())
        if done.returncode:
            raise RuntimeError("%s failed: %s" % (command[0], done.stdout + done.stderr))

    def initialise(self):
        self.run(PROGRAMS / "initdb", "--pgdata", self.data, "--username", OWNER, "--encoding", "UTF8", "--locale", "C",
                 "--auth", "reject", "--no-sync")
        self.write("pg_hba.conf", "host all all 127.0.0.1/32 scram-sha-256\n")
        self.run(PROGRAMS / "postgres", "--single", "-D", self.data, "postgres",
                 text="CREATE ROLE %s SUPERUSER LOGIN PASSWORD '%s'\nCREATE DATABASE %s\n" % (USER, PASSWORD, DATABASE))

    def certify(self):
        """An authority, the server's certificate by it for its address, and the authority of a stranger."""
        self.run("mkdir", self.certificates)
        new_key = ("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        for name in ("ca", "other"):
            self.run(*new_key, "-x509", "-days", "2", "-subj", "/CN=%s of the tests" % name, "-keyout",
                     self.certificates / (name + ".key"),
                     "-out", self.certificates / (name + ".pem"))
        self.run(*new_key, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                 self.data / "server.key", "-out", self.certificates / "request.pem")
        self.run("openssl", "x509", "-req", "-in", self.certificates / "request.pem", "-copy_extensions",
                 "copy", "-days", "2", "-CA", self.certificates / "ca.pem", "-CAkey", self.certificates / "ca.key",
                 "-out", self.data / "server.crt")

    def write(self, name, text):
        """A file of the data folder that only the server reads."""
        path = self.data / name
        path.write_text(text)
        path.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(path, OWNER, OWNER)

    def launch(self):
        options = [word for name, value in self.settings.items() for word in ("-c", "%s=%s" % (name, value))]
        with open(self.log_path, "ab") as log:
            self.server = subprocess.Popen([PROGRAMS / "postgres", "-D", self.data, "-p", str(self.port), *options],
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                                           **as_owner())

    def is_ready(self):
        return subprocess.run([PROGRAMS / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)],
                              check=False).returncode == 0

    def start(self):
        """Also after its server was killed, whose sessions may take a moment to see that and keep a new one out."""
        end = time.monotonic() + START_PATIENCE_S
        self.launch()
        while not self.is_ready():
            if time.monotonic() > end:
                raise RuntimeError("Postgres did not start: " + self.log_path.read_text(errors="replace")[-2000:])
            if self.server.poll() is not None:
                self.launch()
            time.sleep(POLL_S)
        return self

    def stop(self):
        self.server.send_signal(signal.SIGINT)  # "fast": ends sessions instead of waiting for them
        self.server.wait(START_PATIENCE_S)

    def kill(self):
        self.server.kill()
        self.server.wait()

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
                self.start()
            time.sleep(POLL_S)

    def close(self):
        if self.server and self.server.poll() is None:
            self.stop()
        shutil.rmtree(self.folder)

    def url(self, user=USER, password=PASSWORD, database=DATABASE):
        return "postgres://%s:%s@127.0.0.1:%d/%s" % (user, password, self.port, database)

    def environment(self):
        return dict(os.environ, **{VARIABLE: self.url(), CERTIFICATES_VARIABLE: str(self.certificates)})

    def query(self, text):
        """The rows of a statement, as psql prints them."""
        return subprocess.run([PROGRAMS / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.url()],
                              text=True, input=text, capture_output=True, check=True).stdout.split("\n")[:-1]


if __name__ == "__main__":
    with Cluster() as by_hand, by_hand.supervised():
        sys.exit(subprocess.run(sys.argv[1:], env=by_hand.environment(), check=False).returncode)
