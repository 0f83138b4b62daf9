"""What renders pages breaks, in each way that it can: the page is answered all the same, for the browser to draw, with
the right status, its words and one line of the log; and the next page is rendered again."""
import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from pages import BROWSER, BUNDLE, PRODUCTS, PageCase, rendered, write_web  # noqa: E402
from shop import BINARY, PATIENCE_S, Shop, children, eventually  # noqa: E402

NOT_RENDERED = "a page was not rendered"
BROWSER_ALONE = "pages are rendered by the browser alone"
# The first word of what a page is about is what goes wrong with it.
ODD_BUNDLE = BUNDLE.replace("function renderPage(text) {", """
function throws() { throw new Error(arguments[0]); }
function eat() { const all = []; for (;;) all.push(new Array(1000).fill(all.length)); }
const faults = {
  Throws: throws,
  Loops: () => { for (;;) ; },
  Grows: eat,
  Slow: () => { const end = Date.now() + 50; while (Date.now() < end) ; },
};
function renderPage(text) {
  const [word] = subject(JSON.parse(text)).split(' ');
  if (faults[word]) faults[word](text);""")
READERS = 6
KILLS = 5


def lines(shop, words):
    return [line for line in shop.log_text().splitlines() if words in line]


class FaultTest(PageCase):
    bundle = ODD_BUNDLE

    def assertLeftToBrowser(self, answer, title):
        """A whole page without its root: what it is about stands in its head, and in the document."""
        self.assertEqual(200, answer.status)
        self.assertEqual("", rendered(answer))
        text = answer.body.decode()
        self.assertIn("<title>%s " % title, text)
        self.assertIn('<meta property="og:title" content="%s ' % title, text)
        self.assertIn("<noscript>\n<h1>%s " % title, text)
        self.assertEqual(title, self.document(answer)["product"]["product"]["title"])

    def assertComesBack(self):
        """The next page is rendered as if nothing had been."""
        product = self.add()
        self.assertEqual("<main>%s</main>" % product["title"], rendered(self.page("/products/" + product["slug"])))

    def assertFails(self, fault, detail):
        product = self.add(title=fault + " for ann at example")
        path, before = "/products/" + product["slug"], len(lines(self.shop, NOT_RENDERED))
        first = self.page(path)
        self.assertLeftToBrowser(first, product["title"])
        told = lines(self.shop, NOT_RENDERED)[before:]
        self.assertEqual(1, len(told), told)
        self.assertRegex(told[0], detail)
        self.assertNotIn("example", told[0])  # nothing of the document
        # It would fail again: it is kept as it is, and costs nothing more, until what it shows changes.
        self.assertEqual(first.body, self.page(path).body)
        self.assertEqual(before + 1, len(lines(self.shop, NOT_RENDERED)))
        self.assertComesBack()
        self.edit(product, title="Mended")
        self.assertEqual("<main>Mended</main>", rendered(self.page(path)))

    def test_fault__a_page_that_throws(self):
        self.assertFails("Throws", r"the page threw Error at throws \(render.js:\d+:\d+\), renderPage")

    def test_fault__a_page_that_never_ends(self):
        self.assertFails("Loops", "the page ran longer than it may")

    def test_fault__a_page_that_takes_all_memory(self):
        """On a slow machine its time is up first."""
        self.assertFails("Grows", "the page took more memory than it may|the page ran longer than it may")

    def test_fault__the_page_of_a_problem_throws_too(self):
        """Its status stays, and so does what it says."""
        product = self.add(title="Throws always")
        self.page("/products/" + product["slug"])
        answer = self.page("/nothing")
        self.assertEqual((404, "<main>error</main>"), (answer.status, rendered(answer)))

    def test_fault__contexts_are_killed_under_load(self):
        """With kill -9, while they render: who asked gets the page undrawn, and whoever asks next a rendered one, as
        what was not the page's own fault is kept by nobody."""
        end, stop, answers, failures = time.monotonic() + PATIENCE_S, threading.Event(), {}, []

        def read(reader):
            number = 0
            while not stop.is_set():
                path = "/search?q=Slow+%d+%d" % (reader, number)
                number += 1
                try:
                    answers[path] = self.page(path)
                except Exception as error:  # of any kind: the page was not answered
                    failures.append((path, error))

        before = len(lines(self.shop, NOT_RENDERED))
        readers = [threading.Thread(target=read, args=(reader,)) for reader in range(READERS)]
        for reader in readers:
            reader.start()
        try:
            while self.undrawn(answers) < KILLS and time.monotonic() < end:
                for context in children(children(self.shop.process.pid)[0]):
                    os.kill(context, signal.SIGKILL)
                drawn = len(answers)
                eventually(lambda: len(answers) > drawn + READERS or failures, "an answer")
        finally:
            stop.set()
            for reader in readers:
                reader.join()
        self.assertEqual([], failures)
        self.assertGreaterEqual(self.undrawn(answers), KILLS)
        self.assertEqual({200}, {answer.status for answer in answers.values()})
        told = lines(self.shop, NOT_RENDERED)[before:]
        self.assertEqual(self.undrawn(answers), len(told))
        self.assertIn("ended without a word", told[0])
        for path, answer in answers.items():
            self.assertEqual("listing", self.document(answer)["kind"])
            if not rendered(answer):
                self.assertEqual("private, no-store", answer.headers["cache-control"])
                self.assertIn("<noscript>", answer.body.decode())
                self.assertTrue(rendered(self.page(path)), path)
        self.assertComesBack()

    def undrawn(self, answers):
        return sum(not rendered(answer) for answer in list(answers.values()))


class StartTest(unittest.TestCase):
    """The shop does not wait for what renders pages, and its first pages do."""

    def start(self, script):
        """A shop whose program that renders is a script; it finds the real one in $real, and a pipe in $pipe."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        write_web(folder.name)
        program, render = (pathlib.Path(folder.name, name) for name in ("shopstream", "shopstream-render"))
        shutil.copy(BINARY, program)
        pipe = pathlib.Path(folder.name, "pipe")
        os.mkfifo(pipe)
        render.write_text("#!/bin/sh\nreal=%s pipe=%s\n%s\n"
                          % (pathlib.Path(BINARY).with_name(render.name), pipe, script))
        render.chmod(0o755)
        shop = Shop(WEB=folder.name)
        shop.program = str(program)
        self.addCleanup(shop.close)
        self.addCleanup(os.close, os.open(pipe, os.O_RDWR))  # a reader never waits for somebody to open it
        self.pipe = pipe
        return shop.start()

    def ask(self, shop, path):
        """Asks for a page in a thread of its own; returns when the shop has the request, with the list of answers."""
        asked, answers = self.count_asked(shop), []
        thread = threading.Thread(target=lambda: answers.append(shop.get(path, headers=BROWSER)))
        thread.start()
        self.addCleanup(thread.join)
        eventually(lambda: self.count_asked(shop) > asked, "the request")
        return answers

    @staticmethod
    def count_asked(shop):
        """Pages that the shop was asked for and had not kept."""
        text = shop.get("/metrics").body.decode()
        return int(re.search(r"^shopstream_response_cache_misses (\d+)", text, re.M).group(1))

    def test_start__the_first_page_is_rendered_and_waits_for_that(self):
        shop = self.start('read -r word <"$pipe"; exec "$real" "$@"')
        self.assertEqual(200, shop.get(PRODUCTS).status)
        first, second = self.ask(shop, "/"), self.ask(shop, "/search?q=tea")
        self.assertEqual(200, shop.get(PRODUCTS).status)
        self.assertEqual(([], []), (first, second))
        self.pipe.write_text("go\n")
        eventually(lambda: first and second, "the pages")
        self.assertEqual(["<main>home</main>", "<main>tea</main>"], [rendered(first[0]), rendered(second[0])])
        self.assertEqual([], lines(shop, "browser"))

    def test_start__where_it_does_not_come_to_that_no_page_waits_for_ever(self):
        shop = self.start('read -r word <"$pipe"; exit 1')
        first = self.ask(shop, "/")
        self.pipe.write_text("go\n")
        eventually(lambda: first, "the page")
        self.assertEqual((200, ""), (first[0].status, rendered(first[0])))
        self.assertIn("<noscript>", first[0].body.decode())
        self.assertEqual("", rendered(shop.get("/search?q=tea", headers=BROWSER)))
        [told] = lines(shop, "browser")
        self.assertIn(BROWSER_ALONE, told)

    def test_start__a_shop_that_is_stopped_before_ends_in_order(self):
        shop = self.start('read -r word <"$pipe"; exec "$real" "$@"')
        first = self.ask(shop, "/")
        shop.process.send_signal(signal.SIGTERM)
        self.pipe.write_text("go\n")
        eventually(lambda: first, "the page, which the shop had in hand")
        self.assertEqual(0, shop.process.wait(PATIENCE_S))
        self.assertEqual("<main>home</main>", rendered(first[0]))


class StopTest(PageCase):
    def test_stop__without_the_program_that_renders_the_shop_sells_on(self):
        """All that it may do in its sandbox is to say so: it can start no program any more."""
        product = self.add()
        [program] = children(self.shop.process.pid)
        os.kill(program, signal.SIGKILL)
        eventually(lambda: not os.path.exists("/proc/%d/exe" % program), "its end")
        answer = self.page("/products/" + product["slug"])
        self.assertEqual((200, ""), (answer.status, rendered(answer)))
        self.assertIn("<noscript>", answer.body.decode())
        self.assertEqual(1, len(lines(self.shop, NOT_RENDERED)))
        self.assertEqual("confirmed", self.shop.buy([(product["skus"][0]["id"], 1)])["status"])


class BundleTest(unittest.TestCase):
    """A bundle with which no page can be rendered: the shop starts, and says why in one line."""

    def check(self, bundle, detail):
        with tempfile.TemporaryDirectory() as folder:
            write_web(folder, bundle)
            shop = Shop(WEB=folder)
            self.addCleanup(shop.close)
            shop.start()
            answers = [shop.get(path, headers=BROWSER) for path in ("/", "/cart", "/search?q=tea", "/nothing")]
            self.assertEqual([200, 200, 200, 404], [answer.status for answer in answers])
            for answer in answers:
                text = answer.body.decode()
                self.assertEqual("", rendered(answer))
                self.assertRegex(text, r"<title>[^<]+</title>")
                self.assertRegex(text, r"<noscript>\n<h1>[^<]+</h1>\n<p>[^<]+</p>")
                self.assertIn('<script id="page" type="application/json">{"kind":', text)
            self.assertIn("There is nothing here", answers[3].body.decode())
            self.assertEqual(answers[0].headers["etag"], shop.get("/", headers=BROWSER).headers["etag"])
            self.assertEqual(200, shop.get(PRODUCTS).status)
            told = lines(shop, "browser")
            self.assertEqual(1, len(told), shop.log_text())
            self.assertIn(BROWSER_ALONE, told[0])
            self.assertRegex(told[0], detail)

    def test_bundle__that_is_not_there(self):
        self.check(None, "there is no server/render.js")

    def test_bundle__that_is_empty(self):
        self.check("", "there is no server/render.js")

    def test_bundle__that_does_not_parse(self):
        self.check("\n\nfunction (", "the bundle threw in line 3: SyntaxError")

    def test_bundle__that_throws_as_it_is_loaded(self):
        self.check("throw new TypeError('no good');", "the bundle threw in line 1: TypeError: no good")

    def test_bundle__that_never_ends(self):
        self.check("for (;;) ;", "longer than it may")

    def test_bundle__that_renders_nothing(self):
        self.check("var x = 1;", "defines no function renderPage")


class DownTest(unittest.TestCase):
    """A service that is down: the page that needs it says so, and the others are there."""

    def assertPolite(self, shop, path):
        answer = shop.get(path, headers=BROWSER)
        text = answer.body.decode()
        self.assertEqual(503, answer.status, answer)
        self.assertEqual("text/html; charset=utf-8", answer.headers["content-type"])
        self.assertEqual("private, no-store", answer.headers["cache-control"])
        self.assertRegex(answer.headers["retry-after"], r"^[1-9]\d*$")
        self.assertIn("The shop needs a moment", text)
        self.assertEqual("<main>error</main>", rendered(answer))
        self.assertIn("frame-ancestors 'none'", answer.headers["content-security-policy"])
        trace = re.search(r'"trace_id":"([0-9a-f]+)"', text).group(1)
        [told] = lines(shop, trace)  # whom the page's reader asks finds why by what it shows
        self.assertIn("503", told)

    def start(self, *arguments, **settings):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        write_web(folder.name)
        shop = Shop(arguments=("--no-seed", *arguments), WEB=folder.name, **settings)
        self.addCleanup(shop.close)
        return shop.start()

    def test_down__a_service_that_does_not_run_here(self):
        shop = self.start("--services", "identity,shell")
        for path in ("/", "/c/things", "/search?q=tea", "/products/tea"):
            with self.subTest(path=path):
                self.assertPolite(shop, path)


if __name__ == "__main__":
    unittest.main()
