/* The rules that the schema writes at its fields (shopstream/options/v1/options.proto), enforced. */
#include "platform/wire/wire.h"
#include "platform/wire/wire_field.h"
#include "platform/wire/wire_format.h"
#include "platform/wire/wire_number.h"
#include "platform/wire/wire_path.h"

#include <inttypes.h>
#include <stdio.h>

static const struct wire_rules *rules_of(const ProtobufCMessageDescriptor *message)
{
    for (const struct wire_rules *rules = wire_rules_index; rules->message; rules++) {
        if (rules->message == message)
            return rules;
    }
    return NULL;
}

static const struct wire_rule *rule_of(const struct wire_rules *rules, unsigned field_index)
{
    for (size_t i = 0; rules && i < rules->count; i++) {
        if (rules->rules[i].field == field_index)
            return &rules->rules[i];
    }
    return NULL;
}

const struct wire_rule *wire_rule_find(const ProtobufCMessageDescriptor *message, unsigned field_index)
{
    return rule_of(rules_of(message), field_index);
}

/* -- One value ----------------------------------------------------------------------------------------------------- */

/* Compares without mixing signs; the type says how the bits are meant. */
static bool is_below(ProtobufCType type, const void *slot, int64_t bound)
{
    if (wire_integer_range(type).min == 0)
        return bound > 0 &&
               (wire_element_size(type) == 8 ? *(const uint64_t *)slot : *(const uint32_t *)slot) < (uint64_t)bound;
    return (wire_element_size(type) == 8 ? *(const int64_t *)slot : *(const int32_t *)slot) < bound;
}

static bool is_above(ProtobufCType type, const void *slot, int64_t bound)
{
    if (wire_integer_range(type).min == 0)
        return bound < 0 ||
               (wire_element_size(type) == 8 ? *(const uint64_t *)slot : *(const uint32_t *)slot) > (uint64_t)bound;
    return (wire_element_size(type) == 8 ? *(const int64_t *)slot : *(const int32_t *)slot) > bound;
}

static int check_integer(const struct wire_path *path, const struct wire_rule *rule, ProtobufCType type,
                         const void *slot, struct problem *ret_problem)
{
    if (rule->has_min && is_below(type, slot, rule->min))
        return wire_refuse(ret_problem, path, "out_of_range", "must be at least %" PRId64 ".", rule->min);
    if (rule->has_max && is_above(type, slot, rule->max))
        return wire_refuse(ret_problem, path, "out_of_range", "must be at most %" PRId64 ".", rule->max);
    return 0;
}

static int check_length(const struct wire_path *path, const struct wire_rule *rule, size_t len, const char *unit,
                        struct problem *ret_problem)
{
    if (len == 0 && rule->min_length > 0)
        return wire_refuse(ret_problem, path, "too_short", "must not be empty.");
    if (len < rule->min_length)
        return wire_refuse(ret_problem, path, "too_short", "must have at least %" PRIu32 " %s%s.", rule->min_length,
                           unit, rule->min_length == 1 ? "" : "s");
    if (rule->max_length > 0 && len > rule->max_length)
        return wire_refuse(ret_problem, path, "too_long", "must have at most %" PRIu32 " %s%s.", rule->max_length, unit,
                           rule->max_length == 1 ? "" : "s");
    return 0;
}

static int check_values(const struct wire_path *path, const struct wire_rule *rule, struct str text,
                        struct problem *ret_problem)
{
    char list[PROBLEM_DETAIL_MAX / 2] = "";
    size_t used = 0;
    for (const char *const *value = rule->values; *value; value++) {
        if (str_equal_cstr(text, *value))
            return 0;
        int printed = snprintf(list + used, sizeof(list) - used, "%s%s", used > 0 ? ", " : "", *value);
        used += printed > 0 && (size_t)printed < sizeof(list) - used ? (size_t)printed : 0;
    }
    return wire_refuse(ret_problem, path, "invalid_value", "must be one of: %.*s.", (int)used, list);
}

static int check_string(const struct wire_path *path, const struct wire_rule *rule, struct str text,
                        struct problem *ret_problem)
{
    TRY(check_length(path, rule, str_count_characters(text), "character", ret_problem));
    if (rule->values)
        TRY(check_values(path, rule, text, ret_problem));
    const struct wire_format *format = rule->format ? wire_format_find(rule->format) : NULL;
    if (format && !format->is_valid(text))
        return wire_refuse(ret_problem, path, "invalid_format", "must be %s.", format->description);
    return 0;
}

static int check_message(const struct wire_path *path, const ProtobufCMessage *message, struct problem *ret_problem);

static int check_value(const struct wire_path *path, const struct wire_rule *rule,
                       const ProtobufCFieldDescriptor *field, const void *slot, struct problem *ret_problem)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return check_message(path, *(ProtobufCMessage *const *)slot, ret_problem);
    if (!rule)
        return 0;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return check_string(path, rule, str_from_cstr(*(char *const *)slot), ret_problem);
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return check_length(path, rule, ((const ProtobufCBinaryData *)slot)->len, "byte", ret_problem);
    if (wire_is_integer(field->type))
        return check_integer(path, rule, field->type, slot, ret_problem);
    return 0;
}

/* -- Fields -------------------------------------------------------------------------------------------------------- */

/* The rule's bounds of length and its formats are about the values; a map's keys have none but their number. */
static int check_entry(const struct wire_path *path, const struct wire_rule *rule, const ProtobufCMessage *entry,
                       struct problem *ret_problem)
{
    const ProtobufCFieldDescriptor *key = &entry->descriptor->fields[0];
    const ProtobufCFieldDescriptor *value = &entry->descriptor->fields[1];
    struct wire_path step = {.parent = path, .name = str_from_cstr(*(char **)wire_member(entry, key))};
    return check_value(&step, rule, value, wire_member(entry, value), ret_problem);
}

static int check_elements(const struct wire_path *path, const struct wire_rule *rule,
                          const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message,
                          struct problem *ret_problem)
{
    size_t count = *wire_count(message, field);
    if (rule && (count < rule->min_items || (rule->required && count == 0)))
        return wire_refuse(ret_problem, path, count == 0 ? "required" : "too_few_items",
                           "must have at least %" PRIu32 " item%s.", rule->min_items > 0 ? rule->min_items : 1,
                           rule->min_items > 1 ? "s" : "");
    if (rule && rule->max_items > 0 && count > rule->max_items)
        return wire_refuse(ret_problem, path, "too_many_items", "must have at most %" PRIu32 " item%s.",
                           rule->max_items, rule->max_items == 1 ? "" : "s");
    const char *elements = wire_elements(message, field);
    size_t size = wire_element_size(field->type);
    bool is_map = wire_is_map(field);
    for (size_t i = 0; i < count; i++) {
        struct wire_path step = {.parent = path, .index = i};
        const void *slot = elements + i * size;
        TRY(is_map ? check_entry(path, rule, *(ProtobufCMessage *const *)slot, ret_problem)
                   : check_value(&step, rule, field, slot, ret_problem));
    }
    return 0;
}

static int check_field(const struct wire_path *path, const struct wire_rule *rule,
                       const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message,
                       struct problem *ret_problem)
{
    bool present = wire_is_repeated(field) ? *wire_count(message, field) > 0 : wire_is_present(message, field);
    if (present && rule && rule->read_only)
        return wire_refuse(ret_problem, path, "read_only", "is read-only; leave it out.");
    if (wire_is_repeated(field))
        return check_elements(path, rule, field, message, ret_problem);
    if (present)
        return check_value(path, rule, field, wire_member(message, field), ret_problem);
    if (rule && rule->required)
        return wire_refuse(ret_problem, path, "required", "is required.");
    return 0;
}

static int check_message(const struct wire_path *path, const ProtobufCMessage *message, struct problem *ret_problem)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    const struct wire_rules *rules = rules_of(descriptor);
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        struct wire_path step = {.parent = path, .name = str_from_cstr(field->name)};
        TRY(check_field(&step, rule_of(rules, i), field, message, ret_problem));
    }
    return 0;
}

int wire_check(const ProtobufCMessage *message, struct problem *ret_problem)
{
    return check_message(NULL, message, ret_problem);
}
