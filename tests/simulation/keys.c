/* Somebody who asks by the same keys again and again, for days: while a key is good it brings the first answer, byte
 * for byte, and when its time is up what it asks for is done anew. Nobody is harmed by that: it is a guest's new cart
 * with an article in it, which nobody orders. */
#include "tests/simulation/simulation.h"

#include <inttypes.h>
#include <stdio.h>

#define KEYS_MAX 3
#define TRIES_MAX 400
#define ARENA_BYTES ((size_t)1 << 20)
#define HOUR_MS (INT64_C(3600) * 1000)
#define KEY_DAY_MS (23 * HOUR_MS) /* by when a careful client has stopped to ask by the same key */
/* A boot under a clock that is ahead may make it a day sooner (clock.h); each further one could be a day again. */
#define KEY_STEADY_MS (47 * HOUR_MS)

struct kept_key {
    char key[ID_BYTES], body[2 * ID_BYTES];
    char answer[BODY_BYTES_MAX]; /* the newest that is known; empty: none yet */
    struct key_age age;          /* since that was asked for first */
    int64_t ends_by_ms;          /* by the steady clock, whenever it was kept */
    bool is_open;                /* it was asked by since, and nobody heard of it */
    struct key_age open;         /* since when */
};

static struct {
    int tenant;
    struct kept_key keys[KEYS_MAX];
    int64_t count;
} regular;

/* -- Ages ---------------------------------------------------------------------------------------------------------- */

struct key_age key_age_begin(void)
{
    return (struct key_age){simulator_now_ns() / CLOCK_NS_PER_MS, simulator_process_steady_ms()};
}

bool key_is_overdue(const struct key_age *age)
{
    struct key_age now = key_age_begin();
    return now.world_ms - age->world_ms > KEY_DAY_MS || now.steady_ms - age->steady_ms > KEY_STEADY_MS;
}

void key_age_look(struct key_age *age)
{
    struct key_age now = key_age_begin();
    if (now.steady_ms < age->steady_ms)
        age->steady_ms = now.steady_ms;
}

bool key_may_have_ended(const struct key_age *age)
{
    return simulator_process_steady_ms() - age->steady_ms >= KEY_LIFE_MS;
}

/* -- Asking -------------------------------------------------------------------------------------------------------- */

/* False when no answer came that says anything for good. */
static bool ask(const struct kept_key *kept, char ret_answer[BODY_BYTES_MAX])
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    ASSERT(arena);
    struct shop_request request = {
        .method = HTTP_POST,
        .target = "/api/orders/v1/cart/items",
        .tenant = regular.tenant,
        .key = kept->key,
        .body = str_from_cstr(kept->body),
        .arena = arena,
    };
    if (!shop_ask(&request) || request.status >= 500 || answer_has_code(&request, "still_running"))
        return false;
    if (request.status != 201)
        violated("a cart can be changed", "%d %.*s", request.status, STR_FORMAT(request.answer));
    ASSERT(request.answer.len < BODY_BYTES_MAX);
    snprintf(ret_answer, BODY_BYTES_MAX, "%.*s", STR_FORMAT(request.answer));
    return true;
}

static void take_answer(struct kept_key *kept, const char *answer)
{
    if (kept->answer[0]) {
        note("key %s is a new one", kept->key);
        simulation.struck.kinds[ENDED_KEY]++;
    }
    snprintf(kept->answer, sizeof(kept->answer), "%s", answer);
    kept->age = kept->open;
    kept->ends_by_ms = simulation.latest_steady_ms + KEY_LIFE_MS;
}

/* Between the two ends it may bring either. A boot sets the steady clock only until the shop is up. */
static bool ask_again(struct kept_key *kept)
{
    char answer[BODY_BYTES_MAX];
    unsigned incarnation = simulator_incarnation();
    bool has_ended = simulation.shop && simulator_process_steady_ms() >= kept->ends_by_ms;
    if (!kept->is_open)
        kept->open = key_age_begin();
    kept->is_open = true;
    if (!ask(kept, answer))
        return false;
    bool is_new = strcmp(answer, kept->answer) != 0;
    if (is_new && kept->answer[0] && !key_is_overdue(&kept->age))
        violated("a repeated request gets the first answer", "key %s: %s\nthen %s", kept->key, kept->answer, answer);
    if (!is_new && has_ended && incarnation == simulator_incarnation())
        violated("an idempotency key ends", "key %s, at %" PRId64 ", since %" PRId64, kept->key,
                 simulator_process_steady_ms(), kept->ends_by_ms);
    if (is_new)
        take_answer(kept, answer);
    kept->is_open = false;
    simulation.observations++;
    return true;
}

static void insist(struct kept_key *kept)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        if (ask_again(kept))
            return;
        sleep_between_ms(20, 2000);
    }
    violated("a cart is answered in the end", "key %s after %d tries", kept->key, TRIES_MAX);
}

/* -- Days ---------------------------------------------------------------------------------------------------------- */

static void come_again(void *argument)
{
    (void)argument;
    for (int64_t i = 0; i < regular.count; i++)
        insist(&regular.keys[i]);
    while (simulation.busy_actors > 0 || simulation.is_chaotic) {
        sleep_between_ms(500, 10000);
        ask_again(&regular.keys[random_between(0, regular.count - 1)]);
    }
    simulation.working--;
}

void keys_start(struct simulation *sim)
{
    struct task *task;
    regular.tenant = (int)random_between(0, TENANTS - 1);
    regular.count = random_between(1, KEYS_MAX);
    for (int64_t i = 0; i < regular.count; i++) {
        struct kept_key *kept = &regular.keys[i];
        random_key(kept->key);
        snprintf(kept->body, sizeof(kept->body), "{\"sku_id\":\"%s\",\"quantity\":1}",
                 sim->goods[regular.tenant].sku_ids[random_between(0, SKUS - 1)]);
    }
    sim->working++;
    ASSERT(task_start(&task, "keys", come_again, NULL) == 0);
}

void keys_end(struct simulation *sim)
{
    int64_t ends_by_ms = 0;
    for (int64_t i = 0; i < regular.count; i++)
        ends_by_ms = regular.keys[i].ends_by_ms > ends_by_ms ? regular.keys[i].ends_by_ms : ends_by_ms;
    if (ends_by_ms > simulator_process_steady_ms())
        skip_in_quiet(sim, ends_by_ms - simulator_process_steady_ms());
    for (int64_t i = 0; i < regular.count; i++)
        insist(&regular.keys[i]);
}
