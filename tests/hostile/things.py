"""What the addresses of rows name, and for each row a request that does something: a refusal shows nothing unless
whoever may gets through with the very same request."""
import copy
import functools
import re

import api
from shop import PASSWORD, new_key

# Rows whose parameter names a file or a mail of the machine, and nothing of a tenant or a person.
FILES = ("/assets/", "/pictures/", "/sitemap/", "/api/docs/", "/dev/")
NAMES = re.compile(r"[a-z_-]+[/:]\{[a-z_]+\}")  # "products/{id}", "order:{id}"
NAMED = {"products/{id}": lambda things: things.product["id"], "products/{slug}": lambda things: things.product["slug"],
         "c/{category}": lambda things: things.product["category"],
         "skus/{id}": lambda things: things.sku, "skus/{sku_id}": lambda things: things.sku,
         "users/{id}": lambda things: things.user, "user:{id}": lambda things: things.user,
         "sessions/{id}": lambda things: things.session, "items/{id}": lambda things: things.cart["items"][0]["id"],
         "orders/{id}": lambda things: things.order["id"], "order:{id}": lambda things: things.order["id"],
         "payments/{id}": lambda things: things.order["payment"]["id"]}


class Request:
    """A row's, of things that are there; the same each time that it is sent, but for the Idempotency-Key: all guests
    have one space of keys, and would be told what another one was."""

    def __init__(self, row, things):
        self.row, self.things, self.shop = row, things, things.shop
        self.path, self.body = things.address(row), things.body(row)
        self.headers = api.sample_headers(row)
        if isinstance(self.body, bytes):
            self.headers["Content-Type"] = "text/csv"

    def send(self, headers=None, **who):
        """A header that is None is left out."""
        sent = {**self.headers, "Idempotency-Key": new_key(), **(headers or {})}
        sent = {name: value for name, value in sent.items() if value}
        return self.shop.ask(self.row.method, self.path, self.body, headers=sent, **who)

    def but(self, path=None, body=None):
        """Another one."""
        other = copy.copy(self)
        other.path, other.body = path or self.path, body or self.body
        return other


class Things:
    """One of each thing, made when it is asked for, of an owner of their own: a customer, or a guest."""

    def __init__(self, shop, is_guest=False):
        self.shop, self.is_guest = shop, is_guest

    @functools.cached_property
    def owner(self):
        return self.shop.customer()

    @property
    def who(self):
        """The owner, as `ask` takes them."""
        return {"guest": self.order["guest_token"]} if self.is_guest else {"token": self.owner}

    @property
    def email(self):
        return "buyer@mail.example" if self.is_guest else self.owner.email

    @functools.cached_property
    def product(self):
        """Without one of its SKUs it is one still."""
        return self.shop.product((5, 5))

    @property
    def sku(self):
        return self.product["skus"][0]["id"]

    @functools.cached_property
    def order(self):
        order = self.shop.buy([(self.sku, 1)], token=None if self.is_guest else self.owner, email=self.email)
        assert order["status"] == "confirmed", order
        return order

    @functools.cached_property
    def cart(self):
        answer = self.shop.post("/api/orders/v1/cart/items", {"sku_id": self.sku, "quantity": 1}, **self.who)
        assert answer.status == 201, answer
        return answer.json

    @functools.cached_property
    def user(self):
        return self.shop.get("/api/identity/v1/me", token=self.owner).json["id"]

    @functools.cached_property
    def session(self):
        return self.shop.get("/api/identity/v1/sessions", token=self.owner).json["sessions"][0]["id"]

    def all(self):
        """{what stands in a path: what it names}, all of which is there then."""
        return {name: find(self) for name, find in NAMED.items()}

    def address(self, row):
        """Of these very things: each parameter of the path names the one that is meant."""
        if row.path.startswith(FILES):
            return row.at("none")
        return NAMES.sub(lambda found: found[0][:found[0].index("{")] + NAMED[found[0]](self), row.path)

    def body(self, row):
        """Beside what the schema says how to fill, what has to name something that is there or must be right."""
        bodies = {"POST /api/identity/v1/password/change":
                  lambda: {"current_password": PASSWORD, "new_password": PASSWORD + "!"},
                  "POST /api/catalog/v1/products":
                  lambda: api.sample_body(row, skus=[{"code": new_key(), "attributes": {}}]),
                  "PATCH /api/catalog/v1/products/{id}": lambda: {"description": "Another text."},
                  "POST /api/catalog/v1/import": self.csv,
                  "POST /api/orders/v1/cart/items": lambda: {"sku_id": self.sku, "quantity": 1},
                  "POST /api/orders/v1/orders": lambda: self.shop.order_body([(self.sku, 1)]),
                  "POST /api/realtime/v1/tickets": lambda: {"channels": ["order:" + self.order["id"]]}}
        return bodies.get(repr(row), lambda: api.sample_body(row))()

    def csv(self):
        """The product with another title, as a file for the import."""
        export = self.shop.get("/api/catalog/v1/export", token=self.shop.staff("admin")).body.decode()
        head, *lines = export.splitlines(keepends=True)
        return "".join([head, *(line for line in lines if self.product["slug"] in line)]).replace(
            self.product["title"], "Another title").encode()
