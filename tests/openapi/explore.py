"""Asks a running shop whatever its OpenAPI document allows, and what it does not: no answer is a 5xx, has a status,
type or body that the document does not name, or takes what the document forbids. The last line is "N passed, N
failed"; a test is one operation as one person.

The document's "default" answers are taken out before, so that a status has to be named to be allowed; and the tenant,
since requests to tenants that do not exist would all end there. The data is made
from SEED (OPENAPI_SEED=N for other data), and bounded in number: the same requests each time.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from shop import Shop  # noqa: E402

SEED = os.environ.get("OPENAPI_SEED", "1")
EXAMPLES = os.environ.get("OPENAPI_EXAMPLES", "6")  # of an operation in each phase, beside those of every boundary
RUN_TIMEOUT_S = 200
REQUEST_TIMEOUT_S = 40
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance", "negative_data_rejection", "missing_required_header", "unsupported_method",
          "allow_header_conformance", "ignored_auth", "use_after_free")
OPERATIONS_MIN = 50


def document(shop, folder):
    """The description as the shop serves it, less what would allow any answer."""
    api = shop.get("/api/openapi.json").json
    for operations in api["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("default")
            operation["parameters"] = [p for p in operation["parameters"] if not p.get("$ref", "").endswith("/Tenant")]
    path = folder / "openapi.json"
    path.write_text(json.dumps(api))
    return path


def explore(shop, person, folder, schema):
    """The tests of one person as (name, what was wrong or None)."""
    report = folder / "report.xml"
    command = [sys.executable, "-m", "schemathesis.cli", "run", str(schema), "--url",
               "http://127.0.0.1:%d" % shop.port, "--checks", ",".join(CHECKS), "--max-examples", EXAMPLES,
               "--seed", SEED, "--request-timeout", str(REQUEST_TIMEOUT_S), "--report", "junit",
               "--report-junit-path", str(report), "--generation-database", "none", "--warnings", "off",
               "--no-shrink", "--continue-on-failure"]
    if person:
        command += ["--header", "Authorization: Bearer " + person.token]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=RUN_TIMEOUT_S)
    if not report.exists():
        return [("schemathesis", done.stdout)]
    cases = [(case.get("name"), "\n".join(failure.text or failure.get("message") or "" for failure in
                                          [*case.findall("failure"), *case.findall("error")]) or None)
             for case in xml.etree.ElementTree.parse(report).iter("testcase")]
    if done.returncode not in (0, 1) or len(cases) < OPERATIONS_MIN:
        cases.append(("schemathesis", done.stdout))
    return cases


def main():
    passed = failed = 0
    shop = Shop(PAYMENT_TIMEOUT_MS="2000")
    try:
        shop.start()
        for number in range(5):
            shop.product((50, 50), title="Article %d" % number)
        with tempfile.TemporaryDirectory(prefix="shopstream-") as name:
            folder = pathlib.Path(name)
            schema = document(shop, folder)
            for who, person in (("nobody", None), ("a customer", shop.customer()), ("admin", shop.staff("admin"))):
                for operation, wrong in explore(shop, person, folder, schema):
                    passed, failed = passed + (not wrong), failed + bool(wrong)
                    if wrong:
                        print("%s as %s:\n    %s" % (operation, who, wrong.replace("\n", "\n    ")), flush=True)
    finally:
        shop.close()
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
