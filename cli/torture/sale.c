/* The sale: article after article, more buyers than units, and the shop killed while they buy. */
#include "cli/commands.h"
#include "cli/shop.h"
#include "cli/terminal.h"
#include "cli/torture/torture.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/random/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <yyjson.h>

#define BUYERS 32
#define BUYER_ARENA_BYTES ((size_t)16 << 20)
#define LIFE_MAX_MS 500 /* between the rush's begin, or a start, and the kill */
#define KILLS_A_ROUND 2
#define ROUNDS_LEAST 2
#define DECLINED_OF 5   /* one of so many pays by a card that is refused */
#define METRICS_EVERY 8 /* looks at the stock, for one at the commits */
#define LATE_ROUNDS_MAX 8

struct sale {
    struct torture *torture;
    size_t round;
    atomic_size_t next;
    atomic_bool is_over;
};

/* -- The article --------------------------------------------------------------------------------------------------- */

static int make_article(struct torture *torture, struct torture_round *round, size_t number)
{
    struct str reply;

    arena_reset(torture->arena);
    const char *json = arena_printf(
        torture->arena,
        "{\"title\":\"Scarce article %zu\",\"category\":\"torture\",\"price\":{\"amount\":%zu,\"currency\":\"EUR\"},"
        "\"skus\":[{\"code\":\"TORTURE-%lld-%zu\",\"attributes\":{}}]}",
        number, 1000 + number, (long long)torture->started_wall_ms, number);
    if (!json || torture_ask_admin(torture, "catalog", "create_product", json, &reply) < 0)
        return say_failed("the shop would not take a new article");
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    yyjson_val *sku = yyjson_arr_get_first(yyjson_obj_get(yyjson_doc_get_root(document), "skus"));
    const char *id = yyjson_get_str(yyjson_obj_get(sku, "id"));

    if (!id)
        return say_failed("the shop's new article has no SKU");
    snprintf(round->sku_id, sizeof(round->sku_id), "%s", id);
    json = arena_printf(torture->arena, "{\"id\":\"%s\",\"on_hand\":%d}", id, TORTURE_UNITS);
    if (!json || torture_ask_admin(torture, "catalog", "set_stock", json, &reply) < 0)
        return say_failed("the shop would not take the article's stock");
    return EXIT_DONE;
}

/* -- Who buys, and who watches ------------------------------------------------------------------------------------- */

static void be_buyers(void *argument)
{
    struct sale *sale = argument;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(BUYER_ARENA_BYTES);
    size_t index;

    while (arena && (index = atomic_fetch_add(&sale->next, 1)) < TORTURE_ATTEMPTS)
        torture_buy(sale->torture, arena, sale->round, index);
}

/* The counter of durable commits, as a scrape shows it: what was counted after the last look before a kill is lost, so
 * the sum is a lower bound. */
static void look_at_commits(struct torture *torture, struct arena *arena)
{
    const struct torture_request request = {.method = HTTP_GET, .path = "/metrics"};
    unsigned long long commits = 0;
    struct str body, line;
    int status = 0;

    if (torture_ask(torture, arena, &request, &status, &body) < 0 || status != 200)
        return;
    while (str_next_token(&body, '\n', &line)) {
        ptrdiff_t blank = str_find_char(line, ' ');
        int64_t value = 0;

        if (str_starts_with(line, STR("shopstream_sql_commits{")) && blank > 0 &&
            str_to_int64(str_skip(line, (size_t)blank + 1), &value) == 0)
            commits += (unsigned long long)value;
    }
    atomic_store(&torture->life_commits, commits);
}

static void watch(void *argument)
{
    struct sale *sale = argument;
    struct torture *torture = sale->torture;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(BUYER_ARENA_BYTES);

    for (unsigned looks = 0; arena && !atomic_load(&sale->is_over); looks++) {
        struct torture_stock stock;

        arena_reset(arena);
        if (atomic_load(&torture->is_up) &&
            torture_ask_stock(torture, arena, torture->rounds[sale->round]->sku_id, &stock) == 0) {
            atomic_fetch_add(&torture->watched, 1);
            if (stock.on_hand < 0 || stock.reserved < 0 || stock.available < 0)
                atomic_fetch_add(&torture->below_zero, 1);
            if (looks % METRICS_EVERY == 0)
                look_at_commits(torture, arena);
        }
        task_sleep_ms(TORTURE_POLL_MS);
    }
}

/* -- One article's sale -------------------------------------------------------------------------------------------- */

static int kill_in_the_middle(struct torture *torture)
{
    for (unsigned i = 0; i < KILLS_A_ROUND; i++) {
        task_sleep_ms((int64_t)random_below(LIFE_MAX_MS));
        if (torture_kill_and_recover(torture) != EXIT_DONE)
            return EXIT_FAILED;
    }
    return EXIT_DONE;
}

static int rush(struct sale *sale)
{
    struct task *buyers[BUYERS] = {NULL}, *watcher = NULL;
    int status = task_start(&watcher, "watcher", watch, sale) == 0 ? EXIT_DONE : say_failed("out of memory");

    for (size_t i = 0; i < BUYERS && status == EXIT_DONE; i++) {
        if (task_start(&buyers[i], "buyer", be_buyers, sale) < 0)
            status = say_failed("out of memory");
    }
    if (status == EXIT_DONE)
        status = kill_in_the_middle(sale->torture);
    if (status != EXIT_DONE)
        atomic_store(&sale->torture->is_given_up, true);
    for (size_t i = 0; i < BUYERS; i++)
        task_join(buyers[i]);
    atomic_store(&sale->is_over, true);
    task_join(watcher);
    return status;
}

/* Waits until nothing is reserved; what is then on hand, or -1. */
static int64_t settle(struct torture *torture, const char *sku_id)
{
    int64_t deadline_ns = clock_monotonic_ns() + TORTURE_PATIENCE_MS * CLOCK_NS_PER_MS;

    while (clock_monotonic_ns() < deadline_ns) {
        struct torture_stock stock;

        arena_reset(torture->arena);
        if (torture_ask_stock(torture, torture->arena, sku_id, &stock) == 0 && stock.reserved == 0)
            return stock.on_hand;
        task_sleep_ms(TORTURE_POLL_MS);
    }
    return -1;
}

/* What refused cards gave back when the others had gone is sold too: every unit must find its buyer. */
static void sell_the_rest(struct torture *torture, size_t number)
{
    struct torture_round *round = torture->rounds[number];

    for (unsigned i = 0; i < LATE_ROUNDS_MAX; i++) {
        int64_t left = settle(torture, round->sku_id);

        for (; left > 0 && round->attempt_count < TORTURE_ATTEMPTS + TORTURE_LATE_ATTEMPTS; left--)
            torture_buy(torture, torture->arena, number, round->attempt_count++);
        if (left < 0)
            torture->is_stuck = true;
        if (left < 0 || settle(torture, round->sku_id) <= 0)
            return;
    }
}

static int sell_article(struct torture *torture)
{
    struct torture_round *round = calloc(1, sizeof(*round));
    size_t number = torture->round_count;

    if (!round)
        return say_failed("out of memory");
    torture->rounds[torture->round_count++] = round;
    if (make_article(torture, round, number) != EXIT_DONE)
        return EXIT_FAILED;
    round->attempt_count = TORTURE_ATTEMPTS;
    for (size_t i = 0; i < TORTURE_ATTEMPTS; i++)
        round->attempts[i].is_declined = random_below(DECLINED_OF) == 0;
    struct sale sale = {.torture = torture, .round = number};
    int status = rush(&sale);
    if (status == EXIT_DONE)
        sell_the_rest(torture, number);
    return status;
}

static void show_progress(const struct torture *torture, int64_t left_ns)
{
    if (!isatty(STDOUT_FILENO))
        return;
    printf("\rSelling   article %zu, %u kills, %lld s left   ", torture->round_count, torture->kills,
           (long long)(left_ns > 0 ? left_ns / CLOCK_NS_PER_S : 0));
    fflush(stdout);
}

int torture_sell(struct torture *torture)
{
    int64_t end_ns = clock_monotonic_ns() + torture->seconds * CLOCK_NS_PER_S;
    int status = EXIT_DONE;

    while (status == EXIT_DONE && !torture->is_stuck && torture->round_count < TORTURE_ROUNDS_MAX &&
           (torture->round_count < ROUNDS_LEAST || clock_monotonic_ns() < end_ns)) {
        show_progress(torture, end_ns - clock_monotonic_ns());
        status = sell_article(torture);
    }
    if (isatty(STDOUT_FILENO))
        printf("\r%60s\r", "");
    return status;
}
