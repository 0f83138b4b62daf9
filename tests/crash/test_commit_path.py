"""What is written, then synced, then acknowledged, by a rule and against commit_path.golden: what no kill can show.

Each request of the golden file is the only one under way, and what a shop does by itself is held meanwhile; the rule,
and who writes what, is in commit_path.py. Each commit of each database has its lines; calls in a row that are alike are
one line; process ids, descriptors, lengths and times are left out. A sync stands where it ended, an answer or a
question where it began. After a change that is meant, `test_commit_path.py --write` writes the file anew.
"""
import collections
import contextlib
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "support"))

from browser import Browser  # noqa: E402
from commit_path import (REQUEST_THREADS, SAGA_THREADS, TRACED, VERBS, Step, Still, lines_of,  # noqa: E402
                         steps_of, unlike, violations)
from scenarios import MANIFEST, check, settle  # noqa: E402
from shop import (ADMIN_EMAIL, BINARY, PASSWORD, PROVIDER_PORT_DISTANCE, Shop, eventually, new_email,  # noqa: E402
                  new_key)
from strace import FILE_CALLS, Attached, read_trace, starting  # noqa: E402

GOLDEN = HERE / "commit_path.golden"
COMMAND_TIMEOUT_S = 60
HOUR_MS = 3600000
SKIPPED_SYNC = struct.Struct("=Qq")  # as planted_bugs.c has it
TRIES_MAX = 5
HEADING = re.compile(r"^## (.*)$", re.M)


class Requests:
    """The requests whose path is golden: {name: (function, files, status)}."""

    def __init__(self, shop):
        self.shop = shop
        self.sku = shop.sku(100)
        self.order, self.sent = (shop.buy([(self.sku, 1)]) for _ in range(2))
        self.renew()
        self.admin, self.support = shop.staff("admin"), shop.staff("support")
        self.browser = Browser(shop).open()
        at_the_bank = shop.place([(self.sku, 1)], "pm_card_authenticationRequired", wait=20).json
        # The provider's news come later than all that is looked at.
        shop.faults(webhook_delay_ms=HOUR_MS)
        check(shop.challenge(at_the_bank, "approve").status == 303, "the bank's page")
        self.news = self.newest_event("payment_intent.amount_capturable_updated")
        # What follows an answer by itself is traced apart from it, without the answer: either may be first.
        self.all = {
            "an account": (self.sign_up,),
            "its mail": (self.sign_up_and_wait, {"queue"}, False),
            "a sign-in": (self.sign_in,),
            "a sign-in that goes on": (self.refresh,),
            "a sign-out": (self.sign_out,),
            "a browser's sign-in": (self.open_session,),
            "a browser's sign-out": (self.end_session,),
            "a unit of stock": (self.set_stock,),
            "an import": (self.import_file,),
            "an order": (self.place,),
            "an order until it is confirmed": (self.place_and_wait, SAGA_THREADS),
            "a charge, at the provider": (self.charge,),
            "a refund, through the provider": (self.refund,),
            "a webhook that brings news": (self.tell,),
            "an order that was sent": (self.fulfil,),
            "an order that is cancelled": (self.cancel, SAGA_THREADS),
        }

    def renew(self):
        """An order to cancel, for the next trace of it."""
        self.unwanted = self.shop.buy([(self.sku, 1)])

    def trace(self, name):
        return trace(self.shop, name, *self.all[name])

    def newest_event(self, kind):
        return next(event for event in self.shop.provider_list("/v1/events") if event["type"] == kind)

    def sign_up(self):
        return self.shop.post("/api/identity/v1/signup", {"email": new_email(), "password": PASSWORD, "name": "Ada"})

    def sign_up_and_wait(self):
        before = len(self.shop.all_mails())
        answer = self.sign_up()
        eventually(lambda: len(self.shop.all_mails()) > before, "the mail")
        settle(self.shop)
        return answer

    def sign_in(self):
        answer = self.shop.post("/api/identity/v1/login", {"email": ADMIN_EMAIL, "password": PASSWORD})
        self.tokens = answer.json
        return answer

    def refresh(self):
        answer = self.shop.post("/api/identity/v1/refresh", {"refresh_token": self.tokens["refresh_token"]})
        self.tokens = answer.json
        return answer

    def sign_out(self):
        return self.shop.post("/api/identity/v1/logout", {"refresh_token": self.tokens["refresh_token"]})

    def open_session(self):
        return self.browser.sign_in(ADMIN_EMAIL)

    def end_session(self):
        return self.browser.delete("/session")

    def set_stock(self):
        return self.shop.put("/api/catalog/v1/skus/%s/stock" % self.sku, {"on_hand": 99}, token=self.admin)

    def import_file(self):
        text = b"title,category,code,price,currency\nBroom,brooms,BROOM-1,1000,EUR\n"
        return self.shop.post("/api/catalog/v1/import", text, token=self.admin, key=new_key(),
                              headers={"Content-Type": "text/csv"})

    def place(self):
        return self.shop.place([(self.sku, 1)])

    def place_and_wait(self):
        answer = self.shop.place([(self.sku, 1)], wait=20)
        check(answer.json["status"] == "confirmed", answer)
        return answer

    def charge(self):
        form = {"amount": 777, "currency": "eur", "payment_method": "pm_card_visa", "confirm": "true"}
        return self.shop.provider("POST", "/v1/payment_intents", form, new_key())

    def refund(self):
        return self.shop.post("/api/payments/v1/payments/%s/refunds" % self.order["payment"]["id"], {"amount": 100},
                              token=self.support, key=new_key())

    def tell(self):
        return self.shop.webhook(self.news)

    def fulfil(self):
        return self.shop.post("/api/orders/v1/orders/%s/fulfil" % self.sent["id"], token=self.admin, key=new_key())

    def cancel(self):
        return self.shop.post("/api/orders/v1/orders/%s/cancel" % self.unwanted["id"],
                              guest=self.unwanted["guest_token"], key=new_key())


def trace(shop, name, request, moving=frozenset(), is_answer_looked_at=True):
    """The steps of one request, alone."""
    settle(shop)
    path = pathlib.Path(shop.folder) / "trace"
    options = ["-yy", "-s", "64", "--decode-pids=comm", "-o", str(path), "-e", "trace=" + TRACED]
    with Still(shop.process.pid, REQUEST_THREADS | moving) as still:
        attached = Attached(still.moving, options)
        try:
            answer = request()
        finally:
            attached.leave()
    check(answer.status in (200, 201, 204), name, answer)
    steps = steps_of(read_trace(path, shop.data), shop.port, shop.port + PROVIDER_PORT_DISTANCE)
    return [step for step in steps if is_answer_looked_at or step.verb != "answered"]


@contextlib.contextmanager
def requests_of_a_shop(plant=None, **variables):
    """The requests of a shop with a planted bug or without."""
    shop = Shop(LOG_LEVEL="error", RECONCILE_AGE_MS=HOUR_MS)
    if plant:
        shop.preload("planted_bugs", PLANTED_BUG=plant, **variables)
    try:
        shop.start()
        yield Requests(shop)
    finally:
        shop.close()


def commit_paths(plant=None, only=None):
    """{name: steps} of all requests or of some."""
    with requests_of_a_shop(plant) as requests:
        wanted = [name for name in requests.all if only is None or name in only]
        return {name: requests.trace(name) for name in wanted}


def read_golden():
    parts = HEADING.split(GOLDEN.read_text())
    return {name: text.strip().splitlines() for name, text in zip(parts[1::2], parts[2::2])}


def write_golden():
    head = "What is written, then synced, then acknowledged. test_commit_path.py says how it is read and written.\n"
    parts = ("\n## %s\n%s\n" % (name, "\n".join(lines_of(steps))) for name, steps in commit_paths().items())
    GOLDEN.write_text(head + "".join(parts))


class CommitPathTest(unittest.TestCase):
    maxDiff = None

    def test_commit_path__is_the_golden_one(self):
        """Nothing is acknowledged, asked of the provider or built upon before the sync of what was written for it."""
        found = commit_paths()
        self.assertEqual(read_golden(), {name: lines_of(steps) for name, steps in found.items()})
        for name, steps in found.items():
            with self.subTest(request=name):
                self.assertEqual([], violations(steps))

    def test_commit_path__the_rule(self):
        """Of what must not pass. Each word of a path begins at a line of a trace and ends at the next, but for "...":
        what is before it ends only after what is behind it."""
        for words, expected in (
                ("written:a synced:a answered:201", []),
                ("written:a answered:201 synced:a", ["answered 201 before the sync of a"]),
                ("written:a synced:a written:a answered:201 synced:a", ["answered 201 before the sync of a"]),
                ("written:a synced:a written:a answered:201", ["answered 201 before the sync of a", "never synced: a"]),
                ("written:a synced:b asked:it synced:a", ["asked it before the sync of a"]),
                ("written:a written:b synced:a synced:b answered:200", ["written b before the sync of a"]),
                ("written:a ... synced:a answered:200", ["answered 200 before the sync of a", "never synced: a"]),
                ("written:a synced:a ... answered:200", ["answered 200 before the sync of a"]),
                ("written:m/p synced:m/p named:m/e synced:m written:a synced:a", []),
                ("written:m/p named:m/e synced:m", ["named m/e before the sync of m/p", "never synced: m/p"]),
                ("named:m/e written:a synced:a", ["written a before the sync of m", "never synced: m"])):
            with self.subTest(path=words):
                steps = []
                for number, word in enumerate(words.split()):
                    if word == "...":
                        steps[-1] = steps[-1]._replace(ended=2 * number + 3.5)
                    else:
                        steps.append(Step(*word.split(":"), 2 * number, 2 * number + 1))
                self.assertEqual(expected, violations(sorted(steps, key=lambda step: step.position)))

    def traced(self, parent, *words):
        """The calls of a command that name what is below parent, or parent itself, and change or sync it."""
        path = parent + "/trace"
        options = ["-y", "-o", path, "-e", "trace=mkdir,fsync,openat"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")}
        # Who looks for leaks traces, and a process is traced once only.
        kept["ASAN_OPTIONS"] = kept.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        ended = subprocess.run(starting(["-f", *options], [BINARY, *words]), env=kept, capture_output=True, text=True,
                               timeout=COMMAND_TIMEOUT_S)
        self.assertEqual(0, ended.returncode, ended.stderr)
        reading = re.compile(r'openat\(.*"%s", O_RDONLY' % re.escape(parent))
        return [line for line in pathlib.Path(path).read_text().splitlines()
                if parent in line and not reading.search(line)]

    def test_commit_path__a_new_data_folder_is_synced_where_it_lies(self):
        """Before anything is made in it: what is synced in a folder whose entry is lost is lost. A copy, at its end."""
        with tempfile.TemporaryDirectory(prefix="shopstream-crash-") as parent:
            parent = os.path.realpath(parent)
            # A call of another thread may come in between; the command has ended well.
            data, synced = parent + "/data", r"fsync\(\d+<%s>(\) += 0| <unfinished)" % re.escape(parent)
            made, after, *_ = self.traced(parent, "migrate", "--data", data)
            self.assertIn('mkdir("%s", 0700)' % data, made)
            self.assertRegex(after, synced)
            for words in (["backup", parent + "/copy"], ["dump", parent + "/shop.dump"]):
                with self.subTest(command=words[0]):
                    calls = self.traced(parent, *words, "--data", data)
                    made = next(i for i, line in enumerate(calls) if '"%s", ' % words[1] in line)
                    self.assertRegex("\n".join(calls[made:]), synced)

    def started(self, data, *words):
        """The calls of a command on a folder that change or sync files, each by (verb, file), as they ended."""
        path = data.parent / "trace"
        options = ["-y", "--decode-pids=comm", "-o", str(path), "-e", "trace=" + ",".join(FILE_CALLS)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")}
        kept["ASAN_OPTIONS"] = kept.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        ended = subprocess.run(starting(["-f", *options], [BINARY, *words, "--data", data]), env=kept,
                               capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S)
        self.assertEqual(0, ended.returncode, ended.stderr)
        calls = sorted((call for call in read_trace(path, data) if call.ended is not None), key=lambda call: call.ended)
        return [(verb, call.path) for call in calls for verb, names in VERBS.items() if call.name in names]

    def test_commit_path__a_database_is_named_when_it_is_on_disk(self):
        """With its log and its entry: a list that is ahead of what it names would refuse a shop that lost nothing.
        Before the first database there is a list, else a folder half made would pass for one of an earlier version."""
        with tempfile.TemporaryDirectory(prefix="shopstream-crash-") as parent:
            data = pathlib.Path(os.path.realpath(parent)) / "data"
            for name, lists in (("first", 2), ("second", 1)):
                with self.subTest(start=name):
                    calls = self.started(data, "migrate")
                    named = [i for i, call in enumerate(calls) if call == ("named", MANIFEST)]
                    self.assertEqual(lists, len(named), calls)
                    for i in named:
                        self.assertEqual([("synced", MANIFEST + ".part"), ("synced", ".")], calls[i - 2:i])
                        self.assertEqual(("synced", "."), calls[i + 1])
                    files = {path for _, path in calls if path.endswith(".db-wal")}
                    self.assertEqual(6, len(files), files)  # a service with a database each
                    for file in files:
                        last = [verb for verb, path in calls[:named[-1]] if path == file][-1]
                        self.assertEqual("synced", last, file)
                    first = next(i for i, (_, path) in enumerate(calls) if ".db" in path)
                    self.assertEqual(lists == 2, named[0] < first)

    def test_commit_path__shows_syncs_that_are_off(self):
        """The harness' own test: a shop that leaves the sync to the system later, or altogether, is found out."""
        golden = read_golden()
        for plant in ("sync-off", "sync-normal"):
            with self.subTest(planted=plant):
                for name, steps in commit_paths(plant).items():
                    self.assertNotEqual(golden[name], lines_of(steps), name)
                    self.assertTrue(violations(steps), name)
                    self.assertFalse([step for step in steps if step.verb == "synced" and "mail" not in step.what])

    def test_commit_path__shows_each_sync_that_is_skipped(self):
        """The harness' own test: of each file, each sync of an order until it is confirmed, and of others, by itself.
        By the golden lines; by the rule too, unless the next commit of the same file is synced for both."""
        golden = read_golden()
        with tempfile.NamedTemporaryFile() as which:
            which.write(bytes(SKIPPED_SYNC.size))
            which.flush()
            with requests_of_a_shop("skipped-sync", PLANTED_SYNC=which.name) as requests:
                for name in ("an order", "an order until it is confirmed", "a refund, through the provider", "its mail",
                             "an order that is cancelled"):
                    counts = collections.Counter()
                    for at, line in enumerate(golden[name]):
                        verb, _, file = line.partition(" ")
                        if verb != "synced" or file.endswith(".part"):  # a file that is not there yet
                            continue
                        counts[file] += 1
                        with self.subTest(request=name, file=file, sync=counts[file]):
                            inode = (requests.shop.data / file).stat().st_ino
                            skipped = SKIPPED_SYNC.pack(inode, counts[file])
                            steps = self.trace_without(requests, name, at, which, skipped)
                            if golden[name][at + 1:at + 2] != ["written " + file]:
                                self.assertIn(file, " ".join(violations(steps)))

    def trace_without(self, requests, name, at, which, skipped):
        """The steps of a request without the sync at a golden line, and with all others. Two commits that nothing
        orders, as a saga's last and an answer's, may be one on a busy machine: then that sync is not the one."""
        golden = read_golden()[name]
        wanted = unlike([*golden[:at], *golden[at + 1:]])
        for _ in range(TRIES_MAX):
            requests.renew()
            settle(requests.shop)
            os.pwrite(which.fileno(), skipped, 0)
            steps = requests.trace(name)
            if lines_of(steps) == wanted:
                break
        self.assertEqual(wanted, lines_of(steps))
        return steps

    def test_commit_path__shows_an_answer_before_its_commit(self):
        """The harness' own test: of a customer, and to the provider, who would tell it again otherwise."""
        for plant, name, answered in (("early-answer", "an order", "answered 201"),
                                      ("early-webhook", "a webhook that brings news", "answered 200")):
            with self.subTest(planted=plant):
                self.assertEqual(answered, lines_of(commit_paths(plant, {name})[name])[0])


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write_golden()
    else:
        unittest.main()
