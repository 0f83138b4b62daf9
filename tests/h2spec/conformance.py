"""conformance.py H2SPEC: runs h2spec against the shop in clear text, and against the same server over TLS. The last
line is "N passed, N failed".

Over TLS, where the peers agree on HTTP/2 before, every case passes. In clear text the port speaks HTTP/1.1 as well, so
that one case is another's: a connection that begins with no preface is no HTTP/2, but a request line that is none. RFC
9112, 2.2, has it answered by 400 and closed, and h2spec takes the answer for a broken frame. That the shop does this is
checked here instead.
"""
import contextlib
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "tests" / "hostile")]

import wire  # noqa: E402
from shop import BUILD, PATIENCE_S, Shop  # noqa: E402

CASES_MIN = 140  # of h2spec; fewer would be another h2spec, or half a run
RUN_TIMEOUT_S = 240
CASE_TIMEOUT_S = 5
NO_PREFACE = "http2/3.5: Sends invalid connection preface"


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


@contextlib.contextmanager
def tls_server():
    """platform/net over TLS, with a certificate of its own making: the port."""
    with tempfile.TemporaryDirectory(prefix="shopstream-") as folder:
        certificate, key, body = (pathlib.Path(folder) / name for name in ("certificate.pem", "key.pem", "body"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "1", "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)],
                       check=True, capture_output=True, timeout=PATIENCE_S)
        body.write_text('{"status":"ready"}')
        server = subprocess.Popen([str(BUILD / "net_server"), "0", "1", str(body), "0", str(certificate), str(key)],
                                  stdout=subprocess.PIPE, text=True)
        try:
            yield int(server.stdout.readline().rpartition(" ")[2])
        finally:
            server.terminate()
            server.wait(PATIENCE_S)


def is_refused_as_http1(shop):
    received, closed = wire.exchange(shop, b"INVALID CONNECTION PREFACE\r\n\r\n")
    return closed and wire.statuses(received) == [400]


def report(what, count, failures):
    for name, reason in failures.items():
        print("%s: %s\n    %s" % (what, name, (reason or "").strip().replace("\n", "\n    ")))
    if count < CASES_MIN:
        failures["too few cases"] = str(count)
        print("%s: only %d cases" % (what, count))
    print("%s: %d of %d" % (what, count - len(failures), count), flush=True)
    return count - len(failures), len(failures)


def main(h2spec):
    shop = Shop()
    try:
        shop.start()
        count, failures = failed_cases(h2spec, shop.port)
        if is_refused_as_http1(shop):
            failures.pop(NO_PREFACE, None)
        plain = report("clear text", count, failures)
    finally:
        shop.close()
    with tls_server() as port:
        secure = report("TLS", *failed_cases(h2spec, port, "--tls", "--insecure"))
    print("%d passed, %d failed" % (plain[0] + secure[0], plain[1] + secure[1]))
    return 1 if plain[1] + secure[1] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
