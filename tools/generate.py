#!/usr/bin/python3
"""Writes build/generated: everything in C that comes from .proto and .sql files and from assets.

  platform/proto/**/*.proto      ->  *.pb-c.{c,h} (by protoc-c), and for each service *.rpc.{c,h} and *.client.c: the
                                     methods' names, descriptors and handler types, and typed clients; wire_rules.c:
                                     what the options (options.v1.rule) say, for platform/wire
  <folder>/*.sql                 ->  *.sql.{c,h}: each "-- name: verb_noun" is a constant <owner>_sql_<name>
  <folder>/migrations/NNNN_*.sql ->  migrations.{c,h}: an array <owner>_migrations; NNNN_*.postgres.sql: the
                                     same one, as Postgres wants it said
  <folder>/assets/**             ->  assets.{c,h}: the bytes of each file are a struct str <owner>_asset_<name>

The owner is the nearest folder that is not called sql. A file is written only when its text changes, so that nothing is
compiled for nothing.
"""
import importlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "generated"
PROTO_ROOT = ROOT / "platform" / "proto"
SOURCES = ("platform", "services", "tests/simulation", "tests/faults")
OPTIONS = "shopstream/options/v1/options.proto"  # read here; nothing of it is needed in C
# Those of platform/wire/wire_format.c.
FORMATS = {"email", "uuid", "slug", "currency", "country", "date-time", "hostname", "token"}
POSTGRES_SUFFIX = ".postgres.sql"
FIELDS_MAX = 128  # WIRE_FIELDS_MAX
IDEMPOTENCY = ["RPC_ONCE", "RPC_NO_SIDE_EFFECTS", "RPC_IDEMPOTENT"]  # of platform/rpc/rpc.h, by idempotency_level
kept = set()


def write(relative, text):
    path = OUT / relative
    kept.add(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def c_string(text):
    lines = text.splitlines()
    quoted = ['        "%s\\n"' % line.replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return "\n".join(quoted) or '        ""'


def snake(name):
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def fail(message):
    sys.exit("generate: " + message)


# -- .sql -------------------------------------------------------------------------------------------------------------
def strip_comments(text):
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--") and line.strip())


def parse_statements(path):
    """Yields (name, comment, text) for each "-- name: x" block; comment lines between name and text are its docs."""
    names = set()
    for block in re.split(r"(?m)^-- name:", path.read_text())[1:]:
        head, _, body = block.partition("\n")
        name = head.strip()
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in names:
            fail("%s: bad or repeated statement name '%s'" % (path, name))
        names.add(name)
        text = strip_comments(body).strip().rstrip(";")
        if not text or ";" in text:
            fail("%s: statement '%s' must be exactly one SQL statement" % (path, name))
        yield name, text


def owner_of(path):
    folder = path.parent
    while folder.name in ("sql", "migrations"):
        folder = folder.parent
    return folder.name


def generate_statements(path):
    relative = path.relative_to(ROOT)
    owner = owner_of(path)
    header = ["/* Generated from %s. */" % relative, "#pragma once", '#include "platform/ports/sql/sql.h"', ""]
    source = ["/* Generated from %s. */" % relative, '#include "%s.h"' % relative, ""]
    for name, text in parse_statements(path):
        header.append("extern const struct sql_statement %s_sql_%s;" % (owner, name))
        source.append("const struct sql_statement %s_sql_%s = {\n    .name = \"%s_%s\",\n    .text =\n%s,\n};"
                      % (owner, name, owner, name, c_string(text)))
    # Every statement in one array, so that a test can prepare each against each engine.
    write(str(relative) + ".h", "\n".join(header) + "\n")
    write(str(relative) + ".c", "\n".join(source) + "\n")
    return [("%s_sql_%s" % (owner, name), owner) for name, _ in parse_statements(path)]


def generate_migrations(folder):
    owner = owner_of(folder / "x")
    relative = folder.relative_to(ROOT) / "migrations"
    entries = []
    own = [path for path in sorted(folder.glob("*.sql")) if not path.name.endswith(POSTGRES_SUFFIX)]
    for number, path in enumerate(own, start=1):
        match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name)
        if not match or int(match.group(1)) != number:
            fail("%s: migrations are NNNN_name.sql, numbered from 0001 without a gap" % path)
        texts = ".text =\n%s" % c_string(strip_comments(path.read_text()))
        postgres = path.with_name(path.stem + POSTGRES_SUFFIX)
        if postgres.exists():
            texts += ",\n     .postgres_text =\n%s" % c_string(strip_comments(postgres.read_text()))
        entries.append("    {.number = %d, .name = \"%s\", %s}," % (number, match.group(2), texts))
    write(str(relative) + ".h",
          "/* Generated from %s. */\n#pragma once\n#include \"platform/ports/sql/sql.h\"\n\n"
          "extern const struct sql_migration %s_migrations[];\nextern const size_t %s_migration_count;\n"
          % (folder.relative_to(ROOT), owner, owner))
    write(str(relative) + ".c",
          "/* Generated from %s. */\n#include \"%s.h\"\n\nconst struct sql_migration %s_migrations[] = {\n%s\n};\n"
          "const size_t %s_migration_count = %d;\n"
          % (folder.relative_to(ROOT), relative, owner, "\n".join(entries), owner, len(entries)))


def generate_statement_index(statements):
    lines = ["/* Generated: every statement of the tree and the service or port that owns it. */",
             '#include "statement_index.h"', ""]
    lines += ["extern const struct sql_statement %s;" % name for name, _ in statements]
    lines += ["", "const struct statement_index_entry statement_index[] = {"]
    lines += ['    {"%s", &%s},' % (owner, name) for name, owner in statements]
    lines += ['    {0, 0},', "};"]
    write("statement_index.c", "\n".join(lines) + "\n")
    write("statement_index.h",
          "/* Generated: every statement of the tree and the service or port that owns it; ends with a NULL owner. */\n"
          '#pragma once\n#include "platform/ports/sql/sql.h"\n\n'
          "struct statement_index_entry {\n    const char *owner;\n    const struct sql_statement *statement;\n};\n"
          "extern const struct statement_index_entry statement_index[];\n")


# -- Assets -----------------------------------------------------------------------------------------------------------
def assets():
    """Every file in a folder called assets, by that folder."""
    found = {}
    for path in sorted(path for top in SOURCES for path in (ROOT / top).rglob("*") if path.is_file()):
        folder = next((parent for parent in path.parents if parent.name == "assets"), None)
        if folder:
            found.setdefault(folder, []).append(path)
    return found


def c_bytes(data):
    """A string literal in pieces; three octal digits, so that no digit behind them belongs to the escape."""
    plain = {byte for byte in range(0x20, 0x7F)} - {ord('"'), ord("\\"), ord("?")}
    lines = []
    for start in range(0, len(data), 90):
        piece = data[start:start + 90]
        lines.append('    "%s"' % "".join(chr(byte) if byte in plain else "\\%03o" % byte for byte in piece))
    return "\n".join(lines) or '    ""'


def generate_assets(folder, paths):
    owner = folder.parent.name
    relative = folder.relative_to(ROOT)
    header = ["/* Generated from the files in %s. */" % relative, "#pragma once", '#include "platform/base/str.h"', ""]
    source = ["/* Generated from the files in %s. */" % relative, '#include "%s.h"' % relative, ""]
    for path in paths:
        name = "%s_asset_%s" % (owner, re.sub(r"[^a-z0-9]+", "_", str(path.relative_to(folder)).lower()))
        data = path.read_bytes()
        header.append("extern const struct str %s;" % name)
        source.append("static const char %s_bytes[] =\n%s;\nconst struct str %s = {%s_bytes, %d};\n"
                      % (name, c_bytes(data), name, name, len(data)))
    write(str(relative) + ".h", "\n".join(header) + "\n")
    write(str(relative) + ".c", "\n".join(source) + "\n")


# -- .proto -----------------------------------------------------------------------------------------------------------
def protos():
    return sorted(PROTO_ROOT.rglob("*.proto"))


def c_names(file, descriptor_set):
    """The C prefix that protoc-c gives to messages of a file: the c_package option, or the package."""
    for candidate in descriptor_set.file:
        if candidate.name == file:
            match = re.search(r'\(pb_c_file\)\.c_package\s*=\s*"([^"]+)"', (PROTO_ROOT / file).read_text())
            return match.group(1) if match else candidate.package
    fail("unknown file " + file)


def camel(name):
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


class Message:
    """A message of the schema with the names that protoc-c gives to it."""

    def __init__(self, descriptor, full_name, c_type, c_lower):
        self.descriptor = descriptor
        self.full_name = full_name
        self.c_type = c_type
        self.c_descriptor = c_lower + "__descriptor"


def messages_of(file, descriptor_set):
    """Yields every message of the file, nested ones too."""
    parts = c_names(file.name, descriptor_set).split(".")
    c_type = "__".join(camel(part) for part in parts)
    c_lower = "__".join(snake(part) for part in parts)
    waiting = [(message, "." + file.package, c_type, c_lower) for message in file.message_type]
    while waiting:
        message, full_name, c_type, c_lower = waiting.pop(0)
        full_name, c_type = full_name + "." + message.name, c_type + "__" + camel(message.name)
        c_lower = c_lower + "__" + snake(message.name)
        yield Message(message, full_name, c_type, c_lower)
        waiting += [(nested, full_name, c_type, c_lower) for nested in message.nested_type]


def check_message(message):
    """Refuses what platform/wire does not handle (wire_field.h)."""
    descriptor = message.descriptor
    if len(descriptor.field) > FIELDS_MAX:
        fail("%s: more than %d fields" % (message.full_name, FIELDS_MAX))
    if descriptor.oneof_decl:
        fail("%s: oneof is not supported" % message.full_name)
    for field in descriptor.field:
        name = "%s.%s" % (message.full_name, field.name)
        if field.label == field.LABEL_REQUIRED:
            fail(name + ": required can never be taken back; use the rule {required: true}")
        if field.type == field.TYPE_GROUP:
            fail(name + ": groups are not supported")
        if descriptor.options.map_entry and field.name == "key" and field.type != field.TYPE_STRING:
            fail(name + ": the key of a map must be a string")
        if field.name != snake(field.name):
            fail(name + ": names of fields are snake_case")


# -- Rules ------------------------------------------------------------------------------------------------------------
def c_literal(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def c_int64(value):
    return "INT64_MIN" if value == -2**63 else "INT64_C(%d)" % value


def rule_initialisers(rule):
    """The designated initialisers of struct wire_rule, in its order."""
    parts = []
    parts += [".%s = true" % flag for flag in ("required", "read_only") if getattr(rule, flag)]
    for bound in ("min", "max"):
        if rule.HasField(bound):
            parts.append(".has_%s = true, .%s = %s" % (bound, bound, c_int64(getattr(rule, bound))))
    for limit in ("min_length", "max_length", "min_items", "max_items"):
        if rule.HasField(limit):
            parts.append(".%s = %d" % (limit, getattr(rule, limit)))
    if rule.values:
        parts.append(".values = (const char *const[]){%s, NULL}" % ", ".join(c_literal(value) for value in rule.values))
    parts += [".%s = %s" % (text, c_literal(getattr(rule, text))) for text in ("format", "example", "help")
              if rule.HasField(text)]
    return parts


def check_rule(name, field, rule):
    """A rule that could never apply is a mistake in the schema."""
    texts = field.type in (field.TYPE_STRING, field.TYPE_BYTES)
    integers = field.type not in (field.TYPE_STRING, field.TYPE_BYTES, field.TYPE_MESSAGE, field.TYPE_BOOL,
                                  field.TYPE_ENUM, field.TYPE_DOUBLE, field.TYPE_FLOAT)
    repeated = field.label == field.LABEL_REPEATED
    wrong = [bound for bound in ("min", "max") if rule.HasField(bound) and not integers]
    wrong += [bound for bound in ("min_length", "max_length") if rule.HasField(bound) and not texts]
    wrong += [bound for bound in ("min_items", "max_items") if rule.HasField(bound) and not repeated]
    wrong += [bound for bound in ("format",) if rule.HasField(bound) and field.type != field.TYPE_STRING]
    wrong += ["values"] if rule.values and field.type != field.TYPE_STRING else []
    if wrong:
        fail("%s: %s does not apply to a field of its type" % (name, ", ".join(wrong)))
    if rule.HasField("format") and rule.format not in FORMATS:
        fail("%s: unknown format '%s'" % (name, rule.format))


def generate_rules(messages, options, headers):
    """options: the Python module of options.proto, which knows the extension."""
    lines = ["/* Generated from the rules in the .proto files. */", '#include "platform/wire/wire.h"', ""]
    lines += ['#include "%s"' % header for header in headers] + [""]
    index = []
    for message in messages:
        rows = []
        # protoc-c sorts the fields of a descriptor by their numbers.
        for number, field in enumerate(sorted(message.descriptor.field, key=lambda field: field.number)):
            if not field.options.HasExtension(options.rule):
                continue
            rule = field.options.Extensions[options.rule]
            check_rule("%s.%s" % (message.full_name, field.name), field, rule)
            initialisers = [".field = %d" % number] + rule_initialisers(rule)
            rows.append("    {%s}, /* %s */" % (", ".join(initialisers), field.name))
        if rows:
            array = message.c_descriptor.replace("__descriptor", "_rules")
            lines += ["static const struct wire_rule %s[] = {" % array] + rows + ["};", ""]
            index.append("    {&%s, %s, %d}," % (message.c_descriptor, array, len(rows)))
    lines += ["const struct wire_rules wire_rules_index[] = {"] + index + ["    {NULL, NULL, 0},", "};"]
    write("wire_rules.c", "\n".join(lines) + "\n")


# -- Clients ----------------------------------------------------------------------------------------------------------
def generate_rpc(file, types):
    for service in file.service:
        base = file.name[:-len(".proto")]
        prefix = snake(service.name)
        guard = ["/* Generated from %s: service %s. */" % (file.name, service.name), "#pragma once",
                 '#include "platform/rpc/rpc.h"', '#include "%s.pb-c.h"' % base]
        guard += sorted({'#include "%s.pb-c.h"' % dependency[:-len(".proto")] for dependency in file.dependency
                         if dependency.startswith("shopstream/") and dependency != OPTIONS})
        header = guard + ["", "/* The name of the service, as in its table. */",
                          '#define %s_SERVICE_NAME "%s"' % (prefix.upper(), prefix), ""]
        source = ["/* Generated from %s: service %s. */" % (file.name, service.name), '#include "%s.rpc.h"' % base, ""]
        clients = list(source)
        for method in service.method:
            name = "%s_%s" % (prefix, snake(method.name))
            c_in, d_in = types[method.input_type].c_type, types[method.input_type].c_descriptor
            c_out, d_out = types[method.output_type].c_type, types[method.output_type].c_descriptor
            header += [
                "typedef int %s_fn(struct call *call, const %s *in, %s *out);" % (name, c_in, c_out),
                "extern const struct rpc_method %s_rpc;" % name,
                "/* Calls %s.%s; out must be initialised, what it points to lies in the caller's arena. */"
                % (service.name, method.name),
                "int %s(struct call *caller, const %s *in, %s *out);" % (name, c_in, c_out), ""]
            source += [
                "const struct rpc_method %s_rpc = {\n    .service = \"%s\",\n    .name = \"%s\",\n"
                "    .full_name = \"/%s.%s/%s\",\n    .input = &%s,\n    .output = &%s,\n    .idempotency = %s,\n};"
                % (name, prefix, snake(method.name), file.package, service.name, method.name, d_in, d_out,
                   IDEMPOTENCY[method.options.idempotency_level]), ""]
            clients += [
                "int %s(struct call *caller, const %s *in, %s *out)\n{\n"
                "    return rpc_call(caller, &%s_rpc, &in->base, &out->base);\n}" % (name, c_in, c_out, name), ""]
        write(base + ".rpc.h", "\n".join(header) + "\n")
        write(base + ".rpc.c", "\n".join(source) + "\n")
        # In a file of their own: who only looks at the methods, as OpenAPI does, need not link the transports.
        write(base + ".client.c", "\n".join(clients) + "\n")


def run_protoc(program, folder, *arguments):
    files = [str(path.relative_to(PROTO_ROOT)) for path in protos()]
    subprocess.run([program, "-I", str(PROTO_ROOT), "-I", "/usr/include", *arguments] + files, check=True, cwd=folder)


def read_schema(folder):
    """The descriptors of all files, and the module that knows the extension of options.proto."""
    try:
        from google.protobuf import descriptor_pb2
    except ImportError:
        fail("the Debian package python3-protobuf is missing")
    run_protoc("protoc", folder, "--python_out", folder, "--include_imports", "--descriptor_set_out", "set.bin")
    sys.path.insert(0, folder)
    options = importlib.import_module(OPTIONS[:-len(".proto")].replace("/", ".") + "_pb2")
    # Parsed after the import: only then are the options of the fields read as what they are.
    descriptor_set = descriptor_pb2.FileDescriptorSet()
    descriptor_set.ParseFromString((pathlib.Path(folder) / "set.bin").read_bytes())
    return descriptor_set, options


def write_structs(folder):
    """protoc-c's files, without the options: their header would need the C structs of descriptor.proto."""
    run_protoc("protoc-c", folder, "--c_out", folder)
    unwanted = OPTIONS[:-len(".proto")] + ".pb-c"
    for path in sorted(pathlib.Path(folder).rglob("*.pb-c.*")):
        relative = str(path.relative_to(folder))
        if not relative.startswith(unwanted):
            write(relative, path.read_text().replace('#include "%s.h"\n' % unwanted, ""))


def generate_protos():
    with tempfile.TemporaryDirectory() as folder:
        write_structs(folder)
        descriptor_set, options = read_schema(folder)
    files = [file for file in descriptor_set.file if file.name.startswith("shopstream/") and file.name != OPTIONS]
    messages = [message for file in files for message in messages_of(file, descriptor_set)]
    for message in messages:
        check_message(message)
    headers = [file.name[:-len(".proto")] + ".pb-c.h" for file in files]
    generate_rules(messages, options, headers)
    generate_schema_index(descriptor_set)
    generate_message_index(messages, headers)
    types = {message.full_name: message for message in messages}
    for file in files:
        generate_rpc(file, types)


def symbols_of(file):
    """The full names that a file defines."""
    def of_messages(messages, scope):
        for message in messages:
            name = scope + "." + message.name
            yield name
            yield from of_messages(message.nested_type, name)
            yield from (name + "." + enum.name for enum in message.enum_type)
    yield from of_messages(file.message_type, file.package)
    yield from (file.package + "." + enum.name for enum in file.enum_type)
    for service in file.service:
        yield file.package + "." + service.name
        yield from ("%s.%s.%s" % (file.package, service.name, method.name) for method in service.method)


def generate_schema_index(descriptor_set):
    """The schema itself, for who asks a running shop for it."""
    files, symbols, extensions = [], [], []
    for number, file in enumerate(descriptor_set.file):
        data = file.SerializeToString()
        files.append("    {\"%s\", {\n%s,\n    %d}}," % (file.name, c_bytes(data), len(data)))
        symbols += ["    {\"%s\", &schema_files[%d]}," % (name, number) for name in symbols_of(file)]
        extensions += ["    {\"%s\", %d, &schema_files[%d]}," % (extension.extendee[1:], extension.number, number)
                       for extension in file.extension]
    write("schema_index.c", "\n".join(
        ["/* Generated: the files of the schema as descriptors, and what each defines. */",
         '#include "schema_index.h"', "", "const struct schema_file schema_files[] = {"] + files +
        ["    {0},", "};", "", "const struct schema_symbol schema_symbols[] = {"] + symbols + ["    {0},", "};", "",
         "const struct schema_extension schema_extensions[] = {"] + extensions + ["    {0},", "};"]) + "\n")
    write("schema_index.h",
          "/* Generated: the files of the schema as descriptors (google.protobuf.FileDescriptorProto), and what each "
          "defines.\n * Each array ends with an empty row. */\n#pragma once\n#include \"platform/base/str.h\"\n\n"
          "struct schema_file {\n    const char *name;\n    struct str descriptor;\n};\n"
          "extern const struct schema_file schema_files[];\n\n"
          "struct schema_symbol {\n    const char *name;\n    const struct schema_file *file;\n};\n"
          "extern const struct schema_symbol schema_symbols[];\n\n"
          "struct schema_extension {\n    const char *extendee;\n    int number;\n    const struct schema_file *file;\n"
          "};\nextern const struct schema_extension schema_extensions[];\n")


def generate_message_index(messages, headers):
    """Every message, so that a test can take each through the encoder and back."""
    lines = ["/* Generated: every message of the schema but the entries of maps. */", '#include "message_index.h"', ""]
    lines += ['#include "%s"' % header for header in headers]
    lines += ["", "const ProtobufCMessageDescriptor *const message_index[] = {"]
    lines += ["    &%s," % message.c_descriptor for message in messages if not message.descriptor.options.map_entry]
    lines += ["    NULL,", "};"]
    write("message_index.c", "\n".join(lines) + "\n")
    write("message_index.h", "/* Generated: every message of the schema but the entries of maps; ends with NULL. */\n"
          "#pragma once\n#include <protobuf-c/protobuf-c.h>\n\n"
          "extern const ProtobufCMessageDescriptor *const message_index[];\n")


def newest(paths):
    return max((path.stat().st_mtime for path in paths if path.exists()), default=0)


def main():
    sql = sorted(path for top in SOURCES for path in (ROOT / top).rglob("*.sql"))
    embedded = assets()
    files = protos() + sql + [path for paths in embedded.values() for path in paths]
    inputs = files + [pathlib.Path(__file__)] + sorted({path.parent for path in files})
    stamp = OUT / "stamp"
    listing = "\n".join(str(path) for path in inputs)
    if stamp.exists() and stamp.read_text() == listing and stamp.stat().st_mtime > newest(inputs):
        return
    statements = []
    for path in sql:
        if path.parent.name != "migrations":
            found = generate_statements(path)
            statements += [] if path.is_relative_to(ROOT / "tests") else found
    for folder in sorted({path.parent for path in sql if path.parent.name == "migrations"}):
        generate_migrations(folder)
    generate_statement_index(statements)
    for folder, paths in embedded.items():
        generate_assets(folder, paths)
    generate_protos()
    for path in list(OUT.rglob("*")):
        if path.is_file() and path not in kept and path != stamp:
            path.unlink()
    stamp.write_text(listing)


main()
