/* Path and query parameters → fields of a message. */
#include "platform/wire/wire.h"
#include "platform/wire/wire_field.h"
#include "platform/wire/wire_number.h"
#include "platform/wire/wire_path.h"
#include "platform/wire/wire_suggest.h"

#include <inttypes.h>

static int parse_unsigned(struct str text, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (text.len == 0)
        return ERR_INVALID;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return ERR_INVALID;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.ptr[i] - '0'), &value))
            return ERR_INVALID;
    }
    *ret_value = value;
    return 0;
}

static int set_integer(const struct wire_path *path, ProtobufCType type, struct str text, void *slot,
                       struct problem *ret_problem)
{
    struct wire_integer_range range = wire_integer_range(type);
    bool negative = text.len > 0 && text.ptr[0] == '-';
    int64_t below_zero = 0;
    uint64_t bits = 0;
    int error = negative ? str_to_int64(text, &below_zero) : parse_unsigned(text, &bits);
    if (negative)
        bits = (uint64_t)below_zero;
    if (error || (negative ? below_zero < range.min : bits > range.max))
        return wire_refuse(ret_problem, path, "wrong_type", "must be an integer from %" PRId64 " to %" PRIu64 ".",
                           range.min, range.max);
    wire_integer_store(type, bits, slot);
    return 0;
}

static int set_string(struct arena *arena, const struct wire_path *path, struct str text, char **slot,
                      struct problem *ret_problem)
{
    if (!str_is_utf8(text))
        return wire_refuse(ret_problem, path, "invalid_text", "must be UTF-8 without the character U+0000.");
    char *copy = arena_cstr(arena, text);
    if (!copy)
        return problem_set(ret_problem, ERR_NO_MEMORY, "no_memory", NULL, "The request needs too much memory.");
    *slot = copy;
    return 0;
}

static int set_value(struct arena *arena, const struct wire_path *path, const ProtobufCFieldDescriptor *field,
                     struct str text, void *slot, struct problem *ret_problem)
{
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return set_string(arena, path, text, slot, ret_problem);
    if (wire_is_integer(field->type))
        return set_integer(path, field->type, text, slot, ret_problem);
    if (field->type != PROTOBUF_C_TYPE_BOOL)
        return wire_refuse(ret_problem, path, "unknown_field", "cannot be given as a parameter.");
    if (!str_equal_cstr(text, "true") && !str_equal_cstr(text, "false"))
        return wire_refuse(ret_problem, path, "wrong_type", "must be true or false.");
    *(protobuf_c_boolean *)slot = str_equal_cstr(text, "true");
    return 0;
}

/* Room for one more element; the array doubles whenever its count is a power of two. NULL when there is no room. */
static char *grow_array(struct arena *arena, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    size_t count = *wire_count(message, field);
    size_t size = wire_element_size(field->type);
    char *elements = wire_elements(message, field);
    if ((count & (count - 1)) == 0) {
        char *grown = arena_alloc_array(arena, count > 0 ? count * 2 : 1, size);
        if (!grown)
            return NULL;
        if (count > 0)
            memcpy(grown, elements, count * size);
        *(char **)wire_member(message, field) = elements = grown;
    }
    return elements + count * size;
}

static int append_value(struct arena *arena, const struct wire_path *path, const ProtobufCFieldDescriptor *field,
                        struct str text, ProtobufCMessage *message, struct problem *ret_problem)
{
    size_t *count = wire_count(message, field);
    if (*count >= WIRE_PARAMETER_REPEATS_MAX)
        return wire_refuse(ret_problem, path, "too_many_items", "is given more than %d times.",
                           WIRE_PARAMETER_REPEATS_MAX);
    char *slot = grow_array(arena, message, field);
    if (!slot)
        return problem_set(ret_problem, ERR_NO_MEMORY, "no_memory", NULL, "The request needs too much memory.");
    TRY(set_value(arena, path, field, text, slot, ret_problem));
    ++*count;
    return 0;
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *descriptor, struct str name)
{
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        if (str_equal_cstr(name, descriptor->fields[i].name))
            return &descriptor->fields[i];
    }
    return NULL;
}

int wire_set_field(struct arena *arena, ProtobufCMessage *message, struct str name, struct str text,
                   const char *pointer_prefix, struct problem *ret_problem)
{
    struct wire_path path = {.name = name.ptr ? name : STR(""), .prefix = pointer_prefix[0]};
    const ProtobufCFieldDescriptor *field = find_field(message->descriptor, name);
    if (!field) {
        const char *meant = wire_suggest(message->descriptor, name);
        return wire_refuse(ret_problem, &path, "unknown_field", "is not a parameter of this request%s%s%s",
                           meant ? "; did you mean \"" : ".", meant ? meant : "", meant ? "\"?" : "");
    }
    if (wire_is_repeated(field))
        return append_value(arena, &path, field, text, message, ret_problem);
    if (wire_is_present(message, field))
        return path.prefix == '?' ? wire_refuse(ret_problem, &path, "duplicate_field", "is given more than once.")
                                  : wire_refuse(ret_problem, &path, "duplicate_field",
                                                "is given by the path; leave it out of the body.");
    TRY(set_value(arena, &path, field, text, wire_member(message, field), ret_problem));
    if (!wire_is_pointer(field))
        *wire_has(message, field) = 1;
    return 0;
}
