"""What happens, as it is told: followed over HTTP, resumed, and ended."""
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from case import ShopCase  # noqa: E402
from events import Stream  # noqa: E402
from shop import Shop, eventually, new_key  # noqa: E402

TICKETS = "/api/realtime/v1/tickets"
STOP_S = 5


def bearer(person):
    return {"Authorization": "Bearer " + person.token}


class RealtimeCase(ShopCase):
    def follow(self, *channels, headers=None, **query):
        if channels:
            query["channels"] = ",".join(channels)
        stream = Stream(self.shop.port, query, headers)
        self.addCleanup(stream.close)
        return stream

    def followed(self, *channels, **options):
        stream = self.follow(*channels, **options)
        self.assertEqual(200, stream.status)
        return stream

    def refused(self, status, code, *channels, **options):
        stream = self.follow(*channels, **options)
        self.assertEqual((status, code), (stream.status, stream.problem()["code"]))

    def assertTold(self, stream, sku, *available):
        """So many were available, one after the other; what was committed just before the stream began may come
        first."""
        wanted = [("product.stock_changed", [{"sku_id": sku, "available": units}]) for units in available]
        seen = []
        while not seen or seen[-1] != wanted[-1]:
            event = stream.event()
            seen.append((event.kind, event.data["stock"]))
        self.assertEqual(wanted, seen[-len(wanted):])

    def product_of(self, sku):
        for product in self.shop.walk("/api/catalog/v1/products", "products"):
            if sku in [each["id"] for each in product["skus"]]:
                return product
        raise AssertionError("no product has " + sku)

    def ticket(self, *channels, **who):
        return self.assertStatus(self.shop.post(TICKETS, {"channels": list(channels)}, **who), 201)["ticket"]


class ProductTest(RealtimeCase):
    def test_product__a_stream_is_one(self):
        stream = self.followed("product:any")
        self.assertEqual("text/event-stream", stream.headers["content-type"])
        self.assertEqual("no-store", stream.headers["cache-control"])
        self.assertGreater(stream.retry_ms, 0)
        self.assertRegex(stream.last_id, r"^c\d+\.o\d+\.p\d+$")

    def test_product__price_content_and_stock(self):
        """Each is told, with what the page shows of it; another product's is not."""
        sku, other = self.shop.sku(5), self.shop.sku(5)
        product = self.product_of(sku)
        stream = self.followed("product:" + product["id"])
        self.shop.set_stock(other, 9)
        self.shop.set_stock(sku, 7)
        self.assertTold(stream, sku, 7)
        merchant = self.shop.staff("merchandiser")
        changed = self.shop.patch("/api/catalog/v1/products/" + product["id"], {"title": "Another title"},
                                  token=merchant, key=new_key(), headers={"If-Match": '"%d"' % product["version"]})
        self.assertStatus(changed, 200)
        event = stream.event()
        self.assertEqual(("product.updated", "Another title"), (event.kind, event.data["product"]["title"]))

    def test_product__a_sale_is_told(self):
        sku = self.shop.sku(5)
        stream = self.followed("product:" + self.product_of(sku)["id"])
        self.shop.buy([(sku, 2)])
        self.assertTold(stream, sku, 3)

    def test_product__many_changes_end_in_the_last(self):
        """However fast they come, and however few of them are told, the last one is."""
        sku = self.shop.sku(0)
        stream = self.followed("product:" + self.product_of(sku)["id"])
        for units in range(1, 31):
            self.shop.set_stock(sku, units)
        available = -1
        while available != 30:
            told = stream.event().data["stock"][0]["available"]
            self.assertGreater(told, available)
            available = told


class OrderTest(RealtimeCase):
    def test_order__from_pending_to_confirmed(self):
        """Its guest, its customer and the staff follow it; nothing personal is told."""
        person = self.shop.customer()
        order = self.assertStatus(self.shop.place([(self.shop.sku(5), 1)], "pm_card_authenticationRequired",
                                                  token=person), 201)
        stream = self.followed("order:" + order["id"], headers=bearer(person))
        staff = self.followed("order:" + order["id"], headers=bearer(self.shop.staff("support")))

        def asked():
            placed = self.shop.order(order["id"], token=person)
            return placed if placed["payment"].get("next_action") else None
        self.shop.challenge(eventually(asked, "3-D Secure"), "approve")
        for follower in (stream, staff):
            event = follower.until("order.confirmed")[-1]
            self.assertEqual((order["id"], "confirmed"), (event.data["order_id"], event.data["status"]))
            self.assertLessEqual(set(event.data), {"order_id", "status", "version", "failure"})

    def test_order__a_guest_by_its_token(self):
        order = self.assertStatus(self.shop.place([(self.shop.sku(5), 1)]), 201)
        guest = {"X-Guest-Token": order["guest_token"]}
        self.followed("order:" + order["id"], headers=guest)
        self.refused(404, "no_such_order", "order:" + order["id"])
        self.refused(404, "no_such_order", "order:" + order["id"], headers={"X-Guest-Token": "0" * 64})

    def test_order__is_nobody_elses(self):
        order = self.assertStatus(self.shop.place([(self.shop.sku(5), 1)], token=self.shop.customer()), 201)
        stranger = self.shop.customer()
        self.refused(404, "no_such_order", "order:" + order["id"], headers=bearer(stranger))
        self.refused(404, "no_such_order", "order:" + order["id"])
        self.assertProblem(self.shop.post(TICKETS, {"channels": ["order:" + order["id"]]}, token=stranger), 404)

    def test_order__a_user_follows_all_of_theirs(self):
        person = self.shop.customer()
        me = self.assertStatus(self.shop.get("/api/identity/v1/me", token=person), 200)["id"]
        stream = self.followed("user:" + me, headers=bearer(person))
        order = self.shop.buy([(self.shop.sku(5), 1)], token=person)
        self.assertEqual(order["id"], stream.until("order.confirmed")[-1].data["order_id"])
        self.refused(403, "not_yours", "user:" + me, headers=bearer(self.shop.customer()))
        self.refused(401, "sign_in_required", "user:" + me)

    def test_order__channels_that_are_none(self):
        for channels in ("", "order", "order:", "order:a/b", "cart:1", "product:" + "a" * 65,
                         ",".join("product:%d" % i for i in range(17))):
            with self.subTest(channels=channels):
                stream = self.follow(channels=channels)
                self.assertEqual(400, stream.status)
        self.refused(400, "unknown_parameter", channel="product:1")
        self.refused(401, "token_invalid", "product:1", headers={"Authorization": "Bearer nonsense"})


class ResumeTest(RealtimeCase):
    def test_resume__what_was_missed_comes_again(self):
        """In order, without what was seen, and nothing of others."""
        sku, other = self.shop.sku(5), self.shop.sku(5)
        channel = "product:" + self.product_of(sku)["id"]
        stream = self.followed(channel)
        self.shop.set_stock(sku, 6)
        self.assertTold(stream, sku, 6)
        position = stream.last_id
        stream.close()
        self.shop.set_stock(other, 1)
        self.shop.set_stock(sku, 7)
        self.shop.set_stock(sku, 8)
        last = {"headers": {"Last-Event-ID": position}}, {"last_event_id": position}
        for how in last:
            again = self.followed(channel, **how)
            self.assertEqual([7, 8], [again.event().data["stock"][0]["available"] for _ in range(2)])

    def test_resume__an_id_of_nowhere_is_told_to_load_anew(self):
        for position in ("c999999999.o0.p0", "nonsense", "c1.o2"):
            stream = self.followed("product:1", headers={"Last-Event-ID": position})
            self.assertEqual("resync", stream.event().kind)

    def test_resume__over_a_restart(self):
        """What was committed before the end, and not yet seen, is told after the start."""
        shop = Shop()
        self.addCleanup(shop.close)
        shop.start()
        sku = shop.sku(5)
        product = shop.get("/api/catalog/v1/products?limit=1").json["products"][0]["id"]
        stream = Stream(shop.port, {"channels": "product:" + product})
        shop.set_stock(sku, 7)
        position = stream.last_id
        self.assertEqual(0, shop.stop())
        shop.start()
        query = {"channels": "product:" + product}

        def told():
            again = Stream(shop.port, query, {"Last-Event-ID": position})
            event = again.event()
            while event.kind != "resync" and event.data["stock"][0]["available"] != 7:
                event = again.event()
            again.close()
            return event.kind != "resync"  # as long as the log is not yet read again
        eventually(told, "the missed event")


class TicketTest(RealtimeCase):
    def test_ticket__is_good_once(self):
        person = self.shop.customer()
        order = self.assertStatus(self.shop.place([(self.shop.sku(5), 1)], token=person), 201)
        ticket = self.ticket("order:" + order["id"], "product:1", token=person)
        self.followed(ticket=ticket)
        self.refused(401, "ticket_invalid", ticket=ticket)
        self.refused(401, "ticket_invalid", ticket="never given out")

    def test_ticket__of_a_guest(self):
        order = self.assertStatus(self.shop.place([(self.shop.sku(5), 1)]), 201)
        self.followed(ticket=self.ticket("order:" + order["id"], guest=order["guest_token"]))

    def test_ticket__says_what_for(self):
        self.assertProblem(self.shop.post(TICKETS, {}), 400, "channels_required")
        self.assertProblem(self.shop.post(TICKETS, {"channels": ["nothing"]}), 400, "invalid_channel")


class EndTest(RealtimeCase):
    def test_end__by_a_log_out(self):
        """Of the session that was ended, also where it came by a ticket; not of the user's others."""
        person, sku = self.shop.customer(), self.shop.sku(5)
        streams = [self.followed("product:1", headers=bearer(person)),
                   self.followed(ticket=self.ticket("product:1", token=person))]
        first = person.token
        other = self.followed("product:" + self.product_of(sku)["id"], headers=bearer(person.sign_in()))
        self.assertStatus(self.shop.post("/api/identity/v1/logout", token=first, key=new_key()), 204)
        for stream in streams:
            self.assertIsNone(stream.event())
        self.shop.set_stock(sku, 6)
        self.assertEqual("product.stock_changed", other.event().kind)

    def test_end__of_the_shop(self):
        """SIGTERM ends streams at once, with a last chunk, and waits for nobody."""
        shop = Shop()
        self.addCleanup(shop.close)
        shop.start()
        streams = [Stream(shop.port, {"channels": "product:1"}) for _ in range(20)]
        began = time.monotonic()
        self.assertEqual(0, shop.stop())
        self.assertLess(time.monotonic() - began, STOP_S)
        for stream in streams:
            self.assertIsNone(stream.event())
            stream.close()

    def test_end__is_counted(self):
        stream = self.followed("product:1")
        metrics = self.shop.get("/metrics").body.decode()
        self.assertRegex(metrics, r"(?m)^realtime_subscribers [1-9]")
        stream.close()
        eventually(lambda: 'realtime_streams_ended_total{reason="gone"}' in self.shop.get("/metrics").body.decode(),
                   "the end of a stream in the metrics")


class AloneTest(unittest.TestCase):
    def test_alone__says_what_it_lacks(self):
        """In a process of its own no event reaches it: whoever asks to follow is told, and so is the log."""
        shop = Shop(arguments=("--no-seed", "--services", "realtime"))
        self.addCleanup(shop.close)
        shop.start()
        stream = Stream(shop.port, {"channels": "product:1"})
        self.assertEqual((503, "service_unavailable"), (stream.status, stream.problem()["code"]))
        stream.close()
        self.assertIn("does not run in this process", shop.log_text())


if __name__ == "__main__":
    unittest.main()
