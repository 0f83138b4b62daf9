/* JSON → message, by descriptor: strict and bounded.
 *
 * Strings of the parsed text (wire_parse.h) end with NUL and live as long as the arena, so the message points to them
 * and nothing is copied twice. */
#include "platform/base/encode.h"
#include "platform/wire/wire.h"
#include "platform/wire/wire_field.h"
#include "platform/wire/wire_number.h"
#include "platform/wire/wire_parse.h"
#include "platform/wire/wire_path.h"
#include "platform/wire/wire_suggest.h"

#include <inttypes.h>

struct decoder {
    struct arena *arena;
    struct problem *problem;
    bool passes_unknown; /* fields */
};

/* -- Values -------------------------------------------------------------------------------------------------------- */

static const char *found(yyjson_val *value)
{
    switch (yyjson_get_type(value)) {
    case YYJSON_TYPE_NULL:
        return "null";
    case YYJSON_TYPE_BOOL:
        return "a boolean";
    case YYJSON_TYPE_STR:
        return "a string";
    case YYJSON_TYPE_ARR:
        return "an array";
    case YYJSON_TYPE_OBJ:
        return "an object";
    default:
        return "a number";
    }
}

static int wrong_type(const struct decoder *d, const struct wire_path *path, const char *wanted, yyjson_val *value)
{
    return wire_refuse(d->problem, path, "wrong_type", "must be %s, not %s.", wanted, found(value));
}

static int out_of_memory(const struct decoder *d)
{
    return problem_set(d->problem, ERR_NO_MEMORY, "no_memory", NULL, "The request needs too much memory.");
}

static int out_of_range(const struct decoder *d, const struct wire_path *path, ProtobufCType type)
{
    struct wire_integer_range range = wire_integer_range(type);
    return wire_refuse(d->problem, path, "out_of_range", "must be an integer from %" PRId64 " to %" PRIu64 ".",
                       range.min, range.max);
}

static int decode_integer(const struct decoder *d, const struct wire_path *path, ProtobufCType type, yyjson_val *value,
                          void *slot)
{
    /* Raw is a number too large for yyjson: an integer past 64 bits, or a fraction past a double. */
    if (yyjson_is_raw(value))
        return out_of_range(d, path, type);
    if (yyjson_is_real(value))
        return wire_refuse(d->problem, path, "wrong_type", "must be an integer, without fraction or exponent.");
    if (!yyjson_is_int(value))
        return wrong_type(d, path, "an integer", value);
    struct wire_integer_range range = wire_integer_range(type);
    uint64_t bits = yyjson_get_uint(value);
    bool negative = yyjson_is_sint(value) && yyjson_get_sint(value) < 0;
    if (negative ? yyjson_get_sint(value) < range.min : bits > range.max)
        return out_of_range(d, path, type);
    wire_integer_store(type, bits, slot);
    return 0;
}

static int decode_double(const struct decoder *d, const struct wire_path *path, ProtobufCType type, yyjson_val *value,
                         void *slot)
{
    if (yyjson_is_raw(value))
        return wire_refuse(d->problem, path, "out_of_range", "is a number too large to be held.");
    if (!yyjson_is_num(value))
        return wrong_type(d, path, "a number", value);
    if (type == PROTOBUF_C_TYPE_DOUBLE)
        *(double *)slot = yyjson_get_num(value);
    else
        *(float *)slot = (float)yyjson_get_num(value);
    return 0;
}

static int decode_string(const struct decoder *d, const struct wire_path *path, yyjson_val *value, char **slot)
{
    if (!yyjson_is_str(value))
        return wrong_type(d, path, "a string", value);
    if (memchr(yyjson_get_str(value), '\0', yyjson_get_len(value)))
        return wire_refuse(d->problem, path, "invalid_text", "must not contain the character U+0000.");
    *slot = (char *)(uintptr_t)yyjson_get_str(value);
    return 0;
}

static int decode_bytes(const struct decoder *d, const struct wire_path *path, yyjson_val *value,
                        ProtobufCBinaryData *slot)
{
    if (!yyjson_is_str(value))
        return wrong_type(d, path, "a string of base64", value);
    struct str text = str_from(yyjson_get_str(value), yyjson_get_len(value));
    uint8_t *bytes = arena_alloc(d->arena, text.len / 4 * 3);
    size_t len;
    if (!bytes)
        return out_of_memory(d);
    if (decode_base64_into(text, (char *)bytes, &len) < 0)
        return wire_refuse(d->problem, path, "invalid_format", "must be base64 with padding (RFC 4648).");
    *slot = (ProtobufCBinaryData){.len = len, .data = bytes};
    return 0;
}

static int decode_enum(const struct decoder *d, const struct wire_path *path, const ProtobufCEnumDescriptor *descriptor,
                       yyjson_val *value, int *slot)
{
    if (!yyjson_is_str(value))
        return wrong_type(d, path, "a string", value);
    struct str text = str_from(yyjson_get_str(value), yyjson_get_len(value));
    for (unsigned i = 0; i < descriptor->n_values; i++) {
        struct str name = str_from_cstr(descriptor->values[i].name);
        bool lower = true;
        for (size_t c = 0; c < text.len; c++)
            lower = lower && !(text.ptr[c] >= 'A' && text.ptr[c] <= 'Z');
        if (lower && str_equal_nocase(text, name)) {
            *slot = descriptor->values[i].value;
            return 0;
        }
    }
    return wire_refuse(d->problem, path, "invalid_value", "is not one of the allowed values.");
}

static int decode_message(const struct decoder *d, const struct wire_path *path, yyjson_val *value,
                          ProtobufCMessage *message);

static int decode_submessage(const struct decoder *d, const struct wire_path *path,
                             const ProtobufCMessageDescriptor *descriptor, yyjson_val *value, ProtobufCMessage **slot)
{
    if (!yyjson_is_obj(value))
        return wrong_type(d, path, "an object", value);
    ProtobufCMessage *message = wire_message_new(d->arena, descriptor);
    if (!message)
        return out_of_memory(d);
    TRY(decode_message(d, path, value, message));
    *slot = message;
    return 0;
}

static int decode_value(const struct decoder *d, const struct wire_path *path, const ProtobufCFieldDescriptor *field,
                        yyjson_val *value, void *slot)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return decode_string(d, path, value, slot);
    case PROTOBUF_C_TYPE_MESSAGE:
        return decode_submessage(d, path, field->descriptor, value, slot);
    case PROTOBUF_C_TYPE_BYTES:
        return decode_bytes(d, path, value, slot);
    case PROTOBUF_C_TYPE_ENUM:
        return decode_enum(d, path, field->descriptor, value, slot);
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        return decode_double(d, path, field->type, value, slot);
    case PROTOBUF_C_TYPE_BOOL:
        if (!yyjson_is_bool(value))
            return wrong_type(d, path, "true or false", value);
        *(protobuf_c_boolean *)slot = yyjson_get_bool(value);
        return 0;
    default:
        return decode_integer(d, path, field->type, value, slot);
    }
}

/* -- Fields -------------------------------------------------------------------------------------------------------- */

static int decode_array(const struct decoder *d, const struct wire_path *path, const ProtobufCFieldDescriptor *field,
                        yyjson_val *value, ProtobufCMessage *message)
{
    if (!yyjson_is_arr(value))
        return wrong_type(d, path, "an array", value);
    size_t count = yyjson_arr_size(value);
    size_t size = wire_element_size(field->type);
    char *elements = count > 0 ? arena_alloc_array(d->arena, count, size) : NULL;
    if (count > 0 && !elements)
        return out_of_memory(d);
    size_t index, end;
    yyjson_val *element;
    yyjson_arr_foreach(value, index, end, element)
    {
        struct wire_path step = {.parent = path, .index = index};
        TRY(decode_value(d, &step, field, element, elements + index * size));
    }
    *(char **)wire_member(message, field) = elements;
    *wire_count(message, field) = count;
    return 0;
}

/* Linear: there are at most WIRE_MAP_ENTRIES_MAX. */
static bool is_taken(ProtobufCMessage *const *entries, size_t count, const ProtobufCFieldDescriptor *key,
                     const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(*(char **)wire_member(entries[i], key), name) == 0)
            return true;
    }
    return false;
}

static int decode_entry(const struct decoder *d, const struct wire_path *path,
                        const ProtobufCMessageDescriptor *descriptor, yyjson_val *key, yyjson_val *value,
                        ProtobufCMessage **ret_entry)
{
    ProtobufCMessage *entry = wire_message_new(d->arena, descriptor);
    if (!entry)
        return out_of_memory(d);
    TRY(decode_string(d, path, key, wire_member(entry, &descriptor->fields[0])));
    const ProtobufCFieldDescriptor *field = &descriptor->fields[1];
    TRY(decode_value(d, path, field, value, wire_member(entry, field)));
    if (!wire_is_pointer(field))
        *wire_has(entry, field) = 1;
    *ret_entry = entry;
    return 0;
}

static int decode_map(const struct decoder *d, const struct wire_path *path, const ProtobufCFieldDescriptor *field,
                      yyjson_val *value, ProtobufCMessage *message)
{
    if (!yyjson_is_obj(value))
        return wrong_type(d, path, "an object", value);
    size_t count = yyjson_obj_size(value);
    if (count > WIRE_MAP_ENTRIES_MAX)
        return wire_refuse(d->problem, path, "too_many_items", "must have at most %d entries.", WIRE_MAP_ENTRIES_MAX);
    const ProtobufCMessageDescriptor *descriptor = field->descriptor;
    ProtobufCMessage **entries = count > 0 ? arena_alloc_array(d->arena, count, sizeof(*entries)) : NULL;
    if (count > 0 && !entries)
        return out_of_memory(d);
    size_t index, end;
    yyjson_val *key, *element;
    yyjson_obj_foreach(value, index, end, key, element)
    {
        struct wire_path step = {.parent = path, .name = str_from(yyjson_get_str(key), yyjson_get_len(key))};
        TRY(decode_entry(d, &step, descriptor, key, element, &entries[index]));
        if (is_taken(entries, index, &descriptor->fields[0], yyjson_get_str(key)))
            return wire_refuse(d->problem, &step, "duplicate_field", "is given more than once.");
    }
    *(ProtobufCMessage ***)wire_member(message, field) = entries;
    *wire_count(message, field) = count;
    return 0;
}

static int decode_field(const struct decoder *d, const struct wire_path *path, const ProtobufCFieldDescriptor *field,
                        yyjson_val *value, ProtobufCMessage *message)
{
    if (wire_is_map(field))
        return decode_map(d, path, field, value, message);
    if (wire_is_repeated(field))
        return decode_array(d, path, field, value, message);
    TRY(decode_value(d, path, field, value, wire_member(message, field)));
    if (!wire_is_pointer(field))
        *wire_has(message, field) = 1;
    return 0;
}

/* The field of that name among descriptor->fields, or -1. Fields that follow each other in the schema do so in most
 * texts, so the search starts behind the last hit. */
static int find_field(const ProtobufCMessageDescriptor *descriptor, struct str name, unsigned start)
{
    for (unsigned i = 0, at = start; i < descriptor->n_fields; i++, at++) {
        if (at >= descriptor->n_fields)
            at = 0;
        if (str_equal_cstr(name, descriptor->fields[at].name))
            return (int)at;
    }
    return -1;
}

static int unknown_field(const struct decoder *d, const struct wire_path *path,
                         const ProtobufCMessageDescriptor *descriptor)
{
    const char *meant = wire_suggest(descriptor, path->name);
    const char *where = path->parent ? "object" : "request";
    if (meant)
        return wire_refuse(d->problem, path, "unknown_field", "is not a field of this %s; did you mean \"%s\"?", where,
                           meant);
    return wire_refuse(d->problem, path, "unknown_field", "is not a field of this %s.", where);
}

static int decode_message(const struct decoder *d, const struct wire_path *path, yyjson_val *value,
                          ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    bool seen[WIRE_FIELDS_MAX] = {false};
    ASSERT(descriptor->n_fields <= WIRE_FIELDS_MAX);
    unsigned expected = 0;
    size_t index, end;
    yyjson_val *key, *element;
    yyjson_obj_foreach(value, index, end, key, element)
    {
        struct wire_path step = {.parent = path, .name = str_from(yyjson_get_str(key), yyjson_get_len(key))};
        int at = find_field(descriptor, step.name, expected);
        if (at < 0 && d->passes_unknown)
            continue;
        if (at < 0)
            return unknown_field(d, &step, descriptor);
        if (seen[at])
            return wire_refuse(d->problem, &step, "duplicate_field", "is given more than once.");
        seen[at] = true;
        TRY(decode_field(d, &step, &descriptor->fields[at], element, message));
        expected = (unsigned)at + 1;
    }
    return 0;
}

static int decode(struct decoder decoder, struct str json, ProtobufCMessage *message)
{
    yyjson_val *root;
    TRY(wire_parse(decoder.arena, json, &root, decoder.problem));
    if (!yyjson_is_obj(root))
        return wire_refuse(decoder.problem, NULL, "wrong_type", "The body must be a JSON object, not %s.", found(root));
    return decode_message(&decoder, NULL, root, message);
}

int wire_from_json(struct arena *arena, struct str json, ProtobufCMessage *message, struct problem *ret_problem)
{
    return decode((struct decoder){.arena = arena, .problem = ret_problem}, json, message);
}

int wire_from_event(struct arena *arena, struct str json, ProtobufCMessage *message, struct problem *ret_problem)
{
    return decode((struct decoder){.arena = arena, .problem = ret_problem, .passes_unknown = true}, json, message);
}
