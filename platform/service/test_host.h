/* A whole host in a temporary folder, for tests: the services given, no listener, no rate limits. Requests enter behind
 * the parser (test_host_http), RPCs by their clients with test_host_call's call. */
#pragma once

#include "platform/base/config.h"
#include "platform/base/task.h"
#include "platform/base/test_folder.h"
#include "platform/net/client.h"
#include "platform/ports/clock/clock.h"
#include "platform/service/host.h"
#include "platform/service/shop_settings.h"
#include "platform/service/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEST_HOST_ARENA_BYTES (64u << 20)
#define TEST_HOST_WORKERS 8
#define TEST_HOST_WAIT_MS 20000 /* the patience of test_host_await */
#define TEST_HOST_POLL_MS 5

struct test_host {
    struct service_host *host;
    struct config *config;
    struct arena *arena; /* of calls and answers; lives as long as the host */
    char folder[TEST_FOLDER_BYTES];
    const char *sql_vfs;       /* set before the start: the simulation's disk; NULL: the folder */
    const char *mail_from;     /* set before the start; NULL: the host's own */
    unsigned worker_count;     /* set before the start; 0: TEST_HOST_WORKERS */
    struct fault_plan *faults; /* set before the start: what its ports follow; NULL: none */
};

struct test_answer {
    int status;
    struct str body;
    struct http_response response;
};

/* environment: "NAME=value" settings, NULL-terminated, or NULL. Prints why and exits when the host does not start. */
static inline void test_host_start(struct test_host *test, const struct service *const *services,
                                   char *const *environment)
{
    const struct config_row *tables[HOST_SERVICES_MAX + 3] = {port_settings, shop_settings};
    char message[512] = "";
    size_t table_count = 2;

    if (!test->folder[0])
        test_folder_make(test->folder);
    for (size_t i = 0; services[i]; i++) {
        if (services[i]->config)
            tables[table_count++] = services[i]->config;
    }
    struct http_client *client = NULL;
    if (config_load(tables, NULL, environment, message, &test->config) < 0 || http_client_new(&client, 8) < 0) {
        fprintf(stderr, "test host: %s\n", message);
        exit(1);
    }
    const struct host_options options = {.services = services,
                                         .config = test->config,
                                         .data_path = test->folder,
                                         .sql_vfs = test->sql_vfs,
                                         .worker_count = test->worker_count ? test->worker_count : TEST_HOST_WORKERS,
                                         .http_client = client,
                                         .mail_from = test->mail_from,
                                         .faults = test->faults};
    if (host_new(&test->host, &options, message) < 0) {
        fprintf(stderr, "test host: %s\n", message);
        exit(1);
    }
    test->arena = arena_new(TEST_HOST_ARENA_BYTES);
}

/* Stops the host and keeps its folder, for a test that starts it again. */
static inline void test_host_stop(struct test_host *test)
{
    host_free(test->host, 0);
    config_free(test->config);
    arena_free(test->arena);
    test->host = NULL;
    test->arena = NULL;
}

static inline void test_host_end(struct test_host *test)
{
    test_host_stop(test);
    test_folder_remove(test->folder);
    test->folder[0] = '\0';
}

/* A call of the service's, with ROLE_SERVICE and the default tenant, in the host's arena. */
static inline struct call *test_host_call(struct test_host *test, const char *service)
{
    struct call *call = arena_alloc(test->arena, sizeof(*call));

    if (!call || host_call_begin(host_instance(test->host, service), test->arena, STR(TENANT_DEFAULT), STR_EMPTY, 60000,
                                 call) < 0)
        abort();
    return call;
}

/* headers: name, value, …, NULL; names in lower case. body may be NULL. The answer's body lies in the host's arena. */
static inline struct test_answer test_host_http(struct test_host *test, enum http_method method, const char *target,
                                                const char *const *headers, const char *body)
{
    struct http_header list[16] = {0};
    struct http_request request = {.method = method,
                                   .target = str_from_cstr(target),
                                   .host = STR("localhost"),
                                   .scheme = STR("http"),
                                   .body = str_from_cstr(body),
                                   .peer = STR("127.0.0.1"),
                                   .headers = list,
                                   .version = 11};
    struct test_answer answer = {0};
    ptrdiff_t question = str_find_char(request.target, '?');

    request.path = question < 0 ? request.target : str_slice(request.target, 0, (size_t)question);
    request.query = question < 0 ? STR_EMPTY : str_skip(request.target, (size_t)question + 1);
    if (body)
        list[request.header_count++] = (struct http_header){STR("content-type"), STR("application/json")};
    for (; headers && headers[0]; headers += 2)
        list[request.header_count++] = (struct http_header){str_from_cstr(headers[0]), str_from_cstr(headers[1])};
    if (host_handle(test->host, NULL, &request, test->arena, &answer.response) < 0)
        abort();
    answer.status = answer.response.status;
    answer.body =
        answer.response.blob ? arena_copy(test->arena, http_blob_bytes(answer.response.blob)) : answer.response.body;
    http_blob_unref(answer.response.blob);
    http_blob_unref(answer.response.head_blob);
    return answer;
}

/* The value of the answer's header of that name, in the host's arena; NULL without one. */
static inline const char *test_host_header(struct test_host *test, const struct test_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->response.header_count; i++)
        if (str_equal_nocase(answer->response.headers[i].name, str_from_cstr(name)))
            return arena_cstr(test->arena, answer->response.headers[i].value);
    return NULL;
}

/* Makes the key that signs, where the host (without the identity service) has none. */
static inline void test_host_add_signer(struct test_host *test)
{
    CLEANUP(buf_free) struct buf pem = BUF(1 << 16);
    char kid[TOKEN_KID_BYTES];

    if (token_key_generate(&pem) < 0 || token_ring_add_private(test->host->tokens, buf_str(&pem), kid) < 0 ||
        token_ring_set_signer(test->host->tokens, str_from_cstr(kid)) < 0)
        abort();
}

/* "Bearer …" of somebody of the default tenant with these roles (of enum role), in the host's arena. */
static inline const char *test_host_bearer(struct test_host *test, const char *user_id, unsigned roles)
{
    struct token_claims claims = {.session_id = "s1",
                                  .token_id = "t1",
                                  .tenant = TENANT_DEFAULT,
                                  .roles = roles,
                                  .issued_at_s = clock_wall_ms() / 1000,
                                  .expires_at_s = clock_wall_ms() / 1000 + 500};
    struct str token;

    snprintf(claims.user_id, sizeof(claims.user_id), "%s", user_id);
    if (token_sign(test->host->tokens, test->arena, &claims, &token) < 0) {
        test_host_add_signer(test);
        if (token_sign(test->host->tokens, test->arena, &claims, &token) < 0)
            abort();
    }
    return arena_printf(test->arena, "Bearer %.*s", STR_FORMAT(token));
}

/* Asks again until the answer is yes; false when it is still no after TEST_HOST_WAIT_MS. */
static inline bool test_host_await(bool (*question)(void *context), void *context)
{
    int64_t deadline_ns = clock_monotonic_ns() + TEST_HOST_WAIT_MS * CLOCK_NS_PER_MS;

    while (!question(context)) {
        if (clock_monotonic_ns() > deadline_ns)
            return false;
        task_sleep_ms(TEST_HOST_POLL_MS);
    }
    return true;
}
