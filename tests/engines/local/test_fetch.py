"""What the engines are fetched by: once, and nothing else than what is pinned."""
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
ARCHIVE = b"an archive"
# Stands for Maven: notes that it was called, and lays down what it was told to.
MAVEN = """#!/bin/sh
echo "$@" >>"$NOTES"
for word; do
    case $word in -DoutputDirectory=*) folder=${word#*=} ;; esac
done
mkdir -p "$folder"
printf %s "$SERVED" >"$folder/thing-1.0.jar"
"""


class Fetch(unittest.TestCase):
    """tools/maven.sh in a tree of its own."""

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="shopstream-fetch-"))
        self.addCleanup(shutil.rmtree, self.root)
        for folder in ("tools", "deps/maven", "bin"):
            (self.root / folder).mkdir(parents=True)
        shutil.copy(ROOT / "tools/maven.sh", self.root / "tools")
        (self.root / "bin/mvn").write_text(MAVEN)
        (self.root / "bin/mvn").chmod(0o755)
        (self.root / "deps/maven/thing.txt").write_text(
            "# a comment\norg.example:thing:1.0 sha256:%s\n" % hashlib.sha256(ARCHIVE).hexdigest())

    def fetch(self, served):
        return subprocess.run([self.root / "tools/maven.sh", "thing"], capture_output=True, text=True,
                              env=dict(os.environ, PATH="%s/bin:%s" % (self.root, os.environ["PATH"]),
                                       NOTES=str(self.root / "notes"), SERVED=served.decode()))

    def test_what_is_there_is_not_fetched_again(self):
        folders = {self.fetch(ARCHIVE).stdout.strip() for _ in range(2)}
        self.assertEqual(1, len(folders))
        self.assertEqual(ARCHIVE, pathlib.Path(folders.pop(), "thing-1.0.jar").read_bytes())
        self.assertEqual(1, (self.root / "notes").read_text().count("\n"))

    def test_other_bytes_are_refused(self):
        ended = self.fetch(b"another archive")
        self.assertNotEqual(0, ended.returncode)
        self.assertIn("is not what deps/maven/thing.txt lists", ended.stderr)
        self.assertEqual("", ended.stdout)
        self.assertEqual(["lock"], os.listdir(self.root / "build/engines/jars"), "nothing is left")
        self.assertEqual(0, self.fetch(ARCHIVE).returncode)

    def test_engines_are_fetched_once(self):
        """No download is tried where all is there: Maven and apt-get are not called."""
        (self.root / "bin/apt-get").symlink_to("mvn")
        subprocess.run([ROOT / "infra/local/engines.sh", "fetch"], check=True)
        ended = subprocess.run([ROOT / "infra/local/engines.sh", "fetch"], capture_output=True, text=True,
                               env=dict(os.environ, PATH="%s/bin:%s" % (self.root, os.environ["PATH"]),
                                        NOTES=str(self.root / "notes")))
        self.assertEqual((0, "", ""), (ended.returncode, ended.stdout, ended.stderr))
        self.assertFalse((self.root / "notes").exists())


if __name__ == "__main__":
    unittest.main()
