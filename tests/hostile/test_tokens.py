"""Attacks on access tokens, against the running shop: RFC 8725's list, and what else was done to JWT libraries."""
import hashlib
import json
import pathlib
import socket
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import forge  # noqa: E402
import wire  # noqa: E402
from case import ShopCase  # noqa: E402

ME = "/api/identity/v1/me"
LEDGER = "/api/payments/v1/ledger"
HOUR_S = 3600
TOKEN_LIFETIME_S = 600

# As a kid: what would name a file, a statement, a command or an address to who looks keys up by it.
KIDS = ("", "none", "/dev/null", "../../../../../../dev/null", "../../../../../../etc/passwd", "file:///dev/null",
        "http://127.0.0.1:1/key", "' OR 1=1 --", "' UNION SELECT 'x' --", "x' OR kid LIKE '%", "%", "*", "|id", "$(id)",
        "`id`", "\u0000", "x" * 44, "x" * 1000, "\U0001f511", "a\r\nX-Role: admin")


class TokenCase(ShopCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin, cls.person = cls.shop.staff("admin"), cls.shop.customer()
        cls.forger = forge.Forger(cls.admin.token)
        cls.key = forge.shop_key(cls.shop)
        cls.public = forge.public_key(cls.key.encode())

    def refused(self, token, code="token_invalid"):
        """401 on an open, a personal and a closed row; and the answer does not repeat what was sent."""
        for path in (ME, LEDGER, "/api/catalog/v1/products"):
            answer = self.shop.get(path, headers={"Authorization": b"Bearer " + token.encode("latin-1")})
            if answer.status in (400, 431):  # no header at all: refused before anybody looks for a token
                continue
            self.assertProblem(answer, 401, code)
            self.assertIn("invalid_token", answer.headers["www-authenticate"])
            self.assertNotIn(token[-20:].encode("latin-1") or b"-", answer.body)

    def accepted(self, token):
        self.assertStatus(self.shop.get(LEDGER, token=token), 200)


class ForgedTest(TokenCase):
    def test_tokens__the_forger_can_make_a_good_one(self):
        """What the other tests change one thing of: so it is that thing which is refused."""
        self.accepted(self.forger.token(self.key))
        self.accepted(self.forger.token(self.key, claims={"jti": "another"}))
        self.accepted(self.forger.token(self.key, claims={"nbf": int(time.time())}))

    def test_tokens__of_no_algorithm(self):
        good = self.admin.token.split(".")
        for name in ("none", "None", "NONE", "nOnE", "", None, 0, [], ["none"], {"alg": "none"}):
            for signature in (b"", b"\0", forge.decode(good[2])):
                with self.subTest(alg=name, signature=len(signature)):
                    self.refused(self.forger.unsigned({"alg": name}, signature=signature))
        for token in (good[0] + "." + good[1], good[0] + "." + good[1] + ".", "." + good[1] + "." + good[2],
                      good[0] + ".." + good[2], ".".join(good) + ".", ".".join(good) + "." + good[2], "..", "...."):
            with self.subTest(token=token[-40:]):
                self.refused(token)

    def test_tokens__by_the_public_key_as_a_secret(self):
        """Key confusion: HMAC under the bytes that everybody may read, in each form that somebody might use."""
        modulus = self.shop.get("/api/identity/.well-known/jwks.json")
        key = modulus.json["keys"][0]
        secrets = {"PEM": self.public, "PEM without its end": self.public.strip(), "modulus": forge.decode(key["n"]),
                   "modulus as text": key["n"].encode(), "JWK": json.dumps(key).encode(), "JWKS": modulus.body,
                   "DER": forge.openssl("pkey", "-pubin", "-outform", "DER", data=self.public), "nothing": b"",
                   "kid": key["kid"].encode(), "a word": b"secret"}
        for what, secret in secrets.items():
            for name, digest in (("HS256", hashlib.sha256), ("HS384", hashlib.sha384), ("HS512", hashlib.sha512),
                                 ("RS256", hashlib.sha256)):
                with self.subTest(secret=what, alg=name):
                    self.refused(self.forger.token_by_secret(secret, {"alg": name}, digest))

    def test_tokens__of_another_algorithm(self):
        """The shop's own key signs, by another algorithm than the one of the list, honestly named or not."""
        pss = ("-sigopt", "rsa_padding_mode:pss")
        for name, options, digest in (("RS384", (), "sha384"), ("RS512", (), "sha512"), ("PS256", pss, "sha256"),
                                      ("RS256", pss, "sha256"), ("RS256", (), "sha512"), ("RS256", (), "sha1")):
            with self.subTest(alg=name, options=options, digest=digest):
                header = {"alg": name}
                text = forge.encode({**self.forger.header, **header}) + "." + forge.encode(self.forger.claims)
                signature = self.forger.sign_rsa(text, self.key, *options, digest=digest)
                self.refused(text + "." + forge.encode(signature))
        for name in ("rs256", "RS256 ", "ES256", "EdDSA", ["RS256"], ["RS256", "none"], {"0": "RS256"}, True):
            with self.subTest(alg=name):
                self.refused(self.forger.token(self.key, header={"alg": name}))
        curve = forge.new_key("EC", "ec_paramgen_curve:P-256")
        for name in ("ES256", "RS256"):
            self.refused(self.forger.token(curve, header={"alg": name}))

    def test_tokens__by_another_key(self):
        """Under the shop's kid, under none, and with the forger's key brought along in the header."""
        other = forge.new_key()
        n = forge.openssl("rsa", "-pubin", "-modulus", "-noout", data=forge.public_key(other)).decode()
        jwk = {"kty": "RSA", "e": "AQAB", "use": "sig", "kid": self.forger.header["kid"],
               "n": forge.encode(bytes.fromhex(n.partition("=")[2].strip()))}
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = "http://127.0.0.1:%d/keys" % listener.getsockname()[1]
            for header in ({}, {"kid": None}, {"jwk": jwk}, {"jwk": jwk, "kid": None}, {"jku": address},
                           {"x5u": address}, {"jku": address, "kid": None}, {"x5c": ["MIIB"]}, {"x5t": "AAAA"},
                           {"kid": address}, {"crit": ["exp"]}):
                for pem in (other, self.key):
                    if header or pem == other:
                        with self.subTest(header=header, key="its own" if pem == other else "the shop's"):
                            self.refused(self.forger.token(pem, header=header))
            listener.setblocking(False)
            self.assertRaises(BlockingIOError, listener.accept)  # nobody fetched a key

    def test_tokens__kid_is_only_a_name(self):
        empty = self.forger
        for kid in (*KIDS, None, 0, True, [], {}, ["x"]):
            with self.subTest(kid=kid):
                self.refused(self.forger.token(self.key, header={"kid": kid}))
                self.refused(empty.token_by_secret(b"", {"kid": kid, "alg": "HS256"}))

    def test_tokens__headers_are_ours_exactly(self):
        for header in ({"typ": "JWT"}, {"typ": None}, {"typ": "AT+JWT "}, {"typ": "application/at+jwt"}, {"typ": 1},
                       {"typ": "dpop+jwt"}, {"cty": "JWT"}, {"b64": False}, {"b64": False, "crit": ["b64"]},
                       {"zip": "DEF"}, {"enc": "A256GCM", "alg": "RSA-OAEP"}, {"extra": "x"}):
            with self.subTest(header=header):
                self.refused(self.forger.token(self.key, header=header))
        kid = self.forger.header["kid"]
        for text in ('{"alg":"none","alg":"RS256","typ":"at+jwt","kid":"%s"}',
                     '{"alg":"RS256","typ":"at+jwt","kid":"x","kid":"%s"}', '{"alg":"RS256","typ":"at+jwt","kid":"%s"',
                     '[{"alg":"RS256","typ":"at+jwt","kid":"%s"}]', '{"ALG":"RS256","typ":"at+jwt","kid":"%s"}',
                     '{"alg":"RS256","typ":"at+jwt","kid":"%s"} x', '/**/{"alg":"RS256","typ":"at+jwt","kid":"%s"}'):
            with self.subTest(header=text):
                self.refused(self.forger.token(self.key, header=(text % kid).encode()))


class ClaimTest(TokenCase):
    def test_tokens__out_of_their_time(self):
        now = int(time.time())
        for claims, code in (({"iat": now - HOUR_S, "exp": now - HOUR_S + TOKEN_LIFETIME_S}, "token_expired"),
                             ({"iat": now - 60, "exp": now - 30}, "token_expired"),
                             ({"iat": now, "exp": now + HOUR_S}, "token_invalid"),  # longer than any that we sign
                             ({"iat": now, "exp": now + 10 ** 15}, "token_invalid"),
                             ({"iat": now + 60, "exp": now + 120}, "token_invalid"),
                             ({"nbf": now + 60}, "token_invalid"), ({"exp": None}, "token_invalid"),
                             ({"iat": None}, "token_invalid"), ({"exp": str(now + 60)}, "token_invalid"),
                             ({"exp": now + 60.5}, "token_invalid"), ({"exp": -1}, "token_invalid"),
                             ({"exp": 2 ** 64 + now}, "token_invalid"), ({"nbf": "0"}, "token_invalid"),
                             ({"iat": now + 60, "exp": now + 30}, "token_invalid")):
            with self.subTest(claims=claims):
                self.refused(self.forger.token(self.key, claims=claims), code)

    def test_tokens__of_or_for_somebody_else(self):
        for name in ("iss", "aud"):
            right = self.forger.claims[name]
            for value in ("", "https://evil.example", right + "/", right.upper() + "x", [right], [right, "other"], None,
                          0, {"0": right}, right + "\0"):
                with self.subTest(claim=name, value=value):
                    self.refused(self.forger.token(self.key, claims={name: value}))

    def test_tokens__claims_are_ours_exactly(self):
        for claims in ({"sub": None}, {"sub": ""}, {"sub": 1}, {"sub": "x" * 100}, {"sid": None}, {"jti": None},
                       {"tenant": None}, {"tenant": ""}, {"roles": None}, {"roles": "admin"}, {"roles": {"admin": 1}},
                       {"roles": ["root"]}, {"roles": ["service"]}, {"roles": [["admin"]]}, {"roles": 8},
                       {"sub": "a\0b"}, {"email": 5}):
            with self.subTest(claims=claims):
                self.refused(self.forger.token(self.key, claims=claims))
        self.assertProblem(self.shop.get(ME, token=self.forger.token(self.key, claims={"tenant": "other"})), 403)
        whole = json.dumps(self.forger.claims)
        for text in ("", "null", "[]", "1", whole[:-1], whole + " x", whole[:-1] + ',"roles":["admin"]}',
                     whole[:-1] + ',"exp":99999999999}', whole[:-1] + ',"sub":"x"}', "\ufeff" + whole,
                     whole.replace('"sub"', '"s\\u0075b"', 1)[:-1] + ',"sub":"x"}', "[" * 500 + "]" * 500):
            with self.subTest(claims=text[-50:]):
                self.refused(self.forger.token(self.key, claims=text.encode()))

    def test_tokens__a_customers_is_not_an_administrators(self):
        """Every part taken from one token and put into another."""
        mine, theirs = self.person.token.split("."), self.admin.token.split(".")
        for parts in ((mine[0], theirs[1], mine[2]), (theirs[0], mine[1], theirs[2]),
                      (mine[0], theirs[1], theirs[2][::-1]),
                      (mine[0], forge.encode({**self.forger.claims, "roles": ["admin"]}), mine[2])):
            self.refused(".".join(parts))
        self.assertProblem(self.shop.get(LEDGER, token=self.person), 403)
        self.accepted(self.admin.token)

    def test_tokens__tampered_with(self):
        """A letter of each region changed, and other spellings of the same bytes."""
        token = self.admin.token
        dots = [i for i, c in enumerate(token) if c == "."]
        for place in {0, dots[0] // 2, dots[0] + 1, (dots[0] + dots[1]) // 2, dots[1] - 1, dots[1] + 1,
                      (dots[1] + len(token)) // 2, len(token) - 1}:
            for letter in "Aa_":
                if token[place] != letter:
                    with self.subTest(place=place, letter=letter):
                        self.refused(token[:place] + letter + token[place + 1:])
        for spelled in (token + "=", token + "==", token[:-1], token + "A", token.replace(".", ".=", 1),
                        token.replace("_", "/").replace("-", "+") + "=", token.replace(".", " .", 1), token + "\x00",
                        token + "%00", token + "\xff", token.upper(), '"' + token + '"', token + "," + token):
            with self.subTest(spelled=spelled[-20:]):
                self.refused(spelled)

    def test_tokens__too_large(self):
        for claims in ({"padding": "x" * 3000}, {"padding": "x" * 12000}, {"x%d" % i: i for i in range(100)},
                       {"roles": ["customer"] * 1000}):
            self.refused(self.forger.token(self.key, claims=claims))
        for text in ("a" * 2049, "." * 2000, "a." * 1000, "a" * 15000, "A" * 700 + "." + "A" * 700 + "." + "A" * 640):
            self.refused(text)

    def test_tokens__stand_in_the_header_or_the_session_cookie_alone(self):
        """Not in the address, where logs and proxies see it, not in another cookie, not in another header."""
        token = self.admin.token
        for path, headers in ((LEDGER + "?access_token=" + token, {}), (LEDGER, {"Cookie": "session=" + token}),
                              (LEDGER, {"Cookie": "access_token=" + token}), (LEDGER, {"X-Access-Token": token}),
                              (LEDGER, {"Cookie": "__Host-guest=" + token}), (LEDGER, {"Cookie": "csrf=" + token}),
                              (LEDGER, {"Cookie": "__Host-refresh=" + token}),
                              (LEDGER, {"Cookie": "__host-session=" + token}),
                              (LEDGER, {"Cookie": "__Host-session=x; __Host-session=" + token}),
                              (LEDGER, {"Cookie": "__Host-session=" + token, "Authorization": "Bearer x"}),
                              (LEDGER, {"Proxy-Authorization": "Bearer " + token}),
                              (LEDGER, {"Authorization": token}), (LEDGER, {"Authorization": "Token " + token})):
            with self.subTest(path=path[:30], headers=list(headers)):
                self.assertProblem(self.shop.get(path, headers=headers), 401)

    def test_tokens__and_what_else_says_who_asks_come_once(self):
        """Two of a header that says who asks, or for what: whoever stands before may have read the other one."""
        good = "Authorization: Bearer " + self.admin.token
        for one, other in ((good, "Authorization: Bearer " + self.person.token), (good, "authorization: x"),
                           ("AUTHORIZATION: Basic eA==", good), (good, good), ("X-Tenant: default",) * 2,
                           ("X-Guest-Token: " + "0" * 40, "X-Guest-Token: " + "1" * 40),
                           ("Idempotency-Key: " + "a" * 32, "Idempotency-Key: " + "b" * 32),
                           ("If-Match: \"1\"", "If-Match: \"2\""), ("Cookie: a=b", "Cookie: c=d"),
                           ("X-CSRF-Token: a", "X-CSRF-Token: a"),
                           ("Content-Type: application/json", "Content-Type: text/csv")):
            for lines in ([one, other], [one, "X-Between: x", other]):
                head = ["GET %s HTTP/1.1" % ME, "Host: localhost", "Connection: close", *lines]
                with self.subTest(one=one[:30], other=other[:30]):
                    received, _ = wire.exchange(self.shop, "\r\n".join([*head, "", ""]).encode())
                    self.assertEqual([400], wire.statuses(received))
                    self.assertIn(b'"repeated_header"', received)

    def test_tokens__keys_that_are_published_are_public(self):
        answer = self.shop.get("/api/identity/.well-known/jwks.json")
        for key in answer.json["keys"]:
            self.assertEqual({"kty", "use", "alg", "kid", "n", "e"}, set(key))
            self.assertEqual(("RSA", "sig", "RS256"), (key["kty"], key["use"], key["alg"]))
            self.assertGreaterEqual(len(forge.decode(key["n"])), 256)


if __name__ == "__main__":
    unittest.main()
