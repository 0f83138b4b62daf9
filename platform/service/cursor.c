/* List cursors: the last row's sort values, sealed with the shop's key for the list that gave it, so that an
 * invented one, or another list's, is refused. */
#include "platform/base/encode.h"
#include "platform/base/hash.h"
#include "platform/service/host.h"
#include "platform/wire/wire.h"

#define CURSOR_VALUES_MAX 4
#define CURSOR_BYTES_MAX 384
#define CURSOR_SEAL_BYTES 16
#define CURSOR_LIST_BYTES_MAX (64u << 10) /* of a request's name and filters */

/* Each value as its type, its length and its bytes. */
static int pack(const struct sql_value *values, size_t count, struct buf *buf)
{
    for (size_t i = 0; i < count; i++) {
        buf_append_char(buf, (char)values[i].type);
        if (values[i].type == SQL_TYPE_INTEGER) {
            buf_append(buf, str_from(&values[i].integer, sizeof(values[i].integer)));
        } else {
            uint16_t length = (uint16_t)values[i].bytes.len;

            if (values[i].bytes.len > CURSOR_BYTES_MAX)
                return ERR_TOO_LARGE;
            buf_append(buf, str_from(&length, sizeof(length)));
            buf_append(buf, values[i].bytes);
        }
    }
    return buf_error(buf);
}

/* Takes the field out of a message that nobody reads any more but for its JSON. */
static void leave_out(ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);

    if (!field)
        return;
    ASSERT(field->label == PROTOBUF_C_LABEL_OPTIONAL);
    char *member = (char *)message + field->offset;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        *(char **)(void *)member = NULL;
    else
        *(protobuf_c_boolean *)(void *)((char *)message + field->quantifier_offset) = 0;
}

/* Which list it is, and by which filters: the type of its request, and what the request says beside the page. */
static int describe_list(struct call *call, const ProtobufCMessage *list, struct buf *buf)
{
    size_t size = list->descriptor->sizeof_message;
    ProtobufCMessage *copy = arena_alloc(call->arena, size);

    if (!copy)
        return ERR_NO_MEMORY;
    memcpy(copy, list, size);
    leave_out(copy, "cursor");
    leave_out(copy, "limit");
    buf_append_cstr(buf, list->descriptor->name);
    buf_append_char(buf, '\n');
    wire_to_json(copy, buf);
    return buf_error(buf);
}

/* The seal binds a cursor to the shop, the tenant and the list. */
static int seal(struct call *call, const ProtobufCMessage *list, struct str packed,
                unsigned char ret_seal[HASH_SHA256_BYTES])
{
    CLEANUP(buf_free) struct buf message = BUF(CURSOR_LIST_BYTES_MAX);

    buf_append(&message, call->tenant);
    buf_append_char(&message, '\n');
    buf_append_cstr(&message, call->service->name);
    buf_append_char(&message, '\n');
    TRY(describe_list(call, list, &message));
    buf_append_char(&message, '\n');
    buf_append(&message, packed);
    TRY(buf_error(&message));
    hash_hmac_sha256(str_from(call->instance->seal_key, sizeof(call->instance->seal_key)), buf_str(&message), ret_seal);
    return 0;
}

int call_cursor_encode(struct call *call, const ProtobufCMessage *list, const struct sql_value *values, size_t count,
                       struct str *ret_cursor)
{
    CLEANUP(buf_free) struct buf buf = BUF(CURSOR_BYTES_MAX + CURSOR_SEAL_BYTES);
    unsigned char mac[HASH_SHA256_BYTES];

    ASSERT(count <= CURSOR_VALUES_MAX);
    TRY(pack(values, count, &buf));
    TRY(seal(call, list, buf_str(&buf), mac));
    buf_append(&buf, str_from(mac, CURSOR_SEAL_BYTES));
    TRY(buf_error(&buf));
    CLEANUP(buf_free) struct buf text = BUF(2 * (CURSOR_BYTES_MAX + CURSOR_SEAL_BYTES));
    encode_base64url(&text, buf_str(&buf));
    TRY(buf_error(&text));
    *ret_cursor = arena_copy(call->arena, buf_str(&text));
    return ret_cursor->ptr ? 0 : ERR_NO_MEMORY;
}

static int refuse(struct call *call)
{
    return call_fail(call, ERR_INVALID, "invalid_cursor", "?cursor",
                     "The cursor is not one that this list gave, asked as it is now; leave it out to start from the "
                     "beginning.");
}

static bool unpack_value(struct str *rest, struct sql_value *ret_value)
{
    enum sql_type type = rest->len ? (enum sql_type)rest->ptr[0] : SQL_TYPE_NULL;
    uint16_t length;

    *rest = str_skip(*rest, 1);
    if (type == SQL_TYPE_INTEGER) {
        int64_t integer;

        if (rest->len < sizeof(integer))
            return false;
        memcpy(&integer, rest->ptr, sizeof(integer));
        *rest = str_skip(*rest, sizeof(integer));
        *ret_value = sql_int(integer);
        return true;
    }
    if (rest->len < sizeof(length) || (type != SQL_TYPE_TEXT && type != SQL_TYPE_BLOB))
        return false;
    memcpy(&length, rest->ptr, sizeof(length));
    *rest = str_skip(*rest, sizeof(length));
    if (rest->len < length)
        return false;
    *ret_value = (struct sql_value){type, 0, str_slice(*rest, 0, length)};
    *rest = str_skip(*rest, length);
    return true;
}

int call_cursor_decode(struct call *call, const ProtobufCMessage *list, struct str cursor, struct sql_value *ret_values,
                       size_t count)
{
    CLEANUP(buf_free) struct buf decoded = BUF(CURSOR_BYTES_MAX + CURSOR_SEAL_BYTES);
    struct sql_value values[CURSOR_VALUES_MAX];
    unsigned char mac[HASH_SHA256_BYTES];

    ASSERT(count <= CURSOR_VALUES_MAX);
    int result = decode_base64url(cursor, &decoded);
    if (result == ERR_NO_MEMORY)
        return result;
    if (result < 0 || decoded.len < CURSOR_SEAL_BYTES)
        return refuse(call);
    /* A copy in the arena: the values returned are views of it. */
    struct str bytes = arena_copy(call->arena, buf_str(&decoded));
    if (!bytes.ptr)
        return ERR_NO_MEMORY;
    struct str packed = str_slice(bytes, 0, bytes.len - CURSOR_SEAL_BYTES);
    TRY(seal(call, list, packed, mac));
    if (!str_equal_constant_time(str_from(mac, CURSOR_SEAL_BYTES), str_skip(bytes, packed.len)))
        return refuse(call);
    for (size_t i = 0; i < count; i++) {
        if (!unpack_value(&packed, &values[i]))
            return refuse(call);
    }
    if (packed.len)
        return refuse(call);
    memcpy(ret_values, values, count * sizeof(values[0]));
    return 0;
}
