"""The command line on a shop with something under way: workflows of real orders, an event that no consumer takes, a
mail that could not be sent."""
import json
import pathlib
import re
import sqlite3
import time
import unittest
import urllib.request
import uuid

from test_cli import GOOD_CSV, TIMEOUT_S, Case, run

POLL_S = 0.05


class Flow(Case):
    def open_shop(self):
        shop = self.shop("--no-seed")
        self.good("import", self.write("good.csv", GOOD_CSV), "--data", self.data)
        return shop

    def place(self, shop, card, wait_s=0):
        """An order of one mug: its answer."""
        sku = shop.get("/api/catalog/v1/products")["products"][0]["skus"][0]["id"]
        body = {"items": [{"sku_id": sku, "quantity": 1}], "email": "ann@example.com",
                "shipping_address": {"name": "Ann", "line1": "1 Main Street", "city": "Vienna", "postal_code": "1010",
                                     "country": "AT"},
                "payment": {"payment_method": card}}
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        if wait_s:
            headers["Prefer"] = "wait=%d" % wait_s
        request = urllib.request.Request(shop.url + "/api/orders/v1/orders", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            return json.load(response)

    def eventually(self, question, what):
        end = time.monotonic() + TIMEOUT_S
        while not (answer := question()):
            self.assertLess(time.monotonic(), end, what)
            time.sleep(POLL_S)
        return answer

    def listed(self, *options):
        rows = json.loads(self.good("workflow", "list", "--json", *options, "--data", self.data))["workflows"]
        return {row["id"]: row for row in rows}

    def test_workflows_are_listed_and_shown(self):
        shop = self.open_shop()
        done = self.place(shop, "pm_card_visa", wait_s=20)["id"]
        waits = self.place(shop, "pm_card_authenticationRequired")["id"]
        self.eventually(lambda: self.listed("--status", "completed"), "the end of the first workflow")
        self.eventually(lambda: "payment" in self.listed().get(waits, {}).get("step", ""), "the wait of the second")
        for opened in (True, False):
            with self.subTest(opened=opened):
                table = self.good("workflow", "list", "--data", self.data)
                self.assertRegex(table, r"(?m)^WORKFLOW +TYPE +STATUS +WAITS FOR")
                self.assertRegex(table, r"(?m)^%s +place_order +completed" % done)
                self.assertRegex(table, r"(?m)^%s +place_order +running +\S" % waits)
                self.assertEqual(set(self.listed("--status", "running")), {waits})
                self.assertEqual(set(self.listed("--status", "stuck")), set())
                text = self.good("workflow", "show", done, "--data", self.data)
                self.assertRegex(text, r"(?m)^Status +completed$")
                self.assertRegex(text, r"(?m)^STEP +KIND +NAME +STATE")
                names = [word for word in text.split() if word in ("reserve_stock", "authorise_payment",
                                                                   "capture_payment", "commit_stock", "confirm_order")]
                self.assertEqual(names, ["reserve_stock", "authorise_payment", "capture_payment", "commit_stock",
                                         "confirm_order"])
                shown = json.loads(self.good("workflow", "show", waits, "--json", "--data", self.data))
                self.assertEqual((shown["type"], shown["status"]), ("place_order", "running"))
                self.bad(1, "No workflow of that id is stuck", "workflow", "resume", waits, "--data", self.data)
            if opened:
                self.assertEqual(shop.stop(), 0)

    def quarantined(self):
        return json.loads(self.good("quarantine", "list", "--json", "--data", self.data)).get("events", [])

    def change(self, database, statement, *values):
        connection = sqlite3.connect(pathlib.Path(self.data, database), isolation_level=None)
        connection.execute(statement, values)
        connection.close()

    def test_an_event_in_quarantine_is_shown_and_replayed(self):
        """An event that cannot be read is put aside with its reason; mended, it is handled and leaves."""
        self.good("migrate", "--data", self.data)
        self.change("payments.db", "INSERT INTO outbox"
                    " (event_id, topic, type, key, tenant, time_ms, traceparent, payload)"
                    " VALUES ('e-1', 'payment.events', 'payment.authorised', 'order-1', 'default', 1, '', ?)",
                    '{"order_id":7}')
        shop = self.shop("--no-seed")
        event = self.eventually(self.quarantined, "the event in quarantine")[0]
        place = [event["service"], event["group"], event["source"], str(event["offset"])]
        self.assertEqual(place[:3], ["orders", "saga", "payments"])
        table = self.good("quarantine", "list", "--data", self.data)
        self.assertRegex(table, r"(?m)^SERVICE +GROUP +SOURCE +OFFSET")
        self.assertRegex(table, r"(?m)^orders +saga +payments +\d+ +payment\.authorised +order-1 +5 +\S")
        self.bad(1, "order_id", "quarantine", "replay", *place, "--data", self.data)
        self.assertEqual(self.quarantined()[0]["attempts"], 6)
        self.assertEqual(shop.stop(), 0)
        self.change("orders.db", "UPDATE quarantine SET payload = ?", '{"order_id":"order-1"}')
        self.assertIn("left quarantine", self.good("quarantine", "replay", *place, "--data", self.data))
        self.assertEqual(self.quarantined(), [])
        self.bad(1, "no such event", "quarantine", "replay", *place, "--data", self.data)

    def bury_mail(self, name):
        """A mail as its last attempt leaves it: those before take a day."""
        mail = {"id": name, "kind": "receipt", "to": "ann@example.com", "subject": name, "text": "Thank you."}
        self.change("orders.db", "INSERT INTO queue_message"
                    " (id, queue, body, attempts, enqueued_at_ms, visible_at_ms, dead_at_ms, last_error)"
                    " VALUES (?, 'mail', ?, 44, 1000, 1000, 61000, 'storage')", name, json.dumps(mail).encode())

    def dead(self):
        messages = json.loads(self.good("quarantine", "list", "--json", "--data", self.data)).get("messages", [])
        return [message["id"] for message in messages]

    def mails(self):
        """The subjects of those that were sent."""
        return sorted(re.search(r"(?m)^Subject: (\S+)", path.read_text()).group(1)
                      for path in pathlib.Path(self.data, "mail").glob("*.eml"))

    def counted(self, shop, state):
        with urllib.request.urlopen(shop.url + "/metrics", timeout=TIMEOUT_S) as response:
            return float(re.search(r'(?m)^shopstream_queue_messages\{service="orders",queue="mail",state="%s"\} (\S+)$'
                                   % state, response.read().decode()).group(1))

    def test_a_dead_message_is_shown_counted_and_replayed(self):
        """A mail that was given up: a person sees it, without its address, and has it sent after all."""
        self.good("migrate", "--data", self.data)
        for name in ("mail-1", "mail-2", "mail-3"):
            self.bury_mail(name)
        table = self.good("quarantine", "list", "--data", self.data)
        self.assertRegex(table, r"(?m)^SERVICE +QUEUE +MESSAGE +ATTEMPTS +SINCE +DEAD +DETAIL")
        self.assertRegex(table, r"(?m)^orders +mail +mail-1 +44 +1970-\S+:01.000Z +1970-\S+:01:01.000Z +storage$")
        shop = self.shop("--no-seed")
        self.assertEqual(self.counted(shop, "dead"), 3)
        listed = self.good("quarantine", "list", "--json", "--data", self.data)
        self.assertNotIn("ann@example.com", table + listed)
        self.assertEqual(self.mails(), [])
        self.good("quarantine", "replay", "orders", "mail", "mail-2", "--data", self.data)
        self.eventually(lambda: self.mails() == ["mail-2"], "the mail")
        self.assertEqual(self.dead(), ["mail-1", "mail-3"])
        self.assertEqual(self.counted(shop, "dead"), 2)
        self.bad(1, "no such dead message", "quarantine", "replay", "orders", "mail", "mail-2", "--data", self.data)
        self.bad(1, "no such dead message", "quarantine", "replay", "identity", "mail", "--data", self.data)
        self.assertEqual(shop.stop(), 0)
        said = self.good("quarantine", "replay", "orders", "mail", "--data", self.data)
        self.assertIn("tried again when the shop is served: 2", said)
        self.assertEqual(self.dead(), [])
        shop = self.shop("--no-seed")
        self.eventually(lambda: self.mails() == ["mail-1", "mail-2", "mail-3"], "the other mails")
        self.eventually(lambda: self.counted(shop, "ready") + self.counted(shop, "waiting") == 0, "an empty queue")


class DoctorOfSettings(Case):
    def said(self, subject, verdict, words, *arguments, **settings):
        """The doctor's line about the subject, and whether it ends badly by it."""
        result = run("doctor", *arguments, **{"SHOPSTREAM_PORT": "0", **settings})
        self.assertEqual(result.returncode, 1 if verdict == "problem" else 0, result.stdout)
        self.assertRegex(result.stdout, r"(?m)^%s +%s .*%s" % (subject, verdict, words))
        return result

    def test_a_folder_that_is_not_there_yet_is_no_problem(self):
        self.said("folder", "ok", "does not exist yet", "--data", self.data)

    def test_a_folder_whose_parent_is_not_there(self):
        """No start makes that one."""
        data = self.data + "/none/shop"
        self.said("folder", "problem", "cannot be made, for .*/none does not exist; make that first", "--data", data)
        self.bad(1, "cannot be made", "serve", "--port", "0", "--data", data)

    def test_a_file_is_no_folder(self):
        self.said("folder", "problem", "is no folder that can be read: Not a directory", "--data",
                  self.write("file", "x"))

    def test_a_level_that_does_not_exist(self):
        self.said("config", "problem", "SHOPSTREAM_LOG_LEVEL must be", "--data", self.data,
                  SHOPSTREAM_LOG_LEVEL="loud")

    def test_a_database_that_is_none(self):
        self.good("migrate", "--data", self.data)
        pathlib.Path(self.data, "orders.db").write_bytes(b"no database" * 1000)
        result = self.said("databases", "problem", "as stderr says", "--data", self.data)
        self.assertIn("orders", result.stderr)


class Destinations(Case):
    """Where a copy cannot be written it says so, and leaves nothing behind."""

    def setUp(self):
        super().setUp()
        self.good("migrate", "--data", self.data)

    def test_of_a_dump_and_a_backup(self):
        missing = str(self.folder / "none" / "there")
        for command in ("dump", "backup"):
            with self.subTest(command):
                self.bad(1, "none", command, missing, "--data", self.data)
        self.bad(1, "Is a directory", "dump", str(self.folder) + "/", "--data", self.data)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["data"])

    def test_of_a_restore(self):
        self.good("backup", str(self.folder / "copy"), "--data", self.data)
        target = self.write("file", "x")
        self.bad(1, "file", "restore", str(self.folder / "copy"), "--data", target)
        self.assertEqual(pathlib.Path(target).read_text(), "x")


if __name__ == "__main__":
    unittest.main()
