/* Proves that who asks whether a service is there is told, and who watches is told when it is no more. */
#include "platform/base/task.h"
#include "platform/service/rpc_health.h"

#include "grpc/health/v1/health.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
#define NOT_SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
#define SERVICE_UNKNOWN GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN
#define ASK_CATALOG                                                                                                    \
    "\x0a\x07"                                                                                                         \
    "catalog"
#define ASK_OTHER                                                                                                      \
    "\x0a\x05"                                                                                                         \
    "other"

static bool is_known(void *context, struct str name)
{
    (void)context;
    return str_equal_cstr(name, "catalog");
}

static int status_in(struct str message)
{
    Grpc__Health__V1__HealthCheckResponse *response =
        grpc__health__v1__health_check_response__unpack(NULL, message.len, (const uint8_t *)message.ptr);
    assert_non_null(response);
    int status = (int)response->status;
    grpc__health__v1__health_check_response__free_unpacked(response, NULL);
    return status;
}

static void test_rpc_health__a_check_says_what_is_there(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(4096);
    struct rpc_health *health = rpc_health_new(is_known, NULL);
    struct problem problem = {0};
    struct str message;
    assert_int_equal(rpc_health_check(health, arena, STR_EMPTY, &message, &problem), 0);
    assert_int_equal(status_in(message), SERVING);
    assert_int_equal(rpc_health_check(health, arena, STR(ASK_CATALOG), &message, &problem), 0);
    assert_int_equal(status_in(message), SERVING);
    assert_int_equal(rpc_health_check(health, arena, STR(ASK_OTHER), &message, &problem), ERR_NOT_FOUND);
    assert_int_equal(rpc_health_check(health, arena, STR("\x0a\x05"), &message, &problem), ERR_INVALID);
    rpc_health_end(health);
    assert_int_equal(rpc_health_check(health, arena, STR(ASK_CATALOG), &message, &problem), 0);
    assert_int_equal(status_in(message), NOT_SERVING);
    rpc_health_free(health);
}

static void wake(void *sender)
{
    (void)sender;
}

/* The status in the next piece; -1 at the end. */
static int take_status(struct http_stream *stream)
{
    struct http_blob *blob = NULL;
    enum http_stream_taken taken = http_stream_take(stream, &blob);
    if (taken == HTTP_STREAM_LAST)
        return -1;
    assert_int_equal(taken, HTTP_STREAM_PIECE);
    int status = status_in(str_skip(http_blob_bytes(blob), 5));
    http_blob_unref(blob);
    return status;
}

static void end(void *context)
{
    rpc_health_end(context);
}

static void test_rpc_health__who_watches_hears_of_the_end(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(4096);
    struct rpc_health *health = rpc_health_new(is_known, NULL);
    struct problem problem = {0};
    struct http_response known = {0}, unknown = {0}, late = {0};
    struct task *task = NULL;
    assert_int_equal(rpc_health_watch(health, arena, STR(ASK_CATALOG), &known, &problem), 0);
    assert_int_equal(rpc_health_watch(health, arena, STR(ASK_OTHER), &unknown, &problem), 0);
    http_stream_attach(known.stream, wake, NULL);
    http_stream_attach(unknown.stream, wake, NULL);
    assert_int_equal(take_status(known.stream), SERVING);
    assert_int_equal(take_status(unknown.stream), SERVICE_UNKNOWN);
    http_stream_end(unknown.stream, HTTP_STREAM_GONE);
    http_stream_unref(unknown.stream);
    assert_int_equal(task_start(&task, "end", end, health), 0);
    task_join(task);
    assert_int_equal(take_status(known.stream), NOT_SERVING);
    assert_int_equal(take_status(known.stream), -1);
    assert_true(str_equal(known.trailers[0].value, STR("14")));
    assert_int_equal(rpc_health_watch(health, arena, STR(ASK_CATALOG), &late, &problem), 0);
    http_stream_attach(late.stream, wake, NULL);
    assert_int_equal(take_status(late.stream), NOT_SERVING);
    assert_int_equal(take_status(late.stream), -1);
    struct http_stream *streams[] = {known.stream, late.stream};
    for (size_t i = 0; i < 2; i++) {
        http_stream_end(streams[i], HTTP_STREAM_ENDED);
        http_stream_unref(streams[i]);
    }
    rpc_health_free(health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rpc_health__a_check_says_what_is_there),
        cmocka_unit_test(test_rpc_health__who_watches_hears_of_the_end),
    };
    return cmocka_run_group_tests_name("rpc_health", tests, NULL, NULL);
}
