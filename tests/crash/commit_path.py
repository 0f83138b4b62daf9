"""What a trace says of durability: the steps of a commit path as lines, and the steps that came before a sync.

A commit path is followed while nothing but itself is under way, so each step depends on all that was written before
it, and the rule needs no exception: nothing goes out to a client or to the payment provider, and nothing is begun in
another file, while a write is not synced. `Still` sees to it that it holds. Which threads write what:

- "sql:NAME", one a database, writes its log for whoever asks, commit by commit, and syncs it. When it is idle it
  copies a long log into the .db file: that makes nothing durable that was not, and is not looked at.
- "worker" runs requests, and asks the provider in those that wait for it; "http-loop" sends what they answered.
- "workflow" and "workflow-timer" go on with a saga as soon as the order is committed, whether its answer has left or
  not; "waiters" brings back a request that waits for that saga.
- "queue" sends mails. The others ("jobs", a thread for each consumer of events, the emulator's webhooks) come by
  themselves, after an answer or at any time.
"""
import collections
import itertools
import pathlib
import re
import signal

from strace import FILE_CALLS, SOCKET_CALLS, Attached, threads
from threads import names_of_threads

TRACED = ",".join(sorted({*FILE_CALLS, *SOCKET_CALLS}))
VERBS = {"written": ("pwrite64", "pwritev", "write", "writev"), "synced": ("fdatasync", "fsync"), "cut": ("ftruncate",),
         "removed": ("unlink", "unlinkat"), "named": ("rename", "renameat", "renameat2")}
VERB_OF = {name: verb for verb, names in VERBS.items() for name in names}
REQUEST_THREADS = {"http-loop", "worker"}
WRITER = "sql:"  # is never held
SAGA_THREADS = {"workflow", "workflow-timer", "waiters"}
DURABLE = re.compile(r"\w+\.db-wal|mail(/.*)?")
ENDS = re.compile(r"<TCP(?:v6)?:\[[^\]]*?:(\d+)->[^\]]*?:(\d+)\]+>")
ANSWER = re.compile(r'"HTTP/1\.1 (2\d\d)')
QUESTION = re.compile(r'"(GET|POST|DELETE) (/v1/[\w/]*)')
INTENT = re.compile(r"/pi_\w+")


class Step(collections.namedtuple("Step", "verb what begun ended")):
    """verb: of VERBS, of a file; or "answered", "provider answered" or "asked", of what follows from what is synced."""

    @property
    def line(self):
        return "%s %s" % (self.verb, re.sub(r"^mail/.*(\.\w+)$", r"mail/*\1", self.what))

    @property
    def position(self):
        """A sync stands where it ended, as what is on disk; what is sent where it began."""
        return self.ended if self.verb in VERBS else self.begun


def step_of(call, shop_port, provider_port):
    """None for a call that is none: of another file, a socket that nobody waits at."""
    ended = float("inf") if call.ended is None else call.ended
    if call.path == "socket" and call.name in SOCKET_CALLS:
        ends = ENDS.search(call.text)
        answer, question = ANSWER.search(call.text), QUESTION.search(call.text)
        if ends and answer and int(ends[1]) in (shop_port, provider_port):
            verb = "answered" if int(ends[1]) == shop_port else "provider answered"
            return Step(verb, answer[1], call.begun, ended)
        if ends and question and int(ends[2]) == provider_port:
            return Step("asked", "%s %s" % (question[1], INTENT.sub("/*", question[2])), call.begun, ended)
        return None
    if call.name in VERB_OF and DURABLE.fullmatch(call.path):
        return Step(VERB_OF[call.name], call.path, call.begun, ended)
    return None


def steps_of(calls, shop_port, provider_port):
    """In their order."""
    found = (step_of(call, shop_port, provider_port) for call in calls)
    return sorted(filter(None, found), key=lambda step: step.position)


def unlike(lines):
    """Alike ones in a row are one."""
    return [line for line, _ in itertools.groupby(lines)]


def lines_of(steps):
    """The golden lines."""
    return unlike(step.line for step in steps)


def changed_by(step):
    """The file or folder that is on disk only after its sync; None for a step that leaves none."""
    if step.verb == "written":
        return step.what
    return str(pathlib.PurePosixPath(step.what).parent) if step.verb == "named" else None


def unsynced_before(steps, begun):
    """The files with a change that began before then, and no sync that began after it and was over by then."""
    return {changed_by(change) for change in steps if changed_by(change) and change.begun < begun and not any(
        sync.verb == "synced" and sync.what == changed_by(change) and change.ended < sync.begun and sync.ended < begun
        for sync in steps)}


def violations(steps):
    """What came too early, a line each: an answer, a question to the provider, a change of another file; the end."""
    found = []
    for step in steps:
        if step.verb not in ("synced", "cut"):
            found += ["%s before the sync of %s" % (step.line, file)
                      for file in sorted(unsynced_before(steps, step.begun) - {changed_by(step)})]
    return list(dict.fromkeys(found + ["never synced: " + file
                                       for file in sorted(unsynced_before(steps, float("inf")))]))


class Still:
    """Holds the threads of a shop that are not named, each at its next system call, until the end of a with block: what
    they would do comes later, as on a machine that is slow. (strace holds who it does not let go on.)"""

    def __init__(self, pid, moving):
        everybody, names = threads(pid), names_of_threads(pid)
        assert moving <= set(names.values()), "no thread is called %s" % sorted(moving - set(names.values()))
        self.moving = [tid for tid in everybody if names[tid] in moving or names[tid].startswith(WRITER)]
        self.held = Attached(sorted(set(everybody) - set(self.moving)), ["-o", "/dev/null", "-e", "trace=none"])

    def __enter__(self):
        self.held.process.send_signal(signal.SIGSTOP)
        return self

    def __exit__(self, *_):
        self.held.process.send_signal(signal.SIGCONT)
        self.held.leave()
