/* Making and copying messages in an arena. */
#include "platform/wire/wire.h"
#include "platform/wire/wire_field.h"

ProtobufCMessage *wire_message_new(struct arena *arena, const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *message = arena_alloc(arena, descriptor->sizeof_message);
    if (message)
        descriptor->message_init(message);
    return message;
}

static bool copy_bytes(struct arena *arena, ProtobufCBinaryData *bytes)
{
    if (bytes->len == 0) {
        bytes->data = NULL;
        return true;
    }
    struct str copy = arena_copy(arena, str_from(bytes->data, bytes->len));
    bytes->data = (uint8_t *)(uintptr_t)copy.ptr;
    return copy.ptr != NULL;
}

/* Replaces what the slot points to, which is still the source's, by a copy. False when there is no room. */
static bool copy_pointee(struct arena *arena, const ProtobufCFieldDescriptor *field, void *slot)
{
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return copy_bytes(arena, slot);
    void **pointer = slot;
    if (!wire_is_pointer(field) || !*pointer || *pointer == field->default_value)
        return true;
    *pointer = field->type == PROTOBUF_C_TYPE_STRING ? (void *)arena_cstr(arena, str_from_cstr(*pointer))
                                                     : (void *)wire_copy(arena, *pointer);
    return *pointer != NULL;
}

static bool copy_elements(struct arena *arena, const ProtobufCMessage *copy, const ProtobufCFieldDescriptor *field)
{
    size_t count = *wire_count(copy, field);
    size_t size = wire_element_size(field->type);
    char *elements = count > 0 ? arena_alloc_array(arena, count, size) : NULL;
    if (count > 0 && !elements)
        return false;
    if (count > 0)
        memcpy(elements, wire_elements(copy, field), count * size);
    *(char **)wire_member(copy, field) = elements;
    for (size_t i = 0; i < count; i++) {
        if (!copy_pointee(arena, field, elements + i * size))
            return false;
    }
    return true;
}

ProtobufCMessage *wire_copy(struct arena *arena, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    ProtobufCMessage *copy = arena_alloc(arena, descriptor->sizeof_message);
    if (!copy)
        return NULL;
    memcpy(copy, message, descriptor->sizeof_message);
    /* Unknown fields of a newer peer are not carried on: nothing here can check them. */
    copy->n_unknown_fields = 0;
    copy->unknown_fields = NULL;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        bool copied = wire_is_repeated(field) ? copy_elements(arena, copy, field)
                                              : copy_pointee(arena, field, wire_member(copy, field));
        if (!copied)
            return NULL;
    }
    return copy;
}
