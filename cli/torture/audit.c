/* The audit of orders and stock, and the order of all audits. */
#include "cli/terminal.h"
#include "cli/torture/torture.h"
#include "platform/base/map.h"
#include "platform/ports/clock/clock.h"

#include <stdarg.h>
#include <stdio.h>

void torture_report_check(struct torture *torture, const char *name, bool passed, const char *format, ...)
{
    struct torture_check *check = &torture->checks[torture->check_count];
    va_list arguments;

    if (torture->check_count == TORTURE_CHECKS_MAX)
        return;
    torture->check_count++;
    *check = (struct torture_check){.name = name, .passed = passed};
    va_start(arguments, format);
    vsnprintf(check->detail, sizeof(check->detail), format, arguments);
    va_end(arguments);
    printf("  %s%s%s  %s: %s\n", colour_start(stdout, passed ? COLOUR_GOOD : COLOUR_BAD), passed ? "ok  " : "FAIL",
           colour_end(stdout), name, check->detail);
    fflush(stdout);
}

struct map *torture_map_orders(struct torture *torture)
{
    struct map *orders = map_new(torture_count_attempts(torture) + 1);

    for (size_t i = 0; orders && i < torture->round_count; i++) {
        struct torture_round *round = torture->rounds[i];

        for (size_t j = 0; j < round->attempt_count; j++) {
            struct torture_attempt *attempt = &round->attempts[j];

            if (attempt->order_id[0] && map_put(orders, str_from_cstr(attempt->order_id), attempt, NULL) < 0) {
                map_free(orders);
                return NULL;
            }
        }
    }
    return orders;
}

/* What each attempt was told once it is told again: the second answer, bytes and all. */
static void audit_keys(struct torture *torture)
{
    size_t unanswered = 0, different = 0, attempts = torture_count_attempts(torture);

    for (size_t i = 0; i < torture->round_count; i++) {
        for (size_t j = 0; j < torture->rounds[i]->attempt_count; j++) {
            if (torture->rounds[i]->attempts[j].status == 0)
                unanswered++;
            else if (!torture_buys_the_same(torture, torture->arena, i, j))
                different++;
        }
    }
    torture_report_check(torture, "everybody was answered", unanswered == 0 && torture->odd_answers == 0,
                         "%zu attempts, %zu without an answer, %u with an answer that is neither 201 nor sold out",
                         attempts, unanswered, torture->odd_answers);
    torture_report_check(torture, "the same key gives the same answer", different == 0,
                         "%zu sent again under their keys, %zu answered differently", attempts - unanswered, different);
}

static void audit_orders(struct torture *torture)
{
    int64_t deadline_ns = clock_monotonic_ns() + TORTURE_PATIENCE_MS * CLOCK_NS_PER_MS;
    size_t orders = 0, missing = 0, wrong = 0, confirmed = 0;
    struct map *map = torture_map_orders(torture);
    size_t distinct = map ? map_count(map) : 0;

    map_free(map);
    for (size_t i = 0; i < torture->round_count; i++) {
        for (size_t j = 0; j < torture->rounds[i]->attempt_count; j++) {
            struct torture_attempt *attempt = &torture->rounds[i]->attempts[j];

            if (attempt->status != 201)
                continue;
            orders++;
            missing += !torture_find_end(torture, torture->arena, i, j, deadline_ns);
            confirmed += attempt->is_confirmed;
            wrong += attempt->is_confirmed && attempt->is_declined;
        }
    }
    torture_report_check(
        torture, "no acknowledged order is lost", missing == 0 && wrong == 0 && distinct == orders,
        "%zu acknowledged, %zu confirmed, %zu sold out or refused by their card, %zu missing or without such an end, "
        "%zu confirmed on a refused card, %zu twice",
        orders, confirmed, orders - confirmed - missing, missing, wrong, orders - distinct);
}

static void audit_stock(struct torture *torture)
{
    size_t oversold = 0, undersold = 0, disagree = 0, sold = 0;

    for (size_t i = 0; i < torture->round_count; i++) {
        const struct torture_round *round = torture->rounds[i];
        struct torture_stock stock = {.on_hand = -1};
        size_t units = 0;

        arena_reset(torture->arena);
        for (size_t j = 0; j < round->attempt_count; j++)
            units += round->attempts[j].is_confirmed;
        if (torture_ask_stock(torture, torture->arena, round->sku_id, &stock) < 0 || stock.reserved != 0 ||
            stock.on_hand != TORTURE_UNITS - (int64_t)units)
            disagree++;
        sold += units;
        oversold += units > TORTURE_UNITS ? units - TORTURE_UNITS : 0;
        undersold += units < TORTURE_UNITS ? TORTURE_UNITS - units : 0;
    }
    torture_report_check(
        torture, "what was sold is what there was", oversold + undersold + disagree == 0,
        "%zu articles of %d units: %zu sold, %zu too many, %zu too few; stock and orders disagree on %zu",
        torture->round_count, TORTURE_UNITS, sold, oversold, undersold, disagree);
    torture_report_check(torture, "stock was never below zero", torture->below_zero == 0 && torture->watched > 0,
                         "%u looks while it sold, %u saw less than nothing", torture->watched, torture->below_zero);
}

static void audit_databases(struct torture *torture)
{
    struct str reply = STR_EMPTY;

    arena_reset(torture->arena);
    int error = torture_ask_admin(torture, "admin", "check", "{}", &reply);
    bool is_sound = error == 0 && str_find(reply, STR("\"ok\":true")) >= 0 && str_find(reply, STR("\"ok\":false")) < 0;
    torture_report_check(torture, "the databases are sound", is_sound, "integrity and foreign keys of each %s",
                         is_sound ? "hold" : "do not hold, or could not be checked");
    arena_reset(torture->arena);
    error = torture_ask_admin(torture, "admin", "list_quarantine", "{}", &reply);
    bool is_empty = error == 0 && str_find(reply, STR("\"offset\"")) < 0;
    torture_report_check(torture, "no event was set aside", is_empty, "the quarantine %s",
                         is_empty ? "is empty" : "holds events that a consumer could not take");
}

void torture_audit(struct torture *torture)
{
    audit_keys(torture);
    audit_orders(torture);
    audit_stock(torture);
    torture_audit_charges(torture);
    torture_audit_books(torture);
    torture_audit_mails(torture);
    audit_databases(torture);
    bool has_stopped = torture_stop(torture);
    torture_report_check(torture, "it stops when it is asked", has_stopped, "SIGTERM %s",
                         has_stopped ? "ended it with 0" : "did not end it with 0 in time");
}
