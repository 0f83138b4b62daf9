/* JSON written by hand: keeps the commas, so that what stays to be read is the shape of the text.
 *
 *     struct json_writer w = {.buf = &buf};
 *     json_begin_object(&w);
 *     json_member_string(&w, "name", service->name);
 *     json_key(&w, "ports");
 *     json_begin_array(&w);
 *     json_int(&w, 3000);
 *     json_end_array(&w);
 *     json_end_object(&w);
 *
 * Errors are the buffer's. That begins and ends pair up, and that values of an object have keys, is the caller's care.
 * Messages of the schema are written by wire_to_json. */
#pragma once

#include "platform/base/buf.h"

struct json_writer {
    struct buf *buf;
    bool comma; /* whether the next value or key stands behind another one */
};

void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);

void json_string(struct json_writer *w, struct str value); /* UTF-8 */
void json_cstring(struct json_writer *w, const char *value);
void json_int(struct json_writer *w, int64_t value);
void json_bool(struct json_writer *w, bool value);
void json_raw(struct json_writer *w, struct str json); /* a whole value that is JSON already */

void json_member_string(struct json_writer *w, const char *key, const char *value); /* nothing at all when NULL */
void json_member_int(struct json_writer *w, const char *key, int64_t value);
void json_member_bool(struct json_writer *w, const char *key, bool value);
void json_member_object(struct json_writer *w, const char *key); /* begins it */
void json_member_array(struct json_writer *w, const char *key);  /* begins it */
