"""What the events of the shop promise: their topics, types and fields, read from the schema, and held against what was
released.

An event's message is named XEvent; the comment before it lists its types ("// type: product.created, …"), and the
heading above that its topic ("// -- Events: product.events, keyed by …")."""
import pathlib
import re
import subprocess
import tempfile

from google.protobuf import descriptor_pb2

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROTO = ROOT / "platform/proto"
HEADING = re.compile(r"^// -- Events: ([\w.]+), keyed by", re.M)
EVENT = re.compile(r"^// -- Events: ([\w.]+), keyed by[^\n]*\n+((?://[^\n]*\n)+)message (\w+) \{", re.M)
TYPE = re.compile(r"\b[a-z]+\.[a-z_]+\b")
KINDS = {value: name[5:].lower() for name, value in descriptor_pb2.FieldDescriptorProto.Type.items()}


def read_schema():
    """Each message of the schema by its full name."""
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder, "set.bin")
        subprocess.run(["protoc", "-I", PROTO, "--include_imports", "--descriptor_set_out", output,
                        *sorted(PROTO.rglob("*.proto"))], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes()).file
    messages = {}

    def add(prefix, message):
        name = prefix + "." + message.name
        messages[name] = message
        for nested in message.nested_type:
            add(name, nested)

    for file in files:
        for message in file.message_type:
            add("." + file.package, message)
    return messages


def fields_of(message):
    return {field.name: [field.number, field.type_name or KINDS[field.type],
                         "repeated" if field.label == field.LABEL_REPEATED else "single"] for field in message.field}


def reached_from(messages, name, found):
    """The fields of a message and of all messages below it, into found."""
    if name not in found:
        found[name] = fields_of(messages[name])
        for _, kind, _ in found[name].values():
            if kind.startswith("."):
                reached_from(messages, kind, found)
    return found


def read_contract():
    """{"events": {topic: {"message", "types"}}, "messages": {name: {field: [number, kind, label]}}}"""
    messages = read_schema()
    events, reached = {}, {}
    for path in sorted(PROTO.rglob("*.proto")):
        text = path.read_text()
        package = re.search(r"^package ([\w.]+);", text, re.M)
        for topic, comment, message in EVENT.findall(text):
            types = comment.partition("type:")[2].partition("(")[0] + re.sub(r"\([^)]*\)", "", comment)
            name = ".%s.%s" % (package.group(1), message)
            events[topic] = {"message": name, "types": sorted(set(TYPE.findall(types)))}
            reached_from(messages, name, reached)
        missed = set(HEADING.findall(text)) - set(events)
        assert not missed, "%s: nothing is read of %s" % (path, missed)
    return {"events": events, "messages": reached}


def breaks(released, now):
    """What of the released contract no longer holds, a sentence each. What is new breaks nothing: readers pass over
    fields that they do not know, and take the types that they name."""
    found = []
    for topic, event in released["events"].items():
        if topic not in now["events"]:
            found.append("the topic %s is gone" % topic)
            continue
        if now["events"][topic]["message"] != event["message"]:
            found.append("the events of %s are another message" % topic)
        found += ["%s has no events %s any more" % (topic, each)
                  for each in event["types"] if each not in now["events"][topic]["types"]]
    for name, fields in released["messages"].items():
        if name not in now["messages"]:
            found.append("no event has a %s any more" % name)
            continue
        found += field_breaks(name, fields, now["messages"][name])
    return found


def field_breaks(name, released, now):
    numbers = {field[0]: each for each, field in released.items()}
    for each, field in released.items():
        if each not in now:
            yield "%s.%s is gone" % (name, each)
        elif now[each] != field:
            yield "%s.%s was %s and is %s" % (name, each, field, now[each])
    for each, field in now.items():
        if numbers.get(field[0], each) != each:
            yield "%s.%s has the number of %s" % (name, each, numbers[field[0]])


def misfits(contract, kind, value, path):
    """Where a JSON value is not what the contract says, a sentence each."""
    if kind.startswith("."):
        if not isinstance(value, dict):
            yield "%s is no object" % path
            return
        fields = contract["messages"][kind]
        for name, inner in value.items():
            if name not in fields:
                yield "%s has no field %s" % (path, name)
                continue
            _, inner_kind, label = fields[name]
            if label == "repeated" and is_map(contract, inner_kind):
                items = inner.values() if isinstance(inner, dict) else [inner]
                inner_kind = contract["messages"][inner_kind]["value"][1]
            else:
                items = inner if label == "repeated" else [inner]
            for each in items:
                yield from misfits(contract, inner_kind, each, path + "/" + name)
    elif not fits(kind, value):
        yield "%s is no %s: %r" % (path, kind, value)


def is_map(contract, kind):
    return kind.startswith(".") and kind.endswith("Entry") and set(contract["messages"][kind]) == {"key", "value"}


def fits(kind, value):
    if kind in ("string", "bytes"):
        return isinstance(value, str)
    if kind == "bool":
        return isinstance(value, bool)
    if kind in ("double", "float"):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, int) and not isinstance(value, bool)
