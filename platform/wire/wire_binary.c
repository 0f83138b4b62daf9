/* Protobuf's binary form (https://protobuf.dev/programming-guides/encoding/), by protobuf-c, which checks neither that
 * a string is UTF-8 nor that it has no NUL, nor how deep messages lie in each other: that is looked for first. */
#include "platform/wire/wire.h"
#include "platform/wire/wire_field.h"
#include "platform/wire/wire_path.h"

#define VARINT_BYTES_MAX 10

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* -- What protobuf-c does not check -------------------------------------------------------------------------------- */

static bool take_varint(struct str *bytes, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes->len && i < VARINT_BYTES_MAX; i++) {
        unsigned char byte = (unsigned char)bytes->ptr[i];

        value |= (uint64_t)(byte & 0x7F) << (7 * i);
        if (byte & 0x80)
            continue;
        *bytes = str_skip(*bytes, i + 1);
        *ret_value = value;
        return true;
    }
    return false;
}

/* The value of a field of that wire type, which is empty but for one that has a length. False when it is not whole. */
static bool take_value(struct str *bytes, unsigned wire_type, struct str *ret_value)
{
    uint64_t number = 0;

    *ret_value = STR_EMPTY;
    switch (wire_type) {
    case WIRE_VARINT:
        return take_varint(bytes, &number);
    case WIRE_BYTES:
        if (!take_varint(bytes, &number))
            return false;
        break;
    case WIRE_FIXED64:
        number = 8;
        break;
    case WIRE_FIXED32:
        number = 4;
        break;
    default: /* groups, which proto2 gave up, and what is not defined */
        return false;
    }
    if (number > bytes->len)
        return false;
    if (wire_type == WIRE_BYTES)
        *ret_value = str_slice(*bytes, 0, (size_t)number);
    *bytes = str_skip(*bytes, (size_t)number);
    return true;
}

static int refuse_message(const struct wire_path *path, struct problem *ret_problem)
{
    return wire_refuse(ret_problem, path, "malformed_message", path ? "is not well-formed." : "The message is broken.");
}

static int refuse_memory(struct problem *ret_problem)
{
    return problem_set(ret_problem, ERR_NO_MEMORY, "no_memory", NULL, "The message leaves no room to work on it.");
}

static int check_fields(const struct wire_path *path, const ProtobufCMessageDescriptor *descriptor, struct str bytes,
                        unsigned depth, struct problem *ret_problem)
{
    if (depth > WIRE_DEPTH_MAX)
        return wire_refuse(ret_problem, path, "too_deep", "lies too deep.");
    while (bytes.len > 0) {
        uint64_t tag;
        struct str value;

        if (!take_varint(&bytes, &tag) || tag > UINT32_MAX || tag >> 3 == 0 || !take_value(&bytes, tag & 7, &value))
            return refuse_message(path, ret_problem);
        const ProtobufCFieldDescriptor *field =
            (tag & 7) == WIRE_BYTES ? protobuf_c_message_descriptor_get_field(descriptor, (unsigned)(tag >> 3)) : NULL;
        if (!field)
            continue;
        const struct wire_path step = {.parent = path, .name = str_from_cstr(field->name)};
        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
            TRY(check_fields(&step, field->descriptor, value, depth + 1, ret_problem));
        else if (field->type == PROTOBUF_C_TYPE_STRING && !str_is_utf8(value))
            return wire_refuse(ret_problem, &step, "invalid_utf8", "must be UTF-8 without NUL.");
    }
    return 0;
}

/* -- Maps ---------------------------------------------------------------------------------------------------------- */

/* A key or value that was left out is the empty one. */
static int complete_entry(struct arena *arena, ProtobufCMessage *entry)
{
    static char empty[1] = "";

    for (unsigned i = 0; i < 2; i++) {
        const ProtobufCFieldDescriptor *field = &entry->descriptor->fields[i];
        void **slot = wire_member(entry, field);

        if (!wire_is_pointer(field) || *slot)
            continue;
        *slot = field->type == PROTOBUF_C_TYPE_STRING ? (void *)empty : wire_message_new(arena, field->descriptor);
        if (!*slot)
            return ERR_NO_MEMORY;
    }
    return 0;
}

static const char *key_of(const ProtobufCMessage *entry)
{
    return *(char **)wire_member(entry, &entry->descriptor->fields[0]);
}

static int check_map(struct arena *arena, const struct wire_path *path, ProtobufCMessage **entries, size_t count,
                     struct problem *ret_problem)
{
    if (count > WIRE_MAP_ENTRIES_MAX)
        return wire_refuse(ret_problem, path, "too_many", "must have at most %d entries.", WIRE_MAP_ENTRIES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (complete_entry(arena, entries[i]) < 0)
            return refuse_memory(ret_problem);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(key_of(entries[j]), key_of(entries[i])) == 0)
                return wire_refuse(ret_problem, path, "duplicate_key", "must have each key once.");
        }
    }
    return 0;
}

/* Of a oneof only the member that is set is what its type says. (The schema of the shop has none.) */
static bool is_message_present(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return false;
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        return *(const uint32_t *)((const char *)message + field->quantifier_offset) == field->id;
    return wire_is_repeated(field) || wire_is_present(message, field);
}

static int check_maps(struct arena *arena, const struct wire_path *path, const ProtobufCMessage *message,
                      struct problem *ret_problem)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const struct wire_path step = {.parent = path, .name = str_from_cstr(field->name)};

        if (!is_message_present(message, field))
            continue;
        size_t count = wire_is_repeated(field) ? *wire_count(message, field) : 1;
        ProtobufCMessage **elements = wire_is_repeated(field)
                                          ? (ProtobufCMessage **)(void *)wire_elements(message, field)
                                          : wire_member(message, field);
        if (wire_is_map(field))
            TRY(check_map(arena, &step, elements, count, ret_problem));
        for (size_t j = 0; j < count; j++)
            TRY(check_maps(arena, &step, elements[j], ret_problem));
    }
    return 0;
}

/* -- In and out ---------------------------------------------------------------------------------------------------- */

struct room {
    struct arena *arena;
    bool is_used_up;
};

static void *allocate(void *context, size_t size)
{
    struct room *room = context;
    void *bytes = arena_alloc(room->arena, size);

    room->is_used_up |= !bytes;
    return bytes;
}

static void release(void *context, void *bytes)
{
    (void)context;
    (void)bytes;
}

int wire_from_binary(struct arena *arena, struct str bytes, ProtobufCMessage *message, struct problem *ret_problem)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    struct room room = {.arena = arena};
    ProtobufCAllocator allocator = {.alloc = allocate, .free = release, .allocator_data = &room};

    TRY(check_fields(NULL, descriptor, bytes, 1, ret_problem));
    ProtobufCMessage *unpacked =
        protobuf_c_message_unpack(descriptor, &allocator, bytes.len, (const uint8_t *)bytes.ptr);
    if (!unpacked && room.is_used_up)
        return refuse_memory(ret_problem);
    if (!unpacked)
        return refuse_message(NULL, ret_problem);
    TRY(check_maps(arena, NULL, unpacked, ret_problem));
    memcpy(message, unpacked, descriptor->sizeof_message);
    message->n_unknown_fields = 0;
    message->unknown_fields = NULL;
    return 0;
}

void wire_to_binary(const ProtobufCMessage *message, struct buf *buf)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    char *bytes = size > 0 ? buf_reserve(buf, size) : NULL;

    if (bytes)
        buf_commit(buf, protobuf_c_message_pack(message, (uint8_t *)bytes));
}
