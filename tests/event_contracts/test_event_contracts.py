"""The events of the shop are what its schema says, and what was released of them still holds.

`released.json` is the contract of the last release. After a change that adds to it, EVENTS_UPDATE=1 writes it anew; a
change that breaks it is refused also then: it needs another field, type or topic, beside the old one until nobody reads
that any more."""
import copy
import json
import os
import pathlib
import sqlite3
import sys
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent / "support")]

import contract  # noqa: E402
from shop import Shop, eventually  # noqa: E402

RELEASED = FOLDER / "released.json"
OUTBOX = "SELECT event_id, topic, type, key, tenant, time_ms, payload FROM outbox"
PRODUCT = ".shopstream.catalog.v1.ProductEvent"
# What no shop does in this test: the provider fails a refund later, and a bank lets a payment lapse.
NOT_MADE = {"payment.refund_failed", "payment.voided"}


class Schema(unittest.TestCase):
    def setUp(self):
        self.now = contract.read_contract()

    def test_released_events_still_hold(self):
        released = json.loads(RELEASED.read_text())
        self.assertEqual([], contract.breaks(released, self.now))
        if os.environ.get("EVENTS_UPDATE"):
            RELEASED.write_text(json.dumps(self.now, indent=1, sort_keys=True) + "\n")
        self.assertEqual(self.now, json.loads(RELEASED.read_text()), "EVENTS_UPDATE=1 releases what is new")

    def assertBroken(self, sentence, change):
        changed = copy.deepcopy(self.now)
        change(changed)
        self.assertEqual([sentence], contract.breaks(self.now, changed))

    def test_each_break_is_found(self):
        fields = self.now["messages"][PRODUCT]
        number, kind, label = fields["slug"]
        for sentence, change in (
                ("the topic order.lifecycle is gone", lambda c: c["events"].pop("order.lifecycle")),
                ("product.events has no events product.deleted any more",
                 lambda c: c["events"]["product.events"]["types"].remove("product.deleted")),
                (PRODUCT + ".slug is gone", lambda c: c["messages"][PRODUCT].pop("slug")),
                ("%s.slug was %s and is %s" % (PRODUCT, fields["slug"], [number, "int64", label]),
                 lambda c: c["messages"][PRODUCT].update(slug=[number, "int64", label])),
                ("%s.slug was %s and is %s" % (PRODUCT, fields["slug"], [number, kind, "repeated"]),
                 lambda c: c["messages"][PRODUCT].update(slug=[number, kind, "repeated"])),
                ("%s.slug was %s and is %s" % (PRODUCT, fields["slug"], [99, kind, label]),
                 lambda c: c["messages"][PRODUCT].update(slug=[99, kind, label])),
                ("%s.other has the number of slug" % PRODUCT,
                 lambda c: c["messages"][PRODUCT].update(other=[number, kind, label])),
                ("the events of product.events are another message",
                 lambda c: c["events"]["product.events"].update(message=".shopstream.catalog.v1.Product"))):
            with self.subTest(sentence):
                self.assertBroken(sentence, change)

    def test_additions_break_nothing(self):
        added = copy.deepcopy(self.now)
        added["messages"][PRODUCT]["new"] = [99, "string", "single"]
        added["messages"][".shopstream.catalog.v1.New"] = {}
        added["events"]["product.events"]["types"].append("product.moved")
        added["events"]["new.events"] = {"message": ".shopstream.catalog.v1.New", "types": []}
        self.assertEqual([], contract.breaks(self.now, added))


class Events(unittest.TestCase):
    """What a shop really publishes, in everything that can happen to an order and a product."""

    def test_each_event_is_what_the_schema_says(self):
        shop = Shop()
        self.addCleanup(shop.close)
        shop.start()
        self.live(shop)
        released = json.loads(RELEASED.read_text())
        wanted = {each for event in released["events"].values() for each in event["types"]} - NOT_MADE
        seen = eventually(lambda: self.look(shop, released) >= wanted and wanted, "an event of each type")
        self.assertTrue(seen)

    def live(self, shop):
        staff = shop.staff("admin")
        product = shop.product(stocks=(50,))
        sku = product["skus"][0]["id"]
        confirmed = shop.buy([(sku, 1)])
        self.assertEqual("confirmed", confirmed["status"])
        path = "/api/orders/v1/orders/" + confirmed["id"]
        self.assertEqual(200, shop.post(path + "/fulfil", {}, token=staff).status)
        refund = "/api/payments/v1/payments/%s/refunds" % confirmed["payment"]["id"]
        self.assertIn(shop.post(refund, {}, token=staff, key="refund-1").status, (200, 201))
        self.assertEqual("failed", shop.buy([(sku, 1)], "pm_card_chargeDeclined")["status"])
        challenged = shop.place([(sku, 1)], "pm_card_authenticationRequired", wait=20).json
        shop.challenge(challenged, "approve")
        shop.becomes(challenged["id"], "confirmed", guest=challenged["guest_token"])
        cancelled = "/api/orders/v1/orders/%s/cancel" % challenged["id"]
        self.assertEqual(200, shop.post(cancelled, {}, guest=challenged["guest_token"]).status)
        answer = shop.get("/api/catalog/v1/products/" + product["id"])
        edit = shop.patch("/api/catalog/v1/products/" + product["id"], {"title": "Another"}, token=staff,
                          headers={"If-Match": answer.headers["etag"]})
        self.assertEqual(200, edit.status, edit)
        other = shop.product(stocks=(1,))
        answer = shop.get("/api/catalog/v1/products/" + other["id"])
        gone = shop.delete("/api/catalog/v1/products/" + other["id"], token=staff,
                           headers={"If-Match": answer.headers["etag"]})
        self.assertIn(gone.status, (200, 204), gone)

    def look(self, shop, released):
        """The types of all events so far, each of which fits."""
        seen = set()
        for path in shop.data.glob("*.db"):
            with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as database:
                rows = database.execute(OUTBOX).fetchall()
            for event_id, topic, kind, key, tenant, time_ms, payload in rows:
                self.assertIn(topic, released["events"])
                event = released["events"][topic]
                self.assertIn(kind, event["types"])
                self.assertTrue(event_id and key and tenant and time_ms)
                self.assertEqual([], list(contract.misfits(released, event["message"], json.loads(payload), kind)))
                seen.add(kind)
        return seen


if __name__ == "__main__":
    unittest.main()
