/* One buyer's way to an order, as a patient client goes it: the same key until there is an answer. */
#include "cli/shop.h"
#include "cli/torture/torture.h"
#include "platform/ports/clock/clock.h"

#include <stdio.h>
#include <yyjson.h>

/* The key names the attempt, so that it can be sent again by anybody who knows the numbers. */
static const char *key_of(struct torture *torture, struct arena *arena, size_t round, size_t index)
{
    return arena_printf(arena, "torture-%lld-%05zu-%05zu", (long long)torture->started_wall_ms, round, index);
}

static int send(struct torture *torture, struct arena *arena, size_t round, size_t index, int *ret_status,
                struct str *ret_body)
{
    const struct torture_attempt *attempt = &torture->rounds[round]->attempts[index];
    const char *body = arena_printf(
        arena,
        "{\"items\":[{\"sku_id\":\"%s\",\"quantity\":1}],\"email\":\"buyer.%zu.%zu@torture.example\","
        "\"shipping_address\":{\"name\":\"Ann\",\"line1\":\"1 Main Street\",\"city\":\"Vienna\","
        "\"postal_code\":\"1010\",\"country\":\"AT\"},\"payment\":{\"payment_method\":\"%s\"}}",
        torture->rounds[round]->sku_id, round, index, attempt->is_declined ? "pm_card_chargeDeclined" : "pm_card_visa");
    const struct torture_request request = {.method = HTTP_POST,
                                            .path = "/api/orders/v1/orders",
                                            .key = key_of(torture, arena, round, index),
                                            .body = str_from_cstr(body)};

    return body && request.key ? torture_ask(torture, arena, &request, ret_status, ret_body) : ERR_NO_MEMORY;
}

static void copy_text(char *to, size_t capacity, yyjson_val *value)
{
    snprintf(to, capacity, "%s", yyjson_is_str(value) ? yyjson_get_str(value) : "");
}

/* Whether the answer ends the attempt: a 503, and a 409 that says that the key is still at work, do not. */
static bool take_answer(struct torture *torture, struct torture_attempt *attempt, int status, struct str body)
{
    CLEANUP(json_free) struct yyjson_doc *document = json_read(body);
    yyjson_val *root = yyjson_doc_get_root(document);
    const char *code = yyjson_get_str(yyjson_obj_get(root, "code"));

    if (status == 503 || (status == 409 && !(code && strcmp(code, "out_of_stock") == 0)))
        return false;
    if (status == 201) {
        copy_text(attempt->order_id, sizeof(attempt->order_id), yyjson_obj_get(root, "id"));
        copy_text(attempt->guest_token, sizeof(attempt->guest_token), yyjson_obj_get(root, "guest_token"));
        hash_sha256(body, attempt->body_hash);
    } else if (status != 409) {
        atomic_fetch_add(&torture->odd_answers, 1);
    }
    attempt->status = status;
    return true;
}

void torture_buy(struct torture *torture, struct arena *arena, size_t round, size_t index)
{
    struct torture_attempt *attempt = &torture->rounds[round]->attempts[index];
    int64_t deadline_ns = clock_monotonic_ns() + TORTURE_PATIENCE_MS * CLOCK_NS_PER_MS;

    while (clock_monotonic_ns() < deadline_ns && !atomic_load(&torture->is_given_up)) {
        struct str body;
        int status = 0;

        if (!atomic_load(&torture->is_up)) {
            task_sleep_ms(TORTURE_POLL_MS);
            continue;
        }
        arena_reset(arena);
        if (send(torture, arena, round, index, &status, &body) < 0)
            atomic_fetch_add(&torture->interrupted, 1);
        else if (take_answer(torture, attempt, status, body))
            return;
        task_sleep_ms(1);
    }
}

bool torture_buys_the_same(struct torture *torture, struct arena *arena, size_t round, size_t index)
{
    const struct torture_attempt *attempt = &torture->rounds[round]->attempts[index];
    unsigned char hash[HASH_SHA256_BYTES];
    struct str body;
    int status = 0;

    arena_reset(arena);
    if (send(torture, arena, round, index, &status, &body) < 0 || status != attempt->status)
        return false;
    if (status != 201)
        return true;
    hash_sha256(body, hash);
    return memcmp(hash, attempt->body_hash, sizeof(hash)) == 0;
}

/* Whether the order has ended as one may; *ret_is_lost when it is not there, or ended in another way. */
static bool look_at_order(struct torture *torture, struct arena *arena, struct torture_attempt *attempt,
                          bool *ret_is_lost)
{
    const char *path = arena_printf(arena, "/api/orders/v1/orders/%s", attempt->order_id);
    const struct torture_request request = {.method = HTTP_GET, .path = path, .guest_token = attempt->guest_token};
    struct str body;
    int status = 0;

    if (!path || torture_ask(torture, arena, &request, &status, &body) < 0)
        return false;
    *ret_is_lost = status == 404 || status == 401 || status == 403;
    CLEANUP(json_free) struct yyjson_doc *document = status == 200 ? json_read(body) : NULL;
    yyjson_val *root = yyjson_doc_get_root(document);
    const char *name = yyjson_get_str(yyjson_obj_get(root, "status"));

    if (!name || strcmp(name, "pending") == 0)
        return false;
    const char *reason = yyjson_get_str(yyjson_obj_get(yyjson_obj_get(root, "failure"), "code"));
    bool is_sold_out = reason && strcmp(reason, "out_of_stock") == 0;
    attempt->is_confirmed = strcmp(name, "confirmed") == 0;
    attempt->total = yyjson_get_sint(yyjson_obj_get(yyjson_obj_get(root, "total"), "amount"));
    *ret_is_lost = !attempt->is_confirmed && !(strcmp(name, "failed") == 0 && (attempt->is_declined || is_sold_out));
    return !*ret_is_lost;
}

bool torture_find_end(struct torture *torture, struct arena *arena, size_t round, size_t index, int64_t deadline_ns)
{
    struct torture_attempt *attempt = &torture->rounds[round]->attempts[index];
    bool has_ended = false, is_lost = false;

    do {
        arena_reset(arena);
        has_ended = look_at_order(torture, arena, attempt, &is_lost);
        if (!has_ended && !is_lost)
            task_sleep_ms(TORTURE_POLL_MS);
    } while (!has_ended && !is_lost && clock_monotonic_ns() < deadline_ns);
    return has_ended;
}
