"""The process: what it refuses to start with, how it ends, and that both are said clearly."""
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from case import ShopCase  # noqa: E402
from shop import BINARY, IS_SANITIZED, PATIENCE_S, START_PATIENCE_S, Shop, eventually, free_port, new_key  # noqa: E402

NOBODY = 65534
STOPS = 12


class RefusalTest(unittest.TestCase):
    """Starts that must fail: with an exit code, a sentence that names the thing, and no running shop."""

    def setUp(self):
        self.shop = Shop()
        self.addCleanup(shutil.rmtree, self.shop.folder, True)

    def refused(self, *words, arguments=(), port=None):
        """Its error output, which must hold the words."""
        port = str(port or self.shop.port)
        command = [BINARY, "--port", port, "--data", str(self.shop.data), "--no-seed", *arguments]
        result = subprocess.run(command, env=self.shop.environment(), stdin=subprocess.DEVNULL, capture_output=True,
                                text=True, timeout=START_PATIENCE_S)
        self.assertGreater(result.returncode, 0, "ended by a signal or well: %r" % result)
        self.assertNotIn("is open on", result.stdout)
        for word in words:
            self.assertIn(word, result.stderr)
        return result.stderr

    def test_refusal__a_second_process_on_the_same_folder(self):
        """It is told so, and the first goes on serving."""
        self.shop.start()
        try:
            self.refused(str(self.shop.data), port=free_port())
            self.assertEqual(200, self.shop.get("/health/ready").status)
        finally:
            self.assertEqual(0, self.shop.stop())

    def test_refusal__a_folder_that_cannot_be_made(self):
        self.shop.data = pathlib.Path(self.shop.folder) / "file" / "data"
        self.shop.data.parent.write_text("not a folder")
        self.refused(str(self.shop.data))

    @unittest.skipUnless(os.geteuid() == 0 and not IS_SANITIZED, "only root may become nobody")
    def test_refusal__a_folder_that_cannot_be_written(self):
        self.shop.data.mkdir(mode=0o555)
        os.chmod(self.shop.folder, 0o755)
        binary = pathlib.Path(self.shop.folder) / "shopstream"
        shutil.copy(BINARY, binary)
        result = subprocess.run([binary, "--port", str(self.shop.port), "--data", str(self.shop.data), "--no-seed"],
                                env=self.shop.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                timeout=START_PATIENCE_S, user=NOBODY, group=NOBODY, extra_groups=[])
        self.assertGreater(result.returncode, 0, result)
        self.assertIn(str(self.shop.data), result.stderr)

    def test_refusal__a_database_that_is_no_database(self):
        """One file of garbage, or cut in the middle: the file is named, and left as it was."""
        self.shop.start()
        self.assertEqual(0, self.shop.stop())
        path = self.shop.data / "orders.db"
        good = path.read_bytes()
        self.assertGreater(len(good), 8192)
        for name, bad in (("garbage", b"\xde\xad\xbe\xef" * (len(good) // 4)),
                          ("pages of garbage", good[:4096] + b"\xde\xad\xbe\xef" * ((len(good) - 4096) // 4)),
                          ("cut", good[:len(good) // 2])):
            with self.subTest(damage=name):
                path.write_bytes(bad)
                self.refused("orders")
                self.assertEqual(bad, path.read_bytes())
        path.write_bytes(good)
        self.shop.start()
        self.assertEqual(0, self.shop.stop())

    def test_refusal__a_port_that_is_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", self.shop.port))
            taken.listen()
            self.refused(str(self.shop.port))

    def test_refusal__settings_and_options_that_do_not_exist(self):
        self.shop.settings["COLOUR"] = "red"
        self.refused("SHOPSTREAM_COLOUR")
        del self.shop.settings["COLOUR"]
        self.shop.settings["PORT"] = "many"
        self.refused("SHOPSTREAM_PORT")
        del self.shop.settings["PORT"]
        self.refused(arguments=["--colour", "red"])
        self.refused("no-such-command", arguments=["no-such-command"])

    def test_refusal__the_emulator_beyond_loopback(self):
        self.shop.settings["ADDRESS"] = "0.0.0.0"
        self.refused("0.0.0.0")

    def test_help__says_how_and_ends_well(self):
        for arguments, word in ((["--help"], "serve"), (["serve", "--help"], "--port"),
                                (["--help-config"], "SHOPSTREAM_PORT")):
            result = subprocess.run([BINARY, *arguments], capture_output=True, text=True,
                                    timeout=START_PATIENCE_S)
            self.assertEqual((0, ""), (result.returncode, result.stderr))
            self.assertIn(word, result.stdout)


class FullDiskTest(ShopCase):
    """A limit on the size of its files stands for the full disk: no write finds room."""

    def limit_files(self, limit):
        resource.prlimit(self.shop.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    def test_full_disk__is_not_ready_until_there_is_room(self):
        """Writes are a 503, reads go on, and readiness says so; with room both are back, and nothing is lost."""
        sku = self.shop.sku(5)
        kept = self.assertStatus(self.shop.place([(sku, 1)], wait=20), 201)
        self.assertStatus(self.shop.get("/health/ready"), 200)
        self.limit_files(1)
        try:
            self.assertProblem(self.shop.place([(sku, 1)]), 503)
            self.assertProblem(self.shop.get("/health/ready"), 503, "not_ready")
            self.assertStatus(self.shop.get("/health/live"), 200)
            order = self.shop.order(kept["id"], guest=kept["guest_token"])
            self.assertEqual("confirmed", order["status"])
        finally:
            self.limit_files(resource.RLIM_INFINITY)
        eventually(lambda: self.shop.get("/health/ready").status == 200, "readiness")
        self.assertEqual("confirmed", self.shop.buy([(sku, 1)])["status"])


class EndTest(unittest.TestCase):
    """Each has a shop of its own to end."""

    def setUp(self):
        self.shop = Shop()
        self.addCleanup(self.shop.close)
        self.shop.start()

    def open_half(self, body):
        """A connection that has sent an order but for its last byte."""
        connection = socket.create_connection(("127.0.0.1", self.shop.port), PATIENCE_S)
        connection.sendall(b"POST /api/orders/v1/orders HTTP/1.1\r\nHost: localhost\r\n"
                           b"Content-Type: application/json\r\n"
                           b"Idempotency-Key: %s\r\nContent-Length: %d\r\n\r\n" % (new_key().encode(), len(body))
                           + body[:-1])
        return connection

    def is_deaf(self):
        with socket.socket() as other:
            return other.connect_ex(("127.0.0.1", self.shop.port)) != 0

    def test_end__a_request_under_way_is_answered(self):
        """SIGTERM closes the door, serves who came before it, and exits 0; the order is there afterwards."""
        body = json.dumps(self.shop.order_body([(self.shop.sku(5), 1)])).encode()
        with self.open_half(body) as connection:
            self.shop.process.send_signal(signal.SIGTERM)
            eventually(self.is_deaf, "the closed door")
            connection.sendall(body[-1:])
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        self.assertTrue(received.startswith(b"HTTP/1.1 201 "), received[:500])
        self.assertEqual(0, self.shop.process.wait(PATIENCE_S))
        order = json.loads(received.partition(b"\r\n\r\n")[2])
        self.shop.stop()
        self.shop.start()
        self.assertEqual("confirmed", self.shop.ended(order["id"], guest=order["guest_token"])["status"])

    def test_end__a_restart_keeps_everything(self):
        """Accounts, sessions, carts, orders, keys and books are after a clean restart what they were before."""
        person, sku, key = self.shop.customer(), self.shop.sku(5), new_key()
        first = self.shop.place([(sku, 1)], token=person, key=key)
        self.shop.ended(first.json["id"], token=person)
        self.shop.post("/api/orders/v1/cart/items", {"sku_id": sku, "quantity": 2}, token=person)
        paths = ["/api/orders/v1/orders", "/api/orders/v1/cart", "/api/identity/v1/me", "/api/catalog/v1/products"]
        before = [self.shop.get(path, token=person).json for path in paths] + [self.shop.ledger()]
        self.assertEqual(0, self.shop.stop())
        self.shop.start()
        self.assertEqual(before, [self.shop.get(path, token=person).json for path in paths] + [self.shop.ledger()])
        again = self.shop.place([(sku, 1)], token=person, key=key)
        self.assertEqual((first.status, first.body), (again.status, again.body))

    def test_end__orders_under_way_go_on_at_the_next_start(self):
        """SIGTERM while workflows confirm orders, again and again: a clean exit each time, and every order ends."""
        sku, orders = self.shop.sku(1000), []
        for _ in range(STOPS):
            for _ in range(6):
                answer = self.shop.place([(sku, 1)])
                self.assertEqual(201, answer.status, answer)
                orders.append(answer.json)
            self.assertEqual(0, self.shop.stop(), self.shop.log_text()[-2000:])
            self.shop.start()
        for order in orders:
            self.assertEqual("confirmed", self.shop.ended(order["id"], guest=order["guest_token"])["status"])

    def test_end__idle_connections_do_not_hold_it_up(self):
        with socket.create_connection(("127.0.0.1", self.shop.port), PATIENCE_S) as idle:
            idle.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertTrue(idle.recv(65536).startswith(b"HTTP/1.1 200 "))
            self.assertEqual(0, self.shop.stop())
            self.assertEqual(b"", idle.recv(65536))


if __name__ == "__main__":
    unittest.main()
