/* Proves that a problem is on the other side of a connection what it was, and that what a peer makes up is not. */
#include "platform/rpc/rpc_problem.h"
#include "platform/rpc/rpc_text.h"
#include "platform/wire/wire.h"
#include "shopstream/rpc/v1/rpc.pb-c.h"

#include <nghttp2/nghttp2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ARENA_BYTES ((size_t)1 << 20)

static void assert_same(const struct problem *sent, struct problem *received)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct rpc_ending ending;
    rpc_problem_encode(arena, sent, &ending);
    assert_int_equal(ending.status, rpc_status_of_error(sent->error));
    assert_int_equal(rpc_problem_decode(arena, &ending, received), sent->error);
    assert_int_equal(received->error, sent->error);
    assert_string_equal(received->code, sent->code);
    assert_string_equal(received->pointer, sent->pointer);
    assert_string_equal(received->detail, sent->detail);
    assert_int_equal(received->retry_after_ms, sent->retry_after_ms);
}

static void test_rpc_problem__each_error_crosses_unchanged(void **state)
{
    (void)state;
    int count = 0;
    for (int error = -1; strcmp(error_name(error), "err_unknown") != 0; error--, count++) {
        struct problem sent = {0}, received = {0};
        problem_set(&sent, error, "some_code", "/items/0/quantity", "Only %d of “%s” are left: 100 %%.", 2, "Tasse");
        sent.retry_after_ms = error == ERR_RATE_LIMITED ? 1500 : 0;
        assert_same(&sent, &received);
        assert_int_not_equal(rpc_status_of_error(error), RPC_UNKNOWN);
        assert_int_not_equal(rpc_status_of_error(error), RPC_OK);
    }
    assert_int_equal(count, 20);
}

static void test_rpc_problem__the_longest_one_crosses_unchanged(void **state)
{
    (void)state;
    struct problem sent = {0}, received = {0};
    char pointer[PROBLEM_POINTER_MAX + 10], detail[PROBLEM_DETAIL_MAX + 10];
    memset(pointer, '/', sizeof(pointer));
    pointer[sizeof(pointer) - 1] = '\0';
    for (size_t i = 0; i + 2 < sizeof(detail); i += 2)
        memcpy(detail + i, "\xc3\xa4", 3);
    problem_set(&sent, ERR_CONFLICT, "out_of_stock", pointer, "%s", detail);
    assert_same(&sent, &received);
}

/* A code outlives the arena that it came in, and there is one of it. */
static void test_rpc_problem__a_code_stays(void **state)
{
    (void)state;
    struct problem sent = {0}, first = {0}, second = {0};
    problem_set(&sent, ERR_CONFLICT, "a_code_that_stays", NULL, "No.");
    assert_same(&sent, &first);
    assert_same(&sent, &second);
    assert_ptr_equal(first.code, second.code);
    const char *const bad[] = {"", "Out of stock", "code-7", "\xc3\xa4",
                               "a_code_that_is_much_longer_than_any_code_of_the_shop_has_ever_been_so_far"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_string_equal(rpc_code_keep(str_from_cstr(bad[i]), "fallback"), "fallback");
}

/* Of a peer that is not ours. */
static void test_rpc_problem__a_bare_status_is_an_error_too(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct problem problem = {0};
    struct rpc_ending ending = {.status = RPC_DEADLINE_EXCEEDED, .message = STR("too%20late")};
    assert_int_equal(rpc_problem_decode(arena, &ending, &problem), ERR_DEADLINE);
    assert_string_equal(problem.code, "err_deadline");
    assert_string_equal(problem.detail, "too late");
    for (int status = 1; status <= RPC_STATUS_MAX; status++)
        assert_true(rpc_status_to_error((enum rpc_status)status) < 0);
    ending = (struct rpc_ending){.status = RPC_OK};
    assert_int_equal(rpc_problem_decode(arena, &ending, &problem), 0);
}

static struct str details_of(struct arena *arena, const char *type_url, const char *error, int status)
{
    CLEANUP(buf_free) struct buf inner = BUF(1024);
    CLEANUP(buf_free) struct buf outer = BUF(1024);
    Rpc__Problem whole = RPC__PROBLEM__INIT;
    Rpc__Any any = RPC__ANY__INIT;
    Rpc__Any *details[] = {&any};
    Rpc__Status envelope = RPC__STATUS__INIT;
    whole.error = (char *)(uintptr_t)error;
    whole.code = (char *)(uintptr_t) "made_up";
    wire_to_binary(&whole.base, &inner);
    any.type_url = (char *)(uintptr_t)type_url;
    any.has_value = true;
    any.value = (ProtobufCBinaryData){.len = inner.len, .data = (uint8_t *)inner.ptr};
    envelope.has_code = true;
    envelope.code = status;
    envelope.details = details;
    envelope.n_details = 1;
    wire_to_binary(&envelope.base, &outer);
    return rpc_bytes_encode(arena, buf_str(&outer));
}

static void test_rpc_problem__details_that_do_not_fit_are_not_believed(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    const char *ours = "type.googleapis.com/shopstream.rpc.v1.Problem";
    const struct str rows[] = {STR("not base64!"), STR("AAAA"),
                               details_of(arena, "other", "err_conflict", RPC_NOT_FOUND),
                               details_of(arena, ours, "err_not_found", RPC_UNAVAILABLE)};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rpc_ending ending = {.status = RPC_NOT_FOUND, .message = STR("no"), .details = rows[i]};
        struct problem problem = {0};
        assert_int_equal(rpc_problem_decode(arena, &ending, &problem), ERR_NOT_FOUND);
        assert_string_equal(problem.code, "err_not_found");
        assert_string_equal(problem.detail, "no");
    }
    /* An error that is not of the status that came with it. */
    struct rpc_ending ending = {.status = RPC_NOT_FOUND,
                                .details = details_of(arena, ours, "err_declined", RPC_NOT_FOUND)};
    struct problem problem = {0};
    assert_int_equal(rpc_problem_decode(arena, &ending, &problem), ERR_NOT_FOUND);
    assert_string_equal(problem.code, "made_up");
}

static void test_rpc_problem__statuses_are_read(void **state)
{
    (void)state;
    enum rpc_status status = RPC_OK;
    assert_int_equal(rpc_status_parse(STR("14"), &status), 0);
    assert_int_equal(status, RPC_UNAVAILABLE);
    assert_int_equal(rpc_status_parse(STR("99"), &status), 0);
    assert_int_equal(status, RPC_UNKNOWN);
    assert_int_equal(rpc_status_parse(STR("-1"), &status), ERR_INVALID);
    assert_int_equal(rpc_status_parse(STR("ok"), &status), ERR_INVALID);
    assert_int_equal(rpc_status_of_error(1), RPC_UNKNOWN);
    assert_int_equal(rpc_status_of_http(404), RPC_UNIMPLEMENTED);
    assert_int_equal(rpc_status_of_http(503), RPC_UNAVAILABLE);
    assert_int_equal(rpc_status_of_http(418), RPC_UNKNOWN);
    assert_int_equal(rpc_status_of_reset(NGHTTP2_REFUSED_STREAM), RPC_UNAVAILABLE);
    assert_int_equal(rpc_status_of_reset(NGHTTP2_PROTOCOL_ERROR), RPC_INTERNAL);
    assert_string_equal(rpc_status_name(RPC_UNAVAILABLE), "UNAVAILABLE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rpc_problem__each_error_crosses_unchanged),
        cmocka_unit_test(test_rpc_problem__the_longest_one_crosses_unchanged),
        cmocka_unit_test(test_rpc_problem__a_code_stays),
        cmocka_unit_test(test_rpc_problem__a_bare_status_is_an_error_too),
        cmocka_unit_test(test_rpc_problem__details_that_do_not_fit_are_not_believed),
        cmocka_unit_test(test_rpc_problem__statuses_are_read),
    };
    return cmocka_run_group_tests_name("rpc_problem", tests, NULL, NULL);
}
