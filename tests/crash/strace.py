"""strace as these suites use it: to hear what a shop writes, and to kill it, or fail a call, at the nth of them.

`when=N` of an injection counts for each system call and for each thread. Two ways keep the threads apart:
- a running shop is traced by the ids of the threads of one name, and by one file where these threads write several;
- a shop that starts has threads that nobody can name yet, so it is traced by one file. Each file is written by one
  thread at a time (`Recording.shared` says where that does not hold).
A signal that is injected comes before the call is made, so a kill at the call N shows what N - 1 calls left.
"""
import collections
import contextlib
import pathlib
import re
import signal
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from shop import eventually  # noqa: E402

# What changes a file or a folder. A call that this machine's kernel or strace does not know is an error at once.
FILE_CALLS = ("pwrite64", "pwritev", "write", "writev", "fdatasync", "fsync", "ftruncate", "rename", "renameat",
              "renameat2", "unlink", "unlinkat")
# What the shop's answers leave by.
SOCKET_CALLS = ("write", "writev", "sendto", "sendmsg")
ATTACH_PATIENCE_S = 60
STARTING = {"folder", "renderer"}  # threads that do beside a start what it need not wait for, and end
LINE = re.compile(r"^(?P<tid>\d+)<(?P<thread>[^>]*)> +(?P<call>\w+)\((?P<rest>.*)$")
RESUMED = re.compile(r"^(?P<tid>\d+)<[^>]*> +<\.\.\. \w+ resumed>")


def names_of_threads(pid):
    """{id: name}"""
    names = {}
    for folder in pathlib.Path("/proc/%d/task" % pid).iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            names[int(folder.name)] = (folder / "comm").read_text().strip()
    return names


def threads(pid, name=None):
    """The ids of a shop's threads of a name, oldest first; of all of them without one. What its start left to threads
    of their own is waited for: they end, and write meanwhile."""
    eventually(lambda: STARTING.isdisjoint(names_of_threads(pid).values()), "the end of the threads of the start")
    return sorted(tid for tid, is_named in names_of_threads(pid).items() if name in (None, is_named))


def starting(arguments, command):
    """The command line of a program that starts under strace. (Not with --seccomp-bpf: it loses injected signals.)"""
    return ["strace", "-f", "-q", *arguments, "--", *map(str, command)]


class Attached:
    """strace on threads of a running process, until it ends or leave() is called."""

    def __init__(self, tids, arguments):
        self.process = subprocess.Popen(["strace", *arguments, *("-p%d" % tid for tid in tids)],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        watchdog = threading.Timer(ATTACH_PATIENCE_S, self.process.kill)
        watchdog.start()
        attached = 0
        said = []
        for line in self.process.stderr:
            said.append(line)
            # With -f a process counts once, and its threads are told of in the same line or in lines of their own.
            attached += bool(re.search(r"Process \d+ attached", line))
            if attached == len(tids):
                break
        watchdog.cancel()
        if attached != len(tids):
            self.process.wait()
            raise AssertionError("strace did not attach: %s" % "".join(said))
        # Read to the end by a thread, so that strace never waits for its reader.
        self.reader = threading.Thread(target=self.process.stderr.read)
        self.reader.start()

    def leave(self):
        """Lets the threads go; a process that was killed has let strace go already."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait()
        self.reader.join()
        self.process.stderr.close()


class Call(collections.namedtuple("Call", "thread tid name path text begun ended")):
    """A call of a trace. path: the file's, without the data folder, or "socket", or "" for neither. begun, ended: the
    lines at which it began and ended, which tell what came before what; ended is None where the trace stops first."""


def read_trace(path, data):
    """The calls of a trace that was written with -f -y --decode-pids=comm, as they began."""
    calls, open_calls = [], {}
    for number, line in enumerate(pathlib.Path(path).read_text(errors="replace").splitlines()):
        resumed = RESUMED.match(line)
        match = LINE.match(line)
        if resumed and resumed["tid"] in open_calls:
            index = open_calls.pop(resumed["tid"])
            calls[index] = calls[index]._replace(ended=number)
        elif match:
            is_whole = not line.rstrip().endswith("<unfinished ...>")
            if not is_whole:
                open_calls[match["tid"]] = len(calls)
            calls.append(Call(match["thread"], int(match["tid"]), match["call"],
                              named_file(match["call"], match["rest"], str(data)), match["rest"], number,
                              number if is_whole else None))
    return calls


def named_file(call, rest, data):
    """The file that a call is about; of a rename, its new name."""
    if call.startswith(("unlink", "rename")):
        found = re.findall(r'(?:<([^>]*)>, )?"([^"]*)"', rest)
        path = str(pathlib.PurePosixPath(*found[-1])) if found else ""
    else:
        match = re.match(r"\d+<([^>]*)>", rest)
        path = match[1] if match else ""
    if path.startswith(("socket:", "TCP", "UNIX")):
        return "socket"
    if path == data:
        return "."
    return path[len(data) + 1:] if path.startswith(data + "/") else ""


class Recording:
    """How often each thread made each call on each file of the data folder, and on sockets."""

    def __init__(self, calls):
        self.counts = collections.defaultdict(collections.Counter)  # (path, call) -> thread -> count
        by_tid = collections.Counter((re.sub(r"^mail/.*", "mail", call.path), call.name, call.thread, call.tid)
                                     for call in calls if call.path)
        for (path, name, thread, _), count in by_tid.items():
            self.counts[path, name][thread] = max(self.counts[path, name][thread], count)

    @property
    def shared(self):
        """What several threads do to one file."""
        return {target: dict(names) for target, names in self.counts.items() if len(names) > 1}
