"""The shop as two processes, one of which is the catalog: they take orders together, whoever is killed meanwhile."""
import http.client
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from shop import BINARY, FINAL, PORTS, START_PATIENCE_S, Shop, eventually, new_key  # noqa: E402

REST = "identity,stripe_emulator,payments,orders,realtime,admin,mailbox,shell"
BUYERS = 6
ORDERS_EACH = 5
UNITS = 1000
PRODUCT = {"title": "Article", "category": "things", "price": {"amount": 1000, "currency": "EUR"}}


def free_port():
    """One that is free now, off those of the shops."""
    while True:
        with socket.socket() as listener:
            port = random.choice(PORTS)
            try:
                listener.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class ProcessesTest(unittest.TestCase):
    def setUp(self):
        port = free_port()
        self.catalog = Shop(arguments=("--no-seed", "--services", "catalog"), RPC_ADDRESS="127.0.0.1", RPC_PORT=port)
        self.rest = Shop(arguments=("--no-seed", "--services", REST), RPC_PEERS="catalog=grpc://127.0.0.1:%d" % port)
        for shop in (self.catalog, self.rest):
            self.addCleanup(shop.close)
            shop.start()

    def sku(self, units):
        code = "C-" + new_key()[:8]
        reply = self.catalog.rpc("catalog", "create_product", {**PRODUCT, "skus": [{"code": code, "attributes": {}}]})
        sku_id = reply["skus"][0]["id"]
        self.catalog.rpc("catalog", "set_stock", {"id": sku_id, "on_hand": units})
        return sku_id

    def stock(self, sku_id):
        reply = self.catalog.rpc("catalog", "get_stock", {"id": sku_id})
        return tuple(int(reply.get(name, 0)) for name in ("on_hand", "reserved", "available"))

    def test_an_order_is_taken_together(self):
        sku_id = self.sku(5)
        order = self.rest.buy([(sku_id, 2)])
        self.assertEqual("confirmed", order["status"], order)
        self.assertEqual((3, 0, 3), self.stock(sku_id))

    def test_a_refusal_is_the_one_of_one_process(self):
        sku_id = self.sku(1)
        answer = self.rest.place([(sku_id, 2)])
        self.assertEqual((409, "out_of_stock"), (answer.status, answer.json["code"]), answer)
        self.assertEqual("/items/0", answer.json["errors"][0]["pointer"], answer)
        declined = self.rest.buy([(sku_id, 1)], "pm_card_chargeDeclined")
        self.assertEqual("failed", declined["status"], declined)
        eventually(lambda: self.stock(sku_id) == (1, 0, 1), "the stock's return")

    def test_without_the_catalog_the_rest_says_so_and_finds_it_again(self):
        sku_id = self.sku(5)
        self.catalog.kill()
        answer = self.rest.place([(sku_id, 1)])
        self.assertEqual(503, answer.status, answer)
        self.assertEqual("service_unavailable", answer.json["code"], answer)
        self.catalog.log.close()
        self.catalog.start()
        eventually(lambda: self.rest.place([(sku_id, 1)]).status == 201, "the catalog's return")

    def buy_all(self, sku_id, orders):
        """Each with one key, again until the shop has it."""
        for _ in range(ORDERS_EACH):
            key = new_key()

            def placed(key=key):
                try:
                    answer = self.rest.place([(sku_id, 1)], key=key)
                except (OSError, http.client.HTTPException):
                    self.rest.client.forget()
                    return None
                return answer if answer.status == 201 else None
            orders.append(eventually(placed, "an order").json)

    def check_all_end(self, kill):
        sku_id, orders = self.sku(UNITS), []
        buyers = [threading.Thread(target=self.buy_all, args=(sku_id, orders)) for _ in range(BUYERS)]
        for buyer in buyers:
            buyer.start()
        eventually(lambda: len(orders) >= BUYERS, "the first orders")
        kill.kill()
        kill.log.close()
        kill.start()
        for buyer in buyers:
            buyer.join()
        self.assertEqual(BUYERS * ORDERS_EACH, len(orders))
        ended = [self.rest.ended(order["id"], guest=order.get("guest_token")) for order in orders]
        self.assertEqual([], [order for order in ended if order["status"] not in FINAL])
        sold = sum(order["status"] == "confirmed" for order in ended)
        self.assertGreater(sold, 0)
        eventually(lambda: self.stock(sku_id) == (UNITS - sold, 0, UNITS - sold), "the books: %d were sold" % sold)

    def test_the_catalog_is_killed_meanwhile(self):
        self.check_all_end(self.catalog)

    def test_the_rest_is_killed_meanwhile(self):
        self.check_all_end(self.rest)


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=START_PATIENCE_S)


class Authority:
    """Makes certificates of services."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.certificate, self.key = str(self.folder / "ca.pem"), str(self.folder / "ca.key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=authority", "-keyout", self.key, "-out", self.certificate)

    def settings(self, *services, domain="shopstream"):
        """What a process is given that runs these."""
        stem = str(self.folder / new_key())
        names = ",".join("URI:spiffe://%s/service/%s" % (domain, service) for service in services)
        pathlib.Path(stem + ".names").write_text("subjectAltName=%s\n" % names)
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=process",
                "-keyout", stem + ".key", "-out", stem + ".csr")
        openssl("x509", "-req", "-in", stem + ".csr", "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                "-days", "2", "-extfile", stem + ".names", "-out", stem + ".pem")
        return {"RPC_CERTIFICATE": stem + ".pem", "RPC_KEY": stem + ".key", "RPC_AUTHORITIES": self.certificate}


class SecureTest(unittest.TestCase):
    """By TLS, each side knows who the other is."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="shopstream-rpc-")
        cls.addClassCleanup(shutil.rmtree, folder, True)
        cls.authority = Authority(folder)
        cls.strangers = Authority(tempfile.mkdtemp(dir=folder))

    def start(self, catalog_settings, rest_settings, scheme="grpcs"):
        port = free_port()
        self.catalog = Shop(arguments=("--no-seed", "--services", "catalog"), RPC_ADDRESS="127.0.0.1", RPC_PORT=port,
                            **catalog_settings)
        self.rest = Shop(arguments=("--no-seed", "--services", REST),
                         RPC_PEERS="catalog=%s://127.0.0.1:%d" % (scheme, port), **rest_settings)
        for shop in (self.catalog, self.rest):
            self.addCleanup(shop.close)
            shop.start()
        code = "C-" + new_key()[:8]
        reply = self.catalog.rpc("catalog", "create_product", {**PRODUCT, "skus": [{"code": code, "attributes": {}}]})
        self.catalog.rpc("catalog", "set_stock", {"id": reply["skus"][0]["id"], "on_hand": 5})
        return reply["skus"][0]["id"]

    def refused(self, *arguments, status=503, **options):
        sku_id = self.start(*arguments, **options)
        answer = self.rest.place([(sku_id, 1)])
        self.assertEqual(status, answer.status, answer)

    def test_an_order_is_taken_together(self):
        sku_id = self.start(self.authority.settings("catalog"), self.authority.settings(*REST.split(",")))
        self.assertEqual("confirmed", self.rest.buy([(sku_id, 1)])["status"])

    def test_a_caller_is_who_its_certificate_says(self):
        self.refused(self.authority.settings("catalog"), self.authority.settings("identity"), status=403)

    def test_a_name_of_another_domain_is_another_name(self):
        names = self.authority.settings(*REST.split(","), domain="elsewhere")
        self.refused(self.authority.settings("catalog"), names, status=403)

    def test_who_is_called_is_who_its_certificate_says(self):
        self.refused(self.authority.settings("payments"), self.authority.settings(*REST.split(",")))

    def test_strangers_are_not_believed(self):
        self.refused(self.authority.settings("catalog"), self.strangers.settings(*REST.split(",")))

    def test_who_shows_nothing_is_not_heard(self):
        self.refused(self.authority.settings("catalog"), {}, scheme="grpc")


class RefusalTest(unittest.TestCase):
    def refused(self, words, **settings):
        shop = Shop(**settings)
        self.addCleanup(shutil.rmtree, shop.folder, True)
        result = subprocess.run([BINARY, "--port", str(shop.port), "--data", str(shop.data), *shop.arguments],
                                env=shop.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                timeout=START_PATIENCE_S)
        self.assertEqual(1, result.returncode, result)
        self.assertIn(words, result.stderr)

    def test_plain_text_stays_on_this_machine(self):
        self.refused("SHOPSTREAM_RPC_ADDRESS must be of this machine", RPC_ADDRESS="0.0.0.0")
        self.refused("of this machine", RPC_PEERS="catalog=grpc://192.0.2.1:4002")
        self.refused("grpcs: wants a certificate", RPC_PEERS="catalog=grpcs://192.0.2.1:4002")
        self.refused("go together: set all, or none", RPC_KEY="/no/key")

    def test_what_is_no_address_stops_the_start(self):
        self.refused("SHOPSTREAM_RPC_PEERS: 'catalog=http://127.0.0.1:1' has no address",
                     RPC_PEERS="catalog=http://127.0.0.1:1")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.refused("choose another port by SHOPSTREAM_RPC_PORT", RPC_ADDRESS="127.0.0.1",
                         RPC_PORT=taken.getsockname()[1])


if __name__ == "__main__":
    unittest.main()
