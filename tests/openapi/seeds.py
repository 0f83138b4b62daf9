"""Real things for the exploration, and the examples of the document that name them: schemathesis sends an operation's
examples as they are, and makes from them what is almost right. Operations that use something up have one of their own.
"""
import re
import uuid

from hooks import ANY_KEY, ANY_SESSION
from shop import PASSWORD, new_email

IDENTITY, CATALOG, ORDERS = "/api/identity/v1", "/api/catalog/v1", "/api/orders/v1"
CART_ITEMS = ORDERS + "/cart/items"


def guest_with_cart(shop, sku):
    """A guest's token."""
    return cart_item(shop, sku)["guest_token"]


def cart_item(shop, sku, **who):
    """The cart, with one more item."""
    answer = shop.post(CART_ITEMS, {"sku_id": sku, "quantity": 1}, **who)
    assert answer.status == 201, answer
    return answer.json


def two_cart_items(shop, who):
    for _ in range(2):
        cart = cart_item(shop, shop.sku(100), **who)
    return [item["id"] for item in cart["items"][-2:]]


def bought(shop, sku, who):
    order = shop.buy([(sku, 1)], **who)
    assert order["status"] == "confirmed", order
    return order


def some_user(shop):
    """The id of somebody with a session."""
    return shop.get(IDENTITY + "/me", token=shop.customer()).json["id"]


def mailed_reset(shop):
    person = shop.customer()
    assert shop.post(IDENTITY + "/password/forgot", {"email": person.email}).status == 204
    return {"email": person.email, "code": shop.mailed_code(person.email, 1), "password": PASSWORD}


def unverified(shop):
    address = new_email()
    assert shop.post(IDENTITY + "/signup", {"email": address, "password": PASSWORD, "name": "Ada"}).status == 201
    return {"email": address, "code": shop.mailed_code(address)}


def mail_id(shop):
    return re.search(r"^Link: /dev/mail/(\S+)", shop.get("/dev/mail").body.decode(), re.M).group(1)


def one_row_csv(shop, admin):
    """A file for the import with a product that is new."""
    columns = shop.get(CATALOG + "/export", token=admin).body.decode().split("\r\n", 1)[0].split(",")
    row = {"title": "Lamp", "category": "lamps", "price": "100", "currency": "EUR", "on_hand": "1",
           "slug": "lamp-" + uuid.uuid4().hex, "code": "L-" + uuid.uuid4().hex}
    return "%s\r\n%s\r\n" % (",".join(columns), ",".join(row.get(column, "") for column in columns))


def bodies(shop, admin, sku):
    """The example of each body, by operation."""
    spare = shop.customer()
    password = {"email": spare.email, "password": PASSWORD}
    price = {"amount": 1000, "currency": "EUR"}
    return {
        "POST %s/signup" % IDENTITY: {"email": new_email(), "password": PASSWORD, "name": "Ada"},
        "POST %s/verify" % IDENTITY: unverified(shop),
        "POST %s/login" % IDENTITY: password,
        "POST %s/refresh" % IDENTITY: {"refresh_token": spare.tokens["refresh_token"]},
        "POST %s/logout" % IDENTITY: {},
        "POST %s/password/forgot" % IDENTITY: {"email": spare.email},
        "POST %s/password/reset" % IDENTITY: mailed_reset(shop),
        "POST %s/password/change" % IDENTITY: {"current_password": PASSWORD, "new_password": PASSWORD + "!"},
        "PATCH %s/me" % IDENTITY: {"name": "Ada"},
        "PUT %s/users/{id}/roles" % IDENTITY: {"roles": ["customer", "support"]},
        "PUT %s/users/{id}/status" % IDENTITY: {"status": "disabled"},
        "POST %s/products" % CATALOG: {"title": "Lamp", "category": "lamps", "price": price,
                                       "skus": [{"code": "N-" + uuid.uuid4().hex, "attributes": {}}]},
        "PATCH %s/products/{id}" % CATALOG: {"description": "A lamp."},
        "PUT %s/skus/{id}/stock" % CATALOG: {"on_hand": 70},
        "POST %s/import" % CATALOG: one_row_csv(shop, admin),
        "POST /api/payments/v1/payments/{id}/refunds": {"amount": 1},
        "POST " + CART_ITEMS: {"sku_id": sku, "quantity": 1},
        "PATCH %s/{id}" % CART_ITEMS: {"quantity": 2},
        "POST %s/orders" % ORDERS: shop.order_body([(sku, 1)]),
        "POST /api/realtime/v1/tickets": {"channels": ["product:" + shop.product()["id"]]},
    }


def parameters(shop, who, sku):
    """The examples of path and query parameters, by operation: what is the person's own and what is another's."""
    removable = shop.product((1, 1))
    changed, removed = two_cart_items(shop, who)
    own, others = bought(shop, sku, who), bought(shop, sku, {})
    return {
        "GET %s/users/{id}" % IDENTITY: {"id": [some_user(shop)]},
        "PUT %s/users/{id}/roles" % IDENTITY: {"id": [some_user(shop)]},
        "PUT %s/users/{id}/status" % IDENTITY: {"id": [some_user(shop)]},
        "DELETE %s/users/{id}/sessions" % IDENTITY: {"id": [some_user(shop)]},
        "DELETE %s/sessions/{id}" % IDENTITY: {"id": [ANY_SESSION]},
        "GET %s/products/{id}" % CATALOG: {"id": [shop.product()["id"]]},
        "PATCH %s/products/{id}" % CATALOG: {"id": [shop.product()["id"]]},
        "DELETE %s/products/{id}" % CATALOG: {"id": [shop.product()["id"]]},
        "DELETE %s/products/{id}/skus/{sku_id}" % CATALOG: {"id": [removable["id"]],
                                                            "sku_id": [removable["skus"][0]["id"]]},
        "PUT %s/skus/{id}/stock" % CATALOG: {"id": [shop.sku()]},
        "GET %s/skus/{id}/stock" % CATALOG: {"id": [sku]},
        "GET /api/payments/v1/payments/{id}": {"id": [own["payment"]["id"], others["payment"]["id"]]},
        "POST /api/payments/v1/payments/{id}/refunds": {"id": [bought(shop, sku, who)["payment"]["id"]]},
        "PATCH %s/{id}" % CART_ITEMS: {"id": [changed]},
        "DELETE %s/{id}" % CART_ITEMS: {"id": [removed]},
        "GET %s/orders/{id}" % ORDERS: {"id": [own["id"], others["id"]]},
        "POST %s/orders/{id}/cancel" % ORDERS: {"id": [bought(shop, sku, who)["id"], others["id"]]},
        "POST %s/orders/{id}/fulfil" % ORDERS: {"id": [bought(shop, sku, who)["id"]]},
        "GET /dev/mail/{id}": {"id": [mail_id(shop)]},
        "GET /api/shell/v1/pages": {"path": ["/"]},
    }


def name_examples(operation, body, values):
    """Writes the examples into an operation of the document."""
    if body is not None:
        for media in operation["requestBody"]["content"].values():
            media["example"] = body
    for parameter in operation["parameters"]:
        if values.get(parameter["name"]):
            parameter["examples"] = {str(n): {"value": value} for n, value in enumerate(values[parameter["name"]])}


def seed(shop, api, admin, person):
    """Makes what a person (None: a guest) can deal with, and names it in the document."""
    sku = shop.sku(10000)
    guest = None if person else guest_with_cart(shop, sku)
    who = {"token": person} if person else {"guest": guest}
    by_body, by_parameter = bodies(shop, admin, sku), parameters(shop, who, sku)
    headers = {"Idempotency-Key": [ANY_KEY], "If-Match": ["*"]}
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            name = "%s %s" % (method.upper(), path)
            if guest and operation["x-auth"] == "shopper":
                operation["parameters"].append({"name": "X-Guest-Token", "in": "header",
                                                "schema": {"type": "string"}})
            name_examples(operation, by_body.pop(name, None),
                          {**headers, "X-Guest-Token": [guest], **by_parameter.pop(name, {})})
    assert not by_body and not by_parameter, "no such operation: %s %s" % (by_body, by_parameter)
