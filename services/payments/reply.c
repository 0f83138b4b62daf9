#include "services/payments/payments.h"

#include "platform/base/time_format.h"
#include "platform/ports/clock/clock.h"

/* When a refund that failed is asked for again, as the wall clock will say it then; NULL: none is to be. */
static int fill_next_refund(struct call *call, const struct payment_row *row, Payments__Payment *out)
{
    char due_at[TIME_RFC3339_BYTES];
    if (row->refund_due_ms == 0 || !row->return_requested)
        return 0;
    time_format_rfc3339(call_now_ms(call) + row->refund_due_ms - clock_steady_ms(), due_at);
    out->next_refund_at = arena_cstr(call->arena, str_from_cstr(due_at));
    return out->next_refund_at ? 0 : ERR_NO_MEMORY;
}

static char *cstr_or_null(struct call *call, struct str text)
{
    return text.len > 0 ? arena_cstr(call->arena, text) : NULL;
}

static Common__Money *new_money(struct call *call, int64_t amount, struct str currency)
{
    Common__Money *money = arena_alloc(call->arena, sizeof(*money));
    if (!money)
        return NULL;
    common__money__init(money);
    money->has_amount = true;
    money->amount = amount;
    money->currency = arena_cstr(call->arena, currency);
    return money->currency ? money : NULL;
}

static int new_failure(struct call *call, const struct payment_row *row, Common__Failure **ret_failure)
{
    if (row->failure_code.len == 0)
        return 0;
    Common__Failure *failure = arena_alloc(call->arena, sizeof(*failure));
    if (!failure)
        return ERR_NO_MEMORY;
    common__failure__init(failure);
    failure->code = arena_cstr(call->arena, row->failure_code);
    failure->message = arena_cstr(call->arena, row->failure_message);
    *ret_failure = failure;
    return failure->code && failure->message ? 0 : ERR_NO_MEMORY;
}

static int new_next_action(struct call *call, const struct payment_row *row, Payments__NextAction **ret_action)
{
    if (!payment_is(row, "requires_action") || row->action_url.len == 0)
        return 0;
    Payments__NextAction *action = arena_alloc(call->arena, sizeof(*action));
    Payments__RedirectToUrl *redirect = arena_alloc(call->arena, sizeof(*redirect));
    if (!action || !redirect)
        return ERR_NO_MEMORY;
    payments__next_action__init(action);
    payments__redirect_to_url__init(redirect);
    redirect->url = arena_cstr(call->arena, row->action_url);
    action->type = arena_cstr(call->arena, STR("redirect_to_url"));
    action->redirect_to_url = redirect;
    *ret_action = action;
    return redirect->url && action->type ? 0 : ERR_NO_MEMORY;
}

int fill_payment(struct call *call, const struct payment_row *row, Payments__Payment *out)
{
    out->id = arena_cstr(call->arena, row->id);
    out->order_id = arena_cstr(call->arena, row->order_id);
    out->status = arena_cstr(call->arena, row->status);
    out->amount = new_money(call, row->amount, row->currency);
    out->refunded = new_money(call, row->refunded_amount, row->currency);
    out->provider_id = cstr_or_null(call, row->provider_id);
    char created_at[TIME_RFC3339_BYTES];
    time_format_rfc3339(row->created_ms, created_at);
    out->created_at = arena_cstr(call->arena, str_from_cstr(created_at));
    out->has_version = true;
    out->version = row->version;
    TRY(new_failure(call, row, &out->failure));
    TRY(new_next_action(call, row, &out->next_action));
    TRY(fill_next_refund(call, row, out));
    return out->id && out->order_id && out->status && out->amount && out->refunded && out->created_at ? 0
                                                                                                      : ERR_NO_MEMORY;
}

int fill_refund(struct call *call, const struct refund_row *row, Payments__Refund *out)
{
    out->id = arena_cstr(call->arena, row->id);
    out->payment_id = arena_cstr(call->arena, row->payment_id);
    out->status = arena_cstr(call->arena, row->status);
    out->amount = new_money(call, row->amount, row->currency);
    return out->id && out->payment_id && out->status && out->amount ? 0 : ERR_NO_MEMORY;
}

int publish_payment(struct call *call, const struct payment_row *row, const char *type)
{
    Payments__PaymentEvent event;
    payments__payment_event__init(&event);
    event.payment_id = arena_cstr(call->arena, row->id);
    event.order_id = arena_cstr(call->arena, row->order_id);
    event.status = arena_cstr(call->arena, row->status);
    event.amount = new_money(call, row->amount, row->currency);
    event.refunded = new_money(call, row->refunded_amount, row->currency);
    event.has_version = true;
    event.version = row->version;
    TRY(new_failure(call, row, &event.failure));
    TRY(new_next_action(call, row, &event.next_action));
    if (!event.payment_id || !event.order_id || !event.status || !event.amount || !event.refunded)
        return ERR_NO_MEMORY;
    /* The event is the row's tenant's, whoever made us write it: a job, or the provider. */
    struct str tenant = call->tenant;
    call->tenant = row->tenant;
    int error = call_publish(call, PAYMENTS_TOPIC, type, row->order_id, &event.base);
    call->tenant = tenant;
    return error;
}

struct intention {
    struct call *call;
    sql_closure *closure;
    void *argument;
};

static int run_intention(struct sql_tx *tx, void *argument)
{
    struct intention *intention = argument;
    TRY(call_check_deadline(intention->call));
    intention->call->tx = tx;
    int error = intention->closure(tx, intention->argument);
    intention->call->tx = NULL;
    return error;
}

int write_intention(struct call *call, sql_closure *closure, void *argument)
{
    struct intention intention = {call, closure, argument};
    TRY(sql_write(call->db, run_intention, &intention));
    call->must_finish = true;
    return 0;
}
