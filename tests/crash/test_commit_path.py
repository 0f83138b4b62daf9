"""What is written, then synced, then acknowledged, against commit_path.golden: a kill cannot show a missing sync.

Each request of the golden file is the only one under way. Calls in a row that are alike are one line, and so are
commits; process ids, descriptors, lengths and times are left out. A sync stands where it ended, an answer where it
began. After a change that is meant, `test_commit_path.py --write` writes the file anew.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "support"))

from browser import Browser  # noqa: E402
from scenarios import MANIFEST, check, settle  # noqa: E402
from shop import ADMIN_EMAIL, BINARY, PASSWORD, Shop, eventually, new_email, new_key  # noqa: E402
from strace import FILE_CALLS, SOCKET_CALLS, Attached, read_trace, starting, threads  # noqa: E402

GOLDEN = HERE / "commit_path.golden"
TRACED = ",".join(sorted({*FILE_CALLS, *SOCKET_CALLS}))
ANSWER = re.compile(r'"HTTP/1\.1 (\d{3})')
VERBS = {"written": ("pwrite64", "pwritev", "write", "writev"), "synced": ("fdatasync", "fsync"), "cut": ("ftruncate",),
         "removed": ("unlink", "unlinkat"), "named": ("rename", "renameat", "renameat2")}
COMMAND_TIMEOUT_S = 60
HOUR_MS = 3600000
HEADING = re.compile(r"^## (.*)$", re.M)


def line_of(call, files):
    """(position, line) of a call in the golden file; None for what it does not tell of."""
    path = re.sub(r"^mail/.*(\.\w+)$", r"mail/*\1", call.path)
    if path == "socket" and call.name in SOCKET_CALLS and call.thread == "http-loop":
        answer = ANSWER.search(call.text)
        return (call.begun, "answered " + answer[1]) if answer else None
    if not any(path.startswith(file) for file in files) or path.endswith("-shm"):
        return None
    for verb, names in VERBS.items():
        if call.name in names:
            return (float("inf") if call.ended is None else call.ended, "%s %s" % (verb, path))
    return None


def lines_of(calls, files, status):
    """The lines up to the answer of a status; all of them without one. Alike ones in a row are one,
    and two in turns are two.

    Once a commit is synced the next may begin before the answer of the first has left, so what is written behind the
    last sync is not of this request.
    """
    lines = []
    for _, line in sorted(filter(None, (line_of(call, files) for call in calls))):
        if line.startswith("answered") and line != "answered %s" % status:
            continue  # the provider's to the shop, or one that nobody asked for
        if not lines or lines[-1] != line:
            lines.append(line)
        if lines[-2:] == lines[-4:-2]:
            del lines[-2:]
        if line == "answered %s" % status:
            while len(lines) > 2 and lines[-2].startswith("written"):
                del lines[-2]
            break
    return lines


class Requests:
    """The requests whose path is golden: {name: (function, files, status)}."""

    def __init__(self, shop):
        self.shop = shop
        self.sku = shop.sku(100)
        self.order, self.sent, self.unwanted = (shop.buy([(self.sku, 1)]) for _ in range(3))
        self.admin, self.support = shop.staff("admin"), shop.staff("support")
        self.browser = Browser(shop).open()
        at_the_bank = shop.place([(self.sku, 1)], "pm_card_authenticationRequired", wait=20).json
        # The provider's news come later than all that is looked at.
        shop.faults(webhook_delay_ms=HOUR_MS)
        check(shop.challenge(at_the_bank, "approve").status == 303, "the bank's page")
        self.news = self.newest_event("payment_intent.amount_capturable_updated")
        self.all = {
            "an account": (self.sign_up, ("identity.db",), 201),
            "its mail": (self.sign_up_and_wait, ("mail",), None),
            "a sign-in": (self.sign_in, ("identity.db",), 200),
            "a sign-in that goes on": (self.refresh, ("identity.db",), 200),
            "a sign-out": (self.sign_out, ("identity.db",), 204),
            "a browser's sign-in": (self.open_session, ("identity.db",), 204),
            "a browser's sign-out": (self.end_session, ("identity.db",), 204),
            "a unit of stock": (self.set_stock, ("catalog.db",), 200),
            "an import": (self.import_file, ("catalog.db",), 200),
            "an order": (self.place, ("orders.db",), 201),
            "a charge, at the provider": (self.charge, ("stripe_emulator.db",), 200),
            "a refund, through the provider": (self.refund, ("payments.db", "stripe_emulator.db"), 201),
            "a webhook that brings news": (self.tell, ("payments.db",), 200),
            "an order that was sent": (self.fulfil, ("orders.db",), 200),
            "an order that is cancelled": (self.cancel, ("orders.db",), 200),
        }

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


def trace(shop, name, request, files, status):
    """The golden lines of one request, alone."""
    settle(shop)
    path = pathlib.Path(shop.folder) / "trace"
    options = ["-y", "--decode-pids=comm", "-o", str(path), "-e", "trace=" + TRACED]
    attached = Attached(threads(shop.process.pid), options)
    try:
        answer = request()
    finally:
        attached.leave()
    check(answer.status in (200, 201, 204), name, answer)
    return lines_of(read_trace(path, shop.data), files, status)


def commit_paths(plant=None, only=None):
    """{name: lines} of all requests or of some, in a shop with a planted bug or without."""
    shop = Shop(LOG_LEVEL="error", RECONCILE_AGE_MS=HOUR_MS)
    if plant:
        shop.preload("planted_bugs", PLANTED_BUG=plant)
    try:
        shop.start()
        requests = Requests(shop)
        wanted = [name for name in requests.all if only is None or name in only]
        return {name: trace(shop, name, *requests.all[name]) for name in wanted}
    finally:
        shop.close()


def read_golden():
    parts = HEADING.split(GOLDEN.read_text())
    return {name: text.strip().splitlines() for name, text in zip(parts[1::2], parts[2::2])}


def write_golden():
    paths = commit_paths()
    head = "What is written, then synced, then acknowledged. test_commit_path.py says how it is read and written.\n"
    GOLDEN.write_text(head + "".join("\n## %s\n%s\n" % (name, "\n".join(lines)) for name, lines in paths.items()))


class CommitPathTest(unittest.TestCase):
    maxDiff = None

    def test_commit_path__is_the_golden_one(self):
        """Nothing is acknowledged before the sync of what was written for it."""
        golden = read_golden()
        self.assertEqual(golden, commit_paths())
        for name, lines in golden.items():
            answered = [line for line in lines if line.startswith("answered")]
            with self.subTest(request=name):
                self.assertTrue(answered and lines[-1] == answered[0] and lines[-2].startswith("synced")
                                or not answered and lines[-1].startswith("synced"), lines)

    def traced(self, parent, *words):
        """The calls of a command that name what is below parent, or parent itself, and change or sync it."""
        path = parent + "/trace"
        options = ["-y", "-o", path, "-e", "trace=mkdir,fsync,openat"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")}
        # Who looks for leaks traces, and a process is traced once only.
        kept["ASAN_OPTIONS"] = kept.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        ended = subprocess.run(starting(options, [BINARY, *words]), env=kept, capture_output=True, text=True,
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
        ended = subprocess.run(starting(options, [BINARY, *words, "--data", data]), env=kept, capture_output=True,
                               text=True, timeout=COMMAND_TIMEOUT_S)
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

    def test_commit_path__shows_a_missing_sync(self):
        """The harness' own test: a shop that leaves the sync to the system later, or altogether, is found out."""
        golden = read_golden()
        by_sqlite = set(golden) - {"its mail"}
        self.assertLessEqual({"an order", "an import", "a refund, through the provider"}, by_sqlite)
        for plant in ("sync-off", "sync-normal"):
            with self.subTest(planted=plant):
                found = commit_paths(plant)
                for name in by_sqlite:
                    self.assertNotEqual(golden[name], found[name], name)
                    self.assertNotIn("synced", " ".join(found[name]))
                self.assertEqual(golden["its mail"], found["its mail"])  # which SQLite does not write

    def test_commit_path__shows_an_answer_before_its_sync(self):
        """The harness' own test: of a customer, and to the provider, who would tell it again otherwise."""
        for plant, name, answered in (("early-answer", "an order", "answered 201"),
                                      ("early-webhook", "a webhook that brings news", "answered 200")):
            with self.subTest(planted=plant):
                self.assertEqual({name: [answered]}, commit_paths(plant, {name}))


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write_golden()
    else:
        unittest.main()
