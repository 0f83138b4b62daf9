#!/usr/bin/python3
"""Writes build/generated: everything in C that comes from .proto and .sql files.

  platform/proto/**/*.proto      ->  *.pb-c.{c,h} (by protoc-c), and for each service *.rpc.{c,h}: the methods' names,
                                     descriptors and handler types, and typed clients
  <folder>/*.sql                 ->  *.sql.{c,h}: each "-- name: verb_noun" is a constant <owner>_sql_<name>
  <folder>/migrations/NNNN_*.sql ->  migrations.{c,h}: an array <owner>_migrations

The owner is the nearest folder that is not called sql. A file is written only when its text changes, so that nothing is
compiled for nothing.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "generated"
PROTO_ROOT = ROOT / "platform" / "proto"
SOURCES = ("platform", "services")
kept = set()


def write(relative, text):
    path = OUT / relative
    kept.add(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def c_string(text):
    lines = text.splitlines()
    return "\n".join('        "%s\\n"' % line.replace("\\", "\\\\").replace('"', '\\"') for line in lines) or '        ""'


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
    for number, path in enumerate(sorted(folder.glob("*.sql")), start=1):
        match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name)
        if not match or int(match.group(1)) != number:
            fail("%s: migrations are NNNN_name.sql, numbered from 0001 without a gap" % path)
        entries.append("    {.number = %d, .name = \"%s\", .text =\n%s},"
                       % (number, match.group(2), c_string(strip_comments(path.read_text()))))
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


def generate_rpc(file, types):
    for service in file.service:
        base = file.name[:-len(".proto")]
        prefix = snake(service.name)
        guard = ["/* Generated from %s: service %s. */" % (file.name, service.name), "#pragma once",
                 '#include "platform/rpc/rpc.h"', '#include "%s.pb-c.h"' % base]
        guard += sorted({'#include "%s.pb-c.h"' % dependency[:-len(".proto")] for dependency in file.dependency
                         if dependency.startswith("shopstream/")})
        header = guard + ["", "/* The name of the service, as in its table. */",
                          '#define %s_SERVICE_NAME "%s"' % (prefix.upper(), prefix), ""]
        source = ["/* Generated from %s: service %s. */" % (file.name, service.name), '#include "%s.rpc.h"' % base, ""]
        for method in service.method:
            name = "%s_%s" % (prefix, snake(method.name))
            c_in, d_in = types[method.input_type]
            c_out, d_out = types[method.output_type]
            header += [
                "typedef int %s_fn(struct call *call, const %s *in, %s *out);" % (name, c_in, c_out),
                "extern const struct rpc_method %s_rpc;" % name,
                "/* Calls %s.%s; out must be initialised, what it points to lies in the caller's arena. */"
                % (service.name, method.name),
                "int %s(struct call *caller, const %s *in, %s *out);" % (name, c_in, c_out), ""]
            source += [
                "const struct rpc_method %s_rpc = {\n    .service = \"%s\",\n    .name = \"%s\",\n"
                "    .full_name = \"/%s.%s/%s\",\n    .input = &%s,\n    .output = &%s,\n};"
                % (name, prefix, snake(method.name), file.package, service.name, method.name, d_in, d_out),
                "int %s(struct call *caller, const %s *in, %s *out)\n{\n"
                "    return rpc_call(caller, &%s_rpc, &in->base, &out->base);\n}" % (name, c_in, c_out, name), ""]
        write(base + ".rpc.h", "\n".join(header) + "\n")
        write(base + ".rpc.c", "\n".join(source) + "\n")


def generate_protos():
    files = [str(path.relative_to(PROTO_ROOT)) for path in protos()]
    if not files:
        return
    from google.protobuf import descriptor_pb2
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["protoc-c", "-I", str(PROTO_ROOT), "-I", "/usr/include", "--c_out", folder] + files, check=True)
        descriptors = os.path.join(folder, "set.bin")
        subprocess.run(["protoc", "-I", str(PROTO_ROOT), "-I", "/usr/include", "--include_imports",
                        "--descriptor_set_out", descriptors] + files, check=True)
        for path in sorted(pathlib.Path(folder).rglob("*.pb-c.*")):
            write(str(path.relative_to(folder)), path.read_text())
        descriptor_set = descriptor_pb2.FileDescriptorSet()
        descriptor_set.ParseFromString(pathlib.Path(descriptors).read_bytes())
    types = {}
    for file in descriptor_set.file:
        if not file.name.startswith("shopstream/"):
            continue
        package = c_names(file.name, descriptor_set)
        for message in file.message_type:
            c_type = "__".join(camel(part) for part in package.split(".")) + "__" + message.name
            c_lower = "__".join(snake(part) for part in package.split(".")) + "__" + snake(message.name)
            types[".%s.%s" % (file.package, message.name)] = (c_type, c_lower + "__descriptor")
    for file in descriptor_set.file:
        if file.name.startswith("shopstream/"):
            generate_rpc(file, types)


def newest(paths):
    return max((path.stat().st_mtime for path in paths if path.exists()), default=0)


def main():
    sql = sorted(path for top in SOURCES for path in (ROOT / top).rglob("*.sql"))
    inputs = protos() + sql + [pathlib.Path(__file__)] + [path.parent for path in sql + protos()]
    stamp = OUT / "stamp"
    listing = "\n".join(str(path) for path in inputs)
    if stamp.exists() and stamp.read_text() == listing and stamp.stat().st_mtime > newest(inputs):
        return
    statements = []
    for path in sql:
        if path.parent.name != "migrations":
            statements += generate_statements(path)
    for folder in sorted({path.parent for path in sql if path.parent.name == "migrations"}):
        generate_migrations(folder)
    generate_statement_index(statements)
    generate_protos()
    for path in list(OUT.rglob("*")):
        if path.is_file() and path not in kept and path != stamp:
            path.unlink()
    stamp.write_text(listing)


main()
