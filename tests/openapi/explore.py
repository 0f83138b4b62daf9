"""Asks a running shop whatever its OpenAPI document allows, and what it does not: no answer is a 5xx, has a status,
type or body that the document does not name, or takes what the document forbids. Nobody, a customer and an
administrator ask. Each is given real things to ask for (seeds.py), and every operation that the person may call has to
have succeeded once, but for those of NEVER_SUCCEEDS: whoever is refused everywhere has explored nothing. For the same
reason what ends sessions is asked apart, by a person of its own who signs in anew, and a revoked token is a failure.

The last line is "N passed, N failed"; a test is one operation as one person, or one of those two rules.

The document's "default" answers are taken out before, so that a status has to be named to be allowed; and the tenant,
since requests to tenants that do not exist would all end there. The data is made
from SEED (OPENAPI_SEED=N for other data), and bounded in number: the same requests each time, but for the ids and codes
of the shop's own things, which are new in each shop.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
os.environ.setdefault("EXPLORE_ANSWERS", os.devnull)  # of hooks.py, whose file schemathesis alone writes

from seeds import seed  # noqa: E402
from shop import PASSWORD, Person, Shop  # noqa: E402

SEED = os.environ.get("OPENAPI_SEED", "1")
EXAMPLES = os.environ.get("OPENAPI_EXAMPLES", "6")  # of an operation in each phase, beside those of every boundary
RUN_TIMEOUT_S = 200
REQUEST_TIMEOUT_S = 40
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance", "negative_data_rejection", "missing_required_header", "unsupported_method",
          "allow_header_conformance", "ignored_auth", "use_after_free")
EVERYBODY = ("anyone", "shopper")
PEOPLE = {"nobody": EVERYBODY, "a customer": (*EVERYBODY, "signed_in"),
          "admin": (*EVERYBODY, "signed_in", "support", "merchandiser", "staff", "admin")}
IDENTITY = "/api/identity/v1"
ENDS_SESSIONS = {"POST %s/logout" % IDENTITY, "POST %s/password/change" % IDENTITY, "DELETE %s/sessions" % IDENTITY,
                 "DELETE %s/sessions/{id}" % IDENTITY, "DELETE %s/users/{id}/sessions" % IDENTITY,
                 "PUT %s/users/{id}/roles" % IDENTITY, "PUT %s/users/{id}/status" % IDENTITY, "POST /session",
                 "POST /session/refresh", "DELETE /session"}
BROWSER = "wants a browser's cookies and CSRF token: tests/blackbox/test_browser_session.py"
NEVER_SUCCEEDS = {"POST /session": BROWSER, "POST /session/refresh": BROWSER, "DELETE /session": BROWSER,
                  "GET /api/realtime/v1/events": "has no end: tests/blackbox/test_realtime.py",
                  "POST /api/payments/v1/webhooks/stripe":
                      "wants the provider's signature: tests/blackbox/test_payments.py"}


def names(api):
    return {"%s %s" % (method.upper(), path): operation for path, methods in api["paths"].items()
            for method, operation in methods.items()}


def document(shop):
    """The description as the shop serves it, less what would allow any answer; each operation with parameters of its
    own, which can be given examples."""
    api = shop.get("/api/openapi.json").json
    shared = api["components"]["parameters"]
    for operation in names(api).values():
        operation["responses"].pop("default")
        resolved = [shared[p["$ref"].rsplit("/", 1)[1]] if "$ref" in p else p for p in operation["parameters"]]
        operation["parameters"] = [dict(p) for p in resolved if p["name"] != "X-Tenant"]
    return api


class Explorer:
    """One person's exploration: its tests as (name, what was wrong or None), and the answers by operation."""

    def __init__(self, shop, who, folder):
        self.shop, self.who, self.folder = shop, who, folder
        self.tests, self.answers = [], folder / "answers"
        self.answers.write_text("")

    def run(self, api, chosen, *options, **environment):
        """The document stays whole whatever is chosen: methods that it does not name are asked for too."""
        schema, report = self.folder / "openapi.json", self.folder / "report.xml"
        schema.write_text(json.dumps(api))
        report.unlink(missing_ok=True)
        known = names(api)
        options += tuple(word for name in sorted(chosen) for word in ("--include-operation-id",
                                                                      known[name]["operationId"]))
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run",
                   str(schema), "--url", "http://127.0.0.1:%d" % self.shop.port, "--checks", ",".join(CHECKS),
                   "--max-examples", EXAMPLES, "--seed", SEED, "--request-timeout", str(REQUEST_TIMEOUT_S),
                   "--report", "junit", "--report-junit-path", str(report), "--generation-database", "none",
                   "--warnings", "off", "--no-shrink", "--continue-on-failure", *options]
        settings = {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE), "EXPLORE_ANSWERS": str(self.answers)}
        done = subprocess.run(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=RUN_TIMEOUT_S, env={**os.environ, **settings, **environment})
        if not report.exists():
            self.tests.append(("schemathesis", done.stdout))
            return
        cases = [(case.get("name"), "\n".join(failure.text or failure.get("message") or "" for failure in
                                              [*case.findall("failure"), *case.findall("error")]) or None)
                 for case in xml.etree.ElementTree.parse(report).iter("testcase")]
        if done.returncode not in (0, 1) or len(cases) < len(chosen):
            cases.append(("schemathesis", done.stdout))
        self.tests += cases

    def check_answers(self, api):
        answers = [json.loads(line) for line in self.answers.read_text().splitlines()]
        revoked = sorted({name for name, _, code in answers if code == "token_revoked"})
        self.tests.append(("no token revoked", "Revoked at: " + ", ".join(revoked) if revoked else None))
        succeeded = {name for name, status, _ in answers if 200 <= status < 300}
        for name, operation in names(api).items():
            if operation["x-auth"] not in PEOPLE[self.who]:
                continue
            why_never = NEVER_SUCCEEDS.get(name)
            if why_never and name in succeeded:
                self.tests.append((name + " succeeds", "It did; NEVER_SUCCEEDS says that it " + why_never))
            elif not why_never:
                got = sorted({status for other, status, _ in answers if other == name})
                self.tests.append((name + " succeeds", None if name in succeeded else "It never did: %s" % got))


def explore(shop, who, person, twin, folder):
    """As a person; and as its twin, who has the same rights, what ends sessions. Nobody has no session to lose."""
    explorer = Explorer(shop, who, folder)
    admin = shop.staff("admin")
    api = document(shop)
    every = set(names(api))
    assert ENDS_SESSIONS <= every and set(NEVER_SUCCEEDS) <= every, "an operation that is not there"
    seed(shop, api, admin, person)
    if not person:
        explorer.run(api, every)
    else:
        explorer.run(api, every - ENDS_SESSIONS, "--header", "Authorization: Bearer " + person.token)
        api = document(shop)
        seed(shop, api, admin, twin)
        explorer.run(api, ENDS_SESSIONS, "--phases", "examples,coverage,fuzzing",
                     EXPLORE_PERSON=json.dumps({"port": shop.port, "email": twin.email, "password": PASSWORD}))
    explorer.check_answers(api)
    return explorer.tests


def second_admin(shop):
    address = shop.sign_up()
    shop.rpc("identity", "grant_role", {"email": address, "role": "admin"})
    return Person(shop, address)


def main():
    passed = failed = 0
    shop = Shop(PAYMENT_TIMEOUT_MS="2000")
    try:
        shop.start()
        everybody = (("nobody", None, None), ("a customer", shop.customer(), shop.customer()),
                     ("admin", second_admin(shop), second_admin(shop)))
        for who, person, twin in everybody:
            with tempfile.TemporaryDirectory(prefix="shopstream-") as name:
                for test, wrong in explore(shop, who, person, twin, pathlib.Path(name)):
                    passed, failed = passed + (not wrong), failed + bool(wrong)
                    if wrong:
                        print("%s as %s:\n    %s" % (test, who, wrong.replace("\n", "\n    ")), flush=True)
    finally:
        shop.close()
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
