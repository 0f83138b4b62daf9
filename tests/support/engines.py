"""A set of the real engines of infra/local for a suite: on free ports, with a state folder of its own."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
COMMAND = str(ROOT / "infra/local/engines.sh")
PORTS = ("POSTGRES", "REDIS", "STREAMS", "KAFKA", "KAFKA_CONTROLLER", "CONNECT")
COMMAND_TIMEOUT_S = 150


def free_ports(count):
    """Ports that were free a moment ago, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Engines:
    def __init__(self, prefix=(), **settings):
        """prefix: the words of a command that runs engines.sh, as another user for one."""
        self.prefix = list(prefix)
        self.folder = tempfile.mkdtemp(prefix="shopstream-engines-")
        self.state = pathlib.Path(self.folder, "state")
        self.ports = dict(zip(PORTS, free_ports(len(PORTS))))
        self.environment = dict(os.environ, ENGINES_STATE=str(self.state), **settings)
        self.environment.update(("ENGINES_%s_PORT" % name, str(port)) for name, port in self.ports.items())

    def close(self):
        self.run("stop")
        shutil.rmtree(self.folder)

    def run(self, *arguments, **settings):
        return subprocess.run(self.prefix + [COMMAND, *arguments], env=dict(self.environment, **settings),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=COMMAND_TIMEOUT_S)

    def must_run(self, *arguments):
        """Its output; an AssertionError with it when it failed."""
        ended = self.run(*arguments)
        if ended.returncode != 0:
            raise AssertionError("engines.sh %s: exit code %d\n%s"
                                 % (" ".join(arguments), ended.returncode, ended.stdout))
        return ended.stdout

    def url(self, engine):
        return self.must_run("url", engine).strip()

    def pid(self, engine):
        """As engines.sh wrote it down, whether it still runs or not."""
        return int((self.state / engine / "process").read_text().split()[0])

    def sql(self, statements):
        """The rows of the last statement, each a list of texts."""
        ended = subprocess.run(["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
                                "--set=ON_ERROR_STOP=1", "--field-separator=\t", self.url("postgres")],
                               input=statements, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S)
        if ended.returncode != 0:
            raise AssertionError(ended.stderr)
        return [line.split("\t") for line in ended.stdout.splitlines()]

    def redis(self, *words):
        return subprocess.run(["redis-cli", "-p", str(self.ports["REDIS"]), *words], check=True, capture_output=True,
                              text=True, timeout=COMMAND_TIMEOUT_S).stdout.strip()

    def messages(self, topic):
        """All that are in it now: key, payload, partition and headers of each; none where there is no such topic."""
        ended = subprocess.run(["kcat", "-b", self.url("kafka"), "-C", "-t", topic, "-o", "beginning", "-e", "-q",
                                "-J"], capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S)
        if ended.returncode != 0:
            return []
        messages = [json.loads(line) for line in ended.stdout.splitlines()]
        for message in messages:
            words = message.get("headers", [])
            message["headers"] = dict(zip(words[::2], words[1::2]))
        return messages
