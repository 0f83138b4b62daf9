/* What the tests of the emulator share: a host with the emulator, one for all tests of a program, asked over HTTP as
 * Stripe's own clients do, and short ways to its objects. */
#pragma once

#include "platform/ports/psp/psp_config.h"
#include "platform/ports/psp/psp_signature.h"
#include "platform/service/test_json.h"
#include "services/stripe_emulator/test_emulator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define INTENTS "/v1/payment_intents"
#define EUR_20 "amount=2000&currency=eur"

#define DELIVERIES_MAX 200

static struct test_host fixture;

/* What came to the shop's endpoint, oldest first. */
struct delivered {
    char id[64], type[64];
    int64_t at_ms;
    bool is_signed; /* with the secret of that endpoint, over this body, now */
};

static struct {
    struct task_mutex mutex;
    struct delivered deliveries[DELIVERIES_MAX];
    size_t count;
    int refusals; /* the next so many are answered with 500 */
    bool holds;   /* no answer is given while it is true */
} shop;

static inline void copy_member(struct str json, const char *pointer, char ret_text[64])
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(1 << 16);
    const char *text = test_json_text(arena, json, pointer);

    snprintf(ret_text, 64, "%s", text ? text : "");
}

static inline bool may_answer(void *context)
{
    (void)context;
    TASK_LOCKED(&shop.mutex);
    return !shop.holds;
}

static inline int receive(struct call *call, const struct http_request *request, struct http_response *response)
{
    struct str signature = http_header_find(request, "stripe-signature");
    int64_t now_ms = clock_wall_ms();

    (void)call;
    if (!test_host_await(may_answer, NULL))
        return ERR_INTERNAL;
    TASK_LOCKED(&shop.mutex);
    if (shop.count < DELIVERIES_MAX) {
        struct delivered *delivered = &shop.deliveries[shop.count++];
        copy_member(request->body, "/id", delivered->id);
        copy_member(request->body, "/type", delivered->type);
        delivered->at_ms = now_ms;
        delivered->is_signed =
            psp_signature_check(STR(TEST_WEBHOOK_SECRET), signature, request->body, now_ms / 1000, 60) == 0;
    }
    response->status = shop.refusals > 0 ? 500 : 200;
    shop.refusals -= shop.refusals > 0;
    return 0;
}

/* Stands where the payments service does: it has the keys' settings, and the endpoint that is always told. */
static const struct service payments_double = {
    .name = "payments",
    .no_database = true,
    .config = psp_config,
    .routes =
        (const struct route[]){
            {"POST", "/v1/webhooks/stripe", RAW(receive), .auth = AUTH_ANYONE, .rate = RATE_NONE, .tx = TX_NONE},
            {0},
        },
};

static inline int fixture_start(void **state)
{
    static const struct service *const services[] = {&stripe_emulator_service, &payments_double, NULL};
    static char *environment[] = {"SHOPSTREAM_STRIPE_SECRET_KEY=" TEST_SECRET_KEY,
                                  "SHOPSTREAM_STRIPE_WEBHOOK_SECRET=" TEST_WEBHOOK_SECRET, NULL};

    (void)state;
    log_configure(2, LOG_LEVEL_NONE, LOG_FORMAT_AUTOMATIC);
    task_mutex_init(&shop.mutex);
    test_emulator_start(&fixture, services, environment);
    return 0;
}

static inline int fixture_end(void **state)
{
    (void)state;
    test_host_end(&fixture);
    return 0;
}

/* Text in the host's arena. */
#define TEXT(...) arena_printf(fixture.arena, __VA_ARGS__)

static inline struct http_client_response ask(enum http_method method, const char *path, const char *body)
{
    return test_emulator_ask(&fixture, method, path, body, NULL);
}

/* The same with an Idempotency-Key. */
static inline struct http_client_response ask_with_key(const char *path, const char *body, const char *key)
{
    const char *const headers[] = {"Idempotency-Key", key, NULL};

    return test_emulator_ask(&fixture, HTTP_POST, path, body, headers);
}

static inline const char *text_of(struct http_client_response answer, const char *pointer)
{
    const char *text = test_json_text(fixture.arena, answer.body, pointer);

    return text ? text : "";
}

static inline int64_t int_of(struct http_client_response answer, const char *pointer)
{
    return test_json_int(answer.body, pointer);
}

/* The value of the answer's header; NULL without one. */
static inline const char *header_of(struct http_client_response answer, const char *name)
{
    for (size_t i = 0; i < answer.header_count; i++)
        if (str_equal_cstr(answer.headers[i].name, name))
            return arena_cstr(fixture.arena, answer.headers[i].value);
    return NULL;
}

/* Stripe's error of that status, code and parameter ("": without one). */
static inline void assert_error(struct http_client_response answer, int status, const char *code, const char *param)
{
    if (answer.status != status)
        print_error("%.*s\n", STR_FORMAT(answer.body));
    assert_int_equal(answer.status, status);
    assert_string_equal(text_of(answer, "/error/code"), code);
    assert_string_equal(text_of(answer, "/error/param"), param);
    assert_true(strlen(text_of(answer, "/error/message")) > 0);
}

/* A confirmed intent of 20 EUR: held (manual) or taken. */
static inline struct http_client_response pay(const char *card, bool is_manual)
{
    return ask(HTTP_POST, INTENTS,
               TEXT(EUR_20 "&confirm=true&payment_method=%s%s", card, is_manual ? "&capture_method=manual" : ""));
}

/* The object of the kind ("payment_intents", "charges", …) as it is now. */
static inline struct http_client_response retrieve(const char *kind, const char *id)
{
    return ask(HTTP_GET, TEXT("/v1/%s/%s", kind, id), NULL);
}

/* "confirm", "capture" or "cancel" of an intent. */
static inline struct http_client_response act(const char *id, const char *action, const char *body)
{
    return ask(HTTP_POST, TEXT(INTENTS "/%s/%s", id, action), body);
}
