/* What people take for an answer. Each step is repeated with the same key until it succeeds: a failure must say that it
 * is one, and be one that is worth a repetition. */
#include "tests/faults/faults.h"

#include <stdio.h>

#define TRIES_MAX 12
#define TRY_AGAIN_MS 1000

const char *json_member(struct shop *shop, struct str json, const char *name)
{
    sweep_mute();
    char *mark = arena_printf(shop->arena, "\"%s\":", name);
    ptrdiff_t at = str_find(json, str_from_cstr(mark));
    const char *value = NULL;
    if (at >= 0) {
        struct str rest = str_skip(json, (size_t)at + strlen(mark));
        bool is_text = rest.len > 0 && rest.ptr[0] == '"';
        rest = str_skip(rest, is_text);
        size_t length = 0;
        while (length < rest.len && !strchr(is_text ? "\"" : ",]}", rest.ptr[length]))
            length++;
        value = arena_cstr(shop->arena, str_slice(rest, 0, length));
    }
    sweep_unmute();
    return value;
}

bool is_clean_failure(struct shop *shop, const struct answer *answer)
{
    if (answer->status == 0)
        return true; /* the connection broke */
    const char *code = json_member(shop, answer->body, "code");
    if (!str_equal_cstr(answer->content_type, "application/problem+json") || !code)
        return false;
    return answer->status == 503 || answer->status == 504 ||
           (answer->status == 409 && strcmp(code, "still_running") == 0);
}

void refuse(const char *step, const char *what, const struct answer *answer)
{
    violated(what, "%s: %d %.*s %.*s", step, answer->status, STR_FORMAT(answer->content_type),
             STR_FORMAT(answer->body));
}

struct answer must_answer(struct shop *shop, const char *step, int status, struct shop_request request)
{
    struct answer answer;
    sweep_at(step);
    for (int i = 0; i < TRIES_MAX; i++) {
        answer = shop_ask(shop, &request);
        if (answer.status == status)
            return answer;
        if (!is_clean_failure(shop, &answer))
            refuse(step, "a failure is a clean one", &answer);
        if (answer.status && plant_comes(PLANT_ANSWER))
            return answer;
        task_sleep_ms(TRY_AGAIN_MS);
    }
    refuse(step, "a repetition with the same key ends well", &answer);
}

struct str must(struct shop *shop, const char *step, int status, struct shop_request request)
{
    return must_answer(shop, step, status, request).body;
}

struct str must_twice(struct shop *shop, const char *step, int status, struct shop_request request)
{
    struct str first = must(shop, step, status, request);
    struct str again = must(shop, step, status, request);
    if (!str_equal(first, again))
        violated("a repetition gets the first answer", "%.*s\n    %.*s", STR_FORMAT(first), STR_FORMAT(again));
    return first;
}

struct str await_status(struct shop *shop, const char *order_id, struct shop_request who, const char *from,
                        const char *wanted)
{
    char target[128];
    struct str order = STR_EMPTY;
    snprintf(target, sizeof(target), "/api/orders/v1/orders/%s", order_id);
    who.method = HTTP_GET;
    who.target = target;
    for (int i = 0; i < LOOKS_MAX; i++) {
        order = must(shop, wanted, 200, who);
        const char *status = json_member(shop, order, "status");
        if (status && strcmp(status, wanted) == 0)
            return order;
        if (!status || strcmp(status, from) != 0)
            break;
        task_sleep_ms(LOOK_MS);
    }
    violated("the order goes its way", "%s is not %s: %.*s", order_id, wanted, STR_FORMAT(order));
}

const char *sign_in(struct shop *shop, const char *body)
{
    struct shop_request request = {.method = HTTP_POST, .target = "/api/identity/v1/login", .body = body};
    const char *token = json_member(shop, must(shop, "login", 200, request), "access_token");
    if (!token)
        violated("a login gives a token", "none");
    return token;
}
