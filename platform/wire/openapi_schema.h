/* Messages → JSON Schema components of the OpenAPI document; private to platform/wire.
 *
 * A message has up to two components. What a client sends is closed (additionalProperties: false) and lacks read-only
 * fields; its name ends in Input, or in the Request that the message has in the schema. What a client receives is open,
 * so that fields may be added. */
#pragma once

#include "platform/wire/json_writer.h"
#include "platform/wire/openapi.h"

#include <protobuf-c/protobuf-c.h>

enum schema_side { SCHEMA_REPLY = 0, SCHEMA_REQUEST };

#define SCHEMA_NAME_MAX 128

struct schema_entry {
    const ProtobufCMessageDescriptor *message;
    enum schema_side side;
    const char *path; /* fields of this path ("/v1/products/{id}") are left out of the request; NULL: none */
    char name[SCHEMA_NAME_MAX];
};

/* The components that something refers to, in the order of their first mention. */
struct schema_list {
    struct schema_entry *entries;
    size_t count;
    int error;
};

/* Whether "{name}" is in the path. */
bool openapi_is_in_path(const char *path, const char *name);

/* Whether clients must send the field: by its rule, or as a list that may not be empty. */
bool openapi_is_required(const ProtobufCMessageDescriptor *message, unsigned field_index);

/* Whether the request of the row has this field in its body or query: neither in the path nor read-only. */
bool openapi_is_sent(const ProtobufCMessageDescriptor *message, unsigned field_index, const char *path);

/* Writes {"$ref": …} to the message's component, which is added to the list if need be. */
void openapi_write_reference(struct json_writer *w, struct schema_list *list, const ProtobufCMessageDescriptor *message,
                             enum schema_side side);

/* Writes the reference to the body of an operation: the message without the fields that its path has. */
void openapi_write_body_reference(struct json_writer *w, struct schema_list *list, const char *operation,
                                  const ProtobufCMessageDescriptor *message, const char *path);

/* Writes the schema of one field's value. */
void openapi_write_field(struct json_writer *w, struct schema_list *list, const ProtobufCMessageDescriptor *message,
                         unsigned field_index, enum schema_side side);

/* Writes every component of the list, and those that they refer to in turn, as members of an object that is open. */
void openapi_write_schemas(struct json_writer *w, struct schema_list *list);
