#!/usr/bin/python3
"""Downloads the packages of a list: fetch_packages.py LIST FOLDER

Each line of the list is name==version and one --hash=sha256:HEX or more, one for each file that will do (an archive of
sources; a wheel for each processor). Of the package's files in the configured index (pip's own configuration and
environment hold) the first that pip finds fit for this machine and whose hash is in the list is taken, and what
arrived is hashed again. Nothing of a package is run, unlike with `pip download`, which builds the metadata of source
archives first. A file that is in the folder already is kept, so a second run needs no network.
"""
import glob
import hashlib
import logging
import os
import re
import sys
import tempfile
import time

ATTEMPTS_MAX = 4
LINE = re.compile(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.]+)((?:\s+--hash=sha256:[0-9a-f]{64})+)")

# pip straight from Debian's wheel (package python3-pip-whl): no virtual environment has to be made for it.
sys.path[:0] = sorted(glob.glob("/usr/share/python-wheels/pip-*.whl"))


class Reasons(logging.Handler):
    """Keeps what pip says of an index that it cannot read: by itself it goes on as if that were empty."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.texts = []

    def emit(self, record):
        text = record.getMessage()
        if "Could not fetch" in text or record.levelno >= logging.ERROR:
            self.texts.append(text)


def parse_list(path):
    with open(path) as lines:
        for number, line in enumerate(lines, start=1):
            line = line.partition("#")[0].strip()
            match = LINE.fullmatch(line)
            if match:
                yield match.group(1), match.group(2), re.findall(r"sha256:([0-9a-f]{64})", match.group(3))
            elif line:
                sys.exit("%s:%d: want name==version --hash=sha256:HEX, got: %s" % (path, number, line))


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def files_by_hash(folder):
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    return {sha256_of(path): path for path in paths if os.path.isfile(path)}


def download_all(wanted, folder):
    """Fetches each (name, version, hashes) into the folder, through pip's own session and index resolution."""
    from pip._internal.commands.download import DownloadCommand
    from pip._internal.network.download import Downloader

    reasons = Reasons()
    pip_log = logging.getLogger("pip")
    pip_log.setLevel(logging.DEBUG)
    pip_log.propagate = False
    pip_log.handlers = [reasons]

    command = DownloadCommand("download", "")
    options, _ = command.parse_args(["--quiet", "--disable-pip-version-check", "ignored"])
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options, session)
        for name, version, hashes in wanted:
            candidates = [c for c in finder.find_all_candidates(name) if str(c.version) == version]
            named = [c.link for c in candidates if (c.link.hash_name, c.link.hash) in {("sha256", h) for h in hashes}]
            # An index need not say the hashes; then what arrives decides.
            unnamed = [c.link for c in candidates if c.link.hash_name != "sha256"]
            for link in (named[:1] or unnamed):
                with tempfile.TemporaryDirectory(dir=folder) as scratch:
                    arrived, _ = Downloader(session, "off")(link, scratch)
                    if sha256_of(arrived) in hashes:
                        os.replace(arrived, os.path.join(folder, os.path.basename(link.filename)))
                        break
            else:
                raise LookupError("; ".join(reasons.texts) or "the index has %d files of %s %s, none with a hash "
                                  "of the list" % (len(candidates), name, version))


def main(list_path, folder):
    os.makedirs(folder, exist_ok=True)
    wanted = list(parse_list(list_path))
    for attempt in range(ATTEMPTS_MAX + 1):
        present = files_by_hash(folder)
        missing = [entry for entry in wanted if not any(h in present for h in entry[2])]
        if not missing:
            for name, _, hashes in wanted:
                print(name, next(present[h] for h in hashes if h in present))
            return 0
        if attempt < ATTEMPTS_MAX:
            try:
                download_all(missing, folder)
            except Exception as error:  # pip raises many kinds; each may pass by itself
                print("fetch_packages: attempt %d of %d: %s" % (attempt + 1, ATTEMPTS_MAX, error), file=sys.stderr)
                time.sleep(attempt + 1)
    print("fetch_packages: could not fetch %s of %s; is the package index reachable?"
          % (", ".join(entry[0] for entry in missing), list_path), file=sys.stderr)
    return 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
