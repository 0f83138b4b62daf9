/* Protobuf's binary form, as services send it to each other: of every message of the schema. Input: two bytes that
 * choose the message, and its bytes. What is taken survives the round trip, holds only text that JSON can carry, and is
 * checked by its rules; what is refused leaves the message as it was. */
#include "message_index.h"
#include "platform/wire/wire.h"
#include "tests/fuzz/fuzz.h"

#include <yyjson.h>

#define BYTES_MAX ((size_t)1 << 20)

static size_t count_messages(void)
{
    size_t count = 0;

    while (message_index[count])
        count++;
    return count;
}

static void check_taken(struct arena *arena, const ProtobufCMessage *message)
{
    CLEANUP(buf_free) struct buf first = BUF(BYTES_MAX), second = BUF(BYTES_MAX), json = BUF(BYTES_MAX * 8);
    ProtobufCMessage *again = wire_message_new(arena, message->descriptor);
    struct problem problem = {0};

    wire_to_binary(message, &first);
    ASSERT(buf_error(&first) == 0);
    int error = again ? wire_from_binary(arena, buf_str(&first), again, &problem) : ERR_NO_MEMORY;
    ASSERT(error == 0 || error == ERR_NO_MEMORY);
    if (error < 0)
        return;
    wire_to_binary(again, &second);
    ASSERT(str_equal(buf_str(&first), buf_str(&second)));
    wire_to_json(message, &json);
    yyjson_doc *document = yyjson_read(json.ptr, json.len, 0);
    ASSERT(document);
    yyjson_doc_free(document);
    (void)wire_check(message, &problem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(FUZZ_ARENA_BYTES);
    struct problem problem = {0};

    if (size < 2)
        return 0;
    const ProtobufCMessageDescriptor *descriptor = message_index[(data[0] | (size_t)data[1] << 8) % count_messages()];
    ProtobufCMessage *message = wire_message_new(arena, descriptor);
    ASSERT(message);
    int error = wire_from_binary(arena, str_from(data + 2, size - 2), message, &problem);
    if (error == 0) {
        check_taken(arena, message);
        return 0;
    }
    ASSERT((error == ERR_INVALID || error == ERR_NO_MEMORY) && problem.error == error && problem.detail[0]);
    ASSERT(protobuf_c_message_get_packed_size(message) == 0);
    return 0;
}
