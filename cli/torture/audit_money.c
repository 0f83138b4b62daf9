/* The audit of money: at the provider, and in the books. */
#include "cli/shop.h"
#include "cli/torture/torture.h"
#include "platform/base/map.h"
#include "platform/ports/clock/clock.h"

#include <yyjson.h>

#define LEDGER_TRANSACTIONS_MAX ((size_t)1 << 22)

/* -- Pages --------------------------------------------------------------------------------------------------------- */

typedef void entry_fn(void *context, yyjson_val *entry);

/* Every object of one of the provider's lists. */
static int walk_provider(struct torture *torture, const char *list, entry_fn *take, void *context)
{
    char last[64] = "";
    bool has_more = true;

    while (has_more) {
        size_t index, count;
        yyjson_val *entry;
        struct str body;
        int status = 0;

        arena_reset(torture->arena);
        const char *path =
            arena_printf(torture->arena, "/v1/%s?limit=100%s%s", list, last[0] ? "&starting_after=" : "", last);
        const struct torture_request request = {.method = HTTP_GET, .port_distance = TORTURE_PROVIDER, .path = path};
        if (!path)
            return ERR_NO_MEMORY;
        TRY(torture_ask(torture, torture->arena, &request, &status, &body));
        CLEANUP(json_free) struct yyjson_doc *document = status == 200 ? json_read(body) : NULL;
        yyjson_val *root = yyjson_doc_get_root(document);
        if (!root)
            return ERR_UNAVAILABLE;
        has_more = yyjson_get_bool(yyjson_obj_get(root, "has_more"));
        yyjson_arr_foreach(yyjson_obj_get(root, "data"), index, count, entry)
        {
            take(context, entry);
            snprintf(last, sizeof(last), "%s", yyjson_get_str(yyjson_obj_get(entry, "id")));
        }
    }
    return 0;
}

/* -- Charges ------------------------------------------------------------------------------------------------------- */

struct charges {
    struct map *orders;  /* id → attempt */
    struct map *intents; /* id → attempt; the ids lie in `memory` */
    struct arena *memory;
    int64_t since_s; /* what the provider took before belongs to the copied shop */
    size_t strangers;
    int error;
};

static void take_intent(void *context, yyjson_val *intent)
{
    struct charges *charges = context;
    const char *order = yyjson_get_str(yyjson_obj_get(yyjson_obj_get(intent, "metadata"), "order_id"));
    const char *id = yyjson_get_str(yyjson_obj_get(intent, "id"));
    struct torture_attempt *attempt = order ? map_get(charges->orders, str_from_cstr(order)) : NULL;

    if (!attempt || !id)
        return;
    struct str kept = arena_copy(charges->memory, str_from_cstr(id));
    int error = kept.ptr ? map_put(charges->intents, kept, attempt, NULL) : ERR_NO_MEMORY;
    charges->error = charges->error ? charges->error : error;
}

static void take_charge(void *context, yyjson_val *charge)
{
    struct charges *charges = context;
    const char *intent = yyjson_get_str(yyjson_obj_get(charge, "payment_intent"));
    int64_t captured = yyjson_get_sint(yyjson_obj_get(charge, "amount_captured"));
    int64_t kept = captured - yyjson_get_sint(yyjson_obj_get(charge, "amount_refunded"));
    struct torture_attempt *attempt = intent ? map_get(charges->intents, str_from_cstr(intent)) : NULL;

    if (attempt) {
        attempt->charges += captured > 0;
        attempt->kept += kept;
    } else if (kept && yyjson_get_sint(yyjson_obj_get(charge, "created")) >= charges->since_s) {
        charges->strangers++;
    }
}

static void forget_charges(struct torture *torture)
{
    for (size_t i = 0; i < torture->round_count; i++) {
        for (size_t j = 0; j < torture->rounds[i]->attempt_count; j++) {
            torture->rounds[i]->attempts[j].charges = 0;
            torture->rounds[i]->attempts[j].kept = 0;
        }
    }
}

static int read_charges(struct torture *torture, size_t *ret_strangers)
{
    struct charges charges = {.orders = torture_map_orders(torture),
                              .intents = map_new(4 * torture_count_attempts(torture) + 1),
                              .memory = arena_new((size_t)1 << 30),
                              .since_s = torture->started_wall_ms / CLOCK_MS_PER_S};
    int error = charges.orders && charges.intents && charges.memory ? 0 : ERR_NO_MEMORY;

    forget_charges(torture);
    if (!error)
        error = walk_provider(torture, "payment_intents", take_intent, &charges);
    if (!error)
        error = charges.error;
    if (!error)
        error = walk_provider(torture, "charges", take_charge, &charges);
    map_free(charges.orders);
    map_free(charges.intents);
    arena_free(charges.memory);
    *ret_strangers = charges.strangers;
    return error;
}

struct charge_counts {
    size_t charged, twice, unpaid, kept_for_nothing, strangers;
};

static int count_charges(struct torture *torture, struct charge_counts *ret_counts)
{
    struct charge_counts counts = {0};

    TRY(read_charges(torture, &counts.strangers));
    for (size_t i = 0; i < torture->round_count; i++) {
        for (size_t j = 0; j < torture->rounds[i]->attempt_count; j++) {
            const struct torture_attempt *attempt = &torture->rounds[i]->attempts[j];

            counts.charged += attempt->charges > 0;
            counts.twice += attempt->charges > 1;
            counts.unpaid += attempt->is_confirmed && attempt->kept != attempt->total;
            counts.kept_for_nothing += !attempt->is_confirmed && attempt->kept != 0;
        }
    }
    *ret_counts = counts;
    return 0;
}

/* Money that a failed order holds is on its way back, so what does not fit is asked for again until the time is up. */
void torture_audit_charges(struct torture *torture)
{
    int64_t deadline_ns = clock_monotonic_ns() + TORTURE_PATIENCE_MS * CLOCK_NS_PER_MS;
    struct charge_counts counts = {0};
    int error;

    do {
        error = count_charges(torture, &counts);
    } while (!error && counts.kept_for_nothing + counts.unpaid > 0 && clock_monotonic_ns() < deadline_ns);
    if (error) {
        torture_report_check(torture, "each order is charged once", false, "the provider's list cannot be read: %s",
                             error_name(error));
        return;
    }
    torture_report_check(
        torture, "each order is charged once",
        counts.twice + counts.unpaid + counts.kept_for_nothing + counts.strangers == 0,
        "at the provider: %zu orders charged, %zu more than once, %zu confirmed with another sum than their total, "
        "%zu charged without an end that keeps it, %zu charges of no order",
        counts.charged, counts.twice, counts.unpaid, counts.kept_for_nothing, counts.strangers);
}

/* -- The books ----------------------------------------------------------------------------------------------------- */

struct books {
    struct map *sums; /* transaction → its debits less its credits */
    struct arena *memory;
    int64_t balance;
    int error;
};

static void take_entry(struct books *books, yyjson_val *entry)
{
    const char *transaction = yyjson_get_str(yyjson_obj_get(entry, "transaction_id"));
    const char *account = yyjson_get_str(yyjson_obj_get(entry, "account"));
    const char *direction = yyjson_get_str(yyjson_obj_get(entry, "direction"));
    int64_t amount = yyjson_get_sint(yyjson_obj_get(entry, "amount"));

    if (!transaction || !account || !direction) {
        books->error = ERR_INVALID;
        return;
    }
    bool is_credit = strcmp(direction, "credit") == 0;
    if (strcmp(account, "provider_receivable") != 0)
        books->balance += is_credit ? amount : -amount;
    int64_t *sum = map_get(books->sums, str_from_cstr(transaction));
    if (!sum) {
        struct str id = arena_copy(books->memory, str_from_cstr(transaction));
        sum = arena_alloc(books->memory, sizeof(*sum));
        if (!id.ptr || !sum || map_put(books->sums, id, sum, NULL) < 0) {
            books->error = ERR_NO_MEMORY;
            return;
        }
    }
    *sum += is_credit ? -amount : amount;
}

static int walk_ledger(struct torture *torture, struct books *books)
{
    char cursor[520] = "";

    do {
        size_t index, count;
        yyjson_val *entry;
        struct str reply;

        arena_reset(torture->arena);
        const char *json = arena_printf(torture->arena, "{\"limit\":100%s%s%s}", cursor[0] ? ",\"cursor\":\"" : "",
                                        cursor, cursor[0] ? "\"" : "");
        if (!json)
            return ERR_NO_MEMORY;
        TRY(torture_ask_admin(torture, "payments", "list_ledger", json, &reply));
        CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
        yyjson_val *root = yyjson_doc_get_root(document);
        yyjson_arr_foreach(yyjson_obj_get(root, "entries"), index, count, entry) take_entry(books, entry);
        const char *next = yyjson_get_str(yyjson_obj_get(root, "next_cursor"));
        snprintf(cursor, sizeof(cursor), "%s", next ? next : "");
    } while (cursor[0] && !books->error);
    return books->error;
}

int torture_read_books(struct torture *torture, int64_t *ret_balance, size_t *ret_unbalanced, size_t *ret_transactions)
{
    struct books books = {.sums = map_new(LEDGER_TRANSACTIONS_MAX), .memory = arena_new((size_t)2 << 30)};
    int error = books.sums && books.memory ? walk_ledger(torture, &books) : ERR_NO_MEMORY;
    size_t cursor = 0, unbalanced = 0;
    struct str id;
    void *sum;

    while (books.sums && map_next(books.sums, &cursor, &id, &sum))
        unbalanced += *(const int64_t *)sum != 0;
    *ret_balance = books.balance;
    *ret_unbalanced = unbalanced;
    *ret_transactions = books.sums ? map_count(books.sums) : 0;
    map_free(books.sums);
    arena_free(books.memory);
    return error;
}

static int64_t sum_of_confirmed(const struct torture *torture)
{
    int64_t sum = 0;

    for (size_t i = 0; i < torture->round_count; i++) {
        for (size_t j = 0; j < torture->rounds[i]->attempt_count; j++)
            sum += torture->rounds[i]->attempts[j].is_confirmed ? torture->rounds[i]->attempts[j].total : 0;
    }
    return sum;
}

/* A booking follows the provider's event, so the books are read until they agree or the time is up. */
void torture_audit_books(struct torture *torture)
{
    int64_t deadline_ns = clock_monotonic_ns() + TORTURE_PATIENCE_MS * CLOCK_NS_PER_MS;
    int64_t expected = sum_of_confirmed(torture), balance = 0;
    size_t unbalanced = 0, transactions = 0;
    int error;

    do {
        error = torture_read_books(torture, &balance, &unbalanced, &transactions);
        balance -= torture->books_before;
    } while (!error && balance != expected && clock_monotonic_ns() < deadline_ns);
    torture_report_check(torture, "the books balance", !error && unbalanced == 0,
                         "%zu transactions, debit and credit differ in %zu%s", transactions, unbalanced,
                         error ? "; they could not be read" : "");
    torture_report_check(torture, "the books say what was sold", !error && balance == expected,
                         "sales less refunds %lld.%02lld EUR, confirmed orders %lld.%02lld EUR",
                         (long long)(balance / 100), (long long)(balance % 100), (long long)(expected / 100),
                         (long long)(expected % 100));
}
