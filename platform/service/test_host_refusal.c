/* Proves that what never became a request is answered as every other problem is. */
#include "platform/net/http.h"
#include "platform/service/host.h"
#include "platform/service/host_refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct str header_of(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (str_equal_nocase(response->headers[i].name, str_from_cstr(name)))
            return response->headers[i].value;
    }
    return STR_EMPTY;
}

static void assert_refusal(int status, const char *title, const char *code)
{
    static struct service_host host;
    struct http_response response = {0};
    char expected[256];

    host_refusal_fill(&host, status, "A \"sentence\".", &response);
    struct str body = http_blob_bytes(response.blob);
    int len = snprintf(expected, sizeof(expected),
                       "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"A \\\"sentence\\\".\","
                       "\"code\":\"%s\",\"trace_id\":\"",
                       title, status, code);
    assert_int_equal(response.status, status);
    assert_true(str_starts_with(body, str_from(expected, (size_t)len)));
    assert_int_equal(body.len, (size_t)len + 32 + STR("\"}").len);
    assert_true(str_equal(header_of(&response, "content-type"), STR("application/problem+json")));
    assert_true(str_equal(header_of(&response, "cache-control"), STR("no-store")));
    assert_true(str_equal(header_of(&response, "x-content-type-options"), STR("nosniff")));
    assert_true(str_equal(header_of(&response, "retry-after"), status == 503 ? STR("1") : STR_EMPTY));
    http_blob_unref(response.blob);
}

static void test_host_refusal__is_a_problem_with_a_trace(void **state)
{
    (void)state;
    assert_refusal(400, "Bad Request", "bad_request");
    assert_refusal(408, "Request Timeout", "too_slow");
    assert_refusal(413, "Content Too Large", "too_large");
    assert_refusal(503, "Service Unavailable", "overloaded");
    assert_refusal(505, "HTTP Version Not Supported", "bad_request");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_refusal__is_a_problem_with_a_trace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
