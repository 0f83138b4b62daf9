/* JSON ↔ protobuf by descriptor, and its binary form.
 *
 * One encoder and one decoder serve every message of the schema. JSON names are the fields' own (snake_case), integers
 * are numbers, bytes are base64, maps are objects, absent fields are left out. Decoding is strict and bounded: unknown,
 * duplicate, mistyped and out-of-range fields, broken UTF-8 and too deep nesting are refused with a problem that names
 * the field. The rules written at the fields in the .proto files (shopstream/options/v1/options.proto) are enforced by
 * wire_check. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/buf.h"
#include "platform/base/problem.h"

#include <protobuf-c/protobuf-c.h>

#define WIRE_DEPTH_MAX 16              /* objects and arrays in each other */
#define WIRE_VALUES_MAX 50000          /* keys, values and separators of one JSON text, about 1.2 MB of arena */
#define WIRE_MAP_ENTRIES_MAX 256       /* entries of one map field */
#define WIRE_PARAMETER_REPEATS_MAX 100 /* values of one repeated query parameter */

/* What a rule of options.proto says; the generated table (wire_rules.c) holds one for each field that has any. */
struct wire_rule {
    unsigned field; /* index in the message's descriptor */
    bool required;
    bool read_only;
    bool has_min, has_max;
    int64_t min, max;
    uint32_t min_length, max_length; /* 0: no bound */
    uint32_t min_items, max_items;
    const char *const *values; /* NULL-terminated, or NULL */
    const char *format;        /* NULL without */
    const char *example;
    const char *help;
};

struct wire_rules {
    const ProtobufCMessageDescriptor *message;
    const struct wire_rule *rules;
    size_t count;
};

/* Every message with rules; generated. Ends with a NULL message. */
extern const struct wire_rules wire_rules_index[];

/* The rule of a field, or NULL. */
const struct wire_rule *wire_rule_find(const ProtobufCMessageDescriptor *message, unsigned field_index);

/* An initialised message in the arena; NULL when there is no room. */
ProtobufCMessage *wire_message_new(struct arena *arena, const ProtobufCMessageDescriptor *descriptor);

/* Decodes a JSON object into an initialised message; strings and sub-messages lie in the arena, json itself may go.
 * Checks types, not yet rules: path and query parameters may still be to come. An empty text is refused: a caller for
 * whom a body may be missing does not call. null is refused like any other wrong type. ERR_INVALID or ERR_NO_MEMORY,
 * with *ret_problem set; message is then half filled. */
int wire_from_json(struct arena *arena, struct str json, ProtobufCMessage *message, struct problem *ret_problem);

/* The same of an event's payload: fields that are not known are passed over, as who published it may be newer. */
int wire_from_event(struct arena *arena, struct str json, ProtobufCMessage *message, struct problem *ret_problem);

/* Sets one field by its name from text, as path and query parameters do: integers, booleans and strings; a repeated
 * field is appended to. pointer_prefix is "?" for the query, "/" for the path. ERR_INVALID when the name is not a field
 * of the message, is set already, or the text does not fit its type; a path parameter that the body has set as well is
 * such a case. ERR_NO_MEMORY. */
int wire_set_field(struct arena *arena, ProtobufCMessage *message, struct str name, struct str text,
                   const char *pointer_prefix, struct problem *ret_problem);

/* Enforces the rules of every field, deep. ERR_INVALID names the first field that breaks one, by a JSON pointer into
 * the message: a caller who filled it from a query turns the leading '/' into '?'. A repeated field with min_items is
 * required by that alone. Rules are about what clients send; do not check replies (read_only would refuse them). */
int wire_check(const ProtobufCMessage *message, struct problem *ret_problem);

/* Appends the message as compact JSON. The result's only errors are the buffer's. Strings must be UTF-8. */
void wire_to_json(const ProtobufCMessage *message, struct buf *buf);

/* Decodes protobuf's binary form into a message; what it points to lies in the arena, bytes may go. Fields that are not
 * known are passed over, as a newer peer may have more of them. Checks what wire_from_json does, not yet the rules.
 * ERR_INVALID or ERR_NO_MEMORY, with *ret_problem set; message is then as it was. */
int wire_from_binary(struct arena *arena, struct str bytes, ProtobufCMessage *message, struct problem *ret_problem);

/* Appends the message in that form; nothing for one that is empty. */
void wire_to_binary(const ProtobufCMessage *message, struct buf *buf);

/* Deep copy into the arena, without unknown fields; NULL when there is no room. */
ProtobufCMessage *wire_copy(struct arena *arena, const ProtobufCMessage *message);

/* Appends a JSON string with its quotes, escaped; s must be UTF-8. */
void wire_json_string(struct buf *buf, struct str s);

/* Appends the problem as an application/problem+json body (RFC 9457): type, title, status, detail, code, and errors
 * [{pointer, detail}] where a field is to blame ("/items/0/quantity" in the body, "?limit" in the query). trace_id may
 * be empty. A problem without a code gets the name of its error ("not_found"). */
void wire_problem_to_json(const struct problem *problem, struct str trace_id, struct buf *buf);
