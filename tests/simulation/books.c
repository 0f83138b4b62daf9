/* What the model watches. A service that joins adds the tables that its invariants are about. */
#include "tests/simulation/books.h"
#include "tests/simulation/sqlite.sql.h"

#include <inttypes.h>
#include <stdio.h>

/* "sku=quantity@price sku=quantity@price" */
int book_read_lines(const char *text, struct book_line ret_lines[LINES_MAX])
{
    int count = 0;
    for (int used = 0; *text; text += used + (text[used] == ' ')) {
        struct book_line *line = &ret_lines[count];
        if (count == LINES_MAX ||
            sscanf(text, "%71[^=]=%" SCNd64 "@%" SCNd64 "%n", line->sku_id, &line->quantity, &line->price, &used) != 3)
            violated("lines are as they were asked for", "%s", text);
        count++;
    }
    return count;
}

#define ROWS(name) &simulation_sql_##name##_one, &simulation_sql_##name##_all

const struct watched_table watched_tables[] = {
    {"orders", "orders", ROWS(order), judge_order},
    {"orders", "outbox", ROWS(outbox), judge_order_told},
    {"catalog", "outbox", ROWS(outbox), judge_told},
    {"payments", "outbox", ROWS(outbox), judge_told},
    {"catalog", "reservation", ROWS(reservation), judge_reservation},
    {"catalog", "stock", ROWS(stock), judge_stock},
    {"payments", "ledger_transactions", ROWS(ledger), judge_ledger},
    {"payments", "ledger_entries", ROWS(entry), judge_entry},
    {"payments", "payments", ROWS(payment), judge_payment},
    {"stripe_emulator", "charges", ROWS(charge), judge_charge},
    {"stripe_emulator", "refunds", ROWS(refund), judge_refund},
    {"recorder", "recorded", ROWS(recorded), judge_recorded},
    {"orders", "consumer_offset", ROWS(offset), judge_offset},
    {"payments", "consumer_offset", ROWS(offset), judge_offset},
    {"recorder", "consumer_offset", ROWS(offset), judge_offset},
    {0},
};

const struct watched_store watched_stores[] = {
    {.store = "orders", .begin = orders_begin, .end = orders_end},
    {.store = "catalog", .begin = stock_begin, .end = stock_end},
    {.store = "payments", .begin = money_begin, .end = money_end},
    {.store = "recorder"},
    {.store = "stripe_emulator", .is_world = true},
    {0},
};
