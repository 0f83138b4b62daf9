/* JSON from outside: whatever the bytes are, decoding ends with a message or a problem, within its bounds. What was
 * decoded and is within its rules survives being written and read again. The first byte chooses the message. */
#include "platform/base/err.h"
#include "platform/wire/wire.h"
#include "shopstream/catalog/v1/catalog.pb-c.h"
#include "shopstream/identity/v1/identity.pb-c.h"
#include "shopstream/orders/v1/orders.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES ((size_t)4 << 20)
#define JSON_BYTES_MAX ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads what was written; it must be the same message, seen by the same bytes. */
static void check_round_trip(struct arena *arena, const ProtobufCMessage *message)
{
    CLEANUP(buf_free) struct buf first = BUF(JSON_BYTES_MAX);
    CLEANUP(buf_free) struct buf second = BUF(JSON_BYTES_MAX);
    ProtobufCMessage *again = wire_message_new(arena, message->descriptor);
    struct problem problem = {0};

    wire_to_json(message, &first);
    if (!again || buf_error(&first) < 0)
        return;
    int result = wire_from_json(arena, buf_str(&first), again, &problem);
    if (result == ERR_NO_MEMORY)
        return;
    ASSERT(result == 0);
    wire_to_json(again, &second);
    ASSERT(str_equal(buf_str(&first), buf_str(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ProtobufCMessageDescriptor *const messages[] = {
        &orders__create_order_request__descriptor,
        &catalog__create_product_request__descriptor,
        &catalog__update_product_request__descriptor,
        &identity__signup_request__descriptor,
    };
    struct problem problem = {0};

    if (size == 0)
        return 0;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    ProtobufCMessage *message =
        arena ? wire_message_new(arena, messages[data[0] % (sizeof(messages) / sizeof(messages[0]))]) : NULL;
    if (!message)
        return 0;
    /* A copy of its own, so that reading past the end is seen. */
    char *json = malloc(size);
    if (!json)
        return 0;
    memcpy(json, data + 1, size - 1);
    int result = wire_from_json(arena, str_from(json, size - 1), message, &problem);
    free(json);
    if (result == 0)
        result = wire_check(message, &problem);
    if (result == 0)
        check_round_trip(arena, message);
    return 0;
}
