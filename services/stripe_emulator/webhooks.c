/* The deliverer: takes what is due from the outbox, posts it to the endpoints, and writes down how that went.
 *
 * One task takes batches and writes outcomes, so that a batch costs one read and one commit; several tasks post. An
 * event may arrive more than once (when we stop between the post and the commit) and in any order, as with Stripe. */
#include "services/stripe_emulator/emulator.h"

#include "platform/base/backoff.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/psp/psp_signature.h"
#include "platform/ports/random/random.h"
#include "platform/service/host.h"
#include "services/stripe_emulator/sql/delivery.sql.h"

#include <stdlib.h>

#define POSTERS 12
#define BATCH_MAX 128
#define BATCH_ARENA_BYTES ((size_t)8 << 20)
#define POST_ARENA_BYTES ((size_t)256 << 10)
#define POST_ANSWER_BYTES_MAX ((size_t)64 << 10)
#define POST_TIMEOUT_MS 10000
#define RETRY_FIRST_MS 250
#define RETRY_MAX_MS (INT64_C(10) * 60 * 1000)
#define ATTEMPTS_MAX 40
#define IDLE_MS 30000
#define SHOP_PORT 3000

enum outcome { OUTCOME_NONE, OUTCOME_POSTPONED, OUTCOME_DONE };

struct delivery {
    struct str event, endpoint, body, url, secret, traceparent;
    int64_t attempts;
    enum outcome outcome;
};

struct webhook_deliverer {
    struct emulator *emulator;
    struct http_client *client;
    struct task_mutex mutex;
    struct task_cond changed; /* the dispatcher's: woken, finished, stopping */
    struct task_cond batched; /* the posters': there is something to take, or stopping */
    bool stopping;
    bool woken;
    struct delivery *batch;
    size_t batch_count, taken, finished;
    struct task *dispatcher;
    struct task *posters[POSTERS];
};

/* -- Posting ------------------------------------------------------------------------------------------------------- */

/* Where the payments service of this process listens for events: on the shop's port, or on its usual one while the shop
 * does not listen yet. */
static struct str shop_url(struct webhook_deliverer *deliverer, struct arena *arena)
{
    struct service_host *host = deliverer->emulator->host;
    int port = host ? __atomic_load_n(&host->plain_port, __ATOMIC_ACQUIRE) : 0;
    return str_from_cstr(
        arena_printf(arena, "http://127.0.0.1:%d/api/payments/v1/webhooks/stripe", port > 0 ? port : SHOP_PORT));
}

static bool post_once(struct webhook_deliverer *deliverer, struct arena *arena, const struct delivery *delivery)
{
    char signature[PSP_SIGNATURE_HEADER_MAX];
    int64_t now_s = clock_wall_ms() / CLOCK_MS_PER_S;
    if (psp_signature_write(delivery->secret, now_s, delivery->body, signature) != 0)
        return false;
    const struct http_header headers[] = {
        {STR("Content-Type"), STR("application/json; charset=utf-8")},
        {STR("Stripe-Signature"), str_from_cstr(signature)},
        {STR("User-Agent"), STR("Stripe/1.0 (+https://stripe.com/docs/webhooks)")},
        {STR("traceparent"), delivery->traceparent},
    };
    const size_t header_count = sizeof(headers) / sizeof(headers[0]) - (delivery->traceparent.len == 0);
    struct str url = str_equal(delivery->url, STR(EMULATOR_SHOP_URL)) ? shop_url(deliverer, arena) : delivery->url;
    struct http_client_response response;
    int error = http_client_fetch(deliverer->client, arena,
                                  &(struct http_client_request){
                                      .method = HTTP_POST,
                                      .url = url,
                                      .headers = headers,
                                      .header_count = header_count,
                                      .body = delivery->body,
                                      .timeout_ms = POST_TIMEOUT_MS,
                                      .body_bytes_max = POST_ANSWER_BYTES_MAX,
                                  },
                                  &response);
    return error == 0 && response.status >= 200 && response.status < 300;
}

static void post(struct webhook_deliverer *deliverer, struct arena *arena, struct delivery *delivery)
{
    if (faults_take_drop(deliverer->emulator)) {
        delivery->outcome = OUTCOME_DONE;
        return;
    }
    bool accepted = post_once(deliverer, arena, delivery);
    int64_t copies = accepted ? faults_get(deliverer->emulator).webhook_duplicates : 0;
    for (int64_t i = 0; i < copies; i++) {
        arena_reset(arena);
        post_once(deliverer, arena, delivery);
    }
    delivery->outcome = accepted ? OUTCOME_DONE : OUTCOME_POSTPONED;
    arena_reset(arena);
}

/* The next delivery of the batch; NULL when the deliverer stops. */
static struct delivery *take(struct webhook_deliverer *deliverer)
{
    TASK_LOCKED(&deliverer->mutex);
    while (!deliverer->stopping && deliverer->taken == deliverer->batch_count)
        task_cond_wait(&deliverer->batched, &deliverer->mutex);
    return deliverer->stopping ? NULL : &deliverer->batch[deliverer->taken++];
}

static void run_poster(void *argument)
{
    struct webhook_deliverer *deliverer = argument;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(POST_ARENA_BYTES);
    struct delivery *delivery;
    while (arena && (delivery = take(deliverer))) {
        post(deliverer, arena, delivery);
        TASK_LOCKED(&deliverer->mutex);
        if (++deliverer->finished == deliverer->batch_count || deliverer->stopping)
            task_cond_signal(&deliverer->changed);
    }
}

/* -- Batches ------------------------------------------------------------------------------------------------------- */

struct loading {
    struct arena *arena;
    struct delivery *deliveries;
    size_t count;
    int64_t now_ms;      /* steady time (clock.h), as what is due */
    int64_t next_due_ms; /* INT64_MAX: nothing is waiting */
};

static int load_next_due(struct sql_tx *tx, struct loading *loading)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &stripe_emulator_sql_find_next_due, SQL_NO_ARGS, &rows);
    if (found == 1 && !sql_is_null(rows, 0))
        loading->next_due_ms = sql_get_int(rows, 0);
    return found < 0 ? found : 0;
}

static int load_batch(struct sql_tx *tx, void *argument)
{
    struct loading *loading = argument;
    loading->count = 0;
    loading->next_due_ms = INT64_MAX;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(tx, &stripe_emulator_sql_list_due_deliveries, SQL_ARGS(sql_int(loading->now_ms), sql_int(BATCH_MAX)),
                  &rows));
    int more;
    while ((more = sql_next(rows)) == 1) {
        struct delivery *delivery = &loading->deliveries[loading->count];
        *delivery = (struct delivery){
            .event = arena_copy(loading->arena, sql_get_text(rows, 0)),
            .endpoint = arena_copy(loading->arena, sql_get_text(rows, 1)),
            .attempts = sql_get_int(rows, 2),
            .body = arena_copy(loading->arena, sql_get_text(rows, 3)),
            .url = arena_copy(loading->arena, sql_get_text(rows, 4)),
            .secret = arena_copy(loading->arena, sql_get_text(rows, 5)),
            .traceparent = arena_copy(loading->arena, sql_get_text(rows, 6)),
        };
        if (!delivery->event.ptr || !delivery->endpoint.ptr || !delivery->body.ptr || !delivery->url.ptr ||
            !delivery->secret.ptr)
            break; /* The arena is full: the rest comes with the next batch. */
        loading->count++;
    }
    TRY(more < 0 ? more : 0);
    return loading->count > 0 ? 0 : load_next_due(tx, loading);
}

/* What a test asked for: any order. */
static void shuffle(struct delivery *deliveries, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)random_below(i);
        struct delivery swap = deliveries[i - 1];
        deliveries[i - 1] = deliveries[other];
        deliveries[other] = swap;
    }
}

static int write_outcomes(struct sql_tx *tx, void *argument)
{
    const struct loading *loading = argument;
    int64_t now_ms = clock_steady_ms();
    for (size_t i = 0; i < loading->count; i++) {
        const struct delivery *delivery = &loading->deliveries[i];
        if (delivery->outcome == OUTCOME_NONE) /* We stopped before it was posted. */
            continue;
        if (delivery->outcome == OUTCOME_DONE || delivery->attempts + 1 >= ATTEMPTS_MAX)
            TRY(sql_exec(tx, &stripe_emulator_sql_delete_delivery,
                         SQL_ARGS(sql_text(delivery->event), sql_text(delivery->endpoint)), NULL));
        else
            TRY(sql_exec(tx, &stripe_emulator_sql_postpone_delivery,
                         SQL_ARGS(sql_text(delivery->event), sql_text(delivery->endpoint),
                                  sql_int(now_ms + backoff_ms(RETRY_FIRST_MS, RETRY_MAX_MS, delivery->attempts + 1))),
                         NULL));
    }
    return 0;
}

/* Hands the batch to the posters and waits for all of them. False when the deliverer stops meanwhile. */
static bool post_batch(struct webhook_deliverer *deliverer, struct loading *loading)
{
    TASK_LOCKED(&deliverer->mutex);
    deliverer->batch = loading->deliveries;
    deliverer->batch_count = loading->count;
    deliverer->taken = deliverer->finished = 0;
    /* No more of them than have something to post; one that is under way takes what is left. */
    for (size_t i = 0; i < loading->count && i < POSTERS; i++)
        task_cond_signal(&deliverer->batched);
    /* Those that were taken are waited for even when we stop: they point into the batch. */
    while (deliverer->finished < (deliverer->stopping ? deliverer->taken : deliverer->batch_count))
        task_cond_wait(&deliverer->changed, &deliverer->mutex);
    bool complete = deliverer->finished == deliverer->batch_count;
    deliverer->batch_count = deliverer->taken = deliverer->finished = 0;
    return complete;
}

/* Waits until something is due, or somebody wakes us. False when the deliverer stops. */
static bool wait_for_work(struct webhook_deliverer *deliverer, const struct loading *loading)
{
    int64_t wait_ms = loading->next_due_ms == INT64_MAX ? IDLE_MS : loading->next_due_ms - loading->now_ms;
    if (wait_ms > IDLE_MS)
        wait_ms = IDLE_MS;
    int64_t deadline_ns = clock_monotonic_ns() + (wait_ms > 0 ? wait_ms : 1) * CLOCK_NS_PER_MS;
    TASK_LOCKED(&deliverer->mutex);
    while (!deliverer->stopping && !deliverer->woken) {
        if (!task_cond_wait_until(&deliverer->changed, &deliverer->mutex, deadline_ns))
            break;
    }
    deliverer->woken = false;
    return !deliverer->stopping;
}

/* One batch, or one wait. False when the deliverer stops. */
static bool work(struct webhook_deliverer *deliverer, struct arena *arena)
{
    struct sql_db *db = deliverer->emulator->db;
    struct loading loading = {.arena = arena, .now_ms = clock_steady_ms(), .next_due_ms = INT64_MAX};
    loading.deliveries = arena_alloc_array(arena, BATCH_MAX, sizeof(struct delivery));
    int error = loading.deliveries ? sql_read(db, load_batch, &loading) : ERR_NO_MEMORY;
    if (error) {
        log_error(NULL, "webhooks could not be read", LOG_ERR(error));
        loading.count = 0;
        loading.next_due_ms = loading.now_ms + CLOCK_MS_PER_S;
    }
    if (loading.count == 0)
        return wait_for_work(deliverer, &loading);
    if (faults_get(deliverer->emulator).webhook_reorder)
        shuffle(loading.deliveries, loading.count);
    bool goes_on = post_batch(deliverer, &loading);
    error = sql_write(db, write_outcomes, &loading);
    if (error)
        log_error(NULL, "outcomes of webhooks could not be written", LOG_ERR(error));
    return goes_on;
}

static void run_dispatcher(void *argument)
{
    struct webhook_deliverer *deliverer = argument;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(BATCH_ARENA_BYTES);
    while (arena && work(deliverer, arena))
        arena_reset(arena);
}

/* -- Life ---------------------------------------------------------------------------------------------------------- */

void deliverer_wake(struct webhook_deliverer *deliverer)
{
    if (!deliverer)
        return;
    TASK_LOCKED(&deliverer->mutex);
    if (!deliverer->woken) {
        deliverer->woken = true;
        task_cond_signal(&deliverer->changed);
    }
}

int deliverer_start(struct emulator *emulator, struct http_client *client, struct webhook_deliverer **ret_deliverer)
{
    struct webhook_deliverer *deliverer = calloc(1, sizeof(*deliverer));
    if (!deliverer)
        return ERR_NO_MEMORY;
    deliverer->emulator = emulator;
    deliverer->client = client;
    task_mutex_init(&deliverer->mutex);
    task_cond_init(&deliverer->changed);
    task_cond_init(&deliverer->batched);
    int error = task_start(&deliverer->dispatcher, "webhooks", run_dispatcher, deliverer);
    for (size_t i = 0; i < POSTERS && !error; i++)
        error = task_start(&deliverer->posters[i], "webhook-post", run_poster, deliverer);
    if (error) {
        deliverer_stop(deliverer);
        return error;
    }
    *ret_deliverer = deliverer;
    return 0;
}

void deliverer_stop(struct webhook_deliverer *deliverer)
{
    if (!deliverer)
        return;
    task_mutex_lock(&deliverer->mutex);
    deliverer->stopping = true;
    task_cond_signal(&deliverer->changed);
    task_cond_broadcast(&deliverer->batched);
    task_mutex_unlock(&deliverer->mutex);
    for (size_t i = 0; i < POSTERS; i++)
        task_join(deliverer->posters[i]);
    task_join(deliverer->dispatcher);
    task_cond_destroy(&deliverer->batched);
    task_cond_destroy(&deliverer->changed);
    task_mutex_destroy(&deliverer->mutex);
    free(deliverer);
}
