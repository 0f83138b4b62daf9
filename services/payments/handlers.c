#include "services/payments/handlers.h"

#include "services/payments/sql/ledger.sql.h"
#include "services/payments/sql/payments.sql.h"

#include "platform/base/time_format.h"
#include "platform/ports/clock/clock.h"

#define LIMIT_DEFAULT 20

/* -- AuthorisePayment ---------------------------------------------------------------------------------------------- */

struct authorisation {
    struct call *call;
    const Payments__AuthorisePaymentRequest *in;
    struct payment_row payment;
    const struct psp_intent *intent;
};

static int load_row(struct sql_tx *tx, struct call *call, const char *order_id, struct payment_row *ret_row)
{
    return find_payment_by_order(tx, call->arena, call->tenant, str_from_cstr(order_id), ret_row);
}

/* The intention: from here on somebody sees to the end of this payment, whoever dies. */
static int write_payment(struct sql_tx *tx, void *argument)
{
    struct authorisation *authorisation = argument;
    struct call *call = authorisation->call;
    const Payments__AuthorisePaymentRequest *in = authorisation->in;
    int error = load_row(tx, call, in->order_id, &authorisation->payment);
    if (error != ERR_NOT_FOUND)
        return error;
    int64_t now_ms = call_now_ms(call);
    struct payment_row payment = {
        .id = str_from_cstr(call_new_id(call)),
        .tenant = call->tenant,
        .order_id = str_from_cstr(in->order_id),
        .status = STR("created"),
        .amount = in->amount->amount,
        .currency = str_from_cstr(in->amount->currency),
        .payment_method = str_from_cstr(in->payment_method),
        .return_url = str_from_cstr(in->return_url),
        .check_due_ms = clock_steady_ms() + payments_reconcile_age_ms(call),
        .created_ms = now_ms,
        .asked_ms = clock_steady_ms(),
        .updated_ms = now_ms,
        .version = 1,
    };
    if (payment.id.len == 0)
        return ERR_NO_MEMORY;
    authorisation->payment = payment;
    return insert_payment(tx, &payment);
}

/* Whether the provider has to be asked: not when it has answered, and never for an order that has let go. */
static bool is_undecided(const struct payment_row *payment)
{
    return payment_is(payment, "created") && payment->provider_id.len == 0 && !payment->return_requested;
}

static int create_intent(struct call *call, const struct payment_row *payment, struct psp_intent *ret_intent)
{
    struct psp *psp = payments_psp(call);
    struct str key = provider_key(call, "authorise", payment->tenant, payment->order_id);
    const char *currency = arena_cstr(call->arena, payment->currency);
    if (!psp)
        return provider_failed(call, ERR_UNAVAILABLE, &(struct psp_failure){"not_listening", "", ""});
    if (key.len == 0 || !currency)
        return ERR_NO_MEMORY;
    const struct psp_new_intent intent = {
        .amount = payment->amount,
        .currency = currency,
        .payment_method = payment->payment_method,
        .reference = payment->order_id,
        .tenant = payment->tenant,
        .return_url = payment->return_url,
    };
    struct psp_failure failure = {0};
    int error = ERR_DEADLINE;
    /* A lost answer is fetched again by the same key: the provider charges once. */
    for (int attempt = 0; attempt < PROVIDER_ATTEMPTS && (error == ERR_DEADLINE || error == ERR_UNAVAILABLE); attempt++)
        error = psp->create_intent(psp, PSP_ASKER(call), &intent, key, ret_intent, &failure);
    if (error == ERR_NOT_FOUND || error == ERR_INVALID || error == ERR_DECLINED) {
        /* There is no such payment method, or it is not one for this amount: the customer's to mend. */
        *ret_intent = (struct psp_intent){.status = PSP_REQUIRES_PAYMENT_METHOD, .failure = failure};
        return 0;
    }
    return provider_failed(call, error, &failure);
}

/* What the provider has, however long ago it was asked for; else it is asked. */
int ask_authorisation(struct call *call, const struct payment_row *payment, struct psp_intent *ret_intent)
{
    if (!key_may_be_forgotten(call, payment->created_ms, payment->asked_ms))
        return create_intent(call, payment, ret_intent);
    int found = find_forgotten_intent(call, payment, ret_intent);
    if (found != ERR_NOT_FOUND)
        return found;
    if (payment->return_requested) {
        *ret_intent = (struct psp_intent){.status = PSP_REQUIRES_PAYMENT_METHOD};
        return 0;
    }
    return create_intent(call, payment, ret_intent);
}

static int write_answer(struct sql_tx *tx, void *argument)
{
    struct authorisation *authorisation = argument;
    TRY(load_row(tx, authorisation->call, authorisation->in->order_id, &authorisation->payment));
    return apply_intent(authorisation->call, &authorisation->payment, authorisation->intent);
}

int authorise_payment(struct call *call, const Payments__AuthorisePaymentRequest *in, Payments__Payment *out)
{
    struct authorisation authorisation = {.call = call, .in = in};
    TRY(call_write(call, write_payment, &authorisation));
    const struct payment_row *payment = &authorisation.payment;
    if (payment->amount != in->amount->amount || !str_equal_cstr(payment->currency, in->amount->currency)) {
        if (!payment->return_requested)
            return call_fail(call, ERR_UNPROCESSABLE, "order_id_used", "/amount",
                             "The order has a payment of another amount.");
    }
    if (is_undecided(payment)) {
        struct psp_intent intent = {0};
        task_step("payment written, provider not asked");
        TRY(ask_authorisation(call, payment, &intent));
        task_step("provider asked, answer not written");
        authorisation.intent = &intent;
        TRY(call_write(call, write_answer, &authorisation));
    }
    return fill_payment(call, payment, out);
}

/* -- CapturePayment ------------------------------------------------------------------------------------------------ */

struct capture {
    struct call *call;
    const char *order_id;
    struct payment_row payment;
    const struct psp_intent *intent;
};

static int read_capture(struct sql_tx *tx, void *argument)
{
    struct capture *capture = argument;
    return load_row(tx, capture->call, capture->order_id, &capture->payment);
}

static int write_capture(struct sql_tx *tx, void *argument)
{
    struct capture *capture = argument;
    TRY(load_row(tx, capture->call, capture->order_id, &capture->payment));
    return apply_intent(capture->call, &capture->payment, capture->intent);
}

static int ask_capture(struct call *call, const struct payment_row *payment, struct psp_intent *ret_intent)
{
    struct psp *psp = payments_psp(call);
    struct str key = provider_key(call, "capture", payment->tenant, payment->order_id);
    if (!psp)
        return provider_failed(call, ERR_UNAVAILABLE, &(struct psp_failure){"not_listening", "", ""});
    if (key.len == 0)
        return ERR_NO_MEMORY;
    struct psp_failure failure = {0};
    int error = ERR_DEADLINE;
    for (int attempt = 0; attempt < PROVIDER_ATTEMPTS && (error == ERR_DEADLINE || error == ERR_UNAVAILABLE); attempt++)
        error = psp->capture_intent(psp, PSP_ASKER(call), payment->provider_id, key, ret_intent, &failure);
    /* Somebody was there before: the provider says what is. */
    if (error == ERR_CONFLICT)
        error = psp->retrieve_intent(psp, PSP_ASKER(call), payment->provider_id, ret_intent, &failure);
    return provider_failed(call, error, &failure);
}

static bool is_captured(const struct payment_row *payment)
{
    return payment_is(payment, "captured") || payment_is(payment, "partially_refunded") ||
           payment_is(payment, "refunded");
}

int capture_payment(struct call *call, const Payments__OrderPaymentRequest *in, Payments__Payment *out)
{
    struct capture capture = {.call = call, .order_id = in->order_id};
    int error = call_read(call, read_capture, &capture);
    if (error == ERR_NOT_FOUND)
        return call_fail(call, error, "payment_not_found", "/order_id", "The order has no payment.");
    TRY(error);
    const struct payment_row *payment = &capture.payment;
    if (payment->return_requested)
        return call_fail(call, ERR_CONFLICT, "payment_returned", NULL, "The payment was returned, or is about to be.");
    if (!is_captured(payment)) {
        if (payment->provider_id.len == 0 || payment_is(payment, "failed") || payment_is(payment, "voided"))
            return call_fail(call, ERR_CONFLICT, "payment_not_authorised", NULL, "The payment is %.*s.",
                             STR_FORMAT(payment->status));
        struct psp_intent intent = {0};
        TRY(ask_capture(call, payment, &intent));
        task_step("captured, answer not written");
        capture.intent = &intent;
        TRY(call_write(call, write_capture, &capture));
        if (!is_captured(payment))
            return call_fail(call, ERR_CONFLICT, "payment_not_authorised", NULL, "The payment is %.*s.",
                             STR_FORMAT(payment->status));
    }
    return fill_payment(call, payment, out);
}

/* -- Reading ------------------------------------------------------------------------------------------------------- */

int get_payment(struct call *call, const Payments__GetPaymentRequest *in, Payments__Payment *out)
{
    struct payment_row payment;
    int error = find_payment(call->tx, call->arena, call->tenant, str_from_cstr(in->id), &payment);
    if (error == ERR_NOT_FOUND)
        return call_fail(call, error, "payment_not_found", NULL, "There is no such payment.");
    TRY(error);
    call_set_version(call, payment.version);
    return fill_payment(call, &payment, out);
}

static int fill_entry(struct call *call, struct sql_rows *rows, Payments__LedgerEntry *entry)
{
    char created_at[TIME_RFC3339_BYTES];
    time_format_rfc3339(sql_get_int(rows, 6), created_at);
    payments__ledger_entry__init(entry);
    entry->id = arena_cstr(call->arena, sql_get_text(rows, 0));
    entry->transaction_id = arena_cstr(call->arena, sql_get_text(rows, 1));
    entry->account = arena_cstr(call->arena, sql_get_text(rows, 2));
    entry->direction = arena_cstr(call->arena, sql_get_text(rows, 3));
    entry->has_amount = true;
    entry->amount = sql_get_int(rows, 4);
    entry->currency = arena_cstr(call->arena, sql_get_text(rows, 5));
    entry->created_at = arena_cstr(call->arena, str_from_cstr(created_at));
    return entry->id && entry->transaction_id && entry->account && entry->direction && entry->currency &&
                   entry->created_at
               ? 0
               : ERR_NO_MEMORY;
}

int list_ledger(struct call *call, const Payments__ListLedgerRequest *in, Payments__ListLedgerReply *out)
{
    int32_t limit = in->has_limit ? in->limit : LIMIT_DEFAULT;
    struct sql_value after = sql_cstr("");
    if (in->cursor)
        TRY(call_cursor_decode(call, &in->base, str_from_cstr(in->cursor), &after, 1));
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(call->tx, &payments_sql_list_entries, SQL_ARGS(sql_text(call->tenant), after, sql_int(limit + 1)),
                  &rows));
    out->entries = arena_alloc_array(call->arena, (size_t)limit, sizeof(*out->entries));
    Payments__LedgerEntry *entries = arena_alloc_array(call->arena, (size_t)limit, sizeof(*entries));
    if (!out->entries || !entries)
        return ERR_NO_MEMORY;
    int more;
    while ((more = sql_next(rows)) == 1 && out->n_entries < (size_t)limit) {
        TRY(fill_entry(call, rows, &entries[out->n_entries]));
        out->entries[out->n_entries] = &entries[out->n_entries];
        out->n_entries++;
    }
    if (more <= 0)
        return more;
    struct sql_value last = sql_cstr(entries[limit - 1].id);
    struct str cursor;
    TRY(call_cursor_encode(call, &in->base, &last, 1, &cursor));
    out->next_cursor = arena_cstr(call->arena, cursor);
    return out->next_cursor ? 0 : ERR_NO_MEMORY;
}

static int fill_finding(struct call *call, struct sql_rows *rows, Payments__Finding *finding)
{
    char created_at[TIME_RFC3339_BYTES];
    time_format_rfc3339(sql_get_int(rows, 4), created_at);
    payments__finding__init(finding);
    finding->id = arena_cstr(call->arena, sql_get_text(rows, 0));
    finding->kind = arena_cstr(call->arena, sql_get_text(rows, 1));
    finding->reference = arena_cstr(call->arena, sql_get_text(rows, 2));
    finding->action = arena_cstr(call->arena, sql_get_text(rows, 3));
    finding->created_at = arena_cstr(call->arena, str_from_cstr(created_at));
    return finding->id && finding->kind && finding->reference && finding->action && finding->created_at ? 0
                                                                                                        : ERR_NO_MEMORY;
}

int list_findings(struct call *call, const Payments__ListFindingsRequest *in, Payments__ListFindingsReply *out)
{
    int32_t limit = in->has_limit ? in->limit : LIMIT_DEFAULT;
    struct sql_value before = sql_cstr("~"); /* behind every id */
    if (in->cursor)
        TRY(call_cursor_decode(call, &in->base, str_from_cstr(in->cursor), &before, 1));
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(call->tx, &payments_sql_list_findings, SQL_ARGS(sql_text(call->tenant), before, sql_int(limit + 1)),
                  &rows));
    out->findings = arena_alloc_array(call->arena, (size_t)limit, sizeof(*out->findings));
    Payments__Finding *findings = arena_alloc_array(call->arena, (size_t)limit, sizeof(*findings));
    if (!out->findings || !findings)
        return ERR_NO_MEMORY;
    int more;
    while ((more = sql_next(rows)) == 1 && out->n_findings < (size_t)limit) {
        TRY(fill_finding(call, rows, &findings[out->n_findings]));
        out->findings[out->n_findings] = &findings[out->n_findings];
        out->n_findings++;
    }
    if (more <= 0)
        return more;
    struct sql_value last = sql_cstr(findings[limit - 1].id);
    struct str cursor;
    TRY(call_cursor_encode(call, &in->base, &last, 1, &cursor));
    out->next_cursor = arena_cstr(call->arena, cursor);
    return out->next_cursor ? 0 : ERR_NO_MEMORY;
}
