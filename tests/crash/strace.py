"""strace as these suites use it: to hear what a shop writes, and to kill it, or fail a call, at the nth of them.

`when=N` of an injection counts for each system call and for each thread, so what is traced is the threads of one name
and no others: those of a running shop by their ids, those of a shop that starts by holding the thread at its birth
until strace is there. Where several threads have one name, which of them makes the next call is chance: their calls are
numbered over all of them, and the trace of a life says which of these it was that was hit (`calls_of`).
A signal that is injected comes before the call is made, so a kill at the call N shows what N - 1 calls left.
"""
import collections
import pathlib
import re
import signal
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from threads import names_of_lasting_threads  # noqa: E402

# What changes a file or a folder. A call that this machine's kernel or strace does not know is an error at once.
FILE_CALLS = ("pwrite64", "pwritev", "write", "writev", "fdatasync", "fsync", "ftruncate", "rename", "renameat",
              "renameat2", "unlink", "unlinkat")
# What the shop's answers leave by.
SOCKET_CALLS = ("write", "writev", "sendto", "sendmsg")
ATTACH_PATIENCE_S = 60
# strace says no thread where it traces one only.
LINE = re.compile(r"^(?:(?P<tid>\d+)<(?P<thread>[^>]*)> +)?(?P<call>\w+)\((?P<rest>.*)$")
RESUMED = re.compile(r"^(?P<tid>\d+)<[^>]*> +<\.\.\. \w+ resumed>")


def threads(pid, name=None):
    """The ids of a shop's threads of a name, oldest first; of all of them without one."""
    names = names_of_lasting_threads(pid)
    found = sorted(tid for tid, is_named in names.items() if name in (None, is_named))
    assert found, "no thread is called %s, of %s" % (name, collections.Counter(names.values()))
    return found


def starting(arguments, command):
    """The command line of a program that starts under strace. (Not with --seccomp-bpf: it loses injected signals.)"""
    return ["strace", "-q", *arguments, "--", *map(str, command)]


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
    lines at which it began and ended, which tell what came before what; ended is None where its thread ended first."""


def read_trace(path, data):
    """The calls of a trace that was written with -y --decode-pids=comm, as they began."""
    calls, open_calls = [], {}
    for number, line in enumerate(pathlib.Path(path).read_text(errors="replace").splitlines()):
        resumed = RESUMED.match(line)
        match = LINE.match(line)
        if resumed and resumed["tid"] in open_calls:
            index = open_calls.pop(resumed["tid"])
            calls[index] = calls[index]._replace(ended=None if line.endswith("= ?") else number)
        elif match:
            is_whole = not line.rstrip().endswith("<unfinished ...>")
            if not is_whole:
                open_calls[match["tid"]] = len(calls)
            calls.append(Call(match["thread"] or "", int(match["tid"] or 0), match["call"],
                              named_file(match["call"], match["rest"], str(data)), match["rest"], number,
                              number if is_whole and not line.endswith("= ?") else None))
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


class Target(collections.namedtuple("Target", "thread call path")):
    """What is swept by itself. path is "socket", or "" where there are several: mails, renames."""

    @property
    def is_of_file(self):
        """Whether strace can be told of the file."""
        return self.path not in ("", "socket")

    def __str__(self):
        return "%s/%s/%s" % (self.thread, self.call, self.path or "any")


def target_of(call):
    # strace knows a rename by its old name, and not below a folder's descriptor.
    is_any = call.name.startswith("rename") or re.match(r"mail(/|$)", call.path) or (
        call.path == "." and call.thread == "queue")
    return Target(call.thread, call.name, "" if is_any else call.path)


def calls_of(target, calls):
    """Those of a trace that are the target's. (Its threads alone are traced where a call is to be hit.)"""
    return [call for call in calls if call.path and target_of(call._replace(thread=target.thread)) == target]


class Recording:
    """What there is to hit: of each target the calls in their order, by whichever thread of the name. An entry is the
    `when` at which strace meets it: how often its thread had then made the call, on whatever file where the target
    names none."""

    def __init__(self, calls):
        self.whens = collections.defaultdict(list)
        made = collections.Counter()
        for call in calls:
            target = target_of(call)
            made[call.tid, call.name] += 1
            if call.path and target.is_of_file:
                made[call.tid, target] += 1
                self.whens[target].append(made[call.tid, target])
            elif call.path:
                self.whens[target].append(made[call.tid, call.name])
