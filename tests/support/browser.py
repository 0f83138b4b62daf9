"""A browser without a screen: it keeps cookies as one does, sends them by itself, and says where a request comes from.

    browser = Browser(shop)
    browser.sign_in(address)
    browser.post("/api/orders/v1/cart/items", {"sku_id": sku, "quantity": 1})
"""
import re

from shop import PASSWORD

SESSION, REFRESH, GUEST, CSRF = "__Host-session", "__Host-refresh", "__Host-guest", "csrf"
COOKIE = re.compile(r"(?P<name>[^=;\s]+)=(?P<value>[^;\s]*); Path=/; Max-Age=(?P<age>\d+); Secure; SameSite=Lax"
                    r"(?P<http_only>; HttpOnly)?")


class Browser:
    """host: the name that the shop is asked by."""

    def __init__(self, shop, host=None):
        self.shop, self.host, self.cookies = shop, host, {}

    def keep(self, answer):
        """Takes the cookies of an answer, each of which must be as the shop's are."""
        for text in answer.set_cookies:
            cookie = COOKIE.fullmatch(text)
            assert cookie, text
            assert bool(cookie["http_only"]) == (cookie["name"] != CSRF), text
            if cookie["age"] == "0":
                self.cookies.pop(cookie["name"], None)
            else:
                self.cookies[cookie["name"]] = cookie["value"]
        assert not answer.set_cookies or "no-store" in answer.headers["cache-control"], answer.headers

    def headers(self, site="same-origin"):
        sent = {"Sec-Fetch-Site": site}
        if self.host:
            sent["Host"] = self.host
        if self.cookies:
            sent["Cookie"] = "; ".join("%s=%s" % pair for pair in self.cookies.items())
        return sent

    def ask(self, method, path, body=None, headers=None, site="same-origin", csrf=True, **options):
        """csrf: as the shop's own pages do it; False: as another site's page would."""
        sent = self.headers(site)
        if csrf and CSRF in self.cookies:
            sent["X-CSRF-Token"] = self.cookies[CSRF]
        answer = self.shop.ask(method, path, body, headers={**sent, **(headers or {})}, **options)
        self.keep(answer)
        return answer

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.ask("POST", path, body, **options)

    def delete(self, path, **options):
        return self.ask("DELETE", path, **options)

    def open(self):
        """Gets the csrf cookie as a page's script does, which asks who looks at it."""
        if CSRF not in self.cookies:
            assert self.get("/visitor").status == 200
        return self

    def sign_in(self, address, password=PASSWORD):
        return self.open().post("/session", {"email": address, "password": password})
