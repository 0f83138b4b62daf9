"""Secrets and personal data stay where they belong. A shop at debug level goes through what succeeds and what fails,
each time with values that are found nowhere else in the world; then every byte of its log, its metrics, its refusals
and its data folder is searched for them: as a kill leaves the folder, with the databases' logs and what was half
written, as a clean end does, and as `backup`, `dump` and `export` write it elsewhere."""
import base64
import contextlib
import hashlib
import json
import pathlib
import re
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import forge  # noqa: E402
import wire  # noqa: E402
from browser import COOKIE, Browser  # noqa: E402
from shop import (ADMIN_EMAIL, BINARY, PASSWORD, PATIENCE_S, PROVIDER_KEY, WEBHOOK_SECRET, Shop,  # noqa: E402
                  eventually, new_key)

IDENTITY = "/api/identity/v1/"
ORDERS = "/api/orders/v1/orders"
CARD = "4000056655665556"  # Stripe's test card of a debit Visa: seen nowhere else in this test
REFUSED_CARD = "4000000000000002"
MISTYPED = "4000056655665565"  # the same with two digits in the wrong order
FIELD = "/card-field?origin=http%3A%2F%2Flocalhost%3A3000"
CODES_A_WAY = 3
CODE_NAMES = rb"(?:cvc|cvv|csc|cid|security.?code|card.?code)"
IDENTITY_DB, ORDERS_DB, EMULATOR_DB, MAIL = "identity.db", "orders.db", "stripe_emulator.db", "mail"


def canary(word):
    return "%s-%s" % (word, uuid.uuid4().hex)


def spellings(secret):
    """How it could stand in a file: as it is, in base64, in hex, escaped for an address or for JSON."""
    raw = secret.encode()
    forms = {raw, base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw).rstrip(b"="), raw.hex().encode(),
             urllib.parse.quote(secret, safe="").encode(), json.dumps(secret)[1:-1].encode(), secret[::-1].encode()}
    return {form for form in forms if len(form) >= 6}


def base64_cores(raw):
    """What the base64 of any text has in it where that text has these bytes, at each of the three places."""
    for skipped in range(3):
        coded = base64.b64encode(b"\0" * skipped + raw)
        end = len(coded) - (4 if (skipped + len(raw)) % 3 else 0)
        yield coded[4 if skipped else 0:end]


def plain(value):
    """All that is in a line of a dump; what is no text stands in it as {"bytes": base64}."""
    if isinstance(value, dict) and value.keys() <= {"bytes", "text"}:
        return b"".join(map(base64.b64decode, value.values()))
    if isinstance(value, dict):
        return b"\n".join(plain(part) for part in [*value, *value.values()])
    return str(value).encode()


def databases_of(dump):
    """{database: its lines, as they are and in plain}"""
    found = {}
    for line in dump.splitlines():
        value = json.loads(line)
        path = value.get("service", "the dump itself") + ".db"
        found[path] = found.get(path, b"") + line + b"\n" + plain(value) + b"\n"
    return found


def named_codes(code, data):
    """Where a card's code stands beside a name for such codes, in plain or behind an encoding; or its bare hash."""
    raw = code.encode()
    named = re.compile(rb"(?i)" + CODE_NAMES + rb"[^0-9a-z]{0,12}" + raw + rb"(?!\d)")
    found = [match.group(0) for text in (data, urllib.parse.unquote_to_bytes(data)) for match in named.finditer(text)]
    for form in (b'cvc":"%s', b"cvc]=%s", b"cvc%%5D=%s", b'cvc":%s'):
        found += [core for core in base64_cores(form % raw) if core in data]
        found += [form % raw for _ in (0,) if (form % raw).hex().encode() in data]
    for digest in (hashlib.md5, hashlib.sha1, hashlib.sha256):
        found += [digest.__name__ for hashed in [digest(raw)]
                  if hashed.digest() in data or hashed.hexdigest().encode() in data.lower()]
    return found


def standing_codes(codes, data):
    """Those of the codes that stand in it by themselves, as a value of their own does."""
    return {code for code in codes if re.search(rb"(?<![0-9A-Za-z.+/_-])%s(?![0-9A-Za-z.+/_-])" % code.encode(), data)}


def files_below(folder):
    """{path: bytes}, as they are now."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Flows:
    """What was done, and the secrets that were used: name → (value, the files that may hold it)."""

    def __init__(self, shop):
        self.shop, self.secrets, self.refusals = shop, {}, []
        self.codes = {}  # way that a card's code was sent by → the codes that were

    def secret(self, name, value, *files):
        self.secrets[name] = (value, files)
        return value

    def code(self, way):
        """A card's code of its own. It is too short to be looked for by itself: see test_secrets__a_cards_code…"""
        used = {code for codes in self.codes.values() for code in codes}
        code = next(code for code in iter(lambda: "%04d" % secrets.randbelow(10000), None)
                    if code not in used and not 1900 <= int(code) <= 2100)
        self.codes.setdefault(way, []).append(code)
        return code

    def refused(self, answer, *statuses):
        assert answer.status in statuses, answer
        self.refusals.append(answer)
        return answer

    def post(self, path, body, **options):
        return self.shop.post(IDENTITY + path, body, **options)

    # -- People -----------------------------------------------------------------------------------------------------
    def sign_up_and_in(self):
        name = self.secret("a customer's name", canary("name"), IDENTITY_DB)
        email = self.secret("a customer's address", canary("known") + "@mail.example", IDENTITY_DB, ORDERS_DB, MAIL)
        first = self.secret("the first password", canary("first"))
        signed_up = self.post("signup", {"email": email, "password": first, "name": name})
        assert signed_up.status == 201, signed_up
        self.refused(self.post("login", {"email": email, "password": first}), 403)
        self.refused(self.post("verify", {"email": email, "code": "000000"}), 400, 401, 403, 422)
        code = self.shop.mailed_code(email)
        assert self.post("verify", {"email": email, "code": code}).status in (200, 204)
        tokens = self.keep_tokens("first", self.post("login", {"email": email, "password": first}))
        again = self.keep_tokens("second", self.post("refresh", {"refresh_token": tokens["refresh_token"]}))
        self.refused(self.post("refresh", {"refresh_token": tokens["refresh_token"]}), 401)
        invented = self.secret("an invented refresh token", canary("refresh"))
        self.refused(self.post("refresh", {"refresh_token": invented}), 400, 401)
        tokens = self.keep_tokens("third", self.post("login", {"email": email, "password": first}))
        second = self.secret("the second password", canary("second"))
        wrong = self.secret("a wrong password", canary("wrong"))
        self.refused(self.post("login", {"email": email, "password": wrong}), 401)
        self.refused(self.post("password/change", {"current_password": wrong, "new_password": second},
                               token=tokens["access_token"]), 400, 401, 403)
        changed = self.post("password/change", {"current_password": first, "new_password": second},
                            token=tokens["access_token"])
        assert changed.status in (200, 204), changed
        self.forget(email)
        del again
        return self.keep_tokens("last", self.post("login", {"email": email, "password": self.password})), email

    def forget(self, email):
        assert self.post("password/forgot", {"email": email}).status in (200, 202, 204)
        self.password = self.secret("the third password", canary("third"))
        self.refused(self.post("password/reset", {"email": email, "code": "no such code", "password": self.password}),
                     400, 401, 403)
        text = eventually(lambda: next((m for m in self.shop.mails(email) if "assword" in m[0] + m[1]), None), "a mail")
        code = re.search(r"^Code: (\S+)\s*$", text[1], re.M).group(1)
        if len(code) > 6:
            self.secret("the code for a password", code, MAIL)
        answer = self.post("password/reset", {"email": email, "code": code, "password": self.password})
        assert answer.status in (200, 204), answer

    def keep_tokens(self, which, answer):
        assert answer.status == 200, answer
        for name in ("access_token", "refresh_token"):
            self.secret("the %s %s" % (which, name), answer.json[name])
            if name == "access_token":  # a part of it is as good to know where the rest is known
                self.secret("the signature of the %s %s" % (which, name), answer.json[name].rpartition(".")[2])
        return answer.json

    def unknown_people(self):
        unknown = self.secret("an address that nobody has", canary("unknown") + "@mail.example")
        self.refused(self.post("login", {"email": unknown, "password": self.secret("a stranger's password",
                                                                                 canary("stranger"))}), 401)
        assert self.post("password/forgot", {"email": unknown}).status in (200, 202, 204)
        for body in ({"email": unknown, "password": "short"}, {"email": unknown, "pasword": canary("x")},
                     b'{"email":"%s","password":"%s"' % (unknown.encode(), b"cut off")):
            self.refused(self.post("signup", body, headers={"Content-Type": "application/json"}), 400)
        bad = self.secret("a password of the wrong type", canary("array"))
        self.refused(self.post("login", {"email": unknown, "password": [bad]}), 400)
        field = self.secret("a field's name", canary("field"))  # is told to who sent it, and to nobody else
        assert self.post("login", {"email": unknown, "password": bad, field: bad}).status == 400
        self.refused(self.post("login", {"email": bad, "password": bad}), 400, 401)

    # -- Browsers ---------------------------------------------------------------------------------------------------
    def browse(self, email):
        """Signs a browser in, keeps it signed in, buys as a guest and out again: each cookie that it ever had."""
        browser = self.watch(Browser(self.shop))
        browser.open()
        wrong = self.secret("a browser's wrong password", canary("wrong"))
        self.refused(browser.post("/session", {"email": email, "password": wrong}), 401)
        answer = browser.post(ORDERS, self.shop.order_body([(self.shop.sku(5), 1)]), key=new_key())
        assert answer.status == 201, answer
        self.look_at_pages(browser, "/orders/" + answer.json["id"])
        assert browser.post("/session", {"email": email, "password": self.password}).status == 204
        self.look_at_pages(browser, "/account", "/orders")
        old = browser.headers()
        assert browser.get("/api/orders/v1/cart").status == 200
        assert browser.post("/session/refresh").status == 204
        self.refused(browser.ask("DELETE", "/session", csrf=False), 403)
        self.refused(browser.ask("DELETE", "/session", site="cross-site"), 403)
        assert browser.delete("/session").status == 204
        self.refused(self.shop.get(IDENTITY + "me", headers=old), 401)
        self.refused(browser.post("/session/refresh"), 401)

    def look_at_pages(self, browser, *others):
        """Pages of a person are rendered from what is theirs; no page shows what its own scripts must not read."""
        for path in ("/cart", "/checkout", *others):
            page = browser.get(path, headers={"Accept": "text/html"})
            assert page.status == 200, page
            for name, value in browser.cookies.items():
                assert value.encode() not in page.body, (name, page)

    def watch(self, browser):
        """From now on every cookie that the browser gets is a secret."""
        keep = browser.keep

        def note(answer):
            for text in answer.set_cookies:
                cookie = COOKIE.fullmatch(text)
                if cookie["value"]:
                    # The stored answer to the key of an order holds its guest's token for as long as the key is good.
                    files = (ORDERS_DB,) if cookie["name"] == "__Host-guest" else ()
                    self.secret("the cookie %s, %d" % (cookie["name"], len(self.secrets)), cookie["value"], *files)
            keep(answer)
        browser.keep = note
        return browser

    # -- Addresses and headers --------------------------------------------------------------------------------------
    def where_they_do_not_belong(self):
        """Secrets in the address, in headers, in what is no HTTP: seen by nobody but who sent them."""
        lost = self.secret("a secret in the wrong place", canary("lost"))
        for path in ("/api/catalog/v1/products?access_token=" + lost, "/" + lost, "/api/orders/v1/orders/" + lost,
                     IDENTITY + "me?password=" + lost, "/dev/mail/" + lost):
            self.refused(self.shop.get(path), 400, 401, 404)
        for headers in ({"Authorization": "Bearer " + lost}, {"X-Guest-Token": lost * 2}, {"X-Tenant": lost},
                        {"Idempotency-Key": lost}, {"If-Match": lost}, {"traceparent": lost}, {"Cookie": "s=" + lost},
                        {"Cookie": "__Host-session=" + lost}, {"Cookie": "__Host-refresh=" + lost},
                        {"Cookie": "__Host-guest=" + lost}, {"Cookie": "csrf=" + lost, "X-CSRF-Token": lost[::-1]},
                        {"Cookie": "__Host-session=x; csrf=%s" % lost}, {"X-CSRF-Token": lost},
                        {"Cookie": "__Host-session=x", "Origin": "https://" + lost},
                        {"Prefer": lost}, {"X-Anything": lost}, {"Content-Type": lost}):
            answer = self.shop.post(ORDERS, b"{}", headers=headers)
            self.refused(answer, 400, 401, 403, 404, 415)
        for sent in (b"GET /%s HTTP/9.9\r\n\r\n", b"%s\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX : %s\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: x/%s\r\n\r\n"):
            received, _ = wire.exchange(self.shop, sent % lost.encode())
            assert lost.encode() not in received, received
        self.shop.webhook({"id": lost, "type": lost, "data": {"object": {"id": lost}}}, secret="whsec_wrong")
        signature = {"Stripe-Signature": "t=1,v1=" + lost, "Content-Type": "application/json"}
        self.refused(self.shop.post("/api/payments/v1/webhooks/stripe", b"{}", headers=signature), 400, 401)

    # -- Orders -----------------------------------------------------------------------------------------------------
    def order(self, tokens, email):
        sku = self.shop.sku(20)
        address = {name: self.secret("the address's " + name, canary(name), ORDERS_DB)
                   for name in ("name", "line1", "line2", "city")}
        address.update(postal_code="10115", country="DE")
        fields = {"shipping_address": address, "email": email}
        token = tokens["access_token"]
        order = self.shop.buy([(sku, 1)], token=token, **fields)
        assert order["status"] == "confirmed", order
        for method in ("pm_card_chargeDeclined", "pm_card_visa"):
            guest = self.secret("a guest's address " + method, canary("guest") + "@mail.example", ORDERS_DB, MAIL)
            placed = self.shop.buy([(sku, 1)], method, **{**fields, "email": guest})
            # The stored answer to the key that it was placed by holds it as well, for as long as the key is good.
            self.secret("a guest's token " + method, placed["guest_token"], ORDERS_DB)
        admin = self.shop.staff("admin")
        refund = self.shop.post("/api/payments/v1/payments/%s/refunds" % order["payment"]["id"], {}, token=admin,
                                key=new_key())
        assert refund.status == 201, refund
        return sku, fields

    def card(self, sku, fields):
        """A number typed into the provider's field, and one that is sent to the shop by mistake."""
        self.secret("a card's number", CARD)
        self.secret("a card's number, spaced", re.sub(r"(.{4})", r"\1 ", CARD).strip())
        form = {"type": "card", "card[number]": CARD, "card[exp_month]": "12", "card[exp_year]": "2039",
                "card[cvc]": self.code("the first")}
        method = self.shop.provider("POST", "/v1/payment_methods", form)
        if method.status == 200:
            assert CARD.encode() not in method.body, method
            self.shop.buy([(sku, 1)], method.json["id"], **fields)
        for _ in range(CODES_A_WAY):
            self.card_codes(sku, fields, form)
        self.card_field(sku, fields, form)
        for body in (self.shop.order_body([(sku, 1)], CARD, **fields),
                     {**self.shop.order_body([(sku, 1)], **fields), "card": {"number": CARD}},
                     {**self.shop.order_body([(sku, 1)], **fields), "payment": {"card_number": CARD}}):
            answer = self.shop.post(ORDERS, body, key=new_key(), headers={"Prefer": "wait=20"})
            assert answer.status in (201, 400), answer
            if answer.status == 400:
                self.refused(answer, 400)


    def card_codes(self, sku, fields, form):
        """A card's code by each way that it goes: to the provider, which uses it, and to whom it does not belong."""
        def paid(way, **changes):
            method = self.shop.provider("POST", "/v1/payment_methods",
                                        {**form, "card[cvc]": self.code(way), **changes}, new_key())
            assert method.status == 200, method
            assert not named_codes(self.codes[way][-1], method.body), method
            return method.json["id"]
        self.shop.buy([(sku, 1)], paid("a card that pays"), **fields)
        self.shop.buy([(sku, 1)], paid("a card that is refused", **{"card[number]": REFUSED_CARD}), **fields)
        for name, value in (("card[number]", MISTYPED), ("card[exp_year]", "2001")):
            self.refused(self.shop.provider("POST", "/v1/payment_methods", {
                **form, "card[cvc]": self.code("a refused " + name), name: value}, new_key()), 402)
        self.refused(self.shop.provider("POST", "/v1/payment_methods", {
            **form, "card[cvc]": self.code("letters behind it") + "x"}), 402)
        answer = self.shop.provider("GET", "/v1/payment_methods/pm_1x?card%5Bcvc%5D=" + self.code("an address"))
        self.refused(answer, 404)
        body = self.shop.order_body([(sku, 1)], **fields)
        for change in ({"card": {"number": CARD, "cvc": self.code("an order's card")}},
                       {"cvc": self.code("an order's field")},
                       {"payment": {"payment_method": "pm_card_visa", "cvc": self.code("an order's payment")}}):
            self.refused(self.shop.post(ORDERS, {**body, **change}, key=new_key()), 400)
        self.refused(self.shop.get(ORDERS + "?cvc=" + self.code("an address of the shop")), 400, 401, 404)

    def card_field(self, sku, fields, form):
        """As the field's script asks, with the key that everybody may read; and what people do by mistake."""
        self.secret("a mistyped card's number", MISTYPED)
        ask = self.shop.provider_client.ask
        page = ask("GET", FIELD + "&" + urllib.parse.urlencode({"card[number]": CARD}))
        assert page.status == 200 and CARD.encode() not in page.body, page
        key = re.search(rb'data-key="(pk_test_[0-9a-f]+)"', page.body).group(1).decode()
        headers = {"Authorization": "Bearer " + key, "Content-Type": "application/x-www-form-urlencoded",
                   "Origin": "http://localhost:3000"}

        def send(**changes):
            return ask("POST", "/v1/payment_methods", urllib.parse.urlencode({**form, **changes}).encode(), headers)

        method = send()
        assert method.status == 200, method
        assert self.shop.buy([(sku, 1)], method.json["id"], **fields)["status"] == "confirmed"
        assert self.shop.buy([(sku, 1)], method.json["id"], **fields)["status"] == "failed"  # it pays once
        for name, value in (("card[number]", MISTYPED), ("card[cvc]", CARD), ("card[exp_month]", CARD), ("type", CARD)):
            self.refused(send(**{name: value}), 400, 402)


class SecretTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = Shop(LOG_LEVEL="debug")
        cls.addClassCleanup(cls.shop.close)
        cls.shop.start()
        cls.flows = flows = Flows(cls.shop)
        flows.secret("the provider's key", PROVIDER_KEY)
        flows.secret("the webhooks' secret", WEBHOOK_SECRET, EMULATOR_DB)  # which signs with it, as the provider does
        flows.secret("the administrator's password", PASSWORD)
        flows.secret("the administrator's address", ADMIN_EMAIL, IDENTITY_DB)
        tokens, email = flows.sign_up_and_in()
        flows.unknown_people()
        flows.where_they_do_not_belong()
        flows.browse(email)
        sku, fields = flows.order(tokens, email)
        flows.card(sku, fields)
        cls.forged(flows)
        flows.post("logout", {"refresh_token": tokens["refresh_token"]}, token=tokens["access_token"])
        cls.metrics = cls.shop.get("/metrics").body + cls.shop.get("/api/openapi.json").body
        cls.command_line = pathlib.Path("/proc/%d/cmdline" % cls.shop.process.pid).read_bytes()
        cls.files = {}  # how they were had → path → bytes
        cls.write_elsewhere()
        cls.shop.kill()
        cls.files["killed"] = files_below(cls.shop.data)
        cls.shop.start()
        cls.shop.stop()
        cls.files["stopped"] = files_below(cls.shop.data)
        cls.log = cls.shop.log_text().encode()

    @classmethod
    def write_elsewhere(cls):
        """By the command line, of the running shop."""
        with tempfile.TemporaryDirectory(prefix="shopstream-secrets-") as folder:
            for command in ("backup", "dump", "export"):
                subprocess.run([BINARY, command, "%s/%s" % (folder, command), "--data", str(cls.shop.data)], check=True,
                               env=cls.shop.environment(), capture_output=True, timeout=PATIENCE_S)
            cls.files["backup"] = files_below(pathlib.Path(folder, "backup"))
            cls.files["dump"] = databases_of(pathlib.Path(folder, "dump").read_bytes())
            cls.files["export"] = {"export": pathlib.Path(folder, "export").read_bytes()}

    def all_files(self):
        """(how it was had, path, bytes) of each."""
        return [(how, path, data) for how, files in self.files.items() for path, data in files.items()]

    @classmethod
    def forged(cls, flows):
        """A token that the shop's own key signed for a time that is over."""
        token = forge.Forger(flows.shop.staff("admin").token).token(forge.shop_key(flows.shop),
                                                                    claims={"iat": 1, "exp": 2})
        flows.refused(flows.shop.get(IDENTITY + "me", token=flows.secret("an expired token", token)), 401)

    def found(self, where):
        """The names of the secrets that stand in some bytes."""
        return {name for name, (value, _) in self.flows.secrets.items()
                if any(form in where for form in spellings(value))}

    def test_secrets__the_search_finds_what_is_there(self):
        """The flows did what they say: what may be somewhere, is."""
        self.assertGreater(len(self.flows.secrets), 30)
        self.assertIn(b'"level":"debug"', self.log)
        self.assertIn(b"401", self.log)
        self.assertIn(IDENTITY_DB + "-wal", self.files["killed"])
        for name, (value, files) in self.flows.secrets.items():
            with self.subTest(secret=name):
                self.assertIn(name, self.found(b"x" + base64.b64encode(value.encode())))
                # A dump has no mails.
                for how in ("killed", "stopped", "backup", *(["dump"] if files != (MAIL,) else [])):
                    self.assertEqual(bool(files), any(value.encode() in data for data in self.files[how].values()), how)

    def test_secrets__are_not_in_the_log(self):
        self.assertEqual(set(), self.found(self.log))

    def test_secrets__are_not_in_metrics_or_the_command_line(self):
        self.assertEqual(set(), self.found(self.metrics))
        self.assertEqual(set(), self.found(self.command_line))

    def test_secrets__are_not_in_refusals(self):
        """Neither in the body nor in a header, whatever was wrong."""
        self.assertGreater(len(self.flows.refusals), 25)
        for answer in self.flows.refusals:
            shown = answer.body + json.dumps([answer.headers, answer.set_cookies]).encode()
            self.assertEqual(set(), self.found(shown), answer)

    def test_secrets__are_in_no_file_but_their_own(self):
        """Databases, their logs, mails, keys, and what is written of them elsewhere: each secret only where it is
        needed, and most of them nowhere."""
        for how, path, data in self.all_files():
            for name in self.found(data):
                with self.subTest(secret=name, how=how, file=path):
                    self.assertTrue(path.startswith(self.flows.secrets[name][1] or ("nowhere",)), path)

    def places(self):
        """{where: bytes} of all that the shop leaves, says and shows."""
        refusals = b"\n".join(answer.body + json.dumps([answer.headers, answer.set_cookies]).encode()
                              for answer in self.flows.refusals)
        return {"the log": self.log, "the metrics": self.metrics, "the command line": self.command_line,
                "the refusals": refusals, **{"%s: %s" % (how, path): data for how, path, data in self.all_files()}}

    def test_secrets__a_cards_code_stands_beside_its_name_nowhere(self):
        codes = [code for codes in self.flows.codes.values() for code in codes]
        self.assertGreater(len(codes), 10 * CODES_A_WAY - 1)
        for where, data in self.places().items():
            for code in codes:
                self.assertEqual([], named_codes(code, data), where)

    def test_secrets__no_table_has_room_for_a_cards_code(self):
        """Neither as a number, which is no text that can be looked for."""
        looked = 0
        for path in self.shop.data.glob("*.db"):
            with contextlib.closing(sqlite3.connect(path)) as database:
                for (table,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
                    for column in database.execute("PRAGMA table_info(%s)" % table).fetchall():
                        self.assertIsNone(re.search(CODE_NAMES, column[1].lower().encode()), (path.name, table))
                        looked += 1
        self.assertGreater(looked, 200)

    def test_secrets__a_cards_code_is_kept_by_no_way_that_it_came(self):
        """Four digits may stand anywhere by chance; what keeps a card's code keeps each that comes that way."""
        for where, data in self.places().items():
            for way, codes in self.flows.codes.items():
                if len(codes) == CODES_A_WAY:
                    self.assertNotEqual(set(codes), standing_codes(codes, data), (way, where))

    def test_secrets__the_search_finds_a_cards_code(self):
        """The harness' own test."""
        for kept in (b'{"cvc":"8173"}', b"card[cvc]=8173&", b"card%5Bcvc%5D=8173", b'"cvv": 8173}', b"CVC 8173",
                     base64.b64encode(b'ab{"cvc":"8173","c":1}'), base64.b64encode(b'a{"cvc":"8173","c":1}'),
                     hashlib.sha256(b"8173").digest(), hashlib.md5(b"8173").hexdigest().encode()):
            with self.subTest(kept):
                self.assertTrue(named_codes("8173", b"x\0" + kept + b"\0y"))
        for other in (b'{"cvc":"81734"}', b"cvc_check pass 2026 8173", b"8173"):
            self.assertFalse(named_codes("8173", other), other)
        self.assertEqual({"8173", "9264"}, standing_codes(["8173", "9264", "5555"], b'\x01"8173"\x009264\x02x5555'))

    def test_secrets__the_signing_key_is_in_identity_alone(self):
        holders = {path.partition("-")[0] for _, path, data in self.all_files() if b"PRIVATE KEY" in data}
        self.assertEqual({IDENTITY_DB}, holders)
        self.assertNotIn(b"PRIVATE KEY", self.log)

    def test_secrets__files_are_their_owners_alone(self):
        for path in (self.shop.data, *self.shop.data.rglob("*")):
            self.assertEqual(0, path.stat().st_mode & 0o077, path)

    def test_secrets__an_unsalted_hash_of_a_password_is_nowhere(self):
        for name, (value, _) in self.flows.secrets.items():
            if "password" not in name:
                continue
            for digest in (hashlib.sha256, hashlib.sha1, hashlib.md5):
                for form in (digest(value.encode()).digest(), digest(value.encode()).hexdigest().encode()):
                    for how, path, data in self.all_files():
                        self.assertNotIn(form, data, (how, path))


if __name__ == "__main__":
    unittest.main()
