"""The events port by Postgres, Debezium and Kafka: its conformance, what dies on the way, and a shop on it."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from engines import Engines  # noqa: E402
from proxy import Proxy  # noqa: E402
from shop import ROOT, Shop, eventually, unbalanced  # noqa: E402

BUILD = pathlib.Path(os.environ["SHOPSTREAM_BUILD"])
PATIENCE_S = 500
ARRIVAL_S = 60
PUBLISHERS = ("catalog", "orders", "payments")


class KafkaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.proxy = cls.enterClassContext(Proxy())
        cls.engines = Engines(ENGINES_KAFKA_PROXY=str(cls.proxy.port))
        cls.addClassCleanup(cls.engines.close)
        cls.proxy.target = cls.engines.ports["KAFKA_PROXIED"]
        cls.engines.must_run("start", "postgres", "connect")

    def sql_url(self):
        password = (self.engines.state / "secrets" / "postgres").read_text()
        return "postgres://postgres:%s@127.0.0.1:%d/shopstream" % (password, self.engines.ports["POSTGRES"])

    def run_program(self, name):
        environment = dict(self.engines.environment, SHOPSTREAM_TEST_POSTGRES=self.sql_url(),
                           SHOPSTREAM_TEST_KAFKA="kafka://" + self.engines.url("kafka"),
                           SHOPSTREAM_TEST_ENGINE=str(ROOT / "tests/engines/kafka/engine.py"))
        done = subprocess.run([BUILD / name], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=PATIENCE_S, check=False)
        self.assertEqual(0, done.returncode, done.stdout.decode(errors="replace"))

    def test_conformance(self):
        self.run_program("test_events_conformance")

    def test_what_only_kafka_has(self):
        self.run_program("test_events_kafka")

    # -- A shop ------------------------------------------------------------------------------------------------------
    def open_shop(self, **settings):
        shop = Shop(SQL_URL=self.sql_url(), **settings)
        self.addCleanup(shop.close)
        shop.start()
        return shop

    def approve(self, shop, sku):
        """An order whose customer has approved the payment at their bank. The provider tells payments, and orders hears
        it by payments' event: without that it is not confirmed."""
        order = shop.place([(sku, 1)], "pm_card_authenticationRequired", wait=20).json
        shop.challenge(order, "approve")
        return order

    def assertConfirmed(self, shop, order):
        def question():
            return shop.order(order["id"], guest=order["guest_token"])["status"] == "confirmed"
        eventually(question, "the order's confirmation", ARRIVAL_S)

    def test_shop_sells_whatever_dies(self):
        shop = self.open_shop(EVENTS_URL="kafka://127.0.0.1:%d?partitions=4" % self.proxy.port)
        self.engines.must_run("outbox", *PUBLISHERS)
        sku = shop.sku(units=20)
        orders = [self.approve(shop, sku)]
        self.assertConfirmed(shop, orders[0])
        for fault, remedy in ((self.proxy.cut, self.proxy.heal), (self.killer("kafka"), self.starter("kafka")),
                              (self.killer("connect"), self.starter("connect")), (shop.kill, shop.start)):
            before = self.approve(shop, sku)
            fault()
            if fault != shop.kill:
                orders.append(self.approve(shop, sku))
            remedy()
            orders += [before, self.approve(shop, sku)]
            for order in orders:
                self.assertConfirmed(shop, order)
        self.assertEqual(20 - len(orders), shop.stock(sku)[0])
        charges = [each for each in shop.provider_list("/v1/payment_intents") if each["status"] == "succeeded"]
        self.assertEqual(len(orders), len(charges))
        self.assertEqual([], unbalanced(shop.ledger()))
        metrics = shop.get("/metrics").body.decode()
        self.assertRegex(metrics, r'(?m)^events_lag\{group="saga"\} 0$')

    def killer(self, engine):
        return lambda: os.kill(self.engines.pid(engine), signal.SIGKILL)

    def starter(self, engine):
        return lambda: self.engines.must_run("start", engine)

    # -- What is refused ---------------------------------------------------------------------------------------------
    def refusal(self, **settings):
        with tempfile.TemporaryDirectory() as folder:
            environment = {"SHOPSTREAM_" + name: value for name, value in settings.items()}
            done = subprocess.run([BUILD / "shopstream", "--data", folder, "--port", "0"], env=environment, text=True,
                                  stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, timeout=PATIENCE_S, check=False)
        self.assertNotEqual(0, done.returncode)
        return done.stderr

    def test_what_does_not_go_together_is_refused(self):
        self.assertIn("SHOPSTREAM_EVENTS_URL is kafka:, and SHOPSTREAM_SQL_URL is sqlite:",
                      self.refusal(EVENTS_URL="kafka://127.0.0.1:9092"))
        told = self.refusal(EVENTS_URL="kafka://me:open-sesame@127.0.0.1:9092?partitons=4", SQL_URL=self.sql_url())
        self.assertIn("it has a parameter that nobody knows", told)
        self.assertNotIn("open-sesame", told)


if __name__ == "__main__":
    unittest.main()
