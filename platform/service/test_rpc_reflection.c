/* Proves that the schema is shown to who asks for it, question by question, and that what is no question ends it. */
#include "platform/base/buf.h"
#include "platform/base/err.h"
#include "platform/rpc/rpc_frame.h"
#include "platform/service/rpc_reflection.h"

#include "grpc/reflection/v1/reflection.pb-c.h"
#include "schema_index.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef Grpc__Reflection__V1__ServerReflectionRequest Question;
typedef Grpc__Reflection__V1__ServerReflectionResponse Answer;

static const char *const names[] = {"shopstream.catalog.v1.Catalog", "grpc.health.v1.Health", NULL};

static void wake(void *sender)
{
    (void)sender;
}

static struct http_response begin(void)
{
    struct http_response response = {0};
    assert_int_equal(rpc_reflection_open(names, &response), 0);
    http_stream_attach(response.stream, wake, NULL);
    return response;
}

/* In pieces of three bytes. */
static void tell(const struct http_response *response, struct str bytes)
{
    for (; bytes.len > 0; bytes = str_skip(bytes, 3))
        response->on_input(response->input_context, str_slice(bytes, 0, 3), false);
}

static void ask(const struct http_response *response, const Question *question)
{
    uint8_t bytes[512];
    size_t size = protobuf_c_message_get_packed_size(&question->base);
    assert_true(RPC_FRAME_HEAD_BYTES + size < sizeof(bytes));
    rpc_frame_write_head(bytes, size);
    protobuf_c_message_pack(&question->base, bytes + RPC_FRAME_HEAD_BYTES);
    tell(response, str_from(bytes, RPC_FRAME_HEAD_BYTES + size));
}

static Answer *take(const struct http_response *response)
{
    struct http_blob *blob = NULL;
    assert_int_equal(http_stream_take(response->stream, &blob), HTTP_STREAM_PIECE);
    struct str message = str_skip(http_blob_bytes(blob), RPC_FRAME_HEAD_BYTES);
    Answer *answer =
        grpc__reflection__v1__server_reflection_response__unpack(NULL, message.len, (const uint8_t *)message.ptr);
    assert_non_null(answer);
    http_blob_unref(blob);
    return answer;
}

static void end(struct http_response *response, const char *status)
{
    struct http_blob *blob = NULL;
    assert_int_equal(http_stream_take(response->stream, &blob), HTTP_STREAM_LAST);
    assert_true(str_equal_cstr(response->trailers[0].value, status));
    struct http_stream *stream = response->stream;
    http_stream_end(stream, HTTP_STREAM_ENDED);
    http_stream_unref(stream);
}

static void assert_shows(const struct http_response *response, const Question *question, const char *file_name)
{
    const struct schema_file *file = schema_files;
    while (file->name && strcmp(file->name, file_name) != 0)
        file++;
    assert_non_null(file->name);
    ask(response, question);
    Answer *answer = take(response);
    assert_int_equal(answer->message_response_case,
                     GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE);
    assert_int_equal(answer->file_descriptor_response->n_file_descriptor_proto, 1);
    const ProtobufCBinaryData *bytes = answer->file_descriptor_response->file_descriptor_proto;
    assert_true(str_equal(str_from(bytes->data, bytes->len), file->descriptor));
    assert_int_equal(answer->original_request->message_request_case, question->message_request_case);
    grpc__reflection__v1__server_reflection_response__free_unpacked(answer, NULL);
}

static void test_rpc_reflection__files_are_found_by_what_they_define(void **state)
{
    (void)state;
    struct http_response response = begin();
    static const char *const symbols[] = {"shopstream.catalog.v1.Catalog", "shopstream.catalog.v1.Catalog.GetProduct",
                                          "shopstream.catalog.v1.Sku", "shopstream.catalog.v1.Sku.AttributesEntry"};
    Question question = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    question.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL;
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        question.file_containing_symbol = (char *)(uintptr_t)symbols[i];
        assert_shows(&response, &question, "shopstream/catalog/v1/catalog.proto");
    }
    question.message_request_case = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME;
    question.file_by_filename = (char *)(uintptr_t) "google/protobuf/descriptor.proto";
    assert_shows(&response, &question, "google/protobuf/descriptor.proto");
    Grpc__Reflection__V1__ExtensionRequest extension = GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;
    extension.containing_type = (char *)(uintptr_t) "google.protobuf.FieldOptions";
    extension.extension_number = 50001;
    question.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION;
    question.file_containing_extension = &extension;
    assert_shows(&response, &question, "shopstream/options/v1/options.proto");
    response.on_input(response.input_context, STR_EMPTY, true);
    end(&response, "0");
}

static void test_rpc_reflection__services_and_numbers_are_listed(void **state)
{
    (void)state;
    struct http_response response = begin();
    Question question = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    question.message_request_case = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES;
    question.list_services = (char *)(uintptr_t) "*";
    ask(&response, &question);
    Answer *answer = take(&response);
    assert_int_equal(answer->list_services_response->n_service, 2);
    assert_string_equal(answer->list_services_response->service[0]->name, names[0]);
    grpc__reflection__v1__server_reflection_response__free_unpacked(answer, NULL);
    question.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE;
    question.all_extension_numbers_of_type = (char *)(uintptr_t) "google.protobuf.FieldOptions";
    ask(&response, &question);
    answer = take(&response);
    bool is_there = false;
    for (size_t i = 0; i < answer->all_extension_numbers_response->n_extension_number; i++)
        is_there |= answer->all_extension_numbers_response->extension_number[i] == 50001;
    assert_true(is_there);
    grpc__reflection__v1__server_reflection_response__free_unpacked(answer, NULL);
    question.all_extension_numbers_of_type = (char *)(uintptr_t) "no.Such";
    ask(&response, &question);
    answer = take(&response);
    assert_int_equal(answer->error_response->error_code, 5);
    grpc__reflection__v1__server_reflection_response__free_unpacked(answer, NULL);
    response.on_input(response.input_context, STR_EMPTY, true);
    end(&response, "0");
}

static void test_rpc_reflection__what_is_no_question_ends_it(void **state)
{
    (void)state;
    const struct str bad[] = {STR("\2"), STR("\0\0\0\0\2\x0a\x05"), STR("\0\x7f\xff\xff\xff")};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct http_response response = begin();
        tell(&response, bad[i]);
        response.on_input(response.input_context, STR("more"), false);
        end(&response, "3");
    }
    struct http_response response = begin();
    tell(&response, STR("\0\0"));
    response.on_input(response.input_context, STR_EMPTY, true);
    end(&response, "3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rpc_reflection__files_are_found_by_what_they_define),
        cmocka_unit_test(test_rpc_reflection__services_and_numbers_are_listed),
        cmocka_unit_test(test_rpc_reflection__what_is_no_question_ends_it),
    };
    return cmocka_run_group_tests_name("rpc_reflection", tests, NULL, NULL);
}
