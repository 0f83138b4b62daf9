#!/usr/bin/python3
"""Kills the shop at each write, sync, truncation, rename and removal of a scenario, one after the other, and looks
after each whether what it acknowledged is there, once, and everything agrees.

    sweep.py [--sample N] [--scenario NAME …] [--only SCENARIO/THREAD/CALL/FILE/NUMBER] [--error EIO|ENOSPC]

A recording of the scenario says which threads make which calls on which files; each such target is swept by itself:
killed before its first call, before its second, and so on until the scenario comes to its end alive. The calls of
threads of one name are numbered over all of them. The trace of each life says which call it was that was killed, and a
kill counts for that one alone, and once. With --sample it is N kills of each scenario, spread evenly over all of these.
A violation is printed with the --only that brings it back. The last line is "N passed, N failed", a kill each. A kill
that found the scenario over has shown nothing: it is neither, it is tried again, at once and when all others are done,
and one that was never met has failed.

With --error nobody is killed: from that call on the disk fails, until the scenario has come to its end. Then writes are
refused with 503 and reads are answered; afterwards the shop is ready and writes within RECOVERY_S, and what holds after
a crash holds now, and once more after a kill.
"""
import argparse
import contextlib
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "support"))

from scenarios import SCENARIOS, check, is_dead, settle  # noqa: E402
from shop import BINARY, PATIENCE_S, START_PATIENCE_S, Shop, eventually  # noqa: E402
from strace import (ATTACH_PATIENCE_S, FILE_CALLS, SOCKET_CALLS, Attached, Recording, Target,  # noqa: E402
                    calls_of, read_trace, starting, threads)
from threads import names_of_threads  # noqa: E402

SIGN_IN_AGAIN_S = 240  # an access token lives for 600
BEYOND_MAX = 12  # calls past those of the recording: a run may need a few more
TRIES_MAX = 5  # for a kill to meet the scenario: what were two commits in the recording may be one now
TRIES_LATER_MAX = 60  # the same, when all others are done: threads of one name meet some calls rarely
MAIN = "shopstream"  # the thread that starts all others
RECOVERY_S = 10
READS = ("/api/catalog/v1/products?limit=1", "/health/live")
TRACED = ",".join(sorted({*FILE_CALLS, *SOCKET_CALLS}))


def recovered(shop, write, since, limit_s=RECOVERY_S):
    """What write() gives as soon as the shop is ready and it gives something: both together within the limit of when
    there was room again (by time.monotonic()), however long a single answer takes."""
    written = eventually(lambda: shop.get("/health/ready").status == 200 and write(), "readiness and a write",
                         since + limit_s - time.monotonic())
    took = time.monotonic() - since
    check(took <= limit_s, "the shop wrote again after %.1f s, not within %g s" % (took, limit_s))
    return written


class Stage:
    """One shop, whose folder is put back to what the scenario prepared before each life. What is to crash may have a
    planted bug; what prepares and what audits has none."""

    def __init__(self, scenario, planted=None):
        self.scenario, self.planted = scenario, planted
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="shopstream-sweep-"))
        self.shop = Shop(arguments=scenario.arguments, **scenario.settings)
        self.signed_in_at = time.monotonic()
        self.template = self.folder / "template"
        self.template.mkdir()
        if type(scenario).__name__ != "FirstStart":
            self.shop.start()
            scenario.prepare(self.shop)
            if scenario.starts:
                check(self.shop.stop() == 0, "the prepared shop did not end well")
                scenario.alter(self.shop.data)
            else:
                self.shop.kill()  # what was written is in the log, as after a crash
                self.shop.log.close()
            shutil.copytree(self.shop.data, self.template, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock"))

    def reset(self):
        self.shop.preload(None)
        shutil.rmtree(self.shop.data, ignore_errors=True)
        if any(self.template.iterdir()):
            shutil.copytree(self.template, self.shop.data)
        with open(self.shop.data.parent / "log", "wb"):
            pass
        if self.planted:
            self.shop.preload("planted_bugs", PLANTED_BUG=self.planted)
        self.shop.allow_tracer()

    def start(self):
        self.shop.start()
        if time.monotonic() - self.signed_in_at > SIGN_IN_AGAIN_S:
            for person in self.shop.people.values():
                person.sign_in()
            self.signed_in_at = time.monotonic()

    def launch(self, before=(), **options):
        """Starts the shop, under strace where `before` has its arguments."""
        shop = self.shop
        shop.data.parent.mkdir(parents=True, exist_ok=True)
        shop.log = open(shop.data.parent / "log", "ab")
        command = [BINARY, "--port", shop.port, "--data", shop.data, *shop.arguments]
        shop.process = subprocess.Popen(starting(before, command) if before else [str(word) for word in command],
                                        env=shop.environment(), stdin=subprocess.DEVNULL, stdout=shop.log,
                                        stderr=shop.log, **options)

    def is_ready_or_dead(self):
        try:
            return is_dead(self.shop) or self.shop.is_open()
        except AssertionError:
            return is_dead(self.shop)

    def start_traced(self, arguments):
        """Starts the shop under strace, and comes back when it is ready or dead."""
        self.launch(arguments)
        eventually(self.is_ready_or_dead, "the traced shop's start", START_PATIENCE_S)

    def start_held(self, thread, arguments):
        """The same, with strace on the first thread of a name alone, before it does anything: the strace; None where
        the start needs no such thread."""
        until, let_go = os.pipe()
        self.shop.preload("held_thread", HELD_THREAD=thread, HELD_UNTIL=str(until))
        self.shop.allow_tracer()
        try:
            self.launch(pass_fds=[until])
            eventually(lambda: self.first_of(thread) or self.is_ready_or_dead(), "the thread " + thread,
                       ATTACH_PATIENCE_S)
            tid = self.first_of(thread)
            attached = Attached([tid], arguments) if tid else None
        finally:
            os.close(until)
            os.close(let_go)
        eventually(self.is_ready_or_dead, "the traced shop's start", START_PATIENCE_S)
        return attached

    def first_of(self, thread):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            return min((tid for tid, name in names_of_threads(self.shop.process.pid).items() if name == thread),
                       default=None)

    def end_traced(self):
        """Kills what start_traced started: the shop first, whose tracer then ends as it did."""
        children = pathlib.Path("/proc/%d/task/%d/children" % (self.shop.process.pid, self.shop.process.pid))
        if not is_dead(self.shop):
            for child in children.read_text().split():
                os.kill(int(child), 9)
        self.shop.process.wait(PATIENCE_S)
        self.end_crashed()

    def end_crashed(self):
        if not is_dead(self.shop):
            self.shop.process.kill()
        self.shop.process.wait()
        self.shop.client.close()
        self.shop.provider_client.close()
        self.shop.log.close()

    def audit(self, acknowledged):
        self.shop.preload(None)
        self.start()
        self.audit_running(acknowledged)
        code = self.shop.stop()
        check(code == 0, "the shop ended with", code, self.shop.log_text()[-2000:])
        doctor = subprocess.run([BINARY, "doctor", "--data", str(self.shop.data)], capture_output=True, text=True,
                                env={**self.shop.environment(), "SHOPSTREAM_PORT": str(self.shop.port)},
                                timeout=PATIENCE_S)
        check(doctor.returncode == 0, "the doctor found:", doctor.stdout, doctor.stderr)

    def audit_running(self, acknowledged):
        try:
            self.scenario.audit(self.shop, acknowledged)
        except BaseException:
            self.end_crashed()
            raise

    def audit_recovery(self, answer, since):
        """When the disk takes writes again: the answer that acknowledges, of then or of now."""
        again = recovered(self.shop, self.writes_again, since)
        return answer if answer.status == self.scenario.status else again

    def writes_again(self):
        answer = self.scenario.send(self.shop)
        check(answer.status in (self.scenario.status, 503), "the request again:", answer)
        return answer if answer.status == self.scenario.status else None

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.shop.folder, ignore_errors=True)


class Sweep:
    def __init__(self, name, say, planted=None, error=None):
        self.name, self.say, self.error = name, say, error
        self.stage = Stage(SCENARIOS[name](), planted)
        self.passed = self.failed = 0
        self.aimed = 0  # kills of the recording's calls
        self.met = set()  # (target, number) of the calls at which a life ended
        self.missed = []  # (target, number) of those that were not met
        self.unmet = 0  # lives that came to their end alive, tries and calls beyond the recording's included

    # -- What there is to kill ----------------------------------------------------------------------------------------
    def record(self):
        """One life that is only listened to; its audit must hold as well."""
        stage, trace = self.stage, self.stage.folder / "trace"
        options = ["-y", "--decode-pids=comm", "-o", str(trace), "-e", "trace=" + TRACED]
        stage.reset()
        if stage.scenario.starts:
            stage.start_traced(["-f", *options])
            settle(stage.shop)
            stage.end_traced()
            answer = None
        else:
            stage.start()
            attached = Attached(threads(stage.shop.process.pid), options)
            answer = stage.scenario.act(stage.shop)
            attached.leave()
            stage.end_crashed()
        calls = read_trace(trace, stage.shop.data)
        stage.audit(answer)
        return Recording(calls)

    def targets(self, recording):
        """{target: whens}"""
        is_mute = self.error or self.stage.scenario.starts  # nobody is answered yet, or it is no disk
        # The index of a log is made anew at each start, whatever is in it.
        return {target: whens for target, whens in sorted(recording.whens.items())
                if not (target.path.endswith("-shm") and target.call == "pwrite64")
                and not (is_mute and target.path == "socket")}

    # -- One kill -----------------------------------------------------------------------------------------------------
    def life(self, target, whens, attempt):
        """The number of the call at which it was killed; None if it was not."""
        self.stage.reset()
        if self.stage.scenario.starts:
            answer, traces = self.life_of_start(target, whens[0])
        else:
            answer, traces = self.life_of_act(target, whens, attempt)
        calls = [read_trace(trace, self.stage.shop.data) for trace in traces]
        self.stage.audit(answer)
        if not calls:
            return None
        hit = [call for call in calls[0] if call.ended is None]
        check(hit, "killed, and not by strace:", calls[0][-1:])
        if not calls_of(target, hit):
            return None  # another file than the target's
        return sum(len(calls_of(target, part)) for part in calls)

    def life_of_start(self, target, when):
        """(answer, the traces of what was killed)"""
        stage, trace = self.stage, self.stage.folder / "trace"
        options = self.options(target, "signal=KILL:when=%d" % when, trace)
        if target.thread == MAIN:
            stage.start_traced(options)
            settle(stage.shop)
            was_killed = is_dead(stage.shop)
            stage.end_traced()
        else:
            attached = stage.start_held(target.thread, options)
            settle(stage.shop)
            was_killed = attached is not None and stage.shop.process.poll() == -9
            stage.end_crashed()
            if attached:
                attached.leave()
        return None, [trace] if was_killed else []

    def life_of_act(self, target, whens, attempt):
        """The same. At first strace kills whichever thread of the name is the first to make so many calls; after that
        only some of them, others each time, while a second strace counts the calls of the rest. A thread that is
        attached to waits anew, behind those that wait already: the rest, which comes first, gets the earlier work."""
        stage = self.stage
        traces = [self.stage.folder / "trace", self.stage.folder / "others"]
        stage.start()
        tids = threads(stage.shop.process.pid, target.thread)
        when, aimed = whens[0], tids
        if attempt > 0 and len(tids) > 1:
            aimed = random.sample(tids, random.randint(1, len(tids) - 1))
            when = whens[attempt % len(whens)]
        others = [tid for tid in tids if tid not in aimed]
        attached = [Attached(others, self.options(target, None, traces[1]))] if others else []
        attached.append(Attached(aimed, self.options(target, "signal=KILL:when=%d" % when, traces[0])))
        answer = stage.scenario.act(stage.shop)
        was_killed = stage.shop.process.poll() == -9
        for strace in attached:
            strace.leave()
        stage.end_crashed()
        return answer, traces[:len(attached)] if was_killed else []

    def options(self, target, what, output):
        """Of strace, to do something to the calls of a target, or to hear them only."""
        path = self.stage.shop.data / target.path if target.path != "." else self.stage.shop.data
        only = ["-P", str(path)] if target.is_of_file else []
        inject = ["-e", "inject=%s:%s" % (target.call, what)] if what else []
        return ["-y", "--decode-pids=comm", "-o", str(output), "-e", "trace=" + target.call, *inject, *only]

    def outage(self, target, when):
        """Lets the disk fail from a call on: the number of the first that failed; None if there was none."""
        stage, trace = self.stage, self.stage.folder / "trace"
        stage.reset()
        stage.start()
        options = self.options(target, "error=%s:when=%d+" % (self.error, when), trace)
        attached = Attached(threads(stage.shop.process.pid, target.thread), options)
        try:
            answer = stage.scenario.act(stage.shop)
            check(answer is not None, "no answer")
            check(answer.status in (stage.scenario.status, 503), "while the disk fails:", answer)
            if answer.status == 503:
                check(answer.headers["content-type"] == "application/problem+json", answer.headers, answer)
            for read in [*map(stage.shop.get, READS), *stage.scenario.reads(stage.shop)]:
                check(read.status == 200, "a read while the disk fails:", read)
        except BaseException:
            stage.end_crashed()
            raise
        finally:
            since = time.monotonic()
            attached.leave()
        calls = calls_of(target, read_trace(trace, stage.shop.data))
        failed = next((number for number, call in enumerate(calls, 1) if "(INJECTED)" in call.text), None)
        try:
            acknowledged = stage.audit_recovery(answer, since)
        except BaseException:
            stage.end_crashed()
            raise
        stage.audit_running(acknowledged)
        stage.end_crashed()
        stage.audit(acknowledged)
        return failed

    def kill(self, target, number, whens=None, attempt=0):
        """One life, which is to end, or whose disk is to fail, at the call of that number; whether it did. whens: of
        strace, the likeliest first."""
        whens = whens or [number]
        try:
            met = self.outage(target, whens[0]) if self.error else self.life(target, whens, attempt)
        except (AssertionError, OSError, ValueError, KeyError) as error:
            self.failed += 1
            self.met.add((target, number))
            self.say("VIOLATION --only %s/%s/%d\n    %s: %s" % (self.name, target, number, type(error).__name__, error))
            return True
        self.unmet += met is None
        if met and (target, met) not in self.met:
            self.met.add((target, met))
            self.passed += 1
        return met == number

    # -- All ----------------------------------------------------------------------------------------------------------
    def meet(self, target, number, whens, tries, first=0):
        """Whether a life ended there: one of before, which was aimed at another call, or one of so many now."""
        likeliest = [whens[number - 1], *sorted(set(whens))]
        return any((target, number) in self.met or self.kill(target, number, likeliest, attempt)
                   for attempt in range(first, first + tries))

    def sweep_target(self, target, whens, numbers, is_whole):
        before, start = (self.passed, self.failed), time.monotonic()
        self.aimed += len(numbers)
        self.missed += [(target, number) for number in numbers if not self.meet(target, number, whens, TRIES_MAX)]
        number = len(whens) + 1
        while is_whole and number <= len(whens) + BEYOND_MAX and self.kill(target, number, [whens[-1] + number -
                                                                                            len(whens)]):
            number += 1
        self.say("%-12s %-52s %4d good, %d bad, %.0f s" % (
            self.name, target, self.passed - before[0], self.failed - before[1], time.monotonic() - start))

    def run(self, sample=None):
        """All kills, or about so many, spread evenly."""
        targets = self.targets(self.record())
        every = -(-sum(map(len, targets.values())) // sample) if sample else 1
        position = 0
        for target, whens in targets.items():
            numbers = [number for number in range(1, len(whens) + 1) if (position + number - 1) % every == 0]
            position += len(whens)
            if numbers:
                self.sweep_target(target, whens, numbers, every == 1)
        self.missed = [(target, number) for target, number in self.missed
                       if not self.meet(target, number, targets[target], TRIES_LATER_MAX, TRIES_MAX)]
        self.judge_met()
        self.say("%-12s %d kills met, %d of %d not met, %d lives without a kill" % (
            self.name, self.passed, len(self.missed), self.aimed, self.unmet))

    def judge_met(self):
        """Fails each kill that was never met, and a sweep that aimed at nothing."""
        for target, number in self.missed:
            self.say("NOT MET --only %s/%s/%d" % (self.name, target, number))
        if self.aimed == 0:
            self.say("%s: there was nothing to kill" % self.name)
        self.failed += len(self.missed) + (self.aimed == 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int)
    parser.add_argument("--scenario", action="append", choices=sorted(SCENARIOS))
    parser.add_argument("--only")
    parser.add_argument("--error", choices=["EIO", "ENOSPC"])
    options = parser.parse_args()
    passed = failed = unmet = 0

    def say(text):
        print(text, flush=True)
    names = options.scenario or [name for name in SCENARIOS if SCENARIOS[name].status or not options.error]
    for name in [options.only.split("/")[0]] if options.only else names:
        sweep = Sweep(name, say, error=options.error)
        try:
            if options.only:
                _, thread, call, path, number = options.only.split("/", 4)
                sweep.kill(Target(thread, call, "" if path == "any" else path), int(number))
            else:
                sweep.run(options.sample)
        finally:
            sweep.stage.close()
        passed += sweep.passed
        failed += sweep.failed
        unmet += sweep.unmet
    print("%d lives came to their end without a kill: they count for nothing" % unmet)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
