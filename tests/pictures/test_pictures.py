"""Proves that each product of the demo catalog has its pictures: an entry in the manifest and files of the size that it
says, small enough for a page of twenty-four; that the drawings are well formed, speak to nobody and come out the same
each time."""
import base64
import collections
import contextlib
import ctypes
import html.parser
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

from shop import Shop  # noqa: E402

BUILD = pathlib.Path(os.environ["SHOPSTREAM_BUILD"])
PICTURES = BUILD / "pictures"
PRODUCTS = 500
SILHOUETTES_MIN = 40
LISTING_WIDTH = 320
LISTING_BYTES_MAX = 15_000  # WebP: twenty-four of them are the weight of one photograph
FILE_BYTES_MAX = 150_000
PLACEHOLDER_BYTES_MAX = 200
EVERY = 7  # of the files, one in so many is opened


def draw(*arguments):
    return subprocess.run([str(BUILD / "draw_pictures"), *arguments], capture_output=True, text=True, check=True,
                          env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0")).stdout


def webp_size(data):
    """Width and height (RFC 9649): of the lossy bitstream's frame header, or of the extended header."""
    if data[12:16] == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3fff, height & 0x3fff


def jpeg_size(data):
    """Width and height of the frame header (ITU T.81, B.2.2)."""
    at = 2
    while data[at + 1] not in (0xc0, 0xc1, 0xc2):
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    height, width = struct.unpack_from(">HH", data, at + 5)
    return width, height


def decode(path):
    """Width and height of a picture whose every pixel was decoded, by the library that drew it."""
    vips = ctypes.CDLL("libvips.so.42")
    vips.vips_image_new_from_file.restype = vips.vips_error_buffer.restype = ctypes.c_void_p
    assert vips.vips_init(b"test") == 0
    image = ctypes.c_void_p(vips.vips_image_new_from_file(str(path).encode(), None))
    mean = ctypes.c_double()
    if not image or vips.vips_avg(image, ctypes.byref(mean), None) != 0:
        raise AssertionError("%s: %s" % (path, ctypes.string_at(vips.vips_error_buffer()).decode()))
    try:
        return vips.vips_image_get_width(image), vips.vips_image_get_height(image)
    finally:
        ctypes.CDLL("libgobject-2.0.so.0").g_object_unref(image)


class Sources(html.parser.HTMLParser):
    """What the pictures of a page offer: of each <picture>, type and addresses of its sources, in their order."""

    def __init__(self, text):
        super().__init__()
        self.pictures = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag == "picture":
            self.pictures.append([])
        elif tag == "source":
            addresses = [choice.split() for choice in values["srcset"].split(",")]
            self.pictures[-1].append((values["type"], dict(addresses)))


def products_of(shop):
    cursor = ""
    while cursor is not None:
        answer = shop.get("/api/catalog/v1/products?limit=100" + cursor).json
        yield from answer["products"]
        more = answer.get("next_cursor")
        cursor = "&cursor=" + urllib.parse.quote(more) if more else None


class Pictures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manifest = json.loads((PICTURES / "pictures.json").read_text())
        cls.entries = [entry for value in cls.manifest.values() for entry in value["pictures"]]
        cls.folder = tempfile.TemporaryDirectory()
        draw("--svg", cls.folder.name)
        cls.drawings = {path.stem: path.read_bytes() for path in pathlib.Path(cls.folder.name).glob("*.svg")}

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_every_product_of_a_seeded_shop_has_pictures_of_its_own(self):
        with contextlib.closing(Shop(arguments=())) as shop:
            shop.start()
            urls = [product["image_url"] for product in products_of(shop)]
        self.assertEqual(len(urls), PRODUCTS)
        self.assertEqual(set(urls) - set(self.manifest), set())
        self.assertEqual(len({self.drawings[url.rpartition("/")[2]] for url in urls}), PRODUCTS)

    def test_categories_and_the_home_page_have_pictures(self):
        with contextlib.closing(Shop(arguments=())) as shop:
            shop.start()
            slugs = [category["slug"] for category in shop.get("/api/catalog/v1/categories").json["categories"]]
        self.assertGreater(len(slugs), 9)
        for name in ["home"] + ["category-" + slug for slug in slugs]:
            self.assertIn("/pictures/" + name, self.manifest)

    def test_every_noun_has_a_silhouette_of_its_own(self):
        nouns = re.findall(r'\.noun = "(.*?)"', (ROOT / "services/catalog/seed_words.c").read_text())
        owners = collections.defaultdict(set)
        for value in self.manifest.values():
            front = value["pictures"][0]
            title = front["alt"].partition(",")[0]
            noun = next((noun for noun in nouns if title.endswith(" " + noun)), None)
            if noun:
                body = self.drawings[front["src"].rpartition("/")[2]].decode().partition("</defs>")[2]
                outlines = re.findall(r" d='([^']*)'", body)
                owners[re.sub(r"[\d.\s-]+", " ", " ".join(outlines))].add(noun)
        self.assertEqual(set.union(*owners.values()), set(nouns))
        self.assertGreaterEqual(len(nouns), SILHOUETTES_MIN)
        for sharing in owners.values():
            self.assertEqual(len(sharing), 1, sharing)

    def test_entries_say_what_a_page_needs(self):
        for key, value in self.manifest.items():
            self.assertTrue(key.startswith("/pictures/"))
            self.assertEqual(value["pictures"][0]["src"], key)
        for entry in self.entries:
            self.assertEqual(entry["widths"], sorted(entry["widths"]))
            self.assertEqual(entry["width"], entry["widths"][-1])
            self.assertIn(LISTING_WIDTH, entry["widths"])
            self.assertEqual(entry["formats"][-2:], ["webp", "jpg"])
            self.assertRegex(entry["alt"], r"^[A-Z].{10,200}\.$")
            placeholder = entry["placeholder"].removeprefix("data:image/webp;base64,")
            data = base64.b64decode(placeholder, validate=True)
            self.assertEqual(webp_size(data)[0], 16)
            self.assertLessEqual(len(data), PLACEHOLDER_BYTES_MAX)

    def test_every_file_is_there_and_small(self):
        for entry in self.entries:
            name = entry["src"].rpartition("/")[2]
            for width in entry["widths"]:
                for picture_format in entry["formats"]:
                    size = (PICTURES / ("%s-%d.%s" % (name, width, picture_format))).stat().st_size
                    small = width == LISTING_WIDTH and picture_format == "webp" and not name.endswith("-close")
                    self.assertIn(size, range(300, LISTING_BYTES_MAX if small else FILE_BYTES_MAX), name)

    def test_files_are_as_large_as_they_say(self):
        for entry in self.entries[::EVERY]:
            stem = PICTURES / entry["src"].rpartition("/")[2]
            for width in entry["widths"]:
                height = round(width * entry["height"] / entry["width"])
                self.assertEqual(webp_size(stem.with_name("%s-%d.webp" % (stem.name, width)).read_bytes()),
                                 (width, height))
                self.assertEqual(jpeg_size(stem.with_name("%s-%d.jpg" % (stem.name, width)).read_bytes()),
                                 (width, height))

    def test_drawings_are_well_formed_and_refer_to_nothing_outside(self):
        self.assertEqual(len(self.drawings), len(self.entries))
        for name, drawing in self.drawings.items():
            root = xml.etree.ElementTree.fromstring(drawing)
            self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg", name)
            known = {element.get("id") for element in root.iter() if element.get("id")}
            for element in root.iter():
                self.assertNotIn(element.tag.rpartition("}")[2], ("image", "text", "script", "use", "style"), name)
                for value in element.attrib.values():
                    self.assertNotRegex(value, r"nan|inf|http|data:", name)
                    if value.startswith("url("):
                        self.assertIn(value[5:-1], known, name)

    def test_drawings_are_the_same_each_time(self):
        with tempfile.TemporaryDirectory() as folder:
            draw("--svg", "--only=alder-", folder)
            again = {path.stem: path.read_bytes() for path in pathlib.Path(folder).glob("*.svg")}
        self.assertGreater(len(again), 4)
        for name, drawing in again.items():
            self.assertEqual(drawing, self.drawings[name])

    def test_what_is_drawn_is_not_drawn_again(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertIn("drew", draw("--only=alder-", folder))
            self.assertEqual(draw("--only=alder-", folder), "")
            next(pathlib.Path(folder).glob("alder-*-320.webp")).unlink()
            self.assertEqual(draw("--only=alder-", folder), "draw_pictures: drew 1 pictures\n")


class Avif(unittest.TestCase):
    """As after `make pictures-avif`, with the pictures of one product."""
    PRODUCT = "alder-carbon-steel-frying-pan"

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.web, cls.pictures = folder.name, pathlib.Path(folder.name, "pictures")
        shutil.copytree(BUILD / "frontend", pathlib.Path(cls.web, "frontend"))
        draw("--only=" + cls.PRODUCT, str(cls.pictures))
        cls.told = draw("--avif", "--only=" + cls.PRODUCT, str(cls.pictures))
        cls.entries = json.loads((cls.pictures / "pictures.json").read_text())["/pictures/" + cls.PRODUCT]["pictures"]

    def test_files_decode_at_their_widths(self):
        self.assertEqual(self.told, "draw_pictures: drew %d pictures\n" % len(self.entries))
        self.assertEqual(draw("--avif", "--only=" + self.PRODUCT, str(self.pictures)), "")
        for entry in self.entries:
            self.assertEqual(entry["formats"], ["avif", "webp", "jpg"])
            for width in entry["widths"]:
                path = self.pictures / ("%s-%d.avif" % (entry["src"].rpartition("/")[2], width))
                self.assertEqual(path.read_bytes()[4:12], b"ftypavif")
                self.assertEqual(decode(path), (width, round(width * entry["height"] / entry["width"])))
                self.assertLess(path.stat().st_size, path.with_suffix(".jpg").stat().st_size)

    def test_a_page_offers_them_first(self):
        with contextlib.closing(Shop(arguments=(), WEB=self.web)) as shop:
            shop.start()
            page = shop.get("/products/" + self.PRODUCT, headers={"Accept": "text/html"}).body.decode()
            pictures = Sources(page).pictures
            for entry in self.entries:
                addresses = {"%s-%d.avif" % (entry["src"], width): "%dw" % width for width in entry["widths"]}
                offers = [picture for picture in pictures if picture[0] == ("image/avif", addresses)]
                self.assertEqual({"image/webp"}, {picture[1][0] for picture in offers}, entry["src"])
                for address in addresses:
                    answer = shop.get(address)
                    self.assertEqual((200, "image/avif"), (answer.status, answer.headers["content-type"]))
                    self.assertEqual(answer.body, (self.pictures / address.rpartition("/")[2]).read_bytes())
