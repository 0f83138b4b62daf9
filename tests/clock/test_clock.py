"""The wall clock jumps by an hour or a year while the shop runs: what waits for a span of time waits for just that.

tests/preload/moving_clock.c moves the clock of this one process, in both directions. What is kept for a customer by the
date, an access token for one, ends by the date and is not looked at here.
"""
import pathlib
import socket
import struct
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from shop import IS_SANITIZED, PATIENCE_S, Shop, eventually, new_email, new_key  # noqa: E402

HOUR_S = 3600
YEAR_S = 365 * 24 * HOUR_S
JUMPS_S = (HOUR_S, -HOUR_S, YEAR_S, -YEAR_S)
WAIT_S = 3
HOLD_MS = 8000  # longer than that
PAYMENT_TIMEOUT_S = 4
PROVIDER_TIMEOUT_S = 4
HELD_MS = 15000  # longer than that with its slack
HEAD_TIMEOUT_S = 10  # of platform/net/server.c
SLACK_S = 10 * (3 if IS_SANITIZED else 1)  # of a busy machine; an hour is meant
NEEDS_A_PERSON = "pm_card_authenticationRequired"


class ClockTest(unittest.TestCase):
    settings = {}

    def setUp(self):
        self.clock = tempfile.NamedTemporaryFile(prefix="shopstream-clock-")
        self.addCleanup(self.clock.close)
        self.jump(0)
        self.shop = Shop(LOG_LEVEL="warning", **self.settings)
        self.shop.preload("moving_clock", MOVING_CLOCK=self.clock.name)
        self.addCleanup(self.shop.close)
        self.shop.start()
        self.sku = self.shop.sku(100)

    def jump(self, seconds):
        """The wall clock of the shop is so far from the machine's."""
        self.clock.seek(0)
        self.clock.write(struct.pack("=q", seconds * 10 ** 9))
        self.clock.flush()

    def each_jump(self, check, jumps_s=JUMPS_S):
        """Calls check with each jump, from the right time."""
        for seconds in jumps_s:
            self.jump(0)
            self.shop.faults()
            with self.subTest(jump_s=seconds):
                check(seconds)

    def place(self, method="pm_card_visa", **options):
        answer = self.shop.place([(self.sku, 1)], method, **options)
        self.assertEqual(201, answer.status, answer)
        return answer.json

    def secured(self):
        """An order that waits for a person at the bank's page."""
        order = self.place(NEEDS_A_PERSON)
        guest = order["guest_token"]
        return eventually(lambda: (lambda now: now if now["payment"].get("next_action") else None)(
            self.shop.order(order["id"], guest=guest)), "the bank's page"), guest


class WaitTest(ClockTest):
    def test_clock__moves_in_the_shop_alone(self):
        """The harness' own test."""
        before = self.place()["created_at"]
        self.jump(HOUR_S)
        after = self.place()["created_at"]
        self.assertGreater(after[:16], before[:16])
        self.assertGreater(after[:16], time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() + HOUR_S - 60)))

    def test_clock__a_wait_for_an_outcome_is_as_long_as_it_was_asked(self):
        def check(seconds):
            self.shop.faults(timeout_after_success=1, hold_ms=HOLD_MS, path="/v1/payment_intents")
            jump = threading.Timer(WAIT_S / 3, self.jump, (seconds,))
            start = time.monotonic()
            jump.start()
            order = self.place(wait=WAIT_S)
            took = time.monotonic() - start
            jump.join()
            self.assertEqual("pending", order["status"])
            self.assertGreaterEqual(took, WAIT_S - 0.1)
            self.assertLess(took, WAIT_S + SLACK_S)
        self.each_jump(check)

    def test_clock__an_order_that_is_under_way_goes_on(self):
        """The provider answers after the jump; the mail goes out as well."""
        def check(seconds):
            self.shop.faults(timeout_after_success=1, hold_ms=1000, path="/v1/payment_intents")
            email = new_email()
            order = self.place(email=email)
            self.jump(seconds)
            self.shop.faults()
            ended = self.shop.ended(order["id"], guest=order["guest_token"])
            self.assertEqual("confirmed", ended["status"], ended)
            self.shop.mail(email)
        self.each_jump(check)

    def test_clock__half_a_head_has_its_time_and_no_more(self):
        def check(seconds):
            with socket.create_connection(("127.0.0.1", self.shop.port), HEAD_TIMEOUT_S + SLACK_S) as slow:
                start = time.monotonic()
                slow.sendall(b"GET / HTTP/1.1\r\nHost: ")
                jump = threading.Timer(WAIT_S / 3, self.jump, (seconds,))
                jump.start()
                answer = slow.recv(100)
                took = time.monotonic() - start
                jump.join()
            self.assertEqual(b"HTTP/1.1 408 ", answer[:13])
            self.assertGreaterEqual(took, HEAD_TIMEOUT_S - 0.1)
            self.assertLess(took, HEAD_TIMEOUT_S + SLACK_S)
        self.each_jump(check, (YEAR_S, -YEAR_S))

    def test_clock__a_retry_is_not_put_off(self):
        def check(seconds):
            self.shop.faults(errors=2, error_status=500)
            order = self.place()
            self.jump(seconds)
            ended = self.shop.ended(order["id"], guest=order["guest_token"])
            self.assertEqual("confirmed", ended["status"], ended)
        self.each_jump(check)

    def test_clock__what_was_reserved_stays_reserved(self):
        """A person answers the bank after the jump: the goods are still theirs."""
        def check(seconds):
            order, guest = self.secured()
            self.jump(seconds)
            self.assertEqual(1, self.shop.stock(self.sku)[1])
            self.shop.challenge(order, "approve")
            ended = self.shop.ended(order["id"], guest=guest)
            self.assertEqual("confirmed", ended["status"], ended)
        self.each_jump(check)


class WebhookTest(ClockTest):
    def test_clock__a_webhook_comes_when_it_is_due(self):
        """Told three seconds later, whatever the clock shows by then: neither at once nor an hour later."""
        def check(seconds):
            order, guest = self.secured()
            self.shop.faults(webhook_delay_ms=WAIT_S * 1000)
            start = time.monotonic()
            self.shop.challenge(order, "approve")
            self.jump(seconds)
            ended = self.shop.ended(order["id"], guest=guest, patience_s=WAIT_S + SLACK_S)
            took = time.monotonic() - start
            self.assertEqual("confirmed", ended["status"])
            self.assertGreater(took, WAIT_S - 0.5)
        self.each_jump(check)


class RestartTest(ClockTest):
    def test_clock__what_is_kept_for_a_while_is_kept_over_a_restart(self):
        """The clock is moved by a year, then the shop starts anew: a key still has its first answer, and what waits
        for a person at the bank is still reserved."""
        for seconds in (YEAR_S, -YEAR_S):
            with self.subTest(jump_s=seconds):
                key = new_key()
                first = self.place(key=key)
                order, guest = self.secured()
                self.jump(seconds)
                self.shop.stop()
                self.shop.start()
                again = self.place(key=key)
                self.assertEqual(first["id"], again["id"])
                self.assertEqual(1, self.shop.stock(self.sku)[1])
                self.shop.challenge(order, "approve")
                ended = self.shop.ended(order["id"], guest=guest)
                self.assertEqual("confirmed", ended["status"], ended)


    def test_clock__who_signed_out_stays_out_over_a_restart_ahead(self):
        """What keeps the token out is not forgotten by a start under a clock that is a year ahead, and it counts again
        when the clock is right. The session that was not ended is there again."""
        out, stays = self.shop.customer(), self.shop.customer()
        answer = self.shop.post("/api/identity/v1/logout", {"refresh_token": out.tokens["refresh_token"]},
                                token=out.token)
        self.assertEqual(204, answer.status, answer)
        self.jump(YEAR_S)
        self.shop.stop()
        self.shop.start()
        self.assertEqual(401, self.shop.get("/api/identity/v1/me", token=stays.token).status)
        self.jump(0)
        self.assertEqual(401, self.shop.get("/api/identity/v1/me", token=out.token).status)
        self.assertEqual(200, self.shop.get("/api/identity/v1/me", token=stays.token).status)

    def test_clock__a_moved_clock_is_told_of(self):
        """At a start; and what was marked before goes on."""
        self.jump(YEAR_S)
        self.shop.stop()
        self.shop.start()
        self.assertIn("the wall clock is not where the shop left it", self.shop.log_text())

    def test_clock__a_boot_ends_nothing_that_is_kept(self):
        """As a boot does it: the file's mark is another boot's, and the clock is a year away from it."""
        for seconds in (YEAR_S, -YEAR_S):
            with self.subTest(jump_s=seconds):
                key = new_key()
                first = self.place(key=key)
                self.jump(seconds)
                self.shop.stop()
                path = self.shop.data / "clock"
                boot, *rest = path.read_text().split()
                self.assertEqual(3, len(rest))
                path.write_text(" ".join(["0" * len(boot), *rest]) + "\n")
                self.shop.start()
                self.assertEqual(first["id"], self.place(key=key)["id"])
                self.jump(0)


class TimeoutTest(ClockTest):
    settings = {"PAYMENT_TIMEOUT_MS": PAYMENT_TIMEOUT_S * 1000}

    def test_clock__a_payment_has_its_time_and_no_more(self):
        def check(seconds):
            start = time.monotonic()
            order, guest = self.secured()
            self.jump(seconds)
            ended = self.shop.ended(order["id"], guest=guest, patience_s=PATIENCE_S + PAYMENT_TIMEOUT_S)
            took = time.monotonic() - start
            self.assertEqual("failed", ended["status"])
            self.assertGreaterEqual(took, PAYMENT_TIMEOUT_S - 0.1)
            self.assertLess(took, PAYMENT_TIMEOUT_S + SLACK_S)
            eventually(lambda: self.shop.stock(self.sku)[1] == 0, "the stock's return")
        self.each_jump(check)


class ProviderTest(ClockTest):
    settings = {"STRIPE_TIMEOUT_MS": PROVIDER_TIMEOUT_S * 1000}

    def test_clock__a_provider_that_does_not_answer_has_its_time_and_no_more(self):
        """Its first answer comes too late; the order goes on with the second."""
        def check(seconds):
            self.shop.faults(timeout_after_success=1, hold_ms=HELD_MS, path="/v1/payment_intents")
            jump = threading.Timer(WAIT_S / 3, self.jump, (seconds,))
            start = time.monotonic()
            jump.start()
            order = self.place()
            ended = self.shop.ended(order["id"], guest=order["guest_token"])
            took = time.monotonic() - start
            jump.join()
            self.assertEqual("confirmed", ended["status"], ended)
            self.assertGreaterEqual(took, PROVIDER_TIMEOUT_S - 0.1)
            self.assertLess(took, PROVIDER_TIMEOUT_S + SLACK_S)
        self.each_jump(check)


if __name__ == "__main__":
    unittest.main()
