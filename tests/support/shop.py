"""A shop of one's own for black-box tests: the real binary, its data folder, a free port, and what a client does.

    shop = Shop().start()
    answer = shop.get("/api/catalog/v1/products")
    shop.close()

The provider's emulator stands at the shop's port and PROVIDER_PORT_DISTANCE. Nothing here sleeps for something that
it can ask for: `eventually` asks again until the answer comes, and fails after PATIENCE_S.
"""
import concurrent.futures
import contextlib
import email
import email.policy
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("SHOPSTREAM_BUILD", ROOT / "build"))
BINARY = os.environ.get("SHOPSTREAM_BINARY", str(BUILD / "shopstream"))
IS_SANITIZED = os.environ.get("SHOPSTREAM_SANITIZED") == "1"

SLOWNESS = 3 if IS_SANITIZED else 1
PATIENCE_S = 20 * SLOWNESS
START_PATIENCE_S = 60 * SLOWNESS
REQUEST_TIMEOUT_S = 40 * SLOWNESS
POLL_S = 0.01
PROVIDER_PORT_DISTANCE = 11
PORTS = range(20000, 32000)  # below what the system gives to outgoing connections
KEEP_ALIVE_S = 2  # a connection that was idle for longer may have been closed by the shop: take a new one

POSTGRES_VARIABLE = "SHOPSTREAM_TEST_POSTGRES"  # where it is set, the shops' databases are there
ADMIN_EMAIL = "admin@shop.example"
PASSWORD = "correct horse battery staple"
PROVIDER_KEY = "sk_test_of_the_black_box_tests"
WEBHOOK_SECRET = "whsec_of_the_black_box_tests"
ADDRESS = {"name": "Ada Example", "line1": "1 Main Street", "city": "Berlin", "postal_code": "10115", "country": "DE"}
FINAL = ("confirmed", "failed", "cancelled", "fulfilled", "refunded")


def eventually(question, what="it", patience_s=PATIENCE_S):
    """What asking returns as soon as it is something."""
    end = time.monotonic() + patience_s
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError("%s did not come true within %d s" % (what, patience_s))
        time.sleep(POLL_S)


def together(count, function):
    """What so many threads got that called it at the same moment, each with its number. Raises what one raised."""
    barrier = threading.Barrier(count)

    def run(number):
        barrier.wait()
        return function(number)
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(run, number) for number in range(count)]]


def new_key():
    """An Idempotency-Key that nobody guesses."""
    return str(uuid.uuid4())


def new_email(name="buyer"):
    return "%s.%s@mail.example" % (name, uuid.uuid4().hex[:12])


databases = {}  # by the data folder of the shop


def database_of(data):
    """The address of a database of the shop's own on the server that tests/engines has started."""
    if data not in databases:
        server = os.environ[POSTGRES_VARIABLE]
        name = "shop_" + uuid.uuid4().hex
        statement = "CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'" % name
        subprocess.run(["psql", "-X", "-q", "-c", statement, server], check=True)
        databases[data] = server.rpartition("/")[0] + "/" + name
    return databases[data]


def free_port():
    """A port that is free now, and whose provider's port is free too."""
    while True:
        port = random.choice(PORTS)
        with contextlib.suppress(OSError), socket.socket() as shop, socket.socket() as provider:
            shop.bind(("127.0.0.1", port))
            provider.bind(("127.0.0.1", port + PROVIDER_PORT_DISTANCE))
            return port


def children(pid):
    """The processes that a process started and that have not ended."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found


class Answer:
    """Status, headers (lower-case names), body and Set-Cookie headers of an answer."""

    def __init__(self, status, headers, body, set_cookies=()):
        self.status, self.headers, self.body, self.set_cookies = status, headers, body, list(set_cookies)

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "%d %s" % (self.status, self.body[:600].decode(errors="replace"))


class Client:
    """Requests to one port of this machine; each thread has a connection of its own, which is kept."""

    def __init__(self, port):
        self.port = port
        self.kept = threading.local()
        self.connections = []
        self.tls = None  # an ssl.SSLContext where the shop speaks TLS

    def connection(self):
        connection = getattr(self.kept, "connection", None)
        if connection and time.monotonic() - self.kept.used_at < KEEP_ALIVE_S:
            return connection
        if connection:
            connection.close()
        if self.tls:
            self.kept.connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=REQUEST_TIMEOUT_S,
                                                               context=self.tls)
        else:
            self.kept.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_TIMEOUT_S)
        self.connections.append(self.kept.connection)
        return self.kept.connection

    def forget(self):
        connection = getattr(self.kept, "connection", None)
        if connection:
            connection.close()
        self.kept.connection = None

    def close(self):
        """Closes the connections of every thread; only when nobody asks any more."""
        for connection in self.connections:
            connection.close()
        self.connections.clear()
        self.kept = threading.local()

    def ask(self, method, path, body=None, headers=None):
        """body: bytes as they are, or something for JSON."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection = self.connection()
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read(),
                            response.headers.get_all("Set-Cookie", []))
        except BaseException:
            self.forget()
            raise
        self.kept.used_at = time.monotonic()
        if response.will_close:
            self.forget()
        return answer


class Person:
    """Somebody with an account, signed in."""

    def __init__(self, shop, address, tenant=None):
        self.shop, self.email, self.tenant = shop, address, tenant
        self.sign_in()

    def sign_in(self):
        answer = self.shop.post("/api/identity/v1/login", {"email": self.email, "password": PASSWORD},
                                tenant=self.tenant)
        assert answer.status == 200, answer
        self.tokens = answer.json
        self.token = self.tokens["access_token"]
        return self


class Shop:
    """The binary on a data folder. settings are environment variables without SHOPSTREAM_."""

    def __init__(self, data=None, arguments=("--no-seed",), **settings):
        self.folder = None if data else tempfile.mkdtemp(prefix="shopstream-")
        self.data = pathlib.Path(data or self.folder) / "data"
        self.arguments = list(arguments)
        self.settings = {"RATE_LIMITS": "off", "LOG_LEVEL": "warning", "ADMIN_EMAIL": ADMIN_EMAIL,
                         "ADMIN_PASSWORD": PASSWORD, "STRIPE_SECRET_KEY": PROVIDER_KEY,
                         "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET, **settings}
        if POSTGRES_VARIABLE in os.environ:
            self.settings.setdefault("SQL_URL", database_of(self.data))
        self.program = BINARY
        self.preloaded = {}  # what preload() adds to the environment
        self.process = None
        self.people = {}
        self.port = free_port()
        self.client = Client(self.port)
        self.provider_client = Client(self.port + PROVIDER_PORT_DISTANCE)

    # -- The process ------------------------------------------------------------------------------------------------
    def environment(self):
        bare = {k: v for k, v in os.environ.items() if not k.startswith("SHOPSTREAM_")}
        return {**bare, **{"SHOPSTREAM_" + k: str(v) for k, v in self.settings.items()}, **self.preloaded}

    def preload(self, library, **variables):
        """From the next start on, loads a library of tests/preload into the shop; none with None."""
        self.preloaded = {}
        if library:
            sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
            self.preloaded = {"LD_PRELOAD": str(BUILD / ("lib%s.so" % library)), "ASAN_OPTIONS": sanitizer, **variables}

    def allow_tracer(self):
        """From the next start on a tracer may be attached: who looks for leaks traces, and once only is possible."""
        options = self.preloaded.get("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", ""))
        self.preloaded["ASAN_OPTIONS"] = options + ":detect_leaks=0"

    def spawn(self, **streams):
        return subprocess.Popen([self.program, "--port", str(self.port), "--data", str(self.data), *self.arguments],
                                env=self.environment(), stdin=subprocess.DEVNULL, **streams)

    def start(self):
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self.log = open(self.data.parent / "log", "ab")
        self.process = self.spawn(stdout=self.log, stderr=self.log)
        eventually(self.is_open, "the shop's start", START_PATIENCE_S)
        return self

    def is_open(self):
        if self.process.poll() is not None:
            raise AssertionError("the shop ended with %d: %s" % (self.process.returncode, self.log_text()[-2000:]))
        try:
            return self.get("/health/ready").status == 200
        except OSError:
            return False
        except http.client.HTTPException:
            return False

    def log_text(self):
        return (self.data.parent / "log").read_text(errors="replace")

    def kill(self):
        """As a crash does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.client.close()
        self.provider_client.close()

    def stop(self):
        """As an operator does; returns the exit code."""
        self.client.close()
        self.provider_client.close()
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the shop did not end within %d s of SIGTERM" % PATIENCE_S)
        finally:
            self.log.close()

    def close(self):
        """Stops, says what a sanitizer or a crash left behind, and clears away."""
        try:
            if self.process:
                code = self.stop()
                assert code == 0, "the shop ended with %d: %s" % (code, self.log_text()[-4000:])
        finally:
            if self.folder:
                shutil.rmtree(self.folder, ignore_errors=True)

    # -- Requests ---------------------------------------------------------------------------------------------------
    def ask(self, method, path, body=None, token=None, guest=None, key=None, tenant=None, headers=None):
        """token: an access token or a Person; guest: a guest's token; key: the Idempotency-Key."""
        sent = dict(headers or {})
        if isinstance(token, Person):
            tenant, token = tenant or token.tenant, token.token
        for name, value in (("Authorization", token and "Bearer " + token), ("X-Guest-Token", guest),
                            ("Idempotency-Key", key), ("X-Tenant", tenant)):
            if value:
                sent[name] = value
        return self.client.ask(method, path, body, sent)

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.ask("POST", path, body, **options)

    def put(self, path, body=None, **options):
        return self.ask("PUT", path, body, **options)

    def patch(self, path, body=None, **options):
        return self.ask("PATCH", path, body, **options)

    def delete(self, path, **options):
        return self.ask("DELETE", path, **options)

    def walk(self, path, key, **options):
        """Every entry of a list, page by page."""
        cursor, entries = None, []
        while True:
            separator = "&" if "?" in path else "?"
            page = path + (separator + "cursor=" + urllib.parse.quote(cursor) if cursor else "")
            answer = self.get(page, **options)
            assert answer.status == 200, answer
            entries += answer.json.get(key, [])
            cursor = answer.json.get("next_cursor")
            if not cursor:
                return entries

    def rpc(self, service, method, message=None, tenant="default"):
        """What the command line asks, through DATA/admin.sock: the reply, or an AssertionError."""
        body = json.dumps(message or {}).encode()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(REQUEST_TIMEOUT_S)
            connection.connect(str(self.data / "admin.sock"))
            connection.sendall(("%s %s %s %d\n" % (service, method, tenant, len(body))).encode() + body)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        head, _, reply = received.partition(b"\n")
        assert head.split()[0] == b"0", "%s %s: %s %s" % (service, method, head, reply)
        return json.loads(reply or b"{}")

    # -- Mail -------------------------------------------------------------------------------------------------------
    def all_mails(self):
        """Every mail in the spool, oldest first, each as (to, subject, text, Message-ID)."""
        found = []
        for path in (self.data / "mail").rglob("*.eml"):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            found.append((path.stat().st_mtime_ns, str(message["To"]), str(message["Subject"]),
                          message.get_body(("plain",)).get_content(), str(message["Message-ID"])))
        return [mail[1:] for mail in sorted(found)]

    def mails(self, address):
        """The mails to an address, oldest first, each as (subject, text)."""
        return [mail[1:3] for mail in self.all_mails() if address.lower() in mail[0].lower()]

    def mail(self, address, index=0):
        """The mail number index (from 0) to an address, once it is there."""
        return eventually(lambda: (self.mails(address)[index:] or [None])[0], "mail %d to %s" % (index, address))

    def mailed_code(self, address, index=0):
        return re.search(r"^Code: (\d{6})\s*$", self.mail(address, index)[1], re.M).group(1)

    # -- People -----------------------------------------------------------------------------------------------------
    def sign_up(self, address=None, tenant=None):
        """Signs up and confirms; the address."""
        address = address or new_email()
        answer = self.post("/api/identity/v1/signup", {"email": address, "password": PASSWORD, "name": "Ada"},
                           tenant=tenant)
        assert answer.status == 201, answer
        answer = self.post("/api/identity/v1/verify", {"email": address, "code": self.mailed_code(address)},
                           tenant=tenant)
        assert answer.status in (200, 204), answer
        return address

    def customer(self, tenant=None):
        return Person(self, self.sign_up(tenant=tenant), tenant)

    def staff(self, role, tenant=None):
        """A member of the staff: the same one each time."""
        if (role, tenant) not in self.people:
            if role == "admin" and not tenant:
                self.people[role, tenant] = Person(self, ADMIN_EMAIL)
            else:
                address = self.sign_up(tenant=tenant)
                self.rpc("identity", "grant_role", {"email": address, "role": role}, tenant or "default")
                self.people[role, tenant] = Person(self, address, tenant)
        return self.people[role, tenant]

    # -- Goods and orders -------------------------------------------------------------------------------------------
    def product(self, stocks=(10,), amount=1000, title=None, tenant=None, **fields):
        """A product with a SKU for each number of units."""
        title = title or "Article " + uuid.uuid4().hex[:8]
        body = {"title": title, "brand": "Acme", "category": "things", "description": "A thing.",
                "price": {"amount": amount, "currency": "EUR"},
                "skus": [{"code": "C-" + uuid.uuid4().hex[:12], "attributes": {"size": str(i)}}
                         for i in range(len(stocks))], **fields}
        admin = self.staff("admin", tenant)
        answer = self.post("/api/catalog/v1/products", body, token=admin, key=new_key())
        assert answer.status == 201, answer
        product = answer.json
        for sku, units in zip(product["skus"], stocks):
            self.set_stock(sku["id"], units, admin)
        return product

    def sku(self, units=10, **fields):
        return self.product((units,), **fields)["skus"][0]["id"]

    def priced_sku(self, prices, units=10, amount=1000, currency="EUR"):
        """A SKU with an own price and further ones: (currency, amount) or (currency, amount, country) each."""
        further = [dict(zip(("currency", "amount", "region"), price)) for price in prices]
        skus = [{"code": "C-" + uuid.uuid4().hex[:12], "attributes": {}, "prices": further}]
        return self.product((units,), price={"amount": amount, "currency": currency}, skus=skus)["skus"][0]["id"]

    def set_stock(self, sku_id, units, token=None):
        answer = self.put("/api/catalog/v1/skus/%s/stock" % sku_id, {"on_hand": units},
                          token=token or self.staff("admin"))
        assert answer.status == 200, answer

    def stock(self, sku_id):
        """(on hand, reserved, available)"""
        answer = self.get("/api/catalog/v1/skus/%s/stock" % sku_id)
        assert answer.status == 200, answer
        return tuple(answer.json[name] for name in ("on_hand", "reserved", "available"))

    def order_body(self, lines, method="pm_card_visa", **fields):
        """lines: (SKU, quantity) each."""
        return {"items": [{"sku_id": sku, "quantity": quantity} for sku, quantity in lines],
                "email": "buyer@mail.example", "shipping_address": ADDRESS,
                "payment": {"payment_method": method}, **fields}

    def place(self, lines, method="pm_card_visa", wait=None, key=None, token=None, guest=None, tenant=None, **fields):
        """Places an order: the answer."""
        headers = {"Prefer": "wait=%d" % wait} if wait else None
        return self.post("/api/orders/v1/orders", self.order_body(lines, method, **fields), key=key or new_key(),
                         token=token, guest=guest, tenant=tenant, headers=headers)

    def buy(self, lines, method="pm_card_visa", **options):
        """Places an order and waits for its final status: the order."""
        answer = self.place(lines, method, wait=20, **options)
        assert answer.status == 201, answer
        order = answer.json
        if order["status"] == "pending":
            guest = options.get("guest") or order.get("guest_token")
            order = self.ended(order["id"], options.get("token"), guest)
        return order

    def order(self, order_id, token=None, guest=None):
        answer = self.get("/api/orders/v1/orders/" + order_id, token=token, guest=guest)
        assert answer.status == 200, answer
        return answer.json

    def ended(self, order_id, token=None, guest=None, patience_s=PATIENCE_S):
        def question():
            order = self.order(order_id, token, guest)
            return order if order["status"] in FINAL else None
        return eventually(question, "the end of order " + order_id, patience_s)

    def becomes(self, order_id, status, token=None, guest=None):
        def question():
            order = self.order(order_id, token, guest)
            return order if order["status"] == status else None
        return eventually(question, "order %s %s" % (order_id, status))

    # -- Money ------------------------------------------------------------------------------------------------------
    def ledger(self, tenant=None):
        return self.walk("/api/payments/v1/ledger?limit=100", "entries", token=self.staff("admin", tenant))

    def provider(self, method, path, form=None, key=None):
        """Asks the provider's emulator as Stripe's API is asked: the answer."""
        headers = {"Authorization": "Bearer " + PROVIDER_KEY}
        if key:
            headers["Idempotency-Key"] = key
        body = None
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urllib.parse.urlencode(form).encode()
        return self.provider_client.ask(method, path, body, headers)

    def provider_list(self, path):
        """Every object of one of Stripe's lists, newest first."""
        found = []
        while True:
            query = "?limit=100" + ("&starting_after=" + found[-1]["id"] if found else "")
            answer = self.provider("GET", path + query)
            assert answer.status == 200, answer
            found += answer.json["data"]
            if not answer.json["has_more"]:
                return found

    def faults(self, **faults):
        """What is to go wrong at the provider; nothing when nothing is named."""
        headers = {"Authorization": "Bearer " + PROVIDER_KEY}
        method = "POST" if faults else "DELETE"
        answer = self.provider_client.ask(method, "/test/faults", faults or None, headers)
        assert answer.status in (200, 204), answer

    def challenge(self, order, decision):
        """Answers the bank's page of an order's 3-D Secure: "approve" or "refuse"."""
        url = urllib.parse.urlsplit(order["payment"]["next_action"]["redirect_to_url"]["url"])
        page = self.provider_client.ask("GET", url.path + "?" + url.query)
        assert page.status == 200, page
        secret = re.search(r'name="payment_intent_client_secret" value="([^"]+)"', page.body.decode()).group(1)
        form = urllib.parse.urlencode({"payment_intent_client_secret": secret, "decision": decision}).encode()
        return self.provider_client.ask("POST", url.path, form, {"Content-Type": "application/x-www-form-urlencoded"})

    def webhook(self, event, secret=WEBHOOK_SECRET, at=None):
        """Sends an event as the provider does: its bytes with its signature."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        at = int(time.time() if at is None else at)
        mac = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
        return self.post("/api/payments/v1/webhooks/stripe", body,
                         headers={"Stripe-Signature": "t=%d,v1=%s" % (at, mac), "Content-Type": "application/json"})


def unbalanced(entries):
    """The transactions of a ledger whose debits and credits differ, in any currency."""
    sums = {}
    for entry in entries:
        sign = {"debit": 1, "credit": -1}[entry["direction"]]
        key = entry["transaction_id"], entry["currency"]
        sums[key] = sums.get(key, 0) + sign * entry["amount"]
    return [key for key, amount in sums.items() if amount]
