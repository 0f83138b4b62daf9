"""A shop whose cache and streams are on Redis, as infra/local starts it: it sells, limits and tells customers by mail,
whichever of the two servers is gone."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from engines import Engines  # noqa: E402
from redis import PASSWORD as SERVER_PASSWORD, Server  # noqa: E402
from shop import BINARY, PASSWORD, Shop, eventually, new_email  # noqa: E402

# What Redis gave out as it was killed is given out again when it has been pending for half a minute.
REDELIVERY_PATIENCE_S = 90
# The emulator of the provider lets connections go anywhere; without it they are limited to what the settings name.
WITHOUT_EMULATOR = ("--no-seed", "--services", "identity,catalog,orders,payments,realtime,admin,shell")


class RedisShop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engines = Engines()
        cls.addClassCleanup(cls.engines.close)
        cls.engines.must_run("start", "redis", "streams")
        cls.urls = {"CACHE_URL": cls.engines.url("redis"), "STREAM_URL": cls.engines.url("streams")}

    def setUp(self):
        self.addCleanup(self.engines.must_run, "start", "redis", "streams")

    def start(self, **settings):
        shop = Shop(**{**self.urls, **settings})
        self.addCleanup(shop.close)
        return shop.start()

    def kill(self, engine):
        os.kill(self.engines.pid(engine), signal.SIGKILL)

    def receipts(self, shop, address):
        return [subject for subject, _ in shop.mails(address)]

    def test_orders_are_told_once_over_kills(self):
        """Orders go on while each server is killed and comes back; each customer gets one mail."""
        shop = self.start()
        sku = shop.sku(1000)
        is_over = threading.Event()
        bought = {}

        def buy():
            while not is_over.is_set():
                address = new_email()
                bought[address] = shop.buy([(sku, 1)], email=address)

        buyers = [threading.Thread(target=buy) for _ in range(3)]
        for buyer in buyers:
            buyer.start()
        for engine in ("streams", "redis", "streams"):
            before = len(bought)
            eventually(lambda: len(bought) > before + 5)
            self.kill(engine)
            before = len(bought)
            eventually(lambda: len(bought) > before + 5)  # without it
            self.engines.must_run("start", engine)
        is_over.set()
        for buyer in buyers:
            buyer.join()
        self.assertEqual({"confirmed"}, {order["status"] for order in bought.values()})
        for address in bought:
            eventually(lambda: self.receipts(shop, address), "the mail to " + address, REDELIVERY_PATIENCE_S)
        self.assertEqual([], [address for address in bought if len(self.receipts(shop, address)) != 1])

    def test_mail_waits_for_a_server_that_comes_later(self):
        """The shop starts without its servers, and is killed before they come."""
        self.engines.must_run("stop", "redis", "streams")
        shop = self.start()
        address = new_email()
        self.assertEqual("confirmed", shop.buy([(shop.sku(5), 1)], email=address)["status"])
        self.assertEqual([], self.receipts(shop, address))
        shop.kill()
        shop.start()
        self.engines.must_run("start", "streams")
        eventually(lambda: self.receipts(shop, address), "the mail")
        self.assertEqual(1, len(self.receipts(shop, address)))

    def test_limits_are_of_all_processes_and_hold_without_redis(self):
        shops = [self.start(RATE_LIMITS="on") for _ in range(2)]
        address = new_email()

        def guess(shop, times):
            return sum(shop.post("/api/identity/v1/login", {"email": address, "password": PASSWORD}).status == 401
                       for _ in range(times))

        passed = sum(guess(shop, 25) for shop in shops)
        self.assertGreaterEqual(passed, 30)
        self.assertLess(passed, 40, "30 at once, and 15 a minute, in both together")
        self.kill("redis")
        address = new_email()
        self.assertLess(guess(shops[0], 50), 40)

    def test_sandbox_opens_what_the_address_names(self):
        shop = Shop(arguments=WITHOUT_EMULATOR, RATE_LIMITS="on", SANDBOX="require", LOG_LEVEL="info",
                    STRIPE_URL="http://127.0.0.1:1", **self.urls)
        self.addCleanup(shop.close)
        shop.start()
        before = self.calls()
        self.assertEqual(200, shop.get("/api/catalog/v1/products?q=%s" % time.time()).status)
        self.assertGreater(self.calls(), before)
        self.kill("redis")
        self.assertEqual(200, shop.get("/api/catalog/v1/products?q=%s" % time.time()).status)
        self.engines.must_run("start", "redis")
        eventually(lambda: "connected to Redis" in shop.log_text())

    def test_sandbox_reads_the_files_that_the_address_names(self):
        """A password and an authority in files, read again at each connection, and never shown."""
        with Server() as server, server.supervised():
            password = server.folder / "password"
            password.write_text(SERVER_PASSWORD + "\n")
            shop = Shop(arguments=WITHOUT_EMULATOR, RATE_LIMITS="on", SANDBOX="require", LOG_LEVEL="info",
                        STRIPE_URL="http://127.0.0.1:1",
                        CACHE_URL="rediss://127.0.0.1:%d?password_file=%s&ca_file=%s/ca.pem"
                        % (server.tls_port, password, server.folder))
            self.addCleanup(shop.close)
            shop.start()
            for _ in range(2):
                self.assertEqual(200, shop.get("/api/catalog/v1/products?q=%s" % time.time()).status)
                eventually(lambda: "evalsha" in server.ask("INFO", "commandstats"))
                server.server.kill()
                server.server.wait()
                eventually(lambda: server.ask("PING") == "PONG")
                eventually(lambda: shop.get("/api/catalog/v1/products?q=%s" % time.time()).status == 200 and
                           "evalsha" in server.ask("INFO", "commandstats"))
            self.assertNotIn(SERVER_PASSWORD, shop.log_text())

    def calls(self):
        return sum(int(count) for count in re.findall(r"cmdstat_eval(?:sha)?:calls=(\d+)",
                                                      self.engines.redis("INFO", "commandstats")))

    def test_doctor_says_what_is_wrong(self):
        def ask(**settings):
            shop = Shop(**settings)
            self.addCleanup(shop.close)
            return subprocess.run([BINARY, "doctor", "--data", shop.data], env=shop.environment(), text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout

        good = ask(**self.urls)
        self.assertRegex(good, r"(?m)^cache +ok +Redis 7\.\S+ at 127\.0\.0\.1:%d$" % self.engines.ports["REDIS"])
        self.assertRegex(good, r"(?m)^stream +ok +Redis 7")
        swapped = ask(CACHE_URL=self.urls["CACHE_URL"], STREAM_URL=self.urls["CACHE_URL"])
        self.assertRegex(swapped, r"(?m)^stream +problem +.*appendfsync always")
        gone = ask(CACHE_URL="redis://:s3cret@127.0.0.1:1")
        self.assertRegex(gone, r"(?m)^cache +problem +127\.0\.0\.1:1: Connection refused$")
        self.assertNotIn("s3cret", gone)


if __name__ == "__main__":
    unittest.main()
