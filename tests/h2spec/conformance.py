"""conformance.py H2SPEC: runs every case of h2spec against the shop, in clear text and over TLS. The last line is
"N passed, N failed".
"""
import pathlib
import ssl
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from shop import PATIENCE_S, Shop  # noqa: E402

CASES_MIN = 140  # of h2spec; fewer would be another h2spec, or half a run
RUN_TIMEOUT_S = 240
CASE_TIMEOUT_S = 5


def failed_cases(h2spec, port, *options):
    """(how many ran, the names of those that failed with what was wrong)"""
    with tempfile.TemporaryDirectory(prefix="shopstream-") as folder:
        report = pathlib.Path(folder) / "report.xml"
        done = subprocess.run([h2spec, "--host", "127.0.0.1", "--port", str(port), "--path", "/health/ready",
                               "--strict", "--timeout", str(CASE_TIMEOUT_S), "--junit-report", str(report), *options],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=RUN_TIMEOUT_S)
        if not report.exists():
            sys.exit("h2spec wrote no report: " + done.stdout)
        cases = list(xml.etree.ElementTree.parse(report).iter("testcase"))
    failures = {}
    for case in cases:
        for failure in [*case.findall("failure"), *case.findall("error"), *case.findall("skipped")]:
            failures["%s: %s" % (case.get("package"), case.get("classname"))] = failure.text
    return len(cases), failures


def secure_shop(folder):
    """One that speaks TLS, with a certificate of its own making."""
    certificate, key = (str(pathlib.Path(folder) / name) for name in ("certificate.pem", "key.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
                    "-out", certificate], check=True, capture_output=True, timeout=PATIENCE_S)
    shop = Shop(TLS_CERTIFICATE=certificate, TLS_KEY=key)
    shop.client.tls = ssl.create_default_context(cafile=certificate)
    return shop


def report(what, count, failures):
    for name, reason in failures.items():
        print("%s: %s\n    %s" % (what, name, (reason or "").strip().replace("\n", "\n    ")))
    if count < CASES_MIN:
        failures["too few cases"] = str(count)
        print("%s: only %d cases" % (what, count))
    print("%s: %d of %d" % (what, count - len(failures), count), flush=True)
    return count - len(failures), len(failures)


def tested(what, h2spec, shop, *options):
    """(how many passed, how many failed)"""
    try:
        shop.start()
        return report(what, *failed_cases(h2spec, shop.port, *options))
    finally:
        shop.close()


def main(h2spec):
    with tempfile.TemporaryDirectory(prefix="shopstream-") as folder:
        runs = [tested("clear text", h2spec, Shop()),
                tested("TLS", h2spec, secure_shop(folder), "--tls", "--insecure")]
    passed, failed = (sum(counts) for counts in zip(*runs))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
