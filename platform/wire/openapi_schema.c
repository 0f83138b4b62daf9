#include "platform/wire/openapi_schema.h"

#include "platform/wire/wire.h"
#include "platform/wire/wire_field.h"
#include "platform/wire/wire_format.h"
#include "platform/wire/wire_number.h"

#include <stdio.h>

bool openapi_is_in_path(const char *path, const char *name)
{
    char wanted[SCHEMA_NAME_MAX];
    int len = snprintf(wanted, sizeof(wanted), "{%s}", name);
    return path && len < (int)sizeof(wanted) && strstr(path, wanted);
}

bool openapi_is_required(const ProtobufCMessageDescriptor *message, unsigned field_index)
{
    const struct wire_rule *rule = wire_rule_find(message, field_index);
    return rule && (rule->required || rule->min_items > 0);
}

bool openapi_is_sent(const ProtobufCMessageDescriptor *message, unsigned field_index, const char *path)
{
    const struct wire_rule *rule = wire_rule_find(message, field_index);
    return !(rule && rule->read_only) && !openapi_is_in_path(path, message->fields[field_index].name);
}

/* -- Names --------------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    size_t end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* "Catalog__Product" is CatalogProduct; what several services speak of goes without prefix (Money). */
static void name_schema(const ProtobufCMessageDescriptor *message, enum schema_side side, char *ret_name)
{
    static const char shared[] = "Common__";
    const char *from = message->c_name;
    if (strncmp(from, shared, sizeof(shared) - 1) == 0)
        from += sizeof(shared) - 1;
    size_t len = 0;
    for (; *from && len < SCHEMA_NAME_MAX - sizeof("Input"); from++) {
        if (*from != '_')
            ret_name[len++] = *from;
    }
    ret_name[len] = '\0';
    if (side == SCHEMA_REQUEST && !ends_with(ret_name, "Request"))
        memcpy(ret_name + len, "Input", sizeof("Input"));
}

/* NULL when the list is full, which is the list's error. */
static struct schema_entry *add_entry(struct schema_list *list, const struct schema_entry *entry)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->entries[i].name, entry->name) == 0)
            return &list->entries[i];
    }
    if (list->count == OPENAPI_SCHEMAS_MAX) {
        list->error = ERR_TOO_LARGE;
        return NULL;
    }
    list->entries[list->count] = *entry;
    return &list->entries[list->count++];
}

static void write_reference_member(struct json_writer *w, const char *name)
{
    char reference[SCHEMA_NAME_MAX + 32];
    snprintf(reference, sizeof(reference), "#/components/schemas/%s", name);
    json_member_string(w, "$ref", reference);
}

static void write_message_reference(struct json_writer *w, struct schema_list *list,
                                    const ProtobufCMessageDescriptor *message, enum schema_side side)
{
    struct schema_entry entry = {.message = message, .side = side};
    name_schema(message, side, entry.name);
    add_entry(list, &entry);
    write_reference_member(w, entry.name);
}

void openapi_write_reference(struct json_writer *w, struct schema_list *list, const ProtobufCMessageDescriptor *message,
                             enum schema_side side)
{
    json_begin_object(w);
    write_message_reference(w, list, message, side);
    json_end_object(w);
}

void openapi_write_body_reference(struct json_writer *w, struct schema_list *list, const char *operation,
                                  const ProtobufCMessageDescriptor *message, const char *path)
{
    struct schema_entry entry = {.message = message, .side = SCHEMA_REQUEST, .path = path};
    bool whole = true;
    for (unsigned i = 0; i < message->n_fields; i++)
        whole = whole && !openapi_is_in_path(path, message->fields[i].name);
    if (whole)
        name_schema(message, SCHEMA_REQUEST, entry.name);
    else
        snprintf(entry.name, sizeof(entry.name), "%s_body", operation);
    add_entry(list, &entry);
    json_begin_object(w);
    write_reference_member(w, entry.name);
    json_end_object(w);
}

/* -- Values -------------------------------------------------------------------------------------------------------- */

static void write_example(struct json_writer *w, const struct wire_rule *rule, bool is_integer)
{
    if (!rule->example)
        return;
    json_member_array(w, "examples");
    if (is_integer)
        json_raw(w, str_from_cstr(rule->example));
    else
        json_cstring(w, rule->example);
    json_end_array(w);
}

static void write_string_members(struct json_writer *w, const struct wire_rule *rule)
{
    if (!rule)
        return;
    if (rule->min_length > 0)
        json_member_int(w, "minLength", rule->min_length);
    if (rule->max_length > 0)
        json_member_int(w, "maxLength", rule->max_length);
    const struct wire_format *format = rule->format ? wire_format_find(rule->format) : NULL;
    if (format) {
        json_member_string(w, "format", format->standard);
        json_member_string(w, "pattern", format->pattern);
    }
    if (rule->values) {
        json_member_array(w, "enum");
        for (const char *const *value = rule->values; *value; value++)
            json_cstring(w, *value);
        json_end_array(w);
    }
    write_example(w, rule, false);
}

static void write_integer_members(struct json_writer *w, const struct wire_rule *rule, ProtobufCType type)
{
    bool is_wide = wire_element_size(type) == 8;
    bool is_unsigned = wire_integer_range(type).min == 0;
    json_member_string(w, "type", "integer");
    if (!is_unsigned)
        json_member_string(w, "format", is_wide ? "int64" : "int32");
    if (rule && rule->has_min)
        json_member_int(w, "minimum", rule->min);
    else if (is_unsigned)
        json_member_int(w, "minimum", 0);
    if (rule && rule->has_max)
        json_member_int(w, "maximum", rule->max);
    if (rule)
        write_example(w, rule, true);
}

static void write_enum_members(struct json_writer *w, const ProtobufCEnumDescriptor *descriptor)
{
    json_member_string(w, "type", "string");
    json_member_array(w, "enum");
    for (unsigned i = 0; i < descriptor->n_values; i++) {
        char name[SCHEMA_NAME_MAX];
        size_t len = 0;
        for (const char *c = descriptor->values[i].name; *c && len < sizeof(name) - 1; c++)
            name[len++] = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
        json_string(w, str_from(name, len));
    }
    json_end_array(w);
}

static void write_value_members(struct json_writer *w, struct schema_list *list, const ProtobufCFieldDescriptor *field,
                                const struct wire_rule *rule, enum schema_side side)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        write_message_reference(w, list, field->descriptor, side);
        break;
    case PROTOBUF_C_TYPE_STRING:
        json_member_string(w, "type", "string");
        write_string_members(w, rule);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        json_member_string(w, "type", "string");
        json_member_string(w, "contentEncoding", "base64");
        break;
    case PROTOBUF_C_TYPE_BOOL:
        json_member_string(w, "type", "boolean");
        break;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        json_member_string(w, "type", "number");
        break;
    case PROTOBUF_C_TYPE_ENUM:
        write_enum_members(w, field->descriptor);
        break;
    default:
        write_integer_members(w, rule, field->type);
        break;
    }
}

static void write_default(struct json_writer *w, const ProtobufCFieldDescriptor *field)
{
    if (!field->default_value)
        return;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        json_member_string(w, "default", field->default_value);
    else if (field->type == PROTOBUF_C_TYPE_BOOL)
        json_member_bool(w, "default", *(const protobuf_c_boolean *)field->default_value);
    else if (wire_is_integer(field->type))
        json_member_int(w, "default",
                        wire_element_size(field->type) == 8 ? *(const int64_t *)field->default_value
                                                            : *(const int32_t *)field->default_value);
}

static void write_container_members(struct json_writer *w, struct schema_list *list,
                                    const ProtobufCFieldDescriptor *field, const struct wire_rule *rule,
                                    enum schema_side side)
{
    bool is_map = wire_is_map(field);
    json_member_string(w, "type", is_map ? "object" : "array");
    if (rule && rule->min_items > 0)
        json_member_int(w, is_map ? "minProperties" : "minItems", rule->min_items);
    if (rule && rule->max_items > 0)
        json_member_int(w, is_map ? "maxProperties" : "maxItems", rule->max_items);
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    json_member_object(w, is_map ? "additionalProperties" : "items");
    write_value_members(w, list, is_map ? &entry->fields[1] : field, rule, side);
    json_end_object(w);
}

void openapi_write_field(struct json_writer *w, struct schema_list *list, const ProtobufCMessageDescriptor *message,
                         unsigned field_index, enum schema_side side)
{
    const ProtobufCFieldDescriptor *field = &message->fields[field_index];
    const struct wire_rule *rule = wire_rule_find(message, field_index);
    json_begin_object(w);
    if (wire_is_repeated(field))
        write_container_members(w, list, field, rule, side);
    else
        write_value_members(w, list, field, rule, side);
    write_default(w, field);
    if (rule && rule->read_only)
        json_member_bool(w, "readOnly", true);
    if (rule)
        json_member_string(w, "description", rule->help);
    json_end_object(w);
}

/* -- Messages ------------------------------------------------------------------------------------------------------ */

/* Lists are always in a reply, empty or not; beyond them a reply has what its message's rules ask of anybody. */
static bool is_listed_as_required(const struct schema_entry *entry, unsigned field_index)
{
    if (entry->side == SCHEMA_REPLY && wire_is_repeated(&entry->message->fields[field_index]))
        return true;
    return openapi_is_required(entry->message, field_index);
}

static bool is_shown(const struct schema_entry *entry, unsigned field_index)
{
    return entry->side == SCHEMA_REPLY || openapi_is_sent(entry->message, field_index, entry->path);
}

static void write_required(struct json_writer *w, const struct schema_entry *entry)
{
    bool any = false;
    for (unsigned i = 0; i < entry->message->n_fields; i++) {
        if (!is_shown(entry, i) || !is_listed_as_required(entry, i))
            continue;
        if (!any)
            json_member_array(w, "required");
        any = true;
        json_cstring(w, entry->message->fields[i].name);
    }
    if (any)
        json_end_array(w);
}

static void write_schema(struct json_writer *w, struct schema_list *list, const struct schema_entry *entry)
{
    json_member_object(w, entry->name);
    json_member_string(w, "type", "object");
    json_member_object(w, "properties");
    for (unsigned i = 0; i < entry->message->n_fields; i++) {
        if (!is_shown(entry, i))
            continue;
        json_key(w, entry->message->fields[i].name);
        openapi_write_field(w, list, entry->message, i, entry->side);
    }
    json_end_object(w);
    write_required(w, entry);
    if (entry->side == SCHEMA_REQUEST)
        json_member_bool(w, "additionalProperties", false);
    json_end_object(w);
}

void openapi_write_schemas(struct json_writer *w, struct schema_list *list)
{
    /* The list grows while it is walked, and never past its bound. */
    for (size_t i = 0; i < list->count; i++) {
        struct schema_entry entry = list->entries[i];
        write_schema(w, list, &entry);
    }
}
