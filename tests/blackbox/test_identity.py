"""Accounts over HTTP: from signing up to losing a session, and what an outsider may learn."""
import base64
import json
import pathlib
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from case import ShopCase  # noqa: E402
from shop import PASSWORD, Person, Shop, eventually, new_email, new_key, together  # noqa: E402

API = "/api/identity/v1"
TRIES_MAX = 200
OTHER_PASSWORD = "another horse, another staple"
THIRD_PASSWORD = "a third horse without a staple"
RACERS = 4
RESET_RACES = 3
DUELS = 4


class IdentityTest(ShopCase):
    def sign_up(self, email, password=PASSWORD):
        return self.shop.post(API + "/signup", {"email": email, "password": password, "name": "Ada"})

    def login(self, email, password=PASSWORD):
        return self.shop.post(API + "/login", {"email": email, "password": password})

    def test_identity__an_account_from_sign_up_to_me(self):
        """A mail brings the code; until it is given, the right password gets a 403; then there are tokens, and /me."""
        email = new_email()
        self.assertStatus(self.sign_up(email), 201)
        self.assertProblem(self.login(email), 403)
        code = self.shop.mailed_code(email)
        wrong = "000000" if code != "000000" else "000001"
        self.assertProblem(self.shop.post(API + "/verify", {"email": email, "code": wrong}), 400)
        self.assertStatus(self.shop.post(API + "/verify", {"email": email, "code": code}), 200, 204)
        tokens = self.assertStatus(self.login(email), 200)
        self.assertEqual("bearer", tokens["token_type"].lower())
        self.assertEqual(600, tokens["expires_in"])
        me = self.assertStatus(self.shop.get(API + "/me", token=tokens["access_token"]), 200)
        self.assertEqual((email, ["customer"]), (me["email"], me["roles"]))

    def test_identity__access_tokens_are_rs256_by_the_published_keys(self):
        """The token's header names a key of the JWKS document, and the algorithm; its claims say whose and how long."""
        token = self.shop.customer().token
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
                          for part in token.split(".")[:2])
        keys = self.shop.get("/api/identity/.well-known/jwks.json").json["keys"]
        key = next(key for key in keys if key["kid"] == header["kid"])
        self.assertEqual(("RS256", "RSA", "sig"), (header["alg"], key["kty"], key["use"]))
        self.assertNotIn("d", key)
        self.assertEqual(600, claims["exp"] - claims["iat"])

    def test_identity__tokens_that_nobody_signed_are_refused(self):
        """Another algorithm, no signature, a changed claim, garbage: all 401."""
        token = self.shop.customer().token
        header, claims, signature = token.split(".")
        none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
        changed = claims[:-2] + ("AA" if claims[-2:] != "AA" else "BB")
        for forged in (none + "." + claims + ".", header + "." + claims + ".", "x", "a.b.c",
                       header + "." + changed + "." + signature, token + "x"):
            with self.subTest(forged=forged[:20]):
                answer = self.shop.get(API + "/me", token=forged)
                self.assertProblem(answer, 401)
                self.assertIn("Bearer", answer.headers["www-authenticate"])

    def test_identity__refresh_rotates_and_reuse_ends_the_session(self):
        """A refresh token is good once; who shows it again loses the whole family, the newest token too."""
        person = self.shop.customer()
        first = person.tokens["refresh_token"]
        second = self.assertStatus(self.shop.post(API + "/refresh", {"refresh_token": first}), 200)
        self.assertNotEqual(first, second["refresh_token"])
        self.assertStatus(self.shop.get(API + "/me", token=second["access_token"]), 200)
        self.assertProblem(self.shop.post(API + "/refresh", {"refresh_token": first}), 401)
        self.assertProblem(self.shop.post(API + "/refresh", {"refresh_token": second["refresh_token"]}), 401)
        self.assertProblem(self.shop.get(API + "/me", token=second["access_token"]), 401)
        self.assertProblem(self.shop.post(API + "/refresh", {"refresh_token": "never given out"}), 401)

    def test_identity__sessions_are_listed_and_revoked(self):
        """Each sign-in is a session; revoking one blocks its access token at once and leaves the other."""
        here = self.shop.customer()
        there = Person(self.shop, here.email)
        sessions = self.assertStatus(self.shop.get(API + "/sessions", token=here), 200)["sessions"]
        self.assertEqual(2, len(sessions))
        current = [session["id"] for session in sessions if session.get("current")]
        other = next(session["id"] for session in sessions if session["id"] not in current)
        self.assertEqual(1, len(current))
        self.assertStatus(self.shop.delete(API + "/sessions/" + other, token=here), 200, 204)
        self.assertProblem(self.shop.get(API + "/me", token=there), 401)
        self.assertStatus(self.shop.get(API + "/me", token=here), 200)

    def test_identity__nobody_revokes_the_session_of_another(self):
        owner, thief = self.shop.customer(), self.shop.customer()
        session = self.shop.get(API + "/sessions", token=owner).json["sessions"][0]["id"]
        self.assertProblem(self.shop.delete(API + "/sessions/" + session, token=thief), 404)
        self.assertStatus(self.shop.get(API + "/me", token=owner), 200)

    def test_identity__ending_sessions_takes_a_key(self):
        """The same answer again, though the session is gone: one session, all of them, signing out."""
        here = self.shop.customer()
        Person(self.shop, here.email)
        sessions = self.shop.get(API + "/sessions", token=here).json["sessions"]
        other = next(session["id"] for session in sessions if not session.get("current"))
        key = new_key()
        for replayed in (None, "true"):
            answer = self.shop.delete(API + "/sessions/" + other, token=here, key=key)
            self.assertEqual((204, replayed), (answer.status, answer.headers.get("idempotency-replayed")))
        self.assertProblem(self.shop.delete(API + "/sessions/" + other, token=here, key=new_key()), 404)
        key, body = new_key(), {"refresh_token": here.tokens["refresh_token"]}
        for replayed in (None, "true"):
            answer = self.shop.post(API + "/logout", body, key=key)
            self.assertEqual((204, replayed), (answer.status, answer.headers.get("idempotency-replayed")))
        self.assertProblem(self.shop.post(API + "/logout", {"refresh_token": "x"}, key=key), 422)
        # Whoever ends its own session by its own token has none to ask again with.
        there = self.shop.customer()
        self.assertStatus(self.shop.delete(API + "/sessions", token=there, key=new_key()), 204)
        self.assertProblem(self.shop.get(API + "/me", token=there), 401)

    def test_identity__logout_blocks_at_once(self):
        """The very next request with the access token is refused, and the refresh token is dead."""
        person = self.shop.customer()
        self.assertStatus(self.shop.post(API + "/logout", token=person), 200, 204)
        self.assertProblem(self.shop.get(API + "/me", token=person), 401)
        self.assertProblem(
            self.shop.post(API + "/refresh", {"refresh_token": person.tokens["refresh_token"]}), 401)

    def test_identity__a_forgotten_password_is_set_anew_once(self):
        """The mailed code sets a new password, ends every session, and is good once."""
        person = self.shop.customer()
        self.assertStatus(self.shop.post(API + "/password/forgot", {"email": person.email}), 200, 202, 204)
        reset = {"email": person.email, "code": self.shop.mailed_code(person.email, 1), "password": OTHER_PASSWORD}
        self.assertStatus(self.shop.post(API + "/password/reset", reset), 200, 204)
        self.assertProblem(self.shop.get(API + "/me", token=person), 401)
        self.assertProblem(self.login(person.email), 401)
        self.assertStatus(self.login(person.email, OTHER_PASSWORD), 200)
        self.assertProblem(self.shop.post(API + "/password/reset", reset), 400)

    def test_identity__changing_the_password_asks_for_the_old_one(self):
        person = self.shop.customer()
        wrong = {"current_password": "not it at all", "new_password": OTHER_PASSWORD}
        self.assertProblem(self.shop.post(API + "/password/change", wrong, token=person), 400)
        right = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
        self.assertStatus(self.shop.post(API + "/password/change", right, token=person), 200, 204)
        self.assertProblem(self.login(person.email), 401)
        self.assertStatus(self.login(person.email, OTHER_PASSWORD), 200)

    def signed_in_during(self, email, change):
        """The tokens of sign-ins by the password that was right at first, some of them under way during a change."""
        ended, tokens = threading.Event(), []

        def work(number):
            if number == 0:
                eventually(lambda: len(tokens) >= RACERS, "the first sign-ins")
                change()
                ended.set()
                return
            while not ended.is_set():
                answer = self.login(email)
                if answer.status == 200:
                    tokens.append(answer.json)
        together(RACERS + 1, work)
        return tokens

    def test_identity__a_sign_in_under_way_does_not_outlive_a_new_password(self):
        """A password takes a while to check: what was right when that began is looked at again when it ends."""
        person = self.shop.customer()
        self.assertStatus(self.shop.post(API + "/password/forgot", {"email": person.email}), 200, 202, 204)
        reset = {"email": person.email, "code": self.shop.mailed_code(person.email, 1), "password": OTHER_PASSWORD}
        for tokens in self.signed_in_during(person.email, lambda: self.assertStatus(
                self.shop.post(API + "/password/reset", reset), 200, 204)):
            self.assertProblem(self.shop.get(API + "/me", token=tokens["access_token"]), 401)
            self.assertProblem(self.shop.post(API + "/refresh", {"refresh_token": tokens["refresh_token"]}), 401)

    def test_identity__a_sign_in_under_way_gets_no_role_that_is_taken_away(self):
        person, admin = self.shop.customer(), self.shop.staff("admin")
        path = API + "/users/%s/roles" % self.shop.get(API + "/me", token=person).json["id"]
        self.assertStatus(self.shop.put(path, {"roles": ["customer", "admin"]}, token=admin, key=new_key()), 200)
        for tokens in self.signed_in_during(person.email, lambda: self.assertStatus(
                self.shop.put(path, {"roles": ["customer"]}, token=admin, key=new_key()), 200)):
            answer = self.shop.get("/api/payments/v1/ledger", token=tokens["access_token"])
            self.assertIn(answer.status, (401, 403), answer)

    def test_identity__a_reset_holds_against_a_change_under_way(self):
        """Somebody who knows the old password cannot write over the one that the mailbox' owner sets."""
        for _ in range(RESET_RACES):
            person = self.shop.customer()
            self.assertStatus(self.shop.post(API + "/password/forgot", {"email": person.email}), 200, 202, 204)
            reset = {"email": person.email, "code": self.shop.mailed_code(person.email, 1), "password": OTHER_PASSWORD}
            change = {"current_password": PASSWORD, "new_password": THIRD_PASSWORD}
            changed, done = together(2, lambda number: self.shop.post(
                API + ("/password/reset" if number else "/password/change"), reset if number else change,
                token=None if number else person))
            self.assertStatus(done, 200, 204)
            self.assertIn(changed.status, (204, 401), changed)
            self.assertStatus(self.login(person.email, OTHER_PASSWORD), 200)
            self.assertProblem(self.login(person.email, THIRD_PASSWORD), 401)

    def test_identity__a_known_and_an_unknown_address_get_the_same_answer(self):
        """At sign-up, sign-in, verification and for a forgotten password: the same status and words."""
        known, unknown = self.shop.customer().email, new_email()
        requests = {"/login": {"password": OTHER_PASSWORD}, "/password/forgot": {},
                    "/verify": {"code": "123456"}, "/signup": {"password": OTHER_PASSWORD, "name": "Eve"}}
        for path, fields in requests.items():
            with self.subTest(path=path):
                answers = [self.shop.post(API + path, {"email": email, **fields}) for email in (known, unknown)]
                told = [json.loads(answer.body or b"{}") for answer in answers]
                for one in told:
                    one.pop("trace_id", None)
                    one.pop("email", None)
                self.assertEqual(answers[0].status, answers[1].status)
                self.assertEqual(told[0], told[1])
        self.assertStatus(self.login(known), 200)

    def test_identity__an_admin_grants_roles_by_route(self):
        """PUT …/roles changes what a customer may do; only an admin may, and the last admin stays one."""
        person, admin = self.shop.customer(), self.shop.staff("admin")
        me = self.shop.get(API + "/me", token=person).json["id"]
        path = API + "/users/%s/roles" % me
        self.assertProblem(self.shop.put(path, {"roles": ["admin"]}, token=person), 403)
        answer = self.shop.put(path, {"roles": ["customer", "merchandiser"]}, token=admin, key=new_key())
        self.assertEqual({"customer", "merchandiser"}, set(self.assertStatus(answer, 200)["roles"]))
        self.assertEqual(200, self.shop.get("/api/catalog/v1/export", token=person.sign_in()).status)
        admin_id = self.shop.get(API + "/me", token=admin).json["id"]
        self.assertProblem(self.shop.put(API + "/users/%s/roles" % admin_id, {"roles": ["customer"]}, token=admin), 409)

    def id_of(self, person):
        return self.shop.get(API + "/me", token=person, tenant=person.tenant).json["id"]

    def put_status(self, who, status, token, **options):
        return self.shop.put(API + "/users/%s/status" % who, {"status": status}, token=token, **options)

    def test_identity__a_disabled_account_has_no_sessions(self):
        """Every device is out at once, in every service, and none gets in until the account is enabled."""
        person, admin = self.shop.customer(), self.shop.staff("admin")
        there, who = Person(self.shop, person.email), self.id_of(person)
        self.assertProblem(self.put_status(who, "disabled", person), 403, "role_required")
        changed = self.assertStatus(self.put_status(who, "disabled", admin, key=new_key()), 200)
        self.assertEqual((who, "disabled"), (changed["id"], changed["status"]))
        for tokens in (person.tokens, there.tokens):
            for path in (API + "/me", "/api/orders/v1/orders", "/api/orders/v1/cart"):
                self.assertProblem(self.shop.get(path, token=tokens["access_token"]), 401, "token_revoked")
            answer = self.shop.post(API + "/refresh", {"refresh_token": tokens["refresh_token"]})
            self.assertProblem(answer, 401, "invalid_refresh_token")
        self.assertProblem(self.login(person.email), 403, "account_disabled")
        wrong = [self.assertProblem(self.login(email, OTHER_PASSWORD), 401, "invalid_credentials")
                 for email in (person.email, new_email())]
        self.assertEqual(*({**problem, "trace_id": None} for problem in wrong))
        shown = self.assertStatus(self.shop.get(API + "/users/" + who, token=self.shop.staff("support")), 200)
        self.assertEqual(changed, shown)
        self.assertEqual("active", self.assertStatus(self.put_status(who, "active", admin), 200)["status"])
        self.assertProblem(self.shop.get(API + "/me", token=person), 401, "token_revoked")
        self.assertStatus(self.login(person.email), 200)

    def test_identity__a_sign_in_under_way_does_not_outlive_disabling(self):
        """A password takes a while to check; whoever was let in before it was disabled is out as well."""
        person, admin = self.shop.customer(), self.shop.staff("admin")
        who = self.id_of(person)
        for tokens in self.signed_in_during(person.email, lambda: self.assertStatus(
                self.put_status(who, "disabled", admin, key=new_key()), 200)):
            self.assertProblem(self.shop.get(API + "/me", token=tokens["access_token"]), 401)
            self.assertProblem(self.shop.post(API + "/refresh", {"refresh_token": tokens["refresh_token"]}), 401)

    def test_identity__administrators_who_disable_each_other_leave_one(self):
        """At the same moment, in a tenant that has these two alone: whoever comes first stays, and can sign in."""
        tenant = "duel"
        self.shop.rpc("identity", "add_tenant", {"id": tenant})
        emails = [self.shop.sign_up(tenant=tenant) for _ in range(2)]
        for email in emails:
            self.shop.rpc("identity", "grant_role", {"email": email, "role": "admin"}, tenant)
        for _ in range(DUELS):
            rivals = [Person(self.shop, email, tenant) for email in emails]
            ids = [self.id_of(rival) for rival in rivals]
            answers = together(2, lambda number: self.put_status(
                ids[1 - number], "disabled", rivals[number].token, tenant=tenant))
            self.assertEqual(1, [answer.status for answer in answers].count(200), answers)
            winner = 0 if answers[0].status == 200 else 1
            self.assertIn(answers[1 - winner].status, (401, 409), answers)
            left = Person(self.shop, emails[winner], tenant)
            self.assertProblem(self.put_status(ids[winner], "disabled", left.token, tenant=tenant), 409,
                               "last_administrator")
            self.assertStatus(self.put_status(ids[1 - winner], "active", left.token, tenant=tenant), 200)
            self.assertProblem(self.put_status(ids[winner], "disabled", left.token, tenant=tenant), 409,
                               "own_account", "/status")

    def test_identity__an_administrator_ends_the_sessions_of_others(self):
        """All of one person's; with a key, once: who signs in between two answers of one request stays in."""
        person, other, admin = self.shop.customer(), self.shop.customer(), self.shop.staff("admin")
        there = Person(self.shop, person.email)
        path, key = API + "/users/%s/sessions" % self.id_of(person), new_key()
        self.assertProblem(self.shop.delete(path, token=other), 403, "role_required")
        self.assertStatus(self.shop.delete(path, token=admin, key=key), 204)
        for ended in (person, there):
            self.assertProblem(self.shop.get(API + "/me", token=ended), 401, "token_revoked")
            self.assertProblem(
                self.shop.post(API + "/refresh", {"refresh_token": ended.tokens["refresh_token"]}), 401)
        again = Person(self.shop, person.email)
        self.assertEqual("true", self.shop.delete(path, token=admin, key=key).headers["idempotency-replayed"])
        for good in (again, other, admin):
            self.assertStatus(self.shop.get(API + "/me", token=good), 200)

    def test_identity__who_is_kept_out_is_in_the_log(self):
        """A sign-in that fails, one that is good, a token that is none and a role that does not reach."""
        shop = Shop(LOG_LEVEL="info")
        self.addCleanup(shop.close)
        shop.start()
        customer = shop.customer()
        shop.post("/api/identity/v1/login", {"email": customer.email, "password": "not the password"})
        shop.get("/api/identity/v1/me", token="none")
        shop.get("/api/payments/v1/ledger", token=customer)
        lines = [json.loads(line) for line in shop.log_text().splitlines() if line.startswith("{")]
        seen = {(line["route"], line["status"], line.get("code")) for line in lines if line["message"] == "request"}
        for expected in (("/v1/login", 200, None), ("/v1/login", 401, "invalid_credentials"),
                         ("/v1/me", 401, "token_invalid"), ("/v1/ledger", 403, "role_required")):
            self.assertIn(expected, seen)
        self.assertNotIn(customer.email, shop.log_text())

    def test_identity__passwords_that_are_guessed_first_are_refused(self):
        """Common ones, and the names of the shop and the person, wherever a password is set."""
        email = new_email("margarethe")
        for password in ("password", "Password", "12345678", "trustno1", "iloveyou", "qwertyuiop"):
            self.assertProblem(self.sign_up(email, password), 400, "password_too_common", "/password")
        for password in ("Shopstream2026!", "1shopstream", email, email.upper(), email.partition("@")[0]):
            self.assertProblem(self.sign_up(email, password), 400, "password_too_easy", "/password")
        person = self.shop.customer()
        self.assertProblem(self.shop.post(API + "/password/reset", {"email": person.email, "code": "000000",
                                                                    "password": "sunshine"}),
                           400, "password_too_common", "/password")
        self.assertProblem(self.shop.post(API + "/password/change", {"current_password": PASSWORD,
                                                                     "new_password": "sunshine"}, token=person),
                           400, "password_too_common", "/new_password")

    def test_identity__passwords_are_taken_as_they_are(self):
        """Of any letters, of up to 128 characters, and none of them changed, folded or cut."""
        for password in ("        ", "only lower case", "\u00e4\u00f6\u00fc \U0001f40e battery", "a" * 64,
                         "x" * 127 + "y"):
            email = new_email()
            self.assertStatus(self.sign_up(email, password), 201)
            verified = self.shop.post(API + "/verify", {"email": email, "code": self.shop.mailed_code(email)})
            self.assertStatus(verified, 200, 204)
            self.assertStatus(self.login(email, password), 200)
            for other in (password.upper() if password.upper() != password else " " + password, password[:-1],
                          password + " "):
                if 1 <= len(other) <= 128:
                    self.assertProblem(self.login(email, other), 401)

    def test_identity__bad_fields_are_named(self):
        cases = [({"email": "no address", "password": PASSWORD, "name": "A"}, "/email"),
                 ({"email": new_email(), "password": "short", "name": "A"}, "/password"),
                 ({"email": new_email(), "password": PASSWORD}, "/name"),
                 ({"email": new_email(), "password": PASSWORD, "name": "A", "role": "admin"}, "/role")]
        for body, pointer in cases:
            with self.subTest(pointer=pointer):
                self.assertProblem(self.shop.post(API + "/signup", body), 400, pointer=pointer)


class RateLimitTest(ShopCase):
    settings = {"RATE_LIMITS": "on"}

    def test_identity__guessing_passwords_is_limited(self):
        """Tries at one account end in 429 with Retry-After, whether it exists or not, and whatever the password."""
        known = self.shop.sign_up()
        for email in (new_email(), known):
            answer = self.guess_until_refused(email)
            self.assertGreaterEqual(int(answer.headers["retry-after"]), 1)
        # At one moment, for the door opens again for one of them every few seconds.
        right = {"email": known, "password": PASSWORD}
        answers = together(8, lambda number: self.shop.post(API + "/login", right))
        self.assertIn(429, [answer.status for answer in answers])

    def guess_until_refused(self, email):
        """The refusal of a guess at the account's password."""
        for _ in range(TRIES_MAX):
            answer = self.shop.post(API + "/login", {"email": email, "password": "guess"})
            if answer.status == 429:
                self.assertProblem(answer, 429)
                return answer
            self.assertProblem(answer, 401)
        self.fail("%d guesses were not refused" % TRIES_MAX)


if __name__ == "__main__":
    unittest.main()
