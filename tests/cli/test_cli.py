"""The command line, by the real binary: every command on a stopped shop and on a running one, and what each says
when it cannot. Shops live in temporary folders and listen on port 0 of loopback."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("SHOPSTREAM_BINARY", str(ROOT / "build" / "shopstream"))
TIMEOUT_S = 60
POLL_S = 0.02
COLUMNS = "slug,title,brand,category,description,image_url,code,attributes,price,currency,other_prices,on_hand"
GOOD_CSV = COLUMNS + "\ncli-mug,Mug,Acme,kitchen,A mug,,MUG-1,colour=Red,1250,EUR,,7\n"


def environment(**more):
    """Nothing of the caller's configuration, and no colour."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")}
    return {**kept, **more}


def run(*arguments, stdin=None, cwd=None, **more):
    return subprocess.run([BINARY, *arguments], input=stdin, capture_output=True, text=True, timeout=TIMEOUT_S, cwd=cwd,
                          env=environment(**more))


class Shop:
    """A running shop, of all services or some; `lines` is what it said until it was open."""

    def __init__(self, data, *arguments, **more):
        self.process = subprocess.Popen([BINARY, "--data", data, "--port", "0", *arguments], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, env=environment(**more))
        first = self.process.stdout.readline()
        self.url = re.search(r"http://[\d.:\[\]]+", first).group(0)
        self.lines = [first]
        while "--services" not in arguments and not self.lines[-1].startswith("API:"):
            self.lines.append(self.process.stdout.readline())
            if not self.lines[-1]:
                raise AssertionError("the shop ended: %r" % self.lines)
        self.wait_until_ready()

    def wait_until_ready(self):
        """Whichever services run: every process answers for its health."""
        end = time.monotonic() + TIMEOUT_S
        while True:
            try:
                self.get("/health/ready")
                return
            except OSError as error:  # HTTPError is one
                if self.process.poll() is not None or time.monotonic() > end:
                    raise AssertionError("the shop is not ready: %s; it said %r" % (error, self.lines)) from error
            time.sleep(POLL_S)

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=TIMEOUT_S) as response:
            return json.load(response)

    def ask(self, path, body=None, token=None):
        """The status of any answer, and what it says: GET, or POST with a body."""
        headers = {"Content-Type": "application/json", **({"Authorization": "Bearer " + token} if token else {})}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode() if body else None, headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
                return response.status, json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(TIMEOUT_S)
        finally:
            self.process.stdout.close()


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="shopstream-cli-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.data = str(self.folder / "data")

    def shop(self, *arguments, **more):
        shop = Shop(self.data, *arguments, **more)
        self.addCleanup(shop.stop)
        return shop

    def good(self, *arguments, **more):
        result = run(*arguments, **more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def bad(self, status, said, *arguments, **more):
        """Fails with the status, and says it on one line of stderr alone."""
        result = run(*arguments, **more)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        self.assertRegex(result.stderr, said)
        self.assertEqual(result.stdout, "")
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        return result

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)


class Words(Case):
    def test_help_fits_a_screen(self):
        text = self.good("--help")
        self.assertLessEqual(len(text.splitlines()), 24)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def test_version(self):
        self.assertRegex(self.good("--version"), r"^shopstream [0-9]+[.][0-9]+[.][0-9]+\n$")

    def test_every_command_explains_itself(self):
        lines = re.findall(r"^  ([a-z]+)(?: ([a-z]+(?:[|][a-z]+)*))? ", self.good("--help"), re.M)
        self.assertEqual(len(lines), 18)
        names = [(first, word) if word else (first,) for first, words in lines for word in words.split("|")]
        self.assertEqual(len(names), 25)
        for name in names:
            text = self.good(*name, "--help")
            self.assertRegex(text, r"^Usage: shopstream " + " ".join(name))
            self.assertRegex(text, r"\n\n[A-Z].*\.\n")
        for group, words in lines:
            if words:
                text = self.good(group, "--help")
                self.assertEqual(text, self.good("--help", group))
                self.assertRegex(text, r"^Usage: shopstream %s COMMAND" % group)
                self.assertEqual(re.findall(r"(?m)^  %s ([a-z]+)" % group, text), words.split("|"))

    def test_what_is_not_understood_is_exit_2(self):
        for said, arguments in (("no command 'sell'", ["sell"]), ("wants another word", ["workflow"]),
                                ("has no such command", ["workflow", "paint"]),
                                ("no command 'audit'", ["audit", "verify"]), ("no command 'sell'", ["sell", "--help"]),
                                ("has no such command", ["workflow", "paint", "--help"]),
                                ("--colour is not an option", ["--colour"]), ("-x is not an option", ["seed", "-xh"]),
                                ("--json=1 is not an option", ["seed", "--json=1"]),
                                ("wants a value", ["serve", "--data"]), ("--port takes a number", ["--port", "x"]),
                                ("takes no --port", ["export", "--port", "1"]), ("wants more words", ["import"]),
                                ("takes no such word", ["seed", "now"]),
                                ("no service 'sales'", ["--services", "sales"]),
                                ("--seconds takes a number", ["torture", "--seconds", "0"]),
                                ("--minutes takes a number", ["torture", "--minutes", "61"]),
                                ("give one of them", ["torture", "--minutes", "1", "--seconds", "1"]),
                                ("takes no --config", ["torture", "--config", "shop.conf"]),
                                ("OFFSET is a number", ["quarantine", "replay", "a", "b", "c", "d"])):
            with self.subTest(arguments):
                self.bad(2, said, *arguments)

    def test_unknown_setting_names_the_nearest(self):
        self.bad(1, "SHOPSTREAM_PROT.*SHOPSTREAM_PORT", "migrate", "--data", self.data, SHOPSTREAM_PROT="1")
        path = self.write("shop.conf", "SHOPSTREAM_LOG_LEVL = info\n")
        self.bad(1, "shop.conf:1: SHOPSTREAM_LOG_LEVL.*SHOPSTREAM_LOG_LEVEL", "--config", path, "migrate")

    def test_a_switch_is_on_or_off(self):
        for value in ("no", "banana", ""):
            with self.subTest(value=value):
                self.bad(1, "SHOPSTREAM_RATE_LIMITS must be on or off", "migrate", "--data", self.data,
                         SHOPSTREAM_RATE_LIMITS=value)

    def test_mails_must_come_from_an_address(self):
        self.bad(1, "set SHOPSTREAM_MAIL_FROM", "migrate", "--data", self.data, SHOPSTREAM_MAIL_FROM="nobody")

    def test_dangerous_settings_refuse_to_start(self):
        key = {"SHOPSTREAM_STRIPE_SECRET_KEY": "sk_live_k3y"}
        secret = {"SHOPSTREAM_STRIPE_WEBHOOK_SECRET": "whsec_w0rd"}
        real = {"SHOPSTREAM_STRIPE_URL": "https://stripe.example"}
        for said, settings in (
                ("STRIPE_URL must begin with https", {"SHOPSTREAM_STRIPE_URL": "ftp://a.example", **key, **secret}),
                ("STRIPE_URL must begin with https", {"SHOPSTREAM_STRIPE_URL": "http://a.example", **key, **secret}),
                ("STRIPE_URL must begin with https", {"SHOPSTREAM_STRIPE_URL": "stripe.example", **key, **secret}),
                ("STRIPE_SECRET_KEY must be set", real), ("STRIPE_SECRET_KEY must be set", {**real, **secret}),
                ("STRIPE_WEBHOOK_SECRET must be set", {**real, **key}),
                ("STRIPE_PUBLISHABLE_KEY must begin with pk_", {"SHOPSTREAM_STRIPE_PUBLISHABLE_KEY": "sk_live_k3y"}),
                ("SQL_URL names another machine.*sslmode=verify-full&sslrootcert=FILE",
                 {"SHOPSTREAM_SQL_URL": "postgres://shop:x7kQ2w0rd@db.example/shop?sslmode=require"}),
                ("SQL_URL must name a host", {"SHOPSTREAM_SQL_URL": "postgres:///shop?user=shop&password=x7kQ2w0rd"}),
                ("LOCALE must be one of da-DK, .*, sv-SE$", {"SHOPSTREAM_LOCALE": "pl-PL"}),
                ("LOCALE must be one of", {"SHOPSTREAM_LOCALE": "de-AT"}),
                ("LOCALE must be one of", {"SHOPSTREAM_LOCALE": "en_GB"}),
                ("COUNTRY must be the code of a country", {"SHOPSTREAM_COUNTRY": "UK"}),
                ("ADMIN_EMAIL must be an e-mail address", {"SHOPSTREAM_ADMIN_EMAIL": "f00-n0-address"}),
                ("ADMIN_PASSWORD must have 8 to 128", {"SHOPSTREAM_ADMIN_PASSWORD": "x7$kQ2!"}),
                ("ADMIN_PASSWORD must have 8 to 128", {"SHOPSTREAM_ADMIN_PASSWORD": "é7$kQ2!"}),
                ("ADMIN_PASSWORD must have 8 to 128", {"SHOPSTREAM_ADMIN_PASSWORD": "x7$kQ2! " * 17}),
                ("ADMIN_PASSWORD is guessed first.*set another", {"SHOPSTREAM_ADMIN_PASSWORD": "Password1"}),
                ("ADMIN_PASSWORD is guessed first.*set another", {"SHOPSTREAM_ADMIN_PASSWORD": "Shopstream2026!"})):
            for command in (["serve", "--port", "0", "--no-seed"], ["migrate"]):
                with self.subTest(settings, command=command):
                    result = self.bad(1, "SHOPSTREAM_" + said, *command, "--data", self.data, **settings)
                    for name, value in settings.items():
                        self.assertTrue(name.endswith("_URL") or value not in result.stderr)
                    self.assertFalse(os.path.exists(self.data), "something was made before")
        self.assertIn("STRIPE_SECRET_KEY must be set", run("doctor", "--data", self.data, **real).stdout)

    def test_addresses_are_addresses(self):
        public = "SHOPSTREAM_PUBLIC_URL must be http:// or https:// and a host"
        cases = [({"SHOPSTREAM_PUBLIC_URL": url}, public) for url in (
            "ftp://shop.example", "shop.example", "https://", "https:///", "http://a b", "https://shop.example/shop",
            "https://shop.example//", "https://shop.example?a=b", "https://shop.example#a", "https://me@shop.example",
            "https://shop.example:", "https://shop.example:0", "https://shop.example:65536", "https://shop.example:+1",
            "https://shop_.example", "https://bücher.example", "https://[::1", "https://[]", "https://[::1]x",
            "https://[127.0.0.1]", "https://::1", "https:shop.example", "//shop.example")]
        cases += [({"SHOPSTREAM_ADDRESS": address}, "SHOPSTREAM_ADDRESS must be an IP address.*not '") for address in (
            "localhost", "shop.example", "[::1]", "127.0.0.1:3000", "*", "127.0.0.256")]
        for settings, said in cases:
            with self.subTest(**settings):
                self.bad(1, said, "serve", "--port", "0", "--no-seed", "--data", self.data, **settings)
                self.assertFalse(os.path.exists(self.data), "something was made before")
        for url in ("https://shop.example", "HTTP://Shop.example:8443/", "http://localhost", "http://192.0.2.1:1",
                    "https://[2001:db8::1]", "https://[2001:db8::1]:8443/", ""):
            with self.subTest(url=url):
                self.good("migrate", "--data", self.data, SHOPSTREAM_PUBLIC_URL=url)

    def test_beyond_loopback_somebody_charges(self):
        """Where the emulator may not run, a shop that takes orders has a provider of its own; one without orders needs
        none."""
        beyond = {"SHOPSTREAM_ADDRESS": "0.0.0.0"}
        real = {"SHOPSTREAM_STRIPE_URL": "https://stripe.example", "SHOPSTREAM_STRIPE_SECRET_KEY": "sk_live_k3y",
                "SHOPSTREAM_STRIPE_WEBHOOK_SECRET": "whsec_w0rd"}
        start = ["--data", self.data, "--no-seed", "--services"]
        for services in ("identity,catalog,orders,payments,admin,shell", "orders", "payments"):
            with self.subTest(services):
                self.bad(1, "SHOPSTREAM_STRIPE_URL must be set", *start, services, "--port", "0", **beyond)
                self.assertFalse(os.path.exists(self.data), "something was made before")
        with socket.create_server(("0.0.0.0", 0)) as taken:  # so that those that may start do not
            port = str(taken.getsockname()[1])
            for services, settings in (("identity,catalog,orders,payments", {**beyond, **real}),
                                       ("identity,catalog,shell", beyond),
                                       ("orders,payments", {"SHOPSTREAM_ADDRESS": "127.0.0.1"})):
                with self.subTest(services, **settings):
                    result = run(*start, services, "--port", port, SHOPSTREAM_LOG_LEVEL="none", **settings)
                    self.assertIn("cannot listen", result.stderr)

    def test_a_provider_of_ones_own_is_taken_with_its_secrets(self):
        self.good("migrate", "--data", self.data, SHOPSTREAM_STRIPE_URL="https://stripe.example",
                  SHOPSTREAM_STRIPE_SECRET_KEY="sk_live_k3y", SHOPSTREAM_STRIPE_WEBHOOK_SECRET="whsec_w0rd",
                  SHOPSTREAM_ADMIN_PASSWORD="pässwörd of mine")

    def test_a_port_without_such_an_adapter_refuses_to_start(self):
        embedded = {"SQL": "sqlite", "EVENTS": "sql", "KV": "sql", "CACHE": "memory", "STREAM": "sql", "QUEUE": "sql",
                    "MAIL": "spool", "WORKFLOW": "sql", "IDP": "argon2id"}
        listed = re.findall(r"^SHOPSTREAM_([A-Z]+)_URL \(URL, default (\w+):\)$", self.good("--help-config"), re.M)
        self.assertEqual(dict(listed), embedded)
        for port, scheme in embedded.items():
            with self.subTest(port):
                setting = {"SHOPSTREAM_%s_URL" % port: "nosuch://user:secret@host"}
                result = self.bad(1, "SHOPSTREAM_%s_URL has no adapter .*\"nosuch\"; known: %s:" % (port, scheme),
                                  "--data", self.data, "--port", "0", "--no-seed", **setting)
                self.assertNotIn("secret", result.stderr)

    def test_openapi_describes_the_shop_without_one(self):
        document = json.loads(self.good("openapi"))
        self.assertEqual(document["openapi"][:3], "3.1")
        self.assertIn("/api/catalog/v1/products", document["paths"])

    def test_reading_commands_want_a_shop(self):
        for arguments in (["export"], ["dump", "x"], ["backup", "x"], ["tenant", "list"], ["keys", "list"],
                          ["keys", "rotate"], ["workflow", "list"],
                          ["workflow", "show", "x"], ["workflow", "resume", "x"], ["quarantine", "list"]):
            with self.subTest(arguments):
                self.bad(1, "there is no shop in the folder", *arguments, "--data", self.data)
        self.assertFalse(os.path.exists(self.data))


class Stopped(Case):
    def test_migrate_makes_a_shop_whose_administrator_is_told_once(self):
        first = run("migrate", "--data", self.data)
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertRegex(first.stderr, r"administrator .* password \S+ \(shown this once\)")
        second = run("--data", self.data, "migrate")
        self.assertEqual((second.returncode, second.stderr), (0, ""))
        self.assertEqual(os.stat(self.data + "/identity.db").st_mode & 0o077, 0)

    def test_seed_import_export(self):
        self.assertIn("is in the shop", self.good("seed", "--data", self.data))
        self.assertIn("has products already", self.good("seed", "--data", self.data))
        self.assertEqual(json.loads(self.good("seed", "--data", self.data, "--json")), {"seeded": False})
        lines = self.good("export", "--data", self.data).splitlines()
        self.assertEqual(lines[0], COLUMNS)
        self.assertGreater(len(lines), 5000)
        path = self.write("good.csv", GOOD_CSV)
        self.assertEqual(self.good("import", path, "--data", self.data), "Imported 1 products with 1 SKUs.\n")
        target = str(self.folder / "out.csv")
        self.good("--data", self.data, "export", target)
        exported = pathlib.Path(target).read_text()
        self.assertIn("MUG-1", exported)
        self.good("import", "-", "--data", self.data, stdin=exported)
        self.assertEqual(self.good("export", "--data", self.data), exported)

    def test_an_export_that_did_not_reach_its_end_is_none(self):
        self.good("seed", "--data", self.data)
        with open("/dev/full", "w") as full:
            result = subprocess.run([BINARY, "export", "--data", self.data], stdout=full, stderr=subprocess.PIPE,
                                    text=True, timeout=TIMEOUT_S, env=environment())
        self.assertEqual((result.returncode, result.stderr), (1, "shopstream: the output could not be written\n"))

    def test_an_export_goes_through_links_and_pipes(self):
        self.good("import", self.write("good.csv", GOOD_CSV), "--data", self.data)
        exported = self.good("export", "--data", self.data)
        link, target, pipe = (self.folder / name for name in ("link", "target.csv", "pipe"))
        target.write_text("of before")
        link.symlink_to(target)
        self.good("export", str(link), "--data", self.data)
        self.assertTrue(link.is_symlink())
        self.assertEqual(target.read_text(), exported)
        os.mkfifo(pipe)
        with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
            self.addCleanup(reader.kill)
            self.good("export", str(pipe), "--data", self.data)
            self.assertEqual(reader.communicate(timeout=TIMEOUT_S)[0], exported)

    def test_import_with_errors_changes_nothing_and_says_every_line(self):
        path = self.write("bad.csv", GOOD_CSV + "x,X,A,kitchen,,,X-1,,abc,EUR,,1\ny,Y,A,kitchen,,,Y-1,,100,EURO,,1\n")
        result = run("import", path, "--data", self.data)
        self.assertEqual(result.returncode, 1)
        self.assertIn(path + ":3: ", result.stderr)
        self.assertIn(path + ":4: ", result.stderr)
        self.assertIn("nothing was imported: 2 errors", result.stderr)
        self.assertEqual(self.good("export", "--data", self.data).strip(), COLUMNS)
        self.bad(1, "cannot be read", "import", str(self.folder / "none.csv"), "--data", self.data)

    def test_users_and_tenants(self):
        self.good("migrate", "--data", self.data, SHOPSTREAM_ADMIN_EMAIL="boss@example.com",
                  SHOPSTREAM_ADMIN_PASSWORD="correct horse battery")
        said = self.good("user", "grant", "boss@example.com", "support", "--data", self.data)
        self.assertIn("has the role support", said)
        self.bad(1, "signed up", "user", "grant", "nobody@example.com", "admin", "--data", self.data)
        self.bad(1, ".", "user", "grant", "boss@example.com", "king", "--data", self.data)
        self.good("tenant", "add", "acme", "acme.example", "--data", self.data)
        self.assertRegex(self.good("tenant", "list", "--data", self.data), r"(?m)^acme +acme\.example$")
        tenants = json.loads(self.good("tenant", "list", "--json", "--data", self.data))["tenants"]
        self.assertEqual({tenant["id"] for tenant in tenants}, {"acme", "default"})
        self.bad(1, "no tenant acne", "seed", "--tenant", "acne", "--data", self.data)
        self.good("import", self.write("good.csv", GOOD_CSV), "--tenant", "acme", "--data", self.data)
        self.assertIn("MUG-1", self.good("export", "--tenant", "acme", "--data", self.data))
        self.assertNotIn("MUG-1", self.good("export", "--data", self.data))

    def test_a_tenant_keeps_its_host_until_another_is_given(self):
        self.good("migrate", "--data", self.data)
        self.assertIn("the host acme.example.", self.good("tenant", "add", "acme", "Acme.example", "--data", self.data))
        for words, host in ((["acme"], "acme.example"), (["acme", "new.example"], "new.example"),
                            (["acme"], "new.example"), (["other", "acme.example"], "new.example")):
            self.good("tenant", "add", *words, "--data", self.data)
            self.assertRegex(self.good("tenant", "list", "--data", self.data), r"(?m)^acme +%s$" % host)
        self.bad(1, "Another tenant has this host name", "tenant", "add", "acme", "acme.example", "--data", self.data)
        self.bad(1, "Another tenant has this host name", "tenant", "add", "third", "new.example", "--data", self.data)
        self.assertNotIn("host", self.good("tenant", "add", "acme", "", "--data", self.data))
        self.assertRegex(self.good("tenant", "list", "--data", self.data), r"(?m)^acme *$")

    def test_a_tenants_host_is_a_host_name(self):
        """Anything else would never be what a request is asked by, and would hide why the tenant is not found."""
        self.good("migrate", "--data", self.data)
        for host in ("acme.example:8080", "https://acme.example", "acme.example/shop", "acme example", "bücher.example",
                     "acme.example.", "*.acme.example", "127.0.0.1", "[::1]", "a" * 64 + ".example"):
            with self.subTest(host=host):
                self.bad(1, "must be a host name without port.*xn--", "tenant", "add", "acme", host,
                         "--data", self.data)
        self.assertNotIn("acme", self.good("tenant", "list", "--data", self.data))
        said = self.good("tenant", "add", "acme", "XN--Bcher-KVA.example", "--data", self.data)
        self.assertIn("the host xn--bcher-kva.example.", said)

    def keys(self):
        """The states of the shop's keys by their kids, and nothing of a private one."""
        text = self.good("keys", "list", "--json", "--data", self.data)
        table = self.good("keys", "list", "--data", self.data)
        keys = json.loads(text)["keys"]
        self.assertRegex(table, r"^KEY +CREATED +STATE +UNTIL\n")
        self.assertEqual(table.count("\n"), 1 + len(keys))
        for key in keys:
            self.assertEqual(set(key) - {"until"}, {"kid", "state", "created_at"})
            self.assertRegex(table, r"(?m)^%s +%s +%s *%s$" %
                             (key["kid"], key["created_at"], key["state"], key.get("until", "")))
            self.assertRegex(key["created_at"], r"^\d{4}-\d\d-\d\dT")
            self.assertEqual("until" in key, key["state"] != "signing")
        self.assertNotIn("PRIVATE", text + table)
        return {key["kid"]: key["state"] for key in keys}

    def test_keys_are_rotated(self):
        self.good("migrate", "--data", self.data)
        first, = self.keys()
        second = re.match(r"The key (\S+) signs from now on", self.good("keys", "rotate", "--data", self.data)).group(1)
        self.assertEqual(self.keys(), {first: "verifying", second: "signing"})
        shop = self.shop("--no-seed")
        third = json.loads(self.good("keys", "rotate", "--json", "--data", self.data))["kid"]
        self.assertEqual(self.keys(), {first: "verifying", second: "verifying", third: "signing"})
        published = [key["kid"] for key in shop.get("/api/identity/.well-known/jwks.json")["keys"]]
        self.assertEqual(published[0], third)
        self.assertEqual(set(published), {first, second, third})
        for _ in range(5):
            self.good("keys", "rotate", "--data", self.data)
        self.bad(1, "wait until the old ones are retired", "keys", "rotate", "--data", self.data)

    def test_workflows_and_quarantine_that_are_not_there(self):
        self.good("migrate", "--data", self.data)
        self.assertIn("no such workflows", self.good("workflow", "list", "--data", self.data))
        self.assertEqual(json.loads(self.good("workflow", "list", "--json", "--data", self.data)), {"workflows": []})
        self.bad(1, "status|running", "workflow", "list", "--status", "asleep", "--data", self.data)
        self.bad(1, "no workflow of that id", "workflow", "show", "x", "--data", self.data)
        self.bad(1, "No workflow of that id is stuck", "workflow", "resume", "x", "--data", self.data)
        self.assertIn("No event is in quarantine", self.good("quarantine", "list", "--data", self.data))
        self.assertIn("No message is dead", self.good("quarantine", "list", "--data", self.data))
        self.bad(1, ".", "quarantine", "replay", "orders", "payments", "payments", "1", "--data", self.data)
        self.bad(1, "no such dead message", "quarantine", "replay", "orders", "mail", "--data", self.data)


class Copies(Case):
    def setUp(self):
        super().setUp()
        self.good("import", self.write("good.csv", GOOD_CSV), "--data", self.data)
        self.other = str(self.folder / "other")

    def test_backup_and_restore(self):
        copy = str(self.folder / "copy")
        self.good("backup", copy, "--data", self.data)
        manifest = json.loads((self.folder / "copy" / "manifest.json").read_text())
        self.assertIn("catalog.db", [file["name"] for file in manifest["files"]])
        self.bad(1, "must not exist yet", "backup", copy, "--data", self.data)
        self.good("restore", copy, "--data", self.other)
        self.assertEqual(self.good("export", "--data", self.other), self.good("export", "--data", self.data))
        self.bad(1, "is not empty", "restore", copy, "--data", self.other)

    def test_a_broken_backup_is_refused(self):
        copy = self.folder / "copy"
        self.good("backup", str(copy), "--data", self.data)
        whole = (copy / "orders.db").read_bytes()
        (copy / "orders.db").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        self.bad(1, "orders.db is not what the manifest says", "restore", str(copy), "--data", self.other)
        (copy / "orders.db").unlink()
        self.bad(1, "orders.db is missing", "restore", str(copy), "--data", self.other)
        (copy / "manifest.json").unlink()
        self.bad(1, "manifest.json is missing", "restore", str(copy), "--data", self.other)
        self.assertFalse(os.path.exists(self.other))

    def test_dump_and_load(self):
        path = str(self.folder / "shop.jsonl")
        self.good("dump", path, "--data", self.data)
        self.bad(1, "exists", "dump", path, "--data", self.data)
        lines = pathlib.Path(path).read_text().splitlines()
        head, end = json.loads(lines[0]), json.loads(lines[-1])
        self.assertEqual(head["shopstream_dump"], 1)
        self.assertEqual(end["rows"], len(lines) - 2)
        self.good("load", path, "--data", self.other)
        self.bad(1, "is not empty", "load", path, "--data", self.other)
        self.assertEqual(self.good("export", "--data", self.other), self.good("export", "--data", self.data))
        again = str(self.folder / "again.jsonl")
        self.good("dump", again, "--data", self.other)
        different = set(lines[1:]) ^ set(pathlib.Path(again).read_text().splitlines()[1:])
        # The emulator's own secret is of its folder, not of the shop.
        self.assertTrue(all('"webhook_endpoints"' in line for line in different), different)

    def test_a_broken_dump_leaves_nothing(self):
        path = self.folder / "shop.jsonl"
        self.good("dump", str(path), "--data", self.data)
        lines = path.read_text().splitlines(keepends=True)
        sku = next(i for i, line in enumerate(lines) if '"table":"sku"' in line)
        for said, broken in (("another row of the table|ends before|closing line", lines[:sku] + lines[sku + 1:]),
                             ("ends before its closing line|closing line", lines[:-1]),
                             ("not a line of a dump", lines[:sku] + ["{\n"] + lines[sku + 1:]),
                             ("not a dump", lines[1:])):
            with self.subTest(said):
                path.write_text("".join(broken))
                self.bad(1, said, "load", str(path), "--data", self.other)
                self.assertLessEqual(set(os.listdir(self.other)) if os.path.exists(self.other) else set(), {"lock"})


class Doctor(Case):
    def test_of_a_sound_shop(self):
        self.good("migrate", "--data", self.data)
        text = self.good("doctor", "--data", self.data, SHOPSTREAM_PORT="0")
        self.assertNotIn("problem", text)
        for subject in ("config", "folder", "disk", "lock", "port", "clock", "libraries", "database"):
            self.assertRegex(text, "(?m)^%s +ok" % subject)

    def test_names_what_is_wrong(self):
        self.good("migrate", "--data", self.data)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            result = run("doctor", "--data", self.data, SHOPSTREAM_PORT=str(taken.getsockname()[1]))
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stdout, r"(?m)^port +problem .*in use")
        result = run("doctor", "--data", self.data, SHOPSTREAM_PROT="1")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stdout, r"(?m)^config +problem .*SHOPSTREAM_PORT")

    def test_of_a_damaged_database(self):
        self.good("migrate", "--data", self.data)
        path = pathlib.Path(self.data, "orders.db")
        damaged = bytearray(path.read_bytes())
        damaged[4096 * 3:4096 * 6] = b"\x55" * (4096 * 3)
        path.write_bytes(damaged)
        result = run("doctor", "--data", self.data, SHOPSTREAM_PORT="0")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stdout, r"(?m)^databases? +problem")


class Torture(Case):
    """A short one: two articles and four kills. That it finds what there is to find, is in tests/torture."""

    def check(self, *arguments):
        report = self.folder / "report.md"
        said = self.good("torture", "--seconds", "1", "--report", str(report), *arguments, TMPDIR=str(self.folder))
        self.assertRegex(said, r"Sold +\d+ articles of 60 units to \d+ who wanted one; \d+ times kill -9")
        self.assertRegex(said, r"(?m)^Passed: \d+ orders, \d+ kills, at least \d+ commits")
        self.assertNotIn("FAIL", said)
        self.assertEqual(12, said.count("\n  ok  "), said)
        page = report.read_text()
        self.assertIn("# Shopstream under torture: passed", page)
        kills = int(re.search(r"kill -9 while they bought \| (\d+) ", page).group(1))
        self.assertGreaterEqual(kills, 4)
        articles, sold = re.search(r"(\d+) articles of 60 units: (\d+) sold, 0 too many, 0 too few", page).groups()
        self.assertEqual(60 * int(articles), int(sold))
        self.assertEqual([], list(self.folder.glob("shopstream-torture-*")))

    def test_of_a_new_shop(self):
        self.check()

    def test_of_a_copy_leaves_the_running_shop_alone(self):
        shop = self.shop()
        before = shop.get("/api/catalog/v1/products?limit=100")
        self.check("--data", self.data)
        self.assertEqual(before, shop.get("/api/catalog/v1/products?limit=100"))
        self.assertNotIn("torture", [one["slug"] for one in shop.get("/api/catalog/v1/categories")["categories"]])

    def test_of_a_folder_that_holds_no_shop(self):
        result = run("torture", "--data", self.data, TMPDIR=str(self.folder))
        self.assertEqual(1, result.returncode, result.stdout)
        self.assertIn("cannot be copied", result.stderr)


class Users(Case):
    """Who may sign in, said by the command line."""
    API = "/api/identity/v1"
    EMAIL, PASSWORD = "ann@example.com", "correct horse battery"
    SETTINGS = {"SHOPSTREAM_ADMIN_EMAIL": "boss@example.com", "SHOPSTREAM_ADMIN_PASSWORD": PASSWORD}

    def mailed_code(self):
        end = time.monotonic() + TIMEOUT_S
        while time.monotonic() < end:
            for mail in pathlib.Path(self.data, "mail").rglob("*.eml"):
                if code := re.search(r"(?m)^Code: (\d{6})", mail.read_text()):
                    return code.group(1)
            time.sleep(POLL_S)
        self.fail("no mail with a code came")

    def sign_up(self, shop):
        account = {"email": self.EMAIL, "password": self.PASSWORD, "name": "Ann"}
        self.assertEqual(201, shop.ask(self.API + "/signup", account)[0])
        self.assertEqual(204, shop.ask(self.API + "/verify", {"email": self.EMAIL, "code": self.mailed_code()})[0])

    def sign_in(self, shop, status=200):
        got, said = shop.ask(self.API + "/login", {"email": self.EMAIL, "password": self.PASSWORD})
        self.assertEqual(status, got, said)
        return said

    def assertToken(self, shop, token, status):
        self.assertEqual(status, shop.ask(self.API + "/me", token=token)[0])

    def user(self, *words):
        return self.good("user", *words, "--data", self.data)

    def test_a_user_is_disabled_and_enabled(self):
        """On a running shop and on a stopped one; a token of before is refused after the next start too."""
        shop = self.shop("--no-seed", **self.SETTINGS)
        self.sign_up(shop)
        token = self.sign_in(shop)["access_token"]
        self.assertToken(shop, token, 200)
        self.assertIn("is disabled", self.user("disable", self.EMAIL))
        self.assertToken(shop, token, 401)
        self.assertEqual("account_disabled", self.sign_in(shop, 403)["code"])
        self.assertIn("is enabled", self.user("enable", self.EMAIL))
        token = self.sign_in(shop)["access_token"]
        self.assertEqual(0, shop.stop())
        shown = json.loads(self.user("disable", self.EMAIL, "--json"))
        self.assertEqual((self.EMAIL, "disabled"), (shown["email"], shown["status"]))
        shop = self.shop("--no-seed", **self.SETTINGS)
        self.assertToken(shop, token, 401)
        self.sign_in(shop, 403)

    def test_who_cannot_be_disabled(self):
        self.bad(1, "holds no shop|no shop", "user", "disable", self.EMAIL, "--data", self.data)
        self.good("migrate", "--data", self.data, **self.SETTINGS)
        self.bad(1, "only administrator", "user", "disable", "boss@example.com", "--data", self.data)
        self.bad(1, "signed up", "user", "disable", self.EMAIL, "--data", self.data)
        self.good("tenant", "add", "acme", "--data", self.data)
        self.bad(1, "signed up", "user", "enable", "boss@example.com", "--tenant", "acme", "--data", self.data)


class Running(Case):
    def test_commands_speak_to_the_running_shop(self):
        shop = self.shop("--no-seed", SHOPSTREAM_ADMIN_EMAIL="boss@example.com",
                         SHOPSTREAM_ADMIN_PASSWORD="correct horse battery")
        self.assertNotIn("Administrator", "".join(shop.lines))
        self.assertEqual(shop.get("/api/catalog/v1/products").get("products", []), [])
        self.good("import", self.write("good.csv", GOOD_CSV), "--data", self.data)
        self.assertEqual(shop.get("/api/catalog/v1/products")["products"][0]["slug"], "cli-mug")
        self.assertIn("has the role", self.good("user", "grant", "boss@example.com", "support", "--data", self.data))
        self.assertIn("is running", self.good("migrate", "--data", self.data))
        self.assertRegex(self.good("doctor", "--data", self.data), r"(?m)^lock +ok +held by the running shop")
        self.good("tenant", "add", "acme", "--data", self.data)
        self.good("backup", "copy", "--data", self.data, cwd=self.folder)
        self.good("dump", "shop.jsonl", "--data", self.data, cwd=self.folder)
        self.bad(1, "is not empty", "load", str(self.folder / "shop.jsonl"), "--data", self.data)
        self.bad(1, "in use by another process", "serve", "--port", "0", "--data", self.data)
        self.assertEqual(shop.stop(), 0)
        before = self.good("export", "--data", self.data)
        for index, arguments in enumerate((["restore", "copy"], ["load", "shop.jsonl"])):
            other = str(self.folder / ("other%d" % index))
            self.good(*arguments, "--data", other, cwd=self.folder)
            self.assertEqual(self.good("export", "--data", other), before)

    def test_first_start_says_what_is_where_and_the_second_less(self):
        first = self.shop()
        self.assertRegex(first.lines[0], r"^Shopstream is open on http://127\.0\.0\.1:\d+ \(data in .*\)$")
        text = "".join(first.lines)
        self.assertRegex(text, r"(?m)^Administrator: \S+@\S+, password: \S+")
        self.assertRegex(text, r"(?m)^Mail: http://.*/dev/mail$")
        self.assertRegex(text, r"(?m)^API: http://.*/api/docs$")
        self.assertEqual(len(first.get("/api/catalog/v1/products")["products"]), 20)
        self.assertEqual(first.stop(signal.SIGINT), 0)
        second = self.shop()
        self.assertNotIn("Administrator", "".join(second.lines))
        self.assertNotIn("demo catalog", "".join(second.lines))
        self.assertEqual(second.stop(), 0)

    def test_an_ipv6_address_is_shown_as_a_url_has_it(self):
        shop = self.shop("--no-seed", SHOPSTREAM_ADDRESS="::1")
        self.assertRegex(shop.lines[0], r"open on http://\[::1\]:\d+ ")
        self.assertRegex("".join(shop.lines), r"(?m)^API: http://\[::1\]:\d+/api/docs$")
        self.assertEqual("live", shop.get("/health/live")["status"])
        self.assertEqual(shop.stop(), 0)

    def test_any_grouping_answers_for_its_health(self):
        """One service alone or several: live, ready and counted; what does not run here is not there."""
        for services, there, elsewhere in (("catalog", "/api/catalog/v1/products", "/api/docs"),
                                           ("identity,shell", "/api/openapi.json", "/api/catalog/v1/products")):
            with self.subTest(services=services):
                shop = self.shop("--no-seed", "--services", services)
                self.assertEqual("live", shop.get("/health/live")["status"])
                self.assertEqual("ready", shop.get("/health/ready")["status"])
                with urllib.request.urlopen(shop.url + "/metrics", timeout=TIMEOUT_S) as response:
                    self.assertIn(b"shopstream_", response.read())
                shop.get(there)
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    shop.get(elsewhere)
                self.assertEqual(404, refused.exception.code)
                refused.exception.close()
                self.assertEqual(shop.stop(), 0)

    def test_the_second_signal_ends_at_once_what_drains(self):
        shop = self.shop("--no-seed", SHOPSTREAM_DRAIN_MS="60000")
        host, port = shop.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as connection:
            connection.sendall(b"POST /api/identity/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n"
                               b"Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n")
            self.assertIn(b"100", connection.recv(100))  # the request is in flight from here on
            shop.process.send_signal(signal.SIGTERM)
            while not self.is_refused(host, int(port)):
                self.assertIsNone(shop.process.poll())
            self.assertEqual(shop.stop(), -signal.SIGTERM)

    @staticmethod
    def is_refused(host, port):
        try:
            socket.create_connection((host, port), timeout=TIMEOUT_S).close()
        except OSError:
            return True
        return False

    def test_a_copy_under_load_is_of_one_moment(self):
        """Products are imported while the shop is copied: whatever the copy's catalog holds, its log tells of."""
        shop = self.shop("--no-seed")
        importers = [subprocess.Popen([BINARY, "import", self.write("p%d.csv" % i, GOOD_CSV.replace("MUG-1", "M-%d" % i)
                                                                    .replace("cli-mug", "mug-%d" % i)),
                                       "--data", self.data], stdout=subprocess.DEVNULL, env=environment())
                     for i in range(8)]
        self.good("backup", str(self.folder / "copy"), "--data", self.data)
        for importer in importers:
            self.assertEqual(importer.wait(TIMEOUT_S), 0)
        self.assertEqual(shop.stop(), 0)
        other = str(self.folder / "other")
        self.good("restore", str(self.folder / "copy"), "--data", other)
        path = self.folder / "other.jsonl"
        self.good("dump", str(path), "--data", other)
        rows = [json.loads(line) for line in path.read_text().splitlines()[1:-1]]
        last = {row["service"]: row["row"]["seq"] for row in rows if row["table"] == "outbox"}
        for row in rows:
            if row["table"] == "consumer_offset":
                self.assertLessEqual(row["row"]["position"], last.get(row["row"]["source"], 0), row)
        created = {row["row"]["key"] for row in rows
                   if row["table"] == "outbox" and row["row"]["type"] == "product.created"}
        self.assertEqual(created, {row["row"]["id"] for row in rows if row["table"] == "product"})

    def test_a_service_alone_has_its_port_of_the_registry(self):
        """Whoever holds the ports meanwhile: what the shop says of one that is taken tells which it wanted."""
        registry = {"shell": 3000, "identity": 3001, "catalog": 3002, "orders": 3003, "payments": 3004}
        cases = [(name, port, (), {}) for name, port in registry.items()] + [
            ("catalog,identity", 3000, (), {}), ("catalog,health", 3002, (), {}),
            ("catalog", 3000, (), {"SHOPSTREAM_PORT": "3000"}), ("catalog", 3001, ("--port", "3001"), {})]
        with contextlib.ExitStack() as taken:
            for port in registry.values():
                with contextlib.suppress(OSError):
                    taken.enter_context(socket.create_server(("127.0.0.1", port)))
            for services, port, arguments, settings in cases:
                with self.subTest(services=services, arguments=arguments, **settings):
                    result = run("--no-seed", "--data", self.data, "--services", services, *arguments,
                                 SHOPSTREAM_LOG_LEVEL="none", **settings)
                    self.assertEqual(result.returncode, 1, result)
                    self.assertIn("cannot listen on 127.0.0.1:%d:" % port, result.stderr)
        text = self.good("serve", "--help")
        for name, port in registry.items():
            self.assertRegex(text, r"(?m)^  %s +%d  \S" % (name, port))

    def test_a_taken_port_is_said(self):
        """With the administrator's password, when the shop was made all the same: it is told once."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            arguments = ("--no-seed", "--data", self.data, "--port", str(taken.getsockname()[1]))
            result = run(*arguments, SHOPSTREAM_LOG_LEVEL="none")
            self.assertEqual(result.returncode, 1, result)
            self.assertRegex(result.stderr, "cannot listen .*choose another port with --port")
            self.assertRegex(result.stdout, r"^Administrator: \S+@\S+, password: \S+")
            self.bad(1, "cannot listen", *arguments, SHOPSTREAM_LOG_LEVEL="none")


if __name__ == "__main__":
    unittest.main()
