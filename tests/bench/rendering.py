#!/usr/bin/python3
"""Rendering in the process that serves, next to rendering in processes of their own: the figures of
docs/adr/0014-rendering.md.

    rendering.py [RENDERS]

Renders the pages of a seeded shop, each by the script that the build made: in turn by build/render_in_process and by
build/render_pages (one task, so one context). CPU counts all threads of all processes, the compilers' too; it is what
compares, as times by the clock are those of the machine. `later` is what each of as many renders cost after that.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

import measure
import storefront

RENDERS = 2000
BUNDLE = measure.BUILD / "frontend" / "server" / "render.js"


def documents(folder):
    """A file a kind of page."""
    shop = measure.Shop(folder / "data", LOG_LEVEL="none")
    shop.start()
    try:
        for kind, path in storefront.anonymous(shop).items():
            url = shop.url("/api/shell/v1/pages?path=" + urllib.parse.quote(path))
            (folder / kind).write_bytes(urllib.request.urlopen(url, timeout=60).read())
            yield kind, folder / kind
        shop.stop()
    finally:
        shop.close()


def run(program, document, count):
    """Its own figures, the CPU of all processes in nanoseconds, and their memory."""
    arguments = [measure.BUILD / program, BUNDLE, document, count] + ([1, "wait"] if program == "render_pages" else [])
    process = subprocess.Popen(list(map(str, arguments)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        figures = json.loads(process.stdout.readline())
        family = measure.family(process.pid)
        return figures, sum(map(measure.cpu_ns, family)), measure.share_mb(family)
    finally:
        process.communicate("\n")


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else RENDERS
    with tempfile.TemporaryDirectory() as name:
        for kind, document in documents(pathlib.Path(name)):
            for program in ("render_in_process", "render_pages"):
                figures, once_ns, _ = run(program, document, count)
                _, twice_ns, mb = run(program, document, 2 * count)
                print("%-9s %-18s bundle %6.1f ms  first %6.1f ms  CPU a render, with warming up %5.2f ms,"
                      " later %5.2f ms  p50 %6.2f ms  p95 %6.2f ms  memory %5.1f MB"
                      % (kind, program, figures["start_us"] / 1000, figures["first_us"] / 1000, once_ns / count / 1e6,
                         (twice_ns - once_ns) / count / 1e6, figures["p50_us"] / 1000, figures["p95_us"] / 1000, mb),
                      flush=True)


if __name__ == "__main__":
    main()
