"""Makes access tokens, good and bad ones: the parts of RFC 7515 by hand, the signature by openssl."""
import base64
import contextlib
import hashlib
import hmac
import json
import pathlib
import sqlite3
import subprocess
import tempfile

from shop import REQUEST_TIMEOUT_S


def encode(part):
    """base64url without padding; of JSON where it is no bytes yet."""
    if not isinstance(part, bytes):
        part = json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *arguments], input=data, check=True, capture_output=True,
                          timeout=REQUEST_TIMEOUT_S).stdout


def shop_key(shop):
    """The PEM of the key that the shop signs with, as its own database keeps it."""
    path = "file:%s?mode=ro" % (shop.data / "identity.db")
    with contextlib.closing(sqlite3.connect(path, uri=True)) as database:
        return database.execute("SELECT private_pem FROM signing_key ORDER BY signs_from_ms DESC").fetchone()[0]


def new_key(kind="RSA", option="rsa_keygen_bits:2048"):
    return openssl("genpkey", "-algorithm", kind, "-pkeyopt", option)


def public_key(pem):
    return openssl("pkey", "-pubout", data=pem)


class Forger:
    """Signs what it is given; header and claims start from those of a token that is good."""

    def __init__(self, good):
        self.header, self.claims = (json.loads(decode(part)) for part in good.split(".")[:2])

    def sign_rsa(self, text, pem, *options, digest="sha256"):
        with tempfile.TemporaryDirectory(prefix="shopstream-") as folder:
            path = pathlib.Path(folder) / "key.pem"
            path.touch(mode=0o600)
            path.write_bytes(pem if isinstance(pem, bytes) else pem.encode())
            return openssl("dgst", "-" + digest, *options, "-sign", str(path), data=text.encode())

    def token(self, pem, header=None, claims=None, **signing):
        """header, claims: what is changed (None takes a member away), or bytes as they are."""
        def part(changes, base):
            if isinstance(changes, bytes):
                return encode(changes)
            return encode({k: v for k, v in {**base, **(changes or {})}.items() if v is not None})
        text = part(header, self.header) + "." + part(claims, self.claims)
        return text + "." + encode(self.sign_rsa(text, pem, **signing))

    def unsigned(self, header, claims=None, signature=b""):
        return ".".join([encode({**self.header, **header}), encode({**self.claims, **(claims or {})}),
                         encode(signature)])

    def token_by_secret(self, secret, header, digest=hashlib.sha256):
        text = encode({**self.header, **header}) + "." + encode(self.claims)
        return text + "." + encode(hmac.new(secret, text.encode(), digest).digest())
