"""docs/security/asvs.csv: each requirement of OWASP ASVS 5.0, level 1 and 2, is in it once; what it names exists."""
import csv
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path(__file__).resolve().parent
COLUMNS = ["id", "level", "requirement", "status", "evidence", "remark"]
NEEDS_EVIDENCE, NEEDS_REMARK = {"test", "decision", "not met"}, {"open", "not applicable", "not met"}
DECIDED = {"decision", "not met"}
DECISIONS = "docs/security/decisions.md"
HEADING = re.compile(r"^#+ (.+)$", re.M)
TEST_NAME = re.compile(r"^test_\w+$")
SCRIPTS = {".mjs", ".ts", ".tsx"}  # Their tests are called in words.


def read_table(path):
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        assert reader.fieldnames == COLUMNS, reader.fieldnames
        return list(reader)


def read_requirements(path):
    """"V1.2.3 1" a line: number and level."""
    return dict(line.split() for line in path.read_text().splitlines() if line and not line.startswith("#"))


def has_test_called(file, name):
    if file.suffix in SCRIPTS:
        return re.search(r"\b(?:test|it)\(\s*[\"'`]%s" % re.escape(name), file.read_text()) is not None
    pattern = r"(?:def|static void) %s\(" % name
    return TEST_NAME.match(name) and re.search(pattern, file.read_text()) is not None


def anchor_of(words):
    """Of a heading, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", words.lower()).replace(" ", "-")


def sections(file):
    """{anchor: text} of a document, a heading each."""
    parts = HEADING.split(file.read_text())
    return {anchor_of(words): text.strip() for words, text in zip(parts[1::2], parts[2::2])}


def evidence_problems(row, root):
    """Evidence is "PATH", "PATH#HEADING" or "PATH TEST", several of them after semicolons; a test is a function of that
    file, or what it calls a test in words (or the beginning of that, where one test is several). A decision is written
    under a heading; in the document of decisions that is its own number.
    """
    has_test = has_words = False
    for entry in filter(None, row["evidence"].split("; ")):
        place, _, name = entry.partition(" ")
        path, _, anchor = place.partition("#")
        file = root / path
        if not file.is_file():
            yield "%s: there is no file %s" % (row["id"], path)
        elif anchor and not sections(file).get(anchor):
            yield "%s: %s says nothing under #%s" % (row["id"], path, anchor)
        elif anchor and path == DECISIONS and anchor != anchor_of(row["id"]):
            yield "%s: #%s is another's decision" % (row["id"], anchor)
        elif anchor:
            has_words = True
        elif name:
            has_test = True
            if not has_test_called(file, name):
                yield "%s: %s has no test %s" % (row["id"], path, name)
    if row["status"] == "test" and not has_test:
        yield "%s: no test is named" % row["id"]
    if row["status"] in DECIDED and not has_words:
        yield "%s: no heading is named under which it was decided" % row["id"]
    if row["status"] in NEEDS_EVIDENCE and not row["evidence"]:
        yield "%s: nothing shows it" % row["id"]


def problems(rows, requirements, root=ROOT):
    ids = [row["id"] for row in rows]
    for number in requirements:
        if ids.count(number) != 1:
            yield "%s is there %d times" % (number, ids.count(number))
    for row in rows:
        if requirements.get(row["id"]) != row["level"]:
            yield "%s is no requirement of level %s" % (row["id"], row["level"])
        if row["status"] not in NEEDS_EVIDENCE | NEEDS_REMARK:
            yield "%s: %r is no status" % (row["id"], row["status"])
        if row["status"] in NEEDS_REMARK and not row["remark"]:
            yield "%s: what is missing is not said" % row["id"]
        if not row["requirement"]:
            yield "%s: what it wants is not said" % row["id"]
        yield from evidence_problems(row, root)


class Asvs(unittest.TestCase):
    def setUp(self):
        self.rows = read_table(ROOT / "docs" / "security" / "asvs.csv")
        self.requirements = read_requirements(FOLDER / "asvs-5.0.txt")

    def changed(self, number, **members):
        return [dict(row, **members) if row["id"] == number else row for row in self.rows]

    def test_every_requirement_is_answered_once(self):
        self.assertEqual(253, len(self.requirements))
        self.assertEqual([], list(problems(self.rows, self.requirements)))

    def test_every_decision_that_is_written_down_is_named(self):
        written = {anchor for anchor, text in sections(ROOT / DECISIONS).items() if re.match(r"v\d+$", anchor)}
        named = {anchor_of(row["id"]) for row in self.rows if row["status"] in DECIDED}
        self.assertEqual(written, named)

    def test_what_is_wrong_is_found(self):
        first, last = self.rows[0]["id"], self.rows[-1]["id"]
        tested = next(row["id"] for row in self.rows if row["status"] == "test")
        decided = next(row["id"] for row in self.rows if row["status"] == "decision")
        for expected, rows in (
                ("is there 0 times", self.rows[1:]), ("is there 2 times", self.rows + self.rows[:1]),
                ("is no requirement", self.changed(first, level="3")),
                ("is no status", self.changed(first, status="done")),
                ("what is missing is not said", self.changed(last, remark="")),
                ("what it wants is not said", self.changed(first, requirement="")),
                ("there is no file", self.changed(tested, evidence="tests/none.py test_it")),
                ("has no test", self.changed(tested, evidence="tests/security/test_asvs.py test_nothing")),
                ("has no test", self.changed(tested, evidence="frontend/tests/kept.test.tsx no such thing")),
                ("no test is named", self.changed(tested, evidence="tests/security/test_asvs.py")),
                ("no heading is named", self.changed(decided, evidence="docs/security/README.md")),
                ("says nothing under #no-such", self.changed(decided, evidence="docs/security/README.md#no-such")),
                ("another's decision", self.changed(decided, evidence=DECISIONS + "#v1643")),
                ("nothing shows it", self.changed(first, status="decision", evidence=""))):
            with self.subTest(expected):
                self.assertRegex("\n".join(problems(rows, self.requirements)), expected)


if __name__ == "__main__":
    unittest.main()
