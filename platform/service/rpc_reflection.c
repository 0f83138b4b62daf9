#include "platform/service/rpc_reflection.h"

#include "platform/base/arena.h"
#include "platform/base/buf.h"
#include "platform/base/err.h"
#include "platform/rpc/rpc_frame.h"
#include "platform/rpc/rpc_metadata.h"
#include "platform/rpc/rpc_status.h"
#include "platform/wire/wire.h"

#include "grpc/reflection/v1/reflection.pb-c.h"
#include "schema_index.h"

#include <stdlib.h>

#define QUESTION_BYTES_MAX 4096
#define ANSWERS_BYTES_MAX ((size_t)1 << 20) /* that wait for a peer */
#define ARENA_BYTES ((size_t)2 << 20)
#define NAMES_MAX 64

typedef Grpc__Reflection__V1__ServerReflectionRequest Question;
typedef Grpc__Reflection__V1__ServerReflectionResponse Answer;

struct conversation {
    const char *const *names;
    struct http_stream *stream;
    struct rpc_frame_reader reader;
    struct arena *arena; /* of one question */
    bool is_over;
    struct http_header ending;
};

/* -- Looking things up --------------------------------------------------------------------------------------------- */

static const struct schema_file *find_file(const char *name)
{
    const struct schema_file *file = schema_files;

    while (file->name && strcmp(file->name, name) != 0)
        file++;
    return file->name ? file : NULL;
}

static const struct schema_file *find_symbol(const char *name)
{
    const struct schema_symbol *symbol = schema_symbols;

    while (symbol->name && strcmp(symbol->name, name) != 0)
        symbol++;
    return symbol->file;
}

static const struct schema_file *find_extension(const Grpc__Reflection__V1__ExtensionRequest *wanted)
{
    const struct schema_extension *extension = schema_extensions;

    while (extension->extendee &&
           (extension->number != wanted->extension_number || strcmp(extension->extendee, wanted->containing_type) != 0))
        extension++;
    return extension->file;
}

/* -- Answers ------------------------------------------------------------------------------------------------------- */

static int say_not_found(struct arena *arena, Answer *answer)
{
    Grpc__Reflection__V1__ErrorResponse *error = arena_alloc(arena, sizeof(*error));

    if (!error)
        return ERR_NO_MEMORY;
    grpc__reflection__v1__error_response__init(error);
    error->error_code = RPC_NOT_FOUND;
    error->error_message = (char *)(uintptr_t) "The schema has no such thing.";
    answer->error_response = error;
    answer->message_response_case = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    return 0;
}

static int show_file(struct arena *arena, const struct schema_file *file, Answer *answer)
{
    if (!file)
        return say_not_found(arena, answer);
    Grpc__Reflection__V1__FileDescriptorResponse *files = arena_alloc(arena, sizeof(*files));
    ProtobufCBinaryData *bytes = arena_alloc(arena, sizeof(*bytes));
    if (!files || !bytes)
        return ERR_NO_MEMORY;
    grpc__reflection__v1__file_descriptor_response__init(files);
    *bytes = (ProtobufCBinaryData){file->descriptor.len, (uint8_t *)(uintptr_t)file->descriptor.ptr};
    files->file_descriptor_proto = bytes;
    files->n_file_descriptor_proto = 1;
    answer->file_descriptor_response = files;
    answer->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    return 0;
}

static int show_extensions(struct arena *arena, char *extendee, Answer *answer)
{
    Grpc__Reflection__V1__ExtensionNumberResponse *numbers = arena_alloc(arena, sizeof(*numbers));
    size_t count = 0;

    for (const struct schema_extension *extension = schema_extensions; extension->extendee; extension++)
        count += strcmp(extension->extendee, extendee) == 0;
    if (count == 0)
        return say_not_found(arena, answer);
    int32_t *list = arena_alloc_array(arena, count, sizeof(*list));
    if (!numbers || !list)
        return ERR_NO_MEMORY;
    grpc__reflection__v1__extension_number_response__init(numbers);
    numbers->base_type_name = extendee;
    numbers->extension_number = list;
    for (const struct schema_extension *extension = schema_extensions; extension->extendee; extension++) {
        if (strcmp(extension->extendee, extendee) == 0)
            list[numbers->n_extension_number++] = extension->number;
    }
    answer->all_extension_numbers_response = numbers;
    answer->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE;
    return 0;
}

static int show_services(struct arena *arena, const char *const *names, Answer *answer)
{
    Grpc__Reflection__V1__ListServiceResponse *list = arena_alloc(arena, sizeof(*list));
    Grpc__Reflection__V1__ServiceResponse **rows = arena_alloc_array(arena, NAMES_MAX, sizeof(*rows));

    if (!list || !rows)
        return ERR_NO_MEMORY;
    grpc__reflection__v1__list_service_response__init(list);
    list->service = rows;
    for (; *names && list->n_service < NAMES_MAX; names++) {
        Grpc__Reflection__V1__ServiceResponse *row = arena_alloc(arena, sizeof(*row));

        if (!row)
            return ERR_NO_MEMORY;
        grpc__reflection__v1__service_response__init(row);
        row->name = (char *)(uintptr_t)*names;
        rows[list->n_service++] = row;
    }
    answer->list_services_response = list;
    answer->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    return 0;
}

static int fill_answer(struct conversation *conversation, const Question *question, Answer *answer)
{
    struct arena *arena = conversation->arena;

    switch (question->message_request_case) {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        return show_file(arena, find_file(question->file_by_filename), answer);
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        return show_file(arena, find_symbol(question->file_containing_symbol), answer);
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
        return show_file(arena, find_extension(question->file_containing_extension), answer);
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
        return show_extensions(arena, question->all_extension_numbers_of_type, answer);
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        return show_services(arena, conversation->names, answer);
    default:
        return say_not_found(arena, answer);
    }
}

static int send_answer(struct conversation *conversation, const Answer *answer)
{
    CLEANUP(buf_free) struct buf framed = BUF(ANSWERS_BYTES_MAX);
    size_t size = protobuf_c_message_get_packed_size(&answer->base);
    unsigned char head[RPC_FRAME_HEAD_BYTES];

    rpc_frame_write_head(head, size);
    buf_append(&framed, str_from(head, sizeof(head)));
    wire_to_binary(&answer->base, &framed);
    TRY(buf_error(&framed));
    struct http_blob *blob = http_blob_new(buf_str(&framed));
    if (!blob)
        return ERR_NO_MEMORY;
    int result = http_stream_write(conversation->stream, blob);
    http_blob_unref(blob);
    return result;
}

static int answer_question(struct conversation *conversation, struct str bytes)
{
    Question question = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    Answer answer = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    struct problem ignored;

    arena_reset(conversation->arena);
    TRY(wire_from_binary(conversation->arena, bytes, &question.base, &ignored));
    answer.valid_host = question.host;
    answer.original_request = &question;
    TRY(fill_answer(conversation, &question, &answer));
    return send_answer(conversation, &answer);
}

/* -- The stream ---------------------------------------------------------------------------------------------------- */

static void end(struct conversation *conversation, const char *status)
{
    conversation->is_over = true;
    conversation->ending.value = str_from_cstr(status);
    http_stream_close(conversation->stream);
}

static void on_input(void *context, struct str bytes, bool is_last)
{
    struct conversation *conversation = context;
    struct str message;
    int result = 0;

    while (!conversation->is_over && (result = rpc_frame_read(&conversation->reader, &bytes, &message)) == 1) {
        result = answer_question(conversation, message);
        if (result < 0)
            break;
    }
    if (conversation->is_over)
        return;
    if (result < 0 || (is_last && !rpc_frame_is_between(&conversation->reader)))
        end(conversation, "3"); /* RPC_INVALID_ARGUMENT */
    else if (is_last)
        end(conversation, "0");
}

static void free_conversation(struct conversation *conversation)
{
    rpc_frame_reader_free(&conversation->reader);
    http_stream_unref(conversation->stream);
    arena_free(conversation->arena);
    free(conversation);
}

static void on_end(void *context, enum http_stream_end reason)
{
    (void)reason;
    free_conversation(context);
}

int rpc_reflection_open(const char *const *names, struct http_response *ret_response)
{
    struct conversation *conversation = calloc(1, sizeof(*conversation));

    if (!conversation)
        return ERR_NO_MEMORY;
    conversation->names = names;
    rpc_frame_reader_init(&conversation->reader, QUESTION_BYTES_MAX);
    conversation->arena = arena_new(ARENA_BYTES);
    conversation->stream = http_stream_new(ANSWERS_BYTES_MAX, on_end, conversation);
    conversation->ending = (struct http_header){STR(RPC_STATUS_FIELD), STR("0")};
    if (!conversation->arena || !conversation->stream) {
        free_conversation(conversation);
        return ERR_NO_MEMORY;
    }
    ret_response->stream = http_stream_ref(conversation->stream);
    ret_response->trailers = &conversation->ending;
    ret_response->trailer_count = 1;
    ret_response->on_input = on_input;
    ret_response->input_context = conversation;
    return 0;
}
