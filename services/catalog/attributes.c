#include "services/catalog/attributes.h"

#include "platform/base/buf.h"
#include "platform/base/err.h"
#include "services/catalog/text.h"

#define PACKED_BYTES_MAX (ATTRIBUTES_MAX * 2 * (ATTRIBUTE_NAME_BYTES_MAX + ATTRIBUTE_VALUE_BYTES_MAX + 2))

static int fail(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return ERR_INVALID;
}

int sku_attributes_check(const struct attribute *attributes, size_t count, const char **ret_reason)
{
    if (count > ATTRIBUTES_MAX)
        return fail(ret_reason, "A SKU has at most 10 attributes.");
    for (size_t i = 0; i < count; i++) {
        const struct attribute *a = &attributes[i];

        if (a->name.len == 0 || a->name.len > ATTRIBUTE_NAME_BYTES_MAX || a->value.len > ATTRIBUTE_VALUE_BYTES_MAX)
            return fail(ret_reason, "An attribute's name has 1 to 60 bytes, its value at most 200.");
        if (!catalog_text_is_line(a->name) || (a->value.len > 0 && !catalog_text_is_line(a->value)))
            return fail(ret_reason, "An attribute is one line of text.");
        for (size_t j = 0; j < i; j++)
            if (str_equal(attributes[j].name, a->name))
                return fail(ret_reason, "An attribute is given twice.");
    }
    return 0;
}

static void append_escaped(struct buf *buf, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == ';' || text.ptr[i] == '=' || text.ptr[i] == '\\')
            buf_append_char(buf, '\\');
        buf_append_char(buf, text.ptr[i]);
    }
}

int sku_attributes_pack(struct arena *arena, const struct attribute *attributes, size_t count, struct str *ret_packed)
{
    CLEANUP(buf_free) struct buf buf = BUF(PACKED_BYTES_MAX);

    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_char(&buf, ';');
        append_escaped(&buf, attributes[i].name);
        buf_append_char(&buf, '=');
        append_escaped(&buf, attributes[i].value);
    }
    TRY(buf_error(&buf));
    *ret_packed = arena_copy(arena, buf_str(&buf));
    return buf.len > 0 && !ret_packed->ptr ? ERR_NO_MEMORY : 0;
}

/* Copies up to the unescaped delimiter into place; returns the bytes of text used, delimiter and all. *ret_found says
 * whether the delimiter was there; a ';' ends the search for any. */
static size_t take_until(struct str text, char delimiter, char *place, struct str *ret_part, bool *ret_found)
{
    size_t i = 0, len = 0;

    *ret_found = false;
    while (i < text.len && !*ret_found) {
        if (text.ptr[i] == delimiter) {
            *ret_found = true;
        } else if (text.ptr[i] == ';') {
            break;
        } else {
            if (text.ptr[i] == '\\' && i + 1 < text.len)
                i++;
            place[len++] = text.ptr[i];
        }
        i++;
    }
    *ret_part = str_trim(str_from(place, len));
    return i;
}

int sku_attributes_unpack(struct arena *arena, struct str packed, struct attribute ret_attributes[ATTRIBUTES_MAX],
                          size_t *ret_count, const char **ret_reason)
{
    char *place = arena_alloc(arena, packed.len + 1);
    size_t count = 0;

    if (!place)
        return ERR_NO_MEMORY;
    packed = str_trim(packed);
    while (packed.len > 0) {
        struct attribute a;
        bool found;
        size_t used;

        if (count == ATTRIBUTES_MAX)
            return fail(ret_reason, "A SKU has at most 10 attributes.");
        used = take_until(packed, '=', place, &a.name, &found);
        if (!found)
            return fail(ret_reason, "Attributes are written name=value;name=value.");
        place += used;
        packed = str_skip(packed, used);
        used = take_until(packed, ';', place, &a.value, &found);
        place += used;
        packed = str_skip(packed, used);
        ret_attributes[count++] = a;
    }
    TRY(sku_attributes_check(ret_attributes, count, ret_reason));
    *ret_count = count;
    return 0;
}
