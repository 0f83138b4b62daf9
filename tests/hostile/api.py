"""The shop's own description of itself, read by tests that hold for every route: the rows of the service tables
(`shopstream routes --json`) and, from the OpenAPI document, a body that each would take."""
import copy
import functools
import json
import re
import subprocess
import uuid

from shop import ADDRESS, BINARY, REQUEST_TIMEOUT_S, new_email, new_key

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# Whom each auth of a row lets in; "anonymous" is nobody signed in.
EVERYBODY = {"anonymous", "customer", "support", "merchandiser", "admin"}
ALLOWED = {"anyone": EVERYBODY, "shopper": EVERYBODY, "signed_in": EVERYBODY - {"anonymous"},
           "support": {"support", "admin"}, "merchandiser": {"merchandiser", "admin"},
           "staff": {"support", "merchandiser", "admin"}, "admin": {"admin"}, "service": set()}


CSRF = "c" * 43  # as a browser has it from the shop: what counts is that cookie and header are equal


def printed(*arguments):
    """What a command prints, as JSON."""
    done = subprocess.run([BINARY, *arguments], check=True, capture_output=True, timeout=REQUEST_TIMEOUT_S)
    return json.loads(done.stdout)


class Row:
    """A row of a service table."""

    def __init__(self, fields):
        self.service, self.auth = fields["service"], fields["auth"]
        self.method, self.path, self.rpc = (fields.get(name) for name in ("method", "path", "rpc"))
        self.own_listener, self.in_openapi = fields["own_listener"], fields["in_openapi"]
        self.if_match, self.if_match_required = fields["if_match"], fields["if_match_required"]
        self.browser = fields["browser"]

    def __repr__(self):
        return "%s %s" % (self.method, self.path) if self.method else self.rpc

    @property
    def changes(self):
        return self.method not in ("GET", "HEAD")

    @property
    def takes_id(self):
        return "{" in (self.path or "")

    def addressed(self, path):
        """The row by an address of its own, that names something in a query."""
        other = copy.copy(self)
        other.path = path
        return other

    def at(self, identifier):
        return re.sub(r"\{[a-z_]+\}", identifier, self.path)


@functools.cache
def rows():
    return [Row(fields) for fields in printed("routes", "--json")["routes"]]


def shop_rows():
    """Those that a client of the shop's own port reaches."""
    return [row for row in rows() if row.method and not row.own_listener]


@functools.cache
def document():
    return printed("openapi")


def resolve(schema):
    while "$ref" in schema:
        target = document()
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    return schema


def body_schema(row):
    """Of the JSON body; None where the row takes none."""
    operation = document()["paths"].get(row.path, {}).get(row.method.lower(), {})
    content = operation.get("requestBody", {}).get("content", {})
    return resolve(content["application/json"]["schema"]) if "application/json" in content else None


def sample_text(schema):
    if schema.get("format") == "email":
        return new_email()
    if "enum" in schema:
        return schema["enum"][-1]
    if schema.get("examples"):
        return schema["examples"][0]
    if schema.get("pattern"):
        return {"^[A-Z]{3}$": "EUR", "^[A-Z]{2}$": "DE"}.get(schema["pattern"], "things")
    return "x" * max(8, schema.get("minLength", 0)) if schema.get("maxLength", 8) >= 8 else "x" * schema["maxLength"]


def sample(schema, optional=False):
    """A value that the schema takes; optional: with the members that may be left out."""
    schema = resolve(schema)
    kind = schema.get("type")
    if kind == "object":
        wanted = schema.get("properties", {}) if optional else schema.get("required", [])
        return {name: sample(schema["properties"][name]) for name in wanted}
    if kind == "array":
        return [sample(schema["items"])] * max(1, schema.get("minItems", 1))
    if kind == "integer":
        return max(1, schema.get("minimum", 1))
    if kind == "boolean":
        return True
    return sample_text(schema)


def sample_body(row, **members):
    """A body that the row would take from who may; None where it takes none."""
    schema = body_schema(row)
    if schema is None:
        return None
    body = {**sample(schema, optional=not schema.get("required")), **members}
    if "shipping_address" in body:
        body["shipping_address"] = ADDRESS
    return body


def sample_headers(row):
    """What the row may want beside the body."""
    return {"Idempotency-Key": new_key(), **({"If-Match": "*"} if row.if_match else {}),
            **({"Cookie": "csrf=" + CSRF, "X-CSRF-Token": CSRF} if row.browser else {})}


def find_ids(value):
    """Every id in an answer."""
    return set(UUID.findall(value if isinstance(value, str) else json.dumps(value)))


def invented_id():
    return str(uuid.uuid4())
