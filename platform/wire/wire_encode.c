/* Message → JSON, by descriptor, straight into the buffer.
 *
 * This is the hot path of every reply that is not cached. The writer keeps its own cursor into the buffer's spare room,
 * makes room once per field, and copies strings in one go where nothing in them needs an escape. */
#include "platform/base/encode.h"
#include "platform/wire/wire.h"
#include "platform/wire/wire_field.h"

#include <math.h>
#include <stdio.h>

#define NUMBER_LEN_MAX ((size_t)32)     /* "-9223372036854775808", or "%.17g" of a double */
#define DIGITS_MAX ((size_t)20)         /* of 2^64 - 1 */
#define PUNCTUATION_LEN_MAX ((size_t)8) /* around a field: comma, quotes, colon, brackets */
#define ESCAPE_LEN_MAX ((size_t)6)      /* \u001f */

struct writer {
    char *at;
    char *start; /* what lies between start and at is not yet committed */
    char *end;
    struct buf *buf;
    const ProtobufCFieldDescriptor *last_map; /* a list asks the same question of each of its messages */
};

static struct writer writer_open(struct buf *buf)
{
    char *start = buf_reserve(buf, 1);
    char *end = start ? start + (buf->capacity - buf->len) : NULL;
    return (struct writer){.at = start, .start = start, .end = end, .buf = buf};
}

static void writer_close(struct writer *w)
{
    if (w->start)
        buf_commit(w->buf, (size_t)(w->at - w->start));
}

static __attribute__((noinline)) bool make_room(struct writer *w, size_t size)
{
    writer_close(w);
    w->start = w->at = buf_reserve(w->buf, size);
    w->end = w->at ? w->at + (w->buf->capacity - w->buf->len) : NULL;
    return w->at != NULL;
}

/* Whether size bytes may be written; false once the buffer has an error. */
static inline bool has_room(struct writer *w, size_t size)
{
    return __builtin_expect(w->at != NULL && (size_t)(w->end - w->at) >= size, 1) || make_room(w, size);
}

static inline void put(struct writer *w, char c)
{
    if (has_room(w, 1))
        *w->at++ = c;
}

/* -- Strings ------------------------------------------------------------------------------------------------------- */

/* Whether one of eight bytes is below 0x20, a quote or a backslash; the usual carry tricks, exact for "some byte". */
static inline bool needs_escape8(uint64_t bytes)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t highs = 0x8080808080808080u;
    uint64_t quote = bytes ^ (ones * '"');
    uint64_t backslash = bytes ^ (ones * '\\');
    uint64_t found = ((bytes - ones * 0x20) & ~bytes) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash);
    return (found & highs) != 0;
}

static inline bool needs_escape(unsigned char byte)
{
    return byte < 0x20 || byte == '"' || byte == '\\';
}

static inline uint64_t load8(const char *from)
{
    uint64_t bytes;
    memcpy(&bytes, from, 8);
    return bytes;
}

/* A copy of 1 to 16 bytes by two loads that may overlap; shorter than a call of memcpy. */
static inline void copy_short(char *to, const char *from, size_t len)
{
    if (len >= 8) {
        uint64_t head = load8(from);
        uint64_t tail = load8(from + len - 8);
        memcpy(to, &head, 8);
        memcpy(to + len - 8, &tail, 8);
    } else if (len >= 4) {
        uint32_t head, tail;
        memcpy(&head, from, 4);
        memcpy(&tail, from + len - 4, 4);
        memcpy(to, &head, 4);
        memcpy(to + len - 4, &tail, 4);
    } else {
        for (size_t i = 0; i < len; i++)
            to[i] = from[i];
    }
}

/* Copies up to the first byte that needs an escape and returns how many bytes that were. The room is there. */
static inline size_t copy_plain(char *to, const char *from, size_t len)
{
    size_t done = 0;
    for (; done + 8 <= len; done += 8) {
        uint64_t bytes = load8(from + done);
        if (needs_escape8(bytes))
            break;
        memcpy(to + done, &bytes, 8);
    }
    /* The rest of a longer text, once more with the last bytes that are already copied. */
    if (len >= 8 && len - done < 8 && !needs_escape8(load8(from + len - 8))) {
        memcpy(to + len - 8, from + len - 8, 8);
        return len;
    }
    for (; done < len && !needs_escape((unsigned char)from[done]); done++)
        to[done] = from[done];
    return done;
}

static char *write_escape(char *to, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    static const char short_forms[] = "btn?fr"; /* 0x08 to 0x0d without 0x0b */
    *to++ = '\\';
    if (byte >= 0x20) {
        *to++ = (char)byte;
    } else if (byte >= 0x08 && byte <= 0x0d && byte != 0x0b) {
        *to++ = short_forms[byte - 0x08];
    } else {
        *to++ = 'u';
        *to++ = '0';
        *to++ = '0';
        *to++ = digits[byte >> 4];
        *to++ = digits[byte & 15];
    }
    return to;
}

static void write_string(struct writer *w, const char *ptr, size_t len)
{
    if (!has_room(w, len + 2))
        return;
    *w->at++ = '"';
    for (;;) {
        size_t plain = copy_plain(w->at, ptr, len);
        w->at += plain;
        ptr += plain;
        len -= plain;
        if (len == 0)
            break;
        if (!has_room(w, ESCAPE_LEN_MAX + len + 1))
            return;
        w->at = write_escape(w->at, (unsigned char)*ptr++);
        len--;
    }
    *w->at++ = '"';
}

void wire_json_string(struct buf *buf, struct str s)
{
    struct writer w = writer_open(buf);
    write_string(&w, s.ptr, s.len);
    writer_close(&w);
}

/* -- Numbers ------------------------------------------------------------------------------------------------------- */

static void write_unsigned(struct writer *w, uint64_t value)
{
    if (!has_room(w, NUMBER_LEN_MAX))
        return;
    size_t len = 1;
    for (uint64_t bound = 10; value >= bound && len < DIGITS_MAX; bound *= 10)
        len++;
    for (char *to = w->at + len; to > w->at; value /= 10)
        *--to = (char)('0' + value % 10);
    w->at += len;
}

static void write_signed(struct writer *w, int64_t value)
{
    if (value < 0)
        put(w, '-');
    write_unsigned(w, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static void write_plain(struct writer *w, struct str text)
{
    if (!has_room(w, text.len))
        return;
    memcpy(w->at, text.ptr, text.len);
    w->at += text.len;
}

/* JSON has no NaN and no infinity. */
static void write_double(struct writer *w, double value)
{
    char text[NUMBER_LEN_MAX];
    int len = isfinite(value) ? snprintf(text, sizeof(text), "%.17g", value) : 0;
    write_plain(w, len > 0 ? str_from(text, (size_t)len) : STR("null"));
}

/* -- Values -------------------------------------------------------------------------------------------------------- */

static void write_message(struct writer *w, const ProtobufCMessage *message);

static void write_bytes(struct writer *w, const ProtobufCBinaryData *bytes)
{
    size_t len = ENCODE_BASE64_SIZE(bytes->len);
    if (!has_room(w, len + 2))
        return;
    *w->at++ = '"';
    encode_base64_into(w->at, str_from(bytes->data, bytes->len));
    w->at += len;
    *w->at++ = '"';
}

static void write_enum(struct writer *w, const ProtobufCEnumDescriptor *descriptor, int value)
{
    const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(descriptor, value);
    if (!found) {
        write_signed(w, value);
        return;
    }
    put(w, '"');
    for (const char *c = found->name; *c; c++)
        put(w, *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c);
    put(w, '"');
}

static void write_number(struct writer *w, ProtobufCType type, const void *slot)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        write_signed(w, *(const int64_t *)slot);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        write_unsigned(w, *(const uint64_t *)slot);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        write_unsigned(w, *(const uint32_t *)slot);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        write_double(w, *(const double *)slot);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        write_double(w, (double)*(const float *)slot);
        break;
    default:
        write_signed(w, *(const int32_t *)slot);
        break;
    }
}

static void write_value(struct writer *w, const ProtobufCFieldDescriptor *field, const void *slot)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = *(char *const *)slot;
        write_string(w, text ? text : "", text ? strlen(text) : 0);
        break;
    }
    case PROTOBUF_C_TYPE_MESSAGE:
        write_message(w, *(ProtobufCMessage *const *)slot);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        write_plain(w, *(const protobuf_c_boolean *)slot ? STR("true") : STR("false"));
        break;
    case PROTOBUF_C_TYPE_BYTES:
        write_bytes(w, slot);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        write_enum(w, field->descriptor, *(const int *)slot);
        break;
    default:
        write_number(w, field->type, slot);
        break;
    }
}

static void write_map(struct writer *w, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    ProtobufCMessage *const *entries = *(ProtobufCMessage * *const *)wire_member(message, field);
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    size_t count = *wire_count(message, field);
    w->last_map = field;
    put(w, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put(w, ',');
        write_value(w, &entry->fields[0], wire_member(entries[i], &entry->fields[0]));
        put(w, ':');
        write_value(w, &entry->fields[1], wire_member(entries[i], &entry->fields[1]));
    }
    put(w, '}');
}

static void write_array(struct writer *w, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const char *elements = wire_elements(message, field);
    size_t count = *wire_count(message, field);
    size_t size = wire_element_size(field->type);
    put(w, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put(w, ',');
        write_value(w, field, elements + i * size);
    }
    put(w, ']');
}

/* The name with its quotes and colon; names of fields never need an escape. */
static inline void write_name(struct writer *w, const char *name, bool first)
{
    size_t len = strlen(name);
    if (!has_room(w, len + PUNCTUATION_LEN_MAX))
        return;
    if (!first)
        *w->at++ = ',';
    *w->at++ = '"';
    if (len <= 16)
        copy_short(w->at, name, len);
    else
        memcpy(w->at, name, len);
    w->at += len;
    *w->at++ = '"';
    *w->at++ = ':';
}

static void write_message(struct writer *w, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    bool first = true;
    put(w, '{');
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        bool repeated = wire_is_repeated(field);
        if (!repeated && !wire_is_present(message, field))
            continue;
        write_name(w, field->name, first);
        first = false;
        if (!repeated)
            write_value(w, field, wire_member(message, field));
        else if (field == w->last_map || wire_is_map(field))
            write_map(w, message, field);
        else
            write_array(w, message, field);
    }
    put(w, '}');
}

void wire_to_json(const ProtobufCMessage *message, struct buf *buf)
{
    struct writer w = writer_open(buf);
    write_message(&w, message);
    writer_close(&w);
}
