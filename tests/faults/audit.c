/* What must hold when the flow is over. */
#include "platform/ports/events/events.h"
#include "tests/faults/audit.sql.h"
#include "tests/faults/faults.h"

#include <inttypes.h>

#define AUDITS_MAX 120
#define AUDIT_MS 5000

struct rule {
    const char *service;
    const struct sql_statement *statement;
    int64_t expected[FLOWS]; /* of the customer, of the guest */
    const char *words;
};

#define BOUGHT (FAULTS_QUANTITY * FAULTS_AMOUNT)

static const struct rule rules[] = {
    {"identity", &faults_sql_accounts, {2, 1}, "the administrator is there, and the customer, verified"},
    {"identity", &faults_sql_messages, {0, 0}, "every mail was sent"},
    {"identity", &faults_sql_quarantined, {0, 0}, "no event of identity's is quarantined"},
    {"catalog", &faults_sql_on_hand, {FAULTS_UNITS - FAULTS_QUANTITY, FAULTS_UNITS}, "what was sent left the shelf"},
    {"catalog", &faults_sql_reserved, {0, 0}, "nothing stays reserved"},
    {"catalog", &faults_sql_quarantined, {0, 0}, "no event of the catalog's is quarantined"},
    {"orders", &faults_sql_orders, {1, 2}, "each order is there once"},
    {"orders", &faults_sql_refunded_orders, {1, 0}, "the one that was sent is refunded"},
    {"orders", &faults_sql_failed_orders, {0, 1}, "the one that the card was declined for has failed"},
    {"orders", &faults_sql_cancelled_orders, {0, 1}, "the one that the bank asked about is cancelled, and refunded"},
    {"orders", &faults_sql_order_total, {BOUGHT, BOUGHT + FAULTS_AMOUNT}, "its price is the catalog's"},
    {"orders", &faults_sql_open_workflows, {0, 0}, "every workflow has ended"},
    {"orders", &faults_sql_failed_workflows, {0, 1}, "no workflow failed but that of the declined card"},
    {"orders", &faults_sql_messages, {0, 0}, "every mail about it was sent"},
    {"orders", &faults_sql_quarantined, {0, 0}, "no event of the orders' is quarantined"},
    {"payments", &faults_sql_payments, {1, 1}, "there is one payment, captured and refunded in full"},
    {"payments", &faults_sql_refunds, {1, 1}, "there is one refund"},
    {"payments", &faults_sql_ledger_transactions, {2, 2}, "the capture and the refund are booked, once each"},
    {"payments", &faults_sql_unbalanced, {0, 0}, "debits are credits"},
    {"payments", &faults_sql_receivable, {0, 0}, "the books say that nothing is kept"},
    {"payments", &faults_sql_quarantined, {0, 0}, "no event of the payments' is quarantined"},
    {"stripe_emulator", &faults_sql_intents, {1, 2}, "the provider was asked for money once an order"},
    {"stripe_emulator", &faults_sql_charges, {1, 2}, "nobody was charged twice, and the declined card once, in vain"},
    {"stripe_emulator", &faults_sql_refunded_charges, {1, 1}, "the provider gave all of it back"},
    {"stripe_emulator", &faults_sql_provider_refunds, {1, 1}, "the provider gave it back once"},
    {"stripe_emulator", &faults_sql_untold, {0, 0}, "every webhook arrived"},
};

struct question {
    const struct sql_statement *statement;
    int64_t value;
};

static int ask(struct sql_tx *tx, void *argument)
{
    struct question *question = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, question->statement, SQL_NO_ARGS, &rows));
    question->value = sql_get_int(rows, 0);
    return 0;
}

/* The first rule that does not hold; NULL when all do. */
static const struct rule *find_broken(struct shop *shop, enum flow flow, int64_t *ret_value)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        struct question question = {.statement = rules[i].statement};
        int error = sql_read(host_instance(shop->host, rules[i].service)->db, ask, &question);
        if (error < 0)
            violated("the stores can be read", "%s: %s", rules[i].words, error_name(error));
        *ret_value = question.value;
        if (question.value != rules[i].expected[flow])
            return &rules[i];
    }
    return NULL;
}

void audit(struct shop *shop, enum flow flow)
{
    const struct rule *broken = NULL;
    int64_t value = 0;
    sweep_at("the audit");
    for (int i = 0; i < AUDITS_MAX; i++) {
        broken = find_broken(shop, flow, &value);
        if (!broken)
            return;
        task_sleep_ms(AUDIT_MS);
    }
    violated(broken->words, "%s: %" PRId64 " instead of %" PRId64, broken->service, value, broken->expected[flow]);
}
