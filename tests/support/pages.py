"""Pages for black-box tests: a folder as the build makes it, but small, and what a browser gets of it."""
import gzip
import json
import pathlib
import re
import sys
import tempfile
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from case import ShopCase  # noqa: E402

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SCRIPT = "/assets/shell/main.1a2b3c4d.js"
STYLE = "/assets/shell/main.5e6f7a8b.css"
PRODUCTS = "/api/catalog/v1/products"
# Shows what a page is about, and no more.
BUNDLE = """
function escaped(text) {
  return text.replace(/[&<>"']/g, letter => '&#' + letter.charCodeAt(0) + ';');
}
function subject(page) {
  return page.product ? page.product.product.title : page.listing ? page.listing.q || '' : page.kind;
}
function renderPage(text) {
  return '<main>' + escaped(subject(JSON.parse(text))) + '</main>';
}
"""


def write_web(folder, bundle=BUNDLE):
    """bundle: the script that renders pages; None for none."""
    frontend, pictures = pathlib.Path(folder, "frontend"), pathlib.Path(folder, "pictures")
    assets = frontend / "assets" / "shell"
    assets.mkdir(parents=True)
    pictures.mkdir()
    pathlib.Path(folder, "secret.txt").write_text("not for anybody")
    (assets / pathlib.Path(SCRIPT).name).write_text("the script")
    (assets / (pathlib.Path(SCRIPT).name + ".gz")).write_bytes(gzip.compress(b"the script"))
    (assets / pathlib.Path(STYLE).name).write_text("body{}")
    (frontend / "manifest.json").write_text(json.dumps(
        {"apps": {"shell": {"scripts": [SCRIPT], "styles": [STYLE]}}, "kinds": {"product": {"preloads": [SCRIPT]}}}))
    if bundle is not None:
        (frontend / "server").mkdir()
        (frontend / "server" / "render.js").write_text(bundle)
    (pictures / "kettle-320.webp").write_bytes(b"RIFF picture")
    (pictures / "pictures.json").write_text(json.dumps({"/pictures/kettle": {"pictures": [
        {"src": "/pictures/kettle", "widths": [320], "formats": ["webp"], "width": 320, "height": 320}]}}))


def rendered(answer):
    """The HTML of the page's root; empty where it is left to the browser."""
    root = r'<div id="root">(.*?)</div>\n(?=<noscript>|<script id="page")'
    return re.search(root, answer.body.decode(), re.S).group(1)


class PageCase(ShopCase):
    bundle = BUNDLE

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        write_web(folder.name, cls.bundle)
        cls.settings = {**cls.settings, "WEB": folder.name}
        super().setUpClass()
        cls.merchandiser = cls.shop.staff("merchandiser")

    def page(self, path, token=None, guest=None, **headers):
        return self.shop.get(path, token=token, guest=guest, headers={**BROWSER, **headers})

    def document(self, answer):
        """What the browser takes the page over from: it stands in the page whole."""
        found = re.search(r'<script id="page" type="application/json">(.*?)</script>', answer.body.decode(), re.S)
        self.assertTrue(found, answer)
        return json.loads(found.group(1))

    def add(self, **fields):
        answer = self.shop.post(PRODUCTS, {
            "title": "Article " + uuid.uuid4().hex[:8], "category": "things",
            "price": {"amount": 1000, "currency": "EUR"}, "skus": [{"code": uuid.uuid4().hex[:12], "available": 5}],
            **fields}, token=self.merchandiser)
        return self.assertStatus(answer, 201)

    def edit(self, product, **fields):
        current = self.shop.get(PRODUCTS + "/" + product["id"])
        answer = self.shop.ask("PATCH", PRODUCTS + "/" + product["id"], fields, token=self.merchandiser,
                               headers={"If-Match": current.headers["etag"]})
        return self.assertStatus(answer, 200)
