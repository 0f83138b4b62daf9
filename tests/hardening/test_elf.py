"""What the compiler and the linker were told is read back from the program itself, by readelf. Each finding is shown to
be found: in a program that is made without the one thing.

Indirect branch tracking is seen by the landing pads of the program's functions: the mark of the whole file is missing
on Debian 12, whose start files have none."""
import os
import pathlib
import platform
import re
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from shop import BINARY, IS_SANITIZED  # noqa: E402

HAS_CET = platform.machine() == "x86_64"
PT_LOAD, PF_X, PF_W = 1, 1, 2
C_LIBRARY = ("_start", "_dl_relocate_static_pie", "__pthread_atfork")  # what it links into each program
ENDBR64 = b"\xf3\x0f\x1e\xfa"
GOOD_FLAGS = ["-O2", "-fPIE", "-pie", "-fstack-protector-strong", "-fcf-protection=full", "-U_FORTIFY_SOURCE",
              "-D_FORTIFY_SOURCE=2", "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack",
              *(["-Wl,-z,shstk"] if HAS_CET else [])]
FILE_FLAGS = {"-fPIE", "-fstack-protector-strong", "-fstack-clash-protection"} | (
    {"-fcf-protection=full"} if HAS_CET else set())
OWN_FILE_FLAGS = {"-ftrivial-auto-var-init=zero"}  # what is fetched is written for compilers without it
PROGRAM = """
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv)
{
    char text[16];
    strncpy(text, argv[argc - 1], sizeof(text) - (size_t)argc);
    return printf(argc > 1 ? argv[1] : "none", text) < 0;
}
"""


def readelf(option, path):
    return subprocess.run(["readelf", "--wide", option, path], check=True, capture_output=True, text=True,
                          env=dict(os.environ, LC_ALL="C")).stdout


def segments(path):
    """(type, flags) of each program header, as "GNU_STACK", "RW"."""
    for line in readelf("--program-headers", path).splitlines():
        match = re.match(r"\s+(\S+)\s+(?:0x[0-9a-f]+\s+){5}([RWE ]{3}) 0x", line)
        if match:
            yield match.group(1), match.group(2).replace(" ", "")


def landing_pads(path):
    """Of each global function, whether it starts with endbr64. Those that the C library adds are left out."""
    sections = readelf("--section-headers", path)
    number, address, offset = re.search(r"\[ *(\d+)\] \.text +PROGBITS +(\w+) (\w+)", sections).groups()
    code = pathlib.Path(path).read_bytes()
    for line in readelf("--syms", path).splitlines():
        match = re.match(r" +\d+: (\w+) +\d+ FUNC +GLOBAL \w+ +(\d+) (\w+)", line)
        if match and match.group(2) == number and match.group(3) not in C_LIBRARY:
            start = int(match.group(1), 16) - int(address, 16) + int(offset, 16)
            yield code[start:start + len(ENDBR64)] == ENDBR64


def compile_flags(path):
    """Of each source file, the flags that gcc compiled it with, as its debug information records them. Macros, and so
    the level of _FORTIFY_SOURCE, are not recorded."""
    text = subprocess.run(["readelf", "--wide", "--debug-dump=info", "--dwarf-depth=1", path], check=True,
                          capture_output=True, text=True, env=dict(os.environ, LC_ALL="C")).stdout
    for unit in text.split("DW_TAG_compile_unit")[1:]:
        producer, name = (re.search(r"%s +:(?: \(.*?\):)? (.*)" % member, unit).group(1)
                          for member in ("DW_AT_producer", "DW_AT_name"))
        yield name, set(producer.split()[3:])


def findings(path, fortified=True):
    """What is missing or wrong, by name."""
    found = set()
    header, dynamic = readelf("--file-header", path), readelf("--dynamic", path)
    symbols, notes = readelf("--dyn-syms", path), readelf("--notes", path)
    headers = list(segments(path))
    if not re.search(r"Type:\s+DYN", header) or not re.search(r"\(FLAGS_1\).*\bPIE\b", dynamic):
        found.add("no PIE")
    if "GNU_RELRO" not in dict(headers):
        found.add("no RELRO")
    if not re.search(r"\(FLAGS\).*\bBIND_NOW\b|\(FLAGS_1\).*\bNOW\b", dynamic):
        found.add("symbols are bound late")
    if dict(headers).get("GNU_STACK", "E") != "RW":
        found.add("the stack can be run")
    if any("W" in flags and "E" in flags for kind, flags in headers if kind == "LOAD"):
        found.add("a segment can be written and run")
    if "__stack_chk_fail" not in symbols:
        found.add("no stack protector")
    if fortified and not re.search(r" UND __(?!stack_chk)\w+_chk\b", symbols):
        found.add("not fortified")
    if re.search(r"\((RPATH|RUNPATH)\)", dynamic):
        found.add("a path to libraries")
    if HAS_CET and not all(landing_pads(path)):
        found.add("no landing pads")
    if HAS_CET and not re.search(r"x86 feature:.*\bSHSTK\b", notes):
        found.add("no shadow stack")
    return found


def make_code_writable(program):
    """Sets PF_W in each program header that has PF_X (elf(5), 64 bit)."""
    first, size, count = struct.unpack_from("<Q14xHH", program, 32)
    changed = bytearray(program)
    for header in range(first, first + size * count, size):
        kind, flags = struct.unpack_from("<II", program, header)
        if kind == PT_LOAD and flags & PF_X:
            struct.pack_into("<I", changed, header + 4, flags | PF_W)
    return bytes(changed)


class Shop(unittest.TestCase):
    def test_the_shop_is_hardened(self):
        self.assertEqual(set(), findings(BINARY, fortified=not IS_SANITIZED))
        self.assertGreater(len(list(landing_pads(BINARY))), 500)

    @unittest.skipIf(IS_SANITIZED, "a build of its own")
    def test_each_of_its_files_is_compiled_so(self):
        units = list(compile_flags(BINARY))
        self.assertGreater(len(units), 300)
        for name, flags in units:
            with self.subTest(name):
                self.assertLessEqual(FILE_FLAGS | (OWN_FILE_FLAGS if name.startswith("../") else set()), flags)

    def test_so_is_what_renders_its_pages(self):
        program = str(pathlib.Path(BINARY).with_name("shopstream-render"))
        self.assertEqual(set(), findings(program, fortified=not IS_SANITIZED))

    def test_no_engine_of_scripts_is_in_the_shop(self):
        self.assertNotIn("javascriptcore", readelf("--dynamic", BINARY))


class Findings(unittest.TestCase):
    def made_with(self, *flags, change=lambda code: code):
        with tempfile.TemporaryDirectory() as folder:
            source, program = pathlib.Path(folder, "program.c"), str(pathlib.Path(folder, "program"))
            source.write_text(PROGRAM)
            subprocess.run(["gcc", "-w", *GOOD_FLAGS, *flags, "-o", program, str(source)], check=True,
                           capture_output=True)
            changed = pathlib.Path(program)
            changed.write_bytes(change(changed.read_bytes()))
            return findings(program)

    def test_a_good_program_has_none(self):
        self.assertEqual(set(), self.made_with())

    def test_each_is_found(self):
        for finding, flags in (("no PIE", ["-fno-pie", "-no-pie"]), ("no RELRO", ["-Wl,-z,norelro"]),
                               ("symbols are bound late", ["-Wl,-z,lazy"]),
                               ("the stack can be run", ["-Wl,-z,execstack"]),
                               ("no stack protector", ["-fno-stack-protector"]),
                               ("not fortified", ["-U_FORTIFY_SOURCE"]),
                               ("a path to libraries", ["-Wl,-rpath,/lib/elsewhere"]),
                               ("a path to libraries", ["-Wl,--disable-new-dtags,-rpath,/lib/elsewhere"])):
            with self.subTest(finding):
                self.assertEqual({finding}, self.made_with(*flags))
        # No linker makes such a one without a word, so it is made by hand.
        self.assertEqual({"a segment can be written and run"}, self.made_with(change=make_code_writable))

    def test_the_flags_of_a_file_are_read_back(self):
        with tempfile.TemporaryDirectory() as folder:
            source, program = pathlib.Path(folder, "program.c"), str(pathlib.Path(folder, "program"))
            source.write_text(PROGRAM)
            subprocess.run(["gcc", "-w", "-g", *GOOD_FLAGS, "-fno-stack-clash-protection", "-o", program, str(source)],
                           check=True)
            (name, flags), = compile_flags(program)
            self.assertEqual((str(source), {"-fstack-clash-protection"}), (name, FILE_FLAGS - flags))

    @unittest.skipUnless(HAS_CET, "of x86-64 alone")
    def test_control_flow_protection_is_found(self):
        self.assertEqual({"no landing pads"}, self.made_with("-fcf-protection=return"))
        self.assertEqual({"no landing pads"}, self.made_with("-fcf-protection=none"))
        GOOD_FLAGS.remove("-Wl,-z,shstk")
        self.addCleanup(GOOD_FLAGS.append, "-Wl,-z,shstk")
        self.assertEqual({"no shadow stack"}, self.made_with())


if __name__ == "__main__":
    unittest.main()
