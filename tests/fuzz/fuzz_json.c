/* JSON to every message that a client can send or a service answers. Input: a line with the message's full name, then
 * the JSON; another first line chooses a message by its hash, so that the fuzzer reaches them all.
 *
 * What is decoded is written and read back without a change; what is refused is refused by a problem that is itself
 * JSON. */
#include "platform/base/hash.h"
#include "platform/wire/wire.h"
#include "services/services.h"
#include "tests/fuzz/fuzz.h"

#include <yyjson.h>

#define MESSAGES_MAX 512
#define TEXT_BYTES_MAX ((size_t)4 << 20)

static const ProtobufCMessageDescriptor *messages[MESSAGES_MAX];
static size_t message_count;

static void add_message(const ProtobufCMessageDescriptor *message)
{
    for (size_t i = 0; i < message_count; i++) {
        if (messages[i] == message)
            return;
    }
    ASSERT(message_count < MESSAGES_MAX);
    messages[message_count++] = message;
}

static void add_messages(void)
{
    for (const struct service *const *service = all_services; *service; service++) {
        for (const struct route *route = (*service)->routes; route->rpc || route->raw; route++) {
            if (!route->rpc)
                continue;
            add_message(route->rpc->input);
            add_message(route->rpc->output);
        }
    }
}

static const ProtobufCMessageDescriptor *choose(struct str name)
{
    for (size_t i = 0; i < message_count; i++) {
        if (str_equal_cstr(name, messages[i]->name))
            return messages[i];
    }
    static const struct hash_key key = {1, 2};
    return messages[hash_keyed(&key, name) % message_count];
}

/* Whatever the client sent, the problem's own text is whole JSON. */
static void check_problem(const struct problem *problem)
{
    CLEANUP(buf_free) struct buf text = BUF(TEXT_BYTES_MAX);

    ASSERT(problem->error < 0 && problem->detail[0]);
    wire_problem_to_json(problem, STR("0af7651916cd43dd8448eb211c80319c"), &text);
    yyjson_doc *parsed = yyjson_read(text.ptr, text.len, YYJSON_READ_NOFLAG);
    ASSERT(parsed);
    yyjson_doc_free(parsed);
}

static void check_round_trip(struct arena *arena, const ProtobufCMessage *message)
{
    CLEANUP(buf_free) struct buf first = BUF(TEXT_BYTES_MAX);
    CLEANUP(buf_free) struct buf second = BUF(TEXT_BYTES_MAX);
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

/* Decodes from a copy that is gone before the message is used, as wire.h allows. */
static int decode(struct arena *arena, struct str json, ProtobufCMessage *message, struct problem *ret_problem)
{
    CLEANUP(buf_free) struct buf copy = BUF(json.len);

    buf_append(&copy, json);
    return wire_from_json(arena, buf_str(&copy), message, ret_problem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(FUZZ_ARENA_BYTES);
    struct problem problem = {0};
    struct str json = str_from(data, size);

    if (message_count == 0)
        add_messages();
    ProtobufCMessage *message = wire_message_new(arena, choose(fuzz_take_line(&json)));
    if (!message)
        return 0;
    if (decode(arena, json, message, &problem) < 0) {
        check_problem(&problem);
        return 0;
    }
    check_round_trip(arena, message);
    if (wire_check(message, &problem) < 0)
        check_problem(&problem);
    return 0;
}
