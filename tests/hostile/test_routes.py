"""Who may do what, for every row of every service table: a new row is covered without a new test."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import api  # noqa: E402
from browser import CSRF, GUEST, REFRESH, SESSION  # noqa: E402
from case import ShopCase  # noqa: E402
from shop import new_key  # noqa: E402

TENANT = "acme"

# What nobody needs to sign in for: a row that is added to a table as open is added here by who has thought about it.
OPEN = """POST /api/identity/v1/signup, POST /api/identity/v1/verify, POST /api/identity/v1/login,
    POST /api/identity/v1/refresh, POST /api/identity/v1/logout, POST /api/identity/v1/password/forgot,
    POST /api/identity/v1/password/reset, GET /api/identity/.well-known/jwks.json, GET /api/catalog/v1/products,
    GET /api/catalog/v1/products/{id}, GET /api/catalog/v1/facets, GET /api/catalog/v1/categories,
    GET /api/catalog/v1/skus/{id}/stock, GET /api/orders/v1/shipping-countries,
    GET /api/orders/v1/shipping-methods, POST /api/payments/v1/webhooks/stripe, GET /api/realtime/v1/events,
    GET /dev/mail, GET /dev/mail/{id},
    POST /session, POST /session/refresh, DELETE /session,
    GET /, GET /c/{category}, GET /search, GET /products/{slug}, GET /cart, GET /checkout, GET /orders,
    GET /orders/{id}, GET /login, GET /signup, GET /verify, GET /forgot, GET /account, GET /api/shell/v1/pages,
    GET /visitor, GET /assets/{app}/{file}, GET /pictures/{file}, GET /favicon.ico, GET /robots.txt, GET /sitemap.xml,
    GET /sitemap/{file}, GET /api/openapi.json, GET /api/docs, GET /api/docs/{file}, GET /health/live,
    GET /health/ready, GET /metrics"""

# Of these the ones that show somebody's own to them alone, by the addresses that name it.
JUDGES = {"GET /orders/{id}": ["/orders/{id}"], "GET /api/shell/v1/pages": ["/api/shell/v1/pages?path=/orders/{id}"],
          "GET /api/realtime/v1/events": ["/api/realtime/v1/events?channels=order:{id}",
                                          "/api/realtime/v1/events?channels=user:{id}"]}

# What the provider's emulator shows without its secret key: pages for a buyer's browser, whose forms hold a secret of
# their own.
PROVIDER_PAGES = {"/card-field", "/card_field.js", "/pages.css", "/challenge/{id}"}

WRONG_AUTHORIZATIONS = ("", "Bearer", "Bearer ", "Bearer x", "bearer a.b.c", "Basic YWRtaW46YWRtaW4=", "Bearer null",
                        "Bearer ..", "Bearer a.b.c, Bearer d.e.f", "Digest x", "Bearer " + "a" * 8000)


class RouteCase(ShopCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shop.rpc("identity", "add_tenant", {"id": TENANT, "host": "acme.example"})
        shop = cls.shop
        cls.people = {"anonymous": None, "customer": shop.customer(), "support": shop.staff("support"),
                      "merchandiser": shop.staff("merchandiser"), "admin": shop.staff("admin")}
        cls.product = shop.product((5, 5))
        cls.order = shop.buy([(cls.product["skus"][0]["id"], 1)])

    def ask(self, row, identifier, body=None, headers=None, **options):
        return self.shop.ask(row.method, row.at(identifier), body,
                             headers={**api.sample_headers(row), **(headers or {})}, **options)

    def real_ids(self):
        """Of things that exist: what a route that forgot to ask could change."""
        return [self.product["id"], self.product["skus"][0]["id"], self.order["id"], self.order["payment"]["id"]]

    def state(self):
        """All that the rows of this shop could have changed, as its administrator sees it."""
        admin = self.people["admin"]
        return [self.shop.get("/api/catalog/v1/export", token=admin).body,
                self.shop.walk("/api/orders/v1/orders", "orders", token=admin), self.shop.ledger()]


class RowTest(RouteCase):
    def test_rows__if_match_holds_or_is_refused(self):
        """A row that cannot compare versions says so; OpenAPI names the header, 412 and 428 where they can be met."""
        refused = 0
        for row in api.shop_rows():
            operation = api.document()["paths"].get(row.path, {}).get(row.method.lower())
            with self.subTest(row=row):
                if operation:
                    named = {parameter.get("$ref", "").rpartition("/")[2] for parameter in operation["parameters"]}
                    self.assertEqual(row.if_match and not row.if_match_required, "IfMatch" in named)
                    self.assertEqual(row.if_match_required, "IfMatchRequired" in named)
                    self.assertEqual(row.if_match, "412" in operation["responses"])
                    self.assertEqual(row.if_match_required, "428" in operation["responses"])
                if row.method == "GET" or row.if_match or row.auth == "service":
                    continue
                for tag in ('"1"', "*", "nonsense"):
                    answer = self.ask(row, self.product["id"], api.sample_body(row), headers={"If-Match": tag},
                                      token=self.people["admin"])
                    self.assertProblem(answer, 400, code="if_match_not_supported")
                refused += 1
        self.assertGreater(refused, 10)

    def test_rows__openapi_names_every_row_that_clients_may_use(self):
        """The two descriptions come from the same tables, and say the same."""
        named = {(method.upper(), path): operation["x-auth"]
                 for path, operations in api.document()["paths"].items() for method, operation in operations.items()}
        self.assertEqual({(row.method, row.path): row.auth for row in api.rows() if row.in_openapi}, named)
        self.assertGreater(len(named), 35)
        served = self.shop.get("/api/openapi.json").json
        self.assertEqual(api.document()["paths"].keys(), served["paths"].keys())

    def test_rows__open_ones_are_known(self):
        self.assertEqual(sorted(" ".join(OPEN.split()).split(", ")),
                         sorted(repr(row) for row in api.shop_rows() if row.auth == "anyone"))

    def test_rows__without_an_address_cannot_be_reached(self):
        """Calls between services: not as an administrator either, by no spelling of their name."""
        inside = [row for row in api.rows() if not row.method]
        self.assertGreater(len(inside), 20)
        for row in inside:
            service, name = row.rpc.split(".")
            for path in ("/api/%s/v1/%s", "/api/%s/%s", "/%s/%s", "/api/%s/v1/../%s", "/%s.v1/%s"):
                for spelled in {name, name.replace("_", "-"), "".join(w.title() for w in name.split("_"))}:
                    with self.subTest(rpc=row.rpc, path=path % (service, spelled)):
                        answer = self.shop.post(path % (service, spelled), {}, token=self.people["admin"])
                        # "/orders/x" is a page's address, which is only read.
                        self.assertProblem(answer, 405 if (path, service) == ("/%s/%s", "orders") else 404)

    def test_rows__refuse_who_may_not(self):
        """By a request that would do something if it were let through: 401 for nobody, 403 for the wrong role."""
        before, refused = self.state(), 0
        for row in api.shop_rows():
            for name in sorted(api.EVERYBODY - api.ALLOWED[row.auth]):
                for identifier in self.real_ids() if row.takes_id else [""]:
                    with self.subTest(row=row, who=name, id=identifier):
                        answer = self.ask(row, identifier, api.sample_body(row), token=self.people[name])
                        code = "sign_in_required" if name == "anonymous" else "role_required"
                        self.assertProblem(answer, 401 if name == "anonymous" else 403, code)
                        self.assertEqual(name == "anonymous", "www-authenticate" in answer.headers)
                        refused += 1
        self.assertGreater(refused, 60)
        self.assertEqual(before, self.state())

    def test_rows__let_in_who_may(self):
        """By a request that a parameter which no row knows keeps harmless: anything but 401 and 403."""
        for row in api.shop_rows():
            for name in sorted(api.ALLOWED[row.auth]):
                with self.subTest(row=row, who=name):
                    answer = self.shop.ask(row.method, row.at("none") + "?invented=1", token=self.people[name],
                                           headers=api.sample_headers(row) if row.browser else None)
                    self.assertNotIn(answer.status, (401, 403), answer)
                    self.assertLess(answer.status, 500, answer)

    def test_rows__a_text_names_its_charset(self):
        """Of each GET row, as an administrator, by what exists and what does not; JSON is UTF-8 (RFC 8259)."""
        texts = set()
        for row in api.shop_rows():
            if row.method != "GET":
                continue
            for identifier in [*self.real_ids(), "api.js", "none"] if row.takes_id else [""]:
                with self.subTest(row=row, id=identifier):
                    answer = self.shop.ask("GET", row.at(identifier), token=self.people["admin"])
                    kind = answer.headers["content-type"]
                    self.assertRegex(kind, r"^application/(problem\+)?json$|; charset=utf-8")
                    answer.body.decode("utf-8")
                    texts.add(kind.split(";")[0])
        self.assertLessEqual({"text/html", "text/csv", "text/plain"}, texts)

    def test_rows__refuse_a_bad_token_even_where_none_is_needed(self):
        """Who sends an Authorization that says nothing is told so, and is not taken for a guest."""
        for row in api.shop_rows():
            for text in WRONG_AUTHORIZATIONS:
                if row.method == "GET" and row.path.startswith(("/health", "/metrics", "/dev", "/api/docs")):
                    continue
                with self.subTest(row=row, authorization=text[:30]):
                    answer = self.ask(row, self.product["id"], api.sample_body(row), headers={"Authorization": text})
                    self.assertProblem(answer, 401)

    def test_rows__refuse_a_session_that_ended(self):
        person = self.shop.customer()
        self.assertStatus(self.shop.delete("/api/identity/v1/sessions", token=person), 200, 204)
        for row in api.shop_rows():
            with self.subTest(row=row):
                self.assertProblem(self.ask(row, self.product["id"], api.sample_body(row), token=person), 401)

    def test_rows__refuse_a_token_of_another_tenant(self):
        """Their administrator on our rows, with or without our tenant's name: 403, and nothing has changed."""
        before, foreign = self.state(), self.shop.staff("admin", TENANT)
        for row in api.shop_rows():
            for tenant in (None, "default"):
                with self.subTest(row=row, tenant=tenant):
                    answer = self.ask(row, self.product["id"], api.sample_body(row), token=foreign.token,
                                      tenant=tenant)
                    self.assertProblem(answer, 403, "other_tenant")
        self.assertEqual(before, self.state())

    def test_rows__roles_that_a_client_claims_count_for_nothing(self):
        """Headers cannot make a customer an administrator."""
        claims = {"X-Role": "admin", "X-Roles": "admin", "X-User-Id": "1", "X-Forwarded-User": "admin",
                  "X-Original-URL": "/health/live", "X-Rewrite-URL": "/health/live", "X-HTTP-Method-Override": "GET",
                  "X-Forwarded-For": "127.0.0.1", "X-Service": "orders", "Forwarded": "for=127.0.0.1"}
        for row in api.shop_rows():
            if "customer" in api.ALLOWED[row.auth]:
                continue
            with self.subTest(row=row):
                answer = self.ask(row, self.product["id"], api.sample_body(row), token=self.people["customer"],
                                  headers=claims)
                self.assertProblem(answer, 403)

    def test_rows__other_spellings_of_a_path_are_other_paths(self):
        """No spelling finds a closed row that the rows's own does not: what is not found stays a 404."""
        for row in api.shop_rows():
            if row.auth == "anyone":
                continue
            path = row.at(self.product["id"])
            for spelled in (path + "/", path.upper(), path.replace("/v1/", "//v1/"), path.replace("/v1/", "/./v1/"),
                            path.replace("/v1/", "/x/../v1/"), path + "%00", path + ";a=b", path + ".json",
                            path.replace("/v1/", "%2fv1%2f"), "/" + path, path + "/..", path + "%20"):
                with self.subTest(row=row, path=spelled):
                    answer = self.shop.ask(row.method, spelled, api.sample_body(row))
                    self.assertIn(answer.status, (400, 401, 404, 405), answer)


class BrowserTest(RouteCase):
    """The rows as a browser's page reaches them, and as the page of another site makes a browser reach them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.jars = {name: {SESSION: person.token, REFRESH: person.tokens["refresh_token"], CSRF: api.CSRF}
                    for name, person in cls.people.items() if person}
        cls.jars["guest"] = {GUEST: "0" * 64, CSRF: api.CSRF}

    def send(self, row, identifier, cookies, headers):
        sent = {**api.sample_headers(row), "Cookie": "; ".join("%s=%s" % pair for pair in cookies.items()), **headers}
        sent = {name: value for name, value in sent.items() if value}
        return self.shop.ask(row.method, row.at(identifier), api.sample_body(row), headers=sent)

    def test_browsers__no_row_changes_anything_without_the_token(self):
        """Each row that changes something, as each person by their cookies: without the token, with a wrong one, with
        one that only the header or only a second cookie has, and with the right one from another site."""
        before, refused = self.state(), 0
        forms = ({"X-CSRF-Token": None}, {"X-CSRF-Token": "d" * 43}, {"X-CSRF-Token": api.CSRF[:-1]},
                 {"X-CSRF-Token": api.CSRF, "Sec-Fetch-Site": "cross-site"},
                 {"X-CSRF-Token": api.CSRF, "Sec-Fetch-Site": "same-site"},
                 {"X-CSRF-Token": api.CSRF, "Origin": "https://evil.example"})
        for row in (row for row in api.shop_rows() if row.changes):
            for name, jar in self.jars.items():
                bare = {key: value for key, value in jar.items() if key != CSRF}
                tries = [(jar, form) for form in forms] + [(bare, {"X-CSRF-Token": api.CSRF}),
                                                           ({**bare, CSRF: ""}, {"X-CSRF-Token": None})]
                for cookies, headers in tries:
                    with self.subTest(row=row, who=name, headers=headers, cookies=list(cookies)):
                        answer = self.send(row, self.product["id"], cookies, headers)
                        self.assertProblem(answer, 403, "csrf")
                        refused += 1
        self.assertGreater(refused, 1000)
        self.assertEqual(before, self.state())

    def test_browsers__are_who_their_cookie_says(self):
        """With the token, a row lets in whom it lets in by the header, and nobody else; as above, what does nothing."""
        for row in api.shop_rows():
            for name, jar in self.jars.items():
                person = "anonymous" if name == "guest" else name
                path = row.at("none") + "?invented=1"
                cookies = "; ".join("%s=%s" % pair for pair in jar.items())
                with self.subTest(row=row, who=name):
                    answer = self.shop.ask(row.method, path, headers={"Cookie": cookies, "X-CSRF-Token": api.CSRF})
                    if person in api.ALLOWED[row.auth]:
                        self.assertNotIn(answer.status, (401, 403), answer)
                        self.assertLess(answer.status, 500, answer)
                    else:
                        self.assertIn(answer.status, (401, 403), answer)
                        self.assertNotEqual("csrf", answer.json["code"])

    def test_browsers__a_session_that_is_not_good_here_opens_nothing(self):
        """One that ended, another tenant's, a forged one: 401 wherever somebody must be known, and nothing changes;
        what is for anybody goes on being so."""
        ended = self.shop.customer()
        self.assertStatus(self.shop.delete("/api/identity/v1/sessions", token=ended), 200, 204)
        before, foreign = self.state(), self.shop.staff("admin", TENANT)
        for token in (ended.token, foreign.token, foreign.token[:-4] + "AAAA", "x", "x" * 3000):
            for row in api.shop_rows():
                with self.subTest(row=row, token=token[-10:]):
                    answer = self.send(row, self.product["id"], {SESSION: token, CSRF: api.CSRF},
                                       {"X-CSRF-Token": api.CSRF})
                    if row.auth != "anyone":
                        self.assertProblem(answer, 401)
                    else:
                        self.assertNotIn(answer.json.get("code") if answer.status >= 400 else None,
                                         ("token_invalid", "token_revoked", "csrf", "other_tenant"), answer)
        self.assertEqual(before, self.state())

    def test_browsers__the_provider_knows_no_cookie(self):
        """A browser sends the cookies of a host to each of its ports: to the provider's emulator they say nothing."""
        admin = {"Cookie": "%s=%s" % (SESSION, self.people["admin"].token)}
        for row in (row for row in api.rows() if row.own_listener):
            with self.subTest(row=row):
                plain = self.shop.provider_client.ask(row.method, row.at("pi_1"))
                answer = self.shop.provider_client.ask(row.method, row.at("pi_1"), headers=admin)
                self.assertEqual(plain.status, answer.status, answer)
                # A browser asks by OPTIONS, without a key, whether it may ask at all (CORS).
                is_open = row.method == "OPTIONS" or row.path in PROVIDER_PAGES
                self.assertTrue(answer.status == 401 or is_open, answer)


class ProviderTest(RouteCase):
    def test_provider__rows_want_the_secret_key(self):
        """The emulator's API, as Stripe's, answers nobody without the key or with another."""
        rows = [row for row in api.rows()
                if row.own_listener and row.path not in PROVIDER_PAGES and row.method != "OPTIONS"]
        self.assertGreater(len(rows), 20)
        for row in rows:
            for sent in ({}, {"Authorization": "Bearer sk_test_wrong"}, {"Authorization": "Bearer "},
                         {"Authorization": "Basic c2tfdGVzdF93cm9uZzo="},
                         {"Authorization": "Bearer " + self.people["admin"].token}):
                with self.subTest(row=row, sent=sent):
                    answer = self.shop.provider_client.ask(row.method, row.at("pi_1"), headers=sent)
                    self.assertEqual(401, answer.status, answer)


class ObjectCase(RouteCase):
    """A victim with all that a shopper can have, and those who would like to have it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shop = cls.shop
        cls.sku = cls.product["skus"][1]["id"]
        cls.victim = shop.customer()
        cls.order = shop.buy([(cls.sku, 1)], token=cls.victim)
        cls.fill_cart({"token": cls.victim})
        cls.guest_order = shop.buy([(cls.sku, 1)])
        cls.guest_token = cls.guest_order["guest_token"]
        cls.fill_cart({"guest": cls.guest_token})
        cls.victims = {"customer": {"token": cls.victim}, "guest": {"guest": cls.guest_token}}
        stranger = shop.buy([(cls.sku, 1)])
        theirs = shop.customer(TENANT)
        cls.strangers = {"nobody": {}, "another customer": {"token": shop.customer()},
                         "another guest": {"guest": stranger["guest_token"]},
                         "a guest by an invented token": {"guest": "0" * 43},
                         "a customer of another tenant": {"token": theirs},
                         "our customer in another tenant": {"token": theirs, "guest": cls.guest_token},
                         "the guest in another tenant": {"guest": cls.guest_token, "tenant": TENANT}}

    @classmethod
    def fill_cart(cls, who):
        answer = cls.shop.post("/api/orders/v1/cart/items", {"sku_id": cls.sku, "quantity": 1}, **who)
        assert answer.status == 201, answer

    @staticmethod
    def personal_rows():
        return [row for row in api.shop_rows() if row.auth in ("shopper", "signed_in")]

    @staticmethod
    def judging_rows():
        """Those that are open to anybody and see for themselves whose something is, by each address that names it."""
        rows = {repr(row): row for row in api.shop_rows() if row.auth == "anyone"}
        return [rows[name].addressed(path) for name, paths in JUDGES.items() for path in paths]

    def assertRefused(self, row, answer):
        """As if there were nothing, or to who must sign in first; a page sends there."""
        self.assertIn(answer.status, (401, 404) if row.auth != "anyone" else (303, 401, 403, 404), answer)
        self.assertNotIn(self.victim.email.encode(), answer.body)

    @staticmethod
    def refusal(answer):
        return answer.status, answer.json["code"] if answer.status != 303 else None

    def belongings(self, who):
        """All that the rows for shoppers show of somebody: the answers, whole."""
        shown = {}
        for row in self.personal_rows():
            if row.method == "GET" and not row.takes_id:
                answer = self.shop.get(row.path, **who)
                if answer.status == 200:
                    shown[row.path] = answer.json
        for row in self.personal_rows():
            if row.method == "GET" and row.takes_id:
                for identifier in sorted(self.private_ids(shown)):
                    answer = self.shop.get(row.at(identifier), **who)
                    if answer.status == 200:
                        shown[row.at(identifier)] = answer.json
        return shown

    def private_ids(self, shown):
        """Every id that was shown, less those that anybody may know: of the product and its SKUs."""
        return api.find_ids(shown) - api.find_ids(self.product)


class ObjectTest(ObjectCase):
    def test_objects__are_their_owners_alone(self):
        """Each row with an id, each id of the victim's, each stranger: refused as if there were nothing, and nothing
        has changed for the victim."""
        for whose, who in self.victims.items():
            before = self.belongings(who)
            ids = sorted(self.private_ids(before))
            self.assertGreaterEqual(len(ids), 3, before)
            for row in self.personal_rows() + self.judging_rows():
                for identifier in ids if row.takes_id else []:
                    for name, stranger in self.strangers.items():
                        with self.subTest(whose=whose, row=row, id=identifier, who=name):
                            answer = self.ask(row, identifier, api.sample_body(row), **stranger)
                            self.assertRefused(row, answer)
                            unknown = self.ask(row, api.invented_id(), api.sample_body(row), **stranger)
                            self.assertEqual(self.refusal(unknown), self.refusal(answer))
            self.assertEqual(before, self.belongings(who))

    def test_objects__rows_that_judge_by_themselves_are_known(self):
        """An open row that shows the owner of an id what it shows nobody else is in JUDGES, and tried on strangers."""
        judging = set()
        rows = [row for row in api.shop_rows() if row.auth == "anyone" and row.takes_id and row.method == "GET"]
        for who in self.victims.values():
            for row in rows:
                for identifier in self.private_ids(self.belongings(who)):
                    if self.shop.get(row.at(identifier), **who).status != self.shop.get(row.at(identifier)).status:
                        judging.add(repr(row))
        self.assertTrue(judging)
        self.assertLessEqual(judging, set(JUDGES))
        for row in self.judging_rows():
            if "channels" not in row.path:  # a stream would go on
                self.assertStatus(self.shop.get(row.at(self.order["id"]), token=self.victim), 200)

    def test_objects__are_not_listed_to_strangers(self):
        """No list and no single thing without an id shows anything of the victim's to somebody else."""
        ids = set().union(*(self.private_ids(self.belongings(who)) for who in self.victims.values()))
        for row in self.personal_rows():
            if row.method != "GET" or row.takes_id:
                continue
            for name, stranger in self.strangers.items():
                for query in ("", "?customer_id=" + self.order["id"], "?limit=100"):
                    with self.subTest(row=row, who=name, query=query):
                        answer = self.shop.get(row.path + query, **stranger)
                        self.assertEqual(set(), ids & api.find_ids(answer.body.decode()))
                        self.assertNotIn(self.victim.email.encode(), answer.body)

    def test_objects__are_not_taken_by_an_id_in_the_body(self):
        """Each member of a body that names something by id (a cart): a stranger who sends the victim's is refused."""
        before = [self.belongings(who) for who in self.victims.values()]
        ids = sorted(set().union(*(self.private_ids(shown) for shown in before)))
        tried = 0
        for row in self.personal_rows():
            members = [name for name in (api.body_schema(row) or {}).get("properties", {}) if name.endswith("_id")]
            for member in members:
                for identifier in ids:
                    for name, stranger in self.strangers.items():
                        with self.subTest(row=row, member=member, id=identifier, who=name):
                            body = api.sample_body(row, **{member: identifier})
                            answer = self.ask(row, api.invented_id(), body, **stranger)
                            self.assertIn(answer.status, (400, 401, 404, 409), answer)
                            tried += 1
        self.assertGreater(tried, 0)
        self.assertEqual(before, [self.belongings(who) for who in self.victims.values()])

    def test_objects__of_a_tenant_are_closed_to_the_staff_of_another(self):
        """Every row with an id that some member of the staff may use, by theirs in their own tenant."""
        them, before = self.shop.staff("admin", TENANT), self.state()
        mine = self.shop.get("/api/identity/v1/me", token=self.victim).json["id"]
        ids = sorted(set(self.real_ids()) | {mine} | api.find_ids(self.belongings(self.victims["customer"])))
        for row in api.shop_rows() + self.judging_rows():
            if not row.takes_id or row.path.startswith(("/dev", "/api/docs")):
                continue
            for identifier in ids:
                with self.subTest(row=row, id=identifier):
                    answer = self.ask(row, identifier, api.sample_body(row), token=them)
                    self.assertIn(answer.status, (400, 403, 404) if "channels=user" in row.path else (400, 404), answer)
                    self.assertNotIn(self.victim.email.encode(), answer.body)
        self.assertEqual(before, self.state())
        me = self.shop.get("/api/identity/v1/me", token=self.victim.sign_in()).json
        self.assertEqual(["customer"], me["roles"])

    def test_objects__a_key_of_another_customer_is_a_new_key(self):
        """Who sends somebody else's Idempotency-Key and body orders for themselves, and sees nothing of the first."""
        key, body = new_key(), self.shop.order_body([(self.sku, 1)], email="first@mail.example")
        stranger = self.shop.customer()
        answers = [self.shop.post("/api/orders/v1/orders", body, key=key, token=person)
                   for person in (self.victim, stranger, self.victim)]
        self.assertEqual([201] * 3, [answer.status for answer in answers])
        first, other, again = (answer.json["id"] for answer in answers)
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)
        self.assertProblem(self.shop.get("/api/orders/v1/orders/" + first, token=stranger), 404)
        self.shop.ended(first, token=self.victim)  # other tests look whether anything of the victim's changes

    def test_objects__a_guests_token_is_whole_or_nothing(self):
        path = "/api/orders/v1/orders/" + self.guest_order["id"]
        self.assertStatus(self.shop.get(path, guest=self.guest_token), 200)
        token = self.guest_token
        for wrong in (token[:-1], token + "0", token.swapcase(), token[::-1], token[:16], "x", "*" * 40, "%" * 40,
                      token + " " + token, "' OR '1'='1' -- " + "0" * 30, token[:-1] + "\xff"):
            with self.subTest(token=wrong):
                self.assertProblem(self.shop.get(path, headers={"X-Guest-Token": wrong.encode("latin-1")}),
                                   404 if 32 <= len(wrong) <= 128 else 400)


if __name__ == "__main__":
    unittest.main()
