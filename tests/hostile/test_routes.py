"""Who may do what, for every row of every service table: a new row is covered without a new test."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import api  # noqa: E402
from browser import CSRF, GUEST, REFRESH, SESSION  # noqa: E402
from case import ShopCase  # noqa: E402
from events import Stream  # noqa: E402
from shop import new_key  # noqa: E402
from things import FILES, Request, Things  # noqa: E402

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

# By which members of bodies a shopper names what is theirs alone, and what; SKUs are everybody's.
OWN_IN_BODIES = {("POST /api/orders/v1/orders", "cart_id"): lambda things: things.cart["id"],
                 ("POST /api/realtime/v1/tickets", "channels"): lambda things: ["order:" + things.order["id"]]}
PUBLIC_IN_BODIES = {("POST /api/orders/v1/cart/items", "sku_id")}

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
        cls.things = Things(shop)  # for requests all of which are refused
        cls.things.all()

    def ask(self, row, identifier, body=None, headers=None, **options):
        return self.shop.ask(row.method, row.at(identifier), body,
                             headers={**api.sample_headers(row), **(headers or {})}, **options)

    def real_ids(self):
        """Of things that exist: what a route that forgot to ask could change."""
        return [self.product["id"], self.product["skus"][0]["id"], self.order["id"], self.order["payment"]["id"]]

    def who_may(self, row, things):
        """As `ask` takes them: the owner of the things, or a member of the staff."""
        allowed = api.ALLOWED[row.auth]
        return things.who if "customer" in allowed else {"token": self.people[min(allowed)]}

    def assertDone(self, answer):
        """Somebody may do it: what was refused to others with the very same request is something."""
        self.assertIn(answer.status, (200, 201, 204), answer)

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
        """401 for nobody, 403 for the wrong role, and nothing has changed."""
        refused = 0
        for row in (row for row in api.shop_rows() if api.ALLOWED[row.auth] != api.EVERYBODY):
            things = Things(self.shop)
            request, before = Request(row, things), self.state()
            for name in sorted(api.EVERYBODY - api.ALLOWED[row.auth]):
                with self.subTest(row=row, who=name):
                    answer = request.send(token=self.people[name])
                    code = "sign_in_required" if name == "anonymous" else "role_required"
                    self.assertProblem(answer, 401 if name == "anonymous" else 403, code)
                    self.assertEqual(name == "anonymous", "www-authenticate" in answer.headers)
                    refused += 1
            with self.subTest(row=row):
                self.assertEqual(before, self.state())
                self.assertDone(request.send(**self.who_may(row, things)))
        self.assertGreater(refused, 50)

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
                    answer = Request(row, self.things).send(token=foreign.token, tenant=tenant)
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
                answer = Request(row, self.things).send(token=self.people["customer"], headers=claims)
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

    def send(self, row, cookies, headers):
        cookie = "; ".join("%s=%s" % pair for pair in cookies.items())
        return Request(row, self.things).send({"Cookie": cookie, "X-CSRF-Token": None, **headers})

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
                        answer = self.send(row, cookies, headers)
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
                    answer = self.send(row, {SESSION: token, CSRF: api.CSRF}, {"X-CSRF-Token": api.CSRF})
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
    """Shoppers with all that a shopper can have, and those who would like to have it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shop = cls.shop
        cls.foreign = shop.customer(TENANT)
        cls.others = {"nobody": {}, "another customer": {"token": shop.customer()},
                      "another guest": Things(shop, is_guest=True).who,
                      "a guest by an invented token": {"guest": "0" * 43},
                      "a customer of another tenant": {"token": cls.foreign}}
        cls.victims = cls.customer, cls.guest = Things(shop), Things(shop, is_guest=True)
        for things in cls.victims:
            assert things.order and things.cart

    @classmethod
    def strangers(cls, things):
        """Everybody else, and the owner elsewhere."""
        return {**cls.others, "the owner in another tenant":
                {"guest": things.order["guest_token"], "tenant": TENANT} if things.is_guest else
                {"token": things.owner.token, "tenant": TENANT}}

    @staticmethod
    def personal_rows():
        return [row for row in api.shop_rows() if row.auth in ("shopper", "signed_in")]

    @staticmethod
    def judging_rows():
        """Those that are open to anybody and see for themselves whose something is, by each address that names it."""
        rows = {repr(row): row for row in api.shop_rows() if row.auth == "anyone"}
        return [rows[name].addressed(path) for name, paths in JUDGES.items() for path in paths]

    def assertRefused(self, request, answer):
        """As if there were nothing, or to who must sign in first; a page sends there."""
        if answer.status != 403 or answer.json["code"] != "other_tenant":
            self.assertIn(answer.status, (401, 404) if request.row.auth != "anyone" else (303, 401, 403, 404), answer)
        self.assertNotIn(request.things.email.encode(), answer.body)

    @staticmethod
    def refusal(answer):
        return answer.status, answer.json["code"] if answer.status != 303 else None

    def belongings(self, things):
        """All that the rows for shoppers show of somebody: the answers, whole."""
        shown = {}
        for row in self.personal_rows():
            if row.method == "GET" and not row.takes_id:
                answer = self.shop.get(row.path, **things.who)
                if answer.status == 200:
                    shown[row.path] = answer.json
        for row in self.personal_rows():
            if row.method == "GET" and row.takes_id:
                for identifier in self.private_ids(things, shown):
                    answer = self.shop.get(row.at(identifier), **things.who)
                    if answer.status == 200:
                        shown[row.at(identifier)] = answer.json
        return shown

    def private_ids(self, things, shown=None):
        """Every id that was shown, less those that anybody may know: of the product and its SKUs."""
        return sorted(api.find_ids(shown or self.belongings(things)) - api.find_ids(things.product))

    def assertOwn(self, request):
        """Who may gets through with what was refused to others. A stream would go on: it is open."""
        if "channels=" not in request.path:
            return self.assertDone(request.send(**self.who_may(request.row, request.things)))
        sent = {"X-Guest-Token": request.things.order["guest_token"]} if request.things.is_guest else {
            "Authorization": "Bearer " + request.things.owner.token}
        path, _, channels = request.path.partition("?channels=")
        stream = Stream(self.shop.port, {"channels": channels}, sent, path)
        self.addCleanup(stream.close)
        self.assertEqual(200, stream.status)


class ObjectTest(ObjectCase):
    def test_objects__are_their_owners_alone(self):
        """Each row with an id, each stranger: refused as if there were nothing, whichever of the owner's ids it is, and
        nothing has changed for the owner, who then gets through with the same request."""
        for row in (row for row in self.personal_rows() + self.judging_rows() if row.takes_id):
            for is_guest in (False,) if row.auth == "signed_in" or "user:" in row.path else (False, True):
                things = Things(self.shop, is_guest)
                request, before = Request(row, things), self.belongings(things)
                paths = {request.path, *(row.at(identifier) for identifier in self.private_ids(things, before))}
                for name, stranger in self.strangers(things).items():
                    unknown = self.refusal(request.but(row.at(api.invented_id())).send(**stranger))
                    for path in sorted(paths):
                        with self.subTest(row=row, is_guest=is_guest, path=path, who=name):
                            answer = request.but(path).send(**stranger)
                            self.assertRefused(request, answer)
                            self.assertEqual(unknown, self.refusal(answer))
                with self.subTest(row=row, is_guest=is_guest):
                    self.assertEqual(before, self.belongings(things))
                    self.assertOwn(request)

    def test_objects__rows_that_judge_by_themselves_are_known(self):
        """An open row that shows the owner of an id what it shows nobody else is in JUDGES, and tried on strangers."""
        judging = set()
        rows = [row for row in api.shop_rows() if row.auth == "anyone" and row.takes_id and row.method == "GET"]
        for things in self.victims:
            for row in rows:
                for path in (row.at(identifier) for identifier in self.private_ids(things)):
                    if self.shop.get(path, **things.who).status != self.shop.get(path).status:
                        judging.add(repr(row))
        self.assertTrue(judging)
        self.assertLessEqual(judging, set(JUDGES))

    def test_objects__are_not_listed_to_strangers(self):
        """No list and no single thing without an id shows anything of the victim's to somebody else."""
        ids = set().union(*(self.private_ids(things) for things in self.victims))
        for row in self.personal_rows():
            if row.method != "GET" or row.takes_id:
                continue
            for name, stranger in self.strangers(self.guest).items():
                for query in ("", "?customer_id=" + self.customer.user, "?limit=100"):
                    with self.subTest(row=row, who=name, query=query):
                        answer = self.shop.get(row.path + query, **stranger)
                        self.assertEqual(set(), ids & api.find_ids(answer.body.decode()))
                        self.assertNotIn(self.customer.email.encode(), answer.body)

    def test_objects__are_not_taken_by_an_id_in_the_body(self):
        """A stranger who sends the owner's is told as if there were nothing; the owner gets through with the same."""
        for row, member, things in self.naming_members():
            body = {**things.body(row), member: OWN_IN_BODIES[repr(row), member](things)}
            if member == "cart_id":
                del body["items"]
            request, before = Request(row, things).but(body=body), self.belongings(things)
            for name, stranger in self.strangers(things).items():
                with self.subTest(row=row, member=member, is_guest=things.is_guest, who=name):
                    self.assertRefused(request, request.send(**stranger))
            with self.subTest(row=row, member=member, is_guest=things.is_guest):
                self.assertEqual(before, self.belongings(things))
                self.assertDone(request.send(**things.who))

    def naming_members(self):
        """(row, member, things), of each that has to be an owner's; all others are known."""
        rows = {repr(row): row for row in self.personal_rows()}
        named = {(name, member) for name, row in rows.items()
                 for member in (api.body_schema(row) or {}).get("properties", {})
                 if member.endswith("_id") or member == "channels"}
        self.assertEqual(named, OWN_IN_BODIES.keys() | PUBLIC_IN_BODIES)
        for name, member in sorted(OWN_IN_BODIES):
            for is_guest in (False, True):
                yield rows[name], member, Things(self.shop, is_guest)

    def test_objects__of_a_tenant_are_closed_to_the_staff_of_another(self):
        """Every row with an id that some member of the staff may use, by theirs in their own tenant: there is no such
        thing, and nothing has changed. Who may in ours gets through with the same request."""
        them = self.shop.staff("admin", TENANT)
        for row in api.shop_rows() + self.judging_rows():
            if not row.takes_id or row.path.startswith(FILES):
                continue
            things = Things(self.shop)
            things.all()
            request, before = Request(row, things), [self.state(), self.belongings(things)]
            with self.subTest(row=row):
                answer = request.send(token=them)
                self.assertProblem(answer, 403 if "user:" in row.path else 404)
                self.assertNotIn(things.email.encode(), answer.body)
                self.assertEqual(before, [self.state(), self.belongings(things)])
                self.assertOwn(request)

    def test_objects__a_key_of_another_customer_is_a_new_key(self):
        """Who sends somebody else's Idempotency-Key and body orders for themselves, and sees nothing of the first."""
        key, body = new_key(), self.shop.order_body([(self.customer.sku, 1)], email="first@mail.example")
        stranger = self.shop.customer()
        answers = [self.shop.post("/api/orders/v1/orders", body, key=key, token=person)
                   for person in (self.customer.owner, stranger, self.customer.owner)]
        self.assertEqual([201] * 3, [answer.status for answer in answers])
        first, other, again = (answer.json["id"] for answer in answers)
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)
        self.assertProblem(self.shop.get("/api/orders/v1/orders/" + first, token=stranger), 404)
        self.shop.ended(first, token=self.customer.owner)  # other tests look whether anything of the victim's changes

    def test_objects__a_guests_token_is_whole_or_nothing(self):
        path, token = "/api/orders/v1/orders/" + self.guest.order["id"], self.guest.order["guest_token"]
        self.assertStatus(self.shop.get(path, guest=token), 200)
        for wrong in (token[:-1], token + "0", token.swapcase(), token[::-1], token[:16], "x", "*" * 40, "%" * 40,
                      token + " " + token, "' OR '1'='1' -- " + "0" * 30, token[:-1] + "\xff"):
            with self.subTest(token=wrong):
                self.assertProblem(self.shop.get(path, headers={"X-Guest-Token": wrong.encode("latin-1")}),
                                   404 if 32 <= len(wrong) <= 128 else 400)


if __name__ == "__main__":
    unittest.main()
