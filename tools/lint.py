#!/usr/bin/python3
"""Checks the rules of the tree that a compiler does not: lint.py [ROOT]

Prints FILE:LINE: RULE: what is wrong, and exits 1 when there is anything. Each rule is a function below that yields
(path, line number, message); tests/lint shows of each that it can fail. Files are those that git knows or would add.
"""
import collections
import pathlib
import re
import sqlite3
import subprocess
import sys

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800
WIDTH_MAX = 120
# Not of a schema, where a field stands on one line with its rules.
WIDTH_CHECKED = {".c", ".h", ".sql", ".py", ".sh", ".build"}

# The makes of base/task, the clock and the random port: they alone call the system's threads, clocks, randomness.
MAKES = re.compile(r"_(threads|system)\.c$")
BANNED_CALLS = re.compile(
    r"\b(pthread_(?!sigmask\b)\w+|thrd_\w+|mtx_\w+|cnd_\w+|sem_(?:init|wait|post|timedwait)|sched_yield|u?sleep|"
    r"nanosleep|clock_nanosleep|clock_gettime|gettimeofday|timespec_get|time|clock|gmtime|localtime|ctime|s?rand|"
    r"rand_r|s?random|[dl]rand48|getrandom|getentropy|arc4random\w*|RAND_(?:priv_)?bytes|uv_sleep|uv_mutex_\w+|"
    r"uv_rwlock_\w+|uv_sem_\w+|uv_cond_\w+|uv_barrier_\w+|uv_thread_\w+|uv_random|uv_hrtime|"
    r"uv_clock_gettime|uv_gettimeofday)\s*\(")
BANNED_DEVICES = re.compile(r'"/dev/u?random"')

# What a layer may include, besides itself. Tests may include anything of the layers below services, and messages.
LAYERS = [
    ("platform/base/", ("platform/ports/clock/", "platform/ports/random/")),
    ("platform/sandbox/", ("platform/base/",)),
    ("platform/render/", ("platform/base/", "platform/ports/clock/", "platform/ports/metrics/")),
    ("platform/wire/", ("platform/base/", "platform/ports/clock/", "platform/service/service.h", "shopstream/options/",
                        "message_index.h", "wire_rules.h")),
    ("platform/net/", ("platform/base/", "platform/ports/clock/", "platform/ports/random/", "platform/ports/metrics/")),
    ("platform/ports/", ("platform/base/", "platform/wire/", "platform/net/", "statement_index.h")),
    ("platform/rpc/", ("platform/base/", "platform/wire/", "platform/net/", "platform/ports/", "platform/service/",
                       "shopstream/rpc/")),
    ("platform/service/", ("platform/", "shopstream/common/", "shopstream/mail/", "shopstream/rpc/", "grpc/",
                           "statement_index.h", "message_index.h", "schema_index.h")),
]
MIGRATION = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")
# Words of one engine alone; SQL is the subset that SQLite and Postgres share. sqlite.sql is the adapter's own. Left out
# is AUTOINCREMENT, for which they share no word: a Postgres adapter has to translate that one.
SQL_OF_ONE_ENGINE = re.compile(
    r"\b(BIGSERIAL|SERIAL|INSERT\s+OR\s+\w+|REPLACE\s+INTO|IFNULL|STRFTIME|DATETIME|JULIANDAY|GLOB|PRAGMA|"
    r"ROWID|GROUP_CONCAT|STRING_AGG|ILIKE|JSONB|WITHOUT\s+ROWID|::\w+|NOW\(\))", re.I)
SQL_IN_C = re.compile(r'"\s*(SELECT\s.+\sFROM\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s)', re.I)
LEFT_OVERS = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
MACHINE_PATHS = re.compile(r"(?<![\w.$}/-])/(?:root|work|home/\w+|Users/\w+)/")
# A function's prototype or definition: it begins at the line's first column. Those with the type of a generated handler
# are the compiler's to miss.
DECLARED = re.compile(r"^(?!typedef\b|return\b|else\b)[a-z][\w *]*?[ *](\w+)\(", re.M)
CONSTANT = re.compile(r"^#define ([A-Z]\w+) ", re.M)
# What stands in a header and only unit tests call, and why.
FOR_TESTS = {
    **dict.fromkeys(["http_server_loop_count", "http_server_connection_count", "http_exchange_is_dead", "metric_value",
                     "fault_plan_calls", "fault_plan_faults", "fault_plan_set", "simulator_enter_domain",
                     "simulator_trace"],
                    "what a test must see from outside"),
    **dict.fromkeys(["workflow_await", "workflow_poll", "workflow_sleep", "workflow_wait", "workflow_engine_settle",
                     "WORKFLOW_NO_TIMEOUT"], "what the port promises, and its conformance suite holds"),
}
BINARY = {".png", ".jpg", ".webp", ".ico", ".woff2", ".gz", ".der", ".pem"}


class Tree:
    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        listed = subprocess.run(["git", "-C", str(self.root), "ls-files", "-z", "--cached", "--others",
                                 "--exclude-standard"], check=True, capture_output=True).stdout.decode().split("\0")
        self.paths = sorted({name for name in listed if name and (self.root / name).is_file()})
        self.texts = {}
        for name in self.paths:
            if pathlib.Path(name).suffix not in BINARY and "/corpus/" not in name:
                self.texts[name] = (self.root / name).read_text(errors="replace")

    def files(self, *suffixes, under=""):
        for name, text in self.texts.items():
            if name.startswith(under) and (not suffixes or name.endswith(suffixes)):
                yield name, text


def without_comments(text):
    """C with its comments and the insides of its strings blanked, its lines kept."""
    def blank(match):
        token = match.group(0)
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        return token[0] + re.sub(r"[^\n]", " ", token[1:-1]) + token[-1]

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def is_test(name):
    return name.startswith("tests/") or pathlib.Path(name).name.startswith("test_")


# -- the rules --------------------------------------------------------------------------------------------------------
def banned_calls(tree):
    """Threads, time and randomness go through platform/base/task.h and the clock and random ports."""
    for name, text in tree.files(".c", ".h"):
        if MAKES.search(name) or name == "platform/base/banned.h" or name.startswith("tests/"):
            continue
        for number, line in enumerate(without_comments(text).splitlines(), start=1):
            match = BANNED_CALLS.search(line)
            if match and not re.match(r"\s*#\s*define", line):
                yield name, number, "%s is called outside the makes of base/task, clock and random" % match.group(1)
        # The sandbox names what libraries may open.
        for match in BANNED_DEVICES.finditer("" if name.startswith("platform/sandbox/") else text):
            yield name, line_of(text, match.start()), "%s is opened outside the random port" % match.group(0)


def function_length(tree):
    for name, text in tree.files(".c", ".h"):
        start = None
        for number, line in enumerate(text.splitlines(), start=1):
            if line == "{":
                start = number
            elif line.startswith("}") and start:
                if number - start - 1 > FUNCTION_LINES_MAX:
                    yield name, start, "a function of %d lines; at most %d" % (number - start - 1, FUNCTION_LINES_MAX)
                start = None


def file_length(tree):
    for name, text in tree.files(".c", ".h", ".py", ".sh"):
        count = text.count("\n")
        if count > FILE_LINES_MAX:
            yield name, count, "%d lines; at most %d" % (count, FILE_LINES_MAX)


def line_width(tree):
    for name, text in tree.files():
        if pathlib.Path(name).suffix in WIDTH_CHECKED:
            for number, line in enumerate(text.splitlines(), start=1):
                if len(line) > WIDTH_MAX:
                    yield name, number, "%d columns; at most %d" % (len(line), WIDTH_MAX)


def white_space(tree):
    for name, text in tree.files():
        if text and not text.endswith("\n"):
            yield name, line_of(text, len(text)), "the last line does not end"
        for number, line in enumerate(text.split("\n"), start=1):
            if line != line.rstrip():
                yield name, number, "white space at the end of the line"
            if "\t" in line and name.endswith((".c", ".h", ".proto", ".sql", ".py")):
                yield name, number, "a tab"


def left_overs(tree):
    for name, text in tree.files():
        for match in LEFT_OVERS.finditer(text):
            yield name, line_of(text, match.start()), "%s: do it, or file it" % match.group(1)


def machine_paths(tree):
    for name, text in tree.files():
        if name.startswith("tests/lint/"):
            continue
        for match in MACHINE_PATHS.finditer(text):
            yield name, line_of(text, match.start()), "a path of one machine: %s" % match.group(0)


def headers(tree):
    for name, text in tree.files(".h"):
        if "#pragma once" not in text:
            yield name, 1, "a header without #pragma once"
        if not text.startswith("/*"):
            yield name, 1, "a header opens with a comment that says its purpose"


def includes(tree):
    """services -> platform -> base, and a service knows of another only its messages and its generated client."""
    for name, text in tree.files(".c", ".h"):
        for match in re.finditer(r'^\s*#\s*include\s+"([^"]+)"', text, re.M):
            problem = include_problem(name, match.group(1))
            if problem:
                yield name, line_of(text, match.start(1)), problem


def include_problem(name, included):
    owner = re.match(r"services/(\w+)/", name)
    other = re.match(r"services/(\w+)/", included)
    if "/" not in included and included not in ("message_index.h", "schema_index.h", "statement_index.h",
                                                "wire_rules.h"):
        return 'include "%s" by its path from the root' % included
    # A test may stand something up that another service offers to tests, as the emulator does.
    if is_test(name) and pathlib.Path(included).name.startswith("test_"):
        return None
    if owner and other and owner.group(1) != other.group(1):
        return "a service includes another's header %s; call its generated client" % included
    if name.startswith("platform/") and included.startswith(("services/", "cli/")):
        return "platform includes %s, which stands above it" % included
    if name.startswith("services/") and included.startswith("cli/"):
        return "a service includes %s, which stands above it" % included
    if is_test(name):
        return None
    for layer, below in LAYERS:
        if name.startswith(layer) and not included.startswith((layer,) + below):
            return "%s includes %s, which does not stand below it" % (layer.rstrip("/"), included)
    return None


def sql_in_c(tree):
    for name, text in tree.files(".c", ".h"):
        # Dumping and loading speak of tables whose names are known only when they run.
        if is_test(name) or name.startswith("platform/ports/sql/sql_tables."):
            continue
        for match in SQL_IN_C.finditer(text):
            yield name, line_of(text, match.start()), "SQL stands in .sql files, as named statements"


ENGINES_OWN = ("/sqlite.sql", "/postgres.sql", ".postgres.sql")


def sql_files(tree):
    folders = {}
    for name, text in tree.files(".sql"):
        code = re.sub(r"--[^\n]*", "", text)
        if not name.endswith(ENGINES_OWN):
            for match in SQL_OF_ONE_ENGINE.finditer(re.sub(r"'[^']*'", "''", code)):
                yield name, line_of(code, match.start()), "%s is of one engine only" % match.group(0)
        for match in re.finditer(r"\bSELECT\s+\*", code, re.I):
            yield name, line_of(code, match.start()), "name the columns instead of *"
        path = pathlib.Path(name)
        if path.parent.name == "migrations" and not is_test(name) and not name.endswith(ENGINES_OWN):
            folders.setdefault(str(path.parent), []).append(path.name)
        elif path.parent.name != "migrations" and not is_test(name) and "-- name:" not in text:
            yield name, 1, "no statement is named (-- name: verb_noun)"
    for folder, names in folders.items():
        yield from migration_problems(tree, folder, sorted(names))


def migration_problems(tree, folder, names):
    """Numbered without a gap, and they run one after the other on an empty database."""
    database = sqlite3.connect(":memory:")
    for number, name in enumerate(names, start=1):
        path = folder + "/" + name
        match = MIGRATION.match(name)
        if not match or int(match.group(1)) != number:
            yield path, 1, "migrations are NNNN_name.sql, numbered from 0001 without a gap"
        try:
            database.executescript(tree.texts[path])
        except sqlite3.Error as error:
            yield path, 1, "does not run: %s" % error


def unused_names(tree):
    """What a header offers has a caller that is no unit test of it, and a constant a reader."""
    codes = {name: without_comments(text) for name, text in tree.files(".c", ".h")
             if not pathlib.Path(name).name.startswith("test_")}
    uses = collections.Counter(word for code in codes.values() for word in re.findall(r"\b[A-Za-z_]\w+\b", code))
    declared = collections.Counter(word for code in codes.values() for word in DECLARED.findall(code))
    for name, code in codes.items():
        if name.startswith("tests/"):
            continue
        offered = [(match, declared[match.group(1)]) for match in DECLARED.finditer(code) if name.endswith(".h")]
        for match, own in offered + [(match, 1) for match in CONSTANT.finditer(code)]:
            if uses[match.group(1)] <= own and match.group(1) not in FOR_TESTS:
                yield name, line_of(code, match.start(1)), "nothing but its own tests uses %s" % match.group(1)


def lock_files(tree):
    """A lock file pins by hash; the address of a registry in it would bind the tree to one machine's settings."""
    for name, text in tree.files("package-lock.json"):
        for match in re.finditer(r'"resolved": "https?:', text):
            yield name, line_of(text, match.start()), "names a registry; use omit-lockfile-registry-resolved in .npmrc"


def pinned_lists(tree):
    for name, text in tree.files(".txt", under="deps/"):
        for number, line in enumerate(text.splitlines(), start=1):
            line = line.partition("#")[0].strip()
            if "==" in line and "--hash=sha256:" not in line:
                yield name, number, "a package without its hash"


RULES = [banned_calls, function_length, file_length, line_width, white_space, left_overs, machine_paths, headers,
         includes, sql_in_c, sql_files, unused_names, lock_files,
         pinned_lists]


def find_problems(root):
    tree = Tree(root)
    for rule in RULES:
        for path, number, message in rule(tree):
            yield "%s:%d: %s: %s" % (path, number, rule.__name__, message)


def main(root):
    problems = list(find_problems(root))
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent))
