/* For tests that look into JSON: one value by its JSON pointer. */
#pragma once

#include "platform/base/arena.h"

#include <inttypes.h>
#include <yyjson.h>

/* The value at the JSON pointer as text, in the arena: a string without its quotes, anything else as it is written;
 * NULL when nothing is there, or the text is not JSON. */
static inline const char *test_json_text(struct arena *arena, struct str json, const char *pointer)
{
    yyjson_doc *doc = yyjson_read(json.ptr, json.len, 0);
    yyjson_val *value = yyjson_doc_ptr_get(doc, pointer);
    const char *text = NULL;

    if (yyjson_is_str(value)) {
        text = arena_cstr(arena, str_from(yyjson_get_str(value), yyjson_get_len(value)));
    } else if (value) {
        char *written = yyjson_val_write(value, 0, NULL);

        text = arena_cstr(arena, str_from_cstr(written));
        free(written);
    }
    yyjson_doc_free(doc);
    return text;
}

/* The integer at the pointer; INT64_MIN when none is there. */
static inline int64_t test_json_int(struct str json, const char *pointer)
{
    yyjson_doc *doc = yyjson_read(json.ptr, json.len, 0);
    yyjson_val *value = yyjson_doc_ptr_get(doc, pointer);
    int64_t number = yyjson_is_int(value) ? yyjson_get_sint(value) : INT64_MIN;

    yyjson_doc_free(doc);
    return number;
}

/* How many elements the array at the pointer has; 0 when none is there. */
static inline size_t test_json_count(struct str json, const char *pointer)
{
    yyjson_doc *doc = yyjson_read(json.ptr, json.len, 0);
    size_t count = yyjson_arr_size(yyjson_doc_ptr_get(doc, pointer));

    yyjson_doc_free(doc);
    return count;
}
