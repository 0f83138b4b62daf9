"""What the black-box suites stand on: a shop for a class of tests, and what every answer must hold to."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from shop import Shop  # noqa: E402


class ShopCase(unittest.TestCase):
    """Its tests share one shop, so each makes the people and goods that it looks at."""
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.shop = Shop(**cls.settings)
        cls.addClassCleanup(cls.shop.close)
        cls.shop.start()

    def assertStatus(self, answer, *statuses):
        self.assertIn(answer.status, statuses, answer)
        return answer.json if answer.body[:1] in (b"{", b"[") else None

    def assertProblem(self, answer, status, code=None, pointer=None):
        """RFC 9457: the type, the status in both places, words for people, a code for programs, and where it is."""
        self.assertEqual(status, answer.status, answer)
        self.assertEqual("application/problem+json", answer.headers.get("content-type"), answer)
        problem = json.loads(answer.body)
        self.assertEqual(status, problem["status"])
        for member in ("type", "title", "detail", "code", "trace_id"):
            self.assertTrue(problem.get(member), "%s in %r" % (member, answer))
        if code:
            self.assertEqual(code, problem["code"], answer)
        if pointer:
            self.assertIn(pointer, [error["pointer"] for error in problem.get("errors", [])], answer)
        return problem
