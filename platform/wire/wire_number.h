/* What integers a field's type can hold, and storing one; private to platform/wire. */
#pragma once

#include "platform/wire/wire_field.h"

struct wire_integer_range {
    int64_t min;
    uint64_t max;
};

static inline bool wire_is_integer(ProtobufCType type)
{
    return type <= PROTOBUF_C_TYPE_FIXED64;
}

static inline struct wire_integer_range wire_integer_range(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return (struct wire_integer_range){INT64_MIN, INT64_MAX};
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return (struct wire_integer_range){0, UINT64_MAX};
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return (struct wire_integer_range){0, UINT32_MAX};
    default:
        return (struct wire_integer_range){INT32_MIN, INT32_MAX};
    }
}

/* Stores an integer that is in the type's range; bits is its two's complement. */
static inline void wire_integer_store(ProtobufCType type, uint64_t bits, void *slot)
{
    if (wire_element_size(type) == 8)
        *(uint64_t *)slot = bits;
    else
        *(uint32_t *)slot = (uint32_t)bits;
}
