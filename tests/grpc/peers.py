"""peers.py GRPCURL: the shop's catalog as grpcurl and grpc-core's client see it, and the rest of the shop with a server
of grpc-core between it and its catalog. The last line is "N passed, N failed".
"""
import concurrent.futures
import json
import pathlib
import random
import socket
import subprocess
import sys
import unittest

import grpc

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from shop import PATIENCE_S, PORTS, Shop, eventually, new_key  # noqa: E402

GRPCURL = sys.argv[1]
CATALOG = "shopstream.catalog.v1.Catalog"
REST = "identity,stripe_emulator,payments,orders,realtime,admin,mailbox,shell"
PRODUCT = {"title": "Article", "category": "things", "price": {"amount": 1000, "currency": "EUR"}}
METADATA = (("shopstream-service", "shell"),)
MESSAGE_BYTES_MAX = 4 << 20
MANY = 1000


def free_port():
    while True:
        with socket.socket() as listener:
            port = random.choice(PORTS)
            try:
                listener.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def setUpModule():
    global catalog, port
    port = free_port()
    catalog = Shop(arguments=("--no-seed", "--services", "catalog"), RPC_ADDRESS="127.0.0.1", RPC_PORT=port)
    unittest.addModuleCleanup(catalog.close)
    catalog.start()


def make_sku(units):
    body = {**PRODUCT, "skus": [{"code": "C-" + new_key()[:8], "attributes": {}}]}
    sku_id = catalog.rpc("catalog", "create_product", body)["skus"][0]["id"]
    catalog.rpc("catalog", "set_stock", {"id": sku_id, "on_hand": units})
    return sku_id


class GrpcurlTest(unittest.TestCase):
    def run_it(self, *arguments):
        return subprocess.run([GRPCURL, "-plaintext", *arguments], capture_output=True, text=True, timeout=PATIENCE_S)

    def ask(self, *words, options=()):
        done = self.run_it(*options, "127.0.0.1:%d" % port, *words)
        self.assertEqual(0, done.returncode, done)
        return done.stdout

    def test_it_lists_what_there_is(self):
        self.assertEqual(["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                          "grpc.reflection.v1alpha.ServerReflection", CATALOG], self.ask("list").split())
        self.assertIn(CATALOG + ".GetProduct", self.ask("list", CATALOG).split())

    def test_it_describes_everything(self):
        for name in self.ask("list").split():
            self.assertIn("is a service", self.ask("describe", name))
        self.assertIn("min_items: 1", self.ask("describe", "shopstream.catalog.v1.GetSkusRequest"))

    def test_it_calls(self):
        make_sku(3)
        options = ("-H", "shopstream-service: shell", "-d", '{"limit": 1}')
        reply = json.loads(self.ask(CATALOG + "/ListProducts", options=options))
        self.assertEqual("Article", reply["products"][0]["title"])

    def test_a_refusal_has_its_details(self):
        options = ("-format-error", "-H", "shopstream-service: shell", "-d", '{"id": "nothing"}')
        done = self.run_it(*options, "127.0.0.1:%d" % port, CATALOG + "/GetProduct")
        refusal = json.loads(done.stderr)
        self.assertEqual(grpc.StatusCode.NOT_FOUND.value[0], refusal["code"], done)
        self.assertEqual("product_not_found", refusal["details"][0]["code"], done)

    def test_it_asks_for_health(self):
        for name in ("", CATALOG):
            reply = json.loads(self.ask("grpc.health.v1.Health/Check", options=("-d", json.dumps({"service": name}))))
            self.assertEqual({"status": "SERVING"}, reply)


class CoreClientTest(unittest.TestCase):
    def setUp(self):
        self.channel = grpc.insecure_channel("127.0.0.1:%d" % port)
        self.addCleanup(self.channel.close)

    def method(self, name, service=CATALOG):
        return self.channel.unary_unary("/%s/%s" % (service, name))

    def code(self, call, *arguments, **options):
        with self.assertRaises(grpc.RpcError) as raised:
            call(*arguments, **{"timeout": PATIENCE_S, "metadata": METADATA, **options})
        return raised.exception.code()

    def test_many_calls_share_a_connection(self):
        call = self.method("ListCategories")
        futures = [call.future(b"", metadata=METADATA, timeout=PATIENCE_S) for _ in range(MANY)]
        self.assertEqual(1, len({future.result() for future in futures}))

    def test_what_is_wrong_has_the_status_for_it(self):
        call = self.method("ListCategories")
        self.assertEqual(grpc.StatusCode.UNAUTHENTICATED, self.code(call, b"", metadata=()))
        self.assertEqual(grpc.StatusCode.PERMISSION_DENIED,
                         self.code(call, b"", metadata=(("shopstream-service", "identity"),)))
        self.assertEqual(grpc.StatusCode.UNIMPLEMENTED, self.code(self.method("Nothing"), b""))
        elsewhere = self.method("GetCart", "shopstream.orders.v1.Orders")
        self.assertEqual(grpc.StatusCode.UNIMPLEMENTED, self.code(elsewhere, b""))
        self.assertEqual(grpc.StatusCode.INVALID_ARGUMENT, self.code(self.method("GetSkus"), b"\x0a\x05x"))
        self.assertEqual(grpc.StatusCode.UNIMPLEMENTED, self.code(call, b"x" * 1000, compression=grpc.Compression.Gzip))
        self.assertEqual(grpc.StatusCode.RESOURCE_EXHAUSTED, self.code(call, b"x" * (MESSAGE_BYTES_MAX + 1)))

    def test_health_is_watched_until_the_end(self):
        other = Shop(arguments=("--no-seed", "--services", "catalog"), RPC_ADDRESS="127.0.0.1", RPC_PORT=free_port())
        self.addCleanup(other.close)
        other.start()
        with grpc.insecure_channel("127.0.0.1:%d" % other.settings["RPC_PORT"]) as channel:
            watched = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=PATIENCE_S * 3)
            self.assertEqual(b"\x08\x01", next(watched))
            other.stop()
            self.assertEqual([b"\x08\x02"], self.rest_of(watched))
            self.assertEqual(grpc.StatusCode.UNAVAILABLE, watched.code())

    def rest_of(self, stream):
        messages = []
        try:
            for message in stream:
                messages.append(message)
        except grpc.RpcError:
            pass
        return messages


class Relay(grpc.GenericRpcHandler):
    """Hands every call on to the catalog, as it is."""

    def __init__(self):
        self.channel = grpc.insecure_channel("127.0.0.1:%d" % port)
        self.calls = []
        self.server = None

    def start(self, at):
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(16), handlers=(self,),
                                  options=(("grpc.so_reuseport", 0),))
        assert self.server.add_insecure_port("127.0.0.1:%d" % at) == at
        self.server.start()

    def service(self, details):
        def handle(request, context):
            self.calls.append(details.method)
            metadata = [(key, value) for key, value in details.invocation_metadata if not key.startswith("user-agent")]
            try:
                return self.channel.unary_unary(details.method)(request, metadata=metadata,
                                                                timeout=context.time_remaining())
            except grpc.RpcError as error:
                context.set_trailing_metadata(error.trailing_metadata())
                context.abort(error.code(), error.details())
        return grpc.unary_unary_rpc_method_handler(handle)


class CoreServerTest(unittest.TestCase):
    def setUp(self):
        self.relay, self.at = Relay(), free_port()
        self.relay.start(self.at)
        self.addCleanup(lambda: self.relay.server.stop(0).wait())
        self.shop = Shop(arguments=("--no-seed", "--services", REST),
                         RPC_PEERS="catalog=grpc://127.0.0.1:%d" % self.at)
        self.addCleanup(self.shop.close)
        self.shop.start()

    def is_left(self, sku_id, units):
        def on_hand():
            return int(catalog.rpc("catalog", "get_stock", {"id": sku_id})["on_hand"])
        eventually(lambda: on_hand() == units, "a stock of %d" % units)

    def test_an_order_goes_through_it(self):
        sku_id = make_sku(5)
        order = self.shop.buy([(sku_id, 2)])
        self.assertEqual("confirmed", order["status"], order)
        self.is_left(sku_id, 3)
        self.assertIn("/%s/ReserveStock" % CATALOG, self.relay.calls)
        refused = self.shop.place([(sku_id, 4)])
        self.assertEqual((409, "out_of_stock"), (refused.status, refused.json["code"]), refused)

    def test_it_ends_and_comes_back_without_a_loss(self):
        sku_id = make_sku(100)
        self.assertEqual("confirmed", self.shop.buy([(sku_id, 1)])["status"])
        self.relay.server.stop(PATIENCE_S).wait()
        self.assertEqual(503, self.shop.place([(sku_id, 1)]).status)
        self.relay.start(self.at)
        eventually(lambda: self.shop.place([(sku_id, 1)]).status == 201, "the relay's return")
        self.is_left(sku_id, 98)


def main():
    result = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__]))
    failed = len(result.failures) + len(result.errors)
    print("%d passed, %d failed" % (result.testsRun - failed, failed))
    return failed > 0


sys.exit(main())
