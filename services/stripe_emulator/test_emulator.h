/* A host with the emulator that listens on a free port, for tests that speak to it over HTTP. */
#pragma once

#include "platform/net/server.h"
#include "platform/service/test_host.h"
#include "services/services.h"

#define TEST_SECRET_KEY "sk_test_of_tests"
#define TEST_WEBHOOK_SECRET "whsec_of_tests"

static inline void test_emulator_start(struct test_host *test, const struct service *const *services,
                                       char *const *environment)
{
    char message[512] = "";
    test_host_start(test, services, environment);
    if (host_listen(test->host, "127.0.0.1", 0, true, message) < 0) {
        fprintf(stderr, "test emulator: %s\n", message);
        exit(1);
    }
}

/* "http://127.0.0.1:PORT" of the emulator. */
static inline const char *test_emulator_url(struct test_host *test)
{
    return arena_printf(test->arena, "http://127.0.0.1:%d",
                        http_server_port(host_instance(test->host, "stripe_emulator")->listener));
}

/* One request with the secret key and more headers (name, value, …, NULL; may be NULL); a body is a form, or JSON where
 * it begins with a bracket. */
static inline struct http_client_response test_emulator_ask(struct test_host *test, enum http_method method,
                                                            const char *path, const char *body, const char *const *more)
{
    struct http_header headers[8] = {
        {STR("Authorization"), STR("Bearer " TEST_SECRET_KEY)},
        {STR("Content-Type"),
         body && body[0] == '{' ? STR("application/json") : STR("application/x-www-form-urlencoded")},
    };
    size_t count = 2;
    for (; more && more[0]; more += 2)
        headers[count++] = (struct http_header){str_from_cstr(more[0]), str_from_cstr(more[1])};
    struct http_client_response response = {0};
    const struct http_client_request request = {
        .method = method,
        .url = str_from_cstr(arena_printf(test->arena, "%s%s", test_emulator_url(test), path)),
        .headers = headers,
        .header_count = count,
        .body = str_from_cstr(body),
        .timeout_ms = 20000,
        .body_bytes_max = 1 << 20,
    };
    if (http_client_fetch(test->host->http_client, test->arena, &request, &response) < 0)
        abort();
    return response;
}

/* What stands between `"name":` (and a quotation mark, if there is one) and the next quotation mark, comma or bracket.
 */
static inline const char *test_emulator_member(struct test_host *test, struct str json, const char *name)
{
    const char *needle = arena_printf(test->arena, "\"%s\":", name);
    ptrdiff_t at = str_find(json, str_from_cstr(needle));
    if (at < 0)
        return "";
    struct str rest = str_skip(json, (size_t)at + strlen(needle));
    bool quoted = rest.len > 0 && rest.ptr[0] == '"';
    rest = str_skip(rest, quoted ? 1 : 0);
    size_t length = 0;
    while (length < rest.len && !(quoted ? rest.ptr[length] == '"' : memchr(",}]", rest.ptr[length], 3) != NULL))
        length++;
    return arena_cstr(test->arena, str_slice(rest, 0, length));
}
