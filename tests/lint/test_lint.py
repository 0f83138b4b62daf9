"""Shows of each rule of tools/lint.py that it finds what it is for, and lets the neighbouring good case be."""
import importlib.util
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SPEC = importlib.util.spec_from_file_location("lint", ROOT / "tools" / "lint.py")
lint = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(lint)

HEADER = "/* What it is for. */\n#pragma once\n"
LONG = "int f(void)\n{\n" + "    g();\n" * (lint.FUNCTION_LINES_MAX + 1) + "}\n"
TABLE = "const int t[] = {\n" + "    1,\n" * (lint.FUNCTION_LINES_MAX + 30) + "};\n"

# rule: (files that it must refuse, one at a time; files that it must let pass)
CASES = {
    "banned_calls": (
        [("platform/wire/a.c", "void f(void)\n{\n    pthread_create(0, 0, 0, 0);\n}\n"),
         ("platform/wire/a.c", "    uv_sleep(1);\n"),
         ("services/x/a.c", "    int64_t now = time(NULL);\n"),
         ("services/x/a.c", "    RAND_bytes(b, 4);\n"),
         ("cli/a.c", '    fopen("/dev/urandom", "r");\n'),
         ("platform/base/test_a.c", "    usleep(5);\n")],
        [("platform/base/task_threads.c", "    pthread_create(0, 0, 0, 0);\n"),
         ("platform/wire/a.c", "/* time(NULL) is banned */\nint64_t run_time(int a);\n"),
         ("platform/wire/a.c", '    log("sleep(1)");\n    pthread_sigmask(0, 0, 0);\n')]),
    "function_length": ([("platform/wire/a.c", LONG)], [("platform/wire/a.c", TABLE)]),
    "file_length": ([("cli/a.c", "int a;\n" * (lint.FILE_LINES_MAX + 1))], [("cli/a.c", "int a;\n" * 10)]),
    "line_width": ([("cli/a.c", "/" * 121 + "\n"), ("platform/x.sql", "-- " + "é" * 118 + "\n")],
                   [("cli/a.c", "/" * 120 + "\n"), ("README.md", "x" * 200 + "\n")]),
    "white_space": ([("cli/a.c", "int a; \n"), ("cli/a.c", "int a;"), ("cli/a.c", "\tint a;\n")],
                    [("Makefile", "a:\n\tb\n")]),
    "left_overs": ([("cli/a.c", "/* TO" "DO later */\n"), ("docs/a.md", "FIX" "ME\n")], [("cli/a.c", "mastodons\n")]),
    "machine_paths": ([("docs/a.md", "see /home/" "ann/shop\n"), ("tools/a.sh", "cd /root" "/x\n")],
                      [("docs/a.md", "see src/home/x/y\n")]),
    "headers": ([("cli/a.h", "/* What. */\nint a;\n"), ("cli/a.h", "#pragma once\n")], [("cli/a.h", HEADER)]),
    "includes": (
        [("services/orders/a.c", '#include "services/catalog/store.h"\n'),
         ("platform/wire/a.c", '#include "services/catalog/catalog.h"\n'),
         ("platform/base/a.c", '#include "platform/net/http.h"\n'),
         ("platform/ports/kv/a.c", '#include "platform/service/service.h"\n'),
         ("services/orders/a.c", '#include "cli/commands.h"\n'),
         ("services/a/test_a.c", '#include "services/b/store.h"\n'),
         ("cli/a.c", '#include "commands.h"\n')],
        [("services/orders/a.c", '#include "services/orders/store.h"\n'),
         ("services/orders/a.c", '#include "shopstream/catalog/v1/catalog.rpc.h"\n'),
         ("platform/ports/kv/test_kv.c", '#include "shopstream/orders/v1/orders.pb-c.h"\n'),
         ("services/a/test_a.c", '#include "services/emulator/test_emulator.h"\n'),
         ("platform/base/a.c", '#include "platform/ports/clock/clock.h"\n#include <uv.h>\n')]),
    "sql_in_c": ([("services/x/a.c", '    run("SELECT id FROM orders");\n')],
                 [("services/x/a.c", '    log("Select a product");\n'),
                  ("services/x/test_a.c", '    run("SELECT id FROM orders");\n')]),
    "sql_files": (
        [("services/x/sql/a.sql", "-- name: get_a\nSELECT * FROM a;\n"),
         ("services/x/sql/a.sql", "SELECT 1;\n"),
         ("services/x/sql/a.sql", "-- name: put_a\nINSERT OR REPLACE INTO a VALUES (1);\n"),
         ("services/x/migrations/0002_x.sql", "CREATE TABLE a (id INTEGER);\n"),
         ("services/x/migrations/0001_x.sql", "CREATE TABEL a (id INTEGER);\n")],
        [("services/x/sql/a.sql", "-- name: get_a\n-- never SELECT *\nSELECT id FROM a WHERE kind = 'glob';\n"),
         ("services/x/migrations/0001_x.sql", "CREATE TABLE a (id INTEGER);\n")]),
    "unused_names": (
        [("platform/wire/a.h", HEADER + "int wire_walk(int a);\n"),
         ("platform/wire/a.h", HEADER + "struct a *a_new(const char *name,\n                int b);\n"),
         ("services/x/a.h", HEADER + "static inline int x_twice(int a)\n{\n    return 2 * a;\n}\n"),
         ("services/x/a.h", HEADER + "int x_named(void); /* x_named() is called by nobody */\n"),
         ("cli/a.c", "#define LIMIT_MAX 7\n")],
        [("platform/wire/a.h", HEADER + "#define WALK(a) wire_walk(a)\nint wire_walk(int a);\n"),
         ("platform/wire/a.h", HEADER + "typedef int walker(int a);\n"),
         ("cli/a.c", "#define LIMIT_MAX 7\nint limits[LIMIT_MAX];\n"),
         ("platform/wire/a.c", "static int walk(int a)\n{\n    return a;\n}\n")]),
    "lock_files": ([("tests/c/package-lock.json", '{"resolved": "https://' 'example.test/a.tgz"}\n')],
                   [("tests/c/package-lock.json", '{"integrity": "sha512-x"}\n')]),
    "pinned_lists": ([("deps/a.txt", "yyjson==4.0.6\n")], [("deps/a.txt", "gcc\n# yyjson==4.0.6\n")]),
}


def problems_of(name, text):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "init", "--quiet", folder], check=True)
        path = pathlib.Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return [line.split(": ")[1] for line in lint.find_problems(folder)]


class LintTest(unittest.TestCase):
    def test_every_rule_has_cases(self):
        self.assertEqual(sorted(CASES), sorted(rule.__name__ for rule in lint.RULES))


def add_tests():
    for rule, (refused, passed) in CASES.items():
        def find(self, rule=rule, refused=refused):
            for name, text in refused:
                with self.subTest(name=name, text=text[:80]):
                    self.assertIn(rule, problems_of(name, text))

        def let_be(self, rule=rule, passed=passed):
            for name, text in passed:
                with self.subTest(name=name, text=text[:80]):
                    self.assertNotIn(rule, problems_of(name, text))

        setattr(LintTest, "test_lint__%s_finds" % rule, find)
        setattr(LintTest, "test_lint__%s_lets_be" % rule, let_be)


add_tests()

if __name__ == "__main__":
    unittest.main()
