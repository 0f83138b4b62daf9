/* The members of a protobuf-c struct by their descriptors; private to platform/wire.
 *
 * tools/generate.py refuses what is not handled here: proto2's required, groups, oneof, maps whose key is not a string,
 * and messages of more than WIRE_FIELDS_MAX fields. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WIRE_FIELDS_MAX 128

static inline void *wire_member(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return (char *)message + field->offset;
}

/* The has_ flag of an optional scalar. */
static inline protobuf_c_boolean *wire_has(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return (protobuf_c_boolean *)((char *)message + field->quantifier_offset);
}

/* The n_ count of a repeated field. */
static inline size_t *wire_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return (size_t *)((char *)message + field->quantifier_offset);
}

/* The array of a repeated field; elements are wire_element_size apart. */
static inline char *wire_elements(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return *(char **)wire_member(message, field);
}

static inline bool wire_is_repeated(const ProtobufCFieldDescriptor *field)
{
    return field->label == PROTOBUF_C_LABEL_REPEATED;
}

/* Whether presence is a pointer that is not NULL; the others have a has_ flag. */
static inline bool wire_is_pointer(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
}

/* Whether an optional field is set. A string that still points to its default value is not. */
static inline bool wire_is_present(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (!wire_is_pointer(field))
        return *wire_has(message, field);
    const void *pointer = *(void **)wire_member(message, field);
    return pointer && pointer != field->default_value;
}

static inline size_t wire_element_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    default:
        return 4;
    }
}

/* Whether the field is declared map<string, …>: protoc-c makes it a repeated message "…Entry" of key and value. */
static inline bool wire_is_map(const ProtobufCFieldDescriptor *field)
{
    if (!wire_is_repeated(field) || field->type != PROTOBUF_C_TYPE_MESSAGE)
        return false;
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    if (entry->n_fields != 2 || strcmp(entry->fields[0].name, "key") != 0 ||
        strcmp(entry->fields[1].name, "value") != 0)
        return false;
    size_t len = strlen(entry->short_name);
    return len > 5 && memcmp(entry->short_name + len - 5, "Entry", 5) == 0;
}
